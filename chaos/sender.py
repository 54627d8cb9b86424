"""The programs that pay and that are killed: senders, sync and async, and reconcilers."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import IdempotencyConflict, MultiwalletError
from multiwallet.ops import Local, Rest, Rpc
from multiwallet.outbox import Policy
from multiwallet.store import Store
from multiwallet.transport import AsyncHttpTransport, HttpTransport, RetryPolicy

from .families import FAMILIES, PAYER_WORDS

__all__ = ["Setting", "open_store", "reconcile", "send"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What every process of a run is told."""

    family: str
    endpoint: str
    store: str
    folder: str
    processes: int
    tasks: int
    lease: float
    seed: int
    deadly: float
    """How likely a process kills itself at a contact with the store or at a broadcast."""

    @property
    def policy(self) -> Policy:
        """Quick looks, early replacements, and two confirmations more than a reorganisation takes away."""
        family = FAMILIES[self.family]
        return Policy(
            confirmations=family.depth + 2, poll=1.5, retry=0.3, bump_after=20.0, bumps=3, gap_after=20.0, attempts=50
        )


def open_store(setting: Setting) -> Store:
    """The run's store, with short leases: the dead hold a payment up for as long as one lasts."""
    return Store(setting.store, lease=setting.lease)


class Ledger:
    """What this caller remembers: which payments were answered for. A line each, kept through its death."""

    def __init__(self, folder: str, number: int) -> None:
        self._path = Path(folder) / f"answered-{number}"
        lines = self._path.read_text().split("\n") if self._path.exists() else []
        self.answered = {int(line) for line in lines if line.isdigit()}
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def add(self, intent: int) -> None:
        """The payment was answered for."""
        os.write(self._file, f"{intent}\n".encode())


def _note(setting: Setting, words: str) -> None:
    with open(Path(setting.folder) / "notes", "a") as file:
        file.write(words.replace("\n", " ")[:400] + "\n")


def _open(wallet: Any, setting: Setting) -> Any:
    """Make a wallet of the run mortal: it may end the process before or after any commit and any broadcast."""
    wallet.open_outbox(open_store(setting), setting.policy)
    chance = random.Random(os.getpid() ^ time.time_ns())

    def die(effects: Sequence[Any], when: str) -> None:
        for effect in effects:
            deadly = isinstance(effect, Local) or (isinstance(effect, Rpc | Rest) and effect.broadcast)
            if deadly and chance.random() < setting.deadly:
                what = "a step of the store" if isinstance(effect, Local) else "a broadcast"
                _note(setting, f"died {when} {what}")
                os.kill(os.getpid(), signal.SIGKILL)

    perform = wallet._perform
    if asyncio.iscoroutinefunction(perform):

        async def mortal_async(effects: Sequence[Any]) -> Any:
            die(effects, "before")
            outcomes = await perform(effects)
            die(effects, "after")
            return outcomes

        wallet._perform = mortal_async
    else:

        def mortal(effects: Sequence[Any]) -> Any:
            die(effects, "before")
            outcomes = perform(effects)
            die(effects, "after")
            return outcomes

        wallet._perform = mortal
    return wallet


_PATIENT = RetryPolicy(attempts=3, pause=0.05, longest_pause=0.5)


def _async_wallet(setting: Setting) -> AsyncWallet:
    network = FAMILIES[setting.family].network
    rows = _endpoints(network, setting)
    wallet = AsyncWallet.from_mnemonic(
        PAYER_WORDS, transport=AsyncHttpTransport(rows, timeout=5.0, policy=_PATIENT), endpoints={}
    )
    opened: AsyncWallet = _open(wallet, setting)
    return opened


def _wallet(setting: Setting) -> Wallet:
    network = FAMILIES[setting.family].network
    rows = _endpoints(network, setting)
    wallet = Wallet.from_mnemonic(
        PAYER_WORDS, transport=HttpTransport(rows, timeout=5.0, policy=_PATIENT), endpoints={}
    )
    opened: Wallet = _open(wallet, setting)
    return opened


def _endpoints(network: str, setting: Setting) -> dict[str, tuple[str, ...]]:
    import multiwallet

    return {multiwallet.network(network).id: (setting.endpoint,)}


def intents_of(number: int, processes: int, targets: Sequence[str]) -> list[int]:
    """Which payments a process makes: its own, and each twentieth of another process's as well."""
    mine = [n for n in range(len(targets)) if n % processes == number]
    others = [n for n in range(len(targets)) if n % 20 == 3 and (n + 1) % processes == number]
    return sorted({*mine, *others})


def _unless_stopped(setting: Setting, work: Iterable[int]) -> Iterator[int]:
    """The payments to make. Once the run's time is up no others are begun, but those that the run asks for again."""
    stop = Path(setting.folder) / "stop"
    for intent in work:
        if not stop.exists() or str(intent) in stop.read_text().split():
            yield intent


def _wish(setting: Setting, targets: Sequence[str], intent: int) -> dict[str, Any]:
    import multiwallet

    family = FAMILIES[setting.family]
    native = multiwallet.network(family.network).native
    amount = multiwallet.Amount(family.least + intent, native)
    return {"to": targets[intent], "amount": amount, "idempotency_key": f"order-{intent}"}


def send(setting: Setting, number: int) -> None:
    """Pay what this process has to pay and was not answered for. Odd numbers use threads, even ones an event loop."""
    ledger = Ledger(setting.folder, number)
    targets = json.loads((Path(setting.folder) / "targets.json").read_text())
    wanted = [n for n in intents_of(number, setting.processes, targets) if n not in ledger.answered]
    # A caller who died asks again for some payments although it was answered.
    chance = random.Random(time.time_ns())
    again = chance.sample(sorted(ledger.answered), min(2, len(ledger.answered)))
    work = _unless_stopped(setting, [*again, *wanted])
    if number % 2:
        _send_sync(setting, targets, work, ledger)
    else:
        asyncio.run(_send_async(setting, targets, work, ledger))


def _failed(setting: Setting, intent: int, error: MultiwalletError, tries: int) -> None:
    """Note what a caller could not understand."""
    if isinstance(error, IdempotencyConflict) or tries % 100 == 99:
        _note(setting, f"error {intent} {type(error).__name__}: {error}")


async def _send_async(setting: Setting, targets: Sequence[str], work: Any, ledger: Ledger) -> None:
    family = FAMILIES[setting.family]
    async with _async_wallet(setting) as wallet:
        accounts = [wallet.account(family.network, index=n) for n in range(family.accounts)]

        async def task() -> None:
            for intent in work:
                for tries in range(1000):
                    try:
                        account = accounts[intent % len(accounts)]
                        await account.send(**_wish(setting, targets, intent))
                    except MultiwalletError as error:
                        _failed(setting, intent, error, tries)
                        await asyncio.sleep(min(0.1 * 1.5**tries, 3.0))
                    else:
                        ledger.add(intent)
                        break

        await asyncio.gather(*(task() for _ in range(setting.tasks)))


def _send_sync(setting: Setting, targets: Sequence[str], work: Any, ledger: Ledger) -> None:
    family = FAMILIES[setting.family]
    turn = threading.Lock()
    with _wallet(setting) as wallet:
        accounts = [wallet.account(family.network, index=n) for n in range(family.accounts)]

        def following() -> int | None:
            with turn:
                return next(work, None)

        def task() -> None:
            while (intent := following()) is not None:
                for tries in range(1000):
                    try:
                        accounts[intent % len(accounts)].send(**_wish(setting, targets, intent))
                    except MultiwalletError as error:
                        _failed(setting, intent, error, tries)
                        time.sleep(min(0.1 * 1.5**tries, 3.0))
                    else:
                        ledger.add(intent)
                        break

        threads = [threading.Thread(target=_guarded(setting, task)) for _ in range(max(1, setting.tasks // 2))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _guarded(setting: Setting, task: Callable[[], None]) -> Callable[[], None]:
    """An error that is none of the library's tree is a finding: it must not end in a thread unseen."""

    def run() -> None:
        try:
            task()
        except Exception as error:
            _note(setting, f"bug {type(error).__name__}: {error}")
            raise

    return run


def reconcile(setting: Setting, number: int) -> None:
    """Look after all payments, for good. Odd numbers are synchronous."""
    try:
        if number % 2:
            with _wallet(setting) as wallet:
                assert wallet.outbox is not None
                wallet.outbox.run()
        else:
            asyncio.run(_reconcile_async(setting))
    except Exception as error:
        _note(setting, f"bug {type(error).__name__}: {error}")
        raise


async def _reconcile_async(setting: Setting) -> None:
    async with _async_wallet(setting) as wallet:
        assert wallet.outbox is not None
        await wallet.outbox.run()
