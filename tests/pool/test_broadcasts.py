"""Handing a transaction to several endpoints: what one of them lost is never forgotten."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import EndpointPool
from multiwallet.errors import BadResponse, MultiwalletError, RateLimited, Rejected, Timeout, Unreachable
from multiwallet.exchange import RetryPolicy
from multiwallet.ops import Rest, Rpc
from multiwallet.pool import BreakerPolicy
from multiwallet.pool.broadcasts import accepted, joined

ID = "eip155:1"
SEND = Rpc(ID, "eth_sendRawTransaction", ["0xraw"], broadcast=True)
TRON = Rest("tron:0x2b6653dc", "POST", "wallet/broadcasthex", json={"transaction": "00"}, broadcast=True)


def causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found


def says(watched: Any, outcome: Any) -> Any:
    return watched(answer=lambda e: "0x1" if getattr(e, "method", "") == "eth_chainId" else outcome)


def test_one_endpoint_is_enough_by_default(watched, pool):
    nodes = [says(watched, "0xid") for _ in range(3)]
    assert pool({"ethereum": nodes}).one(SEND) == "0xid"
    assert [node.methods().count(SEND.method) for node in nodes] == [1, 0, 0]


@pytest.mark.parametrize(("to", "reached"), [(2, [1, 1, 0]), ("all", [1, 1, 1]), (9, [1, 1, 1])], ids=str)
def test_identical_bytes_go_to_several(watched, pool, to, reached):
    nodes = [says(watched, "0xid") for _ in range(3)]
    made = pool({"ethereum": nodes}, broadcast_to=to)
    assert made.one(SEND) == "0xid"
    made.settle()
    assert [node.methods().count(SEND.method) for node in nodes] == reached
    assert all(effect == SEND for node in nodes for effect in node.asked if effect.method == SEND.method)


def test_the_first_acceptance_ends_it_and_the_slow_one_still_gets_it(serve, pool):
    release = threading.Event()
    slow, quick = serve(eth_sendRawTransaction=release), serve(eth_sendRawTransaction="0xid")
    made = pool({"ethereum": [slow.url, quick.url]}, broadcast_to="all")
    assert made.one(SEND) == "0xid"
    release.set()
    made.settle()
    assert SEND.method in slow.methods()


def test_an_endpoint_that_is_not_ready_yet_gets_it_later(serve, pool):
    release = threading.Event()

    def identity(params: Any) -> str:
        release.wait(20)
        return "0x1"

    late, quick = serve(eth_chainId=identity, eth_sendRawTransaction="0xid"), serve(eth_sendRawTransaction="0xid")
    made = pool({"ethereum": [late.url, quick.url]}, broadcast_to="all")
    assert made.one(SEND) == "0xid"
    assert SEND.method not in late.methods()
    release.set()
    made.settle()
    assert SEND.method in late.methods()


def test_any_acceptance_beats_refusals_and_losses(watched, pool):
    for order in itertools.permutations(["0xid", Rejected("insufficient funds"), Timeout("lost")]):
        made = pool({"ethereum": [says(watched, outcome) for outcome in order]}, broadcast_to="all")
        assert made.one(SEND) == "0xid"


def test_a_lost_answer_beats_a_refusal(watched, pool):
    for order in itertools.permutations([Rejected("insufficient funds"), Timeout("lost"), Unreachable("down")]):
        for to in (1, 2, "all"):
            made = pool({"ethereum": [says(watched, outcome) for outcome in order]}, broadcast_to=to)
            outcome = made.one(SEND)
            if order.index(next(o for o in order if isinstance(o, Rejected))) == 0 and to == 1:
                assert isinstance(outcome, Rejected)  # the first one refused, and nobody else was asked
            elif any(isinstance(asked, Timeout) for asked in _asked(order, to)):
                assert any(isinstance(link, Timeout) for link in causes(outcome)), (order, to)


def _asked(order: Any, to: Any) -> list[Any]:
    """Those that are surely asked: the first wave, and who follows a failure in it, up to a refusal."""
    wanted = len(order) if to == "all" else to
    asked, answers = [], 0
    for outcome in order:
        if answers >= wanted:
            break
        asked.append(outcome)
        answers += isinstance(outcome, Rejected)
    return asked


def test_a_known_transaction_keeps_the_loss_as_its_cause(watched, pool):
    made = pool({"ethereum": [says(watched, Timeout("lost")), says(watched, Rejected("already known"))]})
    outcome = made.one(SEND)
    assert isinstance(outcome, Rejected)
    assert outcome.message == "already known"
    assert isinstance(outcome.__cause__, Timeout)


def test_a_shared_error_object_is_not_written_to(watched, pool):
    shared = Rejected("nonce too low", node_code=-32000, data={"a": 1})
    made = pool({"ethereum": [says(watched, Timeout("lost")), says(watched, shared)]})
    outcome = made.one(SEND)
    assert shared.__cause__ is None
    assert (outcome.node_code, outcome.data) == (-32000, {"a": 1})


def test_what_was_never_sent_is_no_loss(watched, pool, clock):
    """A foreign endpoint, one that fails before the check, a full limit, an open breaker: nothing left this machine."""
    foreign = watched(answer=lambda e: "0x38")
    mute = watched(answer=lambda e: Timeout("silent"))
    refusing = says(watched, Rejected("insufficient funds"))
    made = pool({"ethereum": [foreign, mute, refusing]}, clock=clock, breaker=BreakerPolicy(failures=1))
    for _ in range(2):
        outcome = made.one(SEND)
        assert isinstance(outcome, Rejected)
        assert causes(outcome) == [outcome]
    assert SEND.method not in foreign.methods() + mute.methods()
    alone = pool({"ethereum": [mute]}, clock=clock, policy=RetryPolicy(attempts=1)).one(SEND)
    assert isinstance(alone, Unreachable)
    assert "nothing was sent" in alone.message


def test_after_a_loss_the_same_bytes_are_sent_again(watched, pool, clock):
    turns = iter([Timeout("1"), BadResponse("2"), "0xid"])
    node = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else next(turns))
    assert pool({"ethereum": [node]}, clock=clock).one(SEND) == "0xid"
    assert node.methods().count(SEND.method) == 3


def test_attempts_are_bounded(watched, pool, clock):
    node = says(watched, Timeout("never"))
    assert isinstance(pool({"ethereum": [node]}, clock=clock).one(SEND), Timeout)
    assert node.methods().count(SEND.method) == 4


def test_a_loss_over_http(serve, pool, reply):
    lost = serve(eth_sendRawTransaction=reply(b"", 504))
    refusing = serve(eth_sendRawTransaction=ValueError("insufficient funds"))
    outcome = pool({"ethereum": [lost.url, refusing.url]}, broadcast_to="all").one(SEND)
    assert isinstance(outcome, BadResponse)
    assert "504" in outcome.message


# -- a refusal with status 200 -----------------------------------------------------------------------------------------

SIGERROR = {"code": "SIGERROR", "txid": "", "message": "00"}


@pytest.mark.parametrize(
    ("second", "accepts"),
    [
        ({"result": True, "txid": "ab"}, True),
        ({"code": "DUP_TRANSACTION_ERROR", "txid": "ab"}, True),
        (SIGERROR, False),
        ({"code": "TAPOS_ERROR"}, False),
        ({"Error": "class java.lang.NullPointerException"}, False),
        ({}, False),
        ("text", False),
        ({"result": "true"}, False),
        ({"result": 1}, False),
    ],
    ids=str,
)
def test_a_tron_refusal_does_not_hide_a_loss(watched, pool, second, accepts):
    made = pool({"tron": [watched(answer=lambda e: Timeout("lost")), watched(answer=lambda e: second)]}, check=None)
    outcome = made.one(TRON)
    assert outcome == second if accepts else isinstance(outcome, Timeout)
    assert accepted("tron", second) is accepts
    alone = pool({"tron": [watched(answer=lambda e: second)]}, check=None).one(TRON)
    assert alone == second  # where nothing was lost, the adapter judges


def test_a_tron_acceptance_beats_an_earlier_refusal(watched, pool):
    yes = {"result": True, "txid": "ab"}
    nodes = [watched(answer=lambda e: SIGERROR), watched(answer=lambda e: yes)]
    assert pool({"tron": nodes}, check=None, broadcast_to="all").one(TRON) == yes


# -- the rule itself -----------------------------------------------------------------------------------------------------

OUTCOMES = {
    "yes": lambda: "0xid",
    "known": lambda: Rejected("already known", node_code=-32000),
    "nonce": lambda: Rejected("nonce too low", node_code=-32000),
    "funds": lambda: Rejected("insufficient funds for gas", node_code=-32000),
    "internal": lambda: Rejected("boom", node_code=-32603),
    "lost": lambda: Timeout("no answer"),
    "html": lambda: BadResponse("HTTP status 502"),
    "down": lambda: Unreachable("no connection"),
    "limit": lambda: RateLimited("slow down", retry_after=1),
}


@given(st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=5))
def test_no_order_of_outcomes_loses_what_counts(names):
    outcomes = [OUTCOMES[name]() for name in names]
    told = joined("evm", outcomes)
    if "yes" in names:
        assert told == "0xid"
        return
    assert isinstance(told, MultiwalletError)
    lost = "lost" in names or "html" in names
    assert lost is any(isinstance(link, Timeout | BadResponse) for link in causes(told))
    if "known" in names:
        assert told.message == "already known"
    elif lost:
        assert not isinstance(told, Rejected) or told.message != "insufficient funds for gas"
    elif any(isinstance(outcome, Rejected) for outcome in outcomes):
        assert isinstance(told, Rejected)
        assert told.message == "insufficient funds for gas" or {"nonce", "internal"} & set(names)
    else:
        assert isinstance(told, RateLimited if "limit" in names else Unreachable)


@given(
    st.lists(st.sampled_from(["yes", "funds", "lost", "down"]), min_size=1, max_size=4),
    st.sampled_from([1, 2, "all"]),
)
def test_a_pool_keeps_the_rule_whatever_its_endpoints_do(names, to):
    sent: list[str] = []

    class Node:
        def __init__(self, name: str) -> None:
            self.name = name

        def perform(self, effects: Any) -> list[Any]:
            (effect,) = effects
            if effect.broadcast:
                assert effect == SEND
                sent.append(self.name)
            return [OUTCOMES[self.name]() if effect.broadcast else "0x1"]

    with EndpointPool(
        {"ethereum": [Node(name) for name in names]}, broadcast_to=to, lag=None, sleep=lambda seconds: None
    ) as made:
        (told,) = made.perform([SEND])
        before = list(sent)
    if not isinstance(told, MultiwalletError):
        assert "yes" in sent
    else:
        assert "yes" not in before
        assert ("lost" in before) is any(isinstance(link, Timeout) for link in causes(told))
        assert len(before) <= max(4, len(names))


XRP_KEPT = {"engine_result": "terPRE_SEQ", "kept": True}


@pytest.mark.parametrize(
    ("family", "body", "taken"),
    [
        ("xrp", {"engine_result": "tesSUCCESS"}, True),
        ("xrp", {"engine_result": "tecPATH_DRY"}, True),
        ("xrp", XRP_KEPT, True),
        ("xrp", {"engine_result": "terPRE_SEQ"}, False),
        ("xrp", {"engine_result": "telINSUF_FEE_P"}, False),
        ("xrp", {"error": "tooBusy"}, False),
        ("cosmos", {"tx_response": {"code": 0}}, True),
        ("cosmos", {"tx_response": {"code": 19, "codespace": "sdk"}}, True),
        ("cosmos", {"tx_response": {"code": 19, "codespace": "wasm"}}, False),
        ("cosmos", {"tx_response": {"code": False}}, False),
        ("cosmos", {"tx_response": {"code": 13}}, False),
        ("cosmos", {}, False),
        ("sui", {"data": {"executeTransaction": {"effects": {}}}}, True),
        ("sui", {"data": None, "errors": [{"message": "no"}]}, False),
        ("sui", {"data": {"executeTransaction": {"effects": {}}}, "errors": [{}]}, False),
    ],
)
def test_a_refusal_in_a_body_does_not_hide_a_loss(family, body, taken):
    lost = Timeout("no answer")
    assert accepted(family, body) is taken
    assert joined(family, [lost, body]) is (body if taken else lost)
    assert joined(family, [body]) is body
