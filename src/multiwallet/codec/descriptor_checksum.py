"""The checksum of output descriptors (BIP-380)."""

from __future__ import annotations

from typing import Final

from ..errors import InputError

__all__ = ["checksum"]

_CHARACTERS: Final = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
_CHECKSUM_CHARACTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)


def checksum(text: str) -> str:
    """The eight characters that stand behind the ``#`` of a descriptor.

    Raises :class:`~multiwallet.errors.InputError` for a character that no descriptor has.

    >>> checksum("raw(deadbeef)")
    '89f8spxm'
    """
    value, group, count = 1, 0, 0
    for character in text:
        position = _CHARACTERS.find(character)
        if position < 0:
            raise InputError(f"a descriptor does not have the character {character!r}")
        value = _step(value, position & 31)
        group, count = group * 3 + (position >> 5), count + 1
        if count == 3:
            value, group, count = _step(value, group), 0, 0
    if count:
        value = _step(value, group)
    for _ in range(8):
        value = _step(value, 0)
    value ^= 1
    return "".join(_CHECKSUM_CHARACTERS[value >> 5 * (7 - place) & 31] for place in range(8))


def _step(value: int, symbol: int) -> int:
    top = value >> 35
    value = (value & 0x7FFFFFFFF) << 5 ^ symbol
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            value ^= generator
    return value
