"""The text forms of private keys of single ecosystems: published keys, independent libraries, hostile text."""

from __future__ import annotations

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrpl.constants import CryptoAlgorithm
from xrpl.core import keypairs
from xrpl.core.addresscodec import encode_seed

from multiwallet import Mnemonic
from multiwallet.codec import base58
from multiwallet.crypto import ed25519, secp256k1
from multiwallet.errors import InvalidKey
from multiwallet.keys.key_forms import read_form, write_form
from multiwallet.keys.slip10 import ed25519_from_seed

FORMS = ("pvt-k1", "aip-80", "sui", "family-seed", "near", "stellar")
CURVES = {"pvt-k1": ("secp256k1",), "aip-80": ("ed25519", "secp256k1"), "sui": ("ed25519", "secp256k1", "secp256r1"),
          "near": ("ed25519",), "stellar": ("ed25519",)}  # fmt: skip
# The key of the account "eosio" of development chains, in both forms, and its public key (EOSIO documentation).
EOSIO = (
    "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3",
    "PVT_K1_2bfGi9rYsXQSXXTvJbDAPhHLQUojjaNLomdm3cEJ1XTzMqUt3V",
    "02c0ded2bc1f1305fb0faac5e6c03ee3a1924234985427b6167ca569d13df435cf",
)
# The seed of "masterpassphrase", the genesis account of the XRP Ledger, and its account's public key (xrpl.org).
GENESIS = ("snoPBrXtMeMyMHUVTgbuqAfg1SUTb", "0330e7fc9d56bb25d6893ba3f317ae5bcf33b3291bd63db32654a313222f7fd020")
# SEP-5, test 1: the phrase, and the secret seed of m/44'/148'/0'.
SEP5 = (
    "illness spike retreat truth genius clock brain pass fit cave bargain toe",
    "SBGWSG6BTNCKCOB3DIFBGCVMUPQFYPA2G4O34RMTB343OYPXU5DJDVMN",
)


def read(text: str, form: str) -> tuple[str, bytes]:
    found = read_form(text, [form])
    assert found is not None
    return found.curve, found.secret.expose()


def test_published_keys():
    for text in EOSIO[:2]:
        curve, key = read(text, "pvt-k1")
        assert (curve, secp256k1.public_key(key).hex()) == ("secp256k1", EOSIO[2])
        assert write_form("pvt-k1", "secp256k1", key) == EOSIO[1]
    curve, key = read(GENESIS[0], "family-seed")
    assert (curve, secp256k1.public_key(key).hex()) == ("secp256k1", GENESIS[1])
    seed = Mnemonic(SEP5[0]).to_seed()
    key, _ = ed25519_from_seed(seed, "m/44'/148'/0'")
    assert write_form("stellar", "ed25519", key) == SEP5[1]
    assert read(SEP5[1], "stellar") == ("ed25519", key)


@pytest.mark.parametrize(("form", "curve"), [(form, curve) for form, curves in CURVES.items() for curve in curves])
def test_both_ways(form, curve):
    for _ in range(50):
        key = (secrets.randbelow(2**255) + 1).to_bytes(32, "big")
        text = write_form(form, curve, key)
        assert text is not None
        assert read(f" {text}\n", form) == (curve, key)
        place = len(text) - 1 - secrets.randbelow(40)
        spoilt = text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :]
        if form == "aip-80":  # hexadecimal digits carry no checksum
            assert write_form(form, curve, key[:31] + bytes([key[31] ^ 1])) != text
            continue
        with pytest.raises(InvalidKey) as refused:
            read_form(spoilt, [form])
        assert text[-20:] not in str(refused.value)


def test_family_seeds_agree_with_xrpl_py():
    for number in range(40):
        algorithm = (CryptoAlgorithm.SECP256K1, CryptoAlgorithm.ED25519)[number % 2]
        seed = encode_seed(secrets.token_bytes(16), algorithm)
        public, private = keypairs.derive_keypair(seed)
        curve, key = read(seed, "family-seed")
        assert (curve, key.hex().upper()) == (algorithm.value, private[2:])
        ours = secp256k1.public_key(key) if curve == "secp256k1" else b"\xed" + ed25519.public_key(key)
        assert ours.hex().upper() == public


def test_what_a_form_cannot_hold():
    key = bytes(31) + b"\x01"
    assert write_form("family-seed", "secp256k1", key) is None
    assert write_form("pvt-k1", "ed25519", key) is None
    assert write_form("hex", "ed25519", key) is None
    for form in FORMS:
        assert write_form(form, "sr25519", key) is None


def test_marks_of_other_forms_are_left_alone():
    assert read_form(EOSIO[1], ["aip-80", "sui", "hex", "wif"]) is None
    assert read_form("00" * 32, FORMS) is None
    assert read_form("", FORMS) is None


@pytest.mark.parametrize(
    "text",
    [
        "PVT_R1_2bfGi9rYsXQSXXTvJbDAPhHLQUojjaNLomdm3cEJ1XTzMqUt3V",
        "PVT_K1_",
        "PVT_K1_0OIl",
        "PVT_",
        "5" * 51,
        "ed25519-priv-",
        "ed25519-priv-" + "00" * 32,
        "ed25519-priv-0x" + "0g" * 32,
        "ed25519-priv-0x" + "00" * 33,
        "ed25519-priv-0x" + " 0" * 32,
        "secp256k1-priv-0x" + "00" * 32,
        "suiprivkey1",
        "suiprivkey1" + "q" * 58,
        "SUIPRIVKEY1qqqqqq",
        "suiprivkey1" + "q" * 1000,
        "sEd" + "p" * 28,
        "s" + "0" * 28,
        "s" + "\u00df" * 28,
        "ed25519:",
        "ed25519:0",
        "ed25519:" + "1" * 32,
        "S" + "A" * 55,
        "S" + "\u00c4" * 55,
        "S" + "1" * 55,
    ],
)
def test_what_bears_a_mark_and_is_no_key_is_refused(text):
    with pytest.raises(InvalidKey) as refused:
        read_form(text, FORMS)
    assert text[8:] not in str(refused.value) or len(text) < 16


MARKS = ("PVT_K1_", "PVT_", "5", "ed25519-priv-0x", "secp256k1-priv-0x", "suiprivkey1", "s", "sEd", "ed25519:", "S")


@given(st.sampled_from(MARKS), st.text(string.ascii_letters + string.digits + "é 0", max_size=120))
def test_garbage_is_an_invalid_key_or_none(mark, rest):
    told, found = "", None
    try:
        found = read_form(mark + rest, FORMS)
    except InvalidKey as error:
        told = str(error)
    assert len(rest) < 16 or rest not in told
    assert found is None or len(found.secret) == 32


@given(st.binary(max_size=60))
def test_base58_in_the_alphabet_of_the_ledger(data):
    text = base58.encode_check(data, alphabet=base58.RIPPLE)
    assert base58.decode_check(text, alphabet=base58.RIPPLE) == data
    assert sorted(base58.RIPPLE) == sorted(base58.ALPHABET)
    from xrpl.core.addresscodec.codec import base58 as theirs

    assert theirs.b58encode_check(data, alphabet=theirs.XRP_ALPHABET).decode() == text
