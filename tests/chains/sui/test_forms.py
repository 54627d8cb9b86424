"""Reading what others made: bytes, JSON of the SDK, signatures; and everything hostile that could be handed over."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Wallet
from multiwallet.chains.sui import addresses, forms
from multiwallet.chains.sui.commands import GAS_COIN, Argument, Command, input_, result
from multiwallet.chains.sui.signatures import MESSAGE_INTENT, Proof
from multiwallet.chains.sui.tokens import asset_id, coin_type
from multiwallet.chains.sui.transaction import GasData, Input, ObjectRef, TransactionData, Validity, Withdrawal
from multiwallet.chains.sui.type_tags import SUI, parse_type
from multiwallet.errors import InputError, InvalidAddress, InvalidTransaction, MultiwalletError
from multiwallet.testing import refusal

WORDS = "test test test test test test test test test test test junk"
ACCOUNT = Wallet.from_mnemonic(WORDS).account("sui", index=0)
OURS = addresses.to_bytes(ACCOUNT.address)
FRIEND = b"\xab" * 32


def _u64(number: int) -> Input:
    return Input("pure", number.to_bytes(8, "little"))


def _data(*commands: Command, inputs: tuple[Input, ...] = (), sender: bytes = OURS, **more: Any) -> TransactionData:
    gas = GasData((ObjectRef(b"\x01" * 32, 7, b"\x02" * 32),), sender, 750, 5_000_000)
    return TransactionData(inputs, commands, sender, gas, **more)


PAYMENT = _data(
    Command("SplitCoins", (input_(0),), GAS_COIN),
    Command("TransferObjects", (result(0, 0),), input_(1)),
    inputs=(_u64(5), Input("pure", FRIEND)),
)
TOKEN = ObjectRef(b"\x05" * 32, 9, b"\x06" * 32)


def _summary(data: TransactionData) -> Any:
    return ACCOUNT.read(data.encode()).summary


def test_all_forms_are_one_transaction() -> None:
    raw = PAYMENT.encode()
    text = base64.b64encode(raw).decode()
    signed = ACCOUNT.sign(raw)
    for form in (
        raw,
        bytearray(raw),
        b"\x00\x00\x00" + raw,
        raw.hex(),
        "0x" + raw.hex(),
        f"  {text}\n",
        {"bytes": text},
        {"transactionBlock": text},
        json.dumps({"bytes": text}),
    ):
        assert ACCOUNT.sign(form).raw == signed.raw
    wire = signed.to_wire()
    for form in (signed.raw, signed.hex(), base64.b64encode(signed.raw).decode(), wire, json.dumps(wire)):
        assert forms.read_signed(form).encode() == signed.raw
    refusal(InvalidTransaction, forms.read_signed, raw)


@pytest.mark.parametrize(
    "change",
    [
        {"bytes": 5},
        {"bytes": "!"},
        {"signature": "AA==", "bytes": base64.b64encode(PAYMENT.encode()).decode()},
        {"signature": [5], "bytes": base64.b64encode(PAYMENT.encode()).decode()},
        {"signatures": ["", "", ""], "bytes": base64.b64encode(PAYMENT.encode()).decode()},
        {"signature": [], "signatures": [], "bytes": base64.b64encode(PAYMENT.encode()).decode()},
        {"bytes": "AA==", "txBytes": "AA=="},
        {"bytes": "AAAA", "more": 1},
        {"version": 1},
        {"version": 2},
        {"version": 2.0, "sender": None, "expiration": None, "gasData": {}, "inputs": [], "commands": []},
    ],
)
def test_contradicting_fields_are_refused(change: dict[str, Any]) -> None:
    refusal(InvalidTransaction, ACCOUNT.sign, change)


def _sdk() -> dict[str, Any]:
    ref = {"objectId": "0x" + "01" * 32, "version": "7", "digest": "8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR"}
    return {
        "version": 2,
        "sender": ACCOUNT.address,
        "expiration": {"Epoch": "5"},
        "gasData": {"budget": "5000000", "price": 750, "owner": ACCOUNT.address, "payment": [ref]},
        "inputs": [{"Pure": {"bytes": "BQAAAAAAAAA="}}, {"Pure": {"bytes": base64.b64encode(FRIEND).decode()}}],
        "commands": [
            {"SplitCoins": {"coin": {"GasCoin": True}, "amounts": [{"Input": 0}]}},
            {"TransferObjects": {"objects": [{"NestedResult": [0, 0]}], "address": {"Input": 1}}},
        ],
    }


def test_the_sdks_fields_are_read_strictly() -> None:
    good = ACCOUNT.read(_sdk())
    assert TransactionData.decode(good.body) == replace(PAYMENT, expiration=5)
    changes: list[Any] = [
        lambda data: data.update(sender=None),
        lambda data: data.update(extra=1),
        lambda data: data.update(digest="1" * 32),
        lambda data: data["gasData"].update(price=1.5),
        lambda data: data["gasData"].update(price=True),
        lambda data: data["gasData"].update(budget=None),
        lambda data: data["gasData"].update(budget=str(2**64)),
        lambda data: data["gasData"]["payment"][0].update(digest="x"),
        lambda data: data["gasData"].update(payment="all"),
        lambda data: data["inputs"].append({"UnresolvedPure": {"value": 5}}),
        lambda data: data["inputs"].append({"UnresolvedObject": {"objectId": "0x5"}}),
        lambda data: data["inputs"].append({"FundsWithdrawal": {}}),
        lambda data: data["inputs"].append({"Pure": {"bytes": "x"}, "Object": {}}),
        lambda data: data["inputs"].append({"Object": {"SharedObject": {"objectId": "0x5"}}}),
        lambda data: data["inputs"].append(None),
        lambda data: data["commands"].append({"$Intent": {"name": "CoinWithBalance", "inputs": {}, "data": {}}}),
        lambda data: data["commands"].append({"Burn": {}}),
        lambda data: data["commands"].append({"SplitCoins": {"coin": {"Input": 70000}, "amounts": []}}),
        lambda data: data["commands"].append({"SplitCoins": {"coin": {"GasCoin": False}, "amounts": []}}),
        lambda data: data["commands"].append({"MakeMoveVec": {"type": 5, "elements": []}}),
        lambda data: data.update(expiration={"ValidDuring": {}}),
        lambda data: data.update(inputs={}),
    ]
    for change in changes:
        data = _sdk()
        change(data)
        refusal(InvalidTransaction, ACCOUNT.sign, data)
        if "x" not in str(change):
            refusal(InvalidTransaction, ACCOUNT.sign, json.dumps(data))


def test_signatures_of_others_and_over_other_bytes_are_refused() -> None:
    signed = ACCOUNT.sign(PAYMENT.encode()).to_wire()
    other = replace(PAYMENT, gas=replace(PAYMENT.gas, budget=6))
    text = base64.b64encode(other.encode()).decode()
    refusal(InvalidTransaction, ACCOUNT.read, {"bytes": text, "signature": signed["signatures"]})
    stranger = Wallet.from_mnemonic(WORDS).account("sui", index=5)
    theirs = stranger.sign(replace(PAYMENT, sender=addresses.to_bytes(stranger.address)).encode()).to_wire()
    refusal(InvalidTransaction, ACCOUNT.read, {**signed, "signatures": theirs["signatures"]})
    refusal(InvalidTransaction, ACCOUNT.read, {**signed, "signatures": signed["signatures"] * 2})
    for flag in (3, 4, 5, 6, 9):
        proof = bytes((flag,)) + bytes(96)
        refusal(InvalidTransaction, Proof.parse, base64.b64encode(proof).decode())
    for wrong in (b"", b"\0", bytes(96), bytes(98), b"\x01" + bytes(96), 5, None, "A" * 9999):
        refusal(InvalidTransaction, Proof.parse, wrong)


def test_the_chain_that_newer_transactions_name_is_checked() -> None:
    for network, chain, right in (
        ("sui", "35834a8a", True),
        ("sui", "4c78adac", False),
        ("sui-testnet", "4c78adac", True),
        ("sui-devnet", "4c78adac", False),
        ("sui-devnet", "01020304", True),
    ):
        expiration = Validity(1, 2, None, None, bytes.fromhex(chain) + bytes(28), 5)
        raw = replace(PAYMENT, expiration=expiration).encode()
        account = Wallet.from_mnemonic(WORDS).account(network, index=0)
        if right:
            assert account.sign(raw).expiry == 2
        else:
            refusal(InvalidTransaction, account.sign, raw)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_gives_an_error_of_the_tree(data: bytes) -> None:
    for form in (
        data,
        b"\x00\x00" + data,
        b"\x01\x00\x00\x00\x00\x00" + data,
        data.hex(),
        base64.b64encode(data).decode(),
    ):
        with contextlib.suppress(InputError):
            ACCOUNT.read(form)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_gives_an_error_or_a_transaction_that_can_be_shown(place: int, byte: int) -> None:
    raw = bytearray(PAYMENT.encode())
    raw[place % len(raw)] = byte
    try:
        transaction = ACCOUNT.read(bytes(raw))
    except InputError:
        return
    assert transaction.body == bytes(raw)
    assert str(transaction.summary)


def test_nested_types_are_bounded() -> None:
    for text in (
        "vector<" * 5000,
        "vector<" * 40 + "u8" + ">" * 40,
        "0x2::a::" + "b" * 200,
        "0x2::a::B<",
        "0x2::a",
        "",
        "u7",
    ):
        refusal(InputError, parse_type, text)
    command = b"\x00\x00\x00\x01\x05\x01" + b"\x06" * 5000
    refusal(InvalidTransaction, ACCOUNT.sign, command)


def test_coin_names() -> None:
    network = ACCOUNT.network
    assert asset_id(network, "0x2::sui::SUI") == network.native.id
    name = asset_id(network, "0x5::my_coin::MY_COIN")
    assert name.endswith("%3A%3Amy%5Fcoin%3A%3AMY%5FCOIN")
    assert coin_type(name.split(":", 2)[2]) == parse_type("0x5::my_coin::MY_COIN")
    for wrong in ("", "u64", "0x2", "0x2::sui", "vector<u8>", "x" * 5000):
        refusal(InvalidAddress, asset_id, network, wrong)


# -- what the summary says ---------------------------------------------------------------------------


def test_a_coin_of_no_stated_type_is_never_shown_as_an_amount() -> None:
    inputs = (_u64(5), Input("pure", FRIEND), Input("owned", ref=TOKEN))
    split = Command("SplitCoins", (input_(0),), input_(2))
    give = Command("TransferObjects", (result(0, 0),), input_(1))
    found = _summary(_data(split, give, inputs=inputs))
    assert [(a.kind, a.amount, a.details["units"]) for a in found.actions] == [("transfer", None, "5")]
    assert "any coin or object" in found.warnings[0]
    whole = _summary(_data(Command("TransferObjects", (input_(2),), input_(1)), inputs=inputs))
    assert [a.kind for a in whole.actions] == ["transfer-object"]
    tag = parse_type("0x7::gold::GOLD")
    states = Command("MoveCall", (input_(2),), None, addresses.FRAMEWORK, "coin", "value", (tag,))
    typed = _summary(
        _data(replace(split), Command("TransferObjects", (result(0, 0),), input_(1)), states, inputs=inputs)
    )
    assert typed.actions[0].amount.asset.id == asset_id(ACCOUNT.network, str(tag))
    assert "decimals" in typed.warnings[0]
    all_of_it = _summary(_data(states, Command("TransferObjects", (input_(2),), input_(1)), inputs=inputs))
    assert all_of_it.actions[0].amount is None
    assert all_of_it.actions[0].details["coin"] == "0x7::gold::GOLD"


def test_amounts_that_change_afterwards_are_not_shown() -> None:
    inputs = (_u64(5), Input("pure", FRIEND), _u64(2))
    split = Command("SplitCoins", (input_(0),), GAS_COIN)
    give = Command("TransferObjects", (result(0, 0),), input_(1))
    more = Command("SplitCoins", (input_(2),), GAS_COIN)
    for between in (
        Command("MergeCoins", (result(1, 0),), result(0, 0)),
        Command("SplitCoins", (input_(2),), result(0, 0)),
        Command("MoveCall", (result(0, 0),), None, b"\x09" * 32, "a", "b"),
    ):
        found = _summary(_data(split, more, between, give, inputs=inputs))
        assert [a.amount for a in found.actions if a.kind == "transfer"] == [None]


def test_plain_bytes_that_a_call_may_write_to_are_not_believed() -> None:
    """Move may borrow a plain input to write to it: amount and recipient are then what the call made of them."""
    inputs = (_u64(5), Input("pure", FRIEND))
    call = Command("MoveCall", (input_(0), input_(1)), None, b"\x09" * 32, "a", "b")
    found = _summary(
        _data(call, *PAYMENT.commands[:1], replace(PAYMENT.commands[1], arguments=(result(1, 0),)), inputs=inputs)
    )
    paid = [action for action in found.actions if action.kind == "transfer"]
    assert [(action.to, action.amount) for action in paid] == [(None, None)]
    assert any("reckons out itself" in text for text in found.warnings)


def test_everything_unknown_is_warned_of() -> None:
    inputs = (_u64(5), Input("pure", FRIEND), Input("shared", ref=ObjectRef(b"\x06" * 32, 1, b""), mutable=True))
    call = Command(
        "MoveCall", (GAS_COIN, input_(2), input_(0), Argument("result", 3)), None, b"\x09" * 32, "a", "b", (SUI,)
    )
    found = _summary(_data(call, inputs=inputs))
    assert found.actions[0].kind == "call"
    assert found.actions[0].details["argument 0"] == "the gas coin"
    assert "may spend all" in found.warnings[0]
    for command in (
        Command("Publish", code=(b"x",)),
        Command("Upgrade", (), Argument("result", 0), b"\x09" * 32),
        Command("TransferObjects", (GAS_COIN,), result(0, 0)),
        Command("TransferObjects", (GAS_COIN,), Argument("input", 999)),
        Command("SplitCoins", (Argument("input", 999),), Argument("result", 999)),
    ):
        assert _summary(_data(command)).warnings
    taken = Input("withdrawal", withdrawal=Withdrawal(7, SUI, "sponsor"))
    assert _summary(_data(inputs=(taken,))).actions[0].kind == "withdraw"
    lost = (Input("pure", bytes(31) + b"\x02"),)
    assert "lost" in _summary(_data(Command("TransferObjects", (GAS_COIN,), input_(0)), inputs=lost)).warnings[0]
    dear = replace(PAYMENT, gas=replace(PAYMENT.gas, budget=10**10))
    assert "10 SUI" in _summary(dear).warnings[0]
    mixed = Command("MoveCall", (GAS_COIN,), None, addresses.FRAMEWORK, "coin", "value", (SUI, SUI))
    assert _summary(_data(mixed)).warnings


def test_messages_are_no_transactions() -> None:
    assert MESSAGE_INTENT[0] == 3
    raw = PAYMENT.encode()
    signature = ACCOUNT.sign_message(raw)
    refusal(InvalidTransaction, ACCOUNT.read, {"bytes": base64.b64encode(raw).decode(), "signature": signature})
    assert not ACCOUNT.verify_message(raw, ACCOUNT.sign(raw).to_wire()["signatures"][0])
    refusal(MultiwalletError, ACCOUNT.sign_message, "\ud800")
    refusal(MultiwalletError, ACCOUNT.sign_message, "x", nonce=1)
    assert ACCOUNT.verify_message(b"hi", ACCOUNT.sign_message("hi"))
