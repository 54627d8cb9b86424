"""Uniform Resources: the reference implementation's numbers, the papers' vectors, other software both ways."""

from __future__ import annotations

import contextlib
import random
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.errors import InputError, InvalidKey, Unsupported
from multiwallet.keystore import ur
from multiwallet.keystore.ur import bytewords, cbor, fountain

ACCOUNT_WORDS = "shield group erode awake lock sausage cash glare wave crew flame glove"  # of BCR-2020-015
ABANDON = "abandon " * 11 + "about"


def message(size: int, seed: bytes = b"Wolf") -> bytes:
    """What the reference implementation's tests take as a message."""
    generator = fountain._Random(seed)
    return bytes(generator.up_to(255) for _ in range(size))


def test_bytewords(vectors):
    row = vectors("keystore_ur")["bytewords"]
    data = bytes.fromhex(row["data"])
    for style in ("standard", "minimal"):
        assert bytewords.encode(data, style) == row[style]
        assert bytewords.decode(row[style], style) == bytewords.decode(row[style].upper(), style) == data
    assert bytewords.encode(bytes((0, 1, 2, 128, 255)), "uri") == "able-acid-also-lava-zoom-jade-need-echo-taxi"
    for wrong, style in (
        ("aeadaolazojendeowf", "minimal"),
        ("able acid also lava zero jade need echo wolf", "standard"),
        ("wolf", "standard"),
        ("", "minimal"),
        ("aeadaolazmjendeot", "minimal"),
        ("aeadaolazmjendeoxx", "minimal"),
    ):
        with pytest.raises(InvalidKey):
            bytewords.decode(wrong, style)


def test_the_generator_and_the_choices_are_the_references(vectors):
    rows = vectors("keystore_ur")
    generator = fountain._Random(b"Wolf")
    assert [generator.next() % 100 for _ in range(100)] == rows["rng_wolf_mod_100"]
    generator = fountain._Random(b"Wolf")
    assert [generator.up_to(9) + 1 for _ in range(100)] == rows["rng_wolf_1_to_10"]
    generator, sample = fountain._Random(b"Wolf"), fountain._sampler([1, 2, 4, 8])
    assert [sample(generator) for _ in range(500)] == rows["sampler_1_2_4_8"]
    degrees = [fountain._degrees(11)(fountain._Random(f"Wolf-{nonce}".encode())) + 1 for nonce in range(1, 201)]
    assert degrees == rows["degrees_of_11"]
    whole = message(1024)
    import zlib

    chosen = [sorted(fountain.choose_fragments(number, 11, zlib.crc32(whole))) for number in range(1, 31)]
    assert chosen == rows["fragments_of_11"]
    assert fountain.fragment_length(12345, 1955, 1005) == 1764
    assert fountain.fragment_length(12345, 30000, 1005) == 12345
    parts = fountain.parts(whole, 100)
    assert [next(parts).data.hex() for _ in range(11)] == rows["partition_1024"]


def test_parts_as_the_reference_writes_them(vectors):
    rows = vectors("keystore_ur")
    whole = ur.UR("bytes", cbor.encode(message(256)))
    assert ur.encode(whole, longest_fragment=30, extra=11) == rows["parts_256_30"]
    assert ur.encode(ur.UR("bytes", cbor.encode(message(50)))) == [rows["single_50"]]
    assert ur.decode(rows["single_50"].upper()).content == cbor.encode(message(50))
    for some in (rows["parts_256_30"][9:], rows["parts_256_30"][::2], list(reversed(rows["parts_256_30"]))):
        decoder = ur.URDecoder()
        if any(decoder.receive(part) for part in some):
            assert decoder.result == whole
        else:
            assert decoder.progress[0] < decoder.progress[1] == 9


@given(st.binary(min_size=1, max_size=2000), st.integers(10, 300), st.integers(0, 2**32), st.integers(1, 2**32 - 1))
def test_any_parts_that_are_enough_give_the_message(data, longest, seed, first):
    chooser = random.Random(seed)
    decoder = fountain.FountainDecoder()
    for tried, part in enumerate(fountain.parts(data, longest, first)):
        assert tried < 60 + 4 * part.total
        if chooser.random() < 0.5 and decoder.receive(fountain.Part.decode(part.encode())):
            break
    assert decoder.message == data


def test_keys_of_the_papers(vectors):
    for row in vectors("keystore_ur")["keys"]:
        found = ur.decode(row["ur"])
        assert found.content.hex() == row["cbor"]
        assert ur.encode(found) == [row["ur"]]
        assert cbor.encode(cbor.decode(found.content)).hex() == row["cbor"]
        if found.type == "psbt":
            assert ur.decode_psbt(row["ur"])[:5] == b"psbt\xff"
            assert ur.encode_psbt(ur.decode_psbt(row["ur"]), version=2, longest_fragment=None) == [row["ur"]]
            with pytest.raises(Unsupported, match="transaction"):
                keystore.load(row["ur"])
        else:
            assert keystore.load(row["ur"]).format == "ur"


def test_hdkeys_of_the_paper():
    master = keystore.load(
        "ur:hdkey/otadykaxhdclaevswfdmjpfswpwkahcywspsmndwmusoskprbbehetchsnpfcybbmwrhchspfxjeecaahdcxltfszmlyrtdlgmhfcn"
        "zcctvwcmkbpsftgonbgauefsehgrqzdmvodizmweemtlaybakiylat"
    )
    expected = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
    assert keystore.dump(master, "extended-key") == expected
    assert keystore.dump(master, "ur", private=True, version=2).startswith("ur:hdkey/otadykaxhdclaevswfdmjpfswpwkah")
    child = keystore.load(
        "ur:hdkey/onaxhdclaojlvoechgferkdpqdiabdrflawshlhdmdcemtfnlrctghchbdolvwsednvdztbgolaahdcxtottgostdkhfdahdlykkec"
        "bbweskrymwflvdylgerkloswtbrpfdbsticmwylklpahtantjsoyaoadamtantjooyadlecsdwykadykadykaewkadwkaycywlcscewfjnkpvllt"
    )
    assert child.public == (
        "tpubDHW3GtnVrTatx38EcygoSf9UhUd9Dx1rht7FAL8unrMo8r2NWhJuYNqDFS7cZFVbDaxJkV94MLZAr86XFPsAPYcoHWJ7sWYsrmHDw5sKQ2K"
    )
    assert (child.network, str(child.accounts[0].path)) == ("bitcoin-testnet", "m/44'/1'/1'/0/1")


def test_the_account_of_the_paper_is_written_as_the_paper_has_it(vectors):
    rows = {row["ur"].partition("/")[0]: row["ur"] for row in vectors("keystore_ur")["keys"]}
    with Wallet.from_mnemonic(ACCOUNT_WORDS) as wallet:
        for version, name in ((1, "ur:crypto-account"), (2, "ur:account-descriptor")):
            theirs = keystore.load(rows[name])
            for kind in ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr"):
                one = keystore.dump(Mnemonic(ACCOUNT_WORDS), "ur", type="output", kind=kind, version=version)
                assert ur.decode(one).content in ur.decode(rows[name]).content
            ours = keystore.load(keystore.dump(Mnemonic(ACCOUNT_WORDS), "ur", type="account", version=version))
            for key in (theirs, ours):
                assert key.address == wallet.account("bitcoin").address
                assert key.accounts[0].kind == "p2wpkh"
                assert {other.public for other in (key, *key.others)} == {
                    other.public for other in (theirs, *theirs.others)
                }
                kinds = {other.accounts[0].kind: other.address for other in (key, *key.others)}
                assert kinds == {
                    kind: wallet.account("bitcoin", kind=kind).address
                    for kind in ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr")
                }


def test_seeds_are_a_mnemonics_entropy():
    with Mnemonic(ABANDON) as words:
        text = keystore.dump(words, "ur")
        assert text.startswith("ur:crypto-seed/")
        assert keystore.load(text).mnemonic().expose() == ABANDON
        assert keystore.load(text, "TREZOR").address != keystore.load(text).address
    whole = secrets.token_bytes(64)
    text = ur.encode(ur.UR("crypto-seed", cbor.encode({1: whole, 3: "a name"})))[0]
    with keystore.load(text) as key, Wallet.from_seed(whole) as wallet:
        assert (key.kind, key.label, key.address) == ("seed", "a name", wallet.account("bitcoin").address)
        assert keystore.load(keystore.dump(key, "ur")).address == key.address


@pytest.mark.parametrize("network", ["bitcoin", "bitcoin-testnet", "ethereum", "litecoin"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("private", [True, False])
def test_hdkeys_round_trip(network, version, private):
    with Mnemonic.generate() as words, Wallet.from_mnemonic(words) as wallet:
        key = keystore.load(words.expose(), network=network, format="mnemonic")
        parts = keystore.dump(key, "ur", type="hdkey", private=private, version=version, longest_fragment=40, extra=20)
        with keystore.load(parts[1:]) as back:
            assert back.network == network
            assert back.address == key.address == wallet.account(network).address
            assert back.has_private_keys == private
            if private:
                assert back.export_private_key() == wallet.account(network, index=0).export_private_key()


def test_both_ways_with_ngraveio(peers):
    content = cbor.encode(secrets.token_bytes(500))
    theirs = peers("@ngraveio/bc-ur", "urWrite", type="bytes", cbor=content.hex(), longest=50, count=24)
    assert (
        ur.encode(ur.UR("bytes", content), longest_fragment=50, extra=24 - int(theirs[0].split("-")[1].split("/")[0]))
        == theirs
    )
    assert ur.decode(theirs[5:]).content == content
    ours = ur.encode(ur.UR("bytes", content), longest_fragment=60, extra=12)
    assert peers("@ngraveio/bc-ur", "urRead", parts=ours[3:]) == {"type": "bytes", "cbor": content.hex()}


def test_both_ways_with_keystones_registry(peers):
    registry = "@keystonehq/bc-ur-registry"
    with Mnemonic(ACCOUNT_WORDS) as words:
        written = ur.decode(keystore.dump(words, "ur", type="hdkey"))
        read = peers(registry, "registryRead", type=written.type, cbor=written.content.hex())
        key = keystore.load(ur.encode(written)[0])
        assert (read["xpub"], read["path"], read["fingerprint"]) == (key.public, "84'/0'/0'", "37b5eed4")
        for kind, start in (("p2pkh", "pkh("), ("p2sh-p2wpkh", "sh(wpkh("), ("p2wpkh", "wpkh(")):
            output = ur.decode(keystore.dump(words, "ur", type="output", kind=kind))
            read = peers(registry, "registryRead", type=output.type, cbor=output.content.hex())
            assert read["descriptor"].startswith(start)
            assert keystore.load(ur.encode(output)[0]).public in read["descriptor"]
    psbt = b"psbt\xff" + secrets.token_bytes(90)
    theirs = peers(registry, "registryWritePsbt", psbt=psbt.hex())
    assert ur.encode_psbt(psbt, longest_fragment=None) == ur.encode(
        ur.UR(theirs["type"], bytes.fromhex(theirs["cbor"]))
    )


def test_a_psbt_travels_by_camera():
    psbt = b"psbt\xff" + secrets.token_bytes(3000)
    parts = ur.encode_psbt(psbt, longest_fragment=150, extra=15)
    seen = parts[::3] + parts[1::3] + parts[2::3]
    assert ur.decode_psbt(seen) == psbt
    with pytest.raises(InvalidKey, match="not complete"):
        ur.decode_psbt(parts[:5])
    with pytest.raises(InvalidKey, match="no PSBT"):
        ur.decode_psbt(keystore.dump(Mnemonic(ABANDON), "ur"))


def test_a_watching_wallet_pays_by_an_air_gapped_one():
    pytest.importorskip("pbk", reason="the extra devnet is not installed")
    from multiwallet.devnet import Devnet

    with Mnemonic.generate() as words, Devnet() as devnet, Wallet.from_mnemonic(words) as phone:
        shown = keystore.dump(words, "ur", type="account", longest_fragment=100, extra=30)
        with keystore.load(shown[4:]) as key, key.wallet(transport=devnet) as watching:
            account = key.accounts[0].open(watching)
            devnet.fund(account, "0.5")
            transaction = account.build(to="bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", amount="0.2")
            frames = ur.encode_psbt(transaction.body, longest_fragment=60, extra=40)
            signed = phone.account("bitcoin").sign(ur.decode_psbt(frames[5:]))
            assert account.broadcast(signed).txid == signed.txid
            account.wait(signed.txid)


def test_parts_of_two_urs_do_not_mix():
    first = ur.encode(ur.UR("bytes", b"a" * 100), longest_fragment=30)
    second = ur.encode(ur.UR("bytes", b"b" * 100), longest_fragment=30)
    decoder = ur.URDecoder()
    decoder.receive(first[0])
    for other in (second[1], first[1].replace("bytes", "psbt"), first[1].replace("/2-", "/3-")):
        with pytest.raises(InvalidKey):
            decoder.receive(other)
    assert [decoder.receive(part) for part in first[1:]][-1]


cbor2_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.integers(0, 300) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(cbor2_values)
def test_cbor_against_cbor2(value):
    cbor2 = pytest.importorskip("cbor2", reason="cbor2 is the peer")
    assert cbor.encode(value) == cbor2.dumps(value)
    assert cbor.decode(cbor2.dumps(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        "",
        "5fff",  # of indefinite length
        "9f",
        "f97e00",  # a float
        "ff",
        "1c",
        "61ff",  # no UTF-8
        "a201000100",  # a key twice
        "a14100ff",  # a key of bytes
        "0000",  # goes on
        "5a7fffffff00",  # claims two gigabytes
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "81" * 100_000 + "00",
        "c1" * 100_000 + "00",
    ],
)
def test_hostile_cbor(data):
    with pytest.raises(InvalidKey):
        cbor.decode(bytes.fromhex(data))


@given(
    st.binary(max_size=200), st.sampled_from(["seed", "crypto-hdkey", "crypto-output", "account-descriptor", "bip39"])
)
def test_garbage_in_a_ur(data, kind):
    for content in (data, b"\xa1\x03\x58\x21" + data, b"\xa2\x01\x1a" + data):
        with contextlib.suppress(InputError, Unsupported):
            keystore.load(ur.encode(ur.UR(kind, content))[0])


@given(st.lists(st.integers(0, 2**33), min_size=4, max_size=4), st.binary(max_size=50))
def test_hostile_parts(numbers, data):
    with contextlib.suppress(InvalidKey):
        fountain.FountainDecoder().receive(fountain.Part.decode(cbor.encode([*numbers, data])))
