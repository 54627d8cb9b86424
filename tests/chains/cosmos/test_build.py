"""What is asked of a node and what comes of it; nodes that lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Amount, Asset, Transfer, Wallet, add_network, network
from multiwallet.chain import Holder, Network, Options, Payment
from multiwallet.chains.cosmos import Cosmos
from multiwallet.chains.cosmos.rules import rules_of
from multiwallet.chains.cosmos.sign_doc import SignDoc
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    Rejected,
    Reverted,
    Unreachable,
    Unsupported,
)
from multiwallet.transactions import UnsignedTransaction

Build = Callable[..., UnsignedTransaction]


def _doc(transaction: UnsignedTransaction) -> SignDoc:
    return SignDoc.decode(rules_of(transaction.network).hrp, transaction.body)


def test_two_rounds_make_a_transfer(build: Build, node: Any, friend: str) -> None:
    transaction = build((friend, 5_000), memo="hi")
    assert node.batches == 2
    doc = _doc(transaction)
    assert (doc.chain_id, doc.sequence, doc.memo, doc.timeout_height) == ("cosmoshub-4", 0, "hi", 0)
    assert doc.fee[0].units == transaction.fee.maximum.units == -(-doc.gas * 25 // 1000)
    assert transaction.fee.details["gas"] == str(doc.gas)


def test_speeds_and_prices(build: Build, node: Any, friend: str) -> None:
    slow, normal, fast = (build((friend, 5), speed=speed).fee.maximum for speed in ("slow", "normal", "fast"))
    assert slow < normal < fast
    doc = _doc(build((friend, 5), gas=100_001, gas_price="0.5"))
    assert (doc.gas, doc.fee[0].units) == (100_001, 50_001)
    assert _doc(build((friend, 5), gas=90_000, gas_price="0")).fee == ()
    node.asked.clear()
    build((friend, 5), gas=100_000, gas_price="0.5")
    assert not any("simulate" in path or "gas_price" in path for path in node.asked)


def test_the_nodes_price_counts_with_a_margin(build: Build, node: Any, friend: str) -> None:
    node.changes["feemarket"] = {"price": {"denom": "uatom", "amount": "0.100000000000000000"}}
    assert build((friend, 5)).fee.details["gas_price"] == "0.13"
    assert build((friend, 5), speed="fast").fee.details["gas_price"] == "0.2"
    node.changes["feemarket"] = Rejected("501", node_code=501)
    assert build((friend, 5)).fee.details["gas_price"] == "0.025"


def test_a_node_cannot_make_a_fee_run_away(build: Build, node: Any, friend: str, hub: Network) -> None:
    node.changes["feemarket"] = {"price": {"denom": "uatom", "amount": "900.0"}}
    with pytest.raises(InputError, match="believed"):
        build((friend, 5))
    with pytest.raises(InputError, match="max_fee"):
        build((friend, 5), gas=80_000, max_fee=hub.amount("1"))
    node.changes = {"simulate": {"gas_info": {"gas_used": "900000000"}}}
    with pytest.raises(InputError, match="ceiling"):
        build((friend, 5))
    with pytest.raises(InsufficientFunds):
        build((friend, 5), max_fee=hub.amount("1000"))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (path, answer)
        for path in ("auth/v1beta1", "spendable", "feemarket", "simulate", "blocks/latest")
        for answer in (None, [], {}, "<html>", 7, {"account": 5}, {"balance": {"denom": "uosmo", "amount": "1"}})
    ]
    + [
        ("auth", {"account": {"address": "cosmos1other", "account_number": "1", "sequence": "0"}}),
        ("spendable", {"balance": {"denom": "uatom", "amount": "-1"}}),
        ("spendable", {"balance": {"denom": "uatom", "amount": 10**9}}),
        ("simulate", {"gas_info": {"gas_used": "1e9"}}),
        ("simulate", {"gas_info": {"gas_used": str(2**60)}}),
        ("feemarket", {"price": {"denom": "uatom", "amount": "1e3"}}),
        ("feemarket", {"price": {"denom": "uosmo", "amount": "1"}}),
        ("blocks", {"block": {"header": {"chain_id": "osmosis-1", "height": "5", "time": "2026-01-01T00:00:00Z"}}}),
        ("blocks", {"block": {"header": {"chain_id": "cosmoshub-4", "height": "5", "time": "2026-13-01T00:00:00Z"}}}),
        ("blocks", {"block": {"header": {"chain_id": "cosmoshub-4", "height": "x", "time": "2026-01-01T00:00:00Z"}}}),
        ("simulate", Unreachable("no connection")),
        ("balances", Rejected("no", node_code=400)),
        ("balances", BadResponse("HTTP 502")),
        ("spendable", Unreachable("no connection")),
    ],
)
def test_answers_are_checked(build: Build, node: Any, friend: str, path: str, answer: Any) -> None:
    node.changes[path] = answer
    with pytest.raises((BadResponse, Unreachable, Rejected)):
        build((friend, 5), expires_in=5)


def test_accounts_of_every_kind_are_read(build: Build, node: Any, holder: Holder, friend: str) -> None:
    base = {"address": holder.address, "account_number": "70", "sequence": "9", "pub_key": None}
    vesting = {"@type": "/cosmos.vesting.v1beta1.X", "base_vesting_account": {"base_account": base}, "end_time": "1"}
    ether = {"@type": "/ethermint.types.v1.EthAccount", "base_account": base, "code_hash": "c5d2"}
    for account in ({"@type": "/cosmos.auth.v1beta1.BaseAccount", **base}, vesting, ether):
        node.changes["auth"] = {"account": account}
        doc = _doc(build((friend, 5), gas=80_000))
        assert (doc.account_number, doc.sequence) == (70, 9)
    assert _doc(build((friend, 5), gas=80_000, sequence=12)).sequence == 12


def test_an_account_that_nobody_paid_has_nothing(chain: Cosmos, node: Any, hub: Network, make_holder: Any) -> None:
    from multiwallet.crypto.secp256k1 import SecpKey

    poor = make_holder(SecpKey(b"\x55" * 32), hub)
    with pytest.raises(InsufficientFunds) as raised:
        node.run(chain.build(poor, (Payment(poor.address, hub.amount("1")),), Options()))
    assert raised.value.available == hub.amount("0")
    assert raised.value.needed is not None
    assert raised.value.needed > hub.amount("1")


def test_older_releases_do_not_tell_what_vests(
    build: Build, node: Any, friend: str, chain: Cosmos, holder: Holder, hub: Network
) -> None:
    node.changes["spendable"] = BadResponse("HTTP status 501")
    assert build((friend, 5))
    with pytest.raises(InsufficientFunds):
        build((friend, 11_000_000))
    assert node.run(chain.balance(holder, hub.native)).available == hub.amount("10")


def test_a_failing_trial_run_is_told_by_every_transport(build: Build, node: Any, friend: str) -> None:
    text = '{"code":2,"message":"failed to execute message; message index: 0: no such thing with gas used: \'1\'"}'
    for error in (BadResponse(f"node failed with HTTP status 500: {text}"), Rejected(text, node_code=400)):
        node.changes["simulate"] = error
        with pytest.raises(Reverted, match="no such thing"):
            build((friend, 5))
    node.changes["simulate"] = BadResponse("HTTP status 502")
    with pytest.raises(BadResponse):
        build((friend, 5))


def test_everything_leaves_nothing(build: Build, friend: str) -> None:
    transaction = build((friend, -1))
    (action,) = transaction.summary.actions
    assert action.amount is not None
    assert action.amount.units + transaction.fee.maximum.units == 10_000_000


def test_several_payments_are_one_transaction(build: Build, friend: str, holder: Holder) -> None:
    doc = _doc(build((friend, 5), (holder.address, 6), (friend, 7)))
    assert [message.json()["amount"][0]["amount"] for message in doc.messages if not hasattr(message, "data")] == [
        "5",
        "6",
        "7",
    ]
    with pytest.raises(InsufficientFunds):
        build((friend, 6_000_000), (friend, 6_000_000))


@pytest.mark.parametrize(
    "options",
    [
        {"sign_mode": "textual"},
        {"gas": 0},
        {"gas": 1.5},
        {"gas": True},
        {"gas_price": 0.025},
        {"gas_price": "-1"},
        {"gas_price": "1e3"},
        {"sequence": -1},
        {"expires_in": 0},
        {"expires_in": 5, "timeout_height": 5},
        {"timeout_height": "5"},
        {"messages": "x"},
        {"messages": [{"@type": "/x"}]},
        {"delegate": "cosmos1x"},
        {"redelegate": "cosmosvaloper1"},
        {"delegate": 5},
        {"receiver": "osmo1"},
        {"channel": "channel-0"},
        {"channel": "../x", "receiver": "osmo15yk64u7zc9g9k2yr2wmzeva5qgwxps6ywful0v"},
        {"fee_granter": "osmo15yk64u7zc9g9k2yr2wmzeva5qgwxps6ywful0v"},
        {"withdraw_rewards": 7},
        {"nonce": 1},
    ],
)
def test_wrong_options_cost_nothing(build: Build, node: Any, holder: Holder, options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        build((holder.address, 5), **options)
    assert node.batches == 0


def test_wrong_wishes_cost_nothing(build: Build, node: Any, holder: Holder, friend: str, devnet: Devnet) -> None:
    validator = devnet.engine("cosmos").validators[0]  # type: ignore[attr-defined]  # of this engine alone
    for call in (
        lambda: build((friend, 5), delegate=validator),  # to somebody else
        lambda: build((friend, -1), (friend, 1)),
        lambda: build((holder.address, -1), undelegate=validator),
        lambda: build((friend, 0)),
        lambda: build((friend, 5), memo="\ud800"),
        lambda: build((holder.address, 5), delegate=validator, undelegate=validator),
    ):
        with pytest.raises(InputError):
            call()
    foreign = {
        "@type": "/cosmos.bank.v1beta1.MsgSend",
        "from_address": friend,
        "to_address": friend,
        "amount": [{"denom": "uatom", "amount": "1"}],
    }
    with pytest.raises(InputError, match="signed by"):
        build((friend, 5), messages=[foreign])
    assert node.batches == 0


def test_messages_alone_are_a_transaction(build: Build, holder: Holder) -> None:
    vote = {"@type": "/cosmos.gov.v1.MsgVote", "proposal_id": 7, "voter": holder.address, "option": 1}
    transaction = build((holder.address, 0), messages=[vote], gas=90_000)
    assert [str(action) for action in transaction.summary.actions] == ["vote (proposal: 7, option: VOTE_OPTION_YES)"]


def test_summaries_warn(build: Build, holder: Holder, friend: str, devnet: Devnet) -> None:
    call = {
        "@type": "/cosmwasm.wasm.v1.MsgExecuteContract",
        "sender": holder.address,
        "contract": friend,
        "msg": {"send": {"note": "\u202e\x07"}},
        "funds": [{"denom": "ibc/" + "A" * 64, "amount": "5"}],
    }
    away = {
        "@type": "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress",
        "delegator_address": holder.address,
        "withdraw_address": friend,
    }
    with pytest.raises(InsufficientFunds):
        build((friend, 1), messages=[call], gas=10**5)
    transaction = build((friend, 1), messages=[{**call, "funds": []}, away], gas=10**5, fee_granter=friend)
    summary = transaction.summary
    assert [action.kind for action in summary.actions] == ["transfer", "call", "set reward address"]
    text = str(summary)
    assert "\u202e" not in text
    assert "\x07" not in text
    assert len(summary.warnings) == 3
    assert json.dumps(summary.to_dict())


def test_an_ibc_transfer(build: Build, holder: Holder) -> None:
    receiver = network("osmosis")
    there = Cosmos().address(receiver, holder.public_key)
    transaction = build((holder.address, 5), channel="channel-141", receiver=there, ibc_timeout=60, ibc_memo="{}")
    (action,) = transaction.summary.actions
    assert (action.kind, action.to) == ("transfer to another chain", there)
    assert "memo" in transaction.summary.warnings[0]
    doc = _doc(transaction)
    assert doc.messages[0].values["timeout_timestamp"] > 10**18  # type: ignore[union-attr]  # it is one we know


# -- denoms ----------------------------------------------------------------------------------------

IBC = "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"


def test_denoms_have_ids(chain: Cosmos, hub: Network) -> None:
    ids = {
        "uatom": hub.native.id,
        "118": hub.native.id,
        IBC: f"{hub.id}/ibc:{IBC[4:]}",
        IBC[4:]: f"{hub.id}/ibc:{IBC[4:]}",
        "factory/cosmos1x/abc": f"{hub.id}/native:factory%2Fcosmos1x%2Fabc",
        "factory%2Fcosmos1x%2Fabc": f"{hub.id}/native:factory%2Fcosmos1x%2Fabc",
        "uion": f"{hub.id}/native:uion",
    }
    for text, identity in ids.items():
        assert chain.asset_id(hub, text) == identity
        assert chain.asset_id(hub, identity.split("/", 1)[1].split(":", 1)[1]) == identity
    for wrong in ("", "u", "1abc", "ibc/abc", "a b c", "x" * 200, "%", "%00abc", "ibc%2F", "ü" * 5):
        with pytest.raises(InvalidAddress):
            chain.asset_id(hub, wrong)


def test_what_nobody_knows_is_not_guessed(node: Any, chain: Cosmos, hub: Network, holder: Holder) -> None:
    with pytest.raises(InputError, match="decimals are not known"):
        node.run(chain.asset(hub, IBC))
    for answer in (
        {"metadata": {"base": "other", "display": "x", "denom_units": []}},
        {"metadata": {"base": IBC, "display": "x", "denom_units": 5}},
        {"metadata": {"base": IBC, "display": "x", "denom_units": [{"denom": "x", "exponent": 999}]}},
        {"metadata": {"base": IBC, "display": "x", "symbol": "\n", "denom_units": [{"denom": "x", "exponent": 6}]}},
        [],
    ):
        node.changes["denoms_metadata"] = answer
        with pytest.raises(BadResponse):
            node.run(chain.asset(hub, IBC))
    node.changes["denoms_metadata"] = Unreachable("no")
    with pytest.raises(Unreachable):
        node.run(chain.asset(hub, IBC))
    with pytest.raises(Unsupported):
        node.run(chain.balance(holder, Asset(f"{hub.id}/erc20:0x00", "X", 6)))


def test_a_row_states_denoms_and_rules() -> None:
    params = {"hrp": "mine", "denom": "umine", "gas_prices": ["0", "0.1", "0.2"]}
    named = {**params, "denoms": {IBC: {"symbol": "ATOM", "decimals": 6}}, "fee_market": ""}
    row = add_network(
        "mine-test", id="cosmos:mine-9", symbol="MINE", decimals=6, slip44=118, params=named, override=True
    )
    wallet = Wallet.from_mnemonic("test " * 11 + "junk", transport=None)
    account = wallet.account(row)
    assert account.address.startswith("mine1")
    assert account.asset(IBC[4:]) == Asset(f"{row.id}/ibc:{IBC[4:]}", "ATOM", 6)
    for wrong in (
        {"hrp": "MINE"},
        {"hrp": 5},
        {"denom": "!"},
        {"gas_prices": ["1"]},
        {"gas_prices": [0.1, 0.2, 0.3]},
        {"gas_price_ceiling": "0.05"},
        {"keys": "ed25519"},
        {"fee_market": "guess"},
        {"fee_ceiling": "5"},
        {"staking": "no"},
        {"chain_id": "a b"},
        {"surprise": 1},
    ):
        with pytest.raises(InputError):
            rules_of(Network("cosmos:mine-9", "x", "cosmos", "X", "X", 6, 118, params={**params, **wrong}))


def test_rows_are_sound() -> None:
    from multiwallet import networks

    rows = [row for row in networks(family="cosmos") if not row.name.startswith("mine")]
    assert len(rows) >= 15
    for row in rows:
        rules = rules_of(row)
        assert rules.chain_id == row.reference
        assert all(url.startswith("https://") and not url.endswith("/") for url in row.endpoints)
        assert rules.fee_ceiling <= 10 * 10**row.decimals
    assert rules_of(network("injective")).eth_keys
    assert {network(name).name for name in ("atom", "cosmoshub", "osmo", "tia", "inj")} == {
        "cosmos",
        "osmosis",
        "celestia",
        "injective",
    }


def test_rows_say_what_keplr_says() -> None:
    facts = json.loads((Path(__file__).parents[2] / "vectors" / "cosmos_chains.json").read_text("utf-8"))
    from multiwallet import networks

    for row in networks(family="cosmos"):
        if row.status == "retired":
            continue  # Keplr has dropped stargaze
        if row.name.startswith("mine"):
            continue  # another test's
        rules, fact = rules_of(row), facts[row.reference]
        assert fact == {
            "prefix": rules.hrp,
            "coin_type": row.slip44,
            "denom": rules.denom,
            "stakes": rules.staking,
            "symbol": row.symbol,
            "decimals": row.decimals,
            "eth": rules.eth_keys,
        }


# -- balances --------------------------------------------------------------------------------------


def test_stakes_and_vesting_are_locked(node: Any, chain: Cosmos, holder: Holder, hub: Network) -> None:
    node.changes["spendable"] = {"balance": {"denom": "uatom", "amount": "4000000"}}
    node.changes["staking/v1beta1/delegations"] = {
        "delegation_responses": [{"balance": {"denom": "uatom", "amount": "3000000"}}] * 2
    }
    node.changes["unbonding"] = {"unbonding_responses": [{"entries": [{"balance": "500000"}, {"balance": "1"}]}]}
    found = node.run(chain.balance(holder, hub.native))
    assert (found.available.units, found.locked.units) == (4_000_000, 6_000_000 + 6_500_001)
    for wrong in ({"delegation_responses": 7}, {"delegation_responses": [{"balance": {"denom": "x"}}]}, []):
        node.changes["staking/v1beta1/delegations"] = wrong
        with pytest.raises(BadResponse):
            node.run(chain.balance(holder, hub.native))


def test_tokens_and_the_coin_are_counted_apart(devnet: Devnet, wallet: Wallet) -> None:
    account, friend = wallet.account("osmosis"), wallet.account("osmosis", index=1)
    devnet.fund(account, "5")
    token = devnet.deploy_token("osmosis", symbol="TOK", decimals=9, holder=account, supply="10")
    account.send(Transfer(friend.address, "3", token), Transfer(friend.address, "1"), memo="both").wait()
    assert str(friend.balance(token)) == "3 TOK"
    assert str(friend.balance()) == "1 OSMO"
    account.send(to=friend.address, amount="max", asset=token).wait()
    assert friend.balance(token).available == Amount.parse("10", token)
    with pytest.raises(InsufficientFunds):
        account.build(to=friend.address, amount="1", asset=token)
    with pytest.raises(InsufficientFunds):  # the fee is the chain's own coin
        friend.build(Transfer(friend.address, "1"), Transfer(friend.address, "1", token))
