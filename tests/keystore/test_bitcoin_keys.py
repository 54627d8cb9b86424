"""WIF, BIP-38, extended keys, Electrum seeds: official vectors and independent libraries."""

from __future__ import annotations

import contextlib
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.errors import InputError, InvalidKey, InvalidMnemonic, InvalidPath, MultiwalletError, Unsupported
from multiwallet.keystore import electrum

ABANDON = "abandon " * 11 + "about"


def test_wif_says_its_network_and_its_kind_of_public_key():
    from multiwallet.keys.formats import encode_wif

    private = secrets.token_bytes(32)
    for version, network in ((128, "bitcoin"), (239, "bitcoin-testnet"), (176, "litecoin")):
        for compressed in (True, False):
            text = encode_wif(private, version, compressed=compressed)
            with keystore.load(text) as key, key.wallet() as wallet:
                assert (key.format, key.network) == ("wif", network)
                assert key.address == key.account().address == wallet.account(network).address
                assert key.export_private_key() == keystore.dump(key, "wif") == text
    with pytest.raises(InvalidKey, match="not of Litecoin"):
        keystore.load(encode_wif(private), network="litecoin")
    assert keystore.load(encode_wif(private, 239), network="bitcoin-regtest").address.startswith("bcrt1")


@pytest.mark.parametrize("index", range(9))
def test_bip38_vectors(vectors, index):
    row = vectors("keystore_bip38")["keys"][index]
    with keystore.load(row["encrypted"], row["passphrase"]) as key:
        assert key.export_private_key() == row["wif"]
        if not row["multiplied"]:
            assert keystore.dump(key, "bip38", row["passphrase"]) == row["encrypted"]


def test_bip38_against_bip_utils():
    bip_utils = pytest.importorskip("bip_utils", reason="bip-utils is the peer")
    private = secrets.token_bytes(32)
    for compressed, mode in (
        (True, bip_utils.Bip38PubKeyModes.COMPRESSED),
        (False, bip_utils.Bip38PubKeyModes.UNCOMPRESSED),
    ):
        theirs = bip_utils.Bip38Encrypter.EncryptNoEc(private, "ein Wort ϓ", mode)
        from multiwallet.keys.formats import encode_wif

        ours = keystore.dump(keystore.load(encode_wif(private, compressed=compressed)), "bip38", "ein Wort ϓ")
        assert ours == theirs
    made = bip_utils.Bip38EcKeysGenerator.GeneratePrivateKey(
        bip_utils.Bip38EcKeysGenerator.GenerateIntermediatePassphrase("pw", lot_num=100000, sequence_num=1),
        bip_utils.Bip38PubKeyModes.COMPRESSED,
    )
    expected = bip_utils.Bip38Decrypter.DecryptEc(made, "pw")[0]
    with keystore.load(made, "pw") as key:
        assert key.export_private_key() == encode_wif(expected)


def test_bip38_says_what_is_wrong(vectors):
    row = vectors("keystore_bip38")["keys"][0]
    with pytest.raises(InvalidKey, match="the password is wrong"):
        keystore.load(row["encrypted"], "another")
    with pytest.raises(InvalidKey, match="give its passphrase"):
        keystore.load(row["encrypted"])
    with pytest.raises(InvalidKey, match="a character is wrong"):
        keystore.load(row["encrypted"][:-1] + "1", "x", format="bip38")
    from multiwallet.codec.base58 import decode_check, encode_check

    data = decode_check(row["encrypted"])
    for flags in (0xFF, 0x00, 0x80, 0xC4):
        with pytest.raises(InvalidKey, match="flags"):
            keystore.load(encode_check(data[:2] + bytes((flags,)) + data[3:]), "x", format="bip38")


def test_extended_keys_open_the_accounts_that_their_form_says():
    with Wallet.from_mnemonic(ABANDON) as wallet:
        for kind, form in (("p2wpkh", "zpub"), ("p2sh-p2wpkh", "ypub"), ("p2pkh", "xpub")):
            whole = wallet.account("bitcoin", kind=kind)
            seed = Mnemonic(ABANDON).to_seed()
            from multiwallet.keys.hd import ExtendedKey

            node = ExtendedKey.from_seed(seed).derive(whole._operations.holder.account_path)
            text = node.serialize(form)
            with keystore.load(text) as key:
                assert (key.kind, key.address, key.public) == ("extended-public-key", whole.address, text)
                assert keystore.dump(key, "extended-key") == text
                with key.wallet() as watching:
                    assert watching.is_watch_only
                    assert key.accounts[0].open(watching).address == whole.address
                with pytest.raises(MultiwalletError, match="watch-only"):
                    key.export_private_key()
            with keystore.load(node.serialize(form.replace("pub", "prv"))) as key:
                assert key.address == whole.address
                assert key.export_private_key() == wallet.account("bitcoin", index=0, kind=kind).export_private_key()
                assert keystore.dump(key, "extended-key", form=form) == text
            origin = f"[73c5da0a{str(whole._operations.holder.account_path)[1:]}]"
            with keystore.load(origin + text) as key:
                assert key.address == whole.address
                assert keystore.dump(key, "extended-key", origin=True) == origin + text


def test_a_master_key_opens_every_network_of_its_curve():
    from multiwallet.keys.hd import ExtendedKey

    text = ExtendedKey.from_seed(Mnemonic(ABANDON).to_seed()).serialize()
    with keystore.load(text) as key, key.wallet() as wallet, Wallet.from_mnemonic(ABANDON) as expected:
        assert wallet.account("bitcoin").address == expected.account("bitcoin").address == key.address
        assert wallet.account("bitcoin", kind="p2tr").address == expected.account("bitcoin", kind="p2tr").address
    with (
        keystore.load(text, network="ethereum") as key,
        key.wallet() as wallet,
        Wallet.from_mnemonic(ABANDON) as expected,
    ):
        assert key.address == wallet.account("ethereum").address == expected.account("ethereum").address
        assert wallet.account("ethereum").sign_message("x") == expected.account("ethereum").sign_message("x")


def test_an_extended_private_key_of_unknown_place_is_refused():
    from multiwallet.keys.hd import ExtendedKey

    node = ExtendedKey.from_seed(bytes(16)).derive("m/1/2")
    with pytest.raises(Unsupported, match="origin"):
        keystore.load(node.serialize())
    assert keystore.load(f"[00000000/1/2]{node.serialize()}").kind == "extended-private-key"


def test_electrum_seeds_and_types(vectors):
    data = vectors("keystore_electrum")
    for row in data["seeds"]:
        assert electrum.seed_type(row["words"]) == row["type"]
        from multiwallet.crypto.pbkdf2 import pbkdf2_hmac_sha512

        salt = "electrum" + electrum.normalize(row["extension"])
        seed = pbkdf2_hmac_sha512(electrum.normalize(row["words"]).encode(), salt.encode(), 2048)
        assert seed.hex() == row["seed"]
        from multiwallet.keys.hd import ExtendedKey

        with keystore.load(row["words"], row["extension"], format="electrum") as key:
            path = "m/0'" if row["type"] == "segwit" else "m"
            assert key.public == ExtendedKey.from_seed(seed).derive(path).public.serialize("xpub")
    for words, kind in data["types"]:
        assert electrum.seed_type(words) == kind


def test_electrum_wallets_have_electrums_addresses(vectors):
    for row in vectors("keystore_electrum")["wallets"]:
        with keystore.load(row["words"], row["extension"]) as key, key.wallet() as wallet:
            hint = key.accounts[0]
            assert key.format == "electrum"
            assert key.address == row["receive"] == hint.open(wallet).address
            assert hint.open(wallet, 0, change=1).address == row["change"]
            assert keystore.dump(key, "electrum") == row["words"]
            # The usual place holds no coins of Electrum's: it is refused, and the message says where they are.
            with pytest.raises(InvalidPath, match="accounts"):
                wallet.account("bitcoin")


def test_electrum_signs_with_the_key_of_the_address(vectors):
    row = vectors("keystore_electrum")["wallets"][1]
    with keystore.load(row["words"]) as key:
        account = key.accounts[0].open(key.wallet(), 0)
        assert account.verify_message("hello", account.sign_message("hello"))
        with keystore.load(key.export_private_key()) as single:
            assert single.address == row["receive"]


def test_electrum_against_bip_utils():
    bip_utils = pytest.importorskip("bip_utils", reason="bip-utils is the peer")
    for kind, wallet in (
        (bip_utils.ElectrumV2MnemonicTypes.SEGWIT, bip_utils.ElectrumV2Segwit),
        (bip_utils.ElectrumV2MnemonicTypes.STANDARD, bip_utils.ElectrumV2Standard),
    ):
        words = str(bip_utils.ElectrumV2MnemonicGenerator(kind).FromWordsNumber(12))
        seed = bip_utils.ElectrumV2SeedGenerator(words).Generate("some extension")
        theirs = wallet.FromSeed(seed)
        with keystore.load(words, "some extension", format="electrum") as key, key.wallet() as mine:
            for change, index in ((0, 0), (0, 5), (1, 3)):
                address = key.accounts[0].open(mine, index, change=change).address
                assert address == theirs.GetAddress(change, index)


def test_two_factor_and_unknown_seeds_are_refused():
    with pytest.raises(Unsupported, match="two-factor"):
        keystore.load("science dawn member doll dutch real can brick knife deny drive list")
    with pytest.raises(InvalidMnemonic):
        keystore.load("science dawn member doll dutch real ca brick knife deny drive list", format="electrum")
    with pytest.raises(InvalidKey, match="not for Solana"):
        keystore.load(
            "wild father tree among universe such mobile favorite target dynamic credit identify", network="solana"
        )


def test_words_that_are_both_ask_which():
    for nonce in range(20_000):
        words = Mnemonic.from_entropy(nonce.to_bytes(16, "big")).expose()
        if electrum.seed_type(words) in ("standard", "segwit"):
            break
    with pytest.raises(InvalidKey, match="at once"):
        keystore.load(words)
    assert keystore.load(words, format="mnemonic").kind == "mnemonic"
    assert keystore.load(words, format="electrum").kind == "extended-private-key"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_normalize_is_stable(text):
    once = electrum.normalize(text)
    assert electrum.normalize(once) == once or not once.isascii()
    assert "  " not in once


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120) | st.binary(max_size=120), st.sampled_from([*keystore.FORMATS, None]))
def test_garbage_gives_an_error_of_the_tree(data, format):
    if format in ("slip39",):
        pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    with contextlib.suppress(InputError, Unsupported):
        keystore.load(data, "pw", format=format, network="bitcoin")
