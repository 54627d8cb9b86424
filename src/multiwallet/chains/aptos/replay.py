"""What an outbox needs to pay once: the numbers of an account, and whether a transaction can still be included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...chain import Claims, Holder, Nonces
from ...errors import BadResponse, MultiwalletError
from ...ops import Op, attempt
from ...transactions import SignedTransaction
from . import addresses, answers
from .signed import Signed

__all__ = ["claims", "is_dead", "nonces"]

_SETTLED: Final = 60
"""Seconds by which the ledger must be past the expiration: a node that lags behind another one lags less."""


def claims(signed: SignedTransaction) -> Claims:
    """The sequence number that the transaction takes; none for an orderless one."""
    raw = Signed.decode(signed.raw).message.raw
    return Claims(nonce=None if raw.payload.replay_nonce is not None else raw.sequence_number)


def nonces(holder: Holder) -> Op[Nonces]:
    """The account's next sequence number. Nodes do not tell what waits, so both are what is included."""
    (answer,) = yield from attempt(answers.get(holder.network, f"accounts/{holder.address}"))
    number = answers.account(answer)
    return Nonces(number, number)


def is_dead(holder: Holder, signed: SignedTransaction) -> Op[bool]:
    """Whether the transaction has expired, or another one took its number, and it is in no block.

    What is included on Aptos is final, so no depth is asked for. Nodes forget old transactions, so a number that is
    used is a proof only with the transaction that used it.
    """
    raw = Signed.decode(signed.raw).message.raw
    network, sender = holder.network, addresses.from_bytes(raw.sender)
    ordered = raw.payload.replay_nonce is None

    def is_past() -> Op[tuple[bool, bool]]:
        """Whether it has expired, and whether its number is used."""
        head, account = yield from attempt(answers.get(network, ""), answers.get(network, f"accounts/{sender}"))
        used = ordered and answers.account(account) > raw.sequence_number
        return answers.ledger(head).time > raw.expiration + _SETTLED, used

    if not any((yield from is_past())):
        return False
    # Asked after the time and the number, and these once more: what is missing now cannot have come before them.
    (found,) = yield from attempt(answers.get(network, f"transactions/by_hash/{signed.txid}"))
    if isinstance(found, MultiwalletError) and not answers.is_missing(found):
        raise found
    if not answers.is_missing(found):
        return False
    expired, used = yield from is_past()
    if not used:
        return expired
    path = f"accounts/{sender}/transactions"
    (listed,) = yield from attempt(answers.get(network, path, start=str(raw.sequence_number), limit="1"))
    if isinstance(listed, MultiwalletError):
        return False  # this node does not tell who used the number
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        raise BadResponse(f"GET {path} did not answer with a list of transactions")
    return any(
        item.get("sequence_number") == str(raw.sequence_number) and item.get("hash") not in (None, signed.txid)
        for item in listed[:1]
    )
