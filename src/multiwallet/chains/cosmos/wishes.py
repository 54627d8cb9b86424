"""What a caller asks for, as messages: payments, staking, IBC transfers and messages of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ...amounts import Asset
from ...chain import Holder, Options, Payment, check_options
from ...errors import AmountError, InputError, InvalidAddress, shown
from . import addresses, denoms
from .coins import Coin, summed
from .message import Message, coin_values, from_json, make
from .multisig import Multisig
from .rules import Rules, decimal
from .sign_doc import AMINO, DIRECT

__all__ = ["Wish", "wish_of"]

_CHANNEL: Final = re.compile(r"channel-[0-9]{1,20}|[a-z0-9-]{4,64}", re.ASCII)
_STAKING: Final = ("delegate", "undelegate", "redelegate")
_OPTIONS: Final = (
    "sign_mode",
    "gas",
    "gas_price",
    "sequence",
    "timeout_height",
    "expires_in",
    "messages",
    "delegate",
    "undelegate",
    "redelegate",
    "withdraw_rewards",
    "channel",
    "receiver",
    "ibc_timeout",
    "ibc_memo",
    "fee_granter",
    "multisig",
)
_BANK: Final = "/cosmos.bank.v1beta1.MsgSend"
_MOST_MESSAGES: Final = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request. ``everything`` is the denom of which all goes."""

    holder: Holder
    rules: Rules
    payments: tuple[Payment, ...]
    extra: tuple[Message, ...]
    memo: str
    mode: int
    speed: str
    gas: int | None
    gas_price: int | None
    sequence: int | None
    timeout_height: int
    expires_in: int | None
    native: Mapping[str, Any]
    everything: str | None
    multisig: Multisig | None

    @property
    def needs_head(self) -> bool:
        """Whether the newest block must be known."""
        return self.expires_in is not None or "channel" in self.native

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The tokens that are named."""
        own = self.holder.network.native
        return tuple(dict.fromkeys(payment.asset for payment in self.payments if payment.asset != own))

    def messages(self, units: int, time: int) -> tuple[Message, ...]:
        """The messages, with ``units`` in the place of everything; ``time`` is the newest block's."""
        found = [self._pay(payment, units, time) for payment in self.payments if payment.amount or payment.everything]
        return (*found, *self.extra)

    def spent(self, units: int) -> dict[str, int]:
        """How much of each denom leaves the account's free coins, fee aside."""
        coins: list[Coin] = []
        for message in self.messages(units, 0):
            if not message.url.endswith(("MsgUndelegate", "MsgBeginRedelegate", "MsgCancelUnbondingDelegation")):
                coins += coin_values(message)
        return summed(coins)

    def _pay(self, payment: Payment, units: int, time: int) -> Message:
        network, mine, native = self.holder.network, self.holder.address, self.native
        amount = units if payment.everything else payment.amount.units
        coin = Coin(denoms.denom_of(network, payment.asset), amount)
        if "delegate" in native or "undelegate" in native:
            name = "MsgDelegate" if "delegate" in native else "MsgUndelegate"
            validator = native.get("delegate", native.get("undelegate"))
            return make(
                f"/cosmos.staking.v1beta1.{name}", delegator_address=mine, validator_address=validator, amount=coin
            )
        if "redelegate" in native:
            source, target = native["redelegate"]
            return make(
                "/cosmos.staking.v1beta1.MsgBeginRedelegate",
                delegator_address=mine,
                validator_src_address=source,
                validator_dst_address=target,
                amount=coin,
            )
        if "channel" in native:
            return make(
                "/ibc.applications.transfer.v1.MsgTransfer",
                source_port="transfer",
                source_channel=native["channel"],
                token=coin,
                sender=mine,
                receiver=native["receiver"],
                timeout_timestamp=time + native.get("ibc_timeout", 600) * 10**9,
                memo=native.get("ibc_memo", ""),
            )
        return make(_BANK, from_address=mine, to_address=payment.to, amount=(coin,))


def wish_of(holder: Holder, rules: Rules, payments: tuple[Payment, ...], options: Options) -> Wish:
    """Check all that can be checked without asking anybody."""
    check_options(options, *_OPTIONS)
    native = dict(options.native)
    network = holder.network
    multisig = Multisig.read(native["multisig"]) if "multisig" in native else None
    if multisig is not None:
        if holder.public_key not in multisig.keys or rules.eth_keys:
            raise InputError("this account's key is none of those of the multisig account")
        if native.get("sign_mode", "amino") != "amino":
            raise InputError("members of a multisig account sign amino JSON")
        native["sign_mode"] = "amino"
        holder = replace(holder, address=addresses.text(rules.hrp, multisig.address_bytes()))
    everything = [payment for payment in payments if payment.everything]
    if everything and (len(payments) != 1 or "messages" in native):
        raise InputError('"max" is paid alone: nothing else may be in the transaction')
    if everything and ("undelegate" in native or "redelegate" in native):
        raise InputError('"max" is what you hold, not what is staked: say how much')
    for payment in payments:
        if payment.asset.network_id != network.id:
            raise AmountError(f"{payment.asset.id} does not live on {network.name}")
        denoms.denom_of(network, payment.asset)
        if payment.amount.units >= 1 << 256:
            raise AmountError("the amount is more than a Cosmos chain can carry")
    extra = (*_rewards(holder, rules, native), *_own_messages(holder, rules, native))
    paid = [payment for payment in payments if payment.amount or payment.everything]
    if not paid and not extra:
        raise AmountError("the amount is zero: there is nothing to send")
    if len(paid) + len(extra) > _MOST_MESSAGES:
        raise InputError(f"one transaction holds at most {_MOST_MESSAGES} messages here: make several")
    _check_shape(holder, rules, payments, native)
    mode = native.get("sign_mode", "direct")
    if mode not in ("direct", "amino"):
        raise InputError(f'sign_mode is "direct" or "amino", not {shown(mode)}')
    memo = options.memo or ""
    if not isinstance(memo, str):
        raise InputError("a memo is text")
    try:
        memo.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("the memo holds a lone surrogate, which UTF-8 cannot carry") from None
    price = native.get("gas_price")
    expires_in, timeout = _whole(native, "expires_in", 1, 10**7), _whole(native, "timeout_height", 1, (1 << 63) - 1)
    if expires_in is not None and timeout is not None:
        raise InputError("timeout_height is a block and expires_in a number of blocks from now: give one of them")
    return Wish(
        holder,
        rules,
        payments,
        extra,
        memo,
        AMINO if mode == "amino" else DIRECT,
        options.speed,
        _whole(native, "gas", 1, 10**12),
        None if price is None else decimal(price, f"gas_price (in {rules.denom})"),
        _whole(native, "sequence", 0, (1 << 64) - 1),
        timeout or 0,
        expires_in,
        native,
        denoms.denom_of(network, everything[0].asset) if everything else None,
        multisig,
    )


def _whole(native: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = native.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}")
    return value


def _validator(rules: Rules, value: Any) -> str:
    if not rules.staking:
        raise InputError("this chain has no staking")
    return addresses.parse(f"{rules.hrp}valoper", value, what="a validator")


def _check_shape(holder: Holder, rules: Rules, payments: tuple[Payment, ...], native: dict[str, Any]) -> None:
    """Check the options that turn a payment into something else, and make their values canonical."""
    used = [name for name in (*_STAKING, "channel") if name in native]
    if len(used) > 1:
        raise InputError(f"{used[0]} and {used[1]} are two things: build a transaction for each")
    if "channel" not in native:
        stray = [name for name in ("receiver", "ibc_timeout", "ibc_memo") if name in native]
        if stray:
            raise InputError(f"{stray[0]} belongs to an IBC transfer: give the channel as well")
    if "fee_granter" in native:
        native["fee_granter"] = addresses.parse(rules.hrp, native["fee_granter"])
    if not used:
        return
    if any(payment.to != holder.address for payment in payments):
        raise InputError(f"with {used[0]}= the coins leave this account for no address of this chain: `to` is your own")
    if used[0] == "channel":
        if not isinstance(native["channel"], str) or not _CHANNEL.fullmatch(native["channel"]):
            raise InputError('channel is the channel on this chain, such as "channel-141"')
        try:
            native["receiver"] = addresses.any_chain(native.get("receiver"))
        except InvalidAddress as error:
            raise InvalidAddress(f"receiver, the address on the other chain: {error.message}") from None
        _whole(native, "ibc_timeout", 10, 86_400 * 30)
        if not isinstance(native.get("ibc_memo", ""), str):
            raise InputError("ibc_memo is text")
        return
    if any(not payment.asset.is_native for payment in payments):
        raise InputError(f"only {holder.network.symbol} is staked")
    if used[0] == "redelegate":
        pair = native["redelegate"]
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InputError("redelegate is two validators: from the first to the second")
        native["redelegate"] = tuple(_validator(rules, item) for item in pair)
    else:
        native[used[0]] = _validator(rules, native[used[0]])


def _rewards(holder: Holder, rules: Rules, native: Mapping[str, Any]) -> list[Message]:
    listed = native.get("withdraw_rewards", ())
    listed = (listed,) if isinstance(listed, str) else listed
    if not isinstance(listed, list | tuple):
        raise InputError("withdraw_rewards is a validator or a list of them")
    url = "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward"
    return [make(url, delegator_address=holder.address, validator_address=_validator(rules, item)) for item in listed]


def _own_messages(holder: Holder, rules: Rules, native: Mapping[str, Any]) -> list[Message]:
    listed = native.get("messages", ())
    if not isinstance(listed, list | tuple):
        raise InputError('messages is a list of objects with "@type"')
    found = [from_json(rules.hrp, item) for item in listed]
    for message in found:
        if message.signer != holder.address:
            raise InputError(f"the message {message.url} is to be signed by {message.signer}, not by this account")
    return found
