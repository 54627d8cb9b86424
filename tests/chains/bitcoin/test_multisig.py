"""Multisig inputs: cosigners hand the PSBT on until it has the signatures that it needs."""

from __future__ import annotations

import pytest

from multiwallet.chains.bitcoin import psbt_fields as field
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.script import p2sh, p2wsh, push
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.crypto.secp256k1 import decompress
from multiwallet.errors import InvalidTransaction
from multiwallet.path import Path


def multisig(bench, kind, required=2, names=("x", "y", "z"), compressed=True):
    keys = [bench.key(name) for name in names]
    public = [key.public_key if compressed else decompress(key.public_key) for key in keys]
    script = bytes([0x50 + required]) + b"".join(push(key) for key in public) + bytes([0x50 + len(public), 0xAE])
    output = {"p2sh": p2sh(script), "p2wsh": p2wsh(script), "p2sh-p2wsh": p2sh(p2wsh(script))}[kind]
    previous = Transaction(2, [TxIn(bytes(36))], [TxOut(90_000, output)])
    spending = Transaction(2, [TxIn(OutPoint(previous.txid, 0).raw)], [TxOut(80_000, b"\x00\x14" + bytes(20))])
    fields = {field.NON_WITNESS_UTXO: previous.serialize()}
    if kind == "p2sh":
        fields[field.REDEEM_SCRIPT] = script
    else:
        fields[field.WITNESS_SCRIPT] = script
        if kind == "p2sh-p2wsh":
            fields[field.REDEEM_SCRIPT] = p2wsh(script)
    for key in public:
        fields[b"\x06" + key] = field.derivation_value(None, Path("m/48'/0'/0'/2'/0/0"))
    return Psbt(spending, [fields], [{}])


@pytest.mark.parametrize("kind", ["p2sh", "p2wsh", "p2sh-p2wsh"])
def test_multisig_takes_any_two_of_three_in_any_order(bench, kind):
    psbt = multisig(bench, kind).serialize()
    for order in (("x", "y"), ("y", "x"), ("z", "x"), ("y", "z")):
        first, second = (bench.holder(name, path="m/48'/0'/0'/2'/0/0") for name in order)
        half = bench.signed(first, psbt)
        assert not half.complete
        signed = bench.signed(second, half.raw)
        assert signed.complete
        txin = Transaction.parse(signed.raw).inputs[0]
        assert (len(txin.witness) == 4) is (kind != "p2sh")


def test_a_bad_signature_of_a_cosigner_is_not_passed_on(bench):
    psbt = multisig(bench, "p2wsh").serialize()
    half = Psbt.parse(bench.signed(bench.holder("x"), psbt).raw)
    (name,) = [key for key in half.inputs[0] if key[0] == field.PARTIAL_SIG]
    value = half.inputs[0][name]
    for wrong in (value[:-2] + bytes([value[-2] ^ 1]) + value[-1:], value[:-1] + b"\x02", b"\x30" + bytes(9)):
        spoiled = half.updated({0: {name: wrong}})
        with pytest.raises(InvalidTransaction, match="not good for its key"):
            bench.signed(bench.holder("y"), spoiled.serialize())


def test_uncompressed_keys_sign_before_segwit_only(bench):
    for kind in ("p2sh", "p2wsh", "p2sh-p2wsh"):
        psbt = multisig(bench, kind, compressed=False)
        transaction = bench.chain.adopt(bench.holder("x"), psbt.serialize())
        assert len(transaction.requests) == (3 if kind == "p2sh" else 0)
