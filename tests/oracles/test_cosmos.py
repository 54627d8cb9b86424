"""Cosmos against cosmjs and Trust Wallet's core (npm) and bip-utils (PyPI), on random inputs."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet, network
from multiwallet.chain import Holder, Network
from multiwallet.chains.cosmos import Cosmos
from multiwallet.chains.cosmos import addresses as address_codec
from multiwallet.chains.cosmos.coins import Coin
from multiwallet.chains.cosmos.message import from_json
from multiwallet.chains.cosmos.rules import rules_of
from multiwallet.chains.cosmos.sign_doc import AMINO, DIRECT, SignDoc
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.transactions import SignedTransaction

HERE = Path(__file__).resolve().parent
CHAIN = Cosmos()
HUB = network("cosmos")
INJECTIVE = network("injective")
ROUNDS = 40
TEXTS = ("", "hello", 'a & b <c> "d" \\ / é', "zażółć 🚀 \u2028 \u2029 \n\t", "x" * 200, "\x7f \x01")


class Oracle:
    """One node process with the JavaScript libraries."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "cosmos.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __call__(self, call: str, **args: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the node process ended"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]

    def stop(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the process has ended already
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript libraries")
    for needed in ("@cosmjs/stargate", "@trustwallet/wallet-core"):
        if not (HERE / "node_modules" / needed).is_dir():
            pytest.skip(f"{needed} is not installed: `make nodes` does it where npm is installed")
    found = Oracle(node)
    try:
        yield found
    finally:
        found.stop()


def _holder(rng: random.Random, row: Network) -> tuple[SecpKey, Holder, str]:
    private = rng.randbytes(32)
    key = SecpKey(private)
    return key, Holder(row, CHAIN.address(row, key.public_key), key.public_key), private.hex()


def _sign(key: SecpKey, holder: Holder, native: Any) -> SignedTransaction:
    unsigned = CHAIN.adopt(holder, native)
    (request,) = CHAIN.authorize(holder, unsigned)
    return CHAIN.assemble(unsigned, [(request, key.sign_recoverable(request.message))])


def _messages(rng: random.Random, row: Network, sender: str, *, amino: bool) -> list[dict[str, Any]]:
    hrp = rules_of(row).hrp
    denoms = ["uatom", "ibc/" + rng.randbytes(32).hex().upper(), "factory/osmo1abc/x.y-z"]

    def account() -> str:
        return address_codec.text(hrp, rng.randbytes(rng.choice((20, 20, 32))))

    def validator() -> str:
        return address_codec.text(f"{hrp}valoper", rng.randbytes(20))

    def coin() -> dict[str, str]:
        return {"denom": rng.choice(denoms), "amount": str(rng.choice((1, 127, 128, 10**6, 2**64, 10**30)))}

    def coins() -> list[dict[str, str]]:
        return [{"denom": denom, "amount": str(rng.randrange(1, 10**20))} for denom in sorted(rng.sample(denoms, 2))]

    mine = {"delegator_address": sender}
    found: list[dict[str, Any]] = [
        {"@type": "/cosmos.bank.v1beta1.MsgSend", "from_address": sender, "to_address": account(), "amount": coins()},
        {
            "@type": "/cosmos.staking.v1beta1.MsgDelegate",
            **mine,
            "validator_address": validator(),
            "amount": coin(),
        },
        {"@type": "/cosmos.staking.v1beta1.MsgUndelegate", **mine, "validator_address": validator(), "amount": coin()},
        {
            "@type": "/cosmos.staking.v1beta1.MsgBeginRedelegate",
            **mine,
            "validator_src_address": validator(),
            "validator_dst_address": validator(),
            "amount": coin(),
        },
        {
            "@type": "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
            **mine,
            "validator_address": validator(),
        },
        {"@type": "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", **mine, "withdraw_address": account()},
        {
            "@type": "/cosmos.gov.v1beta1.MsgVote",
            "proposal_id": str(rng.choice((1, 300, 2**63))),
            "voter": sender,
            "option": rng.choice(("VOTE_OPTION_YES", "VOTE_OPTION_NO_WITH_VETO")),
        },
        {
            "@type": "/ibc.applications.transfer.v1.MsgTransfer",
            "source_port": "transfer",
            "source_channel": "channel-141",
            "token": coin(),
            "sender": sender,
            "receiver": address_codec.text("osmo", rng.randbytes(20)),
            "timeout_height": rng.choice(
                ({"revision_number": "0", "revision_height": "0"}, {"revision_number": "4", "revision_height": "99"})
            ),
            "timeout_timestamp": str(rng.choice((0, 1_800_000_000_000_000_000))),
            "memo": rng.choice(TEXTS),
        },
    ]
    if not amino:  # cosmjs's own converters have no amino form of these
        found += [
            {
                "@type": "/cosmos.gov.v1.MsgVote",
                "proposal_id": "7",
                "voter": sender,
                "option": "VOTE_OPTION_ABSTAIN",
                "metadata": rng.choice(TEXTS),
            },
            {
                "@type": "/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation",
                **mine,
                "validator_address": validator(),
                "amount": coin(),
                "creation_height": str(rng.randrange(1, 2**40)),
            },
            {
                "@type": "/cosmwasm.wasm.v1.MsgExecuteContract",
                "sender": sender,
                "contract": account(),
                "msg": {"transfer": {"amount": "5", "recipient": account()}},
                "funds": rng.choice(([], coins())),
            },
        ]
    return found


def _arguments(rng: random.Random, row: Network, sender: str, private: str, *, amino: bool) -> dict[str, Any]:
    rules = rules_of(row)
    messages = _messages(rng, row, sender, amino=amino)
    fee = {
        "amount": [{"denom": rules.denom, "amount": str(rng.randrange(1, 10**9))}],
        "gas": str(rng.randrange(1, 10**7)),
    }
    if rng.random() < 0.3:
        fee["amount"] = []
    if rng.random() < 0.3:
        fee["granter"] = address_codec.text(rules.hrp, rng.randbytes(20))
    return {
        "privateKey": private,
        "prefix": rules.hrp,
        "eth": rules.eth_keys,
        "keyType": rules.key_type_url,
        "messages": rng.sample(messages, rng.randrange(1, len(messages))),
        "fee": fee,
        "memo": rng.choice(TEXTS),
        "timeoutHeight": str(rng.choice((0, 1, 10**9))),
        "chainId": rules.chain_id,
        "accountNumber": str(rng.choice((0, 5, 2**40))),
        "sequence": str(rng.choice((0, 1, 10**6))),
    }


def _without_separators(asked: dict[str, Any]) -> dict[str, Any]:
    """Go escapes U+2028 and U+2029 in JSON, and so do nodes and we; cosmjs does not, and its signatures would fail."""
    plain: dict[str, Any] = json.loads(json.dumps(asked).replace("\\u2028", "").replace("\\u2029", ""))
    return plain


def _ours(row: Network, holder: Holder, asked: dict[str, Any], mode: int) -> SignDoc:
    """The SignDoc as our own code writes it from the same wishes."""
    rules = rules_of(row)
    return SignDoc(
        tuple(from_json(rules.hrp, item) for item in asked["messages"]),
        tuple(Coin(item["denom"], int(item["amount"])) for item in asked["fee"]["amount"]),
        int(asked["fee"]["gas"]),
        rules.key_type_url,
        holder.public_key,
        int(asked["sequence"]),
        int(asked["accountNumber"]),
        rules.chain_id,
        asked["memo"],
        int(asked["timeoutHeight"]),
        mode,
        granter=asked["fee"].get("granter", ""),
    )


@pytest.mark.oracle
def test_addresses_are_cosmjs_and_wallet_core(oracle: Oracle) -> None:
    rng = random.Random(1)
    coins = {"cosmos": "cosmos", "osmosis": "osmosis", "injective": "nativeInjective", "juno": "juno", "dydx": "dydx"}
    coins |= {"kava": "kava", "secret": "secret", "terra": "terraV2", "stargaze": "stargaze"}
    for name, coin in coins.items():
        row = network(name)
        for _ in range(5):
            _, holder, private = _holder(rng, row)
            rules = rules_of(row)
            assert oracle("address", privateKey=private, prefix=rules.hrp, eth=rules.eth_keys) == holder.address
            assert oracle("coreAddress", coin=coin, privateKey=private) == holder.address


@pytest.mark.oracle
@pytest.mark.parametrize("row", [HUB, INJECTIVE], ids=lambda row: row.name)
def test_direct_signatures_are_cosmjs(oracle: Oracle, row: Network) -> None:
    rng = random.Random(2)
    for _ in range(ROUNDS):
        key, holder, private = _holder(rng, row)
        asked = _arguments(rng, row, holder.address, private, amino=False)
        theirs = oracle("signDirect", **asked)
        ours = _ours(row, holder, asked, DIRECT)
        assert ours.encode().hex() == theirs["signBytes"]
        for form in (bytes.fromhex(theirs["signBytes"]), theirs["signBytes"], theirs["doc"], json.dumps(theirs["doc"])):
            signed = _sign(key, holder, form)
            # cosmjs writes 65 bytes for Ethereum's keys, of which chains read 64: then the body is compared alone.
            assert CHAIN.parse_signed(row, theirs["raw"]).raw == signed.raw
            if not rules_of(row).eth_keys:
                assert signed.hex() == theirs["raw"]


@pytest.mark.oracle
def test_amino_signatures_are_cosmjs(oracle: Oracle) -> None:
    rng = random.Random(3)
    for _ in range(ROUNDS):
        key, holder, private = _holder(rng, HUB)
        asked = _without_separators(_arguments(rng, HUB, holder.address, private, amino=True))
        theirs = oracle("signAmino", **asked)
        ours = _ours(HUB, holder, asked, AMINO)
        assert ours.sign_bytes().hex() == theirs["signBytes"]
        assert ours.amino() == theirs["doc"]
        for form in (theirs["doc"], json.dumps(theirs["doc"]), bytes.fromhex(theirs["signBytes"]).decode()):
            assert _sign(key, holder, form).hex() == theirs["raw"]


@pytest.mark.oracle
def test_arbitrary_messages_are_cosmjs(oracle: Oracle) -> None:
    rng = random.Random(4)
    for message in (b"", b"hello", "zażółć 🚀".encode(), rng.randbytes(300)):
        key, holder, private = _holder(rng, HUB)
        theirs = oracle("signArbitrary", privateKey=private, prefix="cosmos", eth=False, message=message.hex())
        request = CHAIN.message(holder, message)
        ours = CHAIN.message_signature(holder, request, key.sign_recoverable(request.message))
        assert json.loads(ours) == theirs
        assert CHAIN.verify_message(HUB, holder.address, message, json.dumps(theirs))
        assert CHAIN.verify_message(HUB, holder.address, message, theirs["signature"])


def _core_input(asked: dict[str, Any], mode: int, sender: str) -> dict[str, Any]:
    """The same wishes as Trust Wallet's core takes them; plain messages, that it has types of its own for."""
    listed: list[dict[str, Any]] = []
    for item in asked["messages"]:
        name = item["@type"].rsplit(".", 1)[1]
        if name == "MsgSend":
            amounts = item["amount"]
            listed.append(
                {"sendCoinsMessage": {"fromAddress": sender, "toAddress": item["to_address"], "amounts": amounts}}
            )
        elif name in ("MsgDelegate", "MsgUndelegate"):
            kind = "stakeMessage" if name == "MsgDelegate" else "unstakeMessage"
            values = {
                "delegatorAddress": sender,
                "validatorAddress": item["validator_address"],
                "amount": item["amount"],
            }
            listed.append({kind: values})
        elif name == "MsgBeginRedelegate":
            values = {
                "delegatorAddress": sender,
                "validatorSrcAddress": item["validator_src_address"],
                "validatorDstAddress": item["validator_dst_address"],
                "amount": item["amount"],
            }
            listed.append({"restakeMessage": values})
        else:
            values = {"delegatorAddress": sender, "validatorAddress": item["validator_address"]}
            listed.append({"withdrawStakeRewardMessage": values})
    return {
        "signingMode": 1 if mode == DIRECT else 0,
        "accountNumber": int(asked["accountNumber"]),
        "chainId": asked["chainId"],
        "fee": {"gas": int(asked["fee"]["gas"]), "amounts": asked["fee"]["amount"]},
        "memo": asked["memo"],
        "sequence": int(asked["sequence"]),
        "privateKey": base64.b64encode(bytes.fromhex(asked["privateKey"])).decode(),
        "messages": listed,
        "mode": 1,
        "timeoutHeight": int(asked["timeoutHeight"]),
        # The core's default for Injective is the uncompressed key, which the chain's own code does not read.
        **({"signerInfo": {"publicKeyType": 0, "protobufType": asked["keyType"]}} if asked["eth"] else {}),
    }


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("row", "coin"),
    [(HUB, "cosmos"), (network("osmosis"), "osmosis"), (INJECTIVE, "nativeInjective")],
    ids=["cosmos", "osmosis", "injective"],
)
@pytest.mark.parametrize("mode", [DIRECT, AMINO], ids=["direct", "amino"])
def test_signatures_are_wallet_core(oracle: Oracle, row: Network, coin: str, mode: int) -> None:
    rng = random.Random(5)
    plain = ("MsgSend", "MsgDelegate", "MsgUndelegate", "MsgBeginRedelegate", "MsgWithdrawDelegatorReward")
    for _ in range(15):
        key, holder, private = _holder(rng, row)
        asked = _arguments(rng, row, holder.address, private, amino=True)
        listed = [m for m in _messages(rng, row, holder.address, amino=True) if m["@type"].rsplit(".", 1)[1] in plain]
        asked["messages"] = rng.sample(listed, rng.randrange(1, len(listed) + 1))
        asked["memo"] = rng.choice(("", "hello", "x" * 200, 'quoted "memo"'))
        asked["fee"].pop("granter", None)
        asked["fee"]["amount"] = asked["fee"]["amount"] or [{"denom": rules_of(row).denom, "amount": "7"}]
        if mode == AMINO:
            asked["timeoutHeight"] = "0"  # the core leaves it out of its amino JSON
        theirs = oracle("core", coin=coin, input=_core_input(asked, mode, holder.address))
        assert not theirs["error"]
        ours = _sign(key, holder, _native(_ours(row, holder, asked, mode), mode))
        if mode == DIRECT:
            assert json.loads(theirs["serialized"])["tx_bytes"] == base64.b64encode(ours.raw).decode()
        assert theirs["signature"] == ours.raw[-64:].hex()


def _native(doc: SignDoc, mode: int) -> Any:
    return doc.encode() if mode == DIRECT else doc.amino()


@pytest.mark.oracle
def test_the_devnet_takes_what_cosmjs_and_wallet_core_sign(oracle: Oracle) -> None:
    rng = random.Random(6)
    from multiwallet.devnet.cosmos import CosmosEngine

    for row, call in ((HUB, "signDirect"), (HUB, "signAmino"), (INJECTIVE, "signDirect"), (INJECTIVE, "core")):
        engine = CosmosEngine(row)
        rules = rules_of(row)
        _, holder, private = _holder(rng, row)
        _, friend, _ = _holder(rng, row)
        engine.fund(holder.address, 10**19)
        for sequence in range(3):
            amounts = [{"denom": rules.denom, "amount": str(sequence + 1)}]
            sent = {"from_address": holder.address, "to_address": friend.address, "amount": amounts}
            staked = {"delegator_address": holder.address, "validator_address": engine.validators[0]}
            asked = {
                **_arguments(rng, row, holder.address, private, amino=True),
                "messages": [
                    {"@type": "/cosmos.bank.v1beta1.MsgSend", **sent},
                    {"@type": "/cosmos.staking.v1beta1.MsgDelegate", **staked, "amount": amounts[0]},
                ],
                "fee": {"amount": [{"denom": rules.denom, "amount": str(10**17)}], "gas": "400000"},
                "memo": "from <elsewhere>",
                "timeoutHeight": "0" if call == "core" else str(engine.head.height + 5),
                "accountNumber": str(engine.books.accounts[holder.address].number),
                "sequence": str(sequence),
            }
            if call == "core":
                theirs = oracle("core", coin="nativeInjective", input=_core_input(asked, DIRECT, holder.address))
                raw = base64.b64decode(json.loads(theirs["serialized"])["tx_bytes"])
            else:
                raw = bytes.fromhex(oracle(call, **asked)["raw"])
            txid = engine.accept(raw)
            assert engine.places[txid][1].code == 0
            assert engine.books.accounts[holder.address].sequence == sequence + 1
        assert engine.books.held(friend.address, rules.denom) == 1 + 2 + 3


@pytest.mark.oracle
def test_multisig_transactions_are_cosmjs(oracle: Oracle) -> None:
    rng = random.Random(7)
    for _ in range(15):
        count = rng.randrange(1, 13)
        threshold = rng.randrange(1, count + 1)
        made = [_holder(rng, HUB) for _ in range(count)]
        several = {"threshold": threshold, "public_keys": [holder.public_key for _, holder, _ in made]}
        keys = {"privateKeys": [private for _, _, private in made], "threshold": threshold, "prefix": "cosmos"}
        address = CHAIN.multisig_address(HUB, threshold, several["public_keys"])
        assert oracle("signMultisig", **keys)["address"] == address
        asked = _without_separators(_arguments(rng, HUB, address, "00", amino=True))
        asked["fee"].pop("granter", None)
        signers = sorted(rng.sample(range(count), threshold))
        theirs = oracle("signMultisig", **{**asked, **keys, "signers": signers})
        native: Any = {"multisig": several, "sign_doc": theirs["doc"]}
        for index in rng.sample(signers, threshold):
            key, holder, _ = made[index]
            signed = _sign(key, holder, native)
            native = signed.raw
        assert signed.complete
        assert signed.hex() == theirs["raw"]
        assert CHAIN.parse_signed(HUB, theirs["raw"]).txid == signed.txid


def test_accounts_are_bip_utils() -> None:
    bip_utils = pytest.importorskip("bip_utils", reason="bip-utils is the independent library for addresses")
    coins = {
        "cosmos": "COSMOS",
        "osmosis": "OSMOSIS",
        "injective": "INJECTIVE",
        "kava": "KAVA",
        "secret": "SECRET_NETWORK_NEW",
        "terra": "TERRA",
        "akash": "AKASH_NETWORK",
        "celestia": "CELESTIA",
        "dydx": "DYDX",
        "stargaze": "STARGAZE",
    }
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    seed = bip_utils.Bip39SeedGenerator(words).Generate()
    compared = 0
    for name, coin in coins.items():
        known = getattr(bip_utils.Bip44Coins, coin, None)
        if known is None:
            continue
        compared += 1
        chain = bip_utils.Bip44.FromSeed(seed, known).Purpose().Coin().Account(0)
        wallet = Wallet.from_mnemonic(words)
        public = chain.PublicKey().ToExtended()
        watching = Wallet.from_xpub(name, public)
        for index in range(5):
            child = chain.Change(bip_utils.Bip44Changes.CHAIN_EXT).AddressIndex(index)
            address = child.PublicKey().ToAddress()
            assert wallet.account(name, index=index).address == address
            assert watching.account(name, index=index).address == address
    assert compared >= 6
