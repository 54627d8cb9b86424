"""Building a transaction: what the caller wants, the coins for it, change, and the PSBT.

Inputs and outputs are in the order of BIP-69, which says nothing about who made the transaction. The same
account state, payments and options give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Chain, Holder, Network, Options, Payment, check_options
from ...errors import AmountError, BadResponse, InputError, InsufficientFunds, InvalidTransaction, Unsupported
from ...ops import Op
from ...path import Path
from ...transactions import UnsignedTransaction
from . import fees
from .addresses import script_of
from .coins import AccountState, Coin
from .psbt import Psbt, PsbtInputSource
from .rules import Rules, rules_of
from .scan import is_spendable, refresh
from .script import kind_of, op_return
from .selection import MAX_WEIGHT, Frame, Selection, everything, exactly, select
from .sources import source_of
from .transaction import FINAL_SEQUENCE, RBF_SEQUENCE, OutPoint, scan_previous

__all__ = ["build"]

_OUTPOINT: Final = re.compile(r"([0-9a-fA-F]{64}):([0-9]{1,10})", re.ASCII)
_TOKEN: Final = b"\xef"  # a token of Bitcoin Cash stands before the script of an output (CashTokens)
_NO_REPLACEMENT: Final = FINAL_SEQUENCE - 1
_LARGEST_LOCKTIME: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Wishes:
    """The family's options, checked."""

    rate: int | None
    coins: tuple[OutPoint, ...] | None
    exclude: frozenset[OutPoint]
    spend_unconfirmed: bool
    sequence: int
    locktime: int
    change: bytes | None


def build(chain: Chain, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
    """Choose coins, add change and make the PSBT. See :meth:`~multiwallet.chain.Chain.build`.

    Options: ``fee_rate`` (sat/vB, a whole number or text like ``"2.5"``), ``coins`` (``"txid:index"`` texts:
    spend exactly these), ``exclude`` (coins to leave alone), ``spend_unconfirmed`` (also what others sent and is not confirmed), ``rbf`` (True),
    ``locktime`` (0), ``change_address``. A memo is an OP_RETURN output of at most 80 bytes. Change too small
    to be relayed goes to the fee.
    """
    network = holder.network
    wishes = _wishes(network, options)
    outputs = _outputs(network, payments, options.memo)
    sweep = payments[0].everything
    if not isinstance(holder.state, AccountState):
        holder = yield from refresh(holder)
    state: AccountState = holder.state
    pools = _pools(network, state, wishes)
    rate = wishes.rate
    rules = rules_of(network)
    branch = 0
    if rules.branches:
        branch = yield from _branch(network, rules)
    if rules.fee_rule == "zip317":
        rate = 0
    elif rate is None:
        rate = yield from fees.estimate(network, options.speed)
    frame = _frame(holder, state, outputs, wishes.change, rate)
    if sweep:
        selection, amount = _sweep(network, pools[-1], frame, chosen=wishes.coins is not None)
        outputs = [(script, value if script[:1] == b"\x6a" else amount) for script, value in outputs]
    else:
        selection = _choose(network, pools, sum(value for _, value in outputs), frame, exact=wishes.coins is not None)
    fee = Amount(selection.fee, network.native)
    if options.max_fee is not None and fee > options.max_fee:
        raise InputError(f"the fee would be {fee}, more than the limit of {options.max_fee}")
    spent = sorted(selection.coins, key=lambda coin: coin.outpoint)
    previous = yield from _previous(network, state, spent)
    inputs = [
        PsbtInputSource(
            coin.outpoint,
            coin.amount,
            coin.script,
            wishes.sequence,
            coin.public_key,
            coin.path,
            holder.fingerprint,
            raw,
        )
        for coin, raw in zip(spent, previous, strict=True)
    ]
    paid: list[tuple[bytes, int, bytes | None, Path | None]] = [
        (script, value, None, None) for script, value in outputs
    ]
    if selection.change:
        paid.append((frame.change, selection.change, *_owner(holder, state, frame.change)))
    paid.sort(key=lambda output: (output[1], output[0]))
    psbt = Psbt.create(
        inputs,
        paid,
        locktime=wishes.locktime,
        sighash=rules.sighash,
        branch=branch,
        expiry=state.tip + rules.expiry_blocks,
    )
    return chain.adopt(holder, psbt.serialize())


def _branch(network: Network, rules: Rules) -> Op[int]:
    """The consensus branch that the transaction is to be valid under, as the node says, else as the row says."""
    stated = yield from source_of(network).branch(network)
    if stated is not None and stated not in rules.branches:
        known = ", ".join(f"{branch:08x}" for branch in rules.branches)
        raise Unsupported(
            f"{network.title} is on the consensus branch {stated:08x}, and its row knows {known}: "
            "a newer release may know it, or the endpoint serves another network"
        )
    return rules.branches[-1] if stated is None else stated


# -- what is wanted -------------------------------------------------------------------------------------


def _wishes(network: Network, options: Options) -> _Wishes:
    check_options(options, "fee_rate", "coins", "exclude", "spend_unconfirmed", "rbf", "locktime", "change_address")
    native = options.native
    rules = rules_of(network)
    rate = native.get("fee_rate")
    if rate is not None and rules.fee_rule != "rate":
        raise Unsupported(f"{network.title} has a conventional fee (ZIP-317) and no fee rate: leave fee_rate out")
    rbf = _flag(native.get("rbf", rules.replacement), "rbf")
    if rbf and not rules.replacement:
        raise Unsupported(f"nodes of {network.title} do not replace transactions by fee: leave rbf out")
    locktime = native.get("locktime", 0)
    if isinstance(locktime, bool) or not isinstance(locktime, int) or not 0 <= locktime <= _LARGEST_LOCKTIME:
        raise InputError("locktime is a whole number from 0 to 2^32 - 1: a block height, or a time from 500000000 on")
    change = native.get("change_address")
    return _Wishes(
        rate=None if rate is None else fees.parse_rate(rate),
        coins=_outpoints(native.get("coins"), "coins"),
        exclude=frozenset(_outpoints(native.get("exclude"), "exclude") or ()),
        spend_unconfirmed=_flag(native.get("spend_unconfirmed", False), "spend_unconfirmed"),
        sequence=RBF_SEQUENCE if rbf else _NO_REPLACEMENT,
        locktime=locktime,
        change=None if change is None else script_of(network, change),
    )


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{name} is True or False")
    return value


def _outpoints(value: Any, name: str) -> tuple[OutPoint, ...] | None:
    if value is None:
        return None
    matches = [
        _OUTPOINT.fullmatch(item) if isinstance(item, str) else None
        for item in (value if isinstance(value, list | tuple) else ())
    ]
    if not matches or None in matches:
        raise InputError(f'{name} is a list of texts "txid:index", one for each coin')
    points = tuple(OutPoint(match[1].lower(), int(match[2])) for match in matches if match is not None)
    if len(set(points)) != len(points):
        raise InputError(f"{name} names the same coin twice")
    return points


def _outputs(network: Network, payments: Sequence[Payment], memo: str | None) -> list[tuple[bytes, int]]:
    if not payments:
        raise InputError("a transaction pays somebody: say to whom and how much")
    if len(payments) > 1 and any(payment.everything for payment in payments):
        raise InputError('"max" sends all that there is: it cannot stand beside another payment')
    outputs = []
    for payment in payments:
        script = script_of(network, payment.to)
        least = fees.least_output(network, script)
        if not payment.everything and payment.amount.units < least:
            raise AmountError(
                f"{payment.amount} to {payment.to} is too little to be relayed: "
                f"the least for this address is {Amount(least, network.native)}"
            )
        outputs.append((script, payment.amount.units))
    if memo is not None:
        if not isinstance(memo, str):
            raise InputError(f"a memo is text, not {type(memo).__name__}")
        try:
            data = memo.encode()
        except UnicodeEncodeError as error:
            raise InputError("the memo holds half a character (a lone surrogate), which UTF-8 cannot write") from error
        outputs.append((op_return(data), 0))
    return outputs


# -- which coins ----------------------------------------------------------------------------------------


def _pools(network: Network, state: AccountState, wishes: _Wishes) -> list[list[Coin]]:
    """The coins that may be spent: the confirmed ones, then with own change, then with what others sent."""
    if wishes.coins is not None:
        return [_named(network, state, wishes.coins, wishes.spend_unconfirmed)]
    free = [coin for coin in state.coins if coin.outpoint not in wishes.exclude]
    pool = [coin for coin in free if is_spendable(coin, state, network)]
    pools = [[coin for coin in pool if coin.height is not None], pool]
    if wishes.spend_unconfirmed:
        pools.append([coin for coin in free if coin.height is None or is_spendable(coin, state, network)])
    return pools


def _named(network: Network, state: AccountState, wanted: tuple[OutPoint, ...], unconfirmed: bool) -> list[Coin]:
    known = {coin.outpoint: coin for coin in state.coins}
    coins = []
    for outpoint in wanted:
        coin = known.get(outpoint)
        if coin is None:
            raise InputError(f"{outpoint} is no unspent coin of this account")
        if not is_spendable(coin, state, network) and not (unconfirmed and coin.height is None):
            if coin.height is None:
                raise InputError(f"{outpoint} is not confirmed yet: to spend it even so, say spend_unconfirmed=True")
            raise InputError(f"{outpoint} was mined too recently: such coins can be spent after a number of blocks")
        coins.append(coin)
    return coins


def _frame(
    holder: Holder, state: AccountState, outputs: list[tuple[bytes, int]], change: bytes | None, rate: int
) -> Frame:
    if change is None:
        if holder.derive is None:
            change = script_of(holder.network, holder.address)
        else:
            change = state.derived[1][state.next_change].script
    own = script_of(holder.network, holder.address)
    kind = kind_of(own)
    return Frame(
        kind="p2sh-p2wpkh" if kind == "p2sh" else kind,
        outputs=tuple(script for script, _ in outputs),
        change=change,
        dust=fees.least_output(holder.network, change),
        rate=rate,
        compressed=len(holder.public_key) == 33,
        conventional=rules_of(holder.network).fee_rule == "zip317",
    )


def _choose(network: Network, pools: list[list[Coin]], target: int, frame: Frame, *, exact: bool) -> Selection:
    method: Callable[[Sequence[Coin], int, Frame], Selection | None] = exactly if exact else select
    for pool in pools:
        selection = method(pool, target, frame)
        if selection is not None:
            _check_size(frame, selection)
            return selection
    pool = pools[-1]
    available = sum(coin.amount for coin in pool)
    worth = sum(coin.amount - frame.input_cost for coin in pool if coin.amount > frame.input_cost)
    if len(pool) > frame.most_inputs and worth >= target + frame.fee(0):
        raise InputError(
            f"this takes more coins than one transaction can spend ({frame.most_inputs}): "
            "send smaller amounts, or first send some of the coins to yourself"
        )
    raise _insufficient(network, target + frame.fee(max(len(pool), 1)), available)


def _sweep(network: Network, pool: list[Coin], frame: Frame, *, chosen: bool) -> tuple[Selection, int]:
    selection, amount = everything(pool, frame, all_of_them=chosen)
    least = max(next(fees.least_output(network, script) for script in frame.outputs if script[:1] != b"\x6a"), 1)
    if amount < least:
        needed = frame.fee(max(len(selection.coins), 1)) + least
        raise _insufficient(network, needed, sum(coin.amount for coin in selection.coins))
    _check_size(frame, selection)
    return selection, amount


def _check_size(frame: Frame, selection: Selection) -> None:
    if frame.weight(len(selection.coins), change=bool(selection.change)) > MAX_WEIGHT:
        raise InputError(
            f"a transaction of {len(selection.coins)} inputs and {len(frame.outputs)} outputs is larger than nodes relay: "
            "name fewer coins= or make fewer payments at once"
        )


def _insufficient(network: Network, needed: int, available: int) -> InsufficientFunds:
    need, have = Amount(needed, network.native), Amount(available, network.native)
    return InsufficientFunds(
        f"{need} are needed, the fee included, and {have} can be spent now", needed=need, available=have
    )


# -- what the PSBT needs --------------------------------------------------------------------------------


def _owner(holder: Holder, state: AccountState, script: bytes) -> tuple[bytes | None, Path | None]:
    """The key and path of a script of the account's own; of another's neither."""
    if holder.derive is None:
        own = script == script_of(holder.network, holder.address)
        return (holder.public_key, holder.path) if own else (None, None)
    place = state.scripts.get(script)
    if place is None:
        return None, None
    change, index = place
    path = None if holder.account_path is None else holder.account_path / change / index
    return state.derived[change][index].public_key, path


def _previous(network: Network, state: AccountState, coins: Sequence[Coin]) -> Op[list[bytes | None]]:
    """The transactions that made the coins, where their amounts need proof.

    Before segwit no signature commits to amounts. In version 0 each commits to that of its own input: a server that
    lies about one of two coins, and about the other one when asked to try again, would have two good signatures for
    a transaction whose fee nobody saw. Taproot's commit to all amounts, and so do Zcash's.
    """
    kind = kind_of(coins[0].script)
    if kind == "p2tr" or rules_of(network).sighash == "zip244" or (kind != "p2pkh" and len(coins) == 1):
        return [None] * len(coins)
    own = {sent.txid: sent.raw for sent in state.sent}
    asked = [coin for coin in coins if coin.outpoint.txid not in own]
    told = (yield from source_of(network).previous(network, asked)) if asked else []
    known = own | {coin.outpoint.txid: raw for coin, raw in zip(asked, told, strict=True)}
    return [_proven(coin, known[coin.outpoint.txid], required=kind == "p2pkh") for coin in coins]


def _proven(coin: Coin, raw: bytes | None, *, required: bool) -> bytes | None:
    """The transaction that made a coin, once it is seen to hold the coin as the source told it."""
    point = coin.outpoint
    if raw is None:
        if required:
            raise BadResponse(
                f"the node no longer has {point.txid}, without which its coin cannot be spent: ask another"
            )
        return None
    try:
        txid, outputs = scan_previous(raw)
    except InvalidTransaction as error:
        raise BadResponse(f"the endpoint answered no transaction for {point.txid}") from error
    if txid[::-1].hex() != point.txid or point.index >= len(outputs):
        raise BadResponse(f"the endpoint answered another transaction for {point.txid}")
    amount, start, end = outputs[point.index]
    script = raw[start:end]
    if script[:1] == _TOKEN and script.endswith(coin.script) and amount == coin.amount:
        raise InputError(
            f'{point} holds a token of Bitcoin Cash, which spending it would destroy: leave it out, exclude=["{point}"]'
        )
    if (amount, script) != (coin.amount, coin.script):
        raise BadResponse(f"the endpoint said that {point} holds what its transaction does not")
    return raw
