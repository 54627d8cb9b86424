"""Output scripts: the standard kinds, how to make them from a key, and what is read out of them."""

from __future__ import annotations

from typing import Final

from ...crypto.hashes import hash160, sha256
from ...errors import InputError, InvalidKey, Unsupported

__all__ = [
    "KEY_KINDS",
    "MAX_MULTISIG_KEYS",
    "data_of",
    "kind_of",
    "multisig_of",
    "op_return",
    "p2sh",
    "p2wsh",
    "push",
    "pushes_of",
    "redeem_script_for_key",
    "script_for_key",
]

KEY_KINDS: Final = ("p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh")
"""The kinds of script that one key spends, the usual one first."""

MAX_MULTISIG_KEYS: Final = 20
_OP_RETURN: Final = 0x6A
_OP_PUSHDATA1: Final = 0x4C
_OP_CHECKMULTISIG: Final = 0xAE
_OP_1: Final = 0x51
_OP_16: Final = 0x60


def kind_of(script: bytes) -> str:
    """The kind of an output script: ``p2pkh``, ``p2sh``, ``p2wpkh``, ``p2wsh``, ``p2tr``, ``op_return`` or ``unknown``.

    >>> kind_of(bytes.fromhex("0014") + bytes(20))
    'p2wpkh'
    """
    length = len(script)
    if length == 22:
        if script[:2] == b"\x00\x14":
            return "p2wpkh"
    elif length == 34:
        head = script[:2]
        if head == b"\x51\x20":
            return "p2tr"
        if head == b"\x00\x20":
            return "p2wsh"
    elif length == 25:
        if script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
            return "p2pkh"
    elif length == 23 and script[:2] == b"\xa9\x14" and script[22] == 0x87:
        return "p2sh"
    return "op_return" if script[:1] == b"\x6a" else "unknown"


def script_for_key(kind: str, public_key: bytes) -> bytes:
    """The output script of ``kind`` (one of :data:`KEY_KINDS`) that a public key spends.

    The key has 33 bytes; 65 (uncompressed) only for ``p2pkh``, because segregated witness knows only
    compressed keys. ``p2tr`` is the key path alone (BIP-86). Raises
    :class:`~multiwallet.errors.InvalidKey` for other lengths and for a ``p2tr`` key that is no point, and
    :class:`~multiwallet.errors.Unsupported` for another kind.

    >>> script_for_key("p2pkh", b"\\x02" + bytes(32)).hex()[:6]
    '76a914'
    """
    length = len(public_key)
    if length != 33 and not (length == 65 and kind == "p2pkh"):
        if length == 65 and kind in KEY_KINDS:
            raise InvalidKey(f"an uncompressed key has only a p2pkh address: {kind} takes the compressed key")
        raise InvalidKey(f"a Bitcoin public key has 33 bytes (or 65 for p2pkh), not {length}")
    if kind == "p2wpkh":
        return b"\x00\x14" + hash160(public_key)
    if kind == "p2tr":
        from ...crypto.secp256k1 import taproot_tweak_public

        return b"\x51\x20" + taproot_tweak_public(public_key[1:])[0]
    if kind == "p2pkh":
        return b"\x76\xa9\x14" + hash160(public_key) + b"\x88\xac"
    if kind == "p2sh-p2wpkh":
        return p2sh(b"\x00\x14" + hash160(public_key))
    raise Unsupported(f"there is no address kind {kind[:20]!r}: the kinds are {', '.join(KEY_KINDS)}")


def redeem_script_for_key(public_key: bytes) -> bytes:
    """The redeem script of a ``p2sh-p2wpkh`` output: the 22-byte version-0 witness program (BIP-141)."""
    return script_for_key("p2wpkh", public_key)


def p2sh(redeem_script: bytes) -> bytes:
    """The output script that pays to the hash of a redeem script (BIP-16)."""
    return b"\xa9\x14" + hash160(redeem_script) + b"\x87"


def p2wsh(witness_script: bytes) -> bytes:
    """The output script that pays to the SHA-256 of a witness script (BIP-141)."""
    return b"\x00\x20" + sha256(witness_script)


def push(data: bytes) -> bytes:
    """The shortest script that pushes ``data`` (up to 65,535 bytes), small numbers left aside.

    >>> push(b"ab").hex(), push(bytes(80)).hex()[:4]
    ('026162', '4c50')
    """
    length = len(data)
    if length < _OP_PUSHDATA1:
        return bytes((length,)) + data
    if length < 0x100:
        return bytes((_OP_PUSHDATA1, length)) + data
    if length < 0x10000:
        return b"\x4d" + length.to_bytes(2, "little") + data
    raise InputError(f"{length} bytes are too many for one push: the limit is 65,535")


def op_return(data: bytes) -> bytes:
    """The script of an unspendable output that carries ``data``, at most 80 bytes as nodes have long relayed it.

    >>> op_return(b"hi").hex()
    '6a026869'
    """
    if len(data) > 80:
        raise InputError(f"a memo has at most 80 bytes on this network, not {len(data)}")
    return b"\x6a" + push(data)


def data_of(script: bytes) -> bytes | None:
    """What an OP_RETURN script carries, its pushes joined; None for another script or for operations among them.

    >>> data_of(op_return(b"hi"))
    b'hi'
    """
    if not script or script[0] != _OP_RETURN:
        return None
    items = pushes_of(script[1:])
    return None if items is None else b"".join(items)


def pushes_of(script: bytes) -> list[bytes] | None:
    """What a script of pushes alone puts on the stack, or None for any other script."""
    items, position, end = [], 0, len(script)
    while position < end:
        code = script[position]
        position += 1
        if code < 0x4C:
            length = code
        elif code <= 0x4E:
            width = 1 << (code - 0x4C)
            length = int.from_bytes(script[position : position + width], "little")
            position += width
        else:
            return None
        if position + length > end:
            return None
        items.append(script[position : position + length])
        position += length
    return items


def multisig_of(script: bytes) -> tuple[int, tuple[bytes, ...]] | None:
    """The threshold and the public keys of an m-of-n CHECKMULTISIG script, or None for any other script."""
    if len(script) < 37 or script[-1] != _OP_CHECKMULTISIG:
        return None
    if not (_OP_1 <= script[0] <= _OP_16 and _OP_1 <= script[-2] <= _OP_16):
        return None
    required, total = script[0] - 0x50, script[-2] - 0x50
    keys = []
    position, end = 1, len(script) - 2
    while position < end:
        length = script[position]
        if length not in (33, 65) or position + 1 + length > end:
            return None
        keys.append(script[position + 1 : position + 1 + length])
        position += 1 + length
    if len(keys) != total or required > total:
        return None
    return required, tuple(keys)
