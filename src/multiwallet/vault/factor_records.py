"""What a vault file says about each factor of a slot: its kind and its public parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Protocol

from ..codec.reader import Reader
from ..errors import InputError
from .argon2 import Argon2id

__all__ = [
    "Factor",
    "Fido2Factor",
    "KeyFileFactor",
    "KeyringFactor",
    "PassphraseFactor",
    "RecipientFactor",
    "SharesFactor",
    "read_factor",
]

_ARGON2ID: Final = 1
SALT_SIZE: Final = 16
HMAC_SALT_SIZE: Final = 32


class Factor(Protocol):
    """One thing that a slot asks for."""

    @property
    def kind(self) -> int:
        """The number in the file."""

    @property
    def title(self) -> str:
        """What messages and listings call it."""

    @property
    def is_shared_secret(self) -> bool:
        """Whether it gives the same 32 secret bytes to who makes the slot and to who opens it."""

    def body(self) -> bytes:
        """The public parameters, as the file has them."""


@dataclass(frozen=True, slots=True)
class PassphraseFactor:
    """A passphrase, stretched by Argon2id."""

    parameters: Argon2id
    salt: bytes
    kind: ClassVar[int] = 1
    title: ClassVar[str] = "passphrase"
    is_shared_secret: ClassVar[bool] = True

    def body(self) -> bytes:
        numbers = self.parameters.passes.to_bytes(4, "big") + self.parameters.memory_kib.to_bytes(4, "big")
        return bytes([_ARGON2ID]) + numbers + self.salt

    @classmethod
    def read(cls, reader: Reader) -> PassphraseFactor:
        if reader.byte() != _ARGON2ID:
            raise InputError("a passphrase slot names an algorithm other than Argon2id")
        parameters = Argon2id(passes=reader.uint(4, "big"), memory_kib=reader.uint(4, "big"), weak=True)
        return cls(replace(parameters, weak=parameters.below_floor), reader.take(SALT_SIZE))


@dataclass(frozen=True, slots=True)
class KeyFileFactor:
    """A file of at least 32 bytes."""

    kind: ClassVar[int] = 2
    title: ClassVar[str] = "key file"
    is_shared_secret: ClassVar[bool] = True

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, reader: Reader) -> KeyFileFactor:
        return cls()


@dataclass(frozen=True, slots=True)
class KeyringFactor:
    """32 random bytes that the operating system's keyring keeps."""

    service: str
    username: str
    kind: ClassVar[int] = 3
    title: ClassVar[str] = "keyring"
    is_shared_secret: ClassVar[bool] = True

    def body(self) -> bytes:
        return _prefixed(self.service.encode()) + _prefixed(self.username.encode())

    @classmethod
    def read(cls, reader: Reader) -> KeyringFactor:
        return cls(_text(reader), _text(reader))


@dataclass(frozen=True, slots=True)
class RecipientFactor:
    """An X25519 key pair: the vault's key is wrapped to its public key (32 bytes)."""

    public_key: bytes
    kind: ClassVar[int] = 4
    title: ClassVar[str] = "recipient key"
    is_shared_secret: ClassVar[bool] = False

    def body(self) -> bytes:
        return self.public_key

    @classmethod
    def read(cls, reader: Reader) -> RecipientFactor:
        return cls(reader.take(32))


@dataclass(frozen=True, slots=True)
class Fido2Factor:
    """A FIDO2 authenticator with the extension hmac-secret (CTAP 2.1, section 12.5)."""

    relying_party: str
    credential_id: bytes
    salt: bytes
    verify_user: bool
    kind: ClassVar[int] = 5
    title: ClassVar[str] = "FIDO2"
    is_shared_secret: ClassVar[bool] = True

    def body(self) -> bytes:
        credential = len(self.credential_id).to_bytes(2, "big") + self.credential_id
        return _prefixed(self.relying_party.encode()) + credential + self.salt + bytes([self.verify_user])

    @classmethod
    def read(cls, reader: Reader) -> Fido2Factor:
        relying_party, credential_id = _text(reader), reader.take(reader.uint(2, "big"))
        salt, flag = reader.take(HMAC_SALT_SIZE), reader.byte()
        if flag > 1:
            raise InputError("a FIDO2 slot holds a flag that does not exist")
        return cls(relying_party, credential_id, salt, bool(flag))


@dataclass(frozen=True, slots=True)
class SharesFactor:
    """32 random bytes that were split into SLIP-39 shares."""

    kind: ClassVar[int] = 6
    title: ClassVar[str] = "recovery shares"
    is_shared_secret: ClassVar[bool] = True

    def body(self) -> bytes:
        return b""

    @classmethod
    def read(cls, reader: Reader) -> SharesFactor:
        return cls()


_KINDS: Final = {
    kind.kind: kind
    for kind in (PassphraseFactor, KeyFileFactor, KeyringFactor, RecipientFactor, Fido2Factor, SharesFactor)
}


def read_factor(kind: int, body: bytes) -> Factor:
    """The factor of a kind with this body.

    >>> read_factor(2, b"")
    KeyFileFactor()
    """
    known = _KINDS.get(kind)
    if known is None:
        raise InputError(f"a slot asks for a factor of kind {kind}, which does not exist")
    reader = Reader(body, f"a factor ({known.title})")
    factor: Factor = known.read(reader)
    reader.finish()
    return factor


def _prefixed(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def _text(reader: Reader) -> str:
    try:
        return reader.take(reader.byte()).decode()
    except UnicodeDecodeError:
        raise InputError("a text in a factor is no UTF-8") from None
