"""What goes wrong is told without the secret: in the message, and in a traceback that shows local variables."""

from __future__ import annotations

import asyncio
import io
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from multiwallet import AsyncWallet, Mnemonic, Secret, Wallet, keystore
from multiwallet.crypto import ed25519, secp256k1
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.crypto.secpkey import SecpKey
from multiwallet.errors import MultiwalletError
from multiwallet.keys import formats, slip10
from multiwallet.keys.hd import ExtendedKey
from multiwallet.testing import FakeTransport
from multiwallet.vault import Vault

HERE = __file__


def wrong_uses(known: Any, vault: Vault, opened: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Calls that are given a secret, or hold one, and must be refused."""
    words = known.phrase.split()
    swapped = " ".join([words[-1], *words[1:-1], words[0]])
    misspelt = " ".join([*words[:-1], "abaut"])
    short, long = known.key[:-1], known.key + b"\1"
    changed = known.xprv[:-1] + ("1" if known.xprv[-1] != "1" else "2")
    wallet, closed = opened["open"], opened["closed"]
    hostile_name, stranger = "no such network", known.keypair[:-2]
    return {
        "a phrase with words swapped": lambda: Wallet.from_mnemonic(swapped),
        "a phrase with a word misspelt": lambda: Wallet.from_mnemonic(misspelt),
        "a phrase too long": lambda: Mnemonic(known.phrase * 40),
        "a phrase as bytes": lambda: Wallet.from_mnemonic(known.phrase.encode()),
        "a phrase as a list": lambda: Mnemonic(words),
        "a phrase in no language": lambda: Mnemonic(known.phrase, "klingon"),
        "a phrase where a seed belongs": lambda: Wallet.from_seed(known.phrase),
        "a phrase where a key belongs": lambda: Wallet.from_private_key("bitcoin", known.phrase),
        "a phrase where an xpub belongs": lambda: Wallet.from_xpub("bitcoin", known.phrase),
        "a phrase where a network belongs": lambda: Wallet.from_private_key("ethereum", known.phrase.split()),
        "a passphrase that is no text": lambda: Wallet.from_mnemonic(known.phrase, known.passphrase.encode()),
        "a passphrase that is no Unicode": lambda: Wallet.from_mnemonic(known.phrase, known.passphrase + "\ud800"),
        "endpoints of an unknown network": lambda: Wallet.from_mnemonic(known.phrase, endpoints={hostile_name: "x"}),
        "endpoints that are none": lambda: Wallet.from_seed(known.seed, endpoints={"ethereum": 7}),
        "a seed too short": lambda: Wallet.from_seed(known.seed[:15]),
        "a seed too long": lambda: ExtendedKey.from_seed(known.seed * 2),
        "a seed in hexadecimal": lambda: Wallet.from_seed(known.seed.hex()),
        "a seed for SLIP-10": lambda: slip10.secp256k1_from_seed(known.seed * 2),
        "a path that is not hardened": lambda: wallet.account("solana", path="m/44'/501'/0/0"),
        "ed25519 at a plain step": lambda: slip10.ed25519_from_seed(known.seed, "m/0"),
        "a key too short": lambda: Wallet.from_private_key("ethereum", short),
        "a key too short, as text": lambda: Wallet.from_private_key("tron", short.hex()),
        "a key with a letter wrong": lambda: Wallet.from_private_key("ethereum", known.key.hex()[:-1] + "g"),
        "a key of another chain": lambda: Wallet.from_private_key("ethereum", known.wif),
        "a key of no chain": lambda: Wallet.from_private_key(hostile_name, known.key),
        "a key beyond the order": lambda: Wallet.from_private_key("bitcoin", b"\xff" * 16 + known.key[:16]),
        "a WIF with a letter wrong": lambda: Wallet.from_private_key("bitcoin", known.wif[:-1] + "1"),
        "a WIF cut off": lambda: formats.decode_wif(known.wif[:-3]),
        "a WIF of another network": lambda: formats.decode_wif(known.wif, {7}),
        "a version that is none": lambda: formats.encode_wif(known.key, 300),
        "a key of 33 bytes": lambda: formats.encode_wif(long),
        "a key pair of 31 bytes": lambda: formats.encode_keypair(short),
        "a key pair that does not belong together": lambda: formats.parse_ed25519(known.solana_key * 2),
        "a key pair as numbers": lambda: formats.parse_ed25519(list(known.solana_key * 3)),
        "a key pair cut off": lambda: Wallet.from_private_key("solana", stranger),
        "an xprv where an xpub belongs": lambda: Wallet.from_xpub("bitcoin", known.xprv),
        "an xprv with a letter wrong": lambda: ExtendedKey.parse(changed),
        "an xprv for an unknown network": lambda: Wallet.from_xpub(hostile_name, known.xprv),
        "entropy of another length": lambda: Mnemonic.from_entropy(known.entropy + b"1"),
        "a Secret of text": lambda: Secret(known.phrase),
        "a SecpKey of 31 bytes": lambda: SecpKey(short),
        "an Ed25519Key of 33 bytes": lambda: Ed25519Key(long),
        "a public key of 31 bytes": lambda: secp256k1.public_key(short),
        "a public key of a text": lambda: ed25519.public_key(known.key.hex()),
        "a tweak of 33 bytes": lambda: secp256k1.private_add_tweak(known.key, long),
        "a key file with words swapped": lambda: keystore.load(swapped),
        "a key file in another format": lambda: keystore.load(known.xprv, known.passphrase, format="wif"),
        "a key file that is damaged": lambda: keystore.load(changed),
        "a key file of numbers": lambda: keystore.load(list(known.key * 2)),
        "a keystore without contents": lambda: keystore.load('{"crypto": {}}', known.passphrase),
        "a key for no network": lambda: keystore.load(known.key.hex()),
        "no such format": lambda: keystore.dump(Mnemonic(known.phrase), "parchment", known.passphrase),
        "a format that cannot hold it": lambda: keystore.dump(Mnemonic(known.phrase), "ethereum-v3", known.passphrase),
        "an option that is none": lambda: keystore.dump(Mnemonic(known.phrase), "slip39", known.passphrase, height=3),
        "a vault with a wrong passphrase": lambda: vault.unlock(known.phrase),
        "a vault with a wrong recipient key": lambda: vault.unlock(recipient_key=known.key),
        "a vault with shares that are none": lambda: vault.unlock(shares=[known.phrase]),
        "a closed wallet that derives": lambda: closed.account("bitcoin", index=7),
        "a closed wallet that exports": lambda: opened["closed account"].export_private_key(),
        "a closed wallet that signs": lambda: opened["closed account"].sign_message("hello"),
        "a transaction of no kind": lambda: wallet.account("tron").sign({"raw_data_hex": "00"}),
        "an index that is none": lambda: wallet.account("ethereum", index=-1),
        "a signature asked of the watcher": lambda: opened["watcher"].account("bitcoin").export_private_key(),
    }


@pytest.fixture(scope="module")
def refused(known, vault) -> dict[str, BaseException]:
    wallet = Wallet.from_mnemonic(known.phrase, known.passphrase)
    closed = Wallet.from_mnemonic(known.phrase, known.passphrase)
    opened = {"open": wallet, "closed": closed, "closed account": closed.account("ethereum")}
    opened["watcher"] = Wallet.from_xpub("bitcoin", wallet.account("bitcoin").extended_public_key())
    closed.close()
    found = {}
    for name, use in wrong_uses(known, vault, opened).items():
        try:
            use()
        except Exception as error:
            found[name] = error
        else:
            pytest.fail(f"{name} was accepted")
    return found


def links(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_wrong_uses_are_errors_of_the_tree(refused):
    for name, error in refused.items():
        assert isinstance(error, MultiwalletError | TypeError), name


def test_no_message_repeats_what_was_given(refused, quiet):
    for name, error in refused.items():
        for link in links(error):
            quiet(f"{link} {link!r} {link.args!r} {vars(link)!r}", name)


def test_no_traceback_with_locals_shows_it(refused, quiet):
    for name, error in refused.items():
        for link in links(error):
            told = traceback.TracebackException.from_exception(link, capture_locals=True)
            for frame in told.stack:
                if frame.filename != HERE:  # the frames of whoever holds the secret are his
                    quiet(repr(frame.locals), f"{name}: {frame.name}")


def test_no_traceback_of_rich_shows_it(refused, quiet):
    pytest.importorskip("rich", reason="comes with the extra 'cli'")
    from rich.console import Console
    from rich.traceback import Traceback

    for name, error in refused.items():
        own = error.__traceback__
        while own is not None and own.tb_frame.f_code.co_filename == HERE:
            own = own.tb_next
        page = io.StringIO()
        told = Traceback.from_exception(type(error), error, own, show_locals=True, locals_max_string=None)
        Console(file=page, width=500).print(told)
        assert type(error).__name__ in page.getvalue()
        quiet(page.getvalue(), name)


class Broken(Exception):
    """Something that nobody foresaw, in the middle of using a key."""


def breaks(*_: object, **__: object) -> Any:
    raise Broken


PLACES = {
    "verifying": "multiwallet.signer.verify_signature",
    "opening a key": "multiwallet.keys.keychain.SeedKeychain._open",
    "making a key": "multiwallet.crypto.secpkey.SecpKey.__init__",
    "adding a tweak": "multiwallet.keys.hd.private_add_tweak",
    "deriving": "multiwallet.keys.hd.hmac_sha512_with",
    "hashing": "multiwallet.keys.hd.hmac_sha512",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("face", ["Wallet", "AsyncWallet"])
def test_an_unforeseen_error_while_signing_shows_no_secret(known, quiet, monkeypatch, payment, place, face):
    wallet: Any = (Wallet if face == "Wallet" else AsyncWallet).from_seed(known.seed)
    account = wallet.account("ethereum", index=3) if place == "verifying" else None
    monkeypatch.setattr(PLACES[place], breaks)

    async def use() -> None:
        signed = (account or wallet.account("ethereum", index=3, account=4)).sign(payment)
        if face == "AsyncWallet":
            await signed

    with pytest.raises(Broken) as caught:
        asyncio.run(use())
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ours = [frame for frame in frames if frame.filename != HERE]
    assert ours
    for frame in ours:
        quiet(repr(frame.locals), f"{frame.name}, line {frame.lineno}")


def test_a_transport_that_breaks_sees_no_secret(known, quiet):
    class Prying(FakeTransport):
        def perform(self, effects: Any) -> Any:
            seen.append(repr(effects))
            raise Broken

    seen: list[str] = []
    wallet = Wallet.from_mnemonic(known.phrase, known.passphrase, transport=Prying())
    for name in ("ethereum", "bitcoin", "tron", "solana"):
        with pytest.raises(Broken) as caught:
            wallet.account(name).balance()
        for frame in traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack:
            if frame.filename != HERE:
                quiet(repr(frame.locals), frame.name)
    assert len(seen) == 4
    quiet(repr(seen))
