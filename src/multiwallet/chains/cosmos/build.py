"""Making transactions: what the node must be asked, what it costs, and the SignDoc that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ...amounts import Amount, Asset
from ...chain import Holder, Options, Payment
from ...errors import InputError, InsufficientFunds
from ...ops import Effect, Op, attempt
from ...transactions import Fee
from . import answers, summary
from .coins import Coin
from .multisig import KEY_TYPE, pack
from .rules import Rules, price_text
from .sign_doc import SignDoc, encode_raw
from .wishes import Wish, wish_of

__all__ = ["build"]

_ADJUSTMENT: Final = (13, 10)
"""Gas for three tenths more than a trial run used: state changes between the run and the block."""
_MARGINS: Final = {"slow": (11, 10), "normal": (13, 10), "fast": (2, 1)}
"""Over the node's own gas price, which may rise before the transaction is included."""
_USUAL_GAS: Final = 100_000
"""What a plain transfer uses at most. It prices a transaction that is refused before a trial run."""


def build(
    holder: Holder, rules: Rules, payments: tuple[Payment, ...], options: Options
) -> Op[tuple[SignDoc, Fee, tuple[Asset, ...]]]:
    """The SignDoc, its fee and the tokens named in it. See :meth:`~multiwallet.chain.Chain.build`.

    Two rounds: the account, its spendable coins, the node's gas price and (where an expiry is wanted) the newest
    block; then a trial run, unless ``gas`` was given.
    """
    wish = wish_of(holder, rules, payments, options)
    network, address = holder.network, wish.holder.address
    payer = str(wish.native.get("fee_granter", ""))
    spends = sorted({*wish.spent(1), rules.denom})
    effects: list[Effect] = [answers.account_call(network, address)]
    effects += [answers.spendable_call(network, address, denom) for denom in spends]
    price_call = answers.price_call(network, rules)
    effects += [price_call] if price_call is not None and wish.gas_price is None else []
    outcomes = yield from attempt(*effects, *([answers.head_call(network)] if wish.needs_head else []))
    account = answers.account(outcomes[0], address)
    held = yield from answers.spendable(network, address, dict(zip(spends, outcomes[1:], strict=False)))
    asked = len(effects) > 1 + len(spends)
    market = answers.market_price(outcomes[1 + len(spends)], rules) if asked else 0
    price = _price(wish, market, options)
    height, time = 0, 0
    if wish.needs_head:
        if isinstance(outcomes[-1], Exception):
            raise outcomes[-1]
        height, time = answers.head(outcomes[-1], rules)
    if wish.gas is not None:
        _check_fee(wish, answers.fee_units(wish.gas, price), wish.gas, price, options)
    if wish.everything is not None and not held[wish.everything]:
        _refuse(wish, wish.everything, 1, 0)
    first = held[wish.everything] if wish.everything is not None else 0
    fallback = answers.fee_units(wish.gas or _USUAL_GAS * max(1, len(wish.messages(1, 0))), price)
    _check_funds(wish, held, 1 if wish.everything == rules.denom else first, 0 if payer else fallback, known=False)
    if account is None:
        # It holds coins (or has been granted some) and has never been seen: a genesis oddity no chain shows.
        raise InsufficientFunds(
            f"{address} does not exist on {network.name} yet: it does once it has received coins",
            needed=Amount(fallback, network.native),
            available=Amount(0, network.native),
        )
    doc = SignDoc(
        wish.messages(1 if wish.everything == rules.denom else first, time),
        (),
        wish.gas or 0,
        rules.key_type_url if wish.multisig is None else KEY_TYPE,
        holder.public_key if wish.multisig is None else b"",
        account.sequence if wish.sequence is None else wish.sequence,
        account.number,
        rules.chain_id,
        wish.memo,
        wish.timeout_height or (height + wish.expires_in if wish.expires_in else 0),
        wish.mode,
        granter=payer,
        multisig=wish.multisig,
    )
    gas = wish.gas
    if gas is None:
        trial = doc.with_fee((Coin(rules.denom, fallback),) if fallback else (), 0)
        signature = bytes(64)
        if wish.multisig is not None:
            trial = replace(trial, signed=tuple(range(wish.multisig.threshold)))
            signature = pack([signature] * wish.multisig.threshold)
        (outcome,) = yield from attempt(answers.simulate_call(network, encode_raw(trial, signature)))
        gas = -(-answers.simulated(outcome) * _ADJUSTMENT[0] // _ADJUSTMENT[1])
    units = answers.fee_units(gas, price)
    _check_fee(wish, units, gas, price, options)
    doc = doc.with_fee((Coin(rules.denom, units),) if units else (), gas)
    if wish.everything == rules.denom:
        left = held[rules.denom] - (0 if payer else units)
        if left < 1:
            _refuse(wish, rules.denom, 1 + units, held[rules.denom])
        doc = _with_messages(doc, wish, left, time)
    _check_funds(wish, held, first, 0 if payer else units, known=wish.everything != rules.denom)
    fee = summary.fee_of(network, rules, doc)
    return doc, Fee(fee.expected, fee.maximum, {**fee.details, "gas_price": price_text(price)}), wish.assets


def _with_messages(doc: SignDoc, wish: Wish, units: int, time: int) -> SignDoc:
    return replace(doc, messages=wish.messages(units, time))


def _price(wish: Wish, market: int, options: Options) -> int:
    """The gas price: the caller's; else the row's for the speed, or the node's with a margin where that is more."""
    rules = wish.rules
    if wish.gas_price is not None:
        return wish.gas_price
    price = rules.prices[wish.speed]
    up, down = _MARGINS[wish.speed] if rules.fee_market != "node" else (1, 1)
    price = max(price, -(-market * up // down))
    if price > rules.price_ceiling and options.max_fee is None:
        raise InputError(
            f"the node asks for {price_text(price)} {rules.denom} for one unit of gas, and "
            f"{price_text(rules.price_ceiling)} is the most that is believed here: give max_fee if that is right"
        )
    return price


def _check_fee(wish: Wish, units: int, gas: int, price: int, options: Options) -> None:
    native = wish.holder.network.native
    fee = Amount(units, native)
    if options.max_fee is not None:
        if fee > options.max_fee:
            raise InputError(f"the fee is {fee}, and max_fee is {options.max_fee}: raise it or wait")
    elif units > wish.rules.fee_ceiling:
        raise InputError(
            f"a fee of {fee} ({gas} gas at {price_text(price)}) is above the ceiling of "
            f"{Amount(wish.rules.fee_ceiling, native)}: give max_fee if that is right"
        )


def _refuse(wish: Wish, denom: str, needed: int, available: int) -> None:
    network = wish.holder.network
    asset = summary.asset_of(network, denom, wish.assets)
    need, have = Amount(needed, asset), Amount(available, asset)
    raise InsufficientFunds(
        f"{need} are needed (fee included), and {wish.holder.address} can spend {have}", needed=need, available=have
    )


def _check_funds(wish: Wish, held: dict[str, int], units: int, fee: int, *, known: bool) -> None:
    """Compare what leaves the account with what it can spend, the fee's denom last."""
    spent = wish.spent(units)
    if not known and wish.everything == wish.rules.denom:
        spent = {}
    own = wish.rules.denom
    for denom in sorted(spent, key=lambda name: name == own):
        needed = spent[denom] + (fee if denom == own else 0)
        if needed > held.get(denom, 0):
            _refuse(wish, denom, needed, held.get(denom, 0))
    if own not in spent and fee > held[own]:
        _refuse(wish, own, fee, held[own])
