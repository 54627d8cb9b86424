"""A second reader of vaults, written from docs/vault-format.md alone, on ``cryptography`` and ``argon2-cffi``.

Nothing of multiwallet is used to read; HChaCha20 (draft-irtf-cfrg-xchacha) is computed here. It reads the fixed
vectors, and fresh vaults as multiwallet writes them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from multiwallet.vault import Argon2id, Vault, recipient_public_key

argon2 = pytest.importorskip("argon2.low_level", reason="argon2-cffi is not installed")
aead = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead", reason="cryptography is not installed")
x25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.x25519", reason="cryptography is missing")

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/vault_format.json").read_text())["vectors"]
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)
KINDS = {"mnemonic": 1, "seed": 2, "private-key": 3, "xpub": 4}


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    state = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I4I", key + nonce))

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for row in range(4):
            quarter(row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


def open_box(key: bytes, box: bytes, associated: bytes) -> bytes:
    subkey = hchacha20(key, box[:16])
    return aead.ChaCha20Poly1305(subkey).decrypt(bytes(4) + box[16:24], box[24:], associated)


def blake2b(purpose: bytes, data: bytes, key: bytes = b"") -> bytes:
    return hashlib.blake2b(data, digest_size=32, key=key, person=purpose.ljust(16, b"\0")).digest()


def agree(private: bytes, public: bytes) -> bytes:
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    return key.exchange(x25519.X25519PublicKey.from_public_bytes(public))


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


def read_slot(data: bytes) -> dict[str, Any]:
    source = Bytes(data)
    slot: dict[str, Any] = {"id": source.take(16), "label": source.take(source.number(1)).decode()}
    slot["factors"] = {}
    for _ in range(source.number(1)):
        kind = source.number(1)
        slot["factors"][kind] = source.take(source.number(2))
    slot["public"] = source.take(source.number(1))
    slot["ephemeral"] = source.take(32)
    slot["associated"] = data[: source.at]
    slot["box"] = source.take(72)
    assert source.at == len(data)
    return slot


def open_slot(vault_id: bytes, slot: dict[str, Any], given: dict[int, bytes]) -> bytes | None:
    """``given``: passphrase (1), file content (2), keyring bytes (3), private key (4), hmac-secret (5), secret (6)."""
    if not set(slot["factors"]) <= set(given):
        return None
    material, shared = b"", b""
    for kind, body in slot["factors"].items():
        if kind == 1:
            assert body[0] == 1
            secret = argon2.hash_secret_raw(
                unicodedata.normalize("NFKD", given[1].decode()).encode(),
                body[9:],
                time_cost=int.from_bytes(body[1:5], "big"),
                memory_cost=int.from_bytes(body[5:9], "big"),
                parallelism=1,
                hash_len=32,
                type=argon2.Type.ID,
                version=19,
            )
        elif kind in (2, 6):
            secret = blake2b(b"mwv1 key file" if kind == 2 else b"mwv1 shares", given[kind])
        elif kind == 4:
            continue
        else:
            secret = given[kind]
        material += bytes([kind]) + secret
    if slot["public"]:
        private = blake2b(b"mwv1 slot", vault_id + slot["id"] + material)
        if x25519.X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() != slot["public"]:
            return None
        shared += agree(private, slot["ephemeral"])
    if 4 in slot["factors"]:
        shared += agree(given[4], slot["ephemeral"])
    wrapping = blake2b(b"mwv1 wrap", vault_id + slot["id"] + slot["ephemeral"] + shared)
    return open_box(wrapping, slot["box"], vault_id + slot["associated"])


def read_vault(data: bytes, given: dict[int, bytes]) -> dict[str, Any]:
    assert data[:8] == b"MWVAULT\n"
    assert blake2b(b"mwv1 checksum", data[:-32]) == data[-32:]
    source = Bytes(data[:-32])
    source.take(8)
    assert source.number(2) == 1
    header = Bytes(source.take(source.number(4)))
    index_size = source.number(4)
    associated = data[: source.at]
    index_box = source.take(index_size)
    entries = data[source.at : -32]
    vault_id, revision = header.take(16), header.number(8)
    slots = [read_slot(header.take(header.number(2))) for _ in range(header.number(1))]
    assert header.at == len(header.data)
    key = next(key for slot in slots if (key := open_slot(vault_id, slot, given)) is not None)
    text = open_box(blake2b(b"mwv1 index", vault_id, key), index_box, associated)
    assert len(text) % 1024 == 0
    index = json.loads(text)
    assert blake2b(b"mwv1 entries", entries).hex() == index["digest"]
    found: dict[str, Any] = {}
    source = Bytes(entries)
    for item in index["entries"]:
        about = vault_id + bytes.fromhex(item["id"]) + item["revision"].to_bytes(8, "big")
        about += bytes([KINDS[item["kind"]]]) + item["name"].encode()
        plain = open_box(blake2b(b"mwv1 entry", vault_id, key), source.take(item["size"]), about)
        assert len(plain) % 256 == 0
        entry = Bytes(plain)
        secret, passphrase = entry.take(entry.number(2)), entry.take(entry.number(2))
        assert not any(plain[entry.at :])
        found[item["name"]] = {
            "kind": item["kind"],
            "secret": secret.hex(),
            "passphrase": passphrase.decode(),
            "details": item["details"],
        }
    assert source.at == len(entries)
    return {"id": vault_id.hex(), "revision": revision, "slots": [slot["label"] for slot in slots], "entries": found}


def test_hchacha20():
    """The example of draft-irtf-cfrg-xchacha-03, section 2.2.1."""
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    assert (
        hchacha20(bytes(range(32)), nonce).hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector, folder):
    data = bytes.fromhex(vector["file"])
    for way in vector["ways"]:
        read = read_vault(data, {int(kind): bytes.fromhex(secret) for kind, secret in way["secrets"].items()})
        assert read == vector["holds"]
    path = folder / "vector"
    path.write_bytes(data)
    path.chmod(0o600)
    vault = Vault.open(path, allow_weak=True)
    assert vault.id == vector["holds"]["id"]
    assert vault.revision == vector["holds"]["revision"]
    for way in vector["ways"]:
        with vault.unlock(**factors(way["secrets"], folder)) as opened:
            assert opened.names() == list(vector["holds"]["entries"])
            for name, entry in vector["holds"]["entries"].items():
                secret = bytes.fromhex(entry["secret"])
                assert opened.export(name) == (secret.hex() if entry["kind"] == "seed" else secret.decode())
                assert opened.export_passphrase(name) == entry["passphrase"]
                assert dict(opened.entry(name).details) == entry["details"]


def factors(given: dict[str, str], folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, secret in given.items():
        data = bytes.fromhex(secret)
        if kind == "1":
            found["passphrase"] = data.decode()
        elif kind == "2":
            path = folder / "key file"
            path.write_bytes(data)
            path.chmod(0o600)
            found["key_file"] = path
        elif kind == "4":
            found["recipient_key"] = data
    return found


def test_fresh_vaults(folder):
    from multiwallet import Secret
    from multiwallet.vault import shares

    private, content = secrets.token_bytes(32), secrets.token_bytes(100)
    key_file = folder / "key"
    key_file.write_bytes(content)
    key_file.chmod(0o600)
    vault = Vault.create(folder / "v", passphrase="pâté ﬁn", argon2id=QUICK, label="first")
    with vault.unlock("pâté ﬁn") as opened:
        opened.add_mnemonic("savings", PHRASE, "TREZOR")
        opened.add_private_key("ключ", "ethereum", "46" * 32)
        opened.add_slot("both", passphrase="p", key_file=key_file, argon2id=QUICK)
        opened.add_slot("anna", recipient=recipient_public_key(private))
        opened.add_slot("anna and file", recipient=recipient_public_key(private), key_file=key_file)
        phrases = opened.add_recovery_shares(threshold=2, count=3)
        opened.add_slot("gone", passphrase="gone", argon2id=QUICK)
        opened.revoke_slot("gone")
        opened.rename("savings", "cold")
    data = (folder / "v").read_bytes()
    recovered = shares.combine(phrases[1:])
    assert isinstance(recovered, Secret)
    ways: list[dict[int, bytes]] = [
        {1: "pâté ﬁn".encode()}, {1: b"p", 2: content}, {4: private}, {2: content, 4: private}, {6: recovered.expose()},
    ]  # fmt: skip
    for way in ways:
        read = read_vault(data, way)
        assert read["slots"] == ["first", "both", "anna", "anna and file", "recovery"]
        assert list(read["entries"]) == ["cold", "ключ"]
        assert bytes.fromhex(read["entries"]["cold"]["secret"]).decode() == PHRASE
        assert read["entries"]["cold"]["passphrase"] == "TREZOR"
        assert bytes.fromhex(read["entries"]["ключ"]["secret"]) == b"46" * 32
    with pytest.raises(StopIteration):
        read_vault(data, {1: b"gone"})
