"""A Bitcoin payment as a PSBT, the form that other wallets and hardware devices read and write.

Needs the extra devnet and no network: python examples/bitcoin_psbt.py
"""

from base64 import b64encode

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import SigningRefused

WORDS = "test test test test test test test test test test test junk"
FRIEND = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"

with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
    account = wallet.account("bitcoin", kind="p2tr")  # a taproot account
    for amount in ("0.05", "0.07", "0.11"):  # three coins
        devnet.fund(account, amount)

    transaction = account.build(to=FRIEND, amount="0.1", fee_rate="2.5", memo="invoice 7")
    psbt = b64encode(transaction.body).decode()  # version 0, with the paths of the keys: any signer can take it
    print("unsigned PSBT:", psbt[:60], "...")

    # Here, or on another machine with the same phrase: sign() takes a PSBT as base64, hex or bytes.
    with Wallet.from_mnemonic(WORDS) as offline:
        signer = offline.account("bitcoin", kind="p2tr")
        signed = signer.sign(psbt)
        print("complete:", signed.complete, "and ready to send:", signed.hex()[:60], "...")

        # A wallet that owns none of the inputs refuses, and says so.
        try:
            offline.account("bitcoin", kind="p2wpkh").sign(psbt)
        except SigningRefused as refusal:
            print("another account:", refusal)

    receipt = account.broadcast(signed).wait()
    print(receipt.status.value, receipt.txid, "fee", receipt.fee)
    print("left:", account.balance())
