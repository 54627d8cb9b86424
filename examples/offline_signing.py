"""Build on a machine that is online, sign on one that is not, and broadcast.

The online side holds no key: an extended public key is enough. Needs the extra devnet, no network.
"""

from multiwallet import UnsignedTransaction, Wallet
from multiwallet.devnet import Devnet

WORDS = "test test test test test test test test test test test junk"


def offline_extended_key() -> str:
    """Once, on the offline machine: the public half of account 0, to be carried to the online one."""
    with Wallet.from_mnemonic(WORDS) as wallet:
        return wallet.account("ethereum").extended_public_key()


def offline_sign(text: str) -> str:
    """On the offline machine: read the file, look at what it does, sign it."""
    with Wallet.from_mnemonic(WORDS) as wallet:
        transaction = UnsignedTransaction.from_json(text)  # refuses a file whose parts contradict each other
        print("the offline machine is asked to sign:")
        print(transaction.summary)
        return wallet.account("ethereum").sign(transaction).hex()


xpub = offline_extended_key()
with Devnet() as devnet, Wallet.from_xpub("ethereum", xpub, transport=devnet) as watching:
    account = watching.account("ethereum")
    devnet.fund(account, "2")
    print("online and watch-only:", watching, account.address, account.balance())

    file = account.build(to="0x70997970C51812dc3A010C7d01b50e0d17dc79C8", amount="0.75").to_json()
    raw = offline_sign(file)  # carried there and back, on a stick or as a QR code

    receipt = account.broadcast(raw).wait()
    print("broadcast:", receipt.txid, receipt.status.value)
    print("left:", account.balance())
