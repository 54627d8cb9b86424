"""ZKsync's transactions of type 113 against viem, on random inputs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from multiwallet import network
from multiwallet.chain import Holder
from multiwallet.chains.evm import Evm
from multiwallet.codec import eip55
from multiwallet.crypto.secp256k1 import SecpKey

HERE = Path(__file__).resolve().parent
ROUNDS = 60
NUMBERS = ("value", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "gasPerPubdata")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def random_transaction(dice: random.Random) -> dict[str, Any]:
    price = dice.randrange(1, 1 << dice.randrange(1, 90))
    transaction: dict[str, Any] = {
        "type": 113,
        "nonce": dice.choice([0, 1, 127, 128, 256, dice.randrange(1 << 32)]),
        "to": eip55.checksum(dice.randbytes(20)),
        "value": dice.choice([0, 1, 10**18, dice.randrange(1 << 200)]),
        "gas": dice.randrange(1, 1 << 40),
        "maxFeePerGas": price,
        "maxPriorityFeePerGas": dice.randrange(price + 1),
        "data": "0x" + dice.randbytes(dice.choice([0, 1, 4, 55, 56, 68, 300])).hex(),
        "gasPerPubdata": dice.choice([50_000, 800, 1]),
    }
    if dice.random() < 0.5:
        transaction["paymaster"] = eip55.checksum(dice.randbytes(20))
        transaction["paymasterInput"] = "0x" + dice.randbytes(dice.choice([1, 4, 68])).hex()
    return transaction


@pytest.mark.oracle
def test_as_viem() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript libraries")
    if not (HERE / "node_modules" / "viem").is_dir():
        pytest.skip("viem is not installed: `make nodes` does it where npm is installed")
    dice = random.Random(113)
    cases = []
    for _ in range(ROUNDS):
        key = "0x" + dice.randrange(1, ORDER).to_bytes(32, "big").hex()
        cases.append((key, random_transaction(dice)))
    lines = [
        json.dumps({"key": key, "tx": {**tx, **{name: str(tx[name]) for name in NUMBERS}}, "numbers": NUMBERS})
        for key, tx in cases
    ]
    ended = subprocess.run(
        [node, "zksync.mjs"],
        cwd=HERE,
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(answers) == ROUNDS
    chain, row = Evm(), network("zksync")
    for (key, tx), theirs in zip(cases, answers, strict=True):
        assert "error" not in theirs, theirs
        own = SecpKey(bytes.fromhex(key[2:]))
        holder = Holder(row, chain.address(row, own.public_key), own.public_key)
        unsigned = chain.adopt(holder, tx)
        assert "0x" + unsigned.body.hex() == theirs["unsigned"]
        (request,) = unsigned.requests
        assert "0x" + request.message.hex() == theirs["hash"]
        signed = chain.assemble(unsigned, [(request, own.sign_recoverable(request.message))])
        assert signed.to_wire() == theirs["raw"]
        assert theirs["signature"][2:] in signed.raw.hex()
