"""The forms in which Solana's tools hand over transactions: base64, base58 or hex text, bytes, solders objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ...codec import base58, base64_text
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction
from .message import Message, parse_message, parse_transaction

__all__ = ["Native", "read_native", "read_signed"]

_LONGEST_TEXT: Final = 4096  # 1,232 bytes are 2,464 hex digits


@dataclass(frozen=True, slots=True)
class Native:
    """A message with the signatures that came along: 64 bytes each, None where one is missing."""

    body: bytes
    message: Message
    signatures: tuple[bytes | None, ...]


def read_native(native: Any) -> Native:
    """Read a message or a transaction in any of the forms; which of the two it is shows in its bytes.

    Raises :class:`~multiwallet.errors.InvalidTransaction`. Signatures are not verified here.
    """
    return _read(native, _either)


def read_signed(wire: Any) -> Native:
    """Read a transaction in any of the forms; a bare message is refused."""
    return _read(wire, _transaction)


def _read(native: Any, parse: Callable[[bytes], Native]) -> Native:
    if isinstance(native, str):
        return _from_text(native, parse)
    if isinstance(native, bytes | bytearray | memoryview):
        return parse(bytes(native))
    kind = type(native)
    if kind.__module__.partition(".")[0] == "solders" and hasattr(native, "__bytes__"):
        data = bytes(native)
        # solders writes a MessageV0 without the byte that gives its version
        return parse(b"\x80" + data if kind.__name__ == "MessageV0" else data)
    raise InvalidTransaction(
        f"a Solana transaction is base64, base58 or hex text, bytes, or an object of solders, not {kind.__name__}"
    )


def _from_text(text: str, parse: Callable[[bytes], Native]) -> Native:
    text = text.strip()
    if not text or len(text) > _LONGEST_TEXT:
        raise InvalidTransaction(f"a Solana transaction as text has 1 to {_LONGEST_TEXT} characters, not {len(text)}")
    readings: dict[bytes, Native] = {}
    reasons: list[str] = []
    for decode in (base64_text.decode, base58.decode, parse_hex):
        try:
            data = decode(text)
        except InputError:
            continue
        try:
            readings[data] = parse(data)
        except InvalidTransaction as error:
            reasons.append(error.message)
    if len(readings) == 1:
        return next(iter(readings.values()))
    if readings:
        raise InvalidTransaction("this text is a transaction in base64 and another one in base58: give bytes")
    raise InvalidTransaction(reasons[0] if reasons else "the text is neither base64 nor base58 nor hex")


def _transaction(data: bytes) -> Native:
    signatures, body, message = parse_transaction(data)
    return Native(body, message, tuple(signature if any(signature) else None for signature in signatures))


def _either(data: bytes) -> Native:
    found: list[Native] = []
    reasons: list[str] = []
    try:
        found.append(_transaction(data))
    except InvalidTransaction as error:
        reasons.append(f"as a transaction: {error.message}")
    try:
        message = parse_message(data)
        found.append(Native(data, message, (None,) * message.required_signatures))
    except InvalidTransaction as error:
        reasons.append(f"as a message: {error.message}")
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidTransaction("these bytes can be read as a message and as a transaction: they are not signed")
    raise InvalidTransaction(f"no Solana message or transaction ({'; '.join(reasons)})")
