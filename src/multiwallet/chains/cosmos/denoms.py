"""Denoms, the names of coins on one chain, and the asset ids that stand for them.

No CAIP-19 profile for Cosmos has been accepted. Here a coin that came over IBC (``ibc/HASH``) is
``cosmos:cosmoshub-4/ibc:HASH``, every other denom is ``cosmos:osmosis-1/native:uion``, and what CAIP-19 does not
allow in a reference is percent-encoded: ``native:factory%2Fosmo1...%2Falloyed``. The chain's own coin is the
network's ``slip44:`` asset.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

from ...amounts import Asset
from ...chain import Network
from ...errors import InvalidAddress, Unsupported, shown

__all__ = ["asset_id", "denom_of", "is_denom"]

_DENOM: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{2,127}", re.ASCII)  # the SDK's own rule
_HASH: Final = re.compile(r"[0-9A-F]{64}", re.ASCII)


def is_denom(text: object) -> bool:
    """Whether a text is a denom by the SDK's rule: 3 to 128 characters.

    >>> is_denom("uatom"), is_denom("u"), is_denom("1u!")
    (True, False, False)
    """
    return isinstance(text, str) and _DENOM.fullmatch(text) is not None


def _native(network: Network) -> str:
    return str(network.params.get("denom", ""))


def asset_id(network: Network, reference: str) -> str:
    """The CAIP-19 id of a denom, given as it is, percent-encoded, or as the 64 hex digits of an IBC denom.

    Raises :class:`~multiwallet.errors.InvalidAddress` for a text that is no denom.
    """
    if reference == str(network.slip44):
        return network.native.id
    if isinstance(reference, str) and _HASH.fullmatch(reference):
        reference = f"ibc/{reference}"
    denom = unquote(reference) if isinstance(reference, str) and len(reference) <= 512 else reference
    if not is_denom(denom):
        raise InvalidAddress(f"{shown(reference)} is no denom: it has 3 to 128 letters, digits and / : . _ -")
    if denom == _native(network):
        return network.native.id
    if denom.startswith("ibc/"):
        if not _HASH.fullmatch(denom[4:]):
            raise InvalidAddress("an IBC denom is ibc/ and 64 upper-case hex digits")
        return f"{network.id}/ibc:{denom[4:]}"
    return f"{network.id}/native:{quote(denom, safe='')}"


def denom_of(network: Network, asset: Asset) -> str:
    """The denom of an asset of the network. Raises Unsupported for other kinds of asset."""
    if asset == network.native:
        return _native(network)
    if asset.network_id == network.id and asset.namespace == "ibc" and _HASH.fullmatch(asset.reference):
        return f"ibc/{asset.reference}"
    if asset.network_id == network.id and asset.namespace == "native" and is_denom(unquote(asset.reference)):
        return unquote(asset.reference)
    raise Unsupported(f"{asset.id[:120]} is no coin of {network.name}: coins are named native:DENOM or ibc:HASH")
