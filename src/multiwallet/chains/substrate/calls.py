"""From payments and options to one call: transfers, batches, proxies and shared accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...chain import Holder, Network, Options, Payment, check_options
from ...crypto.hashes import blake2b
from ...errors import InputError, Unsupported, shown
from . import addresses
from .types import Types, Variant
from .values import Encoder

__all__ = ["OPTIONS", "Plan", "Shared", "asset_number", "has_call", "inner_call", "parameters", "plan", "wrap"]

OPTIONS: Final = ("call", "era", "keep_alive", "metadata_hash", "multisig", "nonce", "proxy_for", "proxy_type", "tip")
DEFAULT_ERA: Final = 64
_MOST_CALLS: Final = 1000
_ASSET_BITS: Final = (8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared (multisig) account, as one of its signatories uses it."""

    account: bytes
    threshold: int
    others: tuple[bytes, ...]
    timepoint: Mapping[str, int] | None
    approve_only: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, checked as far as no chain is needed."""

    payments: tuple[Payment, ...]
    calls: tuple[Mapping[str, Any], ...]
    keep_alive: bool
    era: int
    nonce: int | None
    tip: int
    proxy_for: bytes | None
    proxy_type: Any
    shared: Shared | None
    metadata_hash: bool
    """Whether the hash of the metadata is to be signed where that can be done."""
    must_prove: bool
    """Whether it is an error where it cannot."""

    def pays(self, account: bytes) -> bytes:
        """Whose money moves, where ``account`` signs."""
        if self.proxy_for is not None:
            return self.proxy_for
        return account if self.shared is None else self.shared.account


def asset_id_bits(network: Network) -> int:
    """How wide the number of an asset is, as the row says; 32 where it says nothing. InputError."""
    bits = network.params.get("asset_id_bits", 32)
    if isinstance(bits, bool) or bits not in _ASSET_BITS:
        raise InputError(f"the row of {network.name}: params.asset_id_bits is one of 8, 16, 32, 64 and 128")
    return int(bits)


def proves_metadata(network: Network) -> bool | None:
    """Whether the row demands metadata that can be proved; None where it does not say. InputError."""
    proves = network.params.get("metadata_hash")
    if not isinstance(proves, bool | None):
        raise InputError(f"the row of {network.name}: params.metadata_hash is true or false")
    return proves


def asset_number(network: Network, reference: str) -> tuple[int, bytes]:
    """The number of an asset of the pallet Assets, and its encoding; InputError.

    The row's ``params.asset_id_bits`` says how wide a number is (32 where it says nothing).
    """
    bits = asset_id_bits(network)
    if not (isinstance(reference, str) and reference.isascii() and reference.isdigit() and len(reference) <= 39):
        raise InputError(f"an asset of {network.title} is named by its number, such as 1984, not {shown(reference)}")
    number = int(reference)
    if number >> bits or str(number) != reference:
        raise InputError(f"an asset's number on {network.title} is from 0 to 2^{bits} - 1, without zeros in front")
    return number, number.to_bytes(bits // 8, "little")


def plan(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Plan:
    """Check payments and options; InputError, InvalidAddress or Unsupported before anything is asked."""
    check_options(options, *OPTIONS)
    network, native = holder.network, options.native
    if options.memo is not None:
        raise Unsupported(f"a transfer on {network.title} carries no memo: use call= with System.remark for a note")
    if len(payments) > _MOST_CALLS:
        raise Unsupported(f"one transaction makes at most {_MOST_CALLS} payments")
    if any(payment.everything for payment in payments) and (len(payments) > 1 or "call" in native):
        raise Unsupported('"max" sends all that is left, so it goes alone')
    for payment in payments:
        if payment.asset != network.native:
            asset_number(network, payment.asset.reference)
        if payment.amount.units >> 128:
            raise InputError("an amount on these chains is below 2^128 of the smallest unit")
    calls = native.get("call", ())
    calls = tuple(calls) if isinstance(calls, list | tuple) else (calls,)
    for call in calls:
        if not isinstance(call, Mapping) or not {"pallet", "name"} <= set(call) <= {"pallet", "name", "args"}:
            raise InputError(
                'call is a table such as {"pallet": "Staking", "name": "chill", "args": {}}, or a list of them'
            )
    keep_alive, hashed = native.get("keep_alive"), native.get("metadata_hash", True)
    if not isinstance(keep_alive, bool | None) or not isinstance(hashed, bool):
        raise InputError("keep_alive and metadata_hash are True or False")
    proves = proves_metadata(network)
    nonce = native.get("nonce")
    if nonce is not None and (isinstance(nonce, bool) or not isinstance(nonce, int) or not 0 <= nonce < 2**32):
        raise InputError("nonce is a whole number from 0 to 4294967295")
    proxy_for = native.get("proxy_for")
    proxied = None if proxy_for is None else addresses.account_of(network, proxy_for)
    shared = None if "multisig" not in native else _shared(holder, native["multisig"])
    if proxied is not None and shared is not None:
        raise Unsupported("proxy_for and multisig do not go together: wrap the call yourself and give it as call=")
    everything = any(payment.everything for payment in payments)
    return Plan(
        tuple(payment for payment in payments if payment.everything or payment.amount.units),
        calls,
        not everything if keep_alive is None else keep_alive,
        _era(native.get("era", DEFAULT_ERA)),
        nonce,
        _tip(network, native.get("tip", 0)),
        proxied,
        native.get("proxy_type"),
        shared,
        hashed and proves is not False,
        hashed and proves is True,
    )


def _era(value: Any) -> int:
    from .extensions import Era

    Era.at(0, value)
    return int(value)


def _tip(network: Network, tip: Any) -> int:
    from ...amounts import Amount

    if isinstance(tip, float):
        raise TypeError("a tip is an amount, exact text or a whole number of the smallest unit, not a float")
    if isinstance(tip, str):
        tip = Amount.parse(tip, network.native)
    if isinstance(tip, Amount):
        if tip.asset != network.native:
            raise InputError(f"a tip is paid in {network.symbol}")
        tip = tip.units
    if isinstance(tip, bool) or not isinstance(tip, int) or not 0 <= tip < 2**128:
        raise InputError(f"tip is an amount of {network.symbol}: exact text, or a whole number of its smallest unit")
    return tip


def _shared(holder: Holder, value: Any) -> Shared:
    if not isinstance(value, Mapping) or not {"signatories", "threshold"} <= set(value) <= {
        "signatories",
        "threshold",
        "timepoint",
        "approve_only",
    }:
        raise InputError('multisig is a table such as {"signatories": [address, ...], "threshold": 2}')
    listed, threshold = value["signatories"], value["threshold"]
    if not isinstance(listed, list | tuple) or not 2 <= len(listed) <= 1000:
        raise InputError("multisig: signatories is a list of at least two addresses")
    members = {addresses.account_of(holder.network, item) for item in listed}
    own = addresses.account_of(holder.network, holder.address)
    if own not in members or len(members) != len(listed):
        raise InputError("multisig: this account must be among the signatories, and each stands there once")
    if isinstance(threshold, bool) or not isinstance(threshold, int) or not 1 <= threshold <= len(members):
        raise InputError("multisig: threshold is from 1 to the number of signatories")
    timepoint, approve_only = value.get("timepoint"), value.get("approve_only", False)
    if timepoint is not None and (not isinstance(timepoint, Mapping) or set(timepoint) != {"height", "index"}):
        raise InputError('multisig: timepoint is {"height": ..., "index": ...} of the first approval')
    if not isinstance(approve_only, bool) or (approve_only and threshold == 1):
        raise InputError("multisig: approve_only is True or False, and a threshold of 1 has nothing to approve")
    others = tuple(sorted(members - {own}))
    account = addresses.multisig_account(sorted(members), threshold)
    return Shared(account, threshold, others, timepoint, approve_only)


def parameters(types: Types, call: int | str, pallet: str, name: str) -> dict[str, int | str] | None:
    """The parameters of a call and their types; None where the runtime has no such call."""
    for leaf in types.variants.get(call, {}).values() if isinstance(call, int) else ():
        if isinstance(leaf.shape, Variant) and leaf.shape.name == pallet and leaf.shape.fields:
            inner = leaf.shape.fields[0].type
            for item in types.variants.get(inner, {}).values() if isinstance(inner, int) else ():
                if isinstance(item.shape, Variant) and item.shape.name == name:
                    return {field.name or "": field.type for field in item.shape.fields}
    return None


def has_call(types: Types, call: int | str, pallet: str, name: str) -> bool:
    """Whether a runtime has a call."""
    return parameters(types, call, pallet, name) is not None


def inner_call(network: Network, types: Types, reference: int | str, wanted: Plan, spendable: Mapping[str, int]) -> Any:
    """The one call that does what is wanted, before it is wrapped for a proxy or a shared account.

    ``spendable`` has what "max" of an asset is, by the asset's id.
    """

    def need(pallet: str, name: str) -> str:
        if not has_call(types, reference, pallet, name):
            raise Unsupported(f"this runtime of {network.title} has no call {pallet}.{name}")
        return name

    done: list[Any] = []
    for payment in wanted.payments:
        target = payment.to
        if payment.asset == network.native and payment.everything:
            name = need("Balances", "transfer_all")
            done.append({"Balances": {name: {"dest": target, "keep_alive": wanted.keep_alive}}})
        elif payment.asset == network.native:
            name = "transfer_keep_alive" if wanted.keep_alive else "transfer_allow_death"
            if not wanted.keep_alive and not has_call(types, reference, "Balances", name):
                name = "transfer"  # what it was called before 2023
            done.append({"Balances": {need("Balances", name): {"dest": target, "value": payment.amount.units}}})
        else:
            number, _ = asset_number(network, payment.asset.reference)
            units = spendable[payment.asset.id] if payment.everything else payment.amount.units
            name = need("Assets", "transfer_keep_alive" if wanted.keep_alive else "transfer")
            done.append({"Assets": {name: {"id": number, "target": target, "amount": units}}})
    for call in wanted.calls:
        pallet, name = call["pallet"], call["name"]
        if not isinstance(pallet, str) or not isinstance(name, str) or not has_call(types, reference, pallet, name):
            raise InputError(f"this runtime of {network.title} has no call {shown(pallet)}.{shown(name)}")
        done.append({pallet: {name: call.get("args") or None}})
    if not done:
        raise InputError("nothing is to be done: say an amount, or give call=")
    if len(done) == 1:
        return done[0]
    need("Utility", "batch_all")
    return {"Utility": {"batch_all": {"calls": done}}}


def wrap(
    network: Network,
    types: Types,
    reference: int | str,
    wanted: Plan,
    call: Any,
    encoder: Encoder,
    *,
    timepoint: Mapping[str, int] | None,
    weight: tuple[int, int],
) -> Any:
    """The call as the signer makes it: for the account it is a proxy of, or as one signatory of several."""
    if wanted.proxy_for is not None:
        if not has_call(types, reference, "Proxy", "proxy"):
            raise Unsupported(f"this runtime of {network.title} has no proxies")
        kind = wanted.proxy_type
        return {"Proxy": {"proxy": {"real": wanted.proxy_for, "force_proxy_type": kind, "call": call}}}
    shared = wanted.shared
    if shared is None:
        return call
    if shared.threshold == 1:
        name, known = "as_multi_threshold_1", {"call": reference, "other_signatories": ""}
    else:
        name = "approve_as_multi" if shared.approve_only else "as_multi"
        known = parameters(types, reference, "Multisig", name) or {}
    if "other_signatories" not in known or not has_call(types, reference, "Multisig", name):
        raise Unsupported(f"this runtime of {network.title} has no shared accounts, or other ones than are known here")
    raw = encoder.write(reference, call, "the call")
    basic = isinstance(known.get("max_weight"), str)  # weights were one number until 2022
    possible: dict[str, Any] = {
        "threshold": shared.threshold,
        "other_signatories": list(shared.others),
        "maybe_timepoint": timepoint,
        "call": call if known.get("call") == reference else [len(raw), call],  # an opaque call was kept with its length
        "call_hash": blake2b(raw, size=32),
        "store_call": False,
        "max_weight": weight[0] if basic else {"ref_time": weight[0], "proof_size": weight[1]},
    }
    unknown = sorted(set(known) - set(possible))
    if unknown:
        raise Unsupported(f"Multisig.{name} of this runtime asks for {unknown[0]}, which is not known here")
    return {"Multisig": {name: {item: possible[item] for item in known}}}
