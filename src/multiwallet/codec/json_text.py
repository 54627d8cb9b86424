"""JSON from strangers: bounded depth, exact numbers, no field twice."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

from ..errors import InputError

__all__ = ["MAX_DEPTH", "parse"]

MAX_DEPTH: Final = 128

# A whole string, so that brackets inside of it do not count, or one bracket. A string that never ends is one match
# too, or a hostile text would be searched anew from each of its quotes.
_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse(text: str | bytes, *, max_depth: int = MAX_DEPTH, fractions: bool = False, unique: bool = False) -> Any:
    """Read JSON text (RFC 8259), or raise :class:`~multiwallet.errors.InputError`.

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
    try:
        if isinstance(text, bytes | bytearray):
            text = text.decode()
        _check_depth(text, max_depth)
        return json.loads(
            text,
            parse_float=Decimal if fractions else _refuse_number,
            parse_constant=_refuse_number,
            object_pairs_hook=_once if unique else None,
        )
    except InputError:
        raise
    except (ValueError, RecursionError, TypeError) as error:
        raise InputError("the text is no JSON that can be read") from error


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise InputError(f"the JSON is nested more than {max_depth} deep")
        elif mark in "]}":
            depth -= 1


def _refuse_number(text: str) -> Any:
    raise InputError(f"the JSON holds the number {text[:40]}, and only whole numbers are exact")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InputError("the JSON names a field twice")
    return found
