"""SLIP-10: official vectors, peers' derivations, bip_utils on random paths, and the retry rule."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from bip_utils import Bip32Slip10Ed25519, Bip32Slip10Nist256p1
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto import secp256r1
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.crypto.secp256k1 import ORDER, public_key
from multiwallet.errors import InvalidKey, InvalidPath
from multiwallet.keys import slip10
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.slip10 import ed25519_from_seed, secp256k1_from_seed, secp256r1_from_seed
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


# SLIP-10, "Test vector 1 for nist256p1", "Test derivation retry for nist256p1", "Test seed retry for nist256p1" and the
# master key of "Test vector 2 for nist256p1": seed, path, private key, chain code, and the public key where it is named.
NIST256P1 = """
000102030405060708090a0b0c0d0e0f m 612091aaa12e22dd2abef664f8a01a82cae99ad7441b7ef8110424915c268bc2 \
  beeb672fe4621673f722f38529c07392fecaa61015c80c34f29ce8b41b3cb6ea \
  0266874dc6ade47b3ecd096745ca09bcd29638dd52c2c12117b11ed3e458cfa9e8
000102030405060708090a0b0c0d0e0f m/0' 6939694369114c67917a182c59ddb8cafc3004e63ca5d3b84403ba8613debc0c \
  3460cea53e6a6bb5fb391eeef3237ffd8724bf0a40e94943c98b83825342ee11 \
  0384610f5ecffe8fda089363a41f56a5c7ffc1d81b59a612d0d649b2d22355590c
000102030405060708090a0b0c0d0e0f m/0'/1 284e9d38d07d21e4e281b645089a94f4cf5a5a81369acf151a1c3a57f18b2129 \
  4187afff1aafa8445010097fb99d23aee9f599450c7bd140b6826ac22ba21d0c \
  03526c63f8d0b4bbbf9c80df553fe66742df4676b241dabefdef67733e070f6844
000102030405060708090a0b0c0d0e0f m/0'/1/2' 694596e8a54f252c960eb771a3c41e7e32496d03b954aeb90f61635b8e092aa7 \
  98c7514f562e64e74170cc3cf304ee1ce54d6b6da4f880f313e8204c2a185318 \
  0359cf160040778a4b14c5f4d7b76e327ccc8c4a6086dd9451b7482b5a4972dda0
000102030405060708090a0b0c0d0e0f m/28578' 06f0db126f023755d0b8d86d4591718a5210dd8d024e3e14b6159d63f53aa669 \
  e94c8ebe30c2250a14713212f6449b20f3329105ea15b652ca5bdfc68f6c65c2 \
  02519b5554a4872e8c9c1c847115363051ec43e93400e030ba3c36b52a3e70a5b7
000102030405060708090a0b0c0d0e0f m/28578'/33941 092154eed4af83e078ff9b84322015aefe5769e31270f62c3f66c33888335f3a \
  9e87fe95031f14736774cd82f25fd885065cb7c358c1edf813c72af535e83071 \
  0235bfee614c0d5b2cae260000bb1d0d84b270099ad790022c1ae0b2e782efe120
a7305bc8df8d0951f0cb224c0e95d7707cbdf2c6ce7e8d481fec69c7ff5e9446 m \
  3b8c18469a4634517d6d0b65448f8e6c62091b45540a1743c5846be55d47d88f \
  7762f9729fed06121fd13f326884c82f59aa95c57ac492ce8c9654e60efd130c \
  0383619fadcde31063d8c5cb00dbfe1713f3e6fa169d8541a798752a1c1ca0cb20
fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542 \
  m eaa31c2e46ca2962227cf21d73a7ef0ce8b31c756897521eb6c7b39796633357 \
  96cd4465a9644e31528eda3592aa35eb39a9527769ce1855beafc1b81055e75d
"""


def test_official_vectors_of_nist256p1():
    rows = [row.split() for row in NIST256P1.replace("\\\n", "").strip().splitlines()]
    assert len(rows) == 8
    for seed, path, private, chain_code, *public in rows:
        found = secp256r1_from_seed(bytes.fromhex(seed), path)
        assert [part.hex() for part in found] == [private, chain_code]
        assert public in ([], [secp256r1.public_key(found[0]).hex()])


@given(st.binary(min_size=16, max_size=64), st.lists(st.integers(0, 2**32 - 1), max_size=4))
def test_nist256p1_agrees_with_bip_utils(seed, indexes):
    peer = Bip32Slip10Nist256p1.FromSeed(seed)
    for index in indexes:
        peer = peer.ChildKey(index)
    private, chain_code = secp256r1_from_seed(seed, indexes)
    assert private == peer.PrivateKey().Raw().ToBytes()
    assert chain_code == peer.ChainCode().ToBytes()
