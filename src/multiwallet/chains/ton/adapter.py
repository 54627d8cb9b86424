"""The TON family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ...amounts import Asset
from ...chain import Chain, Claims, Holder, Network, Options, Payment, Replay
from ...codec import boc
from ...crypto import ed25519
from ...errors import BadResponse, InputError, InvalidKey, InvalidPath, InvalidTransaction, SigningRefused
from ...ops import Op, ask
from ...path import HARDENED, Path
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
from . import addresses, answers, delivery, fees, forms, proofs, summary, tokens, wallets
from . import build as building
from .messages import External
from .wallets import Order

__all__ = ["Ton"]

_CONTEXT: Final = frozenset({"public_key", "jettons", "offline"})


class Ton(Chain):
    """TON and its test networks, through toncenter's HTTP API v3.

    An account is a wallet contract: ``v5r1`` (unless told), ``v4r2`` or ``v3r2``, each with an address of its own.
    Options of ``build``: ``bounce``, ``data`` and ``state_init`` (bags of cells, one native payment),
    ``forward_amount`` and ``attached`` (nanograms, jettons), ``valid_for`` (seconds, 600 unless told) or ``valid_until``, ``seqno``. There
    are no speeds: ``speed`` changes nothing.

    >>> from multiwallet import network
    >>> ton = network("ton")
    >>> str(Ton().path(ton, account=0, index=3, kind="v5r1"))
    "m/44'/607'/3'"
    >>> Ton().address(ton, bytes([7] * 32), "v5r1")
    'UQCeiKegzS-ppKDYP0Hap3M2SyldKFU5RBkxTfLqkf7o_sHj'
    """

    family: ClassVar[str] = "ton"
    curve: ClassVar[str] = "ed25519"
    kinds: ClassVar[tuple[str, ...]] = wallets.KINDS
    key_forms: ClassVar[tuple[str, ...]] = ("hex",)
    replay: ClassVar[Replay | None] = Replay.EXPIRY

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """m/44'/607'/i' where i is the index, or the account where no index is given."""
        if account and index:
            raise InvalidPath(
                "TON wallets number accounts in one place, m/44'/607'/i': give an index or an account, not both, "
                "or the whole path"
            )
        number = index or account
        if not 0 <= number < HARDENED:
            raise InvalidPath("an index is a number from 0 to 2147483647")
        return Path((44 + HARDENED, 607 + HARDENED, number + HARDENED))

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The ``UQ...`` (``0Q...`` on a test network) address of the key's wallet contract in workchain 0."""
        kind = kind or self.kinds[0]
        if kind not in self.kinds:
            raise InvalidKey(f"TON has the kinds {', '.join(self.kinds)}")
        number = wallets.wallet_id(kind, building.global_id(network))
        found = wallets.address(kind, bytes(public_key), number)
        return found.text(bounceable=False, test_only=network.testnet)

    def parse_address(self, network: Network, text: str) -> str:
        """The friendly form in base64url, flagged for the network. ``EQ`` stays ``EQ`` and ``UQ`` stays ``UQ``.

        Both name the same account; the first letter says whether a message to it is to bounce. A raw address becomes
        ``UQ``.
        """
        found, bounceable = addresses.parse(text, testnet=network.testnet)
        return found.text(bounceable=bounceable, test_only=network.testnet)

    def asset_id(self, network: Network, reference: str) -> str:
        """``tvm:-239/jetton:EQ...`` of a jetton's minter."""
        found, _ = addresses.parse(reference, testnet=network.testnet)
        return f"{network.id}/jetton:{found.text(bounceable=True, test_only=network.testnet)}"

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """An unsigned external message or a wallet's order as a bag of cells, or TON Connect's request with a seqno."""
        kind, number, owner = building.of_holder(holder)
        network = holder.network
        message = forms.read_unsigned(native, kind, number, owner, building.global_id(network), network.testnet)
        order = _order_of(message)
        fee = fees.checked(network, fees.offline(order, message), 0, None, seqno=order.seqno)
        transaction = self._unsigned(network, message, fee, holder.public_key, (), {}, offline=True)
        _check_owner(network, message, order, holder.public_key)
        self.summarize(transaction)  # every message has to be readable as one
        return transaction

    def _unsigned(
        self,
        network: Network,
        message: External,
        fee: Fee,
        public_key: bytes,
        assets: tuple[Asset, ...],
        jettons: Mapping[str, str],
        *,
        offline: bool = False,
        path: Path | None = None,
    ) -> UnsignedTransaction:
        order, _ = wallets.split(message.body)
        context = {"public_key": public_key.hex(), "jettons": dict(jettons), "offline": offline}
        request = SigningRequest(Scheme.ED25519, Digest.SHA256, order.representation, public_key, path)
        sender = message.to.text(bounceable=False, test_only=network.testnet)
        body = boc.encode(message.cell())
        return UnsignedTransaction(self, network, sender, body, fee, (request,), assets, context)

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
        message, order, signature = forms.read_external(body)
        if any(signature):
            raise InvalidTransaction("the stored message is signed already")
        if set(context) != _CONTEXT or not isinstance(context["offline"], bool):
            raise InvalidTransaction("the stored context is not that of a TON transaction")
        key, jettons = context["public_key"], context["jettons"]
        if not isinstance(key, str) or not isinstance(jettons, dict):
            raise InvalidTransaction("the stored public key is no text, or the jettons no object")
        try:
            public_key = bytes.fromhex(key)
        except ValueError:
            public_key = b""
        if len(public_key) != 32:
            raise InvalidTransaction("the stored public key has not 32 bytes")
        known = {asset.id for asset in assets}
        if not all(isinstance(name, str) and name in known for name in jettons.values()):
            raise InvalidTransaction("the stored jettons are not those of the stored assets")
        if any(
            amount.asset != network.native or amount.asset.decimals != network.decimals
            for amount in (fee.expected, fee.maximum)
        ):
            raise InvalidTransaction(f"fees on {network.name} are paid in {network.symbol}")
        _check_owner(network, message, order, public_key)
        if fee.maximum.units < summary.attached(order, jettons):
            raise InvalidTransaction("the stored fee is less than the coins that travel with the jettons")
        made = self._unsigned(
            network,
            message,
            fee,
            public_key,
            assets,
            jettons,
            offline=context["offline"],
            path=paths.get(public_key),
        )
        if made.sender != sender or made.body != body:
            raise InvalidTransaction("the stored sender or form is not that of the stored message")
        return made

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the wallet that the message goes to is the holder's."""
        network = holder.network
        if transaction.network != network:
            raise SigningRefused(f"the transaction is for {transaction.network.name}, the account is on {network.name}")
        message, order, _ = forms.read_external(transaction.body)
        owner, _ = addresses.parse(holder.address, testnet=network.testnet)
        if message.to != owner or transaction.context.get("public_key") != holder.public_key.hex():
            raise SigningRefused(f"the transaction is of another wallet than {holder.address}")
        preimage = order.cell().representation
        return (SigningRequest(Scheme.ED25519, Digest.SHA256, preimage, holder.public_key, holder.path),)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the order does, with warnings."""
        message, order, _ = forms.read_external(transaction.body)
        try:
            return summary.describe(
                transaction.network,
                message,
                order,
                transaction.fee,
                transaction.assets,
                transaction.context.get("jettons", {}),
                offline=bool(transaction.context.get("offline")),
            )
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(f"a message of the order cannot be read: {error.message}") from None

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The external message with the signature in its place; the id is its normalised hash (TEP-467)."""
        message, order, _ = forms.read_external(transaction.body)
        cell = order.cell()
        if len(signed) != 1:
            raise InvalidTransaction("an order carries one signature")
        ((request, signature),) = signed
        if len(signature) != 64:
            raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
        if request.preimage != cell.representation or not ed25519.verify(request.public_key, cell.hash, signature):
            raise InvalidTransaction("the signature belongs to another transaction or key")
        sealed = External(message.to, wallets.join(cell, signature), message.init)
        return self._signed(transaction.network, sealed, order)

    def _signed(self, network: Network, message: External, order: Order) -> SignedTransaction:
        txid = message.normalized_hash.hex()
        return SignedTransaction(self, network, boc.encode(message.cell()), txid, True, order.valid_until)

    def to_wire(self, signed: SignedTransaction) -> str:
        """The bag of cells in base64."""
        return base64.b64encode(signed.raw).decode("ascii")

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed external message to a wallet, as bytes, hex, base64 or ``{"boc": base64}``."""
        message, order, signature = forms.read_external(wire)
        if not any(signature):
            raise InvalidTransaction("this message carries no signature: sign it first")
        return self._signed(network, message, order)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """TON Connect's signData for text or bytes, or a ton_proof (``form="proof"``); ``domain=``, ``timestamp=``."""
        owner, _ = addresses.parse(holder.address, testnet=holder.network.testnet)
        return proofs.request(owner, holder.public_key, holder.path, message, form)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """JSON with the signature, the public key and what else a verifier needs."""
        return proofs.written(request, signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the JSON of :meth:`message_signature` is of this message and address."""
        owner, _ = addresses.parse(address, testnet=network.testnet)
        return proofs.verify(owner, building.global_id(network), message, signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the ``global_id`` of the newest block with the network's CAIP-2 reference."""
        (answer,) = yield from ask(answers.get(network, "masterchainInfo"))
        found = answers.tip(answer).global_id
        if found != building.global_id(network):
            raise BadResponse(f"this endpoint serves tvm:{found}, not {network.name} ({network.id}): check its URL")

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A jetton by its minter."""
        return (yield from tokens.asset(network, reference))

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """Gram or a jetton."""
        return (yield from tokens.balance(holder, asset))

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """One order for all payments: up to 255 from a v5 wallet, 4 from the others; Gram and jettons may be mixed."""
        plan = yield from building.build(holder, payments, options)
        used = tuple(dict.fromkeys(payment.asset for payment in payments if payment.asset != holder.network.native))
        return self._unsigned(
            holder.network,
            plan.message,
            plan.fee,
            holder.public_key,
            used,
            plan.jettons,
            offline=plan.offline,
            path=holder.path,
        )

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """Hand the message to a node; the same bytes again are harmless."""
        message, _, _ = forms.read_external(signed.raw)
        return (yield from delivery.broadcast(network, signed, message))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Where the message's transaction stands; ``txid`` is the normalised hash, ``expiry`` in seconds since 1970."""
        return (yield from delivery.status(network, txid, expiry))

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """Nothing that another order could name: a payment is signed anew only once the one before has expired."""
        return Claims()

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether the order's time is up for certain and no block holds it."""
        _, order, _ = forms.read_external(signed.raw)
        return (yield from delivery.is_dead(holder.network, signed, order.valid_until, depth))


def _order_of(message: External) -> Order:
    order, _ = wallets.split(message.body)
    return Order.read(order)


def _check_owner(network: Network, message: External, order: Order, public_key: bytes) -> None:
    """The wallet that is told belongs to the key, and a StateInit that comes along is its own."""
    first = wallets.initial_state(order.kind, public_key, order.wallet_id)
    if message.to != addresses.Address(0, first.hash):
        raise InvalidTransaction("the message does not go to the wallet contract of the key and wallet id in it")
    if message.init is not None and message.init != first:
        raise InvalidTransaction("the StateInit in the message is not that of the wallet")
    if order.wallet_id != wallets.wallet_id(order.kind, building.global_id(network)):
        raise InvalidTransaction("the order is for another wallet id or another network than this account's")
