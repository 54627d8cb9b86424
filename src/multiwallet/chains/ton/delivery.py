"""Handing a message to the network, and what became of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network, Receipt, SignedTransaction, Status
from ...codec import boc
from ...errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    Unreachable,
)
from ...ops import Op, attempt
from . import answers
from .messages import External

__all__ = ["broadcast", "is_dead", "status"]

_TXID: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_EXIT: Final = re.compile(r"exit ?code[\"'=: ]{1,4}(-?[0-9]{1,5})", re.IGNORECASE)
_REFUSED: Final = ("cannot apply external message", "was not accepted", "failed to unpack", "cannot unpack")
_NOT_NOW: Final = "cannot apply external message"
_NO_STATE: Final = "unpack account state"  # there is no account: it was never paid
_KNOWN: Final = ("duplicate message", "already in the mempool", "message already")
# What the wallets throw: v3 33 to 35, v4 33 to 36, v5 132 to 136. A wrong sequence number may be our own success.
_SEQNO: Final = (33, 133)
_EXPIRED: Final = (35, 36, 136)  # 35 is v3's, for a wrong signature as well
_REASONS: Final = {
    33: "the wallet expects another sequence number",
    133: "the wallet expects another sequence number",
    34: "the message is for another wallet id",
    134: "the message is for another wallet id",
    35: "the signature is wrong, or the order has expired",
    135: "the signature is wrong",
    36: "the order has expired",
    136: "the order has expired",
}
_GRACE: Final = 60  # seconds: a block with the message may be older than the newest one that refuses it
_BLOCK_TIME: Final = 10  # seconds; more than a masterchain block takes
_FOLLOWED: Final = 16


def broadcast(network: Network, signed: SignedTransaction, message: External) -> Op[Receipt]:
    """``message``: the same bytes again are the same message, of which a wallet carries out one."""
    txid = signed.txid
    accepted = Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    bag = base64.b64encode(signed.raw).decode("ascii")
    (outcome,) = yield from attempt(answers.post(network, "message", broadcast=True, boc=bag))
    if isinstance(outcome, RateLimited):
        raise outcome
    if isinstance(outcome, MultiwalletError):
        text = outcome.message
        lower = text.lower()
        if any(word in lower for word in _KNOWN):
            return accepted
        if isinstance(outcome, Timeout | Unreachable) or (
            isinstance(outcome, BadResponse) and not any(word in lower for word in _REFUSED)
        ):
            raise BroadcastUncertain(
                f"no answer to the broadcast of {txid}: ask about it or send the same bytes again", txid=txid
            ) from outcome
        if not isinstance(outcome, Rejected | BadResponse):
            raise outcome
        code = _exit_code(text)
        spent = code in _SEQNO or (code is None and _NOT_NOW in lower and _NO_STATE not in lower)
        if spent and (yield from _is_included(network, txid)):
            return accepted
        if spent:
            raise BroadcastUncertain(
                f"the wallet refused the order, most likely for one with the same sequence number that came first, "
                f"and the index does not know whether that was {txid}: ask about it until it is found or has expired",
                txid=txid,
            ) from outcome
        if code in _EXPIRED and signed.expiry is not None and (yield from _is_past(network, signed.expiry)):
            # A wallet says this of an order too that it carried out before: its time is up all the same.
            if (yield from _is_included(network, txid)):
                return accepted
            told = outcome if isinstance(outcome, Rejected) else None  # the wallet's refusal, though with status 500
            raise Expired(f"{txid} has expired and was not accepted: build it anew", txid=txid) from told
        reason = _REASONS.get(code, "") if code is not None else ""
        raise Rejected(
            f"the node refused the message: {reason + ': ' if reason else ''}{text[:300]}",
            node_code=code,
            data=getattr(outcome, "data", None),
        ) from (outcome if isinstance(outcome, Rejected) else None)  # the node's refusal, though with status 500
    call = "message"
    if not isinstance(outcome, Mapping):
        raise BroadcastUncertain(
            f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
        )
    normalized, plain = outcome.get("message_hash_norm"), outcome.get("message_hash")
    if normalized and answers.hash_of(normalized, call).hex() != txid:
        raise BadResponse(f"the node answered another id than {txid}, which these bytes have")
    if plain and answers.hash_of(plain, call) not in (message.cell().hash, boc.decode(signed.raw).hash):
        raise BadResponse("the node answered another hash than that of the message it was sent")
    if not normalized and not plain:
        raise BroadcastUncertain(
            f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
        )
    return accepted


def _exit_code(text: str) -> int | None:
    found = _EXIT.search(text)
    return None if found is None else int(found[1])


def _is_included(network: Network, txid: str) -> Op[bool]:
    """Whether the index knows the message; BroadcastUncertain where it does not answer."""
    (outcome,) = yield from attempt(_by_message(network, txid))
    try:
        return bool(_transactions(outcome))
    except MultiwalletError as error:
        raise BroadcastUncertain(
            f"the wallet refused the order, and the index does not say whether it was carried out before: ask about {txid}",
            txid=txid,
        ) from error


def _is_past(network: Network, expiry: int) -> Op[bool]:
    (outcome,) = yield from attempt(answers.get(network, "masterchainInfo"))
    return not isinstance(outcome, MultiwalletError) and answers.tip(outcome).time > expiry


def _by_message(network: Network, txid: str) -> Any:
    return answers.get(network, "transactionsByMessage", msg_hash=txid, direction="in", limit="4")


def _transactions(outcome: Any) -> list[Mapping[str, Any]]:
    """The transactions that a message started; none where the index does not know it."""
    call = "transactionsByMessage"
    if isinstance(outcome, Rejected) and outcome.node_code == 404:
        return []
    return answers.listed(answers.table(outcome, call), "transactions", call)


def status(network: Network, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where the transaction of a message stands; ``expiry`` is in seconds since 1970.

    Messages that ask to bounce are followed to their recipients: until those have answered the status is pending, and
    failed where the value came back.
    """
    if not isinstance(txid, str) or not _TXID.fullmatch(txid):
        raise InputError("the id of a TON message is its normalised hash, 64 hex digits")
    txid = txid.lower()
    call = "transactionsByMessage"
    answer, newest = yield from attempt(_by_message(network, txid), answers.get(network, "masterchainInfo"))
    tip = answers.tip(newest)
    listed = _transactions(answer)
    if not listed:
        if expiry is not None and tip.time > expiry + _GRACE:
            raise Expired(f"{txid} was not included before it expired: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    found = listed[0]
    _check_message(found, txid, call)
    block = answers.field(found, "mc_block_seqno", call, default=0)
    if not block:
        return Receipt(network, txid, Status.PENDING, expiry=expiry)
    sent = answers.listed(found, "out_msgs", call)
    fee = answers.field(found, "total_fees", call)
    fee += sum(answers.field(item, "fwd_fee", call, default=0) for item in sent)
    reason = _failure(answers.nested(found, "description", call), call)
    details: dict[str, Any] = {"messages": len(sent), "lt": str(found.get("lt", ""))[:24]}
    place = Status.CONFIRMED
    if reason is None:
        followed = [answers.hash_of(item.get("hash"), call).hex() for item in sent if item.get("bounce") is True]
        arrived, reason = yield from _follow(network, followed[:_FOLLOWED])
        if not arrived:
            place = Status.PENDING
            details["waiting"] = "a contract that was sent to has not answered yet"
    return Receipt(
        network,
        txid,
        Status.FAILED if reason else place,
        confirmations=max(tip.seqno - block + 1, 1),
        block=block,
        fee=Amount(fee, network.native),
        final=place is Status.CONFIRMED,
        reason=reason,
        expiry=expiry,
        details=details,
    )


def is_dead(network: Network, signed: SignedTransaction, expiry: int, depth: int) -> Op[bool]:
    """Whether no block holds the message and none can: its time was up ``depth`` blocks and a minute ago.

    A first message, which brings its wallet along, is looked for by its plain hash too: an index that knows no
    normalised ones has it under that alone. An endpoint of another network is a BadResponse.
    """
    hashes = dict.fromkeys((signed.txid, boc.decode(signed.raw).hash.hex()))
    newest, *found = yield from attempt(
        answers.get(network, "masterchainInfo"), *(_by_message(network, item) for item in hashes)
    )
    if any(_transactions(answer) for answer in found):
        return False
    tip = answers.tip(newest)
    if str(tip.global_id) != network.reference:
        raise BadResponse(f"this endpoint serves tvm:{tip.global_id}, not {network.id}: check its URL")
    return tip.time > expiry + _GRACE + _BLOCK_TIME * depth


def _check_message(found: Mapping[str, Any], txid: str, call: str) -> None:
    """The transaction's incoming message is external and the one that was asked about."""
    message = answers.nested(found, "in_msg", call)
    if message.get("source") is not None:
        raise BadResponse(f"{call} answered a transaction that no external message started")
    normalized = message.get("hash_norm")
    # Where an index tells no normalised hash, that of a first message (with its StateInit) is another one than ours.
    if normalized is not None and answers.hash_of(normalized, call).hex() != txid:
        raise BadResponse(f"{call} answered about another message than {txid}")
    answers.hash_of(message.get("hash"), call)


def _failure(description: Mapping[str, Any], call: str) -> str | None:
    """Why a transaction failed; None where it did not."""
    compute = answers.nested(description, "compute_ph", call, optional=True)
    action = answers.nested(description, "action", call, optional=True)
    if compute.get("skipped") is True:
        return f"the contract did not run: {str(compute.get('reason', 'no reason given'))[:60]}"
    if compute.get("success") is False:
        return f"the contract gave up with exit code {str(compute.get('exit_code'))[:12]}"
    if action.get("no_funds") is True:
        return "the balance did not suffice for the messages"
    if action.get("success") is False:
        return f"sending failed with result code {str(action.get('result_code'))[:12]}"
    skipped = answers.field(action, "skipped_actions", call, default=0)
    if skipped:
        return (
            f"{skipped} of {str(action.get('tot_actions'))[:6]} messages were not sent, most likely for lack of coins"
        )
    return "the transaction was aborted" if description.get("aborted") is True else None


def _follow(network: Network, hashes: list[str]) -> Op[tuple[bool, str | None]]:
    """Whether every message has arrived, and why the value of one came back."""
    if not hashes:
        return True, None
    call = "transactionsByMessage"
    found = yield from attempt(*(_by_message(network, item) for item in hashes))
    arrived = True
    for answer in found:
        listed = _transactions(answer)
        if not listed:
            arrived = False
            continue
        description = answers.nested(listed[0], "description", call)
        reason = _failure(description, call)
        if reason is not None and description.get("bounce") is not None:
            return True, f"the recipient refused and the value came back (bounced): {reason}"
        if reason is not None:
            return True, f"the recipient's contract failed: {reason}"
    return arrived, None
