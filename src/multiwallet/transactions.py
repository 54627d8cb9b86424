"""What moves money, as values: transactions before and after signing, fees, summaries, receipts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .amounts import Amount, Asset
from .errors import InputError, InvalidTransaction, Unsupported
from .path import parse_path
from .signing_requests import Digest, Scheme, SigningRequest

if TYPE_CHECKING:
    from .chain import Chain, Network

__all__ = [
    "Action",
    "Balance",
    "Digest",
    "Fee",
    "Receipt",
    "Scheme",
    "SealedTransaction",
    "SignedTransaction",
    "SigningRequest",
    "Status",
    "Summary",
    "UnsignedTransaction",
]


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of one asset: three amounts that do not overlap.

    ``available`` can be spent now; ``pending`` is on its way in and not confirmed; ``locked`` is held
    back by the chain (a reserve, a stake, an immature reward).
    """

    available: Amount
    pending: Amount
    locked: Amount

    @classmethod
    def of(cls, asset: Asset, available: int, pending: int = 0, locked: int = 0) -> Balance:
        """A balance from three numbers of the asset's smallest unit."""
        return cls(Amount(available, asset), Amount(pending, asset), Amount(locked, asset))

    @property
    def total(self) -> Amount:
        """All three together."""
        return self.available + self.pending + self.locked

    def __str__(self) -> str:
        parts = [str(self.available)]
        if self.pending:
            parts.append(f"{self.pending} pending")
        if self.locked:
            parts.append(f"{self.locked} locked")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Fee:
    """What a transaction costs: ``expected`` as far as can be known, ``maximum`` what it can never exceed.

    ``details`` holds what the family reckons with (gas, rate in sat/vB, energy, compute units ...).
    """

    expected: Amount
    maximum: Amount
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.expected == self.maximum:
            return str(self.expected)
        return f"{self.expected} (at most {self.maximum})"


def _one_line(text: str) -> str:
    """Text of a stranger as a person may read it: a line break in a memo must not feign a line of the summary."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a transaction does, read from its bytes.

    ``kind`` is ``transfer``, ``change``, ``approve``, ``call``, ``create-account`` or another plain word;
    ``details`` holds what else was read (raw units, a selector, a program), as text.
    """

    kind: str
    to: str | None = None
    amount: Amount | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.kind]
        if self.amount is not None:
            words.append(str(self.amount))
        if self.to is not None:
            words.append(f"to {self.to}")
        text = " ".join(words)
        if self.details:
            text += " (" + ", ".join(f"{name}: {value}" for name, value in self.details.items()) + ")"
        return _one_line(text)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a transaction will do, decoded from the very bytes that are signed.

    ``warnings`` are sentences a person should read before signing (an unlimited approval, an unknown
    program, an absurd fee). Token amounts use the decimals that the builder stated.
    """

    network: str
    sender: str
    actions: tuple[Action, ...]
    fee: Fee
    memo: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"network  {self.network}", f"from     {self.sender}"]
        lines += [f"{'does' if not n else '':8} {action}" for n, action in enumerate(self.actions)]
        lines.append(f"fee      {self.fee}")
        if self.memo is not None:
            lines.append(f"memo     {self.memo!r}")
        lines += [f"{name:8} {value}" for name, value in self.details.items()]
        lines += [f"WARNING  {warning}" for warning in self.warnings]
        return "\n".join(map(_one_line, lines))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values; amounts as ``{"amount", "units", "asset", "symbol"}``."""
        return {
            "network": self.network,
            "sender": self.sender,
            "actions": [
                {"kind": a.kind, "to": a.to, "amount": amount_dict(a.amount), "details": dict(a.details)}
                for a in self.actions
            ],
            "fee": fee_dict(self.fee),
            "memo": self.memo,
            "details": dict(self.details),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """A transaction before signing. Never changed in place; it holds no key.

    ``body`` is the native form that is signed or that holds what is signed: the unsigned EVM payload,
    a PSBT, TRON ``raw_data``, a Solana message. ``requests`` are the signatures it needs. ``assets``
    are the tokens named in it, with the decimals that the summary shows. ``context`` holds what the
    family must remember beside the bytes (an expiry, a spent output), as plain JSON values.

    :meth:`to_json` and :meth:`from_json` carry it to another machine and back.
    """

    chain: Chain = field(repr=False, compare=False)
    network: Network
    sender: str
    body: bytes
    fee: Fee
    requests: tuple[SigningRequest, ...]
    assets: tuple[Asset, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> Summary:
        """What it does, decoded from :attr:`body`."""
        return self.chain.summarize(self)

    def to_json(self) -> str:
        """The whole transaction as JSON text, for signing elsewhere. It holds no secret."""
        return json.dumps(
            {
                "multiwallet": 1,
                "network": self.network.id,
                "sender": self.sender,
                "body": self.body.hex(),
                "fee": fee_dict(self.fee),
                "requests": [
                    {
                        "scheme": r.scheme.value,
                        "digest": r.digest.value,
                        "preimage": r.preimage.hex(),
                        "public_key": r.public_key.hex(),
                        "path": None if r.path is None else str(r.path),
                        "tweak": None if r.tweak is None else r.tweak.hex(),
                    }
                    for r in self.requests
                ],
                "assets": [{"id": a.id, "symbol": a.symbol, "decimals": a.decimals} for a in self.assets],
                "context": dict(self.context),
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> UnsignedTransaction:
        """Read what :meth:`to_json` wrote.

        The signing requests are computed again from the body: a file whose requests say something else
        is refused with :class:`~multiwallet.errors.InvalidTransaction`.
        """
        from . import registry  # the one look upwards: a file names its network, and only the registry knows it
        from .codec import json_text

        try:
            data = json_text.parse(text, unique=True)
            if data["multiwallet"] != 1:
                raise InvalidTransaction("this file was written by another version of the format")
            network = registry.network(data["network"])
            fee, stated = data["fee"], data["requests"]
            transaction = registry.chain(network).restore(
                network,
                sender=str(data["sender"]),
                body=bytes.fromhex(data["body"]),
                fee=Fee(
                    _fee_amount(fee["expected"], network.native),
                    _fee_amount(fee["maximum"], network.native),
                    dict(fee["details"]),
                ),
                paths={bytes.fromhex(r["public_key"]): parse_path(r["path"]) for r in stated if r["path"] is not None},
                assets=tuple(Asset(str(a["id"]), str(a["symbol"]), a["decimals"]) for a in data["assets"]),
                context=dict(data["context"]),
            )
            preimages = [(r["scheme"], r["digest"], r["preimage"], r["public_key"], r["tweak"]) for r in stated]
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InvalidTransaction("this is no transaction file of ours: write it with to_json()") from error
        computed = [
            (r.scheme, r.digest, r.preimage.hex(), r.public_key.hex(), None if r.tweak is None else r.tweak.hex())
            for r in transaction.requests
        ]
        if preimages != computed:
            raise InvalidTransaction("the file's signing requests do not belong to its transaction: do not sign it")
        return transaction


@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class SignedTransaction:
    """A transaction after signing: the bytes that travel, and the id that explorers show. Immutable.

    ``raw`` is what the network relays (a PSBT while signatures are missing, and ``complete`` is then
    False). ``txid`` was computed here, never taken from a node. ``expiry`` is when the chain stops
    accepting it, in the family's own measure, where there is such a moment.
    """

    chain: Chain
    network: Network
    raw: bytes
    txid: str
    complete: bool = True
    expiry: int | None = None

    def __init__(
        self, chain: Chain, network: Network, raw: bytes, txid: str, complete: bool = True, expiry: int | None = None
    ) -> None:
        # A batch makes one of these for each signature: setting the slots directly takes half
        # the time of a frozen dataclass's own __init__.
        _set_chain(self, chain)
        _set_network(self, network)
        _set_raw(self, raw)
        _set_txid(self, txid)
        _set_complete(self, complete)
        _set_expiry(self, expiry)

    def hex(self) -> str:
        """``raw`` as lower-case hex without a prefix."""
        return self.raw.hex()

    def to_wire(self) -> Any:
        """What the node's own broadcast call takes: hex, base64 or a JSON object, as the chain has it."""
        return self.chain.to_wire(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SignedTransaction):
            return NotImplemented
        return (self.raw, self.network, self.txid, self.complete, self.expiry) == (
            other.raw,
            other.network,
            other.txid,
            other.complete,
            other.expiry,
        )

    def __hash__(self) -> int:
        return hash((self.network, self.raw))

    def __repr__(self) -> str:
        state = "" if self.complete else ", lacks signatures"
        return f"<{type(self).__name__} {self.txid} on {self.network.name}, {len(self.raw)} bytes{state}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return SignedTransaction, (self.chain, self.network, self.raw, self.txid, self.complete, self.expiry)


_set_chain, _set_network, _set_raw, _set_txid, _set_complete, _set_expiry = (
    SignedTransaction.__dict__[name].__set__ for name in ("chain", "network", "raw", "txid", "complete", "expiry")
)


class SealedTransaction(SignedTransaction):
    """A signed transaction that reads its id from its own bytes when somebody asks for it.

    For chains where writing the id out costs as much as the rest of sealing a transaction: a batch that never looks
    at an id never pays for it. Equal to, and as good as, the plain form.
    """

    __slots__ = ()

    def __init__(
        self, chain: Chain, network: Network, raw: bytes, complete: bool = True, expiry: int | None = None
    ) -> None:
        _set_chain(self, chain)
        _set_network(self, network)
        _set_raw(self, raw)
        _set_complete(self, complete)
        _set_expiry(self, expiry)

    @property
    def txid(self) -> str:
        """The id that explorers show, as the chain computes it from :attr:`raw`."""
        return self.chain.transaction_id(self.raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.chain, self.network, self.raw, self.complete, self.expiry)


class Status(StrEnum):
    """Where a transaction stands."""

    UNKNOWN = "unknown"  # the node does not know it: never arrived, dropped, or not yet seen
    PENDING = "pending"  # waiting to be included
    CONFIRMED = "confirmed"  # included and succeeded
    FAILED = "failed"  # included and failed: the fee is spent, the rest undone


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction, as the node last told.

    ``confirmations`` counts the including block as one; ``final`` says that the chain itself calls it
    irreversible. ``wait()`` follows it further: it returns a later receipt (an awaitable of one where
    the account is asynchronous).
    """

    network: Network
    txid: str
    status: Status
    confirmations: int = 0
    block: int | None = None
    fee: Amount | None = None
    final: bool = False
    reason: str | None = None
    expiry: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    waiter: Callable[..., Any] | None = field(default=None, repr=False, compare=False)

    def wait(self, *, confirmations: int = 1, timeout: float = 300) -> Any:
        """Wait until the transaction is included with so many ``confirmations``; at most ``timeout`` seconds.

        Raises :class:`~multiwallet.errors.Reverted` where it failed on chain,
        :class:`~multiwallet.errors.Expired` where it can no longer be included and
        :class:`~multiwallet.errors.Timeout` when the time is up.
        """
        if self.waiter is None:
            raise Unsupported("this receipt does not belong to an account: call account.wait(txid)")
        return self.waiter(self.txid, confirmations=confirmations, timeout=timeout, expiry=self.expiry)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "network": self.network.id,
            "txid": self.txid,
            "status": self.status.value,
            "confirmations": self.confirmations,
            "block": self.block,
            "fee": amount_dict(self.fee),
            "final": self.final,
            "reason": self.reason,
        }


def amount_dict(amount: Amount | None) -> dict[str, Any] | None:
    """An amount as plain JSON values, exact: ``units`` is decimal text, since JSON readers round large numbers."""
    if amount is None:
        return None
    asset = amount.asset
    return {
        "amount": amount.text,
        "units": str(amount.units),
        "asset": asset.id,
        "symbol": asset.symbol,
        "decimals": asset.decimals,
    }


def fee_dict(fee: Fee) -> dict[str, Any]:
    """A fee as plain JSON values."""
    return {"expected": amount_dict(fee.expected), "maximum": amount_dict(fee.maximum), "details": dict(fee.details)}


def _fee_amount(data: Mapping[str, Any], native: Asset) -> Amount:
    units, asset = data["units"], Asset(data["asset"], data["symbol"], data["decimals"])
    if not (isinstance(units, str) and units.isascii() and units.isdigit()):
        raise InvalidTransaction("an amount in the file is no whole number in decimal text")
    if asset == native and (asset.symbol, asset.decimals) != (native.symbol, native.decimals):
        raise InvalidTransaction(f"the file writes {native.symbol} under another name or with other decimals")
    return Amount(int(units), asset)


def total(amounts: Sequence[Amount], asset: Asset) -> Amount:
    """The sum of amounts of one asset; zero of it when there are none."""
    return sum(amounts, Amount(0, asset))
