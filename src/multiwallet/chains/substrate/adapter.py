"""The Substrate family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import Chain, Holder, Network, Options, Payment
from ...codec.hexadecimal import parse_hex
from ...crypto import ed25519, secp256k1
from ...errors import BadResponse, InputError, InvalidAddress, InvalidTransaction, MissingExtra, SigningRefused
from ...ops import Op, ask
from ...path import Junctions, Path
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
from . import addresses, answers, calls, delivery, forms, messages, storage, summary
from . import build as building
from .extrinsic import KINDS, SIGNATURE_SIZES, encode_extrinsic, message_of, parse_extrinsic, txid_of
from .payload import Opened, expiry_of, opened

__all__ = ["Substrate"]

_CURVES = {"sr25519": "sr25519", "ed25519": "ed25519", "ecdsa": "secp256k1"}
_SCHEMES = {"sr25519": Scheme.SR25519, "ed25519": Scheme.ED25519, "ecdsa": Scheme.RECOVERABLE}
_CONTEXT = {"public_key", "kind", "birth", "types"}


class Substrate(Chain):
    """Polkadot, Kusama, their asset hubs, and chains like them, over the JSON-RPC of a node.

    Options of ``build``: ``call`` (a call of the runtime, or a list of them), ``tip``, ``era`` (blocks, 64; 0 for
    ever), ``nonce``, ``keep_alive`` (True), ``proxy_for``, ``proxy_type``, ``multisig``, ``metadata_hash`` (True).
    ``speed`` changes nothing: a ``tip`` is what makes haste.

    The runtime's metadata comes from the node and says how everything is encoded. Where the chain can check its hash
    (CheckMetadataHash), the signature is void if the node lied. The types that a transaction needs travel with it.
    """

    family: ClassVar[str] = "substrate"
    curve: ClassVar[str] = "sr25519"
    kinds: ClassVar[tuple[str, ...]] = KINDS
    key_forms: ClassVar[tuple[str, ...]] = ("0xhex", "hex")

    def check_row(self, network: Network) -> None:
        """Check what the row says in its params; InputError naming the one that is unknown or does not fit."""
        building.check_params(network)

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """sr25519: the phrase's own key, then ``//1``, ``//2``, ...; in further accounts ``//account//index``.

        ed25519: ``m/44'/354'/account'/0'/index'`` (434' on Kusama) as Ledger has it; ecdsa: the same by BIP-32 with
        its last two steps not hardened.
        """
        number = index or 0
        if (kind or KINDS[0]) == "sr25519":
            if account:
                return Junctions().hard(account).hard(number)
            return Junctions().hard(number) if number else Junctions()
        root = Path("m/44'").hardened(network.slip44).hardened(account)
        return root.hardened(0).hardened(number) if kind == "ed25519" else root / 0 / number

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The SS58 address, under the network's prefix, of a public key of 32 bytes (ecdsa: 33); InvalidKey."""
        return addresses.of_public_key(network, public_key, kind)

    def parse_address(self, network: Network, text: str) -> str:
        """The address with the network's own prefix. The generic prefix 42 is taken and rewritten, others are not."""
        return addresses.parse(network, text)

    def asset_id(self, network: Network, reference: str) -> str:
        """``polkadot:.../assets:1984`` of an asset's number."""
        try:
            number, _ = calls.asset_number(network, reference)
        except InputError as error:
            raise InvalidAddress(error.message) from None
        return f"{network.id}/assets:{number}"

    def curve_of(self, network: Network, kind: str) -> str:
        """The curve of one of the three kinds."""
        return _CURVES[kind or KINDS[0]]

    def kind_of(self, path: Path) -> str:
        """Junctions are sr25519's, paths of hardened steps ed25519's, others ecdsa's."""
        if isinstance(path, Junctions):
            return "sr25519"
        return "ed25519" if path.is_hardened_only else "ecdsa"

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """A ``SignerPayloadJSON``, as a table or text, with the runtime's ``metadata`` beside it or without."""
        if isinstance(native, RefusedRow):
            raise native.error
        return self._unsigned(holder, forms.read(holder, native))

    def _unsigned(self, holder: Holder, built: building.Built) -> UnsignedTransaction:
        context = {
            "public_key": holder.public_key.hex(),
            "kind": holder.kind or KINDS[0],
            "birth": built.birth,
            "types": built.proof.encode().hex(),
        }
        opened(holder.network, built.payload, context)  # what nobody could read back is not handed out
        request = _request(built.payload, holder.kind or KINDS[0], holder.public_key, holder.path)
        return UnsignedTransaction(
            self, holder.network, holder.address, built.payload, built.fee, (request,), built.assets, context
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
        if set(context) != _CONTEXT or context["kind"] not in KINDS or not isinstance(context["public_key"], str):
            raise InvalidTransaction("the stored transaction lacks its key, its kind, its birth or its types")
        kind = context["kind"]
        public_key = _public_key(context["public_key"], kind)
        if addresses.of_public_key(network, public_key, kind) != sender:
            raise InvalidTransaction(f"the stored key is not {sender[:60]}'s")
        if any(
            amount.asset != network.native or amount.asset.decimals != network.decimals
            for amount in (fee.expected, fee.maximum)
        ):
            raise InvalidTransaction(f"fees on {network.name} are paid in {network.symbol}")
        opened(network, body, context)
        request = _request(body, kind, public_key, paths.get(public_key))
        return UnsignedTransaction(self, network, sender, body, fee, (request,), assets, dict(context))

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """The one request, when the transaction is the holder's."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        kind = holder.kind or KINDS[0]
        if transaction.sender != holder.address or transaction.context.get("kind") != kind:
            raise SigningRefused(f"the transaction is {transaction.sender}'s, not {holder.address}'s")
        opened(transaction.network, transaction.body, transaction.context)
        return (_request(transaction.body, kind, holder.public_key, holder.path),)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the payload does, with warnings."""
        found = opened(transaction.network, transaction.body, transaction.context)
        return summary.describe(transaction.network, transaction.sender, found, transaction.fee, transaction.assets)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The extrinsic with its signature (64 bytes; ecdsa 65: r, s, recovery id)."""
        if len(signed) != 1:
            raise InvalidTransaction("an extrinsic has one signature")
        ((request, signature),) = signed
        kind = str(transaction.context.get("kind"))
        found: Opened = opened(transaction.network, transaction.body, transaction.context)
        if request != _request(transaction.body, kind, request.public_key, request.path):
            raise InvalidTransaction("the signature belongs to another transaction")
        account = addresses.account_id(request.public_key, kind)
        if addresses.of_account(transaction.network, account) != transaction.sender:
            raise InvalidTransaction("the signature is another account's")
        if len(signature) != SIGNATURE_SIZES[kind]:
            raise InvalidTransaction(f"an {kind} signature has {SIGNATURE_SIZES[kind]} bytes, not {len(signature)}")
        if not _fits(request, signature):
            raise InvalidTransaction("the signature was not made by the key that was asked")
        proof = found.proof
        raw = encode_extrinsic(
            proof.types, proof.form, kind, account, bytes(signature), found.included, found.call_bytes
        )
        return SignedTransaction(
            self, transaction.network, raw, txid_of(raw), True, expiry_of(found.terms, found.birth)
        )

    def to_wire(self, signed: SignedTransaction) -> str:
        """``0x`` and hex, as ``author_submitExtrinsic`` takes it."""
        return "0x" + signed.raw.hex()

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed extrinsic from bytes or hex; InvalidTransaction. When it expires cannot be seen from it."""
        if isinstance(wire, str):
            try:
                wire = parse_hex(wire, what="the extrinsic")
            except InputError as error:
                raise InvalidTransaction(error.message) from None
        if not isinstance(wire, bytes | bytearray):
            raise InvalidTransaction("a signed extrinsic is bytes, or their hex text")
        raw = bytes(wire)
        parse_extrinsic(raw)
        return SignedTransaction(self, network, raw, txid_of(raw))

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """``<Bytes>message</Bytes>``, as Polkadot-JS's ``signRaw``; there are no other forms."""
        if form:
            raise InputError(f"messages of these chains have no option {sorted(form)[0]!r}")
        kind = holder.kind or KINDS[0]
        digest = Digest.BLAKE2B if kind == "ecdsa" else Digest.NONE
        return SigningRequest(_SCHEMES[kind], digest, messages.wrapped(message), holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """``0x`` and the hex of 64 bytes (ecdsa: 65)."""
        return "0x" + signature.hex()

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a signature of any of the three kinds over the message is the address's."""
        return messages.is_signed_by(addresses.account_of(network, address), message, signature)

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the hash of block 0 with the row's."""
        genesis = building.genesis_of(network)
        (answer,) = yield from ask(answers.call(network, "chain_getBlockHash", 0))
        found = answers.hash_of(answer, "chain_getBlockHash")
        if found != "0x" + genesis.hex():
            raise BadResponse(
                f"this endpoint serves polkadot:{found[2:34]}, not {network.name} ({network.id}): check its URL"
            )

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """An asset of the pallet Assets by its number; InvalidAddress where there is none."""
        number, key = calls.asset_number(network, reference)
        details, metadata = yield from ask(
            answers.call(network, "state_getStorage", storage.asset_details_key(key)),
            answers.call(network, "state_getStorage", storage.asset_metadata_key(key)),
        )
        if answers.stored(details) is None:
            raise InvalidAddress(f"{network.title} has no asset {number}")
        symbol, decimals = storage.read_asset_metadata(answers.stored(metadata)) or (f"#{number}", 0)
        if decimals > 36 or not symbol.isprintable() or not 0 < len(symbol) <= 32:
            raise BadResponse(f"the asset {number} calls itself something that cannot be shown")
        return Asset(f"{network.id}/assets:{number}", symbol, decimals)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """The coin (reserved and frozen is locked; the existential deposit counts as available) or an asset."""
        network = holder.network
        account = addresses.account_of(network, holder.address)
        if asset == network.native:
            (answer,) = yield from ask(answers.call(network, "state_getStorage", storage.account_key(account)))
            state = storage.read_account(answers.stored(answer))
            return Balance.of(asset, state.available, 0, state.locked)
        _, key = calls.asset_number(network, asset.reference)
        (answer,) = yield from ask(answers.call(network, "state_getStorage", storage.asset_account_key(key, account)))
        units, frozen = storage.read_asset_account(answers.stored(answer))
        return Balance.of(asset, 0, 0, units) if frozen else Balance.of(asset, units)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Transfers of the coin and of assets, and any call; several go in one ``Utility.batch_all``.

        The payload is bound to the newest final block and lives 64 blocks from it.
        """
        return self._unsigned(holder, (yield from building.build(holder, payments, options)))

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``author_submitExtrinsic``; an extrinsic that is known or included already is a success."""
        return (yield from delivery.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """From the pool and the newest 256 blocks; ``expiry`` is the first block that cannot include it."""
        return (yield from delivery.status(network, txid, expiry))

    def wait(
        self,
        network: Network,
        txid: str,
        *,
        confirmations: int = 1,
        timeout: float = 300,
        expiry: int | None = None,
    ) -> Op[Receipt]:
        """As :meth:`Chain.wait`; a final block that was read once is not read again."""
        return (yield from _Waiting().wait(network, txid, confirmations=confirmations, timeout=timeout, expiry=expiry))


class _Waiting(Substrate):
    """One wait, which remembers the final blocks that do not hold its transaction."""

    def __init__(self) -> None:
        self._searched: set[int] = set()

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        return (yield from delivery.status(network, txid, expiry, self._searched))

    wait = Chain.wait


def _request(payload: bytes, kind: str, public_key: bytes, path: Path | None) -> SigningRequest:
    if kind == "ecdsa":  # whose signature is over the hash of the message
        return SigningRequest(Scheme.RECOVERABLE, Digest.BLAKE2B, message_of(payload), public_key, path)
    digest = Digest.BLAKE2B if len(payload) > 256 else Digest.NONE
    return SigningRequest(_SCHEMES[kind], digest, payload, public_key, path)


def _fits(request: SigningRequest, signature: bytes) -> bool:
    match request.scheme:
        case Scheme.ED25519:
            return ed25519.verify(request.public_key, request.message, signature)
        case Scheme.SR25519:
            from ...crypto import sr25519

            with suppress(MissingExtra):  # a machine that signs elsewhere may lack it; the chain checks it too
                return sr25519.verify(request.public_key, request.message, signature)
            return True
        case _:
            try:
                found = secp256k1.recover(signature, request.message)
            except InputError:
                return False
            return found == secp256k1.compress(request.public_key)


def _public_key(text: str, kind: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != (33 if kind == "ecdsa" else 32) or (kind == "ecdsa" and not secp256k1.is_valid_public_key(key)):
        raise InvalidTransaction("the stored public key is none")
    return key
