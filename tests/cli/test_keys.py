"""new, derive and networks."""

from __future__ import annotations

import csv
import io
import json
import os
import stat

import pytest

from multiwallet import Mnemonic, Wallet, network, networks

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
# As Trezor, MetaMask, TronLink and Phantom show them for this phrase.
ADDRESSES = {
    "bitcoin": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
    "ethereum": "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    "tron": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
    "solana": "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk",
}
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"


@pytest.mark.parametrize("words", [12, 15, 18, 21, 24])
def test_new_shows_a_fresh_mnemonic_when_asked(cli, words):
    first, second = (cli("new", "--words", str(words), "--show") for _ in range(2))
    assert first.code == second.code == 0
    assert first.err == ""
    assert len(Mnemonic(first.out.strip())) == words
    assert first.out != second.out


def test_new_knows_the_languages(cli):
    made = cli("new", "--language", "japanese", "--show", "--json").json
    assert made["words"] == 24
    assert Mnemonic(made["mnemonic"]).language == "japanese"


def test_new_writes_a_file_for_its_owner_alone_and_shows_nothing(cli, tmp_path):
    file = tmp_path / "phrase"
    old = os.umask(0)
    try:
        ended = cli("new", "--words", "12", "--file", str(file))
    finally:
        os.umask(old)
    assert ended.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    phrase = file.read_text().strip()
    assert len(Mnemonic(phrase)) == 12
    assert phrase not in ended.out + ended.err
    assert ended.out == ""
    made = cli("new", "--file", str(tmp_path / "another"), "--json").json
    assert made == {"words": 24, "language": "english", "file": str(tmp_path / "another")}
    # the file is what the other commands read
    read = cli("derive", "--mnemonic-file", str(file), "--network", "tron", "--json").json["addresses"]
    assert read[0]["address"] == Wallet.from_mnemonic(phrase).account("tron").address


def test_new_never_overwrites_a_file(cli, tmp_path):
    file = tmp_path / "phrase"
    file.write_text("precious")
    ended = cli("new", "--file", str(file), "--json")
    assert (ended.code, ended.out) == (3, "")
    assert "exists" in ended.error["message"]
    assert file.read_text() == "precious"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([], "invalid_input"),
        (["--show", "--words", "13"], "invalid_mnemonic"),
        (["--show", "--language", "klingon"], "invalid_input"),
        (["--file", "/no/such/folder/phrase"], "invalid_input"),
    ],
)
def test_new_refuses(cli, asked, code):
    ended = cli("new", "--json", *asked)
    assert (ended.code, ended.out, ended.error["code"]) == (3, "", code)


def test_derive_shows_the_four_main_chains(cli, phrase):
    ended = cli("derive")
    assert (ended.code, ended.err) == (0, "")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert rows[0] == ["network", "path", "address"]
    assert {row[0]: row[2] for row in rows[1:]} == ADDRESSES
    assert rows[2][1] == "m/44'/60'/0'/0/0"


def test_derive_as_json_and_csv(cli, phrase):
    asked = [
        "derive",
        "--network",
        "bitcoin",
        "--network",
        "eip155:56",
        "--count",
        "3",
        "--start",
        "7",
        "--account",
        "2",
    ]
    listed = cli(*asked, "--json").json["addresses"]
    assert list(listed[0]) == ["network", "id", "path", "address", "kind", "public_key"]
    with Wallet.from_mnemonic(WORDS) as wallet:
        same = [a for name in ("bitcoin", "bsc") for a in wallet.accounts(name, start=7, count=3, account=2)]
    assert [(item["id"], item["path"], item["public_key"]) for item in listed] == [
        (account.id, str(account.path), account.public_key.hex()) for account in same
    ]
    read = list(csv.DictReader(io.StringIO(cli(*asked, "--csv").out)))
    assert read == [{name: value or "" for name, value in item.items()} for item in listed]


def test_derive_many_keeps_the_order_across_chunks(cli, phrase):
    found = [
        line.split("\t")[1:] for line in cli("derive", "--network", "tron", "--count", "1203").out.splitlines()[1:]
    ]
    with Wallet.from_mnemonic(WORDS) as wallet:
        assert found == [[str(a.path), a.address] for a in wallet.accounts("tron", count=1203)]


def test_derive_every_network(cli, phrase):
    main = {item["network"] for item in cli("derive", "--all", "--json").json["addresses"]}
    assert main == {row.name for row in networks() if not row.testnet}
    every = {item["network"] for item in cli("derive", "--all", "--testnets", "--json").json["addresses"]}
    assert every == {row.name for row in networks()}


def test_derive_from_an_extended_public_key(cli):
    listed = cli("derive", "--xpub", ZPUB, "--network", "bitcoin", "--count", "2", "--json").json["addresses"]
    assert [item["address"] for item in listed] == [ADDRESSES["bitcoin"], "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"]


@pytest.mark.parametrize("name", ADDRESSES)
def test_derive_from_a_single_key(cli, private_file, name):
    key = Wallet.from_mnemonic(WORDS).account(name, index=0).export_private_key()
    asked = ["derive", "--private-key-file", private_file(key + "\n"), "--network", name, "--json"]
    (found,) = cli(*asked).json["addresses"]
    assert (found["address"], found["path"]) == (ADDRESSES[name], None)
    refused = cli(*asked, "--count", "2")
    assert (refused.code, refused.error["code"]) == (3, "invalid_input")


def test_derive_kinds_and_paths(cli, phrase):
    # BIP-86's own vector for this phrase
    (found,) = cli("derive", "--network", "bitcoin", "--kind", "p2tr", "--json").json["addresses"]
    assert found["address"] == "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    (again,) = cli("derive", "--network", "bitcoin", "--path", "m/86h/0h/0h/0/0", "--json").json["addresses"]
    assert again == found


@pytest.mark.parametrize(
    ("asked", "exit_code", "code"),
    [
        (["--network", "etherium"], 4, "unknown_network"),
        (["--network", "ethereum", "--path", "m/x"], 3, "invalid_path"),
        (["--network", "ethereum", "--path", "m/0", "--count", "2"], 3, "invalid_input"),
        (["--network", "ethereum", "--kind", "p2tr"], 3, "invalid_input"),
        (["--network", "ethereum", "--all"], 3, "invalid_input"),
        (["--testnets"], 3, "invalid_input"),
        (["--csv"], 3, "invalid_input"),
        (["--count", "0"], 2, "usage"),
        (["--start", "2147483647", "--count", "2"], 3, "invalid_path"),
        (["--xpub", ZPUB], 3, "invalid_input"),
        (["--xpub", ZPUB[:-1] + "t", "--network", "bitcoin"], 3, "invalid_key"),
        (["--xpub", ZPUB, "--network", "solana"], 3, "invalid_key"),
        (["--nonsense"], 2, "usage"),
    ],
)
def test_derive_refuses(cli, phrase, asked, exit_code, code):
    ended = cli("derive", "--json", *asked)
    assert (ended.code, ended.out, ended.error["code"]) == (exit_code, "", code)


def test_networks_lists_every_row(cli):
    listed = cli("networks", "--json").json["networks"]
    assert [row["id"] for row in listed] == [row.id for row in networks()]
    assert {row["name"]: row["decimals"] for row in listed}["solana"] == 9
    table = cli("networks").out.splitlines()
    assert len(table) == len(listed) + 1
    tron = cli("networks", "--family", "tron", "--json").json["networks"]
    assert [row["name"] for row in tron] == ["tron", "tron-nile", "tron-shasta"]
    refused = cli("networks", "--family", "martian", "--json")
    assert (refused.code, refused.error["code"]) == (3, "invalid_input")


def test_networks_shows_no_credentials(cli, monkeypatch):
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_ETHEREUM", "https://user:hunter2@node.example/v3/0123456789abcdef")
    ended = cli("networks", "--json", "--endpoint", "tron=https://me:hunter3@tron.example/key4")
    rows = {row["name"]: row["endpoints"] for row in ended.json["networks"]}
    assert rows["ethereum"] == ["https://node.example/…"]
    assert rows["tron"] == ["https://tron.example/…"]
    for secret in ("hunter2", "hunter3", "0123456789abcdef", "key4"):
        assert secret not in ended.out


def test_a_file_of_networks_adds_them(child, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[networks.my-chain]\nid = "eip155:987654"\nsymbol = "MINE"\ndecimals = 18\n')
    ended = child("derive", "--networks-file", str(file), "--network", "my-chain", "--json", MULTIWALLET_MNEMONIC=WORDS)
    assert ended.json["addresses"][0]["id"] == f"eip155:987654:{ADDRESSES['ethereum']}"
    file.write_text("[networks.my-chain]\nid = 7\n")
    refused = child("networks", "--networks-file", str(file), "--json")
    assert (refused.code, refused.error["code"]) == (3, "invalid_input")


@pytest.mark.parametrize("endpoint", ["nonsense", "ethereum", "ethereum=ftp://x", "=http://x"])
def test_an_endpoint_is_a_network_and_a_url(cli, endpoint):
    ended = cli("networks", "--json", "--endpoint", endpoint)
    assert ended.code in (3, 4)
    assert json.loads(ended.err)["error"]["code"] in ("invalid_input", "unknown_network")


def test_the_names_in_the_table_are_names(cli):
    for line in cli("networks", "--family", "evm").out.splitlines()[1:]:
        name, identity, *_ = line.split("\t")
        assert network(name).id == identity
