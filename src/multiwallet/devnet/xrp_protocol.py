"""The bytes of the XRP Ledger's transactions, read by code of the devnet's own, and their signatures.

Only the fields of the transactions that the ledger executes are known here; others are refused as malformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ..codec import der
from ..crypto import ed25519, secp256k1
from ..crypto.hashes import hash160, sha512
from ..errors import InputError

__all__ = ["KINDS", "Malformed", "Money", "SignedBy", "Transaction", "half", "read_transaction"]

KINDS: Final = {
    0: "Payment",
    3: "AccountSet",
    5: "SetRegularKey",
    10: "TicketCreate",
    12: "SignerListSet",
    20: "TrustSet",
}
_U8, _U16, _U32, _HASH128, _HASH256, _AMOUNT, _BLOB, _ACCOUNT, _OBJECT, _ARRAY = 16, 1, 2, 4, 5, 6, 7, 8, 14, 15
_FIELDS: Final[dict[tuple[int, int], str]] = {
    (_U16, 2): "TransactionType", (_U16, 3): "SignerWeight",
    (_U32, 1): "NetworkID", (_U32, 2): "Flags", (_U32, 3): "SourceTag", (_U32, 4): "Sequence",
    (_U32, 11): "TransferRate", (_U32, 14): "DestinationTag", (_U32, 20): "QualityIn", (_U32, 21): "QualityOut",
    (_U32, 27): "LastLedgerSequence", (_U32, 33): "SetFlag", (_U32, 34): "ClearFlag", (_U32, 35): "SignerQuorum",
    (_U32, 40): "TicketCount", (_U32, 41): "TicketSequence", (_HASH128, 1): "EmailHash",
    (_HASH256, 9): "AccountTxnID", (_HASH256, 17): "InvoiceID",
    (_AMOUNT, 1): "Amount", (_AMOUNT, 3): "LimitAmount", (_AMOUNT, 8): "Fee", (_AMOUNT, 9): "SendMax",
    (_AMOUNT, 10): "DeliverMin",
    (_BLOB, 2): "MessageKey", (_BLOB, 3): "SigningPubKey", (_BLOB, 4): "TxnSignature", (_BLOB, 7): "Domain",
    (_BLOB, 12): "MemoType", (_BLOB, 13): "MemoData", (_BLOB, 14): "MemoFormat",
    (_ACCOUNT, 1): "Account", (_ACCOUNT, 3): "Destination", (_ACCOUNT, 8): "RegularKey",
    (_OBJECT, 10): "Memo", (_OBJECT, 11): "SignerEntry", (_OBJECT, 16): "Signer",
    (_ARRAY, 3): "Signers", (_ARRAY, 4): "SignerEntries", (_ARRAY, 9): "Memos", (_U8, 16): "TickSize",
}  # fmt: skip
_SIZES: Final = {_U8: 1, _U16: 2, _U32: 4, _HASH128: 16, _HASH256: 32}


class Malformed(Exception):
    """Bytes that no server takes."""


def half(data: bytes) -> bytes:
    """The first half of SHA-512."""
    return sha512(data)[:32]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: drops of XRP where ``issuer`` is empty, else a decimal number of a currency."""

    value: Decimal
    currency: bytes = b""
    issuer: bytes = b""

    @property
    def is_xrp(self) -> bool:
        return not self.issuer

    @property
    def drops(self) -> int:
        return int(self.value)


@dataclass(frozen=True, slots=True)
class SignedBy:
    """One signature: the account (20 bytes) that it stands for, the key, the bytes of the signature."""

    account: bytes
    key: bytes
    signature: bytes

    @property
    def key_account(self) -> bytes:
        """The account of which the key is the master key."""
        return hash160(self.key)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction. ``signed`` are its signatures, each of them verified."""

    raw: bytes
    fields: dict[str, Any]
    signed: tuple[SignedBy, ...]

    @property
    def txid(self) -> str:
        return half(b"TXN\0" + self.raw).hex().upper()

    @property
    def kind(self) -> str:
        return KINDS.get(self.fields["TransactionType"], "")

    @property
    def account(self) -> bytes:
        account: bytes = self.fields["Account"]
        return account

    @property
    def fee(self) -> int:
        fee: Money = self.fields["Fee"]
        return fee.drops

    @property
    def is_multisigned(self) -> bool:
        return not self.fields["SigningPubKey"]

    def number(self, name: str, default: int = 0) -> int:
        """A field that holds a number."""
        return int(self.fields.get(name, default))


class _Bytes:
    """A position in bytes; Malformed past their end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise Malformed("the transaction ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


def read_transaction(raw: bytes) -> Transaction:
    """Decode a signed transaction and verify its signatures; Malformed."""
    source = _Bytes(raw)
    spans: dict[str, tuple[int, int]] = {}
    fields = _read(source, spans, depth=0)
    for name in ("TransactionType", "Account", "Fee", "Sequence", "SigningPubKey"):
        if name not in fields:
            raise Malformed(f"Field '{name}' is required but missing.")
    if not fields["Fee"].is_xrp:
        raise Malformed("fails local checks: the fee is not XRP")
    body = b"".join(raw[start:end] for name, (start, end) in spans.items() if name not in ("TxnSignature", "Signers"))
    return Transaction(raw, fields, _signatures(fields, body))


def _signatures(fields: dict[str, Any], body: bytes) -> tuple[SignedBy, ...]:
    key = fields["SigningPubKey"]
    if key:
        found = [SignedBy(fields["Account"], key, fields.get("TxnSignature", b""))]
        preimages = [b"STX\0" + body]
    else:
        listed = [item.get("Signer", {}) for item in fields.get("Signers", [])]
        if not 0 < len(listed) <= 32 or any(len(item) != 3 for item in listed):
            raise Malformed("fails local checks: Invalid Signers array size.")
        found = [SignedBy(item["Account"], item["SigningPubKey"], item["TxnSignature"]) for item in listed]
        accounts = [item.account for item in found]
        if accounts != sorted(set(accounts)) or fields["Account"] in accounts:
            raise Malformed("fails local checks: Unsorted Signers array.")
        preimages = [b"SMT\0" + body + account for account in accounts]
    for item, preimage in zip(found, preimages, strict=True):
        if not _verify(item, preimage):
            raise Malformed("fails local checks: Invalid signature.")
    return tuple(found)


def _verify(item: SignedBy, preimage: bytes) -> bool:
    if item.key[:1] == b"\xed" and len(item.key) == 33:
        return len(item.signature) == 64 and ed25519.verify(item.key[1:], preimage, item.signature)
    try:
        return secp256k1.is_valid_public_key(item.key) and secp256k1.verify(
            item.key, half(preimage), der.decode(item.signature)
        )
    except InputError:
        return False


def _read(source: _Bytes, spans: dict[str, tuple[int, int]], *, depth: int) -> dict[str, Any]:
    if depth > 8:
        raise Malformed("nested too deep")
    found: dict[str, Any] = {}
    last = (0, 0)
    while source.at < len(source.data):
        start = source.at
        place = _place(source)
        if place == (_OBJECT, 1) and depth:
            return found
        name = _FIELDS.get(place)
        if name is None or place <= last:
            raise Malformed("an unknown field, or one out of order")
        last = place
        found[name] = _value(source, place, depth)
        if not depth:
            spans[name] = (start, source.at)
    if depth:
        raise Malformed("an object does not end")
    return found


def _place(source: _Bytes) -> tuple[int, int]:
    first = source.number(1)
    kind = first >> 4 or source.number(1)
    return kind, first & 15 or source.number(1)


def _value(source: _Bytes, place: tuple[int, int], depth: int) -> Any:
    kind = place[0]
    if kind in (_U8, _U16, _U32):
        return source.number(_SIZES[kind])
    if kind in _SIZES:
        return source.take(_SIZES[kind])
    if kind == _AMOUNT:
        return _money(source)
    if kind in (_BLOB, _ACCOUNT):
        data = source.take(_size(source))
        if kind == _ACCOUNT and len(data) != 20:
            raise Malformed("an account has 20 bytes")
        return data
    if kind == _OBJECT:
        return _read(source, {}, depth=depth + 1)
    items: list[dict[str, Any]] = []
    while (inner := _place(source)) != (_ARRAY, 1):
        if inner[0] != _OBJECT or inner not in _FIELDS or len(items) > 64:
            raise Malformed("a list holds what is no object")
        items.append({_FIELDS[inner]: _read(source, {}, depth=depth + 1)})
    return items


def _size(source: _Bytes) -> int:
    first = source.number(1)
    if first <= 192:
        return first
    if first <= 240:
        return 193 + (first - 193) * 256 + source.number(1)
    if first <= 254:
        return 12481 + (first - 241) * 65536 + source.number(2)
    raise Malformed("a length that cannot be")


def _money(source: _Bytes) -> Money:
    word = source.number(8)
    if not word >> 63:
        if not word >> 62 & 1 or (drops := word & (2**62 - 1)) > 10**17:
            raise Malformed("no amount of XRP")
        return Money(Decimal(drops))
    currency, issuer = source.take(20), source.take(20)
    mantissa, exponent = word & (2**54 - 1), (word >> 54 & 255) - 97
    if not mantissa:
        return Money(Decimal(0), currency, issuer)
    if not 10**15 <= mantissa < 10**16 or not -96 <= exponent <= 80:
        raise Malformed("a token's amount is not normal")
    return Money(Decimal((not word >> 62 & 1, tuple(map(int, str(mantissa))), exponent)), currency, issuer)
