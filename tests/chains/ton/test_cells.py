"""Cells and bags of cells: known hashes, round trips, and bags that are meant to do harm."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.ton import forms, messages, wallets
from multiwallet.chains.ton.jettons import Transfer, onchain_content
from multiwallet.chains.ton.messages import External, Internal
from multiwallet.chains.ton.wallets import Order
from multiwallet.codec import boc
from multiwallet.codec.cell import MAX_DEPTH, Builder, Cell, Slice
from multiwallet.codec.crc32c import crc32c
from multiwallet.errors import InputError, InvalidTransaction


def made(bits, value, refs):
    builder = Builder().uint(value % (1 << bits), bits)
    for ref in refs:
        builder.ref(ref)
    return builder.end()


cells = st.recursive(
    st.builds(made, st.integers(0, 1023), st.integers(0, 2**1023 - 1), st.just(())),
    lambda inner: st.builds(made, st.integers(0, 1023), st.integers(0, 2**1023), st.lists(inner, max_size=4)),
    max_leaves=12,
)


def test_hashes_of_the_whitepaper_and_of_known_contracts():
    assert Cell().hash.hex() == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    # The hash that explorers show for the code of these wallets, in base64 in toncenter's table of wallets.
    assert wallets.code("v3r2").hash.hex().startswith("84dafa449f98a698")
    assert wallets.code("v4r2").hash.hex().startswith("feb5ff6820e2ff0d")
    assert wallets.code("v5r1").hash.hex().startswith("20834b7b72b11214")


@given(cells)
def test_bags_come_back(cell):
    bag = boc.encode(cell)
    again = boc.decode(bag)
    assert (again, again.depth, again.bits, again.refs) == (cell, cell.depth, cell.bits, cell.refs)
    assert boc.encode(again) == bag


@given(cells, st.data())
def test_a_changed_byte_is_noticed(cell, data):
    bag = bytearray(boc.encode(cell))
    place = data.draw(st.integers(0, len(bag) - 1))
    bag[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InputError):
        boc.decode(bytes(bag))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bag_or_refused(data):
    for start in (b"", bytes.fromhex("b5ee9c72"), bytes.fromhex("b5ee9c72010101")):
        try:
            cell = boc.decode(start + data)
        except InputError:
            continue
        assert boc.decode(boc.encode(cell)) == cell


@given(cells)
def test_any_cell_is_read_as_something_or_refused(cell):
    for read in (External.read, Internal.read, Order.read, Transfer.read, onchain_content, messages.read_text):
        with contextlib.suppress(InputError):
            read(cell)
    for read in (forms.read_external,):
        with pytest.raises(InvalidTransaction):
            read(boc.encode(cell))


def hand_made(parts, *, roots=1, root=0, flags=0x01, absent=0, total=None):
    content = b"".join(parts)
    head = bytes.fromhex("b5ee9c72") + bytes((flags, 2, len(parts), roots, absent))
    return head + (len(content) if total is None else total).to_bytes(2, "big") + bytes((root,)) + content


@pytest.mark.parametrize(
    ("bag", "what"),
    [
        (hand_made([bytes((1, 0, 0))]), "later cell"),  # itself
        (hand_made([bytes((1, 0, 1)), bytes((1, 0, 0))]), "later cell"),  # round in a circle
        (hand_made([bytes((1, 0, 9))]), "later cell"),
        (hand_made([bytes((5, 0, 1, 1, 1, 1, 1)), bytes((0, 0))]), "more than four"),
        (hand_made([bytes((8, 2, 1))]), "exotic"),
        (hand_made([bytes((0x10, 0))]), "exotic"),
        (hand_made([bytes((0x20, 0))]), "exotic"),
        (hand_made([bytes((0, 0)), bytes((0, 0))]), "does not reach"),
        (hand_made([bytes((0, 1, 0))]), "without bits"),
        (hand_made([bytes((0, 1, 0x80))]), "without bits"),
        (hand_made([bytes((0, 255)) + b"\1" * 128]), None),
        (hand_made([bytes((0, 0))], roots=2), "one root"),
        (hand_made([bytes((0, 0))], root=1), "in front"),
        (hand_made([bytes((0, 0))], absent=1), "one root"),
        (hand_made([bytes((0, 0))], total=3), "header says"),
        (hand_made([bytes((0, 0))]) + b"\0", "goes on"),
        (hand_made([bytes((0, 0))], flags=0x00), "header"),
        (hand_made([bytes((0, 0))], flags=0x05), "header"),
        (hand_made([bytes((0, 0))], flags=0x21), "header"),
        (b"\xb5\xee\x9c\x72" + bytes((4, 8)) + b"\xff" * 40, "at most"),
        (b"", "ends too early"),
        (bytes(2**20 + 1), "at most"),
    ],
)
def test_hostile_bags_are_refused(bag, what):
    if what is None:
        assert boc.decode(bag).bits == 1023
        return
    with pytest.raises(InputError, match=what):
        boc.decode(bag)


def test_a_bomb_of_shared_cells_costs_its_bytes_only():
    """Four references to the next cell, a hundred times: 4^100 cells as a tree, 101 in the bag."""
    parts = [bytes((4, 0)) + bytes((number + 1,)) * 4 for number in range(100)] + [bytes((0, 0))]
    cell = boc.decode(hand_made(parts))
    assert cell.depth == 100
    assert boc.decode(boc.encode(cell)) == cell
    order = Order("v5r1", 1, 2, 3, ((3, cell),))
    assert Order.read(order.cell()) == order
    with pytest.raises(InputError):
        Internal.read(cell)


def test_trees_that_are_too_deep_are_refused():
    cell = Cell()
    for _ in range(MAX_DEPTH):
        cell = Builder().ref(cell).end()
    with pytest.raises(InputError, match="deep"):
        Builder().ref(cell).end()
    parts = [bytes((1, 0)) + (number + 1).to_bytes(2, "big") for number in range(2000)] + [bytes((0, 0))]
    content = b"".join(parts)
    head = bytes.fromhex("b5ee9c72") + bytes((2, 2)) + (2001).to_bytes(2, "big") + (1).to_bytes(2, "big") + bytes(2)
    with pytest.raises(InputError, match="deep"):
        boc.decode(head + len(content).to_bytes(2, "big") + bytes(2) + content)


def test_checksum_and_index_are_looked_at():
    good = hand_made([bytes((0, 2, 7))], flags=0x41)
    assert boc.decode(good + crc32c(good).to_bytes(4, "little")).data == b"\7"
    with pytest.raises(InputError, match="checksum"):
        boc.decode(good + bytes(4))
    head = bytes.fromhex("b5ee9c72") + bytes((0x81, 1, 1, 1, 0, 3, 0))
    assert boc.decode(head + bytes((3,)) + bytes((0, 2, 7))).data == b"\7"
    with pytest.raises(InputError, match="index"):
        boc.decode(head + bytes((4,)) + bytes((0, 2, 7)))


@given(st.integers(0, 2**120 - 1), st.integers(-(2**255), 2**255 - 1), st.binary(max_size=30))
def test_a_slice_reads_what_a_builder_wrote(coins, number, data):
    cell = Builder().coins(coins).sint(number, 256).octets(data).bit(1).maybe_ref(None).maybe_ref(Cell()).end()
    source = Slice(cell)
    assert (source.coins(), source.sint(256), source.octets(len(data)), source.bit()) == (coins, number, data, True)
    assert (source.maybe_ref(), source.maybe_ref()) == (None, Cell())
    source.finish()
    for read in (lambda: source.uint(1), source.bit, source.ref, source.coins, lambda: source.uint(-1)):
        with pytest.raises(InputError):
            read()


def test_what_does_not_fit_is_refused():
    for write in (
        lambda: Builder().uint(256, 8),
        lambda: Builder().uint(-1, 8),
        lambda: Builder().sint(128, 8),
        lambda: Builder().coins(2**120),
        lambda: Builder().coins(-1),
        lambda: Builder().octets(bytes(128)),
        lambda: Builder().ref(Cell()).ref(Cell()).ref(Cell()).ref(Cell()).ref(Cell()),
        lambda: Cell(b"\1", 4),
        lambda: Cell(b"", 8),
        lambda: Cell(bytes(128), 1024),
    ):
        with pytest.raises(InputError):
            write()
    with pytest.raises(AttributeError):
        Cell().data = b"x"
    with pytest.raises(InputError, match="zero byte"):
        Slice(Builder().uint(2, 4).uint(5, 16).end()).coins()


@given(st.text(max_size=400))
def test_comments_come_back(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert messages.read_text(messages.comment(text)) == text


def test_comments_have_a_limit():
    messages.comment("a" * 8192)
    for text in ("a" * 8193, "\ud800"):
        with pytest.raises(InputError):
            messages.comment(text)
