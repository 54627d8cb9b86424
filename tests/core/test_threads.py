"""Keys under threads: whoever opens or signs while another closes gets a right answer or an error, never a third thing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.crypto import secpkey
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.crypto.secpkey import SecpKey
from multiwallet.errors import InvalidKey, MultiwalletError
from multiwallet.keys import keychain
from multiwallet.keys.keychain import SeedKeychain
from multiwallet.path import Path
from multiwallet.secret import Secret

SEED = bytes(range(64))
CURVES = ("secp256k1", "ed25519")
PAYMENT = {"to": "0x" + "35" * 20, "value": 1, "gas": 21000, "gasPrice": 1, "nonce": 0, "chainId": 1}


def path_of(curve: str, index: int) -> Path:
    return Path(f"m/44'/60'/0'/0/{index}") if curve == "secp256k1" else Path(f"m/44'/501'/{index}'/0'")


EXPECTED = {
    (curve, index): SeedKeychain(Secret(SEED)).public_key(curve, path_of(curve, index))
    for curve in CURVES
    for index in range(60)
}


def together(works: list[Callable[[], None]]) -> list[BaseException]:
    """Run all at once, one thread each; what they raised beside errors of the tree."""
    start, raised = threading.Barrier(len(works)), []

    def guarded(work: Callable[[], None]) -> None:
        start.wait(30)
        try:
            work()
        except MultiwalletError:
            pass
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return raised


@pytest.fixture(autouse=True)
def _switch_often() -> Any:
    import sys

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("round_", range(6))
def test_a_keychain_closed_while_eight_threads_open_keys(round_: int) -> None:
    keys = SeedKeychain(Secret(SEED))
    wrong: list[object] = []
    opened: list[Any] = []

    def work(offset: int) -> Callable[[], None]:
        def run() -> None:
            for step in range(60):
                for curve in CURVES:
                    index = (step + offset) % 60
                    key = keys.signing_key(curve, path_of(curve, index))
                    opened.append(key)
                    if key.public_key != EXPECTED[curve, index]:
                        wrong.append((curve, index))

        return run

    def close() -> None:
        while len(opened) < 20 * round_:
            pass
        keys.close()

    assert together([*(work(7 * n) for n in range(8)), close]) == []
    assert wrong == []
    assert all(key.closed for key in opened)
    for curve in CURVES:
        with pytest.raises(MultiwalletError):
            keys.signing_key(curve, path_of(curve, 0))


def test_a_wallet_closed_while_eight_threads_sign() -> None:
    expected = {n: Wallet.from_seed(SEED).account("ethereum", index=n).sign(PAYMENT).raw for n in range(8)}
    wallet = Wallet.from_seed(SEED)
    signed: list[tuple[int, bytes]] = []
    addresses = {account.address for account in Wallet.from_seed(SEED).accounts("ethereum", count=400)}
    strangers: list[str] = []

    def work(n: int) -> Callable[[], None]:
        def run() -> None:
            account = wallet.account("ethereum", index=n)
            for step in range(400):
                signed.append((n, account.sign(PAYMENT).raw))
                other = wallet.account("ethereum", index=(n * 50 + step) % 400).address
                if other not in addresses:
                    strangers.append(other)

        return run

    def close() -> None:
        while len(signed) < 40:
            pass
        wallet.close()

    assert together([*(work(n) for n in range(8)), close]) == []
    assert strangers == []
    assert all(raw == expected[n] for n, raw in signed)
    with pytest.raises(MultiwalletError):
        wallet.account("ethereum", index=0).sign(PAYMENT)


def test_a_key_opened_while_the_keychain_closes_is_wiped_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for curve in CURVES:
        keys = SeedKeychain(Secret(SEED))
        made: list[Any] = []
        real = SeedKeychain._open

        def late(self: SeedKeychain, curve: str, path: Path) -> Any:
            made.append(real(self, curve, path))  # noqa: B023  # called at once
            self.close()
            return made[-1]  # noqa: B023

        monkeypatch.setattr(SeedKeychain, "_open", late)
        with pytest.raises(InvalidKey):
            keys.signing_key(curve, path_of(curve, 0))
        assert made[0].closed
        monkeypatch.setattr(SeedKeychain, "_open", real)


def test_close_finds_a_key_that_has_left_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keychain, "_CACHED_KEYS", 4)
    keys = SeedKeychain(Secret(SEED))
    for curve in CURVES:
        held = keys.signing_key(curve, path_of(curve, 0))
        sign = held.signer() if isinstance(held, Ed25519Key) else held.recoverable_signer()
        for index in range(1, 20):
            keys.signing_key(curve, path_of(curve, index))
        assert keys.signing_key(curve, path_of(curve, 0)) is held
        assert len(keys._keys) == 4
        assert sign(bytes(32))
    for index in range(1, 20):
        keys.signing_key("ed25519", path_of("ed25519", index))
    gc.collect()
    assert len(keys._in_use) == 5  # the four of the cache, and the one held here
    keys.close()
    assert held.closed
    with pytest.raises(InvalidKey):
        sign(bytes(32))


class WipesFirst:
    """The native library, with another thread that wipes the key just before it is used."""

    def __init__(self, lib: Any, name: str, key: SecpKey) -> None:
        self._lib, self._name, self._key = lib, name, key

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._lib, name)
        if name != self._name:
            return real

        def call(context: Any, output: Any, secret: Any) -> Any:
            self._key._closed = True
            secret[5] = 0  # as far as the wipe has come
            return real(context, output, secret)

        return call


@pytest.mark.parametrize(
    ("function", "use"),
    [
        ("secp256k1_ec_pubkey_create", lambda key: key.public_key),
        ("secp256k1_keypair_create", lambda key: key.schnorr_signer()),
    ],
)
def test_a_key_half_wiped_under_the_native_code_gives_nothing(
    monkeypatch: pytest.MonkeyPatch, function: str, use: Callable[[SecpKey], object]
) -> None:
    key = SecpKey(b"\x11" * 32)
    monkeypatch.setattr(secpkey, "lib", WipesFirst(secpkey.lib, function, key))
    with pytest.raises(InvalidKey):
        use(key)
    assert key._public_key is None
