"""Signing by workers that each open their own key: the same bytes as one wallet, and no secret on the way."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import count, islice

import pytest
import sharding_workers as workers

from multiwallet import Wallet
from multiwallet.errors import InputError, InvalidTransaction, MultiwalletError, SigningRefused
from multiwallet.sharding import close_accounts, sign_sharded
from multiwallet.transactions import SignedTransaction

WORDS = "test test test test test test test test test test test junk"
ACCOUNT = Wallet.from_mnemonic(WORDS).account("ethereum")


@pytest.fixture
def opener(key_file, diary):
    return partial(workers.open_from_file, key_file, str(diary))


def test_every_executor_signs_the_same(executor, opener, diary):
    kind, pool = executor
    items = [workers.transfer(number) for number in range(150)]
    results = list(sign_sharded(opener, items, executor=pool, shard=20))
    assert results == list(ACCOUNT.sign_batch(items))
    assert [r.txid for r in results] == [r.txid for r in ACCOUNT.sign_batch(items)]
    assert list(sign_sharded(opener, items[:30], executor=pool, shard=2)) == results[:30]
    opened = [entry.name.split("-")[0] for entry in diary.iterdir()]
    assert len(opened) == len(set(opened))  # once a process, whatever the number of shards and threads
    assert (str(os.getpid()) in opened) == (kind == "threads")


def test_threads_by_default(opener, diary):
    items = [workers.transfer(number) for number in range(50)]
    assert list(sign_sharded(opener, items, shard=7)) == list(ACCOUNT.sign_batch(items))
    assert len(list(diary.iterdir())) == 1
    close_accounts()
    assert list(sign_sharded(opener, items[:1])) == list(ACCOUNT.sign_batch(items[:1]))
    assert len(list(diary.iterdir())) == 2


@pytest.mark.parametrize("network", ["tron", "solana"])
def test_rows_of_a_template(processes, key_file, diary, network):
    account = Wallet.from_mnemonic(WORDS).account(network)
    if network == "tron":
        template = account.template(
            ref_block_bytes="8814",
            ref_block_hash="328b985e759bf98d",
            expiration=1700000063000,
            timestamp=1700000003000,
        )
        rows = [(b"\x41" + number.to_bytes(20, "big"), 10**6 + number) for number in range(60)]
    else:
        template = account.template(blockhash="8aDj1ig9oaQhGGXqsP4K6YhxE9k11dgDmfXG2aBdzW1T")
        rows = [((number + 1).to_bytes(32, "big"), 10**6 + number) for number in range(60)]
    opener = partial(workers.open_from_file, key_file, str(diary), network)
    results = list(sign_sharded(opener, template.fill(rows), executor=processes, shard=16))
    assert results == list(account.sign_batch(template.fill(rows)))
    assert all(isinstance(result, SignedTransaction) for result in results)


def test_built_transactions_and_their_expiry(processes, key_file, diary):
    from multiwallet.devnet import Devnet

    devnet = Devnet()
    account = Wallet.from_mnemonic(WORDS, transport=devnet).account("tron")
    devnet.fund(account, "100")
    built = [account.build(to="TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", amount=f"0.{n}") for n in range(1, 4)]
    opener = partial(workers.open_from_file, key_file, str(diary), "tron")
    results = list(sign_sharded(opener, built, executor=processes, shard=2))
    assert results == [account.sign(transaction) for transaction in built]
    assert all(result.expiry for result in results)
    assert account.broadcast(results[0]).txid == results[0].txid


BAD = [
    {"nonce": "x"},
    "nonsense",
    None,
    object(),
    lambda: 0,
    workers.Unsendable(),
    workers.Unreadable(),
    workers.Odd(),
    {**workers.transfer(1), "from": "0x" + "12" * 20},
    {**workers.transfer(1), "chainId": 5},
]


@pytest.mark.parametrize("shard", [1, 3, 1000])
def test_a_bad_item_gets_its_error_and_the_others_go_on(processes, opener, shard):
    items = [item for number, bad in enumerate(BAD) for item in (workers.transfer(number), bad)]
    results = list(sign_sharded(opener, items, executor=processes, shard=shard))
    assert len(results) == len(items)
    assert results[::2] == list(ACCOUNT.sign_batch(items[::2]))
    assert all(isinstance(result, MultiwalletError) for result in results[1::2])
    assert all(isinstance(result, InvalidTransaction | SigningRefused) for result in results[1::2]), results[1::2]


def test_what_travels_holds_no_secret(opener):
    seen = []

    class Listening(Executor):
        def submit(self, fn, /, *args, **kwargs):
            with ThreadPoolExecutor(1) as inner:
                future = inner.submit(fn, *args, **kwargs)
            seen.append(pickle.dumps((fn, args, kwargs)) + pickle.dumps(future.result()))
            return future

    items = [workers.transfer(number) for number in range(40)]
    assert len(list(sign_sharded(opener, items, executor=Listening(), shard=10))) == 40
    key = ACCOUNT.export_private_key()
    seed = Wallet.from_mnemonic(WORDS)._session.keychain._seed.expose()
    for message in seen:
        for secret in (WORDS.encode(), key.encode(), bytes.fromhex(key[2:]), seed):
            assert secret not in message


@pytest.mark.parametrize("bad", [lambda: ACCOUNT, ACCOUNT, "open", None, partial(workers.open_badly, ACCOUNT)])
def test_an_opener_that_cannot_travel(bad):
    with pytest.raises(InputError, match="open_account"):
        sign_sharded(bad, [])


def test_an_opener_that_fails(processes):
    secret = "5f" * 32
    for pool in (None, processes):
        with pytest.raises(SigningRefused, match=r"could not open its account \(OSError\)") as error:
            list(sign_sharded(partial(workers.open_badly, secret), [workers.transfer(1)], executor=pool))
        chain, texts = error.value, []
        while chain is not None:
            texts.append(f"{chain!r} {chain}")
            chain = chain.__cause__
        assert secret not in "".join(texts)
        with pytest.raises(InputError, match="has to return an Account"):
            list(sign_sharded(workers.open_asynchronously, [workers.transfer(1)], executor=pool))


def test_workers_with_different_keys_are_found_out():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        while len({*pool.map(workers.process_after_a_moment, [0.2] * 4)}) < 2:  # until both are there
            pass
        results = sign_sharded(
            partial(workers.open_by_process, ""), map(workers.transfer, count()), executor=pool, shard=50
        )
        with pytest.raises(SigningRefused, match="different accounts"):
            for _ in islice(results, 200_000):
                pass


def test_a_worker_that_dies_is_an_error_and_nothing_half(opener):
    items = [*map(workers.transfer, range(25)), workers.Deadly(25), *map(workers.transfer, range(26, 100))]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        results, taken = sign_sharded(opener, items, executor=pool, shard=10, ahead=1), []
        with pytest.raises(MultiwalletError, match="a worker of the executor died .*begin again with item 20"):
            taken.extend(results)
    assert taken == list(ACCOUNT.sign_batch(items[:20]))


def test_a_dask_worker_that_dies_once_is_replaced(open_dask, opener, tmp_path):
    flag = str(tmp_path / "died")
    items = [*map(workers.transfer, range(25)), workers.Deadly(25, flag), *map(workers.transfer, range(26, 60))]
    with open_dask() as client:
        results = list(sign_sharded(opener, items, executor=client.get_executor(), shard=10))
    assert os.path.exists(flag)
    assert results == list(ACCOUNT.sign_batch(map(workers.transfer, range(60))))


def test_a_source_that_breaks_is_told_after_what_it_gave(processes, opener):
    def source():
        yield from map(workers.transfer, range(25))
        raise RuntimeError("the file ends in the middle of a line")

    taken = []
    with pytest.raises(RuntimeError, match="middle of a line"):
        taken.extend(sign_sharded(opener, source(), executor=processes, shard=10))
    assert taken == list(ACCOUNT.sign_batch(map(workers.transfer, range(25))))


def test_it_reads_ahead_only_so_far(processes, opener):
    read = 0

    def source():
        nonlocal read
        for read in count():  # how far it was read is what the test looks at
            yield workers.transfer(read)

    results = sign_sharded(opener, source(), executor=processes, shard=10, ahead=3)
    assert next(results).txid
    assert read < 40
    results.close()


def test_an_interrupt_calls_everything_off(opener):
    """Ctrl-C while waiting for a worker: the iterator ends, and what was not begun is cancelled."""
    futures = []

    class Waiting(Executor):
        def submit(self, fn, /, *args, **kwargs):
            from concurrent.futures import Future

            futures.append(Future())
            return futures[-1]

    def ring(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            list(sign_sharded(opener, map(workers.transfer, count()), executor=Waiting(), ahead=3))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [future.cancelled() for future in futures] == [True, True, True]


def test_wrong_numbers():
    for name, value in (("shard", 0), ("ahead", 0), ("shard", "1"), ("executor", 5)):
        with pytest.raises(InputError, match=name):
            sign_sharded(workers.open_asynchronously, [], **{name: value})


def test_a_plan_of_payouts_is_signed_by_workers(processes, opener, tmp_path):
    from multiwallet.devnet import Devnet
    from multiwallet.payouts import plan, sign

    devnet = Devnet()
    account = Wallet.from_mnemonic(WORDS, transport=devnet).account("ethereum")
    devnet.fund(account, "1")
    table = tmp_path / "table.csv"
    table.write_text("to,amount\n" + "".join(f"0x{n + 99:040x},0.001\n" for n in range(60)))
    assert plan(account, table, tmp_path / "plan").ok
    sign(account, tmp_path / "plan", tmp_path / "one")
    by_workers = sign(
        account,
        tmp_path / "plan",
        tmp_path / "other",
        executor=lambda items: sign_sharded(opener, items, executor=processes, shard=7),
    )
    assert by_workers.signed == 60
    assert (tmp_path / "one").read_text() == (tmp_path / "other").read_text()
