"""One run: start everything, kill at random, let the chain misbehave, wait for the end, and read the chain back."""

from __future__ import annotations

import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from multiwallet import Wallet
from multiwallet.store import State, Store
from multiwallet.store import outgoing as kept
from multiwallet.store.records import FINAL

from . import sender
from .families import FAMILIES, PAYER_WORDS, RECIPIENT_WORDS
from .nodes import Node
from .readback import read_chain
from .sender import Setting
from .verdict import Verdict, judge

__all__ = ["Report", "Run"]

_ROOT: Final = Path(__file__).resolve().parent.parent
_TICK: Final = 0.05
_RECONCILERS: Final = 2
_GRACE: Final = 60.0  # seconds for what was begun when the time was up


@dataclass(slots=True)
class Report:
    """What a run did and what came of it, as plain values."""

    family: str
    node: str
    store: str
    seed: int
    sends: int
    processes: int
    tasks: int
    kills: int = 0
    kills_at: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    chain: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_of_sending: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)

    def to_dict(self) -> dict[str, Any]:
        """The report for a file of JSON."""
        return {**asdict(self), "passed": self.verdict.passed}


class Run:
    """A run of one family on one node and one store."""

    def __init__(
        self,
        family: str,
        node: Node,
        store: str,
        *,
        sends: int,
        kills: int,
        seconds: float,
        seed: int,
        processes: int = 4,
        tasks: int = 16,
        rate: float = 0.06,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.family = FAMILIES[family]
        self._node, self._store_url = node, store
        self._sends, self._kills, self._seconds = sends, kills, seconds
        self._rate, self._tell = rate, tell
        self._chance = random.Random(seed)
        self.report = Report(
            family,
            type(node).__name__.removesuffix("Node").lower(),
            "postgresql" if "://" in store else "sqlite",
            seed,
            sends,
            processes,
            tasks,
        )
        self._chain: Counter[str] = Counter()
        self._workers: dict[int, BaseProcess] = {}
        self._done: set[int] = set()
        self._stopped = False
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["chaos.preload"])

    # -- from beginning to end ---------------------------------------------------------------------

    def __call__(self) -> Report:
        """Run; the report says how it went."""
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Store(self._store_url) as store:
            self._folder, self._store = Path(folder), store
            payers, targets = self._prepare()
            self._proxy = _ProxyProcess(self._node.endpoint, self.report.seed, self._rate)
            try:
                self._setting = self._set(self._proxy.endpoint)
                self._schedule()
                self._send(started + self._seconds)
                self.report.seconds_of_sending = round(time.monotonic() - started, 1)
                self._tell(f"all answered for, {self.report.kills} kills; waiting for the rest to settle")
                self._settle(time.monotonic() + max(120.0, self._seconds / 2))
            finally:
                for worker in self._workers.values():
                    worker.kill()
                    worker.join()
                self._count_faults()
                self._proxy.close()
            seen = read_chain(self.report.family, self._node, payers, targets)
            wanted = [self.family.least + n for n in range(self._sends)]
            begun = self._begun() if self._stopped else None
            self.report.verdict = judge(store, seen, wanted, targets, self._notes(), begun)
            if self._done != set(range(self.report.processes)):
                self.report.verdict.fail("not every sender came to an end in time")
        self.report.chain = {**self._chain, "blocks": seen.blocks, "transactions": len(seen.transactions)}
        self.report.seconds = round(time.monotonic() - started, 1)
        return self.report

    def _prepare(self) -> tuple[list[str], list[str]]:
        family = self.family
        with Wallet.from_mnemonic(PAYER_WORDS) as wallet:
            payers = [wallet.account(family.network, index=n).address for n in range(family.accounts)]
        for _ in range(family.gifts):
            for payer in payers:
                self._node.fund(payer, family.gift)
        self._node.mine(2)
        with Wallet.from_mnemonic(RECIPIENT_WORDS) as wallet:
            targets = [a.address for a in wallet.accounts(family.network, start=0, count=self._sends)]
        (self._folder / "targets.json").write_text(json.dumps(targets))
        return payers, targets

    def _set(self, endpoint: str) -> Setting:
        # Half of the deaths come from outside at any moment, half at the contacts of a process with the world.
        contacts = 30.0 * self._sends
        return Setting(
            family=self.report.family,
            endpoint=endpoint,
            store=self._store_url,
            folder=str(self._folder),
            processes=self.report.processes,
            tasks=self.report.tasks,
            lease=10.0,
            seed=self.report.seed,
            deadly=self._kills / 2 / contacts,
        )

    def _count_faults(self) -> None:
        counted = self._proxy.tell("report")
        self.report.faults = dict(sorted(counted["faults"].items()))
        self.report.requests = counted["requests"]
        notes = [note.removeprefix("died ") for note in self._notes() if note.startswith("died ")]
        at = Counter(notes)
        at["at any moment"] = self.report.kills - sum(at.values())
        self.report.kills_at = dict(sorted(at.items()))

    def _notes(self) -> list[str]:
        path = self._folder / "notes"
        return path.read_text().splitlines() if path.exists() else []

    # -- processes ---------------------------------------------------------------------------------

    def _start(self, number: int) -> None:
        """Start a sender, or a reconciler for numbers beyond the senders'."""
        count = self.report.processes
        target = sender.send if number < count else sender.reconcile
        argument = number if number < count else number - count
        worker = self._context.Process(target=target, args=(self._setting, argument), daemon=True)
        worker.start()
        self._workers[number] = worker

    def _tend(self, *, senders: bool) -> None:
        """Start again what has died."""
        count = self.report.processes
        for number in range(0 if senders else count, count + _RECONCILERS):
            worker = self._workers.get(number)
            if worker is not None and worker.is_alive():
                continue
            if worker is not None:
                worker.join()
                if worker.exitcode == -9:
                    self.report.kills += 1
                elif worker.exitcode == 0 and number < count:
                    self._done.add(number)
                else:
                    self.report.verdict.fail(f"a process ended with code {worker.exitcode}")
                    (self._folder / "notes").open("a").write(f"bug exit code {worker.exitcode} of {number}\n")
            self._workers.pop(number, None)
            if number not in self._done:
                self._start(number)

    def _begun(self) -> set[int]:
        """The payments that a caller was answered for."""
        paths = [self._folder / f"answered-{number}" for number in range(self.report.processes)]
        return {int(line) for path in paths if path.exists() for line in path.read_text().split()}

    def _answered(self) -> int:
        total = 0
        for number in range(self.report.processes):
            path = self._folder / f"answered-{number}"
            total += path.read_bytes().count(b"\n") if path.exists() else 0
        return total

    def _send(self, end: float) -> None:
        """Let them pay until everything was answered for; kill in step with how far they are."""
        total = self._sends * 1.05
        last, since = time.monotonic(), time.monotonic()
        while len(self._done) < self.report.processes and time.monotonic() < end + _GRACE:
            if time.monotonic() > end and not self._stopped:
                self._stopped = True
                (self._folder / "stop").touch()
            self._tend(senders=True)
            self._misbehave()
            answered = self._answered()
            due = self._kills * min(1.0, answered / (total * 0.95))
            if self.report.kills + 1 <= due and time.monotonic() - last > 0.1:
                self._chance.choice(list(self._workers.values())).kill()
                last = time.monotonic()
            if time.monotonic() - since > 15:
                since = time.monotonic()
                self._tell(f"{answered} answers, {self.report.kills} kills, {dict(self._chain)}")
            time.sleep(_TICK)

    def _settle(self, end: float) -> None:
        """No more kills and no more senders; the reconcilers, the faults and the blocks go on until all is final."""
        again, since = 0, time.monotonic()
        while time.monotonic() < end:
            self._tend(senders=False)
            self._misbehave(only_blocks=True)
            counts = kept.counts(self._store)
            if time.monotonic() - since > 15:
                since = time.monotonic()
                self._tell(", ".join(f"{count} {state.value}" for state, count in counts.items() if count))
                for record in kept.listed(self._store, states=[s for s in State if s not in FINAL], limit=3):
                    last = record.attempts[-1] if record.attempts else None
                    self._tell(f"  {record.key} {record.state.value} {last} {record.error}")
            if not sum(count for state, count in counts.items() if state not in FINAL):
                if not counts[State.REFUSED] or again == 3:
                    return
                again += 1
                self._chain["payments asked for again"] += self._ask_again()
            time.sleep(0.2)

    def _ask_again(self) -> int:
        """What was refused nobody is paid for: its caller is told so, and asks again under the same key."""
        refused = [
            r for r in kept.listed(self._store, states=[State.REFUSED], limit=10**6) if r.key.startswith("order")
        ]
        keys = {record.key.removeprefix("order-") for record in refused}
        for number in range(self.report.processes):
            path = self._folder / f"answered-{number}"
            path.write_text("".join(f"{line}\n" for line in path.read_text().split() if line not in keys))
        if self._stopped:
            (self._folder / "stop").write_text(" ".join(keys))
        self._done.clear()
        end = time.monotonic() + 120
        while refused and len(self._done) < self.report.processes and time.monotonic() < end:
            self._tend(senders=True)
            self._misbehave(only_blocks=True)
            time.sleep(_TICK)
        return len(refused)

    # -- the chain ---------------------------------------------------------------------------------

    def _schedule(self) -> None:
        now = time.monotonic()
        self._next = {"block": now, "reorg": now + 5, "drop": now + 2, "expire": now + 8}

    def _misbehave(self, *, only_blocks: bool = False) -> None:
        now = time.monotonic()
        if now >= self._next["block"]:
            self._node.mine(1)
            self._next["block"] = time.monotonic() + self.family.pause * self._chance.uniform(0.5, 1.5)
        if only_blocks:
            if self.family.expiry and now >= self._next["expire"]:
                self._let_expire(now)
            return
        if now >= self._next["drop"]:
            self._chain["dropped from the pool"] += self._drop(3)
            self._next["drop"] = time.monotonic() + self._chance.uniform(1, 4)
        if now >= self._next["reorg"]:
            self._node.reorg(self._chance.randint(1, self.family.depth))
            self._proxy.tell("forget")
            self._chain["reorganisations"] += 1
            self._next["reorg"] = time.monotonic() + self._chance.uniform(4, 12)
        if self.family.expiry and now >= self._next["expire"]:
            self._let_expire(now)

    def _let_expire(self, now: float) -> None:
        """Forget some transactions and let so much time pass that they can never be included."""
        self._chain["dropped to expire"] += self._drop(20)
        self._node.mine(1)  # what is well is included first
        self._node.advance(self.family.expiry)
        self._node.mine(self.family.blocks_after)
        self._proxy.tell("forget")
        self._next["expire"] = now + self._chance.uniform(10, 20)

    def _drop(self, most: int) -> int:
        newest = max(0, sum(kept.counts(self._store).values()) - 300)  # older ones are in a block, most likely
        waiting = [r.txid for r in kept.listed(self._store, states=[State.SENT], after=newest) if r.txid]
        self._chance.shuffle(waiting)
        dropped = 0
        for txid in waiting[: 10 * most]:  # many are in a block already, and the store has not looked yet
            dropped += self._node.drop(txid)
            if dropped == most:
                break
        return dropped


class _ProxyProcess:
    def __init__(self, url: str, seed: int, rate: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.proxy", url, str(seed), str(rate)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.endpoint = f"http://127.0.0.1:{self._read()['port']}"

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def tell(self, word: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
