"""EIP-712 typed data, strictly: what is ambiguous, or what the signature would not cover, is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ...codec import eip55, json_text
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import keccak256
from ...errors import InputError, InvalidMessage

__all__ = ["encode_type", "hash_struct", "typed_data_of", "typed_data_preimage"]

_DOMAIN: Final = "EIP712Domain"
_DOMAIN_FIELDS: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}
_ATOMIC: Final = re.compile(r"(bool|address|string|bytes)|(u?int)([0-9]+)|bytes([0-9]+)", re.ASCII)
_ALIASES: Final = ("int", "uint", "byte", "fixed", "ufixed", "function")
_SUFFIXES: Final = re.compile(r"(?:\[(?:[1-9][0-9]{0,8})?\]){1,32}", re.ASCII)
# A name may not hold what ends a name in encodeType: then two type tables would hash alike.
_NAME: Final = re.compile(r"[^\s(),\[\]]{1,200}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,78}", re.ASCII)
_HEX_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_MAX_DEPTH: Final = 64

Types = Mapping[str, tuple[tuple[str, str], ...]]
"""Struct name to its fields, each a name and a type."""


def typed_data_preimage(data: Any) -> bytes:
    """What is signed (after Keccak-256) for a typed-data object: ``19 01``, domain separator, struct hash.

    ``data`` is a dict with ``types``, ``primaryType``, ``domain`` and ``message``, or the JSON text of one, as
    ``eth_signTypedData_v4`` takes it. ``types`` may leave EIP712Domain out: it then follows from the domain's
    fields in the standard's order. Integers are ``int``, decimal text or ``0x`` hex; bytes are bytes or ``0x`` hex.
    The domain's chainId is not compared with any network: see :func:`typed_data_of`.

    Raises :class:`~multiwallet.errors.InvalidMessage` for a missing or superfluous field, a value that does not fit
    its type, an unknown type (write ``uint256``, not ``uint``), and an address with a wrong checksum.
    """
    return typed_data_of(data)[0]


def typed_data_of(data: Any) -> tuple[bytes, int | None]:
    """What is signed, as :func:`typed_data_preimage` has it, and the domain's chainId, None where there is none."""
    data = _load(data)
    if set(data) != {"types", "primaryType", "domain", "message"}:
        raise InvalidMessage("typed data has the fields types, primaryType, domain and message, and no others")
    types = _read_types(data["types"])
    domain, primary = data["domain"], data["primaryType"]
    if not isinstance(domain, Mapping):
        raise InvalidMessage(f"the domain is an object, not {type(domain).__name__}")
    if _DOMAIN not in types:
        types = {**types, _DOMAIN: _implied_domain(domain)}
    if not isinstance(primary, str) or primary not in types:
        raise InvalidMessage(f"the primaryType {str(primary)[:80]!r} is not among the types")
    encoder = _Encoder(types)
    preimage = b"\x19\x01" + encoder.struct(_DOMAIN, domain, _DOMAIN)
    if primary != _DOMAIN:  # else, as eth_signTypedData_v4 has it, there is no message beside the domain
        preimage += encoder.struct(primary, data["message"], primary)
    # Read as a number whatever type it is declared as: another type must be no way around the comparison.
    return preimage, _integer(domain["chainId"], f"{_DOMAIN}.chainId") if "chainId" in domain else None


def encode_type(types: Mapping[str, Any], name: str) -> str:
    """The ``encodeType`` text of a struct: itself, then the structs that it refers to in the order of their names.

    >>> encode_type({"A": [{"name": "b", "type": "B[]"}], "B": [{"name": "x", "type": "uint8"}]}, "A")
    'A(B[] b)B(uint8 x)'
    """
    return _encode_type(_read_types(types), name)


def hash_struct(types: Mapping[str, Any], name: str, value: Mapping[str, Any]) -> bytes:
    """The ``hashStruct`` of a value of the struct ``name``: 32 bytes."""
    read = _read_types(types)
    if name not in read:
        raise InvalidMessage(f"{name[:80]!r} is not among the types")
    return _Encoder(read).struct(name, value, name)


def _load(data: Any) -> Mapping[str, Any]:
    if isinstance(data, str | bytes):
        data = json_text.parse(data, what="the typed data", error=InvalidMessage, max_depth=2 * _MAX_DEPTH, unique=True)
    if not isinstance(data, Mapping):
        raise InvalidMessage(f"typed data is an object or its JSON text, not {type(data).__name__}")
    return data


def _read_types(types: Any) -> dict[str, tuple[tuple[str, str], ...]]:
    if not isinstance(types, Mapping):
        raise InvalidMessage(f"types is an object, not {type(types).__name__}")
    read: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, members in types.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or _ATOMIC.fullmatch(name) or name in _ALIASES:
            raise InvalidMessage(f"{str(name)[:80]!r} cannot be the name of a struct")
        if not isinstance(members, list | tuple):
            raise InvalidMessage(f"the type {name[:80]} is a list of fields")
        read[name] = tuple(_read_member(name, member) for member in members)
        if len({field for field, _ in read[name]}) != len(members):
            raise InvalidMessage(f"the type {name[:80]} has two fields of one name")
    for members in read.values():
        for field, kind in members:
            _check_type(read, kind, field)
    return read


def _read_member(owner: str, member: Any) -> tuple[str, str]:
    if not isinstance(member, Mapping):
        raise InvalidMessage(f"a field of the type {owner[:80]} is an object with name and type")
    name, kind = member.get("name"), member.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not isinstance(kind, str) or len(kind) > 400:
        raise InvalidMessage(f"a field of the type {owner[:80]} needs a name and a type, both plain text")
    return name, kind


def _split(kind: str) -> tuple[str, str]:
    """A type's innermost name and its array suffixes."""
    cut = kind.find("[")
    return (kind, "") if cut < 0 else (kind[:cut], kind[cut:])


def _check_type(types: Types, kind: str, field: str) -> None:
    core, suffixes = _split(kind)
    if suffixes and not _SUFFIXES.fullmatch(suffixes):
        raise InvalidMessage(f"{field[:80]}: cannot read the array type {kind[:80]!r}")
    if core in types:
        return
    if core in ("uint", "int"):
        raise InvalidMessage(f"{field[:80]}: write the type {core} in full, {core}256: wallets disagree about {core}")
    match = _ATOMIC.fullmatch(core)
    if match is None:
        raise InvalidMessage(f"{field[:80]}: there is no type {core[:80]!r}")
    bits, size = match[3], match[4]
    if bits is not None and not (bits == str(int(bits[:4])) and int(bits) % 8 == 0 and 8 <= int(bits) <= 256):
        raise InvalidMessage(f"{field[:80]}: there is no type {core[:80]!r}: integers have 8 to 256 bits, in eights")
    if size is not None and not (size == str(int(size[:4])) and 1 <= int(size) <= 32):
        raise InvalidMessage(f"{field[:80]}: there is no type {core[:80]!r}: bytes1 to bytes32 are")


def _implied_domain(domain: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    unknown = [key for key in domain if key not in _DOMAIN_FIELDS]
    if unknown:
        raise InvalidMessage(
            f"a domain has no field {str(unknown[0])[:80]!r}: EIP-712 knows {', '.join(_DOMAIN_FIELDS)}"
        )
    return tuple((name, kind) for name, kind in _DOMAIN_FIELDS.items() if name in domain)


def _encode_type(types: Types, name: str) -> str:
    if name not in types:
        raise InvalidMessage(f"{name[:80]!r} is not among the types")
    found, open_ = {name}, [name]
    while open_:
        for _, kind in types[open_.pop()]:
            core = _split(kind)[0]
            if core in types and core not in found:
                found.add(core)
                open_.append(core)
    order = [name, *sorted(found - {name})]
    return "".join(f"{struct}({','.join(f'{kind} {field}' for field, kind in types[struct])})" for struct in order)


class _Encoder:
    """Encodes values of one type table, hashing each type once."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.hashes: dict[str, bytes] = {}

    def type_hash(self, name: str) -> bytes:
        known = self.hashes.get(name)
        if known is None:
            try:
                known = self.hashes[name] = keccak256(_encode_type(self.types, name).encode())
            except UnicodeEncodeError:
                raise InvalidMessage("the types hold text that is no valid Unicode") from None
        return known

    def struct(self, name: str, value: Any, where: str, depth: int = 0) -> bytes:
        """``hashStruct``: 32 bytes."""
        if depth > _MAX_DEPTH:
            raise InvalidMessage(f"the typed data is nested more than {_MAX_DEPTH} deep")
        if not isinstance(value, Mapping):
            raise InvalidMessage(f"{where[-200:]}: an object of type {name[:80]} is needed, not {type(value).__name__}")
        members = self.types[name]
        surplus = set(value) - {field for field, _ in members}
        if surplus:
            first = min(map(str, surplus))
            raise InvalidMessage(
                f"{where[-200:]} has a field {first[:80]!r} that the type {name[:80]} has not: "
                "the signature would not cover it"
            )
        parts = [self.type_hash(name)]
        for field, kind in members:
            if field not in value:
                raise InvalidMessage(f"{where[-200:]} lacks the field {field[:80]!r} of the type {name[:80]}")
            parts.append(self.encode(kind, value[field], f"{where}.{field}", depth + 1))
        return keccak256(b"".join(parts))

    def encode(self, kind: str, value: Any, where: str, depth: int) -> bytes:
        """``encodeData`` of one value: always 32 bytes."""
        if not kind.endswith("]"):
            return self.struct(kind, value, where, depth) if kind in self.types else _atomic(kind, value, where[-200:])
        if depth > _MAX_DEPTH:
            raise InvalidMessage(f"the typed data is nested more than {_MAX_DEPTH} deep")
        if not isinstance(value, list | tuple):
            raise InvalidMessage(f"{where[-200:]}: a list is needed for {kind[:80]}, not {type(value).__name__}")
        cut = kind.rindex("[")
        inner, length = kind[:cut], kind[cut + 1 : -1]
        if length and len(value) != int(length):
            raise InvalidMessage(f"{where[-200:]}: {kind[:80]} needs {length} values, and there are {len(value)}")
        items = [self.encode(inner, item, f"{where}[{n}]", depth + 1) for n, item in enumerate(value)]
        return keccak256(b"".join(items))


def _atomic(kind: str, value: Any, where: str) -> bytes:
    if kind == "string":
        if not isinstance(value, str):
            raise InvalidMessage(f"{where}: text is needed for string, not {type(value).__name__}")
        try:
            return keccak256(value.encode())
        except UnicodeEncodeError:
            raise InvalidMessage(f"{where}: the text is no valid Unicode") from None
    if kind == "bool":
        if not isinstance(value, bool):
            raise InvalidMessage(f"{where}: true or false is needed for bool, not {type(value).__name__}")
        return bytes(31) + (b"\x01" if value else b"\x00")
    if kind == "address":
        return bytes(12) + _address(value, where)
    if kind.startswith("bytes"):
        raw = _bytes(value, where)
        if kind == "bytes":
            return keccak256(raw)
        if len(raw) != int(kind[5:]):
            raise InvalidMessage(f"{where}: {kind} needs {kind[5:]} bytes, and there are {len(raw)}")
        return raw.ljust(32, b"\x00")
    signed = kind.startswith("int")
    bits = int(kind[3:] if signed else kind[4:])
    number = _integer(value, where)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    if not low <= number < high:
        shown = str(number) if number.bit_length() <= 264 else f"a number of {number.bit_length()} bits"
        raise InvalidMessage(f"{where}: {shown} does not fit {kind}")
    return number.to_bytes(32, "big", signed=signed)


def _address(value: Any, where: str) -> bytes:
    try:
        raw = eip55.parse(value) if isinstance(value, str) else _bytes(value, where)
    except InvalidMessage:
        raise
    except InputError as error:
        raise InvalidMessage(f"{where}: {error.message}") from error
    if len(raw) != 20:
        raise InvalidMessage(f"{where}: an address has 20 bytes, not {len(raw)}")
    return raw


def _bytes(value: Any, where: str) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise InvalidMessage(f"{where}: bytes or 0x hex are needed, not {type(value).__name__}")
    try:
        return parse_hex(value, prefix="required", what=where)
    except InputError as error:
        raise InvalidMessage(error.message) from error


def _integer(value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value):
            return int(value)
        if _HEX_NUMBER.fullmatch(value):
            return int(value, 16)
        raise InvalidMessage(f"{where}: {value[:40]!r} is no whole number, in digits or 0x hex")
    raise InvalidMessage(f"{where}: a whole number is needed, not {type(value).__name__}")
