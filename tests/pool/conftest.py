"""Nodes on the loopback interface, embedded networks under other names, a clock that tests move, and both pools as one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from multiwallet import AsyncEndpointPool, EndpointPool
from multiwallet.exchange import RetryPolicy
from multiwallet.ops import Effect, Outcome, Rest, Rpc

QUICK = RetryPolicy(pause=0.001, longest_pause=0.002)


class Clock:
    """A clock that only moves when somebody sleeps, or when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class Driver:
    """A pool of either kind, called the same way."""

    def __init__(self, endpoints: Any, *, asynchronous: bool, clock: Clock | None, **settings: Any) -> None:
        settings.setdefault("policy", QUICK)
        settings.setdefault("timeout", 5.0)
        if clock is not None:
            settings["clock"] = clock
            settings["sleep"] = clock.asleep if asynchronous else clock.sleep
        self.asynchronous = asynchronous
        self._runner = asyncio.Runner() if asynchronous else None
        self.pool: Any = (AsyncEndpointPool if asynchronous else EndpointPool)(endpoints, **settings)

    def perform(self, *effects: Effect) -> list[Outcome]:
        if self._runner is None:
            return self.pool.perform(effects)
        return self._runner.run(self.pool.perform(effects))

    def one(self, effect: Effect) -> Outcome:
        (outcome,) = self.perform(effect)
        return outcome

    def settle(self) -> None:
        """Let what goes on in the background come to its end."""
        if self._runner is not None:
            self._runner.run(self.pool.close())
        else:
            self.pool.close()

    def state(self, position: int = 0) -> Any:
        return self.pool.health()[position]

    def close(self) -> None:
        self.settle()
        if self._runner is not None:
            self._runner.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def pool(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """Make pools of one kind; all are closed in the end."""
    made: list[Driver] = []

    def make(endpoints: Any, *, clock: Clock | None = None, **settings: Any) -> Driver:
        made.append(Driver(endpoints, asynchronous=request.param, clock=clock, **settings))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


# -- transports that tests hand over ---------------------------------------------------------------------------------


class Renamed:
    """A transport that serves one network under the name of another: an endpoint of the wrong chain."""

    def __init__(self, inner: Any, network: str) -> None:
        self.inner = inner
        self.network = network

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        return self.inner.perform(
            [replace(e, network=self.network) if isinstance(e, Rpc | Rest) else e for e in effects]
        )


class Watched:
    """A transport that remembers what it was asked, and may answer in place of the inner one."""

    def __init__(self, inner: Any = None, answer: Callable[[Effect], Any] | None = None) -> None:
        self.inner = inner
        self.answer = answer or (lambda effect: None)
        self.asked: list[Effect] = []

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        outcomes = []
        for effect in effects:
            self.asked.append(effect)
            outcome = self.answer(effect)
            if outcome is None and self.inner is not None:
                (outcome,) = self.inner.perform([effect])
            outcomes.append(outcome)
        return outcomes

    def methods(self) -> list[str]:
        return [e.method if isinstance(e, Rpc) else e.path for e in self.asked if isinstance(e, Rpc | Rest)]


@pytest.fixture
def renamed() -> type[Renamed]:
    return Renamed


@pytest.fixture
def watched() -> type[Watched]:
    return Watched


# -- nodes over HTTP ---------------------------------------------------------------------------------------------------


@dataclass
class Reply:
    """What a node answers instead of a result."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Node(ThreadingHTTPServer):
    """An EVM node on the loopback interface. ``results`` maps a method to its result, or to a function of its params.

    A result that is a :class:`Reply` or an event takes the place of the whole answer: an event is waited for first.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, results: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.results = {"eth_chainId": "0x1", "eth_blockNumber": "0x10", **results}
        self.asked: list[tuple[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.stopping = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that hang up are part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Node

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.server.paths.append(self.path)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        answers = [self._answer(call) for call in (body if isinstance(body, list) else [body])]
        replies = [answer for answer in answers if isinstance(answer, Reply)]
        reply = replies[0] if replies else Reply(json.dumps(answers if isinstance(body, list) else answers[0]).encode())
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    def _answer(self, call: dict[str, Any]) -> Any:
        self.server.asked.append((call["method"], call["params"]))
        result = self.server.results.get(call["method"])
        if callable(result):
            result = result(call["params"])
        if isinstance(result, threading.Event):
            result.wait(20)
            result = "0xlate"
        if isinstance(result, Reply):
            return result
        if isinstance(result, BaseException):
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": str(result)}}
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Node]]:
    """Start nodes on free loopback ports; all are stopped in the end."""
    running: list[tuple[Node, threading.Thread]] = []

    def start(**results: Any) -> Node:
        node = Node(results)
        thread = threading.Thread(target=node.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((node, thread))
        return node

    yield start
    for node, thread in running:
        node.shutdown()
        node.server_close()
        thread.join(10)


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
