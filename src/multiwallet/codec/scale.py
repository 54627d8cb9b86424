"""SCALE, the encoding of Substrate chains: little-endian integers, compact integers, and what is made of them.

Writers return bytes; readers take a :class:`~multiwallet.codec.reader.Reader` and move it on. Lengths are checked
against what is left before anything is made of them, so hostile data costs no more memory than its own size.
Format: the "SCALE codec" chapter of the Polkadot specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from ..errors import InputError
from .reader import Reader

__all__ = [
    "boolean",
    "compact",
    "encode_boolean",
    "encode_bytes",
    "encode_compact",
    "encode_enum",
    "encode_int",
    "encode_option",
    "encode_text",
    "encode_tuple",
    "encode_uint",
    "encode_vector",
    "enum",
    "option",
    "read_bytes",
    "sequence",
    "signed",
    "text",
    "tuple_of",
    "vector",
]

T = TypeVar("T")

_LARGEST_COMPACT: Final = 2**536 - 1


def encode_compact(number: int) -> bytes:
    """A whole number from 0 to 2^536 - 1 in 1, 2, 4 or 5 to 68 bytes; InputError beyond.

    >>> [encode_compact(n).hex() for n in (1, 64, 16384, 2**30)]
    ['04', '0101', '02000100', '0300000040']
    """
    _whole(number)
    if not 0 <= number <= _LARGEST_COMPACT:
        raise InputError("a compact integer is from 0 to 2^536 - 1")
    if number < 1 << 6:
        return bytes((number << 2,))
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    if number < 1 << 30:
        return (number << 2 | 2).to_bytes(4, "little")
    length = (number.bit_length() + 7) // 8
    return bytes(((length - 4) << 2 | 3,)) + number.to_bytes(length, "little")


def compact(reader: Reader) -> int:
    """The next compact integer, which must be in its shortest form.

    >>> compact(Reader(bytes.fromhex("02000100")))
    16384
    """
    first = reader.byte()
    mode = first & 3
    if mode == 0:
        return first >> 2
    if mode == 1:
        number = (first | reader.byte() << 8) >> 2
        least = 1 << 6
    elif mode == 2:
        number = (first | reader.uint(3) << 8) >> 2
        least = 1 << 14
    else:
        length = (first >> 2) + 4
        number = reader.uint(length)
        least = max(1 << 30, 1 << 8 * (length - 1))
    if number < least:
        raise InputError(f"the compact integer before byte {reader.position} is not in its shortest form")
    return number


def encode_uint(number: int, size: int) -> bytes:
    """An unsigned integer in ``size`` bytes, little-endian; InputError where it does not fit.

    >>> encode_uint(258, 4).hex()
    '02010000'
    """
    _whole(number)
    if not 0 <= number < 1 << 8 * size:
        raise InputError(f"a u{8 * size} is a whole number from 0 to 2^{8 * size} - 1")
    return number.to_bytes(size, "little")


def encode_int(number: int, size: int) -> bytes:
    """A signed integer in ``size`` bytes, two's complement, little-endian; InputError where it does not fit."""
    _whole(number)
    if not -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
        raise InputError(f"an i{8 * size} is a whole number from -2^{8 * size - 1} to 2^{8 * size - 1} - 1")
    return number.to_bytes(size, "little", signed=True)


def signed(reader: Reader, size: int) -> int:
    """The next ``size`` bytes as a signed integer."""
    return int.from_bytes(reader.take(size), "little", signed=True)


def encode_boolean(value: bool) -> bytes:
    """One byte, 0 or 1."""
    if not isinstance(value, bool):
        raise InputError("a boolean is True or False")
    return b"\1" if value else b"\0"


def boolean(reader: Reader) -> bool:
    """The next byte, which must be 0 or 1."""
    value = reader.byte()
    if value > 1:
        raise InputError(f"byte {reader.position - 1} is no boolean: it is {value}")
    return value == 1


def encode_bytes(data: bytes) -> bytes:
    """A byte string behind its compact length.

    >>> encode_bytes(b"ab").hex()
    '086162'
    """
    return encode_compact(len(data)) + bytes(data)


def read_bytes(reader: Reader) -> bytes:
    """The next byte string: a compact length and so many bytes."""
    return reader.take(compact(reader))


def encode_text(value: str) -> bytes:
    """A text in UTF-8 behind its compact length."""
    try:
        return encode_bytes(value.encode())
    except UnicodeEncodeError:
        raise InputError("a text with half a surrogate pair has no UTF-8") from None


def text(reader: Reader) -> str:
    """The next text, which must be UTF-8."""
    try:
        return read_bytes(reader).decode()
    except UnicodeDecodeError:
        raise InputError(f"the text before byte {reader.position} is not UTF-8") from None


def encode_option(value: bytes | None) -> bytes:
    """An optional value, itself encoded: 0 for none, 1 and the value."""
    return b"\0" if value is None else b"\1" + value


def option(reader: Reader, item: Callable[[Reader], T]) -> T | None:
    """The next optional value."""
    return item(reader) if boolean(reader) else None


def encode_vector(items: Iterable[bytes]) -> bytes:
    """A list of encoded items behind its compact length.

    >>> encode_vector([encode_uint(1, 2), encode_uint(2, 2)]).hex()
    '0801000200'
    """
    encoded = list(items)
    return encode_compact(len(encoded)) + b"".join(encoded)


def vector(reader: Reader, item: Callable[[Reader], T], *, limit: int | None = None) -> list[T]:
    """The next list. ``item`` takes at least a byte, so a list is never longer than what is left."""
    return sequence(reader, item, compact(reader), limit=limit)


def sequence(reader: Reader, item: Callable[[Reader], T], count: int, *, limit: int | None = None) -> list[T]:
    """``count`` items one after another, each of at least a byte; InputError where they cannot be there."""
    if count > (reader.remaining if limit is None else min(limit, reader.remaining)):
        raise InputError(f"a list of {count} items is announced before byte {reader.position}: too many")
    return [item(reader) for _ in range(count)]


def encode_tuple(*items: bytes) -> bytes:
    """Encoded items one after another, as tuples and structures are."""
    return b"".join(items)


def tuple_of(reader: Reader, *items: Callable[[Reader], T]) -> tuple[T, ...]:
    """The next items, one after another, each read by its own reader."""
    return tuple(item(reader) for item in items)


def encode_enum(index: int, content: bytes = b"") -> bytes:
    """One case of an enumeration: its index in a byte, and what it holds.

    >>> encode_enum(3, encode_boolean(True)).hex()
    '0301'
    """
    return encode_uint(index, 1) + content


def enum(reader: Reader, *cases: Callable[[Reader], T]) -> tuple[int, T]:
    """The next enumeration: the index of its case, and what the case's reader makes of the rest."""
    index = reader.byte()
    if index >= len(cases):
        raise InputError(f"byte {reader.position - 1} names case {index} of an enumeration of {len(cases)}")
    return index, cases[index](reader)


def _whole(number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise InputError(f"a whole number is needed, not {type(number).__name__}")
