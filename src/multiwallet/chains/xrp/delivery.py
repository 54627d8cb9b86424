"""After signing: handing a transaction to a server, and asking what became of it."""

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
from ...ops import Op, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers
from .quantities import token_amount
from .serialization import decode

__all__ = ["MOST_LEDGERS", "PARTIAL_PAYMENT", "broadcast", "look_up", "search", "status"]

PARTIAL_PAYMENT: Final = 0x00020000
_TXID: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_CODE: Final = re.compile(r"te[cfmlrs][A-Z0-9][A-Za-z0-9_]{0,60}", re.ASCII)
_RANGE: Final = 900  # servers search at most a thousand ledgers at once
MOST_LEDGERS: Final = 5_000
"""How many ledgers a transaction that is built here may wait for. What expired is looked for in so many and more."""
_NOT_FOUND: Final = "txnNotFound"
_AFTERWARDS: Final = ("error", "internal", "internalJson", "internalSubmit", "unknown")  # it may have been taken in


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Submit the transaction; see :meth:`~multiwallet.chain.Chain.broadcast`.

    ``tec`` is a first opinion: the bytes travel on, and most likely the transaction is included and fails.
    """
    if not signed.complete:
        raise InvalidTransaction("this transaction lacks signatures: the other signers must sign it first")
    txid, method = signed.txid, "submit"
    (outcome,) = yield from attempt(answers.call(network, method, broadcast=True, tx_blob=signed.raw.hex().upper()))
    if isinstance(outcome, MultiwalletError) and isinstance(outcome.__cause__, TransportError):
        raise BroadcastUncertain(txid=txid) from outcome  # an earlier endpoint was silent: it may have it
    if isinstance(outcome, RateLimited):
        raise Rejected(f"not accepted, the server limits its callers: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=txid) from outcome
    try:
        found = answers.result(outcome, method)
    except BadResponse as error:
        raise BroadcastUncertain(txid=txid) from error
    except RateLimited as error:
        raise Rejected(f"not accepted: {error.message}", node_code=429) from error
    except Rejected as error:
        if error.node_code in _AFTERWARDS:
            raise BroadcastUncertain(txid=txid) from error
        raise
    code = found.get("engine_result")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise BroadcastUncertain(
            f"the server's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
        )
    inner = found.get("tx_json")
    stated = inner.get("hash") if isinstance(inner, Mapping) else None
    if isinstance(stated, str) and stated.upper() != txid:
        raise BadResponse(f"the server answered the id {stated[:80]!r}, and these bytes have the id {txid}")
    held = any(found.get(name) is True for name in ("accepted", "applied", "broadcast", "kept", "queued"))
    if code in ("tesSUCCESS", "terQUEUED", "tefALREADY"):
        return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    if code[:3] == "tec" or (code[:3] == "ter" and held):
        reason = f"{code}: {answers.shortened(found.get('engine_result_message', ''))}"
        return Receipt(network, txid, Status.PENDING, reason=reason, expiry=signed.expiry)
    return (yield from _settle(network, signed, code, found, is_held=held))


def _settle(
    network: Network, signed: SignedTransaction, code: str, found: Mapping[str, Any], *, is_held: bool
) -> Op[Receipt]:
    """A refusal, unless the transaction is in already: then its sequence is used by itself."""
    txid = signed.txid
    text = f"{code}: {answers.shortened(found.get('engine_result_message', ''))}"
    if code[:3] != "tem":  # what is malformed is in nowhere
        (outcome,) = yield from attempt(answers.call(network, "tx", transaction=txid, binary=False, api_version=1))
        try:
            known = look_up(outcome, txid)
        except MultiwalletError as error:
            if code in ("tefPAST_SEQ", "tefMAX_LEDGER", "tefNO_TICKET"):
                raise BroadcastUncertain(
                    f"the server refuses {txid} ({text}) and does not say whether it is in already: ask about it",
                    txid=txid,
                ) from error
            known = None
        if known is not None:
            return Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
        if is_held:  # a server that is not in step with its network passes on what it would refuse itself
            raise BroadcastUncertain(
                f"the server refuses {txid} ({text}) and has passed it on: ask about it", txid=txid
            )
    if code == "tefMAX_LEDGER":
        raise Expired(f"{txid} has expired and was not accepted: build it anew", txid=txid)
    raise Rejected(f"the server refused the transaction: {text}", node_code=code, data=found.get("engine_result_code"))


def search(network: Network, txid: str, last: int | None, ledgers: int) -> Op[tuple[Mapping[str, Any] | None, bool]]:
    """What a server knows of a transaction, and whether it has searched all of so many ledgers up to ``last``."""
    windows: list[dict[str, Any]] = []
    top = None if last is None else max(last, 1)
    while top is not None and top > 0 and len(windows) * _RANGE < ledgers:
        windows.append({"min_ledger": max(top - _RANGE, 1), "max_ledger": top})
        top -= _RANGE + 1
    asked = [
        answers.call(network, "tx", transaction=txid, binary=False, api_version=1, **window)
        for window in reversed(windows or [{}])
    ]
    outcomes = yield from attempt(*asked)
    known = [found for found in (look_up(outcome, txid) for outcome in outcomes) if found is not None]
    searched = all(isinstance(outcome, Mapping) and outcome.get("searched_all") is True for outcome in outcomes)
    return (known[0] if known else None), searched


def look_up(outcome: Any, txid: str) -> Mapping[str, Any] | None:
    """What a server knows of a transaction; None where it says that it knows none."""
    try:
        found = answers.result(outcome, "tx")
    except Rejected as error:
        if error.node_code == _NOT_FOUND:
            return None
        raise
    inner = found.get("tx_json", found)
    stated = found.get("hash", inner.get("hash") if isinstance(inner, Mapping) else None)
    if stated != txid or not isinstance(inner, Mapping):
        raise BadResponse(f"tx answered about another transaction than {txid}")
    return found


def status(network: Network, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where a transaction stands; ``expiry`` is its LastLedgerSequence. What is validated is final."""
    if not isinstance(txid, str) or not _TXID.fullmatch(txid):
        raise InputError("a transaction id of the XRP Ledger is 64 hex digits")
    txid = txid.upper()
    # The ledger is asked first: what is missing afterwards cannot have come before it.
    (head,) = yield from attempt(answers.server_state(network))
    ledger = answers.state(head).ledger
    past = expiry is not None and ledger > expiry
    found, searched = yield from search(network, txid, expiry, MOST_LEDGERS if past else _RANGE)
    if found is None:
        if past and searched:
            raise Expired(f"{txid} was not included before the ledger {expiry}: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    if found.get("validated") is not True:
        return Receipt(network, txid, Status.PENDING, expiry=expiry)
    return _included(network, txid, found, ledger, expiry)


def _included(network: Network, txid: str, found: Mapping[str, Any], ledger: int, expiry: int | None) -> Receipt:
    inner = answers.table(found.get("tx_json", found), "tx", "tx_json")
    meta = answers.table(found.get("meta"), "tx", "meta")
    block = answers.whole(found, "ledger_index", "tx")
    code = meta.get("TransactionResult")
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code[:3] not in ("tes", "tec"):
        raise BadResponse(f"tx answered without saying whether {txid} succeeded")
    succeeded = code[:3] == "tes"
    details: dict[str, Any] = {"result": code}
    delivered = meta.get("delivered_amount", meta.get("DeliveredAmount"))
    if succeeded and delivered is not None and delivered != "unavailable":
        details["delivered_amount"] = _shown(network, delivered)
    flags = inner.get("Flags", 0)
    if isinstance(flags, int) and flags & PARTIAL_PAYMENT and inner.get("TransactionType") == "Payment":
        details["warning"] = "a partial payment: what arrived is delivered_amount, not Amount"
    return Receipt(
        network,
        txid,
        Status.CONFIRMED if succeeded else Status.FAILED,
        confirmations=max(ledger - block + 1, 1),
        block=block,
        fee=Amount(answers.drops(inner, "Fee", "tx"), network.native),
        final=True,
        reason=None if succeeded else code,
        expiry=expiry,
        details=details,
    )


def _shown(network: Network, amount: Any) -> str:
    if isinstance(amount, str) and amount.isascii() and amount.isdigit() and len(amount) <= 18:
        return str(Amount(int(amount), network.native))
    if isinstance(amount, Mapping):
        try:
            found = token_amount(amount)
            return f"{found.value} {answers.shortened(amount.get('currency'))}.{amount.get('issuer')}"
        except InputError:
            return answers.shortened(dict(amount))
    return answers.shortened(amount)


def sequence_of(raw: bytes) -> tuple[int | None, int | None]:
    """The sequence that signed bytes take (None with a ticket), and the last ledger that may include them."""
    fields = decode(raw)
    number = fields.get("Sequence")
    return (None if "TicketSequence" in fields else number), fields.get("LastLedgerSequence")
