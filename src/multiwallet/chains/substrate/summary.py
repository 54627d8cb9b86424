"""What a payload does, in words: every call of it, those inside others too, with warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...transactions import Action, Fee, Summary
from . import addresses
from .payload import Opened
from .values import AccountId, Case

__all__ = ["describe", "written"]

_LONGEST: Final = 600
_TRANSFERS: Final = {"transfer", "transfer_keep_alive", "transfer_allow_death"}
_STAKING: Final = {"bond": "value", "bond_extra": "max_additional", "unbond": "value", "rebond": "value"}
_HARMLESS_STAKING: Final = {"chill", "withdraw_unbonded", "nominate", "set_payee", "payout_stakers"}
_POWERFUL: Final = {
    ("Proxy", "add_proxy"): "it gives another account power over this one",
    ("Proxy", "create_pure"): "it makes an account that only its proxies control",
    ("Proxy", "kill_pure"): "it destroys an account: what that still holds is lost",
    ("Utility", "dispatch_as"): "it acts with an origin of its own choice",
    ("Assets", "transfer_ownership"): "it gives an asset away",
    ("Assets", "set_team"): "it gives power over an asset away",
    ("Recovery", "create_recovery"): "it lets other accounts take this one over",
    ("System", "set_code"): "it replaces the runtime",
}


class _Reading:
    def __init__(self, network: Network, assets: Iterable[Asset]) -> None:
        self.network = network
        self.assets = {asset.id: asset for asset in assets}
        self.actions: list[Action] = []
        self.warnings: list[str] = []
        self.memo: str | None = None

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def call(self, call: Any, extra: Mapping[str, str]) -> None:
        if not isinstance(call, Case) or not isinstance(call.value, Case):
            self.warn("a call in it has no name, so nobody can tell what it does: do not sign it unread")
            self.actions.append(Action("call", details={"bytes": written(self.network, call), **extra}))
            return
        pallet, name = call.name, call.value.name
        args = call.value.value if isinstance(call.value.value, dict) else {}
        handler = getattr(self, f"_{pallet.lower()}", None) if pallet in _PALLETS else None
        if handler is None or not handler(name, args, extra):
            self.other(pallet, name, call.value.value, extra)
        reason = _POWERFUL.get((pallet, name))
        if pallet == "Sudo":
            reason = "it acts with the power of the whole chain"
        if reason:
            self.warn(f"{pallet}.{name}: {reason}")

    def other(self, pallet: str, name: str, args: Any, extra: Mapping[str, str]) -> None:
        details = {"call": f"{pallet}.{name}", "arguments": written(self.network, args), **extra}
        self.actions.append(Action("call", details=details))
        self.warn(f"what {pallet}.{name} does is not known here: read its arguments")

    def act(self, kind: str, to: Any, amount: Amount | None, details: Mapping[str, str]) -> None:
        self.actions.append(Action(kind, None if to is None else self.target(to), amount, dict(details)))

    def target(self, value: Any) -> str:
        if isinstance(value, Case) and value.name == "Id":
            value = value.value
        if isinstance(value, AccountId):
            return addresses.of_account(self.network, bytes(value))
        self.warn("a recipient is named in another way than by its account: check it")
        return written(self.network, value)

    def coins(self, units: Any) -> Amount | None:
        return Amount(units, self.network.native) if isinstance(units, int) else None

    # -- pallets -------------------------------------------------------------------------------------

    def _balances(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        details = {"call": f"Balances.{name}", **extra}
        if name in _TRANSFERS and set(args) == {"dest", "value"} and isinstance(args["value"], int):
            self.act("transfer", args["dest"], self.coins(args["value"]), details)
            return True
        if name == "transfer_all" and set(args) == {"dest", "keep_alive"}:
            self.act("transfer", args["dest"], None, {**details, "amount": "all that can be sent"})
            if args["keep_alive"] is False:
                self.warn("it sends everything, and the account is then removed from the chain")
            return True
        return False

    def _assets(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        if not isinstance(args.get("id"), int) or not isinstance(args.get("amount"), int):
            return False
        number, units = args["id"], args["amount"]
        asset = self.assets.get(f"{self.network.id}/assets:{number}")
        details = {"call": f"Assets.{name}", "asset": str(number), **extra}
        if asset is None:
            details["units"] = str(units)
            self.warn(f"the decimals of the asset {number} are not known here: the amount is in its smallest unit")
        amount = None if asset is None else Amount(units, asset)
        if name in ("transfer", "transfer_keep_alive") and "target" in args:
            self.act("transfer", args["target"], amount, details)
            return True
        if name == "approve_transfer" and "delegate" in args:
            self.act("approve", args["delegate"], amount, details)
            self.warn("it lets another account spend from this one")
            return True
        return False

    def _staking(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        details = {"call": f"Staking.{name}", **extra}
        if name in _STAKING and isinstance(args.get(_STAKING[name]), int):
            if "payee" in args:
                details["payee"] = written(self.network, args["payee"])
            if set(args) - {_STAKING[name], "payee"}:  # a controller, in older runtimes
                details["arguments"] = written(self.network, args)
            self.act(name.replace("_", "-"), None, self.coins(args[_STAKING[name]]), details)
            return True
        if name in _HARMLESS_STAKING:
            details["arguments"] = written(self.network, args)
            self.act(name.replace("_", "-"), None, None, details)
            return True
        return False

    def _utility(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        if name not in ("batch", "batch_all", "force_batch") or not isinstance(args.get("calls"), list):
            return False
        if name != "batch_all":
            self.warn(f"it is a Utility.{name}: a call in it may fail while others are done")
        for call in args["calls"]:
            self.call(call, extra)
        return True

    def _proxy(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        if name != "proxy" or "real" not in args or "call" not in args:
            return False
        real = self.target(args["real"])
        self.warn(f"it acts for another account: {real}")
        self.call(args["call"], {**extra, "out of": real})
        return True

    def _multisig(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        others = args.get("other_signatories")
        if not isinstance(others, list):
            return False
        if name in ("as_multi", "as_multi_threshold_1") and "call" in args:
            threshold = args.get("threshold", 1)
            text = f"an account of {len(others) + 1} signatories, {threshold} of whom must approve"
            call = args["call"]
            self.call(call[-1] if isinstance(call, list) and len(call) == 2 else call, {**extra, "out of": text})
            self.warn(f"it acts for {text}")
            return True
        if name == "approve_as_multi":
            self.act("approve", None, None, {"call": "Multisig.approve_as_multi", "arguments": written(self.network, args), **extra})  # fmt: skip
            self.warn("it approves a call of which only the hash is shown: make sure of what that call does")
            return True
        return False

    def _system(self, name: str, args: Mapping[str, Any], extra: Mapping[str, str]) -> bool:
        if name not in ("remark", "remark_with_event") or not isinstance(args.get("remark"), bytes):
            return False
        text = args["remark"].decode("utf-8", "replace")
        shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:_LONGEST]
        self.act("remark", None, None, {"call": f"System.{name}", "text": shown, **extra})
        return True


_PALLETS: Final = {"Balances", "Assets", "Staking", "Utility", "Proxy", "Multisig", "System"}


def describe(network: Network, sender: str, found: Opened, fee: Fee, assets: Iterable[Asset]) -> Summary:
    """The summary of a payload."""
    reading = _Reading(network, assets)
    terms = found.terms
    if found.is_blind:
        reading.actions.append(Action("call", details={"bytes": "0x" + found.call_bytes.hex()[:_LONGEST]}))
        reading.warn("the call came without metadata, so it cannot be read: whoever signs it signs blindly")
    else:
        reading.call(found.call, {})
        if not found.is_proven:
            reading.warn(
                "nothing proves the metadata that the call was read with (CheckMetadataHash is not used): what is shown "
                "is true if the node that gave them is honest"
            )
            if network.params.get("metadata_hash") is True:
                reading.warn(
                    f"{network.title} can prove them, and whoever built this did without: sign it only if you know why"
                )
    if not terms.era.period:
        reading.warn("it never expires: it can be included at any time as long as its nonce is not used")
    if terms.tip and terms.tip * 10 > fee.maximum.units * 9:
        reading.warn(f"nearly all of the fee is a tip of {Amount(terms.tip, network.native)}")
    if fee.details.get("inclusion") == "unknown":
        reading.warn("what it costs beyond its tip is not known: the fee that is shown is the tip alone")
    lives = f"blocks {found.birth} to {found.birth + terms.era.period - 1}" if terms.era.period else "for ever"
    runtime = f"{found.proof.identity.spec_name} {terms.spec_version}".strip()
    details = {"nonce": str(terms.nonce), "valid": lives, "runtime": runtime}
    if terms.tip:
        details["tip"] = str(Amount(terms.tip, network.native))
    if found.is_proven:
        details["metadata"] = "proven by the signature"
    return Summary(
        network.id, sender, tuple(reading.actions), fee, None, details=details, warnings=tuple(reading.warnings)
    )


def written(network: Network, value: Any) -> str:
    """A value of a call as text of a bounded length; accounts as addresses, bytes as hex."""
    text = _text(network, value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _text(network: Network, value: Any) -> str:
    if isinstance(value, AccountId):
        return addresses.of_account(network, bytes(value))
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Case):
        return value.name if value.value is None else f"{value.name}({_text(network, value.value)})"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(network, item)}" for name, item in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_text(network, item) for item in value) + "]"
    if isinstance(value, str):
        return repr(value)
    return "none" if value is None else str(value)
