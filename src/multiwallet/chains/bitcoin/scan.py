"""What an account holds: finding its used addresses and coins, and keeping count of what it has sent.

A whole account is searched on its receive and its change chain until 20 addresses in a row are unused
(BIP-44's gap limit). What it sent is remembered until the chain shows it, so that a server that lags behind
does not make it spend a coin twice: such coins stay out until the transaction is confirmed, or is still
unknown two blocks later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ...chain import Holder, Network
from ...errors import BadResponse
from ...ops import Op, gather
from ...path import Path
from ...transactions import Balance, SignedTransaction, Status
from .addresses import address_of, script_of
from .coins import COINBASE_MATURITY, AccountState, Coin, Derived, Found, Sent, Unspent
from .ownership import FARTHEST_INDEX
from .script import KEY_KINDS, script_for_key
from .sources import Source, source_of
from .transaction import OutPoint, Transaction

__all__ = ["GAP_LIMIT", "after_broadcast", "balance", "is_spendable", "refresh"]

GAP_LIMIT: Final = 20
_FORGET_AFTER: Final = 2
_MOST_SENT: Final = 500


def refresh(holder: Holder) -> Op[Holder]:
    """The holder with a new :class:`~multiwallet.chains.bitcoin.coins.AccountState`; a whole account with its next address."""
    network, source = holder.network, source_of(holder.network)
    old = holder.state if isinstance(holder.state, AccountState) else None
    if holder.derive is None:
        script = script_of(network, holder.address)
        found = yield from source.look(network, (script,))
        state = AccountState(found.tip, (), sent=() if old is None else old.sent)
        return replace(holder, state=(yield from _settled(holder, source, state, found, old, {script: (0, 0)})))
    state, found = yield from _search(holder, holder.derive, source, old)
    state = yield from _settled(holder, source, state, found, old, state.scripts)
    return _at_next_address(holder, state)


def balance(holder: Holder) -> Op[Balance]:
    """Confirmed coins and own change are available, what others sent is pending until confirmed, mined coins wait.

    Scans first when the holder has not been refreshed.
    """
    if not isinstance(holder.state, AccountState):
        holder = yield from refresh(holder)
    state: AccountState = holder.state
    available = pending = locked = 0
    for coin in state.coins:
        if is_spendable(coin, state, holder.network):
            available += coin.amount
        elif coin.height is None:
            pending += coin.amount
        else:
            locked += coin.amount
    return Balance.of(holder.network.native, available, pending, locked)


def is_spendable(coin: Coin, state: AccountState, network: Network) -> bool:
    """Whether a coin can be spent now: confirmed and old enough, or the account's own change."""
    maturity = network.params.get("coinbase_maturity", COINBASE_MATURITY)
    return coin.is_settled and coin.is_mature(state.tip, maturity)


def after_broadcast(holder: Holder, signed: SignedTransaction) -> Holder:
    """The holder once a transaction is on its way: its coins are gone, its outputs to the account are there.

    They count as own change when the account's coins are all that is spent. A holder that was never
    refreshed, and one that the transaction does not concern, come back as they are.
    """
    state = holder.state
    if not isinstance(state, AccountState) or any(sent.txid == signed.txid for sent in state.sent):
        return holder
    transaction = Transaction.parse(signed.raw)
    inputs = frozenset(txin.outpoint for txin in transaction.inputs)
    known = {coin.outpoint for coin in state.coins}
    if not inputs & known:
        return holder
    scripts = state.scripts if holder.derive is not None else {script_of(holder.network, holder.address): (0, 0)}
    own = inputs <= known
    made = tuple(
        _coin(
            holder, state, Unspent(OutPoint(signed.txid, index), output.amount, output.script, None, own=own), scripts
        )
        for index, output in enumerate(transaction.outputs)
        if output.script in scripts
    )
    replaced = [sent for sent in state.sent if sent.spent & inputs]
    gone = inputs | {coin.outpoint for sent in replaced for coin in sent.made}
    kept = tuple(sent for sent in state.sent if sent not in replaced)
    coins = [coin for coin in state.coins if coin.outpoint not in gone]
    sent = Sent(signed.txid, inputs, made, state.tip, signed.raw)
    state = replace(state, coins=_in_order([*coins, *made]), sent=(*kept, sent)[-_MOST_SENT:])
    if holder.derive is None:
        return replace(holder, state=state)
    return _at_next_address(holder, _with_used(state, {coin.script for coin in made}))


# -- searching a whole account --------------------------------------------------------------------------


def _search(
    holder: Holder, derive: Callable[[int, int], bytes], source: Source, old: AccountState | None
) -> Op[tuple[AccountState, Found]]:
    kind = holder.kind or KEY_KINDS[0]
    derived: tuple[list[Derived], list[Derived]] = ([], []) if old is None else tuple(map(list, old.derived))  # type: ignore[assignment]  # two of them
    ends = [0, 0] if old is None else [old.next_receive, old.next_change]
    used: set[bytes] = set()
    unspent: list[Unspent] = []
    asked, tip = [0, 0], 0
    scripts = {one.script: (change, index) for change in (0, 1) for index, one in enumerate(derived[change])}
    while True:
        round_ = []
        for change in (0, 1):
            start, needed = asked[change], ends[change] + GAP_LIMIT
            if needed <= start:
                continue
            end = max(needed, start + source.REACH)
            if end > FARTHEST_INDEX:
                raise BadResponse(
                    f"the endpoint calls each of {start} addresses of this account used: that is not believable"
                )
            chain = derived[change]
            for index in range(len(chain), end):
                key = derive(change, index)
                chain.append(Derived(script_for_key(kind, key), key))
            for index in range(start, end):
                scripts[chain[index].script] = (change, index)
                round_.append(chain[index].script)
            asked[change] = end
        if not round_:
            break
        found = yield from source.look(holder.network, round_)
        tip = found.tip
        used |= found.used
        unspent += found.unspent
        for script in found.used:
            change, index = scripts[script]
            ends[change] = max(ends[change], index + 1)
    state = AccountState(
        tip,
        (),
        (tuple(derived[0]), tuple(derived[1])),
        scripts,
        ends[0],
        ends[1],
        () if old is None else old.sent,
    )
    return state, Found(tip, frozenset(used), tuple(unspent))


def _at_next_address(holder: Holder, state: AccountState) -> Holder:
    index = state.next_receive
    script, key = state.derived[0][index]
    address = address_of(holder.network, script)
    path = None if holder.account_path is None else holder.account_path / 0 / index
    return replace(holder, address=address or holder.address, public_key=key, path=path, state=state)


def _with_used(state: AccountState, scripts: set[bytes]) -> AccountState:
    ends = [state.next_receive, state.next_change]
    for script in scripts:
        change, index = state.scripts[script]
        # Never past what is derived: the next scan looks further.
        ends[change] = min(max(ends[change], index + 1), len(state.derived[change]) - 1)
    return replace(state, next_receive=ends[0], next_change=ends[1])


# -- from what a source found to coins ------------------------------------------------------------------


def _settled(
    holder: Holder,
    source: Source,
    state: AccountState,
    found: Found,
    old: AccountState | None,
    scripts: Mapping[bytes, tuple[int, int]],
) -> Op[AccountState]:
    """The state with its coins, once their flags are known and what was sent is taken into account."""
    network = holder.network
    coinbase = {} if old is None else {c.outpoint: c.coinbase for c in old.coins if c.height is not None}
    found, states = yield from gather(
        source.settle(network, found, scripts.keys(), coinbase),
        _ask_sent(network, source, state.sent),
    )
    coins = {output.outpoint: _coin(holder, state, output, scripts) for output in found.unspent}
    kept = []
    for sent, status in zip(state.sent, states, strict=True):
        shown = [coins[coin.outpoint] for coin in sent.made if coin.outpoint in coins]
        if status is Status.CONFIRMED or any(coin.height is not None for coin in shown):
            continue
        if status is Status.UNKNOWN and not shown and state.tip >= sent.tip + _FORGET_AFTER:
            continue  # it was dropped, or replaced
        kept.append(sent)
        if status is Status.PENDING or shown:
            coins |= {coin.outpoint: coin for coin in sent.made}
    for sent in kept:
        for outpoint in sent.spent:
            coins.pop(outpoint, None)
    state = replace(state, coins=_in_order(list(coins.values())), sent=tuple(kept))
    return state if holder.derive is None else _with_used(state, set(found.used))


def _ask_sent(network: Network, source: Source, sent: Sequence[Sent]) -> Op[list[Status]]:
    return (yield from source.seen(network, [one.txid for one in sent])) if sent else []


def _coin(holder: Holder, state: AccountState, output: Unspent, scripts: Mapping[bytes, tuple[int, int]]) -> Coin:
    key: bytes = holder.public_key
    path: Path | None = holder.path
    if holder.derive is not None:
        change, index = scripts[output.script]
        key = state.derived[change][index].public_key
        path = None if holder.account_path is None else holder.account_path / change / index
    return Coin(output.outpoint, output.amount, output.script, key, path, output.height, output.coinbase, output.own)


def _in_order(coins: Sequence[Coin]) -> tuple[Coin, ...]:
    return tuple(sorted(coins, key=lambda coin: coin.outpoint))
