"""The transactions of Stacks (SIP-005): a token transfer of a standard, single-signature account."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from multiwallet.errors import InvalidTransaction

__all__ = ["SIZE", "Transfer"]

SIZE = 180
"""Every transfer has so many bytes, which is what its fee is reckoned from."""

_STANDARD, _P2PKH, _COMPRESSED, _ANY_BLOCK, _DENY, _TRANSFER, _PRINCIPAL = 4, 0, 0, 3, 2, 0, 5
_UNSIGNED = bytes(65)
_MEMO = 34


def sha512_256(data: bytes) -> bytes:
    return hashlib.new("sha512_256", data).digest()


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer. ``version`` and ``chain_id`` tell the network; ``signer`` and ``recipient`` are 20-byte hashes.

    ``signature`` is the recovery id, r and s: 65 bytes, zeros while it is not signed.
    """

    version: int
    chain_id: int
    signer: bytes
    nonce: int
    fee: int
    recipient_version: int
    recipient: bytes
    amount: int
    memo: bytes = b""
    signature: bytes = _UNSIGNED

    def encode(self) -> bytes:
        """The bytes that travel."""
        if len(self.memo) > _MEMO:
            raise InvalidTransaction(f"a memo has at most {_MEMO} bytes")
        try:
            return b"".join(
                (
                    bytes((self.version,)),
                    self.chain_id.to_bytes(4, "big"),
                    bytes((_STANDARD, _P2PKH)),
                    self.signer,
                    self.nonce.to_bytes(8, "big"),
                    self.fee.to_bytes(8, "big"),
                    bytes((_COMPRESSED,)),
                    self.signature,
                    bytes((_ANY_BLOCK, _DENY)),
                    bytes(4),  # no post-conditions: a transfer of the coin needs none
                    bytes((_TRANSFER, _PRINCIPAL, self.recipient_version)),
                    self.recipient,
                    self.amount.to_bytes(8, "big"),
                    self.memo.ljust(_MEMO, b"\0"),
                )
            )
        except OverflowError as error:
            raise InvalidTransaction("nonce, fee and amount are below 2^64") from error

    @classmethod
    def decode(cls, data: bytes) -> Transfer:
        """Read a transfer; InvalidTransaction for every other transaction and for bytes that are none."""
        if len(data) != SIZE:
            raise InvalidTransaction(f"a transfer has {SIZE} bytes, not {len(data)}")
        fixed = (data[5], data[6], data[43], data[109], data[110], data[111:115], data[115], data[116])
        if fixed != (_STANDARD, _P2PKH, _COMPRESSED, _ANY_BLOCK, _DENY, bytes(4), _TRANSFER, _PRINCIPAL):
            raise InvalidTransaction(
                "this is no plain transfer of a single-signature account, and no other is read here"
            )
        return cls(
            version=data[0],
            chain_id=int.from_bytes(data[1:5], "big"),
            signer=data[7:27],
            nonce=int.from_bytes(data[27:35], "big"),
            fee=int.from_bytes(data[35:43], "big"),
            signature=data[44:109],
            recipient_version=data[117],
            recipient=data[118:138],
            amount=int.from_bytes(data[138:146], "big"),
            memo=data[146:].rstrip(b"\0"),
        )

    def digest(self) -> bytes:
        """The 32 bytes that are signed: of the transfer without nonce, fee and signature, then with both numbers."""
        bare = replace(self, nonce=0, fee=0, signature=_UNSIGNED).encode()
        numbers = self.fee.to_bytes(8, "big") + self.nonce.to_bytes(8, "big")
        return sha512_256(sha512_256(bare) + bytes((_STANDARD,)) + numbers)

    @property
    def is_signed(self) -> bool:
        """Whether a signature is there."""
        return self.signature != _UNSIGNED

    @property
    def txid(self) -> str:
        """The id that explorers show, without ``0x``."""
        return sha512_256(self.encode()).hex()
