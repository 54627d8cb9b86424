"""Broadcast and status over a scripted node: found, failed, pending, expired, lost, lied about."""

from __future__ import annotations

import pytest

from multiwallet.chains.substrate import storage
from multiwallet.chains.substrate.metadata import parse
from multiwallet.chains.substrate.values import Case, Encoder
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
    Unreachable,
)
from multiwallet.testing import refusal
from multiwallet.transactions import Status


@pytest.fixture
def sent(opening):
    node, account, other = opening("hub15")
    signed = account.sign(account.build(to=other.address, amount="1"))
    return node, account, signed


def events(node, index, *more, failed=None):
    """System.Events of a block: of the extrinsic at an index."""
    metadata = parse(node.data)
    encoder = Encoder(metadata.types, lambda text: bytes(32))
    info = {"weight": {"ref_time": 1, "proof_size": 1}, "class": "Normal", "pays_fee": "Yes"}
    end = Case("ExtrinsicSuccess", {"dispatch_info": info})
    if failed is not None:
        end = Case("ExtrinsicFailed", {"dispatch_error": failed, "dispatch_info": info})
    listed = [*more, Case("System", end)]
    records = [{"phase": Case("ApplyExtrinsic", index), "event": event, "topics": []} for event in listed]
    node.store["0x" + storage.prefix("System", "Events").hex()] = "0x" + encoder.write(metadata.events, records).hex()


def paid(fee):
    return Case("TransactionPayment", Case("TransactionFeePaid", {"who": bytes(32), "actual_fee": fee, "tip": 0}))


def test_found_in_a_block(sent):
    node, account, signed = sent
    node.blocks[990] = ["0x280403000b20", "0x" + signed.raw.hex()]
    events(node, 1, paid(123))
    receipt = account.status(signed.txid)
    assert (receipt.status, receipt.block, receipt.confirmations, receipt.final) == (Status.CONFIRMED, 990, 11, True)
    assert receipt.fee.units == 123
    assert receipt.details["index"] == 1
    node.final = 980
    assert not account.status(signed.txid).final
    assert account.wait(signed.txid, confirmations=5, timeout=1).block == 990


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Case("Module", {"index": 10, "error": b"\2\0\0\0"}), "Balances.InsufficientBalance"),
        (Case("Module", {"index": 99, "error": b"\7\0\0\0"}), "error 7 of pallet 99"),
        (Case("Token", "FundsUnavailable"), "Token.FundsUnavailable"),
        (Case("BadOrigin"), "BadOrigin"),
    ],
    ids=["module", "unknown", "token", "plain"],
)
def test_failed_in_a_block(sent, error, words):
    node, account, signed = sent
    node.blocks[999] = ["0x" + signed.raw.hex()]
    events(node, 0, paid(5), failed=error)
    receipt = account.status(signed.txid)
    assert (receipt.status, receipt.reason, receipt.fee.units) == (Status.FAILED, words, 5)
    assert refusal(Reverted, account.wait, signed.txid, timeout=1).reason == words


@pytest.mark.parametrize("pallet", ["Proxy", "Multisig", "Utility"])
def test_a_call_inside_that_failed_is_a_failure(sent, pallet):
    node, account, signed = sent
    node.blocks[999] = ["0x" + signed.raw.hex()]
    wrong = Case("Err", Case("Token", "Frozen"))
    inner = {
        "Proxy": Case("ProxyExecuted", {"result": wrong}),
        "Utility": Case("BatchInterrupted", {"index": 0, "error": Case("Token", "Frozen")}),
        "Multisig": Case(
            "MultisigExecuted",
            {
                "approving": bytes(32),
                "timepoint": {"height": 1, "index": 1},
                "multisig": bytes(32),
                "call_hash": bytes(32),
                "result": wrong,
            },
        ),
    }[pallet]
    events(node, 0, Case(pallet, inner))
    receipt = account.status(signed.txid)
    assert receipt.status is Status.FAILED
    assert "Token.Frozen" in receipt.reason


def test_pending_unknown_and_expired(sent):
    node, account, signed = sent
    assert account.status(signed.txid).status is Status.UNKNOWN
    node.pool = ["0x" + signed.raw.hex()]
    assert account.status(signed.txid).status is Status.PENDING
    node.pool = Rejected("method not allowed")  # a node that hides its pool
    assert account.status(signed.txid).status is Status.UNKNOWN
    node.pool = []
    # best is past the end and final is not: it may be in a block that this node has yet to see
    node.head, node.final = 1070, 1060
    with pytest.raises(Timeout):
        account.wait(signed.txid, expiry=signed.expiry, timeout=0.5)
    node.final = 1061
    refusal(Expired, account.wait, signed.txid, expiry=signed.expiry, timeout=1)
    node.blocks[1061] = ["0x" + signed.raw.hex()]  # the last block that could take it
    events(node, 0)
    assert account.wait(signed.txid, expiry=signed.expiry, timeout=1).block == 1061


def test_the_search_is_bounded(sent):
    node, account, signed = sent
    node.asked.clear()
    account.status(signed.txid)
    assert len([e for e in node.asked if getattr(e, "method", "") == "chain_getBlock"]) == 256
    assert max(map(len, node.batches)) <= 32


def test_ids_that_are_none(sent):
    _, account, _ = sent
    for text in ("", "0x12", "zz" * 32, "0x" + "g" * 64):
        refusal(InputError, account.status, text)


def test_broadcast(sent):
    node, account, signed = sent
    assert account.broadcast(signed).txid == signed.txid
    node.answers["author_submitExtrinsic"] = "0x" + "11" * 32
    refusal(BadResponse, account.broadcast, signed)
    for error in (Timeout("x"), Unreachable("x"), BadResponse("x")):
        node.answers["author_submitExtrinsic"] = error
        assert refusal(BroadcastUncertain, account.broadcast, signed).txid == signed.txid
    node.answers["author_submitExtrinsic"] = RateLimited("x")
    refusal(RateLimited, account.broadcast, signed)
    for answer in (None, {}, "0x", 5, "yes"):
        node.answers["author_submitExtrinsic"] = answer
        refusal(BroadcastUncertain, account.broadcast, signed)
    node.answers["author_submitExtrinsic"] = Rejected("Transaction is already imported", node_code=1013)
    assert account.broadcast(signed).status is Status.PENDING
    node.answers["author_submitExtrinsic"] = Rejected("Invalid Transaction", node_code=1010, data="bad signature")
    refusal(Rejected, account.broadcast, signed)
    ancient = Rejected("Invalid Transaction", node_code=1010, data="Transaction has an ancient birth block")
    node.answers["author_submitExtrinsic"] = ancient
    refusal(Expired, account.broadcast, signed)


def test_a_used_nonce_is_a_success_only_where_it_was_used_by_these_bytes(sent):
    node, account, signed = sent
    stale = Rejected("Invalid Transaction", node_code=1010, data="Transaction is outdated")
    node.answers["author_submitExtrinsic"] = stale
    refusal(Rejected, account.broadcast, signed)
    node.blocks[995] = ["0x" + signed.raw.hex()]
    events(node, 0)
    assert account.broadcast(signed).txid == signed.txid
    node.answers["author_submitExtrinsic"] = Rejected("Transaction is temporarily banned", node_code=1012)
    assert account.broadcast(signed).txid == signed.txid
    node.answers["chain_getFinalizedHead"] = Unreachable("gone")  # nobody can tell whether it is in a block
    refusal(BroadcastUncertain, account.broadcast, signed)


def test_what_was_included_long_ago_is_found_where_it_can_be(sent):
    """The same bytes once more, days later: the newest blocks do not hold them, and they were paid all the same."""
    node, account, signed = sent
    node.answers["author_submitExtrinsic"] = Rejected("Invalid", node_code=1010, data="Transaction is outdated")
    node.blocks[1002] = ["0x" + signed.raw.hex()]
    events(node, 0)
    node.head, node.final = 5000, 4998
    assert account.broadcast(signed).txid == signed.txid
    refusal(BroadcastUncertain, account.broadcast, signed.to_wire())  # from which nobody sees when they expire
    del node.blocks[1002]
    refusal(Expired, account.broadcast, signed)


@pytest.mark.parametrize(
    "method", ["chain_getHeader", "chain_getFinalizedHead", "chain_getBlockHash", "chain_getBlock"]
)
@pytest.mark.parametrize(
    "answer", [None, [], {}, "0x", 5, {"block": {}}, {"number": "x"}, {"block": {"extrinsics": [5]}}], ids=repr
)
def test_hostile_answers_to_status(sent, method, answer):
    node, account, signed = sent
    node.answers[method] = answer
    refusal(MultiwalletError, account.status, signed.txid)


@pytest.mark.parametrize("data", ["0x", "0x04", "0x" + "ff" * 50, None, 5, "0x00"])
def test_hostile_events(sent, data):
    node, account, signed = sent
    node.blocks[999] = ["0x" + signed.raw.hex()]
    node.store["0x" + storage.prefix("System", "Events").hex()] = data
    refusal(BadResponse, account.status, signed.txid)


def test_a_block_of_another_number(sent):
    node, account, signed = sent
    node.answers["chain_getBlock"] = {"block": {"header": {"number": "0x1"}, "extrinsics": []}}
    refusal(BadResponse, account.status, signed.txid)


def test_a_wait_reads_no_final_block_twice(sent):
    node, account, signed = sent
    node.asked.clear()
    with pytest.raises(Timeout):
        account.wait(signed.txid, timeout=20)
    read = [effect.params[0] for effect in node.asked if getattr(effect, "method", "") == "chain_getBlock"]
    final = [block for block in read if int(block[2:10], 16) <= 998]
    assert len(final) == len(set(final)) == 254
    assert len(read) > 260  # the two above are read each time: another block may take their place
