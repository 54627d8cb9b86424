"""A TON blockchain for tests: @ton/sandbox in a node process, behind toncenter's API v3 on a loopback port.

with launch() as sandbox:
    sandbox.url                                  # "http://127.0.0.1:40123"
    sandbox.fund(account.address, 10**9)
    minter = sandbox.jetton(holder=account.address, amount=10**9, decimals=6, symbol="TEST")
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

ORACLES = Path(__file__).resolve().parents[1] / "oracles"
START_SECONDS = 60.0


class TonSandbox:
    """One process with one blockchain in it; ``reset`` starts the chain anew."""

    def __init__(self, node: str, global_id: int = -239) -> None:
        self._process = subprocess.Popen(
            [node, "ton_sandbox.mjs", str(global_id)],
            cwd=ORACLES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        first: queue.Queue[str] = queue.Queue()
        assert self._process.stdout is not None
        threading.Thread(
            target=lambda out: first.put(out.readline()), args=(self._process.stdout,), daemon=True
        ).start()
        try:
            line = first.get(timeout=START_SECONDS)
        except queue.Empty:
            line = ""
        if not line:
            self.stop()
            raise RuntimeError(f"the sandbox did not start within {START_SECONDS:.0f} s")
        self.url = f"http://127.0.0.1:{json.loads(line)['port']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def control(self, call: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/control/{call}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def fund(self, address: str, nanotons: int) -> None:
        self.control("fund", address=address, amount=str(nanotons))

    def jetton(self, holder: str, amount: int, **facts: Any) -> str:
        """Deploy a minter and give the holder so many units; the minter's raw address."""
        said = {"decimals": 6, "symbol": "TEST", "offchain": False, **facts}
        return str(self.control("jetton", holder=holder, amount=str(amount), **said)["address"])

    def advance(self, seconds: int) -> None:
        self.control("advance", seconds=seconds)

    def pause(self, paused: bool) -> None:
        """While paused, messages are taken and not carried out."""
        self.control("pause", paused=paused)

    def reset(self) -> None:
        self.control("reset")

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def launch(global_id: int = -239) -> TonSandbox:
    """Start a sandbox; the test is skipped where node or the npm packages are missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so there is no TON sandbox")
    if not (ORACLES / "node_modules" / "@ton" / "sandbox").is_dir():
        pytest.skip("@ton/sandbox is not installed: `make nodes` does it where npm is installed")
    return TonSandbox(node, global_id)
