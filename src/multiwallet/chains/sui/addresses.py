"""Addresses of accounts and objects: 32 bytes, written as ``0x`` and 64 hex digits."""

from __future__ import annotations

import re
from typing import Final

from ...errors import InvalidAddress

__all__ = ["FRAMEWORK", "ZERO", "from_bytes", "is_special", "named", "parse", "to_bytes"]

ZERO: Final = bytes(32)
FRAMEWORK: Final = bytes(31) + b"\x02"
"""The package of the chain's own objects and coins: ``0x2``."""

_LONG: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_SHORT: Final = re.compile(r"0x([0-9a-fA-F]{1,64})", re.ASCII)


def from_bytes(address: bytes) -> str:
    """The canonical text of 32 bytes.

    >>> from_bytes(FRAMEWORK)[-4:], len(from_bytes(FRAMEWORK))
    ('0002', 66)
    """
    return "0x" + address.hex()


def to_bytes(text: str) -> bytes:
    """The 32 bytes of an address text of 64 hex digits; InvalidAddress.

    There is no checksum, so an address with digits left out is refused rather than filled up with zeros.
    """
    if not isinstance(text, str):
        raise InvalidAddress(f"an address is text, not a value of type {type(text).__name__}")
    match = _LONG.fullmatch(text)
    if match is not None:
        return bytes.fromhex(match[1])
    digits = text.removeprefix("0x")
    if digits and len(digits) < 64 and all(sign in "0123456789abcdefABCDEF" for sign in digits):
        raise InvalidAddress(
            f"a Sui address has 64 hex digits, and this text has {len(digits)}: if zeros were left out in front, "
            "write them; if it was cut, take it anew"
        )
    raise InvalidAddress("this is no Sui address, which is 0x and 64 hex digits")


def parse(text: str) -> str:
    """The canonical form of an address of 64 hex digits, in either case, with or without ``0x``; InvalidAddress.

    >>> parse("AB" * 32)[:6]
    '0xabab'
    """
    return from_bytes(to_bytes(text))


def named(text: str) -> bytes:
    """The address in the name of a type or a package, where leading zeros are left out: ``0x2``; InvalidAddress.

    >>> named("0x2") == FRAMEWORK
    True
    """
    match = _SHORT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidAddress("a package is named by 0x and 1 to 64 hex digits")
    return bytes.fromhex(match[1].zfill(64))


def is_special(address: bytes) -> bool:
    """Whether an address is one of the chain's own (``0x0`` to ``0xffff``), whose keys nobody has."""
    return not any(address[:30])
