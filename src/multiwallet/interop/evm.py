"""Bridges to eth-account and web3.py: keys in both directions, and our signer inside web3.py.

:func:`signing_middleware` is the one to prefer: the key stays where it is, be it a remote signer.
Needs the extra ``evm``.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ..account import Account, AsyncAccount
from ..errors import InputError, UnknownNetwork
from ..wallet import AsyncWallet, Wallet
from .keys import library, private_key

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

__all__ = ["from_local_account", "signing_middleware", "to_local_account"]

Owner: TypeAlias = Account | AsyncAccount | Wallet | AsyncWallet

_Fill: TypeAlias = Generator[Callable[[], Any], Any, dict[str, Any]]


def to_local_account(account: Account | AsyncAccount) -> LocalAccount:
    """An eth-account ``LocalAccount`` with the key of an EVM account.

    THIS EXPORTS THE PRIVATE KEY: the result holds it, shows it in ``.key``, and nothing wipes it. Where
    web3.py is all you need, :func:`signing_middleware` leaves the key in its wallet. Raises SigningRefused
    for a watch-only account, InputError for one of another family, MissingExtra without eth-account.

    >>> from multiwallet import Wallet
    >>> account = Wallet.from_seed(bytes(32)).account("ethereum")
    >>> to_local_account(account).address == account.address
    True
    """
    eth_account = library("eth_account", "evm")
    with private_key(account, "evm", "a LocalAccount") as key:
        local: LocalAccount = eth_account.Account.from_key(key.expose())
    return local


def from_local_account(local: LocalAccount, **options: Any) -> Wallet:
    """A wallet that holds the key of an eth-account ``LocalAccount``; it serves every EVM network.

    THIS COPIES THE PRIVATE KEY. ``options`` are those of :meth:`multiwallet.Wallet.from_private_key`
    (``transport``, ``endpoints``). Raises InputError for what is no LocalAccount.

    >>> from eth_account import Account
    >>> wallet = from_local_account(Account.from_key("0x" + "00" * 31 + "01"))
    >>> wallet.account("polygon").address
    '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'
    """
    signers = library("eth_account.signers.local", "evm")
    if not isinstance(local, signers.LocalAccount):
        raise InputError(f"from_local_account takes an eth-account LocalAccount, not {type(local).__name__}")
    return Wallet.from_private_key("ethereum", bytes(local.key), **options)


def signing_middleware(*owners: Owner, count: int = 1) -> Callable[[Any], Any]:
    """A web3.py 7 middleware that signs ``eth_sendTransaction`` of our addresses with our signer.

    ::

        w3.middleware_onion.inject(signing_middleware(account), layer=0)
        w3.eth.send_transaction({"from": account.address, "to": ..., "value": ...})

    ``owners`` are accounts, or wallets, of which the first ``count`` accounts on the chain that web3.py is
    connected to are served. What the transaction leaves out (chain id, gas, fees, nonce) is asked of the node;
    what it becomes is checked and signed as :meth:`multiwallet.Account.sign` does, so that another chain id
    than the account's is refused. Transactions from other addresses pass untouched. Works in ``Web3`` and
    ``AsyncWeb3``; an ``AsyncAccount`` needs ``AsyncWeb3``. No key is exported, and remote signers work.

    Raises InputError for what is no account; MissingExtra without web3.py.
    """
    base = library("web3.middleware.base", "evm").Web3Middleware
    for owner in owners:
        if not isinstance(owner, Account | AsyncAccount | Wallet | AsyncWallet):
            raise InputError(f"the middleware signs for accounts and wallets, not for {type(owner).__name__}")
        if isinstance(owner, Account | AsyncAccount) and owner.network.family != "evm":
            raise InputError(f"web3.py sends on EVM networks, and this account is on {owner.id}")
    if not owners:
        raise InputError("say for whom the middleware signs: signing_middleware(account)")

    class SigningMiddleware(base):  # type: ignore[misc, valid-type]  # web3.py is imported only when asked for
        def __init__(self, w3: Any) -> None:
            super().__init__(w3)
            self._signers: dict[str, Account | AsyncAccount] | None = None

        def request_processor(self, method: str, params: Any) -> Any:
            if method != "eth_sendTransaction" or not _is_call(params):
                return method, params
            if self._signers is None:
                self._signers = _accounts(owners, count, self._w3.eth.chain_id)
            account = self._signers.get(_sender(params[0]))
            if account is None:
                return method, params
            if isinstance(account, AsyncAccount):
                raise InputError("an asynchronous account signs in AsyncWeb3 only: open it from a Wallet")
            signed = account.sign(_fill(_filling(self._w3, params[0])))
            return "eth_sendRawTransaction", [signed.to_wire()]

        async def async_request_processor(self, method: str, params: Any) -> Any:
            if method != "eth_sendTransaction" or not _is_call(params):
                return method, params
            if self._signers is None:
                self._signers = _accounts(owners, count, await self._w3.eth.chain_id)
            account = self._signers.get(_sender(params[0]))
            if account is None:
                return method, params
            filled = await _fill_awaited(_filling(self._w3, params[0]))
            if isinstance(account, AsyncAccount):
                signed = await account.sign(filled)
            else:  # its signer may block
                signed = await asyncio.to_thread(account.sign, filled)
            return "eth_sendRawTransaction", [signed.to_wire()]

    return SigningMiddleware


def _is_call(params: Any) -> bool:
    return isinstance(params, list | tuple) and bool(params) and isinstance(params[0], Mapping)


def _sender(transaction: Mapping[str, Any]) -> str:
    sender = transaction.get("from")
    return sender.lower() if isinstance(sender, str) else ""


def _accounts(owners: tuple[Owner, ...], count: int, chain_id: int) -> dict[str, Account | AsyncAccount]:
    """Our accounts by their address in lower case."""
    found: dict[str, Account | AsyncAccount] = {}
    for owner in owners:
        if isinstance(owner, Account | AsyncAccount):
            found[owner.address.lower()] = owner
            continue
        try:
            accounts = _of_wallet(owner, f"eip155:{chain_id}", count)
        except UnknownNetwork as error:
            raise UnknownNetwork(f"web3.py is connected to a chain without a row: {error.message}") from error
        found.update((account.address.lower(), account) for account in accounts)
    return found


def _of_wallet(wallet: Wallet | AsyncWallet, network: str, count: int) -> list[Account] | list[AsyncAccount]:
    if wallet._session.is_single:
        return [wallet.account(network)]  # type: ignore[return-value]  # a Wallet has Accounts, an AsyncWallet the others
    return wallet.accounts(network, count=count)


def _filling(w3: Any, transaction: Mapping[str, Any]) -> _Fill:
    """What the transaction leaves out, asked of the node: yields questions, is sent the answers."""
    filled = {key: value for key, value in transaction.items() if value is not None}
    eth = w3.eth
    if "chainId" not in filled:
        filled["chainId"] = yield lambda: eth.chain_id
    if "gasPrice" not in filled and not {"maxFeePerGas", "maxPriorityFeePerGas"} <= set(filled):
        block = yield lambda: eth.get_block("latest")
        base_fee = block.get("baseFeePerGas")
        if base_fee is None and "maxFeePerGas" not in filled:
            filled["gasPrice"] = yield lambda: eth.gas_price
        else:
            if "maxPriorityFeePerGas" not in filled:
                filled["maxPriorityFeePerGas"] = yield lambda: eth.max_priority_fee
            if "maxFeePerGas" not in filled:
                # Room for the base fee to double, as web3.py itself leaves it.
                filled["maxFeePerGas"] = 2 * base_fee + _number(filled["maxPriorityFeePerGas"])
    if "gas" not in filled:
        call = dict(filled)
        filled["gas"] = yield lambda: eth.estimate_gas(call)
    if "nonce" not in filled:
        filled["nonce"] = yield lambda: eth.get_transaction_count(filled["from"], "pending")
    return filled


def _number(value: Any) -> int:
    return int(value, 16) if isinstance(value, str) else int(value)


def _fill(filling: _Fill) -> dict[str, Any]:
    try:
        question = next(filling)
        while True:
            question = filling.send(question())
    except StopIteration as done:
        filled: dict[str, Any] = done.value
        return filled


async def _fill_awaited(filling: _Fill) -> dict[str, Any]:
    try:
        question = next(filling)
        while True:
            answer = question()
            question = filling.send(await answer if inspect.isawaitable(answer) else answer)
    except StopIteration as done:
        filled: dict[str, Any] = done.value
        return filled
