"""Addresses: c32check, Crockford's base 32 with a checksum (SIP-005)."""

from __future__ import annotations

from multiwallet.crypto.hashes import sha256d
from multiwallet.errors import InvalidAddress, shown

__all__ = ["decode_address", "encode_address"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {sign: value for value, sign in enumerate(_ALPHABET)}
_LONGEST = 48


def encode_address(version: int, hash160: bytes) -> str:
    """``S``, the version and the 20-byte hash of a key or script, as text.

    >>> encode_address(22, bytes.fromhex("a46ff88886c2ef9762d970b4d2c63678835bd39d"))
    'SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7'
    """
    return "S" + _ALPHABET[version] + _encode(hash160 + _checksum(version, hash160))


def decode_address(text: str) -> tuple[int, bytes]:
    """Version and hash of an address in its one canonical form; InvalidAddress says what is wrong."""
    if not isinstance(text, str) or not 4 < len(text) <= _LONGEST or text[0] != "S":
        raise InvalidAddress(f"{shown(text)} is no Stacks address: one begins with S and has about 41 characters")
    if any(sign not in _VALUES for sign in text[1:]):
        raise InvalidAddress("a Stacks address has digits and upper-case letters other than I, L, O and U")
    version, number = _VALUES[text[1]], 0
    for sign in text[2:]:
        number = number * 32 + _VALUES[sign]
    if number >= 1 << 192:
        raise InvalidAddress("this Stacks address is too long")
    data = number.to_bytes(24, "big")
    hash160, checksum = data[:20], data[20:]
    if checksum != _checksum(version, hash160):
        raise InvalidAddress("the checksum of this Stacks address is wrong: look for a wrong character")
    if encode_address(version, hash160) != text:
        raise InvalidAddress("this Stacks address has needless zeros: write it as its owner's wallet shows it")
    return version, hash160


def _checksum(version: int, data: bytes) -> bytes:
    return sha256d(bytes((version,)) + data)[:4]


def _encode(data: bytes) -> str:
    number, digits = int.from_bytes(data, "big"), []
    while number:
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "0" * zeros + "".join(reversed(digits))
