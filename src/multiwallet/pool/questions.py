"""What the pool knows of each family, as tables: how it tells its height, which reads matter, when answers are alike.

A family that is not named here still has failover, breakers, limits and hedges. It has no lag check, and a quorum
where the user names its reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from ..errors import Rejected
from ..ops import Effect, Outcome, Rest, Rpc

__all__ = ["QUORUM_READS", "alike", "height_in", "height_question", "label", "matters", "pinned"]

_WORD: Final = re.compile(r"[A-Za-z_.-]{1,28}|v[0-9]", re.ASCII)  # no address is so short and without a digit
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,16}", re.ASCII)
_HIGHEST: Final = 2**63

QUORUM_READS: Final[Mapping[str, Collection[str]]] = {
    "evm": ("eth_getBalance", "eth_getTransactionCount", "eth_call"),
    "bitcoin": (
        "GET address/…",
        "GET address/…/utxo",
        "GET api/v2/address/…",
        "GET api/v2/utxo/…",
        "scantxoutset",
        "gettxout",
    ),
    "tron": ("POST wallet/getaccount", "POST wallet/getaccountresource", "POST wallet/triggerconstantcontract"),
    "solana": (
        "getBalance",
        "getAccountInfo",
        "getMultipleAccounts",
        "getTokenAccountsByOwner",
        "getTokenAccountBalance",
    ),
}
"""The reads that money hangs on, by family, as :func:`label` names them."""

# The position of the block among the parameters, for the calls that take one.
_BLOCK: Final[Mapping[str, int]] = {
    "eth_getBalance": 1,
    "eth_getTransactionCount": 1,
    "eth_call": 1,
    "eth_getCode": 1,
    "eth_getStorageAt": 2,
}
# What honest nodes answer differently, being asked at different moments or running different versions: left out of
# the comparison. For a dotted path every step is a field.
_INCIDENTAL: Final[Mapping[str, tuple[str, ...]]] = {
    "scantxoutset": ("height", "bestblock", "txouts", "unspents.confirmations", "unspents.blockhash", "unspents.desc"),
    "gettxout": ("bestblock", "confirmations"),
    "GET api/v2/utxo/…": ("confirmations",),
    "POST wallet/triggerconstantcontract": ("transaction",),  # holds the node's own reference block and time
    "getBalance": ("context",),
    "getAccountInfo": ("context",),
    "getMultipleAccounts": ("context",),
    "getTokenAccountsByOwner": ("context",),
    "getTokenAccountBalance": ("context",),
}
# Lists without an order of their own.
_UNORDERED: Final = ("GET address/…/utxo", "GET api/v2/utxo/…", "scantxoutset", "getTokenAccountsByOwner")


def label(effect: Effect) -> str:
    """An effect by its kind, without anything it is about: what metrics, spans and errors may say.

    >>> label(Rpc("eip155:1", "eth_getBalance", ["0x00", "latest"]))
    'eth_getBalance'
    >>> label(Rest("bip122:0", "GET", "address/bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu/utxo"))
    'GET address/…/utxo'
    """
    if isinstance(effect, Rpc):
        return effect.method if _WORD.fullmatch(effect.method) or len(effect.method) <= 64 else "…"
    if isinstance(effect, Rest):
        path = effect.path.partition("?")[0].strip("/")
        return f"{effect.method} " + "/".join(part if _WORD.fullmatch(part) else "…" for part in path.split("/"))
    return type(effect).__name__


def height_question(network: str, family: str, service: str = "") -> Effect | None:
    """The cheap call that tells an endpoint's height; None for families without one here.

    >>> height_question("eip155:1", "evm").method
    'eth_blockNumber'
    """
    if family == "evm":
        return Rpc(network, "eth_blockNumber", service=service)
    if family == "solana":
        return Rpc(network, "getSlot", [{"commitment": "confirmed"}], service=service)
    if family == "bitcoin" and service == "core":
        return Rpc(network, "getblockcount", service=service)
    if family == "bitcoin" and service == "blockbook":
        return Rest(network, "GET", "api/v2", service=service)
    if family == "bitcoin" and not service:
        return Rest(network, "GET", "blocks/tip/height")
    if family == "tron":
        return Rest(network, "POST", "wallet/getnowblock", json={}, service=service)
    return None


def height_in(family: str, effect: Effect, outcome: Outcome) -> int | None:
    """The height that an outcome tells, whoever asked; None where it tells none.

    >>> height_in("evm", Rpc("eip155:1", "eth_blockNumber"), "0x10")
    16
    """
    asked = label(effect)
    found: Any = None
    if family == "evm" and asked == "eth_blockNumber":
        found = int(outcome, 16) if isinstance(outcome, str) and _QUANTITY.fullmatch(outcome) else None
    elif (family == "solana" and asked == "getSlot") or (
        family == "bitcoin" and asked in ("getblockcount", "GET blocks/tip/height")
    ):
        found = outcome
    elif family == "tron" and asked == "POST wallet/getnowblock":
        found = outcome
        for step in ("block_header", "raw_data"):
            found = found.get(step) if isinstance(found, Mapping) else None
        found = found.get("number", 0) if isinstance(found, Mapping) else None  # zero is left out
    elif family == "bitcoin" and asked == "GET api/v2":
        found = outcome.get("blockbook") if isinstance(outcome, Mapping) else None
        found = found.get("bestHeight") if isinstance(found, Mapping) else None
    return found if type(found) is int and 0 <= found < _HIGHEST else None


def matters(family: str, effect: Effect, chosen: Mapping[str, Collection[str]]) -> bool:
    """Whether an effect is one of the reads that matter: ``chosen`` by family, else the table above."""
    if not isinstance(effect, Rpc | Rest) or effect.broadcast:
        return False
    return label(effect) in chosen.get(family, QUORUM_READS.get(family, ()))


def pinned(family: str, effect: Effect, height: int | None) -> Effect:
    """The same question about one block instead of the latest one, where the family can ask that.

    >>> pinned("evm", Rpc("eip155:1", "eth_getBalance", ["0x00", "latest"]), 16).params
    ['0x00', '0x10']
    """
    if height is None or not pinnable(family, effect):
        return effect
    assert isinstance(effect, Rpc)
    where = _BLOCK[effect.method]
    params = list(effect.params)
    params[where : where + 1] = [hex(height)]
    return replace(effect, params=params)


def pinnable(family: str, effect: Effect) -> bool:
    """Whether :func:`pinned` changes the question: it is about the latest block of an EVM network."""
    if family != "evm" or not isinstance(effect, Rpc) or isinstance(effect.params, Mapping):
        return False
    where = _BLOCK.get(effect.method)
    if where is None or len(effect.params) < where:
        return False
    return len(effect.params) == where or bool(effect.params[where] == "latest")


def alike(effect: Effect, outcome: Outcome) -> Hashable:
    """A value that is the same for answers that say the same: order of fields, case of hex, moment of asking aside.

    >>> call = Rpc("solana:x", "getBalance", ["owner"])
    >>> alike(call, {"context": {"slot": 7}, "value": 5}) == alike(call, {"value": 5, "context": {"slot": 8}})
    True
    """
    if isinstance(outcome, Rejected):
        return ("refused",)  # nodes say no in words of their own
    asked = label(effect)
    for path in _INCIDENTAL.get(asked, ()):
        outcome = _without(outcome, path.split("."))
    return _frozen(outcome, unordered=asked in _UNORDERED)


def _without(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, path) for item in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: item for name, item in value.items() if name != path[0]}
    return {name: _without(item, path[1:]) if name == path[0] else item for name, item in value.items()}


def _frozen(value: Any, *, unordered: bool) -> Hashable:
    if isinstance(value, Mapping):
        fields = ((str(name), _frozen(item, unordered=unordered)) for name, item in value.items())
        return ("object", tuple(sorted(fields, key=lambda pair: pair[0])))
    if isinstance(value, list | tuple):
        items = [_frozen(item, unordered=unordered) for item in value]
        return ("list", tuple(sorted(items, key=repr) if unordered else items))
    if isinstance(value, str):
        return ("text", value.lower() if value[:2] in ("0x", "0X") else value)
    if isinstance(value, bool) or value is None:
        return ("word", value)
    if isinstance(value, int | Decimal):
        return ("number", Decimal(value))
    return (type(value).__name__, repr(value))
