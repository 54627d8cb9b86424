"""The nodes that payments are made on: an embedded engine in a process of its own, or anvil."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

__all__ = ["AnvilNode", "DevnetNode", "Node", "find_anvil"]

_ROOT = Path(__file__).resolve().parent.parent
_START = 60.0


class Node(Protocol):
    """One node and what its keeper can do to it."""

    endpoint: str
    core: str
    """Bitcoin Core's RPC, where the node has it; empty else."""

    def fund(self, address: str, amount: str) -> None: ...

    def mine(self, blocks: int = 1) -> None: ...

    def reorg(self, depth: int) -> None: ...

    def drop(self, txid: str) -> bool: ...

    def advance(self, seconds: float) -> None: ...

    def close(self) -> None: ...


class DevnetNode:
    """An engine of the devnet over HTTP, in a process of its own; told what to do by lines of JSON."""

    def __init__(self, network: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.devnet_process", network],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = self._read()
        self.endpoint: str = ready["endpoint"]
        self.core: str = ready["core"]

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the devnet's process has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def _tell(self, verb: str, *values: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([verb, *values]) + "\n")
        self._process.stdin.flush()
        return self._read()["result"]

    def fund(self, address: str, amount: str) -> None:
        self._tell("fund", address, amount)

    def mine(self, blocks: int = 1) -> None:
        self._tell("mine", blocks)

    def reorg(self, depth: int) -> None:
        self._tell("reorg", depth)

    def drop(self, txid: str) -> bool:
        return bool(self._tell("drop", txid))

    def advance(self, seconds: float) -> None:
        self._tell("advance", seconds)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class AnvilNode:
    """anvil under Ethereum's chain id, which mines when it is told to."""

    core = ""

    def __init__(self, program: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self._folder = tempfile.mkdtemp(prefix="chaos-anvil-")
        command = [program, "--host", "127.0.0.1", "--port", str(port), "--silent", "--chain-id", "1", "--no-mining"]
        self._process = subprocess.Popen(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _START
        while True:
            try:
                self._call("eth_chainId")
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.close()
                    raise
                time.sleep(0.05)

    def _call(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.endpoint, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        if answer.get("error"):
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer.get("result")

    def fund(self, address: str, amount: str) -> None:
        whole, _, part = amount.partition(".")
        self._call("anvil_setBalance", address, hex(int(whole + part.ljust(18, "0"))))

    def mine(self, blocks: int = 1) -> None:
        self._call("anvil_mine", hex(blocks))

    def reorg(self, depth: int) -> None:
        self._call("anvil_reorg", depth, [])

    def drop(self, txid: str) -> bool:
        return self._call("anvil_dropTransaction", txid) is not None

    def advance(self, seconds: float) -> None:
        self._call("evm_increaseTime", int(seconds))

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def find_anvil() -> str | None:
    """The program anvil; None where there is none."""
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    folder = _ROOT / "tests" / "oracles" / "node_modules" / "@foundry-rs"
    packaged = folder / f"anvil-{platform.system().lower()}-{machine}" / "bin" / "anvil"
    return str(packaged) if packaged.is_file() else shutil.which("anvil")


def batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The items in groups of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]
