"""Families of others: found by their entry points, and unable to take anything else away."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from multiwallet import Wallet, network, networks, parse_address, registry
from multiwallet.chain import Network
from multiwallet.chains.evm import Evm
from multiwallet.errors import MissingExtra, UnknownNetwork

ROW = Network("shard:7", "shardnet", "shard", "Shard Net", "SHD", 9, 60, aliases=("shd",), endpoints=("http://x",))


class Shard(Evm):
    """A family of somebody else's: an EVM with a namespace and a path of its own."""

    family = "shard"
    rows = (ROW,)

    def parse_address(self, network: Network, text: str) -> str:
        return super().parse_address(network, text.removeprefix("shard:"))


def module(**contents: Any) -> types.ModuleType:
    made = types.ModuleType("shard_plugin")
    made.__dict__.update(contents)
    return made


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make ``importlib.metadata`` find entry points: their names and what the module they point to holds."""

    def clear() -> None:
        for cached in (registry._plugins, registry._load_table, registry._chain):
            cached.cache_clear()

    def install(name: str = "shard", value: str = "shard_plugin:Shard", **contents: Any) -> None:
        if contents:
            monkeypatch.setitem(sys.modules, "shard_plugin", module(**contents))
        entry = importlib.metadata.EntryPoint(name, value, "multiwallet.chains")
        real = importlib.metadata.entry_points
        monkeypatch.setattr(
            importlib.metadata,
            "entry_points",
            lambda **asked: (
                importlib.metadata.EntryPoints([entry]) if asked == {"group": "multiwallet.chains"} else real(**asked)
            ),
        )
        clear()

    yield install
    monkeypatch.undo()
    clear()


def test_a_plugin_brings_its_family_and_its_rows(install: Callable[..., None]) -> None:
    install(Shard=Shard)
    assert network("shd") == network("shard:7") == ROW
    assert ROW in networks(family="shard")
    assert type(registry.chain(ROW)) is Shard
    assert registry.chain(ROW) is registry.chain(network("shardnet"))
    wallet = Wallet.from_seed(bytes(32))
    assert wallet.account("shardnet").address == wallet.account("ethereum").address
    assert parse_address("shd", "shard:0x" + "35" * 20) == parse_address("ethereum", "0x" + "35" * 20)
    assert registry.add_network("shard-two", id="shard:8", symbol="SHD", decimals=9, family="shard", slip44=60)
    assert wallet.accounts("shard-two", count=2)[1].address == wallet.account("ethereum", index=1).address


def test_a_plugin_cannot_replace_a_family_of_ours(install: Callable[..., None]) -> None:
    install(name="evm", Shard=Shard)
    assert type(registry.chain(network("ethereum"))) is Evm


@pytest.mark.parametrize(
    "rows",
    [
        (replace(ROW, name="ethereum"),),
        (ROW, replace(ROW, name="other", id="eip155:1")),
        (ROW, replace(ROW, name="other", id="shard:9", aliases=("btc",))),
        ("ethereum",),
        5,
    ],
    ids=["name", "id", "alias", "text", "number"],
)
def test_a_plugin_with_wrong_rows_is_left_out_whole_and_aloud(
    install: Callable[..., None], caplog: pytest.LogCaptureFixture, rows: object
) -> None:
    install(Shard=type("Shard", (Shard,), {"rows": rows}))
    with caplog.at_level(logging.WARNING, "multiwallet"):
        assert network("ethereum").id == "eip155:1"
    assert "'shard' is left out" in caplog.text
    assert network("btc").name == "bitcoin"
    with pytest.raises(UnknownNetwork, match="plug-in 'shard' could not be loaded"):
        network("shardnet")


def test_a_plugin_whose_dependency_is_missing_leaves_the_rest_alone(install: Callable[..., None]) -> None:
    install(value="no_such_module_anywhere:Shard")
    assert Wallet.from_seed(bytes(32)).account("bitcoin").address
    with pytest.raises(UnknownNetwork, match="no_such_module_anywhere"):
        network("shardnet")
    row = registry.add_network("shardnet", id="shard:7", symbol="SHD", decimals=9, family="shard", slip44=60)
    with pytest.raises(MissingExtra, match="no_such_module_anywhere"):
        registry.chain(row)


def test_a_row_without_code_says_so() -> None:
    with pytest.raises(UnknownNetwork, match="no code for the family 'shard'"):
        registry.chain(ROW)
