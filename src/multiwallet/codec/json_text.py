"""JSON from strangers: bounded depth, exact numbers, no field twice."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

from ..errors import InputError

__all__ = ["MAX_DEPTH", "parse"]

MAX_DEPTH: Final = 128

# A whole string, so that brackets inside of it do not count, or one bracket. A string that never ends is one match
# too, or a hostile text would be searched anew from each of its quotes.
_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse(
    text: str | bytes,
    *,
    what: str = "the JSON",
    error: type[InputError] = InputError,
    max_depth: int = MAX_DEPTH,
    fractions: bool = False,
    unique: bool = False,
) -> Any:
    """Read JSON text (RFC 8259), or raise ``error`` about ``what``.

    A number with a point or an exponent becomes a ``Decimal`` where ``fractions`` is set and is refused
    otherwise; NaN and Infinity are refused. ``unique`` refuses an object that names a field twice.

    Nesting beyond ``max_depth`` is refused before the text is parsed: the parser recurses in C, and where some library
    has raised the recursion limit (py-ecc does, and so eth-account), it would end the process instead of
    raising an error.

    >>> parse('{"fee": 1.10}', fractions=True)
    {'fee': Decimal('1.10')}
    >>> parse("[" * 100_000)
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the JSON is nested more than 128 deep
    """

    def refuse(number: str) -> NoReturn:
        raise error(f"{what} holds the number {number[:40]}: only whole numbers are exact")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise error(f"{what} names a field twice")
        return found

    try:
        if isinstance(text, bytes | bytearray):
            text = text.decode()
        if _depth(text, max_depth) > max_depth:
            raise error(f"{what} is nested more than {max_depth} deep")
        return json.loads(
            text,
            parse_float=Decimal if fractions else refuse,
            parse_constant=refuse,
            object_pairs_hook=once if unique else None,
        )
    except InputError:
        raise
    except (ValueError, RecursionError, TypeError) as cause:
        raise error(f"{what} is no JSON that can be read") from cause


def _depth(text: str, enough: int) -> int:
    """How deep the text is nested, as far as ``enough`` and one more."""
    if text.count("[") + text.count("{") <= enough:
        return 0
    depth = 0
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > enough:
                return depth
        elif mark in "]}":
            depth -= 1
    return 0
