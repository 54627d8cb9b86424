"""The TRON family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import BatchPlan, Chain, Claims, Holder, Network, Options, Payment, Replay
from ...crypto.hashes import keccak256, sha256
from ...crypto.secp256k1 import is_valid_public_key
from ...errors import BadResponse, InputError, InvalidTransaction, SigningRefused
from ...ops import Op, ask
from ...path import Path
from ...template import RefusedRow
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
from . import addresses, answers, fees, messages, node_form, signatures, summary, tokens, typed_data
from . import build as building
from . import delivery as sending
from .batch import Plan
from .raw_data import MAX_SIGNATURES, RawData, decode_transaction, encode_transaction
from .template import Template

__all__ = ["Tron"]


class Tron(Chain):
    """TRON and its test networks, through the HTTP API of a full node (``wallet/...``).

    Options of ``build``: ``fee_limit`` (sun, contract calls), ``expiration`` (seconds from the newest block, 600
    unless told), ``permission_id`` (multi-signature accounts), ``data`` (call the recipient as a contract). There
    are no speeds: ``speed`` changes nothing.

    Signatures end in 27 or 28. A transaction under a ``Permission_id`` collects several: each signer signs the
    JSON that holds the earlier ones. How many it needs is written on the chain alone, so it always counts as
    complete, and the network refuses it while it is not.
    """

    family: ClassVar[str] = "tron"
    curve: ClassVar[str] = "secp256k1"
    kinds: ClassVar[tuple[str, ...]] = ("",)
    key_forms: ClassVar[tuple[str, ...]] = ("hex", "0xhex")
    replay: ClassVar[Replay | None] = Replay.EXPIRY

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/195'/account'/0/index`` (SLIP-44 number 195)."""
        return Path("m/44'/195'").hardened(account) / 0 / (index or 0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The ``T...`` address of a public key of 33 or 65 bytes; InvalidKey for another."""
        return addresses.from_bytes(addresses.of_public_key(public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The ``T...`` form of an address text, also of 41 and 40 hex digits; InvalidAddress."""
        return addresses.parse(text)

    def asset_id(self, network: Network, reference: str) -> str:
        """``tron:.../trc20:T...`` of a token contract's address."""
        return f"{network.id}/trc20:{addresses.parse(reference)}"

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """The node's JSON (dict or text), or the hex or bytes of ``raw_data``; InvalidTransaction.

        The parts of the JSON must agree: the hex with the fields, the id with the hash of the hex. Signatures
        that are in it are kept, and another is added to them.
        """
        if isinstance(native, RefusedRow):
            raise native.error
        body, raw, found = node_form.read(native)
        if len(found) >= MAX_SIGNATURES:
            raise InvalidTransaction(f"this transaction has all of its {MAX_SIGNATURES} signatures already")
        fee = fees.worst_case(
            holder.network,
            contract=raw.contract,
            body_size=len(body),
            memo=bool(raw.data),
            fee_limit=raw.fee_limit,
            signatures=MAX_SIGNATURES if raw.permission_id else 1,
        )
        return self._unsigned(holder, raw, body, fee, (), found)

    def _unsigned(
        self,
        holder: Holder,
        raw: RawData,
        body: bytes,
        fee: Fee,
        assets: tuple[Asset, ...],
        found: tuple[bytes, ...] = (),
    ) -> UnsignedTransaction:
        context = {
            "public_key": holder.public_key.hex(),
            "expiration": raw.expiration,
            "signatures": [item.hex() for item in found],
        }
        request = SigningRequest(Scheme.RECOVERABLE, Digest.SHA256, body, holder.public_key, holder.path)
        sender = addresses.from_bytes(raw.owner)
        return UnsignedTransaction(self, holder.network, sender, body, fee, (request,), assets, context)

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
        raw = RawData.decode(body)
        if addresses.from_bytes(raw.owner) != sender:
            raise InvalidTransaction(
                f"the stored sender is not the owner in the bytes, {addresses.from_bytes(raw.owner)}"
            )
        if set(context) != {"public_key", "expiration", "signatures"} or context["expiration"] != raw.expiration:
            raise InvalidTransaction("the stored expiration is not the one in the bytes")
        if any(
            amount.asset != network.native or amount.asset.decimals != network.decimals
            for amount in (fee.expected, fee.maximum)
        ):
            raise InvalidTransaction(f"fees on {network.name} are paid in {network.symbol}")
        listed, key = context["signatures"], context["public_key"]
        if not isinstance(listed, list) or not isinstance(key, str):
            raise InvalidTransaction("the stored signatures are no list, or the public key no text")
        try:
            public_key = bytes.fromhex(key)
        except ValueError:
            public_key = b""
        if len(public_key) != 33 or not is_valid_public_key(public_key):
            raise InvalidTransaction("the stored public key is none")
        found = tuple(map(signatures.from_hex, listed))
        node_form.check_signatures(found, body)
        request = SigningRequest(Scheme.RECOVERABLE, Digest.SHA256, body, public_key, paths.get(public_key))
        return UnsignedTransaction(self, network, sender, body, fee, (request,), assets, dict(context))

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the holder is the owner in the bytes or the transaction is under a permission."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        raw = RawData.decode(transaction.body)
        owner = addresses.from_bytes(raw.owner)
        if owner != holder.address and not raw.permission_id:
            raise SigningRefused(
                f"the transaction is {owner}'s, not {holder.address}'s; an account of several keys needs a Permission_id"
            )
        digest = sha256(transaction.body)
        ours = addresses.of_public_key(holder.public_key)
        for item in transaction.context.get("signatures", ()):
            if signatures.signer_of(signatures.from_hex(item), digest) == ours:
                raise SigningRefused(f"{holder.address} has signed this transaction already")
        return (SigningRequest(Scheme.RECOVERABLE, Digest.SHA256, transaction.body, holder.public_key, holder.path),)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes do, with warnings."""
        raw = RawData.decode(transaction.body)
        return summary.describe(transaction.network, raw, transaction.fee, transaction.assets)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The transaction with its earlier signatures and the new ones (65 bytes each: r, s, recovery id)."""
        body = transaction.body
        raw, digest = RawData.decode(body), sha256(body)
        if not signed:
            raise InvalidTransaction("the transaction lacks a signature")
        found = list(map(signatures.from_hex, transaction.context.get("signatures", ())))
        for request, signature in signed:
            if request.preimage != body or request.scheme is not Scheme.RECOVERABLE:
                raise InvalidTransaction("a signature belongs to another transaction")
            item = signatures.with_v(signature)
            if signatures.signer_of(item, digest) != addresses.of_public_key(request.public_key):
                raise InvalidTransaction("a signature was not made by the key that was asked")
            found.append(item)
        if len(found) > MAX_SIGNATURES:
            raise InvalidTransaction(f"a TRON transaction has at most {MAX_SIGNATURES} signatures")
        wire = encode_transaction(body, tuple(found))
        return SignedTransaction(self, transaction.network, wire, digest.hex(), True, raw.expiration)

    def to_wire(self, signed: SignedTransaction) -> Any:
        """The node's JSON with the signatures in it, as ``wallet/broadcasttransaction`` takes it.

        For contract types that are known by name only: ``{"transaction": hex}``, as ``wallet/broadcasthex`` does.
        """
        body, found = decode_transaction(signed.raw)
        if RawData.decode(body).values is None:
            return {"transaction": signed.raw.hex()}
        return node_form.transaction_json(body, found)

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed transaction from the node's JSON (dict or text), or its bytes or hex; InvalidTransaction."""
        if isinstance(wire, Mapping) and set(wire) == {"transaction"} and isinstance(wire["transaction"], str):
            wire = wire["transaction"]
        body, raw, found = node_form.read(wire)
        if not found:
            raise InvalidTransaction("this transaction carries no signature: sign it first")
        return SignedTransaction(
            self, network, encode_transaction(body, found), sha256(body).hex(), True, raw.expiration
        )

    def batch(self, holder: Holder) -> BatchPlan:
        """The hot path for transfers of TRX and TRC-20 tokens by their owner."""
        return Plan(self, holder)

    def template(self, holder: Holder, **fixed: Any) -> Template:
        """What many transfers of one asset share; see :class:`~multiwallet.chains.tron.template.Template`."""
        return Template.of(holder, fixed)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """TIP-191 in its second version (``signMessageV2``); there are no other forms."""
        if form:
            raise InputError(f"TRON messages have no option {sorted(form)[0]!r}")
        return self._text_request(holder, messages.preimage(message))

    def typed_data(self, holder: Holder, data: Any) -> SigningRequest:
        """TIP-712: EIP-712 with TRON's addresses and ``trcToken``. The domain's chainId is signed as it stands."""
        return self._text_request(holder, typed_data.preimage(data))

    def _text_request(self, holder: Holder, preimage: bytes) -> SigningRequest:
        return SigningRequest(Scheme.RECOVERABLE, Digest.KECCAK256, preimage, holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """``0x`` and 65 bytes of hex, the last 1b or 1c."""
        return messages.written(signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a TIP-191 signature (v 0, 1, 27 or 28) over the message is the address's."""
        return messages.is_signed_by(addresses.parse(address), messages.hash_of(message), signature)

    def verify_typed_data(self, network: Network, address: str, data: Any, signature: str | bytes) -> bool:
        """Whether a TIP-712 signature over the typed data is the address's."""
        return messages.is_signed_by(addresses.parse(address), keccak256(typed_data.preimage(data)), signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the id of block 0, whose last four bytes are the network's CAIP-2 reference."""
        call = "wallet/getblockbynum"
        (answer,) = yield from ask(answers.post(network, call, num=0))
        genesis = answers.hex_field(answers.table(answer, call), "blockID", call, 32).hex()
        wanted = network.params.get("genesis") or network.reference.removeprefix("0x")
        if not genesis.endswith(str(wanted)):
            raise BadResponse(
                f"this endpoint serves tron:0x{genesis[-8:]}, not {network.name} ({network.id}): check its URL"
            )

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A TRC-20 token by its contract; InvalidAddress where there is no token."""
        return (yield from tokens.asset(network, addresses.parse(reference)))

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """TRX (staked, unstaking and delegated TRX is locked) or a TRC-20 token."""
        return (yield from tokens.balance(holder, asset))

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """One transfer of TRX or of a TRC-20 token, or one contract call, priced before it is signed.

        The reference block and both times come from the node's newest block. Builds of one process differ in
        their timestamp by some milliseconds, so two like payments in one block are two transactions.
        """
        raw, fee, assets = yield from building.build(holder, payments, options)
        return self._unsigned(holder, raw, raw.encode(), fee, assets)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``wallet/broadcasthex``; a node that has the transaction already is a success."""
        return (yield from sending.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """From full node and solidity node; ``final`` once it is in a solidified block. ``expiry`` in milliseconds."""
        return (yield from sending.status(network, txid, expiry))

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """Nothing: two transactions of one account never exclude each other on TRON."""
        return Claims()

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether it has expired before a solidified block, and lies in none."""
        return sending.is_dead(holder.network, signed.txid, signed.expiry)
