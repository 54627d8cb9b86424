"""A TRON account of the reference values, and a node that answers from a table."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from multiwallet.chain import Holder, Network
from multiwallet.chains.tron import Tron
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import BadResponse
from multiwallet.ops import Op, Rest, run
from multiwallet.transactions import SignedTransaction, UnsignedTransaction

VECTORS = Path(__file__).parents[2] / "vectors"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
FRIEND = "TDc9TjNYQLUnY6oZZZnHcziUKFtTsfRCoT"
GENESIS = "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc"


def load(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((VECTORS / name).read_text("utf-8"))
    return entries


@pytest.fixture(scope="session")
def vectors() -> list[dict[str, Any]]:
    return load("tron_tx.json")


@pytest.fixture(scope="session")
def transactions(vectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in vectors if entry["kind"] == "tx"]


@pytest.fixture(scope="session")
def network() -> Network:
    return Network(
        "tron:0x2b6653dc", "tron", "tron", "TRON", "TRX", 6, 195, params={"genesis": GENESIS, "address_prefix": 0x41}
    )


@pytest.fixture(scope="session")
def nile() -> Network:
    return Network("tron:0xcd8690dc", "tron-nile", "tron", "TRON Nile", "TRX", 6, 195, testnet=True)


@pytest.fixture
def chain() -> Tron:
    return Tron()


@pytest.fixture(scope="session")
def key(vectors: list[dict[str, Any]]) -> SecpKey:
    return SecpKey(bytes.fromhex(vectors[0]["private_key"]))


@pytest.fixture(scope="session")
def other_key() -> SecpKey:
    return SecpKey(b"\x07" * 32)


@pytest.fixture
def make_holder(chain: Tron, network: Network) -> Callable[..., Holder]:
    def make(key: SecpKey, on: Network = network) -> Holder:
        return Holder(on, chain.address(on, key.public_key), key.public_key)

    return make


@pytest.fixture
def holder(make_holder: Callable[..., Holder], key: SecpKey) -> Holder:
    return make_holder(key)


@pytest.fixture
def sign(chain: Tron) -> Callable[..., SignedTransaction]:
    """Authorize, sign and assemble, as an account does it."""

    def signed(holder: Holder, transaction: UnsignedTransaction, key: SecpKey) -> SignedTransaction:
        requests = chain.authorize(holder, transaction)
        pairs = [(request, key.sign_recoverable(request.message)) for request in requests]
        return chain.assemble(transaction, pairs)

    return signed


class Node:
    """A TRON node as far as the tests need one: a table from path to answer, and what it was asked."""

    def __init__(self, header: dict[str, Any]) -> None:
        raw = {**header, "witness_address": header["witnessAddress"]}
        del raw["witnessAddress"]
        block = {
            "blockID": "0000000003628814405bac642fee4aed328b985e759bf98d826524fcdbb20a000db318f5982fc8af"[:16]
            + "328b985e759bf98d826524fcdbb20a000db318f5982fc8af",
            "block_header": {"raw_data": raw, "witness_signature": "00"},
        }
        self.asked: list[Rest] = []
        self.batches: list[int] = []
        self.answers: dict[str, Any] = {
            "wallet/getnowblock": block,
            "wallet/getblockbynum": {"blockID": GENESIS},
            "wallet/getchainparameters": {
                "chainParameter": [
                    {"key": "getTransactionFee", "value": 1000},
                    {"key": "getEnergyFee", "value": 100},
                    {"key": "getCreateAccountFee", "value": 100000},
                    {"key": "getCreateNewAccountFeeInSystemContract", "value": 1000000},
                    {"key": "getMemoFee", "value": 1000000},
                    {"key": "getMultiSignFee", "value": 1000000},
                    {"key": "getMaxFeeLimit", "value": 15000000000},
                    {"key": "getForbidTransferToContract", "value": 1},
                    {"key": "getAllowDelegateResource"},
                ]
            },
            "wallet/getaccountresource": {"freeNetLimit": 600, "TotalNetLimit": 43200000000},
            "wallet/getaccount": {"balance": 50_000_000, "address": "x"},
            "wallet/triggerconstantcontract": self.token,
            "wallet/estimateenergy": {"result": {"result": True}, "energy_required": 64285},
        }
        self.held = 5_000_000
        self.energy = 60_000

    def token(self, effect: Rest) -> dict[str, Any]:
        """A TRC-20 token with six decimals."""
        selector = effect.json["data"][:8]
        returned = {
            "95d89b41": (32).to_bytes(32, "big") + (4).to_bytes(32, "big") + b"USDT".ljust(32, b"\0"),
            "313ce567": (6).to_bytes(32, "big"),
            "70a08231": self.held.to_bytes(32, "big"),
        }.get(selector, bytes(32))  # as USDT answers to transfers that succeed
        return {
            "result": {"result": True},
            "energy_used": self.energy,
            "constant_result": [returned.hex()],
            "transaction": {"ret": [{}]},
        }

    def perform(self, effects: Sequence[Any]) -> list[Any]:
        self.batches.append(len(effects))
        return [self.answer(effect) for effect in effects]

    def answer(self, effect: Rest) -> Any:
        assert isinstance(effect, Rest)
        assert effect.method == "POST"
        json.dumps(effect.json)
        self.asked.append(effect)
        answer = self.answers.get(effect.path, BadResponse(f"no answer to {effect.path}"))
        return answer(effect) if callable(answer) else copy.deepcopy(answer)

    def run(self, operation: Op[Any]) -> Any:
        return run(operation, self.perform)


@pytest.fixture
def node(vectors: list[dict[str, Any]]) -> Node:
    return Node(vectors[0]["block_header"])


@pytest.fixture(scope="session")
def names() -> SimpleNamespace:
    return SimpleNamespace(usdt=USDT, friend=FRIEND, genesis=GENESIS)
