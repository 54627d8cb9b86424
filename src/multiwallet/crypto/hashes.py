"""The hash functions of the chains, each from bytes to bytes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final, TypeAlias

import sha3  # type: ignore[import-untyped]  # safe-pysha3 ships no stubs

from multiwallet.crypto.ripemd160 import ripemd160 as _plain_ripemd160

__all__ = [
    "blake2b",
    "hash160",
    "hmac_sha256",
    "hmac_sha512",
    "hmac_sha512_with",
    "keccak256",
    "ripemd160",
    "sha3_256",
    "sha256",
    "sha256d",
    "sha512",
    "tagged_hash",
]

Data: TypeAlias = bytes | bytearray | memoryview

_sha256 = hashlib.sha256
_sha512 = hashlib.sha512
_keccak_256 = sha3.keccak_256
_TAG_LIMIT: Final = 256


def sha256(data: Data) -> bytes:
    """SHA-256 of ``data``: 32 bytes (FIPS 180-4).

    >>> sha256(b"abc").hex()
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    """
    return _sha256(data).digest()


def sha256d(data: Data) -> bytes:
    """SHA-256 of the SHA-256 of ``data``: 32 bytes, Bitcoin's hash of blocks and transactions.

    >>> sha256d(b"").hex()[:16]
    '5df6e0e2761359d3'
    """
    return _sha256(_sha256(data).digest()).digest()


def sha512(data: Data) -> bytes:
    """SHA-512 of ``data``: 64 bytes (FIPS 180-4).

    >>> sha512(b"abc").hex()[:16]
    'ddaf35a193617aba'
    """
    return _sha512(data).digest()


def _choose_ripemd160() -> Callable[[Data], bytes]:
    # OpenSSL 3 keeps RIPEMD-160 in its legacy provider, which some distributions do not load.
    try:
        start = hashlib.new("ripemd160")
    except ValueError:
        return _plain_ripemd160

    def openssl_ripemd160(data: Data) -> bytes:
        state = start.copy()  # half the time of asking OpenSSL for it by name
        state.update(data)
        return state.digest()

    return openssl_ripemd160


_ripemd160 = _choose_ripemd160()


def ripemd160(data: Data) -> bytes:
    """RIPEMD-160 of ``data``: 20 bytes. OpenSSL's where it has one, else the plain Python one.

    >>> ripemd160(b"").hex()
    '9c1185a5c5e9fc54612808977ee8f548b2258d31'
    """
    return _ripemd160(data)


def hash160(data: Data) -> bytes:
    """RIPEMD-160 of the SHA-256 of ``data``: 20 bytes, Bitcoin's hash of public keys and scripts.

    >>> hash160(b"").hex()
    'b472a266d0bd89c13706a4132ccfb16f7c3b9fcb'
    """
    return _ripemd160(_sha256(data).digest())


def keccak256(data: Data) -> bytes:
    """Keccak-256 with the padding of the original submission: 32 bytes, the hash of Ethereum and TRON.

    It is not the SHA3-256 of FIPS 202, whose padding differs.

    >>> keccak256(b"").hex()
    'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'
    """
    digest: bytes = _keccak_256(data).digest()
    return digest


def sha3_256(data: Data) -> bytes:
    """SHA3-256 of ``data``: 32 bytes (FIPS 202), the hash of Aptos. It is not :func:`keccak256`.

    >>> sha3_256(b"").hex()[:16]
    'a7ffc6f8bf1ed766'
    """
    return hashlib.sha3_256(data).digest()


_tags: dict[str | bytes, hashlib._Hash] = {}


def tagged_hash(tag: str | bytes, *data: Data) -> bytes:
    """The tagged SHA-256 of BIP-340: ``sha256(sha256(tag) + sha256(tag) + data...)``, 32 bytes.

    Several pieces are hashed as if they were joined. A text tag is taken as UTF-8.

    >>> tagged_hash("TapLeaf", b"\\xc0", b"\\x00") == tagged_hash(b"TapLeaf", b"\\xc0\\x00")
    True
    """
    start = _tags.get(tag)
    if start is None:
        name = _sha256(tag.encode() if isinstance(tag, str) else tag).digest()
        start = _sha256(name + name)
        if len(_tags) < _TAG_LIMIT:  # a tag from outside must not grow the table without end
            _tags[tag] = start
    state = start.copy()
    for piece in data:
        state.update(piece)
    return state.digest()


def hmac_sha256(key: Data, data: Data) -> bytes:
    """HMAC-SHA-256 (RFC 2104) of ``data`` under ``key``: 32 bytes.

    >>> hmac_sha256(b"key", b"message").hex()[:16]
    '6e9ef29b75fffc5b'
    """
    return hmac.digest(key, data, "sha256")


def hmac_sha512(key: Data, data: Data) -> bytes:
    """HMAC-SHA-512 (RFC 2104) of ``data`` under ``key``: 64 bytes.

    >>> hmac_sha512(b"key", b"message").hex()[:16]
    'e477384d7ca229dd'
    """
    return hmac.digest(key, data, "sha512")


_INNER_PAD: Final = bytes(value ^ 0x36 for value in range(256))
_OUTER_PAD: Final = bytes(value ^ 0x5C for value in range(256))


def hmac_sha512_with(key: bytes, prefix: bytes = b"") -> Callable[[bytes], bytes]:
    """HMAC-SHA-512 under one key for many messages: a function from ``data`` to 64 bytes.

    What it computes is ``hmac_sha512(key, prefix + data)``. The key has at most 128 bytes (else
    ``ValueError``); its two pads and the prefix are hashed once. Any thread may call the function.

    >>> hmac_sha512_with(b"key", b"mess")(b"age") == hmac_sha512(b"key", b"message")
    True
    """
    if len(key) > 128:
        raise ValueError("a key for HMAC-SHA-512 has at most 128 bytes here")
    block = key.ljust(128, b"\0")
    inner = _sha512(block.translate(_INNER_PAD))
    inner.update(prefix)
    start_inner, start_outer = inner.copy, _sha512(block.translate(_OUTER_PAD)).copy

    def mac(data: bytes) -> bytes:
        state = start_inner()
        state.update(data)
        result = start_outer()
        result.update(state.digest())
        return result.digest()

    return mac


def blake2b(data: Data, *, size: int = 64, key: bytes = b"", person: bytes = b"", salt: bytes = b"") -> bytes:
    """BLAKE2b of ``data``: ``size`` bytes from 1 to 64 (RFC 7693).

    ``key`` has at most 64 bytes, ``person`` and ``salt`` at most 16. Raises ``ValueError`` beyond that.

    >>> blake2b(b"abc", size=32).hex()[:16]
    'bddd813c63423972'
    """
    return hashlib.blake2b(data, digest_size=size, key=key, person=person, salt=salt).digest()
