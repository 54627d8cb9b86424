"""For an outbox: the nonce a transaction takes, when it can never be included, and what takes its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ...amounts import Amount
from ...chain import Claims, Fee, Holder, Nonces, Options, SignedTransaction, UnsignedTransaction
from ...codec import eip55
from ...errors import InputError, Unsupported
from ...ops import Op, Rpc, ask, attempt
from .answers import read_quantity
from .fees import check_price, fee_effects, read_fees
from .transaction import EvmTransaction, decode_signed, decode_unsigned

__all__ = ["claims", "is_dead", "nonces", "replacement"]

_PLAIN_TRANSFER_GAS: Final = 21000
_COUNT: Final = "eth_getTransactionCount"


def claims(signed: SignedTransaction) -> Claims:
    """The nonce in the signed bytes."""
    transaction, _ = decode_signed(signed.raw)
    return Claims(nonce=transaction.nonce)


def nonces(holder: Holder) -> Op[Nonces]:
    """The account's transaction count, in blocks and with what waits in the node's pool."""
    identity, sender = holder.network.id, holder.address
    answers = yield from ask(Rpc(identity, _COUNT, [sender, "latest"]), Rpc(identity, _COUNT, [sender, "pending"]))
    included, pending = (read_quantity(_COUNT, answer) for answer in answers)
    return Nonces(included, max(included, pending))


def is_dead(holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
    """Whether another transaction of that nonce lies ``depth`` blocks deep, and this one in no block."""
    identity, sender = holder.network.id, holder.address
    transaction, _ = decode_signed(signed.raw)
    (height,) = yield from ask(Rpc(identity, "eth_blockNumber"))
    settled = read_quantity("eth_blockNumber", height) - depth + 1
    if settled < 0:
        return False
    (count,) = yield from attempt(Rpc(identity, _COUNT, [sender, hex(settled)]))
    if not isinstance(count, str) or read_quantity(_COUNT, count) <= transaction.nonce:
        return False  # or the node does not keep that state any more, which proves nothing
    # Asked after the count, and with it once more: a node behind the same address that lags proves nothing.
    (again, receipt, known) = yield from attempt(
        Rpc(identity, _COUNT, [sender, hex(settled)]),
        Rpc(identity, "eth_getTransactionReceipt", [signed.txid]),
        Rpc(identity, "eth_getTransactionByHash", [signed.txid]),
    )
    if not isinstance(again, str) or read_quantity(_COUNT, again) <= transaction.nonce:
        return False
    return receipt is None and known is None


def replacement(
    holder: Holder, transaction: UnsignedTransaction, options: Options, *, cancel: bool
) -> Op[tuple[EvmTransaction, Fee]]:
    """The same transaction at today's prices, and never less than an eighth above what it offered before.

    Nodes ask for a tenth more. To cancel is to send nothing to oneself with the same nonce.
    """
    old = decode_unsigned(transaction.body)
    if old.type not in (0, 1, 2):
        raise Unsupported(f"a transaction of type {old.type} is not replaced here: 0, 1 and 2 are")
    legacy = old.type != 2
    outcomes = yield from attempt(*fee_effects(holder.network, legacy=legacy, speed=options.speed))
    today = read_fees(outcomes, legacy=legacy, network=holder.network)
    if options.max_fee is None:
        check_price(holder.network, today)
    if legacy:
        price = max(today.maximum, _raised(old.gas_price))
        new, expected = replace(old, gas_price=price), price
    else:
        priority = max(today.priority, _raised(old.max_priority_fee_per_gas))
        maximum = max(today.maximum, _raised(old.max_fee_per_gas), priority)
        new = replace(old, max_fee_per_gas=maximum, max_priority_fee_per_gas=priority)
        expected = min((today.base or 0) + priority, maximum)
        price = maximum
    gas = old.gas
    if cancel:
        gas = _PLAIN_TRANSFER_GAS if old.gas <= _PLAIN_TRANSFER_GAS else old.gas
        new = replace(new, to=eip55.parse(holder.address), value=0, data=b"", access_list=(), gas=gas)
    coin = holder.network.native
    details = {"gas": gas, "gas_price" if legacy else "max_fee_per_gas": price, "replaces": old.nonce}
    fee = Fee(
        Amount(_PLAIN_TRANSFER_GAS * expected if cancel else gas * expected, coin), Amount(gas * price, coin), details
    )
    if options.max_fee is not None and fee.maximum > options.max_fee:
        raise InputError(f"the fee can reach {fee.maximum}, which is above max_fee, {options.max_fee}")
    return new, fee


def _raised(price: int) -> int:
    return price + (price + 7) // 8 + 1
