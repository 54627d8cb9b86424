"""TRON addresses: 21 bytes, 0x41 and the last 20 bytes of a key's Keccak-256, written in Base58Check."""

from __future__ import annotations

import re
from typing import Final

from ...codec import base58
from ...crypto.hashes import keccak256
from ...crypto.secp256k1 import decompress
from ...errors import InputError, InvalidAddress

__all__ = ["PREFIX", "ZERO", "from_bytes", "of_public_key", "parse", "to_bytes"]

PREFIX: Final = 0x41
"""The first byte of every address, on the main network and on the test networks alike."""

ZERO: Final = bytes([PREFIX]) + bytes(20)
"""The address nobody owns; constant calls are made in its name."""

_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)


def of_public_key(public_key: bytes) -> bytes:
    """The 21 bytes of the address of a secp256k1 public key (33 or 65 bytes).

    Raises :class:`~multiwallet.errors.InvalidKey` for what is no public key.

    >>> of_public_key(bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")).hex()
    '417e5f4552091a69125d5dfcb7b8c2659029395bdf'
    """
    return b"\x41" + keccak256(decompress(public_key)[1:])[12:]


def from_bytes(address: bytes) -> str:
    """The canonical text (``T`` and 33 more characters) of 21 address bytes.

    Raises :class:`~multiwallet.errors.InvalidAddress` for other bytes.

    >>> from_bytes(ZERO)
    'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb'
    """
    if len(address) != 21 or address[0] != PREFIX:
        raise InvalidAddress("a TRON address has 21 bytes, and the first is 0x41")
    return base58.encode_check(address)


def to_bytes(text: str) -> bytes:
    """The 21 bytes of an address text: Base58Check, or 42 hex digits that start with 41.

    Raises :class:`~multiwallet.errors.InvalidAddress` saying what is wrong with it.

    >>> to_bytes("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb") == ZERO
    True
    >>> to_bytes("0xc8599111f29c1e1e061265b4af93ea1f274ad78a")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InvalidAddress: this looks like an EVM address (0x...): TRON addresses start with T; ask the recipient for theirs
    """
    if not isinstance(text, str):
        raise InvalidAddress(f"a TRON address is text, not {type(text).__name__}")
    if not text:
        raise InvalidAddress("the address is empty: a TRON address starts with T and has 34 characters")
    if len(text) > 128:
        raise InvalidAddress("this is far too long for a TRON address, which has 34 characters")
    if text != text.strip() or "\0" in text:
        raise InvalidAddress("there is white space or a NUL around the address: remove it")
    if text[:2] in ("0x", "0X"):
        if len(text) == 44 and text[2:4] == "41" and _HEX.fullmatch(text[2:]):
            raise InvalidAddress("leave out the 0x: the hex form of a TRON address is 41 and 40 hex digits")
        raise InvalidAddress(
            "this looks like an EVM address (0x...): TRON addresses start with T; ask the recipient for theirs"
        )
    if text[0] != "T":
        return _from_hex(text)
    if len(text) != 34:
        raise InvalidAddress(f"a TRON address has 34 characters, not {len(text)}: one is missing or too many")
    try:
        data = base58.decode_check(text)
    except InputError as error:
        raise InvalidAddress(f"this is no TRON address: {error.message}") from None
    if len(data) != 21 or data[0] != PREFIX:
        raise InvalidAddress("this Base58Check text holds something else than a TRON address")
    return data


def _from_hex(text: str) -> bytes:
    if _HEX.fullmatch(text) and len(text) in (40, 42, 44):
        if len(text) == 42 and text[:2] == "41":
            return bytes.fromhex(text)
        if len(text) == 40:
            raise InvalidAddress("these are 40 hex digits: the hex form of a TRON address is 41 and 40 hex digits")
        raise InvalidAddress("the hex form of a TRON address is 42 digits: 41 and 40 more")
    raise InvalidAddress("a TRON address starts with T: this is an address of another network or something else")


def parse(text: str) -> str:
    """The canonical form of an address text; :class:`~multiwallet.errors.InvalidAddress` as :func:`to_bytes`.

    >>> parse("410000000000000000000000000000000000000000")
    'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb'
    """
    data = to_bytes(text)
    return text if text[0] == "T" else from_bytes(data)
