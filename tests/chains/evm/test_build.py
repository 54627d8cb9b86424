"""Building against scripted nodes: what is asked, what comes of the answers, and what hostile answers give."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Options, Payment
from multiwallet.chains.evm import tokens
from multiwallet.chains.evm.transaction import decode_unsigned
from multiwallet.codec import abi
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InsufficientFunds,
    Rejected,
    Reverted,
    Timeout,
    Unsupported,
)

TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
USDT = Asset(f"eip155:1/erc20:{TOKEN}", "USDT", 6)
GWEI = 10**9
HISTORY = {
    "baseFeePerGas": [hex(7 * GWEI), hex(9 * GWEI), hex(10 * GWEI)],
    "gasUsedRatio": [0.5, 0.4],
    "reward": [[hex(GWEI)], [hex(2 * GWEI)]],
}


def word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex()


def answers(**change: Any) -> dict[str, Any]:
    return {
        "eth_getBalance": hex(10**18),
        "eth_getTransactionCount": "0x5",
        "eth_feeHistory": HISTORY,
        "eth_maxPriorityFeePerGas": hex(GWEI),
        "eth_gasPrice": hex(3 * GWEI),
        "eth_estimateGas": "0x5208",
        "eth_call": word(10**9),
        **change,
    }


def native(keys: Any, text: str | None = "0.1") -> tuple[Payment, ...]:
    coin = keys.holder.network.native
    if text is None:
        return (Payment(TO, Amount(0, coin), everything=True),)
    return (Payment(TO, Amount.parse(text, coin)),)


def usdt(units: int | None = 10**6) -> tuple[Payment, ...]:
    return (Payment(TO, Amount(units or 0, USDT), everything=units is None),)


def build(keys: Any, node: Any, payments: Any, options: Options | None = None) -> Any:
    return node.run(keys.evm.build(keys.holder, payments, options or Options()))


def test_a_payment_of_the_coin(keys: Any, node: Any) -> None:
    asked = node(**answers())
    unsigned = build(keys, asked, native(keys))
    (batch,) = asked.batches
    assert [effect.method for effect in batch] == [
        "eth_getBalance",
        "eth_getBalance",
        "eth_getTransactionCount",
        "eth_feeHistory",
        "eth_maxPriorityFeePerGas",
        "eth_estimateGas",
    ]
    assert batch[3].params == ["0xa", "latest", [50]]
    assert batch[5].params == [{"from": keys.holder.address, "to": TO, "value": hex(10**17)}]
    tx = decode_unsigned(unsigned.body)
    assert (tx.type, tx.chain_id, tx.nonce, tx.gas, tx.value) == (2, 1, 5, 21000, 10**17)
    assert (tx.max_priority_fee_per_gas, tx.max_fee_per_gas) == (2 * GWEI, 22 * GWEI)
    assert unsigned.fee.expected.units == 21000 * 12 * GWEI
    assert unsigned.fee.maximum.units == 21000 * 22 * GWEI == unsigned.summary.fee.maximum.units
    signed = keys.sign(unsigned)
    assert keys.evm.parse_signed(unsigned.network, signed.to_wire()) == signed


def test_speeds_ask_for_other_percentiles(keys: Any, node: Any) -> None:
    for speed, percentile in (("slow", 10), ("normal", 50), ("fast", 90)):
        asked = node(**answers())
        build(keys, asked, native(keys), Options(speed=speed))
        assert asked.batches[0][3].params[2] == [percentile]


def test_empty_blocks_do_not_count(keys: Any, node: Any) -> None:
    history = {**HISTORY, "gasUsedRatio": [0, 0.1, 0], "reward": [["0x0"], [hex(5)], ["0x0"]]}
    tx = decode_unsigned(build(keys, node(**answers(eth_feeHistory=history)), native(keys)).body)
    assert tx.max_priority_fee_per_gas == 5
    history = {**HISTORY, "gasUsedRatio": [0, 0], "reward": [["0x0"], ["0x0"]]}
    tx = decode_unsigned(build(keys, node(**answers(eth_feeHistory=history)), native(keys)).body)
    assert tx.max_priority_fee_per_gas == GWEI
    refused = node(**answers(eth_feeHistory=history, eth_maxPriorityFeePerGas=Rejected("no such method")))
    assert decode_unsigned(build(keys, refused, native(keys)).body).max_fee_per_gas == 20 * GWEI


def test_a_network_without_base_fee(keys_of: Any, networks: Any, node: Any) -> None:
    keys = keys_of(b"\x07" * 32, networks(66, fees="legacy"))
    asked = node(**answers())
    unsigned = build(keys, asked, native(keys))
    tx = decode_unsigned(unsigned.body)
    assert (tx.type, tx.gas_price, tx.chain_id) == (0, 3 * GWEI, 66)
    assert unsigned.fee.expected == unsigned.fee.maximum
    assert "eth_feeHistory" not in [effect.method for effect in asked.batches[0]]
    everything = decode_unsigned(build(keys, node(**answers()), native(keys, None)).body)
    assert everything.value == 10**18 - 21000 * 3 * GWEI


def test_a_payment_of_a_token(keys: Any, node: Any) -> None:
    asked = node(**answers(eth_estimateGas=hex(50001)))
    unsigned = build(keys, asked, usdt())
    tx = decode_unsigned(unsigned.body)
    assert (tx.to.hex(), tx.value, tx.gas) == (TOKEN[2:].lower(), 0, 60002)
    assert tokens.decode_call(tx.data) == tokens.TokenCall("transfer(address,uint256)", (TO, 10**6))
    assert unsigned.fee.expected.units == 50001 * 12 * GWEI
    assert str(unsigned.summary.actions[0].amount) == "1 USDT"
    assert unsigned.assets == (USDT,)
    assert len(asked.batches) == 1


def test_everything(keys: Any, node: Any) -> None:
    tx = decode_unsigned(build(keys, node(**answers()), native(keys, None)).body)
    assert tx.value == 10**18 - 21000 * 22 * GWEI
    asked = node(**answers(eth_estimateGas=hex(50000)))
    tx = decode_unsigned(build(keys, asked, usdt(None)).body)
    assert tokens.decode_call(tx.data) == tokens.TokenCall("transfer(address,uint256)", (TO, 10**9))
    with pytest.raises(InsufficientFunds) as none:
        build(keys, node(**answers(eth_call=word(0))), usdt(None))
    assert none.value.needed is not None
    with pytest.raises(InsufficientFunds):
        build(keys, node(**answers(eth_getBalance=hex(21000 * 22 * GWEI))), native(keys, None))
    one = build(keys, node(**answers(eth_getBalance=hex(21000 * 22 * GWEI + 1))), native(keys, None))
    assert decode_unsigned(one.body).value == 1


def test_funds(keys: Any, node: Any) -> None:
    exact = 10**17 + 21000 * 22 * GWEI
    build(keys, node(**answers(eth_getBalance=hex(exact))), native(keys))
    with pytest.raises(InsufficientFunds) as caught:
        build(keys, node(**answers(eth_getBalance=hex(exact - 1))), native(keys))
    assert caught.value.needed == Amount(exact, keys.holder.network.native)
    assert caught.value.available == Amount(exact - 1, keys.holder.network.native)
    with pytest.raises(InsufficientFunds) as caught:
        build(keys, node(**answers()), usdt(10**9 + 1))
    assert caught.value.needed == Amount(10**9 + 1, USDT)
    assert caught.value.available == Amount(10**9, USDT)
    # What is on its way in or already on its way out does not count.
    balances = ["queue", hex(exact), hex(exact - 1)]
    with pytest.raises(InsufficientFunds):
        build(keys, node(**answers(eth_getBalance=balances)), native(keys))
    balances = ["queue", hex(exact), Rejected("no pending state")]
    build(keys, node(**answers(eth_getBalance=balances)), native(keys))


def test_a_refused_estimate(keys: Any, node: Any) -> None:
    data = "0x08c379a0" + abi.encode(["string"], ["paused"]).hex()
    refusal = Rejected("execution reverted: paused", node_code=3, data=data)
    with pytest.raises(Reverted) as reverted:
        build(keys, node(**answers(eth_estimateGas=refusal)), usdt())
    assert reverted.value.reason == "paused"
    with pytest.raises(Reverted):
        build(keys, node(**answers(eth_estimateGas=Rejected("VM Exception: revert", node_code=-32000))), usdt())
    with pytest.raises(InsufficientFunds):
        build(keys, node(**answers(eth_estimateGas=refusal, eth_getBalance="0x1")), native(keys))
    refusal = Rejected("insufficient funds for gas * price + value", node_code=-32000)
    with pytest.raises(InsufficientFunds):
        build(keys, node(**answers(eth_estimateGas=refusal)), native(keys))
    with pytest.raises(Rejected, match="cheese"):
        build(keys, node(**answers(eth_estimateGas=Rejected("no cheese"))), native(keys))


def test_options(keys: Any, node: Any) -> None:
    stated = {"nonce": 9, "gas": 100000, "max_fee_per_gas": 50 * GWEI, "max_priority_fee_per_gas": GWEI}
    asked = node(**answers())
    tx = decode_unsigned(build(keys, asked, native(keys), Options(native={**stated, "data": "0xdeadbeef"})).body)
    assert [effect.method for effect in asked.batches[0]] == ["eth_getBalance", "eth_getBalance"]
    assert (tx.nonce, tx.gas, tx.max_fee_per_gas, tx.data.hex()) == (9, 100000, 50 * GWEI, "deadbeef")
    tx = decode_unsigned(build(keys, node(**answers()), native(keys), Options(native={"gas_price": 4})).body)
    assert (tx.type, tx.gas_price) == (0, 4)
    listed = [{"address": TOKEN, "storageKeys": ["0x" + "01" * 32]}]
    asked = node(**answers(eth_estimateGas=hex(30000)))
    tx = decode_unsigned(build(keys, asked, native(keys), Options(native={"type": 1, "access_list": listed})).body)
    assert (tx.type, tx.gas_price, tx.gas, len(tx.access_list)) == (1, 3 * GWEI, 36000, 1)
    assert asked.batches[0][-1].params[0]["accessList"] == listed
    tip = Options(native={"max_priority_fee_per_gas": 3 * GWEI})
    assert decode_unsigned(build(keys, node(**answers()), native(keys), tip).body).max_fee_per_gas == 23 * GWEI
    most = Options(native={"max_fee_per_gas": GWEI})
    tx = decode_unsigned(build(keys, node(**answers()), native(keys), most).body)
    assert (tx.max_fee_per_gas, tx.max_priority_fee_per_gas) == (GWEI, GWEI)
    noted = build(keys, node(**answers(eth_estimateGas=hex(21500))), native(keys), Options(memo="thanks"))
    assert noted.summary.memo == "thanks"
    assert decode_unsigned(noted.body).gas == 25800


@pytest.mark.parametrize(
    "options",
    [
        {"gasPrice": 1},
        {"nonce": -1},
        {"nonce": 1.0},
        {"nonce": True},
        {"gas": "21000"},
        {"type": 0, "max_fee_per_gas": 1},
        {"type": 2, "gas_price": 1},
        {"type": 0, "access_list": [{"address": TO, "storageKeys": []}]},
        {"access_list": "no"},
        {"gas_price": 1, "max_fee_per_gas": 1},
        {"max_fee_per_gas": 1, "max_priority_fee_per_gas": 2},
        {"data": "0x1"},
        {"data": 5},
    ],
    ids=range(13),
)
def test_wrong_options_are_refused_before_any_io(keys: Any, node: Any, options: dict[str, Any]) -> None:
    asked = node()
    with pytest.raises(InputError):
        build(keys, asked, native(keys), Options(native=options))
    assert not asked.batches


def test_what_cannot_be_built_is_refused_before_any_io(keys: Any, node: Any) -> None:
    coin = keys.holder.network.native
    for payments, options, error in (
        (native(keys) * 2, Options(), Unsupported),
        ((), Options(), Unsupported),
        (usdt(), Options(memo="hello"), Unsupported),
        (usdt(), Options(native={"data": "0x01"}), InputError),
        (native(keys), Options(memo="hello", native={"data": "0x01"}), InputError),
        (native(keys), Options(native={"type": 4}), Unsupported),
        (native(keys), Options(memo="\ud800"), InputError),
        ((Payment(TO, Amount(2**256, coin)),), Options(), AmountError),
        ((Payment(TO, Amount(2**256, USDT)),), Options(), AmountError),
        ((Payment(TO, Amount(1, Asset("eip155:56/slip44:60", "BNB", 18))),), Options(), InputError),
        ((Payment(TO, Amount(1, Asset("eip155:1/erc721:0x00", "X", 0))),), Options(), Unsupported),
    ):
        asked = node()
        with pytest.raises(error):
            build(keys, asked, payments, options)
        assert not asked.batches


def test_max_fee(keys: Any, node: Any) -> None:
    coin = keys.holder.network.native
    limit = Options(max_fee=Amount(21000 * 22 * GWEI, coin))
    build(keys, node(**answers()), native(keys), limit)
    with pytest.raises(InputError, match="0.000462 ETH.*0.000461999999999999 ETH"):
        build(keys, node(**answers()), native(keys), Options(max_fee=Amount(21000 * 22 * GWEI - 1, coin)))


def test_a_rollups_data_fee(keys_of: Any, networks: Any, node: Any) -> None:
    keys = keys_of(b"\x07" * 32, networks(10, l1_fee="op-stack"))
    asked = node(**answers(eth_call=word(1000)))
    unsigned = build(keys, asked, native(keys))
    first, second = asked.batches
    assert len(first) == 6
    (call,) = second
    assert call.params[0]["to"] == "0x420000000000000000000000000000000000000F"
    assert abi.decode_call("getL1Fee(bytes)", bytes.fromhex(call.params[0]["data"][2:])) == (unsigned.body,)
    assert unsigned.fee.expected.units == 21000 * 12 * GWEI + 1000
    assert unsigned.fee.maximum.units == 21000 * 22 * GWEI + 1250
    everything = build(keys, node(**answers(eth_call=word(1000))), native(keys, None))
    assert decode_unsigned(everything.body).value == 10**18 - everything.fee.maximum.units
    balance = hex(10**17 + 21000 * 22 * GWEI + 1249)
    with pytest.raises(InsufficientFunds):
        build(keys, node(**answers(eth_call=word(1000), eth_getBalance=balance)), native(keys))
    for answer in ("0x", None, word(1) + "00", "<html>"):
        with pytest.raises(BadResponse):
            build(keys, node(**answers(eth_call=answer)), native(keys))


HOSTILE = [None, "<html>", "0x", "0xzz", 5, 1.5, True, [], {}, "0x" + "f" * 65, "-0x1"]


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(
    "method", ["eth_getBalance", "eth_getTransactionCount", "eth_feeHistory", "eth_estimateGas", "eth_call"]
)
def test_hostile_answers_to_build(keys: Any, node: Any, method: str, answer: Any) -> None:
    with pytest.raises(BadResponse, match=method):
        build(keys, node(**answers(**{method: answer})), usdt())


@pytest.mark.parametrize(
    "history",
    [
        {"baseFeePerGas": []},
        {"baseFeePerGas": [None]},
        {"baseFeePerGas": 5},
        {"baseFeePerGas": ["0x1"], "reward": 5},
        {"baseFeePerGas": ["0x1"], "reward": [5]},
        {"baseFeePerGas": ["0x1"], "reward": [[None]]},
        {"baseFeePerGas": ["0x1"], "reward": [[5]]},
    ],
    ids=range(7),
)
def test_hostile_fee_histories(keys: Any, node: Any, history: Any) -> None:
    with pytest.raises(BadResponse, match="eth_feeHistory"):
        build(keys, node(**answers(eth_feeHistory=history)), native(keys))


@pytest.mark.parametrize("method", list(answers()))
def test_transport_errors_come_through(keys: Any, node: Any, method: str) -> None:
    if method in ("eth_gasPrice", "eth_maxPriorityFeePerGas"):
        return  # not asked, and a suggestion only
    with pytest.raises(Timeout):
        build(keys, node(**answers(**{method: Timeout("slow")})), usdt())
