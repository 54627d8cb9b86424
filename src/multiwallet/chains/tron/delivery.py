"""After signing: handing a TRON transaction to a node, and asking what became of it."""

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
from ...ops import Effect, Op, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers
from .node_form import decoded_message

__all__ = ["broadcast", "is_dead", "status"]

_TXID: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_NO_SUCH_CALL: Final = (404, 405)
_UNSETTLED: Final = 60_000  # milliseconds
_LAG: Final = 60_000  # milliseconds that a node behind the same address may be late
_TOO_LATE: Final = ("TRANSACTION_EXPIRATION_ERROR", "TAPOS_ERROR")


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Send the bytes with ``wallet/broadcasthex``; see :meth:`~multiwallet.chain.Chain.broadcast`.

    The JSON form makes the node serialise ``raw_data`` anew; the hex form is sent first because it cannot. A node
    without that call gets the JSON.
    """
    if not signed.complete:
        raise InvalidTransaction("this transaction lacks signatures: it cannot be broadcast")
    effect = answers.post(network, "wallet/broadcasthex", broadcast=True, transaction=signed.raw.hex())
    (outcome,) = yield from attempt(effect)
    if isinstance(outcome, Rejected) and outcome.node_code in _NO_SUCH_CALL:
        wire = signed.to_wire()
        if "raw_data" not in wire:
            raise outcome
        (outcome,) = yield from attempt(answers.post(network, "wallet/broadcasttransaction", broadcast=True, **wire))
    try:
        return _receipt(network, signed, outcome)
    except (Expired, Rejected) as refusal:
        if isinstance(outcome, Mapping) and outcome.get("code") in _TOO_LATE:
            return (yield from _settle_too_late(network, signed, refusal))
        raise


def _settle_too_late(network: Network, signed: SignedTransaction, refusal: MultiwalletError) -> Op[Receipt]:
    """Too late it is for a transaction that never arrived, and for one that was included long ago, which is success.

    java-tron looks at the time first and for a duplicate only then, so its refusal does not tell the two apart.
    """
    txid, call = signed.txid, "wallet/gettransactionbyid"
    (found,) = yield from attempt(answers.post(network, call, value=txid))
    try:
        if isinstance(found, MultiwalletError):
            raise found
        known = _of(found, "txID", txid, call)
    except MultiwalletError as error:
        raise BroadcastUncertain(
            f"the node says that it is too late for {txid}, and not whether it was included before: ask about it",
            txid=txid,
        ) from error
    if not known:
        raise refusal
    return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)


def _receipt(network: Network, signed: SignedTransaction, outcome: Any) -> Receipt:
    txid = signed.txid
    if isinstance(outcome, RateLimited):
        raise Rejected(f"not accepted, the endpoint limits its callers: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=txid) from outcome
    if isinstance(outcome, MultiwalletError):
        if isinstance(outcome.__cause__, TransportError):  # an earlier endpoint was silent: it may have it
            raise BroadcastUncertain(txid=txid) from outcome
        raise outcome
    if not isinstance(outcome, Mapping):
        raise _unclear(txid)
    accepted = Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    if "Error" in outcome:
        raise Rejected(f"the node refused the transaction: {str(outcome['Error'])[:300]}", data=dict(outcome))
    named = outcome.get("txid")
    if isinstance(named, str) and named and named.lower() != txid:
        raise BadResponse(f"the node answered the id {named[:80]}, and these bytes have the id {txid}")
    code = outcome.get("code")
    if outcome.get("result") is True or code == "DUP_TRANSACTION_ERROR":
        return accepted
    if not isinstance(code, str) or code == "SUCCESS":
        raise _unclear(txid)
    text = decoded_message(outcome.get("message")) or code
    if code == "TRANSACTION_EXPIRATION_ERROR":
        raise Expired(f"{txid} has expired and was not accepted: build it anew ({text})", txid=txid)
    raise Rejected(f"the node refused the transaction: {text} ({code[:60]})", node_code=code, data=dict(outcome))


def _unclear(txid: str) -> BroadcastUncertain:
    return BroadcastUncertain(
        f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
    )


def status(network: Network, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where a transaction stands, from one batch; ``expiry`` is in milliseconds since 1970, as TRON has it."""
    match = _TXID.fullmatch(txid) if isinstance(txid, str) else None
    if match is None:
        raise InputError("a TRON transaction id is 64 hex digits")
    txid = match[1].lower()
    calls = (
        "wallet/gettransactionbyid",
        "wallet/gettransactioninfobyid",
        "walletsolidity/gettransactioninfobyid",
    )
    effects: list[Effect] = [answers.post(network, call, value=txid) for call in calls]
    outcomes = yield from attempt(*effects, answers.post(network, "wallet/getnowblock"))
    for position, outcome in enumerate(outcomes):
        # Some full nodes do not serve walletsolidity; then nothing is called final.
        if isinstance(outcome, MultiwalletError) and not (position == 2 and isinstance(outcome, Rejected)):
            raise outcome
    known = _of(outcomes[0], "txID", txid, calls[0])
    info = _of(outcomes[1], "id", txid, calls[1])
    solid = {} if isinstance(outcomes[2], Rejected) else _of(outcomes[2], "id", txid, calls[2])
    tip = answers.block(outcomes[3], "wallet/getnowblock")
    info = info or solid  # a full node behind its solidity view has not looked yet
    if not info:
        if not known and expiry is not None and tip.timestamp > expiry:
            raise Expired(f"{txid} was not included before it expired: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.PENDING if known else Status.UNKNOWN, expiry=expiry)
    number = answers.field(info, "blockNumber", calls[1], default=None)
    receipt = answers.nested(info, "receipt", calls[1])
    result = receipt.get("result", "SUCCESS")
    failed = info.get("result") == "FAILED" or result not in ("SUCCESS", "DEFAULT")
    return Receipt(
        network,
        txid,
        Status.FAILED if failed else Status.CONFIRMED,
        confirmations=max(tip.number - number + 1, 1),  # the answers of a batch may come from nodes a block apart
        block=number,
        fee=Amount(answers.field(info, "fee", calls[1]), network.native),
        final=bool(solid),
        reason=_reason(info, str(result)) if failed else None,
        expiry=expiry,
        details={
            "energy": answers.field(receipt, "energy_usage_total", calls[1]),
            "bandwidth": answers.field(receipt, "net_usage", calls[1]),
        },
    )


def is_dead(network: Network, txid: str, expiry: int | None) -> Op[bool]:
    """Whether a block that can no longer be undone is a minute later than the expiry, and the transaction in none.

    The questions are requests of their own, which may reach different nodes: the minute is for one that lags. Of a
    node that does not serve the view of final blocks the newest one has to be two minutes past the expiry, as TRON
    undoes at most nineteen blocks of three seconds.
    """
    if expiry is None:
        return False
    effects = [answers.post(network, call) for call in ("walletsolidity/getnowblock", "wallet/getnowblock")]
    solid, newest = yield from attempt(*effects)
    if isinstance(newest, MultiwalletError):
        raise newest
    if isinstance(solid, MultiwalletError):
        if not isinstance(solid, Rejected):
            raise solid
        settled = answers.block(newest, "wallet/getnowblock").timestamp - _UNSETTLED
    else:
        settled = answers.block(solid, "walletsolidity/getnowblock").timestamp
    if settled <= expiry + _LAG:
        return False
    # Asked after the block: what is missing now cannot have come before it.
    calls = ("wallet/gettransactionbyid", "wallet/gettransactioninfobyid")
    known, info = yield from attempt(*[answers.post(network, call, value=txid) for call in calls])
    for outcome in (known, info):
        if isinstance(outcome, MultiwalletError):
            raise outcome
    return not _of(known, "txID", txid, calls[0]) and not _of(info, "id", txid, calls[1])


def _of(answer: Any, key: str, txid: str, call: str) -> Mapping[str, Any]:
    found = answers.table(answer, call)
    if found and found.get(key) != txid:
        raise BadResponse(f"{call} answered about another transaction than {txid}")
    return found


def _reason(info: Mapping[str, Any], result: str) -> str:
    returned = info.get("contractResult", [])
    reason = None
    if isinstance(returned, list) and returned and isinstance(returned[0], str):
        try:
            reason = answers.revert_reason(bytes.fromhex(returned[0]))
        except ValueError:
            reason = None
    message = decoded_message(info.get("resMessage"))
    parts = [result if result != "SUCCESS" else "FAILED", reason or message]
    return ": ".join(part for part in parts if part)[:400]
