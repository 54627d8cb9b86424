"""The part of CBOR (RFC 8949) that Uniform Resources are written in: whole numbers, byte and text strings, arrays,
maps, tags, booleans and null, all of definite length."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ...codec.reader import Reader
from ...errors import InputError, InvalidKey

__all__ = ["Tag", "decode", "encode"]

_DEEPEST: Final = 32


class Tag(NamedTuple):
    """A value with a tag before it, which tells what it is."""

    number: int
    value: Any


def encode(value: Any) -> bytes:
    """A value in CBOR, numbers and lengths in their shortest form. Maps keep the order they have.

    >>> encode({1: b"ab", 2: Tag(100, 18394)}).hex()
    'a20142616202d8641947da'
    """
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, Tag):
        return _head(6, value.number) + encode(value.value)
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    raise InputError(f"a {type(value).__name__} has no place in a UR")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes((major << 5 | number,))
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes((major << 5 | extra,)) + number.to_bytes(size, "big")
    raise InputError("a number in a UR has at most 64 bits")


def decode(data: bytes) -> Any:
    """The value of some CBOR, which must end with it.

    Raises InvalidKey for what is cut off or goes on, for another kind of value, a key twice in a map, and nesting
    beyond 32 levels.

    >>> decode(bytes.fromhex("a1018218ff20"))
    {1: [255, -1]}
    """
    reader = Reader(data, "the content of this UR")
    try:
        value = _value(reader, 0)
        reader.finish()
    except InvalidKey:
        raise
    except InputError as error:
        raise InvalidKey(error.message) from None
    return value


def _value(reader: Reader, depth: int) -> Any:
    if depth > _DEEPEST:
        raise InvalidKey(f"the content of this UR is nested more than {_DEEPEST} deep")
    first = reader.byte()
    major, number = first >> 5, first & 31
    if major == 7:
        simple = {20: False, 21: True, 22: None}
        if number not in simple:
            raise InvalidKey("the content of this UR holds a kind of value that no UR has")
        return simple[number]
    if number >= 28:
        raise InvalidKey("the content of this UR has a length that is left open")
    if number >= 24:
        number = reader.uint(1 << number - 24, "big")
    if major == 0:
        return number
    if major == 1:
        return -1 - number
    if major == 6:
        return Tag(number, _value(reader, depth + 1))
    # Every item takes a byte at least, so that a long claim over little data ends here.
    if number > reader.remaining:
        raise InvalidKey("the content of this UR is cut off")
    if major == 2:
        return reader.take(number)
    if major == 3:
        try:
            return reader.take(number).decode()
        except UnicodeDecodeError:
            raise InvalidKey("a text in this UR is no UTF-8") from None
    if major == 4:
        return [_value(reader, depth + 1) for _ in range(number)]
    found: dict[int | str, Any] = {}
    for _ in range(number):
        key = _value(reader, depth + 1)
        if not isinstance(key, int | str) or isinstance(key, bool) or key in found:
            raise InvalidKey("a map in this UR has a key twice, or one that is no number and no text")
        found[key] = _value(reader, depth + 1)
    return found
