"""The network table: names, files, environment, and what a wrong row says."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Wallet, add_network, network, networks, registry
from multiwallet.errors import InputError, MultiwalletError, UnknownNetwork, Unsupported

GOOD = {"id": '"eip155:990001"', "symbol": '"ZZ"', "decimals": "18"}


@pytest.fixture(autouse=True)
def own_table() -> Iterator[None]:
    """Each test has a fresh table, and leaves none of its rows behind."""
    registry._load_table.cache_clear()
    yield
    registry._load_table.cache_clear()


def write(folder: Path, text: str | bytes, name: str = "networks.toml") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def table(name: str = "zz", /, **fields: str) -> str:
    return f"[networks.{name}]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items())


def test_every_name_alias_and_id_leads_to_its_row() -> None:
    for row in networks():
        for name in (row.name, row.id, *row.aliases, row.name.upper()):
            assert network(name) == row
        assert network(row) is row
        assert all(alias == alias.lower() for alias in row.aliases)
    names = [name for row in networks() for name in (row.name, row.id, *row.aliases)]
    assert len(set(names)) == len(names)


@given(st.one_of(st.text(max_size=80), st.integers(), st.none(), st.binary(max_size=9)))
def test_any_other_name_is_unknown(name: object) -> None:
    try:
        found = network(name)  # type: ignore[arg-type]  # on purpose
    except UnknownNetwork:
        return
    assert str(name).lower() in {found.name, *found.aliases, found.id.lower()}


def test_an_unknown_name_says_what_is_near_or_how_to_add_it() -> None:
    with pytest.raises(UnknownNetwork, match="did you mean ethereum"):
        network("etherium")
    with pytest.raises(UnknownNetwork, match=r'add_network\("my-network", id="eip155:987654321"'):
        network("eip155:987654321")
    with pytest.raises(UnknownNetwork) as caught:
        network("a" * 3_000_000)
    assert len(str(caught.value)) < 300


def test_a_network_file_adds_its_rows(tmp_path: Path) -> None:
    file = write(tmp_path, table(**GOOD, aliases='["zed"]', endpoints='["http://127.0.0.1:1"]', testnet="true"))
    (row,) = registry.load_networks(file)
    assert network("zed") == network("ZZ") == network("eip155:990001") == row
    assert (row.family, row.slip44, row.title, row.testnet, row.status) == ("evm", 60, "zz", True, "active")
    assert Wallet.from_seed(bytes(32)).account("zed").address == Wallet.from_seed(bytes(32)).account("ethereum").address
    with pytest.raises(InputError, match="already"):
        registry.load_networks(file)
    assert registry.load_networks(file, override=True) == [row]
    with pytest.raises(TypeError):
        row.params["x"] = 1  # type: ignore[index]  # rows are shared and read-only


WRONG: dict[str, tuple[str, ...]] = {
    "id": ('""', '"eip155"', '"eip155:"', '"eip155:0"', '"eip155:01"', '"eip155:-1"', '"eip155:١"', '"bip122:5"', "1"),
    "symbol": ('""', "5", '["ZZ"]', r'"Z\nZ"', r'"Z\u001b[2K"', r'"\u202eZ"'),
    "decimals": ("-1", "37", "18.0", '"18"', "true", "[]", "9" * 5000),
    "family": ('"nonsense"', '"bitcoin"', '"tron"', "5", '["evm"]', "{}"),
    "title": ("5", r'"a\nb"'),
    "aliases": ('"zed"', "5", "[5]", '["Ethereum"]', '["eip155:1"]', '["eip155:990002"]', '[""]', '["ethereum"]', "{}"),
    "endpoints": ('"http://x"', "5", "[5]", "{}"),
    "explorer": ("5", "[]"),
    "testnet": ('"false"', "0", "1", "[]"),
    "status": ('"derive_only"', '"Active"', '""', "5", "[]"),
    "note": ("5",),
    "slip44": ("-1", '"60"', "60.0", "true"),
    "params": ("5", '"x"', "[]"),
    "name": ('"zz"',),
    "chain_id": ("1",),
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in WRONG.items() for v in vs], ids=lambda v: v[:24])
def test_a_row_that_is_wrong_in_one_field_is_refused_and_named(tmp_path: Path, field: str, value: str) -> None:
    file = write(tmp_path, table(**{**GOOD, field: value}))
    with pytest.raises(InputError) as caught:
        registry.load_networks(file)
    assert len(str(caught.value)) < 400 + len(str(file))
    with pytest.raises(UnknownNetwork):
        network("zz")


@pytest.mark.parametrize("missing", [key for key in GOOD if key != "decimals"])  # 18 for EVM
def test_a_row_without_what_it_needs_is_refused(tmp_path: Path, missing: str) -> None:
    fields = {key: value for key, value in GOOD.items() if key != missing}
    with pytest.raises(InputError, match=missing):
        registry.load_networks(write(tmp_path, table(**fields)))


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        b"x = " + b"[" * 100_000,
        b"x = " + b"{a=" * 100_000,
        b".".join([b"a"] * 5_000) + b" = 1",
        b"[network.zz]\nid = 'eip155:5555'\nsymbol = 'Z'\ndecimals = 18",
        b"networks = 5",
        b"networks = [1]",
        b'networks = "x"',
        b"[networks]\nzz = 5",
        b"family = 5\n[networks.zz]\nid = 'eip155:5555'",
        b"[networks.ZZ]",
        b'[networks."z z"]',
        b'[networks.""]',
        b"[networks.zz]\n[networks.zz]",
        b"[",
        b"\0",
        b"#" * (5 * 2**20),
    ],
    ids=lambda text: repr(text[:24]),
)
def test_a_hostile_file_is_an_input_error(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(InputError):
        registry.load_networks(write(tmp_path, text))


@given(st.text(max_size=60))
def test_any_text_is_a_file_or_an_input_error(text: str) -> None:
    try:
        registry._read_rows(text, "the file")
    except InputError:
        return


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name in (tmp_path, tmp_path / "none.toml", "a\0b"):
        with pytest.raises(InputError):
            registry.load_networks(name)


def test_a_file_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    before = networks()
    second = table("zy", **{**GOOD, "id": '"eip155:1"'})
    with pytest.raises(InputError, match="already"):
        registry.load_networks(write(tmp_path, table(**GOOD) + second))
    assert networks() == before


@pytest.mark.parametrize(
    "asked",
    [
        {"id": 5},
        {"name": 5},
        {"name": "No Name"},
        {"symbol": None},
        {"endpoints": 5},
        {"endpoints": [5]},
        {"aliases": 5},
        {"decimals": 1.5},
        {"family": "nonsense", "slip44": 1, "decimals": 1},
        {"id": "bip122:00", "slip44": 0},
        {"id": "eip155:1"},
        {"name": "ethereum"},
        {"aliases": ["eth"]},
        {"id": "eip155:137", "name": "ethereum", "override": True},
        {"colour": "red"},
    ],
    ids=str,
)
def test_add_network_refuses_with_an_input_error(asked: dict[str, Any]) -> None:
    before = networks()
    fields = {"name": "zz", "id": "eip155:990001", "symbol": "ZZ", **asked}
    with pytest.raises(InputError):
        add_network(fields.pop("name"), **fields)
    assert networks() == before


def test_override_replaces_a_row_and_its_old_names() -> None:
    add_network("zz", id="eip155:990001", symbol="ZZ", aliases=["old"])
    add_network("zz", id="eip155:990002", symbol="ZZ", aliases=["new"], override=True)
    assert network("new").id == network("zz").id == "eip155:990002"
    for gone in ("old", "eip155:990001"):
        with pytest.raises(UnknownNetwork):
            network(gone)


def test_files_named_in_the_environment_add_and_override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path, table(**GOOD), "a.toml")
    second = write(
        tmp_path, table("ethereum", id='"eip155:1"', symbol='"ETH"', decimals="18", title='"Mine"'), "b.toml"
    )
    monkeypatch.setenv("MULTIWALLET_NETWORKS", os.pathsep.join(["", str(first), str(second), ""]))
    assert network("zz").id == "eip155:990001"
    assert network("eip155:1").title == "Mine"
    with pytest.raises(UnknownNetwork):
        network("eth")  # the row in the file has no aliases


def test_a_wrong_file_in_the_environment_is_said_at_every_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "missing.toml"
    monkeypatch.setenv("MULTIWALLET_NETWORKS", str(file))
    for _ in range(2):
        with pytest.raises(InputError, match="missing.toml"):
            network("ethereum")
    write(tmp_path, table(**GOOD), "missing.toml")
    assert network("zz").symbol == "ZZ"


def test_endpoints_in_the_environment_replace_those_of_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = network("bitcoin-testnet").endpoints
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_BITCOIN_TESTNET", " http://127.0.0.1:1 ,, http://127.0.0.1:2,")
    expected = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert network("bitcoin-testnet").endpoints == network("testnet3").endpoints == expected
    assert next(row for row in networks() if row.name == "bitcoin-testnet").endpoints == expected
    seed = bytes(32)
    assert Wallet.from_seed(seed).account("bitcoin-testnet").network.endpoints == expected
    # What the program says itself goes before the environment.
    own = Wallet.from_seed(seed, endpoints={"testnet3": "http://127.0.0.1:3"})
    assert own.account("bitcoin-testnet").network.endpoints == ("http://127.0.0.1:3",)
    for empty in ("", " , "):
        monkeypatch.setenv("MULTIWALLET_ENDPOINTS_BITCOIN_TESTNET", empty)
        assert network("bitcoin-testnet").endpoints == usual


@pytest.mark.parametrize("wrong", [None, 5, [None], {"http://x": 1}, {"http://x"}], ids=str)
def test_endpoints_of_a_wallet_are_texts(wrong: object) -> None:
    with pytest.raises(InputError, match="endpoints of 'ethereum'"):
        Wallet.from_seed(bytes(32), endpoints={"ethereum": wrong})  # type: ignore[dict-item]  # on purpose


def test_a_bitcoin_like_row_that_says_too_little_gives_errors_of_the_tree(tmp_path: Path) -> None:
    fields = {"id": '"bip122:00ff"', "symbol": '"ZZ"', "decimals": "8", "slip44": "0"}
    registry.load_networks(write(tmp_path, table(**fields)))
    for call in (
        lambda: Wallet.from_seed(bytes(32)).account("zz"),
        lambda: Wallet.from_private_key("zz", "KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d"),
    ):
        with pytest.raises(MultiwalletError):
            call()
    registry.load_networks(write(tmp_path, table(**fields, params="{p2pkh = 30, p2sh = 22}")), override=True)
    account = Wallet.from_private_key("zz", "11" * 32).account("zz", kind="p2pkh")
    with pytest.raises(Unsupported, match="wif"):
        account.export_private_key()


def test_threads_that_look_first_all_see_one_table() -> None:
    start, tables = threading.Barrier(8), []

    def look() -> None:
        start.wait(10)
        tables.append(registry._table())

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tables) == 8
    assert len({id(found) for found in tables}) == 1


def test_a_file_may_change_the_endpoints_of_a_row_alone(tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    file.write_text('[networks.ethereum]\nendpoints = ["http://127.0.0.1:1"]\n')
    code = (
        "import multiwallet, sys\n"
        "row = multiwallet.network('eth')\n"
        "print(row.id, row.endpoints, row.symbol, row.explorer, dict(row.params))"
    )
    import os
    import subprocess
    import sys

    environment = {**os.environ, "MULTIWALLET_NETWORKS": str(file)}
    changed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "('http://127.0.0.1:1',)" in changed.stdout
    mine, theirs = changed.stdout.split(")", 1)[1], plain.stdout.split(")", 1)[1]
    assert mine == theirs
    with pytest.raises(InputError, match="already"):
        registry.load_networks(file)
    file.write_text('[networks.unheard-of]\nendpoints = ["http://127.0.0.1:1"]\n')
    with pytest.raises(InputError, match="CAIP-2"):
        registry.load_networks(file, override=True)


def test_changing_a_row_in_one_call_keeps_the_rest_of_it():
    before = registry.network("bitcoin")
    changed = registry.add_network(
        "bitcoin", id=before.id, symbol="BTC", decimals=8, endpoints=["http://127.0.0.1:1"], override=True
    )
    assert changed.endpoints == ("http://127.0.0.1:1",)
    assert (changed.params, changed.aliases, changed.explorer) == (before.params, before.aliases, before.explorer)
    assert registry.network("btc").endpoints == changed.endpoints


def test_a_row_of_an_evm_network_may_leave_its_decimals_out(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[networks.mine]\nid = "eip155:987654"\nsymbol = "MINE"\nendpoints = ["http://127.0.0.1:1"]\n')
    (row,) = registry.load_networks(file)
    assert row.decimals == 18
