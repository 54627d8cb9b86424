"""The file of a vault on disk: who may read it, one writer at a time, and writes that happen wholly or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import Unsupported, VaultDamaged, VaultError, VaultLocked
from .layout import LARGEST_FILE

__all__ = ["VaultFile"]

_WAIT: Final = 10.0
_PAUSE: Final = 0.02


class VaultFile:
    """A vault's path. Beside it stand ``NAME.lock`` (empty) and ``NAME.bak`` (the version before the last write).

    The file and its companions have mode 0600; folders that have to be made get 0700. A file that others may read
    or write, that belongs to another user or is a symbolic link is refused, and so is a folder others may write to.
    """

    __slots__ = ("_held", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if os.name != "posix":
            raise Unsupported("a vault needs a POSIX system: its permissions and its lock rest on one")
        try:
            self.path = Path(os.path.abspath(os.fspath(path)))
        except TypeError:
            raise VaultError("the path of a vault is text or a Path") from None
        self._held = False

    @property
    def backup(self) -> Path:
        """Where the version before the last write is kept."""
        return self.path.with_name(self.path.name + ".bak")

    def exists(self) -> bool:
        """Whether anything stands at the path."""
        return os.path.lexists(self.path)

    def read(self) -> bytes:
        """The whole file, once it is certain that nobody else could have read or changed it."""
        self._check_folder()
        return read_private(self.path)

    @contextmanager
    def locked(self, wait: float = _WAIT) -> Iterator[None]:
        """Hold the lock against every other writer, in this process or another.

        Raises :class:`~multiwallet.errors.VaultLocked` where it is not free within ``wait`` seconds.
        """
        import fcntl

        self._check_folder()
        name = self.path.with_name(self.path.name + ".lock")
        try:
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise VaultError(f"cannot lock the vault: {error.strerror}") from None
        try:
            until = time.monotonic() + wait
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                        raise VaultError(f"cannot lock the vault: {error.strerror}") from None
                if time.monotonic() >= until:
                    raise VaultLocked("another process or thread is writing this vault: try again when it is done")
                time.sleep(_PAUSE)
            self._held = True
            self._remove_leftovers()
            yield
        finally:
            self._held = False
            os.close(descriptor)

    def create(self, data: bytes) -> None:
        """Write a new file. Raises :class:`~multiwallet.errors.VaultError` where one is there. Needs the lock."""
        if self.exists():
            raise VaultError("there is a file already where the vault should go: it is left as it is")
        self._put(self.path, data)

    def replace(self, data: bytes, *, backup: bytes) -> None:
        """Write ``backup`` to the backup and then ``data`` to the file, each wholly or not at all. Needs the lock."""
        self._put(self.backup, backup)
        self._put(self.path, data)

    def replace_backup(self, data: bytes) -> None:
        """Write the backup alone, after the file itself. Needs the lock."""
        try:
            self._put(self.backup, data)
        except VaultError:
            raise VaultError(
                "the vault is written, but its old backup could not be replaced: delete the file ending in .bak, "
                "which still opens with what has been revoked"
            ) from None

    def put_back(self, data: bytes) -> None:
        """Put a checked copy in the place of what is there, which is kept: whole as the backup, else as ``.damaged``.

        Needs the lock.
        """
        from .layout import parse

        try:
            current = self.read()
            parse(current)
        except VaultError:
            os.replace(self.path, self.path.with_name(self.path.name + ".damaged"))
            self._put(self.path, data)
        else:
            self.replace(data, backup=current)

    def make_folder(self) -> None:
        """Make the folder of the path, and those above it, for the owner alone."""
        missing = [folder for folder in (self.path.parent, *self.path.parent.parents) if not folder.exists()]
        try:
            for folder in reversed(missing):
                folder.mkdir(mode=0o700)
        except OSError as error:
            raise VaultError(f"cannot make the folder of the vault: {error.strerror}") from None

    def _put(self, path: Path, data: bytes) -> None:
        assert self._held, "writing needs the lock"
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            write_private(temporary, data)
            os.rename(temporary, path)
            self._sync_folder()
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise VaultError(f"cannot write the vault: {error.strerror}; the file is as it was") from None

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _remove_leftovers(self) -> None:
        """Temporary files of a writer that was killed; with the lock held nobody is using them."""
        ours = (f".{self.path.name}.", f".{self.backup.name}.")
        for entry in os.scandir(self.path.parent):
            middle = entry.name.removesuffix(".tmp").rpartition(".")
            if entry.name.endswith(".tmp") and f"{middle[0]}." in ours and len(middle[2]) == 16:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)

    def _check_folder(self) -> None:
        try:
            status = os.stat(self.path.parent)
        except OSError as error:
            raise VaultError(f"the folder of the vault cannot be opened: {error.strerror}") from None
        others_write = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if others_write or status.st_uid not in (0, os.geteuid()):
            raise VaultError("the folder of the vault belongs to others or can be changed by them: chmod 700 it")


def read_private(path: str | os.PathLike[str]) -> bytes:
    """The content of a file that only its owner, this user, can read or write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise VaultError("there is no vault at this path") from None
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            raise VaultError("the path of the vault is a symbolic link: name the file itself") from None
        raise VaultError(f"cannot open the vault: {getattr(error, 'strerror', None) or 'no file name'}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise VaultError("what stands at the path of the vault is no plain file")
        if status.st_mode & 0o077:
            raise VaultError(
                "the vault can be read or changed by others than its owner: chmod 600 it, and if others use this "
                "machine, think of it as copied"
            )
        if status.st_uid != os.geteuid():
            raise VaultError("the vault belongs to another user")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise VaultError(f"cannot read the vault: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(data) > LARGEST_FILE:
        raise VaultDamaged(f"this file is longer than {LARGEST_FILE // 2**20} MiB: it is no vault")
    return data


def write_private(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a new file with mode 0600 and push it to the disk. Raises OSError; an existing file is left alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # whatever the umask is
        file.write(data)
        file.flush()
        os.fsync(descriptor)
