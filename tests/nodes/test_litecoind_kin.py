"""Rows with switches against a real node: litecoind on regtest, spoken to as a network without segregated witness.

Dogecoin and Dash have the transactions and signatures that Litecoin had before segwit, so a row like theirs, with the
genesis hash and version bytes of Litecoin's regtest, runs the same code there. Dust limits and the node's own
addresses, fees and messages are asked of the node, too.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import pytest

from multiwallet import Transfer, Wallet, network, verify_message
from multiwallet.chains.bitcoin.addresses import script_of
from multiwallet.chains.bitcoin.fees import least_output
from multiwallet.chains.bitcoin.psbt import Psbt, PsbtInputSource
from multiwallet.errors import AmountError, InputError, InvalidAddress, Unsupported

WORDS = "test test test test test test test test test test test junk"
numbers = itertools.count(5_000)


def old_row(**changes):
    """Litecoin's regtest as a row like Dogecoin's and Dash's."""
    row = network("litecoin-regtest")
    left_out = ("hrp", "slip132")
    params = {key: value for key, value in row.params.items() if key not in left_out}
    return replace(row, params=MappingProxyType(params | {"kinds": ["p2pkh"], "replacement": False} | changes))


@pytest.fixture
def node(litecoind):
    """The shared node, with coins to give away."""
    litecoind.mine(1)
    for _ in range(3):
        if litecoind.rpc("getbalance") < 50:
            litecoind.mine(101)
    return litecoind


def opened(node, row):
    return Wallet.from_mnemonic(
        WORDS, endpoints={row.name: node.url.replace("http://", f"core+http://{node.user}:{node.password}@")}
    )


def test_an_old_network_receives_spends_and_finds_its_change(node):
    row = old_row()
    with opened(node, row) as wallet:
        account = wallet.account(row, account=next(numbers))
        assert account.kind == "p2pkh"
        node.rpc("sendtoaddress", account.address, "2")
        node.rpc("sendtoaddress", account.address, "1")
        node.mine(1)
        assert account.balance().available.text == "3"
        to = [node.rpc("getnewaddress", "", "legacy"), node.rpc("getnewaddress", "", "p2sh-segwit")]
        receipt = account.send(Transfer(to[0], "1.5"), Transfer(to[1], "0.25"), memo="hello")
        entry = node.rpc("getmempoolentry", receipt.txid)
        assert entry["bip125-replaceable"] is False
        fee = int(Decimal(str(entry["fees"]["base"])).scaleb(8))
        node.mine(1)
        assert account.status(receipt.txid).confirmations == 1
        assert [Decimal(str(node.rpc("getreceivedbyaddress", address))) for address in to] == [
            Decimal("1.5"),
            Decimal("0.25"),
        ]
        assert account.balance().available.units == 125_000_000 - fee
        swept = account.send(to=to[0], amount="max")
        node.mine(1)
        assert account.status(swept.txid).confirmations == 1
        assert account.balance().total.units == 0


def test_a_message_of_an_old_network_is_good_for_the_node(node):
    row = old_row()
    with opened(node, row) as wallet:
        account = wallet.account(row, account=next(numbers), index=0)
        signature = account.sign_message("hello")
        assert node.rpc("verifymessage", account.address, signature, "hello") is True
        assert node.rpc("verifymessage", account.address, signature, "hullo") is False
        theirs = node.rpc("getnewaddress", "", "legacy")
        assert account.verify_message("hello", node.rpc("signmessage", theirs, "hello")) is False
        assert verify_message(row, theirs, "hello", node.rpc("signmessage", theirs, "hello"))


def test_what_an_old_network_does_not_have_is_refused_before_anything_is_asked(node):
    row = old_row()
    with opened(node, row) as wallet:
        account = wallet.account(row, account=next(numbers), index=0)
        with pytest.raises(InputError, match="no address kind"):
            wallet.account(row, kind="p2wpkh")
        with pytest.raises(InvalidAddress):
            account.build(to=node.rpc("getnewaddress", "", "bech32"), amount="1")
        with pytest.raises(Unsupported, match="rbf"):
            account.build(to=account.address, amount="1", rbf=True)


@pytest.mark.parametrize("kind", ["legacy", "p2sh-segwit", "bech32"])
def test_the_least_output_is_the_least_that_the_node_relays(node, kind):
    """Ours is the node's own limit to the unit, for each kind of script."""
    row = network("litecoin-regtest")
    with opened(node, row) as wallet:
        account = wallet.account(row.name, account=next(numbers), kind="p2wpkh", index=0)
        node.rpc("sendtoaddress", account.address, "1")
        node.mine(1)
        to = node.rpc("getnewaddress", "", kind)
        least = least_output(row, script_of(row, to))
        built = account.build(to=to, amount=f"0.{least:08d}")
        (answer,) = node.rpc("testmempoolaccept", [account.sign(built).to_wire()])
        assert answer["allowed"], answer
        with pytest.raises(AmountError, match="the least for this address"):
            account.build(to=to, amount=f"0.{least - 1:08d}")
        # One unit less, made without our check: the node says dust.
        spent = Psbt.parse(built.body)
        sources = [
            PsbtInputSource(txin.outpoint, output.amount, output.script, txin.sequence, account.public_key)
            for txin, output in zip(spent.transaction.inputs, spent.spent, strict=True)
            if output is not None
        ]
        outputs = [
            (script_of(row, to), least - 1, None, None),
            (sources[0].script, sources[0].amount - 100_000, None, None),
        ]
        signed = account.sign(Psbt.create(sources, outputs).serialize())
        (answer,) = node.rpc("testmempoolaccept", [signed.to_wire()])
        assert (answer["allowed"], answer["reject-reason"]) == (False, "dust")


def test_a_row_may_ask_for_more_than_the_node(node):
    """Dogecoin's two switches: a least fee rate and a least amount for every output."""
    row = old_row(min_relay_rate=250_000, dust_limit=1_000_000)
    with opened(node, row) as wallet:
        account = wallet.account(row, account=next(numbers))
        node.rpc("sendtoaddress", account.address, "1")
        node.mine(1)
        with pytest.raises(AmountError, match=r"0\.01 LTC"):
            account.build(to=account.address, amount="0.00999999")
        built = account.build(to=account.address, amount="0.5")
        assert built.fee.expected.units == 250 * built.fee.details["vsize"]
        (answer,) = node.rpc("testmempoolaccept", [account.sign(built).to_wire()])
        assert answer["allowed"], answer
