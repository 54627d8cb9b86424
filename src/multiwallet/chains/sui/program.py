"""Writing a programmable transaction: inputs, each once, and the commands that pay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ...chain import Payment
from ...codec import bcs
from . import addresses
from .answers import Coin
from .commands import GAS_COIN, Argument, Command, input_, result
from .transaction import Input
from .type_tags import TypeTag

__all__ = ["Program"]

_MOST_MERGED: Final = 500  # of the 511 arguments that one command takes


class Program:
    """Inputs and commands as they come together."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.commands: list[Command] = []
        self._pure: dict[bytes, Argument] = {}

    def pure(self, data: bytes) -> Argument:
        """An input of plain bytes; equal ones are one input."""
        if data not in self._pure:
            self._pure[data] = self._add(Input("pure", data))
        return self._pure[data]

    def _add(self, item: Input) -> Argument:
        self.inputs.append(item)
        return input_(len(self.inputs) - 1)

    def coin(self, coin: Coin) -> Argument:
        """An input that is a coin."""
        return self._add(Input("owned", ref=coin.ref))

    def merge(self, into: Argument, coins: Iterable[Coin]) -> None:
        """Merge coins into one, as many commands as it takes."""
        sources = [self.coin(coin) for coin in coins]
        for start in range(0, len(sources), _MOST_MERGED):
            self.commands.append(Command("MergeCoins", tuple(sources[start : start + _MOST_MERGED]), into))

    def state_type(self, coin: Argument, tag: TypeTag) -> None:
        """Call ``0x2::coin::value`` of a coin type: the bytes then say which coin it is, and the chain checks it."""
        self.commands.append(
            Command("MoveCall", (coin,), None, addresses.FRAMEWORK, "coin", "value", (tag,)),
        )

    def pay(self, coin: Argument, payments: list[Payment]) -> None:
        """Split amounts off a coin and hand them over, all of one recipient together; or all of it for "max"."""
        if payments[0].everything:
            self._transfer([coin], payments[0].to)
            return
        amounts = tuple(self.pure(bcs.encode_uint(payment.amount.units, 8)) for payment in payments)
        place = len(self.commands)
        self.commands.append(Command("SplitCoins", amounts, coin))
        by_recipient: dict[str, list[Argument]] = {}
        for position, payment in enumerate(payments):
            by_recipient.setdefault(payment.to, []).append(result(place, position))
        for to, parts in by_recipient.items():
            self._transfer(parts, to)

    def _transfer(self, objects: list[Argument], to: str) -> None:
        self.commands.append(Command("TransferObjects", tuple(objects), self.pure(addresses.to_bytes(to))))

    def pay_from_gas(self, payments: list[Payment], more: list[Coin]) -> None:
        """Pay SUI from the gas coin, into which further coins are merged first."""
        self.merge(GAS_COIN, more)
        self.pay(GAS_COIN, payments)

    def pay_from_coins(self, tag: TypeTag, coins: list[Coin], payments: list[Payment]) -> None:
        """Pay from coins of one type, merged into the first of them."""
        first = self.coin(coins[0])
        self.state_type(first, tag)
        self.merge(first, coins[1:])
        self.pay(first, payments)
