"""``batch``: thousands of payments from a table: plan, sign, send, status, report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer

from ..errors import InputError
from .batch_progress import gauge
from .opening import endpoints, open_account, open_wallet
from .options import AccountOptions, AsJson, KeyOptions, NodeOptions, grouped
from .outbox import PolicyOptions, StoreUrl, interrupted, stopping
from .output import SOME_FAILED, note, print_json, print_table, print_text
from .secrets_input import confirm

__all__ = ["app"]

app = typer.Typer(
    name="batch",
    help="Pay thousands of lines of a table: check, sign offline, send each once, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks could show local variables, and those hold keys
    rich_markup_mode=None,
)

_INVALID: Final = 3
_SHOWN: Final = 50

PlanFile = Annotated[str, typer.Argument(metavar="PLAN", help="The plan that `batch plan` wrote.")]


@app.command()
@grouped
def plan(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The payments: a CSV, JSON-lines or Parquet file.")],
    network: Annotated[str, typer.Option(metavar="NETWORK", help="The network.")],
    out: Annotated[str, typer.Option(metavar="FILE", help="Where the plan goes.")],
    format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="csv, jsonl or parquet, where the file's name does not say.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make it another batch than the same table was before.")
    ] = None,
    speed: Annotated[str, typer.Option(metavar="SPEED", help="slow, normal or fast.")] = "normal",
    allow_duplicates: Annotated[
        bool, typer.Option("--allow-duplicates", help="Lines may pay the same amount to the same recipient.")
    ] = False,
    combine: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Pay up to N lines in one transaction; 1 for the usual number."),
    ] = None,
    disperse: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="EVM: the contract that passes combined payments on.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="STORE", envvar="MULTIWALLET_STORE", help="Leave out the nonces that this store gave away."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a plan that is there already.")] = False,
    most_errors: Annotated[int, typer.Option(min=1, metavar="N", help="Show at most so many errors.")] = 1000,
    as_json: AsJson = False,
) -> int:
    """Check every line of a table and write a plan. Signs and sends nothing; works with --xpub.

    The table has the columns to and amount, and where they are wanted asset, memo and key. Every error is told with
    its line, and with any error no plan is written (exit code 3).
    """
    from ..payouts import plan as make
    from ..store import Store

    with open_wallet(keys, nodes, network) as wallet, gauge(quiet=as_json) as shown:
        account = open_account(wallet, network, chosen)
        opened = None if store is None else Store(store)
        try:
            made = make(
                account, table, out, format=format, name=name, speed=speed, allow_duplicates=allow_duplicates,
                combine=True if combine == 1 else combine or False, disperse=disperse, store=opened,
                overwrite=overwrite, most_errors=most_errors, progress=shown.show,
            )  # fmt: skip
        finally:
            if opened is not None:
                opened.close()
    if as_json:
        print_json(made.to_dict())
        return 0 if made.ok else _INVALID
    if not made.ok:
        _tell(made.errors, made.error_count)
        note(f"{made.error_count:,} errors in {made.lines:,} lines: nothing was planned")
        return _INVALID
    told = [("batch", made.id), ("from", account.address), ("lines", f"{made.lines:,}")]
    told += [
        ("transactions", f"{made.transactions:,}"),
        *(("pays", f"{total} ({total.asset.id})") for total in made.totals),
    ]
    told += [("fees", str(made.fee))] if made.fee is not None else []
    told += [(name, str(value)) for name, value in made.facts.items()]
    told += [("signing", "offline, with `batch sign`" if made.offline else "as it is sent, with `batch send`")]
    print_text("\n".join(f"{name:13} {value}" for name, value in told))
    for warning in made.warnings:
        note(f"WARNING  {warning}")
    return 0


def _tell(errors: Iterable[Any], count: int) -> None:
    shown = 0
    for error in errors:
        note(str(error))
        shown += 1
    if count > shown:
        note(f"... and {count - shown:,} more")


@app.command()
@grouped
def sign(
    keys: KeyOptions,
    nodes: NodeOptions,
    plan: PlanFile,
    out: Annotated[str, typer.Option(metavar="FILE", help="Where the signed transactions go.")],
    threads: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="So many at once.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    as_json: AsJson = False,
) -> int:
    """Sign a plan, without any network. Run again after an interruption, it goes on where it was."""
    from ..payouts import account_for
    from ..payouts import sign as make

    endpoints(nodes)
    header = _shown(plan, quiet=as_json and yes)
    with open_wallet(keys, nodes, header.network) as wallet:
        account = account_for(wallet, plan)
        if not yes:
            confirm(f"Sign {header.transactions:,} transactions as {account.address}?")
            _check_same(plan, header)
        with gauge(quiet=as_json) as shown:
            made = make(
                account, plan, out, threads=threads, progress=lambda done, total: shown.show("signed", done, total)
            )
    if as_json:
        print_json(made.to_dict())
    else:
        print_text(f"{made.signed:,} of {made.transactions:,} transactions are signed, {made.now:,} of them now")
        _tell(made.errors[:_SHOWN], made.failed)
    return SOME_FAILED if made.failed else 0


def _shown(plan: str, *, quiet: bool) -> Any:
    """The header of a plan; what it pays is told before anybody is asked to agree."""
    from ..payouts.plan_file import read_header

    header = read_header(plan)
    if not quiet:
        pays = [f"{asset['amount']} {asset['symbol']} ({asset['asset']})" for asset in header.facts.get("assets", ())]
        fee = (header.facts.get("fee") or {}).get("maximum") or {}
        lines = [f"batch    {header.id}", f"network  {header.network}", f"from     {header.sender}"]
        lines += [f"pays     {text}" for text in pays]
        lines += [f"fees     at most {fee.get('amount')} {fee.get('symbol')}"] if fee else []
        lines += [f"lines    {header.lines:,} in {header.transactions:,} transactions"]
        note("\n".join(lines))
    return header


def _check_same(plan: str, shown: Any) -> None:
    """A plan that was exchanged while a person looked at it is not the one that they agreed to."""
    from ..payouts.plan_file import read_header

    if read_header(plan) != shown:
        raise InputError("the plan was changed while it was shown: look at it again")


@app.command()
@grouped
def send(
    keys: KeyOptions,
    nodes: NodeOptions,
    policy: PolicyOptions,
    plan: PlanFile,
    store: StoreUrl,
    signed: Annotated[
        str | None, typer.Argument(metavar="SIGNED", help="What `batch sign` wrote; without it, signed as it is sent.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Hand over so many at once.")] = 64,
    rate: Annotated[float | None, typer.Option(min=0.001, metavar="N", help="At most so many in a second.")] = None,
    ahead: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most so many on their way and in no block yet.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Look after the payments until each is final.")] = True,
    timeout: Annotated[int | None, typer.Option(min=1, metavar="N", help="Seconds to wait at most.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Begin payments anew that were refused.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make the payments of a plan, each once. Run again after an interruption, it goes on where it was.

    With the SIGNED file no key is needed: a watch-only wallet (--xpub) sends. Exit code 14 if anything was not paid.
    """
    from ..payouts import account_for
    from ..payouts import send as make

    header = _shown(plan, quiet=as_json and yes)
    with open_wallet(keys, nodes, header.network) as wallet:
        account = account_for(wallet, plan)
        if not yes:
            confirm(f"Pay {header.lines:,} lines from {account.address}?")
            _check_same(plan, header)
        wallet.open_outbox(store, policy.policy())
        with stopping() as stop, gauge(quiet=as_json) as shown:
            made = make(
                account, plan, signed, concurrency=concurrency, rate=rate, ahead=ahead, wait=wait, timeout=timeout,
                again=again, stop=stop, progress=shown.show,
            )  # fmt: skip
    if as_json:
        print_json(made.to_dict())
    else:
        counts = ", ".join(f"{count:,} {state.value}" for state, count in made.states.items() if count)
        print_text(f"{made.transactions:,} transactions: {counts or 'none sent'}")
        if made.unsigned:
            note(f"{made.unsigned:,} are not in the signed file yet: run `batch sign` to its end, and this again")
        _tell(made.errors[:_SHOWN], made.failed)
    if stop.is_set():
        return interrupted(as_json=as_json)
    handed_over = not wait and not made.failed and not made.unsigned
    return 0 if made.confirmed or handed_over else SOME_FAILED


@app.command()
def status(plan: PlanFile, store: StoreUrl, as_json: AsJson = False) -> None:
    """Say how far a batch is. Needs no key and no network."""
    from ..payouts import status as ask

    found = ask(store, plan)
    if as_json:
        print_json(found.to_dict())
        return
    print_text(f"{found.final:,} of {found.lines:,} lines are final, {found.lines - found.entered:,} are not sent")
    print_table(("state", "lines", "payments"), ((s.value, n, of) for s, (n, of) in found.states.items() if n))


@app.command()
def report(
    plan: PlanFile,
    store: StoreUrl,
    out: Annotated[str, typer.Option(metavar="FILE", help="Where the report goes: .csv, .json or .html.")],
    format: Annotated[str | None, typer.Option(metavar="FORMAT", help="csv, json or html.")] = None,
    failures_only: Annotated[bool, typer.Option("--failures-only", help="Leave out the lines that are paid.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write what became of every line: state, transaction, block, fee, reason; and the totals."""
    from ..payouts import report as write

    found = write(store, plan, out, format=format, failures_only=failures_only)
    if as_json:
        print_json(found.to_dict())
    else:
        print_text(f"{found.lines:,} lines, {found.final:,} of them final: {out}")
