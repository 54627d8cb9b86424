"""All balances at once; a network that fails does not hide the others. Needs the extra devnet, no network."""

from multiwallet import MultiwalletError, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import Unreachable

NETWORKS = ["bitcoin", "litecoin", "ethereum", "polygon", "bsc", "tron", "solana"]

with (
    Devnet() as devnet,
    Wallet.from_mnemonic("test test test test test test test test test test test junk", transport=devnet) as wallet,
):
    for name, amount in (("bitcoin", "0.25"), ("ethereum", "3"), ("polygon", "120"), ("tron", "800"), ("solana", "7")):
        devnet.fund(wallet.account(name), amount)
    devnet.fail("bsc", Unreachable("no endpoint of bsc answers"), count=10)

    for name, balance in wallet.portfolio(NETWORKS).items():
        if isinstance(balance, MultiwalletError):
            print(f"{name:10} could not be asked ({balance.code}): {balance}")
        else:
            print(f"{name:10} {balance.total}")
