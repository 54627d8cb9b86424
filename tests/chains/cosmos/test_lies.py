"""What a node or a gateway that lags, fails or lies must not make anybody believe."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chain import Network
from multiwallet.chains.cosmos import Cosmos
from multiwallet.devnet import Devnet
from multiwallet.errors import BadResponse, BroadcastUncertain, Expired, MultiwalletError, Rejected, Timeout
from multiwallet.ops import run
from multiwallet.testing import FakeTransport
from multiwallet.transactions import SignedTransaction, Status

TXS = "cosmos/tx/v1beta1/txs"
LATEST = "cosmos/base/tendermint/v1beta1/blocks/latest"
TXID = "AB" * 32
ABSENT = Rejected("tx not found", node_code=404, data={"code": 5, "message": f"tx not found: {TXID}"})
INCLUDED = {"tx_response": {"txhash": TXID, "height": "9", "code": 0, "gas_used": "5", "gas_wanted": "9"}}


def _head(height: int, time: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"block": {"header": {"chain_id": "cosmoshub-4", "height": str(height), "time": time}}}


@pytest.fixture
def signed(wallet: Wallet, devnet: Devnet) -> SignedTransaction:
    account = wallet.account("cosmos")
    devnet.fund(account, "5")
    return account.sign(account.build(to=account.address, amount="1", expires_in=10))


def test_what_was_included_while_it_was_asked_for_is_not_called_expired(chain: Cosmos, hub: Network) -> None:
    fake = FakeTransport({LATEST: _head(10)})
    fake.script(f"{TXS}/{TXID}", [ABSENT, INCLUDED])  # the node has indexed the last block between the two
    assert run(chain.status(hub, TXID, expiry=9), fake.perform).status is Status.CONFIRMED
    fake = FakeTransport({LATEST: _head(10)})
    fake.script(f"{TXS}/{TXID}", [ABSENT, ABSENT])
    with pytest.raises(Expired):
        run(chain.status(hub, TXID, expiry=9), fake.perform)


@pytest.mark.parametrize(
    "other",
    [
        Rejected("404 page not found", node_code=404),
        Rejected("upstream not found", node_code=502, data={"error": "not found"}),
    ],
)
def test_a_gateways_word_is_no_proof_of_expiry(chain: Cosmos, hub: Network, other: Any) -> None:
    fake = FakeTransport({LATEST: _head(10), f"{TXS}/{TXID}": other})
    assert run(chain.status(hub, TXID, expiry=9), fake.perform).status is Status.UNKNOWN


@pytest.mark.parametrize("found", [Timeout("late"), BadResponse("html"), Rejected("404 page not found", node_code=404)])
@pytest.mark.parametrize("code", [30, 32])
def test_a_refusal_of_what_may_be_in_is_uncertain(
    chain: Cosmos, hub: Network, signed: SignedTransaction, code: int, found: Any
) -> None:
    # Bytes that were included are refused like this when they come again.
    answer = {"tx_response": {"txhash": signed.txid, "code": code, "codespace": "sdk", "raw_log": "log"}}
    fake = FakeTransport({TXS: answer, f"{TXS}/{signed.txid}": found})
    with pytest.raises(BroadcastUncertain):
        run(chain.broadcast(hub, signed), fake.perform)


def test_a_refusal_after_a_silent_endpoint_is_uncertain(chain: Cosmos, hub: Network, signed: SignedTransaction) -> None:
    refusal = Rejected("insufficient fee", node_code=400)
    refusal.__cause__ = Timeout("an endpoint before it was silent")
    with pytest.raises(BroadcastUncertain):
        run(chain.broadcast(hub, signed), FakeTransport({TXS: refusal}).perform)
    known = Rejected("tx already exists in cache", node_code=400)
    known.__cause__ = Timeout("an endpoint before it was silent")
    assert run(chain.broadcast(hub, signed), FakeTransport({TXS: known}).perform).status is Status.PENDING


@pytest.mark.parametrize(
    "metadata",
    [
        {"base": "uion", "display": [], "denom_units": []},
        {"base": "uion", "display": {}, "denom_units": [{"denom": {}, "exponent": 3}]},
        {"base": "uion", "display": "ion", "denom_units": [{"denom": [], "exponent": 3}]},
        {"base": "uion", "display": "ion", "denom_units": [{"denom": "uion", "exponent": 0}]},
    ],
)
def test_decimals_that_nobody_stated_are_not_zero(chain: Cosmos, hub: Network, metadata: Any) -> None:
    path = "cosmos/bank/v1beta1/denoms_metadata"
    fake = FakeTransport({f"{path}_by_query_string": {"metadata": metadata}, f"{path}/uion": {"metadata": metadata}})
    with pytest.raises(BadResponse):
        run(chain.asset(hub, "uion"), fake.perform)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2600-01-01T00:00:00Z"])
def test_a_time_that_no_chain_can_have(chain: Cosmos, hub: Network, time: str) -> None:
    from multiwallet.chains.cosmos import answers
    from multiwallet.chains.cosmos.rules import rules_of

    with pytest.raises(MultiwalletError, match="time"):
        answers.head(_head(5, time), rules_of(hub))


def test_the_summary_says_until_when_coins_may_be_on_their_way(wallet: Wallet, devnet: Devnet) -> None:
    account = wallet.account("cosmos")
    devnet.fund(account, "5")
    wish = {"channel": "channel-141", "receiver": "osmo1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqmcn030"}
    made = account.build(to=account.address, amount="1", ibc_timeout=86_400, **wish)
    assert made.summary.actions[0].details["must arrive before"].endswith("seconds since 1970")
