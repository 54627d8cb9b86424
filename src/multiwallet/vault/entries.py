"""Entries: what a vault holds under names, and how the bytes of it are sealed."""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ..codec import json_text
from ..errors import InputError, VaultDamaged
from ..secret import Secret
from . import sodium

__all__ = ["Entry", "Kind", "Record", "entry_name", "open_entry", "read_index", "seal_entry", "write_index"]

MOST_ENTRIES: Final = 100_000
_LONGEST_NAME: Final = 64
_LONGEST_DETAIL: Final = 500
_LONGEST_SECRET: Final = 4096
# What is stored is filled up to a multiple of this, so that its length does not tell 12 words from 24.
_BLOCK: Final = 256
_INDEX_BLOCK: Final = 1024
_KINDS: Final = ("mnemonic", "seed", "private-key", "xpub")


class Kind(StrEnum):
    """What an entry is."""

    MNEMONIC = "mnemonic"
    """A BIP-39 phrase, with a passphrase where it has one."""
    SEED = "seed"
    """A BIP-32 seed of 16 to 64 bytes."""
    PRIVATE_KEY = "private-key"
    """One private key, as its network's users write it."""
    XPUB = "xpub"
    """An extended public key: no secret for spending, but one for privacy."""

    @property
    def number(self) -> int:
        """The number that stands for it in the associated data of an entry: 1 to 4."""
        return _KINDS.index(self.value) + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be told of an entry without its secret."""

    name: str
    kind: Kind
    revision: int
    """The revision of the vault in which its secret was last written."""
    details: Mapping[str, str] = field(default_factory=dict)
    """``network`` (private keys, xpubs), ``language`` (mnemonics), ``note``."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry with its id and its sealed bytes."""

    id: bytes
    entry: Entry
    sealed: bytes

    def associated(self, vault_id: bytes) -> bytes:
        """What the seal of the entry authenticates beside its bytes."""
        return _associated(vault_id, self.id, self.entry)


def entry_name(name: str) -> str:
    """A name in its one form (NFC), or :class:`~multiwallet.errors.InputError`.

    >>> entry_name("savings")
    'savings'
    """
    if not isinstance(name, str):
        raise InputError(f"the name of an entry is text, not {type(name).__name__}")
    name = unicodedata.normalize("NFC", name)
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InputError(f"the name of an entry has 1 to {_LONGEST_NAME} printable characters and no space around it")
    return name


def seal_entry(
    key: sodium.Data, vault_id: bytes, entry: Entry, secret: Secret, passphrase: Secret | None, *, id: bytes = b""
) -> Record:
    """Seal an entry's secret and, for a mnemonic, its passphrase."""
    entry_id = id or secrets.token_bytes(16)
    if not 1 <= len(secret) <= _LONGEST_SECRET or (passphrase is not None and len(passphrase) > _LONGEST_SECRET):
        raise InputError(f"the secret of an entry has up to {_LONGEST_SECRET} bytes")
    for text in entry.details.values():
        if len(text) > _LONGEST_DETAIL or not text.isprintable():
            raise InputError(f"a detail of an entry has up to {_LONGEST_DETAIL} printable characters")
    second = passphrase.expose() if passphrase is not None else b""
    plain = bytearray().join((len(secret).to_bytes(2, "big"), secret.expose(), len(second).to_bytes(2, "big"), second))
    plain.extend(bytes(-len(plain) % _BLOCK))
    sealed = sodium.seal(key, plain, _associated(vault_id, entry_id, entry))
    sodium.wipe(plain)
    return Record(entry_id, entry, sealed)


def open_entry(key: sodium.Data, vault_id: bytes, record: Record) -> tuple[Secret, Secret]:
    """The secret of an entry and its passphrase (empty where it has none)."""
    plain = sodium.open_box(key, record.sealed, record.associated(vault_id))
    if plain is None:
        raise VaultDamaged(
            "the vault is damaged: this entry is not as it was written; restore the vault from its backup"
        )
    try:
        view = memoryview(plain)
        first = int.from_bytes(view[:2], "big")
        second = int.from_bytes(view[2 + first : 4 + first], "big")
        if not 1 <= first <= _LONGEST_SECRET or 4 + first + second > len(plain):
            raise VaultDamaged("the vault is damaged: an entry holds lengths that do not fit")
        return Secret(view[2 : 2 + first]), Secret(view[4 + first : 4 + first + second])
    finally:
        sodium.wipe(plain)


def write_index(records: Iterable[Record]) -> tuple[bytes, bytes]:
    """The index (UTF-8 JSON, filled up with spaces) and the sealed entries behind one another."""
    listed = list(records)
    if len(listed) > MOST_ENTRIES:
        raise InputError(f"a vault holds at most {MOST_ENTRIES} entries: use a second one")
    entries = b"".join(record.sealed for record in listed)
    content = {
        "digest": _digest(entries),
        "entries": [
            {
                "id": record.id.hex(),
                "name": record.entry.name,
                "kind": record.entry.kind.value,
                "revision": record.entry.revision,
                "size": len(record.sealed),
                "details": dict(record.entry.details),
            }
            for record in listed
        ],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % _INDEX_BLOCK), entries


def read_index(text: bytes | bytearray, entries: bytes) -> dict[str, Record]:
    """The records by name. Raises :class:`~multiwallet.errors.VaultDamaged`."""
    try:
        content = json_text.parse(bytes(text), what="the index", unique=True)
        records: dict[str, Record] = {}
        position = 0
        if _digest(entries) != content["digest"]:
            raise VaultDamaged(
                "the vault is damaged: its entries are not those that its index lists; restore it from its backup"
            )
        for item in content["entries"]:
            size = item["size"]
            record = Record(bytes.fromhex(item["id"]), _entry(item), entries[position : position + size])
            position += size
            if not isinstance(size, int) or len(record.sealed) != size or record.entry.name in records:
                raise InputError("the index contradicts itself")
            records[record.entry.name] = record
        if position != len(entries):
            raise InputError("the index does not list every entry")
    except (InputError, KeyError, TypeError, ValueError):
        raise VaultDamaged("the vault is damaged: its index cannot be read; restore it from its backup") from None
    return records


def _entry(item: Any) -> Entry:
    name, revision, details = item["name"], item["revision"], item["details"]
    if entry_name(name) != name or not isinstance(revision, int) or not isinstance(details, dict):
        raise InputError("the index holds what no index has")
    return Entry(name, Kind(item["kind"]), revision, {str(key): str(value) for key, value in details.items()})


def _associated(vault_id: bytes, entry_id: bytes, entry: Entry) -> bytes:
    return b"".join(
        (vault_id, entry_id, entry.revision.to_bytes(8, "big"), bytes([entry.kind.number]), entry.name.encode())
    )


def _digest(entries: bytes) -> str:
    return hashlib.blake2b(entries, digest_size=32, person=b"mwv1 entries").hexdigest()
