"""scrypt (RFC 7914) and PBKDF2 (RFC 8018) with bounds: a file from a stranger names the cost of its own opening."""

from __future__ import annotations

import hashlib
from typing import Final

from ..errors import InvalidKey

__all__ = ["MAX_PBKDF2_ROUNDS", "MAX_SCRYPT_MEMORY", "MAX_SCRYPT_WORK", "pbkdf2", "scrypt"]

MAX_SCRYPT_MEMORY: Final = 512 * 2**20
"""In bytes. What geth writes needs 256 MiB."""
MAX_SCRYPT_WORK: Final = 2**23
"""N * r * p. What geth writes has 2^21, about a second."""
MAX_PBKDF2_ROUNDS: Final = 10_000_000
"""Some seconds. MetaMask writes 900,000 rounds, the oldest keystores 262,144."""


def scrypt(password: bytes, salt: bytes, *, n: int, r: int, p: int, size: int) -> bytes:
    """``size`` bytes from a password, with the cost ``n`` (a power of two), block size ``r`` and parallelism ``p``.

    Raises :class:`~multiwallet.errors.InvalidKey` for parameters that are none, and for those that would take
    more than :data:`MAX_SCRYPT_MEMORY` or :data:`MAX_SCRYPT_WORK`.

    >>> scrypt(b"password", b"NaCl", n=1024, r=8, p=16, size=64).hex()[:16]
    'fdbabe1c9d347200'
    """
    if not all(_is_number(value) for value in (n, r, p)) or n < 2 or n & (n - 1) or r < 1 or p < 1:
        raise InvalidKey("the scrypt parameters of this file are no such: N is a power of two, r and p at least 1")
    memory = 128 * r * (n + p + 2)
    if memory > MAX_SCRYPT_MEMORY or n * r * p > MAX_SCRYPT_WORK:
        raise InvalidKey(
            "opening this file would take an unreasonable amount of memory or time (its scrypt parameters say so): "
            "wallets do not write such files"
        )
    try:
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory + 2**20, dklen=size)
    except (ValueError, OverflowError):
        # OpenSSL keeps to RFC 7914's N < 2^(16 r), which the first Ethereum keystores do not; libsodium computes those.
        return _scrypt_of_libsodium(password, salt, n, r, p, size)


def _scrypt_of_libsodium(password: bytes, salt: bytes, n: int, r: int, p: int, size: int) -> bytes:
    # Directly: PyNaCl's own function checks what OpenSSL does. The bounds on memory and work are kept above.
    from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # PyNaCl's own binding, without stubs

    output = ffi.new("uint8_t[]", size)
    if lib.crypto_pwhash_scryptsalsa208sha256_ll(password, len(password), salt, len(salt), n, r, p, output, size):
        raise InvalidKey("the scrypt parameters of this file are outside the standard (RFC 7914)")
    return bytes(ffi.buffer(output))


def pbkdf2(password: bytes, salt: bytes, rounds: int, size: int, digest: str = "sha256") -> bytes:
    """``size`` bytes from a password in ``rounds`` rounds of HMAC with ``digest`` (``sha256`` or ``sha512``).

    Raises :class:`~multiwallet.errors.InvalidKey` for fewer than one or more than :data:`MAX_PBKDF2_ROUNDS`.

    >>> pbkdf2(b"password", b"salt", 1, 20).hex()
    '120fb6cffcf8b32c43e7225256c4f837a86548c9'
    """
    if not _is_number(rounds) or rounds < 1:
        raise InvalidKey("the number of PBKDF2 rounds in this file is no number from 1 up")
    if rounds > MAX_PBKDF2_ROUNDS:
        raise InvalidKey(
            f"opening this file would take {str(rounds)[:20]} rounds of PBKDF2, which no wallet asks for: "
            f"at most {MAX_PBKDF2_ROUNDS} are done"
        )
    return hashlib.pbkdf2_hmac(digest, password, salt, rounds, size)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value < 2**32
