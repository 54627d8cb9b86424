"""What a node knows of a network, a token and an account: genesis hash, mint, balances."""

from __future__ import annotations

from ...amounts import Asset
from ...chain import Holder, Network
from ...errors import BadResponse, InputError, Unsupported
from ...ops import Op, ask
from ...transactions import Balance
from . import accounts, address, decode, programs
from .build import COMMITMENT, account_info, rpc

__all__ = ["asset", "balance", "identify"]


def identify(network: Network) -> Op[None]:
    """Compare the endpoint's genesis hash with the network's."""
    (answer,) = yield from ask(rpc(network, "getGenesisHash"))
    if not isinstance(answer, str):
        raise accounts.bad("getGenesisHash", "no hash")
    expected = network.params.get("genesis")
    same = answer == expected if expected else answer[:32] == network.reference  # CAIP-2: its first 32 characters
    if not same:
        raise BadResponse(
            f"the endpoint speaks for another chain: its genesis hash is {answer[:44]!r}, "
            f"that of {network.title} is {expected or network.reference}"
        )


def asset(network: Network, reference: str, asset_id: str) -> Op[Asset]:
    """A token by its mint: decimals from the mint, symbol from its metadata, else the mint shortened."""
    mint = address.parse(reference)
    metadata = address.find_program_address((b"metadata", programs.METADATA, mint), programs.METADATA)[0]
    info, extra = map(
        accounts.read_account,
        (yield from ask(account_info(network, mint), account_info(network, metadata))),
    )
    read = accounts.read_mint(info)
    text = address.encode(mint)
    if read is None:
        raise InputError(f"{text} is no SPL token on {network.title}")
    symbol = "WSOL" if mint == programs.NATIVE_MINT else accounts.read_symbol(mint, info, extra)
    if symbol is None or symbol.upper() == network.symbol.upper():  # a token must not pass for the coin
        symbol = decode.short(text)
    return Asset(asset_id, symbol, read.decimals)


def balance(holder: Holder, asset: Asset) -> Op[Balance]:
    """Lamports, all of them available; of a token what its associated account holds.

    The rent-exempt minimum counts as available, since an account may be emptied. Tokens in other accounts of
    the holder, and in frozen ones, are ``locked``. Nothing is ever ``pending``: what is not confirmed is not counted.
    """
    network = holder.network
    if asset.network_id != network.id:
        raise InputError(f"{asset.symbol} is an asset of {asset.network_id}, the account is on {network.id}")
    settings = {"commitment": COMMITMENT}
    if asset == network.native:
        (answer,) = yield from ask(rpc(network, "getBalance", holder.address, settings))
        return Balance.of(asset, accounts.read_count("getBalance", accounts.value("getBalance", answer)))
    if asset.namespace != "token":
        raise Unsupported(f"{asset.id} is neither {network.symbol} nor an SPL token")
    mint = address.parse(asset.reference)
    where = {"mint": address.encode(mint)}
    call = rpc(network, "getTokenAccountsByOwner", holder.address, where, {"encoding": "base64", **settings})
    (answer,) = yield from ask(call)
    available = locked = 0
    for key, program, account in accounts.read_owned_accounts(answer):
        if account.mint != mint or account.owner != holder.public_key:
            raise accounts.bad("getTokenAccountsByOwner", "an account of another token or owner")
        own = programs.associated_token_account(holder.public_key, mint, program)
        if key == own and not account.frozen:
            available += account.units
        else:
            locked += account.units
    return Balance.of(asset, available, locked=locked)
