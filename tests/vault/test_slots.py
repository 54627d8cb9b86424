"""Slots: which factors open a vault, together or alone, and what revoking one takes."""

from __future__ import annotations

import itertools
import json
import secrets
from pathlib import Path

import pytest

from multiwallet import Secret
from multiwallet.errors import InputError, InvalidKey, VaultDamaged, VaultError, VaultLocked, WrongCredentials
from multiwallet.vault import Argon2id, Kind, Vault, recipient_public_key
from multiwallet.vault import shares as slip39
from multiwallet.vault.layout import parse
from multiwallet.vault.slots import open_slot

PASSPHRASE = "correct horse battery staple"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)
VECTORS = Path(__file__).resolve().parents[1] / "vectors"


@pytest.fixture
def key_file(folder):
    path = folder / "key"
    path.write_bytes(secrets.token_bytes(32))
    path.chmod(0o600)
    return path


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    """A real keyring: a file of keyrings.alt, which has no encryption and so belongs into tests alone."""
    library = pytest.importorskip("keyring", reason="the extra keyring is not installed")
    file = pytest.importorskip("keyrings.alt.file", reason="keyrings.alt is not installed")
    backend = file.PlaintextKeyring()
    backend.file_path = str(tmp_path / "keyring.cfg")
    before = library.get_keyring()
    library.set_keyring(backend)
    yield library
    library.set_keyring(before)


def opens(vault, **factors) -> bool:
    try:
        with Vault.open(vault.path, allow_weak=True).unlock(**factors) as opened:
            return opened.export("savings") == PHRASE
    except WrongCredentials:
        return False


def test_any_slot_opens(vault, key_file, keyring):
    private = secrets.token_bytes(32)
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_slot("second", passphrase="second", argon2id=QUICK)
        opened.add_slot("file", key_file=key_file)
        opened.add_slot("ring", keyring=True)
        opened.add_slot("anna", recipient=recipient_public_key(private))
        shares = opened.add_recovery_shares(threshold=2, count=3)
        assert [slot.label for slot in opened.slots] == ["", "second", "file", "ring", "anna", "recovery"]
    ways = [
        {"passphrase": PASSPHRASE},
        {"passphrase": "second"},
        {"key_file": key_file},
        {"keyring": True},
        {"recipient_key": private},
        {"recipient_key": private.hex()},
        {"recipient_key": Secret(private)},
        {"shares": shares[:2]},
        {"shares": [shares[2], shares[0]]},
        {"passphrase": "wrong", "key_file": key_file},
    ]
    for way in ways:
        assert opens(vault, **way), list(way)
    for way in ({"passphrase": "third"}, {"recipient_key": bytes(32)}, {"passphrase": PASSPHRASE, "slot": "second"}):
        assert not opens(vault, **way)
    with pytest.raises(InputError, match="do not fit together"):
        vault.unlock(shares=shares[:1])


def test_several_factors_are_needed_together(create, key_file, keyring, folder):
    private = secrets.token_bytes(32)
    vault = create(
        passphrase=PASSPHRASE, key_file=key_file, keyring=True, recipient=recipient_public_key(private), label="all"
    )
    everything = {"passphrase": PASSPHRASE, "key_file": key_file, "keyring": True, "recipient_key": private}
    with vault.unlock(**everything) as opened:
        opened.add_mnemonic("savings", PHRASE)
    assert vault.slots[0].factors == ("passphrase", "key file", "keyring", "recipient key")
    for size in range(1, 4):
        for chosen in itertools.combinations(everything, size):
            assert not opens(vault, **{name: everything[name] for name in chosen}), chosen
    assert opens(vault, **everything)
    other = folder / "other"
    other.write_bytes(bytes(32))
    other.chmod(0o600)
    wrong = {"passphrase": "wrong", "key_file": other, "recipient_key": bytes(32)}
    for name, value in wrong.items():
        assert not opens(vault, **(everything | {name: value})), name
    with pytest.raises(WrongCredentials, match="passphrase with key file with keyring with recipient key"):
        vault.unlock(PASSPHRASE)


def test_nothing_dear_is_done_before_what_is_cheap(create, key_file, folder, monkeypatch):
    private = secrets.token_bytes(32)
    vault = create(passphrase=PASSPHRASE, recipient=recipient_public_key(private))
    monkeypatch.setattr("multiwallet.vault.sodium.argon2id", None)
    with pytest.raises(WrongCredentials):
        vault.unlock(PASSPHRASE, recipient_key=bytes(32))


def test_revoking(vault, key_file):
    private = secrets.token_bytes(32)
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_slot("second", passphrase="second", argon2id=QUICK)
        opened.add_slot("file", key_file=key_file)
        opened.add_slot("anna", recipient=recipient_public_key(private))
        with vault.unlock("second") as elsewhere:
            opened.revoke_slot("second")
            with pytest.raises(VaultLocked, match="new key"):
                elsewhere.add_seed("x", bytes(16))
        assert [slot.label for slot in opened.slots] == ["", "file", "anna"]
        assert opened.export("savings") == PHRASE
        opened.add_seed("later", bytes(16))
    assert not opens(vault, passphrase="second")
    for way in ({"passphrase": PASSPHRASE}, {"key_file": key_file}, {"recipient_key": private}):
        assert opens(vault, **way)
    with vault.unlock(PASSPHRASE) as opened:
        opened.revoke_slot("anna")
        opened.revoke_slot(opened.slots[0].id)
        with pytest.raises(InputError, match="last slot"):
            opened.revoke_slot("file")
        with pytest.raises(InputError, match="no slot"):
            opened.revoke_slot("anna")
    assert not opens(vault, passphrase=PASSPHRASE)
    assert not opens(vault, recipient_key=private)
    assert opens(vault, key_file=key_file)


def test_the_backup_does_not_keep_a_revoked_slot_alive(vault):
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_slot("second", passphrase="second", argon2id=QUICK)
        opened.revoke_slot("second")
    backup = Vault.open(vault.path + ".bak", allow_weak=True)
    assert [slot.label for slot in backup.slots] == [""]
    with pytest.raises(WrongCredentials):
        backup.unlock("second")
    assert backup.unlock(PASSPHRASE).export("savings") == PHRASE


def test_what_a_former_member_knows_does_not_open_the_vault_any_more(vault):
    """The vault's old key, and the old wrappings of every other slot, are of no use after revoking."""
    with vault.unlock(PASSPHRASE) as opened:
        opened.add_slot("second", passphrase="second", argon2id=QUICK)
    with vault.unlock("second") as opened:
        old_key = bytes(opened._contents.key.view)
    old = parse(Path(vault.path).read_bytes())
    with vault.unlock(PASSPHRASE) as opened:
        opened.revoke_slot("second")
        assert bytes(opened._contents.key.view) != old_key
        slots = opened._contents.header.slots
    new = parse(Path(vault.path).read_bytes())
    assert slots[0].id == old.header.slots[0].id
    assert slots[0].public_key == old.header.slots[0].public_key
    assert slots[0].ephemeral != old.header.slots[0].ephemeral
    from multiwallet.vault.contents import Contents
    from multiwallet.vault.hardening import LockedKey

    assert Contents.read(old, LockedKey(bytearray(old_key))) is not None
    assert Contents.read(new, LockedKey(bytearray(old_key))) is None


def test_a_slot_that_fits_and_was_altered_is_told_from_a_wrong_passphrase(vault):
    from dataclasses import replace

    from multiwallet.vault.credentials import Credentials

    header = parse(Path(vault.path).read_bytes()).header
    record = header.slots[0]
    with Credentials(passphrase=PASSPHRASE) as credentials:
        assert open_slot(header.vault_id, record, credentials)
        for changed in (
            replace(record, wrapped=bytes([record.wrapped[0] ^ 1]) + record.wrapped[1:]),
            replace(record, ephemeral=recipient_public_key(bytes(32))),
            replace(record, ephemeral=bytes(32)),
            replace(record, label="changed"),
        ):
            with pytest.raises(VaultDamaged, match="slot"):
                open_slot(header.vault_id, changed, credentials)
        assert open_slot(header.vault_id, replace(record, public_key=bytes(32)), credentials) is None
        assert open_slot(bytes(16), record, credentials) is None


def test_change_passphrase_keeps_the_other_factors(create, key_file, keyring):
    private = secrets.token_bytes(32)
    vault = create(
        passphrase=PASSPHRASE, key_file=key_file, keyring=True, recipient=recipient_public_key(private), label="all"
    )
    others = {"key_file": key_file, "keyring": True, "recipient_key": private}
    with vault.unlock(PASSPHRASE, **others) as opened:
        opened.add_mnemonic("savings", PHRASE)
        opened.add_slot("second", passphrase="second", argon2id=QUICK)
    vault.change_passphrase(PASSPHRASE, "new", argon2id=QUICK, **others)
    assert vault.slots[0].factors == ("passphrase", "key file", "keyring", "recipient key")
    assert vault.slots[0].label == "all"
    assert opens(vault, passphrase="new", **others)
    assert not opens(vault, passphrase=PASSPHRASE, **others)
    assert not opens(vault, passphrase="new")
    assert opens(vault, passphrase="second")
    only = Vault.create(vault.path + "2", key_file=key_file)
    with pytest.raises(InputError, match="no passphrase to change"):
        only.change_passphrase("x", "y", key_file=key_file, argon2id=QUICK)


def test_the_keyring_is_cleared_of_a_revoked_slot(vault, keyring):
    with vault.unlock(PASSPHRASE) as opened:
        slot = opened.add_slot("ring", keyring=True)
        name = f"{vault.id}/{slot.id}"
        assert len(keyring.get_password("multiwallet vault", name)) == 64
        opened.revoke_slot("ring")
        assert keyring.get_password("multiwallet vault", name) is None


def test_a_keyring_that_forgot_or_changed(create, keyring):
    vault = create(keyring=True)
    name = f"{vault.id}/{vault.slots[0].id}"
    for text in ("", "00", "zz" * 32, "00" * 32):
        keyring.set_password("multiwallet vault", name, text)
        with pytest.raises(WrongCredentials):
            vault.unlock(keyring=True)
    keyring.delete_password("multiwallet vault", name)
    with pytest.raises(WrongCredentials):
        vault.unlock(keyring=True)


def test_no_keyring_on_this_machine(create, keyring):
    import keyring.backends.fail as fail

    keyring.set_keyring(fail.Keyring())
    with pytest.raises(VaultError, match="keyring"):
        create(keyring=True)


def test_key_files_that_are_none(vault, folder, key_file):
    cases = {"short": b"x" * 31, "empty": b"", "long": b"x" * (2**20 + 1)}
    for name, content in cases.items():
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(VaultError, match="another size"):
            vault.unlock(key_file=path)
    key_file.chmod(0o640)
    with pytest.raises(VaultError, match="chmod 600"):
        vault.unlock(key_file=key_file)
    for path in (folder, folder / "nothing", "a\0b", "/dev/zero"):
        with pytest.raises(VaultError):
            vault.unlock(key_file=path)


def test_recipients_that_are_none(vault):
    with vault.unlock(PASSPHRASE) as opened:
        for wrong in (bytes(32), bytes(31) + b"\0", b"\x01" + bytes(31), b"short", "zz", "00" * 31):
            with pytest.raises(InvalidKey):
                opened.add_slot("x", recipient=wrong)
        for label in ("x" * 65, "a\nb", "é" * 33):
            with pytest.raises(InputError, match="label"):
                opened.add_slot(label, passphrase="x", argon2id=QUICK)
        with pytest.raises(InputError, match="factor"):
            opened.add_slot("x")
    with pytest.raises(InvalidKey):
        vault.unlock(recipient_key="00" * 31)


def test_recipient_keys_agree_with_cryptography():
    x25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.x25519", reason="cryptography is missing")
    for _ in range(20):
        private = secrets.token_bytes(32)
        theirs = x25519.X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        assert recipient_public_key(private) == theirs


def test_there_is_an_end_to_slots(vault):
    public = recipient_public_key(secrets.token_bytes(32))
    with vault.unlock(PASSPHRASE) as opened, opened.transaction():
        for number in range(31):
            opened.add_slot(str(number), recipient=public)
        with pytest.raises(InputError, match="at most 32"):
            opened.add_slot("more", recipient=public)
    assert opens(vault, passphrase=PASSPHRASE)
    assert len(Vault.open(vault.path, allow_weak=True).slots) == 32


def test_calibration():
    found = Argon2id.calibrate(0.05)
    assert not found.below_floor
    assert found.passes >= 3
    assert found.memory_kib >= 64 * 1024
    assert Argon2id.calibrate(0.05, memory_kib=1).memory_kib == 64 * 1024


VECTORS_SLIP39 = json.loads((VECTORS / "vault_slip39.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS_SLIP39, ids=lambda vector: vector["name"][:40])
def test_official_vectors_of_slip39(vector):
    pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    if vector["secret"]:
        assert slip39.combine(vector["shares"], passphrase="TREZOR").expose().hex() == vector["secret"]
        return
    with pytest.raises(InputError) as caught:
        slip39.combine(vector["shares"], passphrase="TREZOR")
    assert not any(word in str(caught.value) for word in vector["shares"][0].split()[4:8])


def test_entries_as_shares(vault, folder):
    other = Vault.create(folder / "other", passphrase="p", argon2id=QUICK)
    seed = secrets.token_bytes(64)
    with vault.unlock(PASSPHRASE) as opened, other.unlock("p") as target:
        opened.add_seed("seed", seed)
        opened.add_private_key("key", "ethereum", "46" * 32)
        shares = opened.export_shares("savings", threshold=3, count=5)
        for chosen in itertools.combinations(shares, 3):
            name = str(len(target.names()))
            target.add_from_shares(name, list(chosen), passphrase="TREZOR")
            assert target.export(name) == PHRASE
        target.add_from_shares("seed", opened.export_shares("seed", threshold=2, count=2), kind=Kind.SEED)
        assert target.export("seed") == seed.hex()
        for chosen in (shares[:2], shares[:4], [shares[0], shares[0], shares[1]], [], ["zoo"] * 3, shares[0], [7]):
            with pytest.raises(InputError):
                target.add_from_shares("x", chosen)
        with pytest.raises(InputError):
            opened.export_shares("key", threshold=2, count=3)
        for threshold, count in ((0, 1), (1, 2), (3, 2), (2, 17)):
            with pytest.raises(InputError):
                opened.export_shares("savings", threshold=threshold, count=count)


def test_a_share_cannot_ask_for_endless_work():
    library = pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    ems = library.EncryptedMasterSecret(7, True, 15, bytes(16))
    ((share,),) = library.split_ems(1, [(1, 1)], ems)
    with pytest.raises(InputError, match="more work"):
        slip39.combine([share.mnemonic()])
