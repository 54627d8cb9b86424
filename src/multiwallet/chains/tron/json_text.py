"""JSON text from outside: bounded, exact, and nothing said twice."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from ...errors import InputError

__all__ = ["load"]

_LONGEST: Final = 4_000_000
_DEEPEST: Final = 64
_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


def load(text: str | bytes, what: str, error: type[InputError]) -> Any:
    """The value of a JSON text; ``error`` for one that is too long, too deep, holds a fraction or a field twice.

    >>> load('{"a": [1]}', "this", InputError)
    {'a': [1]}
    """

    def refuse(number: str) -> NoReturn:
        raise error(f"{what} holds {number[:40]}: only whole numbers are exact")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise error(f"{what} names a field twice")
        return found

    if len(text) > _LONGEST:
        raise error(f"{what} is longer than {_LONGEST} characters")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        _check_depth(text, what, error)
        return json.loads(text, parse_float=refuse, parse_constant=refuse, object_pairs_hook=once)
    except error:
        raise
    except ValueError:
        raise error(f"{what} is not valid JSON") from None


def _check_depth(text: str, what: str, error: type[InputError]) -> None:
    # The json module recurses in C. Some libraries raise Python's recursion limit (eth-account does), and then a deep
    # text would end the process instead of raising RecursionError.
    if text.count("[") + text.count("{") <= _DEEPEST:
        return
    depth = 0
    for match in _MARK.finditer(text):
        mark = match[0][0]
        if mark in "[{":
            depth += 1
            if depth > _DEEPEST:
                raise error(f"{what} is nested more than {_DEEPEST} deep")
        elif mark in "]}":
            depth -= 1
