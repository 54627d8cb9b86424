"""The node fixtures themselves: the nodes answer, mine, and are gone when their test ends."""

from __future__ import annotations

import os

import pytest


def test_anvil_mines_and_funds(anvil):
    height = int(anvil.rpc("eth_blockNumber"), 16)
    anvil.mine(3)
    assert int(anvil.rpc("eth_blockNumber"), 16) == height + 3
    address = "0x00000000000000000000000000000000000000a1"
    anvil.fund(address, 7)
    assert int(anvil.rpc("eth_getBalance", address, "latest"), 16) == 7
    with pytest.raises(anvil.Error, match="eth_noSuchMethod"):
        anvil.rpc("eth_noSuchMethod")


def test_a_fresh_anvil_takes_arguments(start_anvil):
    node = start_anvil("--chain-id", "1337")
    assert int(node.rpc("eth_chainId"), 16) == 1337
    node.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(node.pid, 0)


def test_litecoind_mines_past_its_extension_block_height(litecoind):
    hashes = litecoind.mine(450)
    assert litecoind.rpc("getbestblockhash") == hashes[-1]
    assert litecoind.rpc("getnewaddress").startswith("rltc1")
    with pytest.raises(litecoind.Error) as refused:
        litecoind.rpc("getblockhash", 10**6)
    assert refused.value.code == -8


def test_a_fresh_litecoind_starts_at_the_genesis_block(start_litecoind):
    assert start_litecoind().rpc("getblockcount") == 0
