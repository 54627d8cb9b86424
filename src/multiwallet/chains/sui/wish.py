"""What a caller asks for, checked before anything is asked of a node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Holder, Network, Options, Payment, check_options
from ...codec.bcs import BcsReader
from ...errors import AmountError, InputError, Unsupported
from . import addresses
from .commands import Command, read_command
from .signatures import read_base64
from .tokens import type_of
from .transaction import MAX_COMMANDS, MAX_INPUTS, U64_MAX, Input, ObjectRef, strictly
from .type_tags import SUI, TypeTag

__all__ = ["Wish", "wish"]

LIFETIME: Final = 1
"""Epochs (of about a day) after the present one in which a transaction can still be included."""
_MOST_LIFETIME: Final = 1000
_MOST_PAYMENTS: Final = 500
_MOST_NAMED: Final = 20_000
_NAME: Final = re.compile(r"0x[0-9a-f]{64}(@[0-9]{1,19})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request. ``call`` is a programmable transaction of the caller's, or None where payments are made."""

    holder: Holder
    payments: tuple[Payment, ...]
    call: tuple[tuple[Input, ...], tuple[Command, ...]] | None
    sponsor: bytes | None
    coins: frozenset[str] | None
    exclude: frozenset[str]
    gas_price: int | None
    gas_budget: int | None
    lifetime: int | None

    @property
    def network(self) -> Network:
        return self.holder.network

    @property
    def sender(self) -> bytes:
        return addresses.to_bytes(self.holder.address)

    @property
    def payer(self) -> bytes:
        """Who pays for the gas."""
        return self.sender if self.sponsor is None else self.sponsor

    @property
    def everything(self) -> bool:
        return self.call is None and self.payments[0].everything

    @property
    def types(self) -> dict[TypeTag, list[Payment]]:
        """The payments by coin type, in the order in which they were asked for."""
        found: dict[TypeTag, list[Payment]] = {}
        for payment in () if self.call else self.payments:
            found.setdefault(type_of(payment.asset), []).append(payment)
        return found

    @property
    def from_gas(self) -> list[Payment]:
        """The payments that come out of the gas coins: those of SUI, unless somebody else's coins pay for the gas."""
        return self.types.get(SUI, []) if self.sponsor is None else []

    def may_use(self, ref: ObjectRef) -> bool:
        """Whether a coin is among those that the caller leaves to choose from."""
        names = {ref.name, addresses.from_bytes(ref.id)}
        return not names & self.exclude and (self.coins is None or bool(names & self.coins))


def wish(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Wish:
    """Check a request; InputError, AmountError or Unsupported say what is wrong with it."""
    check_options(options, "coins", "data", "exclude", "expiration", "gas_budget", "gas_price", "sponsor")
    native = options.native
    if options.memo is not None:
        raise Unsupported("Sui has no memos: exchanges there tell deposits apart by address")
    if not 1 <= len(payments) <= _MOST_PAYMENTS:
        raise Unsupported(f"a transaction of Sui pays from 1 to {_MOST_PAYMENTS} recipients here")
    call = _call(native.get("data"), payments)
    if call is None:
        _check_payments(holder, payments)
    sponsor = native.get("sponsor")
    payer = None if sponsor is None else addresses.to_bytes(sponsor)
    if payer is not None and payer == addresses.to_bytes(holder.address):
        raise InputError("the sponsor is the account itself: leave it out")
    lifetime = native.get("expiration", LIFETIME)
    coins = _names(native, "coins")
    return Wish(
        holder,
        payments,
        call,
        payer,
        coins,
        _names(native, "exclude") or frozenset(),
        _whole(native.get("gas_price"), "gas_price", 1, 10**12),
        _whole(native.get("gas_budget"), "gas_budget", 1, U64_MAX),
        _whole(lifetime, "expiration", 0, _MOST_LIFETIME),
    )


def _check_payments(holder: Holder, payments: tuple[Payment, ...]) -> None:
    totals: dict[str, int] = {}
    for payment in payments:
        asset = payment.asset
        if asset.network_id != holder.network.id:
            raise AmountError(f"{asset.id} does not live on {holder.network.name}")
        if not asset.is_native:
            if asset.namespace != "coin":
                raise Unsupported(f"coins are sent here, not {asset.namespace} assets")
            if type_of(asset) == SUI:
                raise InputError(f"SUI is {holder.network.native.id} here, not a coin among others")
        if payment.everything and len(payments) > 1:
            raise Unsupported('"max" stands alone: pay the other recipients in a transaction before')
        if not payment.everything and not 0 < payment.amount.units <= U64_MAX:
            raise AmountError("the amount is zero or more than Sui can carry")
        totals[asset.id] = totals.get(asset.id, 0) + payment.amount.units
    if max(totals.values()) > U64_MAX:
        raise AmountError("the amounts together are more than Sui can carry")


def _whole(value: Any, name: str, low: int, high: int) -> int | None:
    if isinstance(value, Amount):
        value = value.units
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}")
    return value


def _names(native: Mapping[str, Any], name: str) -> frozenset[str] | None:
    listed = native.get(name)
    if listed is None:
        return None
    if isinstance(listed, str) or not isinstance(listed, list | tuple) or len(listed) > _MOST_NAMED:
        raise InputError(f"{name} is a list of object ids, 0x..., or of versions of objects, 0x...@version")
    for item in listed:
        if not isinstance(item, str) or not _NAME.fullmatch(item):
            raise InputError(f"{name} names objects as 0x and 64 hex digits in lower case, with @version or without")
    return frozenset(listed)


def _call(data: Any, payments: tuple[Payment, ...]) -> tuple[tuple[Input, ...], tuple[Command, ...]] | None:
    if data is None:
        return None
    payment = payments[0]
    if len(payments) != 1 or payment.everything or payment.amount.units or not payment.asset.is_native:
        raise InputError('data says itself what is paid: to= is a package that it calls and amount= is "0"')
    if isinstance(data, str):
        data = read_base64(data, "data")
    if not isinstance(data, bytes | bytearray):
        raise InputError("data is a TransactionKind in BCS, as bytes or base64")
    call = strictly(bytes(data), _read_kind)
    to = addresses.to_bytes(payment.to)
    if not any(command.kind == "MoveCall" and command.package == to for command in call[1]):
        raise InputError(f"nothing of the package {payment.to} is called in data: to= names one that is")
    return call


def _read_kind(reader: BcsReader) -> tuple[tuple[Input, ...], tuple[Command, ...]]:
    reader.variant("programmable")
    inputs = tuple(reader.sequence(lambda: Input.read(reader), MAX_INPUTS))
    return inputs, tuple(reader.sequence(lambda: read_command(reader), MAX_COMMANDS))
