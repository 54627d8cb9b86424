"""What a caller asks for, checked: build options, payments as lines of work, memos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...chain import Options, check_options
from ...errors import InputError, InvalidAddress
from . import address, programs

__all__ = ["Choices", "Line", "memo_text", "read_blockhash", "read_choices", "read_version", "whole"]

_U64: Final = 2**64


@dataclass(slots=True)
class Line:
    """One payment while it is worked on."""

    to: bytes
    units: int
    everything: bool
    mint: bytes | None = None
    decimals: int = 0
    program: bytes = programs.TOKEN
    source: bytes = b""
    destination: bytes = b""
    create: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    version: int | None
    limit: int | None
    price: int | None
    blockhash: bytes | None
    allow_off_curve: bool


def read_choices(options: Options) -> Choices:
    """The family's own options, each checked; InputError for an unknown one."""
    check_options(options, "version", "compute_unit_limit", "compute_unit_price", "blockhash", "allow_off_curve")
    native = options.native
    blockhash = native.get("blockhash")
    allow = native.get("allow_off_curve", False)
    if not isinstance(allow, bool):
        raise InputError("allow_off_curve is True or False")
    return Choices(
        version=read_version(native.get("version", "legacy")),
        limit=whole(native.get("compute_unit_limit"), "compute_unit_limit", programs.COMPUTE_LIMIT, least=1),
        price=whole(native.get("compute_unit_price"), "compute_unit_price", _U64 - 1),
        blockhash=None if blockhash is None else read_blockhash(blockhash),
        allow_off_curve=allow,
    )


def read_version(version: Any) -> int | None:
    """The version of a message: None for the legacy form (``"legacy"``), or 0."""
    if isinstance(version, bool) or version not in ("legacy", None, 0):
        raise InputError('version is "legacy" or 0')
    return 0 if version == 0 else None


def read_blockhash(blockhash: Any) -> bytes:
    """A block hash: 32 bytes, or their base58 text."""
    if isinstance(blockhash, bytes) and len(blockhash) == 32:
        return blockhash
    try:
        return address.parse(blockhash)
    except InvalidAddress:
        raise InputError("blockhash is 32 bytes or their base58 text") from None


def whole(number: Any, name: str, most: int, *, least: int = 0) -> int | None:
    """A whole number within bounds, or None."""
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise InputError(f"{name} is a whole number from {least} to {most}")
    return number


def memo_text(text: str | None) -> str | None:
    """A memo that UTF-8 can write; None for none."""
    if not text:
        return None
    if not isinstance(text, str):
        raise InputError("a memo is text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("the memo holds half a character (a lone surrogate), which UTF-8 cannot write") from None
    return text
