"""What the EVM tests share: networks made by hand, holders of known keys, a signer, and scripted nodes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest

from multiwallet import ops
from multiwallet.chain import Holder, Network, SignedTransaction, UnsignedTransaction
from multiwallet.chains.evm import Evm
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.ops import Rpc

VECTORS = FilePath(__file__).parents[2] / "vectors"


def make_network(chain_id: int = 1, **params: Any) -> Network:
    return Network(f"eip155:{chain_id}", f"evm-{chain_id}", "evm", f"Chain {chain_id}", "ETH", 18, 60, params=params)


class Keys:
    """An account's two halves: what the adapter sees, and the key that signs in these tests."""

    def __init__(self, key: str | bytes, network: Network) -> None:
        self.key = SecpKey(bytes.fromhex(key) if isinstance(key, str) else key)
        self.evm = Evm()
        self.holder = Holder(network, self.evm.address(network, self.key.public_key), self.key.public_key)

    def sign(self, unsigned: UnsignedTransaction) -> SignedTransaction:
        requests = self.evm.authorize(self.holder, unsigned)
        return self.evm.assemble(unsigned, [(r, self.key.sign_recoverable(r.message)) for r in requests])

    def batch(self, item: Any) -> SignedTransaction | None:
        plan = self.evm.batch(self.holder)
        prepared = plan.prepare(item)
        if prepared is None:
            return None
        state, digest = prepared
        return plan.seal(state, self.key.sign_recoverable(digest))


class Node:
    """Answers by method name, and keeps what it was asked. A list is a queue; a callable gets the parameters."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.batches: list[list[Rpc]] = []

    def perform(self, effects: Any) -> list[Any]:
        self.batches.append(list(effects))
        return [self._answer(effect) for effect in effects]

    def _answer(self, effect: Rpc) -> Any:
        answer = self.answers[effect.method]
        if isinstance(answer, list) and answer and answer[0] == "queue":
            return answer.pop(1)
        return answer(*effect.params) if callable(answer) else answer

    def run(self, operation: Any) -> Any:
        return ops.run(operation, self.perform)


@pytest.fixture
def network() -> Network:
    return make_network()


@pytest.fixture
def networks() -> Callable[..., Network]:
    return make_network


@pytest.fixture
def keys(network: Network) -> Keys:
    return Keys(bytes(31) + b"\x07", network)


@pytest.fixture
def keys_of() -> type[Keys]:
    return Keys


@pytest.fixture
def node() -> type[Node]:
    return Node


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], list[dict[str, Any]]]:
    return lambda name: json.loads((VECTORS / name).read_text("utf-8"))
