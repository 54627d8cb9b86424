"""An open vault: how long it stays open, and how changes get from memory into the file."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from ..errors import InputError, VaultDamaged, VaultLocked
from .contents import Contents
from .layout import parse
from .storage import VaultFile

if TYPE_CHECKING:
    from ..wallet import AsyncWallet, Wallet

__all__ = ["OpenVault"]


class OpenVault:
    """The lifetime of an open vault: its clock, its lock, its transactions, its wiping."""

    __slots__ = (
        "__weakref__", "_contents", "_deadline", "_file", "_given", "_guard", "_timer", "_writing", "slot_id",
    )  # fmt: skip

    slot_id: str
    """The id of the slot that opened it (32 hex digits)."""

    def __init__(self, file: VaultFile, contents: Contents, *, slot_id: bytes, timeout: float | None) -> None:
        self._file = file
        self._contents = contents
        self._guard = threading.RLock()
        self._writing = False
        self._given: weakref.WeakSet[Wallet | AsyncWallet] = weakref.WeakSet()
        self._deadline: float | None = None
        self._timer: threading.Timer | None = None
        self.slot_id = slot_id.hex()
        if timeout is not None:
            self._start_timer(timeout)

    @property
    def revision(self) -> int:
        """How often the vault had been written when it was last read here."""
        with self._guard:
            return self._open().header.revision

    @property
    def locked_in_memory(self) -> bool:
        """Whether the system keeps the vault's key out of swap (mlock)."""
        with self._guard:
            return self._open().key.locked

    def refresh(self) -> None:
        """Read what other processes have written since."""
        with self._guard:
            self._open()
            if not self._writing:
                self._reload()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several changes in one write: all of them, or none where an error leaves the block.

        Holds the vault's lock meanwhile, so keep it short.
        """
        with self._guard:
            self._open()
            if self._writing:
                yield
                return
            with self._file.locked():
                before = self._reload()
                kept = self._contents
                self._contents = Contents(kept.header, kept.key, dict(kept.records))
                self._writing = True
                try:
                    yield
                    self._open()
                    self._contents.next_revision()
                    data = self._contents.to_bytes()
                    self._file.replace(data, backup=before)
                except BaseException:
                    ended = self.closed
                    if self._contents.key is not kept.key:
                        self._contents.key.close()
                    self._contents = kept
                    if ended:
                        self.close()
                    raise
                finally:
                    self._writing = False
                if self._contents.key is not kept.key:
                    kept.key.close()
                    self._file.replace_backup(data)  # the old one opens with what has just been revoked

    def close(self) -> None:
        """Wipe the vault's key and the keys of every wallet it gave. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
        with self._guard:
            self._contents.key.close()
            self._contents.records = {}
            for wallet in list(self._given):
                wallet._session.keychain.close()
            self._given.clear()

    @property
    def closed(self) -> bool:
        """Whether the vault is locked again."""
        return self._contents.key.closed

    def _open(self) -> Contents:
        if self._deadline is not None and _now() >= self._deadline:
            self.close()
        if self._contents.key.closed:
            raise VaultLocked("the vault is locked: unlock it again")
        return self._contents

    def _reload(self) -> bytes:
        """Take over what is in the file now; its bytes."""
        data = self._file.read()
        layout, known = parse(data), self._contents.header
        if layout.header.vault_id != known.vault_id or layout.header.revision < known.revision:
            raise VaultDamaged("another vault, or an older copy of this one, has been put in the place of this vault")
        fresh = Contents.read(layout, self._contents.key)
        if fresh is None:
            raise VaultLocked("the vault has been given a new key since it was unlocked here: unlock it again")
        self._contents = fresh
        return data

    def _start_timer(self, timeout: float) -> None:
        if not timeout > 0:
            raise InputError("the time until a vault locks itself is a number of seconds above 0")
        self._deadline = _now() + timeout
        reference = weakref.WeakMethod(self.close)

        def end() -> None:
            close = reference()
            if close is not None:
                close()

        self._timer = threading.Timer(min(timeout, threading.TIMEOUT_MAX), end)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        timer = getattr(self, "_timer", None)
        if timer is not None:
            timer.cancel()

    def __repr__(self) -> str:
        return "<Unlocked: locked again>" if self.closed else f"<Unlocked: {len(self._contents.records)} entries>"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("an unlocked vault cannot be copied or pickled: unlock it again where it is needed")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


def _now() -> float:
    """Seconds on a clock that goes on while the machine sleeps, where the system has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
