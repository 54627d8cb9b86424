"""What is signed: ``RawTransaction``, alone or with the other signers and the fee payer (AIP-39), in BCS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar

from ...codec import bcs
from ...codec.bcs import BcsReader
from ...crypto.hashes import sha3_256
from ...errors import InputError, InvalidTransaction
from . import addresses
from .type_tags import IDENTIFIER, TypeTag, decode_type

__all__ = ["U64_MAX", "EntryFunction", "Payload", "RawTransaction", "Script", "SigningMessage", "strictly"]

T = TypeVar("T")

U64_MAX: Final = 2**64 - 1
MAX_SIGNERS: Final = 32
_LONGEST: Final = 1 << 20  # far above what the chain takes (64 KiB, and more for governance)
_PLAIN: Final = sha3_256(b"APTOS::RawTransaction")
_WITH_DATA: Final = sha3_256(b"APTOS::RawTransactionWithData")
_SCRIPT_ARGUMENTS: Final = {
    0: ("u8", 1),
    1: ("u64", 8),
    2: ("u128", 16),
    3: ("address", 32),
    4: ("vector<u8>", 0),
    5: ("bool", 1),
    6: ("u16", 2),
    7: ("u32", 4),
    8: ("u256", 32),
    9: ("serialized", 0),
    10: ("i8", 1),
    11: ("i16", 2),
    12: ("i32", 4),
    13: ("i64", 8),
    14: ("i128", 16),
    15: ("i256", 32),
}


@dataclass(frozen=True, slots=True)
class EntryFunction:
    """A call of a function that a module offers to transactions. ``arguments`` are in BCS."""

    address: bytes
    module: str
    function: str
    type_arguments: tuple[TypeTag, ...] = ()
    arguments: tuple[bytes, ...] = ()

    @property
    def id(self) -> str:
        """``0x1::aptos_account::transfer``."""
        return f"{addresses.from_bytes(self.address)}::{self.module}::{self.function}"

    def encode(self) -> bytes:
        """The call in BCS."""
        return (
            self.address
            + bcs.encode_text(self.module)
            + bcs.encode_text(self.function)
            + bcs.encode_sequence(tag.encode() for tag in self.type_arguments)
            + bcs.encode_sequence(bcs.encode_bytes(argument) for argument in self.arguments)
        )

    @classmethod
    def read(cls, reader: BcsReader) -> EntryFunction:
        """Read a call; InputError for what is none."""
        address, module, function = reader.take(32), reader.text(128), reader.text(128)
        if not IDENTIFIER.fullmatch(module) or not IDENTIFIER.fullmatch(function):
            raise InputError("the name of a Move function holds characters that no name has")
        tags = reader.sequence(lambda: decode_type(reader), 64)
        return cls(address, module, function, tuple(tags), tuple(reader.sequence(reader.byte_string, 256)))


@dataclass(frozen=True, slots=True)
class Script:
    """Bytecode that a transaction brings along. ``arguments`` are type and BCS, as far as they can be read."""

    code: bytes
    type_arguments: tuple[TypeTag, ...] = ()
    arguments: tuple[tuple[int, bytes], ...] = ()

    def encode(self) -> bytes:
        """The script in BCS."""
        return (
            bcs.encode_bytes(self.code)
            + bcs.encode_sequence(tag.encode() for tag in self.type_arguments)
            + bcs.encode_sequence(
                bcs.encode_uleb128(kind) + (data if _SCRIPT_ARGUMENTS[kind][1] else bcs.encode_bytes(data))
                for kind, data in self.arguments
            )
        )

    @classmethod
    def read(cls, reader: BcsReader) -> Script:
        """Read a script; InputError for what is none."""

        def argument() -> tuple[int, bytes]:
            kind = reader.uleb128()
            if kind not in _SCRIPT_ARGUMENTS:
                raise InputError(f"there is no script argument of the kind {kind}")
            size = _SCRIPT_ARGUMENTS[kind][1]
            data = reader.take(size) if size else reader.byte_string()
            if kind == 5 and data not in (b"\x00", b"\x01"):
                raise InputError("a bool is 0 or 1")
            return kind, data

        code = reader.byte_string()
        tags = reader.sequence(lambda: decode_type(reader), 64)
        return cls(code, tuple(tags), tuple(reader.sequence(argument, 256)))


Executable: TypeAlias = EntryFunction | Script | None


@dataclass(frozen=True, slots=True)
class Payload:
    """What a transaction runs, and how it is kept from running twice.

    ``multisig`` is the address of an on-chain multisig account that it acts for; ``executable`` may then be None
    (what was proposed on chain is run). With a ``replay_nonce`` the transaction is orderless. ``inner`` is whether
    it has the newer form (variant 4), which orderless ones always have.
    """

    executable: Executable
    multisig: bytes | None = None
    replay_nonce: int | None = None
    inner: bool = False

    def encode(self) -> bytes:
        """The payload in BCS."""
        item = self.executable
        if self.inner or self.replay_nonce is not None:
            kind = 2 if item is None else 0 if isinstance(item, Script) else 1
            nonce = None if self.replay_nonce is None else bcs.encode_uint(self.replay_nonce, 8)
            body = b"" if item is None else item.encode()
            config = b"\x00" + bcs.encode_option(self.multisig) + bcs.encode_option(nonce)
            return b"\x04\x00" + bytes((kind,)) + body + config
        if self.multisig is not None:
            if isinstance(item, Script):
                raise InvalidTransaction("a multisig account runs a script in the newer form of payloads only")
            inside = None if item is None else b"\x00" + item.encode()
            return b"\x03" + self.multisig + bcs.encode_option(inside)
        if item is None:
            raise InvalidTransaction("a transaction without a multisig account runs a function or a script")
        return (b"\x00" if isinstance(item, Script) else b"\x02") + item.encode()

    @classmethod
    def read(cls, reader: BcsReader) -> Payload:
        """Read a payload; InputError for what is none or is of a kind that is not known."""
        kind = reader.uleb128()
        if kind == 0:
            return cls(Script.read(reader))
        if kind == 2:
            return cls(EntryFunction.read(reader))
        if kind == 3:
            address = reader.take(32)
            item: Executable = None
            if reader.boolean():
                reader.variant("EntryFunction")
                item = EntryFunction.read(reader)
            return cls(item, address)
        if kind != 4:
            raise InputError(f"a payload of the kind {kind} is not known here, so it cannot be judged")
        reader.variant("V1")
        form = reader.variant("Script", "EntryFunction", "Empty")
        item = Script.read(reader) if form == "Script" else EntryFunction.read(reader) if form != "Empty" else None
        reader.variant("V1")
        multisig = reader.option(lambda: reader.take(32))
        nonce = reader.option(lambda: reader.uint(8))
        if item is None and multisig is None:
            raise InputError("a transaction without a multisig account runs a function or a script")
        return cls(item, multisig, nonce, inner=True)


@dataclass(frozen=True, slots=True)
class RawTransaction:
    """A transaction without its signatures. ``expiration`` is in seconds since 1970; fees are gas times price in octas."""

    sender: bytes
    sequence_number: int
    payload: Payload
    max_gas_amount: int
    gas_unit_price: int
    expiration: int
    chain_id: int

    @property
    def max_fee(self) -> int:
        """The most that gas can cost, in octas."""
        return self.max_gas_amount * self.gas_unit_price

    def encode(self) -> bytes:
        """The transaction in BCS."""
        numbers = (self.max_gas_amount, self.gas_unit_price, self.expiration)
        return (
            self.sender
            + bcs.encode_uint(self.sequence_number, 8)
            + self.payload.encode()
            + b"".join(bcs.encode_uint(number, 8) for number in numbers)
            + bcs.encode_uint(self.chain_id, 1)
        )

    @classmethod
    def read(cls, reader: BcsReader) -> RawTransaction:
        """Read a transaction; InputError for what is none."""
        sender, sequence = reader.take(32), reader.uint(8)
        payload = Payload.read(reader)
        raw = cls(sender, sequence, payload, reader.uint(8), reader.uint(8), reader.uint(8), reader.byte())
        if payload.replay_nonce is not None and sequence != U64_MAX:
            raise InputError("an orderless transaction has the sequence number 18446744073709551615")
        return raw


@dataclass(frozen=True, slots=True)
class SigningMessage:
    """All that a signature is made over: the transaction, the further signers, the fee payer.

    ``fee_payer`` is None where the sender pays, and zero where whoever signs last is to pay.
    """

    raw: RawTransaction
    secondary: tuple[bytes, ...] = ()
    fee_payer: bytes | None = None

    @property
    def signers(self) -> tuple[bytes, ...]:
        """The addresses that sign: sender, further signers, fee payer."""
        return (self.raw.sender, *self.secondary, *(() if self.fee_payer is None else (self.fee_payer,)))

    @property
    def is_simple(self) -> bool:
        """Whether the sender alone signs."""
        return not self.secondary and self.fee_payer is None

    @property
    def payer(self) -> bytes:
        """Who pays for the gas."""
        return self.raw.sender if self.fee_payer is None else self.fee_payer

    def with_payer(self, address: bytes) -> SigningMessage:
        """The same, paid for by another account."""
        return replace(self, fee_payer=address)

    def encode(self) -> bytes:
        """The bytes that are signed: a prefix (32 bytes, a hash of the type's name) and the BCS."""
        raw = self.raw.encode()
        if self.is_simple:
            return _PLAIN + raw
        listed = bcs.encode_sequence(self.secondary)
        if self.fee_payer is None:
            return _WITH_DATA + b"\x00" + raw + listed
        return _WITH_DATA + b"\x01" + raw + listed + self.fee_payer

    @classmethod
    def decode(cls, data: bytes) -> SigningMessage:
        """Read what :meth:`encode` wrote; InvalidTransaction for anything else."""
        prefix, rest = data[:32], data[32:]

        def plain(reader: BcsReader) -> SigningMessage:
            return cls(RawTransaction.read(reader))

        def with_data(reader: BcsReader) -> SigningMessage:
            kind = reader.variant("MultiAgent", "FeePayer")
            raw = RawTransaction.read(reader)
            listed = tuple(reader.sequence(lambda: reader.take(32), MAX_SIGNERS))
            message = cls(raw, listed, reader.take(32) if kind == "FeePayer" else None)
            if message.is_simple:
                raise InputError("a multi-agent transaction names further signers")
            return message

        if prefix == _PLAIN:
            return strictly(rest, plain)
        if prefix == _WITH_DATA:
            return strictly(rest, with_data)
        raise InvalidTransaction("these bytes do not start as what Aptos signs for a transaction")


def strictly(data: bytes, read: Callable[[BcsReader], T]) -> T:
    """Read all of some bytes; InvalidTransaction for what is cut, too long, or left over."""
    if len(data) > _LONGEST:
        raise InvalidTransaction(f"a transaction has at most {_LONGEST} bytes here")
    reader = BcsReader(data, "the transaction")
    try:
        found = read(reader)
        reader.finish()
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(f"this is no transaction of Aptos: {error.message}") from error
    return found
