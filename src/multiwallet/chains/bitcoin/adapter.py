"""The Bitcoin family as a :class:`~multiwallet.chain.Chain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ...amounts import Amount, Asset
from ...chain import Chain, Claims, Holder, Network, Options, Payment, Replay
from ...errors import InputError, InvalidTransaction, Unsupported
from ...ops import Op
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
from . import addresses
from .rules import rules_of
from .script import KEY_KINDS, script_for_key

__all__ = ["Bitcoin"]

_VERSION_2: Final = b"\x01\xfb\x04\x02\x00\x00\x00"  # the field that says so; read once more where it may be one
_PURPOSES: Final = {"p2pkh": 44, "p2sh-p2wpkh": 49, "p2wpkh": 84, "p2tr": 86}


class Bitcoin(Chain):
    """Bitcoin and the networks made in its likeness. The body of a transaction is a PSBT (BIP-174)."""

    family: ClassVar[str] = "bitcoin"
    curve: ClassVar[str] = "secp256k1"
    kinds: ClassVar[tuple[str, ...]] = KEY_KINDS
    key_forms: ClassVar[tuple[str, ...]] = ("wif", "hex")
    whole_accounts: ClassVar[bool] = True
    replay: ClassVar[Replay | None] = Replay.COINS

    # -- keys and addresses --------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """BIP-44, 49, 84 or 86 by kind: the account's path when ``index`` is None, else its receive address."""
        coin = network.params.get("coin_type", network.slip44)
        path = Path().hardened(_PURPOSES[_kind(network, kind)]).hardened(coin).hardened(account)
        return path if index is None else path / 0 / index

    def kinds_of(self, network: Network) -> tuple[str, ...]:
        """The kinds that the network's row has, the usual one first: ``p2pkh`` alone without segregated witness."""
        return rules_of(network).kinds

    def kind_of(self, path: Path) -> str:
        """The kind of a BIP-44, 49, 84 or 86 path; of any other path the usual one."""
        first = path.indexes[0] - HARDENED if path.indexes else 0
        return next((kind for kind, purpose in _PURPOSES.items() if purpose == first), KEY_KINDS[0])

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The address of a public key of 33 bytes; an uncompressed one (65 bytes) has only a p2pkh address."""
        if not kind and len(public_key) == 65:
            kind = "p2pkh"
        kind = _kind(network, kind)
        address = addresses.address_of(network, script_for_key(kind, public_key))
        if address is None:
            raise Unsupported(f"{network.title} has no {kind} addresses")
        return address

    def parse_address(self, network: Network, text: str) -> str:
        """The canonical form of an address: lower-case Bech32, and a network's present version bytes."""
        return addresses.parse(network, text)

    # -- transactions --------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """Make a transaction of a PSBT: base64 or hex text, bytes, or ``{"psbt": ..., "allow_sighash": ["NONE"]}``.

        The latter allows sighash types that let others change the transaction afterwards. PSBT version 2
        becomes version 0. An input that spends the holder's script and names no key gets it written in.
        """
        from .ownership import attribute, known_scripts, own_outputs
        from .psbt import Psbt, psbt_bytes
        from .signable import examine

        context: dict[str, Any] = {}
        if isinstance(native, Mapping):
            native = _read_options(native, context)
        raw = psbt_bytes(native)
        if _VERSION_2 in raw:
            raw = Psbt.parse(raw).serialize()
        found = examine(raw, rules_of(holder.network).sighash)
        psbt = found.psbt
        attributed = attribute(holder, found)
        if attributed is not psbt:
            psbt, raw = attributed, attributed.serialize()
        change = own_outputs(holder, psbt)
        known = known_scripts(holder)
        if known:  # it has been scanned, so what lies beyond would not be found again
            change = [index for index in change if psbt.transaction.outputs[index].script in known]
        if change:
            context["change"] = change
        return self._transaction(holder.network, holder.address, raw, context)

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
        """Rebuild a transaction from its PSBT; fee and requests come from its bytes, and the stated fee must agree."""
        from .signable import examine
        from .summary import check_context

        if assets:
            raise InvalidTransaction(f"{network.title} has no tokens, and the transaction file names some")
        transaction = self._transaction(network, self.parse_address(network, sender), body, dict(context), fee)
        if (
            fee.expected != Amount(examine(body, rules_of(network).sighash).fee, network.native)
            or fee.maximum != fee.expected
        ):
            raise InvalidTransaction("the stated fee is not the one that the PSBT pays")
        check_context(transaction)
        return transaction

    def _transaction(
        self, network: Network, sender: str, body: bytes, context: dict[str, Any], fee: Fee | None = None
    ) -> UnsignedTransaction:
        from .signable import examine
        from .summary import fee_of

        found = examine(body, rules_of(network).sighash)
        return UnsignedTransaction(
            chain=self,
            network=network,
            sender=sender,
            body=body,
            fee=fee_of(network, found) if fee is None else fee,
            requests=found.requests,
            context=context,
        )

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """The requests for the inputs that the holder's own keys spend; SigningRefused when there is none."""
        from .signing import authorize

        return authorize(holder, transaction)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """Who is paid, what comes back, the fee and its rate, and what to be wary of."""
        from .summary import summarize

        return summarize(transaction)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """Put signatures in: the network transaction when all inputs are signed, else the PSBT so far.

        The txid of an incomplete transaction is that of the unsigned one: it stays the same unless an input
        from before segwit is still to be signed.
        """
        from .signing import assemble

        return assemble(self, transaction, signed)

    def to_wire(self, signed: SignedTransaction) -> str:
        """Hex, as ``sendrawtransaction`` and Esplora take it; base64 of the PSBT while signatures are missing."""
        if signed.complete:
            return signed.raw.hex()
        from base64 import b64encode

        return b64encode(signed.raw).decode("ascii")

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """Read a signed transaction from bytes or hex, or a PSBT in which every input has its signatures."""
        from .signing import read_signed

        return read_signed(self, network, wire)

    # -- messages ------------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """BIP-137 for p2pkh and BIP-322 for the other kinds, or as ``form="bip137"`` or ``form="bip322"`` says."""
        from .messages import message_request

        unknown = sorted(set(form) - {"form"})
        if unknown:
            raise InputError(f"unknown option {unknown[0]!r}: message signing knows form='bip137' and form='bip322'")
        return message_request(holder, message, form.get("form"))

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """Base64 as BIP-137 and BIP-322 write it; a full BIP-322 signature has ``ful`` in front."""
        from .messages import signature_text

        return signature_text(holder, request, signature)

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a BIP-137 or BIP-322 signature over the message is the address's."""
        from .messages import verify_message

        return verify_message(network, address, message, signature)

    # -- what asks the network -----------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the endpoint's genesis block with the network's."""
        from .sources import identify

        return identify(network)

    def refresh(self, holder: Holder) -> Op[Holder]:
        """Find the used addresses and the coins of an account."""
        from .scan import refresh

        return refresh(holder)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """What the refreshed holder has of the network's coin."""
        _only_native(holder.network, asset)
        from .scan import balance

        return balance(holder)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Choose coins, add change and make the PSBT. Several payments become several outputs."""
        for payment in payments:
            _only_native(holder.network, payment.asset)
        from .build import build

        return build(self, holder, payments, options)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """Hand the transaction to the network; "already known" is success."""
        from .sources import broadcast

        return broadcast(network, signed)

    def after_broadcast(self, holder: Holder, signed: SignedTransaction) -> Holder:
        """The refreshed holder without the coins that are now spent, and with its change as unconfirmed."""
        from .scan import after_broadcast

        return after_broadcast(holder, signed)

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Where the transaction stands. None but Zcash's expire: Expired when the height ``expiry`` has passed."""
        from .sources import status

        return status(network, txid, expiry)

    # -- for an outbox -------------------------------------------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """The coins that the transaction spends."""
        from .replay import claims

        return claims(signed)

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether another transaction spends one of its coins, ``depth`` blocks deep."""
        from .replay import is_dead

        return is_dead(holder.network, signed, depth=depth)

    def replace(
        self, holder: Holder, transaction: UnsignedTransaction, options: Options, *, cancel: bool = False
    ) -> Op[UnsignedTransaction]:
        """The same coins with a higher fee, taken from the change; to cancel, all of them back as change."""
        from .replay import replacement

        body = yield from replacement(holder.network, transaction, options, cancel=cancel)
        return self.adopt(holder, body)


def _kind(network: Network, kind: str) -> str:
    """The address kind, checked against what the network has; the empty text is the network's usual one."""
    kinds = rules_of(network).kinds
    if not kind:
        return kinds[0]
    if kind not in _PURPOSES:
        raise Unsupported(f"there is no address kind {str(kind)[:20]!r}: the kinds are {', '.join(KEY_KINDS)}")
    if kind not in kinds:
        raise Unsupported(f"{network.title} has no {kind} addresses: its kinds are {', '.join(kinds)}")
    return kind


def _only_native(network: Network, asset: Asset) -> None:
    if asset != network.native:
        raise Unsupported(f"{network.title} has no tokens that this library knows: {asset.id[:80]} is not its coin")


def _read_options(native: Mapping[str, Any], context: dict[str, Any]) -> Any:
    unknown = sorted(str(key) for key in native if key not in ("psbt", "allow_sighash"))
    if unknown or "psbt" not in native:
        raise InvalidTransaction('this mapping is no Bitcoin transaction: write {"psbt": ..., "allow_sighash": [...]}')
    allowed = native.get("allow_sighash", ())
    if isinstance(allowed, str) or not all(isinstance(item, str) for item in allowed):
        raise InvalidTransaction('allow_sighash is a list of names such as "NONE" or "ALL|ANYONECANPAY"')
    if allowed:
        context["allow_sighash"] = list(allowed)
    return native["psbt"]
