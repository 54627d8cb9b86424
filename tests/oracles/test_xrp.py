"""The XRP Ledger against xrpl.js, ripple-keypairs, xrpl-py and Trust Wallet Core, on random inputs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from xrpl.constants import CryptoAlgorithm
from xrpl.core import addresscodec, binarycodec, keypairs

from multiwallet import Mnemonic, Wallet, network
from multiwallet.chains.xrp import addresses, serialization
from multiwallet.chains.xrp.currencies import code_bytes
from multiwallet.chains.xrp.quantities import read_value
from multiwallet.chains.xrp.transaction import Transaction, transaction_id
from multiwallet.errors import InvalidTransaction, Unsupported
from multiwallet.registry import chain

pytestmark = pytest.mark.oracle

HERE = Path(__file__).resolve().parent
ROUNDS = 60
Ask: TypeAlias = Callable[..., Any]
ROW, TEST_ROW = network("xrp"), network("xrp-testnet")
CHAIN = chain(ROW)


@pytest.fixture(scope="module")
def js() -> Iterator[Ask]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with xrpl.js")
    if not (HERE / "node_modules" / "xrpl").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    process = subprocess.Popen(
        [node, "xrp.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(call: str, **arguments: Any) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"call": call, "args": arguments}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    try:
        yield ask
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()


def _account(rng: random.Random) -> str:
    return addresses.classic(rng.randbytes(20))


def _hex(rng: random.Random, size: int) -> str:
    return rng.randbytes(size).hex().upper()


def _currency(rng: random.Random) -> str:
    code = rng.choice(("USD", "EUR", "a1$", "<|>", "xrp", _hex(rng, 20), "524C555344" + "0" * 30))
    return code if len(code) == 3 or code[:2] != "00" else "FF" + code[2:]


def _value(rng: random.Random) -> str:
    number = rng.choice((rng.randrange(10**16), rng.randrange(1000), 10**15, 9999999999999999, 0))
    places = rng.randrange(0, 30)
    digits = str(number).rjust(places + 1, "0")
    text = digits[:-places] + "." + digits[-places:] if places else digits
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return rng.choice((text, text, f"{number}e{rng.randrange(-80, 60)}")) if number else "0"


def _token(rng: random.Random) -> dict[str, str]:
    return {"currency": _currency(rng), "issuer": _account(rng), "value": _value(rng)}


def _amount(rng: random.Random) -> Any:
    return rng.choice((str(rng.randrange(10**17 + 1)), _token(rng), _token(rng)))


def _transaction(rng: random.Random) -> dict[str, Any]:
    tx: dict[str, Any] = {"Account": _account(rng), "Fee": str(rng.randrange(10**6)), "Sequence": rng.randrange(2**32)}
    kind = rng.choice(
        ("Payment", "TrustSet", "AccountSet", "SignerListSet", "OfferCreate", "SetRegularKey", "EscrowCreate")
    )
    tx["TransactionType"] = kind
    for name in ("Flags", "SourceTag", "LastLedgerSequence"):
        if rng.random() < 0.6:
            tx[name] = rng.randrange(2**32)
    if rng.random() < 0.5:
        tx["Memos"] = [
            {"Memo": {"MemoData": _hex(rng, rng.choice((1, 60, 192, 193, 700))), "MemoType": _hex(rng, 4)}}
            for _ in range(rng.randrange(1, 3))
        ]
    if kind == "Payment":
        tx |= {"Destination": _account(rng), "Amount": _amount(rng)}
        if rng.random() < 0.5:
            tx |= {"DestinationTag": rng.randrange(2**32), "InvoiceID": _hex(rng, 32)}
        if rng.random() < 0.3:
            tx |= {
                "SendMax": _amount(rng),
                "Paths": [
                    [{"account": _account(rng)}, {"currency": "USD", "issuer": _account(rng)}],
                    [{"currency": "XRP"}],
                ],
            }
    elif kind == "TrustSet":
        tx |= {"LimitAmount": _token(rng), "QualityIn": rng.randrange(2**32)}
    elif kind == "AccountSet":
        tx |= {"SetFlag": rng.randrange(17), "Domain": _hex(rng, rng.randrange(1, 200)), "TickSize": rng.randrange(16)}
        tx |= {"EmailHash": _hex(rng, 16), "TransferRate": rng.randrange(2**32)}
    elif kind == "SignerListSet":
        entries = [{"SignerEntry": {"Account": _account(rng), "SignerWeight": rng.randrange(2**16)}} for _ in range(3)]
        tx |= {"SignerQuorum": rng.randrange(2**32), "SignerEntries": entries}
    elif kind == "OfferCreate":
        tx |= {"TakerPays": _amount(rng), "TakerGets": _amount(rng), "Expiration": rng.randrange(2**32)}
    elif kind == "SetRegularKey":
        tx["RegularKey"] = _account(rng)
    else:
        tx |= {"Amount": str(rng.randrange(10**17)), "Destination": _account(rng), "FinishAfter": rng.randrange(2**32)}
    tx["SigningPubKey"] = rng.choice(("", "ED" + _hex(rng, 32), "02" + _hex(rng, 32)))
    return tx


def _canonical(value: Any) -> Any:
    """Amounts of tokens by their number, which libraries write in unlike ways (1e-20, 0.00...01)."""
    if isinstance(value, dict):
        if set(value) == {"currency", "issuer", "value"}:
            # xrpl.js writes a code with < or > in hex, where rippled writes its characters.
            return {**value, "value": read_value(value["value"]), "currency": code_bytes(value["currency"])}
        # Steps of paths: xrpl.js and xrpl-py may add what the type of a step is.
        kept = {name: item for name, item in value.items() if name not in ("type", "type_hex")}
        return {
            name: code_bytes(item) if name == "currency" and item != "XRP" else _canonical(item)
            for name, item in kept.items()
        }
    return [_canonical(item) for item in value] if isinstance(value, list) else value


def test_transactions_are_encoded_and_decoded_as_xrpl_js_and_xrpl_py_do(js: Ask) -> None:
    rng = random.Random(1)
    seen = set()
    for _ in range(3 * ROUNDS):
        tx = _transaction(rng)
        ours = serialization.encode(tx).hex().upper()
        assert ours == js("encode", tx=tx) == binarycodec.encode(tx)
        decoded = _canonical(serialization.decode(bytes.fromhex(ours)))
        assert decoded == _canonical(js("decode", blob=ours)) == _canonical(binarycodec.decode(ours)) == _canonical(tx)
        if tx["SigningPubKey"]:
            preimage = "53545800" + serialization.encode(tx, signed=False).hex().upper()
            assert preimage == js("encodeForSigning", tx=tx) == binarycodec.encode_for_signing(tx)
        else:
            signer = _account(rng)
            preimage = "534D5400" + serialization.encode(tx, signed=False).hex().upper()
            assert preimage + addresses.account_id(signer).hex().upper() == binarycodec.encode_for_multisigning(
                tx, signer
            )
        seen.add(tx["TransactionType"])
    assert len(seen) == 7


def test_the_table_of_fields_is_the_one_that_xrpl_py_carries() -> None:
    from xrpl.core.binarycodec.definitions import definitions

    from multiwallet.chains.xrp.fields import FIELDS, NOT_SIGNED, TRANSACTION_TYPES

    for name, field in FIELDS.items():
        theirs = definitions.get_field_instance(name)
        assert (field.type, field.number, field.header) == (theirs.type, theirs.nth, bytes(theirs.header)), name
        assert (name in NOT_SIGNED) == (not theirs.is_signing), name
    for name, number in TRANSACTION_TYPES.items():
        assert definitions.get_transaction_type_code(name) == number


def test_amounts_that_both_refuse(js: Ask) -> None:
    base = {"TransactionType": "Payment", "Account": addresses.classic(bytes(20)), "Fee": "10", "Sequence": 1}
    for amount in (
        "1.5", "-1", str(10**17 + 1), "abc", "",
        {"currency": "USD", "issuer": base["Account"], "value": "12345678901234567"},
        {"currency": "USD", "issuer": base["Account"], "value": "1e97"},
        {"currency": "USD", "issuer": base["Account"], "value": "NaN"},
        {"currency": "USDX", "issuer": base["Account"], "value": "1"},
        {"currency": "USD", "value": "1"},
    ):  # fmt: skip
        with pytest.raises(InvalidTransaction):
            serialization.encode({**base, "Amount": amount})
        with pytest.raises(ValueError):
            js("encode", tx={**base, "Amount": amount})


def test_addresses_agree_with_every_library(js: Ask) -> None:
    rng = random.Random(2)
    for _ in range(ROUNDS):
        key = bytes.fromhex(
            keypairs.derive_keypair(addresscodec.encode_seed(rng.randbytes(16), rng.choice(list(CryptoAlgorithm))))[0]
        )
        ours = CHAIN.address(ROW, key[1:] if key[0] == 0xED else key)
        assert ours == js("address", publicKey=key.hex().upper()) == keypairs.derive_classic_address(key.hex())
        for row, test in ((ROW, False), (TEST_ROW, True)):
            tag = rng.choice((None, 0, 1, 2**32 - 1, rng.randrange(2**32)))
            text = addresses.x_address(row, addresses.account_id(ours), tag)
            assert text == js("xAddress", address=ours, tag=tag, test=test)
            assert text == addresscodec.classic_address_to_xaddress(ours, tag, test)
            assert addresses.parse(row, text) == (addresses.account_id(ours), tag)
            assert CHAIN.parse_address(row, text) == (ours if tag is None else text)


def test_derived_accounts_agree_with_xrpl_js_and_wallet_core(js: Ask) -> None:
    for _ in range(6):
        phrase = Mnemonic.generate(12).expose()
        wallet = Wallet.from_mnemonic(phrase)
        for index in (0, 3):
            account = wallet.account("xrp", index=index)
            theirs = js("fromMnemonic", phrase=phrase, path=f"m/44'/144'/0'/0/{index}")
            assert theirs["address"] == account.address == js("walletCore", phrase=phrase, index=index)
            assert theirs["privateKey"] == "00" + account.export_private_key().upper()


def test_family_seeds_open_the_account_that_xrpl_js_opens(js: Ask) -> None:
    rng = random.Random(3)
    for _ in range(10):
        for algorithm in ("secp256k1", "ed25519"):
            seed = addresscodec.encode_seed(rng.randbytes(16), CryptoAlgorithm(algorithm))
            account = Wallet.from_private_key("xrp", seed).account("xrp")
            expected = js("fromSeed", seed=seed) if algorithm == "ed25519" else _py_address(seed)
            assert account.address == expected == _py_address(seed)


def _py_address(seed: str) -> str:
    return keypairs.derive_classic_address(keypairs.derive_keypair(seed)[0])


@pytest.mark.parametrize("kind", ["secp256k1", "ed25519"])
def test_signed_transactions_are_byte_for_byte_those_of_xrpl_js(js: Ask, kind: str) -> None:
    rng = random.Random(4)
    wallet = Wallet.from_mnemonic("test test test test test test test test test test test junk")
    account = wallet.account("xrp", kind=kind)
    public, private = _keys(account, kind)
    for _ in range(ROUNDS // 2):
        tx = _transaction(rng) | {"Account": account.address}
        del tx["SigningPubKey"]
        if tx["TransactionType"] != "Payment" or not isinstance(tx["Amount"], str):
            tx = {name: tx[name] for name in ("Account", "Fee", "Sequence")} | {"TransactionType": "AccountSet"}
        tx.pop("SendMax", None)
        tx.pop("Paths", None)
        tx["Flags"] = 0
        signed = account.sign(json.dumps(tx))
        theirs = js("sign", publicKey=public, privateKey=private, tx=tx)
        assert (signed.to_wire(), signed.txid) == (theirs["tx_blob"], theirs["hash"])
        assert js("verify", blob=signed.to_wire())
        assert CHAIN.parse_signed(ROW, theirs).raw == signed.raw


def _keys(account: Any, kind: str) -> tuple[str, str]:
    public = account.public_key.hex().upper()
    if kind == "ed25519":
        return "ED" + public, "ED" + account.export_private_key()[:64].upper()
    return public, "00" + account.export_private_key().upper()


def test_several_signers_make_what_xrpl_js_puts_together(js: Ask) -> None:
    wallet = Wallet.from_mnemonic("test test test test test test test test test test test junk")
    accounts = [wallet.account("xrp", index=n, kind="ed25519" if n == 2 else "secp256k1") for n in range(1, 4)]
    tx = {
        "TransactionType": "Payment", "Account": addresses.classic(bytes(20)), "Destination": accounts[0].address,
        "Amount": "1000000", "Fee": "40", "Sequence": 5, "Flags": 0, "SigningPubKey": "",
    }  # fmt: skip
    blobs, apart = [], []
    for number, account in enumerate(accounts, 1):
        public, private = _keys(account, "ed25519" if number == 2 else "secp256k1")
        theirs = js("sign", publicKey=public, privateKey=private, tx=tx, multisign=True)["tx_blob"]
        ours = account.sign(tx).to_wire()
        assert ours == theirs
        blobs.append(theirs)
        apart.append(ours)
    expected = js("multisign", blobs=blobs)
    combined = CHAIN.parse_signed(ROW, apart)
    assert combined.to_wire() == expected
    assert combined.txid == js("hash", blob=expected)
    one_by_one: Any = tx
    for account in reversed(accounts):
        one_by_one = account.sign(one_by_one).to_wire()
    assert one_by_one == expected


@pytest.mark.parametrize("kind", ["secp256k1", "ed25519"])
def test_messages_are_those_of_ripple_keypairs(js: Ask, kind: str) -> None:
    rng = random.Random(5)
    account = Wallet.from_mnemonic("test test test test test test test test test test test junk").account(
        "xrp", kind=kind
    )
    public, private = _keys(account, kind)
    for message in ("hello", "grüße", "x" * 1000, str(rng.random())):
        found = json.loads(account.sign_message(message))
        assert found["publicKey"] == public
        assert found["signature"] == js("signMessage", message=message.encode().hex(), privateKey=private)
        assert js("verifyMessage", message=message.encode().hex(), signature=found["signature"], publicKey=public)
        assert account.verify_message(message, json.dumps(found))
        bare = account.verify_message(message, found["signature"])
        assert bare == (kind == "secp256k1")  # of ed25519 the key does not follow from the signature


def test_what_random_changes_make_of_bytes_is_refused_or_read_alike(js: Ask) -> None:
    rng = random.Random(6)
    agreed = 0
    for _ in range(ROUNDS):
        raw = bytearray(serialization.encode(_transaction(rng)))
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        try:
            ours = serialization.decode(bytes(raw))
        except (InvalidTransaction, Unsupported):
            continue
        assert serialization.encode(ours) == bytes(raw)
        assert _canonical(js("decode", blob=raw.hex().upper())) == _canonical(ours)
        agreed += 1
    assert agreed > ROUNDS // 10


def test_ids_agree() -> None:
    rng = random.Random(7)
    from xrpl.models.transactions.transaction import Transaction as Theirs

    for _ in range(10):
        tx = {
            "TransactionType": "AccountSet", "Account": _account(rng), "Fee": "10", "Sequence": rng.randrange(2**31),
            "SigningPubKey": "ED" + _hex(rng, 32), "TxnSignature": _hex(rng, 64),
        }  # fmt: skip
        assert transaction_id(serialization.encode(tx)) == Theirs.from_xrpl(tx).get_hash()
    assert Transaction is not Theirs
