"""Networks of your own: one call, or a TOML file. Needs the extra devnet and no network."""

import tempfile
from pathlib import Path

import multiwallet
from multiwallet import Wallet
from multiwallet.devnet import Devnet

# An EVM network is one row: its chain id, its coin, where its nodes are.
rollup = multiwallet.add_network(
    "my-rollup",
    id="eip155:424242",
    symbol="ETH",
    title="My Rollup",
    endpoints=["http://127.0.0.1:8545"],
    params={"fees": "eip1559"},
)
print("added:", rollup.title, rollup.id)

# The same as a file. MULTIWALLET_NETWORKS=networks.toml in the environment loads it at the first look-up.
TOML = """
[networks.mycoin]
id = "bip122:00112233445566778899aabbccddeeff"
symbol = "MYC"
decimals = 8
slip44 = 3
[networks.mycoin.params]
genesis = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
p2pkh = 0x1e
p2sh = 0x16
wif = 0x9e
min_relay_rate = 2000
replacement = false
message_magic = "Mycoin Signed Message:\\n"
"""
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "networks.toml"
    file.write_text(TOML)
    print("loaded:", *(row.name for row in multiwallet.load_networks(file)))

words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
with Devnet() as devnet, Wallet.from_mnemonic(words, transport=devnet) as wallet:
    account = wallet.account("my-rollup")
    devnet.fund(account, "1")  # the devnet answers under any network's name and chain id
    receipt = account.send(to="0x70997970C51812dc3A010C7d01b50e0d17dc79C8", amount="0.4").wait()
    print(account.id, receipt.status.value, account.balance())

    print(wallet.account("mycoin").address)  # without an hrp there is no segregated witness: p2pkh
