"""The cryptography of the vault, each function one call of libsodium.

PyNaCl's public functions return ``bytes``, which nobody can wipe. These call the same library and write what is
secret into a ``bytearray`` of the caller's, who wipes it with :func:`wipe`.
"""

from __future__ import annotations

import secrets
from typing import Final, TypeAlias

import nacl.bindings  # noqa: F401  # which initialises libsodium
from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # PyNaCl's own binding, without stubs

from multiwallet.errors import VaultError

__all__ = ["KEY_SIZE", "OVERHEAD", "Data", "argon2id", "blake2b", "open_box", "seal", "wipe", "x25519", "x25519_public"]

Data: TypeAlias = bytes | bytearray | memoryview

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 24
TAG_SIZE: Final = 16
OVERHEAD: Final = NONCE_SIZE + TAG_SIZE
"""How many bytes a sealed box has beyond its plain text: the nonce before it (24) and the tag after it (16)."""


def wipe(*buffers: bytearray | memoryview) -> None:
    """Overwrite buffers with zeros.

    >>> buffer = bytearray(b"secret")
    >>> wipe(buffer)
    >>> buffer == bytes(6)
    True
    """
    for buffer in buffers:
        if len(buffer):
            lib.sodium_memzero(ffi.from_buffer(buffer), len(buffer))


def argon2id(password: Data, salt: Data, *, passes: int, memory_kib: int) -> bytearray:
    """Argon2id version 1.3 with one lane (RFC 9106): 32 bytes from a password and a salt of 16 bytes.

    Raises :class:`~multiwallet.errors.VaultError` where the machine does not have the memory.
    """
    out = bytearray(KEY_SIZE)
    failed = lib.crypto_pwhash(
        ffi.from_buffer(out), len(out), ffi.from_buffer(password), len(password), ffi.from_buffer(salt),
        passes, memory_kib * 1024, lib.crypto_pwhash_alg_argon2id13(),
    )  # fmt: skip
    if failed:
        raise VaultError(
            f"Argon2id could not run with {memory_kib // 1024} MiB: this machine does not have the memory free"
        )
    return out


def blake2b(purpose: bytes, *parts: Data, key: Data = b"") -> bytearray:
    """BLAKE2b (RFC 7693) with 32 bytes of output over the parts in turn; ``purpose`` is its personalisation.

    >>> blake2b(b"example", b"ab", b"c") == blake2b(b"example", b"abc")
    True
    """
    whole = bytearray().join(parts)
    out = bytearray(KEY_SIZE)
    salt, personal = bytes(16), purpose.ljust(16, b"\0")
    failed = lib.crypto_generichash_blake2b_salt_personal(
        ffi.from_buffer(out), len(out), ffi.from_buffer(whole), len(whole), ffi.from_buffer(key), len(key),
        salt, personal,
    )  # fmt: skip
    wipe(whole)
    if failed:  # no input of ours makes it fail
        raise VaultError("libsodium could not compute BLAKE2b")
    return out


def seal(key: Data, plain: Data, associated: Data) -> bytes:
    """XChaCha20-Poly1305 (IETF) under a fresh random nonce: nonce (24), cipher text, tag (16)."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    out = bytearray(len(plain) + TAG_SIZE)
    lib.crypto_aead_xchacha20poly1305_ietf_encrypt(
        ffi.from_buffer(out), ffi.NULL, ffi.from_buffer(plain), len(plain), ffi.from_buffer(associated),
        len(associated), ffi.NULL, nonce, ffi.from_buffer(key),
    )  # fmt: skip
    return nonce + out


def open_box(key: Data, box: Data, associated: Data) -> bytearray | None:
    """The plain text of :func:`seal`, or None where key, box and associated data do not belong together.

    >>> box = seal(bytes(32), b"text", b"context")
    >>> open_box(bytes(32), box, b"context"), open_box(bytes(32), box, b"another")
    (bytearray(b'text'), None)
    """
    if len(box) < OVERHEAD:
        return None
    out = bytearray(len(box) - OVERHEAD)
    cipher = bytes(box[NONCE_SIZE:])
    failed = lib.crypto_aead_xchacha20poly1305_ietf_decrypt(
        ffi.from_buffer(out), ffi.NULL, ffi.NULL, cipher, len(cipher), ffi.from_buffer(associated), len(associated),
        bytes(box[:NONCE_SIZE]), ffi.from_buffer(key),
    )  # fmt: skip
    return None if failed else out


def x25519(private: Data, public: Data) -> bytearray | None:
    """The shared secret of X25519 (RFC 7748), 32 bytes, or None for a public key of small order."""
    out = bytearray(KEY_SIZE)
    failed = lib.crypto_scalarmult(ffi.from_buffer(out), ffi.from_buffer(private), ffi.from_buffer(public))
    return None if failed else out


def x25519_public(private: Data) -> bytes:
    """The public key (32 bytes) of an X25519 private key (32 bytes)."""
    out = bytearray(KEY_SIZE)
    lib.crypto_scalarmult_base(ffi.from_buffer(out), ffi.from_buffer(private))
    return bytes(out)
