"""The Solana family as an adapter: addresses, transactions, messages and what is asked of a node."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...amounts import Asset
from ...chain import BatchPlan, Chain, Claims, Holder, Network, Options, Payment, Replay
from ...errors import (
    InputError,
    InvalidKey,
    InvalidPath,
    InvalidTransaction,
    SigningRefused,
)
from ...ops import Op
from ...path import HARDENED, Path
from ...transactions import (
    Balance,
    Digest,
    Fee,
    Receipt,
    Scheme,
    SealedTransaction,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
)
from . import address, build, decode, holdings, offchain, outcome
from .forms import Native, read_native, read_signed
from .message import Message, encode_transaction, parse_message

if TYPE_CHECKING:
    from .template import Template, TemplateRow

__all__ = ["Solana"]

_CONTEXT: Final = frozenset({"expiry", "owners", "notes", "rents", "signatures"})


class Solana(Chain):
    """SOL, SPL Token and Token-2022: legacy and version 0 messages, memos, priority fees, partial signing.

    One account is one address, m/44'/501'/index'/0', as Phantom and Solflare derive it. Building knows these
    options beside the common ones: ``version`` (``"legacy"`` or 0), ``compute_unit_limit``, ``compute_unit_price``
    (micro-lamports), ``blockhash`` and ``allow_off_curve`` (tokens to an address without a key).

    >>> from multiwallet import network
    >>> solana = network("solana")
    >>> str(Solana().path(solana, account=0, index=3, kind=""))
    "m/44'/501'/3'/0'"
    >>> Solana().address(solana, bytes(range(32)))
    '1thX6LZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE'
    """

    family: ClassVar[str] = "solana"
    curve: ClassVar[str] = "ed25519"
    key_forms: ClassVar[tuple[str, ...]] = ("keypair", "json", "hex")
    replay: ClassVar[Replay | None] = Replay.EXPIRY

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """m/44'/501'/i'/0' where i is the index, or the account where no index is given."""
        _no_kind(kind)
        if account and index:
            raise InvalidPath(
                "Solana wallets number accounts in one place, m/44'/501'/i'/0': give an index or an account, not both, "
                "or the whole path"
            )
        number = index or account
        if not 0 <= number < HARDENED:
            raise InvalidPath("an index is a number from 0 to 2147483647")
        return Path((44 + HARDENED, 501 + HARDENED, number + HARDENED, HARDENED))

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """Base58 of the 32-byte public key."""
        _no_kind(kind)
        if len(public_key) != 32:
            raise InvalidKey(f"an ed25519 public key has 32 bytes, not {len(public_key)}")
        return address.encode(bytes(public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The address as it is: base58 has one text for 32 bytes. Addresses of programs are addresses too."""
        return address.encode(address.parse(text))

    def asset_id(self, network: Network, reference: str) -> str:
        """The CAIP-19 id of a token by its mint."""
        return f"{network.id}/token:{self.parse_address(network, reference)}"

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """Take a message or a transaction: base64, base58 or hex text, bytes, or an object of solders.

        Signatures that came along are verified and kept. Rows of a template are taken as well; the error of a refused
        one is raised.
        """
        from .template import RefusedRow, TemplateRow

        if isinstance(native, RefusedRow):
            raise native.error
        if isinstance(native, TemplateRow):
            return self._adopt_row(holder, native)
        read = read_native(native)
        kept = {
            address.encode(key): signature.hex()
            for key, signature in zip(read.message.signers, read.signatures, strict=True)
            if signature is not None
        }
        context = {"signatures": kept} if kept else {}
        fee = decode.compute_fee(holder.network, read.message)
        return self._unsigned(holder.network, read.body, read.message, fee, {}, (), context)

    def _adopt_row(self, holder: Holder, row: TemplateRow) -> UnsignedTransaction:
        template = row.template
        if template.owner != (holder.network.id, holder.public_key):
            raise SigningRefused("the row belongs to a template of another account or network")
        if len(row.to) != 32 or not 0 < row.units < 2**64 or type(row.number) is not int:
            raise InvalidTransaction("a row has a key of 32 bytes, an amount from 1 to 2^64 - 1 and a number")
        message = template.compile(row.to, row.units, row.number)
        fee = decode.compute_fee(holder.network, message)
        assets = () if template.asset == holder.network.native else (template.asset,)
        context = {} if template.expiry is None else {"expiry": template.expiry}
        return self._unsigned(holder.network, message.to_bytes(), message, fee, {}, assets, context)

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
        """Rebuild a stored transaction; its fee, signatures and remembered facts have to fit its bytes."""
        message = parse_message(body)
        if sender != address.encode(message.payer):
            raise InvalidTransaction("the stored sender is not the fee payer of the stored message")
        computed = decode.compute_fee(network, message)
        if (fee.expected, fee.maximum) != (computed.expected, computed.maximum):
            raise InvalidTransaction(f"the stored fee of {fee} is not the {computed} of the stored message")
        return self._unsigned(network, body, message, fee, paths, assets, _checked_context(context))

    def _unsigned(
        self,
        network: Network,
        body: bytes,
        message: Message,
        fee: Fee,
        paths: Mapping[bytes, Path],
        assets: tuple[Asset, ...],
        context: Mapping[str, Any],
    ) -> UnsignedTransaction:
        _kept_signatures(message, body, context)
        requests = tuple(replace(request, path=paths.get(request.public_key)) for request in _requests(message, body))
        sender = address.encode(message.payer)
        return UnsignedTransaction(self, network, sender, body, fee, requests, assets, context)

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """The holder's own signature; it is the fee payer's, or one that the message asks for beside it."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.title}, the account is on {holder.network.title}"
            )
        message = parse_message(transaction.body)
        if transaction.sender != address.encode(message.payer):
            raise SigningRefused(
                f"the message is paid by another account than {transaction.sender}: it was tampered with"
            )
        for request in _requests(message, transaction.body):
            if request.public_key == holder.public_key:
                return (replace(request, path=holder.path),)
        raise SigningRefused(
            f"the transaction of {transaction.sender} does not ask for a signature of {holder.address}"
        )

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the message does. A durable nonce, other signers and whatever is risky are pointed out."""
        message = parse_message(transaction.body)
        network, context = transaction.network, transaction.context
        owners = [address.parse(text) for text in context.get("owners", ())]
        read = decode.decode(network, message, transaction.assets, owners, context.get("rents"))
        fee = decode.compute_fee(network, message)
        details = {
            "version": "legacy" if message.version is None else str(message.version),
            "blockhash": address.encode(message.blockhash),
        }
        warnings = [*read.warnings, *context.get("notes", ())]
        if read.nonce_account is not None:
            details["lifetime"] = f"no end: it uses the durable nonce of {read.nonce_account}"
            warnings.append(
                "the transaction never expires: once signed it can be sent at any time until its nonce moves on"
            )
        elif "expiry" in context:
            details["lifetime"] = f"until block height {context['expiry']}"
        if message.required_signatures > 1:
            details["signers"] = ", ".join(map(address.encode, message.signers))
        absurd = decode.absurd_fee(fee)
        if absurd:
            warnings.append(absurd)
        return Summary(
            network=network.id,
            sender=address.encode(message.payer),
            actions=tuple(read.actions),
            fee=fee,
            memo="\n".join(read.memos) if read.memos else None,
            details=details,
            warnings=tuple(warnings),
        )

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """Join the message with its signatures. Missing ones leave zeros, and ``complete`` is then False."""
        body = transaction.body
        message = parse_message(body)
        found = dict(_kept_signatures(message, body, transaction.context))
        for request, signature in signed:
            if len(signature) != 64:
                raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
            if request.public_key not in message.signers or request.preimage != body:
                raise InvalidTransaction("a signature belongs to another transaction or to no signer of this one")
            found[request.public_key] = bytes(signature)
        if not found:
            raise InvalidTransaction("a transaction is assembled with at least one signature")
        raw = encode_transaction([found.get(key, bytes(64)) for key in message.signers], body)
        complete = all(key in found for key in message.signers)
        return SealedTransaction(self, transaction.network, raw, complete, transaction.context.get("expiry"))

    def to_wire(self, signed: SignedTransaction) -> str:
        """Base64 of the transaction."""
        return base64.b64encode(signed.raw).decode("ascii")

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """Read a transaction from base64, base58 or hex text, bytes or solders; its signatures are verified."""
        read: Native = read_signed(wire)
        if not any(read.signatures):
            raise InvalidTransaction("the transaction carries no signature yet")
        _verify(read.message, read.body, dict(zip(read.message.signers, read.signatures, strict=True)))
        raw = encode_transaction([signature or bytes(64) for signature in read.signatures], read.body)
        return SealedTransaction(self, network, raw, all(read.signatures))

    def batch(self, holder: Holder) -> BatchPlan | None:
        """The hot path for ready messages that the holder alone signs."""
        from .batch import MessageBatch

        return MessageBatch(self, holder)

    def transaction_id(self, raw: bytes) -> str:
        """The first signature in base58; empty while the fee payer's is missing."""
        start = 1 if raw[0] < 0x80 else 2
        signature = raw[start : start + 64]
        return "" if signature == bytes(64) else address.encode(signature)

    def template(self, holder: Holder, **fixed: Any) -> Template:
        """What all transfers of a batch share, compiled once: ``template(...).fill(rows)`` gives what to sign.

        ``blockhash=`` (base58 text or 32 bytes); then, as far as wanted, ``asset=`` (an Asset; SOL without),
        ``version=``, ``compute_unit_limit=``, ``compute_unit_price=``, ``memo=``, ``expiry=`` (the block height that
        the block hash lasts to), and for tokens ``token_program=`` (Token without) and ``token_accounts=True`` where
        rows name token accounts instead of wallets. Each message is byte for byte what :meth:`build` makes with the
        same block hash and compute options, for recipients whose token account exists; nothing is looked up, so a
        transfer to a missing token account fails on chain.

        All rows share a block hash: without a compute limit the same row twice would be the same transaction twice, and
        is refused; with one the row's number is added to it. ``like`` is a transaction that :meth:`build` made, from
        which all of these are copied as far as they are not given.
        """
        from .template import Template

        return Template.of(holder, fixed)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """A text or bytes as wallets sign them; ``form="offchain"`` for Solana's off-chain message format."""
        data = offchain.preimage(message, holder.public_key, form)
        return SigningRequest(Scheme.ED25519, Digest.NONE, data, holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """The signature in base58."""
        if len(signature) != 64:
            raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
        return address.encode(signature)

    def verify_message(self, network: Network, address_: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the signature (base58, base64, 64 bytes) is the address's, over the message or its off-chain form.

        The off-chain form is tried for one signer and no application domain; with one, verify the encoded bytes.
        """
        from ...crypto import ed25519

        key = address.parse(address_)
        read = offchain.read_signature(signature)
        if read is None:
            return False
        try:
            data = offchain.message_bytes(message)
            if ed25519.verify(key, data, read):
                return True
            return ed25519.verify(key, offchain.encode_offchain(data, key), read)
        except InputError:
            return False

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the endpoint's genesis hash with the network's."""
        return holdings.identify(network)

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A token by its mint: decimals from the mint, symbol from its metadata, else the mint shortened."""
        mint = self.parse_address(network, reference)
        return holdings.asset(network, mint, self.asset_id(network, mint))

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """Lamports, all of them available; of a token what its associated account holds.

        The rent-exempt minimum counts as available, since an account may be emptied. Tokens in other accounts of
        the holder, and in frozen ones, are ``locked``. Nothing is ever ``pending``: what is not confirmed is not counted.
        """
        return holdings.balance(holder, asset)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Make one transaction of all payments; token accounts that are missing are created in it."""
        draft = yield from build.build(holder, payments, options)
        paths = {} if holder.path is None else {holder.public_key: holder.path}
        body = draft.message.to_bytes()
        return self._unsigned(holder.network, body, draft.message, draft.fee, paths, draft.assets, draft.context)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """Send the bytes, with the node's own check before (preflight)."""
        return outcome.broadcast(network, signed, self.to_wire(signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Where the transaction stands; Expired once the block height has passed ``expiry`` without it."""
        return outcome.status(network, txid, expiry=expiry)

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """Nothing: two transactions of one account never exclude each other on Solana."""
        return Claims()

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether the final block height has passed its last one, and no block holds it."""
        return outcome.is_dead(holder.network, signed.txid, signed.expiry)


def _no_kind(kind: str) -> None:
    if kind:
        raise InputError(f"Solana has one kind of address, and {kind[:20]!r} is not it: leave kind out")


def _requests(message: Message, body: bytes) -> tuple[SigningRequest, ...]:
    return tuple(SigningRequest(Scheme.ED25519, Digest.NONE, body, key) for key in message.signers)


def _kept_signatures(message: Message, body: bytes, context: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The signatures that came along with an adopted transaction, verified."""
    kept: dict[bytes, bytes] = {}
    for text, signature in context.get("signatures", {}).items():
        try:
            kept[address.parse(text)] = bytes.fromhex(signature)
        except (TypeError, ValueError):
            raise InvalidTransaction("a stored signature cannot be read") from None
    _verify(message, body, kept)
    return kept


def _verify(message: Message, body: bytes, signatures: Mapping[bytes, bytes | None]) -> None:
    from ...crypto import ed25519

    for key, signature in signatures.items():
        if key not in message.signers:
            raise InvalidTransaction(
                f"a signature of {address.encode(key)} is there, which the message does not ask for"
            )
        if signature is not None and not ed25519.verify(key, body, signature):
            raise InvalidTransaction(f"the signature of {address.encode(key)} does not belong to these bytes")


def _checked_context(context: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(context) - _CONTEXT
    expiry = context.get("expiry", 0)
    lists = [context.get("owners", []), context.get("notes", [])]
    sound = (
        not unknown
        and isinstance(expiry, int)
        and not isinstance(expiry, bool)
        and expiry >= 0
        and all(isinstance(entry, list) and all(map(_is_line, entry)) for entry in lists)
        and isinstance(context.get("signatures", {}), dict)
        and _are_rents(context.get("rents", {}))
    )
    if not sound:
        raise InvalidTransaction("the stored context is not one of a Solana transaction")
    for owner in context.get("owners", []):
        address.parse(owner)
    return dict(context)


def _are_rents(rents: Any) -> bool:
    return isinstance(rents, dict) and all(type(rent) is int and 0 <= rent < 2**64 for rent in rents.values())


def _is_line(text: Any) -> bool:
    return isinstance(text, str) and text.isprintable()
