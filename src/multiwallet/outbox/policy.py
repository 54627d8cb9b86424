"""When to look again, when to pay more, when to call it done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..amounts import Amount
from ..errors import InputError

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How an outbox drives its payments. Times are in seconds.

    A payment is done once its transaction has ``confirmations`` or the chain calls it final; that deep a block is
    taken not to be undone. ``poll`` is the pause between two looks at a transaction that waits, ``retry`` the first
    pause after a refusal (it doubles up to five minutes). After ``bump_after`` without inclusion a transaction is
    replaced by one with a higher fee, at most ``bumps`` times and never above ``max_fee`` (by network name or id, in
    its coin); None never bumps. ``gap_after`` is how long a refused transaction may hold up those with higher nonces
    before its place is taken by one that pays nothing. ``attempts`` is how often a payment is signed anew at most.
    ``speed`` is that of replacements.
    """

    confirmations: int = 1
    poll: float = 2.0
    retry: float = 5.0
    bump_after: float | None = 600.0
    bumps: int = 5
    gap_after: float = 120.0
    attempts: int = 20
    speed: str = "fast"
    max_fee: Mapping[str, str | Amount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("confirmations", "bumps", "attempts"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < (name != "bumps"):
                raise InputError(f"{name} is a whole number, {'zero' if name == 'bumps' else 'one'} or more")
        for name in ("poll", "retry", "bump_after", "gap_after"):
            value = getattr(self, name)
            if value is None and name == "bump_after":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise InputError(f"{name} is a number of seconds, zero or more")

    @property
    def longest_pause(self) -> float:
        """The longest pause after a refusal; none where ``retry`` is zero."""
        return 300.0 if self.retry else 0.0

    def backoff(self, failures: int) -> float:
        """The pause after so many refusals in a row."""
        return float(min(self.retry * 2 ** min(failures, 10), 300.0))
