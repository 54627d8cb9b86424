"""Bitcoin Core as a source, from scripted answers: what is asked, what is made of it, and hostile answers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from multiwallet.chains.bitcoin import core, sources
from multiwallet.chains.bitcoin.coins import Coin, Found, Unspent
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    InputError,
    InvalidTransaction,
    Rejected,
    Timeout,
    Unreachable,
    Unsupported,
)
from multiwallet.ops import Rpc, Sleep, run
from multiwallet.registry import network
from multiwallet.transactions import SignedTransaction, Status

ROW = network("bitcoin").with_endpoints(["core+http://user:pass@127.0.0.1:8332"])
SCRIPT = b"\x00\x14" + bytes(20)
OTHER = b"\x00\x14" + bytes([7]) * 20
TXID = "ab" * 32
BLOCK = "cd" * 32
NOT_FOUND = Rejected("the node refused: No such mempool or blockchain transaction", node_code=-5)

# What stands for a node that is none, or a broken one.
GARBAGE = [None, "<html>", "", "zz", True, -1, 1.5, [], {}, {"a": 1}, [None], Decimal("NaN"), BadResponse("HTML")]


def play(operation, *batches):
    """Run an operation on scripted answers; returns its result and the effects of each batch."""
    asked, answers = [], list(batches)

    def perform(effects):
        asked.append(list(effects))
        answer = answers.pop(0)
        return answer(effects) if callable(answer) else answer

    result = run(operation, perform)
    assert not answers, "answers were left over"
    return result, asked


def always(answer):
    def perform(effects):
        return [None if isinstance(effect, Sleep) else answer for effect in effects]

    return perform


def calls(effects):
    assert all(isinstance(effect, Rpc) and effect.service == "core" and effect.network == ROW.id for effect in effects)
    return [(effect.method, *effect.params) for effect in effects]


def unspent_entry(**changes):
    entry = {"txid": TXID, "vout": 1, "scriptPubKey": SCRIPT.hex(), "amount": Decimal("0.10000001"), "height": 90}
    return entry | {"desc": "addr(...)"} | changes


def scan_answer(*entries, **changes):
    return {"success": True, "txouts": 9, "height": 100, "bestblock": BLOCK, "unspents": list(entries)} | changes


def test_the_first_endpoint_decides():
    assert sources.source_of(ROW) is core
    assert sources.source_of(ROW.with_endpoints(["https://example.org/api"])).__name__.endswith("esplora")
    assert sources.source_of(ROW.with_endpoints([])).__name__.endswith("esplora")
    with pytest.raises(Unsupported, match="electrum"):
        sources.source_of(ROW.with_endpoints(["electrum+tcp://example.org"]))


def test_identify():
    _, asked = play(sources.identify(ROW), [ROW.params["genesis"].upper()])
    assert calls(asked[0]) == [("getblockhash", 0)]
    with pytest.raises(BadResponse, match=r"does not serve Bitcoin.*0f9188f1.*000000000019d668"):
        play(sources.identify(ROW), ["0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"])


@pytest.mark.parametrize("answer", GARBAGE)
def test_identify_refuses_garbage(answer):
    with pytest.raises(BadResponse):
        run(sources.identify(ROW), always(answer))


def test_look_scans_the_output_set():
    found, asked = play(core.look(ROW, [SCRIPT, OTHER]), [scan_answer(unspent_entry())])
    assert calls(asked[0]) == [("scantxoutset", "start", [f"raw({SCRIPT.hex()})", f"raw({OTHER.hex()})"])]
    assert found == Found(100, frozenset([SCRIPT]), (Unspent(OutPoint(TXID, 1), 10_000_001, SCRIPT, 90),))


def test_look_waits_for_another_scan():
    busy = Rejected('the node refused: Scan already in progress, use action "abort" or "status"', node_code=-8)
    found, asked = play(core.look(ROW, [SCRIPT]), [busy], [None], [busy], [None], [scan_answer()])
    assert found.unspent == ()
    assert [type(batch[0]) for batch in asked] == [Rpc, Sleep, Rpc, Sleep, Rpc]
    with pytest.raises(Rejected, match="in progress"):
        run(core.look(ROW, [SCRIPT]), always(busy))


@pytest.mark.parametrize(
    "answer",
    [
        *GARBAGE,
        scan_answer(success=False),
        scan_answer(height=-1),
        scan_answer(height=None),
        scan_answer(unspents=None),
        scan_answer(None),
        scan_answer(unspent_entry(amount=0.1)),
        scan_answer(unspent_entry(amount="0.1")),
        scan_answer(unspent_entry(amount=Decimal("-0.1"))),
        scan_answer(unspent_entry(amount=Decimal("0.000000001"))),
        scan_answer(unspent_entry(amount=Decimal("1e999999"))),
        scan_answer(unspent_entry(amount=Decimal("1e-999999"))),
        scan_answer(unspent_entry(amount=Decimal("Infinity"))),
        scan_answer(unspent_entry(amount=Decimal("0.1") + Decimal("1e-27"))),
        scan_answer(unspent_entry(txid="ab")),
        scan_answer(unspent_entry(txid=None)),
        scan_answer(unspent_entry(vout=True)),
        scan_answer(unspent_entry(vout=2**32)),
        scan_answer(unspent_entry(height=101)),
        scan_answer(unspent_entry(scriptPubKey=OTHER.hex())),
        scan_answer(unspent_entry(scriptPubKey="xyz")),
    ],
)
def test_look_refuses_garbage(answer):
    with pytest.raises(BadResponse):
        run(core.look(ROW, [SCRIPT]), always(answer))


def test_amounts_are_exact():
    entry = unspent_entry(amount=Decimal("20999999.97690000"))
    found, _ = play(core.look(ROW, [SCRIPT]), [scan_answer(entry)])
    assert found.unspent[0].amount == 2_099_999_997_690_000
    found, _ = play(core.look(ROW, [SCRIPT]), [scan_answer(unspent_entry(amount=50))])
    assert found.unspent[0].amount == 5_000_000_000


def spending(*prevouts, outputs):
    return Transaction(2, [TxIn(point.raw, b"", 0xFFFFFFFD, (b"x",)) for point in prevouts], outputs)


def test_settle_takes_out_what_the_mempool_spends_and_reads_a_small_one():
    points = [OutPoint("01" * 32, 0), OutPoint("02" * 32, 0), OutPoint("03" * 32, 0)]
    found = Found(100, frozenset([SCRIPT]), tuple(Unspent(point, 1000, SCRIPT, 90) for point in points))
    ours = spending(points[2], outputs=[TxOut(600, OTHER), TxOut(300, b"\x51")])
    chained = spending(OutPoint(ours.txid, 0), outputs=[TxOut(500, OTHER)])
    foreign = spending(OutPoint("09" * 32, 0), outputs=[TxOut(77, SCRIPT)])
    mempool = [chained, foreign, ours]
    result, asked = play(
        core.settle(ROW, found, {SCRIPT, OTHER}, {}),
        [
            {"size": 3},
            {"coinbase": True, "value": Decimal("0.00001000"), "confirmations": 11},
            {"coinbase": False, "value": Decimal("0.00001000"), "confirmations": 11},
            None,
        ],
        [[t.txid for t in mempool] + ["0f" * 32]],
        [t.serialize().hex() for t in mempool] + [NOT_FOUND],
    )
    assert calls(asked[0])[:2] == [("getmempoolinfo",), ("gettxout", "01" * 32, 0, True)]
    assert result.unspent == (
        Unspent(points[0], 1000, SCRIPT, 90, coinbase=True),
        Unspent(points[1], 1000, SCRIPT, 90),
        Unspent(OutPoint(chained.txid, 0), 500, OTHER, None, own=True),
        Unspent(OutPoint(foreign.txid, 0), 77, SCRIPT, None),
    )
    assert result.used == {SCRIPT, OTHER}


def test_settle_leaves_a_full_mempool_alone():
    found = Found(100, frozenset(), ())
    assert play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 501}])[0] == found
    grown = play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 500}], [["ab" * 32] * 1001])[0]
    assert grown.unspent == ()


@pytest.mark.parametrize("answer", GARBAGE)
def test_settle_refuses_garbage(answer):
    found = Found(100, frozenset([SCRIPT]), (Unspent(OutPoint(TXID, 0), 1000, SCRIPT, 90),))
    good = {"coinbase": False, "value": Decimal("0.00001")}
    with pytest.raises(BadResponse):
        play(core.settle(ROW, found, {SCRIPT}, {}), [answer, good])
    if answer is not None:  # None says that the coin is spent
        with pytest.raises(BadResponse):
            play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 0}, answer])
    if answer != []:
        with pytest.raises(BadResponse):
            play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 1}, good], [answer])
    with pytest.raises(BadResponse):
        play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 1}, good], [[TXID]], [answer])


def test_two_calls_must_tell_the_same_amount():
    found = Found(100, frozenset([SCRIPT]), (Unspent(OutPoint(TXID, 0), 1000, SCRIPT, 90),))
    for value in (Decimal("0.00000999"), Decimal("0.00001001"), 0):
        with pytest.raises(BadResponse, match="as scantxoutset told it"):
            play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 0}, {"coinbase": False, "value": value}])


def test_a_mempool_transaction_must_have_its_id_and_a_form_of_a_fork_is_skipped():
    found = Found(100, frozenset(), ())
    other = spending(OutPoint("01" * 32, 0), outputs=[TxOut(1, SCRIPT)]).serialize().hex()
    with pytest.raises(BadResponse, match="the transaction abab"):
        play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 1}], [[TXID]], [other])
    mweb = "02000000" + "0008" + "00" * 40
    assert play(core.settle(ROW, found, {SCRIPT}, {}), [{"size": 1}], [[TXID]], [mweb])[0].unspent == ()


def test_seen():
    states, asked = play(core.seen(ROW, [TXID, "ef" * 32]), [{"fees": {}}, NOT_FOUND])
    assert states == [Status.PENDING, Status.UNKNOWN]
    assert calls(asked[0])[0] == ("getmempoolentry", TXID)
    for answer in (Timeout("late"), Rejected("warming up", node_code=-28)):
        with pytest.raises(type(answer)):
            play(core.seen(ROW, [TXID]), [answer])


def test_previous_finds_transactions_by_their_block():
    def coin(txid, index, height):
        return Coin(OutPoint(txid, index), 1, SCRIPT, b"", None, height)

    coins = [coin("01" * 32, 0, 5), coin("02" * 32, 0, None), coin("01" * 32, 3, 5), coin("03" * 32, 0, 4)]
    result, asked = play(core.previous(ROW, coins), ["04" * 32, "05" * 32], ["0101", "0202", "0303"])
    assert calls(asked[0]) == [("getblockhash", 4), ("getblockhash", 5)]
    assert calls(asked[1]) == [
        ("getrawtransaction", "01" * 32, False, "05" * 32),
        ("getrawtransaction", "02" * 32, False),
        ("getrawtransaction", "03" * 32, False, "04" * 32),
    ]
    assert result == [b"\1\1", b"\2\2", b"\1\1", b"\3\3"]


def test_previous_that_was_pruned():
    coins = [Coin(OutPoint(TXID, 0), 1, SCRIPT, b"", None, 5)]
    pruned = Rejected("Block not available (pruned data)", node_code=-1)
    assert play(core.previous(ROW, coins), ["04" * 32], [pruned])[0] == [None]
    for answer in (NOT_FOUND, Timeout("late"), Rejected("Block not found on disk", node_code=-1)):
        with pytest.raises(type(answer)):
            play(core.previous(ROW, coins), ["04" * 32], [answer])


def test_rates_and_a_node_without_data():
    info = {"mempoolminfee": Decimal("0.00001000"), "minrelaytxfee": Decimal("0.00002000")}
    rates, asked = play(core.rates(ROW, 6), [{"feerate": Decimal("0.00012345"), "blocks": 6}, info])
    assert rates == (12345, 2000)
    assert calls(asked[0]) == [("estimatesmartfee", 6), ("getmempoolinfo",)]
    assert play(core.rates(ROW, 6), [{"errors": ["Insufficient data"], "blocks": 0}, info])[0] == (None, 2000)


@pytest.mark.parametrize("answer", [*GARBAGE, {"feerate": 0.1}, {"feerate": Decimal("-1")}, {"feerate": "1"}])
def test_rates_refuse_garbage(answer):
    info = {"mempoolminfee": Decimal("0.00001000")}
    if not (isinstance(answer, dict) and "feerate" not in answer):  # an object without a rate: no data
        with pytest.raises(BadResponse):
            play(core.rates(ROW, 6), [answer, info])
    with pytest.raises(BadResponse):
        play(core.rates(ROW, 6), [{}, answer])


# -- status ---------------------------------------------------------------------------------------------


def nothing(effects):
    return [NOT_FOUND, NOT_FOUND, *[None] * (len(effects) - 2)]


def test_status_of_an_unknown_transaction_says_what_the_node_cannot_know():
    receipt, asked = play(sources.status(ROW, TXID.upper()), nothing)
    assert (receipt.status, receipt.txid) == (Status.UNKNOWN, TXID)
    assert "txindex" in receipt.reason
    assert calls(asked[0])[:3] == [
        ("getrawtransaction", TXID, 2),
        ("getmempoolentry", TXID),
        ("gettxout", TXID, 0, True),
    ]


def test_status_in_the_mempool():
    for entry in ({"fees": {"base": Decimal("0.00000141")}}, {"fee": Decimal("0.00000141")}):
        answers = [{"txid": TXID}, entry, *[None] * 10]
        receipt, _ = play(sources.status(ROW, TXID), answers)
        assert (receipt.status, receipt.fee.units) == (Status.PENDING, 141)


def test_status_with_an_index():
    known = {"txid": TXID, "blockhash": BLOCK, "confirmations": 3, "fee": Decimal("0.00000200")}
    header = {"height": 98, "confirmations": 3}
    receipt, asked = play(sources.status(ROW, TXID), [known, NOT_FOUND, *[None] * 10], [header])
    assert calls(asked[1]) == [("getblockheader", BLOCK)]
    assert (receipt.status, receipt.block, receipt.confirmations) == (Status.CONFIRMED, 98, 3)
    assert receipt.fee.units == 200
    assert not receipt.final
    stale = [known, NOT_FOUND, *[None] * 10]
    receipt, _ = play(sources.status(ROW, TXID), stale, [{"height": 98, "confirmations": -1}])
    assert receipt.status is Status.PENDING


def test_status_without_an_index_is_told_by_an_unspent_output():
    output = {"bestblock": BLOCK, "confirmations": 5, "value": Decimal(1), "coinbase": False}
    answers = [NOT_FOUND, NOT_FOUND, None, None, output, *[None] * 7]
    receipt, asked = play(
        sources.status(ROW, TXID),
        answers,
        [{"height": 100, "confirmations": 1}],
        [BLOCK],
        [{"fee": Decimal("0.000003")}],
    )
    assert calls(asked[2]) == [("getblockhash", 96)]
    assert calls(asked[3]) == [("getrawtransaction", TXID, 2, BLOCK)]
    assert (receipt.status, receipt.block, receipt.confirmations) == (Status.CONFIRMED, 96, 5)
    assert receipt.fee.units == 300
    pending = [NOT_FOUND, NOT_FOUND, output | {"confirmations": 0}, *[None] * 9]
    assert play(sources.status(ROW, TXID), pending)[0].status is Status.PENDING
    pruned = Rejected("the node refused: Block not available (pruned data)", node_code=-1)
    receipt, _ = play(sources.status(ROW, TXID), answers, [{"height": 100, "confirmations": 1}], [BLOCK], [pruned])
    assert receipt.fee is None


@pytest.mark.parametrize("answer", [answer for answer in GARBAGE if answer is not None])
def test_status_refuses_garbage(answer):
    with pytest.raises(BadResponse):
        run(sources.status(ROW, TXID), always(answer))
    with pytest.raises(BadResponse):
        play(sources.status(ROW, TXID), [answer, NOT_FOUND, *[None] * 10])
    with pytest.raises(BadResponse):
        play(sources.status(ROW, TXID), [NOT_FOUND, NOT_FOUND, answer, *[None] * 9])


@pytest.mark.parametrize("txid", ["", "ab", "0x" + TXID, TXID + "00", "zz" * 32, None, 7, b"\0" * 32, "٣" * 64])
def test_status_refuses_what_is_no_txid(txid):
    with pytest.raises(InputError):
        run(sources.status(ROW, txid), always(None))


# -- broadcast ------------------------------------------------------------------------------------------


def signed(complete=True):
    transaction = spending(OutPoint("01" * 32, 0), outputs=[TxOut(900, SCRIPT)])
    return SignedTransaction(None, ROW, transaction.serialize(), transaction.txid, complete)


def test_broadcast():
    ready = signed()
    receipt, asked = play(sources.broadcast(ROW, ready), [ready.txid])
    assert calls(asked[0]) == [("sendrawtransaction", ready.hex())]
    assert asked[0][0].broadcast
    assert (receipt.txid, receipt.status) == (ready.txid, Status.PENDING)
    with pytest.raises(InvalidTransaction):
        play(sources.broadcast(ROW, signed(complete=False)))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-27, "Transaction already in block chain"),
        (-27, "Transaction outputs already in utxo set"),
        (-26, "txn-already-in-mempool"),
        (-26, "txn-already-known (code 18)"),
        (-26, "txn-same-nonwitness-data-in-mempool"),
    ],
)
def test_already_known_is_success(code, words):
    ready = signed()
    receipt, asked = play(sources.broadcast(ROW, ready), [Rejected(f"the node refused: {words}", node_code=code)])
    assert receipt.txid == ready.txid
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-26, "min relay fee not met, 10 < 110"),
        (-26, "dust"),
        (-26, "mandatory-script-verify-flag-failed (unknown)"),
        (-26, "txn-mempool-conflict"),
        (-26, "insufficient fee, rejecting replacement abab"),
        (-22, "TX decode failed"),
        (-28, "Loading block index..."),
    ],
)
def test_a_refusal_is_told(code, words):
    with pytest.raises(Rejected, match=words.split(",")[0].split("(")[0].strip()) as refused:
        play(sources.broadcast(ROW, signed()), [Rejected(f"the node refused: {words}", node_code=code)])
    assert refused.value.node_code == code


def test_missing_inputs_may_mean_that_it_was_mined_long_ago():
    ready, missing = signed(), Rejected("the node refused: bad-txns-inputs-missingorspent", node_code=-25)
    known = {"txid": ready.txid, "blockhash": BLOCK}
    receipt, _ = play(
        sources.broadcast(ROW, ready),
        [missing],
        [known, NOT_FOUND, *[None] * 10],
        [{"height": 9, "confirmations": 700}],
    )
    assert (receipt.status, receipt.confirmations) == (Status.CONFIRMED, 700)
    with pytest.raises(Rejected, match="missingorspent"):
        play(sources.broadcast(ROW, ready), [missing], nothing)
    with pytest.raises(Rejected, match="missingorspent"):
        play(sources.broadcast(ROW, ready), [missing], always(Timeout("late")))


@pytest.mark.parametrize("answer", [Timeout("late"), Unreachable("gone"), BadResponse("HTML"), None, {}, 5, "<html>"])
def test_no_answer_is_uncertain(answer):
    ready = signed()
    with pytest.raises(BroadcastUncertain) as error:
        play(sources.broadcast(ROW, ready), [answer])
    assert error.value.txid == ready.txid


def test_another_id_is_a_bad_response():
    with pytest.raises(BadResponse, match="these bytes"):
        play(sources.broadcast(ROW, signed()), ["ab" * 32])
