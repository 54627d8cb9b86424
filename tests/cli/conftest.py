"""Running command lines: in this process, as a child without a terminal, and as a child at a terminal."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.cli import app
from multiwallet.devnet import Devnet

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
PROGRAM = [sys.executable, "-c", "from multiwallet.cli import main; main()"]
PATIENCE = 60


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """``cli("derive", "--json", stdin=b"...")`` in this process; the environment holds no key."""

    def invoke(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capfd.readouterr()
        code = app.run(list(arguments))
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return invoke


@pytest.fixture
def phrase(monkeypatch: pytest.MonkeyPatch) -> str:
    """The well-known phrase, in the environment variable."""
    monkeypatch.setenv("MULTIWALLET_MNEMONIC", WORDS)
    return WORDS


@pytest.fixture(scope="module")
def engines() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def devnet(engines: Devnet, monkeypatch: pytest.MonkeyPatch) -> Devnet:
    """The devnet, at the other end of every HTTP transport that a command opens in this process."""

    class Connected:
        def __init__(self, endpoints: Any, **settings: Any) -> None:
            self.perform = engines.perform

        def close(self) -> None:
            pass

        def __enter__(self) -> Connected:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("multiwallet.transport.HttpTransport", Connected)
    return engines


@pytest.fixture
def rich_man(devnet: Devnet, phrase: str) -> Iterator[Wallet]:
    """The wallet of the phrase, with coins on four chains."""
    with Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        for name, amount in {"bitcoin": "1", "ethereum": "10", "tron": "5000", "solana": "20"}.items():
            devnet.fund(wallet.account(name), amount)
        yield wallet


@pytest.fixture
def private_file(tmp_path: Path) -> Callable[..., str]:
    def write(content: str | bytes, name: str = "secret", mode: int = 0o600) -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return str(path)

    return write


@pytest.fixture
def child() -> Callable[..., Ended]:
    """Run a command line in a process of its own, without a terminal."""

    def invoke(*arguments: str, stdin: bytes = b"", program: Sequence[str] = PROGRAM, **environment: str) -> Ended:
        ended = subprocess.run(
            [*program, *arguments],
            input=stdin,
            capture_output=True,
            env=os.environ | environment,
            start_new_session=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return invoke


def _own_terminal() -> None:
    # A suite that runs in the background may have been started with interrupts ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


class Terminal:
    """A command line at a terminal of its own: what it shows can be awaited, and answered."""

    def __init__(
        self, arguments: Sequence[str], stdin: bytes | None, environment: dict[str, str], *, screen: bool
    ) -> None:
        self._master, slave = pty.openpty()
        self._seen = b""
        self._process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=slave if stdin is None else subprocess.PIPE,
            stdout=slave if screen else subprocess.PIPE,
            stderr=slave,
            env=os.environ | {"TERM": "dumb", "COLUMNS": "100"} | environment,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        if stdin is not None and self._process.stdin is not None:
            self._process.stdin.write(stdin)
            self._process.stdin.close()

    def expect(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while text.encode() not in self._seen:
            assert time.monotonic() < end, f"{text!r} never came: {self._seen.decode(errors='replace')}"
            if not self._read(0.2) and self._process.poll() is not None and not self._read(0.2):
                raise AssertionError(f"it ended without {text!r}: {self._seen.decode(errors='replace')}")

    def answer(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> Ended:
        if self._process.stdout is None:  # all of it is on the screen, which must be read or fills up
            end = time.monotonic() + PATIENCE
            while self._process.poll() is None and time.monotonic() < end:
                self._read(0.1)
            out = ""
        else:
            out = self._process.stdout.read().decode()
        code = self._process.wait(PATIENCE)
        while self._read(0.1):
            pass
        self.close()
        return Ended(code, out, self._seen.decode().replace("\r\n", "\n"))

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self._master, 65536)
        except OSError as error:  # how a terminal says that its other end is closed
            if error.errno == errno.EIO:
                return False
            raise
        self._seen += part
        return bool(part)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_terminal(
        *arguments: str, stdin: bytes | None = None, screen: bool = False, **environment: str
    ) -> Terminal:
        opened.append(Terminal(arguments, stdin, environment, screen=screen))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()
