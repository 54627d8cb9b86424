"""The Cosmos family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import Chain, Holder, Network, Options, Payment
from ...codec import json_text
from ...crypto.hashes import sha256
from ...errors import BadResponse, InputError, InvalidTransaction, SigningRefused, Unsupported, shown
from ...ops import Op, ask
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
from . import addresses, answers, delivery, denoms, forms, holdings, offchain, signing, summary
from . import build as building
from .message import Message
from .multisig import Multisig
from .rules import Rules, hrp_of, rules_of
from .sign_doc import SignDoc, decode_raw, encode_raw

__all__ = ["Cosmos"]


class Cosmos(Chain):
    """The chains of the Cosmos SDK, through a node's REST interface (the gRPC gateway, port 1317).

    Options of ``build``: ``sign_mode`` (``"direct"`` or ``"amino"``, which Ledger devices need), ``gas``,
    ``gas_price`` (text, in the fee denom), ``sequence``, ``timeout_height`` or ``expires_in`` (blocks),
    ``messages`` (a list of objects with ``@type``, after the payments), ``delegate``, ``undelegate``, ``redelegate``,
    ``withdraw_rewards`` (validators), ``channel``, ``receiver``, ``ibc_timeout`` (seconds) and ``ibc_memo`` for an IBC
    transfer, ``fee_granter``, and ``multisig`` (``{"threshold": 2, "public_keys": [...]}``) to pay from an account of
    several keys, of which this account's is one.

    A transaction has one signer, or one such account. Its expiry is the last block that may include it.
    """

    family: ClassVar[str] = "cosmos"
    curve: ClassVar[str] = "secp256k1"
    kinds: ClassVar[tuple[str, ...]] = ("",)
    key_forms: ClassVar[tuple[str, ...]] = ("hex", "0xhex")

    def check_row(self, network: Network) -> None:
        """Check what the row says in its params; InputError naming the one that is unknown or does not fit."""
        rules_of(network)

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/COIN'/account'/0/index``; the coin is the row's ``slip44`` (118, for Injective 60)."""
        return Path(f"m/44'/{network.slip44}'").hardened(account) / 0 / (index or 0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The Bech32 address of a public key of 33 or 65 bytes; InvalidKey for another."""
        eth = network.params.get("keys", "secp256k1") == "ethsecp256k1"
        return addresses.text(hrp_of(network), addresses.of_key(public_key, eth=eth))

    def parse_address(self, network: Network, text: str) -> str:
        """The lower-case form of an account's or contract's address on this chain; InvalidAddress."""
        return addresses.parse(hrp_of(network), text)

    def multisig_address(self, network: Network, threshold: int, public_keys: Sequence[bytes]) -> str:
        """The address of an account of several keys (33 bytes each; their order counts), of which so many must sign."""
        members = Multisig.read({"threshold": threshold, "public_keys": list(public_keys)})
        return addresses.text(hrp_of(network), members.address_bytes())

    def asset_id(self, network: Network, reference: str) -> str:
        """``.../native:DENOM`` (percent-encoded), or ``.../ibc:HASH`` of a coin that came over IBC."""
        return denoms.asset_id(network, reference)

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """A SignDoc (bytes, hex, base64, or cosmjs's object) or an amino StdSignDoc (dict or JSON); InvalidTransaction.

        It must be written as serialisers write it, for one signer and this chain.
        """
        rules = rules_of(holder.network)
        partial = forms.read_partial_form(holder, rules, native)
        doc, found = (forms.read(holder, rules, native), {}) if partial is None else partial
        paths = {} if holder.path is None else {holder.public_key: holder.path}
        return self._unsigned(holder.network, rules, doc, paths, summary.fee_of(holder.network, rules, doc), (), found)

    def _unsigned(
        self,
        network: Network,
        rules: Rules,
        doc: SignDoc,
        paths: Mapping[bytes, Path],
        fee: Fee,
        assets: tuple[Asset, ...],
        found: Mapping[int, bytes] | None = None,
    ) -> UnsignedTransaction:
        if doc.chain_id != rules.chain_id:
            raise InvalidTransaction(
                f"the transaction is for the chain {shown(doc.chain_id)}, and {network.name} is {rules.chain_id}"
            )
        doc, context = signing.with_signatures(rules, doc, found or {})
        requests = signing.requests(rules, doc, paths)
        sender = signing.sender(rules, doc)
        return UnsignedTransaction(self, network, sender, doc.encode(), fee, requests, assets, context)

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
        rules = rules_of(network)
        doc = SignDoc.decode(rules.hrp, body)
        found = signing.stored(doc, context)
        stated = summary.fee_of(network, rules, doc)
        if (fee.expected, fee.maximum) != (stated.expected, stated.maximum):
            raise InvalidTransaction("the stored fee is not the one in the bytes")
        restored = self._unsigned(network, rules, doc, paths, fee, assets, found)
        if restored.sender != sender:
            raise InvalidTransaction(f"the stored sender is not the signer in the bytes, {restored.sender}")
        return restored

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the holder's key is the one in the bytes, or one of those that have not signed yet."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        rules = rules_of(holder.network)
        doc = SignDoc.decode(rules.hrp, transaction.body)
        if doc.chain_id != rules.chain_id:
            raise SigningRefused(f"the transaction is for the chain {shown(doc.chain_id)}, not {rules.chain_id}")
        sender = signing.sender(rules, doc)
        if holder.public_key not in signing.members(doc):
            raise SigningRefused(f"the transaction is {sender}'s, not {holder.address}'s")
        if doc.payer not in ("", sender):
            raise SigningRefused(
                f"the fee is to be paid by {shown(doc.payer)}, who must sign too: that is not done here"
            )
        for item in doc.messages:
            if isinstance(item, Message) and item.signer != sender:
                raise SigningRefused(f"{item.url} is to be signed by {item.signer}, not by {sender}")
        paths = {} if holder.path is None else {holder.public_key: holder.path}
        mine = [item for item in signing.requests(rules, doc, paths) if item.public_key == holder.public_key]
        if not mine:
            raise SigningRefused(f"{holder.address} has signed this transaction already")
        return tuple(mine)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes do, with warnings."""
        rules = rules_of(transaction.network)
        doc = SignDoc.decode(rules.hrp, transaction.body)
        return summary.describe(transaction.network, rules, doc, transaction.sender, transaction.assets)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The transaction with its signature (65 bytes: r, s, recovery id; 64 of them travel).

        Of a multisig account: with the earlier signatures too, as JSON while some are missing.
        """
        network = transaction.network
        rules = rules_of(network)
        doc = SignDoc.decode(rules.hrp, transaction.body)
        found = signing.checked(rules, doc, signed)
        several = doc.multisig
        if several is not None:
            found |= signing.stored(doc, transaction.context)
            doc, _ = signing.with_signatures(rules, doc, found)
            if len(found) < several.threshold:
                raw = signing.partial(doc, found)
                return SignedTransaction(self, network, raw, "", False, doc.timeout_height or None)
            raw = signing.complete(doc, found)
        else:
            raw = encode_raw(doc, found[0])
        return SignedTransaction(self, network, raw, self.transaction_id(raw), True, doc.timeout_height or None)

    def transaction_id(self, raw: bytes) -> str:
        """SHA-256 of the bytes, in upper-case hex."""
        return sha256(raw).hex().upper()

    def to_wire(self, signed: SignedTransaction) -> Any:
        """``{"tx_bytes": base64, "mode": "BROADCAST_MODE_SYNC"}``; JSON for the next signer while signatures are missing."""
        if not signed.complete:
            return json_text.parse(signed.raw)
        return delivery.wire(signed.raw)

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed transaction from its bytes, hex, base64 or the broadcast's JSON; InvalidTransaction.

        Its signature cannot be checked here: the bytes do not hold the account number.
        """
        if isinstance(wire, str) and wire.lstrip()[:1] == "{":
            wire = json_text.parse(wire, what="the transaction", error=InvalidTransaction, unique=True)
        if isinstance(wire, Mapping):
            if not {"tx_bytes"} <= set(wire) <= {"tx_bytes", "mode"}:
                raise InvalidTransaction('a signed transaction in JSON is {"tx_bytes": base64, "mode": ...}')
            wire = wire["tx_bytes"]
        rules = rules_of(network)
        raw = forms.wire_bytes(wire, "a signed transaction")
        doc, signature = decode_raw(rules.hrp, raw)
        signing.sender(rules, doc)
        if encode_raw(doc, signature) != raw:
            raise InvalidTransaction("the transaction is not written as serialisers write it")
        return SignedTransaction(self, network, raw, self.transaction_id(raw), True, doc.timeout_height or None)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """ADR-036, as Keplr's ``signArbitrary``. On chains with Ethereum's keys ``form="eip191"`` signs as those do."""
        rules = rules_of(holder.network)
        unknown = sorted(set(form) - {"form"})
        if unknown:
            raise InputError(f"Cosmos messages have no option {unknown[0]!r}: there is form=")
        data, kind = offchain.message_bytes(message), form.get("form", "adr36")
        digest = Digest.KECCAK256 if rules.eth_keys else Digest.SHA256
        if kind == "eip191":
            if not rules.eth_keys:
                raise Unsupported(f"{holder.network.title} has no Ethereum keys: its messages are signed by ADR-036")
            preimage = offchain.personal(data)
        elif kind == "adr36":
            preimage = offchain.adr36(holder.address, data)
        else:
            raise InputError(f'form is "adr36" or "eip191", not {shown(kind)}')
        return SigningRequest(Scheme.RECOVERABLE, digest, preimage, holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """Keplr's JSON (``pub_key`` and ``signature``), or ``0x`` hex of 65 bytes for EIP-191."""
        return offchain.written(rules_of(holder.network), holder.public_key, request.preimage, signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a signature (Keplr's JSON, 64 bytes, or EIP-191's 65) over the message is the address's."""
        rules = rules_of(network)
        return offchain.is_signed_by(rules, addresses.parse(rules.hrp, address), message, signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the chain id of the node with the row's."""
        (answer,) = yield from ask(answers.get(network, answers.NODE_INFO))
        found = answers.nested(answer, "default_node_info", answers.NODE_INFO).get("network")
        wanted = rules_of(network).chain_id
        if found != wanted:
            raise BadResponse(f"this endpoint serves {str(found)[:60]!r}, not {wanted} ({network.id}): check its URL")

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A denom with symbol and decimals, from the row or the chain's bank; InputError where nobody knows them."""
        return (yield from holdings.asset(network, reference))

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """A denom: what can be spent, and as locked what vests, is staked or is being unstaked."""
        return (yield from holdings.balance(holder, rules_of(holder.network), asset))

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Payments (several are one transaction), staking, an IBC transfer, messages: priced by a trial run.

        Two builds before a broadcast share a sequence number, and only one of them can be included: give ``sequence``
        to make several ahead.
        """
        rules = rules_of(holder.network)
        doc, fee, assets = yield from building.build(holder, rules, payments, options)
        paths = {} if holder.path is None else {holder.public_key: holder.path}
        return self._unsigned(holder.network, rules, doc, paths, fee, assets)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``/cosmos/tx/v1beta1/txs`` in sync mode; what a node has, or a block holds, already is a success."""
        return (yield from delivery.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Where a transaction stands. Once in a block it is final."""
        return (yield from delivery.status(network, rules_of(network), txid, expiry))
