"""Which requests of a PSBT an account signs, and what becomes of the signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...chain import Holder, Network
from ...codec import der
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction, SigningRefused
from ...transactions import Scheme, SignedTransaction, SigningRequest, UnsignedTransaction
from . import psbt_fields as field
from .ownership import Claim, claim_of, own_outputs
from .psbt import MAGIC, psbt_bytes
from .psbt_fields import Fields, read_stack
from .rules import FORK_ID, digest_of, rules_of
from .script import push
from .sighash import ALL, ANYONECANPAY, sighash_name
from .signable import Examined, InputPlan, check_form, examine, stated_path
from .transaction import Transaction, TxIn
from .zcash import ZcashTransaction

if TYPE_CHECKING:
    from ...chain import Chain

__all__ = ["assemble", "authorize", "read_signed"]


def authorize(holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
    """The requests that the holder signs, with its own keys and paths.

    An input is the holder's when the key that its script pays to is: the only key of an account with one,
    or a child that the account derives itself. Raises :class:`~multiwallet.errors.SigningRefused` when no
    input is, for another network, for a sighash type that was not allowed, and when an output that the
    summary calls change is not the holder's.
    """
    if transaction.network != holder.network:
        raise SigningRefused(
            f"the transaction is for {transaction.network.title}, the account for {holder.network.title}"
        )
    found = examine(transaction.body, rules_of(transaction.network).sighash)
    claim = claim_of(holder)
    outputs, places = found.spent, found.places
    requests = []
    for request in found.requests:
        owned = claim(request.public_key, request.path, outputs[places[request.preimage].position].script)
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
            if claim(key, stated_path(found.psbt.inputs[index], key), found.spent[index].script):
                return "this account has already signed all that it can sign in this transaction"
    return "no input of this transaction belongs to this account"


def _check_sighashes(found: Examined, requests: list[SigningRequest], context: Mapping[str, Any]) -> None:
    unusual = {plan.preimage: plan for plan in found.unusual}
    if not unusual:
        return
    allowed = context.get("allow_sighash", ())
    for request in requests:
        plan = unusual.get(request.preimage)
        if (
            plan is None or plan.sighash & ~FORK_ID == ALL | ANYONECANPAY
        ):  # which covers all outputs; the summary warns of it
            continue
        name = sighash_name(plan.sighash)
        if name not in allowed:
            raise SigningRefused(
                f"input {plan.position} asks for a signature of the type {name}, after which others could change the "
                f'transaction: to allow it, sign {{"psbt": ..., "allow_sighash": ["{name}"]}}'
            )


# -- signatures into the transaction --------------------------------------------------------------


def assemble(
    chain: Chain, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
) -> SignedTransaction:
    """Put signatures into the PSBT. With all inputs final the result is the network transaction, else a PSBT.

    Raises :class:`~multiwallet.errors.InvalidTransaction` for a signature of a wrong length or of another
    transaction, and for a signature by somebody else in the PSBT that does not verify.
    """
    found = examine(transaction.body, rules_of(transaction.network).sighash)
    added: dict[int, Fields] = {}
    places, encode, low_r = found.places, der.encode, Scheme.LOW_R
    for request, signature in signed:
        plan = places.get(request.preimage)
        if plan is None:
            raise InvalidTransaction("a signature was made for another transaction")
        position, key, sighash = plan.position, request.public_key, plan.sighash
        if len(signature) != 64:
            raise InvalidTransaction(f"a signature for input {position} has {len(signature)} bytes, not 64")
        if plan.kind == "p2tr":
            if key[1:] != plan.keys[0][1:] or request.scheme is not Scheme.SCHNORR:
                raise InvalidTransaction(f"a signature for input {position} is by a key that does not spend it")
            added[position] = {field.TAP_KEY_SIG: signature + bytes((sighash,)) if sighash else signature}
            continue
        if key not in plan.keys or request.scheme is not low_r:
            raise InvalidTransaction(f"a signature for input {position} is by a key that does not spend it")
        item = encode(signature) + (b"\x01" if sighash == ALL else bytes((sighash,)))
        if position in added:
            added[position][b"\x02" + key] = item
        else:
            added[position] = {b"\x02" + key: item}
    final = _finalize(found, added)
    psbt = found.psbt
    if final is None:
        raw = psbt.updated(added).serialize()
        return SignedTransaction(chain, transaction.network, raw, psbt.transaction.txid, False)
    return SignedTransaction(chain, transaction.network, final.serialize(), final.txid, True, expiry_of(final))


def read_signed(chain: Chain, network: Network, wire: Any) -> SignedTransaction:
    """A signed transaction from raw bytes or hex, or from a PSBT (bytes, base64, hex) that has all its signatures.

    Raises :class:`~multiwallet.errors.InvalidTransaction` for anything else, an unsigned transaction included.
    """
    if isinstance(wire, str):
        text = wire.strip()
        if text[:5] == "cHNid" or text[:10].lower() == "70736274ff":
            data = psbt_bytes(text)
        else:
            try:
                data = parse_hex(text, what="the transaction")
            except InputError as error:
                raise InvalidTransaction(error.message) from None
    elif isinstance(wire, bytes | bytearray | memoryview):
        data = bytes(wire)
    else:
        raise InvalidTransaction(f"a signed transaction is bytes, hex or a PSBT, not {type(wire).__name__}")
    sighash = rules_of(network).sighash
    if data[:5] == MAGIC:
        final = _finalize(examine(data, sighash), {})
        if final is None:
            raise InvalidTransaction("signatures are still missing in this PSBT: sign it first")
    else:
        final = Transaction.parse(data)
        check_form(final, sighash)
        if not any(txin.script_sig or txin.witness for txin in final.inputs):
            raise InvalidTransaction("this transaction is not signed: no input has a script or a witness")
    return SignedTransaction(chain, network, final.serialize(), final.txid, True, expiry_of(final))


def expiry_of(transaction: Transaction) -> int | None:
    """The last height at which a transaction can be included; None where that has no end."""
    return transaction.expiry or None if isinstance(transaction, ZcashTransaction) else None


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
    if isinstance(unsigned, ZcashTransaction):
        return unsigned.with_scripts([txin.script_sig for txin in inputs])
    final = Transaction(unsigned.version, inputs, unsigned.outputs, unsigned.locktime)
    if plain:
        final.know_txid(unsigned.txid_bytes)
    return final


def _spend(plan: InputPlan, fields: Fields, added: Fields, found: Examined) -> tuple[bytes, tuple[bytes, ...]] | None:
    """The script and witness that spend an input, or None while signatures are missing."""
    kind = plan.kind
    if kind == "p2tr":
        signature = added.get(field.TAP_KEY_SIG)
        if signature is None:
            signature = fields.get(field.TAP_KEY_SIG)
            if signature is None:
                return None
            _check_schnorr(plan, signature, found.spent[plan.position].script[2:])
        return b"", (signature,)
    if kind in ("p2wpkh", "p2pkh", "p2sh-p2wpkh"):
        key = plan.keys[0]
        name = b"\x02" + key
        signature = added.get(name)
        if signature is None:
            signature = fields.get(name)
            if signature is None:
                return None
            _check_ecdsa(plan, key, signature, found.sighash)
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
            _check_ecdsa(plan, key, signature, found.sighash)
        signatures.append(signature)
    if len(signatures) < plan.required:
        return None
    # CHECKMULTISIG takes one element more than it needs, which must be empty (BIP-147).
    stack = (b"", *signatures[: plan.required])
    if kind == "p2sh":
        return b"".join(push(item) for item in (*stack, plan.script)), ()
    return push(fields[field.REDEEM_SCRIPT]) if kind == "p2sh-p2wsh" else b"", (*stack, plan.script)


def _check_ecdsa(plan: InputPlan, key: bytes, signature: bytes, sighash: str) -> None:
    from ...crypto.secp256k1 import verify

    digest = SigningRequest(Scheme.LOW_R, digest_of(sighash), plan.preimage, key).message
    try:
        good = signature[-1] == plan.sighash and verify(key, digest, der.decode(signature[:-1]))
    except InputError:
        good = False
    if not good:
        raise InvalidTransaction(f"input {plan.position}: the PSBT holds a signature that is not good for its key")


def _check_schnorr(plan: InputPlan, signature: bytes, output_key: bytes) -> None:
    from ...crypto.hashes import tagged_hash
    from ...crypto.secp256k1 import verify_schnorr

    stated = signature[64] if len(signature) == 65 else 0
    digest = tagged_hash("TapSighash", plan.preimage)
    if stated != plan.sighash or not verify_schnorr(output_key, digest, signature[:64]):
        raise InvalidTransaction(f"input {plan.position}: the PSBT holds a signature that is not good for its key")
