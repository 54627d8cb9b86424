"""Transactions that wait: what geth's transaction pool checks, in its order and in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from eth.exceptions import UnrecognizedTransactionType
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from ..errors import Rejected
from .evm_machine import GAS_LIMIT, Machine, floor_gas, intrinsic_gas

__all__ = ["Pool", "cost_of", "refuse"]

_MAX_SIZE: Final = 128 * 1024
_MAX_INIT_CODE: Final = 49_152
_BUMP: Final = 10  # percent by which a replacement must pay more
_SERVER_ERROR: Final = -32000
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def refuse(message: str, code: int = _SERVER_ERROR, data: object = None) -> Rejected:
    """A node's refusal, with the JSON-RPC code that geth gives it."""
    return Rejected(message, node_code=code, data=data)


def cost_of(transaction: Any) -> int:
    """The most that a transaction can take from its sender."""
    cost: int = transaction.gas * transaction.max_fee_per_gas + transaction.value
    return cost


@dataclass
class Pool:
    """The waiting transactions of one chain, by sender and nonce."""

    machine: Machine
    waiting: dict[bytes, dict[int, Any]] = field(default_factory=dict)
    version: int = 0
    """Moves on with every change, so that what was computed from the pool can be kept as long as it holds."""

    def __iter__(self) -> Iterator[Any]:
        """In the order in which they can run: each sender's by nonce, the better paying senders first."""
        queues = [[queue[nonce] for nonce in sorted(queue)] for queue in self.waiting.values()]
        for queue in sorted(queues, key=lambda queue: -queue[0].max_priority_fee_per_gas):
            yield from queue

    def find(self, identity: bytes) -> Any:
        """The waiting transaction of a hash, or None."""
        for queue in self.waiting.values():
            for transaction in queue.values():
                if transaction.hash == identity:
                    return transaction
        return None

    def drop(self, identity: bytes) -> bool:
        """Forget a waiting transaction; whether there was one."""
        found = self.find(identity)
        if found is not None:
            self._remove(found)
        return found is not None

    def _remove(self, transaction: Any) -> None:
        sender = bytes(transaction.sender)
        queue = self.waiting.get(sender, {})
        queue.pop(transaction.nonce, None)
        if not queue:
            self.waiting.pop(sender, None)
        self.version += 1

    def settle(self, nonce_of: Callable[[bytes], int]) -> None:
        """Forget what a new block has included or outdated."""
        for sender in list(self.waiting):
            used = nonce_of(sender)
            for nonce in [nonce for nonce in self.waiting[sender] if nonce < used]:
                self._remove(self.waiting[sender][nonce])

    def restore(self, transaction: Any) -> None:
        """Take back a transaction whose block is gone; one of the same nonce that came meanwhile stays."""
        self.waiting.setdefault(bytes(transaction.sender), {}).setdefault(transaction.nonce, transaction)
        self.version += 1

    # -- what comes in -----------------------------------------------------------------------------

    def read(self, raw: bytes) -> Any:
        """The transaction of its bytes, if they are one of this chain. Raises Rejected with geth's words."""
        if not raw:
            raise refuse("typed transaction too short")
        if len(raw) > _MAX_SIZE:
            raise refuse(f"oversized data: transaction size {len(raw)}, limit {_MAX_SIZE}")
        if raw[0] < 0x80 and raw[0] not in (1, 2, 4):
            raise refuse("transaction type not supported")
        try:
            transaction = self.machine.decode(raw)
            again = bytes(transaction.encode())
        except UnrecognizedTransactionType:
            raise refuse("transaction type not supported") from None
        except Exception as error:  # noqa: BLE001  # py-evm and rlp raise errors of many kinds, without one root
            raise refuse(f"rlp: this is no transaction ({type(error).__name__})") from None
        if again != raw:
            raise refuse("rlp: the encoding is not canonical")
        self._check_signature(transaction)
        return transaction

    def _check_signature(self, transaction: Any) -> None:
        expected = self.machine.chain_id
        if transaction.type_id is None:
            if transaction.v in (27, 28):
                raise refuse("only replay-protected (EIP-155) transactions allowed over RPC")
            named = (transaction.v - 35) // 2
        else:
            named = transaction.chain_id
        if named != expected:
            raise refuse(f"invalid sender: invalid chain id for signer: have {named} want {expected}")
        try:
            transaction.check_signature_validity()
            valid = transaction.s <= _HALF_ORDER and bool(transaction.sender)
        except (ValidationError, BadSignature, ValueError, TypeError):
            valid = False
        if not valid:
            raise refuse("invalid sender: invalid transaction v, r, s values")

    def add(self, raw: bytes, state: Any) -> Any:
        """Take a transaction in, ``state`` being the accounts after the newest block. Raises Rejected as geth would."""
        transaction = self.read(raw)
        if self.find(transaction.hash) is not None:
            raise refuse("already known")
        _check_content(transaction)
        sender = bytes(transaction.sender)
        nonce = state.get_nonce(sender)
        if transaction.nonce < nonce:
            raise refuse(f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}")
        self._check_funds(transaction, state.get_balance(sender))
        queue = self.waiting.setdefault(sender, {})
        old = queue.get(transaction.nonce)
        if old is not None and not _pays_enough_more(old, transaction):
            raise refuse("replacement transaction underpriced")
        queue[transaction.nonce] = transaction
        self.version += 1
        return transaction

    def _check_funds(self, transaction: Any, balance: int) -> None:
        cost = cost_of(transaction)
        words = "insufficient funds for gas * price + value"
        if balance < cost:
            raise refuse(f"{words}: balance {balance}, tx cost {cost}, overshot {cost - balance}")
        queue = self.waiting.get(bytes(transaction.sender), {})
        queued = sum(cost_of(other) for nonce, other in queue.items() if nonce != transaction.nonce)
        if balance < queued + cost:
            over = queued + cost - balance
            raise refuse(f"{words}: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {over}")


def _check_content(transaction: Any) -> None:
    """The checks that need no account."""
    data, creates = bytes(transaction.data), not transaction.to
    if creates and len(data) > _MAX_INIT_CODE:
        raise refuse(f"max initcode size exceeded: code size {len(data)}, limit {_MAX_INIT_CODE}")
    if transaction.gas > GAS_LIMIT:
        raise refuse("exceeds block gas limit")
    tip, maximum = transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas
    if tip > maximum:
        raise refuse(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {tip}, maxFeePerGas: {maximum}"
        )
    if transaction.nonce >= (1 << 64) - 1:
        raise refuse("nonce has max value")
    needed = intrinsic_gas(data, creates, transaction.access_list)
    if transaction.type_id == 4:
        if creates or not transaction.authorization_list:
            raise refuse("set code tx must have at least one authorization tuple and a recipient")
        needed += 25_000 * len(transaction.authorization_list)
    if transaction.gas < needed:
        raise refuse(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {needed}")
    if transaction.gas < floor_gas(data):
        raise refuse(
            f"insufficient gas for floor data gas cost: gas {transaction.gas}, minimum needed {floor_gas(data)}"
        )
    if tip < 1:
        raise refuse(f"transaction underpriced: gas tip cap {tip}, minimum needed 1")


def _pays_enough_more(old: Any, new: Any) -> bool:
    return all(
        getattr(new, name) * 100 >= getattr(old, name) * (100 + _BUMP) and getattr(new, name) > getattr(old, name)
        for name in ("max_fee_per_gas", "max_priority_fee_per_gas")
    )
