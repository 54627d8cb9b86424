"""Bech32 (BIP-173), Bech32m (BIP-350) and segregated witness addresses.

A text is a human-readable part (HRP), the separator ``1`` and symbols of five bits, the last six of them a
checksum. The checksum is linear over XOR: it is the XOR of what each symbol contributes at its distance from
the end. So it is read from tables instead of being computed bit by bit.
"""

from __future__ import annotations

from enum import Enum
from functools import cache, lru_cache
from typing import Final

from ..errors import InputError

__all__ = [
    "CHARSET",
    "Encoding",
    "convert_bits",
    "decode",
    "decode_segwit",
    "encode",
    "encode_segwit",
]

CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH: Final = 6
_TABLE_LENGTH: Final = 96  # 90 characters and the six symbols that stand for the HRP
_BAD: Final = 255
_VALUES: Final = bytes(CHARSET.index(chr(code)) if chr(code) in CHARSET else _BAD for code in range(256))
_CHARACTERS: Final = bytes(ord(CHARSET[code]) if code < 32 else 0 for code in range(256))


class Encoding(Enum):
    """Which of the two checksums a text carries."""

    BECH32 = 1
    BECH32M = 0x2BC830A3

    def __str__(self) -> str:
        return self.name.capitalize()


_BECH32: Final = Encoding.BECH32.value
_BECH32M: Final = Encoding.BECH32M.value


def _feedback_table() -> tuple[int, ...]:
    table = []
    for top in range(32):
        feedback = 0
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                feedback ^= generator
        table.append(feedback)
    return tuple(table)


_FEEDBACK: Final = _feedback_table()


def _shift(state: int, symbol: int = 0) -> int:
    return (state & 0x1FFFFFF) << 5 ^ symbol ^ _FEEDBACK[state >> 25]


@cache
def _contributions() -> tuple[tuple[int, ...], ...]:
    """Row ``n``: what each symbol adds to the checksum when ``n`` symbols follow it."""
    row = tuple(range(32))
    rows = []
    for _ in range(_TABLE_LENGTH):
        rows.append(row)
        row = tuple(_shift(state) for state in row)
    return tuple(rows)


@lru_cache(maxsize=256)
def _hrp_state(hrp: str, following: int) -> int:
    """The checksum state after the HRP and ``following`` zero symbols."""
    state = 1
    for character in hrp:
        state = _shift(state, ord(character) >> 5)
    state = _shift(state)
    for character in hrp:
        state = _shift(state, ord(character) & 31)
    for _ in range(following):
        state = _shift(state)
    return state


def _residue(hrp: str, symbols: bytes) -> int:
    """The checksum state after the HRP and ``symbols``."""
    length = len(symbols)
    if length > _TABLE_LENGTH:
        state = _hrp_state(hrp, 0)
        for symbol in symbols:
            state = _shift(state, symbol)
        return state
    state = _hrp_state(hrp, length)
    for row, symbol in zip(_contributions(), reversed(symbols), strict=False):  # there are more rows than symbols
        state ^= row[symbol]
    return state


# Five-bit groups are spread to bytes inside one integer: 320 bits become two halves of 160 bits, each in 256
# bits, and so on down to 64 groups in 64 bytes. A row is (mask of the upper halves before, after, distance).
_BLOCK_BYTES: Final = 40
_BLOCK_SYMBOLS: Final = 64


def _spreading_steps() -> tuple[tuple[int, int, int], ...]:
    steps = []
    groups = _BLOCK_SYMBOLS // 2
    while groups:
        upper = ((1 << (5 * groups)) - 1) << (5 * groups)
        lanes = _BLOCK_SYMBOLS // (2 * groups)
        mask = sum(upper << (16 * groups * lane) for lane in range(lanes))
        steps.append((mask, mask << (3 * groups), 3 * groups))
        groups //= 2
    return tuple(steps)


_SPREADING: Final = _spreading_steps()
_SPREADING_HALF: Final = _SPREADING[1:]
_GATHERING: Final = _SPREADING[::-1]
_GATHERING_HALF: Final = _GATHERING[:-1]


def _spread(number: int, count: int) -> bytes:
    """The lowest ``count`` (at most 64) groups of five bits of ``number``, a byte each."""
    for mask, _, distance in _SPREADING if count > _BLOCK_SYMBOLS // 2 else _SPREADING_HALF:
        upper = number & mask
        number ^= upper ^ (upper << distance)
    return number.to_bytes(count, "big")


def _gather(symbols: bytes) -> int:
    """At most 64 five-bit symbols as one integer."""
    number = int.from_bytes(symbols, "big")
    for _, mask, distance in _GATHERING if len(symbols) > _BLOCK_SYMBOLS // 2 else _GATHERING_HALF:
        upper = number & mask
        number ^= upper ^ (upper >> distance)
    return number


def _to_symbols(data: bytes) -> bytes:
    length = len(data)
    if length <= _BLOCK_BYTES:
        count = (8 * length + 4) // 5
        return _spread(int.from_bytes(data, "big") << (5 * count - 8 * length), count)
    return b"".join(_to_symbols(data[start : start + _BLOCK_BYTES]) for start in range(0, length, _BLOCK_BYTES))


def _from_symbols(symbols: bytes) -> bytes:
    count = len(symbols)
    if count <= _BLOCK_SYMBOLS:
        length, spare = divmod(5 * count, 8)
        number = _gather(symbols)
        if spare:
            if spare > 4:
                raise InputError(f"{spare} bits of padding: more than 4 means that a symbol is missing or too many")
            if number & ((1 << spare) - 1):
                raise InputError("the padding bits are not zero")
        return (number >> spare).to_bytes(length, "big")
    return b"".join(_from_symbols(symbols[start : start + _BLOCK_SYMBOLS]) for start in range(0, count, _BLOCK_SYMBOLS))


def convert_bits(data: bytes, from_bits: int, to_bits: int) -> bytes:
    """Regroup bits: bytes to five-bit symbols (``8, 5``), padded with zero bits, or back (``5, 8``).

    Going back, the padding is checked: fewer than five bits, all zero. Raises
    :class:`~multiwallet.errors.InputError` otherwise, for a symbol above 31, and for other widths.

    >>> convert_bits(b"\\xff", 8, 5)
    b'\\x1f\\x1c'
    >>> convert_bits(bytes([31, 28]), 5, 8)
    b'\\xff'
    """
    if (from_bits, to_bits) == (8, 5):
        return _to_symbols(data)
    if (from_bits, to_bits) != (5, 8):
        raise InputError(f"bits are regrouped from 8 to 5 or from 5 to 8, not from {from_bits} to {to_bits}")
    if data and max(data) > 31:
        raise InputError(f"a five-bit symbol is at most 31, not {max(data)}")
    return _from_symbols(data)


def encode(hrp: str, symbols: bytes, encoding: Encoding, *, max_length: int = 90) -> str:
    """The text for ``hrp`` and five-bit ``symbols``, with the checksum of ``encoding``, in lower case.

    ``max_length`` bounds the whole text: 90 by BIP-173, more where a chain's own standard says so. Raises
    :class:`~multiwallet.errors.InputError` for an unfit HRP, a symbol above 31 or a text that is too long.

    >>> encode("a", b"", Encoding.BECH32)
    'a12uel5l'
    """
    _check_hrp(hrp)
    if symbols and max(symbols) > 31:
        raise InputError(f"a five-bit symbol is at most 31, not {max(symbols)}")
    length = len(hrp) + 1 + len(symbols) + _CHECKSUM_LENGTH
    if length > max_length:
        raise InputError(f"the bech32 text would have {length} characters: the limit is {max_length}")
    checksum = _residue(hrp, bytes(symbols) + bytes(_CHECKSUM_LENGTH)) ^ encoding.value
    return f"{hrp}1{(symbols + _spread(checksum, _CHECKSUM_LENGTH)).translate(_CHARACTERS).decode('ascii')}"


def _check_hrp(hrp: str) -> None:
    if len(hrp) <= 83 and hrp.isascii() and hrp.isalpha() and hrp.islower():
        return  # as nearly all are
    if not 1 <= len(hrp) <= 83:
        raise InputError(f"the human-readable part has {len(hrp)} characters: it needs 1 to 83")
    for character in hrp:
        if not "!" <= character <= "~":
            raise InputError(f"the human-readable part holds {character!a}: only ASCII 33 to 126 are allowed")
    if hrp.lower() != hrp:
        raise InputError("the human-readable part is written in lower case when encoding")


def decode(text: str, max_length: int = 90) -> tuple[str, bytes, Encoding]:
    """Split ``text`` into its HRP (lower case), its five-bit symbols without the checksum, and the encoding.

    ``max_length`` bounds the text: 90 by BIP-173, more where a chain's own standard says so. Raises
    :class:`~multiwallet.errors.InputError` for a text that is too long or too short, mixed case, a missing
    separator, a character that does not belong (with its position) or a checksum that does not match.

    >>> decode("A12UEL5L")
    ('a', b'', <Encoding.BECH32: 1>)
    """
    hrp, symbols, encoding = _decode(text, max_length)
    return hrp, symbols[:-_CHECKSUM_LENGTH], encoding


def _decode(text: str, max_length: int) -> tuple[str, bytes, Encoding]:
    if not isinstance(text, str):
        raise InputError(f"bech32 is text, not {type(text).__name__}")
    if len(text) > max_length:
        raise InputError(f"{len(text)} characters are too long for a bech32 text: the limit is {max_length}")
    if not text.isascii():  # first of all: lower() turns some other letters into ASCII ones
        position = next(index for index, character in enumerate(text) if character > "\x7f")
        raise InputError(f"character {position + 1} ({text[position]!a}) is not in the bech32 alphabet")
    lower = text.lower()
    if lower != text and text.upper() != text:
        raise InputError("upper and lower case are mixed: a bech32 text is all one or all the other")
    separator = lower.rfind("1")
    if separator < 0:
        raise InputError("no separator: a bech32 text has a '1' after its human-readable part")
    if separator == 0:
        raise InputError("no human-readable part before the separator '1'")
    hrp = lower[:separator]
    if not hrp.isalpha():
        for position, character in enumerate(hrp):
            if not "!" <= character <= "~":
                raise InputError(
                    f"character {position + 1} ({character!a}) cannot be in a human-readable part: "
                    "only ASCII 33 to 126 are allowed"
                )
    symbols = lower[separator + 1 :].encode("ascii").translate(_VALUES)
    if _BAD in symbols:
        position = next(index for index in range(separator + 1, len(lower)) if lower[index] not in CHARSET)
        raise InputError(f"character {position + 1} ({text[position]!a}) is not in the bech32 alphabet")
    if len(symbols) < _CHECKSUM_LENGTH:
        raise InputError(f"too short: {len(symbols)} characters after the separator, and the checksum alone has 6")
    residue = _residue(hrp, symbols)
    if residue == _BECH32:
        return hrp, symbols, Encoding.BECH32
    if residue == _BECH32M:
        return hrp, symbols, Encoding.BECH32M
    raise InputError("the bech32 checksum does not match: a character is wrong, missing or swapped")


@lru_cache(maxsize=8)
def _program_contributions(length: int) -> tuple[tuple[int, ...], ...]:
    """For each byte of a ``length``-byte program: what each of its values adds to the checksum."""
    rows = _contributions()
    bits = 8 * length
    count = (bits + 4) // 5
    tables = []
    for position in range(length):
        table = [0]
        for bit in range(7, -1, -1):
            place = 8 * position + bit  # counted from the front of the program
            symbol, offset = divmod(place, 5)
            added = rows[count - 1 - symbol + _CHECKSUM_LENGTH][1 << (4 - offset)]
            table += [value ^ added for value in table]
        tables.append(tuple(table))
    return tuple(tables)


@lru_cache(maxsize=64)
def _segwit_prefix(hrp: str, version: int, count: int) -> tuple[str, int]:
    """What comes before ``count`` program symbols, and the state that a program of zeros leaves."""
    _check_hrp(hrp)
    length = len(hrp) + 2 + count + _CHECKSUM_LENGTH
    if length > 90:
        raise InputError(f"the address would have {length} characters: the limit is 90")
    state = _shift(_hrp_state(hrp, 0), version)
    for _ in range(count + _CHECKSUM_LENGTH):
        state = _shift(state)
    return f"{hrp}1{CHARSET[version]}", state ^ (_BECH32M if version else _BECH32)


def _check_program(version: int, length: int) -> None:
    if not 0 <= version <= 16:
        raise InputError(f"witness version {version}: it is 0 to 16")
    if not 2 <= length <= 40:
        raise InputError(f"the witness program has {length} bytes: it needs 2 to 40")
    if version == 0 and length not in (20, 32):
        raise InputError(f"a version 0 witness program has 20 or 32 bytes, not {length}")


def encode_segwit(hrp: str, version: int, program: bytes) -> str:
    """The address of a witness ``program`` (2 to 40 bytes): Bech32 for version 0, Bech32m for 1 to 16.

    Raises :class:`~multiwallet.errors.InputError` for a version or a program length that BIP-141 does not have.

    >>> encode_segwit("bc", 0, bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6"))
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    """
    length = len(program)
    _check_program(version, length)
    count = (8 * length + 4) // 5
    prefix, checksum = _segwit_prefix(hrp, version, count)
    if length == 20 or length == 32:
        for table, value in zip(_program_contributions(length), program, strict=True):
            checksum ^= table[value]
    else:
        rows = _contributions()[_CHECKSUM_LENGTH:]
        for row, symbol in zip(rows, reversed(_to_symbols(program)), strict=False):  # there are more rows
            checksum ^= row[symbol]
    number = int.from_bytes(program, "big") << (5 * count - 8 * length + 5 * _CHECKSUM_LENGTH) | checksum
    count += _CHECKSUM_LENGTH
    if count <= _BLOCK_SYMBOLS:
        return prefix + _spread(number, count).translate(_CHARACTERS).decode("ascii")
    tail = 5 * _CHECKSUM_LENGTH
    symbols = _spread(number >> tail, count - _CHECKSUM_LENGTH) + _spread(number & ((1 << tail) - 1), 6)
    return prefix + symbols.translate(_CHARACTERS).decode("ascii")


def decode_segwit(hrp: str, text: str) -> tuple[int, bytes]:
    """The witness version (0 to 16) and program (2 to 40 bytes) of an address of the network ``hrp``.

    Raises :class:`~multiwallet.errors.InputError` saying why ``text`` is none: another network's HRP (named),
    Bech32 where Bech32m is due or the other way round, bad padding, length or version, and all that
    :func:`decode` refuses.

    >>> version, program = decode_segwit("bc", "BC1SW50QGDZ25J")
    >>> version, program.hex()
    (16, '751e')
    >>> decode_segwit("bc", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: the address starts with 'tb1', and this network's addresses start with 'bc1'
    """
    found, symbols, encoding = _decode(text, 90)
    if found != hrp:
        raise InputError(f"the address starts with '{found}1', and this network's addresses start with '{hrp}1'")
    if len(symbols) == _CHECKSUM_LENGTH:
        raise InputError("the address holds no witness version and no program")
    version = symbols[0]
    if version > 16:
        raise InputError(f"witness version {version}: it is 0 to 16")
    due = Encoding.BECH32M if version else Encoding.BECH32
    if encoding is not due:
        raise InputError(f"the checksum is {encoding}, and witness version {version} takes {due}")
    program = _from_symbols(symbols[1:-_CHECKSUM_LENGTH])
    _check_program(version, len(program))
    return version, program
