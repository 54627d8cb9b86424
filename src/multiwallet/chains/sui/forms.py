"""The forms in which transactions are handed over: bytes, hex, base64 and JSON, with signatures or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction
from .sdk_form import read_sdk
from .signatures import TRANSACTION_INTENT, Proof, read_base64
from .signed import Signed
from .transaction import TransactionData

__all__ = ["read", "read_signed"]

_BYTES: Final = ("bytes", "transaction", "transactionBlock", "transactionDataBcs", "txBytes")
_PROOFS: Final = ("signature", "signatures")
_LONGEST: Final = 1 << 20


def read(native: Any) -> Signed:
    """A transaction, with the signatures that it has already, each checked; InvalidTransaction.

    Bytes, hex or base64 of ``TransactionData``, of what is signed for it (intent included) or of
    ``SenderSignedData``. A dict or JSON text: ``{"bytes", "signature"}`` as wallets hand it on, or the TypeScript
    SDK's ``Transaction`` as JSON (version 2, with nothing left to resolve).
    """
    if isinstance(native, str):
        if len(native) > _LONGEST:
            raise InvalidTransaction("a transaction of Sui is not as long as this text")
        native = native.strip()
        if native[:1] == "{":
            native = json_text.parse(native, what="the transaction", error=InvalidTransaction, unique=True)
        else:
            native = _decoded(native)
    if isinstance(native, Mapping):
        return _read_fields(native)
    if not isinstance(native, bytes | bytearray | memoryview):
        raise InvalidTransaction(
            f"a transaction is bytes, base64, or the SDK's fields, not a value of type {type(native).__name__}"
        )
    return _read_bytes(bytes(native))


def _decoded(text: str) -> bytes:
    if text[:1] == "0":  # no base64 of a transaction begins so: its first bits are zero, which is an A
        try:
            return parse_hex(text, what="the transaction")
        except InputError as error:
            raise InvalidTransaction(error.message) from error
    return read_base64(text, "the transaction")


def _read_bytes(data: bytes) -> Signed:
    if data[:1] == b"\x01":
        return Signed.decode(data)
    found: list[TransactionData] = []
    first: InvalidTransaction | None = None
    for part in (data, data[3:] if data[:3] == TRANSACTION_INTENT else None):
        if part is None:
            continue
        try:
            found.append(TransactionData.decode(part))
        except InvalidTransaction as error:
            first = first or error
    if len(found) == 1:
        return Signed(found[0], {})
    if found:
        raise InvalidTransaction("these bytes can be read with an intent and without: leave the intent out")
    raise first or InvalidTransaction("there are no bytes of a transaction")


def _read_fields(data: Mapping[str, Any]) -> Signed:
    if "version" in data:
        return Signed(read_sdk(data), {})
    names = [name for name in _BYTES if name in data]
    unknown = set(data) - {*_BYTES, *_PROOFS}
    if len(names) != 1 or unknown:
        raise InvalidTransaction(
            "a transaction in JSON has 'bytes' and 'signature', or the fields of the TypeScript SDK's version 2"
        )
    text = data[names[0]]
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise InvalidTransaction(f"{names[0]!r} is not base64 text")
    unsigned = _read_bytes(_decoded(text))
    if len([name for name in _PROOFS if name in data]) > 1:
        raise InvalidTransaction("the signatures are given twice")
    listed = data.get("signature", data.get("signatures", []))
    listed = [listed] if isinstance(listed, str) else listed
    if not isinstance(listed, list) or len(listed) > 2:
        raise InvalidTransaction("the signatures are one text or a list of at most two")
    if unsigned.proofs and listed:
        raise InvalidTransaction("the signatures are given twice")
    return Signed.joined(unsigned.data, [Proof.parse(text) for text in listed]) if listed else unsigned


def read_signed(wire: Any) -> Signed:
    """A transaction that has been signed; InvalidTransaction."""
    signed = read(wire)
    if not signed.proofs:
        raise InvalidTransaction("this transaction carries no signature: sign it first")
    return signed
