"""The HTTP transports, both of them, against real servers on the loopback interface."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import random
import socket
import threading
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pytest

import multiwallet
from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import (
    BadResponse,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    UnknownNetwork,
    Unreachable,
)
from multiwallet.ops import Rest, Rpc, Sleep
from multiwallet.transport import AsyncHttpTransport, HttpTransport, RetryPolicy

KEY, PASSWORD = "k3y-0123456789abcdef", "p4ss-word"
CALL = Rpc("net:1", "height")
SEND = Rpc("net:1", "send", ["0xraw"], broadcast=True)
BUSY = b'{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"busy"}}'


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


# -- what is asked -----------------------------------------------------------------------------------------


def test_one_call_and_its_answer(serve, perform, honest):
    server = serve(honest)
    assert perform.one(server.url + "/rpc?project=1", Rpc("net:1", "add", [1, "0x2", None])) == "add"
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/rpc?project=1")
    assert asked.json == {"jsonrpc": "2.0", "id": 0, "method": "add", "params": [1, "0x2", None]}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"] == f"multiwallet/{multiwallet.__version__}"
    named = perform.one(server.url, Rpc("net:1", "add", {"a": 1}))
    assert named == "add"
    assert server.asked[1].json["params"] == {"a": 1}


def test_the_calls_of_a_round_are_one_request_for_each_network(serve, perform, honest):
    first, second = serve(honest), serve(honest)
    effects = [
        Rpc("net:1", "a"), Rpc("net:2", "b"), Rpc("net:1", "c"), Rest("net:2", "GET", "d"), SEND, Rpc("net:1", "e")
    ]  # fmt: skip
    (outcomes,) = perform({"net:1": [first.url], "net:2": [second.url]}, effects[:3] + effects[4:])
    assert outcomes == ["a", "b", "c", "send", "e"]
    assert sorted(len(asked.json) if isinstance(asked.json, list) else 1 for asked in first.asked) == [1, 3]
    assert len(second.asked) == 1


def test_a_large_round_is_split(serve, perform, honest):
    server = serve(honest)
    effects = [Rpc("net:1", f"m{number}") for number in range(25)]
    (outcomes,) = perform({"net:1": [server.url]}, effects, policy=RetryPolicy(batch=10))
    assert outcomes == [effect.method for effect in effects]
    assert sorted(len(asked.json) for asked in server.asked) == [5, 10, 10]


def test_a_shuffled_batch_is_put_in_order(serve, perform, honest):
    def script(asked):
        answers = honest(asked)
        random.Random(7).shuffle(answers)
        return answers

    effects = [Rpc("net:1", f"m{number}") for number in range(20)]
    (outcomes,) = perform({"net:1": [serve(script).url]}, effects)
    assert outcomes == [effect.method for effect in effects]


def test_one_failed_call_does_not_hide_its_neighbours(serve, perform, honest):
    def script(asked):
        answers = honest(asked)
        answers[1] = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no such method", "data": [1]}}
        return answers

    server = serve(script)
    (outcomes,) = perform({"net:1": [server.url]}, [Rpc("net:1", "a"), Rpc("net:1", "b"), Rpc("net:1", "c")])
    assert outcomes[::2] == ["a", "c"]
    assert isinstance(outcomes[1], Rejected)
    assert (outcomes[1].node_code, outcomes[1].data) == (-32601, [1])
    assert len(server.asked) == 1  # a refusal is an answer, not a failure


@pytest.mark.parametrize(
    "damage",
    [
        lambda answers: answers[1:],
        lambda answers: [answers[0], *answers],
        lambda answers: [{**answers[0], "id": "0"}, *answers[1:]],
        lambda answers: [{**answers[0], "id": True}, *answers[1:]],
        lambda answers: [{**answers[0], "id": None}, *answers[1:]],
        lambda answers: [None, 5, "x", [], *answers[1:]],
        lambda answers: [{"id": 0}, *answers[1:]],
    ],
    ids=["missing", "twice", "id text", "id true", "id null", "rubbish", "no result"],
)
def test_a_call_whose_answer_is_missing_or_doubtful_is_asked_again(serve, perform, honest, damage):
    seen = []

    def script(asked):
        seen.append(asked)
        answers = honest(asked)
        return damage(answers) if len(seen) == 1 else answers

    effects = [Rpc("net:1", "a"), Rpc("net:1", "b"), Rpc("net:1", "c")]
    (outcomes,) = perform({"net:1": [serve(script).url]}, effects)
    assert outcomes == ["a", "b", "c"]
    assert seen[1].json["method"] == "a"  # and only it
    server = serve(lambda asked: damage(honest(asked)) if isinstance(asked.json, list) else honest(asked))
    (outcomes,) = perform({"net:1": [server.url]}, effects, policy=RetryPolicy(attempts=1))
    assert isinstance(outcomes[0], BadResponse)
    assert outcomes[1:] == ["b", "c"]


@pytest.mark.parametrize(
    "refusal",
    [
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batches are not supported"}},
        {"error": "one at a time"},
        None,
    ],
)
def test_an_endpoint_without_batches_is_asked_singly_at_once(serve, perform, honest, refusal):
    server = serve(lambda asked: refusal if isinstance(asked.json, list) else honest(asked))
    effects = [Rpc("net:1", "a"), Rpc("net:1", "b"), Rpc("net:1", "c")]
    (outcomes,) = perform({"net:1": [server.url]}, effects, policy=RetryPolicy(attempts=1))
    assert outcomes == ["a", "b", "c"]
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [400, 405, 413])
def test_an_endpoint_that_answers_batches_with_a_page_is_asked_singly(serve, perform, honest, reply, status):
    server = serve(lambda asked: reply(b"<html>", status) if isinstance(asked.json, list) else honest(asked))
    (outcomes,) = perform({"net:1": [server.url]}, [Rpc("net:1", "a"), Rpc("net:1", "b")])
    assert outcomes == ["a", "b"]


def test_a_rate_limit_for_a_whole_batch_is_one(serve, perform):
    server = serve(lambda asked: {"id": None, "error": {"code": -32005, "message": "limit exceeded"}})
    effects = [Rpc("net:1", "a"), Rpc("net:1", "b")]
    (outcomes,) = perform({"net:1": [server.url]}, effects, policy=RetryPolicy(attempts=1))
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes)
    assert len(server.asked) == 1


def test_an_endpoint_that_goes_away_is_not_waited_for_call_by_call(serve, perform, honest, reply):
    server = serve(lambda asked: {"error": "no"} if isinstance(asked.json, list) else reply(b"", cut=True, announce=9))
    (outcomes,) = perform(
        {"net:1": [server.url]}, [Rpc("net:1", f"m{n}") for n in range(50)], policy=RetryPolicy(attempts=1)
    )
    assert all(isinstance(outcome, Timeout) for outcome in outcomes)
    assert len(server.asked) == 2


def test_rest_paths_queries_and_bodies(serve, perform):
    server = serve(lambda asked: {"ok": True})
    base = server.url + "/api/v1/?key=1"
    perform.one(base, Rest("net:1", "GET", "/address/bc1q x/%2e?#y", query={"a b": "c&d", "e": "ü"}))
    perform.one(base, Rest("net:1", "POST", "tx", text="00ff"))
    perform.one(base, Rest("net:1", "POST", "wallet/x", json={"amount": 10**30}))
    paths = [asked.path for asked in server.asked]
    assert paths == [
        "/api/v1/address/bc1q%20x/%252e%3F%23y?key=1&a+b=c%26d&e=%C3%BC", "/api/v1/tx?key=1", "/api/v1/wallet/x?key=1"
    ]  # fmt: skip
    assert server.asked[1].content == b"00ff"
    assert server.asked[1].headers["content-type"] == "text/plain"
    assert server.asked[2].content == b'{"amount": 1000000000000000000000000000000}'
    assert [asked.method for asked in server.asked] == ["GET", "POST", "POST"]


@pytest.mark.parametrize(
    ("content", "expect", "found"),
    [
        (b'{"a": [1, null]}', "json", {"a": [1, None]}),
        (b"840000", "json", 840000),
        (b"00ab", "text", "00ab"),
        (b"plain words", "json", BadResponse),
        (b"<!DOCTYPE html><p>hi", "text", BadResponse),
        (b"<HTML>", "text", BadResponse),
        (b"", "json", BadResponse),
    ],
)
def test_rest_answers(serve, perform, content, expect, found):
    outcome = perform.one(serve(lambda asked: content).url, Rest("net:1", "GET", "x", expect=expect))
    if isinstance(found, type):
        assert isinstance(outcome, found)
    else:
        assert outcome == found


def test_a_rest_refusal_keeps_status_and_body(serve, perform, reply):
    server = serve(lambda asked: reply(b"Transaction not found", 404))
    outcome = perform.one(server.url, Rest("net:1", "GET", "tx/00"))
    assert isinstance(outcome, Rejected)
    assert (outcome.node_code, outcome.data) == (404, "Transaction not found")
    assert len(server.asked) == 1
    server = serve(lambda asked: reply(b'{"Error": "x"}', 400))
    assert perform.one(server.url, Rest("net:1", "GET", "x")).data == {"Error": "x"}


def test_a_json_rpc_error_counts_whatever_the_http_status(serve, perform, reply):
    server = serve(lambda asked: reply(BUSY, 500))  # as Bitcoin Core does it
    outcome = perform.one(server.url, CALL)
    assert isinstance(outcome, Rejected)
    assert (outcome.node_code, outcome.message) == (-32000, "the node refused: busy")


def test_fractions_are_exact(serve, perform):
    server = serve(
        lambda asked: b'{"id":0,"result":[0.1, 20999999.97690001, 1e-8, -0.0, 123456789012345678901234567890]}'
    )
    outcome = perform.one(server.url, CALL)
    assert [str(value) for value in outcome] == [
        "0.1",
        "20999999.97690001",
        "1E-8",
        "-0.0",
        "123456789012345678901234567890",
    ]
    assert [type(value) for value in outcome] == [Decimal] * 4 + [int]


# -- which endpoint ------------------------------------------------------------------------------------------


def test_endpoints_are_tried_in_order_and_the_first_that_answers_wins(serve, perform, honest, reply):
    order = []

    def named(name, answer):
        def script(asked):
            order.append(name)
            return answer(asked)

        return serve(script).url

    urls = [
        closed_port(),
        named("busy", lambda asked: reply(b"", 503)),
        named("html", lambda asked: b"<html>"),
        named("good", honest),
        named("never", honest),
    ]
    assert perform.one(urls, CALL) == "height"
    assert order == ["busy", "html", "good"]


def test_all_tries_are_counted_over_all_endpoints(serve, perform, reply):
    servers = [serve(lambda asked: reply(b"", 503)) for _ in range(2)]
    outcome = perform.one([server.url for server in servers], CALL, policy=RetryPolicy(attempts=5, pause=0.001))
    assert isinstance(outcome, BadResponse)
    assert [len(server.asked) for server in servers] == [3, 2]


def test_what_fails_twice_and_then_works_has_worked(serve, perform, honest, reply):
    seen = []

    def script(asked):
        seen.append(asked.content)
        return reply(b"", 502) if len(seen) < 3 else honest(asked)

    assert perform.one(serve(script).url, CALL) == "height"
    assert len(seen) == 3


def test_endpoints_are_chosen_by_service(serve, perform, honest):
    plain, core = serve(honest), serve(lambda asked: honest(asked, lambda call: "core"))
    urls = [plain.url, f"core+{core.url}/wallet/a+b"]
    assert perform.one(urls, Rpc("net:1", "x", service="core")) == "core"
    assert core.asked[0].path == "/wallet/a+b"
    assert perform.one(urls, Rpc("net:1", "x")) == "x"
    assert perform.one([plain.url + "/a+b"], Rpc("net:1", "x")) == "x"  # a plus in the path is no service
    missing = perform.one([plain.url], Rpc("net:1", "x", service="core"))
    assert isinstance(missing, Unreachable)
    assert "'core'" in missing.message


@pytest.mark.parametrize(
    "url", ["ws://host", "host:8545", "", "http://", "http://[::1", "http://host:99999", "file:///etc", "core+"]
)
def test_an_endpoint_that_is_no_url_is_an_input_error(perform, url):
    outcome = perform.one(url, CALL)
    assert isinstance(outcome, InputError | Unreachable), repr(outcome)


def test_a_network_without_endpoints_is_unreachable_and_says_what_to_do(perform):
    ((outcome,),) = perform({}, [CALL])
    assert isinstance(outcome, Unreachable)
    assert "net:1" in outcome.message
    assert "endpoints=" in outcome.message


def test_an_error_of_the_lookup_is_the_outcome(perform):
    def lookup(network):
        raise UnknownNetwork(f"no {network}")

    ((outcome,),) = perform(lookup, [CALL])
    assert isinstance(outcome, UnknownNetwork)


def test_the_environment_replaces_a_networks_endpoints(serve, honest, monkeypatch):
    server = serve(lambda asked: honest(asked, lambda call: "0x1" if call["method"] == "eth_chainId" else "0x5"))
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_ETHEREUM", f"{closed_port()}, {server.url}/env")
    with Wallet.from_seed(bytes(32)) as wallet:
        assert wallet.account("ethereum").balance().total.units == 5
    assert {asked.path for asked in server.asked} == {"/env"}

    async def main():
        async with AsyncWallet.from_seed(bytes(32)) as wallet:
            return await wallet.account("ethereum").balance()

    assert asyncio.run(main()).total.units == 5
    other = serve(lambda asked: honest(asked, lambda call: "0x1" if call["method"] == "eth_chainId" else "0x6"))
    with Wallet.from_seed(bytes(32), endpoints={"ethereum": other.url}) as wallet:
        assert wallet.account("ethereum").balance().total.units == 6  # what the program says comes first


# -- failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{}",
        b"<html><body>captive portal</body></html>",
        b'{"jsonrpc":"2.0","id":0,"result":"0x1',
        b'{"jsonrpc":"2.0","id":0,"result":NaN}',
        b'{"jsonrpc":"2.0","id":0,"result":[-Infinity]}',
        b'{"jsonrpc":"2.0","id":0,"result":1e99999999999999999999}',
        b'{"jsonrpc":"2.0","id":0,"result":1e999999999}',
        b'{"jsonrpc":"2.0","id":0,"result":' + b"9" * 5000 + b"}",
        b'{"jsonrpc":"2.0","id":0,"result":' + b"[" * 300 + b"]" * 300 + b"}",
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b"\xff\xfe\x00\x01",
        b'\xef\xbb\xbf\x00{"result":1}',
    ],
    ids=[
        "empty",
        "null",
        "list",
        "number",
        "text",
        "object",
        "html",
        "cut",
        "NaN",
        "infinity",
        "exponent",
        "huge fraction",
        "digits",
        "nested",
        "deep lists",
        "deep objects",
        "no text",
        "byte order mark",
    ],
)
def test_what_is_no_answer_is_a_bad_response(serve, perform, content, once):
    outcome = perform.one(serve(lambda asked: content).url, CALL, policy=once)
    assert isinstance(outcome, BadResponse), repr(outcome)


def test_deep_json_does_not_end_the_process_whatever_the_recursion_limit(serve, perform, once):
    import sys

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)  # py_ecc does that, and web3.py imports it
    try:
        outcome = perform.one(serve(lambda asked: b"[" * 1_000_000).url, CALL, policy=once)
        quoted = perform.one(serve(lambda asked: {"id": 0, "result": '\\"' + "[" * 5000}).url, CALL, policy=once)
    finally:
        sys.setrecursionlimit(before)
    assert isinstance(outcome, BadResponse)
    assert quoted == '\\"' + "[" * 5000  # brackets in a text nest nothing


@pytest.mark.parametrize(
    "error",
    [[], {}, None, "no", 5, {"code": []}, {"code": {}, "message": {}}, {"code": -32005, "message": ["limit"]}, {"code": 1.5},
     {"message": "\ud800\x1b[31m red"}, {"code": True, "message": None}],
    ids=repr,
)  # fmt: skip
def test_strange_error_objects_are_errors_of_the_tree(serve, perform, error, once):
    content = json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}).encode()
    outcome = perform.one(serve(lambda asked: content).url, CALL, policy=once)
    if error is None:
        assert outcome is None  # error null and no result: a void answer
        return
    assert isinstance(outcome, MultiwalletError), repr(outcome)
    assert outcome.message.encode()  # it can be written to a log
    assert "\x1b" not in outcome.message  # and drives no terminal


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("effect", [CALL, Rest("net:1", "GET", "x")], ids=["rpc", "rest"])
def test_a_server_error_is_tried_again_and_then_told(serve, perform, reply, status, effect):
    server = serve(lambda asked: reply(b"<h1>oops</h1>", status))
    outcome = perform.one(server.url, effect)
    assert isinstance(outcome, BadResponse)
    assert str(status) in outcome.message
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("effect", [CALL, Rest("net:1", "GET", "x")], ids=["rpc", "rest"])
def test_redirects_are_not_followed(serve, perform, reply, honest, status, effect, once):
    target = serve(honest)
    server = serve(lambda asked: reply(b"", status, {"location": f"{target.url}/{KEY}"}))
    url = server.url.replace("http://", f"http://user:{PASSWORD}@")
    outcome = perform.one(url, effect, policy=once)
    assert isinstance(outcome, BadResponse)
    assert "redirect" in outcome.message
    assert KEY not in outcome.message
    assert target.asked == []


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("effect", [CALL, Rest("net:1", "GET", "x")], ids=["rpc", "rest"])
def test_a_refused_login_moves_on_to_the_next_endpoint(serve, perform, reply, honest, status, effect):
    first, second = (
        serve(lambda asked: reply(b"", status)),
        serve(lambda asked: honest(asked) if asked.content else b'"ok"'),
    )
    assert perform.one([first.url, second.url], effect) in ("height", "ok")
    outcome = perform.one(first.url, effect)
    assert isinstance(outcome, BadResponse)
    assert "check" in outcome.message


def test_a_refused_connection_is_unreachable(perform):
    outcome = perform.one(f"{closed_port()}/{KEY}", CALL)
    assert isinstance(outcome, Unreachable)
    assert KEY not in outcome.message


def test_silence_is_a_timeout(serve, perform, reply, once):
    release = threading.Event()
    server = serve(lambda asked: reply(b"{}", wait=release))
    try:
        outcome = perform.one(server.url, CALL, timeout=0.2, policy=once)
    finally:
        release.set()
    assert isinstance(outcome, Timeout)


def test_an_answer_in_drops_comes_to_an_end(serve, perform, reply, once):
    server = serve(lambda asked: reply(b" " * 10_000, drops=0.01))  # never silent for long, and never done
    outcome = perform.one(server.url, CALL, timeout=0.05, policy=once)
    assert isinstance(outcome, Timeout)


def test_a_connection_cut_in_the_middle_is_a_timeout(serve, perform, reply, once):
    server = serve(lambda asked: reply(b'{"jsonrpc":"2.0",', announce=1000, cut=True))
    assert isinstance(perform.one(server.url, CALL, policy=once), Timeout)


def test_an_answer_that_is_too_large_is_not_read(serve, perform, reply, once):
    server = serve(lambda asked: reply(bytes(65 * 2**20)))
    outcome = perform.one(server.url, CALL, policy=once)
    assert isinstance(outcome, BadResponse)
    assert "64 MiB" in outcome.message


def test_a_compressed_bomb_is_not_unpacked(serve, perform, reply, once):
    inner = gzip.compress(bytes(200 * 2**20), 9)  # 200 MiB in 200 KB
    for encoding, content in (("gzip", inner), ("gzip, gzip", gzip.compress(inner))):
        server = serve(lambda asked, e=encoding, c=content: reply(c, headers={"content-encoding": e}))
        outcome = perform.one(server.url, CALL, policy=once)
        assert isinstance(outcome, BadResponse), repr(outcome)
        assert "64 MiB" in outcome.message


def test_compressed_answers_are_read_and_broken_ones_told(serve, perform, reply, once):
    content = gzip.compress(b'{"id":0,"result":"0x1"}')
    server = serve(lambda asked: reply(content, headers={"content-encoding": "gzip"}))
    assert perform.one(server.url, CALL) == "0x1"
    server = serve(lambda asked: reply(b"not compressed", headers={"content-encoding": "gzip"}))
    assert isinstance(perform.one(server.url, CALL, policy=once), BadResponse)


# -- rate limits -------------------------------------------------------------------------------------------------


def test_retry_after_in_seconds_is_waited_for(serve, perform, honest, reply):
    seen = []

    def script(asked):
        seen.append(1)
        return reply(b"", 429, {"retry-after": "0"}) if len(seen) == 1 else honest(asked)

    assert perform.one(serve(script).url, CALL) == "height"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"retry-after": "77"}, 77.0),
        (
            {"retry-after": formatdate(1_700_000_120, usegmt=True), "date": formatdate(1_700_000_000, usegmt=True)},
            120.0,
        ),
        ({"retry-after": formatdate(1_600_000_000, usegmt=True), "date": formatdate(1_700_000_000, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "٣"}, None),
        ({}, None),
    ],
    ids=["seconds", "date", "past", "word", "negative", "endless", "other digits", "none"],
)
def test_retry_after_is_told(serve, perform, reply, once, header, seconds):
    encoded = {name: value.encode().decode("latin-1") for name, value in header.items()}
    outcome = perform.one(serve(lambda asked: reply(b"", 429, encoded)).url, CALL, policy=once)
    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after == seconds


def test_a_wait_beyond_patience_is_not_waited(serve, perform, reply):
    server = serve(lambda asked: reply(b"", 429, {"retry-after": "86400"}))
    outcome = perform.one(server.url, CALL)  # the test would not end
    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after == 86400
    assert len(server.asked) == 1


def test_a_limit_told_in_json_is_a_rate_limit(serve, perform, once):
    content = b'{"id":0,"error":{"code":-32005,"message":"daily request limit reached"}}'
    assert isinstance(perform.one(serve(lambda asked: content).url, CALL, policy=once), RateLimited)


# -- broadcasts ----------------------------------------------------------------------------------------------------


def test_a_broadcast_is_repeated_with_identical_bytes_only(serve, perform, honest, reply):
    seen = []

    def script(asked):
        seen.append((asked.method, asked.path, asked.content))
        return reply(b"", 504) if len(seen) < 3 else honest(asked)

    assert perform.one(serve(script).url, SEND) == "send"
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_broadcasts_travel_alone(serve, perform, honest):
    server = serve(honest)
    (outcomes,) = perform({"net:1": [server.url]}, [SEND, Rpc("net:1", "other", broadcast=True), CALL])
    assert outcomes == ["send", "other", "height"]
    assert all(isinstance(asked.json, dict) for asked in server.asked)


def test_a_refusal_after_a_lost_answer_remembers_it(serve, perform, reply):
    """The first endpoint may have taken it: the second one's refusal must not pass for the whole truth."""
    lost, refusing = serve(lambda asked: reply(b"", 504)), serve(lambda asked: BUSY)
    outcome = perform.one([lost.url, refusing.url], SEND)
    assert isinstance(outcome, Rejected)
    assert isinstance(outcome.__cause__, BadResponse)
    assert perform.one([closed_port(), refusing.url], SEND).__cause__ is None  # nothing was ever sent there


def test_a_lost_answer_is_not_hidden_by_what_comes_later(serve, perform, reply):
    lost, limited = serve(lambda asked: reply(b"", 504)), serve(lambda asked: reply(b"", 429))
    outcome = perform.one([lost.url, limited.url], SEND, policy=RetryPolicy(attempts=2))
    assert isinstance(outcome, BadResponse)
    assert isinstance(perform.one([lost.url, closed_port()], SEND, policy=RetryPolicy(attempts=2)), BadResponse)


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_userinfo_becomes_basic_auth(serve, perform, honest):
    server = serve(honest)
    perform.one(server.url.replace("http://", "http://us%20er:p%40ss%3A@"), CALL)
    (asked,) = server.asked
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"us er:p@ss:"
    assert "@" not in asked.path
    assert asked.headers["host"] == server.host


@pytest.mark.parametrize(
    "effect", [CALL, SEND, Rest("net:1", "GET", "x", query={"token": KEY})], ids=["rpc", "send", "rest"]
)
def test_no_error_and_no_log_holds_a_secret(serve, perform, honest, reply, caplog, effect):
    caplog.set_level(logging.DEBUG)
    scripts = [
        honest,
        lambda asked: b"<html>",
        lambda asked: reply(b"", 401),
        lambda asked: reply(b"", 429),
        lambda asked: reply(b"", 503),
        lambda asked: reply(b"", 302, {"location": "/elsewhere"}),
        lambda asked: reply(b"{", announce=100, cut=True),
        lambda asked: BUSY,
    ]
    urls = [serve(script).url for script in scripts] + [closed_port(), "ws://127.0.0.1:1", "http://127.0.0.1:99999"]
    for url in urls:
        secret = url.replace("://", f"://user:{PASSWORD}@") + f"/v3/{KEY}?apikey={KEY}"
        outcome = perform.one(secret, effect)
        shown = repr(outcome) + "".join(repr(link) for link in causes(outcome))
        assert KEY not in shown
        assert PASSWORD not in shown
    lines = [record.getMessage() for record in caplog.records if record.name != "asyncio"]
    assert any(record.name == "httpx2" for record in caplog.records)  # its log lines are seen, and shortened
    assert any(record.name == "multiwallet.transport" for record in caplog.records)
    for line in lines:
        assert KEY not in line, line
        assert PASSWORD not in line, line


def causes(error: Any) -> list[BaseException]:
    found = []
    while isinstance(error, BaseException):
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


# -- connections -------------------------------------------------------------------------------------------------------


def test_a_connection_is_used_again(serve, perform, honest):
    server = serve(honest)
    perform({"net:1": [server.url]}, *([CALL] for _ in range(20)))
    assert len(server.asked) == 20
    assert server.connections == 1


def test_a_proxy_from_the_environment_is_used(serve, perform, honest, monkeypatch):
    proxy = serve(honest)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert perform.one("http://node.example/rpc", CALL) == "height"  # no such host: only the proxy can answer
    assert proxy.asked[0].path == "http://node.example/rpc"
    direct = serve(honest)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert perform.one(direct.url, CALL) == "height"
    assert len(proxy.asked) == 1


def test_a_client_of_ones_own_is_used_and_left_open(serve, honest):
    import httpx2

    server = serve(honest)
    with httpx2.Client(headers={"x-mine": "yes"}) as client:
        with HttpTransport({"net:1": [server.url]}, client=client) as transport:
            assert transport.perform([CALL]) == ["height"]
        assert not client.is_closed

    async def main():
        async with httpx2.AsyncClient(headers={"x-mine": "yes"}) as client:
            async with AsyncHttpTransport({"net:1": [server.url]}, client=client) as transport:
                assert await transport.perform([CALL]) == ["height"]
            assert not client.is_closed

    asyncio.run(main())
    assert [asked.headers["x-mine"] for asked in server.asked] == ["yes", "yes"]


def test_a_transport_can_be_closed_twice_and_opens_again(serve, honest):
    server = serve(honest)
    transport = HttpTransport({"net:1": [server.url], "net:2": [server.url]})
    transport.close()
    for _ in range(2):
        assert transport.perform([CALL, Rpc("net:2", "x")]) == ["height", "x"]
        transport.close()


def test_eight_threads_share_one_transport(serve, honest):
    server = serve(lambda asked: honest(asked, lambda call: call["params"]))
    wrong: list[Any] = []
    start = threading.Barrier(8)

    with HttpTransport({"net:1": [server.url], "net:2": [server.url]}, policy=RetryPolicy(pause=0.001)) as transport:

        def work(number: int) -> None:
            start.wait(10)
            for turn in range(10):
                effects = [Rpc(f"net:{1 + n % 2}", "m", [number, turn, n]) for n in range(6)]
                outcomes = transport.perform(effects)
                if outcomes != [[number, turn, n] for n in range(6)]:
                    wrong.append(outcomes)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        pool = transport._pool
    assert wrong == []
    assert server.connections <= 16
    assert pool is not None
    assert all(not thread.is_alive() for thread in pool._threads)


def test_many_tasks_share_one_transport(serve, honest):
    server = serve(lambda asked: honest(asked, lambda call: call["params"]))

    async def main():
        async with AsyncHttpTransport({"net:1": [server.url]}) as transport:
            return await asyncio.gather(*(transport.perform([Rpc("net:1", "m", [n])]) for n in range(40)))

    assert asyncio.run(main()) == [[[n]] for n in range(40)]
    assert server.connections <= 16


# -- sleeping, and what is no effect -------------------------------------------------------------------------------------


def test_a_round_may_sleep_and_ask(serve, perform, honest):
    server = serve(honest)
    (outcomes,) = perform({"net:1": [server.url]}, [Sleep(0.001), CALL, Sleep(0), Rpc("net:1", "x")])
    assert outcomes == [None, "height", None, "x"]
    assert perform({}, [], [Sleep(0)]) == [[], [None]]


def test_what_a_transport_does_not_perform_is_a_type_error(perform):
    with pytest.raises(TypeError, match="Rpc"):
        perform({}, ["not an effect"])


# -- certificates --------------------------------------------------------------------------------------------------------


def test_certificates_are_loaded_once_for_the_same_settings(monkeypatch, tmp_path):
    import httpx2

    from multiwallet import transport

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    usual = transport._settings(httpx2, 1.0)["verify"]
    assert transport._settings(httpx2, 1.0)["verify"] is usual
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(OSError, match="none.pem|No such file"):
        transport._settings(httpx2, 1.0)
