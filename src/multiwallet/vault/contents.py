"""The inside of a vault in memory: its key, its slots and its records, read from bytes and written to bytes."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..errors import VaultDamaged
from . import sodium
from .entries import Record, open_entry, read_index, seal_entry, write_index
from .hardening import LockedKey
from .layout import Header, Layout, SlotRecord, assemble, parse, preamble
from .slots import rewrap

__all__ = ["Contents"]


class Contents:
    """What an unlocked vault holds. Not safe for threads by itself: the one who owns it has a lock."""

    __slots__ = ("header", "key", "records")

    def __init__(self, header: Header, key: LockedKey, records: dict[str, Record]) -> None:
        self.header = header
        self.key = key
        self.records = records

    @classmethod
    def read(cls, layout: Layout, key: LockedKey) -> Contents | None:
        """The contents of a file under its key, or None where it is another vault's or an older key."""
        box = sodium.blake2b(b"mwv1 index", layout.header.vault_id, key=key.view)
        index = sodium.open_box(box, layout.index, layout.authenticated)
        sodium.wipe(box)
        if index is None:
            return None
        records = read_index(index, layout.entries)
        sodium.wipe(index)
        return cls(layout.header, key, records)

    def to_bytes(self) -> bytes:
        """The whole file, read back once before anybody relies on it."""
        text, entries = write_index(self.records.values())
        authenticated = preamble(self.header, len(text) + sodium.OVERHEAD)
        key = sodium.blake2b(b"mwv1 index", self.header.vault_id, key=self.key.view)
        data = assemble(authenticated, sodium.seal(key, text, authenticated), entries)
        sodium.wipe(key)
        again = Contents.read(parse(data), self.key)
        if again is None or again.header != self.header or again.records != self.records:
            raise VaultDamaged("what was about to be written did not read back: nothing was written")
        return data

    def next_revision(self) -> None:
        """Count the write that is coming."""
        self.header = replace(self.header, revision=self.header.revision + 1)

    def entry_key(self) -> bytearray:
        """The key that entries are sealed under; the caller wipes it."""
        return sodium.blake2b(b"mwv1 entry", self.header.vault_id, key=self.key.view)

    def with_new_key(self, slots: tuple[SlotRecord, ...]) -> Contents:
        """The same contents under a fresh key, which is wrapped for these slots and no other."""
        vault_id = self.header.vault_id
        fresh = bytearray(secrets.token_bytes(sodium.KEY_SIZE))
        rewrapped = tuple(rewrap(vault_id, fresh, slot) for slot in slots)
        made = Contents(replace(self.header, slots=rewrapped), LockedKey(fresh), {})
        old, new = self.entry_key(), made.entry_key()
        try:
            for name, record in self.records.items():
                secret, passphrase = open_entry(old, vault_id, record)
                with secret, passphrase:
                    made.records[name] = seal_entry(new, vault_id, record.entry, secret, passphrase, id=record.id)
        finally:
            sodium.wipe(old, new)
        return made
