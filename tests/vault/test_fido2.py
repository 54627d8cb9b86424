"""FIDO2's hmac-secret, through the package fido2, against a software authenticator.

The authenticator below is written here from CTAP 2.1 (sections 6.1, 6.2, 6.5 and 12.5) on ``cryptography``:
``soft-fido2`` 0.4.56 announces hmac-secret and never computes it. No hardware key has been tried.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from multiwallet.errors import VaultError, WrongCredentials
from multiwallet.vault import Argon2id, Fido2Authenticator, Vault

pytest.importorskip("fido2", reason="the extra fido2 is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fido2 import cbor
from fido2.ctap import CtapDevice

PASSPHRASE = "correct horse battery staple"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
QUICK = Argon2id(passes=1, memory_kib=8, weak=True)
OK, NO_CREDENTIALS, PIN_INVALID, PIN_AUTH_INVALID, OPERATION_DENIED = 0x00, 0x2E, 0x31, 0x33, 0x27


class Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


def cose(key: ec.EllipticCurvePublicKey, algorithm: int) -> dict[int, Any]:
    numbers = key.public_numbers()
    return {1: 2, 3: algorithm, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}


class SoftwareAuthenticator(CtapDevice):
    """One device: PIN protocol two, credentials that it does not store but can read back (wrapped by its key)."""

    def __init__(self, pin: str | None = None, extensions: tuple[str, ...] = ("hmac-secret",)) -> None:
        self.pin = pin
        self.extensions = list(extensions)
        self.willing = True
        self.touched = 0
        self._master = secrets.token_bytes(32)
        self._agreement = ec.generate_private_key(ec.SECP256R1())
        self._token = secrets.token_bytes(32)

    @property
    def capabilities(self) -> int:
        return 0x04  # CBOR

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        return iter(())

    def call(self, cmd: int, data: bytes = b"", event: Any = None, on_keepalive: Any = None) -> bytes:
        assert cmd == 0x10, "CTAPHID_CBOR alone"
        request = cbor.decode(data[1:]) if len(data) > 1 else {}
        try:
            answer = {1: self._make, 2: self._get, 4: self._info, 6: self._pin}[data[0]](request)
        except Refused as refused:
            return bytes([refused.status])
        return bytes([OK]) + cbor.encode(answer)

    def _info(self, request: dict[int, Any]) -> dict[int, Any]:
        return {
            1: ["FIDO_2_0"], 2: self.extensions, 3: bytes(16),
            4: {"rk": False, "up": True, "clientPin": self.pin is not None}, 6: [2],
        }  # fmt: skip

    def _pin(self, request: dict[int, Any]) -> dict[int, Any]:
        if request[2] == 2:  # getKeyAgreement
            return {1: cose(self._agreement.public_key(), -25)}
        assert request[2] == 5  # getPinToken
        encrypting, _ = self._shared(request[3])
        assert self.pin is not None
        wanted = hashlib.sha256(self.pin.encode()).digest()[:16]
        if not hmac.compare_digest(self._decrypt(encrypting, request[6]), wanted):
            raise Refused(PIN_INVALID)
        return {2: self._encrypt(encrypting, self._token)}

    def _make(self, request: dict[int, Any]) -> dict[int, Any]:
        verified = self._verified(request.get(8), request[1])
        self._touch()
        credential_id = secrets.token_bytes(16)
        credential_id += self._tag(credential_id, request[2]["id"])
        key = ec.derive_private_key(int.from_bytes(self._derive(b"key", credential_id), "big") >> 1, ec.SECP256R1())
        attested = bytes(16) + len(credential_id).to_bytes(2, "big") + credential_id
        attested += cbor.encode(cose(key.public_key(), -7))
        extensions = {"hmac-secret": True} if (request.get(6) or {}).get("hmac-secret") else {}
        data = self._auth_data(request[2]["id"], verified, attested, extensions)
        return {1: "none", 2: data, 3: {}}

    def _get(self, request: dict[int, Any]) -> dict[int, Any]:
        verified = self._verified(request.get(6), request[2])
        known = [item["id"] for item in request.get(3, []) if item["id"][16:] == self._tag(item["id"][:16], request[1])]
        if not known:
            raise Refused(NO_CREDENTIALS)
        if (request.get(5) or {}).get("up", True):
            self._touch()
        extensions = {}
        asked = (request.get(4) or {}).get("hmac-secret")
        if asked:
            encrypting, authenticating = self._shared(asked[1])
            if not hmac.compare_digest(hmac.digest(authenticating, asked[2], "sha256"), asked[3]):
                raise Refused(PIN_AUTH_INVALID)
            salt = self._decrypt(encrypting, asked[2])
            random = self._derive(b"with uv" if verified else b"without uv", known[0])
            extensions["hmac-secret"] = self._encrypt(encrypting, hmac.digest(random, salt, "sha256"))
        data = self._auth_data(request[1], verified, b"", extensions)
        key = ec.derive_private_key(int.from_bytes(self._derive(b"key", known[0]), "big") >> 1, ec.SECP256R1())
        signature = key.sign(data + request[2], ec.ECDSA(hashes.SHA256()))
        return {1: {"type": "public-key", "id": known[0]}, 2: data, 3: signature}

    def _touch(self) -> None:
        if not self.willing:
            raise Refused(OPERATION_DENIED)
        self.touched += 1

    def _verified(self, parameter: bytes | None, client_data_hash: bytes) -> bool:
        if not parameter:
            return False
        if not hmac.compare_digest(hmac.digest(self._token, client_data_hash, "sha256"), parameter):
            raise Refused(PIN_AUTH_INVALID)
        return True

    def _auth_data(self, rp_id: str, verified: bool, attested: bytes, extensions: dict[str, Any]) -> bytes:
        flags = 0x01 | (0x04 if verified else 0) | (0x40 if attested else 0) | (0x80 if extensions else 0)
        tail = cbor.encode(extensions) if extensions else b""
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4) + attested + tail

    def _shared(self, theirs: dict[int, Any]) -> tuple[bytes, bytes]:
        x, y = int.from_bytes(theirs[-2], "big"), int.from_bytes(theirs[-3], "big")
        point = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        z = self._agreement.exchange(ec.ECDH(), point)

        def key(info: bytes) -> bytes:
            return HKDF(hashes.SHA256(), 32, bytes(32), info).derive(z)

        return key(b"CTAP2 AES key"), key(b"CTAP2 HMAC key")

    def _encrypt(self, key: bytes, data: bytes) -> bytes:
        iv = secrets.token_bytes(16)
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        return iv + encryptor.update(data) + encryptor.finalize()

    def _decrypt(self, key: bytes, data: bytes) -> bytes:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(data[:16])).decryptor()
        return decryptor.update(data[16:]) + decryptor.finalize()

    def _derive(self, purpose: bytes, credential_id: bytes) -> bytes:
        return hmac.digest(self._master, purpose + b"\0" + credential_id, "sha256")

    def _tag(self, nonce: bytes, rp_id: str) -> bytes:
        return self._derive(b"tag " + rp_id.encode(), nonce)[:16]


def test_a_device_opens_what_it_closed(create):
    device = SoftwareAuthenticator()
    vault = create(fido2=Fido2Authenticator(device))
    assert vault.slots[0].factors == ("FIDO2",)
    assert device.touched == 2
    with vault.unlock(fido2=Fido2Authenticator(device)) as opened:
        opened.add_mnemonic("savings", PHRASE)
    with Vault.open(vault.path).unlock(fido2=Fido2Authenticator(device)) as opened:
        assert opened.export("savings") == PHRASE
    with pytest.raises(WrongCredentials):
        vault.unlock(fido2=Fido2Authenticator(SoftwareAuthenticator()))


def test_with_a_pin(create):
    device = SoftwareAuthenticator(pin="123456")
    asked = []

    def pin() -> str:
        asked.append(1)
        return "123456"

    vault = create(fido2=Fido2Authenticator(device, pin=pin))
    assert asked
    assert vault.unlock(fido2=Fido2Authenticator(device, pin=pin)).names() == []
    with pytest.raises(VaultError, match="refused") as caught:
        vault.unlock(fido2=Fido2Authenticator(device, pin=lambda: "654321"))
    assert "654321" not in str(caught.value)
    with pytest.raises(VaultError, match="refused"):
        vault.unlock(fido2=Fido2Authenticator(device))


def test_beside_a_passphrase(create):
    device = SoftwareAuthenticator()
    vault = create(passphrase=PASSPHRASE, fido2=Fido2Authenticator(device))
    key = Fido2Authenticator(device)
    vault.unlock(PASSPHRASE, fido2=key).close()
    for factors in ({"passphrase": PASSPHRASE}, {"fido2": key}, {"passphrase": "wrong", "fido2": key}):
        with pytest.raises(WrongCredentials):
            vault.unlock(**factors)
    vault.change_passphrase(PASSPHRASE, "new", fido2=key, argon2id=QUICK)
    vault.unlock("new", fido2=key).close()


def test_devices_that_cannot_or_will_not(create):
    with pytest.raises(VaultError, match="no hmac-secret"):
        create(fido2=Fido2Authenticator(SoftwareAuthenticator(extensions=())))
    device = SoftwareAuthenticator()
    vault = create(fido2=Fido2Authenticator(device))
    device.willing = False
    with pytest.raises(VaultError, match="refused"):
        vault.unlock(fido2=Fido2Authenticator(device))


def test_no_device_is_plugged_in():
    with pytest.raises(VaultError, match=r"plug it in|cannot be listed"):
        Fido2Authenticator()
