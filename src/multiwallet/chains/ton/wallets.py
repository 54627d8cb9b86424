"""Wallet contracts: their first state and address, and the order that a key signs.

An order says: wallet id, valid until, sequence number, and messages with their modes. v3 and v4 put the signature in
front of it, v5 behind it. The layouts are those of ``wallet3-code.fc``, ``wallet-contract`` and ``wallet-contract-v5``
of ton-blockchain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec.cell import Builder, Cell, Slice
from ...errors import InputError, InvalidKey
from .addresses import Address
from .messages import state_init
from .wallet_code import code

__all__ = ["KINDS", "LIMITS", "Order", "address", "initial_state", "join", "kind_of_order", "split", "wallet_id"]

KINDS: Final = ("v5r1", "v4r2", "v3r2")
LIMITS: Final = {"v5r1": 255, "v4r2": 4, "v3r2": 4}
"""How many messages one order of each kind can hold."""

_DEFAULT_ID: Final = 698983191  # the first 4 bytes of the main network's zero state hash, as wallets take it
_SIGNED_EXTERNAL: Final = 0x7369676E
_SEND_MESSAGE: Final = 0x0EC3C86D
_SIGNATURE_BITS: Final = 512


def wallet_id(kind: str, global_id: int, subwallet: int = 0) -> int:
    """The number (32 bits) that tells a key's wallets apart: for v5 it holds the network, for v3 and v4 it does not.

    >>> wallet_id("v4r2", -239), wallet_id("v5r1", -239), wallet_id("v5r1", -3)
    (698983191, 2147483409, 2147483645)
    """
    if kind != "v5r1":
        return _DEFAULT_ID + subwallet
    if not 0 <= subwallet < 1 << 15:
        raise InputError("a subwallet of v5 is numbered from 0 to 32767")
    context = 1 << 31 | subwallet  # a client's wallet, workchain 0, version 0
    return (context ^ global_id) & 0xFFFFFFFF


def initial_state(kind: str, public_key: bytes, number: int) -> Cell:
    """The StateInit of a wallet that was never used, for a 32-byte public key and a wallet id."""
    if len(public_key) != 32:
        raise InvalidKey(f"an ed25519 public key has 32 bytes, not {len(public_key)}")
    data = Builder()
    if kind == "v5r1":
        data.bit(1)  # the signature counts
    data.uint(0, 32).uint(number, 32).octets(public_key)
    if kind != "v3r2":
        data.bit(0)  # no plugins, no extensions
    return state_init(code(kind), data.end())


def address(kind: str, public_key: bytes, number: int) -> Address:
    """The wallet's address in workchain 0."""
    return Address(0, initial_state(kind, public_key, number).hash)


@dataclass(frozen=True, slots=True)
class Order:
    """What a wallet is told. ``messages`` are pairs of a mode (0 to 255) and a message's cell."""

    kind: str
    wallet_id: int
    valid_until: int
    seqno: int
    messages: tuple[tuple[int, Cell], ...]

    def cell(self) -> Cell:
        """The cell whose hash is signed."""
        if len(self.messages) > LIMITS[self.kind]:
            raise InputError(f"a {self.kind} wallet sends at most {LIMITS[self.kind]} messages at once")
        made = Builder()
        if self.kind == "v5r1":
            made.uint(_SIGNED_EXTERNAL, 32)
        made.uint(self.wallet_id, 32).uint(self.valid_until, 32).uint(self.seqno, 32)
        if self.kind == "v5r1":
            actions = Cell()
            for mode, message in self.messages:
                actions = Builder().ref(actions).uint(_SEND_MESSAGE, 32).uint(mode, 8).ref(message).end()
            return made.maybe_ref(actions if self.messages else None).bit(0).end()
        if self.kind == "v4r2":
            made.uint(0, 8)  # a simple transfer, no business with plugins
        for mode, message in self.messages:
            made.uint(mode, 8).ref(message)
        return made.end()

    @classmethod
    def read(cls, cell: Cell) -> Order:
        """Read a signed cell of any of the kinds; InputError for what is no plain transfer."""
        kind = kind_of_order(cell)
        source = Slice(cell, "the wallet's order")
        if kind == "v5r1":
            source.uint(32)
        number, until, seqno = source.uint(32), source.uint(32), source.uint(32)
        messages: list[tuple[int, Cell]] = []
        if kind == "v5r1":
            actions = source.maybe_ref()
            if source.bit():
                raise InputError("this changes the wallet's keys or extensions, which this library does not sign")
            while actions is not None and actions != Cell():
                if len(messages) == LIMITS[kind]:
                    raise InputError(f"a wallet takes at most {LIMITS[kind]} actions")
                action = Slice(actions, "an action")
                actions = action.ref()
                if action.uint(32) != _SEND_MESSAGE:
                    raise InputError("an action of the wallet is not the sending of a message")
                messages.append((action.uint(8), action.ref()))
                action.finish()
            messages.reverse()
        else:
            if kind == "v4r2" and source.uint(8):
                raise InputError("this installs or removes a plugin of the wallet, which this library does not sign")
            while source.refs:
                messages.append((source.uint(8), source.ref()))
        source.finish()
        return cls(kind, number, until, seqno, tuple(messages))


def kind_of_order(cell: Cell) -> str:
    """The kind of wallet that an order is for, from its form; InputError for what is none."""
    if cell.bits >= 130 and cell.data[:4] == _SIGNED_EXTERNAL.to_bytes(4, "big"):
        return "v5r1"
    spare = cell.bits - 96 - 8 * len(cell.refs)
    if spare == 0:
        return "v3r2"
    if spare == 8:
        return "v4r2"
    raise InputError("this is no transfer of a v3, v4 or v5 wallet")


def join(order: Cell, signature: bytes) -> Cell:
    """An order with its 64-byte signature: the body of the external message."""
    if kind_of_order(order) == "v5r1":
        return Builder().append(order).octets(signature).end()
    return Builder().octets(signature).append(order).end()


def split(body: Cell) -> tuple[Cell, bytes]:
    """An order and its signature from the body of an external message; InputError."""
    if body.bits < _SIGNATURE_BITS:
        raise InputError("the message is too short to hold a signature")
    source = Slice(body, "the message's body")
    if body.data[:4] == _SIGNED_EXTERNAL.to_bytes(4, "big") and body.bits >= _SIGNATURE_BITS + 130:
        made = Builder()
        size = source.bits - _SIGNATURE_BITS
        made.uint(source.uint(size), size)
        signature = source.octets(64)
        for _ in range(source.refs):
            made.ref(source.ref())
        return made.end(), signature
    signature = source.octets(64)
    return source.rest(), signature
