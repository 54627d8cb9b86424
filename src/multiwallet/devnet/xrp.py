"""The devnet's engine for the XRP Ledger: our own ledger behind the face of rippled's JSON-RPC."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ..chain import Network
from ..errors import InputError, Rejected
from .clock import Clock
from .xrp_ledger import DEFAULT_RIPPLE, RESERVE, Account, Outcome, State
from .xrp_protocol import Transaction, half

__all__ = ["Closed", "XrpEngine"]

_FIRST: Final = 1000
_INTERVAL: Final = 4  # seconds between two ledgers
_MOST_LEDGERS: Final = 1_000_000
_UNDOABLE: Final = 50
_LIMIT: Final = Decimal(10) ** 15
_DECIMALS: Final = 15


@dataclass(frozen=True, slots=True)
class Closed:
    """A transaction in a validated ledger."""

    ledger: int
    time: int
    transaction: Transaction
    outcome: Outcome


class XrpEngine:
    """One XRP Ledger in this process, which answers rippled's JSON-RPC.

    Transactions are decoded from their bytes and checked as on the ledger: signatures, sequences and tickets, fees,
    reserves, trust lines, LastLedgerSequence; see :mod:`.xrp_ledger` for what is left out. With ``automine`` a ledger is
    validated with each transaction, and every four seconds; without, only :meth:`mine` does it. There are no
    reorganisations on the XRP Ledger: :meth:`reorg` undoes ledgers all the same, for tests.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        from .xrp_rpc import XrpRpc

        self.network = network
        self.automine = automine
        self.clock = Clock()
        self.ledger = _FIRST
        self.validated = State(int(network.reference))
        self.open = self.validated.copy()
        self.included: dict[str, Closed] = {}
        self.applied: dict[str, tuple[Transaction, Outcome]] = {}
        self.held: dict[str, Transaction] = {}
        self._before: deque[tuple[int, State]] = deque(maxlen=_UNDOABLE)
        self._spare = 0.0
        self._tokens = 0
        self._rpc = XrpRpc(self)

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """Answer a call. A refusal is an object with ``error``, in an answer like any other, as rippled has it."""
        return self._rpc.answer(method, params)

    def rest(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        text: str | None = None,
        query: Mapping[str, str] | None = None,
        service: str = "",
    ) -> Any:
        """The XRP Ledger's servers have no REST API: always Rejected."""
        raise Rejected("this server answers JSON-RPC", node_code=404)

    # -- transactions ------------------------------------------------------------------------------

    def submit(self, transaction: Transaction) -> tuple[str, bool]:
        """The code that a server answers, and whether it keeps the transaction."""
        txid = transaction.txid
        if txid in self.applied:
            return "tefALREADY", False
        code = self._apply(transaction)
        if code == "terPRE_SEQ":
            self.held[txid] = transaction
            return code, True
        if code[:3] not in ("tes", "tec"):
            return code, False
        self._retry()
        if self.automine:
            self.close_ledger()
        return code, True

    def _apply(self, transaction: Transaction) -> str:
        code = self.open.refusal(transaction, self.ledger + 1)
        if code:
            return code
        outcome = self.open.apply(transaction, self.ledger + 1)
        self.applied[transaction.txid] = (transaction, outcome)
        return outcome.code

    def _retry(self) -> None:
        """Transactions that came too early are tried again, until nothing moves."""
        moved = True
        while moved:
            moved = False
            for txid, transaction in list(self.held.items()):
                code = self._apply(transaction)
                if code != "terPRE_SEQ":
                    del self.held[txid]
                    moved = True

    def close_ledger(self) -> None:
        """Validate what the open ledger has."""
        self._before.append((self.ledger, self.validated))
        self.ledger += 1
        for txid, (transaction, outcome) in self.applied.items():
            self.included[txid] = Closed(self.ledger, int(self.clock.now()), transaction, outcome)
        self.applied.clear()
        self.validated = self.open
        self.open = self.validated.copy()
        self._retry()

    # -- what a test or a demo does ----------------------------------------------------------------

    def fund(self, address: str, units: int) -> str:
        """Give an address ``units`` drops; a text that names the gift, which is no transaction."""
        if isinstance(units, bool) or not isinstance(units, int) or not 0 < units < 10**17:
            raise InputError("the faucet gives from 1 to 10^17 - 1 drops at a time")
        account = self._id(address)
        if account not in self.open.accounts and units < RESERVE:
            raise InputError("a new account needs the reserve of 1 XRP or more")
        for state in (self.validated, self.open):
            known = state.accounts.setdefault(account, Account(0, self.ledger))
            known.balance += units
        return half(b"gift" + account + units.to_bytes(8, "big") + self.ledger.to_bytes(4, "big")).hex().upper()

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Let a new account issue a token and give its supply to an address (to nobody if empty); ``USD.r...``."""
        from ..chains.xrp.addresses import classic
        from ..chains.xrp.currencies import code_text, parse_reference

        if decimals != _DECIMALS:
            raise InputError("tokens of the XRP Ledger have 15 decimals here: say decimals=15")
        if not symbol.isascii() or not 3 <= len(symbol) <= 20:
            raise InputError("a token's symbol has from 3 to 20 ASCII characters")
        code = symbol if len(symbol) == 3 else symbol.encode().ljust(20, b"\0").hex().upper()
        self._tokens += 1
        issuer = half(b"issuer" + self._tokens.to_bytes(4, "big"))[:20]
        self.fund(classic(issuer), 1000 * RESERVE)
        for state in (self.validated, self.open):
            state.accounts[issuer].flags |= DEFAULT_RIPPLE
        token = parse_reference(f"{code}.{classic(issuer)}")
        reference = f"{code_text(token.currency)}.{classic(issuer)}"
        if supply_to and supply:
            self.fund_token(reference, supply_to, supply)
        return reference

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Give an account so much of a token, opening its trust line where it has none."""
        account, (currency, issuer) = self.trust(reference, address)
        amount = Decimal(units).scaleb(-_DECIMALS)
        for state in (self.validated, self.open):
            line = state.open_line(account, issuer, currency)
            line.limits[account] = max(line.limits[account], state.held(account, issuer, currency) + amount)
            state.move(account, issuer, currency, amount)
        return half(b"gift" + account + str(units).encode() + self.ledger.to_bytes(4, "big")).hex().upper()

    def trust(self, reference: str, address: str) -> tuple[bytes, tuple[bytes, bytes]]:
        """Open the trust line of an account for a token, with a limit of 10^15."""
        from ..chains.xrp.currencies import parse_reference

        account, token = self._id(address), parse_reference(reference)
        if account not in self.open.accounts:
            raise InputError(f"{address} has no account yet: fund it with XRP first")
        for state in (self.validated, self.open):
            line = state.open_line(account, token.issuer, token.currency)
            line.limits[account] = max(line.limits[account], _LIMIT)
        return account, (token.currency, token.issuer)

    def _id(self, address: str) -> bytes:
        from ..chains.xrp.addresses import parse

        return parse(self.network, address).account

    def mine(self, blocks: int = 1) -> None:
        """Validate so many ledgers; the first has what waits."""
        if isinstance(blocks, bool) or not isinstance(blocks, int) or not 0 <= blocks <= _MOST_LEDGERS:
            raise InputError(f"a number of ledgers is from 0 to {_MOST_LEDGERS}")
        if blocks:
            self.close_ledger()
            self.ledger += blocks - 1

    def reorg(self, depth: int = 1) -> None:
        """Undo the last ledgers that were closed one by one; their transactions are gone."""
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= len(self._before):
            raise InputError(f"between 1 and {len(self._before)} ledgers can be undone now")
        for _ in range(depth):
            self.ledger, self.validated = self._before.pop()
        self.open = self.validated.copy()
        self.applied.clear()
        self.included = {txid: item for txid, item in self.included.items() if item.ledger <= self.ledger}

    def drop(self, txid: str) -> bool:
        """Forget a transaction that is not validated."""
        known = self.held.pop(txid.upper(), None) or self.applied.pop(txid.upper(), None)
        if known is None:
            return False
        again = [transaction for transaction, _ in self.applied.values()]
        self.open = self.validated.copy()
        self.applied.clear()
        for transaction in again:
            self._apply(transaction)
        return True

    def advance(self, seconds: float) -> None:
        """Let time pass. With ``automine`` a ledger closes every four seconds."""
        self.clock.skip(seconds)
        if self.automine and seconds > 0:
            self._spare += min(seconds, _MOST_LEDGERS * _INTERVAL)
            passed, self._spare = int(self._spare // _INTERVAL), self._spare % _INTERVAL
            if passed and (self.applied or self.held):
                self.mine(passed)
            else:
                self.ledger += passed

    def close(self) -> None:
        """Nothing to free: all of it is memory."""
