"""What a transaction does, from its bytes: known transfers by name, everything else with a warning."""

from __future__ import annotations

from typing import Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...errors import InputError
from ...transactions import Action, Fee, Summary
from . import addresses
from .functions import asset_id, parameters_of, read_reference, transfers_of
from .move_values import decode_argument
from .raw_transaction import EntryFunction, RawTransaction, Script, SigningMessage

__all__ = ["describe"]

_DEAR: Final = 10**8  # one APT
_SHOWN: Final = 20


def describe(network: Network, message: SigningMessage, fee: Fee, assets: tuple[Asset, ...]) -> Summary:
    """The summary of a transaction; ``assets`` give the decimals of tokens."""
    raw = message.raw
    warnings: list[str] = []
    payload = raw.payload
    actions: tuple[Action, ...]
    if isinstance(payload.executable, EntryFunction):
        actions = _function(network, payload.executable, assets, warnings)
    elif isinstance(payload.executable, Script):
        size = len(payload.executable.code)
        actions = (Action("script", details={"bytes": str(size), "code": payload.executable.code[:64].hex()}),)
        warnings.append("this runs code that the transaction brings along, and nobody can say here what it does")
    else:
        actions = (Action("execute-proposal", details={}),)
        warnings.append("this runs what was proposed to a multisig account on chain: look there what it is")
    if payload.multisig is not None:
        owner = addresses.from_bytes(payload.multisig)
        warnings.append(f"this acts for the multisig account {owner}: it spends that account's money")
    if message.secondary:
        others = ", ".join(addresses.from_bytes(address) for address in message.secondary)
        warnings.append(f"the called function also acts for {others}: it may spend what they have")
    if message.fee_payer == addresses.ZERO:
        warnings.append("it is not said yet who pays for the gas: whoever signs last does")
    if raw.max_fee > _DEAR:
        warnings.append(f"the fee may reach {Amount(raw.max_fee, network.native)}")
    return Summary(
        network.id, addresses.from_bytes(raw.sender), actions, fee, None, _details(message, raw), tuple(warnings)
    )


def _details(message: SigningMessage, raw: RawTransaction) -> dict[str, str]:
    nonce = raw.payload.replay_nonce
    details = {"sequence": str(raw.sequence_number)} if nonce is None else {"replay nonce": str(nonce)}
    details["expires"] = f"{raw.expiration} seconds since 1970"
    if message.fee_payer is not None:
        details["fee payer"] = addresses.from_bytes(message.fee_payer)
    return details


def _function(
    network: Network, function: EntryFunction, assets: tuple[Asset, ...], warnings: list[str]
) -> tuple[Action, ...]:
    transfers = transfers_of(function)
    if transfers is None:
        return (_call(function, warnings),)
    asset, reference = network.native, transfers.reference
    if reference:
        identity = asset_id(network, reference)
        stated = next((item for item in assets if item.id == identity), None)
        if stated is None:
            warnings.append(
                f"the decimals of {read_reference(reference)} are not known: amounts are in its smallest unit"
            )
        asset = stated or Asset(identity, "", 0)
    actions = []
    for to, units in transfers.payments:
        if addresses.is_special(addresses.to_bytes(to)):
            warnings.append(f"{to} is an address of the chain itself: what is sent there may be lost")
        details = {"units": str(units), "token": str(read_reference(reference))} if reference else {}
        actions.append(Action("transfer", to, Amount(units, asset), details))
    return tuple(actions)


def _call(function: EntryFunction, warnings: list[str]) -> Action:
    details = {"function": function.id}
    if function.type_arguments:
        details["types"] = ", ".join(map(str, function.type_arguments))[:400]
    types = parameters_of(function)
    if types is not None and function.function == "create_account":
        try:
            return Action("create-account", str(decode_argument(types[0], function.arguments[0])), None, details)
        except InputError:
            pass  # broken arguments: shown as the unknown call that it is
    for position, argument in enumerate(function.arguments[:_SHOWN]):
        details[f"argument {position}"] = "0x" + argument[:64].hex() + ("…" if len(argument) > 64 else "")
    warnings.append(
        f"{function.id} is not known here, and it may spend anything that the signers have: sign it only if you know it"
    )
    return Action("call", addresses.from_bytes(function.address), None, details)
