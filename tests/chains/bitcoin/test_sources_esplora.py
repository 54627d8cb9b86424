"""Esplora as a source, from scripted answers: what is asked, what is made of it, and hostile answers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from multiwallet.chains.bitcoin import esplora, sources
from multiwallet.chains.bitcoin.addresses import address_of
from multiwallet.chains.bitcoin.coins import Coin, Found, Unspent
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    RateLimited,
    Rejected,
    Timeout,
    Unsupported,
)
from multiwallet.ops import Rest, run
from multiwallet.registry import network
from multiwallet.transactions import SignedTransaction, Status

ROW = network("bitcoin")
SCRIPT = b"\x00\x14" + bytes(20)
OTHER = b"\x00\x14" + bytes([7]) * 20
ADDRESS = address_of(ROW, SCRIPT)
TXID = "ab" * 32
MISSING = Rejected("refused with HTTP status 404: Transaction not found", node_code=404, data="Transaction not found")
GARBAGE = [None, "<html>", "", "zz", True, -1, 1.5, [], {}, {"a": 1}, [None], Decimal("NaN"), BadResponse("HTML")]


def play(operation, *batches):
    """Run an operation on scripted answers; returns its result and the paths asked in each batch."""
    asked, answers = [], list(batches)

    def perform(effects):
        assert all(isinstance(effect, Rest) and effect.service == "" for effect in effects)
        asked.append([effect.path for effect in effects])
        answer = answers.pop(0)
        return answer(effects) if callable(answer) else answer

    result = run(operation, perform)
    assert not answers, "answers were left over"
    return result, asked


def always(answer):
    return lambda effects: [answer for _ in effects]


def stats(address=ADDRESS, *, funded=1, spent=0, count=1, unconfirmed=0):
    return {
        "address": address,
        "chain_stats": {"funded_txo_count": funded, "spent_txo_count": spent, "tx_count": count, "funded_txo_sum": 5},
        "mempool_stats": {"funded_txo_count": unconfirmed, "spent_txo_count": 0, "tx_count": unconfirmed},
    }


def entry(**changes):
    return {"txid": TXID, "vout": 1, "status": {"confirmed": True, "block_height": 90}, "value": 5000} | changes


def transaction(txid=TXID, *, height=None, prevouts=(SCRIPT,), coinbase=False, **changes):
    status = {"confirmed": False} if height is None else {"confirmed": True, "block_height": height, "block_hash": TXID}
    vin = [{"is_coinbase": False, "prevout": {"scriptpubkey": s.hex(), "value": 1}} for s in prevouts]
    if coinbase:
        vin = [{"is_coinbase": True, "prevout": None}]
    return {"txid": txid, "vin": vin, "status": status, "fee": 141} | changes


def test_identify():
    _, asked = play(sources.identify(ROW), [ROW.params["genesis"] + "\n"])
    assert asked == [["block-height/0"]]
    with pytest.raises(BadResponse, match="does not serve Bitcoin"):
        play(sources.identify(ROW), [network("bitcoin-testnet").params["genesis"]])


@pytest.mark.parametrize("answer", GARBAGE)
def test_identify_refuses_garbage(answer):
    with pytest.raises(BadResponse):
        run(sources.identify(ROW), always(answer))


def test_look_asks_for_coins_only_where_there_are_some():
    other = address_of(ROW, OTHER)
    third = b"\x51\x20" + bytes.fromhex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
    found, asked = play(
        esplora.look(ROW, [SCRIPT, OTHER, third]),
        [100, stats(), stats(other, funded=2, spent=2, count=4), stats(address_of(ROW, third), funded=0, count=0)],
        [[entry(), entry(vout=2, status={"confirmed": False})]],
    )
    assert asked == [
        ["blocks/tip/height", *(f"address/{address_of(ROW, s)}" for s in (SCRIPT, OTHER, third))],
        [f"address/{ADDRESS}/utxo"],
    ]
    assert found == Found(
        100,
        frozenset([SCRIPT, OTHER]),
        (Unspent(OutPoint(TXID, 1), 5000, SCRIPT, 90), Unspent(OutPoint(TXID, 2), 5000, SCRIPT, None)),
    )


def test_look_needs_an_address():
    with pytest.raises(Unsupported, match="address"):
        run(esplora.look(ROW, [b"\x51"]), always(1))


@pytest.mark.parametrize(
    "answer",
    [
        *GARBAGE,
        stats(address_of(ROW, OTHER)),
        stats(funded=-1),
        stats(count=None),
        stats(spent=1.0),
        stats() | {"mempool_stats": None},
        stats() | {"chain_stats": []},
    ],
)
def test_look_refuses_garbage_about_an_address(answer):
    with pytest.raises(BadResponse):
        play(esplora.look(ROW, [SCRIPT]), [100, answer])


@pytest.mark.parametrize(
    "answer",
    [
        *(answer for answer in GARBAGE if answer != []),
        [entry(txid="ab")],
        [entry(vout=-1)],
        [entry(vout=True)],
        [entry(value=0)],
        [entry(value=-5)],
        [entry(value=2**63)],
        [entry(value=Decimal("5000.0"))],
        [entry(value="5000")],
        [entry(status=None)],
        [entry(status={})],
        [entry(status={"confirmed": "yes"})],
        [entry(status={"confirmed": True})],
        [entry(status={"confirmed": True, "block_height": -1})],
    ],
)
def test_look_refuses_garbage_about_coins(answer):
    with pytest.raises(BadResponse):
        play(esplora.look(ROW, [SCRIPT]), [100, stats()], [answer])


@pytest.mark.parametrize("answer", GARBAGE)
def test_look_refuses_a_strange_tip(answer):
    with pytest.raises(BadResponse):
        play(esplora.look(ROW, [SCRIPT]), [answer, stats(funded=0)])


def test_settle_asks_about_young_coins_only():
    def unspent(number, height):
        return Unspent(OutPoint(f"{number:02x}" * 32, 0), 1000, SCRIPT, height)

    old, known, young, ours, foreign = (
        unspent(1, 1),
        unspent(2, 950),
        unspent(3, 901),
        unspent(4, None),
        unspent(5, None),
    )
    edge = unspent(6, 900)  # 101 confirmations: nothing there can be too young
    found = Found(1000, frozenset([SCRIPT]), (old, known, young, ours, foreign, edge))
    result, asked = play(
        esplora.settle(ROW, found, {SCRIPT, OTHER}, {known.outpoint: True}),
        [
            transaction("04" * 32, prevouts=(SCRIPT, OTHER)),
            transaction("05" * 32, prevouts=(SCRIPT, b"\x51")),
        ],
    )
    assert asked == [["tx/" + "04" * 32, "tx/" + "05" * 32]]
    assert result.unspent == (old, known._replace(coinbase=True), young, ours._replace(own=True), foreign, edge)
    result, asked = play(
        esplora.settle(ROW, Found(1000, frozenset(), (unspent(7, 902),)), {SCRIPT}, {}),
        [transaction("07" * 32, height=902, coinbase=True)],
    )
    assert result.unspent == (unspent(7, 902)._replace(coinbase=True),)


@pytest.mark.parametrize(
    "answer",
    [
        *GARBAGE,
        transaction("cd" * 32),
        transaction() | {"vin": None},
        transaction() | {"vin": [None]},
        transaction() | {"vin": [{"is_coinbase": False, "prevout": None}]},
        transaction() | {"vin": [{"prevout": {"scriptpubkey": 5}}]},
        MISSING,
    ],
)
def test_settle_refuses_garbage(answer):
    found = Found(1000, frozenset(), (Unspent(OutPoint(TXID, 0), 1000, SCRIPT, None),))
    with pytest.raises(Rejected if answer is MISSING else BadResponse):
        play(esplora.settle(ROW, found, {SCRIPT}, {}), [answer])


def test_seen_and_status():
    states, asked = play(
        esplora.seen(ROW, [TXID, "cd" * 32, "ef" * 32]),
        [transaction(), transaction("cd" * 32, height=9), MISSING],
    )
    assert states == [Status.PENDING, Status.CONFIRMED, Status.UNKNOWN]
    assert asked == [[f"tx/{TXID}", "tx/" + "cd" * 32, "tx/" + "ef" * 32]]
    receipt, asked = play(sources.status(ROW, TXID), [transaction(height=98), 100])
    assert asked == [[f"tx/{TXID}", "blocks/tip/height"]]
    assert (receipt.status, receipt.block, receipt.confirmations, receipt.final) == (Status.CONFIRMED, 98, 3, False)
    assert receipt.fee.units == 141
    assert play(sources.status(ROW, TXID), [transaction(height=98), 97])[0].confirmations == 1
    assert play(sources.status(ROW, TXID), [transaction(), 100])[0].status is Status.PENDING
    assert play(sources.status(ROW, TXID), [MISSING, 100])[0].status is Status.UNKNOWN


@pytest.mark.parametrize(
    "answer", [*GARBAGE, transaction("cd" * 32), transaction(status=None), transaction(fee=-1), transaction(fee="1")]
)
def test_status_refuses_garbage(answer):
    with pytest.raises(BadResponse):
        play(sources.status(ROW, TXID), [answer, 100])
    with pytest.raises(BadResponse):
        play(sources.status(ROW, TXID), [transaction(height=1), None])


def test_previous():
    def coin(txid, index):
        return Coin(OutPoint(txid, index), 1, SCRIPT, b"")

    result, asked = play(
        esplora.previous(ROW, [coin("01" * 32, 0), coin("02" * 32, 0), coin("01" * 32, 1)]), ["0a0b\n", "0c"]
    )
    assert asked == [["tx/" + "01" * 32 + "/hex", "tx/" + "02" * 32 + "/hex"]]
    assert result == [b"\x0a\x0b", b"\x0c", b"\x0a\x0b"]
    for answer in (answer for answer in GARBAGE if answer != ""):
        with pytest.raises(BadResponse):
            play(esplora.previous(ROW, [coin("01" * 32, 0)]), [answer])


@pytest.mark.parametrize(
    ("target", "rate"), [(2, 30_001), (6, 20_000), (7, 20_000), (144, 1_500), (1, 30_001), (5000, 1_000)]
)
def test_rates_take_the_nearest_estimate_that_is_soon_enough(target, rate):
    estimates = {"2": Decimal("30.0001"), "6": 20, "144": Decimal("1.5"), "1008": 1}
    assert play(esplora.rates(ROW, target), [estimates])[0] == (rate, 1000)


def test_rates_of_a_quiet_network():
    assert play(esplora.rates(ROW, 6), [{}])[0] == (None, 1000)


@pytest.mark.parametrize(
    "answer",
    [
        *(answer for answer in GARBAGE if answer != {}),
        {"six": 1},
        {"6": None},
        {"6": "20"},
        {"6": 20.5},
        {"6": -1},
        {"6": Decimal("Infinity")},
        {"6": Decimal("1e400000")},
        {"9" * 5000: 1},
        {"٣": 1},
    ],
)
def test_rates_refuse_garbage(answer):
    with pytest.raises(BadResponse):
        play(esplora.rates(ROW, 6), [answer])


# -- broadcast ------------------------------------------------------------------------------------------


def signed():
    made = Transaction(2, [TxIn(bytes(36), b"", 1, (b"x",))], [TxOut(900, SCRIPT)])
    return SignedTransaction(None, ROW, made.serialize(), made.txid)


def refused(code, words):
    text = f'sendrawtransaction RPC error: {{"code":{code},"message":"{words}"}}'
    return Rejected(f"https://example.org/… refused with HTTP status 400: {text}", node_code=400, data=text)


def test_broadcast_posts_the_hex_once():
    ready = signed()
    effects = []

    def perform(batch):
        effects.extend(batch)
        return [ready.txid]

    assert run(sources.broadcast(ROW, ready), perform).txid == ready.txid
    assert effects == [Rest(ROW.id, "POST", "tx", text=ready.hex(), expect="text", broadcast=True)]


@pytest.mark.parametrize(
    "answer",
    [
        refused(-27, "Transaction already in block chain"),
        refused(-27, "Transaction outputs already in utxo set"),
        refused(-26, "txn-already-known"),
        refused(-26, "txn-already-in-mempool"),
        Rejected("refused", node_code=400, data={"code": -27, "message": "anything"}),
        Rejected("refused", node_code=400, data="Transaction already in block chain"),
    ],
)
def test_already_known_is_success(answer):
    assert play(sources.broadcast(ROW, signed()), [answer])[0].status is Status.PENDING


@pytest.mark.parametrize(
    "answer",
    [
        refused(-26, "min relay fee not met, 0 < 141"),
        refused(-26, "txn-mempool-conflict"),
        refused(-22, "TX decode failed"),
        Rejected("refused with HTTP status 413", node_code=413, data="x" * 100_000),
        Rejected("refused", node_code=400, data="{" * 5000),
        Rejected("refused", node_code=400, data='{"code": true, "message": 5}'),
        Rejected("refused", node_code=400, data=["a"]),
        RateLimited("slow down"),
    ],
)
def test_a_refusal_is_told(answer):
    with pytest.raises(Rejected):
        play(sources.broadcast(ROW, signed()), [answer])


def test_missing_inputs_may_mean_that_it_was_mined_long_ago():
    ready, missing = signed(), refused(-25, "bad-txns-inputs-missingorspent")
    mined = transaction(ready.txid, height=5)
    assert play(sources.broadcast(ROW, ready), [missing], [mined, 10])[0].status is Status.CONFIRMED
    with pytest.raises(Rejected, match="missingorspent"):
        play(sources.broadcast(ROW, ready), [missing], [MISSING, 10])


@pytest.mark.parametrize("answer", [Timeout("late"), BadResponse("HTTP status 502"), None, {}, 12, "", "<html>"])
def test_no_answer_is_uncertain(answer):
    ready = signed()
    with pytest.raises(BroadcastUncertain) as error:
        play(sources.broadcast(ROW, ready), [answer])
    assert error.value.txid == ready.txid


def test_another_id_is_a_bad_response():
    with pytest.raises(BadResponse, match="these bytes"):
        play(sources.broadcast(ROW, signed()), ["ab" * 32])
