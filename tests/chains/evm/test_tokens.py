"""Token calls and contract answers, held against eth-abi."""

from __future__ import annotations

import eth_abi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet.chains.evm import tokens
from multiwallet.codec import abi, eip55


def test_selectors_are_the_hashes_of_their_signatures() -> None:
    for selector, signature in tokens._KNOWN.items():
        assert abi.selector(signature) == selector
    for selector, signature in (
        (tokens.SYMBOL, "symbol()"),
        (tokens.DECIMALS, "decimals()"),
        (tokens.BALANCE_OF, "balanceOf(address)"),
    ):
        assert abi.selector(signature) == selector


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**256 - 1))
def test_transfer_as_eth_abi(to: bytes, units: int) -> None:
    call = tokens.transfer_call(to, units)
    assert call[4:] == eth_abi.encode(["address", "uint256"], [to, units])
    assert tokens.decode_call(call) == tokens.TokenCall("transfer(address,uint256)", (eip55.checksum(to), units))
    assert tokens.decode_call(call + b"\0") is None
    assert tokens.decode_call(call[:-1]) is None
    assert tokens.decode_call(call[:5] + b"\x01" + call[6:]) is None  # an address with something before it


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_no_call(data: bytes) -> None:
    for selector in tokens._KNOWN:
        found = tokens.decode_call(selector + data)
        assert found is None or len(data) % 32 == 0
    tokens.decode_symbol(data)
    tokens.revert_reason("0x" + data.hex())


@pytest.mark.parametrize(
    ("answer", "symbol"),
    [
        (eth_abi.encode(["string"], ["USDT"]), "USDT"),
        (eth_abi.encode(["string"], ["USD₮0"]), "USD₮0"),
        (b"MKR".ljust(32, b"\0"), "MKR"),
        (eth_abi.encode(["string"], ["A\x1b[2J\u202eB\n"]), "A[2JB"),
        (eth_abi.encode(["string"], ["X" * 5000]), "X" * 32),
        (eth_abi.encode(["string"], [""]), None),
        (bytes(32), None),
        (b"", None),
        (b"\xff" * 32, None),
        (b"\xff" * 96, None),
    ],
    ids=range(10),
)
def test_symbols(answer: bytes, symbol: str | None) -> None:
    assert tokens.decode_symbol(answer) == symbol


def test_reasons() -> None:
    error = "0x08c379a0" + eth_abi.encode(["string"], ["ERC20: too little"]).hex()
    assert tokens.revert_reason(error) == "ERC20: too little"
    assert tokens.revert_reason({"data": error}) == "ERC20: too little"
    assert tokens.revert_reason("Reverted " + error) == "ERC20: too little"
    panic = "0x4e487b71" + eth_abi.encode(["uint256"], [0x11]).hex()
    assert tokens.revert_reason(panic) == "Panic(0x11): arithmetic overflow or underflow"
    assert "0xdeadbeef" in str(tokens.revert_reason("0xdeadbeef" + "00" * 32))
    for nothing in (None, 5, "", "0x", "0x01", "nonsense", {}, {"data": 5}, "0x08c379a0"):
        assert tokens.revert_reason(nothing) is None
