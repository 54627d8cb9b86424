"""What ``import multiwallet`` costs above the bare interpreter, in fresh processes taking turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def _milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - start) * 1000


def import_cost(rounds: int = 15) -> float:
    """Median milliseconds of the import, round by round against the bare interpreter."""
    bare, full = "pass", "import multiwallet"
    _milliseconds(full)
    return statistics.median(_milliseconds(full) - _milliseconds(bare) for _ in range(rounds))


FIRST_ADDRESS = (
    "from multiwallet import Wallet; Wallet.from_mnemonic('abandon ' * 11 + 'about').account('ethereum').address"
)


def first_address_cost(rounds: int = 7) -> float:
    """Median milliseconds from the bare interpreter to a first address."""
    _milliseconds(FIRST_ADDRESS)
    return statistics.median(_milliseconds(FIRST_ADDRESS) - _milliseconds("pass") for _ in range(rounds))
