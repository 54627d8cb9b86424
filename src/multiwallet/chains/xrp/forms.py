"""What this ecosystem calls a transaction: bytes, hex (``tx_blob``), the servers' JSON, or several signers' copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...chain import Holder
from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction, SigningRefused
from .addresses import ledger_key
from .serialization import LONGEST
from .transaction import MOST_SIGNERS, SignerList, Transaction, transaction_id

__all__ = ["Found", "read", "read_for"]

_DERIVED: Final = frozenset({"hash", "date", "ctid", "ledger_index", "ledger_hash", "inLedger", "validated", "meta"})
_LARGEST: Final = 4 * LONGEST


class Found(NamedTuple):
    """A transaction with the signer list where it came with one."""

    transaction: Transaction
    signer_list: SignerList | None = None


def read(native: Any) -> Found:
    """A transaction in any of its forms, its signatures verified; InvalidTransaction.

    A list holds copies of one transaction that several signers signed apart: their signatures are put together.
    """
    if isinstance(native, list | tuple):
        if not 0 < len(native) <= MOST_SIGNERS:
            raise InvalidTransaction(f"from 1 to {MOST_SIGNERS} copies of a transaction can be put together")
        copies = [_one(item, None) for item in native]
        first, *others = copies
        known = next((copy.signer_list for copy in copies if copy.signer_list is not None), None)
        if any(copy.signer_list not in (None, known) for copy in copies):
            raise InvalidTransaction("the copies come with different signer lists")
        found = Found(first.transaction.merged(copy.transaction for copy in others), known)
    else:
        found = _one(native, None)
    found.transaction.check_signatures()
    return found


def read_for(holder: Holder, native: Any) -> Found:
    """As :func:`read`; JSON of the holder's own account that names no key gets the holder's."""
    if isinstance(native, list | tuple):
        return read(native)
    found = _one(native, holder)
    found.transaction.check_signatures()
    return found


def _one(native: Any, holder: Holder | None) -> Found:
    if isinstance(native, bytes | bytearray | memoryview):
        data = bytes(native)
        if data[:1] == b"{":
            return _from_json(data, holder)
        return Found(Transaction.decode(data))
    if isinstance(native, str):
        text = native.strip()
        if text[:1] == "{":
            return _from_json(text, holder)
        return Found(Transaction.decode(_hex(text)))
    if isinstance(native, Mapping):
        return _from_mapping(native, holder)
    raise InvalidTransaction(
        f"a transaction of the XRP Ledger is bytes, hex or the servers' JSON, not {type(native).__name__}"
    )


def _hex(text: str) -> bytes:
    if len(text) > 2 * LONGEST:
        raise InvalidTransaction("this transaction is longer than the ledger takes")
    try:
        return parse_hex(text, prefix="none", what="the transaction")
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def _from_json(text: str | bytes, holder: Holder | None) -> Found:
    if len(text) > _LARGEST:
        raise InvalidTransaction("this transaction is longer than the ledger takes")
    value = json_text.parse(text, what="the transaction", error=InvalidTransaction, max_depth=32, unique=True)
    if not isinstance(value, Mapping):
        raise InvalidTransaction("the transaction is no JSON object")
    return _from_mapping(value, holder)


def _from_mapping(value: Mapping[str, Any], holder: Holder | None) -> Found:
    known = None
    blob = value.get("tx_blob")
    if "tx_json" in value or "tx_blob" in value:
        if not set(value) <= {"tx_json", "tx_blob", "hash", "signer_list"}:
            raise InvalidTransaction("beside tx_json and tx_blob stands what does not belong to a transaction")
        if value.get("signer_list") is not None:
            known = SignerList.read(value["signer_list"])
        inner = value.get("tx_json")
        if inner is not None and not isinstance(inner, Mapping):
            raise InvalidTransaction("tx_json is no object")
        if blob is not None:
            if not isinstance(blob, str):
                raise InvalidTransaction("tx_blob is hexadecimal text")
            found = Transaction.decode(_hex(blob))
            if inner is not None and _fields(inner, holder).encode() != found.encode():
                raise InvalidTransaction("tx_json and tx_blob are different transactions")
            return Found(_with_id(found, value), known)
        value = inner or {}
    return Found(_fields(value, holder), known)


def _fields(value: Mapping[str, Any], holder: Holder | None) -> Transaction:
    fields = {name: item for name, item in value.items() if name not in _DERIVED}
    if "SigningPubKey" not in fields and "Signers" in fields:
        fields["SigningPubKey"] = ""
    if "SigningPubKey" not in fields and holder is not None:
        if fields.get("Account") != holder.address:
            raise (
                SigningRefused(
                    f"the transaction is not of {holder.address}; where it signs as one of several, set SigningPubKey to ''"
                )
                if isinstance(fields.get("Account"), str)
                else InvalidTransaction("the transaction names no account")
            )
        fields["SigningPubKey"] = ledger_key(holder.public_key).hex().upper()
    return _with_id(Transaction.read(fields), value)


def _with_id(found: Transaction, value: Mapping[str, Any]) -> Transaction:
    """The transaction, once the id that is stated beside it, if any, is its own."""
    stated = value.get("hash")
    if stated is not None and (found.signature or found.signers) and stated != transaction_id(found.encode()):
        raise InvalidTransaction("the stated hash is not the one of this transaction")
    return found
