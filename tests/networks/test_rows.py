"""The network table: its form, and its facts against second sources. README.md here tells how each was checked."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import multiwallet.registry

ROWS = Path(multiwallet.registry.__file__).parent / "rows"
SOURCES = Path(__file__).parent / "second_source"
FAMILIES = ("bitcoin", "evm", "solana", "tron")
FIELDS = {
    "id": str,
    "title": str,
    "aliases": list,
    "symbol": str,
    "decimals": int,
    "slip44": int,
    "endpoints": list,
    "explorer": str,
    "testnet": bool,
    "status": str,
    "note": str,
    "params": dict,
}
REQUIRED = {"id", "title", "aliases", "symbol", "decimals", "slip44", "endpoints", "params"}
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
REGTEST = {"bitcoin-regtest", "litecoin-regtest"}

# The names of TokenPocket's enumeration that belong to these four families, and the ids they must lead to.
# The whole list, with the other families and with "happ", which has no row, is in test_tokenpocket.py.
TOKENPOCKET = {
    "eth": 1, "bsc": 56, "matic": 137, "okexchain": 66, "oec": 66, "oktest": 65, "heco": 128, "hsc": 70,
    "klaytn": 8217, "avax": 43114, "arb": 42161, "arbnova": 42170, "ftm": 250, "op": 10, "gnosis": 100,
    "moonbeam": 1284, "aurora": 1313161554, "harmony": 1666600000, "kcc": 321, "cfxevm": 1030, "planton": 210425,
    "bttc": 199, "gt": 86, "halo": 1280, "etc": 61, "fvm": 314, "zksync": 324, "eosevm": 17777, "mantle": 5000,
    "linea": 59144, "base": 8453, "opbnb": 204, "polygonzkevm": 1101, "core": 1116, "scroll": 534352,
    "zkfair": 42766, "manta": 169, "bevm": 11501, "metis": 1088, "zeta": 7000, "kroma": 255, "merlin": 4200,
    "blast": 81457, "bitlayer": 200901, "xlayer": 196, "mint": 185, "moac": 1099,
}  # fmt: skip
ASKED_FOR = {
    "ethereum": 1, "okt": 66, "polygon": 137, "arbitrum": 42161, "optimism": 10, "avalanche": 43114, "fantom": 250,
    "sonic": 146, "celo": 42220, "kaia": 8217, "okc": 66, "sepolia": 11155111, "holesky": 17000, "hoodi": 560048,
    "bsc-testnet": 97, "amoy": 80002, "arbitrum-sepolia": 421614, "optimism-sepolia": 11155420, "base-sepolia": 84532,
}  # fmt: skip


def read(family: str) -> dict[str, dict[str, Any]]:
    data = tomllib.loads((ROWS / f"{family}.toml").read_text("utf-8"))
    assert set(data) == {"family", "networks"}
    assert data["family"] == family
    return dict(data["networks"])


def source(name: str, key: str = "chains") -> dict[str, Any]:
    return dict(json.loads((SOURCES / f"{name}.json").read_text("utf-8"))[key])


TABLE = {name: row for family in FAMILIES for name, row in read(family).items()}
EVM = read("evm")
NAMES = {key: name for name, row in TABLE.items() for key in (name, *row["aliases"])}

VIEM, LISTS, REPOSITORY = source("viem"), source("ethereum_lists"), source("ethereum_lists_repository")
QUIRKS, QUIRK_SOURCES = source("quirks", "networks"), source("quirks", "sources")
CHAINLIST, RABBY, COINS = source("chainlist"), source("rabby"), source("slip44", "coins")


def number(row: dict[str, Any]) -> str:
    return str(row["id"]).removeprefix("eip155:")


def answers(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What the chain lists say of an EVM network: name, symbol, decimals, hosts."""
    found = list(VIEM.get(number(row), ()))
    return found + [listed[number(row)] for listed in (LISTS, REPOSITORY) if number(row) in listed]


# ---- form ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLE)
def test_form(name: str) -> None:
    row = TABLE[name]
    assert set(row) <= set(FIELDS), "a field that no row has"
    assert set(row) >= REQUIRED
    for key, value in row.items():
        assert type(value) is FIELDS[key], key
    for key in (name, *row["aliases"]):
        assert NAME.fullmatch(key), key
        assert len(key) <= 63, key
    assert re.fullmatch(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}", row["id"]), "no CAIP-2 id"
    assert re.fullmatch(r"[A-Za-z0-9]{1,10}", row["symbol"])
    assert 0 <= row["decimals"] <= 36
    assert 0 <= row["slip44"] < 2**31
    assert row["title"].strip() == row["title"] != ""
    assert row.get("testnet", True) is True, "testnet is left out when false"
    assert row.get("status", "retired") in {"retired", "derive-only"}, "status is left out when active"


@pytest.mark.parametrize("name", TABLE)
def test_what_is_not_active_says_why(name: str) -> None:
    row = TABLE[name]
    assert ("status" in row) == ("note" in row)
    if "note" in row:
        assert 10 < len(row["note"]) <= 120
        assert row["note"].endswith(".")


def test_names_aliases_and_ids_are_unique() -> None:
    keys = Counter(key for name, row in TABLE.items() for key in (name, row["id"], *row["aliases"]))
    assert [key for key, count in keys.items() if count > 1] == []
    assert len(TABLE) == sum(len(read(family)) for family in FAMILIES)


@pytest.mark.parametrize("name", TABLE)
def test_urls(name: str) -> None:
    row = TABLE[name]
    endpoints = row["endpoints"]
    assert len(set(endpoints)) == len(endpoints)
    assert endpoints or row.get("testnet") or row.get("status") == "derive-only"
    for url in endpoints:
        parts = urlsplit(url.removeprefix("blockbook+"))
        if name in REGTEST or (row.get("testnet") and url.startswith("core+")):
            assert (parts.scheme, parts.hostname) == ("core+http", "127.0.0.1")
            assert parts.port
        else:
            assert parts.scheme == "https"
            assert "." in (parts.hostname or "")
        assert parts.username is None
        assert parts.password is None
        assert not url.endswith("/")
        assert url.isascii()
        assert not re.search(r"key|token|\$|[0-9a-f]{24}", url, re.IGNORECASE), "an API key in a default endpoint"
    if "explorer" in row:
        assert urlsplit(row["explorer"]).scheme == "https"
        assert not row["explorer"].endswith("/")
    else:
        assert name in REGTEST


@pytest.mark.parametrize("name", EVM)
def test_evm_form(name: str) -> None:
    row = EVM[name]
    assert re.fullmatch(r"eip155:[1-9][0-9]*", row["id"])
    assert row["params"].get("fees") in {"eip1559", "legacy"}


def test_the_registry_reads_every_row() -> None:
    for name, row in TABLE.items():
        found = multiwallet.registry.network(name)
        assert (found.name, found.id, found.symbol, found.decimals) == (name, row["id"], row["symbol"], row["decimals"])
        assert found.slip44 == row["slip44"]
        assert dict(found.params) == row["params"]
        assert found.status == row.get("status", "active")
        assert found.testnet is row.get("testnet", False)
        for key in (row["id"], *row["aliases"]):
            assert multiwallet.registry.network(key).name == name


# ---- the names people know ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "chain_id"), {**TOKENPOCKET, **ASKED_FOR}.items())
def test_evm_names_lead_to_their_chain_id(name: str, chain_id: int) -> None:
    assert TABLE[NAMES[name]]["id"] == f"eip155:{chain_id}"


@pytest.mark.parametrize(
    ("name", "canonical"), {"btc": "bitcoin", "tron": "tron", "solana": "solana", "sol": "solana"}.items()
)
def test_names_of_the_other_families(name: str, canonical: str) -> None:
    assert NAMES[name] == canonical


@pytest.mark.parametrize("name", ["okt", "okt-testnet", "heco", "hsc", "holesky", "kroma", "mint", "polygon-zkevm"])
def test_dead_networks_are_retired(name: str) -> None:
    assert TABLE[name]["status"] == "retired"


def test_moac_is_derive_only() -> None:
    assert TABLE["moac"]["status"] == "derive-only"


# ---- EVM against the chain lists ------------------------------------------------------------------------------

# Our symbol is not the list's, with the reason.
SYMBOL_DIFFERS = {
    "platon": "LAT",  # the list writes it in small letters
}


@pytest.mark.parametrize("name", EVM)
def test_evm_against_the_chain_lists(name: str) -> None:
    row = EVM[name]
    found = answers(row)
    assert found, "no second source knows this chain id"
    assert {entry["decimals"] for entry in found} == {row["decimals"]}
    symbols = {entry["symbol"] for entry in found}
    assert row["symbol"] in symbols or SYMBOL_DIFFERS.get(name) == row["symbol"]
    if number(row) in VIEM:
        assert row["symbol"] in {entry["symbol"] for entry in VIEM[number(row)]}
        assert {entry["testnet"] for entry in VIEM[number(row)]} == {row.get("testnet", False)}


@pytest.mark.parametrize("name", EVM)
def test_evm_titles_name_the_listed_chain(name: str) -> None:
    """A right id under a wrong heading would pass every other test."""
    row = EVM[name]
    words = {word for entry in answers(row) for word in re.findall(r"[a-z]+", entry["name"].lower())}
    known = {"okt-testnet": "okexchain", "okt": "okc", "platon": "platon", "optimism": "op", "kcc": "kcc"}
    first = known.get(name, re.findall(r"[a-z]+", row["title"].lower())[0])
    assert first in words, (row["title"], words)


@pytest.mark.parametrize("name", EVM)
def test_evm_hosts_are_listed_ones(name: str) -> None:
    row = EVM[name]
    found = answers(row)
    explorers = {host for entry in found for host in entry["explorers"]}
    assert urlsplit(row["explorer"]).netloc in explorers
    nodes = {host for entry in found for host in entry["rpc"]} | set(CHAINLIST.get(number(row), {}).get("rpc", ()))
    assert {urlsplit(url).netloc for url in row["endpoints"]} <= nodes


@pytest.mark.parametrize("name", [name for name, row in EVM.items() if number(row) in RABBY])
def test_evm_fee_style(name: str) -> None:
    row, listed = EVM[name], RABBY[number(EVM[name])]
    if name == "heco":  # retired, and the flag dates from 2024: the style every chain takes is the safe one
        assert row["params"]["fees"] == "legacy"
        return
    assert (row["params"]["fees"] == "eip1559") is listed["eip1559"]
    assert row["decimals"] == listed["decimals"]


FEES_AND_VIEMS = {"fees", "absurd_gas_price", "multicall"}
"""The params that other tests of this file hold."""
USUAL_MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"


@pytest.mark.parametrize("name", EVM)
def test_evm_multicall(name: str) -> None:
    """As viem has it, whose own reads of many go through it; a row that viem does not know names none."""
    stated = {entry["multicall3"] for entry in VIEM.get(number(EVM[name]), ()) if "multicall3" in entry}
    ours = EVM[name]["params"].get("multicall")
    assert stated == (set() if ours is None else {USUAL_MULTICALL3 if ours is True else ours})


@pytest.mark.parametrize("name", EVM)
def test_evm_quirks(name: str) -> None:
    """What a row says beside its fee style and its ceiling has a source; tests/chains/evm/test_quirks.py is what it does."""
    params = {key: value for key, value in EVM[name]["params"].items() if key not in FEES_AND_VIEMS}
    assert params == {key: value for key, (value, _) in QUIRKS.get(name, {}).items()}
    for _, key in QUIRKS.get(name, {}).values():
        assert len(QUIRK_SOURCES[key]) > 20


def test_evm_quirks_are_of_rows_and_sources_are_used() -> None:
    assert set(QUIRKS) <= set(EVM)
    assert {key for params in QUIRKS.values() for _, key in params.values()} == set(QUIRK_SOURCES)


def test_evm_ceilings() -> None:
    """10,000 gwei, and another ceiling where a coin is worth much more or much less than a few hundred dollars."""
    ceilings = {name: row["params"].get("absurd_gas_price", 10**13) // 10**9 for name, row in EVM.items()}
    for name, row in EVM.items():
        if row.get("testnet"):
            assert ceilings[name] == 1_000_000
        elif row["symbol"] == "BTC":
            assert ceilings[name] == 100
        elif row["symbol"] == "ETH" and name != "ethereum":
            assert ceilings[name] == 1_000
        else:
            assert ceilings[name] in (10_000, 100_000) or name == "bittorrent"


def test_evm_l1_fee() -> None:
    """viem names the oracle predeploy on each but mint, whose OP Stack the superchain registry attests."""
    ours = {number(row) for row in EVM.values() if row["params"].get("l1_fee") == "op-stack"}
    theirs = {
        chain_id
        for chain_id, entries in VIEM.items()
        if any(
            entry.get("gas_price_oracle", "").lower() == "0x420000000000000000000000000000000000000f"
            for entry in entries
        )
    }
    assert ours - theirs == {number(EVM["mint"])}
    assert theirs <= ours


# ---- SLIP-44 --------------------------------------------------------------------------------------------------

WITHOUT_A_NUMBER = {"mantle", "metis", "zkfair", "bittorrent", "halo", "xlayer"}
RENAMED = {"polygon": "MATIC", "avalanche": "AVAXC", "gatechain": "GC"}


@pytest.mark.parametrize("name", TABLE)
def test_slip44(name: str) -> None:
    row = TABLE[name]
    registered = COINS[str(row["slip44"])]["symbol"]
    if row["slip44"] == 1:
        assert row["testnet"]
    elif row["slip44"] == 60 and name in WITHOUT_A_NUMBER:
        assert row["symbol"] != "ETH"
    else:
        assert registered == RENAMED.get(name, row["symbol"])
    listed = LISTS.get(number(row), {}).get("slip44")
    if listed is not None and name != "bitlayer":  # the list gives bitlayer's mainnet the test networks' number
        assert listed == row["slip44"]
