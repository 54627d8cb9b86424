"""Known secrets, every form they could be written in, and one specimen of every object that holds one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from multiwallet import AsyncWallet, Mnemonic, Wallet, keystore
from multiwallet.codec import base58
from multiwallet.credentials import import_private_key
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.crypto.secp256r1 import Secp256r1Key
from multiwallet.crypto.secpkey import SecpKey
from multiwallet.crypto.sr25519 import Sr25519Key
from multiwallet.keys.formats import decode_wif, encode_json_keypair, encode_keypair, encode_wif
from multiwallet.keys.hd import ExtendedKey, ed25519_from_seed
from multiwallet.keys.key_forms import read_form
from multiwallet.keys.keychain import SeedKeychain, SingleKeychain
from multiwallet.path import Junctions
from multiwallet.path import Path as DerivationPath
from multiwallet.registry import chain, network
from multiwallet.secret import Secret
from multiwallet.signer import LocalSigner
from multiwallet.vault import Argon2id, Vault
from multiwallet.vault.credentials import Credentials
from multiwallet.vault.hardening import LockedKey

ETHEREUM_PATH = "m/44'/60'/0'/0/0"


class Known:
    """A wallet whose secrets are known, so that they can be looked for. Shows none of them itself."""

    def __init__(self) -> None:
        words = Mnemonic.from_entropy(hashlib.sha256(b"multiwallet: no secret shows").digest()[:16])
        self.phrase = words.expose()
        self.passphrase = "Tr0ub4dor and 3 staples"
        self.entropy = words.entropy
        self.seed = words.to_seed(self.passphrase).expose()
        master = ExtendedKey.from_seed(self.seed)
        self.master = master.private_key
        self.xprv = master.serialize()
        self.key = master.derive(ETHEREUM_PATH).private_key
        self.wif = encode_wif(self.key)
        self.solana_key = ed25519_from_seed(self.seed, "m/44'/501'/0'/0'")[0]
        self.keypair = encode_keypair(self.solana_key)
        self._needles = dict(self._forms())

    def __repr__(self) -> str:
        return "Known(…)"

    def bytes_of(self) -> dict[str, bytes]:
        """What is secret, as bytes: the phrase, the passphrase and every key on the way."""
        return {
            "phrase": self.phrase.encode(),
            "passphrase": self.passphrase.encode(),
            "entropy": self.entropy,
            "seed": self.seed,
            "master key": self.master,
            "ethereum key": self.key,
            "solana key": self.solana_key,
        }

    def _forms(self) -> Iterator[tuple[str, str]]:
        words = self.phrase.split()
        yield "phrase", " ".join(words[:3])
        yield "phrase as a list", ", ".join(map(repr, words[:3]))
        yield "phrase as lines", "\n".join(words[:3])
        yield "passphrase", self.passphrase
        yield "extended private key", self.xprv[20:80]
        yield "key in WIF", self.wif[:40]
        yield "key pair in base58", self.keypair[:30]
        yield "key pair in JSON", encode_json_keypair(self.solana_key)[1:40]
        for name, value in self.bytes_of().items():
            part = value[:16]
            yield f"{name} in hexadecimal", part.hex()
            yield f"{name} in base58", base58.encode(value)[:20]
            yield f"{name} in base64", base64.b64encode(value).decode()[:20]
            yield f"{name} as numbers", ", ".join(map(str, part))
            yield f"{name} as an integer", str(int.from_bytes(value, "big"))
            yield f"{name} as a hexadecimal integer", f"{int.from_bytes(value, 'big'):x}"[:30]
            yield f"{name} as Python shows bytes", repr(part)[2:-1]
            yield f"{name} as Python shows bytes, later", repr(value[5:16])[2:-1]

    def told_by(self, text: str) -> list[str]:
        """The names of the secrets that a text gives away."""
        lower = text.lower()
        return [
            name
            for name, form in self._needles.items()
            if form in text or ("hexadecimal" in name and form.lower() in lower)
        ]

    def held_by(self, value: object) -> list[str]:
        """The names of the secrets that a text, bytes or number holds."""
        if isinstance(value, bytes | bytearray | memoryview):
            data = bytes(value)
            found = [name for name, secret in self.bytes_of().items() if secret[:16] in data]
            return found + self.told_by(data.decode("latin-1"))
        if isinstance(value, int):
            return [name for name, secret in self.bytes_of().items() if int.from_bytes(secret, "big") == value]
        return self.told_by(value) if isinstance(value, str) else []


@pytest.fixture(scope="session")
def known() -> Known:
    return Known()


@pytest.fixture(scope="session")
def argon2id() -> Argon2id:
    """Parameters that cost nothing, and that no real vault may have."""
    return Argon2id(passes=1, memory_kib=8, weak=True)


@pytest.fixture(scope="session")
def vault(known: Known, argon2id: Argon2id, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    folder: Path = tmp_path_factory.mktemp("vaults")
    folder.chmod(0o700)
    made = Vault.create(folder / "main.mwvault", passphrase=known.passphrase, argon2id=argon2id)
    with made.unlock(known.passphrase) as opened:
        opened.add_mnemonic("savings", known.phrase, known.passphrase)
        opened.add_private_key("hot", "ethereum", known.key)
    return made


@pytest.fixture(scope="session")
def specimens(known: Known, vault: Vault) -> dict[str, Any]:
    """Every kind of object that holds a secret, used once, so that what it caches is there."""
    wallet = Wallet.from_mnemonic(known.phrase, known.passphrase)
    single = Wallet.from_private_key("ethereum", known.key)
    asynchronous = AsyncWallet.from_seed(known.seed)
    account, whole = wallet.account("ethereum"), wallet.account("bitcoin")
    solana = wallet.account("solana")
    for each in (account, solana, wallet.account("bitcoin", index=0), single.account("ethereum")):
        each.sign_message("used once")
    tree = ExtendedKey.from_seed(known.seed)
    tree.derive(ETHEREUM_PATH)
    seeds = SeedKeychain(Secret(known.seed))
    seeds.signing_key("secp256k1", DerivationPath(ETHEREUM_PATH))
    phrases = SeedKeychain(
        Secret(known.seed), entropy=Secret(known.entropy), passphrase=Secret(known.passphrase.encode())
    )
    phrases.signing_key("sr25519", Junctions(f"//0/1///{known.passphrase}")).signer()(b"used once")
    schnorrkel, passkey = Sr25519Key(known.key), Secp256r1Key(known.key)
    secp = SecpKey(known.key)
    signers = [secp.recoverable_signer(), secp.low_r_signer(), secp.schnorr_signer(b"")]
    opened = vault.unlock(known.passphrase)
    row = network("ethereum")
    found: dict[str, Any] = {
        "Wallet": wallet,
        "Wallet of one key": single,
        "Wallet of a vault": opened.wallet("savings"),
        "AsyncWallet": asynchronous,
        "Account": account,
        "Account of many addresses": whole,
        "Account on Solana": solana,
        "AsyncAccount": asynchronous.account("tron"),
        "Mnemonic": Mnemonic(known.phrase),
        "Secret": Secret(known.seed),
        "SecpKey": secp,
        "functions of a SecpKey": signers,
        "Ed25519Key": Ed25519Key(known.solana_key),
        "function of an Ed25519Key": Ed25519Key(known.solana_key).signer(),
        "Sr25519Key": schnorrkel,
        "function of an Sr25519Key": schnorrkel.signer(),
        "Secp256r1Key": passkey,
        "function of a Secp256r1Key": passkey.signer(),
        "Junctions": Junctions(f"//0/1///{known.passphrase}"),
        "SeedKeychain of a phrase": phrases,
        "FormKey": read_form(f"secp256k1-priv-0x{known.key.hex()}", ["aip-80"]),
        "ExtendedKey": tree,
        "SeedKeychain": seeds,
        "SingleKeychain": SingleKeychain("secp256k1", Secret(known.key)),
        "LocalSigner": LocalSigner(seeds),
        "WifKey": decode_wif(known.wif),
        "ImportedPrivateKey": import_private_key(known.key, chain(row), row),
        "Vault": vault,
        "Unlocked": opened,
        "Credentials": Credentials(passphrase=known.passphrase, recipient_key=known.key),
        "LockedKey": LockedKey(bytearray(known.key)),
        "SigningRequest": account._operations.adopt(PAYMENT).requests[0],
    }
    imported = {
        "phrase": keystore.load(known.phrase, known.passphrase),
        "key": keystore.load(known.wif),
        "extended key": keystore.load(known.xprv),
        "key pair": keystore.load(known.keypair, network="solana"),
        "keystore": keystore.load(
            keystore.dump(single.account("ethereum"), "ethereum-v3", known.passphrase, kdf="pbkdf2", rounds=1000),
            known.passphrase,
        ),
    }
    found["TreeKeychain"] = imported["extended key"].wallet()._session.keychain
    for name, key in imported.items():
        found[f"ImportedKey of a {name}"] = key
        found[f"Material of a {name}"] = key._material
    return found


PAYMENT = {
    "to": "0x3535353535353535353535353535353535353535",
    "value": 10**18,
    "gas": 21000,
    "maxFeePerGas": 30 * 10**9,
    "maxPriorityFeePerGas": 10**9,
    "nonce": 0,
    "chainId": 1,
    "type": 2,
}


@pytest.fixture
def payment() -> dict[str, Any]:
    return dict(PAYMENT)


@pytest.fixture(scope="session")
def quiet(known: Known) -> Callable[[str], None]:
    """Fails, naming the secret but not showing it, where a text gives one away."""

    def check(text: str, where: object = "") -> None:
        told = known.told_by(text)
        assert not told, f"{where} tells the {told[0]}"

    return check
