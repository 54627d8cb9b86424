"""``raw_data``, the part of a TRON transaction that is signed, and the signed transaction around it.

Both are Protocol Buffers messages (``protocol.Transaction``). The id is the SHA-256 of ``raw_data``, which is
also what is signed. Nodes parse what they are sent and serialise it anew, so only the canonical encoding keeps
its id on the way: any other is refused here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import protobuf
from ...codec.protobuf import LENGTH_DELIMITED, VARINT
from ...errors import InvalidTransaction
from . import addresses, schema
from .contracts import FIELDS, NAMES, NUMBERS, OWNER_FIELD, TYPE_URL
from .schema import INT64_MAX, Values

__all__ = ["MAX_SIGNATURES", "MAX_SIZE", "RawData", "decode_transaction", "encode_transaction", "make"]

MAX_SIZE: Final = 500 * 1024
"""The most bytes that java-tron takes for a transaction."""
MAX_SIGNATURES: Final = 5
"""The most keys that a permission has."""

_RAW_FIELDS: Final = {
    1: LENGTH_DELIMITED,
    4: LENGTH_DELIMITED,
    8: VARINT,
    10: LENGTH_DELIMITED,
    11: LENGTH_DELIMITED,
    14: VARINT,
    18: VARINT,
}
_CONTRACT_FIELDS: Final = {1: VARINT, 2: LENGTH_DELIMITED, 5: VARINT}
_ANY_FIELDS: Final = {1: LENGTH_DELIMITED, 2: LENGTH_DELIMITED}
_MAX_PERMISSION: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RawData:
    """The fields of ``raw_data``. Times are in milliseconds since 1970, ``fee_limit`` is in sun.

    ``values`` are the contract's fields (see :mod:`.schema`), or None for a type that is known by name only;
    ``value`` are its bytes in either case.
    """

    ref_block_bytes: bytes
    ref_block_hash: bytes
    expiration: int
    timestamp: int
    contract: str
    value: bytes
    values: Values | None
    owner: bytes
    data: bytes = b""
    fee_limit: int = 0
    permission_id: int = 0

    def encode(self) -> bytes:
        """The canonical bytes, fields in ascending order."""
        any_ = protobuf.bytes_field(1, (TYPE_URL + self.contract).encode("ascii")) + protobuf.bytes_field(2, self.value)
        contract = (
            protobuf.varint_field(1, NUMBERS[self.contract])
            + protobuf.message_field(2, any_)
            + protobuf.varint_field(5, self.permission_id)
        )
        return b"".join(
            (
                protobuf.bytes_field(1, self.ref_block_bytes),
                protobuf.bytes_field(4, self.ref_block_hash),
                protobuf.varint_field(8, self.expiration),
                protobuf.bytes_field(10, self.data),
                protobuf.message_field(11, contract),
                protobuf.varint_field(14, self.timestamp),
                protobuf.varint_field(18, self.fee_limit),
            )
        )

    @classmethod
    def decode(cls, body: bytes) -> RawData:
        """Read ``raw_data`` bytes. Raises InvalidTransaction for anything that cannot be read wholly."""
        if len(body) > MAX_SIZE:
            raise InvalidTransaction(f"a TRON transaction has at most {MAX_SIZE} bytes; these are {len(body)}")
        fields = schema.single(body, _RAW_FIELDS, "raw_data", repeated=(11,))
        contracts = fields.get(11, [])
        if len(contracts) != 1:
            raise InvalidTransaction(f"a TRON transaction holds one contract; this one holds {len(contracts)}")
        contract = schema.single(contracts[0], _CONTRACT_FIELDS, "the contract")
        any_ = schema.single(contract.get(2, b""), _ANY_FIELDS, "the contract's parameter")
        name = NAMES.get(contract.get(1, 0))
        if name is None:
            raise InvalidTransaction(
                f"contract type {contract.get(1)} is unknown: whose money it moves cannot be told, so it is not signed"
            )
        if any_.get(1, b"") != (TYPE_URL + name).encode("ascii"):
            raise InvalidTransaction(f"the contract's type says {name}, but its parameter has another type_url")
        raw = make(
            name,
            any_.get(2, b""),
            ref_block_bytes=fields.get(1, b""),
            ref_block_hash=fields.get(4, b""),
            expiration=fields.get(8, 0),
            timestamp=fields.get(14, 0),
            data=fields.get(10, b""),
            fee_limit=fields.get(18, 0),
            permission_id=contract.get(5, 0),
        )
        if raw.encode() != body:
            raise InvalidTransaction(
                "raw_data is not in its canonical form: nodes would give the transaction another id than this one"
            )
        return raw


def make(
    contract: str,
    value: bytes | Values,
    *,
    ref_block_bytes: bytes,
    ref_block_hash: bytes,
    expiration: int,
    timestamp: int,
    data: bytes = b"",
    fee_limit: int = 0,
    permission_id: int = 0,
) -> RawData:
    """A checked :class:`RawData` of a contract by name, its ``value`` as bytes or as values.

    Raises InvalidTransaction for fields out of range, and for a contract without an owner.
    """
    if len(ref_block_bytes) != 2 or len(ref_block_hash) != 8:
        raise InvalidTransaction(
            "raw_data names its reference block by 2 bytes (ref_block_bytes) and 8 (ref_block_hash)"
        )
    if not 0 < expiration <= INT64_MAX or not 0 <= timestamp <= INT64_MAX:
        raise InvalidTransaction(
            "raw_data needs an expiration, in milliseconds since 1970, and a timestamp not below zero"
        )
    if not 0 <= fee_limit <= INT64_MAX:
        raise InvalidTransaction("fee_limit is negative or above 2^63 - 1")
    if not 0 <= permission_id <= _MAX_PERMISSION:
        raise InvalidTransaction("Permission_id is negative or above 2^31 - 1")
    fields = FIELDS.get(contract)
    values: Values | None
    if fields is None:
        assert isinstance(value, bytes)
        values, owner = None, _owner(contract, value)
    else:
        if isinstance(value, bytes):
            values = schema.decode(fields, value, contract)
        else:
            values, value = value, schema.encode(fields, value)
        owner = values.get("owner_address", b"")
        if not owner:
            raise InvalidTransaction(f"the {contract} names no owner_address: nobody's signature would count")
    return RawData(
        ref_block_bytes,
        ref_block_hash,
        expiration,
        timestamp,
        contract,
        value,
        values,
        owner,
        data,
        fee_limit,
        permission_id,
    )


def _owner(contract: str, value: bytes) -> bytes:
    wanted = OWNER_FIELD.get(contract, 1)
    try:
        found = [item for number, _, item in protobuf.parse(value) if number == wanted]
    except InvalidTransaction:
        raise
    except ValueError:
        found = []
    if len(found) != 1 or not isinstance(found[0], bytes) or len(found[0]) != 21 or found[0][0] != addresses.PREFIX:
        raise InvalidTransaction(f"cannot tell whose transaction this {contract} is: it names no owner_address")
    return found[0]


def encode_transaction(body: bytes, signatures: tuple[bytes, ...]) -> bytes:
    """A signed transaction's bytes: ``raw_data`` is field 1, each 65-byte signature a field 2."""
    return protobuf.message_field(1, body) + b"".join(protobuf.message_field(2, item) for item in signatures)


def decode_transaction(raw: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The ``raw_data`` bytes and signatures of a transaction; results that a node added (field 5) are left out."""
    if len(raw) > MAX_SIZE:
        raise InvalidTransaction(f"a TRON transaction has at most {MAX_SIZE} bytes; these are {len(raw)}")
    fields = schema.single(
        raw, {1: LENGTH_DELIMITED, 2: LENGTH_DELIMITED, 5: LENGTH_DELIMITED}, "the transaction", repeated=(2, 5)
    )
    if 1 not in fields:
        raise InvalidTransaction("the transaction has no raw_data")
    return fields[1], tuple(fields.get(2, ()))
