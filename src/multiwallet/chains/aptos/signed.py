"""Signed transactions in BCS: the transaction and its authenticator, complete or with signatures still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ...codec import bcs
from ...codec.bcs import BcsReader
from ...crypto.ed25519 import verify
from ...crypto.hashes import sha3_256
from ...errors import InputError, InvalidTransaction
from . import addresses
from .raw_transaction import MAX_SIGNERS, RawTransaction, SigningMessage, strictly

__all__ = ["Proof", "Signed", "transaction_id"]

_ID_PREFIX: Final = sha3_256(b"APTOS::Transaction") + b"\x00"  # variant 0: a user's transaction


def transaction_id(raw: bytes) -> str:
    """The id that explorers show: ``0x`` and the SHA3-256 of the signed bytes under their prefix."""
    return "0x" + sha3_256(_ID_PREFIX + raw).hex()


@dataclass(frozen=True, slots=True)
class Proof:
    """One account's signature (64 bytes) with its Ed25519 key (32 bytes).

    ``single_key`` marks the newer form of account, whose address is another one of the same key.
    """

    public_key: bytes
    signature: bytes
    single_key: bool = False

    def encode(self) -> bytes:
        """The account authenticator in BCS."""
        key, signature = bcs.encode_bytes(self.public_key), bcs.encode_bytes(self.signature)
        if self.single_key:
            return b"\x02\x00" + key + b"\x00" + signature
        return b"\x00" + key + signature


_MISSING: Final = b"\x04"  # NoAccountAuthenticator, which the chain takes in simulations alone


def _encode(proof: Proof | None) -> bytes:
    return _MISSING if proof is None else proof.encode()


def _read_proof(reader: BcsReader) -> Proof | None:
    kind = reader.uleb128()
    if kind == 4:
        return None
    if kind == 0:
        return Proof(_sized(reader, 32), _sized(reader, 64))
    if kind == 2:
        key_kind, key = reader.uleb128(), b""
        if key_kind == 0:
            key = _sized(reader, 32)
            if reader.uleb128() == 0:
                return Proof(key, _sized(reader, 64), single_key=True)
    raise InputError("a signature is of another kind than Ed25519, which cannot be checked here")


def _sized(reader: BcsReader, length: int) -> bytes:
    data = reader.byte_string(length)
    if len(data) != length:
        raise InputError(f"a key or signature has {len(data)} bytes instead of {length}")
    return data


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction and the signatures that it has, by address. Incomplete ones travel between their signers."""

    message: SigningMessage
    proofs: Mapping[bytes, Proof]

    @property
    def is_complete(self) -> bool:
        """Whether every signer has signed and it is known who pays."""
        return self.message.fee_payer != addresses.ZERO and all(a in self.proofs for a in self.message.signers)

    def encode(self) -> bytes:
        """The signed transaction in BCS, as the chain takes it once it is complete."""
        message, proofs = self.message, self.proofs
        raw, sender = message.raw.encode(), proofs.get(message.raw.sender)
        if message.is_simple:
            if sender is not None and not sender.single_key:
                return raw + sender.encode()  # variant 0 of the outer enum has the same form
            return raw + b"\x04" + _encode(sender)
        listed = bcs.encode_sequence(message.secondary)
        signatures = bcs.encode_sequence(_encode(proofs.get(address)) for address in message.secondary)
        if message.fee_payer is None:
            return raw + b"\x02" + _encode(sender) + listed + signatures
        payer = message.fee_payer + _encode(proofs.get(message.fee_payer))
        return raw + b"\x03" + _encode(sender) + listed + signatures + payer

    @classmethod
    def decode(cls, data: bytes) -> Signed:
        """Read a signed transaction and check each signature in it; InvalidTransaction."""
        signed = strictly(data, cls.read)
        check_signers(signed.message)
        signed.check()
        return signed

    @classmethod
    def read(cls, reader: BcsReader) -> Signed:
        """Read a signed transaction without checking its signatures; InputError for what is none."""
        raw = RawTransaction.read(reader)
        kind = reader.uleb128()
        if kind == 0:
            proof = Proof(_sized(reader, 32), _sized(reader, 64))
            return cls(SigningMessage(raw), {raw.sender: proof})
        if kind not in (2, 3, 4):
            raise InputError("its signature is of a kind that cannot be checked here")
        sender = _read_proof(reader)
        if kind == 4:
            if sender is not None and not sender.single_key:
                raise InputError("a plain Ed25519 signature stands where only newer kinds do")
            return cls(SigningMessage(raw), {} if sender is None else {raw.sender: sender})
        listed = tuple(reader.sequence(lambda: reader.take(32), MAX_SIGNERS))
        found = reader.sequence(lambda: _read_proof(reader), MAX_SIGNERS)
        if len(found) != len(listed):
            raise InputError("there are not as many signatures as signers")
        payer = reader.take(32) if kind == 3 else None
        message = SigningMessage(raw, listed, payer)
        if message.is_simple:
            raise InputError("a multi-agent transaction names further signers")
        proofs = dict(zip(message.signers, [sender, *found, _read_proof(reader) if kind == 3 else None], strict=False))
        return cls(message, {address: proof for address, proof in proofs.items() if proof is not None})

    def check(self) -> None:
        """Make sure that every signature is over this transaction; InvalidTransaction.

        Where somebody pays for the gas, the others may have signed before it was known who.
        """
        message = self.message
        texts = [message.encode()]
        if message.fee_payer not in (None, addresses.ZERO):
            texts.append(message.with_payer(addresses.ZERO).encode())
        for address, proof in self.proofs.items():
            allowed = texts[:1] if address == message.fee_payer else texts
            if address == addresses.ZERO or not any(
                verify(proof.public_key, text, proof.signature) for text in allowed
            ):
                raise InvalidTransaction(
                    f"the signature of {addresses.from_bytes(address)} does not belong to this transaction"
                )


def check_signers(message: SigningMessage) -> None:
    """Refuse a transaction that names a signer twice, as the chain does."""
    if len(set(message.signers)) != len(message.signers):
        raise InvalidTransaction(
            "a signer is named twice: sender, further signers and fee payer are different accounts"
        )
