"""Base64 (RFC 4648, section 4), decoded strictly. The standard library encodes it."""

from __future__ import annotations

import binascii

from ..errors import InputError

__all__ = ["decode"]


def decode(text: str, *, what: str = "the base64 text") -> bytes:
    """The bytes of ``text`` in canonical base64: padded with ``=``, one line, unused bits zero.

    The standard library's decoder lets characters outside the alphabet and stray bits pass; this one does not,
    so that one value has one text. ``what`` names the text in messages, which never repeat any of it.

    Raises :class:`~multiwallet.errors.InputError` for everything else.

    >>> decode("aGk=")
    b'hi'
    >>> decode("aGl=")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the base64 text is not canonical: its unused bits are not zero
    """
    if not isinstance(text, str):
        raise InputError(f"{what}: text is needed, not {type(text).__name__}")
    if len(text) % 4:
        raise InputError(f"{what} has {len(text)} characters: base64 comes in fours, padded with '='")
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # a character that is not ASCII, or binascii.Error, its subclass
        raise InputError(f"{what} holds a character or padding that does not belong in base64") from None
    if binascii.b2a_base64(data, newline=False).decode("ascii") != text:
        raise InputError(f"{what} is not canonical: its unused bits are not zero")
    return data
