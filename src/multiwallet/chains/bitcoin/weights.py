"""What inputs and outputs weigh before they are signed: the worst case, so that a fee is never too low.

Weight units are those of BIP-141: four for each byte outside the witness, one for each byte inside it.
ECDSA signatures count 72 bytes: at most 71 of DER (low S; our own are ground to a low R and have at most 70)
and the sighash byte. Schnorr signatures count 64, the default sighash.
"""

from __future__ import annotations

from typing import Final

from ...codec.compact_size import encode as compact_size
from ...errors import Unsupported

__all__ = [
    "DUST_RELAY_RATE",
    "ZCASH_HEAD",
    "dust_limit",
    "fixed_weight",
    "input_weight",
    "multisig_witness_weight",
    "output_weight",
    "vsize",
]

ZCASH_HEAD: Final = 15
"""How many bytes more than Bitcoin's the frame of a Zcash transaction of version 5 has."""
_SIGNATURE: Final = 72
_KEY: Final = 33
_BARE_INPUT: Final = 36 + 1 + 4  # outpoint, empty script, sequence number
_KEY_WITNESS: Final = 1 + 1 + _SIGNATURE + 1 + _KEY

_INPUTS: Final = {
    "p2wpkh": 4 * _BARE_INPUT + _KEY_WITNESS,
    "p2sh-p2wpkh": 4 * (_BARE_INPUT + 23) + _KEY_WITNESS,
    "p2tr": 4 * _BARE_INPUT + 1 + 1 + 64,
    "p2pkh": 4 * (_BARE_INPUT + 1 + _SIGNATURE + 1 + _KEY) + 1,
}
_UNCOMPRESSED_INPUT: Final = 4 * (_BARE_INPUT + 1 + _SIGNATURE + 1 + 65) + 1

DUST_RELAY_RATE: Final = 3000
"""What nodes reckon dust with, in the smallest unit for 1,000 virtual bytes."""


def input_weight(kind: str, *, compressed: bool = True) -> int:
    """The most that a signed input of one key weighs, by kind (``p2wpkh``, ``p2tr``, ``p2sh-p2wpkh``, ``p2pkh``).

    An input without a witness is counted with the one empty-stack byte that it has beside inputs with one.

    >>> input_weight("p2wpkh"), input_weight("p2tr")
    (272, 230)
    """
    try:
        return _INPUTS[kind] if compressed or kind != "p2pkh" else _UNCOMPRESSED_INPUT
    except KeyError:
        raise Unsupported(f"there is no input kind {kind[:20]!r}: the kinds are {', '.join(_INPUTS)}") from None


def multisig_witness_weight(required: int, script_length: int) -> int:
    """The witness of an m-of-n ``p2wsh`` input: its count, the empty element, m signatures and the script."""
    signatures = required * (1 + _SIGNATURE)
    return 1 + 1 + signatures + len(compact_size(script_length)) + script_length


def output_weight(script: bytes) -> int:
    """What an output with this script weighs.

    >>> output_weight(bytes(22))
    124
    """
    return 4 * (8 + len(compact_size(len(script))) + len(script))


def fixed_weight(inputs: int, outputs: int) -> int:
    """What a transaction weighs beside its inputs and outputs: version, locktime, counts, marker and flag.

    >>> fixed_weight(1, 2)
    42
    """
    return 4 * (8 + len(compact_size(inputs)) + len(compact_size(outputs))) + 2


def vsize(weight: int) -> int:
    """Virtual bytes of a weight: a quarter, rounded up."""
    return (weight + 3) // 4


def dust_limit(script: bytes, rate: int = DUST_RELAY_RATE) -> int:
    """The smallest amount that nodes relay in an output with this script, as Bitcoin Core reckons it.

    ``rate`` is in the smallest unit for 1,000 virtual bytes. An output that can never be spent has none.

    >>> dust_limit(b"\\x00\\x14" + bytes(20)), dust_limit(b"\\x76\\xa9\\x14" + bytes(22))
    (294, 546)
    """
    if script[:1] == b"\x6a":
        return 0
    size = output_weight(script) // 4
    version = script[0] if script else -1
    witness = 4 <= len(script) <= 42 and (version == 0 or 0x51 <= version <= 0x60) and script[1] == len(script) - 2
    size += 32 + 4 + 1 + (107 // 4 if witness else 107) + 4
    return size * rate // 1000
