"""Unlocked: a vault that is open, for a while."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError, InvalidKey
from ..secret import Secret, discreet
from . import sodium
from .argon2 import Argon2id
from .credentials import Credentials, FileName
from .entries import Entry, Kind, Record, entry_name, open_entry, seal_entry
from .layout import MOST_SLOTS, SlotRecord
from .open_vault import OpenVault
from .slots import Slot, forget_slot, make_slot

if TYPE_CHECKING:
    from ..chain import Network
    from ..keys.mnemonic import Mnemonic
    from ..wallet import AsyncWallet, Wallet
    from .fido2_factor import HmacSecretDevice

__all__ = ["Unlocked"]

W = TypeVar("W", "Wallet", "AsyncWallet")


class Unlocked(OpenVault):
    """An open vault: its entries, by name. Made by :meth:`Vault.unlock <multiwallet.vault.Vault.unlock>`.

    The names are in memory; a secret is decrypted when it is asked for and not kept. Every change is written at
    once, under the lock against other writers and upon what they have written meanwhile. ``close()``, the end of a
    ``with`` block or the end of its time wipe the vault's key and the keys of every wallet it gave. May be shared
    by threads. It refuses ``pickle`` and ``copy``.
    """

    __slots__ = ()

    def names(self) -> list[str]:
        """The names of the entries, in the order they were added."""
        return [entry.name for entry in self.entries()]

    def entries(self) -> list[Entry]:
        """The entries, without their secrets."""
        with self._guard:
            return [record.entry for record in self._open().records.values()]

    def entry(self, name: str) -> Entry:
        """One entry, without its secret. Raises :class:`~multiwallet.errors.InputError` for an unknown name."""
        with self._guard:
            return self._record(name).entry

    @discreet
    def add_mnemonic(
        self, name: str, mnemonic: str | Mnemonic, passphrase: str = "", *, language: str | None = None, note: str = ""
    ) -> None:
        """Add a BIP-39 phrase under a new name, with its passphrase where it has one. Raises InvalidMnemonic."""
        from ..keys.mnemonic import Mnemonic

        words = mnemonic if isinstance(mnemonic, Mnemonic) else Mnemonic(mnemonic, language)
        words.to_seed(passphrase).close()  # refuses a passphrase that could never be used
        with Secret(" ".join(words.words).encode()) as phrase, Secret(passphrase.encode()) as second:
            self._add(name, Kind.MNEMONIC, phrase, second, {"language": words.language, "note": note})
        if words is not mnemonic:
            words.close()

    @discreet
    def add_seed(self, name: str, seed: bytes | Secret, *, note: str = "") -> None:
        """Add a BIP-32 seed of 16 to 64 bytes under a new name. Raises InvalidKey."""
        with Secret(seed.expose() if isinstance(seed, Secret) else seed) as secret:
            if not 16 <= len(secret) <= 64:
                raise InvalidKey(f"a seed has from 16 to 64 bytes, not {len(secret)}")
            self._add(name, Kind.SEED, secret, None, {"note": note})

    @discreet
    def add_private_key(
        self, name: str, network: str | Network, key: str | bytes | Secret, *, kind: str | None = None, note: str = ""
    ) -> None:
        """Add one private key under a new name, in any form that the network's users have it. Raises InvalidKey.

        ``kind`` is the address kind where the network's kinds have different curves and the key's form does not tell.
        """
        from .. import registry
        from ..wallet import Wallet

        row = registry.network(network)
        Wallet.from_private_key(row, key, kind=kind).close()
        data = key.expose() if isinstance(key, Secret) else key
        text = data.strip() if isinstance(data, str) else data.hex()
        with Secret(text.encode()) as secret:
            details = {"network": row.name, "note": note} | ({} if kind is None else {"kind": kind})
            self._add(name, Kind.PRIVATE_KEY, secret, None, details)

    @discreet
    def add_xpub(self, name: str, network: str | Network, xpub: str, *, note: str = "") -> None:
        """Add an extended public key under a new name, to watch with. Raises InvalidKey."""
        from .. import registry
        from ..wallet import Wallet

        row = registry.network(network)
        Wallet.from_xpub(row, xpub.strip()).close()
        with Secret(xpub.strip().encode()) as text:
            self._add(name, Kind.XPUB, text, None, {"network": row.name, "note": note})

    def wallet(self, name: str, **options: Any) -> Wallet:
        """The wallet of an entry. ``options`` (``transport``, ``endpoints``, ``signer``) go to the wallet.

        Its keys are wiped when the vault locks, or by its own ``close()``.
        """
        from ..wallet import Wallet

        return self._wallet(Wallet, name, options)

    def async_wallet(self, name: str, **options: Any) -> AsyncWallet:
        """As :meth:`wallet`, for an event loop."""
        from ..wallet import AsyncWallet

        return self._wallet(AsyncWallet, name, options)

    def export(self, name: str) -> str:
        """THE SECRET of an entry as text: the phrase, the seed in hex, the private key or the extended public key."""
        with self._guard:
            kind = self._record(name).entry.kind
            secret, passphrase = self._secrets(name)
        with secret, passphrase:
            return secret.expose().hex() if kind is Kind.SEED else secret.expose().decode()

    def export_passphrase(self, name: str) -> str:
        """THE BIP-39 PASSPHRASE of a mnemonic; empty where it has none."""
        secret, passphrase = self._secrets(name)
        with secret, passphrase:
            return passphrase.expose().decode()

    def export_shares(self, name: str, *, threshold: int, count: int) -> list[str]:
        """THE SECRET of an entry split into SLIP-39 shares: the entropy of a mnemonic, or a seed.

        The BIP-39 passphrase is not in them. They restore with :meth:`add_from_shares`; a hardware wallet that
        reads SLIP-39 takes a mnemonic's entropy for a seed of its own kind and shows other addresses.
        """
        from ..keys.mnemonic import Mnemonic
        from .shares import split

        entry = self.entry(name)
        secret, passphrase = self._secrets(name)
        with secret, passphrase:
            if entry.kind is Kind.SEED:
                return split(secret, threshold=threshold, count=count)
            if entry.kind is not Kind.MNEMONIC:
                raise InputError("a mnemonic or a seed can be split into shares, and this entry is neither")
            with (
                Mnemonic(secret.expose().decode(), entry.details.get("language")) as words,
                Secret(words.entropy) as entropy,
            ):
                return split(entropy, threshold=threshold, count=count)

    @discreet
    def add_from_shares(
        self,
        name: str,
        shares: list[str],
        *,
        kind: Kind = Kind.MNEMONIC,
        passphrase: str = "",
        language: str = "english",
    ) -> None:
        """Add the mnemonic, or with ``kind=Kind.SEED`` the seed, that SLIP-39 shares hold."""
        from ..keys.mnemonic import Mnemonic
        from .shares import combine

        if kind not in (Kind.MNEMONIC, Kind.SEED):
            raise InputError("shares hold a mnemonic or a seed")
        with combine(shares) as secret:
            if kind is Kind.SEED:
                self.add_seed(name, secret)
            else:
                with Mnemonic.from_entropy(secret, language) as words:
                    self.add_mnemonic(name, words, passphrase)

    def remove(self, name: str) -> None:
        """Remove an entry. The backup beside the vault still has it until the next write."""
        with self.transaction():
            self._record(name)
            del self._contents.records[entry_name(name)]

    def rename(self, name: str, new_name: str) -> None:
        """Give an entry another name that is still free."""
        with self.transaction():
            record, new_name = self._record(name), self._free(new_name)
            secret, passphrase = self._secrets(name)
            with secret, passphrase:
                entry = replace(record.entry, name=new_name, revision=self._contents.header.revision + 1)
                renamed = self._seal(entry, secret, passphrase, id=record.id)
            records = self._contents.records.items()
            self._contents.records = dict((new_name, renamed) if old is record else (key, old) for key, old in records)

    @property
    def slots(self) -> list[Slot]:
        """The slots, in the order they were made."""
        with self._guard:
            return [Slot.of(record) for record in self._open().header.slots]

    @discreet
    def add_slot(
        self,
        label: str = "",
        *,
        passphrase: str | Secret | None = None,
        key_file: FileName | None = None,
        keyring: bool = False,
        recipient: str | bytes | None = None,
        fido2: HmacSecretDevice | None = None,
        argon2id: Argon2id | None = None,
    ) -> Slot:
        """Another way in, which asks for all the factors given here together."""
        with Credentials(
            passphrase=passphrase, key_file=key_file, keyring=keyring, recipient=recipient, fido2=fido2
        ) as credentials:
            return self._add_slot(label, credentials, argon2id)

    @discreet
    def add_recovery_shares(self, label: str = "recovery", *, threshold: int, count: int) -> list[str]:
        """A slot that any ``threshold`` of ``count`` SLIP-39 shares open: the phrases, which are shown only now."""
        import secrets

        from .shares import split

        with Secret(secrets.token_bytes(32)) as secret:
            phrases = split(secret, threshold=threshold, count=count)
        with Credentials(shares=phrases[:threshold]) as credentials:
            self._add_slot(label, credentials, None)
        return phrases

    def revoke_slot(self, slot: str) -> None:
        """Remove a slot (by its label or id): the vault gets a new key, wrapped for the other slots alone.

        Earlier copies of the file open with the revoked slot for ever; the backup beside the vault is replaced.
        """
        with self.transaction():
            records = self._contents.header.slots
            found = [record for record in records if slot in (record.label, record.id.hex())]
            if len(found) != 1:
                raise InputError(
                    "the vault has no slot of this label or id"
                    if not found
                    else "several slots have this label: use the id"
                )
            if len(records) == 1:
                raise InputError("this is the last slot: without it nobody could open the vault")
            self._rekey(tuple(record for record in records if record is not found[0]))
        forget_slot(found[0])

    def _record(self, name: str) -> Record:
        record = self._open().records.get(entry_name(name))
        if record is None:
            raise InputError("the vault has no entry of this name: names() lists them")
        return record

    def _free(self, name: str) -> str:
        name = entry_name(name)
        if name in self._contents.records:
            raise InputError("the vault has an entry of this name already: choose another, or remove it first")
        return name

    def _secrets(self, name: str) -> tuple[Secret, Secret]:
        with self._guard:
            record = self._record(name)
            key = self._contents.entry_key()
            try:
                return open_entry(key, self._contents.header.vault_id, record)
            finally:
                sodium.wipe(key)

    def _seal(self, entry: Entry, secret: Secret, passphrase: Secret | None, *, id: bytes = b"") -> Record:
        key = self._contents.entry_key()
        try:
            return seal_entry(key, self._contents.header.vault_id, entry, secret, passphrase, id=id)
        finally:
            sodium.wipe(key)

    def _add(self, name: str, kind: Kind, secret: Secret, passphrase: Secret | None, details: dict[str, str]) -> None:
        with self.transaction():
            name = self._free(name)
            kept = {key: value for key, value in details.items() if value}
            entry = Entry(name, kind, self._contents.header.revision + 1, kept)
            self._contents.records[name] = self._seal(entry, secret, passphrase)

    def _wallet(self, cls: type[W], name: str, options: dict[str, Any]) -> W:
        with self._guard:
            entry = self.entry(name)
            secret, passphrase = self._secrets(name)
            with secret, passphrase:
                wallet = self._make_wallet(cls, entry, secret, passphrase, options)
            self._given.add(wallet)
            return wallet

    def _make_wallet(
        self, cls: type[W], entry: Entry, secret: Secret, passphrase: Secret, options: dict[str, Any]
    ) -> W:
        from ..keys.mnemonic import Mnemonic

        match entry.kind:
            case Kind.MNEMONIC:
                with Mnemonic(secret.expose().decode(), entry.details.get("language")) as words:
                    return cls.from_mnemonic(words, passphrase.expose().decode(), **options)
            case Kind.SEED:
                return cls.from_seed(secret, **options)
            case Kind.PRIVATE_KEY:
                network, kind = entry.details["network"], entry.details.get("kind")
                return cls.from_private_key(network, secret.expose().decode(), kind=kind, **options)
            case Kind.XPUB:
                return cls.from_xpub(entry.details["network"], secret.expose().decode(), **options)

    def _add_slot(self, label: str, credentials: Credentials, argon2id: Argon2id | None) -> Slot:
        header = self._open().header
        if argon2id is None:
            argon2id = Argon2id() if credentials.passphrase is None else Argon2id.calibrate()
        with self.transaction():
            header = self._contents.header
            if len(header.slots) >= MOST_SLOTS:
                raise InputError(f"a vault has at most {MOST_SLOTS} slots: revoke one first")
            record = make_slot(header.vault_id, self._contents.key.view, credentials, label=label, argon2id=argon2id)
            self._contents.header = replace(header, slots=(*header.slots, record))
        return Slot.of(record)

    def _change_passphrase(self, old: Credentials, new: Credentials, argon2id: Argon2id | None) -> None:
        """Replace the slot that opened this, whose factors are in ``old``, by one with the passphrase of ``new``."""
        with self.transaction():
            header = self._contents.header
            used = next((record for record in header.slots if record.id.hex() == self.slot_id), None)
            known = None if used is None else Slot.of(used)
            if used is None or known is None or known.argon2id is None:
                raise InputError("the slot that these factors open has no passphrase to change")
            if argon2id is None:
                measured = Argon2id.calibrate()
                argon2id = Argon2id(
                    passes=max(measured.passes, known.argon2id.passes),
                    memory_kib=max(measured.memory_kib, known.argon2id.memory_kib),
                )
            new.key_file = old.key_file if "key file" in known.factors else None
            new.keyring = "keyring" in known.factors
            new.recipient = None if known.recipient is None else bytes.fromhex(known.recipient)
            new.fido2 = old.fido2 if "FIDO2" in known.factors else None
            new.shares = old.shares if "recovery shares" in known.factors else None
            made = make_slot(header.vault_id, self._contents.key.view, new, label=used.label, argon2id=argon2id)
            self._rekey(tuple(made if record is used else record for record in header.slots))
        forget_slot(used)
        self.slot_id = made.id.hex()

    def _rekey(self, slots: tuple[SlotRecord, ...]) -> None:
        self._contents = self._contents.with_new_key(slots)
