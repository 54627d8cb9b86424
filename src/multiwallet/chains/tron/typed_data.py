"""TIP-712 typed data: EIP-712 with TRON's addresses and one more type, ``trcToken``.

An address is Base58Check, ``41`` hex or ``0x`` hex of 20 bytes, and is hashed without the 0x41. A ``trcToken``
(a TRC-10 token number) is encoded as a uint256 and keeps its own name in the type. As in EIP-712 the message is
checked against the types strictly: a field that the signature would not cover is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import keccak256
from ...errors import InputError, InvalidMessage
from . import addresses

__all__ = ["domain_separator", "preimage"]

_DOMAIN: Final = "EIP712Domain"
_DOMAIN_ORDER: Final = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
)
_INTEGERS: Final = {
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in range(8, 257, 8)},
    **{f"int{bits}": (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for bits in range(8, 257, 8)},
    "trcToken": (0, (1 << 256) - 1),
}
_FIXED_BYTES: Final = {f"bytes{size}": size for size in range(1, 33)}
_PLAIN: Final = frozenset(("address", "bool", "bytes", "string", *_INTEGERS, *_FIXED_BYTES))
_ARRAYS: Final = re.compile(r"(?:\[(?:[1-9][0-9]{0,5})?\]){0,16}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,78}|0x[0-9a-fA-F]{1,64}", re.ASCII)
_DEPTH: Final = 48

Struct = tuple[tuple[str, str], ...]


def preimage(data: Any) -> bytes:
    """What is hashed with Keccak-256 and signed: ``19 01``, the domain's 32-byte hash, the message's.

    ``data`` is a dict with ``domain``, ``types``, ``primaryType`` and ``message``, or the JSON text of one; the
    domain's own type may be left out of ``types``. Raises :class:`~multiwallet.errors.InvalidMessage`.
    """
    hasher, domain, primary, message = _opened(data)
    head = b"\x19\x01" + hasher.struct(_DOMAIN, domain, "domain", 0)
    return head if primary == _DOMAIN else head + hasher.struct(primary, message, "message", 0)


def domain_separator(data: Any) -> bytes:
    """The 32-byte hash of the domain of a typed-data object. Raises :class:`~multiwallet.errors.InvalidMessage`."""
    hasher, domain, _, _ = _opened(data)
    return hasher.struct(_DOMAIN, domain, "domain", 0)


def _opened(data: Any) -> tuple[_Hasher, Any, str, Any]:
    if isinstance(data, str | bytes):
        data = json_text.parse(data, what="the typed data", error=InvalidMessage, max_depth=64, unique=True)
    if not isinstance(data, Mapping) or set(data) != {"domain", "types", "primaryType", "message"}:
        raise InvalidMessage("typed data is an object of domain, types, primaryType and message, nothing else")
    types, domain, primary = _types(data["types"]), data["domain"], data["primaryType"]
    if not isinstance(domain, Mapping):
        raise InvalidMessage("the domain is an object")
    if _DOMAIN not in types:
        order = dict(_DOMAIN_ORDER)
        for key in domain:
            if key not in order:
                raise InvalidMessage(f"a domain has no field {str(key)[:40]!r}: it has {', '.join(order)}")
        types[_DOMAIN] = tuple(item for item in _DOMAIN_ORDER if item[0] in domain)
    if not isinstance(primary, str) or primary not in types:
        raise InvalidMessage("primaryType names none of the types")
    return _Hasher(types), domain, primary, data["message"]


def _types(stated: Any) -> dict[str, Struct]:
    if not isinstance(stated, Mapping):
        raise InvalidMessage("types is an object that lists the fields of each struct")
    types: dict[str, Struct] = {}
    for name, fields in stated.items():
        if not isinstance(name, str) or not _WORD.fullmatch(name) or name in _PLAIN:
            raise InvalidMessage(f"{str(name)[:40]!r} cannot name a struct")
        if not isinstance(fields, list | tuple):
            raise InvalidMessage(f"the struct {name[:40]} is a list of fields")
        members = []
        for field in fields:
            member, kind = (field.get("name"), field.get("type")) if isinstance(field, Mapping) else (None, None)
            if not isinstance(member, str) or not isinstance(kind, str) or not _WORD.fullmatch(member):
                raise InvalidMessage(f"each field of {name[:40]} is an object with a name and a type")
            members.append((member, kind))
        if len(dict(members)) != len(members):
            raise InvalidMessage(f"the struct {name[:40]} has two fields of one name")
        types[name] = tuple(members)
    for name, struct in types.items():
        for _, kind in struct:
            core = _core(kind)
            if not _ARRAYS.fullmatch(kind, len(core)) or (core not in _PLAIN and core not in types):
                hint = f": write {core}256 in full" if core in ("int", "uint") else ""
                raise InvalidMessage(f"the struct {name[:40]} has a field of unknown type {kind[:40]!r}{hint}")
    return types


def _core(kind: str) -> str:
    return kind.partition("[")[0]


class _Hasher:
    """Hashes values by one table of types."""

    def __init__(self, types: Mapping[str, Struct]) -> None:
        self._types = types
        self._hashes: dict[str, bytes] = {}

    def _referred(self, name: str) -> Iterator[str]:
        seen, waiting = {name}, [name]
        while waiting:
            for _, kind in self._types[waiting.pop()]:
                core = _core(kind)
                if core in self._types and core not in seen:
                    seen.add(core)
                    waiting.append(core)
        yield name
        yield from sorted(seen - {name})

    def _type_hash(self, name: str) -> bytes:
        if name not in self._hashes:
            text = "".join(
                struct + "(" + ",".join(f"{kind} {field}" for field, kind in self._types[struct]) + ")"
                for struct in self._referred(name)
            )
            self._hashes[name] = keccak256(text.encode("ascii"))
        return self._hashes[name]

    def struct(self, name: str, value: Any, where: str, depth: int) -> bytes:
        """The 32-byte hash of a struct's type and fields."""
        if depth > _DEPTH:
            raise InvalidMessage(f"the typed data is nested more than {_DEPTH} deep")
        if not isinstance(value, Mapping):
            raise InvalidMessage(f"{where[-120:]} is an object of type {name[:40]}, not {type(value).__name__}")
        members = dict(self._types[name])
        if set(value) != set(members):
            odd = sorted(map(str, set(value) ^ set(members)))[0]
            what = "lacks" if odd in members else "has a field that its type has not, which nobody would sign:"
            raise InvalidMessage(f"{where[-120:]} {what} {odd[:40]!r}")
        parts = [self._word(kind, value[field], f"{where}.{field}", depth + 1) for field, kind in members.items()]
        return keccak256(self._type_hash(name) + b"".join(parts))

    def _word(self, kind: str, value: Any, where: str, depth: int) -> bytes:
        if kind[-1] == "]":
            if depth > _DEPTH:
                raise InvalidMessage(f"the typed data is nested more than {_DEPTH} deep")
            inner, _, count = kind[:-1].rpartition("[")
            if not isinstance(value, list | tuple):
                raise InvalidMessage(f"{where[-120:]} is a list of {inner[:40]}, not {type(value).__name__}")
            if count and len(value) != int(count):
                raise InvalidMessage(f"{where[-120:]} has {len(value)} items; its type has {count}")
            return keccak256(b"".join(self._word(inner, item, f"{where}[]", depth + 1) for item in value))
        if kind in self._types:
            return self.struct(kind, value, where, depth)
        try:
            return _plain(kind, value)
        except (InputError, ValueError) as error:
            reason = error.message if isinstance(error, InputError) else "the text is no valid Unicode"
            raise InvalidMessage(f"{where[-120:]} ({kind}): {reason}") from None


def _plain(kind: str, value: Any) -> bytes:
    if kind in _INTEGERS:
        low, high = _INTEGERS[kind]
        number = _integer(value)
        if not low <= number <= high:
            raise InvalidMessage("the number is out of range")
        return number.to_bytes(32, "big", signed=low < 0)
    if kind == "bool":
        if not isinstance(value, bool):
            raise InvalidMessage("true or false is needed")
        return value.to_bytes(32, "big")
    if kind == "string":
        if not isinstance(value, str):
            raise InvalidMessage("text is needed")
        return keccak256(value.encode("utf-8"))
    if kind == "address":
        return bytes(12) + _address(value)
    data = bytes(value) if isinstance(value, bytes | bytearray) else parse_hex(value, prefix="required", what="bytes")
    if kind == "bytes":
        return keccak256(data)
    if len(data) != _FIXED_BYTES[kind]:
        raise InvalidMessage(f"{len(data)} bytes do not fit")
    return data.ljust(32, b"\0")


def _address(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        data = bytes(value)
        if len(data) == 20 or (len(data) == 21 and data[0] == addresses.PREFIX):
            return data[-20:]
        raise InvalidMessage("an address has 20 bytes, or 21 with 0x41 first")
    if isinstance(value, str) and value[:2] == "0x":
        return parse_hex(value, length=20, what="the address")
    return addresses.to_bytes(value)[1:]


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value, 16 if value[:2] == "0x" else 10)
    raise InvalidMessage("a whole number is needed, as a number, in digits or in 0x hex")
