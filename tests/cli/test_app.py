"""The frame: exit codes, errors as text and JSON, help, completion, and what happens without the extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

import multiwallet
from multiwallet import cli as package
from multiwallet import errors
from multiwallet.amounts import Amount, Asset
from multiwallet.cli import app, output

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
COMMANDS = [
    "new", "derive", "networks", "balance", "quote", "build", "send", "sign", "broadcast", "status", "sign-message",
    "verify-message", "demo", "devnet", "discover",
]  # fmt: skip
EXIT_CODES = {
    "InputError": 3, "InvalidAddress": 3, "InvalidMnemonic": 3, "InvalidPath": 3, "InvalidKey": 3,
    "InvalidTransaction": 3, "InvalidMessage": 3, "AmountError": 3, "Unsupported": 4, "UnknownNetwork": 4,
    "MissingExtra": 5, "SigningRefused": 6, "InsufficientFunds": 7, "ChainError": 8, "Rejected": 8, "Reverted": 9,
    "Expired": 10, "BroadcastUncertain": 11, "TransportError": 12, "Timeout": 12, "Unreachable": 12,
    "RateLimited": 12, "BadResponse": 12, "MultiwalletError": 1,
    "VaultError": 16, "WrongCredentials": 16, "VaultDamaged": 16, "VaultLocked": 16,
    "IdempotencyConflict": 3, "StoreError": 17,
}  # fmt: skip


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_its_exit_code(cli, monkeypatch, name):
    error = getattr(errors, name)("what is wrong")
    assert output.exit_code(error) == EXIT_CODES[name]

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("multiwallet.registry.networks", fail)
    ended = cli("networks", "--json")
    assert (ended.code, ended.out) == (EXIT_CODES[name], "")
    assert ended.error["code"] == error.code
    assert ended.error["message"] == "what is wrong"
    assert cli("networks").err == f"error ({error.code}): what is wrong\n"


def test_what_errors_know_is_told():
    ether = Asset("eip155:1/slip44:60", "ETH", 18)
    known = output.error_fields(errors.InsufficientFunds(needed=Amount(7, ether), available=Amount(0, ether)))
    assert (known["needed"]["units"], known["available"]["units"]) == ("7", "0")
    assert output.error_fields(errors.Rejected("no", node_code=-32000, data=object()))["node_code"] == -32000
    assert output.error_fields(errors.BroadcastUncertain(txid="0x12"))["txid"] == "0x12"
    assert output.error_fields(errors.RateLimited("no", retry_after=3))["retry_after"] == 3
    assert output.error_fields(errors.MissingExtra(extra="devnet"))["extra"] == "devnet"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_fault_of_ours_shows_neither_a_traceback_nor_its_text(cli, phrase, monkeypatch, as_json):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"the key was {WORDS}")

    monkeypatch.setattr("multiwallet.wallet.Wallet.from_mnemonic", fail)
    ended = cli("derive", *(["--json"] if as_json else []))
    assert (ended.code, ended.out) == (1, "")
    assert "RuntimeError in opening.py:" in ended.err
    assert "Traceback" not in ended.err
    assert "abandon" not in ended.err
    if as_json:
        assert ended.error["code"] == "internal"


def test_a_real_process_leaves_no_traceback(child):
    for arguments in (["derive", "--mnemonic-stdin"], ["send"], ["nonsense"], ["status", "x", "--network", "y"]):
        ended = child(*arguments, stdin=WORDS.replace("about", "above").encode())
        assert ended.code in (2, 3, 4)
        assert ended.err.startswith("error (")
        assert "Traceback" not in ended.err
        assert "abandon abandon" not in ended.err


def test_interrupted(cli, phrase, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("multiwallet.wallet.Wallet.from_mnemonic", interrupt)
    ended = cli("derive", "--json")
    assert (ended.code, ended.out, ended.error["code"]) == (130, "", "interrupted")


def test_a_reader_that_leaves_early(child):
    command = (
        f"{sys.executable} -c 'from multiwallet.cli import main; main()' derive --count 3000 --network tron | head -n 2"
    )
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        env={"MULTIWALLET_MNEMONIC": WORDS, "PATH": "/usr/bin:/bin"},
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stderr == b""
    assert len(ended.stdout.splitlines()) == 2


def test_help_names_every_command_and_exit_code(cli):
    ended = cli("--help")
    assert ended.code == 0
    for command in COMMANDS:
        assert f"  {command} " in ended.out
        shown = cli(command, "--help")
        assert shown.code == 0
        assert "--json" in shown.out
    for code in sorted(set(EXIT_CODES.values()) | {2, 13, 14, 15, 130}):
        assert f"{code} " in ended.out
        assert f"{code}  " in (package.__doc__ or "")
    for variable in ("MULTIWALLET_MNEMONIC", "MULTIWALLET_PASSPHRASE", "MULTIWALLET_NETWORKS"):
        assert variable in ended.out


def test_no_option_takes_a_secret_as_its_value(cli):
    for command in COMMANDS:
        shown = cli(command, "--help").out
        for option in ("--mnemonic ", "--seed", "--private-key ", "--passphrase TEXT", "--password"):
            assert option not in shown


def test_without_a_command_it_helps(cli):
    ended = cli()
    assert ended.code == 2
    assert "Usage: multiwallet" in ended.out + ended.err


def test_version(cli):
    ended = cli("--version")
    assert (ended.code, ended.out) == (0, f"multiwallet {multiwallet.__version__}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(child, shell):
    ended = child("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert ended.code == 0
    assert "multiwallet" in ended.out


@pytest.mark.parametrize("missing", ["typer", "rich"])
@pytest.mark.parametrize("as_json", [False, True])
def test_without_the_extra_it_says_what_to_install(child, missing, as_json):
    program = [
        sys.executable,
        "-c",
        f"import sys; sys.modules[{missing!r}] = None\nfrom multiwallet.cli import main\nmain()",
    ]
    ended = child("networks", *(["--json"] if as_json else []), program=program)
    if missing == "rich" and ended.code == 0:  # a table that no terminal shows needs no rich
        assert ended.out
        return
    assert (ended.code, ended.out) == (5, "")
    assert "multiwallet-sdk[cli]" in ended.err
    if as_json:
        assert ended.error["extra"] == "cli"


def test_untrusted_text_cannot_steer_a_terminal():
    assert output.printable("a\x1b]0;x\x07b\u202ec\n") == "a\\x1b]0;x\\x07b\\u202ec\\n"
    assert output.printable("ünï 世界") == "ünï 世界"


def test_the_application_can_be_embedded():
    assert {command.name for command in app.application.registered_commands} == set(COMMANDS)
