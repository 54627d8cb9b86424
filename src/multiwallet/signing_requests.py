"""What is asked of a signer: complete enough for one that knows nothing of chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from .path import Path

__all__ = ["Digest", "Scheme", "SigningRequest"]


class Scheme(StrEnum):
    """How a message is signed, and so what the signature's bytes are."""

    RECOVERABLE = "secp256k1-recoverable"  # 65 bytes: r | s | recovery id 0..3; RFC 6979, low S
    LOW_R = "secp256k1-low-r"  # 64 bytes: r | s; RFC 6979, low S, ground for a low R as Bitcoin Core does
    SCHNORR = "bip340"  # 64 bytes, BIP-340; with a tweak, by the BIP-341 output key
    ED25519 = "ed25519"  # 64 bytes, RFC 8032
    CANONICAL = "secp256k1-canonical"  # 65 bytes: r | s | recovery id 0..3; ground until EOSIO calls it canonical
    SR25519 = "sr25519"  # 64 bytes, schnorrkel with the signing context "substrate"; randomised
    SECP256R1 = "secp256r1"  # 64 bytes: r | s; RFC 6979, low S


class Digest(StrEnum):
    """What turns a preimage into the bytes that are signed."""

    NONE = "none"  # the preimage itself
    KECCAK256 = "keccak256"
    SHA256 = "sha256"
    SHA256D = "sha256d"
    TAPSIGHASH = "TapSighash"  # BIP-340 tagged hash with this tag
    SHA512_HALF = "sha512-half"  # the first 32 bytes of SHA-512
    BLAKE2B = "blake2b-256"
    BLAKE2B_SHA256 = "blake2b-256-sha256"  # SHA-256 of the BLAKE2b-256 hash
    BLAKE2B_PERSONAL = "blake2b-256-personal"  # the preimage's first 16 bytes are BLAKE2b's personalisation


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """One signature to be made, complete enough for a signer that knows nothing of chains.

    ``public_key`` is 33 bytes (secp256k1 and secp256r1, compressed; 65 for an old uncompressed key) or 32
    (ed25519, sr25519).
    ``path`` is where an HD signer finds the key; ``None`` means the signer's only key. ``tweak`` is
    ``None`` for none, else the BIP-341 merkle root to tweak the key with (empty: no script tree).
    """

    scheme: Scheme
    digest: Digest
    preimage: bytes
    public_key: bytes
    path: Path | None = None
    tweak: bytes | None = None

    @property
    def message(self) -> bytes:
        """The bytes that are signed: 32 of them unless the scheme signs messages of any length."""
        make = _hashes.get(self.digest) or _hash(self.digest)
        return make(self.preimage)


_hashes: dict[Digest, Callable[[bytes], bytes]] = {}


def _hash(digest: Digest) -> Callable[[bytes], bytes]:
    # Looked up once and kept: importing this page loads no native code, and a batch asks a hundred thousand times.
    from .crypto import hashes

    _hashes.update(
        {
            Digest.NONE: bytes,
            Digest.KECCAK256: hashes.keccak256,
            Digest.SHA256: hashes.sha256,
            Digest.SHA256D: hashes.sha256d,
            Digest.TAPSIGHASH: partial(hashes.tagged_hash, "TapSighash"),
            Digest.SHA512_HALF: lambda data: hashes.sha512(data)[:32],
            Digest.BLAKE2B: partial(hashes.blake2b, size=32),
            Digest.BLAKE2B_SHA256: lambda data: hashes.sha256(hashes.blake2b(data, size=32)),
            Digest.BLAKE2B_PERSONAL: lambda data: hashes.blake2b(data[16:], size=32, person=data[:16]),
        }
    )
    return _hashes[digest]
