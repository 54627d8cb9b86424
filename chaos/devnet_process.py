"""The process in which an engine of the devnet runs. Reads verbs as lines of JSON and answers each with a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from multiwallet.devnet import Devnet
from multiwallet.devnet.server import serve
from multiwallet.errors import MultiwalletError


def main(network: str) -> None:
    with Devnet(automine=False) as devnet, serve(devnet, networks=[network]) as server:
        core = server.core_endpoints.get(network, "").removeprefix("core+")
        _say({"endpoint": server.endpoints[network], "core": core})
        verbs: dict[str, Callable[..., Any]] = {
            "fund": lambda address, amount: devnet.fund(address, amount, network=network),
            "mine": lambda blocks: devnet.mine(network, blocks),
            "reorg": lambda depth: devnet.reorg(network, depth),
            "drop": lambda txid: devnet.drop(network, txid),
            "advance": lambda seconds: devnet.engine(network).advance(seconds),
        }
        for line in sys.stdin:
            verb, *values = json.loads(line)
            try:
                _say({"result": verbs[verb](*values)})
            except MultiwalletError as error:
                _say({"error": f"{verb}: {error.message}"})


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
