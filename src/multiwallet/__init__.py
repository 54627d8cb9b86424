"""multiwallet: one BIP-39 seed, every main chain, one small set of verbs.

>>> from multiwallet import Wallet
>>> words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
>>> Wallet.from_mnemonic(words).account("bitcoin").address
'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu'

Every name is loaded when it is first used (PEP 562), so importing the package costs next to nothing.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .account import Account as Account
    from .account import AsyncAccount as AsyncAccount
    from .amounts import Amount as Amount
    from .amounts import Asset as Asset
    from .chain import Network as Network
    from .chain import Transfer as Transfer
    from .errors import MultiwalletError as MultiwalletError
    from .keys.mnemonic import Mnemonic as Mnemonic
    from .path import Path as Path
    from .pool import AsyncEndpointPool as AsyncEndpointPool
    from .pool import EndpointPool as EndpointPool
    from .registry import add_network as add_network
    from .registry import load_networks as load_networks
    from .registry import network as network
    from .registry import networks as networks
    from .registry import parse_address as parse_address
    from .registry import verify_message as verify_message
    from .secret import Secret as Secret
    from .transactions import Balance as Balance
    from .transactions import Fee as Fee
    from .transactions import Receipt as Receipt
    from .transactions import SignedTransaction as SignedTransaction
    from .transactions import SigningRequest as SigningRequest
    from .transactions import UnsignedTransaction as UnsignedTransaction
    from .wallet import AsyncWallet as AsyncWallet
    from .wallet import Wallet as Wallet

__version__ = "0.1.0"

_HOMES = {
    "Account": "account",
    "Amount": "amounts",
    "Asset": "amounts",
    "AsyncAccount": "account",
    "AsyncEndpointPool": "pool",
    "AsyncWallet": "wallet",
    "Balance": "transactions",
    "EndpointPool": "pool",
    "Fee": "transactions",
    "Mnemonic": "keys.mnemonic",
    "MultiwalletError": "errors",
    "Network": "chain",
    "Path": "path",
    "Receipt": "transactions",
    "Secret": "secret",
    "SignedTransaction": "transactions",
    "SigningRequest": "transactions",
    "Transfer": "chain",
    "UnsignedTransaction": "transactions",
    "Wallet": "wallet",
    "add_network": "registry",
    "load_networks": "registry",
    "network": "registry",
    "networks": "registry",
    "parse_address": "registry",
    "verify_message": "registry",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # the table above is the one list of public names

logging.getLogger("multiwallet").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
