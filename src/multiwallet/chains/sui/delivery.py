"""After signing: handing a transaction to a node, and asking what became of it."""

from __future__ import annotations

from typing import Final

from ...amounts import Amount
from ...chain import Network
from ...codec import base58
from ...errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InvalidTransaction,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    TransportError,
    Unreachable,
)
from ...ops import Op, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers, queries
from .answers import Effects
from .signed import Signed

__all__ = ["broadcast", "is_txid", "status"]

_WHAT: Final = "the broadcast"
_NO: Final = (
    "not available for consumption",
    "reserved for another transaction",
    "equivocat",
    "already locked",
    "conflicting transaction",
    "invalid user signature",
    "signature is not valid",
    "invalidargument",
    "invalid argument",
    "failedprecondition",
    "gas budget",
    "gas balance",
    "balance of gas",
    "gas price",
    "transaction expired",
    "transactionexpired",
    "transaction is expired",
)
"""What is found in a refusal that no later attempt with these bytes turns into a yes at once."""


def is_txid(text: str) -> bool:
    """Whether a text is the base58 of 32 bytes."""
    try:
        return isinstance(text, str) and len(base58.decode(text, limit=64)) == 32
    except InputError:
        return False


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Execute the transaction; see :meth:`~multiwallet.chain.Chain.broadcast`.

    Executing the same bytes again gives the same effects. A refusal is believed only after the service has said that
    it does not know the transaction.
    """
    if not signed.complete:
        raise InvalidTransaction("this transaction lacks a signature: the other signer must sign it first")
    wire = Signed.decode(signed.raw).to_wire()
    effect = answers.query(
        network, queries.EXECUTE, broadcast=True, transaction=wire["bytes"], signatures=wire["signatures"]
    )
    (outcome,) = yield from attempt(effect)
    txid = signed.txid
    if isinstance(outcome, RateLimited):
        raise Rejected(f"not accepted, the endpoint limits its callers: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=txid) from outcome
    if isinstance(outcome, MultiwalletError) and isinstance(outcome.__cause__, TransportError):
        raise BroadcastUncertain(txid=txid) from outcome  # an earlier endpoint was silent: it may have it
    try:
        data = answers.inner(answers.table(outcome, _WHAT), "executeTransaction", _WHAT)
        effects = answers.effects(answers.inner(data, "effects", _WHAT), _WHAT)
    except (BadResponse, Timeout) as error:
        raise BroadcastUncertain(txid=txid) from error
    except Rejected as refusal:
        return (yield from _settle(network, signed, refusal))
    if effects.digest != txid:
        raise BadResponse(f"the node answered the id {effects.digest[:80]}, and these bytes have the id {txid}")
    return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)


def _settle(network: Network, signed: SignedTransaction, refusal: Rejected) -> Op[Receipt]:
    """Whether a refused transaction is in already, and whether the refusal is a no or only a failure to say yes."""
    (outcome,) = yield from attempt(answers.query(network, queries.TRANSACTION, digest=signed.txid))
    try:
        found = answers.transaction(outcome)
    except MultiwalletError as error:
        raise BroadcastUncertain(
            f"the node refuses {signed.txid} and does not say whether it is in already: ask about it", txid=signed.txid
        ) from error
    if found is not None and found.digest == signed.txid:
        return Receipt(network, signed.txid, Status.PENDING, expiry=signed.expiry)
    text = refusal.message.lower()
    if "reserved for another transaction" in text or "equivocat" in text or "already locked" in text:
        raise Rejected(
            f"a coin of this transaction is taken by another transaction: if that one does not go through, the coin "
            f"is free again when the epoch ends. {refusal.message}",
            node_code=refusal.node_code,
            data=refusal.data,
        ) from refusal
    if refusal.node_code in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED") or any(
        word in text for word in _NO
    ):
        raise refusal
    if isinstance(refusal.node_code, int):  # the HTTP server's own refusal: nothing was executed
        raise refusal
    raise BroadcastUncertain(
        f"the node could not say whether {signed.txid} goes through: ask about it, or send the same bytes again",
        txid=signed.txid,
    ) from refusal


def status(network: Network, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where a transaction stands; ``expiry`` is the last epoch. What is in a checkpoint is final."""
    if not is_txid(txid):
        raise InputError("a transaction id of Sui is the base58 of 32 bytes")
    # The epoch is asked first: what is missing afterwards cannot have come before its beginning.
    (first,) = yield from attempt(answers.query(network, queries.HEAD))
    head = answers.head(first, network)
    (answer,) = yield from attempt(answers.query(network, queries.TRANSACTION, digest=txid))
    found = answers.transaction(answer)
    if found is None:
        if expiry is not None and head.epoch > expiry:
            raise Expired(f"{txid} was not included before its last epoch ended: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    if found.digest != txid:
        raise BadResponse(f"the question about {txid} was answered with another transaction")
    return _receipt(network, found, head.checkpoint, expiry)


def _receipt(network: Network, found: Effects, newest: int, expiry: int | None) -> Receipt:
    place = found.checkpoint
    details = {"computation": found.computation, "storage": found.storage, "rebate": found.rebate}
    if place is None:  # executed, and on its way into a checkpoint
        return Receipt(network, found.digest, Status.PENDING, expiry=expiry, details=details)
    return Receipt(
        network,
        found.digest,
        Status.CONFIRMED if found.success else Status.FAILED,
        confirmations=max(newest - place, 0) + 1,
        block=place,
        fee=Amount(found.fee, network.native),
        final=True,
        reason=None if found.success else found.error or "the chain gave no reason",
        expiry=expiry,
        details=details | ({} if found.epoch is None else {"epoch": found.epoch}),
    )
