"""What each network does in its own way, on its real row, against answers as its documentation gives them.

Where each fact is from is told in tests/networks/second_source/quirks.json.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import multiwallet
from multiwallet.amounts import Amount
from multiwallet.chain import Options, Payment
from multiwallet.chains.evm.data_fee import data_fee_effects
from multiwallet.chains.evm.delivery import status
from multiwallet.chains.evm.transaction import decode_unsigned
from multiwallet.codec import abi
from multiwallet.errors import BadResponse, InsufficientFunds, Rejected, Timeout

GWEI = 10**9
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OP_ORACLE = "0x420000000000000000000000000000000000000F"
SCROLL_ORACLE = "0x5300000000000000000000000000000000000002"
EVM = multiwallet.networks(family="evm")


def word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex()


def history(base: int, tip: int) -> dict[str, Any]:
    """What eth_feeHistory answers for two blocks, and the coming base fee."""
    return {"baseFeePerGas": [hex(base)] * 3, "gasUsedRatio": [0.5, 0.5], "reward": [[hex(tip)], [hex(tip)]]}


def answers(**change: Any) -> dict[str, Any]:
    return {
        "eth_getBalance": hex(10**22),
        "eth_getTransactionCount": "0x0",
        "eth_feeHistory": history(GWEI, GWEI),
        "eth_maxPriorityFeePerGas": hex(GWEI),
        "eth_gasPrice": hex(GWEI),
        "eth_estimateGas": "0x5208",
        "eth_call": word(0),
        **change,
    }


def build(keys_of: Any, asked: Any, name: str, *, everything: bool = False, **options: Any) -> Any:
    network = multiwallet.network(name)
    keys = keys_of(b"\x07" * 32, network)
    stated = Options(max_fee=options.pop("max_fee", None), speed=options.pop("speed", "normal"), native=options)
    payment = Payment(TO, Amount(0 if everything else 10**15, network.native), everything=everything)
    return asked.run(keys.evm.build(keys.holder, (payment,), stated))


# ---- floors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "node_says", "offered"),
    [
        ("bsc", 0, 50_000_000),  # an empty node of BNB Smart Chain suggests nothing
        ("bsc", 10**8, 10**8),
        ("kaia", 25 * GWEI - 1, 25 * GWEI),
        ("kaia", 27_500_000_000, 27_500_000_000),  # eth_gasPrice: the base fee, a tenth more
        ("harmony", GWEI, 100 * GWEI),
        ("harmony", 101 * GWEI, 101 * GWEI),
        ("bittorrent", 0, 300_000 * GWEI),
        ("bittorrent", 9_000_000 * GWEI, 9_000_000 * GWEI),
        ("okt", GWEI, GWEI),
    ],
)
def test_the_lowest_gas_price(keys_of: Any, node: Any, name: str, node_says: int, offered: int) -> None:
    unsigned = build(keys_of, node(**answers(eth_gasPrice=hex(node_says))), name)
    transaction = decode_unsigned(unsigned.body)
    assert (transaction.type, transaction.gas_price) == (0, offered)
    assert unsigned.fee.maximum.units == 21000 * offered


@pytest.mark.parametrize(
    ("name", "tip", "offered"),
    [
        ("polygon", 2 * GWEI, 25 * GWEI),
        ("polygon", 31 * GWEI, 31 * GWEI),
        ("amoy", 0, 25 * GWEI),
        ("opbnb", 0, 1001),
        ("bitlayer", 1000, 50_000_000),
        ("ethereum", 1, 1),
    ],
)
def test_the_smallest_tip(keys_of: Any, node: Any, name: str, tip: int, offered: int) -> None:
    asked = node(**answers(eth_feeHistory=history(7, tip), eth_maxPriorityFeePerGas="0x0"))
    transaction = decode_unsigned(build(keys_of, asked, name).body)
    assert (transaction.type, transaction.max_priority_fee_per_gas) == (2, offered)
    assert transaction.max_fee_per_gas == 14 + offered


def test_a_stated_price_is_the_callers_affair(keys_of: Any, node: Any) -> None:
    low = decode_unsigned(build(keys_of, node(**answers()), "bsc", gas_price=1).body)
    assert low.gas_price == 1
    tip = decode_unsigned(build(keys_of, node(**answers()), "polygon", max_priority_fee_per_gas=GWEI).body)
    assert tip.max_priority_fee_per_gas == GWEI


# ---- a base fee of zero ----------------------------------------------------------------------------------------------


def test_no_base_fee_on_bnb_smart_chain(keys_of: Any, node: Any) -> None:
    """BEP-226: the base fee is zero in every block, so the maximum is the tip."""
    asked = node(**answers(eth_feeHistory=history(0, 10**8)))
    transaction = decode_unsigned(build(keys_of, asked, "bsc", type=2).body)
    assert (transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas) == (10**8, 10**8)
    empty = {"baseFeePerGas": ["0x0"] * 3, "gasUsedRatio": [0, 0], "reward": [["0x0"], ["0x0"]]}
    asked = node(**answers(eth_feeHistory=empty, eth_maxPriorityFeePerGas="0x0"))
    transaction = decode_unsigned(build(keys_of, asked, "bsc", type=2).body)
    assert (transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas) == (50_000_000, 50_000_000)
    with pytest.raises(BadResponse, match="a base fee of zero"):
        build(keys_of, node(**answers(eth_feeHistory=history(1, 10**8))), "bsc", type=2)


# ---- a node that asks an absurd price -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in EVM if row.status != "derive-only"], ids=lambda row: row.name)
def test_an_absurd_price_is_refused_on_every_row(keys_of: Any, node: Any, row: Any) -> None:
    ceiling = int(row.params.get("absurd_gas_price", 10_000 * GWEI))
    rich = hex(1 << 200)
    asked = node(**answers(eth_getBalance=rich, eth_gasPrice=hex(ceiling + 1), eth_feeHistory=history(0, ceiling + 1)))
    with pytest.raises(BadResponse, match="absurd"):
        build(keys_of, asked, row.name)
    asked = node(**answers(eth_getBalance=rich, eth_gasPrice=hex(ceiling), eth_feeHistory=history(0, ceiling)))
    assert build(keys_of, asked, row.name).fee.maximum.units >= 21000 * ceiling
    # What a transfer can cost in the worst case is bounded by the row, whatever the node says.
    most = {"BTC": 21 * 10**14, "ETH": 21 * 10**16}.get(row.symbol, 21_000 * 10**18)
    assert row.testnet or ceiling * 21000 <= most


def test_an_absurd_base_fee_is_refused(keys_of: Any, node: Any) -> None:
    asked = node(**answers(eth_feeHistory=history(5_001 * GWEI, 1)))
    with pytest.raises(BadResponse, match="absurd on Ethereum"):
        build(keys_of, asked, "ethereum")
    with pytest.raises(BadResponse, match="absurd"):
        build(keys_of, node(**answers(eth_feeHistory=history(5_001 * GWEI, 1))), "ethereum", max_priority_fee_per_gas=1)


def test_what_the_caller_states_is_not_questioned(keys_of: Any, node: Any) -> None:
    price = 20_000 * GWEI
    dear = answers(eth_feeHistory=history(0, price), eth_gasPrice=hex(price))
    stated = decode_unsigned(build(keys_of, node(**dear), "ethereum", gas_price=price).body)
    assert stated.gas_price == price
    stated = decode_unsigned(build(keys_of, node(**dear), "ethereum", max_fee_per_gas=price).body)
    assert stated.max_fee_per_gas == price
    coin = multiwallet.network("ethereum").native
    limit = Amount(21000 * price, coin)
    assert build(keys_of, node(**dear), "ethereum", max_fee=limit).fee.maximum == limit


# ---- what a rollup takes for its data -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["optimism", "base", "blast", "opbnb", "mint", "scroll"])
def test_an_oracle_that_answers_in_the_coin(keys_of: Any, node: Any, name: str) -> None:
    asked = node(**answers(eth_call=word(1000)))
    unsigned = build(keys_of, asked, name)
    (call,) = asked.batches[1]
    assert call.params[0]["to"] == (SCROLL_ORACLE if name == "scroll" else OP_ORACLE)
    assert abi.decode_call("getL1Fee(bytes)", bytes.fromhex(call.params[0]["data"][2:])) == (unsigned.body,)
    assert unsigned.fee.details["l1_fee"] == 1000
    transaction = decode_unsigned(unsigned.body)
    assert unsigned.fee.maximum.units == 21000 * transaction.max_fee_per_gas + 1250


# The figures that a report on Mantle read from its oracle in September 2026: tokenRatio 3789, operatorFeeScalar 10^8.
MANTLE = {
    "getL1Fee(bytes)": 418_601_570,
    "tokenRatio()": 3789,
    "operatorFeeScalar()": 10**8,
    "operatorFeeConstant()": 7,
}


def mantle(**change: Any) -> Any:
    told = {**MANTLE, **change}
    by_selector = {
        abi.encode_call(name, [b""] if "bytes" in name else []).hex()[:8]: value for name, value in told.items()
    }

    def call(message: dict[str, str], block: str) -> Any:
        assert (message["to"], block) == (OP_ORACLE, "latest")
        value = by_selector[message["data"][2:10]]
        return word(value) if isinstance(value, int) else value

    return call


def test_mantle_takes_ether_in_its_own_coin_and_an_operators_fee(keys_of: Any, node: Any) -> None:
    unsigned = build(keys_of, node(**answers(eth_call=mantle())), "mantle")
    fee = 418_601_570 * 3789 + 21000 * 10**8 * 100 + 7
    assert unsigned.fee.details["l1_fee"] == fee
    assert unsigned.fee.expected.units == 21000 * 2 * GWEI + fee
    assert unsigned.fee.maximum.units == 21000 * 3 * GWEI + fee + (fee + 3) // 4
    everything = build(keys_of, node(**answers(eth_call=mantle())), "mantle", everything=True)
    assert decode_unsigned(everything.body).value == 10**22 - everything.fee.maximum.units
    short = hex(10**15 + unsigned.fee.maximum.units - 1)
    with pytest.raises(InsufficientFunds):
        build(keys_of, node(**answers(eth_call=mantle(), eth_getBalance=short)), "mantle")


@pytest.mark.parametrize("name", MANTLE)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("0x", BadResponse),
        (None, BadResponse),
        ("<html>", BadResponse),
        (Rejected("no"), Rejected),
        (Timeout("slow"), Timeout),
    ],
)
def test_hostile_answers_of_mantles_oracle(keys_of: Any, node: Any, name: str, answer: Any, error: Any) -> None:
    with pytest.raises(error):
        build(keys_of, node(**answers(eth_call=mantle(**{name: answer}))), "mantle")


@pytest.mark.parametrize("name", ["arbitrum", "arbitrum-nova", "metis", "zksync"])
def test_a_data_fee_within_the_gas(keys_of: Any, node: Any, name: str) -> None:
    """The estimate includes the data: it is above 21000 and moves with Ethereum's price, so it gets its margin."""
    asked = node(**answers(eth_estimateGas=hex(123_456)))
    unsigned = build(keys_of, asked, name)
    assert len(asked.batches) == 1
    assert decode_unsigned(unsigned.body).gas == 123_456 + 24_692
    summary = unsigned.chain.summarize(unsigned)
    assert "out of the gas" in summary.details["data fee"]


def test_the_other_rows_ask_no_oracle() -> None:
    asking = {row.name for row in EVM if data_fee_effects(row, b"\xc0")}
    assert asking == {
        "optimism", "optimism-sepolia", "base", "base-sepolia", "blast", "opbnb", "mint", "scroll", "mantle",
    }  # fmt: skip


# ---- finality -----------------------------------------------------------------------------------------------------


TXID = "0x" + "ab" * 32


def included(**change: Any) -> dict[str, Any]:
    receipt = {"transactionHash": TXID, "blockNumber": "0x10", "status": "0x1", "gasUsed": "0x5208"}
    return {
        "eth_getTransactionReceipt": {**receipt, "effectiveGasPrice": "0x1"},
        "eth_getTransactionByHash": {"hash": TXID},
        "eth_blockNumber": "0x10",
        "eth_getBlockByNumber": {"number": "0x10"},
        **change,
    }


def test_final_as_the_node_says(node: Any) -> None:
    row = multiwallet.network("avalanche")
    asked = node(**included())
    assert asked.run(status(row, TXID)).final
    assert asked.batches[0][3].params == ["finalized", False]
    assert not node(**included(eth_getBlockByNumber={"number": "0xf"})).run(status(row, TXID)).final


def test_final_by_depth(node: Any) -> None:
    asked = node(**included())
    assert asked.run(status(multiwallet.network("harmony"), TXID)).final, "one block is final, by its consensus"
    assert len(asked.batches[0]) == 3, "a node without the word is not asked for it"
    deep = replace(multiwallet.network("harmony"), params={"finality": "latest-3"})
    assert not node(**included(eth_blockNumber="0x12")).run(status(deep, TXID)).final
    assert node(**included(eth_blockNumber="0x13")).run(status(deep, TXID)).final


def test_never_final(node: Any) -> None:
    asked = node(**included(eth_blockNumber=hex(10**6)))
    receipt = asked.run(status(multiwallet.network("ethereum-classic"), TXID))
    assert (receipt.final, receipt.confirmations) == (False, 10**6 - 15)
    assert len(asked.batches[0]) == 3
