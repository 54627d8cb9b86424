"""Signing: batches of transactions on each chain, one large PSBT, and two threads."""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
from collections.abc import Iterable
from typing import Any

from multiwallet import Wallet
from multiwallet.amounts import Asset

from . import floors
from .measure import Case

WORDS = "test test test test test test test test test test test junk"
TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"  # a contract's address
TRON_TOKEN = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"  # likewise
BLOCKHASH = "8aDj1ig9oaQhGGXqsP4K6YhxE9k11dgDmfXG2aBdzW1T"


def drain(results: Iterable[Any]) -> None:
    for result in results:
        if isinstance(result, Exception):
            raise result


def _digests(count: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(count)]


def _recipients(count: int) -> list[bytes]:
    source = random.Random(7)  # sample data, the same in each run
    return [source.randbytes(20) for _ in range(count)]


def _erc20_dicts(count: int) -> list[dict[str, Any]]:
    return [
        {
            "type": 2,
            "chainId": 1,
            "nonce": nonce,
            "to": TOKEN,
            "value": 0,
            "gas": 65_000,
            "maxFeePerGas": 30 * 10**9,
            "maxPriorityFeePerGas": 10**9,
            "data": bytes.fromhex("a9059cbb") + bytes(12) + to + (10**6 + nonce).to_bytes(32, "big"),
        }
        for nonce, to in enumerate(_recipients(count))
    ]


def evm_dicts(wallet: Wallet, count: int) -> Case:
    account = wallet.account("ethereum")
    items = _erc20_dicts(count)
    key = bytes.fromhex(account.export_private_key()[2:])
    digests = _digests(count)
    return Case(
        "EVM, ERC-20 transfers (type 2) from dicts",
        count,
        lambda: floors.sign_recoverable(key, digests),
        lambda: drain(account.sign_batch(items)),
        0.65,
        "recoverable ECDSA",
        *_eth_account(account.export_private_key(), items),
    )


def _eth_account(key: str, items: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, int]]:
    from eth_account import Account

    signer, few = Account.from_key(key), items[:100]
    return {"eth-account": lambda: [signer.sign_transaction(item) for item in few]}, {"eth-account": len(few)}


def evm_template(wallet: Wallet, count: int) -> Case:
    account = wallet.account("ethereum")
    token = Asset(f"eip155:1/erc20:{TOKEN}", "USDT", 6)
    template = account.template(
        asset=token, nonce=0, gas=65_000, max_fee_per_gas=30 * 10**9, max_priority_fee_per_gas=10**9
    )
    rows = [(to, 10**6 + number) for number, to in enumerate(_recipients(count))]
    key = bytes.fromhex(account.export_private_key()[2:])
    digests = _digests(count)
    return Case(
        "EVM, ERC-20 transfers through a template",
        count,
        lambda: floors.sign_recoverable(key, digests),
        lambda: drain(account.sign_batch(template.fill(rows))),
        0.80,
        "recoverable ECDSA",
    )


def tron_transfers(wallet: Wallet, count: int) -> Case:
    account = wallet.account("tron")
    template = account.template(
        ref_block_bytes="8814", ref_block_hash="328b985e759bf98d", expiration=1700000063000, timestamp=1700000003000
    )
    rows = [(b"\x41" + to, 1_000_000 + number) for number, to in enumerate(_recipients(count))]
    key = bytes.fromhex(account.export_private_key())
    digests = _digests(count)
    return Case(
        "TRON, TRX transfers through a template",
        count,
        lambda: floors.sign_recoverable(key, digests),
        lambda: drain(account.sign_batch(template.fill(rows))),
        0.80,
        "recoverable ECDSA",
        *_tronpy(key, count),
    )


def _tronpy(key: bytes, count: int) -> tuple[dict[str, Any], dict[str, int]]:
    from tronpy.keys import PrivateKey

    signer, digests = PrivateKey(key), _digests(min(count, 100))
    # Signing alone: tronpy takes the id from the node.
    work = {"tronpy (signature alone)": lambda: [signer.sign_msg_hash(digest) for digest in digests]}
    return work, {"tronpy (signature alone)": len(digests)}


def solana_transfers(wallet: Wallet, count: int) -> Case:
    import base58
    from solders.hash import Hash
    from solders.keypair import Keypair
    from solders.message import Message
    from solders.pubkey import Pubkey
    from solders.system_program import TransferParams, transfer
    from solders.transaction import Transaction

    account = wallet.account("solana")
    template = account.template(blockhash=BLOCKHASH)
    source = random.Random(7)  # sample data
    recipients = [source.randbytes(32) for _ in range(count)]
    rows = [(to, 1_000_000 + number) for number, to in enumerate(recipients)]
    secret_key = base58.b58decode(account.export_private_key())
    messages = [template_message(account, row) for row in template.fill(rows)]
    pair = Keypair.from_bytes(secret_key)
    blockhash = Hash.from_string(BLOCKHASH)

    def solders() -> None:
        for to, lamports in rows:
            instruction = transfer(
                TransferParams(from_pubkey=pair.pubkey(), to_pubkey=Pubkey.from_bytes(to), lamports=lamports)
            )
            message = Message.new_with_blockhash([instruction], pair.pubkey(), blockhash)
            bytes(Transaction([pair], message, blockhash))

    return Case(
        "Solana, SOL transfers through a template",
        count,
        lambda: floors.sign_ed25519(secret_key, messages),
        lambda: drain(account.sign_batch(template.fill(rows))),
        0.85,
        "libsodium crypto_sign",
        {"solders": solders},
    )


def template_message(account: Any, row: Any) -> bytes:
    """The message bytes of a template's row, for the floor to sign the same length."""
    (signed,) = account.sign_batch([row])
    return bytes(signed.raw[65:])


def large_psbt(wallet: Wallet, inputs: int = 200) -> Case:
    import bdkpython
    from embit.bip32 import HDKey
    from embit.psbt import PSBT

    from multiwallet.chains.bitcoin.addresses import script_for_key
    from multiwallet.chains.bitcoin.psbt import Psbt, PsbtInputSource
    from multiwallet.chains.bitcoin.transaction import OutPoint

    account = wallet.account("bitcoin", index=0)
    holder = account._operations.holder
    script = script_for_key("p2wpkh", holder.public_key)
    sources = [
        PsbtInputSource(
            OutPoint(hashlib.sha256(number.to_bytes(4, "big")).hexdigest(), number),
            100_000 + number,
            script,
            0xFFFFFFFD,
            holder.public_key,
            holder.path,
            holder.fingerprint,
            None,
        )
        for number in range(inputs)
    ]
    # Each run signs another PSBT: an account remembers what it has examined last, and a bench must not live on that.
    texts = itertools.cycle(
        base64.b64encode(
            Psbt.create(sources, [(script, 100_000 * inputs - 50_000 - number, None, None)]).serialize()
        ).decode()
        for number in range(64)
    )
    text = next(texts)
    requests = account._operations.adopt(text).requests
    digests = [request.message for request in requests]
    key = wallet._session.keychain.signing_key("secp256k1", holder.path).expose()
    root = HDKey.from_seed(wallet_seed())

    def embit() -> None:
        PSBT.from_string(text).sign_with(root)

    network, main = bdkpython.Network.BITCOIN, bdkpython.NetworkKind.MAIN
    secret = bdkpython.DescriptorSecretKey(main, bdkpython.Mnemonic.from_string(WORDS), None)
    descriptor = bdkpython.Descriptor.new_bip84(secret, bdkpython.KeychainKind.EXTERNAL, main)
    change = bdkpython.Descriptor.new_bip84(secret, bdkpython.KeychainKind.INTERNAL, main)
    bdk_wallet = bdkpython.Wallet(descriptor, change, network, bdkpython.Persister.new_in_memory())
    bdk_wallet.reveal_addresses_to(bdkpython.KeychainKind.EXTERNAL, 1)

    options = bdkpython.SignOptions(
        trust_witness_utxo=True,
        assume_height=None,
        allow_all_sighashes=False,
        try_finalize=True,
        sign_with_tap_internal_key=True,
        allow_grinding=True,
    )

    def bdk() -> None:
        bdk_wallet.sign(bdkpython.Psbt(text), options)

    return Case(
        f"Bitcoin, one PSBT of {inputs} P2WPKH inputs",
        inputs,
        lambda: floors.sign_low_r(key, digests),
        lambda: account.sign(next(texts)),
        0.70,
        "ECDSA with low R",
        {"embit": embit, "bdkpython": bdk},
    )


def wallet_seed() -> bytes:
    from multiwallet import Mnemonic

    return Mnemonic(WORDS).to_seed().expose()


def threads(wallet: Wallet, count: int) -> Case:
    """Two threads against one: the 'floor' is one thread, so the share is the speed-up."""
    account = wallet.account("ethereum")
    items = _erc20_dicts(count)
    return Case(
        "EVM dicts, two threads against one",
        count,
        lambda: drain(account.sign_batch(items)),
        lambda: drain(account.sign_batch(items, threads=2)),
        1.5,
        "the same on one thread",
    )
