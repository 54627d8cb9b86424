"""The devnet over HTTP on this machine, for programs that talk to nodes: web3.py, tronweb, bitcoin-cli, a browser wallet.

One port serves all networks, each under its name::

    POST /ethereum              JSON-RPC, batches included (EVM networks and Solana)
    POST /bitcoin               Bitcoin Core's JSON-RPC (any user and password will do)
    GET  /bitcoin/address/...   Esplora, and POST /bitcoin/tx
    POST /tron/wallet/...       TRON's HTTP API

Where one network is all there is, it answers at ``/`` as well, for clients that know no path; and where one TRON
network is, ``/wallet/...`` is its.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import socket
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from .. import registry
from ..chain import Network
from ..errors import InputError, UnknownNetwork
from .devnet import Devnet
from .server_answers import Answer, Desk, LostAnswer

__all__ = ["DEFAULT_NETWORKS", "Server", "serve"]

_REST_FAMILIES: Final = ("antelope", "aptos", "cosmos", "sui", "tron")  # bodies are JSON, paths say what is asked
DEFAULT_NETWORKS: Final = ("bitcoin", "ethereum", "tron", "solana")
_LARGEST_BODY: Final = 8 * 1024 * 1024
_SILENCE: Final = 60.0  # seconds that a connection may be quiet
_log = logging.getLogger("multiwallet.devnet")


def serve(
    devnet: Devnet,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    networks: Sequence[str | Network] = DEFAULT_NETWORKS,
    allow_remote: bool = False,
) -> Server:
    """Serve networks of a devnet until the returned :class:`Server` is stopped; port 0 takes a free one.

    The engines start now. Anybody who reaches the port can use it, so a ``host`` that other machines reach is
    refused unless ``allow_remote`` is set. The devnet stays yours to close. Raises
    :class:`~multiwallet.errors.InputError` for an address that cannot be had.

    >>> with Devnet() as devnet, serve(devnet, networks=["solana"]) as server:
    ...     server.endpoints["solana"].startswith("http://127.0.0.1:")
    True
    """
    if not allow_remote and not _is_loopback(host):
        raise InputError(
            f"{str(host)[:60]!r} can be reached from other machines, and whoever reaches the devnet can use it: "
            "leave it at 127.0.0.1, or say allow_remote=True"
        )
    rows = list(dict.fromkeys(registry.network(name) for name in networks))
    if not rows:
        raise InputError("name at least one network to serve")
    for row in rows:
        devnet.engine(row)
    return Server(Desk(devnet), rows, host, port)


class Server:
    """A running server. Use it with ``with``, or :meth:`stop` it.

    ``endpoints`` maps each network's name to its URL, and is what ``Wallet(endpoints=...)`` takes. ``core_endpoints``
    has, for Bitcoin networks, the form that makes a wallet talk to Bitcoin Core's RPC instead of Esplora.
    """

    def __init__(self, desk: Desk, rows: Sequence[Network], host: str, port: int) -> None:
        try:
            self._http = _HttpServer((host, port), desk, rows)
        except (OSError, OverflowError) as error:
            raise InputError(f"cannot listen at {host} port {port}: {error}") from error
        self.host = host
        self.port: int = self._http.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        self.endpoints: Mapping[str, str] = MappingProxyType({row.name: f"{self.url}/{row.name}" for row in rows})
        self.core_endpoints: Mapping[str, str] = MappingProxyType(
            {row.name: f"core+{self.url}/{row.name}" for row in rows if row.family == "bitcoin"}
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="multiwallet-devnet-server",
            daemon=True,
        )
        self._thread.start()

    def __repr__(self) -> str:
        return f"Server({self.url}: {', '.join(self.endpoints)})"

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the server is stopped, or so long; whether it was stopped."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """Stop listening and end the open connections. May be called twice, and from any thread."""
        if self._ended.is_set():
            return
        self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()
        self._thread.join(10)
        self._ended.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], desk: Desk, rows: Sequence[Network]) -> None:
        self.desk = desk
        self.rows = {row.name: row for row in rows}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # The inherited one looks the host's name up, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep open."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was quicker
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a connection broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "multiwallet-devnet"
    sys_version = ""
    timeout = _SILENCE
    disable_nagle_algorithm = True
    server: _HttpServer

    _SHARED: ClassVar[Mapping[str, str]] = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "*, Authorization",
        "Access-Control-Allow-Private-Network": "true",
        "Access-Control-Max-Age": "600",
    }

    def do_OPTIONS(self) -> None:  # the name that http.server looks for
        """What a browser asks before it sends anything."""
        self._reply(Answer(204))

    def do_GET(self) -> None:  # as above
        """Read something."""
        self._serve("GET")

    def do_HEAD(self) -> None:  # as above
        """As GET, without the body."""
        self._serve("GET")

    def do_POST(self) -> None:  # as above
        """Call or send something."""
        self._serve("POST")

    def _serve(self, method: str) -> None:
        body = self._body()
        if isinstance(body, Answer):
            self.close_connection = True
            self._reply(body)
            return
        try:
            self._reply(self._answer(method, body))
        except LostAnswer:
            self.close_connection = True
        except Exception:  # noqa: BLE001  # an engine's failure is logged and answered; the server goes on
            _log.exception("the devnet failed on %s %s", method, self.path[:200])
            self.close_connection = True
            self._reply(Answer.json({"error": "the devnet failed on this request: its log tells why"}, status=500))

    def _body(self) -> bytes | Answer:
        if self.headers.get("Transfer-Encoding"):
            return Answer.plain("send a Content-Length", status=411)
        text = self.headers.get("Content-Length", "0").strip()
        if not text.isascii() or not text.isdigit() or len(text) > 12:
            return Answer.plain("the Content-Length is no number", status=400)
        if int(text) > _LARGEST_BODY:
            return Answer.plain(f"a request has at most {_LARGEST_BODY} bytes", status=413)
        return self.rfile.read(int(text))

    def _answer(self, method: str, body: bytes) -> Answer:
        parts = urlsplit(self.path)
        name, _, rest = unquote(parts.path).lstrip("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        rows, desk = self.server.rows, self.server.desk
        row = rows.get(name)
        if row is None:
            row = self._sole_row(name, method)
            rest = unquote(parts.path).lstrip("/")
        if row is None:
            return self._index(name)
        if row.family in _REST_FAMILIES:
            if rest or row.family != "tron":
                return desk.json_rest(row, method, rest, body, query)
        elif row.family == "bitcoin" and rest and not (method == "POST" and rest.startswith("wallet/")):
            return desk.esplora(row, method, rest, body, query)
        elif method == "POST":
            return desk.core(row, body) if row.family == "bitcoin" else desk.json_rpc(row, body)
        elif rest:
            return desk.rest(row, method, rest, query)
        return Answer.json({"network": row.name, "id": row.id, "title": row.title})

    def _sole_row(self, name: str, method: str) -> Network | None:
        """The network that is meant without being named: the only one, or for TRON's own paths the only TRON."""
        rows = list(self.server.rows.values())
        if len(rows) > 1 and name in ("wallet", "walletsolidity"):
            rows = [row for row in rows if row.family == "tron"]
        return rows[0] if len(rows) == 1 and (name or method == "POST") else None

    def _index(self, name: str) -> Answer:
        if not name:
            return Answer.json({"networks": {row.name: f"/{row.name}" for row in self.server.rows.values()}})
        try:
            known = registry.network(name).name
        except UnknownNetwork:
            known = ""
        here = ", ".join(self.server.rows)
        text = f"{known} is not served here" if known else "there is nothing at this path"
        return Answer.plain(f"{text}: the networks are {here}", status=404)

    def _reply(self, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            for header, value in {**self._SHARED, **answer.headers}.items():
                self.send_header(header, value)
            if answer.status != 204:
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(answer.body)))
            if answer.retry_after is not None:
                self.send_header("Retry-After", str(math.ceil(answer.retry_after)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
        except OSError:  # the client went away
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # the name of the inherited parameter
        """To the log of the library instead of the standard error output."""
        _log.debug(format, *args)
