"""Many lines and many workers: ``python -m benchmarks.scale [--quick] [--lines N ...] [--json FILE]``.

How cost and memory grow with the number of lines of a batch, what planning, signing and sending take a line beside the
bare signature and beside the node alone, and what processes bring. Every measurement of a size runs in a process of its
own, whose peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from multiwallet import Wallet
from multiwallet.devnet import Devnet

from . import floors
from .measure import seconds
from .signing import WORDS, _digests

FUNDS = {"ethereum": "10000", "tron": "10000000", "solana": "100000", "bitcoin": "1"}
LINES = (1000, 10_000, 100_000)
CHAINS = ("ethereum", "tron", "solana", "bitcoin")
COMBINED = 100  # lines in one Bitcoin transaction: there a batch pays many at once


def payer(network: str, devnet: Devnet, lines: int) -> Any:
    account = Wallet.from_mnemonic(WORDS, transport=devnet).account(network)
    for _ in range(lines // COMBINED + 1 if network == "bitcoin" else 1):  # a coin for each transaction
        devnet.fund(account, FUNDS[network])
    devnet.mine(network)
    return account


def recipients(network: str, count: int) -> Iterator[str]:
    """Addresses of nobody, the same in each run; on Bitcoin a thousand of the wallet's own, again and again."""
    from multiwallet.codec import base58

    source = random.Random(7)
    wallet = Wallet.from_mnemonic(WORDS)
    if network == "bitcoin":
        known = [one.address for one in wallet.accounts("bitcoin", start=100, count=min(count, 1000))]
        for number in range(count):
            yield known[number % len(known)]
    for _ in range(0 if network == "bitcoin" else count):
        if network == "ethereum":
            yield "0x" + source.randbytes(20).hex()
        elif network == "tron":
            yield base58.encode_check(b"\x41" + source.randbytes(20))
        else:
            yield base58.encode(source.randbytes(32))


def write_table(path: Path, network: str, count: int) -> None:
    amount = {"ethereum": "0.0001", "tron": "0.1", "solana": "0.001", "bitcoin": "0.00001"}[network]
    with path.open("w", encoding="ascii") as file:
        file.write("to,amount\n")
        file.writelines(f"{to},{amount}\n" for to in recipients(network, count))


def floor_of(network: str, account: Any, count: int) -> float:
    """Seconds of one bare signature of the chain's kind."""
    digests = _digests(min(count, 2000))
    if network == "solana":
        import base58

        key = base58.b58decode(account.export_private_key())
        return seconds(lambda: floors.sign_ed25519(key, digests)) / len(digests)
    holder = account._operations.holder
    secret = account._wallet._session.keychain.signing_key("secp256k1", holder.path).expose()
    work = floors.sign_low_r if network == "bitcoin" else floors.sign_recoverable
    return seconds(lambda: work(secret, digests)) / len(digests)


def batch(network: str, lines: int) -> dict[str, Any]:
    """Plan and sign ``lines`` payments: seconds a line, the floor, and the peak memory in MiB."""
    from multiwallet.payouts import plan, sign

    with tempfile.TemporaryDirectory() as name, Devnet() as devnet:
        folder = Path(name)
        account = payer(network, devnet, lines)
        write_table(folder / "table.csv", network, lines)
        options = {"combine": COMBINED} if network == "bitcoin" else {}
        made: dict[str, Any] = {}

        def planned() -> None:
            made["plan"] = plan(account, folder / "table.csv", folder / "plan.jsonl", allow_duplicates=True, **options)

        planning = seconds(planned)
        if not made["plan"].ok:
            raise RuntimeError(f"the table is wrong: {made['plan'].errors[:3]}")
        floor_of(network, account, 100)  # what is loaded at the first signature
        before = floor_of(network, account, lines)
        if network == "solana":  # a blockhash lives for a minute: such a plan is signed as it is sent
            rows = [(to, 1_000_000) for to in recipients(network, lines)]
            signing = seconds(lambda: deque(account.sign_batch(like_one(account).fill(rows)), maxlen=0))
        else:
            signing = seconds(lambda: sign(account, folder / "plan.jsonl", folder / "signed.jsonl"))
        floor = (before + floor_of(network, account, lines)) / 2
        return {
            "network": network,
            "lines": lines,
            "transactions": made["plan"].transactions,
            "plan_us": planning / lines * 1e6,
            "sign_us": signing / lines * 1e6,
            "floor_us": floor * made["plan"].transactions / lines * 1e6,
            "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def like_one(account: Any) -> Any:
    """A template of the account's payments as the chain stands now."""
    (to,) = recipients(account.network.name, 1)
    return account.template(like=account.build(to=to, amount="0.001"))


def node_alone(devnet: Devnet, account: Any, lines: int, signed: Path) -> float:
    """Seconds in which the node takes the signed transactions, handed over 64 at a time as the library does it."""
    operations = account._operations
    if signed.exists():
        found = [json.loads(line) for line in signed.read_text().splitlines()]
        raws = [bytes.fromhex(line["raw"]) for line in found if line.get("raw")]
    else:
        rows = [(to, 1_000_000) for to in recipients(account.network.name, lines)]
        raws = [transaction.raw for transaction in account.sign_batch(like_one(account).fill(rows))]
    asked = []
    for raw in raws:
        transaction = operations.chain.parse_signed(operations.network, raw)
        asking = operations.chain.broadcast(operations.network, transaction)
        asked += next(asking)
        asking.close()
    groups = [asked[start : start + 64] for start in range(0, len(asked), 64)]
    return seconds(lambda: deque((devnet.perform(group) for group in groups), maxlen=0))


def sending(network: str, lines: int) -> dict[str, Any]:
    """Send ``lines`` payments through an outbox on SQLite, and give as many to a like node without one."""
    from multiwallet.outbox import Policy
    from multiwallet.payouts import plan, send, sign

    options = {"combine": COMBINED} if network == "bitcoin" else {}
    taken = {}
    for way in ("send", "node"):
        with tempfile.TemporaryDirectory() as name, Devnet() as devnet:
            folder = Path(name)
            account = payer(network, devnet, lines)
            write_table(folder / "table.csv", network, lines)
            account._wallet.open_outbox(folder / "payments.db", Policy(poll=0.05, retry=0.05, bump_after=None))
            made = plan(account, folder / "table.csv", folder / "plan.jsonl", allow_duplicates=True, **options)
            if not made.ok:
                raise RuntimeError(f"the table is wrong: {made.errors[:3]}")
            signed = folder / "signed.jsonl"
            if network != "solana":
                sign(account, folder / "plan.jsonl", signed)
            if way == "node":
                taken[way] = node_alone(devnet, account, lines, signed)
            else:
                given = signed if signed.exists() else None
                taken[way] = seconds(lambda a=account, p=folder / "plan.jsonl", g=given: send(a, p, g, wait=False))
    return {
        "network": network,
        "lines": lines,
        "transactions": made.transactions,
        "send_us": taken["send"] / lines * 1e6,
        "node_us": taken["node"] / lines * 1e6,
    }


def derivation(addresses: int, processes: int) -> dict[str, Any]:
    """Derive Ethereum deposit addresses on so many processes (0: this one, without an executor's part)."""
    from multiwallet.sharding import derive_addresses
    from multiwallet.sharding.derivation import derive_shard

    account = Wallet.from_mnemonic(WORDS).account("ethereum")
    key = account.extended_public_key()
    if not processes:
        taken = seconds(lambda: derive_shard(key, account.network, "", "m/44'/60'/0'/0", 0, addresses))
    else:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(derive_addresses(key, "ethereum", 0, 200, executor=pool, shard=1))  # the workers are there
            found = derive_addresses(key, "ethereum", 0, addresses, executor=pool, shard=2500)
            taken = seconds(lambda: deque(found, maxlen=0))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"addresses": addresses, "processes": processes, "us": taken / addresses * 1e6, "memory_mib": memory}


def open_payer() -> Any:
    """What a worker opens; a real one reads its key from a vault or a file."""
    return Wallet.from_mnemonic(WORDS).account("ethereum")


def signatures(items: int, processes: int) -> dict[str, Any]:
    """Sign ERC-20 transfers on so many processes (0: ``sign_batch`` on this thread)."""
    from multiwallet.sharding import sign_sharded

    from .signing import _erc20_dicts

    transfers = _erc20_dicts(items)
    if not processes:
        account = open_payer()
        taken = seconds(lambda: deque(account.sign_batch(transfers), maxlen=0))
    else:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(sign_sharded(open_payer, transfers[:200], executor=pool, shard=1))
            taken = seconds(lambda: deque(sign_sharded(open_payer, transfers, executor=pool), maxlen=0))
    return {"items": items, "processes": processes, "us": taken / items * 1e6}


PARTS = {"batch": batch, "sending": sending, "derivation": derivation, "signatures": signatures}


def apart(part: str, *arguments: object) -> dict[str, Any]:
    """A measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--only", part, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    options.add_argument("--quick", action="store_true", help="few lines, for a look")
    options.add_argument("--lines", type=int, nargs="+", help="the sizes of the batches")
    options.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options.add_argument("--only", nargs="+", metavar="PART", help="one measurement, as JSON")
    chosen = options.parse_args()
    if chosen.only:
        part, *arguments = chosen.only
        print(json.dumps(PARTS[part](*(int(one) if one.isdigit() else one for one in arguments))))
        return 0
    sizes = chosen.lines or ((100, 1000) if chosen.quick else LINES)
    few = 100 if chosen.quick else 1000
    many = 5000 if chosen.quick else 50_000
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PARTS}
    print(f"{os.cpu_count()} processors; microseconds a line, peak memory of the process")
    print(f"\n{'plan and sign':<12} {'lines':>9} {'plan':>8} {'sign':>8} {'floor':>8} {'MiB':>6}")
    for network, size in [(name, few) for name in CHAINS] + [("ethereum", size) for size in sizes]:
        one = apart("batch", network, size)
        found["batch"].append(one)
        print(
            f"{network:<12} {size:>10} {one['plan_us']:>8.1f} {one['sign_us']:>8.1f} {one['floor_us']:>8.1f} "
            f"{one['memory_mib']:>6.0f}",
            flush=True,
        )
    print(f"\n{'send':<12} {'lines':>10} {'ours':>8} {'node':>8} {'share':>7}")
    for network in CHAINS:
        one = apart("sending", network, few)
        found["sending"].append(one)
        share = one["node_us"] / one["send_us"]
        print(f"{network:<12} {few:>10} {one['send_us']:>8.0f} {one['node_us']:>8.0f} {share:>7.2f}", flush=True)
    for part, key in (("derivation", "addresses"), ("signatures", "items")):
        print(f"\n{part:<12} {'processes':>10} {'us':>8}")
        for processes in (0, 1, 2):
            one = apart(part, many, processes)
            found[part].append(one)
            print(f"{one[key]:<12} {processes:>10} {one['us']:>8.1f}", flush=True)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
