"""The shapes of a node's answers, checked: what does not fit is a BadResponse that names the method."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, NoReturn

from ...errors import BadResponse
from .transaction import MAX_AMOUNT

__all__ = ["read_hash", "read_hex", "read_list", "read_mapping", "read_number", "read_rate", "read_units", "refuse"]

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*", re.ASCII)
_COIN_DIGITS: Final = 8
_LARGEST_EXPONENT: Final = 12  # 10^12 whole coins: a number beyond is no amount, and is not expanded to find out


def refuse(method: str, wanted: str, answer: object) -> NoReturn:
    """Raise BadResponse: the method's answer was no ``wanted``."""
    shown = "null" if answer is None else f"{type(answer).__name__} {str(answer)[:60]!r}"
    raise BadResponse(f"{method} answered {shown} where {wanted} belongs: check the endpoint's URL and kind")


def read_mapping(method: str, answer: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(answer, Mapping):
        refuse(method, "an object", answer)
    return answer


def read_list(method: str, answer: Any) -> list[Any]:
    """A JSON array."""
    if not isinstance(answer, list):
        refuse(method, "a list", answer)
    return answer


def read_number(method: str, answer: Any, most: int = MAX_AMOUNT, least: int = 0) -> int:
    """A whole number from ``least`` to ``most``.

    >>> read_number("getblockcount", 7)
    7
    """
    if isinstance(answer, bool) or not isinstance(answer, int) or not least <= answer <= most:
        refuse(method, f"a whole number from {least} to {most}", answer)
    return answer


def read_hash(method: str, answer: Any) -> str:
    """A hash as it is shown: 64 hex digits, in lower case."""
    if not isinstance(answer, str) or not _HASH.fullmatch(answer.strip()):
        refuse(method, "a hash of 64 hex digits", answer)
    return answer.strip().lower()


def read_hex(method: str, answer: Any) -> bytes:
    """Bytes in hex, with white space around them at most."""
    if not isinstance(answer, str) or not _HEX.fullmatch(answer.strip()):
        refuse(method, "hex bytes", answer)
    return bytes.fromhex(answer.strip())


def read_units(method: str, answer: Any) -> int:
    """An amount in whole coins (an exact ``Decimal`` or a whole number) as units of 10^-8.

    >>> read_units("gettxout", Decimal("0.10000000"))
    10000000
    """
    number = _exact(method, answer)
    units = int(number.scaleb(_COIN_DIGITS))
    if Decimal(units).scaleb(-_COIN_DIGITS) != number or not 0 <= units <= MAX_AMOUNT:
        refuse(method, "an amount with 8 decimals", answer)
    return units


def read_rate(method: str, answer: Any, scale: int) -> int:
    """A fee rate times ``scale``, rounded up to a whole number of units for 1,000 virtual bytes.

    >>> read_rate("fee-estimates", Decimal("1.0421"), 1000)
    1043
    """
    number = _exact(method, answer)
    return int((number * scale).to_integral_value(ROUND_CEILING))


def _exact(method: str, answer: Any) -> Decimal:
    if isinstance(answer, Decimal) and answer.is_finite() and (not answer or answer.adjusted() < _LARGEST_EXPONENT):
        number = answer or Decimal(0)  # a zero may come with any exponent
    elif isinstance(answer, int) and not isinstance(answer, bool) and abs(answer) < 10**_LARGEST_EXPONENT:
        number = Decimal(answer)
    else:  # a float among them: it is not what the node wrote
        refuse(method, "an exact number", answer)
    if number < 0:
        refuse(method, "a number of zero or more", answer)
    return number
