"""Account addresses: 32 bytes, written as AIP-40 says."""

from __future__ import annotations

import re
from typing import Final

from ...crypto.hashes import sha3_256
from ...errors import InvalidAddress, InvalidKey

__all__ = ["APT_METADATA", "FRAMEWORK", "ZERO", "from_bytes", "is_special", "of_public_key", "parse", "to_bytes"]

ZERO: Final = bytes(32)
FRAMEWORK: Final = bytes(31) + b"\x01"
"""Where the chain's own modules live: ``0x1``."""
APT_METADATA: Final = bytes(31) + b"\x0a"
"""The metadata object of APT as a fungible asset: ``0xa``."""

_LONG: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_SPECIAL: Final = re.compile(r"0x([0-9a-fA-F])", re.ASCII)
_ED25519: Final = b"\x00"


def of_public_key(public_key: bytes) -> bytes:
    """The address of a 32-byte Ed25519 public key: SHA3-256 of the key and a zero byte; InvalidKey for another length.

    It is also the first authentication key of the account. An account whose key was rotated keeps its address.

    >>> of_public_key(bytes(32)).hex()[:8]
    'dc33296e'
    """
    if len(public_key) != 32:
        raise InvalidKey(f"an Ed25519 public key has 32 bytes, not {len(public_key)}")
    return sha3_256(public_key + _ED25519)


def is_special(address: bytes) -> bool:
    """Whether an address is one of ``0x0`` to ``0xf``, which AIP-40 writes short."""
    return not any(address[:31]) and address[31] < 16


def from_bytes(address: bytes) -> str:
    """The canonical text: ``0x`` and 64 digits, or one digit for the special addresses.

    >>> from_bytes(FRAMEWORK), len(from_bytes(bytes([1]) * 32))
    ('0x1', 66)
    """
    return f"0x{address[31]:x}" if is_special(address) else "0x" + address.hex()


def to_bytes(text: str) -> bytes:
    """The 32 bytes of an address text, of the forms that :func:`parse` takes; InvalidAddress."""
    if not isinstance(text, str):
        raise InvalidAddress(f"an address is text, not a value of type {type(text).__name__}")
    match = _LONG.fullmatch(text)
    if match is not None:
        return bytes.fromhex(match[1])
    match = _SPECIAL.fullmatch(text)
    if match is not None:
        return bytes(31) + bytes((int(match[1], 16),))
    digits = text.removeprefix("0x")
    if digits and len(digits) < 64 and all(sign in "0123456789abcdefABCDEF" for sign in digits):
        raise InvalidAddress(
            f"an Aptos address has 64 hex digits, and this text has {len(digits)}: only 0x0 to 0xf are written "
            "short (AIP-40). If zeros were left out in front, write them; if it was cut, take it anew"
        )
    raise InvalidAddress("this is no Aptos address, which is 0x and 64 hex digits")


def parse(text: str) -> str:
    """The canonical form of an address: of 64 hex digits with or without ``0x``, or of a special one (``0x1``).

    There is no checksum, so an address with digits left out is refused rather than filled up with zeros.

    >>> parse("0x" + "0" * 63 + "1")
    '0x1'
    """
    return from_bytes(to_bytes(text))
