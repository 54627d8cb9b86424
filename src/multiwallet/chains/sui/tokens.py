"""Coin types as assets: CAIP-19 allows no colons in a reference, so they are written there with ``%3A``."""

from __future__ import annotations

from urllib.parse import quote, unquote

from ...amounts import Asset
from ...chain import Network
from ...errors import InputError, InvalidAddress
from .type_tags import SUI, TypeTag, parse_type

__all__ = ["asset_id", "coin_type", "type_of"]


def coin_type(reference: str) -> TypeTag:
    """The coin type that a reference names: ``0x...::module::NAME``, with ``%3A`` for the colons or plain.

    Raises InvalidAddress.

    >>> str(coin_type("0x2%3A%3Asui%3A%3ASUI"))
    '0x2::sui::SUI'
    """
    if not isinstance(reference, str):
        raise InvalidAddress(f"a coin is named by text, not by a value of type {type(reference).__name__}")
    if len(reference) > 2048:
        raise InvalidAddress("a coin's name is too long")
    try:
        tag = parse_type(unquote(reference))
    except InputError as error:
        raise InvalidAddress(error.message) from error
    if tag.kind != "struct":
        raise InvalidAddress("a coin is named by its type, such as 0x2::sui::SUI")
    return tag


def asset_id(network: Network, reference: str) -> str:
    """The CAIP-19 id of a coin type, ``sui:35834a8a/coin:0x...%3A%3Amodule%3A%3ANAME``; of SUI the native id."""
    tag = coin_type(reference)
    if tag == SUI:
        return network.native.id
    return f"{network.id}/coin:{quote(tag.canonical(), safe='').replace('_', '%5F')}"


def type_of(asset: Asset) -> TypeTag:
    """The coin type of an asset; InputError for an asset that is no coin."""
    if asset.is_native:
        return SUI
    if asset.namespace != "coin":
        raise InputError(f"coins are sent here, not {asset.namespace} assets")
    return coin_type(asset.reference)
