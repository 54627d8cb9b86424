"""CompactSize, compact-u16 and the reader, against embit and solders."""

from __future__ import annotations

import pytest
from embit import compact
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import compact_size, shortvec
from multiwallet.codec.reader import Reader
from multiwallet.errors import InputError

EDGES = [0, 1, 0xFC, 0xFD, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, 2**64 - 1]


@given(st.one_of(st.sampled_from(EDGES), st.integers(0, 2**64 - 1)))
def test_compact_size_as_embit(number):
    data = compact_size.encode(number)
    assert data == compact.to_bytes(number)
    assert compact_size.decode(b"\xff" + data + b"\x00", 1) == (number, 1 + len(data))
    reader = Reader(data + b"\x07")
    assert (reader.compact_size(), reader.byte(), reader.remaining) == (number, 7, 0)
    for cut in range(len(data)):
        with pytest.raises(InputError):
            compact_size.decode(data[:cut])


@pytest.mark.parametrize("text", ["fdfc00", "fd0000", "feffff0000", "ffffffffff00000000", "ff" + "00" * 8])
def test_compact_size_in_a_longer_form_is_refused(text):
    for function in (compact_size.decode, lambda data: Reader(data).compact_size()):
        with pytest.raises(InputError, match="shortest"):
            function(bytes.fromhex(text))


@pytest.mark.parametrize("number", [-1, 2**64])
def test_compact_size_range(number):
    with pytest.raises(InputError, match="CompactSize"):
        compact_size.encode(number)


# The cases of Solana's own short_vec tests.
SHORTVECS = [
    (0x0, "00"),
    (0x7F, "7f"),
    (0x80, "8001"),
    (0xFF, "ff01"),
    (0x100, "8002"),
    (0x7FFF, "ffff01"),
    (0x3FFF, "ff7f"),
    (0x4000, "808001"),
    (0xFFFF, "ffff03"),
]


def test_shortvec_vectors():
    for number, text in SHORTVECS:
        assert shortvec.encode(number).hex() == text
        assert shortvec.decode(bytes.fromhex(text)) == (number, len(text) // 2)


def test_shortvec_every_number_as_solders():
    instruction = pytest.importorskip("solders.instruction", reason="solders is the oracle for compact-u16")
    message = pytest.importorskip("solders.message", reason="solders is the oracle for compact-u16")
    pubkey = pytest.importorskip("solders.pubkey", reason="solders is the oracle for compact-u16").Pubkey
    payer, program = pubkey(bytes(31) + b"\x01"), pubkey(bytes(31) + b"\x02")
    for number in [*range(400), *range(16380, 16390), 0x7FFF, 0x8000, 0xFFFF]:
        compiled = bytes(message.Message([instruction.Instruction(program, bytes(number), [])], payer))
        encoded = shortvec.encode(number)
        assert compiled.endswith(b"\x00" + encoded + bytes(number))  # no accounts, then the data
    for number in range(0x10000):
        encoded = shortvec.encode(number)
        assert shortvec.decode(encoded + b"\x00") == (number, len(encoded))


@pytest.mark.parametrize(
    "text",
    [
        "8000",
        "808000",
        "ff00",
        "ff8000",
        "818000",
        "80808000",
        "808004",
        "808006",
        "808080",
        "ffff04",
        "",
        "80",
        "8080",
    ],
)
def test_shortvec_refuses(text):
    with pytest.raises(InputError, match="compact-u16"):
        shortvec.decode(bytes.fromhex(text))


@pytest.mark.parametrize("number", [-1, 0x10000])
def test_shortvec_range(number):
    with pytest.raises(InputError, match="65535"):
        shortvec.encode(number)


def test_reader_reads_and_stops_at_the_end():
    reader = Reader(bytes.fromhex("0102030405060708ff0261628001"), "the blob")
    assert reader.uint(2, "big") == 0x0102
    assert reader.uint(2) == 0x0403
    assert reader.peek(2) == b"\x05\x06"
    assert reader.take(4) == bytes(range(5, 9))
    assert (reader.byte(), reader.position) == (0xFF, 9)
    assert reader.compact_bytes() == b"ab"
    with pytest.raises(InputError, match="the blob goes on for 2 bytes"):
        reader.finish()
    assert reader.shortvec() == 128
    reader.finish()
    assert reader.rest() == b""
    for read in (reader.byte, reader.compact_size, reader.shortvec, lambda: reader.take(1), lambda: reader.uint(4)):
        with pytest.raises(InputError):
            read()


def test_reader_keeps_its_place_after_a_failed_read():
    reader = Reader(b"\x05abc")
    with pytest.raises(InputError, match="5 bytes wanted at byte 1, 3 left"):
        reader.compact_bytes()
    assert reader.position == 0
    with pytest.raises(InputError, match="negative"):
        reader.take(-1)
    assert reader.rest() == b"\x05abc"


@given(st.binary(max_size=40), st.lists(st.integers(0, 5), max_size=20))
def test_reader_on_garbage(data, calls):
    reader = Reader(data)
    reads = [
        reader.byte,
        reader.compact_size,
        reader.compact_bytes,
        reader.shortvec,
        lambda: reader.take(3),
        lambda: reader.uint(8),
    ]
    for call in calls:
        before = reader.position
        try:
            reads[call]()
        except InputError:
            assert reader.position == before
        assert reader.position + reader.remaining == len(data)
