"""The named options of ``build``: what wallets of this ecosystem offer beside payments, as actions.

Each function takes an option's value and returns the actions it stands for. A wrong value is an InputError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
from ...errors import InputError, InvalidTransaction
from . import known_abis, names, public_keys, serialization
from .names import Level
from .transaction import Call, Transaction

__all__ = ["SHORTCUTS", "Context", "calls_of", "propose"]

WEEK: Final = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, and for whom: ``receiver`` is who gets what is bought."""

    network: Network
    level: Level
    receiver: str

    def call(self, account: str, name: str, /, **values: Any) -> Call:
        """One action of a contract whose ABI is carried here."""
        abi = known_abis.known(self.network, account)
        assert abi is not None  # the shortcuts name the contracts of known_abis alone
        try:
            data = serialization.encode(abi, abi.actions[name], values)
        except InvalidTransaction as error:
            raise InputError(f"{name}: {error.message}") from None
        return Call(account, name, (self.level,), data)

    def resource(self, name: str, /, **values: Any) -> Call:
        """One action of the contract that sells resources."""
        return self.call(known_abis.resources_account(self.network), name, **values)

    def system(self, name: str, /, **values: Any) -> Call:
        """One action of the system contract."""
        return self.call(known_abis.system_account(self.network), name, **values)

    def msig(self, name: str, /, **values: Any) -> Call:
        """One action of the multi-signature contract."""
        return self.call(known_abis.msig_account(self.network), name, **values)

    def coins(self, value: Any) -> str:
        """An amount of the native coin, as text or ``Amount``, as the chain writes it."""
        native = self.network.native
        amount = value if isinstance(value, Amount) else Amount.parse(value, native)
        if amount.asset != native:
            raise InputError(f"resources are paid in {native.symbol}")
        return names.asset_text(names.Quantity(amount.units, names.Symbol(native.symbol, native.decimals)))


def calls_of(context: Context, native: Mapping[str, Any]) -> tuple[Call, ...]:
    """The actions of all named options, in the order in which they were given."""
    found: list[Call] = []
    for name, value in native.items():
        if name in SHORTCUTS:
            found += SHORTCUTS[name](context, value)
    return tuple(found)


def _fields(value: Any, option: str, needed: str, optional: str = "") -> Mapping[str, Any]:
    wanted, known = set(needed.split()), set(needed.split()) | set(optional.split())
    if not isinstance(value, Mapping) or not wanted <= set(value) <= known:
        more = f", and as wanted {', '.join(optional.split())}" if optional else ""
        raise InputError(f"{option} is an object of {', '.join(needed.split()) or 'fields'}{more}")
    return value


def _buy_ram(context: Context, value: Any) -> list[Call]:
    payer, receiver = context.level.actor, context.receiver
    return [context.resource("buyram", payer=payer, receiver=receiver, quant=context.coins(value))]


def _buy_ram_bytes(context: Context, value: Any) -> list[Call]:
    return [context.resource("buyrambytes", payer=context.level.actor, receiver=context.receiver, bytes=value)]


def _sell_ram(context: Context, value: Any) -> list[Call]:
    return [context.resource("sellram", account=context.level.actor, bytes=value)]


def _stake(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "stake", "", "cpu net transfer")
    return [
        context.resource(
            "delegatebw",
            **{"from": context.level.actor},
            receiver=context.receiver,
            stake_net_quantity=context.coins(stated.get("net", "0")),
            stake_cpu_quantity=context.coins(stated.get("cpu", "0")),
            transfer=stated.get("transfer", False),
        )
    ]


def _unstake(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "unstake", "", "cpu net")
    return [
        context.resource(
            "undelegatebw",
            **{"from": context.level.actor},
            receiver=context.receiver,
            unstake_net_quantity=context.coins(stated.get("net", "0")),
            unstake_cpu_quantity=context.coins(stated.get("cpu", "0")),
        )
    ]


def _refund(context: Context, value: Any) -> list[Call]:
    if value is not True:
        raise InputError("refund is True: it takes out what was unstaked three days ago")
    return [context.resource("refund", owner=context.level.actor)]


def _powerup(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "powerup", "max_payment", "days net_frac cpu_frac")
    return [
        context.resource(
            "powerup",
            payer=context.level.actor,
            receiver=context.receiver,
            days=stated.get("days", 1),
            net_frac=stated.get("net_frac", 0),
            cpu_frac=stated.get("cpu_frac", 0),
            max_payment=context.coins(stated["max_payment"]),
        )
    ]


def _authority(context: Context, value: Any) -> Mapping[str, Any]:
    """An authority from a public key, a permission level (``alice@active``), or its whole object."""
    if isinstance(value, Mapping):
        return value
    prefix = str(context.network.params.get("key_prefix", "EOS"))
    empty: dict[str, Any] = {"threshold": 1, "keys": [], "accounts": [], "waits": []}
    if isinstance(value, str) and public_keys.is_key_text(value, prefix):
        key = public_keys.key_text(public_keys.parse_key(value, prefix))
        return empty | {"keys": [{"key": key, "weight": 1}]}
    return empty | {"accounts": [{"permission": names.level(value)._asdict(), "weight": 1}]}


def _create_account(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "create_account", "name owner", "active ram_bytes ram cpu net transfer")
    name = names.account(stated["name"], "the new account")
    owner = _authority(context, stated["owner"])
    active = _authority(context, stated.get("active", stated["owner"]))
    within = Context(context.network, context.level, name)
    calls = [context.system("newaccount", creator=context.level.actor, name=name, owner=owner, active=active)]
    if "ram" in stated:
        calls += _buy_ram(within, stated["ram"])
    if "ram_bytes" in stated:
        calls += _buy_ram_bytes(within, stated["ram_bytes"])
    if "cpu" in stated or "net" in stated:
        calls += _stake(within, {part: stated[part] for part in ("cpu", "net", "transfer") if part in stated})
    return calls


def _update_auth(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "update_auth", "permission authority", "parent")
    permission = names.account(stated["permission"], "the permission")
    parent = stated.get("parent", {"owner": "", "active": "owner"}.get(permission, "active"))
    authority = _authority(context, stated["authority"])
    actor = context.level.actor
    return [context.system("updateauth", account=actor, permission=permission, parent=parent, auth=authority)]


def _delete_auth(context: Context, value: Any) -> list[Call]:
    return [context.system("deleteauth", account=context.level.actor, permission=value)]


def _link_auth(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "link_auth", "code permission", "type")
    return [
        context.system(
            "linkauth",
            account=context.level.actor,
            code=stated["code"],
            type=stated.get("type", ""),
            requirement=stated["permission"],
        )
    ]


def _unlink_auth(context: Context, value: Any) -> list[Call]:
    stated = _fields(value, "unlink_auth", "code", "type")
    actor = context.level.actor
    return [context.system("unlinkauth", account=actor, code=stated["code"], type=stated.get("type", ""))]


def _decision(name: str) -> Callable[[Context, Any], list[Call]]:
    def make(context: Context, value: Any) -> list[Call]:
        stated = _fields(value, name, "proposer name", "hash" if name == "approve" else "")
        values: dict[str, Any] = {"level": context.level._asdict()}
        if stated.get("hash") is not None:
            values["proposal_hash"] = stated["hash"]
        return [context.msig(name, proposer=stated["proposer"], proposal_name=stated["name"], **values)]

    return make


def _ending(name: str, role: str) -> Callable[[Context, Any], list[Call]]:
    def make(context: Context, value: Any) -> list[Call]:
        stated = _fields(value, name, "proposer name")
        values = {role: context.level.actor}
        return [context.msig(name, proposer=stated["proposer"], proposal_name=stated["name"], **values)]

    return make


SHORTCUTS: Final[Mapping[str, Callable[[Context, Any], list[Call]]]] = {
    "create_account": _create_account,
    "buy_ram": _buy_ram,
    "buy_ram_bytes": _buy_ram_bytes,
    "sell_ram": _sell_ram,
    "stake": _stake,
    "unstake": _unstake,
    "refund": _refund,
    "powerup": _powerup,
    "update_auth": _update_auth,
    "delete_auth": _delete_auth,
    "link_auth": _link_auth,
    "unlink_auth": _unlink_auth,
    "approve": _decision("approve"),
    "unapprove": _decision("unapprove"),
    "cancel_proposal": _ending("cancel", "canceler"),
    "execute": _ending("exec", "executer"),
}
"""Option to what makes its actions."""


def propose(context: Context, value: Any, calls: tuple[Call, ...], now: int) -> Call:
    """The actions as a proposal (``eosio.msig``) instead of doing them; ``now`` in seconds since 1970."""
    stated = _fields(value, "propose", "name requested", "actor lifetime")
    lifetime = stated.get("lifetime", WEEK)
    if isinstance(lifetime, bool) or not isinstance(lifetime, int) or not 60 <= lifetime <= 365 * 24 * 3600:
        raise InputError("a proposal's lifetime is from 60 seconds to a year")
    requested = stated["requested"]
    if not isinstance(requested, list | tuple) or not requested:
        raise InputError("a proposal's requested are the permissions whose approval it needs: ['bob@active', ...]")
    body = Transaction(now + lifetime, 0, 0, calls)
    abi = known_abis.MSIG
    return context.msig(
        "propose",
        proposer=context.level.actor,
        proposal_name=stated["name"],
        requested=[names.level(item)._asdict() for item in requested],
        trx=serialization.decode(abi, "transaction", body.encode()),
    )
