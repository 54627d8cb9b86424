"""Amount and Asset: exact or refused, whatever the text, the number or the mixture."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.amounts import Amount, Asset
from multiwallet.errors import AmountError

WEI = Asset("eip155:1/slip44:60", "ETH", 18)
USDC = Asset("eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USDC", 6)
decimals = st.integers(0, 255)
units = st.one_of(st.integers(0, 2**64), st.integers(0, 2**256 - 1))


def of(places: int) -> Asset:
    return Asset("eip155:1/erc20:x", "X", places)


@given(units, decimals)
def test_text_is_exact_both_ways(number: int, places: int) -> None:
    amount = Amount(number, of(places))
    assert Fraction(amount.text) == Fraction(number, 10**places)
    again = Amount.parse(amount.text, of(places)) if len(amount.text.split(".")[0]) <= 78 else amount
    assert again == amount
    assert "e" not in amount.text.lower()
    assert not amount.text.endswith(".")
    assert str(amount) == f"{amount.text} X"


@given(st.text(st.sampled_from("0123456789.,-+eE_ \n١٢²①५"), max_size=30), decimals)
def test_any_text_is_read_exactly_or_refused(text: str, places: int) -> None:
    try:
        amount = Amount.parse(text, of(places))
    except AmountError:
        return
    assert text.isascii()
    assert Fraction(Decimal(text)) == Fraction(amount.units, 10**places)


@given(units, units)
def test_arithmetic_is_that_of_integers(a: int, b: int) -> None:
    first, second = Amount(a, WEI), Amount(b, WEI)
    assert (first + second).units == a + b
    assert (first < second, first <= second, first > second, first >= second) == (a < b, a <= b, a > b, a >= b)
    assert (first == second) == (a == b)
    assert (first * 3).units == (3 * first).units == 3 * a
    assert bool(first) == bool(a)
    if a >= b:
        assert (first - second).units == a - b
    else:
        with pytest.raises(AmountError):
            first - second
    assert pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", ".5", "5.", "1,5", "1 000", "1_000", "-1", "+1", "1e18", "0x10", "NaN", "inf", "1.2.3", " 1", "1\n"),
        *(
            "١",
            "１",
            "½",
            "²",
            "1.٥",
            "1\u200b",
            "0" * 79,
            "9" * 5000,
            "1." + "0" * 256,
            "1." + "0" * 19,
            "max",
            "1 ETH",
        ),
    ],
    ids=lambda value: f"{len(value)}:{value[:20].encode('unicode_escape').decode()}",
)
def test_text_that_is_no_exact_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        Amount.parse(text, WEI)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [0.1, 1, 1.0, Decimal("0.1"), Fraction(1, 10), None, True, b"0.1", ["0.1"]], ids=repr)
def test_only_text_is_parsed(value: object) -> None:
    with pytest.raises(TypeError):
        Amount.parse(value, WEI)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("value", [0.5, 1.0, True, "1", Decimal(1), None], ids=repr)
def test_units_are_plain_integers(value: object) -> None:
    with pytest.raises(TypeError):
        Amount(value, WEI)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError):
        Amount(1, WEI) * value  # type: ignore[operator]  # on purpose
    for operation in ("__add__", "__sub__", "__lt__"):
        assert getattr(Amount(1, WEI), operation)(value) is NotImplemented
    with pytest.raises(TypeError):
        float(Amount(1, WEI))


def test_giant_numbers_are_refused_instead_of_failing_to_be_written() -> None:
    largest = Amount(2**2048 - 1, WEI)
    assert Fraction(largest.text) == Fraction(2**2048 - 1, 10**18)
    for make in (lambda: Amount(10**5000, WEI), lambda: largest + Amount(1, WEI), lambda: largest * 10**5000):
        with pytest.raises(AmountError, match="bits"):
            make()


def test_assets_do_not_mix() -> None:
    for other in (USDC, Asset("eip155:137/slip44:60", "ETH", 18), Asset("eip155:1/erc20:ETH", "ETH", 18)):
        for operation in ("__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"):
            with pytest.raises(AmountError, match="do not mix"):
                getattr(Amount(5, WEI), operation)(Amount(5, other))
        assert Amount(5, WEI) != Amount(5, other)


def test_amounts_that_disagree_about_the_decimals_do_not_mix() -> None:
    lie = Asset(USDC.id, "USDC", 18)
    assert lie == USDC
    for operation in ("__add__", "__sub__", "__lt__"):
        with pytest.raises(AmountError, match="decimals"):
            getattr(Amount(5, USDC), operation)(Amount(5, lie))


@pytest.mark.parametrize(
    ("identity", "symbol", "places"),
    [
        ("eip155:1", "X", 0),
        ("", "X", 0),
        ("eip155:1/erc20", "X", 0),
        (None, "X", 0),
        (5, "X", 0),
        (["eip155:1/erc20:0x"], "X", 0),
        (USDC.id, None, 0),
        (USDC.id, "X\nfee      0 ETH", 0),
        (USDC.id, "X\x1b[2K", 0),
        (USDC.id, "\u202eHTE", 0),
        (USDC.id, "X" * 65, 0),
        (USDC.id, "X", -1),
        (USDC.id, "X", 256),
        (USDC.id, "X", True),
        (USDC.id, "X", 6.0),
        (USDC.id, "X", "6"),
    ],
)
def test_a_wrong_asset_is_refused(identity: object, symbol: object, places: object) -> None:
    with pytest.raises(AmountError):
        Asset(identity, symbol, places)  # type: ignore[arg-type]  # on purpose
