"""What OpenTelemetry's own SDK receives from a pool, and that nothing is needed where it is not installed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from multiwallet import telemetry
from multiwallet.errors import Rejected, Timeout
from multiwallet.ops import Rpc
from multiwallet.pool import BreakerPolicy

sdk = pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")

ID = "eip155:1"
KEY = "k3y-0123456789abcdef"
OWNER = "0x" + "ab" * 20
READ = Rpc(ID, "eth_getBalance", [OWNER, "latest"])
SEND = Rpc(ID, "eth_sendRawTransaction", ["0x02c0ffee"], broadcast=True)
ALLOWED = {
    "network", "endpoint", "method", "effects", "breaker", "error.type", "status", "code", "state", "result", "kind",
}  # fmt: skip


class Recorder:
    """The spans and metrics of one test."""

    def __init__(self, spans: Any, reader: Any) -> None:
        self._spans = spans
        self._reader = reader

    def spans(self, name: str = "") -> list[Any]:
        return [span for span in self._spans.get_finished_spans() if not name or span.name == name]

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        found = [] if data is None else [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]  # fmt: skip
        self.seen = [*getattr(self, "seen", []), *found]
        return found

    def everything(self) -> str:
        data = self._reader.get_metrics_data()
        spans = [span.to_json() for span in self._spans.get_finished_spans()]
        return "".join(spans) + ("" if data is None else data.to_json())


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Providers of this test's own, put where the global ones would be found: those can be set only once a process."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", tracers.get_tracer)
    monkeypatch.setattr("opentelemetry.metrics.get_meter", meters.get_meter)
    telemetry._api.cache_clear()
    monkeypatch.setattr(telemetry, "_instruments", {})
    yield Recorder(exporter, reader)
    telemetry._api.cache_clear()
    tracers.shutdown()
    meters.shutdown()


def total(points: list[Any], **attributes: Any) -> int:
    return sum(p.value for p in points if all(p.attributes.get(name) == value for name, value in attributes.items()))


def test_the_spans_of_a_round_are_one_tree(serve, pool, recorder):
    nodes = [serve(eth_getBalance="0x7") for _ in range(2)]
    made = pool({"ethereum": [f"{node.url}/{KEY}" for node in nodes]}, quorum=2)
    assert made.perform(READ, Rpc(ID, "eth_blockNumber")) == ["0x7", "0x10"]
    made.settle()
    (root,) = [span for span in recorder.spans("multiwallet.perform") if span.parent is None]
    assert root.attributes["effects"] == 2
    spans = recorder.spans()
    assert {span.context.trace_id for span in spans} == {root.context.trace_id}
    assert all(span.parent is not None for span in spans if span is not root)
    visits = recorder.spans("multiwallet.endpoint")
    assert {span.attributes["endpoint"] for span in visits} == {f"{node.url}/…" for node in nodes}
    assert {"eth_getBalance", "eth_blockNumber"} <= {span.attributes["method"] for span in visits}
    assert all(span.parent.span_id == root.context.span_id for span in visits)
    assert {span.attributes["status"] for span in recorder.spans("multiwallet.http")} == {200}


def test_the_metrics_of_failures_breakers_and_hedges(serve, watched, pool, recorder):
    release = threading.Event()
    balances = iter(["0x7", release])
    slow = serve(eth_getBalance=lambda params: next(balances))
    quick = serve(eth_getBalance="0x8")
    made = pool({"ethereum": [slow.url, quick.url]}, hedge_after=0.5, lag=None)
    try:
        assert [made.one(READ), made.one(READ)] == ["0x7", "0x8"]
    finally:
        release.set()
    assert total(recorder.points("multiwallet.hedges"), network=ID, endpoint=quick.url) == 1
    requests = recorder.points("multiwallet.requests")
    assert total(requests, endpoint=slow.url, method="eth_getBalance") >= 1
    assert total(requests, endpoint=quick.url, method="eth_getBalance") == 1
    (latency,) = [p for p in recorder.points("multiwallet.request.duration") if p.attributes["endpoint"] == quick.url]
    assert latency.count == 2
    assert latency.sum >= 0

    gone = watched(answer=lambda e: Timeout("gone"))
    failing = pool({"ethereum": [gone, quick.url]}, breaker=BreakerPolicy(failures=1), lag=None)
    assert failing.one(READ) == "0x8"
    assert total(recorder.points("multiwallet.errors"), endpoint="Watched", code="timeout") == 1
    assert total(recorder.points("multiwallet.breaker.changes"), endpoint="Watched", state="open") == 1
    failed = [span for span in recorder.spans("multiwallet.endpoint") if span.attributes["endpoint"] == "Watched"]
    assert [span.attributes["error.type"] for span in failed] == ["timeout"]
    assert all(span.events == () for span in recorder.spans())


def test_the_metrics_of_disagreements_and_broadcasts(serve, watched, pool, recorder):
    def node(balance: str, sent: Any) -> Any:
        answers = {"eth_chainId": "0x1", "eth_blockNumber": "0x10", "eth_getBalance": balance, SEND.method: sent}
        return watched(answer=lambda e: answers[e.method])

    liar, good, lost = node("0x1", Rejected("no")), node("0x2", "0xid"), node("0x2", Timeout("lost"))
    made = pool({"ethereum": [liar, good, lost]}, quorum=2, broadcast_to="all")
    assert made.one(READ) == "0x2"
    assert made.one(SEND) == "0xid"
    made.settle()
    points = recorder.points("multiwallet.quorum.disagreements")
    assert total(points, endpoint="Watched", method="eth_getBalance") == 1
    assert total(recorder.points("multiwallet.broadcasts"), result="accepted") == 1
    foreign = watched(answer=lambda e: "0x38")
    pool({"ethereum": [foreign]}).one(READ)
    assert total(recorder.points("multiwallet.endpoint.put_out"), network=ID) == 1


def test_no_attribute_tells_what_was_asked_about(serve, reply, pool, recorder):
    urls = [
        serve(eth_getBalance=value).url.replace("://", "://user:p4ss@") + f"/v3/{KEY}?key={KEY}"
        for value in ("0x7", reply(b"<html>", 502), ValueError("boom"), "0x8")
    ]
    made = pool({"ethereum": urls}, quorum=2, broadcast_to="all", hedge_after=1.0)
    made.perform(READ, SEND)
    made.settle()
    text = recorder.everything()
    assert "multiwallet.http" in text
    for word in (KEY, "p4ss", "ab" * 20, "c0ffee", "boom"):
        assert word not in text
    for span in recorder.spans():
        assert set(span.attributes) <= ALLOWED
    names = ["requests", "errors", "broadcasts", "request.duration", "http.duration"]
    for name in names:
        for point in recorder.points(f"multiwallet.{name}"):
            assert set(point.attributes) <= ALLOWED


def test_an_exception_marks_its_span_without_its_text(recorder):
    def fail() -> None:
        with telemetry.span("outer", network=ID) as outer:
            outer.set(kind="x")
            try:
                with telemetry.span("inner", endpoint=f"https://u:p@h.example/{KEY}"):
                    raise Timeout("secret")
            except Timeout:
                raise ValueError("secret") from None

    with pytest.raises(ValueError, match="secret"):
        fail()
    inner, outer_ended = recorder.spans("inner")[0], recorder.spans("outer")[0]
    assert inner.attributes == {"endpoint": "https://h.example/…", "error.type": "timeout"}
    assert outer_ended.attributes == {"network": ID, "kind": "x", "error.type": "ValueError"}
    assert inner.parent.span_id == outer_ended.context.span_id
    assert "secret" not in inner.to_json() + outer_ended.to_json()
    assert not inner.status.is_ok


def test_counts_and_durations_add_up(recorder):
    threads = [
        threading.Thread(target=lambda: [telemetry.count("my.count", 2, network=ID) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    telemetry.observe("my.duration", 0.5, network=ID)
    telemetry.observe("my.duration", 1.5, network=ID)
    assert total(recorder.points("my.count"), network=ID) == 800
    (point,) = recorder.points("my.duration")
    assert (point.count, point.sum) == (2, 2.0)


def test_log_lines_carry_the_trace(recorder, caplog):
    caplog.set_level(logging.INFO)
    with telemetry.span("outer"):
        telemetry.event("multiwallet.test", "inside", network=ID)
        line = json.loads(telemetry.JsonFormatter().format(caplog.records[-1]))
    (span,) = recorder.spans("outer")
    assert line["trace_id"] == f"{span.context.trace_id:032x}"
    assert line["span_id"] == f"{span.context.span_id:016x}"
    assert "trace_id" not in json.loads(telemetry.JsonFormatter().format(caplog.records[-1]))


PROGRAM = """
import sys
BLOCK
from multiwallet import EndpointPool, telemetry
from multiwallet.ops import Rpc
class Node:
    def perform(self, effects):
        return ["0x1" for _ in effects]
with EndpointPool({"ethereum": [Node(), Node()]}, quorum=2) as pool:
    with telemetry.span("x", a=1) as span:
        span.set(b=2)
        span.fail("code")
        telemetry.count("c")
        telemetry.observe("d", 0.1)
        telemetry.event("multiwallet", "m")
    assert pool.perform([Rpc("eip155:1", "eth_getBalance", ["0x", "latest"])]) == ["0x1"]
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


def test_all_of_it_works_without_opentelemetry():
    program = PROGRAM.replace("BLOCK", 'sys.modules["opentelemetry"] = None')
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "['opentelemetry']"


def test_importing_the_package_loads_no_pool_and_no_telemetry():
    program = (
        "import sys, multiwallet\n"
        "loaded = [n for n in sys.modules if n.startswith(('opentelemetry', 'multiwallet.'))]\n"
        "print(loaded)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"
