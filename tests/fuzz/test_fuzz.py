"""Every decoder on its kept inputs and on some mutations of them. ``make fuzz SECONDS=600`` runs it for long."""

from __future__ import annotations

import runpy
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).parent
PROGRAM = [sys.executable, str(HERE / "fuzz.py")]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the limits on time and memory are of Linux"
)


@pytest.fixture(scope="module")
def fuzz() -> Any:
    return SimpleNamespace(**runpy.run_path(str(HERE / "fuzz.py"), run_name="fuzz"))


@pytest.fixture(scope="module")
def targets(fuzz: Any) -> dict[str, Any]:  # what fuzz.py puts on the path, targets.py needs
    return dict(runpy.run_path(str(HERE / "targets.py"))["TARGETS"])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=240)


def test_every_target_has_seeds_that_it_reads(fuzz, targets):
    assert {path.name for path in fuzz.CORPUS.iterdir()} == set(targets)
    for name, target in targets.items():
        seeds = fuzz.seeds_of(name)
        assert len(seeds) >= 2
        assert max(map(len, seeds)) <= 16 * 1024
        for data in seeds:
            assert fuzz.attempt(target, data) is None, name


@pytest.mark.long
def test_a_brief_run_finds_nothing():
    ended = run("--count", "60", "--seed", "1", "--engine", "mutations")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(" 60 inputs, 0 failed") >= 40


def test_edges_that_no_mutation_makes(fuzz, targets):
    edges = [b"", b"\0", b"\xff" * 64, b" " * 9999, b"[" * 60_000, b'{"a":' * 9999, b"a" * 65_536, b"9" * 65_536]
    edges += [b"\xed\xa0\x80", b"\xff\xfe\0\0", "ü".encode() * 999, b"(" * 9999, b"0x" + b"f" * 9998, b"\xc0" * 9999]
    for name, target in targets.items():
        for data in edges:
            assert fuzz.attempt(target, data) is None, (name, data[:10])


def test_the_harness_sees_a_crash_a_hang_and_hunger(fuzz, monkeypatch):
    """Without this the zeros above would prove nothing."""

    def hang(data: bytes) -> None:
        while True:
            try:
                time.sleep(60)
            except Exception:
                continue

    def crash(data: bytes) -> None:
        raise IndexError(data)

    # runpy gives copies: what attempt() reads are its own globals
    monkeypatch.setitem(fuzz.attempt.__globals__, "SLOWEST", 0.05)
    assert isinstance(fuzz.attempt(SimpleNamespace(run=crash), b""), IndexError)
    assert isinstance(fuzz.attempt(SimpleNamespace(run=hang), b""), fuzz.Hang)
    hungry = (
        "import sys; sys.argv=['x']; import runpy; m = runpy.run_path(sys.path[0] + '/fuzz.py'); m['bound_memory']();"
    )
    eaten = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[0] = {str(HERE)!r}; {hungry} bytes(2**31)"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "MemoryError" in eaten.stderr


def test_mutations_are_repeatable():
    import random

    sys.path.insert(0, str(HERE))
    try:
        from mutator import LONGEST, mutate
    finally:
        sys.path.remove(str(HERE))
    seeds = [b"one", b'{"two": [2, 2]}', bytes(50)]
    first, second = ([mutate(random.Random(f"{n}"), seeds) for n in range(300)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 250
    assert max(map(len, first)) <= LONGEST


def test_an_unknown_target_is_told():
    ended = run("no-such-target")
    assert ended.returncode == 2
    assert "there is no target no-such-target" in ended.stderr
