"""The knobs of a pool, as values: when an endpoint rests, how much it may be asked, how far it may lag."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError

__all__ = ["BreakerPolicy", "LagPolicy", "RateLimit", "positive"]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When an endpoint that fails is left alone.

    ``failures`` transport failures in a row (no answer, no connection, no JSON) open the breaker. It stays open for
    ``cooldown`` seconds, shortened or lengthened at random by up to the share ``jitter``; then one request is let
    through, and its answer closes the breaker or opens it again for twice as long, up to ``longest`` seconds.

    >>> BreakerPolicy(failures=3).cooldown
    15.0
    """

    failures: int = 5
    cooldown: float = 15.0
    longest: float = 300.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if isinstance(self.failures, bool) or not isinstance(self.failures, int) or self.failures < 1:
            raise InputError("a breaker's failures are a whole number of 1 or more")
        positive("a breaker's cooldown", self.cooldown)
        positive("a breaker's longest cooldown", self.longest)
        if not isinstance(self.jitter, int | float) or not 0 <= self.jitter < 1:
            raise InputError("a breaker's jitter is a share from 0 to below 1")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much one endpoint is asked: ``rate`` calls a second on average, ``burst`` at once.

    A JSON-RPC batch counts as the calls in it, as providers count. A call waits for its turn for up to ``patience``
    seconds; one that would have to wait longer is RateLimited at once.

    >>> RateLimit(rate=10, burst=20).patience
    30.0
    """

    rate: float
    burst: int = 10
    patience: float = 30.0

    def __post_init__(self) -> None:
        positive("a rate limit's rate", self.rate)
        if isinstance(self.burst, bool) or not isinstance(self.burst, int) or self.burst < 1:
            raise InputError("a rate limit's burst is a whole number of 1 or more")
        if not isinstance(self.patience, int | float) or not 0 <= self.patience < math.inf:
            raise InputError("a rate limit's patience is in seconds, zero or more")


def _usual_lag() -> Mapping[str, int]:
    # About a minute of each; block times differ most among EVM networks, so the slowest and the fastest have their own.
    return {"evm": 30, "eip155:1": 5, "eip155:42161": 240, "bitcoin": 2, "tron": 20, "solana": 150}


@dataclass(frozen=True, slots=True)
class LagPolicy:
    """How far behind the others an endpoint may be.

    ``blocks`` is one number, or a mapping of CAIP-2 ids and families to numbers, of which the id counts more: 30 for
    ``evm`` (5 for Ethereum, 240 for Arbitrum), 2 for ``bitcoin``, 20 for ``tron``, 150 slots for ``solana``; others are
    not asked. Heights are asked every ``every`` seconds, when the pool is in use, and a read waits for them for at most
    ``patience`` seconds.

    >>> LagPolicy(blocks=3).of("eip155:1", "evm"), LagPolicy().of("eip155:1", "evm"), LagPolicy().of("eip155:56", "evm")
    (3, 5, 30)
    """

    blocks: int | Mapping[str, int] = field(default_factory=_usual_lag)
    every: float = 30.0
    patience: float = 2.0

    def __post_init__(self) -> None:
        limits: Collection[Any] = self.blocks.values() if isinstance(self.blocks, Mapping) else (self.blocks,)
        if any(isinstance(limit, bool) or not isinstance(limit, int) or limit < 0 for limit in limits):
            raise InputError("a lag is a whole number of blocks, zero or more")
        positive("the time between two looks at the height", self.every)
        positive("the patience for a height", self.patience)

    def of(self, network: str, family: str) -> int | None:
        """The blocks that an endpoint of a network may lag; None where heights do not matter."""
        if isinstance(self.blocks, Mapping):
            return self.blocks.get(network, self.blocks.get(family))
        return self.blocks


def positive(what: str, value: object) -> float:
    """A finite number above zero, or InputError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"{what} is a number above zero")
    return float(value)
