"""What other libraries raise, as errors of our tree.

Exceptions are told apart by the names of their classes, so that no library is imported for it. Their
texts are left out where they may hold a URL, and they are not kept as causes, which a traceback prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..errors import BadResponse, MultiwalletError, RateLimited, Rejected, Timeout, Unreachable
from ..exchange import HttpReply, read_call, read_reply
from ..ops import Effect, Outcome

__all__ = ["outcomes_of_failure"]

_NO_CONNECTION: Final = frozenset(
    (
        "ClientConnectorError",
        "ClientProxyConnectionError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionRefusedError",
        "ConnectionTimeoutError",
        "FileNotFoundError",
        "InvalidHandshake",
        "InvalidSchema",
        "InvalidURL",
        "MissingSchema",
        "NameResolutionError",
        "NewConnectionError",
        "NonHttpUrlClientError",
        "ProviderConnectionError",
        "ProxyError",
        "SSLError",
        "UnsupportedProtocol",
        "gaierror",
    )
)
_TIMEOUT: Final = frozenset(("RequestTimedOut", "TimeExhausted", "Timeout", "TimeoutError", "TimeoutException"))
_BROKEN_OFF: Final = frozenset(
    (
        "ChunkedEncodingError",
        "ClientConnectionError",
        "ClientPayloadError",
        "ConnectionClosed",
        "ConnectionError",
        "NetworkError",
        "OSError",
        "PersistentConnectionClosedOK",
        "RemoteProtocolError",
    )
)
_LOCAL_ENGINES: Final = frozenset(("eth", "eth_tester", "eth_utils"))


def outcomes_of_failure(where: str, url: str, effects: Sequence[Effect], error: Exception) -> list[Outcome]:
    """The outcomes of effects whose one request ended in ``error``, raised by the client called ``where``.

    An HTTP status (and the reply's body, where the library kept it) is read as our own transport reads it.
    """
    cause = error.__cause__
    if _root(error) == "solana" and isinstance(cause, Exception):
        error = cause  # solana names the request and keeps what happened as the cause
    if isinstance(error, MultiwalletError):
        return [error] * len(effects)
    reply = _reply(error)
    if reply is not None:
        return read_reply(url, effects, reply)
    return [_failure(where, error)] * len(effects)


def _failure(where: str, error: Exception) -> Outcome:
    kind = type(error).__name__
    names = {parent.__name__ for parent in type(error).__mro__}
    if _root(error) == "requests" and "ConnectionError" in names:
        names |= _reasons(error)
    if names & {"TooManyRequests"} or (names & {"ApiError"} and "rate limit" in str(error)):
        return RateLimited(f"{where} is limited by its endpoint")
    if names & _NO_CONNECTION:
        return Unreachable(f"{where} reached no endpoint ({kind}): check its URL and the network")
    if names & _TIMEOUT:
        return Timeout(f"{where} got no answer in time ({kind})")
    if "Web3RPCError" in names:
        answer = getattr(error, "rpc_response", None)
        return read_call(where, answer) if isinstance(answer, Mapping) else Rejected(f"the node refused ({kind})")
    if _root(error) in _LOCAL_ENGINES:
        # An engine in this process raises what a node would answer; there is no URL that it could tell.
        text = " ".join(str(error).split())[:300]
        return Rejected(f"the node refused: {text}", node_code=3 if text.startswith("execution reverted") else -32000)
    if names & _BROKEN_OFF and not names & {"JSONDecodeError", "ContentDecodingError"}:
        return Timeout(f"{where} lost its connection before the answer ({kind})")
    return BadResponse(f"{where} got an answer that cannot be read, or failed itself ({kind})")


def _root(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _reasons(error: Exception) -> set[str]:
    """What lies below requests' ConnectionError, which is raised for a refusal and for a broken connection alike."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return {parent.__name__ for parent in type(reason).__mro__} if isinstance(reason, Exception) else set()


def _reply(error: Exception) -> HttpReply | None:
    """The HTTP reply that an exception carries: requests and httpx keep it whole, aiohttp its status and headers."""
    response: Any = getattr(error, "response", None)
    if response is None:
        response = error
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    headers = getattr(response, "headers", None)
    if type(status) is not int or not 300 <= status < 600:
        return None
    try:
        content = bytes(getattr(response, "content", b""))
    except Exception:  # noqa: BLE001  # a body that was not read: what is known of the reply is enough
        content = b""
    named = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}
    return HttpReply(status, named, content)
