"""What an account has of a denom, and what is known of a denom: its symbol and decimals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ...amounts import Asset
from ...chain import Holder, Network
from ...errors import AmountError, BadResponse, InputError, MultiwalletError, Rejected
from ...ops import Effect, Op, attempt
from ...transactions import Balance
from . import answers, denoms
from .rules import Rules

__all__ = ["asset", "balance"]

_PAGE: Final = 1000
_BANK: Final = "cosmos/bank/v1beta1"
_STAKING: Final = "cosmos/staking/v1beta1"


def balance(holder: Holder, rules: Rules, asset: Asset) -> Op[Balance]:
    """Available is what can be spent. Locked is what still vests, and of the chain's own coin what is staked too."""
    network, address = holder.network, holder.address
    denom = denoms.denom_of(network, asset)
    effects: list[Effect] = [
        answers.balance_call(network, address, denom),
        answers.spendable_call(network, address, denom),
    ]
    staked = rules.staking and asset == network.native
    if staked:
        page = {"pagination__limit": str(_PAGE)}
        effects.append(answers.get(network, f"{_STAKING}/delegations/{address}", **page))
        effects.append(
            answers.get(network, f"{_STAKING}/delegators/{address}/unbonding_delegations", **page),
        )
    outcomes = yield from attempt(*effects)
    for outcome in (outcomes[0], *outcomes[2:]):
        if isinstance(outcome, MultiwalletError):
            raise outcome
    total = answers.amount_of(outcomes[0], "balance", denom, f"{_BANK}/balances")
    free = (yield from answers.spendable(network, address, {denom: outcomes[1]}))[denom]
    if free > total:
        free = total  # the two answers may come from nodes a block apart
    locked = total - free
    if staked:
        locked += _delegated(outcomes[2], denom) + _unbonding(outcomes[3])
    return Balance.of(asset, free, 0, locked)


def _delegated(answer: Any, denom: str) -> int:
    path = f"{_STAKING}/delegations"
    return sum(
        answers.amount_of(item, "balance", denom, path) for item in answers.listed(answer, "delegation_responses", path)
    )


def _unbonding(answer: Any) -> int:
    path = f"{_STAKING}/unbonding_delegations"
    found = answers.listed(answer, "unbonding_responses", path)
    entries = [entry for item in found for entry in answers.listed(item, "entries", path)]
    return sum(answers.number(entry.get("balance"), f"{path}: balance", 1 << 256) for entry in entries)


def asset(network: Network, reference: str) -> Op[Asset]:
    """A denom's asset: from the row's ``denoms``, else from the metadata that the chain's bank keeps.

    Few chains keep any for coins that came over IBC. Where nobody knows the decimals, an InputError says so: state
    them with an ``Asset`` or in the row.
    """
    identity = denoms.asset_id(network, reference)
    if identity == network.native.id:
        return network.native
    denom = denoms.denom_of(network, Asset(identity, "", 0))
    listed = network.params.get("denoms", {})
    stated = listed.get(denom) if isinstance(listed, Mapping) else None
    if stated is not None:
        if not isinstance(stated, Mapping) or set(stated) != {"symbol", "decimals"}:
            raise InputError(f"params.denoms of {network.name} gives each denom a symbol and decimals")
        return Asset(identity, stated["symbol"], stated["decimals"])
    # The second form serves denoms with slashes on every release, the first is all that older ones know.
    outcomes = yield from attempt(
        answers.get(network, f"{_BANK}/denoms_metadata_by_query_string", denom=denom),
        answers.get(network, f"{_BANK}/denoms_metadata/{quote(denom, safe='')}"),
    )
    answered = [outcome for outcome in outcomes if not isinstance(outcome, MultiwalletError)]
    if not answered:
        for outcome in outcomes:
            if isinstance(outcome, MultiwalletError) and not isinstance(outcome, Rejected | BadResponse):
                raise outcome
        raise InputError(
            f"{network.name} keeps no metadata of {denom}, so its decimals are not known: "
            "pass an Asset with them, or add params.denoms to the row"
        )
    return _described(identity, denom, answered[0])


def _described(identity: str, denom: str, answer: Any) -> Asset:
    path = f"{_BANK}/denoms_metadata"
    metadata = answers.nested(answer, "metadata", path)
    if metadata.get("base") != denom:
        raise BadResponse(f"{path} answered about another denom than {denom}")
    display = metadata.get("display")
    if not isinstance(display, str):
        raise BadResponse(f"{path}: display is no text")
    units = answers.listed(metadata, "denom_units", path)
    found = [unit.get("exponent", 0) for unit in units if unit.get("denom") == display]
    if not found and display not in ("", denom):
        raise BadResponse(f"{path} names the unit {display[:60]!r} and does not say its exponent")
    decimals = answers.number(found[0] if found else 0, f"{path}: exponent", 78)
    symbol = metadata.get("symbol") or display or denom
    try:
        return Asset(identity, str(symbol)[:64], decimals)
    except AmountError as error:
        raise BadResponse(f"{path}: {error.message}") from None
