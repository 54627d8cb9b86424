"""raw_data against reference values and two independent protobuf encoders."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.tron import raw_data, schema
from multiwallet.chains.tron.contracts import FIELDS, NAMES, TYPE_URL
from multiwallet.chains.tron.raw_data import RawData
from multiwallet.codec import protobuf
from multiwallet.crypto.hashes import sha256
from multiwallet.errors import InvalidTransaction, MultiwalletError

HEAD = {
    "ref_block_bytes": b"\x88\x14",
    "ref_block_hash": bytes(range(8)),
    "expiration": 1_700_000_063_000,
    "timestamp": 5,
}
OWNER, OTHER = b"\x41" + b"\x11" * 20, b"\x41" + b"\x22" * 20
TYPES = {"address": 12, "bytes": 12, "name": 12, "int": 3, "bool": 8, "enum": 5, "string": 9}


def test_reference_transactions(transactions: list[dict[str, Any]]) -> None:
    assert len(transactions) == 12
    for entry in transactions:
        output, name = entry["output"], entry["contract_type"]
        body = bytes.fromhex(output["raw_data_hex"])
        raw = RawData.decode(body)
        assert raw.contract == name
        assert raw.encode() == body
        assert sha256(body).hex() == output["tx_id"]
        values = schema.from_json(FIELDS[name], entry["parameter"], name, visible=False)
        memo = entry.get("memo", "").encode()
        built = raw_data.make(
            name,
            values,
            ref_block_bytes=bytes.fromhex(entry["ref_block_bytes"]),
            ref_block_hash=bytes.fromhex(entry["ref_block_hash"]),
            expiration=entry["expiration"],
            timestamp=entry["timestamp"],
            data=memo,
            fee_limit=entry.get("fee_limit", 0),
            permission_id=entry.get("permission_id", 0),
        )
        assert built == raw
        assert built.encode() == body
        signed = raw_data.encode_transaction(body, (bytes.fromhex(output["signature"]),))
        assert signed.hex() == output["signed_tx_hex"]
        assert raw_data.decode_transaction(signed) == (body, (bytes.fromhex(output["signature"]),))


def _messages() -> dict[str, Any]:
    """The same messages declared to Google's protobuf, which then encodes them by itself."""
    file = descriptor_pb2.FileDescriptorProto(name="tron_test.proto", package="protocol_test", syntax="proto3")

    def declare(message: Any, fields: Any) -> None:
        for field in fields:
            added = message.field.add(name=field.name, number=field.number, label=3 if field.repeated else 1)
            if field.kind == "message":
                nested = message.nested_type.add(name=f"N{field.number}")
                declare(nested, field.fields)
                added.type, added.type_name = 11, nested.name
            else:
                added.type = TYPES[field.kind]

    for name, fields in FIELDS.items():
        declare(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"protocol_test.{name}")) for name in FIELDS
    }


def _random_values(fields: Any, rng: random.Random) -> dict[str, Any]:
    def one(field: Any) -> Any:
        match field.kind:
            case "message":
                return _random_values(field.fields, rng)
            case "address":
                return b"\x41" + rng.randbytes(20)
            case "bytes" | "name":
                return rng.randbytes(rng.choice((1, 4, 200)))
            case "string":
                return rng.choice(("x", "żółć 🚀", "a" * 300))
            case "bool":
                return True
            case "enum":
                return rng.randrange(1, len(field.names))
            case _:
                return rng.choice((1, 127, 128, 300, 2**31 - 1))

    values = {}
    for field in fields:
        if field.name != "owner_address" and rng.random() < 0.3:
            continue
        values[field.name] = [one(field) for _ in range(rng.randrange(1, 4))] if field.repeated else one(field)
    return values


def _fill(message: Any, fields: Any, values: dict[str, Any]) -> None:
    for field in fields:
        if field.name not in values:
            continue
        value = values[field.name]
        if field.kind == "message":
            if field.repeated:
                for item in value:
                    _fill(getattr(message, field.name).add(), field.fields, item)
            else:
                getattr(message, field.name).SetInParent()
                _fill(getattr(message, field.name), field.fields, value)
        elif field.repeated:
            getattr(message, field.name).extend(value)
        else:
            setattr(message, field.name, value)


def test_every_contract_against_google_protobuf() -> None:
    classes, rng = _messages(), random.Random(7)
    for name, fields in FIELDS.items():
        for _ in range(20):
            values = _random_values(fields, rng)
            values["owner_address"] = OWNER
            message = classes[name]()
            _fill(message, fields, values)
            expected = message.SerializeToString(deterministic=True)
            assert schema.encode(fields, values) == expected
            assert schema.decode(fields, expected, name) == values
            shown = schema.to_json(fields, values)
            assert schema.from_json(fields, shown, name, visible=False) == values
            raw = raw_data.make(name, values, **HEAD)
            assert RawData.decode(raw.encode()) == raw


def test_against_tronpy_messages() -> None:
    tron_pb2 = pytest.importorskip("tronpy.proto.tron_pb2", reason="tronpy is not installed")
    rng = random.Random(3)
    for _ in range(50):
        amount, memo, limit = rng.randrange(1, 2**62), rng.randbytes(rng.randrange(0, 200)), rng.randrange(0, 10**10)
        transaction = tron_pb2.Transaction()
        raw = transaction.raw_data
        raw.ref_block_bytes, raw.ref_block_hash = HEAD["ref_block_bytes"], HEAD["ref_block_hash"]
        raw.expiration, raw.timestamp, raw.data, raw.fee_limit = HEAD["expiration"], 5, memo, limit
        contract = raw.contract.add(type=1, Permission_id=rng.choice((0, 2, 300)))
        inner = tron_pb2.TransferContract(owner_address=OWNER, to_address=OTHER, amount=amount)
        contract.parameter.Pack(inner)
        ours = raw_data.make(
            "TransferContract",
            {"owner_address": OWNER, "to_address": OTHER, "amount": amount},
            **HEAD,
            data=memo,
            fee_limit=limit,
            permission_id=contract.Permission_id,
        )
        assert ours.encode() == raw.SerializeToString()
        transaction.signature.append(b"\x01" * 65)
        assert raw_data.encode_transaction(ours.encode(), (b"\x01" * 65,)) == transaction.SerializeToString()
    numbers = tron_pb2.Transaction.Contract.ContractType.items()
    for name, number in numbers:
        assert NAMES.get(number, name) == name


def _transfer(**changes: Any) -> bytes:
    value = {"owner_address": OWNER, "to_address": OTHER, "amount": 1_000_000}
    return raw_data.make("TransferContract", value, **{**HEAD, **changes}).encode()


def _wrapped(contract: bytes, *, before: bytes = b"", after: bytes = b"\x70\x05") -> bytes:
    head = b"\x0a\x02\x88\x14" + b"\x22\x08" + bytes(8) + b"\x40\x07"
    return head + before + protobuf.message_field(11, contract) + after


def _contract(number: int, url: str, value: bytes, extra: bytes = b"") -> bytes:
    any_ = protobuf.bytes_field(1, url.encode()) + protobuf.bytes_field(2, value)
    return protobuf.varint_field(1, number) + protobuf.message_field(2, any_) + extra


GOOD = _contract(1, TYPE_URL + "TransferContract", b"\x0a\x15" + OWNER + b"\x12\x15" + OTHER + b"\x18\x05")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "one contract"),
        (_wrapped(GOOD)[:-1], "well-formed"),
        (_wrapped(GOOD) + b"\xa0\x06\x01", "field 100"),
        (_wrapped(GOOD, before=b"\x4a\x00"), "field 9"),
        (_wrapped(GOOD, before=b"\x40\x08"), "twice"),
        (_wrapped(GOOD, after=protobuf.message_field(11, GOOD)), "holds 2"),
        (_wrapped(GOOD, after=b"\x70\x00"), "canonical"),
        (_wrapped(GOOD, after=b"\x70\x85\x00"), "well-formed"),
        (_wrapped(GOOD + b"\x1a\x01a"), "field 3"),
        (_wrapped(_contract(2, TYPE_URL + "TransferContract", b"")), "type_url"),
        (_wrapped(_contract(1, "protocol.TransferContract", b"")), "type_url"),
        (_wrapped(_contract(77, TYPE_URL + "X", b"")), "unknown"),
        (_wrapped(_contract(1, TYPE_URL + "TransferContract", b"")), "owner_address"),
        (_wrapped(_contract(1, TYPE_URL + "TransferContract", b"\x0a\x15" + OWNER + b"\x20\x01")), "field 4"),
        (_wrapped(_contract(1, TYPE_URL + "TransferContract", b"\x0a\x14" + OWNER[1:])), "no TRON address"),
        (
            _wrapped(
                _contract(1, TYPE_URL + "TransferContract", b"\x0a\x15" + OWNER + b"\x18" + b"\xff" * 9 + b"\x01")
            ),
            "negative",
        ),
        (_wrapped(_contract(1, TYPE_URL + "TransferContract", b"\x0a\x15" + OWNER + b"\x1a\x01a")), "wrong type"),
        (_wrapped(_contract(5, TYPE_URL + "WitnessCreateContract", b"\x12\x01a")), "whose"),
        (_wrapped(_contract(5, TYPE_URL + "WitnessCreateContract", b"\xff")), "whose"),
        (GOOD, "field"),
        (b"\x00" * 600_000, "at most"),
    ],
)
def test_what_cannot_be_shown_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidTransaction, match=reason):
        RawData.decode(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"ref_block_bytes": b"\x01"},
        {"ref_block_hash": b""},
        {"expiration": 0},
        {"expiration": 2**63},
        {"timestamp": -1},
        {"fee_limit": -1},
        {"fee_limit": 2**63},
        {"permission_id": -1},
        {"permission_id": 2**31},
    ],
)
def test_fields_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidTransaction):
        _transfer(**changes)


def test_types_known_by_name_keep_their_bytes() -> None:
    value = protobuf.bytes_field(1, OWNER) + protobuf.bytes_field(2, b"https://example.org")
    body = _wrapped(_contract(5, TYPE_URL + "WitnessCreateContract", value))
    raw = RawData.decode(body)
    assert (raw.contract, raw.value, raw.values, raw.owner) == ("WitnessCreateContract", value, None, OWNER)
    assert raw.encode() == body
    second = protobuf.bytes_field(1, b"name") + protobuf.bytes_field(2, OWNER)
    assert RawData.decode(_wrapped(_contract(19, TYPE_URL + "SetAccountIdContract", second))).owner == OWNER


@given(st.binary(max_size=300))
def test_garbage_gives_its_error_and_nothing_else(data: bytes) -> None:
    for decode in (RawData.decode, raw_data.decode_transaction):
        with suppress(InvalidTransaction):
            decode(data)


@given(st.data())
def test_a_changed_byte_is_refused_or_changes_the_meaning(data: st.DataObject) -> None:
    body = bytearray(_transfer(data=b"memo", permission_id=2))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    try:
        raw = RawData.decode(bytes(body))
    except MultiwalletError:
        return
    assert raw != RawData.decode(_transfer(data=b"memo", permission_id=2))
    assert raw.encode() == bytes(body)


def test_a_signed_transaction_may_carry_the_nodes_result() -> None:
    raw = raw_data.encode_transaction(_transfer(), (b"\x01" * 65,)) + protobuf.message_field(5, b"\x18\x01")
    assert raw_data.decode_transaction(raw) == (_transfer(), (b"\x01" * 65,))
    with pytest.raises(InvalidTransaction, match="raw_data"):
        raw_data.decode_transaction(protobuf.message_field(2, b"\x01" * 65))
