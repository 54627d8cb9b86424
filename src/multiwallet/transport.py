"""HTTP, sync and async: the one place that opens sockets.

Timeouts, retries with jitter, failover over a network's endpoints in order, ``Retry-After``, one
JSON-RPC request for all calls of a round, reused connections, proxies from the environment. What is
sent again is always identical, so a broadcast that is repeated is the same transaction. Errors and
logs show an endpoint's scheme and host alone.
"""

from __future__ import annotations

import contextvars
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from . import telemetry
from .errors import BadResponse, Timeout, TransportError, Unreachable
from .exchange import Exchange, HttpReply, HttpRequest, Pause, RetryPolicy, exchanges, redact
from .ops import Effect, Outcome, Sleep

if TYPE_CHECKING:
    import ssl

    import httpx2

__all__ = ["AsyncHttpTransport", "HttpTransport", "RetryPolicy"]

Endpoints: TypeAlias = Callable[[str], Sequence[str]] | Mapping[str, Sequence[str]]

_LARGEST_REPLY: Final = 64 * 1024 * 1024
_CONNECTIONS: Final = 16
_PATIENCE: Final = 10  # a reply that comes in drops is given so many timeouts to end
_log = logging.getLogger("multiwallet.transport")


class HttpTransport:
    """Performs effects over HTTP.

    ``endpoints`` maps a CAIP-2 id to its URLs (a mapping, or a function). ``timeout`` is in seconds for
    connecting and for each silence between bytes; a reply's body has ten times that to end. ``client``
    is a configured ``httpx2.Client`` of your own, which you close yourself. May be shared by threads.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        timeout: float = 20.0,
        policy: RetryPolicy | None = None,
        client: httpx2.Client | None = None,
    ) -> None:
        self._endpoints = _lookup(endpoints)
        self._timeout = timeout
        self._policy = policy or RetryPolicy()
        self._client = client
        self._owns_client = client is None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        outcomes: list[Outcome] = [None] * len(effects)
        positions = [n for n, effect in enumerate(effects) if not isinstance(effect, Sleep)]
        asked = exchanges([effects[n] for n in positions], self._endpoints, self._policy, random.random)
        with telemetry.span("multiwallet.perform", effects=len(effects)):
            if len(asked) > 1:
                runs = [(contextvars.copy_context(), exchange) for _, exchange in asked]  # spans know their parent
                answers = list(self._threads().map(lambda pair: pair[0].run(self._run, pair[1]), runs))
            else:
                answers = [self._run(exchange) for _, exchange in asked]
        for (places, _), results in zip(asked, answers, strict=True):
            for place, result in zip(places, results, strict=True):
                outcomes[positions[place]] = result
        pause = max((effect.seconds for effect in effects if isinstance(effect, Sleep)), default=0)
        if pause > 0:
            time.sleep(pause)
        return outcomes

    def _run(self, exchange: Exchange) -> list[Outcome]:
        try:
            step = next(exchange)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = exchange.send(None)
                else:
                    step = exchange.send(self._exchange(step))
        except StopIteration as done:
            results: list[Outcome] = done.value
            return results

    def _exchange(self, request: HttpRequest) -> HttpReply | TransportError:
        where, start = redact(request.url), time.monotonic()
        with telemetry.span("multiwallet.http", endpoint=where) as span:
            return _measured(span, where, start, self._carry(request, where))

    def _carry(self, request: HttpRequest, where: str) -> HttpReply | TransportError:
        import httpx2

        client = self._open()
        try:
            with client.stream(
                request.method, request.url, headers=dict(request.headers), content=request.content
            ) as response:
                content, end = bytearray(), time.monotonic() + _PATIENCE * self._timeout
                for part in response.iter_bytes():
                    content += part
                    if len(content) > _LARGEST_REPLY:
                        return _too_large(where)
                    if time.monotonic() > end:
                        return _too_slow(where)
                return _reply(where, response, bytes(content))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            return _failure(where, error, httpx2)

    def _open(self) -> httpx2.Client:
        import httpx2

        with self._lock:
            if self._client is None:
                _quiet_urls()
                self._client = httpx2.Client(**_settings(httpx2, self._timeout))
            return self._client

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="multiwallet-http")
            return self._pool

    def close(self) -> None:
        """Close the connections, unless the client is yours."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        if self._owns_client and self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncHttpTransport:
    """As :class:`HttpTransport`, for an event loop. ``client`` is an ``httpx2.AsyncClient``."""

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        timeout: float = 20.0,
        policy: RetryPolicy | None = None,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._endpoints = _lookup(endpoints)
        self._timeout = timeout
        self._policy = policy or RetryPolicy()
        self._client = client
        self._owns_client = client is None

    async def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        import asyncio

        outcomes: list[Outcome] = [None] * len(effects)
        positions = [n for n, effect in enumerate(effects) if not isinstance(effect, Sleep)]
        asked = exchanges([effects[n] for n in positions], self._endpoints, self._policy, random.random)
        with telemetry.span("multiwallet.perform", effects=len(effects)):
            answers = await asyncio.gather(*(self._run(exchange) for _, exchange in asked))
        for (places, _), results in zip(asked, answers, strict=True):
            for place, result in zip(places, results, strict=True):
                outcomes[positions[place]] = result
        pause = max((effect.seconds for effect in effects if isinstance(effect, Sleep)), default=0)
        if pause > 0:
            await asyncio.sleep(pause)
        return outcomes

    async def _run(self, exchange: Exchange) -> list[Outcome]:
        import asyncio

        try:
            step = next(exchange)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = exchange.send(None)
                else:
                    step = exchange.send(await self._exchange(step))
        except StopIteration as done:
            results: list[Outcome] = done.value
            return results

    async def _exchange(self, request: HttpRequest) -> HttpReply | TransportError:
        where, start = redact(request.url), time.monotonic()
        with telemetry.span("multiwallet.http", endpoint=where) as span:
            return _measured(span, where, start, await self._carry(request, where))

    async def _carry(self, request: HttpRequest, where: str) -> HttpReply | TransportError:
        import httpx2

        if self._client is None:
            _quiet_urls()
            self._client = httpx2.AsyncClient(**_settings(httpx2, self._timeout))
        try:
            async with self._client.stream(
                request.method, request.url, headers=dict(request.headers), content=request.content
            ) as response:
                content, end = bytearray(), time.monotonic() + _PATIENCE * self._timeout
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > _LARGEST_REPLY:
                        return _too_large(where)
                    if time.monotonic() > end:
                        return _too_slow(where)
                return _reply(where, response, bytes(content))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            return _failure(where, error, httpx2)

    async def close(self) -> None:
        """Close the connections, unless the client is yours."""
        if self._owns_client and self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _lookup(endpoints: Endpoints) -> Callable[[str], Sequence[str]]:
    if callable(endpoints):
        return endpoints
    table = dict(endpoints)
    return lambda network: table.get(network, ())


def _settings(httpx2: Any, timeout: float) -> dict[str, Any]:
    from . import __version__

    return {
        "timeout": httpx2.Timeout(timeout),
        "limits": httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        "headers": {"user-agent": f"multiwallet/{__version__}"},
        "follow_redirects": False,  # a redirect could carry a login to another host
        "verify": _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
    }


@lru_cache(maxsize=4)
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The certificates that are trusted. Loading them takes a tenth of a second, and a pool has many clients."""
    import httpx2

    return httpx2.create_ssl_context()  # which reads the two variables itself


def _reply(where: str, response: Any, content: bytes) -> HttpReply:
    _log.debug("%s answered HTTP status %d with %d bytes", where, response.status_code, len(content))
    return HttpReply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


def _measured(
    span: telemetry.Span, where: str, start: float, reply: HttpReply | TransportError
) -> HttpReply | TransportError:
    seconds = time.monotonic() - start
    if isinstance(reply, HttpReply):
        span.set(status=reply.status)
        telemetry.observe("multiwallet.http.duration", seconds, endpoint=where, status=reply.status)
    else:
        span.fail(reply.code)
        telemetry.observe("multiwallet.http.duration", seconds, endpoint=where, code=reply.code)
    return reply


def _too_large(where: str) -> BadResponse:
    return BadResponse(f"{where} answered more than {_LARGEST_REPLY // 2**20} MiB, which was not read")


def _too_slow(where: str) -> Timeout:
    return Timeout(f"{where} began to answer and did not come to an end in time")


def _failure(where: str, error: Exception, httpx2: Any) -> TransportError:
    # The text of the original error may hold the whole URL: only its kind is told.
    kind = type(error).__name__
    _log.warning("%s failed: %s", where, kind)
    if isinstance(error, httpx2.ConnectTimeout):
        return Unreachable(f"{where} did not accept a connection in time")
    if isinstance(error, httpx2.TimeoutException):
        return Timeout(f"{where} did not answer in time ({kind})")
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return Unreachable(f"{where} cannot be reached ({kind}): check the URL and the network")
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | OSError):
        return Timeout(f"{where} broke the connection off before it had answered ({kind})")
    return BadResponse(f"{where} answered what cannot be read ({kind})")


class _HostOnly(logging.Filter):
    """Shortens the URLs that the HTTP client logs, for they may hold API keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(redact(str(arg)) if type(arg).__name__ == "URL" else arg for arg in record.args)
        return True


def _quiet_urls() -> None:
    logger = logging.getLogger("httpx2")
    if not any(isinstance(known, _HostOnly) for known in logger.filters):
        logger.addFilter(_HostOnly())
