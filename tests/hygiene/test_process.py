"""What the operating system shows of a process: its arguments, its environment, its limits, its core dump."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc of Linux")

PROGRAM = [sys.executable, "-c", "from multiwallet.cli import main; main()"]
PATIENCE = 60


@pytest.fixture
def waiting(known) -> Iterator[subprocess.Popen[bytes]]:
    """The command line with the phrase on its stdin, which it has read but not seen the end of."""
    command = [*PROGRAM, "derive", "--network", "ethereum", "--json", "--mnemonic-stdin"]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin is not None
        process.stdin.write(known.phrase.encode())
        process.stdin.flush()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and process.poll() is None:
            if _unread(process.stdin.fileno()) == 0:
                break
            time.sleep(0.02)
        yield process
        if process.poll() is None:
            process.kill()


def _unread(descriptor: int) -> int:
    import fcntl
    import struct
    import termios

    return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0])


def seen(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes().decode(errors="replace").replace("\0", " ")
    except PermissionError:  # a hardened process: its environment is nobody's
        return ""


def test_neither_arguments_nor_environment_show_the_phrase(waiting, quiet):
    for what in ("cmdline", "environ", "comm", "status"):
        quiet(seen(waiting.pid, what), what)
    assert "mnemonic-stdin" in seen(waiting.pid, "cmdline")
    out, err = waiting.communicate(timeout=PATIENCE)
    assert waiting.returncode == 0, err
    quiet(out.decode() + err.decode(), "output")


def test_an_environment_variable_is_not_repeated(known, quiet):
    environment = os.environ | {"MULTIWALLET_MNEMONIC": known.phrase, "MULTIWALLET_PASSPHRASE": known.passphrase}
    for arguments in (
        ["derive", "--json", "--network", "solana"],
        ["derive", "--help"],
        ["derive", "--network", "no such network"],
        ["sign", "--network", "ethereum", os.devnull],
    ):
        ended = subprocess.run(
            [*PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        quiet(ended.stdout + ended.stderr, arguments)
        assert ended.stdout + ended.stderr


CRASH = textwrap.dedent(
    """
    import os, resource, sys
    from multiwallet import Wallet
    from multiwallet.vault import harden_process

    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    if sys.argv[1] == "hardened":
        harden_process()
    wallet = Wallet.from_mnemonic(sys.stdin.readline().strip())
    print(open("/proc/self/limits").read(), flush=True)
    os.abort()
    """
)


def crash(known: Any, folder: Path, how: str) -> tuple[int, str]:
    """The wait status and the limits of a process that opens a wallet and crashes."""
    command = [sys.executable, "-c", CRASH, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(known.phrase.encode() + b"\n")
        process.stdin.close()
        limits = process.stdout.read().decode()
        _, status = os.waitpid(process.pid, 0)
        process.returncode = 0
    return status, limits


def test_a_hardened_process_leaves_no_core_dump(known, tmp_path):
    status, limits = crash(known, tmp_path, "hardened")
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.iterdir())
    assert re.search(r"Max core file size\s+0\s+0\s", limits)
