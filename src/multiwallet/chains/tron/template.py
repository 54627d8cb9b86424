"""Templates: what all transfers of a batch share is encoded once, and each row adds only what varies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from ...chain import Holder
from ...codec import base58, protobuf
from ...codec.hexadecimal import parse_hex
from ...errors import AmountError, InputError, InvalidAddress, MultiwalletError, Unsupported
from ...template import PaidAsset, RefusedRow, first_row, read_fixed, refuse
from ...transactions import UnsignedTransaction
from . import addresses, raw_data
from .build import token_transfer
from .contracts import TYPE_URL
from .raw_data import RawData

__all__ = ["Template", "call_opening", "transfer_opening"]

_TRANSFER_URL: Final = TYPE_URL + "TransferContract"
_TRIGGER_URL: Final = TYPE_URL + "TriggerSmartContract"
_TRANSFER: Final = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_TRANSFER_FIELDS: Final = {"owner_address", "contract_address", "data"}
_TIMES: Final = range(1 << 7, 1 << 62)  # with more than one byte as a varint, and room to count on
_FIXED: Final = ("ref_block_bytes", "ref_block_hash", "expiration", "timestamp", "asset", "fee_limit", "memo")


def _contract(number: int, url: str, value: bytes) -> bytes:
    any_ = protobuf.bytes_field(1, url.encode("ascii")) + protobuf.message_field(2, value)
    return protobuf.message_field(11, protobuf.varint_field(1, number) + protobuf.message_field(2, any_))


def transfer_opening(owner: bytes, size: int) -> bytes:
    """A transfer's contract up to its recipient, when its amount takes ``size`` bytes."""
    value = protobuf.bytes_field(1, owner) + protobuf.bytes_field(2, bytes(21)) + b"\x18" + bytes(size)
    return _contract(1, _TRANSFER_URL, value)[: -(21 + 1 + size)]


def call_opening(owner: bytes, contract: bytes) -> bytes:
    """A token transfer's contract up to the recipient's 20 bytes."""
    call = token_transfer(addresses.from_bytes(addresses.ZERO), 0)
    value = protobuf.bytes_field(1, owner) + protobuf.bytes_field(2, contract) + protobuf.bytes_field(4, call)
    return _contract(31, _TRIGGER_URL, value)[:-52]


class Template:
    """What the transfers of a batch share, encoded once: ``prefix | what varies | tail``.

    Made with ``account.template(asset=, fee_limit=, ref_block_bytes=, ref_block_hash=, expiration=, timestamp=,
    memo=)``: the two reference fields as bytes or hex, times in milliseconds since 1970, ``fee_limit`` in sun.
    ``asset`` is an Asset, a CAIP-19 id or a TRC-20 contract address; None is TRX, which has no ``fee_limit``.
    ``like=`` is a transaction that ``account.build`` made, from which all of these are copied as far as they are
    not given, and a ``timestamp`` one millisecond later.
    """

    __slots__ = ("_call", "_openings", "_paid", "_rest", "_timestamp")

    def __init__(self, paid: PaidAsset, openings: tuple[bytes, ...], call: bytes, timestamp: int, rest: bytes) -> None:
        self._paid = paid
        self._openings = openings
        self._call = call
        self._timestamp = timestamp
        self._rest = rest

    def __repr__(self) -> str:
        return f"Template({self._paid.id})"

    @classmethod
    def of(cls, holder: Holder, fixed: Mapping[str, Any]) -> Template:
        """Read and check what is fixed; InputError for a missing, unknown or unfit part."""
        fixed = read_fixed(holder, fixed, _FIXED, _copy)
        owner = addresses.to_bytes(holder.address)
        paid = PaidAsset(holder.network, fixed.get("asset"), "trc20", addresses.parse)
        contract = None if paid.reference is None else addresses.to_bytes(paid.reference)
        fee_limit = _whole(fixed, "fee_limit", 0)
        if contract is None and fee_limit:
            raise InputError("fee_limit caps the energy of contract calls: a transfer of TRX has none")
        if contract is not None and not fee_limit:
            raise InputError("a template for a token needs a fee_limit, in sun")
        memo = fixed.get("memo") or ""
        if not isinstance(memo, str):
            raise InputError("a memo is text")
        try:
            data = memo.encode("utf-8")
        except UnicodeEncodeError:
            raise InputError("the memo holds a lone surrogate, which UTF-8 cannot carry") from None
        timestamp = _whole(fixed, "timestamp", None)
        if timestamp not in _TIMES:
            raise InputError("timestamp is in milliseconds since 1970, and each row's is one later")
        sample = raw_data.make(
            "TransferContract",
            {"owner_address": owner},
            ref_block_bytes=_bytes(fixed, "ref_block_bytes", 2),
            ref_block_hash=_bytes(fixed, "ref_block_hash", 8),
            expiration=_whole(fixed, "expiration", None),
            timestamp=timestamp,
            data=data,
            fee_limit=fee_limit,
        )
        filling = protobuf.message_field(11, _contract_of(sample))
        head, _, tail = sample.encode().partition(filling)
        rest = tail[len(protobuf.varint_field(14, timestamp)) :]
        if contract is not None:
            return cls(paid, (), head + call_opening(owner, contract), timestamp, rest)
        return cls(paid, tuple(head + transfer_opening(owner, size) for size in range(1, 10)), b"", timestamp, rest)

    def fill(self, rows: Iterable[Any], *, start: int = 0) -> Iterator[bytes | RefusedRow]:
        """The ``raw_data`` of each row, lazily and in order, as items for ``sign_batch``: pairs of recipient and amount.

        A recipient is an address text or its 21 bytes. An amount is an ``int`` of the smallest unit, an ``Amount``,
        or text in whole units where the template knows the decimals. A row that is wrong becomes a
        :class:`~multiwallet.template.RefusedRow` in its place.

        The timestamp of each row is one millisecond later than that of the row before: like rows under one timestamp
        would be one and the same transaction, and no rule of the network reads it. Each call counts from the template's
        timestamp again: ``start`` is how many rows earlier calls were given.
        """
        return self._filled(rows, self._timestamp + first_row(start))

    def _filled(self, rows: Iterable[Any], time: int) -> Iterator[bytes | RefusedRow]:
        openings, call, rest, read_units = self._openings, self._call, self._rest, self._paid.units
        decode, varint, prefix = _address, _varint, addresses.PREFIX
        # The timestamp is the last but for what all rows share: its varint's first seven bits change with every row.
        until, late = 0, b""
        for time, row in enumerate(rows, time):  # noqa: B020  # it counts on
            if time >= until:
                until, late = (time | 0x7F) + 1, protobuf.encode_varint(time >> 7) + rest
            try:
                to, units = row
                if units.__class__ is not int:
                    units = read_units(units)
                if to.__class__ is not bytes:
                    to = decode(to)
                elif len(to) != 21 or to[0] != prefix:
                    raise InvalidAddress("the bytes of a TRON address are 21, and the first is 0x41")
                if openings:
                    if not 0 < units < 1 << 63:
                        raise AmountError("the amount is zero or more than TRON can carry")
                    amount = varint(units)
                    body = b"%b%b\x18%b\x70%c%b" % (openings[len(amount) - 1], to, amount, time & 127 | 128, late)
                else:
                    if not 0 < units < 1 << 256:
                        raise AmountError("the amount is zero or more than a token can count")
                    body = b"%b%b%b\x70%c%b" % (call, to[1:], units.to_bytes(32, "big"), time & 127 | 128, late)
            except (MultiwalletError, TypeError, ValueError) as error:
                yield refuse(error)
            else:
                yield body


# The 34 characters of an address as one sum: the first two from a table, the other 32 by adding neighbours inside one
# integer (two digits of 8 bits become a number of 16, and so on). It halves the time of the general decoder.
_HEADS: Final = {
    "T" + character: (base58.ALPHABET.index("T") * 58 + value) * 58**32
    for value, character in enumerate(base58.ALPHABET)
}
_DIGITS: Final = bytes(base58.ALPHABET.index(chr(code)) if chr(code) in base58.ALPHABET else 255 for code in range(256))
_FOLDS: Final = tuple(
    (
        sum(((1 << 8 * width) - 1) << (16 * width * lane) for lane in range(16 // width)),
        8 * width,
        (1 << 8 * width) - 58**width,
    )
    for width in (1, 2, 4, 8, 16)
)


def _address(text: str) -> bytes:
    """The 21 bytes of an address text; what is not plainly one goes to the careful decoder and its messages."""
    if type(text) is not str or len(text) != 34 or (head := _HEADS.get(text[:2])) is None or not text.isascii():
        return addresses.to_bytes(text)
    digits = text[2:].encode("ascii").translate(_DIGITS)
    number = int.from_bytes(digits, "big")
    for mask, shift, excess in _FOLDS:
        number -= ((number >> shift) & mask) * excess
    data = (head + number).to_bytes(26, "big")
    payload = data[1:22]
    if 255 in digits or data[:2] != b"\0\x41" or sha256(sha256(payload).digest()).digest()[:4] != data[22:]:
        return addresses.to_bytes(text)
    return payload


def _varint(value: int) -> bytes:
    """A varint above zero, without a loop for the usual sizes (up to 34 thousand TRX)."""
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7)) if value > 0x7F else bytes((value,))
    if value < 0x200000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    if value < 0x10000000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14 & 0x7F | 0x80, value >> 21))
    if value < 0x800000000:
        low = (value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14 & 0x7F | 0x80, value >> 21 & 0x7F | 0x80)
        return bytes((*low, value >> 28))
    return protobuf.encode_varint(value)


def _contract_of(sample: raw_data.RawData) -> bytes:
    any_ = protobuf.bytes_field(1, _TRANSFER_URL.encode("ascii")) + protobuf.bytes_field(2, sample.value)
    return protobuf.varint_field(1, 1) + protobuf.message_field(2, any_)


def _copy(like: UnsignedTransaction) -> dict[str, Any]:
    """What ``like`` states of a template's parts. It may be sent itself: the rows begin one millisecond later."""
    raw = RawData.decode(like.body)
    if raw.values is None or raw.permission_id:
        raise Unsupported("a template copies transfers by the owner: like is something else, or under a permission")
    copied: dict[str, Any] = {
        "ref_block_bytes": raw.ref_block_bytes,
        "ref_block_hash": raw.ref_block_hash,
        "expiration": raw.expiration,
        "timestamp": raw.timestamp + 1,
    }
    try:
        copied["memo"] = raw.data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unsupported("the memo of like is no text: a template cannot copy it") from None
    if raw.contract == "TransferContract":
        return copied
    data = raw.values.get("data", b"")
    if (
        raw.contract != "TriggerSmartContract"
        or data[:4] != _TRANSFER
        or len(data) != 68
        or set(raw.values) != _TRANSFER_FIELDS
    ):
        raise Unsupported("a template copies transfers of TRX or of a TRC-20 token: like is something else")
    reference = addresses.from_bytes(raw.values["contract_address"])
    copied["asset"] = next((asset for asset in like.assets if asset.reference == reference), reference)
    copied["fee_limit"] = raw.fee_limit
    return copied


def _whole(fixed: Mapping[str, Any], name: str, default: int | None) -> int:
    value = fixed.get(name)
    if value is None:
        value = default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"a TRON template needs {name}, a whole number")
    return value


def _bytes(fixed: Mapping[str, Any], name: str, length: int) -> bytes:
    value = fixed.get(name)
    if isinstance(value, bytes) and len(value) == length:
        return value
    return parse_hex(value, length=length, what=name)  # type: ignore[arg-type]  # refuses what is no text
