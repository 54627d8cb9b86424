"""An asynchronous back end: one AsyncWallet shared by many tasks. Needs the extra devnet and no network."""

import asyncio

from multiwallet import AsyncWallet, MultiwalletError
from multiwallet.devnet import Devnet

WORDS = "test test test test test test test test test test test junk"


async def pay(wallet: AsyncWallet, network: str, index: int, amount: str) -> str:
    account = wallet.account(network, index=0)
    try:
        receipt = await account.send(to=wallet.account(network, index=index).address, amount=amount)
        receipt = await receipt.wait()
    except MultiwalletError as error:  # everything that the library raises on purpose
        return f"{network}: {error.code}: {error}"
    return f"{network}: {receipt.status.value} {receipt.txid}"


async def main() -> None:
    with Devnet() as devnet:
        async with AsyncWallet.from_mnemonic(WORDS, transport=devnet) as wallet:
            for network, amount in (("ethereum", "5"), ("tron", "500"), ("solana", "9"), ("bitcoin", "0.2")):
                devnet.fund(wallet.account(network, index=0), amount)

            # Different accounts at the same time; the last one asks for more than there is.
            jobs = (("ethereum", 1, "1"), ("tron", 1, "20"), ("solana", 1, "2.5"), ("bitcoin", 1, "0.3"))
            for line in await asyncio.gather(*(pay(wallet, *job) for job in jobs)):
                print(line)

            # Signing many leaves the event loop free; results come in order.
            account = wallet.account("ethereum", index=0)
            fees = {"gas": 21_000, "maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 10**9}
            items = ({"to": account.address, "value": 1, "nonce": 1 + number, **fees} for number in range(200))
            signed = [result async for result in account.sign_batch(items)]
            print(len(signed), "signed, the last:", signed[-1])

            for name, balance in (await wallet.portfolio(["bitcoin", "ethereum", "tron", "solana"])).items():
                print(f"{name:10} {balance}")


asyncio.run(main())
