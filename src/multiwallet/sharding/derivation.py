"""Millions of deposit addresses from an extended public key."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing
from typing import Final

from .. import registry
from ..chain import Network
from ..credentials import import_extended_key
from ..errors import InputError, Unsupported
from ..path import Junctions, Path, parse_path
from ..wallet import Wallet
from .in_flight import LARGEST_SHARD, Shard, check_count, check_executor, in_order

__all__ = ["derive_addresses"]

_INDEXES: Final = 1 << 31


def derive_addresses(
    xpub: str,
    network: str | Network,
    start: int,
    count: int,
    *,
    executor: Executor | None = None,
    shard: int = 10_000,
    ahead: int | None = None,
    kind: str | None = None,
) -> Iterator[tuple[int, str]]:
    """The receive addresses ``start`` to ``start + count - 1`` of an extended public key, as (index, address), in order.

    They are those of ``Wallet.from_xpub(network, xpub).accounts(network, start=..., count=..., kind=kind)``. The
    workers of ``executor`` (threads of this process where it is None) derive ``shard`` addresses at a time; at most
    ``ahead`` shards are in flight, twice the processors of this machine unless you say otherwise: for a cluster say
    twice its workers. What travels is the extended public key and a few numbers one way, addresses the other.

    Wrong input raises at once: InvalidKey for the key, InvalidPath where the range leaves 0 to 2^31 - 1 or the key
    cannot reach the path, InputError and Unsupported as :meth:`Wallet.account` does. A worker that dies raises
    MultiwalletError, which says where to begin again; an address comes out only with all of its shard. Closing the
    iterator cancels what was not begun.

    >>> key = "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhUd9yLb6qx39T9nMdj"
    >>> list(derive_addresses(key, "bitcoin", 7, 1, kind="p2pkh"))
    [(7, '1B1wDxGPrfqWSi4qvQvaPdunD6kon3CeDG')]
    """
    check_count("start", start, least=0, most=_INDEXES)
    check_count("count", count, least=0, most=_INDEXES)
    check_count("shard", shard, least=1, most=LARGEST_SHARD)
    if ahead is not None:
        check_count("ahead", ahead, least=1, most=LARGEST_SHARD)
    check_executor(executor)
    row = registry.network(network)
    wallet = Wallet.from_xpub(row, xpub)
    if not count:
        return iter(())
    # What can be wrong with the key, the kind or the range is found out by opening both ends of it.
    first = wallet.account(row, index=start, kind=kind)
    last = wallet.account(row, index=start + count - 1, kind=kind)
    if (
        first.path is None
        or last.path is None
        or isinstance(first.path, Junctions)
        or first.path.parent != last.path.parent
    ):
        raise Unsupported(f"the addresses of {row.title} are not the children of one key: derive them one by one")
    if first.path.indexes[-1] != start:
        raise InputError(f"the addresses of {row.title} are not numbered by the last step of their path")
    shards = (
        Shard(number, (xpub, row, first.kind, str(first.path.parent), number, min(shard, start + count - number)))
        for number in range(start, start + count, shard)
    )
    return _numbered(executor, shards, ahead)


def _numbered(executor: Executor | None, shards: Iterator[Shard], ahead: int | None) -> Iterator[tuple[int, str]]:
    with closing(in_order(executor, derive_shard, shards, ahead)) as parts:
        for shard, addresses in parts:
            yield from enumerate(addresses.split("\n"), shard.first)


def derive_shard(xpub: str, row: Network, kind: str, parent: str, first: int, count: int) -> str:
    """A worker's part: ``count`` addresses below the path ``parent``, joined by line feeds."""
    chain = registry.chain(row)
    keychain = import_extended_key(xpub, chain, row).keychain
    keys = keychain.public_keys(chain.curve_of(row, kind), Path(parse_path(parent).indexes), first, count)
    address = chain.address
    return "\n".join([address(row, key, kind) for key in keys])
