"""Addresses from an extended public key by any executor: the same as from one wallet on one thread."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Wallet
from multiwallet.errors import InputError, InvalidKey, InvalidPath, MultiwalletError, UnknownNetwork, Unsupported
from multiwallet.sharding import derive_addresses

WALLET = Wallet.from_seed(bytes(range(32)))
KEYS = {name: WALLET.account(name, index=0).extended_public_key() for name in ("bitcoin", "ethereum", "tron")}


def plain(network, start, count, kind=None):
    wallet = Wallet.from_xpub(network, KEYS[network])
    accounts = wallet.accounts(network, start=start, count=count, kind=kind)
    return [(start + n, account.address) for n, account in enumerate(accounts)]


class Counting(Executor):
    """Passes work on, and knows how much of it is not yet taken back."""

    def __init__(self, inner):
        self.inner, self.given, self.futures = inner, 0, []

    def submit(self, fn, /, *args, **kwargs):
        self.given += 1
        future = self.inner.submit(fn, *args, **kwargs)
        self.futures.append(future)
        return future


@pytest.mark.parametrize("network", sorted(KEYS))
def test_every_executor_gives_the_same(executor, network):
    _, pool = executor
    found = list(derive_addresses(KEYS[network], network, 3, 250, executor=pool, shard=60))
    assert found == plain(network, 3, 250)


@pytest.mark.parametrize("kind", ["p2wpkh", "p2pkh", "p2sh-p2wpkh", "p2tr"])
def test_every_kind_of_address(processes, kind):
    key = WALLET.account("bitcoin", index=0, kind=kind).extended_public_key()
    expected = [a.address for a in WALLET.accounts("bitcoin", start=5, count=40, kind=kind)]
    found = list(derive_addresses(key, "bitcoin", 5, 40, kind=kind, executor=processes, shard=7))
    assert found == list(enumerate(expected, 5))


@settings(max_examples=40)
@given(st.integers(0, 2**31 - 60), st.integers(0, 60), st.integers(1, 70), st.integers(1, 5))
def test_any_cut_into_shards(start, count, shard, ahead):
    found = list(derive_addresses(KEYS["ethereum"], "ethereum", start, count, shard=shard, ahead=ahead))
    assert found == (plain("ethereum", start, count) if count else [])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"start": -1}, InputError, "start is a whole number"),
        ({"count": True}, InputError, "count is a whole number"),
        ({"count": 2**31}, InvalidPath, "at most 2147483647"),
        ({"shard": 0}, InputError, "shard is a whole number"),
        ({"shard": 1.5}, InputError, "shard is a whole number"),
        ({"ahead": 0}, InputError, "ahead is a whole number"),
        ({"executor": "threads"}, InputError, "concurrent.futures executor"),
        ({"kind": "p2nonsense"}, InputError, "kind"),
        ({"network": "atlantis"}, UnknownNetwork, "atlantis"),
        ({"network": "solana"}, InvalidKey, "ed25519"),
        ({"xpub": "xpub" + "1" * 107}, InvalidKey, "extended"),
        ({"xpub": "zprv" + "a" * 107}, InvalidKey, "extended"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(change, error, words):
    wanted = {"xpub": KEYS["bitcoin"], "network": "bitcoin", "start": 1, "count": 5, **change}
    with pytest.raises(error, match=words):
        derive_addresses(**wanted)


def test_few_shards_are_in_flight_and_the_rest_is_called_off():
    with ThreadPoolExecutor(1) as inner:
        pool = Counting(inner)
        found = derive_addresses(KEYS["bitcoin"], "bitcoin", 0, 2**31, executor=pool, shard=50, ahead=3)
        assert pool.given == 0  # lazy
        assert next(found)[0] == 0
        assert pool.given == 3
        assert [index for index, _ in islice(found, 100)] == list(range(1, 101))
        assert pool.given == 5
        found.close()
    assert all(future.done() for future in pool.futures)


def test_closing_cancels_what_was_not_begun():
    begun, held = threading.Event(), threading.Event()

    class Slow(Counting):
        def submit(self, fn, /, *args, **kwargs):
            def work():
                if args[4]:  # every shard but the first
                    begun.set()
                    held.wait(30)
                return fn(*args, **kwargs)

            return super().submit(work)

    with ThreadPoolExecutor(1) as inner:
        pool = Slow(inner)
        found = derive_addresses(KEYS["bitcoin"], "bitcoin", 0, 1000, executor=pool, shard=10, ahead=5)
        next(found)
        assert begun.wait(30)
        found.close()
        held.set()
    assert [future.cancelled() for future in pool.futures] == [False, False, True, True, True]


def test_a_worker_that_is_killed_is_an_error_and_nothing_half():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        worker = pool.submit(os.getpid).result()
        found = derive_addresses(KEYS["ethereum"], "ethereum", 0, 10**8, executor=pool, shard=500, ahead=2)
        taken = [next(found)]
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(
            MultiwalletError, match=r"a worker of the executor died .*begin again with item \d+"
        ) as error:
            taken.extend(found)
        assert len(taken) % 500 == 0
        assert taken == plain("ethereum", 0, len(taken))
        assert str(error.value).endswith(f"begin again with item {len(taken)}")
        assert list(found) == []
        with pytest.raises(MultiwalletError, match="begin again with item 7"):  # the pool is broken for good
            list(derive_addresses(KEYS["ethereum"], "ethereum", 7, 5, executor=pool))


def test_an_executor_that_was_shut_down_takes_no_work():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(MultiwalletError, match="takes no more work .*item 0"):
        list(derive_addresses(KEYS["ethereum"], "ethereum", 0, 5, executor=pool))


def test_a_future_that_somebody_cancelled():
    class Cancelling(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.cancel()
            return future

    with pytest.raises(MultiwalletError, match="cancelled"):
        list(derive_addresses(KEYS["ethereum"], "ethereum", 0, 5, executor=Cancelling()))


def test_an_error_nobody_foresaw_keeps_its_text_to_itself():
    class Failing(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.set_exception(KeyError("a secret of somebody's"))
            return future

    with pytest.raises(MultiwalletError, match=r"could not do its part \(KeyError\)") as error:
        list(derive_addresses(KEYS["ethereum"], "ethereum", 0, 5, executor=Failing()))
    assert "secret" not in str(error.value)


def test_a_dask_worker_that_is_killed_is_replaced(open_dask):
    with open_dask() as client:
        found = derive_addresses(KEYS["ethereum"], "ethereum", 0, 20_000, executor=client.get_executor(), shard=1000)
        first = next(found)
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        assert [first, *found] == plain("ethereum", 0, 20_000)


def test_a_cluster_that_is_gone_is_an_error(open_dask):
    with open_dask() as client:
        found = derive_addresses(KEYS["ethereum"], "ethereum", 0, 10**6, executor=client.get_executor(), shard=500)
        next(found)
        client.close()
        with pytest.raises(MultiwalletError, match="begin again with item"):
            list(found)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_million_addresses_in_flat_memory():
    """The parent's peak memory at 1,000,000 is that at 100,000, and a sample is what one thread derives."""
    program = (
        "import resource, sys\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiwallet.sharding import derive_addresses\n"
        "def main():\n"
        "    with ProcessPoolExecutor(2) as pool:\n"
        "        for index, address in derive_addresses(sys.argv[1], 'ethereum', 0, 1_000_000, executor=pool):\n"
        "            if index in (100_000, 999_999): print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "            if index % 99_991 == 7: print(index, address)\n"
        "main()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, KEYS["ethereum"]], capture_output=True, text=True, check=True, timeout=800
    )
    lines = run.stdout.split("\n")[:-1]
    early, late = (int(line) for line in lines if " " not in line)
    assert late - early < 8 * 1024, f"peak memory grew from {early} to {late} KiB"
    sample = [line.split() for line in lines if " " in line]
    assert len(sample) == 11
    for index, address in sample:
        assert plain("ethereum", int(index), 1) == [(int(index), address)]


def test_memory_is_flat():
    """As above, on a smaller number, in this process."""
    found = derive_addresses(KEYS["ethereum"], "ethereum", 0, 10**9, shard=200, ahead=4)
    for _ in islice(found, 2000):
        pass
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    for _ in islice(found, 20_000):
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * 1024, time.monotonic() - start
    found.close()


def test_networks_whose_addresses_are_no_children_of_one_key():
    cosmos = WALLET.account("cosmos", index=0).extended_public_key()
    expected = [a.address for a in Wallet.from_xpub("cosmos", cosmos).accounts("cosmos", count=12)]
    assert list(derive_addresses(cosmos, "cosmos", 0, 12, shard=5)) == list(enumerate(expected))
    with pytest.raises((InvalidKey, Unsupported)):
        derive_addresses(KEYS["ethereum"], "aptos", 0, 2)
