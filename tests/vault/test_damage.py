"""Bytes that are missing, changed, lowered, swapped or old: each a clear error, and the file as it was."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.errors import InputError, VaultDamaged, VaultError, WrongCredentials
from multiwallet.vault import Argon2id, Vault
from multiwallet.vault.layout import parse

PASSPHRASE = "correct horse battery staple"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)


def read(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def write(path, data: bytes) -> None:
    """In place, so that the mode stays."""
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()


def with_checksum(content: bytes) -> bytes:
    """What an attacker can do, since the checksum has no key (docs/vault-format.md)."""
    return content + hashlib.blake2b(content, digest_size=32, person=b"mwv1 checksum").digest()


def whole_unlock(path) -> None:
    """Open, unlock and decrypt every entry."""
    with Vault.open(path, allow_weak=True).unlock(PASSPHRASE) as opened:
        for name in opened.names():
            opened.export(name)


def test_every_flipped_bit_is_refused_before_any_key_is_derived(vault, monkeypatch):
    data = read(vault.path)

    def never(*args, **options):
        raise AssertionError("a key was derived for a damaged file")

    monkeypatch.setattr("multiwallet.vault.sodium.argon2id", never)
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(VaultDamaged):
                parse(bytes(changed))
    changed = bytes([data[0], data[1] ^ 1]) + data[2:]
    write(vault.path, changed)
    with pytest.raises(VaultDamaged):
        vault.unlock(PASSPHRASE)
    assert read(vault.path) == changed


def test_every_flipped_bit_is_refused_though_the_checksum_was_made_to_fit(vault):
    content = read(vault.path)[:-32]
    answers: dict[str, int] = {}
    header = len(pieces(content + bytes(32))[0])
    for position in [*range(header), *range(header, len(content), 5)]:
        for bit in range(8) if position < header else (position % 8,):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            write(vault.path, with_checksum(bytes(changed)))
            with pytest.raises((VaultError, InputError)) as caught:
                whole_unlock(vault.path)
            assert isinstance(caught.value, VaultError), (position, bit)
            answers[caught.value.code] = answers.get(caught.value.code, 0) + 1
    # A changed salt, parameter or public key looks like a wrong passphrase; all else is told to be damage.
    assert set(answers) == {"vault_damaged", "wrong_credentials", "vault_error"}
    assert answers["vault_error"] <= 16  # the bits of the version


@pytest.mark.parametrize("checksum", [False, True])
def test_every_truncation_is_refused(vault, checksum):
    data = read(vault.path)
    for length in range(len(data) - 32 if checksum else len(data)):
        cut = with_checksum(data[:length]) if checksum else data[:length]
        write(vault.path, cut)
        with pytest.raises(VaultError):
            whole_unlock(vault.path)
    for more in (b"\0", b"\0" * 32, data):
        write(vault.path, with_checksum(data[:-32] + more) if checksum else data + more)
        with pytest.raises(VaultDamaged):
            whole_unlock(vault.path)
    write(vault.path, data)
    whole_unlock(vault.path)


@given(st.binary(max_size=300))
def test_any_bytes(data):
    for attempt in (data, b"MWVAULT\n" + data, with_checksum(b"MWVAULT\n\0\x01" + data)):
        with pytest.raises(VaultError):
            parse(attempt)


def pieces(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Header with the index's size, index, entries: what docs/vault-format.md says."""
    header_size = int.from_bytes(data[10:14], "big")
    at = 14 + header_size
    index_size = int.from_bytes(data[at : at + 4], "big")
    start = at + 4
    return data[:start], data[start : start + index_size], data[start + index_size : -32]


def test_pieces_of_two_revisions_do_not_go_together(vault):
    versions = [read(vault.path)]
    with vault.unlock(PASSPHRASE) as opened:
        opened.rename("savings", "savingz")
        versions.append(read(vault.path))
        opened.add_seed("two", bytes(16))
        versions.append(read(vault.path))
        opened.add_slot("other", passphrase="other", argon2id=QUICK)
        versions.append(read(vault.path))
    for old in versions[:-1]:
        for new in versions[versions.index(old) + 1 :]:
            a, b = pieces(old), pieces(new)
            for mixture in ((a[0], b[1], b[2]), (b[0], a[1], b[2]), (b[0], b[1], a[2]), (a[0], a[1], b[2])):
                if len(mixture[1]) != int.from_bytes(mixture[0][-4:], "big") or b"".join(mixture) in (
                    b"".join(a),
                    b"".join(b),
                ):
                    continue
                write(vault.path, with_checksum(b"".join(mixture)))
                with pytest.raises(VaultDamaged):
                    whole_unlock(vault.path)


def test_swapped_entries(create):
    vault = create()
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("one", b"1" * 16)
        opened.add_seed("two", b"2" * 16)
    header, index, entries = pieces(read(vault.path))
    half = len(entries) // 2
    write(vault.path, with_checksum(header + index + entries[half:] + entries[:half]))
    with pytest.raises(VaultDamaged, match="entries are not those"):
        vault.unlock(PASSPHRASE)


def test_a_sealed_entry_is_bound_to_its_place(create):
    """Even somebody who could write the index cannot give one entry the sealed bytes of another."""
    vault = create()
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("one", b"1" * 16)
        opened.add_seed("two", b"2" * 16)
        records = opened._contents.records
        one, two = records["one"], records["two"]
        for swapped in (
            type(one)(one.id, one.entry, two.sealed),
            type(one)(two.id, one.entry, one.sealed),
            type(one)(one.id, two.entry, one.sealed),
        ):
            records["one"] = swapped
            with pytest.raises(VaultDamaged, match="entry"):
                opened.export("one")


def test_swapped_slots(create):
    vault = create()
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_slot("second", passphrase="second", argon2id=QUICK)
    data = read(vault.path)
    header = parse(data).header
    first, second = (slot.to_bytes() for slot in header.slots)
    both = len(first).to_bytes(2, "big") + first + len(second).to_bytes(2, "big") + second
    turned = len(second).to_bytes(2, "big") + second + len(first).to_bytes(2, "big") + first
    assert both in data
    write(vault.path, with_checksum(data[:-32].replace(both, turned)))
    with pytest.raises(VaultDamaged, match="slots, parameters or index"):
        vault.unlock(PASSPHRASE)
    # a slot left out, so that its owner is shut out
    alone = data[:-32].replace(both, len(first).to_bytes(2, "big") + first)
    size = int.from_bytes(alone[10:14], "big") - len(second) - 2
    alone = alone[:10] + size.to_bytes(4, "big") + alone[14:38] + b"\x01" + alone[39:]
    write(vault.path, with_checksum(alone))
    with pytest.raises(VaultDamaged, match="slots, parameters or index"):
        vault.unlock(PASSPHRASE)


def test_the_slot_of_another_vault(folder):
    first = Vault.create(folder / "one", passphrase=PASSPHRASE, argon2id=QUICK)
    second = Vault.create(folder / "two", passphrase=PASSPHRASE, argon2id=QUICK)
    ours, theirs = read(first.path), parse(read(second.path)).header.slots[0].to_bytes()
    mine = parse(ours).header.slots[0].to_bytes()
    write(first.path, with_checksum(ours[:-32].replace(mine, theirs)))
    with pytest.raises(VaultError):
        first.unlock(PASSPHRASE)


def test_parameters_below_the_floor_are_refused(create):
    vault = create()
    with pytest.raises(VaultDamaged, match="below the floor"):
        Vault.open(vault.path)
    with pytest.raises(InputError, match="needs at least"):
        Argon2id(passes=1, memory_kib=19456)
    with pytest.raises(InputError, match="needs at least"):
        Argon2id(passes=2, memory_kib=19455)


def test_lowered_parameters_are_refused(folder, monkeypatch):
    """From the least that a real vault may have to less: refused at once. To other parameters: it does not open."""
    least = Argon2id(passes=2, memory_kib=19456)
    vault = Vault.create(folder / "real", passphrase=PASSPHRASE, argon2id=least)
    data = read(vault.path)
    strong = (2).to_bytes(4, "big") + (19456).to_bytes(4, "big")
    assert data.count(strong) == 1
    for passes, memory in ((1, 19456), (2, 8), (2, 19455), (0, 0), (2, 2**32 - 1), (2**31, 19456)):
        weak = passes.to_bytes(4, "big") + memory.to_bytes(4, "big")
        write(vault.path, with_checksum(data[:-32].replace(strong, weak)))
        with pytest.raises(VaultDamaged):
            vault.unlock(PASSPHRASE)
    other = (3).to_bytes(4, "big") + (19456).to_bytes(4, "big")
    write(vault.path, with_checksum(data[:-32].replace(strong, other)))
    with pytest.raises(WrongCredentials):
        vault.unlock(PASSPHRASE)


def test_an_older_copy_put_back(vault, folder):
    old = read(vault.path)
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_seed("two", bytes(16))
        write(vault.path, old)
        with pytest.raises(VaultDamaged, match="older copy"):
            opened.add_seed("three", bytes(16))
        with pytest.raises(VaultDamaged, match="older copy"):
            opened.refresh()
    assert read(vault.path) == old
    with pytest.raises(VaultDamaged, match="older copy"):
        Vault.open(vault.path, allow_weak=True, minimum_revision=3)
    assert Vault.open(vault.path, allow_weak=True, minimum_revision=2).revision == 2
    other = Vault.create(folder / "other", passphrase=PASSPHRASE, argon2id=QUICK)
    with vault.unlock(PASSPHRASE) as opened:
        write(vault.path, read(other.path))
        with pytest.raises(VaultDamaged, match="another vault"):
            opened.add_seed("three", bytes(16))


def test_a_vault_of_the_future(vault):
    content = read(vault.path)[:-32]
    write(vault.path, with_checksum(content[:8] + b"\0\x02" + content[10:]))
    with pytest.raises(VaultError, match="version 2"):
        Vault.open(vault.path)


def test_other_files(folder):
    for number, content in enumerate((b"", b"MWVAULT", b"MWVAULT\n", os.urandom(5000), b"{}" * 100)):
        path = folder / str(number)
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(VaultDamaged):
            Vault.open(path)
        assert path.read_bytes() == content
    huge = folder / "huge"
    with open(huge, "wb") as file:
        file.truncate(65 * 2**20)
    huge.chmod(0o600)
    with pytest.raises(VaultDamaged, match="longer"):
        Vault.open(huge)
