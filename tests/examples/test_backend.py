"""examples/backend under load while its processes are killed: every order is paid, and none twice.

Clients do what clients do: they ask again under the same order_id until they have an answer. What was paid is read
from the node itself, without the library.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections import Counter

import httpx2
import psycopg
import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.devnet.server import serve

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"  # as in conftest.py
ALIVE = ("planned", "signed", "sent", "included")
CLIENTS = 24
PATIENCE = 120  # seconds, for a machine that does much else; alone a test takes about twenty
KILLS = 4  # of single workers; after them the supervisor and both workers are killed at once

pytestmark = [pytest.mark.node, pytest.mark.long]


@pytest.fixture
def payer():
    """The wallet that the back end has, to know addresses."""
    with Wallet.from_mnemonic(WORDS) as wallet:
        yield wallet


class Load:
    """Clients that ask for every order, some of them twice at once, until each has its answer."""

    def __init__(self, service, orders, *, seed=1, kills=KILLS):
        self.service = service
        self.orders = list(orders)
        self.answered = 0
        self.retries = Counter()
        self.kills = 0  # of workers
        self._single_kills = kills
        self._random = random.Random(seed)

    async def run(self):
        waiting = [*self.orders, *self.orders[::10]]  # every tenth twice, by two clients
        self._random.shuffle(waiting)
        self.total = len(waiting)
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._client(waiting))
            group.create_task(self._reaper())

    async def _client(self, waiting):
        async with httpx2.AsyncClient(base_url=self.service.url, headers=self.service.headers, timeout=15) as http:
            while waiting:
                order = waiting.pop()
                await self._ask(http, order)
                self.answered += 1

    async def _ask(self, http, order):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await http.post("/payments", json=order)
            except httpx2.HTTPError as error:  # its worker was killed
                self.retries[type(error).__name__] += 1
            else:
                if answer.status_code == 202:
                    assert answer.json()["order_id"] == order["order_id"]
                    return
                if answer.status_code == 409 and self._may_be_cancelled(order):
                    return
                assert answer.status_code == 503, answer.text
                self.retries[answer.json()["error"]["code"]] += 1
            assert time.monotonic() < deadline, f"no answer for {order['order_id']}\n{self.service.log[-4000:]}"
            await asyncio.sleep(0.1 + self._random.random() / 5)

    def _may_be_cancelled(self, order):
        """Whether somebody has asked for the order to be cancelled: then asking for it once more is a conflict."""
        return False

    async def _reaper(self):
        """Kill a random worker each time that a further share of the clients has been answered."""
        for number in range(self._single_kills + 1):
            share = self.total * (number + 1) // (self._single_kills + 2)
            while self.answered < share or not self.service.workers():
                await asyncio.sleep(0.01)
            await asyncio.sleep(self._random.random() / 10)
            if number < self._single_kills:
                self.service.kill_worker(self._random.choice(self.service.workers()))
                self.kills += 1
            else:
                self.kills += len(self.service.workers())
                self.service.kill_everything()
                self.service.start()


def settled(service, seconds=PATIENCE):
    """Every payment as the back end tells it, once all of them are final."""
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=15) as http:
        deadline = time.monotonic() + seconds
        while left := http.get("/payments", params={"state": ALIVE, "limit": 5}).json()["payments"]:
            assert time.monotonic() < deadline, f"{left}\n{service.log[-4000:]}"
            time.sleep(0.2)
        found, after = [], 0
        while after is not None:
            page = http.get("/payments", params={"after": after, "limit": 50}).json()
            found += page["payments"]
            after = page["next"]
    return found


def check_log(service):
    """Nothing secret was printed, and nothing happened that nobody thought of."""
    log = service.log
    assert "ready" in log
    for secret in (*WORDS.split()[:2], service.headers["Authorization"].split()[1]):
        assert secret not in log
    assert "Traceback" not in log, log[log.index("Traceback") - 1500 :][:6000]


def ask_node(url, *calls):
    """JSON-RPC, past the library: the results of ``(method, parameters)`` pairs."""
    results = []
    for start in range(0, len(calls), 100):
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
            for number, (method, parameters) in enumerate(calls[start : start + 100])
        ]
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answers = json.load(response)
        results += [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]
    return results


def get_json(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def orders_of(payer, network, count, amount):
    """One order for each of many fresh addresses, so that each address tells how often it was paid."""
    targets = payer.accounts(network, start=1000, count=count)
    return [
        {"order_id": f"{network}-{number}", "network": network, "to": target.address, "amount": amount}
        for number, target in enumerate(targets)
    ]


def test_every_order_is_paid_once_while_workers_are_killed(start_anvil, start_service, payer):
    anvil = start_anvil("--chain-id", "1", "--block-time", "1")
    sender = payer.account("ethereum").address
    anvil.fund(sender, 10**21)
    orders = orders_of(payer, "ethereum", 320, "0.001")
    service = start_service({"ethereum": [anvil.url]})
    load = Load(service, orders)
    asyncio.run(load.run())
    assert load.kills >= 5
    assert load.retries, "no client noticed: the kills came when nothing was under way"
    payments = settled(service)
    assert service.stop() == 0
    check_log(service)

    assert {payment["order_id"] for payment in payments} == {order["order_id"] for order in orders}
    assert {(payment["state"], payment["final"]) for payment in payments} == {("confirmed", True)}
    (height,) = ask_node(anvil.url, ("eth_blockNumber", []))
    calls = [("eth_getBlockByNumber", [hex(number), True]) for number in range(int(height, 16) + 1)]
    sent = [found for block in ask_node(anvil.url, *calls) for found in block["transactions"]]
    sent = [found for found in sent if found["from"].lower() == sender.lower()]
    assert sorted(int(found["nonce"], 16) for found in sent) == list(range(len(sent))), "nonces are contiguous"
    paid = Counter(found["to"].lower() for found in sent if int(found["value"], 16))
    assert paid == {order["to"].lower(): 1 for order in orders}
    told = {payment["txid"]: payment["to"].lower() for payment in payments}
    assert told == {found["hash"]: found["to"].lower() for found in sent if int(found["value"], 16)}
    balances = ask_node(anvil.url, *(("eth_getBalance", [order["to"], "latest"]) for order in orders))
    assert {int(balance, 16) for balance in balances} == {10**15}


class Trouble(Load):
    """As well: some orders are cancelled after they were asked for, and the database drops its connections."""

    def __init__(self, service, orders, database, *, seed):
        super().__init__(service, orders, seed=seed, kills=1)
        self._database = database
        self.cancelled = set()
        self.asked = set()
        self.dropped = 0

    def _may_be_cancelled(self, order):
        return order["order_id"] in self.asked

    async def _ask(self, http, order):
        await super()._ask(http, order)
        if self._random.random() < 0.25:
            self.asked.add(order["order_id"])
            try:
                answer = await http.post(f"/payments/{order['order_id']}/cancel")
            except httpx2.HTTPError:
                return
            assert answer.status_code in (202, 409, 503), answer.text
            if answer.status_code == 202:
                self.cancelled.add(order["order_id"])

    async def _reaper(self):
        drops = asyncio.create_task(self._drop_connections())
        await super()._reaper()
        drops.cancel()

    async def _drop_connections(self):
        others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
        async with await psycopg.AsyncConnection.connect(self._database, autocommit=True) as mine:
            while True:
                await asyncio.sleep(0.5 + self._random.random())
                row = await (await mine.execute(others, (mine.info.dbname, mine.info.backend_pid))).fetchone()
                self.dropped += row[0]


def test_cancelled_orders_and_a_database_that_hangs_up(start_anvil, start_service, payer, postgres_url):
    anvil = start_anvil("--chain-id", "1", "--block-time", "1")
    sender = payer.account("ethereum").address
    anvil.fund(sender, 10**21)
    orders = orders_of(payer, "ethereum", 160, "0.001")
    service = start_service({"ethereum": [anvil.url]})
    load = Trouble(service, orders, postgres_url, seed=3)
    asyncio.run(load.run())
    assert load.dropped
    assert load.cancelled
    payments = {payment["order_id"]: payment for payment in settled(service)}
    assert service.stop() == 0
    assert payments.keys() == {order["order_id"] for order in orders}
    balances = ask_node(anvil.url, *(("eth_getBalance", [order["to"], "latest"]) for order in orders))
    for order, balance in zip(orders, balances, strict=True):
        payment = payments[order["order_id"]]
        # A cancelled payment that a block had already taken in is a confirmed one; the chain decides.
        assert (payment["state"], int(balance, 16)) in (("confirmed", 10**15), ("cancelled", 0)), payment
        assert payment["state"] == "confirmed" or order["order_id"] in load.cancelled or payment["cancelling"]
    (count,) = ask_node(anvil.url, ("eth_getTransactionCount", [sender, "latest"]))
    (waiting,) = ask_node(anvil.url, ("eth_getTransactionCount", [sender, "pending"]))
    assert count == waiting


FUNDS = {"ethereum": "100", "tron": "100000", "solana": "100", "bitcoin": "0.1"}
AMOUNTS = {"ethereum": "0.001", "tron": "2", "solana": "0.01", "bitcoin": "0.0005"}
UNITS = {"ethereum": 10**15, "tron": 2_000_000, "solana": 10_000_000, "bitcoin": 50_000}


def paid_to(urls, order):
    """What an address of the devnet holds, in the smallest unit, as its node tells."""
    network, address = order["network"], order["to"]
    if network == "ethereum":
        return int(ask_node(urls[network], ("eth_getBalance", [address, "latest"]))[0], 16)
    if network == "solana":
        return ask_node(urls[network], ("getBalance", [address]))[0]["value"]
    if network == "tron":
        return get_json(urls[network] + "/wallet/getaccount", {"address": address, "visible": True}).get("balance", 0)
    stats = get_json(f"{urls[network]}/address/{address}")["chain_stats"]
    assert stats["funded_txo_count"] <= 1
    return stats["funded_txo_sum"]


def test_four_kinds_of_chains_at_once(start_service, payer):
    orders = [order for network in FUNDS for order in orders_of(payer, network, 20, AMOUNTS[network])]
    with Devnet() as devnet, serve(devnet, networks=list(FUNDS)) as server:
        for network, amount in FUNDS.items():
            for _ in range(30 if network == "bitcoin" else 1):  # a payment on its way ties coins up
                devnet.fund(payer.account(network), amount)
        service = start_service(dict(server.endpoints))
        load = Load(service, orders, seed=2)
        asyncio.run(load.run())
        assert load.kills >= 5
        payments = settled(service)
        assert service.stop() == 0
        check_log(service)
        assert {payment["order_id"] for payment in payments} == {order["order_id"] for order in orders}
        assert {(payment["state"], payment["final"]) for payment in payments} == {("confirmed", True)}
        for order in orders:
            assert paid_to(server.endpoints, order) == UNITS[order["network"]], order
