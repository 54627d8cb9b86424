"""How many copies of known secrets are in the memory of a process that opened a wallet, used it and closed it.

Usage: python tests/hygiene/memory_scan.py [--json]. Prints a row for each way to open a wallet and each secret: the
copies while the wallet is open and after it was closed. The process that is looked into is a child of this one, and
never computes what is looked for other than by using the wallet. A piece of 16 bytes counts as a copy of the whole.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PASSPHRASE = "Tr0ub4dor and 3 staples"
PIECE = 16

# How the child opens its wallet from what stands in its stdin; `given` is a bytearray that it wipes after.
WAYS = {
    "phrase": 'Wallet.from_mnemonic(given[:LENGTH].decode(), "Tr0ub4dor and 3 staples")',
    "phrase, unused": 'Wallet.from_mnemonic(given[:LENGTH].decode(), "Tr0ub4dor and 3 staples")',
    "mnemonic object": "opened(Mnemonic(given[:LENGTH].decode()))",
    "seed": "Wallet.from_seed(given)",
    "seed, unused": "Wallet.from_seed(given)",
    "vault": 'Vault.open(given.decode(), allow_weak=True).unlock("Tr0ub4dor and 3 staples").wallet("savings")',
    "keystore": 'keystore.load(given.decode(), "Tr0ub4dor and 3 staples").wallet()',
}

CHILD = """
import gc, sys
from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.vault import Vault

def opened(words):
    with words:
        return Wallet.from_mnemonic(words, "Tr0ub4dor and 3 staples")

def use(given):
    wallet = {way}
    for name in {networks}:
        account = wallet.account(name)
        for text in "abc":
            account.sign_message(text)
    return wallet

given = bytearray(int(sys.argv[1]))
LENGTH = len(given)
with open(0, "rb", buffering=0) as stdin, open(1, "w") as stdout:
    stdin.readinto(given)
    wallet = use(given)
    print("open", file=stdout, flush=True)
    stdin.read(1)
    wallet.close()
    del wallet
    for place in range(len(given)):
        given[place] = 0
    gc.collect()
    print("closed", file=stdout, flush=True)
    stdin.read(1)
"""


class Secrets:
    """The secrets of one wallet, computed here and not in the process that is looked into."""

    def __init__(self) -> None:
        from multiwallet import Mnemonic
        from multiwallet.keys.hd import ExtendedKey, ed25519_from_seed

        words = Mnemonic.from_entropy(hashlib.sha256(b"multiwallet: nothing remains").digest())
        self.phrase = words.expose()
        self.seed = words.to_seed(PASSPHRASE).expose()
        master = ExtendedKey.from_seed(self.seed)
        self.key = master.derive("m/44'/60'/0'/0/0").private_key
        self.values = {
            "phrase": self.phrase.encode(),
            "entropy": words.entropy,
            "seed": self.seed,
            "master key": master.private_key,
            "account key": master.derive("m/44'/60'/0'/0").private_key,
            "private key (secp256k1)": self.key,
            "private key (ed25519)": ed25519_from_seed(self.seed, "m/44'/501'/0'/0'")[0],
        }

    def count(self, memory: list[bytes]) -> dict[str, int]:
        """The copies of each: as bytes, in the order of limbs (reversed) or in hexadecimal."""
        found = {}
        for name, value in self.values.items():
            forms = [value] if name == "phrase" else [value, value[::-1], value.hex().encode()]
            found[name] = sum(max(self._pieces(form, memory)) for form in forms)
        return found

    def _pieces(self, value: bytes, memory: list[bytes]) -> Iterator[int]:
        for start in range(0, len(value) - PIECE + 1, PIECE):
            piece = value[start : start + PIECE]
            yield sum(region.count(piece) for region in memory)


def memory_of(pid: int) -> list[bytes]:
    """The writable memory of a process: heap, stacks, and everything else that it could have written to."""
    regions = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if mode.startswith("rw") and "[v" not in line:
                start, end = (int(part, 16) for part in span.split("-"))
                memory.seek(start)
                regions.append(memory.read(end - start))
    return regions


def scan(way: str, given: bytes, secrets: Secrets) -> dict[str, tuple[int, int]]:
    """For each secret the copies while the wallet is open and after it was closed."""
    networks = {"keystore": ("ethereum",), "phrase, unused": (), "seed, unused": ()}.get(
        way, ("ethereum", "solana", "bitcoin")
    )
    program = CHILD.replace("{way}", WAYS[way]).replace("{networks}", repr(networks))
    command = [sys.executable, "-c", program, str(len(given))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        counts = []
        for step, sent in ((b"open\n", given), (b"closed\n", b"\n")):
            process.stdin.write(sent)
            said = process.stdout.readline()
            assert said == step, said
            counts.append(secrets.count(memory_of(process.pid)))
        process.stdin.write(b"\n")
        assert process.wait(60) == 0
    return {name: (counts[0][name], counts[1][name]) for name in counts[0]}


def everything() -> dict[str, dict[str, tuple[int, int]]]:
    """The counts of every way to open a wallet."""
    from multiwallet import Wallet, keystore
    from multiwallet.vault import Argon2id, Vault

    secrets = Secrets()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.mwvault"
        quick = Argon2id(passes=1, memory_kib=8, weak=True)
        vault = Vault.create(path, passphrase=PASSPHRASE, argon2id=quick)
        with vault.unlock(PASSPHRASE) as opened:
            opened.add_mnemonic("savings", secrets.phrase, PASSPHRASE)
        with Wallet.from_private_key("ethereum", secrets.key) as wallet:
            written = keystore.dump(wallet.account("ethereum"), "ethereum-v3", PASSPHRASE, kdf="pbkdf2", rounds=1000)
        given = {
            "phrase": secrets.phrase.encode(),
            "phrase, unused": secrets.phrase.encode(),
            "mnemonic object": secrets.phrase.encode(),
            "seed": secrets.seed,
            "seed, unused": secrets.seed,
            "vault": str(path).encode(),
            "keystore": written.encode() if isinstance(written, str) else b"",
        }
        return {way: scan(way, given[way], secrets) for way in WAYS}


if __name__ == "__main__":
    results = everything()
    if "--json" in sys.argv:
        print(json.dumps(results))
    else:
        for way, counts in results.items():
            for name, (during, after) in counts.items():
                print(f"{way:16} {name:24} open: {during:2}  closed: {after:2}")
