"""MetaMask, Polkadot-JS, Solana, SeedQR, SLIP-39: the owners' software and published vectors."""

from __future__ import annotations

import base64
import json
import secrets

import pytest

from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.errors import InputError, InvalidKey, InvalidMnemonic, Unsupported

WORDS = "test test test test test test test test test test test junk"
FIRST = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # the first accounts of these words, as every devnet has them
SECOND = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_metamask_vaults(vectors):
    rows = vectors("keystore_metamask")["vaults"]
    for row, count in zip(rows, (3, 1, 2), strict=True):
        for form in (
            row["vault"],
            json.dumps(row["vault"]),
            {"KeyringController": {"vault": json.dumps(row["vault"])}},
        ):
            with keystore.load(form, row["password"]) as key, key.wallet() as wallet:
                assert (key.kind, key.network, key.address) == ("mnemonic", "ethereum", FIRST)
                assert key.mnemonic().expose() == WORDS
                assert len(key.accounts) == count
                assert [hint.open(wallet).address for hint in key.accounts][:2] == [FIRST, SECOND][:count]
                assert [other.address for other in key.others] == ["0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"]
        with pytest.raises(InvalidKey, match="the password is wrong"):
            keystore.load(row["vault"], row["password"] + "x")
        with pytest.raises(InvalidKey, match="give its password"):
            keystore.load(row["vault"])


def test_both_ways_with_metamask(peers):
    library = "@metamask/browser-passworder"
    with Mnemonic.generate() as words:
        vault = keystore.dump(words, "metamask", "pässwörd", accounts=2)
        keyrings = peers(library, "metamaskRead", vault=vault, password="pässwörd")
        assert bytes(keyrings[0]["data"]["mnemonic"]).decode() == words.expose()
        theirs = peers(library, "metamaskWrite", password="pw", keyrings=keyrings)
        with keystore.load(theirs, "pw") as key:
            assert key.mnemonic() == words
            assert len(key.accounts) == 2
    single = keystore.load("46" * 32, network="ethereum")
    keyrings = peers(library, "metamaskRead", vault=keystore.dump(single, "metamask", "pw"), password="pw")
    assert keyrings == [{"type": "Simple Key Pair", "data": ["46" * 32]}]


def test_hostile_vaults(vectors):
    vault = vectors("keystore_metamask")["vaults"][0]["vault"]
    for rounds in (0, -1, 10**9, "1", None, True):
        changed = vault | {"keyMetadata": {"algorithm": "PBKDF2", "params": {"iterations": rounds}}}
        with pytest.raises(InvalidKey):
            keystore.load(changed, "correct horse")
    for field in ("data", "iv", "salt"):
        for value in ("", "!", 7, None, vault[field][:-4]):
            with pytest.raises(InvalidKey):
                keystore.load(vault | {field: value}, "correct horse")
    with pytest.raises(Unsupported, match="phone app"):
        keystore.load(vault | {"lib": "original"}, "correct horse")
    nested: object = "x"
    for _ in range(50):
        nested = {"data": nested}
    with pytest.raises(InvalidKey):
        keystore.load(nested, "pw")


# Public keys of //Alice of Substrate's development phrase (sp-keyring).
ALICE = {
    "sr25519": "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
    "ed25519": "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
    "ecdsa": "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1",
}


def test_polkadot_accounts(vectors):
    accounts = vectors("keystore_polkadot_js")["accounts"]
    assert len(accounts) == 8
    for name, file in accounts.items():
        kind = name.removesuffix("-plain")
        with keystore.load(file, None if name.endswith("-plain") else "pass wörd") as key:
            if kind in ("sr25519", "ecdsa"):
                assert key.kind == f"{kind}-private-key"
                assert key.address == file["address"]
                with key.wallet() as wallet:  # the kind of account that has the pair's curve
                    account = wallet.account("polkadot")
                    assert account.kind == kind
                    assert account.public_key.hex() == ALICE[kind]
                    assert account.verify_message("hello", account.sign_message("hello"))
                with (
                    pytest.raises(Unsupported, match=kind),
                    keystore.load(file, None if name.endswith("-plain") else "pass wörd", network="solana") as other,
                ):
                    other.wallet()
            elif kind == "ethereum":
                assert key.address == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"
                assert key.export_private_key() == "0x" + "46" * 32
            else:
                assert (key.kind, key.address, key.label) == ("private-key", file["address"], "Alice ed25519")
                with key.wallet() as wallet:
                    account = wallet.account("polkadot")
                    assert (account.kind, account.public_key.hex()) == ("ed25519", ALICE["ed25519"])
        if not name.endswith("-plain"):
            with pytest.raises(InvalidKey, match="the password is wrong"):
                keystore.load(file, "pass word")
            with pytest.raises(InvalidKey, match="give its password"):
                keystore.load(file)


def test_an_ed25519_pair_signs_where_the_network_is_named(vectors):
    file = vectors("keystore_polkadot_js")["accounts"]["ed25519"]
    with keystore.load(file, "pass wörd", network="solana") as key, key.wallet() as wallet:
        account = wallet.account("solana")
        assert account.address == key.address
        assert account.verify_message("hello", account.sign_message("hello"))


def test_an_address_or_a_public_key_of_another_is_refused(vectors):
    accounts = vectors("keystore_polkadot_js")["accounts"]
    for name, file in accounts.items():
        other = accounts["ed25519" if name.startswith("sr") else "sr25519"]["address"]
        if name.startswith("ethereum"):
            other = "0x" + "00" * 20
        with pytest.raises(InvalidKey, match="claims"):
            keystore.load(file | {"address": other}, "pass wörd")
    for kind in ("ed25519", "sr25519", "ecdsa", "ethereum"):
        plain = accounts[f"{kind}-plain"]
        pair = bytearray(base64.b64decode(plain["encoded"]))
        pair[20] ^= 8  # the private key
        with pytest.raises(InvalidKey, match="does not belong"):
            keystore.load(plain | {"encoded": base64.b64encode(pair).decode()})


@pytest.mark.parametrize("kind", ["ed25519", "sr25519", "ecdsa"])
def test_both_ways_with_polkadot_js(peers, kind):
    theirs = peers("@polkadot/keyring", "polkadotWrite", type=kind, uri="//Bob", password="pw ✓")
    with keystore.load(theirs, "pw ✓") as key:
        assert key.address == theirs["address"]
        for password in ("another ✓", None):
            ours = json.loads(keystore.dump(key, "polkadot-js", password))
            read = peers("@polkadot/keyring", "polkadotRead", json=ours, password=password)
            assert (read["type"], read["locked"]) == (kind, False)
        assert keystore.load(ours).export_private_key() == key.export_private_key()


@pytest.mark.parametrize("numbers", [(2**30, 1, 8), (2**17, 2**31, 8), (2**17, 1, 2**31), (0, 1, 8), (3, 1, 8)])
def test_hostile_polkadot_parameters_end_at_once(vectors, numbers):
    file = vectors("keystore_polkadot_js")["accounts"]["sr25519"]
    encoded = base64.b64decode(file["encoded"])
    hostile = encoded[:32] + b"".join(number.to_bytes(4, "little") for number in numbers) + encoded[44:]
    with pytest.raises(InvalidKey):
        keystore.load(file | {"encoded": base64.b64encode(hostile).decode()}, "pass wörd")


def test_solana_keys_both_ways_with_solders():
    Keypair = pytest.importorskip("solders.keypair", reason="solders is the peer").Keypair
    for _ in range(20):
        pair = Keypair()
        for form in (pair.to_json(), json.loads(pair.to_json()), str(pair), pair.to_json().encode()):
            with keystore.load(form) as key:
                assert (key.format, key.network, key.address) == ("solana-cli", "solana", str(pair.pubkey()))
                assert Keypair.from_json(keystore.dump(key, "solana-cli")) == pair
                assert Keypair.from_base58_string(keystore.dump(key, "solana-cli", form="base58")) == pair
    numbers = json.loads(pair.to_json())
    numbers[40] ^= 1
    with pytest.raises(InvalidKey, match="does not belong"):
        keystore.load(numbers)
    for wrong in (numbers[:63], [*numbers, 1], [256, *numbers[1:]], [True, *numbers[1:]], [-1, *numbers[1:]]):
        with pytest.raises(InvalidKey):
            keystore.load(wrong)


def test_seedqr_vectors(vectors):
    rows = vectors("keystore_seedqr")["vectors"]
    assert len(rows) == 9
    for row in rows:
        with keystore.load(row["digits"]) as key:
            assert key.mnemonic().expose() == row["words"]
            assert keystore.dump(key, "compact-seedqr").hex() == row["entropy"]
        entropy = bytes.fromhex(row["entropy"])
        with keystore.load(entropy, format="compact-seedqr") as key:
            assert key.mnemonic().expose() == row["words"]
            assert keystore.dump(key, "seedqr") == row["digits"]
        if len(entropy) == 16:
            assert keystore.detect(entropy) == "compact-seedqr"
        else:
            with pytest.raises(InvalidKey, match="may be a private key"):
                keystore.load(entropy)
    for wrong in ("9999" * 12, "0000" * 12, "1" * 50):
        with pytest.raises(InputError):
            keystore.load(wrong)


def test_slip39_vectors(vectors):
    pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    from multiwallet.keys.hd import ExtendedKey

    for row in vectors("vault_slip39")["vectors"]:
        if not row["secret"]:
            with pytest.raises(InvalidMnemonic):
                keystore.load(row["shares"], "TREZOR", format="slip39")
            continue
        for form in (row["shares"], "\n".join(row["shares"])):
            with keystore.load(form, "TREZOR") as key, Wallet.from_seed(bytes.fromhex(row["secret"])) as wallet:
                assert (key.format, key.address) == ("slip39", wallet.account("bitcoin").address)
                xprv = ExtendedKey.from_seed(bytes.fromhex(row["secret"])).serialize()
                assert keystore.dump(key, "extended-key") == xprv


def test_slip39_both_ways_with_the_reference():
    shamir = pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    secret = secrets.token_bytes(32)
    groups = shamir.generate_mnemonics(2, [(2, 3), (1, 1)], secret, b"pass")
    shares = groups[0][:2] + groups[1]
    with keystore.load(shares, "pass") as key, Wallet.from_seed(secret) as wallet:
        assert key.address == wallet.account("bitcoin").address
        ours = keystore.dump(key, "slip39", "other", groups=[(3, 5)], iteration_exponent=0)
        assert len(ours) == 5
        assert shamir.combine_mnemonics(ours[1:4], b"other") == secret
    with Mnemonic(WORDS) as words:
        shares = keystore.dump(words, "slip39", iteration_exponent=0)
        assert keystore.load(shares[1:]).address == keystore.load(WORDS).address
        assert shamir.combine_mnemonics(shares[:2]) == words.to_seed().expose()
        short = keystore.dump(words, "slip39", entropy=True, groups=[(1, 1)], iteration_exponent=0)
        assert shamir.combine_mnemonics(short) == words.entropy


def test_slip39_says_what_is_wrong_without_the_words():
    pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    shares = keystore.dump(Mnemonic(WORDS), "slip39", groups=[(3, 4)], iteration_exponent=0)
    for wrong, reason in (
        (shares[:2], "too few|not all|Wrong|fit"),
        ([*shares[:2], shares[0]], "."),
        ([shares[0], shares[1], shares[2].replace(shares[2].split()[-1], "academic")], "."),
        (["zzzz " * 33], "."),
    ):
        with pytest.raises(InputError, match=reason) as caught:
            keystore.load(wrong, format="slip39")
        assert not {word for word in " ".join(shares).split() if len(word) > 5} & set(str(caught.value).split())
    with pytest.raises(InvalidKey, match="ASCII"):
        keystore.load(shares, "pässword")
    with pytest.raises(InputError, match="cannot be made"):
        keystore.dump(Mnemonic(WORDS), "slip39", groups=[(3, 2)])


def test_slip39_shares_that_would_take_minutes_are_refused():
    shamir = pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    from shamir_mnemonic.shamir import EncryptedMasterSecret, split_ems

    slow = split_ems(1, [(1, 1)], EncryptedMasterSecret(7, True, 15, bytes(16)))[0][0].mnemonic()
    assert shamir.Share.from_mnemonic(slow).iteration_exponent == 15
    with pytest.raises(InvalidKey, match="unreasonable"):
        keystore.load([slow])


@pytest.mark.parametrize("kind", ["ed25519", "sr25519", "ecdsa"])
def test_an_account_of_polkadot_is_written_and_opened_again(kind):
    with Wallet.from_seed(bytes(32)) as wallet:
        account = wallet.account("polkadot", path="//0//stash", kind=kind)
        text = keystore.dump(account, "polkadot-js", prefix=0)
        assert json.loads(text)["address"] == account.address
        with keystore.load(text) as key, key.wallet() as opened:
            assert opened.account("polkadot").address == account.address
            assert opened.account("polkadot").kind == kind
    with pytest.raises(Unsupported, match="keeps no keys"):
        keystore.dump(Wallet.from_seed(bytes(32)).account("ethereum"), "polkadot-js")
