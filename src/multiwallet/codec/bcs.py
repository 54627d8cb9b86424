"""BCS, the Binary Canonical Serialization of Move chains (Aptos, Sui): one byte string for each value.

Integers are little-endian with a fixed width; lengths and enum variants are ULEB128 numbers of at most 32 bits, in
their shortest form; a struct is its fields one after the other. There are no type marks: who reads must know what is
there. The ``encode_*`` functions make pieces to be joined, :class:`BcsReader` takes them apart.

>>> encode_uint(1_000, 8) + encode_text("gas")
b'\\xe8\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x03gas'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from ..errors import InputError
from .reader import Reader

__all__ = [
    "BcsReader",
    "encode_bool",
    "encode_bytes",
    "encode_option",
    "encode_sequence",
    "encode_text",
    "encode_uint",
    "encode_uleb128",
]

T = TypeVar("T")

MAX_LENGTH: Final = 2**31 - 1
"""The longest sequence and the longest byte string that BCS knows."""

MAX_ULEB128: Final = 2**32 - 1
"""The highest length or variant number."""

_SIZES: Final = (1, 2, 4, 8, 16, 32)
_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))


def encode_uleb128(number: int) -> bytes:
    """The ULEB128 of ``number``, 0 to 2**32 - 1: seven bits a byte, lowest first, one to five bytes.

    Raises :class:`~multiwallet.errors.InputError` outside of that range.

    >>> encode_uleb128(127).hex(), encode_uleb128(128).hex()
    ('7f', '8001')
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MAX_ULEB128:
        raise InputError("a ULEB128 of BCS holds whole numbers from 0 to 4294967295")
    if number < 0x80:
        return _ONE_BYTE[number]
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode_uint(number: int, size: int) -> bytes:
    """An unsigned integer of ``size`` bytes (1, 2, 4, 8, 16 or 32), little-endian; InputError if it does not fit.

    >>> encode_uint(258, 4).hex()
    '02010000'
    """
    if size not in _SIZES:
        raise InputError("an unsigned integer of BCS has 1, 2, 4, 8, 16 or 32 bytes")
    if not isinstance(number, int) or isinstance(number, bool):
        raise InputError(f"a u{8 * size} is a whole number, not a value of type {type(number).__name__}")
    if not 0 <= number < 1 << 8 * size:
        raise InputError(f"a u{8 * size} is from 0 to 2**{8 * size} - 1")
    return number.to_bytes(size, "little")


def encode_bool(value: bool) -> bytes:
    """One byte, 1 or 0.

    >>> encode_bool(True)
    b'\\x01'
    """
    if not isinstance(value, bool):
        raise InputError(f"a bool is True or False, not a value of type {type(value).__name__}")
    return b"\x01" if value else b"\x00"


def encode_bytes(data: bytes) -> bytes:
    """A byte string of any length, its length in front. What has a fixed length (an address) stands bare instead.

    >>> encode_bytes(b"abc").hex()
    '03616263'
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(f"a byte string is bytes, not a value of type {type(data).__name__}")
    data = bytes(data)
    if len(data) > MAX_LENGTH:
        raise InputError(f"a byte string of BCS has at most {MAX_LENGTH} bytes")
    return encode_uleb128(len(data)) + data


def encode_text(text: str) -> bytes:
    """Text as UTF-8, the number of its bytes in front; InputError for a lone surrogate.

    >>> encode_text("é").hex()
    '02c3a9'
    """
    if not isinstance(text, str):
        raise InputError(f"text is needed, not a value of type {type(text).__name__}")
    try:
        return encode_bytes(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise InputError("the text holds a lone surrogate, which UTF-8 cannot carry") from None


def encode_option(encoded: bytes | None) -> bytes:
    """Nothing (one zero byte), or a value that is encoded already with a one in front.

    >>> encode_option(None).hex(), encode_option(encode_uint(5, 1)).hex()
    ('00', '0105')
    """
    return b"\x00" if encoded is None else b"\x01" + encoded


def encode_sequence(encoded: Iterable[bytes]) -> bytes:
    """A sequence of values that are encoded already: how many, then each.

    >>> encode_sequence(encode_uint(number, 2) for number in (1, 2)).hex()
    '0201000200'
    """
    items = tuple(encoded)
    if len(items) > MAX_LENGTH:
        raise InputError(f"a sequence of BCS has at most {MAX_LENGTH} items")
    return encode_uleb128(len(items)) + b"".join(items)


class BcsReader(Reader):
    """A :class:`~multiwallet.codec.reader.Reader` that knows the forms of BCS, and only the canonical ones.

    Memory stays within a small multiple of the data: a length is checked against what is left before anything is
    read. Whoever reads nested types keeps the depth within bounds.

    >>> reader = BcsReader(bytes.fromhex("0201000200"), "the list")
    >>> reader.sequence(lambda: reader.uint(2))
    [1, 2]
    >>> reader.finish()
    """

    __slots__ = ()

    def uleb128(self) -> int:
        """The next ULEB128, which must be in its shortest form and below 2**32."""
        start, number = self._position, 0
        for shift in range(0, 35, 7):
            try:
                byte = self.byte()
            except InputError:
                self._position = start
                raise
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if not byte and shift:
                    self._position = start
                    raise InputError(f"{self._what}: the ULEB128 at byte {start} is not in its shortest form")
                if number > MAX_ULEB128:
                    break
                return number
        self._position = start
        raise InputError(f"{self._what}: the ULEB128 at byte {start} is above 4294967295")

    def boolean(self) -> bool:
        """The next bool: a byte that is 0 or 1."""
        value = self.byte()
        if value > 1:
            self._position -= 1
            raise InputError(f"{self._what}: the bool at byte {self._position} is neither 0 nor 1")
        return value == 1

    def byte_string(self, limit: int = MAX_LENGTH) -> bytes:
        """The next byte string with its length in front, of at most ``limit`` bytes."""
        start = self._position
        try:
            return self.take(self._length(limit, "byte string"))
        except InputError:
            self._position = start
            raise

    def text(self, limit: int = MAX_LENGTH) -> str:
        """The next UTF-8 text of at most ``limit`` bytes."""
        start = self._position
        try:
            return self.byte_string(limit).decode("utf-8")
        except UnicodeDecodeError:
            self._position = start
            raise InputError(f"{self._what}: the text at byte {start} is no UTF-8") from None

    def option(self, read: Callable[[], T]) -> T | None:
        """What ``read`` reads if the next byte says that there is something, else None."""
        return read() if self.boolean() else None

    def sequence(self, read: Callable[[], T], limit: int = MAX_LENGTH) -> list[T]:
        """So many values as the length in front says, at most ``limit``, each of at least one byte."""
        return [read() for _ in range(self._length(limit, "sequence"))]

    def variant(self, *names: str) -> str:
        """The next variant number of an enum, as its name; InputError when there is none.

        >>> BcsReader(b"\\x01").variant("Coin", "Token")
        'Token'
        """
        start = self._position
        number = self.uleb128()
        if number >= len(names):
            self._position = start
            raise InputError(f"{self._what}: there is no variant {number} at byte {start}, only {len(names)}")
        return names[number]

    def _length(self, limit: int, kind: str) -> int:
        start = self._position
        length = self.uleb128()
        if length > min(limit, MAX_LENGTH) or length > self.remaining:
            left = self.remaining
            self._position = start
            if length > limit:
                raise InputError(f"{self._what}: the {kind} at byte {start} is longer than {limit}")
            raise InputError(f"{self._what} ends too early: {length} wanted after byte {start}, {left} left")
        return length
