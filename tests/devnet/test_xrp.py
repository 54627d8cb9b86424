"""The devnet's XRP Ledger by itself: what it refuses, what it claims fees for, and how time passes."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.devnet.xrp import XrpEngine
from multiwallet.errors import Expired, InputError, Rejected, Reverted, Unsupported
from multiwallet.transactions import Status

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture
def devnet() -> Any:
    with Devnet(automine=False) as opened:
        yield opened


def accounts(devnet: Devnet, count: int = 2) -> list[Any]:
    wallet = Wallet.from_mnemonic(WORDS, transport=devnet)
    found = wallet.accounts("xrp", start=0, count=count)
    for account in found:
        devnet.fund(account, "100")
    return found


def submit(devnet: Devnet, account: Any, **fields: Any) -> str:
    tx = {"Account": account.address, "Fee": "10", "Sequence": 1000, "TransactionType": "Payment", **fields}
    answer = devnet.engine("xrp").rpc("submit", [{"tx_blob": account.sign(tx).to_wire()}])
    return str(answer.get("engine_result", answer.get("error")))


def test_codes_of_refusals(devnet: Devnet) -> None:
    account, friend = accounts(devnet)
    pay = {"Destination": friend.address, "Amount": "1000000"}
    new = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
    token = {"currency": "USD", "issuer": friend.address, "value": "1"}
    assert submit(devnet, account, **pay, Sequence=999) == "tefPAST_SEQ"
    assert submit(devnet, account, **pay, LastLedgerSequence=1000) == "tefMAX_LEDGER"
    assert submit(devnet, account, **pay, Fee="9") == "telINSUF_FEE_P"
    assert submit(devnet, account, **pay, Fee="200000000") == "terINSUF_FEE_B"
    assert submit(devnet, account, **pay, Sequence=0, TicketSequence=3) == "tefNO_TICKET"
    assert submit(devnet, account, **pay | {"Destination": account.address}) == "temREDUNDANT"
    assert submit(devnet, account, **pay, Flags=0x20000) == "temBAD_SEND_XRP_PARTIAL"
    assert submit(devnet, account, TransactionType="OfferCancel", OfferSequence=1) == "invalidTransaction"
    assert submit(devnet, account, **pay | {"Amount": "99999999"}) == "tecUNFUNDED_PAYMENT"
    assert (
        submit(devnet, account, **pay | {"Destination": new, "Amount": "999999"}, Sequence=1001)
        == "tecNO_DST_INSUF_XRP"
    )
    assert submit(devnet, account, **pay | {"Amount": token, "Destination": new}, Sequence=1002) == "tecNO_DST"
    assert submit(devnet, account, **pay | {"Amount": token}, Sequence=1003) == "tecPATH_DRY"
    assert submit(devnet, account, **pay, Sequence=1004) == "tesSUCCESS"
    assert devnet.engine("xrp").open.accounts[devnet.engine("xrp")._id(account.address)].balance == 99_000_000 - 50  # type: ignore[attr-defined]  # of this engine


def test_a_forged_signature_is_refused(devnet: Devnet) -> None:
    account, friend = accounts(devnet)
    signed = account.sign(account.build(to=friend.address, amount="1"))
    engine = devnet.engine("xrp")
    for position in range(0, len(signed.raw), 7):
        raw = bytearray(signed.raw)
        raw[position] ^= 1
        answer = engine.rpc("submit", [{"tx_blob": bytes(raw).hex()}])
        assert answer.get("engine_result", "error") != "tesSUCCESS"
    for broken in ({}, {"tx_blob": "zz"}, {"tx_blob": ""}, {"tx_blob": 7}):
        assert engine.rpc("submit", [broken])["status"] == "error"


def test_a_failed_payment_costs_its_fee(devnet: Devnet) -> None:
    account, friend = accounts(devnet)
    tx = {"TransactionType": "Payment", "Account": account.address, "Destination": friend.address, "Amount": "99999999"}
    receipt = account.broadcast(account.sign({**tx, "Fee": "12", "Sequence": 1000, "LastLedgerSequence": 1010}))
    assert receipt.reason.startswith("tecUNFUNDED_PAYMENT")
    devnet.mine("xrp")
    found = account.status(receipt.txid)
    assert (found.status, found.reason, found.fee.units, found.final) == (
        Status.FAILED,
        "tecUNFUNDED_PAYMENT",
        12,
        True,
    )
    with pytest.raises(Reverted):
        account.wait(receipt.txid)
    assert account.balance().total.units == 100_000_000 - 12


def test_what_comes_too_early_waits_for_the_one_before(devnet: Devnet) -> None:
    account, friend = accounts(devnet)
    later = account.sign(account.build(to=friend.address, amount="1", nonce=1001))
    sooner = account.sign(account.build(to=friend.address, amount="2", nonce=1000))
    assert account.broadcast(later).status is Status.PENDING
    assert account.broadcast(sooner).status is Status.PENDING
    devnet.mine("xrp")
    assert account.status(later.txid).status is Status.CONFIRMED
    assert account.status(sooner.txid).status is Status.CONFIRMED


def test_time_reorganisation_and_forgetting(devnet: Devnet) -> None:
    account, friend = accounts(devnet)
    receipt = account.send(to=friend.address, amount="1")
    assert account.status(receipt.txid).status is Status.PENDING
    devnet.mine("xrp", 3)
    assert account.status(receipt.txid).confirmations == 3
    devnet.reorg("xrp")
    assert account.status(receipt.txid).status is Status.UNKNOWN
    second = account.send(to=friend.address, amount="1")
    assert devnet.drop("xrp", second.txid)
    assert not devnet.drop("xrp", second.txid)
    devnet.mine("xrp", 25)
    with pytest.raises(Expired):
        account.status(second.txid, expiry=second.expiry)
    for wrong in (-1, True, 10**9):
        with pytest.raises(InputError):
            devnet.mine("xrp", wrong)
    with pytest.raises(InputError):
        devnet.reorg("xrp", 999)


def test_ledgers_close_with_time() -> None:
    with Devnet() as devnet:
        engine: Any = devnet.engine("xrp")
        before = engine.ledger
        engine.advance(41)
        assert engine.ledger == before + 10
        engine.advance(-5)
        engine.advance(3)
        assert engine.ledger == before + 11


def test_tokens_and_faucet() -> None:
    with Devnet() as devnet:
        account = Wallet.from_mnemonic(WORDS, transport=devnet).account("xrp")
        with pytest.raises(InputError, match="1 XRP"):
            devnet.fund(account, "0.5")
        with pytest.raises(InputError, match="15 decimals"):
            devnet.deploy_token("xrp", symbol="USD", decimals=6)
        with pytest.raises(InputError, match="no account yet"):
            devnet.deploy_token("xrp", symbol="USD", decimals=15, holder=account)
        with pytest.raises(InputError):
            devnet.deploy_token("xrp", symbol="x", decimals=15)


def test_the_face_of_a_server() -> None:
    with Devnet() as devnet:
        engine = devnet.engine("xrp-testnet")
        assert isinstance(engine, XrpEngine)
        assert engine.rpc("server_state", [])["state"]["network_id"] == 1
        assert engine.rpc("nonsense", [])["error"] == "unknownCmd"
        assert engine.rpc("__init__", [])["error"] == "unknownCmd"
        assert engine.rpc("account_info", [{"account": 7}])["error"] == "actMalformed"
        assert engine.rpc("account_info", ["x"])["error"] == "invalidParams"
        unknown = {"account": "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"}
        assert engine.rpc("account_info", [unknown])["error"] == "actNotFound"
        assert engine.rpc("account_lines", [{**unknown, "ledger_index": 3}])["error"] == "lgrNotFound"
        assert engine.rpc("tx", [{"transaction": "AB"}])["error"] == "notImpl"
        wide = {"transaction": "AB" * 32, "min_ledger": 1, "max_ledger": 5000}
        assert engine.rpc("tx", [wide])["error"] == "excessiveLgrRange"
        with pytest.raises(Rejected):
            engine.rest("GET", "/")
        devnet.close()
        with pytest.raises(Unsupported):
            devnet.engine("xrp")
