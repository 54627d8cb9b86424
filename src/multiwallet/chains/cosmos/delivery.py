"""Broadcast and status over REST."""

from __future__ import annotations

import base64
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
    MultiwalletError,
    Rejected,
    Timeout,
    TransportError,
    Unreachable,
)
from ...ops import Op, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers
from .rules import Rules

__all__ = ["broadcast", "status", "wire"]

_TXID: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_KNOWN: Final = 19  # ErrTxInMempoolCache
_SEQUENCE: Final = 32  # ErrWrongSequence
_TIMEOUT: Final = 30  # ErrTxTimeoutHeight


def wire(raw: bytes) -> dict[str, str]:
    """What ``/cosmos/tx/v1beta1/txs`` takes."""
    return {"tx_bytes": base64.b64encode(raw).decode("ascii"), "mode": "BROADCAST_MODE_SYNC"}


def _transaction(network: Network, txid: str) -> Any:
    return answers.get(network, f"{answers.BROADCAST}/{txid}")


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Hand the bytes to the node. Bytes that it has, or that are in a block already, are a success."""
    txid, path = signed.txid, answers.BROADCAST
    accepted = Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    (outcome,) = yield from attempt(answers.post(network, path, wire(signed.raw), broadcast=True))
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=txid) from outcome
    if isinstance(outcome, Rejected) and ("already exists in cache" in outcome.message or _says_known(outcome.data)):
        return accepted
    if isinstance(outcome, MultiwalletError) and isinstance(outcome.__cause__, TransportError):
        raise BroadcastUncertain(txid=txid) from outcome  # an earlier endpoint was silent: it may have it
    if isinstance(outcome, MultiwalletError):
        raise outcome
    response = outcome.get("tx_response") if isinstance(outcome, Mapping) else None
    if not isinstance(response, Mapping):
        raise _unclear(txid)
    named = response.get("txhash")
    if isinstance(named, str) and named and named.upper() != txid:
        raise BadResponse(f"the node answered the id {named[:80]}, and these bytes have the id {txid}")
    code, space = response.get("code", 0), response.get("codespace") or "sdk"
    if isinstance(code, bool) or not isinstance(code, int):
        raise _unclear(txid)
    if code == 0 or (code == _KNOWN and space == "sdk"):
        return accepted
    log = str(response.get("raw_log", ""))[:300]
    if space == "sdk" and code in (_SEQUENCE, _TIMEOUT):
        # The sequence is past and so is the height, once these very bytes have been included.
        (found,) = yield from attempt(_transaction(network, txid))
        if not isinstance(found, MultiwalletError) and _response(found, txid) is not None:
            return accepted
        if not answers.is_absent(found) or not _is_surely_absent(found, txid):
            raise _unclear(txid)
        if code == _TIMEOUT:
            raise Expired(f"{txid} has expired and was not accepted: build it anew ({log})", txid=txid)
        raise Rejected(
            f"another transaction took this sequence number: build it anew ({log})", node_code=code, data=dict(response)
        )
    raise Rejected(f"the node refused the transaction: {log} ({space} {code})", node_code=code, data=dict(response))


def _says_known(data: Any) -> bool:
    return isinstance(data, Mapping) and "already exists in cache" in str(data.get("message", ""))[:1000]


def _unclear(txid: str) -> BroadcastUncertain:
    return BroadcastUncertain(
        f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
    )


def _response(answer: Any, txid: str) -> Mapping[str, Any] | None:
    """The node's record of an included transaction; None where it stands in no block."""
    response = answers.nested(answer, "tx_response", answers.BROADCAST)
    if str(response.get("txhash", "")).upper() != txid:
        raise BadResponse(f"{answers.BROADCAST} answered about another transaction than {txid}")
    return response if answers.number(response.get("height", "0"), "height", 1 << 63) else None


def _found(outcome: Any, txid: str) -> Mapping[str, Any] | None:
    absent = answers.is_absent(outcome) or (isinstance(outcome, Rejected) and "not found" in outcome.message)
    if isinstance(outcome, MultiwalletError) and not absent:
        raise outcome
    return None if absent else _response(outcome, txid)


def _is_surely_absent(outcome: Any, txid: str) -> bool:
    """Whether the node itself says that it has no such transaction, and not a gateway that it has no such path."""
    if not isinstance(outcome, Rejected):
        return True  # it has it, in no block
    data = outcome.data if isinstance(outcome.data, Mapping) else {}
    return data.get("code") == 5 or txid in f"{outcome.message} {data.get('message')}".upper()


def status(network: Network, rules: Rules, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where a transaction stands. A block of CometBFT is final; ``expiry`` is the last height that may include it.

    REST does not show what waits, so a transaction that is in no block is ``unknown``.
    """
    match = _TXID.fullmatch(txid) if isinstance(txid, str) else None
    if match is None:
        raise InputError("a Cosmos transaction id is 64 hex digits")
    txid = match[1].upper()
    found, tip = yield from attempt(_transaction(network, txid), answers.head_call(network))
    if isinstance(tip, MultiwalletError):
        raise tip
    height, _ = answers.head(tip, rules)
    response = _found(found, txid)
    past = expiry is not None and height > expiry
    if response is None and past:
        # Both were asked at once, and a node indexes a block after it has it: only what is missing now has expired.
        (found,) = yield from attempt(_transaction(network, txid))
        response = _found(found, txid)
    if response is None:
        if past and _is_surely_absent(found, txid):
            raise Expired(f"{txid} was not included before block {expiry}: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    block = answers.number(response.get("height"), "height", 1 << 63)
    code = answers.number(response.get("code", 0), "code")
    reason = str(response.get("raw_log", ""))[:400] or f"{response.get('codespace', '')} {code}"
    return Receipt(
        network,
        txid,
        Status.FAILED if code else Status.CONFIRMED,
        confirmations=max(height - block + 1, 1),
        block=block,
        fee=_fee(network, rules, found),
        final=True,
        reason=reason if code else None,
        expiry=expiry,
        details={
            "gas_used": answers.number(response.get("gas_used", "0"), "gas_used"),
            "gas_wanted": answers.number(response.get("gas_wanted", "0"), "gas_wanted"),
        },
    )


def _fee(network: Network, rules: Rules, answer: Mapping[str, Any]) -> Amount | None:
    transaction = answer.get("tx")
    if not isinstance(transaction, Mapping):
        return None
    path = answers.BROADCAST
    fee = answers.nested(answers.nested(transaction, "auth_info", path), "fee", path)
    coins = answers.coin_list(fee.get("amount"), path)
    units = sum(coin.units for coin in coins if coin.denom == rules.denom)
    return Amount(units, network.native)
