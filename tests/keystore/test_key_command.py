"""The commands `key import`, `key export` and `key formats`."""

from __future__ import annotations

import json
import os
import stat

import pytest

from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.errors import InputError, InvalidKey

pytest.importorskip("typer", reason="the extra cli is not installed")
from typer.testing import CliRunner

from multiwallet.cli.keystore import app

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture
def secret_file(tmp_path):
    def make(name, text, mode=0o600):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return make


def run(*arguments, stdin=None):
    ended = CliRunner().invoke(app, list(arguments), input=stdin)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_import_shows_public_things_only(secret_file):
    file = secret_file("words", WORDS)
    shown = run("import", file, "--network", "ethereum")
    assert "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" in shown
    assert "junk" not in shown
    answer = json.loads(run("import", file, "--json"))
    assert (answer["format"], answer["kind"], answer["network"]) == ("mnemonic", "mnemonic", "bitcoin")
    assert answer["address"] == Wallet.from_mnemonic(WORDS).account("bitcoin").address


def test_import_writes_what_other_commands_take(secret_file, tmp_path):
    light = {"n": 2, "r": 8, "p": 1}
    encrypted = keystore.dump(keystore.load(WORDS, network="ethereum"), "ethereum-v3", "pw", **light)
    # An encrypted file may be readable by others.
    file, password = secret_file("utc.json", encrypted, 0o644), secret_file("password", "pw\n")
    out = tmp_path / "words"
    run("import", file, "--password-file", password, "--to", "mnemonic", "--file", str(out))
    assert out.read_text() == WORDS + "\n"
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600
    with pytest.raises(InputError, match="exists already"):
        run("import", file, "--password-file", password, "--to", "mnemonic", "--file", str(out))
    with pytest.raises(InvalidKey, match="password is wrong"):
        run("import", file, "--password-file", secret_file("wrong", "pq"))


def test_import_joins_shares_and_parts(secret_file, tmp_path):
    pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    shares = keystore.dump(Mnemonic(WORDS), "slip39", iteration_exponent=0)
    files = [secret_file(f"share{number}", share + "\n") for number, share in enumerate(shares)]
    answer = json.loads(run("import", files[0], files[2], "--json"))
    assert answer["format"] == "slip39"
    parts = keystore.dump(Mnemonic(WORDS), "ur", type="account", longest_fragment=80)
    answer = json.loads(run("import", *(secret_file(f"part{n}", part) for n, part in enumerate(parts)), "--json"))
    assert len(answer["others"]) == 3


def test_a_file_in_the_clear_that_others_can_read_is_refused(secret_file):
    with pytest.raises(InputError, match="chmod 600"):
        run("import", secret_file("words", WORDS, 0o644))
    watching = keystore.dump(Mnemonic(WORDS), "descriptor", private=False)
    assert "p2wpkh" in run("import", secret_file("watch", watching, 0o644))


def test_export_writes_one_account(secret_file, tmp_path):
    out, words, password = tmp_path / "key.json", secret_file("words", WORDS), secret_file("password", "pw")
    run(
        "export", "--mnemonic-file", words, "--network", "ethereum", "--index", "1", "--to", "ethereum-v3",
        "--file", str(out), "--new-password-file", password, "--option", "n=2", "--option", "p=1",
    )  # fmt: skip
    with keystore.load(out.read_text(), "pw") as key, Wallet.from_mnemonic(WORDS) as wallet:
        assert key.address == wallet.account("ethereum", index=1).address
    with pytest.raises(InputError, match="give both"):
        run("export", "--mnemonic-file", words, "--network", "bitcoin", "--to", "wif")
    with pytest.raises(InputError, match="no such option"):
        run(
            "export", "--mnemonic-file", words, "--network", "bitcoin", "--to", "wif", "--file", str(tmp_path / "x"),
            "--option", "colour=red",
        )  # fmt: skip
    assert not (tmp_path / "x").exists()


def test_formats_are_listed():
    names = {row["name"] for row in json.loads(run("formats", "--json"))["formats"]}
    assert names == set(keystore.FORMATS)
    assert "bip38" in run("formats")


def test_no_message_repeats_what_stands_in_a_files_place():
    with pytest.raises(InputError) as caught:
        run("import", WORDS)
    assert "junk" not in str(caught.value)
