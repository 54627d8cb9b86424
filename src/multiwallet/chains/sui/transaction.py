"""``TransactionData`` of Sui in BCS: a programmable transaction, who sends it, what pays for its gas, when it expires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from ...codec import base58, bcs
from ...codec.bcs import BcsReader
from ...crypto.hashes import blake2b
from ...errors import InputError, InvalidTransaction
from . import addresses
from .commands import Command, read_command
from .type_tags import TypeTag, decode_type

__all__ = [
    "U64_MAX",
    "Expiration",
    "GasData",
    "Input",
    "ObjectRef",
    "TransactionData",
    "Validity",
    "Withdrawal",
    "strictly",
]

T = TypeVar("T")

U64_MAX: Final = 2**64 - 1
MAX_INPUTS: Final = 2048
MAX_COMMANDS: Final = 1024
MAX_GAS_OBJECTS: Final = 256
MAX_BYTES: Final = 128 * 1024
"""The largest transaction that the chain takes."""
_LONGEST: Final = 1 << 18
_TYPE_TAG: Final = b"TransactionData::"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One version of an object: id (32 bytes), version and digest (32 bytes)."""

    id: bytes
    version: int
    digest: bytes

    @property
    def name(self) -> str:
        """Id and version as text, which no two owned inputs of included transactions share."""
        return f"{addresses.from_bytes(self.id)}@{self.version}"

    def encode(self) -> bytes:
        return self.id + bcs.encode_uint(self.version, 8) + bcs.encode_bytes(self.digest)

    @classmethod
    def read(cls, reader: BcsReader) -> ObjectRef:
        identity, version, digest = reader.take(32), reader.uint(8), reader.byte_string(32)
        if len(digest) != 32:
            raise InputError("the digest of an object has 32 bytes")
        return cls(identity, version, digest)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Funds taken from an address balance: at most so much of a coin type, of ``sender``, ``sponsor`` or an allowance."""

    most: int
    coin: TypeTag
    source: str
    funder: bytes = b""
    allowance: bytes = b""


@dataclass(frozen=True, slots=True)
class Input:
    """One input. ``kind`` is ``pure`` (``data``), ``owned`` or ``receiving`` (``ref``), ``shared`` or ``withdrawal``.

    Of a shared object ``ref`` holds the id and the version at which it was first shared, with an empty digest.
    """

    kind: str
    data: bytes = b""
    ref: ObjectRef | None = None
    mutable: bool = False
    withdrawal: Withdrawal | None = None

    def encode(self) -> bytes:
        if self.kind == "pure":
            return b"\x00" + bcs.encode_bytes(self.data)
        if self.kind == "withdrawal":
            return b"\x02" + _encode_withdrawal(self.withdrawal)
        assert self.ref is not None  # every other kind is an object
        if self.kind == "shared":
            shared = self.ref.id + bcs.encode_uint(self.ref.version, 8)
            return b"\x01\x01" + shared + bcs.encode_bool(self.mutable)
        return (b"\x01\x00" if self.kind == "owned" else b"\x01\x02") + self.ref.encode()

    @classmethod
    def read(cls, reader: BcsReader) -> Input:
        kind = reader.variant("pure", "object", "withdrawal")
        if kind == "pure":
            return cls(kind, reader.byte_string())
        if kind == "withdrawal":
            return cls(kind, withdrawal=_read_withdrawal(reader))
        kind = reader.variant("owned", "shared", "receiving")
        if kind == "shared":
            return cls(kind, ref=ObjectRef(reader.take(32), reader.uint(8), b""), mutable=reader.boolean())
        return cls(kind, ref=ObjectRef.read(reader))


_SOURCES: Final = ("sender", "sponsor", "allowance")


def _encode_withdrawal(taken: Withdrawal | None) -> bytes:
    assert taken is not None  # a withdrawal input always has one
    source = bcs.encode_uleb128(_SOURCES.index(taken.source))
    return (
        b"\x00"
        + bcs.encode_uint(taken.most, 8)
        + b"\x00"
        + taken.coin.encode()
        + source
        + taken.funder
        + taken.allowance
    )


def _read_withdrawal(reader: BcsReader) -> Withdrawal:
    reader.variant("most")
    most = reader.uint(8)
    reader.variant("balance")
    coin, source = decode_type(reader), reader.variant(*_SOURCES)
    both = (reader.take(32), reader.take(32)) if source == "allowance" else (b"", b"")
    return Withdrawal(most, coin, source, *both)


@dataclass(frozen=True, slots=True)
class GasData:
    """What pays for the gas: coins of SUI that belong to ``owner``, a price for a unit, and the most that is paid."""

    payment: tuple[ObjectRef, ...]
    owner: bytes
    price: int
    budget: int

    def encode(self) -> bytes:
        numbers = bcs.encode_uint(self.price, 8) + bcs.encode_uint(self.budget, 8)
        return bcs.encode_sequence(ref.encode() for ref in self.payment) + self.owner + numbers

    @classmethod
    def read(cls, reader: BcsReader) -> GasData:
        payment = reader.sequence(lambda: ObjectRef.read(reader), MAX_GAS_OBJECTS)
        return cls(tuple(payment), reader.take(32), reader.uint(8), reader.uint(8))


@dataclass(frozen=True, slots=True)
class Validity:
    """Bounds of epochs and times, and the chain (the 32-byte digest of its first checkpoint) that it is good for."""

    min_epoch: int | None
    max_epoch: int | None
    min_time: int | None
    max_time: int | None
    chain: bytes
    nonce: int
    proposers: tuple[int, tuple[int, ...]] | None = None
    extended: bool = False

    def encode(self) -> bytes:
        bounds = (self.min_epoch, self.max_epoch, self.min_time, self.max_time)
        data = b"".join(bcs.encode_option(None if item is None else bcs.encode_uint(item, 8)) for item in bounds)
        data += bcs.encode_bytes(self.chain) + bcs.encode_uint(self.nonce, 4)
        if not self.extended:
            return b"\x02" + data
        if self.proposers is None:
            return b"\x03" + data + b"\x00"
        epoch, listed = self.proposers
        numbers = bcs.encode_sequence(bcs.encode_uint(number, 4) for number in listed)
        return b"\x03" + data + b"\x01" + bcs.encode_uint(epoch, 8) + numbers

    @classmethod
    def read(cls, reader: BcsReader, *, extended: bool) -> Validity:
        bounds = [reader.option(lambda: reader.uint(8)) for _ in range(4)]
        chain, nonce = reader.byte_string(32), reader.uint(4)
        if len(chain) != 32:
            raise InputError("the digest of a chain has 32 bytes")
        proposers = None
        if extended:
            proposers = reader.option(lambda: (reader.uint(8), tuple(reader.sequence(lambda: reader.uint(4), 1024))))
        return cls(bounds[0], bounds[1], bounds[2], bounds[3], chain, nonce, proposers, extended)


Expiration = int | Validity | None
"""None for never, the last epoch, or the newer bounds."""


def _encode_expiration(expiration: Expiration) -> bytes:
    if expiration is None:
        return b"\x00"
    return b"\x01" + bcs.encode_uint(expiration, 8) if isinstance(expiration, int) else expiration.encode()


def _read_expiration(reader: BcsReader) -> Expiration:
    kind = reader.variant("none", "epoch", "during", "validity")
    if kind == "none":
        return None
    return reader.uint(8) if kind == "epoch" else Validity.read(reader, extended=kind == "validity")


@dataclass(frozen=True, slots=True)
class TransactionData:
    """A transaction as it is signed, without the intent in front of it (version 1, a programmable transaction)."""

    inputs: tuple[Input, ...]
    commands: tuple[Command, ...]
    sender: bytes
    gas: GasData
    expiration: Expiration = None

    def encode(self) -> bytes:
        """The bytes in BCS."""
        inputs = bcs.encode_sequence(item.encode() for item in self.inputs)
        commands = bcs.encode_sequence(command.encode() for command in self.commands)
        rest = self.sender + self.gas.encode() + _encode_expiration(self.expiration)
        return b"\x00\x00" + inputs + commands + rest

    @classmethod
    def read(cls, reader: BcsReader) -> TransactionData:
        """Read one; InputError."""
        reader.variant("v1")
        if reader.uleb128():
            raise InputError("this is a transaction of the chain itself: nobody signs it")
        inputs = tuple(reader.sequence(lambda: Input.read(reader), MAX_INPUTS))
        commands = tuple(reader.sequence(lambda: read_command(reader), MAX_COMMANDS))
        sender, gas = reader.take(32), GasData.read(reader)
        return cls(inputs, commands, sender, gas, _read_expiration(reader))

    @classmethod
    def decode(cls, data: bytes) -> TransactionData:
        """Read all of some bytes; InvalidTransaction."""
        return strictly(data, cls.read)

    @property
    def txid(self) -> str:
        """The digest in base58."""
        return base58.encode(blake2b(_TYPE_TAG + self.encode(), size=32))

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Whose signatures it needs: the sender's, and the gas owner's where that is another one."""
        return (self.sender,) if self.gas.owner == self.sender else (self.sender, self.gas.owner)

    @property
    def owned(self) -> tuple[ObjectRef, ...]:
        """The objects that it takes: gas coins first, then owned and received inputs."""
        listed = (item.ref for item in self.inputs if item.kind in ("owned", "receiving"))
        return (*self.gas.payment, *(ref for ref in listed if ref is not None))

    @property
    def last_epoch(self) -> int | None:
        """The last epoch in which it can be included; None without such a bound."""
        return self.expiration.max_epoch if isinstance(self.expiration, Validity) else self.expiration

    def with_gas(self, gas: GasData) -> TransactionData:
        """The same with other gas."""
        return replace(self, gas=gas)


def strictly(data: bytes, read: Callable[[BcsReader], T]) -> T:
    """Read all of some bytes; InvalidTransaction for what is cut, too long, or left over."""
    if len(data) > _LONGEST:
        raise InvalidTransaction(f"a transaction has at most {MAX_BYTES} bytes")
    reader = BcsReader(data, "the transaction")
    try:
        found = read(reader)
        reader.finish()
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(f"this is no transaction of Sui: {error.message}") from error
    return found
