"""What remains in the memory of a process after a wallet was closed: counted, and bounded.

The figures in docs/security.md come from ``python tests/hygiene/memory_scan.py``. CPython and the C library reuse freed
memory as they like, so the bound leaves room for another version of either; what a leak in our caches would leave
behind (each key once, while the wallet lives) is above it in the sum.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCAN = Path(__file__).with_name("memory_scan.py")
# Copies that stay of one secret, and of all seven together, after close().
MOST_OF_ONE = 2
MOST_IN_ALL = 4


@pytest.fixture(scope="module")
def counted() -> dict[str, dict[str, list[int]]]:
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc of Linux")
    ended = subprocess.run([sys.executable, str(SCAN), "--json"], capture_output=True, text=True, timeout=240)
    if "PermissionError" in ended.stderr:
        pytest.skip("this system lets no process look into the memory of its own children")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, dict[str, list[int]]] = json.loads(ended.stdout)
    return found


def test_the_scan_sees_an_open_wallet(counted):
    """Without this the zeros below would prove nothing."""
    for way, counts in counted.items():
        assert counts["private key (secp256k1)"][0] >= 1 or "unused" in way, way
        assert counts["master key"][0] >= 1 or way == "keystore", way


def test_a_closed_wallet_leaves_few_copies(counted):
    for way, counts in counted.items():
        after = {name: closed for name, (_, closed) in counts.items()}
        assert max(after.values()) <= MOST_OF_ONE, (way, after)
        assert sum(after.values()) <= MOST_IN_ALL, (way, after)


def test_a_wallet_that_was_used_leaves_no_private_key(counted):
    for way in ("phrase", "mnemonic object", "seed", "vault", "keystore"):
        after = {name: closed for name, (_, closed) in counted[way].items() if name.startswith("private key")}
        assert set(after.values()) == {0}, (way, after)
