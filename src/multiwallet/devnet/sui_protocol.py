"""Sui's transactions as the devnet reads them: BCS taken apart, and signatures checked, by code of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ..codec import base58
from ..codec.bcs import BcsReader
from ..crypto import ed25519, secp256k1, secp256r1
from ..crypto.hashes import blake2b, sha256
from ..errors import InputError

__all__ = ["Refused", "Transaction", "read_transaction", "signer_of"]

_ARGUMENTS: Final = {0: 0, 1: 1, 2: 1, 3: 2}  # GasCoin, Input, Result, NestedResult: how many numbers follow
_KEYS: Final = {0: 32, 1: 33, 2: 33}


class Refused(Exception):
    """What a validator does not take, in its words."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction. ``gas`` and object inputs are (id, version, digest); commands are tuples, name first."""

    raw: bytes
    inputs: tuple[tuple[Any, ...], ...]
    commands: tuple[tuple[Any, ...], ...]
    sender: bytes
    gas: tuple[tuple[bytes, int, bytes], ...]
    owner: bytes
    price: int
    budget: int
    last_epoch: int | None

    @property
    def digest(self) -> bytes:
        return blake2b(b"TransactionData::" + self.raw, size=32)

    @property
    def txid(self) -> str:
        return base58.encode(self.digest)

    @property
    def owned(self) -> list[tuple[bytes, int, bytes]]:
        """The object versions that it takes."""
        return [*self.gas, *(item[1] for item in self.inputs if item[0] == "object")]


def _reference(reader: BcsReader) -> tuple[bytes, int, bytes]:
    return reader.take(32), reader.uint(8), reader.byte_string(32)


def _input(reader: BcsReader) -> tuple[Any, ...]:
    kind = reader.byte()
    if kind == 0:
        return "pure", reader.byte_string()
    if kind != 1 or reader.byte() != 0:
        raise Refused("this devnet knows owned objects and plain bytes as inputs, no shared objects and no withdrawals")
    return "object", _reference(reader)


def _argument(reader: BcsReader) -> tuple[int, ...]:
    kind = reader.byte()
    if kind not in _ARGUMENTS:
        raise Refused("an argument is of no known kind")
    return (kind, *(reader.uint(2) for _ in range(_ARGUMENTS[kind])))


def _arguments(reader: BcsReader) -> list[tuple[int, ...]]:
    return reader.sequence(lambda: _argument(reader), 511)


def _command(reader: BcsReader) -> tuple[Any, ...]:
    from ..chains.sui.type_tags import decode_type

    kind = reader.byte()
    if kind == 0:
        package, module, function = reader.take(32), reader.text(), reader.text()
        types = reader.sequence(lambda: decode_type(reader), 16)
        return "call", package, module, function, types, _arguments(reader)
    if kind == 1:
        return "transfer", _arguments(reader), _argument(reader)
    if kind in (2, 3):
        return ("split", "merge")[kind - 2], _argument(reader), _arguments(reader)
    raise Refused("this devnet runs no commands but those that move coins")


def read_transaction(raw: bytes) -> Transaction:
    """Decode ``TransactionData``; Refused for what is none, or more than this devnet knows."""
    reader = BcsReader(raw, "TransactionData")
    try:
        if reader.byte() != 0 or reader.byte() != 0:
            raise Refused("this is no programmable transaction of version 1")
        inputs = reader.sequence(lambda: _input(reader), 2048)
        commands = reader.sequence(lambda: _command(reader), 1024)
        sender = reader.take(32)
        gas = reader.sequence(lambda: _reference(reader), 256)
        owner, price, budget = reader.take(32), reader.uint(8), reader.uint(8)
        expiration = reader.byte()
        if expiration > 1:
            raise Refused("this devnet knows an epoch as expiration and nothing newer")
        last = reader.uint(8) if expiration else None
        reader.finish()
    except InputError as error:
        raise Refused(f"Invalid BCS-encoded transaction: {error.message}") from error
    return Transaction(raw, tuple(inputs), tuple(commands), sender, tuple(gas), owner, price, budget, last)


def signer_of(signature: bytes, raw: bytes) -> bytes:
    """The address whose key made a serialised signature over a transaction; Refused where none did."""
    flag = signature[0] if signature else 255
    if flag not in _KEYS or len(signature) != 65 + _KEYS[flag]:
        raise Refused("Invalid signature format: flag, 64 bytes and a public key are needed")
    proof, key = signature[1:65], signature[65:]
    digest = blake2b(bytes(3) + raw, size=32)
    if flag == 0:
        good = ed25519.verify(key, digest, proof)
    else:
        good = (secp256k1.verify if flag == 1 else secp256r1.verify)(key, sha256(digest), proof)
    if not good:
        raise Refused("Invalid user signature: Signature is not valid: it does not verify")
    return blake2b(bytes((flag,)) + key, size=32)
