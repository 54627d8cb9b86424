"""The network table: its form, and its facts against second sources. README.md here tells how each was checked."""

from __future__ import annotations

import base64
import hashlib
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
# "happ" is left out on purpose (README.md), "doge" and the other families are not in this table yet.
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
UTXO = read("bitcoin")
NAMES = {key: name for name, row in TABLE.items() for key in (name, *row["aliases"])}

VIEM, LISTS, REPOSITORY = source("viem"), source("ethereum_lists"), source("ethereum_lists_repository")
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
        assert NAME.fullmatch(key) and len(key) <= 63, key
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
        assert 10 < len(row["note"]) <= 120 and row["note"].endswith(".")


def test_names_aliases_and_ids_are_unique() -> None:
    keys = Counter(key for name, row in TABLE.items() for key in (name, row["id"], *row["aliases"]))
    assert [key for key, count in keys.items() if count > 1] == []
    assert len(TABLE) == sum(len(read(family)) for family in FAMILIES)


@pytest.mark.parametrize("name", TABLE)
def test_urls(name: str) -> None:
    row = TABLE[name]
    endpoints = row["endpoints"]
    assert len(set(endpoints)) == len(endpoints)
    assert endpoints or row.get("status") == "derive-only"
    for url in endpoints:
        parts = urlsplit(url)
        if name in REGTEST:
            assert (parts.scheme, parts.hostname) == ("core+http", "127.0.0.1")
            assert parts.port
        else:
            assert parts.scheme == "https" and "." in (parts.hostname or "")
        assert parts.username is None and parts.password is None
        assert not url.endswith("/") and url.isascii()
        assert not re.search(r"key|token|\$|[0-9a-f]{24}", url, re.IGNORECASE), "an API key in a default endpoint"
    if "explorer" in row:
        assert urlsplit(row["explorer"]).scheme == "https" and not row["explorer"].endswith("/")
    else:
        assert name in REGTEST


@pytest.mark.parametrize("name", EVM)
def test_evm_form(name: str) -> None:
    row = EVM[name]
    assert re.fullmatch(r"eip155:[1-9][0-9]*", row["id"])
    assert row["params"].get("fees") in {"eip1559", "legacy"}
    assert set(row["params"]) <= {"fees", "l1_fee"}
    assert row["params"].get("l1_fee", "op-stack") == "op-stack"


def test_the_registry_reads_every_row() -> None:
    for name, row in TABLE.items():
        found = multiwallet.registry.network(name)
        assert (found.name, found.id, found.symbol, found.decimals) == (name, row["id"], row["symbol"], row["decimals"])
        assert found.slip44 == row["slip44"] and dict(found.params) == row["params"]
        assert found.status == row.get("status", "active") and found.testnet is row.get("testnet", False)
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


def test_the_uncertain_chain_is_left_out() -> None:
    assert "happ" not in NAMES


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


def test_evm_l1_fee() -> None:
    """viem names the oracle predeploy on each but mint, whose OP Stack the superchain registry attests."""
    ours = {number(row) for row in EVM.values() if "l1_fee" in row["params"]}
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


# ---- UTXO networks --------------------------------------------------------------------------------------------


def word(value: int, size: int) -> str:
    return value.to_bytes(size, "big").hex()


@pytest.mark.parametrize("name", UTXO)
def test_utxo_params(name: str) -> None:
    row, known = UTXO[name], source("utxo", "networks")[name]
    params = row["params"]
    assert set(params) - {"p2sh_legacy"} == {
        "genesis", "p2pkh", "p2sh", "wif", "hrp", "bip32_public", "bip32_private", "coin_type", "message_magic",
        "block_time", "dust_relay_rate", "slip132",
    }  # fmt: skip
    assert params["genesis"] == known["genesis"]
    assert row["id"] == f"bip122:{known['genesis'][:32]}"
    for key in ("p2pkh", "p2sh", "wif"):
        assert word(params[key], 1) == known[key]
    assert params.get("p2sh_legacy") == (int(known["p2sh_legacy"], 16) if "p2sh_legacy" in known else None)
    assert params["hrp"] == known["hrp"]
    assert (word(params["bip32_public"], 4), word(params["bip32_private"], 4)) == (known["xpub"], known["xprv"])
    assert params["coin_type"] == row["slip44"] == (1 if row.get("testnet") else {"BTC": 0, "LTC": 2}[row["symbol"]])
    assert row["decimals"] == 8
    # litecoind -help-debug: dustrelayfee 0.0003; Bitcoin Core: 0.00003
    assert (params["block_time"], params["dust_relay_rate"]) == {"BTC": (600, 3000), "LTC": (150, 30000)}[row["symbol"]]
    for kind, letter in {"p2sh-p2wpkh": "y", "p2wpkh": "z", "p2sh-p2wsh": "Y", "p2wsh": "Z"}.items():
        if letter + "pub" in known:
            assert params["slip132"][kind] == ["0x" + known[letter + "pub"], "0x" + known[letter + "prv"]]
    for pair in params["slip132"].values():
        assert len(pair) == 2 and all(re.fullmatch(r"0x[0-9a-f]{8}", text) for text in pair)


@pytest.mark.parametrize(
    ("name", "theirs"),
    {
        "bitcoin": "main", "bitcoin-testnet": "test", "bitcoin-testnet4": "test", "bitcoin-signet": "signet",
        "bitcoin-regtest": "regtest",
    }.items(),
)  # fmt: skip
def test_bitcoin_against_embit(name: str, theirs: str) -> None:
    networks = pytest.importorskip("embit.networks", reason="the differential test needs embit").NETWORKS
    params, known = UTXO[name]["params"], networks[theirs]
    assert {key: word(params[key], 1) for key in ("p2pkh", "p2sh", "wif")} == {
        key: known[key].hex() for key in ("p2pkh", "p2sh", "wif")
    }
    assert params["hrp"] == known["bech32"]
    assert (params["bip32_public"], params["bip32_private"], params["coin_type"]) == (
        int.from_bytes(known["xpub"], "big"),
        int.from_bytes(known["xprv"], "big"),
        known["bip32"],
    )
    for kind, letter in {"p2sh-p2wpkh": "y", "p2wpkh": "z", "p2sh-p2wsh": "Y", "p2wsh": "Z"}.items():
        assert params["slip132"][kind] == ["0x" + known[letter + end].hex() for end in ("pub", "prv")]


@pytest.mark.parametrize(
    ("name", "theirs"), {"litecoin": "LitecoinMainNet", "litecoin-testnet": "LitecoinTestNet"}.items()
)
def test_litecoin_against_bip_utils(name: str, theirs: str) -> None:
    bip_utils = pytest.importorskip("bip_utils", reason="the differential test needs bip-utils")
    conf, params = getattr(bip_utils.CoinsConf, theirs), UTXO[name]["params"]
    for ours, key in {
        "p2pkh": "p2pkh_std_net_ver", "p2sh": "p2sh_std_net_ver", "p2sh_legacy": "p2sh_depr_net_ver",
        "wif": "wif_net_ver",
    }.items():  # fmt: skip
        assert bytes([params[ours]]) == conf.ParamByKey(key)
    assert params["hrp"] == conf.ParamByKey("p2wpkh_hrp")
    # Ltub and Mtub (ttub on the test network) are bip-utils' alternate words; xpub and tpub are litecoind's.
    kinds = {"p2pkh": "Bip44", "p2sh-p2wpkh": "Bip49"} if name == "litecoin" else {"p2pkh": "Bip44"}
    for kind, family in kinds.items():
        coin = getattr(getattr(bip_utils, family + "Coins"), name.upper().replace("-", "_"))
        conf_of_kind = getattr(bip_utils, family + "ConfGetter").GetConfig(coin)
        conf_of_kind.UseAlternateKeyNetVersions(True)
        try:
            pair = conf_of_kind.KeyNetVersions()
        finally:
            conf_of_kind.UseAlternateKeyNetVersions(False)
        assert params["slip132"][kind] == ["0x" + pair.Public().hex(), "0x" + pair.Private().hex()]


@pytest.mark.parametrize("name", ["litecoin", "litecoin-testnet", "litecoin-regtest"])
def test_litecoin_addresses_of_a_real_node(name: str) -> None:
    base58 = pytest.importorskip("bip_utils", reason="decoding the node's addresses needs bip-utils").Base58Decoder
    params, known = UTXO[name]["params"], source("utxo", "networks")[name]
    legacy, wrapped, native = known["addresses"]
    assert base58.CheckDecode(legacy)[0] == params["p2pkh"]
    assert base58.CheckDecode(wrapped)[0] == params["p2sh"]
    assert native.startswith(params["hrp"] + "1")


@pytest.mark.parametrize("name", ["litecoin", "litecoin-testnet", "litecoin-regtest"])
def test_litecoin_message_magic_recovers_the_signer_of_a_real_node(name: str) -> None:
    import coincurve

    bip_utils = pytest.importorskip("bip_utils", reason="decoding the node's addresses needs bip-utils")
    signed = source("utxo", "networks")[name]["signed"]
    magic, message = UTXO[name]["params"]["message_magic"].encode(), signed["message"].encode()
    text = bytes([len(magic)]) + magic + bytes([len(message)]) + message
    digest = hashlib.sha256(hashlib.sha256(text).digest()).digest()
    raw = base64.b64decode(signed["signature"])
    key = coincurve.PublicKey.from_signature_and_message(raw[1:] + bytes([(raw[0] - 27) & 3]), digest, hasher=None)
    hash160 = bip_utils.Hash160.QuickDigest(key.format())
    assert bip_utils.Base58Decoder.CheckDecode(signed["address"])[1:] == hash160


def test_bitcoin_message_magic() -> None:
    assert {UTXO[name]["params"]["message_magic"] for name in UTXO if name.startswith("bitcoin")} == {
        "Bitcoin Signed Message:\n"
    }


# ---- TRON and Solana ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", read("tron"))
def test_tron(name: str) -> None:
    row = TABLE[name]
    assert row["params"] == {"genesis": source("genesis", "networks")[name], "address_prefix": 0x41}
    assert row["id"] == "tron:0x" + row["params"]["genesis"][-8:]
    assert re.fullmatch(r"0{16}[0-9a-f]{48}", row["params"]["genesis"]), "a TRON block id begins with its number, 0"
    assert (row["symbol"], row["decimals"], row["slip44"]) == ("TRX", 6, 195)


@pytest.mark.parametrize("name", read("solana"))
def test_solana(name: str) -> None:
    row = TABLE[name]
    assert row["params"] == {"genesis": source("genesis", "networks")[name]}
    assert row["id"] == "solana:" + row["params"]["genesis"][:32]
    assert (row["symbol"], row["decimals"], row["slip44"]) == ("SOL", 9, 501)
    base58 = pytest.importorskip("bip_utils", reason="decoding the hash needs bip-utils").Base58Decoder
    assert len(base58.Decode(row["params"]["genesis"])) == 32


def test_tron_and_solana_ids_are_the_registered_ones() -> None:
    """The ids of namespaces.chainagnostic.org and of WalletConnect."""
    assert {name: TABLE[name]["id"] for family in ("tron", "solana") for name in read(family)} == {
        "tron": "tron:0x2b6653dc",
        "tron-nile": "tron:0xcd8690dc",
        "tron-shasta": "tron:0x94a9059e",
        "solana": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        "solana-devnet": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        "solana-testnet": "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z",
    }
