"""What has to hold at the end of a run, from what the chain holds and what the store says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from multiwallet.store import Outgoing, Purpose, State, Store
from multiwallet.store import outgoing as kept

from .readback import Seen

__all__ = ["Verdict", "judge"]


@dataclass(slots=True)
class Verdict:
    """Counts, and what is wrong; nothing is wrong where ``wrong`` is empty."""

    states: dict[str, int] = field(default_factory=dict)
    paid_once: int = 0
    not_begun: int = 0
    signed: int = 0
    signed_again: int = 0
    replaced: int = 0
    gaps_filled: int = 0
    broadcasts: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all of it holds."""
        return not self.wrong

    def fail(self, words: str) -> None:
        """Note what is wrong, the first fifty times."""
        if len(self.wrong) < 50:
            self.wrong.append(words)


def judge(
    store: Store,
    seen: Seen,
    wanted: Sequence[int],
    targets: Sequence[str],
    notes: Sequence[str],
    begun: Set[int] | None = None,
) -> Verdict:
    """Every payment made exactly once, no nonce left out, no transaction that nobody knows, nothing left to do.

    ``begun`` are those that somebody was answered for, where a run ended before it had made all of them: then others
    need not be in the store, and what is not there must not be paid either.
    """
    verdict = Verdict()
    records = kept.listed(store, limit=10**7)
    orders = {record.key: record for record in records if record.key.startswith("order-")}
    for number, (units, target) in enumerate(zip(wanted, targets, strict=True)):
        record = orders.get(f"order-{number}")
        if record is None and begun is not None and number not in begun:
            verdict.not_begun += 1
            units = 0
            if seen.paid[number] == 0:
                continue
        if seen.paid[number] == units:
            verdict.paid_once += 1
        else:
            state = record.state.value if record else "not in the store"
            verdict.fail(f"order-{number} ({state}): {target} has {seen.paid[number]} and not {units}")
        if record is None or record.state is not State.CONFIRMED:
            verdict.fail(f"order-{number} is {record.state.value if record else 'lost'}")
    for record in records:
        if not record.is_final:
            verdict.fail(f"{record.key} is {record.state.value} at the end: {record.error}")
    _match(verdict, records, seen)
    _count(verdict, records)
    for note in notes:
        if note.startswith(("bug", "error")):
            verdict.fail(note)
    return verdict


def _match(verdict: Verdict, records: Sequence[Outgoing], seen: Seen) -> None:
    """Transactions of the chain against signed bytes of the store."""
    known = {attempt.txid: (record, attempt) for record in records for attempt in record.attempts}
    included: Counter[str] = Counter()
    for txid in seen.transactions:
        if txid not in known:
            verdict.fail(f"the chain holds {txid}, which the store does not know")
            continue
        record, attempt = known[txid]
        included[record.key] += attempt.purpose is Purpose.PAY
        if attempt.dead:
            verdict.fail(f"{record.key}: {txid} was called dead, and the chain holds it")
    for txid in seen.twice:
        verdict.fail(f"the chain holds {txid} twice")
    for key, count in included.items():
        if count > 1:
            verdict.fail(f"{key} was paid by {count} transactions")
    nonces = sorted(nonce for nonce, _ in seen.transactions.values() if nonce is not None)
    if nonces and nonces != list(range(len(nonces))):
        verdict.fail("the nonces on the chain are not 0, 1, 2 and so on without a gap")


def _count(verdict: Verdict, records: Sequence[Outgoing]) -> None:
    verdict.states = dict(sorted(Counter(record.state.value for record in records).items()))
    verdict.gaps_filled = sum(not record.key.startswith("order-") for record in records)
    for record in records:
        dead = sum(attempt.dead for attempt in record.attempts)
        verdict.signed += len(record.attempts)
        verdict.signed_again += dead
        verdict.replaced += max(0, len(record.attempts) - dead - 1)
        verdict.broadcasts += sum(attempt.broadcasts for attempt in record.attempts)
