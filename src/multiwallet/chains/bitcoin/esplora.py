"""Esplora REST (Blockstream's electrs, mempool.space) as a source."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
from ...errors import MultiwalletError, Rejected, Unsupported
from ...ops import Effect, Op, Rest, ask, attempt
from ...transactions import Receipt, Status
from .addresses import address_of
from .answers import read_hash, read_hex, read_list, read_mapping, read_number, read_rate, refuse
from .coins import COINBASE_MATURITY, Coin, Found, Unspent
from .transaction import OutPoint

__all__ = [
    "REACH",
    "branch",
    "genesis",
    "locate",
    "look",
    "previous",
    "rates",
    "refusal",
    "seen",
    "settle",
    "spent_elsewhere",
    "submission",
    "tip",
]

REACH: Final[int] = 20
_NOT_FOUND: Final = 404
_LARGEST_INDEX: Final = 0xFFFFFFFF
_HIGHEST: Final = 2**31
_MIN_RELAY_RATE: Final = 1000
_JSON: Final = re.compile(r"\{.*\}", re.DOTALL)


def genesis(network: Network) -> Op[str]:
    method = f"block-height/{network.params.get('genesis_height', 0)}"
    (answer,) = yield from ask(Rest(network.id, "GET", method, expect="text"))
    return read_hash(method, answer)


def tip(network: Network) -> Op[int]:
    (answer,) = yield from ask(_tip(network))
    return _height("blocks/tip/height", answer)


def branch(network: Network) -> Op[int | None]:
    """Esplora does not say."""
    return None
    yield ()  # makes this a generator


def look(network: Network, scripts: Sequence[bytes]) -> Op[Found]:
    addresses = [_address(network, script) for script in scripts]
    answers = yield from ask(_tip(network), *(Rest(network.id, "GET", f"address/{text}") for text in addresses))
    tip = _height("blocks/tip/height", answers[0])
    used, holding = set(), []
    for script, address, answer in zip(scripts, addresses, answers[1:], strict=True):
        transactions, outputs = _statistics(f"address/{address}", address, answer)
        if transactions:
            used.add(script)
        if outputs:
            holding.append((script, address))
    unspent: list[Unspent] = []
    if holding:
        lists = yield from ask(*(Rest(network.id, "GET", f"address/{address}/utxo") for _, address in holding))
        for (script, address), answer in zip(holding, lists, strict=True):
            unspent += [_unspent(f"address/{address}/utxo", script, item) for item in read_list("utxo", answer)]
    return Found(tip, frozenset(used), tuple(unspent))


def settle(network: Network, found: Found, own: Collection[bytes], coinbase: Mapping[OutPoint, bool]) -> Op[Found]:
    """Lists of unspent outputs do not say which are mined nor who paid: the young ones' transactions do."""
    maturity = network.params.get("coinbase_maturity", COINBASE_MATURITY)
    questions: dict[str, None] = {}
    for output in found.unspent:
        young = output.height is None or found.tip - output.height + 1 < maturity
        if young and (output.height is None or output.outpoint not in coinbase):
            questions[output.outpoint.txid] = None
    answers = yield from _transactions(network, questions)
    read = {txid: _origin(txid, answer, own) for txid, answer in zip(questions, answers, strict=True)}
    unspent = []
    for output in found.unspent:
        mined, ours = read.get(output.outpoint.txid, (coinbase.get(output.outpoint, False), False))
        unspent.append(output._replace(coinbase=mined, own=ours and output.height is None))
    return found._replace(unspent=tuple(unspent))


def seen(network: Network, txids: Sequence[str]) -> Op[list[Status]]:
    outcomes = yield from attempt(*(Rest(network.id, "GET", f"tx/{txid}") for txid in txids))
    return [_status(txid, outcome)[0] for txid, outcome in zip(txids, outcomes, strict=True)]


def previous(network: Network, coins: Sequence[Coin]) -> Op[list[bytes | None]]:
    txids = list(dict.fromkeys(coin.outpoint.txid for coin in coins))
    answers = yield from ask(*(Rest(network.id, "GET", f"tx/{txid}/hex", expect="text") for txid in txids))
    raw = {txid: read_hex(f"tx/{txid}/hex", answer) for txid, answer in zip(txids, answers, strict=True)}
    return [raw[coin.outpoint.txid] for coin in coins]


def rates(network: Network, target: int) -> Op[tuple[int | None, int]]:
    """The estimate for the largest number of blocks that is no larger than the target, else for the smallest."""
    (answer,) = yield from ask(Rest(network.id, "GET", "fee-estimates"))
    method = "fee-estimates"
    estimates = {}
    for blocks, rate in read_mapping(method, answer).items():
        if not (isinstance(blocks, str) and blocks.isascii() and blocks.isdigit() and len(blocks) < 7):
            refuse(method, "a number of blocks", blocks)
        estimates[int(blocks)] = read_rate(method, rate, 1000)
    minimum = network.params.get("min_relay_rate", _MIN_RELAY_RATE)
    if not estimates:  # a quiet network: there is nothing to learn from
        return None, minimum
    within = [blocks for blocks in estimates if blocks <= target]
    return estimates[max(within) if within else min(estimates)], minimum


def submission(network: Network, raw: str) -> Effect:
    return Rest(network.id, "POST", "tx", text=raw, expect="text", broadcast=True)


def refusal(refused: Rejected) -> tuple[int | None, str]:
    """The node's own error stands as JSON within the text: ``sendrawtransaction RPC error: {"code":-26,...}``."""
    data = refused.data
    words = data if isinstance(data, str) else refused.message
    inner: Any = data
    match = _JSON.search(words[:4000])
    if match is not None and isinstance(data, str):
        try:
            inner = json.loads(match[0])
        except (ValueError, RecursionError):
            inner = None
    if isinstance(inner, dict):
        code, message = inner.get("code"), inner.get("message")
        if isinstance(message, str):
            words = message
        if isinstance(code, int) and not isinstance(code, bool):
            return code, words
    return None, words


def locate(network: Network, txid: str) -> Op[Receipt]:
    transaction, tip = yield from attempt(Rest(network.id, "GET", f"tx/{txid}"), _tip(network))
    state, block = _status(txid, transaction)
    if state is Status.UNKNOWN:
        return Receipt(network, txid, state)
    fee = Amount(read_number(f"tx/{txid}", transaction.get("fee", 0)), network.native)
    if block is None:
        return Receipt(network, txid, state, fee=fee)
    if isinstance(tip, MultiwalletError):
        raise tip
    height = _height("blocks/tip/height", tip)
    # The two answers may be of servers a block apart.
    return Receipt(network, txid, state, confirmations=max(height - block + 1, 1), block=block, fee=fee)


def spent_elsewhere(network: Network, outpoint: OutPoint, txid: str, depth: int) -> Op[bool]:
    method = f"tx/{outpoint.txid}/outspend/{outpoint.index}"
    outcome, tip = yield from attempt(Rest(network.id, "GET", method), _tip(network))
    if isinstance(outcome, Rejected) and outcome.node_code == _NOT_FOUND:
        return False  # the coin's own transaction is not known, which may be for a moment
    for answer in (outcome, tip):
        if isinstance(answer, MultiwalletError):
            raise answer
    stated = read_mapping(method, outcome)
    if stated.get("spent") is not True or read_hash(method, stated.get("txid")) == txid:
        return False
    block = _block(method, read_mapping(method, stated.get("status")))
    return block is not None and _height("blocks/tip/height", tip) - block + 1 >= depth


# -- answers --------------------------------------------------------------------------------------------


def _tip(network: Network) -> Rest:
    return Rest(network.id, "GET", "blocks/tip/height")


def _transactions(network: Network, txids: Iterable[str]) -> Op[list[Any]]:
    effects = [Rest(network.id, "GET", f"tx/{txid}") for txid in txids]
    return (yield from ask(*effects)) if effects else []


def _address(network: Network, script: bytes) -> str:
    address = address_of(network, script)
    if address is None:
        raise Unsupported(f"{network.title} has no address for this account's scripts, which Esplora is asked by")
    return address


def _height(method: str, answer: Any) -> int:
    return read_number(method, answer, _HIGHEST)


def _statistics(method: str, address: str, answer: Any) -> tuple[int, int]:
    """How many transactions an address has and how many unspent outputs, unconfirmed ones included."""
    stated = read_mapping(method, answer)
    if stated.get("address", address) != address:
        refuse(method, f"the address {address}", stated["address"])
    transactions = outputs = 0
    for name in ("chain_stats", "mempool_stats"):
        numbers = read_mapping(method, stated.get(name))
        transactions += read_number(method, numbers.get("tx_count"))
        outputs += read_number(method, numbers.get("funded_txo_count"))
        outputs -= read_number(method, numbers.get("spent_txo_count"))
    return transactions, outputs


def _unspent(method: str, script: bytes, answer: Any) -> Unspent:
    item = read_mapping(method, answer)
    state = read_mapping(method, item.get("status"))
    outpoint = OutPoint(read_hash(method, item.get("txid")), read_number(method, item.get("vout"), _LARGEST_INDEX))
    return Unspent(outpoint, read_number(method, item.get("value"), least=1), script, _block(method, state))


def _block(method: str, state: Mapping[str, Any]) -> int | None:
    confirmed = state.get("confirmed")
    if not isinstance(confirmed, bool):
        refuse(method, "true or false for confirmed", confirmed)
    return _height(method, state.get("block_height")) if confirmed else None


def _status(txid: str, outcome: Any) -> tuple[Status, int | None]:
    """The status of a transaction and its block, from what ``tx/:txid`` answered."""
    if isinstance(outcome, Rejected) and outcome.node_code == _NOT_FOUND:
        return Status.UNKNOWN, None
    if isinstance(outcome, MultiwalletError):
        raise outcome
    method = f"tx/{txid}"
    answer = read_mapping(method, outcome)
    if read_hash(method, answer.get("txid")) != txid:
        refuse(method, f"the transaction {txid}", answer.get("txid"))
    block = _block(method, read_mapping(method, answer.get("status")))
    return (Status.PENDING if block is None else Status.CONFIRMED), block


def _origin(txid: str, answer: Any, own: Collection[bytes]) -> tuple[bool, bool]:
    """Whether a transaction is a coinbase, and whether all that it spends is the account's own."""
    method = f"tx/{txid}"
    stated = read_mapping(method, answer)
    if read_hash(method, stated.get("txid")) != txid:
        refuse(method, f"the transaction {txid}", stated.get("txid"))
    mined, ours = False, True
    for entry in read_list(method, stated.get("vin")):
        txin = read_mapping(method, entry)
        if txin.get("is_coinbase") is True:
            mined, ours = True, False
            continue
        spent = read_mapping(method, txin.get("prevout"))
        ours = ours and read_hex(method, spent.get("scriptpubkey")) in own
    return mined, ours
