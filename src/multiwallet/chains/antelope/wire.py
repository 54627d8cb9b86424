"""The byte level of Antelope's serialisation: variable-length numbers, byte strings, and a reader that refuses."""

from __future__ import annotations

from ...codec.reader import Reader
from ...errors import InputError, InvalidTransaction

__all__ = ["Input", "octets", "text", "varuint"]


class Input:
    """Antelope's data, read from front to back; what it cannot give is an InvalidTransaction."""

    __slots__ = ("_reader", "_what", "budget")

    def __init__(self, data: bytes, what: str = "the data", budget: int = 200_000) -> None:
        self._reader = Reader(data, what)
        self._what = what
        self.budget = budget

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self._reader.remaining

    def spend(self) -> None:
        """Count one value read. Types may take no bytes at all, so bytes alone do not bound the work."""
        self.budget -= 1
        if self.budget < 0:
            raise InvalidTransaction(f"{self._what} holds more values than anybody needs: it is not read further")

    def take(self, length: int) -> bytes:
        """The next bytes."""
        try:
            return self._reader.take(length)
        except InputError as error:
            raise InvalidTransaction(error.message) from None

    def uint(self, length: int) -> int:
        """The next unsigned number of so many bytes, little-endian."""
        return int.from_bytes(self.take(length), "little")

    def signed(self, length: int) -> int:
        """The next signed number of so many bytes, little-endian."""
        return int.from_bytes(self.take(length), "little", signed=True)

    def varuint(self) -> int:
        """The next variable-length number of at most 32 bits, in its shortest form."""
        value = 0
        for position in range(5):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                if value >= 2**32 or (position and not byte):
                    break
                return value
        raise InvalidTransaction(f"a variable-length number in {self._what} is not in its shortest form of 32 bits")

    def octets(self) -> bytes:
        """The next byte string: a variable-length number and so many bytes."""
        return self.take(self.varuint())

    def text(self) -> str:
        """The next string, which is UTF-8."""
        try:
            return self.octets().decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidTransaction(f"a text in {self._what} is not UTF-8") from None

    def count(self) -> int:
        """The next number of things in a list, each of which takes a byte or more."""
        number = self.varuint()
        if number > self.remaining:
            raise InvalidTransaction(f"{self._what} announces {number} things and has {self.remaining} bytes left")
        return number

    def finish(self) -> None:
        """InvalidTransaction if bytes are left over."""
        if self.remaining:
            raise InvalidTransaction(f"{self._what} goes on for {self.remaining} bytes after its end")


def varuint(number: int) -> bytes:
    """A number of at most 32 bits in seven-bit groups, the lowest first.

    >>> varuint(300).hex()
    'ac02'
    """
    if not 0 <= number < 2**32:
        raise InvalidTransaction("a variable-length number has at most 32 bits")
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def octets(data: bytes) -> bytes:
    """A byte string: its length, then its bytes."""
    return varuint(len(data)) + data


def text(value: str) -> bytes:
    """A string in UTF-8 behind its length; InvalidTransaction for a lone surrogate."""
    try:
        return octets(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise InvalidTransaction("a text holds a lone surrogate, which UTF-8 cannot carry") from None
