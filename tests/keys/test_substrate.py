"""Keys of Polkadot's chains: published accounts, substrate-interface on random phrases, and what is refused."""

from __future__ import annotations

import secrets

import pytest
from substrateinterface import Keypair, KeypairType
from substrateinterface.key import extract_derive_path

from multiwallet import Mnemonic
from multiwallet.errors import InputError, InvalidPath, Unsupported
from multiwallet.keys.keychain import SeedKeychain, SingleKeychain
from multiwallet.keys.substrate import derive, mini_secret
from multiwallet.path import Junctions, Path
from multiwallet.secret import Secret

DEV_PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
# The development accounts of Substrate (sp-keyring), public keys.
DEV_ACCOUNTS = {
    ("sr25519", ""): "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a",
    ("sr25519", "//Alice"): "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
    ("sr25519", "//Bob"): "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
    ("sr25519", "//Charlie"): "90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22",
    ("sr25519", "//Alice//stash"): "be5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f",
    ("ed25519", "//Alice"): "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
    ("ed25519", "//Bob"): "d17c2d7823ebf260fd138f2d7e27d114c0145d968b5ff5006125f2414fadae69",
    ("secp256k1", "//Alice"): "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1",
    ("secp256k1", "//Bob"): "0390084fdbf27d2b79d26a4f13f0ccd982cb755a661969143c37cbc49ef5b91f27",
}
# substrate-bip39's own tests: entropy, password "Substrate", the seed (whose first half is the mini secret).
MINI_SECRETS = {
    "00" * 16: "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3",
}


def keychain(phrase: str, passphrase: str = "") -> SeedKeychain:
    words = Mnemonic(phrase, "english")
    return SeedKeychain(
        words.to_seed(passphrase), entropy=Secret(words.entropy), passphrase=Secret(passphrase.encode())
    )


@pytest.mark.parametrize(("account", "public_key"), DEV_ACCOUNTS.items())
def test_development_accounts(account, public_key):
    curve, path = account
    keys = keychain(DEV_PHRASE)
    assert keys.public_key(curve, Junctions(path)).hex() == public_key
    assert keys.signing_key(curve, Junctions(path)).public_key.hex() == public_key


def test_the_mini_secret_of_substrate_bip39():
    assert mini_secret(bytes(16), "Substrate").hex() == MINI_SECRETS["00" * 16]
    # What `subkey inspect` prints as the secret seed of the development phrase.
    entropy = Mnemonic(DEV_PHRASE).entropy
    assert mini_secret(entropy).hex() == "fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e"
    with pytest.raises(InputError):
        mini_secret(bytes(16), "\ud800")


def test_agrees_with_substrate_interface():
    names = ("Alice", "stash", "1", "65536", "4294967297", "x" * 40)
    for number in range(30):
        phrase = Mnemonic.generate((12, 24)[number % 2]).expose()
        path = "".join(secrets.choice(("//", "/")) + secrets.choice(names) for _ in range(number % 5))
        peer = Keypair.create_from_uri(phrase + path)
        assert keychain(phrase).public_key("sr25519", Junctions(path)) == peer.public_key, (phrase, path)
        for kind, curve in ((KeypairType.ED25519, "ed25519"),):
            peer = Keypair.create_from_mnemonic(phrase, crypto_type=kind)
            assert keychain(phrase).public_key(curve, Junctions()) == peer.public_key
        theirs = [(step.is_hard, bytes(step.chain_code)) for step in extract_derive_path(path)]
        assert [(step.is_hard, step.chain_code) for step in Junctions(path).steps] == theirs


def test_signatures_cross_substrate_interface():
    keys = keychain(DEV_PHRASE)
    key = keys.signing_key("sr25519", Junctions("//Alice/0"))
    peer = Keypair.create_from_uri("//Alice/0")
    assert peer.verify(b"hello", key.sign(b"hello"))
    assert not peer.verify(b"hullo", key.sign(b"hello"))


def test_passwords():
    plain, own = keychain(DEV_PHRASE), keychain(DEV_PHRASE, "pass")
    assert plain.public_key("sr25519", Junctions("//0///pass")) == own.public_key("sr25519", Junctions("//0"))
    assert own.public_key("sr25519", Junctions("//0///pass")) == own.public_key("sr25519", Junctions("//0"))
    assert plain.public_key("sr25519", Junctions("//0")) != own.public_key("sr25519", Junctions("//0"))
    with pytest.raises(InvalidPath, match="another password") as refused:
        own.public_key("sr25519", Junctions("//0///horse"))
    assert "horse" not in str(refused.value)


def test_what_a_seed_serves():
    raw = SeedKeychain(Secret(bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")))
    assert raw.public_key("sr25519", Junctions("//Alice")).hex() == DEV_ACCOUNTS["sr25519", "//Alice"]
    with pytest.raises(InvalidPath, match="goes with a phrase"):
        raw.public_key("sr25519", Junctions("//Alice///pass"))
    with pytest.raises(Unsupported, match="from_mnemonic"):
        SeedKeychain(Secret(bytes(64))).public_key("sr25519", Junctions("//Alice"))


def test_what_is_refused():
    keys = keychain(DEV_PHRASE)
    for curve in ("ed25519", "secp256k1"):
        with pytest.raises(InvalidPath, match="hard junctions only"):
            keys.public_key(curve, Junctions("//Alice/0"))
    with pytest.raises(InvalidPath, match="no junctions"):
        keys.public_key("secp256r1", Junctions("//Alice"))
    with pytest.raises(InvalidPath, match="made of numbers"):
        keys.extended_public_key(Junctions("//Alice"))
    with pytest.raises(Unsupported, match="ed25519"):
        keys.public_key("sr25519", Path("m/44'/354'/0'/0'/0'"))
    with pytest.raises(InvalidPath, match="no junctions"):
        derive(bytes(32), Junctions(), "bls")


def test_bip32_paths_of_the_other_curves():
    keys = keychain(DEV_PHRASE)
    bare = SeedKeychain(Mnemonic(DEV_PHRASE).to_seed())
    for curve, path in (("ed25519", "m/44'/354'/0'/0'/0'"), ("secp256k1", "m/44'/354'/0'/0/0")):
        assert keys.public_key(curve, Path(path)) == bare.public_key(curve, Path(path))


def test_single_keys():
    alice = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")
    single = SingleKeychain("sr25519", Secret(alice))
    assert single.public_key("sr25519", None).hex() == DEV_ACCOUNTS["sr25519", "//Alice"]
    expanded = single.signing_key("sr25519", None).expose_expanded()
    assert SingleKeychain("sr25519", Secret(expanded)).public_key("sr25519", None) == single.public_key("sr25519", None)
    with pytest.raises(Unsupported):
        SingleKeychain("ed25519-bip32", Secret(alice))
    assert len(SingleKeychain("secp256r1", Secret(alice)).public_key("secp256r1", None)) == 33


def test_many_keys_and_closing():
    keys = keychain(DEV_PHRASE)
    many = list(keys.public_keys("sr25519", Junctions("//a"), 0, 3))
    assert many == [keys.public_key("sr25519", Junctions(f"//a/{n}")) for n in range(3)]
    key = keys.signing_key("sr25519", Junctions("//a"))
    keys.close()
    assert key.closed
    with pytest.raises(InputError, match="wiped"):
        keys.public_key("sr25519", Junctions("//b"))
