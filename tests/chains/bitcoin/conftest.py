"""What the Bitcoin tests share: the vectors, deterministic keys, holders, and a signer without a wallet."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest

from multiwallet.chain import Chain, Holder, Network
from multiwallet.chains.bitcoin.psbt import PsbtInputSource
from multiwallet.chains.bitcoin.script import script_for_key
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.path import Path
from multiwallet.registry import chain, network
from multiwallet.transactions import Scheme, SigningRequest

VECTORS = FilePath(__file__).resolve().parents[2] / "vectors"


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], list[dict[str, Any]]]:
    """A vector file as a list, optionally of one kind: ``vectors("btc_tx", kind="tx")``."""

    def load(name: str, kind: str | None = None) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
        return [entry for entry in entries if kind is None or entry["kind"] == kind]

    return load


@pytest.fixture(scope="session")
def bitcoin() -> Network:
    return network("bitcoin")


@pytest.fixture(scope="session")
def adapter(bitcoin: Network) -> Chain:
    return chain(bitcoin)


class Bench:
    """Keys, coins and signatures made from numbers, so that a failure can be repeated."""

    def __init__(self, row: Network, adapter: Chain) -> None:
        self.row, self.chain = row, adapter
        self.keys: dict[bytes, SecpKey] = {}

    def key(self, name: object) -> SecpKey:
        key = SecpKey(hashlib.sha256(repr(name).encode()).digest())
        self.keys[key.public_key] = key
        return key

    def holder(self, name: object, kind: str = "p2wpkh", path: str | None = "m/84'/0'/0'/0/0") -> Holder:
        public_key = self.key(name).public_key
        address = self.chain.address(self.row, public_key, kind)
        return Holder(self.row, address, public_key, kind, None if path is None else Path(path))

    def whole(self, name: object, kind: str = "p2wpkh", state: Any = None) -> Holder:
        """A whole account whose children are independent keys: the adapter cannot tell."""
        account = self.chain.path(self.row, account=0, index=None, kind=kind)

        def derive(change: int, index: int) -> bytes:
            return self.key((name, change, index)).public_key

        key = derive(0, 0)
        address = self.chain.address(self.row, key, kind)
        mark = hashlib.sha256(repr(name).encode()).digest()[:4]
        return Holder(self.row, address, key, kind, account / 0 / 0, account, mark, derive, state)

    def coin(
        self,
        kind: str,
        public_key: bytes,
        amount: int = 100_000,
        *,
        seed: int = 0,
        proven: bool = True,
        **more: Any,
    ) -> PsbtInputSource:
        """A coin made by a previous transaction that exists."""
        script = script_for_key(kind, public_key)
        rnd = random.Random(repr((kind, public_key, amount, seed)))
        previous = Transaction(
            2,
            [TxIn(rnd.randbytes(36), b"", 0xFFFFFFFD, (rnd.randbytes(71), rnd.randbytes(33)))],
            [TxOut(7, b"\x00\x14" + rnd.randbytes(20)), TxOut(amount, script)],
        )
        raw = previous.serialize() if proven or kind == "p2pkh" else None
        return PsbtInputSource(
            OutPoint(previous.txid, 1), amount, script, public_key=public_key, previous_transaction=raw, **more
        )

    def sign(self, request: SigningRequest) -> bytes:
        key = self.keys[request.public_key]
        if request.scheme is Scheme.SCHNORR:
            return key.sign_schnorr(request.message, bytes(32), request.tweak)
        if request.scheme is Scheme.RECOVERABLE:
            return key.sign_recoverable(request.message)
        return key.sign_low_r(request.message)

    def signed(self, holder: Holder, native: Any) -> Any:
        """adopt, authorize, sign, assemble."""
        transaction = self.chain.adopt(holder, native)
        requests = self.chain.authorize(holder, transaction)
        return self.chain.assemble(transaction, [(request, self.sign(request)) for request in requests])


@pytest.fixture
def bench(bitcoin: Network, adapter: Chain) -> Bench:
    return Bench(bitcoin, adapter)
