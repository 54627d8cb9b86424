"""What nodes answer: sending, following, balances and jettons, and answers that are wrong on purpose."""

from __future__ import annotations

import pytest
from ton_node import NOW, b64, bag, included, number, written

from multiwallet import Amount, Asset, network
from multiwallet.chains.ton import Ton, addresses
from multiwallet.chains.ton.addresses import Address
from multiwallet.codec import boc
from multiwallet.codec.cell import Builder, Cell
from multiwallet.errors import (
    AmountError,
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InvalidAddress,
    MultiwalletError,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
    Unreachable,
)
from multiwallet.ops import run
from multiwallet.testing import refusal
from multiwallet.transactions import Status

CHAIN = Ton()
ROW = network("ton")
REFUSED = (
    'http://node failed with HTTP status 500: {"error":"LITE_SERVER_UNKNOWN: cannot apply external message to current '
    "state : External message was not accepted Cannot run message on account: rejected: exitcode=%s, steps=20"
)
GARBAGE = ("<html>", None, [], {}, 7, True, {"error": "no"}, {"transactions": 5}, {"transactions": [5]})


@pytest.fixture
def signed(payer, payee):
    return payer.sign(payer.build(to=payee.address, amount="1"))


def accepted(signed):
    return {"message_hash": b64(boc.decode(signed.raw).hash), "message_hash_norm": b64(bytes.fromhex(signed.txid))}


# -- sending ---------------------------------------------------------------------------------------


def test_a_message_is_sent_as_it_is(node, payer, signed):
    node.answers["message"] = accepted(signed)
    receipt = payer.broadcast(signed)
    assert (receipt.txid, receipt.status, receipt.expiry) == (signed.txid, Status.PENDING, NOW + 600)
    (effect,) = [effect for effect in node.asked if effect.path == "message"]
    assert effect.broadcast
    assert effect.json == {"boc": signed.to_wire()}
    assert payer.broadcast({"boc": signed.to_wire()}).txid == signed.txid


def test_another_hash_is_a_bad_response(node, payer, signed):
    good = accepted(signed)
    for change in ({"message_hash_norm": b64(bytes(32))}, {"message_hash": b64(bytes(32))}, {"message_hash": "x"}):
        node.answers["message"] = {**good, **change}
        refusal(BadResponse, payer.broadcast, signed)
    node.answers["message"] = {"message_hash": good["message_hash"]}
    assert payer.broadcast(signed).txid == signed.txid


@pytest.mark.parametrize(
    "answer",
    [None, "ok", {}, [], 7, Timeout("x"), Unreachable("x"), BadResponse("HTML"), BadResponse("HTTP status 500: busy")],
)
def test_no_clear_answer_is_uncertain(node, payer, signed, answer):
    node.answers["message"] = answer
    assert refusal(BroadcastUncertain, payer.broadcast, signed).txid == signed.txid


def test_refusals_are_read(node, payer, signed):
    for code in (34, 134, 35, 36, 135, 136, -14):
        node.answers["message"] = BadResponse(REFUSED % code)
        assert refusal(Rejected, payer.broadcast, signed).node_code == code
    node.answers["message"] = Rejected("no", node_code=400)
    refusal(Rejected, payer.broadcast, signed)
    node.answers["message"] = RateLimited("slow down")
    refusal(RateLimited, payer.broadcast, signed)
    node.answers["message"] = BadResponse(
        "HTTP status 500: cannot apply external message: Failed to unpack account state"
    )
    refusal(Rejected, payer.broadcast, signed)
    node.answers["message"] = BadResponse("HTTP status 500: duplicate message")
    assert payer.broadcast(signed).status is Status.PENDING


@pytest.mark.parametrize("refused", [REFUSED % 33, REFUSED % 133, REFUSED.partition("exitcode")[0]])
def test_a_used_sequence_number_is_our_success_or_unknown(node, payer, signed, refused):
    node.answers["message"] = BadResponse(refused)
    assert refusal(BroadcastUncertain, payer.broadcast, signed).txid == signed.txid
    node.found[signed.txid] = [included(signed)]
    assert payer.broadcast(signed).txid == signed.txid
    node.answers["transactionsByMessage"] = Timeout("x")
    refusal(BroadcastUncertain, payer.broadcast, signed)


@pytest.mark.parametrize("code", [35, 36, 136])
def test_an_expired_order_says_so(node, payer, signed, code):
    node.answers["message"] = BadResponse(REFUSED % code)
    node.answers["masterchainInfo"]["last"]["gen_utime"] = str(NOW + 601)
    refusal(Expired, payer.broadcast, signed)


# -- following -------------------------------------------------------------------------------------


def test_a_transaction_is_followed(node, payer, signed):
    assert payer.status(signed.txid, expiry=signed.expiry).status is Status.UNKNOWN
    node.found[signed.txid] = [included(signed, mc_block_seqno=None)]
    assert payer.status(signed.txid).status is Status.PENDING
    node.found[signed.txid] = [included(signed)]
    receipt = payer.status(signed.txid.upper())
    assert (receipt.status, receipt.final, receipt.block, receipt.confirmations) == (Status.CONFIRMED, True, 898, 3)
    assert receipt.fee == Amount(2_266_669, ROW.native)


@pytest.mark.parametrize(
    ("description", "word"),
    [
        ({"aborted": True, "compute_ph": {"skipped": True, "reason": "no_gas"}}, "no_gas"),
        ({"aborted": True, "compute_ph": {"success": False, "exit_code": 9}}, "exit code 9"),
        (
            {"aborted": False, "compute_ph": {"success": True}, "action": {"no_funds": True, "success": False}},
            "balance",
        ),
        ({"compute_ph": {"success": True}, "action": {"success": False, "result_code": 34}}, "result code 34"),
        (
            {"compute_ph": {"success": True}, "action": {"success": True, "skipped_actions": 1, "tot_actions": 2}},
            "1 of 2",
        ),
        ({"aborted": True}, "aborted"),
    ],
)
def test_failures_have_a_reason(node, payer, signed, description, word):
    node.found[signed.txid] = [included(signed, description=description)]
    receipt = payer.status(signed.txid)
    assert receipt.status is Status.FAILED
    assert word in receipt.reason
    assert refusal(Reverted, payer.wait, signed.txid).txid == signed.txid


def test_a_bounceable_message_is_followed_to_its_end(node, payer, signed):
    sent = {"hash": b64(b"\x06" * 32), "fwd_fee": "1", "bounce": True}
    node.found[signed.txid] = [included(signed, out_msgs=[sent])]
    assert payer.status(signed.txid).status is Status.PENDING
    node.found["06" * 32] = [{"description": {"aborted": False, "compute_ph": {"success": True}}}]
    assert payer.status(signed.txid).status is Status.CONFIRMED
    aborted = {"aborted": True, "compute_ph": {"success": False, "exit_code": 73}, "bounce": {"type": "ok"}}
    node.found["06" * 32] = [{"description": aborted}]
    receipt = payer.status(signed.txid)
    assert (receipt.status, receipt.final) == (Status.FAILED, True)
    assert "bounced" in receipt.reason
    del aborted["bounce"]
    node.found["06" * 32] = [{"description": aborted}]
    assert "failed" in payer.status(signed.txid).reason


def test_expiry_is_by_the_chains_clock(node, payer, signed):
    last = node.answers["masterchainInfo"]["last"]
    for time, dead in ((NOW + 600, False), (NOW + 660, False), (NOW + 661, True)):
        last["gen_utime"] = time
        if dead:
            refusal(Expired, payer.status, signed.txid, expiry=signed.expiry)
        else:
            assert payer.status(signed.txid, expiry=signed.expiry).status is Status.UNKNOWN
        for depth in (0, 6):
            asked = CHAIN.is_dead(payer._operations.holder, signed, depth=depth)
            assert run(asked, node.perform) is (dead and not depth)
    last["gen_utime"] = NOW + 5000
    node.found[signed.txid] = [included(signed)]
    assert run(CHAIN.is_dead(payer._operations.holder, signed, depth=1), node.perform) is False
    assert payer.status(signed.txid, expiry=signed.expiry).status is Status.CONFIRMED
    assert CHAIN.claims(signed) == (None, ())


def test_an_index_that_knows_nothing_says_so_in_three_ways(node, payer, signed):
    for answer in ({"transactions": []}, {"transactions": None}, Rejected("not found", node_code=404)):
        node.answers["transactionsByMessage"] = answer
        assert payer.status(signed.txid).status is Status.UNKNOWN
    node.answers["transactionsByMessage"] = Rejected("wrong hash", node_code=422)
    refusal(Rejected, payer.status, signed.txid)


def test_ids_are_checked(payer):
    for txid in ("", "00", "zz" * 32, "0x" + "00" * 32, None):
        refusal(InputError, payer.status, txid)


def test_another_transaction_is_noticed(node, payer, signed):
    message = included(signed)["in_msg"]
    for change in (
        {"in_msg": None},
        {"in_msg": {**message, "source": "0:00"}},
        {"in_msg": {**message, "hash_norm": b64(bytes(32))}},
        {"in_msg": {**message, "hash": "short"}},
        {"out_msgs": "none"},
        {"out_msgs": [{"fwd_fee": -1}]},
        {"out_msgs": [{"bounce": True}]},
        {"total_fees": "1.5"},
        {"total_fees": None},
        {"mc_block_seqno": "x"},
        {"description": None},
        {"description": {"compute_ph": 5}},
        {"description": {"action": {"skipped_actions": "many"}}},
    ):
        node.found[signed.txid] = [included(signed, **change)]
        refusal(BadResponse, payer.status, signed.txid)


# -- answers that are wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["masterchainInfo", "addressInformation", "runGetMethod", "estimateFee"])
def test_garbage_is_a_bad_response(node, payer, payee, call):
    for answer in (*GARBAGE, Timeout("x")):
        node.answers[call] = answer
        refusal(MultiwalletError, payer.build, to=payee.address, amount="1")


@pytest.mark.parametrize("answer", GARBAGE)
def test_garbage_about_transactions(node, payer, signed, answer):
    node.answers["transactionsByMessage"] = answer
    refusal(BadResponse, payer.status, signed.txid)


def test_numbers_are_checked(node, payer, payee):
    for balance in ("-1", "1.0", "", None, 1.5, True, "9" * 80, [], "٣"):
        node.answers["addressInformation"] = {"balance": balance, "status": "active"}
        refusal(BadResponse, payer.balance)
    for status in ("", None, "dead", 5, []):
        node.answers["addressInformation"] = {"balance": "1", "status": status}
        refusal(BadResponse, payer.balance)
    node.answers["addressInformation"] = {"balance": "10000000000", "status": "active"}
    for stack in (
        [],
        [number(2**32)],
        [{"type": "num", "value": "-0x1"}],
        [{"type": "num", "value": "5"}],
        [written(None)],
    ):
        node.methods["seqno"] = stack
        refusal(BadResponse, payer.build, to=payee.address, amount="1")
    node.methods["seqno"] = [number(5)]
    for last in ({"global_id": "-239"}, {"gen_utime": 2**32}, {"seqno": None}, {"global_id": -3}):
        node.answers["masterchainInfo"] = {"last": {"seqno": 900, "gen_utime": str(NOW), "global_id": -239, **last}}
        refusal(BadResponse, payer.build, to=payee.address, amount="1")


def test_an_absurd_fee_is_refused(node, payer, payee):
    fees = node.answers["estimateFee"]["source_fees"]
    for value in (5 * 10**9, -1, "x", None):
        node.answers["estimateFee"] = {"source_fees": {**fees, "gas_fee": value}}
        refusal(BadResponse, payer.build, to=payee.address, amount="1")
    node.answers["estimateFee"] = {"source_fees": fees}
    error = refusal(InputError, payer.build, to=payee.address, amount="1", max_fee="0.001")
    assert "max_fee" in error.message


# -- jettons ---------------------------------------------------------------------------------------


def content(**fields):
    from multiwallet.crypto.hashes import sha256

    assert len(fields) == 1
    ((name, text),) = fields.items()
    label = Builder().uint(0b10, 2).uint(256, 9).octets(sha256(name.encode()))
    leaf = label.ref(Builder().uint(0, 8).octets(text.encode()).end()).end()
    return Builder().uint(0, 8).maybe_ref(leaf).end()


def jetton_data(cell):
    return [number(5), number(1), written(Address(0, bytes(32))), {"type": "cell", "value": bag(cell)}]


def test_what_a_minter_says(node, payer):
    minter = Address(0, b"\x11" * 32)
    reference = minter.text(bounceable=True, test_only=False)
    node.methods["get_jetton_data"] = jetton_data(content(symbol="ABC"))
    node.answers["metadata"] = {}
    found = payer.asset(reference)
    assert (found.id, found.symbol, found.decimals) == (f"tvm:-239/jetton:{reference}", "ABC", 9)
    assert payer.asset(minter.raw) == found


@pytest.mark.parametrize(
    ("indexed", "expected"),
    [
        ({"type": "jetton_masters", "symbol": "XYZ", "extra": {"decimals": "6"}}, ("XYZ", 6)),
        ({"type": "jetton_masters", "symbol": "XYZ", "extra": {"decimals": 0}}, ("XYZ", 0)),
        ({"type": "jetton_masters", "symbol": "\x07bell", "extra": {"decimals": "6"}}, ("bell", 6)),
        ({"type": "jetton_masters", "symbol": None, "extra": {"decimals": "6"}}, ("JETTON", 6)),
        ({"type": "jetton_masters", "symbol": "X", "extra": {"decimals": "600"}}, BadResponse),
        ({"type": "jetton_masters", "symbol": "X", "extra": {"decimals": "-1"}}, BadResponse),
        ({"type": "jetton_masters", "symbol": "X", "extra": {"decimals": 1.5}}, AmountError),
        ({"type": "jetton_masters", "symbol": "X", "extra": 5}, AmountError),
        ({"type": "nft_items", "symbol": "X", "extra": {"decimals": "6"}}, AmountError),
        (5, AmountError),
    ],
)
def test_what_the_index_says_of_a_jetton_elsewhere(node, payer, indexed, expected):
    node.methods["get_jetton_data"] = jetton_data(Builder().uint(1, 8).octets(b"https://x.example").end())
    node.answers["metadata"] = {"0:11": {"is_indexed": True, "token_info": [indexed]}}
    reference = "0:" + "11" * 32
    if isinstance(expected, tuple):
        found = payer.asset(reference)
        assert (found.symbol, found.decimals) == expected
    else:
        refusal(expected, payer.asset, reference)


def test_what_is_no_minter(node, payer):
    reference = "0:" + "11" * 32
    refusal(InvalidAddress, payer.asset, reference)
    for stack in ([], [number(1)] * 4, jetton_data(Cell())[:3]):
        node.methods["get_jetton_data"] = stack
        refusal(BadResponse, payer.asset, reference)
    for cell in (Cell(), Builder().uint(7, 8).end(), Builder().uint(0, 8).bit(1).ref(Cell()).end()):
        node.methods["get_jetton_data"] = jetton_data(cell)
        refusal(AmountError, payer.asset, reference)


def test_a_jetton_that_was_never_held(node, payer, payee):
    place = Address(0, b"\x22" * 32)
    token = Asset("tvm:-239/jetton:" + Address(0, b"\x11" * 32).text(bounceable=True, test_only=False), "T", 6)
    node.methods["get_wallet_address"] = [written(place)]
    node.accounts[place.raw] = {"balance": "0", "status": "uninit"}
    assert payer.balance(token).total == Amount(0, token)
    del node.methods["get_wallet_address"]
    refusal(MultiwalletError, payer.balance, token)
    refusal(InvalidAddress, payer.build, to=payee.address, amount="1", asset=token)
    owner, _ = addresses.parse(payer.address, testnet=False)
    node.methods |= {"get_wallet_address": [written(place)]}
    node.accounts.clear()
    node.methods["get_wallet_data"] = [
        {"type": "num", "value": "-0x1"},
        written(owner),
        written(Address(0, b"\x11" * 32)),
    ]
    refusal(BadResponse, payer.balance, token)
