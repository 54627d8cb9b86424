"""Coin selection: exact sums, enough fee, no dust, repeatable, bounded."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.bitcoin.coins import Coin
from multiwallet.chains.bitcoin.fees import fee_for, parse_rate
from multiwallet.chains.bitcoin.script import KEY_KINDS, op_return, script_for_key
from multiwallet.chains.bitcoin.selection import MAX_WEIGHT, Frame, Selection, everything, exactly, select
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.chains.bitcoin.weights import dust_limit, vsize
from multiwallet.errors import InputError

KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
SCRIPTS = {kind: script_for_key(kind, KEY) for kind in KEY_KINDS}


def coins_of(amounts, kind="p2wpkh"):
    return [
        Coin(OutPoint(f"{number:064x}", number % 3), amount, SCRIPTS[kind], KEY, height=1)
        for number, amount in enumerate(amounts, 1)
    ]


def frame_of(kind="p2wpkh", rate=1000, outputs=1, memo=b"", dust_rate=3000):
    scripts = (SCRIPTS["p2wpkh"],) * outputs + ((op_return(memo),) if memo else ())
    return Frame(kind, scripts, SCRIPTS[kind], dust_limit(SCRIPTS[kind], dust_rate), rate)


def signed_size(frame, selection):
    """The virtual size of a real transaction of this shape, with the largest signatures there can be."""
    signature = bytes(72)
    if frame.kind == "p2pkh":
        script, witness = b"\x48" + signature + b"\x21" + KEY, ()
    elif frame.kind == "p2tr":
        script, witness = b"", (bytes(64),)
    else:
        script = b"\x16" + bytes(22) if frame.kind == "p2sh-p2wpkh" else b""
        witness = (signature, KEY)
    inputs = [TxIn(coin.outpoint.raw, script, 0, witness) for coin in selection.coins]
    outputs = [TxOut(1, output) for output in frame.outputs]
    outputs += [TxOut(selection.change, frame.change)] if selection.change else []
    return Transaction(2, inputs, outputs).vsize


amounts = st.lists(st.one_of(st.integers(1, 3000), st.integers(1, 10**9)), max_size=40)
frames = st.builds(
    frame_of,
    kind=st.sampled_from(KEY_KINDS),
    rate=st.one_of(st.integers(1, 60_000), st.sampled_from([1000, 10_000, 999_999])),
    outputs=st.integers(1, 5),
    memo=st.sampled_from([b"", b"memo", bytes(80)]),
    dust_rate=st.sampled_from([3000, 30_000]),
)


@given(amounts, st.integers(1, 2 * 10**9), frames, st.randoms(use_true_random=False))
def test_a_selection_adds_up(values, target, frame, shuffler):
    coins = coins_of(values, frame.kind)
    selection = select(coins, target, frame)
    if selection is None:
        worth = [coin.amount - frame.input_cost for coin in coins if coin.amount > frame.input_cost]
        assert sum(worth) < target + frame.fee(len(worth))
        return
    assert len(set(selection.coins)) == len(selection.coins) > 0
    assert set(selection.coins) <= set(coins)
    assert all(coin.amount > frame.input_cost for coin in selection.coins)
    assert sum(coin.amount for coin in selection.coins) == target + selection.fee + selection.change
    assert selection.change == 0 or selection.change >= frame.dust
    assert selection.fee >= fee_for(4 * signed_size(frame, selection), frame.rate)
    if selection.change:  # not a unit more than the rate asks for
        assert selection.fee == frame.fee(len(selection.coins), change=True)
    else:  # what is given away is less than change would have cost, or than could be sent
        spared = selection.fee - frame.fee(len(selection.coins))
        output = frame.fee(len(selection.coins), change=True) - frame.fee(len(selection.coins))
        assert spared <= max(frame.dust, frame.input_cost * 2) + output + len(coins) + 60
    shuffler.shuffle(coins)
    assert select(coins, target, frame) == selection


@given(st.sampled_from(KEY_KINDS), st.integers(1, 400), st.integers(1, 3), st.booleans())
def test_the_weight_is_that_of_the_largest_transaction(kind, inputs, outputs, change):
    frame = frame_of(kind, outputs=outputs)
    selection = Selection(tuple(coins_of([10] * inputs, kind)), 1 if change else 0, 0)
    assert vsize(frame.weight(inputs, change=change)) == signed_size(frame, selection)


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=12), st.data(), frames)
def test_an_exact_match_needs_no_change(values, data, frame):
    coins = coins_of(values, frame.kind)
    worth = [coin for coin in coins if coin.amount > frame.input_cost + 8]
    if not worth:
        return
    chosen = data.draw(st.lists(st.sampled_from(worth), min_size=1, unique=True))
    target = sum(coin.amount for coin in chosen) - frame.fee(len(chosen)) - 2 * len(chosen) - 60 * frame.rate // 1000
    if target <= 0:
        return
    assert select(coins, target, frame) is not None


def test_branch_and_bound_finds_what_trying_all_finds():
    rnd = random.Random(7)
    frame = frame_of(rate=20_000)
    found = 0
    for _ in range(60):
        coins = coins_of([rnd.randrange(5_000, 60_000) for _ in range(9)])
        chosen = rnd.sample(coins, rnd.randrange(2, 6))
        target = sum(coin.amount for coin in chosen) - frame.fee(len(chosen)) - 150
        without_change = [
            combination
            for size in range(1, 10)
            for combination in itertools.combinations(coins, size)
            if 0 <= sum(coin.amount for coin in combination) - target - frame.fee(size) <= 400
        ]
        assert without_change
        selection = select(coins, target, frame)
        assert selection is not None
        if selection.change == 0:
            found += 1
            assert len(selection.coins) <= max(map(len, without_change))
    assert found > 50


def test_a_hard_case_ends():
    """Amounts like powers of two have no match and many combinations: the search gives up, and the rest answers."""
    values = [2**n + 2 ** (n + 17) for n in range(17)] * 2
    frame = frame_of(rate=1000)
    selection = select(coins_of(values), sum(values) // 3, frame)
    assert selection is not None
    assert selection.change >= frame.dust


def test_no_more_inputs_than_fit():
    frame = frame_of("p2pkh", rate=1000)
    coins = coins_of([10_000] * 1200, "p2pkh")
    most = frame.most_inputs
    assert frame.weight(most, change=True) <= MAX_WEIGHT < frame.weight(most + 1, change=True)
    assert select(coins, 10_000 * 1200 - frame.fee(1200), frame) is None
    selection = select(coins, 6_000_000, frame)
    assert selection is not None
    assert frame.weight(len(selection.coins), change=True) <= MAX_WEIGHT


def test_a_low_target_takes_one_coin():
    frame = frame_of(rate=50_000)
    selection = select(coins_of([1_000_000, 500_000, 200_000]), 100_000, frame)
    assert [coin.amount for coin in selection.coins] == [200_000]


@given(amounts, frames)
def test_everything(values, frame):
    coins = coins_of(values, frame.kind)
    selection, amount = everything(coins, frame)
    assert sum(coin.amount for coin in selection.coins) == amount + selection.fee
    assert selection.change == 0
    for coin in coins:  # leaving another one out, or putting one in, sends no more
        assert (coin in selection.coins) == (coin.amount > frame.input_cost)
    chosen, total = everything(coins, frame, all_of_them=True)
    assert chosen.coins == tuple(coins)
    assert total == sum(values) - frame.fee(len(coins))


@given(amounts, st.integers(1, 10**9), frames)
def test_exactly(values, target, frame):
    coins = coins_of(values, frame.kind)
    selection = exactly(coins, target, frame)
    if selection is None:
        assert not coins or sum(values) < target + frame.fee(len(coins))
    else:
        assert selection.coins == tuple(coins)
        assert sum(values) == target + selection.fee + selection.change
        assert selection.fee >= frame.fee(len(coins), change=bool(selection.change))


def test_nothing_selects_nothing():
    assert select([], 1, frame_of()) is None
    assert exactly([], 1, frame_of()) is None
    assert everything([], frame_of())[0].coins == ()


@pytest.mark.parametrize(
    ("text", "rate"), [(1, 1000), ("7", 7000), ("2.5", 2500), ("0.001", 1), ("12.345", 12345), (1000, 10**6)]
)
def test_rates(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    [0, "00", "0.000", -1, "-2", "", "1.2345", "1e3", "٣", " 1", "1,5", "NaN", True, None, [], 10**9, "1" * 5000],
)
def test_rates_refuse(text):
    with pytest.raises(InputError, match="fee_rate"):
        parse_rate(text)


def test_a_float_rate_is_a_type_error():
    with pytest.raises(TypeError):
        parse_rate(2.5)
