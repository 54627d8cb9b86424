"""Stacks: the class that multiwallet finds by this package's entry point. It is pure: no key, no socket, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import (
    Action,
    Balance,
    Chain,
    Digest,
    Fee,
    Holder,
    Network,
    Options,
    Payment,
    Receipt,
    Scheme,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
    check_options,
)
from multiwallet.codec.hexadecimal import parse_hex
from multiwallet.crypto.hashes import hash160
from multiwallet.crypto.secp256k1 import recover
from multiwallet.errors import (
    InputError,
    InsufficientFunds,
    InvalidAddress,
    InvalidTransaction,
    MultiwalletError,
    SigningRefused,
    Unsupported,
)
from multiwallet.ops import Op
from multiwallet.path import Path

from . import c32, messages, node
from .transaction import SIZE, Transfer

__all__ = ["Stacks"]

_OF_MAINNET, _OF_TESTNET = (22, 20), (26, 21)
"""The versions of addresses: of a key, and of a multi-signature script."""
_CEILING = 1_000_000
"""The highest fee in micro-STX that is believed of a node; a higher one wants ``fee=`` or ``max_fee=``."""


class Stacks(Chain):
    """Stacks (SIP-005), for accounts of one key: transfers of STX with a memo, and messages."""

    family: ClassVar[str] = "stacks"
    curve: ClassVar[str] = "secp256k1"
    key_forms: ClassVar[tuple[str, ...]] = ("hex",)
    rows: ClassVar[tuple[Network, ...]] = (
        Network(
            "stacks:1",
            "stacks",
            "stacks",
            "Stacks",
            "STX",
            6,
            5757,
            aliases=("stx",),
            endpoints=("https://api.hiro.so",),
            explorer="https://explorer.hiro.so",
            params={"version": 0x00, "chain_id": 1},
        ),
        Network(
            "stacks:2147483648",
            "stacks-testnet",
            "stacks",
            "Stacks testnet",
            "STX",
            6,
            1,
            endpoints=("https://api.testnet.hiro.so",),
            explorer="https://explorer.hiro.so",
            testnet=True,
            params={"version": 0x80, "chain_id": 0x80000000},
        ),
    )

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """m/44'/5757'/account'/0/index on both networks, as Leather and Xverse derive."""
        return Path("m/44'/5757'").hardened(account) / 0 / (index or 0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The c32check text of the key's hash."""
        if kind:
            raise InputError("a Stacks account has no address kinds: leave kind out")
        return c32.encode_address(_versions(network)[0], hash160(public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The address, if it is of this network."""
        version, _ = c32.decode_address(text)
        if version not in _versions(network):
            raise InvalidAddress(f"this is an address of another network than {network.title}")
        return text

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """A transfer without its signature: bytes or hex, as the makers of other libraries serialise it."""
        transfer = Transfer.decode(_bytes(native))
        if transfer.is_signed:
            raise InvalidTransaction("this transfer is signed already: broadcast it")
        return self._unsigned(holder.network, holder.address, transfer, {holder.public_key: holder.path})

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
        """From the stored bytes; the key is the one that hashes to the sender."""
        transfer = Transfer.decode(body)
        if assets or transfer.is_signed or set(context) != {"public_key"}:
            raise InvalidTransaction("this file is no unsigned Stacks transfer of ours")
        key = parse_hex(context["public_key"], length=33, what="the public key")
        built = self._unsigned(network, sender, transfer, {key: paths.get(key)})
        if fee.expected != built.fee.expected or fee.maximum != built.fee.maximum:
            raise InvalidTransaction("the stated fee is not the one in the transfer")
        return built

    def _unsigned(
        self, network: Network, sender: str, transfer: Transfer, keys: Mapping[bytes, Path | None]
    ) -> UnsignedTransaction:
        ((key, path),) = keys.items()
        if hash160(key) != transfer.signer or self.address(network, key) != sender:
            raise SigningRefused("the transfer spends from another account")
        fee = Amount(transfer.fee, network.native)
        return UnsignedTransaction(
            chain=self,
            network=network,
            sender=sender,
            body=transfer.encode(),
            fee=Fee(fee, fee),
            # No digest of multiwallet's is SHA-512/256, so the preimage is the hash itself.
            requests=(SigningRequest(Scheme.RECOVERABLE, Digest.NONE, transfer.digest(), key, path),),
            context={"public_key": key.hex()},
        )

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """The one request, with the holder's path."""
        transfer = Transfer.decode(transaction.body)
        params = holder.network.params
        if transaction.network != holder.network or (transfer.version, transfer.chain_id) != (
            params["version"],
            params["chain_id"],
        ):
            raise SigningRefused(f"the transfer is for another network than {holder.network.title}")
        if transaction.sender != holder.address or transfer.signer != hash160(holder.public_key):
            raise SigningRefused(f"the transfer spends from another account than {holder.address}")
        return tuple(replace(request, path=holder.path) for request in transaction.requests)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes say."""
        transfer = Transfer.decode(transaction.body)
        native = transaction.network.native
        to = c32.encode_address(transfer.recipient_version, transfer.recipient)
        warnings = (
            []
            if transfer.recipient_version in _versions(transaction.network)
            else ["the recipient's address is of another network"]
        )
        fee = Amount(transfer.fee, native)
        return Summary(
            network=transaction.network.id,
            sender=transaction.sender,
            actions=(Action("transfer", to, Amount(transfer.amount, native)),),
            fee=Fee(fee, fee),
            memo=transfer.memo.decode("utf-8", "replace") if transfer.memo else None,
            details={"nonce": str(transfer.nonce)},
            warnings=tuple(warnings),
        )

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """Put the signature in: Stacks writes the recovery id first."""
        if len(signed) != 1 or len(signed[0][1]) != 65:
            raise InvalidTransaction("a Stacks transfer has one signature of 65 bytes")
        signature = signed[0][1]
        transfer = replace(Transfer.decode(transaction.body), signature=signature[64:] + signature[:64])
        return self._signed(transaction.network, transfer)

    def _signed(self, network: Network, transfer: Transfer) -> SignedTransaction:
        try:
            key = recover(transfer.signature[1:] + transfer.signature[:1], transfer.digest())
        except InputError as error:
            raise InvalidTransaction("the signature is nobody's") from error
        if hash160(key) != transfer.signer:
            raise InvalidTransaction("the signature is not the sender's")
        return SignedTransaction(self, network, transfer.encode(), transfer.txid)

    def to_wire(self, signed: SignedTransaction) -> str:
        """Hex, as the node's JSON takes it."""
        return signed.raw.hex()

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """Read a signed transfer from bytes or hex, and check its signature."""
        transfer = Transfer.decode(_bytes(wire))
        if (transfer.version, transfer.chain_id) != (network.params["version"], network.params["chain_id"]):
            raise InvalidTransaction(f"this transfer is for another network than {network.title}")
        return self._signed(network, transfer)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """The form of Stacks wallets: a prefix, the length and the text, hashed with SHA-256."""
        if form:
            raise InputError(f"unknown option {sorted(form)[0]!r}: a Stacks message has one form")
        preimage = messages.preimage(message)
        return SigningRequest(Scheme.RECOVERABLE, Digest.SHA256, preimage, holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """r, s and the recovery id, as 130 hex digits."""
        return signature.hex()

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the address's key signed the message."""
        _, owner = c32.decode_address(self.parse_address(network, address))
        return messages.signed_by(owner, message, signature)

    # -- operations --------------------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """The node tells its network's number."""
        return node.identify(network)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """STX; what is stacked is locked."""
        if asset != holder.network.native:
            raise Unsupported("tokens of Stacks are calls of contracts, which this package does not make")
        account = yield from node.account(holder.network, holder.address)
        return Balance.of(asset, account.available, locked=account.locked)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """One payment in STX. Options: ``nonce`` and ``fee`` (micro-STX)."""
        network, native = holder.network, holder.network.native
        check_options(options, "nonce", "fee")
        if len(payments) != 1:
            raise Unsupported("a Stacks transfer pays one account: build one for each")
        (payment,) = payments
        if payment.asset != native:
            raise Unsupported("tokens of Stacks are calls of contracts, which this package does not make")
        version, recipient = c32.decode_address(payment.to)
        if recipient == hash160(holder.public_key):
            raise InputError("Stacks refuses a transfer to oneself")
        nonce, fee = (_whole(options.native, name) for name in ("nonce", "fee"))
        memo = _memo(options.memo)
        account = yield from node.account(network, holder.address)
        if fee is None:
            fee = SIZE * (yield from node.fee_rate(network)) * {"slow": 1, "normal": 2, "fast": 4}[options.speed]
            if options.max_fee is None and fee > _CEILING:
                raise InputError(f"the node asks for {Amount(fee, native)}: state fee= or max_fee= if that is right")
        if options.max_fee is not None and fee > options.max_fee.units:
            raise InputError(f"the fee would be {Amount(fee, native)}, above max_fee, {options.max_fee}")
        amount = account.available - fee if payment.everything else payment.amount.units
        if amount <= 0 or amount + fee > account.available:
            needed = Amount(max(amount, 1) + fee, native)
            available = Amount(account.available, native)
            raise InsufficientFunds(
                f"{needed} are needed, the fee included, and {holder.address} has {available}",
                needed=needed,
                available=available,
            )
        transfer = Transfer(
            version=network.params["version"],
            chain_id=network.params["chain_id"],
            signer=hash160(holder.public_key),
            nonce=account.nonce if nonce is None else nonce,
            fee=fee,
            recipient_version=version,
            recipient=recipient,
            amount=amount,
            memo=memo,
        )
        return self._unsigned(network, holder.address, transfer, {holder.public_key: holder.path})

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """Hand the bytes over."""
        return node.broadcast(network, signed)

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Where the transfer stands. It does not expire."""
        return node.status(network, txid)


def _versions(network: Network) -> tuple[int, int]:
    return _OF_TESTNET if network.testnet else _OF_MAINNET


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise InvalidTransaction(f"a Stacks transfer is bytes or hex, not {type(value).__name__}")
    try:
        return parse_hex(value, what="the transfer")
    except MultiwalletError as error:
        raise InvalidTransaction(error.message) from None


def _whole(options: Mapping[str, Any], name: str) -> int | None:
    value = options.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64):
        raise InputError(f"{name} is a whole number below 2^64")
    return value


def _memo(memo: str | None) -> bytes:
    try:
        data = (memo or "").encode()
    except UnicodeEncodeError:
        raise InputError("the memo is no valid Unicode text") from None
    if len(data) > 34:
        raise InputError(f"a memo has at most 34 bytes of UTF-8, and this one {len(data)}")
    return data
