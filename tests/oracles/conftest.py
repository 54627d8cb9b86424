"""``node_oracle``: call JavaScript libraries from a test.

One node process per test process runs oracle.mjs beside this file; a library is loaded at its first call.

    def test_it(node_oracle):
        signed = node_oracle("ethers.signTransaction", privateKey=key, tx={"type": 2, "chainId": 1, ...})
        assert signed["raw"] == ours.hex()

Keyword arguments are the JavaScript function's arguments. A Python int of any size arrives as a number or, beyond
2**53, a BigInt; ``bytes`` arrive as a Uint8Array. Results come back the same way: a BigInt as int, a Uint8Array as
bytes, undefined as None. What JavaScript throws is raised as ``node_oracle.Error`` with its message. Secrets passed
here are test keys.

What there is (arguments in parentheses; hex text is 0x-prefixed for ethers and viem, bare for the others):

ethers
    address(privateKey) · addressOfPublicKey(publicKey) · getAddress(address) · createAddress(from, nonce)
    signTransaction(privateKey, tx) -> raw, hash, from, unsignedHash   (types 0 to 4) · parseTransaction(raw)
    signAuthorization(privateKey, authorization{address, nonce, chainId})
    hashTypedData(types, domain, message) · signTypedData(privateKey, types, domain, message)
    hashMessage(message) · signMessage(privateKey, message) · verifyMessage(message, signature) -> address
    derive(phrase, passphrase, path) -> address, privateKey, publicKey, chainCode, fingerprint, extendedKey, ...
    deriveExtended(extendedKey, path) · seedOfPhrase(phrase, passphrase) · phraseOfEntropy(entropy)
    abiEncode(types, values) · abiDecode(types, data) · encodeCall(signature, args)
    rlpEncode(value) · rlpDecode(data) · keccak256(data)
viem
    address(privateKey) · getAddress(address) · signTransaction(privateKey, tx) -> raw, hash · parseTransaction(raw)
    recoverTransaction(raw) · hashTypedData(types, domain, message, primaryType)
    signTypedData(privateKey, types, domain, message, primaryType) · signMessage(privateKey, message)
    recoverMessage(message, signature)
bitcoin (bitcoinjs-lib; network: "bitcoin", "testnet", "regtest", or an object as bitcoinjs-lib's networks are)
    script(address, network) -> hex · address(script, network) · addressOfPublicKey(publicKey, kind, network)
    wif(wif, network) · decodeTransaction(raw) · parsePsbt(psbt) · signPsbt(psbt, wif, network) -> psbt, signed, valid
    validatePsbt(psbt) -> bool · finalizePsbt(psbt) · extractPsbt(psbt) -> txid, wtxid, raw, weight, inputs, outputs...
    signatureHash(raw, index, kind, script | scripts, value | values, hashType) -> hex; kind: legacy, v0, v1
tron (tronweb)
    address(privateKey) · addressToHex(address) · addressFromHex(address) · isAddress(address)
    derive(phrase, path, passphrase) · txCheck(transaction) -> bool · txPbToTxID(transaction)
    txJsonToPb(transaction) -> txID, raw_data_hex · deserializeTransaction(type, rawDataHex) -> raw_data
    recover(transaction) -> address · signTransaction(privateKey, transaction)
    hashMessage(message) · signMessageV2(privateKey, message) · verifyMessageV2(message, signature) -> address
    hashTypedData(types, domain, message) · signTypedData(privateKey, types, domain, message)
solana (@solana/web3.js 1)
    address(secret) · isOnCurve(address) · findProgramAddress(seeds, programId) -> address, bump
    transferInstruction(from, to, lamports) · computeBudgetInstructions(units, microLamports)
    compileMessage(payer, instructions, recentBlockhash, version) -> bytes; version: "legacy" or 0
    signInstructions(secrets, payer, instructions, recentBlockhash, version) -> message, raw, signatures
    transfer(secret, to, lamports, recentBlockhash, version) -> message, raw, signatures
    signMessage(message, secrets) · decodeMessage(message) · decodeTransaction(raw) · verifySignatures(raw)
    roundTrip(message) -> bytes
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ANSWER_SECONDS = 60.0


class OracleError(Exception):
    """What the JavaScript library threw."""


class NodeOracle:
    """One node process; calling the object calls a function in it."""

    Error = OracleError

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "oracle.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._last_id = 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def __call__(self, call: str, /, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._last_id += 1
        request = {"id": self._last_id, "call": call, "args": to_wire(arguments)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            self.stop()
            raise TimeoutError(f"{call}: no answer from node within {ANSWER_SECONDS:.0f} s") from None
        if not line:
            raise RuntimeError(f"{call}: the node process ended with code {self._process.wait(10)}")
        answer = json.loads(line)
        assert answer["id"] == self._last_id
        if "error" in answer:
            raise OracleError(f"{call}: {answer['error']}")
        return from_wire(answer["result"])

    def stop(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()


def to_wire(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= 2**53 - 1 else {"$int": str(value)}
    if isinstance(value, bytes | bytearray):
        return {"$bytes": value.hex()}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    return value


def from_wire(value: Any) -> Any:
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"$int"}:
            return int(value["$int"])
        if value.keys() == {"$bytes"}:
            return bytes.fromhex(value["$bytes"])
        return {key: from_wire(item) for key, item in value.items()}
    return value


@pytest.fixture(scope="session")
def node_oracle() -> Iterator[NodeOracle]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript libraries")
    if not (HERE / "node_modules" / "ethers").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    oracle = NodeOracle(node)
    try:
        yield oracle
    finally:
        oracle.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "node_oracle" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.oracle)
