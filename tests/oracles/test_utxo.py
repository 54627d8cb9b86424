"""Bitcoin's kin against @bitgo/utxo-lib, bitcoinjs-lib, Trust Wallet Core (npm) and bip-utils (PyPI) on random inputs.

utxo.mjs beside this file is the JavaScript side; it is started once and answers all questions. BitGo's digest of
Zcash's version 5 is that of a draft of ZIP-244 (it commits to no amounts), so digests are held against the reference
implementation's vectors instead (tests/chains/bitcoin/test_zcash.py), and ids and bytes against BitGo here.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from multiwallet.chain import Holder, Network
from multiwallet.chains.bitcoin.psbt import Psbt, PsbtInputSource
from multiwallet.chains.bitcoin.rules import rules_of
from multiwallet.chains.bitcoin.script import p2sh, pushes_of
from multiwallet.chains.bitcoin.sighash import Sighash
from multiwallet.chains.bitcoin.signable import examine
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.codec import der
from multiwallet.crypto.hashes import sha256d
from multiwallet.crypto.secp256k1 import SecpKey, verify
from multiwallet.registry import chain, network
from multiwallet.transactions import SignedTransaction

HERE = Path(__file__).resolve().parent
BITGO = {
    "bitcoin-cash": "bitcoincash",
    "bitcoin-cash-testnet": "bitcoincashTestnet",
    "dash": "dash",
    "dash-testnet": "dashTest",
    "dogecoin": "dogecoin",
    "dogecoin-testnet": "dogecoinTest",
    "litecoin": "litecoin",
    "zcash": "zcash",
    "zcash-testnet": "zcashTest",
}
TRUST = {"bitcoin-cash": "bitcoinCash", "dash": "dash", "dogecoin": "dogecoin", "zcash": "zcash"}
BIP_UTILS = {
    "bitcoin-cash": "BITCOIN_CASH",
    "bitcoin-cash-testnet": "BITCOIN_CASH_TESTNET",
    "dash": "DASH",
    "dash-testnet": "DASH_TESTNET",
    "dogecoin": "DOGECOIN",
    "dogecoin-testnet": "DOGECOIN_TESTNET",
    "zcash": "ZCASH",
    "zcash-testnet": "ZCASH_TESTNET",
}
ROUNDS = 12
HASH_TYPES = (1, 2, 3, 0x81, 0x82, 0x83)
pytestmark = pytest.mark.oracle


def ask(questions: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """The answers of the JavaScript libraries; an error of one of them fails the test."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript libraries")
    if not (HERE / "node_modules" / "@bitgo").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    done = subprocess.run(
        [node, "utxo.mjs"], cwd=HERE, input=json.dumps(questions).encode(), capture_output=True, timeout=120, check=True
    )
    answers = json.loads(done.stdout)
    assert [answer["error"] for answer in answers if "error" in answer] == []
    return [answer["result"] for answer in answers]


class Case:
    """A key's transaction of a network, unsigned as a PSBT and signed by our code."""

    def __init__(self, rng: random.Random, name: str) -> None:
        row = network(name)
        rules = rules_of(row)
        adapter = chain(row)
        self.row, self.key = row, SecpKey(private := rng.randbytes(32))
        self.private = private.hex()
        address = adapter.address(row, self.key.public_key)
        self.holder = Holder(row, address, self.key.public_key, "p2pkh")
        self.script = b"\x76\xa9\x14" + _hash160(self.key.public_key) + b"\x88\xac"
        sources = []
        for _ in range(rng.randrange(1, 5)):
            value = rng.randrange(10_000, 2**45)
            outputs = [TxOut(rng.randrange(2**40), rng.randbytes(rng.randrange(1, 40))), TxOut(value, self.script)]
            made = Transaction(1, [TxIn(rng.randbytes(36), rng.randbytes(20))], outputs)
            raw = None if rules.sighash == "zip244" else made.serialize()
            sources.append(
                PsbtInputSource(
                    OutPoint(made.txid, 1),
                    value,
                    self.script,
                    rng.randrange(2**32),
                    self.key.public_key,
                    None,
                    None,
                    raw,
                )
            )
        self.values = [source.amount for source in sources]
        left = sum(self.values) - 1_000
        outputs = []
        for _ in range(rng.randrange(1, 5)):
            amount = rng.randrange(left // 2 + 1)
            left -= amount
            script = rng.choice((p2sh(rng.randbytes(30)), b"\x76\xa9\x14" + rng.randbytes(20) + b"\x88\xac"))
            outputs.append((script, amount, None, None))
        self.psbt = Psbt.create(
            sources,
            outputs,
            locktime=rng.choice((0, rng.randrange(2**32))),
            sighash=rules.sighash,
            branch=rules.branches[0] if rules.branches else 0,
            expiry=rng.randrange(1, 499_999_999),
        )
        unsigned = adapter.adopt(self.holder, self.psbt.serialize())
        requests = adapter.authorize(self.holder, unsigned)
        self.requests = requests
        self.signed: SignedTransaction = adapter.assemble(
            unsigned, [(request, self.key.sign_low_r(request.message)) for request in requests]
        )


def _hash160(data: bytes) -> bytes:
    from multiwallet.crypto.hashes import hash160

    return hash160(data)


def cases(name: str, seed: int = 1, rounds: int = ROUNDS) -> list[Case]:
    rng = random.Random(f"{name} {seed}")
    return [Case(rng, name) for _ in range(rounds)]


@pytest.mark.parametrize("name", BITGO)
def test_addresses_of_keys_and_scripts_are_those_of_other_libraries(name: str) -> None:
    import bip_utils

    rng = random.Random(name)
    row, adapter = network(name), chain(network(name))
    scripts, ours, keys = [], [], []
    for _ in range(ROUNDS):
        public_key = SecpKey(rng.randbytes(32)).public_key
        keys.append(public_key)
        scripts.append(b"\x76\xa9\x14" + _hash160(public_key) + b"\x88\xac")
        ours.append(adapter.address(row, public_key, "p2pkh"))
    from multiwallet.chains.bitcoin.addresses import address_of, script_of

    for _ in range(ROUNDS):
        script = p2sh(rng.randbytes(30))
        scripts.append(script)
        ours.append(str(address_of(row, script)))
    questions = [("bitgoAddress", {"name": BITGO[name], "script": script.hex()}) for script in scripts]
    if name in TRUST:
        questions += [("trustAddress", {"coin": TRUST[name], "publicKey": key.hex()}) for key in keys]
    answers = ask(questions)
    assert answers[: len(ours)] == ours
    assert answers[len(ours) :] in ([], ours[:ROUNDS])
    for script, address in zip(scripts, ours, strict=True):
        assert script_of(row, address) == script
    if name in BIP_UTILS:
        coin = bip_utils.Bip44Coins[BIP_UTILS[name]]
        seed = bytes(range(32))
        theirs = bip_utils.Bip44.FromSeed(seed, coin).DeriveDefaultPath()
        public = theirs.PublicKey().RawCompressed().ToBytes()
        assert adapter.parse_address(row, theirs.PublicKey().ToAddress()) == adapter.address(row, public)


def test_version_bytes_of_the_rows_are_those_of_other_libraries() -> None:
    import bip_utils

    answers = ask([("bitgoNetwork", {"name": theirs}) for theirs in BITGO.values()])
    for name, theirs in zip(BITGO, answers, strict=True):
        params = network(name).params
        ours = [params[key] for key in ("p2pkh", "p2sh", "wif")]
        assert ours == [theirs[key] for key in ("pubKeyHash", "scriptHash", "wif")], name
        if name != "dogecoin":  # BitGo writes xpub there on purpose; Dogecoin Core and bip-utils write dgub
            words = (params["bip32_public"], params["bip32_private"])
            assert words == (theirs["bip32"]["public"], theirs["bip32"]["private"])
        assert params.get("cashaddr") == theirs.get("cashAddr", {}).get("prefix")
        if name in BIP_UTILS:
            config = bip_utils.Bip44ConfGetter.GetConfig(bip_utils.Bip44Coins[BIP_UTILS[name]])
            assert config.CoinIndex() == params["coin_type"] == network(name).slip44
            assert config.WifNetVersion() == bytes([params["wif"]])
            if name == "dogecoin":
                assert int.from_bytes(config.KeyNetVersions().Public(), "big") == params["bip32_public"]


def test_bitcoin_cash_signs_what_two_libraries_sign() -> None:
    """Digests of BIP-143 with the fork id, for every sighash type; ids and bytes; signatures of Trust Wallet Core."""
    questions: list[tuple[str, dict[str, Any]]] = []
    expected: list[Any] = []
    for case in cases("bitcoin-cash"):
        unsigned = case.psbt.transaction
        raw = unsigned.serialize().hex()
        sighash = Sighash(unsigned)
        assert len(case.requests) == len(case.values)
        for index, value in enumerate(case.values):
            for hash_type in HASH_TYPES:
                hash_type |= 0x40
                digest = sha256d(sighash.witness_v0(index, case.script, value, hash_type)).hex()
                if hash_type == 0x41:
                    assert digest == case.requests[index].message.hex()
                arguments = {"raw": raw, "index": index, "script": case.script.hex(), "value": str(value)}
                questions.append(("bitcoinjsForkId", arguments | {"hashType": hash_type}))
                questions.append(("bitgoSighash", arguments | {"name": "bitcoincash", "hashType": hash_type}))
                expected += [digest, digest]
        questions.append(("bitgoTransaction", {"name": "bitcoincash", "raw": case.signed.raw.hex()}))
        expected.append({"txid": case.signed.txid, "raw": case.signed.raw.hex()})
        for txin in Transaction.parse(case.signed.raw).inputs:
            items = pushes_of(txin.script_sig)
            assert items is not None
            assert items[0][-1] == 0x41
    assert ask(questions) == expected


@pytest.mark.parametrize("name", ["dash", "dogecoin"])
def test_dash_and_dogecoin_sign_as_bitcoin_did(name: str) -> None:
    questions: list[tuple[str, dict[str, Any]]] = []
    expected: list[Any] = []
    for case in cases(name):
        raw = case.psbt.transaction.serialize().hex()
        for index, request in enumerate(case.requests):
            arguments = {"raw": raw, "index": index, "script": case.script.hex(), "hashType": 1}
            questions.append(("bitcoinjsLegacy", arguments))
            questions.append(("bitgoSighash", arguments | {"name": BITGO[name], "value": "0"}))
            expected += [request.message.hex()] * 2
        questions.append(("bitgoTransaction", {"name": BITGO[name], "raw": case.signed.raw.hex()}))
        expected.append({"txid": case.signed.txid, "raw": case.signed.raw.hex()})
    assert ask(questions) == expected


@pytest.mark.parametrize("name", ["zcash", "zcash-testnet"])
def test_zcash_transactions_have_the_id_and_the_bytes_that_another_library_finds(name: str) -> None:
    signed = [case.signed for case in cases(name)]
    answers = ask([("bitgoTransaction", {"name": BITGO[name], "raw": one.raw.hex()}) for one in signed])
    for one, answer in zip(signed, answers, strict=True):
        assert answer == {"txid": one.txid, "raw": one.raw.hex(), "branch": 0x4DEC4DF0, "expiry": one.expiry}


@pytest.mark.parametrize("name", ["bitcoin-cash", "dash", "dogecoin"])
def test_what_trust_wallet_core_signs_is_good_for_our_digests(name: str) -> None:
    rng = random.Random(f"trust {name}")
    row: Network = network(name)
    adapter = chain(row)
    hash_type = 0x41 if name == "bitcoin-cash" else 1
    made = []
    for _ in range(ROUNDS):
        private = rng.randbytes(32)
        key = SecpKey(private)
        address = adapter.address(row, key.public_key)
        to = adapter.address(row, SecpKey(rng.randbytes(32)).public_key)
        script = b"\x76\xa9\x14" + _hash160(key.public_key) + b"\x88\xac"
        coins = [
            {"txid": rng.randbytes(32).hex(), "index": rng.randrange(9), "script": script.hex(), "value": "5000000000"}
            for _ in range(rng.randrange(1, 4))
        ]
        arguments = {"coin": TRUST[name], "privateKey": private.hex(), "to": to, "change": address, "fee": "20"}
        amount = str(rng.randrange(10**9, 4 * 10**9) * len(coins))
        made.append((key, script, arguments | {"amount": amount, "hashType": hash_type, "coins": coins}))
    for (key, script, _), answer in zip(made, ask([("trustSign", a) for *_, a in made]), strict=True):
        signed = adapter.parse_signed(row, answer["raw"])
        assert signed.txid == answer["txid"]
        transaction = Transaction.parse(signed.raw)
        sighash = Sighash(
            Transaction(transaction.version, transaction.inputs, transaction.outputs, transaction.locktime)
        )
        for index, txin in enumerate(transaction.inputs):
            items = pushes_of(txin.script_sig)
            assert items is not None
            assert items[1] == key.public_key
            assert items[0][-1] == hash_type
            preimage = (
                sighash.witness_v0(index, script, 5_000_000_000, hash_type)
                if name == "bitcoin-cash"
                else sighash.legacy(index, script, hash_type)
            )
            assert verify(key.public_key, sha256d(preimage), der.decode(items[0][:-1]))


@pytest.mark.parametrize("name", ["bitcoin-cash", "dash", "dogecoin"])
def test_a_psbt_signed_by_another_library_becomes_a_transaction(name: str) -> None:
    made = cases(name, seed=2, rounds=6)
    sighash = 0x41 if name == "bitcoin-cash" else 1
    questions = [
        (
            "bitgoSignPsbt",
            {"name": BITGO[name], "psbt": c.psbt.serialize().hex(), "privateKey": c.private, "sighash": sighash},
        )
        for c in made
    ]
    for case, theirs in zip(made, ask(questions), strict=True):
        assert len(examine(bytes.fromhex(theirs), rules_of(case.row).sighash).plans) == len(case.values)
        signed = chain(case.row).parse_signed(case.row, theirs)  # each of its signatures is verified on the way
        assert [txin.prevout for txin in Transaction.parse(signed.raw).inputs] == [
            txin.prevout for txin in case.psbt.transaction.inputs
        ]
