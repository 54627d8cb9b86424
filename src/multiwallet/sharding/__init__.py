"""One batch on many workers: addresses and signatures by any ``concurrent.futures.Executor``.

Threads, processes, or a cluster (Dask's ``Client.get_executor()``): the executor is yours, and nothing here schedules.
Work is cut into shards, results come back in order, and only a few shards are in flight, so memory stays constant. See
``docs/scaling.md``.

>>> from multiwallet.sharding import derive_addresses, sign_sharded
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .derivation import derive_addresses
    from .signing import close_accounts, sign_sharded

__all__ = ["close_accounts", "derive_addresses", "sign_sharded"]

_WHERE = {"close_accounts": "signing", "derive_addresses": "derivation", "sign_sharded": "signing"}


def __getattr__(name: str) -> object:
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
