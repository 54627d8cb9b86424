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

    A coin that was merged away or deleted leaves no next version to be asked about: that is no proof here.
    """
    data = Signed.decode(signed.raw).data
    network, last = holder.network, data.last_epoch
    if last is not None:
        # One epoch more than the last one, for services that lag behind each other.
        (answer,) = yield from attempt(answers.query(network, queries.HEAD))
        if answers.head(answer, network).epoch > last + 1:
            (found,) = yield from attempt(answers.query(network, queries.TRANSACTION, digest=signed.txid))
            return answers.transaction(found) is None
    for ref in data.owned:
        if (yield from _spent_elsewhere(network, ref, signed.txid)):
            return True
    return False


def _spent_elsewhere(network: Network, ref: ObjectRef, txid: str) -> Op[bool]:
    what = "the question for an object's versions"
    (answer,) = yield from attempt(
        answers.query(network, queries.SPENT, object=addresses.from_bytes(ref.id), version=ref.version, digest=txid)
    )
    data = answers.table(answer, what)
    if data.get("transactionEffects") is not None or data.get("object") is None:
        return False  # it is known after all, or the service has forgotten the version that is spent
    listed: Any = answers.inner(data, "objectVersions", what).get("nodes")
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], Mapping):
        return False
    maker = listed[0].get("previousTransaction")
    if not isinstance(maker, Mapping) or not isinstance(maker.get("digest"), str) or maker["digest"] == txid:
        return False
    effects = maker.get("effects")
    return isinstance(effects, Mapping) and isinstance(effects.get("checkpoint"), Mapping)
