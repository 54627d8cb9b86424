"""Base58 and Base58Check, with Bitcoin's alphabet or, where asked for, that of the XRP Ledger.

Base58 writes a byte string as one large number to the base 58, and each leading zero byte as a ``1`` (the alphabet's first character). The
work grows with the square of the length, so both directions are bounded.
"""

from __future__ import annotations

from typing import Final

from ..crypto.hashes import sha256d
from ..errors import InputError

__all__ = ["ALPHABET", "RIPPLE", "decode", "decode_check", "encode", "encode_check"]

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
"""The alphabet of the XRP Ledger: the same characters in another order."""

_TO_RIPPLE: Final = str.maketrans(ALPHABET, RIPPLE)
_FROM_RIPPLE: Final = str.maketrans(RIPPLE, ALPHABET)

_PAIRS: Final = tuple(high + low for high in ALPHABET for low in ALPHABET)
_58_2: Final = 58**2
_58_4: Final = 58**4
_58_8: Final = 58**8
_58_16: Final = 58**16

_BAD: Final = 255
_VALUES: Final = bytes(ALPHABET.index(chr(code)) if chr(code) in ALPHABET else _BAD for code in range(256))

# Decoding adds neighbours pairwise inside one integer: 64 digits of 8 bits become 32 numbers of 16 bits, and
# so on. A row is (mask of the lower neighbours, shift of the upper ones, what the shift weighs too much).
_BLOCK: Final = 64
_58_64: Final = 58**_BLOCK


def _folding_steps() -> tuple[tuple[int, int, int], ...]:
    steps = []
    width = 1
    while width < _BLOCK:
        lane = (1 << (8 * width)) - 1
        mask = sum(lane << (16 * width * index) for index in range(_BLOCK // (2 * width)))
        steps.append((mask, 8 * width, (1 << (8 * width)) - 58**width))
        width *= 2
    return tuple(steps)


_FOLDING: Final = _folding_steps()


def encode(data: bytes, *, limit: int = 4096, alphabet: str = ALPHABET) -> str:
    """Base58 of ``data``, which may be empty and has at most ``limit`` bytes, in one of the two alphabets here.

    Raises :class:`~multiwallet.errors.InputError` when ``data`` is longer.

    >>> encode(b"hello")
    'Cn8eVZg'
    >>> encode(bytes(3))
    '111'
    """
    length = len(data)
    if length > limit:
        raise InputError(f"{length} bytes are too long for base58: the limit is {limit}")
    if alphabet != ALPHABET:
        return encode(data, limit=limit).translate(_TO_RIPPLE)
    number = int.from_bytes(data, "big")
    pairs = _PAIRS
    parts: list[str] = []
    while number:
        number, block = divmod(number, _58_16)
        upper, lower = divmod(block, _58_8)
        c, d = divmod(lower, _58_4)
        a, b = divmod(upper, _58_4)
        parts += (
            pairs[d % _58_2],
            pairs[d // _58_2],
            pairs[c % _58_2],
            pairs[c // _58_2],
            pairs[b % _58_2],
            pairs[b // _58_2],
            pairs[a % _58_2],
            pairs[a // _58_2],
        )
    parts.reverse()
    digits = "".join(parts).lstrip("1")
    if length and not data[0]:
        return "1" * (length - len(data.lstrip(b"\0"))) + digits
    return digits


def decode(text: str, *, limit: int = 4096, alphabet: str = ALPHABET) -> bytes:
    """The bytes that ``text`` stands for in base58; ``text`` has at most ``limit`` characters.

    ``alphabet`` is :data:`ALPHABET` or :data:`RIPPLE`.

    Raises :class:`~multiwallet.errors.InputError` for a character outside the alphabet (spaces included), with
    its position, and for a text that is too long.

    >>> decode("Cn8eVZg")
    b'hello'
    >>> decode("Cn8eVZO")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: character 7 ('O') is not in the base58 alphabet
    """
    if not isinstance(text, str):
        raise InputError(f"base58 is text, not {type(text).__name__}")
    length = len(text)
    if length > limit:
        raise InputError(f"{length} characters are too long for base58: the limit is {limit}")
    if alphabet != ALPHABET:
        text = text.translate(_FROM_RIPPLE)  # both have the same characters, so what is wrong stays as it is
    try:
        digits = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise _bad_character(text) from None
    if _BAD in digits:
        raise _bad_character(text)
    zeros = length - len(digits.lstrip(b"\0"))
    number = 0
    first = length % _BLOCK
    for start in range(first - _BLOCK if first else 0, length, _BLOCK):
        block = int.from_bytes(digits[max(start, 0) : start + _BLOCK], "big")
        for mask, shift, excess in _FOLDING:
            block -= ((block >> shift) & mask) * excess
        number = number * _58_64 + block if number else block
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _bad_character(text: str) -> InputError:
    position = next(index for index, character in enumerate(text) if character not in ALPHABET)
    return InputError(f"character {position + 1} ({text[position]!a}) is not in the base58 alphabet")


def encode_check(payload: bytes, *, limit: int = 4096, alphabet: str = ALPHABET) -> str:
    """Base58Check: base58 of ``payload`` and the first four bytes of its double SHA-256.

    >>> encode_check(bytes(21))
    '1111111111111111111114oLvT2'
    """
    return encode(payload + sha256d(payload)[:4], limit=limit, alphabet=alphabet)


def decode_check(text: str, *, limit: int = 4096, alphabet: str = ALPHABET) -> bytes:
    """The payload of a Base58Check text, without its four checksum bytes.

    Raises :class:`~multiwallet.errors.InputError` as :func:`decode` does, and for a checksum that does not match.

    >>> decode_check("1111111111111111111114oLvT2") == bytes(21)
    True
    >>> decode_check("1111111111111111111114oLvT3")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the base58 checksum does not match: a character is wrong, missing or swapped
    """
    data = decode(text, limit=limit, alphabet=alphabet)
    payload = data[:-4]
    if len(data) < 4:
        raise InputError(f"too short for a base58 checksum: {len(data)} bytes, at least 4 are needed")
    if sha256d(payload)[:4] != data[-4:]:
        raise InputError("the base58 checksum does not match: a character is wrong, missing or swapped")
    return payload
