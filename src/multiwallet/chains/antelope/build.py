"""Making Antelope transactions: what is wanted, what the chain must be asked, and the actions that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Holder, Network, Options, Payment, check_options
from ...errors import (
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MultiwalletError,
    Rejected,
    Unsupported,
    shown,
)
from ...ops import Effect, Op, ask, attempt
from ...transactions import Fee
from . import accounts, answers, esr, known_abis, names, node_form, public_keys, serialization, shortcuts, tokens
from .abi import Abi
from .names import Level
from .shortcuts import SHORTCUTS, Context
from .transaction import Call, Transaction

__all__ = ["Built", "build", "check_params", "free", "lookup"]

DEFAULT_LIFETIME: Final = 120
LONGEST_LIFETIME: Final = 3600
_MEMO_LIMIT: Final = 256
_LEAST_WORDS: Final = 1 << 16  # half a megabyte: more than any transaction may take
_WORDS_SPREAD: Final = 1 << 28
_GENERAL: Final = (
    "actor",
    "permission",
    "expiration",
    "max_cpu_usage_ms",
    "max_net_usage_words",
    "actions",
    "data",
    "receiver",
    "propose",
)


@dataclass(frozen=True, slots=True)
class Built:
    """A transaction, what it costs, the tokens named in it, and the ABIs that a node gave for it."""

    body: Transaction
    fee: Fee
    assets: tuple[Asset, ...]
    abis: Mapping[str, bytes]


@dataclass(slots=True)
class _Plan:
    """What is wanted, checked as far as it can be without asking anybody."""

    level: Level
    inner: Level
    payments: tuple[Payment, ...]
    actions: list[Any]
    request: esr.Request | None
    lifetime: int
    words: int
    cpu: int
    receiver: str
    abis: dict[str, Abi] = field(default_factory=dict)
    raw_abis: dict[str, bytes] = field(default_factory=dict)


def free(network: Network, **details: Any) -> Fee:
    """The fee of an Antelope transaction: no coins, but CPU, NET and RAM."""
    nothing = Amount(0, network.native)
    return Fee(nothing, nothing, details)


def lookup(network: Network, key: bytes) -> Op[tuple[Level, ...]]:
    """The permissions that list a public key, from the node."""
    prefix = accounts.key_prefix(network)
    text = public_keys.legacy_text(key, prefix)
    (found,) = yield from ask(answers.post(network, "get_accounts_by_authorizers", accounts=[], keys=[text]))
    return answers.accounts_by_key(found, key, prefix)


def build(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[Built]:
    """A transaction of the payments (one action each) and of the actions that the options name."""
    network, native = holder.network, options.native
    plan = _plan(holder, payments, options)
    plan.payments = yield from _named_recipients(network, plan.payments)
    _check_recipients(plan)
    assets = tuple(dict.fromkeys(payment.asset for payment in plan.payments))
    recipients = tuple(dict.fromkeys(payment.to for payment in plan.payments))
    foreign = _foreign_contracts(network, plan)
    effects: list[Effect] = [
        answers.post(network, "get_info"),
        answers.post(network, "get_account", account_name=plan.level.actor),
        *(_balance_of(network, plan.inner.actor, asset) for asset in assets),
        *(answers.post(network, "get_account", account_name=name) for name in recipients),
        *(answers.post(network, "get_raw_abi", account_name=name) for name in foreign),
    ]
    outcomes = iter((yield from attempt(*effects)))
    head = answers.head(_answer(next(outcomes)))
    fee = _account(holder, plan.level, next(outcomes))
    held = {asset: answers.balance(_answer(next(outcomes)), tokens.symbol_of(network, asset)) for asset in assets}
    for name in recipients:
        _existing(next(outcomes), name)
    for name in foreign:
        plan.raw_abis[name], plan.abis[name] = answers.raw_abi(_answer(next(outcomes)), name)
    calls = _calls(network, plan, held, options.memo, native)
    if "propose" in native:
        calls = (shortcuts.propose(Context(network, plan.level, ""), native["propose"], calls, head.time),)
    number, prefix = head.reference
    words = plan.words or _LEAST_WORDS + options.salt % _WORDS_SPREAD
    expiration = head.time + plan.lifetime
    if plan.request is not None and plan.request.transaction is not None and plan.request.transaction.expiration:
        raise InputError("this request is a whole transaction: sign it as it is")
    body = Transaction(expiration, number, prefix, calls, words, plan.cpu)
    return Built(body, fee, tuple(asset for asset in assets if asset != network.native), plan.raw_abis)


def _plan(holder: Holder, payments: tuple[Payment, ...], options: Options) -> _Plan:
    network, native = holder.network, options.native
    check_options(options, *_GENERAL, *SHORTCUTS)
    if options.memo is not None and len(options.memo.encode("utf-8", "surrogatepass")) > _MEMO_LIMIT:
        raise InputError(f"a memo has at most {_MEMO_LIMIT} bytes of UTF-8")
    if "actions" in native and "data" in native:
        raise InputError("actions and data are two names of one option: give one of them")
    listed = native.get("actions", native.get("data", []))
    request = None
    if esr.is_request(listed):
        request, listed = esr.decode(listed), []
        if request.chain_id != chain_id(network):
            raise InputError(f"this signing request is for another chain than {network.title}")
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list | tuple):
        raise InputError("actions is a list of {account, name, authorization, data}, or a signing request (esr:...)")
    empty = [payment for payment in payments if not payment.amount and not payment.everything]
    paid = tuple(payment for payment in payments if payment.amount or payment.everything)
    wanted = bool(listed or request or SHORTCUTS.keys() & native.keys())
    if not paid and not wanted:
        raise InputError("there is nothing to do: say what to pay, or give actions")
    if len(paid) > 1 and any(payment.everything for payment in paid):
        raise Unsupported('"max" is a payment of its own: send it alone')
    level = _level(holder, native)
    inner = level
    if "propose" in native and isinstance(native["propose"], Mapping) and "actor" in native["propose"]:
        inner = names.level(native["propose"]["actor"])
    receiver = native.get("receiver") or (empty[0].to if empty else inner.actor)
    if public_keys.is_key_text(receiver, accounts.key_prefix(network)):
        receiver = inner.actor
    return _Plan(
        level,
        inner,
        paid,
        list(listed),
        request,
        _whole(native, "expiration", 1, LONGEST_LIFETIME, DEFAULT_LIFETIME),
        _whole(native, "max_net_usage_words", 1, 2**29 - 2, 0),
        _whole(native, "max_cpu_usage_ms", 1, 255, 0),
        names.account(receiver, "the receiver"),
    )


def _level(holder: Holder, native: Mapping[str, Any]) -> Level:
    level = names.level(native["actor"]) if "actor" in native else accounts.level_of(holder)
    if holder.kind and level.actor != names.level(holder.kind).actor:
        raise InputError(f"this account is {holder.address}: it does not act for {level.actor}")
    if "permission" in native:
        level = Level(level.actor, names.account(native["permission"], "the permission"))
    return level


_PARAMS: Final = ("chain_id", "token_contract", "system", "resources", "msig", "key_prefix", "stake_symbol")


def check_params(network: Network) -> None:
    """Check the params of a row. A row for keys alone needs no chain id; InputError."""
    for name, value in network.params.items():
        if name not in _PARAMS:
            raise InputError(
                f"the network {network.name!r} has an unknown param {shown(name)}: the params of an Antelope network are "
                f"{', '.join(_PARAMS)}"
            )
        if not isinstance(value, str):
            raise InputError(f"the row of {network.name}: params.{name} is text")
        if name in ("token_contract", "system", "resources", "msig"):
            names.account(value, f"params.{name} of {network.name}")
    if "chain_id" in network.params or network.status != "derive-only":
        chain_id(network)


def chain_id(network: Network) -> bytes:
    """The network's 32-byte chain id, of which its CAIP-2 reference is the first half; InputError."""
    stated = network.params.get("chain_id", "")
    try:
        value = bytes.fromhex(stated)
    except (TypeError, ValueError):
        value = b""
    if len(value) != 32 or value.hex()[:32] != network.reference:
        raise InputError(
            f"the row of {network.name} needs params.chain_id, 64 hex digits that begin with {network.reference}"
        )
    return value


def _whole(native: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    value = native.get(name, default)
    if isinstance(value, float):
        raise TypeError(f"{name} is a whole number")
    if name in native and (isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high):
        raise InputError(f"{name} is a whole number from {low} to {high}")
    return int(value)


def _named_recipients(network: Network, payments: tuple[Payment, ...]) -> Op[tuple[Payment, ...]]:
    """The payments with account names only. A key's account is what a node says it is, so only test networks ask."""
    keys = {payment.to: accounts.key_of(network, payment.to) for payment in payments}
    named = {}
    for text, key in keys.items():
        if key is None:
            continue
        if not network.testnet:
            raise InvalidAddress(
                f"a payment goes to an account's name, not to a public key: ask the recipient for the name on {network.title}"
            )
        found = sorted({level.actor for level in (yield from lookup(network, key))})
        if len(found) != 1:
            raise InvalidAddress(f"{len(found)} accounts list the key {text}: name the one to be paid")
        named[text] = found[0]
    return tuple(Payment(named.get(item.to, item.to), item.amount, item.everything) for item in payments)


def _check_recipients(plan: _Plan) -> None:
    for payment in plan.payments:
        if payment.to == plan.inner.actor:
            raise InputError(f"{payment.to} cannot pay itself: token contracts refuse it")


def _foreign_contracts(network: Network, plan: _Plan) -> list[str]:
    """The contracts whose ABI is needed to write or to show the actions, and is not carried here."""
    found: dict[str, None] = {}
    for item in plan.actions:
        account, name = (item.get("account"), item.get("name")) if isinstance(item, Mapping) else (None, None)
        if isinstance(account, str) and isinstance(name, str) and not known_abis.of_action(network, account, name):
            found[names.account(account, "an action's contract")] = None
    for call in plan.request.actions if plan.request else ():
        if not known_abis.of_action(network, call.account, call.name):
            found[names.account(call.account, "an action's contract")] = None
    return list(found)


def _balance_of(network: Network, owner: str, asset: Asset) -> Effect:
    contract, symbol = tokens.contract_of(network, asset), tokens.symbol_of(network, asset)
    return answers.post(network, "get_currency_balance", code=contract, account=owner, symbol=symbol.code)


def _answer(outcome: Any) -> Any:
    if isinstance(outcome, MultiwalletError):
        raise outcome
    return outcome


def _existing(outcome: Any, name: str) -> Mapping[str, Any]:
    """A ``get_account`` answer about an account; InvalidAddress where there is none of the name."""
    if isinstance(outcome, Rejected) and outcome.node_code in (400, 404, 500):
        error = answers.node_error(outcome)
        if error.code in (0, 3060002) or "unknown key" in error.text:
            raise InvalidAddress(f"there is no account {name} on this network") from outcome
    found = answers.table(_answer(outcome), "get_account")
    if found.get("account_name") != name:
        raise BadResponse(f"get_account answered about another account than {name}")
    return found


def _account(holder: Holder, level: Level, outcome: Any) -> Fee:
    """Check that the permission is there and lists the holder's key; what CPU, NET and RAM are left."""
    call = "get_account"
    found = _existing(outcome, level.actor)
    for permission in answers.field(found, "permissions", list, call):
        if isinstance(permission, Mapping) and permission.get("perm_name") == level.permission:
            break
    else:
        raise InputError(f"{level.actor} has no permission {level.permission!r}")
    authority = permission.get("required_auth")
    if not isinstance(authority, Mapping):
        raise BadResponse(f"{call}: a permission has no required_auth")
    weight, threshold = _weight(holder, authority), answers.number(authority, "threshold", call)
    if not weight and not authority.get("accounts"):
        raise InputError(f"the key {public_keys.legacy_text(holder.public_key)} has no say under {level}")
    details: dict[str, Any] = {}
    for name, unit in (("cpu", "cpu_us"), ("net", "net_bytes")):
        limit = found.get(f"{name}_limit")
        if isinstance(limit, Mapping):
            details[unit] = answers.number(limit, "available", call)
    quota, usage = answers.number(found, "ram_quota", call, -1), answers.number(found, "ram_usage", call, 0)
    if quota >= 0:
        details["ram_bytes"] = max(quota - usage, 0)
    if weight < threshold:
        details["signatures"] = f"this key weighs {weight} of {threshold}: others must sign as well"
    return free(holder.network, **details)


def _weight(holder: Holder, authority: Mapping[str, Any]) -> int:
    call, total = "get_account", 0
    for item in answers.field(authority, "keys", list, call)[:100]:
        if not isinstance(item, Mapping):
            raise BadResponse(f"{call}: a key is no object")
        try:
            key = public_keys.parse_key(answers.field(item, "key", str, call), accounts.key_prefix(holder.network))
        except InvalidAddress:
            continue  # a kind of key that is not known here
        if key.data == holder.public_key:
            total += answers.number(item, "weight", call)
    return total


def _calls(
    network: Network, plan: _Plan, held: Mapping[Asset, int], memo: str | None, native: Mapping[str, Any]
) -> tuple[Call, ...]:
    needed: dict[Asset, int] = {}
    calls = []
    for payment in plan.payments:
        asset, available = payment.asset, held[payment.asset]
        units = available if payment.everything else payment.amount.units
        needed[asset] = needed.get(asset, 0) + max(units, 1)
        if needed[asset] > available:
            wanted, there = Amount(needed[asset], asset), Amount(available, asset)
            raise InsufficientFunds(
                f"{plan.inner.actor} has {there} and needs {wanted}", needed=wanted, available=there
            )
        quantity = names.asset_text(tokens.quantity_of(network, asset, units))
        values = {"from": plan.inner.actor, "to": payment.to, "quantity": quantity, "memo": memo or ""}
        data = serialization.encode(known_abis.TOKEN, "transfer", values)
        calls.append(Call(tokens.contract_of(network, asset), "transfer", (plan.inner,), data))
    calls += shortcuts.calls_of(Context(network, plan.inner, plan.receiver), native)
    for item in plan.actions:
        calls.append(node_form.call_from_json(network, item, plan.inner, plan.abis, InputError))
    if plan.request is not None:
        calls += esr.resolve(network, plan.request.actions, plan.inner, plan.abis)
    return tuple(calls)
