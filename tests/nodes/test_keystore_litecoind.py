"""Dumps and keys both ways with litecoind, a fork of Bitcoin Core whose wallet has dumpwallet and importwallet."""

from __future__ import annotations

import json

import pytest

from multiwallet import Mnemonic, Wallet, keystore

pytestmark = pytest.mark.node
NETWORK = "litecoin-regtest"


@pytest.fixture
def core(litecoind, tmp_path):
    """A function that calls the RPC of a fresh wallet of the node's, and the folder that it may write to."""
    names = iter(("theirs", "ours", "third"))

    def wallet(**options):
        name = str(tmp_path / next(names))
        litecoind.rpc("createwallet", name, options.get("watch_only", False), options.get("blank", False))
        return lambda method, *params: litecoind.rpc(method, *params, path="/wallet/" + name)

    before = litecoind.rpc("listwallets")
    yield wallet, tmp_path
    for name in litecoind.rpc("listwallets"):
        if name not in before:  # with several wallets loaded, the node would no longer know which one others mean
            litecoind.rpc("unloadwallet", name)


def test_what_dumpwallet_writes_is_read(core):
    new_wallet, folder = core
    rpc = new_wallet()
    kinds = {"legacy": "p2pkh", "p2sh-segwit": "p2sh-p2wpkh", "bech32": "p2wpkh"}
    expected = {rpc("getnewaddress", "my label", form): kind for form, kind in kinds.items()}
    rpc("dumpwallet", str(folder / "dump.txt"))
    with keystore.load((folder / "dump.txt").read_bytes()) as key:
        assert (key.format, key.kind, key.network) == ("bitcoin-core-dump", "extended-private-key", NETWORK)
        found = {other.address: other for other in key.others}
        assert len(found) > 100
        for address, kind in expected.items():
            assert (found[address].accounts[0].kind, found[address].label) == (kind, "my label")
            assert found[address].export_private_key() == rpc("dumpprivkey", address)
        with key.wallet() as wallet:
            listed = {hint.open(wallet).address for hint in key.accounts}
        assert set(expected) <= listed


def test_importwallet_reads_what_is_written(core):
    new_wallet, folder = core
    with Mnemonic.generate() as words, Wallet.from_mnemonic(words) as mine:
        key = keystore.load(words.expose(), network=NETWORK, format="mnemonic")
        (folder / "ours.txt").write_text(keystore.dump(key, "bitcoin-core-dump", count=5))
        rpc = new_wallet(blank=True)
        rpc("importwallet", str(folder / "ours.txt"))
        for index in range(5):
            account = mine.account(NETWORK, index=index)
            assert rpc("getaddressinfo", account.address)["ismine"]
            assert rpc("dumpprivkey", account.address) == account.export_private_key()


def test_the_node_derives_the_addresses_of_a_descriptor(litecoind):
    with Mnemonic.generate() as words, Wallet.from_mnemonic(words) as mine:
        key = keystore.load(words.expose(), network=NETWORK, format="mnemonic")
        for kind in ("p2pkh", "p2sh-p2wpkh", "p2wpkh"):
            rows = json.loads(keystore.dump(key, "bitcoin-core-descriptors", kind=kind))
            text = rows[0]["desc"]
            checked = litecoind.rpc("getdescriptorinfo", text)
            assert checked["hasprivatekeys"]
            assert litecoind.rpc("deriveaddresses", text, [0, 4]) == [
                mine.account(NETWORK, index=index, kind=kind).address for index in range(5)
            ]
            public = json.loads(keystore.dump(key, "bitcoin-core-descriptors", kind=kind, private=False))[1]["desc"]
            assert not litecoind.rpc("getdescriptorinfo", public)["hasprivatekeys"]
            with keystore.load(public, network=NETWORK) as watching, watching.wallet() as wallet:
                assert litecoind.rpc("deriveaddresses", public, [2, 2]) == [
                    watching.accounts[0].open(wallet, 2, change=1).address
                ]


def test_wif_both_ways(core):
    new_wallet, _ = core
    rpc = new_wallet()
    address = rpc("getnewaddress", "", "bech32")
    with keystore.load(rpc("dumpprivkey", address), network=NETWORK) as key:
        assert key.address == address
    with Wallet.from_private_key(NETWORK, "46" * 32) as wallet:
        account = wallet.account(NETWORK)
        rpc("importprivkey", keystore.dump(account, "wif"))
        assert rpc("getaddressinfo", account.address)["ismine"]
