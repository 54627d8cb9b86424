"""JSON from strangers: bounded depth, exact numbers, no field twice."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, Final, NoReturn

from ..errors import InputError

__all__ = ["MAX_DEPTH", "parse"]

MAX_DEPTH: Final = 128

_LONGEST_FRACTION: Final = 400
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _STEPS)
# A whole string, so that brackets inside of it do not count. One that never ends is one match too, or a hostile text
# would be searched anew from each of its quotes.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


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
    otherwise; NaN, Infinity and numbers of absurd size are refused. ``unique`` refuses an object that names a field twice.

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

    def fraction(number: str) -> Decimal:
        try:
            value = Decimal(number)
        except InvalidOperation:
            refuse(number)
        if len(number) > _LONGEST_FRACTION or abs(value.adjusted()) > _LONGEST_FRACTION:
            refuse(number)  # reckoning with 1e999999999 would take all memory
        return value

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise error(f"{what} names a field twice")
        return found

    try:
        content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        if _is_deeper(content, max_depth):
            raise error(f"{what} is nested more than {max_depth} deep")
        return json.loads(
            text if isinstance(text, str) else content.decode("utf-8-sig"),
            parse_float=fraction if fractions else refuse,
            parse_constant=refuse,
            object_pairs_hook=once if unique else None,
        )
    except InputError:
        raise
    except (ValueError, RecursionError, TypeError) as cause:
        raise error(f"{what} is no JSON that can be read") from cause


def _is_deeper(content: bytes, limit: int) -> bool:
    if content.count(b"[") + content.count(b"{") <= limit:
        return False
    brackets = _STRING.sub(b"", content).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > limit
