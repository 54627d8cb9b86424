"""Both sources on one real engine: Bitcoin Core's consensus code, asked as Esplora and as Bitcoin Core."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("pbk", reason="the devnet's Bitcoin engine is not installed: pip install multiwallet-sdk[devnet]")

from multiwallet import Transfer, Wallet
from multiwallet.chains.bitcoin.scan import refresh
from multiwallet.chains.bitcoin.script import KEY_KINDS
from multiwallet.devnet import Devnet
from multiwallet.errors import BadResponse, BroadcastUncertain, InsufficientFunds
from multiwallet.ops import run
from multiwallet.transactions import Status

WORDS = "test test test test test test test test test test test junk"
ENDPOINTS = {"esplora": "https://esplora.example/api", "core": "core+http://127.0.0.1:8332"}


@pytest.fixture
def devnet():
    with Devnet(automine=False) as devnet:
        yield devnet


def open_account(devnet, source, **which):
    wallet = Wallet.from_mnemonic(WORDS, transport=devnet, endpoints={"bitcoin": ENDPOINTS[source]})
    return wallet.account("bitcoin", **which)


def state_of(account, devnet):
    return run(refresh(account._operations.holder), devnet.perform).state


@pytest.mark.parametrize("source", ENDPOINTS)
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_a_life_of_an_account(devnet, source, kind):
    account = open_account(devnet, source, kind=kind)
    other = open_account(devnet, "core" if source == "esplora" else "esplora", kind=kind)
    payee = open_account(devnet, source, kind="p2wpkh", account=5, index=0)
    devnet.fund(account, "0.4")
    assert account.balance().available.text == "0.4"
    devnet.fund(account, "0.5")  # the next address
    assert other.balance() == account.balance()

    receipt = account.send(Transfer(payee.address, "0.6"), Transfer(payee.address, "0.1"), memo="hello")
    fee = account.status(receipt.txid).fee
    left = account.balance()
    assert left.available.units == 20_000_000 - fee.units
    assert payee.balance().pending.text == "0.7"
    with pytest.raises(InsufficientFunds):
        payee.build(to=account.address, amount="0.1")
    assert state_of(account, devnet).coins == state_of(other, devnet).coins  # own change, known by its origin
    again = account.send(to=payee.address, amount="0.05")  # spends that change before any block
    assert account.balance().available < left.available
    assert state_of(account, devnet).coins == state_of(other, devnet).coins

    devnet.mine("bitcoin", 3)
    for txid in (receipt.txid, again.txid):
        for asked in (account, other):
            found = asked.status(txid)
            assert (found.status, found.confirmations) == (Status.CONFIRMED, 3)
    assert payee.balance().available.text == "0.75"
    assert account.balance() == other.balance()
    swept = account.send(to=payee.address, amount="max")
    devnet.mine("bitcoin")
    assert swept.wait().confirmations == 1
    assert account.balance().total.units == other.balance().total.units == 0


@pytest.mark.parametrize("source", ENDPOINTS)
def test_a_lost_answer_then_the_same_bytes(devnet, source):
    account = open_account(devnet, source)
    devnet.fund(account, "1")
    signed = account.sign(account.build(to=account.address, amount="0.3"))
    devnet.lose_answers("bitcoin", 1)
    with pytest.raises(BroadcastUncertain) as error:
        account.broadcast(signed)
    assert error.value.txid == signed.txid
    assert account.status(signed.txid).status is Status.PENDING
    assert account.broadcast(signed).txid == signed.txid
    devnet.mine("bitcoin")
    assert account.broadcast(signed).txid == signed.txid
    assert account.wait(signed.txid).confirmations == 1


@pytest.mark.parametrize("source", ENDPOINTS)
def test_a_reorganisation_and_a_dropped_transaction(devnet, source):
    account = open_account(devnet, source)
    payee = open_account(devnet, source, account=9, index=0)
    devnet.fund(account, "1")
    signed = account.sign(account.build(to=payee.address, amount="0.3"))
    account.broadcast(signed)
    devnet.mine("bitcoin")
    assert account.status(signed.txid).status is Status.CONFIRMED
    after = account.balance()
    devnet.reorg("bitcoin", 1)
    assert account.status(signed.txid).status is Status.PENDING
    assert account.balance() == after
    assert devnet.drop("bitcoin", signed.txid)
    assert account.status(signed.txid).status is Status.UNKNOWN
    assert payee.balance().total.units == 0
    assert account.broadcast(signed).txid == signed.txid  # the same bytes once more
    devnet.mine("bitcoin")
    assert payee.balance().available.text == "0.3"
    assert account.balance() == after


def test_a_dropped_transaction_gives_its_coins_back_two_blocks_later(devnet):
    account = open_account(devnet, "esplora")
    devnet.fund(account, "1")
    receipt = account.send(to=account.address, amount="0.3")
    devnet.drop("bitcoin", receipt.txid)
    assert account.balance().total.units == 0
    devnet.mine("bitcoin", 2)
    assert account.balance().available.text == "1"


def test_another_network_is_noticed(devnet):
    class Misrouted:
        def perform(self, effects):
            return devnet.perform(
                [replace(effect, network="bip122:12a765e31ffd4059bada1e25190f6e98") for effect in effects]
            )

    wallet = Wallet.from_mnemonic(WORDS, transport=Misrouted(), endpoints={"bitcoin": ENDPOINTS["core"]})
    with pytest.raises(BadResponse, match="does not serve Bitcoin"):
        wallet.account("bitcoin").balance()
