"""Reads that several endpoints must agree on: honest ones a block apart, stale ones, lying ones, silent ones."""

from __future__ import annotations

import copy
import random
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.errors import BadResponse, RateLimited, Rejected, Timeout, TransportError, Unreachable
from multiwallet.ops import Rest, Rpc
from multiwallet.pool import LagPolicy
from multiwallet.pool.questions import QUORUM_READS, alike, label, matters, pinned

ID = "eip155:1"
OWNER = "0x" + "11" * 20
BALANCE = Rpc(ID, "eth_getBalance", [OWNER, "latest"])
NONCE = Rpc(ID, "eth_getTransactionCount", [OWNER, "pending"])


class Ledger:
    """An EVM endpoint that answers about the block it is asked about; ``lies`` replaces balances."""

    def __init__(self, watched: Any, height: int, *, lie: str | None = None, nonce: str = "0x2") -> None:
        self.height = height
        self.lie = lie
        self.nonce = nonce
        self.transport = watched(answer=self.answer)

    def answer(self, effect: Any) -> Any:
        if effect.method == "eth_chainId":
            return "0x1"
        if effect.method == "eth_blockNumber":
            return hex(self.height)
        if effect.method == "eth_getTransactionCount":
            return self.nonce
        block = effect.params[1]
        number = self.height if block in ("latest", "pending") else int(block, 16)
        if number > self.height:
            return Rejected("header not found", node_code=-32000)
        return self.lie or hex(1000 + number)  # the balance grows with every block


def test_endpoints_a_block_apart_agree_about_the_lower_one(watched, pool):
    nodes = [Ledger(watched, 100), Ledger(watched, 101)]
    made = pool({"ethereum": [node.transport for node in nodes]}, quorum=2)
    assert made.one(BALANCE) == hex(1100)
    assert [
        effect.params[1] for node in nodes for effect in node.transport.asked if effect == pinned("evm", BALANCE, 100)
    ]
    assert all("latest" not in str(effect.params) for node in nodes for effect in node.transport.asked)


def test_only_what_matters_is_asked_twice(watched, pool):
    nodes = [Ledger(watched, 100), Ledger(watched, 100)]
    made = pool({"ethereum": [node.transport for node in nodes]}, quorum=2, lag=None)
    assert made.perform(Rpc(ID, "eth_blockNumber"), NONCE, BALANCE) == ["0x64", "0x2", hex(1100)]
    second = nodes[1].transport.methods()
    assert sorted(second) == ["eth_blockNumber", "eth_chainId", "eth_getBalance", "eth_getTransactionCount"]


def test_the_reads_that_matter_can_be_named(watched, pool):
    nodes = [Ledger(watched, 100), Ledger(watched, 100, lie="0x1")]
    transports = [node.transport for node in nodes]
    made = pool({"ethereum": transports}, quorum=2, quorum_reads={"evm": ("eth_getTransactionCount",)})
    assert made.one(BALANCE) == hex(1100)
    nodes[1].nonce = "0x9"
    assert isinstance(made.one(NONCE), BadResponse)


def test_one_liar_among_two_is_a_disagreement_that_names_no_answer(watched, pool, caplog):
    nodes = [Ledger(watched, 100), Ledger(watched, 100, lie="0xdeadbeef")]
    outcome = pool({"ethereum": [node.transport for node in nodes]}, quorum=2).one(BALANCE)
    assert isinstance(outcome, BadResponse)
    assert "eth_getBalance" in outcome.message
    assert "2 different answers" in outcome.message
    assert "Watched (2)" in outcome.message
    told = outcome.message + caplog.text
    for secret in ("deadbeef", "44c", OWNER[2:]):
        assert secret not in told
    assert nodes[1].transport.methods().count("eth_getBalance") == 2  # once more before it was called one


def test_a_liar_is_outvoted_and_named_in_the_log(watched, pool, caplog):
    nodes = [Ledger(watched, 100, lie="0x1"), Ledger(watched, 100), Ledger(watched, 101)]
    made = pool({"ethereum": [node.transport for node in nodes]}, quorum=2)
    assert made.one(BALANCE) == hex(1100)
    (record,) = [r for r in caplog.records if "otherwise" in r.getMessage()]
    assert record.fields["endpoint"] == "Watched"
    assert record.fields["method"] == "eth_getBalance"


def test_a_liar_cannot_move_the_block_far_back(watched, pool):
    """All would truthfully agree about a block of last year: the height of one must not choose it."""
    nodes = [Ledger(watched, 5), Ledger(watched, 1000), Ledger(watched, 1001)]
    transports = [node.transport for node in nodes]
    assert pool({"ethereum": transports}, quorum=2).one(BALANCE) == hex(2000)
    outcome = pool({"ethereum": transports[:2]}, quorum=2).one(BALANCE)
    assert isinstance(outcome, BadResponse)
    assert "995 blocks apart" in outcome.message
    assert all("eth_getBalance" not in transport.methods() for transport in transports[:1])


def test_a_liar_cannot_move_the_block_ahead(watched, pool):
    nodes = [Ledger(watched, 10**6), Ledger(watched, 1000), Ledger(watched, 1001)]
    assert pool({"ethereum": [node.transport for node in nodes]}, quorum=2).one(BALANCE) in (hex(2000), hex(2001))
    assert isinstance(pool({"ethereum": [n.transport for n in nodes[:2]]}, quorum=2).one(BALANCE), BadResponse)


def test_without_a_lag_any_distance_is_compared(watched, pool):
    nodes = [Ledger(watched, 5), Ledger(watched, 1000)]
    assert pool({"ethereum": [n.transport for n in nodes]}, quorum=2, lag=None).one(BALANCE) == hex(1005)


def test_a_pending_nonce_that_differs_for_a_moment_is_asked_again(watched, pool, clock):
    nodes = [Ledger(watched, 100), Ledger(watched, 100)]
    seen = iter(["0x3", "0x2"])
    honest = nodes[1].answer
    nodes[1].transport.answer = lambda e: next(seen) if e.method == "eth_getTransactionCount" else honest(e)
    made = pool({"ethereum": [node.transport for node in nodes]}, quorum=2, clock=clock)
    assert made.one(NONCE) == "0x2"
    assert len(clock.slept) == 1


def test_refusals_agree_whatever_their_words(watched, pool):
    made = pool(
        {
            "ethereum": [
                watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else Rejected("execution reverted")),
                watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else Rejected("revert", node_code=3)),
            ]
        },
        quorum=2,
        lag=None,
    )
    assert isinstance(made.one(Rpc(ID, "eth_call", [{"to": OWNER}, "0x10"])), Rejected)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(Timeout("late"), Timeout), (Unreachable("gone"), Unreachable), (BadResponse("html"), BadResponse)],
    ids=["timeout", "unreachable", "bad"],
)
def test_too_few_answers_are_told_apart_from_a_disagreement(watched, pool, failure, kind, clock):
    honest = Ledger(watched, 100)
    silent = watched(answer=lambda e: "0x1" if e.method in ("eth_chainId", "eth_blockNumber") else failure)
    silent.answer = lambda e: {"eth_chainId": "0x1", "eth_blockNumber": hex(100)}.get(e.method, failure)
    outcome = pool({"ethereum": [honest.transport, silent]}, quorum=2, clock=clock).one(BALANCE)
    assert type(outcome) is kind
    assert "must agree" in outcome.message
    assert "1 of 2" in outcome.message


def test_a_third_endpoint_stands_in_for_a_silent_one(watched, pool):
    gone = watched(answer=lambda e: Unreachable("gone"))
    nodes = [Ledger(watched, 100), Ledger(watched, 100)]
    made = pool({"ethereum": [gone, *(node.transport for node in nodes)]}, quorum=2)
    assert made.one(BALANCE) == hex(1100)


def test_a_third_endpoint_stands_in_for_a_slow_one(serve, pool):
    hold = threading.Event()
    balance = {"eth_getBalance": "0x7"}
    slow = serve(eth_getBalance=hold)
    nodes = [serve(**balance), slow, serve(**balance)]
    made = pool({"ethereum": [node.url for node in nodes]}, quorum=2, hedge_after=0.3)
    try:
        assert made.one(BALANCE) == "0x7"
    finally:
        hold.set()


def test_a_foreign_endpoint_does_not_count(watched, pool):
    foreign = watched(answer=lambda e: "0x38" if e.method == "eth_chainId" else "0x44c")
    honest = Ledger(watched, 100)
    outcome = pool({"ethereum": [foreign, honest.transport]}, quorum=2).one(BALANCE)
    assert isinstance(outcome, TransportError)
    assert "eth_getBalance" not in foreign.methods()


def test_a_quorum_waits_for_one_that_is_held_back(watched, pool, clock):
    limits = iter([RateLimited("slow down", retry_after=3)])
    nodes = [Ledger(watched, 100), Ledger(watched, 100)]
    honest = nodes[1].answer
    nodes[1].transport.answer = lambda e: next(limits, None) or honest(e)
    made = pool({"ethereum": [node.transport for node in nodes]}, quorum=2, clock=clock, lag=None)
    assert made.one(BALANCE) == hex(1100)
    assert sum(clock.slept) >= 3 - 0.01


def test_an_endless_limit_is_told(watched, pool, clock):
    limited = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else RateLimited("no", retry_after=1000))
    outcome = pool({"ethereum": [Ledger(watched, 100).transport, limited]}, quorum=2, clock=clock, lag=None).one(NONCE)
    assert isinstance(outcome, RateLimited)


def test_a_quorum_over_http_and_of_three(serve, pool):
    nodes = [serve(eth_getBalance=value) for value in ("0x7", "0x0A", "0x0a", "0x0A")]
    made = pool({"ethereum": [node.url for node in nodes]}, quorum=3)
    assert [answer.lower() for answer in made.perform(BALANCE, BALANCE)] == ["0x0a", "0x0a"]
    assert all(
        params == [OWNER, "0x10"] for node in nodes for method, params in node.asked if method == "eth_getBalance"
    )


@given(
    answers=st.lists(st.sampled_from(["0x1", "0x2", "refuse", "fail"]), min_size=2, max_size=5),
    quorum=st.integers(2, 5),
)
def test_nothing_is_believed_that_fewer_said(answers, quorum):
    from multiwallet import EndpointPool

    class Node:
        def __init__(self, answer: str) -> None:
            self.said = {"refuse": Rejected("no"), "fail": Timeout("late")}.get(answer, answer)

        def perform(self, effects: Any) -> list[Any]:
            return ["0x1" if e.method == "eth_chainId" else self.said for e in effects]

    quorum = min(quorum, len(answers))
    with EndpointPool(
        {"ethereum": [Node(answer) for answer in answers]}, quorum=quorum, lag=None, sleep=lambda seconds: None
    ) as made:
        (outcome,) = made.perform([NONCE])
    counted = {answer: answers.count(answer) for answer in ("0x1", "0x2", "refuse")}
    winners = {answer for answer, votes in counted.items() if votes >= quorum}
    if isinstance(outcome, TransportError):
        assert not winners
        assert isinstance(outcome, BadResponse) or sum(counted.values()) < quorum
    else:
        assert ("refuse" if isinstance(outcome, Rejected) else outcome) in winners


def test_two_camps_of_equal_size_are_no_agreement(watched):
    """Driven by hand: all four answers arrive at once, and either camp would be enough alone."""
    from multiwallet import EndpointPool
    from multiwallet.pool.conversation import Ended
    from multiwallet.pool.quorum import agree

    with EndpointPool({"ethereum": [watched() for _ in range(4)]}, quorum=2, lag=None, hedge_after=1.0) as made:
        roster = made._rosters[ID]
        told = dict(zip(roster.members, ["0x1", "0x1", "0x2", "0x2"], strict=True))
        conversation = agree(roster, "", [NONCE])
        under_way: list[Any] = []
        back: Any = None
        ballots = 0
        try:
            while True:
                step = conversation.send(back)
                under_way.extend(step.visits)
                back = []
                if len(under_way) == 4:
                    ballots += 1
                    back = [Ended(visit, [told[visit.member]]) for visit in under_way]
                    under_way.clear()
        except StopIteration as ended:
            (outcome,) = ended.value
    assert isinstance(outcome, BadResponse)
    assert "2 different answers" in outcome.message
    assert ballots == 2


# -- what is compared --------------------------------------------------------------------------------------------------

UTXO = Rest("bip122:x", "GET", "address/bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu/utxo")
SCAN = Rpc("bip122:x", "scantxoutset", ["start", []], service="core")
CONSTANT = Rest("tron:x", "POST", "wallet/triggerconstantcontract", json={})
OWNED = Rpc("solana:x", "getTokenAccountsByOwner", [])
COIN = {"txid": "aa", "vout": 0, "amount": Decimal("0.1"), "height": 7}


@pytest.mark.parametrize(
    ("effect", "one", "other", "same"),
    [
        (BALANCE, "0xABC", "0xabc", True),
        (BALANCE, "0x1", "0x2", False),
        (BALANCE, "0x1", 1, False),
        (BALANCE, True, 1, False),
        (BALANCE, None, "", False),
        (BALANCE, {"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        (BALANCE, [1, 2], [2, 1], False),
        (BALANCE, [1], [[1]], False),
        (BALANCE, Decimal("1.0"), 1, True),
        (UTXO, [{"txid": "a"}, {"txid": "b"}], [{"txid": "b"}, {"txid": "a"}], True),
        (UTXO, [{"txid": "a"}, {"txid": "a"}], [{"txid": "a"}], False),
        (SCAN, {"height": 1, "unspents": [{**COIN, "confirmations": 1}]}, {"height": 2, "unspents": [COIN]}, True),
        (SCAN, {"unspents": [COIN]}, {"unspents": [{**COIN, "amount": Decimal("0.2")}]}, False),
        (CONSTANT, {"constant_result": ["00"], "transaction": {"txID": "1"}}, {"constant_result": ["00"]}, True),
        (CONSTANT, {"constant_result": ["00"]}, {"constant_result": ["01"]}, False),
        (OWNED, {"context": {"slot": 1}, "value": [1, 2]}, {"context": {"slot": 2}, "value": [2, 1]}, True),
        (OWNED, {"value": []}, {"value": [1]}, False),
        (BALANCE, Rejected("a"), Rejected("b"), True),
        (BALANCE, Rejected("a"), "a", False),
    ],
    ids=range(19),
)
def test_what_says_the_same(effect, one, other, same):
    before = copy.deepcopy((one, other)) if not isinstance(one, Rejected) else None
    assert (alike(effect, one) == alike(effect, other)) is same
    hash(alike(effect, one))
    assert before is None or before == (one, other)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON, st.randoms(use_true_random=False))
def test_the_comparison_sees_exactly_the_order_of_fields_aside(one, other, chance):
    assert alike(NONCE, one) == alike(NONCE, _shuffled(one, chance))
    if alike(NONCE, one) == alike(NONCE, other):
        assert _lowered(one) == _lowered(other)
        assert repr(_sorted(_lowered(one))) == repr(_sorted(_lowered(other)))


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: _shuffled(value[name], chance) for name in names}
    return [_shuffled(item, chance) for item in value] if isinstance(value, list) else value


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lowered(item) for name, item in value.items()}
    if isinstance(value, str) and value[:2] in ("0x", "0X"):
        return value.lower()
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("family", "effect", "heavy"),
    [
        ("evm", BALANCE, True),
        ("evm", NONCE, True),
        ("evm", Rpc(ID, "eth_gasPrice"), False),
        ("evm", Rpc(ID, "eth_getBalance", [], broadcast=True), False),
        ("bitcoin", UTXO, True),
        ("bitcoin", SCAN, True),
        ("bitcoin", Rest("bip122:x", "GET", "api/v2/utxo/D8vFz4p1L37jdg47HXKtSHA5uYLYxbGgPD"), True),
        ("bitcoin", Rest("bip122:x", "GET", "fee-estimates"), False),
        ("tron", Rest("tron:x", "POST", "wallet/getaccount", json={}), True),
        ("tron", CONSTANT, True),
        ("tron", Rest("tron:x", "POST", "wallet/getnowblock", json={}), False),
        ("solana", OWNED, True),
        ("solana", Rpc("solana:x", "getLatestBlockhash"), False),
        ("cosmos", Rpc("cosmos:x", "abci_query"), False),
    ],
    ids=range(14),
)
def test_which_reads_matter(family, effect, heavy):
    assert matters(family, effect, {}) is heavy


def test_a_label_never_says_what_about():
    key = "5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB69KF"
    for path in (f"tx/{key}", key, f"a/{key}/b?{key}", f"/{key}/"):
        assert key not in label(Rest("x:y", "GET", path))
    assert label(Rpc("x:y", "a" * 100)) == "…"
    assert all(name.count("…") <= 1 for names in QUORUM_READS.values() for name in names)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ([OWNER, "latest"], [OWNER, "0x10"]),
        ([OWNER], [OWNER, "0x10"]),
        ([OWNER, "pending"], [OWNER, "pending"]),
        ([OWNER, "0x5"], [OWNER, "0x5"]),
        ([OWNER, {"blockHash": "0x"}], [OWNER, {"blockHash": "0x"}]),
        ([], []),
    ],
    ids=range(6),
)
def test_what_is_about_the_latest_block_is_pinned(params, expected):
    assert list(pinned("evm", Rpc(ID, "eth_getBalance", params), 16).params) == expected


def test_lag_of_none_family(watched, pool):
    nodes = [Ledger(watched, 100), Ledger(watched, 100)]
    made = pool({"ethereum": [n.transport for n in nodes]}, quorum=2, lag=LagPolicy(blocks={"solana": 1}))
    assert made.one(BALANCE) == hex(1100)
