"""Arguments of Move functions: from Python values to BCS by their type, and from BCS to the JSON of the REST API."""

from __future__ import annotations

from typing import Any, Final

from ...codec import bcs
from ...codec.bcs import BcsReader
from ...codec.hexadecimal import parse_hex
from ...errors import InputError
from . import addresses
from .type_tags import TypeTag

__all__ = ["decode_argument", "encode_argument"]

_UNSIGNED: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16, "u256": 32}
_SIGNED: Final = {"i8": 1, "i16": 2, "i32": 4, "i64": 8, "i128": 16, "i256": 32}
_STRING: Final = "0x1::string::String"
_OPTION: Final = "0x1::option::Option"
_OBJECT: Final = "0x1::object::Object"
_DEEPEST: Final = 16
_MOST_ITEMS: Final = 100_000


def encode_argument(tag: TypeTag, value: Any, depth: int = 0) -> bytes:
    """A value of a Move type in BCS.

    Integers are whole numbers or their decimal text, addresses and objects address texts, ``vector<u8>`` bytes or
    hex text, other vectors lists, ``Option`` None or the value, ``String`` text. InputError for anything else.

    >>> from .type_tags import parse_type
    >>> encode_argument(parse_type("vector<u16>"), [1, 2]).hex()
    '0201000200'
    """
    if depth > _DEEPEST:
        raise InputError(f"a value is nested more than {_DEEPEST} deep")
    kind, path = tag.kind, tag.path
    if kind in _UNSIGNED:
        return bcs.encode_uint(_whole(value, kind), _UNSIGNED[kind])
    if kind in _SIGNED:
        number, size = _whole(value, kind), _SIGNED[kind]
        if not -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
            raise InputError(f"{number} is no {kind}")
        return number.to_bytes(size, "little", signed=True)
    if kind == "bool":
        return bcs.encode_bool(value)
    if kind == "address" or path == _OBJECT:
        return addresses.to_bytes(value)
    if kind == "vector":
        return _encode_vector(tag.arguments[0], value, depth)
    if path == _STRING:
        return bcs.encode_text(value)
    if path == _OPTION and len(tag.arguments) == 1:
        return bcs.encode_option(None if value is None else encode_argument(tag.arguments[0], value, depth + 1))
    raise InputError(f"values of the type {tag} cannot be written here: give their BCS as bytes")


def _encode_vector(tag: TypeTag, value: Any, depth: int) -> bytes:
    if tag.kind == "u8":
        if isinstance(value, str):
            value = parse_hex(value, what="a vector<u8>")
        if isinstance(value, bytes | bytearray):
            return bcs.encode_bytes(bytes(value))
    if not isinstance(value, list | tuple) or len(value) > _MOST_ITEMS:
        raise InputError(f"a vector<{tag}> is a list, not a value of type {type(value).__name__}")
    return bcs.encode_sequence(encode_argument(tag, item, depth + 1) for item in value)


def _whole(value: Any, kind: str) -> int:
    if isinstance(value, str) and len(value) <= 80 and value.isascii() and value.removeprefix("-").isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"a {kind} is a whole number, not a value of type {type(value).__name__}")
    return value


def decode_argument(tag: TypeTag, data: bytes) -> Any:
    """The JSON that the REST API takes for a value in BCS; InputError where the bytes are no such value.

    >>> from .type_tags import parse_type
    >>> decode_argument(parse_type("vector<u64>"), bytes.fromhex("010700000000000000"))
    ['7']
    """
    reader = BcsReader(data, f"the argument of type {tag}")
    value = _decode(tag, reader, 0)
    reader.finish()
    return value


def _decode(tag: TypeTag, reader: BcsReader, depth: int) -> Any:
    if depth > _DEEPEST:
        raise InputError(f"a value is nested more than {_DEEPEST} deep")
    kind, path = tag.kind, tag.path
    if kind in _UNSIGNED:
        number = reader.uint(_UNSIGNED[kind])
        return number if _UNSIGNED[kind] <= 4 else str(number)
    if kind in _SIGNED:
        number = int.from_bytes(reader.take(_SIGNED[kind]), "little", signed=True)
        return number if _SIGNED[kind] <= 4 else str(number)
    if kind == "bool":
        return reader.boolean()
    if kind == "address":
        return addresses.from_bytes(reader.take(32))
    if path == _OBJECT:
        return addresses.from_bytes(reader.take(32))
    if kind == "vector":
        (inner,) = tag.arguments
        if inner.kind == "u8":
            return "0x" + reader.byte_string().hex()
        return reader.sequence(lambda: _decode(inner, reader, depth + 1))
    if path == _STRING:
        return reader.text()
    if path == _OPTION and len(tag.arguments) == 1:
        (inner,) = tag.arguments
        return {"vec": [_decode(inner, reader, depth + 1)] if reader.boolean() else []}
    raise InputError(f"values of the type {tag} have no known form")
