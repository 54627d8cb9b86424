"""Paths, addresses and keys of the three kinds, against Sui's own vectors (tests/vectors/sui_derivation.json)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet, networks
from multiwallet.chain import Network
from multiwallet.chains.sui import Sui
from multiwallet.errors import InvalidKey, InvalidPath
from multiwallet.path import parse_path
from multiwallet.testing import refusal

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sui_derivation.json").read_text(encoding="utf-8"))
CHAIN = Sui()
ROW = Network("sui:35834a8a", "sui", "sui", "Sui", "SUI", 9, 784)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['kind']}-{case['phrase'].split()[0]}")
def test_addresses_of_suis_own_tests(case: dict[str, Any]) -> None:
    wallet = Wallet.from_mnemonic(case["phrase"])
    account = wallet.account("sui", index=0, kind=case["kind"])
    assert account.address == case["address"]
    by_path = wallet.account("sui", path=str(account.path))  # the path implies the kind
    assert by_path.address == case["address"]
    imported = Wallet.from_private_key("sui", account.export_private_key()).account("sui")
    assert imported.address == case["address"]


def test_paths_and_curves() -> None:
    shapes = {"ed25519": "m/44'/784'/3'/0'/0'", "secp256k1": "m/54'/784'/3'/0/0", "secp256r1": "m/74'/784'/3'/0/0"}
    for kind, path in shapes.items():
        assert str(CHAIN.path(ROW, account=0, index=3, kind=kind)) == path
        assert CHAIN.path(ROW, account=3, index=None, kind=kind) == parse_path(path)
        assert CHAIN.kind_of(parse_path(path)) == kind
        assert CHAIN.curve_of(ROW, kind) == kind
    assert CHAIN.kind_of(parse_path("m")) == "ed25519"
    assert CHAIN.curve_of(ROW, "") == "ed25519"
    refusal(InvalidPath, partial(CHAIN.path, ROW, account=1, index=1, kind=""))
    refusal(InvalidPath, partial(CHAIN.path, ROW, account=0, index=1, kind="p2tr"))


def test_keys_of_other_lengths_have_no_address() -> None:
    refusal(InvalidKey, CHAIN.address, ROW, bytes(33), "ed25519")
    refusal(InvalidKey, CHAIN.address, ROW, bytes(32), "secp256k1")
    refusal(InvalidKey, CHAIN.address, ROW, bytes(32), "p2wpkh")


def test_the_three_networks_share_addresses() -> None:
    wallet = Wallet.from_mnemonic(VECTORS["cases"][0]["phrase"])
    rows = [row for row in networks() if row.family == "sui"]
    assert {row.name for row in rows} >= {"sui", "sui-testnet", "sui-devnet"}
    assert len({wallet.account(row, index=0).address for row in rows}) == 1
