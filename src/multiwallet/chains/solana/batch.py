"""The hot path: signing many messages that one holder pays and alone signs."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from struct import Struct
from typing import Any, Final, TypeAlias

from ...chain import Chain, Holder
from ...errors import InvalidTransaction, SigningRefused
from ...transactions import Scheme, SealedTransaction, SignedTransaction
from .message import PACKET_SIZE, parse_message
from .template import TemplateRow

__all__ = ["MessageBatch"]

_UNSIGNED: Final = b"\1" + bytes(64)
_LARGEST_BODY: Final = PACKET_SIZE - 65

State: TypeAlias = tuple[bytes, int | None]
"""A message and the block height until which it can be included, where that is known."""


_Shape: TypeAlias = tuple[bytes, bytes, Callable[[bytes], tuple[bytes, ...]], int, int, int, bytes]
"""What messages of one size mostly share, as :func:`_shape_of` gives it."""


class MessageBatch:
    """A :class:`~multiwallet.chain.BatchPlan` for messages that the holder alone signs.

    Items are what the adapter adopts: bytes, or base64 text, of a message or of an unsigned transaction, and the rows
    of a template. Whatever is not plainly in order is left to the careful way, which says what is wrong with it.
    """

    scheme: Scheme = Scheme.ED25519

    __slots__ = ("_chain", "_key", "_network", "_owner", "_shapes")

    def __init__(self, chain: Chain, holder: Holder) -> None:
        self._chain = chain
        self._network = holder.network
        self._key = holder.public_key
        self._owner = (holder.network.id, holder.public_key)
        self._shapes: dict[int, _Shape] = {}

    def prepare(self, item: Any) -> tuple[State, bytes] | None:
        """The state for :meth:`seal` and the bytes to sign of one item; None leaves it to the careful way."""
        kind = item.__class__
        if kind is TemplateRow:
            template, to, units, number = item
            if template.owner != self._owner:
                raise SigningRefused("the row belongs to a template of another account or network")
            body = template.message(to, units, number)
            return (body, template.expiry), body
        if kind is bytes:
            body = item
        elif kind is str:
            try:
                body = binascii.a2b_base64(item, strict_mode=True)
            except ValueError:
                return None
            if binascii.b2a_base64(body, newline=False) != item.encode():
                return None
        else:
            return None
        if body[:65] == _UNSIGNED:
            body = body[65:]
        shapes, size = self._shapes, len(body)
        shape = shapes.get(size)
        if shape is not None:
            head, tail, unpack, count, start, end, section = shape
            if (
                body[start:end] == section
                and body.startswith(head)
                and body.endswith(tail)
                and len({*unpack(body)}) == count
            ):
                return (body, None), body
        if not _is_plain(body, self._key):
            return None
        if size not in shapes and (found := _shape_of(body)) is not None:
            shapes[size] = found  # there are as many sizes as a packet has bytes, at most
        return (body, None), body

    def seal(self, state: State, signature: bytes) -> SignedTransaction:
        """Join a message with its 64-byte signature."""
        if len(signature) != 64:
            raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
        body, expiry = state
        return SealedTransaction(self._chain, self._network, b"\1" + signature + body, True, expiry)


def _shape_of(body: bytes) -> _Shape | None:
    """What decides that a message is sound, taken from one that is: a message that shares it is sound as well.

    That is, beside the size: version, header, number of accounts and payer; and all of the instructions but the last eight
    bytes, where these are data: an amount, mostly. That no account stands there twice has to be seen each time.
    """
    message = parse_message(body)
    first = 0 if message.version is None else 1
    if not message.instructions or len(message.instructions[-1].data) < 8:
        return None
    count = len(message.keys)
    start, end = first + 4 + 32 * count + 32, len(body) - first - 8
    unpack = Struct(f"{first + 4}x" + "32s" * count).unpack_from
    return body[: first + 36], body[len(body) - first :], unpack, count, start, end, body[start:end]


def _is_plain(body: bytes, key: bytes) -> bool:
    """Whether this is a sound message that ``key`` pays and alone signs, with one-byte lengths and without lookups.

    Says yes to nothing that :func:`~multiwallet.chains.solana.message.parse_message` refuses.
    """
    size = len(body)
    try:
        start = 1 if body[0] == 0x80 else 0
        count = body[start + 3]
        keys = start + 4
        at = keys + 32 * count
        if (
            size > _LARGEST_BODY
            or body[start] != 1
            or body[start + 1]
            or body[keys : keys + 32] != key
            or body[start + 2] >= count
            or count > 0x7F
            or len({body[place : place + 32] for place in range(keys, at, 32)}) != count
        ):
            return False
        at += 32
        calls = body[at]
        if calls > 0x7F:
            return False
        at += 1
        for _ in range(calls):
            used = body[at + 1]
            if not 0 < body[at] < count or used > 0x7F:
                return False
            at += 2
            if used:
                if max(body[at : at + used]) >= count:
                    return False
                at += used
            length = body[at]
            if length > 0x7F:
                return False
            at += 1 + length
        if start:
            return size == at + 1 and not body[at]
        return size == at
    except (IndexError, ValueError):  # cut short
        return False
