"""What is wanted, where and by whom: networks, transfers, options, and the public half of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .amounts import Amount, Asset
from .errors import InputError, shown
from .path import Path

__all__ = ["Holder", "Network", "Options", "Payment", "Transfer", "check_options"]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One row of the network table. Two rows are the same when their CAIP-2 ids are.

    ``endpoints`` are base URLs in order of preference. ``params`` is what the family's code reads
    (version bytes, a fee style, the genesis hash). ``status`` is ``active``, ``retired`` or
    ``derive-only``; ``note`` says why it is not active.
    """

    id: str
    name: str
    family: str
    title: str
    symbol: str
    decimals: int
    slip44: int
    aliases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    explorer: str = ""
    testnet: bool = False
    status: str = "active"
    note: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def namespace(self) -> str:
        """The CAIP-2 namespace: ``eip155``, ``bip122``, ``tron``, ``solana``, ..."""
        return self.id.split(":", 1)[0]

    @property
    def reference(self) -> str:
        """What names the network within its namespace, such as the chain id."""
        return self.id.split(":", 1)[1]

    @property
    def native(self) -> Asset:
        """The network's own coin."""
        return Asset(f"{self.id}/slip44:{self.slip44}", self.symbol, self.decimals)

    def amount(self, text: str) -> Amount:
        """An amount of the native coin from exact text: ``network.amount("0.1")``."""
        return Amount.parse(text, self.native)

    def with_endpoints(self, endpoints: Iterable[str]) -> Network:
        """The same row with other endpoints."""
        return replace(self, endpoints=tuple(endpoints))

    def __reduce__(self) -> tuple[type[Network], tuple[Any, ...]]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["params"] = dict(self.params)  # a read-only view of a dict cannot be pickled
        return Network, tuple(values.values())

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Network) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a caller asks for: so much of an asset to an address.

    ``amount`` is exact text in whole units, an :class:`~multiwallet.amounts.Amount`, or ``"max"`` for
    all that can be sent after the fee. ``asset`` is None for the native coin, an ``Asset``, or text:
    a CAIP-19 id or the token's contract or mint address.
    """

    to: str
    amount: str | Amount
    asset: Asset | str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A checked transfer, as adapters get it: ``to`` is canonical, ``amount`` exact and of a known asset.

    With ``everything`` the amount is zero and stands for all that can be sent.
    """

    to: str
    amount: Amount
    everything: bool = False

    @property
    def asset(self) -> Asset:
        """What is paid."""
        return self.amount.asset


@dataclass(frozen=True, slots=True)
class Options:
    """How a transaction is to be built.

    ``speed`` is ``slow``, ``normal`` or ``fast``; ``max_fee`` (native coin) refuses a dearer
    transaction; ``native`` holds what only this family knows (``nonce=``, ``fee_rate=``, ``data=``).
    ``salt`` sets apart transactions that are otherwise alike, on chains where two like ones would be one and
    the same: a wallet draws a random number for each, an adapter never draws one itself.
    """

    speed: str = "normal"
    max_fee: Amount | None = None
    memo: str | None = None
    native: Mapping[str, Any] = field(default_factory=dict)
    salt: int = 0

    def __post_init__(self) -> None:
        if self.speed not in ("slow", "normal", "fast"):
            raise InputError(f"speed is slow, normal or fast, not {shown(self.speed)}")


@dataclass(frozen=True, slots=True, init=False)
class Holder:
    """The public half of an account: all that an adapter may know of who pays.

    ``public_key`` is 33 bytes (secp256k1; 65 for an old uncompressed Bitcoin key) or 32 (ed25519).
    ``path`` is None for an imported key. A *whole* account (Bitcoin without an index) has ``derive``:
    ``derive(change, index)`` gives the 33-byte public key of that child of ``account_path``; its
    ``address`` is the next unused receive address and ``state`` what the last :meth:`Chain.refresh`
    found. ``fingerprint`` is the master key's (4 bytes, BIP-32) where it is known.
    """

    network: Network
    address: str
    public_key: bytes
    kind: str = ""
    path: Path | None = None
    account_path: Path | None = None
    fingerprint: bytes | None = None
    derive: Callable[[int, int], bytes] | None = field(default=None, repr=False, compare=False)
    state: Any = field(default=None, repr=False, compare=False)

    def __init__(
        self,
        network: Network,
        address: str,
        public_key: bytes,
        kind: str = "",
        path: Path | None = None,
        account_path: Path | None = None,
        fingerprint: bytes | None = None,
        derive: Callable[[int, int], bytes] | None = None,
        state: Any = None,
    ) -> None:
        # Deriving many addresses makes one of these for each: see SignedTransaction.
        _set_network(self, network)
        _set_address(self, address)
        _set_public_key(self, public_key)
        _set_kind(self, kind)
        _set_path(self, path)
        _set_account_path(self, account_path)
        _set_fingerprint(self, fingerprint)
        _set_derive(self, derive)
        _set_state(self, state)

    @property
    def is_whole(self) -> bool:
        """Whether this is a whole account of many addresses."""
        return self.derive is not None


(
    _set_network,
    _set_address,
    _set_public_key,
    _set_kind,
    _set_path,
    _set_account_path,
    _set_fingerprint,
    _set_derive,
    _set_state,
) = (Holder.__dict__[slot.name].__set__ for slot in fields(Holder))


def check_options(options: Options, *known: str) -> None:
    """Refuse family options that the family does not know; InputError names those that it does.

    >>> check_options(Options(native={"fee_rate": 3}), "fee_rate")
    """
    unknown = sorted(set(options.native) - set(known))
    if unknown:
        offered = ", ".join(sorted(known)) or "none"
        raise InputError(f"unknown option {unknown[0]!r}: the options of this network are {offered}")
