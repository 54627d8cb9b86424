"""EVM transactions as values, and their bytes: legacy (with and without EIP-155) and EIP-2718 types 1 to 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from ...codec import rlp
from ...crypto.hashes import keccak256
from ...errors import InputError, InvalidTransaction, Unsupported
from .authorization import Authorization, check_uint, encode_authorization

__all__ = [
    "AccessList",
    "EvmTransaction",
    "check_signature",
    "decode_signed",
    "decode_unsigned",
    "read_item_bytes",
    "read_item_uint",
]

AccessList: TypeAlias = tuple[tuple[bytes, tuple[bytes, ...]], ...]
"""Addresses of 20 bytes, each with its storage keys of 32 bytes (EIP-2930)."""

GAS_PER_BLOB: Final = 131072
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_UINT64: Final = 1 << 64
_UINT256: Final = 1 << 256
_TYPED_FIELDS: Final = {1: 8, 2: 9, 3: 11, 4: 10}
_KNOWN_TYPES: Final = (0, 1, 2, 3, 4)
_ZKSYNC: Final = 0x71


@dataclass(frozen=True, slots=True)
class EvmTransaction:
    """An unsigned transaction. ``type`` is 0 to 4; ``to`` is 20 bytes, or empty to create a contract.

    Types 0 and 1 have ``gas_price``, the others ``max_fee_per_gas`` and ``max_priority_fee_per_gas``; all are in
    the coin's smallest unit. ``chain_id`` None is a legacy transaction from before EIP-155, valid on any chain.
    Raises :class:`~multiwallet.errors.InvalidTransaction` for values that no chain would take.
    """

    type: int
    chain_id: int | None
    nonce: int
    gas: int
    to: bytes
    value: int = 0
    data: bytes = b""
    gas_price: int = 0
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    access_list: AccessList = ()
    max_fee_per_blob_gas: int = 0
    blob_hashes: tuple[bytes, ...] = ()
    authorizations: tuple[Authorization, ...] = ()

    def __post_init__(self) -> None:
        if self.chain_id is None:
            if self.type:
                raise InvalidTransaction("only a legacy transaction (type 0) can go without a chain id")
        else:
            check_uint("the chain id", self.chain_id, _UINT256)
            if not self.chain_id:
                raise InvalidTransaction("a chain id is 1 or more")
        check_uint("the nonce", self.nonce, _UINT64 - 1)  # EIP-2681
        check_uint("gas", self.gas, _UINT64)
        check_uint("the value", self.value, _UINT256)
        check_uint("the gas price", self.gas_price, _UINT256)
        check_uint("max_fee_per_gas", self.max_fee_per_gas, _UINT256)
        check_uint("max_priority_fee_per_gas", self.max_priority_fee_per_gas, _UINT256)
        check_uint("max_fee_per_blob_gas", self.max_fee_per_blob_gas, _UINT256)
        if len(self.to) not in (0, 20):
            raise InvalidTransaction(f"a recipient has 20 bytes, not {len(self.to)}")
        if self.max_priority_fee_per_gas > self.max_fee_per_gas:
            raise InvalidTransaction(
                "max_priority_fee_per_gas is above max_fee_per_gas, which every node refuses: raise the latter"
            )
        self._check_type()

    def _check_type(self) -> None:
        if self.type not in _KNOWN_TYPES:
            raise InvalidTransaction(f"there is no transaction type {self.type!r}: the types are 0 to 4")
        if self.type >= 2 and self.gas_price:
            raise InvalidTransaction(f"a type {self.type} transaction has no gas price, but max_fee_per_gas")
        if self.type < 2 and self.max_fee_per_gas:
            raise InvalidTransaction(f"a type {self.type} transaction has no max_fee_per_gas, but a gas price")
        if self.type == 0 and self.access_list:
            raise InvalidTransaction("a legacy transaction has no access list: use type 1 or 2")
        if self.type == 3:
            if not self.blob_hashes or not all(len(h) == 32 and h[0] == 1 for h in self.blob_hashes):
                raise InvalidTransaction("a blob transaction needs versioned hashes of 32 bytes, each starting with 01")
        elif self.blob_hashes or self.max_fee_per_blob_gas:
            raise InvalidTransaction(f"a type {self.type} transaction carries no blobs")
        if self.type == 4:
            if not self.authorizations:
                raise InvalidTransaction("a type 4 transaction needs an authorization list with at least one entry")
        elif self.authorizations:
            raise InvalidTransaction(f"a type {self.type} transaction has no authorization list")
        if self.type >= 3 and not self.to:
            raise InvalidTransaction(f"a type {self.type} transaction cannot create a contract: it needs a recipient")

    @property
    def fee_per_gas(self) -> int:
        """The most that one gas can cost: the gas price or ``max_fee_per_gas``."""
        return self.max_fee_per_gas if self.type >= 2 else self.gas_price

    @property
    def maximum_fee(self) -> int:
        """What the fee can never exceed (a rollup's own data fee aside)."""
        return self.gas * self.fee_per_gas + len(self.blob_hashes) * GAS_PER_BLOB * self.max_fee_per_blob_gas

    def _payload(self) -> bytes:
        """The encoded items that come before the signature, joined."""
        uint = rlp.encode_uint_item
        end = rlp.encode_bytes(self.to) + uint(self.value) + rlp.encode_bytes(self.data)
        if not self.type:
            return uint(self.nonce) + uint(self.gas_price) + uint(self.gas) + end
        assert self.chain_id is not None
        if self.type == 1:
            start = uint(self.chain_id) + uint(self.nonce) + uint(self.gas_price)
        else:
            start = uint(self.chain_id) + uint(self.nonce)
            start += uint(self.max_priority_fee_per_gas) + uint(self.max_fee_per_gas)
        items = [start, uint(self.gas), end, rlp.encode([[address, keys] for address, keys in self.access_list])]
        if self.type == 3:
            items += [uint(self.max_fee_per_blob_gas), rlp.encode(self.blob_hashes)]
        elif self.type == 4:
            items.append(rlp.encode_list_payload(b"".join(encode_authorization(a) for a in self.authorizations)))
        return b"".join(items)

    def preimage(self) -> bytes:
        """What is signed, after Keccak-256."""
        return self.unsigned()

    def identity(self, raw: bytes, signature: bytes) -> bytes:
        """The 32-byte id of the transaction that travels as ``raw`` with this signature."""
        return keccak256(raw)

    def unsigned(self) -> bytes:
        """The type byte and the RLP list, without a signature."""
        payload = self._payload()
        if self.type:
            return bytes((self.type,)) + rlp.encode_list_payload(payload)
        if self.chain_id is not None:
            payload += rlp.encode_uint_item(self.chain_id) + b"\x80\x80"
        return rlp.encode_list_payload(payload)

    def signed(self, signature: bytes) -> bytes:
        """The bytes that travel, from a 65-byte signature: r, s, and the recovery id 0 or 1.

        Raises :class:`~multiwallet.errors.InvalidTransaction` for another length, a high s, or an id above 1.
        """
        parity, r, s = check_signature(signature)
        if self.type:
            v = parity
        else:
            v = parity + 27 if self.chain_id is None else parity + 35 + 2 * self.chain_id
        uint = rlp.encode_uint_item
        listed = rlp.encode_list_payload(self._payload() + uint(v) + uint(r) + uint(s))
        return bytes((self.type,)) + listed if self.type else listed


def decode_unsigned(raw: bytes) -> EvmTransaction:
    """Read what :meth:`EvmTransaction.unsigned` wrote; InvalidTransaction for anything else.

    >>> tx = EvmTransaction(2, 1, 7, 21000, bytes(20), 5, max_fee_per_gas=9, max_priority_fee_per_gas=2)
    >>> decode_unsigned(tx.unsigned()) == tx
    True
    """
    kind, items = _split(raw)
    if kind == _ZKSYNC:
        from .zksync import decode_zksync

        own, signature = decode_zksync(items)
        if signature:
            raise InvalidTransaction("this transaction is already signed: broadcast it, or pass its unsigned bytes")
        return own
    if kind:
        if len(items) == _TYPED_FIELDS[kind] + 3:
            raise InvalidTransaction("this transaction is already signed: broadcast it, or pass its unsigned bytes")
        return _typed(kind, items, _TYPED_FIELDS[kind])
    if len(items) == 6:
        return _legacy(items, None)
    if len(items) != 9:
        raise InvalidTransaction(f"a legacy transaction has 6 or 9 fields, not {len(items)}")
    if items[7] != b"" or items[8] != b"":
        raise InvalidTransaction("this transaction is already signed: broadcast it, or pass its unsigned bytes")
    return _legacy(items[:6], read_item_uint("the chain id", items[6]))


def decode_signed(raw: bytes) -> tuple[EvmTransaction, bytes]:
    """Read a signed transaction: what was signed, and the signature as 65 bytes (r, s, recovery id 0 or 1).

    The RLP must be canonical and s low (EIP-2). Raises :class:`~multiwallet.errors.InvalidTransaction`, and
    :class:`~multiwallet.errors.Unsupported` for a blob transaction that still carries its blobs.
    """
    kind, items = _split(raw)
    if kind == _ZKSYNC:
        from .zksync import decode_zksync

        own, signature = decode_zksync(items)
        if not signature:
            raise InvalidTransaction("this transaction is not signed yet")
        return own, signature
    if kind:
        count = _TYPED_FIELDS[kind]
        if kind == 3 and items and isinstance(items[0], list):
            raise Unsupported("a blob transaction is read without its blobs here: take the transaction out of the list")
        if len(items) == count:
            raise InvalidTransaction("this transaction is not signed yet")
        transaction = _typed(kind, items, count + 3)
        v, r, s = (read_item_uint("the signature", item) for item in items[count:])
        parity = v
    else:
        if len(items) != 9:
            raise InvalidTransaction(f"a signed legacy transaction has 9 fields, not {len(items)}")
        v, r, s = (read_item_uint("the signature", item) for item in items[6:])
        if not r and not s:
            raise InvalidTransaction("this transaction is not signed yet")
        if v in (27, 28):
            chain_id, parity = None, v - 27
        elif v >= 37:
            chain_id, parity = (v - 35) >> 1, (v - 35) & 1
        else:
            raise InvalidTransaction(f"v is {v}: it is 27 or 28, or 35 and more with the chain id (EIP-155)")
        transaction = _legacy(items[:6], chain_id)
    _check_signature(parity, r, s)
    return transaction, r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((parity,))


def check_signature(signature: bytes) -> tuple[int, int, int]:
    """The parity, r and s of a 65-byte signature; InvalidTransaction for one that no chain takes."""
    if len(signature) != 65:
        raise InvalidTransaction(f"a signature has 65 bytes here (r, s, recovery id), not {len(signature)}")
    r, s, parity = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    _check_signature(parity, r, s)
    return parity, r, s


def _check_signature(parity: int, r: int, s: int) -> None:
    if parity > 1:
        raise InvalidTransaction(f"the signature's y parity is {parity}: it is 0 or 1")
    if not 0 < r < _ORDER or not 0 < s < _ORDER:
        raise InvalidTransaction("the signature's r and s are numbers from 1 to n - 1")
    if s > _HALF_ORDER:
        raise InvalidTransaction("the signature's s is in the upper half, which EIP-2 refuses")


def _split(raw: bytes) -> tuple[int, list[rlp.Decoded]]:
    if not raw:
        raise InvalidTransaction("there are no bytes: this is no transaction")
    kind = raw[0]
    if kind < 0xC0:
        if kind not in _TYPED_FIELDS and kind != _ZKSYNC:
            raise InvalidTransaction(f"the first byte is {kind:#04x}: transaction types 1 to 4 are known here")
        raw = raw[1:]
    else:
        kind = 0
    try:
        items = rlp.decode(raw, max_depth=8)
    except InputError as error:
        raise InvalidTransaction(f"the transaction's RLP cannot be read: {error.message}") from error
    if not isinstance(items, list):
        raise InvalidTransaction("a transaction is an RLP list")
    return kind, items


def _legacy(items: list[rlp.Decoded], chain_id: int | None) -> EvmTransaction:
    return EvmTransaction(
        type=0,
        chain_id=chain_id,
        nonce=read_item_uint("the nonce", items[0]),
        gas_price=read_item_uint("the gas price", items[1]),
        gas=read_item_uint("gas", items[2]),
        to=read_item_bytes("the recipient", items[3]),
        value=read_item_uint("the value", items[4]),
        data=read_item_bytes("the data", items[5]),
    )


def _typed(kind: int, items: list[rlp.Decoded], count: int) -> EvmTransaction:
    if len(items) != count:
        raise InvalidTransaction(f"a type {kind} transaction has {count} fields here, not {len(items)}")
    priced = 3 if kind == 1 else 4  # where gas comes: after one price or two
    return EvmTransaction(
        type=kind,
        chain_id=read_item_uint("the chain id", items[0]),
        nonce=read_item_uint("the nonce", items[1]),
        gas_price=read_item_uint("the gas price", items[2]) if kind == 1 else 0,
        max_priority_fee_per_gas=read_item_uint("max_priority_fee_per_gas", items[2]) if kind > 1 else 0,
        max_fee_per_gas=read_item_uint("max_fee_per_gas", items[3]) if kind > 1 else 0,
        gas=read_item_uint("gas", items[priced]),
        to=read_item_bytes("the recipient", items[priced + 1]),
        value=read_item_uint("the value", items[priced + 2]),
        data=read_item_bytes("the data", items[priced + 3]),
        access_list=tuple(_access_entry(entry) for entry in _list("the access list", items[priced + 4])),
        max_fee_per_blob_gas=read_item_uint("max_fee_per_blob_gas", items[9]) if kind == 3 else 0,
        blob_hashes=tuple(read_item_bytes("a blob hash", h, 32) for h in _list("the blob hashes", items[10]))
        if kind == 3
        else (),
        authorizations=tuple(_authorization(entry) for entry in _list("the authorization list", items[9]))
        if kind == 4
        else (),
    )


def _access_entry(item: rlp.Decoded) -> tuple[bytes, tuple[bytes, ...]]:
    pair = _list("an entry of the access list", item)
    if len(pair) != 2:
        raise InvalidTransaction("an entry of the access list is an address and its storage keys")
    keys = tuple(read_item_bytes("a storage key", key, 32) for key in _list("the storage keys", pair[1]))
    return read_item_bytes("an address of the access list", pair[0], 20), keys


def _authorization(item: rlp.Decoded) -> Authorization:
    entry = _list("an authorization", item)
    if len(entry) != 6:
        raise InvalidTransaction(f"an authorization has 6 fields, not {len(entry)}")
    chain_id, nonce, parity, r, s = (read_item_uint("an authorization's number", entry[i]) for i in (0, 2, 3, 4, 5))
    return Authorization(chain_id, read_item_bytes("an authorization's address", entry[1], 20), nonce, parity, r, s)


def read_item_uint(what: str, item: rlp.Decoded) -> int:
    """A number from its RLP item; InvalidTransaction naming ``what``."""
    try:
        return rlp.decode_uint(item)
    except InputError as error:
        raise InvalidTransaction(f"{what}: {error.message}") from error


def read_item_bytes(what: str, item: rlp.Decoded, length: int | None = None) -> bytes:
    """Bytes, of a length where one is told, from their RLP item; InvalidTransaction naming ``what``."""
    if not isinstance(item, bytes):
        raise InvalidTransaction(f"{what} is a list where bytes are expected")
    if length is not None and len(item) != length:
        raise InvalidTransaction(f"{what} has {length} bytes, not {len(item)}")
    return item


def _list(what: str, item: rlp.Decoded) -> list[rlp.Decoded]:
    if not isinstance(item, list):
        raise InvalidTransaction(f"{what} must be a list")
    return item
