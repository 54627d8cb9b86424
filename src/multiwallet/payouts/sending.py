"""Sending a batch: every line is a payment of the outbox under its key, so a run that died is simply run again."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError, MultiwalletError, Timeout
from ..ops import run
from ..outbox.many import ManyPayments, signed_bytes
from ..outbox.requests import intent_of
from ..store import batches
from ..store.batch_entries import Entered, Entry, NonceTaken, SignedBytes, enter
from ..store.outgoing import CoinsTaken
from ..store.records import FINAL, Outgoing, State
from ..transactions import SignedTransaction
from .agreement import Agreement, native_of
from .belonging import check_belongs
from .plan_file import Header, Record, locked, open_plan, read_header
from .recipes import shares_nonces
from .signing import SignedLine, check_account, read_signed
from .table import LineError, digest_of

if TYPE_CHECKING:
    from ..account import Account

__all__ = ["Sent", "send"]

_ROUND: Final = 500
_SETTLED: Final = 256
_GAPS: Final = 5.0  # seconds between two looks at what other payments of the account need

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending: transactions of the plan, and how many are in each state of the outbox.

    ``errors`` are lines of which no payment could be entered (at most a thousand of the ``failed`` ones);
    ``unsigned`` counts those that the signed file does not hold yet. ``complete`` says that every payment is final.
    """

    id: str
    transactions: int
    states: dict[State, int]
    failed: int = 0
    unsigned: int = 0
    errors: tuple[LineError, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every transaction of the plan is a payment that has come to its end."""
        return sum(self.states[state] for state in FINAL) == self.transactions

    @property
    def confirmed(self) -> bool:
        """Whether everything is paid."""
        return self.states[State.CONFIRMED] == self.transactions

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "id": self.id,
            "transactions": self.transactions,
            "states": {state.value: count for state, count in self.states.items()},
            "complete": self.complete,
            "failed": self.failed,
            "unsigned": self.unsigned,
            "errors": [{"line": e.line, "field": e.field, "message": e.message} for e in self.errors],
        }


def send(
    account: Account,
    plan: str | os.PathLike[str],
    signed: str | os.PathLike[str] | None = None,
    *,
    concurrency: int = 64,
    rate: float | None = None,
    ahead: int | None = None,
    wait: bool = True,
    timeout: float | None = None,
    again: bool = False,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> Sent:
    """Make the payments of a plan, each once: with the signed file of :func:`sign`, or signing as they are sent.

    Needs ``wallet.open_outbox(...)``: the payments are kept there, under their keys, before anything is broadcast.
    Run it again after any interruption, on the same store: what is done is left alone, and the rest goes on.

    ``concurrency`` is how many are handed over at once, ``rate`` how many in a second at most, and ``ahead`` how many
    may be on their way and in no block yet (on chains with nonces 1000 without it: nodes keep no longer queues).
    With ``wait`` the call looks after the payments until each is final, for at most ``timeout`` seconds; without, the
    outbox's ``run`` does that. ``again`` begins payments anew that were refused. ``stop`` ends the call at the next
    opportunity. ``progress(what, done, total)`` is called as it goes on.

    Raises InputError for files that do not belong together, SigningRefused for another account, StoreError where the
    database fails (run it again), and Timeout.
    """
    return _Sending(account, plan, signed, concurrency, rate, ahead, again, stop, progress).run(wait, timeout)


class _Stopped(Exception):
    pass


class _Sending:
    """One run of :func:`send`."""

    def __init__(
        self,
        account: Account,
        plan: str | os.PathLike[str],
        signed: str | os.PathLike[str] | None,
        concurrency: int,
        rate: float | None,
        ahead: int | None,
        again: bool,
        stop: threading.Event | None,
        progress: Progress | None,
    ) -> None:
        outbox = account._wallet.outbox
        if outbox is None:
            raise InputError("a batch is sent through an outbox: call wallet.open_outbox(...) first")
        for value, what in ((concurrency, "concurrency"), (ahead, "ahead")):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"{what} is a whole number, one or more")
        if rate is not None and not rate > 0:
            raise InputError("rate is a number of payments in a second, above zero")
        self.header: Header = read_header(plan)
        self.operations = account._operations
        check_account(self.operations, self.header)
        self._agreement = Agreement(self.operations, self.header)
        self._account = account
        self._plan, self._signed = plan, signed
        self._again = again
        # Entered and handed over in one go: so few that even the slowest pace is done with them within their lease.
        self._size = min(concurrency, concurrency if rate is None else max(1, int(rate * 5)), ahead or concurrency)
        self._stop = stop or threading.Event()
        self._told: Progress = progress or (lambda what, done, total: None)
        self._outbox = outbox._operations
        self.store = self._outbox.store
        self._nonces = shares_nonces(self.operations)
        self._ahead = ahead if ahead is not None or not self._nonces else 1000
        self._pace = _Pace(rate, self._stop)
        self._steals = f"batch-{self.header.id}-"
        worker = f"{self._steals}{secrets.token_hex(6)}"
        self._many = ManyPayments(self._outbox, self.operations, worker)
        self._worker = worker
        self._perform = account._wallet._perform
        self._can_sign = self.operations.session.can_sign
        self._speed = str(self.header.facts.get("speed", "normal"))
        self._failed = self._unsigned = self._handed = self._on_way = 0
        self._errors: list[LineError] = []
        self._next_look = self._next_count = 0.0
        self._next_gaps = time.monotonic() + _GAPS
        self._included = 0
        if signed is None or again:  # what was refused is signed anew
            self.operations.check_can_sign()

    def run(self, wait: bool, timeout: float | None) -> Sent:
        end = None if timeout is None else time.monotonic() + timeout
        try:
            file = open(self._plan, "rb")  # noqa: SIM115  # closed by the with below
        except OSError as error:
            raise InputError(f"cannot read the plan: {error.strerror}") from None
        with file:
            if not locked(file):
                raise InputError("another process on this machine is sending this plan")
            self._agreement.check_totals(self._plan)
            facts = {**self.header.to_dict()}
            batches.open_batch(self.store, self.header.id, self.header.digest, facts)
            try:
                self._enter_all()
                if wait:
                    self._wait(end)
            except _Stopped:
                pass
        states = {state: payments for state, (_, payments) in batches.totals_of(self.store, self.header.id).items()}
        return Sent(self.header.id, self.header.transactions, states, self._failed, self._unsigned, tuple(self._errors))

    # -- entering ----------------------------------------------------------------------------------

    def _enter_all(self) -> None:
        if self._nonces:
            asked = self.operations.chain.nonces(self.operations.holder)
            self._included = run(self.operations.online(asked), self._perform).included
        self._on_way = self._unfinished()
        # Those that an earlier run left behind come first: on chains with nonces the others wait for them.
        self._look_after(self._steals)
        pairs = self._pairs()
        while True:
            found = list(islice(pairs, _ROUND))
            if not found:
                return
            self._check_stop()
            known = batches.known_keys(self.store, [record.key for record, _ in found])
            entries, unsigned = self._entries(found, known)
            self._unsigned += unsigned
            for start in range(0, len(entries), self._size):
                self._round(entries[start : start + self._size])

    def _pairs(self) -> Iterator[tuple[Record, SignedLine | None]]:
        """The transactions of the plan, each with its line of the signed file."""
        lines = None
        if self._signed is not None:
            lines = read_signed(self._signed, self.header, digest_of(self._plan))
        for record in open_plan(self._plan):
            line = None if lines is None else next(lines, None)
            if line is not None and line.key != record.key:
                raise InputError("the signed file is out of step with its plan: sign into another file")
            yield record, line

    def _entries(
        self, found: Sequence[tuple[Record, SignedLine | None]], known: frozenset[str]
    ) -> tuple[list[Entry], int]:
        """What is to be entered; a line that cannot be is an error. And how many are not signed yet."""
        entries: list[Entry] = []
        unsigned = 0
        ours = self._sign_now(found, known) if self._signed is None else {}
        for record, line in found:
            bytes_: SignedBytes | None = None
            try:
                if record.key not in known:
                    if line is not None:
                        bytes_ = self._read(record, line)
                    elif self._signed is not None:
                        unsigned += 1
                        continue
                    elif record.key in ours:
                        with suppress(NonceTaken):  # then it is made when it is sent
                            bytes_ = self._bytes(record, ours[record.key])
                entries.append(self._entry(record, bytes_))
            except MultiwalletError as error:
                self._fail(record.line, error)
        return entries, unsigned

    def _entry(self, record: Record, bytes_: SignedBytes | None) -> Entry:
        intent = intent_of(self.operations, record.transfers(), record.options(self._speed), record.key)
        return Entry(record.lines, intent, bytes_)

    def _sign_now(self, found: Sequence[tuple[Record, SignedLine | None]], known: frozenset[str]) -> dict[str, Any]:
        """Sign the plan's own transactions, where it has them and they can still be sent."""
        fresh = [record for record, _ in found if record.key not in known and self._is_current(record)]
        results = self._account.sign_batch(native_of(record) for record in fresh)
        return {record.key: result for record, result in zip(fresh, results, strict=True)}

    def _is_current(self, record: Record) -> bool:
        """Whether a plan's transaction may still be sent: its nonce must be the account's to use."""
        made = record.transaction
        if made is None:
            return False
        nonce = made.get("nonce") if isinstance(made, dict) else None
        return not (self._nonces and isinstance(nonce, int) and nonce < self._included)

    def _read(self, record: Record, line: SignedLine) -> SignedBytes:
        if line.raw is None:
            raise InputError(f"it could not be signed: {line.error[:300]}")
        return self._bytes(record, self.operations.chain.parse_signed(self.operations.network, line.raw), line.txid)

    def _bytes(self, record: Record, signed: SignedTransaction | MultiwalletError, txid: str = "") -> SignedBytes:
        """Signed bytes as the store takes them, once they are known to be this line's."""
        if isinstance(signed, MultiwalletError):
            raise signed
        if txid and signed.txid != txid:
            raise InputError("the signed file states another id than its bytes have: it was changed")
        unsigned = self.operations.adopt(native_of(record))
        self._agreement.check(record, unsigned)
        if txid:  # what this run has signed itself needs no second look
            check_belongs(self.operations, unsigned, signed)
        made = signed_bytes(self.operations, signed, unsigned.to_json())
        if made.nonce is not None and made.nonce < self._included:
            raise NonceTaken(
                f"nonce {made.nonce} is used already, by another transaction of the account: plan and sign it anew"
            )
        return made

    def _round(self, entries: Sequence[Entry]) -> None:
        """Enter some payments and hand over what is this run's to hand over."""
        self._make_room()
        results = self._enter(entries)
        taken = [place for place, result in enumerate(results) if _lacks_place(result)]
        if taken and self._signed is None:  # a nonce or coin of it went elsewhere: it gets others
            anew = self._enter([Entry(entries[place].lines, entries[place].intent) for place in taken])
            for place, result in zip(taken, anew, strict=True):
                results[place] = result
        to_make: list[Outgoing] = []
        to_hand_over: list[Outgoing] = []
        for entry, result in zip(entries, results, strict=True):
            if result.error is not None:
                self._fail(entry.lines[0], result.error)
            elif result.record is not None and result.mine:
                signed = result.record.state is State.SIGNED
                (to_hand_over if signed else to_make).append(result.record)
            else:
                self._handed += 1
        if to_hand_over:
            self._pace.wait(len(to_hand_over))
            run(self._many.hand_over(to_hand_over), self._perform)
            self._count(len(to_hand_over))
        if to_make and not self._can_sign:
            batches.put_off(self.store, self._worker, [record.id for record in to_make], self._outbox.policy.retry)
        elif to_make:
            self._pace.wait(len(to_make))
            with self._account._wallet._turn(self.operations):
                run(self._many.make(to_make), self._perform)
            self._count(len(to_make))
        self._told("sent", self._handed, self.header.transactions)

    def _enter(self, entries: Sequence[Entry]) -> list[Entered]:
        return enter(self.store, self.header.id, entries, self._worker, steals=self._steals, again=self._again)

    def _fail(self, line: int, error: MultiwalletError) -> None:
        self._failed += 1
        if len(self._errors) < 1000:
            self._errors.append(LineError(line, "transaction", error.message))

    def _count(self, number: int) -> None:
        self._handed += number
        self._on_way += number
        self._told("sent", self._handed, self.header.transactions)
        self._look_after()

    # -- looking after -----------------------------------------------------------------------------

    def _look_after(self, steals: str = "") -> int:
        """Look after payments of the batch that are due: how many."""
        self._check_stop()
        now = time.monotonic()
        if now >= self._next_gaps:
            run(self._outbox.step(), self._perform)
            self._next_gaps = now + _GAPS
        looked = 0
        while now >= self._next_look or steals:
            found = batches.take_batch_due(self.store, self.header.id, self._worker, limit=_SETTLED, steals=steals)
            if not found:
                self._next_look = time.monotonic() + min(1.0, max(0.05, self._outbox.policy.poll / 4))
                return looked
            looked += len(found)
            left = [record for record in found if record.state is State.SIGNED and not record.attempts[-1].broadcasts]
            if left and steals:  # signed, and not known to be handed over: the first thing is that
                for start in range(0, len(left), self._size):
                    run(self._many.hand_over(left[start : start + self._size]), self._perform)
                found = [record for record in found if record not in left]
            if found:
                self._on_way -= run(self._many.look_after(found), self._perform)
            self._check_stop()
            if not steals and len(found) < _SETTLED:
                return looked
        return looked

    def _make_room(self) -> None:
        """Wait while too many payments are on their way."""
        while self._ahead is not None and self._on_way + self._size > max(self._ahead, self._size):
            if not self._look_after():
                self._stop.wait(0.05)
                now = time.monotonic()
                if now >= self._next_count:  # what came to its end in another way is not in the running count
                    self._next_count = now + 1.0
                    self._on_way = self._unfinished()
            self._check_stop()

    def _unfinished(self) -> int:
        """How many are with the network and in no block."""
        return batches.totals_of(self.store, self.header.id)[State.SENT][1]

    def _wait(self, end: float | None) -> None:
        total, count_at = self.header.transactions, 0.0
        while True:
            looked = self._look_after()
            now = time.monotonic()
            if not looked or now >= count_at:
                totals = batches.totals_of(self.store, self.header.id)
                count_at = now + 2.0
                self._told("final", sum(totals[state][1] for state in FINAL), total)
                if not sum(totals[state][1] for state in State if state not in FINAL):
                    return
            if end is not None and now >= end:
                raise Timeout("the time is up, and not every payment is final: run the same again to go on")
            if not looked:
                self._stop.wait(min(1.0, max(0.05, self._outbox.policy.poll / 4)))
            self._check_stop()

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _Stopped


def _lacks_place(result: Entered) -> bool:
    return isinstance(result.error, NonceTaken | CoinsTaken)


class _Pace:
    """Not more than so many in a second."""

    def __init__(self, rate: float | None, stop: threading.Event) -> None:
        self._rate = rate
        self._stop = stop
        self._free = time.monotonic()

    def wait(self, count: int) -> None:
        """Wait until so many more may go out."""
        if self._rate is None:
            return
        now = time.monotonic()
        if self._free > now:
            self._stop.wait(self._free - now)
        self._free = max(self._free, now) + count / self._rate
