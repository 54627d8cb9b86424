"""What /health tells to anybody: whether this worker can do its work, and nothing about whom it asks or pays."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any, Final

from multiwallet import AsyncEndpointPool

from .payments import Payments

__all__ = ["Health"]

_KEPT: Final = 1.0  # seconds: a flood of questions is one question to the database


class Health:
    """Looks at the store, the reconciler's task and the endpoint pool, at most once a second."""

    def __init__(self, payments: Payments, pool: AsyncEndpointPool, worker: asyncio.Task[None]) -> None:
        self._payments = payments
        self._pool = pool
        self._worker = worker
        self._lock = asyncio.Lock()
        self._known: tuple[bool, dict[str, Any]] | None = None
        self._until = 0.0

    async def look(self) -> tuple[bool, dict[str, Any]]:
        """Whether the worker should get requests, and the details.

        Endpoints that are down make it "degraded" and not unfit: another worker would ask the same ones.
        """
        async with self._lock:
            if self._known is None or time.monotonic() >= self._until:
                self._known = await self._look()
                self._until = time.monotonic() + _KEPT
            return self._known

    async def _look(self) -> tuple[bool, dict[str, Any]]:
        store, reconciler = await self._payments.is_readable(), not self._worker.done()
        endpoints: dict[str, dict[str, int]] = defaultdict(lambda: {"usable": 0, "known": 0})
        for row in self._pool.health():
            endpoints[row.network]["known"] += 1
            endpoints[row.network]["usable"] += not row.put_out and row.breaker != "open"
        reached = all(counted["usable"] for counted in endpoints.values())
        well = store and reconciler
        return well, {
            "status": "ok" if well and reached else "degraded" if well else "unfit",
            "store": "ok" if store else "unreachable",
            "reconciler": "running" if reconciler else "ended",
            "endpoints": dict(endpoints),
        }
