"""Transfers that differ in recipient and amount only: compiled once, filled many times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from ...amounts import Amount, Asset
from ...chain import Holder
from ...codec import base58
from ...errors import AmountError, InputError, InvalidAddress, InvalidTransaction, MultiwalletError
from . import address, programs
from .intent import memo_text, read_blockhash, read_version, whole
from .message import PACKET_SIZE, Instruction, Message, collation, compile_message

__all__ = ["RefusedRow", "Template", "TemplateRow"]

_U64: Final = 2**64
_FIRST: Final = bytes(31) + b"\x01"  # before every other key in base58, but for the System program
_LAST: Final = address.parse("z" * 43)  # behind every other


class TemplateRow(NamedTuple):
    """One transfer of a template: the account that receives (32 bytes) and units. Sign it like any transaction."""

    template: Template
    to: bytes
    units: int


class RefusedRow(NamedTuple):
    """A row that no transaction can be made of. Signing it raises its error."""

    error: MultiwalletError


class Template:
    """Transfers of one asset by one holder. See :meth:`~multiwallet.chains.solana.adapter.Solana.template`.

    ``owner`` is the network's id and the payer's key; the template serves no other account. ``expiry`` is the block
    height that the block hash lasts to, where the caller knows it.
    """

    __slots__ = (
        "_calls",
        "_fixed",
        "_mint",
        "_parts",
        "_pivot",
        "_program",
        "_source",
        "_to_accounts",
        "_version",
        "asset",
        "blockhash",
        "expiry",
        "owner",
    )

    def __init__(
        self,
        holder: Holder,
        *,
        blockhash: str | bytes,
        asset: Asset | None = None,
        version: str | int | None = "legacy",
        compute_unit_limit: int | None = None,
        compute_unit_price: int | None = None,
        memo: str | None = None,
        token_program: str | None = None,
        token_accounts: bool = False,
        expiry: int | None = None,
    ) -> None:
        native = holder.network.native
        self.asset = native if asset is None else asset
        if not isinstance(self.asset, Asset):
            raise InputError("asset is an Asset: read a token's from the chain first, for its decimals")
        if self.asset.network_id != holder.network.id or (self.asset != native and self.asset.namespace != "token"):
            raise InputError(f"{self.asset.id} is neither {native.symbol} nor a token of {holder.network.title}")
        self.owner = (holder.network.id, holder.public_key)
        self.blockhash = read_blockhash(blockhash)
        self.expiry = whole(expiry, "expiry", _U64 - 1)
        self._version = read_version(version)
        self._to_accounts = token_accounts is True
        self._calls = _first_calls(holder.public_key, compute_unit_limit, compute_unit_price, memo_text(memo))
        self._mint = None if self.asset == native else address.parse(self.asset.reference)
        self._program = programs.TOKEN if token_program is None else address.parse(token_program)
        if self._program not in (programs.TOKEN, programs.TOKEN_2022):
            raise InputError("token_program is the address of the Token or the Token-2022 program")
        self._source = b""
        if self._mint is not None:
            self._source = programs.associated_token_account(holder.public_key, self._mint, self._program)
        # A legacy message sorts its accounts: a token account lands before or behind our own.
        sorts = self._mint is not None and self._version is None
        self._pivot = collation(address.encode(self._source)) if sorts else None
        self._parts = (self._cut(_LAST), self._cut(_FIRST) if sorts else (b"", b"", b""))
        self._fixed = frozenset(self.compile(_LAST, 1).keys) - {_LAST}

    def __repr__(self) -> str:
        return f"Template({self.asset.symbol} of {address.encode(self.owner[1])} on {self.owner[0]})"

    def fill(self, rows: Iterable[Any]) -> Iterator[TemplateRow | RefusedRow]:
        """The transfers of ``rows``, lazily and in order: pairs of recipient and amount.

        A recipient is an address (text or 32 bytes): the wallet that is paid, or its token account where the template
        was made with ``token_accounts=True``. An amount is an ``int`` of the smallest unit, an ``Amount``, or text in
        whole units. A row that is wrong becomes a :class:`RefusedRow` in its place.
        """
        decode, parse, make = base58.decode, address.parse, TemplateRow
        derive = self._mint is not None and not self._to_accounts
        for row in rows:
            try:
                to, units = row
                if to.__class__ is str and 32 <= len(to) <= 44:
                    to = decode(to)
                if to.__class__ is not bytes or len(to) != 32:
                    to = parse(row[0])
                if units.__class__ is not int:
                    units = self._units(units)
                if not 0 < units < _U64:
                    raise AmountError("an amount is from 1 to 2^64 - 1 of the smallest unit")
                if derive:
                    to = self._token_account(to)
            except MultiwalletError as error:
                yield RefusedRow(InvalidAddress(error.message) if type(error) is InputError else error)
            except (TypeError, ValueError):
                yield RefusedRow(InvalidTransaction("a row is a recipient and an amount"))
            else:
                yield make(self, to, units)

    def message(self, to: bytes, units: int) -> bytes:
        """The message of one row, put together from the template's pieces."""
        if len(to) != 32 or not 0 < units < _U64:
            raise InvalidTransaction("a row has a key of 32 bytes and an amount from 1 to 2^64 - 1")
        if to in self._fixed:  # an account that the message has already: not a case for pieces
            return self.compile(to, units).to_bytes()
        pivot = self._pivot
        before = pivot is not None and collation(address.encode(to)) < pivot
        prefix, middle, tail = self._parts[before]
        return b"".join((prefix, to, middle, units.to_bytes(8, "little"), tail))

    def compile(self, to: bytes, units: int) -> Message:
        """The message of one row, compiled on the ordinary way and not from the template's pieces."""
        payer = self.owner[1]
        if self._mint is None:
            pay = programs.transfer(payer, to, units)
        else:
            pay = programs.transfer_checked(
                self._program, self._source, self._mint, to, payer, units, self.asset.decimals
            )
        return compile_message(payer, (*self._calls, pay), self.blockhash, version=self._version)

    def _cut(self, key: bytes) -> tuple[bytes, bytes, bytes]:
        message = self.compile(key, 1)
        if message.wire_size > PACKET_SIZE:
            raise InputError(f"a Solana transaction has at most {PACKET_SIZE} bytes: shorten the memo")
        body = message.to_bytes()
        head = (0 if self._version is None else 1) + 3 + 1  # version, header, and a number of keys below 128
        to = head + 32 * message.keys.index(key)
        # The transfer comes last, its amount near the end: decimals and the empty list of lookups are all that follows.
        end = len(body) - (0 if self._mint is None else 1) - (0 if self._version is None else 1)
        return body[:to], body[to + 32 : end - 8], body[end:]

    def _units(self, units: Any) -> int:
        if isinstance(units, str):
            units = Amount.parse(units, self.asset)
        if not isinstance(units, Amount):
            raise TypeError("units are a whole number, an Amount or text")
        if units.asset != self.asset:
            raise AmountError(f"this template pays {self.asset.symbol}, not {units.asset.symbol}")
        return units.units

    def _token_account(self, key: bytes) -> bytes:
        if not address.is_on_curve(key):
            raise InvalidAddress(
                "the recipient is off the curve: give the wallet, or make the template with token_accounts"
            )
        assert self._mint is not None  # asked for tokens only
        return programs.associated_token_account(key, self._mint, self._program)


def _first_calls(payer: bytes, limit: Any, price: Any, memo: str | None) -> tuple[Instruction, ...]:
    calls = []
    if (units := whole(limit, "compute_unit_limit", programs.COMPUTE_LIMIT)) is not None:
        calls.append(programs.set_compute_unit_limit(units))
    if (each := whole(price, "compute_unit_price", _U64 - 1)) is not None:
        calls.append(programs.set_compute_unit_price(each))
    if memo is not None:
        calls.append(programs.memo(memo, payer))
    return tuple(calls)
