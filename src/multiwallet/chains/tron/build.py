"""Making TRON transactions: what the chain must be asked, what it costs, and the bytes that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Holder, Options, Payment, check_options
from ...codec import abi
from ...codec.hexadecimal import parse_hex
from ...errors import AmountError, InputError, InsufficientFunds, MultiwalletError, Unsupported
from ...ops import Effect, Op, attempt
from ...transactions import Fee
from . import addresses, answers, fees
from .raw_data import MAX_SIGNATURES, RawData, make
from .schema import INT64_MAX, Values

__all__ = ["DEFAULT_LIFETIME", "build", "token_transfer"]

DEFAULT_LIFETIME: Final = 600
"""Seconds from the newest block until a built transaction expires: time for a person to look at it."""
_MAX_LIFETIME: Final = 86_000  # java-tron takes less than a day
_MARGIN: Final = (12, 10)  # a fifth more energy than a trial run used


def token_transfer(to: str, units: int) -> bytes:
    """The call ``transfer(address,uint256)`` of a TRC-20 token: 68 bytes. ``to`` is an address of any form."""
    return abi.encode_call("transfer(address,uint256)", (addresses.to_bytes(to)[1:], units))


@dataclass(frozen=True, slots=True)
class _Wish:
    """A checked request: who gets what, and how."""

    holder: Holder
    payment: Payment
    memo: bytes
    lifetime: int
    permission_id: int
    fee_limit: int | None
    data: bytes
    salt: int

    @property
    def token(self) -> Asset | None:
        return None if self.payment.asset.is_native else self.payment.asset

    @property
    def calls(self) -> bool:
        """Whether a contract is called."""
        return self.token is not None or bool(self.data)

    @property
    def signatures(self) -> int:
        return MAX_SIGNATURES if self.permission_id else 1


def _wish(holder: Holder, payments: tuple[Payment, ...], options: Options) -> _Wish:
    check_options(options, "fee_limit", "expiration", "permission_id", "data")
    if len(payments) != 1:
        raise Unsupported("a TRON transaction pays one recipient: build one for each, or sign them as a batch")
    payment, native = payments[0], options.native
    asset = payment.asset
    if asset.network_id != holder.network.id:
        raise AmountError(f"{asset.id} does not live on {holder.network.name}")
    if not asset.is_native and asset.namespace != "trc20":
        raise Unsupported(f"only TRX and TRC-20 tokens are sent here, not {asset.namespace} assets")
    fee_limit = _whole(native, "fee_limit", None, 1, INT64_MAX)
    data = native.get("data", b"")
    if isinstance(data, str):
        data = parse_hex(data, what="data")
    if not isinstance(data, bytes):
        raise InputError("data is the bytes or the hex of a contract call")
    least = 0 if data else 1  # a call may carry no coins
    if not payment.everything and not least <= payment.amount.units < (1 << 63 if asset.is_native else 1 << 256):
        raise AmountError("the amount is zero or more than TRON can carry")
    if data and (not asset.is_native or payment.everything):
        raise InputError("data calls the recipient as a contract with an exact amount of TRX: leave the asset out")
    if asset.is_native and not data:
        if payment.to == holder.address:
            raise InputError("TRON refuses a transfer of TRX to oneself: choose another recipient")
        if fee_limit is not None:
            raise InputError("fee_limit caps the energy of contract calls: a transfer of TRX has none")
    memo = options.memo or ""
    if not isinstance(memo, str):
        raise InputError("a memo is text")
    try:
        encoded = memo.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("the memo holds a lone surrogate, which UTF-8 cannot carry") from None
    lifetime = _whole(native, "expiration", DEFAULT_LIFETIME, 1, _MAX_LIFETIME)
    permission = _whole(native, "permission_id", 0, 0, 1 << 10)
    assert lifetime is not None
    assert permission is not None
    return _Wish(holder, payment, encoded, lifetime, permission, fee_limit, data, options.salt)


def _whole(native: Mapping[str, Any], name: str, default: int | None, low: int, high: int) -> int | None:
    value = native.get(name, default)
    if value is None:
        return None
    if isinstance(value, Amount):
        value = value.units
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}")
    return value


def build(
    holder: Holder, payments: tuple[Payment, ...], options: Options
) -> Op[tuple[RawData, Fee, tuple[Asset, ...]]]:
    """The ``raw_data``, its price and the tokens named in it. See :meth:`~multiwallet.chain.Chain.build`.

    ``options.salt`` sets apart transactions that pay the same amount to the same recipient within one block: up to a
    minute is added to the timestamp, which no rule reads, and up to a second to the expiration. Without it the
    second would be the first, and be lost.
    """
    wish = _wish(holder, payments, options)
    units = wish.payment.amount.units
    if wish.token is not None and wish.payment.everything:
        units = yield from _whole_balance(wish, wish.token)
    network, owner = holder.network, holder.address
    effects: list[Effect] = [
        answers.post(network, "wallet/getnowblock"),
        answers.post(network, "wallet/getchainparameters"),
        answers.post(network, "wallet/getaccountresource", address=owner, visible=True),
        answers.post(network, "wallet/getaccount", address=owner, visible=True),
    ]
    target, value, call = wish.payment.to, 0, wish.data
    if wish.token is not None:
        target, call = wish.token.reference, token_transfer(wish.payment.to, units)
    elif call:
        value = units
    if wish.calls:
        effects.append(answers.constant_call(network, owner, target, call, value))
        effects.append(answers.estimate_call(network, owner, target, call, value))
        if wish.token is not None:
            effects.append(_balance_call(wish, wish.token))
    else:
        effects.append(answers.post(network, "wallet/getaccount", address=wish.payment.to, visible=True))
    outcomes = yield from attempt(*effects)
    for position, outcome in enumerate(outcomes):
        # The trial run is judged after the balances: too little money is the clearer answer.
        if isinstance(outcome, MultiwalletError) and not (wish.calls and position in (4, 5)):
            raise outcome
    tip = answers.block(outcomes[0], "wallet/getnowblock")
    prices, left = answers.prices(outcomes[1]), answers.resources(outcomes[2])
    account = answers.table(outcomes[3], "wallet/getaccount")
    funds = answers.field(account, "balance", "wallet/getaccount")
    if wish.calls:
        if wish.token is not None:
            _check_token(wish.token, units, _word(outcomes[6]))
        energy, limit = _energy(wish, prices, outcomes[4], outcomes[5])
        values: Values = {"contract_address": addresses.to_bytes(target), "data": call}
        if value:
            values["call_value"] = value
        raw = _raw(wish, tip, "TriggerSmartContract", values, limit)
        fee = _price(wish, prices, left, raw, energy=energy)
        _check_funds(wish, funds, value, fee)
        assets = () if wish.token is None else (wish.token,)
    else:
        recipient = answers.table(outcomes[4], "wallet/getaccount")
        if recipient.get("type") in ("Contract", 2) and prices.forbids_transfer_to_contract:
            raise InputError(
                f"{target} is a contract, and plain transfers to contracts are refused: call it with data="
            )
        raw, fee = _transfer(wish, tip, prices, left, funds, units, activates=not recipient)
        assets = ()
    if options.max_fee is not None and fee.maximum > options.max_fee:
        raise InputError(f"the fee may reach {fee.maximum}, and max_fee is {options.max_fee}: raise it or wait")
    return raw, fee, assets


def _raw(wish: _Wish, tip: answers.Block, contract: str, values: Values, fee_limit: int = 0) -> RawData:
    reference, hash_ = tip.reference
    return make(
        contract,
        {"owner_address": addresses.to_bytes(wish.holder.address), **values},
        ref_block_bytes=reference,
        ref_block_hash=hash_,
        expiration=tip.timestamp + wish.lifetime * 1000 + wish.salt // 60_000 % 1000,
        timestamp=tip.timestamp + wish.salt % 60_000,
        data=wish.memo,
        fee_limit=fee_limit,
        permission_id=wish.permission_id,
    )


def _price(
    wish: _Wish, prices: fees.Prices, left: fees.Resources, raw: RawData, *, activates: bool = False, energy: int = 0
) -> Fee:
    return fees.price(
        wish.holder.network,
        prices,
        left,
        body_size=len(raw.encode()),
        memo=bool(wish.memo),
        activates=activates,
        energy=energy,
        fee_limit=raw.fee_limit,
        signatures=wish.signatures,
    )


def _transfer(
    wish: _Wish,
    tip: answers.Block,
    prices: fees.Prices,
    left: fees.Resources,
    funds: int,
    units: int,
    *,
    activates: bool,
) -> tuple[RawData, Fee]:
    def priced(amount: int) -> tuple[RawData, Fee]:
        values = {"to_address": addresses.to_bytes(wish.payment.to), "amount": amount}
        raw = _raw(wish, tip, "TransferContract", values)
        return raw, _price(wish, prices, left, raw, activates=activates)

    if not wish.payment.everything:
        raw, fee = priced(units)
        _check_funds(wish, funds, units, fee)
        return raw, fee
    raw, fee = priced(funds or 1)
    _check_funds(wish, funds, 1, fee)
    best = priced(funds - fee.expected.units)
    # A smaller amount may need a byte less, and so leave a little more to send.
    better = funds - best[1].expected.units
    tried = priced(better)
    return tried if better + tried[1].expected.units <= funds else best


def _check_funds(wish: _Wish, funds: int, units: int, fee: Fee) -> None:
    needed = units + fee.expected.units
    if needed > funds:
        native = wish.holder.network.native
        what = f"{Amount(units, native)} and " if units else ""
        raise InsufficientFunds(
            f"{what}a fee of {fee.expected} are needed, and {wish.holder.address} has {Amount(funds, native)}",
            needed=Amount(needed, native),
            available=Amount(funds, native),
        )


def _balance_call(wish: _Wish, token: Asset) -> Effect:
    owner = wish.holder.address
    data = abi.encode_call("balanceOf(address)", (addresses.to_bytes(owner)[1:],))
    return answers.constant_call(wish.holder.network, owner, token.reference, data)


def _word(answer: Any) -> int:
    return answers.number(answers.constant_result(answer)[0], "balanceOf")


def _whole_balance(wish: _Wish, token: Asset) -> Op[int]:
    (outcome,) = yield from attempt(_balance_call(wish, token))
    if isinstance(outcome, MultiwalletError):
        raise outcome
    units = _word(outcome)
    if not units:
        raise InsufficientFunds(
            f"{wish.holder.address} has no {token.symbol} to send", needed=Amount(1, token), available=Amount(0, token)
        )
    return units


def _check_token(token: Asset, units: int, held: int) -> None:
    if units > held:
        needed, available = Amount(units, token), Amount(held, token)
        raise InsufficientFunds(
            f"{needed} are needed, and the account has {available}", needed=needed, available=available
        )


def _energy(wish: _Wish, prices: fees.Prices, trial: Any, estimate: Any) -> tuple[int, int]:
    """The energy that a call is expected to use, and the fee_limit that lets it."""
    if isinstance(trial, MultiwalletError):
        raise trial
    # What the call returns does not count: TRON's largest token, USDT, answers false to transfers that succeed.
    _, used = answers.constant_result(trial)
    stated = answers.estimated_energy(estimate)
    needed = max(-(-used * _MARGIN[0] // _MARGIN[1]), stated or 0)
    limit = needed * prices.energy
    if wish.fee_limit is not None:
        if wish.fee_limit < used * prices.energy:
            raise InputError(
                f"a fee_limit of {wish.fee_limit} sun is too low: a trial run used {used} energy, which is "
                f"{used * prices.energy} sun, and a call that runs out of energy fails and costs all of it"
            )
        limit = wish.fee_limit
    if limit > prices.max_fee_limit:
        raise InputError(f"the call needs a fee_limit of {limit} sun; the network takes at most {prices.max_fee_limit}")
    return max(used, stated or 0), max(limit, 1)
