"""What was asked for, as plain JSON values and back: a payment must be the same after a restart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..amounts import Amount, Asset
from ..chain import Transfer
from ..errors import InputError
from ..operations import AccountOperations, Session
from ..path import HARDENED
from ..store.outgoing import Intent
from ..transactions import amount_dict

__all__ = ["intent_of", "lane_of", "reopen", "transfers_of"]

_NOT_PAID = ("speed", "max_fee")  # how it is paid, not what: a retry may choose anew


def lane_of(operations: AccountOperations) -> str:
    """The account as CAIP-10 text; of a whole account its first address, which does not change as it is used."""
    holder, chain = operations.holder, operations.chain
    if holder.derive is None:
        return f"{holder.network.id}:{holder.address}"
    return f"{holder.network.id}:{chain.address(holder.network, holder.derive(0, 0), holder.kind)}"


def intent_of(
    operations: AccountOperations, transfers: tuple[Transfer, ...], options: Mapping[str, Any], key: str
) -> Intent:
    """The request under a key. InputError for a key that is none, and for options that cannot be written down."""
    if not isinstance(key, str) or not 0 < len(key) <= 255 or not key.isprintable():
        raise InputError("an idempotency key is one line of text, of at most 255 characters")
    holder = operations.holder
    request = {
        "transfers": [
            {
                "to": operations.chain.parse_address(holder.network, transfer.to),
                "amount": amount_dict(transfer.amount) if isinstance(transfer.amount, Amount) else transfer.amount,
                "asset": _asset(transfer.asset),
            }
            for transfer in transfers
        ],
        **{name: amount_dict(value) if isinstance(value, Amount) else value for name, value in options.items()},
    }
    lane = lane_of(operations)
    try:
        compared = {name: value for name, value in request.items() if name not in _NOT_PAID}
        text = json.dumps([lane, compared], sort_keys=True, separators=(",", ":"), default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            "a payment of the outbox is kept as JSON: its options are text, whole numbers, bytes and lists of them"
        ) from error
    account = {
        "path": None if holder.path is None or holder.account_path is not None else str(holder.path),
        "whole": None if holder.account_path is None else str(holder.account_path),
        "kind": holder.kind,
    }
    stored = json.loads(json.dumps(request, default=_plain))
    return Intent(key, lane, holder.network.id, account, stored, hashlib.sha256(text.encode()).hexdigest())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, tuple | set | frozenset):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    raise TypeError(type(value).__name__)


def _asset(asset: Asset | str | None) -> Any:
    if isinstance(asset, Asset):
        return {"id": asset.id, "symbol": asset.symbol, "decimals": asset.decimals}
    return asset


def transfers_of(request: Mapping[str, Any]) -> tuple[tuple[Transfer, ...], dict[str, Any]]:
    """The transfers and options of a stored request."""
    transfers = tuple(
        Transfer(item["to"], _amount(item["amount"]), _read_asset(item["asset"])) for item in request["transfers"]
    )
    native = {name: _read_bytes(value) for name, value in (request.get("native") or {}).items()}
    options = {
        "speed": request.get("speed", "normal"),
        "max_fee": _amount(request.get("max_fee")),
        "memo": request.get("memo"),
        "native": native,
    }
    return transfers, options


def _amount(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Amount(int(value["units"]), Asset(value["asset"], value["symbol"], value["decimals"]))
    return value


def _read_asset(value: Any) -> Asset | str | None:
    return Asset(value["id"], value["symbol"], value["decimals"]) if isinstance(value, Mapping) else value


def _read_bytes(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"bytes"}:
        return bytes.fromhex(value["bytes"])
    return value


def reopen(session: Session, network: str, account: Mapping[str, Any], lane: str) -> AccountOperations:
    """The account of a stored payment, opened with this wallet; InputError where it is another wallet's."""
    from ..path import Path

    kind = account["kind"] or None
    if account["whole"] is not None:
        number = Path(account["whole"]).indexes[-1] - HARDENED
        operations = session.open(network, index=None, account=number, path=None, kind=kind)
    else:
        operations = session.open(network, index=None, account=None, path=account["path"], kind=kind)
    if lane_of(operations) != lane:
        raise InputError(f"this wallet does not hold the account {lane}: open the one that made the payment")
    return operations
