"""Substrate against Polkadot-JS, merkleize-metadata (npm) and scalecodec (PyPI), on random inputs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from multiwallet import Wallet, add_network
from multiwallet.chain import Holder, Network
from multiwallet.chains.substrate import Substrate, addresses, blake3, messages, storage
from multiwallet.chains.substrate.build import identity_of
from multiwallet.chains.substrate.extrinsic import KINDS
from multiwallet.chains.substrate.merkle import Identity, Proof, Tree, tree
from multiwallet.chains.substrate.metadata import parse
from multiwallet.chains.substrate.payload import opened
from multiwallet.chains.substrate.summary import written
from multiwallet.chains.substrate.values import Encoder
from multiwallet.codec import ss58
from multiwallet.errors import InvalidTransaction
from multiwallet.path import Junctions

pytestmark = pytest.mark.oracle

HERE = Path(__file__).resolve().parent
CHAIN = Substrate()
ROUNDS = 25
PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"  # of Substrate's development keys
RUNTIMES = {"polkadot14": ("DOT", 10, 0, 354), "kusama14": ("KSM", 12, 2, 434), "hub15": ("KSM", 12, 2, 434)}
Ask: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def pjs() -> Iterator[Ask]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with Polkadot-JS")
    if not (HERE / "node_modules" / "@polkadot" / "types-support").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    process = subprocess.Popen(
        [node, "substrate.mjs"],
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )

    def ask(call: str, /, **arguments: Any) -> Any:
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
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def runtimes(pjs: Ask) -> dict[str, tuple[Network, str, Tree]]:
    found = {}
    for name, (symbol, decimals, prefix, slip44) in RUNTIMES.items():
        text = pjs("metadata", name=name)
        genesis = random.Random(name).randbytes(32).hex()
        network = add_network(
            f"oracle-{name}",
            id=f"polkadot:{genesis[:32]}",
            symbol=symbol,
            decimals=decimals,
            slip44=slip44,
            params={"genesis": genesis, "ss58": prefix},
            override=True,
        )
        found[name] = (network, text, tree(parse(bytes.fromhex(text[2:]))))
    return found


# -- addresses ---------------------------------------------------------------------------------------


def test_addresses_of_every_prefix(pjs: Ask) -> None:
    from scalecodec.utils.ss58 import ss58_decode, ss58_encode

    rng = random.Random(1)
    prefixes = [0, 1, 2, 42, 45, 48, 63, 64, 65, 127, 128, 255, 256, 16383] + [
        rng.randrange(64, 16384) for _ in range(40)
    ]
    for prefix in prefixes:
        key = rng.randbytes(32)
        text = ss58.encode(prefix, key)
        assert text == ss58_encode(key, prefix)
        assert ss58_decode(text) == key.hex()
        assert ss58.decode(text) == (prefix, key)
        assert text == pjs("address", publicKey="0x" + key.hex(), prefix=prefix)
        assert pjs("publicKey", address=text) == "0x" + key.hex()


@pytest.mark.parametrize("kind", KINDS)
def test_derived_addresses(pjs: Ask, kind: str) -> None:
    wallet = Wallet.from_mnemonic(PHRASE)
    for name in ("polkadot", "kusama", "westend"):
        for path in ("", "//Alice", "//1", "//polkadot//7"):
            ours = wallet.account(name, path=Junctions(path), kind=kind)
            theirs = pjs("pair", uri=PHRASE + path, kind=kind, prefix=addresses.prefix(ours.network))
            assert (ours.address, "0x" + ours.public_key.hex()) == (theirs["address"], theirs["publicKey"])


def test_default_paths_of_sr25519(pjs: Ask) -> None:
    wallet = Wallet.from_mnemonic(PHRASE)
    for index, path in ((0, ""), (1, "//1"), (9, "//9")):
        assert (
            wallet.account("dot", index=index).address
            == pjs("pair", uri=PHRASE + path, kind="sr25519", prefix=0)["address"]
        )


def test_shared_accounts_and_hashes(pjs: Ask) -> None:
    rng = random.Random(2)
    for _ in range(ROUNDS):
        members = [rng.randbytes(32) for _ in range(rng.randrange(2, 9))]
        threshold = rng.randrange(1, len(members) + 1)
        theirs = pjs("multisig", members=["0x" + member.hex() for member in members], threshold=threshold)
        assert "0x" + addresses.multisig_account(members, threshold).hex() == theirs
        data = rng.randbytes(rng.randrange(100))
        assert "0x" + storage._twox(data, 2).hex() == pjs("xxhash", data="0x" + data.hex(), bits=128)


# -- calls -------------------------------------------------------------------------------------------


def _call(rng: random.Random, name: str, encode: Callable[[Any], str], depth: int = 2) -> tuple[str, str, Any, Any]:
    """A random call: pallet, name, our arguments, and Polkadot-JS's (in order; calls inside as hex)."""
    prefix = RUNTIMES[name][2]

    def account() -> str:
        return ss58.encode(prefix, rng.randbytes(32))

    def number(bits: int) -> int:
        return rng.choice((0, 1, 63, 64, 2**14, 2**30 - 1, 2**30, rng.randrange(2**bits))) % 2**bits

    who, units, text = account(), number(128), rng.randbytes(rng.randrange(80))
    options: list[tuple[str, str, Any, Any]] = [
        ("Balances", "transfer_keep_alive", {"dest": who, "value": units}, [who, str(units)]),
        ("Balances", "transfer_allow_death", {"dest": who, "value": units}, [who, str(units)]),
        ("Balances", "transfer_all", {"dest": who, "keep_alive": True}, [who, True]),
        ("System", "remark", {"remark": text}, ["0x" + text.hex()]),
        ("Staking", "bond", {"value": units, "payee": "Staked"}, [str(units), "Staked"]),
        ("Staking", "bond", {"value": units, "payee": {"Account": who}}, [str(units), {"Account": who}]),
        ("Staking", "bond_extra", {"max_additional": units}, [str(units)]),
        ("Staking", "unbond", {"value": units}, [str(units)]),
        ("Staking", "withdraw_unbonded", {"num_slashing_spans": 7}, [7]),
        ("Proxy", "add_proxy", {"delegate": who, "proxy_type": "Any", "delay": 5}, [who, "Any", 5]),
    ]
    targets = [account() for _ in range(rng.randrange(1, 5))]
    options.append(("Staking", "nominate", {"targets": targets}, [targets]))
    if name == "hub15":
        number_ = number(32)
        options.append(
            ("Assets", "transfer", {"id": number_, "target": who, "amount": units}, [number_, who, str(units)])
        )
    if depth:
        inner = [_call(rng, name, encode, depth - 1) for _ in range(rng.randrange(1, 4))]
        ours = [{"pallet": item[0], "name": item[1], "args": item[2]} for item in inner]
        theirs = [encode(item) for item in inner]
        others = sorted(rng.randbytes(32) for _ in range(2))
        point, weight = {"height": number(32), "index": number(32)}, {"ref_time": number(64), "proof_size": number(64)}
        options += [
            ("Utility", "batch_all", {"calls": ours}, [theirs]),
            ("Utility", "batch", {"calls": ours}, [theirs]),
            ("Proxy", "proxy", {"real": who, "force_proxy_type": None, "call": ours[0]}, [who, None, theirs[0]]),
            (
                "Multisig",
                "as_multi",
                {"threshold": 2, "other_signatories": others, "maybe_timepoint": point, "call": ours[0], "max_weight": weight},
                [2, ["0x" + o.hex() for o in others], point, theirs[0], {"refTime": str(weight["ref_time"]), "proofSize": str(weight["proof_size"])}],
            ),
        ]  # fmt: skip
    return rng.choice(options)


@pytest.mark.parametrize("name", list(RUNTIMES))
def test_calls_are_encoded_and_read_alike(pjs: Ask, runtimes: Any, name: str) -> None:
    network, _, forest = runtimes[name]
    encoder = Encoder(forest.types, lambda text: addresses.account_of(network, text))
    rng = random.Random(name)

    def encode(item: Any) -> str:
        return str(pjs("encodeCall", name=name, pallet=item[0], call=item[1], args=item[3]))

    seen = set()
    for _ in range(3 * ROUNDS):
        pallet, call, ours, theirs = item = _call(rng, name, encode)
        raw = encoder.write(forest.form.call, {"pallet": pallet, "name": call, "args": ours})
        assert "0x" + raw.hex() == encode(item), (pallet, call, ours, theirs)
        seen.add((pallet, call))
        human = pjs("decodeCall", name=name, data="0x" + raw.hex())
        assert human["section"].lower() == pallet.lower()
    assert len(seen) > 8


@pytest.mark.parametrize("name", ["polkadot14", "kusama14"])
def test_calls_against_scalecodec(runtimes: Any, name: str) -> None:
    from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
    from scalecodec.type_registry import load_type_registry_preset

    network, text, forest = runtimes[name]
    config = RuntimeConfigurationObject(ss58_format=RUNTIMES[name][2], implements_scale_info=True)
    config.update_type_registry(load_type_registry_preset("core"))
    metadata = config.create_scale_object("MetadataVersioned", ScaleBytes(text))
    metadata.decode()
    config.add_portable_registry(metadata)
    encoder = Encoder(forest.types, lambda text: addresses.account_of(network, text))
    rng = random.Random(f"scalecodec {name}")
    for _ in range(2 * ROUNDS):
        pallet, call, ours, _ = _call(rng, name, lambda item: "", depth=0)
        raw = encoder.write(forest.form.call, {"pallet": pallet, "name": call, "args": ours})
        theirs = config.create_scale_object("Call", metadata=metadata)
        shown = {key: "0x" + value.hex() if isinstance(value, bytes) else value for key, value in ours.items()}
        assert theirs.encode({"call_module": pallet, "call_function": call, "call_args": shown}).data == raw
        read = config.create_scale_object("Call", data=ScaleBytes(bytearray(raw)), metadata=metadata)
        read.decode()
        assert (read.value["call_module"], read.value["call_function"]) == (pallet, call)


# -- payloads and extrinsics -------------------------------------------------------------------------


def _payload_json(rng: random.Random, network: Network, address: str, method: str, names: list[str], digest: str | None) -> dict[str, Any]:  # fmt: skip
    number = rng.randrange(1, 2**31)
    period = rng.choice((0, 4, 64, 256, 4096, 65536))
    genesis = "0x" + str(network.params["genesis"])
    from multiwallet.chains.substrate.extensions import Era

    era = Era.at(number, period)
    number = era.birth(number)
    return {
        "address": address,
        "blockHash": "0x" + rng.randbytes(32).hex() if period else genesis,
        "blockNumber": f"0x{number:08x}",
        "era": "0x" + era.encode().hex(),
        "genesisHash": genesis,
        "method": method,
        "nonce": f"0x{rng.choice((0, 1, 64, rng.randrange(2**32))):08x}",
        "specVersion": f"0x{0:08x}",
        "tip": f"0x{rng.choice((0, 1, rng.randrange(2**100))):032x}",
        "transactionVersion": f"0x{rng.randrange(100):08x}",
        "signedExtensions": names,
        "version": 4,
        **({"mode": 1, "metadataHash": digest} if digest else {"mode": 0}),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(RUNTIMES))
def test_payloads_and_extrinsics(pjs: Ask, runtimes: Any, name: str, kind: str) -> None:
    network, text, forest = runtimes[name]
    identity = identity_of(network, parse(bytes.fromhex(text[2:])))
    digest = "0x" + forest.digest(identity).hex()
    encoder = Encoder(forest.types, lambda text: addresses.account_of(network, text))
    names = [item.name for item in forest.form.extensions]
    wallet = Wallet.from_mnemonic(PHRASE)
    account = wallet.account(network, path=Junctions("//Alice"), kind=kind)
    rng = random.Random(f"{name} {kind}")

    def encode(item: Any) -> str:
        return str(pjs("encodeCall", name=name, pallet=item[0], call=item[1], args=item[3]))

    for number in range(ROUNDS // 2):
        pallet, call, ours, _ = _call(rng, name, encode)
        method = encoder.write(forest.form.call, {"pallet": pallet, "name": call, "args": ours})
        native = _payload_json(
            rng, network, account.address, "0x" + method.hex(), names, digest if number % 2 else None
        )
        native["specVersion"] = f"0x{identity.spec_version:08x}"
        with_metadata = {**native, "metadata": text}
        transaction = CHAIN.adopt(Holder(network, account.address, account.public_key, kind), with_metadata)
        blind = CHAIN.adopt(Holder(network, account.address, account.public_key, kind), native)
        assert "0x" + transaction.body.hex() == pjs("payload", name=name, json=native)
        assert blind.body == transaction.body
        signed = account.sign(with_metadata)
        assert not any("blindly" in warning for warning in transaction.summary.warnings)
        assert any("blindly" in warning for warning in blind.summary.warnings)
        theirs = pjs("extrinsic", name=name, json=native, uri=PHRASE + "//Alice", kind=kind)
        if kind != "sr25519":  # whose signatures are random
            assert "0x" + signed.raw.hex() == theirs["raw"]
            assert signed.txid == theirs["hash"]
            assert account.sign(native).raw == signed.raw
        read = pjs("readExtrinsic", name=name, raw="0x" + signed.raw.hex())
        assert (read["method"], read["hash"]) == ("0x" + method.hex(), signed.txid)
        assert ss58.decode(read["signer"])[1] == addresses.account_of(network, account.address)
        assert (read["nonce"], int(read["tip"])) == (int(native["nonce"], 16), int(native["tip"], 16))
        # what Polkadot-JS signed, we read and take for the same
        assert CHAIN.parse_signed(network, theirs["raw"]).txid == theirs["hash"]


# -- the metadata hash -------------------------------------------------------------------------------


def test_metadata_digests(pjs: Ask, runtimes: Any) -> None:
    network, text, forest = runtimes["hub15"]
    identity = identity_of(network, parse(bytes.fromhex(text[2:])))
    for decimals, symbol in ((12, "KSM"), (0, ""), (255, "ŁÓDŹ"), (18, "A" * 300)):
        asked = Identity(identity.spec_version, identity.spec_name, identity.prefix, decimals, symbol)
        assert "0x" + forest.digest(asked).hex() == pjs("digest", name="hub15", decimals=decimals, tokenSymbol=symbol)


def test_metadata_proofs(pjs: Ask, runtimes: Any) -> None:
    network, text, forest = runtimes["hub15"]
    identity = identity_of(network, parse(bytes.fromhex(text[2:])))
    digest = forest.digest(identity)
    encoder = Encoder(forest.types, lambda text: addresses.account_of(network, text))
    names = [item.name for item in forest.form.extensions]
    key = Wallet.from_mnemonic(PHRASE).account(network)
    holder = Holder(network, key.address, key.public_key, "sr25519")
    rng = random.Random(7)

    def encode(item: Any) -> str:
        return str(pjs("encodeCall", name="hub15", pallet=item[0], call=item[1], args=item[3]))

    for _ in range(8):
        pallet, call, ours, _ = _call(rng, "hub15", encode)
        method = encoder.write(forest.form.call, {"pallet": pallet, "name": call, "args": ours})
        native = _payload_json(rng, network, key.address, "0x" + method.hex(), names, "0x" + digest.hex())
        native["specVersion"] = f"0x{identity.spec_version:08x}"
        transaction = CHAIN.adopt(holder, {**native, "metadata": text})
        proof = forest.proof(transaction.body, identity)
        theirs = pjs("proof", name="hub15", decimals=12, tokenSymbol="KSM", payload="0x" + transaction.body.hex())
        assert "0x" + proof.encode().hex() == theirs
        assert Proof.decode(bytes.fromhex(theirs[2:])).digest() == digest
        assert opened(network, transaction.body, transaction.context).is_proven
        assert transaction.summary.details["metadata"] == "proven by the signature"
        # a leaf that says something else has another digest, and the payload is not signed
        types = Proof.decode(bytes.fromhex(transaction.context["types"]))
        assert types.digest() == digest
        changed = bytes.fromhex(transaction.context["types"]).replace(b"value", b"eulav").replace(b"remark", b"kramer")
        if changed != types.encode():
            with pytest.raises(InvalidTransaction):
                opened(network, transaction.body, {**transaction.context, "types": changed.hex()})
        assert written(network, opened(network, transaction.body, transaction.context).call)


def test_blake3_of_many_lengths(runtimes: Any) -> None:
    # No peer is needed: one message alone, and among others, has one hash; the digests above hold it to another's.
    rng = random.Random(3)
    data = [rng.randbytes(length) for length in (0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 5000)]
    assert blake3.blake3_many(data) == [blake3.blake3(item) for item in data]


# -- messages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_messages(pjs: Ask, kind: str) -> None:
    account = Wallet.from_mnemonic(PHRASE).account("polkadot", path=Junctions("//Alice"), kind=kind)
    rng = random.Random(kind)
    for message in ["", "hello", "<Bytes>wrapped</Bytes>", "zażółć", *("x" * rng.randrange(600) for _ in range(8))]:
        signature = account.sign_message(message)
        assert pjs("verify", message=message, signature=signature, address=account.address)
        theirs = pjs("signMessage", message=message, uri=PHRASE + "//Alice", kind=kind)
        assert account.verify_message(message, theirs["signature"])
        assert not account.verify_message(message + "!", theirs["signature"])
        assert messages.is_signed_by(
            addresses.account_of(account.network, account.address),
            message,
            bytes((("ed25519", "sr25519", "ecdsa").index(kind),)) + bytes.fromhex(signature[2:]),
        )
