"""A transaction with its signatures: what is signed, who signed, the bytes that travel and their id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ...chain import Network
from ...codec import der
from ...crypto import ed25519, secp256k1
from ...crypto.hashes import sha512
from ...errors import InputError, InvalidTransaction
from ...signing_requests import Digest, Scheme, SigningRequest
from . import serialization
from .addresses import ED, account_id, classic, is_key, ledger_key

__all__ = ["MOST_SIGNERS", "Signature", "SignerList", "Transaction", "network_id", "request", "transaction_id"]

SIGN: Final = b"STX\0"
MULTISIGN: Final = b"SMT\0"
_ID: Final = b"TXN\0"
MOST_SIGNERS: Final = 32
_COMMON: Final = ("TransactionType", "Account", "Fee", "Sequence", "SigningPubKey")
_OWN_NETWORK_ID: Final = 1024
"""Networks with a greater number than this name themselves in their transactions."""


def sha512_half(data: bytes) -> bytes:
    """The first 32 bytes of SHA-512."""
    return sha512(data)[:32]


def transaction_id(raw: bytes) -> str:
    """The id of the bytes that travel: 64 upper-case hex digits.

    >>> transaction_id(b"")[:8]
    'CA528085'
    """
    return sha512_half(_ID + raw).hex().upper()


def network_id(network: Network) -> int:
    """The number of a network: the reference of its CAIP-2 id."""
    text = network.reference
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise InputError(f"the id of a network of the XRP Ledger is xrpl: and its number, not {network.id}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature by one key: 33 bytes as the ledger writes keys, and DER or 64 bytes of ed25519."""

    key: bytes
    signature: bytes

    def is_over(self, preimage: bytes) -> bool:
        """Whether it was made over these bytes, in the one form that the ledger takes."""
        if self.key[:1] == ED:
            return len(self.signature) == 64 and ed25519.verify(self.key[1:], preimage, self.signature)
        try:
            compact = der.decode(self.signature)
        except InputError:
            return False
        return secp256k1.verify(self.key, sha512_half(preimage), compact)


@dataclass(frozen=True, slots=True)
class SignerList:
    """Who may sign for an account: weights by address, and the sum of them that is enough."""

    quorum: int
    weights: Mapping[str, int]

    @classmethod
    def read(cls, value: Any) -> SignerList:
        """From ``{"quorum": 2, "weights": {"r...": 1}}``; InvalidTransaction."""
        if not isinstance(value, Mapping) or set(value) != {"quorum", "weights"}:
            raise InvalidTransaction('a signer list is {"quorum": 2, "weights": {"r...": 1, ...}}')
        quorum, weights = value["quorum"], value["weights"]
        if not isinstance(weights, Mapping) or not 0 < len(weights) <= MOST_SIGNERS:
            raise InvalidTransaction(f"a signer list names from 1 to {MOST_SIGNERS} signers")
        for number in (quorum, *weights.values()):
            if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**32:
                raise InvalidTransaction("the quorum and the weights of a signer list are whole numbers above zero")
        for address in weights:
            account_id(address)
        return cls(quorum, dict(weights))

    def to_dict(self) -> dict[str, Any]:
        """The form that :meth:`read` takes."""
        return {"quorum": self.quorum, "weights": dict(self.weights)}


@dataclass(frozen=True, slots=True)
class Transaction:
    """``fields`` are all but the signatures; ``signers`` are those of a multi-signed one, by account id."""

    fields: Mapping[str, Any]
    signature: bytes | None = None
    signers: Mapping[bytes, Signature] = field(default_factory=dict)

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Transaction:
        """From the servers' JSON, in which what is derived (hash, date, ...) may not be; InvalidTransaction."""
        fields = {str(name): item for name, item in value.items()}
        signature, listed = fields.pop("TxnSignature", None), fields.pop("Signers", None)
        signers: dict[bytes, Signature] = {}
        for item in _list(listed):
            inner = item.get("Signer") if isinstance(item, Mapping) and len(item) == 1 else None
            if not isinstance(inner, Mapping) or set(inner) != {"Account", "SigningPubKey", "TxnSignature"}:
                raise InvalidTransaction("a signer has Account, SigningPubKey and TxnSignature")
            account = account_id(inner["Account"])
            if account in signers:
                raise InvalidTransaction(f"{inner['Account']} signs twice")
            key, made = _bytes(inner["SigningPubKey"], 33), _bytes(inner["TxnSignature"], 80)
            if not is_key(key):
                raise InvalidTransaction("the key of a signer is none")
            signers[account] = Signature(key, made)
        own = None if signature is None else _bytes(signature, 80)
        found = cls(fields, own, signers)
        found.check()
        return found

    @classmethod
    def decode(cls, data: bytes) -> Transaction:
        """From bytes; InvalidTransaction."""
        return cls.read(serialization.decode(data))

    def check(self) -> None:
        """InvalidTransaction for what no server would take, whatever it does."""
        for name in _COMMON:
            if name not in self.fields:
                raise InvalidTransaction(f"the transaction lacks {name}: let a server or build() fill it in first")
        if not isinstance(self.fields["Fee"], str):
            raise InvalidTransaction("the fee is drops of XRP in decimal text")
        serialization.encode(self.fields)  # each field is what its type can hold
        key = self.key
        if key and not is_key(key):
            raise InvalidTransaction("SigningPubKey is no key")
        if key and self.signers:
            raise InvalidTransaction("a transaction has SigningPubKey or Signers, not both")
        if not key and self.signature:
            raise InvalidTransaction("a transaction of several signers has no TxnSignature of its own")
        if self.account in self.signers:
            raise InvalidTransaction("an account is no signer of its own multi-signed transaction")
        if "TicketSequence" in self.fields and self.fields["Sequence"] != 0:
            raise InvalidTransaction("a transaction that uses a ticket has the sequence 0")

    def check_network(self, network: Network) -> None:
        """InvalidTransaction where the transaction is of another network."""
        number, stated = network_id(network), self.fields.get("NetworkID")
        wanted = number if number > _OWN_NETWORK_ID else None
        if stated != wanted:
            raise InvalidTransaction(
                f"the transaction {'names no network' if stated is None else f'is for the network {stated}'}, "
                f"and {network.name} {'needs none named' if wanted is None else f'is the network {wanted}'}"
            )

    @property
    def account(self) -> bytes:
        """The account id of who pays."""
        return account_id(self.fields["Account"])

    @property
    def key(self) -> bytes:
        """The key that signs, as the ledger writes it; empty where several accounts do."""
        return bytes.fromhex(self.fields["SigningPubKey"])

    @property
    def fee(self) -> int:
        """In drops."""
        return int(self.fields["Fee"])

    @property
    def body(self) -> bytes:
        """The bytes without signatures."""
        return serialization.encode(self.fields, signed=False)

    @property
    def last_ledger(self) -> int | None:
        """The last ledger that may include it."""
        return self.fields.get("LastLedgerSequence")

    def preimage(self, signer: bytes) -> bytes:
        """What an account (20 bytes) signs: the sender alone, or one of several."""
        return SIGN + self.body if self.key else MULTISIGN + self.body + signer

    def check_signatures(self) -> None:
        """InvalidTransaction for a signature that was not made over this."""
        if self.signature is not None and not Signature(self.key, self.signature).is_over(self.preimage(b"")):
            raise InvalidTransaction("the signature in the transaction was not made over it by its key")
        for account, made in self.signers.items():
            if not made.is_over(self.preimage(account)):
                raise InvalidTransaction(f"the signature of {classic(account)} was not made over this transaction")

    def to_json(self) -> dict[str, Any]:
        """All fields, in the servers' JSON."""
        found = dict(self.fields)
        if self.signature is not None:
            found["TxnSignature"] = self.signature.hex().upper()
        if self.signers:
            found["Signers"] = [
                {
                    "Signer": {
                        "Account": classic(account),
                        "SigningPubKey": made.key.hex().upper(),
                        "TxnSignature": made.signature.hex().upper(),
                    }
                }
                for account, made in sorted(self.signers.items())  # servers refuse any other order
            ]
        return found

    def encode(self) -> bytes:
        """The bytes that travel."""
        return serialization.encode(self.to_json())

    def is_complete(self, known: SignerList | None) -> bool:
        """Whether it has the signatures it needs. An unknown signer list is the ledger's to judge."""
        if self.key:
            return self.signature is not None
        if known is None:
            return bool(self.signers)
        return sum(known.weights.get(classic(account), 0) for account in self.signers) >= known.quorum

    def merged(self, others: Iterable[Transaction]) -> Transaction:
        """The same transaction with the signers of copies that others signed; InvalidTransaction for another one."""
        signers = dict(self.signers)
        for other in others:
            if other.body != self.body:
                raise InvalidTransaction("these are different transactions: their signatures cannot be put together")
            signers.update(other.signers)
        if len(signers) > MOST_SIGNERS:
            raise InvalidTransaction(f"a transaction has at most {MOST_SIGNERS} signers")
        return replace(self, signers=signers)


def request(transaction: Transaction, public_key: bytes, signer: bytes, path: Any) -> SigningRequest:
    """What a key (33 bytes, or 32 of ed25519) signs for an account id."""
    ed = len(public_key) == 32
    return SigningRequest(
        Scheme.ED25519 if ed else Scheme.RECOVERABLE,
        Digest.NONE if ed else Digest.SHA512_HALF,
        transaction.preimage(signer),
        public_key,
        path,
    )


def made_by(asked: SigningRequest, signature: bytes) -> Signature:
    """A signer's answer in the ledger's form; InvalidTransaction where it is not the key's over what was asked."""
    if len(signature) != (64 if asked.scheme is Scheme.ED25519 else 65):
        raise InvalidTransaction("a signature has another length than its scheme says")
    written = signature if asked.scheme is Scheme.ED25519 else der.encode(signature[:64])
    made = Signature(ledger_key(asked.public_key), bytes(written))
    if not made.is_over(asked.preimage):
        raise InvalidTransaction("a signature was not made by the key that was asked")
    return made


def partial_bytes(transaction: Transaction, known: SignerList | None) -> bytes:
    """A transaction that lacks signatures, for the next signer: JSON of ours around the servers' own."""
    stated = None if known is None else known.to_dict()
    return json.dumps({"tx_json": transaction.to_json(), "signer_list": stated}, separators=(",", ":")).encode()


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or not 0 < len(value) <= MOST_SIGNERS:
        raise InvalidTransaction(f"Signers is a list of 1 to {MOST_SIGNERS} signers")
    return value


def _bytes(value: Any, most: int) -> bytes:
    try:
        data = bytes.fromhex(value)
    except (TypeError, ValueError):
        raise InvalidTransaction("a key or a signature in the transaction is no hexadecimal text") from None
    if not 0 < len(data) <= most:
        raise InvalidTransaction("a key or a signature in the transaction has an impossible length")
    return data
