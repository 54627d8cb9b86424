"""Building, storing, adopting, summarising and assembling TON transactions, without a network."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ton_node import NOW, WORDS, Node, bag, number, written

from multiwallet import Amount, Asset, Transfer, UnsignedTransaction, Wallet, network
from multiwallet.chains.ton import Ton, addresses, forms, jettons, messages, wallets
from multiwallet.chains.ton.addresses import Address
from multiwallet.chains.ton.messages import External, Internal
from multiwallet.chains.ton.wallets import Order
from multiwallet.codec import boc
from multiwallet.codec.cell import Builder, Cell
from multiwallet.errors import (
    InputError,
    InsufficientFunds,
    InvalidTransaction,
    MultiwalletError,
    Rejected,
    SigningRefused,
    Unsupported,
)
from multiwallet.testing import refusal

CHAIN = Ton()
ROW = network("ton")
MINTER = Address(0, b"\x11" * 32)
PLACE = Address(0, b"\x22" * 32)


def with_jetton(node, payer, units=10**9):
    owner = addresses.parse(payer.address, testnet=False)[0]
    node.methods |= {
        "get_wallet_address": [written(PLACE)],
        "get_wallet_data": [number(units), written(owner), written(MINTER), {"type": "cell", "value": bag(Cell())}],
    }
    return Asset(CHAIN.asset_id(ROW, MINTER.raw), "USDX", 6)


# -- building --------------------------------------------------------------------------------------


def test_a_transfer_says_what_it_does(payer, payee, node):
    transaction = payer.build(to=payee.address, amount="1.5", memo="invoice 7")
    assert [len(batch) for batch in node.batches] == [4, 1]  # with the identity check, then the estimate
    summary = transaction.summary
    assert str(summary.actions[0]) == f"transfer 1.5 GRAM to {payee.address}"
    assert (summary.memo, summary.sender, summary.warnings) == ("invoice 7", payer.address, ())
    assert summary.details == {"wallet": "v5r1", "seqno": "5", "valid until": "2025-06-15 15:16:40 UTC"}
    assert transaction.fee.expected == Amount(2_900_010, ROW.native)
    message, order, signature = forms.read_external(transaction.body)
    assert (message.init, order.valid_until, order.seqno, any(signature)) == (None, NOW + 600, 5, False)
    (request,) = transaction.requests
    assert request.message == order.cell().hash


def test_a_first_transfer_brings_the_contract(payer, payee, node):
    node.answers["addressInformation"] = {"balance": "5000000000", "status": "uninit"}
    transaction = payer.build(to=payee.address, amount="1")
    message, order, _ = forms.read_external(transaction.body)
    assert message.init is not None
    assert message.init.hash == message.to.hash
    assert order.seqno == 0
    assert "deploys" in transaction.summary.details
    signed = payer.sign(transaction)
    assert signed.txid == External(message.to, wallets.join(order.cell(), signature_of(signed))).cell().hash.hex()
    assert signed.txid != boc.decode(signed.raw).hash.hex()


def signature_of(signed):
    return forms.read_external(signed.raw)[2]


def test_options_are_kept(payer, payee, node):
    body = Builder().uint(0x595F07BC, 32).uint(1, 64).end()
    code = messages.state_init(Cell(b"\1"), Cell(b"\2"))
    transaction = payer.build(
        to=payee.address,
        amount="0.1",
        data=boc.encode(body).hex(),
        state_init=bag(code),
        bounce=True,
        valid_for=50,
        seqno=9,
    )
    _message, order, _ = forms.read_external(transaction.body)
    ((mode, cell),) = order.messages
    sent = Internal.read(cell)
    assert (mode, sent.body, sent.init, sent.bounce) == (3, body, code, True)
    assert (order.valid_until, order.seqno) == (NOW + 50, 9)
    summary = transaction.summary
    assert summary.actions[0].kind == "call"
    assert summary.actions[0].details["opcode"] == "595f07bc"
    assert len(summary.warnings) == 3  # code, an unreadable call, and a fee that nobody was asked about
    assert (
        payer.build(to=payee.address, amount="0.1", valid_until=NOW + 5)
        .summary.details["valid until"]
        .endswith(":45 UTC")
    )


@pytest.mark.parametrize(
    "options",
    [
        {"bounce": 1},
        {"data": "zz"},
        {"data": 7},
        {"data": bag(Cell()), "memo": "x"},
        {"state_init": "b5ee9c72"},
        {"valid_for": -1},
        {"valid_for": 86_401},
        {"valid_for": "60"},
        {"valid_until": 2**32},
        {"valid_until": True},
        {"valid_until": NOW},
        {"seqno": -1},
        {"seqno": 1.0},
        {"forward_amount": 1},
        {"attached": 0},
        {"memo": "\ud800"},
        {"memo": "x" * 9000},
        {"nonsense": 1},
    ],
)
def test_wrong_options_are_refused(payer, payee, options):
    refusal(InputError, payer.build, to=payee.address, amount="0.1", **options)


def test_everything_is_mode_128(payer, payee):
    transaction = payer.build(to=payee.address, amount="max")
    _, order, _ = forms.read_external(transaction.body)
    assert [mode for mode, _ in order.messages] == [130]
    assert any("whole balance" in text for text in transaction.summary.warnings)
    assert transaction.summary.actions[0].amount is None


def test_money_is_counted_with_the_fee(payer, payee, node):
    error = refusal(InsufficientFunds, payer.build, to=payee.address, amount="9.999")
    assert error.needed > ROW.amount("10")
    assert error.available == ROW.amount("10")
    node.answers["addressInformation"] = {"balance": "0", "status": "uninit"}
    refusal(InsufficientFunds, payer.build, to=payee.address, amount="max")
    node.answers["addressInformation"] = {"balance": "1", "status": "frozen"}
    refusal(Rejected, payer.build, to=payee.address, amount="0.1")


def test_bounce_follows_the_address_and_the_account(payer, payee, node):
    contract = CHAIN.parse_address(ROW, payee.address)
    bounceable = CHAIN.asset_id(ROW, contract).rpartition(":")[2]
    raw = addresses.parse(contract, testnet=False)[0].raw

    def bounces(to, **options):
        _, order, _ = forms.read_external(payer.build(to=to, amount="0.1", **options).body)
        return Internal.read(order.messages[0][1]).bounce

    assert bounces(bounceable)
    assert not bounces(contract)
    assert not bounces(raw)
    assert bounces(contract, bounce=True)
    assert not bounces(bounceable, bounce=False)
    node.accounts[raw] = {"balance": "0", "status": "uninit"}
    assert not bounces(bounceable)


def test_jettons(payer, payee, node):
    token = with_jetton(node, payer)
    transaction = payer.build(to=payee.address, amount="12.5", asset=token, memo="for tea")
    (action,) = transaction.summary.actions
    assert (action.kind, action.to, action.amount) == ("transfer", payee.address, Amount.parse("12.5", token))
    assert (transaction.summary.memo, transaction.summary.warnings) == ("for tea", ())
    assert transaction.fee.maximum > ROW.amount("0.05")
    assert UnsignedTransaction.from_json(transaction.to_json()).summary == transaction.summary
    stranger = json.loads(transaction.to_json())
    stranger["context"]["jettons"] = {}
    unknown = UnsignedTransaction.from_json(json.dumps(stranger)).summary
    assert unknown.actions[0].kind == "jetton-transfer"
    assert any("which jetton" in text for text in unknown.warnings)
    refusal(InsufficientFunds, payer.build, to=payee.address, amount="1000.1", asset=token)
    refusal(InputError, payer.build, to=payee.address, amount="1", asset=token, forward_amount=5, attached=5)
    refusal(InputError, payer.build, to=payee.address, amount="1", asset=token, data=bag(Cell()))
    refusal(InputError, payer.build, to=payee.address, amount="1", asset=Asset("tvm:-239/erc20:0x12", "X", 1))


def test_coins_that_travel_with_jettons_are_in_the_fee_of_a_file(payer, payee, node):
    """A file could attach all the account has to a jetton transfer, and state a small fee beside it."""
    token = with_jetton(node, payer)
    transaction = payer.build(to=payee.address, amount="1", asset=token, attached=5 * 10**9)
    assert transaction.fee.maximum > ROW.amount("5")
    data = json.loads(transaction.to_json())
    small = {"amount": "0.01", "units": "10000000"}
    data["fee"] = {**data["fee"], **{name: data["fee"][name] | small for name in ("expected", "maximum")}}
    refusal(InvalidTransaction, UnsignedTransaction.from_json, json.dumps(data))


def test_a_jetton_wallet_of_somebody_else_is_noticed(payer, payee, node):
    token = with_jetton(node, payer)
    owner = written(addresses.parse(payer.address, testnet=False)[0])
    other = written(Address(0, b"\x33" * 32))
    for stack in ([number(5), other, written(MINTER)], [number(5), owner, other], [number(5)], [], [owner] * 3):
        node.methods["get_wallet_data"] = stack
        refusal(MultiwalletError, payer.build, to=payee.address, amount="1", asset=token)


def test_many_payments(payer, payee, wallet):
    transaction = payer.build(*[Transfer(payee.address, "0.01")] * 255)
    assert len(transaction.summary.actions) == 255
    refusal(Unsupported, payer.build, *[Transfer(payee.address, "0.01")] * 256)
    refusal(Unsupported, wallet.account("ton", kind="v3r2").build, *[Transfer(payee.address, "0.01")] * 5)


# -- storing and adopting --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHAIN.kinds)
def test_a_changed_file_is_refused(wallet, payee, kind):
    payer = wallet.account("ton", kind=kind)
    transaction = payer.build(to=payee.address, amount="1")
    data = json.loads(transaction.to_json())
    again = UnsignedTransaction.from_json(json.dumps(data))
    assert (again, payer.sign(again).txid) == (transaction, payer.sign(transaction).txid)
    message, order, _ = forms.read_external(transaction.body)
    richer = Order(kind, order.wallet_id, order.valid_until, order.seqno, ((3, Internal(message.to, 7, False).cell()),))
    other = External(Address(0, bytes(32)), message.body)
    foreign = wallets.initial_state(kind, bytes([9] * 32), order.wallet_id)
    changes = [
        {"body": boc.encode(External(message.to, wallets.join(richer.cell(), bytes(64))).cell()).hex()},
        {"body": boc.encode(other.cell()).hex()},
        {"body": boc.encode(External(message.to, message.body, foreign).cell()).hex()},
        {"body": boc.encode(External(message.to, wallets.join(order.cell(), b"\1" * 64)).cell()).hex()},
        {"body": "00"},
        {"sender": payee.address},
        {"network": "tvm:-3"},
        {"context": {}},
        {"context": {**data["context"], "public_key": "00" * 32}},
        {"context": {**data["context"], "public_key": 7}},
        {"context": {**data["context"], "jettons": {"a": "b"}}},
        {"context": {**data["context"], "jettons": []}},
        {"context": {**data["context"], "offline": 1}},
        {"context": {**data["context"], "more": 1}},
    ]
    for change in changes:
        refusal(InvalidTransaction, UnsignedTransaction.from_json, json.dumps({**data, **change}))


@pytest.mark.parametrize("kind", CHAIN.kinds)
def test_orders_and_messages_are_adopted(wallet, payee, kind):
    payer = wallet.account("ton", kind=kind)
    transaction = payer.build(to=payee.address, amount="1")
    _, order, _ = forms.read_external(transaction.body)
    signed = payer.sign(transaction)
    url_safe = base64.urlsafe_b64encode(transaction.body).decode().rstrip("=")
    for form in (transaction.body, transaction.body.hex(), url_safe, bag(order.cell()), boc.encode(order.cell())):
        assert payer.sign(form).raw == signed.raw
    refusal(SigningRefused, wallet.account("ton", index=4, kind=kind).sign, transaction)
    refusal(InputError, wallet.account("ton", index=4, kind=kind).sign, transaction.body)
    refusal(InvalidTransaction, payer.sign, signed.raw)
    refusal(InvalidTransaction, CHAIN.parse_signed, ROW, transaction.body)
    for other in CHAIN.kinds:
        if other != kind:
            refusal(InputError, wallet.account("ton", kind=other).sign, bag(order.cell()))


def test_what_is_no_transfer_is_not_signed(payer):
    number_ = wallets.wallet_id("v5r1", -239)
    head = Builder().uint(0x7369676E, 32).uint(number_, 32).uint(NOW, 32).uint(5, 32)
    extension = head.bit(0).bit(1).uint(2, 8)
    refusal(InvalidTransaction, payer.sign, bag(addresses.write(extension, Address(0, bytes(32))).end()))
    set_code = Builder().ref(Cell()).uint(0xAD4DE08E, 32).ref(Cell()).end()
    coded = Builder().uint(0x7369676E, 32).uint(number_, 32).uint(NOW, 32).uint(5, 32).maybe_ref(set_code).bit(0).end()
    refusal(InvalidTransaction, payer.sign, bag(coded))
    for cell in (Cell(), Builder().uint(1, 1).end(), Builder().uint(3, 4).uint(0, 300).end()):
        order = Order("v5r1", number_, NOW, 5, ((3, cell),))
        refusal(InvalidTransaction, payer.sign, bag(order.cell()))


def test_dangerous_orders_carry_warnings(payer, payee):
    to, _ = addresses.parse(payee.address, testnet=False)
    number_ = wallets.wallet_id("v5r1", -239)

    def warnings_of(mode, *parts):
        cells = tuple((mode, part) for part in parts)
        return CHAIN.adopt(payer._operations.holder, bag(Order("v5r1", number_, NOW, 5, cells).cell())).summary

    assert any("deletes" in text for text in warnings_of(160, Internal(to, 0, False).cell()).warnings)
    assert any("unusual mode 66" in text for text in warnings_of(66, Internal(to, 0, False).cell()).warnings)
    assert any("sends nothing" in text for text in warnings_of(3).warnings)
    transfer = jettons.Transfer(1, 5, to, None, 7, Builder().uint(9, 32).end(), Cell(b"\1"))
    text = str(warnings_of(3, Internal(PLACE, 10**8, True, transfer.cell()).cell()))
    for word in ("which jetton", "goes to nobody", "custom_payload", "may act on it"):
        assert word in text
    broken = Builder().uint(0x0F8A7EA5, 32).uint(1, 8).end()
    assert "none that can be read" in str(warnings_of(3, Internal(PLACE, 1, True, broken).cell()))
    two = warnings_of(3, Internal(to, 1, False, messages.comment("a")).cell(), Internal(to, 2, False, broken).cell())
    assert (two.memo, two.warnings[0][:10]) == ("a", "message 2:")


def test_a_signature_of_somebody_else_is_refused(payer, payee):
    transaction = payer.build(to=payee.address, amount="1")
    (request,) = transaction.requests
    for signature in (bytes(64), bytes(63), b"\1" * 64):
        refusal(InvalidTransaction, CHAIN.assemble, transaction, [(request, signature)])
    refusal(InvalidTransaction, CHAIN.assemble, transaction, [])


def test_ton_connect_requests(payer, payee):
    request = {
        "valid_until": NOW + 60,
        "network": "-239",
        "from": payer.address,
        "seqno": 3,
        "messages": [
            {"address": payee.address, "amount": "1"},
            {"address": payee.address, "amount": "2", "payload": bag(messages.comment("hi"))},
        ],
    }
    transaction = CHAIN.adopt(payer._operations.holder, request)
    assert [action.amount.units for action in transaction.summary.actions] == [1, 2]
    assert transaction.summary.memo == "hi"
    good = request["messages"][0]
    for changed in (
        {"seqno": 1.0},
        {"seqno": -1},
        {"valid_until": "5"},
        {"messages": good},
        {"messages": [{**good, "amount": 1}]},
        {"messages": [{**good, "amount": "1.5"}]},
        {"messages": [{**good, "amount": "9" * 37}]},
        {"messages": [{**good, "address": "0:" + "00" * 32}]},
        {"messages": [{**good, "address": 5}]},
        {"messages": [{**good, "payload": 5}]},
        {"messages": [{**good, "extra_currency": {}}]},
        {"messages": [{"address": payee.address}]},
        {"messages": [5]},
        {"messages": [good] * 256},
        {"items": []},
        {"from": 5},
        {"network": -239},
    ):
        refusal(InvalidTransaction, CHAIN.adopt, payer._operations.holder, {**request, **changed})


def test_nodes_are_asked_for_nothing_when_a_kind_is_wrong():
    node = Node()
    account = Wallet.from_mnemonic(WORDS, transport=node).account("ton", kind="v4r2")
    refusal(Unsupported, account.build, *[Transfer(account.address, "1")] * 5)
    assert not [effect for batch in node.batches for effect in batch if effect.path == "estimateFee"]


@given(st.data())
def test_any_payments_are_summarised_as_asked(data):
    node = Node()
    node.answers["addressInformation"] = {"balance": str(10**30), "status": "active"}
    kind = data.draw(st.sampled_from(CHAIN.kinds))
    account = Wallet.from_private_key("ton", "07" * 32, transport=node).account("ton", kind=kind)
    places = st.builds(Address, st.sampled_from((0, -1)), st.binary(min_size=32, max_size=32))
    texts = st.builds(lambda place, bounce: place.text(bounceable=bounce, test_only=False), places, st.booleans())
    amounts = st.integers(1, 10**27).map(lambda units: Amount(units, ROW.native))
    transfers = data.draw(st.lists(st.builds(Transfer, texts, amounts), min_size=1, max_size=4))
    memo = data.draw(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
    transaction = account.build(*transfers, memo=memo)
    summary = transaction.summary
    assert [(action.to, action.amount) for action in summary.actions] == [(t.to, t.amount) for t in transfers]
    assert summary.memo == memo
    assert not summary.warnings
    assert UnsignedTransaction.from_json(transaction.to_json()) == transaction
    signed = account.sign(transaction)
    assert CHAIN.parse_signed(ROW, signed.to_wire()) == signed
