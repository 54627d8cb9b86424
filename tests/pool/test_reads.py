"""Identity, failover, breakers, limits, lag and hedges, over real servers and scripted transports."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from multiwallet import AsyncEndpointPool, EndpointPool
from multiwallet.errors import (
    BadResponse,
    InputError,
    RateLimited,
    Rejected,
    Timeout,
    UnknownNetwork,
    Unreachable,
)
from multiwallet.exchange import RetryPolicy
from multiwallet.ops import Rest, Rpc, Sleep
from multiwallet.pool import BreakerPolicy, LagPolicy, RateLimit
from multiwallet.transport import AsyncHttpTransport, HttpTransport

ID = "eip155:1"
GAS = Rpc(ID, "eth_gasPrice")
HEIGHT = Rpc(ID, "eth_blockNumber")


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def gas(price: Any = "0x5") -> dict[str, Any]:
    return {"eth_gasPrice": price}


# -- whom it asks ----------------------------------------------------------------------------------------------------


def test_the_first_endpoint_answers_and_the_second_is_not_asked(serve, pool):
    first, second = serve(**gas("0x1")), serve(**gas("0x2"))
    made = pool({"ethereum": [first.url, second.url]}, lag=None)
    assert made.perform(GAS, GAS) == ["0x1", "0x1"]
    assert second.asked == []
    assert first.methods() == ["eth_chainId", "eth_gasPrice", "eth_gasPrice"]


def test_who_does_not_answer_is_replaced(serve, pool, reply):
    broken, good = serve(**gas(reply(b"<html>", 502))), serve(**gas())
    made = pool({"ethereum": [closed_port(), broken.url, good.url]})
    assert made.one(GAS) == "0x5"
    assert made.state(0).errors > 0
    assert made.state(2).latency >= 0


def test_what_one_endpoint_leaves_open_the_next_is_asked_alone(watched, pool):
    partly = watched(answer=lambda e: Timeout("late") if e.method == "eth_gasPrice" else "0x1")
    good = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else "0x7")
    made = pool({"ethereum": [partly, good]}, lag=None)
    assert made.perform(GAS, Rpc(ID, "eth_maxPriorityFeePerGas")) == ["0x7", "0x1"]
    assert good.methods() == ["eth_chainId", "eth_gasPrice"]


def test_a_refusal_is_an_answer(serve, pool):
    first, second = serve(**gas(ValueError("no such method"))), serve(**gas())
    outcome = pool({"ethereum": [first.url, second.url]}, lag=None).one(GAS)
    assert isinstance(outcome, Rejected)
    assert second.asked == []


def test_when_nobody_answers_the_last_reason_is_told(pool):
    made = pool({"ethereum": [closed_port(), closed_port()]})
    assert isinstance(made.one(GAS), Unreachable)


def test_after_all_failed_it_pauses_and_asks_again(watched, pool, clock):
    turns = iter([Timeout("1"), Timeout("2"), "0x9"])
    node = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else next(turns))
    made = pool({"ethereum": [node]}, clock=clock, policy=RetryPolicy(attempts=3, pause=1.0), chance=lambda: 0.0)
    assert made.one(GAS) == "0x9"
    assert clock.slept == [1.0, 2.0]


def test_attempts_are_bounded(watched, pool, clock):
    node = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else Timeout("never"))
    made = pool({"ethereum": [node]}, clock=clock, policy=RetryPolicy(attempts=3, pause=1.0))
    assert isinstance(made.one(GAS), Timeout)
    assert node.methods().count("eth_gasPrice") == 3


def test_a_network_without_endpoints_is_unreachable(serve, pool):
    made = pool({"ethereum": [serve().url]})
    outcomes = made.perform(Rpc("eip155:137", "eth_gasPrice"), Rpc(ID, "x", service="archive"))
    assert [type(outcome) for outcome in outcomes] == [Unreachable, Unreachable]
    assert "eip155:137" in outcomes[0].message


def test_an_endpoint_of_a_kind_serves_that_kind_alone(serve, pool):
    plain = serve(kind="plain", **gas())
    special = serve(kind="special")
    made = pool({"ethereum": [plain.url, "archive+" + special.url]}, lag=None)
    assert made.perform(Rpc(ID, "kind"), Rpc(ID, "kind", service="archive")) == ["plain", "special"]


def test_the_fastest_may_be_preferred(watched, pool, clock):
    def slow(effect):
        clock.now += 1.0
        return "0x1" if effect.method == "eth_chainId" else "slow"

    makers = {
        "slow": watched(answer=slow),
        "fast": watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else "fast"),
    }
    made = pool({"ethereum": list(makers.values())}, clock=clock, prefer="fastest", lag=None)
    assert [made.one(GAS) for _ in range(4)] == ["slow", "fast", "fast", "fast"]


# -- who they are ----------------------------------------------------------------------------------------------------


def test_an_endpoint_of_another_chain_is_put_out_for_good(serve, pool, caplog):
    foreign, good = serve(eth_chainId="0x38", **gas("0xbad")), serve(**gas())
    made = pool({"ethereum": [foreign.url, good.url]}, breaker=BreakerPolicy(failures=1))
    assert [made.one(GAS) for _ in range(3)] == ["0x5"] * 3
    assert "eth_gasPrice" not in foreign.methods()
    assert made.state(0).put_out
    assert not made.state(1).put_out
    (record,) = [r for r in caplog.records if "put out" in r.getMessage()]
    assert record.network == ID
    assert "eip155:56" in record.getMessage()
    assert foreign.methods().count("eth_chainId") == 1


def test_foreign_endpoints_alone_are_no_answer(serve, pool):
    made = pool({"ethereum": [serve(eth_chainId="0x38", **gas()).url]})
    first = made.one(GAS)
    assert isinstance(first, BadResponse)
    assert "eip155:56" in first.message
    again = made.one(GAS)
    assert isinstance(again, Unreachable)
    assert "another network" in again.message


@pytest.mark.parametrize("answer", [None, "0x", "1", 7, {}, ["0x1"]], ids=repr)
def test_who_does_not_know_its_chain_is_put_out(serve, pool, answer):
    good = serve(**gas())
    made = pool({"ethereum": [serve(eth_chainId=answer).url, good.url]})
    assert made.one(GAS) == "0x5"
    assert made.state(0).put_out


def test_who_will_not_say_its_chain_fails_without_being_put_out(serve, pool):
    shy = serve(eth_chainId=ValueError("not allowed"), **gas("0xbad"))
    made = pool({"ethereum": [shy.url, serve(**gas()).url]})
    assert made.one(GAS) == "0x5"
    assert not made.state(0).put_out
    assert "eth_gasPrice" not in shy.methods()


def test_identity_is_checked_again_after_the_breaker_was_open(watched, pool, clock):
    """A host that comes back under the same name may be another one."""
    chain, alive = "0x1", True

    def answer(effect):
        if not alive:
            return Timeout("gone")
        return chain if effect.method == "eth_chainId" else "first"

    changing = watched(answer=answer)
    other = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else "second")
    made = pool(
        {"ethereum": [changing, other]},
        clock=clock,
        breaker=BreakerPolicy(failures=2, cooldown=10, jitter=0),
        lag=None,
    )
    assert made.one(GAS) == "first"
    alive = False
    assert [made.one(GAS), made.one(GAS)] == ["second", "second"]
    assert made.state(0).breaker == "open"
    asked = len(changing.asked)
    assert made.one(GAS) == "second"
    assert len(changing.asked) == asked  # left alone
    alive, chain = True, "0x38"
    clock.now += 11
    assert made.state(0).breaker == "half-open"
    assert made.one(GAS) == "second"
    assert made.state(0).put_out
    assert changing.methods()[asked:] == ["eth_chainId"]


def test_the_same_host_comes_back_and_is_used_again(watched, pool, clock):
    alive = True
    node = watched(answer=lambda e: ("0x1" if e.method == "eth_chainId" else "first") if alive else Unreachable("gone"))
    other = watched(answer=lambda e: "0x1" if e.method == "eth_chainId" else "second")
    made = pool(
        {"ethereum": [node, other]}, clock=clock, breaker=BreakerPolicy(failures=1, cooldown=5, jitter=0), lag=None
    )
    assert made.one(GAS) == "first"
    alive = False
    assert made.one(GAS) == "second"
    alive = True
    clock.now += 5
    for _ in range(6):  # its share of failures fades with every answer
        made.one(GAS)
        node_first = made.one(GAS)
    assert made.state(0).breaker == "closed"
    assert node_first == "first"
    assert node.methods().count("eth_chainId") == 2


def test_a_check_of_ones_own_or_none(serve, pool):
    foreign = serve(eth_chainId="0x38", **gas())
    assert pool({"ethereum": [foreign.url]}, check=None).one(GAS) == "0x5"

    def nobody(network):
        raise BadResponse("no")
        yield ()

    assert isinstance(pool({"ethereum": [foreign.url]}, check=nobody).one(GAS), BadResponse)


def test_a_private_pool_for_every_family(watched, pool):
    """The families' own checks run against scripted nodes: block 0 of Bitcoin, of TRON, the genesis of Solana."""
    genesis = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    core = watched(answer=lambda e: genesis if getattr(e, "method", "") == "getblockhash" else 800_000)
    esplora = watched(answer=lambda e: genesis if "block-height" in e.path else 800_000)
    made = pool({"bitcoin": [core]}, lag=None)
    assert made.one(Rpc("bip122:000000000019d6689c085ae165831e93", "getblockcount", service="core")) == 800_000
    made = pool({"bitcoin": [esplora]}, lag=None)
    assert made.one(Rest("bip122:000000000019d6689c085ae165831e93", "GET", "blocks/tip/height")) == 800_000
    assert esplora.methods() == ["block-height/0", "blocks/tip/height"]


# -- breakers and limits -----------------------------------------------------------------------------------------------


def test_when_all_breakers_are_open_it_fails_at_once(watched, pool, clock):
    node = watched(answer=lambda e: Timeout("no"))
    made = pool(
        {"ethereum": [node]},
        clock=clock,
        breaker=BreakerPolicy(failures=1, cooldown=60, jitter=0),
        policy=RetryPolicy(attempts=1),
    )
    assert isinstance(made.one(GAS), Timeout)
    asked = len(node.asked)
    outcome = made.one(GAS)
    assert isinstance(outcome, Unreachable)
    assert "60 s" in outcome.message
    assert len(node.asked) == asked
    assert clock.slept == []


def test_a_rate_limited_endpoint_is_held_back_and_its_breaker_stays_closed(serve, pool, reply, clock):
    busy, good = serve(**gas(reply(b"", 429, {"retry-after": "7"}))), serve(**gas())
    made = pool({"ethereum": [busy.url, good.url]}, clock=clock, breaker=BreakerPolicy(failures=1), lag=None)
    assert made.one(GAS) == "0x5"
    assert (made.state(0).breaker, made.state(0).hold) == ("closed", 7.0)
    asked = len(busy.asked)
    assert made.one(GAS) == "0x5"
    assert len(busy.asked) == asked
    busy.results["eth_gasPrice"] = "0x1"
    clock.now += 7
    assert made.one(GAS) == "0x1"


def test_the_only_endpoint_is_waited_for(serve, pool, reply, clock):
    answers = iter([reply(b"", 429, {"retry-after": "4"}), "0x3"])
    node = serve(eth_gasPrice=lambda params: next(answers))
    assert pool({"ethereum": [node.url]}, clock=clock).one(GAS) == "0x3"
    assert clock.slept == [pytest.approx(4.0)]


def test_a_limit_beyond_the_patience_is_told(serve, pool, reply, clock):
    node = serve(**gas(reply(b"", 429, {"retry-after": "500"})))
    made = pool({"ethereum": [node.url]}, clock=clock)
    for _ in range(2):
        outcome = made.one(GAS)
        assert isinstance(outcome, RateLimited)
        assert outcome.retry_after == pytest.approx(500)
    assert clock.slept == []
    assert node.methods().count("eth_gasPrice") == 1


def test_endless_limits_are_not_waited_for_endlessly(serve, pool, reply, clock):
    node = serve(**gas(reply(b"", 429, {"retry-after": "1"})))
    assert isinstance(pool({"ethereum": [node.url]}, clock=clock).one(GAS), RateLimited)
    assert len(clock.slept) < 5


def test_the_own_limit_waits_and_then_refuses(watched, pool, clock):
    node = watched(answer=lambda e: "0x1")
    made = pool({"ethereum": [node]}, clock=clock, limits=RateLimit(rate=2, burst=2, patience=3))
    for _ in range(6):
        assert made.one(GAS) == "0x1"
    assert sum(clock.slept) == pytest.approx(2.5)  # seven calls, two of them at once
    outcomes = pool(
        {"ethereum": [node]}, clock=clock, limits={"ethereum": RateLimit(rate=0.01, burst=1, patience=3)}
    ).perform(GAS)
    assert isinstance(outcomes[0], RateLimited)
    assert outcomes[0].retry_after > 3


def test_limits_by_url_and_a_quota_shared_by_networks(serve, clock):
    node, free = serve(eth_gasPrice="0x1"), serve(eth_gasPrice="0x2")
    settings = {"clock": clock, "sleep": clock.sleep, "check": None}
    limits = {node.url: RateLimit(rate=1, burst=1)}
    with EndpointPool({"ethereum": [node.url], "polygon": [node.url]}, limits=limits, **settings) as shared:
        assert shared.perform([GAS]) == ["0x1"]
        assert shared.perform([Rpc("eip155:137", "eth_gasPrice")]) == ["0x1"]
    assert clock.slept == [pytest.approx(1.0)]
    with EndpointPool({"ethereum": [free.url, node.url]}, limits=limits, **settings) as unlimited:
        for _ in range(5):
            assert unlimited.perform([GAS]) == ["0x2"]
    assert len(clock.slept) == 1


# -- who lags ----------------------------------------------------------------------------------------------------------


def node_at(watched, height: str, name: str) -> Any:
    heights = {"eth_chainId": "0x1", "eth_blockNumber": height}
    return watched(answer=lambda e: heights.get(e.method, name))


def test_an_endpoint_that_lags_is_skipped_until_it_has_caught_up(watched, pool, clock):
    behind, ahead = node_at(watched, hex(100), "behind"), node_at(watched, hex(120), "ahead")
    made = pool({"ethereum": [behind, ahead]}, clock=clock, lag=LagPolicy(blocks=5, every=30))
    assert made.one(GAS) == "ahead"
    assert [row.height for row in made.pool.health()] == [100, 120]
    behind.answer = lambda e: {"eth_chainId": "0x1", "eth_blockNumber": hex(119)}.get(e.method, "behind")
    assert made.one(GAS) == "ahead"  # nobody looked since
    clock.now += 31
    assert made.one(GAS) == "behind"


def test_an_endpoint_that_lags_is_better_than_none(watched, pool, clock):
    behind = node_at(watched, hex(100), "behind")
    gone = watched(answer=lambda e: {"eth_chainId": "0x1", "eth_blockNumber": hex(200)}.get(e.method) or Timeout("no"))
    assert pool({"ethereum": [behind, gone]}, clock=clock).one(GAS) == "behind"


def test_one_invented_height_does_not_put_two_honest_endpoints_behind(watched, pool, clock):
    liar = node_at(watched, hex(10**9), "lie")
    honest = [node_at(watched, hex(100), "truth"), node_at(watched, hex(101), "truth")]
    assert pool({"ethereum": [*honest, liar]}, clock=clock).one(GAS) == "truth"


@pytest.mark.parametrize("height", [None, "0xzz", "", 5, "0x" + "f" * 40, {}], ids=repr)
def test_a_height_that_is_none_is_ignored(watched, pool, clock, height):
    odd = watched(answer=lambda e: height if e.method == "eth_blockNumber" else "0x1")
    made = pool({"ethereum": [odd, node_at(watched, hex(99), "x")]}, clock=clock)
    assert made.one(GAS) == "0x1"
    assert made.state(0).height is None


def test_heights_of_the_other_families(watched, pool):
    tron = "tron:0x2b6653dc"
    head = {"block_header": {"raw_data": {"number": 55}}}
    node = watched(answer=lambda e: head)
    made = pool({"tron": [node]}, check=None)
    made.one(Rest(tron, "POST", "wallet/getnowblock", json={}))
    assert made.state().height == 55
    solana = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
    made = pool({"solana": [watched(answer=lambda e: 77), watched(answer=lambda e: 78)]}, check=None)
    assert made.one(Rpc(solana, "getSlot")) == 77
    assert [row.height for row in made.pool.health()] == [77, 78]
    bitcoin = "bip122:000000000019d6689c085ae165831e93"
    made = pool({"bitcoin": [watched(answer=lambda e: 800_000), watched(answer=lambda e: 800_001)]}, check=None)
    assert made.one(Rpc(bitcoin, "getbestblockhash", service="core")) == 800_000
    assert [row.height for row in made.pool.health()] == [800_000, 800_001]
    book = {"blockbook": {"bestHeight": 9}, "backend": {}}
    made = pool({"bitcoin": [watched(answer=lambda e: book), watched(answer=lambda e: book)]}, check=None)
    assert made.one(Rest(bitcoin, "GET", "api/v2/tx/00", service="blockbook")) == book
    assert [row.height for row in made.pool.health()] == [9, 9]


# -- hedges ------------------------------------------------------------------------------------------------------------


def test_a_slow_read_is_asked_of_the_next_as_well(serve, pool):
    release = threading.Event()
    slow, quick = serve(eth_gasPrice=lambda params: next(answers)), serve(**gas("0xquick"))
    answers = iter(["0x1", release])
    made = pool({"ethereum": [slow.url, quick.url]}, hedge_after=0.5, lag=None)
    try:
        assert made.one(GAS) == "0x1"
        assert made.one(GAS) == "0xquick"
        assert slow.methods().count("eth_gasPrice") == 2
    finally:
        release.set()


def test_a_quick_read_is_not_hedged(serve, pool):
    first, second = serve(**gas("0x1")), serve(**gas("0x2"))
    made = pool({"ethereum": [first.url, second.url]}, hedge_after=30, lag=None)
    assert made.one(GAS) == "0x1"
    assert second.asked == []


def test_a_hedge_that_fails_leaves_the_first_its_time(serve, pool):
    release = threading.Event()
    slow = serve(**gas(release))
    made = pool({"ethereum": [slow.url, closed_port()]}, hedge_after=0.02, lag=None)
    threading.Timer(0.3, release.set).start()
    assert made.one(GAS) == "0xlate"


def test_one_hedge_is_enough(serve, pool):
    release = threading.Event()
    slow, slower, third = serve(**gas(release)), serve(**gas(release)), serve(**gas("0xthird"))
    made = pool({"ethereum": [slow.url, slower.url, third.url]}, hedge_after=0.1, lag=None)
    threading.Timer(0.8, release.set).start()
    assert made.one(GAS) == "0xlate"
    assert third.asked == []


def test_a_broadcast_is_never_hedged(serve, pool):
    release = threading.Event()
    slow, other = serve(eth_sendRawTransaction=release), serve(eth_sendRawTransaction="0xother")
    made = pool({"ethereum": [slow.url, other.url]}, hedge_after=0.02, lag=None)
    threading.Timer(0.3, release.set).start()
    assert made.one(Rpc(ID, "eth_sendRawTransaction", ["0x00"], broadcast=True)) == "0xlate"
    assert other.asked == []


def test_a_quantile_hedges_once_it_has_seen_enough(serve, pool):
    hold = threading.Event()
    answers = iter(["0x1"] * 12 + [hold])
    first, second = serve(eth_gasPrice=lambda params: next(answers)), serve(**gas("0x2"))
    made = pool({"ethereum": [first.url, second.url]}, hedge_after="p99", lag=None)
    try:
        seen = [made.one(GAS) for _ in range(13)]
    finally:
        hold.set()
    assert seen[:8] == ["0x1"] * 8
    assert seen[-1] == "0x2"


def test_a_hedge_does_not_ask_who_lags(serve, watched, pool):
    release = threading.Event()
    slow = serve(eth_blockNumber=hex(500), **gas(release))
    stale = serve(eth_blockNumber=hex(5), **gas("0xstale"))
    made = pool({"ethereum": [slow.url, stale.url]}, hedge_after=0.02)
    threading.Timer(0.3, release.set).start()
    assert made.one(GAS) == "0xlate"


# -- many at once --------------------------------------------------------------------------------------------------------


def test_eight_threads_share_a_pool(serve, reply):
    echo = {"echo": lambda params: params}
    nodes = [serve(**echo) for _ in range(3)]
    flaky = iter([reply(b"", 502), reply(b"", 503)] * 40)
    nodes[0].results["echo"] = lambda params: next(flaky, params) if params[1] % 3 == 0 else params
    wrong: list[Any] = []
    start = threading.Barrier(8)
    settings: dict[str, Any] = {"hedge_after": 5.0, "policy": RetryPolicy(pause=0.001), "limits": RateLimit(1e6, 1000)}
    with EndpointPool({"ethereum": [n.url for n in nodes], "polygon": nodes[1].url}, check=None, **settings) as shared:

        def work(number: int) -> None:
            start.wait(10)
            for turn in range(8):
                effects = [Rpc(ID if n % 2 else "eip155:137", "echo", [number, turn, n]) for n in range(4)]
                if shared.perform(effects) != [[number, turn, n] for n in range(4)]:
                    wrong.append((number, turn))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []


def test_many_tasks_share_a_pool(serve):
    nodes = [serve(echo=lambda params: params) for _ in range(2)]

    async def main() -> Any:
        async with AsyncEndpointPool({"ethereum": [n.url for n in nodes]}, limits=RateLimit(1e6, 100)) as shared:
            return await asyncio.gather(*(shared.perform([Rpc(ID, "echo", [n])]) for n in range(30)))

    assert asyncio.run(main()) == [[[n]] for n in range(30)]


def test_a_task_that_is_cancelled_frees_the_probe(serve):
    hold = threading.Event()
    node = serve(**gas(hold))

    async def main() -> Any:
        async with AsyncEndpointPool({"ethereum": [node.url]}, check=None) as shared:
            asked = asyncio.create_task(shared.perform([GAS]))
            while not node.asked:
                await asyncio.sleep(0.01)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            node.results["eth_gasPrice"] = "0x8"
            return await shared.perform([GAS])

    try:
        assert asyncio.run(main()) == ["0x8"]
    finally:
        hold.set()


# -- what is handed over -----------------------------------------------------------------------------------------------


def test_sleep_is_passed_to_transports_and_slept_for_urls(serve, watched, pool, clock):
    given = watched(answer=lambda e: None)
    made = pool({"ethereum": [given], "polygon": [given]}, clock=clock)
    assert made.perform(Sleep(5), Sleep(2)) == [None, None]
    assert given.asked == [Sleep(5)]
    assert clock.slept == []
    made = pool({"ethereum": [serve().url]}, clock=clock)
    assert made.perform(Sleep(3)) == [None]
    assert clock.slept == [3]


def test_what_is_no_effect_is_a_type_error(serve, pool):
    made = pool({"ethereum": [serve().url]})
    with pytest.raises(TypeError, match="Rpc"):
        made.perform("not an effect")


def test_a_transport_that_answers_too_little_or_raises_is_a_bad_endpoint(watched, pool):
    class Short:
        def perform(self, effects):
            return []

    class Raising:
        def perform(self, effects):
            raise Unreachable("down")

    good = watched(answer=lambda e: "0x1")
    assert pool({"ethereum": [Short(), Raising(), good]}).one(GAS) == "0x1"


def test_a_bug_in_a_transport_is_not_hidden(pool):
    class Broken:
        def perform(self, effects):
            raise ZeroDivisionError

    for settings in ({}, {"hedge_after": 5.0}):
        with pytest.raises(ZeroDivisionError):
            pool({"ethereum": [Broken()]}, **settings).one(GAS)


def test_transports_of_either_kind(serve, pool):
    node = serve(**gas())
    sync = HttpTransport({ID: [node.url]})
    assert pool({"ethereum": [sync]}).one(GAS) == "0x5"
    sync.close()
    other = AsyncHttpTransport({ID: [node.url]})
    with pytest.raises(InputError, match="AsyncEndpointPool"):
        EndpointPool({"ethereum": [other]})

    async def main() -> Any:
        async with other, AsyncEndpointPool({"ethereum": [other]}) as made:
            return await made.perform([GAS])

    assert asyncio.run(main()) == ["0x5"]


def test_a_pool_can_be_closed_and_used_again(serve, pool):
    made = pool({"ethereum": [serve(**gas()).url]}, hedge_after=5.0)
    for _ in range(2):
        assert made.one(GAS) == "0x5"
        made.settle()


@pytest.mark.parametrize(
    ("endpoints", "settings", "error", "match"),
    [
        ({}, {}, InputError, "a pool is made of"),
        (["http://a.example"], {}, InputError, "a pool is made of"),
        ({"etherium": ["http://a.example"]}, {}, UnknownNetwork, "ethereum"),
        ({"ethereum": []}, {}, InputError, "empty"),
        ({"ethereum": ["http://a.example"], "eip155:1": ["http://b.example"]}, {}, InputError, "twice"),
        ({"ethereum": ["http://a.example", "http://a.example"]}, {}, InputError, "twice"),
        ({"ethereum": ["ws://a.example/secret"]}, {}, InputError, "http://"),
        ({"ethereum": ["http://"]}, {}, InputError, "no URL"),
        ({"ethereum": [42]}, {}, InputError, "int"),
        ({"ethereum": ["http://a.example"]}, {"quorum": 2}, InputError, "quorum of 2"),
        ({"ethereum": ["http://a.example"]}, {"quorum": 0}, InputError, "quorum"),
        ({"ethereum": ["http://a.example"]}, {"broadcast_to": "some"}, InputError, "broadcast_to"),
        ({"ethereum": ["http://a.example"]}, {"hedge_after": 0}, InputError, "hedge_after"),
        ({"ethereum": ["http://a.example"]}, {"hedge_after": "p100"}, InputError, "hedge_after"),
        ({"ethereum": ["http://a.example"]}, {"prefer": "cheap"}, InputError, "prefer"),
        ({"ethereum": ["http://a.example"]}, {"limits": 5}, InputError, "limits"),
        ({"ethereum": ["http://a.example"]}, {"limits": {"http://u:p4ss@b/": RateLimit(1)}}, InputError, "no endpoint"),
        ({"ethereum": ["http://a.example"]}, {"timeout": -1}, InputError, "timeout"),
    ],
    ids=str,
)
def test_a_pool_that_cannot_be_is_refused(endpoints, settings, error, match):
    with pytest.raises(error, match=match) as caught:
        EndpointPool(endpoints, **settings)
    assert "secret" not in str(caught.value)
    assert "p4ss" not in str(caught.value)


# -- what comes late -----------------------------------------------------------------------------------------------------


def test_a_height_that_comes_late_disturbs_nothing(serve, pool):
    """The look at the heights gives up on a slow one, whose answer then comes in the middle of something else."""
    hold, prices = threading.Event(), iter(["0x1", "0x2", "0x3"])
    dawdling = serve(eth_blockNumber=hold, **gas("0xnever"))

    def price(params: Any) -> Any:
        hold.set()  # now the height comes, while this answer is waited for
        return next(prices)

    good = serve(eth_gasPrice=price)
    lag = LagPolicy(patience=0.2)
    made = pool({"ethereum": [good.url, dawdling.url]}, lag=lag, hedge_after=20.0)
    assert [made.one(GAS) for _ in range(3)] == ["0x1", "0x2", "0x3"]
    made.settle()
    assert "eth_gasPrice" not in dawdling.methods()


def test_a_late_height_does_not_end_a_pause_or_a_vote(serve, watched, pool):
    hold = threading.Event()
    slow = serve(eth_blockNumber=hold, eth_getTransactionCount="0x1")
    turns = iter(["0x2", "0x1"])

    def nonce(params: Any) -> Any:
        hold.set()
        return next(turns)

    other = serve(eth_getTransactionCount=nonce)
    made = pool(
        {"ethereum": [slow.url, other.url]},
        quorum=2,
        lag=LagPolicy(patience=0.2),
        policy=RetryPolicy(pause=0.2),
    )
    assert made.one(Rpc(ID, "eth_getTransactionCount", ["0x00", "pending"])) == "0x1"


def test_a_quorum_is_counted_by_kind():
    with pytest.raises(InputError, match="of one kind"):
        EndpointPool({"bitcoin": ["http://a.example", "core+http://b.example"]}, quorum=2)
    EndpointPool({"bitcoin": ["http://a.example", "http://b.example", "core+http://c.example"]}, quorum=2)
