"""What the tests of key files share: vectors, and the JavaScript software that owns some of the formats.

``peers`` runs one function of peers.mjs in node, with the libraries that `make nodes` installs beside the other
oracles; a test is skipped, with the reason, where node or a library is missing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def peers() -> Callable[..., Any]:
    """``peers("library", "function", **arguments)``: the answer of a JavaScript library."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript software")

    def call(library: str, function: str, **arguments: Any) -> Any:
        if not (LIBRARIES / library).is_dir():
            pytest.skip(f"the JavaScript library {library} is not installed: `make nodes` does it")
        ended = subprocess.run(
            [node, str(HERE / "peers.mjs"), str(LIBRARIES), function],
            input=json.dumps(arguments),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        return json.loads(ended.stdout)

    return call
