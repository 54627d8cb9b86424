"""The devnet's Solana engine: LiteSVM behind the face of an Agave node, under the identity of any cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from ..chain import Network
from ..codec import base58
from ..errors import InputError, InvalidAddress, Rejected
from .solana_ledger import Ledger
from .solana_machine import Execution, SimulatedExecution
from .solana_rpc import SolanaRpc
from .solana_view import display, read_mint

__all__ = ["SolanaEngine"]

_RICH: Final = 10**18  # lamports: a thousand million SOL
_MOST_UNITS: Final = 2**64 - 1
_SYSTEM: Final = Pubkey.default()
_TOKEN: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
_ASSOCIATED: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
_METADATA: Final = Pubkey.from_string("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s")
_MINT_SIZE: Final = 82
_LONGEST_STEP: Final = 10.0**9  # seconds


class SolanaEngine:
    """One Solana cluster in this process.

    It answers JSON-RPC in an Agave node's shapes, codes and words, under the genesis hash of its row. Signatures,
    fees, rent, programs and durable nonces are the virtual machine's own business; a block hash lives 150 blocks, and
    a transaction is final 32 slots after its own. With ``automine`` a transaction runs as it is sent and is then
    confirmed. Without, it waits for :meth:`mine`; passing time makes blocks that leave it out, so that it can expire.

    There is one state: a balance asked for at any commitment is the newest. Slots pass with the clock too, and make
    no block by that. :meth:`reorg` forgets the transactions of the blocks that it replaces, as the cluster does with
    a fork it leaves; those whose block hash is older than the fork can be sent again.

    Mints come with a Metaplex metadata account for their symbol; it is put there, as LiteSVM lacks that program.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        self.network = network
        self.automine = automine
        # CAIP-2 has the first 32 characters of the genesis hash; a row may know all of it.
        self.genesis = str(network.params.get("genesis") or network.reference)
        self._faucet = Keypair.from_seed(sha256(b"the faucet of the multiwallet devnet").digest())  # public
        self._payer = Keypair.from_seed(sha256(b"the payer that fees are measured with").digest())
        rich = Account(_RICH, b"", _SYSTEM)
        self.ledger = Ledger(self.genesis, {self._faucet.pubkey(): rich, self._payer.pubkey(): rich})
        self._waiting: dict[str, VersionedTransaction] = {}
        self._mints = 0
        self._rpc = SolanaRpc(self)

    # -- what clients ask --------------------------------------------------------------------------

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """Answer a JSON-RPC call. Raises Rejected with an Agave node's code and words."""
        self.ledger.catch_up()
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
        """A Solana node has no REST interface, but for its health."""
        if method == "GET" and path.strip("/") == "health":
            return "ok"
        raise Rejected("404 Not Found", node_code=404, data="404 Not Found")

    def send(self, transaction: VersionedTransaction) -> str:
        """Take a transaction in, whatever comes of it; its signature. One that cannot pay its fee leaves no trace."""
        signature = str(transaction.signatures[0])
        if self.automine:
            self.ledger.run(transaction)
        elif signature not in self.ledger.records:
            self._waiting.setdefault(signature, transaction)
        return signature

    def simulate(self, transaction: VersionedTransaction, *, any_hash: bool = False) -> SimulatedExecution:
        """Try a transaction without checking its signatures; ``any_hash`` takes any block hash for a recent one."""
        self.ledger.catch_up()
        if not any_hash and str(transaction.signatures[0]) in self.ledger.records:
            return SimulatedExecution(Execution("AlreadyProcessed", False, 0, 0, [], [], None), {})
        recent = any_hash or self.ledger.is_recent(transaction.message.recent_blockhash)
        return self.ledger.machine.simulate(transaction, recent=recent, verify=False)

    def fee_of(self, message: Message | MessageV0) -> int:
        """The lamports that a message costs, as the machine reckons: it is tried with a payer who can pay."""
        keys = [self._payer.pubkey(), *list(message.account_keys)[1:]]
        blockhash, calls = message.recent_blockhash, message.instructions
        own: Message | MessageV0
        if isinstance(message, MessageV0):
            own = MessageV0(message.header, keys, blockhash, calls, message.address_table_lookups)
        else:
            header = message.header
            own = Message.new_with_compiled_instructions(
                header.num_required_signatures,
                header.num_readonly_signed_accounts,
                header.num_readonly_unsigned_accounts,
                keys,
                blockhash,
                calls,
            )
        blank = [Signature.default()] * message.header.num_required_signatures
        trial = self.ledger.machine.simulate(VersionedTransaction.populate(own, blank), recent=True, verify=False)
        return trial.execution.fee

    # -- blocks and time ---------------------------------------------------------------------------

    def mine(self, blocks: int = 1) -> None:
        """Make blocks, 0.4 seconds apart; the first takes in all that waits and is still good."""
        if isinstance(blocks, bool) or not isinstance(blocks, int) or not 0 <= blocks <= 100_000:
            raise InputError("a number of blocks is from 0 to 100000")
        for _ in range(blocks):
            waiting, self._waiting = self._waiting, {}
            for transaction in waiting.values():
                self.ledger.run(transaction)
            self.ledger.mine()

    def advance(self, seconds: float) -> None:
        """Let time pass, 30 years at most: an empty block each 0.4 seconds, and for long times no more than 512."""
        self.ledger.advance(min(max(0.0, seconds), _LONGEST_STEP))

    def reorg(self, depth: int = 1) -> None:
        """Replace the last blocks by empty ones; their transactions are forgotten. Raises InputError."""
        if isinstance(depth, bool) or not isinstance(depth, int):
            raise InputError("a depth is a whole number of blocks")
        self.ledger.reorg(depth)

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction, by its signature."""
        return self._waiting.pop(txid, None) is not None

    def close(self) -> None:
        """Nothing to free: all of it is memory."""

    # -- the faucet --------------------------------------------------------------------------------

    def _spend(self, calls: Sequence[Instruction], *signers: Keypair) -> str:
        """A transaction of the faucet, apart from those of others: in a block of its own. Its signature."""
        if self.ledger.open.steps:
            self.ledger.mine()
        self.ledger.catch_up()
        payer = self._faucet
        message = Message.new_with_blockhash(calls, payer.pubkey(), self.ledger.last_hash)
        transaction = VersionedTransaction(message, [payer, *signers])
        execution = self.ledger.run(transaction)
        if execution.error is not None:
            words = display(execution.error, execution.logs)
            raise Rejected(f"the devnet's faucet could not do that: {words}", data=execution.error)
        return str(transaction.signatures[0])

    def fund(self, address: str, units: int) -> str:
        """Give an address ``units`` lamports, confirmed at once; the signature."""
        to = _key(address)
        if not 0 <= units <= _RICH // 1000:
            raise InputError("the faucet gives from 0 to a million SOL at a time")
        rent = self.ledger.machine.rent(0)
        if self.ledger.machine.balance(to) + units < rent:
            raise InputError(f"{address} would hold less than {rent} lamports, the least that Solana keeps: give more")
        signature = self._spend(
            [transfer(TransferParams(from_pubkey=self._faucet.pubkey(), to_pubkey=to, lamports=units))]
        )
        self.ledger.mine()
        return signature

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create an SPL mint and give its supply to an address (to nobody if empty); the mint's address."""
        if not 0 <= decimals <= 255:
            raise InputError("a mint has from 0 to 255 decimals")
        self._mints += 1
        mint = Keypair.from_seed(sha256(f"{self.genesis} mint {self._mints}".encode()).digest())
        authority = self._faucet.pubkey()
        opened = CreateAccountParams(
            from_pubkey=authority,
            to_pubkey=mint.pubkey(),
            lamports=self.ledger.machine.rent(_MINT_SIZE),
            space=_MINT_SIZE,
            owner=_TOKEN,
        )
        # InitializeMint2: decimals, who may mint, and nobody who may freeze.
        content = bytes((20, decimals)) + bytes(authority) + b"\0"
        initialise = Instruction(_TOKEN, content, [AccountMeta(mint.pubkey(), False, True)])
        self._spend([create_account(opened), initialise], mint)
        self._name(mint.pubkey(), symbol)
        self.ledger.mine()
        if supply_to and supply:
            self.fund_token(str(mint.pubkey()), supply_to, supply)
        return str(mint.pubkey())

    def _name(self, mint: Pubkey, symbol: str) -> None:
        """The account in which Metaplex Token Metadata keeps a token's name and symbol."""
        place, _ = Pubkey.find_program_address([b"metadata", bytes(_METADATA), bytes(mint)], _METADATA)
        texts = ((f"{symbol} of the devnet", 32), (symbol, 10), ("", 200))
        padded = b"".join(size.to_bytes(4, "little") + text.encode()[:size].ljust(size, b"\0") for text, size in texts)
        content = b"\4" + bytes(self._faucet.pubkey()) + bytes(mint) + padded
        data = content.ljust(679, b"\0")  # no royalties, no creators; the rest of the account stays empty
        self.ledger.place(place, Account(self.ledger.machine.rent(len(data)), data, _METADATA))

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Mint so much of a token that this engine created to an address's own token account; the signature."""
        mint, owner, payer = _key(reference), _key(address), self._faucet.pubkey()
        found = read_mint(self.ledger.machine.account(mint))
        if found is None or found.mint_authority != payer:
            raise InputError(f"{reference} is no token of this devnet's making: deploy_token makes one")
        if not 0 <= units <= _MOST_UNITS - found.supply:
            raise InputError(f"a mint's supply is at most {_MOST_UNITS} units, and {found.supply} are there already")
        place = get_associated_token_address(owner, mint)
        create = Instruction(
            _ASSOCIATED,
            b"\1",  # CreateIdempotent
            [
                AccountMeta(payer, True, True),
                AccountMeta(place, False, True),
                AccountMeta(owner, False, False),
                AccountMeta(mint, False, False),
                AccountMeta(_SYSTEM, False, False),
                AccountMeta(_TOKEN, False, False),
            ],
        )
        mint_to = Instruction(
            _TOKEN,
            b"\7" + units.to_bytes(8, "little"),
            [AccountMeta(mint, False, True), AccountMeta(place, False, True), AccountMeta(payer, True, False)],
        )
        signature = self._spend([create, mint_to])
        self.ledger.mine()
        return signature


def _key(address: str) -> Pubkey:
    try:
        raw = base58.decode(address)
    except InputError:
        raw = b""
    if len(raw) != 32:
        raise InvalidAddress(f"{str(address)[:60]!r} is no Solana address: it is 32 bytes in base58")
    return Pubkey.from_bytes(raw)
