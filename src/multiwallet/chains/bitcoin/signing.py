"""Who may sign which input of a PSBT, and what becomes of the signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ...chain import Holder
from ...codec import der
from ...errors import InputError, InvalidTransaction, SigningRefused
from ...path import HARDENED, Path
from ...transactions import Scheme, SignedTransaction, SigningRequest, UnsignedTransaction
from . import psbt_fields as field
from .psbt import Psbt, origin_fields
from .psbt_fields import Fields, read_stack
from .script import KEY_KINDS, kind_of, push, redeem_script_for_key, script_for_key
from .sighash import sighash_name
from .signable import Examined, InputPlan, examine
from .transaction import Transaction, TxIn

if TYPE_CHECKING:
    from ...chain import Chain

__all__ = ["assemble", "attribute", "authorize", "own_outputs"]

Claim: TypeAlias = Callable[[bytes, Path | None, bytes], tuple[bytes, Path | None] | None]
"""From a key, its claimed path and the script it spends: the holder's key and path, or None when it is not its own."""

_LOOK_AHEAD = 20  # BIP-44's gap limit: how far a whole account is searched for a script that names no key


def authorize(holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
    """The requests that the holder signs, with its own keys and paths.

    An input is the holder's when the key that its script pays to is: the only key of an account with one,
    or a child that the account derives itself. Raises :class:`~multiwallet.errors.SigningRefused` when no
    input is, for another network, for a sighash type that was not allowed, and when an output that the
    summary calls change is not the holder's.
    """
    if transaction.network != holder.network:
        raise SigningRefused(f"the transaction is for {transaction.network.title}, the account for {holder.network.title}")
    found = examine(transaction.body)
    claim = _claim(holder)
    outputs, places = found.spent, found.places
    requests = []
    for request in found.requests:
        owned = claim(request.public_key, request.path, outputs[places[request.preimage].index].script)
        if owned is None:
            continue
        key, path = owned
        if key != request.public_key or path != request.path:
            request = SigningRequest(request.scheme, request.digest, request.preimage, key, path, request.tweak)
        requests.append(request)
    if not requests:
        raise SigningRefused(_nothing_to_sign(found, claim))
    _check_sighashes(found, requests, transaction.context)
    called_change = set(transaction.context.get("change", ()))
    if called_change and not called_change <= set(own_outputs(holder, found.psbt)):
        raise SigningRefused("the transaction calls an output its change that is not this account's: do not sign it")
    return tuple(requests)


def _nothing_to_sign(found: Examined, claim: Claim) -> str:
    for index, plan in found.plans.items():
        for key in plan.keys:
            if claim(key, None, found.spent[index].script):
                return "this account has already signed all that it can sign in this transaction"
    return "no input of this transaction belongs to this account"


def _check_sighashes(found: Examined, requests: list[SigningRequest], context: Mapping[str, Any]) -> None:
    unusual = {plan.preimage: plan for plan in found.unusual}
    if not unusual:
        return
    allowed = context.get("allow_sighash", ())
    for request in requests:
        plan = unusual.get(request.preimage)
        if plan is not None and sighash_name(plan.sighash) not in allowed:
            name = sighash_name(plan.sighash)
            raise SigningRefused(
                f"input {plan.index} asks for a signature of the type {name}, after which others could change the "
                f'transaction: to allow it, sign {{"psbt": ..., "allow_sighash": ["{name}"]}}'
            )


# -- whose a key is -------------------------------------------------------------------------------


def _claim(holder: Holder) -> Claim:
    if holder.derive is None:
        return _claim_of_key(holder)
    return _claim_of_account(holder, holder.derive)


def _claim_of_key(holder: Holder) -> Claim:
    own, x = holder.public_key, holder.public_key[1:33]
    owned = (own, holder.path)

    def claim(key: bytes, path: Path | None, script: bytes) -> tuple[bytes, Path | None] | None:
        if key == own or (key[1:] == x and script[:2] == b"\x51\x20"):
            return owned
        return None

    return claim


def _claim_of_account(holder: Holder, derive: Callable[[int, int], bytes]) -> Claim:
    account = () if holder.account_path is None else holder.account_path.indexes
    depth = len(account)
    scripts = known_scripts(holder)
    derived: dict[tuple[int, int], bytes] = {}
    answers: dict[tuple[bytes, Path | None], tuple[bytes, Path | None] | None] = {}

    def child(place: tuple[int, int]) -> bytes:
        key = derived.get(place)
        if key is None:
            derived[place] = key = derive(*place)
        return key

    def look(key: bytes, path: Path | None, script: bytes) -> tuple[bytes, Path | None] | None:
        places = []
        if path is not None:
            steps = path.indexes
            if steps[:depth] == account and len(steps) == depth + 2:
                places.append(steps[depth:])
            elif len(steps) == 2:  # written from the account's key on, by software that knows no more
                places.append(steps)
        known = scripts.get(script)
        if known is not None:
            places.append(known)
        for change, index in places:
            if change < HARDENED and index < HARDENED:
                own = child((change, index))
                if own == key or (own[1:] == key[1:] and script[:2] == b"\x51\x20"):
                    return own, None if holder.account_path is None else Path((*account, change, index))
        return None

    def claim(key: bytes, path: Path | None, script: bytes) -> tuple[bytes, Path | None] | None:
        if script in scripts:
            return look(key, path, script)
        name = (key, path)
        if name not in answers:
            answers[name] = look(key, path, script)
        return answers[name]

    return claim


def known_scripts(holder: Holder) -> Mapping[bytes, tuple[int, int]]:
    """The output scripts that a refreshed whole account knows as its own, with (change, index) of each."""
    scripts = getattr(holder.state, "scripts", None)
    return scripts if isinstance(scripts, Mapping) else {}


def attribute(holder: Holder, psbt: Psbt) -> Psbt:
    """The PSBT with the holder's key written to each input that spends its scripts and names no key.

    The PSBT comes back as it is when there is no such input.
    """
    find = _script_finder(holder)
    added: dict[int, Fields] = {}
    for index, (fields, output) in enumerate(zip(psbt.inputs, psbt.spent, strict=True)):
        if output is None or field.FINAL_WITNESS in fields or field.FINAL_SCRIPTSIG in fields:
            continue
        kind = kind_of(output.script)
        if kind == "p2wsh" or kind == "unknown" or any(key[0] in (0x02, 0x06, 0x16) for key in fields):
            continue
        owned = find(output.script)
        if owned is None:
            continue
        key, path = owned
        added[index] = origin_fields(kind == "p2tr", key, path, holder.fingerprint)
        if kind == "p2sh":
            added[index][field.REDEEM_SCRIPT] = redeem_script_for_key(key)
    return psbt.updated(added) if added else psbt


def _script_finder(holder: Holder) -> Callable[[bytes], tuple[bytes, Path | None] | None]:
    derive = holder.derive
    if derive is None:
        key = holder.public_key
        kinds = KEY_KINDS if len(key) == 33 else ("p2pkh",)
        own = {script_for_key(kind, key) for kind in kinds}
        return lambda script: (key, holder.path) if script in own else None
    scripts = dict(known_scripts(holder))

    def look_ahead() -> None:
        for change in (0, 1):
            for index in range(_LOOK_AHEAD):
                scripts.setdefault(script_for_key(holder.kind or KEY_KINDS[0], derive(change, index)), (change, index))

    looked = False

    def find(script: bytes) -> tuple[bytes, Path | None] | None:
        nonlocal looked
        if script not in scripts and not looked:
            looked = True
            look_ahead()
        place = scripts.get(script)
        if place is None:
            return None
        path = None if holder.account_path is None else Path((*holder.account_path.indexes, *place))
        return derive(*place), path

    return find


def own_outputs(holder: Holder, psbt: Psbt) -> list[int]:
    """The outputs that are the holder's for certain: the PSBT names a key of its own, and the script pays to it."""
    claim = None
    mine = []
    for index, (fields, output) in enumerate(zip(psbt.outputs, psbt.transaction.outputs, strict=True)):
        if holder.derive is None and output.script == _address_script(holder):
            mine.append(index)
            continue
        for name, origin in fields.items():
            if name[0] == field.OUT_BIP32_DERIVATION:
                key, steps = name[1:], origin[4:]
            elif name[0] == field.OUT_TAP_BIP32_DERIVATION:
                key, steps = b"\x02" + name[1:], field.tap_origin(origin)[1][4:]
            else:
                continue
            path = Path([int.from_bytes(steps[at : at + 4], "little") for at in range(0, len(steps), 4)])
            claim = claim or _claim(holder)
            owned = claim(key, path, output.script)
            if owned is not None and _pays(output.script, owned[0]):
                mine.append(index)
                break
    return mine


def _address_script(holder: Holder) -> bytes:
    from .addresses import script_of

    return script_of(holder.network, holder.address)


def _pays(script: bytes, key: bytes) -> bool:
    kind = kind_of(script)
    kind = "p2sh-p2wpkh" if kind == "p2sh" else kind
    if kind not in KEY_KINDS or (len(key) != 33 and kind != "p2pkh"):
        return False
    return script_for_key(kind, key) == script


# -- signatures into the transaction --------------------------------------------------------------


def assemble(
    chain: Chain, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
) -> SignedTransaction:
    """Put signatures into the PSBT. With all inputs final the result is the network transaction, else a PSBT.

    Raises :class:`~multiwallet.errors.InvalidTransaction` for a signature of a wrong length or of another
    transaction, and for a signature by somebody else in the PSBT that does not verify.
    """
    found = examine(transaction.body)
    added: dict[int, Fields] = {}
    places = found.places
    for request, signature in signed:
        plan = places.get(request.preimage)
        if plan is None:
            raise InvalidTransaction("a signature was made for another transaction")
        if len(signature) != 64:
            raise InvalidTransaction(f"a signature for input {plan.index} has {len(signature)} bytes, not 64")
        key, sighash = request.public_key, plan.sighash
        if plan.kind == "p2tr":
            if key[1:] != plan.keys[0][1:] or request.scheme is not Scheme.SCHNORR:
                raise InvalidTransaction(f"a signature for input {plan.index} is by a key that does not spend it")
            added[plan.index] = {field.TAP_KEY_SIG: signature + bytes((sighash,)) if sighash else signature}
            continue
        if key not in plan.keys or request.scheme is not Scheme.LOW_R:
            raise InvalidTransaction(f"a signature for input {plan.index} is by a key that does not spend it")
        value = {b"\x02" + key: der.encode(signature) + bytes((sighash,))}
        if plan.index in added:
            added[plan.index].update(value)
        else:
            added[plan.index] = value
    final = _finalize(found, added)
    psbt = found.psbt
    if final is None:
        raw = psbt.updated(added).serialize()
        return SignedTransaction(chain, transaction.network, raw, psbt.transaction.txid, False)
    return SignedTransaction(chain, transaction.network, final.serialize(), final.txid)


def extract(psbt: Psbt) -> Transaction | None:
    """The network transaction of a PSBT whose inputs are all final or have the signatures they need, else None."""
    return _finalize(examine(psbt.serialize()), {})


def _finalize(found: Examined, added: Mapping[int, Fields]) -> Transaction | None:
    psbt = found.psbt
    unsigned = psbt.transaction
    inputs = []
    plain = True
    nothing: Fields = {}
    for index, txin in enumerate(unsigned.inputs):
        fields = psbt.inputs[index]
        plan = found.plans.get(index)
        if plan is not None:
            spend = _spend(plan, fields, added.get(index, nothing), found)
            if spend is None:
                return None
            script, witness = spend
        elif field.FINAL_WITNESS in fields or field.FINAL_SCRIPTSIG in fields:
            script = fields.get(field.FINAL_SCRIPTSIG, b"")
            witness = read_stack(fields[field.FINAL_WITNESS]) if field.FINAL_WITNESS in fields else ()
        else:
            return None
        plain = plain and not script
        inputs.append(TxIn(txin.prevout, script, txin.sequence, witness))
    final = Transaction(unsigned.version, inputs, unsigned.outputs, unsigned.locktime)
    if plain:
        final.know_txid(unsigned.txid_bytes)
    return final


def _spend(
    plan: InputPlan, fields: Fields, added: Fields, found: Examined
) -> tuple[bytes, tuple[bytes, ...]] | None:
    """The script and witness that spend an input, or None while signatures are missing."""
    kind = plan.kind
    if kind == "p2tr":
        signature = added.get(field.TAP_KEY_SIG)
        if signature is None:
            signature = fields.get(field.TAP_KEY_SIG)
            if signature is None:
                return None
            _check_schnorr(plan, signature, found.spent[plan.index].script[2:])
        return b"", (signature,)
    if kind in ("p2wpkh", "p2pkh", "p2sh-p2wpkh"):
        key = plan.keys[0]
        name = b"\x02" + key
        signature = added.get(name)
        if signature is None:
            signature = fields.get(name)
            if signature is None:
                return None
            _check_ecdsa(plan, key, signature)
        if kind == "p2wpkh":
            return b"", (signature, key)
        if kind == "p2pkh":
            return push(signature) + push(key), ()
        return push(fields[field.REDEEM_SCRIPT]), (signature, key)
    signatures = []
    for key in plan.keys:
        name = b"\x02" + key
        signature = added.get(name)
        if signature is None:
            signature = fields.get(name)
            if signature is None:
                continue
            _check_ecdsa(plan, key, signature)
        signatures.append(signature)
    if len(signatures) < plan.required:
        return None
    # CHECKMULTISIG takes one element more than it needs, which must be empty (BIP-147).
    stack = (b"", *signatures[: plan.required])
    if kind == "p2sh":
        return b"".join(push(item) for item in (*stack, plan.script)), ()
    return push(fields[field.REDEEM_SCRIPT]) if kind == "p2sh-p2wsh" else b"", (*stack, plan.script)


def _check_ecdsa(plan: InputPlan, key: bytes, signature: bytes) -> None:
    from ...crypto.hashes import sha256d
    from ...crypto.secp256k1 import verify

    try:
        good = signature[-1] == plan.sighash and verify(key, sha256d(plan.preimage), der.decode(signature[:-1]))
    except InputError:
        good = False
    if not good:
        raise InvalidTransaction(f"input {plan.index}: the PSBT holds a signature that is not good for its key")


def _check_schnorr(plan: InputPlan, signature: bytes, output_key: bytes) -> None:
    from ...crypto.hashes import tagged_hash
    from ...crypto.secp256k1 import verify_schnorr

    stated = signature[64] if len(signature) == 65 else 0
    digest = tagged_hash("TapSighash", plan.preimage)
    if stated != plan.sighash or not verify_schnorr(output_key, digest, signature[:64]):
        raise InvalidTransaction(f"input {plan.index}: the PSBT holds a signature that is not good for its key")


def combine(psbts: Iterable[Psbt]) -> Psbt:
    """One PSBT with the fields of several for the same transaction (BIP-174's combiner); InvalidTransaction."""
    first, *others = psbts
    maps = [dict(fields) for fields in first.inputs]
    for other in others:
        if other.transaction != first.transaction:
            raise InvalidTransaction("these PSBTs are for different transactions and cannot be combined")
        for fields, more in zip(maps, other.inputs, strict=True):
            for key, value in more.items():
                if fields.setdefault(key, value) != value and key[0] != field.PARTIAL_SIG:
                    raise InvalidTransaction("two of these PSBTs contradict each other")
    return first.updated(dict(enumerate(maps)))
