"""What is asked of a Stacks node and of the API beside it, and how the answers are read. No answer is believed blindly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from multiwallet.amounts import Amount
from multiwallet.chain import Network, Receipt, SignedTransaction, Status
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    InputError,
    InsufficientFunds,
    MultiwalletError,
    RateLimited,
    Rejected,
    TransportError,
)
from multiwallet.ops import Op, Rest, ask, attempt

__all__ = ["account", "broadcast", "fee_rate", "identify", "status"]


class Account(NamedTuple):
    """What a node tells of an account, in micro-STX."""

    available: int
    locked: int
    nonce: int


def identify(network: Network) -> Op[None]:
    """BadResponse where the node serves another network."""
    (answer,) = yield from ask(Rest(network.id, "GET", "v2/info"))
    found = _number("v2/info", _table("v2/info", answer).get("network_id"))
    if found != network.params["chain_id"]:
        raise BadResponse(f"the endpoint serves Stacks network {found}, and {network.title} is {network.reference}")


def account(network: Network, address: str) -> Op[Account]:
    """Balance, stacked coins and the next nonce."""
    path = f"v2/accounts/{address}"
    (answer,) = yield from ask(Rest(network.id, "GET", path, query={"proof": "0"}))
    stated = _table(path, answer)
    return Account(
        _hex(path, stated.get("balance")), _hex(path, stated.get("locked")), _number(path, stated.get("nonce"))
    )


def fee_rate(network: Network) -> Op[int]:
    """Micro-STX a byte, at least one."""
    (answer,) = yield from ask(Rest(network.id, "GET", "v2/fees/transfer"))
    if isinstance(answer, Decimal):
        answer = (
            int(answer.to_integral_value(rounding="ROUND_CEILING")) if answer.is_finite() and answer < 10**9 else None
        )
    return max(1, _number("v2/fees/transfer", answer))


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """No answer is uncertain; bytes that the node has are a success."""
    call = Rest(network.id, "POST", "v2/transactions", json={"tx": signed.raw.hex()}, broadcast=True)
    (outcome,) = yield from attempt(call)
    pending = Receipt(network, signed.txid, Status.PENDING)
    if isinstance(outcome, RateLimited):
        raise Rejected(f"not accepted: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, TransportError):
        raise BroadcastUncertain(txid=signed.txid) from outcome
    if isinstance(outcome, Rejected):
        reason = outcome.data.get("reason") if isinstance(outcome.data, Mapping) else None
        if reason in ("BadNonce", "ConflictingNonceInMempool"):  # used by this very transfer, or by another
            found = yield from status(network, signed.txid)
            if found.status is not Status.UNKNOWN:
                return found
        if reason == "NotEnoughFunds":
            raise InsufficientFunds("the node refused the transfer: the account has too little") from outcome
        raise outcome
    if isinstance(outcome, MultiwalletError):
        raise outcome
    if not isinstance(outcome, str) or len(outcome) > 66:
        raise BroadcastUncertain(txid=signed.txid)
    if outcome.removeprefix("0x") != signed.txid:
        raise BadResponse(f"the node answered another id than {signed.txid}, which these bytes have")
    return pending


def status(network: Network, txid: str) -> Op[Receipt]:
    """From the API's view of the transaction and the node's height."""
    if not isinstance(txid, str) or len(txid.removeprefix("0x")) != 64:
        raise InputError("a Stacks transaction id is 64 hex digits")
    txid = txid.removeprefix("0x").lower()
    path = f"extended/v1/tx/0x{txid}"
    found, info = yield from attempt(Rest(network.id, "GET", path), Rest(network.id, "GET", "v2/info"))
    if isinstance(found, Rejected) and found.node_code == 404:
        return Receipt(network, txid, Status.UNKNOWN)
    for outcome in (found, info):
        if isinstance(outcome, MultiwalletError):
            raise outcome
    stated = _table(path, found)
    if stated.get("tx_id") != f"0x{txid}":
        raise BadResponse(f"{path} answered about another transaction")
    state = stated.get("tx_status")
    if state == "pending":
        return Receipt(network, txid, Status.PENDING)
    if not isinstance(state, str) or state.startswith("dropped"):
        return Receipt(network, txid, Status.UNKNOWN, reason=str(state)[:80])
    height = _number(path, stated.get("block_height"))
    tip = _number("v2/info", _table("v2/info", info).get("stacks_tip_height"))
    fee = stated.get("fee_rate")
    if not isinstance(fee, str) or not fee.isascii() or not fee.isdigit() or len(fee) > 20:
        raise BadResponse(f"{path}: the fee is no number")
    done = state == "success"
    return Receipt(
        network,
        txid,
        Status.CONFIRMED if done else Status.FAILED,
        confirmations=max(tip - height + 1, 1),
        block=height,
        fee=Amount(int(fee), network.native),
        reason=None if done else state[:80],
    )


def _table(path: str, answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{path} was answered with no object")
    return answer


def _number(path: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise BadResponse(f"{path}: a number is missing or no number")
    return value


def _hex(path: str, value: Any) -> int:
    try:
        if isinstance(value, str) and value.startswith("0x") and len(value) <= 34:
            return int(value[2:], 16)
    except ValueError:
        pass
    raise BadResponse(f"{path}: an amount is missing or no number in hex")
