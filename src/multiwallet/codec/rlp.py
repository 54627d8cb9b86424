"""RLP, Ethereum's Recursive Length Prefix: byte strings and nested lists of them (Yellow Paper, appendix B).

Building a transaction joins ready pieces: :func:`encode_bytes` and :func:`encode_uint_item` make items,
:func:`encode_list_payload` puts the list header in front of joined items.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from ..errors import InputError

__all__ = [
    "Decoded",
    "Item",
    "decode",
    "decode_uint",
    "encode",
    "encode_bytes",
    "encode_list_payload",
    "encode_uint",
    "encode_uint_item",
]

Item: TypeAlias = bytes | Sequence["Item"]
"""What RLP encodes: bytes, or a list or tuple of items."""

Decoded: TypeAlias = bytes | list["Decoded"]
"""What RLP decodes to: bytes, or a list of the same."""

MAX_DEPTH: Final = 64

_SMALL: Final = tuple(bytes((value,)) if 0 < value < 0x80 else b"\x80" if not value else b"" for value in range(0x80))
_STRING_HEADERS: Final = tuple(bytes((0x80 + length,)) for length in range(56))
_LIST_HEADERS: Final = tuple(bytes((0xC0 + length,)) for length in range(56))


def encode(item: Item) -> bytes:
    """RLP of ``item``: bytes, or a list or tuple of items, at most 64 lists deep.

    Integers are not items: :func:`encode_uint` gives their bytes. Raises
    :class:`~multiwallet.errors.InputError` for anything else.

    >>> encode([b"cat", [b"", b"\\x01"]]).hex()
    'c783636174c28001'
    """
    return _encode(item, MAX_DEPTH)


def _encode(item: Item, depth: int) -> bytes:
    if isinstance(item, bytes):
        return encode_bytes(item)
    if isinstance(item, list | tuple):
        if not depth:
            raise InputError(f"the lists are nested more than {MAX_DEPTH} deep")
        below = depth - 1
        return encode_list_payload(
            b"".join([encode_bytes(element) if type(element) is bytes else _encode(element, below) for element in item])
        )
    if isinstance(item, bytearray | memoryview):
        return encode_bytes(bytes(item))
    raise InputError(f"RLP encodes bytes and lists of them, not {type(item).__name__}")


def encode_bytes(data: bytes) -> bytes:
    """RLP of one byte string.

    >>> encode_bytes(b"\\x7f").hex(), encode_bytes(b"\\x80").hex(), encode_bytes(b"").hex()
    ('7f', '8180', '80')
    """
    length = len(data)
    if length < 56:
        if length == 1 and data[0] < 0x80:
            return data
        return _STRING_HEADERS[length] + data
    width = (length.bit_length() + 7) >> 3
    return bytes((0xB7 + width,)) + length.to_bytes(width, "big") + data


def encode_list_payload(payload: bytes) -> bytes:
    """RLP of a list whose encoded elements, joined, are ``payload``.

    >>> encode_list_payload(encode_bytes(b"cat") + encode_bytes(b"dog")).hex()
    'c88363617483646f67'
    """
    length = len(payload)
    if length < 56:
        return _LIST_HEADERS[length] + payload
    width = (length.bit_length() + 7) >> 3
    return bytes((0xF7 + width,)) + length.to_bytes(width, "big") + payload


def encode_uint(value: int) -> bytes:
    """The shortest big-endian bytes of an integer that is not negative; nothing for zero. Not yet an RLP item.

    Raises :class:`~multiwallet.errors.InputError` for a negative number and for anything but ``int``.

    >>> encode_uint(0), encode_uint(1024)
    (b'', b'\\x04\\x00')
    """
    if type(value) is not int or value < 0:
        raise _bad_uint(value)
    return value.to_bytes((value.bit_length() + 7) >> 3, "big")


def encode_uint_item(value: int) -> bytes:
    """RLP of an integer that is not negative and has less than 440 bits: ``encode_bytes(encode_uint(value))``.

    >>> encode_uint_item(0).hex(), encode_uint_item(15).hex(), encode_uint_item(1024).hex()
    ('80', '0f', '820400')
    """
    if type(value) is not int or value < 0:
        raise _bad_uint(value)
    if value < 0x80:
        return _SMALL[value]
    width = (value.bit_length() + 7) >> 3
    if width > 55:
        raise InputError(f"the integer has {width} bytes: at most 55 are expected here")
    return _STRING_HEADERS[width] + value.to_bytes(width, "big")


def _bad_uint(value: object) -> InputError:
    if type(value) is int:
        return InputError("RLP has no negative integers")
    return InputError(f"a plain integer is needed, not {type(value).__name__}")


def decode_uint(data: Decoded, *, max_bytes: int = 32) -> int:
    """The integer whose shortest big-endian bytes are ``data``: at most ``max_bytes``, nothing for zero.

    Raises :class:`~multiwallet.errors.InputError` for a leading zero byte, for more bytes, and for a list.

    >>> decode_uint(b""), decode_uint(b"\\x04\\x00")
    (0, 1024)
    """
    if not isinstance(data, bytes):
        raise InputError("a list where an RLP integer should be")
    if len(data) > max_bytes:
        raise InputError(f"the RLP integer has {len(data)} bytes: at most {max_bytes} fit")
    if data and not data[0]:
        raise InputError("the RLP integer has a leading zero byte")
    return int.from_bytes(data, "big")


def decode(data: bytes, *, max_depth: int = MAX_DEPTH) -> Decoded:
    """The one item that ``data`` is the canonical RLP of: bytes, or nested lists at most ``max_depth`` deep.

    Raises :class:`~multiwallet.errors.InputError` for truncated data, trailing bytes, a length that is not in its
    shortest form, a single byte below 0x80 with a header, and lists nested too deep.

    >>> decode(bytes.fromhex("c783636174c28001"))
    [b'cat', [b'', b'\\x01']]
    """
    data = bytes(data)
    start, end, is_list = _header(data, 0, len(data))
    if end != len(data):
        raise InputError(f"{len(data) - end} bytes after the end of the RLP item")
    if not is_list:
        return data[start:end]
    return _decode_list(data, start, end, min(max_depth, MAX_DEPTH))


def _decode_list(data: bytes, position: int, end: int, depth: int) -> list[Decoded]:
    if depth <= 0:
        raise InputError("the RLP lists are nested too deep")
    items: list[Decoded] = []
    while position < end:
        start, next_position, is_list = _header(data, position, end)
        if is_list:
            items.append(_decode_list(data, start, next_position, depth - 1))
        else:
            items.append(data[start:next_position])
        position = next_position
    return items


def _header(data: bytes, position: int, limit: int) -> tuple[int, int, bool]:
    """Where the payload of the item at ``position`` starts and ends, and whether it is a list."""
    if position >= limit:
        raise InputError("the RLP data is empty" if not limit else f"the RLP data ends at byte {position}")
    first = data[position]
    if first < 0x80:
        return position, position + 1, False
    is_list = first >= 0xC0
    short = first - (0xC0 if is_list else 0x80)
    if short < 56:
        start = position + 1
        end = start + short
        if end <= limit and short == 1 and not is_list and data[start] < 0x80:
            raise InputError(f"the RLP item at byte {position} is one byte below 0x80 and needs no header")
    else:
        width = short - 55
        start = position + 1 + width
        if start > limit:
            raise InputError(f"the RLP length at byte {position} is cut short")
        length = int.from_bytes(data[position + 1 : start], "big")
        if length < 56 or not data[position + 1]:
            raise InputError(f"the RLP length at byte {position} is not in its shortest form")
        end = start + length
    if end > limit:
        raise InputError(f"the RLP item at byte {position} is cut short: {end - limit} bytes are missing")
    return start, end, is_list
