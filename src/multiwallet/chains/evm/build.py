"""Building a transaction: one round of questions, one more for a rollup's data fee, every check before signing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from ...amounts import Amount
from ...chain import Fee, Holder, Options, Payment
from ...codec import eip55
from ...errors import InputError, InsufficientFunds, MultiwalletError, Rejected, Reverted
from ...ops import Effect, Op, Rpc, ask, attempt
from .answers import read_data, read_quantity, refuse
from .data_fee import data_fee_effects, read_data_fee
from .fees import GasPrices, check_price, fee_effects, read_fees
from .plan import Plan, chain_id_of, plan_payment
from .tokens import balance_call, decode_uint, revert_reason, transfer_call
from .transaction import EvmTransaction

__all__ = ["build_payment"]

_PLAIN_TRANSFER_GAS: Final = 21000


def _prices(plan: Plan, outcomes: list[Any]) -> GasPrices:
    """What the node's answers and the caller's wishes come to. A price that the caller states is not questioned."""
    if plan.prices is not None:
        return plan.prices
    prices = read_fees(outcomes, legacy=plan.legacy, network=plan.network)
    if plan.maximum is not None:
        return GasPrices(plan.maximum, min(prices.priority, plan.maximum), prices.base)
    if plan.priority is not None:
        prices = GasPrices(2 * (prices.base or 0) + plan.priority, plan.priority, prices.base)
    if not plan.capped:
        check_price(plan.network, prices)
    return prices


def build_payment(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[tuple[EvmTransaction, Fee]]:
    """The transaction of one payment and its fee. See :meth:`~multiwallet.chain.Chain.build` for the errors.

    Gas is the node's estimate: as it stands for a plain transfer (21000), else with a fifth on top, because
    what a contract does may change until it is included. "Everything" of the coin sends the balance less the
    highest possible fee; with EIP-1559 what the fee stays below that remains on the account.
    """
    plan = plan_payment(holder, payments, options)
    network, coin = plan.network, plan.network.native
    if plan.contract is not None and plan.payment.everything:
        units = yield from _token_balance(plan)
        if not units:
            asset = plan.payment.asset
            raise InsufficientFunds(
                f"there is no {asset.symbol} to send", needed=Amount(1, asset), available=Amount(0, asset)
            )
        payment = replace(plan.payment, amount=Amount(units, plan.payment.asset), everything=False)
        plan = replace(plan, payment=payment, data=transfer_call(eip55.parse(payment.to), units))
    found = yield from _survey(plan)
    expected = found.used * found.prices.expected
    reserve = found.gas * found.prices.maximum
    transaction = EvmTransaction(
        type=plan.kind,
        chain_id=chain_id_of(network),
        nonce=found.nonce,
        gas=found.gas,
        to=plan.to,
        value=plan.value,
        data=plan.data,
        gas_price=found.prices.maximum if plan.legacy else 0,
        max_fee_per_gas=0 if plan.legacy else found.prices.maximum,
        max_priority_fee_per_gas=0 if plan.legacy else found.prices.priority,
        access_list=plan.access_list,
    )
    details: dict[str, Any] = {"gas": found.gas}
    if plan.legacy:
        details["gas_price"] = found.prices.maximum
    else:
        details["max_fee_per_gas"] = found.prices.maximum
        details["max_priority_fee_per_gas"] = found.prices.priority
        if found.prices.base is not None:
            details["base_fee_per_gas"] = found.prices.base
    everything = plan.payment.everything
    # The rollup prices the transaction's bytes, so "everything" is priced with as long a value as it can have.
    longest = replace(transaction, value=found.coins) if everything else transaction
    questions = data_fee_effects(network, longest.unsigned())
    if questions:
        data_fee = read_data_fee((yield from attempt(*questions)), found.gas)
        expected, reserve = expected + data_fee.expected, reserve + data_fee.kept
        details["l1_fee"] = data_fee.expected
    fee = Fee(Amount(expected, coin), Amount(reserve, coin), details)
    if options.max_fee is not None and fee.maximum > options.max_fee:
        raise InputError(f"the fee can reach {fee.maximum}, which is above max_fee, {options.max_fee}")
    needed = reserve + plan.value + (1 if everything else 0)
    if found.coins < needed:
        raise InsufficientFunds(
            f"{Amount(needed, coin)} are needed, the fee of at most {fee.maximum} included, "
            f"and {holder.address} has {Amount(found.coins, coin)}",
            needed=Amount(needed, coin),
            available=Amount(found.coins, coin),
        )
    if everything:
        transaction = replace(transaction, value=found.coins - reserve)
    return transaction, fee


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the node told: balance, nonce, prices, the gas limit and what is likely to be used of it."""

    coins: int
    nonce: int
    prices: GasPrices
    gas: int
    used: int


def _token_balance(plan: Plan) -> Op[int]:
    assert plan.contract is not None
    (answer,) = yield from ask(_balance_of(plan, plan.contract))
    return _read_token_balance(plan, answer)


def _balance_of(plan: Plan, contract: bytes) -> Rpc:
    data = "0x" + balance_call(eip55.parse(plan.sender)).hex()
    return Rpc(plan.network.id, "eth_call", [{"to": eip55.checksum(contract), "data": data}, "latest"])


def _read_token_balance(plan: Plan, answer: Any) -> int:
    units = decode_uint(read_data("eth_call", answer))
    if units is None:
        refuse("eth_call of balanceOf", f"the balance of {plan.payment.asset.symbol}", answer)
    return units


def _survey(plan: Plan) -> Op[_Survey]:
    network, identity = plan.network, plan.network.id
    questions: dict[str, tuple[Effect, ...]] = {
        "balance": (
            Rpc(identity, "eth_getBalance", [plan.sender, "latest"]),
            Rpc(identity, "eth_getBalance", [plan.sender, "pending"]),
        )
    }
    if plan.nonce is None:
        questions["nonce"] = (Rpc(identity, "eth_getTransactionCount", [plan.sender, "pending"]),)
    if plan.prices is None:
        questions["fees"] = fee_effects(network, legacy=plan.legacy, speed=plan.speed)
    if plan.contract is not None:
        questions["token"] = (_balance_of(plan, plan.contract),)
    if plan.gas is None:
        questions["gas"] = (Rpc(identity, "eth_estimateGas", [plan.call()]),)
    outcomes = yield from attempt(*[effect for effects in questions.values() for effect in effects])
    answers: dict[str, list[Any]] = {}
    for name, effects in questions.items():
        answers[name], outcomes = outcomes[: len(effects)], outcomes[len(effects) :]
    coins = _spendable(answers["balance"])
    nonce = read_quantity("eth_getTransactionCount", _good(answers["nonce"][0])) if plan.nonce is None else plan.nonce
    prices = _prices(plan, answers.get("fees", []))
    if plan.contract is not None:
        _check_tokens(plan, _read_token_balance(plan, _good(answers["token"][0])))
    gas, used = (plan.gas, plan.gas) if plan.gas is not None else _read_gas(plan, answers["gas"][0], coins, prices)
    return _Survey(coins, nonce, prices, gas, used)


def _spendable(outcomes: list[Any]) -> int:
    """The lower of the latest and the pending balance: coins on their way in cannot be counted on."""
    latest = read_quantity("eth_getBalance", _good(outcomes[0]))
    if isinstance(outcomes[1], Rejected):  # not every node knows a pending state
        return latest
    return min(latest, read_quantity("eth_getBalance", _good(outcomes[1])))


def _good(outcome: Any) -> Any:
    if isinstance(outcome, MultiwalletError):
        raise outcome
    return outcome


def _check_tokens(plan: Plan, units: int) -> None:
    needed = plan.payment.amount
    if units < needed.units:
        held = Amount(units, needed.asset)
        raise InsufficientFunds(f"{needed} are needed, and {plan.sender} has {held}", needed=needed, available=held)


def _read_gas(plan: Plan, outcome: Any, coins: int, prices: GasPrices) -> tuple[int, int]:
    """The gas limit and the expected gas. A refused estimate is told apart: no funds, a revert, or the node's no."""
    if isinstance(outcome, Rejected):
        coin = plan.network.native
        needed = plan.value + _PLAIN_TRANSFER_GAS * prices.maximum
        if (
            coins >= needed
        ):  # contracts speak of insufficient funds, too: a revert is looked for before the node's words
            _raise_if_reverted(outcome)
        if coins < needed or "insufficient funds" in outcome.message.lower():
            raise InsufficientFunds(
                f"at least {Amount(needed, coin)} are needed, and {plan.sender} has {Amount(coins, coin)}",
                needed=Amount(needed, coin),
                available=Amount(coins, coin),
            ) from outcome
    estimate = read_quantity("eth_estimateGas", _good(outcome))
    if not 0 < estimate < 1 << 63:
        refuse("eth_estimateGas", "an amount of gas", outcome)
    if estimate == _PLAIN_TRANSFER_GAS and not plan.data:
        return estimate, estimate
    return estimate + (estimate + 4) // 5, estimate


def _raise_if_reverted(refusal: Rejected) -> None:
    """Raise Reverted, with the contract's reason, where a node refused a call because it would fail."""
    reason = revert_reason(refusal.data)
    if reason is None and refusal.node_code != 3 and "revert" not in refusal.message.lower():
        return
    raise Reverted(
        f"the transaction would fail: {reason or refusal.message[:300]}", reason=reason or refusal.message[:300]
    ) from refusal
