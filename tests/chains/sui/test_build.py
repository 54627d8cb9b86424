"""Building: which coins pay, what the bytes say, prices, sponsors, options and refusals before and after I/O."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from multiwallet import Account, Amount, Asset, Transfer, Wallet
from multiwallet.chains.sui.transaction import TransactionData
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidTransaction,
    MultiwalletError,
    Rejected,
    Reverted,
    SigningRefused,
    Unsupported,
)
from multiwallet.testing import FakeTransport, refusal
from multiwallet.transactions import Status, UnsignedTransaction

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture
def devnet() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def wallet(devnet: Devnet) -> Wallet:
    return Wallet.from_mnemonic(WORDS, transport=devnet)


def _account(wallet: Wallet, index: int = 0, kind: str = "ed25519") -> Account:
    return wallet.account("sui", index=index, kind=kind)


def _data(transaction: UnsignedTransaction) -> TransactionData:
    return TransactionData.decode(transaction.body)


def _paid(transaction: UnsignedTransaction) -> list[tuple[str | None, str]]:
    return [(action.to, str(action.amount)) for action in transaction.summary.actions]


def test_sui_comes_out_of_the_gas_coins_and_as_few_are_taken_as_do(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _account(wallet), _account(wallet, 1)
    for amount in ("1", "2", "3", "0.5"):
        devnet.fund(account, amount)
    one = account.build(to=friend.address, amount="2.5")
    assert len(_data(one).gas.payment) == 1
    assert [command.kind for command in _data(one).commands] == ["SplitCoins", "TransferObjects"]
    three = account.build(to=friend.address, amount="5.5")
    assert len(_data(three).gas.payment) == 3
    account.broadcast(account.sign(three)).wait()
    assert str(friend.balance()) == "5.5 SUI"
    left = account.send(to=friend.address, amount="max").wait()
    assert left.final
    assert account.balance().total.units == 0


def test_many_coins_are_merged_in_many_arguments(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _account(wallet), _account(wallet, 1)
    for _ in range(610):
        devnet.fund(account, "0.01")
    everything = account.build(to=friend.address, amount="max")
    data = _data(everything)
    assert len(data.gas.payment) == 255
    assert [command.kind for command in data.commands] == ["MergeCoins", "TransferObjects"]
    assert len(data.commands[0].arguments) == 355
    assert len(data.encode()) < 128 * 1024
    token = devnet.deploy_token("sui", symbol="MANY", decimals=2)
    for _ in range(520):
        devnet.fund_token(account, "1", token)
    paid = account.build(to=friend.address, amount="519.5", asset=token)
    kinds = [command.kind for command in _data(paid).commands]
    assert kinds == ["MoveCall", "MergeCoins", "MergeCoins", "SplitCoins", "TransferObjects"]
    account.broadcast(account.sign(paid)).wait()
    assert friend.balance(token).available.text == "519.5"
    account.broadcast(account.sign(account.build(to=friend.address, amount="max", asset=token))).wait()
    assert friend.balance(token).available.text == "520"
    receipt = account.send(to=friend.address, amount="max").wait()
    assert receipt.fee == Amount(0, account.network.native)  # what deleting 600 coins gives back is more than it costs
    assert friend.balance().available.units > 6 * 10**9


def test_too_many_coins_are_refused(devnet: Devnet, wallet: Wallet) -> None:
    account = _account(wallet)
    for _ in range(1520):
        devnet.fund(account, "0.01")
    refusal(Unsupported, account.build, to=_account(wallet, 1).address, amount="max")


def test_several_payments_of_several_coins_are_one_transaction(devnet: Devnet, wallet: Wallet) -> None:
    account, friend, other = (_account(wallet, index) for index in range(3))
    devnet.fund(account, "10")
    usdc = devnet.deploy_token("sui", symbol="USDC", decimals=6, holder=account)
    gold = devnet.deploy_token("sui", symbol="GOLD", decimals=0, holder=account, supply="7")
    transaction = account.build(
        Transfer(friend.address, "1"),
        Transfer(other.address, "12.5", usdc),
        Transfer(other.address, "2"),
        Transfer(friend.address, "3", gold),
        Transfer(friend.address, "0.25", usdc),
    )
    assert transaction.summary.warnings == ()
    assert sorted(_paid(transaction), key=str) == sorted(
        [
            (friend.address, "1 SUI"),
            (other.address, "2 SUI"),
            (other.address, "12.5 USDC"),
            (friend.address, "0.25 USDC"),
            (friend.address, "3 GOLD"),
        ],
        key=str,
    )
    account.broadcast(account.sign(transaction)).wait()
    assert [str(friend.balance(item)) for item in (None, usdc, gold)] == ["1 SUI", "0.25 USDC", "3 GOLD"]
    assert [str(other.balance(item)) for item in (None, usdc)] == ["2 SUI", "12.5 USDC"]


def test_a_sponsor_pays_for_the_gas_and_both_sign(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _account(wallet), _account(wallet, 1)
    sponsor = _account(wallet, 2, "secp256k1")
    devnet.fund(account, "5")
    devnet.fund(sponsor, "1")
    transaction = account.build(to=friend.address, amount="5", sponsor=sponsor.address)
    assert transaction.summary.details["gas owner"] == sponsor.address
    assert transaction.summary.warnings == ()
    half = account.sign(transaction)
    assert not half.complete
    refusal(InvalidTransaction, account.broadcast, half)
    refusal(SigningRefused, account.sign, half.to_wire())
    refusal(SigningRefused, friend.sign, half.to_wire())
    read = sponsor.read(half.to_wire())
    assert read.sender == account.address
    whole = sponsor.sign(UnsignedTransaction.from_json(read.to_json()))
    assert whole.complete
    assert whole.txid == half.txid
    other_way = account.sign(sponsor.sign(transaction.body).to_wire())
    assert other_way.raw == whole.raw
    receipt = account.broadcast(whole).wait()
    assert receipt.fee is not None
    assert friend.balance().available.text == "5"
    assert account.balance().total.units == 0
    assert sponsor.balance().total + receipt.fee == account.network.amount("1")
    refusal(InputError, account.build, to=friend.address, amount="1", sponsor=account.address)


def test_a_sponsored_transaction_that_spends_the_sponsors_coins_is_warned_of(devnet: Devnet, wallet: Wallet) -> None:
    account, sponsor = _account(wallet), _account(wallet, 1)
    devnet.fund(sponsor, "5")
    data = _data(sponsor.build(to=account.address, amount="4"))
    from dataclasses import replace

    from multiwallet.chains.sui import addresses

    stolen = replace(data, sender=addresses.to_bytes(account.address))
    warnings = sponsor.read(stolen.encode()).summary.warnings
    assert any("beyond the gas itself" in text and sponsor.address in text for text in warnings)


def test_options(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _account(wallet), _account(wallet, 1)
    for amount in ("1", "2"):
        devnet.fund(account, amount)

    def build(**options: Any) -> TransactionData:
        return _data(account.build(to=friend.address, amount="0.5", **options))

    first = build()
    taken = [ref.name for ref in first.gas.payment]
    other = build(exclude=taken)
    assert [ref.name for ref in other.gas.payment] != taken
    assert build(coins=taken).gas.payment == first.gas.payment
    assert build(coins=[name.split("@")[0] for name in taken]).gas.payment == first.gas.payment
    refusal(InsufficientFunds, build, coins=taken, exclude=taken)
    assert build(gas_price=5000).gas.price == 5000
    assert build(speed="fast").gas.price == 2 * first.gas.price
    assert build(gas_budget=20_000_000).gas.budget == 20_000_000
    assert build(gas_budget=account.network.amount("0.02")).gas.budget == 20_000_000
    refusal(MultiwalletError, build, gas_budget=10)
    refusal(InputError, build, gas_budget=1_500_000)
    assert first.expiration == 901
    assert build(expiration=None).expiration is None
    assert build(expiration=0).expiration == 900
    bad: list[dict[str, Any]] = [
        {"coins": "0x"},
        {"coins": ["0x12"]},
        {"exclude": [5]},
        {"expiration": -1},
        {"expiration": 1.5},
        {"gas_price": "5"},
        {"gas_budget": True},
        {"sponsor": "0x2"},
        {"data": "!"},
        {"data": b""},
        {"unknown": 1},
    ]
    for options in bad:
        refusal(InputError, build, **options)
    refusal(Unsupported, build, memo="hello")
    refusal(AmountError, account.build, to=friend.address, amount="0")


def test_what_is_asked_is_checked_before_anything_is_asked() -> None:
    fake = FakeTransport()
    account = _account(Wallet.from_mnemonic(WORDS, transport=fake))
    network = account.network
    token = Asset(f"{network.id}/coin:0x5%3A%3Aa%3A%3AB", "B", 0)
    wrong = Asset(f"{network.id}/erc20:0x5", "B", 0)
    refusal(Unsupported, account.build, Transfer(account.address, "max"), Transfer(account.address, "1"))
    refusal(MultiwalletError, account.build, to=account.address, amount=Amount(1, wrong), asset=wrong)
    refusal(AmountError, account.build, to=account.address, amount=Amount(2**64, token), asset=token)
    refusal(Unsupported, account.build, *[Transfer(account.address, "1")] * 501)
    assert not any("simulateTransaction" in str(effect) for effect in fake.asked)


def test_money_that_does_not_suffice_is_told_of(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _account(wallet), _account(wallet, 1)
    refusal(InsufficientFunds, account.build, to=friend.address, amount="max")
    refusal(InsufficientFunds, account.build, to=friend.address, amount="1")
    devnet.fund(account, "0.001")
    error = refusal(InsufficientFunds, account.build, to=friend.address, amount="0.0005")
    assert error.needed is not None
    assert error.needed > account.network.amount("0.001")
    refusal(InsufficientFunds, account.build, to=friend.address, amount="0.001")
    devnet.fund(account, "1")
    token = devnet.deploy_token("sui", symbol="T", decimals=2, holder=account, supply="5")
    error = refusal(InsufficientFunds, account.build, to=friend.address, amount="5.01", asset=token)
    assert (str(error.needed), str(error.available)) == ("5.01 T", "5 T")
    left = account.build(to=friend.address, amount="0.9")
    assert account.broadcast(account.sign(left)).wait().status is Status.CONFIRMED
    tight = account.build(to=friend.address, amount=account.balance().available - account.network.amount("0.0015"))
    assert tight.fee.maximum == account.network.amount("0.0015")
    assert account.broadcast(account.sign(tight)).wait().status is Status.CONFIRMED


def test_a_program_of_the_callers_own(devnet: Devnet, wallet: Wallet) -> None:
    account = _account(wallet)
    devnet.fund(account, "1")
    devnet.fund(account, "2")
    data = _data(account.build(to=account.address, amount="0.5"))
    coin = data.gas.payment[0]
    call = (
        b"\x00\x01\x01\x00"
        + coin.encode()
        + b"\x01\x00"
        + bytes(31)
        + b"\x02\x04coin\x05value\x01\x07"
        + bytes(31)
        + b"\x02\x03sui\x03SUI\x00\x01\x01\x00\x00"
    )
    package = "0x" + "0" * 63 + "2"
    for form in (call, base64.b64encode(call).decode()):
        made = account.build(to=package, amount="0", data=form)
        assert coin.id not in {ref.id for ref in _data(made).gas.payment}
    assert made.summary.warnings == ("this does nothing but cost gas",)
    assert account.broadcast(account.sign(made)).wait().status is Status.CONFIRMED
    refusal(InputError, account.build, to=account.address, amount="0", data=call)
    refusal(InputError, account.build, to=package, amount="1", data=call)
    wrong = call.replace(b"value", b"burnt")
    refusal(MultiwalletError, account.build, to=package, amount="0", data=wrong)


def test_a_lying_node_gets_no_runaway_fee_and_no_other_chain(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _account(wallet), _account(wallet, 1)
    devnet.fund(account, "9")

    class Lies:
        def __init__(self, change: Any) -> None:
            self.change = change

        def perform(self, effects: Any) -> list[Any]:
            outcomes = devnet.perform(effects)
            for outcome in outcomes:
                self.change(outcome["data"])
            return outcomes

    def lying(change: Any) -> Account:
        return _account(Wallet.from_mnemonic(WORDS, transport=Lies(change)))

    def dear(data: Any) -> None:
        if "simulateTransaction" in data:
            data["simulateTransaction"]["effects"]["gasEffects"]["gasSummary"]["storageCost"] = 3 * 10**9

    def price(data: Any) -> None:
        if "epoch" in data:
            data["epoch"]["referenceGasPrice"] = str(10**7)

    def chain(data: Any) -> None:
        if "chainIdentifier" in data:
            data["chainIdentifier"] = "4c78adac"

    def fails(data: Any) -> None:
        if "simulateTransaction" in data:
            data["simulateTransaction"]["effects"] |= {
                "status": "FAILURE",
                "executionError": {"message": "no\n\x00" * 999},
            }

    def coin(data: Any) -> None:
        if "address" in data and data["address"].get("objects"):
            for node in data["address"]["objects"]["nodes"]:
                node["contents"]["type"]["repr"] = "0x2::coin::Coin<0x3::a::B>"

    def loop(data: Any) -> None:
        if "address" in data and data["address"].get("objects"):
            data["address"]["objects"]["pageInfo"] = {"hasNextPage": True, "endCursor": "x"}

    refusal(InputError, lying(dear).build, to=friend.address, amount="1")
    assert lying(dear).build(to=friend.address, amount="1", max_fee="4").fee.maximum.units > 3 * 10**9
    refusal(InputError, lying(price).build, to=friend.address, amount="1")
    refusal(BadResponse, lying(chain).build, to=friend.address, amount="1")
    error = refusal(Reverted, lying(fails).build, to=friend.address, amount="1")
    assert error.message.isprintable()
    assert len(error.message) < 500
    refusal(BadResponse, lying(coin).build, to=friend.address, amount="1")
    refusal(BadResponse, lying(loop).build, to=friend.address, amount="max")


def test_a_refused_simulation_is_shown(devnet: Devnet, wallet: Wallet) -> None:
    account = _account(wallet)
    devnet.fund(account, "1")
    error = refusal(Rejected, account.build, to=account.address, amount="0.1", gas_price=1)
    assert "reference gas price" in error.message
