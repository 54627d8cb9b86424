"""The devnet's Cosmos engine: our own ledger behind the face of a Cosmos SDK node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..chain import Network
from ..codec.protobuf import bytes_field, message_field, varint_field
from ..crypto.hashes import keccak256, sha256
from ..crypto.secp256k1 import SecpKey
from ..errors import InputError, Rejected, Unsupported
from .clock import Clock
from .cosmos_http import CosmosHttp
from .cosmos_ledger import Books, Failure, Outcome, Terms, gas_of, refused
from .cosmos_protocol import Transaction, bech32_text, direct_bytes, key_address, read_bech32

__all__ = ["Block", "CosmosEngine"]

_SLOT: Final = 6.0
_MOST_BLOCKS: Final = 32
_SUPPLY: Final = 10**40
_KEY: Final = "/cosmos.crypto.secp256k1.PubKey"


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its height, its time in seconds since 1970, its id, and what it executed."""

    height: int
    time: float
    id: bytes
    executed: tuple[Outcome, ...]


class CosmosEngine:
    """One network of the Cosmos SDK in this process, which answers a node's REST interface.

    It bears the network's own chain id, so signatures are those of production. Blocks come every six seconds of the
    devnet's time with ``automine`` (at most 32 at once), and one comes for each transaction as it is sent. A block is
    final, so :meth:`reorg` is refused, as CometBFT would. See :mod:`.cosmos_ledger` for what is left out.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        params = network.params
        self.network = network
        self.automine = automine
        self.clock = Clock()
        eth = params.get("keys", "secp256k1") == "ethsecp256k1"
        self.terms = Terms(
            params.get("chain_id", network.reference),
            params["hrp"],
            params["denom"],
            _scaled(params["gas_prices"][0]),
            params.get("key_type_url", "/ethermint.crypto.v1.ethsecp256k1.PubKey" if eth else _KEY),
            eth,
        )
        self._faucet = SecpKey(keccak256(b"the Cosmos faucet of the multiwallet devnet"))  # public, worth nothing
        self._rich = key_address(self.terms.hrp, self._faucet.public_key, eth=eth)
        operators = (sha256(b"validator %d of the devnet" % n)[:20] for n in range(3))
        validators = tuple(bech32_text(f"{self.terms.hrp}valoper", item) for item in operators)
        now = self.clock.now()
        self.books = Books(self.terms, 1, now, validators=validators)
        self.books.give(self._rich, {self.terms.denom: _SUPPLY})
        self.blocks = [Block(1, now, sha256(self.terms.chain_id.encode()), ())]
        self.waiting: dict[str, Transaction] = {}
        self.places: dict[str, tuple[int, Outcome]] = {}
        self._http = CosmosHttp(self)

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    @property
    def validators(self) -> tuple[str, ...]:
        """The operator addresses of the validators that can be staked with."""
        return self.books.validators

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
        """Answer an HTTP request. Raises Rejected with an HTTP status where a node answers one."""
        return self._http.answer(method, path, text if json is None else json, query or {})

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """CometBFT's JSON-RPC is not offered: always Rejected."""
        raise Rejected("the method does not exist: this node answers REST", node_code=-32601)

    def checked(self) -> Books:
        """The books as a node's check state sees them: what waits has paid its fee and counted its sequence on."""
        books = self.books.copy()
        books.begin(self.head.height + 1, self.clock.now())
        for transaction in self.waiting.values():
            try:
                books.ante(transaction)
            except Failure:
                continue  # it will be thrown out of the next block
        return books

    def accept(self, raw: bytes) -> str:
        """Take a signed transaction in; its id. Raises Failure with the SDK's code."""
        txid = sha256(raw).hex().upper()
        if txid in self.waiting or txid in self.places:
            raise Failure(19, "tx already exists in cache: tx already in mempool")
        try:
            transaction = Transaction.decode(raw)
        except InputError as error:
            raise Failure(2, f"{error}: tx parse error") from None
        self.checked().ante(transaction)
        self.waiting[txid] = transaction
        if self.automine:
            self._produce()
        return txid

    # -- blocks ------------------------------------------------------------------------------------

    def _produce(self) -> Block:
        height, time = self.head.height + 1, max(self.clock.now(), self.head.time + 0.001)
        books = self.books.copy()
        books.begin(height, time)
        done: list[tuple[str, Outcome]] = []
        for txid, transaction in self.waiting.items():
            attempt = books.copy()
            try:
                attempt.ante(transaction, checks_price=False)  # the price is the mempool's business
            except Failure:
                continue  # a proposer leaves such a transaction out
            books = attempt
            done.append((txid, books.execute(transaction)))
        self.waiting = {}
        self.books = books
        identity = sha256(self.head.id + b"".join(bytes.fromhex(txid) for txid, _ in done))
        block = Block(height, time, identity, tuple(outcome for _, outcome in done))
        self.blocks.append(block)
        self.places.update({txid: (height, outcome) for txid, outcome in done})
        return block

    def mine(self, blocks: int = 1) -> None:
        """Make blocks, including what waits."""
        for _ in range(blocks):
            self._produce()

    def advance(self, seconds: float) -> None:
        """Let time pass; with ``automine`` a block comes every six seconds."""
        self.clock.skip(seconds)
        if self.automine:
            due = int((self.clock.now() - self.head.time) // _SLOT)
            self.mine(min(max(due, 0), _MOST_BLOCKS))

    def reorg(self, depth: int = 1) -> None:
        """Always Unsupported: a block of CometBFT is final."""
        raise Unsupported("a block of a Cosmos chain is final: there is nothing to replace")

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction, by its id in hex."""
        return self.waiting.pop(str(txid).upper(), None) is not None

    def close(self) -> None:
        """Nothing to free: all of it is memory."""

    # -- the faucet --------------------------------------------------------------------------------

    def _send(self, address: str, denom: str, units: int) -> str:
        """A bank send of the faucet, included at once; its id."""
        read_bech32(self.terms.hrp, address)
        account = self.books.accounts[self._rich]
        coin = bytes_field(1, denom.encode()) + bytes_field(2, str(units).encode())
        send = bytes_field(1, self._rich.encode()) + bytes_field(2, address.encode()) + message_field(3, coin)
        body = message_field(1, _any("/cosmos.bank.v1beta1.MsgSend", send))
        key = _any(self.terms.key_url, bytes_field(1, self._faucet.public_key))
        signer = message_field(1, key) + message_field(2, message_field(1, varint_field(1, 1)))
        gas = 200_000
        price = -(-gas * self.terms.min_price // 10**18)
        fee_coin = bytes_field(1, self.terms.denom.encode()) + bytes_field(2, str(price).encode())
        fee = (message_field(1, fee_coin) if price else b"") + varint_field(2, gas)
        auth = message_field(1, signer + varint_field(3, account.sequence)) + message_field(2, fee)
        unsigned = Transaction.decode(_raw(body, auth, bytes(64)))
        assert gas_of(unsigned) <= gas
        data = direct_bytes(unsigned, self.terms.chain_id, account.number)
        digest = keccak256(data) if self.terms.eth_keys else sha256(data)
        raw = _raw(body, auth, self._faucet.sign_compact(digest))
        aside, self.waiting = self.waiting, {}
        try:
            txid = self.accept(raw)
            if not self.automine:
                self._produce()
        except Failure as failure:
            raise refused(failure) from None
        finally:
            self.waiting = {**aside, **self.waiting}
        outcome = self.places[txid][1]
        if outcome.code:
            raise refused(Failure(outcome.code, outcome.log, outcome.space))
        return txid

    def fund(self, address: str, units: int) -> str:
        """Give an address coins of the chain's own denom, included at once; the transaction's id."""
        if not 0 < units <= 10**36:
            raise InputError("the faucet gives from 1 to 10^36 of the smallest unit at a time")
        return self._send(address, self.terms.denom, units)

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create a denom of the form ``factory/...`` with bank metadata and give its supply to an address; the denom."""
        name = "".join(character for character in symbol.lower() if character.isalnum() and character.isascii())
        denom = f"factory/{self._rich}/u{name or 'coin'}{len(self.books.metadata)}"
        units = [{"denom": denom, "exponent": 0, "aliases": []}]
        if decimals:
            units.append({"denom": symbol, "exponent": decimals, "aliases": []})
        self.books.metadata[denom] = {
            "description": "made by the devnet",
            "denom_units": units,
            "base": denom,
            "display": symbol if decimals else denom,
            "name": symbol,
            "symbol": symbol,
        }
        self.books.give(self._rich, {denom: _SUPPLY})
        if supply_to and supply:
            self._send(supply_to, denom, supply)
        return denom

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Give an address so much of a denom that this engine created; the transaction's id."""
        from urllib.parse import unquote

        denom = unquote(reference)
        if denom not in self.books.metadata:
            raise InputError("there is no such denom on this devnet: deploy_token makes one")
        return self._send(address, denom, units)


def _any(url: str, value: bytes) -> bytes:
    return bytes_field(1, url.encode()) + bytes_field(2, value)


def _raw(body: bytes, auth: bytes, signature: bytes) -> bytes:
    return bytes_field(1, body) + bytes_field(2, auth) + bytes_field(3, signature)


def _scaled(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**18 + int(fraction.ljust(18, "0") or "0")
