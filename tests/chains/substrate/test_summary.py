"""Summaries: what is dangerous is never shown as harmless, and nothing hostile breaks the reader."""

from __future__ import annotations

import json
import random
from contextlib import suppress

import pytest

from multiwallet import network
from multiwallet.chains.substrate import summary
from multiwallet.chains.substrate.merkle import tree
from multiwallet.chains.substrate.metadata import parse
from multiwallet.chains.substrate.payload import opened
from multiwallet.chains.substrate.summary import written
from multiwallet.chains.substrate.values import AccountId, Case, Decoder
from multiwallet.codec.reader import Reader
from multiwallet.errors import InvalidTransaction


@pytest.fixture
def summary_of(opening):
    node, account, other = opening("hub15")
    node.fund_asset(account.address, 5, 10**9)

    def summary(call, **options):
        made = account.build(to=other.address, amount="1", call=call(account, other), **options)
        return made.summary

    return summary


@pytest.mark.parametrize(
    ("pallet", "name", "args", "words"),
    [
        ("Utility", "force_batch", {"calls": []}, "may fail while others"),
        ("Utility", "batch", {"calls": []}, "may fail while others"),
        ("Proxy", "create_pure", {"proxy_type": "Any", "delay": 0, "index": 0}, "only its proxies"),
        ("Assets", "transfer_ownership", {"id": 5, "owner": "other"}, "gives an asset away"),
        ("Assets", "approve_transfer", {"id": 5, "delegate": "other", "amount": 9}, "spend from this one"),
        ("Assets", "transfer", {"id": 5, "target": "other", "amount": 9}, "decimals of the asset 5"),
        ("Balances", "force_transfer", {"source": "other", "dest": "other", "value": 1}, "not known here"),
        ("System", "set_code", {"code": "0x00"}, "replaces the runtime"),
        (
            "PolkadotXcm",
            "execute",
            {"message": {"V3": []}, "max_weight": {"ref_time": 1, "proof_size": 1}},
            "not known here",
        ),
    ],
)
def test_dangerous_calls_carry_a_warning(summary_of, pallet, name, args, words):
    def call(account, other):
        named = {key: other.address if value == "other" else value for key, value in args.items()}
        return {"pallet": pallet, "name": name, "args": named}

    summary = summary_of(call)
    assert any(words in warning for warning in summary.warnings)
    assert json.loads(json.dumps(summary.to_dict()))["warnings"]


def test_calls_inside_calls_are_all_shown(summary_of):
    def call(account, other):
        pay = {"pallet": "Balances", "name": "transfer_allow_death", "args": {"dest": other.address, "value": 5}}
        power = {
            "pallet": "Proxy",
            "name": "add_proxy",
            "args": {"delegate": other.address, "proxy_type": "Any", "delay": 0},
        }
        inner = {"pallet": "Utility", "name": "batch_all", "args": {"calls": [pay, power]}}
        outer = {
            "pallet": "Proxy",
            "name": "proxy",
            "args": {"real": other.address, "force_proxy_type": None, "call": inner},
        }
        return {"pallet": "Utility", "name": "dispatch_as", "args": {"as_origin": {"system": "Root"}, "call": outer}}

    summary = summary_of(call)
    assert any("origin of its own choice" in warning for warning in summary.warnings)
    assert "add_proxy" in str(summary)  # within the arguments of what is not taken apart

    def plain(account, other):
        return call(account, other)["args"]["call"]

    summary = summary_of(plain)
    assert [action.kind for action in summary.actions] == ["transfer", "transfer", "call"]
    assert any("acts for another account" in warning for warning in summary.warnings)
    assert any("power over this one" in warning for warning in summary.warnings)
    assert summary.actions[1].details["out of"]


def test_a_transfer_to_something_that_is_no_account(summary_of):
    def call(account, other):
        return {"pallet": "Balances", "name": "transfer_allow_death", "args": {"dest": {"Raw": "0x1234"}, "value": 5}}

    summary = summary_of(call)
    assert any("in another way" in warning for warning in summary.warnings)


def test_texts_are_bounded_and_printable(summary_of):
    remark = b"\x1b[2Jsafe\x00" + b"\xff" + b"x" * 5000
    summary = summary_of(lambda a, b: {"pallet": "System", "name": "remark", "args": {"remark": remark}})
    text = summary.actions[1].details["text"]
    assert text.isprintable()
    assert len(text) <= 600
    assert len(str(summary)) < 3000


def test_values_are_written_out(opening):
    _, account, _ = opening("hub15")
    value = {"a": [1, None, b"\x01"], "b": Case("Some", AccountId(bytes(32))), "c": "text\n", "d": Case("None")}
    text = written(account.network, value)
    assert text.startswith("a: [1, none, 0x01], b: Some(")
    assert text.isprintable()


def test_random_bytes_are_no_call_or_one_that_can_be_written_out(opening):
    node, account, _ = opening("hub15")
    forest = tree(parse(node.data))
    rng = random.Random(5)
    read = 0
    for _ in range(600):
        data = bytes((rng.choice((0, 10, 31, 32, 40, 41, 42, 50)), rng.randrange(8))) + rng.randbytes(
            rng.randrange(120)
        )
        with suppress(InvalidTransaction):
            value = Decoder(forest.types).read(Reader(data), forest.form.call)
            assert written(account.network, value).isprintable()
            read += 1
    assert read > 20


def test_a_payload_with_any_bit_changed_is_refused_or_says_something_else(opening):
    _, account, other = opening("hub15")
    made = account.build(to=other.address, amount="1")
    rng = random.Random(9)
    for _ in range(150):
        body = bytearray(made.body)
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        with suppress(InvalidTransaction):
            assert opened(account.network, bytes(body), made.context).terms is not None
            # What is still a payload says what it is: nothing of the change is hidden.
            found = opened(account.network, bytes(body), made.context)
            before = opened(account.network, made.body, made.context)
            assert (found.call, found.terms) != (before.call, before.terms)


def test_who_controls_a_bond_is_shown():
    """Until 2023 staking named an account that controls the stake."""
    args = {"controller": AccountId(b"\7" * 32), "value": 5, "payee": Case("Staked")}
    reading = summary._Reading(network("polkadot"), ())
    reading.call(Case("Staking", Case("bond", args)), {})
    (action,) = reading.actions
    assert action.kind == "bond"
    assert "controller" in action.details["arguments"]
