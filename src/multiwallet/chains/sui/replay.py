"""What an outbox needs to pay once: the coins a transaction takes, and whether it can still be included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...chain import Claims, Holder, Network
from ...ops import Op, attempt
from ...transactions import SignedTransaction
from . import addresses, answers, queries
from .signed import Signed
from .transaction import ObjectRef

__all__ = ["claims", "is_dead"]


def claims(signed: SignedTransaction) -> Claims:
    """The versions of objects that the transaction takes, as ``0x...@version``: gas coins first."""
    return Claims(coins=tuple(ref.name for ref in Signed.decode(signed.raw).data.owned))


def is_dead(holder: Holder, signed: SignedTransaction) -> Op[bool]:
    """Whether another transaction, in a checkpoint, made the next version of one of its objects, or its epoch is over.

    That its epoch is over proves nothing by itself, since services forget old transactions: one of its gas coins must
    still be as it was, which no transaction leaves behind. A coin that was merged away or deleted leaves no next
    version to be asked about: that is no proof here.
    """
    data = Signed.decode(signed.raw).data
    network, last, over = holder.network, data.last_epoch, False
    if last is not None:
        # One epoch more than the last one, for services that lag behind each other.
        (answer,) = yield from attempt(answers.query(network, queries.HEAD))
        over = answers.head(answer, network).epoch > last + 1
    for ref in data.owned:
        fate = yield from _fate(network, ref, signed.txid)
        # Only a gas coin is changed by every transaction: other inputs may be objects that never change.
        if fate == "spent" or (fate == "unspent" and over and ref in data.gas.payment):
            return True
    return False


def _fate(network: Network, ref: ObjectRef, txid: str) -> Op[str]:
    """What became of a version of an object: ``spent`` by another transaction, ``unspent``, or ``unknown``."""
    what = "the question for an object's versions"
    (answer,) = yield from attempt(
        answers.query(network, queries.SPENT, object=addresses.from_bytes(ref.id), version=ref.version, digest=txid)
    )
    data = answers.table(answer, what)
    if data.get("transactionEffects") is not None or data.get("object") is None:
        return "unknown"  # it is known after all, or the service has forgotten the version that is spent
    listed: Any = answers.inner(data, "objectVersions", what).get("nodes")
    if not isinstance(listed, list) or (listed and not isinstance(listed[0], Mapping)):
        return "unknown"
    if not listed:
        present = data.get("present")
        is_there = isinstance(present, Mapping) and answers.number(present, "version", what) == ref.version
        return "unspent" if is_there else "unknown"
    maker = listed[0].get("previousTransaction")
    if not isinstance(maker, Mapping) or not isinstance(maker.get("digest"), str) or maker["digest"] == txid:
        return "unknown"
    effects = maker.get("effects")
    is_final = isinstance(effects, Mapping) and isinstance(effects.get("checkpoint"), Mapping)
    return "spent" if is_final else "unknown"
