"""A vault in a private folder, with parameters of Argon2id that cost nothing (and that no real vault may have)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiwallet.vault import Argon2id, Vault

QUICK = Argon2id(passes=1, memory_kib=8, weak=True)
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "vaults"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "main.mwvault"


@pytest.fixture
def create(path: Path) -> Callable[..., Vault]:
    def make(**factors: Any) -> Vault:
        return Vault.create(path, argon2id=QUICK, **(factors or {"passphrase": PASSPHRASE}))

    return make


@pytest.fixture
def vault(create: Callable[..., Vault]) -> Vault:
    """A vault with one mnemonic in it."""
    made = create()
    with made.unlock(PASSPHRASE) as opened:
        opened.add_mnemonic("savings", PHRASE, "TREZOR", note="the first")
    return made
