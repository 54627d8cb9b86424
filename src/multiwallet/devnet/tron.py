"""The devnet's TRON engine: our own ledger behind the face of a java-tron node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_keys.datatypes import PrivateKey

from ..chain import Network
from ..codec import abi, base58
from ..crypto.hashes import keccak256
from ..errors import InputError, Rejected
from .clock import Clock
from .evm_token import ABI, token_bytecode
from .tron_chain import SLOT, SOLID_DEPTH, TronBlock, TronChain
from .tron_http import TronHttp
from .tron_ledger import Prices
from .tron_protocol import Transaction, read_address

__all__ = ["TronEngine"]

_SUPPLY: Final = 10**17
_MOST_BLOCKS: Final = 32
_MUTABILITY: Final = {"view": 2, "nonpayable": 3}


class TronEngine:
    """One TRON network in this process, which answers java-tron's HTTP interface.

    The first block's id is the network's own. Each later id holds its number and the hash of its header, and
    transactions are checked as on a node: signature, reference block, expiration, duplicates, money for what they
    do and for bandwidth, energy, activation and memo. TRC-20 contracts run on py-evm. See :mod:`.tron_ledger` for
    what is left out.

    Blocks come every three seconds of the devnet's time with ``automine`` (at most 32 at once), and one comes for
    each transaction as it is sent; 19 more make a block solid. :meth:`reorg` undoes blocks that are not solid;
    their transactions wait for the next one, and vanish if it cannot take them.
    """

    def __init__(self, network: Network, *, automine: bool = True, prices: Prices | None = None) -> None:
        self.network = network
        self.automine = automine
        self.clock = Clock()
        self._faucet = PrivateKey(keccak256(b"the TRON faucet of the multiwallet devnet"))  # public, worth nothing
        self._rich = b"\x41" + bytes(self._faucet.public_key.to_canonical_address())
        self._count = 0
        self.chain = TronChain(network, prices or Prices(), self.clock, self._rich, _SUPPLY)
        self._http = TronHttp(self.chain, self.accept)

    # -- what clients ask --------------------------------------------------------------------------

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
        """Answer an HTTP request. Raises Rejected with 404 or 405 for what a node does not serve."""
        return self._http.answer(method, path, text if json is None else json, query)

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """TRON's JSON-RPC is not offered: always Rejected."""
        raise Rejected("the method does not exist: this node answers HTTP under wallet/", node_code=-32601)

    def accept(self, transaction: Transaction) -> bytes:
        """Take a signed transaction in; its id. Raises Rejected with java-tron's code."""
        txid = self.chain.add(transaction)
        if self.automine:
            self.chain.produce()
        return txid

    # -- blocks and time ---------------------------------------------------------------------------

    def mine(self, blocks: int = 1) -> None:
        """Make blocks, three seconds apart, including what waits."""
        if isinstance(blocks, bool) or not isinstance(blocks, int) or not 0 <= blocks <= 100_000:
            raise InputError("a number of blocks is from 0 to 100000")
        for number in range(blocks):
            if number:
                self.clock.skip(SLOT / 1000)
            self.chain.produce()

    def advance(self, seconds: float) -> None:
        """Let time pass. With ``automine``, blocks come as it does."""
        self.clock.skip(seconds)
        if not self.automine:
            return
        now = int(self.clock.now() * 1000)
        count = min((now - self.chain.head.timestamp) // SLOT, _MOST_BLOCKS)
        for number in range(count):
            self.chain.produce(now - (count - 1 - number) * SLOT)

    def reorg(self, depth: int = 1) -> None:
        """Replace the last ``depth`` blocks, at most 19, by empty ones; their transactions wait again."""
        most = min(SOLID_DEPTH, self.chain.head.number - 1)
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= most:
            raise InputError(f"between 1 and {most} blocks can be replaced now: the others are solid, or the first")
        self.chain.rewind(depth)
        for _ in range(depth):
            self.chain.produce(empty=True)

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction, by its id in hex."""
        try:
            identity = bytes.fromhex(txid)
        except ValueError:
            return False
        return self.chain.forget(identity)

    def close(self) -> None:
        """Nothing to free: all of it is memory."""

    # -- the faucet --------------------------------------------------------------------------------

    def _spend(self, kind: int, value: dict[str, Any], fee_limit: int = 0) -> tuple[bytes, TronBlock]:
        """A transaction of the faucet, included at once. Raises Rejected if it failed."""
        self._count += 1  # so that the same gift twice is two transactions
        reference = self.chain.solid.id
        head: dict[str, Any] = {
            "ref_block_bytes": reference[6:8],
            "ref_block_hash": reference[8:16],
            "expiration": self.chain.head.timestamp + 3_600_000,
            "timestamp": self._count,
        }
        if fee_limit:
            head["fee_limit"] = fee_limit
        unsigned = Transaction(kind, {"owner_address": self._rich, **value}, head)
        signature = self._faucet.sign_msg_hash(unsigned.txid).to_bytes()
        txid = self.chain.add(Transaction(kind, unsigned.value, head, 0, (bytes(signature),)))
        block = self.chain.produce(only=self._rich)
        _, position = self.chain.places[txid]
        if block.executed[position].result != "SUCCESS":
            raise Rejected(f"the devnet's faucet could not do that: {block.executed[position].result}")
        return txid, block

    def fund(self, address: str, units: int) -> str:
        """Give an address ``units`` sun, included at once; the transaction's id."""
        if not 0 < units <= 10**16:
            raise InputError("the faucet gives from 1 to 10^16 sun at a time")
        return self._spend(1, {"to_address": read_address(address), "amount": units})[0].hex()

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create a TRC-20 and give its supply to an address (to nobody if empty); the contract's address."""
        entrys = [_entry(item) for item in ABI]
        contract = {
            "origin_address": self._rich,
            "abi": {"entrys": entrys},
            "bytecode": token_bytecode(symbol, decimals),
            "consume_user_resource_percent": 100,
            "name": symbol,
            "origin_energy_limit": 10_000_000,
        }
        txid, _ = self._spend(30, {"new_contract": contract}, 10**9)
        reference = base58.encode_check(b"\x41" + keccak256(txid + self._rich)[12:])
        if supply_to and supply:
            self.fund_token(reference, supply_to, supply)
        return reference

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Mint so much of a token that this engine created; the transaction's id."""
        contract = read_address(reference)
        found = self.chain.present().accounts.get(contract)
        if found is None or found.contract is None:
            raise InputError(f"there is no token at {reference} on this devnet: deploy_token makes one")
        data = abi.encode_call("mint(address,uint256)", (read_address(address)[1:], units))
        return self._spend(31, {"contract_address": contract, "data": data}, 10**9)[0].hex()


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of an Ethereum ABI in the form of TRON's protocol."""

    def parameters(listed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in one.items() if value} for one in listed]

    kind = 2 if item["type"] == "function" else 3
    entry = {"name": item["name"], "inputs": parameters(item["inputs"]), "type": kind}
    if kind == 2:
        entry["outputs"] = parameters(item["outputs"])
        entry["stateMutability"] = _MUTABILITY[item["stateMutability"]]
    return entry
