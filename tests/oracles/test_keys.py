"""Keys against the JavaScript libraries of each ecosystem: derivation, text forms, signatures, on random inputs."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Mnemonic
from multiwallet.crypto import ed25519, secp256k1, secp256r1, sr25519
from multiwallet.crypto.secp256r1 import Secp256r1Key
from multiwallet.crypto.secpkey import SecpKey
from multiwallet.crypto.sr25519 import Sr25519Key
from multiwallet.errors import InvalidMnemonic
from multiwallet.keys.key_forms import read_form, write_form
from multiwallet.keys.keychain import SeedKeychain
from multiwallet.keys.ton_mnemonic import ton_seed
from multiwallet.path import Junctions
from multiwallet.path import Path as DerivationPath
from multiwallet.secret import Secret

pytestmark = pytest.mark.oracle

HERE = Path(__file__).resolve().parent
LIBRARIES = (
    "@polkadot/keyring", "@ton/crypto", "@mysten/sui", "@wharfkit/antelope", "@aptos-labs/ts-sdk", "ripple-keypairs",
)  # fmt: skip
NAMES = ("Alice", "stash", "0", "1", "4294967296", "18446744073709551615", "007", "a b", "0x01ff", "0x1", "x" * 40, "é")
TYPES = {"sr25519": "sr25519", "ed25519": "ed25519", "ecdsa": "secp256k1"}
PUBLIC = {"ed25519": ed25519.public_key, "secp256k1": secp256k1.public_key, "secp256r1": secp256r1.public_key}


def rows_of_substrate() -> list[dict[str, Any]]:
    rows = []
    for number in range(45):
        kind = list(TYPES)[number % 3]
        phrase = Mnemonic.generate((12, 15, 18, 21, 24)[number % 5]).expose()
        marks = ("//", "/") if kind == "sr25519" else ("//",)
        path = "".join(secrets.choice(marks) + secrets.choice(NAMES) for _ in range(number % 4))
        password = secrets.choice(("", "pass word", "grüße ✓"))
        rows.append({"phrase": phrase, "path": path, "password": password, "type": kind})
    return rows


@pytest.fixture(scope="module")
def asked() -> dict[str, list[dict[str, Any]]]:
    """What every library is asked, all at once, since node takes a second to start."""
    message = secrets.token_bytes(100).hex()
    substrate = rows_of_substrate()
    ours = [
        (key, digest, key.sign_canonical(digest)) for key, digest in ((SecpKey(key32()), key32()) for _ in range(40))
    ]
    polkadot = [Sr25519Key(key32()) for _ in range(10)]
    keys = [key32().hex() for _ in range(10)]
    phrase = Mnemonic.generate().expose()
    return {
        "substrate": [
            row
            | {
                "uri": row["phrase"] + row["path"] + (f"///{row['password']}" if row["password"] else ""),
                "message": message,
            }
            for row in substrate
        ],
        "junctions": [{"path": f"//{name}/{name}"} for name in NAMES],
        "sr25519Verify": [
            {"message": message, "signature": key.sign(bytes.fromhex(message)).hex(), "publicKey": key.public_key.hex()}
            for key in polkadot
        ],
        "ton": [{"password": password} for password in ("", "", "pass wörd")],
        "sui": [{"curve": curve, "key": key} for key in keys for curve in PUBLIC],
        "suiDerive": [
            {"curve": curve, "phrase": phrase, "path": path.format(n)}
            for n in range(4)
            for curve, path in (
                ("ed25519", "m/44'/784'/{0}'/0'/0'"),
                ("secp256k1", "m/54'/784'/{0}'/0/{0}"),
                ("secp256r1", "m/74'/784'/{0}'/0/{0}"),
            )
        ],
        "suiSign": [{"key": key, "message": message} for key in keys],
        "antelope": [{"key": write_form("pvt-k1", "secp256k1", bytes.fromhex(key))} for key in keys],
        "antelopeVerify": [
            {"signature": signature.hex(), "digest": digest.hex(), "publicKey": key.public_key.hex()}
            for key, digest, signature in ours
        ],
        "xrp": [
            {"entropy": secrets.token_hex(16), "algorithm": algorithm}
            for _ in range(15)
            for algorithm in ("ecdsa-secp256k1", "ed25519")
        ],
        "aptos": [{"curve": curve, "key": key} for key in keys for curve in ("ed25519", "secp256k1")],
    }


def key32() -> bytes:
    return secrets.randbelow(secp256r1.ORDER - 1).to_bytes(32, "big")


@pytest.fixture(scope="module")
def answers(asked: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript libraries")
    for library in LIBRARIES:
        if not (HERE / "node_modules" / library).is_dir():
            pytest.skip(f"the JavaScript library {library} is not installed: `make nodes` does it")
    done = subprocess.run(
        [node, "keys.mjs"], cwd=HERE, input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Any]] = json.loads(done.stdout)
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in asked.items()}
    for name, rows in found.items():
        for row, answer in zip(asked[name], rows, strict=True):
            assert not (isinstance(answer, dict) and "error" in answer), (name, row, answer)
    return found


def test_phrases_with_junctions(asked, answers):
    for row, answer in zip(asked["substrate"], answers["substrate"], strict=True):
        words = Mnemonic(row["phrase"], "english")
        keys = SeedKeychain(words.to_seed(), entropy=Secret(words.entropy))
        curve = TYPES[row["type"]]
        path = Junctions(f"{row['path']}///{row['password']}")
        key = keys.signing_key(curve, path)
        assert key.public_key.hex() == answer["publicKey"], row
        if curve != "secp256k1":
            module = sr25519 if curve == "sr25519" else ed25519
            assert module.verify(key.public_key, bytes.fromhex(row["message"]), bytes.fromhex(answer["signature"]))
        if row["password"]:  # the same password as the wallet's own
            passphrase = Secret(row["password"].encode())
            same = SeedKeychain(words.to_seed(), entropy=Secret(words.entropy), passphrase=passphrase)
            assert same.public_key(curve, Junctions(row["path"])) == key.public_key


def test_chain_codes_of_junctions(asked, answers):
    for row, answer in zip(asked["junctions"], answers["junctions"], strict=True):
        ours = [[step.is_hard, step.chain_code.hex()] for step in Junctions(row["path"]).steps]
        assert ours == answer, row


def test_our_sr25519_signatures(answers):
    assert answers["sr25519Verify"] == [True] * 10


def test_phrases_of_ton(asked, answers):
    for row, answer in zip(asked["ton"], answers["ton"], strict=True):
        with ton_seed(answer["phrase"], row["password"]) as seed:
            assert ed25519.public_key(seed.expose()).hex() == answer["publicKey"]
        with pytest.raises(InvalidMnemonic):
            ton_seed(answer["phrase"], "another" if not row["password"] else "")


def test_keys_of_sui(asked, answers):
    for row, answer in zip(asked["sui"], answers["sui"], strict=True):
        key = bytes.fromhex(row["key"])
        assert write_form("sui", row["curve"], key) == answer["text"]
        read = read_form(answer["text"], ["sui"])
        assert read is not None
        assert (read.curve, read.secret.expose()) == (row["curve"], key)
        assert PUBLIC[row["curve"]](key).hex() == answer["publicKey"]
    for row, answer in zip(asked["suiDerive"], answers["suiDerive"], strict=True):
        keys = SeedKeychain(Mnemonic(row["phrase"]).to_seed())
        assert keys.public_key(row["curve"], DerivationPath(row["path"])).hex() == answer["publicKey"], row
    for row, answer in zip(asked["suiSign"], answers["suiSign"], strict=True):
        signer = Secp256r1Key(bytes.fromhex(row["key"]))
        assert signer.sign_compact(sha256(bytes.fromhex(row["message"])).digest()).hex() == answer


def test_keys_of_antelope(asked, answers):
    for row, answer in zip(asked["antelope"], answers["antelope"], strict=True):
        assert answer["text"] == row["key"]
        for text in (answer["text"], answer["wif"]):
            read = read_form(text, ["pvt-k1"])
            assert read is not None
            assert secp256k1.public_key(read.secret.expose()).hex() == answer["publicKey"]


def test_canonical_signatures(asked, answers):
    for row, answer in zip(asked["antelopeVerify"], answers["antelopeVerify"], strict=True):
        assert answer == {"verified": True, "recovered": row["publicKey"]}


def test_family_seeds(asked, answers):
    for row, answer in zip(asked["xrp"], answers["xrp"], strict=True):
        read = read_form(answer["seed"], ["family-seed"])
        assert read is not None
        assert read.curve == row["algorithm"].removeprefix("ecdsa-")
        assert read.secret.expose().hex().upper() == answer["privateKey"][2:]


def test_aip_80(asked, answers):
    for row, answer in zip(asked["aptos"], answers["aptos"], strict=True):
        assert write_form("aip-80", row["curve"], bytes.fromhex(row["key"])) == answer["text"]
        read = read_form(answer["text"], ["aip-80"])
        assert read is not None
        assert (read.curve, read.secret.expose().hex()) == (row["curve"], row["key"])
