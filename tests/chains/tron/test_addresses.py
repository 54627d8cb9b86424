from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chain import Network
from multiwallet.chains.tron import Tron, addresses
from multiwallet.errors import InvalidAddress, InvalidKey, MultiwalletError

VECTORS = Path(__file__).parents[2] / "vectors"
ADDRESSES = json.loads((VECTORS / "tron_addresses.json").read_text("utf-8"))
DERIVED = json.loads((VECTORS / "tron_derivation.json").read_text("utf-8"))


@pytest.mark.parametrize("entry", ADDRESSES, ids=lambda entry: entry["id"])
def test_reference_addresses(entry: dict[str, Any]) -> None:
    if entry["expect"] == "valid":
        assert addresses.parse(entry["address"]) == entry["address"]
    else:
        with pytest.raises(InvalidAddress) as caught:
            addresses.parse(entry["address"])
        assert len(caught.value.message) > 10


@pytest.mark.parametrize("entry", DERIVED, ids=lambda entry: entry["path"] + entry["address"][:6])
def test_addresses_of_derived_keys(entry: dict[str, Any], chain: Tron, network: Network) -> None:
    key = bytes.fromhex(entry["public_key"])
    assert chain.address(network, key) == entry["address"]
    assert addresses.of_public_key(key).hex() == entry["address_hex"]
    assert chain.parse_address(network, entry["address_hex"].upper()) == entry["address"]
    assert str(chain.path(network, account=entry["account"], index=entry["index"], kind="")) == entry["path"]


def test_the_path_of_an_account_without_an_index_is_its_first(chain: Tron, network: Network) -> None:
    assert str(chain.path(network, account=2, index=None, kind="")) == "m/44'/195'/2'/0/0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0xc8599111f29c1e1e061265b4af93ea1f274ad78a", "EVM"),
        ("0x41c8599111f29c1e1e061265b4af93ea1f274ad78a", "0x"),
        ("c8599111f29c1e1e061265b4af93ea1f274ad78a", "41 and 40"),
        ("TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYd", "34 characters"),
        ("TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdI", "base58"),
        ("TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdh", "checksum"),
        (" TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH", "white space"),
        ("", "empty"),
        ("T" * 10_000, "long"),
        (7, "text"),
        (None, "text"),
    ],
)
def test_refusals_say_why(text: Any, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason):
        addresses.parse(text)


def test_a_bad_public_key_is_refused() -> None:
    with pytest.raises(InvalidKey):
        addresses.of_public_key(b"\x02" + b"\xff" * 32)
    with pytest.raises(InvalidAddress):
        addresses.from_bytes(bytes(21))


@given(st.binary(min_size=20, max_size=20))
def test_round_trip(tail: bytes) -> None:
    data = b"\x41" + tail
    text = addresses.from_bytes(data)
    assert addresses.to_bytes(text) == data
    assert addresses.parse(data.hex()) == text
    assert text[0] == "T"


@given(st.text(max_size=60) | st.text(alphabet="T123456789ABCabc", min_size=34, max_size=34))
def test_garbage_gives_an_address_or_its_error(text: str) -> None:
    with suppress(InvalidAddress):
        assert addresses.to_bytes(text)[0] == 0x41


def test_token_ids(chain: Tron, network: Network, names: Any) -> None:
    assert chain.asset_id(network, names.usdt) == f"tron:0x2b6653dc/trc20:{names.usdt}"
    with pytest.raises(MultiwalletError):
        chain.asset_id(network, "1002000")
