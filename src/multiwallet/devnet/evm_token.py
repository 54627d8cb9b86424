"""The devnet's token: an ERC-20 (EIP-20) written in assembly, which TRON's engine runs as TRC-20 too.

Its storage is laid out as Solidity would: slot 0 holds the mapping of balances, 1 that of allowances, 2 the total
supply, 3 the minter. ``mint(address,uint256)`` is the minter's alone, who is whoever deployed the contract; it is
what the devnet's faucet calls. An allowance of 2^256 - 1 is never used up. Failures revert with ``Error(string)``.
"""

from __future__ import annotations

from typing import Final

from ..codec import abi
from ..crypto.hashes import keccak256
from ..errors import InputError
from .evm_assembler import assemble

__all__ = ["ABI", "token_bytecode", "token_runtime"]

# Where the functions keep their arguments in memory; hashing uses the first 64 bytes.
_FROM, _TO, _AMOUNT, _SPENDER = 0x80, 0xA0, 0xC0, 0xE0
_TRANSFER = f"0x{keccak256(b'Transfer(address,address,uint256)').hex()}"
_APPROVAL = f"0x{keccak256(b'Approval(address,address,uint256)').hex()}"

_REASONS: Final = {
    "balance": "ERC20: transfer amount exceeds balance",
    "allowance": "ERC20: insufficient allowance",
    "to_zero": "ERC20: transfer to the zero address",
    "approve_zero": "ERC20: approve to the zero address",
    "mint_zero": "ERC20: mint to the zero address",
    "minter": "ERC20: caller is not the minter",
}


def _selector(signature: str) -> str:
    return f"0x{abi.selector(signature).hex()}"


def _address(position: int, place: int) -> str:
    """Argument ``position`` is an address: kept at ``place``, and refused if its upper 12 bytes are not zero."""
    return f"{4 + 32 * position} CALLDATALOAD DUP1 160 SHR @refuse JUMPI {place} MSTORE"


def _number(position: int, place: int) -> str:
    return f"{4 + 32 * position} CALLDATALOAD {place} MSTORE"


def _arguments(count: int) -> str:
    return f"{4 + 32 * count} CALLDATASIZE LT @refuse JUMPI"


def _balance_slot(owner: int) -> str:
    return f"{owner} MLOAD 0 MSTORE 0 0x20 MSTORE 0x40 0 KECCAK256"


def _allowance_slot(owner: int, spender: int) -> str:
    return (
        f"{owner} MLOAD 0 MSTORE 1 0x20 MSTORE 0x40 0 KECCAK256 0x20 MSTORE {spender} MLOAD 0 MSTORE 0x40 0 KECCAK256"
    )


_ANSWER: Final = "0 MSTORE 0x20 0 RETURN"


def _program(symbol: bytes, name: bytes, decimals: int) -> str:
    functions = {
        "name()": "name",
        "symbol()": "symbol",
        "decimals()": "decimals",
        "totalSupply()": "supply",
        "balanceOf(address)": "balance_of",
        "allowance(address,address)": "allowance",
        "transfer(address,uint256)": "transfer",
        "approve(address,uint256)": "approve",
        "transferFrom(address,address,uint256)": "transfer_from",
        "mint(address,uint256)": "mint",
    }
    dispatch = " ".join(f"DUP1 {_selector(text)} EQ @{label} JUMPI" for text, label in functions.items())
    texts = " ".join(
        f"{label}: {len(blob)} @{label}_text 0 CODECOPY {len(blob)} 0 RETURN"
        for label, blob in (("name", name), ("symbol", symbol))
    )
    failures = " ".join(
        f"fail_{label}: {len(_reason(text))} @reason_{label} 0 CODECOPY {len(_reason(text))} 0 REVERT"
        for label, text in _REASONS.items()
    )
    return f"""
        CALLVALUE @refuse JUMPI                  # no function takes coins
        4 CALLDATASIZE LT @refuse JUMPI
        0 CALLDATALOAD 224 SHR
        {dispatch}
        refuse: 0 0 REVERT

        decimals: {decimals} {_ANSWER}
        supply: 2 SLOAD {_ANSWER}
        balance_of: {_arguments(1)} {_address(0, _FROM)} {_balance_slot(_FROM)} SLOAD {_ANSWER}
        allowance: {_arguments(2)} {_address(0, _FROM)} {_address(1, _SPENDER)}
            {_allowance_slot(_FROM, _SPENDER)} SLOAD {_ANSWER}

        transfer: {_arguments(2)} {_address(0, _TO)} {_number(1, _AMOUNT)} CALLER {_FROM} MSTORE @move JUMP

        transfer_from: {_arguments(3)} {_address(0, _FROM)} {_address(1, _TO)} {_number(2, _AMOUNT)}
            CALLER {_SPENDER} MSTORE
            {_allowance_slot(_FROM, _SPENDER)} DUP1 SLOAD        # slot allowed
            DUP1 NOT ISZERO @move JUMPI                          # without limit
            {_AMOUNT} MLOAD DUP2 LT @fail_allowance JUMPI
            {_AMOUNT} MLOAD SWAP1 SUB SWAP1 SSTORE
            @move JUMP

        move: {_TO} MLOAD ISZERO @fail_to_zero JUMPI
            {_balance_slot(_FROM)} DUP1 SLOAD                    # slot held
            {_AMOUNT} MLOAD DUP2 LT @fail_balance JUMPI
            {_AMOUNT} MLOAD SWAP1 SUB SWAP1 SSTORE
        credit: {_balance_slot(_TO)} DUP1 SLOAD {_AMOUNT} MLOAD ADD SWAP1 SSTORE
            {_TO} MLOAD {_FROM} MLOAD {_TRANSFER} 0x20 {_AMOUNT} LOG3
        done: 1 {_ANSWER}

        approve: {_arguments(2)} {_address(0, _SPENDER)} {_number(1, _AMOUNT)} CALLER {_FROM} MSTORE
            {_SPENDER} MLOAD ISZERO @fail_approve_zero JUMPI
            {_AMOUNT} MLOAD {_allowance_slot(_FROM, _SPENDER)} SSTORE
            {_SPENDER} MLOAD {_FROM} MLOAD {_APPROVAL} 0x20 {_AMOUNT} LOG3
            @done JUMP

        mint: {_arguments(2)} {_address(0, _TO)} {_number(1, _AMOUNT)} 0 {_FROM} MSTORE
            3 SLOAD CALLER EQ ISZERO @fail_minter JUMPI
            {_TO} MLOAD ISZERO @fail_mint_zero JUMPI
            2 SLOAD DUP1 {_AMOUNT} MLOAD ADD                     # total, total with the new ones
            DUP1 DUP3 GT @fail_overflow JUMPI
            2 SSTORE POP
            @credit JUMP

        {texts}
        {failures}
        fail_overflow: 36 @overflow 0 CODECOPY 36 0 REVERT
    """


def _reason(text: str) -> bytes:
    return abi.encode_call("Error(string)", (text,))


def token_runtime(symbol: str, decimals: int) -> bytes:
    """The code of a token as it stands on chain. Raises InputError for a symbol or decimals that no token has.

    >>> len(token_runtime("TEST", 6)) < 2048
    True
    """
    if not 1 <= len(symbol.encode()) <= 64 or not 0 <= decimals <= 255:
        raise InputError("a token has a symbol of 1 to 64 bytes and 0 to 255 decimals")
    texts = {
        "name_text": abi.encode(("string",), (f"{symbol} of the devnet",)),
        "symbol_text": abi.encode(("string",), (symbol,)),
    }
    blobs = {f"reason_{label}": _reason(text) for label, text in _REASONS.items()}
    overflow = {"overflow": abi.encode_call("Panic(uint256)", (0x11,))}
    return assemble(_program(texts["symbol_text"], texts["name_text"], decimals), {**texts, **blobs, **overflow})


def token_bytecode(symbol: str, decimals: int) -> bytes:
    """What a transaction that creates the token carries: a constructor that notes the minter, then the runtime."""
    runtime = token_runtime(symbol, decimals)
    size = len(runtime)
    return assemble(f"CALLER 3 SSTORE {size} @runtime 0 CODECOPY {size} 0 RETURN", {"runtime": runtime})


def _function(name: str, inputs: str, outputs: str, mutability: str) -> dict[str, object]:
    def parameters(types: str) -> list[dict[str, str]]:
        return [{"name": "", "type": kind} for kind in types.split()]

    return {
        "type": "function",
        "name": name,
        "inputs": parameters(inputs),
        "outputs": parameters(outputs),
        "stateMutability": mutability,
    }


def _event(name: str, first: str, second: str) -> dict[str, object]:
    fields = ((first, "address", True), (second, "address", True), ("value", "uint256", False))
    return {
        "type": "event",
        "name": name,
        "anonymous": False,
        "inputs": [{"name": field, "type": kind, "indexed": indexed} for field, kind, indexed in fields],
    }


ABI: Final[tuple[dict[str, object], ...]] = (
    _function("name", "", "string", "view"),
    _function("symbol", "", "string", "view"),
    _function("decimals", "", "uint8", "view"),
    _function("totalSupply", "", "uint256", "view"),
    _function("balanceOf", "address", "uint256", "view"),
    _function("allowance", "address address", "uint256", "view"),
    _function("transfer", "address uint256", "bool", "nonpayable"),
    _function("approve", "address uint256", "bool", "nonpayable"),
    _function("transferFrom", "address address uint256", "bool", "nonpayable"),
    _function("mint", "address uint256", "bool", "nonpayable"),
    _event("Transfer", "from", "to"),
    _event("Approval", "owner", "spender"),
)
"""The token's interface in the JSON form that web3.py and ethers take."""
