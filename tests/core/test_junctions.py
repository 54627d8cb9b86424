"""Junctions: substrate's derivation paths as values, and a password in them that nothing shows."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Wallet
from multiwallet.errors import InvalidPath, MultiwalletError
from multiwallet.path import Junctions, Path, parse_path
from multiwallet.secret import Secret

PASSWORD = "correct horse battery"


def test_text_becomes_junctions():
    path = Junctions("//polkadot/0//a b")
    assert [(step.name, step.is_hard) for step in path.steps] == [("polkadot", True), ("0", False), ("a b", True)]
    assert (str(path), len(path), path.is_hardened_only, path.has_password) == ("//polkadot/0//a b", 3, False, False)
    assert path.parent == Junctions("//polkadot/0")
    assert path == Junctions("//polkadot") / 0 / "/a b" == Junctions().hard("polkadot").soft(0).hard("a b")
    assert hash(path) == hash(Junctions(path))
    assert path != Path("m/0")
    assert Path("m/0") != path
    assert (str(Junctions()), len(Junctions()), Junctions().is_hardened_only) == ("", 0, True)


def test_chain_codes():
    # Text is SCALE: its length times four, then its bytes. sp-core: DeriveJunction; here with values computed by hand.
    codes = {step.name: step.chain_code for step in Junctions("//Alice//0//1/18446744073709551615/0x0102").steps}
    assert codes["Alice"] == b"\x14Alice".ljust(32, b"\0")
    assert codes["0"] == bytes(32)
    assert codes["1"] == b"\x01".ljust(32, b"\0")
    assert codes["18446744073709551615"] == b"\xff" * 8 + bytes(24)
    assert codes["0x0102"] == b"\x01\x02".ljust(32, b"\0")
    (long,) = Junctions("//" + "x" * 32).steps
    assert long.chain_code not in (b"x" * 32, bytes(32))
    assert len(long.chain_code) == 32


def test_parse_path_chooses():
    assert type(parse_path("")) is Junctions
    assert type(parse_path("/soft")) is Junctions
    assert type(parse_path("m/44'/354'/0'")) is Path
    assert type(parse_path([1, 2])) is Path
    path = Junctions("//Alice///pw")
    assert parse_path(path) is path


@pytest.mark.parametrize(
    "text", ["Alice", "//", "/", "//a//", "//a////b", "a//b", "//a\nb", "//a\x00", "m//0", "//\ud800"]
)
def test_what_is_no_path_is_refused(text):
    if text == "//a////b":  # a password that begins with a slash
        assert Junctions(text).has_password
        return
    with pytest.raises(InvalidPath):
        Junctions(text)


@pytest.mark.parametrize("path", ["//" + "9" * 78, "//" + str(1 << 256), "//a" * 65, "/" * 3 + "x" * 1000])
def test_bounds(path):
    with pytest.raises(InvalidPath):
        Junctions(path)


@pytest.mark.parametrize("value", [None, 5, b"//Alice", ["//Alice"]])
def test_other_types_are_refused(value):
    with pytest.raises(InvalidPath):
        Junctions(value)


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_an_invalid_one(text):
    try:
        path = Junctions("/" + text)
    except InvalidPath:
        return
    assert Junctions(str(path)).steps == path.steps


def test_read_as_bip32_it_refuses():
    path = Junctions("//Alice")
    for read in (lambda: path.indexes, lambda: list(path), lambda: Path(path)):
        with pytest.raises(InvalidPath, match="made of numbers"):
            read()


def test_a_path_does_not_change():
    path = Junctions("//Alice")
    with pytest.raises(AttributeError):
        path.steps = ()
    with pytest.raises(InvalidPath):
        path.hard("a/b")
    with pytest.raises(InvalidPath):
        path.soft("")


def test_the_password_is_told_by_nothing():
    path = Junctions(f"//polkadot/0///{PASSWORD}")
    assert path.has_password
    for way in (str, repr, ascii, format, lambda value: repr([value]), lambda value: str(dir(value))):
        assert "horse" not in way(path)
    assert path.password == Secret(PASSWORD.encode())
    assert path != Junctions("//polkadot/0")
    assert path != Junctions("//polkadot/0///another")
    assert path == Junctions(path) == copy.copy(path) == copy.deepcopy(path)
    assert path.parent.password == (path / 7).password == path.password
    with pytest.raises(TypeError, match="password"):
        pickle.dumps(path)
    assert pickle.loads(pickle.dumps(Junctions("//a/b"))) == Junctions("//a/b")  # our own
    for wrong in (f"x///{PASSWORD}", f"//{'9' * 99}///{PASSWORD}", f"/////{PASSWORD}"):
        told = ""
        try:
            Junctions(wrong)
        except InvalidPath as error:
            told = str(error)
        assert "horse" not in told
    with pytest.raises(InvalidPath) as refused:
        list(path)
    assert "horse" not in str(refused.value)


@pytest.mark.parametrize("network", ["ethereum", "bitcoin", "solana", "tron"])
def test_other_families_have_no_junctions(network):
    with Wallet.from_seed(bytes(32)) as wallet:
        for path in ("//Alice", "", Junctions("//0")):
            with pytest.raises(InvalidPath, match="has no junctions"):
                wallet.account(network, path=path)
    with pytest.raises(MultiwalletError):
        Wallet.from_private_key("ethereum", "01" * 32).account("ethereum", path="//Alice")
