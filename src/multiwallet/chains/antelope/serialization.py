"""Values to bytes and back, by an ABI: structs, typedefs, variants, optional, arrays and binary extensions.

Values are those of nodeos's JSON: names, assets, keys and times as texts, bytes and checksums as hex, a variant
as ``[type, value]``. Fractions are texts, never floats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...errors import InputError, InvalidTransaction
from . import elementary
from .abi import Abi, Struct
from .wire import Input, varuint

__all__ = ["decode", "encode"]

_DEEPEST: Final = 32
_EXTENSION: Final = "$"


def encode(abi: Abi, kind: str, value: Any, placeholders: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a value of a type. InvalidTransaction names the field that does not fit; TypeError for floats.

    ``placeholders`` are names that stand for other names; texts and all other types are left as they are.
    """
    return _Encoder(abi, placeholders or {}).encode(kind, value, kind, 0)


def decode(abi: Abi, kind: str, data: bytes) -> Any:
    """The value in ``data``, all of which it must take. InvalidTransaction."""
    source = Input(data, f"the data of {kind[:64]}")
    value = _Decoder(abi, source).decode(kind, 0)
    source.finish()
    return value


class _Resolver:
    def __init__(self, abi: Abi) -> None:
        self.abi = abi

    def plain(self, kind: str) -> str:
        """The type behind typedefs."""
        for _ in range(_DEEPEST):
            if kind not in self.abi.types:
                return kind
            kind = self.abi.types[kind]
        raise InvalidTransaction("the ABI's typedefs go round in a circle")

    def fields(self, struct: Struct) -> list[tuple[str, str]]:
        """A struct's fields, those of its bases first."""
        chain = [struct]
        while chain[-1].base:
            base = self.abi.structs.get(self.plain(chain[-1].base))
            if base is None or len(chain) > _DEEPEST:
                raise InvalidTransaction(f"the ABI does not say what {chain[-1].base[:64]!r} is")
            chain.append(base)
        return [field for part in reversed(chain) for field in part.fields]

    def unknown(self, kind: str) -> InvalidTransaction:
        return InvalidTransaction(f"the ABI does not say what the type {kind[:64]!r} is")

    def check_depth(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise InvalidTransaction(f"the value is nested more than {_DEEPEST} deep")


class _Encoder(_Resolver):
    def __init__(self, abi: Abi, placeholders: Mapping[str, str]) -> None:
        super().__init__(abi)
        self.placeholders = placeholders

    def encode(self, kind: str, value: Any, where: str, depth: int) -> bytes:
        self.check_depth(depth)
        kind = self.plain(kind.removesuffix(_EXTENSION))
        if kind.endswith("[]"):
            if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
                raise InvalidTransaction(f"{where} is a list")
            parts = (self.encode(kind[:-2], item, f"{where}[{n}]", depth + 1) for n, item in enumerate(value))
            return varuint(len(value)) + b"".join(parts)
        if kind.endswith("?"):
            return b"\0" if value is None else b"\1" + self.encode(kind[:-1], value, where, depth + 1)
        if kind in self.abi.structs:
            return self._struct(self.abi.structs[kind], value, where, depth)
        if kind in self.abi.variants:
            return self._variant(self.abi.variants[kind], value, where, depth)
        write = elementary.WRITERS.get(kind)
        if write is None:
            raise self.unknown(kind)
        if kind == "name" and isinstance(value, str):
            value = self.placeholders.get(value, value)
        try:
            return write(value)
        except InputError as error:
            raise InvalidTransaction(f"{where}: {error.message}") from None

    def _struct(self, struct: Struct, value: Any, where: str, depth: int) -> bytes:
        fields = self.fields(struct)
        if not isinstance(value, Mapping):
            raise InvalidTransaction(f"{where} is an object with the fields {', '.join(n for n, _ in fields)[:200]}")
        unknown = sorted(str(name) for name in set(value) - {name for name, _ in fields})
        if unknown:
            raise InvalidTransaction(f"{where} has no field {unknown[0][:64]!r}")
        parts: list[bytes] = []
        ended = ""
        for name, kind in fields:
            if name not in value:
                if kind.endswith(_EXTENSION):
                    ended = ended or name
                    continue
                if not self.plain(kind).endswith("?"):
                    raise InvalidTransaction(f"{where} lacks the field {name!r} ({kind})")
            elif ended:
                raise InvalidTransaction(f"{where} has the field {name!r} without {ended!r}, which comes before it")
            parts.append(self.encode(kind, value.get(name), f"{where}.{name}", depth + 1))
        return b"".join(parts)

    def _variant(self, kinds: tuple[str, ...], value: Any, where: str, depth: int) -> bytes:
        if not isinstance(value, list | tuple) or len(value) != 2 or value[0] not in kinds:
            raise InvalidTransaction(f"{where} is [type, value] with a type out of {', '.join(kinds)[:200]}")
        return varuint(kinds.index(value[0])) + self.encode(value[0], value[1], where, depth + 1)


class _Decoder(_Resolver):
    def __init__(self, abi: Abi, source: Input) -> None:
        super().__init__(abi)
        self.source = source

    def decode(self, kind: str, depth: int) -> Any:
        self.check_depth(depth)
        self.source.spend()
        kind = self.plain(kind.removesuffix(_EXTENSION))
        if kind.endswith("[]"):
            return [self.decode(kind[:-2], depth + 1) for _ in range(self.source.varuint())]
        if kind.endswith("?"):
            present = self.source.uint(1)
            if present > 1:
                raise InvalidTransaction("an optional value is marked by neither 0 nor 1")
            return self.decode(kind[:-1], depth + 1) if present else None
        if kind in self.abi.structs:
            return self._struct(self.abi.structs[kind], depth)
        if kind in self.abi.variants:
            kinds = self.abi.variants[kind]
            index = self.source.varuint()
            if index >= len(kinds):
                raise InvalidTransaction(f"a variant has the number {index}, of {len(kinds)} there are")
            return [kinds[index], self.decode(kinds[index], depth + 1)]
        read = elementary.READERS.get(kind)
        if read is None:
            raise self.unknown(kind)
        try:
            return read(self.source)
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(error.message) from None

    def _struct(self, struct: Struct, depth: int) -> dict[str, Any]:
        value = {}
        for name, kind in self.fields(struct):
            if kind.endswith(_EXTENSION) and not self.source.remaining:
                break
            value[name] = self.decode(kind, depth + 1)
        return value
