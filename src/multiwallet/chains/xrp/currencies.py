"""Currencies: their three characters or 160 bits, and the CAIP-19 ids of what accounts issue.

``xrpl:0/token:USD.rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B``, with 40 hexadecimal digits for what is no code of three
characters (CAIP-19 profile of the namespace xrpl).
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from ...amounts import Asset
from ...chain import Network
from ...errors import InputError, InvalidAddress, InvalidTransaction, shown
from .addresses import account_id, classic

__all__ = ["DECIMALS", "XRP", "Token", "asset_of", "code_bytes", "code_text", "parse_reference"]

DECIMALS: Final = 15
"""The decimals with which tokens are shown. The ledger itself keeps 16 digits and an exponent."""
XRP: Final = bytes(20)
_CODE: Final = re.compile(r"[A-Za-z0-9?!@#$%^&*<>(){}\[\]|]{3}", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)


class Token(NamedTuple):
    """A currency (20 bytes) of an issuer (20 bytes)."""

    currency: bytes
    issuer: bytes


def code_bytes(text: Any) -> bytes:
    """The 20 bytes of a currency code: three characters, or 40 hexadecimal digits. InvalidTransaction.

    >>> code_bytes("USD").hex()
    '0000000000000000000000005553440000000000'
    """
    if isinstance(text, str) and _HEX.fullmatch(text):
        data = bytes.fromhex(text)
    elif isinstance(text, str) and _CODE.fullmatch(text) and text != "XRP":
        return bytes(12) + text.encode("ascii") + bytes(5)
    else:
        raise InvalidTransaction(
            f"{shown(text)} is no currency of an issuer: write three characters other than XRP, or 40 hex digits"
        )
    if data == XRP or (_standard(data) == "XRP"):
        raise InvalidTransaction("XRP has no issuer, and nothing that an account issues may be called so")
    return data


def code_text(data: bytes) -> str:
    """The code of 20 bytes as the ledger's servers write it: three characters, or 40 upper-case hex digits."""
    standard = _standard(data)
    return standard if standard and standard != "XRP" else data.hex().upper()


def _standard(data: bytes) -> str:
    if data[:12] != bytes(12) or data[15:] != bytes(5):
        return ""
    text = data[12:15].decode("ascii", "replace")
    return text if _CODE.fullmatch(text) else ""


def symbol(data: bytes) -> str:
    """What people call a currency: its three characters, the text in its bytes, or the first of its hex digits.

    >>> symbol(b"RLUSD".ljust(20, bytes(1)))
    'RLUSD'
    """
    standard = _standard(data)
    text = data.rstrip(b"\0")
    if standard:
        return standard
    if len(text) > 3 and all(0x20 < byte < 0x7F for byte in text):
        return text.decode("ascii")
    return data.hex().upper()[:8]


def parse_reference(text: Any) -> Token:
    """Currency and issuer of ``USD.r...``; InvalidAddress.

    >>> parse_reference("USD.rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B").currency.hex()
    '0000000000000000000000005553440000000000'
    """
    code, mark, issuer = text.rpartition(".") if isinstance(text, str) else ("", "", "")
    if not mark:
        raise InvalidAddress(f"{shown(text)} is no token: write its currency and its issuer, such as USD.r...")
    try:
        return Token(code_bytes(code), account_id(issuer))
    except InvalidAddress:
        raise
    except InputError as error:
        raise InvalidAddress(error.message) from None


def asset_of(network: Network, token: Token) -> Asset:
    """The asset of a token, which is shown with 15 decimals."""
    reference = f"{code_text(token.currency)}.{classic(token.issuer)}"
    return Asset(f"{network.id}/token:{reference}", symbol(token.currency), DECIMALS)
