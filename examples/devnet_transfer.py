"""Receive, look, send and wait on four chains, each run by an engine in this process.

Needs the extra devnet and no network: python examples/devnet_transfer.py
"""

from multiwallet import Mnemonic, Wallet
from multiwallet.devnet import Devnet

with Devnet() as devnet, Wallet.from_mnemonic(Mnemonic.generate(), transport=devnet) as wallet:
    for name, received, paid in (
        ("bitcoin", "0.5", "0.1"),
        ("ethereum", "10", "0.1"),
        ("tron", "500", "25"),
        ("solana", "10", "0.1"),
    ):
        account, friend = wallet.account(name), wallet.account(name, account=1)
        devnet.fund(account, received)  # the faucet: on a real network somebody pays you

        transaction = account.build(to=friend.address, amount=paid)
        print(transaction.summary)  # read from the bytes that are signed next
        signed = account.sign(transaction)
        receipt = account.broadcast(signed).wait()

        print("txid    ", receipt.txid)
        print("status  ", receipt.status.value, "with", receipt.confirmations, "confirmation(s)")
        print("paid    ", receipt.fee, "in fees")
        print("balances", account.balance(), "and", friend.balance())
        print()
