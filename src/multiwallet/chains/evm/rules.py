"""What a row says about its network beside the chain id: its fees, their floors and ceiling, and what is final."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ...chain import Network
from ...errors import InputError, shown

__all__ = ["FINALIZED", "Rules", "rules_of"]

FINALIZED: Final = "finalized"
_LATEST: Final = re.compile(r"latest-(0|[1-9][0-9]{0,5})", re.ASCII)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_MOST: Final = (1 << 63) - 1  # what a TOML integer holds
_CACHED: Final = 256


@dataclass(frozen=True, slots=True)
class Rules:
    """The params of a row, checked. Prices are in the coin's smallest unit (wei) for a unit of gas.

    >>> rules_of(Network("eip155:1", "ethereum", "evm", "Ethereum", "ETH", 18, 60)).absurd_gas_price
    10000000000000
    """

    fees: str = "eip1559"
    """``eip1559``: type 2 with prices from eth_feeHistory. ``legacy``: one gas price, from eth_gasPrice."""
    l1_fee: str = ""
    """How a rollup takes the fee for its data: ``op-stack``, ``scroll`` and ``mantle`` by an oracle's answer, ``in-gas``
    as part of the gas; nothing where there is no such fee."""
    zero_base_fee: bool = False
    """The base fee is zero in every block; a node that tells another one is refused."""
    min_gas_price: int = 0
    """No less is offered for a unit of gas, whatever the node says."""
    min_priority_fee: int = 0
    """No smaller tip is offered."""
    absurd_gas_price: int = 10_000 * 10**9
    """Above this a price that rests on a node's word is refused."""
    finality: str = FINALIZED
    """``finalized``: as the node's block of that name says. ``latest-N``: N blocks below the tip. ``none``: never."""
    eip712_transactions: bool = False
    """The network has ZKsync's own transactions of type 113."""
    multicall: str | bool = False
    """The address of Multicall3, or true for the one that it has on most networks."""

    @property
    def legacy(self) -> bool:
        """Whether the network has no fees of EIP-1559, or they bring nothing."""
        return self.fees == "legacy"

    @property
    def final_depth(self) -> int | None:
        """How many blocks below the tip a block is final; None where the node says it, or nobody."""
        match = _LATEST.fullmatch(self.finality)
        return None if match is None else int(match[1])


_Check = Callable[[Any], str | None]


def _one_of(*known: str) -> _Check:
    return lambda value: None if isinstance(value, str) and value in known else f"one of {', '.join(known)}"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false, without quotes"


def _price(low: int) -> _Check:
    def check(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= _MOST
        return None if good else f"a whole number of the smallest unit for a unit of gas, from {low} to 2^63 - 1"

    return check


def _finality(value: Any) -> str | None:
    good = isinstance(value, str) and (value in (FINALIZED, "none") or _LATEST.fullmatch(value))
    return None if good else "finalized, none, or latest-N with a number of blocks, such as latest-12"


def _multicall(value: Any) -> str | None:
    good = isinstance(value, bool) or (isinstance(value, str) and _ADDRESS.fullmatch(value))
    return None if good else "an address in 0x hex, or true"


_PARAMS: Final[Mapping[str, _Check]] = {
    "fees": _one_of("eip1559", "legacy"),
    "l1_fee": _one_of("op-stack", "scroll", "mantle", "in-gas"),
    "zero_base_fee": _flag,
    "min_gas_price": _price(0),
    "min_priority_fee": _price(0),
    "absurd_gas_price": _price(1),
    "finality": _finality,
    "eip712_transactions": _flag,
    "multicall": _multicall,
}
assert set(_PARAMS) == {field.name for field in fields(Rules)}

_checked: dict[int, tuple[Mapping[str, Any], Rules]] = {}
"""By the identity of the params, which stay alive here, so that no other ones get the same."""


def rules_of(network: Network) -> Rules:
    """The rules of a network's row. Raises :class:`~multiwallet.errors.InputError` naming the param that is wrong.

    >>> rules_of(Network("eip155:1", "x", "evm", "X", "ETH", 18, 60, params={"fee": "legacy"}))
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the network 'x' has an unknown param 'fee': the params of an EVM network are ...
    """
    params = network.params
    known = _checked.get(id(params))
    if known is not None and known[0] is params:
        return known[1]
    rules = _read(network)
    if len(_checked) >= _CACHED:
        _checked.clear()
    _checked[id(params)] = (params, rules)
    return rules


def _read(network: Network) -> Rules:
    for name, value in network.params.items():
        check = _PARAMS.get(name) if isinstance(name, str) else None
        if check is None:
            raise InputError(
                f"the network {network.name!r} has an unknown param {shown(str(name))}: the params of an EVM network are "
                f"{', '.join(_PARAMS)}"
            )
        wanted = check(value)
        if wanted is not None:
            raise InputError(f"the param {name!r} of the network {network.name!r} is {wanted}")
    rules = Rules(**network.params)
    if max(rules.min_gas_price, rules.min_priority_fee) > rules.absurd_gas_price:
        raise InputError(f"the param 'absurd_gas_price' of the network {network.name!r} is below its lowest price")
    return rules
