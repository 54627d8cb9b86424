"""Solana addresses: base58 of a 32-byte public key, or of a program-derived address without a key."""

from __future__ import annotations

from typing import Final

from ...codec import base58
from ...crypto.hashes import sha256
from ...errors import InputError, InvalidAddress, InvalidTransaction

__all__ = ["decode_signature", "encode", "find_program_address", "is_on_curve", "parse"]

_MARKER: Final = b"ProgramDerivedAddress"
# 32 bytes are written with 32 (all zero) to 44 characters, 64 bytes with 64 to 88.
_LONGEST: Final = 44
_LONGEST_SIGNATURE: Final = 88

encode: Final = base58.encode


def parse(text: object) -> bytes:
    """The 32 bytes of an address; :class:`~multiwallet.errors.InvalidAddress` says what is wrong with another text.

    Addresses off the curve (of programs, of token accounts) are addresses too. The message never repeats the text,
    which may be a key pasted into the wrong place.

    >>> parse("11111111111111111111111111111111") == bytes(32)
    True
    >>> parse("1111111111111111111111111111111l")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InvalidAddress: no Solana address: character 32 ('l') is not in the base58 alphabet
    """
    if not isinstance(text, str):
        raise InvalidAddress(f"an address is text, not {type(text).__name__}")
    if not text:
        raise InvalidAddress("the address is empty")
    if text[:2] in ("0x", "0X"):
        raise InvalidAddress("no Solana address: it starts with 0x, as addresses of Ethereum do")
    if len(text) > _LONGEST:
        hint = ": 87 or 88 characters are a signature or a private key, keep a key secret" if len(text) > 80 else ""
        raise InvalidAddress(f"no Solana address: {len(text)} characters, where 32 to 44 are right{hint}")
    try:
        key = base58.decode(text, limit=_LONGEST)
    except InputError as error:
        raise InvalidAddress(f"no Solana address: {error.message}") from None
    if len(key) != 32:
        raise InvalidAddress(f"no Solana address: it stands for {len(key)} bytes, where 32 are right")
    return key


def decode_signature(text: object, *, what: str = "a transaction id") -> bytes:
    """The 64 bytes of a signature in base58; :class:`~multiwallet.errors.InvalidTransaction` for anything else."""
    if not isinstance(text, str) or not 64 <= len(text) <= _LONGEST_SIGNATURE:
        raise InvalidTransaction(f"{what} is a text of 64 to 88 base58 characters: the first signature")
    try:
        signature = base58.decode(text, limit=_LONGEST_SIGNATURE)
    except InputError as error:
        raise InvalidTransaction(f"{what}: {error.message}") from None
    if len(signature) != 64:
        raise InvalidTransaction(f"{what} stands for 64 bytes, not {len(signature)}")
    return signature


def is_on_curve(key: bytes) -> bool:
    """Whether the 32 bytes can be a public key. Off the curve nobody holds a key: a program governs the address."""
    from ...crypto import ed25519

    return ed25519.is_on_curve(key)


def find_program_address(seeds: tuple[bytes, ...], program: bytes) -> tuple[bytes, int]:
    """The program-derived address of ``seeds`` (at most 32 bytes each) and its bump, from 255 downwards.

    >>> account, bump = find_program_address((b"hello",), bytes(32))
    >>> len(account), bump, is_on_curve(account)
    (32, 255, False)
    """
    if len(seeds) > 15 or any(len(seed) > 32 for seed in seeds):
        raise InputError("a derived address has at most 15 seeds of at most 32 bytes beside its bump")
    start = b"".join(seeds)
    for bump in range(255, -1, -1):
        candidate = sha256(start + bytes((bump,)) + program + _MARKER)
        if not is_on_curve(candidate):
            return candidate, bump
    raise InputError("these seeds have no derived address")
