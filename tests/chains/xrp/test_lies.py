"""What a server that lags, forgets or lies, and a payment of another account, must not make anybody believe."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Amount, Wallet
from multiwallet.errors import BroadcastUncertain, Expired, InputError, RateLimited, Rejected, Timeout, Unsupported
from multiwallet.intents import Options, Payment
from multiwallet.ops import run
from multiwallet.registry import chain
from multiwallet.testing import FakeTransport
from multiwallet.transactions import Status

WORDS = "test test test test test test test test test test test junk"
ISSUER = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
NOT_FOUND = {"status": "error", "error": "txnNotFound", "error_code": 29}


def server(ledger: int, sequence: int, *, history: int = 1, account_ledger: int | None = None) -> FakeTransport:
    """A server at a ledger that knows no transaction and has the ledgers from ``history`` on."""

    def info(effect: Any) -> Any:
        data = {"Balance": "50000000", "Flags": 0, "OwnerCount": 0, "Sequence": sequence}
        return {
            "account_data": {**data, "Account": effect.params[0]["account"]},
            "ledger_index": ledger if account_ledger is None else account_ledger,
            "validated": True,
        }

    def tx(effect: Any) -> Any:
        low, high = effect.params[0].get("min_ledger"), effect.params[0].get("max_ledger")
        return {**NOT_FOUND, "searched_all": low is not None and history <= low and high <= ledger}

    known = {"seq": ledger, "base_fee": 10, "reserve_base": 1000000, "reserve_inc": 200000}
    state = {"state": {"network_id": 0, "validated_ledger": known}}
    fee = {"drops": {"base_fee": "10", "minimum_fee": "10", "open_ledger_fee": "12"}}
    return FakeTransport({"server_state": state, "account_info": info, "tx": tx, "fee": fee})


def account_on(fake: FakeTransport) -> Any:
    return Wallet.from_mnemonic(WORDS, transport=fake).account("xrp")


def signed_by(account: Any, **fields: Any) -> Any:
    tx = {"TransactionType": "AccountSet", "Account": account.address, "Fee": "10", "Sequence": 5}
    return account.sign({"LastLedgerSequence": 20_000, **tx, **fields})


def is_dead(fake: FakeTransport, signed: Any, account: Any) -> bool:
    return bool(run(chain(account.network).is_dead(account._operations.holder, signed, depth=1), fake.perform))


def test_a_used_sequence_is_no_death_where_the_server_forgets_old_ledgers() -> None:
    # It may have been included by a ledger that this server no longer has: signing anew would pay twice.
    fake = server(19_990, 6, history=18_000)
    account = account_on(fake)
    signed = signed_by(account)
    assert not is_dead(fake, signed, account)
    assert is_dead(server(19_990, 6), signed, account)


def test_an_unused_sequence_after_the_last_ledger_is_death_without_any_search() -> None:
    account = account_on(server(1, 1))
    signed = signed_by(account)
    assert is_dead(server(20_001, 5, history=20_001), signed, account)
    assert not is_dead(server(20_001, 6, history=20_001), signed, account)  # who has used it is not known
    assert not is_dead(server(20_000, 5, history=20_000), signed, account)
    assert not is_dead(server(20_001, 5, history=20_001, account_ledger=20_000), signed, account)  # one that lags
    for index in (None, "20001", True):
        fake = server(20_001, 5, history=20_001)
        before = fake.answers["account_info"]
        fake.answers["account_info"] = lambda effect, before=before, index=index: {
            **before(effect),
            "ledger_index": index,
        }
        assert not is_dead(fake, signed, account)


def test_nothing_is_called_expired_that_an_older_ledger_may_have() -> None:
    txid = "AB" * 32
    short = account_on(server(20_001, 6, history=18_000))
    assert short.status(txid, expiry=20_000).status is Status.UNKNOWN
    with pytest.raises(Expired):
        account_on(server(20_001, 6, history=14_000)).status(txid, expiry=20_000)


@pytest.mark.parametrize("options", [{"ledgers": 5_001}, {"last_ledger_sequence": 6_001}])
def test_no_transaction_lives_longer_than_its_end_can_be_proved(options: dict[str, int]) -> None:
    account = account_on(server(1_000, 5))
    with pytest.raises(InputError, match="5000"):
        account.build(to=ISSUER, amount="1", **options)
    assert account.build(to=ISSUER, amount="1", **{name: n - 1 for name, n in options.items()})


def test_a_multi_signed_payment_has_no_claim_on_its_signers_numbers() -> None:
    account = account_on(server(1_000, 5))
    signed = signed_by(account, Account=ISSUER, SigningPubKey="")
    assert signed.complete
    with pytest.raises(Unsupported, match="without a key"):
        chain(account.network).claims(signed)


def test_death_is_asked_of_the_account_in_the_bytes() -> None:
    fake = server(10_000, 6)
    account = account_on(fake)
    is_dead(fake, signed_by(account, Account=ISSUER, SigningPubKey=""), account)
    assert {ask.params[0]["account"] for ask in fake.asked if ask.method == "account_info"} == {ISSUER}


def test_what_was_passed_on_is_never_a_plain_refusal() -> None:
    fake = server(1_000, 5)
    account = account_on(fake)
    signed = signed_by(account)
    for code in ("telINSUF_FEE_P", "tefPAST_SEQ", "tefMAX_LEDGER", "telCAN_NOT_QUEUE"):
        fake.answers["submit"] = {"engine_result": code, "broadcast": True}
        with pytest.raises(BroadcastUncertain):
            account.broadcast(signed)
    for word in ("internal", "internalSubmit", "internalJson", 7, "unknown"):
        fake.answers["submit"] = {"status": "error", "error": word}
        with pytest.raises(BroadcastUncertain):
            account.broadcast(signed)
    limited = RateLimited("slow down")
    limited.__cause__ = Timeout("an endpoint before it was silent")
    fake.answers["submit"] = limited
    with pytest.raises(BroadcastUncertain):
        account.broadcast(signed)
    fake.answers["submit"] = {"engine_result": "telINSUF_FEE_P"}
    with pytest.raises(Rejected):
        account.broadcast(signed)


def test_nothing_to_oneself_takes_up_a_number(scene: Any) -> None:
    # As an outbox fills a gap in an account's numbers.
    payer, holder = scene.payer, scene.payer._operations.holder

    def build(units: int, **native: Any) -> Any:
        paid = Payment(holder.address, Amount(units, payer.network.native))
        return run(chain(payer.network).build(holder, (paid,), Options(native=native)), scene.devnet.perform)

    filler = build(0, nonce=1000)
    assert filler.summary.actions[0].kind == "account-set"
    assert payer.broadcast(payer.sign(filler)).wait().status is Status.CONFIRMED
    for units, native in ((0, {}), (1, {"nonce": 1001}), (0, {"nonce": 1001, "call": "Payment"})):
        with pytest.raises(InputError, match="to itself"):
            build(units, **native)


def test_a_field_that_is_cut_says_so() -> None:
    account = account_on(server(1_000, 5))
    entries = [{"Memo": {"MemoData": "AB" * 3_000}}]
    inner = {"TransactionType": "AccountSet", "Account": account.address, "Fee": "0", "Sequence": 6, "Memos": entries}
    fields = {"RawTransactions": [{"RawTransaction": {**inner, "SigningPubKey": ""}}]}
    made = account._operations.chain.adopt(
        account._operations.holder,
        {
            "TransactionType": "Batch",
            "Account": account.address,
            "Fee": "10",
            "Sequence": 5,
            "LastLedgerSequence": 1_020,
            **fields,
        },
    )
    shown = made.summary.actions[0].details["RawTransactions"]
    assert shown.endswith("more characters, not shown)")


@pytest.mark.parametrize(
    "fields",
    [
        {"TransactionType": "PaymentChannelClaim", "Channel": "AB" * 32, "Signature": "AB" * 64},
        {"TransactionType": "AccountSet", "Memos": [{"Memo": {"MemoData": "AB", "Signature": "AB"}}]},
    ],
)
def test_what_signatures_do_not_cover_is_not_silently_lost(fields: Any) -> None:
    account = account_on(server(1_000, 5))
    whole = {"Account": account.address, "Fee": "10", "Sequence": 5, "LastLedgerSequence": 1_020, **fields}
    with pytest.raises(Unsupported, match="not carried on"):
        account.sign(whole)


@pytest.mark.parametrize("kind", ["AccountDelete", "AMMCreate"])
def test_a_server_does_not_set_the_price_of_what_costs_a_reserve(kind: str) -> None:
    fake = server(1_000, 5)
    fake.answers["server_state"]["state"]["validated_ledger"]["reserve_inc"] = 40_000_000
    account = account_on(fake)
    wish = {"to": account.address, "amount": "0", "call": kind, "fields": {"Destination": ISSUER}}
    with pytest.raises(InputError, match="max_fee"):
        account.build(**wish)
    assert account.build(**wish, max_fee="40").fee.maximum.units == 40_000_000
    fake.answers["server_state"]["state"]["validated_ledger"]["reserve_inc"] = 200_000
    assert account.build(**wish).fee.maximum.units == 200_000
