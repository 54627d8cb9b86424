"""Broadcast and status against a scripted node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from multiwallet.chain import Holder
from multiwallet.chains.tron import Tron
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InvalidTransaction,
    MultiwalletError,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
    Unreachable,
)
from multiwallet.ops import Rest, Sleep, run
from multiwallet.transactions import SignedTransaction, Status

HEX = "wallet/broadcasthex"
JSON = "wallet/broadcasttransaction"
TIP = 56789012


@pytest.fixture
def signed(
    chain: Tron,
    holder: Holder,
    key: SecpKey,
    sign: Callable[..., SignedTransaction],
    transactions: list[dict[str, Any]],
) -> SignedTransaction:
    return sign(holder, chain.adopt(holder, transactions[0]["output"]["raw_data_hex"]), key)


@pytest.fixture
def send(chain: Tron, holder: Holder, node: Any, signed: SignedTransaction) -> Any:
    node.answers.setdefault("wallet/gettransactionbyid", {})

    def broadcast(answer: Any, path: str = HEX) -> Any:
        node.answers[path] = answer
        return node.run(chain.broadcast(holder.network, signed))

    return broadcast


def test_success_and_what_was_sent(send: Any, node: Any, signed: SignedTransaction) -> None:
    receipt = send({"result": True, "code": "SUCCESS", "txid": signed.txid, "message": "", "transaction": "..."})
    assert (receipt.txid, receipt.status, receipt.expiry) == (signed.txid, Status.PENDING, signed.expiry)
    (effect,) = node.asked
    assert effect == Rest("tron:0x2b6653dc", "POST", HEX, json={"transaction": signed.hex()}, broadcast=True)
    assert send({"result": True}).txid == signed.txid
    assert send({"result": True, "txid": signed.txid.upper()}).txid == signed.txid
    assert send({"code": "DUP_TRANSACTION_ERROR", "message": "64757020"}).status is Status.PENDING


def test_a_node_without_the_hex_call_gets_the_json(send: Any, node: Any, signed: SignedTransaction) -> None:
    node.answers[JSON] = {"result": True, "txid": signed.txid}
    for code in (404, 405):
        assert send(Rejected("not found", node_code=code)).txid == signed.txid
        assert node.asked[-1].path == JSON
        assert node.asked[-1].json == signed.to_wire()
        assert node.asked[-1].broadcast
    with pytest.raises(Rejected):
        send(Rejected("forbidden", node_code=403))
    assert node.asked[-1].path == HEX


@pytest.mark.parametrize("lost", [Timeout("t"), Unreachable("u"), BadResponse("html")])
def test_a_lost_answer_is_uncertain(send: Any, signed: SignedTransaction, lost: MultiwalletError) -> None:
    with pytest.raises(BroadcastUncertain) as caught:
        send(lost)
    assert caught.value.txid == signed.txid


def test_a_refusal_after_a_lost_answer_proves_nothing(send: Any, signed: SignedTransaction) -> None:
    refusal = Rejected("bad request", node_code=400)
    with pytest.raises(Rejected):
        send(lambda effect: refusal)
    refusal.__cause__ = Timeout("the first endpoint was silent")  # as the transport tells it
    with pytest.raises(BroadcastUncertain, match=signed.txid):
        send(lambda effect: refusal)


@pytest.mark.parametrize("answer", [None, "<html>", [], 5, {}, {"result": False}, {"result": False, "code": "SUCCESS"}])
def test_an_answer_that_says_nothing_is_uncertain(send: Any, signed: SignedTransaction, answer: Any) -> None:
    with pytest.raises(BroadcastUncertain, match=signed.txid):
        send(answer)


@pytest.mark.parametrize(
    "code",
    [
        "SIGERROR",
        "CONTRACT_VALIDATE_ERROR",
        "CONTRACT_EXE_ERROR",
        "BANDWITH_ERROR",
        "TAPOS_ERROR",
        "TOO_BIG_TRANSACTION_ERROR",
        "SERVER_BUSY",
        "NO_CONNECTION",
        "NOT_ENOUGH_EFFECTIVE_CONNECTION",
        "BLOCK_UNSOLIDIFIED",
        "OTHER_ERROR",
    ],
)
def test_refusals_keep_the_nodes_code_and_words(send: Any, code: str) -> None:
    for message in (b"balance is not sufficient \x1b[31m".hex(), "balance is not sufficient"):
        with pytest.raises(Rejected, match="balance is not sufficient") as caught:
            send({"result": False, "code": code, "message": message})
        assert caught.value.node_code == code
        assert "\x1b" not in caught.value.message


def test_other_refusals(send: Any, signed: SignedTransaction) -> None:
    with pytest.raises(Expired) as caught:
        send({"code": "TRANSACTION_EXPIRATION_ERROR", "message": "00"})
    assert caught.value.txid == signed.txid
    with pytest.raises(Rejected, match="Exception"):
        send({"Error": "class java.lang.Exception : no"})
    with pytest.raises(Rejected) as limited:
        send(RateLimited("slow down"))
    assert limited.value.node_code == 429
    with pytest.raises(BadResponse, match="answered the id"):
        send({"result": True, "txid": "00" * 32})


@pytest.mark.parametrize("code", ["TRANSACTION_EXPIRATION_ERROR", "TAPOS_ERROR"])
def test_too_late_may_mean_long_since_included(send: Any, node: Any, signed: SignedTransaction, code: str) -> None:
    """java-tron looks at the time before it looks for a duplicate; "build it anew" would then pay twice."""
    refusal = {"code": code, "message": b"too late".hex()}
    node.answers["wallet/gettransactionbyid"] = {"txID": signed.txid, "raw_data": {}}
    assert send(refusal).status is Status.PENDING
    node.answers["wallet/gettransactionbyid"] = {}
    with pytest.raises((Expired, Rejected)):
        send(refusal)
    for unclear in (Timeout("t"), BadResponse("html"), {"txID": "00" * 32}, {"Error": "class X"}, None):
        node.answers["wallet/gettransactionbyid"] = unclear
        with pytest.raises(BroadcastUncertain) as caught:
            send(refusal)
        assert caught.value.txid == signed.txid


def test_an_incomplete_transaction_is_not_sent(
    chain: Tron, holder: Holder, node: Any, signed: SignedTransaction
) -> None:
    with pytest.raises(InvalidTransaction):
        node.run(chain.broadcast(holder.network, replace(signed, complete=False)))
    assert node.asked == []


# -- status ------------------------------------------------------------------------------------------


@pytest.fixture
def ask(chain: Tron, holder: Holder, node: Any, signed: SignedTransaction) -> Any:
    def status(known: Any = None, info: Any = None, solid: Any = None, expiry: int | None = None) -> Any:
        node.answers["wallet/gettransactionbyid"] = known if known is not None else {}
        node.answers["wallet/gettransactioninfobyid"] = info if info is not None else {}
        node.answers["walletsolidity/gettransactioninfobyid"] = solid if solid is not None else {}
        return node.run(chain.status(holder.network, signed.txid, expiry=expiry))

    return status


@pytest.fixture
def info(signed: SignedTransaction) -> dict[str, Any]:
    return {
        "id": signed.txid,
        "blockNumber": TIP - 2,
        "fee": 268_000,
        "contractResult": [""],
        "receipt": {"net_fee": 268_000, "net_usage": 0},
    }


def test_where_it_stands(ask: Any, node: Any, signed: SignedTransaction, info: dict[str, Any]) -> None:
    assert ask().status is Status.UNKNOWN
    assert node.batches == [4]
    assert ask({"txID": signed.txid}).status is Status.PENDING
    receipt = ask({"txID": signed.txid}, info)
    assert (receipt.status, receipt.confirmations, receipt.block, receipt.final) == (
        Status.CONFIRMED,
        3,
        TIP - 2,
        False,
    )
    assert receipt.fee.units == 268_000
    final = ask({"txID": signed.txid}, info, info)
    assert final.final
    assert ask({"txID": signed.txid}, {}, info).final
    assert not ask({"txID": signed.txid}, info, Rejected("not found", node_code=404)).final
    del info["fee"]
    assert ask({"txID": signed.txid}, info).fee.units == 0
    info["blockNumber"] = TIP + 1
    assert ask({}, info).confirmations == 1


def test_failures_have_their_reason(ask: Any, info: dict[str, Any], chain: Tron, holder: Holder, node: Any) -> None:
    info["receipt"] = {"result": "REVERT", "energy_usage_total": 500}
    info["result"] = "FAILED"
    info["resMessage"] = b"REVERT opcode executed".hex()
    info["contractResult"] = ["08c379a0" + f"{32:064x}" + f"{6:064x}" + b"frozen".hex().ljust(64, "0")]
    receipt = ask({}, info)
    assert (receipt.status, receipt.reason) == (Status.FAILED, "REVERT: frozen")
    assert receipt.details["energy"] == 500
    info["receipt"] = {"result": "OUT_OF_ENERGY"}
    info["contractResult"] = [""]
    info["resMessage"] = b"Not enough energy".hex()
    assert ask({}, info).reason == "OUT_OF_ENERGY: Not enough energy"
    del info["receipt"]
    info["contractResult"] = ["zz"]
    assert ask({}, info).reason == "FAILED: Not enough energy"

    def perform(effects: Any) -> Any:
        return [None if isinstance(effect, Sleep) else node.answer(effect) for effect in effects]

    with pytest.raises(Reverted, match="Not enough energy"):
        run(chain.wait(holder.network, receipt.txid), perform)
    alone = {name: item for name, item in info.items() if name != "result"}
    assert ask({}, {**alone, "receipt": {"result": "OUT_OF_ENERGY"}}).status is Status.FAILED


def test_expiry(ask: Any, signed: SignedTransaction, info: dict[str, Any]) -> None:
    head_time = 1_700_000_000_000
    assert ask(expiry=head_time).status is Status.UNKNOWN
    with pytest.raises(Expired) as caught:
        ask(expiry=head_time - 1)
    assert caught.value.txid == signed.txid
    assert ask({"txID": signed.txid}, expiry=head_time - 1).status is Status.PENDING
    assert ask({}, info, expiry=head_time - 1).status is Status.CONFIRMED


def test_a_malformed_id_is_refused_before_anything_is_asked(chain: Tron, holder: Holder, node: Any) -> None:
    for bad in ("", "zz", "00" * 31, "00" * 33, None, 5):
        with pytest.raises(InputError):
            node.run(chain.status(holder.network, bad))
    assert node.asked == []


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("number", range(8))
def test_broken_status_answers(ask: Any, node: Any, signed: SignedTransaction, position: int, number: int) -> None:
    broken = [
        "<html>", [], 5, {"id": "00" * 32, "txID": "00" * 32}, {"id": signed.txid, "txID": 7, "blockNumber": "x"},
        {"id": signed.txid, "receipt": []}, {"id": signed.txid, "blockNumber": 1, "fee": -1}, Timeout("t"),
    ][number]  # fmt: skip
    answers = [{}, {}, {}]
    if position < 3:
        answers[position] = broken
    else:
        node.answers["wallet/getnowblock"] = broken
    with pytest.raises(MultiwalletError) as caught:
        ask(*answers)
    assert isinstance(caught.value, BadResponse | Timeout)
