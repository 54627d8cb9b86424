"""Making transactions: what the chain must be asked, a simulation for the gas, and the bytes that follow."""

from __future__ import annotations

from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Holder, Network, Options, Payment
from ...errors import BadResponse, InputError, InsufficientFunds, MultiwalletError, Reverted
from ...ops import Op, Rest, attempt
from ...transactions import Fee
from . import addresses, answers
from .forms import chain_id_of
from .functions import parameters_of
from .raw_transaction import U64_MAX, EntryFunction, RawTransaction, SigningMessage
from .rest_form import function_of, request, signature
from .signed import Signed
from .type_tags import TypeTag
from .wish import MAX_GAS_AMOUNT, Wish, wish

__all__ = ["build", "check_chain_id", "fee_of"]

_TRIAL_GAS: Final = 200_000
_LEAST_GAS: Final = 10
_MARGIN: Final = (3, 2)  # half as much gas again as the simulation used
_CEILING: Final = 10**8
"""One APT: the dearest that is built where neither ``max_fee`` nor gas and its price are the caller's own."""


def fee_of(network: Network, raw: RawTransaction, gas: int | None = None) -> Fee:
    """The fee of a transaction; ``gas`` is what it is expected to use, all that it allows where that is not known."""
    expected = raw.max_gas_amount if gas is None else gas
    return Fee(
        Amount(expected * raw.gas_unit_price, network.native),
        Amount(raw.max_fee, network.native),
        {"gas": expected, "max_gas_amount": raw.max_gas_amount, "gas_unit_price": raw.gas_unit_price},
    )


def check_chain_id(network: Network, chain_id: int) -> bool:
    """Whether a chain id is a network's own: its row's, or for a row without one any that is no known network's."""
    wanted = chain_id_of(network)
    return chain_id not in (0, 1, 2) if wanted is None else chain_id == wanted


def build(
    holder: Holder, payments: tuple[Payment, ...], options: Options
) -> Op[tuple[SigningMessage, Fee, tuple[Asset, ...]]]:
    """The transaction, its price and the tokens named in it. See :meth:`~multiwallet.chain.Chain.build`."""
    asked = wish(holder, payments, options)
    network, token = asked.network, asked.token
    function = function_of(SigningMessage(_raw(asked, asked.payload(1 if asked.everything else None), 0, 0, 0, 1)))
    known = () if function is None else parameters_of(function)
    payer = holder.address if asked.fee_payer is None else addresses.from_bytes(asked.fee_payer)
    effects = [
        answers.get(network, ""),
        answers.get(network, f"accounts/{holder.address}"),
        answers.get(network, "estimate_gas_price"),
        answers.get(network, answers.balance_path(payer, network.native)),
        answers.get(network, answers.balance_path(holder.address, asked.asset)),
    ]
    if known is None and function is not None:
        effects.append(answers.get(network, answers.module_path(function)))
    outcomes = yield from attempt(*effects)
    ledger = answers.ledger(outcomes[0])
    if not check_chain_id(network, ledger.chain_id):
        raise BadResponse(f"this endpoint serves aptos:{ledger.chain_id}, not {network.name} ({network.id})")
    next_ = answers.account(outcomes[1])
    sequence = _sequence(asked, next_)
    price = asked.gas_unit_price or answers.gas_price(outcomes[2], options.speed)
    funds, held = answers.balance(outcomes[3]), answers.balance(outcomes[4])
    types: tuple[TypeTag, ...] = known or ()
    if known is None:
        assert isinstance(function, EntryFunction)  # the ABI was asked for a function's sake
        types = answers.module_function(function, outcomes[5])
    units = held if asked.everything else asked.units
    if token is not None:
        _check_token(token, max(units, 1), held, holder.address)
    pays = asked.fee_payer is None

    def raw(amount: int | None, gas: int, number: int) -> RawTransaction:
        body = asked.payload(amount if asked.everything or amount != units else None)
        return _raw(asked, body, number, gas, price, ledger.chain_id, ledger.time + asked.lifetime)

    # What the gas costs does not depend on the amount: one that cannot be paid is tried with the smallest one.
    lowest = units if token is not None or asked.call is not None else 1
    fits = units < held or (units == held and not pays)
    probe = units if fits and not asked.everything else lowest
    if len(payments) > 1 and probe != units:
        raise _too_little(asked, units + (_LEAST_GAS * price if pays else 0), held, holder.address)
    budget = _trial_gas(asked, funds, price)
    # A node simulates what comes next and nothing later, whatever number the transaction is to have.
    trial = SigningMessage(raw(probe, budget, next_), asked.secondary, asked.fee_payer)
    used = yield from _simulate(asked, trial, types, funds)
    gas = asked.max_gas_amount or min(-(-used * _MARGIN[0] // _MARGIN[1]), MAX_GAS_AMOUNT)
    if gas < used:
        raise InputError(
            f"max_gas_amount is {gas}, and a simulation used {used}: what runs out of gas fails and is paid"
        )
    spends = units if token is None and not asked.everything else 0
    if asked.fee_payer != addresses.ZERO:
        left = funds - (spends if pays else 0)
        if left < gas * price and asked.max_gas_amount is None:
            gas = max(left, 0) // price
        if gas < used or left < gas * price:
            raise _too_little(asked, (spends if pays else 0) + used * price, funds)
    if not pays and token is None and spends > held:
        raise _too_little(asked, spends, held, holder.address)
    if asked.everything and token is None:
        units = held - (gas * price if pays else 0)
        if units < 1:
            raise _too_little(asked, 1 + (gas * price if pays else 0), held, holder.address)
    made = SigningMessage(raw(units, gas, sequence), asked.secondary, asked.fee_payer)
    fee = fee_of(network, made.raw, used)
    _check_price(asked, options, fee)
    return made, fee, () if token is None else (token,)


def _raw(
    asked: Wish, payload: Any, sequence: int, gas: int, price: int, chain_id: int, expiration: int = 0
) -> RawTransaction:
    number = U64_MAX if payload.replay_nonce is not None else sequence
    return RawTransaction(addresses.to_bytes(asked.holder.address), number, payload, gas, price, expiration, chain_id)


def _sequence(asked: Wish, number: int) -> int:
    if asked.sequence_number is None:
        return number
    if asked.sequence_number < number:
        raise InputError(f"the sequence number {asked.sequence_number} is used already: the next one is {number}")
    return asked.sequence_number


def _trial_gas(asked: Wish, funds: int, price: int) -> int:
    limit = max(asked.max_gas_amount or 0, _TRIAL_GAS)
    if asked.fee_payer == addresses.ZERO:
        return limit
    if funds < _LEAST_GAS * price:
        own = asked.units if asked.token is None and asked.fee_payer is None else 0
        raise _too_little(asked, own + _LEAST_GAS * price, funds)
    return min(limit, funds // price)


def _simulate(asked: Wish, trial: SigningMessage, types: tuple[TypeTag, ...], funds: int) -> Op[int]:
    """The gas that a transaction uses; Reverted where it would fail."""
    holder, call = asked.holder, "POST /transactions/simulate"
    keys = {addresses.to_bytes(holder.address): holder.public_key}
    body = request(trial, types) | {"signature": signature(Signed(trial, {}), simulated=keys)}
    (outcome,) = yield from attempt(Rest(asked.network.id, "POST", "transactions/simulate", json=body))
    if isinstance(outcome, MultiwalletError):
        raise outcome
    if not isinstance(outcome, list) or len(outcome) != 1:
        raise BadResponse(f"{call} did not answer with a list of one transaction")
    result = answers.table(outcome[0], call)
    used, status = answers.number(result, "gas_used", call), result.get("vm_status")
    if result.get("success") is True:
        return max(used, 1)
    text = " ".join(str(status).split())[:300]
    if "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE" in text:
        raise _too_little(asked, asked.units + trial.raw.gas_unit_price * max(used, _LEAST_GAS), funds)
    raise Reverted(f"a simulation says that this transaction would fail: {text}", reason=text)


def _check_price(asked: Wish, options: Options, fee: Fee) -> None:
    if options.max_fee is not None:
        if fee.maximum > options.max_fee:
            raise InputError(f"the fee may reach {fee.maximum}, and max_fee is {options.max_fee}: raise it or wait")
    elif fee.maximum.units > _CEILING and None in (asked.gas_unit_price, asked.max_gas_amount):
        raise InputError(
            f"the fee may reach {fee.maximum}, which no transaction usually costs: say max_fee if you mean to pay it"
        )


def _too_little(asked: Wish, needed: int, available: int, who: str = "") -> InsufficientFunds:
    native = asked.network.native
    who = who or (addresses.from_bytes(asked.fee_payer) if asked.fee_payer else asked.holder.address)
    return InsufficientFunds(
        f"{Amount(needed, native)} are needed with the fee, and {who} has {Amount(available, native)}",
        needed=Amount(needed, native),
        available=Amount(available, native),
    )


def _check_token(token: Asset, units: int, held: int, owner: str) -> None:
    if units > held:
        needed, available = Amount(units, token), Amount(held, token)
        raise InsufficientFunds(f"{needed} are needed, and {owner} has {available}", needed=needed, available=available)
