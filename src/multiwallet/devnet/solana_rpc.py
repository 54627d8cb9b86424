"""The Solana devnet's JSON-RPC: an Agave node's methods, shapes, codes and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from solders.account import Account
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from ..errors import Rejected
from . import solana_params as params_of
from .solana_history import API_VERSION, History, read_common, with_context
from .solana_ledger import FINAL_AFTER, HASH_LIFE, Block, Landed
from .solana_machine import SLOTS_PER_EPOCH, SimulatedExecution, writable_keys
from .solana_params import invalid, read_commitment, read_encoding, read_key, read_settings
from .solana_parsed import token_amount
from .solana_view import (
    TOKEN_PROGRAMS,
    account_json,
    display,
    inner_json,
    read_mint,
    read_token_account,
    returned_json,
)

if TYPE_CHECKING:
    from .solana import SolanaEngine

__all__ = ["SolanaRpc"]

_COMPUTE_BUDGET: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
_MOST_KEYS: Final = 100


class SolanaRpc:
    """Answers calls on behalf of an engine."""

    def __init__(self, engine: SolanaEngine) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._methods: dict[str, tuple[Callable[..., Any], int, int]] = {
            "getAccountInfo": (self._account, 1, 2),
            "getBalance": (self._balance, 1, 2),
            "getBlockHeight": (self._height, 0, 1),
            "getEpochInfo": (self._epoch, 0, 1),
            "getFeeForMessage": (self._fee, 1, 2),
            "getFirstAvailableBlock": (lambda: 0, 0, 0),
            "getGenesisHash": (lambda: self._engine.genesis, 0, 0),
            "getHealth": (lambda: "ok", 0, 0),
            "getLatestBlockhash": (self._latest, 0, 1),
            "getMinimumBalanceForRentExemption": (self._rent, 1, 2),
            "getMultipleAccounts": (self._accounts, 1, 2),
            "getRecentPrioritizationFees": (self._priority_fees, 0, 1),
            "getSlot": (self._slot, 0, 1),
            "getTokenAccountBalance": (self._token_balance, 1, 2),
            "getTokenAccountsByOwner": (self._token_accounts, 2, 3),
            "getTokenSupply": (self._supply, 1, 2),
            "getTransactionCount": (lambda _=None: len(self._ledger.records), 0, 1),
            "getVersion": (lambda: {"solana-core": API_VERSION, "feature-set": 0}, 0, 0),
            "isBlockhashValid": (self._is_valid, 1, 2),
            "minimumLedgerSlot": (lambda: 0, 0, 0),
            "requestAirdrop": (self._airdrop, 2, 3),
            "sendTransaction": (self._send, 1, 2),
            "simulateTransaction": (self._simulate, 1, 2),
            **History(engine.ledger).methods,
        }

    def answer(self, method: str, params: Sequence[Any] | Mapping[str, Any]) -> Any:
        """Answer one call. Raises Rejected with a JSON-RPC code."""
        if method not in self._methods:
            raise Rejected("Method not found", node_code=-32601)
        function, least, most = self._methods[method]
        if isinstance(params, Mapping | str) or not isinstance(params, Sequence):
            raise invalid("Invalid params: expected a list.")
        if len(params) < least:
            raise invalid(f"`params` should have at least {least} argument(s)")
        if len(params) > most:
            raise invalid(f"Invalid parameters: Expected from {least} to {most} parameters.")
        return function(*params)

    def _settings(self, value: Any) -> Mapping[str, Any]:
        return read_common(value, self._ledger.slot)

    def _with_context(self, value: Any) -> dict[str, Any]:
        return with_context(value, self._ledger.slot)

    # -- slots and hashes --------------------------------------------------------------------------

    def _newest(self, settings: Mapping[str, Any]) -> Block:
        """The block that a commitment means."""
        return self._ledger.final_block() if read_commitment(settings) == "finalized" else self._ledger.open

    def _slot(self, settings: Any = None) -> int:
        level = read_commitment(self._settings(settings))
        return self._ledger.slot - FINAL_AFTER if level == "finalized" else self._ledger.slot

    def _height(self, settings: Any = None) -> int:
        return self._newest(self._settings(settings)).height

    def _latest(self, settings: Any = None) -> dict[str, Any]:
        block = self._newest(self._settings(settings))
        newest = block.hashes[-1] if block is not self._ledger.open else self._ledger.last_hash
        given = self._ledger.height_of(newest)
        assert given is not None  # every hash in a block was given out
        return self._with_context({"blockhash": str(newest), "lastValidBlockHeight": given + HASH_LIFE})

    def _is_valid(self, blockhash: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        return self._with_context(self._ledger.is_recent(params_of.read_hash(blockhash)))

    def _epoch(self, settings: Any = None) -> dict[str, Any]:
        block, slot = self._newest(self._settings(settings)), self._slot(settings)
        return {
            "absoluteSlot": slot,
            "blockHeight": block.height,
            "epoch": slot // SLOTS_PER_EPOCH,
            "slotIndex": slot % SLOTS_PER_EPOCH,
            "slotsInEpoch": SLOTS_PER_EPOCH,
            "transactionCount": len(self._ledger.records),
        }

    # -- accounts ----------------------------------------------------------------------------------

    def _json(self, account: Account, settings: Mapping[str, Any], default: str = "binary") -> dict[str, Any]:
        encoding = read_encoding(settings, default)
        return account_json(self._ledger.machine, account, encoding, params_of.read_piece(settings))

    def _account(self, key: Any, settings: Any = None) -> dict[str, Any]:
        settings = self._settings(settings)
        account = self._ledger.machine.account(read_key(key))
        return self._with_context(None if account is None else self._json(account, settings))

    def _accounts(self, keys: Any, settings: Any = None) -> dict[str, Any]:
        settings = self._settings(settings)
        found = [self._ledger.machine.account(key) for key in self._keys(keys, _MOST_KEYS)]
        return self._with_context(
            [None if account is None else self._json(account, settings, "base64") for account in found]
        )

    def _keys(self, keys: Any, most: int) -> list[Pubkey]:
        if not isinstance(keys, Sequence) or isinstance(keys, str):
            raise invalid("Invalid params: expected a list of addresses.")
        if len(keys) > most:
            raise invalid(f"Too many inputs provided; max {most}")
        return [read_key(key) for key in keys]

    def _balance(self, key: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        return self._with_context(self._ledger.machine.balance(read_key(key)))

    def _rent(self, size: Any, settings: Any = None) -> int:
        self._settings(settings)
        return self._ledger.machine.rent(params_of.read_count(size, "size", 10 * 1024 * 1024))

    # -- tokens ------------------------------------------------------------------------------------

    def _supply(self, key: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        mint = read_mint(self._ledger.machine.account(read_key(key)))
        if mint is None:
            raise invalid("Invalid param: not a Token mint")
        return self._with_context(token_amount(mint.supply, mint.decimals))

    def _token_balance(self, key: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        machine = self._ledger.machine
        account = machine.account(read_key(key))
        if account is None:
            raise invalid("Invalid param: could not find account")
        tokens = read_token_account(account)
        mint = None if tokens is None else read_mint(machine.account(tokens.mint))
        if tokens is None or mint is None:
            raise invalid("Invalid param: not a Token account")
        return self._with_context(token_amount(tokens.amount, mint.decimals))

    def _token_accounts(self, owner: Any, wanted: Any, settings: Any = None) -> dict[str, Any]:
        settings, wanted = self._settings(settings), read_settings(wanted)
        machine, key = self._ledger.machine, read_key(owner)
        if set(wanted) == {"mint"}:
            mint, program = read_key(wanted["mint"]), None
            if read_mint(machine.account(mint)) is None:
                raise invalid("Invalid param: could not find mint")
        elif set(wanted) == {"programId"}:
            mint, program = None, read_key(wanted["programId"])
            if program not in TOKEN_PROGRAMS:
                raise invalid("Invalid param: unrecognized Token program id")
        else:
            raise invalid("Invalid params: the filter is either a mint or a programId.")
        found = []
        for place in self._ledger.token_accounts.get(key, ()):
            account = machine.account(place)
            tokens = read_token_account(account)
            if account is None or tokens is None or tokens.owner != key:  # closed or given away since
                continue
            if mint in (None, tokens.mint) and program in (None, account.owner):
                found.append({"pubkey": str(place), "account": self._json(account, settings)})
        return self._with_context(found)

    # -- fees --------------------------------------------------------------------------------------

    def _fee(self, message: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        read = params_of.read_message(message)
        if not self._ledger.is_recent(read.recent_blockhash):
            return self._with_context(None)
        return self._with_context(self._engine.fee_of(read))

    def _priority_fees(self, keys: Any = None) -> list[dict[str, int]]:
        wanted = set(self._keys([] if keys is None else keys, 128))
        blocks = self._ledger.blocks[-HASH_LIFE:]
        return [{"slot": block.slot, "prioritizationFee": _least_price(block, wanted)} for block in blocks]

    # -- transactions ------------------------------------------------------------------------------

    def _airdrop(self, key: Any, lamports: Any, settings: Any = None) -> str:
        self._settings(settings)
        return self._engine.fund(str(read_key(key)), params_of.read_count(lamports, "lamports"))

    def _send(self, wire: Any, settings: Any = None) -> str:
        settings = self._settings(settings)
        transaction = params_of.read_transaction(wire, settings)
        if settings.get("skipPreflight") is not True:
            self._check_signatures(transaction)
            trial = self._engine.simulate(transaction)
            if trial.execution.error is not None:
                raise Rejected(
                    f"Transaction simulation failed: {display(trial.execution.error, trial.execution.logs)}",
                    node_code=-32002,
                    data={**self._trial_json(trial, transaction, {}), "accounts": None},
                )
        return self._engine.send(transaction)

    def _check_signatures(self, transaction: VersionedTransaction) -> None:
        if not all(transaction.verify_with_results()):
            raise Rejected("Transaction signature verification failure", node_code=-32003)

    def _simulate(self, wire: Any, settings: Any = None) -> dict[str, Any]:
        settings = self._settings(settings)
        transaction = params_of.read_transaction(wire, settings)
        verify, replaced = settings.get("sigVerify") is True, settings.get("replaceRecentBlockhash") is True
        if verify and replaced:
            raise invalid("sigVerify may not be used with replaceRecentBlockhash")
        if verify:
            self._check_signatures(transaction)
        trial = self._engine.simulate(transaction, any_hash=replaced)
        answer = self._trial_json(trial, transaction, settings)
        if replaced:
            answer["replacementBlockhash"] = self._latest({"commitment": "confirmed"})["value"]
        return self._with_context(answer)

    def _trial_json(
        self, trial: SimulatedExecution, transaction: VersionedTransaction, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        execution = trial.execution
        keys = self._ledger.machine.load(transaction).keys
        wants_inner = settings.get("innerInstructions") is True
        return {
            "accounts": self._trial_accounts(trial, settings.get("accounts")),
            "err": execution.error,
            "innerInstructions": inner_json(execution, keys, parsed=True) if wants_inner else None,
            "loadedAccountsDataSize": None,
            "logs": execution.logs,
            "replacementBlockhash": None,
            "returnData": returned_json(execution),
            "unitsConsumed": execution.units,
        }

    def _trial_accounts(self, trial: SimulatedExecution, wanted: Any) -> list[Any] | None:
        if wanted is None:
            return None
        wanted = read_settings(wanted)
        keys = self._keys(wanted.get("addresses", []), _MOST_KEYS)
        if trial.execution.error is not None:
            return [None] * len(keys)
        found = [trial.accounts.get(key) or self._ledger.machine.account(key) for key in keys]
        return [
            None if account is None or not account.lamports else self._json(account, wanted, "base64")
            for account in found
        ]


def _least_price(block: Block, wanted: set[Pubkey]) -> int:
    """The least price of a compute unit that a transaction paid which locked all these accounts; 0 without any."""
    prices = []
    for landed in block.landed:
        if wanted <= {*writable_keys(landed.transaction.message), *landed.loaded.writable}:
            prices.append(_unit_price(landed))
    return min(prices, default=0)


def _unit_price(landed: Landed) -> int:
    for call in landed.transaction.message.instructions:
        data = bytes(call.data)
        if landed.loaded.keys[call.program_id_index] == _COMPUTE_BUDGET and data[:1] == b"\3" and len(data) == 9:
            return int.from_bytes(data[1:], "little")
    return 0
