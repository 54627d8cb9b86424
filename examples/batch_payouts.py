"""Sign the payouts of a CSV file, offline and in order; a bad line does not stop the others.

Needs the extra devnet (to have somebody to pay with) and no network.
"""

import csv
import io

from multiwallet import MultiwalletError, Wallet
from multiwallet.devnet import Devnet

PAYOUTS = """\
name,address,amount
Ada,0x70997970C51812dc3A010C7d01b50e0d17dc79C8,12.50
Bob,0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC,7
Eve,0x3C44CdDdB6a900fa2b585dd299e03d12FA4293Bd,7
Mia,0x90F79bf6EB2c4f870365E785982E1f101E93b906,0.1234567
Kim,0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65,100
"""

with (
    Devnet() as devnet,
    Wallet.from_mnemonic("test test test test test test test test test test test junk", transport=devnet) as wallet,
):
    account = wallet.account("ethereum")
    devnet.fund(account, "1")
    token = devnet.deploy_token("ethereum", symbol="USDX", decimals=6, holder=account, supply="5000")

    rows = list(csv.DictReader(io.StringIO(PAYOUTS)))  # a generator would do: a batch is lazy

    # One built transaction tells what all of them share: the next nonce, the gas, the prices.
    model = account.build(to=rows[0]["address"], amount=rows[0]["amount"], asset=token)
    details = model.fee.details
    template = account.template(
        asset=token,
        nonce=int(model.summary.details["nonce"]),
        gas=details["gas"] + 20_000,  # room: a payment to a new holder costs more
        max_fee_per_gas=details["max_fee_per_gas"],
        max_priority_fee_per_gas=details["max_priority_fee_per_gas"],
    )

    items = template.fill((row["address"], row["amount"]) for row in rows)
    for row, result in zip(rows, account.sign_batch(items), strict=True):
        if isinstance(result, MultiwalletError):
            print(f"{row['name']}: not signed ({result.code}): {result}")
            continue
        receipt = account.broadcast(result).wait()
        print(f"{row['name']}: {row['amount']} {token.symbol} {receipt.status.value} in {receipt.txid}")
    print("left:", account.balance(token))
