"""Addresses: bech32 (BIP-173) of 20 bytes for a key, 32 for a contract or module.

A secp256k1 key's bytes are RIPEMD-160 of SHA-256 of its compressed form. Chains with Ethereum's keys (Injective)
take the last 20 bytes of Keccak-256, as Ethereum does.
"""

from __future__ import annotations

from typing import Final

from ...codec import bech32
from ...crypto.hashes import hash160, keccak256
from ...crypto.secp256k1 import compress, decompress
from ...errors import InputError, InvalidAddress, shown

__all__ = ["any_chain", "of_key", "parse", "text", "to_bytes"]

_LENGTHS: Final = (20, 32)


def of_key(public_key: bytes, *, eth: bool) -> bytes:
    """The 20 address bytes of a public key of 33 or 65 bytes; InvalidKey for another."""
    if eth:
        return keccak256(decompress(public_key)[1:])[12:]
    return hash160(compress(public_key))


def text(hrp: str, data: bytes) -> str:
    """The bech32 text of address bytes.

    >>> text("cosmos", bytes(20))
    'cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a'
    """
    return bech32.encode(hrp, bech32.convert_bits(data, 8, 5), bech32.Encoding.BECH32)


def _read(address: object, what: str) -> tuple[str, bytes]:
    if not isinstance(address, str):
        raise InvalidAddress(f"{what} is text, not {type(address).__name__}")
    try:
        hrp, symbols, encoding = bech32.decode(address)
        data = bech32.convert_bits(symbols, 5, 8)
    except InputError as error:
        raise InvalidAddress(f"{shown(address)} is no {what}: {error.message}") from None
    if encoding is not bech32.Encoding.BECH32:
        raise InvalidAddress(f"{shown(address)} has the checksum of Bech32m: {what} has that of Bech32")
    if len(data) not in _LENGTHS:
        raise InvalidAddress(f"{what} holds 20 bytes (or 32, of a contract), and this text holds {len(data)}")
    return hrp, data


def to_bytes(hrp: str, address: object, *, what: str = "an address") -> bytes:
    """The 20 or 32 bytes of an address with the prefix ``hrp``; InvalidAddress for any other text."""
    found, data = _read(address, f"{what} of this chain")
    if found != hrp:
        raise InvalidAddress(f"this is an address that starts with {found}1, and {what} here starts with {hrp}1")
    return data


def parse(hrp: str, address: object, *, what: str = "an address") -> str:
    """The canonical, lower-case text of an address; InvalidAddress says what is wrong."""
    return text(hrp, to_bytes(hrp, address, what=what))


def any_chain(address: object) -> str:
    """The canonical text of an address of any Bech32 chain, for the far end of an IBC transfer."""
    return text(*_read(address, "an address of another chain"))
