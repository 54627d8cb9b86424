"""The worker task: drives every payment of the store to its end, whoever began it."""

from __future__ import annotations

import asyncio
import logging

from multiwallet.errors import MultiwalletError
from multiwallet.outbox import AsyncOutbox

from .metrics import Metrics

__all__ = ["reconcile"]

_log = logging.getLogger("payments_backend.reconciler")
_LONGEST = 30.0


async def reconcile(outbox: AsyncOutbox, stop: asyncio.Event, metrics: Metrics) -> None:
    """Run the outbox until ``stop`` is set. A database that is away for a while is waited for.

    An error that the library does not raise on purpose ends the task: /health then says so, and whatever keeps
    processes alive starts a new one.
    """
    pause = 1.0
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await outbox.run(stop=stop)
        except MultiwalletError as error:
            metrics("payments.reconciler.failed", 1, {"code": error.code})
            _log.warning("looking after payments failed (%s): %s", error.code, error.message)
            ran = asyncio.get_running_loop().time() - started
            pause = 1.0 if ran > _LONGEST else min(pause * 2, _LONGEST)
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue
