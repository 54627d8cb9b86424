"""Reader: take a byte string apart from front to back, with every bound checked."""

from __future__ import annotations

from typing import Literal

from ..errors import InputError
from . import compact_size, shortvec

__all__ = ["Reader"]


class Reader:
    """A position in a byte string that only moves forward.

    What the data cannot give raises :class:`~multiwallet.errors.InputError` with the position. ``what`` names
    the data in the messages. A failed read leaves the position where it was.

    >>> reader = Reader(bytes.fromhex("0100000002abcd"), "the record")
    >>> reader.uint(4, "little"), reader.take(reader.compact_size()).hex(), reader.remaining
    (1, 'abcd', 0)
    >>> reader.finish()
    >>> reader.byte()
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the record ends too early: 1 bytes wanted at byte 7, 0 left
    """

    __slots__ = ("_data", "_end", "_position", "_what")

    def __init__(self, data: bytes, what: str = "the data") -> None:
        self._data = bytes(data)
        self._position = 0
        self._end = len(self._data)
        self._what = what

    @property
    def position(self) -> int:
        """The offset of the next byte."""
        return self._position

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self._end - self._position

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        start = self._position
        end = start + length
        if length < 0 or end > self._end:
            raise self._short(length)
        self._position = end
        return self._data[start:end]

    def peek(self, length: int = 1) -> bytes:
        """The next ``length`` bytes, or as many as there are, without moving on."""
        return self._data[self._position : self._position + max(length, 0)]

    def byte(self) -> int:
        """The next byte, as a number."""
        position = self._position
        if position >= self._end:
            raise self._short(1)
        self._position = position + 1
        return self._data[position]

    def uint(self, length: int, byteorder: Literal["little", "big"] = "little") -> int:
        """The next ``length`` bytes as an unsigned integer."""
        return int.from_bytes(self.take(length), byteorder)

    def compact_size(self) -> int:
        """The next Bitcoin CompactSize, which must be in its shortest form."""
        position = self._position
        if position < self._end and (first := self._data[position]) < 0xFD:
            self._position = position + 1
            return first
        number, self._position = compact_size.decode(self._data, position)
        return number

    def compact_bytes(self) -> bytes:
        """The next byte string: a CompactSize length and that many bytes."""
        position = self._position
        length = self.compact_size()
        try:
            return self.take(length)
        except InputError:
            self._position = position
            raise

    def shortvec(self) -> int:
        """The next Solana compact-u16, which must be in its shortest form."""
        number, self._position = shortvec.decode(self._data, self._position)
        return number

    def rest(self) -> bytes:
        """All the bytes that are left."""
        return self.take(self._end - self._position)

    def finish(self) -> None:
        """Raise :class:`~multiwallet.errors.InputError` if bytes are left over."""
        if self._position != self._end:
            raise InputError(f"{self._what} goes on for {self._end - self._position} bytes after its end")

    def _short(self, length: int) -> InputError:
        if length < 0:
            return InputError(f"{self._what}: a length cannot be negative")
        return InputError(
            f"{self._what} ends too early: {length} bytes wanted at byte {self._position}, {self.remaining} left"
        )
