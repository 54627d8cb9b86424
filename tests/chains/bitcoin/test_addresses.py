"""Addresses against the verdicts of peers, and the reasons for refusing one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.bitcoin import addresses
from multiwallet.chains.bitcoin.script import (
    data_of,
    kind_of,
    multisig_of,
    op_return,
    p2sh,
    p2wsh,
    push,
    pushes_of,
    script_for_key,
)
from multiwallet.crypto.secp256k1 import SecpKey, decompress
from multiwallet.errors import InputError, InvalidAddress, InvalidKey, Unsupported
from multiwallet.path import Path
from multiwallet.registry import network

KEY = SecpKey(b"\x07" * 32).public_key


def test_the_verdicts_of_peers(vectors):
    entries = vectors("btc_addresses")
    judged = {"valid": 0, "invalid": 0}
    for entry in entries:
        row = network(entry["chain"])
        if entry["expect"] == "peer-dependent":
            assert "witness" in entry["reason"] or "program" in entry["reason"]
            with pytest.raises(InvalidAddress, match="could be taken by anyone"):
                addresses.parse(row, entry["address"])
            continue
        judged[entry["expect"]] += 1
        if entry["expect"] == "valid":
            canonical = addresses.parse(row, entry["address"])
            assert canonical == entry["address"].lower() or canonical == entry["address"]
            assert addresses.address_of(row, addresses.script_of(row, canonical)) == canonical
        else:
            with pytest.raises(InvalidAddress):
                addresses.parse(row, entry["address"])
    assert judged["valid"] >= 15
    assert judged["invalid"] >= 60


@pytest.mark.parametrize(
    ("row", "text", "reason"),
    [
        ("bitcoin-testnet", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA", "an address of Bitcoin, not of Bitcoin Testnet"),
        ("bitcoin", "mkpZhYtJu2r87Js3pDiWJDmPte2NRZ8bJV", "a Bitcoin test network, not of Bitcoin"),
        ("bitcoin", "tb1q6rz28mcfaxtmd6v789l9rrlrusdprr9pqcpvkl", "Bitcoin test networks"),
        ("bitcoin", "ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh", "Litecoin"),
        ("litecoin", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA", "an address of Bitcoin, not of Litecoin"),
        ("bitcoin", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "TRON"),
        ("bitcoin", "BC1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "mixed"),
        ("bitcoin", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyz", "checksum"),
        ("bitcoin", "bc1p8wpt9v4frpf3tkn0srd97pksgsxc5hs52lafxwru9kgeephvs7rqlqt9zj", "checksum"),
        ("bitcoin", "5KJvsngHeMpm884wtkJNzQGaCErckhHJBGFsvd3VyK5qMZXj3hS", "private key"),
        ("bitcoin", "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k", "private key"),
        ("bitcoin", "0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "Ethereum"),
        ("bitcoin", "", "empty"),
        ("bitcoin", "１LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA", "character that no address has"),
    ],
)
def test_reasons(row, text, reason):
    with pytest.raises(InvalidAddress, match=reason) as caught:
        addresses.parse(network(row), text)
    assert not text or len(text) < 50 or text not in str(caught.value)


def test_a_private_key_is_never_repeated():
    right = "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k"
    for wif in (right, right[:-1] + "j"):
        with pytest.raises(InvalidAddress) as caught:
            addresses.parse(network("bitcoin"), wif)
        assert wif[:12] not in str(caught.value)


def test_litecoin_reads_its_old_p2sh_form_and_writes_the_new():
    row = network("litecoin")
    script = p2sh(b"\x51")
    new = addresses.address_of(row, script)
    assert new is not None
    assert new[0] == "M"
    old = addresses.address_of(network("bitcoin"), script)
    assert old is not None
    assert old[0] == "3"
    assert addresses.parse(row, old) == new


def test_bip84_and_bip86_first_addresses(adapter, bitcoin):
    """BIP-84 and BIP-86, "Test vectors": account 0, first receiving address."""
    key = bytes.fromhex("0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c")
    assert adapter.address(bitcoin, key, "p2wpkh") == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    key = bytes.fromhex("03cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115")
    expected = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    assert adapter.address(bitcoin, key, "p2tr") == expected
    # BIP-49, on the test network
    key = bytes.fromhex("03a1af804ac108a8a51782198c2d034b28bf90c8803f5a53f76276fa69a4eae77f")
    assert adapter.address(network("bitcoin-testnet"), key, "p2sh-p2wpkh") == "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"


def test_addresses_of_all_kinds_agree_with_bip_utils(adapter, bitcoin):
    bip_utils = pytest.importorskip("bip_utils", reason="bip-utils is not installed")
    rnd = random.Random(1)
    for row, hrp, p2pkh, p2sh_version in (
        (bitcoin, "bc", b"\x00", b"\x05"),
        (network("litecoin"), "ltc", b"\x30", b"\x32"),
        (network("bitcoin-testnet"), "tb", b"\x6f", b"\xc4"),
    ):
        for _ in range(20):
            key = SecpKey(rnd.randbytes(32)).public_key
            assert adapter.address(row, key, "p2pkh") == bip_utils.P2PKHAddrEncoder.EncodeKey(key, net_ver=p2pkh)
            assert adapter.address(row, key, "p2wpkh") == bip_utils.P2WPKHAddrEncoder.EncodeKey(key, hrp=hrp)
            assert adapter.address(row, key, "p2tr") == bip_utils.P2TRAddrEncoder.EncodeKey(key, hrp=hrp)
            wrapped = bip_utils.P2SHAddrEncoder.EncodeKey(key, net_ver=p2sh_version)
            assert adapter.address(row, key, "p2sh-p2wpkh") == wrapped


def test_uncompressed_keys_have_one_kind(adapter, bitcoin):
    old = decompress(KEY)
    assert adapter.address(bitcoin, old) == adapter.address(bitcoin, old, "p2pkh")
    assert adapter.address(bitcoin, old) != adapter.address(bitcoin, KEY, "p2pkh")
    for kind in ("p2wpkh", "p2tr", "p2sh-p2wpkh"):
        with pytest.raises(InvalidKey, match="uncompressed"):
            adapter.address(bitcoin, old, kind)
    for key in (b"", KEY[:32], KEY + b"\0"):
        with pytest.raises(InvalidKey):
            adapter.address(bitcoin, key, "p2pkh")
    with pytest.raises(Unsupported):
        adapter.address(bitcoin, KEY, "p2wsh")


def test_a_network_without_segwit_has_old_addresses_only(adapter, bitcoin):
    params = {"p2pkh": 0x1E, "p2sh": 0x16, "coin_type": 3}
    dogecoin = replace(bitcoin, id="bip122:1a91e3dace36e2be3bf030a65679fe82", title="Dogecoin", params=params)
    assert adapter.address(dogecoin, KEY)[0] == "D"
    assert str(adapter.path(dogecoin, account=0, index=1, kind="")) == "m/44'/3'/0'/0/1"
    with pytest.raises(Unsupported, match="its kinds are p2pkh"):
        adapter.address(dogecoin, KEY, "p2wpkh")
    with pytest.raises(InvalidAddress):
        adapter.parse_address(dogecoin, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu")


def test_paths(adapter, bitcoin):
    for kind, purpose in (("", 84), ("p2wpkh", 84), ("p2tr", 86), ("p2sh-p2wpkh", 49), ("p2pkh", 44)):
        account = adapter.path(bitcoin, account=2, index=None, kind=kind)
        assert account == Path(f"m/{purpose}'/0'/2'")
        assert adapter.path(bitcoin, account=2, index=5, kind=kind) == account / 0 / 5
    assert adapter.path(network("bitcoin-regtest"), account=0, index=0, kind="") == Path("m/84'/1'/0'/0/0")
    assert adapter.path(network("litecoin"), account=0, index=0, kind="") == Path("m/84'/2'/0'/0/0")


@given(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))
def test_every_standard_script_has_one_address(short, long):
    row = network("bitcoin")
    scripts = [
        b"\x76\xa9\x14" + short + b"\x88\xac",
        b"\xa9\x14" + short + b"\x87",
        b"\x00\x14" + short,
        b"\x00\x20" + long,
        b"\x51\x20" + long,  # on the curve or not: Bitcoin Core pays it, and so do we
    ]
    for script in scripts:
        address = addresses.address_of(row, script)
        assert address is not None
        assert addresses.script_of(row, address) == script
        assert addresses.parse(row, address.upper() if address.startswith("bc1") else address) == address


@given(st.text(max_size=120))
def test_any_text_is_an_address_or_refused(text):
    for row in ("bitcoin", "litecoin", "bitcoin-regtest"):
        try:
            addresses.parse(network(row), text)
        except InvalidAddress:
            continue


@given(st.binary(max_size=600))
def test_scripts_of_garbage(data):
    assert kind_of(data) in ("p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr", "op_return", "unknown")
    addresses.address_of(network("bitcoin"), data)
    multisig_of(data)
    pushes_of(data)
    data_of(b"\x6a" + data)
    assert pushes_of(push(data)) == [data]


def test_multisig_scripts_are_read_strictly():
    keys = [SecpKey(bytes([n]) * 32).public_key for n in (1, 2, 3)]
    script = b"\x52" + b"".join(push(key) for key in keys) + b"\x53\xae"
    assert multisig_of(script) == (2, tuple(keys))
    for wrong in (
        script[:-1],
        b"\x54" + script[1:],
        script[:-2] + b"\x52\xae",
        script[:40] + script[41:],
        b"\x51\x51\xae",
    ):
        assert multisig_of(wrong) is None
    assert kind_of(p2wsh(script)) == "p2wsh"


def test_memos():
    assert data_of(op_return(b"x" * 80)) == b"x" * 80
    assert data_of(b"\x6a\x51") is None
    assert data_of(script_for_key("p2pkh", KEY)) is None
    with pytest.raises(InputError, match="80"):
        op_return(b"x" * 81)
