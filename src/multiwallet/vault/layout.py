"""The bytes of a vault file: what stands where (docs/vault-format.md tells it in full). Nothing here is secret."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from ..codec.reader import Reader
from ..errors import InputError, VaultDamaged, VaultError
from .factor_records import Factor, read_factor

__all__ = ["FORMAT_VERSION", "LARGEST_FILE", "MOST_SLOTS", "Header", "Layout", "SlotRecord", "assemble", "parse"]

MAGIC: Final = b"MWVAULT\n"
FORMAT_VERSION: Final = 1
MOST_SLOTS: Final = 32
LARGEST_FILE: Final = 64 * 1024 * 1024
ID_SIZE: Final = 16
POINT_SIZE: Final = 32
WRAPPED_SIZE: Final = 72
CHECKSUM_SIZE: Final = 32
LONGEST_LABEL: Final = 64
_CHECKSUM_PURPOSE: Final = b"mwv1 checksum"


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """One slot: which factors open it, and the vault's key wrapped for them."""

    id: bytes
    label: str
    factors: tuple[Factor, ...]
    public_key: bytes
    """X25519 public key (32 bytes) of the factors that are shared secrets; empty where a recipient is all."""
    ephemeral: bytes
    """X25519 public key (32 bytes) made for this one wrapping."""
    wrapped: bytes
    """The vault's key: nonce (24), cipher text (32) and tag (16)."""

    @property
    def described(self) -> bytes:
        """The record up to the wrapped key, which the wrapping authenticates."""
        label = self.label.encode()
        factors = b"".join(
            bytes([factor.kind]) + len(body := factor.body()).to_bytes(2, "big") + body for factor in self.factors
        )
        return b"".join(
            (
                self.id, bytes([len(label)]), label, bytes([len(self.factors)]), factors,
                bytes([len(self.public_key)]), self.public_key, self.ephemeral,
            )
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        """The whole record."""
        return self.described + self.wrapped


@dataclass(frozen=True, slots=True)
class Header:
    """The public part of a vault: its id (16 bytes), its revision and its slots."""

    vault_id: bytes
    revision: int
    slots: tuple[SlotRecord, ...]

    def to_bytes(self) -> bytes:
        records = [slot.to_bytes() for slot in self.slots]
        body = b"".join(len(record).to_bytes(2, "big") + record for record in records)
        return self.vault_id + self.revision.to_bytes(8, "big") + bytes([len(records)]) + body


@dataclass(frozen=True, slots=True)
class Layout:
    """A vault file taken apart."""

    header: Header
    authenticated: bytes
    """Everything before the sealed index: what the index authenticates."""
    index: bytes
    entries: bytes


def preamble(header: Header, index_size: int) -> bytes:
    """Everything before the sealed index."""
    body = header.to_bytes()
    fixed = MAGIC + FORMAT_VERSION.to_bytes(2, "big") + len(body).to_bytes(4, "big")
    return fixed + body + index_size.to_bytes(4, "big")


def assemble(authenticated: bytes, index: bytes, entries: bytes) -> bytes:
    """A whole file of its parts, with the checksum behind them."""
    content = authenticated + index + entries
    if len(content) + CHECKSUM_SIZE > LARGEST_FILE:
        raise VaultError(f"a vault has at most {LARGEST_FILE // 2**20} MiB: use a second one")
    return content + _checksum(content)


def parse(data: bytes) -> Layout:
    """Take a vault file apart, without any key.

    Raises :class:`~multiwallet.errors.VaultDamaged` for bytes that are no vault or not all of one, and
    :class:`~multiwallet.errors.VaultError` for a version of the format that this library does not know.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise VaultDamaged("this file is no vault: it does not begin as one")
    if len(data) > LARGEST_FILE:
        raise VaultDamaged(f"this file is longer than {LARGEST_FILE // 2**20} MiB: it is no vault")
    version = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 2], "big")
    content, checksum = data[:-CHECKSUM_SIZE], data[-CHECKSUM_SIZE:]
    if not hmac.compare_digest(_checksum(content), checksum):
        raise VaultDamaged(
            "the vault is damaged: its checksum does not fit, so bytes are missing or changed; "
            "restore it from its backup (the file beside it ending in .bak)"
        )
    if version != FORMAT_VERSION:
        raise VaultError(f"this vault has version {version} of the format; this library knows {FORMAT_VERSION}")
    try:
        return _parts(content)
    except InputError as error:
        raise VaultDamaged(f"the vault is damaged: {error.message}") from None


def _parts(content: bytes) -> Layout:
    reader = Reader(content, "the vault")
    reader.take(len(MAGIC) + 2)
    header = _header(reader.take(reader.uint(4, "big")))
    index_size = reader.uint(4, "big")
    authenticated = content[: reader.position]
    index = reader.take(index_size)
    return Layout(header, authenticated, index, reader.rest())


def _header(data: bytes) -> Header:
    reader = Reader(data, "its header")
    vault_id, revision = reader.take(ID_SIZE), reader.uint(8, "big")
    count = reader.byte()
    if not revision or not 1 <= count <= MOST_SLOTS:
        raise InputError("its header holds a number that no vault has")
    slots = tuple(_slot(reader.take(reader.uint(2, "big"))) for _ in range(count))
    reader.finish()
    if len({slot.id for slot in slots}) != count:
        raise InputError("two of its slots have the same id")
    return Header(vault_id, revision, slots)


def _slot(data: bytes) -> SlotRecord:
    reader = Reader(data, "a slot")
    slot_id = reader.take(ID_SIZE)
    label = _text(reader.take(reader.byte()), LONGEST_LABEL)
    factors = tuple(read_factor(reader.byte(), reader.take(reader.uint(2, "big"))) for _ in range(reader.byte()))
    kinds = [factor.kind for factor in factors]
    if not kinds or kinds != sorted(set(kinds)):
        raise InputError("the factors of a slot are not in order")
    public_key = reader.take(reader.byte())
    if len(public_key) != (POINT_SIZE if any(factor.is_shared_secret for factor in factors) else 0):
        raise InputError("a slot has the wrong number of public keys")
    ephemeral, wrapped = reader.take(POINT_SIZE), reader.take(WRAPPED_SIZE)
    reader.finish()
    return SlotRecord(slot_id, label, factors, public_key, ephemeral, wrapped)


def _text(data: bytes, longest: int) -> str:
    if len(data) > longest:
        raise InputError("a text in it is too long")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError("a text in it is no UTF-8") from None


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_SIZE, person=_CHECKSUM_PURPOSE).digest()
