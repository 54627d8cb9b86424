"""The devnet's ledger for XRP: accounts, trust lines, and what transactions do to them.

It is ours: no engine of the XRP Ledger can be installed with pip. It executes payments of XRP and of tokens straight
through their issuer, TrustSet, AccountSet, SetRegularKey, SignerListSet and TicketCreate, with the checks, result codes
and reserves of rippled as its documentation states them. Not here: the exchange, paths, offers, escrows, checks,
payment channels, NFTs, AMMs, multi-purpose tokens, the transaction queue and fees that rise with load.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, Final

from .xrp_protocol import Money, Transaction

__all__ = ["BASE_FEE", "INCREMENT", "RESERVE", "Account", "Line", "Outcome", "State"]

BASE_FEE: Final = 10
RESERVE: Final = 1_000_000
INCREMENT: Final = 200_000
REQUIRE_TAG, REQUIRE_AUTH, MASTER_DISABLED = 0x00020000, 0x00040000, 0x00100000
GLOBAL_FREEZE, DEFAULT_RIPPLE, DEPOSIT_AUTH = 0x00400000, 0x00800000, 0x01000000
_ACCOUNT_FLAGS: Final = {
    1: REQUIRE_TAG, 2: REQUIRE_AUTH, 3: 0x00080000, 4: MASTER_DISABLED, 7: GLOBAL_FREEZE, 8: DEFAULT_RIPPLE,
    9: DEPOSIT_AUTH,
}  # fmt: skip
_PARTIAL: Final = 0x00020000
_SET_AUTH, _SET_FREEZE, _CLEAR_FREEZE = 0x00010000, 0x00100000, 0x00200000
_SIXTEEN: Final = Context(prec=16, rounding=ROUND_DOWN)
_EXACT: Final = Context(prec=200)
NOTHING: Final = Decimal(0)


@dataclass(slots=True)
class Account:
    """One account root."""

    balance: int
    sequence: int
    flags: int = 0
    owned: int = 0
    rate: int = 10**9
    regular_key: bytes = b""
    signers: dict[bytes, int] = field(default_factory=dict)
    quorum: int = 0
    tickets: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Line:
    """A trust line. ``balance`` is what the first of the two holds of the second; the rest is by account id."""

    balance: Decimal = NOTHING
    limits: dict[bytes, Decimal] = field(default_factory=dict)
    frozen_by: set[bytes] = field(default_factory=set)
    authorized_by: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result code, and what a payment delivered."""

    code: str
    delivered: Money | None = None


class State:
    """Everything that the ledger knows at one moment."""

    def __init__(self, network_id: int) -> None:
        self.network_id = network_id
        self.accounts: dict[bytes, Account] = {}
        self.lines: dict[tuple[bytes, bytes, bytes], Line] = {}

    def copy(self) -> State:
        return deepcopy(self)

    # -- trust lines -------------------------------------------------------------------------------

    def line(self, one: bytes, other: bytes, currency: bytes) -> Line | None:
        return self.lines.get((*sorted((one, other)), currency))  # type: ignore[arg-type]  # two and the currency

    def held(self, holder: bytes, issuer: bytes, currency: bytes) -> Decimal:
        """What an account has of an issuer's currency; negative where it owes."""
        line = self.line(holder, issuer, currency)
        if line is None:
            return NOTHING
        return line.balance if holder < issuer else -line.balance

    def open_line(self, holder: bytes, issuer: bytes, currency: bytes) -> Line:
        """The line, made where there is none; its holder owns it."""
        line = self.line(holder, issuer, currency)
        if line is None:
            first, second = sorted((holder, issuer))
            line = self.lines[first, second, currency] = Line(limits={first: NOTHING, second: NOTHING})
            self.accounts[holder].owned += 1
        return line

    def move(self, holder: bytes, issuer: bytes, currency: bytes, amount: Decimal) -> None:
        """Add to what a holder has of an issuer's currency, in 16 digits."""
        line = self.open_line(holder, issuer, currency)
        line.balance = _SIXTEEN.add(line.balance, amount if holder < issuer else -amount)

    # -- whether a transaction is taken at all -----------------------------------------------------

    def refusal(self, transaction: Transaction, ledger: int) -> str:
        """The code of rippled's refusal (tem, tef, ter, tel), or an empty text. ``ledger`` is the open one's number."""
        stated = transaction.fields.get("NetworkID")
        if self.network_id > 1024:
            if stated != self.network_id:
                return "telREQUIRES_NETWORK_ID" if stated is None else "telWRONG_NETWORK"
        elif stated is not None:
            return "telNETWORK_ID_MAKES_TX_NON_CANONICAL"
        if not transaction.kind:
            return "temDISABLED"
        code = self._malformed(transaction)
        if code:
            return code
        account = self.accounts.get(transaction.account)
        if account is None:
            return "terNO_ACCOUNT"
        sequence, ticket = transaction.number("Sequence"), transaction.fields.get("TicketSequence")
        if ticket is not None:
            if sequence:
                return "temSEQ_AND_TICKET"
            if ticket not in account.tickets:
                return "tefNO_TICKET" if ticket < account.sequence else "terPRE_TICKET"
        elif sequence != account.sequence:
            return "terPRE_SEQ" if sequence > account.sequence else "tefPAST_SEQ"
        if transaction.number("LastLedgerSequence", 2**32) < ledger:
            return "tefMAX_LEDGER"
        count = len(transaction.signed) if transaction.is_multisigned else 0
        if transaction.fee < BASE_FEE * (1 + count):
            return "telINSUF_FEE_P"
        if account.balance < transaction.fee:
            return "terINSUF_FEE_B"
        return self._unauthorized(transaction, account)

    def _malformed(self, transaction: Transaction) -> str:
        fields = transaction.fields
        if transaction.kind == "Payment":
            amount = fields.get("Amount")
            if amount is None or "Destination" not in fields or amount.value <= 0:
                return "temBAD_AMOUNT"
            if fields["Destination"] == transaction.account and "SendMax" not in fields:
                return "temREDUNDANT"
            if amount.is_xrp and transaction.number("Flags") & _PARTIAL:
                return "temBAD_SEND_XRP_PARTIAL"
            if amount.is_xrp and "SendMax" in fields:
                return "temBAD_SEND_XRP_MAX"
        if transaction.kind == "TrustSet":
            limit = fields.get("LimitAmount")
            if limit is None or limit.is_xrp or limit.value < 0:
                return "temBAD_LIMIT"
            if limit.issuer == transaction.account:
                return "temDST_IS_SRC"
        return ""

    def _unauthorized(self, transaction: Transaction, account: Account) -> str:
        if not transaction.is_multisigned:
            signer = transaction.signed[0].key_account
            if signer == transaction.account:
                return "tefMASTER_DISABLED" if account.flags & MASTER_DISABLED else ""
            return "" if signer == account.regular_key else "tefBAD_AUTH"
        if not account.signers:
            return "tefNOT_MULTI_SIGNING"
        weight = 0
        for item in transaction.signed:
            if item.account not in account.signers:
                return "tefBAD_SIGNATURE"
            known = self.accounts.get(item.account)
            if item.key_account == item.account:
                if known is not None and known.flags & MASTER_DISABLED:
                    return "tefMASTER_DISABLED"
            elif known is None or item.key_account != known.regular_key:
                return "tefBAD_SIGNATURE"
            weight += account.signers[item.account]
        return "" if weight >= account.quorum else "tefBAD_QUORUM"

    # -- what it does ------------------------------------------------------------------------------

    def apply(self, transaction: Transaction, ledger: int) -> Outcome:
        """Execute a transaction that was not refused: the fee and the number are taken whatever comes of it."""
        account = self.accounts[transaction.account]
        before = account.balance
        account.balance -= transaction.fee
        ticket = transaction.fields.get("TicketSequence")
        if ticket is None:
            account.sequence += 1
        else:
            account.tickets.discard(ticket)
            account.owned -= 1
        done = self._do(transaction, account, before, ledger)
        return done if isinstance(done, Outcome) else Outcome(done)

    def _do(self, transaction: Transaction, account: Account, before: int, ledger: int) -> Outcome | str:
        match transaction.kind:
            case "Payment":
                return self._pay(transaction, account, before, ledger)
            case "TrustSet":
                return self._trust(transaction, account, before)
            case "AccountSet":
                return self._set(transaction, account)
            case "SetRegularKey":
                return self._regular_key(transaction, account)
            case "SignerListSet":
                return self._signer_list(transaction, account)
        return self._tickets(transaction, account)

    def reserve(self, account: Account, more: int = 0) -> int:
        return RESERVE + (account.owned + more) * INCREMENT

    def _pay(self, transaction: Transaction, account: Account, before: int, ledger: int) -> Outcome | str:
        amount: Money = transaction.fields["Amount"]
        to: bytes = transaction.fields["Destination"]
        there = self.accounts.get(to)
        if there is None:
            if not amount.is_xrp:
                return "tecNO_DST"
            if amount.drops < RESERVE:
                return "tecNO_DST_INSUF_XRP"
        elif there.flags & REQUIRE_TAG and "DestinationTag" not in transaction.fields:
            return "tecDST_TAG_NEEDED"
        elif there.flags & DEPOSIT_AUTH:
            return "tecNO_PERMISSION"
        if not amount.is_xrp:
            return self._pay_token(transaction, amount, to)
        if before < amount.drops + max(self.reserve(account), transaction.fee):
            return "tecUNFUNDED_PAYMENT"
        account.balance -= amount.drops
        if there is None:
            there = self.accounts[to] = Account(0, ledger)
        there.balance += amount.drops
        return Outcome("tesSUCCESS", amount)

    def _pay_token(self, transaction: Transaction, amount: Money, to: bytes) -> Outcome | str:
        sender, issuer, currency = transaction.account, amount.issuer, amount.currency
        gateway = self.accounts.get(issuer)
        if gateway is None:
            return "tecPATH_DRY"
        between = issuer not in (sender, to)
        rate = Decimal(gateway.rate).scaleb(-9) if between else Decimal(1)
        most: Money = transaction.fields.get("SendMax", amount)
        if (most.currency, most.issuer) != (currency, issuer) or (between and gateway.flags & GLOBAL_FREEZE):
            return "tecPATH_DRY"
        room = [amount.value, _SIXTEEN.divide(most.value, rate)]
        if sender != issuer:
            line = self.line(sender, issuer, currency)
            if line is None or (between and issuer in line.frozen_by):
                return "tecPATH_DRY"
            room.append(_SIXTEEN.divide(max(self.held(sender, issuer, currency), NOTHING), rate))
        if to != issuer:
            line = self.line(to, issuer, currency)
            if line is None or (gateway.flags & REQUIRE_AUTH and issuer not in line.authorized_by):
                return "tecPATH_DRY"
            room.append(max(line.limits[to] - self.held(to, issuer, currency), NOTHING))
        delivered = min(room)
        if delivered <= 0:
            return "tecPATH_DRY"
        if delivered < amount.value:
            least: Money | None = transaction.fields.get("DeliverMin")
            if not transaction.number("Flags") & _PARTIAL or (least is not None and delivered < least.value):
                return "tecPATH_PARTIAL"
        if sender != issuer:
            self.move(sender, issuer, currency, -_EXACT.multiply(delivered, rate))
        if to != issuer:
            self.move(to, issuer, currency, delivered)
        return Outcome("tesSUCCESS", Money(delivered, currency, issuer))

    def _trust(self, transaction: Transaction, account: Account, before: int) -> str:
        limit: Money = transaction.fields["LimitAmount"]
        holder, issuer, flags = transaction.account, limit.issuer, transaction.number("Flags")
        if issuer not in self.accounts:
            return "tecNO_DST"
        line = self.line(holder, issuer, limit.currency)
        if line is None:
            if not limit.value and not flags:
                return "tecNO_LINE_REDUNDANT"
            if account.owned >= 2 and before < self.reserve(account, 1):
                return "tecNO_LINE_INSUF_RESERVE"
            line = self.open_line(holder, issuer, limit.currency)
        line.limits[holder] = limit.value
        if flags & _SET_AUTH:
            line.authorized_by.add(holder)
        if flags & _SET_FREEZE:
            line.frozen_by.add(holder)
        if flags & _CLEAR_FREEZE:
            line.frozen_by.discard(holder)
        if not line.balance and not any(line.limits.values()) and not line.frozen_by and not line.authorized_by:
            del self.lines[(*sorted((holder, issuer)), limit.currency)]  # type: ignore[arg-type]  # two and the currency
            account.owned = max(account.owned - 1, 0)
        return "tesSUCCESS"

    def _set(self, transaction: Transaction, account: Account) -> str:
        if transaction.number("SetFlag") == 4 and not account.regular_key and not account.signers:
            return "tecNO_ALTERNATIVE_KEY"
        account.flags |= _ACCOUNT_FLAGS.get(transaction.number("SetFlag"), 0)
        account.flags &= ~_ACCOUNT_FLAGS.get(transaction.number("ClearFlag"), 0)
        if "TransferRate" in transaction.fields:
            account.rate = transaction.number("TransferRate") or 10**9
        return "tesSUCCESS"

    def _regular_key(self, transaction: Transaction, account: Account) -> str:
        account.regular_key = transaction.fields.get("RegularKey", b"")
        return "tesSUCCESS"

    def _signer_list(self, transaction: Transaction, account: Account) -> str:
        entries: list[dict[str, Any]] = [item["SignerEntry"] for item in transaction.fields.get("SignerEntries", [])]
        weights = {item["Account"]: item["SignerWeight"] for item in entries}
        quorum = transaction.number("SignerQuorum")
        account.owned += bool(weights) - bool(account.signers)
        account.signers, account.quorum = weights, quorum
        return "tesSUCCESS"

    def _tickets(self, transaction: Transaction, account: Account) -> str:
        count = transaction.number("TicketCount")
        if account.balance < self.reserve(account, count):
            return "tecINSUFFICIENT_RESERVE"
        account.tickets |= set(range(account.sequence, account.sequence + count))
        account.sequence += count
        account.owned += count
        return "tesSUCCESS"
