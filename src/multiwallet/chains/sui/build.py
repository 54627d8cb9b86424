"""Making transactions: the coins that pay, a simulation for the gas, and the bytes that follow."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Holder, Network, Options, Payment
from ...errors import InputError, InsufficientFunds, Reverted, Unsupported
from ...ops import Op, attempt, gather
from ...transactions import Fee
from . import addresses, answers, queries
from .answers import Coin, Effects, Head
from .coins import choose, held
from .program import Program
from .transaction import MAX_BYTES, GasData, TransactionData
from .type_tags import SUI, TypeTag
from .wish import Wish, wish

__all__ = ["build", "fee_of"]

_UNITS: Final = 1000
"""The least gas that a transaction is charged for, and what is added to what a simulation used."""
_TRIAL: Final = 50_000_000
_TRIAL_EACH: Final = 5_000_000
"""What the coins must have left for gas at first, in MIST; and for each payment."""
_MOST_GAS_COINS: Final = 255
_MOST_COINS: Final = 1500
_CEILING: Final = 10**9
"""One SUI: the dearest transaction that is built without ``max_fee`` or ``gas_budget`` saying otherwise."""
_MOST_PRICE: Final = 100_000
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class _Funds:
    gas: list[Coin]
    coins: dict[TypeTag, list[Coin]]


def fee_of(network: Network, gas: GasData, effects: Effects | None = None) -> Fee:
    """The fee of a transaction: what a simulation says, all of the budget where there was none."""
    expected = gas.budget if effects is None else min(effects.fee, gas.budget)
    details: dict[str, Any] = {"gas_price": gas.price, "gas_budget": gas.budget}
    if effects is not None:
        details |= {"computation": effects.computation, "storage": effects.storage, "rebate": effects.rebate}
    return Fee(Amount(expected, network.native), Amount(gas.budget, network.native), details)


def build(
    holder: Holder, payments: tuple[Payment, ...], options: Options
) -> Op[tuple[TransactionData, Fee, tuple[Asset, ...]]]:
    """The transaction, its price and the coins named in it. See :meth:`~multiwallet.chain.Chain.build`."""
    asked = wish(holder, payments, options)
    spends = sum(payment.amount.units for payment in asked.from_gas)
    gas_everything = asked.everything and bool(asked.from_gas)
    reserve = asked.gas_budget or _TRIAL + _TRIAL_EACH * len(payments)
    head, funds = yield from _funds(asked, None if gas_everything else spends + reserve)
    price = asked.gas_price or _price(head, options.speed)
    assets = {payment.asset.id: payment.asset for payment in payments if not payment.asset.is_native}
    for _ in range(_ROUNDS):
        chosen = _choose(asked, funds, None if gas_everything else spends + reserve)
        total = sum(coin.units for coin in chosen.gas)
        _check_gas(asked, total, spends, _UNITS * price)
        left = total - spends
        data = _data(asked, chosen, GasData((), asked.payer, price, min(reserve, left)), head)
        if gas_everything and len(chosen.gas) < len(funds.gas):
            raise Unsupported(f"the account has {len(funds.gas)} coins, more than one transaction takes: send a part")
        effects = yield from _simulate(asked, data, total, spends)
        used = max(effects.computation, effects.computation + effects.storage - effects.rebate)
        budget = asked.gas_budget or used + _UNITS * price
        if budget < used:
            raise InputError(f"gas_budget is {budget}, and a simulation used {used}: what runs out of gas fails")
        if left >= budget:
            break
        if len(chosen.gas) == len(funds.gas) or len(chosen.gas) >= _MOST_GAS_COINS:
            _check_gas(asked, total, spends, budget if asked.gas_budget else used)
            budget = left
            break
        reserve = budget
    else:
        raise InsufficientFunds("the coins that pay for the gas do not suffice, however many are taken: try again")
    made = data.with_gas(GasData(data.gas.payment, data.gas.owner, price, budget))
    fee = fee_of(asked.network, made.gas, effects)
    _check_price(asked, options, fee)
    if len(made.encode()) > MAX_BYTES:
        raise Unsupported("the transaction is larger than the chain takes: pay fewer recipients, or merge coins first")
    return made, fee, tuple(assets.values())


def _price(head: Head, speed: str) -> int:
    """The reference price of the epoch; twice as much for who is in a hurry (it counts for shared objects alone)."""
    if head.gas_price > _MOST_PRICE:
        raise InputError(f"the node's gas price is {head.gas_price} MIST: give gas_price if you mean to pay that")
    return head.gas_price * 2 if speed == "fast" else head.gas_price


def _funds(asked: Wish, enough: int | None) -> Op[tuple[Head, _Funds]]:
    """Where the chain stands, and the coins that may be used, asked in step."""
    network = asked.network
    tags = [tag for tag in asked.types if tag != SUI or asked.sponsor is not None]
    operations: list[Op[Any]] = [_head(network), held(network, asked.payer, SUI, asked.may_use, enough)]
    for tag in tags:
        listed = asked.types[tag]
        needed = None if asked.everything else sum(payment.amount.units for payment in listed)
        operations.append(held(network, asked.sender, tag, asked.may_use, needed))
    head, gas, *others = yield from gather(*operations)
    funds = _Funds(gas, dict(zip(tags, others, strict=True)))
    if asked.call is not None:  # what the caller's own transaction takes cannot pay for its gas as well
        taken = {item.ref.id for item in asked.call[0] if item.ref is not None}
        funds = _Funds([coin for coin in gas if coin.ref.id not in taken], {})
    return head, funds


def _head(network: Network) -> Op[Head]:
    (answer,) = yield from attempt(answers.query(network, queries.HEAD))
    return answers.head(answer, network)


def _choose(asked: Wish, funds: _Funds, enough: int | None) -> _Funds:
    """The coins that the transaction takes; InsufficientFunds where those of a type do not suffice."""
    coins: dict[TypeTag, list[Coin]] = {}
    for tag, listed in funds.coins.items():
        payments = asked.types[tag]
        units = 1 if asked.everything else sum(payment.amount.units for payment in payments)
        total = sum(coin.units for coin in listed)
        if total < units:
            needed, available = Amount(units, payments[0].asset), Amount(total, payments[0].asset)
            raise InsufficientFunds(
                f"{needed} are needed, and {asked.holder.address} has {available} in coins that can be used",
                needed=needed,
                available=available,
            )
        coins[tag] = choose(listed, None if asked.everything else units)
    gas = choose(funds.gas, enough)
    most = _MOST_COINS if asked.from_gas else _MOST_GAS_COINS
    if sum(map(len, coins.values())) > _MOST_COINS:
        raise Unsupported(
            f"it takes more than {_MOST_COINS} coins to pay this: send yourself a part of it first, which merges coins"
        )
    return _Funds(gas[:most], coins)


def _data(asked: Wish, chosen: _Funds, gas: GasData, head: Head) -> TransactionData:
    payment = chosen.gas[:_MOST_GAS_COINS]
    paid = GasData(tuple(coin.ref for coin in payment), gas.owner, gas.price, gas.budget)
    if asked.call is not None:
        inputs, commands = asked.call
    else:
        program = Program()
        if asked.from_gas:
            program.pay_from_gas(asked.from_gas, chosen.gas[_MOST_GAS_COINS:])
        for tag, coins in chosen.coins.items():
            program.pay_from_coins(tag, coins, asked.types[tag])
        inputs, commands = tuple(program.inputs), tuple(program.commands)
    expiration = None if asked.lifetime is None else head.epoch + asked.lifetime
    return TransactionData(inputs, commands, asked.sender, paid, expiration)


def _simulate(asked: Wish, data: TransactionData, total: int, spends: int) -> Op[Effects]:
    """What a transaction would come to; Reverted where it would fail."""
    what = "the simulation"
    value = base64.b64encode(data.encode()).decode("ascii")
    (outcome,) = yield from attempt(
        answers.query(asked.network, queries.SIMULATE, transaction={"bcs": {"value": value}})
    )
    found = answers.inner(answers.table(outcome, what), "simulateTransaction", what)
    effects = answers.effects(answers.inner(found, "effects", what), what)
    if effects.success:
        return effects
    text = effects.error or "no reason was given"
    if "insufficientgas" in text.lower().replace(" ", ""):
        if asked.gas_budget is not None:
            raise InputError(
                f"gas_budget is {asked.gas_budget}, and a simulation needed more: leave it out, or raise it"
            )
        _check_gas(asked, total, spends, data.gas.budget + effects.fee)
    raise Reverted(f"a simulation says that this transaction would fail: {text}", reason=text)


def _check_gas(asked: Wish, total: int, spends: int, gas: int) -> None:
    """InsufficientFunds where the gas coins do not hold what is paid from them and the gas."""
    least = 1 if asked.everything and asked.from_gas else 0
    if total >= spends + gas + least and total:
        return
    native = asked.network.native
    needed, available = Amount(spends + gas + least, native), Amount(total, native)
    raise InsufficientFunds(
        f"{needed} are needed with the gas, and {addresses.from_bytes(asked.payer)} has {available} in coins that "
        "can be used",
        needed=needed,
        available=available,
    )


def _check_price(asked: Wish, options: Options, fee: Fee) -> None:
    if options.max_fee is not None:
        if fee.maximum > options.max_fee:
            raise InputError(f"the fee may reach {fee.maximum}, and max_fee is {options.max_fee}: raise it or wait")
    elif fee.maximum.units > _CEILING and asked.gas_budget is None:
        raise InputError(
            f"the fee may reach {fee.maximum}, which no transaction usually costs: say max_fee if you mean to pay it"
        )
