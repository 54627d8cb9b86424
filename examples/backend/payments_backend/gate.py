"""Who may come in, and how long each request took: one layer around all routes, so that none can be forgotten."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from multiwallet.errors import InputError

from .metrics import Metrics
from .settings import read_secret

__all__ = ["Gate", "Tokens"]

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_OPEN: Final = frozenset({"/health"})
_SHORTEST: Final = 20
_LARGEST_BODY: Final = 16 * 1024


class Tokens:
    """The bearer tokens that open the door, kept as digests. Several, so that one can be changed without a pause."""

    def __init__(self, file: str) -> None:
        lines = [line.strip() for line in read_secret("PAYMENTS_TOKEN_FILE", file).splitlines()]
        tokens = [line for line in lines if line]
        if any(len(token) < _SHORTEST for token in tokens):
            raise InputError(f"a token of PAYMENTS_TOKEN_FILE is shorter than {_SHORTEST} characters")
        self._digests = [hashlib.sha256(token.encode()).digest() for token in tokens]

    def admit(self, header: bytes) -> bool:
        """Whether an ``Authorization`` header carries one of them; every token is compared in constant time."""
        scheme, _, token = header.partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        known = [hmac.compare_digest(digest, kept) for kept in self._digests]
        return scheme.lower() == b"bearer" and any(known)


class Gate:
    """Asks for a bearer token before anything of a request is read, refuses large bodies, and times each request."""

    def __init__(self, app: _App, *, tokens: Tokens, metrics: Metrics) -> None:
        self._app = app
        self._tokens = tokens
        self._metrics = metrics

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """One request; what is no HTTP request (the lifespan) passes."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a websocket, of which there are none here
        start, status = time.monotonic(), 500

        async def answered(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if scope["path"] not in _OPEN and not self._is_admitted(scope):
                await _refuse(answered, 401, "unauthorized", "send the header Authorization: Bearer TOKEN")
            elif not _is_small(scope):
                await _refuse(answered, 413, "too_large", f"send at most {_LARGEST_BODY} bytes, with a Content-Length")
            else:
                await self._app(scope, receive, answered)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            labels = {"route": route, "method": scope["method"], "status": str(status)}
            self._metrics("payments.request", time.monotonic() - start, labels)

    def _is_admitted(self, scope: _Scope) -> bool:
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(headers) == 1 and self._tokens.admit(headers[0])


def _is_small(scope: _Scope) -> bool:
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    return b"transfer-encoding" not in headers and length.isdigit() and int(length[:20]) <= _LARGEST_BODY


async def _refuse(send: _Send, status: int, code: str, message: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(
        {"type": "http.response.body", "body": json.dumps({"error": {"code": code, "message": message}}).encode()}
    )
