"""The fountain code of animated URs (BCR-2020-005): parts without end, of which any that are enough give the message.

The first parts are the message's fragments; each later one is some of them, chosen by its number, XORed together.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Final, NamedTuple

from ...errors import InputError, InvalidKey
from . import cbor

__all__ = ["FountainDecoder", "Part", "choose_fragments", "fragment_length", "parts"]

_MASK: Final = 2**64 - 1
_MOST_PARTS: Final = 2048
_LONGEST: Final = 2**20


class Part(NamedTuple):
    """One part: its number (from 1), how many fragments there are, the message's length and CRC-32, and the data."""

    number: int
    total: int
    length: int
    checksum: int
    data: bytes

    def encode(self) -> bytes:
        """The part in CBOR."""
        return cbor.encode(list(self))

    @classmethod
    def decode(cls, data: bytes) -> Part:
        """A part from its CBOR; InvalidKey for numbers that contradict each other or go beyond the bounds."""
        value = cbor.decode(data)
        if not isinstance(value, list) or len(value) != 5 or not isinstance(value[4], bytes):
            raise InvalidKey("a part of this UR is not made as parts are")
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in value[:4]):
            raise InvalidKey("a part of this UR is not made as parts are")
        part = cls(*value)
        if not 1 <= part.number < 2**32 or not 0 <= part.checksum < 2**32:
            raise InvalidKey("a part of this UR has a number that no part has")
        if not 1 <= part.total <= _MOST_PARTS or not 1 <= part.length <= _LONGEST:
            raise InvalidKey(f"a UR of more than {_MOST_PARTS} parts or {_LONGEST} bytes is not read")
        if len(part.data) * part.total < part.length or len(part.data) * (part.total - 1) >= part.length:
            raise InvalidKey("a part of this UR has another length than its message needs")
        return part


class _Random:
    """xoshiro256**, seeded by a hash: the same for sender and receiver."""

    def __init__(self, seed: bytes) -> None:
        digest = hashlib.sha256(seed).digest()
        self._state = [int.from_bytes(digest[start : start + 8], "big") for start in (0, 8, 16, 24)]

    def next(self) -> int:
        state = self._state
        result = _rotated(state[1] * 5 & _MASK, 7) * 9 & _MASK
        shifted = state[1] << 17 & _MASK
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = _rotated(state[3], 45)
        return result

    def fraction(self) -> float:
        return float(self.next()) / 2.0**64

    def up_to(self, highest: int) -> int:
        """A number from 0 to ``highest``."""
        return int(self.fraction() * (highest + 1))


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _MASK


def _sampler(weights: list[float]) -> Callable[[_Random], int]:
    """Indexes by weight (the alias method); sender and receiver must round alike, so the steps are the standard's."""
    total, size = sum(weights), len(weights)
    scaled = [weight * size / total for weight in weights]
    small = [index for index in reversed(range(size)) if scaled[index] < 1]
    large = [index for index in reversed(range(size)) if scaled[index] >= 1]
    share, alias = [1.0] * size, [0] * size
    while small and large:
        low, high = small.pop(), large.pop()
        share[low], alias[low] = scaled[low], high
        scaled[high] += scaled[low] - 1
        (small if scaled[high] < 1 else large).append(high)

    def sample(random: _Random) -> int:
        first, second = random.fraction(), random.fraction()
        index = int(size * first)
        return index if second < share[index] else alias[index]

    return sample


@cache
def _degrees(size: int) -> Callable[[_Random], int]:
    return _sampler([1.0 / degree for degree in range(1, size + 1)])


def choose_fragments(number: int, size: int, checksum: int) -> frozenset[int]:
    """Which of ``size`` fragments (from 0) the part ``number`` mixes, for a message of this CRC-32.

    >>> sorted(choose_fragments(2, 11, 0)), len(choose_fragments(100, 11, 0)) >= 1
    ([1], True)
    """
    if number <= size:
        return frozenset((number - 1,))
    random = _Random(number.to_bytes(4, "big") + checksum.to_bytes(4, "big"))
    degree = _degrees(size)(random) + 1
    remaining = list(range(size))
    return frozenset(remaining.pop(random.up_to(len(remaining) - 1)) for _ in range(degree))


def fragment_length(length: int, longest: int, shortest: int = 10) -> int:
    """The length of the fragments of a message of ``length`` bytes: as few as possible of at most ``longest`` bytes.

    >>> fragment_length(12345, 1955, 1005)
    1764
    """
    if longest < 1 or length < 1:
        raise InputError("a fragment has at least one byte, and a message too")
    for pieces in range(1, max(length // shortest, 1) + 1):
        if math.ceil(length / pieces) <= longest:
            return math.ceil(length / pieces)
    return min(longest, length)


def parts(message: bytes, longest: int, first: int = 1) -> Iterator[Part]:
    """The parts of a message without end, from the number ``first``, with at most ``longest`` bytes of data each.

    Raises InputError for a message beyond 1 MiB or 2,048 fragments.
    """
    width = fragment_length(len(message), longest)
    fragments = [int.from_bytes(message[at : at + width].ljust(width, b"\x00")) for at in range(0, len(message), width)]
    if len(message) > _LONGEST or len(fragments) > _MOST_PARTS:
        raise InputError(f"a UR has at most {_MOST_PARTS} fragments and {_LONGEST} bytes: take longer fragments")
    checksum = zlib.crc32(message)
    for number in count(first):
        number = (number - 1) % (2**32 - 1) + 1
        mixed = 0
        for index in choose_fragments(number, len(fragments), checksum):
            mixed ^= fragments[index]
        yield Part(number, len(fragments), len(message), checksum, mixed.to_bytes(width, "big"))


class FountainDecoder:
    """Collects parts in any order until the message is there.

    The parts are equations over the fragments, solved as they come (Gaussian elimination), so that no part is lost
    and no more than one for each fragment is kept.
    """

    def __init__(self) -> None:
        self._first: Part | None = None
        self._rows: dict[int, tuple[int, int]] = {}
        self.message: bytes | None = None
        """The message, once it is complete."""

    @property
    def progress(self) -> tuple[int, int]:
        """How many parts have helped, and how many are needed."""
        return len(self._rows), self._first.total if self._first is not None else 0

    def receive(self, part: Part) -> bool:
        """Take a part in; whether the message is complete.

        Raises InvalidKey for a part of another message, and where the message does not fit its checksum.
        """
        if self._first is None:
            self._first = part
        first = self._first
        if (part.total, part.length, part.checksum, len(part.data)) != (
            first.total,
            first.length,
            first.checksum,
            len(first.data),
        ):
            raise InvalidKey("this part is of another UR than those before it")
        if self.message is not None:
            return True
        mask = sum(1 << index for index in choose_fragments(part.number, part.total, part.checksum))
        value = int.from_bytes(part.data, "big")
        while mask:
            pivot = mask & -mask
            known = self._rows.get(pivot)
            if known is None:
                self._rows[pivot] = (mask, value)
                break
            mask, value = mask ^ known[0], value ^ known[1]
        if len(self._rows) == first.total:
            self.message = self._solved(first)
        return self.message is not None

    def _solved(self, first: Part) -> bytes:
        solved: dict[int, int] = {}
        for pivot in sorted(self._rows, reverse=True):
            mask, value = self._rows[pivot]
            mask ^= pivot
            while mask:
                bit = mask & -mask
                value ^= solved[bit]
                mask ^= bit
            solved[pivot] = value
        width = len(first.data)
        message = b"".join(solved[1 << index].to_bytes(width, "big") for index in range(first.total))[: first.length]
        if zlib.crc32(message) != first.checksum:
            self._rows.clear()
            self._first = None
            raise InvalidKey("the parts of this UR do not give the message that they announce: scan it again")
        return message
