"""The family of the XRP Ledger: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import Chain, Claims, Holder, Network, Nonces, Options, Payment, Replay
from ...errors import BadResponse, InputError, InvalidAddress, InvalidTransaction, SigningRefused, Unsupported
from ...ops import Op, ask, attempt
from ...path import Path
from ...transactions import (
    Balance,
    Fee,
    Receipt,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
)
from . import addresses, answers, currencies, forms, messages, summary
from . import build as building
from . import delivery as sending
from . import replay as outbox
from .serialization import encode
from .transaction import (
    SignerList,
    Transaction,
    made_by,
    network_id,
    partial_bytes,
    request,
    transaction_id,
)

__all__ = ["Xrp"]


class Xrp(Chain):
    """The XRP Ledger and networks like it, through the JSON-RPC of rippled or Clio.

    Options of ``build``: ``destination_tag``, ``source_tag``, ``invoice_id``, ``nonce`` (or ``sequence``), ``ticket``,
    ``ledgers`` (how many later ledgers may include it: 20 unless told) or ``last_ledger_sequence``, ``fee`` (drops as a
    number, or text in XRP), ``account`` (a multi-signed account of whose signers this is one), ``call`` (another type
    of transaction than Payment) and ``fields`` (the ledger's own fields for it).
    """

    family: ClassVar[str] = "xrp"
    curve: ClassVar[str] = "secp256k1"
    kinds: ClassVar[tuple[str, ...]] = ("secp256k1", "ed25519")
    key_forms: ClassVar[tuple[str, ...]] = ("family-seed", "hex")
    replay: ClassVar[Replay | None] = Replay.NONCE

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/144'/account'/0/index``, all of it hardened for ed25519, whose keys have no other children."""
        parent = Path("m/44'").hardened(network.slip44).hardened(account)
        if kind == "ed25519":
            return parent.hardened(0).hardened(index or 0)
        return parent / 0 / (index or 0)

    def curve_of(self, network: Network, kind: str) -> str:
        """The kinds are named by their curves."""
        return kind or self.curve

    def kind_of(self, path: Path) -> str:
        """ed25519 where every step is hardened."""
        return "ed25519" if len(path) and path.is_hardened_only else "secp256k1"

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The classic address of a compressed secp256k1 key (33 bytes) or an ed25519 key (32); InvalidKey."""
        return addresses.classic(addresses.of_key(public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The classic address; an X-address that carries a tag stays one. InvalidAddress."""
        return addresses.canonical(network, text)

    def asset_id(self, network: Network, reference: str) -> str:
        """``xrpl:0/token:USD.r...`` of a currency and its issuer; InvalidAddress."""
        return currencies.asset_of(network, currencies.parse_reference(reference)).id

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """``tx_blob`` (hex or bytes) or the servers' JSON (dict or text), or a list of copies signed by several."""
        found = forms.read_for(holder, native)
        found.transaction.check_network(holder.network)
        if found.transaction.signature is not None:
            raise InvalidTransaction("this transaction is already signed: broadcast it")
        return self._unsigned(holder, found.transaction, found.signer_list)

    def _unsigned(self, holder: Holder, transaction: Transaction, known: SignerList | None) -> UnsignedTransaction:
        if encode(transaction.fields) != transaction.body:
            raise Unsupported(
                "it holds signatures of others that its own does not cover, which are not carried on here"
            )
        fee = building.fee_of(holder.network, transaction)
        context: dict[str, Any] = {}
        if not transaction.key:
            context = {
                "public_key": holder.public_key.hex(),
                "signers": [
                    [addresses.classic(account), made.key.hex(), made.signature.hex()]
                    for account, made in sorted(transaction.signers.items())
                ],
                "signer_list": None if known is None else known.to_dict(),
            }
        asked = self._requests(transaction, holder.public_key, holder.path)
        sender = str(transaction.fields["Account"])
        return UnsignedTransaction(self, holder.network, sender, transaction.body, fee, asked, (), context)

    def _requests(self, transaction: Transaction, public_key: bytes, path: Path | None) -> tuple[SigningRequest, ...]:
        return (request(transaction, public_key, addresses.of_key(public_key), path),)

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
        transaction, _ = _stored(body, context)
        transaction.check_network(network)
        transaction.check_signatures()
        if transaction.fields["Account"] != sender:
            raise InvalidTransaction("the stored sender is not the one in the bytes")
        if any(amount.asset != network.native for amount in (fee.expected, fee.maximum)):
            raise InvalidTransaction(f"fees on {network.name} are paid in {network.symbol}")
        if fee.maximum.units != transaction.fee or fee.expected != fee.maximum:
            raise InvalidTransaction("the stored fee is not the one in the bytes")
        if transaction.key:
            key = transaction.key
        else:
            try:
                key = bytes.fromhex(context["public_key"])
            except (TypeError, ValueError):
                raise InvalidTransaction("the stored public key is no hex") from None
        if not addresses.is_key(addresses.ledger_key(key)):
            raise InvalidTransaction("the stored public key is none")
        key = key[1:] if len(key) == 33 and key[:1] == addresses.ED else key
        asked = self._requests(transaction, key, paths.get(key))
        return UnsignedTransaction(self, network, sender, body, fee, asked, assets, dict(context))

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the holder is the sender, or one of several who sign for it and has not yet."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        found, known = _stored(transaction.body, transaction.context)
        ours = addresses.account_id(holder.address)
        if found.key:
            if found.account != ours:
                raise SigningRefused(f"the transaction is of {found.fields['Account']}, not of {holder.address}")
            if found.key != addresses.ledger_key(holder.public_key):
                raise SigningRefused(f"the transaction names another key than that of {holder.address}")
        elif found.account == ours:
            raise SigningRefused(f"several others sign this transaction for {holder.address}, which cannot sign itself")
        elif ours in found.signers:
            raise SigningRefused(f"{holder.address} has signed this transaction already")
        elif known is not None and holder.address not in known.weights:
            raise SigningRefused(f"{holder.address} is not on the signer list of {found.fields['Account']}")
        return self._requests(found, holder.public_key, holder.path)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes do, with warnings."""
        found, _ = _stored(transaction.body, transaction.context)
        return summary.describe(transaction.network, found, transaction.fee)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The transaction with its earlier signatures and the new ones.

        While signatures are missing ``raw`` is JSON for the other signers, and each signature changes the id.
        """
        if not signed:
            raise InvalidTransaction("the transaction lacks a signature")
        found, known = _stored(transaction.body, transaction.context)
        for asked, signature in signed:
            made = made_by(asked, signature)
            account = addresses.of_key(made.key)
            if asked.preimage != found.preimage(account) or (found.key and made.key != found.key):
                raise InvalidTransaction("a signature belongs to another transaction")
            if found.key:
                found = replace(found, signature=made.signature)
            else:
                found = replace(found, signers={**found.signers, account: made})
        return self._signed(transaction.network, found, known)

    def _signed(self, network: Network, found: Transaction, known: SignerList | None) -> SignedTransaction:
        complete, raw = found.is_complete(known), found.encode()
        txid = transaction_id(raw)
        if not complete:
            raw = partial_bytes(found, known)
        return SignedTransaction(self, network, raw, txid, complete, found.last_ledger)

    def to_wire(self, signed: SignedTransaction) -> Any:
        """``tx_blob`` for ``submit``: upper-case hex. While signatures are missing, JSON text for the other signers."""
        return signed.raw.hex().upper() if signed.complete else signed.raw.decode()

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed transaction in any form, each signature verified; a list of copies is put together."""
        found = forms.read(wire)
        found.transaction.check_network(network)
        if found.transaction.signature is None and not found.transaction.signers:
            raise InvalidTransaction("this transaction carries no signature: sign it first")
        return self._signed(network, found.transaction, found.signer_list)

    def transaction_id(self, raw: bytes) -> str:
        """The id of signed bytes."""
        return transaction_id(raw)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """The bytes themselves (ed25519) or half of their SHA-512 (secp256k1), as ``ripple-keypairs`` signs them."""
        if form:
            raise InputError("messages of the XRP Ledger have one form, without options")
        return messages.request(holder, message)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """JSON with ``publicKey`` and ``signature`` in hex."""
        return messages.written(request, signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the address's master key made it: that JSON or, of secp256k1, the bare signature."""
        return messages.is_signed_by(addresses.parse(network, address).account, message, signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the server's network id."""
        (outcome,) = yield from ask(answers.server_state(network))
        found = answers.state(outcome).network_id
        if found != network_id(network):
            raise BadResponse(f"this endpoint serves xrpl:{found}, not {network.name} ({network.id}): check its URL")

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A token by currency and issuer; InvalidAddress where the issuer has no account."""
        if reference == network.native.reference:
            return network.native
        token = currencies.parse_reference(reference)
        issuer = addresses.classic(token.issuer)
        (outcome,) = yield from attempt(answers.account_info(network, issuer, "validated"))
        if answers.account(outcome, issuer) is None:
            raise InvalidAddress(f"{issuer} has no account on {network.name}: it issues nothing")
        return currencies.asset_of(network, token)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """XRP less the reserve, which is ``locked``; of a token what a trust line holds, ``locked`` where it is frozen."""
        network, address = holder.network, holder.address
        if asset == network.native:
            head, info = yield from attempt(
                answers.server_state(network), answers.account_info(network, address, "validated")
            )
            state, account = answers.state(head), answers.account(info, address)
            if account is None:
                return Balance.of(asset, 0)
            locked = min(account.balance, state.reserve(account.owned))
            return Balance.of(asset, account.balance - locked, 0, locked)
        if asset.namespace != "token" or asset.decimals != currencies.DECIMALS:
            raise Unsupported("balances are of XRP and of the tokens of trust lines, which have 15 decimals here")
        token = currencies.parse_reference(asset.reference)
        if addresses.account_id(address) == token.issuer:
            return Balance.of(asset, 0)
        line = yield from answers.lines(network, address, token, "validated")
        held = 0 if line is None else max(line.balance, 0)
        frozen = line is not None and line.is_frozen_by_peer
        return Balance.of(asset, 0 if frozen else held, 0, held if frozen else 0)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """One payment, or another type of transaction by ``call``, checked against what the ledger says."""
        made, fee, known = yield from building.build(holder, payments, options)
        return replace(self._unsigned(holder, made, known), fee=fee)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``submit``; a transaction that is in already is a success."""
        return (yield from sending.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """By id; final once it is validated. ``expiry`` is the last ledger that may include it."""
        return (yield from sending.status(network, txid, expiry))

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """The sequence number; none where a ticket is used."""
        return outbox.claims(signed)

    def nonces(self, holder: Holder) -> Op[Nonces]:
        """The account's next sequence number."""
        return (yield from outbox.nonces(holder))

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether its last ledger has passed or its sequence is used, and the server has searched every ledger for it."""
        return (yield from outbox.is_dead(holder, signed, depth=depth))

    def replace(
        self, holder: Holder, transaction: UnsignedTransaction, options: Options, *, cancel: bool = False
    ) -> Op[UnsignedTransaction]:
        """The same with the same sequence and a fee by a quarter higher, or nothing in its place."""
        old, _ = _stored(transaction.body, transaction.context)
        made, fee = yield from outbox.replacement(holder, old, options, cancel=cancel)
        return replace(self._unsigned(holder, made, None), fee=fee)


def _stored(body: bytes, context: Mapping[str, Any]) -> tuple[Transaction, SignerList | None]:
    """The transaction in stored bytes with the signatures beside it, and the signer list."""
    found = Transaction.decode(body)
    if found.signature is not None or found.signers:
        raise InvalidTransaction("the stored bytes hold a signature, which belongs beside them")
    if found.key:
        if context:
            raise InvalidTransaction("a transaction of one signer has nothing stored beside its bytes")
        return found, None
    if set(context) != {"public_key", "signers", "signer_list"} or not isinstance(context["signers"], list):
        raise InvalidTransaction("the stored transaction lacks its signatures")
    listed = []
    for item in context["signers"]:
        if not isinstance(item, list) or len(item) != 3:
            raise InvalidTransaction("a stored signature is account, key and signature")
        listed.append({"Signer": dict(zip(("Account", "SigningPubKey", "TxnSignature"), item, strict=True))})
    if listed:
        found = Transaction.read({**found.fields, "Signers": listed})
    stated = context["signer_list"]
    return found, None if stated is None else SignerList.read(stated)
