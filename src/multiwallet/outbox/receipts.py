"""Between the store's records and what accounts take and give: signed transactions, and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..amounts import Amount
from ..operations import AccountOperations
from ..store.records import Attempt, Outgoing, State
from ..transactions import Receipt, SignedTransaction, Status

__all__ = ["receipt_of", "signed_of"]


def signed_of(operations: AccountOperations, attempt: Attempt) -> SignedTransaction:
    """The kept bytes as a transaction of the account's network."""
    return SignedTransaction(operations.chain, operations.network, attempt.raw, attempt.txid, True, attempt.expiry)


def receipt_of(operations: AccountOperations, record: Outgoing) -> Receipt:
    """What is known of a payment, as a receipt whose details name its key and state."""
    told: Mapping[str, Any] = record.receipt or {}
    details = {"key": record.key, "state": record.state.value}
    if record.error:
        details["error"] = record.error
    if told and record.state in (State.INCLUDED, State.CONFIRMED, State.FAILED, State.CANCELLED):
        fee = told.get("fee")
        native = operations.network.native
        return Receipt(
            operations.network,
            told["txid"],
            Status(told["status"]),
            confirmations=told["confirmations"],
            block=told["block"],
            fee=None if fee is None else Amount(int(fee["units"]), native),
            final=told["final"],
            reason=told["reason"],
            details=details,
        )
    status = Status.PENDING if record.state is State.SENT and record.error is None else Status.UNKNOWN
    newest = record.attempts[-1] if record.attempts else None
    return Receipt(
        operations.network,
        newest.txid if newest else "",
        status,
        expiry=newest.expiry if newest else None,
        details=details,
    )
