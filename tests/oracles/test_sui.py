"""Sui against its TypeScript SDK (@mysten/sui) and Trust Wallet's core, on random inputs."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from multiwallet import Account, Wallet
from multiwallet.chains.sui import addresses
from multiwallet.chains.sui.commands import GAS_COIN, Argument, Command, input_, result
from multiwallet.chains.sui.transaction import GasData, Input, ObjectRef, TransactionData, Validity, Withdrawal
from multiwallet.chains.sui.type_tags import parse_type
from multiwallet.codec import base58
from multiwallet.devnet import Devnet
from multiwallet.errors import InvalidAddress

pytestmark = pytest.mark.oracle

HERE = Path(__file__).resolve().parent
WORDS = "test test test test test test test test test test test junk"
KINDS = ("ed25519", "secp256k1", "secp256r1")
ROUNDS = 25
Ask: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def sdk() -> Iterator[Ask]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with the TypeScript SDK")
    if not (HERE / "node_modules" / "@mysten" / "sui").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    process = subprocess.Popen(
        [node, "sui.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
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


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _account(kind: str, index: int = 0) -> Account:
    return Wallet.from_mnemonic(WORDS).account("sui", kind=kind, index=index)


def _ref(rng: random.Random) -> ObjectRef:
    return ObjectRef(rng.randbytes(32), rng.randrange(2**53), rng.randbytes(32))


def _shown(ref: ObjectRef) -> dict[str, str]:
    return {
        "objectId": addresses.from_bytes(ref.id),
        "version": str(ref.version),
        "digest": base58.encode(ref.digest),
    }


def _type(rng: random.Random, depth: int = 3) -> str:
    kind = rng.randrange(4) if depth else 0
    if kind < 2:
        return rng.choice(("bool", "u8", "u16", "u32", "u64", "u128", "u256", "address"))
    if kind == 2:
        return f"vector<{_type(rng, depth - 1)}>"
    inner = ", ".join(_type(rng, depth - 1) for _ in range(rng.randrange(3)))
    name = f"{addresses.from_bytes(rng.randbytes(32))}::mod_{rng.randrange(9)}::Name_{rng.randrange(9)}"
    return f"{name}<{inner}>" if inner else name


@pytest.mark.parametrize("kind", KINDS)
def test_paths_addresses_and_keys(sdk: Ask, kind: str) -> None:
    for index in (0, 1, 7, 100):
        account = _account(kind, index)
        theirs = sdk("derive", kind=kind, phrase=WORDS, path=str(account.path))
        assert theirs == {"address": account.address, "secret": account.export_private_key()}
        again = Wallet.from_private_key("sui", theirs["secret"]).account("sui")
        assert again.address == account.address


def test_which_addresses_are_valid(sdk: Ask) -> None:
    rng = random.Random(1)
    account = _account("ed25519")
    for text in [
        account.address,
        account.address.upper(),
        *(f"0x{rng.randbytes(size).hex()}" for size in range(28, 36)),
    ]:
        try:
            ours = bool(addresses.parse(text))
        except InvalidAddress:
            ours = False
        if not text.startswith("0X"):  # the SDK reads 0X as well, which nothing writes
            assert sdk("isAddress", text=text) is ours


def test_types(sdk: Ask) -> None:
    rng = random.Random(2)
    for _ in range(ROUNDS * 2):
        text = _type(rng)
        tag = parse_type(text)
        assert _base64(tag.encode()) == sdk("typeTag", text=text)
        assert parse_type(str(tag)) == parse_type(tag.canonical()) == tag


def _case(rng: random.Random) -> tuple[TransactionData, dict[str, Any]]:
    """A transaction of ours, and the same as the steps in which the SDK is to write it."""
    inputs: list[Input] = []
    commands: list[Command] = []
    steps: list[dict[str, Any]] = []

    def given(item: Input) -> Argument:
        if item in inputs:
            return input_(inputs.index(item))
        inputs.append(item)
        return input_(len(inputs) - 1)

    def u64() -> tuple[Argument, dict[str, Any]]:
        number = rng.randrange(2**64)
        # The SDK makes an input of each pure value, whether it has an equal one or not.
        inputs.append(Input("pure", number.to_bytes(8, "little")))
        return input_(len(inputs) - 1), {"u64": str(number)}

    def coin() -> tuple[Argument, dict[str, Any]]:
        ref = _ref(rng)
        return given(Input("owned", ref=ref)), {"object": _shown(ref)}

    for _ in range(rng.randrange(1, 4)):
        source, shown = (GAS_COIN, "gas") if rng.randrange(2) else coin()
        if source is not GAS_COIN:
            tag = parse_type(_type(rng))
            commands.append(Command("MoveCall", (source,), None, addresses.FRAMEWORK, "coin", "value", (tag,)))
            steps.append({"name": "call", "target": "0x2::coin::value", "list": [shown], "types": [tag.canonical()]})
            merged = [coin() for _ in range(rng.randrange(1, 4))]
            commands.append(Command("MergeCoins", tuple(item for item, _ in merged), source))
            steps.append({"name": "merge", "target": shown, "list": [item for _, item in merged]})
        amounts = [u64() for _ in range(rng.randrange(1, 4))]
        place = len(commands)
        commands.append(Command("SplitCoins", tuple(item for item, _ in amounts), source))
        steps.append({"name": "split", "target": shown, "list": [item for _, item in amounts]})
        to = rng.randbytes(32)
        parts = tuple(result(place, number) for number in range(len(amounts)))
        inputs.append(Input("pure", to))
        commands.append(Command("TransferObjects", parts, input_(len(inputs) - 1)))
        listed = [{"result": [place, number]} for number in range(len(amounts))]
        steps.append({"name": "transfer", "target": {"address": addresses.from_bytes(to)}, "list": listed})
    sender = rng.randbytes(32)
    owner = sender if rng.randrange(2) else rng.randbytes(32)
    gas = GasData(
        tuple(_ref(rng) for _ in range(rng.randrange(1, 4))), owner, rng.randrange(2**63), rng.randrange(2**63)
    )
    epoch = rng.choice((None, rng.randrange(10**6)))
    told = {
        "owner": addresses.from_bytes(owner),
        "price": str(gas.price),
        "budget": str(gas.budget),
        "payment": [_shown(ref) for ref in gas.payment],
    }
    data = TransactionData(tuple(inputs), tuple(commands), sender, gas, epoch)
    return data, {"sender": addresses.from_bytes(sender), "steps": steps, "gas": told, "epoch": epoch}


def test_bytes_digests_and_json(sdk: Ask) -> None:
    rng = random.Random(3)
    account = _account("ed25519")
    for _ in range(ROUNDS):
        data, request = _case(rng)
        theirs = sdk("write", **request)
        assert _base64(data.encode()) == theirs["bytes"]
        assert data.txid == theirs["digest"]
        assert account.read(theirs["bytes"]).body == data.encode()
        assert account.read(theirs["json"]).body == data.encode()
        assert account.read(json.loads(theirs["json"])).body == data.encode()


def test_the_newer_forms(sdk: Ask) -> None:
    """Withdrawals, bounds of validity, shared and received objects, code: what is read, though not written here."""
    rng = random.Random(4)
    for number in range(ROUNDS):
        sender = rng.randbytes(32)
        shared = ObjectRef(rng.randbytes(32), rng.randrange(2**53), b"")
        source = rng.choice(("sender", "sponsor", "allowance"))
        both = (rng.randbytes(32), rng.randbytes(32)) if source == "allowance" else (b"", b"")
        inputs = (
            Input("shared", ref=shared, mutable=bool(number % 2)),
            Input("receiving", ref=_ref(rng)),
            Input("withdrawal", withdrawal=Withdrawal(rng.randrange(2**64), parse_type(_type(rng)), source, *both)),
            Input("pure", rng.randbytes(rng.randrange(200))),
        )
        commands = (
            Command("MakeMoveVec", (input_(3),), types=(parse_type(_type(rng)),) if number % 3 else ()),
            Command("Publish", code=(rng.randbytes(9), b""), dependencies=(rng.randbytes(32),)),
            Command("Upgrade", (), Argument("result", 1), rng.randbytes(32), code=(b"x",), dependencies=()),
        )
        bounds = [rng.choice((None, rng.randrange(2**40))) for _ in range(4)]
        proposers = rng.choice((None, (5, (1, 2, 9))))
        expiration = Validity(
            bounds[0],
            bounds[1],
            bounds[2],
            bounds[3],
            rng.randbytes(32),
            rng.randrange(2**32),
            proposers if number % 2 else None,
            extended=bool(number % 2),
        )
        data = TransactionData(inputs, commands, sender, GasData((), sender, 1, 2), expiration)
        text = _base64(data.encode())
        assert sdk("reencode", text=text) == text
        assert TransactionData.decode(data.encode()) == data


@pytest.mark.parametrize("kind", KINDS)
def test_signatures_and_messages(sdk: Ask, kind: str) -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account = wallet.account("sui", kind=kind)
        secret = account.export_private_key()
        devnet.fund(account, "3")
        devnet.fund(account, "4")
        coin = devnet.deploy_token("sui", symbol="USDC", decimals=6, holder=account)
        for wish in ({"amount": "5"}, {"amount": "max"}, {"amount": "2.5", "asset": coin}):
            signed = account.sign(account.build(to="0x" + "ab" * 32, **wish))
            wire = signed.to_wire()
            assert sdk("verify", bytes=wire["bytes"], signature=wire["signatures"][0], address=account.address)
            theirs = sdk("sign", kind=kind, secret=secret, bytes=wire["bytes"])
            if kind != "secp256r1":  # both are RFC 6979 for secp256k1; the curves' libraries differ in the third
                assert theirs == wire["signatures"][0]
            assert sdk("signed", text=_base64(signed.raw)) == wire
            assert sdk("reencode", text=wire["bytes"]) == wire["bytes"]
            again = account.read({"bytes": wire["bytes"], "signature": theirs})
            assert again.context["signatures"] == [theirs]
        for message in ("hello", "", "zażółć 🚀\n", "x" * 300):
            text = _base64(message.encode())
            ours = account.sign_message(message)
            assert sdk("verifyMessage", message=text, signature=ours, address=account.address) == account.address
            theirs = sdk("signMessage", kind=kind, secret=secret, message=text)
            assert account.verify_message(message, theirs)
            assert not account.verify_message(message + "!", theirs)


def test_trust_wallet_addresses_and_payments(sdk: Ask) -> None:
    if not (HERE / "node_modules" / "@trustwallet" / "wallet-core").is_dir():
        pytest.skip("Trust Wallet's core is not installed: `make nodes` does it where npm is installed")
    rng = random.Random(5)
    for _ in range(8):
        secret = rng.randbytes(32)
        account = Wallet.from_private_key("sui", secret.hex()).account("sui")
        assert sdk("trustAddress", secret=secret.hex()) == account.address
        coins = [_ref(rng) for _ in range(rng.randrange(1, 4))]
        to = [addresses.from_bytes(rng.randbytes(32)) for _ in range(rng.randrange(1, 4))]
        amounts = [rng.randrange(1, 2**40) for _ in to]
        theirs = sdk(
            "trustPay",
            secret=secret.hex(),
            signer=account.address,
            coins=[_shown(ref) for ref in coins],
            to=to,
            amounts=[str(units) for units in amounts],
            price="750",
            budget="5000000",
        )
        found = account.read(theirs["bytes"])
        summary = found.summary
        assert [(a.to, a.amount and a.amount.units) for a in summary.actions] == list(zip(to, amounts, strict=True))
        assert summary.warnings == ()
        assert account.sign(found).to_wire()["signatures"] == [theirs["signature"]]
