"""What the store holds, as values, and the states a payment goes through.

::

    PLANNED ──▶ SIGNED ──▶ SENT ──▶ INCLUDED ──▶ CONFIRMED
       │          │  ▲       │ ▲        │ │
       │          │  └───────┘ └────────┘ └────▶ FAILED      it was included and failed
       │          │  proven dead:  a block was undone
       ▼          │  signed anew
    REFUSED ◀─────┴────────▶ CANCELLED                       nothing was paid, and nothing can be

A payment is final in CONFIRMED, FAILED, REFUSED and CANCELLED. The same key may be tried again after REFUSED
alone: then nothing of it was ever signed, or what was signed can never be included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

__all__ = ["FINAL", "TRANSITIONS", "Attempt", "Outgoing", "Purpose", "State"]


class State(StrEnum):
    """Where a payment stands."""

    PLANNED = "planned"  # asked for; nothing is signed
    SIGNED = "signed"  # signed bytes are kept; nobody is known to have them
    SENT = "sent"  # the bytes went out at least once, and some node may have them
    INCLUDED = "included"  # in a block, and not yet deep enough
    CONFIRMED = "confirmed"  # deep enough: done
    FAILED = "failed"  # included and failed, deep enough: the fee is spent, nothing was paid
    REFUSED = "refused"  # nothing was paid, and nothing signed can be included any more
    CANCELLED = "cancelled"  # on request; nothing was paid, and nothing signed can be included any more


FINAL: Final = frozenset({State.CONFIRMED, State.FAILED, State.REFUSED, State.CANCELLED})

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.PLANNED: frozenset({State.SIGNED, State.REFUSED, State.CANCELLED}),
        State.SIGNED: frozenset({State.SIGNED, State.SENT, State.INCLUDED, State.REFUSED, State.CANCELLED}),
        State.SENT: frozenset({State.SIGNED, State.INCLUDED, State.REFUSED, State.CANCELLED}),
        State.INCLUDED: frozenset({State.SENT, State.CONFIRMED, State.FAILED, State.REFUSED, State.CANCELLED}),
        State.CONFIRMED: frozenset(),
        State.FAILED: frozenset(),
        State.REFUSED: frozenset({State.PLANNED}),
        State.CANCELLED: frozenset(),
    }
)
"""From each state to those that may follow it. The store refuses any other step."""


class Purpose(StrEnum):
    """What a signed transaction of a payment is for."""

    PAY = "pay"
    CANCEL = "cancel"  # takes the place of the payment and pays nobody


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction of a payment. ``raw`` is what is broadcast, always the same bytes.

    ``generation`` counts from 1; a later one was signed because the earlier could never be included any more, or to
    take its place at a higher fee. ``unsigned`` is the transaction before signing, as JSON text. Times are in
    seconds since 1970.
    """

    generation: int
    txid: str
    raw: bytes = field(repr=False)
    purpose: Purpose
    expiry: int | None
    nonce: int | None
    coins: tuple[str, ...]
    unsigned: str | None = field(repr=False)
    broadcasts: int
    refused: str | None
    dead: bool
    created_at: float
    sent_at: float | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One payment, under one idempotency key.

    ``lane`` names the account it is paid from; ``request`` is what was asked for, as plain JSON values.
    ``attempts`` are its signed transactions, the newest last. ``receipt`` is what the chain last told of it.
    ``cancelling`` says that it was asked to be cancelled.
    """

    id: int
    key: str
    lane: str
    network: str
    account: Mapping[str, Any]
    request: Mapping[str, Any]
    state: State
    nonce: int | None
    error: str | None
    receipt: Mapping[str, Any] | None
    created_at: float
    updated_at: float
    cancelling: bool = False
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state in FINAL

    @property
    def txid(self) -> str | None:
        """The id of the newest transaction; None before anything is signed."""
        return self.attempts[-1].txid if self.attempts else None
