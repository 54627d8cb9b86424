"""What a transaction does, read from the bytes that are signed, with the sentences to read before signing."""

from __future__ import annotations

from typing import Final

from ...amounts import Amount
from ...chain import Action, Fee, Network, Summary, UnsignedTransaction
from ...codec import eip55
from .disperse import DisperseCall, decode_disperse
from .rules import rules_of
from .tokens import TokenCall, decode_call
from .transaction import EvmTransaction, decode_unsigned
from .zksync import ZksyncTransaction

__all__ = ["maximum_fee", "summarize"]

_ZERO: Final = eip55.checksum(bytes(20))
_UNLIMITED: Final = 1 << 127  # beyond any supply; wallets write "unlimited" as 2^256 - 1 or 2^160 - 1,
_UNLIMITED_96: Final = (1 << 96) - 1  # and for tokens that count in 96 bits as this
_LEAST_GAS: Final = 21000
_MOVES: Final = ("transfer", "transferFrom", "safeTransferFrom")
_APPROVALS: Final = ("approve", "increaseAllowance", "decreaseAllowance")


def maximum_fee(network: Network, transaction: EvmTransaction) -> Fee:
    """The fee that the bytes allow; what will be spent of it shows only on the chain."""
    amount = Amount(transaction.maximum_fee, network.native)
    details: dict[str, int] = {"gas": transaction.gas}
    if transaction.type < 2:
        details["gas_price"] = transaction.gas_price
    else:
        details["max_fee_per_gas"] = transaction.max_fee_per_gas
        details["max_priority_fee_per_gas"] = transaction.max_priority_fee_per_gas
    if transaction.type == 3:
        details["max_fee_per_blob_gas"] = transaction.max_fee_per_blob_gas
    return Fee(amount, amount, details)


def summarize(unsigned: UnsignedTransaction) -> Summary:
    """Decode an unsigned transaction's body: actions, fee and warnings."""
    transaction = decode_unsigned(unsigned.body)
    actions, warnings = _actions(unsigned, transaction)
    warnings += _general_warnings(unsigned.network, transaction)
    details = {"nonce": str(transaction.nonce), "gas": str(transaction.gas), "type": str(transaction.type)}
    if transaction.access_list:
        details["access list"] = f"{len(transaction.access_list)} addresses"
    if transaction.blob_hashes:
        details["blobs"] = str(len(transaction.blob_hashes))
    if isinstance(transaction, ZksyncTransaction) and transaction.paymaster:
        payer = eip55.checksum(transaction.paymaster)
        details["paymaster"] = payer
        warnings.append(f"Its fee is paid through the contract {payer}, which may take tokens for it.")
    data_fee = rules_of(unsigned.network).l1_fee
    if data_fee == "in-gas":
        details["data fee"] = "the rollup takes its fee for the transaction's bytes out of the gas"
    elif data_fee:
        details["data fee"] = "the rollup adds a fee for the transaction's bytes, which they do not state"
    return Summary(
        network=unsigned.network.id,
        sender=unsigned.sender,
        actions=tuple(actions),
        fee=maximum_fee(unsigned.network, transaction),
        memo=_text(transaction.data) if decode_call(transaction.data) is None else None,
        details=details,
        warnings=tuple(warnings),
    )


def _text(data: bytes) -> str | None:
    """The data as text, where it is printable UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if text and text.isprintable() else None


def _general_warnings(network: Network, transaction: EvmTransaction) -> list[str]:
    warnings = []
    if transaction.chain_id is None:
        warnings.append("It names no chain (it is from before EIP-155): anyone can repeat it on every EVM network.")
    if transaction.gas < _LEAST_GAS:
        warnings.append(f"Its gas is {transaction.gas}, and the cheapest transaction takes {_LEAST_GAS}.")
    if transaction.fee_per_gas > rules_of(network).absurd_gas_price:
        warnings.append(f"It offers {transaction.fee_per_gas // 10**9} gwei for a unit of gas, which is very much.")
    return warnings


def _actions(unsigned: UnsignedTransaction, transaction: EvmTransaction) -> tuple[list[Action], list[str]]:
    actions, warnings = _main_actions(unsigned, transaction)
    for entry in transaction.authorizations:
        authority = entry.authority()
        owner = "nobody (its signature is wrong)" if authority is None else eip55.checksum(authority)
        delegate = eip55.checksum(entry.address)
        chain = "every chain" if not entry.chain_id else str(entry.chain_id)
        actions.append(
            Action("delegate", delegate, None, {"account": owner, "chain": chain, "nonce": str(entry.nonce)})
        )
        if authority is not None and any(entry.address):
            warnings.append(f"It lets the code at {delegate} act as the account {owner}, over all that it holds.")
    return actions, warnings


def _main_actions(unsigned: UnsignedTransaction, transaction: EvmTransaction) -> tuple[list[Action], list[str]]:
    data = transaction.data
    value = Amount(transaction.value, unsigned.network.native)
    if not transaction.to:
        warnings = [] if data else ["It creates a contract without code: what it sends there is lost."]
        return [Action("create-contract", None, value if value else None, {"code": f"{len(data)} bytes"})], warnings
    to = eip55.checksum(transaction.to)
    call = decode_call(data)
    if call is not None:
        action, warnings = _token_action(unsigned, call, to)
        extra = [Action("transfer", to, value)] if value else []
        return [*extra, action], warnings
    dispersed = decode_disperse(data)
    if dispersed is not None:
        return _dispersed(unsigned, dispersed, to, value)
    warnings = [f"It pays to the zero address {_ZERO}, from which nothing comes back."] if to == _ZERO else []
    if not data or (_text(data) is not None and len(data) % 32 != 4):  # a call has a selector and whole words
        note = {"data": f"{len(data)} bytes of text, which a contract takes as a call"} if data else {}
        return [Action("transfer", to, value, note)], warnings
    details = {"selector": "0x" + data[:4].hex(), "data": f"{len(data)} bytes"}
    warnings.append(f"It calls the contract {to} with data that is not understood here.")
    return [Action("call", to, value if value else None, details)], warnings


def _dispersed(
    unsigned: UnsignedTransaction, call: DisperseCall, contract: str, value: Amount
) -> tuple[list[Action], list[str]]:
    """Every payment that the contract is told to pass on, and what it is handed for that."""
    warnings = [f"It trusts the contract {contract} to pass everything on: what that does is not in these bytes."]
    handed = Action(
        "call", contract, value if value else None, {"function": "disperse", "payments": str(len(call.payments))}
    )
    actions = [handed]
    for to, units in call.payments:
        details = {"through": contract}
        if call.token is None:
            amount: Amount | None = Amount(units, unsigned.network.native)
        else:
            details["token"] = call.token
            amount = _amount(unsigned, call.token, units, details)
        actions.append(Action("transfer", to, amount, details))
        if to == _ZERO:
            warnings.append(f"It pays to the zero address {_ZERO}, from which nothing comes back.")
    passed_on = call.total if call.token is None else 0
    if value.units != passed_on:
        stated = Amount(passed_on, unsigned.network.native)
        warnings.append(f"It hands the contract {value}, and the payments come to {stated}.")
    return actions, warnings


def _token_action(unsigned: UnsignedTransaction, call: TokenCall, contract: str) -> tuple[Action, list[str]]:
    name, arguments = call.name, call.arguments
    details = {"token": contract}
    warnings: list[str] = []
    if name in _MOVES:
        source, (to, units) = (None, arguments[:2]) if name == "transfer" else (str(arguments[0]), arguments[1:3])
        if source is not None and source != unsigned.sender:
            details["from"] = source
            warnings.append(f"It moves tokens of {source}, which is not the sender.")
        if to == contract:
            warnings.append("It sends tokens to their own contract, where they are most often lost.")
        if to == _ZERO:
            warnings.append(f"It sends tokens to the zero address {_ZERO}, from which nothing comes back.")
        if name == "safeTransferFrom":
            details["token id"] = str(units)
            if len(arguments) == 5:
                details["units"] = str(arguments[3])
            if len(arguments) > 3 and isinstance(extra := arguments[-1], bytes) and extra:
                details["data"] = f"0x{extra[:64].hex()}{'...' if len(extra) > 64 else ''}, {len(extra)} bytes"
                warnings.append("It hands the recipient's own code data that is not understood here.")
            return Action("transfer", str(to), None, details), warnings
        return Action("transfer", str(to), _amount(unsigned, contract, units, details), details), warnings
    if name in _APPROVALS and len(arguments) == 2:
        spender, units = arguments
        amount = _amount(unsigned, contract, units, details)
        kind = {"approve": "approve", "increaseAllowance": "raise-allowance"}.get(name, "lower-allowance")
        if _is_unlimited(units) and kind != "lower-allowance":
            amount = None
            details["units"] = "unlimited"
            warnings.append(f"It lets {spender} take all of this token, now and later, without limit.")
        return Action(kind, str(spender), amount, details), warnings
    if name == "setApprovalForAll":
        operator, allowed = arguments
        if allowed:
            warnings.append(f"It lets {operator} take every token of this collection, now and later.")
        return Action("approve-all" if allowed else "revoke-all", str(operator), None, details), warnings
    if name == "approve":  # Permit2: token, spender, amount, expiration
        token, spender, units, until = arguments
        details = {"token": str(token), "through": contract, "until": f"{until} (Unix time)"}
        amount = _amount(unsigned, str(token), units, details)
        if _is_unlimited(units):
            amount = None
            details["units"] = "unlimited"
            warnings.append(f"It lets {spender} take all of the token {token}, without limit.")
        return Action("approve", str(spender), amount, details), warnings
    owner, spender, units = arguments[:3]  # permit: an approval that its owner has signed before
    details["owner"] = str(owner)
    amount = _amount(unsigned, contract, units, details)
    if _is_unlimited(units):
        amount = None
        details["units"] = "unlimited"
        warnings.append(f"It lets {spender} take all of this token from {owner}, now and later, without limit.")
    return Action("permit", str(spender), amount, details), warnings


def _is_unlimited(units: object) -> bool:
    return isinstance(units, int) and (units >= _UNLIMITED or units == _UNLIMITED_96)


def _amount(unsigned: UnsignedTransaction, contract: str, units: object, details: dict[str, str]) -> Amount | None:
    """The amount in whole units where the token is among the stated ones. The raw units are a detail in either case:
    they alone stand in the bytes, the decimals are what the builder says."""
    assert isinstance(units, int)
    details["units"] = str(units)
    wanted = f"{unsigned.network.id}/erc20:{contract}".lower()
    for asset in unsigned.assets:
        if asset.id.lower() == wanted:
            return Amount(units, asset)
    return None
