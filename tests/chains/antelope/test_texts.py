"""Names, symbols, assets, times, keys and signatures as texts, and what is none of them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import network
from multiwallet.chains.antelope import Antelope, names, public_keys, tokens
from multiwallet.chains.antelope.accounts import Kinds
from multiwallet.errors import InputError, InvalidAddress, InvalidTransaction

CHAIN = Antelope()
EOS = network("eos")

# The public test key of nodeos, and examples in the README of wharfkit's antelope.
TEST_KEY = "EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"


@given(st.integers(0, 2**64 - 1))
def test_every_number_is_a_name_and_back(value: int) -> None:
    text = names.name_text(value)
    assert names.name_value(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    # Fixed by the system contracts themselves, which name these accounts by their numbers.
    [("eosio", 0x5530EA0000000000), ("eosio.token", 0x5530EA033482A600), ("", 0), ("............1", 1)],
)
def test_known_names(text: str, value: int) -> None:
    assert (names.name_value(text), names.name_text(value)) == (value, text)


@pytest.mark.parametrize("text", ["A", "alice.", "6", "a" * 14, "aaaaaaaaaaaaz", "aaaaaaaaaaaak", "ä", "a b", "a\n"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InputError):
        names.name_value(text)


@given(st.integers(-(2**62) + 1, 2**62 - 1), st.integers(0, 18), st.from_regex(r"[A-Z]{1,7}", fullmatch=True))
def test_assets_come_back(units: int, precision: int, code: str) -> None:
    quantity = names.Quantity(units, names.Symbol(code, precision))
    assert names.parse_asset(names.asset_text(quantity)) == quantity


@pytest.mark.parametrize(
    "text",
    [
        "1.0",
        "1 eos",
        "1.0000EOS",
        ".5 EOS",
        "1. EOS",
        "1e3 EOS",
        "+1 EOS",
        "9223372036854775807 EOS",
        "1 ABCDEFGH",
        1,
        None,
    ],
)
def test_what_is_no_asset(text: object) -> None:
    with pytest.raises(InputError):
        names.parse_asset(text)  # type: ignore[arg-type]  # hostile on purpose


@given(st.integers(0, 253_402_300_799_999))
def test_times_come_back(milliseconds: int) -> None:
    assert names.parse_time(names.time_text(milliseconds * 1000)) == milliseconds * 1000


@given(st.text(max_size=120) | st.text("EOSPUBK1R_abc123", max_size=80))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with suppress(InvalidAddress):
        canonical = CHAIN.parse_address(EOS, text)
        assert CHAIN.parse_address(EOS, canonical) == canonical


def test_keys_of_other_curves_and_prefixes() -> None:
    assert CHAIN.parse_address(EOS, TEST_KEY) == "PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5BoDq63"
    with pytest.raises(InvalidAddress):
        CHAIN.parse_address(network("enu"), TEST_KEY)
    # PUB_R1 from the tests of EOSIO's fc library.
    other = "PUB_R1_6FPFZqw5ahYrR9jD96yDbbDNTdKtNqRbze6oTDLntrsANgQKZu"
    with pytest.raises(InvalidAddress, match="secp256r1"):
        CHAIN.parse_address(EOS, other)
    assert public_keys.parse_key(other).type == 1


@given(st.text(max_size=150) | st.binary(min_size=65, max_size=65).map(lambda data: "SIG_K1_" + data.hex()))
def test_what_is_no_signature(text: str) -> None:
    with pytest.raises(InvalidTransaction):
        public_keys.parse_signature(text)
    assert not CHAIN.verify_message(EOS, TEST_KEY, "hello", text)


def test_kinds_are_accounts_and_permissions() -> None:
    kinds = Kinds(("",))
    for kind in ("", "alice", "alice@active", "eosio.token@pay"):
        assert kind in kinds
    for wrong in ("Alice", "alice@", "@active", "alice@a@b", "alice@Active", None, 7, "a" * 13):
        assert wrong not in kinds
    assert CHAIN.address(EOS, b"\x02" * 33, "alice@pay") == "alice"


def test_token_ids() -> None:
    assert CHAIN.asset_id(EOS, "eosio.token-EOS") == f"{EOS.id}/token:eosio.token-EOS"
    assert tokens.asset_of(EOS, "core.vaulta", names.Symbol("A", 4)) == EOS.native
    assert tokens.asset_of(EOS, "core.vaulta", names.Symbol("A", 5)) != EOS.native
    for wrong in ("EOS", "eosio.token", "eosio.token-eos", "-EOS", "eosio.token-", "Eosio-EOS", ""):
        with pytest.raises(InvalidAddress):
            CHAIN.asset_id(EOS, wrong)
