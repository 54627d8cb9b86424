"""Clients of other libraries, as carriers of our effects: Web3, solana's AsyncClient, tronpy's Tron.

Each knows which effects it serves and how one request, or one request for several calls, is made with the
user's own object and read again. What is asked goes through the client's *provider*: its session, headers,
timeouts and retries hold; web3's middleware does not run. Nothing here is imported from those libraries.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from ..errors import BadResponse, MultiwalletError
from ..exchange import HttpReply, NoBatch, read_call, read_reply, redact
from ..ops import Effect, Outcome, Rest, Rpc

__all__ = ["Client", "Request", "recognize"]

Request = Callable[[], Any]
"""One request, made when called. Of an asynchronous client the result is awaited."""


class Client(Protocol):
    """What a transport needs of another library's client."""

    asynchronous: bool
    batches: bool
    """Whether several calls can go out as one request."""
    where: str
    """What the client is called in errors: its kind and its endpoint, without what the URL hides."""
    url: str

    def serves(self, effect: Effect) -> bool:
        """Whether the client can carry this effect."""

    def identify(self) -> Rpc | None:
        """What must be asked before :meth:`serves` can tell, or None."""

    def identified(self, answer: Any) -> None:
        """Take the answer to :meth:`identify`. BadResponse where it is none."""

    def request(self, effects: Sequence[Effect]) -> Request:
        """One request for one effect, or for several calls."""

    def read(self, effects: Sequence[Effect], answer: Any) -> list[Outcome]:
        """The outcomes in a request's answer: for several calls all ``NoBatch`` where they must be asked singly."""


class Web3Client:
    """A ``web3.Web3`` or ``web3.AsyncWeb3``: serves the one EVM network that it is connected to."""

    def __init__(self, w3: Any, *, asynchronous: bool, network: str | None) -> None:
        self.asynchronous = asynchronous
        self._network = network
        self._w3 = w3
        self._provider = w3.provider
        # Over a socket web3 tells batches apart by nothing, so that two at a time would mix their answers.
        self.batches = callable(getattr(self._provider, "make_batch_request", None)) and not getattr(
            self._provider, "has_persistent_connection", False
        )
        self.url = str(getattr(self._provider, "endpoint_uri", "") or "")
        self.where = _where(type(w3).__name__, self.url)
        # eth-tester runs in this process, wants arguments in its own form and bears one caller at a time.
        self._engine = hasattr(self._provider, "ethereum_tester")
        self._turn = threading.Lock()

    def serves(self, effect: Effect) -> bool:
        return isinstance(effect, Rpc) and effect.network == self._network and not effect.service

    def identify(self) -> Rpc | None:
        return None if self._network else Rpc("", "eth_chainId")

    def identified(self, answer: Any) -> None:
        try:
            self._network = f"eip155:{int(answer, 16)}"
        except (TypeError, ValueError):
            raise BadResponse(f"{self.where} answered eth_chainId with what is no chain id") from None

    def request(self, effects: Sequence[Effect]) -> Request:
        calls = [(effect.method, _plain(effect.params)) for effect in effects if isinstance(effect, Rpc)]
        if len(calls) > 1:
            return lambda: self._provider.make_batch_request(calls)
        ((method, params),) = calls
        if self._engine:
            return self._engine_request(method, params)
        return lambda: self._provider.make_request(method, params)

    def _engine_request(self, method: str, params: Any) -> Request:
        if self.asynchronous:

            async def awaited() -> Any:
                ask = await self._provider.request_func(self._w3, _NoMiddleware())
                return await ask(method, params)

            return awaited

        def ask() -> Any:
            with self._turn:
                return self._provider.request_func(self._w3, _NoMiddleware())(method, params)

        return ask

    def read(self, effects: Sequence[Effect], answer: Any) -> list[Outcome]:
        if len(effects) == 1:
            outcome = read_call(self.where, answer)
            return [_as_json(outcome) if self._engine and not isinstance(outcome, MultiwalletError) else outcome]
        ids = [item.get("id") for item in answer if isinstance(item, Mapping)] if isinstance(answer, list) else []
        if len(ids) != len(effects) or len(set(map(str, ids))) != len(ids) or None in ids:
            # web3 knows the ids it sent and does not tell: with one missing, no answer can be placed
            return [NoBatch(f"{self.where} did not get one answer for each call of a batch")] * len(effects)
        return [read_call(self.where, item) for item in answer]


class SolanaClient:
    """A ``solana.rpc.async_api.AsyncClient``: serves the Solana networks, or the one it was given for."""

    asynchronous = True
    batches = True

    def __init__(self, client: Any, *, network: str | None) -> None:
        self._network = network
        self._provider = client._provider
        self.url = str(self._provider.endpoint_uri)
        self.where = _where(type(client).__name__, self.url)

    def serves(self, effect: Effect) -> bool:
        return isinstance(effect, Rpc) and _within(effect, self._network, "solana:")

    def identify(self) -> None:
        return None

    def identified(self, answer: Any) -> None:
        raise NotImplementedError  # there is nothing to identify

    def request(self, effects: Sequence[Effect]) -> Request:
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": effect.method, "params": _plain(effect.params)}
            for number, effect in enumerate(effects)
            if isinstance(effect, Rpc)
        ]
        body = _Body(json.dumps(calls if len(calls) > 1 else calls[0]))
        return lambda: self._provider.make_request_unparsed(body)

    def read(self, effects: Sequence[Effect], answer: Any) -> list[Outcome]:
        return read_reply(self.url, effects, HttpReply(200, {}, str(answer).encode("utf-8", "replace")))


class TronClient:
    """A ``tronpy.Tron`` or ``tronpy.AsyncTron``: serves the TRON networks, or the one it was given for."""

    batches = False

    def __init__(self, client: Any, *, asynchronous: bool, network: str | None) -> None:
        self.asynchronous = asynchronous
        self._network = network
        self._provider = client.provider
        self.url = str(self._provider.endpoint_uri)
        self.where = _where(type(client).__name__, self.url)

    def serves(self, effect: Effect) -> bool:
        return isinstance(effect, Rest) and effect.method == "POST" and _within(effect, self._network, "tron:")

    def identify(self) -> None:
        return None

    def identified(self, answer: Any) -> None:
        raise NotImplementedError  # there is nothing to identify

    def request(self, effects: Sequence[Effect]) -> Request:
        (effect,) = effects
        assert isinstance(effect, Rest)  # serves() lets nothing else through
        path, body = effect.path.lstrip("/"), effect.json
        return lambda: self._provider.make_request(path, body)

    def read(self, effects: Sequence[Effect], answer: Any) -> list[Outcome]:
        return [answer]


_KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("web3", "Web3"): "evm",
    ("web3", "AsyncWeb3"): "evm",
    ("solana", "AsyncClient"): "solana",
    ("tronpy", "Tron"): "tron",
    ("tronpy", "AsyncTron"): "tron",
}


def recognize(candidate: Any, network: str | None = None) -> Client | None:
    """The client for an object of another library, or None. With ``network`` (CAIP-2) it serves that one alone."""
    for parent in type(candidate).__mro__:
        name = parent.__name__
        asynchronous = name.startswith("Async")
        match _KINDS.get((parent.__module__.partition(".")[0], name)):
            case "evm":
                return Web3Client(candidate, asynchronous=asynchronous, network=network)
            case "solana":
                return SolanaClient(candidate, network=network)
            case "tron":
                return TronClient(candidate, asynchronous=asynchronous, network=network)
    return None


class _NoMiddleware:
    """Stands where web3 expects the user's middleware: only the provider's own runs, which eth-tester needs."""

    def as_tuple_of_middleware(self) -> tuple[()]:
        return ()


class _Body:
    """A request as solana's provider takes it: something that can write itself."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_json(self) -> str:
        return self._text


def _where(kind: str, url: str) -> str:
    return f"your {kind} at {redact(url)}" if url else f"your {kind}"


def _within(effect: Rpc | Rest, network: str | None, namespace: str) -> bool:
    if effect.service:
        return False
    return effect.network == network if network else effect.network.startswith(namespace)


def _plain(params: Any) -> Any:
    return dict(params) if isinstance(params, Mapping) else list(params)


def _as_json(value: Any) -> Any:
    """What an engine answers in Python's types, as a node writes it: numbers and bytes in ``0x`` hex."""
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_as_json(item) for item in value]
    return str(value)
