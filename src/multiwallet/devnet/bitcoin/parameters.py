"""Parameters of JSON-RPC calls, checked as Bitcoin Core checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ...chains.bitcoin.transaction import Transaction
from ...errors import InvalidTransaction, Rejected

__all__ = ["Parameters", "read_transaction"]

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_TYPES: Final = {
    bool: "bool",
    int: "number",
    Decimal: "number",
    float: "number",
    str: "string",
    list: "array",
    tuple: "array",
    dict: "object",
    type(None): "null",
}


class Parameters:
    """What a call was given, by position or by name. ``names`` are the method's, in order."""

    def __init__(self, method: str, names: Sequence[str], required: int, given: Sequence[Any] | Mapping[str, Any]):
        self._names = names
        if isinstance(given, Mapping):
            unknown = sorted(str(name) for name in given if name not in names)
            if unknown:
                raise Rejected(f"Unknown named parameter {unknown[0][:40]}", node_code=-8)
            values = {name: given[name] for name in names if name in given}
        elif isinstance(given, str | bytes) or not isinstance(given, Sequence):
            raise Rejected("Params must be an array or object", node_code=-32600)
        else:
            if len(given) > len(names):
                raise Rejected(_usage(method, names, required), node_code=-1)
            values = dict(zip(names, given, strict=False))
        self._values = values
        if any(values.get(name) is None for name in names[:required]):
            raise Rejected(_usage(method, names, required), node_code=-1)

    def _wrong(self, name: str, value: object, expected: str) -> Rejected:
        position = self._names.index(name) + 1
        kind = _TYPES.get(type(value), "unknown")
        return Rejected(
            f'Wrong type passed:\n{{\n    "Position {position} ({name})": '
            f'"JSON value of type {kind} is not of expected type {expected}"\n}}',
            node_code=-3,
        )

    def get(self, name: str) -> Any:
        """The bare value, None when it was not given."""
        return self._values.get(name)

    def number(self, name: str, default: int = 0) -> int:
        """A whole number."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**63:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, value, "number")
        if not -(2**63) <= value < 2**63:
            raise Rejected("JSON integer out of range", node_code=-1)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, value, "bool")
        return value

    def verbosity(self, name: str, default: int) -> int:
        """A number, or a truth value that stands for 0 and 1."""
        value = self.get(name)
        return int(value) if isinstance(value, bool) else self.number(name, default)

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, value, "string")
        return value

    def hash(self, name: str) -> str:
        """A hash of 64 hex digits, in lower case."""
        value = self.text(name)
        if len(value) != 64:
            raise Rejected(f"{name} must be of length 64 (not {len(value)}, for '{value[:100]}')", node_code=-8)
        if not _HASH.fullmatch(value):
            raise Rejected(f"{name} must be hexadecimal string (not '{value}')", node_code=-8)
        return value.lower()

    def items(self, name: str) -> list[Any]:
        """A list."""
        value = self.get(name)
        if not isinstance(value, list | tuple):
            raise self._wrong(name, value, "array")
        return list(value)

    def units(self, name: str, default: int) -> int:
        """An amount of coins, as a number or a text, in the smallest unit."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, float):
            value = repr(value)
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise Rejected("Amount is not a number or string", node_code=-3)
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", value, re.ASCII):
            raise Rejected("Invalid amount", node_code=-3)
        amount = Decimal(value)
        if not amount.is_finite() or not 0 <= amount <= 21_000_000:
            raise Rejected("Amount out of range", node_code=-3)
        units = amount.scaleb(8)
        if units != units.to_integral_value():
            raise Rejected("Invalid amount", node_code=-3)
        return int(units)


def _usage(method: str, names: Sequence[str], required: int) -> str:
    shown = " ".join(name if number < required else f"( {name} )" for number, name in enumerate(names))
    return f"{method} {shown}".strip()


def read_transaction(text: object, failure: str) -> Transaction:
    """A transaction from hex; Rejected with code -22 and the words given for what is none."""
    try:
        raw = bytes.fromhex(text) if isinstance(text, str) and text.isascii() and " " not in text else b""
        transaction = Transaction.parse(raw, strict=False)
    except (ValueError, InvalidTransaction):
        raise Rejected(failure, node_code=-22) from None
    if not transaction.inputs:
        raise Rejected(failure, node_code=-22)
    return transaction
