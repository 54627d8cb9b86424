"""Wallet and AsyncWallet: one set of keys, accounts on every chain. Thin faces over the same operations."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .account import Account, AsyncAccount
from .amounts import Asset
from .batch import BatchResult, sign_each, sign_one, sign_stream, slow_path, unexpected
from .chain import Network
from .errors import BadResponse, InputError, MultiwalletError, SigningRefused
from .opening import WalletFace
from .operations import AccountOperations
from .ops import Effect, Local, Outcome, Sign, arun, run
from .signer import LocalSigner, Signer, verify_signature
from .transactions import Balance

if TYPE_CHECKING:
    import asyncio
    import os

    from .amounts import Asset
    from .discovery import Discovery, Progress
    from .outbox import AsyncOutbox, Outbox, Policy
    from .store import Store

__all__ = ["AsyncWallet", "Wallet"]


class Wallet(WalletFace[Account]):
    """One seed, key or extended public key, and its accounts on every chain. May be shared by threads.

    >>> words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    >>> with Wallet.from_mnemonic(words) as wallet:
    ...     wallet.account("ethereum").address
    '0x9858EfFD232B4033E47d90003D41EC34EcaEda94'
    """

    outbox: Outbox | None = None
    """What :meth:`open_outbox` opened."""

    def portfolio(self, networks: Iterable[str | Network]) -> dict[str, Balance | MultiwalletError]:
        """The native balances of the default accounts on several networks, asked all at once.

        Keyed by the names given. A network that failed has its error in the place of a balance.
        """
        return run(self._portfolio(networks), self._perform)

    def balances(
        self,
        network: str | Network,
        addresses: Iterable[str],
        assets: Iterable[Asset | str | None] = (None,),
    ) -> dict[str, dict[Asset | str | None, Balance | MultiwalletError]]:
        """What many addresses of one network hold of many assets, in few calls: ``found[address][asset]``.

        The addresses need not be this wallet's. An asset is an ``Asset``, a CAIP-19 id or contract as for
        :meth:`Account.balance`, or None for the network's coin. The result has the addresses and assets as they were
        given. What could not be read has its error in the place of a balance; InvalidAddress is raised before anything
        is asked. On EVM networks that have Multicall3 a thousand addresses and twenty tokens are a handful of requests.
        """
        return run(self._balances(network, addresses, assets), self._perform)

    def discover(
        self,
        networks: Iterable[str | Network] | None = None,
        *,
        gap: int = 5,
        account_gap: int = 1,
        assets: Mapping[str, Sequence[Asset | str]] | None = None,
        progress: Progress | None = None,
    ) -> Discovery[Account]:
        """Find the accounts that this phrase has been used with, in whatever wallet, by the paths that wallets use.

        On each of ``networks`` (else every main network in service) each known path is asked about until ``gap``
        accounts in a row are unused (``account_gap`` for Bitcoin's whole accounts). An account counts as used when it
        holds coins, or one of ``assets`` (tokens by network: ``{"ethereum": ["0x..."]}``), or has sent before where
        its chain counts that. Errors stay with their network, in ``failed``. ``progress(network, asked, found)`` is
        called after each round. docs/derivation.md lists the paths. Raises InputError and, for a single key,
        Unsupported.
        """
        found = run(self._discover(networks, gap, account_gap, assets, progress), self._perform)
        return found.with_faces(self._face)

    def sign_batch(self, pairs: Iterable[tuple[Account, Any]], *, threads: int = 1) -> Iterator[BatchResult]:
        """As :meth:`Account.sign_batch` over pairs of an account of this wallet and a transaction."""
        return sign_each(pairs, self._sign_pair(self._sign_one), threads=threads)

    def open_outbox(self, store: Store | str | os.PathLike[str], policy: Policy | None = None) -> Outbox:
        """Let every payment of this wallet go through a store from now on, and be made once whatever happens.

        ``store`` is a :class:`~multiwallet.store.Store`, the name of a file (SQLite) or a ``postgresql://`` URL. From
        now on ``send`` keeps what it signs before anybody sees it, shares nonces and coins with other processes, and
        takes ``idempotency_key``. Run the outbox (``run`` or ``step``) somewhere to drive every payment to its end.
        """
        from .outbox import Outbox

        outbox = Outbox(self, self._outbox_operations(store, policy))
        self.outbox = outbox
        return outbox

    def _sign_one(self, operations: AccountOperations) -> Callable[[Any], BatchResult]:
        return sign_one(operations, self._signer, slow_path(operations, self._perform))

    def close(self) -> None:
        """Wipe the keys, and close the connections that this wallet opened itself."""
        self._session.keychain.close()
        if self._owns_transport and self._transport is not None:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _face(self, operations: AccountOperations) -> Account:
        return Account(self, operations)

    def _turn(self, operations: AccountOperations) -> threading.Lock:
        """Two threads that send from one account take turns, or they would build on the same nonce or coins."""
        turn: threading.Lock = self._turns.setdefault(operations.identity, threading.Lock())
        return turn

    def _perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        outside = [effect for effect in effects if not isinstance(effect, Sign | Local)]
        answers = iter(_answers(outside, self._connected().perform(outside)) if outside else ())
        return [
            self._sign(effect)
            if isinstance(effect, Sign)
            else _do(effect)
            if isinstance(effect, Local)
            else next(answers)
            for effect in effects
        ]

    def _sign(self, effect: Sign) -> Outcome:
        if self._signer is None:
            return SigningRefused("this wallet is watch-only")
        try:
            signatures = self._signer.sign(effect.requests)
            if inspect.isawaitable(signatures):
                if inspect.iscoroutine(signatures):
                    signatures.close()
                return SigningRefused("this signer is asynchronous: use it with an AsyncWallet")
            return _checked(self._signer, effect, signatures)
        except MultiwalletError as error:
            return error

    def _connected(self) -> Any:
        if self._transport is None:
            from .transport import HttpTransport

            self._transport = HttpTransport(self._endpoints)
        elif not hasattr(self._transport, "perform"):
            from .interop.transports import adapt

            self._transport = adapt(self._transport, self._endpoints)
            self._owns_transport = True  # it closes what it opened itself, and leaves the client alone
        if inspect.iscoroutinefunction(self._transport.perform):
            raise InputError("this transport is asynchronous: use it with an AsyncWallet")
        return self._transport


class AsyncWallet(WalletFace[AsyncAccount]):
    """As :class:`Wallet`, for an event loop. May be shared by the tasks of one loop.

    >>> import asyncio
    >>> async def main() -> str:
    ...     async with AsyncWallet.from_seed(bytes(32)) as wallet:
    ...         return await wallet.account("ethereum").sign_message("hello")
    >>> len(asyncio.run(main()))
    132
    """

    outbox: AsyncOutbox | None = None
    """What :meth:`open_outbox` opened."""

    async def portfolio(self, networks: Iterable[str | Network]) -> dict[str, Balance | MultiwalletError]:
        """As :meth:`Wallet.portfolio`."""
        return await arun(self._portfolio(networks), self._perform)

    async def balances(
        self,
        network: str | Network,
        addresses: Iterable[str],
        assets: Iterable[Asset | str | None] = (None,),
    ) -> dict[str, dict[Asset | str | None, Balance | MultiwalletError]]:
        """As :meth:`Wallet.balances`."""
        return await arun(self._balances(network, addresses, assets), self._perform)

    async def discover(
        self,
        networks: Iterable[str | Network] | None = None,
        *,
        gap: int = 5,
        account_gap: int = 1,
        assets: Mapping[str, Sequence[Asset | str]] | None = None,
        progress: Progress | None = None,
    ) -> Discovery[AsyncAccount]:
        """As :meth:`Wallet.discover`."""
        found = await arun(self._discover(networks, gap, account_gap, assets, progress), self._perform)
        return found.with_faces(self._face)

    def sign_batch(
        self,
        pairs: Iterable[tuple[AsyncAccount, Any]] | AsyncIterable[tuple[AsyncAccount, Any]],
        *,
        threads: int = 1,
    ) -> AsyncIterator[BatchResult]:
        """As :meth:`Wallet.sign_batch`, an asynchronous iterator."""
        return self._sign_stream(pairs, self._of_pair, self._sign_pair(self._sign_one), threads)

    def open_outbox(self, store: Store | str | os.PathLike[str], policy: Policy | None = None) -> AsyncOutbox:
        """As :meth:`Wallet.open_outbox`."""
        from .outbox import AsyncOutbox

        outbox = AsyncOutbox(self, self._outbox_operations(store, policy))
        self.outbox = outbox
        return outbox

    def _sign_one(self, operations: AccountOperations) -> Callable[[Any], BatchResult]:
        return sign_one(operations, self._signer, slow_path(operations, self._perform_locally))

    async def _sign_stream(
        self,
        items: Iterable[Any] | AsyncIterable[Any],
        split: Callable[[Any], tuple[AccountOperations, Any]],
        sign: Callable[[Any], BatchResult],
        threads: int,
    ) -> AsyncIterator[BatchResult]:
        if self._signer is None or isinstance(self._signer, LocalSigner):
            async for result in sign_stream(items, sign, threads=threads):
                yield result
            return
        async for item in _each(items):  # a remote signer is I/O: it is awaited, one item after the other
            try:
                operations, transaction = split(item)
                yield await arun(operations.sign(transaction), self._perform)
            except MultiwalletError as error:
                yield error
            except Exception as error:  # noqa: BLE001  # a hostile item must not end the batch
                yield unexpected(error)

    async def close(self) -> None:
        """As :meth:`Wallet.close`."""
        self._session.keychain.close()
        if self._owns_transport and self._transport is not None:
            await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _face(self, operations: AccountOperations) -> AsyncAccount:
        return AsyncAccount(self, operations)

    def _turn(self, operations: AccountOperations) -> asyncio.Lock:
        """Two tasks that send from one account take turns, or they would build on the same nonce or coins."""
        import asyncio

        turn: asyncio.Lock = self._turns.setdefault(operations.identity, asyncio.Lock())
        return turn

    async def _perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        outside = [effect for effect in effects if not isinstance(effect, Sign | Local)]
        answers: Iterator[Outcome] = iter(())
        if outside:
            transport = self._connected()
            if inspect.iscoroutinefunction(transport.perform):
                answers = iter(_answers(outside, await transport.perform(outside)))
            else:  # an embedded engine or a blocking client: keep the event loop free
                import asyncio

                answers = iter(_answers(outside, await asyncio.to_thread(transport.perform, outside)))
        return [
            await self._sign(effect)
            if isinstance(effect, Sign)
            else await _do_aside(effect)
            if isinstance(effect, Local)
            else next(answers)
            for effect in effects
        ]

    async def _sign(self, effect: Sign) -> Outcome:
        if self._signer is None:
            return SigningRefused("this wallet is watch-only")
        try:
            signatures = self._signer.sign(effect.requests)
            if inspect.isawaitable(signatures):
                signatures = await signatures
            return _checked(self._signer, effect, signatures)
        except MultiwalletError as error:
            return error

    def _perform_locally(self, effects: Sequence[Effect]) -> list[Outcome]:
        """For a batch's worker threads, where the only effect is a local signature."""
        if self._signer is None:
            return [SigningRefused("this wallet is watch-only") for _ in effects]
        return [self._signer.sign(effect.requests) for effect in effects if isinstance(effect, Sign)]

    def _connected(self) -> Any:
        if self._transport is None:
            from .transport import AsyncHttpTransport

            self._transport = AsyncHttpTransport(self._endpoints)
        elif not hasattr(self._transport, "perform"):
            from .interop.transports import adapt

            self._transport = adapt(self._transport, self._endpoints, asynchronous=True)
            self._owns_transport = True  # it closes what it opened itself, and leaves the client alone
        return self._transport


async def _each(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _do(effect: Local) -> Outcome:
    try:
        return effect.work()
    except MultiwalletError as error:
        return error


async def _do_aside(effect: Local) -> Outcome:
    """Blocking work, in a thread of its own: the event loop stays free."""
    import asyncio

    return await asyncio.to_thread(_do, effect)


def _answers(effects: Sequence[Effect], outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """What a transport gave, as long as it can be told what belongs to what."""
    if len(outcomes) == len(effects):
        return outcomes
    error = BadResponse(
        f"the transport answered {len(effects)} calls with {len(outcomes)} outcomes: none can be trusted"
    )
    return [error] * len(effects)


def _checked(signer: Signer, effect: Sign, signatures: Any) -> Outcome:
    """What a signer gave, held against what it was asked for. A local signer has checked itself."""
    if isinstance(signer, LocalSigner):
        return signatures
    if not isinstance(signatures, list | tuple) or len(signatures) != len(effect.requests):
        return SigningRefused("the signer did not return one signature for each request")
    for request, signature in zip(effect.requests, signatures, strict=True):
        if not isinstance(signature, bytes) or not verify_signature(request, signature):
            return SigningRefused("the signer returned a signature that is not right for what it was asked to sign")
    return list(signatures)
