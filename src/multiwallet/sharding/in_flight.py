"""Shards in flight: handed to an executor a few ahead, taken back in order, called off when nobody wants them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from ..errors import InputError, MultiwalletError

__all__ = ["LARGEST_SHARD", "Shard", "check_count", "check_executor", "chunks", "in_order"]

R = TypeVar("R")
T = TypeVar("T")

LARGEST_SHARD: Final = 1_000_000


class Shard(NamedTuple):
    """A part of the work: the number of its first item, and what the worker's function is called with."""

    first: int
    arguments: tuple[Any, ...]
    kept: Any = None
    """What stays here until the result is back."""


def check_count(name: str, value: object, *, least: int, most: int) -> int:
    """A whole number within bounds; InputError else."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} is a whole number from {least} to {most}")
    return value


def check_executor(executor: object) -> None:
    """InputError for what can take no work."""
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InputError(
            "executor is a concurrent.futures executor: threads, processes, or Dask's client.get_executor()"
        )


def chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items. Where the source breaks, what it gave before comes first and then its error."""
    while True:
        chunk: list[T] = []
        try:
            for item in islice(items, size):
                chunk.append(item)  # one by one: what came before an error counts
        except Exception:
            if chunk:
                yield chunk
            raise
        if not chunk:
            return
        yield chunk


def in_order(
    executor: Executor | None, work: Callable[..., R], shards: Iterable[Shard], ahead: int | None
) -> Generator[tuple[Shard, R], None, None]:
    """Run ``work`` over shards, at most ``ahead`` at a time; yield each with its result, in order.

    A shard counts whole or not at all. Its MultiwalletError is raised as it is; a worker that ended, an executor that
    was shut down or an error that nobody foresaw is a MultiwalletError that says where to go on. Closing the generator
    cancels what was not begun, and leaves an executor that was given as it is.
    """
    source = iter(shards)
    limit = 2 * (os.cpu_count() or 1) if ahead is None else ahead
    waiting: deque[tuple[Shard, Future[R]]] = deque()
    broken: Exception | None = None
    ended = False
    with ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(ThreadPoolExecutor(thread_name_prefix="multiwallet-shard"))
        try:
            while True:
                while not ended and len(waiting) < limit:
                    try:
                        shard = next(source)
                    except StopIteration:
                        ended = True
                        break
                    except Exception as error:  # noqa: BLE001  # of the source: raised once all before it are delivered
                        ended, broken = True, error
                        break
                    try:
                        waiting.append((shard, executor.submit(work, *shard.arguments)))
                    except Exception as error:  # noqa: BLE001  # of the executor: broken, shut down, not connected
                        ended, broken = True, _lost(shard, error)
                if not waiting:
                    if broken is not None:
                        raise broken
                    return
                shard, future = waiting.popleft()
                yield shard, _result(shard, future)
        finally:
            for _, future in waiting:
                future.cancel()


def _result(shard: Shard, future: Future[R]) -> R:
    try:
        return future.result()
    except MultiwalletError:
        raise
    except (Exception, CancelledError) as error:
        raise _lost(shard, error) from error
    except BaseException:  # an interrupt: this shard was taken from the queue, and is to be called off as well
        future.cancel()
        raise


def _lost(shard: Shard, error: Exception) -> MultiwalletError:
    kind = type(error).__name__  # its text may hold anything, and has been seen by nobody
    if isinstance(error, BrokenExecutor) or kind == "KilledWorker":
        what = "a worker of the executor died"
    elif isinstance(error, CancelledError):
        what = "the executor cancelled the work, or has lost its workers"
    elif isinstance(error, RuntimeError):
        what = "the executor takes no more work"
    else:
        what = "a worker could not do its part"
    lost = MultiwalletError(
        f"{what} ({kind}): all before item {shard.first} has been delivered, and nothing from there on; "
        f"begin again with item {shard.first}"
    )
    lost.__cause__ = error
    return lost
