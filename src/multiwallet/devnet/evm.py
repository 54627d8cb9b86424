"""The devnet's EVM engine: py-evm behind the face of a geth node, under the identity of any EVM network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_keys.datatypes import PrivateKey

from ..chain import Network
from ..codec import abi, eip55
from ..crypto.hashes import keccak256
from ..errors import InputError, Rejected
from .clock import Clock
from .evm_machine import Block, Machine
from .evm_pool import Pool
from .evm_rpc import EvmRpc
from .evm_token import token_bytecode
from .evm_view import data

__all__ = ["EvmEngine"]

_BLOCK_TIME: Final = 12
_MOST_BLOCKS: Final = 32  # that passing time makes in one step; beyond it only the clock moves
_RICH: Final = 10**60
_GIGA: Final = 10**9
_GAS_PRICE_ORACLE: Final = bytes.fromhex("420000000000000000000000000000000000000f")
_DATA_FEE_ORACLES: Final = {
    "op-stack": _GAS_PRICE_ORACLE,
    "mantle": _GAS_PRICE_ORACLE,
    "scroll": bytes.fromhex("53" + "00" * 18 + "02"),
}
_ANSWER_ZERO: Final = bytes.fromhex("60205ff3")  # returns one word of zeros to any call


class EvmEngine:
    """One EVM network in this process.

    It answers JSON-RPC in geth's shapes, codes and words under the chain id of its row, and refuses what geth
    refuses. A row with legacy fees starts with a base fee of zero, as such networks have it; others with 1 gwei. On
    rows of the OP stack the gas price oracle answers, and its fee is zero: there is no layer below to post data to.

    A transaction that offers less than the base fee, or whose nonce lies ahead, waits, as it does in geth's pool.
    :meth:`reorg` puts the transactions of the blocks it replaces back among those that wait; they are included in
    the next block. Passing time makes a block each 12 seconds if ``automine`` is on, at most 32 at a time.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        self.network = network
        self.automine = automine
        self.clock = Clock()
        self._faucet = PrivateKey(keccak256(b"the faucet of the multiwallet devnet"))  # public, and worth nothing
        self._faucet_address = bytes(self._faucet.public_key.to_canonical_address())
        accounts = {self._faucet_address: (_RICH, b"")}
        oracle = _DATA_FEE_ORACLES.get(network.params.get("l1_fee", ""))
        if oracle is not None:
            accounts[oracle] = (0, _ANSWER_ZERO)
        legacy = network.params.get("fees") == "legacy"
        self.machine = Machine(
            int(network.reference), accounts, timestamp=int(self.clock.now()), base_fee=0 if legacy else _GIGA
        )
        self.pool = Pool(self.machine)
        self._rpc = EvmRpc(self)

    # -- what clients ask --------------------------------------------------------------------------

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """Answer a JSON-RPC call. Raises Rejected with geth's code and words."""
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
        """An EVM node has no REST interface: always Rejected with 404."""
        raise Rejected("404 page not found", node_code=404, data="404 page not found")

    def send_raw(self, raw: bytes) -> bytes:
        """Take a signed transaction in; its 32-byte hash. Raises Rejected."""
        transaction = self.pool.add(raw, self.machine.state(self.machine.head))
        if self.automine:
            self._produce()
        return bytes(transaction.hash)

    # -- blocks and time ---------------------------------------------------------------------------

    def _produce(self, timestamp: int | None = None, *, only: bytes | None = None, empty: bool = False) -> Block:
        """Make a block of what waits, of one sender's only, or of nothing."""
        chosen = [item for item in self.pool if not empty and only in (None, bytes(item.sender))]
        block = self.machine.produce(chosen, int(self.clock.now()) if timestamp is None else timestamp)
        self.pool.settle(self.machine.state(block).get_nonce)
        return block

    def mine(self, blocks: int = 1) -> None:
        """Make blocks, 12 seconds apart, including what waits."""
        for number in range(_count(blocks)):
            if number:
                self.clock.skip(_BLOCK_TIME)
            self._produce()

    def advance(self, seconds: float) -> None:
        """Let time pass. With ``automine``, blocks come as it does."""
        self.clock.skip(seconds)
        if not self.automine:
            return
        now = int(self.clock.now())
        missing = (now - self.machine.head.header.timestamp) // _BLOCK_TIME
        first = now - min(missing, _MOST_BLOCKS) * _BLOCK_TIME
        for number in range(min(missing, _MOST_BLOCKS)):
            self._produce(first + (number + 1) * _BLOCK_TIME)

    def reorg(self, depth: int = 1) -> None:
        """Replace the last ``depth`` blocks by empty ones; their transactions wait again."""
        if not 1 <= _count(depth) <= self.machine.head.number:
            raise InputError(f"the chain has {self.machine.head.number} blocks after the first: reorganise 1 or more")
        for transaction in self.machine.rewind(depth):
            self.pool.restore(transaction)
        for _ in range(depth):
            self._produce(empty=True)

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction, by its 0x hash."""
        try:
            identity = bytes.fromhex(txid.removeprefix("0x"))
        except ValueError:
            return False
        return self.pool.drop(identity)

    def close(self) -> None:
        """Nothing to free: all of it is memory."""

    # -- the faucet --------------------------------------------------------------------------------

    def _spend(self, to: bytes, value: int, payload: bytes, gas: int) -> tuple[bytes, Block]:
        """A transaction of the faucet, mined at once. Raises Rejected if it failed."""
        state = self.machine.state(self.machine.head)
        waiting = self.pool.waiting.get(self._faucet_address, {})
        nonce = state.get_nonce(self._faucet_address)
        while nonce in waiting:
            nonce += 1
        builder = self.machine.head.body.get_transaction_builder()
        price = self.machine.head.header.base_fee_per_gas * 2 + _GIGA
        transaction = builder.new_unsigned_dynamic_fee_transaction(
            chain_id=self.machine.chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=_GIGA,
            max_fee_per_gas=price,
            gas=gas,
            to=to,
            value=value,
            data=payload,
            access_list=(),
        ).as_signed_transaction(self._faucet)
        self.pool.add(bytes(transaction.encode()), state)
        block = self._produce(only=self._faucet_address)
        found = next((item for item in block.included if item.transaction.hash == transaction.hash), None)
        if found is None or not found.succeeded:
            raise Rejected("the devnet's faucet could not do that: the contract refused, or the block was full")
        return bytes(transaction.hash), block

    def fund(self, address: str, units: int) -> str:
        """Give an address ``units`` wei, mined at once; the transaction's hash."""
        if not 0 <= units <= 10**40:
            raise InputError("the faucet gives from 0 to 10^40 wei at a time")
        return data(self._spend(eip55.parse(address), units, b"", 100_000)[0])

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create an ERC-20 and give its supply to an address (to nobody if empty); the contract's address."""
        _, block = self._spend(b"", 0, token_bytecode(symbol, decimals), 3_000_000)
        created = block.included[-1].contract
        assert created is not None
        reference = eip55.checksum(created)
        if supply_to and supply:
            self.fund_token(reference, supply_to, supply)
        return reference

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Mint so much of a token that this engine created; the transaction's hash."""
        contract = eip55.parse(reference)
        if not self.machine.state(self.machine.head).get_code(contract):
            raise InputError(f"there is no token at {reference} on this devnet: deploy_token makes one")
        call = abi.encode_call("mint(address,uint256)", (eip55.parse(address), units))
        return data(self._spend(contract, 0, call, 200_000)[0])


def _count(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100_000:
        raise InputError("a number of blocks is from 0 to 100000")
    return number
