"""What an outbox and a second broadcast rely on: nothing that was carried out is called dead or expired."""

from __future__ import annotations

import pytest
from ton_node import NOW, included

from multiwallet.chains.ton import Ton, addresses
from multiwallet.codec import boc
from multiwallet.errors import BadResponse, BroadcastUncertain, Unreachable
from multiwallet.ops import run
from multiwallet.testing import refusal
from multiwallet.transactions import Status

CHAIN = Ton()
REFUSED = (
    "http://node failed with HTTP status 500: cannot apply external message to current state: exitcode=%s, steps=20"
)


@pytest.fixture
def signed(payer, payee):
    return payer.sign(payer.build(to=payee.address, amount="1"))


def test_a_first_message_is_looked_for_by_both_of_its_hashes(node, payer, payee):
    """An index without normalised hashes has a message with a StateInit under its plain one: it is not dead."""
    node.accounts[payer.address] = {"balance": "10000000000", "status": "uninit"}
    raw = addresses.parse(payer.address, testnet=False)[0].raw
    node.accounts[raw] = {"balance": "10000000000", "status": "uninit"}
    first = payer.sign(payer.build(to=payee.address, amount="1"))
    plain = boc.decode(first.raw).hash.hex()
    assert plain != first.txid
    node.answers["masterchainInfo"]["last"]["gen_utime"] = NOW + 5000
    asked = CHAIN.is_dead(payer._operations.holder, first, depth=1)
    assert run(asked, node.perform) is True
    node.found[plain] = [included(first)]
    asked = CHAIN.is_dead(payer._operations.holder, first, depth=1)
    assert run(asked, node.perform) is False


def test_another_networks_clock_calls_nothing_dead(node, payer, signed):
    node.answers["masterchainInfo"]["last"] |= {"gen_utime": NOW + 5000, "global_id": -3}
    refusal(BadResponse, run, CHAIN.is_dead(payer._operations.holder, signed, depth=1), node.perform)


@pytest.mark.parametrize("code", [35, 36, 136])
def test_an_order_that_was_carried_out_is_never_called_expired(node, payer, signed, code):
    """Wallets look at the time before the sequence number: late copies of what was done are "expired" to them."""
    node.answers["message"] = BadResponse(REFUSED % code)
    node.answers["masterchainInfo"]["last"]["gen_utime"] = NOW + 5000
    node.found[signed.txid] = [included(signed)]
    assert payer.broadcast(signed).status is Status.PENDING
    node.answers["transactionsByMessage"] = Unreachable("gone")
    assert refusal(BroadcastUncertain, payer.broadcast, signed).txid == signed.txid
