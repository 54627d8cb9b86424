"""Transfers that differ in recipient and amount only: compiled once, filled many times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ...amounts import Asset
from ...chain import Holder
from ...codec import base58
from ...errors import AmountError, InputError, InvalidAddress, InvalidTransaction, MultiwalletError, Unsupported
from ...template import PaidAsset, RefusedRow, first_row, read_fixed, refuse
from ...transactions import UnsignedTransaction
from . import address, programs
from .intent import memo_text, read_blockhash, read_version, whole
from .message import PACKET_SIZE, Instruction, Message, collation, compile_message, parse_message

__all__ = ["RefusedRow", "Template", "TemplateRow"]

_U64: Final = 2**64
_FIRST: Final = bytes(31) + b"\x01"  # before every other key in base58, but for the System program
_LAST: Final = address.parse("z" * 43)  # behind every other
_REMEMBERED: Final = 100_000
_STEPS: Final = 1000
"""Like rows get compute limits that differ by their numbers, and the numbers begin again after so many."""
_FIXED: Final = (
    "blockhash",
    "asset",
    "version",
    "compute_unit_limit",
    "compute_unit_price",
    "memo",
    "token_program",
    "token_accounts",
    "expiry",
)


class TemplateRow(NamedTuple):
    """One transfer of a template: the account that receives (32 bytes), units, and the row's number in the batch.

    Sign it like any transaction.
    """

    template: Template
    to: bytes
    units: int
    number: int = 0


class Template:
    """Transfers of one asset by one holder. See :meth:`~multiwallet.chains.solana.adapter.Solana.template`.

    ``owner`` is the network's id and the payer's key; the template serves no other account. ``expiry`` is the block
    height that the block hash lasts to, where the caller knows it.
    """

    __slots__ = (
        "_calls",
        "_fixed",
        "_limit",
        "_mint",
        "_paid",
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
        asset: Any = None,
        version: str | int | None = "legacy",
        compute_unit_limit: int | None = None,
        compute_unit_price: int | None = None,
        memo: str | None = None,
        token_program: str | None = None,
        token_accounts: bool = False,
        expiry: int | None = None,
    ) -> None:
        self._paid = PaidAsset(holder.network, asset, "token", lambda text: address.encode(address.parse(text)))
        if self._paid.asset is None:
            raise InputError("a transfer names the token's decimals: give the Asset, which account.asset() reads")
        self.asset: Asset = self._paid.asset
        self.owner = (holder.network.id, holder.public_key)
        self.blockhash = read_blockhash(blockhash)
        self.expiry = whole(expiry, "expiry", _U64 - 1)
        self._version = read_version(version)
        self._to_accounts = token_accounts is True
        most = programs.COMPUTE_LIMIT - _STEPS + 1  # a row's number is added to it
        self._limit = whole(compute_unit_limit, "compute_unit_limit of a template", most, least=1)
        self._calls = _other_calls(holder.public_key, compute_unit_price, memo_text(memo))
        self._mint = None if self._paid.reference is None else address.parse(self._paid.reference)
        self._program = programs.TOKEN if token_program is None else address.parse(token_program)
        if self._program not in (programs.TOKEN, programs.TOKEN_2022):
            raise InputError("token_program is the address of the Token or the Token-2022 program")
        self._source = b""
        if self._mint is not None:
            self._source = programs.associated_token_account(holder.public_key, self._mint, self._program)
        # A legacy message sorts its accounts: a token account lands before or behind our own.
        sorts = self._mint is not None and self._version is None
        self._pivot = collation(address.encode(self._source)) if sorts else None
        self._parts = (self._cut(_LAST), self._cut(_FIRST if sorts else _LAST))
        self._fixed = frozenset(self.compile(_LAST, 1).keys) - {_LAST}

    def __repr__(self) -> str:
        return f"Template({self.asset.symbol} of {address.encode(self.owner[1])} on {self.owner[0]})"

    @classmethod
    def of(cls, holder: Holder, fixed: Mapping[str, Any]) -> Template:
        """Read what is fixed; InputError for a missing, unknown or unfit part."""
        stated = read_fixed(holder, fixed, _FIXED, _copy)
        if "blockhash" not in stated:
            raise InputError("a template states blockhash, or like= with a transaction that has one")
        return cls(holder, **stated)

    def fill(self, rows: Iterable[Any], *, start: int = 0) -> Iterator[TemplateRow | RefusedRow]:
        """The transfers of ``rows``, lazily and in order: pairs of recipient and amount.

        A recipient is an address (text or 32 bytes): the wallet that is paid, or its token account where the template
        was made with ``token_accounts=True``. An amount is an ``int`` of the smallest unit, an ``Amount``, or text in
        whole units. A row that is wrong becomes a :class:`~multiwallet.template.RefusedRow` in its place.

        Like rows must not become one and the same transaction, which the chain takes once. With a compute limit they
        do not: the row's number, less its full thousands, is added to the limit. A row that would still be the same as
        one of the 100,000 before it is refused. Each call counts from the first row again: ``start`` is how many rows
        earlier calls were given.
        """
        return self._filled(rows, first_row(start))

    def _filled(self, rows: Iterable[Any], start: int) -> Iterator[TemplateRow | RefusedRow]:
        decode, parse, make, read_units = base58.decode, address.parse, TemplateRow, self._paid.units
        derive = self._mint is not None and not self._to_accounts
        steps = 1 if self._limit is None else _STEPS
        # The rows of late, in two halves: when the newer one is full, the older one is forgotten.
        newer: set[tuple[bytes, int, int]] = set()
        older: set[tuple[bytes, int, int]] = set()
        for number, row in enumerate(rows, start):
            try:
                to, units = row
                if to.__class__ is str and 32 <= len(to) <= 44:
                    to = decode(to)
                if to.__class__ is not bytes or len(to) != 32:
                    to = parse(row[0])
                if units.__class__ is not int:
                    units = read_units(units)
                if not 0 < units < _U64:
                    raise AmountError("an amount is from 1 to 2^64 - 1 of the smallest unit")
                if derive:
                    to = self._token_account(to)
                same = (to, units, number % steps)
                if same in newer or same in older:
                    raise InvalidTransaction(_TWICE if self._limit is None else _TWICE_WITH_LIMIT)
                newer.add(same)
                if len(newer) >= _REMEMBERED:
                    newer, older = set(), newer
            except (MultiwalletError, TypeError, ValueError) as error:
                yield refuse(error)
            else:
                yield make(self, to, units, number)

    def message(self, to: bytes, units: int, number: int = 0) -> bytes:
        """The message of one row, put together from the template's pieces."""
        if len(to) != 32 or not 0 < units < _U64:
            raise InvalidTransaction("a row has a key of 32 bytes and an amount from 1 to 2^64 - 1")
        if to in self._fixed:  # an account that the message has already: not a case for pieces
            return self.compile(to, units, number).to_bytes()
        pivot = self._pivot
        before = pivot is not None and collation(address.encode(to)) < pivot
        prefix, middle, calls, tail = self._parts[before]
        if self._limit is None:
            return b"".join((prefix, to, calls, units.to_bytes(8, "little"), tail))
        limit = (self._limit + number % _STEPS).to_bytes(4, "little")
        return b"".join((prefix, to, middle, limit, calls, units.to_bytes(8, "little"), tail))

    def compile(self, to: bytes, units: int, number: int = 0) -> Message:
        """The message of one row, compiled on the ordinary way and not from the template's pieces."""
        payer = self.owner[1]
        if self._mint is None:
            pay = programs.transfer(payer, to, units)
        else:
            pay = programs.transfer_checked(
                self._program, self._source, self._mint, to, payer, units, self.asset.decimals
            )
        calls = (*self._calls, pay)
        if self._limit is not None:
            calls = (programs.set_compute_unit_limit(self._limit + number % _STEPS), *calls)
        return compile_message(payer, calls, self.blockhash, version=self._version)

    def _cut(self, key: bytes) -> tuple[bytes, bytes, bytes, bytes]:
        """What stands before the recipient, between it and the compute limit, from there to the amount, and behind."""
        message = self.compile(key, 1)
        if message.wire_size > PACKET_SIZE:
            raise InputError(f"a Solana transaction has at most {PACKET_SIZE} bytes: shorten the memo")
        body = message.to_bytes()
        head = (0 if self._version is None else 1) + 3 + 1  # version, header, and a number of keys below 128
        to = head + 32 * message.keys.index(key)
        # The transfer comes last, its amount near the end: decimals and the empty list of lookups are all that follows.
        end = len(body) - (0 if self._mint is None else 1) - (0 if self._version is None else 1)
        limit = to + 32
        if self._limit is not None:
            # The limit comes first: behind keys and block hash the number of calls, then program, no accounts, size, tag.
            limit = head + 32 * len(message.keys) + 32 + 1 + 4
        after = limit if self._limit is None else limit + 4
        return body[:to], body[to + 32 : limit], body[after : end - 8], body[end:]

    def _token_account(self, key: bytes) -> bytes:
        if not address.is_on_curve(key):
            raise InvalidAddress(
                "the recipient is off the curve: give the wallet, or make the template with token_accounts"
            )
        assert self._mint is not None  # asked for tokens only
        return programs.associated_token_account(key, self._mint, self._program)


def _other_calls(payer: bytes, price: Any, memo: str | None) -> tuple[Instruction, ...]:
    """The calls between the compute limit and the transfer."""
    calls = []
    if (each := whole(price, "compute_unit_price", _U64 - 1)) is not None:
        calls.append(programs.set_compute_unit_price(each))
    if memo is not None:
        calls.append(programs.memo(memo, payer))
    return tuple(calls)


def _copy(like: UnsignedTransaction) -> dict[str, Any]:
    """What ``like`` states of a template's parts. It may be sent itself: the rows' compute limits are above its own."""
    message = parse_message(like.body)
    copied: dict[str, Any] = {
        "blockhash": message.blockhash,
        "version": "legacy" if message.version is None else message.version,
        "expiry": like.context.get("expiry"),
    }
    mints: set[bytes] = set()
    coins = False
    for call in message.instructions:
        program, data = message.keys[call.program], call.data
        if program == programs.COMPUTE_BUDGET and data[:1] == b"\2" and len(data) == 5:
            copied["compute_unit_limit"] = int.from_bytes(data[1:], "little") + 1
        elif program == programs.COMPUTE_BUDGET and data[:1] == b"\3" and len(data) == 9:
            copied["compute_unit_price"] = int.from_bytes(data[1:], "little")
        elif program == programs.MEMO and "memo" not in copied:
            copied["memo"] = data.decode("utf-8", "replace")
        elif program == programs.SYSTEM and data[:4] == b"\2\0\0\0":
            coins = True
        elif program in (programs.TOKEN, programs.TOKEN_2022) and data[:1] == b"\x0c" and len(call.accounts) == 4:
            mints.add(message.keys[call.accounts[1]])
            copied["token_program"] = address.encode(program)
        elif program != programs.ASSOCIATED_TOKEN:
            raise Unsupported("a template copies payments as account.build() makes them: like does something else")
    if coins + len(mints) != 1 or len(message.signers) != 1 or message.lookups:
        raise Unsupported("a template pays one asset for one signer: like does something else")
    for mint in map(address.encode, mints):
        copied["asset"] = next((asset for asset in like.assets if asset.reference == mint), mint)
    return copied


_TWICE: Final = (
    "this row is the same transaction as one before it, which the chain takes once: make the template with "
    "compute_unit_limit, or pay this row by a template with another blockhash or memo"
)
_TWICE_WITH_LIMIT: Final = (
    "this row is the same transaction as one before it, which the chain takes once: pay it by a template with another "
    "blockhash or memo"
)
