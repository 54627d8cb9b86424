"""A transaction with its signatures: ``SenderSignedData`` in BCS, as full nodes keep and show it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...codec import bcs
from ...codec.bcs import BcsReader
from ...errors import InputError, InvalidTransaction
from . import addresses
from .signatures import TRANSACTION_INTENT, Proof
from .transaction import TransactionData, strictly

__all__ = ["Signed"]


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction and the signatures it has, by the signer's address (32 bytes)."""

    data: TransactionData
    proofs: Mapping[bytes, Proof]

    @property
    def is_complete(self) -> bool:
        """Whether every signer has signed."""
        return set(self.proofs) == set(self.data.signers)

    def in_order(self) -> tuple[Proof, ...]:
        """The signatures in the order of the signers."""
        return tuple(self.proofs[address] for address in self.data.signers if address in self.proofs)

    def check(self) -> Signed:
        """Itself, if each signature is a signer's over these very bytes; InvalidTransaction."""
        preimage = TRANSACTION_INTENT + self.data.encode()
        for address, proof in self.proofs.items():
            if address not in self.data.signers:
                raise InvalidTransaction(f"{addresses.from_bytes(address)} is no signer of this transaction")
            if not proof.is_over(preimage):
                raise InvalidTransaction(
                    f"the signature of {addresses.from_bytes(address)} is not over this transaction"
                )
        return self

    def encode(self) -> bytes:
        """The bytes in BCS: one transaction, its intent, its data, its signatures."""
        proofs = bcs.encode_sequence(bcs.encode_bytes(proof.encode()) for proof in self.in_order())
        return b"\x01" + TRANSACTION_INTENT + self.data.encode() + proofs

    def to_wire(self) -> dict[str, Any]:
        """What the SDKs hand from one to the next: base64 of the transaction and of each signature."""
        return {
            "bytes": base64.b64encode(self.data.encode()).decode("ascii"),
            "signatures": [proof.text for proof in self.in_order()],
        }

    @classmethod
    def joined(cls, data: TransactionData, proofs: list[Proof]) -> Signed:
        """A transaction with a list of signatures, each checked; InvalidTransaction."""
        by_address: dict[bytes, Proof] = {}
        for proof in proofs:
            if proof.address in by_address:
                raise InvalidTransaction("a signer has signed twice")
            by_address[proof.address] = proof
        return cls(data, by_address).check()

    @classmethod
    def read(cls, reader: BcsReader) -> Signed:
        """Read one; InputError or InvalidTransaction."""
        if reader.uleb128() != 1:
            raise InputError("one signed transaction is read at a time")
        if reader.take(3) != TRANSACTION_INTENT:
            raise InputError("the intent is not the one of a transaction")
        data = TransactionData.read(reader)
        proofs = reader.sequence(lambda: Proof.decode(reader.byte_string(4096)), 2)
        return cls.joined(data, proofs)

    @classmethod
    def decode(cls, data: bytes) -> Signed:
        """Read all of some bytes, each signature checked; InvalidTransaction."""
        return strictly(data, cls.read)
