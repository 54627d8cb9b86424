"""The params of a row: what may stand there, and who checks it when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multiwallet
from multiwallet import registry
from multiwallet.chain import Chain, Network
from multiwallet.chains.evm import Evm
from multiwallet.chains.evm.portfolio import MULTICALL3, multicall_of
from multiwallet.chains.evm.rules import Rules, rules_of
from multiwallet.errors import InputError, MissingExtra

GWEI = 10**9


@pytest.mark.parametrize("row", multiwallet.networks(family="evm"), ids=lambda row: row.name)
def test_the_rows_of_the_package(row: Any) -> None:
    Evm().check_row(row)
    rules = rules_of(row)
    assert rules.fees == row.params["fees"], "every row says its fee style"
    assert rules == Rules(**row.params)


def test_what_a_row_need_not_say(networks: Any) -> None:
    rules = rules_of(networks(1))
    assert (rules.legacy, rules.l1_fee, rules.zero_base_fee, rules.eip712_transactions) == (False, "", False, False)
    assert (rules.min_gas_price, rules.min_priority_fee, rules.absurd_gas_price) == (0, 0, 10_000 * GWEI)
    assert (rules.finality, rules.final_depth) == ("finalized", None)


WRONG = [
    ("fees", "eip-1559"),
    ("fees", 5),
    ("fees", None),
    ("l1_fee", "opstack"),
    ("l1_fee", ""),
    ("l1_fee", ["op-stack"]),
    ("zero_base_fee", "true"),
    ("zero_base_fee", 1),
    ("min_gas_price", "30"),
    ("min_gas_price", -1),
    ("min_gas_price", True),
    ("min_gas_price", 1.5),
    ("min_priority_fee", 1 << 63),
    ("absurd_gas_price", 0),
    ("absurd_gas_price", None),
    ("finality", "latest"),
    ("finality", "latest--1"),
    ("finality", "latest-01"),
    ("finality", "latest-\u0663"),
    ("finality", 12),
    ("eip712_transactions", "yes"),
    ("multicall", "yes"),
    ("multicall", 1),
    ("multicall", None),
    ("multicall", "0xcA11bde05977b3631167028862bE2a173976CA"),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=range(len(WRONG)))
def test_a_param_that_does_not_fit(networks: Any, name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"the param '{name}' of the network 'evm-1' is "):
        rules_of(networks(1, **{name: value}))


@pytest.mark.parametrize("name", ["fee", "Fees", "absurd_fee_rate", "", "genesis", "f" * 500, "two words"])
def test_an_unknown_param(networks: Any, name: str) -> None:
    with pytest.raises(InputError, match="unknown param") as caught:
        rules_of(networks(1, **{name: "legacy"}))
    assert len(str(caught.value)) < 400


def test_a_floor_above_the_ceiling(networks: Any) -> None:
    with pytest.raises(InputError, match="absurd_gas_price"):
        rules_of(networks(1, min_gas_price=11_000 * GWEI))
    assert rules_of(networks(1, min_gas_price=11_000 * GWEI, absurd_gas_price=11_000 * GWEI)).min_gas_price


@given(
    params=st.dictionaries(
        st.sampled_from(list(Rules.__slots__)) | st.text(max_size=8),
        st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.floats() | st.lists(st.integers()),
        max_size=4,
    )
)
def test_any_params_give_rules_or_an_input_error(params: dict[str, Any]) -> None:
    row = Network("eip155:1", "x", "evm", "X", "ETH", 18, 60, params=params)
    try:
        rules = rules_of(row)
    except InputError:
        return
    assert isinstance(rules, Rules)
    assert rules.absurd_gas_price >= max(rules.min_gas_price, rules.min_priority_fee)


# ---- the registry asks the family -------------------------------------------------------------------------------


def test_a_row_of_the_callers_is_checked_when_it_is_added() -> None:
    with pytest.raises(InputError, match="unknown param 'fee'"):
        multiwallet.add_network("misspelt", id="eip155:987650", symbol="X", params={"fee": "legacy"})
    with pytest.raises(InputError, match="'min_gas_price' of the network 'misspelt' is a whole number"):
        multiwallet.add_network("misspelt", id="eip155:987650", symbol="X", params={"min_gas_price": "30 gwei"})
    with pytest.raises(multiwallet.errors.UnknownNetwork):
        multiwallet.network("misspelt")


def test_a_file_is_checked_when_it_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "networks.toml"
    file.write_text('[networks.one]\nid = "eip155:987651"\nsymbol = "X"\n[networks.one.params]\nfinality = "soon"\n')
    with pytest.raises(InputError, match="'finality' of the network 'one' is finalized, none, or latest-N"):
        multiwallet.load_networks(file)


def test_a_row_names_its_multicall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the registry takes is what the balances of many are read through."""
    table = registry._table()
    for attribute in ("rows", "names"):
        monkeypatch.setattr(table, attribute, dict(getattr(table, attribute)))
    file = tmp_path / "networks.toml"
    other = "0x5B256fE9e993902eCe49D138a5b1162cBb529474"
    for stated, contract in {"true": MULTICALL3, f'"{other.lower()}"': other, "false": None}.items():
        row = '[networks.many]\nid = "eip155:987652"\nsymbol = "X"\n[networks.many.params]\n'
        file.write_text(f"{row}multicall = {stated}\n")
        multiwallet.load_networks(file, override=True)
        assert multicall_of(multiwallet.network("many")) == contract
    assert multicall_of(multiwallet.network("ethereum")) == MULTICALL3


def test_other_families_answer_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="p2pkh"):
        multiwallet.add_network(
            "coin", id="bip122:" + "5" * 32, symbol="X", decimals=8, slip44=5, params={"p2pkh": "thirty"}
        )


def test_a_family_whose_package_is_missing_does_not_hold_up_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(row: Any) -> Chain:
        raise MissingExtra("it is not installed", extra="evm")

    monkeypatch.setattr(registry, "chain", missing)
    registry._check_family(registry.network("ethereum"))


def test_listing_networks_imports_no_family(tmp_path: Path) -> None:
    """A file that changes endpoints alone is no reason to import one either; one that changes params is."""
    code = (
        "import sys, multiwallet; multiwallet.networks(); multiwallet.network('okt'); "
        "print(*[name for name in sys.modules if name.startswith('multiwallet.chains.')])"
    )
    file = tmp_path / "networks.toml"

    def imported() -> str:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            env={"MULTIWALLET_NETWORKS": str(file), "PATH": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return ended.stdout

    file.write_text('[networks.ethereum]\nendpoints = ["http://127.0.0.1:8545"]\n')
    assert imported().split() == []
    file.write_text('[networks.ethereum]\nparams = {fees = "legacy"}\n')
    assert "multiwallet.chains.evm" in imported()
