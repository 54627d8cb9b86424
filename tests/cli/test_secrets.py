"""Where secrets come from, and that they go nowhere else."""

from __future__ import annotations

import os

import pytest

from multiwallet import Wallet

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
OTHER = "legal winner thank year wave sausage worth useful legal winner thank yellow"
ADDRESS = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
DERIVE = ["derive", "--network", "ethereum", "--json"]


def address(ended) -> str:
    assert ended.code == 0, ended.err
    return ended.json["addresses"][0]["address"]


def with_passphrase(passphrase: str) -> str:
    return Wallet.from_mnemonic(WORDS, passphrase).account("ethereum").address


@pytest.mark.parametrize("content", [WORDS, WORDS + "\n", "\ufeff" + WORDS + "\r\n", WORDS.replace(" ", "\n")])
def test_from_a_file(cli, private_file, content):
    assert address(cli(*DERIVE, "--mnemonic-file", private_file(content))) == ADDRESS


def test_from_stdin(cli):
    assert address(cli(*DERIVE, "--mnemonic-stdin", stdin=WORDS.encode() + b"\n")) == ADDRESS


def test_from_the_environment(cli, phrase, monkeypatch):
    assert address(cli(*DERIVE)) == ADDRESS
    monkeypatch.setenv("MULTIWALLET_PASSPHRASE", "TREZOR")
    assert address(cli(*DERIVE)) == with_passphrase("TREZOR")


def test_an_option_goes_before_the_environment(cli, phrase, private_file):
    assert address(cli(*DERIVE, "--mnemonic-file", private_file(OTHER))) != ADDRESS


@pytest.mark.parametrize(
    ("content", "passphrase"), [("TREZOR\n", "TREZOR"), (" spaces \r\n", " spaces "), ("a\nb", "a\nb")]
)
def test_a_passphrase_from_a_file_keeps_its_spaces(cli, phrase, private_file, content, passphrase):
    assert address(cli(*DERIVE, "--passphrase-file", private_file(content))) == with_passphrase(passphrase)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610])
@pytest.mark.parametrize("option", ["--mnemonic-file", "--private-key-file", "--passphrase-file"])
def test_a_file_that_others_can_reach_is_refused(cli, private_file, monkeypatch, option, mode):
    if option == "--passphrase-file":
        monkeypatch.setenv("MULTIWALLET_MNEMONIC", WORDS)
    ended = cli(*DERIVE, option, private_file("x" * 40, mode=mode))
    assert (ended.code, ended.out) == (3, "")
    assert "chmod 600" in ended.error["message"]
    assert "xxxx" not in ended.err


def test_a_secret_in_the_place_of_a_file_name_is_not_repeated(cli):
    key = "0x" + "1f" * 32
    for option, secret in (("--mnemonic-file", WORDS), ("--private-key-file", key), ("--passphrase-file", "hunter2")):
        for extra in ([], ["--json"]):
            ended = cli("derive", "--network", "ethereum", option, secret, *extra)
            assert ended.code == 3
            assert secret not in ended.out + ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["derive", *WORDS.split()],
        ["derive", WORDS],
        [WORDS],
        ["derive", "--mnemonic", WORDS],
        ["derive", f"--mnemonic={WORDS}"],
        ["sign-message", "--network", "ethereum", "hello", WORDS],
        ["derive", "--network", "ethereum", "--xpub", WORDS],
        ["derive", "--network", "ethereum", "--private-key", "0x" + "1f" * 32],
        ["send", "--network", "ethereum", "--to", ADDRESS, "--amount", "1", "0x" + "1f" * 32],
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_secret_as_an_argument_is_refused_and_not_repeated(cli, monkeypatch, arguments, as_json):
    monkeypatch.setenv("MULTIWALLET_MNEMONIC", OTHER)
    ended = cli(*arguments, *(["--json"] if as_json else []))
    assert ended.code in (2, 3)
    assert "abandon abandon" not in ended.out + ended.err
    assert "1f1f1f" not in ended.out + ended.err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"word " * 20_000, b"\0" * 100, WORDS.encode()[:-1]])
def test_a_file_that_holds_no_mnemonic(cli, private_file, content):
    ended = cli(*DERIVE, "--mnemonic-file", private_file(content))
    assert (ended.code, ended.out) == (3, "")
    assert ended.error["code"] in ("invalid_input", "invalid_mnemonic")
    assert "abandon abandon" not in ended.err


@pytest.mark.parametrize("content", ["nonsense" * 9, "0x" + "f" * 64, "0x" + "1f" * 33])
def test_a_file_that_holds_no_key(cli, private_file, content):
    ended = cli(*DERIVE, "--private-key-file", private_file(content))
    assert (ended.code, ended.error["code"]) == (3, "invalid_key")
    assert content not in ended.err


def test_what_is_no_file(cli, tmp_path):
    for name in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        ended = cli(*DERIVE, "--mnemonic-file", name)
        assert (ended.code, ended.error["code"]) == (3, "invalid_input")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mnemonic-stdin", "--mnemonic-file", "x"],
        ["--private-key-file", "x", "--xpub", "x"],
        ["--private-key-file", "x", "--passphrase-file", "y"],
        ["--passphrase", "--passphrase-file", "y"],
    ],
)
def test_sources_that_contradict_each_other(cli, phrase, arguments):
    ended = cli(*DERIVE, *arguments)
    assert (ended.code, ended.error["code"]) == (3, "invalid_input")


def test_stdin_carries_one_thing(cli):
    ended = cli("sign", "--network", "ethereum", "--mnemonic-stdin", "--json", stdin=WORDS.encode())
    assert (ended.code, ended.error["code"]) == (3, "invalid_input")


def test_without_a_terminal_it_says_what_to_do(child):
    ended = child(*DERIVE)
    assert (ended.code, ended.out) == (3, "")
    for way in ("--mnemonic-file", "--mnemonic-stdin", "MULTIWALLET_MNEMONIC"):
        assert way in ended.error["message"]
    asked = child(*DERIVE, "--passphrase", MULTIWALLET_MNEMONIC=WORDS)
    assert "--passphrase-file" in asked.error["message"]


def test_the_prompt_shows_nothing_of_what_is_typed(terminal):
    at = terminal(*DERIVE, "--passphrase")
    at.expect("Mnemonic (hidden): ")
    at.answer(WORDS + "\n")
    at.expect("Passphrase (hidden): ")
    at.answer("TREZOR\n")
    ended = at.end()
    assert address(ended) == with_passphrase("TREZOR")
    assert "abandon" not in ended.err
    assert "TREZOR" not in ended.err


def test_the_prompt_works_while_stdin_carries_a_transaction(terminal):
    at = terminal("sign-message", "--network", "ethereum", "--message-file", "-", stdin=b"hello")
    at.expect("Mnemonic (hidden): ")
    at.answer(WORDS + "\n")
    ended = at.end()
    assert ended.code == 0
    assert ended.out.strip() == Wallet.from_mnemonic(WORDS).account("ethereum").sign_message("hello")
    assert "abandon" not in ended.err


def test_a_wrong_phrase_at_the_prompt(terminal):
    at = terminal("derive")
    at.expect("Mnemonic (hidden): ")
    at.answer(WORDS.replace("about", "abaut") + "\n")
    ended = at.end()
    assert ended.code == 3
    assert "'abaut'" in ended.err
    assert "abandon abandon" not in ended.err


def test_the_interrupt_key_at_the_prompt(terminal):
    at = terminal("derive")
    at.expect("Mnemonic (hidden): ")
    at.answer("\x03")
    ended = at.end()
    assert ended.code == 130
    assert "Traceback" not in ended.err
