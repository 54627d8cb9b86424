"""What the devnet's server answers, apart from the sockets: bodies in, bodies out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Self

from ..chain import Network
from ..codec import json_text
from ..errors import BadResponse, InputError, MultiwalletError, RateLimited, Rejected, Timeout, TransportError
from ..ops import Effect, Rest, Rpc
from .devnet import Devnet

__all__ = ["Answer", "Desk", "LostAnswer", "write_json"]

_MOST_CALLS: Final = 1000
_SENDING: Final = frozenset(
    {"eth_sendRawTransaction", "sendTransaction", "sendrawtransaction", "submit", "sui_executeTransactionBlock"}
)
_SENDING_PATHS: Final = frozenset(
    {
        "tx",
        "wallet/broadcasttransaction",
        "wallet/broadcasthex",
        "transactions",
        "v1/transactions",
        "cosmos/tx/v1beta1/txs",
        "v1/chain/send_transaction",
        "v1/chain/send_transaction2",
        "v1/chain/push_transaction",
    }
)
_PARSE_ERROR, _INVALID_REQUEST, _METHOD_NOT_FOUND, _INTERNAL = -32700, -32600, -32601, -32603


class LostAnswer(Exception):  # not an error of the library: it ends a connection without an answer
    """The devnet was told to lose this answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, *, status: int = 200) -> Self:
        """An answer in JSON."""
        return cls(status, write_json(value).encode())

    @classmethod
    def plain(cls, text: str, *, status: int = 200) -> Self:
        """An answer in plain text."""
        return cls(status, text.encode(), "text/plain; charset=utf-8")


def write_json(value: Any) -> str:
    """JSON text in which a ``Decimal`` is a number with all its digits.

    >>> from decimal import Decimal
    >>> write_json({"amount": Decimal("0.10000000")})
    '{"amount":0.10000000}'
    """
    try:
        return json.dumps(value, separators=(",", ":"))
    except TypeError:
        return _write(value)


def _write(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{_write(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    return json.dumps(value)


class Desk:
    """Turns bodies of requests into effects, lets the devnet perform them, and writes the answers."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet

    def _perform(self, effect: Effect) -> Any:
        """The outcome of an effect; what stands for a broken connection is raised."""
        (outcome,) = self._devnet.perform([effect])
        if isinstance(outcome, Timeout):
            raise LostAnswer
        return outcome

    # -- JSON-RPC ----------------------------------------------------------------------------------

    def json_rpc(self, row: Network, body: bytes) -> Answer:
        """JSON-RPC 2.0 of an EVM network or Solana, one call or a batch."""
        return self._calls(row, body, self._call, exact=False)

    def core(self, row: Network, body: bytes) -> Answer:
        """Bitcoin Core's JSON-RPC: 1.0 and 1.1 with HTTP statuses for errors, 2.0 without."""
        return self._calls(row, body, self._core_call, exact=True)

    def _calls(
        self, row: Network, body: bytes, call: Callable[[Network, Any], tuple[int, Any]], *, exact: bool
    ) -> Answer:
        try:
            asked = json_text.parse(body, fractions=True)
        except InputError:
            status = 500 if exact else 200
            return Answer.json(_error(None, _PARSE_ERROR, "parse error"), status=status)
        if not exact:
            asked = _with_floats(asked)
        try:
            if not isinstance(asked, list):
                status, answer = call(row, asked)
                return Answer(204) if answer is None else Answer.json(answer, status=status)
            if not asked:
                return Answer.json(_error(None, _INVALID_REQUEST, "empty batch"))
            if len(asked) > _MOST_CALLS:
                return Answer.json(_error(None, _INVALID_REQUEST, f"a batch has at most {_MOST_CALLS} calls"))
            answers = [answer for _, answer in (call(row, item) for item in asked) if answer is not None]
            return Answer.json(answers) if answers else Answer(204)
        except _NoNode as stop:
            return _failure(stop.error)

    def _call(self, row: Network, asked: Any) -> tuple[int, Any]:
        if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
            return 200, _error(
                asked.get("id") if isinstance(asked, dict) else None, _INVALID_REQUEST, "invalid request"
            )
        outcome = self._outcome(row, asked)
        if "id" not in asked:
            return 204, None
        if isinstance(outcome, MultiwalletError):
            return 200, _refusal(asked["id"], outcome)
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": outcome}

    def _core_call(self, row: Network, asked: Any) -> tuple[int, Any]:
        if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
            identity = asked.get("id") if isinstance(asked, dict) else None
            refused = {"code": _INVALID_REQUEST, "message": "Invalid Request object"}
            return 400, {"result": None, "error": refused, "id": identity}
        if asked.get("jsonrpc") == "2.0":
            return self._call(row, asked)
        outcome = self._outcome(row, asked)
        if not isinstance(outcome, MultiwalletError):
            return 200, {"result": outcome, "error": None, "id": asked.get("id")}
        error = _refusal(asked.get("id"), outcome)["error"]
        status = {_METHOD_NOT_FOUND: 404, _INVALID_REQUEST: 400}.get(error["code"], 500)
        return status, {"result": None, "error": error, "id": asked.get("id")}

    def _outcome(self, row: Network, asked: dict[str, Any]) -> Any:
        method, params = asked["method"], asked.get("params")
        if params is None:
            params = []
        elif not isinstance(params, list | dict):
            return Rejected("params are a list or an object", node_code=_INVALID_REQUEST)
        service = "core" if row.family == "bitcoin" else ""
        outcome = self._perform(Rpc(row.id, method, params, broadcast=method in _SENDING, service=service))
        if isinstance(outcome, TransportError):
            raise _NoNode(outcome)
        return outcome

    # -- REST --------------------------------------------------------------------------------------

    def esplora(self, row: Network, method: str, path: str, body: bytes, query: Mapping[str, str]) -> Answer:
        """A request to Esplora; a body is text."""
        text = body.decode("utf-8", "replace") if body else None
        return self._rest(Rest(row.id, method, path, text=text, query=query, broadcast=path in _SENDING_PATHS))

    def json_rest(self, row: Network, method: str, path: str, body: bytes, query: Mapping[str, str]) -> Answer:
        """A request to an HTTP API that takes JSON (TRON, Aptos, Cosmos); a body is JSON whatever its type says."""
        try:
            asked = _with_floats(json_text.parse(body, fractions=True)) if body.strip() else None
        except InputError as error:
            return Answer.plain(error.message, status=400)
        return self._rest(Rest(row.id, method, path, json=asked, query=query, broadcast=path in _SENDING_PATHS))

    def rest(self, row: Network, method: str, path: str, query: Mapping[str, str]) -> Answer:
        """Any other request, such as for a node's health."""
        return self._rest(Rest(row.id, method, path, query=query))

    def _rest(self, effect: Rest) -> Answer:
        outcome = self._perform(effect)
        if isinstance(outcome, MultiwalletError):
            return _failure(outcome)
        if isinstance(outcome, bytes):
            return Answer(200, outcome, "application/octet-stream")
        return Answer.plain(outcome) if isinstance(outcome, str) else Answer.json(outcome)


class _NoNode(Exception):  # carries a fault out of a batch: one fault is the whole answer's
    def __init__(self, error: TransportError) -> None:
        super().__init__(error.message)
        self.error = error


def _failure(error: MultiwalletError) -> Answer:
    """An error as HTTP says it."""
    if isinstance(error, RateLimited):
        text = {"error": "too many requests"}
        return Answer(429, write_json(text).encode(), retry_after=error.retry_after)
    if isinstance(error, BadResponse):
        return Answer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html; charset=utf-8")
    if isinstance(error, TransportError):
        return Answer.plain(error.message, status=503)
    if not isinstance(error, Rejected):
        return Answer.plain(error.message, status=400 if isinstance(error, InputError) else 500)
    status = error.node_code if isinstance(error.node_code, int) and 400 <= error.node_code < 600 else 400
    if error.data is None or isinstance(error.data, str):
        return Answer.plain(error.data or error.message, status=status)
    return Answer.json(error.data, status=status)


def _error(identity: Any, code: int | str, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}


def _refusal(identity: Any, error: MultiwalletError) -> dict[str, Any]:
    """An error as JSON-RPC says it."""
    code: int | str = _INTERNAL
    if isinstance(error, Rejected) and error.node_code is not None:
        code = error.node_code
    answer = _error(identity, code, error.message)
    if isinstance(error, Rejected) and error.data is not None:
        answer["error"]["data"] = error.data
    return answer


def _with_floats(value: Any) -> Any:
    """Fractions as most nodes read them; only Bitcoin Core's amounts are exact."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_floats(item) for name, item in value.items()}
    return value
