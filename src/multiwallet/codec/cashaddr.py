"""CashAddr, the addresses of Bitcoin Cash: a prefix, a colon, and base 32 with a checksum of 40 bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..errors import InputError
from .bech32 import CHARSET, convert_bits

__all__ = ["decode", "encode"]

_GENERATORS: Final = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_SIZES: Final = (20, 24, 28, 32, 40, 48, 56, 64)
_LONGEST: Final = 200
_VALUES: Final = {character: value for value, character in enumerate(CHARSET)}


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check ^ 1


def _prefix_values(prefix: str) -> list[int]:
    return [ord(character) & 31 for character in prefix] + [0]


def encode(prefix: str, kind: int, payload: bytes) -> str:
    """The address of a hash: ``kind`` is 0 for p2pkh and 1 for p2sh (0 to 15), ``payload`` has 20 to 64 bytes.

    The result is in lower case and has its prefix. Raises :class:`~multiwallet.errors.InputError` for another kind
    or length.

    >>> encode("bitcoincash", 0, bytes(20))
    'bitcoincash:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqfnhks603'
    """
    if not 0 <= kind <= 15 or len(payload) not in _SIZES:
        raise InputError("a CashAddr has a kind from 0 to 15 and a hash of 20, 24, 28, 32, 40, 48, 56 or 64 bytes")
    data = list(convert_bits(bytes((kind << 3 | _SIZES.index(len(payload)),)) + payload, 8, 5))
    check = _polymod([*_prefix_values(prefix), *data, *bytes(8)])
    data += (check >> 5 * (7 - position) & 31 for position in range(8))
    return f"{prefix}:" + "".join(CHARSET[value] for value in data)


def decode(text: str, prefix: str) -> tuple[int, bytes]:
    """The kind (0 to 15) and the hash of an address with this prefix, which the text may leave out.

    Raises :class:`~multiwallet.errors.InputError` for another prefix, mixed case, a character that is none of
    base 32, a wrong checksum, and for bits that must be zero and are not.

    >>> decode("qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqfnhks603", "bitcoincash")[0]
    0
    """
    if len(text) > _LONGEST:
        raise InputError(f"{len(text)} characters are too many for a CashAddr")
    if text != text.lower() and text != text.upper():
        raise InputError("a CashAddr is in lower case or in upper case, not in both")
    stated, colon, body = text.lower().rpartition(":")
    if colon and stated != prefix:
        raise InputError(f"the address has not the prefix {prefix}")
    values = [_VALUES.get(character, -1) for character in body]
    if -1 in values:
        raise InputError(f"{body[values.index(-1)]!r} is no character of a CashAddr")
    if len(values) < 10 or _polymod([*_prefix_values(prefix), *values]):
        raise InputError("the checksum is wrong: a character is mistyped, or the prefix is another one")
    data = convert_bits(bytes(values[:-8]), 5, 8)
    if data[0] & 0x80 or len(data) != 1 + _SIZES[data[0] & 7]:
        raise InputError("the version byte of the address does not fit its length")
    return data[0] >> 3, data[1:]
