"""The JSON-RPC methods of the EVM engine, in the shapes, codes and words of geth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..crypto.hashes import keccak256
from ..errors import Rejected
from . import evm_params as params_of
from . import evm_trial
from .evm_machine import Block
from .evm_params import INVALID_PARAMS, invalid, read_address, read_call, read_hash, read_quantity
from .evm_pool import refuse
from .evm_view import block_json, data, log_json, logs_of, receipt_json, transaction_json, word

if TYPE_CHECKING:
    from .evm import EvmEngine

__all__ = ["EvmRpc"]

_GIGA: Final = 10**9
_SAFE, _FINAL = 32, 64
_MAX_HISTORY: Final = 1024


class EvmRpc:
    """Answers calls on behalf of an engine."""

    def __init__(self, engine: EvmEngine) -> None:
        self._engine = engine
        self._machine = engine.machine
        self._pool = engine.pool
        self._pending: tuple[tuple[bytes, int], Block, Any] | None = None
        self._methods: dict[str, tuple[Callable[..., Any], int, int]] = {
            "eth_chainId": (lambda: hex(self._machine.chain_id), 0, 0),
            "net_version": (lambda: str(self._machine.chain_id), 0, 0),
            "net_listening": (lambda: True, 0, 0),
            "net_peerCount": (lambda: "0x0", 0, 0),
            "web3_clientVersion": (lambda: "multiwallet-devnet/py-evm", 0, 0),
            "web3_sha3": (lambda value: data(keccak256(params_of.read_bytes(0, value))), 1, 1),
            "eth_syncing": (lambda: False, 0, 0),
            "eth_accounts": (list, 0, 0),
            "eth_blockNumber": (lambda: hex(self._machine.head.number), 0, 0),
            "eth_getBalance": (self._balance, 1, 2),
            "eth_getTransactionCount": (self._nonce, 1, 2),
            "eth_getCode": (self._code, 1, 2),
            "eth_getStorageAt": (self._storage, 2, 3),
            "eth_call": (self._call, 1, 4),
            "eth_estimateGas": (self._estimate, 1, 4),
            "eth_gasPrice": (lambda: hex(self._tip() + self._base_fee()), 0, 0),
            "eth_maxPriorityFeePerGas": (lambda: hex(self._tip()), 0, 0),
            "eth_blobBaseFee": (lambda: "0x1", 0, 0),
            "eth_feeHistory": (self._fee_history, 2, 3),
            "eth_sendRawTransaction": (self._send, 1, 1),
            "eth_getTransactionByHash": (self._transaction, 1, 1),
            "eth_getTransactionReceipt": (self._receipt, 1, 1),
            "eth_getTransactionByBlockNumberAndIndex": (self._transaction_at, 2, 2),
            "eth_getTransactionByBlockHashAndIndex": (self._transaction_at, 2, 2),
            "eth_getBlockByNumber": (self._block, 1, 2),
            "eth_getBlockByHash": (self._block_by_hash, 1, 2),
            "eth_getBlockReceipts": (self._block_receipts, 1, 1),
            "eth_getBlockTransactionCountByNumber": (self._count, 1, 1),
            "eth_getBlockTransactionCountByHash": (self._count, 1, 1),
            "eth_getLogs": (self._logs, 1, 1),
        }

    def answer(self, method: str, params: Sequence[Any] | Mapping[str, Any]) -> Any:
        """Answer one call. Raises Rejected with a JSON-RPC code."""
        if method not in self._methods:
            raise Rejected(f"the method {str(method)[:80]} does not exist/is not available", node_code=-32601)
        function, least, most = self._methods[method]
        if isinstance(params, Mapping | str) or not isinstance(params, Sequence):
            raise Rejected("non-array args", node_code=INVALID_PARAMS)
        if len(params) < least:
            raise Rejected(f"missing value for required argument {len(params)}", node_code=INVALID_PARAMS)
        if len(params) > most:
            raise Rejected(f"too many arguments, want at most {most}", node_code=INVALID_PARAMS)
        return function(*params)

    # -- which block -------------------------------------------------------------------------------

    def _base_fee(self) -> int:
        """The base fee of the block that comes next."""
        fee: int = self._pending_view()[0].header.base_fee_per_gas
        return fee

    def _pending_view(self) -> tuple[Block, Any]:
        key = (self._machine.head.hash, self._pool.version)
        if self._pending is None or self._pending[0] != key:
            self._pending = (key, *self._machine.pending(self._pool, int(self._engine.clock.now())))
        return self._pending[1], self._pending[2]

    def _find(self, position: int, named: Any) -> Block | None:
        """The block of a tag, a number, a hash or an EIP-1898 object; None where there is none (not for pending)."""
        blocks = self._machine.blocks
        if isinstance(named, Mapping):
            if "blockHash" in named:
                return self._by_hash(read_hash(position, named["blockHash"]))
            named = named.get("blockNumber")
        match named:
            case None | "latest":
                return blocks[-1]
            case "earliest":
                return blocks[0]
            case "safe":
                return blocks[max(0, len(blocks) - 1 - _SAFE)]
            case "finalized":
                return blocks[max(0, len(blocks) - 1 - _FINAL)]
        if isinstance(named, str) and len(named) == 66:
            return self._by_hash(read_hash(position, named))
        number = read_quantity(position, named)
        return blocks[number] if number < len(blocks) else None

    def _by_hash(self, identity: bytes) -> Block | None:
        return next((block for block in reversed(self._machine.blocks) if block.hash == identity), None)

    def _view(self, position: int, named: Any) -> tuple[Block, Any]:
        """A block and the accounts after it. Raises Rejected where there is no such block."""
        if named == "pending":
            return self._pending_view()
        block = self._find(position, named)
        if block is None:
            raise refuse("header not found")
        return block, self._machine.state(block)

    # -- accounts ----------------------------------------------------------------------------------

    def _balance(self, who: Any, named: Any = None) -> str:
        return hex(self._view(1, named)[1].get_balance(read_address(0, who)))

    def _nonce(self, who: Any, named: Any = None) -> str:
        return hex(self._view(1, named)[1].get_nonce(read_address(0, who)))

    def _code(self, who: Any, named: Any = None) -> str:
        return data(self._view(1, named)[1].get_code(read_address(0, who)))

    def _storage(self, who: Any, key: Any, named: Any = None) -> str:
        slot = int.from_bytes(read_hash(1, key), "big") if len(str(key)) == 66 else read_quantity(1, key)
        return word(self._view(2, named)[1].get_storage(read_address(0, who), slot))

    # -- trial runs and prices ---------------------------------------------------------------------

    def _prepared(self, value: Any, named: Any, overrides: tuple[Any, ...]) -> tuple[Any, ...]:
        if any(overrides):
            raise invalid(2, "state and block overrides are not offered by this devnet")
        block, state = self._view(1, named)
        base_fee = block.header.base_fee_per_gas
        return state, base_fee, *read_call(value, self._machine.chain_id, base_fee)

    def _call(self, value: Any, named: Any = None, *overrides: Any) -> str:
        state, base_fee, message, cap, _ = self._prepared(value, named, overrides)
        return data(evm_trial.call(self._machine, state, message, cap, base_fee))

    def _estimate(self, value: Any, named: Any = None, *overrides: Any) -> str:
        state, base_fee, message, cap, gas = self._prepared(value, named, overrides)
        return hex(evm_trial.estimate(self._machine, state, message, cap, base_fee, gas))

    def _tips(self, block: Block) -> list[tuple[int, int]]:
        """What each transaction of a block paid above the base fee, and the gas that it used; cheapest first."""
        base = block.header.base_fee_per_gas
        return sorted((item.price - base, item.gas_used) for item in block.included)

    def _tip(self) -> int:
        """The suggested tip: the median over the last 20 blocks that hold transactions; 1 gwei where none do."""
        tips = sorted(tip for block in self._machine.blocks[-20:] for tip, _ in self._tips(block))
        return max(tips[len(tips) // 2], 1) if tips else _GIGA

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
        wanted = count if isinstance(count, int) and not isinstance(count, bool) else read_quantity(0, count)
        block = self._machine.head if newest == "pending" else self._find(1, newest)
        if block is None:
            raise refuse("request beyond head block")
        points = [] if percentiles is None else percentiles
        if (
            not isinstance(points, Sequence)
            or len(points) > 100
            or any(isinstance(item, bool) or not isinstance(item, int | float) for item in points)
            or any(not 0 <= item <= 100 for item in points)
            or list(points) != sorted(points)
        ):
            raise refuse("invalid reward percentile")
        first = max(0, block.number + 1 - max(0, min(wanted, _MAX_HISTORY)))
        chosen = self._machine.blocks[first : block.number + 1]
        follower = self._machine.blocks[block.number + 1 : block.number + 2]
        coming = follower[0].header.base_fee_per_gas if follower else self._base_fee()
        answer: dict[str, Any] = {
            "oldestBlock": hex(first),
            "baseFeePerGas": [hex(item.header.base_fee_per_gas) for item in chosen] + [hex(coming)],
            "gasUsedRatio": [item.header.gas_used / item.header.gas_limit for item in chosen],
            "baseFeePerBlobGas": ["0x1"] * (len(chosen) + 1),
            "blobGasUsedRatio": [0] * len(chosen),
        }
        if percentiles is not None:
            answer["reward"] = [[hex(self._percentile(item, point)) for point in points] for item in chosen]
        return answer

    def _percentile(self, block: Block, point: float) -> int:
        """The tip below which ``point`` percent of the block's gas was bought."""
        tips = self._tips(block)
        threshold, seen = block.header.gas_used * point / 100, 0
        for tip, gas in tips:
            seen += gas
            if seen >= threshold:
                return tip
        return tips[-1][0] if tips else 0

    # -- transactions ------------------------------------------------------------------------------

    def _send(self, raw: Any) -> str:
        return data(self._engine.send_raw(params_of.read_bytes(0, raw)))

    def _transaction(self, named: Any) -> dict[str, Any] | None:
        identity = read_hash(0, named)
        place = self._machine.places.get(identity)
        if place is None:
            waiting = self._pool.find(identity)
            return None if waiting is None else transaction_json(waiting, None, None)
        block = self._machine.blocks[place[0]]
        item = block.included[place[1]]
        return transaction_json(item.transaction, block, item)

    def _transaction_at(self, named: Any, index: Any) -> dict[str, Any] | None:
        block, position = self._find(0, named), read_quantity(1, index)
        if block is None or position >= len(block.included):
            return None
        item = block.included[position]
        return transaction_json(item.transaction, block, item)

    def _receipt(self, named: Any) -> dict[str, Any] | None:
        place = self._machine.places.get(read_hash(0, named))
        if place is None:
            return None
        block = self._machine.blocks[place[0]]
        return self._with_data_fee(receipt_json(block, block.included[place[1]]))

    def _with_data_fee(self, receipt: dict[str, Any]) -> dict[str, Any]:
        if self._engine.network.params.get("l1_fee") in ("op-stack", "mantle", "scroll"):
            receipt["l1Fee"] = "0x0"
        return receipt

    # -- blocks and logs ---------------------------------------------------------------------------

    def _block(self, named: Any, full: Any = False) -> dict[str, Any] | None:
        if named == "pending":
            return block_json(self._pending_view()[0], full=full is True, pending=True)
        block = self._find(0, named)
        return None if block is None else block_json(block, full=full is True)

    def _block_by_hash(self, named: Any, full: Any = False) -> dict[str, Any] | None:
        block = self._by_hash(read_hash(0, named))
        return None if block is None else block_json(block, full=full is True)

    def _block_receipts(self, named: Any) -> list[dict[str, Any]] | None:
        block = self._find(0, named)
        return None if block is None else [self._with_data_fee(receipt_json(block, item)) for item in block.included]

    def _count(self, named: Any) -> str | None:
        block = self._pending_view()[0] if named == "pending" else self._find(0, named)
        return None if block is None else hex(len(block.included))

    def _logs(self, wanted: Any) -> list[dict[str, Any]]:
        if not isinstance(wanted, Mapping):
            raise invalid(0, "json: cannot unmarshal into Go value of type filters.FilterCriteria")
        accounts = wanted.get("address")
        listed = [] if accounts is None else accounts if isinstance(accounts, list | tuple) else [accounts]
        addresses = {read_address(0, item) for item in listed}
        topics = self._topics(wanted.get("topics"))
        found = []
        for block in self._log_blocks(wanted):
            for item, position, log in logs_of(block):
                if (not addresses or bytes(log.address) in addresses) and _matches(log.topics, topics):
                    found.append(log_json(block, item, position, log))
        return found

    def _log_blocks(self, wanted: Mapping[str, Any]) -> Sequence[Block]:
        if wanted.get("blockHash") is not None:
            if wanted.get("fromBlock") is not None or wanted.get("toBlock") is not None:
                raise invalid(0, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
            block = self._by_hash(read_hash(0, wanted["blockHash"]))
            if block is None:
                raise refuse("unknown block")
            return [block]
        ends = []
        for name in ("fromBlock", "toBlock"):
            named = wanted.get(name)
            block = self._machine.head if named == "pending" else self._find(0, named)
            ends.append(len(self._machine.blocks) if block is None else block.number)
        if ends[0] > ends[1]:
            raise Rejected("invalid block range params", node_code=INVALID_PARAMS)
        return self._machine.blocks[ends[0] : ends[1] + 1]

    def _topics(self, wanted: Any) -> list[set[int] | None]:
        if wanted is None:
            return []
        if not isinstance(wanted, list | tuple) or len(wanted) > 4:
            raise refuse("exceed max topics", INVALID_PARAMS)
        chosen: list[set[int] | None] = []
        for entry in wanted:
            options = entry if isinstance(entry, list | tuple) else [entry]
            if any(option is None for option in options) or not options:
                chosen.append(None)
            else:
                chosen.append({int.from_bytes(read_hash(0, option), "big") for option in options})
        return chosen


def _matches(topics: Sequence[int], wanted: Sequence[set[int] | None]) -> bool:
    return len(topics) >= len(wanted) and all(
        options is None or topic in options for topic, options in zip(topics, wanted, strict=False)
    )
