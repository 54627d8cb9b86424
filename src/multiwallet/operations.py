"""What an account can do, written once as operations. Account and AsyncAccount are two faces over this."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from . import registry
from .amounts import Amount, Asset
from .chain import Chain, Holder, Network, Options, Payment, Transfer
from .errors import (
    AmountError,
    BadResponse,
    BroadcastUncertain,
    ChainError,
    Expired,
    InputError,
    InsufficientFunds,
    InvalidPath,
    InvalidTransaction,
    Rejected,
    SigningRefused,
    Timeout,
    TransportError,
    Unsupported,
    shown,
)
from .ops import Effect, Op, Sign, ask, gather
from .path import HARDENED, Junctions, Path, parse_path
from .transactions import Balance, Fee, Receipt, SignedTransaction, SigningRequest, UnsignedTransaction

if TYPE_CHECKING:
    from .keys.keychain import Keychain

__all__ = ["AccountOperations", "Session"]

T = TypeVar("T")

_CALLS = frozenset({"data", "function", "call", "messages", "actions", "withdraw_rewards"})
"""The options by which families call a contract or a pallet: such a transaction may well carry no coins."""


class Session:
    """What the accounts of one wallet share: its keys, its endpoints, and what it has learned so far."""

    def __init__(
        self, keychain: Keychain, *, can_sign: bool, endpoints: Mapping[str, tuple[str, ...]], family: str = ""
    ) -> None:
        self.keychain = keychain
        self.can_sign = can_sign
        self.family = family
        """The only family that an imported key serves; empty for a seed, which serves all."""
        self.kind = ""
        """The address kind that the imported key implies (a zpub, an uncompressed WIF)."""
        self.accepts: Callable[[Network], None] = lambda network: None
        """Refuses a network that the imported key was not made for."""
        self.identified: set[str] = set()
        self.assets: dict[str, Asset] = {}
        self._endpoints = endpoints

    def network(self, name: str | Network) -> Network:
        """The row of a network, with this wallet's endpoints in place of the table's."""
        row = registry.network(name)
        endpoints = self._endpoints.get(row.id)
        return row if endpoints is None else row.with_endpoints(endpoints)

    def open(
        self, name: str | Network, *, index: int | None, account: int | None, path: str | Path | None, kind: str | None
    ) -> AccountOperations:
        """The account of a network by index, account and kind, or by an explicit path."""
        if path is not None:
            path = parse_path(path)
        network, chain, kind = self._chain(name, path, kind)
        if path is not None and (index is not None or account is not None):
            raise InputError("name an account by its path, or by account and index, not by both")
        _check_number(index, "index")
        _check_number(account, "account")
        keychain = self.keychain
        if self.is_single:
            if index or account or path is not None:
                raise InputError("this wallet holds one imported key: it has no further accounts, indexes or paths")
            key = keychain.public_key(chain.curve_of(network, kind), None)
            return self._operations(chain, Holder(network, chain.address(network, key, kind), key, kind))
        if path is None:
            number = self._account_number(network, chain, kind, account)
            if chain.whole_accounts and index is None:
                return self._whole(network, chain, kind, chain.path(network, account=number, index=None, kind=kind))
            path = chain.path(network, account=number, index=index, kind=kind)
        key = keychain.public_key(chain.curve_of(network, kind), path)
        address = chain.address(network, key, kind)
        return self._operations(chain, Holder(network, address, key, kind, path, fingerprint=keychain.fingerprint))

    def open_many(
        self, name: str | Network, *, start: int, count: int, account: int | None, kind: str | None
    ) -> list[AccountOperations]:
        """Accounts ``start`` to ``start + count - 1``, deriving their common parent once."""
        for value, what in ((start, "start"), (count, "count")):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(f"{what} is a whole number, zero or more")
        if start + count > HARDENED:
            raise InvalidPath("an index is at most 2147483647")
        _check_number(account, "account")
        network, chain, kind = self._chain(name, None, kind)
        if self.is_single:
            raise Unsupported("this wallet holds one imported key: it has one account a network")
        if not count:
            return []
        keychain = self.keychain
        number = self._account_number(network, chain, kind, account)

        def path_of(index: int) -> Path:
            return chain.path(network, account=number, index=index, kind=kind)

        first = path_of(start)
        curve = chain.curve_of(network, kind)
        parent = None if isinstance(first, Junctions) else first.parent
        if parent is not None and first == parent / start and path_of(start + 1) == parent / (start + 1):
            keys = keychain.public_keys(curve, parent, start, count)
            paths = (parent / index for index in range(start, start + count))
        else:  # the index is not the last step (Solana): every path of its own
            paths = (path_of(index) for index in range(start, start + count))
            keys = (keychain.public_key(curve, path_of(index)) for index in range(start, start + count))
        mark = keychain.fingerprint
        return [
            self._operations(
                chain, Holder(network, chain.address(network, key, kind), key, kind, path, fingerprint=mark)
            )
            for path, key in zip(paths, keys, strict=True)
        ]

    def _account_number(self, network: Network, chain: Chain, kind: str, account: int | None) -> int:
        """The account meant. An extended key below the account's step serves its own account and cannot tell which."""
        from .keys.keychain import ExtendedKeychain

        usual = self.keychain.default_account
        if account is None or account == usual or not isinstance(self.keychain, ExtendedKeychain):
            return usual if account is None else account
        mine, asked = (chain.path(network, account=number, index=0, kind=kind) for number in (usual, account))
        above = self.keychain.depth - 1  # the last step of them is the key's own, which the keychain checks
        if mine.indexes[: max(above, 0)] != asked.indexes[: max(above, 0)]:
            raise InvalidPath(
                f"this extended key stands at depth {self.keychain.depth}, below one account: it has no account {account} "
                "(where it is of that account, name the whole path)"
            )
        return account

    @property
    def is_single(self) -> bool:
        """Whether the wallet holds one imported key."""
        from .keys.keychain import SingleKeychain

        return isinstance(self.keychain, SingleKeychain)

    def _whole(self, network: Network, chain: Chain, kind: str, account_path: Path) -> AccountOperations:
        derive = self.keychain.children_of(account_path)
        key = derive(0, 0)
        holder = Holder(
            network,
            chain.address(network, key, kind),
            key,
            kind,
            account_path / 0 / 0,
            account_path=account_path,
            fingerprint=self.keychain.fingerprint,
            derive=derive,
        )
        return self._operations(chain, holder)

    def _operations(self, chain: Chain, holder: Holder) -> AccountOperations:
        return AccountOperations(self, chain, holder)

    def _chain(self, name: str | Network, path: Path | None, kind: str | None) -> tuple[Network, Chain, str]:
        network = self.network(name)
        if self.family and network.family != self.family:
            raise Unsupported(
                f"this wallet holds a key of the {self.family} family and cannot serve {network.name}: "
                "open a wallet from the mnemonic for several chains"
            )
        self.accepts(network)
        chain = registry.chain(network)
        if isinstance(path, Junctions) and not any(chain.curve_of(network, one) == "sr25519" for one in chain.kinds):
            raise InvalidPath(f"{network.title} has no junctions: write its paths like m/44'/{network.slip44}'/0'/0/0")
        kinds = chain.kinds_of(network)
        if kind is None:
            kind = self.kind or (kinds[0] if path is None or len(kinds) == 1 else chain.kind_of(path))
        if kind not in kinds:
            known = ", ".join(repr(k) for k in kinds if k) or "none but the default"
            raise InputError(f"{network.name} has no address kind {shown(kind)}: the kinds are {known}")
        return network, chain, kind


def _check_number(number: int | None, what: str) -> None:
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise InputError(f"{what} is a whole number, zero or more")
    if number is not None and number >= HARDENED:
        raise InvalidPath(f"{what} is at most 2147483647")


class AccountOperations:
    """One account's verbs as operations. Its holder is replaced, never changed, so threads may share it."""

    __slots__ = ("chain", "holder", "session")

    def __init__(self, session: Session, chain: Chain, holder: Holder) -> None:
        self.session = session
        self.chain = chain
        self.holder = holder

    @property
    def network(self) -> Network:
        return self.holder.network

    @property
    def identity(self) -> str:
        """What tells this account from the wallet's others: its whole path where it has many addresses."""
        return f"{self.network.id}:{self.holder.account_path or self.holder.address}"

    def asset(self, asset: Asset | str | None) -> Op[Asset]:
        """The asset meant: the native coin for None; a token by CAIP-19 id or contract, asked once a wallet."""
        network = self.network
        if asset is None:
            return network.native
        if isinstance(asset, Asset):
            if asset.network_id != network.id:
                raise AmountError(f"{asset.id} lives on another network than this account ({network.id})")
            return network.native if asset == network.native else asset  # whose decimals are known for sure
        if not isinstance(asset, str):
            raise TypeError(f"an asset is an Asset or its text, not {type(asset).__name__}")
        reference = asset
        if "/" in asset:
            named = Asset(asset, "", 0)
            if named.network_id != network.id:
                raise AmountError(f"{asset[:120]} lives on another network than this account ({network.id})")
            if named == network.native:
                return network.native
            reference = named.reference
        identity = self.chain.asset_id(network, reference)
        known = self.session.assets.get(identity)
        if known is None:
            known = yield from self.online(self.chain.asset(network, identity.split("/", 1)[1].split(":", 1)[1]))
            self.session.assets[identity] = known
        return known

    def balance(self, asset: Asset | str | None) -> Op[Balance]:
        resolved = yield from self.asset(asset)

        def ask_chain() -> Op[Balance]:
            yield from self.refresh()
            return (yield from self.chain.balance(self.holder, resolved))

        return (yield from self.online(ask_chain()))

    def refresh(self) -> Op[None]:
        self.holder = yield from self.chain.refresh(self.holder)

    def build(self, transfers: tuple[Transfer, ...], options: Mapping[str, Any]) -> Op[UnsignedTransaction]:
        return (yield from self._planned(self.chain.build, transfers, options))

    def quote(self, transfers: tuple[Transfer, ...], options: Mapping[str, Any]) -> Op[Fee]:
        return (yield from self._planned(self.chain.quote, transfers, options))

    def _planned(
        self, plan: Callable[..., Op[T]], transfers: tuple[Transfer, ...], options: Mapping[str, Any]
    ) -> Op[T]:
        if self.network.status == "derive-only":
            raise Unsupported(f"{self.network.title} is for keys and addresses only: {self.network.note}")
        if not transfers:
            raise InputError('say what to send: build(to="...", amount="0.1")')
        for transfer in transfers:  # what can be wrong without asking anybody is said first
            self.chain.parse_address(self.network, transfer.to)
            if isinstance(transfer.amount, str) and transfer.asset is None and transfer.amount != "max":
                Amount.parse(transfer.amount, self.network.native)
        max_fee = options["max_fee"]
        if max_fee is not None and not isinstance(max_fee, Amount):
            max_fee = Amount.parse(max_fee, self.network.native)
        if max_fee is not None and max_fee.asset != self.network.native:
            raise AmountError(f"max_fee is an amount of {self.network.symbol}")
        checked = Options(options["speed"], max_fee, options["memo"], options["native"], secrets.randbits(62))
        payments = []
        for transfer in transfers:
            payments.append((yield from self._payment(transfer, may_be_zero=not _CALLS.isdisjoint(checked.native))))

        if self.holder.is_whole:  # a wrong option must not cost a scan: let the plan refuse what it can beforehand
            trial = plan(self.holder, tuple(payments), checked)
            with suppress(StopIteration, ChainError, TransportError):
                next(trial)
            trial.close()

        def on_chain() -> Op[T]:
            yield from self.refresh()
            return (yield from plan(self.holder, tuple(payments), checked))

        return (yield from self.online(on_chain()))

    def _payment(self, transfer: Transfer, *, may_be_zero: bool) -> Op[Payment]:
        to = self.chain.parse_address(self.network, transfer.to)
        amount = transfer.amount
        stated = transfer.asset
        if isinstance(amount, Amount):
            if stated is None:
                stated = amount.asset
            asset = yield from self.asset(stated)
            if asset != amount.asset or asset.decimals != amount.asset.decimals:
                raise AmountError(f"the amount is of {amount.asset.id}, the transfer of {asset.id}")
        else:
            asset = yield from self.asset(stated)
            if amount == "max":
                return Payment(to, Amount(0, asset), everything=True)
            amount = Amount.parse(amount, asset)
        if not amount and not may_be_zero:  # a call of a contract may well carry no coins
            raise AmountError("the amount is zero: there is nothing to send")
        return Payment(to, amount)

    def adopt(self, transaction: Any) -> UnsignedTransaction:
        """Our own transaction, its JSON, or this ecosystem's form, checked to be of this network."""
        if isinstance(transaction, str) and transaction.lstrip()[:1] == "{" and '"multiwallet"' in transaction[:200]:
            transaction = UnsignedTransaction.from_json(transaction)
        if isinstance(transaction, SignedTransaction):
            raise InvalidTransaction("this transaction is already signed: broadcast it")
        if not isinstance(transaction, UnsignedTransaction):
            return self.chain.adopt(self.holder, transaction)
        if transaction.network != self.network:
            raise SigningRefused(
                f"the transaction is for {transaction.network.name}, this account is on {self.network.name}"
            )
        return transaction

    def sign(self, transaction: Any) -> Op[SignedTransaction]:
        unsigned = self.adopt(transaction)
        requests = self.chain.authorize(self.holder, unsigned)
        signatures = yield from self._signatures(requests)
        return self.chain.assemble(unsigned, list(zip(requests, signatures, strict=True)))

    def _signatures(self, requests: tuple[SigningRequest, ...]) -> Op[list[bytes]]:
        self.check_can_sign()
        (signatures,) = yield from ask(Sign(requests))
        return list(signatures)

    def check_can_sign(self) -> None:
        if not self.session.can_sign:
            raise SigningRefused(
                "this wallet is watch-only: sign where the mnemonic is (to_json() carries the transaction there), "
                "or open the wallet with a signer"
            )

    def broadcast(self, signed: Any) -> Op[Receipt]:
        if not isinstance(signed, SignedTransaction):
            signed = self.chain.parse_signed(self.network, signed)
        if signed.network != self.network:
            raise InvalidTransaction(f"the transaction is for {signed.network.name}, not for {self.network.name}")
        if not signed.complete:
            raise InvalidTransaction("the transaction still lacks signatures: let the other signers add theirs first")
        yield from self.identify()
        try:
            receipt = yield from self.chain.broadcast(self.network, signed)
        except (Rejected, InsufficientFunds, Expired) as error:
            if _follows_a_lost_answer(error):
                raise BroadcastUncertain(
                    f"one endpoint did not answer to the broadcast of {signed.txid} and the next refused it "
                    f"({error.message}): the first may have accepted it, so ask about the id before anything else",
                    txid=signed.txid,
                ) from error
            raise
        self.holder = self.chain.after_broadcast(self.holder, signed)
        return receipt

    def send(self, transfers: tuple[Transfer, ...], options: Mapping[str, Any]) -> Op[Receipt]:
        self.check_can_sign()
        unsigned = yield from self.build(transfers, options)
        signed = yield from self.sign(unsigned)
        return (yield from self.broadcast(signed))

    def status(self, txid: str, expiry: int | None) -> Op[Receipt]:
        return (yield from self.online(self.chain.status(self.network, txid, expiry=expiry)))

    def wait(self, txid: str, confirmations: int, timeout: float, expiry: int | None) -> Op[Receipt]:
        yield from self.identify()
        return (
            yield from self.chain.wait(self.network, txid, confirmations=confirmations, timeout=timeout, expiry=expiry)
        )

    def sign_message(self, message: str | bytes, form: Mapping[str, Any]) -> Op[str]:
        return (yield from self._signed_text(self.chain.message(self.holder, message, **form)))

    def sign_typed_data(self, data: Any) -> Op[str]:
        return (yield from self._signed_text(self.chain.typed_data(self.holder, data)))

    def _signed_text(self, request: SigningRequest) -> Op[str]:
        signatures = yield from self._signatures((request,))
        return self.chain.message_signature(self.holder, request, signatures[0])

    def identify(self) -> Op[None]:
        """Once a wallet: make sure that the endpoint speaks for this network."""
        if self.network.id not in self.session.identified:
            yield from self.chain.identify(self.network)
            self.session.identified.add(self.network.id)

    def online(self, operation: Op[T]) -> Op[T]:
        """Run a reading operation, with the identity check beside it in the same batch the first time."""
        if self.network.status == "derive-only":
            operation.close()
            raise Unsupported(f"{self.network.title} is for keys and addresses only: {self.network.note}")
        if self.network.id in self.session.identified:
            return (yield from operation)
        try:
            first = next(operation)
        except StopIteration as done:  # it needed nobody
            return done.value  # type: ignore[no-any-return]  # StopIteration does not say what it carries
        # What can be refused without asking anybody has been refused by now.
        identity, result = yield from gather(self.identify(), _resumed(operation, first), return_errors=True)
        for outcome in (identity, result):  # a foreign chain explains every other error
            if isinstance(outcome, Exception):
                raise outcome
        answer: T = result
        return answer


def _resumed(operation: Op[T], effects: Sequence[Effect]) -> Op[T]:
    """An operation whose first batch of effects is known already."""
    try:
        while True:
            effects = operation.send((yield effects))
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        operation.close()


def _follows_a_lost_answer(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, Timeout | BadResponse):
            return True
        error = error.__cause__
    return False
