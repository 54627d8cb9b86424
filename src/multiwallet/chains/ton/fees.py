"""What an order costs its wallet: the node's estimate, and a bound from the network's price list without asking.

TON has no fee in a transaction's bytes: the network takes what gas, storage and forwarding cost when it runs.
"""

from __future__ import annotations

from typing import Any, Final

from ...amounts import Amount
from ...chain import Fee, Network
from ...codec.cell import Cell
from ...errors import BadResponse, InputError
from . import answers
from .messages import External
from .wallets import Order

__all__ = ["checked", "estimated", "offline"]

# Configuration parameters 21 and 25 (gas and forwarding in workchain 0) as they were from 2024 to 2026, in nanograms.
# They were cut to about a sixth in April 2026, so a bound that is reckoned with them has room.
_GAS: Final = 400
_LUMP: Final = 400_000
_PER_BIT: Final = 400
_PER_CELL: Final = 40_000
# Measured on the contracts themselves: the dearest is v5r1, about 5,000 gas and 1,300 for each message.
_GAS_OF_WALLET: Final = 10_000
_GAS_OF_MESSAGE: Final = 2_000
_SPARE: Final = 2_000_000
_OVERDUE: Final = 1_000_000_000  # an account that owes more storage than this has been deleted


def _forwarding(root: Cell) -> int:
    """The forwarding fee of a message: for all its different cells but the first."""
    seen: set[bytes] = set()
    waiting = list(root.refs)
    bits = 0
    while waiting:
        cell = waiting.pop()
        if cell.hash not in seen:
            seen.add(cell.hash)
            bits += cell.bits
            waiting.extend(cell.refs)
    return _LUMP + _PER_BIT * bits + _PER_CELL * len(seen)


def offline(order: Order, message: External) -> int:
    """A bound in nanograms by the prices of 2024, which were lowered since; storage is not in it."""
    gas = _GAS_OF_WALLET + _GAS_OF_MESSAGE * len(order.messages)
    return _forwarding(message.cell()) + _GAS * gas + sum(_forwarding(cell) for _, cell in order.messages)


def estimated(answer: Any, order: Order, message: External) -> int:
    """The sum of the fees in ``estimateFee``; BadResponse where it is beyond all reason."""
    call = "estimateFee"
    source = answers.nested(answers.table(answer, call), "source_fees", call)
    found = sum(answers.field(source, name, call) for name in ("in_fwd_fee", "storage_fee", "gas_fee", "fwd_fee"))
    if found > 10 * offline(order, message) + _OVERDUE:
        raise BadResponse(f"{call} says {found} nanograms, far beyond what this can cost: ask another endpoint")
    return found


def checked(network: Network, expected: int, attached: int, max_fee: Amount | None, **details: Any) -> Fee:
    """The fee of an expectation in nanograms: at most half of it more and 0.002 GRAM, and what jettons travel with.

    Raises InputError where that is above ``max_fee``.
    """
    maximum = expected + expected // 2 + _SPARE + attached
    if attached:
        details["attached"] = Amount(attached, network.native).text
    fee = Fee(Amount(expected + attached, network.native), Amount(maximum, network.native), details)
    if max_fee is not None and fee.maximum > max_fee:
        raise InputError(f"the fee can reach {fee.maximum}, more than the max_fee of {max_fee}")
    return fee
