"""Payouts: thousands of payments from a file, planned, signed offline, sent once each, and reported.

The four steps are functions over files and a store, so that each can run on another machine, be interrupted and be
run again. See ``docs/batches.md``.

>>> from multiwallet.payouts import plan, sign, send, status, report
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .planning import Planned, account_for, plan
    from .reporting import BatchStatus, report, status
    from .sending import Sent, send
    from .signing import Signed, sign
    from .table import Line, LineError, read_table

__all__ = [
    "BatchStatus",
    "Line",
    "LineError",
    "Planned",
    "Sent",
    "Signed",
    "account_for",
    "plan",
    "read_table",
    "report",
    "send",
    "sign",
    "status",
]

_WHERE = {
    "BatchStatus": "reporting",
    "Line": "table",
    "LineError": "table",
    "Planned": "planning",
    "Sent": "sending",
    "Signed": "signing",
    "account_for": "planning",
    "plan": "planning",
    "read_table": "table",
    "report": "reporting",
    "send": "sending",
    "sign": "signing",
    "status": "reporting",
}


def __getattr__(name: str) -> object:
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
