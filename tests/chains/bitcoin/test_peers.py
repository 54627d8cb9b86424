"""Random transactions of ours before Bitcoin Core's own script checks, and beside embit and BDK."""

from __future__ import annotations

import random

import pytest

from multiwallet.chains.bitcoin import psbt_fields as field
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.script import op_return, p2sh, p2wsh, push
from multiwallet.chains.bitcoin.sighash import sighash_name
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.path import Path

KINDS = ("p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh")


def random_psbt(bench, rnd, holder, *, kinds=KINDS, sighashes=False):
    """A payment from one to nine coins of mixed kinds to outputs of every kind."""
    coins = [
        bench.coin(
            rnd.choice(kinds),
            holder.public_key,
            rnd.randint(10_000, 2_100_000_000_000_000 // 9),
            seed=rnd.random(),
            proven=rnd.random() < 0.5,
            path=holder.path,
            fingerprint=b"\x01\x02\x03\x04",
            sequence=rnd.choice([0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0, 5]),
        )
        for _ in range(rnd.randint(1, 9))
    ]
    total = sum(coin.amount for coin in coins) - rnd.randint(200, 9_000)
    scripts = [
        b"\x00\x14" + rnd.randbytes(20),
        b"\x51\x20" + rnd.randbytes(32),
        b"\xa9\x14" + rnd.randbytes(20) + b"\x87",
        op_return(rnd.randbytes(rnd.randint(0, 80))),
    ]
    outputs = []
    for script in rnd.sample(scripts, rnd.randint(1, 4)):
        amount = rnd.randint(0, total)
        total -= amount
        outputs.append((script, amount, None, None))
    psbt = Psbt.create(coins, outputs, version=rnd.choice([1, 2]), locktime=rnd.choice([0, 0, 1, 800_000]))
    if sighashes:
        types = {n: rnd.choice([1, 2, 0x81, 0x82, 3, 0x83]) for n in range(len(coins))}
        types = {n: t if t & 3 != 3 or n < len(outputs) else 1 for n, t in types.items()}
        psbt = psbt.updated({n: {field.SIGHASH_TYPE: t.to_bytes(4, "little")} for n, t in types.items()})
    return psbt


def fee_of(psbt):
    return sum(output.amount for output in psbt.spent) - sum(output.amount for output in psbt.transaction.outputs)


def kernel_accepts(pbk, raw, spent):
    from pbk import script

    transaction = pbk.Transaction(raw)
    outputs = [pbk.TransactionOutput(pbk.ScriptPubkey(output.script), output.amount) for output in spent]
    data = script.PrecomputedTransactionData(transaction, outputs)
    flags = script.ScriptVerificationFlags.ALL
    return [
        pbk.ScriptPubkey(output.script).verify(output.amount, transaction, data, index, flags)
        for index, output in enumerate(spent)
    ]


@pytest.mark.parametrize("sighashes", [False, True])
def test_bitcoin_core_accepts_every_input(bench, sighashes):
    pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed")
    rnd = random.Random(11)
    holder = bench.holder("kernel")
    allowed = [sighash_name(number) for number in (2, 3, 0x81, 0x82, 0x83)]
    inputs = 0
    for _ in range(60):
        psbt = random_psbt(bench, rnd, holder, sighashes=sighashes)
        signed = bench.signed(holder, {"psbt": psbt.serialize(), "allow_sighash": allowed})
        assert signed.complete
        spent = psbt.spent
        assert all(kernel_accepts(pbk, signed.raw, spent))
        inputs += len(spent)
        assert str(pbk.Transaction(signed.raw).txid) == signed.txid
        if not sighashes:  # another amount for one input and the kernel says no, unless it is from before segwit
            wrong = [TxOut(output.amount + 1, output.script) for output in spent]
            legacy = [output.script[:1] == b"\x76" for output in spent]
            assert kernel_accepts(pbk, signed.raw, wrong) == legacy
    assert inputs > 200


@pytest.mark.parametrize("kind", ["p2sh", "p2wsh", "p2sh-p2wsh"])
def test_bitcoin_core_accepts_multisig(bench, kind):
    pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed")
    rnd = random.Random(12)
    for required, total in ((1, 1), (1, 2), (2, 2), (2, 3), (3, 5), (7, 15)):
        keys = [bench.key((kind, required, n)).public_key for n in range(total)]
        script = bytes([0x50 + required]) + b"".join(map(push, keys)) + bytes([0x50 + total, 0xAE])
        output = {"p2sh": p2sh(script), "p2wsh": p2wsh(script), "p2sh-p2wsh": p2sh(p2wsh(script))}[kind]
        previous = Transaction(2, [TxIn(rnd.randbytes(36))], [TxOut(90_000, output)])
        spending = Transaction(2, [TxIn(OutPoint(previous.txid, 0).raw)], [TxOut(80_000, b"\x51")])
        fields = {field.NON_WITNESS_UTXO: previous.serialize()}
        fields[field.REDEEM_SCRIPT if kind == "p2sh" else field.WITNESS_SCRIPT] = script
        if kind == "p2sh-p2wsh":
            fields[field.REDEEM_SCRIPT] = p2wsh(script)
        fields |= {b"\x06" + key: bytes(4) for key in keys}
        native = Psbt(spending, [fields], [{}]).serialize()
        for n in rnd.sample(range(total), required):
            signed = bench.signed(bench.holder((kind, required, n), path=None), native)
            native = signed.raw
        assert signed.complete
        assert kernel_accepts(pbk, signed.raw, previous.outputs) == [True]


def test_embit_reads_signs_and_finalises_the_same(bench):
    """embit 0.8 writes the sequence 0 as 0xffffffff, so such inputs are left out; its Schnorr signatures are random."""
    embit_psbt = pytest.importorskip("embit.psbt", reason="embit is not installed")
    embit_ec = pytest.importorskip("embit.ec", reason="embit is not installed")
    finalizer = pytest.importorskip("embit.finalizer", reason="embit is not installed")
    rnd = random.Random(13)
    holder = bench.holder("embit")
    key = embit_ec.PrivateKey(bench.keys[holder.public_key].expose())
    compared = 0
    while compared < 25:
        psbt = random_psbt(bench, rnd, holder, kinds=("p2wpkh", "p2sh-p2wpkh", "p2pkh"))
        if any(txin.sequence == 0 for txin in psbt.transaction.inputs):
            continue
        theirs = embit_psbt.PSBT.parse(psbt.serialize())
        assert theirs.tx.txid().hex() == psbt.transaction.txid
        assert theirs.fee() == sum(output.amount for output in psbt.spent) - sum(
            o.amount for o in psbt.transaction.outputs
        )
        assert theirs.sign_with(key) == len(psbt.inputs)
        signed = bench.signed(holder, psbt.serialize())
        final = finalizer.finalize_psbt(theirs)
        assert final is not None
        assert final.serialize() == signed.raw
        # and their signed PSBT is a complete one for us
        assert bench.chain.parse_signed(bench.row, theirs.serialize()).raw == signed.raw
        compared += 1


def test_bdk_reads_and_finalises_what_we_signed(bench):
    bdk = pytest.importorskip("bdkpython", reason="bdkpython is not installed")
    rnd = random.Random(14)
    first, second = bench.holder("bdk a"), bench.holder("bdk b")
    finalised = 0
    for _ in range(25):
        psbt = random_psbt(bench, rnd, first)
        theirs = bdk.Psbt(psbt.to_base64())
        assert theirs.fee() == fee_of(psbt)
        # an input of somebody else keeps the result a PSBT, which BDK then reads with our signatures in it
        theirs_coin = bench.coin("p2wpkh", second.public_key, seed=rnd.random(), path=Path("m/0"))
        joint = Psbt.create(
            [
                theirs_coin,
                bench.coin("p2tr", first.public_key, seed=rnd.random()),
                bench.coin("p2pkh", first.public_key),
            ],
            [(b"\x51\x20" + bytes(31) + b"\x01", 1_000, None, None)],
        )
        half = bench.signed(first, joint.to_base64())
        assert not half.complete
        whole = bench.signed(second, half.to_wire())
        done = Psbt.parse(half.raw).updated({0: {b"\x02" + second.public_key: _signature(bench, second, half.raw)}})
        result = bdk.Psbt(done.to_base64()).finalize()
        assert result.could_finalize, result.errors
        assert bytes(result.psbt.extract_tx().serialize()) == whole.raw
        assert str(result.psbt.extract_tx().compute_txid()) == whole.txid
        finalised += 1
    assert finalised == 25


def _signature(bench, holder, native):
    from multiwallet.codec import der

    (request,) = bench.chain.authorize(holder, bench.chain.adopt(holder, native))
    return der.encode(bench.sign(request)) + b"\x01"
