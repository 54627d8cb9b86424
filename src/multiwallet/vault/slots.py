"""Slots: each wraps the vault's key for a set of factors. Wrapping needs public keys alone, opening the factors.

The factors that are shared secrets (passphrase, key file, keyring, FIDO2, shares) are hashed into the private key
of an X25519 pair, whose public key stands in the slot; a recipient has a pair of their own. So the vault can be
given a new key, which is what revoking a slot takes, while nobody else's factors are there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

from ..errors import InputError, VaultDamaged
from . import sodium
from .argon2 import Argon2id
from .credentials import Credentials
from .factor_records import (
    Factor,
    Fido2Factor,
    KeyFileFactor,
    KeyringFactor,
    PassphraseFactor,
    RecipientFactor,
    SharesFactor,
)
from .layout import ID_SIZE, LONGEST_LABEL, SlotRecord

__all__ = ["Slot", "forget_slot", "has_factors", "make_slot", "open_slot", "rewrap"]

_NO_POINT: Final = bytes(32)
_NOT_WRAPPED: Final = bytes(72)


@dataclass(frozen=True, slots=True)
class Slot:
    """What is public of a slot."""

    id: str
    """32 hex digits."""
    label: str
    factors: tuple[str, ...]
    """The names of the factors; all of them are needed together."""
    argon2id: Argon2id | None
    """The parameters of its passphrase, where it has one."""
    recipient: str | None
    """The recipient's public key (64 hex digits), where it has one."""

    @classmethod
    def of(cls, record: SlotRecord) -> Slot:
        """The public description of a record."""
        argon2id = next((factor.parameters for factor in record.factors if isinstance(factor, PassphraseFactor)), None)
        recipient = next(
            (factor.public_key.hex() for factor in record.factors if isinstance(factor, RecipientFactor)), None
        )
        return cls(record.id.hex(), record.label, tuple(f.title for f in record.factors), argon2id, recipient)


def make_slot(
    vault_id: bytes, vault_key: sodium.Data, credentials: Credentials, *, label: str, argon2id: Argon2id
) -> SlotRecord:
    """A new slot that these credentials open, all of them together.

    Raises :class:`~multiwallet.errors.InputError` where there is none, or a label that is too long.
    """
    if len(label.encode("utf-8", "replace")) > LONGEST_LABEL or not label.isprintable():
        raise InputError(f"the label of a slot is up to {LONGEST_LABEL} bytes of printable text")
    slot_id = secrets.token_bytes(ID_SIZE)
    made: list[tuple[Factor, bytearray | None]] = []
    try:
        if credentials.passphrase is not None:
            passphrase = PassphraseFactor(argon2id, secrets.token_bytes(16))
            made.append((passphrase, _stretched(passphrase, credentials)))
        if credentials.key_file is not None:
            made.append((KeyFileFactor(), sodium.blake2b(b"mwv1 key file", credentials.key_file.expose())))
        if credentials.keyring:
            from . import keyring_factor

            made.append(keyring_factor.store(vault_id, slot_id))
        if credentials.recipient is not None:
            made.append((RecipientFactor(credentials.recipient), None))
        if credentials.fido2 is not None:
            from . import fido2_factor

            made.append(fido2_factor.new_factor(credentials.fido2))
        if credentials.shares is not None:
            made.append((SharesFactor(), sodium.blake2b(b"mwv1 shares", credentials.shares.expose())))
        if not made:
            raise InputError("a slot needs a factor: a passphrase, a key file, the keyring, a recipient or FIDO2")
        factors = tuple(factor for factor, _ in made)
        public_key = b""
        if any(factor.is_shared_secret for factor in factors):
            private = _private_key(vault_id, slot_id, [(f, s) for f, s in made if s is not None])
            public_key = sodium.x25519_public(private)
            sodium.wipe(private)
    finally:
        sodium.wipe(*(secret for _, secret in made if secret is not None))
    empty = SlotRecord(slot_id, label, factors, public_key, _NO_POINT, _NOT_WRAPPED)
    return rewrap(vault_id, vault_key, empty)


def rewrap(vault_id: bytes, vault_key: sodium.Data, record: SlotRecord) -> SlotRecord:
    """The slot with the vault's key wrapped anew, for which nobody's factors are needed."""
    private = bytearray(secrets.token_bytes(32))
    record = replace(record, ephemeral=sodium.x25519_public(private))
    points = [record.public_key] if record.public_key else []
    points += [factor.public_key for factor in record.factors if isinstance(factor, RecipientFactor)]
    shared = [_agree(private, point) for point in points]
    key = _wrapping_key(vault_id, record, shared)
    wrapped = sodium.seal(key, vault_key, vault_id + record.described)
    sodium.wipe(key, private, *shared)
    return replace(record, wrapped=wrapped)


def has_factors(record: SlotRecord, credentials: Credentials) -> bool:
    """Whether the credentials name every factor of a slot, right or wrong."""
    return all(_is_given(factor, credentials) for factor in record.factors)


def open_slot(vault_id: bytes, record: SlotRecord, credentials: Credentials) -> bytearray | None:
    """The vault's key, or None where the credentials do not fit this slot.

    What costs nothing is tried before the passphrase. Raises :class:`~multiwallet.errors.VaultDamaged` where the
    factors are right and the wrapped key is not what they wrapped.
    """
    if not has_factors(record, credentials):
        return None
    shared: list[bytearray] = []
    found: list[tuple[Factor, bytearray]] = []
    try:
        if any(isinstance(factor, RecipientFactor) for factor in record.factors):
            recipient = _recipient_share(record, credentials)
            if recipient is None:
                return None
            shared.append(recipient)
        for factor in sorted(record.factors, key=lambda factor: isinstance(factor, PassphraseFactor)):
            if factor.is_shared_secret:
                secret = _secret_of(factor, credentials)
                if secret is None:
                    return None
                found.append((factor, secret))
        if found:
            private = _private_key(vault_id, record.id, sorted(found, key=lambda pair: pair[0].kind))
            fits = sodium.x25519_public(private) == record.public_key
            if fits:
                shared.insert(0, _agree(private, record.ephemeral))
            sodium.wipe(private)
            if not fits:
                return None
        key = _wrapping_key(vault_id, record, shared)
        vault_key = sodium.open_box(key, record.wrapped, vault_id + record.described)
        sodium.wipe(key)
    finally:
        sodium.wipe(*shared, *(secret for _, secret in found))
    if vault_key is None:
        raise VaultDamaged(
            "the vault is damaged: a slot that fits was altered after it was written; restore the vault from its backup"
        )
    return vault_key


def forget_slot(record: SlotRecord) -> None:
    """Clear what a revoked slot left outside the vault."""
    for factor in record.factors:
        if isinstance(factor, KeyringFactor):
            from . import keyring_factor

            keyring_factor.forget(factor)


def _is_given(factor: Factor, credentials: Credentials) -> bool:
    match factor:
        case PassphraseFactor():
            return credentials.passphrase is not None
        case KeyFileFactor():
            return credentials.key_file is not None
        case KeyringFactor():
            return credentials.keyring
        case RecipientFactor():
            return credentials.recipient_key is not None
        case Fido2Factor():
            return credentials.fido2 is not None
        case _:
            return credentials.shares is not None


def _secret_of(factor: Factor, credentials: Credentials) -> bytearray | None:
    match factor:
        case PassphraseFactor():
            return _stretched(factor, credentials)
        case KeyFileFactor() if credentials.key_file is not None:
            return sodium.blake2b(b"mwv1 key file", credentials.key_file.expose())
        case KeyringFactor():
            from . import keyring_factor

            return keyring_factor.load(factor)
        case Fido2Factor() if credentials.fido2 is not None:
            secret = credentials.fido2.hmac_secret(factor)
            return secret if secret is not None and len(secret) == 32 else None
        case SharesFactor() if credentials.shares is not None:
            return sodium.blake2b(b"mwv1 shares", credentials.shares.expose())
        case _:
            return None


def _stretched(factor: PassphraseFactor, credentials: Credentials) -> bytearray:
    assert credentials.passphrase is not None  # the caller has asked
    parameters = factor.parameters
    return sodium.argon2id(
        credentials.passphrase.expose(), factor.salt, passes=parameters.passes, memory_kib=parameters.memory_kib
    )


def _recipient_share(record: SlotRecord, credentials: Credentials) -> bytearray | None:
    assert credentials.recipient_key is not None  # has_factors has asked
    private = bytearray(credentials.recipient_key.expose())
    point = sodium.x25519_public(private)
    fits = any(isinstance(factor, RecipientFactor) and factor.public_key == point for factor in record.factors)
    shared = _agree(private, record.ephemeral) if fits else None
    sodium.wipe(private)
    return shared


def _private_key(vault_id: bytes, slot_id: bytes, secrets_of: list[tuple[Factor, bytearray]]) -> bytearray:
    parts: list[sodium.Data] = [vault_id, slot_id]
    for factor, secret in secrets_of:
        parts += [bytes([factor.kind]), secret]
    return sodium.blake2b(b"mwv1 slot", *parts)


def _agree(private: bytearray, point: bytes) -> bytearray:
    shared = sodium.x25519(private, point)
    if shared is None:
        raise VaultDamaged("the vault is damaged: a slot holds a public key of small order")
    return shared


def _wrapping_key(vault_id: bytes, record: SlotRecord, shared: list[bytearray]) -> bytearray:
    return sodium.blake2b(b"mwv1 wrap", vault_id, record.id, record.ephemeral, *shared)
