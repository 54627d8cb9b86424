"""The file: who may read it, what a killed writer leaves, and that two writers lose nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from multiwallet.errors import VaultDamaged, VaultError, VaultLocked
from multiwallet.vault import Argon2id, Vault
from multiwallet.vault.storage import VaultFile

PASSPHRASE = "correct horse battery staple"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_modes_do_not_depend_on_the_umask(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "made" / "here" / "main"
        tmp_path.chmod(0o700)
        vault = Vault.create(path, passphrase="p", argon2id=QUICK)
        with vault.unlock("p") as opened:
            opened.add_seed("one", bytes(16))
        vault.backup_to(path.parent / "copy")
    finally:
        os.umask(before)
    assert mode(path) == mode(path.parent / "main.bak") == mode(path.parent / "main.lock") == 0o600
    assert mode(path.parent / "copy") == 0o600
    assert mode(path.parent) == mode(path.parent.parent) == 0o700
    assert sorted(os.listdir(path.parent)) == ["copy", "main", "main.bak", "main.lock"]


@pytest.mark.parametrize("bits", [0o040, 0o004, 0o020, 0o002, 0o010, 0o001])
def test_a_file_open_to_others_is_refused(vault, bits):
    os.chmod(vault.path, 0o600 | bits)
    for use in (lambda: Vault.open(vault.path, allow_weak=True), lambda: vault.unlock(PASSPHRASE)):
        with pytest.raises(VaultError, match="chmod 600"):
            use()


def test_a_folder_that_others_can_change_is_refused(vault, folder):
    for bits in (0o720, 0o702, 0o777):
        folder.chmod(bits)
        with pytest.raises(VaultError, match="folder"):
            vault.unlock(PASSPHRASE)
    folder.chmod(0o1777)  # as /tmp: others can add files there, and not change ours
    assert vault.unlock(PASSPHRASE).names() == ["savings"]


def test_what_is_no_plain_file_is_refused(vault, folder):
    link = folder / "link"
    link.symlink_to(vault.path)
    with pytest.raises(VaultError, match="symbolic link"):
        Vault.open(link)
    os.mkfifo(folder / "fifo", 0o600)
    for path in (folder, folder / "fifo"):
        with pytest.raises(VaultError):
            Vault.open(path)
    with pytest.raises(VaultError):
        Vault.open("a\0b")
    with pytest.raises(VaultError):
        Vault.open(7)


def test_a_file_of_another_user_is_refused(vault, monkeypatch):
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(VaultError, match="belongs to"):
        vault.unlock(PASSPHRASE)


def test_each_write_keeps_the_version_before(vault):
    versions = [Path(vault.path).read_bytes()]
    with vault.unlock(PASSPHRASE) as opened:
        for number in range(3):
            opened.add_seed(str(number), bytes(16))
            assert Path(vault.path + ".bak").read_bytes() == versions[-1]
            versions.append(Path(vault.path).read_bytes())


def test_backup_and_restore(vault, folder):
    copy = folder / "copy"
    vault.backup_to(copy)
    assert copy.read_bytes() == Path(vault.path).read_bytes()
    with pytest.raises(VaultError, match="already"):
        vault.backup_to(copy)
    with vault.unlock(PASSPHRASE) as opened:
        opened.remove("savings")
    with pytest.raises(VaultError, match="already"):
        Vault.restore(vault.path, copy, allow_weak=True)
    removed = Path(vault.path).read_bytes()
    restored = Vault.restore(vault.path, copy, replace=True, allow_weak=True)
    assert restored.unlock(PASSPHRASE).export("savings") == PHRASE
    assert Path(vault.path + ".bak").read_bytes() == removed
    with open(vault.path, "r+b") as file:
        file.truncate(100)
    restored = Vault.restore(vault.path, copy, replace=True, allow_weak=True)
    assert restored.unlock(PASSPHRASE).export("savings") == PHRASE
    assert os.path.getsize(vault.path + ".damaged") == 100
    elsewhere = Vault.restore(folder / "deep" / "er", vault.path + ".bak", allow_weak=True)
    assert elsewhere.unlock(PASSPHRASE).names() == []
    copy.write_bytes(b"x")
    with pytest.raises(VaultDamaged):
        Vault.restore(vault.path, copy, replace=True)
    assert vault.path != elsewhere.path


def test_a_write_that_fails_leaves_everything_as_it_was(vault, monkeypatch):
    before = Path(vault.path).read_bytes()
    real = os.rename

    def full(*names, **options):
        if str(names[1]) == vault.path:
            raise OSError(28, "No space left on device")
        return real(*names, **options)

    with vault.unlock(PASSPHRASE) as opened:
        monkeypatch.setattr(os, "rename", full)
        with pytest.raises(VaultError, match="No space left"):
            opened.add_seed("x", bytes(16))
        assert opened.names() == ["savings"]
        monkeypatch.undo()
        assert Path(vault.path).read_bytes() == before
        assert not [name for name in os.listdir(Path(vault.path).parent) if name.endswith(".tmp")]
        opened.add_seed("x", bytes(16))
        assert opened.names() == ["savings", "x"]


def test_the_lock_is_waited_for_and_not_for_ever(vault):
    file = VaultFile(vault.path)
    with file.locked(), pytest.raises(VaultLocked, match="another process"), VaultFile(vault.path).locked(wait=0.05):
        pass
    with VaultFile(vault.path).locked(wait=0):
        pass


WRITER = textwrap.dedent(
    """
    import sys
    from multiwallet.vault import Vault
    path, passphrase, name, count = sys.argv[1:]
    with Vault.open(path, allow_weak=True).unlock(passphrase) as opened:
        print("ready", flush=True)
        number = 0
        while number != int(count):
            opened.add_seed(f"{name}.{number}", number.to_bytes(16, "big"))
            number += 1
            print(number, flush=True)
    """
)


def start(path: str, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, PASSPHRASE, name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_that_write_lose_nothing(vault):
    writers = [start(vault.path, name, 12) for name in ("a", "b")]
    try:
        for writer in writers:
            assert writer.wait(120) == 0
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    with vault.unlock(PASSPHRASE) as opened:
        wanted = {"savings"} | {f"{name}.{number}" for name in "ab" for number in range(12)}
        assert set(opened.names()) == wanted
        assert opened.revision == 2 + 24
        for name in wanted - {"savings"}:
            assert opened.export(name) == int(name[2:]).to_bytes(16, "big").hex()


def test_a_writer_that_is_killed_leaves_the_old_vault_or_the_new_one(vault, folder):
    written = 0
    for attempt in range(6):
        writer = start(vault.path, str(attempt), -1)
        told = 0
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            for _ in range(attempt):
                told = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            rest = writer.communicate(timeout=60)[0].split()
            told = int(rest[-1]) if rest else told
        finally:
            writer.kill()
            writer.wait(60)
        with Vault.open(vault.path, allow_weak=True).unlock(PASSPHRASE) as opened:
            mine = [name for name in opened.names() if name.startswith(f"{attempt}.")]
            assert told <= len(mine) <= told + 1
            for number, name in enumerate(mine):
                assert opened.export(name) == number.to_bytes(16, "big").hex()
            written += len(mine)
            assert opened.revision == 2 + written
        if os.path.exists(vault.path + ".bak"):
            backup = Vault.open(vault.path + ".bak", allow_weak=True)
            with backup.unlock(PASSPHRASE) as opened:
                for name in opened.names():
                    opened.export(name)
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("last", bytes(16))
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_a_leftover_of_a_killed_writer_is_removed(vault, folder):
    left = folder / ".main.mwvault.0123456789abcdef.tmp"
    others = [folder / ".other.0123456789abcdef.tmp", folder / "notes.tmp", folder / ".main.mwvault.tmp"]
    for path in (left, *others):
        path.write_text("x")
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("x", bytes(16))
    assert not left.exists()
    assert all(path.exists() for path in others)
