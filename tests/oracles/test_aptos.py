"""Aptos against its own SDKs, in TypeScript (@aptos-labs/ts-sdk) and Python (aptos-sdk), on random inputs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aptos_sdk import authenticator, bcs, ed25519, transactions, type_tag
from aptos_sdk.account_address import AccountAddress

from multiwallet import Wallet
from multiwallet.chain import Holder, Network
from multiwallet.chains.aptos import Aptos, addresses
from multiwallet.chains.aptos.move_values import encode_argument
from multiwallet.chains.aptos.raw_transaction import U64_MAX, EntryFunction, Payload, RawTransaction, SigningMessage
from multiwallet.chains.aptos.type_tags import decode_type, parse_type
from multiwallet.codec.bcs import BcsReader, encode_uleb128
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.errors import InvalidAddress
from multiwallet.transactions import SignedTransaction

pytestmark = pytest.mark.oracle

HERE = Path(__file__).resolve().parent
NETWORK = Network("aptos:1", "aptos", "aptos", "Aptos", "APT", 8, 637)
CHAIN = Aptos()
ROUNDS = 25
METADATA = "0x1::fungible_asset::Metadata"
Ask: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def ts_sdk() -> Iterator[Ask]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with the TypeScript SDK")
    if not (HERE / "node_modules" / "@aptos-labs" / "ts-sdk").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    process = subprocess.Popen(
        [node, "aptos.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
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


def _address(rng: random.Random) -> str:
    return rng.choice((addresses.from_bytes(rng.randbytes(32)), f"0x{rng.randrange(16):x}"))


def _type(rng: random.Random, depth: int = 3) -> str:
    kind = rng.randrange(4) if depth else 0
    if kind < 2:
        return rng.choice(("bool", "u8", "u16", "u32", "u64", "u128", "u256", "address", "i8", "i128"))
    if kind == 2:
        return f"vector<{_type(rng, depth - 1)}>"
    inner = ", ".join(_type(rng, depth - 1) for _ in range(rng.randrange(3)))
    return f"{_address(rng)}::some_module::Name{rng.randrange(9)}" + (f"<{inner}>" if inner else "")


def _struct(rng: random.Random) -> str:
    """A type that aptos-sdk can carry: it reads a mark of a type such as u8 as if a value followed it."""
    inner = f"<{_struct(rng)}>" if rng.random() < 0.3 else ""
    return f"{_address(rng)}::some_module::Name{rng.randrange(9)}{inner}"


def _value(rng: random.Random, kind: str) -> Any:
    """A random value, in the form in which both sides take it: integers as text."""
    if kind[0] in "ui" and kind[1:].isdigit():
        bits = int(kind[1:])
        low = 0 if kind[0] == "u" else -(1 << bits - 1)
        return str(rng.choice((low, low + (1 << bits) - 1, rng.randrange(low, low + (1 << bits)))))
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "address" or kind.startswith("0x1::object"):
        return _address(rng)
    if kind == "0x1::string::String":
        return rng.choice(("", "zażółć 🚀", "x" * 300))
    if kind == "vector<u8>":
        return rng.randbytes(rng.choice((0, 1, 127, 128, 200))).hex()
    outer, inner = kind[:-1].split("<", 1)
    if outer == "vector":
        return [_value(rng, inner) for _ in range(rng.choice((0, 1, 3, 130)))]
    return rng.choice((None, _value(rng, inner)))


KINDS = (
    "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i64", "i256", "bool", "address", "0x1::string::String",
    "vector<u8>", "vector<u64>", "vector<address>", "vector<vector<u8>>", "0x1::option::Option<u64>",
    "0x1::option::Option<0x1::string::String>", f"0x1::object::Object<{METADATA}>",
)  # fmt: skip


def test_arguments_as_the_typescript_sdk_writes_them(ts_sdk: Ask) -> None:
    rng = random.Random(11)
    for kind in KINDS * 6:
        value = _value(rng, kind)
        assert encode_argument(parse_type(kind), value).hex() == ts_sdk("moveValue", type=kind, value=value), kind


def test_type_tags_as_both_sdks_write_them(ts_sdk: Ask) -> None:
    rng = random.Random(12)
    for _ in range(100):
        text = _type(rng)
        tag = parse_type(text)
        theirs = ts_sdk("typeTag", text=text)
        assert tag.encode().hex() == theirs["bcs"]
        reader = BcsReader(tag.encode())
        assert decode_type(reader) == tag
        reader.finish()
        assert parse_type(str(tag)) == tag
        assert ts_sdk("typeTag", text=str(tag))["bcs"] == theirs["bcs"]


def test_uleb128_as_the_typescript_sdk_writes_it(ts_sdk: Ask) -> None:
    rng = random.Random(13)
    for number in [0, 127, 128, 16383, 16384, 2**32 - 1, *(rng.randrange(2**32) for _ in range(40))]:
        assert encode_uleb128(number).hex() == ts_sdk("uleb128", number=number)


def test_addresses_and_keys_of_a_phrase(ts_sdk: Ask) -> None:
    rng = random.Random(14)
    phrase = "test test test test test test test test test test test junk"
    wallet = Wallet.from_mnemonic(phrase)
    for index in (0, 1, 2, 77):
        account = wallet.account("aptos", index=index)
        theirs = ts_sdk("derive", phrase=phrase, path=f"m/44'/637'/{index}'/0'/0'")
        assert str(account.path) == f"m/44'/637'/{index}'/0'/0'"
        assert account.address == theirs["address"]
        assert account.export_private_key() == theirs["privateKey"]
    for _ in range(ROUNDS):
        with Ed25519Key(rng.randbytes(32)) as key:
            ours = CHAIN.address(NETWORK, key.public_key)
            python = AccountAddress.from_key(ed25519.PrivateKey.from_hex(key.expose().hex()).public_key())
            assert ours == ts_sdk("address", publicKey=key.public_key.hex()) == str(python)
    for text in ("0x1", "0xf", "0x10", "0x0f", "0x" + "0" * 63 + "a", "0x" + "ab" * 32, "0x" + "ab" * 31, "0x", "0xg"):
        try:
            expected = ts_sdk("parseAddress", text=text)
        except ValueError:
            with pytest.raises(InvalidAddress):
                CHAIN.parse_address(NETWORK, text)
        else:
            assert CHAIN.parse_address(NETWORK, text) == expected


class _Case:
    """A random transaction, in our form and as the TypeScript SDK is asked for it."""

    def __init__(
        self, rng: random.Random, *, secondary: int = 0, sponsored: bool = False, structs_only: bool = False
    ) -> None:
        self.keys = [Ed25519Key(rng.randbytes(32)) for _ in range(1 + secondary + sponsored)]
        self.holders = [Holder(NETWORK, CHAIN.address(NETWORK, key.public_key), key.public_key) for key in self.keys]
        named = [holder.address for holder in self.holders]
        kinds = [rng.choice(KINDS) for _ in range(rng.randrange(5))]
        values = [_value(rng, kind) for kind in kinds]
        make = _struct if structs_only else _type
        types = [make(rng) for _ in range(rng.randrange(3))]
        nonce = rng.choice((None, None, rng.randrange(2**64)))
        inner = nonce is not None or rng.random() < 0.2
        module = _address(rng)
        numbers = [rng.choice((0, 1, 200_000, rng.randrange(2**64))) for _ in range(4)]
        if nonce is not None:
            numbers[0] = U64_MAX
        self.request: dict[str, Any] = {
            "sender": named[0],
            "secondary": named[1 : 1 + secondary],
            "payer": named[-1] if sponsored else None,
            "module": f"{module}::some_module",
            "name": "do_it",
            "types": types,
            "args": [{"type": kind, "value": value} for kind, value in zip(kinds, values, strict=True)],
            "nonce": None if nonce is None else str(nonce),
            "inner": inner,
            "sequence": str(numbers[0]),
            "maxGas": str(numbers[1]),
            "price": str(numbers[2]),
            "expiration": str(numbers[3]),
            "chainId": 1,
        }
        arguments = tuple(encode_argument(parse_type(k), v) for k, v in zip(kinds, values, strict=True))
        call = EntryFunction(
            addresses.to_bytes(module), "some_module", "do_it", tuple(map(parse_type, types)), arguments
        )
        sequence, gas, price, expiration = numbers
        raw = RawTransaction(
            addresses.to_bytes(named[0]), sequence, Payload(call, None, nonce, inner), gas, price, expiration, 1
        )
        listed = tuple(map(addresses.to_bytes, named[1 : 1 + secondary]))
        self.message = SigningMessage(raw, listed, addresses.to_bytes(named[-1]) if sponsored else None)

    def sign(self, native: Any, order: list[int]) -> SignedTransaction:
        """Sign one after the other, each what the one before made."""
        for position in order:
            holder, key = self.holders[position], self.keys[position]
            unsigned = CHAIN.adopt(holder, native)
            (request,) = CHAIN.authorize(holder, unsigned)
            signed = CHAIN.assemble(unsigned, [(request, key.sign(request.message))])
            native = signed.raw.hex()
            assert signed.complete == (position == order[-1])
        return signed

    @property
    def secrets(self) -> list[str]:
        return [key.expose().hex() for key in self.keys]


SHAPES = {"alone": (0, False), "sponsored": (0, True), "several": (2, False), "several and sponsored": (1, True)}


@pytest.mark.parametrize("shape", SHAPES)
def test_transactions_as_the_typescript_sdk_makes_them(ts_sdk: Ask, shape: str) -> None:
    rng = random.Random(shape)
    secondary, sponsored = SHAPES[shape]
    for _ in range(ROUNDS):
        case = _Case(rng, secondary=secondary, sponsored=sponsored)
        theirs = ts_sdk("build", **case.request)
        body = case.message.encode()
        assert case.message.raw.encode().hex() == theirs["raw"]
        assert body.hex() == theirs["message"]
        assert SigningMessage.decode(body) == case.message
        assert CHAIN.adopt(case.holders[0], theirs["whole"]).body == body
        order = list(range(len(case.keys)))
        rng.shuffle(order)
        signed = case.sign(theirs["whole"], order)
        expected = ts_sdk("sign", keys=case.secrets, unknownPayer=False, **case.request)
        assert (signed.hex(), signed.txid) == (expected["signed"], expected["txid"])
        assert CHAIN.parse_signed(NETWORK, expected["signed"]) == signed
        assert ts_sdk("reencode", signed=signed.hex()) == signed.hex()


@pytest.mark.parametrize("secondary", [0, 1])
def test_signatures_made_before_it_is_known_who_pays(ts_sdk: Ask, secondary: int) -> None:
    rng = random.Random(secondary)
    for _ in range(ROUNDS):
        case = _Case(rng, secondary=secondary, sponsored=True)
        theirs = ts_sdk("build", **{**case.request, "payer": "0x0"})
        signed = case.sign(theirs["whole"], list(range(len(case.keys))))
        expected = ts_sdk("sign", keys=case.secrets, unknownPayer=True, **case.request)
        assert (signed.hex(), signed.txid) == (expected["signed"], expected["txid"])
        assert CHAIN.parse_signed(NETWORK, signed.to_wire()).complete


def _python_raw(case: _Case) -> transactions.RawTransaction:
    raw = case.message.raw
    call = raw.payload.executable
    assert isinstance(call, EntryFunction)
    tags = [type_tag.TypeTag.deserialize(bcs.Deserializer(tag.encode())) for tag in call.type_arguments]
    module = transactions.ModuleId(AccountAddress(call.address), call.module)
    entry = transactions.EntryFunction(module, call.function, tags, list(call.arguments))
    return transactions.RawTransaction(
        AccountAddress(raw.sender),
        raw.sequence_number,
        transactions.TransactionPayload(entry),
        raw.max_gas_amount,
        raw.gas_unit_price,
        raw.expiration,
        raw.chain_id,
    )


def _output(item: Any) -> bytes:
    serializer = bcs.Serializer()
    item.serialize(serializer)
    return bytes(serializer.output())


@pytest.mark.parametrize("shape", SHAPES)
def test_transactions_as_the_python_sdk_makes_them(shape: str) -> None:
    rng = random.Random(f"python {shape}")
    secondary, sponsored = SHAPES[shape]
    done = 0
    while done < ROUNDS:
        case = _Case(rng, secondary=secondary, sponsored=sponsored, structs_only=True)
        if case.message.raw.payload.inner:
            continue  # newer than this library
        done += 1
        raw, signers = _python_raw(case), [AccountAddress(address) for address in case.message.signers]
        keys = [ed25519.PrivateKey.from_hex(secret) for secret in case.secrets]
        whole: Any = raw
        if sponsored:
            whole = transactions.FeePayerRawTransaction(raw, signers[1:-1], signers[-1])
        elif secondary:
            whole = transactions.MultiAgentRawTransaction(raw, signers[1:])
        assert whole.keyed() == case.message.encode()
        proofs = [whole.sign(key) for key in keys]
        if sponsored:
            others = list(zip(signers[1:-1], proofs[1:-1], strict=True))
            proof: Any = authenticator.FeePayerAuthenticator(proofs[0], others, (signers[-1], proofs[-1]))
        elif secondary:
            proof = authenticator.MultiAgentAuthenticator(proofs[0], list(zip(signers[1:], proofs[1:], strict=True)))
        else:
            proof = proofs[0].authenticator
        expected = _output(transactions.SignedTransaction(raw, authenticator.Authenticator(proof)))
        signed = case.sign(case.message.encode(), list(range(len(case.keys))))
        assert signed.raw == expected
        theirs = transactions.SignedTransaction.deserialize(bcs.Deserializer(signed.raw))
        assert theirs.verify()


def test_messages_as_the_typescript_sdk_signs_them(ts_sdk: Ask) -> None:
    account = Wallet.from_mnemonic("test test test test test test test test test test test junk").account("aptos")
    secret = account.export_private_key().removeprefix("ed25519-priv-0x")
    forms: list[dict[str, Any]] = [
        {},
        {"nonce": "7"},
        {"nonce": "n", "address": True, "application": "https://example.org", "chain_id": True},
    ]
    for form in forms:
        for message in ("hello", "", "zażółć 🚀\nnonce: x\n"):
            written = account.sign_message(message, **form)
            data = json.loads(written)
            text = data["fullMessage"]
            assert "0x" + ts_sdk("signMessage", privateKey=secret, text=text) == data["signature"]
            assert ts_sdk("verifyMessage", publicKey=data["publicKey"][2:], text=text, signature=data["signature"][2:])
            assert account.verify_message(message, written)
