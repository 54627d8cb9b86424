"""The shapes of a node's answers, checked: what does not fit is a BadResponse that names the method."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from ...errors import BadResponse

__all__ = ["read_data", "read_mapping", "read_quantity", "refuse"]

_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


def refuse(method: str, wanted: str, answer: object) -> NoReturn:
    """Raise BadResponse: the method's answer was no ``wanted``."""
    shown = "null" if answer is None else f"{type(answer).__name__} {str(answer)[:60]!r}"
    raise BadResponse(f"{method} answered {shown} where {wanted} belongs: the endpoint is no healthy EVM node")


def read_quantity(method: str, answer: Any) -> int:
    """A number of at most 256 bits in ``0x`` hex.

    >>> read_quantity("eth_blockNumber", "0x10")
    16
    """
    if not isinstance(answer, str) or not _QUANTITY.fullmatch(answer):
        refuse(method, "a 0x number", answer)
    return int(answer, 16)


def read_data(method: str, answer: Any) -> bytes:
    """Bytes in ``0x`` hex."""
    if not isinstance(answer, str) or not _DATA.fullmatch(answer):
        refuse(method, "0x bytes", answer)
    return bytes.fromhex(answer[2:])


def read_mapping(method: str, answer: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(answer, Mapping):
        refuse(method, "an object", answer)
    return answer
