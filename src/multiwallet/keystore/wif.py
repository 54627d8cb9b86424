"""WIF, the wallet import format: a Bitcoin private key in base58check with its network and kind of public key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidKey, Unsupported
from ..secret import Secret
from .imported import AccountHint, ImportedKey
from .material import PrivateKey
from .source import Source

if TYPE_CHECKING:
    from ..chain import Network

__all__ = ["bitcoin_key", "network_of_wif", "read", "write"]


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read one key. The version byte tells the network, among those of one byte the main one."""
    from ..keys.formats import decode_wif

    key = decode_wif(source.text or "")
    row = network_of_wif(key.version, network)
    material = PrivateKey(key.private_key, compressed=key.compressed)
    kind = "" if key.compressed else "p2pkh"
    return ImportedKey("wif", material, row, accounts=(AccountHint(row.name, None, kind),))


def write(key: ImportedKey, password: Secret | None) -> str:
    """The key of the address as WIF."""
    return bitcoin_key(key)


def network_of_wif(version: int, network: str | None) -> Network:
    """The row of a version byte; ``network`` where several share it, or where it says another, InvalidKey."""
    from .. import registry

    if network is not None:
        row = registry.network(network)
        if row.params.get("wif") != version:
            raise InvalidKey(f"this key is not of {row.title}: its version byte is {version}")
        return row
    rows = [row for row in registry.networks() if row.params.get("wif") == version]
    if not rows:
        raise InvalidKey(f"no network here has private keys with the version byte {version}")
    # Test networks share one byte; testnet, the oldest, is what such a key says without further word.
    return next((row for row in rows if row.name in ("bitcoin", "bitcoin-testnet")), rows[0])


def bitcoin_key(key: ImportedKey) -> str:
    """The private key of the address as WIF; Unsupported for a key of another family."""
    from .. import registry

    row = registry.network(key.network)
    if "wif" not in registry.chain(row).key_forms:
        raise Unsupported(f"{row.title} has no private keys in WIF")
    return key.export_private_key()
