"""``derive --all``: an address on every network of the table from one phrase; ``discover``: the accounts it has used."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import Any

import pytest

from multiwallet import Wallet, networks, parse_address
from multiwallet.devnet import Devnet

pytestmark = pytest.mark.usefixtures("packaged_networks")

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
MAIN = [row.name for row in networks() if not row.testnet]


def test_all_shows_an_address_on_every_network(cli: Any, phrase: str) -> None:
    ended = cli("derive", "--all", "--json")
    assert ended.code == 0
    assert ended.err == ""
    shown = ended.json
    assert set(shown) == {"addresses"}
    assert [item["network"] for item in shown["addresses"]] == MAIN
    assert len(MAIN) > 130
    with Wallet.from_mnemonic(WORDS) as wallet:
        for item in shown["addresses"]:
            assert item["address"] == wallet.account(item["network"], index=0).address
            if not item["network"].startswith("eos") and not item["address"].startswith("PUB_K1_"):
                assert parse_address(item["network"], item["address"]) == item["address"]


def test_all_with_test_networks(cli: Any, phrase: str) -> None:
    shown = cli("derive", "--all", "--testnets", "--json").json["addresses"]
    assert [item["network"] for item in shown] == [row.name for row in networks()]


def test_a_missing_extra_is_listed_with_its_reason(cli: Any, phrase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bip_utils", None)
    ended = cli("derive", "--all", "--json")
    assert ended.code == 0
    shown = ended.json
    assert [item["network"] for item in shown["failed"]] == ["cardano"]
    assert shown["failed"][0]["error"]["code"] == "missing_extra"
    assert "multiwallet-sdk[coins]" in shown["failed"][0]["error"]["message"]
    assert [item["network"] for item in shown["addresses"]] == [name for name in MAIN if name != "cardano"]

    plain = cli("derive", "--all")
    assert plain.code == 0
    assert len(plain.out.splitlines()) >= len(MAIN) - 1
    assert "cardano: " in plain.err
    assert "multiwallet-sdk[coins]" in plain.err

    alone = cli("derive", "--network", "cardano", "--json")  # asked for by name it is an error
    assert alone.code == 5
    assert alone.error["code"] == "missing_extra"


def test_all_of_a_raw_csv(cli: Any, phrase: str) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("derive", "--all", "--csv").out)))
    assert [row["network"] for row in rows] == MAIN
    assert all(row["address"] for row in rows)


def test_what_fails_everywhere_is_an_error(cli: Any, phrase: str) -> None:
    ended = cli("derive", "--all", "--json", "--path", "m/44'/x")
    assert ended.code == 3
    assert ended.out == ""
    assert ended.error["code"] == "invalid_path"


def test_what_fails_somewhere_is_said_and_told_by_the_code(cli: Any, phrase: str) -> None:
    ended = cli("derive", "--all", "--json", "--path", "m/44'/60'/0'/0/0")  # ed25519 has hardened steps alone
    assert ended.code == 14
    shown = ended.json
    failed = {item["network"] for item in shown["failed"]}
    assert {"solana", "stellar", "near"} <= failed
    assert not failed & {item["network"] for item in shown["addresses"]}
    assert failed | {item["network"] for item in shown["addresses"]} == set(MAIN)


# ---- discover ------------------------------------------------------------------------------------


def test_discover_finds_accounts_of_other_wallets(cli: Any, phrase: str, devnet: Devnet) -> None:
    with Wallet.from_mnemonic(WORDS) as wallet:
        devnet.fund(wallet.account("ethereum", path="m/44'/60'/1'/0/0"), "1.5")
        devnet.fund(wallet.account("solana", path="m/44'/501'/1'"), "2")
    ended = cli("discover", "--network", "ethereum", "--network", "solana", "--json")
    assert ended.code == 0
    shown = ended.json
    assert shown["failed"] == []
    assert shown["asked"] > 10
    found = {(item["network"], item["path"]): item for item in shown["accounts"]}
    ledger = found["ethereum", "m/44'/60'/1'/0/0"]
    assert ledger["wallets"] == ["Ledger Live"]
    assert ledger["total"]["amount"] == "1.5"
    assert found["solana", "m/44'/501'/1'"]["total"]["amount"] == "2"

    plain = cli("discover", "--network", "ethereum", "--gap", "2")
    assert plain.code == 0
    assert "m/44'/60'/1'/0/0" in plain.out
    assert "Ledger Live" in plain.out


def test_discover_reports_what_cannot_be_asked(cli: Any, phrase: str, devnet: Devnet) -> None:
    ended = cli("discover", "--network", "near", "--network", "tron", "--json")
    assert ended.code == 14
    shown = ended.json
    assert [(item["network"], item["error"]["code"]) for item in shown["failed"]] == [("near", "unsupported")]
    plain = cli("discover", "--network", "near", "--network", "tron")
    assert plain.code == 14
    assert "near: " in plain.err


@pytest.mark.parametrize(
    "arguments",
    [("--asset", "0xdac17f958d2ee523a2206206994597c13d831ec7"), ("--network", "no-such-network"), ("--gap", "0")],
)
def test_discover_refuses_wrong_options(cli: Any, phrase: str, devnet: Devnet, arguments: tuple[str, ...]) -> None:
    ended = cli("discover", *arguments, "--json")
    assert ended.code in (2, 3, 4)
    assert ended.out == ""
    assert json.loads(ended.err)["error"]["message"]
    assert "abandon" not in ended.err
