"""Identity, balances and tokens, asked of scripted nodes."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet.amounts import Amount, Asset
from multiwallet.codec import abi
from multiwallet.errors import (
    BadResponse,
    InputError,
    InvalidAddress,
    Rejected,
    Timeout,
)

TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
USDT = Asset(f"eip155:1/erc20:{TOKEN}", "USDT", 6)
HOSTILE = [None, "<html>", "0x", "0xzz", 5, 1.5, True, [], {}, "0x" + "f" * 65, "-0x1"]


def word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex()


def test_identify(network: Any, keys: Any, node: Any) -> None:
    assert node(eth_chainId="0x1").run(keys.evm.identify(network)) is None
    with pytest.raises(BadResponse, match=r"eip155:1, .*eip155:137"):
        node(eth_chainId="0x89").run(keys.evm.identify(network))
    for answer in HOSTILE:
        with pytest.raises(BadResponse):
            node(eth_chainId=answer).run(keys.evm.identify(network))


def test_balances(keys: Any, node: Any) -> None:
    coin = keys.holder.network.native
    for latest, pending, available, waiting in ((10, 15, 10, 5), (10, 4, 4, 0), (10, 10, 10, 0)):
        asked = node(eth_getBalance=["queue", hex(latest), hex(pending)])
        balance = asked.run(keys.evm.balance(keys.holder, coin))
        assert (balance.available.units, balance.pending.units) == (available, waiting)
        assert [effect.params[1] for effect in asked.batches[0]] == ["latest", "pending"]
    asked = node(eth_getBalance=["queue", hex(7), Rejected("pending is not known here")])
    assert asked.run(keys.evm.balance(keys.holder, coin)).total.units == 7
    asked = node(eth_call=word(5))
    assert asked.run(keys.evm.balance(keys.holder, USDT)).available == Amount(5, USDT)
    assert asked.batches[0][0].params[0]["data"] == "0x70a08231" + "00" * 12 + keys.holder.address[2:].lower()
    for answer in HOSTILE:
        with pytest.raises(BadResponse):
            node(eth_call=answer).run(keys.evm.balance(keys.holder, USDT))
        with pytest.raises(BadResponse):
            node(eth_getBalance=answer).run(keys.evm.balance(keys.holder, coin))
    with pytest.raises(InputError):
        node().run(keys.evm.balance(keys.holder, Asset("eip155:56/slip44:714", "BNB", 18)))
    with pytest.raises(Timeout):
        node(eth_getBalance=Timeout("slow")).run(keys.evm.balance(keys.holder, coin))


def test_assets(keys: Any, network: Any, node: Any) -> None:
    text = "0x" + abi.encode(["string"], ["USDT"]).hex()
    asked = node(eth_call=["queue", text, word(6)])
    asset = asked.run(keys.evm.asset(network, TOKEN.lower()))
    assert (asset.id, asset.symbol, asset.decimals) == (USDT.id, "USDT", 6)
    assert len(asked.batches) == 1
    old = "0x" + b"MKR".ljust(32, b"\0").hex()
    assert node(eth_call=["queue", old, word(18)]).run(keys.evm.asset(network, TOKEN)).symbol == "MKR"
    nameless = node(eth_call=["queue", Rejected("execution reverted", node_code=3), word(18)])
    assert nameless.run(keys.evm.asset(network, TOKEN)).symbol == "ERC20"
    with pytest.raises(InvalidAddress, match="no token contract"):
        node(eth_call="0x").run(keys.evm.asset(network, TOKEN))
    for decimals in (word(256), "0x01", Rejected("execution reverted")):
        with pytest.raises(InvalidAddress, match="decimals"):
            node(eth_call=["queue", text, decimals]).run(keys.evm.asset(network, TOKEN))
    for answer in (None, 5, "<html>"):
        with pytest.raises(BadResponse):
            node(eth_call=answer).run(keys.evm.asset(network, TOKEN))
    with pytest.raises(InvalidAddress):
        keys.evm.asset(network, "0x12")
