"""What the tests of key files share: vectors, and the JavaScript software that owns some of the formats.

``peers`` runs one function of peers.mjs in node, with the libraries that `make nodes` installs beside the other
oracles; a test is skipped, with the reason, where node or a library is missing.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
LIBRARIES = HERE.parent / "oracles" / "node_modules"
VECTORS = HERE.parent / "vectors"


def load_vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], Any]:
    return load_vectors


class Peers:
    """One node process for the test run; calling the object calls a function in it."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, str(HERE / "peers.mjs"), str(LIBRARIES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def __call__(self, library: str, function: str, **arguments: Any) -> Any:
        if not (LIBRARIES / library).is_dir():
            pytest.skip(f"the JavaScript library {library} is not installed: `make nodes` does it")
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": function, "args": arguments}) + "\n")
        self._process.stdin.flush()
        line = self._answers.get(timeout=60)
        assert line, f"{function}: the node process ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{function}: {answer}"
        return answer["result"]

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._reader.join(5)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    """``peers("library", "function", **arguments)``: the answer of a JavaScript library."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript software")
    started = Peers(node)
    try:
        yield started
    finally:
        started.stop()
