"""After signing: what nodes answer to a submission and to questions."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet.chains.aptos import Aptos
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    Unreachable,
)
from multiwallet.ops import run
from multiwallet.testing import FakeTransport
from multiwallet.transactions import Status

MISSING = Rejected("not found", node_code=404, data={"error_code": "transaction_not_found", "message": "no"})
HEAD = {"chain_id": 1, "ledger_timestamp": "1700000000000000", "ledger_version": "9", "block_height": "5"}


def vm_error(status: str) -> Rejected:
    text = f"Invalid transaction: Type: Validation Code: {status}"
    return Rejected(text, node_code=400, data={"message": text, "error_code": "vm_error", "vm_error_code": 3})


@pytest.fixture
def signed(world: Any) -> Any:
    return world.account.sign(world.account.build(to=world.friend.address, amount="1"))


@pytest.fixture
def send(chain: Aptos, world: Any, signed: Any) -> Any:
    def submit(answer: Any, known: Any = MISSING) -> Any:
        fake = FakeTransport({"transactions": answer, f"transactions/by_hash/{signed.txid}": known})
        submit.asked = fake  # type: ignore[attr-defined]  # for a look at what was sent
        return run(chain.broadcast(world.account.network, signed), fake.perform)

    return submit


def test_a_submission(send: Any, signed: Any) -> None:
    receipt = send({"hash": signed.txid})
    assert (receipt.txid, receipt.status, receipt.expiry) == (signed.txid, Status.PENDING, signed.expiry)
    (effect,) = send.asked.asked
    assert effect.broadcast
    assert effect.json["signature"]["type"] == "ed25519_signature"
    assert effect.json["payload"]["function"] == "0x1::aptos_account::transfer"
    with pytest.raises(BadResponse, match="answered the id"):
        send({"hash": "0x" + "00" * 32})


@pytest.mark.parametrize("lost", [Timeout("t"), Unreachable("u"), BadResponse("html")], ids=lambda error: error.code)
def test_a_lost_answer_is_uncertain(send: Any, signed: Any, lost: MultiwalletError) -> None:
    with pytest.raises(BroadcastUncertain) as caught:
        send(lost)
    assert caught.value.txid == signed.txid


@pytest.mark.parametrize("answer", [None, "<html>", [], 5, {}, {"hash": 5}], ids=str)
def test_an_answer_that_says_nothing_is_uncertain(send: Any, answer: Any) -> None:
    with pytest.raises(BroadcastUncertain):
        send(answer)


@pytest.mark.parametrize("status", ["SEQUENCE_NUMBER_TOO_OLD", "NONCE_ALREADY_USED", "TRANSACTION_EXPIRED"])
def test_a_number_that_is_used_may_be_used_by_itself(send: Any, signed: Any, status: str) -> None:
    refusal = vm_error(status)
    assert send(refusal, {"hash": signed.txid, "type": "user_transaction"}).status is Status.PENDING
    with pytest.raises(Expired if status == "TRANSACTION_EXPIRED" else Rejected):
        send(refusal)
    for unclear in (Timeout("t"), {"hash": "0x" + "00" * 32}, None, Rejected("no", node_code=404)):
        with pytest.raises(BroadcastUncertain):
            send(refusal, unclear)


def test_other_refusals(send: Any) -> None:
    with pytest.raises(Rejected, match="INSUFFICIENT_BALANCE") as caught:
        send(vm_error("INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE"))
    assert caught.value.node_code == "vm_error"
    used = {"message": "other \x1b payload", "error_code": "invalid_transaction_update"}
    with pytest.raises(Rejected) as caught:
        send(Rejected("x", node_code=400, data=used))
    assert "\x1b" not in caught.value.message
    with pytest.raises(Rejected) as caught:
        send(RateLimited("slow"))
    assert caught.value.node_code == 429
    after = vm_error("INVALID_SIGNATURE")
    after.__cause__ = Timeout("the first endpoint was silent")
    with pytest.raises(BroadcastUncertain):
        send(lambda effect: after)


TXID = "0x" + "ab" * 32
DONE = {
    "type": "user_transaction",
    "hash": TXID,
    "success": True,
    "vm_status": "Executed successfully",
    "gas_used": "10",
    "gas_unit_price": "100",
    "version": "77",
    "events": [
        {"type": "0x1::other::Event", "data": {}},
        {"type": "0x1::transaction_fee::FeeStatement", "data": {"storage_fee_refund_octas": "300"}},
    ],
}


def ask(chain: Aptos, world: Any, answer: Any, expiry: int | None = None) -> Any:
    fake = FakeTransport({"": HEAD, f"transactions/by_hash/{TXID}": answer})
    return run(chain.status(world.account.network, TXID.upper().replace("0X", ""), expiry=expiry), fake.perform)


def test_status(chain: Aptos, world: Any) -> None:
    receipt = ask(chain, world, DONE)
    assert (receipt.status, receipt.final, receipt.confirmations) == (Status.CONFIRMED, True, 1)
    assert receipt.fee.units == 700
    assert receipt.details["version"] == 77
    failed = ask(chain, world, {**DONE, "success": False, "vm_status": "Move abort\nin 0x1::coin"})
    assert (failed.status, failed.reason) == (Status.FAILED, "Move abort in 0x1::coin")
    assert ask(chain, world, {"type": "pending_transaction", "hash": TXID}).status is Status.PENDING
    assert ask(chain, world, MISSING).status is Status.UNKNOWN
    assert ask(chain, world, MISSING, 1_700_000_000).status is Status.UNKNOWN
    with pytest.raises(Expired):
        ask(chain, world, MISSING, 1_699_999_999)


HOSTILE: list[Any] = [
    None,
    [],
    "text",
    {},
    {**DONE, "hash": "0x" + "00" * 32},
    {**DONE, "success": "true"},
    {**DONE, "gas_used": "x"},
    {**DONE, "gas_used": None},
    {**DONE, "version": -1},
    {**DONE, "events": [{"type": "0x1::transaction_fee::FeeStatement", "data": []}]},
    {**DONE, "events": [{"type": "0x1::transaction_fee::FeeStatement", "data": {}}]},
    Rejected("no", node_code=500),
]


@pytest.mark.parametrize("case", range(len(HOSTILE)))
def test_a_hostile_status(chain: Aptos, world: Any, case: int) -> None:
    with pytest.raises((BadResponse, Rejected)):
        ask(chain, world, HOSTILE[case])


def test_ids_that_are_none(chain: Aptos, world: Any) -> None:
    for text in ("", "0x12", 5, "zz" * 32):
        with pytest.raises(InputError):
            run(chain.status(world.account.network, text), FakeTransport().perform)  # type: ignore[arg-type]  # hostile
