"""Jettons (TEP-74): the transfer's body, and what a minter says of its token (TEP-64)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec.cell import Builder, Cell, Slice
from ...crypto.hashes import sha256
from ...errors import InputError
from .addresses import Address, read, read_maybe, write
from .messages import unsnake

__all__ = ["OnChain", "Transfer", "onchain_content"]

_TRANSFER: Final = 0x0F8A7EA5
_MOST_KEYS: Final = 256


@dataclass(frozen=True, slots=True)
class Transfer:
    """An order to a jetton wallet: ``amount`` in the jetton's smallest unit, ``forward`` in nanograms.

    What is left of the coins that come along goes to ``response``. ``payload`` travels with ``forward``.
    """

    query_id: int
    amount: int
    to: Address
    response: Address | None
    forward: int
    payload: Cell = Cell()  # noqa: RUF009  # a cell is immutable
    custom: Cell | None = None

    def cell(self) -> Cell:
        """The body; the payload stands in place where it is empty, and in a reference otherwise."""
        made = Builder().uint(_TRANSFER, 32).uint(self.query_id, 64).coins(self.amount)
        write(made, self.to)
        write(made, self.response).maybe_ref(self.custom).coins(self.forward)
        if self.payload == Cell():
            return made.bit(0).end()
        return made.bit(1).ref(self.payload).end()

    @classmethod
    def read(cls, body: Cell) -> Transfer | None:
        """Read a body; None where it is no transfer of jettons; InputError where it is a broken one."""
        source = Slice(body, "the jetton transfer")
        if source.bits < 32 or source.uint(32) != _TRANSFER:
            return None
        query, amount = source.uint(64), source.coins()
        to, response = read(source), read_maybe(source)
        custom, forward = source.maybe_ref(), source.coins()
        if source.bit():
            payload = source.ref()
            source.finish()
        else:
            payload = source.rest()
        return cls(query, amount, to, response, forward, payload, custom)


@dataclass(frozen=True, slots=True)
class OnChain:
    """What the content cell of a minter says, None for what it does not; ``uri`` is where the rest stands."""

    symbol: str | None
    decimals: str | None
    uri: str | None


def onchain_content(cell: Cell) -> OnChain:
    """Read a content cell (TEP-64): 0 and a dictionary of fields, or 1 and a URI; InputError for another.

    Only ``symbol``, ``decimals`` and ``uri`` are looked up in the dictionary, so its size does not matter.
    """
    source = Slice(cell, "the token's content")
    form = source.uint(8)
    if form == 1:
        return OnChain(None, None, _text(unsnake(source)))
    if form:
        raise InputError("the token's content has an unknown form")
    root = source.maybe_ref()
    symbol, decimals, uri = (
        _field(root, sha256(name.encode("ascii"))) if root is not None else None
        for name in ("symbol", "decimals", "uri")
    )
    return OnChain(symbol, decimals, uri)


def _field(root: Cell, key: bytes) -> str | None:
    found = _look_up(root, int.from_bytes(key, "big"), 256)
    if found is None:
        return None
    source = Slice(found.ref() if found.refs and not found.bits else found.rest(), "a field of the token")
    form = source.uint(8)
    if form == 0:
        return _text(unsnake(source))
    if form == 1:
        return _chunks(source)
    raise InputError("a field of the token has an unknown form")


def _chunks(source: Slice) -> str:
    """A text in chunks: a dictionary of references by number."""
    root = source.maybe_ref()
    parts = []
    for number in range(_MOST_KEYS):
        part = _look_up(root, number, 32) if root is not None else None
        if part is None:
            break
        parts.append(unsnake(Slice(part.ref(), "a chunk")))
    return _text(b"".join(parts))


def _look_up(root: Cell, key: int, bits: int) -> Slice | None:
    """The value of a key of so many bits in a ``HashmapE``'s root; None where it is not there."""
    cell, left = root, bits
    while True:
        source = Slice(cell, "the dictionary")
        size, label = _label(source, left)
        if (key >> left - size) & ((1 << size) - 1) != label:
            return None
        left -= size
        if not left:
            return source
        left -= 1
        branches = source.ref(), source.ref()
        cell = branches[key >> left & 1]


def _label(source: Slice, most: int) -> tuple[int, int]:
    """The length of a label and its bits (``HmLabel``), of at most ``most`` bits."""
    width = most.bit_length()
    if not source.bit():  # hml_short: the length in unary
        size = 0
        while source.bit():
            size += 1
        _fits(size, most)
        return size, source.uint(size)
    if not source.bit():  # hml_long
        size = source.uint(width)
        _fits(size, most)
        return size, source.uint(size)
    repeated = source.bit()  # hml_same
    size = source.uint(width)
    _fits(size, most)
    return size, (1 << size) - 1 if repeated else 0


def _fits(size: int, most: int) -> None:
    if size > most:
        raise InputError("a label of the dictionary is longer than its keys")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("a text of the token is no UTF-8") from None
