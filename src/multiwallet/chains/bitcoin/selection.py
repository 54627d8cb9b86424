"""Which coins a transaction spends, and what comes back: pure, exact and repeatable.

Branch and bound looks for coins that need no change; a single coin and the largest coins first are the other
candidates. The one with the least *waste* wins: what its inputs cost now beyond what they would cost at a
long-term rate, plus the cost of making and later spending change, or what is given away without change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from .coins import Coin
from .fees import fee_for
from .weights import ZCASH_HEAD, fixed_weight, input_weight, output_weight

__all__ = ["MAX_WEIGHT", "Frame", "Selection", "everything", "exactly", "select"]

MAX_WEIGHT: Final = 400_000
"""The heaviest transaction that nodes relay."""

_LONG_TERM_RATE: Final = 10_000
_ACTION_FEE: Final = (
    5_000  # ZIP-317; a p2pkh input, of at most 150 bytes, is one action, and so are 34 bytes of outputs
)
_ACTION_INPUT: Final = 150
_ACTION_OUTPUT: Final = 34
_TRIES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Frame:
    """What of a transaction does not depend on the coins chosen.

    ``kind`` is the kind of every input, ``outputs`` the scripts that are paid, ``change`` the script for
    change, ``dust`` the least that change may be, ``rate`` the fee rate. With ``conventional`` the fee is Zcash's
    (ZIP-317) and the rate does not count.
    """

    kind: str
    outputs: tuple[bytes, ...]
    change: bytes
    dust: int
    rate: int
    compressed: bool = True
    conventional: bool = False

    @property
    def input_weight(self) -> int:
        """What one input adds. Without any witness in the transaction there is no empty stack to count."""
        return input_weight(self.kind, compressed=self.compressed) - (self.kind == "p2pkh")

    def weight(self, inputs: int, *, change: bool = False) -> int:
        """The most that the signed transaction weighs."""
        count = len(self.outputs) + change
        total = inputs * self.input_weight + fixed_weight(inputs, count) - 2 * (self.kind == "p2pkh")
        total += 4 * ZCASH_HEAD * self.conventional
        return total + sum(map(output_weight, self.outputs)) + (output_weight(self.change) if change else 0)

    def fee(self, inputs: int, *, change: bool = False) -> int:
        """The fee at :attr:`rate`, or the conventional one: 5,000 for each action, and for two at least."""
        if self.conventional:
            scripts = (*self.outputs, self.change) if change else self.outputs
            spent = inputs if self.compressed else -(-inputs * self.input_weight // (4 * _ACTION_INPUT))
            return _ACTION_FEE * max(2, spent, -(-sum(map(output_weight, scripts)) // (4 * _ACTION_OUTPUT)))
        return fee_for(self.weight(inputs, change=change), self.rate)

    @property
    def most_inputs(self) -> int:
        """How many inputs a transaction with change can have at most."""
        many = 10_000  # more than fit, so that their count has its longest form
        rest = self.weight(many, change=True) - many * self.input_weight
        return max((MAX_WEIGHT - rest) // self.input_weight, 0)

    @property
    def input_cost(self) -> int:
        """What an input costs now, rounded up: a coin worth no more is not worth spending."""
        if self.conventional:
            return _ACTION_FEE
        return -(-self.input_weight * self.rate // 4000)


@dataclass(frozen=True, slots=True)
class Selection:
    """The coins to spend, the change (0: no change output) and the fee; together with the payments they add up."""

    coins: tuple[Coin, ...]
    change: int
    fee: int


def select(coins: Sequence[Coin], target: int, frame: Frame) -> Selection | None:
    """The coins that pay ``target`` and the fee with the least waste, or None when they do not suffice.

    Coins that cost more to spend than they are worth are left out. The same coins, in whatever order, give
    the same selection.
    """
    cost = frame.input_cost
    worth = [coin for coin in coins if coin.amount > cost]
    worth.sort(key=lambda coin: (-coin.amount, coin.outpoint))
    candidates = [
        None if frame.conventional else _without_change(worth, target, frame),
        _one_coin(worth, target, frame),
        _largest_first(worth, target, frame),
    ]
    found = [selection for selection in candidates if selection is not None]
    return min(found, key=lambda selection: _waste(selection, target, frame), default=None)


def exactly(coins: Sequence[Coin], target: int, frame: Frame) -> Selection | None:
    """All of these coins and no other, or None when they do not suffice."""
    return _finish(tuple(coins), sum(coin.amount for coin in coins), target, frame)


def everything(coins: Sequence[Coin], frame: Frame, *, all_of_them: bool = False) -> tuple[Selection, int]:
    """Spend every coin that is worth more than it costs (or ``all_of_them``) to one output.

    Returns the selection and the amount of that output, which is negative when the coins do not pay the fee.
    """
    cost = frame.input_cost
    chosen = tuple(coin for coin in coins if all_of_them or coin.amount > cost)
    fee = frame.fee(len(chosen))
    return Selection(chosen, 0, fee), sum(coin.amount for coin in chosen) - fee


def _finish(coins: tuple[Coin, ...], total: int, target: int, frame: Frame) -> Selection | None:
    excess = total - target
    if not coins or excess < frame.fee(len(coins)):
        return None
    change = excess - frame.fee(len(coins), change=True)
    if change >= max(frame.dust, 1):
        return Selection(coins, change, excess - change)
    return Selection(coins, 0, excess)


def _one_coin(worth: list[Coin], target: int, frame: Frame) -> Selection | None:
    """The smallest coin that suffices alone."""
    for coin in reversed(worth):
        selection = _finish((coin,), coin.amount, target, frame)
        if selection is not None:
            return selection
    return None


def _largest_first(worth: list[Coin], target: int, frame: Frame) -> Selection | None:
    for count, total in enumerate(accumulate(coin.amount for coin in worth[: frame.most_inputs]), 1):
        if total - target >= frame.fee(count):
            return _finish(tuple(worth[:count]), total, target, frame)
    return None


def _change_cost(frame: Frame) -> int:
    """What change costs: its output now, and an input later."""
    output = -(-output_weight(frame.change) * frame.rate // 4000)
    return output + frame.input_weight * min(frame.rate, _LONG_TERM_RATE) // 4000


def _waste(selection: Selection, target: int, frame: Frame) -> int:
    if frame.conventional:
        return selection.fee
    extra = len(selection.coins) * frame.input_weight * (frame.rate - _LONG_TERM_RATE) // 4000
    if selection.change:
        return extra + _change_cost(frame)
    return extra + sum(coin.amount for coin in selection.coins) - target - frame.fee(len(selection.coins))


def _without_change(worth: list[Coin], target: int, frame: Frame) -> Selection | None:
    """Branch and bound, depth first, with a bounded number of steps: coins that match the target almost exactly."""
    values = [coin.amount - frame.input_cost for coin in worth]
    # The fee of all that is no input, with room for the rounding and for a longer count of inputs.
    goal = target + fee_for(frame.weight(len(worth)) - len(worth) * frame.input_weight + 4, frame.rate)
    room = _change_cost(frame)
    step_cost = frame.input_weight * (frame.rate - _LONG_TERM_RATE) // 4000
    left, most = sum(values), frame.most_inputs
    if left < goal:
        return None
    chosen: list[int] = []
    best: list[int] | None = None
    least = total = index = 0
    for _ in range(_TRIES):
        waste = len(chosen) * step_cost + total - goal
        backtrack = total + left < goal or total > goal + room or len(chosen) > most
        if not backtrack and best is not None and step_cost > 0 and waste > least:
            backtrack = True  # every further input makes it worse
        if not backtrack and total >= goal:
            if best is None or waste < least:
                best, least = chosen.copy(), waste
            backtrack = True
        if backtrack:
            if not chosen:
                break
            index -= 1
            while index > chosen[-1]:
                left += values[index]
                index -= 1
            total -= values[chosen.pop()]
        else:
            left -= values[index]
            # A coin worth as much as the one just left out would only repeat that search.
            if not chosen or index - 1 == chosen[-1] or values[index] != values[index - 1]:
                chosen.append(index)
                total += values[index]
        index += 1
    if best is None:
        return None
    coins = tuple(worth[position] for position in best)
    excess = sum(coin.amount for coin in coins) - target
    return Selection(coins, 0, excess) if excess >= frame.fee(len(coins)) else None
