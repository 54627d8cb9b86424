"""Amounts on the ledger: drops of XRP, and tokens as 16 digits and an exponent. Whole numbers all the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...errors import AmountError, InvalidTransaction, shown
from .addresses import account_id, classic
from .currencies import DECIMALS, Token, code_bytes, code_text

__all__ = ["MAX_DROPS", "TokenAmount", "decode", "encode", "read_value", "rounded_down", "rounded_up", "units_text"]

MAX_DROPS: Final = 10**17
_DIGITS: Final = 16
_LEAST_MANTISSA: Final = 10 ** (_DIGITS - 1)
_LEAST_EXPONENT, _MOST_EXPONENT = -96, 80
_POSITIVE: Final = 1 << 62
_NOT_XRP: Final = 1 << 63
_VALUE: Final = re.compile(r"(-?)([0-9]{1,120})(?:\.([0-9]{1,120}))?(?:[eE]([+-]?[0-9]{1,3}))?", re.ASCII)


class TokenAmount(NamedTuple):
    """So much of a token: ``number * 10 ** exponent``."""

    token: Token
    number: int
    exponent: int

    @property
    def units(self) -> int:
        """In units of 10^-15, cut off; zero where it is negative."""
        shift = self.exponent + DECIMALS
        return max(self.number * _ten(shift) if shift >= 0 else self.number // _ten(-shift), 0)

    @property
    def value(self) -> str:
        """The decimal text without an exponent and without needless zeros."""
        return _plain(self.number, self.exponent)


def _ten(power: int) -> int:
    return int(10**power)


def _plain(number: int, exponent: int) -> str:
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    if not number:
        return "0"
    if exponent >= 0:
        return sign + digits + "0" * exponent
    digits = digits.rjust(1 - exponent, "0")
    fraction = digits[exponent:].rstrip("0")
    return sign + digits[:exponent] + (f".{fraction}" if fraction else "")


def units_text(units: int) -> str:
    """The ledger's text for so many units of 10^-15; AmountError where that takes more than 16 digits.

    >>> units_text(1_500_000_000_000_000), units_text(10**40)
    ('1.5', '10000000000000000000000000')
    """
    text = _plain(units, -DECIMALS)
    number, _ = _short(units, -DECIMALS)
    if number >= 10**_DIGITS:
        raise AmountError(f"a token's amount has at most {_DIGITS} digits on the ledger, and {text[:60]} has more")
    return text


def rounded_down(units: int) -> int:
    """The greatest number of units, not above this one, that has 16 digits."""
    scale = _ten(max(len(str(units)) - _DIGITS, 0))
    return units // scale * scale


def rounded_up(units: int) -> int:
    """The least number of units, not below this one, that has 16 digits."""
    scale = _ten(max(len(str(units)) - _DIGITS, 0))
    return -(-units // scale) * scale


def _short(number: int, exponent: int) -> tuple[int, int]:
    """Without zeros at the end."""
    while number and number % 10 == 0:
        number, exponent = number // 10, exponent + 1
    return number, exponent


def read_value(value: Any) -> tuple[int, int]:
    """Number and exponent of the text of a token's amount, such as ``-12.5`` or ``1e-20``; InvalidTransaction.

    >>> read_value("-12.50"), read_value("1e-20")
    ((-125, -1), (1, -20))
    """
    match = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidTransaction(f"a token's amount is decimal text, not {shown(value)}")
    sign, whole, fraction, power = match.groups()
    number, exponent = _short(int(whole + (fraction or "")), int(power or 0) - len(fraction or ""))
    return (-number if sign else number), (exponent if number else 0)


def encode(value: Any) -> bytes:
    """An amount in the ledger's bytes: drops as decimal text, or ``{"currency", "issuer", "value"}``.

    8 bytes for XRP, 48 for a token, 33 for a multi-purpose token (``{"mpt_issuance_id", "value"}``).
    Raises InvalidTransaction, also for what would have to be rounded.
    """
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 18) or int(value) > MAX_DROPS:
            raise InvalidTransaction("an amount of XRP is a whole number of drops in decimal text, 10^17 at most")
        return (int(value) | _POSITIVE).to_bytes(8, "big")
    if not isinstance(value, Mapping):
        raise InvalidTransaction(f"an amount is drops in decimal text or an object, not {type(value).__name__}")
    if set(value) == {"mpt_issuance_id", "value"}:
        return _encode_mpt(value["mpt_issuance_id"], value["value"])
    if set(value) != {"currency", "issuer", "value"}:
        raise InvalidTransaction("a token's amount has currency, issuer and value, and nothing else")
    number, exponent = read_value(value["value"])
    return _encode_number(number, exponent) + code_bytes(value["currency"]) + account_id(value["issuer"])


def _encode_number(number: int, exponent: int) -> bytes:
    if not number:
        return _NOT_XRP.to_bytes(8, "big")
    mantissa = abs(number)
    spare = _DIGITS - len(str(mantissa))
    if spare < 0:
        raise InvalidTransaction(f"a token's amount has at most {_DIGITS} digits on the ledger")
    mantissa, exponent = mantissa * _ten(spare), exponent - spare
    if not _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        raise InvalidTransaction("a token's amount is too large or too small for the ledger")
    sign = _POSITIVE if number > 0 else 0
    return (_NOT_XRP | sign | (exponent + 97) << 54 | mantissa).to_bytes(8, "big")


def _encode_mpt(identity: Any, value: Any) -> bytes:
    if not (isinstance(identity, str) and re.fullmatch(r"[0-9A-Fa-f]{48}", identity)):
        raise InvalidTransaction("the id of a multi-purpose token has 48 hex digits")
    if not (isinstance(value, str) and value.isascii() and value.isdigit()) or len(value) > 19 or int(value) >> 63:
        raise InvalidTransaction("an amount of a multi-purpose token is a whole number below 2^63 in decimal text")
    return b"\x60" + int(value).to_bytes(8, "big") + bytes.fromhex(identity)


def length(first: int) -> int:
    """How many bytes an amount has, by its first byte."""
    if first & 0x80:
        return 48
    return 33 if first & 0x20 else 8


def decode(data: bytes) -> str | dict[str, str]:
    """The amount in 8, 33 or 48 bytes, as :func:`encode` takes it; InvalidTransaction where no server would write it so."""
    word = int.from_bytes(data[:8], "big")
    if len(data) == 8:
        drops = word & (_POSITIVE - 1)
        if not word & _POSITIVE or word & _NOT_XRP or drops > MAX_DROPS:
            raise InvalidTransaction("an amount of XRP is from 0 to 10^17 drops")
        return str(drops)
    if len(data) == 33:
        if data[0] != 0x60:
            raise InvalidTransaction("an amount of a multi-purpose token is negative or has unknown marks")
        amount = int.from_bytes(data[1:9], "big")
        if amount >> 63:
            raise InvalidTransaction("an amount of a multi-purpose token is below 2^63")
        return {"mpt_issuance_id": data[9:].hex().upper(), "value": str(amount)}
    token = Token(data[8:28], data[28:48])
    code_bytes(token.currency.hex())
    mantissa, exponent = word & ((1 << 54) - 1), (word >> 54 & 0xFF) - 97
    if word == _NOT_XRP:
        mantissa = exponent = 0
    elif not _LEAST_MANTISSA <= mantissa < 10**_DIGITS or not _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        raise InvalidTransaction("a token's amount is not in its normal form")
    number, exponent = _short(mantissa, exponent)
    value = _plain(number if word & _POSITIVE else -number, exponent)
    return {"currency": code_text(token.currency), "issuer": classic(token.issuer), "value": value}


def token_amount(value: Mapping[str, Any]) -> TokenAmount:
    """A token's amount from the servers' JSON; InvalidTransaction."""
    number, exponent = read_value(value.get("value"))
    return TokenAmount(Token(code_bytes(value.get("currency")), account_id(value.get("issuer"))), number, exponent)
