"""The mempool: transactions that wait for a block, and Bitcoin Core's checks at its door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ...chains.bitcoin.transaction import Transaction, TxOut
from ...errors import Rejected
from . import policy
from .index import ChainIndex, Coin, Spender

__all__ = ["INCREMENTAL_RATE", "MIN_RELAY_RATE", "Entry", "Mempool", "fee_for", "refusal_reason"]

MIN_RELAY_RATE: Final = 1000
"""The least fee, in satoshi for 1,000 virtual bytes."""
INCREMENTAL_RATE: Final = 1000
"""What a replacement must pay for its own relay, beyond the fees of what it replaces (BIP-125)."""
_MATURITY: Final = 100
_FAMILY: Final = 25
"""The most unconfirmed ancestors or descendants, the transaction itself included."""
_MAX_REPLACED: Final = 100
_DISABLED: Final = 1 << 31  # BIP-68: no relative lock
_BY_TIME: Final = 1 << 22

Verify = Callable[[Transaction, Sequence[TxOut]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A waiting transaction: what it spends, its fee, and when it came (time, and height of the tip)."""

    transaction: Transaction
    spent: tuple[TxOut, ...]
    fee: int
    time: int
    height: int
    vsize: int
    weight: int

    @property
    def txid(self) -> str:
        """The id as shown."""
        return self.transaction.txid

    @property
    def signals_replacement(self) -> bool:
        """Whether it opts in to its replacement (BIP-125)."""
        return any(txin.sequence < 0xFFFFFFFE for txin in self.transaction.inputs)


def fee_for(rate: int, vsize: int) -> int:
    """The fee of a rate in satoshi for 1,000 virtual bytes, rounded up as Bitcoin Core does."""
    return -(-rate * vsize // 1000)


class Mempool:
    """The waiting transactions, parents before children. ``verify`` runs scripts and raises Rejected."""

    def __init__(self, index: ChainIndex, verify: Verify, dust_rate: int) -> None:
        self._index = index
        self._verify = verify
        self._dust_rate = dust_rate
        self.entries: dict[str, Entry] = {}
        self.spenders: dict[bytes, Spender] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    # -- what is in it -------------------------------------------------------------------------------

    def output(self, outpoint: bytes) -> TxOut | None:
        """An output of a waiting transaction, spent or not."""
        entry = self.entries.get(outpoint[31::-1].hex())
        number = int.from_bytes(outpoint[32:], "little")
        if entry is None or number >= len(entry.transaction.outputs):
            return None
        return entry.transaction.outputs[number]

    def parents(self, transaction: Transaction) -> list[str]:
        """The waiting transactions whose outputs it spends."""
        return list(
            {txin.prevout[31::-1].hex(): None for txin in transaction.inputs if self.output(txin.prevout) is not None}
        )

    def children(self, txid: str) -> list[str]:
        """The waiting transactions that spend its outputs."""
        entry = self.entries[txid]
        outpoints = [
            entry.transaction.txid_bytes + number.to_bytes(4, "little")
            for number in range(len(entry.transaction.outputs))
        ]
        return list({self.spenders[point].txid: None for point in outpoints if point in self.spenders})

    def ancestors(self, transaction: Transaction) -> set[str]:
        """All waiting transactions that it depends on."""
        found: set[str] = set()
        waiting = self.parents(transaction)
        while waiting:
            txid = waiting.pop()
            if txid not in found:
                found.add(txid)
                waiting += self.parents(self.entries[txid].transaction)
        return found

    def descendants(self, txid: str) -> set[str]:
        """All waiting transactions that depend on it."""
        found: set[str] = set()
        waiting = self.children(txid)
        while waiting:
            child = waiting.pop()
            if child not in found:
                found.add(child)
                waiting += self.children(child)
        return found

    # -- in and out ----------------------------------------------------------------------------------

    def accept(self, transaction: Transaction, time: int, *, returning: bool = False) -> Entry:
        """Check a transaction as ``sendrawtransaction`` does and keep it.

        A transaction that is ``returning`` from a block that was replaced need not pay. Raises
        :class:`~multiwallet.errors.Rejected` with Core's code and words.
        """
        policy.check_structure(transaction)
        dust = policy.refuse_standard(transaction, self._dust_rate)
        tip = self._index.tip
        if not policy.is_final(transaction, tip.height + 1, tip.median_time):
            raise policy.reject("non-final")
        known = self.entries.get(transaction.txid)
        if known is not None:
            same = known.transaction.wtxid == transaction.wtxid
            raise policy.reject("txn-already-in-mempool" if same else "txn-same-nonwitness-data-in-mempool")
        conflicts = {self.spenders[txin.prevout].txid for txin in transaction.inputs if txin.prevout in self.spenders}
        coins = self._coins(transaction)
        self._check_sequences(transaction, coins)
        spent = tuple(coin.output for coin in coins)
        fee = self._check_amounts(transaction, coins)
        if dust and fee:
            raise policy.reject("dust", "tx with dust output must be 0-fee")
        entry = Entry(transaction, spent, fee, time, tip.height, transaction.vsize, transaction.weight)
        least = fee_for(MIN_RELAY_RATE, entry.vsize)
        if fee < least and not returning:
            raise policy.reject("min relay fee not met", f"{fee} < {least}")
        replaced = self._check_replacement(entry, conflicts)
        self._check_family(entry, replaced)
        for number, output in enumerate(spent):
            policy.check_standard_spend(transaction, number, output)
        self._verify(transaction, spent)
        for txid in replaced:
            self._forget(txid)
        self.entries[entry.txid] = entry
        for number, txin in enumerate(transaction.inputs):
            self.spenders[txin.prevout] = Spender(entry.txid, number)
        return entry

    def remove(self, txid: str) -> list[Entry]:
        """Forget a transaction and all that depend on it; they are returned, parents first."""
        if txid not in self.entries:
            return []
        gone = self.descendants(txid) | {txid}
        return [self._forget(item) for item in list(self.entries) if item in gone]

    def include(self, transactions: Sequence[Transaction]) -> None:
        """Forget transactions that are in a block now, and what spends the same outputs."""
        for transaction in transactions:
            if transaction.txid in self.entries:
                self._forget(transaction.txid)
            for txin in transaction.inputs:
                rival = self.spenders.get(txin.prevout)
                if rival is not None:
                    self.remove(rival.txid)

    def clear(self) -> list[Entry]:
        """Forget everything; return what there was, parents first."""
        entries = list(self.entries.values())
        self.entries.clear()
        self.spenders.clear()
        return entries

    def copy(self) -> Mempool:
        """Another mempool with the same entries, to try things out in."""
        other = Mempool(self._index, self._verify, self._dust_rate)
        other.entries.update(self.entries)
        other.spenders.update(self.spenders)
        return other

    def _forget(self, txid: str) -> Entry:
        entry = self.entries.pop(txid)
        for txin in entry.transaction.inputs:
            del self.spenders[txin.prevout]
        return entry

    # -- the checks ----------------------------------------------------------------------------------

    def _coins(self, transaction: Transaction) -> list[Coin]:
        coins = []
        for txin in transaction.inputs:
            coin = self._index.coins.get(txin.prevout)
            if coin is None:
                output = self.output(txin.prevout)
                if output is None or output.script[:1] == b"\x6a":
                    if any(self._is_coin(transaction, number) for number in range(len(transaction.outputs))):
                        raise policy.reject("txn-already-known")
                    raise policy.reject("bad-txns-inputs-missingorspent", code=-25)
                coin = Coin(output, self._index.height + 1, False)
            coins.append(coin)
        return coins

    def _is_coin(self, transaction: Transaction, number: int) -> bool:
        return transaction.txid_bytes + number.to_bytes(4, "little") in self._index.coins

    def _check_sequences(self, transaction: Transaction, coins: Sequence[Coin]) -> None:
        if transaction.version < 2:
            return
        tip = self._index.tip
        for txin, coin in zip(transaction.inputs, coins, strict=True):
            if txin.sequence & _DISABLED:
                continue
            count = txin.sequence & 0xFFFF
            if txin.sequence & _BY_TIME:
                before = self._index.blocks[max(min(coin.height, tip.height + 1) - 1, 0)].median_time
                ready = before + (count << 9) - 1 < tip.median_time
            else:
                ready = coin.height + count - 1 < tip.height + 1
            if not ready:
                raise policy.reject("non-BIP68-final")

    def _check_amounts(self, transaction: Transaction, coins: Sequence[Coin]) -> int:
        for coin in coins:
            depth = self._index.height + 1 - coin.height
            if coin.coinbase and depth < _MATURITY:
                raise policy.reject("bad-txns-premature-spend-of-coinbase", f"tried to spend coinbase at depth {depth}")
        total = sum(coin.output.amount for coin in coins)
        paid = sum(output.amount for output in transaction.outputs)
        if total > policy.MAX_MONEY:
            raise policy.reject("bad-txns-inputvalues-outofrange")
        if total < paid:
            raise policy.reject("bad-txns-in-belowout", f"value in ({_money(total)}) < value out ({_money(paid)})")
        return total - paid

    def _check_replacement(self, entry: Entry, conflicts: set[str]) -> list[str]:
        if not conflicts:
            return []
        replaced = conflicts.union(*(self.descendants(txid) for txid in conflicts))
        rejecting = f"rejecting replacement {entry.txid}"
        if len(replaced) > _MAX_REPLACED:
            raise policy.reject(
                "too many potential replacements", f"{rejecting}; too many potential replacements "
                f"({len(replaced)} > {_MAX_REPLACED})",
            )  # fmt: skip
        both = self.ancestors(entry.transaction) & replaced
        if both:
            raise policy.reject("bad-txns-spends-conflicting-tx", f"{entry.txid} spends conflicting transaction")
        known_parents = {parent for txid in conflicts for parent in self.parents(self.entries[txid].transaction)}
        for number, txin in enumerate(entry.transaction.inputs):
            parent = txin.prevout[31::-1].hex()
            if parent in self.entries and parent not in known_parents:
                raise policy.reject(
                    "replacement-adds-unconfirmed",
                    f"replacement {entry.txid} adds unconfirmed input, idx {number}",
                )
        for txid in conflicts:
            old = self.entries[txid]
            if entry.fee * old.vsize <= old.fee * entry.vsize:
                raise policy.reject(
                    "insufficient fee",
                    f"{rejecting}; new feerate {_rate(entry)} <= old feerate {_rate(old)}",
                )
        fees = sum(self.entries[txid].fee for txid in replaced)
        if entry.fee < fees:
            raise policy.reject(
                "insufficient fee", f"{rejecting}, less fees than conflicting txs; {_money(entry.fee)} < {_money(fees)}"
            )
        additional, relay = entry.fee - fees, fee_for(INCREMENTAL_RATE, entry.vsize)
        if additional < relay:
            raise policy.reject(
                "insufficient fee",
                f"{rejecting}, not enough additional fees to relay; {_money(additional)} < {_money(relay)}",
            )
        return [txid for txid in self.entries if txid in replaced]

    def _check_family(self, entry: Entry, replaced: Sequence[str]) -> None:
        ancestors = self.ancestors(entry.transaction)
        if len(ancestors) + 1 > _FAMILY:
            raise policy.reject("too-long-mempool-chain", f"too many unconfirmed ancestors [limit: {_FAMILY}]")
        for txid in ancestors:
            if len(self.descendants(txid) - set(replaced)) + 2 > _FAMILY:
                raise policy.reject("too-long-mempool-chain", f"too many descendants for tx {txid} [limit: {_FAMILY}]")


def _money(amount: int) -> str:
    """An amount as Core's messages write it: in coins, with no needless zeros but at least two decimals."""
    text = f"{Decimal(amount).scaleb(-8):f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _rate(entry: Entry) -> str:
    return f"{Decimal(entry.fee * 1000 // entry.vsize).scaleb(-8):.8f} BTC/kvB"


def refusal_reason(error: Rejected) -> str:
    """The reason alone, without the details that follow it."""
    return error.message.split(", ", 1)[0]
