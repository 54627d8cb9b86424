"""A Cosmos account, the devnet as its node, and a node that answers from a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from multiwallet import Wallet, network
from multiwallet.chain import Holder, Network, Options, Payment
from multiwallet.chains.cosmos import Cosmos
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.devnet import Devnet
from multiwallet.ops import Op, run
from multiwallet.transactions import SignedTransaction, UnsignedTransaction

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture(scope="session")
def hub() -> Network:
    return network("cosmos")


@pytest.fixture(scope="session")
def injective() -> Network:
    return network("injective")


@pytest.fixture(scope="session")
def chain() -> Cosmos:
    return Cosmos()


@pytest.fixture(scope="session")
def key() -> SecpKey:
    return SecpKey(b"\x07" * 32)


@pytest.fixture(scope="session")
def make_holder(chain: Cosmos) -> Callable[[SecpKey, Network], Holder]:
    def make(key: SecpKey, row: Network) -> Holder:
        return Holder(row, chain.address(row, key.public_key), key.public_key)

    return make


@pytest.fixture(scope="session")
def holder(make_holder: Callable[[SecpKey, Network], Holder], key: SecpKey, hub: Network) -> Holder:
    return make_holder(key, hub)


@pytest.fixture(scope="session")
def friend(make_holder: Callable[[SecpKey, Network], Holder], hub: Network) -> str:
    return make_holder(SecpKey(b"\x08" * 32), hub).address


@pytest.fixture(scope="session")
def sign(chain: Cosmos) -> Callable[..., SignedTransaction]:
    def signed(holder: Holder, transaction: UnsignedTransaction, key: SecpKey) -> SignedTransaction:
        requests = chain.authorize(holder, transaction)
        return chain.assemble(transaction, [(item, key.sign_recoverable(item.message)) for item in requests])

    return signed


@pytest.fixture
def devnet() -> Iterator[Devnet]:
    with Devnet() as opened:
        yield opened


@pytest.fixture
def wallet(devnet: Devnet) -> Wallet:
    return Wallet.from_mnemonic(WORDS, transport=devnet)


class Tampering:
    """The devnet, whose answers to some paths are changed on their way."""

    def __init__(self, inner: Devnet) -> None:
        self.inner = inner
        self.changes: dict[str, Any] = {}
        self.asked: list[str] = []
        self.batches = 0

    def perform(self, effects: Sequence[Any]) -> list[Any]:
        self.batches += 1
        outcomes = self.inner.perform(effects)
        answers = []
        for effect, outcome in zip(effects, outcomes, strict=True):
            path = getattr(effect, "path", "")
            self.asked.append(path)
            answers.append(next((change for part, change in self.changes.items() if part in path), outcome))
        return answers

    def run(self, operation: Op[Any]) -> Any:
        return run(operation, self.perform)


@pytest.fixture
def node(devnet: Devnet, holder: Holder) -> Tampering:
    devnet.fund(holder.address, "10", network="cosmos")
    return Tampering(devnet)


@pytest.fixture
def build(chain: Cosmos, node: Tampering, holder: Holder) -> Callable[..., UnsignedTransaction]:
    """Build on the devnet: payments as (address, units) and options as keywords."""

    def built(
        *payments: tuple[str, int], speed: str = "normal", memo: str | None = None, max_fee: Any = None, **native: Any
    ) -> UnsignedTransaction:
        from multiwallet import Amount

        own = holder.network.native
        paid = tuple(Payment(to, Amount(max(units, 0), own), everything=units < 0) for to, units in payments)
        transaction: UnsignedTransaction = node.run(chain.build(holder, paid, Options(speed, max_fee, memo, native)))
        return transaction

    return built
