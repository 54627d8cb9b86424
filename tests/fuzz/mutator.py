"""Mutations of known inputs, repeatable from a seed. No coverage guides it: where atheris is installed, that does."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

LONGEST: Final = 64 * 1024
_NUMBERS: Final = (
    0,
    1,
    2,
    7,
    127,
    128,
    252,
    253,
    254,
    255,
    256,
    32767,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)
_TOKENS: Final = (
    b"", b"\0", b"\xff" * 9, b"\xc0" * 40, b"null", b"true", b"-1", b"-0", b"1e9999", b"0.1", b"NaN", b"Infinity", b"[]",
    b"{}", b'""', b'"', b"\\", b"\\ud800", b"[" * 200, b'{"a":' * 200, b"9" * 30, b"9" * 5000, b"0x", b"0x" + b"f" * 65,
    b"\xed\xa0\x80", "é".encode(), "ß".encode(), "İ".encode(), "①".encode(), "٣".encode(), b"\xe2\x80\x8b", b" ", b"\n", b"\r\n", b"\t",
    b"__proto__", b"'", b"/", b"h", b"*", b"#", b"%00", b"m/" + b"0/" * 300, b"2147483648'", b"((((", b"))))", b"<0;1>", b"ur:",
    b"\xfd\xff\xff", b"\xfe\xff\xff\xff\xff", b"\xff" + b"\xff" * 8, b"\xb8\xff", b"\xbf" + b"\xff" * 8, b"\xf8\xff",
)  # fmt: skip
_DECIMAL: Final = re.compile(rb"\d+")


def mutate(source: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One to six random changes of a random seed; at most 64 KiB."""
    data = source.choice(seeds)
    for _ in range(source.choice((1, 1, 1, 2, 3, 6))):
        data = source.choice(_WAYS)(source, data, seeds)
    return data[:LONGEST]


def _place(source: random.Random, data: bytes) -> int:
    return source.randrange(len(data) + 1)


def _span(source: random.Random, data: bytes) -> tuple[int, int]:
    start = _place(source, data)
    return start, min(len(data), start + source.choice((1, 1, 2, 4, 8, 32, 100, 1000)))


def _flip(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    place = source.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << source.randrange(8)]) + data[place + 1 :]


def _byte(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(source, data)
    return data[:place] + bytes([source.choice((0, 1, 127, 128, 255, source.randrange(256)))]) + data[place + 1 :]


def _character(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(source, data)
    return data[:place] + (bytes([data[source.randrange(len(data))]]) if data else b"a") + data[place + 1 :]


def _number(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place, size = _place(source, data), source.choice((1, 2, 4, 8))
    number = source.choice(_NUMBERS) % (1 << 8 * size)
    return data[:place] + number.to_bytes(size, source.choice(("big", "little"))) + data[place + size :]


def _decimal(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_DECIMAL.finditer(data[:LONGEST]))
    if not found:
        return data
    start, end = source.choice(found).span()
    return data[:start] + str(source.choice((*_NUMBERS, -1, 2**256, 10**30))).encode() + data[end:]


def _token(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(source, data)
    return data[:start] + source.choice(_TOKENS) + data[source.choice((start, end)) :]


def _delete(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(source, data)
    return data[:start] + data[end:]


def _cut(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: _place(source, data)]


def _repeat(source: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(source, data)
    return data[:start] + data[start:end] * source.choice((2, 3, 50, 1000)) + data[end:]


def _splice(source: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = source.choice(seeds)
    return data[: _place(source, data)] + other[_place(source, other) :]


def _insert(source: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other, place = source.choice(seeds), _place(source, data)
    start, end = _span(source, other)
    return data[:place] + other[start:end] + data[place:]


_WAYS: Final[tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...]] = (
    _flip, _flip, _byte, _character, _number, _number, _decimal, _token, _delete, _cut, _repeat, _splice, _insert,
)  # fmt: skip
