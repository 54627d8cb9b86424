"""For an outbox: the coins a transaction takes, when it can never be included, and what takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...amounts import Amount
from ...chain import Claims, Network, Options, SignedTransaction, UnsignedTransaction
from ...errors import InputError, Unsupported
from ...ops import Op
from ...transactions import Status
from . import fees
from .psbt import Psbt
from .rules import rules_of
from .signable import examine
from .sources import source_of
from .transaction import Transaction, TxOut
from .weights import dust_limit

if TYPE_CHECKING:
    from .transaction import OutPoint

__all__ = ["claims", "is_dead", "replacement"]

_RAISE: Final = 4  # a quarter more than before
_REPLACEABLE_BELOW: Final = 0xFFFFFFFE  # BIP-125
_SIGNED_INPUT: Final = 110  # virtual bytes that the signature of an input may add at most


def claims(signed: SignedTransaction) -> Claims:
    """The outpoints that the signed bytes spend."""
    return Claims(coins=tuple(str(outpoint) for outpoint in _spent(signed)))


def is_dead(network: Network, signed: SignedTransaction, *, depth: int) -> Op[bool]:
    """Whether another transaction that lies ``depth`` blocks deep spends one of its coins."""
    source = source_of(network)
    receipt = yield from source.locate(network, signed.txid)
    if receipt.status is not Status.UNKNOWN:
        return False
    for outpoint in _spent(signed):
        if (yield from source.spent_elsewhere(network, outpoint, signed.txid, depth)):
            return True
    return False


def replacement(network: Network, transaction: UnsignedTransaction, options: Options, *, cancel: bool) -> Op[bytes]:
    """The PSBT with less change and so more fee; to cancel, with all of it as change.

    BIP-125 wants the fee of the one before and that of its own relaying; a quarter more is offered, or what the
    network asks for today if that is higher.
    """
    if not rules_of(network).replacement:
        raise Unsupported(f"nodes of {network.title} do not replace transactions by fee")
    psbt = Psbt.parse(transaction.body)
    old = psbt.transaction
    if not any(txin.sequence < _REPLACEABLE_BELOW for txin in old.inputs):
        raise Unsupported("this transaction was made with rbf=False: it cannot be replaced")
    change = [index for index in transaction.context.get("change", ()) if isinstance(index, int)]
    if not change:
        raise Unsupported("this transaction has no change that a higher fee could come from")
    paid = examine(transaction.body, rules_of(network).sighash).fee
    size = len(old.serialize(witness=False)) + _SIGNED_INPUT * len(old.inputs)
    relay = -(-size * fees.dust_relay_rate(network) // 1000)
    today = yield from fees.estimate(network, options.speed)
    fee = max(paid + max(paid // _RAISE, relay), -(-size * today // 1000))
    last = change[-1]
    total = sum(output.amount for output in old.outputs) + paid
    others = 0 if cancel else total - paid - old.outputs[last].amount
    left = total - others - fee
    script = old.outputs[last].script
    if left < dust_limit(script, fees.dust_relay_rate(network)):
        raise Unsupported("the change of this transaction is too little for a higher fee")
    maximum = options.max_fee
    if maximum is not None and fee > maximum.units:
        raise InputError(f"the fee would be {Amount(fee, network.native)}, more than the limit of {maximum}")
    rest = TxOut(left, script)
    kept = [last] if cancel else range(len(old.outputs))
    outputs = [rest if index == last else old.outputs[index] for index in kept]
    new = Psbt(
        Transaction(old.version, old.inputs, outputs, old.locktime),
        psbt.inputs,
        [psbt.outputs[index] for index in kept],
        psbt.globals,
    )
    return new.serialize()


def _spent(signed: SignedTransaction) -> list[OutPoint]:
    return [txin.outpoint for txin in Transaction.parse(signed.raw).inputs]
