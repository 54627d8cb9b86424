"""Building: payments, tokens, calls, fees and what they refuse, against the devnet's ledger."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Amount, Asset, Transfer
from multiwallet.chain import Options, Payment
from multiwallet.chains.aptos import Aptos, functions
from multiwallet.chains.aptos.raw_transaction import U64_MAX, EntryFunction, Payload, Script, SigningMessage
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    Rejected,
    Reverted,
    Unsupported,
)
from multiwallet.ops import Rest
from multiwallet.transactions import Status, UnsignedTransaction

USDT = "0x357b0b74bc833e95a115ad22604854d6b0fca151cecd94111770e5d6ffc9dc2b"
COIN = "0xf22bede237a07e121b56d91a491eb7bcdfd1f5907926a9e58338f964a01b17fa::asset::USDC"


def raw_of(transaction: UnsignedTransaction) -> Any:
    return SigningMessage.decode(transaction.body).raw


def call_of(transaction: UnsignedTransaction) -> EntryFunction:
    call = raw_of(transaction).payload.executable
    assert isinstance(call, EntryFunction)
    return call


def test_a_payment_of_apt(world: Any) -> None:
    transaction = world.account.build(to=world.friend.address, amount="1.5")
    raw = raw_of(transaction)
    assert call_of(transaction).id == "0x1::aptos_account::transfer"
    assert call_of(transaction).arguments[1] == (150_000_000).to_bytes(8, "little")
    assert (raw.sequence_number, raw.chain_id, raw.gas_unit_price) == (0, 1, 100)
    time = int(world.engine.rest("GET", "")["ledger_timestamp"]) // 1_000_000
    assert time + 595 <= raw.expiration <= time + 600
    assert transaction.fee.maximum.units == raw.max_gas_amount * 100
    assert transaction.fee.details["gas"] <= raw.max_gas_amount <= 2 * transaction.fee.details["gas"]
    done = world.account.broadcast(world.account.sign(transaction)).wait()
    assert done.fee == transaction.fee.expected
    assert world.account.build(to=world.friend.address, amount="1").requests
    assert raw_of(world.account.build(to=world.friend.address, amount="1")).sequence_number == 1


def test_everything_leaves_only_the_gas_that_was_not_used(world: Any) -> None:
    before = world.account.balance().available
    transaction = world.account.build(to=world.friend.address, amount="max")
    world.account.broadcast(world.account.sign(transaction)).wait()
    left = world.account.balance().available
    assert left == transaction.fee.maximum - transaction.fee.expected
    assert world.friend.balance().available == before - transaction.fee.maximum


def test_many_recipients_share_a_transaction(world: Any) -> None:
    token = world.devnet.deploy_token("aptos", symbol="T", decimals=2, holder=world.account, supply="100")
    kind = world.engine.deploy_coin(symbol="C", decimals=0, supply_to=world.account.address, supply=50)
    coin = world.account.asset(kind)
    for asset, name in (
        (None, "batch_transfer"),
        (token, "batch_transfer_fungible_assets"),
        (coin, "batch_transfer_coins"),
    ):
        transaction = world.account.build(
            Transfer(world.friend.address, "1", asset), Transfer(world.third.address, "2", asset)
        )
        assert call_of(transaction).id == f"0x1::aptos_account::{name}"
        paid = [(action.to, action.amount.text) for action in transaction.summary.actions]
        assert paid == [(world.friend.address, "1"), (world.third.address, "2")]
        assert not transaction.summary.warnings
        assert world.account.broadcast(world.account.sign(transaction)).wait().status is Status.CONFIRMED
        assert world.third.balance(asset).available.text == "2"
    with pytest.raises(Unsupported, match="one asset"):
        world.account.build(Transfer(world.friend.address, "1"), Transfer(world.third.address, "2", token))
    with pytest.raises(Unsupported, match="alone"):
        world.account.build(Transfer(world.friend.address, "1"), Transfer(world.third.address, "max"))
    with pytest.raises(InsufficientFunds):
        world.account.build(Transfer(world.friend.address, "4"), Transfer(world.third.address, "4"))


def test_tokens_of_both_kinds(world: Any) -> None:
    token = world.devnet.deploy_token("aptos", symbol="T", decimals=2, holder=world.account, supply="100")
    assert token.id.startswith("aptos:1/fa:0x")
    transaction = world.account.build(to=world.friend.address, amount="max", asset=token)
    assert call_of(transaction).id == "0x1::primary_fungible_store::transfer"
    world.account.broadcast(world.account.sign(transaction)).wait()
    assert world.friend.balance(token).available.text == "100"
    with pytest.raises(InsufficientFunds) as caught:
        world.account.build(to=world.friend.address, amount="1", asset=token)
    assert (caught.value.needed, caught.value.available) == (Amount(100, token), Amount(0, token))
    kind = world.engine.deploy_coin(symbol="C", decimals=3, supply_to=world.account.address, supply=5000)
    coin = world.account.asset(kind)
    assert coin == world.account.asset(coin.id)
    assert (coin.symbol, coin.decimals) == ("C", 3)
    transaction = world.account.build(to=world.friend.address, amount="1.25", asset=kind)
    assert call_of(transaction).id == "0x1::aptos_account::transfer_coins"
    world.account.broadcast(world.account.sign(transaction)).wait()
    assert world.friend.balance(kind).available.text == "1.25"


def test_names_of_tokens(chain: Aptos, world: Any) -> None:
    row = world.account.network
    assert chain.asset_id(row, USDT) == f"aptos:1/fa:{USDT}"
    named = chain.asset_id(row, COIN)
    assert named == "aptos:1/coin:" + COIN.replace(":", "%3A")
    assert Asset(named, "USDC", 6).reference == COIN.replace(":", "%3A")
    for text in ("0xa", "0x1::aptos_coin::AptosCoin", "0x1%3A%3Aaptos%5Fcoin%3A%3AAptosCoin", "0x" + "0" * 63 + "a"):
        assert chain.asset_id(row, text) == row.native.id
        assert world.account.asset(text) == row.native
    assert world.account.balance("0xa") == world.account.balance()
    nested = f"0x2::pool::Share<{COIN},0x1::aptos_coin::AptosCoin>"
    identity = chain.asset_id(row, nested)
    assert set(identity) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.%-:/")
    reference = identity.split("coin:")[1]
    assert str(functions.read_reference(reference)).replace(" ", "") == nested
    for broken in ("", "0x1::a", "u64", "0x1::a::b<", "x::a::b", "0x12", "a" * 3000, "0x1::a::b::c"):
        with pytest.raises(InvalidAddress):
            chain.asset_id(row, broken)
    for missing in (USDT, COIN):
        with pytest.raises(InvalidAddress, match="no token"):
            world.account.asset(missing)
    with pytest.raises(InputError, match="names a coin"):
        world.account.build(to=world.friend.address, amount=Amount(1, Asset(f"aptos:1/coin:{USDT}", "X", 0)))
    with pytest.raises(Unsupported, match="erc20"):
        world.account.build(to=world.friend.address, amount=Amount(1, Asset(f"aptos:1/erc20:{USDT}", "X", 0)))


def test_orderless_transactions(world: Any) -> None:
    one = world.account.build(to=world.friend.address, amount="1", orderless=True)
    two = world.account.build(to=world.friend.address, amount="1", orderless=True)
    raw = raw_of(one)
    assert raw.sequence_number == U64_MAX
    assert raw.payload.replay_nonce is not None
    assert raw.payload.replay_nonce != raw_of(two).payload.replay_nonce
    time = int(world.engine.rest("GET", "")["ledger_timestamp"]) // 1_000_000
    assert raw.expiration <= time + 60
    for transaction in (two, one):
        assert world.account.broadcast(world.account.sign(transaction)).wait().status is Status.CONFIRMED
    assert world.friend.balance().available.text == "2"
    assert world.engine.rest("GET", f"accounts/{world.account.address}")["sequence_number"] == "0"
    named = world.account.build(to=world.friend.address, amount="1", replay_nonce=7)
    assert raw_of(named).payload.replay_nonce == 7
    assert named.summary.details["replay nonce"] == "7"
    for options in (
        {"orderless": True, "sequence_number": 3},
        {"orderless": False, "replay_nonce": 3},
        {"orderless": 1},
        {"orderless": True, "expiration": 61},
        {"replay_nonce": -1},
        {"replay_nonce": 2**64},
    ):
        with pytest.raises(InputError):
            world.account.build(to=world.friend.address, amount="1", **options)


def test_options(world: Any) -> None:
    transaction = world.account.build(
        to=world.friend.address,
        amount="1",
        sequence_number=5,
        gas_unit_price=150,
        max_gas_amount=2000,
        expiration=30,
    )
    raw = raw_of(transaction)
    assert (raw.sequence_number, raw.gas_unit_price, raw.max_gas_amount) == (5, 150, 2000)
    assert raw_of(world.account.build(to=world.friend.address, amount="1", nonce=5)).sequence_number == 5
    assert raw_of(world.account.build(to=world.friend.address, amount="1", speed="fast")).gas_unit_price == 150
    world.account.send(to=world.friend.address, amount="1").wait()
    for options, words in (
        ({"sequence_number": 0}, "used already"),
        ({"sequence_number": 1, "nonce": 1}, "two names"),
        ({"max_gas_amount": 1}, "simulation used"),
        ({"max_gas_amount": 2_000_001}, "max_gas_amount"),
        ({"gas_unit_price": 0}, "gas_unit_price"),
        ({"gas_unit_price": 1.5}, "gas_unit_price"),
        ({"expiration": 90_000}, "expiration"),
        ({"fee_payer": world.account.address}, "named twice"),
        ({"secondary_signers": [world.friend.address] * 2}, "named twice"),
        ({"secondary_signers": world.friend.address}, "list"),
        ({"fee_payer": "nobody"}, "address"),
        ({"no_such": 1}, "unknown option"),
    ):
        with pytest.raises(InputError, match=words):
            world.account.build(to=world.friend.address, amount="1", **options)
    with pytest.raises(Unsupported, match="memo"):
        world.account.build(to=world.friend.address, amount="1", memo="hi")
    with pytest.raises(InputError, match="max_fee"):
        world.account.build(to=world.friend.address, amount="1", max_fee="0.000001")


def build(world: Any, chain: Aptos, to: str, **native: Any) -> UnsignedTransaction:
    holder = world.account._operations.holder
    payment = Payment(to, Amount(0, world.account.network.native))
    result: UnsignedTransaction = world.run(chain.build(holder, (payment,), Options(native=native)))
    return result


def test_any_function_can_be_called(world: Any, chain: Aptos) -> None:
    transaction = build(
        world,
        chain,
        "0x1",
        function="0x1::aptos_account::transfer",
        arguments=[("address", world.friend.address), ("u64", 77)],
    )
    assert [(a.kind, a.to, a.amount.units) for a in transaction.summary.actions if a.amount] == [
        ("transfer", world.friend.address, 77)
    ]
    world.account.broadcast(world.account.sign(transaction)).wait()
    assert world.friend.balance().available.units == 77
    # Not among the functions known to the family, so its module's ABI is asked and the summary warns.
    unknown = build(
        world, chain, "0x1", function="0x1::aptos_account::set_allow_direct_coin_transfers", arguments=[("bool", False)]
    )
    assert [action.kind for action in unknown.summary.actions] == ["call"]
    assert "0x1::aptos_account::set_allow_direct_coin_transfers" in unknown.summary.warnings[0]
    assert world.account.broadcast(world.account.sign(unknown)).wait().status is Status.CONFIRMED
    created = build(
        world, chain, "0x1", function="0x1::aptos_account::create_account", arguments=[("address", world.third.address)]
    )
    assert [(action.kind, action.to) for action in created.summary.actions] == [("create-account", world.third.address)]
    assert not created.summary.warnings


def test_a_payload_in_bcs_can_be_called(world: Any) -> None:
    call = functions.call("0x1::aptos_account::transfer", (), (world.friend.address, 5))
    for payload in (Payload(call), Payload(call, None, 9, inner=True)):
        transaction = world.account.build(to="0x1", amount="0", data=payload.encode().hex())
        assert call_of(transaction) == call
        assert world.account.broadcast(world.account.sign(transaction)).wait().status is Status.CONFIRMED
    assert world.friend.balance().available.units == 10
    with pytest.raises(InputError, match="says itself"):
        world.account.build(to="0x1", amount="0", data=payload.encode(), orderless=True)
    for broken in (
        "00",
        b"",
        "zz",
        Payload(Script(b"code")).encode(),
        5,
        Payload(call, None, None, inner=True).encode(),
    ):
        with pytest.raises((InputError, Unsupported)):
            world.account.build(to="0x1", amount="0", data=broken)


def test_calls_that_are_refused(world: Any, chain: Aptos) -> None:
    name = "0x1::aptos_account::transfer"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"function": "0x2::m::f"}, "address of the called module"),
        ({"function": "transfer"}, "0x1::module::function"),
        ({"arguments": []}, "function="),
        ({"function": name, "arguments": [5]}, "pair of type and value"),
        ({"function": name, "arguments": [("u64", -1)]}, "u64"),
        ({"function": name, "arguments": [("u63", 1)]}, "no Move type"),
        ({"function": name, "arguments": "x"}, "list"),
        ({"function": name, "type_arguments": ["u65"]}, "no Move type"),
        ({"function": name, "data": b"x"}, "not both"),
        ({"function": "0x1::aptos_account::no_such"}, "no function"),
        ({"function": "0x1::no_module::no_such"}, "no module"),
        ({"function": name, "arguments": [("u64", 1)]}, "2 arguments"),
    ]
    for native, words in wrong:
        with pytest.raises(InputError, match=words):
            build(world, chain, "0x1", **native)
    with pytest.raises(InputError, match="no coins of its own"):
        world.account.build(to="0x1", amount="1", function=name)
    with pytest.raises(Reverted, match="EINSUFFICIENT_BALANCE"):
        build(world, chain, "0x1", function=name, arguments=[("address", "0x5"), ("u64", 10**12)])


def test_money_that_is_not_there(world: Any) -> None:
    with pytest.raises(InsufficientFunds) as caught:
        world.friend.build(to=world.account.address, amount="1")
    assert caught.value.available.units == 0
    assert caught.value.needed.units >= 10**8
    with pytest.raises(InsufficientFunds):
        world.friend.build(to=world.account.address, amount="max")
    with pytest.raises(InsufficientFunds) as caught:
        world.account.build(to=world.friend.address, amount="5")
    assert caught.value.needed.units > 5 * 10**8
    # What is left after the payment is less than the margin, but enough for the gas.
    almost = world.account.build(to=world.friend.address, amount="4.9995")
    assert almost.fee.maximum.units <= 50_000
    world.account.broadcast(world.account.sign(almost)).wait()
    with pytest.raises(AmountError):
        world.account.build(to=world.friend.address, amount=Amount(2**64, world.account.network.native))


class _Lying:
    """The devnet, some of whose answers are others."""

    def __init__(self, inner: Any, **lies: Any) -> None:
        self.inner, self.lies = inner, lies

    def perform(self, effects: Any) -> list[Any]:
        return [
            self.lies[effect.path.rsplit("/")[-1] or "root"]
            if isinstance(effect, Rest) and (effect.path.rsplit("/")[-1] or "root") in self.lies
            else outcome
            for effect, outcome in zip(effects, self.inner.perform(effects), strict=True)
        ]


@pytest.mark.parametrize(
    "lies",
    [
        {"root": {"chain_id": 2, "ledger_timestamp": "1", "ledger_version": "1", "block_height": "1"}},
        {"root": []},
        {"estimate_gas_price": {"gas_estimate": "x"}},
        {"estimate_gas_price": {"gas_estimate": 0}},
        {"estimate_gas_price": {"gas_estimate": 10**7}},
        {"estimate_gas_price": {"gas_estimate": 10**30}},
        {"estimate_gas_price": None},
        {"simulate": []},
        {"simulate": [{}]},
        {"simulate": [5]},
        {"simulate": [{"success": True, "gas_used": "-1"}]},
        {"simulate": [{"success": True, "gas_used": str(10**9)}]},
        {"simulate": [{"success": "yes", "gas_used": "5", "vm_status": {"a": 1}}]},
        {"simulate": Rejected("no", node_code=400, data={"error_code": "invalid_input"})},
        {"0x1::aptos_coin::AptosCoin": "12"},
        {"0x1::aptos_coin::AptosCoin": -1},
        {"0x1::aptos_coin::AptosCoin": True},
    ],
    ids=lambda lies: str(lies)[:60],
)
def test_a_node_that_lies_gets_no_transaction(world: Any, chain: Aptos, lies: dict[str, Any]) -> None:
    from multiwallet.ops import run

    holder = world.account._operations.holder
    payment = Payment(world.friend.address, Amount(10**8, world.account.network.native))
    with pytest.raises((BadResponse, InputError, Rejected, Reverted, InsufficientFunds)):
        run(chain.build(holder, (payment,), Options()), _Lying(world.devnet, **lies).perform)


def test_an_account_that_no_node_knows_has_the_number_zero(world: Any, chain: Aptos) -> None:
    """Nodes before AIP-115 answered 404 for an account that nothing was sent to."""
    from multiwallet.ops import run

    missing = Rejected("account not found", node_code=404, data={"error_code": "account_not_found"})
    holder = world.account._operations.holder
    payment = Payment(world.friend.address, Amount(10**8, world.account.network.native))
    lying = _Lying(world.devnet, **{world.account.address: missing})
    transaction = run(chain.build(holder, (payment,), Options()), lying.perform)
    assert raw_of(transaction).sequence_number == 0


def test_a_sponsored_account_can_pay_all_that_it_has(world: Any) -> None:
    world.devnet.fund(world.third, "1")
    for amounts in (("2", "3"), ("5",), ("max",)):
        transfers = [Transfer(world.friend.address, amount) for amount in amounts]
        transaction = world.account.build(*transfers, fee_payer=world.third.address)
        assert sum(action.amount.units for action in transaction.summary.actions) == 5 * 10**8
    with pytest.raises(InsufficientFunds, match=world.account.address):
        world.account.build(to=world.friend.address, amount="5.1", fee_payer=world.third.address)
    with pytest.raises(InsufficientFunds, match=world.account.address):
        world.account.build(
            Transfer(world.friend.address, "3"), Transfer(world.friend.address, "3"), fee_payer=world.third.address
        )


def test_generic_functions_are_submitted_by_their_modules_abi(chain: Aptos) -> None:
    from multiwallet.chains.aptos import answers
    from multiwallet.chains.aptos.type_tags import parse_type

    types = (parse_type("u8"), parse_type("0x5::a::T1"))
    call = EntryFunction(bytes(31) + b"\x07", "m", "f", types)
    item = {
        "name": "f",
        "is_entry": True,
        "params": ["&signer", "T0"],
    }

    def read(**changes: Any) -> list[str]:
        abi = {"abi": {"exposed_functions": [{"name": "other"}, 5, {**item, **changes}]}}
        return [str(tag) for tag in answers.module_function(call, abi)]

    assert read(params=["&signer", "T0", "vector<T1>"]) == ["u8", "vector<0x5::a::T1>"]
    assert read(params=["0x5::XT0::T0x"]) == ["0x5::XT0::T0x"]
    with pytest.raises(InputError, match="no entry function"):
        read(is_entry=False)
    for params in (None, [5], ["&mut u8"], ["T9"]):
        with pytest.raises(BadResponse):
            read(params=params)
    for answer in (None, {}, {"abi": {}}, {"abi": {"exposed_functions": 5}}):
        with pytest.raises(BadResponse):
            answers.module_function(call, answer)
