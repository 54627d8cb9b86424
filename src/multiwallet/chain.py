"""THE contract: what a family of chains must do, and the values it is done with.

An adapter (:class:`Chain`) is pure. It holds no key, no socket, no clock and no random source, so one
instance serves every thread. What needs the network is an :data:`~multiwallet.ops.Op`; what needs a
key is a :class:`~multiwallet.transactions.SigningRequest`. The docs page "Add a chain" walks through
an implementation, and ``multiwallet.testing.ChainContract`` is the suite that each must pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol

from .amounts import Asset
from .errors import InputError, MultiwalletError, Reverted, Timeout, Unsupported
from .intents import Holder, Network, Options, Payment, Transfer, check_options
from .ops import Op, Sleep, ask, gather
from .path import Path
from .transactions import (
    Action,
    Balance,
    Digest,
    Fee,
    Receipt,
    Scheme,
    SignedTransaction,
    SigningRequest,
    Status,
    Summary,
    UnsignedTransaction,
)

__all__ = [
    "Action",
    "Balance",
    "BatchPlan",
    "Chain",
    "Claims",
    "Digest",
    "Fee",
    "Holder",
    "Network",
    "Nonces",
    "Options",
    "Payment",
    "Receipt",
    "Replay",
    "Scheme",
    "SignedTransaction",
    "SigningRequest",
    "Status",
    "Summary",
    "Transfer",
    "UnsignedTransaction",
    "check_options",
]


class Replay(StrEnum):
    """What keeps two transactions of one payment from both being included."""

    NONCE = "nonce"
    """Each takes a number of the account's, which is used once: the transactions of one payment share it."""
    COINS = "coins"
    """What it spends is spent once: the transactions of one payment share a coin."""
    EXPIRY = "expiry"
    """Nothing: the one before must have expired for certain before another is signed."""


class Nonces(NamedTuple):
    """How far an account's numbers are used: in blocks, and counting what waits to be included."""

    included: int
    pending: int


class Claims(NamedTuple):
    """What a transaction takes that another of the account cannot take as well."""

    nonce: int | None = None
    coins: tuple[str, ...] = ()


class BatchPlan(Protocol):
    """The hot path of one account's batch: what varies is prepared, signed and sealed, nothing else.

    ``prepare(item)`` checks one item (what :meth:`Chain.adopt` accepts) and returns a state and the bytes
    that ``scheme`` signs; ``seal(state, signature)`` makes the signed transaction. The result is byte
    for byte what :meth:`Chain.adopt` and :meth:`Chain.assemble` give for the same item, which also
    serve the items for which ``prepare`` returns None. Both are called from several threads at once.
    """

    scheme: Scheme

    def prepare(self, item: Any) -> tuple[Any, bytes] | None:
        """Check an item; return what ``seal`` needs and the bytes to sign (32-byte digest or message)."""

    def seal(self, state: Any, signature: bytes) -> SignedTransaction:
        """Join a prepared item with its signature."""


class Chain(ABC):
    """One family of chains. Every method that takes a network serves all rows of the family."""

    family: ClassVar[str]
    """The name that rows give as their ``family``."""
    curve: ClassVar[str]
    """The curve of its keys: ``secp256k1``, ``ed25519``, ``sr25519`` or ``secp256r1``. See :meth:`curve_of`."""
    kinds: ClassVar[tuple[str, ...]] = ("",)
    """The address kinds it knows, the default first."""
    key_forms: ClassVar[tuple[str, ...]] = ("hex",)
    """How this ecosystem writes private keys, the form for export first: ``hex``, ``0xhex``, ``wif``, ``keypair``."""
    whole_accounts: ClassVar[bool] = False
    """Whether an account without an index is a whole account of many addresses."""
    replay: ClassVar[Replay | None] = None
    """What an outbox relies on to pay once. None: the family's payments cannot go through an outbox yet."""

    # -- keys and addresses: pure ------------------------------------------------------------------

    @abstractmethod
    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """The default derivation path. ``index`` None: of the whole account, or index 0 where there is none."""

    @abstractmethod
    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The canonical address text of a public key."""

    @abstractmethod
    def parse_address(self, network: Network, text: str) -> str:
        """The canonical form of an address; :class:`~multiwallet.errors.InvalidAddress` says what is wrong."""

    def asset_id(self, network: Network, reference: str) -> str:
        """The CAIP-19 id of a token from its contract or mint address; InvalidAddress, or Unsupported without tokens."""
        raise Unsupported(f"{network.title} has no tokens that this library knows")

    def curve_of(self, network: Network, kind: str) -> str:
        """The curve of an address kind's keys; :attr:`curve` unless a family (or one of its networks) has several."""
        return self.curve

    def kinds_of(self, network: Network) -> tuple[str, ...]:
        """The address kinds that one network has, the default first; :attr:`kinds` unless networks differ in them."""
        return self.kinds

    def kind_of(self, path: Path) -> str:
        """The address kind that an explicit path implies; the default one where paths imply none."""
        return self.kinds[0]

    # -- transactions: pure ------------------------------------------------------------------------

    @abstractmethod
    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """Make a transaction of what this ecosystem calls one (a dict, a PSBT, a message); InvalidTransaction."""

    @abstractmethod
    def restore(
        self,
        network: Network,
        *,
        sender: str,
        body: bytes,
        fee: Fee,
        paths: Mapping[bytes, Path],
        assets: tuple[Asset, ...],
        context: Mapping[str, Any],
    ) -> UnsignedTransaction:
        """Rebuild a transaction from its stored parts, computing its signing requests from ``body`` anew.

        ``paths`` says where the keys (by public key) are found. Raises InvalidTransaction where the
        parts contradict each other.
        """

    @abstractmethod
    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """The requests that this holder is to sign, with its paths; SigningRefused when the transaction is not its own."""

    @abstractmethod
    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """What the transaction does, from its bytes alone."""

    @abstractmethod
    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """Put signatures (request and signature bytes, as pairs) into the transaction and compute its id."""

    @abstractmethod
    def to_wire(self, signed: SignedTransaction) -> Any:
        """What the node's broadcast call takes."""

    @abstractmethod
    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """Read a signed transaction from raw bytes, hex or the node's own form, computing its id; InvalidTransaction."""

    def transaction_id(self, raw: bytes) -> str:
        """The id that explorers show, from signed bytes; for families that use SealedTransaction."""
        raise Unsupported(f"the family {self.family} does not compute an id from signed bytes alone")

    def batch(self, holder: Holder) -> BatchPlan | None:
        """The hot path for signing many transactions of one account; None where there is no quicker way."""
        return None

    def template(self, holder: Holder, **fixed: Any) -> Any:
        """What many similar transactions share, for :meth:`batch`: the result has ``fill(rows)``."""
        raise Unsupported(f"{holder.network.title} has no batch template: sign ready transactions")

    # -- messages: pure ----------------------------------------------------------------------------

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """What is signed for a text (UTF-8) or bytes, as this ecosystem's wallets sign it."""
        raise Unsupported(f"{holder.network.title} has no message signing here")

    def typed_data(self, holder: Holder, data: Any) -> SigningRequest:
        """What is signed for a typed-data object (EIP-712 and its kin)."""
        raise Unsupported(f"{holder.network.title} has no typed data")

    def message_signature(self, holder: Holder, request: SigningRequest, signature: bytes) -> str:
        """The signature of a message or typed data as this ecosystem writes it."""
        raise Unsupported(f"{holder.network.title} has no message signing here")

    def verify_message(self, network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
        """Whether the signature over the message is the address's. False for any signature that is not."""
        raise Unsupported(f"{network.title} has no message signing here")

    def verify_typed_data(self, network: Network, address: str, data: Any, signature: str | bytes) -> bool:
        """Whether the signature over the typed data is the address's."""
        raise Unsupported(f"{network.title} has no typed data")

    # -- what asks the network: operations ---------------------------------------------------------

    @abstractmethod
    def identify(self, network: Network) -> Op[None]:
        """Make sure that the endpoint speaks for this network; BadResponse naming both when it does not."""

    def asset(self, network: Network, reference: str) -> Op[Asset]:
        """A token by its contract or mint address, with symbol and decimals read from the chain."""
        raise Unsupported(f"{network.title} has no tokens that this library knows")

    def refresh(self, holder: Holder) -> Op[Holder]:
        """Learn what a whole account holds (next addresses, coins). Others come back as they are, without I/O."""
        return holder
        yield ()  # makes this a generator

    @abstractmethod
    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """What the (refreshed) holder has of an asset."""

    def balances(
        self, network: Network, addresses: Sequence[str], assets: Sequence[Asset]
    ) -> Op[list[list[Balance | MultiwalletError]]]:
        """A row for each (canonical) address, with its balance or the error in its place for each asset.

        Any address will do, since it takes no key. A family that can ask for many at once does it here; this one
        asks for each, a thousand at a time.
        """
        cells: list[Balance | MultiwalletError] = []
        wanted = [(address, asset) for address in addresses for asset in assets]
        for start in range(0, len(wanted), 1000):
            asked = (self._balance_of(network, *pair) for pair in wanted[start : start + 1000])
            cells += yield from gather(*asked, return_errors=True)
        width = len(assets)
        return [cells[row * width : (row + 1) * width] for row in range(len(addresses))]

    def _balance_of(self, network: Network, address: str, asset: Asset) -> Op[Balance]:
        # A generator of its own, so that a refusal before the first question stays with its cell.
        return (yield from self.balance(Holder(network, address, b"", self.kinds_of(network)[0]), asset))

    @abstractmethod
    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Make a transaction for the (refreshed) holder with all it needs from the chain.

        Raises InsufficientFunds(needed, available), AmountError, Unsupported, and InputError for an
        unknown option. A fee above ``options.max_fee`` is an InputError that names both.
        """

    def quote(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[Fee]:
        """The fee that :meth:`build` would set."""
        transaction = yield from self.build(holder, payments, options)
        return transaction.fee

    @abstractmethod
    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """Hand the bytes to the network. "Already known" is success; no answer is BroadcastUncertain.

        The receipt's txid is ours; a node that reports another is a BadResponse.
        """

    def after_broadcast(self, holder: Holder, signed: SignedTransaction) -> Holder:
        """The holder as it stands once a transaction of its own is on its way (coins that are now spent)."""
        return holder

    @abstractmethod
    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Where the transaction stands now. Raises Expired when ``expiry`` has passed and it was not included."""

    def wait(
        self,
        network: Network,
        txid: str,
        *,
        confirmations: int = 1,
        timeout: float = 300,
        expiry: int | None = None,
    ) -> Op[Receipt]:
        """Ask for the status until the transaction has so many confirmations (or is final).

        Raises Reverted, Expired, or Timeout after about ``timeout`` seconds of waiting.
        """
        if timeout != timeout:  # NaN, which no waiting ever reaches
            raise InputError("timeout is a number of seconds")
        waited, pause = 0.0, 0.25
        while True:
            receipt = yield from self.status(network, txid, expiry=expiry)
            if receipt.status is Status.FAILED:
                raise Reverted(
                    f"{txid} was included and failed: {receipt.reason or 'the chain gave no reason'}",
                    txid=txid,
                    reason=receipt.reason,
                )
            if receipt.status is Status.CONFIRMED and (receipt.confirmations >= confirmations or receipt.final):
                return receipt
            if waited >= timeout:
                raise Timeout(
                    f"{txid} is {receipt.status.value} with {receipt.confirmations} of {confirmations} confirmations "
                    f"after {timeout:g} s: wait longer, or ask again with wait(txid)"
                )
            pause = min(pause * 1.5, 5.0, max(timeout - waited, 0.05))
            yield from ask(Sleep(pause))
            waited += pause

    # -- for an outbox, which pays once whatever happens -------------------------------------------

    def claims(self, signed: SignedTransaction) -> Claims:
        """What the signed transaction takes: its nonce, or its coins in the form of the option ``coins``."""
        raise Unsupported(f"payments of the family {self.family} cannot go through an outbox yet")

    def nonces(self, holder: Holder) -> Op[Nonces]:
        """The account's next numbers, where :attr:`replay` is ``NONCE``. The option ``nonce`` of build takes one."""
        raise Unsupported(f"the family {self.family} has no nonces")

    def is_dead(self, holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
        """Whether these bytes can never be included any more, for certain, ``depth`` blocks deep.

        Asked of a transaction that the chain does not know. False wherever there is doubt.
        """
        raise Unsupported(f"payments of the family {self.family} cannot go through an outbox yet")

    def replace(
        self, holder: Holder, transaction: UnsignedTransaction, options: Options, *, cancel: bool = False
    ) -> Op[UnsignedTransaction]:
        """A transaction that takes the place of this one, at a fee high enough for nodes to let it.

        It pays the same, and with ``cancel`` nothing to anybody; of ``options`` the speed and ``max_fee`` count.
        Raises :class:`~multiwallet.errors.Unsupported` where nothing can be replaced before it has expired.
        """
        raise Unsupported(f"a transaction of the family {self.family} cannot be replaced: wait until it has expired")
