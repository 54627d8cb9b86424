"""The forms in which TRON's ecosystem hands transactions around: the node's JSON, hex and bytes.

The node's JSON says everything twice: ``raw_data`` as fields, ``raw_data_hex`` as the bytes, and ``txID`` as
their hash. What is signed is the hash of the bytes, and what people read are the fields, so a transaction whose
parts contradict each other is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import keccak256, sha256
from ...errors import InputError, InvalidTransaction
from . import raw_data, schema, signatures
from .contracts import FIELDS, NAMES, NUMBERS, TYPE_URL
from .raw_data import MAX_SIGNATURES, RawData
from .schema import Field

__all__ = ["check_signatures", "decoded_message", "raw_data_json", "read", "transaction_json"]

_KNOWN: Final = frozenset(
    ("txID", "raw_data", "raw_data_hex", "visible", "signature", "ret", "contract_address", "permission")
)
_WRAPPER: Final = frozenset(
    (
        "transaction",
        "result",
        "txid",
        "energy_used",
        "energy_penalty",
        "constant_result",
        "logs",
        "internal_transactions",
    )
)
_HEAD: Final = (
    Field(1, "ref_block_bytes", "bytes"),
    Field(4, "ref_block_hash", "bytes"),
    Field(8, "expiration", "int"),
    Field(10, "data", "bytes"),
    Field(14, "timestamp", "int"),
    Field(18, "fee_limit", "int"),
)


def read(native: Any) -> tuple[bytes, RawData, tuple[bytes, ...]]:
    """The ``raw_data`` bytes, their content and the signatures of a transaction in any of its forms.

    Takes the node's JSON as a dict or text (also as ``triggersmartcontract`` wraps it), and the bytes or hex of
    ``raw_data`` or of a whole transaction. Signatures are returned as they are. Raises InvalidTransaction.
    """
    if isinstance(native, str):
        text = native.strip()
        if not text.startswith("{"):
            return _from_bytes(_hex(text, "the transaction"))
        native = json_text.parse(text, what="the transaction", error=InvalidTransaction, max_depth=64, unique=True)
    if isinstance(native, bytes | bytearray | memoryview):
        return _from_bytes(bytes(native))
    if isinstance(native, Mapping):
        return _from_object(native)
    raise InvalidTransaction(
        "a TRON transaction is the node's JSON object, or the hex or bytes of raw_data or of a signed transaction, "
        f"not {type(native).__name__}"
    )


def _hex(text: object, what: str) -> bytes:
    if not isinstance(text, str):
        raise InvalidTransaction(f"{what} is hex text, not {type(text).__name__}")
    try:
        return parse_hex(text, what=what)
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def _from_bytes(data: bytes) -> tuple[bytes, RawData, tuple[bytes, ...]]:
    if not data:
        raise InvalidTransaction("the transaction is empty")
    # raw_data starts with its two-byte ref_block_bytes; a transaction with raw_data itself, which is longer.
    if data[:2] == b"\x0a\x02":
        return data, RawData.decode(data), ()
    body, found = raw_data.decode_transaction(data)
    return body, RawData.decode(body), check_signatures(found, body)


def _from_object(native: Mapping[str, Any]) -> tuple[bytes, RawData, tuple[bytes, ...]]:
    if "Error" in native:
        raise InvalidTransaction(f"this is a node's error, no transaction: {str(native['Error'])[:200]}")
    if "transaction" in native:
        native = _unwrapped(native)
    unknown = sorted(str(name) for name in set(native) - _KNOWN)
    if unknown:
        raise InvalidTransaction(f"the transaction has an unknown field {unknown[0][:40]!r}")
    visible = native.get("visible", False)
    if not isinstance(visible, bool):
        raise InvalidTransaction("visible is true or false")
    stated, hex_ = native.get("raw_data"), native.get("raw_data_hex")
    if hex_ is not None:
        body = _hex(hex_, "raw_data_hex")
        raw = RawData.decode(body)
        if stated is not None:
            _compare(raw, stated, visible)
    elif stated is not None:
        raw = _raw_from_json(stated, visible)
        body = raw.encode()
    else:
        raise InvalidTransaction("the transaction has neither raw_data_hex nor raw_data: nothing can be signed")
    txid = sha256(body)
    if native.get("txID") is not None and _hex(native["txID"], "txID") != txid:
        raise InvalidTransaction(
            f"the node's parts contradict each other: txID is not the SHA-256 of raw_data, which is {txid.hex()}"
        )
    address = native.get("contract_address")
    if address is not None and _hex(address, "contract_address") != b"\x41" + keccak256(txid + raw.owner)[12:]:
        raise InvalidTransaction("the node's parts contradict each other: contract_address does not follow from txID")
    listed = native.get("signature")
    if listed is None:
        return body, raw, ()
    if not isinstance(listed, list | tuple):
        raise InvalidTransaction("signature is a list of hex texts")
    return body, raw, check_signatures(tuple(map(signatures.from_hex, listed)), body)


def _unwrapped(native: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(str(name) for name in set(native) - _WRAPPER)
    if unknown:
        raise InvalidTransaction(f"the node's answer has an unknown field {unknown[0][:40]!r}")
    result, inner = native.get("result"), native["transaction"]
    if isinstance(result, Mapping):
        if result.get("result") is not True:
            text = decoded_message(result.get("message")) or str(result.get("code", "no reason"))
            raise InvalidTransaction(f"the node could not make this transaction: {text}")
    elif result is not None and result is not True:
        raise InvalidTransaction("the node's answer says that it could not make this transaction")
    if not isinstance(inner, Mapping) or "transaction" in inner:
        raise InvalidTransaction("the node's answer holds no transaction")
    return inner


def check_signatures(found: tuple[bytes, ...], body: bytes) -> tuple[bytes, ...]:
    """The signatures, if each can be read and no key signed twice; else InvalidTransaction."""
    if len(found) > MAX_SIGNATURES:
        raise InvalidTransaction(f"a TRON transaction has at most {MAX_SIGNATURES} signatures, not {len(found)}")
    digest = sha256(body)
    signers = [signatures.signer_of(item, digest) for item in found]
    if len(set(signers)) != len(signers):
        raise InvalidTransaction("one key has signed this transaction twice: the network refuses that")
    return found


def _contract_of(stated: Any) -> tuple[str, Any, int]:
    """Name, value and permission of the one contract in a raw_data object."""
    contracts = stated.get("contract")
    if not isinstance(contracts, list | tuple) or len(contracts) != 1:
        raise InvalidTransaction("raw_data holds a list of one contract")
    contract = contracts[0]
    if not isinstance(contract, Mapping) or set(contract) - {"parameter", "type", "Permission_id"}:
        raise InvalidTransaction("a contract is an object of parameter, type and Permission_id")
    name, parameter = contract.get("type", NAMES[0]), contract.get("parameter")
    if not isinstance(name, str) or name not in NUMBERS:
        raise InvalidTransaction(f"contract type {str(name)[:40]!r} is unknown")
    if not isinstance(parameter, Mapping) or set(parameter) - {"value", "type_url"}:
        raise InvalidTransaction("a contract's parameter is an object of value and type_url")
    if parameter.get("type_url", TYPE_URL + name) != TYPE_URL + name:
        raise InvalidTransaction(f"the contract's type says {name}, but its parameter has another type_url")
    permission = contract.get("Permission_id", 0)
    if isinstance(permission, bool) or not isinstance(permission, int):
        raise InvalidTransaction("Permission_id is a whole number")
    return name, parameter.get("value", {}), permission


def _head_of(stated: Any, visible: bool) -> schema.Values:
    if not isinstance(stated, Mapping):
        raise InvalidTransaction(f"raw_data is a JSON object, not {type(stated).__name__}")
    head = {key: value for key, value in stated.items() if key != "contract"}
    return schema.from_json(_HEAD, head, "raw_data", visible=visible)


def _raw_from_json(stated: Any, visible: bool) -> RawData:
    head = _head_of(stated, visible)
    name, value, permission = _contract_of(stated)
    if name not in FIELDS:
        raise InvalidTransaction(f"a {name} is only signed from its bytes: hand over raw_data_hex too")
    return raw_data.make(
        name,
        schema.from_json(FIELDS[name], value, name, visible=visible),
        ref_block_bytes=head.get("ref_block_bytes", b""),
        ref_block_hash=head.get("ref_block_hash", b""),
        expiration=head.get("expiration", 0),
        timestamp=head.get("timestamp", 0),
        data=head.get("data", b""),
        fee_limit=head.get("fee_limit", 0),
        permission_id=permission,
    )


def _compare(raw: RawData, stated: Any, visible: bool) -> None:
    """Refuse a raw_data object that says something else than the bytes."""
    head = _head_of(stated, visible)
    name, value, permission = _contract_of(stated)
    differing = [field.name for field in _HEAD if head.get(field.name, 0) != (getattr(raw, field.name) or 0)]
    if name != raw.contract:
        differing.append("type")
    elif name in FIELDS:
        assert raw.values is not None
        values = schema.from_json(FIELDS[name], value, name, visible=visible)
        differing += sorted(key for key in values.keys() | raw.values.keys() if values.get(key) != raw.values.get(key))
    if permission != raw.permission_id:
        differing.append("Permission_id")
    if differing:
        raise InvalidTransaction(
            "the node's parts contradict each other: raw_data and raw_data_hex differ in "
            f"{', '.join(differing)}; do not sign this"
        )


def raw_data_json(raw: RawData) -> dict[str, Any]:
    """``raw_data`` as the node writes it, with ``visible`` false. InvalidTransaction for types known by name only."""
    if raw.values is None:
        raise InvalidTransaction(f"a {raw.contract} is written as bytes only")
    value = schema.to_json(FIELDS[raw.contract], raw.values)
    contract: dict[str, Any] = {
        "parameter": {"value": value, "type_url": TYPE_URL + raw.contract},
        "type": raw.contract,
    }
    if raw.permission_id:
        contract["Permission_id"] = raw.permission_id
    head = {field.name: getattr(raw, field.name) for field in _HEAD if getattr(raw, field.name)}
    return {"contract": [contract], **schema.to_json(_HEAD, head)}


def transaction_json(body: bytes, found: tuple[bytes, ...]) -> dict[str, Any]:
    """A signed transaction as the node's JSON, which ``wallet/broadcasttransaction`` takes."""
    raw = RawData.decode(body)
    return {
        "visible": False,
        "txID": sha256(body).hex(),
        "raw_data": raw_data_json(raw),
        "raw_data_hex": body.hex(),
        "signature": [item.hex() for item in found],
    }


def decoded_message(text: object) -> str:
    """A node's message, which some calls write in hex, as text of at most 300 characters."""
    if not isinstance(text, str):
        return ""
    try:
        plain = bytes.fromhex(text).decode("utf-8")
    except ValueError:
        plain = text
    return "".join(character if character.isprintable() else " " for character in plain)[:300].strip()
