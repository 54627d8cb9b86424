"""The programs that every wallet calls: their addresses, and instructions for them.

System, SPL Token and Token-2022, Associated Token, Compute Budget and Memo. Numbers are little-endian.
"""

from __future__ import annotations

from typing import Final

from . import address
from .message import Account, Instruction

__all__ = [
    "ASSOCIATED_TOKEN",
    "COMPUTE_BUDGET",
    "COMPUTE_LIMIT",
    "MEMO",
    "MEMO_V1",
    "METADATA",
    "NATIVE_MINT",
    "SIGNATURE_PROGRAMS",
    "SYSTEM",
    "TOKEN",
    "TOKEN_2022",
    "associated_token_account",
    "create_associated_token_account",
    "memo",
    "set_compute_unit_limit",
    "set_compute_unit_price",
    "transfer",
    "transfer_checked",
]

COMPUTE_LIMIT: Final = 1_400_000
"""The most compute units that one transaction may use."""

SYSTEM: Final = bytes(32)
TOKEN: Final = address.parse("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022: Final = address.parse("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN: Final = address.parse("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
COMPUTE_BUDGET: Final = address.parse("ComputeBudget111111111111111111111111111111")
MEMO: Final = address.parse("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
MEMO_V1: Final = address.parse("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
METADATA: Final = address.parse("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s")  # Metaplex Token Metadata
NATIVE_MINT: Final = address.parse("So11111111111111111111111111111111111111112")  # wrapped SOL
SIGNATURE_PROGRAMS: Final = tuple(
    map(
        address.parse,
        (
            "Ed25519SigVerify111111111111111111111111111",
            "KeccakSecp256k11111111111111111111111111111",
            "Secp256r1SigVerify1111111111111111111111111",
        ),
    )
)
"""Programs that check signatures; each signature they check costs as much as one of the transaction's own."""


def transfer(source: bytes, destination: bytes, lamports: int) -> Instruction:
    """System ``Transfer``: lamports between accounts; ``source`` signs."""
    accounts = (Account(source, True, True), Account(destination, False, True))
    return Instruction(SYSTEM, accounts, b"\2\0\0\0" + lamports.to_bytes(8, "little"))


def transfer_checked(
    program: bytes, source: bytes, mint: bytes, destination: bytes, authority: bytes, units: int, decimals: int
) -> Instruction:
    """Token ``TransferChecked`` between token accounts of one mint; the chain checks ``decimals``."""
    accounts = (
        Account(source, False, True),
        Account(mint, False, False),
        Account(destination, False, True),
        Account(authority, True, False),
    )
    return Instruction(program, accounts, b"\x0c" + units.to_bytes(8, "little") + bytes((decimals,)))


def associated_token_account(owner: bytes, mint: bytes, program: bytes = TOKEN) -> bytes:
    """The address where ``owner`` keeps tokens of ``mint`` by convention; ``program`` is the mint's token program.

    >>> owner = address.parse("cfn3docDmY8d4XLGkhyzfi2XsqWq6j9YPPSaDtXLyEi")
    >>> mint = address.parse("2cNfSZKxkbZ3SGgk36t9qihqyVTyFhyhyhvHyscKa71i")
    >>> address.encode(associated_token_account(owner, mint))
    'Cf6wHMxc43amKGwzERpx1ahiRTZaxvzMrpGRvixPeGTb'
    """
    return address.find_program_address((owner, program, mint), ASSOCIATED_TOKEN)[0]


def create_associated_token_account(
    payer: bytes, account: bytes, owner: bytes, mint: bytes, program: bytes
) -> Instruction:
    """Associated Token ``CreateIdempotent``: make the account unless it is there; ``payer`` lends the rent."""
    accounts = (
        Account(payer, True, True),
        Account(account, False, True),
        Account(owner, False, False),
        Account(mint, False, False),
        Account(SYSTEM, False, False),
        Account(program, False, False),
    )
    return Instruction(ASSOCIATED_TOKEN, accounts, b"\1")


def set_compute_unit_limit(units: int) -> Instruction:
    """Compute Budget ``SetComputeUnitLimit``: the most compute units that the transaction may use.

    >>> set_compute_unit_limit(200_000).data.hex()
    '02400d0300'
    """
    return Instruction(COMPUTE_BUDGET, (), b"\2" + units.to_bytes(4, "little"))


def set_compute_unit_price(micro_lamports: int) -> Instruction:
    """Compute Budget ``SetComputeUnitPrice``: the priority fee in millionths of a lamport for a compute unit."""
    return Instruction(COMPUTE_BUDGET, (), b"\3" + micro_lamports.to_bytes(8, "little"))


def memo(text: str, signer: bytes | None = None) -> Instruction:
    """Memo (v2): a UTF-8 text that the chain keeps; with ``signer`` the chain checks who wrote it."""
    accounts = () if signer is None else (Account(signer, True, False),)
    return Instruction(MEMO, accounts, text.encode("utf-8"))
