"""TRON against tronweb (npm) and tronpy (PyPI) on random inputs."""

from __future__ import annotations

import random
from typing import Any

import pytest

from multiwallet.chain import Holder, Network
from multiwallet.chains.tron import Tron, addresses, raw_data
from multiwallet.codec import abi
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.transactions import SignedTransaction

NETWORK = Network("tron:0x2b6653dc", "tron", "tron", "TRON", "TRX", 6, 195)
CHAIN = Tron()
ROUNDS = 25


def _holder(rng: random.Random) -> tuple[SecpKey, Holder, str]:
    private = rng.randbytes(32)
    key = SecpKey(private)
    return key, Holder(NETWORK, CHAIN.address(NETWORK, key.public_key), key.public_key), private.hex()


def _sign(key: SecpKey, holder: Holder, item: Any) -> SignedTransaction:
    unsigned = CHAIN.adopt(holder, item)
    (request,) = CHAIN.authorize(holder, unsigned)
    return CHAIN.assemble(unsigned, [(request, key.sign_recoverable(request.message))])


def _random_body(rng: random.Random, owner: bytes, contract: str) -> raw_data.RawData:
    def address() -> bytes:
        return b"\x41" + rng.randbytes(20)

    amount = rng.choice((1, 127, 128, rng.randrange(1, 2**40), 2**53 - 1))
    call = abi.encode_call("transfer(address,uint256)", (address()[1:], rng.randrange(2**200)))
    resource = {"resource": 1} if rng.random() < 0.5 else {}
    values: dict[str, Any] = {
        "TransferContract": {"to_address": address(), "amount": amount},
        "TriggerSmartContract": {"contract_address": address(), "data": call, "call_value": amount},
        "FreezeBalanceV2Contract": {"frozen_balance": amount, **resource},
        "UnfreezeBalanceV2Contract": {"unfreeze_balance": amount, **resource},
        "DelegateResourceContract": {"balance": amount, "receiver_address": address(), "lock": True, **resource},
        "UnDelegateResourceContract": {"balance": amount, "receiver_address": address(), **resource},
        "VoteWitnessContract": {
            "votes": [
                {"vote_address": address(), "vote_count": rng.randrange(1, 99)} for _ in range(rng.randrange(1, 4))
            ]
        },
        "WithdrawBalanceContract": {},
        "WithdrawExpireUnfreezeContract": {},
        "CancelAllUnfreezeV2Contract": {},
        "AccountCreateContract": {"account_address": address()},
        "TransferAssetContract": {"asset_name": b"1002000", "to_address": address(), "amount": amount},
        "AccountPermissionUpdateContract": {
            "owner": {"permission_name": "owner", "threshold": 1, "keys": [{"address": address(), "weight": 1}]},
            "actives": [
                {
                    "type": 2,
                    "id": 2,
                    "permission_name": "active",
                    "threshold": 2,
                    "operations": rng.randbytes(32),
                    "keys": [{"address": address(), "weight": 1} for _ in range(2)],
                }
            ],
        },
    }[contract]
    return raw_data.make(
        contract,
        {"owner_address": owner, **values},
        ref_block_bytes=rng.randbytes(2),
        ref_block_hash=rng.randbytes(8),
        expiration=rng.randrange(1_700_000_000_000, 1_800_000_000_000),
        timestamp=rng.randrange(1_700_000_000_000, 1_800_000_000_000),
        data=rng.choice((b"", "zażółć 🚀".encode(), b"m" * 300)),
        fee_limit=rng.randrange(1, 10**9) if contract == "TriggerSmartContract" else 0,
        permission_id=rng.choice((0, 0, 2, 9)),
    )


CONTRACTS = [
    "TransferContract",
    "TriggerSmartContract",
    "FreezeBalanceV2Contract",
    "UnfreezeBalanceV2Contract",
    "DelegateResourceContract",
    "UnDelegateResourceContract",
    "VoteWitnessContract",
    "WithdrawBalanceContract",
    "WithdrawExpireUnfreezeContract",
    "CancelAllUnfreezeV2Contract",
    "AccountCreateContract",
    "TransferAssetContract",
    "AccountPermissionUpdateContract",
]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_tronweb_reads_what_we_write(node_oracle: Any, contract: str) -> None:
    rng = random.Random(contract)
    for _ in range(ROUNDS):
        key, holder, private = _holder(rng)
        raw = _random_body(rng, addresses.to_bytes(holder.address), contract)
        signed = _sign(key, holder, raw.encode())
        wire = signed.to_wire()
        unsigned = {name: item for name, item in wire.items() if name != "signature"}
        built = node_oracle("tron.txJsonToPb", transaction=unsigned)
        assert built == {"txID": signed.txid, "raw_data_hex": raw.encode().hex()}
        assert node_oracle("tron.txCheck", transaction=unsigned) is True
        assert node_oracle("tron.recover", transaction=wire) == holder.address
        theirs = node_oracle("tron.signTransaction", privateKey=private, transaction=unsigned)
        assert [item.lower() for item in theirs["signature"]] == wire["signature"]
        assert CHAIN.parse_signed(NETWORK, theirs).raw == signed.raw


def test_addresses(node_oracle: Any) -> None:
    rng = random.Random(1)
    for _ in range(ROUNDS):
        key, holder, private = _holder(rng)
        assert node_oracle("tron.address", privateKey=private) == holder.address
        assert node_oracle("tron.addressToHex", address=holder.address) == addresses.to_bytes(holder.address).hex()
        place = rng.randrange(34)
        changed = holder.address[:place] + rng.choice("123ABCxyz") + holder.address[place + 1 :]
        assert node_oracle("tron.isAddress", address=changed) == (_outcome(changed) is not None)
        del key


def _outcome(text: str) -> str | None:
    try:
        return addresses.parse(text)
    except ValueError:
        return None


def test_messages(node_oracle: Any) -> None:
    rng = random.Random(2)
    for message in ("", "hello", "0xdeadbeef", "zażółć 🚀", "a" * 1000, "line\nline", b"\x00\xff", rng.randbytes(300)):
        key, holder, private = _holder(rng)
        request = CHAIN.message(holder, message)
        assert "0x" + request.message.hex() == node_oracle("tron.hashMessage", message=message)
        ours = CHAIN.message_signature(holder, request, key.sign_recoverable(request.message))
        assert ours == node_oracle("tron.signMessageV2", privateKey=private, message=message)
        assert node_oracle("tron.verifyMessageV2", message=message, signature=ours) == holder.address
        assert CHAIN.verify_message(NETWORK, holder.address, message, ours)


def _random_typed_data(rng: random.Random) -> dict[str, Any]:
    def address() -> str:
        data = b"\x41" + rng.randbytes(20)
        return rng.choice((addresses.from_bytes(data), data.hex(), "0x" + data[1:].hex()))

    def leaf() -> dict[str, Any]:
        return {
            "who": address(),
            "many": [address() for _ in range(rng.randrange(3))],
            "pair": [str(rng.randrange(2**256)) for _ in range(2)],
            "token": rng.randrange(1_000_000, 2_000_000),
            "tokens": [rng.randrange(9) for _ in range(rng.randrange(3))],
            "flag": rng.random() < 0.5,
            "text": rng.choice(("", "zażółć 🚀")),
            "raw": "0x" + rng.randbytes(rng.randrange(50)).hex(),
            "fixed": "0x" + rng.randbytes(7).hex(),
            "small": rng.randrange(-128, 128),
        }

    types = {
        "Leaf": [
            {"name": "who", "type": "address"},
            {"name": "many", "type": "address[]"},
            {"name": "pair", "type": "uint256[2]"},
            {"name": "token", "type": "trcToken"},
            {"name": "tokens", "type": "trcToken[]"},
            {"name": "flag", "type": "bool"},
            {"name": "text", "type": "string"},
            {"name": "raw", "type": "bytes"},
            {"name": "fixed", "type": "bytes7"},
            {"name": "small", "type": "int8"},
        ],
        "Root": [{"name": "one", "type": "Leaf"}, {"name": "all", "type": "Leaf[]"}],
    }
    domain: dict[str, Any] = {"name": "Test", "version": "1", "chainId": 728126428, "verifyingContract": address()}
    if rng.random() < 0.3:
        domain["salt"] = "0x" + rng.randbytes(32).hex()
    if rng.random() < 0.3:
        del domain["version"]
    message = {"one": leaf(), "all": [leaf() for _ in range(rng.randrange(3))]}
    return {"types": types, "domain": domain, "primaryType": "Root", "message": message}


def test_typed_data(node_oracle: Any) -> None:
    rng = random.Random(3)
    for _ in range(ROUNDS):
        key, holder, private = _holder(rng)
        data = _random_typed_data(rng)
        parts = {name: data[name] for name in ("types", "domain", "message")}
        request = CHAIN.typed_data(holder, data)
        assert "0x" + request.message.hex() == node_oracle("tron.hashTypedData", **parts)
        ours = CHAIN.message_signature(holder, request, key.sign_recoverable(request.message))
        assert ours == node_oracle("tron.signTypedData", privateKey=private, **parts)
        assert CHAIN.verify_typed_data(NETWORK, holder.address, data, ours)


def test_tronpy_builds_and_signs_the_same() -> None:
    """tronpy's offline builder drops memos, so only transactions without one are compared with it."""
    pytest.importorskip("tronpy", reason="tronpy is not installed")
    from tronpy.keys import PrivateKey
    from tronpy.providers import HTTPProvider
    from tronpy.tron import Transaction
    from tronpy.tron import Tron as Client

    rng = random.Random(4)
    for number in range(ROUNDS):
        key, holder, private = _holder(rng)
        to = addresses.from_bytes(b"\x41" + rng.randbytes(20))
        block = rng.randrange(2**40).to_bytes(8, "big") + rng.randbytes(24)
        client = Client(provider=HTTPProvider("http://127.0.0.1:1"))  # never asked: building is offline
        if number % 2:
            builder = client.trx.transfer(holder.address, to, rng.randrange(1, 2**50))
        else:
            call = abi.encode_call("transfer(address,uint256)", (rng.randbytes(20), rng.randrange(2**99)))
            value = {"owner_address": _hex(holder.address), "contract_address": _hex(to), "data": call.hex()}
            builder = client.trx._build_transaction("TriggerSmartContract", value).fee_limit(rng.randrange(1, 10**9))
        theirs = builder.build(offline=True, ref_block_id=block.hex())
        assert isinstance(theirs, Transaction)
        ours = _sign(key, holder, {"raw_data": theirs.to_json()["raw_data"]})
        assert ours.txid == theirs.txid
        secret = PrivateKey(bytes.fromhex(private))
        assert secret.public_key.to_base58check_address() == holder.address
        theirs.sign(secret)
        assert ours.to_wire()["signature"][0][:128] == theirs.to_json()["signature"][0][:128]
        assert CHAIN.parse_signed(NETWORK, theirs.to_json()).txid == ours.txid


def _hex(address: str) -> str:
    return addresses.to_bytes(address).hex()
