"""Broadcast and status against scripted nodes, the evasive and the hostile among them."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet.amounts import Amount
from multiwallet.chain import Status
from multiwallet.codec import abi
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    InputError,
    InvalidTransaction,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
    Unreachable,
    Unsupported,
)

TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture
def signed(keys: Any) -> Any:
    return keys.sign(keys.evm.adopt(keys.holder, {"to": TO, "gas": 21000, "nonce": 0, "gasPrice": 9, "value": 1}))


def send(keys: Any, signed: Any, node: Any) -> Any:
    return node.run(keys.evm.broadcast(keys.holder.network, signed))


def test_broadcast(keys: Any, node: Any, signed: Any) -> None:
    asked = node(eth_sendRawTransaction=signed.txid)
    receipt = send(keys, signed, asked)
    assert (receipt.txid, receipt.status) == (signed.txid, Status.PENDING)
    ((effect,),) = asked.batches
    assert effect.broadcast
    assert effect.params == ["0x" + signed.raw.hex()]


@pytest.mark.parametrize(
    "text",
    [
        "already known",
        "AlreadyKnown",
        "Known transaction",
        "known transaction: 0xabc",
        "transaction already imported",
        "Transaction with the same hash was already imported.",
        "tx already in mempool",
        "transaction already in mempool",
        "tx already exists in cache",
        "known transaction. transaction with hash 0x1 is already in the system",
    ],
)
def test_a_transaction_that_the_node_has_is_success(keys: Any, node: Any, signed: Any, text: str) -> None:
    receipt = send(keys, signed, node(eth_sendRawTransaction=Rejected(text, node_code=-32000)))
    assert (receipt.txid, receipt.status) == (signed.txid, Status.PENDING)


@pytest.mark.parametrize(
    "text", ["unknown transaction type", "transaction underpriced", "insufficient funds", "intrinsic gas too low"]
)
def test_a_refusal_is_a_refusal(keys: Any, node: Any, signed: Any, text: str) -> None:
    with pytest.raises(Rejected, match=text):
        send(keys, signed, node(eth_sendRawTransaction=Rejected(text, node_code=-32000)))


def test_a_used_nonce(keys: Any, node: Any, signed: Any) -> None:
    refusal = Rejected("nonce too low: next nonce 5, tx nonce 0", node_code=-32000)
    ours = node(eth_sendRawTransaction=refusal, eth_getTransactionByHash={"hash": signed.txid})
    assert send(keys, signed, ours).txid == signed.txid
    with pytest.raises(Rejected, match="nonce too low"):
        send(keys, signed, node(eth_sendRawTransaction=refusal, eth_getTransactionByHash=None))
    with pytest.raises(BroadcastUncertain):
        send(keys, signed, node(eth_sendRawTransaction=refusal, eth_getTransactionByHash=Timeout("slow")))


@pytest.mark.parametrize("text", ["insufficient funds", "replacement transaction underpriced", "nonce too low"])
def test_a_refusal_after_a_lost_answer_proves_nothing(keys: Any, node: Any, signed: Any, text: str) -> None:
    """The first endpoint may have the transaction: what a second one refuses must not be read as "not sent"."""
    refusal = Rejected(text, node_code=-32000)
    refusal.__cause__ = Timeout("the first endpoint was silent")  # as the transport tells it
    for known in (None, {"hash": "0x" + "00" * 32}, {}, 5):
        with pytest.raises(BroadcastUncertain) as caught:
            send(keys, signed, node(eth_sendRawTransaction=refusal, eth_getTransactionByHash=known))
        assert caught.value.txid == signed.txid
    if "nonce" in text:
        ours = node(eth_sendRawTransaction=refusal, eth_getTransactionByHash={"hash": signed.txid.upper()})
        assert send(keys, signed, ours).txid == signed.txid


def test_uncertain_broadcasts(keys: Any, node: Any, signed: Any) -> None:
    for outcome in (
        Timeout("slow"),
        Unreachable("gone"),
        BadResponse("html"),
        Rejected("request timed out", node_code=-32002),
        None,
        5,
        "0x",
        {},
    ):
        asked = node(eth_sendRawTransaction=outcome)
        with pytest.raises(BroadcastUncertain) as caught:
            send(keys, signed, asked)
        assert caught.value.txid == signed.txid
        assert len(asked.batches) == 1
    with pytest.raises(Rejected, match="limits"):
        send(keys, signed, node(eth_sendRawTransaction=RateLimited("slow down")))
    with pytest.raises(BadResponse, match="these bytes"):
        send(keys, signed, node(eth_sendRawTransaction="0x" + "11" * 32))


def test_what_is_not_broadcast(keys: Any, node: Any, signed: Any) -> None:
    from dataclasses import replace

    with pytest.raises(InvalidTransaction):
        send(keys, replace(signed, complete=False), node())
    with pytest.raises(Unsupported, match="blobs"):
        send(keys, replace(signed, raw=b"\x03" + signed.raw), node())


def state(signed: Any, **change: Any) -> dict[str, Any]:
    receipt = {
        "transactionHash": signed.txid,
        "blockNumber": "0x10",
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x9",
    }
    return {
        "eth_getTransactionReceipt": {**receipt, **change},
        "eth_getTransactionByHash": {"hash": signed.txid, "to": TO, "input": "0x", "from": TO, "gas": "0x5208"},
        "eth_blockNumber": "0x12",
        "eth_getBlockByNumber": {"number": "0xf"},
    }


def ask_status(keys: Any, signed: Any, node: Any) -> Any:
    return node.run(keys.evm.status(keys.holder.network, signed.txid))


def test_status(keys: Any, node: Any, signed: Any) -> None:
    asked = node(**state(signed))
    receipt = ask_status(keys, signed, asked)
    assert (receipt.status, receipt.confirmations, receipt.block, receipt.final) == (Status.CONFIRMED, 3, 16, False)
    assert receipt.fee == Amount(189000, keys.holder.network.native)
    assert len(asked.batches) == 1
    final = {**state(signed), "eth_getBlockByNumber": {"number": "0x10"}}
    assert ask_status(keys, signed, node(**final)).final
    for unknown in (None, Rejected("finalized is not known"), 5, {}, {"number": None}):
        assert not ask_status(keys, signed, node(**{**state(signed), "eth_getBlockByNumber": unknown})).final
    assert ask_status(keys, signed, node(**state(signed, l1Fee="0x1"))).fee.units == 189001
    lagging = {**state(signed), "eth_blockNumber": "0xf"}
    assert ask_status(keys, signed, node(**lagging)).confirmations == 1
    old = state(signed)
    del old["eth_getTransactionReceipt"]["status"], old["eth_getTransactionReceipt"]["effectiveGasPrice"]
    old["eth_getTransactionByHash"]["gasPrice"] = "0x2"
    receipt = ask_status(keys, signed, node(**old))
    assert (receipt.status, receipt.fee.units) == (Status.CONFIRMED, 42000)


def test_status_of_what_is_not_included(keys: Any, node: Any, signed: Any) -> None:
    none = {**state(signed), "eth_getTransactionReceipt": None}
    assert ask_status(keys, signed, node(**none)).status is Status.PENDING
    assert ask_status(keys, signed, node(**{**none, "eth_getTransactionByHash": None})).status is Status.UNKNOWN
    assert ask_status(keys, signed, node(**state(signed, blockNumber=None))).status is Status.PENDING


def test_status_of_a_failure(keys: Any, node: Any, signed: Any) -> None:
    data = "0x08c379a0" + abi.encode(["string"], ["too late"]).hex()
    failed = state(signed, status="0x0")
    asked = node(**failed, eth_call=Rejected("execution reverted", node_code=3, data=data))
    receipt = ask_status(keys, signed, asked)
    assert (receipt.status, receipt.reason, receipt.fee.units) == (Status.FAILED, "too late", 189000)
    assert asked.batches[1][0].params[1] == "0xf"
    for outcome in ("0x", Timeout("slow"), BadResponse("html")):
        assert ask_status(keys, signed, node(**failed, eth_call=outcome)).reason is None
    refusal = Rejected("execution reverted", node_code=3, data=data)
    with pytest.raises(Reverted, match="too late") as caught:
        node(**failed, eth_call=refusal).run(keys.evm.wait(keys.holder.network, signed.txid))
    assert caught.value.txid == signed.txid


@pytest.mark.parametrize(
    "change",
    [
        {"transactionHash": "0x" + "11" * 32},
        {"transactionHash": None},
        {"blockNumber": "latest"},
        {"status": None},
        {"gasUsed": None},
        {"effectiveGasPrice": "many"},
        {"l1Fee": 5},
    ],
    ids=range(7),
)
def test_hostile_receipts(keys: Any, node: Any, signed: Any, change: dict[str, Any]) -> None:
    with pytest.raises(BadResponse, match="eth_getTransactionReceipt"):
        ask_status(keys, signed, node(**state(signed, **change)))


def test_hostile_status_answers(keys: Any, node: Any, signed: Any) -> None:
    for method in ("eth_getTransactionReceipt", "eth_blockNumber"):
        for answer in ("<html>", 5, [], True):
            with pytest.raises(BadResponse, match=method):
                ask_status(keys, signed, node(**{**state(signed), method: answer}))
    with pytest.raises(Timeout):
        ask_status(keys, signed, node(**{**state(signed), "eth_getTransactionReceipt": Timeout("slow")}))
    for txid in ("", "0x12", signed.txid[2:], 5, None):
        with pytest.raises(InputError):
            node().run(keys.evm.status(keys.holder.network, txid))
