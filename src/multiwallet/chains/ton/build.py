"""From payments to a wallet's order: what is asked of the node first, and the messages that come of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Fee, Holder, Network, Options, Payment, check_options
from ...codec import boc
from ...codec.cell import Cell
from ...errors import (
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MultiwalletError,
    Rejected,
    Unsupported,
)
from ...ops import Effect, Op, ask, attempt
from . import answers, fees, forms, tokens
from .addresses import Address, parse
from .answers import Account, Tip
from .jettons import Transfer
from .messages import External, Internal, comment
from .wallets import LIMITS, Order, initial_state, join, wallet_id

__all__ = ["Plan", "build", "global_id", "of_holder"]

ALL_THAT_IS_LEFT: Final = 128
_MODE: Final = 3  # fees from the wallet's balance, and a message that cannot be sent is left out: 1 and 2
_ATTACHED: Final = 50_000_000  # what a jetton transfer needs at most, a new wallet for the recipient included
_LONGEST: Final = 86_400


@dataclass(frozen=True, slots=True)
class Plan:
    """What :func:`build` found: the unsigned external message and its fee.

    ``jettons`` says which jetton (by asset id) each jetton wallet (raw address) is of; ``offline`` that no node was
    asked about the fee.
    """

    message: External
    fee: Fee
    jettons: Mapping[str, str]
    offline: bool


@dataclass(frozen=True, slots=True)
class _Wishes:
    """The options, checked."""

    bounce: bool | None
    data: Cell | None
    state_init: Cell | None
    forward: int
    attached: int
    valid_for: int
    valid_until: int | None
    seqno: int | None


def global_id(network: Network) -> int:
    """The number of a network, which every block of it carries: the reference of its CAIP-2 id."""
    try:
        number = int(network.reference)
    except ValueError:
        number = 1 << 31
    if not -1 << 31 <= number < 1 << 31:
        raise InputError(f"{network.id} is no id of a TON network: those are tvm: and a 32-bit number")
    return number


def of_holder(holder: Holder) -> tuple[str, int, Address]:
    """An account's kind of wallet, its wallet id and its address."""
    kind = holder.kind or "v5r1"
    return kind, wallet_id(kind, global_id(holder.network)), parse(holder.address, testnet=holder.network.testnet)[0]


def build(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[Plan]:
    """Ask for what the order needs, in two rounds (three with jettons), and write it."""
    network = holder.network
    kind, number, owner = of_holder(holder)
    wishes = _checked(kind, network, payments, options)
    jettons = list(dict.fromkeys(payment.asset for payment in payments if payment.asset != network.native))
    minters = [tokens.minter_of(network, asset) for asset in jettons]
    asked = {parse(payment.to, testnet=network.testnet) for payment in payments if payment.asset == network.native}
    contracts = sorted({address.raw for address, bounceable in asked if bounceable and wishes.bounce is None})

    effects: list[Effect] = [
        answers.get(network, "masterchainInfo"),
        answers.account_request(network, owner),
        answers.method(network, owner, "seqno"),
        *(answers.get(network, "addressInformation", address=raw) for raw in contracts),
        *(answers.method(network, minter, "get_wallet_address", owner) for minter in minters),
    ]
    outcomes = yield from attempt(*effects)
    tip, state = answers.tip(outcomes[0]), answers.account(outcomes[1])
    if tip.global_id != global_id(network):
        raise BadResponse(f"this endpoint serves tvm:{tip.global_id}, not {network.id}: check its URL")
    if state.status == "frozen":
        raise Rejected(f"the account {holder.address} is frozen for unpaid storage: unfreeze it before it can send")
    seqno = wishes.seqno if wishes.seqno is not None else _seqno(outcomes[2], state)
    active = {
        raw
        for raw, outcome in zip(contracts, outcomes[3 : 3 + len(contracts)], strict=True)
        if answers.account(outcome).status == "active"
    }
    places = [_place(outcome) for outcome in outcomes[3 + len(contracts) :]]
    held = (yield from tokens.wallet_states(network, owner, minters, places)) if places else []
    wallets = {asset.id: wallet for asset, wallet in zip(jettons, held, strict=True)}

    messages: list[tuple[int, Cell]] = []
    coins = attached = 0
    spent = dict.fromkeys(wallets, 0)
    for payment in payments:
        to, bounceable = parse(payment.to, testnet=network.testnet)
        if payment.asset == network.native:
            bounce = wishes.bounce if wishes.bounce is not None else bounceable and to.raw in active
            body = wishes.data if wishes.data is not None else _memo(options.memo)
            mode = _MODE - 1 + ALL_THAT_IS_LEFT if payment.everything else _MODE
            messages.append((mode, Internal(to, payment.amount.units, bounce, body, wishes.state_init).cell()))
            coins += payment.amount.units
            continue
        wallet = wallets[payment.asset.id]
        units = wallet.balance if payment.everything else payment.amount.units
        spent[payment.asset.id] += units
        if spent[payment.asset.id] > wallet.balance or not units:
            needed = Amount(max(spent[payment.asset.id], 1), payment.asset)
            available = Amount(wallet.balance, payment.asset)
            raise InsufficientFunds(
                f"{needed} are needed, and the account has {available}", needed=needed, available=available
            )
        transfer = Transfer(options.salt % (1 << 62), units, to, owner, wishes.forward, _memo(options.memo))
        messages.append((_MODE, Internal(wallet.address, wishes.attached, True, transfer.cell()).cell()))
        attached += wishes.attached
    until = wishes.valid_until if wishes.valid_until is not None else tip.time + wishes.valid_for
    _check_time(until, tip)
    order = Order(kind, number, until, seqno, tuple(messages))
    init = initial_state(kind, holder.public_key, number) if state.status == "uninit" else None
    message = External(owner, join(order.cell(), bytes(64)), init)

    everything = any(payment.everything and payment.asset == network.native for payment in payments)
    _enough(network, state, coins, attached, fees.offline(order, message) // 10, everything)
    if wishes.seqno is None:
        (answer,) = yield from ask(_estimate(network, message))
        expected = fees.estimated(answer, order, message)
    else:  # a node runs no order whose turn has not come
        expected = fees.offline(order, message)
    fee = fees.checked(network, expected, attached, options.max_fee, seqno=seqno)
    _enough(network, state, coins, 0, fee.maximum.units, everything)
    return Plan(message, fee, {wallet.address.raw: name for name, wallet in wallets.items()}, wishes.seqno is not None)


def _checked(kind: str, network: Network, payments: tuple[Payment, ...], options: Options) -> _Wishes:
    """All that can be refused before anybody is asked."""
    check_options(
        options, "bounce", "data", "state_init", "forward_amount", "attached", "valid_for", "valid_until", "seqno"
    )
    if len(payments) > LIMITS[kind]:
        raise Unsupported(f"a {kind} wallet makes at most {LIMITS[kind]} payments at once, not {len(payments)}")
    if len(payments) > 1 and any(payment.everything for payment in payments):
        raise InputError("everything can be sent in one payment alone, not beside others")
    native = options.native
    bounce = native.get("bounce")
    if bounce is not None and not isinstance(bounce, bool):
        raise InputError("bounce is True or False")
    data = None if native.get("data") is None else forms.read_bag(native["data"], "data")
    init = None if native.get("state_init") is None else forms.read_bag(native["state_init"], "state_init")
    if data is not None or init is not None:
        if len(payments) != 1 or payments[0].asset != network.native:
            raise InputError("data and state_init go with one payment of the native coin")
        if data is not None and options.memo is not None:
            raise InputError("a message has a memo or data, not both")
    if "forward_amount" in native and all(payment.asset == network.native for payment in payments):
        raise InputError("forward_amount is for jettons: the coins that travel on to the recipient")
    forward = _number(native, "forward_amount", 1, 1 << 120)
    attached = _number(native, "attached", _ATTACHED + forward, 1 << 120)
    if attached <= forward:
        raise InputError("attached has to pay for the transfer besides forward_amount")
    until = None if native.get("valid_until") is None else _number(native, "valid_until", 0, 1 << 32)
    seqno = None if native.get("seqno") is None else _number(native, "seqno", 0, 1 << 32)
    _memo(options.memo)
    return _Wishes(bounce, data, init, forward, attached, _number(native, "valid_for", 600, _LONGEST + 1), until, seqno)


def _number(options: Mapping[str, Any], name: str, default: int, end: int) -> int:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < end:
        raise InputError(f"{name} is a whole number from 0 to {end - 1}")
    return value


def _memo(memo: str | None) -> Cell:
    return Cell() if memo is None else comment(memo)


def _seqno(outcome: Any, state: Account) -> int:
    if state.status == "uninit":
        return 0
    if isinstance(outcome, MultiwalletError):
        raise outcome
    number = answers.integer_of(answers.run(outcome, "seqno"), 0, "seqno")
    if not 0 <= number < 1 << 32:
        raise BadResponse("runGetMethod seqno: the number has more than 32 bits")
    return number


def _place(outcome: Any) -> Address:
    name = "get_wallet_address"
    try:
        return answers.address_of(answers.run(outcome, name), 0, name)
    except answers.MethodFailed as error:
        raise InvalidAddress(f"there is no jetton minter at the address of the asset: {error.message}") from None


def _check_time(until: int, tip: Tip) -> None:
    if not tip.time < until < 1 << 32:
        raise InputError("valid_until is in seconds since 1970 and has passed already, or has more than 32 bits")


def _estimate(network: Network, message: External) -> Effect:
    """``estimateFee``, which runs the message without looking at its signature."""

    def written(cell: Cell) -> str:
        return base64.b64encode(boc.encode(cell)).decode("ascii")

    init: Sequence[Cell] = () if message.init is None else message.init.refs
    code, data = map(written, init) if init else ("", "")
    return answers.post(
        network,
        "estimateFee",
        address=message.to.raw,
        body=written(message.body),
        init_code=code,
        init_data=data,
        ignore_chksig=True,
    )


def _enough(network: Network, state: Account, coins: int, attached: int, fee: int, everything: bool) -> None:
    """Refuse what the balance cannot pay; ``everything`` has to leave something after the fee."""
    needed = coins + attached + fee + (1 if everything else 0)
    if needed > state.balance:
        wanted, available = Amount(needed, network.native), Amount(state.balance, network.native)
        raise InsufficientFunds(
            f"{wanted} are needed with the fee, and the account has {available}", needed=wanted, available=available
        )
