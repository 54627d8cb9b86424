"""What an address holds, and what a token says about itself."""

from __future__ import annotations

from typing import Any

from ...amounts import Asset
from ...chain import Balance, Holder, Network
from ...codec import eip55
from ...errors import InvalidAddress, MultiwalletError, Rejected
from ...ops import Op, Rpc, ask, attempt
from .answers import read_data, read_quantity, refuse
from .plan import token_contract
from .tokens import DECIMALS, SYMBOL, balance_call, decode_symbol, decode_uint

__all__ = ["read_asset", "read_balance"]


def read_balance(holder: Holder, asset: Asset) -> Op[Balance]:
    """The holder's balance of the coin or of a token. InputError for an asset of another network."""
    network = holder.network
    contract = token_contract(network, asset)
    if contract is not None:
        call = {"to": eip55.checksum(contract), "data": "0x" + balance_call(eip55.parse(holder.address)).hex()}
        (answer,) = yield from ask(Rpc(network.id, "eth_call", [call, "latest"]))
        units = decode_uint(read_data("eth_call", answer))
        if units is None:
            refuse("eth_call of balanceOf", f"the balance of {asset.id}", answer)
        return Balance.of(asset, units)
    outcomes = yield from attempt(
        Rpc(network.id, "eth_getBalance", [holder.address, "latest"]),
        Rpc(network.id, "eth_getBalance", [holder.address, "pending"]),
    )
    if isinstance(outcomes[0], MultiwalletError):
        raise outcomes[0]
    latest = read_quantity("eth_getBalance", outcomes[0])
    if isinstance(outcomes[1], Rejected):  # not every node knows a pending state
        return Balance.of(asset, latest)
    if isinstance(outcomes[1], MultiwalletError):
        raise outcomes[1]
    pending = read_quantity("eth_getBalance", outcomes[1])
    return Balance.of(asset, min(latest, pending), max(0, pending - latest))


def read_asset(network: Network, contract: str) -> Op[Asset]:
    """Symbol and decimals of the ERC-20 token at ``contract`` (EIP-55 text).

    Raises :class:`~multiwallet.errors.InvalidAddress` where there is no contract, or none with decimals. A token
    without a readable symbol gets ``ERC20``: what names it is its contract.
    """
    outcomes = yield from attempt(
        *(
            Rpc(network.id, "eth_call", [{"to": contract, "data": "0x" + selector.hex()}, "latest"])
            for selector in (SYMBOL, DECIMALS)
        )
    )
    symbol, decimals = (_answer(outcome) for outcome in outcomes)
    if decimals == b"" and not symbol:
        raise InvalidAddress(f"there is no token contract at {contract} on {network.title}: check network and address")
    places = None if decimals is None else decode_uint(decimals)
    if places is None or places > 255:
        raise InvalidAddress(f"{contract} on {network.title} is no ERC-20 token: it does not tell its decimals")
    return Asset(f"{network.id}/erc20:{contract}", (decode_symbol(symbol) if symbol else None) or "ERC20", places)


def _answer(outcome: Any) -> bytes | None:
    """What the contract returned; None where it reverted, which is how most say that they lack a function."""
    if isinstance(outcome, Rejected) and (outcome.node_code == 3 or "revert" in outcome.message.lower()):
        return None
    if isinstance(outcome, MultiwalletError):
        raise outcome
    return read_data("eth_call", outcome)
