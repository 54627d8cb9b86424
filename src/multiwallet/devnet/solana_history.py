"""The part of the Solana devnet's JSON-RPC that tells of the past: blocks, transactions, signatures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from solders.message import MessageV0

from ..errors import Rejected
from . import solana_params as params_of
from .solana_ledger import Block, Landed, Ledger
from .solana_params import INVALID_PARAMS, invalid, read_commitment, read_encoding, read_key, read_settings
from .solana_view import block_json, transaction_json

__all__ = ["API_VERSION", "History", "read_common", "with_context"]

API_VERSION: Final = "2.3.0"
"""The version of Agave whose shapes are answered."""

_ENCODINGS: Final = ("binary", "base58", "base64", "json", "jsonParsed")
_MOST_STATUSES: Final = 256
_MOST_SIGNATURES: Final = 1000


def read_common(value: Any, slot: int) -> Mapping[str, Any]:
    """A call's settings, with what any of them may hold checked: ``commitment`` and ``minContextSlot``."""
    settings = read_settings(value)
    read_commitment(settings)
    wanted = settings.get("minContextSlot")
    if wanted is not None and params_of.read_count(wanted, "minContextSlot") > slot:
        raise Rejected("Minimum context slot has not been reached", node_code=-32016, data={"contextSlot": slot})
    return settings


def with_context(value: Any, slot: int) -> dict[str, Any]:
    """An answer as of a slot."""
    return {"context": {"apiVersion": API_VERSION, "slot": slot}, "value": value}


class History:
    """Answers calls about what is in blocks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.methods: dict[str, tuple[Callable[..., Any], int, int]] = {
            "getBlock": (self._block, 1, 2),
            "getBlockTime": (self._block_time, 1, 1),
            "getBlocks": (self._blocks, 1, 3),
            "getSignatureStatuses": (self._statuses, 1, 2),
            "getSignaturesForAddress": (self._signatures, 1, 2),
            "getTransaction": (self._transaction, 1, 2),
        }

    def _settings(self, value: Any) -> Mapping[str, Any]:
        return read_common(value, self._ledger.slot)

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
        encoding = read_encoding(settings, "json", _ENCODINGS)
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

    def _level(self, landed: Landed) -> str:
        return "finalized" if self._ledger.is_final(landed.slot) else "confirmed"

    def _statuses(self, signatures: Any, settings: Any = None) -> dict[str, Any]:
        self._settings(settings)
        if not isinstance(signatures, Sequence) or isinstance(signatures, str):
            raise invalid("Invalid params: expected a list of signatures.")
        if len(signatures) > _MOST_STATUSES:
            raise invalid(f"Too many inputs provided; max {_MOST_STATUSES}")
        found = [self._ledger.records.get(params_of.read_signature(text)) for text in signatures]
        return with_context([None if landed is None else self._status(landed) for landed in found], self._ledger.slot)

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
        if settings.get("before") is not None:
            text = params_of.read_signature(settings["before"])
            listed = listed[listed.index(text) + 1 :] if text in listed else []
        if settings.get("until") is not None:
            text = params_of.read_signature(settings["until"])
            listed = listed[: listed.index(text)] if text in listed else listed
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
        encoding = read_encoding(settings, "json", _ENCODINGS)
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
