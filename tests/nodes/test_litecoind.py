"""The Bitcoin family against a real node: litecoind, a fork of Bitcoin Core 0.21, on regtest.

Each test uses account numbers of its own, so that all share one node.
"""

from __future__ import annotations

import asyncio
import itertools
from base64 import b64decode, b64encode
from decimal import Decimal

import pytest

from multiwallet import AsyncWallet, Mnemonic, Transfer, Wallet
from multiwallet.codec import base58
from multiwallet.errors import (
    BadResponse,
    InputError,
    InsufficientFunds,
    MultiwalletError,
    Rejected,
    Timeout,
)
from multiwallet.keys.hd import ExtendedKey
from multiwallet.transactions import Status

WORDS = "test test test test test test test test test test test junk"
NETWORK = "litecoin-regtest"
KINDS = ["p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh"]
numbers = itertools.count()


def endpoint(node):
    return node.url.replace("http://", f"core+http://{node.user}:{node.password}@")


def open_wallet(node, words=WORDS):
    return Wallet.from_mnemonic(words, endpoints={NETWORK: endpoint(node)})


@pytest.fixture
def node(litecoind):
    """The shared node, with coins to give away and an empty mempool."""
    litecoind.mine(1)
    for _ in range(3):  # what a block pays is halved every 150 blocks, so this does not go on for ever
        if litecoind.rpc("getbalance") < 50:
            litecoind.mine(101)
    return litecoind


@pytest.fixture
def wallet(node):
    with open_wallet(node) as wallet:
        yield wallet


def fund(node, address, amount, *, mine=True):
    txid = node.rpc("sendtoaddress", address, amount)
    if mine:
        node.mine(1)
    return txid


def received(node, address):
    """What the node's own wallet got at an address, unconfirmed included, in the smallest unit."""
    return int(Decimal(str(node.rpc("getreceivedbyaddress", address, 0))).scaleb(8))


def accepted(node, signed):
    (answer,) = node.rpc("testmempoolaccept", [signed.to_wire()])
    assert answer["allowed"], answer
    assert answer["txid"] == signed.txid
    return answer


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "single"])
@pytest.mark.parametrize("kind", KINDS)
def test_receive_and_spend(node, wallet, kind, whole):
    number = next(numbers)
    account = wallet.account(NETWORK, kind=kind, account=number, **({} if whole else {"index": 4}))
    assert account.balance().total.units == 0
    first = account.address
    fund(node, first, "0.3")
    assert account.balance().available.text == "0.3"
    assert (account.address == first) is not whole  # the next unused address, or the only one
    fund(node, account.address, "0.4", mine=False)
    found = account.balance()
    assert (found.available.text, found.pending.text) == ("0.3", "0.4")
    with pytest.raises(InsufficientFunds):
        account.build(to=first, amount="0.5")
    node.mine(1)
    assert account.balance().available.text == "0.7"

    # Two payments and a memo, of both coins, with change.
    payees = [node.rpc("getnewaddress"), node.rpc("getnewaddress", "", "legacy")]
    unsigned = account.build(
        Transfer(payees[0], "0.35"), Transfer(payees[1], "0.25"), memo="two payments", fee_rate="2.5"
    )
    kinds = sorted(action.kind for action in unsigned.summary.actions)
    assert kinds == ["change", "transfer", "transfer"]
    assert unsigned.summary.memo == "two payments"
    decoded = node.rpc("decodepsbt", b64encode(unsigned.body).decode())
    assert Decimal(str(decoded["fee"])) == Decimal(unsigned.fee.expected.text)
    signed = account.sign(unsigned)
    answer = accepted(node, signed)
    assert Decimal(str(answer["fees"]["base"])) == Decimal(unsigned.fee.expected.text)
    assert unsigned.fee.details["vsize"] - 2 <= answer["vsize"] <= unsigned.fee.details["vsize"]
    receipt = account.broadcast(signed)
    assert receipt.txid == signed.txid
    assert account.status(signed.txid).status is Status.PENDING
    assert account.status(signed.txid).fee == unsigned.fee.expected
    assert [received(node, payee) for payee in payees] == [35_000_000, 25_000_000]
    left = 10_000_000 - unsigned.fee.expected.units
    assert account.balance().available.units == left  # own change, before any block

    # Another one before any block, of that change.
    second = account.send(to=payees[0], amount="0.05")
    left -= 5_000_000 + account.status(second.txid).fee.units
    assert account.balance().available.units == left
    assert sorted(node.rpc("getrawmempool")) == sorted([receipt.txid, second.txid])
    node.mine(1)
    assert second.wait(timeout=20).confirmations == 1
    assert account.balance().available.units == left

    # Everything.
    last = node.rpc("getnewaddress")
    swept = account.build(to=last, amount="max")
    done = account.broadcast(account.sign(swept))
    node.mine(1)
    assert done.wait().status is Status.CONFIRMED
    assert received(node, last) == left - swept.fee.expected.units
    assert account.balance().total.units == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_pays_every_kind(node, wallet, kind):
    number = next(numbers)
    account = wallet.account(NETWORK, kind=kind, account=number)
    fund(node, account.address, "1")
    payees = [wallet.account(NETWORK, kind=other, account=number, index=7) for other in KINDS]
    receipt = account.send(*(Transfer(payee.address, "0.1") for payee in payees))
    node.mine(1)
    receipt.wait()
    for payee in payees:
        assert payee.balance().available.text == "0.1"
        returned = payee.send(to=account.address, amount="max")
        assert returned.txid in node.rpc("getrawmempool")


def test_a_new_wallet_finds_what_an_old_one_had(node, wallet):
    number = next(numbers)
    for index in (0, 19, 38):
        fund(node, wallet.account(NETWORK, account=number, index=index).address, "0.01", mine=False)
    node.mine(1)
    account = wallet.account(NETWORK, account=number)
    assert account.balance().available.text == "0.03"
    assert str(account.path) == f"m/84'/1'/{number}'/0/39"
    spent = account.send(to=node.rpc("getnewaddress"), amount="0.025")
    fee = account.status(spent.txid).fee
    node.mine(1)
    spent.wait()
    with open_wallet(node) as again:
        found = again.account(NETWORK, account=number).balance()
    assert found == account.balance()
    assert found.available.units == 500_000 - fee.units


def test_mined_coins_can_be_spent_after_a_hundred_blocks(node, wallet):
    account = wallet.account(NETWORK, account=next(numbers))
    node.mine(1, account.address)
    reward = account.balance().locked
    assert reward.units > 0
    node.mine(98)
    assert account.balance().locked == reward
    with pytest.raises(InsufficientFunds):
        account.build(to=account.address, amount="max")
    node.mine(1)
    assert account.balance().available == reward
    accepted(node, account.sign(account.build(to=node.rpc("getnewaddress"), amount="max")))


def test_replacement_is_signalled_unless_told_not_to(node, wallet):
    account = wallet.account(NETWORK, account=next(numbers))
    fund(node, account.address, "1")
    replaceable = account.send(to=node.rpc("getnewaddress"), amount="0.1")
    assert node.rpc("getmempoolentry", replaceable.txid)["bip125-replaceable"] is True
    node.mine(1)
    final = account.send(to=node.rpc("getnewaddress"), amount="0.1", rbf=False)
    assert node.rpc("getmempoolentry", final.txid)["bip125-replaceable"] is False


def test_a_locktime_is_kept(node, wallet):
    account = wallet.account(NETWORK, account=next(numbers))
    fund(node, account.address, "1")
    height = node.rpc("getblockcount")
    accepted(node, account.sign(account.build(to=account.address, amount="0.1", locktime=height)))
    later = account.sign(account.build(to=account.address, amount="0.1", locktime=height + 1))
    with pytest.raises(Rejected, match="non-final"):
        account.broadcast(later)
    node.mine(1)
    assert account.broadcast(later).txid == later.txid


def test_named_coins_and_a_change_address(node, wallet):
    number = next(numbers)
    account = wallet.account(NETWORK, account=number)
    wanted = fund(node, account.address, "0.5")
    account.balance()
    fund(node, account.address, "0.5")
    elsewhere = wallet.account(NETWORK, account=number, index=3, kind="p2tr")
    (entry,) = [
        f"{wanted}:{output['n']}"
        for output in node.rpc(
            "getrawtransaction", wanted, True, node.rpc("getblockhash", node.rpc("getblockcount") - 1)
        )["vout"]
        if Decimal(str(output["value"])) == Decimal("0.5")
    ]
    unsigned = account.build(
        to=node.rpc("getnewaddress"), amount="0.2", coins=[entry], change_address=elsewhere.address, fee_rate=3
    )
    account.broadcast(account.sign(unsigned))
    node.mine(1)
    assert account.balance().available.text == "0.5"
    assert elsewhere.balance().available.units == 30_000_000 - unsigned.fee.expected.units
    with pytest.raises(InputError, match="no unspent coin"):
        account.build(to=elsewhere.address, amount="0.1", coins=[entry])


# -- the node's refusals --------------------------------------------------------------------------------


def test_what_the_node_refuses_is_told(node, wallet):
    account = wallet.account(NETWORK, account=next(numbers))
    fund(node, account.address, "1")
    with pytest.raises(Rejected, match="min relay fee not met"):
        account.send(to=node.rpc("getnewaddress"), amount="0.1", fee_rate="0.5")
    assert account.balance().available.text == "1"  # nothing was sent, so nothing is spent
    with pytest.raises(MultiwalletError, match="relayed"):
        account.build(to=node.rpc("getnewaddress"), amount="0.00002939")


def test_two_wallets_that_spend_the_same_coin(node, wallet):
    number = next(numbers)
    account = wallet.account(NETWORK, account=number)
    fund(node, account.address, "1")
    with open_wallet(node) as other:
        twin = other.account(NETWORK, account=number)
        mine, theirs = (one.build(to=node.rpc("getnewaddress"), amount="0.3", rbf=False) for one in (account, twin))
        first, second = account.sign(mine), twin.sign(theirs)
        account.broadcast(first)
        with pytest.raises(Rejected, match="another transaction that spends the same coins"):
            twin.broadcast(second)
        assert twin.balance() == account.balance()
        node.mine(1)
        with pytest.raises(Rejected, match="missingorspent"):
            twin.broadcast(second)
        assert twin.status(second.txid).status is Status.UNKNOWN


def test_the_same_bytes_again(node, wallet):
    account = wallet.account(NETWORK, account=next(numbers))
    fund(node, account.address, "1")
    signed = account.sign(account.build(to=node.rpc("getnewaddress"), amount="0.3"))
    for _ in range(2):
        assert account.broadcast(signed).txid == signed.txid
    assert account.broadcast(signed.hex()).txid == signed.txid
    node.mine(1)
    assert account.broadcast(signed).txid == signed.txid
    assert account.wait(signed.txid).confirmations == 1
    with pytest.raises(Timeout, match="1 of 5 confirmations"):
        account.wait(signed.txid, confirmations=5, timeout=0.3)
    node.mine(4)
    receipt = account.wait(signed.txid, confirmations=5)
    assert (receipt.confirmations, receipt.block) == (5, node.rpc("getblockcount") - 4)


def test_a_node_with_an_index_knows_what_is_spent_long_since(start_litecoind):
    node = start_litecoind("-txindex")
    node.mine(101)
    with open_wallet(node) as wallet:
        account = wallet.account(NETWORK, index=0)
        fund(node, account.address, "1")
        signed = account.sign(account.build(to=account.address, amount="max"))
        account.broadcast(signed)
        node.mine(1)
        account.send(to=node.rpc("getnewaddress"), amount="max")
        node.mine(1)  # every output of the first one is spent
        receipt = account.status(signed.txid)
        assert (receipt.status, receipt.confirmations) == (Status.CONFIRMED, 2)
        assert account.broadcast(signed).status is Status.CONFIRMED
        assert account.status("ab" * 32).status is Status.UNKNOWN


def test_a_reorganisation(start_litecoind):
    node = start_litecoind()
    node.mine(101)
    with open_wallet(node) as wallet:
        account = wallet.account(NETWORK)
        fund(node, account.address, "1")
        receipt = account.send(to=node.rpc("getnewaddress"), amount="0.4")
        (block,) = node.mine(1)
        assert receipt.wait().confirmations == 1
        before = account.balance()
        node.rpc("invalidateblock", block)
        assert account.status(receipt.txid).status is Status.PENDING
        assert account.balance() == before  # unconfirmed once more, and own change
        node.mine(2)
        assert account.wait(receipt.txid).confirmations == 2
        assert account.balance() == before


# -- other chains, other keys, other tools --------------------------------------------------------------


def test_another_chain_is_noticed(node):
    with Wallet.from_mnemonic(WORDS, endpoints={"bitcoin-regtest": endpoint(node)}) as wallet:
        account = wallet.account("bitcoin-regtest")
        for ask in (account.balance, lambda: account.build(to=account.address, amount="1")):
            with pytest.raises(BadResponse, match="does not serve Bitcoin Regtest"):
                ask()


def test_a_wrong_password_is_told_without_it(node):
    url = node.url.replace("http://", "core+http://someone:hunter2@")
    with Wallet.from_mnemonic(WORDS, endpoints={NETWORK: url}) as wallet:
        with pytest.raises(BadResponse) as error:
            wallet.account(NETWORK).balance()
        assert "401" in str(error.value)
        assert "hunter2" not in str(error.value)


def test_imported_and_watched_keys(node):
    key = bytes(31) + b"\x07"
    for kind in KINDS:
        with Wallet.from_private_key(NETWORK, key, endpoints={NETWORK: endpoint(node)}) as wallet:
            account = wallet.account(NETWORK, kind=kind)
            assert account.path is None
            fund(node, account.address, "0.2")
            receipt = account.send(to=node.rpc("getnewaddress"), amount="0.05")
            assert account.balance().available < account.network.amount("0.15")
            node.mine(1)
            receipt.wait()
            account.send(to=node.rpc("getnewaddress"), amount="max")


def test_an_old_uncompressed_key(node):
    wif = base58.encode_check(b"\xef" + bytes(31) + b"\x09")
    with Wallet.from_private_key(NETWORK, wif, endpoints={NETWORK: endpoint(node)}) as wallet:
        account = wallet.account(NETWORK)
        assert (account.kind, len(account.public_key)) == ("p2pkh", 65)
        fund(node, account.address, "0.2")
        unsigned = account.build(to=node.rpc("getnewaddress"), amount="0.1")
        answer = accepted(node, account.sign(unsigned))
        assert unsigned.fee.details["vsize"] - 2 <= answer["vsize"] <= unsigned.fee.details["vsize"]


def test_a_watched_account_is_signed_for_elsewhere(node, wallet):
    number = next(numbers)
    with Mnemonic(WORDS).to_seed("") as seed:
        public = ExtendedKey.from_seed(seed.expose()).derive(f"m/84'/1'/{number}'").public.serialize("vpub")
    with Wallet.from_xpub(NETWORK, public, endpoints={NETWORK: endpoint(node)}) as watching:
        watched = watching.account(NETWORK)
        fund(node, watched.address, "0.5")
        assert watched.balance().available.text == "0.5"
        file = watched.build(to=node.rpc("getnewaddress"), amount="0.2").to_json()
        offline = Wallet.from_mnemonic(WORDS)
        signed = offline.account(NETWORK, account=number).sign(file)
        receipt = watched.broadcast(signed.to_wire())
        node.mine(1)
        assert receipt.wait().txid == signed.txid


def test_a_psbt_of_two_parties(node, wallet):
    """The node and an account pay together: each signs its own input, the node combines and finishes."""
    account = wallet.account(NETWORK, account=next(numbers))
    fund(node, account.address, "1")
    account.balance()
    theirs = next(coin for coin in node.rpc("listunspent") if coin["desc"].startswith("wpkh(") and coin["amount"] > 1)
    scan = node.rpc("scantxoutset", "start", [f"addr({wallet.account(NETWORK, path=first_path(account)).address})"])
    (ours,) = scan["unspents"]
    joint = node.rpc(
        "createpsbt",
        [{"txid": coin["txid"], "vout": coin["vout"]} for coin in (ours, theirs)],
        [
            {node.rpc("getnewaddress"): "1.5"},
            {node.rpc("getrawchangeaddress"): str(round(theirs["amount"] - 0.501, 8))},
        ],
    )
    joint = node.rpc("utxoupdatepsbt", joint)
    by_node = node.rpc("walletprocesspsbt", joint)
    assert not by_node["complete"]
    by_us = account.sign(joint)
    assert not by_us.complete
    combined = node.rpc("combinepsbt", [by_node["psbt"], by_us.to_wire()])
    assert node.rpc("analyzepsbt", combined)["next"] in ("finalizer", "extractor")
    final = node.rpc("finalizepsbt", combined)
    assert final["complete"]
    finished = account.sign(by_node["psbt"])  # or we come last, and finish it
    assert finished.complete
    assert finished.hex() == final["hex"]
    assert account.broadcast(finished).txid == node.rpc("decoderawtransaction", final["hex"])["txid"]


def first_path(account):
    return account.path.parent / 0


@pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh", "p2pkh"])
def test_the_node_reads_our_psbt(node, wallet, kind):
    account = wallet.account(NETWORK, kind=kind, account=next(numbers))
    fund(node, account.address, "1")
    unsigned = account.build(to=node.rpc("getnewaddress"), amount="0.25", memo="psbt")
    text = b64encode(unsigned.body).decode()
    decoded = node.rpc("decodepsbt", text)
    assert Decimal(str(decoded["fee"])) == Decimal(unsigned.fee.expected.text)
    (derivation,) = decoded["inputs"][0]["bip32_derivs"]
    assert derivation["path"] == str(first_path(account))
    assert node.rpc("analyzepsbt", text)["next"] == "signer"
    combined = node.rpc("combinepsbt", [text, text])
    again = node.rpc("decodepsbt", combined)
    assert (again["tx"], again["outputs"], again["fee"]) == (decoded["tx"], decoded["outputs"], decoded["fee"])
    if kind != "p2pkh":  # the node leaves the witnesses of a previous transaction out when it writes one
        assert b64decode(combined) == unsigned.body


def test_a_signed_message_verifies_at_the_node(node, wallet):
    account = wallet.account(NETWORK, kind="p2pkh", account=next(numbers), index=0)
    signature = account.sign_message("litecoin says hello")
    assert node.rpc("verifymessage", account.address, signature, "litecoin says hello") is True
    assert node.rpc("verifymessage", account.address, signature, "litecoin says goodbye") is False


def test_asynchronously(node):
    number = next(numbers)

    async def main():
        async with AsyncWallet.from_mnemonic(WORDS, endpoints={NETWORK: endpoint(node)}) as wallet:
            account = wallet.account(NETWORK, account=number)
            fund(node, account.address, "1")
            assert (await account.balance()).available.text == "1"
            one, two = await asyncio.gather(
                wallet.account(NETWORK, account=number, index=0).balance(),
                account.quote(to=account.address, amount="max"),
            )
            assert one.available.text == "1"
            assert two.expected.units > 0
            receipt = await account.send(to=node.rpc("getnewaddress"), amount="0.5")
            node.mine(1)
            return await receipt.wait(timeout=20)

    assert asyncio.run(main()).status is Status.CONFIRMED
