"""Chopsticks: a Substrate runtime, executed by a node in JavaScript, on this machine and without a network.

It is no engine of the devnet, since it needs Node.js and the npm packages ``@acala-network/chopsticks`` and
``@substrate/connect-known-chains``. The genesis is the Rococo Asset Hub's with its runtime (statemine 900), out of the
latter. Every extrinsic makes a block at once.

    with launch(Path("node_modules")) as node:
        node.url, node.genesis                       # of block 0, as its RPC has it (the true one is another)
        node.fund(account_id, units)                 # writes System.Account
        node.rpc("chain_getHeader")
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..chains.substrate import addresses, storage
from ..errors import Unsupported
from ..registry import add_network

if TYPE_CHECKING:
    from ..account import Account, AsyncAccount
    from ..amounts import Amount
    from ..chain import Network

__all__ = ["Chopsticks", "RpcError", "launch"]

START_SECONDS = 90.0
STOP_SECONDS = 15.0
WRITE_GENESIS = """
import { writeFileSync } from 'node:fs';
const { rococo_v2_2_asset_hub: genesis } = await import('@substrate/connect-known-chains');
writeFileSync(process.argv[1], genesis);
"""


class RpcError(Exception):  # the node's, for whoever drives it: no error of the library's tree
    """The node's own error answer."""


class Chopsticks:
    """A running node."""

    Error = RpcError

    def __init__(self, command: list[str], port: int, folder: Path, modules: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = folder / "output.log"
        self._log = self._log_path.open("wb")
        self._process = subprocess.Popen(  # noqa: S603  # node, found on the PATH, with files of a folder the caller named
            command, cwd=modules.parent, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.genesis = ""

    def rpc(self, method: str, *params: Any, seconds: float = 60.0) -> Any:
        """Call a method and return its result; RpcError for the node's own error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310  # our own URL
        with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310  # as above
            answer = json.load(response)
        if answer.get("error"):
            raise RpcError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"chopsticks ended with code {self._process.returncode}:\n{self.log}")
            try:
                self.genesis = self.rpc("chain_getBlockHash", 0, seconds=10)[2:]
                return
            except (OSError, urllib.error.URLError, RpcError) as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"no answer within {START_SECONDS:.0f} s ({error}):\n{self.log}") from error
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log_path.read_text(errors="replace")

    def fund(self, account: bytes, units: int, *, nonce: int | None = None) -> None:
        """Give an account so many units, free; its nonce stays where it is."""
        key = storage.account_key(account)
        if nonce is None:
            stored = self.rpc("state_getStorage", key)
            nonce = 0 if stored is None else int.from_bytes(bytes.fromhex(stored[2:])[:4], "little")
        data = b"".join(value.to_bytes(4, "little") for value in (nonce, 0, 1, 0))
        data += units.to_bytes(16, "little") + bytes(48)
        self.rpc("dev_setStorage", [[key, "0x" + data.hex()]])

    def network(self, name: str) -> Network:
        """The row of its network, added to this process's table under a name."""
        # The hash of block 0 that it tells is not the true one, and the chain checks signatures against what it tells.
        return add_network(
            name,
            id=f"polkadot:{self.genesis[:32]}",
            title="Asset Hub on this machine",
            symbol="ROC",
            decimals=12,
            slip44=1,
            endpoints=[self.url],
            testnet=True,
            params={"genesis": self.genesis, "ss58": 42},
            override=True,
        )

    def give(self, account: Account | AsyncAccount, amount: Amount) -> None:
        """Give an account of that network so much, free."""
        self.fund(addresses.account_of(account.network, account.address), amount.units)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
        self._log.close()


def _find(modules: Path) -> tuple[str, Path]:
    """node, and the start file of chopsticks."""
    node, start = shutil.which("node"), modules / "@acala-network" / "chopsticks" / "chopsticks.cjs"
    if node is None:
        raise Unsupported("node is not installed, so no Substrate runtime can run")
    if not start.is_file() or not (modules / "@substrate" / "connect-known-chains").is_dir():
        raise Unsupported("chopsticks is not here: `make nodes` fetches it where npm is installed")
    return node, start


@contextmanager
def launch(modules: Path) -> Iterator[Chopsticks]:
    """Start a node from a folder ``node_modules``, wait until it answers, stop it in the end.

    Raises Unsupported where Node.js or the packages are not there.
    """
    node, start = _find(modules)
    with tempfile.TemporaryDirectory(prefix="chopsticks-") as name:
        folder = Path(name)
        genesis = folder / "genesis.json"
        subprocess.run(  # noqa: S603  # as above
            [node, "--input-type=module", "-e", WRITE_GENESIS, str(genesis)],
            cwd=modules.parent,
            check=True,
            timeout=60,
            capture_output=True,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = [node, str(start), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--genesis", str(genesis), "--build-block-mode", "Instant"]
        running = Chopsticks(command, port, folder, modules)
        try:
            running.wait_until_ready()
            yield running
        finally:
            running.stop()
