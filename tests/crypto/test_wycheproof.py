"""Project Wycheproof's vectors, and the attacks that signature code falls for: malleability, foreign points, odd keys."""

from __future__ import annotations

import hashlib
import json

import pytest

from multiwallet import Wallet, keystore
from multiwallet.codec import base58, der
from multiwallet.crypto import ed25519, secp256k1
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.crypto.secp256k1 import ORDER, SecpKey
from multiwallet.errors import InputError, InvalidKey
from multiwallet.keys.formats import parse_ed25519
from multiwallet.keys.hd import ExtendedKey

FIELD = 2**256 - 2**32 - 977
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
DIGEST = hashlib.sha256(b"digest").digest()


def verdict(key: bytes, message: bytes, signature: bytes, form: str) -> bool:
    digest = hashlib.sha256(message).digest()
    if form.endswith("p1363_test"):
        return secp256k1.verify(key, digest, signature, require_low_s=False)
    try:
        compact = der.decode(signature)
    except InputError:
        return False
    return secp256k1.verify(key, digest, compact)


@pytest.mark.parametrize(
    ("form", "count"), [("ecdsa_secp256k1_sha256_bitcoin_test", 463), ("ecdsa_secp256k1_sha256_p1363_test", 252)]
)
def test_ecdsa_vectors(vectors, form, count):
    seen = 0
    for group in vectors("wycheproof_ecdsa_secp256k1")["files"][form]:
        key = bytes.fromhex(group["key"])
        for test in group["tests"]:
            told = verdict(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]), form)
            assert told == (test["result"] == "valid"), (test["id"], test["comment"])
            seen += 1
    assert seen == count


def test_ed25519_vectors(vectors):
    seen = 0
    for group in vectors("wycheproof_ed25519")["files"]["ed25519_test"]:
        key = bytes.fromhex(group["key"])
        for test in group["tests"]:
            told = ed25519.verify(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            assert told == (test["result"] == "valid"), (test["id"], test["comment"])
            seen += 1
    assert seen == 151


def test_the_other_signature_of_a_malleable_pair_is_refused():
    """(r, n - s) is as valid to plain ECDSA, and would give a transaction a second id."""
    with SecpKey(b"\7" * 32) as key:
        for sign in (key.sign_compact, key.sign_low_r, lambda digest: key.sign_recoverable(digest)[:64]):
            signature = sign(DIGEST)
            s = int.from_bytes(signature[32:], "big")
            assert 0 < s <= ORDER // 2
            other = signature[:32] + (ORDER - s).to_bytes(32, "big")
            assert secp256k1.verify(key.public_key, DIGEST, signature)
            assert not secp256k1.verify(key.public_key, DIGEST, other)
            assert secp256k1.verify(key.public_key, DIGEST, other, require_low_s=False)
    with Ed25519Key(b"\7" * 32) as pair:
        signature = pair.sign(b"message")
        more = int.from_bytes(signature[32:], "little") + ED25519_ORDER
        assert not ed25519.verify(pair.public_key, b"message", signature[:32] + more.to_bytes(32, "little"))


def coordinates(x: int, y: int) -> bytes:
    return b"\4" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def foreign_points() -> list[bytes]:
    """Public keys that are on no curve, on another one (its twist, y^2 = x^3 + 5), or not in the one form."""
    generator = secp256k1.decompress(secp256k1.public_key(b"\0" * 31 + b"\1"))
    x, y = int.from_bytes(generator[1:33], "big"), int.from_bytes(generator[33:], "big")
    without_y = next(n for n in range(1, 99) if pow(n**3 + 7, (FIELD - 1) // 2, FIELD) != 1)
    other_x = next(n for n in range(1, 99) if pow(n**3 + 5, (FIELD - 1) // 2, FIELD) == 1)
    other_y = pow(other_x**3 + 5, (FIELD + 1) // 4, FIELD)
    compressed = [
        bytes([head]) + n.to_bytes(32, "big") for head in (2, 3) for n in (without_y, FIELD, FIELD + 1, 2**256 - 1)
    ]
    return [
        *compressed,
        coordinates(0, 0),
        coordinates(x, y + 1),
        coordinates(x, FIELD),
        coordinates(other_x, other_y),
        bytes(33),
        bytes(65),
        b"\0",
        b"\5" + generator[1:33],
        b"\6" + generator[1:],
        b"\7" + generator[1:],
        generator[:-1],
        generator + b"\0",
    ]


@pytest.mark.parametrize(
    "point", foreign_points(), ids=lambda point: f"{len(point)}-{point[:2].hex()}-{point[-4:].hex()}"
)
def test_points_that_are_not_on_the_curve_are_refused(point):
    assert not secp256k1.is_valid_public_key(point)
    signature = SecpKey(b"\7" * 32).sign_compact(DIGEST)
    assert not secp256k1.verify(point, DIGEST, signature)
    for use in (secp256k1.compress, secp256k1.decompress, lambda key: secp256k1.point_add_tweak(key, DIGEST)):
        with pytest.raises(InvalidKey):
            use(point)
    if len(point) == 33:
        assert not secp256k1.verify_schnorr(point[1:], DIGEST, bytes(64))
        template = base58.decode_check(ExtendedKey.from_seed(bytes(16)).serialize("xpub"))
        with pytest.raises(InvalidKey):
            ExtendedKey.parse(base58.encode_check(template[:45] + point))


OUTSIDE = {"zero": 0, "n": ORDER, "n + 1": ORDER + 1, "2^256 - 1": 2**256 - 1}


@pytest.mark.parametrize("number", OUTSIDE.values(), ids=OUTSIDE)
def test_private_keys_of_zero_and_beyond_the_order_are_refused_everywhere(number):
    raw = number.to_bytes(32, "big")
    wif = base58.encode_check(b"\x80" + raw + b"\1")
    template = base58.decode_check(ExtendedKey.from_seed(bytes(16)).serialize("xprv"))
    doors = [
        lambda: SecpKey(raw),
        lambda: secp256k1.public_key(raw),
        lambda: secp256k1.private_add_tweak(raw, DIGEST),
        lambda: ExtendedKey.parse(base58.encode_check(template[:46] + raw)),
        lambda: Wallet.from_private_key("bitcoin", wif),
        lambda: keystore.load(wif),
        *(
            lambda name=name, key=key: Wallet.from_private_key(name, key)
            for name in ("bitcoin", "ethereum", "tron")
            for key in (raw, raw.hex())
        ),
    ]
    for door in doors:
        with pytest.raises(InvalidKey):
            door()
    assert not secp256k1.is_valid_private_key(raw)


def test_the_last_private_key_and_a_tweak_to_zero():
    last = (ORDER - 1).to_bytes(32, "big")
    with SecpKey(last) as key:
        assert secp256k1.verify(key.public_key, DIGEST, key.sign_compact(DIGEST))
    assert secp256k1.private_add_tweak(last, last) == (ORDER - 2).to_bytes(32, "big")
    with pytest.raises(InvalidKey):
        secp256k1.private_add_tweak(last, b"\0" * 31 + b"\1")


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_signatures_of_zero_and_beyond_the_order_are_refused(number):
    key = SecpKey(b"\7" * 32)
    good = key.sign_recoverable(DIGEST)
    part = number.to_bytes(32, "big")
    for bad in (part + good[32:64], good[:32] + part, part + part):
        assert not secp256k1.verify(key.public_key, DIGEST, bad, require_low_s=False)
        for recovery_id in range(5):
            with pytest.raises(InputError):
                secp256k1.recover(bad + bytes([recovery_id]), DIGEST)


def test_a_key_pair_with_a_foreign_public_half_is_refused_everywhere():
    """RUSTSEC-2022-0093: two signatures under two public keys give the private key away."""
    mine, theirs = Ed25519Key(b"\7" * 32), Ed25519Key(b"\10" * 32)
    pair = mine.expose() + theirs.public_key
    array = json.dumps(list(pair))
    forms = [pair, bytearray(pair), pair.hex(), "0x" + pair.hex(), base58.encode(pair), array, list(pair)]
    for form in forms:
        with pytest.raises(InvalidKey):
            parse_ed25519(form)
    for form in forms[2:-1]:
        with pytest.raises(InvalidKey):
            Wallet.from_private_key("solana", form)
    for form in (array, base58.encode(pair), list(pair)):
        with pytest.raises(InvalidKey):
            keystore.load(form)
    right = mine.expose() + mine.public_key
    for form in (right, right.hex(), base58.encode(right), json.dumps(list(right))):
        with parse_ed25519(form) as seed:
            assert seed.expose() == mine.expose()


def test_no_way_to_sign_takes_a_public_key():
    """The hash of a signature takes the public key that the seed has, whatever its holder was told."""
    import inspect

    for method in (Ed25519Key.sign, Ed25519Key.sign_attached, Ed25519Key.signer, Ed25519Key.attached_signer):
        assert set(inspect.signature(method).parameters) <= {"self", "message"}
    assert list(inspect.signature(Ed25519Key).parameters) == ["seed"]
