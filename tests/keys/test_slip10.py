"""SLIP-10: official vectors, peers' derivations, bip_utils on random paths, and the retry rule."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from bip_utils import Bip32Slip10Ed25519
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.crypto.secp256k1 import ORDER, public_key
from multiwallet.errors import InvalidKey, InvalidPath
from multiwallet.keys import slip10
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.slip10 import ed25519_from_seed, secp256k1_from_seed
from multiwallet.path import HARDENED, Path
from multiwallet.secret import Secret

SEED = bytes.fromhex("000102030405060708090a0b0c0d0e0f")


@pytest.mark.parametrize(
    ("curve", "derive", "chains", "keys"),
    [("ed25519", ed25519_from_seed, 2, 12), ("secp256k1", secp256k1_from_seed, 3, 14)],
)
def test_official_vectors(vectors, curve, derive, chains, keys):
    data = vectors("slip10_official")[curve]
    assert (len(data), sum(len(chain["keys"]) for chain in data)) == (chains, keys)
    for chain in data:
        for row in chain["keys"]:
            private, chain_code = derive(bytes.fromhex(chain["seed"]), row["path"])
            assert private.hex() == row["private_key"]
            assert chain_code.hex() == row["chain_code"]
            public = public_key(private) if curve == "secp256k1" else Ed25519Key(private).public_key
            assert public.hex() == row["public_key"]


def test_ed25519_keys_of_every_chain(vectors):
    data = vectors("hd_derivation")
    count = 0
    for row in data["rows"]:
        if not row["scheme"].startswith(("slip10-ed25519", "solana-")):
            continue
        private, _ = ed25519_from_seed(bytes.fromhex(data["seeds"][row["seed"]][2]), row["path"])
        assert private.hex() == row["output"]["private_key"]
        if "public_key" in row["output"]:
            assert Ed25519Key(private).public_key.hex() == row["output"]["public_key"]
        count += 1
    assert count == 48


@given(st.binary(min_size=16, max_size=64), st.lists(st.integers(HARDENED, 2**32 - 1), max_size=5))
def test_ed25519_agrees_with_bip_utils(seed, indexes):
    peer = Bip32Slip10Ed25519.FromSeed(seed)
    for index in indexes:
        peer = peer.ChildKey(index)
    private, chain_code = ed25519_from_seed(seed, indexes)
    assert private == peer.PrivateKey().Raw().ToBytes()
    assert chain_code == peer.ChainCode().ToBytes()
    assert ed25519_from_seed(Secret(seed), Path(indexes)) == (private, chain_code)


@given(st.binary(min_size=16, max_size=64), st.lists(st.integers(0, 2**32 - 1), max_size=4))
def test_secp256k1_agrees_with_bip32(seed, indexes):
    key = ExtendedKey.from_seed(seed).derive(indexes)
    assert secp256k1_from_seed(seed, indexes) == (key.private_key, key.chain_code)


@pytest.mark.parametrize("path", ["m/0", "m/44'/501'/0", "m/44/501'/0'"])
def test_ed25519_has_hardened_steps_only(path):
    with pytest.raises(InvalidPath, match="hardened steps only"):
        ed25519_from_seed(SEED, path)


@pytest.mark.parametrize("derive", [ed25519_from_seed, secp256k1_from_seed])
def test_seeds_of_other_lengths(derive):
    for size in (0, 15, 65):
        with pytest.raises(InvalidKey, match="16 to 64 bytes"):
            derive(bytes(size))
    with pytest.raises(TypeError, match="seed is bytes"):
        derive("00" * 16)


class Scripted:
    """HMAC-SHA-512 that answers wrongly at first, and remembers what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, key: bytes, data: bytes) -> bytes:
        self.asked.append((key, data))
        return self.answers.pop(0) if self.answers else hmac.new(key, data, hashlib.sha512).digest()


def test_secp256k1_hashes_again_where_a_seed_has_no_key(monkeypatch):
    first, second = bytes(32) + b"a" * 32, ORDER.to_bytes(32, "big") + b"b" * 32
    asked = Scripted(first, second)
    monkeypatch.setattr(slip10, "hmac_sha512", asked)
    private, chain_code = secp256k1_from_seed(SEED)
    assert asked.asked == [(b"Bitcoin seed", SEED), (b"Bitcoin seed", first), (b"Bitcoin seed", second)]
    assert private + chain_code == hmac.new(b"Bitcoin seed", second, hashlib.sha512).digest()


@pytest.mark.parametrize("index", [5, HARDENED + 5])
def test_secp256k1_hashes_again_where_a_child_has_no_key(monkeypatch, index):
    master, code = secp256k1_from_seed(SEED)
    too_large = b"\xff" * 32 + b"a" * 32
    cancels = (ORDER - int.from_bytes(master, "big")).to_bytes(32, "big") + b"b" * 32
    asked = Scripted(master + code, too_large, cancels)
    monkeypatch.setattr(slip10, "hmac_sha512", asked)
    private, chain_code = secp256k1_from_seed(SEED, [index])
    number = index.to_bytes(4, "big")
    data = (public_key(master) if index < HARDENED else b"\0" + master) + number
    retries = [(code, data), (code, b"\x01" + b"a" * 32 + number), (code, b"\x01" + b"b" * 32 + number)]
    assert asked.asked[1:] == retries
    digest = hmac.new(*retries[-1], hashlib.sha512).digest()
    total = (int.from_bytes(master, "big") + int.from_bytes(digest[:32], "big")) % ORDER
    assert (private, chain_code) == (total.to_bytes(32, "big"), digest[32:])
