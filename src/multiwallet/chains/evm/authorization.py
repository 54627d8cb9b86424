"""EIP-7702: the signed entries by which an account takes the code of a contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import rlp
from ...crypto.hashes import keccak256
from ...errors import InvalidTransaction

__all__ = ["Authorization", "authorization_preimage", "check_uint", "encode_authorization"]

_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_UINT64: Final = 1 << 64
_UINT256: Final = 1 << 256


@dataclass(frozen=True, slots=True)
class Authorization:
    """One signed entry of an EIP-7702 authorisation list: an account that takes the code of ``address``.

    ``chain_id`` 0 means every chain. The signature is kept as the numbers that travel; a wrong one makes the
    chain skip the entry and not the transaction.
    """

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int
    r: int
    s: int

    def __post_init__(self) -> None:
        check_uint("an authorization's chain id", self.chain_id, _UINT256)
        check_uint("an authorization's nonce", self.nonce, _UINT64)
        check_uint("an authorization's y parity", self.y_parity, 256)
        check_uint("an authorization's r", self.r, _UINT256)
        check_uint("an authorization's s", self.s, _UINT256)
        if len(self.address) != 20:
            raise InvalidTransaction(f"an authorization's address has 20 bytes, not {len(self.address)}")

    def authority(self) -> bytes | None:
        """The 20-byte address of the account that signed the entry; None where the signature fits nobody."""
        from .signature import recover_address

        if self.y_parity > 1 or not 0 < self.r < _ORDER or not 0 < self.s <= _HALF_ORDER:
            return None
        preimage = authorization_preimage(self.chain_id, self.address, self.nonce)
        compact = self.r.to_bytes(32, "big") + self.s.to_bytes(32, "big")
        return recover_address(compact + bytes((self.y_parity,)), keccak256(preimage))


def authorization_preimage(chain_id: int, address: bytes, nonce: int) -> bytes:
    """What an account signs (after Keccak-256) to take the code of ``address`` (20 bytes): EIP-7702.

    >>> authorization_preimage(1, bytes(20), 0).hex()
    '05d70194000000000000000000000000000000000000000080'
    """
    items = rlp.encode_uint_item(chain_id) + rlp.encode_bytes(address) + rlp.encode_uint_item(nonce)
    return b"\x05" + rlp.encode_list_payload(items)


def encode_authorization(entry: Authorization) -> bytes:
    """The RLP list of an entry, as it stands in a transaction."""
    uint = rlp.encode_uint_item
    return rlp.encode_list_payload(
        uint(entry.chain_id)
        + rlp.encode_bytes(entry.address)
        + uint(entry.nonce)
        + uint(entry.y_parity)
        + uint(entry.r)
        + uint(entry.s)
    )


def check_uint(what: str, value: int, limit: int) -> None:
    """InvalidTransaction unless ``value`` is a number below ``limit``."""
    if not 0 <= value < limit:
        shown = str(value) if value.bit_length() <= 264 else f"a number of {value.bit_length()} bits"
        raise InvalidTransaction(f"{what} is {shown}: it must be at least 0 and below 2^{(limit + 1).bit_length() - 1}")
