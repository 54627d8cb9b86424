"""What an account holds: Gram, and jettons by their minter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Asset
from ...chain import Balance, Holder, Network
from ...errors import AmountError, BadResponse, InputError, InvalidAddress, MultiwalletError
from ...ops import Op, ask, attempt
from . import answers
from .addresses import Address, parse
from .jettons import OnChain, onchain_content

__all__ = ["JettonWallet", "asset", "balance", "jetton_wallets", "minter_of"]

_DEFAULT_DECIMALS: Final = 9  # TEP-64, where nothing is said


def minter_of(network: Network, asset: Asset) -> Address:
    """The minter of a jetton; InputError for another kind of asset."""
    if asset.network_id != network.id or asset.namespace != "jetton":
        raise AmountError(f"{asset.id[:120]} is no jetton of {network.title}: those are {network.id}/jetton:EQ...")
    return parse(asset.reference, testnet=network.testnet)[0]


@dataclass(frozen=True, slots=True)
class JettonWallet:
    """One owner's wallet contract of one jetton, and what is in it."""

    address: Address
    balance: int


def jetton_wallets(network: Network, owner: Address, minters: list[Address]) -> Op[list[JettonWallet]]:
    """The owner's wallet of each minter: its address from the minter, its balance and its own word about both.

    Only the minter's code knows the address of a jetton wallet, so the node is believed in that; that the contract
    there names this owner and this minter is checked, where there is one.
    """
    found = yield from ask(*(answers.method(network, minter, "get_wallet_address", owner) for minter in minters))
    places = [
        answers.address_of(answers.run(answer, "get_wallet_address"), 0, "get_wallet_address") for answer in found
    ]
    return (yield from wallet_states(network, owner, minters, places))


def wallet_states(
    network: Network, owner: Address, minters: list[Address], places: list[Address]
) -> Op[list[JettonWallet]]:
    """What is in jetton wallets at known addresses; zero where none was deployed."""
    effects = [answers.account_request(network, place) for place in places]
    calls = [answers.method(network, place, "get_wallet_data") for place in places]
    outcomes = yield from attempt(*effects, *calls)
    result = []
    for position, (minter, place) in enumerate(zip(minters, places, strict=True)):
        account = answers.account(outcomes[position])
        if account.status != "active":
            result.append(JettonWallet(place, 0))
            continue
        name = "get_wallet_data"
        stack = answers.run(outcomes[len(places) + position], name)
        held = answers.integer_of(stack, 0, name)
        if answers.address_of(stack, 1, name) != owner or answers.address_of(stack, 2, name) != minter:
            raise BadResponse(
                f"the contract {place.raw} is not this account's wallet of that jetton: the node or the minter lies"
            )
        if held < 0:
            raise BadResponse(f"{name}: the balance is below zero")
        result.append(JettonWallet(place, held))
    return result


def balance(holder: Holder, asset: Asset) -> Op[Balance]:
    """Gram or a jetton of an account."""
    network = holder.network
    owner = parse(holder.address, testnet=network.testnet)[0]
    if asset == network.native:
        (answer,) = yield from ask(answers.account_request(network, owner))
        return Balance.of(network.native, answers.account(answer).balance)
    (found,) = yield from jetton_wallets(network, owner, [minter_of(network, asset)])
    return Balance.of(asset, found.balance)


def asset(network: Network, reference: str) -> Op[Asset]:
    """A jetton by its minter: symbol and decimals from its content cell or, where that points elsewhere, the index.

    InvalidAddress where there is no minter; AmountError where nobody says the decimals.
    """
    minter, _ = parse(reference, testnet=network.testnet)
    call = answers.get(network, "metadata", address=minter.raw)
    said, indexed = yield from attempt(answers.method(network, minter, "get_jetton_data"), call)
    try:
        stack = answers.run(said, "get_jetton_data")
    except answers.MethodFailed:
        raise InvalidAddress(f"{minter.raw} is no jetton minter") from None
    try:
        content = onchain_content(answers.cell_of(stack, 3, "get_jetton_data"))
    except InputError:
        content = OnChain(None, None, None)
    identity = f"{network.id}/jetton:{minter.text(bounceable=True, test_only=network.testnet)}"
    symbol, decimals = content.symbol, content.decimals
    if decimals is None or symbol is None:
        other_symbol, other_decimals = _indexed(indexed)
        symbol, decimals = symbol or other_symbol, decimals or other_decimals
        if decimals is None and content.symbol is not None and content.uri is None:
            decimals = str(_DEFAULT_DECIMALS)
    if decimals is None:
        raise AmountError(
            "this jetton keeps its decimals off the chain and the index does not know them: "
            f'give the asset itself, Asset("{identity}", symbol, decimals)'
        )
    if not (decimals.isascii() and decimals.isdigit() and len(decimals) <= 3 and int(decimals) <= 255):
        raise BadResponse("the jetton's decimals are no number from 0 to 255")
    shown = "".join(character for character in symbol or "" if character.isprintable())[:64]
    return Asset(identity, shown or "JETTON", int(decimals))


def _indexed(outcome: Any) -> tuple[str | None, str | None]:
    """Symbol and decimals as the index fetched them; None for what it does not say."""
    if isinstance(outcome, MultiwalletError) or not isinstance(outcome, dict) or len(outcome) != 1:
        return None, None
    (entry,) = outcome.values()
    known = entry.get("token_info") if isinstance(entry, dict) else None
    for item in known if isinstance(known, list) else ():
        if not isinstance(item, dict) or item.get("type") != "jetton_masters":
            continue
        extra = item.get("extra")
        decimals = extra.get("decimals") if isinstance(extra, dict) else None
        symbol = item.get("symbol")
        if isinstance(decimals, int) and not isinstance(decimals, bool):
            decimals = str(decimals)
        return (
            symbol if isinstance(symbol, str) and symbol else None,
            decimals if isinstance(decimals, str) and decimals else None,
        )
    return None, None
