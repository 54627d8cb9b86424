"""What a transaction is made of, and every reason why one is refused before it is signed."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Asset, Transfer
from multiwallet.chains.xrp import serialization
from multiwallet.errors import (
    AmountError,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    Reverted,
    SigningRefused,
    Unsupported,
)
from multiwallet.transactions import Status

USD = bytes(12) + b"USD" + bytes(5)
HOLDER = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"


def fields(transaction: Any) -> dict[str, Any]:
    return serialization.decode(transaction.body)


def test_a_payment_holds_what_was_asked(scene: Any) -> None:
    made = scene.payer.build(
        to=scene.payee.address, amount="2.5", memo="invoice 7 ü", destination_tag=0, source_tag=9,
        invoice_id="AB" * 32, ledgers=5, fee="0.00002",
    )  # fmt: skip
    found = fields(made)
    assert found == {
        "TransactionType": "Payment", "Account": scene.payer.address, "Destination": scene.payee.address,
        "Amount": "2500000", "Fee": "20", "Sequence": 1000, "LastLedgerSequence": scene.engine.ledger + 5,
        "DestinationTag": 0, "SourceTag": 9, "InvoiceID": "AB" * 32,
        "Memos": [{"Memo": {"MemoData": "invoice 7 ü".encode().hex().upper()}}],
        "SigningPubKey": scene.payer.public_key.hex().upper(),
    }  # fmt: skip
    summary = made.summary
    assert summary.memo == "invoice 7 ü"
    assert summary.actions[0].details["destination tag"] == "0"
    assert not summary.warnings
    receipt = scene.payer.broadcast(scene.payer.sign(made)).wait()
    assert (receipt.status, receipt.final) == (Status.CONFIRMED, True)
    assert receipt.fee == made.fee.maximum
    assert receipt.details["delivered_amount"] == "2.5 XRP"


def test_tags_in_addresses(scene: Any) -> None:
    from multiwallet.chains.xrp.addresses import account_id, x_address

    tagged = x_address(scene.payer.network, account_id(scene.payee.address), 77)
    made = scene.payer.build(to=tagged, amount="1")
    assert (fields(made)["Destination"], fields(made)["DestinationTag"]) == (scene.payee.address, 77)
    assert fields(scene.payer.build(to=tagged, amount="1", destination_tag=77)) == fields(made)
    with pytest.raises(InputError, match="carries the destination tag 77"):
        scene.payer.build(to=tagged, amount="1", destination_tag=78)
    bare = x_address(scene.payer.network, account_id(scene.payee.address), None)
    assert fields(scene.payer.build(to=bare, amount="1", destination_tag=5))["DestinationTag"] == 5


def test_a_tag_that_the_recipient_requires(scene: Any) -> None:
    scene.payee.send(to=scene.payee.address, amount="0", call="AccountSet", fields={"SetFlag": 1}).wait()
    with pytest.raises(InputError, match="destination tag"):
        scene.payer.build(to=scene.payee.address, amount="1")
    assert scene.payer.send(to=scene.payee.address, amount="1", destination_tag=1).wait().status is Status.CONFIRMED


def test_who_takes_only_authorized_deposits(scene: Any) -> None:
    scene.payee.send(to=scene.payee.address, amount="0", call="AccountSet", fields={"SetFlag": 9}).wait()
    with pytest.raises(Reverted, match="authorized") as caught:
        scene.payer.build(to=scene.payee.address, amount="1")
    assert caught.value.reason == "tecNO_PERMISSION"


def test_a_new_account_needs_its_reserve(scene: Any) -> None:
    with pytest.raises(InputError, match="at least 1 XRP"):
        scene.payer.build(to=scene.new.address, amount="0.999999")
    scene.payer.send(to=scene.new.address, amount="1").wait()
    balance = scene.new.balance()
    assert (balance.available.text, balance.locked.text) == ("0", "1")
    with pytest.raises(InsufficientFunds):
        scene.new.build(to=scene.payer.address, amount="0.000001")


def test_the_reserve_grows_with_what_is_owned(scene: Any) -> None:
    scene.token()
    balance = scene.payer.balance()
    assert (balance.available.text, balance.locked.text) == ("98.8", "1.2")
    with pytest.raises(InsufficientFunds) as caught:
        scene.payer.build(to=scene.payee.address, amount="98.8")
    assert caught.value.needed.text == "98.80001"
    assert caught.value.available.text == "98.8"
    assert scene.payer.send(to=scene.payee.address, amount="98.79999").wait().status is Status.CONFIRMED


def test_an_account_that_does_not_exist_cannot_pay(scene: Any) -> None:
    assert not scene.new.balance().total
    with pytest.raises(InsufficientFunds, match="no account on the ledger yet"):
        scene.new.build(to=scene.payee.address, amount="1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"destination_tag": 2**32}, "destination_tag"),
        ({"destination_tag": -1}, "destination_tag"),
        ({"destination_tag": True}, "destination_tag"),
        ({"destination_tag": "7"}, "destination_tag"),
        ({"nonce": 1}, "used already"),
        ({"nonce": 2000, "sequence": 2000}, "two names"),
        ({"nonce": 2000, "ticket": 1}, "ticket"),
        ({"ledgers": 0}, "ledgers"),
        ({"ledgers": 5, "last_ledger_sequence": 5000}, "absolute"),
        ({"last_ledger_sequence": 10}, "closed already"),
        ({"invoice_id": "AB"}, "64 hexadecimal"),
        ({"call": "Nonsense"}, "call names"),
        ({"call": "AccountSet"}, "carries no payment"),
        ({"fields": {"Fee": "1"}}, "Fee is not given"),
        ({"fields": {"Destination": HOLDER}}, "Destination is not given"),
        ({"fields": {"Nonsense": 1}}, "no field"),
        ({"fields": {"Flags": "1"}}, "Flags"),
        ({"fields": 7}, "fields is an object"),
        ({"memo": "x" * 1000}, "memo"),
        ({"memo": ""}, "memo"),
        ({"account": "nobody"}, "classic address"),
        ({"fee": "0.000000001"}, "decimals"),
        ({"max_fee": "0.000001"}, "max_fee"),
    ],
)
def test_options_that_are_wrong(scene: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scene.payer.build(to=scene.payee.address, amount="1", **options)


def test_one_payment_to_somebody_else(scene: Any) -> None:
    with pytest.raises(Unsupported, match="one payment"):
        scene.payer.build(Transfer(scene.payee.address, "1"), Transfer(scene.new.address, "1"))
    with pytest.raises(InputError, match="itself"):
        scene.payer.build(to=scene.payer.address, amount="1")
    with pytest.raises(AmountError):
        scene.payer.build(to=scene.payee.address, amount="100000000001")


def test_tickets_free_the_order(scene: Any) -> None:
    scene.payer.send(to=scene.payer.address, amount="0", call="TicketCreate", fields={"TicketCount": 2}).wait()
    made = scene.payer.build(to=scene.payee.address, amount="1", ticket=1002)
    assert (fields(made)["Sequence"], fields(made)["TicketSequence"]) == (0, 1002)
    assert scene.payer.broadcast(scene.payer.sign(made)).wait().status is Status.CONFIRMED
    assert scene.root(scene.payer).tickets == {1001}
    assert made.chain.claims(scene.payer.sign(made)).nonce is None


def test_a_master_key_that_is_disabled_is_noticed(scene: Any) -> None:
    scene.root(scene.payer).flags |= 0x00100000
    with pytest.raises(SigningRefused, match="master key"):
        scene.payer.build(to=scene.payee.address, amount="1")


# -- tokens ----------------------------------------------------------------------------------------


def test_tokens_with_sixteen_digits_and_no_more(scene: Any) -> None:
    token = scene.token()
    for text in ("0.000000000000001", "1.234567890123456", "999.9999999999999"):
        made = scene.payer.build(to=scene.payee.address, amount=text, asset=token)
        assert fields(made)["Amount"]["value"] == text
        assert made.summary.actions[0].amount.text == text
    for text in ("1.0000000000000001", "12.345678901234567"):
        with pytest.raises(AmountError):
            scene.payer.build(to=scene.payee.address, amount=text, asset=token)
    with pytest.raises(AmountError, match="16 digits"):
        scene.payer.build(to=scene.payee.address, amount="12.34567890123456" + "7", asset=token)
    wrong = Asset(token.id, "USD", 6)
    with pytest.raises(AmountError, match="15 decimals"):
        scene.payer.build(to=scene.payee.address, amount="1", asset=wrong)


def test_a_long_code_is_named_by_its_hex_digits(scene: Any) -> None:
    token = scene.token("RLUSD")
    assert token.id.startswith("xrpl:0/token:524C555344000000000000000000000000000000.r")
    assert scene.payer.asset(token.id).symbol == "RLUSD"
    assert scene.payer.send(to=scene.payee.address, amount="1.5", asset=token.id).wait().status is Status.CONFIRMED
    assert scene.payee.balance(token.id).available.text == "1.5"


def test_a_transfer_fee_is_allowed_for(scene: Any) -> None:
    token = scene.token()
    issuer = token.reference.split(".")[1]
    scene.root(issuer).rate = 1_002_500_000
    made = scene.payer.build(to=scene.payee.address, amount="100", asset=token)
    assert fields(made)["SendMax"]["value"] == "100.25"
    assert made.summary.actions[0].details["at most spent"].startswith("100.25 USD")
    scene.payer.broadcast(scene.payer.sign(made)).wait()
    assert scene.payer.balance(token).available.text == "899.75"
    with pytest.raises(InsufficientFunds):
        scene.payer.build(to=scene.payee.address, amount="899.75", asset=token)
    scene.payer.send(to=scene.payee.address, amount="max", asset=token).wait()
    assert scene.payer.balance(token).available.units < 1000  # what 16 digits cannot carry
    assert scene.payer.send(to=issuer, amount="max", asset=token).wait().status is Status.CONFIRMED  # no fee to redeem


def test_every_reason_why_a_token_does_not_move(scene: Any) -> None:
    token = scene.token()
    issuer = token.reference.split(".")[1]
    pay = {"to": scene.payee.address, "amount": "5", "asset": token}
    with pytest.raises(InsufficientFunds, match="1000 USD"):
        scene.payer.build(**pay | {"amount": "1001"})
    other = scene.devnet.deploy_token("xrp", symbol="EUR", decimals=15)
    with pytest.raises(InsufficientFunds, match="no trust line"):
        scene.payer.build(**pay | {"asset": other})
    with pytest.raises(InputError, match="no account yet"):
        scene.payer.build(**pay | {"to": scene.new.address})
    scene.devnet.fund(scene.new, "10")
    with pytest.raises(Reverted, match="no trust line"):
        scene.payer.build(**pay | {"to": scene.new.address})
    scene.new.send(to=issuer, amount="4.99", asset=token, call="TrustSet").wait()
    with pytest.raises(Reverted, match="for so much"):
        scene.payer.build(**pay | {"to": scene.new.address})
    scene.root(issuer).flags |= 0x00400000
    with pytest.raises(Reverted, match="frozen"):
        scene.payer.build(**pay)
    assert scene.payer.send(to=issuer, amount="1", asset=token).wait().status is Status.CONFIRMED
    scene.root(issuer).flags &= ~0x00400000
    payer, gateway = scene.engine._id(scene.payer.address), scene.engine._id(issuer)
    for state in (scene.engine.open, scene.engine.validated):
        state.line(payer, gateway, USD).frozen_by.add(gateway)
    assert scene.payer.balance(token).locked.text == "999"
    with pytest.raises(Reverted, match="frozen what"):
        scene.payer.build(**pay)
    scene.engine.open.line(payer, gateway, USD).frozen_by.clear()
    scene.root(issuer).flags |= 0x00040000
    with pytest.raises(Reverted, match="not authorized"):
        scene.payer.build(**pay)


def test_trust_lines_are_opened_and_closed(scene: Any) -> None:
    token = scene.devnet.deploy_token("xrp", symbol="EUR", decimals=15)
    issuer = token.reference.split(".")[1]
    made = scene.payee.build(to=issuer, amount="250.5", asset=token, call="TrustSet")
    action = made.summary.actions[0]
    assert (action.kind, action.to, action.amount.text) == ("trust-line", issuer, "250.5")
    assert made.summary.warnings
    scene.payee.broadcast(scene.payee.sign(made)).wait()
    scene.devnet.fund_token(scene.payee, "10", token)
    assert scene.payee.balance(token).available.text == "10"
    scene.payee.send(to=issuer, amount="max", asset=token).wait()
    scene.payee.send(to=issuer, amount="0", asset=token, call="TrustSet").wait()
    assert scene.root(scene.payee).owned == 0
    with pytest.raises(InputError, match="issuer as to="):
        scene.payee.build(to=scene.payer.address, amount="1", asset=token, call="TrustSet")


def test_a_third_trust_line_needs_a_reserve(scene: Any) -> None:
    poor = scene.new
    scene.devnet.fund(poor, "1.1")
    tokens = [scene.devnet.deploy_token("xrp", symbol=code, decimals=15) for code in ("AAA", "BBB", "CCC")]
    for token in tokens[:2]:
        poor.send(to=token.reference.split(".")[1], amount="1", asset=token, call="TrustSet").wait()
    with pytest.raises(InsufficientFunds, match="one more trust line"):
        poor.build(to=tokens[2].reference.split(".")[1], amount="1", asset=tokens[2], call="TrustSet")


def test_references_of_tokens(scene: Any) -> None:
    chain = scene.payer.build(to=scene.payee.address, amount="1").chain
    row = scene.payer.network
    issuer = scene.payee.address
    assert chain.asset_id(row, f"USD.{issuer}") == f"xrpl:0/token:USD.{issuer}"
    as_hex = "0000000000000000000000005553440000000000"
    assert chain.asset_id(row, f"{as_hex}.{issuer}") == f"xrpl:0/token:USD.{issuer}"
    for text in (f"XRP.{issuer}", f"US.{issuer}", "USD", "USD.", f"{'0' * 40}.{issuer}", issuer, "", f"US/.{issuer}"):
        with pytest.raises(InvalidAddress):
            chain.asset_id(row, text)
    with pytest.raises(InvalidAddress, match="issues nothing"):
        scene.payer.asset(f"USD.{scene.new.address}")


def test_ed25519_accounts_pay_too(scene: Any) -> None:
    account = scene.wallet.account("xrp", kind="ed25519")
    assert str(account.path) == "m/44'/144'/0'/0'/0'"
    assert scene.wallet.account("xrp", path="m/44'/144'/0'/0'/0'").address == account.address
    scene.devnet.fund(account, "10")
    assert account.send(to=scene.payee.address, amount="1").wait().status is Status.CONFIRMED


def test_other_types_are_built_from_their_fields(scene: Any) -> None:
    made = scene.payer.build(
        to=scene.payer.address,
        amount="0",
        call="SetRegularKey",
        fields={"RegularKey": scene.payee.address},
    )
    assert any("another key" in warning for warning in made.summary.warnings)
    made = scene.payer.build(to=scene.payer.address, amount="0", call="AccountSet", fields={"SetFlag": 4})
    assert any("disables the master key" in warning for warning in made.summary.warnings)
