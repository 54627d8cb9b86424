"""An Antelope transaction in its bytes: header, actions, and the envelope with signatures that nodes pass on.

The id is the SHA-256 of the packed transaction. What is signed is the SHA-256 of chain id, packed transaction and
32 zero bytes (where the hash of context-free data would stand; transactions with such data are refused here).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Final

from ...crypto.hashes import sha256
from ...errors import InvalidTransaction
from . import wire
from .names import Level, name_text, name_value
from .wire import Input

__all__ = [
    "MAX_SIGNATURES",
    "Call",
    "Transaction",
    "decode_call",
    "decode_calls",
    "decode_envelope",
    "encode_calls",
    "encode_envelope",
    "identity",
    "inflate",
    "preimage",
]

MAX_SIGNATURES: Final = 64
_LARGEST: Final = 1 << 20  # the chain takes half of it


@dataclass(frozen=True, slots=True)
class Call:
    """One action: the contract's account, the action's name, who authorises it, and its packed data."""

    account: str
    name: str
    authorization: tuple[Level, ...]
    data: bytes

    def encode(self) -> bytes:
        """The action's bytes."""
        levels = b"".join(_name(actor) + _name(permission) for actor, permission in self.authorization)
        count = wire.varuint(len(self.authorization))
        return _name(self.account) + _name(self.name) + count + levels + wire.octets(self.data)

    def at(self, account: str) -> Call:
        """The same action of another contract of the same kind."""
        return replace(self, account=account)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction before signing. ``expiration`` is in seconds since 1970; zero limits mean no limit."""

    expiration: int
    ref_block_num: int
    ref_block_prefix: int
    actions: tuple[Call, ...]
    max_net_usage_words: int = 0
    max_cpu_usage_ms: int = 0
    delay_sec: int = 0
    context_free_actions: tuple[Call, ...] = ()
    extensions: tuple[tuple[int, bytes], ...] = ()

    def encode(self) -> bytes:
        """The packed transaction; InvalidTransaction for a number that its field cannot hold."""
        for value, bits in (
            (self.expiration, 32),
            (self.ref_block_num, 16),
            (self.ref_block_prefix, 32),
            (self.max_cpu_usage_ms, 8),
        ):
            if not 0 <= value < 1 << bits:
                raise InvalidTransaction(f"a number in the transaction's header does not fit its {bits} bits")
        return b"".join(
            (
                self.expiration.to_bytes(4, "little"),
                self.ref_block_num.to_bytes(2, "little"),
                self.ref_block_prefix.to_bytes(4, "little"),
                wire.varuint(self.max_net_usage_words),
                self.max_cpu_usage_ms.to_bytes(1, "little"),
                wire.varuint(self.delay_sec),
                encode_calls(self.context_free_actions),
                encode_calls(self.actions),
                wire.varuint(len(self.extensions)),
                *(number.to_bytes(2, "little") + wire.octets(data) for number, data in self.extensions),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Transaction:
        """From packed bytes, all of which it must take; InvalidTransaction."""
        source = Input(data, "the packed transaction")
        found = cls.read(source)
        source.finish()
        if found.encode() != data:
            raise InvalidTransaction("the packed transaction is not written in its shortest form")
        return found

    @classmethod
    def read(cls, source: Input) -> Transaction:
        """The next transaction of an input."""
        expiration, number, prefix = source.uint(4), source.uint(2), source.uint(4)
        net, cpu, delay = source.varuint(), source.uint(1), source.varuint()
        free, calls = decode_calls(source), decode_calls(source)
        extensions = tuple((source.uint(2), source.octets()) for _ in range(source.count()))
        return cls(expiration, number, prefix, calls, net, cpu, delay, free, extensions)

    @property
    def sender(self) -> Level:
        """Who authorises the first action; InvalidTransaction where nobody does."""
        for call in self.actions:
            for level in call.authorization:
                return level
        raise InvalidTransaction("no action of this transaction is authorised by anybody: there is nothing to sign")

    @property
    def levels(self) -> frozenset[Level]:
        """Everybody who authorises an action."""
        return frozenset(level for call in self.actions for level in call.authorization)


def _name(text: str) -> bytes:
    return name_value(text).to_bytes(8, "little")


def encode_calls(calls: tuple[Call, ...]) -> bytes:
    """Actions behind their number."""
    return wire.varuint(len(calls)) + b"".join(call.encode() for call in calls)


def decode_calls(source: Input) -> tuple[Call, ...]:
    """The next list of actions."""
    return tuple(decode_call(source) for _ in range(source.count()))


def decode_call(source: Input) -> Call:
    """The next action."""
    account, name = name_text(source.uint(8)), name_text(source.uint(8))
    levels = tuple(Level(name_text(source.uint(8)), name_text(source.uint(8))) for _ in range(source.count()))
    return Call(account, name, levels, source.octets())


def identity(body: bytes) -> str:
    """The transaction's id: the SHA-256 of the packed transaction, in hex."""
    return sha256(body).hex()


def preimage(chain_id: bytes, body: bytes) -> bytes:
    """What is hashed with SHA-256 and signed: the 32-byte chain id, the packed transaction, 32 zero bytes."""
    return chain_id + body + bytes(32)


def encode_envelope(body: bytes, signatures: tuple[bytes, ...]) -> bytes:
    """A signed transaction as nodes pass it on: signatures (66 bytes each), no compression, the packed transaction."""
    return wire.varuint(len(signatures)) + b"".join(signatures) + b"\0" + wire.octets(b"") + wire.octets(body)


def decode_envelope(raw: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The packed transaction and the signatures of what :func:`encode_envelope` wrote; InvalidTransaction."""
    source = Input(raw, "the signed transaction")
    signatures = []
    for _ in range(source.count()):
        signatures.append(source.take(66))
        if signatures[-1][0] > 1:
            raise InvalidTransaction("a signature is of another kind than K1 and R1")
    compression = source.uint(1)
    free, body = source.octets(), source.octets()
    source.finish()
    if free:
        raise InvalidTransaction("context-free data is not supported here")
    if len(signatures) > MAX_SIGNATURES:
        raise InvalidTransaction(f"a transaction has at most {MAX_SIGNATURES} signatures here")
    if compression > 1:
        raise InvalidTransaction("the transaction is packed in an unknown way")
    return inflate(body) if compression else body, tuple(signatures)


def inflate(data: bytes, *, raw: bool = False, limit: int = _LARGEST) -> bytes:
    """What zlib (or a bare deflate stream) packed, of at most ``limit`` bytes; InvalidTransaction.

    >>> inflate(zlib.compress(b"abc"))
    b'abc'
    """
    machine = zlib.decompressobj(-15 if raw else 15)
    try:
        unpacked = machine.decompress(data, limit)
    except zlib.error:
        raise InvalidTransaction("the compressed part is no zlib stream") from None
    if not machine.eof or machine.unused_data:
        raise InvalidTransaction(f"the compressed part is cut off, has a tail or unpacks to more than {limit} bytes")
    return unpacked
