"""Signature hashes against the examples of BIP-143 and BIP-341."""

from __future__ import annotations

import pytest

from multiwallet.chains.bitcoin.script import script_for_key
from multiwallet.chains.bitcoin.sighash import Sighash, sighash_name
from multiwallet.chains.bitcoin.transaction import Transaction, TxIn, TxOut
from multiwallet.crypto.hashes import sha256d, tagged_hash
from multiwallet.crypto.secp256k1 import SecpKey, taproot_tweak_public, verify_schnorr
from multiwallet.errors import InvalidTransaction


def test_bip143_examples(vectors):
    count = 0
    for entry in vectors("btc_bip143"):
        sighash = Sighash(Transaction.parse(bytes.fromhex(entry["transaction"])))
        code = bytes.fromhex(entry["script_code"])
        for _ in range(2):  # the second time from what the first left behind
            for hash_type, expected in entry["sighashes"].items():
                preimage = sighash.witness_v0(entry["index"], code, entry["amount"], int(hash_type))
                assert sha256d(preimage).hex() == expected, (entry["name"], hash_type)
                count += 1
    assert count == 16


def test_bip341_key_path_examples(vectors):
    (entry,) = [e for e in vectors("btc_tx", "bip341-official") if "keyPathSpending" in e["id"]]
    transaction = Transaction.parse(bytes.fromhex(entry["given"]["rawUnsignedTx"]))
    spent = tuple(TxOut(o["amountSats"], bytes.fromhex(o["scriptPubKey"])) for o in entry["given"]["utxosSpent"])
    sighash = Sighash(transaction)
    assert len(entry["inputSpending"]) == 7
    for case in entry["inputSpending"]:
        given, expected = case["given"], case["intermediary"]
        index = given["txinIndex"]
        preimage = sighash.taproot(index, spent, given["hashType"])
        assert preimage.hex() == expected["sigMsg"]
        digest = tagged_hash("TapSighash", preimage)
        assert digest.hex() == expected["sigHash"]
        key = SecpKey(bytes.fromhex(given["internalPrivkey"]))
        root = bytes.fromhex(given["merkleRoot"] or "")
        witness = bytes.fromhex(case["expected"]["witness"][0])
        assert key.sign_schnorr(digest, bytes(32), root) == witness[:64]
        assert verify_schnorr(spent[index].script[2:], digest, witness[:64])


def test_bip341_output_keys(vectors):
    cases = [e for e in vectors("btc_tx", "bip341-official") if "scriptPubKey" in e["id"]]
    assert len(cases) == 7
    for entry in cases:
        internal = bytes.fromhex(entry["given"]["internalPubkey"])
        root = entry["intermediary"]["merkleRoot"]
        key, _ = taproot_tweak_public(internal, bytes.fromhex(root) if root else None)
        assert key.hex() == entry["intermediary"]["tweakedPubkey"]
        if root is None:
            assert script_for_key("p2tr", b"\x02" + internal).hex() == entry["expected"]["scriptPubKey"]


def test_single_without_its_output_is_refused():
    """Before segwit that hash is the number one, valid for any transaction: nobody may sign it."""
    transaction = Transaction(2, [TxIn(bytes(36)), TxIn(b"\1" + bytes(35))], [TxOut(1, b"")])
    sighash = Sighash(transaction)
    spent = (TxOut(1, b"\x51"), TxOut(2, b"\x51"))
    for hash_type in (3, 0x83):
        with pytest.raises(InvalidTransaction, match="output that is not there"):
            sighash.legacy(1, b"\x51", hash_type)
        with pytest.raises(InvalidTransaction, match="output that is not there"):
            sighash.taproot(1, spent, hash_type)
        sighash.witness_v0(1, b"\x51", 2, hash_type)  # BIP-143 has zeros for it
    for hash_type in (4, 0x80, 0x50, 0xFF):
        with pytest.raises(InvalidTransaction, match="taproot has no sighash type"):
            sighash.taproot(0, spent, hash_type)


def test_each_preimage_commits_to_what_it_should():
    """Changing an output changes ALL, not NONE; changing another input changes nothing under ANYONECANPAY."""
    base = Transaction(2, [TxIn(bytes(36)), TxIn(b"\1" + bytes(35))], [TxOut(1, b"a"), TxOut(2, b"b")])
    other_output = Transaction(2, base.inputs, [TxOut(1, b"a"), TxOut(3, b"b")])
    other_input = Transaction(2, [base.inputs[0], TxIn(b"\2" + bytes(35))], base.outputs)
    spent = (TxOut(1, b"\x51"), TxOut(2, b"\x51"))

    def preimages(transaction, hash_type):
        sighash = Sighash(transaction)
        return (
            sighash.legacy(0, b"code", hash_type),
            sighash.witness_v0(0, b"code", 1, hash_type),
            sighash.taproot(0, spent, hash_type),
        )

    for hash_type in (1, 2, 3, 0x81, 0x82, 0x83):
        for ours, theirs in zip(preimages(base, hash_type), preimages(other_output, hash_type), strict=True):
            assert (ours != theirs) is (hash_type & 3 == 1)
        for ours, theirs in zip(preimages(base, hash_type), preimages(other_input, hash_type), strict=True):
            assert (ours != theirs) is (not hash_type & 0x80)


def test_names():
    assert [sighash_name(number) for number in (0, 1, 2, 3, 0x81, 0x82, 0x83, 4, 0x80)] == [
        "DEFAULT",
        "ALL",
        "NONE",
        "SINGLE",
        "ALL|ANYONECANPAY",
        "NONE|ANYONECANPAY",
        "SINGLE|ANYONECANPAY",
        "0x04",
        "0x80",
    ]
