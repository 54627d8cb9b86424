"""PSBTs: the vectors of BIP-174, 370 and 371, round trips, and hostile bytes."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.bitcoin import psbt_fields as field
from multiwallet.chains.bitcoin.psbt import Psbt, PsbtInputSource
from multiwallet.chains.bitcoin.signable import examine
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.errors import InputError, InvalidTransaction
from multiwallet.path import Path


def official(vectors, bip):
    return [entry for entry in vectors("btc_tx", f"bip{bip}-official") if "psbt" in entry]


@pytest.mark.parametrize(("bip", "valid", "invalid"), [(174, 14, 20), (371, 6, 11), (370, 23, 25)])
def test_official_vectors(vectors, bip, valid, invalid):
    counted = {True: 0, False: 0}
    for entry in official(vectors, bip):
        if entry["expect"] == "invalid" or ("lock_time" in entry and entry["lock_time"] is None):
            counted[False] += 1
            with pytest.raises(InvalidTransaction):
                Psbt.parse(entry["psbt"])
            continue
        counted[True] += 1
        psbt = Psbt.parse(entry["psbt"])
        assert Psbt.parse(psbt.serialize()) == psbt
        if bip != 370:
            assert psbt.to_base64() == entry["psbt"]
        if "lock_time" in entry:
            assert psbt.transaction.locktime == entry["lock_time"]
    assert counted == {True: valid, False: invalid}


def test_what_bip174_signers_must_refuse(vectors):
    entries = [e for e in official(vectors, 174) if "signer" in e["id"]]
    assert len(entries) == 4
    for entry in entries:
        Psbt.parse(entry["psbt"])
        with pytest.raises(InvalidTransaction, match="previous transaction|redeem script|witness script"):
            examine(base64.b64decode(entry["psbt"]))


def test_psbts_of_peers_come_back_as_they_are(vectors):
    for entry in vectors("btc_tx", "tx"):
        for form in ("psbt_unsigned", "psbt_signed"):
            text = entry["output"][form]
            assert Psbt.parse(text).to_base64() == text
            raw = base64.b64decode(text)
            assert Psbt.parse(raw) == Psbt.parse(raw.hex()) == Psbt.parse(memoryview(raw)) == Psbt.parse(f"  {text}\n")


def test_create_writes_what_peers_write(vectors):
    """The PSBTs of our own making equal those of bitcoinjs-lib and @scure/btc-signer, field by field."""
    compared = 0
    for entry in vectors("btc_tx", "tx"):
        if any(txin["type"] not in ("p2pkh", "p2wpkh", "p2tr", "p2sh-p2wpkh") for txin in entry["inputs"]):
            continue
        if any(txin.get("sighash") for txin in entry["inputs"]):
            continue
        sources = []
        for txin in entry["inputs"]:
            (key,) = txin["signing_keys"]
            legacy = txin["type"] == "p2pkh"
            sources.append(
                PsbtInputSource(
                    OutPoint(txin["txid"], txin["vout"]),
                    int(txin["value"]),
                    bytes.fromhex(txin["script_pubkey"]),
                    txin["sequence"],
                    bytes.fromhex(key["public_key"]),
                    Path(key["path"]),
                    bytes.fromhex(entry["master_fingerprint"]),
                    bytes.fromhex(txin["prev_tx"]) if legacy else None,
                )
            )
        outputs = [(bytes.fromhex(o["script_pubkey"]), int(o["value"]), None, None) for o in entry["outputs"]]
        ours = Psbt.create(sources, outputs, version=entry["version"], locktime=entry["locktime"])
        theirs = Psbt.parse(entry["output"]["psbt_unsigned"])
        assert ours.transaction == theirs.transaction
        assert [sorted(fields.items()) for fields in ours.inputs] == [
            sorted(fields.items()) for fields in theirs.inputs
        ]
        compared += 1
    assert compared >= 12


def test_create_checks_its_sources(bench):
    key = bench.key(1).public_key
    other = bench.key(2).public_key
    out = [(b"\x00\x14" + bytes(20), 1000, None, None)]
    good = bench.coin("p2wpkh", key)
    with pytest.raises(InputError, match="does not belong"):
        Psbt.create([good._replace(public_key=other)], out)
    with pytest.raises(InputError, match="previous transaction is needed"):
        Psbt.create([bench.coin("p2pkh", key)._replace(previous_transaction=None)], out)
    with pytest.raises(InputError, match="no single key"):
        Psbt.create([good._replace(script=b"\x51")], out)
    with pytest.raises(InvalidTransaction, match="not the one that it spends"):
        Psbt.create([good._replace(previous_transaction=bench.coin("p2wpkh", key, seed=9).previous_transaction)], out)
    with pytest.raises(InvalidTransaction, match="two different things"):
        Psbt.create([good._replace(amount=good.amount + 1)], out)
    with pytest.raises(InvalidTransaction, match="same output twice"):
        Psbt.create([good, good], out)
    for amount in (-1, 2**63):
        with pytest.raises(InputError):
            Psbt.create([good], [(b"\x51", amount, None, None)])


def make(bench, kinds=("p2wpkh", "p2tr", "p2pkh", "p2sh-p2wpkh")):
    mark = b"\x01\x02\x03\x04"
    sources = [
        bench.coin(kind, bench.key(n).public_key, path=Path(f"m/84'/0'/0'/0/{n}"), fingerprint=mark)
        for n, kind in enumerate(kinds)
    ]
    key = bench.key("change").public_key
    outputs = [(b"\x00\x14" + bytes(20), 5000, None, None)]
    outputs += [
        (bench.coin(kind, key).script, 6000, key, Path("m/84'/0'/0'/1/0")) for kind in ("p2tr", "p2sh-p2wpkh", "p2wpkh")
    ]
    return Psbt.create(sources, outputs)


def test_every_cut_is_refused(bench):
    raw = make(bench).serialize()
    assert Psbt.parse(raw).serialize() == raw
    for end in range(len(raw)):
        with pytest.raises(InvalidTransaction):
            Psbt.parse(raw[:end])
    with pytest.raises(InvalidTransaction, match="follow"):
        Psbt.parse(raw + b"\0")


def test_every_flipped_bit_is_refused_or_changes_nothing_that_was_checked(bench):
    """A changed PSBT reads or is refused with an error of ours; what was proven to be spent stays so."""
    original = make(bench)
    raw = original.serialize()
    refused = 0
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << (at % 8)
        try:
            found = examine(bytes(changed))
        except InvalidTransaction:
            refused += 1
            continue
        for index, fields in enumerate(found.psbt.inputs):
            if (
                field.NON_WITNESS_UTXO in fields
                and found.psbt.transaction.inputs[index] == original.transaction.inputs[index]
            ):
                assert found.spent[index] == original.spent[index]
    assert refused > len(raw) // 3


@pytest.mark.parametrize(
    "raw",
    [
        b"psbt\xff" + b"\x01\x00\xff" + b"\xff" * 8,
        b"psbt\xff" + b"\xff" * 9,
        b"psbt\xff\x01\x00\x0a" + bytes(4) + b"\xff" + b"\xff" * 8 + bytes(20),
        b"psbt\xff\x01\x00\x0a" + bytes(4) + b"\xfe\xff\xff\xff\x7f" + bytes(20),
        # version 2 with counts of 2^32
        b"psbt\xff\x01\xfb\x04\x02\0\0\0\x01\x02\x04\x02\0\0\0"
        b"\x01\x04\x05\xfe\xff\xff\xff\xff\x01\x05\x05\xfe\xff\xff\xff\xff\0",
        b"psbt\xff\x00",
        b"psbt\xff",
        b"psbt",
        b"",
    ],
)
def test_giant_counts_and_nothing_at_all(raw):
    with pytest.raises(InvalidTransaction):
        Psbt.parse(raw)


def test_a_witness_of_giant_count(bench):
    psbt = make(bench, ("p2wpkh",))
    fields = {**psbt.inputs[0], field.FINAL_WITNESS: b"\xff" + b"\xff" * 8}
    with pytest.raises(InvalidTransaction):
        Psbt.parse(Psbt(psbt.transaction, [fields], psbt.outputs).serialize())


@given(st.binary(max_size=300))
def test_garbage(data):
    for raw in (data, b"psbt\xff" + data):
        try:
            psbt = Psbt.parse(raw)
        except InvalidTransaction:
            continue
        assert Psbt.parse(psbt.serialize()) == psbt
    for text in (data.decode("latin-1"), "cHNidP8" + data.decode("latin-1")):
        with pytest.raises(InvalidTransaction):
            Psbt.parse(text)


def test_mutations_of_official_vectors(vectors):
    rnd = random.Random(7)
    entries = [e for bip in (174, 370, 371) for e in official(vectors, bip)]
    for entry in entries:
        raw = base64.b64decode(entry["psbt"])
        for _ in range(40):
            changed = bytearray(raw)
            for _ in range(rnd.randint(1, 4)):
                at = rnd.randrange(len(changed))
                match rnd.randrange(3):
                    case 0:
                        changed[at] = rnd.randrange(256)
                    case 1:
                        del changed[at : at + rnd.randint(1, 5)]
                    case _:
                        changed[at:at] = rnd.randbytes(rnd.randint(1, 5))
            try:
                examine(bytes(changed))
            except InvalidTransaction:
                continue


def test_other_types_and_other_forms_are_refused_with_a_hint():
    for thing in (None, 7, 1.5, {}, [], object()):
        with pytest.raises(InvalidTransaction, match="base64, hex or bytes"):
            Psbt.parse(thing)
    raw = Transaction(2, [TxIn(bytes(36))], [TxOut(1, b"\x51")]).serialize()
    with pytest.raises(InvalidTransaction, match="raw transaction, not a PSBT.*fee"):
        Psbt.parse(raw)
    with pytest.raises(InvalidTransaction, match="cHNidP"):
        Psbt.parse(b"hello there")


def test_a_field_that_comes_twice_is_refused(bench):
    """Even with the same value: two readers could take different ones."""
    psbt = make(bench, ("p2wpkh",))
    raw = psbt.serialize()
    for fields in (psbt.inputs[0], psbt.outputs[1]):
        closed = b"".join(field.write_map(fields))
        first = b"".join(field.write_map(dict([next(iter(fields.items()))])))[:-1]
        with pytest.raises(InvalidTransaction, match="twice in one map"):
            Psbt.parse(raw.replace(closed, first + closed))


def test_unknown_fields_survive(bench):
    psbt = make(bench, ("p2wpkh",))
    more = psbt.updated({0: {b"\xf0key": b"value", b"\xfc\x04test\x00": b"mine"}})
    again = Psbt.parse(more.serialize())
    assert again.inputs[0][b"\xf0key"] == b"value"
    assert again == more
    assert again != psbt
    assert list(again.inputs[0]) == sorted(again.inputs[0])
