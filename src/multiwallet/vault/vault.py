"""Vault: a file of encrypted keys, as anybody sees it. What is inside needs :meth:`Vault.unlock`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, overload

from ..errors import InputError, VaultDamaged, VaultError, WrongCredentials
from ..secret import discreet
from .argon2 import Argon2id
from .credentials import Credentials, FileName, Key
from .layout import ID_SIZE, Header, Layout, SlotRecord, parse
from .slots import Slot, has_factors, make_slot, open_slot
from .storage import VaultFile, read_private, write_private

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..secret import Secret
    from ..wallet import Wallet
    from .fido2_factor import HmacSecretDevice
    from .unlocked import Unlocked

__all__ = ["Vault"]


class Vault:
    """A vault file and its public parts: its id, its revision and its slots. Made by :meth:`create` or :meth:`open`.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> quick = Argon2id(passes=1, memory_kib=8, weak=True)  # for this example alone: leave argon2id out
    >>> vault = Vault.create(folder.name + "/main.mwvault", passphrase="correct horse", argon2id=quick)
    >>> with vault.unlock("correct horse") as opened:
    ...     opened.add_mnemonic(
    ...         "savings", "legal winner thank year wave sausage worth useful legal winner thank yellow"
    ...     )
    >>> with vault.unlock("correct horse", entry="savings") as wallet:
    ...     wallet.account("ethereum").address
    '0x58A57ed9d8d624cBD12e2C467D34787555bB1b25'
    >>> folder.cleanup()
    """

    __slots__ = ("_allow_weak", "_file", "_header", "_minimum_revision")

    def __init__(self, file: VaultFile, header: Header, *, allow_weak: bool, minimum_revision: int) -> None:
        self._file = file
        self._header = header
        self._allow_weak = allow_weak
        self._minimum_revision = minimum_revision

    @classmethod
    @discreet
    def create(
        cls,
        path: FileName,
        *,
        passphrase: str | Secret | None = None,
        key_file: FileName | None = None,
        keyring: bool = False,
        recipient: str | bytes | None = None,
        fido2: HmacSecretDevice | None = None,
        label: str = "",
        argon2id: Argon2id | None = None,
    ) -> Self:
        """Make a new, empty vault with one slot, which asks for all the factors given here together.

        ``argon2id`` defaults to parameters calibrated to half a second on this machine. Raises
        :class:`~multiwallet.errors.VaultError` where a file is there already.
        """
        from .contents import Contents
        from .hardening import LockedKey

        file = VaultFile(path)
        with Credentials(
            passphrase=passphrase, key_file=key_file, keyring=keyring, recipient=recipient, fido2=fido2
        ) as credentials:
            if file.exists():
                raise VaultError("there is a file already where the vault should go: it is left as it is")
            file.make_folder()
            parameters = argon2id or (Argon2id() if passphrase is None else Argon2id.calibrate())
            vault_id, fresh = secrets.token_bytes(ID_SIZE), bytearray(secrets.token_bytes(32))
            slot = make_slot(vault_id, fresh, credentials, label=label, argon2id=parameters)
        header = Header(vault_id, 1, (slot,))
        with LockedKey(fresh) as key, file.locked():
            file.create(Contents(header, key, {}).to_bytes())
        return cls(file, header, allow_weak=parameters.below_floor, minimum_revision=1)

    @classmethod
    def open(cls, path: FileName, *, allow_weak: bool = False, minimum_revision: int = 1) -> Self:
        """Read the public parts of a vault and check that it is whole. Costs no key derivation.

        ``minimum_revision`` refuses an older copy put back in its place, where you know from elsewhere how far
        it had come. ``allow_weak`` accepts Argon2id below its floor, for tests. Raises
        :class:`~multiwallet.errors.VaultError` and :class:`~multiwallet.errors.VaultDamaged`.
        """
        vault = cls(VaultFile(path), Header(b"", 0, ()), allow_weak=allow_weak, minimum_revision=minimum_revision)
        vault._read()
        return vault

    @property
    def path(self) -> str:
        """Where the file is."""
        return str(self._file.path)

    @property
    def id(self) -> str:
        """The vault's id: 32 hex digits, chosen when it was made."""
        return self._header.vault_id.hex()

    @property
    def revision(self) -> int:
        """How often the vault had been written when it was last read here."""
        return self._header.revision

    @property
    def slots(self) -> list[Slot]:
        """The slots, in the order they were made. Until the vault is unlocked nothing proves them right."""
        return [Slot.of(record) for record in self._header.slots]

    @overload
    def unlock(
        self,
        passphrase: str | Secret | None = ...,
        *,
        key_file: FileName | None = ...,
        keyring: bool = ...,
        recipient_key: Key | None = ...,
        fido2: HmacSecretDevice | None = ...,
        shares: Sequence[str] | None = ...,
        slot: str | None = ...,
        timeout: float | None = ...,
        entry: None = ...,
    ) -> Unlocked: ...
    @overload
    def unlock(
        self,
        passphrase: str | Secret | None = ...,
        *,
        key_file: FileName | None = ...,
        keyring: bool = ...,
        recipient_key: Key | None = ...,
        fido2: HmacSecretDevice | None = ...,
        shares: Sequence[str] | None = ...,
        slot: str | None = ...,
        timeout: float | None = ...,
        entry: str,
        **wallet: Any,
    ) -> AbstractContextManager[Wallet]: ...
    @discreet
    def unlock(
        self,
        passphrase: str | Secret | None = None,
        *,
        key_file: FileName | None = None,
        keyring: bool = False,
        recipient_key: Key | None = None,
        fido2: HmacSecretDevice | None = None,
        shares: Sequence[str] | None = None,
        slot: str | None = None,
        timeout: float | None = None,
        entry: str | None = None,
        **wallet: Any,
    ) -> Unlocked | AbstractContextManager[Wallet]:
        """Open the vault with the factors of one of its slots.

        Each slot whose factors are all given is tried in turn, and each with a passphrase costs one run of
        Argon2id; ``slot`` (a label or an id) names the one to try. After ``timeout`` seconds the vault locks
        itself, and wipes the keys of the wallets it gave. With ``entry`` the result is the context manager of
        that entry's wallet, and other keywords go to the wallet (``transport``, ``endpoints``, ``signer``).

        Raises :class:`~multiwallet.errors.WrongCredentials` where no slot opens, and
        :class:`~multiwallet.errors.VaultDamaged` where the file was tampered with.
        """
        with Credentials(
            passphrase=passphrase,
            key_file=key_file,
            keyring=keyring,
            recipient_key=recipient_key,
            fido2=fido2,
            shares=shares,
        ) as credentials:
            opened = self._unlock(credentials, slot, timeout)
        if entry is None:
            if wallet:
                opened.close()
                raise InputError(f"{', '.join(sorted(wallet))}: options of a wallet go with entry=")
            return opened
        return _wallet_of(opened, entry, wallet)

    @discreet
    def change_passphrase(
        self,
        old: str | Secret,
        new: str | Secret,
        *,
        key_file: FileName | None = None,
        keyring: bool = False,
        recipient_key: Key | None = None,
        fido2: HmacSecretDevice | None = None,
        slot: str | None = None,
        argon2id: Argon2id | None = None,
    ) -> None:
        """Give the slot that these factors open a new passphrase, or new parameters of Argon2id, or both.

        The vault gets a new key, so that the old passphrase opens no later copy of it; its backup is replaced.
        ``argon2id`` defaults to a fresh calibration that is never below what the slot has.
        """
        with (
            Credentials(
                passphrase=old, key_file=key_file, keyring=keyring, recipient_key=recipient_key, fido2=fido2
            ) as credentials,
            Credentials(passphrase=new) as changed,
            self._unlock(credentials, slot, None) as opened,
        ):
            opened._change_passphrase(credentials, changed, argon2id)
        self._read()

    def backup_to(self, path: FileName) -> None:
        """Copy the vault, checked and still encrypted, to a new file (mode 0600) on this or another medium.

        What was in it at that time opens with what opened it then, for ever.
        """
        with self._file.locked():
            data = self._file.read()
            self._checked(parse(data))
            try:
                write_private(path, data)
            except FileExistsError:
                raise VaultError("there is a file already where the backup should go: it is left as it is") from None
            except (OSError, ValueError) as error:
                raise VaultError(f"cannot write the backup: {getattr(error, 'strerror', 'no file name')}") from None

    @classmethod
    def restore(cls, path: FileName, source: FileName, *, replace: bool = False, allow_weak: bool = False) -> Self:
        """Put a backup (made by :meth:`backup_to`, or ``NAME.bak``) in the place of a vault.

        The backup is checked first. An existing vault is replaced only with ``replace``, and kept as ``NAME.bak``
        if it is whole; a damaged one as ``NAME.damaged``.
        """
        data = read_private(source)
        file = VaultFile(path)
        vault = cls(file, parse(data).header, allow_weak=allow_weak, minimum_revision=1)
        vault._checked(parse(data))
        file.make_folder()
        with file.locked():
            if not file.exists():
                file.create(data)
            elif not replace:
                raise VaultError("there is a vault already at this path: it is left as it is")
            else:
                file.put_back(data)
        return vault

    def _read(self) -> Layout:
        layout = self._checked(parse(self._file.read()))
        self._header = layout.header
        self._minimum_revision = layout.header.revision
        return layout

    def _checked(self, layout: Layout) -> Layout:
        if layout.header.revision < self._minimum_revision:
            raise VaultDamaged(
                f"this is an older copy of the vault: revision {layout.header.revision}, where "
                f"{self._minimum_revision} was known; somebody has put it back"
            )
        for record in layout.header.slots:
            parameters = Slot.of(record).argon2id
            if parameters is not None and parameters.below_floor and not self._allow_weak:
                raise VaultDamaged(
                    f"a slot of the vault has Argon2id with {parameters.passes} passes and {parameters.memory_kib} KiB, "
                    "below the floor: somebody has lowered it, or the vault was made for a test"
                )
        return layout

    def _unlock(self, credentials: Credentials, slot: str | None, timeout: float | None) -> Unlocked:
        from .contents import Contents
        from .hardening import LockedKey
        from .unlocked import Unlocked

        if not credentials.given:
            raise InputError("unlocking needs a factor: a passphrase, a key file, the keyring, ...")
        layout = self._read()
        records = _chosen(layout.header.slots, slot)
        record, fresh = self._first_that_opens(records, credentials)
        key = LockedKey(fresh)
        contents = Contents.read(layout, key)
        if contents is None:
            key.close()
            raise VaultDamaged(
                "the vault is damaged: its slots, parameters or index are not those that were written; "
                "restore it from its backup"
            )
        return Unlocked(self._file, contents, slot_id=record.id, timeout=timeout)

    def _first_that_opens(
        self, records: Sequence[SlotRecord], credentials: Credentials
    ) -> tuple[SlotRecord, bytearray]:
        for record in records:
            key = open_slot(self._header.vault_id, record, credentials)
            if key is not None:
                return record, key
        raise _none_opens(records, credentials)

    def __repr__(self) -> str:
        return f"<Vault {self.path!r}, revision {self.revision}, {len(self._header.slots)} slots>"


@contextmanager
def _wallet_of(opened: Unlocked, entry: str, options: dict[str, Any]) -> Iterator[Wallet]:
    with opened, opened.wallet(entry, **options) as wallet:
        yield wallet


def _chosen(records: tuple[SlotRecord, ...], slot: str | None) -> Sequence[SlotRecord]:
    if slot is None:
        return records
    found = [record for record in records if slot in (record.label, record.id.hex())]
    if not found:
        raise InputError("the vault has no slot of this label or id")
    return found


def _none_opens(records: Sequence[SlotRecord], credentials: Credentials) -> WrongCredentials:
    given = " and ".join(credentials.given)
    if any(has_factors(record, credentials) for record in records):
        return WrongCredentials(
            f"no slot of the vault opens with this {given}: it is wrong (or the slot was altered; then restore the backup)"
        )
    needed = " or ".join(sorted({" with ".join(Slot.of(record).factors) for record in records}))
    return WrongCredentials(f"no slot of the vault asks for {given} alone: it takes {needed}")
