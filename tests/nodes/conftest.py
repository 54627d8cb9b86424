"""Real nodes for tests: anvil (an EVM node) and litecoind (a Bitcoin Core fork), started on this machine.

``anvil`` and ``litecoind`` are started once per test process. ``start_anvil`` and ``start_litecoind`` start a fresh
one for a single test, with extra arguments. All of them listen on 127.0.0.1 on a free port, are asked until they
answer, and are stopped by whoever started them. Where a program is missing the test is skipped with the reason.

    def test_it(anvil):
        anvil.url                                    # "http://127.0.0.1:40123"
        anvil.rpc("anvil_setBalance", address, hex(10**18))

    def test_that(litecoind):
        litecoind.url, litecoind.user, litecoind.password
        litecoind.mine(101)                          # to the node's own wallet; or mine(1, address)
        litecoind.rpc("sendtoaddress", address, "0.5")
"""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class RpcError(Exception):
    """The node's own error answer to a JSON-RPC call."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')} (code {error.get('code')})")
        self.code = error.get("code")
        self.message = str(error.get("message"))


class NodeProcess:
    """A node started by this test process: where it listens, how to ask it, how to stop it."""

    Error = RpcError

    def __init__(self, command: Sequence[str], url: str, folder: Path, *, user: str = "", password: str = "") -> None:
        self.url = url
        self.user = user
        self.password = password
        self._log_path = folder / "output.log"
        self._log = self._log_path.open("wb")
        self._process = subprocess.Popen(
            list(command), cwd=folder, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """What the node has printed so far."""
        return self._log_path.read_text(errors="replace")

    def rpc(self, method: str, *params: Any, path: str = "", seconds: float = 60.0) -> Any:
        """Call ``method`` and return its ``result``; the node's error answer is raised as ``RpcError``."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=seconds) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:  # Bitcoin Core answers an RPC error with status 500
            text = error.read()
            try:
                answer = json.loads(text)
            except ValueError:
                raise RpcError(method, {"code": error.code, "message": text.decode(errors="replace")}) from None
        if answer.get("error"):
            raise RpcError(method, answer["error"])
        return answer["result"]

    def wait_until_ready(self, method: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"the node ended with code {self._process.returncode} while starting:\n{self.log}")
            try:
                self.rpc(method, seconds=5)
                return
            except (OSError, RpcError) as error:  # not listening yet, or still warming up
                if time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"no answer within {START_SECONDS:.0f} s ({error}):\n{self.log}") from error
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
        self._log.close()


class Anvil(NodeProcess):
    """anvil on its default chain id 31337, one block for each transaction, ten rich accounts."""

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def fund(self, address: str, wei: int) -> None:
        self.rpc("anvil_setBalance", address, hex(wei))


class Litecoind(NodeProcess):
    """litecoind on regtest with a loaded wallet of its own, named "miner"."""

    def mine(self, blocks: int = 1, address: str | None = None) -> list[str]:
        """Mine to ``address``, or to the node's own wallet; returns the block hashes."""
        return self.rpc("generatetoaddress", blocks, address or self.rpc("getnewaddress"))


def find_anvil() -> str:
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"anvil-{platform.system().lower()}-{machine}"
    # The program itself, not npm's launcher script: a launcher would outlive a kill, or its child would.
    packaged = ROOT / "tests" / "oracles" / "node_modules" / "@foundry-rs" / name / "bin" / "anvil"
    if packaged.is_file():
        return str(packaged)
    found = shutil.which("anvil")
    if found is None:
        pytest.skip("anvil is not here: `make nodes` fetches it where npm is installed")
    return found


def find_litecoind() -> str:
    fetched = ROOT / ".cache" / "litecoind" / "litecoind"
    if fetched.exists():
        return str(fetched)
    found = shutil.which("litecoind")
    if found is None:
        pytest.skip("litecoind is not here: `make nodes` fetches it where apt has the package litecoind")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launch_anvil(stack: ExitStack, *arguments: str) -> Anvil:
    program = find_anvil()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anvil-")))
    port = free_port()
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--silent", *arguments]
    node = Anvil(command, f"http://127.0.0.1:{port}", folder)
    stack.callback(node.stop)
    node.wait_until_ready("eth_chainId")
    return node


def launch_litecoind(stack: ExitStack, *arguments: str) -> Litecoind:
    program = find_litecoind()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="litecoind-")))
    port = free_port()
    user, password = "tester", os.urandom(16).hex()
    command = [
        program,
        "-regtest",
        f"-datadir={folder}",
        "-listen=0",
        "-dnsseed=0",
        "-server",
        f"-rpcport={port}",
        "-rpcbind=127.0.0.1",
        "-rpcallowip=127.0.0.1",
        f"-rpcuser={user}",
        f"-rpcpassword={password}",
        "-fallbackfee=0.0002",
        # Without this the MWEB rules start and mining stops at block 432.
        "-vbparams=mweb:9999999999:9999999999",
        *arguments,
    ]
    node = Litecoind(command, f"http://127.0.0.1:{port}", folder, user=user, password=password)
    stack.callback(node.stop)
    node.wait_until_ready("getblockchaininfo")
    node.rpc("createwallet", "miner")
    return node


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    with ExitStack() as stack:
        yield launch_anvil(stack)


@pytest.fixture(scope="session")
def litecoind() -> Iterator[Litecoind]:
    with ExitStack() as stack:
        yield launch_litecoind(stack)


@pytest.fixture
def start_anvil() -> Iterator[Callable[..., Anvil]]:
    """Start a fresh anvil: ``start_anvil("--chain-id", "1", "--block-time", "1")``. Stopped when the test ends."""
    with ExitStack() as stack:
        yield lambda *arguments: launch_anvil(stack, *arguments)


@pytest.fixture
def start_litecoind() -> Iterator[Callable[..., Litecoind]]:
    """Start a fresh litecoind: ``start_litecoind("-txindex")``. Stopped when the test ends."""
    with ExitStack() as stack:
        yield lambda *arguments: launch_litecoind(stack, *arguments)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.node)
