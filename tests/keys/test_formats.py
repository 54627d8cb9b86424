"""Private keys as their users write them, against peers' texts, coincurve, bip_utils and solders."""

from __future__ import annotations

import json

import pytest
from bip_utils import WifDecoder, WifEncoder, WifPubKeyModes
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import base58
from multiwallet.crypto.ed25519 import public_key
from multiwallet.crypto.secp256k1 import ORDER
from multiwallet.errors import InvalidKey
from multiwallet.keys.formats import (
    decode_wif,
    encode_json_keypair,
    encode_keypair,
    encode_wif,
    parse_ed25519,
    parse_secp256k1,
)
from multiwallet.secret import Secret

SCALARS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
SEEDS = st.binary(min_size=32, max_size=32)
KEY = bytes.fromhex("0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d")
WIF_VERSIONS = {"bitcoin": 128, "testnet": 239, "regtest": 239, "litecoin": 176, "dogecoin": 158}


def test_wif_of_every_chain(vectors):
    count = 0
    for row in vectors("hd_derivation")["rows"]:
        wif = row["output"].get("wif")
        if wif is None or row["chain"] == "eos":
            continue
        name = row["chain"] if row["network"] == "mainnet" else row["network"]
        version = WIF_VERSIONS.get(name, 128)
        key = decode_wif(wif, {version})
        assert (key.private_key.expose().hex(), key.compressed, key.version) == (
            row["output"]["private_key"],
            True,
            version,
        )
        assert encode_wif(key.private_key, version) == wif
        count += 1
    assert count == 224


def test_old_wif_of_eos_is_uncompressed(vectors):
    rows = [row["output"] for row in vectors("hd_derivation")["rows"] if row["chain"] == "eos"]
    assert len(rows) == 12
    for row in rows:
        secret, compressed = parse_secp256k1(row["wif"], {128})
        assert (secret.expose().hex(), compressed) == (row["private_key"], False)
        assert encode_wif(secret, compressed=False) == row["wif"]


@given(SCALARS, st.integers(0, 255), st.booleans())
def test_wif_agrees_with_bip_utils(private, version, compressed):
    mode = WifPubKeyModes.COMPRESSED if compressed else WifPubKeyModes.UNCOMPRESSED
    text = encode_wif(private, version, compressed=compressed)
    assert text == WifEncoder.Encode(private, bytes((version,)), mode)
    assert WifDecoder.Decode(text, bytes((version,))) == (private, mode)
    key = decode_wif(text)
    assert (key.private_key.expose(), key.compressed, key.version) == (private, compressed, version)


@given(SCALARS)
def test_secp256k1_forms(private):
    text = private.hex()
    for form in (private, bytearray(private), memoryview(private), Secret(private), text, text.upper(), f"0x{text}"):
        secret, compressed = parse_secp256k1(form)
        assert (secret.expose(), compressed) == (private, True)
    assert parse_secp256k1(f" 0X{text}\n")[0].expose() == private
    assert parse_secp256k1(f"secp256k1-priv-0x{text}")[0].expose() == private
    assert parse_secp256k1(encode_wif(private, 239, compressed=False), {239})[1] is False


def test_wif_of_another_network_is_refused():
    with pytest.raises(InvalidKey, match="another network"):
        parse_secp256k1(encode_wif(KEY, 128), {239})
    with pytest.raises(InvalidKey, match="64 hexadecimal digits"):
        parse_secp256k1(encode_wif(KEY, 128), ())
    with pytest.raises(InvalidKey, match="0 to 255"):
        encode_wif(KEY, 256)


@pytest.mark.parametrize("private", [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_secp256k1_keys_outside_the_range(private):
    wif = base58.encode_check(b"\x80" + private + b"\x01")
    for form in (private, private.hex(), wif):
        with pytest.raises(InvalidKey, match="from 1 to n - 1"):
            parse_secp256k1(form)
    with pytest.raises(InvalidKey, match="from 1 to n - 1"):
        encode_wif(private)


def broken_secp256k1() -> list[object]:
    wif, text = encode_wif(KEY), KEY.hex()
    return [
        "", " ", text[:-1], text + "0", text + "00", f"0x{text[:-2]}", f"{text[:-1]}g", text.replace("0", "０", 1),
        wif[:-1], wif + "1", wif[:-1] + ("a" if wif[-1] != "a" else "b"), wif.lower(), wif[:10] + "0" + wif[11:],
        base58.encode_check(b"\x80" + KEY + b"\x02"), base58.encode_check(b"\x80" + KEY[:-1]), "x" * 5000,
        KEY[:-1], KEY + b"\0", KEY * 2, b"", None, 7, 1.5, [1] * 32, object(),
    ]  # fmt: skip


def broken_ed25519() -> list[object]:
    pair = KEY + public_key(KEY)
    text, numbers = encode_keypair(KEY), list(pair)
    return [
        "", "[", "]", "[]", "[" * 900, "[1]", "[1,2", json.dumps(numbers)[:-1], json.dumps([*numbers, 0]),
        json.dumps([*numbers[:-1], 256]), json.dumps([*numbers[:-1], -1]), json.dumps([float(number) for number in pair]),
        json.dumps([numbers]), json.dumps(list(KEY[:-1])), "[" + "1," * 400 + "1]", text[:-1], text + "1", text + "0",
        text[:-1] + "l", "x" * 5000, KEY.hex()[:-1], pair.hex() + "0", pair[:-1], pair + b"\0", KEY[:-1], b"",
        None, 7, 1.5, object(), [*numbers[:-1], 256], [*numbers[:-1], "1"], [*numbers[:-1], 1.0], numbers[:-1],
        (numbers for _ in "1"), {"secret": numbers},
    ]  # fmt: skip


@pytest.mark.parametrize("parse", [parse_secp256k1, parse_ed25519])
def test_broken_forms_are_refused_without_being_shown(parse):
    for form in broken_secp256k1() if parse is parse_secp256k1 else broken_ed25519():
        with pytest.raises(InvalidKey) as caught:
            parse(form)
        message = str(caught.value)
        assert "x" * 20 not in message
        assert KEY.hex()[:8] not in message
        assert not any(text[:8] in message for text in (encode_wif(KEY), encode_keypair(KEY), encode_json_keypair(KEY)))


def test_ed25519_forms_of_every_chain(vectors):
    count = 0
    for row in vectors("hd_derivation")["rows"]:
        output = row["output"]
        forms = [output[name] for name in ("secret_key_base58", "secret_key", "private_key_aip80") if name in output]
        if row["scheme"].startswith(("slip10-ed25519", "solana-")):
            for form in (output["private_key"], f"0x{output['private_key']}", *forms):
                assert parse_ed25519(form).expose().hex() == output["private_key"]
                count += 1
        if "secret_key_base58" in output:
            assert encode_keypair(bytes.fromhex(output["private_key"])) == output["secret_key_base58"]
    assert count == 48 * 2 + 12 * 2 + 6


@given(SEEDS)
def test_ed25519_forms_agree_with_solders(seed):
    keypair = pytest.importorskip("solders.keypair", reason="Solana's own implementation is not installed").Keypair
    peer = keypair.from_seed(seed)
    assert encode_keypair(seed) == str(peer)
    assert json.loads(encode_json_keypair(Secret(seed))) == json.loads(peer.to_json())
    forms = (
        seed, bytes(peer), str(peer), peer.to_json(), json.dumps(list(bytes(peer)), indent=1), list(bytes(peer)),
        tuple(bytes(peer)), seed.hex(), f"0x{bytes(peer).hex()}", Secret(bytes(peer)), list(seed),
        f" {peer}\n", f"ed25519-priv-0x{seed.hex()}",
    )  # fmt: skip
    for form in forms:
        assert parse_ed25519(form).expose() == seed
    for address_like in (base58.encode(seed), str(peer.pubkey())):
        with pytest.raises(InvalidKey, match="address"):
            parse_ed25519(address_like)


@given(SEEDS, st.integers(0, 31), st.integers(1, 255))
def test_a_foreign_public_half_is_refused(seed, place, change):
    public = bytearray(public_key(seed))
    public[place] ^= change
    pair = seed + bytes(public)
    for form in (pair, pair.hex(), base58.encode(pair), json.dumps(list(pair)), list(pair)):
        with pytest.raises(InvalidKey, match="public half"):
            parse_ed25519(form)


@given(st.text(max_size=150) | st.binary(max_size=80) | st.lists(st.integers(-5, 300), max_size=70))
def test_garbage_gives_a_key_or_an_error_of_the_tree(value):
    for parse in (parse_secp256k1, parse_ed25519):
        try:
            result = parse(value)
        except InvalidKey:
            continue
        secret = result[0] if isinstance(result, tuple) else result
        assert len(secret) == 32


def test_nothing_shows_the_key():
    key = decode_wif(encode_wif(KEY))
    assert repr(key) == "WifKey(private_key=Secret(…), compressed=True, version=128)"
    assert repr(parse_secp256k1(KEY)) == "(Secret(…), True)"
    assert repr(parse_ed25519(KEY)) == "Secret(…)"
