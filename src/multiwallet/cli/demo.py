"""``demo``: one mnemonic holds, receives and sends money on seven chains, on the engines of the local devnet.

Everything here goes through the library's public names, so it can be read as an example.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from .. import Amount, Mnemonic, MultiwalletError, Wallet
from ..errors import MissingExtra, Unsupported
from ..ops import Op, Rest, Rpc, ask, run
from .options import AsJson
from .output import print_json, print_text
from .progress import meter, working

if TYPE_CHECKING:
    from .. import Account, Asset, Receipt, UnsignedTransaction
    from ..devnet import Devnet

__all__ = ["demo"]

TOKEN: Final = "DEMO"  # noqa: S105  # the symbol of a token, and no password


class Chapter(NamedTuple):
    """What happens on one network: the money given to the payer, and what of it is paid on."""

    network: str
    funded: str
    paid: str
    standard: str
    """The token standard; empty where the chain has none."""


CHAPTERS: Final = (
    Chapter("bitcoin", "1", "0.25", ""),
    Chapter("ethereum", "10", "2.5", "ERC-20"),
    Chapter("tron", "5000", "1250", "TRC-20"),
    Chapter("solana", "20", "5", "SPL"),
    Chapter("aptos", "20", "5", "fungible asset"),
    Chapter("cosmos", "100", "25", ""),
    Chapter("eos-local", "500", "120", "eosio.token"),
)
SIGNED_OFFLINE: Final = CHAPTERS[:4]
TOKENS_FUNDED: Final = "1000"
TOKENS_PAID: Final = "12.5"


def demo(
    signatures: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many transactions to sign offline at the end.")
    ] = 2000,
    as_json: AsJson = False,
) -> None:
    """Show the library at work: seven chains on this machine, without any network.

    A new mnemonic is given worthless coins on each of them, sends some of them and some tokens to a second one, and
    then signs many transactions offline. Nothing is kept.
    """
    from ..devnet import Devnet

    say: Callable[[str], None] = (lambda text: None) if as_json else print_text
    started = time.perf_counter()
    say("One new mnemonic of 24 words, seven chains, no network: the engines run on this machine.")
    told = []
    with Devnet() as devnet, _new_wallet(devnet) as payer, _new_wallet(devnet) as recipient:
        for chapter in CHAPTERS:
            try:
                told.append(_tell(chapter, devnet, payer, recipient, say))
            except MissingExtra as error:
                say(f"\n{payer.account(chapter.network).network.title}\n  left out   {error.message}")
        polkadot = _tell_polkadot(say)
        if polkadot is not None:
            told.append(polkadot)
        speed = _sign_offline(devnet, payer, recipient, signatures, say, quiet=as_json)
    seconds = round(time.perf_counter() - started, 1)
    say(f"\nThe demo took {seconds} s.")
    if as_json:
        print_json({"chains": told, "signatures": speed, "seconds": seconds})


def _new_wallet(devnet: Devnet) -> Wallet:
    with Mnemonic.generate(24) as mnemonic:
        return Wallet.from_mnemonic(mnemonic, transport=devnet)


def _tell_polkadot(say: Callable[[str], None]) -> dict[str, Any] | None:
    """The same on a Substrate runtime, where Node.js and the packages that execute it are here."""
    from ..devnet.chopsticks import launch

    modules = os.environ.get("MULTIWALLET_NODE_MODULES")
    if not modules:
        say("\nPolkadot\n  left out   it needs Node.js and two npm packages: `make nodes demo` in a checkout has them")
        return None
    try:
        with working("starting Polkadot's Asset Hub"), ExitStack() as stack:
            node = stack.enter_context(launch(Path(modules)))
            row = node.network("asset-hub-local")
            payer, recipient = (stack.enter_context(Wallet.from_mnemonic(Mnemonic.generate(24))) for _ in range(2))
            sender, receiver = payer.account(row), recipient.account(row)
            node.give(sender, row.amount("10"))
            funded = sender.balance()
            say(f"\n{row.title}")
            say(f"  address    {sender.address}")
            say("  path       none: the phrase's own key")
            say(f"  balance    {funded}")
            return {
                "network": row.name,
                "title": row.title,
                "address": sender.address,
                "path": str(sender.path),
                "funded": _amount(funded.total),
                "transfer": _transfer(sender, receiver, "2.5", None, say),
                "token": None,
            }
    except Unsupported as error:
        say(f"\nPolkadot\n  left out   {error.message}")
        return None


def _tell(
    chapter: Chapter, devnet: Devnet, payer: Wallet, recipient: Wallet, say: Callable[[str], None]
) -> dict[str, Any]:
    sender, receiver = payer.account(chapter.network), recipient.account(chapter.network)
    address, path = sender.address, sender.path  # a whole account moves on to a new one once this is used
    with working(f"starting {sender.network.title}"):
        devnet.fund(sender, chapter.funded)
        if sender.network.family == "antelope":  # an account there must exist before anybody can pay it
            devnet.fund(receiver, "1")
    funded = sender.balance()
    say(f"\n{sender.network.title}")
    say(f"  address    {address}")
    say(f"  path       {path}")
    say(f"  balance    {funded}")
    told: dict[str, Any] = {
        "network": sender.network.name,
        "title": sender.network.title,
        "address": address,
        "path": str(path),
        "funded": _amount(funded.total),
        "transfer": _transfer(sender, receiver, chapter.paid, None, say),
        "token": None,
    }
    if not chapter.standard:
        say(f"  token      {sender.network.title} has no tokens of its own")
        return told
    asset = devnet.deploy_token(chapter.network, symbol=TOKEN, decimals=6, holder=sender, supply=TOKENS_FUNDED)
    say(f"  token      {chapter.standard} {asset.reference}")
    told["token"] = {"standard": chapter.standard, "asset": asset.id} | _transfer(
        sender, receiver, TOKENS_PAID, asset, say
    )
    return told


def _transfer(
    sender: Account, receiver: Account, amount: str, asset: Asset | None, say: Callable[[str], None]
) -> dict[str, Any]:
    """Build, look, sign, broadcast, wait: the life of a transfer."""
    transaction = sender.build(to=receiver.address, amount=amount, asset=asset)
    summary = transaction.summary
    for line in str(summary).split("\n"):
        say(f"    {line}")
    signed = sender.sign(transaction)
    sender.broadcast(signed)
    receipt: Receipt = sender.wait(signed.txid, expiry=signed.expiry)
    left, received = sender.balance(asset), receiver.balance(asset)
    block = "" if receipt.block is None else f" in block {receipt.block}"
    say(f"  txid       {signed.txid}")
    say(f"  status     {receipt.status.value}{block}, {_confirmations(receipt)}")
    say(f"  fee        {receipt.fee if receipt.fee is not None else transaction.fee}")
    say(f"  balances   sender {left}, recipient {received}")
    return {
        "summary": summary.to_dict(),
        "txid": signed.txid,
        "status": receipt.status.value,
        "block": receipt.block,
        "confirmations": receipt.confirmations,
        "fee": _amount(transaction.fee.expected if receipt.fee is None else receipt.fee),
        "sender_balance": _amount(left.total),
        "recipient_balance": _amount(received.total),
    }


def _confirmations(receipt: Receipt) -> str:
    return f"{receipt.confirmations} confirmation{'' if receipt.confirmations == 1 else 's'}"


def _amount(amount: Amount) -> dict[str, str]:
    return {"amount": amount.text, "units": str(amount.units), "symbol": amount.asset.symbol, "asset": amount.asset.id}


# -- many signatures -------------------------------------------------------------------------------------------


def _sign_offline(
    devnet: Devnet, payer: Wallet, recipient: Wallet, wanted: int, say: Callable[[str], None], *, quiet: bool
) -> dict[str, Any]:
    """Sign so many payments, each of its own bytes, in turn on the four chains. None of them is sent."""
    accounts = [payer.account(chapter.network) for chapter in SIGNED_OFFLINE]
    sources = [
        _payments(devnet, account, recipient.account(chapter.network))
        for account, chapter in zip(accounts, SIGNED_OFFLINE, strict=True)
    ]
    turns = ((accounts[n % len(accounts)], next(sources[n % len(accounts)])) for n in range(wanted))
    with meter("signing offline", wanted, quiet=quiet) as shown:
        started = time.perf_counter()
        txids = set()
        for signed in payer.sign_batch(turns):
            if isinstance(signed, MultiwalletError):
                raise signed
            txids.add(signed.txid)
            shown.advance()
        seconds = time.perf_counter() - started
    rate = int(len(txids) / seconds) if seconds else 0
    say(f"\n{len(txids):,} different transactions signed offline in {seconds:.2f} s: {rate:,} a second on one thread.")
    return {"count": len(txids), "seconds": round(seconds, 3), "per_second": rate}


def _payments(devnet: Devnet, account: Account, to: Account) -> Iterator[Any]:
    """Endlessly many different payments, ready to sign. What they need from the chain is asked once, here."""
    network = account.network
    match network.family:
        case "bitcoin":
            return _payments_valid_later(account.build(to=to.address, amount="0.01"))
        case "evm":
            template = account.template(
                nonce=0, gas=21_000, max_fee_per_gas=30_000_000_000, max_priority_fee_per_gas=1_000_000_000
            )
        case "tron":
            block = run(_ask(Rest(network.id, "POST", "wallet/getnowblock", json={})), devnet.perform)
            made = block["block_header"]["raw_data"]["timestamp"]
            template = account.template(
                ref_block_bytes=block["blockID"][12:16],
                ref_block_hash=block["blockID"][16:32],
                timestamp=made,
                expiration=made + 60_000,
            )
        case _:
            latest = run(_ask(Rpc(network.id, "getLatestBlockhash", [{"commitment": "confirmed"}])), devnet.perform)
            template = account.template(blockhash=latest["value"]["blockhash"])
    payments: Iterator[Any] = template.fill((to.address, units) for units in count(1))
    return payments


def _ask(effect: Rest | Rpc) -> Op[Any]:
    answers = yield from ask(effect)
    return answers[0]


def _payments_valid_later(transaction: UnsignedTransaction) -> Iterator[bytes]:
    """One Bitcoin payment, made valid from block 1, 2, 3 ... on: other bytes to sign each time.

    A PSBT (BIP-174) begins with 5 bytes of magic, the key ``01 00``, the length of the unsigned transaction and
    the transaction itself, whose last 4 bytes are its lock time.
    """
    psbt = transaction.body
    length = psbt[7]
    assert psbt[:7] == b"psbt\xff\x01\x00"
    assert length < 0xFD  # one byte is enough for the few inputs and outputs here
    end = 8 + length
    for block in count(1):
        yield psbt[: end - 4] + block.to_bytes(4, "little") + psbt[end:]
