"""``multiwallet vault``: the commands, run in this process without a terminal."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="the extra cli is not installed")

import typer.main

from multiwallet import Wallet
from multiwallet.cli import vault as command
from multiwallet.cli.vault_opening import UnlockOptions, vault_path, vault_wallet
from multiwallet.errors import InputError, InvalidMnemonic, VaultError, WrongCredentials
from multiwallet.vault import Argon2id, Vault

PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
FLOOR = Argon2id(passes=2, memory_kib=19456)
ADDRESS = Wallet.from_mnemonic(PHRASE).account("ethereum").address


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """The least parameters that a vault may have, and a data folder of the test's own."""
    monkeypatch.setattr(Argon2id, "calibrate", classmethod(lambda cls: FLOOR))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("multiwallet.cli.vault_opening.has_terminal", lambda: False)
    monkeypatch.setattr("multiwallet.cli.vault.has_terminal", lambda: False)
    monkeypatch.setattr("multiwallet.vault.harden_process", lambda: None, raising=False)


@pytest.fixture
def secret_file(tmp_path) -> Callable[..., str]:
    def write(text: str, name: str = "secret") -> str:
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    return write


@pytest.fixture
def run(capsys, monkeypatch) -> Callable[..., str]:
    def invoke(*arguments: str, stdin: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        typer.main.get_command(command.app).main(args=list(arguments), standalone_mode=False)
        return str(capsys.readouterr().out)

    return invoke


@pytest.fixture
def made(run, secret_file, monkeypatch) -> str:
    """The name of a vault with one mnemonic; its passphrase is in the environment."""
    run("create", "main", "--new-passphrase-file", secret_file("open sesame\n"))
    monkeypatch.setenv("MULTIWALLET_VAULT_PASSPHRASE", "open sesame")
    run("add", "main", "savings", "--mnemonic-stdin", "--note", "cold", stdin=PHRASE + "\n")
    return "main"


def as_json(text: str) -> Any:
    return json.loads(text)


def test_create_add_list_show(run, made, secret_file):
    path = vault_path(made)
    assert path.endswith("/multiwallet/vaults/main.mwvault")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    run("add", made, "key", "--private-key-file", secret_file("0x" + "46" * 32), "--network", "ethereum")
    run("add", made, "seed", "--seed-file", secret_file("00" * 32))
    run("add", made, "new", "--generate", "24")
    run(
        "add", made, "withpass", "--mnemonic-file", secret_file(PHRASE), "--passphrase-file", secret_file("TREZOR", "p")
    )
    listed = as_json(run("list", made, "--json"))["entries"]
    assert [(entry["name"], entry["kind"]) for entry in listed] == [
        ("savings", "mnemonic"), ("key", "private-key"), ("seed", "seed"), ("new", "mnemonic"), ("withpass", "mnemonic"),
    ]  # fmt: skip
    assert run("list", made).splitlines()[1] == "savings\tmnemonic\t\tcold"
    shown = as_json(run("show-public", made, "savings", "--network", "ethereum", "--json"))["addresses"]
    assert [row["address"] for row in shown] == [ADDRESS]
    assert len(as_json(run("show-public", made, "savings", "--json"))["addresses"]) == 4
    assert len(as_json(run("show-public", made, "key", "--json"))["addresses"]) == 1
    with Vault.open(path).unlock("open sesame", entry="withpass") as wallet:
        assert wallet.account("tron").address == Wallet.from_mnemonic(PHRASE, "TREZOR").account("tron").address


def test_what_is_public_needs_no_passphrase(run, made, monkeypatch):
    monkeypatch.delenv("MULTIWALLET_VAULT_PASSPHRASE")
    public = as_json(run("show-public", made, "--json"))
    assert public["revision"] == 2
    (slot,) = public["slots"]
    assert slot["factors"] == ["passphrase"]
    assert slot["argon2id"] == {"passes": 2, "memory_kib": 19456}
    with pytest.raises(InputError, match="no terminal"):
        run("list", made)


def test_change_passphrase(run, made, secret_file, monkeypatch):
    run("change-passphrase", made, "--new-passphrase-file", secret_file("another"))
    with pytest.raises(WrongCredentials):
        run("list", made)
    monkeypatch.setenv("MULTIWALLET_VAULT_PASSPHRASE", "another")
    assert "savings" in run("list", made)
    assert "savings" in run("list", made, "--vault-passphrase-file", secret_file("another"))
    with pytest.raises(InputError, match="no terminal"):
        run("change-passphrase", made)


def test_backup_and_restore(run, made, tmp_path):
    copy = str(tmp_path / "copy")
    run("backup", made, "--to", copy)
    run("remove", made, "savings", "--yes")
    assert as_json(run("list", made, "--json"))["entries"] == []
    with pytest.raises(VaultError, match="already"):
        run("restore", made, "--from", copy)
    run("restore", made, "--from", copy, "--replace")
    assert "savings" in run("list", made)
    run("restore", "second", "--from", copy)
    assert "savings" in run("list", "second")
    for arguments in ([], ["--to", copy, "--recovery"]):
        with pytest.raises(InputError, match="one of"):
            run("backup", made, *arguments)


def test_shares(run, made, secret_file, monkeypatch):
    shares = run("backup", made, "--entry", "savings", "--threshold", "2", "--count", "3").splitlines()
    run("add", made, "again", "--shares-file", secret_file("\n".join(shares[1:])))
    assert run("export", made, "again", "--show").strip() == PHRASE
    recovery = as_json(run("backup", made, "--recovery", "--json"))["shares"]
    monkeypatch.delenv("MULTIWALLET_VAULT_PASSPHRASE")
    assert "savings" in run("list", made, "--vault-shares-file", secret_file("\n".join(recovery[:2]) + "\n\n"))


def test_export(run, made, tmp_path):
    with pytest.raises(InputError, match="--show"):
        run("export", made, "savings")
    assert run("export", made, "savings", "--show") == PHRASE + "\n"
    file = tmp_path / "out"
    assert run("export", made, "savings", "--file", str(file)) == ""
    assert file.read_text() == PHRASE + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = as_json(run("export", made, "savings", "--show", "--json"))
    assert found == {"name": "savings", "kind": "mnemonic", "secret": PHRASE, "passphrase": ""}


def test_slots(run, made, tmp_path, monkeypatch):
    key = str(tmp_path / "anna.key")
    public = run("new-key", key).strip()
    run("add-slot", made, "--label", "anna", "--no-passphrase", "--recipient", public)
    run("add-slot", made, "--label", "file", "--no-passphrase", "--key-file", key)
    monkeypatch.delenv("MULTIWALLET_VAULT_PASSPHRASE")
    assert "savings" in run("list", made, "--vault-recipient-file", key)
    assert "savings" in run("list", made, "--vault-key-file", key)
    slots = as_json(run("show-public", made, "--json"))["slots"]
    assert [slot["label"] for slot in slots] == ["", "anna", "file"]
    run("revoke-slot", made, "anna", "--vault-key-file", key)
    with pytest.raises(InputError, match="no passphrase"):
        run("list", made, "--vault-recipient-file", key)
    with pytest.raises(InputError, match="exists already"):
        run("new-key", key)


def test_the_wallet_of_a_vault(made):
    options = UnlockOptions()
    with vault_wallet(made, None, options, {}) as wallet:
        assert wallet.account("ethereum").address == ADDRESS
    with vault_wallet(vault_path(made), "savings", options, {}) as wallet:
        assert wallet.account("ethereum").address == ADDRESS
    with Vault.open(vault_path(made)).unlock("open sesame") as opened:
        opened.add_seed("second", bytes(16))
    with pytest.raises(InputError, match="--entry"), vault_wallet(made, None, options, {}):
        pass


def test_what_cannot_be_added(run, made, secret_file):
    phrase = secret_file(PHRASE)
    for arguments, error in (
        (["--mnemonic-file", phrase, "--generate", "12"], InputError),
        (["--generate", "13"], InvalidMnemonic),
        (["--private-key-file", phrase], InputError),
        (["--private-key-file", phrase, "--network", "ethereum"], InputError),
        (["--seed-file", phrase], InputError),
        ([], InputError),
    ):
        with pytest.raises(error) as caught:
            run("add", made, "x", *arguments)
        assert "legal" not in str(caught.value)
    with pytest.raises(InputError, match="already"):
        run("add", made, "savings", "--mnemonic-file", phrase)
    assert len(as_json(run("list", made, "--json"))["entries"]) == 1


def test_names_of_vaults(tmp_path, monkeypatch):
    assert vault_path("./x") == "./x"
    assert vault_path("x.mwvault") == "x.mwvault"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert vault_path("x") == str(Path.home() / ".local/share/multiwallet/vaults/x.mwvault")
    for wrong in ("", ".", "..", ".hidden"):
        with pytest.raises(InputError):
            vault_path(wrong)
