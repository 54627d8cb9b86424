"""The Sui family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import Chain, Claims, Holder, Network, Options, Payment, Replay
from ...crypto import ed25519, secp256k1, secp256r1
from ...errors import InvalidPath, InvalidTransaction, SigningRefused, Unsupported
from ...ops import Op, attempt
from ...path import HARDENED, Path
from ...transactions import (
    Balance,
    Fee,
    Receipt,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
)
from . import addresses, answers, forms, messages, queries, summary, tokens
from . import build as building
from . import delivery as sending
from . import replay as outbox
from .signatures import KINDS, TRANSACTION_INTENT, Proof, address_of, kind_of_holder, request
from .signed import Signed
from .transaction import TransactionData, Validity

__all__ = ["Sui"]

_PURPOSES = (44, 54, 74)
_VALID = {
    "ed25519": ed25519.is_valid_public_key,
    "secp256k1": secp256k1.is_valid_public_key,
    "secp256r1": secp256r1.is_valid_public_key,
}


class Sui(Chain):
    """Sui and its test networks, through the GraphQL RPC.

    Options of ``build``: ``coins`` and ``exclude`` (object ids, or ``id@version``), ``gas_budget`` and ``gas_price``
    (MIST), ``sponsor`` (the address that pays for the gas), ``expiration`` (epochs after the present one, 1 unless
    told; None for never) and ``data`` (a ``TransactionKind`` in BCS).

    With a sponsor each of the two signs what the other made: ``complete`` is False until the second has signed.
    """

    family: ClassVar[str] = "sui"
    curve: ClassVar[str] = "ed25519"
    kinds: ClassVar[tuple[str, ...]] = KINDS
    key_forms: ClassVar[tuple[str, ...]] = ("sui", "hex")
    replay: ClassVar[Replay | None] = Replay.COINS

    # -- keys and addresses ------------------------------------------------------------------------

    def curve_of(self, network: Network, kind: str) -> str:
        """The kind's own name: each has a curve of its own."""
        return kind if kind in KINDS else self.curve

    def kind_of(self, path: Path) -> str:
        """``m/54'`` is secp256k1, ``m/74'`` secp256r1, everything else ed25519."""
        first = next(iter(path), 0)
        return KINDS[_PURPOSES.index(first - HARDENED)] if first - HARDENED in _PURPOSES else KINDS[0]

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/784'/i'/0'/0'``, ``m/54'/784'/i'/0/0`` or ``m/74'/784'/i'/0/0``, as wallets count.

        i is the index, or the account where no index is given.
        """
        if account and index:
            raise InvalidPath(
                "Sui wallets number accounts in one place, m/44'/784'/i'/0'/0': give an index or an account, not both, "
                "or the whole path"
            )
        kind = kind or KINDS[0]
        if kind not in KINDS:
            raise InvalidPath(f"the address kinds of Sui are {', '.join(KINDS)}")
        start = Path(f"m/{_PURPOSES[KINDS.index(kind)]}'/784'").hardened(index or account)
        return start.hardened(0).hardened(0) if kind == "ed25519" else start / 0 / 0

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The address of a public key (32 bytes for ed25519, else 33); InvalidKey for another length."""
        return addresses.from_bytes(address_of(bytes(public_key), kind or KINDS[0]))

    def parse_address(self, network: Network, text: str) -> str:
        """``0x`` and 64 hex digits in lower case; InvalidAddress."""
        return addresses.parse(text)

    def asset_id(self, network: Network, reference: str) -> str:
        """``sui:35834a8a/coin:0x...%3A%3Amodule%3A%3ANAME`` of a coin type."""
        return tokens.asset_id(network, reference)

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """Bytes, base64 or hex, ``{"bytes", "signature"}``, or the TypeScript SDK's JSON, with the signatures in it."""
        signed = forms.read(native)
        self._check_chain(holder.network, signed.data)
        fee = building.fee_of(holder.network, signed.data.gas)
        return self._unsigned(holder, signed, fee, ())

    def _unsigned(self, holder: Holder, signed: Signed, fee: Fee, assets: tuple[Asset, ...]) -> UnsignedTransaction:
        body = signed.data.encode()
        kind = kind_of_holder(holder)
        context = {
            "public_key": holder.public_key.hex(),
            "kind": kind,
            "signatures": [proof.text for proof in signed.in_order()],
        }
        wanted = request(holder, TRANSACTION_INTENT + body, kind)
        sender = addresses.from_bytes(signed.data.sender)
        return UnsignedTransaction(self, holder.network, sender, body, fee, (wanted,), assets, context)

    def _check_chain(self, network: Network, data: TransactionData) -> None:
        # The older transactions name no chain: the objects in them exist on one alone.
        if isinstance(data.expiration, Validity) and not answers.is_chain(network, data.expiration.chain[:4].hex()):
            raise InvalidTransaction(
                f"the transaction is for the chain {data.expiration.chain[:4].hex()}, not {network.name}"
            )

    def restore(
        self,
        network: Network,
        *,
        sender: str,
        body: bytes,
        fee: Fee,
        paths: Mapping[bytes, Path],
        assets: tuple[Asset, ...],
        context: Mapping[str, Any],
    ) -> UnsignedTransaction:
        """A transaction from its stored parts; InvalidTransaction where they contradict each other."""
        data = TransactionData.decode(body)
        self._check_chain(network, data)
        if addresses.from_bytes(data.sender) != sender:
            raise InvalidTransaction(
                f"the stored sender is not the one in the bytes, {addresses.from_bytes(data.sender)}"
            )
        if any(amount.asset != network.native for amount in (fee.expected, fee.maximum)):
            raise InvalidTransaction(f"fees on {network.name} are paid in {network.symbol}")
        if fee.maximum.units != data.gas.budget or fee.expected > fee.maximum:
            raise InvalidTransaction("the stored fee is not the one in the bytes")
        if set(context) != {"public_key", "kind", "signatures"}:
            raise InvalidTransaction("the stored transaction lacks its public key or its signatures")
        key, kind = _key(context)
        _proofs(context, data)
        holder = Holder(network, addresses.from_bytes(address_of(key, kind)), key, kind, paths.get(key))
        wanted = request(holder, TRANSACTION_INTENT + body, kind)
        return UnsignedTransaction(self, network, sender, body, fee, (wanted,), assets, dict(context))

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the holder is the sender or the sponsor and has not signed yet."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        data = TransactionData.decode(transaction.body)
        self._check_chain(holder.network, data)
        ours = addresses.to_bytes(holder.address)
        if ours not in data.signers:
            named = ", ".join(map(addresses.from_bytes, data.signers))
            raise SigningRefused(f"the transaction is signed by {named}, not by {holder.address}")
        if ours in _proofs(transaction.context, data).proofs:
            raise SigningRefused(f"{holder.address} has signed this transaction already")
        return (request(holder, TRANSACTION_INTENT + transaction.body),)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes do, with warnings."""
        data = TransactionData.decode(transaction.body)
        return summary.describe(transaction.network, data, transaction.fee, transaction.assets)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The transaction with its earlier signatures and the new ones (64 bytes each, or 65 with a recovery id)."""
        if not signed:
            raise InvalidTransaction("the transaction lacks a signature")
        data = TransactionData.decode(transaction.body)
        proofs = dict(_proofs(transaction.context, data).proofs)
        preimage = TRANSACTION_INTENT + transaction.body
        for wanted, signature in signed:
            if wanted.preimage != preimage:
                raise InvalidTransaction("a signature belongs to another transaction")
            proof = _proof(wanted, signature, data)
            if not proof.is_over(preimage):
                raise InvalidTransaction("a signature was not made by the key that was asked")
            proofs[proof.address] = proof
        return self._signed(transaction.network, Signed(data, proofs))

    def _signed(self, network: Network, signed: Signed) -> SignedTransaction:
        data = signed.data
        return SignedTransaction(self, network, signed.encode(), data.txid, signed.is_complete, data.last_epoch)

    def to_wire(self, signed: SignedTransaction) -> Any:
        """``{"bytes", "signatures"}`` in base64: the arguments of ``executeTransaction``."""
        return Signed.decode(signed.raw).to_wire()

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed transaction, each signature checked; InvalidTransaction."""
        signed = forms.read_signed(wire)
        self._check_chain(network, signed.data)
        return self._signed(network, signed)

    def transaction_id(self, raw: bytes) -> str:
        """The id of signed bytes, which the signatures are no part of."""
        return Signed.decode(raw).data.txid

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """A personal message."""
        if form:
            raise Unsupported("messages of Sui have no further options")
        return request(holder, messages.preimage(message))

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """The serialised signature in base64: flag, signature and public key."""
        return Proof(kind_of_holder(holder), bytes(signature[:64]), holder.public_key).text

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a serialised signature over a personal message is the address's."""
        return messages.is_signed_by(addresses.to_bytes(address), message, signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the chain identifier."""
        (answer,) = yield from attempt(answers.query(network, queries.HEAD))
        answers.head(answer, network)

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A coin by its type, from its metadata; InvalidAddress where it has none."""
        if reference == network.native.reference or tokens.asset_id(network, reference) == network.native.id:
            return network.native
        tag = tokens.coin_type(reference)
        (answer,) = yield from attempt(answers.query(network, queries.METADATA, type=tag.canonical()))
        return answers.asset(network, reference, answer)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """SUI or a coin: ``available`` is what the coins hold, ``locked`` what lies in the address balance."""
        tag = tokens.type_of(asset)
        effect = answers.query(holder.network, queries.BALANCE, owner=holder.address, type=tag.canonical())
        (answer,) = yield from attempt(effect)
        coins, elsewhere = answers.balance(answer)
        return Balance.of(asset, coins, 0, elsewhere)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Payments of any coins to one or many in one transaction, priced by a simulation before it is signed."""
        data, fee, assets = yield from building.build(holder, payments, options)
        return self._unsigned(holder, Signed(data, {}), fee, assets)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``executeTransaction``; a transaction that is in already is a success."""
        return (yield from sending.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """By digest; final as soon as it is in a checkpoint. ``expiry`` is the last epoch."""
        return (yield from sending.status(network, txid, expiry))

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """The versions of objects that it takes."""
        return outbox.claims(signed)

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether another transaction took one of its objects, or its last epoch is over; both are final at once."""
        return (yield from outbox.is_dead(holder, signed))


def _key(context: Mapping[str, Any]) -> tuple[bytes, str]:
    kind, text = context["kind"], context["public_key"]
    try:
        key = bytes.fromhex(text)
    except (TypeError, ValueError):
        key = b""
    if not isinstance(kind, str) or kind not in KINDS or not key or not _VALID[kind](key):
        raise InvalidTransaction("the stored public key is none of the stored kind")
    return key, kind


def _proofs(context: Mapping[str, Any], data: TransactionData) -> Signed:
    listed = context.get("signatures", [])
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise InvalidTransaction("the stored signatures are no list")
    return Signed.joined(data, [Proof.parse(text) for text in listed])


def _proof(wanted: SigningRequest, signature: bytes, data: TransactionData) -> Proof:
    if len(signature) not in (64, 65):
        raise InvalidTransaction("a signature has 64 bytes, or 65 with a recovery id")
    for kind in KINDS:
        if len(wanted.public_key) == (32 if kind == "ed25519" else 33):
            proof = Proof(kind, bytes(signature[:64]), wanted.public_key)
            if proof.address in data.signers:
                return proof
    raise InvalidTransaction("a signature is of a key that is no signer's of this transaction")
