"""Whether an input of a signed transaction spends an output rightly, for the standard kinds of script.

No script interpreter: ``p2pkh``, ``p2wpkh``, ``p2sh-p2wpkh``, ``p2tr`` by its key, and m-of-n multisig in
``p2sh``, ``p2wsh`` and ``p2sh-p2wsh``. What is none of these does not verify.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...codec import der
from ...crypto.hashes import hash160, sha256d, tagged_hash
from ...crypto.secp256k1 import verify, verify_schnorr
from ...errors import InputError
from .script import kind_of, multisig_of, p2sh, p2wsh, pushes_of
from .sighash import ALL, DEFAULT, Sighash
from .transaction import Transaction, TxOut

__all__ = ["spends"]


def spends(transaction: Transaction, index: int, spent: Sequence[TxOut], *, all_only: bool = True) -> bool:
    """Whether input ``index`` is signed by the owner of ``spent[index]``; ``spent`` has an output for each input.

    ``all_only`` accepts only signatures over the whole transaction (ALL, or taproot's DEFAULT), as BIP-322 does.
    Signatures must be strict DER with low S. Never raises for what the transaction holds.
    """
    try:
        return _spends(transaction, index, spent, all_only)
    except InputError:
        return False


def _spends(transaction: Transaction, index: int, spent: Sequence[TxOut], all_only: bool) -> bool:
    output = spent[index]
    txin = transaction.inputs[index]
    script, witness = output.script, txin.witness
    kind = kind_of(script)
    sighash = Sighash(transaction)

    def legacy(code: bytes) -> Callable[[int], bytes]:
        return lambda hash_type: sighash.legacy(index, code, hash_type)

    def version_0(code: bytes) -> Callable[[int], bytes]:
        return lambda hash_type: sighash.witness_v0(index, code, output.amount, hash_type)

    if kind == "p2pkh":
        items = pushes_of(txin.script_sig)
        if items is None or len(items) != 2 or witness:
            return False
        return hash160(items[1]) == script[3:23] and _good(items[0], items[1], legacy(script), all_only)
    if kind == "p2tr":
        return not txin.script_sig and _taproot(sighash, index, spent, all_only, witness)
    if kind == "p2sh":
        items = pushes_of(txin.script_sig)
        if not items or p2sh(items[-1]) != script:
            return False
        redeem = items[-1]
        if kind_of(redeem) in ("p2wpkh", "p2wsh"):
            if len(items) != 1:
                return False
            script, kind = redeem, kind_of(redeem)
        else:
            return not witness and _multisig(items[:-1], redeem, legacy(redeem), all_only)
    elif txin.script_sig:
        return False
    if kind == "p2wpkh":
        if len(witness) != 2 or len(witness[1]) != 33 or hash160(witness[1]) != script[2:]:
            return False
        code = b"\x76\xa9\x14" + script[2:] + b"\x88\xac"
        return _good(witness[0], witness[1], version_0(code), all_only)
    if kind == "p2wsh" and witness and p2wsh(witness[-1]) == script:
        return _multisig(witness[:-1], witness[-1], version_0(witness[-1]), all_only)
    return False


def _good(signature: bytes, key: bytes, preimage: Callable[[int], bytes], all_only: bool) -> bool:
    if not signature or (all_only and signature[-1] != ALL):
        return False
    return verify(key, sha256d(preimage(signature[-1])), der.decode(signature[:-1]))


def _multisig(items: Sequence[bytes], script: bytes, preimage: Callable[[int], bytes], all_only: bool) -> bool:
    multisig = multisig_of(script)
    if multisig is None or len(items) != multisig[0] + 1 or items[0]:
        return False
    keys = iter(multisig[1])
    # Signatures come in the order of the keys; each uses up the keys before its own.
    return all(any(_good(signature, key, preimage, all_only) for key in keys) for signature in items[1:])


def _taproot(sighash: Sighash, index: int, spent: Sequence[TxOut], all_only: bool, witness: tuple[bytes, ...]) -> bool:
    if len(witness) != 1 or len(witness[0]) not in (64, 65):
        return False
    signature = witness[0]
    hash_type = signature[64] if len(signature) == 65 else DEFAULT
    if len(signature) == 65 and (hash_type == DEFAULT or (all_only and hash_type != ALL)):
        return False
    digest = tagged_hash("TapSighash", sighash.taproot(index, spent, hash_type))
    return verify_schnorr(spent[index].script[2:], digest, signature[:64])
