"""The Blockbook source: what it makes of right answers, and that no wrong shape passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multiwallet import Wallet
from multiwallet.chains.bitcoin import blockbook, core, sources
from multiwallet.chains.bitcoin.coins import Coin, Found, Unspent
from multiwallet.chains.bitcoin.script import script_for_key
from multiwallet.chains.bitcoin.transaction import OutPoint
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Rejected,
    Timeout,
    UnknownNetwork,
    Unreachable,
    Unsupported,
)
from multiwallet.ops import run
from multiwallet.registry import chain, network
from multiwallet.transactions import Status

KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
SCRIPT = script_for_key("p2pkh", KEY)
TXID, OTHER = "11" * 32, "22" * 32
DOGE = replace(network("dogecoin"), endpoints=("blockbook+https://blockbook.example",))
ADDRESS = chain(DOGE).address(DOGE, KEY)
STATUS = {"blockbook": {"bestHeight": 500}, "backend": {"blocks": 500}}


def told(operation, answers):
    """Run an operation with an answer for each path."""

    def perform(effects):
        return [answers[effect.path] for effect in effects]

    return run(operation, perform)


def look(address=None, utxo=None, status=STATUS):
    answers = {
        "api/v2": status,
        f"api/v2/address/{ADDRESS}": {"address": ADDRESS, "balance": "5", "txs": 1} if address is None else address,
        f"api/v2/utxo/{ADDRESS}": [{"txid": TXID, "vout": 1, "value": "5", "height": 7}] if utxo is None else utxo,
    }
    return told(blockbook.look(DOGE, (SCRIPT,)), answers)


def test_the_first_endpoint_names_the_source():
    assert sources.source_of(DOGE) is blockbook
    with pytest.raises(Unsupported, match="blockbook"):
        sources.source_of(replace(DOGE, endpoints=("electrum+https://x.example",)))


def test_unspent_outputs_and_used_addresses():
    found = look()
    assert found == Found(500, frozenset((SCRIPT,)), (Unspent(OutPoint(TXID, 1), 5, SCRIPT, 7),))
    waiting = look({"address": ADDRESS, "unconfirmedTxs": 1}, [{"txid": TXID, "vout": 0, "value": "9"}])
    assert waiting.unspent[0].height is None
    assert look({"address": ADDRESS, "balance": "0", "txs": 4}).unspent == ()
    assert look({}) == Found(500, frozenset(), ())


@pytest.mark.parametrize(
    "bad",
    [
        {"status": None},
        {"status": {"blockbook": {"bestHeight": "500"}}},
        {"status": {"blockbook": {"bestHeight": -1}}},
        {"status": []},
        {"address": []},
        {"address": {"address": "DGEX9JsfNuCCA3ovxAmUSM1GCea1BpY4Et", "txs": 0}},
        {"address": {"address": 5}},
        {"address": {"balance": 5, "txs": 1}},
        {"address": {"balance": "-5", "txs": 1}},
        {"address": {"balance": "1e9", "txs": 1}},
        {"address": {"balance": "9" * 19, "txs": 1}},
        {"address": {"txs": True}},
        {"utxo": {}},
        {"utxo": [5]},
        {"utxo": [{"txid": "11", "vout": 0, "value": "5"}]},
        {"utxo": [{"txid": TXID, "vout": -1, "value": "5"}]},
        {"utxo": [{"txid": TXID, "vout": 0, "value": 5}]},
        {"utxo": [{"txid": TXID, "vout": 0, "value": "0"}]},
        {"utxo": [{"txid": TXID, "vout": 0, "value": "5", "height": "7"}]},
    ],
)
def test_wrong_shapes_are_refused(bad):
    with pytest.raises(BadResponse):
        look(**bad)


def unknown(words="Transaction '11' not found", code=400):
    return Rejected(f"HTTP {code}", node_code=code, data={"error": words})


def place(answer):
    return told(blockbook.locate(DOGE, TXID), {f"api/v2/tx/{TXID}": answer})


def test_where_a_transaction_stands():
    assert place(unknown()).status is Status.UNKNOWN
    waiting = place({"txid": TXID, "blockHeight": -1, "fees": "7"})
    assert (waiting.status, waiting.confirmations, waiting.fee.units) == (Status.PENDING, 0, 7)
    done = place({"txid": TXID, "blockHeight": 9, "confirmations": 3, "fees": "7"})
    assert (done.status, done.block, done.confirmations) == (Status.CONFIRMED, 9, 3)
    with pytest.raises(Rejected):
        place(unknown("too many requests", 403))
    for bad in (None, [], {"txid": OTHER}, {"txid": TXID, "confirmations": "3"}, {"txid": TXID, "fees": 7}):
        with pytest.raises(BadResponse):
            place(bad)


def test_rates_and_branches():
    path = "api/v2/estimatefee/6"
    assert told(blockbook.rates(DOGE, 6), {path: {"result": "0.01234567"}}) == (1_234_567, 1_000_000)
    for nothing in ("-1", "0", "0.00000000"):
        assert told(blockbook.rates(DOGE, 6), {path: {"result": nothing}}) == (None, 1_000_000)
    for bad in ({"result": 1}, {"result": "1e400"}, {"result": "NaN"}, {}, None):
        with pytest.raises(BadResponse):
            told(blockbook.rates(DOGE, 6), {path: bad})

    def branch(backend):
        return told(blockbook.branch(DOGE), {"api/v2": {**STATUS, "backend": backend}})

    assert branch({"consensus": {"nextblock": "4dec4df0"}}) == 0x4DEC4DF0
    assert branch({}) is branch({"consensus": None}) is branch({"consensus": {}}) is None
    for bad in (None, {"consensus": {"nextblock": 5}}, {"consensus": {"nextblock": "4DEC4DF0"}}):
        with pytest.raises(BadResponse):
            branch(bad)


def test_who_is_mined_and_who_paid():
    young = Unspent(OutPoint(TXID, 0), 5, SCRIPT, 499)
    waiting = Unspent(OutPoint(OTHER, 0), 5, SCRIPT, None)
    old = Unspent(OutPoint("33" * 32, 0), 5, SCRIPT, 7)
    answers = {
        f"api/v2/tx/{TXID}": {"txid": TXID, "vin": [{"coinbase": "00"}]},
        f"api/v2/tx/{OTHER}": {"txid": OTHER, "vin": [{"txid": TXID, "addresses": [ADDRESS]}]},
    }
    found = Found(500, frozenset((SCRIPT,)), (young, waiting, old))
    settled = told(blockbook.settle(DOGE, found, {SCRIPT}, {}), answers)
    assert [(one.coinbase, one.own) for one in settled.unspent] == [(True, False), (False, True), (False, False)]
    for addresses in ([], None, ["DGEX9JsfNuCCA3ovxAmUSM1GCea1BpY4Et"], [ADDRESS, ADDRESS], [5], "x"):
        answers[f"api/v2/tx/{OTHER}"] = {"txid": OTHER, "vin": [{"txid": TXID, "addresses": addresses}]}
        assert not told(blockbook.settle(DOGE, found, {SCRIPT}, {}), answers).unspent[1].own


def test_a_coin_that_another_transaction_spent():
    outpoint = OutPoint(TXID, 1)

    def dead(output, depth=6):
        answers = {f"api/v2/tx/{TXID}": output, "api/v2": STATUS}
        return told(blockbook.spent_elsewhere(DOGE, outpoint, "33" * 32, depth), answers)

    def spent(by, height):
        return {"txid": TXID, "vout": [{"n": 0}, {"n": 1, "spent": True, "spentTxId": by, "spentHeight": height}]}

    assert dead(spent(OTHER, 495))
    assert not dead(spent(OTHER, 496))
    assert not dead(spent(OTHER, 0))
    assert not dead(spent("33" * 32, 400))
    assert not dead({"txid": TXID, "vout": [{"n": 1}]})
    assert not dead(unknown())


def test_broadcast_reads_the_wrapped_id_and_loses_no_answer():
    from multiwallet.chains.bitcoin.transaction import Transaction, TxIn, TxOut

    made = Transaction(2, [TxIn(bytes(36), b"\x51")], [TxOut(10**8, SCRIPT)])
    signed = chain(DOGE).parse_signed(DOGE, made.serialize())

    def send(answer):
        def perform(effects):
            (effect,) = effects
            assert (effect.method, effect.path, effect.text) == ("POST", "api/v2/sendtx/", made.serialize().hex())
            assert effect.broadcast
            assert effect.service == "blockbook"
            return [answer]

        return run(chain(DOGE).broadcast(DOGE, signed), perform)

    assert send({"result": signed.txid}).txid == signed.txid
    assert send(unknown("-27: transaction already in block chain")).txid == signed.txid
    with pytest.raises(BadResponse, match="answered the id"):
        send({"result": TXID})
    for lost in ({}, None, {"result": 5}, Timeout("late"), Unreachable("gone"), BadResponse("html")):
        with pytest.raises(BroadcastUncertain) as caught:
            send(lost)
        assert caught.value.txid == signed.txid
    with pytest.raises(Rejected):
        send(unknown("-26: 66: min relay fee not met"))


def test_the_transactions_that_made_coins():
    coin = Coin(OutPoint(TXID, 0), 5, SCRIPT, KEY)
    assert told(blockbook.previous(DOGE, [coin]), {f"api/v2/tx/{TXID}": {"txid": TXID, "hex": "00ff"}}) == [b"\0\xff"]
    for bad in ({}, {"hex": "0"}, None):
        with pytest.raises(BadResponse):
            told(blockbook.previous(DOGE, [coin]), {f"api/v2/tx/{TXID}": bad})


def test_identity_of_a_chain_that_split_off():
    """Bitcoin Cash shares Bitcoin's first blocks, so the first block of its own is asked for."""
    row = replace(network("bitcoin-cash"), endpoints=("blockbook+https://blockbook.example",))
    own = {"blockHash": row.params["genesis"]}
    told(chain(row).identify(row), {"api/v2/block-index/478559": own})
    bitcoins = {"blockHash": "00000000000000000019f112ec0a9982926f1258cdcc558dd7c3b7e5dc7fa148"}
    with pytest.raises(BadResponse, match="does not serve Bitcoin Cash"):
        told(chain(row).identify(row), {"api/v2/block-index/478559": bitcoins})


def test_a_node_that_cannot_look_for_scripts_is_said_to_be_one():
    """Dogecoin Core 1.14 and Zebra have no scantxoutset."""
    with pytest.raises(Unsupported, match="Dogecoin cannot look for scripts.*blockbook"):
        run(core.look(DOGE, (SCRIPT,)), lambda effects: [Rejected("Method not found", node_code=-32601)])


def test_coins_with_tokens_of_bitcoin_cash_are_left_alone():
    row = network("bitcoin-cash")
    entry = {"txid": TXID, "vout": 0, "scriptPubKey": SCRIPT.hex(), "amount": 1, "height": 7}
    token = {**entry, "vout": 1, "tokenData": {"category": OTHER}}
    answer = {"success": True, "height": 9, "unspents": [entry, token]}
    found = run(core.look(row, (SCRIPT,)), lambda effects: [answer for _ in effects])
    assert [output.outpoint.index for output in found.unspent] == [0]


def test_the_row_of_dogecoin_works_on_the_devnet_as_it_stands():
    words = "test test test test test test test test test test test junk"
    with Devnet() as devnet, Wallet.from_mnemonic(words, transport=devnet) as wallet:
        account = wallet.account("doge")
        devnet.fund(account, "3")
        assert account.send(to=account.address, amount="max").wait().confirmations >= 1
        with pytest.raises(UnknownNetwork):
            wallet.account("dogecoins")
        (missing,) = devnet.perform([blockbook._get(account.network, "api/v2/nothing")])
        assert isinstance(missing, Rejected)
        (wrong,) = devnet.perform([blockbook._get(account.network, "api/v2/address/x")])
        assert wrong.node_code == 400
