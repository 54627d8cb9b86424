"""Devnet: the transport whose other end is a set of engines and ledgers on this machine."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from .. import registry
from ..amounts import Amount, Asset
from ..chain import Network
from ..errors import InputError, MultiwalletError, RateLimited, Timeout, Unsupported
from ..ops import Effect, Outcome, Rest, Rpc, Sleep
from .engine import Engine

__all__ = ["Devnet"]

_ENGINES: Final[Mapping[str, str]] = {
    "antelope": "antelope:AntelopeEngine",
    "aptos": "aptos:AptosEngine",
    "bitcoin": "bitcoin:BitcoinEngine",
    "cosmos": "cosmos:CosmosEngine",
    "evm": "evm:EvmEngine",
    "solana": "solana:SolanaEngine",
    "sui": "sui:SuiEngine",
    "tron": "tron:TronEngine",
    "xrp": "xrp:XrpEngine",
}


class Devnet:
    """The networks of nine families, run on this machine; give it to a wallet as ``transport``.

    An engine starts when its network is first asked for, and answers under that network's own identity,
    so the names of production serve: ``wallet.account("bitcoin")`` holds worthless coins here. With
    ``automine`` a transaction is in a block as soon as it is sent; without, :meth:`mine` makes the block.
    Waiting costs no time: a ``Sleep`` moves the chains' clocks instead. Thread-safe.

    >>> from multiwallet import Wallet
    >>> words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    >>> with Devnet() as devnet, Wallet.from_mnemonic(words, transport=devnet) as wallet:
    ...     account = wallet.account("ethereum")
    ...     txid = devnet.fund(account, "2.5")
    ...     str(account.balance())
    '2.5 ETH'
    """

    def __init__(self, *, automine: bool = True) -> None:
        self._automine = automine
        self._engines: dict[str, Engine] = {}
        self._faults: dict[str, deque[str | MultiwalletError]] = {}
        self._lock = threading.RLock()
        self._closed = False

    # -- the transport -----------------------------------------------------------------------------

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        return [self._perform(effect) for effect in effects]

    def _perform(self, effect: Effect) -> Outcome:
        with self._lock:
            try:
                if isinstance(effect, Sleep):
                    for engine in self._engines.values():
                        engine.advance(effect.seconds)
                    return None
                if not isinstance(effect, Rpc | Rest):
                    raise TypeError(f"a transport performs Rpc, Rest and Sleep, not {type(effect).__name__}")
                fault = self._next_fault(effect)
                if isinstance(fault, MultiwalletError):
                    return fault
                engine = self.engine(effect.network)
                if isinstance(effect, Rpc):
                    answer = engine.rpc(effect.method, effect.params, effect.service)
                else:
                    answer = engine.rest(
                        effect.method,
                        effect.path,
                        json=effect.json,
                        text=effect.text,
                        query=effect.query,
                        service=effect.service,
                    )
                if fault == "lose answer":
                    return Timeout("the devnet accepted this and lost the answer, as it was told to")
                return answer
            except MultiwalletError as error:
                return error

    # -- what a test or a demo does ----------------------------------------------------------------

    def engine(self, network: str | Network) -> Engine:
        """The engine of a network, started now if it was not yet. Raises Unsupported for other families."""
        row = registry.network(network)
        with self._lock:
            if self._closed:
                raise Unsupported("this devnet is closed, and what it held is gone: open another one")
            engine = self._engines.get(row.id)
            if engine is None:
                target = _ENGINES.get(row.family)
                if target is None:
                    raise Unsupported(f"the devnet has no engine for the family {row.family!r}")
                engine = self._engines[row.id] = _load(target)(row, automine=self._automine)
            return engine

    def fund(self, account: Any, amount: str | Amount, *, network: str | Network | None = None) -> str:
        """Give an account (or an address of ``network``) native coins, confirmed at once; return the txid."""
        row, address = _named(account, network)
        units = _exact(amount, row.native).units
        with self._lock:
            return self.engine(row).fund(address, units)

    def deploy_token(
        self,
        network: str | Network,
        *,
        symbol: str = "TEST",
        decimals: int = 6,
        holder: Any = None,
        supply: str = "1000000",
    ) -> Asset:
        """Create a token as the family has them (ERC-20, TRC-20, SPL and so on); ``holder`` gets the supply.

        Returns the asset. Raises Unsupported where a chain has none.
        """
        row = registry.network(network)
        shape = Asset(f"{row.id}/token:new", symbol, decimals)
        units = Amount.parse(supply, shape).units
        with self._lock:
            supply_to = "" if holder is None else _named(holder, row)[1]
            reference = self.engine(row).deploy_token(
                symbol=symbol, decimals=decimals, supply_to=supply_to, supply=units
            )
        return Asset(registry.chain(row).asset_id(row, reference), symbol, decimals)

    def fund_token(self, account: Any, amount: str | Amount, asset: Asset) -> str:
        """Give an account (or an address) a token that this devnet created; return the txid."""
        row, address = _named(account, asset.network_id)
        with self._lock:
            return self.engine(row).fund_token(asset.reference, address, _exact(amount, asset).units)

    def mine(self, network: str | Network, blocks: int = 1) -> None:
        """Make blocks, including what waits."""
        with self._lock:
            self.engine(network).mine(blocks)

    # -- misbehaviour on demand --------------------------------------------------------------------

    def lose_answers(self, network: str | Network, count: int = 1) -> None:
        """Accept the next ``count`` broadcasts, but answer with a timeout."""
        self._add_fault(network, "lose answer", count)

    def rate_limit(self, network: str | Network, count: int = 1, *, retry_after: float | None = None) -> None:
        """Refuse the next ``count`` calls as too many."""
        self._add_fault(
            network, RateLimited("the devnet limits this client, as it was told to", retry_after=retry_after), count
        )

    def fail(self, network: str | Network, error: MultiwalletError, count: int = 1) -> None:
        """Answer the next ``count`` calls with an error of your choice, without doing anything."""
        self._add_fault(network, error, count)

    def drop(self, network: str | Network, txid: str) -> bool:
        """Forget a transaction that waits to be mined; whether there was one."""
        with self._lock:
            return self.engine(network).drop(txid)

    def reorg(self, network: str | Network, depth: int = 1) -> None:
        """Replace the last blocks by others without their transactions."""
        with self._lock:
            self.engine(network).reorg(depth)

    def _add_fault(self, network: str | Network, fault: str | MultiwalletError, count: int) -> None:
        with self._lock:
            self._faults.setdefault(registry.network(network).id, deque()).extend([fault] * count)

    def _next_fault(self, effect: Rpc | Rest) -> str | MultiwalletError | None:
        faults = self._faults.get(effect.network)
        if not faults or (faults[0] == "lose answer" and not effect.broadcast):
            return None
        return faults.popleft()

    # -- the end -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the engines and free what they hold."""
        with self._lock:
            self._closed = True
            while self._engines:
                self._engines.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _named(account: Any, network: str | Network | None) -> tuple[Network, str]:
    if isinstance(account, str):
        if network is None:
            raise InputError("an address alone does not say its network: give network= as well")
        row = registry.network(network)
        return row, registry.parse_address(row, account)
    return registry.network(account.network), str(account.address)


def _exact(amount: str | Amount, asset: Asset) -> Amount:
    if not isinstance(amount, Amount):
        return Amount.parse(amount, asset)
    if amount.asset != asset:
        raise InputError(f"the amount is of {amount.asset.id}, not of {asset.id}")
    return amount


def _load(target: str) -> type[Engine]:
    from importlib import import_module

    from ..errors import MissingExtra

    module, _, name = target.partition(":")
    try:
        engine: type[Engine] = getattr(import_module(f".{module}", __package__), name)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("multiwallet"):
            raise
        raise MissingExtra(
            f'the devnet needs the package {error.name!r}: pip install "multiwallet-sdk[devnet]"', extra="devnet"
        ) from error
    return engine
