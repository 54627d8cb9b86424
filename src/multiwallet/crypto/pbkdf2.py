"""PBKDF2 with HMAC-SHA-512, by the quickest implementation at hand."""

from __future__ import annotations

import hashlib
import sys
from typing import Final

__all__ = ["pbkdf2_hmac_sha512"]

# cryptography takes half the time (1 against 2 ms for 2,048 rounds) and 60 ms to import.
_ROUNDS_WORTH_IMPORTING: Final = 64 * 2048

_rounds_done = 0


def pbkdf2_hmac_sha512(password: bytes, salt: bytes, rounds: int, size: int = 64) -> bytes:
    """PBKDF2-HMAC-SHA512 (RFC 8018): ``size`` bytes from a password and a salt in ``rounds`` rounds.

    Uses the ``cryptography`` package where it is already loaded, or installed and worth loading, else the
    standard library. Both give the same bytes.

    >>> pbkdf2_hmac_sha512(b"password", b"salt", 1).hex()[:16]
    '867f70cf1ade02cf'
    """
    global _rounds_done  # noqa: PLW0603  # it only decides which of two equal implementations runs
    _rounds_done += rounds
    if "cryptography" in sys.modules or _rounds_done > _ROUNDS_WORTH_IMPORTING:
        try:
            from cryptography.hazmat.primitives.hashes import SHA512
            from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
        except ImportError:
            pass
        else:
            return PBKDF2HMAC(SHA512(), size, salt, rounds).derive(password)
    return hashlib.pbkdf2_hmac("sha512", password, salt, rounds, size)
