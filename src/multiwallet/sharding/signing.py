"""Signing a batch on many workers, each of which opens its own key: no secret ever travels."""

from __future__ import annotations

import atexit
import os
import pickle  # carries functions by name and items between processes of one user, as executors themselves do
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

from .. import errors
from ..account import Account
from ..batch import BatchResult
from ..errors import InputError, InvalidTransaction, MultiwalletError, SigningRefused
from .in_flight import LARGEST_SHARD, Shard, check_count, check_executor, chunks, in_order

__all__ = ["close_accounts", "sign_sharded"]


def sign_sharded(
    open_account: Callable[[], Account],
    items: Iterable[Any],
    *,
    executor: Executor | None = None,
    shard: int = 1000,
    ahead: int | None = None,
) -> Iterator[BatchResult]:
    """As :meth:`Account.sign_batch`, by the workers of an executor: lazy, in order, in constant memory.

    ``open_account`` takes no arguments and returns the :class:`~multiwallet.account.Account` that signs. Every worker
    process calls it once and keeps the account until it ends (:func:`close_accounts`), so that each opens its own key:
    from a vault, a key file, its environment. What travels is ``open_account`` itself, pickled: a function of a module,
    or ``functools.partial`` of one with arguments that are no secrets. Items travel as well (what
    :meth:`Account.sign` takes), and signed transactions come back.

    ``executor`` is any ``concurrent.futures.Executor`` (threads of this process where it is None), ``shard`` how many
    items go to a worker at a time, and ``ahead`` how many shards are in flight at most: twice the processors of this
    machine unless you say otherwise; for a cluster say twice its workers.

    Yields a ``SignedTransaction`` for each item, or the ``MultiwalletError`` in its place. The first signature of each
    shard and every 256th is verified. Raises InputError for wrong arguments; while iterating the error of
    ``open_account``, SigningRefused where two workers opened different accounts, and MultiwalletError for a worker that
    died, which says with which item to begin again. A shard is delivered whole or not at all. Closing the iterator
    cancels what was not begun.
    """
    check_count("shard", shard, least=1, most=LARGEST_SHARD)
    if ahead is not None:
        check_count("ahead", ahead, least=1, most=LARGEST_SHARD)
    check_executor(executor)
    if not callable(open_account):
        raise InputError("open_account is a function without arguments that opens the account which signs")
    try:
        opener = pickle.dumps(open_account)
    except Exception as error:  # noqa: BLE001  # pickle raises what the object raises
        raise InputError(
            "open_account cannot be sent to a worker: make it a function of a module (no lambda, nothing that holds a "
            f"wallet or a secret), or functools.partial of one ({type(error).__name__})"
        ) from None
    return _signed(opener, iter(items), executor, shard, ahead)


def _signed(
    opener: bytes, items: Iterator[Any], executor: Executor | None, size: int, ahead: int | None
) -> Iterator[BatchResult]:
    signer = ""
    with closing(in_order(executor, sign_shard, _shards(opener, items, size), ahead)) as parts:
        for part, (account, answer) in parts:
            chunk, refused = part.kept
            if answer is None:  # an item of it cannot be read at the other end: each for itself, then
                apart = [Shard(part.first, (opener, [pickle.dumps(item) for item in chunk]))]
                ((_, (account, answer)),) = in_order(executor, sign_shard, apart, 1)
            signer = signer or account
            if account != signer:
                raise SigningRefused(
                    f"two workers opened different accounts, {signer} and {account}: nothing from item {part.first} on was "
                    "delivered; make every worker open the same key"
                )
            results = iter(_loaded(part, answer))
            for number in range(len(chunk) + len(refused)):
                yield refused[number] if number in refused else next(results)


def _shards(opener: bytes, items: Iterator[Any], size: int) -> Iterator[Shard]:
    first = 0
    for chunk in chunks(items, size):
        refused: dict[int, MultiwalletError] = {}
        try:
            payload = pickle.dumps(chunk)
        except Exception:  # noqa: BLE001  # some item cannot travel: find out which
            good = []
            for number, item in enumerate(chunk):
                try:
                    pickle.dumps(item)
                    good.append(item)
                except Exception as error:  # noqa: BLE001  # it gets its error, and the others go on
                    refused[number] = _immovable(error)
            total, chunk = len(chunk), good
            payload = pickle.dumps(good)
        else:
            total = len(chunk)
        yield Shard(first, (opener, payload), (chunk, refused))
        first += total


def _loaded(part: Shard, answer: bytes | None) -> Sequence[BatchResult]:
    chunk, _ = part.kept
    results = None if answer is None else pickle.loads(answer)  # noqa: S301  # written by sign_shard, our own function
    if not isinstance(results, list) or len(results) != len(chunk):
        raise MultiwalletError(
            f"a worker answered the {len(chunk)} items from {part.first} on with something else: "
            "all workers need the same release of this library"
        )
    return results


def _immovable(error: Exception) -> InvalidTransaction:
    return InvalidTransaction(f"this item cannot be sent to a worker ({type(error).__name__}): give plain values")


# -- in the worker ------------------------------------------------------------------------------------

_opened: dict[bytes, Account] = {}
_lock = threading.Lock()


def sign_shard(opener: bytes, payload: bytes | list[bytes]) -> tuple[str, bytes | None]:
    """A worker's part: the id of the account that signed, and the results, pickled.

    ``payload`` is a pickled list of items, or a list of pickled items. None instead of results: the list cannot be
    read here, so the items are wanted one by one.
    """
    account = _account(opener)
    results: list[BatchResult]
    if isinstance(payload, bytes):
        try:
            items = pickle.loads(payload)  # noqa: S301  # written by _shards of the process that we work for
        except Exception:  # noqa: BLE001  # whatever an item does when it is put together again
            return account.id, None
        results = list(account.sign_batch(items))
    else:
        results = []
        for one in payload:
            try:
                item = pickle.loads(one)  # noqa: S301  # as above
            except Exception as error:  # noqa: BLE001  # as above
                results.append(_immovable(error))
            else:
                results += account.sign_batch([item])
    return account.id, pickle.dumps([_portable(r) if isinstance(r, MultiwalletError) else r for r in results])


def _portable(error: MultiwalletError) -> MultiwalletError:
    """An error that any process of this library can read: of the tree's own classes, and without its cause."""
    if getattr(errors, type(error).__name__, None) is type(error):
        return error
    parents = (kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind)
    parent: type[MultiwalletError] = next(parents)  # MultiwalletError at the latest
    return parent(error.message)


def _account(opener: bytes) -> Account:
    with _lock:  # a vault takes a second to open: threads of one process wait for the first of them
        account = _opened.get(opener)
        if account is None:
            try:
                account = pickle.loads(opener)()  # noqa: S301  # written by sign_sharded of the process that we work for
            except MultiwalletError:
                raise
            except Exception as error:  # noqa: BLE001  # not even its text travels: it may be of a key, badly written
                raise SigningRefused(f"a worker could not open its account ({type(error).__name__})") from None
            if not isinstance(account, Account):
                raise InputError(
                    f"open_account returned a {type(account).__name__}: it has to return an Account, such as "
                    "wallet.account(...) of a Wallet"
                )
            _opened[opener] = account
    return account


def close_accounts() -> None:
    """Close the wallets that :func:`sign_sharded` opened in this process, and wipe their keys.

    It happens by itself when the process ends. Call it where threads of a lasting process have signed.
    """
    with _lock:
        accounts = list(_opened.values())
        _opened.clear()
    for account in accounts:
        account._wallet.close()


def _begin_anew() -> None:
    """A forked process has a copy of the lock, which may be locked for ever, and of keys that others opened."""
    global _lock  # noqa: PLW0603  # the one state of a process, made anew for a new process
    _lock = threading.Lock()
    _opened.clear()


atexit.register(close_accounts)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
