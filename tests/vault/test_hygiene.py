"""What is secret shows nowhere, and is gone when the vault is closed."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import subprocess
import sys
import textwrap
import traceback

import pytest

from multiwallet.errors import MultiwalletError
from multiwallet.vault import Argon2id, Vault
from multiwallet.vault.credentials import Credentials
from multiwallet.vault.hardening import LockedKey

PASSPHRASE = "correct horse battery staple"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc of Linux")


def test_nothing_secret_in_any_text(vault, caplog):
    caplog.set_level(logging.DEBUG)
    with vault.unlock(PASSPHRASE) as opened:
        key = opened._contents.key
        shown = [vault, opened, key, opened._contents, *opened.slots, *opened.entries(), opened.wallet("savings")]
        texts = [f"{thing!r} {thing!s}" for thing in shown] + [repr(opened._contents.records), repr(opened.names())]
        forbidden = ["legal winner", "TREZOR", PASSPHRASE, key.view.hex(), repr(bytes(key.view)), PHRASE.encode().hex()]
    with Credentials(passphrase=PASSPHRASE, recipient_key=b"R" * 32) as credentials:
        texts.append(repr(credentials))
        forbidden += ["R" * 32, (b"R" * 32).hex()]
    texts.append(caplog.text)
    for text in texts:
        for secret in forbidden:
            assert secret not in text


@pytest.mark.parametrize(
    "how",
    [copy.copy, copy.deepcopy, pickle.dumps, json.dumps, hash],
    ids=["copy", "deepcopy", "pickle", "json", "hash"],
)
def test_no_copies(vault, how):
    with vault.unlock(PASSPHRASE) as opened, Credentials(passphrase="p") as credentials:
        for thing in (opened, credentials, opened._contents.key):
            if how is hash and thing is opened:
                continue  # its identity, which tells nothing
            with pytest.raises(TypeError):
                how(thing)


def test_no_secret_in_an_error_or_its_traceback(vault):
    wrong = "hunter2 hunter2 hunter2"

    def tell(opened):
        return [
            lambda: vault.unlock(wrong),
            lambda: vault.unlock(recipient_key=wrong),
            lambda: vault.unlock(shares=[wrong, wrong]),
            lambda: vault.unlock(key_file=wrong),
            lambda: vault.change_passphrase(wrong, wrong),
            lambda: Vault.create(vault.path, passphrase=wrong),
            lambda: opened.add_mnemonic("x", wrong * 3),
            lambda: opened.add_private_key("x", "ethereum", wrong),
            lambda: opened.add_xpub("x", "bitcoin", wrong),
            lambda: opened.add_slot("x", recipient=wrong),
            lambda: opened.add_from_shares("x", [wrong]),
            lambda: opened.add_seed("savings", wrong.encode()),
        ]

    with vault.unlock(PASSPHRASE) as opened:
        for use in tell(opened):
            try:
                use()
            except MultiwalletError as error:
                told = [str(error), repr(error), repr(error.__cause__), repr(error.args)]
                told += [f"{type(link).__name__}: {link}" for link in (error.__cause__, error.__context__) if link]
                for text in told:
                    assert "hunter2" not in text, use
                summary = traceback.TracebackException.from_exception(error, capture_locals=True)
                for frame in summary.stack:
                    if "tests" not in frame.filename:
                        held = [value for value in (frame.locals or {}).values() if "hunter2" in value]
                        assert not held, (frame.name, held)
            else:
                raise AssertionError("it was accepted")


def test_a_wiped_key_is_zeros():
    secret = bytearray(b"K" * 32)
    key = LockedKey(secret)
    assert secret == bytes(32)
    assert bytes(key.view) == b"K" * 32
    page = key._page
    seen = memoryview(page)  # keeps the page mapped
    key.close()
    key.close()
    assert bytes(seen[:32]) == bytes(32)
    assert key.closed
    seen.release()


SCAN = textwrap.dedent(
    """
    import gc, sys
    from multiwallet.vault import Vault

    MASK = bytes(byte ^ 0x5A for byte in range(256))

    def copies(masked):
        found = 0
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps.read().splitlines():
                span, mode = line.split()[:2]
                if not mode.startswith("rw") or "[v" in line:
                    continue
                start, end = (int(part, 16) for part in span.split("-"))
                try:
                    memory.seek(start)
                    found += memory.read(end - start).translate(MASK).count(masked)
                except (OSError, ValueError):
                    continue
        return found

    vault = Vault.open(sys.argv[1], allow_weak=True)
    opened = vault.unlock(sys.stdin.readline().strip())
    opened.export("savings")
    opened.add_seed("more", bytes(16))
    masked = bytes(byte ^ 0x5A for byte in opened._contents.key.view)
    print(copies(masked))
    opened.close()
    gc.collect()
    print(copies(masked))
    """
)


@linux
def test_no_copy_of_the_vaults_key_is_left_in_memory(vault):
    ended = subprocess.run(
        [sys.executable, "-c", SCAN, vault.path], input=PASSPHRASE + "\n", capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    during, after = map(int, ended.stdout.split())
    assert during >= 1  # so that the scan is known to see
    assert after == 0


HARDEN = textwrap.dedent(
    """
    import ctypes, resource, sys
    import multiwallet.vault.hardening, multiwallet.vault.vault, multiwallet.vault.unlocked
    libc = ctypes.CDLL(None)
    print(libc.prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0] == 0)
    from multiwallet.vault import harden_process
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    print(harden_process(), harden_process() == harden_process())
    print(libc.prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
    """
)


@linux
def test_hardening_happens_when_asked_for_and_not_at_import():
    ended = subprocess.run([sys.executable, "-c", HARDEN], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    before, made, after = ended.stdout.splitlines()
    assert before.startswith("1 ")
    assert made == "Hardening(no_core_dumps=True, not_dumpable=True) True"
    assert after == "0 (0, 0)"


@linux
def test_the_key_is_locked_where_the_system_allows(vault):
    def locked_kib() -> int:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmLck"))

    import resource

    before = locked_kib()
    with vault.unlock(PASSPHRASE) as opened:
        if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != 0:
            assert opened.locked_in_memory
        assert (locked_kib() > before) == opened.locked_in_memory
    assert locked_kib() == before


def test_a_system_that_refuses_to_lock(monkeypatch):
    monkeypatch.setattr("multiwallet.vault.hardening._libc", lambda: None)
    with LockedKey(bytearray(b"K" * 32)) as key:
        assert not key.locked
        assert bytes(key.view) == b"K" * 32
