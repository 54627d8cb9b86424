"""The small texts of Antelope and their numbers: names (64 bits), permission levels, symbols, assets, times.

A name is up to 12 characters of ``.12345a-z`` (five bits each) and a thirteenth of ``.1-5a-j`` (four bits),
packed from the top of a 64-bit number. A symbol is one byte of precision and up to seven capital letters. An
asset is a signed 64-bit number of the symbol's smallest unit.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from ...errors import InputError, InvalidAddress, shown

__all__ = [
    "MAX_UNITS",
    "Level",
    "Quantity",
    "Symbol",
    "account",
    "asset_text",
    "level",
    "name_text",
    "name_value",
    "parse_asset",
    "parse_symbol",
    "parse_symbol_code",
    "parse_time",
    "symbol_code_text",
    "symbol_code_value",
    "symbol_text",
    "symbol_value",
    "time_text",
]

_LETTERS: Final = ".12345abcdefghijklmnopqrstuvwxyz"
_NAME: Final = re.compile(r"[.1-5a-z]{0,12}[.1-5a-j]?", re.ASCII)
_CODE: Final = re.compile(r"[A-Z]{1,7}", re.ASCII)
_SYMBOL: Final = re.compile(r"([0-9]{1,2}),([A-Z]{1,7})", re.ASCII)
_ASSET: Final = re.compile(r"(-?)([0-9]{1,19})(?:\.([0-9]{1,18}))? ([A-Z]{1,7})", re.ASCII)
_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PRECISION_LIMIT: Final = 18

MAX_UNITS: Final = 2**62 - 1
"""The most units that an asset may have (``asset::max_amount`` of the chain)."""


class Level(NamedTuple):
    """A permission level: the account that acts and the permission it acts under."""

    actor: str
    permission: str

    def __str__(self) -> str:
        return f"{self.actor}@{self.permission}"


class Symbol(NamedTuple):
    """A token's symbol: its letters and its precision (decimals)."""

    code: str
    precision: int


class Quantity(NamedTuple):
    """An asset as the chain writes it: whole units, and the symbol."""

    units: int
    symbol: Symbol


def name_value(text: str) -> int:
    """The 64-bit number of a name; InputError for a text that is none, or that ends in a point.

    >>> hex(name_value("eosio.token"))
    '0x5530ea033482a600'
    """
    if not isinstance(text, str) or not _NAME.fullmatch(text) or (text.endswith(".") and text):
        raise InputError(
            f"{shown(text)} is no name: it has at most 12 characters of a-z, 1-5 and points, and ends in none"
        )
    value = 0
    for position, letter in enumerate(text):
        number = _LETTERS.index(letter)
        value |= number << (59 - 5 * position) if position < 12 else number
    return value


def name_text(value: int) -> str:
    """The name of a 64-bit number.

    >>> name_text(0x5530EA033482A600), name_text(0)
    ('eosio.token', '')
    """
    letters = [_LETTERS[value >> (59 - 5 * position) & 31] for position in range(12)]
    letters.append(_LETTERS[value & 15])
    return "".join(letters).rstrip(".")


def account(text: str, what: str = "the account") -> str:
    """An account's name as it is; InvalidAddress for a text that no account can have.

    >>> account("alice")
    'alice'
    """
    try:
        value = name_value(text)
    except InputError as error:
        raise InvalidAddress(f"{what}: {error.message}") from None
    if not value or len(text) > 12:
        raise InvalidAddress(f"{what}: an account's name has from 1 to 12 characters")
    return text


def level(text: str) -> Level:
    """A permission level from ``alice@active``, or ``alice`` for its active permission; InvalidAddress.

    >>> level("alice")
    Level(actor='alice', permission='active')
    """
    if not isinstance(text, str):
        raise InvalidAddress(f"a permission level is text such as alice@active, not {type(text).__name__}")
    actor, mark, permission = text.partition("@")
    return Level(account(actor), account(permission, "the permission") if mark else "active")


def symbol_code_value(code: str) -> int:
    """The 64-bit number of a symbol's letters: the first one lowest. InputError."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise InputError(f"{shown(code)} is no symbol: it has from 1 to 7 capital letters")
    return int.from_bytes(code.encode("ascii"), "little")


def symbol_code_text(value: int) -> str:
    """The letters of a 64-bit symbol code; InputError where it holds none."""
    raw = value.to_bytes(8, "little").rstrip(b"\0")
    text = raw.decode("latin-1")
    if not _CODE.fullmatch(text):
        raise InputError("a symbol in the data is not made of 1 to 7 capital letters")
    return text


def parse_symbol_code(text: str) -> str:
    """The letters of a symbol as they are, once they are such; InputError."""
    symbol_code_value(text)
    return text


def parse_symbol(text: str) -> Symbol:
    """A symbol from ``4,EOS``; InputError.

    >>> parse_symbol("4,EOS")
    Symbol(code='EOS', precision=4)
    """
    match = _SYMBOL.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) > _PRECISION_LIMIT:
        raise InputError(f"{shown(text)} is no symbol: it looks like 4,EOS with a precision of at most 18")
    return Symbol(match[2], int(match[1]))


def symbol_text(symbol: Symbol) -> str:
    """A symbol as ``4,EOS``."""
    return f"{symbol.precision},{symbol.code}"


def symbol_value(value: int) -> Symbol:
    """The symbol of a 64-bit number: precision in the lowest byte, then the letters. InputError."""
    precision = value & 0xFF
    if precision > _PRECISION_LIMIT:
        raise InputError(f"a symbol in the data has a precision of {precision}; the chain allows 18")
    return Symbol(symbol_code_text(value >> 8), precision)


def parse_asset(text: str) -> Quantity:
    """An asset from ``1.0000 EOS``, whose decimals are the symbol's precision; InputError.

    >>> parse_asset("1.0000 EOS")
    Quantity(units=10000, symbol=Symbol(code='EOS', precision=4))
    """
    match = _ASSET.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(f"{shown(text)} is no asset: it looks like '1.0000 EOS', with all of its decimals")
    fraction = match[3] or ""
    units = int(match[2] + fraction)
    if units > MAX_UNITS:
        raise InputError("an asset has at most 2^62 - 1 of its smallest unit")
    return Quantity(-units if match[1] else units, Symbol(match[4], len(fraction)))


def asset_text(quantity: Quantity) -> str:
    """An asset as the chain writes it, all of its decimals included.

    >>> asset_text(Quantity(-15000, Symbol("EOS", 4)))
    '-1.5000 EOS'
    """
    units, (code, precision) = quantity
    digits = str(abs(units)).rjust(precision + 1, "0")
    point = len(digits) - precision
    number = f"{digits[:point]}.{digits[point:]}" if precision else digits
    return f"{'-' if units < 0 else ''}{number} {code}"


def parse_time(text: str) -> int:
    """Microseconds since 1970 of ``2024-05-06T07:08:09.500`` (UTC; a final Z may stand there); InputError.

    >>> parse_time("1970-01-01T00:00:01.500")
    1500000
    """
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None:
            raise ValueError
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"{shown(text)} is no time: it looks like 2024-05-06T07:08:09.500") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000 + int((match[2] or "0").ljust(6, "0"))


def time_text(microseconds: int) -> str:
    """A time as nodeos writes it: to the second, and with milliseconds where there are any.

    >>> time_text(1_500_000), time_text(1_000_000)
    ('1970-01-01T00:00:01.500', '1970-01-01T00:00:01')
    """
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise InputError("a time in the data lies beyond the year 9999") from None
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{microseconds // 1000 % 1000:03d}" if microseconds % 1_000_000 else text
