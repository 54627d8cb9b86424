"""Building against a scripted node: what is asked, what it costs, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Holder, Options, Payment
from multiwallet.chains.tron import Tron, fees
from multiwallet.chains.tron.raw_data import RawData
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MultiwalletError,
    Rejected,
    Reverted,
    Timeout,
    Unsupported,
)
from multiwallet.transactions import UnsignedTransaction

BLOCK_TIME = 1_700_000_000_000


@pytest.fixture
def native(holder: Holder) -> Asset:
    return holder.network.native


@pytest.fixture
def usdt(holder: Holder, names: Any) -> Asset:
    return Asset(f"{holder.network.id}/trc20:{names.usdt}", "USDT", 6)


@pytest.fixture
def build(chain: Tron, holder: Holder, node: Any, names: Any, native: Asset) -> Any:
    def run(
        units: int | None = 1_000_000, asset: Asset | None = None, to: str = names.friend, **options: Any
    ) -> UnsignedTransaction:
        amount = Amount(units or 0, asset or native)
        memo, max_fee = options.pop("memo", None), options.pop("max_fee", None)
        chosen = Options(memo=memo, max_fee=max_fee, salt=options.pop("salt", 0), native=options)
        payment = Payment(to, amount, everything=units is None)
        result = node.run(chain.build(holder, (payment,), chosen))
        assert isinstance(result, UnsignedTransaction)
        return result

    return run


def test_a_transfer_from_one_batch(build: Any, node: Any, names: Any, holder: Holder) -> None:
    unsigned = build()
    assert node.batches == [5]
    raw = RawData.decode(unsigned.body)
    assert (raw.ref_block_bytes.hex(), raw.ref_block_hash.hex()) == ("8814", "328b985e759bf98d")
    assert (raw.timestamp, raw.expiration) == (BLOCK_TIME, BLOCK_TIME + 600_000)
    (action,) = unsigned.summary.actions
    assert (action.to, action.amount) == (names.friend, Amount(1_000_000, holder.network.native))
    assert unsigned.fee.expected.units == 0
    assert unsigned.fee.maximum.units == 1000 * fees.bandwidth_of(len(unsigned.body))
    assert unsigned.summary.fee == unsigned.fee
    assert unsigned.summary.warnings == ()
    # the size that is priced is the size that is sent
    assert unsigned.fee.details["bandwidth"] == len(b"\x0a\x83\x01") + len(unsigned.body) + 67 + 64


def test_like_payments_in_one_block_are_two_transactions(build: Any) -> None:
    assert build().body == build().body
    bodies = {build(salt=salt).body for salt in (0, 1, 59_999, 60_000, 123_456_789)}
    assert len(bodies) == 5
    for body in bodies:
        assert 600_000 <= RawData.decode(body).expiration - BLOCK_TIME < 601_000
        assert 0 <= RawData.decode(body).timestamp - BLOCK_TIME < 60_000


def test_options(build: Any) -> None:
    raw = RawData.decode(build(memo="dzień", expiration=30, permission_id=2).body)
    assert (raw.data.decode(), raw.expiration, raw.permission_id) == ("dzień", BLOCK_TIME + 30_000, 2)
    assert build(memo="m").fee.expected.units == 1_000_000
    assert build(permission_id=2).fee.details["multi_signature"] == 1_000_000


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"gas": 1}, "unknown option"),
        ({"expiration": 0}, "expiration"),
        ({"expiration": 90_000}, "expiration"),
        ({"expiration": 1.5}, "expiration"),
        ({"permission_id": -1}, "permission_id"),
        ({"permission_id": True}, "permission_id"),
        ({"fee_limit": 5}, "fee_limit"),
        ({"data": "zz"}, "hex"),
        ({"data": 5}, "data"),
        ({"memo": "\ud800"}, "memo"),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(
    build: Any, node: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        build(**options)
    assert node.asked == []


def test_bad_payments_are_refused_before_anything_is_asked(
    build: Any, node: Any, chain: Tron, holder: Holder, native: Asset, names: Any
) -> None:
    payment = Payment(names.friend, Amount(1, native))
    with pytest.raises(Unsupported, match="one recipient"):
        node.run(chain.build(holder, (payment, payment), Options()))
    with pytest.raises(InputError, match="oneself"):
        build(to=holder.address)
    with pytest.raises(AmountError):
        build(2**63)
    with pytest.raises(Unsupported, match="trc10"):
        build(asset=Asset("tron:0x2b6653dc/trc10:1002000", "X", 0))
    with pytest.raises(AmountError, match="does not live"):
        build(asset=Asset(f"tron:0xcd8690dc/trc20:{names.usdt}", "X", 0))
    assert node.asked == []


def test_activation_is_priced(build: Any, node: Any) -> None:
    node.answers["wallet/getaccount"] = lambda effect: (
        {} if effect.json["address"][1] == "D" else {"balance": 9_000_000}
    )
    fee = build().fee
    assert fee.expected.units == 1_100_000
    assert fee.details["activation"] == 1_000_000
    with pytest.raises(InsufficientFunds) as caught:
        build(8_000_000)
    assert caught.value.needed.units == 9_100_000
    assert caught.value.available.units == 9_000_000
    assert build(None).summary.actions[0].amount.units == 7_900_000


def test_everything(build: Any, node: Any) -> None:
    assert build(None).summary.actions[0].amount.units == 50_000_000
    node.answers["wallet/getaccountresource"] = {}
    for balance in (268_000, 300_000, 16_384_000 + 267_000, 16_384_000 + 268_000, 2_097_152 + 268_000):
        node.answers["wallet/getaccount"] = {"balance": balance}
        unsigned = build(None)
        sent = unsigned.summary.actions[0].amount.units
        exact = 1000 * fees.bandwidth_of(len(unsigned.body))
        assert unsigned.fee.expected.units == exact
        assert sent + exact <= balance
        assert balance - sent - exact <= 1000
    node.answers["wallet/getaccount"] = {"balance": 100}
    with pytest.raises(InsufficientFunds):
        build(None)
    node.answers["wallet/getaccount"] = {}
    with pytest.raises(InsufficientFunds):
        build(None)


def test_too_little_trx(build: Any, node: Any) -> None:
    node.answers["wallet/getaccountresource"] = {}
    with pytest.raises(InsufficientFunds, match=r"50 TRX and a fee of 0\.\d+ TRX are needed") as caught:
        build(50_000_000)
    assert caught.value.needed.units > 50_000_000


def test_plain_transfers_to_contracts_are_refused(build: Any, node: Any) -> None:
    node.answers["wallet/getaccount"] = {"balance": 50_000_000, "type": "Contract"}
    with pytest.raises(InputError, match="contract"):
        build()
    parameters = node.answers["wallet/getchainparameters"]["chainParameter"]
    parameters[:] = [item for item in parameters if item["key"] != "getForbidTransferToContract"]
    build()


def test_a_token_transfer(build: Any, node: Any, usdt: Asset, names: Any) -> None:
    unsigned = build(2_000_000, usdt)
    assert node.batches == [7]
    raw = RawData.decode(unsigned.body)
    assert raw.contract == "TriggerSmartContract"
    assert raw.fee_limit == 72_000 * 100  # the trial's 60,000 and a fifth, which is more than the estimate
    fee = unsigned.fee
    assert fee.expected.units == 64_285 * 100
    assert fee.maximum.units == 7_200_000 + 1000 * fee.details["bandwidth"]
    (action,) = unsigned.summary.actions
    assert (action.to, action.amount) == (names.friend, Amount(2_000_000, usdt))
    assert unsigned.summary.fee == fee
    assert unsigned.assets == (usdt,)
    calls = [effect for effect in node.asked if effect.path == "wallet/triggerconstantcontract"]
    assert calls[0].json["data"] == raw.values["data"].hex()


def test_energy_from_stake_is_free_but_within_the_limit(build: Any, node: Any, usdt: Asset) -> None:
    node.answers["wallet/getaccountresource"] = {"EnergyLimit": 100_000, "EnergyUsed": 60_000, "freeNetLimit": 600}
    fee = build(1, usdt).fee
    assert fee.expected.units == (64_285 - 40_000) * 100
    assert fee.details["fee_limit"] == 7_200_000


@pytest.mark.parametrize(
    "missing",
    [
        Rejected("no such call", node_code=404),
        {"result": {"code": "CONTRACT_EXE_ERROR", "message": "7468697320"}},
        {"Error": "not supported"},
        "plain text",
        None,
    ],
)
def test_a_node_without_estimates_serves_too(build: Any, node: Any, usdt: Asset, missing: Any) -> None:
    node.answers["wallet/estimateenergy"] = missing
    unsigned = build(1, usdt)
    assert RawData.decode(unsigned.body).fee_limit == 7_200_000
    assert unsigned.fee.expected.units == 6_000_000


def test_a_larger_estimate_counts(build: Any, node: Any, usdt: Asset) -> None:
    node.answers["wallet/estimateenergy"] = {"result": {"result": True}, "energy_required": 130_285}
    assert RawData.decode(build(1, usdt).body).fee_limit == 13_028_500


def test_a_stated_fee_limit(build: Any, node: Any, usdt: Asset, native: Asset) -> None:
    assert RawData.decode(build(1, usdt, fee_limit=6_000_000).body).fee_limit == 6_000_000
    assert RawData.decode(build(1, usdt, fee_limit=Amount(9_000_000, native)).body).fee_limit == 9_000_000
    with pytest.raises(InputError, match="too low"):
        build(1, usdt, fee_limit=5_999_999)
    with pytest.raises(InputError, match="at most"):
        build(1, usdt, fee_limit=15_000_000_001)


def test_a_fee_above_the_limit_is_refused(build: Any, usdt: Asset, native: Asset) -> None:
    with pytest.raises(InputError, match=r"7\.\d+ TRX.*max_fee is 7 TRX"):
        build(1, usdt, max_fee=Amount(7_000_000, native))
    build(1, usdt, max_fee=Amount(8_000_000, native))


def test_too_few_tokens_or_too_little_trx_for_them(build: Any, node: Any, usdt: Asset) -> None:
    with pytest.raises(InsufficientFunds) as caught:
        build(6_000_000, usdt)
    assert (caught.value.needed.units, caught.value.available.units) == (6_000_000, 5_000_000)
    assert caught.value.needed.asset == usdt
    node.answers["wallet/getaccount"] = {"balance": 10}
    with pytest.raises(InsufficientFunds, match="TRX"):
        build(1, usdt)


def test_all_tokens(build: Any, node: Any, usdt: Asset) -> None:
    assert build(None, usdt).summary.actions[0].amount == Amount(5_000_000, usdt)
    assert node.batches == [1, 7]
    node.held = 0
    with pytest.raises(InsufficientFunds):
        build(None, usdt)


def test_a_call_that_would_revert_is_refused(build: Any, node: Any, usdt: Asset) -> None:
    reason = "08c379a0" + f"{32:064x}" + f"{6:064x}" + b"frozen".hex().ljust(64, "0")
    plain = node.token

    def revert(effect: Any) -> Any:
        if effect.json["data"].startswith("70a08231"):
            return plain(effect)
        return {
            "result": {"result": True, "message": b"REVERT opcode executed".hex()},
            "constant_result": [reason],
            "energy_used": 500,
            "transaction": {"ret": [{"ret": "FAILED"}]},
        }

    node.answers["wallet/triggerconstantcontract"] = revert
    with pytest.raises(Reverted, match="frozen") as caught:
        build(1, usdt)
    assert caught.value.reason == "frozen"
    reason = "4e487b71" + f"{17:064x}"
    with pytest.raises(Reverted, match="panic 0x11"):
        build(1, usdt)
    reason = ""
    with pytest.raises(Reverted, match="REVERT opcode"):
        build(1, usdt)


def test_a_contract_call(build: Any, node: Any, names: Any) -> None:
    unsigned = build(5, data="d0e30db0", to=names.usdt)
    raw = RawData.decode(unsigned.body)
    assert (raw.values["data"].hex(), raw.values["call_value"]) == ("d0e30db0", 5)
    assert unsigned.summary.actions[0].kind == "call"
    trial = next(effect for effect in node.asked if effect.path == "wallet/triggerconstantcontract")
    assert trial.json["call_value"] == 5


def test_a_contract_call_without_coins(build: Any, node: Any, names: Any) -> None:
    unsigned = build(0, data="4e71d92d", to=names.usdt)
    assert "call_value" not in RawData.decode(unsigned.body).values
    trial = next(effect for effect in node.asked if effect.path == "wallet/triggerconstantcontract")
    assert "call_value" not in trial.json
    with pytest.raises(AmountError):
        build(0)


BROKEN: list[Any] = [
    "<html>busy</html>",
    None,
    [],
    5,
    True,
    {"blockID": "zz"},
    {"chainParameter": 7},
    {"chainParameter": [7]},
    {"chainParameter": [{"key": "getTransactionFee", "value": "x"}]},
    {"freeNetLimit": -5},
    {"freeNetLimit": 1.5},
    {"balance": "50"},
    {"balance": 2**70},
    {"result": 5},
    {"result": {"result": True}, "constant_result": ["zz"]},
    {"result": {"result": True}, "constant_result": 5},
    {"result": {"result": True}, "energy_used": "many", "constant_result": ["00" * 32]},
    {"Error": "class java.lang.NullPointerException"},
    Timeout("no answer"),
]


def _error_of(run: Any) -> MultiwalletError | None:
    try:
        run()
    except MultiwalletError as error:
        return error
    return None


@pytest.mark.parametrize("number", range(len(BROKEN)))
@pytest.mark.parametrize(
    "path",
    [
        "wallet/getnowblock",
        "wallet/getchainparameters",
        "wallet/getaccountresource",
        "wallet/getaccount",
        "wallet/triggerconstantcontract",
    ],
)
def test_broken_answers_give_errors_of_the_tree(build: Any, node: Any, usdt: Asset, path: str, number: int) -> None:
    node.answers[path] = BROKEN[number]
    for run in (build, lambda: build(1, usdt)):
        error = _error_of(run)
        if error is not None and not isinstance(BROKEN[number], dict | MultiwalletError):
            assert isinstance(error, BadResponse)
            assert path in error.message


def test_a_block_that_does_not_fit_its_id_is_refused(build: Any, node: Any) -> None:
    header = node.answers["wallet/getnowblock"]["block_header"]["raw_data"]
    header["timestamp"] += 1
    with pytest.raises(BadResponse, match="hash of its header"):
        build()
    header["timestamp"] -= 1
    header["number"] += 1
    with pytest.raises(BadResponse, match="number"):
        build()


def test_quote_is_the_fee_of_build(chain: Tron, holder: Holder, node: Any, names: Any, native: Asset) -> None:
    payment = Payment(names.friend, Amount(1_000_000, native))
    fee = node.run(chain.quote(holder, (payment,), Options()))
    assert fee == node.run(chain.build(holder, (payment,), Options())).fee


def test_identity(chain: Tron, holder: Holder, node: Any, names: Any) -> None:
    node.run(chain.identify(holder.network))
    node.run(chain.identify(replace(holder.network, params={})))
    for answer in (
        {"blockID": "00" * 28 + "cd8690dc"},
        {"blockID": names.genesis[:-2]},
        {},
        [],
        None,
        "<html>",
        "0xdeadbeef",
        12345,
        True,
    ):
        node.answers["wallet/getblockbynum"] = answer
        with pytest.raises(BadResponse):
            node.run(chain.identify(holder.network))
    node.answers["wallet/getblockbynum"] = {"blockID": "00" * 28 + "cd8690dc"}
    with pytest.raises(BadResponse, match="tron:0xcd8690dc.*tron:0x2b6653dc"):
        node.run(chain.identify(holder.network))


def test_balances(chain: Tron, holder: Holder, node: Any, native: Asset, usdt: Asset) -> None:
    node.answers["wallet/getaccount"] = {
        "balance": 7,
        "frozen": [{"frozen_balance": 1, "expire_time": 5}],
        "frozenV2": [{"amount": 10}, {"type": "ENERGY", "amount": 100}, {"type": "TRON_POWER"}],
        "unfrozenV2": [{"type": "ENERGY", "unfreeze_amount": 1_000, "unfreeze_expire_time": 5}],
        "tron_power": {"frozen_balance": 10_000},
        "delegated_frozen_balance_for_bandwidth": 100_000,
        "delegated_frozenV2_balance_for_bandwidth": 1_000_000,
        "acquired_delegated_frozenV2_balance_for_bandwidth": 9,
        "account_resource": {
            "frozen_balance_for_energy": {"frozen_balance": 10_000_000},
            "delegated_frozen_balance_for_energy": 100_000_000,
            "delegated_frozenV2_balance_for_energy": 1_000_000_000,
        },
    }
    found = node.run(chain.balance(holder, native))
    assert (found.available.units, found.pending.units, found.locked.units) == (7, 0, 1_111_111_111)
    assert node.run(chain.balance(holder, usdt)).available == Amount(5_000_000, usdt)
    node.answers["wallet/getaccount"] = {}
    assert node.run(chain.balance(holder, native)).total.units == 0
    with pytest.raises(Unsupported):
        node.run(chain.balance(holder, Asset("tron:0xcd8690dc/slip44:195", "TRX", 6)))
    with pytest.raises(Unsupported):
        node.run(chain.balance(holder, Asset("tron:0x2b6653dc/trc10:1002000", "X", 0)))
    for broken in ({"frozenV2": 5}, {"frozenV2": [5]}, {"account_resource": 5}, {"balance": None}, "x", None):
        node.answers["wallet/getaccount"] = broken
        with pytest.raises(BadResponse):
            node.run(chain.balance(holder, native))


def test_assets(chain: Tron, holder: Holder, node: Any, names: Any, usdt: Asset) -> None:
    found = node.run(chain.asset(holder.network, names.usdt))
    assert (found.id, found.symbol, found.decimals) == (usdt.id, "USDT", 6)
    assert node.batches == [2]

    def answer(symbol: str, decimals: str, **more: Any) -> None:
        node.answers["wallet/triggerconstantcontract"] = lambda effect: {
            "result": {"result": True},
            "constant_result": [symbol if effect.json["data"] == "95d89b41" else decimals],
            **more,
        }

    answer(b"OLD".ljust(32, b"\0").hex(), f"{18:064x}")
    assert node.run(chain.asset(holder.network, names.usdt)).symbol == "OLD"
    answer(f"{32:064x}{3:064x}" + b"\n\x00a".hex().ljust(64, "0"), f"{0:064x}")
    assert node.run(chain.asset(holder.network, names.usdt)).symbol == "a"
    for symbol, decimals in (("", ""), ("00", "00"), ("ff" * 64, f"{6:064x}"), ("ff" * 32, f"{6:064x}")):
        answer(symbol, decimals)
        with pytest.raises(BadResponse):
            node.run(chain.asset(holder.network, names.usdt))
    answer(b"A".ljust(32, b"\0").hex(), f"{256:064x}")
    with pytest.raises(BadResponse, match="256 decimals"):
        node.run(chain.asset(holder.network, names.usdt))
    node.answers["wallet/triggerconstantcontract"] = {
        "result": {"code": "CONTRACT_VALIDATE_ERROR", "message": b"Smart contract is not exist.".hex()}
    }
    with pytest.raises(InvalidAddress, match="Smart contract is not exist"):
        node.run(chain.asset(holder.network, names.usdt))
    with pytest.raises(InvalidAddress):
        node.run(chain.asset(holder.network, "nowhere"))
