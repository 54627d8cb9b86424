"""Addresses and types of Move, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Wallet
from multiwallet.chains.aptos import Aptos, addresses
from multiwallet.chains.aptos.move_values import decode_argument, encode_argument
from multiwallet.chains.aptos.type_tags import parse_type
from multiwallet.errors import InputError, InvalidAddress, InvalidKey, InvalidPath


def test_the_phrase_of_the_typescript_sdks_own_tests() -> None:
    """tests/unit/helper.ts of aptos-labs/aptos-ts-sdk."""
    wallet = Wallet.from_mnemonic("shoot island position soft burden budget tooth cruel issue economy destroy above")
    account = wallet.account("apt")
    assert str(account.path) == "m/44'/637'/0'/0'/0'"
    assert account.address == "0x07968dab936c1bad187c60ce4082f307d030d780e91e694ae03aef16aba73f30"
    secret = "ed25519-priv-0x5d996aa76b3212142792d9130796cd2e11e3c445a93118c08414df4f66bc60ec"  # public
    assert account.export_private_key() == secret
    assert wallet.account("aptos", account=3).address == wallet.account("aptos", index=3).address
    with pytest.raises(InvalidPath, match="one place"):
        wallet.account("aptos", account=1, index=1)


def test_the_forms_of_aip_40() -> None:
    """The table of AIP-40: special addresses are short, all others long."""
    assert addresses.parse("0x1") == addresses.parse("0x" + "0" * 63 + "1") == "0x1"
    long = "0x" + "0" * 62 + "10"
    assert addresses.parse(long) == long
    assert addresses.parse("0x" + "AB" * 32) == "0x" + "ab" * 32
    for text in ("0x10", "0x01", "1", "x1", "0x", "0x" + "a" * 63, "0x" + "a" * 65, " 0x1", "0x1\n", "0x१"):
        with pytest.raises(InvalidAddress):
            addresses.parse(text)
    with pytest.raises(InvalidAddress, match="63"):
        addresses.parse("0x" + "a" * 63)
    with pytest.raises(InvalidAddress):
        addresses.parse(5)  # type: ignore[arg-type]  # hostile
    with pytest.raises(InvalidKey, match="32 bytes"):
        addresses.of_public_key(bytes(33))


@given(st.binary(min_size=32, max_size=32))
def test_addresses_survive_their_text(data: bytes) -> None:
    assert addresses.to_bytes(addresses.from_bytes(data)) == data
    chain = Aptos()
    row = Wallet.from_mnemonic("test test test test test test test test test test test junk").account("aptos").network
    assert chain.parse_address(row, addresses.from_bytes(data)) == addresses.from_bytes(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u63",
        "vector",
        "vector<>",
        "vector<u8",
        "vector<u8>>",
        "vector<u8,u8>",
        "struct",
        "0x1",
        "0x1::a",
        "0x1::a::",
        "0x1:a:b",
        "0x1::a::b<>",
        "0x1::a::b<u8,>",
        "0x1::1a::b",
        "0x12::a::b",
        "u8 u8",
        "u8<u8>",
        "a::b::c",
        "&signer",
        "vector<" * 40 + "u8" + ">" * 40,
        "x" * 5000,
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_texts_that_are_no_type(text: str) -> None:
    with pytest.raises(InputError):
        parse_type(text)


@given(st.text(alphabet="0x1:a<>, u8vectorbl", max_size=40))
def test_any_text_is_a_type_or_refused(text: str) -> None:
    try:
        tag = parse_type(text)
    except InputError:
        return
    assert parse_type(str(tag)) == tag


@given(st.binary(max_size=40), st.sampled_from(["u64", "bool", "vector<address>", "0x1::string::String", "vector<u8>"]))
def test_any_bytes_are_an_argument_or_refused(data: bytes, kind: str) -> None:
    tag = parse_type(kind)
    try:
        value = decode_argument(tag, data)
    except InputError:
        return
    assert encode_argument(tag, value) == data


def test_arguments_that_do_not_fit() -> None:
    for kind, value in (
        ("u8", 256),
        ("u8", -1),
        ("u8", 1.0),
        ("u8", True),
        ("u8", "1.5"),
        ("i8", 128),
        ("i8", "-129"),
        ("bool", 1),
        ("address", 5),
        ("vector<u8>", "zz"),
        ("vector<u8>", [256]),
        ("vector<u64>", "12"),
        ("vector<u64>", [None]),
        ("0x1::string::String", 5),
        ("0x1::string::String", "\ud800"),
        ("0x5::other::Thing", 5),
        ("signer", "0x1"),
        ("vector<" * 10 + "u8" + ">" * 10, [[[[[[[[[[[[5]]]]]]]]]]]]),
    ):
        with pytest.raises(InputError):
            encode_argument(parse_type(kind), value)
    assert encode_argument(parse_type("i8"), "-128") == b"\x80"
    with pytest.raises(InputError, match="no known form"):
        decode_argument(parse_type("0x5::other::Thing"), b"")
