"""``outbox``: look after the payments of a store, and look into it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import typer

from ..errors import InputError
from .opening import open_wallet
from .options import AsJson, KeyOptions, NodeOptions, grouped
from .output import INTERRUPTED, note, print_json, print_table, print_text, report_error

if TYPE_CHECKING:
    from ..outbox import Policy
    from ..store import Outgoing, State

__all__ = ["PolicyOptions", "StoreUrl", "app", "interrupted", "stopping"]

app = typer.Typer(
    name="outbox",
    help="Look after the payments of a store until each is final, and look into it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks could show local variables, and those hold keys
    rich_markup_mode=None,
)

StoreUrl: TypeAlias = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="STORE",
        envvar="MULTIWALLET_STORE",
        help="The store: a file, or a postgresql:// URL (one with a password belongs into the environment).",
    ),
]


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """When a payment is done, and what is done for one that is stuck."""

    confirmations: Annotated[int, typer.Option(min=1, metavar="N", help="A payment is done with so many.")] = 1
    poll: Annotated[float, typer.Option(min=0, metavar="N", help="Seconds between two looks at a payment.")] = 2.0
    bump_after: Annotated[
        float, typer.Option(min=0, metavar="N", help="Seconds until a higher fee is offered; 0 for never.")
    ] = 600.0

    def policy(self) -> Policy:
        """The outbox's policy."""
        from ..outbox import Policy

        return Policy(confirmations=self.confirmations, poll=self.poll, bump_after=self.bump_after or None)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: the work ends at the next opportunity. A second signal ends it at once."""
    stop = threading.Event()
    before: dict[int, Any] = {}

    def asked(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with suppress(ValueError):  # not the main thread: then nobody sends it signals
        for name in (signal.SIGINT, signal.SIGTERM):
            before[name] = signal.signal(name, asked)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted(*, as_json: bool) -> int:
    """Say that a signal ended the work; its exit code."""
    report_error("interrupted", "stopped: run the same again to go on", as_json=as_json)
    return INTERRUPTED


@app.command()
@grouped
def run(
    keys: KeyOptions,
    nodes: NodeOptions,
    policy: PolicyOptions,
    store: StoreUrl,
    network: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="Whose key it is, with --private-key-file or --xpub.")
    ] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when every payment is final.")] = False,
    timeout: Annotated[float | None, typer.Option(min=0, metavar="N", help="End after so many seconds.")] = None,
    as_json: AsJson = False,
) -> int:
    """Drive every payment of a store to its end: hand over, ask, replace, sign anew. SIGTERM ends it cleanly."""
    with open_wallet(keys, nodes, network) as wallet:
        outbox = wallet.open_outbox(store, policy.policy())
        with stopping() as stop:
            outbox.run(stop=stop, until_idle=until_idle, timeout=timeout)
        counts = outbox.counts()
    _print_counts(counts, as_json=as_json)
    return 0


@app.command()
def status(store: StoreUrl, as_json: AsJson = False) -> None:
    """Say how many payments are in each state."""
    from ..store import Store
    from ..store.outgoing import counts

    with Store(store) as opened:
        _print_counts(counts(opened), as_json=as_json)


def _print_counts(counts: dict[State, int], *, as_json: bool) -> None:
    if as_json:
        print_json({"payments": {state.value: count for state, count in counts.items()}})
    else:
        print_table(("state", "payments"), ((state.value, count) for state, count in counts.items()))


@app.command("list")
def list_(
    store: StoreUrl,
    state: Annotated[list[str] | None, typer.Option(metavar="STATE", help="Only this state; repeat for more.")] = None,
    after: Annotated[int, typer.Option(min=0, metavar="ID", help="Only those entered after this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List payments in the order they were entered."""
    from ..store import State, Store
    from ..store.outgoing import listed

    known = {one.value: one for one in State}
    unknown = [name for name in state or () if name not in known]
    if unknown:
        raise InputError(f"a state is one of {', '.join(known)}")
    with Store(store) as opened:
        found = listed(opened, states=[known[name] for name in state or ()], after=after, limit=limit)
    if as_json:
        print_json({"payments": [_fields(record) for record in found]})
        return
    rows = ((r.id, r.key, r.state.value, r.lane, r.txid or "", r.error or "") for r in found)
    print_table(("id", "key", "state", "account", "txid", "error"), rows)


@app.command()
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The payment's idempotency key.")],
    store: StoreUrl,
    as_json: AsJson = False,
) -> None:
    """Show one payment: what was asked for, and every transaction that was signed for it."""
    from ..store import Store
    from ..store.outgoing import find

    with Store(store) as opened:
        record = find(opened, key)
    if record is None:
        raise InputError("there is no payment of this key")
    fields = _fields(record)
    if as_json:
        print_json(fields)
        return
    lines = [f"{name:9} {value}" for name, value in fields.items() if name not in ("attempts", "request") and value]
    for transfer in record.request.get("transfers", ()):
        lines.append(f"pays      {transfer['amount']} {transfer['asset'] or ''} to {transfer['to']}")
    for attempt in fields["attempts"]:
        lines.append("signed    " + ", ".join(f"{name} {value}" for name, value in attempt.items() if value))
    print_text("\n".join(lines))


def _fields(record: Outgoing) -> dict[str, Any]:
    return {
        "id": record.id,
        "key": record.key,
        "state": record.state.value,
        "account": record.lane,
        "txid": record.txid,
        "nonce": record.nonce,
        "error": record.error,
        "cancelling": record.cancelling,
        "receipt": record.receipt,
        "request": dict(record.request),
        "attempts": [
            {
                "generation": a.generation,
                "txid": a.txid,
                "purpose": a.purpose.value,
                "nonce": a.nonce,
                "broadcasts": a.broadcasts,
                "refused": a.refused,
                "dead": a.dead,
            }
            for a in record.attempts
        ],
    }


@app.command()
def cancel(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The payment's idempotency key.")],
    store: StoreUrl,
    as_json: AsJson = False,
) -> None:
    """Ask for a payment not to be made. `outbox run` carries it out; the chain decides which came first."""
    from ..ops import run as perform
    from ..outbox import Policy
    from ..outbox.operations import OutboxOperations
    from ..store import Store

    with Store(store) as opened:
        # Nothing is signed here, so no wallet's session is needed: only the store is asked.
        operations = OutboxOperations(opened, cast("Any", None), Policy())
        record = perform(operations.cancel(key), lambda effects: [cast("Any", effect).work() for effect in effects])
    if as_json:
        print_json(_fields(record))
    else:
        note("cancelled" if record.is_final else "it will be cancelled by `outbox run`, unless the chain was quicker")
