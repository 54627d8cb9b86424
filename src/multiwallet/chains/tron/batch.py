"""The hot path: many transfers of one account, checked by one pattern instead of a parser.

A transfer's bytes are so regular that a compiled pattern tells whether they are one: every field in its place,
the holder as owner, no permission, lengths and varints canonical. What does not match takes the careful way.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Chain, Holder
from ...codec import base58, protobuf
from ...codec.hexadecimal import parse_hex
from ...errors import AmountError, InputError, InvalidAddress, MultiwalletError
from ...transactions import Scheme, SignedTransaction, UnsignedTransaction
from . import addresses, raw_data
from .build import token_transfer
from .contracts import TYPE_URL

__all__ = ["Plan", "Template"]

# A canonical varint above zero, of 63 bits at most.
_VARINT: Final = rb"[\x80-\xff]{0,8}[\x01-\x7f]"
_HEAD: Final = rb"\x0a\x02.{2}\x22\x08.{8}\x40(" + _VARINT + rb")(?:\x52([\x01-\x7f])(.{1,127}?))?"
_TAIL: Final = rb"\x70(" + _VARINT + rb")(?:\x90\x01(" + _VARINT + rb"))?"
_FAST_KEYS: Final = frozenset(("txID", "raw_data", "raw_data_hex", "visible"))
_TRANSFER_URL: Final = TYPE_URL + "TransferContract"
_TRIGGER_URL: Final = TYPE_URL + "TriggerSmartContract"
_RECOVERY: Final = tuple(bytes((value + 27,)) for value in range(4))
_CACHED_TIMES: Final = 4096


def _contract(number: int, url: str, value: bytes) -> bytes:
    any_ = protobuf.bytes_field(1, url.encode("ascii")) + protobuf.message_field(2, value)
    return protobuf.message_field(11, protobuf.varint_field(1, number) + protobuf.message_field(2, any_))


def _transfer_opening(owner: bytes, size: int) -> bytes:
    """A transfer's contract up to its recipient, when its amount takes ``size`` bytes."""
    value = protobuf.bytes_field(1, owner) + protobuf.bytes_field(2, bytes(21)) + b"\x18" + bytes(size)
    return _contract(1, _TRANSFER_URL, value)[: -(21 + 1 + size)]


def _call_opening(owner: bytes, contract: bytes) -> bytes:
    """A token transfer's contract up to the recipient's 20 bytes."""
    call = token_transfer(addresses.from_bytes(addresses.ZERO), 0)
    value = protobuf.bytes_field(1, owner) + protobuf.bytes_field(2, contract) + protobuf.bytes_field(4, call)
    return _contract(31, _TRIGGER_URL, value)[:-52]


def _pattern(owner: bytes) -> re.Pattern[bytes]:
    transfers = b"|".join(
        re.escape(_transfer_opening(owner, size)) + rb"\x41.{20}\x18" + rb"[\x80-\xff]{%d}[\x01-\x7f]" % (size - 1)
        for size in range(1, 10)
    )
    opening = _call_opening(owner, addresses.ZERO)
    place = opening.rindex(addresses.ZERO)
    call = re.escape(opening[:place]) + rb"\x41.{20}" + re.escape(opening[place + 21 :]) + rb".{52}"
    return re.compile(_HEAD + b"(" + transfers + b"|" + call + b")" + _TAIL, re.DOTALL)


def _number(varint: bytes) -> int:
    value = 0
    for byte in reversed(varint):
        value = value << 7 | byte & 0x7F
    return value


class Plan:
    """Prepares and seals the plain transfers of one holder; see :class:`~multiwallet.chain.BatchPlan`."""

    scheme: Scheme = Scheme.RECOVERABLE

    def __init__(self, chain: Chain, holder: Holder) -> None:
        self._chain = chain
        self._network = holder.network
        self._match = _pattern(addresses.to_bytes(holder.address)).fullmatch
        self._times: dict[bytes, int] = {}
        self._owns = addresses.of_public_key(holder.public_key) == addresses.to_bytes(holder.address)

    def prepare(self, item: Any) -> tuple[tuple[bytes, bytes, int], bytes] | None:
        """The state (bytes, id, expiration) and 32-byte digest of one item; None for what is no plain transfer."""
        kind = type(item)
        if kind is bytes:
            body = item
        elif kind is UnsignedTransaction:
            if item.network != self._network or item.context.get("signatures"):
                return None
            body = item.body
        elif kind is str or kind is dict:
            text = item if kind is str else item.get("raw_data_hex")
            if type(text) is not str:
                return None
            try:
                body = unhexlify(text)
            except ValueError:
                return None
        elif isinstance(item, MultiwalletError):
            raise item
        else:
            return None
        match = self._match(body)
        if match is None or not self._owns or len(body) < 128:  # seal writes the length in two bytes
            return None
        expiration, size, memo = match.group(1, 2, 3)
        if size is not None and len(memo) != size[0]:
            return None
        digest = sha256(body).digest()
        expiry = self._time(expiration)
        if kind is dict and not self._agrees(item, match, digest.hex(), expiry):
            return None
        return (body, digest, expiry), digest

    def _time(self, varint: bytes) -> int:
        known = self._times.get(varint)
        if known is None:
            if len(self._times) >= _CACHED_TIMES:
                self._times.clear()
            known = self._times[varint] = _number(varint)
        return known

    def _agrees(self, item: Any, match: re.Match[bytes], txid: str, expiry: int) -> bool:
        """Whether the node's JSON says in all its parts what the bytes say, written just as nodes write it.

        The numbers are where the hex of each part stands in the contract's hex.
        """
        if not item.keys() <= _FAST_KEYS or item.get("visible", False) is not False or item.get("txID", txid) != txid:
            return False
        if "raw_data" not in item:
            return True
        text, start = item["raw_data_hex"], 2 * match.start(4)
        memo, timestamp, limit = match.group(3, 5, 6)
        try:
            stated = item["raw_data"]
            (contract,) = stated["contract"]
            parameter = contract["parameter"]
            value = parameter["value"]
            until, since = stated["expiration"], stated["timestamp"]
            if match.end(4) - match.start(4) < 128:
                amount = value["amount"]
                told = (
                    contract["type"] == "TransferContract"
                    and parameter["type_url"] == _TRANSFER_URL
                    and value["owner_address"] == text[start + 114 : start + 156]
                    and value["to_address"] == text[start + 160 : start + 202]
                    and type(amount) is int  # True == 1 and 1.0 == 1 in Python
                    and amount == _number(match[4][102:])
                )
            else:
                told = (
                    contract["type"] == "TriggerSmartContract"
                    and parameter["type_url"] == _TRIGGER_URL
                    and value["owner_address"] == text[start + 126 : start + 168]
                    and value["contract_address"] == text[start + 172 : start + 214]
                    and value["data"] == text[start + 218 : start + 354]
                )
            return (
                told
                and type(until) is type(since) is int
                and until == expiry
                and since == self._time(timestamp)
                and stated["ref_block_bytes"] == text[4:8]
                and stated["ref_block_hash"] == text[12:28]
                and (memo is None or stated["data"] == memo.hex())
                and (limit is None or (stated["fee_limit"] == self._time(limit) and type(stated["fee_limit"]) is int))
                and len(value) == 3
                and len(parameter) == len(contract) == 2
                and len(stated) == 5 + (memo is not None) + (limit is not None)
            )
        except (KeyError, TypeError, ValueError, IndexError):
            return False

    def seal(self, state: tuple[bytes, bytes, int], signature: bytes) -> SignedTransaction:
        """The signed transaction, from 65 bytes: r, s, recovery id."""
        body, digest, expiry = state
        size = len(body)
        raw = b"\x0a%c%c%b\x12\x41%b%b" % (
            size & 0x7F | 0x80,
            size >> 7,
            body,
            signature[:64],
            _RECOVERY[signature[64]],
        )
        return SignedTransaction(self._chain, self._network, raw, digest.hex(), True, expiry)


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


class Template:
    """What the transfers of a batch share, encoded once: ``prefix | what varies | tail``.

    Made with ``account.template(asset=, fee_limit=, ref_block_bytes=, ref_block_hash=, expiration=, timestamp=,
    memo=)``: the two reference fields as bytes or hex, times in milliseconds since 1970, ``fee_limit`` in sun.
    ``asset`` is an Asset, a CAIP-19 id or a TRC-20 contract address; None is TRX, which has no ``fee_limit``.
    """

    __slots__ = ("_asset", "_call", "_openings", "_tail")

    def __init__(self, asset: str, openings: tuple[bytes, ...], call: bytes, tail: bytes) -> None:
        self._asset = asset
        self._openings = openings
        self._call = call
        self._tail = tail

    @classmethod
    def of(cls, holder: Holder, fixed: Mapping[str, Any]) -> Template:
        """Read and check what is fixed; InputError for a missing, unknown or unfit part."""
        known = ("asset", "fee_limit", "ref_block_bytes", "ref_block_hash", "expiration", "timestamp", "memo")
        unknown = sorted(set(fixed) - set(known))
        if unknown:
            raise InputError(f"a TRON template has no {unknown[0]!r}: it has {', '.join(known)}")
        network, owner = holder.network, addresses.to_bytes(holder.address)
        native, prefix = network.native.id, f"{network.id}/trc20:"
        asset, contract = fixed.get("asset") or native, None
        identity = asset.id if isinstance(asset, Asset) else asset
        if identity != native:
            contract = addresses.to_bytes(identity.removeprefix(prefix) if isinstance(identity, str) else identity)
            identity = prefix + addresses.from_bytes(contract)
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
        sample = raw_data.make(
            "TransferContract",
            {"owner_address": owner},
            ref_block_bytes=_bytes(fixed, "ref_block_bytes", 2),
            ref_block_hash=_bytes(fixed, "ref_block_hash", 8),
            expiration=_whole(fixed, "expiration", None),
            timestamp=_whole(fixed, "timestamp", None),
            data=data,
            fee_limit=fee_limit,
        )
        filling = protobuf.message_field(11, _contract_of(sample))
        head, _, tail = sample.encode().partition(filling)
        if contract is not None:
            return cls(identity, (), head + _call_opening(owner, contract), tail)
        openings = tuple(head + _transfer_opening(owner, size) for size in range(1, 10))
        return cls(identity, openings, b"", tail)

    def fill(self, rows: Iterable[tuple[str | bytes, int | Amount]]) -> Iterator[bytes | MultiwalletError]:
        """The ``raw_data`` of each row ``(to, units)``, lazily and in order, as items for ``sign_batch``.

        ``to`` is an address text or its 21 bytes, ``units`` a number of the smallest unit or an Amount of the
        asset. For a bad row the error stands in its place, and ``sign_batch`` passes it on.
        """
        openings, call, tail, asset = self._openings, self._call, self._tail, self._asset
        decode, varint = _address, _varint
        for row in rows:
            try:
                to, units = row
                if type(units) is not int:
                    units = _units(units, asset)
                if isinstance(to, bytes):
                    address = to
                    if len(to) != 21 or to[0] != addresses.PREFIX:
                        raise InvalidAddress("the bytes of a TRON address are 21, and the first is 0x41")
                else:
                    address = decode(to)
                if openings:
                    if not 0 < units < 1 << 63:
                        raise AmountError("the amount is zero or more than TRON can carry")
                    amount = varint(units)
                    yield b"%b%b\x18%b%b" % (openings[len(amount) - 1], address, amount, tail)
                else:
                    if not 0 < units < 1 << 256:
                        raise AmountError("the amount is zero or more than a token can count")
                    yield b"%b%b%b%b" % (call, address[1:], units.to_bytes(32, "big"), tail)
            except MultiwalletError as error:
                yield error
            except (TypeError, ValueError) as error:
                yield InputError(f"a row is an address and a whole number of the smallest unit: {error}")


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


def _units(units: Any, asset: str) -> int:
    if isinstance(units, Amount):
        if units.asset.id != asset:
            raise AmountError(f"{units.asset.id} is not what this template pays")
        return units.units
    raise AmountError(f"units is a whole number of the smallest unit, not {type(units).__name__}")


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
