"""BIP-32: official vectors, SLIP-132 forms, peers' derivations, the edges of the standard, manners."""

from __future__ import annotations

import copy
import pickle

import pytest
from bip_utils import Bip32Slip10Secp256k1
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec.base58 import decode_check, encode_check
from multiwallet.crypto.secp256k1 import ORDER
from multiwallet.errors import InvalidKey, InvalidPath
from multiwallet.keys import hd
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.versions import VERSIONS, version_named
from multiwallet.path import HARDENED, Path
from multiwallet.secret import Secret

SEED = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
ALL_BUT_NONE = ORDER.to_bytes(32, "big")
INDEXES = st.lists(st.integers(0, 2**32 - 1), max_size=5)


@pytest.fixture
def master():
    return ExtendedKey.from_seed(SEED)


def test_official_vectors(vectors):
    count = 0
    for chain in vectors("bip32_official")["chains"]:
        master = ExtendedKey.from_seed(bytes.fromhex(chain["seed"]))
        for row in chain["keys"]:
            key = master.derive(row["path"])
            assert key.serialize() == row["xprv"]
            assert key.serialize("xpub") == key.public.serialize() == row["xpub"]
            for text in (row["xprv"], row["xpub"]):
                assert ExtendedKey.parse(text).serialize() == text
            assert ExtendedKey.parse(row["xpub"]) == key.public
            count += 1
    assert count == 17


def test_official_invalid_keys(vectors):
    invalid = vectors("bip32_official")["invalid"]
    assert len(invalid) == 16
    for text in invalid:
        with pytest.raises(InvalidKey) as caught:
            ExtendedKey.parse(text)
        assert text not in str(caught.value)


def test_accounts_of_bitcoin_litecoin_and_dogecoin(vectors):
    data = vectors("hd_derivation")
    masters = {name: ExtendedKey.from_seed(bytes.fromhex(seed)) for name, (_, _, seed) in data["seeds"].items()}
    count = 0
    for row in data["rows"]:
        if row["kind"] != "account":
            continue
        account = masters[row["seed"]].derive(row["path"])
        for form, text in row["output"].items():
            assert account.serialize(form) == text
            read = ExtendedKey.parse(text)
            assert read.serialize() == text
            assert read.version.name == form
            assert read.is_private is form.endswith(("prv", "tpv", "gpv"))
            count += 1
    assert count == 192


def test_keys_of_every_chain(vectors):
    data = vectors("hd_derivation")
    masters = {name: ExtendedKey.from_seed(bytes.fromhex(seed)) for name, (_, _, seed) in data["seeds"].items()}
    chains: dict[str, int] = {}
    for row in data["rows"]:
        public = row["output"].get("public_key", "")
        if row["kind"] != "key" or len(public) != 66:
            continue
        path = Path(row["path"])
        key = masters[row["seed"]].derive(path)
        assert key.public_key.hex() == public
        assert key.private_key.hex() == row["output"]["private_key"]
        assert key.key().public_key.hex() == public
        if path.indexes[-1] < HARDENED:
            parent = masters[row["seed"]].derive(path.parent)
            assert next(parent.public.public_keys(path.indexes[-1])).hex() == public
            assert next(parent.private_keys(path.indexes[-1])).expose() == key.private_key
        chains[row["chain"]] = chains.get(row["chain"], 0) + 1
    assert chains == {
        "bitcoin": 144, "litecoin": 48, "dogecoin": 16, "bitcoincash": 16, "ethereum": 12, "bsc": 12, "polygon": 12,
        "tron": 12, "eos": 12, "cosmos": 12, "xrp": 12,
    }  # fmt: skip


@given(st.binary(min_size=16, max_size=64), INDEXES)
def test_agrees_with_bip_utils(seed, indexes):
    peer = Bip32Slip10Secp256k1.FromSeed(seed)
    for index in indexes:
        peer = peer.ChildKey(index)
    key = ExtendedKey.from_seed(seed).derive(indexes)
    assert key.serialize() == peer.PrivateKey().ToExtended()
    assert key.public.serialize() == peer.PublicKey().ToExtended()
    assert key.fingerprint == peer.FingerPrint().ToBytes()
    assert ExtendedKey.parse(key.serialize()) == key


@given(st.lists(st.integers(0, HARDENED - 1), max_size=4), st.integers(0, HARDENED - 4))
def test_both_halves_have_the_same_public_children(indexes, start):
    private = ExtendedKey.from_seed(SEED)
    public = private.public
    key = private.derive(indexes)
    assert public.derive(indexes) == key.public
    expected = [key.child(start + offset).public_key for offset in range(3)]
    assert list(key.public_keys(start, 3)) == list(key.public.public_keys(start, 3)) == expected
    assert [child.public_key for child in key.private_keys(start, 3)] == expected
    hardened = [key.child(HARDENED + start + offset).private_key for offset in range(3)]
    assert [child.expose() for child in key.private_keys(start, 3, hardened=True)] == hardened


def test_forms_say_what_they_stand_for(master):
    account = master.derive("m/84'/0'/0'")
    expected = {"xpub": ("p2pkh", 44), "ypub": ("p2sh-p2wpkh", 49), "zpub": ("p2wpkh", 84), "vpub": ("p2wpkh", 84)}
    for name, (kind, purpose) in expected.items():
        key = ExtendedKey.parse(account.serialize(name))
        assert (key.kind, key.purpose, key.testnet) == (kind, purpose, name == "vpub")
        assert key.child(0).serialize().startswith(name)  # children keep the form
    for name, row in VERSIONS.items():
        partner = version_named(row.partner)
        assert partner.partner == name
        assert partner.is_private is not row.is_private
        assert (partner.kind, partner.purpose, partner.testnet) == (row.kind, row.purpose, row.testnet)
        text = account.serialize(name)
        assert text.startswith(name)
        key = ExtendedKey.parse(text)
        assert key.version is row
        assert key.serialize() == text
        assert key.public.serialize()[:4] == (row.partner if row.is_private else name)
    assert len({row.prefix for row in VERSIONS.values()}) == len(VERSIONS) == 28
    assert ExtendedKey.from_seed(SEED, "tprv").child(0).public.serialize().startswith("tpub")


def test_a_public_key_has_no_private_side(master):
    public = master.public
    assert not public.is_private
    assert not public.closed
    for call in (lambda: public.private_key, public.key, lambda: public.serialize("xprv"), public.private_keys):
        with pytest.raises(InvalidKey, match="public"):
            call()
    for call in (lambda: public.child(HARDENED), lambda: public.derive("m/0/1'")):
        with pytest.raises(InvalidPath, match="hardened"):
            call()
    public.close()
    assert public.child(0).public_key == master.child(0).public_key
    assert public.public == public


def test_ranges_are_checked_before_anything_is_derived(master):
    for start, count in ((-1, 1), (0, -1), (HARDENED, 1), (HARDENED - 1, 2)):
        for call in (master.public_keys, master.private_keys, master.public.public_keys):
            with pytest.raises(InvalidPath, match=r"0 to 2\^31 - 1"):
                call(start, count)
    assert list(master.public_keys(5, 0)) == []
    assert len(list(master.public_keys(HARDENED - 1, 1))) == 1
    for index in (-1, 2**32, "0", None):
        with pytest.raises(InvalidPath):
            master.child(index)


def test_depth_ends_at_255(master):
    key = master.derive([0] * 255)
    assert key.depth == 255
    assert ExtendedKey.parse(key.serialize()) == key
    for call in (lambda: key.child(0), lambda: key.public.child(0), key.public_keys, key.private_keys):
        with pytest.raises(InvalidPath, match="255"):
            call()


@pytest.mark.parametrize("left", [ALL_BUT_NONE, b"\xff" * 32], ids=["n", "all ones"])
@pytest.mark.parametrize("index", [3, 3 + HARDENED])
def test_a_number_without_a_key_says_to_take_the_next(monkeypatch, master, left, index):
    """IL of n or more: one number in 2^127, so the HMAC has to be told."""
    monkeypatch.setattr(hd, "hmac_sha512", lambda *_: left + bytes(32))
    monkeypatch.setattr(hd, "hmac_sha512_with", lambda *_: lambda _: left + bytes(32))
    refuse_child(master, index)


@pytest.mark.parametrize("index", [3, 3 + HARDENED])
def test_a_child_of_zero_says_to_take_the_next(monkeypatch, master, index):
    """IL that cancels the parent: the child would be zero, or the point at infinity."""
    cancel = (ORDER - int.from_bytes(master.private_key, "big")).to_bytes(32, "big")
    monkeypatch.setattr(hd, "hmac_sha512", lambda *_: cancel + bytes(32))
    monkeypatch.setattr(hd, "hmac_sha512_with", lambda *_: lambda _: cancel + bytes(32))
    refuse_child(master, index)


def refuse_child(master: ExtendedKey, index: int) -> None:
    calls = [lambda: master.child(index)]
    if index < HARDENED:
        calls += [
            lambda: master.public.child(index),
            lambda: list(master.public.public_keys(index)),
            lambda: list(master.private_keys(index)),
        ]
    else:
        calls.append(lambda: list(master.private_keys(index - HARDENED, hardened=True)))
    for call in calls:
        with pytest.raises(InvalidPath, match=rf"child 3{chr(39) if index >= HARDENED else ''} has no key.*next index"):
            call()


@pytest.mark.parametrize("left", [bytes(32), ALL_BUT_NONE], ids=["zero", "n"])
def test_a_seed_without_a_master_key(monkeypatch, left):
    monkeypatch.setattr(hd, "hmac_sha512", lambda *_: left + bytes(32))
    with pytest.raises(InvalidKey, match="another seed"):
        ExtendedKey.from_seed(SEED)


@pytest.mark.parametrize("size", [0, 15, 65, 128])
def test_seeds_of_other_lengths(size):
    with pytest.raises(InvalidKey, match="16 to 64 bytes"):
        ExtendedKey.from_seed(bytes(size))


def test_a_seed_may_be_a_secret(master):
    assert ExtendedKey.from_seed(Secret(SEED)) == master == ExtendedKey.from_seed(bytearray(SEED))
    with pytest.raises(TypeError, match="seed is bytes"):
        ExtendedKey.from_seed(SEED.hex())


@given(st.text(max_size=120))
def test_parse_fed_text(text):
    with pytest.raises(InvalidKey):
        ExtendedKey.parse(text)


@given(st.binary(max_size=90), st.sampled_from(sorted(VERSIONS)))
def test_parse_fed_garbage_with_a_right_checksum(data, name):
    text = encode_check(VERSIONS[name].prefix + data)
    try:
        assert ExtendedKey.parse(text).serialize() == text
    except InvalidKey:
        return


@given(st.integers(0, 77), st.integers(1, 255))
def test_parse_fed_a_changed_key(place, change):
    for whole in (ExtendedKey.from_seed(SEED).derive("m/1/2"), ExtendedKey.from_seed(SEED).public):
        data = bytearray(decode_check(whole.serialize()))
        data[place] ^= change
        text = encode_check(bytes(data))
        try:
            key = ExtendedKey.parse(text)
        except InvalidKey:
            continue
        assert key.serialize() == text
        assert key != whole


def test_unknown_forms_and_texts(master):
    for name in ("", "xprvx", "apub"):
        with pytest.raises(InvalidKey, match="no extended key of the form"):
            master.serialize(name)
    for wrong, message in ((None, "text"), ("x" * 1000, "111 characters"), (b"xpub", "text")):
        with pytest.raises(InvalidKey, match=message):
            ExtendedKey.parse(wrong)
    with pytest.raises(TypeError, match="from_seed"):
        ExtendedKey()


def test_manners(master):
    secret = master.private_key.hex()
    xprv = master.serialize()
    assert repr(master) == str(master) == "ExtendedKey(private, depth 0, fingerprint 3442193e)"
    assert repr(master.public) == "ExtendedKey(public, depth 0, fingerprint 3442193e)"
    for attempt in (
        lambda: f"{master}", lambda: f"{master:s}", lambda: hash(master), lambda: {master}, lambda: bytes(master),
        lambda: pickle.dumps(master), lambda: copy.copy(master), lambda: copy.deepcopy(master), lambda: vars(master),
    ):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            attempt()
        assert secret not in str(caught.value)
        assert xprv not in str(caught.value)
    shown = "".join(repr(getattr(master, name)) for name in ExtendedKey.__slots__ if name != "__weakref__")
    assert repr(master.private_key) not in shown
    assert master != xprv


def test_closing_wipes(master):
    buffer = master._secret._buffer
    with master:
        child = master.child(0)
    assert master.closed
    assert not any(buffer)
    for call in (lambda: master.child(0), lambda: master.child(HARDENED), master.key, master.serialize):
        with pytest.raises(InvalidKey, match="wiped"):
            call()
    assert child.child(0)
    fresh = ExtendedKey.from_seed(SEED)
    fresh.close()
    assert repr(fresh) == "ExtendedKey(wiped)"
