"""One process of senders: 64 tasks that pay from one account. Started by test_outbox_anvil.py, several at once."""

from __future__ import annotations

import asyncio
import sys

from multiwallet import AsyncWallet
from multiwallet.outbox import Policy

WORDS = "test test test test test test test test test test test junk"


async def main(node: str, store: str, number: int, tasks: int) -> None:
    async with AsyncWallet.from_mnemonic(WORDS, endpoints={"ethereum": node}) as wallet:
        wallet.open_outbox(store, Policy(poll=0.1, retry=0.2))
        account = wallet.account("ethereum")

        async def pay(task: int) -> None:
            target = wallet.account("ethereum", index=1000 + number * tasks + task)
            await account.send(to=target.address, amount="0.001", idempotency_key=f"{number}-{task}")

        await asyncio.gather(*(pay(task) for task in range(tasks)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
