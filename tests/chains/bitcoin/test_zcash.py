"""Zcash's version 5 transactions: ids and digests against the reference implementation of ZIP-244, and hostile bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.bitcoin import zcash
from multiwallet.chains.bitcoin.psbt import Psbt, PsbtInputSource
from multiwallet.chains.bitcoin.signable import examine
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut, _parse
from multiwallet.chains.bitcoin.zcash import ZcashSighash, ZcashTransaction
from multiwallet.errors import InvalidTransaction
from multiwallet.transactions import Digest, Scheme, SigningRequest

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "utxo_zip244.json").read_text("utf-8"))
HASH_TYPES = {"all": 1, "none": 2, "single": 3, "all_anyone": 0x81, "none_anyone": 0x82, "single_anyone": 0x83}
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")


def check(entry: dict, transaction: ZcashTransaction) -> int:
    assert transaction.txid_bytes.hex() == entry["txid"]
    spent = [TxOut(n, bytes.fromhex(s)) for n, s in zip(entry["amounts"], entry["scripts"], strict=True)]
    sighash = ZcashSighash(transaction, spent)
    for name, digest in entry["sighashes"].items():
        preimage = sighash.transparent(entry["input"], HASH_TYPES[name])
        assert len(preimage) == 144
        request = SigningRequest(Scheme.LOW_R, Digest.BLAKE2B_PERSONAL, preimage, KEY)
        assert request.message.hex() == digest, name
    return len(entry["sighashes"])


@pytest.mark.parametrize("entry", VECTORS["transparent"], ids=lambda entry: entry["txid"][:8])
def test_transparent_transactions_of_the_reference_implementation(entry):
    raw = bytes.fromhex(entry["tx"])
    transaction = ZcashTransaction.parse(raw, strict=False)
    assert transaction.serialize() == raw
    assert check(entry, transaction) >= 4
    if entry["input"] >= len(transaction.outputs):
        for hash_type in (3, 0x83):
            spent = [TxOut(0, b"")] * len(transaction.inputs)
            with pytest.raises(InvalidTransaction, match="not there"):
                ZcashSighash(transaction, spent).transparent(entry["input"], hash_type)


@pytest.mark.parametrize("entry", VECTORS["official"], ids=lambda entry: entry["txid"][:8])
def test_official_vectors(entry, monkeypatch):
    """All of them have shielded parts, whose two digests (as the reference implementation has them) stand in here."""
    raw = bytes.fromhex(entry["tx"])
    with pytest.raises(InvalidTransaction, match="shielded"):
        ZcashTransaction.parse(raw)
    plain, _ = _parse(Transaction, bytes(4) + raw[20:] + bytes(4), False)
    branch, locktime, expiry = (int.from_bytes(raw[at : at + 4], "little") for at in (8, 12, 16))
    monkeypatch.setattr(zcash, "_SHIELDED", tuple(bytes.fromhex(digest) for digest in entry["shielded"]))
    check(entry, ZcashTransaction(plain.inputs, plain.outputs, locktime, branch=branch, expiry=expiry))


inputs = st.lists(
    st.builds(TxIn, st.binary(min_size=36, max_size=36), st.binary(max_size=300), st.integers(0, 2**32 - 1)),
    min_size=1,
    max_size=4,
    unique_by=lambda txin: txin.prevout,
)
outputs = st.lists(st.builds(TxOut, st.integers(0, 2**63 - 1), st.binary(max_size=300)), min_size=1, max_size=4)


@given(inputs, outputs, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 499_999_999), st.data())
def test_it_reads_what_it_writes_and_refuses_what_is_cut(txins, txouts, locktime, branch, expiry, data):
    transaction = ZcashTransaction(txins, txouts, locktime, branch=branch, expiry=expiry)
    raw = transaction.serialize()
    for read in (ZcashTransaction.parse(raw), Transaction.parse(raw)):
        assert isinstance(read, ZcashTransaction)
        assert (read, read.branch, read.expiry, read.locktime) == (transaction, branch, expiry, locktime)
        assert read.txid == transaction.txid
    cut = data.draw(st.integers(0, len(raw) - 1))
    for bad in (raw[:cut], raw + b"\0", raw[:-1] + b"\1"):
        with pytest.raises(InvalidTransaction):
            ZcashTransaction.parse(bad)
    scripts = [txin.script_sig + b"\0" for txin in txins]
    assert transaction.with_scripts(scripts).txid == transaction.txid  # which scripts do not change


@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage):
    for data in (garbage, zcash.HEAD + garbage, zcash.HEAD + bytes(12) + garbage + bytes(3)):
        try:
            ZcashTransaction.parse(data)
        except InvalidTransaction:
            continue


def test_a_psbt_needs_no_proof_of_amounts_because_signatures_commit_to_them():
    from multiwallet.chains.bitcoin.script import script_for_key

    script = script_for_key("p2pkh", KEY)
    sources = [PsbtInputSource(OutPoint(f"{n:064x}", 0), 10_000 + n, script, public_key=KEY) for n in (1, 2)]
    made = Psbt.create(sources, [(script, 9_000, None, None)], sighash="zip244", branch=0x4DEC4DF0, expiry=9)
    assert Psbt.parse(made.serialize()) == made
    found = examine(made.serialize(), "zip244")
    assert [request.digest for request in found.requests] == [Digest.BLAKE2B_PERSONAL] * 2
    for index in (0, 1):  # another amount of either input is another digest of both
        other = sources.copy()
        other[index] = other[index]._replace(amount=20_000)
        again = Psbt.create(other, [(script, 9_000, None, None)], sighash="zip244", branch=0x4DEC4DF0, expiry=9)
        preimages = {request.preimage for request in examine(again.serialize(), "zip244").requests}
        assert not preimages & {request.preimage for request in found.requests}
    for sighash in ("bitcoin", "forkid"):
        with pytest.raises(InvalidTransaction, match="Zcash"):
            examine(made.serialize(), sighash)
