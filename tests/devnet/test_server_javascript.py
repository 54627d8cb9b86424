"""The served devnet as JavaScript dApps meet it: ethers, tronweb and @solana/web3.js, each in a node process."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.devnet.server import serve

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parent / "oracles" / "package.json"
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

pytestmark = pytest.mark.oracle


@pytest.fixture
def node() -> str:
    for module in ("eth_tester", "solders.litesvm"):
        pytest.importorskip(module, reason="the devnet's engines come with the extra 'devnet'")
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed, so no JavaScript client can be tried")
    if not (PACKAGES.parent / "node_modules" / "ethers").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    return program


def ask(node: str, client: str, **given: Any) -> Any:
    done = subprocess.run(
        [node, str(HERE / "clients.cjs"), client],
        input=json.dumps({"modules": str(PACKAGES), **given}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["ethereum", "bsc"])
def test_ethers(node: str, name: str) -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account, other = wallet.account(name), wallet.account(name, index=1)
        devnet.fund(account, "1")
        with serve(devnet, networks=[name]) as server:
            key = account.export_private_key()
            got = ask(node, "ethers", url=server.endpoints[name], key=key, to=other.address)
        assert got["status"] == 1
        assert got["chain"] == account.network.reference
        assert got["refusal"] == "INSUFFICIENT_FUNDS"
        assert str(other.balance().total.units) == got["balance"] == str(10**18 // 4)
        assert account.wait(got["hash"]).block is not None


def test_solana_web3_js(node: str) -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        seed = bytes(range(32))
        with Wallet.from_private_key("solana", seed.hex(), transport=devnet) as sender:
            devnet.fund(sender.account("solana"), "1")
        other = wallet.account("solana")
        with serve(devnet, networks=["solana"]) as server:
            got = ask(node, "web3js", url=server.endpoints["solana"], seed=seed.hex(), to=other.address)
        assert (got["trial"], got["status"]) == (None, "confirmed")
        assert got["balance"] == got["moved"] == other.balance().total.units == 2 * 10**8
        assert got["history"] == [got["signature"]]
        assert "already been processed" in got["refusal"]


def test_tronweb(node: str) -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account, other = wallet.account("tron"), wallet.account("tron", index=1)
        devnet.fund(account, "100")
        token = devnet.deploy_token("tron", symbol="USDX", decimals=6, holder=account, supply="10")
        with serve(devnet, networks=["tron"]) as server:
            key = account.export_private_key()
            given = {"url": server.endpoints["tron"], "key": key, "to": other.address, "token": token.reference}
            got = ask(node, "tronweb", **given)
        assert got["result"] is True
        assert got["outcome"] == "SUCCESS"
        assert got["balance"] == other.balance().total.units == 3_000_000
        assert got["tokens"] == str(other.balance(token).total.units) == "1500000"
