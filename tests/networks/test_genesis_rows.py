"""The rows of Bitcoin, Litecoin, TRON and Solana against second sources. README.md here tells where those are from."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import multiwallet.registry

ROWS = Path(multiwallet.registry.__file__).parent / "rows"
SOURCES = Path(__file__).parent / "second_source"


def read(family: str) -> dict[str, dict[str, Any]]:
    return dict(tomllib.loads((ROWS / f"{family}.toml").read_text("utf-8"))["networks"])


def source(name: str) -> dict[str, Any]:
    return dict(json.loads((SOURCES / f"{name}.json").read_text("utf-8"))["networks"])


UTXO, TRON, SOLANA = read("bitcoin"), read("tron"), read("solana")
# The kin are held against other sources by tests/chains/bitcoin/test_kin.py and tests/oracles/test_utxo.py.
UTXO = {name: row for name, row in UTXO.items() if row["symbol"] in ("BTC", "LTC")}
TABLE = {**UTXO, **TRON, **SOLANA}


# ---- UTXO networks --------------------------------------------------------------------------------------------


def word(value: int, size: int) -> str:
    return value.to_bytes(size, "big").hex()


@pytest.mark.parametrize("name", UTXO)
def test_utxo_params(name: str) -> None:
    row, known = UTXO[name], source("utxo")[name]
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
        assert len(pair) == 2
        assert all(re.fullmatch(r"0x[0-9a-f]{8}", text) for text in pair)


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
    params, known = UTXO[name]["params"], source("utxo")[name]
    legacy, wrapped, native = known["addresses"]
    assert base58.CheckDecode(legacy)[0] == params["p2pkh"]
    assert base58.CheckDecode(wrapped)[0] == params["p2sh"]
    assert native.startswith(params["hrp"] + "1")


@pytest.mark.parametrize("name", ["litecoin", "litecoin-testnet", "litecoin-regtest"])
def test_litecoin_message_magic_recovers_the_signer_of_a_real_node(name: str) -> None:
    import coincurve

    bip_utils = pytest.importorskip("bip_utils", reason="decoding the node's addresses needs bip-utils")
    signed = source("utxo")[name]["signed"]
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


@pytest.mark.parametrize("name", TRON)
def test_tron(name: str) -> None:
    row = TABLE[name]
    assert row["params"] == {"genesis": source("genesis")[name], "address_prefix": 0x41}
    assert row["id"] == "tron:0x" + row["params"]["genesis"][-8:]
    assert re.fullmatch(r"0{16}[0-9a-f]{48}", row["params"]["genesis"]), "a TRON block id begins with its number, 0"
    assert (row["symbol"], row["decimals"], row["slip44"]) == ("TRX", 6, 195)


@pytest.mark.parametrize("name", SOLANA)
def test_solana(name: str) -> None:
    row = TABLE[name]
    assert row["params"] == {"genesis": source("genesis")[name]}
    assert row["id"] == "solana:" + row["params"]["genesis"][:32]
    assert (row["symbol"], row["decimals"], row["slip44"]) == ("SOL", 9, 501)
    base58 = pytest.importorskip("bip_utils", reason="decoding the hash needs bip-utils").Base58Decoder
    assert len(base58.Decode(row["params"]["genesis"])) == 32


def test_tron_and_solana_ids_are_the_registered_ones() -> None:
    """The ids of namespaces.chainagnostic.org and of WalletConnect."""
    assert {name: row["id"] for name, row in {**TRON, **SOLANA}.items()} == {
        "tron": "tron:0x2b6653dc",
        "tron-nile": "tron:0xcd8690dc",
        "tron-shasta": "tron:0x94a9059e",
        "solana": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        "solana-devnet": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        "solana-testnet": "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z",
    }
