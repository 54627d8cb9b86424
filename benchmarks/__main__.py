"""Prints the table and writes JSON: ``python -m benchmarks [--quick] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict

from multiwallet import Wallet

from . import derivation, signing, startup
from .measure import Case, Result, run


def cases(count: int) -> list[Callable[[], Case]]:
    wallet = Wallet.from_mnemonic(signing.WORDS)
    return [
        lambda: signing.evm_dicts(wallet, count),
        lambda: signing.evm_template(wallet, count),
        lambda: signing.tron_transfers(wallet, count),
        lambda: signing.solana_transfers(wallet, count),
        lambda: signing.large_psbt(wallet),
        lambda: derivation.from_xprv(count),
        lambda: derivation.from_xpub(count),
        lambda: signing.threads(wallet, count),
    ]


def show(result: Result) -> None:
    goal = f"{result.goal:.2f}" if result.goal is not None else ""
    print(
        f"{result.name:<50} {result.floor:>8.1f} {result.ours:>8.1f} {result.share:>7.2f} "
        f"{result.best_share:>7.2f} {goal:>5}   "
        + ", ".join(f"{name} {value:.0f}" for name, value in result.peers.items()),
        flush=True,
    )


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer items and rounds, for a look")
    options.add_argument("--json", metavar="FILE", help="write the figures there as well")
    chosen = options.parse_args()
    count, rounds = (300, 3) if chosen.quick else (2000, 9)
    print(f"Python {platform.python_version()}, {platform.machine()}; microseconds an item, medians of {rounds} rounds")
    print(f"{'':<50} {'floor':>8} {'ours':>8} {'share':>7} {'best':>7} {'goal':>5}   peers")
    results = []
    for make in cases(count):
        results.append(run(make(), rounds))
        show(results[-1])
    milliseconds = startup.import_cost(5 if chosen.quick else 15)
    print(f"import multiwallet: {milliseconds:.1f} ms above the bare interpreter (goal: under 30)")
    first = startup.first_address_cost(3 if chosen.quick else 7)
    print(f"to a first Ethereum address: {first:.0f} ms above the bare interpreter")
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            data = {
                "python": platform.python_version(),
                "machine": platform.machine(),
                "cases": [asdict(result) for result in results],
                "import_ms": milliseconds,
                "first_address_ms": first,
            }
            json.dump(data, file, indent=2)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
