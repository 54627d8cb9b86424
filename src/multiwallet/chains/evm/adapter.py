"""Evm: the one class that serves every EVM network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import (
    Balance,
    BatchPlan,
    Chain,
    Claims,
    Digest,
    Fee,
    Holder,
    Network,
    Nonces,
    Options,
    Payment,
    Receipt,
    Replay,
    Scheme,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
)
from ...codec import eip55
from ...crypto.hashes import keccak256
from ...errors import BadResponse, InputError, InvalidAddress, InvalidTransaction, MultiwalletError, SigningRefused
from ...ops import Op, Rpc, ask
from ...path import Path
from .answers import read_quantity
from .authorization import authorization_preimage
from .batch import EvmBatch
from .build import build_payment
from .delivery import broadcast, status
from .forms import read_bytes, read_native
from .holdings import read_asset, read_balance
from .messages import message_preimage, signature_text, signed_by
from .plan import chain_id_of
from .portfolio import read_balances
from .replay import claims, is_dead, nonces, replacement
from .rules import rules_of
from .signature import address_of, recover_address
from .summary import maximum_fee, summarize
from .template import RefusedRow, Template, TemplateRow
from .transaction import EvmTransaction, decode_signed, decode_unsigned
from .typed_data import typed_data_of, typed_data_preimage
from .zksync import TYPE as ZKSYNC
from .zksync import ZksyncTransaction

__all__ = ["Evm"]


class Evm(Chain):
    """Ethereum and every network that runs its virtual machine and speaks its JSON-RPC.

    >>> from multiwallet.chain import Network
    >>> row = Network("eip155:1", "ethereum", "evm", "Ethereum", "ETH", 18, 60)
    >>> Evm().address(row, bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))
    '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'
    """

    family: ClassVar[str] = "evm"
    curve: ClassVar[str] = "secp256k1"
    key_forms: ClassVar[tuple[str, ...]] = ("0xhex", "hex")
    replay: ClassVar[Replay | None] = Replay.NONCE

    def check_row(self, network: Network) -> None:
        """Check what the row says in its params; InputError naming the one that is unknown or does not fit."""
        rules_of(network)

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/60'/account'/0/index`` on every EVM network, so that one key has one address on all of them."""
        _check_kind(kind)
        return Path("m/44'/60'").hardened(account) / 0 / (index or 0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The EIP-55 text of the last 20 bytes of the public key's Keccak-256."""
        _check_kind(kind)
        return eip55.checksum(address_of(public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The EIP-55 form. Taken are ``0x`` and 40 hex digits in one case, or with their checksum right."""
        try:
            return eip55.checksum(eip55.parse(text))
        except InputError as error:
            raise InvalidAddress(f"no address of {network.title}: {error.message}") from error

    def asset_id(self, network: Network, reference: str) -> str:
        """``eip155:N/erc20:0x...`` with the contract's EIP-55 text."""
        return f"{network.id}/erc20:{self.parse_address(network, reference)}"

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """A transaction from a dict with eth-account's keys, unsigned bytes or hex, or a template's row.

        A dict without ``chainId`` gets the network's. Only an explicit ``chainId`` of None or 0 makes a legacy
        transaction from before EIP-155, which any chain accepts; its summary says so. SigningRefused where the
        transaction states another sender or chain.
        """
        assets: tuple[Asset, ...] = ()
        if isinstance(native, RefusedRow):
            raise native.error
        if isinstance(native, TemplateRow):
            if native.template.owner != (holder.network.id, holder.address):
                raise SigningRefused("the row belongs to a template of another account or network")
            transaction = native.template.transaction(native)
            if native.template.contract is not None and native.template.asset is not None:
                assets = (native.template.asset,)
        else:
            transaction = read_native(native, chain_id_of(holder.network), eip55.parse(holder.address))
            _check_own(holder.network, transaction, eip55.parse(holder.address))
        return self._unsigned(holder, transaction, maximum_fee(holder.network, transaction), assets)

    def _unsigned(
        self, holder: Holder, transaction: EvmTransaction, fee: Fee, assets: tuple[Asset, ...]
    ) -> UnsignedTransaction:
        body = transaction.unsigned()
        return UnsignedTransaction(
            chain=self,
            network=holder.network,
            sender=holder.address,
            body=body,
            fee=fee,
            requests=(_request(transaction.preimage(), holder.public_key, holder.path),),
            assets=assets,
            context={"public_key": holder.public_key.hex()},
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
        """Rebuild a transaction from its parts; InvalidTransaction where they contradict each other."""
        try:
            owner = eip55.parse(sender)
        except InputError as error:
            raise InvalidTransaction(f"the stated sender is no address: {error.message}") from error
        public_key = read_bytes("the stated public key", context.get("public_key"), 33)
        if address_of(public_key) != owner:
            raise InvalidTransaction("the stated public key is not the sender's")
        transaction = decode_unsigned(body)
        if transaction.chain_id not in (None, chain_id_of(network)):
            raise InvalidTransaction(f"the transaction is for chain id {transaction.chain_id}, not for {network.id}")
        _check_own(network, transaction, owner)
        if any(
            amount.asset != network.native or amount.asset.decimals != network.decimals
            for amount in (fee.expected, fee.maximum)
        ):
            raise InvalidTransaction(f"fees on {network.title} are paid in {network.symbol}")
        if fee.maximum.units < transaction.maximum_fee:
            raise InvalidTransaction("the stated fee is below what the transaction's bytes allow")
        return UnsignedTransaction(
            chain=self,
            network=network,
            sender=eip55.checksum(owner),
            body=body,
            fee=fee,
            requests=(_request(transaction.preimage(), public_key, paths.get(public_key)),),
            assets=assets,
            context={"public_key": public_key.hex()},
        )

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """The one request, with the holder's path; SigningRefused unless network, sender and key are the holder's."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.id}, and the account is on {holder.network.id}"
            )
        if transaction.sender != holder.address:
            raise SigningRefused(f"the transaction spends from {transaction.sender}, not from {holder.address}")
        decoded = decode_unsigned(transaction.body)
        if decoded.chain_id not in (None, chain_id_of(holder.network)):
            raise SigningRefused(f"the transaction is for chain id {decoded.chain_id}, not for {holder.network.id}")
        _check_own(holder.network, decoded, eip55.parse(holder.address))
        return (_request(decoded.preimage(), holder.public_key, holder.path),)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """Actions, fee and warnings, from the bytes. The fee is the highest that they allow."""
        return summarize(transaction)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """Join the one signature (65 bytes) with the transaction. It must be the sender's; InvalidTransaction else."""
        if len(signed) != 1:
            raise InvalidTransaction(f"an EVM transaction has one signature, not {len(signed)}")
        signature = bytes(signed[0][1])
        decoded = decode_unsigned(transaction.body)
        raw = decoded.signed(signature)
        if recover_address(signature, keccak256(decoded.preimage())) != eip55.parse(transaction.sender):
            raise InvalidTransaction(f"the signature is not by {transaction.sender}")
        return SignedTransaction(self, transaction.network, raw, "0x" + decoded.identity(raw, signature).hex())

    def to_wire(self, signed: SignedTransaction) -> str:
        """``0x`` hex, for eth_sendRawTransaction."""
        return "0x" + signed.raw.hex()

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """Read raw bytes or hex of a signed transaction of any type, whose signature must fit somebody."""
        raw = read_bytes("a signed transaction", wire)
        transaction, signature = decode_signed(raw)
        if transaction.chain_id not in (None, chain_id_of(network)):
            raise InvalidTransaction(f"the transaction is for chain id {transaction.chain_id}, not for {network.id}")
        signer = recover_address(signature, keccak256(transaction.preimage()))
        if signer is None:
            raise InvalidTransaction("the signature is nobody's: no public key fits it")
        _check_own(network, transaction, signer)
        return SignedTransaction(self, network, raw, "0x" + transaction.identity(raw, signature).hex())

    def batch(self, holder: Holder) -> BatchPlan:
        """The hot path for dicts and for the rows of a template."""
        return EvmBatch(self, holder)

    def transaction_id(self, raw: bytes) -> str:
        """``0x`` and the Keccak-256 of the signed bytes; type 113 has an id of its own making."""
        if raw[:1] == bytes((ZKSYNC,)):
            transaction, signature = decode_signed(raw)
            return "0x" + transaction.identity(raw, signature).hex()
        return "0x" + keccak256(raw).hex()

    def template(self, holder: Holder, **fixed: Any) -> Template:
        """What all payments of a batch share, encoded once: ``template(...).fill(rows)`` gives what to sign.

        ``nonce`` is the first row's, ``gas`` each transaction's limit; ``max_fee_per_gas`` and
        ``max_priority_fee_per_gas``, or ``gas_price``, are what a unit of gas costs. ``asset`` is a token, as an
        ``Asset`` or a contract's address, or None for the coin. ``like`` is a transaction that :meth:`build` made, from
        which all of these are copied as far as they are not given; the first row takes its nonce, so do not send it.
        Raises InputError and InvalidAddress.
        """
        return Template.of(holder, fixed)

    def authorization(self, holder: Holder, delegate: str, *, nonce: int, every_chain: bool = False) -> SigningRequest:
        """What is signed to let the account act with the code at ``delegate`` (EIP-7702). Handle it like a key.

        ``nonce`` is the account's nonce when the entry takes effect: one more than the transaction's where the
        account sends that itself.
        """
        code = eip55.parse(self.parse_address(holder.network, delegate))
        if type(nonce) is not int or not 0 <= nonce < 1 << 64:
            raise InputError("an authorization's nonce is an integer, at least 0 and below 2^64")
        chain_id = 0 if every_chain else chain_id_of(holder.network)
        return _request(authorization_preimage(chain_id, code, nonce), holder.public_key, holder.path)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """EIP-191 (``personal_sign``): text as UTF-8, bytes as they are. There are no other forms."""
        if form:
            raise InputError(f"unknown option {sorted(form)[0]!r}: an EVM message has one form")
        return _request(message_preimage(message), holder.public_key, holder.path)

    def typed_data(self, holder: Holder, data: Any) -> SigningRequest:
        """EIP-712 (``eth_signTypedData_v4``), from a dict or its JSON text.

        A domain that names another chain than the account's is SigningRefused, as wallets refuse it: what is signed
        there would count on that chain. A domain without chainId is signed.
        """
        preimage, stated = typed_data_of(data)
        if stated not in (None, chain_id_of(holder.network)):
            raise SigningRefused(
                f"the typed data is for chain id {stated}, and this network's is {chain_id_of(holder.network)}: "
                "use the account of that network"
            )
        return _request(preimage, holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """``0x``, r, s and v (27 or 28), 65 bytes in all."""
        return signature_text(signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the address's key signed the message. v may be 0, 1, 27 or 28, the form may be EIP-2098's 64 bytes.

        A contract's signature (ERC-1271) is False: only its own code can tell.
        """
        owner = eip55.parse(self.parse_address(network, address))
        try:
            preimage = message_preimage(message)
        except InputError:
            return False
        return signed_by(owner, preimage, signature)

    def verify_typed_data(self, network: Network, address: str, data: Any, signature: str | bytes) -> bool:
        """Whether the address's key signed the typed data; InvalidMessage where the data itself is none."""
        owner = eip55.parse(self.parse_address(network, address))
        return signed_by(owner, typed_data_preimage(data), signature)

    # -- operations --------------------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the endpoint's eth_chainId with the network's."""
        (answer,) = yield from ask(Rpc(network.id, "eth_chainId"))
        found = read_quantity("eth_chainId", answer)
        if found != chain_id_of(network):
            raise BadResponse(
                f"the endpoint speaks for another chain: {network.title} is {network.id}, and its eth_chainId says "
                f"eip155:{found}; check the endpoint"
            )

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """An ERC-20 token by its contract's address, with symbol and decimals read from it."""
        return read_asset(network, self.parse_address(network, reference))

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """The coin (available is the lower of latest and pending) or a token (as of the latest block)."""
        return read_balance(holder, asset)

    def balances(
        self, network: Network, addresses: Sequence[str], assets: Sequence[Asset]
    ) -> Op[list[list[Balance | MultiwalletError]]]:
        """Through Multicall3 where the network has it, else in JSON-RPC batches; as of the latest block."""
        return read_balances(network, addresses, assets)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """One payment of the coin or of a token.

        Options of this family: ``nonce``, ``gas``, ``gas_price``, ``max_fee_per_gas``, ``max_priority_fee_per_gas``,
        ``data`` (bytes or hex, a contract call), ``access_list`` and ``type`` (0, 1 or 2). A ``memo`` becomes the data
        of a payment of the coin.
        """
        transaction, fee = yield from build_payment(holder, payments, options)
        assets = tuple(payment.asset for payment in payments if payment.asset != holder.network.native)
        return self._unsigned(holder, transaction, fee, assets)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """eth_sendRawTransaction, whose refusal of a transaction that it already has is success."""
        return broadcast(network, signed)

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """The receipt, with confirmations and finality. An EVM transaction does not expire."""
        return status(network, txid)

    # -- for an outbox -----------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """The nonce that the transaction takes."""
        return claims(signed)

    def nonces(self, holder: Holder) -> Op[Nonces]:
        """The account's transaction counts: latest and pending."""
        return nonces(holder)

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether another transaction took the nonce, ``depth`` blocks deep."""
        return is_dead(holder, signed, depth=depth)

    def replace(
        self, holder: Holder, transaction: UnsignedTransaction, options: Options, *, cancel: bool = False
    ) -> Op[UnsignedTransaction]:
        """The same nonce at higher prices; to cancel, nothing to oneself."""
        new, fee = yield from replacement(holder, transaction, options, cancel=cancel)
        return self._unsigned(holder, new, fee, () if cancel else transaction.assets)


def _check_own(network: Network, transaction: EvmTransaction, owner: bytes) -> None:
    """Refuse a transaction of ZKsync's own kind elsewhere, and one that names another sender than its signer."""
    if not isinstance(transaction, ZksyncTransaction):
        return
    if not rules_of(network).eip712_transactions:
        raise InvalidTransaction(f"{network.title} has no transactions of type {ZKSYNC}: they are ZKsync's own")
    if transaction.sender != owner:
        raise SigningRefused(f"the transaction spends from {eip55.checksum(transaction.sender)}, not from its signer")


def _check_kind(kind: str) -> None:
    if kind:
        raise InputError(f"there is no address kind {kind!r} on EVM networks: leave it out")


def _request(preimage: bytes, public_key: bytes, path: Path | None) -> SigningRequest:
    return SigningRequest(Scheme.RECOVERABLE, Digest.KECCAK256, preimage, public_key, path)
