"""The three plain signature schemes: their flags, addresses, what each signs, and the serialised signature.

A serialised signature is flag (1 byte), signature (64 bytes) and public key (32 or 33 bytes), in base64. What is
signed is the BLAKE2b-256 hash of the intent message; with the two ECDSA schemes that hash is hashed once more with
SHA-256.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from ...chain import Holder
from ...codec import base64_text
from ...crypto import ed25519, secp256k1, secp256r1
from ...crypto.hashes import blake2b, sha256
from ...errors import InputError, InvalidKey, InvalidTransaction
from ...transactions import Digest, Scheme, SigningRequest

__all__ = [
    "KINDS",
    "MESSAGE_INTENT",
    "TRANSACTION_INTENT",
    "Proof",
    "address_of",
    "kind_of_holder",
    "read_base64",
    "request",
]

KINDS: Final = ("ed25519", "secp256k1", "secp256r1")
"""The address kinds; the place of each is its flag."""
TRANSACTION_INTENT: Final = b"\x00\x00\x00"
"""Scope, version and application of what is signed for a transaction."""
MESSAGE_INTENT: Final = b"\x03\x00\x00"
"""The same for a personal message."""

_KEY_LENGTHS: Final = (32, 33, 33)
_OTHERS: Final = {3: "a multisig", 4: "a BLS", 5: "a zkLogin", 6: "a passkey"}
_SCHEMES: Final = (Scheme.ED25519, Scheme.RECOVERABLE, Scheme.SECP256R1)


def address_of(public_key: bytes, kind: str) -> bytes:
    """The 32 bytes of an address: BLAKE2b-256 of the flag and the key (32 bytes for ed25519, else 33); InvalidKey.

    >>> address_of(bytes(32), "ed25519").hex()[:8]
    'd8908c16'
    """
    if kind not in KINDS:
        raise InvalidKey(f"an address of Sui is of the kind {', '.join(KINDS)}")
    flag = KINDS.index(kind)
    if len(public_key) != _KEY_LENGTHS[flag]:
        raise InvalidKey(f"a public key of the kind {kind} has {_KEY_LENGTHS[flag]} bytes, not {len(public_key)}")
    return blake2b(bytes((flag,)) + public_key, size=32)


def kind_of_holder(holder: Holder) -> str:
    """The kind of an account's key: the one whose address it has; InvalidKey if there is none."""
    address = holder.address.removeprefix("0x")
    for kind, length in zip(KINDS, _KEY_LENGTHS, strict=True):
        if len(holder.public_key) == length and address_of(holder.public_key, kind).hex() == address:
            return kind
    raise InvalidKey("the account's address does not belong to its public key")


def request(holder: Holder, preimage: bytes, kind: str | None = None) -> SigningRequest:
    """What a holder signs for an intent message."""
    kind = kind_of_holder(holder) if kind is None else kind
    digest = Digest.BLAKE2B if kind == "ed25519" else Digest.BLAKE2B_SHA256
    return SigningRequest(_SCHEMES[KINDS.index(kind)], digest, preimage, holder.public_key, holder.path)


def read_base64(text: str, what: str) -> bytes:
    """The bytes of base64, with an error about ``what``."""
    try:
        return base64_text.decode(text, what=what)
    except InputError as error:
        raise InvalidTransaction(error.message) from error


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature with the key that made it, and that key's kind."""

    kind: str
    signature: bytes
    public_key: bytes

    @property
    def address(self) -> bytes:
        """The 32 bytes of the signer's address."""
        return address_of(self.public_key, self.kind)

    def encode(self) -> bytes:
        """Flag, signature and key: 97 or 98 bytes."""
        return bytes((KINDS.index(self.kind),)) + self.signature + self.public_key

    @property
    def text(self) -> str:
        """The serialised signature in base64."""
        return base64.b64encode(self.encode()).decode("ascii")

    def is_over(self, preimage: bytes) -> bool:
        """Whether it is a signature of its key over an intent message."""
        digest = blake2b(preimage, size=32)
        if self.kind == "ed25519":
            return ed25519.verify(self.public_key, digest, self.signature)
        check = secp256k1.verify if self.kind == "secp256k1" else secp256r1.verify
        return check(self.public_key, sha256(digest), self.signature)

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """Read a serialised signature; InvalidTransaction for one of another scheme or length."""
        flag = data[0] if data else 255
        if flag >= len(KINDS):
            other = _OTHERS.get(flag, "an unknown")
            raise InvalidTransaction(f"{other} signature: only those of {', '.join(KINDS)} keys are read here")
        if len(data) != 65 + _KEY_LENGTHS[flag]:
            raise InvalidTransaction(f"a {KINDS[flag]} signature has {65 + _KEY_LENGTHS[flag]} bytes, not {len(data)}")
        return cls(KINDS[flag], data[1:65], data[65:])

    @classmethod
    def parse(cls, text: str | bytes) -> Proof:
        """Read a serialised signature from base64, hex or bytes; InvalidTransaction."""
        if isinstance(text, bytes | bytearray | memoryview):
            return cls.decode(bytes(text))
        if not isinstance(text, str) or len(text) > 4096:
            raise InvalidTransaction("a signature is base64 text of flag, signature and public key")
        if re.fullmatch(r"(?:0x)?(?:[0-9a-f]{194}|[0-9a-f]{196})", text, re.ASCII):
            return cls.decode(bytes.fromhex(text.removeprefix("0x")))
        return cls.decode(read_base64(text, "the signature"))
