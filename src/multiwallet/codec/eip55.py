"""Ethereum addresses as text, with the EIP-55 checksum in the case of their letters."""

from __future__ import annotations

from binascii import a2b_hex, b2a_hex
from typing import Final

from ..crypto.hashes import keccak256
from ..errors import InputError

__all__ = ["checksum", "parse"]

_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_LETTER_BITS: Final = int.from_bytes(b"\x40" * 40, "big")


def checksum(address: bytes) -> str:
    """The ``0x...`` text of a 20-byte ``address`` with its EIP-55 checksum.

    Raises :class:`~multiwallet.errors.InputError` for another length.

    >>> checksum(bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"))
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
    """
    if len(address) != 20:
        raise InputError(f"an Ethereum address has 20 bytes, not {len(address)}")
    text = b2a_hex(address)
    # All 40 characters at once. In ASCII a letter has bit 6 and no bit 3, and of the digits only 8 and 9 have
    # bit 3: so a hash digit of 8 or more is one with bit 6 or bit 3. A letter loses bit 5 to become a capital.
    digits = int.from_bytes(b2a_hex(keccak256(text)[:20]), "big")
    letters = int.from_bytes(text, "big")
    capitals = (digits | digits << 3) & letters & _LETTER_BITS
    return "0x" + (letters ^ capitals >> 1).to_bytes(40, "big").decode("ascii")


def parse(text: str) -> bytes:
    """The 20 bytes of an address: ``0x`` and 40 hex digits, all lower case, all upper case or with its checksum.

    Raises :class:`~multiwallet.errors.InputError` for anything else; mixed case that is not the EIP-55 checksum
    most often means a mistyped or altered address.

    >>> parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").hex()
    '5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'
    >>> parse("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the capitals do not match the EIP-55 checksum: check the address at its source
    """
    if not isinstance(text, str):
        raise InputError(f"an Ethereum address is text, not {type(text).__name__}")
    if text[:2] != "0x":
        raise InputError("an Ethereum address starts with 0x")
    if len(text) != 42:
        raise InputError(f"an Ethereum address has 40 hex digits after 0x, not {len(text) - 2}")
    body = text[2:]
    try:
        address = a2b_hex(body)
    except ValueError:
        position = next(index for index, character in enumerate(body) if character not in _DIGITS)
        raise InputError(f"character {position + 3} ({body[position]!a}) is not a hex digit") from None
    if body.lower() != body and body.upper() != body and checksum(address) != text:
        raise InputError("the capitals do not match the EIP-55 checksum: check the address at its source")
    return address
