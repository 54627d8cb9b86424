"""ZKsync's transactions of type 113, against what zksync-ethers 6.21.1 makes of the same transactions and key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multiwallet
from multiwallet.chain import Fee, Holder
from multiwallet.chains.evm.transaction import decode_signed, decode_unsigned
from multiwallet.chains.evm.zksync import ZksyncTransaction
from multiwallet.errors import InputError, InvalidTransaction, MultiwalletError, SigningRefused, Unsupported
from multiwallet.transactions import UnsignedTransaction

ZKSYNC = multiwallet.network("zksync")
TO = "0x" + "35" * 20
PLAIN = {
    "type": 113,
    "chainId": 324,
    "to": TO,
    "nonce": 0,
    "value": 10**18,
    "gas": 150_000,
    "maxFeePerGas": 45_250_000,
    "maxPriorityFeePerGas": 1,
}
PAYMASTER_INPUT = "0x8c5a3445" + "00" * 31 + "20" + "00" * 32
PAID_FOR = {
    **PLAIN,
    "nonce": 9,
    "value": 0,
    "gas": 300_000,
    "data": "0xa9059cbb" + "00" * 64,
    "gasPerPubdata": 800,
    "paymaster": "0x" + "11" * 20,
    "paymasterInput": PAYMASTER_INPUT,
}
# Made with the key 7: EIP712Signer.getSignedDigest, EIP712Signer.sign, utils.serializeEip712 and utils.eip712TxHash.
VECTORS = [
    (
        PLAIN,
        "6a596b7645f3d2d17ef33e2fbeae066b0bf1cddddfc3ec6d4895199748a00271",
        "a234320358387d9173dad550987bce396d4fdc07e8fd42f64622f96a7828dda806f360bda02a64a6c89b030b7eaecc0d7288fd54e3e639578a7cd0c054a58c3e1b",
        "71f84d80018402b275d0830249f0943535353535353535353535353535353535353535880de0b6b3a764000080820144808082014494d41c057fd1c78805aac12b0a94a405c0461a6fbb82c350c080c0",
        "0x4a3423246489b660631a1b337239a0e6b7a39e434c332c447ab1c37b716b96db",
    ),
    (
        PAID_FOR,
        "546a28e9a433f04b54740a8bfd6acb2185b6871746c50e5f5fa6a0af7e82f952",
        "302f108c459d3d8fc445831b4eaf02c99e4f0cefb145cc887f991600dcb4e7fa5fcbded770dcc9558e55da0200680aa2b161e02c042bc5251957ae857493008e1c",
        "71f8e609018402b275d0830493e094353535353535353535353535353535353535353580b844a9059cbb00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000820144808082014494d41c057fd1c78805aac12b0a94a405c0461a6fbb820320c080f85b941111111111111111111111111111111111111111b8448c5a344500000000000000000000000000000000000000000000000000000000000000200000000000000000000000000000000000000000000000000000000000000000",
        "0x20d25de3b593148029af771084ca2ec19e04a24261043a4644ddb48bfbff8b7e",
    ),
]


@pytest.fixture
def account(keys_of: Any) -> Any:
    return keys_of(bytes(31) + b"\x07", ZKSYNC)


@pytest.mark.parametrize(("native", "digest", "signature", "unsigned", "txid"), VECTORS, ids=["plain", "paymaster"])
def test_vectors(account: Any, native: Any, digest: str, signature: str, unsigned: str, txid: str) -> None:
    adopted = account.evm.adopt(account.holder, native)
    assert adopted.body.hex() == unsigned
    (request,) = adopted.requests
    assert request.message.hex() == digest
    signed = account.sign(adopted)
    assert signed.txid == txid == account.evm.transaction_id(signed.raw)
    assert signature in signed.raw.hex()
    assert account.batch(native) is None, "the hot path leaves it to the ordinary way"
    transaction, found = decode_signed(signed.raw)
    assert isinstance(transaction, ZksyncTransaction)
    assert transaction == decode_unsigned(adopted.body)
    assert found.hex() == signature[:-2] + f"{int(signature[-2:], 16) - 27:02x}"
    assert account.evm.parse_signed(ZKSYNC, signed.to_wire()).txid == txid
    assert account.evm.claims(signed).nonce == native["nonce"]
    assert adopted.fee.maximum.units == native["gas"] * native["maxFeePerGas"]


def test_bytes_and_json_are_taken_as_well(account: Any) -> None:
    adopted = account.evm.adopt(account.holder, PAID_FOR)
    again = account.evm.adopt(account.holder, "0x" + adopted.body.hex())
    assert (again.body, again.requests[0].preimage) == (adopted.body, adopted.requests[0].preimage)
    restored = UnsignedTransaction.from_json(adopted.to_json())
    assert account.sign(restored).raw == account.sign(adopted).raw


def test_the_summary_names_the_paymaster(account: Any) -> None:
    adopted = account.evm.adopt(account.holder, PAID_FOR)
    summary = adopted.summary
    assert summary.details["paymaster"] == "0x" + "11" * 20
    assert any("paid through the contract" in warning for warning in summary.warnings)
    plain = account.evm.adopt(account.holder, PLAIN).summary
    assert plain.actions[0].amount is not None
    assert (plain.actions[0].kind, plain.actions[0].amount.units) == ("transfer", 10**18)
    assert "paymaster" not in plain.details


def test_only_zksync_has_them(keys_of: Any, networks: Any) -> None:
    other = keys_of(bytes(31) + b"\x07", networks(1))
    with pytest.raises(InvalidTransaction, match="ZKsync's own"):
        other.evm.adopt(other.holder, {**PLAIN, "chainId": 1})
    here = keys_of(bytes(31) + b"\x07", ZKSYNC)
    signed = here.sign(here.evm.adopt(here.holder, PLAIN))
    with pytest.raises(InvalidTransaction, match="chain id 324"):
        other.evm.parse_signed(networks(1), signed.raw)
    with pytest.raises(InvalidTransaction, match="ZKsync's own"):
        here.evm.parse_signed(networks(324), signed.raw)


def test_another_sender_is_refused(account: Any, keys_of: Any) -> None:
    other = keys_of(b"\x08" * 32, ZKSYNC)
    adopted = account.evm.adopt(account.holder, PLAIN)
    with pytest.raises(SigningRefused, match="not from its signer"):
        other.evm.adopt(other.holder, adopted.body)
    with pytest.raises(SigningRefused):
        other.evm.authorize(other.holder, adopted)
    forged = Holder(ZKSYNC, account.holder.address, other.holder.public_key)
    stolen = UnsignedTransaction(
        chain=account.evm,
        network=ZKSYNC,
        sender=other.holder.address,
        body=adopted.body,
        fee=Fee(adopted.fee.expected, adopted.fee.maximum),
        requests=adopted.requests,
        context={"public_key": other.holder.public_key.hex()},
    )
    with pytest.raises(SigningRefused):
        other.evm.authorize(other.holder, stolen)
    assert forged.address == adopted.sender
    with pytest.raises(SigningRefused):
        UnsignedTransaction.from_json(stolen.to_json())
    # The bytes say who sends: signed by somebody else they are worth nothing.
    raw = decode_unsigned(adopted.body).signed(other.key.sign_recoverable(adopted.requests[0].message))
    with pytest.raises(SigningRefused):
        account.evm.parse_signed(ZKSYNC, raw)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"to": None}, InvalidTransaction, "names its sender and its recipient"),
        ({"paymasterInput": "0x00"}, InvalidTransaction, "for a paymaster"),
        ({"paymaster": "0x11"}, InvalidTransaction, "paymaster"),
        ({"gasPerPubdata": -1}, InvalidTransaction, "gasPerPubdata"),
        ({"gasPerPubdata": 1.5}, InvalidTransaction, "gasPerPubdata"),
        ({"maxPriorityFeePerGas": 10**9}, InvalidTransaction, "above max_fee_per_gas"),
        ({"accessList": []}, InvalidTransaction, "no field accessList"),
        ({"chainId": 0}, InvalidTransaction, "chain id is 1 or more"),
        ({"chainId": 1}, SigningRefused, "chain id 1"),
        ({"from": "0x" + "22" * 20}, SigningRefused, "from"),
        ({"factoryDeps": []}, InvalidTransaction, "unknown field"),
        ({"type": 2, "gasPerPubdata": 1}, InvalidTransaction, "no field gasPerPubdata"),
        ({"nonce": 1 << 64}, InvalidTransaction, "nonce"),
    ],
    ids=range(13),
)
def test_refused(account: Any, change: dict[str, Any], error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        account.evm.adopt(account.holder, {**PLAIN, **change})


def test_contract_code_is_not_signed(account: Any) -> None:
    body = bytearray(account.evm.adopt(account.holder, PLAIN).body)
    at = body.rindex(b"\xc0\x80\xc0")  # no factory dependencies, no signature, no paymaster
    body[at : at + 1] = b"\xc2\x81\x80"
    body[2] += 2
    with pytest.raises(Unsupported, match="factoryDeps"):
        decode_unsigned(bytes(body))


@given(at=st.integers(0, 144), byte=st.integers(0, 255))
def test_one_byte_changed_is_refused_or_reads_back_as_it_stands(at: int, byte: int) -> None:
    raw = bytearray.fromhex(
        "71f88f80018402b275d0830249f0943535353535353535353535353535353535353535880de0b6b3a764000080820144808082014494d41c057fd1c78805aac12b0a94a405c0461a6fbb82c350c0b841a234320358387d9173dad550987bce396d4fdc07e8fd42f64622f96a7828dda806f360bda02a64a6c89b030b7eaecc0d7288fd54e3e639578a7cd0c054a58c3e1bc0"
    )
    raw[at % len(raw)] = byte
    try:
        transaction, signature = decode_signed(bytes(raw))
    except InputError:
        return
    assert transaction.signed(signature) == bytes(raw)


@given(garbage=st.binary(max_size=200))
def test_garbage_gives_an_error_of_the_tree(garbage: bytes) -> None:
    for read in (decode_unsigned, decode_signed):
        with pytest.raises(MultiwalletError):
            read(b"\x71" + garbage)
