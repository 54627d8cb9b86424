"""The parameters of Ethereum's JSON-RPC, read as strictly as geth reads them. What is wrong is Rejected with -32602."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..errors import Rejected
from .evm_machine import GAS_LIMIT, ZERO, Call

__all__ = ["INVALID_PARAMS", "invalid", "read_address", "read_bytes", "read_call", "read_hash", "read_quantity"]

INVALID_PARAMS: Final = -32602
_HEX: Final = re.compile(r"0x[0-9a-fA-F]*", re.ASCII)
_QUANTITY: Final = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_MAX_BYTES: Final = 1 << 20


def invalid(position: int, message: str) -> Rejected:
    """The refusal of a parameter."""
    return Rejected(f"invalid argument {position}: {message}", node_code=INVALID_PARAMS)


def read_bytes(position: int, value: Any, length: int | None = None) -> bytes:
    """0x text of whole bytes, of one length if that is given."""
    if not isinstance(value, str):
        raise invalid(position, "json: cannot unmarshal non-string into Go value of type hexutil.Bytes")
    if not _HEX.fullmatch(value):
        raise invalid(position, "hex string without 0x prefix" if value[:2] != "0x" else "invalid hex string")
    if len(value) % 2:
        raise invalid(position, "hex string of odd length")
    if len(value) > 2 * _MAX_BYTES:
        raise invalid(position, "the data is too long")
    if length is not None and len(value) != 2 + 2 * length:
        raise invalid(position, f"hex string has length {len(value) - 2}, want {2 * length}")
    return bytes.fromhex(value[2:])


def read_address(position: int, value: Any) -> bytes:
    """20 bytes."""
    return read_bytes(position, value, 20)


def read_hash(position: int, value: Any) -> bytes:
    """32 bytes."""
    return read_bytes(position, value, 32)


def read_quantity(position: int, value: Any) -> int:
    """A number in 0x text without leading zeros."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise invalid(position, "hex string with leading zero digits, or no 0x number")
    return int(value, 16)


def _access_list(value: Any) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    entries = []
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > 1000:
        raise invalid(0, "accessList is a list of objects")
    for entry in value:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("storageKeys", []), list | tuple):
            raise invalid(0, "accessList is a list of objects of address and storageKeys")
        keys = tuple(int.from_bytes(read_hash(0, key), "big") for key in entry.get("storageKeys", ()))
        entries.append((read_address(0, entry.get("address")), keys))
    return tuple(entries)


def read_call(value: Any, chain_id: int, base_fee: int) -> tuple[Call, int, int | None]:
    """The object of eth_call and eth_estimateGas: the message, the fee cap it states (0 for none), and its gas."""
    if not isinstance(value, Mapping):
        raise invalid(0, "json: cannot unmarshal into Go value of type ethapi.TransactionArgs")

    def number(name: str) -> int | None:
        found = value.get(name)
        return None if found is None else read_quantity(0, found)

    named = number("chainId")
    if named is not None and named != chain_id:
        raise Rejected(f"chainId does not match node's (have={named}, want={chain_id})", node_code=-32000)
    texts = [read_bytes(0, value[name]) for name in ("data", "input") if value.get(name) is not None]
    if len(set(texts)) > 1:
        raise Rejected(
            'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data',
            node_code=-32000,
        )
    legacy, maximum, tip = number("gasPrice"), number("maxFeePerGas"), number("maxPriorityFeePerGas")
    if legacy is not None and (maximum is not None or tip is not None):
        raise Rejected("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified", node_code=-32000)
    if legacy is not None:
        cap = price = legacy
    else:
        cap = maximum or 0
        price = min(cap, base_fee + (tip or 0)) if cap else 0
    if maximum is not None and tip is not None and maximum < tip:
        raise Rejected(f"maxFeePerGas ({maximum}) < maxPriorityFeePerGas ({tip})", node_code=-32000)
    gas = number("gas")
    units = number("value") or 0
    call = Call(
        sender=ZERO if value.get("from") is None else read_address(0, value["from"]),
        to=None if value.get("to") in (None, "") else read_address(0, value["to"]),
        gas=GAS_LIMIT if gas is None else min(gas, GAS_LIMIT),
        value=units,
        data=texts[0] if texts else b"",
        price=price,
        access_list=_access_list(value["accessList"]) if value.get("accessList") is not None else (),
    )
    return call, cap, gas
