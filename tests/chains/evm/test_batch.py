"""The hot path gives byte for byte what the single path gives, and refuses what that refuses."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet.amounts import Amount, Asset
from multiwallet.chains.evm.template import RefusedRow, Template
from multiwallet.chains.evm.tokens import transfer_call
from multiwallet.codec import eip55
from multiwallet.errors import AmountError, InputError, InvalidAddress, InvalidTransaction, SigningRefused, Unsupported

TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
USDT = Asset(f"eip155:1/erc20:{TOKEN}", "USDT", 6)
FIXTURE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_quick_path_is_really_taken(keys: Any) -> None:
    call = transfer_call(eip55.parse(TO), 10**6)
    for item in (
        {"to": TOKEN, "gas": 65000, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1, "nonce": 1, "data": call},
        {"to": eip55.parse(TO), "gas": 21000, "gasPrice": 9, "nonce": 0, "value": 1, "chainId": 1, "type": 0},
        {"to": TO, "gas": 21000, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1, "nonce": 300, "type": "0x2"},
        {"to": TO, "gas": 10**6, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1, "nonce": 300, "data": b"\x01" * 400},
        {"to": TO, "gas": 10**6, "gasPrice": 9, "nonce": 300, "data": "0x" + "01" * 219},
    ):
        signed = keys.batch(item)
        assert signed is not None
        assert signed == keys.sign(keys.evm.adopt(keys.holder, item))
        assert signed.raw == keys.sign(keys.evm.adopt(keys.holder, item)).raw


@FIXTURE
@given(
    size=st.integers(0, 700), nonce=st.integers(0, 2**64 - 2), value=st.integers(0, 2**256 - 1), legacy=st.booleans()
)
def test_every_length(keys: Any, size: int, nonce: int, value: int, legacy: bool) -> None:
    prices = {"gasPrice": 10**9} if legacy else {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 0}
    item = {"to": TO, "gas": 10**6, "nonce": nonce, "value": value, "data": b"\x7f" * size, **prices}
    assert keys.batch(item) == keys.sign(keys.evm.adopt(keys.holder, item))


def test_signatures_with_leading_zeros(keys: Any) -> None:
    """About one in 128 signatures has an r or s that is shorter in RLP, or an s that needs the closer look."""
    plan = keys.evm.batch(keys.holder)
    short = 0
    for nonce in range(1500):
        item = {"to": TO, "gas": 21000, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1, "nonce": nonce}
        state, digest = plan.prepare(item)
        signature = keys.key.sign_recoverable(digest)
        if signature[0] in (0, 0xFF) or signature[32] in (0, 0x7F):
            short += 1
            assert plan.seal(state, signature) == keys.sign(keys.evm.adopt(keys.holder, item))
    assert short > 3


def test_seal_refuses_what_is_no_signature(keys: Any) -> None:
    plan = keys.evm.batch(keys.holder)
    state, _ = plan.prepare({"to": TO, "gas": 21000, "gasPrice": 9, "nonce": 1})
    for signature in (
        b"",
        b"\x01" * 64,
        b"\x01" * 64 + b"\x02",
        bytes(65),
        b"\xff" * 64 + b"\0",
        b"\1" * 32 + b"\xff" * 33,
    ):
        with pytest.raises(InvalidTransaction):
            plan.seal(state, signature)


def test_equal_but_other_types_do_not_slip_through_the_caches(keys: Any) -> None:
    prepare = keys.evm.batch(keys.holder).prepare
    good = {"to": TO, "gas": 1, "maxFeePerGas": 1, "maxPriorityFeePerGas": 1, "nonce": 1, "value": 1, "chainId": 1}
    assert prepare(good) is not None
    for name in ("gas", "maxFeePerGas", "maxPriorityFeePerGas", "nonce", "value", "chainId"):
        for same in (1.0, True):
            assert prepare({**good, name: same}) is None
            with pytest.raises(InvalidTransaction):
                keys.evm.adopt(keys.holder, {**good, name: same})
    assert prepare({**good, "type": 2.0}) is None
    assert prepare({**good, "to": bytearray(20)}) is None


def rows() -> st.SearchStrategy[list[tuple[bytes, int]]]:
    return st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.integers(0, 2**256 - 1)), min_size=1, max_size=5)


@FIXTURE
@given(rows=rows(), token=st.booleans(), legacy=st.booleans(), start=st.integers(0, 2**40), text=st.booleans())
def test_templates_are_dicts(
    keys: Any, rows: list[tuple[bytes, int]], token: bool, legacy: bool, start: int, text: bool
) -> None:
    prices: dict[str, int] = {"gas_price": 7} if legacy else {"max_fee_per_gas": 10**11, "max_priority_fee_per_gas": 0}
    template = keys.evm.template(keys.holder, nonce=start, gas=65000, asset=USDT if token else None, **prices)
    written = [(eip55.checksum(to) if text else to, units) for to, units in rows]
    for offset, (row, (to, units)) in enumerate(zip(template.fill(written), rows, strict=True)):
        names = {"gasPrice": 7} if legacy else {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 0}
        item: dict[str, Any] = {"gas": 65000, "nonce": start + offset, **names}
        if token:
            item |= {"to": TOKEN, "data": transfer_call(to, units)}
        else:
            item |= {"to": to, "value": units}
        expected = keys.sign(keys.evm.adopt(keys.holder, item))
        assert keys.batch(row) == expected
        assert keys.sign(keys.evm.adopt(keys.holder, row)) == expected
        assert keys.batch(item) == expected


def template(keys: Any, **change: Any) -> Template:
    fixed = {"nonce": 5, "gas": 65000, "max_fee_per_gas": 9, "max_priority_fee_per_gas": 1, "asset": USDT, **change}
    made: Template = keys.evm.template(keys.holder, **fixed)
    return made


def test_a_wrong_row_takes_no_nonce(keys: Any) -> None:
    wrong: list[Any] = [
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", 1),
        (TO, -1),
        (TO, 2**256),
        (TO, 1.5),
        (TO, True),
        (TO, "0.1234567"),
        (TO, Amount(1, keys.holder.network.native)),
        (b"short", 1),
        (None, 1),
        (TO, 1, -1),
        (TO, 1, 2**64),
        (TO,),
        None,
        7,
        "text",
    ]
    made = list(template(keys).fill([(TO, 1), *wrong, (TO, "1.5"), (TO, 3, 77), (TO, Amount(9, USDT))]))
    assert [row.nonce for row in made if not isinstance(row, RefusedRow)] == [5, 6, 77, 7]
    assert made[-3].units == 1500000
    for row in made[1 : 1 + len(wrong)]:
        assert isinstance(row, RefusedRow)
        with pytest.raises(InputError):
            keys.batch(row)
        with pytest.raises(InputError):
            keys.evm.adopt(keys.holder, row)
    assert isinstance(made[1].error, InvalidAddress)
    assert isinstance(made[2].error, AmountError)


def test_a_template_serves_its_own_account_only(keys: Any, keys_of: Any, networks: Any) -> None:
    (row,) = template(keys).fill([(TO, 1)])
    for other in (keys_of(b"\x09" * 32, keys.holder.network), keys_of(bytes(31) + b"\x07", networks(5))):
        with pytest.raises(SigningRefused):
            other.batch(row)
        with pytest.raises(SigningRefused):
            other.evm.adopt(other.holder, row)


@pytest.mark.parametrize(
    "change",
    [
        {"gas_price": 1},
        {"max_fee_per_gas": None},
        {"max_priority_fee_per_gas": None},
        {"max_fee_per_gas": None, "max_priority_fee_per_gas": None},
        {"gas": 1.0},
        {"nonce": True},
        {"gas": -1},
        {"nonce": 2**64},
        {"max_priority_fee_per_gas": 10},
        {"asset": "0x00"},
        {"asset": Asset(f"eip155:56/erc20:{TOKEN}", "USDT", 6)},
    ],
)
def test_wrong_templates(keys: Any, change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        template(keys, **change)


def test_a_template_by_contract_takes_units_only(keys: Any) -> None:
    made = list(template(keys, asset=TOKEN).fill([(TO, 5), (TO, "5"), (TO, Amount(5, USDT))]))
    assert keys.batch(made[0]) is not None
    assert isinstance(made[1], RefusedRow)
    assert made[2].units == 5


def test_amounts_must_agree_about_the_decimals(keys: Any) -> None:
    (refused,) = template(keys).fill([(TO, Amount(5, Asset(USDT.id, "USDT", 18)))])
    assert isinstance(refused, RefusedRow)
    assert isinstance(refused.error, AmountError)
    lower = Asset(USDT.id.lower(), "USDT", 6)
    assert [row.units for row in template(keys, asset=lower).fill([(TO, Amount(5, lower)), (TO, Amount(6, USDT))])] == [
        5,
        6,
    ]


def test_portions_count_on(keys: Any) -> None:
    made = template(keys)
    rows = [(TO, 1), (TO, 1), (TO, 1)]
    whole = list(made.fill(rows))
    assert [*made.fill(rows[:2]), *made.fill(rows[2:], start=2)] == whole
    assert len({keys.batch(row).txid for row in whole}) == 3
    with pytest.raises(InputError):
        made.fill(rows, start=-1)


def test_a_template_like_a_transaction(keys: Any, keys_of: Any) -> None:
    evm, holder = keys.evm, keys.holder
    for asset in (None, USDT):
        for prices in ({"gas_price": 7}, {"max_fee_per_gas": 9, "max_priority_fee_per_gas": 2}):
            original = evm.template(holder, nonce=5, gas=65000, asset=asset, **prices)
            (row,) = original.fill([(TO, "0.000001")])
            like = evm.adopt(holder, row)
            assert evm.adopt(holder, next(evm.template(holder, like=like).fill([(TO, "0.000001")]))) == like
            more = evm.template(holder, like=like, nonce=8, gas=90000)
            assert evm.adopt(holder, next(more.fill([(TO, 3)]))).fee.details["gas"] == 90000
            other = {"max_fee_per_gas": 4, "max_priority_fee_per_gas": 1} if "gas_price" in prices else {"gas_price": 3}
            (row,) = evm.template(holder, like=like, **other).fill([(TO, 3)])
            assert evm.adopt(holder, row).fee.details == {"gas": 65000, **other}
            with pytest.raises(InputError, match="leave asset out"):
                evm.template(holder, like=like, asset=USDT)
            with pytest.raises(SigningRefused):
                evm.template(keys_of(b"\x09" * 32, holder.network).holder, like=like)
    pay = {"to": TOKEN, "gas": 50000, "gasPrice": 9, "nonce": 1, "chainId": 1}
    transfer = transfer_call(eip55.parse(TO), 1)
    unfit: list[dict[str, Any]] = [
        {"data": b"memo"},
        {"data": transfer, "value": 1},
        {"data": transfer + b"\0"},
        {"type": 1, "accessList": []},
        {"chainId": None},
    ]
    for change in unfit:
        with pytest.raises(Unsupported):
            evm.template(holder, like=evm.adopt(holder, {**pay, **change}))
    by_contract = evm.template(holder, like=evm.adopt(holder, {**pay, "data": transfer}))
    assert (by_contract.asset, by_contract.contract) == (None, eip55.parse(TOKEN))
    for wrong in ({"like": b""}, {"like": pay}, {}, {"nonce": 1}, {"nonce": 1, "gas": 1, "gas_price": 1, "memo": "x"}):
        with pytest.raises(InputError):
            evm.template(holder, **wrong)


def test_a_hand_made_row_is_checked(keys: Any) -> None:
    from multiwallet.chains.evm.template import TemplateRow

    for to, units, nonce in ((b"x", 1, 1), (bytes(20), -1, 1), (bytes(20), 1, 2**64)):
        for asset in (USDT, None):
            row = TemplateRow(template(keys, asset=asset), to, units, nonce)
            with pytest.raises(InputError):
                keys.batch(row)
            with pytest.raises(InputError):
                keys.evm.adopt(keys.holder, row)


def test_threads_share_a_plan(keys: Any) -> None:
    plan = keys.evm.batch(keys.holder)
    items = [
        {"to": bytes((n % 251,)) * 20, "gas": 21000 + n % 7, "gasPrice": 9 + n % 5, "nonce": n, "value": n}
        for n in range(800)
    ]
    results: dict[int, list[bytes]] = {}

    def work(number: int) -> None:
        results[number] = [plan.prepare(item)[1] for item in items]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    expected = [keys.evm.adopt(keys.holder, item).requests[0].message for item in items]
    assert all(results[number] == expected for number in range(4))
