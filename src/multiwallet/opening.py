"""How a wallet is opened, and what its two faces share: keys in, accounts out, nothing that asks the network."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

from .account import Account, AsyncAccount
from .amounts import Asset
from .batch import BatchResult
from .chain import Network
from .errors import InputError, MultiwalletError, SigningRefused, shown
from .operations import AccountOperations, Session
from .ops import Op, gather
from .path import Path
from .secret import Secret, discreet
from .signer import LocalSigner, Signer
from .transactions import Balance

if TYPE_CHECKING:
    import os

    from .amounts import Asset
    from .discovery import Discovery, Progress
    from .keys.keychain import Keychain
    from .keys.mnemonic import Mnemonic
    from .outbox.operations import OutboxOperations
    from .outbox.policy import Policy
    from .store import Store

__all__ = ["WalletFace"]

A = TypeVar("A", Account, AsyncAccount)


def _texts(addresses: Iterable[str]) -> Iterable[str]:
    if isinstance(addresses, str):
        raise InputError("addresses is a list of addresses, not one text")
    for address in addresses:
        if not isinstance(address, str):
            raise InputError(f"an address is text, not {shown(address)}")
        yield address


class WalletFace(Generic[A]):
    """What both faces share: making a wallet, opening accounts, wiping."""

    def __init__(self, session: Session, signer: Signer | None, transport: Any, *, owns_transport: bool) -> None:
        self._session = session
        self._signer = signer
        self._transport = transport
        self._owns_transport = owns_transport
        self._turns: dict[str, Any] = {}

    @classmethod
    @discreet
    def from_mnemonic(
        cls,
        mnemonic: str | Mnemonic,
        passphrase: str = "",
        *,
        language: str | None = None,
        standard: str = "bip39",
        transport: Any = None,
        endpoints: Mapping[str, str | Sequence[str]] | None = None,
        signer: Signer | None = None,
    ) -> Self:
        """A wallet from a BIP-39 phrase (12 to 24 words) and an optional passphrase, both NFKD-normalised.

        ``standard="ton"`` reads the 24 words of TON's own wallets, which are no BIP-39 phrase, and the passphrase is
        their password; the wallet holds their one key and serves TON alone.

        ``transport`` carries what needs the network: a devnet, your ``Web3``, a mapping of network to
        transport; left out, an HTTP transport is made when first needed. ``endpoints`` maps a network to
        its URLs. ``signer`` signs in place of this process. Raises InvalidMnemonic.
        """
        from .keys.keychain import SeedKeychain, SingleKeychain
        from .keys.mnemonic import Mnemonic

        if standard == "ton":
            from .keys.ton_mnemonic import ton_seed

            if isinstance(mnemonic, Mnemonic):
                raise InputError("a Mnemonic is a BIP-39 phrase: give the words of TON as text")
            with ton_seed(mnemonic, passphrase) as seed:
                single = SingleKeychain("ed25519", seed)
            return cls._make(single, transport, endpoints, signer, family="ton")
        if standard != "bip39":
            raise InputError(f"there is no standard of phrases {shown(standard)}: the standards are 'bip39' and 'ton'")
        words = mnemonic if isinstance(mnemonic, Mnemonic) else Mnemonic(mnemonic, language)
        with (
            words.to_seed(passphrase) as seed,
            Secret(words.entropy) as entropy,
            Secret(unicodedata.normalize("NFC", passphrase).encode()) as password,
        ):
            keychain = SeedKeychain(seed, entropy=entropy, passphrase=password)
        return cls._make(keychain, transport, endpoints, signer)

    @classmethod
    @discreet
    def from_seed(
        cls,
        seed: bytes | Secret,
        *,
        transport: Any = None,
        endpoints: Mapping[str, str | Sequence[str]] | None = None,
        signer: Signer | None = None,
    ) -> Self:
        """A wallet from a BIP-32 seed of 16 to 64 bytes. Raises InvalidKey."""
        from .keys.keychain import SeedKeychain

        with Secret(seed.expose() if isinstance(seed, Secret) else seed) as secret:
            return cls._make(SeedKeychain(secret), transport, endpoints, signer)

    @classmethod
    @discreet
    def from_private_key(
        cls,
        network: str | Network,
        key: str | bytes | Secret,
        *,
        kind: str | None = None,
        transport: Any = None,
        endpoints: Mapping[str, str | Sequence[str]] | None = None,
        signer: Signer | None = None,
    ) -> Self:
        """A wallet of one imported key, in whatever form that chain's users have it.

        Hex or 32 bytes; WIF for Bitcoin and its kin; base58 of 64 bytes or a JSON array for Solana; what the wallets
        of other families write (``PVT_K1_...``, AIP-80, ``suiprivkey1...``, family seeds). It serves every network
        of that family. ``kind`` is the address kind, where its kinds have different curves and the text does not
        tell. Raises InvalidKey; the message never holds the key.
        """
        from . import registry
        from .credentials import import_private_key
        from .keys.keychain import SingleKeychain

        row = registry.network(network)
        chain = registry.chain(row)
        imported = import_private_key(key, chain, row, kind)
        with imported.secret as secret:
            keychain = SingleKeychain(imported.curve, secret, compressed=imported.compressed)
        wallet = cls._make(keychain, transport, endpoints, signer, family=row.family)
        wallet._session.kind = imported.kind
        return wallet

    @classmethod
    @discreet
    def from_xpub(
        cls,
        network: str | Network,
        xpub: str,
        *,
        transport: Any = None,
        endpoints: Mapping[str, str | Sequence[str]] | None = None,
        signer: Signer | None = None,
    ) -> Self:
        """A watch-only wallet from an extended public key (xpub, ypub, zpub, tpub, upub, vpub): everything but sign.

        The prefix decides the Bitcoin address kind unless ``kind`` says otherwise. With a ``signer`` it
        signs elsewhere. Raises InvalidKey.
        """
        from . import registry
        from .credentials import import_extended_key

        row = registry.network(network)
        chain = registry.chain(row)
        imported = import_extended_key(xpub, chain, row)
        wallet = cls._make(imported.keychain, transport, endpoints, signer, family=row.family)
        wallet._session.kind = imported.kind
        wallet._session.accepts = imported.accepts
        return wallet

    @classmethod
    def _make(
        cls,
        keychain: Keychain,
        transport: Any,
        endpoints: Mapping[str, str | Sequence[str]] | None,
        signer: Signer | None,
        family: str = "",
    ) -> Self:
        from . import registry

        urls: dict[str, tuple[str, ...]] = {}
        if not isinstance(endpoints or {}, Mapping):
            raise InputError('endpoints names the network of each URL: endpoints={"ethereum": "https://..."}')
        for name, url in (endpoints or {}).items():
            given = (url,) if isinstance(url, str) else url
            if not isinstance(given, Sequence) or not all(isinstance(part, str) for part in given):
                raise InputError(f"the endpoints of {shown(name)} are a URL or a list of URLs")
            row = registry.network(name)
            if not all(part.rpartition("+")[2].startswith(("http://", "https://")) for part in given):
                raise InputError(f"an endpoint of {row.name} does not start with http:// or https://")
            urls[row.id] = tuple(given)
        if signer is None and keychain.has_private_keys:
            signer = LocalSigner(keychain)
        session = Session(keychain, can_sign=signer is not None, endpoints=urls, family=family)
        return cls(session, signer, transport, owns_transport=transport is None)

    def account(
        self,
        network: str | Network,
        *,
        index: int | None = None,
        account: int | None = None,
        path: str | Path | None = None,
        kind: str | None = None,
    ) -> A:
        """The account of a network, by name, alias or CAIP-2 id.

        ``index`` and ``account`` count within the family's default path; ``path`` names another one;
        ``kind`` chooses a Bitcoin address kind (``p2wpkh``, ``p2tr``, ``p2sh-p2wpkh``, ``p2pkh``). A
        Bitcoin account without an index is the whole account, with all its addresses.
        """
        return self._face(self._session.open(network, index=index, account=account, path=path, kind=kind))

    def accounts(
        self,
        network: str | Network,
        *,
        start: int = 0,
        count: int,
        account: int | None = None,
        kind: str | None = None,
    ) -> list[A]:
        """The accounts ``start`` to ``start + count - 1``: the fast way, their parent is derived once."""
        opened = self._session.open_many(network, start=start, count=count, account=account, kind=kind)
        return [self._face(operations) for operations in opened]

    @property
    def is_single_key(self) -> bool:
        """Whether the wallet holds one imported private key, which has no indexes or paths."""
        return self._session.is_single

    @property
    def family(self) -> str:
        """The one family that an imported key or an extended public key serves; empty for a seed, which serves all."""
        return self._session.family

    @property
    def is_watch_only(self) -> bool:
        """Whether the wallet can do everything but sign."""
        return not self._session.can_sign

    def _outbox_operations(self, store: Store | str | os.PathLike[str], policy: Policy | None) -> OutboxOperations:
        from .outbox.operations import OutboxOperations
        from .outbox.policy import Policy
        from .store import Store

        opened = store if isinstance(store, Store) else Store(store)
        return OutboxOperations(opened, self._session, policy or Policy())

    def _face(self, operations: AccountOperations) -> A:
        raise NotImplementedError  # the two faces say which account they make

    def _endpoints(self, network_id: str) -> Sequence[str]:
        return self._session.network(network_id).endpoints

    def _portfolio(self, networks: Iterable[str | Network]) -> Op[dict[str, Balance | MultiwalletError]]:
        names = [name.name if isinstance(name, Network) else name for name in networks]
        accounts = [self._session.open(name, index=None, account=None, path=None, kind=None) for name in names]
        results = yield from gather(*(account.balance(None) for account in accounts), return_errors=True)
        return dict(zip(names, results, strict=True))

    def _discover(
        self,
        networks: Iterable[str | Network] | None,
        gap: int,
        account_gap: int,
        assets: Mapping[str, Sequence[Asset | str]] | None,
        progress: Progress | None,
    ) -> Op[Discovery[AccountOperations]]:
        from .discovery import Search, discover

        if isinstance(networks, str | Network):
            raise InputError('discover takes a list of networks: discover(["ethereum"])')
        search = Search(gap, account_gap)
        return (yield from discover(self._session, networks, assets or {}, search, progress))

    def _balances(
        self, network: str | Network, addresses: Iterable[str], assets: Iterable[Asset | str | None]
    ) -> Op[dict[str, dict[Asset | str | None, Balance | MultiwalletError]]]:
        from . import registry
        from .chain import Holder

        row = self._session.network(network)
        chain = registry.chain(row)
        named = list(dict.fromkeys(_texts(addresses)))
        canonical = [chain.parse_address(row, address) for address in named]
        wanted = list(dict.fromkeys(assets))
        if not canonical or not wanted:
            return {address: {} for address in named}
        reader = AccountOperations(self._session, chain, Holder(row, canonical[0], b""))
        known = yield from gather(*(reader.asset(asset) for asset in wanted), return_errors=True)
        held = [asset for asset in known if isinstance(asset, Asset)]
        rows: list[list[Balance | MultiwalletError]] = [[] for _ in canonical]
        if held:
            rows = yield from reader.online(chain.balances(row, canonical, held))
        found: dict[str, dict[Asset | str | None, Balance | MultiwalletError]] = {}
        for address, balances in zip(named, rows, strict=True):
            cells = iter(balances)
            found[address] = {
                asset: next(cells) if isinstance(resolved, Asset) else resolved
                for asset, resolved in zip(wanted, known, strict=True)
            }
        return found

    def _of_pair(self, pair: Any) -> tuple[AccountOperations, Any]:
        try:
            account, transaction = pair
        except (TypeError, ValueError) as error:
            raise InputError("a batch of a wallet is made of pairs: (account, transaction)") from error
        if not isinstance(account, Account | AsyncAccount) or account._wallet is not self:
            raise SigningRefused("the account of this item does not belong to this wallet")
        return account._operations, transaction

    def _sign_pair(
        self, sign_for: Callable[[AccountOperations], Callable[[Any], BatchResult]]
    ) -> Callable[[Any], BatchResult]:
        ready: dict[int, tuple[AccountOperations, Callable[[Any], BatchResult]]] = {}

        def sign(pair: Any) -> BatchResult:
            try:
                operations, transaction = self._of_pair(pair)
                known = ready.get(id(operations))
                if known is None:
                    if len(ready) >= 4096:
                        ready.clear()
                    # the entry keeps the operations alive, so that their id stays theirs
                    known = ready[id(operations)] = (operations, sign_for(operations))
            except MultiwalletError as error:
                return error
            return known[1](transaction)

        return sign

    def __repr__(self) -> str:
        what = f" of one {self._session.family} key" if self._session.is_single else ""
        return f"<{type(self).__name__}{what}{', watch-only' if self.is_watch_only else ''}>"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a wallet cannot be copied or pickled: open it again where it is needed")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
