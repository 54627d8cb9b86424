"""Where the family asks: the two kinds of source, and what is the same for both.

A network's first endpoint decides: ``core+http://...`` is the RPC of Bitcoin Core or a fork of it, any other
URL an Esplora server. A source is a module with the functions of :class:`Source`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from ...chain import Network
from ...errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InvalidTransaction,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    Unreachable,
    Unsupported,
)
from ...ops import Effect, Op, attempt
from ...transactions import Receipt, SignedTransaction, Status
from .coins import Coin, Found
from .transaction import OutPoint

__all__ = ["Source", "broadcast", "identify", "source_of", "status"]

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_KIND: Final = re.compile(r"([a-z0-9]+)\+", re.ASCII)
_ALREADY_MINED: Final = -27
_MISSING_INPUTS: Final = -25
# Nodes of every age say it in their own words; the last one has the same id and other witnesses.
_KNOWN: Final = re.compile(
    r"already in (?:the )?(?:block ?chain|utxo set|mempool)|already[- ]known|already[- ]in[- ]mempool"
    r"|same-nonwitness-data-in-mempool"
)
_MISSING: Final = re.compile(r"missing ?inputs|missingorspent")
_CONFLICT: Final = re.compile(r"mempool-conflict|insufficient fee, rejecting replacement")


class Source(Protocol):
    """What a source module offers. All amounts are in the smallest unit, fee rates for 1,000 virtual bytes."""

    REACH: int
    """How many scripts of a chain are worth asking for in one round."""

    def genesis(self, network: Network) -> Op[str]:
        """The hash of block 0, or of the block that the row's ``genesis_height`` names, as it is shown."""

    def tip(self, network: Network) -> Op[int]:
        """The height of the last block."""

    def branch(self, network: Network) -> Op[int | None]:
        """The consensus branch (ZIP-200) of the next block; None where the source does not say."""

    def look(self, network: Network, scripts: Sequence[bytes]) -> Op[Found]:
        """Which of the scripts are used, and their unspent outputs."""

    def settle(
        self, network: Network, found: Found, own: Collection[bytes], coinbase: Mapping[OutPoint, bool]
    ) -> Op[Found]:
        """The same once all scripts of the account (``own``) are known: spent ones gone, flags right.

        ``coinbase`` says of confirmed outputs seen before whether they were mined.
        """

    def seen(self, network: Network, txids: Sequence[str]) -> Op[list[Status]]:
        """For each transaction whether it is PENDING, CONFIRMED or UNKNOWN."""

    def previous(self, network: Network, coins: Sequence[Coin]) -> Op[list[bytes | None]]:
        """The raw transactions that made the coins, in their order; None where a pruning node no longer has it."""

    def rates(self, network: Network, target: int) -> Op[tuple[int | None, int]]:
        """The fee rate for inclusion within ``target`` blocks where it is known, and the least that is relayed."""

    def submission(self, network: Network, raw: str) -> Effect:
        """The effect that hands over a transaction in hex."""

    def refusal(self, refused: Rejected) -> tuple[int | None, str]:
        """The code and the words of a node that refused a transaction."""

    def locate(self, network: Network, txid: str) -> Op[Receipt]:
        """Where a transaction stands."""

    def spent_elsewhere(self, network: Network, outpoint: OutPoint, txid: str, depth: int) -> Op[bool]:
        """Whether another transaction than ``txid`` spends the coin, at least ``depth`` blocks deep."""


def source_of(network: Network) -> Source:
    """The source that a network's first endpoint names; Esplora where it has none."""
    first = network.endpoints[0] if network.endpoints else ""
    named = _KIND.match(first)
    if named is None:
        from . import esplora

        return esplora
    if named[1] == "core":
        from . import core

        return core
    if named[1] == "blockbook":
        from . import blockbook

        return blockbook
    raise Unsupported(
        f"there is no kind of Bitcoin endpoint {named[1][:20]!r}: write an Esplora URL, core+http://... for the RPC "
        "of Bitcoin Core, or blockbook+https://... for a Blockbook"
    )


def identify(network: Network) -> Op[None]:
    """Compare block 0 of the endpoint with the network's: a BadResponse names both when they differ."""
    source = source_of(network)
    found = yield from source.genesis(network)
    wanted = str(network.params.get("genesis") or network.reference).lower()
    if found != wanted and not (len(wanted) < len(found) and found.startswith(wanted) and len(wanted) >= 32):
        raise BadResponse(
            f"the endpoint does not serve {network.title}: its chain begins with block {found}, not with {wanted}"
        )


def broadcast(network: Network, signed: SignedTransaction) -> Op[Receipt]:
    """Hand the bytes over, once. See :meth:`~multiwallet.chain.Chain.broadcast`."""
    if not signed.complete:
        raise InvalidTransaction("this transaction still lacks signatures: it cannot be broadcast")
    source, txid = source_of(network), signed.txid
    pending = Receipt(network, txid, Status.PENDING, expiry=signed.expiry)
    (outcome,) = yield from attempt(source.submission(network, signed.raw.hex()))
    if isinstance(outcome, RateLimited):
        raise Rejected(f"not accepted, the endpoint limits its callers: {outcome.message}", node_code=429) from outcome
    if isinstance(outcome, Timeout | Unreachable | BadResponse):
        raise BroadcastUncertain(txid=txid) from outcome
    if isinstance(outcome, Rejected):
        code, words = source.refusal(outcome)
        words = words.lower()
        if code == _ALREADY_MINED or _KNOWN.search(words):
            return pending
        if code == _MISSING_INPUTS or _MISSING.search(words):
            return (yield from _settle_missing_inputs(network, source, txid, outcome))
        if _CONFLICT.search(words):
            raise Rejected(
                f"another transaction that spends the same coins is already on its way: {outcome.message}",
                node_code=outcome.node_code,
                data=outcome.data,
            ) from outcome
        raise outcome
    if isinstance(outcome, MultiwalletError):
        raise outcome
    if isinstance(outcome, Mapping):  # as Blockbook wraps it
        outcome = outcome.get("result")
    if not isinstance(outcome, str) or not _HASH.fullmatch(outcome.strip()):
        raise BroadcastUncertain(
            f"the endpoint answered no transaction id: ask about {txid} or send the same bytes again", txid=txid
        )
    if outcome.strip().lower() != txid:
        raise BadResponse(f"the endpoint answered the id {outcome.strip()}, and these bytes have the id {txid}")
    return pending


def _settle_missing_inputs(network: Network, source: Source, txid: str, refused: Rejected) -> Op[Receipt]:
    """Inputs are missing when others spent them, and also when this very transaction did, long ago."""
    try:
        receipt = yield from source.locate(network, txid)
    except MultiwalletError:
        raise refused from None
    if receipt.status is Status.UNKNOWN:
        raise refused
    return receipt


def status(network: Network, txid: str, expiry: int | None = None) -> Op[Receipt]:
    """Where a transaction stands: UNKNOWN, PENDING or CONFIRMED. Proof of work makes nothing final.

    ``expiry`` is the last height at which it can be included: Expired when that has passed and it was not.
    """
    if not isinstance(txid, str) or not _HASH.fullmatch(txid):
        raise InputError("a transaction id has 64 hex digits on this network")
    source, txid = source_of(network), txid.lower()
    if expiry is None:
        return (yield from source.locate(network, txid))
    height = yield from source.tip(network)  # asked first: what comes later cannot make it look expired
    receipt = yield from source.locate(network, txid)
    if receipt.status is not Status.CONFIRMED and height > expiry:
        raise Expired(
            f"{txid} could be included up to block {expiry}, and the chain is at {height}: build it anew", txid=txid
        )
    return replace(receipt, expiry=expiry)
