"""Signing many transactions: lazy, in order, in constant memory, on one thread or several."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from time import perf_counter
from typing import Any, Final, TypeAlias, TypeVar

from .errors import InputError, InvalidTransaction, MultiwalletError, SigningRefused
from .operations import AccountOperations
from .ops import run
from .signer import LocalSigner, verify_signature
from .transactions import Digest, SignedTransaction, SigningRequest

__all__ = ["BatchResult", "sign_each", "sign_one", "sign_stream", "slow_path", "unexpected"]

BatchResult: TypeAlias = SignedTransaction | MultiwalletError
"""What a batch yields for an item: the signed transaction, or the error in its place."""

T = TypeVar("T")

_TARGET_SECONDS: Final = 0.05  # a chunk long enough that handing it to a thread costs nothing
_LARGEST_CHUNK: Final = 4096
_SAMPLE: Final = 256  # every so many signatures of the hot path one is verified


def sign_one(
    account: AccountOperations, signer: Any, slow: Callable[[Any], SignedTransaction]
) -> Callable[[Any], BatchResult]:
    """A function that signs one item for an account and never raises for a bad one.

    With a :class:`~multiwallet.signer.LocalSigner` and a family that has a hot path, an item costs its
    signature and little more; the first signature and every 256th is verified. Anything else takes the
    careful way, ``slow``.
    """

    def carefully(item: Any) -> BatchResult:
        try:
            return slow(item)
        except MultiwalletError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a hostile item must not end the batch: its error takes its place
            return unexpected(error)

    plan = account.chain.batch(account.holder) if isinstance(signer, LocalSigner) and account.session.can_sign else None
    if plan is None:
        return carefully
    holder = account.holder
    prepare, seal, scheme = plan.prepare, plan.seal, plan.scheme
    try:
        sign = signer.digest_signer(scheme, holder.path, holder.public_key)
    except MultiwalletError:
        return carefully  # which says the same of each item
    countdown = 1

    def quickly(item: Any) -> BatchResult:
        nonlocal countdown
        try:
            prepared = prepare(item)
            if prepared is None:
                return carefully(item)
            state, message = prepared
            signature = sign(message)
            countdown -= 1  # threads may race for it: a sample need not be exact
            if countdown <= 0:
                request = SigningRequest(scheme, Digest.NONE, message, holder.public_key)
                if not verify_signature(request, signature[:64] if len(signature) > 65 else signature):
                    raise SigningRefused("a signature failed its own check: this machine may be faulty")
                countdown = _SAMPLE  # only now: after a failure each one is checked until one is right
            return seal(state, signature)
        except MultiwalletError as error:
            return error
        except Exception as error:  # noqa: BLE001  # as above
            return unexpected(error)

    return quickly


def slow_path(account: AccountOperations, perform: Callable[..., Any]) -> Callable[[Any], SignedTransaction]:
    """The careful way: adopt, authorize, sign, assemble."""
    return lambda item: run(account.sign(item), perform)


def sign_each(items: Iterable[T], sign: Callable[[T], BatchResult], *, threads: int = 1) -> Iterator[BatchResult]:
    """Sign items lazily and in order. With one thread each result is made when it is asked for.

    With more, chunks of about 50 ms are signed ahead, at most two for each thread, so memory stays
    constant whatever the length of ``items``.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError("threads is a whole number, one or more")
    if threads == 1:
        return (sign(item) for item in items)
    return _threaded(iter(items), sign, threads)


def _threaded(items: Iterator[T], sign: Callable[[T], BatchResult], threads: int) -> Iterator[BatchResult]:
    from concurrent.futures import Future, ThreadPoolExecutor

    def work(chunk: list[T]) -> tuple[list[BatchResult], float]:
        start = perf_counter()
        results = [sign(item) for item in chunk]
        return results, (perf_counter() - start) / len(chunk)

    size = 16
    broken: Exception | None = None
    waiting: deque[Future[tuple[list[BatchResult], float]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="multiwallet-sign") as pool:
        try:
            while True:
                while len(waiting) < 2 * threads and broken is None:
                    chunk: list[T] = []
                    try:
                        for item in islice(items, size):
                            chunk.append(item)  # one by one: what came before an error counts
                    except Exception as error:  # noqa: BLE001  # of the source: raised once all before it are delivered
                        broken = error
                    if not chunk:
                        break
                    waiting.append(pool.submit(work, chunk))
                if not waiting:
                    if broken is not None:
                        raise broken
                    return
                results, each = waiting.popleft().result()
                size = max(1, min(_LARGEST_CHUNK, int(_TARGET_SECONDS / each) if each else _LARGEST_CHUNK))
                yield from results
        finally:
            for future in waiting:
                future.cancel()


async def sign_stream(
    items: Iterable[T] | AsyncIterable[T], sign: Callable[[T], BatchResult], *, threads: int = 1
) -> AsyncIterator[BatchResult]:
    """As :func:`sign_each` for an event loop: chunks are signed in worker threads, so the loop stays free."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError("threads is a whole number, one or more")
    loop = asyncio.get_running_loop()
    size = 16
    source = items.__aiter__() if isinstance(items, AsyncIterable) else None
    plain = None if isinstance(items, AsyncIterable) else iter(items)
    waiting: deque[asyncio.Future[tuple[list[BatchResult], float]]] = deque()

    def work(chunk: list[T]) -> tuple[list[BatchResult], float]:
        start = perf_counter()
        results = [sign(item) for item in chunk]
        return results, (perf_counter() - start) / len(chunk)

    broken: Exception | None = None

    async def next_chunk() -> list[T]:
        nonlocal broken
        chunk: list[T] = []
        try:
            if plain is not None:
                for item in islice(plain, size):
                    chunk.append(item)  # one by one: what came before an error counts
                return chunk
            assert source is not None  # one of the two is set above
            async for item in source:
                chunk.append(item)
                if len(chunk) >= size:
                    break
        except Exception as error:  # noqa: BLE001  # of the source: raised once all before it are delivered
            broken = error
        return chunk

    with ThreadPoolExecutor(threads, thread_name_prefix="multiwallet-sign") as pool:
        try:
            done = False
            while True:
                while not done and len(waiting) < 2 * threads:
                    chunk = await next_chunk()
                    done = not chunk or broken is not None
                    if chunk:
                        waiting.append(loop.run_in_executor(pool, work, chunk))
                if not waiting:
                    if broken is not None:
                        raise broken
                    return
                results, each = await waiting.popleft()
                size = max(1, min(_LARGEST_CHUNK, int(_TARGET_SECONDS / each) if each else _LARGEST_CHUNK))
                for result in results:
                    yield result
        finally:
            for future in waiting:
                future.cancel()


def unexpected(error: Exception) -> InvalidTransaction:
    """The error that takes the place of an item which broke in a way nobody foresaw."""
    wrapped = InvalidTransaction(f"this item is no transaction: {type(error).__name__}: {str(error)[:200]}")
    wrapped.__cause__ = error
    return wrapped
