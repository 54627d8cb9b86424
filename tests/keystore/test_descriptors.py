"""Descriptors, Bitcoin Core's files and multisig wallets: BIP-380's vectors, BDK, and a real node both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.errors import InputError, InvalidKey, InvalidPath, Unsupported
from multiwallet.keystore import descriptor_text

ABANDON = "abandon " * 11 + "about"
KINDS = ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr")


def bdk_address(text: str, index: int = 0, *, network: str = "BITCOIN", internal: bool = False) -> str:
    bdk = pytest.importorskip("bdkpython", reason="BDK is the peer")
    kind = (
        getattr(bdk.NetworkKind, "MAIN" if network == "BITCOIN" else "TEST", None)
        if hasattr(bdk, "NetworkKind")
        else None
    )
    if "prv" in text:  # BDK reads several branches in one of public descriptors only
        text = text.partition("#")[0].replace("<0;1>", str(int(internal)))
    descriptor = bdk.Descriptor(text, kind or getattr(bdk.Network, network))
    if "<" in text:
        descriptor = descriptor.to_single_descriptors()[int(internal)]
    return str(descriptor.derive_address(index, getattr(bdk.Network, network)))


def test_checksums_of_bip_380(vectors):
    rows = vectors("keystore_descriptors")["checksums"]
    for text in rows["valid"]:
        body, _, mark = text.partition("#")
        assert descriptor_text.checksum(body) == mark
        with pytest.raises(Unsupported):
            keystore.load(text)
    for text in rows["invalid"]:
        with pytest.raises(InvalidKey):
            keystore.load(text, format="descriptor")


def test_key_expressions_of_bip_380(vectors):
    rows = vectors("keystore_descriptors")["keys"]
    assert (len(rows["valid"]), len(rows["invalid"])) == (21, 16)
    for text in rows["valid"]:
        assert descriptor_text.parse_key(text) is not None
    for text in rows["invalid"]:
        with pytest.raises((InvalidKey, InvalidPath)):
            descriptor_text.parse_key(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("private", [True, False])
def test_an_account_both_ways_with_bdk(kind, private):
    with Mnemonic.generate() as words, Wallet.from_mnemonic(words) as wallet:
        text = keystore.dump(words, "descriptor", private=private, kind=kind)
        expected = [wallet.account("bitcoin", index=index, kind=kind).address for index in (0, 1, 7)]
        assert [bdk_address(text, index) for index in (0, 1, 7)] == expected
        with keystore.load(text) as key, key.wallet() as opened:
            hint = key.accounts[0]
            assert (key.address, hint.kind, key.has_private_keys) == (expected[0], kind, private)
            assert [hint.open(opened, index).address for index in (0, 1, 7)] == expected
            assert hint.open(opened, 4, change=1).address == bdk_address(text, 4, internal=True)
            assert hint.open(opened).address == expected[0]
            assert keystore.load(keystore.dump(key, "descriptor", private=private)).address == expected[0]
            if private:
                account = wallet.account("bitcoin", index=0, kind=kind)
                assert key.export_private_key() == account.export_private_key()
                assert hint.open(opened, 7).sign_message("x")


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_key(kind):
    with Wallet.from_private_key("bitcoin", "46" * 32) as wallet:
        account = wallet.account("bitcoin", kind=kind)
        text = keystore.dump(account, "descriptor")
        assert bdk_address(text) == account.address
        with keystore.load(text) as key:
            assert (key.address, key.export_private_key()) == (account.address, account.export_private_key())
        with keystore.load(keystore.dump(account, "descriptor", private=False)) as watching:
            assert (watching.kind, watching.address) == ("public-key", account.address)
            with pytest.raises(Unsupported):
                watching.wallet()


def test_bitcoin_cores_json(vectors):
    with Mnemonic(ABANDON) as words, Wallet.from_mnemonic(words) as wallet:
        rows = json.loads(keystore.dump(words, "bitcoin-core-descriptors", timestamp="now"))
        assert [(row["active"], row["internal"], row["timestamp"]) for row in rows] == [
            (True, False, "now"),
            (True, True, "now"),
        ]
        listed = {"wallet_name": "mine", "descriptors": []}
        for kind in KINDS:
            listed["descriptors"] += json.loads(keystore.dump(words, "bitcoin-core-descriptors", kind=kind))
        with keystore.load(listed) as key, key.wallet() as opened:
            assert (key.label, len(key.accounts), key.others) == ("mine", 4, ())
            assert key.accounts[0].kind == "p2wpkh"
            for hint in key.accounts:
                expected = wallet.account("bitcoin", kind=hint.kind).address
                assert hint.open(opened).address == opened.account("bitcoin", kind=hint.kind).address == expected
    for wrong in ({"descriptors": []}, {"descriptors": [{"desc": 7}]}, [{"desc": "x"}], {"descriptors": {"desc": "x"}}):
        with pytest.raises(InvalidKey):
            keystore.load(wrong)


def test_a_dump_is_held_against_its_addresses():
    with Mnemonic(ABANDON) as words:
        text = keystore.dump(words, "bitcoin-core-dump", count=3)
    with keystore.load(text) as key, Wallet.from_mnemonic(ABANDON) as wallet:
        assert [each.address for each in (key, *key.others)][:3] == [
            wallet.account("bitcoin", index=index).address for index in range(3)
        ]
    lines = text.splitlines()
    swapped = text.replace(key.address, key.others[0].address)
    with pytest.raises(InvalidKey, match="not that of the key"):
        keystore.load(swapped)
    master = keystore.dump(Mnemonic(ABANDON), "extended-key")
    with keystore.load("\n".join([lines[0], f"# extended private masterkey: {master}", *lines])) as key:
        assert (key.kind, len(key.others), key.accounts[0].kind) == ("extended-private-key", 6, "p2wpkh")
    other = keystore.dump(Mnemonic.generate(), "extended-key")
    with pytest.raises(InvalidKey, match="does not lead"):
        keystore.load("\n".join([lines[0], f"# extended private masterkey: {other}", *lines]))


def test_multisig_files_of_sparrow_specter_and_coldcard(vectors):
    files = vectors("keystore_multisig")["files"]
    for name, text in files.items():
        with keystore.load(text) as key:
            if "multisig" in name or name == "specter-diy-export.txt":
                assert key.kind == "multisig"
                network = "BITCOIN" if key.network == "bitcoin" else "TESTNET"
                assert key.address == bdk_address(key.public, network=network), name
                with pytest.raises(Unsupported, match="descriptor"):
                    key.wallet()
                for form in ("specter", "specter-diy", "coldcard"):
                    if form == "coldcard" and "(multi(" in key.public:
                        continue
                    again = keystore.load(keystore.dump(key, "multisig", form=form))
                    assert (again.address, again.label) == (key.address, key.label or "multisig")
                assert keystore.load(keystore.dump(key, "descriptor")).address == key.address
            else:
                assert key.kind == "extended-public-key"
                assert key.accounts[0].is_branch
                with key.wallet() as wallet:
                    assert key.accounts[0].open(wallet).address == key.address
    names = {name: keystore.load(text).label for name, text in files.items()}
    assert names["cc-multisig-export-1.txt"] == "CC-2-of-4"
    assert names["specter-wallet.json"] == "specter-wallet"
    assert names["specter-diy-export.txt"] == "Sparrow Multisig"


def test_private_keys_of_a_multisig_are_not_kept():
    from multiwallet.keys.hd import ExtendedKey

    nodes = [ExtendedKey.from_seed(bytes((number,)) * 16) for number in (1, 2, 3)]
    private = ",".join(f"{node.serialize()}/48h/0h/0h/2h/<0;1>/*" for node in nodes)
    with keystore.load(f"wsh(sortedmulti(2,{private}))") as key:
        assert "prv" not in key.public
        assert key.public.count(f"[{nodes[0].fingerprint.hex()}/48h/0h/0h/2h]") == 1
        assert key.address == bdk_address(f"wsh(sortedmulti(2,{private}))")


@pytest.mark.parametrize(
    "text",
    [
        "wpkh()",
        "wsh(sortedmulti(3,02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5))",
        "wsh(multi(0,02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5))",
        "wpkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5/0)",
        "sh(wsh(pkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)))",
        "wpkh(" * 1000,
        "wpkh([00000000" + "/1" * 300 + "]02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)",
        "tr(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5,{pk(a),pk(b)})",
    ],
)
def test_hostile_descriptors(text):
    with pytest.raises((InputError, Unsupported)):
        keystore.load(text, format="descriptor")


@given(st.text(alphabet="wpkhstrmulti()[]/,*<>;'h0123456789abcdef#", max_size=200))
def test_garbage_is_refused(text):
    with pytest.raises((InputError, Unsupported)):
        descriptor_text.parse(text)
