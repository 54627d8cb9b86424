"""What the Bitcoin engine refuses, in the words and with the codes of Bitcoin Core; transactions signed by embit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("pbk", reason="the Bitcoin engine of the devnet needs py-bitcoinkernel")

from embit import ec, script
from embit.transaction import Transaction, TransactionInput, TransactionOutput

from multiwallet import network
from multiwallet.chains.bitcoin import addresses
from multiwallet.devnet.bitcoin import BitcoinEngine
from multiwallet.errors import Rejected

KEY = ec.PrivateKey(bytes(31) + b"\x07")
OTHER = ec.PrivateKey(bytes(31) + b"\x09")
OWN = script.p2wpkh(KEY)
FOREIGN = script.p2tr(OTHER)
REGTEST = network("bitcoin-regtest")
FUNDS = 1_000_000
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def engine() -> Iterator[BitcoinEngine]:
    made = BitcoinEngine(REGTEST, automine=False)
    yield made
    made.close()


@pytest.fixture
def coin(engine) -> str:
    """The id of a transaction whose first output is FUNDS for OWN."""
    return engine.fund(addresses.address_of(REGTEST, OWN.data), FUNDS)


def unsigned(coin: str, *outputs: tuple[int, script.Script], index: int = 0, **fields: int) -> Transaction:
    sequence = fields.pop("sequence", 0xFFFFFFFD)
    return Transaction(
        version=fields.get("version", 2),
        vin=[TransactionInput(bytes.fromhex(coin), index, sequence=sequence)],
        vout=[TransactionOutput(amount, target) for amount, target in outputs],
        locktime=fields.get("locktime", 0),
    )


def signed(tx: Transaction, *values: int, key: ec.PrivateKey = KEY) -> str:
    for number, value in enumerate(values or (FUNDS,)):
        digest = tx.sighash_segwit(number, script.p2pkh(KEY), value)
        tx.vin[number].witness = script.Witness([key.sign(digest).serialize() + b"\x01", key.sec()])
    return str(tx.serialize().hex())


def refusal(engine: BitcoinEngine, raw: str) -> tuple[int | str | None, str]:
    """How both interfaces refuse a transaction: the code and the words."""
    with pytest.raises(Rejected) as told:
        engine.rpc("sendrawtransaction", [raw])
    with pytest.raises(Rejected) as by_rest:
        engine.rest("POST", "/tx", text=raw)
    code, words = told.value.node_code, told.value.message
    assert by_rest.value.node_code == 400
    assert str(by_rest.value.data).startswith(f'sendrawtransaction RPC error: {{"code":{code},"message":"{words[:40]}')
    return code, words


def trial(engine: BitcoinEngine, raw: str) -> dict[str, object]:
    (answer,) = engine.rpc("testmempoolaccept", [[raw]])
    return dict(answer)


def test_a_good_transaction_is_tested_and_taken(engine, coin):
    raw = signed(unsigned(coin, (990_000, FOREIGN)))
    answer = trial(engine, raw)
    assert answer["allowed"] is True
    assert str(answer["fees"]["base"]) == "0.00010000"
    assert engine.rpc("getrawmempool", []) == []
    txid = engine.rpc("sendrawtransaction", [raw])
    assert engine.rpc("sendrawtransaction", [raw]) == txid  # as a node does: it is there, so all is well
    assert engine.rest("POST", "/tx", text=raw) == txid
    assert trial(engine, raw)["reject-reason"] == "txn-already-in-mempool"
    engine.mine()
    assert refusal(engine, raw) == (-27, "Transaction outputs already in utxo set")


def test_inputs_that_are_missing_or_spent(engine, coin):
    raw = signed(unsigned("ab" * 32, (990_000, FOREIGN)))
    assert refusal(engine, raw) == (-25, "bad-txns-inputs-missingorspent")
    assert trial(engine, raw)["reject-reason"] == "missing-inputs"
    engine.rpc("sendrawtransaction", [signed(unsigned(coin, (990_000, FOREIGN)))])
    engine.mine()
    again = signed(unsigned(coin, (980_000, FOREIGN)))
    assert refusal(engine, again) == (-25, "bad-txns-inputs-missingorspent")


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("key", "Script failed an OP_EQUALVERIFY operation"),
        ("signature", "Signature must be zero for failed CHECK(MULTI)SIG operation"),
        ("amount", "Signature must be zero for failed CHECK(MULTI)SIG operation"),
        ("der", "Non-canonical DER signature"),
        ("high s", "Non-canonical signature: S value is unnecessarily high"),
        ("hash type", "Signature hash type missing or not understood"),
        ("no witness", "Witness program hash mismatch"),
    ],
)
def test_bad_signatures(engine, coin, flaw, reason):
    tx = unsigned(coin, (990_000, FOREIGN))
    raw = signed(tx)
    good = bytes(tx.vin[0].witness.items[0])
    if flaw == "key":
        raw = signed(tx, key=OTHER)
    elif flaw == "amount":
        raw = signed(tx, FUNDS + 1)
    elif flaw == "no witness":
        tx.vin[0].witness = script.Witness([])
        raw = tx.serialize().hex()
    else:
        r, s = good[4 : 4 + good[3]], int.from_bytes(good[6 + good[3] : -1], "big")
        changed = {
            "signature": b"\x30\x44\x02\x20" + r[-32:] + b"\x02\x20" + (s ^ 1).to_bytes(32, "big") + b"\x01",
            "der": good[:1] + b"\x10" + good[2:],
            "high s": b"\x30\x45\x02\x20" + r + b"\x02\x21\x00" + (ORDER - s).to_bytes(32, "big") + b"\x01",
            "hash type": good[:-1] + b"\x04",
        }[flaw]
        tx.vin[0].witness = script.Witness([changed, KEY.sec()])
        raw = tx.serialize().hex()
    code, words = refusal(engine, raw)
    assert code == -26
    assert words.startswith(f"mempool-script-verify-flag-failed ({reason}), input 0 of {tx.txid().hex()} (wtxid ")
    assert words.endswith(f"spending {coin}:0")
    # The chain is as it was, and the coin can still be spent.
    engine.mine()
    engine.rpc("sendrawtransaction", [signed(unsigned(coin, (990_000, FOREIGN)))])


def test_a_bad_taproot_signature(engine):
    target = script.p2tr(KEY)
    txid = engine.fund(addresses.address_of(REGTEST, target.data), FUNDS)
    tx = unsigned(txid, (990_000, FOREIGN))
    digest = tx.sighash_taproot(0, [target], [FUNDS - 1])
    tx.vin[0].witness = script.Witness([KEY.taproot_tweak().schnorr_sign(digest).serialize()])
    code, words = refusal(engine, tx.serialize().hex())
    assert (code, words[:60]) == (-26, "mempool-script-verify-flag-failed (Invalid Schnorr signature"[:60])


@pytest.mark.parametrize(
    ("outputs", "fields", "expected"),
    [
        ([(1_000_001, FOREIGN)], {}, "bad-txns-in-belowout, value in (0.01) < value out (0.01000001)"),
        ([(999_889, FOREIGN)], {}, "min relay fee not met, 111 < 122"),
        ([(329, FOREIGN), (900_000, OWN)], {}, "dust, tx with dust output must be 0-fee"),
        ([(100, FOREIGN), (100, FOREIGN), (900_000, OWN)], {}, "dust"),
        ([(990_000, FOREIGN)], {"version": 4}, "version"),
        ([(990_000, FOREIGN)], {"version": 0}, "version"),
        ([(990_000, FOREIGN)], {"locktime": 102}, None),
        ([(990_000, FOREIGN)], {"locktime": 103}, "non-final"),
        ([(990_000, FOREIGN)], {"locktime": 103, "sequence": 0xFFFFFFFF}, None),
        ([(990_000, FOREIGN)], {"locktime": 1_999_999_999}, "non-final"),
        ([(990_000, FOREIGN)], {"sequence": 2}, "non-BIP68-final"),
        ([(990_000, FOREIGN)], {"sequence": 1}, None),
        ([(990_000, FOREIGN)], {"sequence": 2, "version": 1}, None),
        ([(990_000, FOREIGN)], {"sequence": (1 << 22) | 2}, "non-BIP68-final"),
        ([(990_000, FOREIGN)], {"sequence": (1 << 22) | 1}, None),
        ([(990_000, script.Script(b"\x51\x51"))], {}, "scriptpubkey"),
        ([(990_000, script.Script(b""))], {}, "scriptpubkey"),
        ([(0, script.Script(b"\x6a\x04data")), (990_000, FOREIGN)], {}, None),
        ([(0, script.Script(b"\x6a\x4c\x51" + bytes(81))), (990_000, FOREIGN)], {}, "datacarrier"),
        ([(0, script.Script(b"\x6a")), (0, script.Script(b"\x6a")), (990_000, OWN)], {}, "multi-op-return"),
        ([(2**63, FOREIGN)], {}, "bad-txns-vout-negative"),
        ([(21_000_000 * 10**8 + 1, FOREIGN)], {}, "bad-txns-vout-toolarge"),
        ([(11_000_000 * 10**8, FOREIGN)] * 2, {}, "bad-txns-txouttotal-toolarge"),
    ],
)
def test_policy_and_consensus(engine, coin, outputs, fields, expected):
    raw = signed(unsigned(coin, *outputs, **fields))
    if expected is None:
        assert trial(engine, raw)["allowed"] is True
        engine.rpc("sendrawtransaction", [raw])
        engine.mine()
        assert engine.rpc("getrawmempool", []) == []
        return
    code, words = refusal(engine, raw)
    assert (code, words) == (-26, expected)
    assert trial(engine, raw)["reject-reason"] == expected.split(", ")[0]


def test_relative_locks_open_with_time(engine, coin):
    raw = signed(unsigned(coin, (990_000, FOREIGN), sequence=5))
    while engine.rpc("getblockcount", []) < 106:
        assert refusal(engine, raw) == (-26, "non-BIP68-final")
        engine.mine()
    engine.rpc("sendrawtransaction", [raw])
    other = engine.fund(addresses.address_of(REGTEST, OWN.data), FUNDS)
    by_time = signed(unsigned(other, (990_000, FOREIGN), sequence=(1 << 22) | 169))  # 86,528 seconds
    assert refusal(engine, by_time) == (-26, "non-BIP68-final")
    engine.advance(86_400)
    engine.mine(7)  # the median of eleven blocks
    engine.rpc("sendrawtransaction", [by_time])


def test_young_coinbase_coins(engine):
    address = addresses.address_of(REGTEST, OWN.data)
    (name,) = engine.rpc("generatetoaddress", [1, address])
    reward = engine.rpc("getblock", [name])["tx"][0]
    engine.mine(98)
    raw = signed(unsigned(reward, (4_999_000_000, FOREIGN)), 5_000_000_000)
    words = "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99"
    assert refusal(engine, raw) == (-26, words)
    engine.mine()
    engine.rpc("sendrawtransaction", [raw])


def test_fees_that_must_be_a_mistake_and_coins_that_would_burn(engine, coin):
    raw = signed(unsigned(coin, (1_000, FOREIGN)))
    engine_max = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"
    assert trial(engine, raw)["allowed"] is True  # 0.08 BTC for 1,000 virtual bytes, and 0.1 are the limit
    with pytest.raises(Rejected) as refused:
        engine.rpc("sendrawtransaction", [raw, "0.00100000"])
    assert (refused.value.node_code, refused.value.message) == (-25, engine_max)
    assert engine.rpc("testmempoolaccept", [[raw], "0.001"])[0]["reject-reason"] == "max-fee-exceeded"
    assert engine.rpc("getrawmempool", []) == []
    burn = signed(unsigned(coin, (10_000, script.Script(b"\x6a\x01a")), (980_000, FOREIGN)))
    code, words = refusal(engine, burn)
    assert (code, words) == (-25, "Unspendable output exceeds maximum configured by user (maxburnamount)")
    engine.rpc("sendrawtransaction", {"hexstring": burn, "maxburnamount": "0.0001"})


def test_replacement_by_fee(engine, coin):
    first = engine.rpc("sendrawtransaction", [signed(unsigned(coin, (990_000, OWN)))])
    child = engine.rpc("sendrawtransaction", [signed(unsigned(first, (980_000, FOREIGN)), 990_000)])
    assert engine.rpc("getmempoolentry", [child])["bip125-replaceable"] is True
    same_rate = unsigned(coin, (990_000, FOREIGN))
    code, words = refusal(engine, signed(same_rate))
    assert code == -26
    rates = "new feerate 0.00081967 BTC/kvB <= old feerate 0.00090909 BTC/kvB"
    assert words == f"insufficient fee, rejecting replacement {same_rate.txid().hex()}; {rates}"
    below_both = unsigned(coin, (981_000, FOREIGN))
    code, words = refusal(engine, signed(below_both))
    assert (code, words.partition(", less")[2]) == (-26, " fees than conflicting txs; 0.00019 < 0.0002")
    too_little_more = unsigned(coin, (979_950, FOREIGN))
    code, words = refusal(engine, signed(too_little_more))
    assert (code, words.partition("not enough ")[2]) == (-26, "additional fees to relay; 0.0000005 < 0.00000122")
    better = engine.rpc("sendrawtransaction", [signed(unsigned(coin, (970_000, FOREIGN)))])
    assert engine.rpc("getrawmempool", []) == [better]
    engine.mine()
    with pytest.raises(Rejected, match="No such mempool or blockchain transaction"):
        engine.rpc("getrawtransaction", [first])


def test_long_chains_of_waiting_transactions(engine, coin):
    txid, value = coin, FUNDS
    for _ in range(25):
        txid = engine.rpc("sendrawtransaction", [signed(unsigned(txid, (value - 1000, OWN)), value)])
        value -= 1000
    code, words = refusal(engine, signed(unsigned(txid, (value - 1000, OWN)), value))
    assert (code, words) == (-26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]")
    entry = engine.rpc("getmempoolentry", [txid])
    assert (entry["ancestorcount"], entry["descendantcount"]) == (25, 1)
    assert str(entry["fees"]["ancestor"]) == "0.00025000"
    engine.mine()
    assert engine.rpc("getrawmempool", []) == []


def test_what_is_no_transaction(engine, coin):
    raw = signed(unsigned(coin, (990_000, FOREIGN)))
    words = "TX decode failed. Make sure the tx has at least one input."
    for broken in ("", "zz", raw[:-2], raw + "00", "00", raw.replace("0001", "0002", 1), "02000000" + "00" * 6, "é"):
        assert refusal(engine, broken) == (-22, words)
    assert refusal(engine, "02000000000000000000") == (-22, words)


def test_a_package_is_tested_in_order(engine, coin):
    parent = unsigned(coin, (990_000, OWN))
    raws = [signed(parent), signed(unsigned(parent.txid().hex(), (980_000, FOREIGN)), 990_000)]
    assert [item["allowed"] for item in engine.rpc("testmempoolaccept", [raws])] == [True, True]
    assert [item["allowed"] for item in engine.rpc("testmempoolaccept", [raws[::-1]])] == [False, True]
    assert engine.rpc("getrawmempool", []) == []


def test_dust_is_the_networks_own():
    engine = BitcoinEngine(network("litecoin"), automine=False)
    try:
        row = network("litecoin")
        txid = engine.fund(addresses.address_of(row, OWN.data), FUNDS)
        code, words = refusal(engine, signed(unsigned(txid, (2_939, OWN), (900_000, FOREIGN))))
        assert (code, words) == (-26, "dust, tx with dust output must be 0-fee")
        engine.rpc("sendrawtransaction", [signed(unsigned(txid, (2_940, OWN), (900_000, FOREIGN)))])
    finally:
        engine.close()
