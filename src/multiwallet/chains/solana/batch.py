"""The hot path: signing many ready messages, and many transfers that differ in recipient and amount only."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Chain, Holder
from ...errors import AmountError, InputError, InvalidAddress, InvalidTransaction, MultiwalletError
from ...transactions import Scheme, SignedTransaction
from . import address, programs
from .decode import COMPUTE_LIMIT
from .message import PACKET_SIZE, Instruction, Message, compile_message
from .signed import SignedSolanaTransaction

__all__ = ["MessageBatch", "TransferTemplate"]

_UNSIGNED: Final = b"\1" + bytes(64)
_LARGEST_BODY: Final = PACKET_SIZE - 65
_U64: Final = 2**64


class MessageBatch:
    """A :class:`~multiwallet.chain.BatchPlan` for messages that the holder alone signs.

    Items are what the adapter adopts: bytes, or base64 text, of a message or of an unsigned transaction. Whatever
    is not plainly in order is left to the careful way, which also says what is wrong with it.
    """

    scheme: Scheme = Scheme.ED25519

    __slots__ = ("_chain", "_holder", "_key")

    def __init__(self, chain: Chain, holder: Holder) -> None:
        self._chain = chain
        self._holder = holder
        self._key = holder.public_key

    def prepare(self, item: Any) -> tuple[bytes, bytes] | None:
        """The message of an item, twice: as the state for :meth:`seal` and as the bytes to sign."""
        if type(item) is str:
            try:
                body = binascii.a2b_base64(item, strict_mode=True)
            except ValueError:
                return None
            if binascii.b2a_base64(body, newline=False) != item.encode():
                return None
        elif type(item) is bytes:
            body = item
        else:
            return None
        if body[:65] == _UNSIGNED:
            body = body[65:]
        return (body, body) if _is_plain(body, self._key) else None

    def seal(self, state: bytes, signature: bytes) -> SignedTransaction:
        """Join a message with its 64-byte signature."""
        if len(signature) != 64:
            raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
        return SignedSolanaTransaction(self._chain, self._holder.network, b"\1" + signature + state)


def _is_plain(body: bytes, key: bytes) -> bool:
    """Whether this is a sound message that ``key`` pays and alone signs, with one-byte lengths and without lookups.

    Says yes to nothing that :func:`~multiwallet.chains.solana.message.parse_message` refuses.
    """
    size = len(body)
    try:
        start = 1 if body[0] == 0x80 else 0
        count = body[start + 3]
        keys = start + 4
        at = keys + 32 * count
        if (
            size > _LARGEST_BODY
            or body[start] != 1
            or body[start + 1]
            or body[keys : keys + 32] != key
            or body[start + 2] >= count
            or count > 0x7F
            or len({body[place : place + 32] for place in range(keys, at, 32)}) != count
        ):
            return False
        at += 32
        calls = body[at]
        if calls > 0x7F:
            return False
        at += 1
        for _ in range(calls):
            used = body[at + 1]
            if not 0 < body[at] < count or used > 0x7F:
                return False
            at += 2
            if used:
                if max(body[at : at + used]) >= count:
                    return False
                at += used
            length = body[at]
            if length > 0x7F:
                return False
            at += 1 + length
        if start:
            return size == at + 1 and not body[at]
        return size == at
    except (IndexError, ValueError):  # cut short
        return False


class TransferTemplate:
    """Transfers of one asset by one holder that differ only in recipient and amount: prepared once, filled many times.

    It is a :class:`~multiwallet.chain.BatchPlan` for rows of (recipient, units), and :meth:`fill` gives their messages
    as bytes, ready for ``sign_batch``. Each message is byte for byte what ``build`` makes with the same block hash and
    compute options, for recipients whose token account exists.

    All transfers of one template share a block hash, so the same row twice gives the same transaction twice, and the
    chain takes it once: give such rows a memo or another block hash.
    """

    scheme: Scheme = Scheme.ED25519

    __slots__ = (
        "_asset",
        "_calls",
        "_chain",
        "_expiry",
        "_fixed",
        "_holder",
        "_mint",
        "_parts",
        "_pivot",
        "_program",
        "_source",
        "_to_accounts",
        "_version",
        "blockhash",
    )

    def __init__(
        self,
        chain: Chain,
        holder: Holder,
        *,
        blockhash: str | bytes,
        asset: Asset | None = None,
        version: str | int | None = "legacy",
        compute_unit_limit: int | None = None,
        compute_unit_price: int | None = None,
        memo: str | None = None,
        token_program: str = "",
        token_accounts: bool = False,
        expiry: int | None = None,
    ) -> None:
        native = holder.network.native
        asset = asset or native
        if asset.network_id != holder.network.id or asset.namespace not in (native.namespace, "token"):
            raise InputError(f"{asset.id} is neither {native.symbol} nor a token of {holder.network.title}")
        if version not in ("legacy", None, 0) or isinstance(version, bool):
            raise InputError('version is "legacy" or 0')
        self.blockhash = blockhash if isinstance(blockhash, bytes) else address.parse(blockhash)
        if len(self.blockhash) != 32:
            raise InputError("blockhash is 32 bytes or their base58 text")
        self._chain, self._holder, self._asset, self._expiry = chain, holder, asset, expiry
        self._version = 0 if version == 0 else None
        self._to_accounts = token_accounts
        self._calls = _first_calls(holder.public_key, compute_unit_limit, compute_unit_price, memo)
        self._mint = None if asset == native else address.parse(asset.reference)
        self._program = address.parse(token_program) if token_program else programs.TOKEN
        if self._program not in (programs.TOKEN, programs.TOKEN_2022):
            raise InputError("token_program is the address of the Token or the Token-2022 program")
        self._source = b""
        pivot = ("", "")
        if self._mint is not None:
            self._source = programs.associated_token_account(holder.public_key, self._mint, self._program)
            if self._version is None:
                pivot = _place(self._source)
        self._pivot = pivot
        # A legacy message sorts its accounts, so a token account lands before or behind our own.
        self._parts = tuple(self._cut(key) for key in (_LAST, _FIRST))
        self._fixed = frozenset(self._message(_LAST, 1).keys) - {_LAST}

    def fill(self, rows: Iterable[tuple[str, int | Amount]]) -> Iterator[bytes | MultiwalletError]:
        """The message of each row, lazily and in order; the error in its place for a row that is wrong."""
        for row in rows:
            try:
                yield self.prepare(row)[1]
            except MultiwalletError as error:
                yield error

    def prepare(self, item: tuple[str, int | Amount]) -> tuple[bytes, bytes]:
        """The message of one row (recipient, units). InvalidAddress, AmountError or InputError for a wrong one."""
        try:
            to, units = item
        except (TypeError, ValueError):
            raise InputError("a row is a recipient and a number of units") from None
        if type(units) is not int:
            units = self._units(units)
        if not 0 < units < _U64:
            raise AmountError("units are a whole number of the smallest unit, from 1 to 2^64 - 1")
        key = address.parse(to)
        if self._mint is not None:
            key = self._account(key)
        if key in self._fixed:  # an account that the message has already: not a case for the template
            body = self._message(key, units).to_bytes()
        else:
            before = self._version is None and self._mint is not None and _place(key) < self._pivot
            prefix, middle, tail = self._parts[before]
            body = b"".join((prefix, key, middle, units.to_bytes(8, "little"), tail))
        return body, body

    def seal(self, state: bytes, signature: bytes) -> SignedTransaction:
        """Join a message with its 64-byte signature."""
        if len(signature) != 64:
            raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
        raw = b"\1" + signature + state
        return SignedSolanaTransaction(self._chain, self._holder.network, raw, True, self._expiry)

    def _units(self, units: Any) -> int:
        if isinstance(units, Amount):
            if units.asset != self._asset:
                raise AmountError(f"this template pays {self._asset.symbol}, not {units.asset.symbol}")
            return units.units
        raise TypeError(f"units are a whole number or an Amount, not {type(units).__name__}")

    def _account(self, key: bytes) -> bytes:
        if self._to_accounts:
            return key
        if not address.is_on_curve(key):
            raise InvalidAddress("a recipient is off the curve: give the wallet, or say token_accounts=True")
        assert self._mint is not None  # asked for tokens only
        return programs.associated_token_account(key, self._mint, self._program)

    def _message(self, key: bytes, units: int) -> Message:
        payer = self._holder.public_key
        if self._mint is None:
            pay = programs.transfer(payer, key, units)
        else:
            pay = programs.transfer_checked(
                self._program, self._source, self._mint, key, payer, units, self._asset.decimals
            )
        return compile_message(payer, (*self._calls, pay), self.blockhash, version=self._version)

    def _cut(self, key: bytes) -> tuple[bytes, bytes, bytes]:
        message = self._message(key, 1)
        body = message.to_bytes()
        if 65 + len(body) > PACKET_SIZE:
            raise InputError(f"a Solana transaction has at most {PACKET_SIZE} bytes: shorten the memo")
        head = (0 if self._version is None else 1) + 3 + 1  # version, header, and a number of keys below 128
        to = head + 32 * message.keys.index(key)
        # The transfer is the last instruction and its amount near the end: decimals and the empty list of lookups follow.
        end = len(body) - (0 if self._mint is None else 1) - (0 if self._version is None else 1)
        return body[:to], body[to + 32 : end - 8], body[end:]


_FIRST: Final = bytes(31) + b"\x01"  # before every other in base58, but for the System program
_LAST: Final = address.parse("z" * 43)  # behind every other


def _place(key: bytes) -> tuple[str, str]:
    from .message import collation

    return collation(address.encode(key))


def _first_calls(payer: bytes, limit: int | None, price: int | None, memo: str | None) -> tuple[Instruction, ...]:
    for number, name, most in ((limit, "compute_unit_limit", COMPUTE_LIMIT), (price, "compute_unit_price", _U64 - 1)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most):
            raise InputError(f"{name} is a whole number from 0 to {most}")
    calls = []
    if limit is not None:
        calls.append(programs.set_compute_unit_limit(limit))
    if price is not None:
        calls.append(programs.set_compute_unit_price(price))
    if memo:
        calls.append(programs.memo(memo, payer))
    return tuple(calls)
