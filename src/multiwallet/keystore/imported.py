"""ImportedKey: what a key file of another wallet held, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from .. import registry
from ..errors import InputError, InvalidAddress, InvalidKey
from ..path import Path
from .material import row_of

if TYPE_CHECKING:
    from ..account import Account, AsyncAccount
    from ..chain import Network
    from ..keys.mnemonic import Mnemonic
    from ..wallet import AsyncWallet, Wallet
    from .material import Material

__all__ = ["AccountHint", "ImportedKey", "check_claim"]

A = TypeVar("A", "Account", "AsyncAccount")


@dataclass(frozen=True, slots=True)
class AccountHint:
    """Where the wallet that wrote a file has its addresses: ``hint.open(key.wallet())`` is that account."""

    network: str
    path: Path | None = None
    """The derivation path; None for the network's default one, and for a single key."""
    kind: str = ""
    """The address kind (``p2wpkh``, ...) where the network has several."""
    is_branch: bool = False
    """Whether :attr:`path` is an account, with ``change`` and ``index`` as two further steps below it."""

    def open(self, wallet: Wallet, index: int | None = None, *, change: int = 0) -> Account:
        """The account in a wallet made by :meth:`ImportedKey.wallet`.

        Without ``index`` it is the whole account where the network has such (Bitcoin); with it one address:
        ``change`` 0 for those that receive, 1 for change. Raises InputError for an index of a single address.
        """
        account: Account = _open(self, wallet, index, change)
        return account

    def open_async(self, wallet: AsyncWallet, index: int | None = None, *, change: int = 0) -> AsyncAccount:
        """As :meth:`open`, in a wallet made by :meth:`ImportedKey.async_wallet`."""
        account: AsyncAccount = _open(self, wallet, index, change)
        return account


def _open(hint: AccountHint, wallet: Any, index: int | None, change: int) -> Any:
    kind = hint.kind or None
    if hint.path is None:
        return wallet.account(hint.network, index=index, kind=kind)
    if not hint.is_branch:
        if index or change:
            raise InputError("this is one address, which has no index")
        return wallet.account(hint.network, path=hint.path, kind=kind)
    if index is not None:
        return wallet.account(hint.network, path=hint.path / change / index, kind=kind)
    session = wallet._session
    network, chain, chosen = session._chain(hint.network, hint.path, kind)
    if chain.whole_accounts:
        return wallet._face(session._whole(network, chain, chosen, hint.path))
    return wallet.account(hint.network, path=hint.path / change / 0, kind=kind)


class ImportedKey:
    """A key, seed or wallet that :func:`multiwallet.keystore.load` read.

    It keeps the manners of a secret: shows its format, kind, network and address only, and refuses ``pickle``,
    ``copy``, ``hash`` and ``format``. ``close()`` (or the end of a ``with`` block) wipes it; wallets that it made
    stay open.
    """

    __slots__ = ("__weakref__", "_material", "accounts", "address", "format", "label", "network", "others")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    format: str
    """The format's name, one of :data:`multiwallet.keystore.FORMATS`."""
    network: str
    """The network's name: what the file says, or the one that its software is for."""
    address: str | None
    """The address of the key; of a seed or an account its first one. None where no address can be made."""
    accounts: tuple[AccountHint, ...]
    """Where the wallet that wrote the file has its addresses, the main one first."""
    label: str | None
    """The name that the file gives the key or wallet."""
    others: tuple[ImportedKey, ...]
    """The further keys of the same file."""

    def __init__(
        self,
        format: str,
        material: Material,
        network: str | Network,
        *,
        accounts: tuple[AccountHint, ...] = (),
        address: str | None = None,
        label: str | None = None,
        others: tuple[ImportedKey, ...] = (),
    ) -> None:
        self.format = format
        self.network = network if isinstance(network, str) else network.name
        self.accounts = accounts or (AccountHint(self.network),)
        self.label = label
        self.others = others
        self._material = material
        self.address = address or material.address(self.accounts[0])

    @property
    def kind(self) -> str:
        """What it is: ``private-key``, ``mnemonic``, ``seed``, ``extended-private-key``, ``extended-public-key``,
        ``multisig``, ``public-key``, ``sr25519-private-key`` or ``ecdsa-private-key``."""
        return self._material.kind

    @property
    def public(self) -> str | None:
        """What may be shown of it: an extended public key, or an output descriptor; else None."""
        return self._material.public

    @property
    def has_private_keys(self) -> bool:
        """Whether it can sign."""
        return self._material.has_private_keys

    def wallet(self, **options: Any) -> Wallet:
        """A wallet of this key. ``options`` are those of :class:`multiwallet.Wallet`: transport, endpoints, signer.

        Its accounts are where the format's own software has them: open them with :attr:`accounts`. Raises
        :class:`~multiwallet.errors.Unsupported` for what no wallet here can serve.
        """
        from ..wallet import Wallet

        return self._material.open(Wallet, self.network, options)

    def async_wallet(self, **options: Any) -> AsyncWallet:
        """As :meth:`wallet`, for an event loop."""
        from ..wallet import AsyncWallet

        return self._material.open(AsyncWallet, self.network, options)

    def account(self, **options: Any) -> Account:
        """The main account, in a wallet of its own: ``key.accounts[0].open(key.wallet())``."""
        return self.accounts[0].open(self.wallet(**options))

    def export_private_key(self) -> str:
        """The private key of :attr:`address`, as its ecosystem writes it. The one way out: keep it nowhere that logs.

        Raises :class:`~multiwallet.errors.SigningRefused` for what has none.
        """
        return self._material.export(self.accounts[0])

    def mnemonic(self) -> Mnemonic:
        """The BIP-39 mnemonic: another object with the same manners, to be closed by itself.

        Raises :class:`~multiwallet.errors.Unsupported` for what is none.
        """
        return self._material.mnemonic()

    @property
    def closed(self) -> bool:
        """Whether it has been wiped."""
        return self._material.closed

    def close(self) -> None:
        """Overwrite what is secret with zeros, here and in :attr:`others`. Safe to call twice."""
        self._material.close()
        for other in self.others:
            other.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        more = f", and {len(self.others)} more" if self.others else ""
        return f"ImportedKey({self.format}: {self.kind}, {self.network} {self.address or 'without address'}{more})"

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an ImportedKey is not for formatting; write what is to be shown, such as its address")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("an ImportedKey cannot be copied or pickled: it holds a secret")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


def check_claim(key: ImportedKey, claimed: str) -> None:
    """Refuse a file whose address is not that of its key: it was altered, or is somebody's trap.

    Raises :class:`~multiwallet.errors.InvalidKey`, and wipes the key before.
    """
    row = row_of(key.network)
    try:
        matches = registry.chain(row).parse_address(row, claimed) == key.address
    except InvalidAddress:
        matches = False
    if not matches:
        key.close()
        raise InvalidKey("the address that this file claims is not that of the key inside: do not use the file")
