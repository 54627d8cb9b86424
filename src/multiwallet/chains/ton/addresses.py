"""Addresses of accounts: raw ``0:hex`` and the user-friendly forms of TEP-2, and how cells hold them."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final

from ...codec.cell import Builder, Slice
from ...codec.crc16 import crc16
from ...errors import InputError, InvalidAddress, shown

__all__ = ["Address", "parse", "read", "read_maybe", "write"]

_BOUNCEABLE: Final = 0x11
_NON_BOUNCEABLE: Final = 0x51
_TEST_ONLY: Final = 0x80
_RAW: Final = re.compile(r"(0|-1):([0-9a-fA-F]{64})", re.ASCII)
_FRIENDLY: Final = re.compile(r"[A-Za-z0-9+/]{48}|[A-Za-z0-9_-]{48}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """An account: its workchain (0, or -1 for the masterchain) and the 32-byte hash of its initial state."""

    workchain: int
    hash: bytes

    @property
    def raw(self) -> str:
        """``0:`` and 64 hex digits."""
        return f"{self.workchain}:{self.hash.hex()}"

    def text(self, *, bounceable: bool, test_only: bool) -> str:
        """The user-friendly form: ``EQ`` (bounceable) or ``UQ`` on the main network, ``kQ`` or ``0Q`` on a test one.

        >>> Address(0, bytes(32)).text(bounceable=False, test_only=False)
        'UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJKZ'
        """
        tag = (_BOUNCEABLE if bounceable else _NON_BOUNCEABLE) | (_TEST_ONLY if test_only else 0)
        body = bytes((tag, self.workchain & 0xFF)) + self.hash
        data = body + crc16(body).to_bytes(2, "big")
        return binascii.b2a_base64(data, newline=False).decode("ascii").replace("+", "-").replace("/", "_")


def parse(text: str, *, testnet: bool) -> tuple[Address, bool]:
    """The account that an address text names, and whether the text asks for bounceable messages (raw ones do not).

    An address flagged as for test networks only is refused on another network, as TEP-2 says; one without the flag is
    good on both. Raises :class:`~multiwallet.errors.InvalidAddress`.
    """
    if not isinstance(text, str):
        raise InvalidAddress(f"an address is text, not {type(text).__name__}")
    raw = _RAW.fullmatch(text)
    if raw is not None:
        return Address(int(raw[1]), bytes.fromhex(raw[2])), False
    if _FRIENDLY.fullmatch(text) is None:
        raise InvalidAddress(
            f"{shown(text)} is no TON address: those are 48 characters like UQ... or EQ..., or 0: and 64 hex digits"
        )
    data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/"))
    if crc16(data[:34]) != int.from_bytes(data[34:], "big"):
        raise InvalidAddress("the address has a wrong checksum: a character was mistyped or lost")
    tag, workchain = data[0], int.from_bytes(data[1:2], "big", signed=True)
    if tag & ~_TEST_ONLY not in (_BOUNCEABLE, _NON_BOUNCEABLE):
        raise InvalidAddress(f"the address starts with the tag {tag:#04x}, which TEP-2 does not know")
    if workchain not in (0, -1):
        raise InvalidAddress(f"the address is of workchain {workchain}: TON has 0 and -1")
    if tag & _TEST_ONLY and not testnet:
        raise InvalidAddress("the address is marked for test networks only: do not send real coins to it")
    return Address(workchain, data[2:34]), tag & ~_TEST_ONLY == _BOUNCEABLE


def write(builder: Builder, address: Address | None) -> Builder:
    """Append an address as ``addr_std`` without anycast, or ``addr_none`` for None."""
    if address is None:
        return builder.uint(0, 2)
    return builder.uint(0b100, 3).sint(address.workchain, 8).octets(address.hash)


def read_maybe(source: Slice) -> Address | None:
    """Read an ``addr_std`` without anycast, or ``addr_none``; InputError for any other form."""
    kind = source.uint(2)
    if kind == 0:
        return None
    if kind != 0b10 or source.bit():
        raise InputError("an address in a cell is none or a standard one without anycast")
    return Address(source.sint(8), source.octets(32))


def read(source: Slice) -> Address:
    """Read an ``addr_std``; InputError for any other form."""
    address = read_maybe(source)
    if address is None:
        raise InputError("an address is missing in a cell")
    return address
