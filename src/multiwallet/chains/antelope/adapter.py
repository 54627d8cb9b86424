"""The Antelope family: every method of the contract, each a few lines over the rooms beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ...amounts import Asset
from ...chain import Chain, Holder, Network, Options, Payment
from ...crypto.hashes import sha256
from ...crypto.secp256k1 import is_valid_public_key
from ...errors import (
    BadResponse,
    InputError,
    InvalidAddress,
    InvalidMessage,
    InvalidTransaction,
    SigningRefused,
    Unsupported,
)
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
from . import accounts, answers, esr, names, node_form, public_keys, summary, tokens
from . import build as building
from . import delivery as sending
from .abi import Abi
from .transaction import MAX_SIGNATURES, Transaction, decode_envelope, encode_envelope, identity, preimage

__all__ = ["Antelope"]

_CONTEXT = {"public_key", "signatures", "abis"}


class Antelope(Chain):
    """Antelope networks (EOSIO): Vaulta/EOS, WAX, Telos and others, through nodeos's ``v1/chain`` HTTP API.

    An account is named, not derived: ``kind="alice"`` or ``kind="alice@permission"`` says for whom a key acts; with
    the default kind the address is the public key, and its one account is looked up. Transactions cost no coins but
    CPU, NET and RAM. Options of ``build``: ``actor``, ``permission``, ``expiration`` (seconds, 120 unless told),
    ``actions`` (or ``data``), ``receiver``, ``max_cpu_usage_ms``, ``max_net_usage_words``, ``propose`` and those in
    :data:`~multiwallet.chains.antelope.shortcuts.SHORTCUTS`. There are no speeds: ``speed`` changes nothing.
    """

    family: ClassVar[str] = "antelope"
    curve: ClassVar[str] = "secp256k1"
    kinds: ClassVar[tuple[str, ...]] = accounts.Kinds(("",))
    key_forms: ClassVar[tuple[str, ...]] = ("pvt-k1", "hex", "0xhex")

    def check_row(self, network: Network) -> None:
        """Check what the row says in its params; InputError naming the one that is unknown or does not fit."""
        building.check_params(network)

    # -- keys and addresses ------------------------------------------------------------------------

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """``m/44'/194'/account'/0/index`` (SLIP-44 number 194) on every network, as this ecosystem's wallets have it."""
        return Path("m/44'/194'").hardened(account) / 0 / (index or 0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The account's name that the kind states, else the public key as ``PUB_K1_...``; InvalidKey."""
        return accounts.address(public_key, kind)

    def parse_address(self, network: Network, text: str) -> str:
        """An account's name, or a public key (``PUB_K1_...``, ``EOS...``) as ``PUB_K1_...``; InvalidAddress."""
        return accounts.parse(network, text)

    def asset_id(self, network: Network, reference: str) -> str:
        """``antelope:.../token:eosio.token-EOS`` of a contract and a symbol; the native coin's id for the core token."""
        contract, code = tokens.parse_reference(reference)
        return f"{network.id}/token:{tokens.reference(contract, code)}"

    # -- transactions ------------------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """A packed transaction (bytes, hex), eosjs or wharfkit JSON, or an ``esr:`` request; InvalidTransaction.

        Signatures found are kept, and another is added to them. A request must hold a whole transaction; for one of
        mere actions use ``build(..., data="esr:...")``, which asks the chain for what it lacks.
        """
        network = holder.network
        found: tuple[bytes, ...]
        if esr.is_request(native):
            body, found = self._requested(holder, native), ()
        else:
            body, found = node_form.read(network, native)
        if len(found) >= MAX_SIGNATURES:
            raise InvalidTransaction(f"this transaction has {MAX_SIGNATURES} signatures already")
        self._check_signatures(network, body, found)
        return self._unsigned(holder, Transaction.decode(body), building.free(network), (), found, {})

    def _requested(self, holder: Holder, text: str) -> bytes:
        request = esr.decode(text)
        if request.chain_id != building.chain_id(holder.network):
            raise SigningRefused(f"this signing request is for another chain than {holder.network.title}")
        whole = request.transaction
        if whole is None or not whole.expiration:
            raise InvalidTransaction(
                'this request leaves time and reference block to the wallet: build(to=..., amount="0", data="esr:...")'
            )
        try:
            level = accounts.level_of(holder)
        except InputError as error:
            raise InvalidTransaction(error.message) from None
        return replace(whole, actions=esr.resolve(holder.network, request.actions, level, {})).encode()

    def _unsigned(
        self,
        holder: Holder,
        body: Transaction,
        fee: Fee,
        assets: tuple[Asset, ...],
        found: tuple[bytes, ...],
        abis: Mapping[str, bytes],
    ) -> UnsignedTransaction:
        packed = body.encode()
        context = {
            "public_key": holder.public_key.hex(),
            "signatures": [public_keys.signature_text(item) for item in found],
            "abis": {name: data.hex() for name, data in abis.items()},
        }
        request = self._request(holder.network, packed, holder.public_key, holder.path)
        return UnsignedTransaction(self, holder.network, str(body.sender), packed, fee, (request,), assets, context)

    def _request(self, network: Network, packed: bytes, key: bytes, path: Path | None) -> SigningRequest:
        content = preimage(building.chain_id(network), packed)
        return SigningRequest(Scheme.CANONICAL, Digest.SHA256, content, key, path)

    def _check_signatures(self, network: Network, packed: bytes, found: tuple[bytes, ...]) -> None:
        digest = sha256(preimage(building.chain_id(network), packed))
        signers = [public_keys.signer_of(item, digest) for item in found if item[0] == 0]
        if len(set(signers)) != len(signers):
            raise InvalidTransaction("the transaction carries two signatures of one key, which nodes refuse")

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
        if str(Transaction.decode(body).sender) != sender:
            raise InvalidTransaction("the stored sender is not the one in the bytes")
        if fee.expected.units or fee.maximum.units or fee.expected.asset != network.native:
            raise InvalidTransaction(f"transactions on {network.name} cost no coins")
        if set(context) != _CONTEXT:
            raise InvalidTransaction("the stored context is not that of an Antelope transaction")
        listed, key, _ = context["signatures"], context["public_key"], _abis(context)
        if not isinstance(listed, list) or not isinstance(key, str):
            raise InvalidTransaction("the stored signatures are no list, or the public key no text")
        try:
            public_key = bytes.fromhex(key)
        except ValueError:
            public_key = b""
        if len(public_key) != 33 or not is_valid_public_key(public_key):
            raise InvalidTransaction("the stored public key is none")
        self._check_signatures(network, body, tuple(map(public_keys.parse_signature, listed)))
        request = self._request(network, body, public_key, paths.get(public_key))
        return UnsignedTransaction(self, network, sender, body, fee, (request,), assets, dict(context))

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """One request, when the transaction acts for the holder's account, or was built for the holder's key."""
        if transaction.network != holder.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, the account is on {holder.network.name}"
            )
        body = Transaction.decode(transaction.body)
        if holder.kind:
            actor = names.level(holder.kind).actor
            if actor not in {level.actor for level in body.levels}:
                raise SigningRefused(f"the transaction acts for {body.sender}, and not for {actor}")
        elif transaction.context.get("public_key") != holder.public_key.hex():
            raise SigningRefused(
                f"the transaction of {body.sender} was made for another key; to sign it with this one as well, name the "
                f'account: kind="{body.sender.actor}"'
            )
        request = self._request(holder.network, transaction.body, holder.public_key, holder.path)
        for item in transaction.context.get("signatures", ()):
            wire = public_keys.parse_signature(item)
            if wire[0] == 0 and public_keys.signer_of(wire, request.message) == holder.public_key:
                raise SigningRefused("this key has signed the transaction already")
        return (request,)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the bytes do, with warnings."""
        body = Transaction.decode(transaction.body)
        return summary.describe(
            transaction.network, body, transaction.fee, transaction.assets, _abis(transaction.context)
        )

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """The transaction with its earlier signatures and the new ones (65 bytes each: r, s, recovery id)."""
        if not signed:
            raise InvalidTransaction("the transaction lacks a signature")
        network, packed = transaction.network, transaction.body
        body, content = Transaction.decode(packed), preimage(building.chain_id(network), packed)
        found = list(map(public_keys.parse_signature, transaction.context.get("signatures", ())))
        for request, signature in signed:
            if request.preimage != content or request.scheme is not Scheme.CANONICAL:
                raise InvalidTransaction("a signature belongs to another transaction")
            wire = public_keys.signature_bytes(signature)
            if public_keys.signer_of(wire, sha256(content)) != request.public_key:
                raise InvalidTransaction("a signature was not made by the key that was asked")
            if not public_keys.is_canonical(signature):
                raise InvalidTransaction("a signature is not of the canonical form that the chain demands")
            found.append(wire)
        if len(found) > MAX_SIGNATURES:
            raise InvalidTransaction(f"a transaction has at most {MAX_SIGNATURES} signatures here")
        raw = encode_envelope(packed, tuple(found))
        return SignedTransaction(self, network, raw, identity(packed), True, body.expiration)

    def to_wire(self, signed: SignedTransaction) -> Any:
        """The object that ``v1/chain/send_transaction`` takes."""
        return node_form.packed_json(*decode_envelope(signed.raw))

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """A signed transaction from the node's or eosjs's object (or its JSON), its bytes or hex; InvalidTransaction."""
        packed, found = node_form.read_envelope(network, wire)
        self._check_signatures(network, packed, found)
        expiration = Transaction.decode(packed).expiration
        return SignedTransaction(self, network, encode_envelope(packed, found), identity(packed), True, expiration)

    # -- messages ----------------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """The SHA-256 of the text (UTF-8) or bytes, as Anchor and Scatter sign "arbitrary" data."""
        if form:
            raise InputError(f"Antelope messages have no option {sorted(form)[0]!r}")
        return SigningRequest(Scheme.CANONICAL, Digest.SHA256, _content(message), holder.public_key, holder.path)

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """``SIG_K1_...``."""
        return public_keys.signature_text(public_keys.signature_bytes(signature))

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether a signature (``SIG_K1_...``) over the message was made by a public key.

        Unsupported for an account's name: which keys speak for it is written on the chain alone.
        """
        key = accounts.key_of(network, accounts.parse(network, address))
        if key is None:
            raise Unsupported(
                f"a message is signed by a key, and the chain alone knows the keys of {address}: verify with the public key"
            )
        digest = sha256(_content(message))
        try:
            text = signature.decode("ascii") if isinstance(signature, bytes | bytearray) else signature
            return public_keys.signer_of(public_keys.parse_signature(text), digest) == key
        except (InvalidTransaction, UnicodeDecodeError):
            return False

    # -- what asks the network ---------------------------------------------------------------------

    def identify(self, network: Network) -> Op[None]:
        """Compare the chain id, of which the CAIP-2 reference is the first half."""
        wanted = building.chain_id(network).hex()
        (answer,) = yield from ask(answers.post(network, "get_info"))
        found = answers.chain_id(answer)
        if found != wanted:
            raise BadResponse(
                f"this endpoint serves antelope:{found[:32]}, not {network.name} ({network.id}): check its URL"
            )

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A token by contract and symbol (``eosio.token-EOS``); InvalidAddress where there is no such token."""
        contract, code = tokens.parse_reference(reference)
        call = "get_currency_stats"
        (answer,) = yield from ask(answers.post(network, call, code=contract, symbol=code))
        found = answers.table(answer, call)
        if code not in found:
            raise InvalidAddress(f"there is no token {code} of the contract {contract} on {network.title}")
        supply = answers.asset(answers.table(found[code], call).get("max_supply"), call)
        if supply.symbol.code != code:
            raise BadResponse(f"{call} answered about another token than {code}")
        return tokens.asset_of(network, contract, supply.symbol)

    def refresh(self, holder: Holder) -> Op[Holder]:
        """Look up the accounts of a key, once one was found never again. A named account is asked about by name."""
        if holder.kind or holder.state:
            return holder
        found = yield from building.lookup(holder.network, holder.public_key)
        return replace_state(holder, found)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """What the account has of a token. What it has staked for itself, or is taking out, is ``locked``."""
        network = holder.network
        if not holder.kind and holder.state == ():
            return Balance.of(asset, 0)  # no account lists this key, so it has nothing
        actor = accounts.level_of(holder).actor
        contract, symbol = tokens.contract_of(network, asset), tokens.symbol_of(network, asset)
        effects = [answers.post(network, "get_currency_balance", code=contract, account=actor, symbol=symbol.code)]
        if asset == network.native:
            effects.append(answers.post(network, "get_account", account_name=actor))
        outcomes = yield from ask(*effects)
        locked = answers.staked(outcomes[1], network) if asset == network.native else 0
        return Balance.of(asset, answers.balance(outcomes[0], symbol), locked=locked)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """One transaction of all payments (of any tokens) and of the actions that the options name.

        Like builds differ in ``max_net_usage_words``, a limit far beyond any transaction, so that two like payments
        are two transactions.
        """
        made = yield from building.build(holder, payments, options)
        return self._unsigned(holder, made.body, made.fee, made.assets, (), made.abis)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """``send_transaction``; a node that has the transaction already is a success."""
        return (yield from sending.broadcast(network, signed))

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """From a history service, or from the blocks; ``final`` once its block is irreversible. ``expiry`` in seconds."""
        return (yield from sending.status(network, txid, expiry))

    def wait(
        self, network: Network, txid: str, *, confirmations: int = 1, timeout: float = 300, expiry: int | None = None
    ) -> Op[Receipt]:
        """As the contract says, reading each block only once."""
        return (yield from sending.wait(network, txid, confirmations, timeout, expiry))


def replace_state(holder: Holder, found: Any) -> Holder:
    """The holder with another state."""
    return Holder(
        holder.network,
        holder.address,
        holder.public_key,
        holder.kind,
        holder.path,
        fingerprint=holder.fingerprint,
        state=found,
    )


def _content(message: str | bytes) -> bytes:
    if isinstance(message, str):
        try:
            return message.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidMessage("the message holds a lone surrogate, which UTF-8 cannot carry") from None
    if not isinstance(message, bytes | bytearray | memoryview):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    return bytes(message)


def _abis(context: Mapping[str, Any]) -> dict[str, Abi]:
    stored = context.get("abis")
    if not isinstance(stored, Mapping):
        raise InvalidTransaction("the stored ABIs are no object")
    try:
        return {names.account(name): Abi.decode(bytes.fromhex(data)) for name, data in stored.items()}
    except InvalidTransaction:
        raise
    except (InputError, TypeError, ValueError):
        raise InvalidTransaction("the stored ABIs are no accounts with hex") from None
