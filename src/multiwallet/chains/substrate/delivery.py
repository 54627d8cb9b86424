"""After signing: handing an extrinsic to a node, and looking for it in the blocks since.

Nodes know no extrinsic by its hash. So the newest blocks are read, as far back as a transaction with an expiry can
be, and the hash of each extrinsic in them is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
from ...codec.reader import Reader
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
from ...ops import Op, ask, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers, storage
from .build import runtime_of
from .extrinsic import txid_of
from .metadata import Metadata
from .payload import LONGEST_SEARCH
from .types import Variant
from .values import Case, Decoder

__all__ = ["broadcast", "status", "txid_text"]

_FIRST: Final = 8
_BATCH: Final = 32
_ALREADY: Final = 1013
_MAYBE_DONE: Final = (1010, 1012)  # invalid (its nonce is used: by itself?), and banned (as one just included is)


def txid_text(txid: Any) -> str:
    """A transaction id as ``0x`` and 64 lower-case hex digits; InputError."""
    try:
        return "0x" + answers.hex_of(txid if str(txid)[:2] == "0x" else f"0x{txid}", "txid", 32).hex()
    except BadResponse:
        raise InputError("an id of an extrinsic is 0x and 64 hex digits") from None


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """``author_submitExtrinsic``. One that a node has, or that is in a block already, is a success."""
    txid = signed.txid
    method = "author_submitExtrinsic"
    (outcome,) = yield from attempt(answers.call(network, method, "0x" + signed.raw.hex(), broadcast=True))
    accepted = Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    if isinstance(outcome, Timeout | Unreachable):
        raise BroadcastUncertain(txid=txid) from outcome
    if isinstance(outcome, RateLimited):
        raise outcome
    if isinstance(outcome, BadResponse):
        raise BroadcastUncertain(
            f"the node's answer to the broadcast of {txid} cannot be read: ask about it or send the same bytes again",
            txid=txid,
        ) from outcome
    if isinstance(outcome, Rejected):
        return (yield from _refused(network, signed, outcome, accepted))
    if isinstance(outcome, MultiwalletError):
        raise outcome
    try:
        reported = answers.hash_of(outcome, method)
    except BadResponse:
        raise BroadcastUncertain(
            f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
        ) from None
    if reported != txid:
        raise BadResponse(f"the node answered the id {reported}, and these bytes have the id {txid}")
    return accepted


def _refused(network: Network, signed: SignedTransaction, error: Rejected, accepted: Receipt) -> Op[Receipt]:
    text = f"{error.message} {error.data if isinstance(error.data, str | dict) else ''}".lower()
    if error.node_code == _ALREADY or "already imported" in text:
        return accepted
    stale = any(word in text for word in ("outdated", "stale", "temporarily banned"))
    if error.node_code in _MAYBE_DONE or stale:
        try:  # in the blocks that can hold it: what expired long ago may stand in none of the newest
            found = yield from status(network, signed.txid, expiry=signed.expiry)
        except Expired as late:
            raise late from error
        except MultiwalletError:
            found = accepted
            if stale:  # it may be included: saying "refused" could make somebody pay twice
                raise BroadcastUncertain(txid=signed.txid) from error
        if found.status in (Status.CONFIRMED, Status.FAILED) or (
            found.status is Status.PENDING and found is not accepted
        ):
            return accepted
        if stale and signed.expiry is None:  # nobody knows which blocks to look through
            raise BroadcastUncertain(txid=signed.txid) from error
    if "ancient birth block" in text or "ancientbirthblock" in text:
        raise Expired(f"{signed.txid} has expired: build it anew", txid=signed.txid) from error
    raise error


@dataclass(frozen=True, slots=True)
class _Found:
    number: int
    hash: str
    parent: str
    index: int


def status(network: Network, txid: str, expiry: int | None, searched: set[int] | None = None) -> Op[Receipt]:
    """Where an extrinsic stands. ``expiry`` is the first block that can no longer include it.

    The newest 256 blocks are looked through at most, or the 256 before the expiry. ``searched`` is left out, and
    gets the numbers of the final blocks that were read in vain.
    """
    txid = txid_text(txid)
    final_hash, head, pool = yield from attempt(
        answers.call(network, "chain_getFinalizedHead"),
        answers.call(network, "chain_getHeader"),
        answers.call(network, "author_pendingExtrinsics"),
    )
    for outcome in (final_hash, head):
        if isinstance(outcome, MultiwalletError):
            raise outcome
    best = answers.number_of(head, "chain_getHeader")
    final_hash = answers.hash_of(final_hash, "chain_getFinalizedHead")
    if isinstance(pool, list):  # a node that does not show its pool is no obstacle
        waiting = {txid_of(answers.hex_of(item, "author_pendingExtrinsics")) for item in pool}
        if txid in waiting:
            return Receipt(network, txid, Status.PENDING, expiry=expiry)
    top = best if expiry is None else min(best, expiry - 1)
    lowest = max(1, (best + 1 if expiry is None else expiry) - LONGEST_SEARCH)
    (answer,) = yield from ask(answers.call(network, "chain_getHeader", final_hash))
    final = answers.number_of(answer, "chain_getHeader")
    done = set() if searched is None else searched
    found = yield from _search(network, txid, [n for n in range(top, lowest - 1, -1) if n not in done])
    if found is None:
        done.update(range(lowest, min(top, final) + 1))
        if expiry is not None and final >= expiry - 1:
            raise Expired(f"{txid} was not included before block {expiry}: build and sign it anew", txid=txid)
        return Receipt(network, txid, Status.UNKNOWN, expiry=expiry)
    outcome = yield from _outcome(network, found)
    return Receipt(
        network,
        txid,
        Status.FAILED if outcome.reason is not None else Status.CONFIRMED,
        confirmations=max(best - found.number + 1, 1),
        block=found.number,
        fee=None if outcome.fee is None else Amount(outcome.fee, network.native),
        final=found.number <= final,
        reason=outcome.reason,
        expiry=expiry,
        details={"block_hash": found.hash, "index": found.index},
    )


def _search(network: Network, txid: str, wanted: list[int]) -> Op[_Found | None]:
    """The block among those wanted that holds the extrinsic, read in their order in batches that grow."""
    size = _FIRST
    while wanted:
        numbers, wanted = wanted[:size], wanted[size:]
        effects = [answers.call(network, "chain_getBlockHash", number) for number in numbers]
        hashes = [answers.hash_of(item, "chain_getBlockHash") for item in (yield from ask(*effects))]
        blocks = yield from ask(*(answers.call(network, "chain_getBlock", item) for item in hashes))
        for number, block_hash, answer in zip(numbers, hashes, blocks, strict=True):
            block = answers.block_of(answer)
            if block.number != number:
                raise BadResponse("chain_getBlock answered another block than was asked for")
            for index, raw in enumerate(block.extrinsics):
                if txid_of(raw) == txid:
                    header = answer["block"]["header"]
                    parent = answers.hash_of(header.get("parentHash"), "chain_getBlock")
                    return _Found(number, block_hash, parent, index)
        size = min(2 * size, _BATCH)
    return None


@dataclass(frozen=True, slots=True)
class _Outcome:
    reason: str | None
    fee: int | None


def _outcome(network: Network, found: _Found) -> Op[_Outcome]:
    """What the events of a block say about one of its extrinsics, read with the runtime that executed it."""
    key = "0x" + storage.prefix("System", "Events").hex()
    version, events = yield from ask(
        answers.call(network, "state_getRuntimeVersion", found.parent),
        answers.call(network, "state_getStorage", key, found.hash),
    )
    metadata = yield from runtime_of(network, answers.runtime_version(version), found.parent)
    data = answers.stored(events)
    if data is None:
        raise BadResponse(f"the node has no events of block {found.number} any more: ask an archive node")
    try:
        reader = Reader(data, "System.Events")
        records = Decoder(metadata.types).read(reader, metadata.events)
        reader.finish()
    except InputError as error:
        raise BadResponse(f"the events of block {found.number} cannot be read: {error.message}") from None
    return _judge(metadata, records, found)


def _judge(metadata: Metadata, records: Any, found: _Found) -> _Outcome:
    done, fee, reason = False, None, None
    for record in records if isinstance(records, list) else ():
        phase, event = record.get("phase"), record.get("event")
        if not isinstance(phase, Case) or (phase.name, phase.value) != ("ApplyExtrinsic", found.index):
            continue
        if not isinstance(event, Case) or not isinstance(event.value, Case):
            continue
        name, values = (event.name, event.value.name), event.value.value
        values = values if isinstance(values, Mapping) else {}
        match name:
            case ("System", "ExtrinsicSuccess"):
                done = True
            case ("System", "ExtrinsicFailed"):
                done, reason = True, _error(metadata, values.get("dispatch_error"))
            case ("TransactionPayment", "TransactionFeePaid"):
                fee = values.get("actual_fee")
            case ("Proxy", "ProxyExecuted") | ("Multisig", "MultisigExecuted"):
                result = values.get("result")
                if isinstance(result, Case) and result.name == "Err":
                    reason = reason or f"the call inside failed: {_error(metadata, result.value)}"
            case ("Utility", "BatchInterrupted") | ("Utility", "ItemFailed"):
                reason = reason or f"a call of the batch failed: {_error(metadata, values.get('error'))}"
            case _:
                pass
    if not done:
        raise BadResponse(f"the events of block {found.number} say nothing of its extrinsic {found.index}")
    return _Outcome(reason, fee if isinstance(fee, int) else None)


def _error(metadata: Metadata, error: Any) -> str:
    """A dispatch error in words: ``Balances.InsufficientBalance``, ``Token.FundsUnavailable``."""
    if not isinstance(error, Case):
        return "an error that cannot be read"
    if error.name == "Module" and isinstance(error.value, Mapping):
        index, code = error.value.get("index"), error.value.get("error")
        number = code[0] if isinstance(code, bytes) and code else code
        for pallet in metadata.pallets.values():
            if pallet.index == index and isinstance(pallet.errors, int) and isinstance(number, int):
                leaf = metadata.types.variants.get(pallet.errors, {}).get(number)
                if leaf is not None and isinstance(leaf.shape, Variant):
                    return f"{pallet.name}.{leaf.shape.name}"
        return f"error {number} of pallet {index}"
    if isinstance(error.value, Case):
        return f"{error.name}.{error.value.name}"
    return error.name
