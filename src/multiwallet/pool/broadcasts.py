"""Handing the same bytes to several endpoints, and making one outcome of what they say.

The adapter decides what an outcome means; it is given the one that tells most. An acceptance is worth more than all
else: one node that has the transaction is enough. Without one, what counts is whether an answer was lost, for then a
node may have the transaction although another refused it. A refusal that the adapter can settle by itself ("already
known", "nonce too low") keeps the lost answer as its cause; any other refusal gives way to the lost answer, so that the
adapter reports an uncertain outcome and nobody signs anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .. import telemetry
from ..errors import BadResponse, MultiwalletError, RateLimited, Rejected, Timeout, TransportError
from ..ops import Effect, Outcome
from .conversation import Conversation, Visit, paused, waited
from .questions import label
from .roster import Ladder, Roster

__all__ = ["accepted", "broadcast", "joined"]

# How nodes of all families say that they have the transaction already.
_KNOWN: Final = re.compile(
    r"already[- _]?(?:known|imported|exists?|been processed|processed|in[- ](?:mempool|block ?chain|the (?:mempool|block)))"
    r"|already in (?:the )?(?:block ?chain|utxo set|mempool)|known transaction|alreadyprocessed"
    r"|same-nonwitness-data-in-mempool|dup_transaction|duplicate transaction|tx already",
    re.IGNORECASE,
)
# What may be the trace of this very transaction: the adapter asks about its id before it believes the refusal.
_DOUBTFUL: Final = re.compile(
    r"nonce (?:is )?too low|nonce has already been used|invalid nonce|oldnonce|correct nonce|missing ?inputs"
    r"|missingorspent|blockhash ?not ?found|transaction_expiration_error|tapos_error|timed? ?out|timeout",
    re.IGNORECASE,
)
_INTERNAL: Final = -32603


def accepted(family: str, outcome: Outcome) -> bool:
    """Whether an outcome says that the node has the transaction.

    An error never does. Nodes of some families answer refusals with status 200 and a code in the body: of them only
    the words of an acceptance or of a duplicate count.

    >>> accepted("evm", "0xabc"), accepted("tron", {"result": False, "code": "SIGERROR"})
    (True, False)
    """
    if isinstance(outcome, MultiwalletError):
        return False
    in_body = _IN_BODY.get(family)
    return outcome is not None if in_body is None else isinstance(outcome, Mapping) and in_body(outcome)


def _by_tron(body: Mapping[str, Any]) -> bool:
    return body.get("result") is True or body.get("code") == "DUP_TRANSACTION_ERROR"


def _by_xrp(body: Mapping[str, Any]) -> bool:
    result = body.get("engine_result")
    if not isinstance(result, str):
        return False
    kept = any(body.get(name) is True for name in ("kept", "queued", "accepted"))
    taken = result in ("tesSUCCESS", "terQUEUED", "tefALREADY") or result.startswith("tec")
    return taken or (result.startswith("ter") and kept)


def _by_cosmos(body: Mapping[str, Any]) -> bool:
    told = body.get("tx_response")
    if not isinstance(told, Mapping):
        return False
    in_mempool = told.get("code") == 19 and told.get("codespace") in ("sdk", "", None)
    return (told.get("code") == 0 and type(told.get("code")) is int) or in_mempool


def _by_sui(body: Mapping[str, Any]) -> bool:
    data = body.get("data")
    executed = data.get("executeTransaction") if isinstance(data, Mapping) else None
    return not body.get("errors") and isinstance(executed, Mapping) and executed.get("effects") is not None


_IN_BODY: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "tron": _by_tron,
    "xrp": _by_xrp,
    "cosmos": _by_cosmos,
    "sui": _by_sui,
}


def broadcast(roster: Roster, service: str, effect: Effect) -> Conversation[list[Outcome]]:
    """Send to as many endpoints as the settings say, and to the next ones where no answer came; see :func:`joined`.

    It ends with the first acceptance, and what is under way then goes on. What is sent is always identical.
    """
    ladder = Ladder(roster, service)
    wanted = len(roster.serving(service)) if roster.settings.broadcast_to is None else roster.settings.broadcast_to
    flying: list[Visit] = []
    outcomes: list[Outcome] = []
    answers = 0
    while True:
        started: list[Visit] = []
        while len(flying) + len(started) + answers < wanted:
            member = ladder.spare()
            if member is None:
                break
            started.append(Visit(member, (effect,), (0,), service, keep=True))
        if not flying and not started:
            if answers:
                break
            move = ladder.next()
            if move is None:
                break
            if isinstance(move, float):
                yield from paused(move)
                continue
            started.append(Visit(move, (effect,), (0,), service, keep=True))
        ended = yield from waited(started, flying, None, roster.settings.clock)
        for end in ended:
            (outcome,) = end.outcomes
            outcomes.append(outcome)
            about: dict[str, Any] = {
                "network": roster.network.id,
                "method": label(effect),
                "endpoint": end.visit.member.host,
            }
            if accepted(roster.network.family, outcome):
                telemetry.count("multiwallet.broadcasts", **about, result="accepted")
                return [outcome]
            if isinstance(outcome, TransportError):
                ladder.blame(outcome)
                lost = isinstance(outcome, Timeout | BadResponse)
                telemetry.count("multiwallet.broadcasts", **about, result="lost" if lost else "not sent")
            else:
                answers += 1
                telemetry.count("multiwallet.broadcasts", **about, result="refused")
    return [joined(roster.network.family, outcomes) if outcomes else ladder.error()]


def joined(family: str, outcomes: list[Outcome]) -> Outcome:
    """The one outcome that stands for all: acceptance, then what settles it, then a lost answer, then a refusal.

    >>> from multiwallet.errors import Rejected, Timeout, Unreachable
    >>> lost, refusal = Timeout("no answer"), Rejected("insufficient funds")
    >>> joined("evm", [refusal, lost]) is lost, joined("evm", [refusal, Unreachable("down")]) is refusal
    (True, True)
    >>> known = joined("evm", [lost, Rejected("already known")])
    >>> known.message, known.__cause__ is lost
    ('already known', True)
    """
    for outcome in outcomes:
        if accepted(family, outcome):
            return outcome
    lost = next((outcome for outcome in outcomes if isinstance(outcome, Timeout | BadResponse)), None)
    refusals = [outcome for outcome in outcomes if not isinstance(outcome, TransportError)]
    refusals.sort(key=_standing)
    if lost is not None:
        if refusals and isinstance(refusals[0], Rejected) and _standing(refusals[0]) < 2:
            return _after(refusals[0], lost)
        return lost
    if refusals:
        return refusals[0]
    limited = [outcome for outcome in outcomes if isinstance(outcome, RateLimited)]
    # Nothing was taken anywhere; that the endpoints limit their callers says more than that one is down.
    return limited[0] if limited else outcomes[0]


def _standing(outcome: Outcome) -> int:
    """0 for "already known", 1 for what the adapter looks into, 2 for a plain refusal."""
    if isinstance(outcome, MultiwalletError):
        data = outcome.data if isinstance(outcome, Rejected) else None
        text = f"{outcome.message} {str(data)[:2000] if data is not None else ''}"
        if isinstance(outcome, Rejected) and outcome.node_code == _INTERNAL and not _KNOWN.search(text):
            return 1
    else:
        text = str(outcome)[:2000]
    return 0 if _KNOWN.search(text) else 1 if _DOUBTFUL.search(text) else 2


def _after(refusal: Rejected, lost: MultiwalletError) -> Rejected:
    # A new object: a transport may have handed out the same one to several callers.
    copy = Rejected(refusal.message, node_code=refusal.node_code, data=refusal.data)
    copy.__cause__ = lost
    return copy
