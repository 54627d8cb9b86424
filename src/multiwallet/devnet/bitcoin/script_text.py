"""Scripts in words: the kinds and the assembly that Bitcoin Core's RPC and Esplora write for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...chains.bitcoin.script import kind_of, multisig_of

__all__ = ["core_assembly", "core_kind", "esplora_assembly", "esplora_kind", "script_kind", "witness_of"]

_WORDS: Final = (
    "NOP VER IF NOTIF VERIF VERNOTIF ELSE ENDIF VERIFY RETURN TOALTSTACK FROMALTSTACK 2DROP 2DUP 3DUP 2OVER "
    "2ROT 2SWAP IFDUP DEPTH DROP DUP NIP OVER PICK ROLL ROT SWAP TUCK CAT SUBSTR LEFT RIGHT SIZE INVERT AND OR "
    "XOR EQUAL EQUALVERIFY RESERVED1 RESERVED2 1ADD 1SUB 2MUL 2DIV NEGATE ABS NOT 0NOTEQUAL ADD SUB MUL DIV "
    "MOD LSHIFT RSHIFT BOOLAND BOOLOR NUMEQUAL NUMEQUALVERIFY NUMNOTEQUAL LESSTHAN GREATERTHAN LESSTHANOREQUAL "
    "GREATERTHANOREQUAL MIN MAX WITHIN RIPEMD160 SHA1 SHA256 HASH160 HASH256 CODESEPARATOR CHECKSIG "
    "CHECKSIGVERIFY CHECKMULTISIG CHECKMULTISIGVERIFY NOP1 CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY NOP4 NOP5 "
    "NOP6 NOP7 NOP8 NOP9 NOP10 CHECKSIGADD"
)
_NAMES: Final = dict(enumerate(_WORDS.split(), 0x61))
_KINDS: Final = {
    # kind: (Bitcoin Core's word, Esplora's)
    "p2pkh": ("pubkeyhash", "p2pkh"),
    "p2sh": ("scripthash", "p2sh"),
    "p2wpkh": ("witness_v0_keyhash", "v0_p2wpkh"),
    "p2wsh": ("witness_v0_scripthash", "v0_p2wsh"),
    "p2tr": ("witness_v1_taproot", "v1_p2tr"),
    "op_return": ("nulldata", "op_return"),
    "anchor": ("anchor", "anchor"),
    "witness": ("witness_unknown", "unknown"),
    "p2pk": ("pubkey", "p2pk"),
    "multisig": ("multisig", "multisig"),
    "empty": ("nonstandard", "empty"),
    "unknown": ("nonstandard", "unknown"),
}


def _operations(script: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Each operation's code and what it pushes; None for no push. A push that is cut short ends with code -1."""
    position, end = 0, len(script)
    while position < end:
        code = script[position]
        position += 1
        if code > 0x4E:
            yield code, None
            continue
        length = code
        if code >= 0x4C:
            width = 1 << (code - 0x4C)
            length = int.from_bytes(script[position : position + width], "little")
            position += width
        if position + length > end:
            yield -1, None
            return
        yield code, script[position : position + length]
        position += length


def script_kind(script: bytes) -> str:
    """The kind of an output script, with more kinds than a wallet needs: ``p2pk``, ``multisig``, ``anchor``, ...

    >>> script_kind(bytes.fromhex("51024e73")), script_kind(b"")
    ('anchor', 'empty')
    """
    kind = kind_of(script)
    if kind == "op_return":
        pushes_only = all(code != -1 and code <= 0x60 for code, _ in _operations(script[1:]))
        return "op_return" if pushes_only else "unknown"
    if kind != "unknown":
        return kind
    if not script:
        return "empty"
    if script == b"\x51\x02\x4e\x73":
        return "anchor"
    if len(script) in (35, 67) and script[0] == len(script) - 2 and script[-1] == 0xAC:
        return "p2pk"
    if multisig_of(script) is not None:
        return "multisig"
    return "witness" if witness_of(script) is not None else "unknown"


def witness_of(script: bytes) -> tuple[int, bytes] | None:
    """The version and the program of a witness script (BIP-141), or None for any other script."""
    if 4 <= len(script) <= 42 and script[1] == len(script) - 2 and (script[0] == 0 or 0x51 <= script[0] <= 0x60):
        return (script[0] - 0x50 if script[0] else 0), script[2:]
    return None


def core_kind(script: bytes) -> str:
    """The kind in the words of Bitcoin Core."""
    return _KINDS[script_kind(script)][0]


def esplora_kind(script: bytes) -> str:
    """The kind in the words of Esplora."""
    return _KINDS[script_kind(script)][1]


def core_assembly(script: bytes) -> str:
    """The script as Bitcoin Core writes it: small numbers as such, other pushes in hex.

    >>> core_assembly(bytes.fromhex("76a90201028800"))
    'OP_DUP OP_HASH160 513 OP_EQUALVERIFY 0'
    """
    words = []
    for code, data in _operations(script):
        if data is not None:
            words.append(_number(data) if len(data) <= 4 else data.hex())
        elif 0x51 <= code <= 0x60:
            words.append(str(code - 0x50))
        elif code == 0x4F:
            words.append("-1")
        else:
            words.append("[error]" if code < 0 else _name(code))
    return " ".join(words)


def _number(data: bytes) -> str:
    if not data:
        return "0"
    value = int.from_bytes(data, "little")
    sign = 1 << (8 * len(data) - 1)
    return str(-(value - sign) if value & sign else value)


def esplora_assembly(script: bytes) -> str:
    """The script as Esplora writes it, with the push operations named.

    >>> esplora_assembly(bytes.fromhex("00020102"))
    'OP_0 OP_PUSHBYTES_2 0102'
    """
    words = []
    for code, data in _operations(script):
        if code < 0:
            words.append("<push past end>")
        elif code == 0:
            words.append("OP_0")
        elif data is not None:
            words.append(f"OP_PUSHBYTES_{code}" if code < 0x4C else f"OP_PUSHDATA{1 << (code - 0x4C)}")
            words.append(data.hex())
        elif 0x51 <= code <= 0x60:
            words.append(f"OP_PUSHNUM_{code - 0x50}")
        else:
            words.append("OP_PUSHNUM_NEG1" if code == 0x4F else _name(code, "OP_CLTV", "OP_CSV"))
    return " ".join(words)


def _name(code: int, lock: str = "", sequence: str = "") -> str:
    if code == 0x50:
        return "OP_RESERVED"
    if code == 0xB1 and lock:
        return lock
    if code == 0xB2 and sequence:
        return sequence
    name = _NAMES.get(code)
    return "OP_UNKNOWN" if name is None else f"OP_{name}"
