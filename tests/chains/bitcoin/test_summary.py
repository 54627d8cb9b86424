"""Summaries: what is paid, what is called change and by what proof, and the warnings."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from multiwallet.amounts import Amount
from multiwallet.chains.bitcoin import psbt_fields as field
from multiwallet.chains.bitcoin.addresses import address_of
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.script import op_return, script_for_key
from multiwallet.chains.bitcoin.transaction import FINAL_SEQUENCE
from multiwallet.errors import SigningRefused
from multiwallet.path import Path
from multiwallet.transactions import UnsignedTransaction

PAYEE = b"\x00\x14" + b"\x11" * 20


def summary_of(bench, holder, outputs, *, amount=100_000, **more):
    more.setdefault("path", holder.path)
    coin = bench.coin("p2wpkh", holder.public_key, amount, **more)
    return bench.chain.adopt(holder, Psbt.create([coin], outputs).serialize())


def test_payments_change_fee_and_memo(bench):
    holder = bench.holder("h")
    change = (script_for_key("p2wpkh", holder.public_key), 30_000, holder.public_key, holder.path)
    outputs = [(PAYEE, 60_000, None, None), (op_return("café".encode()), 0, None, None), change]
    transaction = summary_of(bench, holder, outputs)
    summary = transaction.summary
    native = bench.row.native
    address = address_of(bench.row, PAYEE)
    assert [(a.kind, a.to, a.amount) for a in summary.actions] == [
        ("transfer", address, Amount(60_000, native)),
        ("change", holder.address, Amount(30_000, native)),
    ]
    assert summary.memo == "café"
    assert summary.fee.expected == summary.fee.maximum == Amount(10_000, native)
    assert summary.fee == transaction.fee
    assert (summary.network, summary.sender) == (bench.row.id, holder.address)
    assert summary.details["replaceable"] == "yes"
    assert summary.details["fee_rate"].endswith("sat/vB")
    assert any("16 %" in warning for warning in summary.warnings)
    json.dumps(summary.to_dict())
    assert address in str(summary)
    assert str(summary).count("memo") == 1


def test_change_is_what_the_account_can_prove(bench):
    """An output that claims to be change and is not is shown as a transfer."""
    holder = bench.whole("w")
    account = holder.account_path
    own = bench.key(("w", 1, 0)).public_key
    lost, other = bench.key(("w", 1, 20_000)).public_key, bench.key(("w", 2, 0)).public_key
    thief = bench.key("thief").public_key
    claims = [
        (script_for_key("p2wpkh", own), 1, own, account / 1 / 0),  # ours
        (script_for_key("p2wpkh", thief), 2, thief, account / 1 / 0),  # our path, their key
        (script_for_key("p2wpkh", own), 3, None, None),  # ours, and nothing says so
        (script_for_key("p2tr", own), 4, own, account / 1 / 0),  # a kind of script that no scan of ours looks for
        (script_for_key("p2wpkh", lost), 5, lost, account / 1 / 20_000),  # so far out that no scan gets there
        (script_for_key("p2wpkh", other), 6, other, account / 2 / 0),  # on a chain that nobody looks at
    ]
    key = bench.key(("w", 0, 0)).public_key
    coin = bench.coin("p2wpkh", key, path=account / 0 / 0, fingerprint=holder.fingerprint)
    psbt = Psbt.create([coin], claims)
    # their script with our key
    maps = list(psbt.outputs)
    maps[1] = {b"\x02" + own: field.derivation_value(holder.fingerprint, account / 1 / 0)}
    for outputs in (psbt.outputs, maps):
        tried = Psbt(psbt.transaction, psbt.inputs, outputs)
        transaction = bench.chain.adopt(holder, tried.serialize())
        assert transaction.context == {"change": [0]}
        assert [a.kind for a in transaction.summary.actions] == ["change"] + ["transfer"] * 5
        assert UnsignedTransaction.from_json(transaction.to_json()).summary == transaction.summary


def test_a_false_claim_of_change_is_not_signed(bench):
    """A file that calls a thief's output change shows it so to nobody, and an account that is not its owner refuses."""
    holder = bench.holder("h")
    thief = bench.key("thief").public_key
    outputs = [(PAYEE, 10_000, None, None), (script_for_key("p2wpkh", thief), 80_000, thief, Path("m/84'/0'/0'/1/0"))]
    transaction = summary_of(bench, holder, outputs)
    assert [a.kind for a in transaction.summary.actions] == ["transfer", "transfer"]
    forged = replace(transaction, context={"change": [1]})
    with pytest.raises(SigningRefused, match="change that is not this account's"):
        bench.chain.authorize(holder, forged)
    plain = replace(transaction, context={"change": [0]})  # this output names no key at all
    assert [a.kind for a in plain.summary.actions] == ["transfer", "transfer"]
    with pytest.raises(SigningRefused):
        bench.chain.authorize(holder, plain)


@pytest.mark.parametrize(
    ("outputs", "amount", "more", "words"),
    [
        ([(PAYEE, 90_000, None, None)], 100_000, {}, "11 %"),
        ([(PAYEE, 1_000, None, None)], 100_000, {}, "more than what is sent"),
        ([(PAYEE, 100_000_000, None, None)], 100_200_000, {}, "absurdly high"),
        ([(b"\x51", 99_900, None, None)], 100_000, {}, "no address"),
        ([(b"", 99_900, None, None)], 100_000, {}, "no address"),
        ([(b"\x53\x20" + bytes(32), 99_900, None, None)], 100_000, {}, "no address"),
    ],
)
def test_warnings(bench, outputs, amount, more, words):
    transaction = summary_of(bench, bench.holder("h"), outputs, amount=amount, **more)
    assert [warning for warning in transaction.summary.warnings if words in warning]


def test_an_ordinary_payment_has_no_warning(bench):
    transaction = summary_of(bench, bench.holder("h"), [(PAYEE, 99_000, None, None)])
    assert transaction.summary.warnings == ()
    assert transaction.fee.details == {"vsize": 110, "fee_rate": "9.09"}


@pytest.mark.parametrize(("locktime", "words"), [(800_000, "block 800000"), (1_700_000_000, "2023-11-14 22:13:20 UTC")])
def test_locktimes(bench, locktime, words):
    holder = bench.holder("h")
    coin = bench.coin("p2wpkh", holder.public_key)
    for sequence in (coin.sequence, FINAL_SEQUENCE):
        psbt = Psbt.create([coin._replace(sequence=sequence)], [(PAYEE, 99_000, None, None)], locktime=locktime)
        summary = bench.chain.adopt(holder, psbt.serialize()).summary
        active = sequence != FINAL_SEQUENCE
        assert any(words in warning for warning in summary.warnings) is active
        assert (summary.details.get("locktime") == words) is active
        assert summary.details["replaceable"] == ("yes" if active else "no")


def test_memos_that_are_no_text_are_shown_as_hex(bench):
    holder = bench.holder("h")
    for data, memo in ((b"\xff\xfe", "0xfffe"), (b"a\x1b[31m", "0x611b5b33316d"), (b"", "")):
        outputs = [(op_return(data), 0, None, None), (PAYEE, 99_000, None, None)]
        assert summary_of(bench, holder, outputs).summary.memo == memo


def test_a_hostile_taproot_output_field_does_not_break_the_summary(bench):
    holder = bench.holder("h")
    coin = bench.coin("p2wpkh", holder.public_key)
    psbt = Psbt.create([coin], [(b"\x51\x20" + b"\xff" * 32, 99_000, None, None)])
    claimed = {b"\x07" + b"\xff" * 32: b"\x00" + bytes(4)}
    transaction = bench.chain.adopt(holder, Psbt(psbt.transaction, psbt.inputs, [claimed]).serialize())
    forged = replace(transaction, context={"change": [0]})
    assert [a.kind for a in forged.summary.actions] == ["transfer"]


def test_the_sender_is_whose_coins_are_spent(bench):
    """Not the account's next receive address, which owns nothing."""
    whole = bench.whole("w")
    account = whole.account_path
    keys = [bench.key(("w", 0, index)).public_key for index in (3, 4, 3)]
    coins = [
        bench.coin("p2wpkh", key, seed=seed, path=account / 0 / index, fingerprint=whole.fingerprint)
        for seed, (key, index) in enumerate(zip(keys, (3, 4, 3), strict=True))
    ]
    addresses = [bench.chain.address(bench.row, key) for key in keys]
    one = bench.chain.adopt(whole, Psbt.create([coins[0], coins[2]], [(PAYEE, 199_000, None, None)]).serialize())
    assert one.sender == whole.address
    assert one.summary.sender == addresses[0] != whole.address
    assert "spends" not in one.summary.details
    several = bench.chain.adopt(whole, Psbt.create(coins[::-1], [(PAYEE, 299_000, None, None)]).serialize())
    assert several.summary.sender == addresses[0]
    assert several.summary.details["spends"] == f"coins of {addresses[0]} and 1 more"
    assert bench.chain.authorize(whole, several)
    assert UnsignedTransaction.from_json(several.to_json()).summary == several.summary


def test_only_the_first_plain_memo_is_left_out_of_the_actions(bench):
    holder = bench.holder("h")
    outputs = [
        (op_return(b"burnt"), 7, None, None),
        (b"\x6a\x51", 0, None, None),
        (op_return(b"one"), 0, None, None),
        (op_return(b"two"), 0, None, None),
        (PAYEE, 99_000, None, None),
    ]
    summary = summary_of(bench, holder, outputs).summary
    assert summary.memo == "one"
    assert [(a.kind, a.amount and a.amount.units, dict(a.details)) for a in summary.actions] == [
        ("memo", 7, {"data": b"burnt".hex()}),
        ("memo", None, {"script": "6a51"}),
        ("memo", None, {"data": b"two".hex()}),
        ("transfer", 99_000, {}),
    ]


@pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh", "p2tr"])
def test_amounts_without_proof_are_warned_of(bench, kind):
    """With two such inputs, two rounds of signing with one false amount each would make one valid transaction."""
    holder = bench.holder("h", kind)
    for proven, count, warned in ((False, 2, kind != "p2tr"), (False, 1, False), (True, 3, False)):
        coins = [bench.coin(kind, holder.public_key, seed=seed, proven=proven) for seed in range(count)]
        psbt = Psbt.create(coins, [(PAYEE, count * 100_000 - 1_000, None, None)])
        summary = bench.chain.adopt(holder, psbt.serialize()).summary
        assert any("2 inputs are stated without proof" in warning for warning in summary.warnings) is warned


def test_change_beyond_what_was_scanned_is_no_change(bench):
    """It is the account's own, and its next scan would not find it."""
    scripts = {script_for_key("p2wpkh", bench.key(("w", 1, n)).public_key): (1, n) for n in range(20)}
    fresh = bench.whole("w")
    scanned = bench.whole("w", state=SimpleNamespace(scripts=scripts))
    account = fresh.account_path
    coin = bench.coin("p2wpkh", bench.key(("w", 0, 0)).public_key, path=account / 0 / 0)
    for index, kinds in ((19, ["change", "change"]), (20, ["change", "transfer"])):
        key = bench.key(("w", 1, index)).public_key
        change = (script_for_key("p2wpkh", key), 99_000, key, account / 1 / index)
        raw = Psbt.create([coin], [change]).serialize()
        made = [bench.chain.adopt(holder, raw) for holder in (fresh, scanned)]
        assert [transaction.summary.actions[0].kind for transaction in made] == kinds
        for transaction in made:  # a file made on another machine, whose scan knew more or less
            assert all(bench.chain.authorize(holder, transaction) for holder in (fresh, scanned))


@pytest.mark.parametrize("kind", ["p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh"])
def test_an_account_of_one_address_has_change_there_only(bench, kind):
    """Its key spends other kinds of scripts as well, and its balance does not show them."""
    holder = bench.holder("h", kind)
    kinds = ["p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh"]
    key = holder.public_key
    outputs = [(script_for_key(each, key), 20_000, key, holder.path) for each in kinds]
    psbt = Psbt.create([bench.coin(kind, key, path=holder.path)], outputs)
    actions = bench.chain.adopt(holder, psbt.serialize()).summary.actions
    assert [a.kind for a in actions] == ["change" if each == kind else "transfer" for each in kinds]
