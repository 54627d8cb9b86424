"""The devnet's chain for Aptos: what waits, what is included, and the time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from ..chain import Network
from ..errors import InputError, Rejected
from .aptos_ledger import VM_CODES, Invalid, Ledger, Outcome
from .aptos_protocol import Transaction
from .clock import Clock

__all__ = ["AptosChain", "Committed", "refused"]

_UNDOABLE: Final = 100


@dataclass(frozen=True, slots=True)
class Committed:
    """One included transaction; ``transaction`` is None for what the faucet did."""

    version: int
    time: int
    transaction: Transaction | None
    outcome: Outcome


def refused(status: int, code: str, message: str, vm_code: int | None = None) -> Rejected:
    """A refusal in the API's form."""
    return Rejected(message, node_code=status, data={"message": message, "error_code": code, "vm_error_code": vm_code})


def invalid(status: str) -> Rejected:
    """The API's refusal of what the VM would not take."""
    return refused(400, "vm_error", f"Invalid transaction: Type: Validation Code: {status}", VM_CODES.get(status))


class AptosChain:
    """A ledger with a pool of waiting transactions. One version for each transaction, one block for each version."""

    def __init__(self, network: Network, clock: Clock) -> None:
        stated = network.params.get("chain_id", network.reference)
        text = str(stated)
        self.ledger = Ledger(int(text) if text.isascii() and text.isdigit() and int(text) < 256 else 100)
        self.clock = clock
        self.committed: list[Committed] = []
        self.places: dict[str, int] = {}
        self.waiting: dict[str, Transaction] = {}
        self._before: deque[Ledger] = deque(maxlen=_UNDOABLE)
        self.include(None)  # genesis

    @property
    def now(self) -> int:
        """The time of the next block, in microseconds; later than every block before."""
        now = int(self.clock.now() * 1_000_000)
        return max(now, self.committed[-1].time + 1) if self.committed else now

    @property
    def head(self) -> Committed:
        return self.committed[-1]

    def include(self, transaction: Transaction | None) -> Committed:
        """Execute a transaction (or note what the faucet does next) in a block of its own."""
        self._before.append(self.ledger.copy())
        now = self.now
        outcome = Outcome(True, "Executed successfully", 0) if transaction is None else self.ledger.execute(transaction)
        done = Committed(len(self.committed), now, transaction, outcome)
        self.committed.append(done)
        if transaction is not None:
            self.places[transaction.txid] = done.version
        return done

    def add(self, transaction: Transaction) -> str:
        """Take a transaction into the pool; Rejected as the API refuses. What waits already is taken again."""
        txid = transaction.txid
        if txid in self.waiting:
            return txid
        try:
            self.ledger.check(transaction, self.now // 1_000_000)
        except Invalid as error:
            raise invalid(error.status) from None
        for other in self.waiting.values():
            if (other.sender, other.sequence, other.nonce) == (
                transaction.sender,
                transaction.sequence,
                transaction.nonce,
            ):
                raise refused(
                    400, "invalid_transaction_update", "Transaction already in mempool with a different payload"
                )
        self.waiting[txid] = transaction
        return txid

    def produce(self) -> None:
        """Include everything that can be; what has expired is forgotten, what is too new waits on."""
        moved = True
        while moved:
            moved = False
            for txid, transaction in list(self.waiting.items()):
                try:
                    self.ledger.check(transaction, self.now // 1_000_000)
                except Invalid:
                    del self.waiting[txid]
                    continue
                if self.ledger.is_next(transaction):
                    del self.waiting[txid]
                    self.include(transaction)
                    moved = True

    def tick(self) -> None:
        """A block without users' transactions, so that time is seen to pass."""
        self.include(None)

    def rewind(self, depth: int) -> None:
        """Undo the last versions; their transactions wait again."""
        most = min(len(self.committed) - 1, len(self._before))
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= most:
            raise InputError(f"between 1 and {most} versions can be undone now")
        undone = self.committed[-depth:]
        for _ in undone:
            self.ledger = self._before.pop()
        del self.committed[-depth:]
        for item in undone:
            if item.transaction is not None:
                self.places.pop(item.transaction.txid, None)
                self.waiting[item.transaction.txid] = item.transaction
