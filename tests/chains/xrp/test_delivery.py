"""After signing: what servers answer, true, false and broken; and the numbers of an outbox."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chains.xrp import replay
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InsufficientFunds,
    MultiwalletError,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
    Unreachable,
)
from multiwallet.intents import Options
from multiwallet.ops import run
from multiwallet.registry import chain
from multiwallet.testing import FakeTransport
from multiwallet.transactions import Status

WORDS = "test test test test test test test test test test test junk"
STATE = {
    "state": {
        "network_id": 0,
        "validated_ledger": {"seq": 1000, "base_fee": 10, "reserve_base": 1000000, "reserve_inc": 200000},
    },
    "status": "success",
}
NOT_FOUND = {"status": "error", "error": "txnNotFound", "error_code": 29, "error_message": "Transaction not found."}


def signed_by(account: Any, **fields: Any) -> Any:
    tx = {"TransactionType": "AccountSet", "Account": account.address, "Fee": "10", "Sequence": 5, **fields}
    return account.sign({"LastLedgerSequence": 1020, **tx})


def on(answers: dict[str, Any]) -> Any:
    fake = FakeTransport({"server_state": STATE, "tx": NOT_FOUND, **answers})
    return Wallet.from_mnemonic(WORDS, transport=fake).account("xrp"), fake


def submitted(code: str, **more: Any) -> dict[str, Any]:
    return {"engine_result": code, "engine_result_message": "words", "status": "success", **more}


@pytest.mark.parametrize(
    "answer",
    [
        submitted("tesSUCCESS", accepted=True),
        submitted("terQUEUED", queued=True),
        submitted("tefALREADY"),
        submitted("terPRE_SEQ", kept=True),
        submitted("tecUNFUNDED_PAYMENT", accepted=True),
    ],
)
def test_what_is_on_its_way(answer: Any) -> None:
    account, _ = on({"submit": answer})
    receipt = account.broadcast(signed_by(account))
    assert receipt.status is Status.PENDING
    assert receipt.expiry == 1020


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (submitted("temBAD_FEE"), Rejected, "temBAD_FEE"),
        (submitted("telINSUF_FEE_P"), Rejected, "telINSUF_FEE_P"),
        (submitted("tefPAST_SEQ"), Rejected, "tefPAST_SEQ"),
        (submitted("terNO_ACCOUNT"), Rejected, "terNO_ACCOUNT"),
        (submitted("tefMAX_LEDGER"), Expired, None),
        ({"status": "error", "error": "invalidTransaction", "error_exception": "bad"}, Rejected, "invalidTransaction"),
        ({"status": "error", "error": "slowDown"}, Rejected, 429),
        (RateLimited("slow"), Rejected, 429),
        (Rejected("no", node_code=-1), Rejected, -1),
        (Timeout("late"), BroadcastUncertain, None),
        (Unreachable("gone"), BroadcastUncertain, None),
        ("<html>", BroadcastUncertain, None),
        ({}, BroadcastUncertain, None),
        (submitted("success"), BroadcastUncertain, None),
        (submitted("tesSUCCESS", tx_json={"hash": "00" * 32}), BadResponse, None),
    ],
)
def test_refusals(answer: Any, error: type[MultiwalletError], code: Any) -> None:
    account, _ = on({"submit": answer})
    signed = signed_by(account)
    with pytest.raises(error) as caught:
        account.broadcast(signed)
    if code is not None:
        assert caught.value.node_code == code  # type: ignore[attr-defined]  # of a Rejected
    if isinstance(caught.value, BroadcastUncertain):
        assert caught.value.txid == signed.txid


def test_a_used_sequence_may_be_its_own(scene: Any) -> None:
    signed = scene.payer.sign(scene.payer.build(to=scene.payee.address, amount="1"))
    scene.payer.broadcast(signed)
    assert scene.payer.broadcast(signed).txid == signed.txid  # the ledger says tefPAST_SEQ, and has it
    other = scene.payer.sign({
        "TransactionType": "AccountSet", "Account": scene.payer.address, "Fee": "10", "Sequence": 1000,
    })  # fmt: skip
    with pytest.raises(Rejected, match="tefPAST_SEQ"):
        scene.payer.broadcast(other)


def test_an_answer_about_the_past_that_does_not_come_is_uncertain() -> None:
    account, _ = on({"submit": submitted("tefPAST_SEQ"), "tx": Timeout("late")})
    with pytest.raises(BroadcastUncertain):
        account.broadcast(signed_by(account))


# -- status ----------------------------------------------------------------------------------------


def included(txid: str, code: str, **more: Any) -> dict[str, Any]:
    tx = {"hash": txid, "Fee": "10", "ledger_index": 990, "validated": True, "TransactionType": "Payment"}
    return {**tx, "meta": {"TransactionResult": code}, "status": "success", **more}


def test_included_and_failed() -> None:
    txid = "AB" * 32
    account, fake = on({"tx": included(txid, "tesSUCCESS")})
    receipt = account.status(txid.lower())
    assert (receipt.status, receipt.confirmations, receipt.block, receipt.final) == (Status.CONFIRMED, 11, 990, True)
    assert receipt.fee.units == 10
    fake.answers["tx"] = included(txid, "tecNO_DST")
    receipt = account.status(txid)
    assert (receipt.status, receipt.reason, receipt.fee.units) == (Status.FAILED, "tecNO_DST", 10)
    with pytest.raises(Reverted):
        account.wait(txid)
    fake.answers["tx"] = included(txid, "tesSUCCESS", validated=False)
    assert account.status(txid).status is Status.PENDING


def test_a_partial_payment_says_what_arrived() -> None:
    txid = "AB" * 32
    meta = {
        "TransactionResult": "tesSUCCESS",
        "delivered_amount": {"currency": "USD", "issuer": ISSUER, "value": "0.01"},
    }
    account, _ = on({"tx": included(txid, "tesSUCCESS", Flags=0x00020000, meta=meta)})
    details = account.status(txid).details
    assert details["delivered_amount"] == f"0.01 USD.{ISSUER}"
    assert "partial payment" in details["warning"]


ISSUER = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"


def test_expired_only_when_every_ledger_was_searched() -> None:
    txid = "AB" * 32
    account, fake = on({"tx": {**NOT_FOUND, "searched_all": True}})
    assert account.status(txid, expiry=1000).status is Status.UNKNOWN
    with pytest.raises(Expired):
        account.status(txid, expiry=999)
    asked = fake.asked[-1].params[0]
    assert (asked["min_ledger"], asked["max_ledger"]) == (99, 999)
    for answer in (NOT_FOUND, {**NOT_FOUND, "searched_all": False}, {**NOT_FOUND, "searched_all": "yes"}):
        fake.answers["tx"] = answer
        assert account.status(txid, expiry=999).status is Status.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        None, [], "x", 7, {"status": "success"}, included("00" * 32, "tesSUCCESS"), included("AB" * 32, "tefPAST_SEQ"),
        included("AB" * 32, "x"), included("AB" * 32, "tesSUCCESS", Fee=10), included("AB" * 32, "tesSUCCESS", meta=[]),
        included("AB" * 32, "tesSUCCESS", ledger_index="990"), included("AB" * 32, "tesSUCCESS", tx_json=3),
    ],
)  # fmt: skip
def test_broken_answers_about_a_transaction(answer: Any) -> None:
    account, _ = on({"tx": answer})
    with pytest.raises(BadResponse, match="tx"):
        account.status("AB" * 32)


def test_ids_are_checked() -> None:
    account, _ = on({})
    for txid in ("", "xyz", "AB" * 31, "0x" + "AB" * 32, 7):
        with pytest.raises(InputError):
            account.status(txid)


# -- broken answers while building -----------------------------------------------------------------

FEE = {
    "drops": {"base_fee": "10", "median_fee": "5000", "minimum_fee": "10", "open_ledger_fee": "12"},
    "status": "success",
}
INFO = {"Balance": "50000000", "Flags": 0, "OwnerCount": 0, "Sequence": 5}
GOOD: dict[str, Any] = {
    "fee": FEE,
    "account_info": lambda effect: {
        "account_data": {**INFO, "Account": effect.params[0]["account"]},
        "status": "success",
    },
}


@pytest.mark.parametrize(("speed", "drops"), [("slow", 10), ("normal", 12), ("fast", 18)])
def test_speeds(speed: str, drops: int) -> None:
    account, _ = on(GOOD)
    assert account.quote(to=ISSUER, amount="1", speed=speed).maximum.units == drops


def test_a_runaway_fee_is_refused() -> None:
    account, _ = on({**GOOD, "fee": {**FEE, "drops": {**FEE["drops"], "open_ledger_fee": "2000001"}}})  # type: ignore[dict-item]  # a dict of text
    with pytest.raises(InputError, match="max_fee"):
        account.build(to=ISSUER, amount="1")
    assert account.quote(to=ISSUER, amount="1", max_fee="3").maximum.units == 2000001


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("fee", {"drops": {"minimum_fee": 10, "open_ledger_fee": 10}}),
        ("fee", {"drops": None}),
        ("fee", {"drops": {"minimum_fee": "-1", "open_ledger_fee": "1"}}),
        ("account_info", {"account_data": {**INFO, "Account": "rrrrrrrrrrrrrrrrrrrrrhoLvTp"}}),
        ("account_info", {"account_data": {**INFO, "Balance": 5}}),
        ("account_info", {"account_data": None}),
        ("server_state", {"state": {"network_id": 0}}),
        ("server_state", {"state": {**STATE["state"], "network_id": 1}}),  # type: ignore[dict-item]  # a dict of dicts
        ("server_state", {"state": {"validated_ledger": {"seq": "x"}}}),
        ("server_state", []),
    ],
)
def test_broken_answers_while_building(method: str, answer: Any) -> None:
    account, _ = on({**GOOD, method: answer})
    with pytest.raises(BadResponse):
        account.build(to=ISSUER, amount="1")


def test_lines_in_pages() -> None:
    account, fake = on(GOOD)
    empty = {"account": account.address, "lines": [], "marker": "x", "status": "success"}
    line = {"account": ISSUER, "currency": "USD", "balance": "12.5", "limit": "100"}
    fake.script("account_lines", [empty, {**empty, "lines": [line]}])
    assert account.balance(f"USD.{ISSUER}").available.text == "12.5"
    assert fake.asked[-1].params[0]["marker"] == "x"
    fake.answers["account_lines"] = empty
    with pytest.raises(BadResponse, match="come to an end"):
        account.balance(f"USD.{ISSUER}")
    for broken in ({**line, "balance": "x"}, {**line, "balance": 1}, {**line, "limit": None}, 7):
        fake.answers["account_lines"] = {**empty, "lines": [broken], "marker": None}
        with pytest.raises(BadResponse):
            account.balance(f"USD.{ISSUER}")


# -- an outbox -------------------------------------------------------------------------------------


def test_numbers_and_death() -> None:
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account, friend = wallet.account("xrp", index=0), wallet.account("xrp", index=1)
        family, holder = chain(account.network), account._operations.holder
        with pytest.raises(InsufficientFunds):
            run(family.nonces(holder), devnet.perform)
        devnet.fund(account, "100")
        devnet.fund(friend, "100")
        assert run(family.nonces(holder), devnet.perform) == (1000, 1000)
        first = account.sign(account.build(to=friend.address, amount="1", ledgers=3))
        assert family.claims(first).nonce == 1000
        account.broadcast(first)
        assert run(family.nonces(holder), devnet.perform) == (1000, 1001)
        assert not run(family.is_dead(holder, first, depth=1), devnet.perform)
        assert devnet.drop("xrp", first.txid)
        assert not run(family.is_dead(holder, first, depth=1), devnet.perform)
        again = run(family.replace(holder, account.build(to=friend.address, amount="1"), Options()), devnet.perform)
        assert again.fee.maximum.units == 14
        nothing = run(
            family.replace(holder, account.build(to=friend.address, amount="1"), Options(), cancel=True), devnet.perform
        )
        assert nothing.summary.actions[0].kind == "account-set"
        account.broadcast(account.sign(nothing))
        devnet.mine("xrp", 3)
        assert not run(family.is_dead(holder, account.sign(nothing), depth=1), devnet.perform)
        assert run(family.is_dead(holder, first, depth=1), devnet.perform)
        devnet.mine("xrp", 5)
        with pytest.raises(Expired):
            account.wait(first.txid, expiry=first.expiry)
    assert replay.LEDGERS == 20
