"""The ciphers that key files use: AES in three modes (extra ``keystore``) and XSalsa20-Poly1305."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidKey, MissingExtra

__all__ = ["WRONG_PASSWORD", "aes_ctr", "aes_ecb", "aes_gcm_decrypt", "aes_gcm_encrypt", "secretbox", "secretbox_open"]

WRONG_PASSWORD = "the password is wrong or the file is damaged"  # noqa: S105  # a message, not a password


def _ciphers() -> Any:
    try:
        from cryptography.hazmat.primitives import ciphers
        from cryptography.hazmat.primitives.ciphers import aead, algorithms, modes
    except ImportError:
        raise MissingExtra(extra="keystore") from None
    return ciphers.Cipher, algorithms.AES, modes, aead.AESGCM


def aes_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """AES-CTR: the same call encrypts and decrypts. ``counter`` is the first block of 16 bytes.

    Raises :class:`~multiwallet.errors.MissingExtra` without the package ``cryptography``.

    >>> aes_ctr(bytes(16), bytes(16), aes_ctr(bytes(16), bytes(16), b"text"))
    b'text'
    """
    cipher, aes, modes, _ = _ciphers()
    worker = cipher(aes(key), modes.CTR(counter)).encryptor()
    return bytes(worker.update(data) + worker.finalize())


def aes_ecb(key: bytes, blocks: bytes, *, decrypt: bool) -> bytes:
    """Whole blocks of 16 bytes, each by itself, as BIP-38 has it.

    >>> aes_ecb(bytes(32), aes_ecb(bytes(32), bytes(16), decrypt=False), decrypt=True) == bytes(16)
    True
    """
    cipher, aes, modes, _ = _ciphers()
    engine = cipher(aes(key), modes.ECB())  # the standard's own choice, over random blocks
    worker = engine.decryptor() if decrypt else engine.encryptor()
    return bytes(worker.update(blocks) + worker.finalize())


def aes_gcm_encrypt(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """AES-GCM without associated data; the tag of 16 bytes comes last."""
    return bytes(_ciphers()[3](key).encrypt(nonce, data, None))


def aes_gcm_decrypt(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """What :func:`aes_gcm_encrypt` encrypted. Raises InvalidKey when the tag does not fit.

    >>> aes_gcm_decrypt(bytes(32), bytes(16), aes_gcm_encrypt(bytes(32), bytes(16), b"text"))
    b'text'
    """
    engine = _ciphers()[3](key)
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(engine.decrypt(nonce, data, None))
    except (InvalidTag, ValueError):
        raise InvalidKey(WRONG_PASSWORD) from None


def secretbox(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """XSalsa20-Poly1305 (NaCl's secretbox) under 32 bytes of key and 24 of nonce; the tag comes first."""
    from nacl.secret import SecretBox

    return bytes(SecretBox(key).encrypt(data, nonce).ciphertext)


def secretbox_open(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """What :func:`secretbox` encrypted. Raises InvalidKey when the tag does not fit.

    >>> secretbox_open(bytes(32), bytes(24), secretbox(bytes(32), bytes(24), b"text"))
    b'text'
    """
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    try:
        return bytes(SecretBox(key).decrypt(data, nonce))
    except (CryptoError, ValueError):
        raise InvalidKey(WRONG_PASSWORD) from None
