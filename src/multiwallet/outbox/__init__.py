"""The outbox: payments that are made once, whatever happens. See ``docs/reliability.md``."""

from __future__ import annotations

from .outbox import AsyncOutbox, Outbox
from .policy import Policy

__all__ = ["AsyncOutbox", "Outbox", "Policy"]
