"""Opening a vault costs what its parameters say and nothing more, however much is in it."""

from __future__ import annotations

from collections import Counter

import pytest

from multiwallet.errors import WrongCredentials
from multiwallet.vault import Argon2id, Vault, sodium

PASSPHRASE = "correct horse battery staple"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)


@pytest.fixture
def counted(monkeypatch):
    """How often each primitive ran, and the parameters of each run of Argon2id."""
    calls: Counter[str] = Counter()
    calls.parameters = []
    for name in ("argon2id", "seal", "open_box", "x25519"):
        real = getattr(sodium, name)

        def wrapper(*given, _real=real, _name=name, **options):
            calls[_name] += 1
            if _name == "argon2id":
                calls.parameters.append((options["passes"], options["memory_kib"]))
            return _real(*given, **options)

        monkeypatch.setattr(sodium, name, wrapper)
    return calls


def test_a_thousand_entries_cost_what_one_costs(create, counted):
    vault = create()
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("0", bytes(16))
    counted.clear()
    vault.unlock(PASSPHRASE).close()
    one = dict(counted)
    with vault.unlock(PASSPHRASE) as opened, opened.transaction():
        for number in range(1, 1000):
            opened.add_seed(str(number), number.to_bytes(16, "big"))
    counted.clear()
    with vault.unlock(PASSPHRASE) as opened:
        assert dict(counted) == one == {"argon2id": 1, "open_box": 2, "x25519": 1}
        assert len(opened.names()) == 1000
        counted.clear()
        assert opened.export("777") == (777).to_bytes(16, "big").hex()
        assert dict(counted) == {"open_box": 1}


def test_one_run_of_argon2id_for_each_slot_that_is_tried(create, counted, folder):
    key_file = folder / "key"
    key_file.write_bytes(bytes(32))
    key_file.chmod(0o600)
    vault = create()
    other = Argon2id(passes=2, memory_kib=16, weak=True)
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_slot("second", passphrase="second", argon2id=other)
        opened.add_slot("both", passphrase="both", key_file=key_file, argon2id=QUICK)
        opened.add_slot("file", key_file=key_file)
    counted.parameters.clear()
    vault.unlock(PASSPHRASE).close()
    assert counted.parameters == [(1, 8)]
    counted.parameters.clear()
    vault.unlock("second", slot="second").close()
    assert counted.parameters == [(2, 16)]
    counted.parameters.clear()
    vault.unlock(key_file=key_file).close()
    Vault.open(vault.path, allow_weak=True)
    assert counted.parameters == []
    with pytest.raises(WrongCredentials):
        vault.unlock("wrong")
    assert counted.parameters == [(1, 8), (2, 16)]  # the slot with the key file is not tried without it


def test_adding_to_a_full_vault_seals_one_entry(create, counted):
    vault = create()
    with vault.unlock(PASSPHRASE) as opened:
        with opened.transaction():
            for number in range(300):
                opened.add_seed(str(number), bytes(16))
        counted.clear()
        opened.add_seed("more", bytes(16))
        assert counted["seal"] == 2  # the entry and the index
        assert counted["argon2id"] == 0
