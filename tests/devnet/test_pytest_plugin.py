"""The pytest plug-in as a dApp's own tests meet it: in a pytest of its own, without this project's configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("solders.litesvm", reason="the engines come with the extra 'devnet'")

SUITE = """
import sys

import pytest

LOADED = {name.partition(".")[0] for name in sys.modules}


def test_nothing_heavy_is_loaded_at_the_start():
    heavy = {"eth_tester", "eth", "web3", "pbk", "solders", "solana", "tronpy", "coincurve", "httpx2", "nacl"}
    assert not heavy & LOADED


def test_a_devnet(devnet):
    assert devnet.engine("solana").rpc("getHealth", []) == "ok"
    devnet.mine("solana", 3)


def test_each_test_has_a_fresh_one(devnet):
    assert devnet.engine("solana").rpc("getTransactionCount", []) == 0


@pytest.mark.devnet(networks=["solana", "solana-testnet"])
def test_over_http(devnet, devnet_server):
    import json
    import urllib.request

    assert list(devnet_server.endpoints) == ["solana", "solana-testnet"]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "getGenesisHash"}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(devnet_server.endpoints["solana-testnet"], body), timeout=30) as answer:
        assert json.load(answer)["result"] == devnet.engine("solana-testnet").genesis


@pytest.mark.devnet(automine=False)
class TestByHand:
    def test_the_marker_of_the_class_counts(self, devnet):
        assert devnet.engine("solana").automine is False

    @pytest.mark.devnet(automine=True)
    def test_the_nearest_marker_has_the_last_word(self, devnet):
        assert devnet.engine("solana").automine is True
"""


def run(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "-c", "pytest.ini", "."]
    (folder / "pytest.ini").write_text("[pytest]\n")
    # These two are loaded by what others install and have nothing to do with it.
    command[4:4] = ["-p", "no:web3", "-p", "no:pytest_ethereum"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_fixtures_serve_a_suite_of_others(tmp_path: Path) -> None:
    done = run(tmp_path, SUITE, "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


def test_a_wrong_marker_says_so(tmp_path: Path) -> None:
    wrong = "import pytest\n\n\n@pytest.mark.devnet(mine=True)\ndef test_it(devnet):\n    pass\n"
    done = run(tmp_path, wrong)
    assert done.returncode != 0
    assert "takes automine= and networks=" in done.stdout


def test_the_fixtures_explain_themselves(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_it():\n    pass\n", "--fixtures")
    assert "A fresh devnet for one test" in done.stdout
    assert "over HTTP on a free port" in done.stdout
