"""A proxy on the loopback interface between senders and a node, which spoils a share of what passes.

Started as ``python -m chaos.proxy URL SEED RATE``; prints its port as a line of JSON, then answers each line that it
reads: ``report`` with what it has done so far, ``quiet`` by spoiling nothing any more, ``forget`` by dropping the
answers that it would have given again.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["FAULTS"]

FAULTS: Final = {
    "answer lost": "handed on, and the connection ended without an answer",
    "connection reset": "ended before anything was handed on",
    "duplicated": "handed on twice",
    "delayed": "handed on after up to a second",
    "reordered": "held until others have passed",
    "rate limited": "answered 429 with Retry-After",
    "HTML": "answered 502 with a page",
    "truncated": "handed on, and the answer cut in the middle",
    "stale": "answered as up to two seconds ago; a transaction count with up to five fewer",
}
_WEIGHTS: Final = (4, 2, 2, 4, 3, 2, 2, 2, 4)
_STALE: Final = 2.0
_KEPT: Final = 4096
_Request = tuple[str, str, bytes]
_Reply = tuple[int, str, bytes]


class Upstream:
    """Kept connections to the node."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._base = parts.path
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: _Request) -> _Reply:
        """Hand a request on, once."""
        verb, target, body = request
        path = (self._base + target if target != "/" else self._base) or "/"
        head = (
            f"{verb} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        kept = bool(self._free)
        reader, writer = self._free.pop() if kept else await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            reply, last = await _read_reply(reader)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            raise
        if last:
            writer.close()
        else:
            self._free.append((reader, writer))
        return reply


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.split("\r\n")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return first, headers


async def _read_reply(reader: asyncio.StreamReader) -> tuple[_Reply, bool]:
    first, headers = await _read_head(reader)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        body = b"".join(parts)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    reply = (int(first.split()[1]), headers.get("content-type", "application/json"), body)
    return reply, headers.get("connection", "").lower() == "close"


class Proxy:
    """Spoils ``rate`` of the requests, chosen by ``seed``."""

    def __init__(self, url: str, seed: int, rate: float) -> None:
        self._upstream = Upstream(url)
        self._chance = random.Random(seed)
        self.rate = rate
        self.counts: Counter[str] = Counter()
        self.passed = 0
        self._held: list[asyncio.Event] = []
        self._before: dict[_Request, tuple[float, _Reply]] = {}

    def forget(self) -> None:
        """Give no answer again that was given before now."""
        self._before.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        try:
            while True:
                first, headers = await _read_head(reader)
                verb, target, _ = first.split(" ", 2)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                reply = await self._answer((verb, target, body))
                if reply is None:
                    return
                writer.write(reply)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return  # the client is gone, killed most likely
        finally:
            writer.close()

    async def _answer(self, request: _Request) -> bytes | None:
        """The bytes to answer with; None to end the connection instead."""
        fault = ""
        if self._chance.random() < self.rate:
            (fault,) = self._chance.choices(tuple(FAULTS), _WEIGHTS)
        if fault == "stale":
            return await self._stale(request)
        if fault:
            self.counts[fault] += 1
        if fault == "connection reset":
            return None
        if fault == "rate limited":
            return _written((429, "application/json", b'{"error":"too many requests"}'), "Retry-After: 0\r\n")
        if fault == "HTML":
            return _written((502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"))
        if fault == "delayed":
            await asyncio.sleep(self._chance.random())
        if fault == "reordered":
            await self._wait_for_others()
        try:
            reply = await self._forward(request)
            if fault == "duplicated":
                reply = self._chance.choice((reply, await self._forward(request)))
        except (OSError, asyncio.IncompleteReadError):
            return None
        if fault == "answer lost":
            return None
        if fault == "truncated":
            reply = (reply[0], reply[1], reply[2][: len(reply[2]) // 2])
        return _written(reply)

    async def _forward(self, request: _Request) -> _Reply:
        self.passed += 1
        reply = await self._upstream.ask(request)
        for event in self._held:
            event.set()
        self._held.clear()
        if len(self._before) > _KEPT:
            self._before.clear()
        self._before.setdefault(request, (time.monotonic(), reply))
        if time.monotonic() - self._before[request][0] > _STALE:
            self._before[request] = (time.monotonic(), reply)
        return reply

    async def _wait_for_others(self) -> None:
        for _ in range(self._chance.randint(1, 3)):
            event = asyncio.Event()
            self._held.append(event)
            try:
                await asyncio.wait_for(event.wait(), 0.3)
            except TimeoutError:
                return

    async def _stale(self, request: _Request) -> bytes | None:
        known = self._before.get(request)
        fresh = known is None or time.monotonic() - known[0] > _STALE
        try:
            reply = await self._forward(request) if fresh or known is None else known[1]
        except (OSError, asyncio.IncompleteReadError):
            return None
        lowered = self._lowered(request, reply)
        if lowered is not None or not fresh:
            self.counts["stale"] += 1
        return _written(lowered or reply)

    def _lowered(self, request: _Request, reply: _Reply) -> _Reply | None:
        """A transaction count that is too low, as of a node that is behind; None where none was asked for."""
        if b"eth_getTransactionCount" not in request[2]:
            return None
        asked, answers = json.loads(request[2]), json.loads(reply[2])
        single = not isinstance(asked, list)
        by_id = {answer.get("id"): answer for answer in ([answers] if single else answers)}
        less = self._chance.randint(1, 5)
        for call in [asked] if single else asked:
            answer = by_id.get(call["id"], {})
            if call["method"] == "eth_getTransactionCount" and isinstance(answer.get("result"), str):
                answer["result"] = hex(max(0, int(answer["result"], 16) - less))
        return reply[0], reply[1], json.dumps(answers).encode()


def _written(reply: _Reply, more: str = "") -> bytes:
    status, kind, body = reply
    return f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


async def main(url: str, seed: int, rate: float) -> None:
    proxy = Proxy(url, seed, rate)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=2**20)
    _say({"port": server.sockets[0].getsockname()[1]})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word = line.strip()
        if word == "quiet":
            proxy.rate = 0.0
        elif word == "forget":
            proxy.forget()
        _say({"requests": proxy.passed, "faults": dict(proxy.counts)})
    server.close()


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
