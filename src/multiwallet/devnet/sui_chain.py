"""The devnet's chain for Sui: what waits, what is executed, checkpoints, epochs, and every version of every object."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from ..chain import Network
from ..chains.sui.type_tags import SUI, TypeTag
from ..codec import base58
from ..crypto.hashes import blake2b
from ..errors import InputError
from .clock import Clock
from .sui_ledger import Ledger, Object, Outcome
from .sui_protocol import Refused, Transaction, read_transaction, signer_of

__all__ = ["Executed", "Metadata", "SuiChain"]

EPOCH_SECONDS: Final = 86_400
_FIRST_EPOCH: Final = 900
_UNDOABLE: Final = 100
_KNOWN: Final = {
    "35834a8a": "4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S",
    "4c78adac": "69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD",
}


@dataclass(frozen=True, slots=True)
class Executed:
    """A transaction with what it came to, and where: ``checkpoint`` is its number."""

    transaction: Transaction
    outcome: Outcome
    epoch: int
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said of a coin type."""

    tag: TypeTag
    symbol: str
    decimals: int


class SuiChain:
    """A ledger with a pool of waiting transactions. One checkpoint for each transaction, epochs of a day."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.clock, self._start = clock, clock.now()
        self.ledger = Ledger()
        self.metadata = {SUI: Metadata(SUI, "SUI", 9)}
        self.executed: dict[str, Executed] = {}
        self.versions: dict[bytes, dict[int, Object]] = {}
        self.waiting: dict[str, Transaction] = {}
        self.checkpoint = 0
        self._undo: deque[tuple[Ledger, int, str | None]] = deque(maxlen=_UNDOABLE)
        self._gifts = 0
        self._epoch = self.epoch
        reference = str(network.params.get("chain_identifier", network.reference))
        stated = _KNOWN.get(reference)
        head = bytes.fromhex(reference) if _is_hex(reference) else b""
        rest = blake2b(network.id.encode(), size=32)[len(head) :]
        self.identifier = stated or base58.encode(head + rest)

    @property
    def epoch(self) -> int:
        return _FIRST_EPOCH + int((self.clock.now() - self._start) // EPOCH_SECONDS)

    def turn(self) -> None:
        """Begin a new epoch if it is time: locks end, and what waits is forgotten."""
        if self.epoch > self._epoch:
            self._epoch = self.epoch
            self.ledger.locks.clear()
            self.waiting.clear()
            self.checkpoint += 1

    def submit(self, raw: bytes, signatures: list[bytes]) -> Transaction:
        """Check a transaction with its signatures, and reserve what it takes; Refused."""
        self.turn()
        transaction = read_transaction(raw)
        signers = {signer_of(signature, raw) for signature in signatures}
        if transaction.txid in self.executed or transaction.txid in self.waiting:
            return transaction
        if len(signers) != len(signatures):
            raise Refused("Invalid user signature: a signer has signed twice")
        self.ledger.check(transaction, self._epoch, signers)
        self.ledger.lock(transaction)
        self.waiting[transaction.txid] = transaction
        return transaction

    def simulate(self, raw: bytes) -> Executed:
        """What a transaction would come to; Refused."""
        self.turn()
        transaction = read_transaction(raw)
        trial = self.ledger.copy()
        trial.check(transaction, self._epoch, None)
        return Executed(transaction, trial.execute(transaction), self._epoch, -1)

    def produce(self) -> None:
        """Execute what waits, each transaction in a checkpoint of its own."""
        self.turn()
        for txid, transaction in list(self.waiting.items()):
            del self.waiting[txid]
            self._remember(txid)
            self.checkpoint += 1
            outcome = self.ledger.execute(transaction)
            self.executed[txid] = Executed(transaction, outcome, self._epoch, self.checkpoint)
            self._note(outcome.written)

    def tick(self) -> None:
        """A checkpoint without users' transactions."""
        self._remember(None)
        self.checkpoint += 1

    def give(self, owner: bytes, tag: TypeTag, units: int) -> str:
        """Put a new coin into somebody's hands; the digest of a transaction that nobody sent."""
        self.turn()
        self.tick()
        self._gifts += 1
        digest = blake2b(b"faucet" + self._gifts.to_bytes(8, "big"), size=32)
        item = Object(blake2b(b"coin" + digest, size=32), self.checkpoint, owner, tag, units, digest)
        self.ledger.objects[item.id] = item
        self._note((item,))
        return base58.encode(digest)

    def _note(self, items: tuple[Object, ...]) -> None:
        for item in items:
            self.versions.setdefault(item.id, {})[item.version] = item

    def _remember(self, txid: str | None) -> None:
        self._undo.append((self.ledger.copy(), self.checkpoint, txid))

    def rewind(self, depth: int) -> None:
        """Undo the last checkpoints; their transactions wait again."""
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= len(self._undo):
            raise InputError(f"between 1 and {len(self._undo)} checkpoints can be undone now")
        for _ in range(depth):
            ledger, self.checkpoint, txid = self._undo.pop()
            self.ledger = ledger
            done = None if txid is None else self.executed.pop(txid)
            if txid is not None and done is not None:
                self.waiting = {txid: done.transaction, **self.waiting}
        for identity in list(self.versions):
            kept = {number: item for number, item in self.versions[identity].items() if self._is_past(item)}
            self.versions[identity] = kept

    def _is_past(self, item: Object) -> bool:
        now = self.ledger.objects.get(item.id)
        return (
            item == now
            or base58.encode(item.previous) in self.executed
            or (now is not None and item.version < now.version)
        )


def _is_hex(text: str) -> bool:
    return len(text) == 8 and all(sign in "0123456789abcdef" for sign in text)
