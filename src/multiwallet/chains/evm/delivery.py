"""After signing: handing the bytes to the network, and asking what became of them."""

from __future__ import annotations

import re
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network, Receipt, SignedTransaction, Status
from ...errors import (
    BadResponse,
    BroadcastUncertain,
    InputError,
    InvalidTransaction,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    TransportError,
    Unreachable,
    Unsupported,
)
from ...ops import Op, Rpc, attempt
from .answers import read_mapping, read_quantity, refuse
from .rules import FINALIZED, rules_of
from .tokens import revert_reason

__all__ = ["broadcast", "status"]

_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)
# Each node says it in its own words. "unknown transaction type" must not count as "known transaction".
_KNOWN: Final = re.compile(
    r"already ?known|(?<!un)known transaction|already imported|already (?:exists )?in (?:the )?(?:mempool|cache|pool)"
    r"|already exists in (?:the )?(?:mempool|cache|pool)|already in the system|same hash was already"
)
_USED_NONCE: Final = re.compile(
    r"nonce (?:is )?too low|nonce has already been used|invalid nonce|oldnonce|correct nonce"
)
_NO_ANSWER: Final = re.compile(r"timed? ?out|timeout")


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Send the bytes with eth_sendRawTransaction. See :meth:`~multiwallet.chain.Chain.broadcast`."""
    if not signed.complete:
        raise InvalidTransaction("this transaction lacks signatures: it cannot be broadcast")
    if signed.raw[:1] == b"\x03":
        raise Unsupported("a blob transaction travels together with its blobs: send it with the node's own tools")
    method = "eth_sendRawTransaction"
    call = Rpc(network.id, method, ["0x" + signed.raw.hex()], broadcast=True)
    (outcome,) = yield from attempt(call)
    if isinstance(outcome, RateLimited):
        raise Rejected(f"not accepted, the endpoint limits its callers: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=signed.txid) from outcome
    if isinstance(outcome, Rejected):
        text = outcome.message.lower()
        if _KNOWN.search(text):
            return Receipt(network, signed.txid, Status.PENDING)
        if _USED_NONCE.search(text):
            return (yield from _settle_used_nonce(network, signed.txid, outcome))
        if _NO_ANSWER.search(text) or _may_have_arrived(outcome):
            raise BroadcastUncertain(txid=signed.txid) from outcome
        raise outcome
    if isinstance(outcome, MultiwalletError):
        raise outcome
    if not isinstance(outcome, str) or not _HASH.fullmatch(outcome):
        raise BroadcastUncertain(
            f"{method} answered no transaction id: ask about {signed.txid} or send the same bytes again",
            txid=signed.txid,
        )
    if outcome.lower() != signed.txid:
        raise BadResponse(f"{method} answered the id {outcome}, and these bytes have the id {signed.txid}")
    return Receipt(network, signed.txid, Status.PENDING)


def _may_have_arrived(refusal: Rejected) -> bool:
    """Whether an earlier attempt ended without an answer: the transport notes that as the refusal's cause."""
    return isinstance(refusal.__cause__, TransportError)


def _settle_used_nonce(network: Network, txid: str, refusal: Rejected) -> Op[Receipt]:
    """The nonce is used: by this very transaction, which is success, or by another, which is the node's refusal."""
    (found,) = yield from attempt(Rpc(network.id, "eth_getTransactionByHash", [txid]))
    if isinstance(found, MultiwalletError):
        raise BroadcastUncertain(
            f"the node says that the nonce is used and does not say by what: ask about {txid}", txid=txid
        ) from found
    if found is None and not _may_have_arrived(refusal):
        raise refusal
    if not isinstance(found, dict) or str(found.get("hash", "")).lower() != txid:
        raise BroadcastUncertain(txid=txid) from refusal
    return Receipt(network, txid, Status.PENDING)


def status(network: Network, txid: str) -> Op[Receipt]:
    """Where a transaction stands, from one round of questions (two where it failed, to learn why)."""
    if not isinstance(txid, str) or not _HASH.fullmatch(txid):
        raise InputError("a transaction id is 0x and 64 hex digits on an EVM network")
    txid = txid.lower()
    rules = rules_of(network)
    questions = [
        Rpc(network.id, "eth_getTransactionReceipt", [txid]),
        Rpc(network.id, "eth_getTransactionByHash", [txid]),
        Rpc(network.id, "eth_blockNumber"),
    ]
    if rules.finality == FINALIZED:
        questions.append(Rpc(network.id, "eth_getBlockByNumber", [FINALIZED, False]))
    outcomes = yield from attempt(*questions)
    for outcome in outcomes[:3]:
        if isinstance(outcome, MultiwalletError):
            raise outcome
    if outcomes[0] is None:
        known = outcomes[1] is not None
        return Receipt(network, txid, Status.PENDING if known else Status.UNKNOWN)
    method = "eth_getTransactionReceipt"
    receipt = read_mapping(method, outcomes[0])
    if str(receipt.get("transactionHash", "")).lower() != txid:
        refuse(method, f"the receipt of {txid}", receipt.get("transactionHash"))
    if receipt.get("blockNumber") is None:
        return Receipt(network, txid, Status.PENDING)
    block = read_quantity(method, receipt["blockNumber"])
    tip = read_quantity("eth_blockNumber", outcomes[2])
    final_block = _final_block(outcomes[3]) if rules.finality == FINALIZED else None
    if rules.final_depth is not None:
        final_block = tip - rules.final_depth
    transaction = outcomes[1] if isinstance(outcomes[1], dict) else {}
    # Receipts from before Byzantium have no status: what was included then is taken as done.
    failed = "status" in receipt and read_quantity(method, receipt["status"]) == 0
    reason = (yield from _failure(network, transaction, block)) if failed else None
    return Receipt(
        network,
        txid,
        Status.FAILED if failed else Status.CONFIRMED,
        confirmations=max(tip - block + 1, 1),  # the answers of a batch may come from nodes a block apart
        block=block,
        fee=_fee(network, receipt, transaction),
        final=final_block is not None and block <= final_block,
        reason=reason,
    )


def _final_block(outcome: Any) -> int | None:
    """The last final block; None on networks and nodes that know no such thing."""
    if isinstance(outcome, dict):
        number = outcome.get("number")
        if isinstance(number, str):
            return read_quantity("eth_getBlockByNumber", number)
    return None


def _fee(network: Network, receipt: Any, transaction: dict[str, Any]) -> Amount | None:
    method = "eth_getTransactionReceipt"
    price = receipt.get("effectiveGasPrice") or transaction.get("gasPrice")
    if price is None:
        return None
    fee = read_quantity(method, receipt.get("gasUsed")) * read_quantity(method, price)
    if receipt.get("l1Fee") is not None:
        fee += read_quantity(method, receipt["l1Fee"])
    return Amount(fee, network.native)


def _failure(network: Network, transaction: dict[str, Any], block: int) -> Op[str | None]:
    """Why an included transaction failed: the same call once more on the block before, where the node still can."""
    fields = {"from": "from", "to": "to", "value": "value", "gas": "gas", "input": "data"}
    call = {new: transaction[old] for old, new in fields.items() if isinstance(transaction.get(old), str)}
    if "to" not in call:
        return None
    (outcome,) = yield from attempt(Rpc(network.id, "eth_call", [call, hex(max(block - 1, 0))]))
    if not isinstance(outcome, Rejected):
        return None
    return revert_reason(outcome.data) or outcome.message[:300]
