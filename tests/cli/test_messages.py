"""sign-message and verify-message."""

from __future__ import annotations

import json

import pytest

from multiwallet import Wallet

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
NAMES = ["bitcoin", "ethereum", "tron", "solana"]
TYPED = {
    "types": {
        "EIP712Domain": [{"name": "name", "type": "string"}],
        "Mail": [{"name": "contents", "type": "string"}],
    },
    "primaryType": "Mail",
    "domain": {"name": "Post"},
    "message": {"contents": "hello"},
}


@pytest.mark.parametrize("name", NAMES)
def test_signed_and_verified(cli, phrase, name):
    text = "hello, 世界"
    ended = cli("sign-message", "--network", name, text, "--json")
    assert ended.code == 0
    made = ended.json
    with Wallet.from_mnemonic(WORDS) as wallet:
        account = wallet.account(name)
        assert made["address"] == account.address
        assert account.verify_message(text, made["signature"])
    asked = ["--network", name, "--address", made["address"], "--signature", made["signature"]]
    right = cli("verify-message", *asked, text)
    assert (right.code, right.out) == (0, "valid\n")
    wrong = cli("verify-message", *asked, text + "!", "--json")
    assert (wrong.code, wrong.json["valid"]) == (13, False)
    broken = cli("verify-message", *asked[:-1], "nonsense", text)
    assert (broken.code, broken.out) == (13, "not valid\n")


def test_messages_from_files_stdin_and_hex(cli, phrase, tmp_path):
    asked = ["sign-message", "--network", "ethereum"]
    (tmp_path / "message").write_bytes(b"line\n")
    with Wallet.from_mnemonic(WORDS) as wallet:
        sign = wallet.account("ethereum").sign_message
        assert cli(*asked, "--message-file", str(tmp_path / "message")).out.strip() == sign("line\n")
        assert cli(*asked, "--message-file", "-", stdin=b"line\n").out.strip() == sign("line\n")
        assert cli(*asked, "--hex", "0x00ff").out.strip() == sign(b"\x00\xff")
        assert cli(*asked, "").out.strip() == sign("")


def test_forms_of_bitcoin(cli, phrase):
    simple = cli("sign-message", "--network", "bitcoin", "--kind", "p2pkh", "hello").out
    same = cli("sign-message", "--network", "bitcoin", "--kind", "p2pkh", "--form", "bip137", "hello").out
    other = cli("sign-message", "--network", "bitcoin", "--kind", "p2pkh", "--form", "bip322", "hello").out
    assert simple == same != other


@pytest.mark.parametrize("name", ["ethereum", "tron"])
def test_typed_data(cli, phrase, tmp_path, name):
    file = tmp_path / "typed.json"
    file.write_text(json.dumps(TYPED))
    made = cli("sign-message", "--network", name, "--typed-data", str(file), "--json").json
    with Wallet.from_mnemonic(WORDS) as wallet:
        assert made["signature"] == wallet.account(name).sign_typed_data(TYPED)
    asked = ["verify-message", "--network", name, "--address", made["address"], "--signature", made["signature"]]
    assert cli(*asked, "--typed-data", str(file)).code == 0
    file.write_text(json.dumps(TYPED | {"message": {"contents": "bye"}}))
    assert cli(*asked, "--typed-data", str(file)).code == 13


@pytest.mark.parametrize(
    ("asked", "exit_code", "code"),
    [
        (["--network", "ethereum"], 3, "invalid_input"),
        (["--network", "ethereum", "x", "--message-file", "-"], 3, "invalid_input"),
        (["--network", "ethereum", "--hex", "0xzz"], 3, "invalid_message"),
        (["--network", "ethereum", "x", "--form", "bip322"], 3, "invalid_input"),
        (["--network", "bitcoin", "--typed-data", "-"], 4, "unsupported"),
        (["--network", "ethereum", "--typed-data", "-", "--hex"], 3, "invalid_input"),
        (["--network", "ethereum", "--typed-data", "/no/such/file"], 3, "invalid_input"),
        (["hello"], 2, "usage"),
    ],
)
def test_refused(cli, phrase, asked, exit_code, code):
    ended = cli("sign-message", "--json", *asked, stdin=json.dumps(TYPED).encode())
    assert (ended.code, ended.out, ended.error["code"]) == (exit_code, "", code)


def test_typed_data_that_is_none(cli, phrase):
    for content in (b"", b"[]", b"{}", b"\xff", b"{" * 9999, b'{"types": 1.5}'):
        ended = cli("sign-message", "--network", "ethereum", "--typed-data", "-", "--json", stdin=content)
        assert (ended.code, ended.out) == (3, ""), content


def test_the_address_must_be_one(cli):
    asked = ["verify-message", "--network", "ethereum", "--signature", "0x00", "--json", "hello"]
    ended = cli(*asked, "--address", "0x123")
    assert (ended.code, ended.error["code"]) == (3, "invalid_address")
