"""The contract ABI against the specification's examples and the eth-abi library, and under attack."""

from __future__ import annotations

import contextlib

import eth_abi
import pytest
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import abi
from multiwallet.codec.abi_type import parse_type
from multiwallet.errors import InputError

WORD = 32


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


BITS = st.integers(1, 32).map(lambda count: 8 * count)
ELEMENTARY = st.one_of(
    st.sampled_from(["address", "bool", "bytes", "string", "uint256", "int256"]),
    BITS.map(lambda bits: f"uint{bits}"),
    BITS.map(lambda bits: f"int{bits}"),
    st.integers(1, 32).map(lambda length: f"bytes{length}"),
)
TYPES = st.recursive(
    ELEMENTARY,
    lambda inner: st.one_of(
        inner.map(lambda name: f"{name}[]"),
        st.tuples(inner, st.integers(1, 3)).map(lambda pair: f"{pair[0]}[{pair[1]}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda names: f"({','.join(names)})"),
    ),
    max_leaves=5,
)


def values_of(name: str) -> st.SearchStrategy:
    """Values of a type, as eth-abi gives them back. Its own small reading of the names keeps the test honest."""
    if name.endswith("]"):
        inner, _, count = name[:-1].rpartition("[")
        size = {"min_size": int(count), "max_size": int(count)} if count else {"max_size": 3}
        return st.lists(values_of(inner), **size).map(tuple)
    if name.startswith("("):
        parts, depth, start = [], 0, 1
        for position, character in enumerate(name):
            depth += (character == "(") - (character == ")")
            if (character == "," and depth == 1) or depth == 0:
                parts.append(name[start:position])
                start = position + 1
        return st.tuples(*map(values_of, parts))
    if name.startswith("uint"):
        return st.integers(0, 2 ** int(name[4:]) - 1)
    if name.startswith("int"):
        return st.integers(-(2 ** (int(name[3:]) - 1)), 2 ** (int(name[3:]) - 1) - 1)
    if name == "address":
        return st.binary(min_size=20, max_size=20).map(lambda data: "0x" + data.hex())
    if name == "bool":
        return st.booleans()
    if name == "string":
        return st.text(max_size=40)
    if name == "bytes":
        return st.binary(max_size=70)
    return st.binary(min_size=int(name[5:]), max_size=int(name[5:]))


TYPED = st.lists(TYPES, max_size=3).flatmap(lambda names: st.tuples(st.just(names), st.tuples(*map(values_of, names))))


def lower(value):
    """Addresses without their checksum, which eth-abi does not write."""
    if isinstance(value, tuple):
        return tuple(map(lower, value))
    return value.lower() if isinstance(value, str) and value[:2] == "0x" and len(value) == 42 else value


def test_examples_of_the_specification(vectors):
    data = vectors("abi")
    assert len(data["calls"]) == 5
    for signature, values, encoded in data["calls"]:
        assert abi.encode_call(signature, values).hex() == encoded
        decoded = abi.decode_call(signature, bytes.fromhex(encoded))
        assert abi.encode_call(signature, decoded).hex() == encoded
    for types, values, encoded in data["arguments"]:
        assert abi.encode(types, values).hex() == encoded
        assert lower(abi.decode(types, bytes.fromhex(encoded))) == tuple(values)


@given(TYPED)
def test_same_as_eth_abi(typed):
    types, values = typed
    data = abi.encode(types, values)
    assert data == eth_abi.encode(types, values)
    for strict in (True, False):
        assert lower(abi.decode(types, data, strict=strict)) == lower(values)


@given(TYPED, st.data())
def test_what_decodes_strictly_is_the_canonical_encoding(typed, draw):
    types, values = typed
    data = bytearray(abi.encode(types, values))
    for _ in range(draw.draw(st.integers(1, 2))):
        if data:
            position = draw.draw(st.integers(0, len(data) - 1))
            data[position] = draw.draw(st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 0x20, 0x40, 0x60])))
    damaged = bytes(data)
    with contextlib.suppress(InputError):
        assert abi.encode(types, abi.decode(types, damaged)) == damaged
    try:
        result = abi.decode(types, damaged, strict=False)
    except InputError:
        return
    try:
        expected = eth_abi.decode(types, damaged, strict=False)
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return
    assert lower(result) == lower(expected)


@given(st.lists(TYPES, min_size=1, max_size=3), st.binary(max_size=400), st.booleans())
def test_garbage_gives_input_error(types, data, strict):
    with contextlib.suppress(InputError):
        abi.decode(types, data, strict=strict)


@given(st.text(st.sampled_from("()[],0123456789uintadresboylg "), max_size=30))
def test_garbage_types_give_input_error(name):
    for function in (parse_type, abi.selector, lambda text: abi.selector("f" + text)):
        with contextlib.suppress(InputError):
            function(name)


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("transfer(address,uint256)", "a9059cbb"),
        ("transferFrom(address,address,uint256)", "23b872dd"),
        ("approve(address,uint256)", "095ea7b3"),
        ("balanceOf(address)", "70a08231"),
        ("decimals()", "313ce567"),
        ("Error(string)", "08c379a0"),
        ("Panic(uint256)", "4e487b71"),
        ("transfer(address,uint)", "a9059cbb"),
    ],
)
def test_known_selectors(signature, expected):
    assert abi.selector(signature).hex() == expected


def test_the_event_topic_of_transfer():
    topic = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert abi.signature_hash("Transfer(address,address,uint256)").hex() == topic


@pytest.mark.parametrize(
    "name",
    [
        "",
        "uint0",
        "uint7",
        "uint264",
        "uint08",
        "int257",
        "bytes0",
        "bytes33",
        "address1",
        "bool8",
        "fixed128x18",
        "uint256 ",
        " uint256",
        "uint256[",
        "uint256]",
        "uint256[-1]",
        "uint256[0]",
        "uint256[1000000000]",
        "uint256[٣]",
        "(uint256",
        "(uint256,)",
        "(,uint256)",
        "uint256)",
        "()[]",
        "(())[3]",
        "tuple",
        "Uint256",
        "uint256[]x",
        None,
        5,
    ],
)
def test_no_such_type(name):
    with pytest.raises(InputError):
        parse_type(name)


def test_nesting_and_length_of_types_are_bounded():
    assert parse_type("uint8" + "[]" * 24).depth == 24
    for name in ("uint8" + "[]" * 25, "(" * 25 + ")" * 25, "(" * 2000, ("(" + "uint8" + "[]" * 20 + ")") + "[]" * 20):
        with pytest.raises(InputError, match="nested more than 24"):
            parse_type(name)
    with pytest.raises(InputError, match="the limit is 2048"):
        parse_type("(" + "uint8," * 1000 + "uint8)")


@pytest.mark.parametrize(
    "signature", ["", "transfer", "transfer(address", "transfer(address)x", "1f()", "f(a b)", "f()[]", "f ()", None]
)
def test_no_such_signature(signature):
    with pytest.raises(InputError):
        abi.selector(signature)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("uint8", 256, "outside of uint8"),
        ("uint256", -1, "outside of uint256"),
        ("uint256", 2**256, "outside of uint256"),
        ("uint256", 1.0, "not float"),
        ("uint256", True, "not bool"),
        ("uint256", "1", "not str"),
        ("int8", 128, "outside of int8"),
        ("int8", -129, "outside of int8"),
        ("bool", 1, "True or False"),
        ("address", "0x12", "40 hex digits"),
        ("address", bytes(21), "20 bytes, not 21"),
        ("address", "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "EIP-55"),
        ("address", 5, "not int"),
        ("bytes3", b"ab", "exactly 3 bytes"),
        ("bytes3", "616263", "does not start with 0x"),
        ("bytes", "0x0", "even number"),
        ("bytes", 5, "not int"),
        ("string", b"ab", "not bytes"),
        ("string", "\ud800", "surrogate"),
        ("uint8[]", 5, "list or tuple"),
        ("uint8[2]", [1], "2 values are needed, not 1"),
        ("(uint8,bool)", [1], "2 values are needed, not 1"),
        ("uint8[]", "12", "list or tuple"),
    ],
)
def test_values_that_do_not_fit_are_named(name, value, reason):
    with pytest.raises(InputError, match=reason) as caught:
        abi.encode(["bool", name], [True, value])
    assert str(caught.value).startswith(f"value 2 ({name}): ")


def test_the_number_of_values_must_match():
    with pytest.raises(InputError, match="2 values are needed, not 1"):
        abi.encode_call("transfer(address,uint256)", [bytes(20)])
    with pytest.raises(InputError, match="not one text"):
        abi.encode("uint256", [1])
    with pytest.raises(InputError, match="list of ABI types"):
        abi.encode([["uint256"]], [1])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("uint8", word(256), "does not fit in uint8"),
        ("int8", word(128), "does not fit in int8"),
        ("bool", word(2), "does not fit in bool"),
        ("address", b"\x01" + bytes(31), "does not fit in address"),
        ("bytes3", b"abcd" + bytes(28), "does not fit in bytes3"),
        ("uint8", bytes(31), "ends too early"),
        ("string", word(32) + word(1) + b"\xff" + bytes(31), "not UTF-8"),
        ("bytes", word(2**255), "larger than the data"),
        ("bytes", word(32) + word(2**64), "larger than the data"),
        ("bytes", word(32) + word(33) + bytes(32), "too early"),
        ("uint256[]", word(32) + word(2**200), "larger than the data"),
        ("uint256[]", word(32) + word(3) + bytes(64), "3 elements of uint256 do not fit"),
        ("uint8[99999999][99999999][99999999]", bytes(64), "do not fit"),
    ],
)
def test_bad_data_is_refused(name, data, reason, strict):
    with pytest.raises(InputError, match=reason):
        abi.decode([name], data, strict=strict)


def test_strict_decoding_takes_the_canonical_form_only():
    good = abi.encode(["bytes", "bytes"], [b"abc", b"de"])
    assert abi.decode(["bytes", "bytes"], good) == (b"abc", b"de")
    shared = word(64) + word(64) + word(3) + b"abc" + bytes(29)
    gap = word(96) + word(0x99) + word(3) + b"abc" + bytes(29)
    dirty = word(32) + word(3) + b"abc" + b"x" * 29
    unpadded = word(32) + word(3) + b"abc"
    for types, data, reason in (
        (["bytes", "bytes"], good + bytes(32), "32 bytes after the end"),
        (["bytes", "bytes"], shared, "leaves a gap or points back"),
        (["bytes", "uint8"], gap, "leaves a gap"),
        (["bytes"], dirty, "padding after byte 67"),
        (["bytes"], unpadded, "ends too early"),
    ):
        with pytest.raises(InputError, match=reason):
            abi.decode(types, data)
    assert abi.decode(["bytes", "bytes"], good + b"x", strict=False) == (b"abc", b"de")
    assert abi.decode(["bytes", "bytes"], shared, strict=False) == (b"abc", b"abc")
    for data in (dirty, unpadded):
        assert abi.decode(["bytes"], data, strict=False) == (b"abc",)


@pytest.mark.parametrize("depth", [2, 6, 23])
def test_offsets_that_point_back_cannot_multiply_the_work(depth):
    # Each level is an array of 16 elements that are all the next level: 16^depth values in a few kilobytes.
    level = word(16) + b"".join(word(32 * 16) for _ in range(16))
    data = word(32) + level * depth + word(16) + bytes(32 * 16)
    with pytest.raises(InputError, match="leaves a gap or points back"):
        abi.decode(["uint256" + "[]" * (depth + 1)], data, strict=True)
    if depth > 3:
        with pytest.raises(InputError, match="again and again"):
            abi.decode(["uint256" + "[]" * (depth + 1)], data, strict=False)


def test_calls_check_their_selector():
    data = abi.encode_call("approve(address,uint256)", ["0x" + "11" * 20, 5])
    with pytest.raises(InputError, match="no call of transfer"):
        abi.decode_call("transfer(address,uint256)", data)
    with pytest.raises(InputError, match="no call of approve"):
        abi.decode_call("approve(address,uint256)", b"")
    with pytest.raises(InputError, match="ends too early"):
        abi.decode_call("approve(address,uint256)", data[:-1])


def test_address_forms_give_one_encoding():
    text = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    raw = bytes.fromhex(text[2:])
    forms = [text, text.lower(), "0x" + text[2:].upper(), raw, bytearray(raw), memoryview(raw)]
    assert len({abi.encode(["address"], [form]) for form in forms}) == 1
    assert abi.decode(["address"], abi.encode(["address"], [raw])) == (text,)


def test_function_is_24_bytes():
    assert abi.encode(["function"], [b"\x01" * 24]) == b"\x01" * 24 + bytes(8)
    assert abi.canonical_signature("f(function)") == "f(function)"
