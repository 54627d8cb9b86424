"""Values of a runtime's types, read and written by the table of types.

Read, a structure is a dict (of one unnamed field: that field; of several: a list), an enumeration's case a
:class:`Case`, an account id an :class:`AccountId`, a list or array of bytes ``bytes``, bits their raw bytes. Written
are the same, and what people type: an SS58 address for an account or a MultiAddress, ``"0x..."`` for bytes, the name
of a case alone or ``{name: value}``, decimal text for a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...codec import scale
from ...codec.hexadecimal import parse_hex
from ...codec.reader import Reader
from ...errors import InputError, InvalidTransaction, shown
from .types import Array, Bits, Composite, Field, Group, Leaf, List, Reference, Types, Variant

__all__ = ["AccountId", "Case", "Decoder", "Encoder"]

_DEPTH: Final = 64
_ITEMS: Final = 1_000_000


class AccountId(bytes):
    """An account's 32 bytes, told apart from other bytes by its type."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One case of an enumeration: its name, and what it holds (None for nothing)."""

    name: str
    value: Any = None
    path: tuple[str, ...] = ()


class Decoder:
    """Reads values; InvalidTransaction for bytes that are none. ``seen`` is told every leaf that was needed.

    One decoder reads a bounded number of values in all, nested 64 deep at most.
    """

    def __init__(self, types: Types, seen: Callable[[Leaf], object] = lambda leaf: None) -> None:
        self._types = types
        self._seen = seen
        self._left = _ITEMS

    def read(self, reader: Reader, reference: Reference) -> Any:
        """The next value of a type."""
        try:
            return self._value(reader, reference, _DEPTH)
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(error.message) from None

    def _value(self, reader: Reader, reference: Reference, depth: int) -> Any:
        self._left -= 1
        if depth <= 0 or self._left < 0:
            raise InvalidTransaction("the bytes nest too deep, or hold too many values")
        if isinstance(reference, str):
            return _basic(reader, reference)
        variants = self._types.variants.get(reference)
        if variants is not None:
            index = reader.byte()
            leaf, case = self._types.variant(reference, index)
            self._seen(leaf)
            return Case(case.name, self._fields(reader, case.fields, depth), leaf.path)
        leaf = self._types.get(reference)
        self._seen(leaf)
        match leaf.shape:
            case Composite(fields):
                value = self._fields(reader, fields, depth)
                return AccountId(value) if _is_account(leaf.path, value) else value
            case List(of):
                return self._items(reader, of, scale.compact(reader), depth)
            case Array(length, of):
                return self._items(reader, of, length, depth)
            case Group(items):
                return [self._value(reader, item, depth - 1) for item in items]
            case Bits(width, _):
                words = (scale.compact(reader) + 8 * width - 1) // (8 * width)
                return reader.take(words * width)
            case Variant():
                raise InvalidTransaction(f"the type {reference} is described in two ways")

    def _items(self, reader: Reader, of: Reference, count: int, depth: int) -> Any:
        if of == "u8":
            return reader.take(count)
        if count > self._left:
            raise InvalidTransaction(f"a list of {count} items is announced: too many")
        return [self._value(reader, of, depth - 1) for _ in range(count)]

    def _fields(self, reader: Reader, fields: tuple[Field, ...], depth: int) -> Any:
        if not fields:
            return None
        if all(item.name is None for item in fields):
            values = [self._value(reader, item.type, depth - 1) for item in fields]
            return values[0] if len(values) == 1 else values
        return {item.name or str(n): self._value(reader, item.type, depth - 1) for n, item in enumerate(fields)}


def _is_account(path: tuple[str, ...], value: Any) -> bool:
    return path[-1:] == ("AccountId32",) and isinstance(value, bytes) and len(value) == 32


def _basic(reader: Reader, name: str) -> Any:
    if name == "void":
        return None
    if name == "bool":
        return scale.boolean(reader)
    if name == "str":
        return scale.text(reader)
    if name == "char":
        return reader.uint(4)
    if name.startswith("compact-"):
        value = scale.compact(reader)
        if value >> int(name[9:]):
            raise InvalidTransaction(f"a {name[8:]} is written that is too large for one")
        return value
    size = int(name[1:]) // 8
    return reader.uint(size) if name[0] == "u" else scale.signed(reader, size)


class Encoder:
    """Writes values; InputError names the place of what does not fit.

    ``account`` makes 32 bytes of an address text, as the network reads addresses.
    """

    def __init__(self, types: Types, account: Callable[[str], bytes]) -> None:
        self._types = types
        self._account = account

    def write(self, reference: Reference, value: Any, where: str = "the value") -> bytes:
        """The encoding of a value of a type."""
        return self._value(reference, value, where, _DEPTH)

    def _value(self, reference: Reference, value: Any, where: str, depth: int) -> bytes:
        if depth <= 0:
            raise InputError(f"{where[:80]}: nested too deep")
        if isinstance(value, float):
            raise TypeError(f"{where}: a float is never exact; write a whole number of the smallest unit")
        if isinstance(reference, str):
            return self._basic(reference, value, where)
        path = self._types.path(reference)
        if reference in self._types.variants:
            return self._case(reference, path, value, where, depth)
        if path[-1:] == ("AccountId32",) and isinstance(value, str) and not value.startswith("0x"):
            return self._account(value)
        match self._types.get(reference).shape:
            case Composite(fields):
                return self._fields(fields, value, where, depth)
            case List(of):
                return self._list(of, value, where, depth)
            case Array(length, of):
                if of == "u8":
                    return _octets(value, where, length)
                items = _listed(value, where)
                if len(items) != length:
                    raise InputError(f"{where}: {length} items are needed, not {len(items)}")
                return b"".join(self._value(of, item, f"{where}[{n}]", depth - 1) for n, item in enumerate(items))
            case Group(parts):
                items = _listed(value, where)
                if len(items) != len(parts):
                    raise InputError(f"{where}: {len(parts)} items are needed, not {len(items)}")
                return b"".join(
                    self._value(part, item, f"{where}[{n}]", depth - 1)
                    for n, (part, item) in enumerate(zip(parts, items, strict=True))
                )
            case _:
                raise InputError(f"{where}: lists of bits cannot be written here")

    def _list(self, of: Reference, value: Any, where: str, depth: int) -> bytes:
        if of == "u8":
            if isinstance(value, str) and not value.startswith("0x"):
                return scale.encode_text(value)
            return scale.encode_bytes(_octets(value, where, None))
        items = _listed(value, where)
        return scale.encode_vector(self._value(of, item, f"{where}[{n}]", depth - 1) for n, item in enumerate(items))

    def _case(self, reference: int, path: tuple[str, ...], value: Any, where: str, depth: int) -> bytes:
        known = {leaf.shape.name: leaf.shape for leaf in self._types.variants[reference].values() if isinstance(leaf.shape, Variant)}  # fmt: skip
        if path == ("Option",):
            if value is None:
                return scale.encode_enum(0)
            if not isinstance(value, Case) and not (isinstance(value, Mapping) and set(value) == {"Some"}):
                value = Case("Some", value)
        if path[-1:] == ("MultiAddress",) and isinstance(value, str | bytes):
            if isinstance(value, str) and not value.startswith("0x"):
                value = self._account(value)
            value = Case("Id", value)
        if path[-1:] == ("RuntimeCall",) and isinstance(value, Mapping) and set(value) == {"pallet", "name", "args"}:
            value = {value["pallet"]: {value["name"]: value["args"]}}
        if isinstance(value, str):
            value = Case(value)
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, content),) = value.items()
            value = Case(name, content)
        if not isinstance(value, Case) or not isinstance(value.name, str):
            raise InputError(f"{where}: name one of {_names(known)}, as text or as {{name: value}}")
        case = known.get(value.name)
        if case is None:
            raise InputError(f"{where}: there is no {shown(value.name)} here; there is {_names(known)}")
        content = self._fields(case.fields, value.value, f"{where}.{case.name}", depth)
        return scale.encode_enum(case.index, content)

    def _fields(self, fields: tuple[Field, ...], value: Any, where: str, depth: int) -> bytes:
        if not fields:
            if value not in (None, {}, [], ()):
                raise InputError(f"{where}: nothing belongs here")
            return b""
        if all(item.name is None for item in fields):
            values = [value] if len(fields) == 1 else _listed(value, where)
            if len(values) != len(fields):
                raise InputError(f"{where}: {len(fields)} items are needed, not {len(values)}")
            return b"".join(
                self._value(item.type, part, where, depth - 1) for item, part in zip(fields, values, strict=True)
            )
        names = [item.name or str(n) for n, item in enumerate(fields)]
        if not isinstance(value, Mapping):
            if len(fields) == 1:
                value = {names[0]: value}  # a wrapper of one field, such as { id: ... }
            else:
                raise InputError(f"{where}: a table with {', '.join(names)} is needed")
        if set(value) != set(names):
            wrong = sorted(set(map(str, value)) ^ set(names))
            raise InputError(f"{where}: the fields are {', '.join(names)}; check {shown(wrong[0])}")
        return b"".join(
            self._value(item.type, value[name], f"{where}.{name}", depth - 1)
            for name, item in zip(names, fields, strict=True)
        )

    def _basic(self, name: str, value: Any, where: str) -> bytes:
        try:
            if name == "void":
                if value not in (None, {}, [], ()):
                    raise InputError("nothing belongs here")
                return b""
            if name == "bool":
                return scale.encode_boolean(value)
            if name == "str":
                if not isinstance(value, str):
                    raise InputError("text is needed")
                return scale.encode_text(value)
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 160:
                value = int(value)
            if name == "char":
                return scale.encode_uint(value, 4)
            if name.startswith("compact-"):
                scale.encode_uint(value, int(name[9:]) // 8)
                return scale.encode_compact(value)
            write = scale.encode_uint if name[0] == "u" else scale.encode_int
            return write(value, int(name[1:]) // 8)
        except InputError as error:
            raise InputError(f"{where}: {error.message}") from None


def _names(known: Mapping[str, Variant]) -> str:
    names = sorted(known)
    return ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")


def _octets(value: Any, where: str, length: int | None) -> bytes:
    if isinstance(value, str):
        value = parse_hex(value, prefix="required", what=where)
    if not isinstance(value, bytes | bytearray):
        raise InputError(f"{where}: bytes are needed, or their hex with 0x in front")
    if length is not None and len(value) != length:
        raise InputError(f"{where}: {length} bytes are needed, not {len(value)}")
    return bytes(value)


def _listed(value: Any, where: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise InputError(f"{where}: a list is needed")
    return value
