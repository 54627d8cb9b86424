"""ZKsync's own transactions, type 113 (``0x71``): signed as EIP-712 typed data, and able to let a paymaster pay the fee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import rlp
from ...crypto.hashes import keccak256
from ...errors import InvalidTransaction, Unsupported
from .transaction import EvmTransaction, check_signature, read_item_bytes, read_item_uint

__all__ = ["GAS_PER_PUBDATA", "TYPE", "ZksyncTransaction", "decode_zksync"]

TYPE: Final = 113
GAS_PER_PUBDATA: Final = 50_000  # what the network's libraries state where the caller does not
_FIELDS: Final = 16
_DOMAIN: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId)")
_STRUCT: Final = keccak256(
    b"Transaction(uint256 txType,uint256 from,uint256 to,uint256 gasLimit,uint256 gasPerPubdataByteLimit,"
    b"uint256 maxFeePerGas,uint256 maxPriorityFeePerGas,uint256 paymaster,uint256 nonce,uint256 value,bytes data,"
    b"bytes32[] factoryDeps,bytes paymasterInput)"
)
_NAME: Final = keccak256(b"zkSync") + keccak256(b"2")


@dataclass(frozen=True, slots=True)
class ZksyncTransaction(EvmTransaction):
    """An unsigned transaction of type 113. ``sender`` has 20 bytes; so has ``paymaster``, or none where the sender pays.

    ``gas_per_pubdata`` is the most gas that a byte of published data may cost. Contracts are not created here, so there
    are no factory dependencies. Raises :class:`~multiwallet.errors.InvalidTransaction`.
    """

    sender: bytes = b""
    gas_per_pubdata: int = GAS_PER_PUBDATA
    paymaster: bytes = b""
    paymaster_input: bytes = b""

    def _check_type(self) -> None:
        if self.type != TYPE or self.chain_id is None:
            raise InvalidTransaction(f"a transaction of ZKsync's own kind has type {TYPE} and a chain id")
        if self.gas_price or self.access_list or self.blob_hashes or self.authorizations:
            raise InvalidTransaction(
                f"a type {TYPE} transaction has no gas price, access list, blobs or authorizations"
            )
        if len(self.sender) != 20 or len(self.to) != 20:
            raise InvalidTransaction(f"a type {TYPE} transaction names its sender and its recipient, 20 bytes each")
        if len(self.paymaster) not in (0, 20):
            raise InvalidTransaction(f"a paymaster has 20 bytes, not {len(self.paymaster)}")
        if self.paymaster_input and not self.paymaster:
            raise InvalidTransaction("paymasterInput is for a paymaster, and there is none")
        if not 0 <= self.gas_per_pubdata < 1 << 64:
            raise InvalidTransaction("gasPerPubdata is at least 0 and below 2^64")

    def _listed(self, signature: bytes) -> bytes:
        assert self.chain_id is not None
        uint, text = rlp.encode_uint_item, rlp.encode_bytes
        start = uint(self.nonce) + uint(self.max_priority_fee_per_gas) + uint(self.max_fee_per_gas) + uint(self.gas)
        payment = text(self.to) + uint(self.value) + text(self.data)
        chain = uint(self.chain_id) + b"\x80\x80" + uint(self.chain_id)  # where other types have v, r and s
        paymaster = rlp.encode([self.paymaster, self.paymaster_input] if self.paymaster else [])
        end = text(self.sender) + uint(self.gas_per_pubdata) + b"\xc0" + text(signature) + paymaster
        return bytes((TYPE,)) + rlp.encode_list_payload(start + payment + chain + end)

    def unsigned(self) -> bytes:
        """The type byte and the RLP list with an empty signature. What is signed is :meth:`preimage`."""
        return self._listed(b"")

    def preimage(self) -> bytes:
        """What is signed, after Keccak-256: the typed data ``Transaction`` of the domain zkSync, version 2."""
        assert self.chain_id is not None
        numbers = (
            TYPE,
            int.from_bytes(self.sender, "big"),
            int.from_bytes(self.to, "big"),
            self.gas,
            self.gas_per_pubdata,
            self.max_fee_per_gas,
            self.max_priority_fee_per_gas,
            int.from_bytes(self.paymaster, "big"),
            self.nonce,
            self.value,
        )
        words = b"".join(number.to_bytes(32, "big") for number in numbers)
        tail = keccak256(self.data) + keccak256(b"") + keccak256(self.paymaster_input)
        domain = keccak256(_DOMAIN + _NAME + self.chain_id.to_bytes(32, "big"))
        return b"\x19\x01" + domain + keccak256(_STRUCT + words + tail)

    def signed(self, signature: bytes) -> bytes:
        """The bytes that travel, from a 65-byte signature: r, s, and the recovery id 0 or 1; InvalidTransaction else."""
        check_signature(signature)
        return self._listed(signature[:64] + bytes((27 + signature[64],)))

    def identity(self, raw: bytes, signature: bytes) -> bytes:
        """The 32-byte id: Keccak-256 of what was signed and of the signature, each hashed."""
        travelling = signature[:64] + bytes((27 + signature[64],))
        return keccak256(keccak256(self.preimage()) + keccak256(travelling))


def decode_zksync(items: list[rlp.Decoded]) -> tuple[ZksyncTransaction, bytes]:
    """The transaction of the RLP items, and its signature as r, s and the recovery id; empty where it is not signed."""
    if len(items) != _FIELDS:
        raise InvalidTransaction(f"a type {TYPE} transaction has {_FIELDS} fields, not {len(items)}")
    chain_id = read_item_uint("the chain id", items[10])
    if items[7:10] != [items[10], b"", b""]:
        raise InvalidTransaction(f"a type {TYPE} transaction has the chain id, and two empty fields, before its sender")
    if items[13] != []:
        raise Unsupported("a transaction that brings contract code (factoryDeps) is not signed here")
    paymaster = items[15]
    if not isinstance(paymaster, list) or len(paymaster) not in (0, 2):
        raise InvalidTransaction("a paymaster is an address with its input, or an empty list")
    payer, payer_input = paymaster or (b"", b"")
    if paymaster and payer == b"":
        raise InvalidTransaction("a paymaster is an address with its input, or an empty list")
    transaction = ZksyncTransaction(
        type=TYPE,
        chain_id=chain_id,
        nonce=read_item_uint("the nonce", items[0]),
        max_priority_fee_per_gas=read_item_uint("max_priority_fee_per_gas", items[1]),
        max_fee_per_gas=read_item_uint("max_fee_per_gas", items[2]),
        gas=read_item_uint("gas", items[3]),
        to=read_item_bytes("the recipient", items[4]),
        value=read_item_uint("the value", items[5]),
        data=read_item_bytes("the data", items[6]),
        sender=read_item_bytes("the sender", items[11], 20),
        gas_per_pubdata=read_item_uint("gasPerPubdata", items[12]),
        paymaster=read_item_bytes("the paymaster", payer),
        paymaster_input=read_item_bytes("paymasterInput", payer_input),
    )
    signature = read_item_bytes("the signature", items[14])
    if not signature:
        return transaction, b""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise InvalidTransaction("the signature has 65 bytes, the last of them 27 or 28: others are a contract's")
    plain = signature[:64] + bytes((signature[64] - 27,))
    check_signature(plain)
    return transaction, plain
