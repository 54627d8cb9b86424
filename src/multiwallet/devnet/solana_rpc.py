"""The Solana devnet's JSON-RPC: an Agave node's methods, shapes, codes and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from solders.account import Account
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from ..errors import Rejected
from . import solana_params as params_of
from .solana_ledger import FINAL_AFTER, HASH_LIFE, Block, Landed
from .solana_machine import SLOTS_PER_EPOCH, SimulatedExecution
from .solana_params import INVALID_PARAMS, invalid, read_commitment, read_encoding, read_key, read_settings
from .solana_parsed import token_amount
from .solana_view import (
    TOKEN_PROGRAMS,
    account_json,
    block_json,
    display,
    inner_json,
    read_mint,
    read_token_account,
    returned_json,
    transaction_json,
)

if TYPE_CHECKING:
    from .solana import SolanaEngine

__all__ = ["SolanaRpc"]

_API_VERSION: Final = "2.3.0"  # of the node whose shapes these are
_WIRE_ENCODINGS: Final = ("binary", "base58", "base64", "json", "jsonParsed")
_COMPUTE_BUDGET: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
_MOST_KEYS: Final = 100
_MOST_STATUSES: Final = 256
_MOST_SIGNATURES: Final = 1000


class SolanaRpc:
    """Answers calls on behalf of an engine."""

    def __init__(self, engine: SolanaEngine) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._methods: dict[str, tuple[Callable[..., Any], int, int]] = {
            "getAccountInfo": (self._account, 1, 2),
            "getBalance": (self._balance, 1, 2),
            "getBlock": (self._block, 1, 2),
            "getBlockHeight": (self._height, 0, 1),
            "getBlockTime": (self._block_time, 1, 1),
            "getBlocks": (self._blocks, 1, 3),
            "getEpochInfo": (self._epoch, 0, 1),
            "getFeeForMessage": (self._fee, 1, 2),
            "getFirstAvailableBlock": (lambda: 0, 0, 0),
            "getGenesisHash": (lambda: self._engine.genesis, 0, 0),
            "getHealth": (lambda: "ok", 0, 0),
            "getLatestBlockhash": (self._latest, 0, 1),
            "getMinimumBalanceForRentExemption": (self._rent, 1, 2),
            "getMultipleAccounts": (self._accounts, 1, 2),
            "getRecentPrioritizationFees": (self._priority_fees, 0, 1),
            "getSignatureStatuses": (self._statuses, 1, 2),
            "getSignaturesForAddress": (self._signatures, 1, 2),
            "getSlot": (self._slot, 0, 1),
            "getTokenAccountBalance": (self._token_balance, 1, 2),
            "getTokenAccountsByOwner": (self._token_accounts, 2, 3),
            "getTokenSupply": (self._supply, 1, 2),
            "getTransaction": (self._transaction, 1, 2),
            "getTransactionCount": (lambda _=None: len(self._ledger.records), 0, 1),
            "getVersion": (lambda: {"solana-core": _API_VERSION, "feature-set": 0}, 0, 0),
            "isBlockhashValid": (self._is_valid, 1, 2),
            "minimumLedgerSlot": (lambda: 0, 0, 0),
            "requestAirdrop": (self._airdrop, 2, 3),
            "sendTransaction": (self._send, 1, 2),
            "simulateTransaction": (self._simulate, 1, 2),
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
        settings = read_settings(value)
        read_commitment(settings)
        wanted = settings.get("minContextSlot")
        if wanted is not None and params_of.read_count(wanted, "minContextSlot") > self._ledger.slot:
            raise Rejected(
                "Minimum context slot has not been reached",
                node_code=-32016,
                data={"contextSlot": self._ledger.slot},
            )
        return settings

    def _with_context(self, value: Any) -> dict[str, Any]:
        return {"context": {"apiVersion": _API_VERSION, "slot": self._ledger.slot}, "value": value}

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

    def _find_block(self, slot: Any) -> tuple[Block, Block]:
        """A closed block and the one before it."""
        wanted = params_of.read_count(slot, "slot")
        blocks = self._ledger.blocks
        if wanted > blocks[-1].slot:
            raise Rejected(f"Block not available for slot {wanted}", node_code=-32004)
        found = next((n for n in range(len(blocks) - 1, -1, -1) if blocks[n].slot <= wanted), 0)
        if blocks[found].slot != wanted:
            raise Rejected(
                f"Slot {wanted} was skipped, or missing due to ledger jump to recent snapshot", node_code=-32007
            )
        return blocks[found], blocks[max(found - 1, 0)]

    def _block(self, slot: Any, settings: Any = None) -> dict[str, Any]:
        settings = self._settings(settings)
        block, previous = self._find_block(slot)
        encoding = read_encoding(settings, "json", _WIRE_ENCODINGS)
        details = settings.get("transactionDetails") or "full"
        if details not in ("full", "signatures", "none"):
            raise invalid(f"transactionDetails {str(details)[:40]!r} is not one of full, signatures, none")
        known = self._knows_versions(settings, block.landed if details == "full" else [])
        return block_json(block, previous, encoding, details, version=known)

    def _blocks(self, start: Any, *rest: Any) -> list[int]:
        end = rest[0] if rest and not isinstance(rest[0], Mapping) else None
        first = params_of.read_count(start, "start slot")
        last = self._ledger.blocks[-1].slot if end is None else params_of.read_count(end, "end slot")
        if last - first > 500_000:
            raise invalid("Slot range too large; max 500000")
        return [block.slot for block in self._ledger.blocks if first <= block.slot <= last]

    def _block_time(self, slot: Any) -> int:
        return self._find_block(slot)[0].time

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

    # -- what became of them -----------------------------------------------------------------------

    def _level(self, landed: Landed) -> str:
        return "finalized" if self._ledger.is_final(landed.slot) else "confirmed"

    def _statuses(self, signatures: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        if not isinstance(signatures, Sequence) or isinstance(signatures, str):
            raise invalid("Invalid params: expected a list of signatures.")
        if len(signatures) > _MOST_STATUSES:
            raise invalid(f"Too many inputs provided; max {_MOST_STATUSES}")
        found = [self._ledger.records.get(params_of.read_signature(text)) for text in signatures]
        return self._with_context([None if landed is None else self._status(landed) for landed in found])

    def _status(self, landed: Landed) -> dict[str, Any]:
        error, level = landed.execution.error, self._level(landed)
        return {
            "slot": landed.slot,
            "confirmations": None if level == "finalized" else self._ledger.slot - landed.slot,
            "err": error,
            "status": {"Ok": None} if error is None else {"Err": error},
            "confirmationStatus": level,
        }

    def _signatures(self, key: Any, settings: Any = None) -> list[dict[str, Any]]:
        settings = self._settings(settings)
        limit = params_of.read_count(settings.get("limit") or _MOST_SIGNATURES, "limit")
        if not 1 <= limit <= _MOST_SIGNATURES:
            raise invalid(f"Invalid limit; max {_MOST_SIGNATURES}")
        listed = list(reversed(self._ledger.touched.get(read_key(key), [])))
        for name, cut in (("before", lambda n: listed[n + 1 :]), ("until", lambda n: listed[:n])):
            if settings.get(name) is not None:
                text = params_of.read_signature(settings[name])
                listed = cut(listed.index(text)) if text in listed else (listed if name == "until" else [])
        level = read_commitment(settings)
        found = [self._ledger.records[text] for text in listed]
        if level == "finalized":
            found = [landed for landed in found if self._ledger.is_final(landed.slot)]
        return [self._signature(landed) for landed in found[:limit]]

    def _signature(self, landed: Landed) -> dict[str, Any]:
        memos = [
            bytes(call.data).decode("utf-8", "replace")
            for call in landed.transaction.message.instructions
            if str(landed.loaded.keys[call.program_id_index]).startswith("Memo")
        ]
        return {
            "signature": landed.signature,
            "slot": landed.slot,
            "err": landed.execution.error,
            "memo": "; ".join(f"[{len(memo.encode())}] {memo}" for memo in memos) or None,
            "blockTime": landed.time,
            "confirmationStatus": self._level(landed),
        }

    def _transaction(self, signature: Any, settings: Any = None) -> dict[str, Any] | None:
        settings = read_settings({"encoding": settings} if isinstance(settings, str) else settings)
        settings = self._settings(settings)
        level = read_commitment(settings)
        if level == "processed":
            raise Rejected("Method does not support commitment below `confirmed`", node_code=INVALID_PARAMS)
        encoding = read_encoding(settings, "json", _WIRE_ENCODINGS)
        landed = self._ledger.records.get(params_of.read_signature(signature))
        if landed is None or (level == "finalized" and not self._ledger.is_final(landed.slot)):
            return None
        known = self._knows_versions(settings, [landed])
        return {"slot": landed.slot, "blockTime": landed.time, **transaction_json(landed, encoding, version=known)}

    def _knows_versions(self, settings: Mapping[str, Any], chosen: Sequence[Landed]) -> bool:
        """Whether the asker knows versioned transactions. Raises Rejected where one who does not meets one."""
        if settings.get("maxSupportedTransactionVersion") is not None:
            params_of.read_count(settings["maxSupportedTransactionVersion"], "maxSupportedTransactionVersion", 255)
            return True
        if any(isinstance(landed.transaction.message, MessageV0) for landed in chosen):
            raise Rejected(
                "Transaction version (0) is not supported by the requesting client. Please try the request again with "
                'the following configuration parameter: "maxSupportedTransactionVersion": 0',
                node_code=-32015,
            )
        return False


def _least_price(block: Block, wanted: set[Pubkey]) -> int:
    """The least price of a compute unit that a transaction paid which locked all these accounts; 0 without any."""
    prices = []
    for landed in block.landed:
        message, loaded = landed.transaction.message, landed.loaded
        locked = {key for index, key in enumerate(loaded.static) if message.is_maybe_writable(index)}
        if wanted <= (locked | set(loaded.writable)):
            prices.append(_unit_price(landed))
    return min(prices, default=0)


def _unit_price(landed: Landed) -> int:
    for call in landed.transaction.message.instructions:
        data = bytes(call.data)
        if landed.loaded.keys[call.program_id_index] == _COMPUTE_BUDGET and data[:1] == b"\3" and len(data) == 9:
            return int.from_bytes(data[1:], "little")
    return 0
