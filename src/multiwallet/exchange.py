"""What travels between a transport and an endpoint, as data: grouping, reading, retrying, redacting.

Nothing here opens a socket. :func:`exchanges` groups effects into exchanges; each is a generator that
yields an :class:`HttpRequest` or a :class:`Pause` and is sent the reply or the transport error. The two
transports in :mod:`multiwallet.transport` only carry these back and forth.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import quote, unquote, urlencode, urlsplit

from .codec import json_text
from .errors import (
    BadResponse,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    TransportError,
    Unreachable,
)
from .ops import Effect, Outcome, Rest, Rpc

__all__ = [
    "Exchange",
    "HttpReply",
    "HttpRequest",
    "NoBatch",
    "Pause",
    "RetryPolicy",
    "exchanges",
    "read_call",
    "read_reply",
    "redact",
]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. ``url`` holds no user or password; they are in ``headers``, which do not print."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP reply, read whole. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next attempt; the reply to it is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How failures are met.

    ``attempts`` counts all tries over all endpoints. Every endpoint is tried once before the first
    pause; pauses double from ``pause`` to ``longest_pause`` seconds and are shortened at random by up to
    half, so that many clients do not come back together. A ``Retry-After`` beyond ``patience`` seconds
    is not waited for. ``batch`` bounds the calls in one JSON-RPC request.
    """

    attempts: int = 4
    pause: float = 0.25
    longest_pause: float = 8.0
    patience: float = 30.0
    batch: int = 100


Exchange: TypeAlias = Generator[HttpRequest | Pause, HttpReply | TransportError | None, list[Outcome]]

_RATE_CODES: Final = (-32005, -32029, 429)
_TOO_MANY_CALLS: Final = (400, 405, 413)  # what some endpoints answer to a batch, with a page instead of JSON
_NOT_THE_NODE: Final = {
    401: "check the user and password",
    403: "check the key or the plan",
    407: "the proxy wants a login",
    408: "it waited too long for the request",
}
_DEEPEST: Final = 200


def redact(url: str) -> str:
    """A URL as it may be shown: scheme and host alone, since paths and queries hold API keys.

    >>> redact("https://user:pass@node.example:8545/v3/0123456789abcdef?key=1")
    'https://node.example:8545/…'
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an endpoint"
    if not host:
        return "an endpoint"
    host = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    return shown + ("/…" if parts.path.strip("/") or parts.query else "")


def exchanges(
    effects: Sequence[Effect],
    endpoints: Callable[[str], Sequence[str]],
    policy: RetryPolicy,
    chance: Callable[[], float],
) -> list[tuple[list[int], Exchange]]:
    """Group effects into exchanges: for each, the positions of its effects and the generator.

    Reading JSON-RPC calls to one network share a request; a broadcast and every REST call has its own.
    ``endpoints`` gives a network's URLs; one written ``core+http://...`` serves only effects whose
    ``service`` is ``core``. ``chance`` gives numbers from 0 to 1 for the jitter.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    for position, effect in enumerate(effects):
        if isinstance(effect, Rpc) and not effect.broadcast:
            key: tuple[Any, ...] = (effect.network, effect.service)
            size = len(groups.get(key, ()))
            while size >= policy.batch:  # a full request: the next one of the same kind
                key = (*key, size)
                size = len(groups.get(key, ()))
            groups.setdefault(key, []).append(position)
        elif isinstance(effect, Rpc | Rest):
            groups[("alone", position)] = [position]
        else:
            raise TypeError(f"a transport performs Rpc, Rest and Sleep, not {type(effect).__name__}")
    result = []
    for positions in groups.values():
        chosen = [effects[position] for position in positions]
        result.append((positions, _exchange(chosen, endpoints, policy, chance)))
    return result


def _exchange(
    effects: Sequence[Effect],
    endpoints: Callable[[str], Sequence[str]],
    policy: RetryPolicy,
    chance: Callable[[], float],
) -> Exchange:
    first = effects[0]
    assert isinstance(first, Rpc | Rest)  # exchanges() lets nothing else through
    try:
        urls = _urls(endpoints(first.network), first.service)
    except MultiwalletError as error:
        return [error] * len(effects)
    if not urls:
        kind = f" of the kind {first.service!r}" if first.service else ""
        missing = Unreachable(
            f"no endpoint{kind} is known for {first.network}: give endpoints={{...}} or set MULTIWALLET_ENDPOINTS_..."
        )
        return [missing] * len(effects)
    outcomes: list[Outcome] = [None] * len(effects)
    left = list(range(len(effects)))
    failure: MultiwalletError = Unreachable("no attempt was made")
    unknown: TransportError | None = None  # why a broadcast may have arrived although no answer did
    apart = False  # some endpoints answer no JSON-RPC batch: then one call at a time
    for attempt in range(policy.attempts):
        if attempt and attempt % len(urls) == 0:
            wait = min(policy.pause * 2 ** (attempt // len(urls) - 1), policy.longest_pause)
            if isinstance(failure, RateLimited) and failure.retry_after is not None:
                if failure.retry_after > policy.patience:
                    break
                wait = max(wait, failure.retry_after)
                yield Pause(wait)
            else:
                yield Pause(wait * (1 - chance() / 2))
        url = urls[attempt % len(urls)]
        groups = [[position] for position in left] if apart else [left]
        left = []
        reply: HttpReply | TransportError | None = None
        for positions in groups:
            wanted = [effects[position] for position in positions]
            if not isinstance(reply, TransportError):  # what one call could not reach, the next ones need not wait for
                reply = yield _request(url, wanted)
            answers = read_reply(url, wanted, reply) if not isinstance(reply, TransportError) else [reply] * len(wanted)
            if len(wanted) > 1 and all(isinstance(answer, NoBatch) for answer in answers):
                apart = True
                groups += [[position] for position in positions]  # the loop goes on with these
                continue
            for position, answer in zip(positions, answers, strict=True):
                if isinstance(answer, TransportError):
                    failure = answer
                    left.append(position)
                outcomes[position] = answer
        if first.broadcast:
            if unknown is None and isinstance(failure, Timeout | BadResponse):
                unknown = failure
            elif unknown is not None and isinstance(outcomes[0], Rejected):
                outcomes[0].__cause__ = unknown  # one endpoint may have taken it, whatever another says
        if not left:
            return outcomes
    if unknown is not None:
        return [unknown]
    return outcomes


class NoBatch(BadResponse):
    """The endpoint answered a batch with one error: it may not know batches."""


def _urls(endpoints: Sequence[str], service: str) -> list[str]:
    urls = []
    for endpoint in endpoints:
        kind, plus, url = endpoint.partition("+")
        if not plus or "/" in kind or ":" in kind:
            kind, url = "", endpoint
        if kind != service:
            continue
        if not url.startswith(("http://", "https://")):
            raise InputError(f"an endpoint starts with http:// or https://, not like {redact(endpoint)!r}")
        if redact(url) == "an endpoint":
            raise InputError("an endpoint is a URL such as https://host:port/path; one of those given cannot be read")
        urls.append(url)
    return urls


def _request(url: str, effects: Sequence[Effect]) -> HttpRequest:
    parts = urlsplit(url)
    headers = {"accept": "application/json"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = "Basic " + b64encode(login.encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    base = f"{parts.scheme}://{host}{parts.path}"
    first = effects[0]
    if isinstance(first, Rest):
        address = f"{base.rstrip('/')}/{quote(first.path.lstrip('/'), safe='/:,;=@')}"
        query = "&".join(filter(None, (parts.query, urlencode(first.query))))
        content = b""
        if first.text is not None:
            content, headers["content-type"] = first.text.encode(), "text/plain"
        elif first.json is not None:
            content, headers["content-type"] = json.dumps(first.json).encode(), "application/json"
        return HttpRequest(first.method, address + (f"?{query}" if query else ""), headers, content)
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": effect.method, "params": _plain(effect.params)}
        for number, effect in enumerate(effects)
        if isinstance(effect, Rpc)
    ]
    headers["content-type"] = "application/json"
    body = json.dumps(calls if len(calls) > 1 else calls[0]).encode()
    return HttpRequest("POST", base + (f"?{parts.query}" if parts.query else ""), headers, body)


def _plain(params: Sequence[Any] | Mapping[str, Any]) -> Any:
    return dict(params) if isinstance(params, Mapping) else list(params)


def read_reply(url: str, effects: Sequence[Effect], reply: HttpReply | None) -> list[Outcome]:
    """The outcomes of effects that one reply answers: one REST call, or the calls of one JSON-RPC request.

    The calls have their positions as ids. Where the endpoint does not answer batches, all are :class:`NoBatch`.
    """
    assert reply is not None  # only a Pause is answered with None
    where = redact(url)
    if reply.status == 429:
        return [RateLimited(f"{where} limits this client", retry_after=_retry_after(reply))] * len(effects)
    first = effects[0]
    if isinstance(first, Rest):
        return [_read_rest(where, first, reply)]
    try:
        data = _decode(reply.content)
    except ValueError:
        if len(effects) > 1 and reply.status in _TOO_MANY_CALLS:
            return [NoBatch(f"{where} answered a batch with HTTP status {reply.status}")] * len(effects)
        return [_not_json(where, reply)] * len(effects)
    if len(effects) == 1:
        return [read_call(where, data)]
    if not isinstance(data, list):
        answer = read_call(where, data)
        if not isinstance(answer, RateLimited):
            answer = NoBatch(f"{where} answered a batch with one answer: {_short(answer)}")
        return [answer] * len(effects)
    by_id: dict[int, Outcome] = {}
    for item in data:
        number = item.get("id") if isinstance(item, dict) else None
        if type(number) is int:
            twice = BadResponse(f"{where} answered a call of a batch twice")
            by_id[number] = twice if number in by_id else read_call(where, item)
    missing = BadResponse(f"{where} left a call of a batch without an answer")
    return [by_id.get(number, missing) for number in range(len(effects))]


def read_call(where: str, data: Any) -> Outcome:
    """The outcome of one JSON-RPC call from its decoded answer. ``where`` names the endpoint in errors."""
    if not isinstance(data, dict) or ("result" not in data and "error" not in data):
        return BadResponse(f"{where} answered JSON that is no JSON-RPC answer")
    error = data.get("error")
    if error is None:
        return data.get("result")
    if not isinstance(error, dict):
        return Rejected(f"the node refused: {_short(error)}", data=error)
    code, text = error.get("code"), error.get("message")
    if type(code) is int and code in _RATE_CODES and "limit" in _short(text).lower():
        return RateLimited(f"{where} limits this client: {_short(text)}")
    return Rejected(
        f"the node refused: {_short(text)}",
        node_code=code if isinstance(code, int | str) else None,
        data=error.get("data"),
    )


def _read_rest(where: str, effect: Rest, reply: HttpReply) -> Outcome:
    text = reply.content.decode("utf-8", "replace")
    if reply.status >= 500:
        refusal = _nodeos_refusal(where, reply)
        return refusal or BadResponse(f"{where} failed with HTTP status {reply.status}: {_short(text)}")
    if 300 <= reply.status < 400:
        return BadResponse(f"{where} answered a redirect, which is not followed: give the URL it leads to")
    if reply.status in _NOT_THE_NODE:
        hint = _NOT_THE_NODE[reply.status]
        return BadResponse(f"{where} refused with HTTP status {reply.status} ({hint}): {_short(text)}")
    if not 200 <= reply.status < 300:
        try:
            body: Any = _decode(reply.content)
        except ValueError:
            body = text[:2000]
        return Rejected(
            f"{where} refused with HTTP status {reply.status}: {_short(text)}", node_code=reply.status, data=body
        )
    try:
        return _decode(reply.content)
    except ValueError:
        if effect.expect == "text" and "<html" not in text[:500].lower() and "<!doctype" not in text[:500].lower():
            return text
        return _not_json(where, reply)


def _nodeos_refusal(where: str, reply: HttpReply) -> Rejected | None:
    """nodeos answers with status 500 what it understood and will not do: its own form of error tells it."""
    try:
        told = _decode(reply.content)
    except ValueError:
        return None
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict) or type(error.get("code")) is not int or not isinstance(error.get("name"), str):
        return None
    what = error.get("what") if isinstance(error.get("what"), str) else error["name"]
    return Rejected(
        f"{where} refused with HTTP status {reply.status}: {_short(what)}", node_code=reply.status, data=told
    )


def _decode(content: bytes) -> Any:
    """JSON with exact numbers: a fraction becomes a ``Decimal``. InputError for everything else."""
    return json_text.parse(content, fractions=True, max_depth=_DEEPEST)


def _not_json(where: str, reply: HttpReply) -> BadResponse:
    kind = "HTML" if b"<html" in reply.content[:500].lower() or b"<!doc" in reply.content[:500].lower() else "no JSON"
    if 300 <= reply.status < 400:
        return BadResponse(f"{where} answered a redirect, which is not followed: give the URL it leads to")
    hint = {**_NOT_THE_NODE, 404: "check the URL"}.get(reply.status)
    return BadResponse(f"{where} answered {kind} with HTTP status {reply.status}{f': {hint}' if hint else ''}")


def _retry_after(reply: HttpReply) -> float | None:
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 7:
        return float(text)
    if not text:
        return None
    from email.utils import parsedate_to_datetime

    try:
        there = parsedate_to_datetime(reply.headers.get("date", ""))
        return max(0.0, (parsedate_to_datetime(text) - there).total_seconds())
    except (TypeError, ValueError):
        return None


def _short(text: object) -> str:
    # Unprintable characters could drive a terminal, and lone surrogates could not be written to a log.
    words = "".join(sign if sign.isprintable() else " " for sign in str(text)[:2000])
    words = " ".join(words.split())
    return words[:300] + ("…" if len(words) > 300 else "")
