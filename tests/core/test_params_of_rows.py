"""A caller's row is checked when it is added: a misspelt param would otherwise change nothing, in silence."""

from __future__ import annotations

from typing import Any

import pytest

import multiwallet
from multiwallet.errors import InputError, UnknownNetwork
from multiwallet.registry import chain

GENESIS = "fc41b9bd8ef8fe53d58c7ea67c794c7ec9a73daf05e6d54b14ff6342c99ba64c"
ZONE = {"hrp": "zone", "denom": "uzone", "gas_prices": ["0.01", "0.02", "0.04"]}
GOOD: dict[str, dict[str, Any]] = {
    f"polkadot:{GENESIS[:32]}": {"genesis": GENESIS, "ss58": 7, "asset_id_bits": 64, "metadata_hash": True},
    f"antelope:{GENESIS[:32]}": {"chain_id": GENESIS, "token_contract": "my.token", "key_prefix": "MINE"},
    "cosmos:my-zone-1": ZONE,
}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    (f"polkadot:{GENESIS[:32]}", {"genesis": GENESIS, "ss59": 7}, "ss59"),
    (f"polkadot:{GENESIS[:32]}", {"genesis": GENESIS, "ss58": "7"}, "ss58"),
    (f"polkadot:{GENESIS[:32]}", {"genesis": GENESIS, "ss58": 16384}, "ss58"),
    (f"polkadot:{GENESIS[:32]}", {"genesis": GENESIS, "asset_id_bits": 33}, "asset_id_bits"),
    (f"polkadot:{GENESIS[:32]}", {"genesis": GENESIS, "asset_id_bits": True}, "asset_id_bits"),
    (f"polkadot:{GENESIS[:32]}", {"genesis": GENESIS, "metadata_hash": "yes"}, "metadata_hash"),
    (f"polkadot:{GENESIS[:32]}", {"genesis": "00" * 32}, "genesis"),
    (f"polkadot:{GENESIS[:32]}", {"ss58": 7}, "genesis"),
    (f"antelope:{GENESIS[:32]}", {"chain_id": GENESIS, "token": "my.token"}, "token"),
    (f"antelope:{GENESIS[:32]}", {"chain_id": GENESIS, "token_contract": "My Token"}, "token_contract"),
    (f"antelope:{GENESIS[:32]}", {"chain_id": GENESIS, "key_prefix": 5}, "key_prefix"),
    (f"antelope:{GENESIS[:32]}", {"chain_id": "00" * 32}, "chain_id"),
    (f"antelope:{GENESIS[:32]}", {}, "chain_id"),
    ("cosmos:my-zone-1", {**ZONE, "gas_price": "0.1"}, "gas_price"),
    ("cosmos:my-zone-1", {**ZONE, "hrp": "Zone"}, "hrp"),
    ("cosmos:my-zone-1", {**ZONE, "gas_prices": ["0.01"]}, "gas_prices"),
    ("cosmos:my-zone-1", {}, "denom"),
]


@pytest.mark.parametrize(("identity", "params", "named"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_param_is_named_and_nothing_is_added(identity: str, params: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        multiwallet.add_network("not-there", id=identity, symbol="X", decimals=6, slip44=1, params=params)
    with pytest.raises(UnknownNetwork):
        multiwallet.network("not-there")


@pytest.mark.parametrize("identity", GOOD)
def test_a_right_row_is_taken(identity: str) -> None:
    namespace, _, reference = identity.partition(":")
    family = {"polkadot": "substrate"}.get(namespace, namespace)
    row = multiwallet.Network(identity, "mine", family, "Mine", "X", 6, 1, params=GOOD[identity])
    chain(row).check_row(row)
    assert row.reference == reference


@pytest.mark.parametrize("family", ["substrate", "antelope", "cosmos"])
def test_the_rows_of_the_package_are_right(family: str) -> None:
    for row in multiwallet.networks(family=family):
        chain(row).check_row(row)


def test_a_row_for_addresses_alone_needs_no_genesis() -> None:
    row = multiwallet.Network(
        "polkadot:" + "0" * 32, "mine", "substrate", "Mine", "X", 6, 1, status="derive-only", params={"ss58": 27}
    )
    chain(row).check_row(row)
