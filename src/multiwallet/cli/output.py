"""What a command says: tables and JSON on stdout, errors on stderr, and the exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .. import errors
from ..errors import MultiwalletError

__all__ = [
    "BAD_SIGNATURE",
    "DECLINED",
    "INTERNAL",
    "INTERRUPTED",
    "SOME_FAILED",
    "USAGE",
    "Declined",
    "Failure",
    "error_fields",
    "exit_code",
    "note",
    "print_json",
    "print_table",
    "print_text",
    "printable",
    "report",
    "report_error",
    "silence_stdout",
]

INTERNAL: Final = 1
USAGE: Final = 2
BAD_SIGNATURE: Final = 13
SOME_FAILED: Final = 14
DECLINED: Final = 15
INTERRUPTED: Final = 130

_WIDEST: Final = 10_000

# The first class that fits decides, so that a subclass stands before its parent.
_EXIT_CODES: Final[tuple[tuple[type[MultiwalletError], int], ...]] = (
    (errors.InputError, 3),
    (errors.Unsupported, 4),
    (errors.UnknownNetwork, 4),
    (errors.MissingExtra, 5),
    (errors.SigningRefused, 6),
    (errors.InsufficientFunds, 7),
    (errors.Reverted, 9),
    (errors.Expired, 10),
    (errors.BroadcastUncertain, 11),
    (errors.ChainError, 8),
    (errors.TransportError, 12),
    (errors.VaultError, 16),
    (errors.StoreError, 17),
)


class Declined(Exception):
    """The person at the terminal did not agree."""


class Failure(Exception):
    """An error of the tree, with what is known beside it (a txid that must not be lost)."""

    def __init__(self, error: MultiwalletError, **known: Any) -> None:
        super().__init__(error.message)
        self.error = error
        self.known = known


def exit_code(error: MultiwalletError) -> int:
    """The exit code of an error, by its class.

    >>> exit_code(errors.InvalidAddress("no address")), exit_code(errors.Timeout("too slow"))
    (3, 12)
    """
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), INTERNAL)


def error_fields(error: MultiwalletError, **known: Any) -> dict[str, Any]:
    """An error as plain JSON values: ``code``, ``message`` and what this kind of error knows beside them.

    >>> error_fields(errors.RateLimited("slow down", retry_after=2.5))
    {'code': 'rate_limited', 'message': 'slow down', 'retry_after': 2.5}
    """
    from ..transactions import amount_dict

    found: dict[str, Any] = {"code": error.code, "message": error.message, **known}
    match error:
        case errors.InsufficientFunds():
            found |= {"needed": amount_dict(error.needed), "available": amount_dict(error.available)}
        case errors.Rejected() if isinstance(error.node_code, int | str):
            found["node_code"] = error.node_code
        case errors.Reverted() | errors.Expired() | errors.BroadcastUncertain() if error.txid:
            found["txid"] = error.txid
        case errors.RateLimited() if error.retry_after is not None:
            found["retry_after"] = error.retry_after
        case errors.MissingExtra():
            found["extra"] = error.extra
    return found


def printable(text: object) -> str:
    """Text from strangers (a token's symbol, a node's words) without what could steer a terminal.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def print_text(text: str = "") -> None:
    """Lines of a result."""
    _write("\n".join(printable(line) for line in text.split("\n")))


def print_json(value: Any, *, compact: bool = False) -> None:
    """A result as JSON: indented, or on one line where a command streams."""
    if compact:
        _write(json.dumps(value, separators=(", ", ": ")))
    else:
        _write(json.dumps(value, indent=2))


def _write(text: str) -> None:
    try:
        print(text, flush=True)
    except UnicodeEncodeError:  # a terminal that knows fewer characters
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table: framed on a terminal, tab-separated where the output goes elsewhere.

    No cell is ever cut off or folded: a shortened address would be a wrong one, and one in two pieces cannot be
    copied. A table wider than the terminal is left to the terminal to wrap.
    """
    if not sys.stdout.isatty():
        _write("\t".join(headings))
        for row in rows:
            _write("\t".join(printable("" if cell is None else cell) for cell in row))
        return
    from rich import box
    from rich.console import Console, ConsoleDimensions
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*(Text(printable("" if cell is None else cell)) for cell in row))
    console = Console()
    needed = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    console.size = ConsoleDimensions(max(console.width, needed), console.height)
    console.print(table)


def note(text: str) -> None:
    """Something beside the result, on stderr: what is going on, a summary to read, a warning."""
    print("\n".join(printable(line) for line in text.split("\n")), file=sys.stderr, flush=True)


def report(error: MultiwalletError, *, as_json: bool, known: Mapping[str, Any] | None = None) -> int:
    """Say an error of the tree on stderr; its exit code."""
    fields = error_fields(error, **(known or {}))
    if as_json:
        print(json.dumps({"error": fields}), file=sys.stderr, flush=True)
    else:
        note(f"error ({error.code}): {error.message}")
        if fields.get("txid") and str(fields["txid"]) not in error.message:
            note(f"the transaction is {fields['txid']}")
    return exit_code(error)


def report_error(code: str, message: str, *, as_json: bool) -> None:
    """Say something that is no error of the tree: a usage error, an interruption, a fault of ours."""
    if as_json:
        print(json.dumps({"error": {"code": code, "message": message}}), file=sys.stderr, flush=True)
    else:
        note(f"error ({code}): {message}")


def silence_stdout() -> None:
    """After the reader of a pipe has gone: let the interpreter's own last flush fail no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
