"""What the tests of the bridges share: a phrase, the local chain of eth-tester, a scripted HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import multiwallet

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
TESTER_ID = "eip155:131277322940537"  # eth-tester's chain id, which it does not let one choose


@pytest.fixture
def words() -> str:
    return WORDS


@pytest.fixture(scope="session")
def tester_network() -> str:
    """The row of eth-tester's chain."""
    row = multiwallet.add_network("eth-tester-interop", id=TESTER_ID, symbol="ETH", override=True)
    return row.name


@pytest.fixture
def w3(tester_network: str) -> Any:
    """A Web3 over a fresh chain of its own, in this process."""
    web3 = pytest.importorskip("web3", reason="web3.py is not installed")
    pytest.importorskip("eth_tester", reason="eth-tester is not installed")
    return web3.Web3(web3.EthereumTesterProvider())


class Server(ThreadingHTTPServer):
    """Answers POST requests with what ``script`` makes of (path, decoded body); remembers them."""

    daemon_threads = True

    def __init__(self, script: Callable[[str, Any], Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.asked: list[tuple[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that hang up are part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = json.loads(body) if body else None
        self.server.asked.append((self.path, asked))
        self.server.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.server.script(self.path, asked)
        status, headers, content = answer if isinstance(answer, tuple) else (200, {}, answer)
        if status == 0:  # hang up without a word
            self.close_connection = True
            return
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str, Any], Any]], Server]]:
    """Start scripted servers on free loopback ports; all are stopped in the end."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(script: Callable[[str, Any], Any]) -> Server:
        server = Server(script)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join(10)


def answer_calls(answers: dict[str, Any]) -> Callable[[str, Any], Any]:
    """A script for JSON-RPC, batches included: a method's answer, or the error object it maps to."""

    def one(call: Any) -> Any:
        answer = answers[call["method"]]
        answer = answer(call) if callable(answer) else answer
        kind = "error" if isinstance(answer, dict) and set(answer) <= {"code", "message", "data"} else "result"
        return {"jsonrpc": "2.0", "id": call["id"], kind: answer}

    return lambda path, body: [one(call) for call in body] if isinstance(body, list) else one(body)


@pytest.fixture
def calls() -> Callable[[dict[str, Any]], Callable[[str, Any], Any]]:
    return answer_calls
