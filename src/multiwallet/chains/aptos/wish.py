"""What a caller asks for, checked before anything is asked of a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Holder, Network, Options, Payment, check_options
from ...codec.hexadecimal import parse_hex
from ...errors import AmountError, InputError, Unsupported
from . import addresses
from .functions import pay, read_reference
from .move_values import encode_argument
from .raw_transaction import MAX_SIGNERS, U64_MAX, EntryFunction, Payload, RawTransaction, SigningMessage, strictly
from .rest_form import check_submittable, parse_function
from .type_tags import TypeTag, parse_type

__all__ = ["Wish", "wish"]

LIFETIME: Final = 600
"""Seconds from the ledger's time until a transaction with a sequence number expires."""
ORDERLESS_LIFETIME: Final = 60
"""The same for orderless ones, for which the chain takes no more than this (AIP-123)."""
_MOST_LIFETIME: Final = 86_400
_MOST_PAYMENTS: Final = 500
MAX_GAS_AMOUNT: Final = 2_000_000
_CALL: Final = ("function", "type_arguments", "arguments")


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request. ``call`` is what is run, or None where payments are; ``fee_payer`` may be the zero address."""

    holder: Holder
    payments: tuple[Payment, ...]
    call: EntryFunction | Payload | None
    secondary: tuple[bytes, ...]
    fee_payer: bytes | None
    sequence_number: int | None
    replay_nonce: int | None
    lifetime: int
    gas_unit_price: int | None
    max_gas_amount: int | None

    @property
    def network(self) -> Network:
        return self.holder.network

    @property
    def asset(self) -> Asset:
        return self.payments[0].asset

    @property
    def token(self) -> Asset | None:
        return None if self.asset.is_native or self.call is not None else self.asset

    @property
    def everything(self) -> bool:
        return self.payments[0].everything

    @property
    def units(self) -> int:
        """What is paid in all, in the asset's smallest unit."""
        return 0 if self.call is not None else sum(payment.amount.units for payment in self.payments)

    def payload(self, units: int | None = None) -> Payload:
        """What is run; ``units`` in the place of a single payment's amount."""
        call = self.call
        if isinstance(call, Payload):
            return call
        if call is None:
            listed = tuple((payment.to, payment.amount.units) for payment in self.payments)
            call = pay(self.asset, listed if units is None else ((listed[0][0], units),))
        return Payload(call, None, self.replay_nonce, inner=self.replay_nonce is not None)


def wish(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Wish:
    """Check a request; InputError, AmountError or Unsupported say what is wrong with it."""
    check_options(
        options,
        "arguments",
        "data",
        "expiration",
        "fee_payer",
        "function",
        "gas_unit_price",
        "max_gas_amount",
        "nonce",
        "orderless",
        "replay_nonce",
        "secondary_signers",
        "sequence_number",
        "type_arguments",
    )
    native = options.native
    if options.memo is not None:
        raise Unsupported("Aptos has no memos: exchanges there tell deposits apart by address")
    if not 1 <= len(payments) <= _MOST_PAYMENTS:
        raise Unsupported(f"a transaction of Aptos pays from 1 to {_MOST_PAYMENTS} recipients here")
    orderless, replay = _replay(native, options.salt)
    sequence = _sequence(native)
    if orderless and sequence is not None:
        raise InputError("an orderless transaction has no sequence number: leave one of the two out")
    call = _call(native, payments, replay)
    if call is None:
        _check_payments(holder, payments, is_numbered=sequence is not None)
    elif isinstance(call, Payload) and call.replay_nonce is not None:
        if sequence is not None:
            raise InputError("data is an orderless payload, which has no sequence number: leave it out")
        orderless, replay = True, call.replay_nonce
    secondary, payer = _signers(holder, native)
    most = ORDERLESS_LIFETIME if orderless else _MOST_LIFETIME
    lifetime = _whole(native, "expiration", 1, most)
    return Wish(
        holder,
        payments,
        call,
        secondary,
        payer,
        sequence,
        replay,
        (ORDERLESS_LIFETIME if orderless else LIFETIME) if lifetime is None else lifetime,
        _whole(native, "gas_unit_price", 1, 10**10),
        _whole(native, "max_gas_amount", 1, MAX_GAS_AMOUNT),
    )


def _check_payments(holder: Holder, payments: tuple[Payment, ...], *, is_numbered: bool) -> None:
    asset = payments[0].asset
    for payment in payments:
        if payment.asset.network_id != holder.network.id:
            raise AmountError(f"{payment.asset.id} does not live on {holder.network.name}")
        if payment.asset != asset:
            raise Unsupported("one transaction of Aptos pays several recipients in one asset: build one for each asset")
        if payment.everything and len(payments) > 1:
            raise Unsupported('"max" stands alone: pay the other recipients in a transaction before')
        # Nothing to oneself with a number of one's own is no mistake: it takes up that number.
        takes_up = is_numbered and asset.is_native and payment.to == holder.address and len(payments) == 1
        if not payment.everything and not (0 if takes_up else 1) <= payment.amount.units <= U64_MAX:
            raise AmountError("the amount is zero or more than Aptos can carry")
    if sum(payment.amount.units for payment in payments) > U64_MAX:
        raise AmountError("the amounts together are more than Aptos can carry")
    if not asset.is_native:
        if asset.namespace not in ("fa", "coin"):
            raise Unsupported(f"fungible assets (fa) and coins (coin) are sent here, not {asset.namespace} assets")
        if isinstance(read_reference(asset.reference), TypeTag) != (asset.namespace == "coin"):
            raise InputError(f"{asset.id[:120]} names a coin by an address, or a fungible asset by a type")


def _replay(native: Mapping[str, Any], salt: int) -> tuple[bool, int | None]:
    nonce = _whole(native, "replay_nonce", 0, U64_MAX)
    orderless = native.get("orderless", nonce is not None)
    if not isinstance(orderless, bool):
        raise InputError("orderless is True or False")
    if not orderless:
        if nonce is not None:
            raise InputError("a replay_nonce belongs to an orderless transaction")
        return False, None
    return True, salt & U64_MAX if nonce is None else nonce


def _sequence(native: Mapping[str, Any]) -> int | None:
    if "nonce" in native and "sequence_number" in native:
        raise InputError("nonce and sequence_number are two names of one option: give one of them")
    name = "nonce" if "nonce" in native else "sequence_number"
    return _whole(native, name, 0, U64_MAX - 1)


def _whole(native: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = native.get(name)
    if value is None:
        return None
    if isinstance(value, Amount):
        value = value.units
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}")
    return value


def _signers(holder: Holder, native: Mapping[str, Any]) -> tuple[tuple[bytes, ...], bytes | None]:
    listed = native.get("secondary_signers", ())
    if isinstance(listed, str) or not isinstance(listed, list | tuple) or len(listed) > MAX_SIGNERS:
        raise InputError(f"secondary_signers is a list of at most {MAX_SIGNERS} addresses")
    secondary = tuple(map(addresses.to_bytes, listed))
    stated = native.get("fee_payer")
    payer = None if stated is None else addresses.to_bytes(stated)
    signers = (addresses.to_bytes(holder.address), *secondary, *(() if payer is None else (payer,)))
    if len(set(signers)) != len(signers):
        raise InputError("a signer is named twice: sender, further signers and fee payer are different accounts")
    return secondary, payer


def _call(
    native: Mapping[str, Any], payments: tuple[Payment, ...], replay: int | None
) -> EntryFunction | Payload | None:
    data = native.get("data")
    if data is None and not any(name in native for name in _CALL):
        return None
    if data is not None and any(name in native for name in _CALL):
        raise InputError("give either data or function with its arguments, not both")
    payment = payments[0]
    if len(payments) != 1 or payment.everything or payment.amount.units or not payment.asset.is_native:
        raise InputError('a call carries no coins of its own: to= is the module\'s address and amount= is "0"')
    if data is not None:
        found: EntryFunction | Payload = _payload(data, replay)
        item = found.executable if isinstance(found, Payload) else found
    else:
        found = item = _function(native)
    if isinstance(item, EntryFunction) and item.address != addresses.to_bytes(payment.to):
        raise InputError(
            f"the call is of {item.id}, and to= is {payment.to}: it must be the address of the called module"
        )
    return found


def _payload(data: Any, replay: int | None) -> EntryFunction | Payload:
    if isinstance(data, str):
        data = parse_hex(data, what="data")
    if not isinstance(data, bytes | bytearray):
        raise InputError("data is a TransactionPayload in BCS, as bytes or hex")
    payload = strictly(bytes(data), Payload.read)
    check_submittable(SigningMessage(RawTransaction(addresses.ZERO, 0, payload, 0, 0, 0, 1)))
    if isinstance(payload.executable, EntryFunction) and payload.multisig is None and payload.replay_nonce is None:
        return payload.executable
    if replay is not None:
        raise InputError("data says itself whether the transaction is orderless: leave orderless and replay_nonce out")
    return payload


def _function(native: Mapping[str, Any]) -> EntryFunction:
    name = native.get("function")
    if not isinstance(name, str):
        raise InputError("function= names what is called: 0x1::module::function")
    address, module, function = parse_function(name)
    tags, arguments = native.get("type_arguments", ()), native.get("arguments", ())
    for value, what in ((tags, "type_arguments"), (arguments, "arguments")):
        if not isinstance(value, list | tuple):
            raise InputError(f"{what} is a list")
    encoded = []
    for argument in arguments:
        if isinstance(argument, bytes | bytearray):
            encoded.append(bytes(argument))
        elif isinstance(argument, list | tuple) and len(argument) == 2:
            encoded.append(encode_argument(parse_type(argument[0]), argument[1]))
        else:
            raise InputError('an argument is a pair of type and value, such as ("u64", 5), or bytes in BCS')
    return EntryFunction(address, module, function, tuple(map(parse_type, tags)), tuple(encoded))
