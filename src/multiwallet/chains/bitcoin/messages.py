"""Signed messages: the compact signatures of BIP-137, and BIP-322."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from ...chain import Holder, Network
from ...codec import base64_text, der
from ...codec.compact_size import encode as compact_size
from ...crypto.hashes import sha256d, tagged_hash
from ...errors import InputError, InvalidMessage, Unsupported
from ...path import Path
from ...transactions import Digest, Scheme, SigningRequest
from .addresses import script_of
from .ownership import known_scripts
from .psbt_fields import read_stack, write_stack
from .rules import rules_of
from .script import KEY_KINDS, kind_of, p2wsh, push, redeem_script_for_key, script_for_key
from .sighash import ALL, Sighash
from .spending import spends
from .transaction import Transaction, TxIn, TxOut

__all__ = [
    "magic_message",
    "message_hash",
    "message_request",
    "signature_text",
    "to_sign",
    "to_spend",
    "verify_message",
]

_HEADERS: Final = {"p2pkh": 31, "p2sh-p2wpkh": 35, "p2wpkh": 39}
"""BIP-137: what is added to the recovery id; 27 stands for an uncompressed p2pkh key."""
_MAX_SIGNATURE: Final = 100_000


# -- what is signed ---------------------------------------------------------------------------------


def magic_message(network: Network, message: bytes) -> bytes:
    """What a BIP-137 signature covers, before the double SHA-256: magic and message, each with its length."""
    magic = str(network.params.get("message_magic", "Bitcoin Signed Message:\n")).encode()
    return compact_size(len(magic)) + magic + compact_size(len(message)) + message


def message_hash(message: bytes) -> bytes:
    """The tagged hash that BIP-322 commits to: 32 bytes.

    >>> message_hash(b"").hex()[:16]
    'c90c269c4f8fcbe6'
    """
    return tagged_hash("BIP0322-signed-message", message)


def to_spend(script: bytes, message: bytes) -> Transaction:
    """BIP-322's first virtual transaction: it commits to the message and pays nothing to the script."""
    commitment = TxIn(bytes(32) + b"\xff\xff\xff\xff", b"\x00\x20" + message_hash(message), 0)
    return Transaction(0, [commitment], [TxOut(0, script)], 0)


def to_sign(script: bytes, message: bytes) -> Transaction:
    """BIP-322's second virtual transaction, unsigned: it spends the first one's only output."""
    spent = to_spend(script, message)
    return Transaction(0, [TxIn(spent.txid_bytes + bytes(4), b"", 0)], [TxOut(0, b"\x6a")], 0)


def message_request(holder: Holder, message: str | bytes, form: str | None = None) -> SigningRequest:
    """What an account signs for a message, which is text (UTF-8) or bytes.

    ``form`` is ``"bip137"``, the usual one for p2pkh, or ``"bip322"``, the usual one for the others. Raises
    :class:`~multiwallet.errors.InputError` for another form and :class:`~multiwallet.errors.Unsupported` for
    BIP-137 with p2tr, which it does not know.
    """
    data = _bytes(message)
    script, kind, key, path = _signing_key(holder)
    form = _form(kind, form)
    if form == "bip322" and rules_of(holder.network).sighash != "bitcoin":
        raise Unsupported(f"BIP-322 rests on Bitcoin's signatures, and {holder.network.title} has others: use bip137")
    if form == "bip137":
        return SigningRequest(Scheme.RECOVERABLE, Digest.SHA256D, magic_message(holder.network, data), key, path)
    sighash = Sighash(to_sign(script, data))
    if kind == "p2tr":
        preimage = sighash.taproot(0, (TxOut(0, script),))
        return SigningRequest(Scheme.SCHNORR, Digest.TAPSIGHASH, preimage, key, path, b"")
    if kind == "p2pkh":
        preimage = sighash.legacy(0, script)
    else:
        code = script_for_key("p2pkh", key)
        preimage = sighash.witness_v0(0, code, 0)
    return SigningRequest(Scheme.LOW_R, Digest.SHA256D, preimage, key, path)


def signature_text(holder: Holder, request: SigningRequest, signature: bytes) -> str:
    """The signature as text: base64 of 65 bytes (BIP-137), of the witness (BIP-322 simple), or, for p2pkh under
    BIP-322, ``ful`` and the base64 of the signed virtual transaction.
    """
    _, kind, key, _ = _signing_key(holder)
    if request.scheme is Scheme.RECOVERABLE:
        if len(signature) != 65 or signature[64] > 3:
            raise InputError("a recoverable signature has 65 bytes, the last of them 0 to 3")
        header = 27 if len(key) == 65 else _HEADERS[kind]
        return _text(bytes((header + signature[64],)) + signature[:64])
    if len(signature) != 64:
        raise InputError(f"a signature has 64 bytes, not {len(signature)}")
    if kind == "p2tr":
        return _text(write_stack([signature]))
    item = der.encode(signature) + bytes((ALL,))
    if kind != "p2pkh":
        return _text(write_stack([item, key]))
    # The commitment to the message is in the preimage's outpoint; the whole transaction is rebuilt around it.
    prevout = request.preimage[5:41]
    signed = Transaction(0, [TxIn(prevout, push(item) + push(key), 0)], [TxOut(0, b"\x6a")], 0)
    return "ful" + _text(signed.serialize())


def _signing_key(holder: Holder) -> tuple[bytes, str, bytes, Path | None]:
    """The account's address as script and kind, and the key and path that sign for it."""
    script = script_of(holder.network, holder.address)
    key, path = holder.public_key, holder.path
    if holder.derive is not None:
        change, index = known_scripts(holder).get(script, (0, 0))
        key = holder.derive(change, index)
        path = None if holder.account_path is None else holder.account_path / change / index
    for kind in KEY_KINDS if len(key) == 33 else ("p2pkh",):
        if script_for_key(kind, key) == script:
            return script, kind, key, path
    raise Unsupported("the address of this account is not one of its key alone, so it cannot sign a message")


def _form(kind: str, form: str | None) -> str:
    if form is None:
        return "bip137" if kind == "p2pkh" else "bip322"
    if form not in ("bip137", "bip322"):
        raise InputError(f"there is no message form {str(form)[:20]!r}: the forms are bip137 and bip322")
    if form == "bip137" and kind == "p2tr":
        raise Unsupported("BIP-137 has no signatures for p2tr addresses: use form='bip322'")
    return form


def _bytes(message: str | bytes) -> bytes:
    if isinstance(message, str):
        try:
            return message.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidMessage("the message holds half a surrogate pair, which UTF-8 cannot write") from None
    if not isinstance(message, bytes | bytearray | memoryview):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    return bytes(message)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


# -- what is verified -------------------------------------------------------------------------------


def verify_message(network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
    """Whether a signature over a message is by the owner of an address.

    Takes BIP-137 (65 bytes; for segwit addresses also with the p2pkh header, as Electrum and others write it)
    and BIP-322 simple and full, with the prefixes ``smp`` and ``ful`` or without (then 65 bytes are BIP-137,
    else simple). BIP-322 signatures are checked for the scripts of one key and for multisig; what commits to
    a lock time or an age is accepted as it stands, because no chain is asked. Proofs of funds are not. The
    signature is base64 text or its bytes. False for everything that is not right.
    """
    script = script_of(network, address)
    data = _bytes(message)
    try:
        variant, raw = _read(signature)
        if rules_of(network).sighash != "bitcoin":  # BIP-322 rests on Bitcoin's signatures
            return (
                variant == "" and len(raw) == 65 and 27 <= raw[0] <= 34 and _verify_compact(network, script, data, raw)
            )
        if variant == "full":
            return _verify_full(script, data, Transaction.parse(raw))
        if variant == "" and len(raw) == 65 and 27 <= raw[0] <= 42 and _verify_compact(network, script, data, raw):
            return True
        return _verify_simple(script, data, read_stack(raw))
    except InputError:
        return False


def _read(signature: str | bytes) -> tuple[str, bytes]:
    if isinstance(signature, bytes | bytearray | memoryview):
        raw = bytes(signature)
        return "", raw
    if not isinstance(signature, str) or len(signature) > _MAX_SIGNATURE:
        raise InputError("a signature is text or bytes")
    variant = {"smp": "simple", "ful": "full"}.get(signature[:3], "")
    return variant, base64_text.decode(signature[3:] if variant else signature, what="the signature")


def _verify_compact(network: Network, script: bytes, message: bytes, raw: bytes) -> bool:
    from ...crypto.secp256k1 import decompress, recover

    header = raw[0] - 27
    digest = sha256d(magic_message(network, message))
    key = recover(raw[1:] + bytes((header & 3,)), digest)
    if header < 4:
        # The p2pkh header for an uncompressed key; some wallets write it for segwit addresses as well.
        return any(_pays(kind, decompress(key) if kind == "p2pkh" else key, script) for kind in _HEADERS)
    if header < 8:
        return any(_pays(kind, key, script) for kind in _HEADERS)
    return _pays("p2sh-p2wpkh" if header < 12 else "p2wpkh", key, script)


def _pays(kind: str, key: bytes, script: bytes) -> bool:
    return script_for_key(kind, key) == script


def _verify_simple(script: bytes, message: bytes, witness: tuple[bytes, ...]) -> bool:
    if not witness:
        return False
    script_sig = b""
    kind = kind_of(script)
    if kind == "p2sh" and len(witness) == 2 and len(witness[1]) == 33:
        script_sig = push(redeem_script_for_key(witness[1]))  # what the simple form leaves out
    elif kind == "p2sh":
        script_sig = push(p2wsh(witness[-1]))
    unsigned = to_sign(script, message)
    signed = unsigned.inputs[0]._replace(witness=witness, script_sig=script_sig)
    return spends(Transaction(0, [signed], unsigned.outputs, 0), 0, (TxOut(0, script),))


def _verify_full(script: bytes, message: bytes, signed: Transaction) -> bool:
    if signed.version not in (0, 2) or len(signed.inputs) != 1 or signed.outputs != (TxOut(0, b"\x6a"),):
        return False
    if signed.inputs[0].prevout != to_spend(script, message).txid_bytes + bytes(4):
        return False
    return spends(signed, 0, (TxOut(0, script),))
