"""Hexadecimal text to bytes, strictly. The text may be a secret, so no message repeats any of it."""

from __future__ import annotations

import binascii
from typing import Final, Literal

from ..errors import InputError

__all__ = ["parse_hex"]

_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


def parse_hex(
    text: str,
    *,
    length: int | None = None,
    prefix: Literal["optional", "required", "none"] = "optional",
    what: str = "the hex text",
) -> bytes:
    """The bytes of ``text``: pairs of hex digits in either case, without spaces.

    ``length`` is the number of bytes that must come out. ``prefix`` says whether ``0x`` may, must or must not
    stand in front. ``what`` names the text in messages.

    Raises :class:`~multiwallet.errors.InputError` with the reason and a position, never with the text itself.

    >>> parse_hex("0x00ff")
    b'\\x00\\xff'
    >>> parse_hex("00fg", what="the key")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the key: character 4 is not a hex digit
    """
    if not isinstance(text, str):
        raise InputError(f"{what}: text is needed, not {type(text).__name__}")
    start = 0
    if text[:2] == "0x":
        if prefix == "none":
            raise InputError(f"{what} starts with 0x: leave that out")
        start = 2
    elif prefix == "required":
        raise InputError(f"{what} does not start with 0x")
    count = len(text) - start
    if length is not None and count != 2 * length:
        raise InputError(f"{what} has {count} hex digits: {2 * length} are needed for {length} bytes")
    if count % 2:
        raise InputError(f"{what} has {count} hex digits: an even number is needed, two for each byte")
    try:
        return binascii.a2b_hex(text[start:] if start else text)  # unlike bytes.fromhex it refuses white space
    except ValueError:
        position = next((index for index in range(start, len(text)) if text[index] not in _DIGITS), start)
        raise InputError(f"{what}: character {position + 1} is not a hex digit") from None
