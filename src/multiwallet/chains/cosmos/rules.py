"""What a row says about its chain: the chain id, the address prefix, the fee denom, gas prices and the kind of keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...chain import Network
from ...errors import InputError, shown
from . import denoms

__all__ = ["ONE", "Rules", "decimal", "hrp_of", "price_text", "rules_of"]

ONE: Final = 10**18
"""Gas prices are whole numbers of 10^-18 of the denom, as the SDK's own decimals are."""

_DECIMAL: Final = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,18}))?", re.ASCII)
_HRP: Final = re.compile(r"[a-z][a-z0-9]{0,19}", re.ASCII)
_CHAIN_ID: Final = re.compile(r"[-_.a-zA-Z0-9]{1,50}", re.ASCII)
_FEE_MARKETS: Final = ("", "node", "feemarket", "osmosis", "injective")
_SPEEDS: Final = ("slow", "normal", "fast")
# The type of a public key in protobuf and in amino. Chains with Ethereum's keys name theirs in the row.
_KEYS: Final = {
    "secp256k1": ("/cosmos.crypto.secp256k1.PubKey", "tendermint/PubKeySecp256k1"),
    "ethsecp256k1": ("/ethermint.crypto.v1.ethsecp256k1.PubKey", "ethermint/PubKeyEthSecp256k1"),
}
_KNOWN: Final = frozenset(
    (
        "chain_id",
        "hrp",
        "denom",
        "gas_prices",
        "gas_price_ceiling",
        "fee_ceiling",
        "fee_market",
        "keys",
        "key_type_url",
        "amino_key_type",
        "staking",
        "denoms",
    )
)


def decimal(text: object, what: str) -> int:
    """Decimal text of at most 18 places as a whole number of 10^-18; InputError for other text.

    >>> decimal("0.025", "a gas price")
    25000000000000000
    """
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(f'{what} is exact decimal text such as "0.025", not {shown(text)}')
    return int(match[1]) * ONE + int((match[2] or "").ljust(18, "0"))


def price_text(price: int) -> str:
    """The decimal text of a whole number of 10^-18.

    >>> price_text(25000000000000000), price_text(160000000 * ONE)
    ('0.025', '160000000')
    """
    whole, fraction = divmod(price, ONE)
    return f"{whole}.{fraction:018d}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Rules:
    """A row's params, checked. Prices are in 10^-18 of the denom for one unit of gas."""

    chain_id: str
    hrp: str
    denom: str
    prices: Mapping[str, int]
    price_ceiling: int
    fee_ceiling: int
    fee_market: str
    eth_keys: bool
    key_type_url: str
    amino_key_type: str
    staking: bool


def hrp_of(network: Network) -> str:
    """The prefix of a network's addresses; InputError where the row does not say."""
    hrp = network.params.get("hrp")
    if not isinstance(hrp, str) or not _HRP.fullmatch(hrp):
        raise InputError(f'the network {network.name} needs params.hrp, the prefix of its addresses such as "cosmos"')
    return hrp


def _text(network: Network, name: str, default: str) -> str:
    value = network.params.get(name, default)
    if not isinstance(value, str):
        raise InputError(f"params.{name} of the network {network.name} is text")
    return value


def rules_of(network: Network) -> Rules:
    """The rules of a network; InputError naming the param of the row that is missing or wrong."""
    params = network.params
    unknown = sorted(set(params) - _KNOWN)
    if unknown:
        raise InputError(f"the network {network.name} has an unknown param {unknown[0]!r}")
    chain_id = _text(network, "chain_id", network.reference)
    if not _CHAIN_ID.fullmatch(chain_id):
        raise InputError(f"params.chain_id of the network {network.name} is none")
    denom = _text(network, "denom", "")
    if not denoms.is_denom(denom):
        raise InputError(f'the network {network.name} needs params.denom, its coin\'s smallest unit such as "uatom"')
    listed: Any = params.get("gas_prices")
    if not isinstance(listed, list | tuple) or len(listed) != 3:
        raise InputError(
            f'the network {network.name} needs params.gas_prices, three texts: ["0.01", "0.025", "0.03"] '
            "for slow, normal and fast"
        )
    prices = {
        speed: decimal(price, f"a gas price of {network.name}") for speed, price in zip(_SPEEDS, listed, strict=True)
    }
    highest = max(prices.values())
    ceiling = params.get("gas_price_ceiling")
    price_ceiling = highest * 20 if ceiling is None else decimal(ceiling, f"the gas_price_ceiling of {network.name}")
    if highest > price_ceiling:
        raise InputError(f"params.gas_price_ceiling of the network {network.name} is below its own gas prices")
    fee_ceiling = params.get("fee_ceiling", 10**network.decimals)
    if isinstance(fee_ceiling, bool) or not isinstance(fee_ceiling, int) or fee_ceiling < 0:
        raise InputError(f"params.fee_ceiling of the network {network.name} is a whole number of {denom}")
    market = _text(network, "fee_market", "node")
    if market not in _FEE_MARKETS:
        raise InputError(f"params.fee_market of the network {network.name} is one of {', '.join(_FEE_MARKETS[1:])}")
    keys = _text(network, "keys", "secp256k1")
    if keys not in _KEYS:
        raise InputError(f"params.keys of the network {network.name} is secp256k1 or ethsecp256k1")
    type_url, amino = _KEYS[keys]
    staking = params.get("staking", True)
    if not isinstance(staking, bool):
        raise InputError(f"params.staking of the network {network.name} is true or false")
    return Rules(
        chain_id,
        hrp_of(network),
        denom,
        prices,
        price_ceiling,
        fee_ceiling,
        market,
        keys == "ethsecp256k1",
        _text(network, "key_type_url", type_url),
        _text(network, "amino_key_type", amino),
        staking,
    )
