"""Cardano's key tree against an implementation of BIP32-Ed25519 of our own, from the paper and CIP-3."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pytest
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from multiwallet import Mnemonic, Wallet
from multiwallet.errors import InputError, InvalidPath, MissingExtra, Unsupported
from multiwallet.keys.cardano import icarus_public_key
from multiwallet.keys.keychain import SeedKeychain
from multiwallet.path import HARDENED, Path
from multiwallet.secret import Secret

ORDER = 2**252 + 27742317777372353535851937790883648493


def point(left: bytes) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp((int.from_bytes(left, "little") % ORDER).to_bytes(32, "little"))


def by_hand(entropy: bytes, path: Path) -> bytes:
    root = bytearray(hashlib.pbkdf2_hmac("sha512", b"", entropy, 4096, 96))
    root[0] &= 0xF8
    root[31] = root[31] & 0x1F | 0x40
    left, right, code = bytes(root[:32]), bytes(root[32:64]), bytes(root[64:])
    for index in path:
        number = index.to_bytes(4, "little")
        hard = index >= HARDENED
        data = (left + right if hard else point(left)) + number
        z = hmac.digest(code, (b"\x00" if hard else b"\x02") + data, "sha512")
        code = hmac.digest(code, (b"\x01" if hard else b"\x03") + data, "sha512")[32:]
        total = 8 * int.from_bytes(z[:28], "little") + int.from_bytes(left, "little")
        left = total.to_bytes(32, "little")
        right = ((int.from_bytes(z[32:], "little") + int.from_bytes(right, "little")) % 2**256).to_bytes(32, "little")
    return point(left)


def test_agrees_with_the_paper():
    for number in range(20):
        entropy = secrets.token_bytes((16, 20, 24, 28, 32)[number % 5])
        path = Path(f"m/1852'/1815'/{number}'/{number % 3}/{secrets.randbelow(2**31)}")
        assert icarus_public_key(entropy, path) == by_hand(entropy, path)


def test_the_keychain_shows_and_does_not_sign():
    words = Mnemonic.from_entropy(bytes(16))
    keys = SeedKeychain(words.to_seed(), entropy=Secret(words.entropy))
    parent = Path("m/1852'/1815'/0'/0")
    assert list(keys.public_keys("ed25519-bip32", parent, 0, 2)) == [by_hand(bytes(16), parent / n) for n in (0, 1)]
    with pytest.raises(Unsupported, match="cannot sign"):
        keys.signing_key("ed25519-bip32", parent / 0)
    with pytest.raises(InvalidPath):
        keys.public_key("ed25519-bip32", None)
    for other in (
        SeedKeychain(words.to_seed()),
        SeedKeychain(words.to_seed("x"), entropy=Secret(words.entropy), passphrase=Secret(b"x")),
        Wallet.from_mnemonic(words, "x")._session.keychain,
    ):
        with pytest.raises(Unsupported, match="no passphrase"):
            other.public_key("ed25519-bip32", parent / 0)
    assert Wallet.from_mnemonic(words)._session.keychain.public_key("ed25519-bip32", parent) == by_hand(
        bytes(16), parent
    )


def test_what_is_refused(monkeypatch):
    with pytest.raises(InputError):
        icarus_public_key(bytes(5), Path())
    monkeypatch.setitem(__import__("sys").modules, "bip_utils", None)
    with pytest.raises(MissingExtra):
        icarus_public_key(bytes(16), Path())
