"""What this ecosystem calls a transaction: bags of cells as bytes, hex or base64, and TON Connect's request."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from ...codec import boc
from ...codec.cell import Cell
from ...errors import InputError, InvalidTransaction
from .addresses import Address, parse
from .messages import External, Internal
from .wallets import LIMITS, Order, join, kind_of_order, split

__all__ = ["read_bag", "read_external", "read_unsigned"]

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+", re.ASCII)
_FIELDS: Final = frozenset(("valid_until", "network", "from", "messages", "seqno"))
_MESSAGE_FIELDS: Final = frozenset(("address", "amount", "payload", "stateInit"))
_DECIMAL: Final = re.compile(r"[0-9]{1,36}", re.ASCII)
_MODE: Final = 3


def read_bag(value: Any, what: str = "the transaction") -> Cell:
    """A cell, or a bag of cells as bytes, hex, base64 or base64url; InvalidTransaction."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, str):
        if len(value) > 2 * boc.MAX_BYTES:
            raise InvalidTransaction(f"{what} is too long")
        try:
            if value[:8].lower() == "b5ee9c72" and _HEX.fullmatch(value):
                value = bytes.fromhex(value)
            else:
                plain = value.replace("-", "+").replace("_", "/")
                value = binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
        except ValueError:
            raise InvalidTransaction(f"{what} is no bag of cells in hex or base64") from None
    if not isinstance(value, bytes | bytearray | memoryview):
        raise InvalidTransaction(f"{what} is a bag of cells, as bytes, hex or base64, not {type(value).__name__}")
    try:
        return boc.decode(bytes(value), what=what)
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def read_external(value: Any) -> tuple[External, Order, bytes]:
    """An external message to a wallet, its order and its signature (zeros where it lacks one); InvalidTransaction."""
    if isinstance(value, Mapping):
        if set(value) != {"boc"}:
            raise InvalidTransaction('a signed message in JSON is {"boc": base64}')
        value = value["boc"]
    cell = read_bag(value)
    try:
        message = External.read(cell)
        order, signature = split(message.body)
        return message, Order.read(order), signature
    except InputError as error:
        raise InvalidTransaction(f"this is no message to a v3, v4 or v5 wallet: {error.message}") from None


def read_unsigned(value: Any, kind: str, number: int, owner: Address, global_id: int, testnet: bool) -> External:
    """What can be signed, as an external message with zeros for its signature; InvalidTransaction.

    An unsigned external message, the order's cell alone, or TON Connect's ``sendTransaction`` request with the
    ``seqno`` and ``valid_until`` that the order needs.
    """
    if isinstance(value, Mapping):
        return _request(value, kind, number, owner, global_id, testnet)
    cell = read_bag(value)
    try:
        kind_of_order(cell)
        Order.read(cell)
    except InputError:
        message, order, signature = read_external(cell)
        if any(signature):
            raise InvalidTransaction("this message is signed already: broadcast it") from None
        return External(message.to, join(order.cell(), signature), message.init)
    return External(owner, join(cell, bytes(64)))


def _request(
    value: Mapping[str, Any], kind: str, number: int, owner: Address, global_id: int, testnet: bool
) -> External:
    unknown = sorted(map(str, set(value) - _FIELDS))
    if unknown:
        raise InvalidTransaction(f"a TON Connect transaction has no field {unknown[0][:40]!r} that is signed here")
    for name in ("valid_until", "seqno"):
        if isinstance(value.get(name), bool) or not isinstance(value.get(name), int):
            raise InvalidTransaction(f"{name} is a whole number: an order cannot be written without it")
    if value.get("network", str(global_id)) != str(global_id):
        raise InvalidTransaction(f"the request is for the network {str(value['network'])[:20]}, not for {global_id}")
    listed = value.get("messages")
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= LIMITS[kind]:
        raise InvalidTransaction(f"messages is a list of 1 to {LIMITS[kind]} messages")
    try:
        if "from" in value and parse(value["from"], testnet=testnet)[0] != owner:
            raise InvalidTransaction("the request is from another account than this one")
        messages = tuple((_MODE, _message(item, testnet)) for item in listed)
        order = Order(kind, number, value["valid_until"], value["seqno"], messages)
        return External(owner, join(order.cell(), bytes(64)))
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def _message(item: Any, testnet: bool) -> Cell:
    if not isinstance(item, Mapping) or not {"address", "amount"} <= set(item) <= _MESSAGE_FIELDS:
        raise InvalidTransaction("a message has an address and an amount, and may have a payload and a stateInit")
    amount, text = item["amount"], item["address"]
    if not isinstance(amount, str) or not _DECIMAL.fullmatch(amount):
        raise InvalidTransaction("the amount of a message is a whole number of nanograms in decimal text")
    if isinstance(text, str) and ":" in text:
        raise InvalidTransaction("TON Connect wants addresses in the friendly form, which says whether to bounce")
    to, bounce = parse(text, testnet=testnet)
    body = Cell() if item.get("payload") is None else read_bag(item["payload"], "the payload")
    init = None if item.get("stateInit") is None else read_bag(item["stateInit"], "the stateInit")
    return Internal(to, int(amount), bounce, body, init).cell()
