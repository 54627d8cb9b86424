"""A loopback server that says what a script tells it, byte for byte where it must, and counts its connections."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from multiwallet.ops import Effect, Outcome
from multiwallet.transport import AsyncHttpTransport, HttpTransport, RetryPolicy

QUICK = RetryPolicy(pause=0.001, longest_pause=0.002)
ONCE = RetryPolicy(attempts=1)


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Reply:
    """What the server answers. ``parts`` are written one after the other; ``cut`` breaks off after them."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None
    cut: bool = False
    announce: int | None = None
    drops: float = 0.0  # seconds between single bytes


Script = Callable[[Asked], Any]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.asked: list[Asked] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.host}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that hang up are part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, content)
        self.server.asked.append(asked)
        reply = self.server.script(asked)
        if not isinstance(reply, Reply):
            reply = Reply(reply if isinstance(reply, bytes) else json.dumps(reply).encode())
        if reply.wait is not None:
            reply.wait.wait(20)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "date" in reply.headers:  # the handler has sent its own before: keep the script's
            self._headers_buffer = [line for line in self._headers_buffer if not line.startswith(b"Date: ")]
        length = len(reply.content) if reply.announce is None else reply.announce
        self.send_header("content-length", str(length))
        self.end_headers()
        if reply.drops:
            for byte in reply.content:
                self.wfile.write(bytes((byte,)))
                self.wfile.flush()
                if self.server.stopping.wait(reply.drops):
                    return
        else:
            self.wfile.write(reply.content)
        if reply.cut:
            self.close_connection = True

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Script], Server]]:
    """Start scripted servers on free loopback ports; all are stopped in the end."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(script: Script) -> Server:
        server = Server(script)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


class Rounds:
    """Performs rounds of effects with one transport, sync or async, as the parameter says."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous

    def __call__(self, endpoints: Any, *rounds: Sequence[Effect], **settings: Any) -> list[list[Outcome]]:
        settings.setdefault("policy", QUICK)
        settings.setdefault("timeout", 5.0)
        if not self.asynchronous:
            with HttpTransport(endpoints, **settings) as transport:
                return [transport.perform(effects) for effects in rounds]

        async def main() -> list[list[Outcome]]:
            async with AsyncHttpTransport(endpoints, **settings) as transport:
                return [await transport.perform(effects) for effects in rounds]

        return asyncio.run(main())

    def one(self, url: str | Sequence[str], effect: Effect, **settings: Any) -> Outcome:
        """The outcome of one effect of the network ``net:1`` at one URL or several."""
        urls = [url] if isinstance(url, str) else list(url)
        ((outcome,),) = self({"net:1": urls}, [effect], **settings)
        return outcome


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def perform(request: pytest.FixtureRequest) -> Rounds:
    return Rounds(request.param)


def answer(asked: Asked, result: Callable[[dict[str, Any]], Any] = lambda call: call["method"]) -> Any:
    """An honest node: each call's result is its method's name, unless ``result`` says otherwise."""
    body = asked.json
    if isinstance(body, list):
        return [{"jsonrpc": "2.0", "id": call["id"], "result": result(call)} for call in body]
    return {"jsonrpc": "2.0", "id": body["id"], "result": result(body)}


@pytest.fixture
def honest() -> Script:
    return answer


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def once() -> RetryPolicy:
    return ONCE


@pytest.fixture
def quick() -> RetryPolicy:
    return QUICK
