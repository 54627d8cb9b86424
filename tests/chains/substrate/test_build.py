"""Building on real metadata: what is asked, what is checked, what is signed, and what a lying node gets."""

from __future__ import annotations

import json
import random

import pytest

from multiwallet import Amount, Transfer
from multiwallet.chains.substrate import addresses
from multiwallet.chains.substrate.merkle import tree
from multiwallet.chains.substrate.metadata import parse
from multiwallet.chains.substrate.payload import opened
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    InvalidTransaction,
    MultiwalletError,
    SigningRefused,
    Unsupported,
)
from multiwallet.testing import refusal
from multiwallet.transactions import UnsignedTransaction


def test_a_transfer_signs_over_the_hash_of_the_metadata(opening):
    node, account, other = opening("hub15")
    transaction = account.build(to=other.address, amount="1.5")
    summary = transaction.summary
    assert [(a.kind, a.to, str(a.amount)) for a in summary.actions] == [("transfer", other.address, "1.5 KSM")]
    assert summary.details["metadata"] == "proven by the signature"
    assert summary.details["nonce"] == "7"
    assert summary.details["valid"] == "blocks 998 to 1061"
    assert not summary.warnings
    found = opened(account.network, transaction.body, transaction.context)
    assert found.terms.metadata_hash == tree(parse(node.data)).digest(found.proof.identity)
    assert found.terms.genesis.hex() == account.network.params["genesis"]
    signed = account.sign(transaction)
    assert signed.expiry == 998 + 64
    # Offline: the file is enough to read and to sign.
    again = UnsignedTransaction.from_json(transaction.to_json())
    assert again == transaction
    assert str(again.summary) == str(summary)
    assert len(transaction.to_json()) < 40_000


def test_a_runtime_without_the_hash_says_so(opening):
    _, account, other = opening("polkadot14")  # metadata of version 14 cannot be proved
    summary = account.build(to=other.address, amount="1").summary
    assert any("nothing proves" in warning for warning in summary.warnings)
    _, account, other = opening("hub15")
    summary = account.build(to=other.address, amount="1", metadata_hash=False).summary
    assert any("nothing proves" in warning for warning in summary.warnings)


def test_a_lying_node_gets_a_signature_that_the_chain_refuses(opening):
    node, account, other = opening("hub15")
    keep, death = b"\x4ctransfer_keep_alive", b"\x50transfer_allow_death"
    # The liar swaps the names of two calls, so that what is asked for is encoded as the other one.
    true, node.data = node.data, node.data.replace(keep, b"\0keep").replace(death, keep).replace(b"\0keep", death)
    assert node.data != true
    made = account.build(to=other.address, amount="1")
    found = opened(account.network, *_parts(made))
    assert made.summary.actions[0].details["call"] == "Balances.transfer_keep_alive"
    assert found.call_bytes[:2] == b"\x0a\x00"  # in truth Balances.transfer_allow_death
    # The hash that is signed follows from the lie. The chain computes it from its own types, and they differ.
    assert found.terms.metadata_hash == tree(parse(node.data)).digest(found.proof.identity)
    assert found.terms.metadata_hash != tree(parse(true)).digest(found.proof.identity)


def _parts(transaction):
    return transaction.body, transaction.context


def test_options(opening):
    _, account, other = opening("hub15")
    made = account.build(to=other.address, amount="1", tip="0.5", era=0, nonce=3)
    terms = opened(account.network, *_parts(made)).terms
    assert (terms.tip, terms.era.period, terms.nonce) == (5 * 10**11, 0, 3)
    assert made.fee.expected == account.network.amount("0.50016")
    assert any("never expires" in warning for warning in made.summary.warnings)
    assert any("tip" in warning for warning in made.summary.warnings)
    assert account.sign(made).expiry is None
    assert account.sign(account.build(to=other.address, amount="1", era=1024)).expiry is None
    assert account.sign(account.build(to=other.address, amount="1", era=256)).expiry == 998 + 256
    for bad in (
        {"tip": "x"},
        {"tip": -1},
        {"tip": 2**128},
        {"era": 5},
        {"nonce": -1},
        {"nonce": "1"},
        {"keep_alive": 1},
        {"metadata_hash": "no"},
        {"call": "x"},
        {"call": {"pallet": "System"}},
        {"call": {"pallet": "Nothing", "name": "x"}},
        {"call": {"pallet": "System", "name": "remark", "args": {"remark": 5}}},
        {"call": {"pallet": ["x"], "name": {}}},
        {"proxy_for": "nobody"},
        {"multisig": {}},
        {"multisig": {"signatories": [other.address, other.address], "threshold": 1}},
        {"multisig": {"signatories": [account.address, other.address], "threshold": 3}},
        {"unknown": 1},
    ):
        with pytest.raises(InputError):
            account.build(to=other.address, amount="1", **bad)
    with pytest.raises(TypeError):
        account.build(to=other.address, amount="1", tip=0.1)
    refusal(Unsupported, account.build, to=other.address, amount="1", memo="hi")
    refusal(Unsupported, account.build, Transfer(other.address, "max"), Transfer(other.address, "1"))


def test_a_fee_limit_and_funds(opening):
    node, account, other = opening("hub15")
    node.fee = 4 * 10**12
    refusal(InputError, account.build, to=other.address, amount="1", max_fee="4.9")
    account.build(to=other.address, amount="1", max_fee="5")
    error = refusal(InsufficientFunds, account.build, to=other.address, amount="96")
    assert (error.needed, error.available) == (
        account.network.amount("101.000003333333"),
        account.network.amount("100"),
    )
    node.fund(account.address, 10**13, reserved=10**12, frozen=6 * 10**12)
    assert str(account.balance()) == "5 KSM, 6 KSM locked"
    refusal(InsufficientFunds, account.build, to=other.address, amount="1")
    node.fee = 10**8
    account.build(to=other.address, amount="4.999")
    refusal(InsufficientFunds, account.build, to=other.address, amount="5")


def test_the_existential_deposit(opening):
    node, account, _ = opening("hub15")
    stranger = addresses.of_account(account.network, b"\x05" * 32)
    refusal(AmountError, account.build, to=stranger, amount="0.000003333332")
    account.build(to=stranger, amount="0.000003333333")
    # two payments that are enough together
    account.build(Transfer(stranger, "0.000001666667"), Transfer(stranger, "0.000001666666"))
    node.fund(account.address, 10**12)
    refusal(InsufficientFunds, account.build, to=stranger, amount="0.9998")
    made = account.build(to=stranger, amount="0.9997", keep_alive=False)
    assert made.summary.actions[0].details["call"] == "Balances.transfer_allow_death"


def test_everything(opening):
    _, account, other = opening("hub15")
    made = account.build(to=other.address, amount="max")
    action = made.summary.actions[0]
    assert (action.kind, action.to, action.amount) == ("transfer", other.address, None)
    assert any("sends everything" in warning for warning in made.summary.warnings)
    kept = account.build(to=other.address, amount="max", keep_alive=True)
    assert not kept.summary.warnings


def test_assets(opening):
    node, account, other = opening("hub15")
    node.fund_asset(account.address, 1984, 5_000_000)
    usdt = account.asset("1984")
    assert (usdt.symbol, usdt.decimals, usdt.id) == ("USDT", 6, f"{account.network.id}/assets:1984")
    assert str(account.balance("1984").available) == "5 USDT"
    made = account.build(to=other.address, amount="2.5", asset=usdt)
    assert [str(action.amount) for action in made.summary.actions] == ["2.5 USDT"]
    assert UnsignedTransaction.from_json(made.to_json()).summary == made.summary
    text = json.loads(made.to_json())
    text["assets"] = []  # somebody drops the decimals: no amount is shown rather than a wrong one
    summary = UnsignedTransaction.from_json(json.dumps(text)).summary
    assert summary.actions[0].amount is None
    assert any("decimals" in warning for warning in summary.warnings)
    refusal(InsufficientFunds, account.build, to=other.address, amount="5.1", asset=usdt)
    refusal(InvalidAddress, account.asset, "7")
    whole = account.build(to=other.address, amount="max", asset=usdt)
    assert str(whole.summary.actions[0].amount) == "5 USDT"
    stranger = addresses.of_account(account.network, b"\x05" * 32)
    account.build(to=stranger, amount="1", asset=usdt)
    node.fund_asset(account.address, 1984, 5_000_000, sufficient=False)
    error = refusal(AmountError, account.build, to=stranger, amount="1", asset=usdt)
    assert "does not exist yet" in error.message


def test_staking_and_other_calls_are_read_back(opening):
    _, account, other = opening("polkadot14")
    calls = [
        {"pallet": "Staking", "name": "bond", "args": {"value": 25 * 10**10, "payee": "Staked"}},
        {"pallet": "Staking", "name": "bond_extra", "args": {"max_additional": 10**10}},
        {"pallet": "Staking", "name": "nominate", "args": {"targets": [other.address]}},
        {"pallet": "Staking", "name": "unbond", "args": {"value": "30000000000"}},
        {"pallet": "Staking", "name": "withdraw_unbonded", "args": {"num_slashing_spans": 0}},
        {"pallet": "Staking", "name": "chill"},
        {"pallet": "Balances", "name": "upgrade_accounts", "args": {"who": [other.address]}},
        {"pallet": "Proxy", "name": "add_proxy", "args": {"delegate": other.address, "proxy_type": "Any", "delay": 0}},
    ]
    made = account.build(to=other.address, amount="1", call=calls)
    summary = made.summary
    assert [(a.kind, a.amount and str(a.amount)) for a in summary.actions[:7]] == [
        ("transfer", "1 DOT"),
        ("bond", "25 DOT"),
        ("bond-extra", "1 DOT"),
        ("nominate", None),
        ("unbond", "3 DOT"),
        ("withdraw-unbonded", None),
        ("chill", None),
    ]
    assert other.address in summary.actions[3].details["arguments"]
    assert summary.actions[7].details == {
        "call": "Balances.upgrade_accounts",
        "arguments": f"who: [{other.address}]",
    }
    text = "\n".join(summary.warnings)
    assert "Balances.upgrade_accounts" in text
    assert "power over this one" in text


def test_an_unknown_extension_is_named(opening):
    node, account, other = opening("hub15")
    changed = node.data.replace(b"\x3cCheckSpecVersion"[1:], b"CheckSpecVersiom")
    node.data = changed
    error = refusal(Unsupported, account.build, to=other.address, amount="1")
    assert "CheckSpecVersiom" in error.message


def test_versions_that_contradict_each_other(opening):
    node, account, other = opening("hub15")
    node.version["specVersion"] += 1
    error = refusal(BadResponse, account.build, to=other.address, amount="1")
    assert "runtime version" in error.message


HOSTILE = [
    None,
    [],
    {},
    "0x",
    "0x00",
    "zz",
    5,
    -1,
    True,
    "0x" + "ff" * 40,
    {"number": "0x1"},
    [None],
    1.5,
    "0x" + "00" * 32,
]


@pytest.mark.parametrize(
    "method",
    [
        "chain_getBlockHash",
        "state_getRuntimeVersion",
        "chain_getFinalizedHead",
        "chain_getHeader",
        "system_accountNextIndex",
        "state_getStorage",
        "state_call",
    ],
)
def test_hostile_answers(opening, method):
    node, account, other = opening("hub15")
    for answer in HOSTILE:
        node.answers[method] = answer
        try:
            made = account.build(to=other.address, amount="1", era=4096)
        except MultiwalletError:
            continue
        # what looked like an answer made a transaction: it still pays whom it should, so much and no more
        assert [(a.to, str(a.amount)) for a in made.summary.actions] == [(other.address, "1 KSM")]


def test_changed_files_are_refused(opening):
    _, account, other = opening("hub15")
    text = json.loads(account.build(to=other.address, amount="1").to_json())

    def changed(**context):
        return json.dumps({**text, "context": {**text["context"], **context}})

    types = text["context"]["types"]
    for broken in (
        changed(types=""),
        changed(types="zz"),
        changed(types=types[:-2]),
        changed(types=types.replace(b"value".hex(), b"eulav".hex())),
        changed(types=None),
        changed(birth=997),
        changed(birth=-1),
        changed(birth="998"),
        changed(kind="ed25519"),
        changed(kind="rsa"),
        changed(public_key="00" * 32),
        changed(public_key=5),
        changed(more=1),
        json.dumps({**text, "sender": other.address}),
        json.dumps({**text, "body": text["body"][:-2]}),
        json.dumps({**text, "body": text["body"] + "00"}),
        json.dumps({**text, "body": text["body"][:8] + "ff" + text["body"][10:]}),
    ):
        with pytest.raises((InvalidTransaction, SigningRefused)):
            account.sign(broken)


def test_another_networks_payload_is_refused(opening):
    from multiwallet import Wallet

    _, account, other = opening("hub15")
    made = account.build(to=other.address, amount="1")
    stranger = Wallet.from_mnemonic("test test test test test test test test test test test junk").account(
        account.network
    )
    refusal(SigningRefused, stranger.sign, made)
    refusal(SigningRefused, other.sign, made)
    text = json.loads(made.to_json())
    text["network"] = "polkadot:48239ef607d7928874027a43a6768920"
    with pytest.raises(MultiwalletError):
        account.sign(json.dumps(text))


def test_amounts_beyond_the_type(opening):
    _, account, other = opening("hub15")
    with pytest.raises(InputError):
        account.build(to=other.address, amount=Amount(2**128, account.network.native))


def test_a_node_that_hides_the_proof_is_refused_where_there_is_one(opening):
    from dataclasses import replace

    from multiwallet import Wallet

    node, account, other = opening("hub15")
    node.version["apis"] = []  # metadata of version 15 are not offered
    strict = replace(account.network, params={**account.network.params, "metadata_hash": True})
    wallet = Wallet.from_mnemonic(
        "bottom drive obey lake curtain smoke basket hold race lonely fit walk", transport=node
    )
    node.data = node.data[:4] + b"\x0e" + node.data[5:]
    with pytest.raises(BadResponse):
        wallet.account(strict).build(to=other.address, amount="1")
    _, account, other = opening("polkadot14")
    strict = replace(account.network, params={**account.network.params, "metadata_hash": True})
    wallet = Wallet.from_mnemonic(
        "bottom drive obey lake curtain smoke basket hold race lonely fit walk", transport=opening("polkadot14")[0]
    )
    error = refusal(BadResponse, wallet.account(strict).build, to=other.address, amount="1")
    assert "without proof" in error.message
    summary = wallet.account(strict).build(to=other.address, amount="1", metadata_hash=False).summary
    assert any("can prove them" in warning for warning in summary.warnings)


def test_types_that_hide_the_hash_are_refused(opening):
    _, account, other = opening("hub15")
    made = account.build(to=other.address, amount="1")
    types = made.context["types"]
    for honest, false in (
        (b"CheckMetadataHash", b"CheckMetadataHasi"),  # an extension that nobody knows, and that is not empty
        (b"CheckMetadataHash", b"CheckNonZeroSende"),
        (b"CheckSpecVersion", b"CheckSpecVersiom"),
    ):
        changed = types.replace(honest.hex(), false.hex())
        assert changed != types
        with pytest.raises(InvalidTransaction):
            opened(account.network, made.body, {**made.context, "types": changed})


def test_no_changed_types_open_a_proven_payload(opening):
    _, account, other = opening("hub15")
    made = account.build(to=other.address, amount="1")
    types = bytes.fromhex(made.context["types"])
    rng = random.Random(4)
    for _ in range(400):
        changed = bytearray(types)
        position = rng.randrange(len(changed))
        match rng.randrange(3):
            case 0:
                changed[position] ^= 1 << rng.randrange(8)
            case 1:
                del changed[position : position + rng.randrange(1, 40)]
            case _:
                changed[position:position] = rng.randbytes(rng.randrange(1, 10))
        with pytest.raises(InvalidTransaction):
            opened(account.network, made.body, {**made.context, "types": changed.hex()})
