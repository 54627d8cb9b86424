"""The store: what an outbox must not forget, in SQLite or PostgreSQL.

Needs the extra ``store`` (and ``postgres`` for PostgreSQL). Nothing is loaded before a :class:`Store` is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .records import Attempt, Outgoing, Purpose, State
    from .store import Store

__all__ = ["Attempt", "Outgoing", "Purpose", "State", "Store"]


def __getattr__(name: str) -> object:
    if name == "Store":
        from .store import Store

        return Store
    if name in __all__:
        from . import records

        return getattr(records, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
