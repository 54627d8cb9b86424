"""Many balances at once: Multicall3 as an independent codec reads it, the fallback, and nodes that answer nonsense."""

from __future__ import annotations

import asyncio
from typing import Any

import eth_abi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import AsyncWallet, Wallet
from multiwallet.amounts import Asset
from multiwallet.chain import Network
from multiwallet.chains.evm import Evm
from multiwallet.chains.evm.portfolio import MULTICALL3, multicall_of
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InvalidAddress,
    Rejected,
    Reverted,
    Timeout,
    Unsupported,
)
from multiwallet.ops import run
from multiwallet.transactions import Balance

WORDS = "test test test test test test test test test test test junk"
SELECTOR = bytes.fromhex("82ad56cb")  # aggregate3, as the contract's authors publish it
EVM = Evm()


def row_of(**params: Any) -> Network:
    return Network("eip155:1", "evm-1", "evm", "Chain 1", "ETH", 18, 60, params=params)


def token(number: int) -> Asset:
    address = EVM.parse_address(None, "0x" + (0xA0000 + number).to_bytes(20, "big").hex())
    return Asset(f"eip155:1/erc20:{address}", f"T{number}", 6)


def owner(number: int) -> str:
    return EVM.parse_address(None, "0x" + (0xB0000 + number).to_bytes(20, "big").hex())


def units_of(contract: str, holder: str) -> int:
    """A number that tells which token and owner it is of."""
    return int(contract, 16) * 10**9 + int(holder, 16)


class Multicall:
    """A node with Multicall3, read and written by eth-abi. ``limit`` bounds the balances of one call."""

    def __init__(self, *, limit: int = 10**9, refusing: tuple[str, ...] = (), broken: tuple[str, ...] = ()) -> None:
        self.limit, self.refusing, self.broken = limit, refusing, broken
        self.sizes: list[int] = []

    def __call__(self, call: dict[str, str], block: str) -> Any:
        assert block == "latest"
        data = bytes.fromhex(call["data"][2:])
        if call["to"] != MULTICALL3:
            self.sizes.append(1)
            if call["to"] in self.broken:
                return Rejected("out of gas")
            if call["to"] in self.refusing:
                return Rejected("execution reverted", node_code=3)
            return "0x" + units_of(call["to"], "0x" + data[16:].hex()).to_bytes(32, "big").hex()
        assert data[:4] == SELECTOR
        ((calls),) = eth_abi.decode(["(address,bool,bytes)[]"], data[4:])
        if len(calls) < 50:
            assert eth_abi.encode(["(address,bool,bytes)[]"], [calls]) == data[4:]  # the canonical form
        self.sizes.append(len(calls))
        if len(calls) > self.limit:
            return Rejected("out of gas", node_code=-32000)
        results = []
        for target, may_fail, wanted in calls:
            assert may_fail is True
            target = EVM.parse_address(None, target)
            if target in self.broken:
                return Rejected("out of gas")
            if target == MULTICALL3:
                assert wanted[:4].hex() == "4d2301cc"
            else:
                assert wanted[:4].hex() == "70a08231"
            if target in self.refusing:
                reason = bytes.fromhex("08c379a0") + eth_abi.encode(["string"], ["closed today"])
                results.append((False, reason))
            else:
                results.append((True, units_of(target, "0x" + wanted[16:].hex()).to_bytes(32, "big")))
        return "0x" + eth_abi.encode(["(bool,bytes)[]"], [results]).hex()


def expected(network: Any, address: str, asset: Asset) -> int:
    return units_of(MULTICALL3 if asset == network.native else asset.reference, address)


def check(network: Any, table: Any, addresses: list[str], assets: list[Asset]) -> None:
    assert len(table) == len(addresses)
    for address, row in zip(addresses, table, strict=True):
        assert [cell.total.units for cell in row] == [expected(network, address, asset) for asset in assets]
        assert [cell.available.asset for cell in row] == assets


def test_a_thousand_addresses_and_twenty_tokens(networks: Any, node: Any) -> None:
    network = networks(1, multicall=True)
    addresses, assets = [owner(n) for n in range(1000)], [network.native, *(token(n) for n in range(19))]
    chain = Multicall()
    asked = node(eth_call=chain)
    check(network, asked.run(EVM.balances(network, addresses, assets)), addresses, assets)
    assert len(asked.batches) == 5
    assert chain.sizes == [2000] * 10
    assert all(sum(len(e.params[0]["data"]) for e in batch) < 2_000_000 for batch in asked.batches)


@given(st.integers(0, 30), st.integers(0, 4), st.integers(1, 40))
def test_any_shape_and_any_limit_of_the_node(rows: int, columns: int, limit: int) -> None:
    network = row_of(multicall=MULTICALL3)
    addresses, assets = [owner(n) for n in range(rows)], [token(n) for n in range(columns)]
    chain = Multicall(limit=limit)
    table = run(EVM.balances(network, addresses, assets), lambda effects: [chain(*effect.params) for effect in effects])
    check(network, table, addresses, assets)


@pytest.mark.parametrize("limit", [0, 150, 700])
def test_a_node_with_a_lower_limit(networks: Any, node: Any, limit: int) -> None:
    network = networks(1, multicall=True)
    addresses, assets = [owner(n) for n in range(700)], [token(n) for n in range(3)]
    chain = Multicall(limit=limit)
    asked = node(eth_call=chain)
    check(network, asked.run(EVM.balances(network, addresses, assets)), addresses, assets)
    assert len(asked.batches) < 80


def test_a_token_that_breaks_its_call_breaks_no_other(networks: Any, node: Any) -> None:
    network = networks(1, multicall=True)
    addresses, assets = [owner(n) for n in range(900)], [token(n) for n in range(6)]
    chain = Multicall(broken=(assets[2].reference,), refusing=(assets[4].reference,))
    asked = node(eth_call=chain)
    table = asked.run(EVM.balances(network, addresses, assets))
    good = [assets[n] for n in (0, 1, 3, 5)]
    check(network, [[row[n] for n in (0, 1, 3, 5)] for row in table], addresses, good)
    assert all(isinstance(row[2], Rejected) for row in table)
    assert all(isinstance(row[4], Reverted) and row[4].reason == "closed today" for row in table)
    assert len(asked.batches) < 60


@pytest.mark.parametrize("params", [{}, {"multicall": False}])
def test_without_multicall(networks: Any, node: Any, params: Any) -> None:
    network = networks(1, **params)
    addresses, assets = [owner(n) for n in range(1200)], [network.native, token(1), token(2)]
    chain = Multicall(refusing=(token(2).reference,))
    asked = node(eth_call=chain, eth_getBalance=lambda address, block: hex(expected(network, address, network.native)))
    table = asked.run(EVM.balances(network, addresses, assets))
    check(network, [row[:2] for row in table], addresses, assets[:2])
    assert all(isinstance(row[2], Reverted) for row in table)
    assert [len(batch) for batch in asked.batches] == [1000, 1000, 1000, 600]


def test_a_row_that_promises_what_is_not_there(networks: Any, node: Any) -> None:
    """A chain of the same id at home, where nobody has deployed Multicall3: the call succeeds and returns nothing."""
    network = networks(1, multicall=True)
    addresses, assets = [owner(n) for n in range(2500)], [network.native, token(1)]
    chain = Multicall()
    asked = node(
        eth_call=lambda call, block: "0x" if call["to"] == MULTICALL3 else chain(call, block),
        eth_getBalance=lambda address, block: hex(expected(network, address, network.native)),
    )
    check(network, asked.run(EVM.balances(network, addresses, assets)), addresses, assets)
    assert [len(batch) for batch in asked.batches] == [2, 1000, 1000, 1000, 1000, 1000]


def results(*pairs: tuple[bool, bytes]) -> str:
    return "0x" + eth_abi.encode(["(bool,bytes)[]"], [list(pairs)]).hex()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        5,
        [],
        {},
        "<html>",
        "0x12",
        "0x" + "00" * 32,
        "0x" + "ff" * 320,
        "0x" + (32).to_bytes(32, "big").hex() + "ff" * 32,
        results(),
        results((True, bytes(32))),
        results(*[(True, bytes(32))] * 3),
        results((True, bytes(32)), (True, bytes(31))),
    ],
)
def test_hostile_answers(networks: Any, node: Any, answer: Any) -> None:
    network = networks(1, multicall=True)
    table = node(eth_call=answer).run(EVM.balances(network, [owner(1)], [token(1), token(2)]))
    assert isinstance(table[0][1], BadResponse)
    for cell in table[0]:
        assert isinstance(cell, BadResponse) or (isinstance(cell, Balance) and not cell.total)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_balance_or_an_error(data: bytes) -> None:
    for params in ({"multicall": True}, {}):
        operation = EVM.balances(row_of(**params), [owner(1)], [token(1)])
        table = run(operation, lambda effects: ["0x" + data.hex() for _ in effects])
        assert isinstance(table[0][0], Balance | BadResponse | InvalidAddress | Reverted)


def test_one_answer_for_the_lowest_words_only(networks: Any, node: Any) -> None:
    network = networks(1, multicall=True)
    long = node(eth_call=results((True, (7).to_bytes(32, "big") + bytes(64)), (True, b"")))
    (first, second) = long.run(EVM.balances(network, [owner(1)], [token(1), token(2)]))[0]
    assert first.total.units == 7
    assert isinstance(second, InvalidAddress)
    assert "no token contract" in second.message


def test_an_endpoint_that_fails_leaves_errors(networks: Any, node: Any) -> None:
    network = networks(1, multicall=True)
    asked = node(eth_call=Timeout("slow"), eth_getBalance=Timeout("slow"))
    table = asked.run(EVM.balances(network, [owner(n) for n in range(500)], [network.native, token(1)]))
    assert all(isinstance(cell, Timeout) for row in table for cell in row)
    assert len(asked.batches) < 12


def test_what_is_wrong_is_said_before_anything_is_asked(networks: Any, node: Any) -> None:
    for stated in ("0x12", 5, "yes"):
        with pytest.raises(InputError, match=r"params\.multicall"):
            node().run(EVM.balances(networks(1, multicall=stated), [owner(1)], [token(1)]))
    with pytest.raises(InputError, match="is no asset of"):
        node().run(EVM.balances(networks(56), [owner(1)], [token(1)]))
    with pytest.raises(Unsupported):
        node().run(EVM.balances(networks(1), [owner(1)], [Asset("eip155:1/erc721:0x12", "N", 0)]))
    assert multicall_of(networks(1, multicall=MULTICALL3.lower())) == MULTICALL3


def test_on_the_devnet() -> None:
    """A chain without Multicall3, and the networks of other families, which ask for each balance."""
    devnet = Devnet()
    with Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        accounts = wallet.accounts("ethereum", count=5)
        usd = devnet.deploy_token("ethereum", symbol="USD", decimals=6, supply="1000", holder=accounts[0])
        for number, account in enumerate(accounts):
            devnet.fund(account, f"0.{number + 1}")
        devnet.fund_token(accounts[3], "2.5", usd)
        nobody = "0x" + "77" * 20
        given = [account.address.lower() for account in accounts]
        found = wallet.balances("ethereum", given, [None, usd, nobody])
        assert list(found) == given
        for account, address in zip(accounts, given, strict=True):
            assert found[address][None] == account.balance()
            assert found[address][usd] == account.balance(usd)
            assert isinstance(found[address][nobody], InvalidAddress)
        again = wallet.balances("ethereum", given[:1], [usd.reference, usd.id])
        assert [str(again[given[0]][name]) for name in (usd.reference, usd.id)] == ["1000 USD"] * 2
        for network in ("tron", "solana", "bitcoin"):
            account = wallet.account(network, index=0)
            other = wallet.account(network, index=1).address
            devnet.fund(account, "1.5")
            found = wallet.balances(network, [account.address, other])
            assert found[account.address][None].total.text == "1.5"
            assert not found[other][None].total
        assert wallet.balances("ethereum", []) == {}
        assert wallet.balances("ethereum", given[:1], []) == {given[0]: {}}
        for addresses in (given[0], [5], [None], ["0x12"]):
            with pytest.raises(InputError):
                wallet.balances("ethereum", addresses)
        with pytest.raises(TypeError):
            wallet.balances("ethereum", given, [7])
        elsewhere = wallet.balances("ethereum", given, [Asset("eip155:56/slip44:714", "BNB", 18)])
        assert all(isinstance(error, AmountError) for row in elsewhere.values() for error in row.values())


def test_without_blocking_and_without_a_key_of_the_family() -> None:
    devnet = Devnet()
    address = Wallet.from_mnemonic(WORDS).account("ethereum").address
    devnet.fund(Wallet.from_mnemonic(WORDS, transport=devnet).account("ethereum"), "3")

    async def main() -> Any:
        async with AsyncWallet.from_private_key("solana", bytes(31) + b"\x01", transport=devnet) as wallet:
            return await wallet.balances("ethereum", [address])

    assert asyncio.run(main())[address][None].total.text == "3"
