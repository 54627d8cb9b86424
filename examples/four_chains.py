"""One phrase, an address on four chains. Needs no network: python examples/four_chains.py"""

from multiwallet import Mnemonic, Wallet, networks, parse_address

# A phrase that everybody knows. For money of your own: Mnemonic.generate(24), and keep it on paper.
words = Mnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")

with Wallet.from_mnemonic(words) as wallet:
    for name in ("bitcoin", "ethereum", "tron", "solana"):
        account = wallet.account(name)
        print(f"{name:10} {account.path!s:20} {account.address}")

    # The kinds of Bitcoin address, each on its own standard path.
    for kind in ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr"):
        account = wallet.account("bitcoin", kind=kind)
        print(f"{kind:12} {account.path!s:20} {account.address}")

    # Many at once: the parent key is derived a single time.
    deposits = wallet.accounts("polygon", start=100, count=3)
    print("deposit addresses 100 to 102:", *(account.address for account in deposits), sep="\n  ")

# What a customer typed, checked before it is stored.
print("checked:", parse_address("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"))
print(len(networks()), "networks are known")
