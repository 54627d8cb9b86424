"""Building: what is asked of the node, what is checked, and the signing payload that comes of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Holder, Network, Options, Payment
from ...codec import scale
from ...codec.reader import Reader
from ...crypto.hashes import blake2b
from ...errors import AmountError, BadResponse, InputError, InsufficientFunds, InvalidAddress, shown
from ...ops import Op, Rpc, ask
from ...transactions import Fee
from . import addresses, answers, calls, storage
from .extensions import Era, Terms, write_terms
from .extrinsic import KINDS, SIGNATURE_SIZES, encode_envelope, encode_extrinsic
from .merkle import Identity, Proof, Tree, tree
from .metadata import Metadata, parse
from .values import Decoder, Encoder

__all__ = ["Built", "build", "check_params", "constant", "genesis_of", "identity_of", "runtime_of"]

_KEPT: Final = 8
_MARGIN: Final = 4  # a fourth on top of the fee: its multiplier moves a little from block to block
_PARAMS: Final = ("genesis", "ss58", "asset_id_bits", "metadata_hash")


def check_params(network: Network) -> None:
    """Check the params of a row. A row for addresses alone needs no genesis hash; InputError."""
    for name in network.params:
        if name not in _PARAMS:
            raise InputError(
                f"the network {network.name!r} has an unknown param {shown(name)}: the params of a Substrate network are "
                f"{', '.join(_PARAMS)}"
            )
    addresses.prefix(network)
    calls.asset_id_bits(network)
    calls.proves_metadata(network)
    if "genesis" in network.params or network.status != "derive-only":
        genesis_of(network)


def genesis_of(network: Network) -> bytes:
    """The genesis hash in a network's row (``params.genesis``, 64 hex digits); InputError."""
    text = network.params.get("genesis")
    try:
        genesis = bytes.fromhex(text.removeprefix("0x")) if isinstance(text, str) else b""
    except ValueError:
        genesis = b""
    if len(genesis) != 32:
        raise InputError(f"the row of {network.name} needs params.genesis, the hash of block 0 in 64 hex digits")
    if genesis.hex()[:32] != network.reference:
        raise InputError(f"the row of {network.name}: its id and its genesis hash do not belong together")
    return genesis


class _Runtimes:
    """The metadata of the last few runtimes, by network, endpoints and version: it is too large to ask for each time.

    A version's metadata never changes. What another endpoint said is never used: a lie stays with its teller.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: tuple[Any, ...], data: bytes) -> None:
        with self._lock:
            self._kept[key] = data
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


_runtimes = _Runtimes()


def runtime_of(network: Network, version: answers.RuntimeVersion, at: str | None = None) -> Op[Metadata]:
    """The metadata of a runtime version, from the node or as it was read before. ``at`` is a block's hash."""
    key = (network.id, network.endpoints, version)
    data = _runtimes.get(key)
    if data is None:
        block = () if at is None else (at,)
        if version.serves_v15:
            wanted = "0x" + scale.encode_uint(15, 4).hex()
            effect = answers.call(network, "state_call", "Metadata_metadata_at_version", wanted, *block)
            (answer,) = yield from ask(effect)
            data = answers.opaque_metadata(answer)
        else:
            (answer,) = yield from ask(answers.call(network, "state_getMetadata", *block))
            data = answers.hex_of(answer, "state_getMetadata")
        metadata = parse(data)
        _check_version(metadata, version)
        _runtimes.keep(key, data)
    return parse(data)


def _check_version(metadata: Metadata, version: answers.RuntimeVersion) -> None:
    """That the metadata is of the runtime that the node says it runs."""
    found = constant(metadata, "System", "Version")
    if not isinstance(found, Mapping) or (found.get("spec_name"), found.get("spec_version")) != (
        version.spec_name,
        version.spec_version,
    ):
        raise BadResponse("the node's metadata is not of the runtime version that it names")
    if found.get("transaction_version") != version.transaction_version:
        raise BadResponse("the node's metadata and its runtime version name different transaction versions")


def constant(metadata: Metadata, pallet: str, name: str) -> Any:
    """A constant of a pallet; BadResponse where the runtime has none of that name."""
    found = metadata.pallets.get(pallet)
    item = None if found is None else found.constants.get(name)
    if item is None:
        raise BadResponse(f"the runtime's metadata has no constant {pallet}.{name}")
    try:
        return Decoder(metadata.types).read(Reader(item[1], name), item[0])
    except InputError as error:
        raise BadResponse(f"the constant {pallet}.{name} cannot be read: {error.message}") from None


def identity_of(network: Network, metadata: Metadata) -> Identity:
    """What the metadata hash says of the chain: version and address prefix of the runtime, the coin of the row."""
    version = constant(metadata, "System", "Version")
    name, number = (
        (version.get("spec_name"), version.get("spec_version")) if isinstance(version, Mapping) else (None, None)
    )
    prefix = constant(metadata, "System", "SS58Prefix")
    if not isinstance(name, str) or not isinstance(number, int) or not isinstance(prefix, int) or prefix >> 16:
        raise BadResponse("the runtime's metadata does not say what runtime it is")
    return Identity(number, name, prefix, network.decimals, network.symbol)


def existential_deposit(metadata: Metadata) -> int:
    """What an account must hold to exist."""
    value = constant(metadata, "Balances", "ExistentialDeposit")
    if not isinstance(value, int):
        raise BadResponse("the constant Balances.ExistentialDeposit is no number")
    return value


@dataclass(frozen=True, slots=True)
class Built:
    """A payload that is ready to be signed, its fee, and what goes with it."""

    payload: bytes
    proof: Proof
    fee: Fee
    birth: int
    assets: tuple[Any, ...]


def build(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[Built]:
    """From payments to a signing payload, in three rounds of questions (four with a new runtime)."""
    network = holder.network
    wanted = calls.plan(holder, payments, options)
    genesis = genesis_of(network)
    own = addresses.account_of(network, holder.address)
    payer = wanted.pays(own)
    natives = [p for p in wanted.payments if p.asset == network.native]
    recipients = list(dict.fromkeys(addresses.account_of(network, p.to) for p in natives))
    assets = list(dict.fromkeys(p.asset for p in wanted.payments if p.asset != network.native))
    effects: list[Rpc] = [
        answers.call(network, "state_getRuntimeVersion"),
        answers.call(network, "chain_getFinalizedHead"),
        answers.call(network, "system_accountNextIndex", holder.address),
    ]
    keys = [storage.account_key(account) for account in (own, payer, *recipients)]
    numbers = {asset: calls.asset_number(network, asset.reference)[1] for asset in assets}
    keys += [storage.asset_account_key(numbers[asset], payer) for asset in assets]
    received = [p for p in wanted.payments if p.asset != network.native]
    for payment in received:
        target = addresses.account_of(network, payment.to)
        keys += [
            storage.account_key(target),
            storage.asset_account_key(numbers[payment.asset], target),
            storage.asset_details_key(numbers[payment.asset]),
        ]
    effects += [answers.call(network, "state_getStorage", key) for key in keys]
    found = yield from ask(*effects)
    version = answers.runtime_version(found[0])
    anchor = answers.hash_of(found[1], "chain_getFinalizedHead")
    nonce = answers.whole(found[2], "system_accountNextIndex") if wanted.nonce is None else wanted.nonce
    accounts = [storage.read_account(answers.stored(item)) for item in found[3 : 5 + len(recipients)]]
    rest = found[5 + len(recipients) :]
    holdings = [storage.read_asset_account(answers.stored(item)) for item in rest[: len(assets)]]
    for n, payment in enumerate(received):
        _check_receivable(payment, *map(answers.stored, rest[len(assets) + 3 * n : len(assets) + 3 * n + 3]))
    metadata = yield from runtime_of(network, version)
    forest = tree(metadata)
    encoder = Encoder(forest.types, lambda text: addresses.account_of(network, text))
    identity = identity_of(network, metadata)
    spendable = {}
    for asset, (balance, frozen) in zip(assets, holdings, strict=True):
        spendable[asset.id] = 0 if frozen else balance
        asked = sum(p.amount.units for p in wanted.payments if p.asset == asset)
        everything = any(p.everything for p in wanted.payments if p.asset == asset)
        if asked > spendable[asset.id] or (everything and not spendable[asset.id]):
            raise InsufficientFunds(
                f"the account holds {Amount(spendable[asset.id], asset)} that it can spend, and {Amount(asked, asset)} "
                "are needed",
                needed=Amount(max(asked, 1), asset),
                available=Amount(spendable[asset.id], asset),
            )
    header, *extra = yield from ask(
        answers.call(network, "chain_getHeader", anchor),
        *_multisig_questions(network, forest, encoder, wanted, spendable),
    )
    number = answers.number_of(header, "chain_getHeader")
    inner = calls.inner_call(network, forest.types, forest.form.call, wanted, spendable)
    timepoint, weight = None, (0, 0)
    if wanted.shared is not None:
        timepoint = wanted.shared.timepoint
        if extra and timepoint is None:
            timepoint = _timepoint(answers.stored(extra[0]))
        if wanted.shared.threshold > 1:
            raw = encoder.write(forest.form.call, inner, "the call")
            weight, _ = yield from _price(network, holder, forest, raw, Terms(Era(), genesis, nonce, 0, 0, 0, genesis))
    call = calls.wrap(
        network, forest.types, forest.form.call, wanted, inner, encoder, timepoint=timepoint, weight=weight
    )
    raw = encoder.write(forest.form.call, call, "the call")
    era = Era.at(number, wanted.era)
    birth = era.birth(number)
    block_hash = bytes.fromhex(anchor[2:]) if era.period else genesis
    if era.period and birth != number:  # a period so long that its phases are coarse
        (answer,) = yield from ask(answers.call(network, "chain_getBlockHash", birth))
        block_hash = answers.hex_of(answer, "chain_getBlockHash", 32)
    hashes = any(item.name == "CheckMetadataHash" for item in forest.form.extensions)
    proves = wanted.metadata_hash and hashes and metadata.version >= 15
    if wanted.must_prove and not proves:
        raise BadResponse(
            f"{network.title} can prove its metadata, and this node gives them in a form without proof: use another "
            "endpoint (metadata_hash=False does without the proof, where you trust the node)"
        )
    terms = Terms(
        era,
        block_hash,
        nonce,
        wanted.tip,
        version.spec_version,
        version.transaction_version,
        genesis,
        forest.digest(identity) if proves else None,
    )
    included, implicit = write_terms(encoder, forest.types, forest.form, terms)
    payload = raw + included + implicit
    _, partial = yield from _price(network, holder, forest, raw, terms)
    native = network.native
    fee = Fee(
        Amount(partial + wanted.tip, native),
        Amount(partial + partial // _MARGIN + wanted.tip, native),
        {"inclusion": str(partial), "tip": str(wanted.tip)},
    )
    if options.max_fee is not None and fee.maximum > options.max_fee:
        raise InputError(f"the fee is {fee.expected} (at most {fee.maximum}), above the max_fee of {options.max_fee}")
    deposit = existential_deposit(metadata)
    sender, purse, *others = accounts
    existing = {account: state.exists for account, state in zip(recipients, others, strict=True)}
    _check_funds(network, wanted, fee, deposit, sender, purse, payer == own, recipients, existing)
    blank = bytes(SIGNATURE_SIZES[holder.kind or KINDS[0]])
    envelope = encode_envelope(forest.types, forest.form, holder.kind, own, blank)
    proof = forest.proof(payload, identity, envelope)
    return Built(payload, proof, fee, birth, tuple(assets))


def _check_receivable(payment: Payment, account: bytes | None, holding: bytes | None, details: bytes | None) -> None:
    """That the recipient of an asset can take it; InvalidAddress for no asset, AmountError for one that it cannot."""
    found = storage.read_asset_details(details)
    if found is None:
        raise InvalidAddress(f"there is no asset {payment.asset.reference} on this network any more")
    least, is_sufficient = found
    if holding is not None or payment.everything:
        return
    if account is None and not is_sufficient:
        raise AmountError(
            f"{payment.to} does not exist yet, and {payment.asset.symbol} cannot bring an account into being: send it "
            "the existential deposit of the network's coin first"
        )
    if payment.amount.units < least:
        raise AmountError(f"an account holds at least {Amount(least, payment.asset)}: send that much")


def _multisig_questions(
    network: Network, forest: Tree, encoder: Encoder, wanted: calls.Plan, spendable: Mapping[str, int]
) -> list[Rpc]:
    shared = wanted.shared
    if shared is None or shared.threshold == 1 or shared.timepoint is not None:
        return []
    inner = calls.inner_call(network, forest.types, forest.form.call, wanted, spendable)
    digest = blake2b(encoder.write(forest.form.call, inner, "the call"), size=32)
    return [answers.call(network, "state_getStorage", storage.multisig_key(shared.account, digest))]


def _timepoint(data: bytes | None) -> dict[str, int] | None:
    """When the first signatory approved; None where nobody has yet."""
    if data is None:
        return None
    reader = Reader(data, "Multisig.Multisigs")
    try:
        return {"height": reader.uint(4), "index": reader.uint(4)}
    except InputError as error:
        raise BadResponse(error.message) from None


def _price(
    network: Network, holder: Holder, forest: Tree, call: bytes, terms: Terms
) -> Op[tuple[tuple[int, int], int]]:
    """The weight of a call, and the fee of the extrinsic that makes it, as the node's runtime reckons them."""
    encoder = Encoder(forest.types, lambda text: addresses.account_of(network, text))
    included, _ = write_terms(encoder, forest.types, forest.form, terms)
    length = SIGNATURE_SIZES[holder.kind or KINDS[0]]
    raw = encode_extrinsic(
        forest.types,
        forest.form,
        holder.kind,
        addresses.account_of(network, holder.address),
        bytes(length),
        included,
        call,
    )
    question = "0x" + (raw + scale.encode_uint(len(raw), 4)).hex()
    (answer,) = yield from ask(answers.call(network, "state_call", "TransactionPaymentApi_query_info", question))
    time, size, fee = answers.dispatch_info(answer)
    return (time, size), fee


def _check_funds(
    network: Network,
    wanted: calls.Plan,
    fee: Fee,
    deposit: int,
    sender: storage.AccountBalance,
    purse: storage.AccountBalance,
    is_own: bool,
    recipients: list[bytes],
    existing: Mapping[bytes, bool],
) -> None:
    """That what is paid and the fee can be afforded, and that nobody falls below the existential deposit."""
    native = network.native
    paid: dict[bytes, int] = {}
    total = 0
    for payment in wanted.payments:
        if payment.asset == native:
            account = addresses.account_of(network, payment.to)
            paid[account] = paid.get(account, 0) + payment.amount.units
            total += payment.amount.units
    everything = any(payment.everything for payment in wanted.payments if payment.asset == native)
    for account in recipients:
        if not existing[account] and not everything and paid[account] < deposit:
            raise AmountError(
                f"{addresses.of_account(network, account)} does not exist yet, and an account that holds less than the "
                f"existential deposit of {Amount(deposit, native)} is removed: send that much at least"
            )
    keeps = deposit if wanted.keep_alive and total else 0
    burden = fee.maximum.units + (total + keeps if is_own else 0)
    if everything and is_own:
        burden += 0 if all(existing.values()) else deposit
    _afford(sender, burden, keeps if is_own else 0, f"the payment and a fee of {fee.maximum}", network)
    if not is_own:
        _afford(purse, total + keeps, keeps, "the payment, out of the account that is acted for,", network)


def _afford(state: storage.AccountBalance, burden: int, keeps: int, what: str, network: Network) -> None:
    # What a freeze holds back serves as the existential deposit too, so the larger of the two stays.
    available = max(0, state.free - max(0, state.frozen - state.reserved, keeps)) + keeps
    if burden > available:
        needed, at_hand = Amount(burden, network.native), Amount(min(available, state.free), network.native)
        hint = (
            f", of which {Amount(keeps, network.native)} must stay (keep_alive=False gives the account up)"
            if keeps
            else ""
        )
        raise InsufficientFunds(
            f"{what} need {needed}{hint}, and {at_hand} can be spent", needed=needed, available=at_hand
        )
