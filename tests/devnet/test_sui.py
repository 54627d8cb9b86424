"""The devnet's Sui: what validators refuse, how waiting and undoing go, and the GraphQL service itself."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chains.sui.commands import Command, input_, result
from multiwallet.chains.sui.transaction import Input, TransactionData
from multiwallet.chains.sui.type_tags import SUI
from multiwallet.devnet import Devnet
from multiwallet.errors import InputError, Rejected
from multiwallet.transactions import Status

PHRASE = "test test test test test test test test test test test junk"
FRIEND = "0x" + "ab" * 32


@pytest.fixture
def world() -> Iterator[Any]:
    with Devnet() as devnet, Wallet.from_mnemonic(PHRASE, transport=devnet) as wallet:
        account = wallet.account("sui", index=0)
        devnet.fund(account, "5")
        data = TransactionData.decode(account.build(to=FRIEND, amount="1").body)
        yield SimpleNamespace(devnet=devnet, account=account, engine=devnet.engine("sui"), data=data, wallet=wallet)


def ask(world: Any, query: Any, variables: Any = None) -> Any:
    return world.engine.rest("POST", "graphql", json={"query": query, "variables": variables})


EXECUTE = """mutation ($t: Base64!, $s: [Base64!]!) {
  executeTransaction(transactionDataBcs: $t, signatures: $s) { effects { status executionError { message } } }
}"""


def told(world: Any, data: TransactionData, signatures: list[str] | None = None) -> str:
    """What the engine says to a transaction, signed by the account unless signatures are given."""
    raw = data.encode()
    if signatures is None:
        signatures = world.account.sign(raw).to_wire()["signatures"]
    answer = ask(world, EXECUTE, {"t": base64.b64encode(raw).decode(), "s": signatures})
    if answer.get("errors"):
        return str(answer["errors"][0]["message"])
    effects = answer["data"]["executeTransaction"]["effects"]
    return str(effects["status"] if effects["executionError"] is None else effects["executionError"]["message"])


def test_what_validators_refuse(world: Any) -> None:
    data: TransactionData = world.data
    gas = data.gas
    coin = gas.payment[0]
    stranger = world.wallet.account("sui", index=4)
    world.devnet.fund(stranger, "1")
    theirs = TransactionData.decode(stranger.build(to=FRIEND, amount="0.1").body).gas.payment[0]
    cases = [
        (replace(data, gas=replace(gas, price=1)), "under reference gas price"),
        (replace(data, gas=replace(gas, budget=1)), "lower than min"),
        (replace(data, gas=replace(gas, budget=10**12)), "higher than max"),
        (replace(data, gas=replace(gas, budget=6 * 10**9)), "lower than the needed amount"),
        (replace(data, gas=replace(gas, payment=())), "lower than the needed amount"),
        (replace(data, expiration=3), "Expired"),
        (replace(data, commands=()), "no commands"),
        (replace(data, gas=replace(gas, payment=(replace(coin, version=99),))), "not available for consumption"),
        (replace(data, gas=replace(gas, payment=(replace(coin, digest=bytes(32)),))), "not available for consumption"),
        (replace(data, gas=replace(gas, payment=(replace(coin, id=bytes(32)),))), "does not exist"),
        (replace(data, gas=replace(gas, payment=(theirs,))), "owned by another"),
        (replace(data, gas=replace(gas, payment=(coin, coin))), "more than one"),
        (replace(data, inputs=(*data.inputs, Input("owned", ref=coin))), "more than one"),
        (replace(data, inputs=(*data.inputs, Input("shared", ref=coin))), "this devnet knows"),
    ]
    for wrong, words in cases:
        assert words in told(world, wrong)
    own = world.account.sign(data.encode()).to_wire()["signatures"]
    other = stranger.sign_message(data.encode())
    assert "does not verify" in told(world, data, [other])
    assert "does not verify" in told(world, replace(data, expiration=905), own)
    assert "signers" in told(world, data, [])
    assert "signed twice" in told(world, data, own * 2)
    assert "format" in told(world, data, ["AA=="])
    assert told(world, data) == "SUCCESS"
    assert told(world, data) == "SUCCESS"
    assert world.account.balance().total.units < 4 * 10**9


def test_what_fails_while_it_runs_changes_nothing_but_the_gas(world: Any) -> None:
    inputs = (Input("pure", (10**12).to_bytes(8, "little")), Input("pure", b"\xab" * 32))
    base: TransactionData = world.data
    split, give = base.commands
    cases = [
        ((replace(split, arguments=(input_(0),)),), inputs, "InsufficientCoinBalance in command 0"),
        ((split,), base.inputs, "UnusedValueWithoutDrop"),
        ((split, replace(give, arguments=(result(0, 5),))), base.inputs, "InvalidValueUsage"),
        ((split, give, give), base.inputs, "InvalidValueUsage } in command 2"),
        ((split, replace(give, target=input_(0))), base.inputs, "InvalidBCSBytes"),
        ((Command("MoveCall", (input_(0),), None, b"\x05" * 32, "a", "b", (SUI,)),), base.inputs, "FunctionNotFound"),
    ]
    for commands, given, words in cases:
        before = world.account.balance().total.units
        data = TransactionData.decode(world.account.build(to=FRIEND, amount="1").body)
        assert words in told(world, replace(data, commands=commands, inputs=given))
        assert 0 < before - world.account.balance().total.units < 3_000_000


def test_waiting_dropping_and_undoing() -> None:
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(PHRASE, transport=devnet) as wallet:
        account = wallet.account("sui", index=0)
        devnet.fund(account, "5")
        engine: Any = devnet.engine("sui")
        signed = account.sign(account.build(to=FRIEND, amount="1"))
        assert "timed out" in told(
            SimpleNamespace(engine=engine, account=account), TransactionData.decode(signed.raw[4:-99])
        )
        assert devnet.drop("sui", signed.txid)
        assert not devnet.drop("sui", signed.txid)
        devnet.mine("sui")
        assert account.status(signed.txid).status is Status.UNKNOWN
        told(SimpleNamespace(engine=engine, account=account), TransactionData.decode(signed.raw[4:-99]))
        devnet.mine("sui", 2)
        found = account.status(signed.txid)
        assert (found.status, found.confirmations) == (Status.CONFIRMED, 3)
        devnet.reorg("sui", 3)
        assert account.status(signed.txid).status is Status.UNKNOWN
        assert account.balance().total == account.network.amount("5")
        devnet.mine("sui")
        assert account.status(signed.txid).status is Status.CONFIRMED
        with pytest.raises(InputError):
            devnet.reorg("sui", 1000)


def test_the_graphql_service(world: Any) -> None:
    answer = ask(
        world,
        """query Q($me: SuiAddress!, $no: Boolean = false) {  # a comment
          me: address(address: $me) { ...F one: objects(first: 1, filter: {type: "0x2::coin::Coin<0x2::sui::SUI>"}) {
            nodes { contents { json } } } }
          chainIdentifier @include(if: $no)
          checkpoint(sequenceNumber: 0) { ... on Checkpoint { digest } sequenceNumber @skip(if: true) }
        }
        fragment F on Address { balance(coinType: "0x2::sui::SUI") { totalBalance } }""",
        {"me": world.account.address},
    )
    assert answer["data"]["me"]["balance"] == {"totalBalance": "5000000000"}
    assert answer["data"]["me"]["one"]["nodes"][0]["contents"]["json"]["balance"] == "5000000000"
    assert answer["data"]["checkpoint"] == {"digest": "4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S"}
    assert "chainIdentifier" not in answer["data"]
    for query, code in (
        (None, "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("query {", "GRAPHQL_PARSE_FAILED"),
        ("query { epoch { } } }", "GRAPHQL_PARSE_FAILED"),
        ("query { ^ }", "GRAPHQL_PARSE_FAILED"),
        ("{ a" * 100, "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ epoch { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ coinMetadata(coinType: $x) { symbol } }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ address(address: "nobody") { address } }', "BAD_USER_INPUT"),
        ('{ coinMetadata(coinType: "u8") { symbol } }', "BAD_USER_INPUT"),
        ("{ simulateTransaction(transaction: 5) { effects { status } } }", "BAD_USER_INPUT"),
    ):
        assert ask(world, query)["errors"][0]["extensions"]["code"] == code, query
    assert ask(world, "{ epoch { epochId } }", 5)["errors"]
    with pytest.raises(Rejected):
        world.engine.rest("GET", "graphql")
    with pytest.raises(Rejected):
        world.engine.rpc("sui_getChainIdentifier", [])
    assert world.engine.rest("POST", "graphql", json=None)["errors"]


def test_the_faucet(world: Any) -> None:
    for units in (0, -1, True, 2**63):
        with pytest.raises(InputError):
            world.engine.fund(FRIEND, units)
    name = world.engine.deploy_token(symbol="1 €", decimals=2, supply_to="", supply=0)
    assert name.endswith("::c1::C1")
    world.engine.fund_token(name, FRIEND, 5)
    with pytest.raises(InputError):
        world.engine.fund_token("0x5::a::B", FRIEND, 5)
    with pytest.raises(InputError):
        world.engine.mine(-1)
