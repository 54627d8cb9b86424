"""A thousand addresses and twenty tokens on anvil with the real Multicall3, and the requests that it takes."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import httpx2
import pytest

from multiwallet import Wallet
from multiwallet.amounts import Asset
from multiwallet.chain import Network
from multiwallet.chains.evm.portfolio import MULTICALL3
from multiwallet.devnet.evm_token import token_bytecode
from multiwallet.errors import InvalidAddress, Reverted
from multiwallet.transactions import Balance
from multiwallet.transport import HttpTransport

CHAIN_ID = 424311
# The contract's creation code as viem publishes it for calls before its deployment (constants/contracts).
PUBLISHED = Path(__file__).parents[1] / "oracles" / "node_modules" / "viem" / "_esm" / "constants" / "contracts.js"


def deploy(node, code):
    payer = node.rpc("eth_accounts")[0]
    txid = node.rpc("eth_sendTransaction", {"from": payer, "data": code, "gas": hex(3_000_000)})
    deadline = time.monotonic() + 30
    while (receipt := node.rpc("eth_getTransactionReceipt", txid)) is None:
        assert time.monotonic() < deadline, "the node mines nothing"
        time.sleep(0.01)
    return receipt["contractAddress"]


def row_of(**params):
    return Network(f"eip155:{CHAIN_ID}", "anvil-many", "evm", "Anvil", "ETH", 18, 60, params=params)


@pytest.fixture
def multicall_code():
    if not PUBLISHED.exists():
        pytest.skip("viem is not here: `make oracles` fetches it where npm is installed")
    return re.search(r"multicall3Bytecode = '(0x[0-9a-f]+)'", PUBLISHED.read_text())[1]


@pytest.fixture
def node(start_anvil):
    return start_anvil("--chain-id", str(CHAIN_ID))


class Counted:
    """A transport over HTTP that keeps the methods of each request and its size."""

    def __init__(self, url):
        self.requests, self.largest = [], 0
        client = httpx2.Client(timeout=60, event_hooks={"request": [self._note]})
        self.transport = HttpTransport({f"eip155:{CHAIN_ID}": [url]}, client=client)

    def _note(self, request):
        self.largest = max(self.largest, len(request.content))
        calls = json.loads(request.content)
        self.requests.append([call["method"] for call in (calls if isinstance(calls, list) else [calls])])


def filled(node, tokens, holders):
    """Tokens and coins for many, written into the node's state; who has how much, as the node itself tells."""
    contracts = [deploy(node, "0x" + token_bytecode(f"T{n}", 6).hex()) for n in range(tokens)]
    source = random.Random(11)
    owners = ["0x" + source.randbytes(20).hex() for _ in range(holders)]
    for owner in owners[::7]:
        node.rpc("anvil_setBalance", owner, hex(source.randrange(10**20)))
    for number, contract in enumerate(contracts):
        for owner in owners[number::97]:
            node.rpc("anvil_dealERC20", owner, contract, hex(source.randrange(10**12)))
    return contracts, owners


def told_by_the_node(node, contract, owner):
    if contract is None:
        return int(node.rpc("eth_getBalance", owner, "latest"), 16)
    call = {"to": contract, "data": "0x70a08231" + "00" * 12 + owner[2:]}
    return int(node.rpc("eth_call", call, "latest"), 16)


@pytest.mark.parametrize("promised", [True, False])
def test_a_thousand_addresses_and_twenty_tokens(node, multicall_code, promised):
    contract = deploy(node, multicall_code)
    node.rpc("anvil_setCode", MULTICALL3, node.rpc("eth_getCode", contract, "latest"))
    row = row_of(**({"multicall": True} if promised else {}))
    contracts, owners = filled(node, 19, 1000)
    counted = Counted(node.url)
    with counted.transport, Wallet.from_seed(bytes(32), transport=counted.transport) as wallet:
        assets = [None, *(wallet.account(row).asset(reference) for reference in contracts)]
        counted.requests.clear()
        found = wallet.balances(row, owners, assets)
        taken = len(counted.requests)
        assert sum(len(row) for row in found.values()) == 20_000
        assert all(isinstance(cell, Balance) for row in found.values() for cell in row.values())
        assert taken == (5 if promised else 200), counted.requests
        assert counted.largest < 2_000_000
        places = random.Random(3)
        for owner in [*owners[:100], *places.sample(owners, 50)]:
            for asset, reference in zip(assets, [None, *contracts], strict=True):
                if places.random() < 0.1 or found[owner][asset].total:
                    assert found[owner][asset].total.units == told_by_the_node(node, reference, owner)
        assert sum(1 for row in found.values() for cell in row.values() if cell.total) > 300


def test_failures_stay_with_their_token(node, multicall_code):
    """One that is no contract, one that reverts, and one that burns all gas: the others are read all the same."""
    contract = deploy(node, multicall_code)
    node.rpc("anvil_setCode", MULTICALL3, node.rpc("eth_getCode", contract, "latest"))
    row = row_of(multicall=True)
    (good,), owners = filled(node, 1, 60)
    nobody, reverting, burning = ("0x" + digit * 40 for digit in "345")
    node.rpc("anvil_setCode", reverting, "0x60006000fd")  # PUSH1 0 PUSH1 0 REVERT
    node.rpc("anvil_setCode", burning, "0x5b600056")  # JUMPDEST PUSH1 0 JUMP, for ever
    counted = Counted(node.url)
    with counted.transport, Wallet.from_seed(bytes(32), transport=counted.transport) as wallet:
        usd = wallet.account(row).asset(good)
        bad = [Asset(f"eip155:{CHAIN_ID}/erc20:{address}", "BAD", 6) for address in (nobody, reverting, burning)]
        found = wallet.balances(row, owners, [None, *bad, usd])
        for owner in owners:
            row = found[owner]
            assert isinstance(row[bad[0]], InvalidAddress)
            assert isinstance(row[bad[1]], Reverted)
            assert isinstance(row[bad[2]], Exception)
            assert isinstance(row[None], Balance)
            assert isinstance(row[usd], Balance)
        for owner in owners[:20]:
            assert found[owner][usd].total.units == told_by_the_node(node, good, owner)
