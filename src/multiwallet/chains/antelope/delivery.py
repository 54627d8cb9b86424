"""After signing: handing a transaction to nodeos, and finding out what became of it.

A plain nodeos cannot be asked for a transaction by its id. So blocks are read, from the newest backwards, until one
holds the id; or a history service is asked where the network has an endpoint of the kind ``hyperion+https://...``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ...chain import Network
from ...errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InvalidTransaction,
    Rejected,
    Reverted,
    Timeout,
    TransportError,
    Unreachable,
)
from ...ops import Op, Rest, Sleep, ask, attempt
from ...transactions import Receipt, SignedTransaction, Status
from . import answers, build
from .answers import Head

__all__ = ["Search", "broadcast", "status", "wait"]

_TXID: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_DUPLICATE: Final = 3040008
_EXPIRED: Final = 3040005
_RESOURCES: Final = {
    3080001: "it lacks RAM: buy some with buy_ram_bytes=",
    3080002: "it has used up its NET: stake or power up",
    3080003: "the block has no NET left: try again",
    3080004: "it has used up its CPU: stake or power up",
    3080005: "the block has no CPU left: try again",
    3080006: "it took more time than the node allows",
    3080008: "it took more NET than the node allows",
}
_STEP: Final = 40  # blocks asked in one batch
_NEAR: Final = 300  # how far back one look goes while the transaction may still come
_PER_SECOND: Final = 2
_ANYWHERE: Final = (build.LONGEST_LIFETIME + 120) * _PER_SECOND


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """``send_transaction``. A duplicate is a success; "expired" is one too if the transaction had been included."""
    if not signed.complete:
        raise InvalidTransaction("this transaction lacks signatures: it cannot be broadcast")
    effect = answers.post(network, "send_transaction", broadcast=True, **signed.to_wire())
    (outcome,) = yield from attempt(effect)
    txid, accepted = signed.txid, Receipt(network, signed.txid, Status.PENDING, expiry=signed.expiry)
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(
            f"no answer to the broadcast of {txid} ({outcome.message}): ask about it or send the same bytes again",
            txid=txid,
        ) from outcome
    if isinstance(outcome, Mapping) and "error" in outcome:
        outcome = Rejected("the node refused", data=dict(outcome))
    if isinstance(outcome, Rejected):
        error = answers.node_error(outcome)
        if error.code == _DUPLICATE or error.name == "tx_duplicate":
            return accepted
        if error.code == _EXPIRED or error.name == "expired_tx_exception":
            try:
                found = yield from status(network, txid, signed.expiry)
            except TransportError as failure:
                raise BroadcastUncertain(
                    f"{txid} has expired, and nobody says if it was included", txid=txid
                ) from failure
            if found.status is not Status.UNKNOWN:
                return found
            # status() says Expired where that is certain. Until then blocks that were not read may hold it.
            raise BroadcastUncertain(
                f"{txid} has expired, and the blocks that may hold it are not all final yet: ask about it again",
                txid=txid,
            ) from outcome
        hint = _RESOURCES.get(error.code, "")
        raise Rejected(
            f"the node refused the transaction: {error.text}" + (f" (the account: {hint})" if hint else ""),
            node_code=error.code or outcome.node_code,
            data=outcome.data,
        ) from outcome
    if isinstance(outcome, Exception):
        raise outcome
    named = outcome.get("transaction_id") if isinstance(outcome, Mapping) else None
    if not isinstance(named, str):
        raise BroadcastUncertain(
            f"the node's answer says neither yes nor no: ask about {txid} or send the same bytes again", txid=txid
        )
    if named.lower() != txid:
        raise BadResponse(f"the node answered the id {named[:80]}, and these bytes have the id {txid}")
    return accepted


@dataclass(slots=True)
class Search:
    """The blocks that were read for a transaction: all from ``low`` to ``high`` but the ``missing``, without finding it."""

    network: Network
    txid: str
    expiry: int | None
    low: int = 0
    high: int = 0
    last: int = 0
    """The last block that may hold the transaction, once that is known."""
    missing: set[int] = field(default_factory=set)
    """Blocks that a node would not show: they are asked for again, and nothing is called expired without them."""

    def look(self) -> Op[Receipt]:
        """Read what was not read yet, as far as one look goes. Raises Expired once it can be nowhere."""
        (info,) = yield from ask(answers.post(self.network, "get_info"))
        head = answers.head(info)
        over = self.expiry is not None and head.final_time > self.expiry
        if over and not self.last:
            self.last = yield from self._last_before_expiry(head)
        newest = self.last or head.number
        oldest = max(newest - (_ANYWHERE if over else _NEAR), 1)
        if not self.high or newest < self.low:  # the second: a node that is far behind the one before
            self.low, self.high = newest + 1, newest
        receipt = yield from self._read(head, sorted(self.missing)[-_STEP:])
        if receipt is None:
            receipt = yield from self._read(head, range(self.high + 1, newest + 1))
        if receipt is None:
            self.high = max(self.high, newest)
            receipt = yield from self._read_back(head, oldest)
        if receipt is not None:
            return receipt
        if over and self.last and self.low <= max(oldest, 2) and not self.missing:
            raise Expired(f"{self.txid} was not included before it expired: build and sign it anew", txid=self.txid)
        # Blocks that are not final may be exchanged: the next look reads them again.
        self.high = max(min(self.high, head.final_number), self.low - 1)
        self.missing = {number for number in self.missing if number <= self.high}
        return Receipt(self.network, self.txid, Status.UNKNOWN, expiry=self.expiry)

    def _last_before_expiry(self, head: Head) -> Op[int]:
        """The last block that is not younger than the expiry, by bisection; 0 where the node lacks one on the way.

        At most two blocks come in a second, and fewer where producers missed theirs.
        """
        expiry = self.expiry or 0
        high = head.final_number  # younger than the expiry, or this would not be asked
        low = max(high - (head.final_time - expiry + 2) * _PER_SECOND, 0)
        while high - low > 1:
            middle = (low + high) // 2
            (outcome,) = yield from attempt(_block(self.network, middle))
            if isinstance(outcome, Rejected):
                return 0
            if isinstance(outcome, Exception):
                raise outcome
            if answers.block_time(outcome, middle) > expiry:
                high = middle
            else:
                low = middle
        return max(high, 1)

    def _read_back(self, head: Head, oldest: int) -> Op[Receipt | None]:
        while self.low > oldest:
            start = max(self.low - _STEP, oldest)
            receipt = yield from self._read(head, range(start, self.low))
            if receipt is not None:
                return receipt
            self.low = start
        return None

    def _read(self, head: Head, blocks: Sequence[int]) -> Op[Receipt | None]:
        for start in range(len(blocks), 0, -_STEP):
            part = blocks[max(start - _STEP, 0) : start]
            outcomes = yield from attempt(*(_block(self.network, number) for number in part))
            for number, outcome in zip(part, outcomes, strict=True):
                if isinstance(outcome, Rejected):  # it keeps few blocks, or lags behind the node that told the head
                    self.missing.add(number)
                    continue
                if isinstance(outcome, Exception):
                    raise outcome
                receipt = _within(self.network, self.txid, number, outcome, head, self.expiry)
                if receipt is not None:
                    return receipt
                self.missing.discard(number)
        return None


def _block(network: Network, number: int) -> Rest:
    return answers.post(network, "get_block", block_num_or_id=str(number))


def _within(network: Network, txid: str, number: int, answer: Any, head: Head, expiry: int | None) -> Receipt | None:
    call = "get_block"
    found = answers.table(answer, call)
    if answers.number(found, "block_num", call) != number:
        raise BadResponse(f"{call} answered another block than {number}")
    for item in answers.field(found, "transactions", list, call):
        if not isinstance(item, Mapping):
            raise BadResponse(f"{call}: a transaction is no object")
        inner = item.get("trx")
        identity = inner.get("id") if isinstance(inner, Mapping) else inner
        if identity == txid:
            state = str(item.get("status"))
            executed = state == "executed"
            return Receipt(
                network,
                txid,
                Status.CONFIRMED if executed else Status.FAILED,
                confirmations=max(head.number - number + 1, 1),
                block=number,
                fee=build.free(network).expected,
                final=number <= head.final_number,
                reason=None if executed else f"the node calls it {state[:40]}",
                expiry=expiry,
                details={
                    "cpu_us": answers.number(item, "cpu_usage_us", call, 0),
                    "net_bytes": 8 * answers.number(item, "net_usage_words", call, 0),
                },
            )
    return None


def has_history(network: Network) -> bool:
    """Whether the row has an endpoint of a history service."""
    return any(endpoint.startswith("hyperion+") for endpoint in network.endpoints)


def _from_history(network: Network, txid: str, expiry: int | None) -> Op[Receipt | None]:
    call = "v2/history/get_transaction"
    path = Rest(network.id, "GET", call, query={"id": txid}, service="hyperion")
    outcome, info = yield from attempt(path, answers.post(network, "get_info"))
    if isinstance(outcome, Exception) or isinstance(info, Exception):
        return None  # the blocks are asked then
    found = answers.table(outcome, call)
    listed = found.get("actions")
    if found.get("executed") is not True or not isinstance(listed, list) or not listed:
        return None
    first = listed[0]
    if not isinstance(first, Mapping) or first.get("trx_id") != txid:
        raise BadResponse(f"{call} answered about another transaction than {txid}")
    head, block = answers.head(info), answers.number(first, "block_num", call)
    return Receipt(
        network,
        txid,
        Status.CONFIRMED,
        confirmations=max(head.number - block + 1, 1),
        block=block,
        fee=build.free(network).expected,
        final=block <= head.final_number,
        expiry=expiry,
    )


def _identity(txid: object) -> str:
    match = _TXID.fullmatch(txid) if isinstance(txid, str) else None
    if match is None:
        raise InputError("an Antelope transaction id is 64 hex digits")
    return match[1].lower()


def _look(search: Search) -> Op[Receipt]:
    if has_history(search.network):
        receipt = yield from _from_history(search.network, search.txid, search.expiry)
        if receipt is not None:
            return receipt
    return (yield from search.look())


def status(network: Network, txid: str, expiry: int | None) -> Op[Receipt]:
    """Where a transaction stands; ``expiry`` is in seconds since 1970.

    Without a history service: the last 300 blocks (150 seconds) are read, and all that may hold the transaction once
    it has expired for good.
    """
    return (yield from _look(Search(network, _identity(txid), expiry)))


def wait(network: Network, txid: str, confirmations: int, timeout: float, expiry: int | None) -> Op[Receipt]:
    """As :meth:`~multiwallet.chain.Chain.wait`, reading each block once."""
    if timeout != timeout:  # NaN, which no waiting ever reaches
        raise InputError("timeout is a number of seconds")
    search = Search(network, _identity(txid), expiry)
    limit = int(min(max(timeout, 0), 10**9) * 1000)
    waited, pause, receipt = 0, 250, None  # in milliseconds
    while True:
        if receipt is None or receipt.block is None:
            receipt = yield from _look(search)
        else:  # it was seen: is it still there, and how deep?
            receipt = yield from _again(search, receipt)
        if receipt.status is Status.FAILED:
            raise Reverted(f"{txid} was included and failed: {receipt.reason}", txid=txid, reason=receipt.reason)
        if receipt.status is Status.CONFIRMED and (receipt.confirmations >= confirmations or receipt.final):
            return receipt
        if waited >= limit:
            raise Timeout(
                f"{txid} is {receipt.status.value} with {receipt.confirmations} of {confirmations} confirmations "
                f"after {timeout:g} s: wait longer, or ask again with wait(txid)"
            )
        pause = min(pause * 3 // 2, 5000, max(limit - waited, 50))
        yield from ask(Sleep(pause / 1000))
        waited += pause


def _again(search: Search, before: Receipt) -> Op[Receipt]:
    block = before.block or 0
    info, answer = yield from attempt(answers.post(search.network, "get_info"), _block(search.network, block))
    for outcome in (info, answer):
        if isinstance(outcome, Exception) and not (outcome is answer and isinstance(outcome, Rejected)):
            raise outcome
    if not isinstance(answer, Rejected):
        found = _within(search.network, search.txid, block, answer, answers.head(info), search.expiry)
        if found is not None:
            return found
    search.low = search.high = search.last = 0  # a fork took the block: look for it anew
    return (yield from _look(search))
