"""Fuzz the decoders: ``python tests/fuzz/fuzz.py [--seconds 60 | --count 200] [--seed N] [--engine ...] [TARGET ...]``.

A failure is any exception outside the error tree, more than five seconds for one input, or more than a gigabyte of
memory. The input is then written to .cache/fuzz/, and the process ends with 1. The engine is atheris (libFuzzer, led by
coverage) where it is installed and time is given, else mutations of the seeds in corpus/, repeatable by ``--seed``.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import importlib.util
import random
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final, NoReturn

HERE: Final = Path(__file__).resolve().parent
CORPUS: Final = HERE / "corpus"
FOUND: Final = HERE.parents[1] / ".cache" / "fuzz"
SLOWEST: Final = 5.0
MEMORY: Final = 2**30

sys.path.insert(0, str(HERE))


class Hang(BaseException):
    """An input took too long. No ``except Exception`` of a decoder catches it."""


def seeds_of(name: str) -> list[bytes]:
    """The kept inputs of a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def _too_slow(*_: object) -> NoReturn:
    raise Hang


def attempt(target: Any, data: bytes) -> BaseException | None:
    """Run a target on one input: None, or what it must not raise. Interrupted after five seconds."""
    from multiwallet.errors import MultiwalletError

    before = signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, SLOWEST)
    try:
        target.run(data)
    except MultiwalletError:
        return None
    except (Exception, Hang) as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return None


def bound_memory() -> None:
    """At most a gigabyte more than now; a decoder that wants more gets a MemoryError, which is a failure."""
    import resource

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def keep(name: str, data: bytes, error: BaseException) -> None:
    """Write an input down that failed, and say why."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"{name}: {type(error).__name__} on {path}", flush=True)
    traceback.print_exception(error, limit=-6)


def mutated(name: str, target: Any, *, seed: int, count: int, until: float) -> int:
    """Run mutations of a target's seeds; how many failed."""
    from mutator import mutate

    source = random.Random(f"{seed} {name}")
    seeds, failed, done = seeds_of(name), 0, 0
    while (done < count) if count else (time.monotonic() < until):
        data = mutate(source, seeds)
        if target.seal is not None and source.random() < 0.7:
            data = target.seal(data)
        faulthandler.dump_traceback_later(10 * SLOWEST, exit=True)  # for what no signal interrupts
        error = attempt(target, data)
        faulthandler.cancel_dump_traceback_later()
        done += 1
        if error is not None:
            keep(name, data, error)
            failed += 1
            if failed == 5:
                break
    print(f"{name}: {done} inputs, {failed} failed", flush=True)
    return failed


def led_by_coverage(name: str, seconds: int) -> int:
    """Run atheris on a target in a process of its own, which it needs; 0 or 1."""
    grown = FOUND / "corpus" / name
    grown.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        __file__,
        "--child",
        name,
        f"-max_total_time={seconds}",
        f"-timeout={int(SLOWEST)}",
        f"-rss_limit_mb={MEMORY >> 20}",
        "-max_len=16384",
        f"-artifact_prefix={FOUND}/{name}-",
        "-print_final_stats=1",
        str(grown),
        str(CORPUS / name),
    ]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    stats = [line.split(":")[-1].strip() for line in ended.stdout.splitlines() if "number_of_executed_units" in line]
    print(f"{name}: {stats[0] if stats else '?'} inputs, {int(ended.returncode != 0)} failed", flush=True)
    if ended.returncode:
        print("\n".join(ended.stdout.splitlines()[-40:]), flush=True)
    return int(ended.returncode != 0)


def atheris_child(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["multiwallet"]):
        from targets import TARGETS

    from multiwallet.errors import MultiwalletError

    target = TARGETS[name]

    def one(data: bytes) -> None:
        try:
            target.run(data if target.seal is None or len(data) % 4 == 0 else target.seal(data))
        except MultiwalletError:
            return

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        atheris_child(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--count", type=int, default=0, help="inputs a target, instead of a time")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other mutations")
    parser.add_argument("--engine", choices=("auto", "atheris", "mutations"), default="auto")
    given = parser.parse_args()
    guided = given.engine == "atheris" or (
        given.engine == "auto" and not given.count and importlib.util.find_spec("atheris") is not None
    )
    from targets import TARGETS

    names = given.targets or list(TARGETS)
    unknown = set(names) - set(TARGETS)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    share = max(1, given.seconds // len(names))
    if guided:
        return int(sum(led_by_coverage(name, share) for name in names) > 0)
    bound_memory()
    failed = sum(
        mutated(name, TARGETS[name], seed=given.seed, count=given.count, until=time.monotonic() + share)
        for name in names
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
