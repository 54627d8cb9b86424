"""Descriptors at work: what ``scantxoutset``, ``getdescriptorinfo`` and ``deriveaddresses`` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...chain import Network
from ...chains.bitcoin import addresses
from ...errors import Rejected
from .answers import coins
from .descriptors import checksum, read_descriptor, read_range
from .node import Node

__all__ = ["derive_addresses", "descriptor_info", "scan_outputs"]

_MAX_SCRIPTS: Final = 20_000
_USUAL_RANGE: Final = (0, 1000)


def descriptor_info(network: Network, text: str) -> dict[str, Any]:
    """A descriptor with its checksum, and what it can do."""
    found = read_descriptor(network, text)
    sum_ = checksum(found.text)
    return {
        "descriptor": f"{found.text}#{sum_}",
        "checksum": sum_,
        "isrange": found.is_range,
        "issolvable": not found.text.startswith(("addr(", "raw(")),
        "hasprivatekeys": False,
    }


def derive_addresses(network: Network, text: str, wanted: object) -> list[str]:
    """The addresses of a descriptor; ``wanted`` is the range of a ranged one."""
    if "#" not in text:
        raise Rejected("Missing checksum", node_code=-5)
    found = read_descriptor(network, text)
    if found.is_range == (wanted is None):
        words = "must be specified for a ranged" if found.is_range else "should not be specified for an un-ranged"
        raise Rejected(f"Range {words} descriptor", node_code=-8)
    start, end = read_range(wanted) if found.is_range else (0, 0)
    known = [addresses.address_of(network, script) for script in found.scripts(start, end)]
    if not known or any(address is None for address in known):
        raise Rejected("Descriptor does not have a corresponding address", node_code=-5)
    return [address for address in known if address is not None]


def scan_outputs(node: Node, objects: Sequence[object]) -> dict[str, Any]:
    """The unspent outputs of the chain (not of the mempool) that pay what the scan objects describe."""
    index = node.index
    wanted: dict[bytes, str] = {}
    for item in objects:
        wanted |= _scripts(node.network, item)
        if len(wanted) > _MAX_SCRIPTS:
            raise Rejected(f"more than {_MAX_SCRIPTS} scripts are too many for the devnet", node_code=-8)
    found = [(outpoint, script) for script in wanted for outpoint in index.coins_of.get(script, ())]
    unspents = [_unspent(node, outpoint, wanted[script]) for outpoint, script in sorted(found)]
    return {
        "success": True,
        "txouts": len(index.coins),
        "height": index.height,
        "bestblock": index.tip.name,
        "unspents": unspents,
        "total_amount": sum((item["amount"] for item in unspents), coins(0)),
    }


def _scripts(network: Network, item: object) -> dict[bytes, str]:
    bounds, text = _USUAL_RANGE, item
    if isinstance(item, Mapping):
        text = item.get("desc")
        if text is None:
            raise Rejected("Descriptor needs to be provided in scan object", node_code=-8)
        if item.get("range") is not None:
            bounds = read_range(item["range"])
    elif not isinstance(item, str):
        raise Rejected("Scan object needs to be either a string or an object", node_code=-8)
    return read_descriptor(network, text).scripts(*bounds)


def _unspent(node: Node, outpoint: bytes, descriptor: str) -> dict[str, Any]:
    index = node.index
    coin = index.coins[outpoint]
    return {
        "txid": outpoint[31::-1].hex(),
        "vout": int.from_bytes(outpoint[32:], "little"),
        "scriptPubKey": coin.output.script.hex(),
        "desc": descriptor,
        "amount": coins(coin.output.amount),
        "coinbase": coin.coinbase,
        "height": coin.height,
        "blockhash": index.blocks[coin.height].name,
        "confirmations": index.height - coin.height + 1,
    }
