"""What a vault holds, gives back, and forgets."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import AsyncWallet, Mnemonic, Secret, Wallet
from multiwallet.errors import (
    InputError,
    InvalidKey,
    InvalidMnemonic,
    UnknownNetwork,
    VaultError,
    VaultLocked,
    WrongCredentials,
)
from multiwallet.vault import Argon2id, Kind, Unlocked, Vault

PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSPHRASE = "correct horse battery staple"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)
KEY = "4646464646464646464646464646464646464646464646464646464646464646"
XPUB = (  # account 0 of BIP-84's test vectors
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
)


def test_every_kind_comes_back(create):
    vault = create()
    seed = bytes(range(64))
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_mnemonic("words", PHRASE, "TREZOR", note="a note")
        opened.add_seed("seed", seed)
        opened.add_private_key("eth", "ethereum", "0x" + KEY)
        opened.add_private_key("raw", "ethereum", bytes.fromhex(KEY))
        opened.add_xpub("watch", "bitcoin", XPUB)
    with Vault.open(vault.path, allow_weak=True).unlock(PASSPHRASE) as opened:
        assert opened.names() == ["words", "seed", "eth", "raw", "watch"]
        assert [entry.kind for entry in opened.entries()] == [
            Kind.MNEMONIC, Kind.SEED, Kind.PRIVATE_KEY, Kind.PRIVATE_KEY, Kind.XPUB,
        ]  # fmt: skip
        assert dict(opened.entry("words").details) == {"language": "english", "note": "a note"}
        assert dict(opened.entry("eth").details) == {"network": "ethereum"}
        assert opened.export("words") == PHRASE
        assert opened.export_passphrase("words") == "TREZOR"
        assert opened.export("seed") == seed.hex()
        assert opened.export("eth") == "0x" + KEY
        assert opened.export("raw") == KEY
        assert opened.export("watch") == XPUB
        pairs = [
            ("words", Wallet.from_mnemonic(PHRASE, "TREZOR"), "bitcoin"),
            ("seed", Wallet.from_seed(seed), "solana"),
            ("eth", Wallet.from_private_key("ethereum", KEY), "ethereum"),
            ("raw", Wallet.from_private_key("ethereum", KEY), "polygon"),
            ("watch", Wallet.from_xpub("bitcoin", XPUB), "bitcoin"),
        ]
        for name, wanted, network in pairs:
            with opened.wallet(name) as wallet:
                assert wallet.account(network).address == wanted.account(network).address
                assert wallet.is_watch_only == (name == "watch")


def test_a_wallet_of_one_entry(vault):
    with vault.unlock(PASSPHRASE, entry="savings") as wallet:
        address = wallet.account("ethereum").address
        assert wallet.account("ethereum").sign_message("hello")
    assert address == Wallet.from_mnemonic(PHRASE, "TREZOR").account("ethereum").address
    with pytest.raises(InvalidKey):
        wallet.account("ethereum", index=7).sign_message("hello")


def test_an_async_wallet(vault):
    async def main() -> str:
        with vault.unlock(PASSPHRASE) as opened:
            wallet = opened.async_wallet("savings")
            assert isinstance(wallet, AsyncWallet)
            return await wallet.account("ethereum").sign_message("hello")

    assert asyncio.run(main()) == Wallet.from_mnemonic(PHRASE, "TREZOR").account("ethereum").sign_message("hello")


def test_options_of_a_wallet_reach_it(vault):
    class Elsewhere:
        def sign(self, requests):
            raise AssertionError("not asked")

    signer = Elsewhere()
    with vault.unlock(PASSPHRASE, entry="savings", signer=signer) as wallet:
        assert wallet._signer is signer
    with pytest.raises(InputError, match="go with entry="):
        vault.unlock(PASSPHRASE, signer=signer)


@pytest.mark.parametrize(
    "wrong", ["correct horse", "correct horse battery staple ", "CORRECT HORSE BATTERY STAPLE", "x"]
)
def test_a_wrong_passphrase(vault, wrong):
    before = Path(vault.path).read_bytes()
    with pytest.raises(WrongCredentials, match="wrong") as caught:
        vault.unlock(wrong)
    assert wrong not in str(caught.value) or wrong == "x"
    assert Path(vault.path).read_bytes() == before


def test_a_passphrase_in_another_unicode_form_is_the_same(folder):
    vault = Vault.create(folder / "u.mwvault", passphrase="pâté ﬁn", argon2id=QUICK)
    with vault.unlock("pa\u0302te\u0301 fin") as opened:
        assert opened.names() == []
    with vault.unlock(Secret("pâté ﬁn".encode())) as opened:
        assert opened.names() == []


def test_remove_and_rename(vault):
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("seed", bytes(16))
        opened.rename("savings", "cold")
        opened.remove("seed")
        assert opened.names() == ["cold"]
    with vault.unlock(PASSPHRASE) as opened:
        assert opened.export("cold") == PHRASE
        assert opened.export_passphrase("cold") == "TREZOR"
        assert opened.entry("cold").details["note"] == "the first"
        for name in ("seed", "savings", "", " ", "x" * 65, "a\nb", 7):
            for use in (opened.export, opened.wallet, opened.remove, opened.entry, opened.export_passphrase):
                with pytest.raises(InputError):
                    use(name)
            with pytest.raises(InputError):
                opened.rename(name, "other")


def test_what_cannot_be_added(vault):
    before = Path(vault.path).read_bytes()
    with vault.unlock(PASSPHRASE) as opened:
        for wrong in ("", " a", "a ", "x" * 65, "a\x00", "a\x1b[2J", None, b"bytes", "savings"):
            with pytest.raises(InputError):
                opened.add_seed(wrong, bytes(16))
        with pytest.raises(InvalidMnemonic):
            opened.add_mnemonic("x", PHRASE + " zoo")
        with pytest.raises(InputError):
            opened.add_mnemonic("x", PHRASE, "\ud800")
        for size in (0, 15, 65):
            with pytest.raises(InvalidKey):
                opened.add_seed("x", bytes(size))
        with pytest.raises(InvalidKey):
            opened.add_private_key("x", "ethereum", "00" * 32)
        with pytest.raises(UnknownNetwork):
            opened.add_private_key("x", "nowhere", KEY)
        with pytest.raises(InvalidKey):
            opened.add_xpub("x", "bitcoin", "zpub")
        with pytest.raises(InputError):
            opened.add_seed("x", bytes(16), note="x" * 501)
        assert opened.names() == ["savings"]
    assert Path(vault.path).read_bytes() == before


def test_languages(vault):
    with vault.unlock(PASSPHRASE) as opened:
        for language in ("japanese", "spanish", "chinese_simplified"):
            words = Mnemonic.generate(24, language)
            opened.add_mnemonic(language, words.expose())
            assert opened.entry(language).details["language"] == language
            with opened.wallet(language) as wallet:
                assert wallet.account("tron").address == Wallet.from_mnemonic(words).account("tron").address


@settings(max_examples=40)
@given(
    name=st.text(min_size=1, max_size=70),
    seed=st.binary(min_size=0, max_size=70),
    note=st.text(max_size=30),
)
def test_any_entry_is_refused_or_comes_back(tmp_path_factory, name, seed, note):
    folder = tmp_path_factory.mktemp("any")
    vault = Vault.create(folder / "v", passphrase="p", argon2id=QUICK)
    with vault.unlock("p") as opened:
        try:
            opened.add_seed(name, seed, note=note)
        except InputError:
            assert opened.names() == []
            return
    with vault.unlock("p") as opened:
        (entry,) = opened.entries()
        assert opened.export(entry.name) == seed.hex()
        assert opened.export(name) == seed.hex()
        assert entry.details.get("note", "") == note


def test_several_changes_in_one_write(vault):
    with vault.unlock(PASSPHRASE) as opened:
        revision = opened.revision
        with opened.transaction():
            for number in range(10):
                opened.add_seed(f"seed {number}", bytes([number]) * 16)
            opened.rename("seed 3", "third")
        assert opened.revision == revision + 1

        def change_and_fail() -> None:
            with opened.transaction():
                opened.remove("third")
                opened.add_seed("another", bytes(16))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            change_and_fail()
        assert "third" in opened.names()
        assert "another" not in opened.names()
        assert opened.revision == revision + 1
    with vault.unlock(PASSPHRASE) as opened:
        assert len(opened.names()) == 11
        assert opened.export("third") == "03" * 16


def test_two_that_are_open_at_once_see_each_others_entries(vault):
    with vault.unlock(PASSPHRASE) as first, vault.unlock(PASSPHRASE) as second:
        first.add_seed("of the first", bytes(16))
        second.add_seed("of the second", bytes(16))
        assert second.names() == ["savings", "of the first", "of the second"]
        assert first.names() == ["savings", "of the first"]
        first.refresh()
        assert first.names() == second.names()
        with pytest.raises(InputError, match="already"):
            first.add_seed("of the second", bytes(16))


def test_threads_share_an_open_vault(vault):
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for count in range(5):
                opened.add_seed(f"{number}.{count}", bytes([number]) * 16)
                assert opened.export(f"{number}.{count}") == bytes([number] * 16).hex()
        except BaseException as error:
            failures.append(error)

    with vault.unlock(PASSPHRASE) as opened:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failures == []
        assert len(opened.names()) == 31


def test_closing_locks(vault):
    opened = vault.unlock(PASSPHRASE)
    wallet = opened.wallet("savings")
    account = wallet.account("ethereum")
    account.sign_message("hello")
    assert not opened.closed
    opened.close()
    opened.close()
    assert opened.closed
    uses = [
        opened.names, opened.entries, opened.refresh, lambda: opened.slots, lambda: opened.revision,
        lambda: opened.export("savings"), lambda: opened.wallet("savings"), lambda: opened.add_seed("x", bytes(16)),
        lambda: opened.remove("savings"), lambda: opened.revoke_slot("x"), lambda: opened.transaction().__enter__(),
        lambda: opened.add_slot(passphrase="x", argon2id=QUICK), opened.__enter__,
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(VaultLocked):
            use()
    with pytest.raises(InvalidKey):
        account.sign_message("hello")


class Clock:
    """The clock of open_vault, in the hands of a test."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("multiwallet.vault.open_vault._now", lambda: self.now)


def test_it_locks_itself_when_its_time_is_up(vault, monkeypatch):
    clock = Clock(monkeypatch)
    opened = vault.unlock(PASSPHRASE, timeout=300)
    wallet = opened.wallet("savings")
    account = wallet.account("ethereum")
    clock.now += 299.9
    assert opened.names() == ["savings"]
    account.sign_message("hello")
    clock.now += 0.2
    with pytest.raises(VaultLocked, match="unlock it again"):
        opened.names()
    assert opened.closed
    with pytest.raises(InvalidKey):
        account.sign_message("hello")


def test_the_timer_locks_without_being_asked(vault):
    opened = vault.unlock(PASSPHRASE, timeout=0.05)
    key = opened._contents.key
    opened._timer.join(30)
    assert key.closed


def test_time_that_ends_within_a_transaction(vault, monkeypatch):
    clock = Clock(monkeypatch)
    opened = vault.unlock(PASSPHRASE, timeout=300)
    opened.add_slot("second", passphrase="second", argon2id=QUICK)
    kept = opened._contents.key
    before = Path(vault.path).read_bytes()

    def revoke_too_slowly() -> None:
        with opened.transaction():
            opened.revoke_slot("second")
            clock.now += 301

    with pytest.raises(VaultLocked):
        revoke_too_slowly()
    assert opened.closed
    assert kept.closed
    assert Path(vault.path).read_bytes() == before


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_a_time(vault, timeout):
    with pytest.raises(InputError, match="seconds"):
        vault.unlock(PASSPHRASE, timeout=timeout)


def test_a_forked_child_leaves_the_key_alone(vault):
    with vault.unlock(PASSPHRASE) as opened:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if opened.export("savings") == PHRASE else 2
                opened.close()
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert opened.export("savings") == PHRASE


def test_public_parts(vault):
    public = Vault.open(vault.path, allow_weak=True)
    assert public.id == vault.id
    assert len(public.id) == 32
    assert public.revision == 2
    (slot,) = public.slots
    assert slot.factors == ("passphrase",)
    assert slot.argon2id == QUICK
    assert slot.recipient is None
    assert "savings" not in Path(vault.path).read_bytes().decode("latin-1")


def test_create_and_open_refuse(vault, folder):
    before = Path(vault.path).read_bytes()
    with pytest.raises(VaultError, match="already"):
        Vault.create(vault.path, passphrase="x", argon2id=QUICK)
    assert Path(vault.path).read_bytes() == before
    with pytest.raises(VaultError, match="no vault"):
        Vault.open(folder / "nothing")
    with pytest.raises(InputError, match="factor"):
        Vault.create(folder / "new", argon2id=QUICK)
    with pytest.raises(InputError, match="empty"):
        Vault.create(folder / "new", passphrase="", argon2id=QUICK)
    with pytest.raises(InputError):
        Vault.create(folder / "new", passphrase="\ud800", argon2id=QUICK)
    with pytest.raises(InputError):
        Vault.create(folder / "new", passphrase="x" * 5000, argon2id=QUICK)
    with pytest.raises(InputError, match="needs a factor"):
        vault.unlock()
    with pytest.raises(InputError, match="no slot"):
        vault.unlock(PASSPHRASE, slot="nothing")
    assert not (folder / "new").exists()


def test_change_passphrase(vault):
    before = Vault.open(vault.path, allow_weak=True).revision
    old_id = vault.slots[0].id
    better = Argon2id(passes=2, memory_kib=16, weak=True)
    vault.change_passphrase(PASSPHRASE, "a new one", argon2id=better)
    assert vault.revision == before + 1
    assert vault.slots[0].argon2id == better
    assert vault.slots[0].id != old_id
    with pytest.raises(WrongCredentials):
        vault.unlock(PASSPHRASE)
    with vault.unlock("a new one") as opened:
        assert opened.export("savings") == PHRASE
    backup = Vault.open(vault.path + ".bak", allow_weak=True)
    with pytest.raises(WrongCredentials):
        backup.unlock(PASSPHRASE)
    with backup.unlock("a new one") as opened:
        assert opened.export("savings") == PHRASE
    with pytest.raises(WrongCredentials):
        vault.change_passphrase("wrong", "other", argon2id=QUICK)


def test_an_open_vault_notices_a_new_key(vault):
    with vault.unlock(PASSPHRASE) as opened:
        vault.change_passphrase(PASSPHRASE, "a new one", argon2id=QUICK)
        assert opened.export("savings") == PHRASE  # what it has read it still knows
        with pytest.raises(VaultLocked, match="new key"):
            opened.add_seed("x", bytes(16))
    assert isinstance(vault.unlock("a new one"), Unlocked)
