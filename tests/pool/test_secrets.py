"""No error, log line, span or metric of a pool holds a password, a key in a URL, or what was asked about."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest

from multiwallet import EndpointPool, telemetry
from multiwallet.errors import MultiwalletError
from multiwallet.exchange import RetryPolicy
from multiwallet.ops import Rpc
from multiwallet.pool import BreakerPolicy, RateLimit

ID = "eip155:1"
PASSWORD, KEY = "p4ss-word", "k3y-0123456789abcdef"
OWNER = "0x" + "ab" * 20
READ = Rpc(ID, "eth_getBalance", [OWNER, "latest"])
SEND = Rpc(ID, "eth_sendRawTransaction", ["0x02c0ffee"], broadcast=True)


def secret(url: str) -> str:
    return url.replace("://", f"://user:{PASSWORD}@") + f"/v3/{KEY}?apikey={KEY}"


def leaks(text: str) -> list[str]:
    return [word for word in (PASSWORD, KEY, "ab" * 20, "c0ffee", "user:") if word in text]


def causes(error: Any) -> list[str]:
    found = []
    while isinstance(error, BaseException):
        found.append(repr(error))
        error = error.__cause__ or error.__context__
    return found


def test_nothing_is_told_of_urls_and_parameters(serve, reply, pool, caplog):
    caplog.set_level(logging.DEBUG)
    formatter = telemetry.JsonFormatter()
    bad = [
        {"eth_chainId": "0x38"},
        {"eth_chainId": reply(b"<html>", 502)},
        {"eth_chainId": ValueError("denied")},
        {"eth_blockNumber": reply(b"", 429, {"retry-after": "900"})},
        {"eth_blockNumber": "0xffffff"},
        {"eth_getBalance": reply(b"<html>", 403), "eth_sendRawTransaction": reply(b"", 504)},
        {"eth_getBalance": "0x1", "eth_sendRawTransaction": ValueError("already known")},
        {"eth_getBalance": "0x2", "eth_sendRawTransaction": ValueError("insufficient funds")},
    ]
    urls = [secret(serve(**results).url) for results in bad] + [secret("http://127.0.0.1:1")]
    settings: dict[str, Any] = {
        "breaker": BreakerPolicy(failures=1),
        "policy": RetryPolicy(attempts=2, pause=0.001),
        "limits": {urls[4]: RateLimit(rate=0.001, burst=3, patience=0.0)},
    }
    told: list[str] = []
    for group in ([url] for url in urls):
        made = pool({"ethereum": group}, **settings | {"limits": None})
        told += [line for outcome in made.perform(READ, SEND) for line in causes(outcome)]
        told += [repr(made.pool), repr(made.pool.health())]
    for quorum in (1, 2, 3):
        made = pool({"ethereum": urls}, quorum=quorum, broadcast_to="all", hedge_after=1.0, **settings)
        for _ in range(2):
            told += [line for outcome in made.perform(READ, SEND, READ) for line in causes(outcome)]
        told += [
            repr(made.pool),
            repr(made.pool.health()),
            *(repr(m) for r in made.pool._rosters.values() for m in r.members),
        ]
    lines = [line for record in caplog.records for line in (record.getMessage(), formatter.format(record))]
    assert any(record.name == "multiwallet.pool" for record in caplog.records)
    assert any("put out" in line for line in lines)
    assert any("disagree" in line or "different answers" in line or "otherwise" in line for line in lines)
    assert [line for line in told + lines if leaks(line)] == []


def test_the_login_still_reaches_the_node(serve):
    node = serve(eth_getBalance="0x5")
    with EndpointPool({"ethereum": [secret(node.url)]}, lag=None) as made:
        assert made.perform([READ]) == ["0x5"]
    assert all(path == f"/v3/{KEY}?apikey={KEY}" for path in node.paths)
    login = node.headers[0]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(login).decode() == f"user:{PASSWORD}"


@pytest.mark.parametrize(
    "endpoints",
    [
        [f"ftp://user:{PASSWORD}@node.example/{KEY}"],
        [f"http://user:{PASSWORD}@node.example:99999/{KEY}"],
        [f"http://user:{PASSWORD}@[::1/{KEY}"],
        [f"http://user:{PASSWORD}@node.example/{KEY}"] * 2,
        [KEY],
    ],
    ids=range(5),
)
def test_a_wrong_url_is_refused_without_repeating_it(endpoints):
    with pytest.raises(MultiwalletError) as caught:
        EndpointPool({"ethereum": endpoints})
    assert leaks("".join(causes(caught.value))) == []


def test_the_formatter_writes_one_object_a_line_whatever_it_is_given(caplog):
    logger = logging.getLogger("multiwallet.test")
    caplog.set_level(logging.DEBUG)
    url = f"https://user:{PASSWORD}@node.example/{KEY}"
    telemetry.event(
        logger,
        f"sent by {url}\nnext line",
        network=ID,
        account="0xabc",
        txid="0xdef",
        level=logging.WARNING,
        endpoint=url,
        tries=3,
        nothing=None,
    )
    try:
        raise ValueError(f"broken {url}")
    except ValueError:
        logger.exception("it failed at %s", url)
    logger.info("plain", extra={"fields": "no mapping"})
    telemetry.event("multiwallet.test", "x" * 5000)
    formatter = telemetry.JsonFormatter()
    lines = [formatter.format(record) for record in caplog.records]
    assert all("\n" not in line for line in lines)
    assert [word for line in lines for word in leaks(line)] == []
    first, second, third, fourth = (json.loads(line) for line in lines)
    assert (first["network"], first["account"], first["txid"]) == (ID, "0xabc", "0xdef")
    assert (first["endpoint"], first["tries"], first["level"]) == ("https://node.example/…", 3, "WARNING")
    assert "nothing" not in first
    assert "ValueError: broken https://node.example/…" in second["exception"]
    assert third["message"] == "plain"
    assert len(fourth["message"]) <= 256
    assert not caplog.records[0].__dict__["fields"]["endpoint"].endswith(KEY)


def test_an_event_below_the_level_costs_nothing(caplog):
    caplog.set_level(logging.ERROR)
    telemetry.event("multiwallet.test", "quiet", network=ID)
    assert caplog.records == []
