"""Transactions: reading, writing, ids, sizes, and what must not be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut, scan_previous
from multiwallet.chains.bitcoin.weights import dust_limit, fixed_weight, input_weight, output_weight, vsize
from multiwallet.errors import InvalidTransaction, Unsupported

scripts = st.binary(max_size=300)
inputs = st.builds(
    TxIn,
    st.binary(min_size=36, max_size=36),
    scripts,
    st.integers(0, 2**32 - 1),
    st.lists(scripts, max_size=4).map(tuple),
)
outputs = st.builds(TxOut, st.integers(0, 2**63 - 1), scripts)
transactions = st.builds(
    Transaction,
    st.integers(0, 2**32 - 1),
    st.lists(inputs, min_size=1, max_size=5, unique_by=lambda txin: txin.prevout),
    st.lists(outputs, min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)


@given(transactions)
def test_what_is_written_is_read_back(transaction):
    again = Transaction.parse(transaction.serialize())
    assert again == transaction
    assert (again.version, again.locktime) == (transaction.version, transaction.locktime)
    assert (again.inputs, again.outputs) == (transaction.inputs, transaction.outputs)
    bare = Transaction.parse(transaction.serialize(witness=False), witness=False)
    assert bare.txid == transaction.txid
    assert transaction.weight == 3 * len(bare.serialize()) + len(transaction.serialize())


@given(transactions)
def test_a_previous_transaction_is_scanned_as_it_is_parsed(transaction):
    raw = transaction.serialize()
    txid, found = scan_previous(raw)
    assert txid[::-1].hex() == transaction.txid
    assert [TxOut(amount, raw[start:end]) for amount, start, end in found] == list(transaction.outputs)


@given(transactions, st.data())
def test_every_cut_and_every_extra_byte_is_refused(transaction, data):
    raw = transaction.serialize()
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(InvalidTransaction):
        Transaction.parse(raw[:cut])
    with pytest.raises(InvalidTransaction):
        Transaction.parse(raw + b"\0")
    for garbled in (raw[:cut], raw + b"\0"):
        try:
            scan_previous(garbled)
        except InvalidTransaction:
            continue
        assert transaction.has_witness  # only bytes of a witness may differ, which no txid covers


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_reads_back(data):
    for read in (Transaction.parse, scan_previous):
        try:
            result = read(data)
        except InvalidTransaction:
            continue
        if isinstance(result, Transaction):
            assert result.serialize() == data


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("02000000" + "ffffffffffffffffff", "count of"),
        ("02000000" + "00" + "00" + "00000000", "no inputs"),
        ("02000000" + "fd0100" + "00" * 36 + "00" + "ffffffff" + "00" + "00000000", "shortest form"),
        ("02000000" + "01" + "00" * 36 + "00" + "ffffffff" + "00" + "00000000", "no outputs"),
        (
            "02000000" + "02" + ("00" * 36 + "00" + "ffffffff") * 2 + "01" + "00" * 8 + "00" + "00000000",
            "the same output twice",
        ),
        ("02000000" + "01" + "00" * 36 + "00" + "ffffffff" + "01" + "ff" * 8 + "00" + "00000000", "larger than any"),
        (
            "02000000" + "0001" + "01" + "00" * 36 + "00" + "ffffffff" + "01" + "00" * 8 + "00" + "00" + "00000000",
            "every witness is empty",
        ),
    ],
)
def test_strict_refusals_say_why(raw, reason):
    with pytest.raises(InvalidTransaction, match=reason):
        Transaction.parse(bytes.fromhex(raw))


def test_peers_agree_on_ids_and_sizes(vectors):
    for entry in vectors("btc_tx", "tx"):
        for expected in (entry["output"], entry["output_low_r"]):
            transaction = Transaction.parse(bytes.fromhex(expected["tx"]))
            assert transaction.serialize().hex() == expected["tx"]
            assert transaction.txid == expected["txid"]
            assert transaction.wtxid == expected["wtxid"]
            assert (transaction.vsize, transaction.weight) == (expected["vsize"], expected["weight"])
        for txin, stated in zip(transaction.inputs, entry["inputs"], strict=True):
            assert txin.outpoint == OutPoint(stated["txid"], stated["vout"])
            assert OutPoint(stated["txid"], stated["vout"]).raw == txin.prevout


def test_no_outpoint_of_nonsense():
    for txid, index in (("00" * 31, 0), ("zz" * 32, 0), ("00" * 32, -1), ("00" * 32, 2**32), (None, 0)):
        with pytest.raises(InvalidTransaction):
            OutPoint(txid, index).raw  # noqa: B018  # the property checks


def test_weights_cover_what_peers_measured(vectors):
    """The estimate is never below what a transaction weighs, and above it only by what a signature may still grow."""
    seen = set()
    for entry in vectors("btc_tx", "tx"):
        kinds = [txin["type"] for txin in entry["inputs"]]
        if any(kind not in ("p2pkh", "p2wpkh", "p2tr", "p2sh-p2wpkh") for kind in kinds):
            continue
        if any(txin.get("sighash") for txin in entry["inputs"]):
            continue
        seen.update(kinds)
        outputs = [bytes.fromhex(output["script_pubkey"]) for output in entry["outputs"]]
        estimate = sum(map(input_weight, kinds)) + sum(map(output_weight, outputs))
        estimate += fixed_weight(len(kinds), len(outputs))
        if set(kinds) == {"p2pkh"}:
            estimate -= 2 + len(kinds)
        for output in ("output", "output_low_r"):
            slack = estimate - entry[output]["weight"]
            assert 0 <= slack <= 8 * len(kinds), entry["id"]
    assert seen == {"p2pkh", "p2wpkh", "p2tr", "p2sh-p2wpkh"}


def test_known_sizes():
    # Bitcoin Core's dust limits (policy/policy.cpp and its tests) and the sizes of the usual input kinds.
    assert dust_limit(b"\x76\xa9\x14" + bytes(20) + b"\x88\xac") == 546
    assert dust_limit(b"\xa9\x14" + bytes(20) + b"\x87") == 540
    assert dust_limit(b"\x00\x14" + bytes(20)) == 294
    assert dust_limit(b"\x00\x20" + bytes(32)) == 330
    assert dust_limit(b"\x51\x20" + bytes(32)) == 330
    assert dust_limit(b"\x6a") == 0
    assert [vsize(input_weight(kind)) for kind in ("p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh")] == [68, 58, 91, 149]
    with pytest.raises(Unsupported):
        input_weight("p2wsh")


@pytest.mark.parametrize("flag", [8, 9])
def test_the_outputs_of_a_litecoin_transaction_with_mweb_are_found(flag):
    """Litecoin's HogEx pays what leaves the MWEB: marker and flag 8, and after the witnesses a byte of its own."""
    plain = Transaction(2, [TxIn(bytes(range(36)))], [TxOut(5, b"\x51"), TxOut(70_000, b"\x00\x14" + bytes(20))], 9)
    core = plain.serialize()
    raw = core[:4] + bytes((0, flag)) + core[4:-4] + (b"\x01\x01\x07" if flag & 1 else b"") + b"\x00" + core[-4:]
    txid, found = scan_previous(raw)
    assert txid == plain.txid_bytes
    assert [(amount, raw[start:end]) for amount, start, end in found] == list(plain.outputs)
