"""After signing: handing a transaction to a node, and asking what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
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
from ...ops import Op, ask, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers
from .functions import parameters_of
from .rest_form import check_submittable, function_of, request, signature
from .signed import Signed
from .type_tags import TypeTag

__all__ = ["broadcast", "status"]

_TXID: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_MAY_BE_IN: Final = ("SEQUENCE_NUMBER_TOO_OLD", "NONCE_ALREADY_USED", "TRANSACTION_EXPIRED")
_USED_CODES: Final = ("sequence_number_too_old", "invalid_transaction_update")
_FEE_STATEMENT: Final = "0x1::transaction_fee::FeeStatement"


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Submit the transaction; see :meth:`~multiwallet.chain.Chain.broadcast`.

    The arguments travel as JSON, so for a function that is not known here its module's ABI is asked first.
    """
    if not signed.complete:
        raise InvalidTransaction("this transaction lacks signatures: the other signers must sign it first")
    parts = Signed.decode(signed.raw)
    message = parts.message
    check_submittable(message)
    function = function_of(message)
    types: tuple[TypeTag, ...] = ()
    if function is not None:
        found = parameters_of(function)
        if found is None:
            (answer,) = yield from attempt(answers.get(network, answers.module_path(function)))
            found = answers.module_function(function, answer)
        types = found
    body = request(message, types) | {"signature": signature(parts)}
    (outcome,) = yield from attempt(answers.post(network, "transactions", body, broadcast=True))
    txid = signed.txid
    if isinstance(outcome, RateLimited) and not isinstance(outcome.__cause__, TransportError):
        raise Rejected(f"not accepted, the endpoint limits its callers: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=txid) from outcome
    if isinstance(outcome, MultiwalletError):
        if isinstance(outcome.__cause__, TransportError):  # an earlier endpoint was silent: it may have it
            raise BroadcastUncertain(txid=txid) from outcome
        return (yield from _settle(network, signed, outcome))
    if not isinstance(outcome, Mapping) or not isinstance(outcome.get("hash"), str):
        raise BroadcastUncertain(
            f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
        )
    if outcome["hash"].lower() != txid:
        raise BadResponse(f"the node answered the id {outcome['hash'][:80]}, and these bytes have the id {txid}")
    return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)


def _settle(network: Network, signed: SignedTransaction, refusal: MultiwalletError) -> Op[Receipt]:
    """Whether a refusal means that the transaction is in already: its number is used, perhaps by itself."""
    txid, text = signed.txid, _refusal_text(refusal)
    if not any(word in text for word in _MAY_BE_IN) and answers.error_code(refusal) not in _USED_CODES:
        code = answers.error_code(refusal) or getattr(refusal, "node_code", None)
        raise Rejected(f"the node refused the transaction: {text}", node_code=code, data=_data(refusal)) from refusal
    (found,) = yield from attempt(answers.get(network, f"transactions/by_hash/{txid}"))
    if isinstance(found, Mapping) and found.get("hash") == txid:
        return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    if not answers.is_missing(found):
        raise BroadcastUncertain(
            f"the node refuses {txid} and does not say whether it is in already: ask about it", txid=txid
        )
    if "TRANSACTION_EXPIRED" in text:
        raise Expired(f"{txid} has expired and was not accepted: build it anew", txid=txid)
    code = answers.error_code(refusal) or None
    raise Rejected(f"the node refused the transaction: {text}", node_code=code, data=_data(refusal)) from refusal


def _data(refusal: MultiwalletError) -> object:
    return refusal.data if isinstance(refusal, Rejected) else None


def _refusal_text(refusal: MultiwalletError) -> str:
    data = _data(refusal)
    text = data.get("message") if isinstance(data, Mapping) else None
    words = str(text if isinstance(text, str) else refusal.message)[:2000]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:300]


def status(network: Network, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where a transaction stands; ``expiry`` in seconds since 1970. What is included is final at once (AptosBFT)."""
    match = _TXID.fullmatch(txid) if isinstance(txid, str) else None
    if match is None:
        raise InputError("a transaction id of Aptos is 0x and 64 hex digits")
    txid, call = "0x" + match[1].lower(), "GET /transactions/by_hash"
    # The time is asked first: what is missing afterwards cannot have come before it.
    (head,) = yield from ask(answers.get(network, ""))
    ledger = answers.ledger(head)
    (outcome,) = yield from attempt(answers.get(network, f"transactions/by_hash/{txid}"))
    if answers.is_missing(outcome):
        if expiry is not None and ledger.time > expiry:
            raise Expired(f"{txid} was not included before it expired: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    found = answers.table(outcome, call)
    if found.get("hash") != txid:
        raise BadResponse(f"{call} answered about another transaction than {txid}")
    if found.get("type") == "pending_transaction":
        return Receipt(network, txid, Status.PENDING, expiry=expiry)
    if not isinstance(found.get("success"), bool):
        raise BadResponse(f"{call} answered without saying whether {txid} succeeded")
    used, price = answers.number(found, "gas_used", call), answers.number(found, "gas_unit_price", call)
    version, succeeded = answers.number(found, "version", call), found["success"]
    fee = max(used * price - _refund(found), 0)
    return Receipt(
        network,
        txid,
        Status.CONFIRMED if succeeded else Status.FAILED,
        confirmations=1,
        fee=Amount(fee, network.native),
        final=True,
        reason=None if succeeded else " ".join(str(found.get("vm_status")).split())[:400],
        expiry=expiry,
        details={"version": version, "gas_used": used, "gas_unit_price": price},
    )


def _refund(found: Mapping[str, Any]) -> int:
    """What the chain gave back for storage that was freed, in octas."""
    events = found.get("events")
    for event in events if isinstance(events, list) else ():
        if isinstance(event, Mapping) and event.get("type") == _FEE_STATEMENT:
            data = answers.table(event.get("data"), "GET /transactions/by_hash")
            return answers.number(data, "storage_fee_refund_octas", "GET /transactions/by_hash")
    return 0
