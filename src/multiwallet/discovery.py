"""Finding the accounts that a phrase has been used with: the known paths, asked on each network until nothing follows.

Written once as operations, which :meth:`multiwallet.Wallet.discover` and its asynchronous twin run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from . import registry
from .amounts import Asset
from .chain import Network, Replay
from .derivation import KnownPath, known_paths
from .errors import InputError, InsufficientFunds, MultiwalletError, Unsupported
from .ops import Op, gather
from .transactions import Balance

if TYPE_CHECKING:
    from .operations import AccountOperations, Session

__all__ = ["Discovery", "FoundAccount", "Progress", "Search", "discover"]

A = TypeVar("A")
B = TypeVar("B")

MOST: Final = 1000
"""How many accounts are looked for on one path: a node that says yes to everything must not keep us asking for ever."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called after each round with the network's name, how many accounts were asked about on it, and how many were found."""


@dataclass(frozen=True, slots=True)
class FoundAccount(Generic[A]):
    """An account that has been used.

    ``account`` is ready for use (its ``path`` and ``kind`` are there), ``path`` the text of the path that was tried (of
    a whole account the account's path), ``wallets`` who derives by it, ``balance`` what it holds of the native coin and
    ``tokens`` what it holds of the assets that were asked for, by their CAIP-19 ids. An account that was used and is
    empty now is found where its chain counts transactions: then all of these are zero.
    """

    account: A
    network: Network
    path: str
    kind: str
    wallets: tuple[str, ...]
    balance: Balance
    tokens: Mapping[str, Balance]


@dataclass(frozen=True, slots=True)
class Discovery(Generic[A]):
    """What was found, and where nothing could be learned.

    ``failed`` has an entry for each network, or path of one, that could not be asked to its end: ``("solana", "")`` or
    ``("ethereum", "m/44'/60'/{n}'/0/0")`` with the error. ``asked`` counts the accounts that were asked about.
    """

    accounts: tuple[FoundAccount[A], ...]
    failed: Mapping[tuple[str, str], MultiwalletError]
    asked: int

    @property
    def is_complete(self) -> bool:
        """Whether every network and path could be asked to its end."""
        return not self.failed

    def with_faces(self, make: Callable[[A], B]) -> Discovery[B]:
        """The same with other objects in the place of its accounts."""
        found = tuple(
            FoundAccount(make(one.account), one.network, one.path, one.kind, one.wallets, one.balance, one.tokens)
            for one in self.accounts
        )
        return Discovery(found, self.failed, self.asked)


@dataclass(frozen=True, slots=True)
class Search:
    """How far to look.

    ``gap`` is how many unused accounts in a row end a path; ``account_gap`` the same for whole accounts of many
    addresses (BIP-44 stops at the first one), whose addresses have their own gap limit of 20. ``most`` bounds the numbers.
    """

    gap: int = 5
    account_gap: int = 1
    most: int = MOST

    def __post_init__(self) -> None:
        for name, value in (("gap", self.gap), ("account_gap", self.account_gap), ("most", self.most)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
                raise InputError(f"{name} is a whole number from 1 to {MOST}")


@dataclass(slots=True)
class _Track:
    """One path on its way: the next number, and how many unused accounts came last."""

    known: KnownPath
    gap: int
    number: int = 0
    unused: int = 0
    ended: bool = False

    def next_numbers(self, most: int) -> range:
        """The numbers of the next round: as many as may end it, at least."""
        if not self.known.has_number:
            return range(1)
        return range(self.number, min(self.number + self.gap - self.unused, most))

    def saw(self, number: int, used: bool, most: int) -> None:
        """Take note of one account, in their order."""
        self.number = number + 1
        self.unused = 0 if used else self.unused + 1
        self.ended = not self.known.has_number or self.unused >= self.gap or self.number >= most


def _searchable(session: Session) -> list[Network]:
    """The networks that a search without names asks: main networks in service, as far as the wallet serves them."""
    rows = (session.network(row) for row in registry.networks())
    return [
        row
        for row in rows
        if row.status == "active" and not row.testnet and row.endpoints and session.family in ("", row.family)
    ]


def discover(
    session: Session,
    networks: Iterable[str | Network] | None,
    assets: Mapping[str, Sequence[Asset | str]],
    search: Search,
    progress: Progress | None,
) -> Op[Discovery[AccountOperations]]:
    """Try the known paths on the networks (those in service without names); every error stays with its network."""
    if session.is_single:
        raise Unsupported("this wallet holds one imported key, which has no paths to try: open it from the mnemonic")
    rows = _searchable(session) if networks is None else [session.network(name) for name in networks]
    rows = list(dict.fromkeys(rows))
    wanted = {session.network(name).id: tuple(tokens) for name, tokens in assets.items()}
    results = yield from gather(
        *(_network(session, row, wanted.get(row.id, ()), search, progress) for row in rows), return_errors=True
    )
    found: list[FoundAccount[AccountOperations]] = []
    failed: dict[tuple[str, str], MultiwalletError] = {}
    asked = 0
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, MultiwalletError):
            failed[row.name, ""] = result
        else:
            found += result.accounts
            failed |= result.failed
            asked += result.asked
    return Discovery(tuple(found), failed, asked)


def _network(
    session: Session, network: Network, assets: tuple[Asset | str, ...], search: Search, progress: Progress | None
) -> Op[Discovery[AccountOperations]]:
    if network.status == "derive-only":
        raise Unsupported(f"{network.title} is for keys and addresses only: {network.note}")
    tracks = [_Track(known, search.account_gap if known.whole else search.gap) for known in known_paths(network)]
    found: dict[tuple[str, str], FoundAccount[AccountOperations]] = {}
    failed: dict[tuple[str, str], MultiwalletError] = {}
    identified = False
    seen: dict[tuple[str, str], bool] = {}
    while running := [track for track in tracks if not track.ended]:
        trials: list[tuple[_Track, int, AccountOperations]] = []
        for track in running:
            try:
                for number in track.next_numbers(search.most):
                    trials.append((track, number, _open(session, network, track.known, number)))
            except MultiwalletError as error:  # an extra that is missing, a path below an xpub
                failed[network.name, track.known.template] = error
                track.ended = True
                trials = [trial for trial in trials if trial[0] is not track]
        if not trials:
            break
        if not identified:  # once, before a hundred accounts ask for it
            yield from trials[0][2].identify()
            identified = True
        fresh: dict[tuple[str, str], AccountOperations] = {}
        for track, _, operations in trials:
            key = (operations.identity, "whole" if track.known.whole else "")
            if key not in seen:
                fresh.setdefault(key, operations)
        answers = yield from gather(*(_use(one, assets) for one in fresh.values()), return_errors=True)
        outcomes = dict(zip(fresh, answers, strict=True))
        for track, number, operations in trials:
            if track.ended:
                continue
            key = (operations.identity, "whole" if track.known.whole else "")
            outcome = outcomes.get(key)
            if isinstance(outcome, InsufficientFunds):  # where an account begins with its first payment (XRP)
                seen[key] = False
                track.saw(number, False, search.most)
                continue
            if isinstance(outcome, InputError):  # of this key alone, such as one that several named accounts list
                failed[network.name, track.known.path(number)] = outcome
                seen[key] = True
                track.saw(number, True, search.most)
                continue
            if isinstance(outcome, MultiwalletError):
                failed[network.name, track.known.template] = outcome
                track.ended = True
                continue
            if outcome is not None:
                seen[key] = outcome[0]
                if outcome[0] and key not in found:
                    path = str(operations.holder.account_path or track.known.path(number))
                    found[key] = FoundAccount(
                        operations, network, path, operations.holder.kind, track.known.wallets, outcome[1], outcome[2]
                    )
            track.saw(number, seen[key], search.most)
            if track.number >= search.most and track.unused < track.gap:
                failed[network.name, track.known.template] = InputError(
                    f"there are more than {search.most} accounts on this path: the search ended there"
                )
        if progress is not None:
            progress(network.name, len(seen), len(found))
    return Discovery(tuple(found.values()), failed, len(seen))


def _open(session: Session, network: Network, known: KnownPath, number: int) -> AccountOperations:
    kind = known.kind or None
    if known.whole:
        return session.open(network, index=None, account=number, path=None, kind=kind)
    return session.open(network, index=None, account=None, path=known.path(number), kind=kind)


def _use(
    operations: AccountOperations, assets: tuple[Asset | str, ...]
) -> Op[tuple[bool, Balance, Mapping[str, Balance]]]:
    """Whether an account has been used, as far as its chain tells, and what it holds."""
    reads: list[Op[Balance]] = [operations.balance(None), *(operations.balance(asset) for asset in assets)]
    counts = operations.chain.replay is Replay.NONCE
    extra = [operations.chain.nonces(operations.holder)] if counts else []
    results = yield from gather(*reads, *extra)
    native: Balance = results[0]
    tokens = {held.available.asset.id: held for held in results[1 : len(reads)]}
    used = any(held.total.units for held in (native, *tokens.values()))
    if counts:
        used = used or results[-1].included > 0
    holder = operations.holder
    if holder.is_whole and holder.path is not None:  # its next unused address is not the first one any more
        used = used or holder.path.indexes[-1] > 0
    if isinstance(holder.state, tuple):  # the named accounts that list its key (Antelope)
        used = used or bool(holder.state)
    return used, native, tokens
