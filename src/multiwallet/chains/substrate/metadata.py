"""A runtime's metadata, versions 14 and 15, read from the bytes that a node gives.

Everything of a runtime that this family needs is in here: its types, its pallets with their calls, errors, storage
and constants, and the extensions that a signed transaction carries. Format: "Metadata" in the Polkadot
specification and ``frame-metadata``'s v14 and v15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ...codec import scale
from ...codec.reader import Reader
from ...errors import BadResponse, InputError
from .types import Array, Bits, Composite, Field, Group, Leaf, List, Reference, Types, Variant

__all__ = ["Extension", "Metadata", "Pallet", "parse"]

_MAGIC: Final = b"meta"
_LARGEST: Final = 4 * 2**20  # the largest known have 0.7
_DEPTH: Final = 64
_PRIMITIVES: Final = (
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
)  # fmt: skip
_WIDTHS: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


@dataclass(frozen=True, slots=True)
class Extension:
    """One signed extension: its name, and what it adds to the extrinsic and to what is signed beside it."""

    name: str
    included: Reference
    implicit: Reference


@dataclass(frozen=True, slots=True)
class Pallet:
    """A pallet: its index, its enumerations of calls and errors, and its constants as (type, bytes)."""

    name: str
    index: int
    calls: Reference | None
    errors: Reference | None
    constants: Mapping[str, tuple[Reference, bytes]]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What :func:`parse` reads. References are ids of :attr:`types`."""

    version: int
    types: Types
    pallets: Mapping[str, Pallet]
    address: Reference
    call: Reference
    signature: Reference
    extrinsic_version: int
    extensions: tuple[Extension, ...]
    events: Reference
    """The type of the storage item System.Events."""


@lru_cache(maxsize=8)
def parse(data: bytes) -> Metadata:
    """Metadata from its bytes (``meta``, the version, and so on); BadResponse says what is wrong with it."""
    if len(data) > _LARGEST:
        raise BadResponse(f"the runtime's metadata has {len(data)} bytes: more than the {_LARGEST} that are read here")
    reader = Reader(data, "the metadata")
    try:
        if reader.take(4) != _MAGIC:
            raise BadResponse("this is no metadata: it does not begin with 'meta'")
        version = reader.byte()
        if version not in (14, 15):
            raise BadResponse(f"metadata of version {version} is not read here: versions 14 and 15 are")
        return _Registry(reader, version).metadata()
    except InputError as error:
        raise BadResponse(f"the metadata is damaged: {error.message}") from None


class _Registry:
    """The portable registry, and the table of types that is made of it."""

    def __init__(self, reader: Reader, version: int) -> None:
        self.reader = reader
        self.version = version
        self.entries: dict[int, tuple[tuple[str, ...], list[tuple[str, int | None]], tuple[int, Any]]] = {}

    def metadata(self) -> Metadata:
        reader = self.reader
        for _ in range(self._count()):
            self._entry()
        types = self._types()
        pallets, events = {}, None
        for _ in range(self._count()):
            pallet, found = self._pallet()
            pallets[pallet.name] = pallet
            events = found if pallet.name == "System" else events
        if self.version == 14:
            whole = scale.compact(reader)
            number = reader.byte()
            parameters = dict(self._known(whole)[1])
            address, call, signature = (parameters.get(name) for name in ("Address", "Call", "Signature"))
        else:
            number = reader.byte()
            address, call, signature, _ = (scale.compact(reader) for _ in range(4))
        if address is None or call is None or signature is None or events is None:
            raise BadResponse("the metadata names no type of addresses, calls, signatures or events")
        extensions = tuple(scale.vector(reader, self._extension))
        return Metadata(
            self.version,
            types,
            pallets,
            self._reference(address),
            self._reference(call),
            self._reference(signature),
            number,
            extensions,
            self._reference(events),
        )

    def _count(self) -> int:
        count = scale.compact(self.reader)
        if count > self.reader.remaining:
            raise InputError(f"a list of {count} items is announced: too many")
        return count

    # -- reading ---------------------------------------------------------------------------------------

    def _entry(self) -> None:
        reader = self.reader
        identity = scale.compact(reader)
        path = tuple(scale.vector(reader, scale.text))
        parameters = scale.vector(reader, _parameter)
        definition = scale.enum(
            reader,
            lambda r: scale.vector(r, _field),
            lambda r: scale.vector(r, _variant),
            scale.compact,
            lambda r: (r.uint(4), scale.compact(r)),
            lambda r: scale.vector(r, scale.compact),
            lambda r: scale.enum(r, *([_nothing] * len(_PRIMITIVES)))[0],
            scale.compact,
            lambda r: (scale.compact(r), scale.compact(r)),
        )
        scale.vector(reader, scale.text)  # documentation
        if identity in self.entries:
            raise InputError(f"the type {identity} is there twice")
        self.entries[identity] = (path, parameters, definition)

    def _pallet(self) -> tuple[Pallet, int | None]:
        reader = self.reader
        name = scale.text(reader)
        events = scale.option(reader, _storage)
        calls = scale.option(reader, scale.compact)
        scale.option(reader, scale.compact)  # events
        constants = scale.vector(reader, self._constant)
        errors = scale.option(reader, scale.compact)
        index = reader.byte()
        if self.version >= 15:
            scale.vector(reader, scale.text)
        pallet = Pallet(
            name,
            index,
            None if calls is None else self._reference(calls),
            None if errors is None else self._reference(errors),
            dict(constants),
        )
        return pallet, events

    def _constant(self, reader: Reader) -> tuple[str, tuple[Reference, bytes]]:
        name, reference = scale.text(reader), self._reference(scale.compact(reader))
        value = scale.read_bytes(reader)
        scale.vector(reader, scale.text)
        return name, (reference, value)

    def _extension(self, reader: Reader) -> Extension:
        name = scale.text(reader)
        return Extension(name, self._reference(scale.compact(reader)), self._reference(scale.compact(reader)))

    # -- what RFC-78 makes of it -----------------------------------------------------------------------

    def _known(self, identity: int) -> tuple[tuple[str, ...], list[tuple[str, int | None]], tuple[int, Any]]:
        found = self.entries.get(identity)
        if found is None:
            raise InputError(f"the type {identity} is named and not described")
        return found

    def _reference(self, identity: int) -> Reference:
        _, _, (kind, value) = self._known(identity)
        if kind == 5:
            return _PRIMITIVES[value]
        if kind == 6:
            inner = self._primitive(value)
            if inner is None:
                return "void"
            if not inner.startswith("u"):
                raise InputError(f"the type {identity} is a compact {inner}")
            return f"compact-{inner}"
        if kind in (0, 1, 4) and not value:
            return "void"
        return identity

    def _primitive(self, identity: int) -> str | None:
        """The basic type inside wrappers of one field; None for an empty one."""
        for _ in range(_DEPTH):
            _, _, (kind, value) = self._known(identity)
            if kind == 5:
                return _PRIMITIVES[value]
            if kind not in (0, 4) or len(value) > 1:
                break
            if not value:
                return None
            identity = value[0] if kind == 4 else value[0][1]
        raise InputError(f"the type {identity} is no integer and should be one")

    def _types(self) -> Types:
        leaves: list[Leaf] = []
        for identity, (path, _, (kind, value)) in self.entries.items():
            if kind == 0 and value:
                leaves.append(Leaf(path, Composite(self._fields(value)), identity))
            elif kind == 1:
                leaves += [
                    Leaf(path, Variant(name, self._fields(fields), index), identity) for name, fields, index in value
                ]
            elif kind == 2:
                leaves.append(Leaf(path, List(self._reference(value)), identity))
            elif kind == 3:
                leaves.append(Leaf(path, Array(value[0], self._reference(value[1])), identity))
            elif kind == 4 and value:
                leaves.append(Leaf(path, Group(tuple(map(self._reference, value))), identity))
            elif kind == 7:
                order = self._known(value[1])[0]
                width = _WIDTHS.get(self._primitive(value[0]) or "")
                if width is None or not {"Lsb0", "Msb0"} & set(order):
                    raise InputError(f"the bits of the type {identity} are kept in no way that is known here")
                leaves.append(Leaf(path, Bits(width, "Lsb0" in order), identity))
        return Types.of(leaves)

    def _fields(self, fields: list[tuple[str | None, int, str | None]]) -> tuple[Field, ...]:
        return tuple(Field(name, self._reference(identity), type_name) for name, identity, type_name in fields)


def _nothing(_: Reader) -> None:
    return None


def _parameter(reader: Reader) -> tuple[str, int | None]:
    return scale.text(reader), scale.option(reader, scale.compact)


def _field(reader: Reader) -> tuple[str | None, int, str | None]:
    name = scale.option(reader, scale.text)
    identity = scale.compact(reader)
    type_name = scale.option(reader, scale.text)
    scale.vector(reader, scale.text)
    return name, identity, type_name


def _variant(reader: Reader) -> tuple[str, list[tuple[str | None, int, str | None]], int]:
    name, fields, index = scale.text(reader), scale.vector(reader, _field), reader.byte()
    scale.vector(reader, scale.text)
    return name, fields, index


def _storage(reader: Reader) -> int | None:
    """A pallet's storage: the type of its item ``Events`` where it has one."""
    scale.text(reader)
    events = None
    for name, value in scale.vector(reader, _storage_entry):
        if name == "Events":
            events = value
    return events


def _storage_entry(reader: Reader) -> tuple[str, int]:
    name = scale.text(reader)
    reader.byte()  # optional or with a default
    if scale.boolean(reader):
        scale.vector(reader, Reader.byte)  # the hashers of a map
        scale.compact(reader)
    value = scale.compact(reader)
    scale.read_bytes(reader)  # the default
    scale.vector(reader, scale.text)
    return name, value
