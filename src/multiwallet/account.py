"""Account and AsyncAccount: the verbs, as a person calls them. Thin faces over one set of operations."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from .amounts import Amount, Asset
from .batch import BatchResult, sign_each, sign_one, slow_path
from .chain import Network, Replay, Transfer
from .errors import InputError
from .ops import Op, arun, run
from .path import Path
from .telemetry import span
from .transactions import Balance, Fee, Receipt, SignedTransaction, UnsignedTransaction

if TYPE_CHECKING:
    from .operations import AccountOperations
    from .wallet import AsyncWallet, Wallet

__all__ = ["Account", "AsyncAccount"]

T = TypeVar("T")


class _AccountFace:
    """What both faces share: everything that needs neither the network nor a signature."""

    __slots__ = ("_operations", "_wallet")

    _operations: AccountOperations
    _wallet: Wallet | AsyncWallet

    @property
    def address(self) -> str:
        """The account's address; of a whole Bitcoin account the next unused receive address it knows of."""
        return self._operations.holder.address

    @property
    def path(self) -> Path | None:
        """The derivation path of :attr:`address`; None for an imported key."""
        return self._operations.holder.path

    @property
    def public_key(self) -> bytes:
        """The public key of :attr:`address`: 33 bytes compressed secp256k1, or 32 bytes ed25519."""
        return self._operations.holder.public_key

    @property
    def network(self) -> Network:
        """The row of the account's network."""
        return self._operations.network

    @property
    def kind(self) -> str:
        """The address kind (``p2wpkh``, ...) where the family has several."""
        return self._operations.holder.kind

    @property
    def id(self) -> str:
        """The account's CAIP-10 id."""
        return f"{self.network.id}:{self.address}"

    def read(self, transaction: Any) -> UnsignedTransaction:
        """What :meth:`sign` would sign, without signing it: look at its ``summary`` first.

        Takes the same forms as :meth:`sign` and raises the same errors.
        """
        return self._operations.adopt(transaction)

    def extended_public_key(self) -> str:
        """The extended public key of the account (depth 3), for :meth:`Wallet.from_xpub` on another machine.

        Bitcoin and its kin write the address kind into the prefix (zpub, ypub, xpub; vpub, upub, tpub on
        test networks). Who has it sees every address of the account and can spend nothing. Raises
        :class:`~multiwallet.errors.Unsupported` for an imported key and on ed25519 chains.
        """
        from .credentials import extended_public_key

        operations = self._operations
        return extended_public_key(operations.session.keychain, operations.chain, operations.holder)

    def template(self, **fixed: Any) -> Any:
        """What many similar transfers share, for the quickest :meth:`sign_batch`.

        The result has ``fill(rows)``, which makes items for ``sign_batch``. What is fixed depends on the
        family; the page of each chain says. Raises :class:`~multiwallet.errors.Unsupported` where a
        family has no template.
        """
        operations = self._operations
        return operations.chain.template(operations.holder, **fixed)

    def verify_message(self, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the signature over the message was made by this account."""
        operations = self._operations
        return operations.chain.verify_message(operations.network, self.address, message, signature)

    def verify_typed_data(self, data: Any, signature: str | bytes) -> bool:
        """Whether the signature over the typed data was made by this account."""
        operations = self._operations
        return operations.chain.verify_typed_data(operations.network, self.address, data, signature)

    def export_private_key(self) -> str:
        """The private key as this ecosystem writes it. The one way out: keep it nowhere that logs or travels.

        Raises :class:`~multiwallet.errors.SigningRefused` for a watch-only account.
        """
        from .credentials import export_private_key

        operations = self._operations
        return export_private_key(operations.session.keychain, operations.chain, operations.holder)

    def _sending(
        self, transfers: tuple[Transfer, ...], options: Mapping[str, Any], key: str | None
    ) -> tuple[Op[Receipt], bool]:
        """How a payment goes out, and whether it has to wait for others of this account in this process."""
        outbox = self._wallet.outbox
        if outbox is None:
            if key is not None:
                raise InputError("an idempotency key needs a memory: call wallet.open_outbox(...) first")
            return self._operations.send(transfers, options), True
        if key is None and self._operations.chain.replay is None:
            return self._operations.send(transfers, options), True
        # Nonces are shared out by the store; coins are too, and choosing them in turn saves choosing them again.
        in_turn = self._operations.chain.replay is Replay.COINS
        return outbox._operations.send(self._operations, transfers, options, key), in_turn

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


def _transfers(
    transfers: tuple[Transfer, ...], to: str | None, amount: str | Amount | None, asset: Asset | str | None
) -> tuple[Transfer, ...]:
    if transfers:
        if to is not None or amount is not None or asset is not None:
            raise InputError("give either Transfer objects or to= and amount=, not both")
        for transfer in transfers:
            if not isinstance(transfer, Transfer):
                raise TypeError(f"a transfer is a Transfer, not {type(transfer).__name__}: write to= and amount=")
        return transfers
    if to is None or amount is None:
        raise InputError('say what to send: to="..." and amount="0.1"')
    return (Transfer(to, amount, asset),)


def _options(speed: str, max_fee: str | Amount | None, memo: str | None, native: Mapping[str, Any]) -> dict[str, Any]:
    return {"speed": speed, "max_fee": max_fee, "memo": memo, "native": native}


class Account(_AccountFace):
    """One account on one network. Made by :meth:`multiwallet.Wallet.account`.

    Every verb may raise errors of the tree in :mod:`multiwallet.errors`; a ``float`` where an amount
    belongs is a ``TypeError``.
    """

    __slots__ = ()
    _wallet: Wallet

    def __init__(self, wallet: Wallet, operations: AccountOperations) -> None:
        self._wallet = wallet
        self._operations = operations

    def balance(self, asset: Asset | str | None = None) -> Balance:
        """What the account holds of its network's coin, or of a token (an ``Asset``, CAIP-19 id or contract)."""
        return self._run("balance", self._operations.balance(asset))

    def asset(self, reference: str) -> Asset:
        """A token by its contract or mint address or CAIP-19 id, its decimals read from the chain."""
        return self._run("asset", self._operations.asset(reference))

    def quote(
        self,
        *transfers: Transfer,
        to: str | None = None,
        amount: str | Amount | None = None,
        asset: Asset | str | None = None,
        speed: str = "normal",
        max_fee: str | Amount | None = None,
        memo: str | None = None,
        **native: Any,
    ) -> Fee:
        """The fee of what :meth:`build` would make, before anything is signed."""
        operation = self._operations.quote(
            _transfers(transfers, to, amount, asset), _options(speed, max_fee, memo, native)
        )
        return self._run("quote", operation)

    def build(
        self,
        *transfers: Transfer,
        to: str | None = None,
        amount: str | Amount | None = None,
        asset: Asset | str | None = None,
        speed: str = "normal",
        max_fee: str | Amount | None = None,
        memo: str | None = None,
        **native: Any,
    ) -> UnsignedTransaction:
        """Make a transaction ready to sign: one transfer by ``to`` and ``amount``, or several ``Transfer``.

        ``amount`` is exact text in whole units (``"0.1"``), an ``Amount``, or ``"max"``. ``speed`` is
        ``slow``, ``normal`` or ``fast``; ``max_fee`` refuses a dearer transaction; ``native`` are
        options of this family, named on its page.
        """
        operation = self._operations.build(
            _transfers(transfers, to, amount, asset), _options(speed, max_fee, memo, native)
        )
        return self._run("build", operation)

    def sign(self, transaction: Any) -> SignedTransaction:
        """Sign an ``UnsignedTransaction`` (or its JSON), or what this ecosystem calls a transaction.

        EVM: a dict with eth-account's keys. Bitcoin: a PSBT, base64 or bytes. TRON: the node's JSON or
        ``raw_data`` hex. Solana: a message or transaction, base64 or bytes. Another network or sender is
        refused; every id and hash is computed here.
        """
        return self._run("sign", self._operations.sign(transaction))

    def broadcast(self, signed: SignedTransaction | Any) -> Receipt:
        """Hand a signed transaction (or its raw form) to the network. Sending the same bytes twice is harmless."""
        return self._followed(self._run("broadcast", self._operations.broadcast(signed)))

    def status(self, txid: str, *, expiry: int | None = None) -> Receipt:
        """Where a transaction stands now."""
        return self._followed(self._run("status", self._operations.status(txid, expiry)))

    def wait(self, txid: str, *, confirmations: int = 1, timeout: float = 300, expiry: int | None = None) -> Receipt:
        """Wait until a transaction is included with so many confirmations; at most ``timeout`` seconds."""
        operation = self._operations.wait(txid, confirmations, timeout, expiry)
        return self._followed(self._run("wait", operation))

    def send(
        self,
        *transfers: Transfer,
        to: str | None = None,
        amount: str | Amount | None = None,
        asset: Asset | str | None = None,
        speed: str = "normal",
        max_fee: str | Amount | None = None,
        memo: str | None = None,
        idempotency_key: str | None = None,
        **native: Any,
    ) -> Receipt:
        """Build, sign and broadcast; the receipt's ``wait()`` follows it.

        Within one wallet, sends from one account take turns, so that each builds on what the one before left. With
        an outbox (:meth:`Wallet.open_outbox`) it is safe among processes as well, and ``idempotency_key`` names the
        payment: the same key is the same transaction, whatever happens, and another request under it is an
        :class:`~multiwallet.errors.IdempotencyConflict`.
        """
        wanted = _transfers(transfers, to, amount, asset)
        operation, in_turn = self._sending(wanted, _options(speed, max_fee, memo, native), idempotency_key)
        with self._wallet._turn(self._operations) if in_turn else nullcontext():
            return self._followed(self._run("send", operation))

    def sign_batch(self, transactions: Iterable[Any], *, threads: int = 1) -> Iterator[BatchResult]:
        """Sign many transactions lazily and in order; see :meth:`sign` for what an item may be.

        Yields a ``SignedTransaction`` for each, or the ``MultiwalletError`` that took its place: one bad
        item never stops the rest. Memory stays constant; ``threads`` above one signs ahead.
        """
        slow = slow_path(self._operations, self._wallet._perform)
        return sign_each(transactions, sign_one(self._operations, self._wallet._signer, slow), threads=threads)

    def sign_message(self, message: str | bytes, **form: Any) -> str:
        """Sign a text as this ecosystem's wallets do (EIP-191, BIP-322 or BIP-137, TIP-191, Solana)."""
        return self._run("sign_message", self._operations.sign_message(message, form))

    def sign_typed_data(self, data: Any) -> str:
        """Sign a typed-data object (EIP-712, TIP-712)."""
        return self._run("sign_typed_data", self._operations.sign_typed_data(data))

    def _run(self, verb: str, operation: Op[T]) -> T:
        with span(f"multiwallet.{verb}", network=self.network.id):
            return run(operation, self._wallet._perform)

    def _followed(self, receipt: Receipt) -> Receipt:
        return replace(receipt, waiter=self.wait)


class AsyncAccount(_AccountFace):
    """As :class:`Account`, for an event loop: what may do I/O, signing included, is awaited."""

    __slots__ = ()
    _wallet: AsyncWallet

    def __init__(self, wallet: AsyncWallet, operations: AccountOperations) -> None:
        self._wallet = wallet
        self._operations = operations

    async def balance(self, asset: Asset | str | None = None) -> Balance:
        """As :meth:`Account.balance`."""
        return await self._run("balance", self._operations.balance(asset))

    async def asset(self, reference: str) -> Asset:
        """As :meth:`Account.asset`."""
        return await self._run("asset", self._operations.asset(reference))

    async def quote(
        self,
        *transfers: Transfer,
        to: str | None = None,
        amount: str | Amount | None = None,
        asset: Asset | str | None = None,
        speed: str = "normal",
        max_fee: str | Amount | None = None,
        memo: str | None = None,
        **native: Any,
    ) -> Fee:
        """As :meth:`Account.quote`."""
        operation = self._operations.quote(
            _transfers(transfers, to, amount, asset), _options(speed, max_fee, memo, native)
        )
        return await self._run("quote", operation)

    async def build(
        self,
        *transfers: Transfer,
        to: str | None = None,
        amount: str | Amount | None = None,
        asset: Asset | str | None = None,
        speed: str = "normal",
        max_fee: str | Amount | None = None,
        memo: str | None = None,
        **native: Any,
    ) -> UnsignedTransaction:
        """As :meth:`Account.build`."""
        operation = self._operations.build(
            _transfers(transfers, to, amount, asset), _options(speed, max_fee, memo, native)
        )
        return await self._run("build", operation)

    async def sign(self, transaction: Any) -> SignedTransaction:
        """As :meth:`Account.sign`."""
        return await self._run("sign", self._operations.sign(transaction))

    async def broadcast(self, signed: SignedTransaction | Any) -> Receipt:
        """As :meth:`Account.broadcast`."""
        return self._followed(await self._run("broadcast", self._operations.broadcast(signed)))

    async def status(self, txid: str, *, expiry: int | None = None) -> Receipt:
        """As :meth:`Account.status`."""
        return self._followed(await self._run("status", self._operations.status(txid, expiry)))

    async def wait(
        self, txid: str, *, confirmations: int = 1, timeout: float = 300, expiry: int | None = None
    ) -> Receipt:
        """As :meth:`Account.wait`."""
        operation = self._operations.wait(txid, confirmations, timeout, expiry)
        return self._followed(await self._run("wait", operation))

    async def send(
        self,
        *transfers: Transfer,
        to: str | None = None,
        amount: str | Amount | None = None,
        asset: Asset | str | None = None,
        speed: str = "normal",
        max_fee: str | Amount | None = None,
        memo: str | None = None,
        idempotency_key: str | None = None,
        **native: Any,
    ) -> Receipt:
        """As :meth:`Account.send`."""
        wanted = _transfers(transfers, to, amount, asset)
        operation, in_turn = self._sending(wanted, _options(speed, max_fee, memo, native), idempotency_key)
        async with self._wallet._turn(self._operations) if in_turn else nullcontext():
            return self._followed(await self._run("send", operation))

    def sign_batch(
        self, transactions: Iterable[Any] | AsyncIterable[Any], *, threads: int = 1
    ) -> AsyncIterator[BatchResult]:
        """As :meth:`Account.sign_batch`, an asynchronous iterator; the event loop stays free meanwhile."""
        operations, wallet = self._operations, self._wallet
        return wallet._sign_stream(transactions, lambda item: (operations, item), wallet._sign_one(operations), threads)

    async def sign_message(self, message: str | bytes, **form: Any) -> str:
        """As :meth:`Account.sign_message`."""
        return await self._run("sign_message", self._operations.sign_message(message, form))

    async def sign_typed_data(self, data: Any) -> str:
        """As :meth:`Account.sign_typed_data`."""
        return await self._run("sign_typed_data", self._operations.sign_typed_data(data))

    async def _run(self, verb: str, operation: Op[T]) -> T:
        with span(f"multiwallet.{verb}", network=self.network.id):
            return await arun(operation, self._wallet._perform)

    def _followed(self, receipt: Receipt) -> Receipt:
        return replace(receipt, waiter=self.wait)
