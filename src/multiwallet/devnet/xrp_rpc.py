"""The JSON-RPC of rippled over the devnet's ledger: what is asked, and the shape of each answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from ..chains.xrp import addresses, currencies
from ..errors import InputError
from . import xrp_ledger as rules
from .xrp_ledger import Account, Line, Outcome, State
from .xrp_protocol import Malformed, Money, Transaction, read_transaction

if TYPE_CHECKING:
    from .xrp import XrpEngine

__all__ = ["XrpRpc"]

_RIPPLE_EPOCH: Final = 946_684_800
_HASH: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_CODES: Final = {
    "tesSUCCESS": 0, "terPRE_SEQ": -92, "terNO_ACCOUNT": -96, "terINSUF_FEE_B": -97, "terPRE_TICKET": -88,
    "tefPAST_SEQ": -190, "tefMAX_LEDGER": -187, "tefALREADY": -198, "tefBAD_AUTH": -196, "tefMASTER_DISABLED": -188,
    "tefBAD_QUORUM": -185, "tefBAD_SIGNATURE": -186, "tefNOT_MULTI_SIGNING": -184, "tefNO_TICKET": -180,
    "telINSUF_FEE_P": -394, "temREDUNDANT": -275, "temBAD_AMOUNT": -298, "temDISABLED": -273,
    "tecPATH_DRY": 128, "tecPATH_PARTIAL": 101, "tecUNFUNDED_PAYMENT": 104, "tecNO_DST": 124,
    "tecNO_DST_INSUF_XRP": 125, "tecDST_TAG_NEEDED": 143, "tecNO_PERMISSION": 139, "tecNO_LINE_INSUF_RESERVE": 126,
}  # fmt: skip


class _Refused(Exception):
    """A call that is answered with an error."""

    def __init__(self, error: str, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer = {"error": error, "error_code": code, "error_message": message, "status": "error", **more}


class XrpRpc:
    """Answers calls as rippled does with API version 1."""

    def __init__(self, engine: XrpEngine) -> None:
        self._engine = engine

    def answer(self, method: str, params: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
        """The result of a call; one that is refused has ``status`` error."""
        asked = params if isinstance(params, Mapping) else (params[0] if params else {})
        known = getattr(self, f"_{method}", None) if re.fullmatch(r"[a-z_]{2,30}", method) else None
        try:
            if not isinstance(asked, Mapping):
                raise _Refused("invalidParams", 31, "Invalid parameters.")
            if method not in _METHODS or known is None:
                raise _Refused("unknownCmd", 32, "Unknown method.")
            found: dict[str, Any] = known(asked)
            return {**found, "status": "success"}
        except _Refused as refused:
            return {**refused.answer, "request": {"command": method}}

    # -- the server --------------------------------------------------------------------------------

    def _server_state(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        ledger = {
            "base_fee": rules.BASE_FEE,
            "close_time": int(self._engine.clock.now()) - _RIPPLE_EPOCH,
            "hash": f"{self._engine.ledger:064X}",
            "reserve_base": rules.RESERVE,
            "reserve_inc": rules.INCREMENT,
            "seq": self._engine.ledger,
        }
        state = {"network_id": self._engine.validated.network_id, "server_state": "full", "validated_ledger": ledger}
        return {
            "state": {**state, "complete_ledgers": f"1-{self._engine.ledger}", "load_base": 256, "load_factor": 256}
        }

    def _fee(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        base = str(rules.BASE_FEE)
        names = ("base_fee", "median_fee", "minimum_fee", "open_ledger_fee")
        return {"ledger_current_index": self._engine.ledger + 1, "drops": dict.fromkeys(names, base)}

    def _ledger_current(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"ledger_current_index": self._engine.ledger + 1}

    # -- accounts ----------------------------------------------------------------------------------

    def _state(self, asked: Mapping[str, Any]) -> tuple[State, dict[str, Any]]:
        wanted = asked.get("ledger_index", "current")
        engine = self._engine
        if wanted in ("validated", "closed", engine.ledger):
            return engine.validated, {"ledger_index": engine.ledger, "validated": True}
        if wanted == "current":
            return engine.open, {"ledger_current_index": engine.ledger + 1, "validated": False}
        raise _Refused("lgrNotFound", 21, "ledgerNotFound")

    def _account(self, asked: Mapping[str, Any], name: str = "account") -> tuple[bytes, Account, dict[str, Any], State]:
        try:
            identity = addresses.account_id(asked.get(name))
        except InputError:
            raise _Refused("actMalformed", 35, "Account malformed.") from None
        state, where = self._state(asked)
        account = state.accounts.get(identity)
        if account is None:
            raise _Refused("actNotFound", 19, "Account not found.", account=asked[name], **where)
        return identity, account, where, state

    def _account_info(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        identity, account, where, _ = self._account(asked)
        data: dict[str, Any] = {
            "Account": addresses.classic(identity),
            "Balance": str(account.balance),
            "Flags": account.flags,
            "LedgerEntryType": "AccountRoot",
            "OwnerCount": account.owned,
            "Sequence": account.sequence,
        }
        if account.rate != 10**9:
            data["TransferRate"] = account.rate
        if account.regular_key:
            data["RegularKey"] = addresses.classic(account.regular_key)
        if asked.get("signer_lists"):
            entries = [
                {"SignerEntry": {"Account": addresses.classic(signer), "SignerWeight": weight}}
                for signer, weight in account.signers.items()
            ]
            listed = {"SignerEntries": entries, "SignerQuorum": account.quorum, "LedgerEntryType": "SignerList"}
            data["signer_lists"] = [listed] if entries else []
        return {"account_data": data, **where}

    def _account_lines(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        identity, _, where, state = self._account(asked)
        try:
            peer = addresses.account_id(asked["peer"]) if "peer" in asked else None
        except InputError:
            raise _Refused("actMalformed", 35, "Account malformed.") from None
        listed = []
        for (first, second, currency), line in state.lines.items():
            other = second if identity == first else first
            if identity in (first, second) and peer in (None, other):
                listed.append(
                    _line(identity, other, currency, line, line.balance if identity == first else -line.balance)
                )
        return {"account": asked["account"], "lines": listed, **where}

    def _deposit_authorized(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        source, _, _, _ = self._account(asked, "source_account")
        to, account, where, _ = self._account(asked, "destination_account")
        return {"deposit_authorized": source == to or not account.flags & rules.DEPOSIT_AUTH, **where}

    # -- transactions ------------------------------------------------------------------------------

    def _submit(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            transaction = read_transaction(bytes.fromhex(asked["tx_blob"]))
        except (KeyError, TypeError, ValueError):
            raise _Refused("invalidParams", 31, "Invalid parameters.") from None
        except Malformed as error:
            raise _Refused("invalidTransaction", -1, str(error), error_exception=str(error)) from None
        code, kept = self._engine.submit(transaction)
        number = _CODES.get(code, -399)
        return {
            "accepted": kept,
            "applied": kept and code[:3] != "ter",
            "broadcast": kept,
            "engine_result": code,
            "engine_result_code": number,
            "engine_result_message": f"The devnet's ledger says {code}.",
            "kept": kept,
            "queued": False,
            "tx_blob": transaction.raw.hex().upper(),
            "tx_json": _described(transaction),
        }

    def _tx(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        txid = asked.get("transaction")
        if not isinstance(txid, str) or not _HASH.fullmatch(txid):
            raise _Refused("notImpl", 56, "Not implemented.")
        txid, engine = txid.upper(), self._engine
        closed = engine.included.get(txid)
        if closed is not None:
            return {
                **_described(closed.transaction),
                "date": closed.time - _RIPPLE_EPOCH,
                "inLedger": closed.ledger,
                "ledger_index": closed.ledger,
                "meta": _meta(closed.outcome),
                "validated": True,
            }
        waiting = engine.applied.get(txid)
        if waiting is not None:
            return {**_described(waiting[0]), "validated": False}
        if txid in engine.held:
            return {**_described(engine.held[txid]), "validated": False}
        more = {}
        low, high = asked.get("min_ledger"), asked.get("max_ledger")
        if isinstance(low, int) and isinstance(high, int):
            if high < low:
                raise _Refused("invalidLgrRange", 79, "Ledger range is invalid.")
            if high - low > 1000:
                raise _Refused("excessiveLgrRange", 78, "Ledger range exceeds 1000.")
            more["searched_all"] = high <= engine.ledger
        raise _Refused("txnNotFound", 29, "Transaction not found.", **more)


_METHODS: Final = frozenset(
    {"account_info", "account_lines", "deposit_authorized", "fee", "ledger_current", "server_state", "submit", "tx"}
)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def _line(identity: bytes, other: bytes, currency: bytes, line: Line, balance: Decimal) -> dict[str, Any]:
    return {
        "account": addresses.classic(other),
        "balance": _plain(balance),
        "currency": currencies.code_text(currency),
        "limit": _plain(line.limits[identity]),
        "limit_peer": _plain(line.limits[other]),
        "quality_in": 0,
        "quality_out": 0,
        "no_ripple": False,
        "freeze": identity in line.frozen_by,
        "freeze_peer": other in line.frozen_by,
        "authorized": identity in line.authorized_by,
        "peer_authorized": other in line.authorized_by,
    }


def _money(value: Money) -> Any:
    if value.is_xrp:
        return str(value.drops)
    return {
        "currency": currencies.code_text(value.currency),
        "issuer": addresses.classic(value.issuer),
        "value": _plain(value.value),
    }


def _described(transaction: Transaction) -> dict[str, Any]:
    return {**{name: _shown(name, item) for name, item in transaction.fields.items()}, "hash": transaction.txid}


def _shown(name: str, item: Any) -> Any:
    if name == "TransactionType":
        from .xrp_protocol import KINDS

        return KINDS.get(item, str(item))
    if isinstance(item, Money):
        return _money(item)
    if isinstance(item, bytes):
        return addresses.classic(item) if name in ("Account", "Destination", "RegularKey") else item.hex().upper()
    if isinstance(item, list):
        return [_shown("", element) for element in item]
    if isinstance(item, dict):
        return {inner: _shown(inner, value) for inner, value in item.items()}
    return item


def _meta(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"TransactionIndex": 0, "TransactionResult": outcome.code, "AffectedNodes": []}
    if outcome.delivered is not None:
        found["delivered_amount"] = _money(outcome.delivered)
    return found
