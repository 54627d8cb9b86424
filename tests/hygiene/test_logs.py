"""Nothing secret is logged, at any level, by us or by what we use, while money is sent over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import MultiwalletError

CREDENTIALS = ("pa55w0rd", "t0ken-of-a-provider")
RECIPIENTS = {
    "ethereum": "0x3535353535353535353535353535353535353535",
    "solana": "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk",
    "tron": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
}


@pytest.fixture(scope="module")
def devnet() -> Iterator[tuple[Any, dict[str, str]]]:
    for module in ("eth_tester", "solders.litesvm"):
        pytest.importorskip(module, reason="the devnet's engines come with the extra 'devnet'")
    from multiwallet.devnet import Devnet
    from multiwallet.devnet.server import serve

    with Devnet() as engines, serve(engines) as server:
        urls = {
            name: server.endpoints[name].replace("://", f"://user:{CREDENTIALS[0]}@") + f"?key={CREDENTIALS[1]}"
            for name in RECIPIENTS
        }
        yield engines, urls


def said(caplog: pytest.LogCaptureFixture, *, but: str = " ") -> str:
    return "\n".join(
        f"{record.name} {record.getMessage()} {record.args!r} {record.exc_text}"
        for record in caplog.records
        if not record.name.startswith(but)
    )


def test_sending_logs_no_secret_at_any_level(known, quiet, devnet, caplog):
    engines, urls = devnet
    with Wallet.from_mnemonic(known.phrase, known.passphrase, endpoints=urls) as wallet:
        for name in RECIPIENTS:
            engines.fund(wallet.account(name), "10")
        caplog.clear()
        with caplog.at_level(0):
            for name, recipient in RECIPIENTS.items():
                account = wallet.account(name)
                account.send(to=recipient, amount="0.5").wait()
                account.sign_message("hello")
                with pytest.raises(MultiwalletError):
                    account.send(to=recipient, amount="100000000")
            account.export_private_key()
    quiet(said(caplog))
    told = said(caplog, but="multiwallet.devnet")  # the server, which tells what it was asked
    for credential in CREDENTIALS:
        assert credential not in told
    names = {record.name.split(".")[0] for record in caplog.records}
    assert {"multiwallet", "httpx2", "httpcore2"} <= names  # so that all three are known to speak


def test_asynchronous_sending_logs_no_secret(known, quiet, devnet, caplog):
    engines, urls = devnet

    async def use() -> None:
        async with AsyncWallet.from_seed(known.seed, endpoints=urls) as wallet:
            account = wallet.account("ethereum", index=5)
            engines.fund(account, "1")
            caplog.clear()
            await account.send(to=RECIPIENTS["ethereum"], amount="0.5")
            async for _ in account.sign_batch([{"not": "a transaction"}]):
                pass

    with caplog.at_level(0):
        asyncio.run(use())
    quiet(said(caplog))
    assert not [credential for credential in CREDENTIALS if credential in said(caplog, but="multiwallet.devnet")]


def test_opening_and_importing_logs_nothing_secret(known, quiet, vault, caplog):
    from multiwallet import Mnemonic, keystore

    with caplog.at_level(0):
        with vault.unlock(known.passphrase) as opened:
            opened.wallet("savings").account("ethereum").export_private_key()
        account = Wallet.from_private_key("ethereum", known.key).account("ethereum")
        written = keystore.dump(account, "ethereum-v3", "x", kdf="pbkdf2", rounds=1000)
        keystore.load(written, "x").close()
        keystore.load(known.wif).export_private_key()
        Mnemonic(known.phrase).to_seed(known.passphrase)
        for wrong in (known.phrase + " zoo", known.xprv[:-1]):
            with pytest.raises(MultiwalletError):
                keystore.load(wrong)
        logging.getLogger("multiwallet").debug("the capture works")
    assert "the capture works" in caplog.text
    quiet(said(caplog))
