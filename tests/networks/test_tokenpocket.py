"""Every name of TokenPocket's enumeration of chains leads to a row, or says why it leads to none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import multiwallet
from multiwallet.errors import UnknownNetwork

NAMES = json.loads((Path(__file__).parent / "second_source" / "tokenpocket.json").read_text("utf-8"))["names"]
WITHOUT_ROW = {"happ"}
# What is no EVM network. The chain ids of the others are in test_rows.py.
FAMILIES = {
    "btc": "bitcoin", "doge": "bitcoin", "tron": "tron", "solana": "solana", "aptos": "aptos", "sui": "sui", "ton": "ton",
    "cosmos": "cosmos", "eos": "antelope", "enu": "antelope", "bos": "antelope", "wax": "antelope",
    "dot": "substrate", "kusama": "substrate", "subgame": "substrate",
    "binance": "coins", "iost": "coins", "jingtum": "coins",
}  # fmt: skip
# What cannot be paid with any more, or never could here.
STATUS = {
    "heco": "retired", "hsc": "retired", "okexchain": "retired", "oec": "retired", "oktest": "retired",
    "kroma": "retired", "mint": "retired", "polygonzkevm": "retired", "enu": "retired", "bos": "retired",
    "subgame": "derive-only", "moac": "derive-only", "binance": "derive-only", "iost": "derive-only",
    "jingtum": "derive-only",
}  # fmt: skip


def test_the_list_is_whole() -> None:
    assert len(NAMES) == len(set(NAMES)) == 66
    assert set(FAMILIES) | set(STATUS) | WITHOUT_ROW <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_ROW])
def test_a_name_leads_to_its_row(name: str) -> None:
    row = multiwallet.network(name)
    assert row.family == FAMILIES.get(name, "evm")
    assert row.status == STATUS.get(name, "active")
    assert row.status == "active" or len(row.note) > 10, "what is not active says why"
    assert multiwallet.network(name.upper()) == row


@pytest.mark.parametrize("name", ["happ", "HAPP"])
def test_a_name_without_a_row_says_why(name: str) -> None:
    with pytest.raises(UnknownNetwork, match="TokenPocket lists a chain under this name.*add_network"):
        multiwallet.network(name)


def test_a_name_without_a_row_can_be_given_one() -> None:
    from multiwallet import registry

    table = registry._table()
    before = dict(table.rows), dict(table.names)
    try:
        multiwallet.add_network("happ", id="eip155:987652", symbol="HAPP")
        assert multiwallet.network("happ").id == "eip155:987652"
    finally:
        table.rows, table.names = before
