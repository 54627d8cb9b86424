"""Tokens and their CAIP-19 ids: ``antelope:.../token:CONTRACT-SYMBOL``, such as ``token:eosio.token-EOS``.

CAIP has no profile for Antelope's assets. A contract may hold many tokens, so its account and the symbol's letters
name one together; no account's name holds a dash.
"""

from __future__ import annotations

from ...amounts import Asset
from ...chain import Network
from ...errors import InputError, InvalidAddress, shown
from . import known_abis, names
from .names import Quantity, Symbol

__all__ = ["asset_of", "contract_of", "parse_reference", "quantity_of", "reference", "symbol_of"]


def parse_reference(text: str) -> tuple[str, str]:
    """Contract and symbol letters of ``eosio.token-EOS``; InvalidAddress.

    >>> parse_reference("eosio.token-EOS")
    ('eosio.token', 'EOS')
    """
    contract, mark, code = text.rpartition("-") if isinstance(text, str) else ("", "", "")
    if not mark:
        raise InvalidAddress(f"{shown(text)} is no token: write its contract and symbol, such as eosio.token-EOS")
    names.account(contract, "the token's contract")
    try:
        return contract, names.parse_symbol_code(code)
    except InputError as error:
        raise InvalidAddress(error.message) from None


def reference(contract: str, code: str) -> str:
    """The other direction of :func:`parse_reference`."""
    return f"{contract}-{code}"


def asset_of(network: Network, contract: str, symbol: Symbol) -> Asset:
    """The asset of a contract's token: the native coin where it is the core token, with the row's precision."""
    core = (known_abis.token_account(network), network.symbol, network.decimals)
    if (contract, symbol.code, symbol.precision) == core:
        return network.native
    return Asset(f"{network.id}/token:{reference(contract, symbol.code)}", symbol.code, symbol.precision)


def contract_of(network: Network, asset: Asset) -> str:
    """The account of an asset's contract."""
    return known_abis.token_account(network) if asset == network.native else parse_reference(asset.reference)[0]


def symbol_of(network: Network, asset: Asset) -> Symbol:
    """An asset's symbol on the chain: the letters in its id, and its decimals as the precision."""
    if asset == network.native:
        return Symbol(network.symbol, network.decimals)
    return Symbol(parse_reference(asset.reference)[1], asset.decimals)


def quantity_of(network: Network, asset: Asset, units: int) -> Quantity:
    """So many units of an asset as the chain writes them; InputError beyond 2^62 - 1."""
    if units > names.MAX_UNITS:
        raise InputError("an Antelope amount has at most 2^62 - 1 of its smallest unit")
    return Quantity(units, symbol_of(network, asset))
