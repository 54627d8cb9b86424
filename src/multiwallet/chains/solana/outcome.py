"""Sending a transaction and asking what became of it."""

from __future__ import annotations

from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
from ...errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InsufficientFunds,
    InvalidTransaction,
    MultiwalletError,
    RateLimited,
    Rejected,
    TransportError,
)
from ...ops import Op, Rpc, ask, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import accounts, address
from .build import COMMITMENT, rpc
from .failure import explain
from .message import parse_transaction

__all__ = ["broadcast", "is_dead", "status"]

_INTERNAL_ERROR: Final = -32603
_ROOTED: Final = 32  # votes that make a block final


def broadcast(network: Network, signed: SignedTransaction, wire: str) -> Op[Receipt]:
    """Hand a transaction to the network; see :meth:`multiwallet.chain.Chain.broadcast`."""
    if not signed.complete:
        raise InvalidTransaction("signatures are still missing: collect them all before sending")
    settings = {"encoding": "base64", "skipPreflight": False, "preflightCommitment": COMMITMENT}
    call = Rpc(network.id, "sendTransaction", (wire, settings), broadcast=True)
    (outcome,) = yield from attempt(call)
    txid = signed.txid
    if isinstance(outcome, MultiwalletError):
        try:
            _refusal(outcome, signed)
        except Rejected as refusal:
            if not _is_about_the_blockhash(outcome):
                raise
            yield from _look_before_refusing(network, txid, refusal)
    elif not isinstance(outcome, str):
        raise BroadcastUncertain(
            f"sendTransaction: the node answered no transaction id: ask about {txid} or send the same bytes again",
            txid=txid,
        )
    elif outcome != txid:
        raise BadResponse(f"the node reports another transaction id than the {txid} of these bytes: do not trust it")
    return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)


def _is_about_the_blockhash(error: MultiwalletError) -> bool:
    data = error.data if isinstance(error, Rejected) and isinstance(error.data, dict) else {}
    return data.get("err") == "BlockhashNotFound" or "Blockhash not found" in error.message


def _look_before_refusing(network: Network, txid: str, error: Rejected) -> Op[None]:
    """Raise the refusal of an old block hash, unless the transaction was included while the hash was young.

    Who sends the same bytes again after a lost answer must not be told to pay anew.
    """
    (answer,) = yield from attempt(rpc(network, "getSignatureStatuses", [txid], {"searchTransactionHistory": True}))
    if isinstance(answer, MultiwalletError):
        raise BroadcastUncertain(
            f"the node refused {txid}, whose block hash it does not know, and does not tell whether an earlier "
            f"broadcast of it arrived ({answer.message}): ask about it",
            txid=txid,
        ) from error
    if _read_status(answer) is None:
        raise error


def _refusal(error: MultiwalletError, signed: SignedTransaction) -> None:
    """Return when the refusal means that the network has the transaction already; raise what it means otherwise."""
    txid = signed.txid
    if isinstance(error, RateLimited):
        pause = "" if error.retry_after is None else f" after {error.retry_after:g} s"
        raise Rejected(
            f"the endpoint limits this client and did not take {txid}: send the same bytes again{pause}"
        ) from error
    if isinstance(error, TransportError):
        raise BroadcastUncertain(
            f"no answer to the broadcast of {txid} ({error.message}): ask about it or send the same bytes again",
            txid=txid,
        ) from error
    if not isinstance(error, Rejected):
        raise error
    data = error.data if isinstance(error.data, dict) else {}
    cause, logs = data.get("err"), data.get("logs")
    if cause is None:
        if "already been processed" in error.message or "AlreadyProcessed" in error.message:
            return
        if error.node_code == _INTERNAL_ERROR:  # the node broke: whether before or after passing it on is not known
            raise BroadcastUncertain(
                f"the node failed on {txid} ({error.message[:160]}): ask about it or send the same bytes again",
                txid=txid,
            ) from error
        raise error
    _, _, message = parse_transaction(signed.raw)
    failure = explain(cause, logs, message)
    if failure.name == "AlreadyProcessed":
        return
    if failure.insufficient:
        raise InsufficientFunds(f"the node refused {txid}: {failure.text}") from error
    raise Rejected(f"the node refused {txid}: {failure.text}", node_code=error.node_code, data=error.data) from error


def status(network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
    """Where a transaction stands; see :meth:`multiwallet.chain.Chain.status`.

    Confirmations are votes upon the block, the block itself counted as one; 32 is final.
    """
    address.decode_signature(txid)
    ask_status = rpc(network, "getSignatureStatuses", [txid], {"searchTransactionHistory": True})
    height_now = rpc(network, "getBlockHeight", {"commitment": COMMITMENT})
    if expiry is None:
        found = _read_status((yield from ask(ask_status))[0])
    else:
        answer, height = yield from ask(ask_status, height_now)
        found = _read_status(answer)
        if found is None and accounts.read_count("getBlockHeight", height) > expiry:
            # The status may be older than the height, or of another node behind the same address that lags: proof is
            # only one asked for after it, of a node that is as far as that itself.
            answer, height = yield from ask(ask_status, height_now)
            found = _read_status(answer)
            if found is None and accounts.read_count("getBlockHeight", height) > expiry:
                raise Expired(
                    f"{txid} was not included up to block {expiry} and cannot be any more: build it anew", txid=txid
                )
    if found is None:
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    block, confirmations, level, error = found
    if level == "processed":
        return Receipt(network, txid, Status.PENDING, block=block, expiry=expiry)
    settings = {"encoding": "base64", "commitment": COMMITMENT, "maxSupportedTransactionVersion": 0}
    (record,) = yield from attempt(rpc(network, "getTransaction", txid, settings))
    fee, logs = _read_record(network, record)
    return Receipt(
        network,
        txid,
        Status.CONFIRMED if error is None else Status.FAILED,
        confirmations=confirmations,
        block=block,
        fee=fee,
        final=level == "finalized",
        reason=None if error is None else explain(error, logs).text,
        expiry=expiry,
    )


def is_dead(network: Network, txid: str, expiry: int | None) -> Op[bool]:
    """Whether the final height is beyond the last one at which the block hash counts, and nothing was included."""
    if expiry is None:
        return False
    (height,) = yield from ask(rpc(network, "getBlockHeight", {"commitment": "finalized"}))
    if accounts.read_count("getBlockHeight", height) <= expiry:
        return False
    # Asked after the height, and of a node that is as far: what is missing now cannot have come before it.
    ask_status = rpc(network, "getSignatureStatuses", [txid], {"searchTransactionHistory": True})
    answer, height = yield from ask(ask_status, rpc(network, "getBlockHeight", {"commitment": "finalized"}))
    return _read_status(answer) is None and accounts.read_count("getBlockHeight", height) > expiry


def _read_status(answer: Any) -> tuple[int, int, str, Any] | None:
    """Slot, confirmations, commitment level and error; None for a transaction that the node does not know."""
    method = "getSignatureStatuses"
    content = accounts.value(method, answer)
    if not isinstance(content, list) or len(content) != 1:
        raise accounts.bad(method)
    (entry,) = content
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise accounts.bad(method)
    slot = accounts.read_count(method, entry.get("slot"))
    votes, level = entry.get("confirmations"), entry.get("confirmationStatus")
    if level is None:  # nodes before 1.5
        level = "finalized" if votes is None else "confirmed" if votes else "processed"
    if level not in ("processed", "confirmed", "finalized"):
        raise accounts.bad(method, "an unknown commitment")
    confirmations = _ROOTED if votes is None else accounts.read_count(method, votes) + 1
    return slot, max(confirmations, _ROOTED) if level == "finalized" else confirmations, level, entry.get("err")


def _read_record(network: Network, record: Any) -> tuple[Amount | None, Any]:
    """The fee paid and the logs; neither where the node does not keep them."""
    meta = record.get("meta") if isinstance(record, dict) else None
    if not isinstance(meta, dict):
        return None, None
    fee = meta.get("fee")
    if isinstance(fee, bool) or not isinstance(fee, int) or not 0 <= fee < 2**64:
        return None, meta.get("logMessages")
    return Amount(fee, network.native), meta.get("logMessages")
