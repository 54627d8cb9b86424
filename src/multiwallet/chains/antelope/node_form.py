"""Transactions as this ecosystem writes them: packed bytes, eosjs and wharfkit JSON, signed or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...chain import Network
from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction, shown
from . import known_abis, names, public_keys, serialization, transaction
from .abi import Abi
from .names import Level
from .transaction import Call, Transaction

__all__ = ["call_from_json", "header_from_json", "packed_json", "read", "read_envelope"]

_HEADER: Final = {
    "expiration",
    "ref_block_num",
    "ref_block_prefix",
    "max_net_usage_words",
    "max_cpu_usage_ms",
    "delay_sec",
    "context_free_actions",
    "actions",
    "transaction_extensions",
}
_NEEDED: Final = {"expiration", "ref_block_num", "ref_block_prefix", "actions"}
_PACKED: Final = {"signatures", "compression", "packed_context_free_data", "packed_trx"}
_SERIALIZED: Final = {"signatures", "serializedTransaction", "serializedContextFreeData", "compression"}
_COMPRESSIONS: Final = {"none": 0, "zlib": 1, 0: 0, 1: 1}


def read(network: Network, native: Any) -> tuple[bytes, tuple[bytes, ...]]:
    """A packed transaction and the signatures found, from every form; InvalidTransaction.

    Bytes and hex are a packed transaction, or the envelope that nodes pass on. An object (or its JSON text) is a
    transaction with its header, the ``packed_trx`` form of ``send_transaction``, or eosjs's ``serializedTransaction``.
    """
    if isinstance(native, str):
        text = native.strip()
        if text[:1] == "{":
            native = json_text.parse(text, what="the transaction", error=InvalidTransaction, unique=True)
        else:
            native = _hex(text, "the transaction")
    if isinstance(native, bytes | bytearray | memoryview):
        return _from_bytes(bytes(native))
    if not isinstance(native, Mapping):
        raise InvalidTransaction(f"an Antelope transaction is bytes, hex or an object, not {type(native).__name__}")
    if "packed_trx" in native:
        return _from_packed(native)
    if "serializedTransaction" in native:
        return _from_serialized(native)
    return _from_fields(network, native)


def read_envelope(network: Network, wire: Any) -> tuple[bytes, tuple[bytes, ...]]:
    """As :func:`read`, of a transaction that carries at least one signature."""
    body, signatures = read(network, wire)
    Transaction.decode(body)
    if not signatures:
        raise InvalidTransaction("this transaction carries no signature: sign it first")
    return body, signatures


def packed_json(body: bytes, signatures: tuple[bytes, ...]) -> dict[str, Any]:
    """What ``v1/chain/send_transaction`` takes."""
    return {
        "signatures": [public_keys.signature_text(item) for item in signatures],
        "compression": 0,
        "packed_context_free_data": "",
        "packed_trx": body.hex(),
    }


def _from_bytes(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    try:
        body, found = transaction.decode_envelope(data)
        Transaction.decode(body)
    except InvalidTransaction:
        Transaction.decode(data)
        return data, ()
    return body, found


def _from_packed(native: Mapping[str, Any]) -> tuple[bytes, tuple[bytes, ...]]:
    _refuse_unknown(native, _PACKED)
    free = _hex(native.get("packed_context_free_data") or "", "packed_context_free_data")
    if free and _uncompressed(native, free) not in (b"", b"\0"):  # wharfkit writes an empty list as one zero byte
        raise InvalidTransaction("context-free data is not supported here")
    body = _hex(native["packed_trx"], "packed_trx")
    return _uncompressed(native, body), _signatures(native)


def _from_serialized(native: Mapping[str, Any]) -> tuple[bytes, tuple[bytes, ...]]:
    _refuse_unknown(native, _SERIALIZED)
    if native.get("serializedContextFreeData"):
        raise InvalidTransaction("context-free data is not supported here")
    data = native["serializedTransaction"]
    if isinstance(data, str):
        body = _hex(data, "serializedTransaction")
    else:
        if isinstance(data, Mapping):  # a Uint8Array that went through JSON.stringify
            data = [data.get(str(index)) for index in range(min(len(data), 1 << 20))]
        try:
            body = bytes(data)
        except (TypeError, ValueError):
            raise InvalidTransaction("serializedTransaction is no list of bytes") from None
    return _uncompressed(native, body), _signatures(native)


def _uncompressed(native: Mapping[str, Any], body: bytes) -> bytes:
    stated = native.get("compression", 0)
    if not isinstance(stated, str | int) or stated not in _COMPRESSIONS:
        raise InvalidTransaction("the compression of the transaction is neither none nor zlib")
    return transaction.inflate(body) if _COMPRESSIONS[stated] else body


def _from_fields(network: Network, native: Mapping[str, Any]) -> tuple[bytes, tuple[bytes, ...]]:
    _refuse_unknown(native, _HEADER | {"signatures", "context_free_data"})
    missing = sorted(_NEEDED - set(native))
    if missing:
        raise InvalidTransaction(f"the transaction lacks {missing[0]!r}")
    if native.get("context_free_data"):
        raise InvalidTransaction("context-free data is not supported here")
    fields = {name: native.get(name) or [] for name in ("context_free_actions", "transaction_extensions")}
    header = header_from_json(native)
    calls = tuple(call_from_json(network, item) for item in _list(native["actions"], "actions"))
    free = tuple(call_from_json(network, item) for item in _list(fields["context_free_actions"], "actions"))
    extensions = []
    for item in _list(fields["transaction_extensions"], "extensions"):
        if isinstance(item, list | tuple) and len(item) == 2:
            item = {"type": item[0], "data": item[1]}
        if not isinstance(item, Mapping) or set(item) != {"type", "data"}:
            raise InvalidTransaction("a transaction extension is a type and its data")
        extensions.append((_number(item["type"], "type", 16), _hex(item["data"], "data")))
    body = Transaction(*header[:3], calls, *header[3:], free, tuple(extensions)).encode()
    return body, _signatures(native)


def header_from_json(native: Mapping[str, Any]) -> tuple[int, int, int, int, int, int]:
    """Expiration, reference block, prefix, net words, CPU milliseconds and delay of a transaction's object."""
    expiration = native["expiration"]
    try:
        moment = names.parse_time(expiration)
    except InputError as error:
        raise InvalidTransaction(f"expiration: {error.message}") from None
    if moment % 1_000_000:
        raise InvalidTransaction("the expiration is counted in whole seconds")
    return (
        _number(moment // 1_000_000, "expiration", 32),
        _number(native["ref_block_num"], "ref_block_num", 32) & 0xFFFF,
        _number(native["ref_block_prefix"], "ref_block_prefix", 32),
        _number(native.get("max_net_usage_words", 0), "max_net_usage_words", 32),
        _number(native.get("max_cpu_usage_ms", 0), "max_cpu_usage_ms", 8),
        _number(native.get("delay_sec", 0), "delay_sec", 32),
    )


def call_from_json(
    network: Network,
    item: Any,
    default: Level | None = None,
    abis: Mapping[str, Abi] | None = None,
    error: type[InputError] = InvalidTransaction,
) -> Call:
    """One action from its object. Its data is hex (or bytes), or fields that an ABI, carried or given, can write.

    ``default`` authorises an action that does not say who does. Raises ``error``.
    """
    if not isinstance(item, Mapping):
        raise error("an action is an object of account, name, authorization and data")
    unknown = sorted(str(name) for name in set(item) - {"account", "name", "authorization", "data", "hex_data"})
    if unknown:
        raise error(f"an action has no field {unknown[0][:64]!r}")
    account, name = item.get("account"), item.get("name")
    try:
        if not isinstance(account, str) or not isinstance(name, str) or not names.name_value(account):
            raise InputError("an action names its contract's account and itself")
        names.name_value(name)
        levels = tuple(_level(part) for part in _list(item.get("authorization") or [], "authorization"))
        if not levels and default is not None and "authorization" not in item:
            levels = (default,)
        data = item.get("data", "")
        if isinstance(data, Mapping):
            abi = known_abis.of_action(network, account, name, abis)
            if abi is None:
                raise InputError(f"how {account} writes {shown(name)} is not known here: give the action's data as hex")
            kind = abi.actions.get(name)
            if kind is None:
                raise InputError(f"the contract {account} has no action {shown(name)} that is known here")
            packed = serialization.encode(abi, kind, data)
        else:
            packed = _hex(data, "the action's data")
        if "hex_data" in item and _hex(item["hex_data"], "hex_data") != packed:
            raise InputError("an action's data and its hex_data say different things")
    except InputError as refusal:
        raise error(refusal.message) from None
    return Call(account, name, levels, packed)


def _level(value: Any) -> Level:
    if isinstance(value, str):
        return names.level(value)
    if not isinstance(value, Mapping) or set(value) != {"actor", "permission"}:
        raise InputError("an authorization is an object of actor and permission")
    names.name_value(value["actor"])
    names.name_value(value["permission"])
    return Level(value["actor"], value["permission"])


def _signatures(native: Mapping[str, Any]) -> tuple[bytes, ...]:
    listed = _list(native.get("signatures") or [], "signatures")
    if len(listed) > transaction.MAX_SIGNATURES:
        raise InvalidTransaction(f"a transaction has at most {transaction.MAX_SIGNATURES} signatures here")
    return tuple(public_keys.parse_signature(item) for item in listed)


def _refuse_unknown(native: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(str(name) for name in set(native) - known)
    if unknown:
        raise InvalidTransaction(f"the transaction has an unknown field {unknown[0][:64]!r}")


def _list(value: Any, what: str) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidTransaction(f"the transaction's {what} are a list")
    return value


def _number(value: Any, what: str, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise InvalidTransaction(f"{what} is a whole number of at most {bits} bits")
    return value


def _hex(value: Any, what: str) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if value == "":
        return b""
    try:
        return parse_hex(value, what=what)
    except InputError as error:
        raise InvalidTransaction(error.message) from None
