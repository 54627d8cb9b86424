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


class Digest(StrEnum):
    """What turns a preimage into the bytes that are signed."""

    NONE = "none"  # the preimage itself
    KECCAK256 = "keccak256"
    SHA256 = "sha256"
    SHA256D = "sha256d"
    TAPSIGHASH = "TapSighash"  # BIP-340 tagged hash with this tag


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """One signature to be made, complete enough for a signer that knows nothing of chains.

    ``public_key`` is 33 bytes (secp256k1, compressed; 65 for an old uncompressed key) or 32 (ed25519).
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
        }
    )
    return _hashes[digest]
