"""Where a mnemonic, a passphrase or a private key comes from. Never from an argument, and never shown.

No message here repeats what it was given: what stands in the place of a file's name may be the secret itself.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from ..errors import InputError
from .output import Declined

__all__ = ["ask_hidden", "confirm", "has_terminal", "read_secret_file", "read_secret_stdin", "write_secret_file"]

_LARGEST: Final = 64 * 1024


def has_terminal() -> bool:
    """Whether a person can be asked, even while stdin carries something else."""
    if sys.stdin is not None and sys.stdin.isatty():
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask_hidden(question: str) -> str:
    """Ask at the terminal without showing what is typed."""
    import getpass

    try:
        return getpass.getpass(f"{question}: ")
    except EOFError:
        raise InputError("nothing was entered") from None


def confirm(question: str) -> None:
    """Ask at the terminal, and go on with ``y`` or ``yes`` only. Without a terminal say how to agree beforehand."""
    if not has_terminal():
        raise InputError("there is no terminal to ask at: read what it does with `build`, then agree with --yes")
    with _terminal() as (reader, writer):
        writer.write(f"{question} [y/N] ")
        writer.flush()
        answer = reader.readline(100)
    if answer.strip().lower() not in ("y", "yes"):
        raise Declined


@contextmanager
def _terminal() -> Iterator[tuple[TextIO, TextIO]]:
    if sys.stdin is not None and sys.stdin.isatty():
        yield sys.stdin, sys.stderr
        return
    with open("/dev/tty", encoding=sys.getfilesystemencoding()) as reader:
        yield reader, sys.stderr


def read_secret_file(option: str, name: str) -> str:
    """The text of a file that nobody but its owner can read; ``option`` is what messages call it."""
    try:
        descriptor = os.open(name, os.O_RDONLY)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"cannot open the file given with {option}: {reason}") from None
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        os.close(descriptor)
        raise InputError(f"what is given with {option} is a folder, not a file")
    with os.fdopen(descriptor, "rb") as file:
        if os.name == "posix" and status.st_mode & 0o077:
            raise InputError(
                f"the file given with {option} can be read or changed by others than its owner: "
                "chmod 600 it, and if others use this machine, think of its content as known"
            )
        return _text(option, file.read(_LARGEST + 1))


def read_secret_stdin(option: str) -> str:
    """The whole of stdin as text."""
    return _text(option, sys.stdin.buffer.read(_LARGEST + 1))


def _text(option: str, data: bytes) -> str:
    if len(data) > _LARGEST:
        raise InputError(f"what {option} reads is longer than {_LARGEST // 1024} KiB: this is something else")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"what {option} reads is no UTF-8 text") from None


def write_secret_file(option: str, name: str, text: str) -> None:
    """Make a new file that only its owner can read (mode 0600). An existing one is never overwritten."""
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(
            f"the file given with {option} exists already and is left as it is: choose a new name"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"cannot make the file given with {option}: {reason}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
