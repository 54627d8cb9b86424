"""Fee rates: what a caller states, what the network asks for. All are whole units for 1,000 virtual bytes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from ...chain import Network
from ...errors import BadResponse, InputError
from ...ops import Op
from .rules import rules_of
from .sources import source_of
from .weights import DUST_RELAY_RATE, dust_limit, vsize

__all__ = ["TARGETS", "dust_relay_rate", "estimate", "fee_for", "least_output", "parse_rate"]

TARGETS: Final = {"slow": 144, "normal": 6, "fast": 2}
"""Within how many blocks a transaction of each speed is meant to be included."""

_RATE: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,3}))?", re.ASCII)
_ABSURD_RATE: Final = 1000


def fee_for(weight: int, rate: int) -> int:
    """The fee of a transaction of this weight, rounded up to a whole unit.

    >>> fee_for(561, 2500)
    353
    """
    return -(-vsize(weight) * rate // 1000)


def parse_rate(value: Any) -> int:
    """A rate as callers write it, in sat/vB: a whole number, or text with at most three decimals.

    >>> parse_rate(3), parse_rate("2.5")
    (3000, 2500)
    """
    if isinstance(value, float):
        raise TypeError('write a fee rate as a whole number or as text, like "2.5", not as a float')
    if isinstance(value, Decimal):
        value = format(value, "f")
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 <= value < 10**9 else ""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InputError('fee_rate is in sat/vB: a whole number, or text with at most three decimals, like "2.5"')
    rate = int(match[1] + (match[2] or "").ljust(3, "0"))
    if not rate:
        raise InputError("fee_rate is zero: no node relays a transaction without a fee")
    return rate


def estimate(network: Network, speed: str) -> Op[int]:
    """The rate for a speed as the source knows it, and never less than what its node relays.

    Where the source has no data (a quiet or new network) it is the least that is relayed, which is 1 sat/vB
    unless the node or the row's ``min_relay_rate`` says otherwise. A rate above the row's ``absurd_fee_rate``
    (sat/vB, 1,000 by default) is a BadResponse: nobody should pay what a broken server makes up.
    """
    estimated, minimum = yield from source_of(network).rates(network, TARGETS[speed])
    rate = max(estimated or 0, minimum, rules_of(network).least_rate)
    limit = network.params.get("absurd_fee_rate", _ABSURD_RATE)
    if rate > limit * 1000:
        raise BadResponse(
            f"the endpoint asks for {rate // 1000} sat/vB, more than {limit}: state fee_rate= yourself if that is right"
        )
    return rate


def dust_relay_rate(network: Network) -> int:
    """What the network's nodes reckon dust with."""
    rate = network.params.get("dust_relay_rate", DUST_RELAY_RATE)
    return rate if isinstance(rate, int) else DUST_RELAY_RATE


def least_output(network: Network, script: bytes) -> int:
    """The least amount that the network's nodes relay in an output with this script."""
    least = dust_limit(script, dust_relay_rate(network))
    return least if script[:1] == b"\x6a" else max(least, rules_of(network).dust)
