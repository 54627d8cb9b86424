"""What has become of a batch: counts, and a report of every line as CSV, JSON or HTML, streamed from the store."""

from __future__ import annotations

import csv
import html
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final, TextIO

from .. import registry
from ..amounts import Amount
from ..errors import InputError
from ..store import Store, batches
from ..store.records import FINAL, Outgoing, State
from .plan_file import Header, cannot_write, open_plan, part_of, read_header
from .table import digest_of

__all__ = ["BatchStatus", "report", "status"]

FORMATS: Final = ("csv", "json", "html")
COLUMNS: Final = ("line", "key", "to", "amount", "asset", "state", "txid", "block", "fee", "reason")


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is: lines and payments by state, and ``lines`` and ``transactions`` as planned."""

    id: str
    network: str
    lines: int
    transactions: int
    states: dict[State, tuple[int, int]] = field(default_factory=dict)

    @property
    def entered(self) -> int:
        """How many lines have a payment."""
        return sum(lines for lines, _ in self.states.values())

    @property
    def final(self) -> int:
        """How many lines are at their end."""
        return sum(self.states[state][0] for state in FINAL)

    @property
    def complete(self) -> bool:
        """Whether every line is at its end."""
        return self.final == self.lines

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "id": self.id,
            "network": self.network,
            "lines": self.lines,
            "transactions": self.transactions,
            "entered": self.entered,
            "final": self.final,
            "complete": self.complete,
            "states": {state.value: {"lines": n, "payments": of} for state, (n, of) in self.states.items()},
        }


def status(store: Store | str | os.PathLike[str], plan: str | os.PathLike[str]) -> BatchStatus:
    """How far the batch of a plan is. Needs no key and no network; InputError for a file that is no plan."""
    header = read_header(plan)
    with _opened(store) as opened:
        states = batches.totals_of(opened, header.id)
    return BatchStatus(header.id, header.network, header.lines, header.transactions, states)


def report(
    store: Store | str | os.PathLike[str],
    plan: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    format: str | None = None,
    failures_only: bool = False,
) -> BatchStatus:
    """Write what became of every line to ``target``: ``csv``, ``json`` or ``html``, as its name ends or ``format`` says.

    Each line has its state, transaction, block, fee (of the whole transaction, in the line that it pays first) and
    reason. The JSON and HTML forms have totals by state and asset and the fees paid as well, always those of the whole
    batch. A line that was not sent yet is ``not sent``. With ``failures_only`` the lines that are confirmed are not
    listed. The HTML needs no other file. A report takes the place of an older one; InputError where it would take that
    of the plan or of the table.
    """
    kind = format or FilePath(target).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise InputError(f"a report is {', '.join(FORMATS)}: say which with format=, or let the file's name end so")
    header = read_header(plan)
    _check_place(header, plan, target)
    part = part_of(FilePath(target))
    with _opened(store) as opened:
        states = batches.totals_of(opened, header.id)
        told = BatchStatus(header.id, header.network, header.lines, header.transactions, states)
        try:
            with open(part, "x", encoding="utf-8", newline="") as file:
                _WRITERS[kind](file, header, told, _rows(opened, header, plan), _Totals(header, failures_only))
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise cannot_write("the report", error) from None
        finally:
            part.unlink(missing_ok=True)
    return told


def _check_place(header: Header, plan: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Refuse to write over the plan, or over a file with the content of the table."""
    try:
        if not os.path.isfile(target):
            return
        ours = os.path.samefile(plan, target)
    except (OSError, ValueError) as error:
        raise cannot_write("the report", error) from None
    source = header.facts.get("source")
    if ours or (isinstance(source, dict) and digest_of(target) == source.get("sha256")):
        raise InputError("the report would take the place of the plan or of its table: name another file")


@contextmanager
def _opened(store: Store | str | os.PathLike[str]) -> Iterator[Store]:
    if isinstance(store, Store):
        yield store
        return
    with Store(store) as opened:
        yield opened


Row = dict[str, Any]


def _rows(store: Store, header: Header, plan: str | os.PathLike[str]) -> Iterator[Row]:
    """Every line of the plan in order, with what the store knows of it."""
    known = batches.lines_of(store, header.id)
    line, payment = next(known, (None, None))
    symbol = registry.network(header.network).symbol
    names = {asset["asset"]: asset["symbol"] for asset in header.facts.get("assets", ())}
    for record in open_plan(plan):
        asset = symbol if record.asset is None else f"{names.get(record.asset, '')} {record.asset}".strip()
        for number, to, amount in record.payments:
            found: Outgoing | None = None
            while line is not None and line < number:
                line, payment = next(known, (None, None))
            if line == number:
                found = payment
            row: Row = dict.fromkeys(COLUMNS)
            row |= {"line": number, "key": record.key, "to": to, "amount": amount, "asset": asset, "state": "not sent"}
            if found is not None:
                row |= _told(found, first=number == record.line)
            yield row


def _told(record: Outgoing, *, first: bool) -> Row:
    receipt = record.receipt or {}
    fee = receipt.get("fee") if first else None
    return {
        "state": record.state.value,
        "txid": receipt.get("txid") or record.txid,
        "block": receipt.get("block"),
        "fee": None if fee is None else fee["amount"],
        "reason": record.error,
    }


class _Totals:
    """What the lines come to, added up as they pass."""

    def __init__(self, header: Header, failures_only: bool) -> None:
        self._failures_only = failures_only
        self.native = registry.network(header.network).native
        self.fee = 0
        self.lines: dict[tuple[str, str], list[Any]] = {}

    def passing(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The rows that are listed; all are added up on their way."""
        from decimal import Decimal, localcontext

        with localcontext() as context:
            context.prec = 400  # exact: no sum of a chain's amounts has more digits
            for row in rows:
                total = self.lines.setdefault((row["state"], row["asset"]), [0, Decimal(0)])
                total[0] += 1
                total[1] = context.add(total[1], Decimal(row["amount"]))
                if row["fee"] is not None:
                    self.fee += Amount.parse(row["fee"], self.native).units
                if not self._failures_only or row["state"] != State.CONFIRMED.value:
                    yield row

    def to_list(self) -> list[dict[str, Any]]:
        """By state and asset."""
        return [
            {"state": state, "asset": asset, "lines": count, "amount": format(total.normalize(), "f")}
            for (state, asset), (count, total) in sorted(self.lines.items())
        ]

    @property
    def fees(self) -> Amount:
        """All fees that were paid, as far as the chain told."""
        return Amount(self.fee, self.native)


def _write_csv(file: TextIO, header: Header, told: BatchStatus, rows: Iterator[Row], totals: _Totals) -> None:
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in totals.passing(rows):
        writer.writerow({name: _inert(value) for name, value in row.items()})


_FORMULAS: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")  # the last are the wide ones of East Asian keyboards


def _inert(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula: keys and reasons come from strangers."""
    if isinstance(value, str) and value[:1] in _FORMULAS:
        return "'" + value
    return value


def _write_json(file: TextIO, header: Header, told: BatchStatus, rows: Iterator[Row], totals: _Totals) -> None:
    opening = json.dumps({"batch": told.to_dict(), "sender": header.sender})
    file.write(opening[:-1] + ', "lines": [')
    for number, row in enumerate(totals.passing(rows)):
        file.write((",\n" if number else "\n") + json.dumps(row))
    closing = {"totals": totals.to_list(), "fees": {"amount": totals.fees.text, "symbol": totals.native.symbol}}
    file.write("\n], " + json.dumps(closing)[1:] + "\n")


_STYLE: Final = (
    "body{font:14px system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:left;font-variant-numeric:tabular-nums}"
    "th{background:#f5f5f5}td.n{text-align:right}tr.failed,tr.refused{background:#fde8e8}tr.cancelled{color:#888}"
    "code{font-size:12px}"
)


def _write_html(file: TextIO, header: Header, told: BatchStatus, rows: Iterator[Row], totals: _Totals) -> None:
    name = html.escape(str(header.facts.get("source", {}).get("name", "")))
    title = f"Batch {html.escape(header.id)}"
    file.write(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n<p>{name}, {told.lines:,} lines in "
        f"{told.transactions:,} transactions, from <code>{html.escape(header.sender)}</code> on "
        f"{html.escape(header.network)}. {told.final:,} lines are final.</p>\n"
    )
    file.write("<table><tr>" + "".join(f"<th>{name}</th>" for name in COLUMNS) + "</tr>\n")
    for row in totals.passing(rows):
        cells = "".join(f"<td>{'' if row[name] is None else html.escape(str(row[name]))}</td>" for name in COLUMNS)
        file.write(f'<tr class="{html.escape(str(row["state"]).replace(" ", "-"))}">{cells}</tr>\n')
    file.write("</table>\n<h2>Totals</h2>\n<table><tr><th>state</th><th>asset</th><th>lines</th><th>amount</th></tr>\n")
    for total in totals.to_list():
        told_apart = [html.escape(str(total[name])) for name in ("state", "asset", "lines", "amount")]
        file.write("<tr>" + "".join(f"<td>{text}</td>" for text in told_apart) + "</tr>\n")
    file.write(f"</table>\n<p>Fees paid: {html.escape(str(totals.fees))}</p>\n</body></html>\n")


_WRITERS: Final = {"csv": _write_csv, "json": _write_json, "html": _write_html}
