"""Messages as cells: the internal ones that a wallet sends, and the external one that carries its order.

The layouts are those of TON's ``block.tlb`` (``MessageRelaxed`` and ``Message``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec.cell import Builder, Cell, Slice
from ...errors import InputError
from .addresses import Address, read, read_maybe, write

__all__ = ["External", "Internal", "comment", "read_text", "snake", "state_init", "unsnake"]

MAX_TEXT: Final = 8192  # bytes of a comment; each kilobyte of it costs as much as the transfer itself
_EMPTY: Final = Cell()


def state_init(code: Cell, data: Cell) -> Cell:
    """The StateInit of a contract; its hash is the contract's address."""
    return Builder().uint(0b00110, 5).ref(code).ref(data).end()


def _read_state_init(source: Slice) -> Cell:
    """A StateInit that may stand in place, as a cell of its own."""
    made = Builder()
    if source.bit():
        raise InputError("a StateInit with a split depth is none of a wallet or a token")
    made.bit(0)
    if source.bit():
        raise InputError("a StateInit of a tick-tock contract is not sent by wallets")
    made.bit(0)
    for _ in range(3):
        made.maybe_ref(source.maybe_ref())
    return made.end()


def _read_tail(source: Slice) -> tuple[Cell | None, Cell]:
    """The optional StateInit and the body that every message ends in."""
    init = None
    if source.bit():
        if source.bit():
            inner = Slice(source.ref(), "the StateInit")
            init = _read_state_init(inner)
            inner.finish()
        else:
            init = _read_state_init(source)
    if source.bit():
        body = source.ref()
        source.finish()
    else:
        body = source.rest()
    return init, body


@dataclass(frozen=True, slots=True)
class Internal:
    """A message from a wallet to a contract: ``value`` in nanograms; ``bounce`` asks for the value back on failure."""

    to: Address
    value: int
    bounce: bool
    body: Cell = _EMPTY
    init: Cell | None = None

    def cell(self) -> Cell:
        """The message as a cell; the body stands in place where it fits."""
        made = Builder().uint(0b01, 2).bit(self.bounce).bit(0)  # an internal one, IHR disabled, not bounced
        write(made, None)
        write(made, self.to).coins(self.value).bit(0)
        made.coins(0).coins(0).uint(0, 64).uint(0, 32)
        if self.init is None:
            made.bit(0)
        else:
            made.uint(0b11, 2).ref(self.init)
        if made.free_bits - 1 >= self.body.bits and made.free_refs >= len(self.body.refs):
            return made.bit(0).append(self.body).end()
        return made.bit(1).ref(self.body).end()

    @classmethod
    def read(cls, cell: Cell) -> Internal:
        """Read :meth:`cell`'s form, also with other places for its parts; InputError for any other message."""
        source = Slice(cell, "the message")
        if source.bit():
            raise InputError("the wallet would send a message out of the chain, which is no transfer")
        source.bit()  # IHR has never been in use
        bounce = source.bit()
        if source.bit() or read_maybe(source) is not None:
            raise InputError("a message to be sent is not marked as bounced and names no source")
        to = read(source)
        value = source.coins()
        if source.bit():
            raise InputError("the message carries extra currencies, which this library does not read")
        source.coins(), source.coins(), source.uint(96)  # fees and times, which the network writes anew
        init, body = _read_tail(source)
        return cls(to, value, bounce, body, init)


@dataclass(frozen=True, slots=True)
class External:
    """A message from outside to a wallet: what a node is sent."""

    to: Address
    body: Cell
    init: Cell | None = None

    def cell(self) -> Cell:
        """The message as a cell, its body and StateInit as references."""
        made = write(Builder().uint(0b1000, 4), self.to).coins(0)
        if self.init is None:
            made.bit(0)
        else:
            made.uint(0b11, 2).ref(self.init)
        return made.bit(1).ref(self.body).end()

    @property
    def normalized_hash(self) -> bytes:
        """The hash of TEP-467: of the message without StateInit, by which explorers and indexers find it."""
        return External(self.to, self.body).cell().hash

    @classmethod
    def read(cls, cell: Cell) -> External:
        """Read an external message to a standard address; InputError for any other cell."""
        source = Slice(cell, "the external message")
        if source.uint(2) != 0b10:
            raise InputError("this is no external message to a contract")
        if source.uint(2):
            raise InputError("an external message names no source")
        to = read(source)
        source.coins()
        init, body = _read_tail(source)
        return cls(to, body, init)


def snake(builder: Builder, data: bytes) -> Builder:
    """Append bytes and, where they do not fit, a reference to a cell with the rest of them, and so on."""
    if len(data) > MAX_TEXT:
        raise InputError(f"{len(data)} bytes of text are too many: at most {MAX_TEXT}")
    room = builder.free_bits // 8
    tail: Cell | None = None
    for start in reversed(range(room, len(data), 127)):
        part = Builder().octets(data[start : start + 127])
        tail = part.end() if tail is None else part.ref(tail).end()
    builder.octets(data[:room])
    return builder if tail is None else builder.ref(tail)


def unsnake(source: Slice) -> bytes:
    """The bytes that :func:`snake` wrote; InputError where bits or references do not fit that form."""
    parts = []
    while True:
        if source.bits % 8 or source.refs > 1:
            raise InputError("this is no text in snake form")
        parts.append(source.octets(source.bits // 8))
        if not source.refs:
            return b"".join(parts)
        source = Slice(source.ref(), "the text")


def comment(text: str) -> Cell:
    """The body of a message with a comment: 32 zero bits and the text in UTF-8."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("the memo holds half a character (a lone surrogate), which UTF-8 cannot write") from None
    return snake(Builder().uint(0, 32), data).end()


def read_text(body: Cell) -> str | None:
    """The comment in a body; None where the body is none."""
    source = Slice(body, "the comment")
    try:
        if source.uint(32):
            return None
        return unsnake(source).decode("utf-8")
    except (InputError, UnicodeDecodeError):
        return None
