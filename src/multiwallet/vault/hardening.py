"""What the operating system can do for secrets in memory: no core dumps, no tracing, no swapping. Never at import."""

from __future__ import annotations

import contextlib
import mmap
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from ..errors import VaultLocked

__all__ = ["Hardening", "LockedKey", "harden_process"]

_PR_SET_DUMPABLE: Final = 4
_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Hardening:
    """What :func:`harden_process` achieved on this system."""

    no_core_dumps: bool
    """RLIMIT_CORE is 0 and cannot be raised again."""
    not_dumpable: bool
    """PR_SET_DUMPABLE is 0 (Linux): no core dump, and no other process of the user can read this one's memory."""


def harden_process() -> Hardening:
    """Forbid core dumps and tracing for this process, as far as the system allows. Safe to call twice.

    It cannot be undone, and debuggers and profilers stop working, so the library never calls it by itself; the
    command line does before it asks for a passphrase. A child process that runs another program is dumpable again.
    """
    return Hardening(no_core_dumps=_no_core_dumps(), not_dumpable=_not_dumpable())


def _no_core_dumps() -> bool:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return False
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def _not_dumpable() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = _libc()
    return libc is not None and bool(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)


def _libc() -> Any:
    import ctypes

    try:
        return ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):  # a platform without one C library
        return None


class LockedKey:
    """A key of 32 bytes on a page of memory of its own: locked against swapping, left out of core dumps, wiped.

    Where the system refuses (RLIMIT_MEMLOCK, another platform) the key is held all the same, and :attr:`locked`
    is False. ``close()``, the end of a ``with`` block or the garbage collector wipe it.

    >>> with LockedKey(bytearray(32)) as key:
    ...     len(key.view), key
    (32, LockedKey(…))
    """

    __slots__ = ("__weakref__", "_page", "_view", "locked")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    locked: bool
    """Whether the page is locked in memory (mlock)."""

    def __init__(self, key: bytearray) -> None:
        """Take the key over: the buffer it came in is wiped."""
        # Private, so that a forked child that wipes its copy does not wipe ours.
        self._page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.locked = self._lock()
        self._view: memoryview | None = memoryview(self._page)[:_KEY_SIZE]
        self._view[:] = key
        key[:] = bytes(len(key))

    @property
    def view(self) -> memoryview:
        """The key itself, without a copy. Raises :class:`~multiwallet.errors.VaultLocked` once it is wiped."""
        if self._view is None:
            raise VaultLocked("the vault is locked: unlock it again")
        return self._view

    @property
    def closed(self) -> bool:
        """Whether the key has been wiped."""
        return getattr(self, "_view", None) is None

    def close(self) -> None:
        """Overwrite the key with zeros and give its page back. Safe to call twice."""
        view = getattr(self, "_view", None)
        if view is None:
            return
        self._view = None
        self._page[:_KEY_SIZE] = bytes(_KEY_SIZE)
        view.release()
        try:
            self._page.close()
        except BufferError:  # another thread is still reading it: what it reads is zeros
            return

    def _lock(self) -> bool:
        if hasattr(mmap, "MADV_DONTDUMP"):
            with contextlib.suppress(OSError):
                self._page.madvise(mmap.MADV_DONTDUMP)
        libc = _libc()
        if libc is None or not hasattr(libc, "mlock"):
            return False
        import ctypes

        anchor = ctypes.c_char.from_buffer(self._page)
        locked: bool = libc.mlock(ctypes.c_void_p(ctypes.addressof(anchor)), ctypes.c_size_t(mmap.PAGESIZE)) == 0
        del anchor
        return locked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return "LockedKey(…)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a vault's key cannot be copied or pickled: unlock the vault again where it is needed")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
