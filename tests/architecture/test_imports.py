"""Importing multiwallet is cheap and leaves no trace: nothing native, no optional library, no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "asyncio", "bip_utils", "bitcoinlib", "cffi", "coincurve", "concurrent", "cryptography", "eth", "eth_account",
    "eth_tester", "httpx", "httpx2", "nacl", "pbk", "pytest", "requests", "rich", "sha3", "solana", "solders", "ssl",
    "tronpy", "typer", "urllib.request", "web3",
}  # fmt: skip

PROBE = """
import json, os, sys
opened = []
def watch(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        opened.append(str(args[0]))
    if event in ("os.mkdir", "os.rename", "os.remove", "socket.connect", "socket.__new__", "subprocess.Popen"):
        opened.append(f"{event} {args[0]}")
before = set(sys.modules)
sys.addaudithook(watch)
PROGRAM
print(json.dumps({"modules": sorted(set(sys.modules) - before), "opened": opened}))
"""


def probe(program: str, home: Path) -> dict[str, list[str]]:
    """Run ``program`` in a bare interpreter; what it loaded and which files it opened for writing."""
    ended = subprocess.run(
        [sys.executable, "-B", "-c", PROBE.replace("PROGRAM", program)],
        env={"HOME": str(home), "PATH": os.environ.get("PATH", "")},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 1, f"something was printed: {lines[:-1]}"
    answer: dict[str, list[str]] = json.loads(lines[0])
    return answer


def loaded(answer: dict[str, list[str]]) -> set[str]:
    return HEAVY & ({name.split(".")[0] for name in answer["modules"]} | set(answer["modules"]))


def test_import_loads_nothing_heavy_and_writes_nothing(tmp_path):
    answer = probe("import multiwallet", tmp_path)
    assert "multiwallet" in answer["modules"]
    assert not loaded(answer)
    assert answer["opened"] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "program",
    [
        "from multiwallet import Amount, Asset, Transfer, MultiwalletError",
        "from multiwallet import Wallet, AsyncWallet",
        "import multiwallet; multiwallet.networks(); multiwallet.network('ethereum')",
        "import multiwallet; dir(multiwallet)",
    ],
)
def test_public_names_load_no_native_code(tmp_path, program):
    answer = probe(program, tmp_path)
    assert not loaded(answer) - {"asyncio", "concurrent", "ssl"}
    assert answer["opened"] == []
    assert list(tmp_path.iterdir()) == []


def test_an_address_loads_no_http_client_and_no_extra(tmp_path):
    words = "abandon " * 11 + "about"
    program = (
        "from multiwallet import Wallet\n"
        f"with Wallet.from_mnemonic({words!r}) as wallet:\n"
        "    for name in ('bitcoin', 'ethereum', 'tron', 'solana'):\n"
        "        assert wallet.account(name).address"
    )
    answer = probe(program, tmp_path)
    allowed = {"asyncio", "concurrent", "cffi", "coincurve", "cryptography", "nacl", "sha3", "ssl"}
    assert not loaded(answer) - allowed
    assert answer["opened"] == []
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_an_attribute_error():
    import multiwallet

    with pytest.raises(AttributeError, match="no_such_name"):
        _ = multiwallet.no_such_name


def test_every_listed_name_is_there():
    import multiwallet

    for name in multiwallet.__all__:
        assert getattr(multiwallet, name) is not None
        assert name in dir(multiwallet)
