"""The Aptos family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import Chain, Claims, Holder, Network, Nonces, Options, Payment, Replay
from ...crypto.ed25519 import is_valid_public_key, verify
from ...errors import BadResponse, InvalidPath, InvalidTransaction, SigningRefused
from ...ops import Op, ask, attempt
from ...path import Path
from ...transactions import (
    Balance,
    Digest,
    Fee,
    Receipt,
    Scheme,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
)
from . import addresses, answers, forms, functions, messages, summary
from . import build as building
from . import delivery as sending
from . import replay as outbox
from .raw_transaction import SigningMessage
from .signed import Proof, Signed, check_signers, transaction_id

__all__ = ["Aptos"]


class Aptos(Chain):
    """Aptos and its test networks, through the REST API of a fullnode.

    Options of ``build``: ``sequence_number`` (or ``nonce``), ``orderless`` and ``replay_nonce``, ``expiration``
    (seconds from the ledger's time: 600 unless told, 60 for orderless ones), ``gas_unit_price``, ``max_gas_amount``,
    ``fee_payer`` and ``secondary_signers`` (addresses), ``function`` with ``type_arguments`` and ``arguments``, or
    ``data`` (a payload in BCS).

    Where several accounts sign, each signs what the one before made: ``complete`` is False until the last.
    """

    family: ClassVar[str] = "aptos"
    curve: ClassVar[str] = "ed25519"
    kinds: ClassVar[tuple[str, ...]] = ("",)
    key_forms: ClassVar[tuple[str, ...]] = ("aip-80", "0xhex", "hex")
    replay: ClassVar[Replay | None] = Replay.NONCE

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/637'/i'/0'/0'`` where i is the index, or the account where no index is given, as wallets count."""
        if account and index:
            raise InvalidPath(
                "Aptos wallets number accounts in one place, m/44'/637'/i'/0'/0': give an index or an account, not both, "
                "or the whole path"
            )
        return Path("m/44'/637'").hardened(index or account).hardened(0).hardened(0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The address of a 32-byte Ed25519 public key; InvalidKey for another length."""
        return addresses.from_bytes(addresses.of_public_key(public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The canonical form of AIP-40; InvalidAddress."""
        return addresses.parse(text)

    def asset_id(self, network: Network, reference: str) -> str:
        """``aptos:1/fa:0x...`` of a metadata object's address, ``aptos:1/coin:...`` of a coin type."""
        return functions.asset_id(network, reference)

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """Bytes or hex in BCS, or the REST API's fields (dict or JSON text), with the signatures that are in it."""
        signed = forms.read(holder.network, native)
        message = forms.payer_for(signed.message, addresses.to_bytes(holder.address))
        check_signers(message)
        self._check_chain(holder.network, message)
        kept = Signed(message, signed.proofs)
        kept.check()
        return self._unsigned(holder, kept, building.fee_of(holder.network, message.raw), ())

    def _unsigned(self, holder: Holder, signed: Signed, fee: Fee, assets: tuple[Asset, ...]) -> UnsignedTransaction:
        body = signed.message.encode()
        context = {
            "public_key": holder.public_key.hex(),
            "signatures": [
                [address.hex(), proof.public_key.hex(), proof.signature.hex(), proof.single_key]
                for address, proof in signed.proofs.items()
            ],
        }
        sender = addresses.from_bytes(signed.message.raw.sender)
        request = SigningRequest(Scheme.ED25519, Digest.NONE, body, holder.public_key, holder.path)
        return UnsignedTransaction(self, holder.network, sender, body, fee, (request,), assets, context)

    def _check_chain(self, network: Network, message: SigningMessage) -> None:
        if not building.check_chain_id(network, message.raw.chain_id):
            raise InvalidTransaction(f"the transaction is for the chain id {message.raw.chain_id}, not {network.name}")

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
        message = SigningMessage.decode(body)
        check_signers(message)
        self._check_chain(network, message)
        if addresses.from_bytes(message.raw.sender) != sender:
            raise InvalidTransaction(
                f"the stored sender is not the one in the bytes, {addresses.from_bytes(message.raw.sender)}"
            )
        if any(amount.asset != network.native for amount in (fee.expected, fee.maximum)):
            raise InvalidTransaction(f"fees on {network.name} are paid in {network.symbol}")
        if fee.maximum.units != message.raw.max_fee or fee.expected > fee.maximum:
            raise InvalidTransaction("the stored fee is not the one in the bytes")
        if set(context) != {"public_key", "signatures"}:
            raise InvalidTransaction("the stored transaction lacks its public key or its signatures")
        key = _hex(context["public_key"], 32)
        if not is_valid_public_key(key):
            raise InvalidTransaction("the stored public key is none")
        _proofs(context, message).check()
        request = SigningRequest(Scheme.ED25519, Digest.NONE, body, key, paths.get(key))
        return UnsignedTransaction(self, network, sender, body, fee, (request,), assets, dict(context))

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the holder is the sender, a further signer or the fee payer, and has not signed yet."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        message = SigningMessage.decode(transaction.body)
        if not building.check_chain_id(holder.network, message.raw.chain_id):
            raise SigningRefused(
                f"the transaction is for the chain id {message.raw.chain_id}, the account is on {holder.network.name}"
            )
        ours = addresses.to_bytes(holder.address)
        if ours not in message.signers:
            named = ", ".join(map(addresses.from_bytes, message.signers))
            raise SigningRefused(f"the transaction is signed by {named}, not by {holder.address}")
        if ours in _proofs(transaction.context, message).proofs:
            raise SigningRefused(f"{holder.address} has signed this transaction already")
        return (SigningRequest(Scheme.ED25519, Digest.NONE, transaction.body, holder.public_key, holder.path),)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes do, with warnings."""
        message = SigningMessage.decode(transaction.body)
        return summary.describe(transaction.network, message, transaction.fee, transaction.assets)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The transaction with its earlier signatures and the new ones (64 bytes each).

        While signatures are missing ``raw`` is for the other signers: they sign its hex. Its id changes with each.
        """
        if not signed:
            raise InvalidTransaction("the transaction lacks a signature")
        message = SigningMessage.decode(transaction.body)
        proofs = dict(_proofs(transaction.context, message).proofs)
        for request, signature in signed:
            if request.preimage != transaction.body or request.scheme is not Scheme.ED25519:
                raise InvalidTransaction("a signature belongs to another transaction")
            if len(signature) != 64 or not verify(request.public_key, transaction.body, signature):
                raise InvalidTransaction("a signature was not made by the key that was asked")
            address = addresses.of_public_key(request.public_key)
            if address not in message.signers:
                raise InvalidTransaction(f"{addresses.from_bytes(address)} is no signer of this transaction")
            proofs[address] = Proof(request.public_key, bytes(signature))
        return self._signed(transaction.network, Signed(message, proofs))

    def _signed(self, network: Network, signed: Signed) -> SignedTransaction:
        raw = signed.encode()
        return SignedTransaction(
            self, network, raw, transaction_id(raw), signed.is_complete, signed.message.raw.expiration
        )

    def to_wire(self, signed: SignedTransaction) -> Any:
        """``0x`` and the hex of the signed transaction in BCS, which nodes take as bytes and SDKs read."""
        return "0x" + signed.raw.hex()

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed transaction from its BCS (bytes or hex), each signature checked; InvalidTransaction."""
        signed = forms.read_signed(wire)
        self._check_chain(network, signed.message)
        return self._signed(network, signed)

    def transaction_id(self, raw: bytes) -> str:
        """The id of signed bytes."""
        return transaction_id(raw)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """The text of AIP-62; ``nonce``, ``application`` (text), ``address`` and ``chain_id`` (whether they are named)."""
        preimage = messages.full_message(holder, message, form)
        return SigningRequest(Scheme.ED25519, Digest.NONE, preimage, holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """JSON with the fields of AIP-62's answer and the public key, without which nobody could verify it."""
        return messages.written(holder, request.preimage, signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a signature in the form of :meth:`message_signature` over the message is the address's."""
        return messages.is_signed_by(network, addresses.parse(address), message, signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the node's chain id."""
        (answer,) = yield from ask(answers.get(network, ""))
        found = answers.ledger(answer).chain_id
        if not building.check_chain_id(network, found):
            raise BadResponse(f"this endpoint serves aptos:{found}, not {network.name} ({network.id}): check its URL")

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A fungible asset by its metadata address or a coin by its type; InvalidAddress where there is none."""
        if reference == network.native.reference or functions.asset_id(network, reference) == network.native.id:
            return network.native
        (answer,) = yield from attempt(answers.get(network, answers.token_path(reference)))
        return answers.token(network, reference, answer)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """APT or a token: what is in the account's primary store and, for coins, in its coin store."""
        (answer,) = yield from attempt(answers.get(holder.network, answers.balance_path(holder.address, asset)))
        return Balance.of(asset, answers.balance(answer))

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Payments of one asset to one or many, or a function's call, priced by a simulation before it is signed."""
        message, fee, assets = yield from building.build(holder, payments, options)
        return self._unsigned(holder, Signed(message, {}), fee, assets)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``POST /transactions``; a transaction that is in already is a success."""
        return (yield from sending.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """By hash; final as soon as it is included. ``expiry`` in seconds since 1970."""
        return (yield from sending.status(network, txid, expiry))

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """The sequence number; none for an orderless transaction."""
        return outbox.claims(signed)

    def nonces(self, holder: Holder) -> Op[Nonces]:
        """The account's next sequence number, as it is included."""
        return (yield from outbox.nonces(holder))

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether it has expired or its number is taken, and it is in no block; these are final at any depth."""
        return (yield from outbox.is_dead(holder, signed))


def _hex(value: Any, length: int) -> bytes:
    try:
        data = bytes.fromhex(value)
    except (TypeError, ValueError):
        data = b""
    if len(data) != length:
        raise InvalidTransaction("a stored key or signature is no hex of the right length")
    return data


def _proofs(context: Mapping[str, Any], message: SigningMessage) -> Signed:
    listed = context.get("signatures", [])
    if not isinstance(listed, list):
        raise InvalidTransaction("the stored signatures are no list")
    proofs: dict[bytes, Proof] = {}
    for item in listed:
        if not isinstance(item, list) or len(item) != 4 or not isinstance(item[3], bool):
            raise InvalidTransaction("a stored signature is address, key, signature and form")
        address = _hex(item[0], 32)
        if address not in message.signers or address in proofs:
            raise InvalidTransaction("a stored signature is of nobody who signs this, or is there twice")
        proofs[address] = Proof(_hex(item[1], 32), _hex(item[2], 64), item[3])
    return Signed(message, proofs)
