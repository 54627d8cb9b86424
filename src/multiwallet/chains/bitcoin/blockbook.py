"""Blockbook's REST API, version 2, as a source: it serves nearly every network of this family.

What makes it stand beside Esplora: it is there for networks whose node cannot look for a script by itself (Dogecoin
Core, Zebra), and it says which consensus branch a Zcash node is on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
from ...errors import InputError, MultiwalletError, Rejected, Unsupported
from ...ops import Effect, Op, Rest, ask, attempt
from ...transactions import Receipt, Status
from .addresses import address_of, script_of
from .answers import read_hash, read_hex, read_list, read_mapping, read_number, read_rate, refuse
from .coins import COINBASE_MATURITY, Coin, Found, Unspent
from .transaction import MAX_AMOUNT, OutPoint

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
_HIGHEST: Final = 2**31
_LARGEST_INDEX: Final = 0xFFFFFFFF
_MIN_RELAY_RATE: Final = 1000
_COINS_TO_UNITS: Final = 10**8
_UNITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_RATE: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)
_BRANCH: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
_CODE: Final = re.compile(r"(-[0-9]{1,5}): ", re.ASCII)


def genesis(network: Network) -> Op[str]:
    method = f"api/v2/block-index/{network.params.get('genesis_height', 0)}"
    (answer,) = yield from ask(_get(network, method))
    return read_hash(method, read_mapping(method, answer).get("blockHash"))


def tip(network: Network) -> Op[int]:
    (answer,) = yield from ask(_status(network))
    return _height(answer)


def branch(network: Network) -> Op[int | None]:
    (answer,) = yield from ask(_status(network))
    consensus = read_mapping("api/v2", read_mapping("api/v2", answer).get("backend")).get("consensus")
    stated = consensus.get("nextblock") if isinstance(consensus, Mapping) else None
    if stated is None:
        return None
    if not isinstance(stated, str) or not _BRANCH.fullmatch(stated):
        refuse("api/v2", "a consensus branch", stated)
    return int(stated, 16)


def look(network: Network, scripts: Sequence[bytes]) -> Op[Found]:
    addresses = [_address(network, script) for script in scripts]
    basic = {"details": "basic"}
    answers = yield from ask(_status(network), *(_get(network, f"api/v2/address/{text}", basic) for text in addresses))
    height = _height(answers[0])
    used, holding = set(), []
    for script, address, answer in zip(scripts, addresses, answers[1:], strict=True):
        method = f"api/v2/address/{address}"
        stated = read_mapping(method, answer)
        if _script(network, stated.get("address", address)) != script:
            refuse(method, f"the address {address}", stated.get("address"))
        confirmed = read_number(method, stated.get("txs", 0))  # fields that are zero may be left out
        waiting = read_number(method, stated.get("unconfirmedTxs", 0))
        if confirmed or waiting:
            used.add(script)
        if waiting or _units(method, stated.get("balance", "0")):
            holding.append((script, address))
    unspent: list[Unspent] = []
    if holding:
        lists = yield from ask(*(_get(network, f"api/v2/utxo/{address}") for _, address in holding))
        for (script, address), answer in zip(holding, lists, strict=True):
            method = f"api/v2/utxo/{address}"
            unspent += [_unspent(method, script, item) for item in read_list(method, answer)]
    return Found(height, frozenset(used), tuple(unspent))


def settle(network: Network, found: Found, own: Collection[bytes], coinbase: Mapping[OutPoint, bool]) -> Op[Found]:
    """Which of the young outputs are mined, and which unconfirmed ones the account paid itself."""
    maturity = network.params.get("coinbase_maturity", COINBASE_MATURITY)
    questions: dict[str, None] = {}
    for output in found.unspent:
        young = output.height is None or found.tip - output.height + 1 < maturity
        if young and (output.height is None or output.outpoint not in coinbase):
            questions[output.outpoint.txid] = None
    answers = (yield from ask(*(_transaction(network, txid) for txid in questions))) if questions else []
    read = {txid: _origin(network, txid, answer, own) for txid, answer in zip(questions, answers, strict=True)}
    unspent = []
    for output in found.unspent:
        mined, ours = read.get(output.outpoint.txid, (coinbase.get(output.outpoint, output.coinbase), False))
        unspent.append(output._replace(coinbase=mined, own=ours and output.height is None))
    return found._replace(unspent=tuple(unspent))


def seen(network: Network, txids: Sequence[str]) -> Op[list[Status]]:
    outcomes = yield from attempt(*(_transaction(network, txid) for txid in txids))
    return [_place(txid, outcome)[0] for txid, outcome in zip(txids, outcomes, strict=True)]


def previous(network: Network, coins: Sequence[Coin]) -> Op[list[bytes | None]]:
    txids = list(dict.fromkeys(coin.outpoint.txid for coin in coins))
    answers = yield from ask(*(_transaction(network, txid) for txid in txids))
    raw = {}
    for txid, answer in zip(txids, answers, strict=True):
        method = f"api/v2/tx/{txid}"
        raw[txid] = read_hex(method, read_mapping(method, answer).get("hex"))
    return [raw[coin.outpoint.txid] for coin in coins]


def rates(network: Network, target: int) -> Op[tuple[int | None, int]]:
    """The estimate of its node, where it has one, and the row's least rate."""
    method = f"api/v2/estimatefee/{target}"
    (answer,) = yield from ask(_get(network, method))
    stated = read_mapping(method, answer).get("result")
    minimum = network.params.get("min_relay_rate", _MIN_RELAY_RATE)
    if isinstance(stated, str) and stated.startswith("-"):  # its node has seen too little
        return None, minimum
    if not isinstance(stated, str) or not _RATE.fullmatch(stated):
        refuse(method, "a fee rate as text", stated)
    return read_rate(method, Decimal(stated), _COINS_TO_UNITS) or None, minimum


def submission(network: Network, raw: str) -> Effect:
    return Rest(network.id, "POST", "api/v2/sendtx/", text=raw, broadcast=True, service="blockbook")


def refusal(refused: Rejected) -> tuple[int | None, str]:
    """The node's own words stand in the text of the error: ``-26: 66: insufficient priority``."""
    words = _words(refused)
    match = _CODE.search(words)
    return (None if match is None else int(match[1])), words


def locate(network: Network, txid: str) -> Op[Receipt]:
    (outcome,) = yield from attempt(_transaction(network, txid))
    state, block, confirmations = _place(txid, outcome)
    if state is Status.UNKNOWN:
        return Receipt(network, txid, state)
    fee = Amount(_units(f"api/v2/tx/{txid}", outcome.get("fees", "0")), network.native)
    return Receipt(network, txid, state, confirmations=confirmations, block=block, fee=fee)


def spent_elsewhere(network: Network, outpoint: OutPoint, txid: str, depth: int) -> Op[bool]:
    method = f"api/v2/tx/{outpoint.txid}"
    outcome, status = yield from attempt(_get(network, method, {"spending": "true"}), _status(network))
    if _is_unknown(outcome):
        return False  # the coin's own transaction is not known, which may be for a moment
    for answer in (outcome, status):
        if isinstance(answer, MultiwalletError):
            raise answer
    for entry in read_list(method, read_mapping(method, outcome).get("vout")):
        output = read_mapping(method, entry)
        if output.get("n") != outpoint.index or output.get("spentTxId") is None:
            continue
        if read_hash(method, output["spentTxId"]) == txid:
            return False
        block = read_number(method, output.get("spentHeight", 0), _HIGHEST)
        return block > 0 and _height(status) - block + 1 >= depth
    return False


# -- answers --------------------------------------------------------------------------------------------


def _get(network: Network, path: str, query: Mapping[str, str] | None = None) -> Rest:
    return Rest(network.id, "GET", path, query=query or {}, service="blockbook")


def _status(network: Network) -> Rest:
    return _get(network, "api/v2")


def _transaction(network: Network, txid: str) -> Rest:
    return _get(network, f"api/v2/tx/{txid}")


def _height(answer: Any) -> int:
    stated = read_mapping("api/v2", read_mapping("api/v2", answer).get("blockbook"))
    return read_number("api/v2", stated.get("bestHeight"), _HIGHEST)


def _address(network: Network, script: bytes) -> str:
    address = address_of(network, script)
    if address is None:
        raise Unsupported(f"{network.title} has no address for this account's scripts, which Blockbook is asked by")
    return address


def _script(network: Network, address: Any) -> bytes | None:
    try:
        return script_of(network, address)
    except InputError:
        return None


def _units(method: str, answer: Any) -> int:
    """An amount: text in the smallest unit."""
    if not isinstance(answer, str) or not _UNITS.fullmatch(answer) or int(answer) > MAX_AMOUNT:
        refuse(method, "an amount as text", answer)
    return int(answer)


def _unspent(method: str, script: bytes, answer: Any) -> Unspent:
    item = read_mapping(method, answer)
    outpoint = OutPoint(read_hash(method, item.get("txid")), read_number(method, item.get("vout"), _LARGEST_INDEX))
    amount = _units(method, item.get("value"))
    if not amount:
        refuse(method, "an amount above zero", amount)
    height = item.get("height", 0)
    block = None if height in (0, -1) else read_number(method, height, _HIGHEST)
    return Unspent(outpoint, amount, script, block, item.get("coinbase") is True)


def _words(refused: Rejected) -> str:
    return f"{refused.message} {refused.data}"[:4000] if refused.data is not None else refused.message


def _is_unknown(outcome: Any) -> bool:
    """Whether this is how it says that it does not know a transaction: code 400 or 404, and words."""
    return isinstance(outcome, Rejected) and "not found" in _words(outcome).lower()


def _place(txid: str, outcome: Any) -> tuple[Status, int | None, int]:
    """The status of a transaction, its block and its confirmations, from what ``tx/<txid>`` answered."""
    if _is_unknown(outcome):
        return Status.UNKNOWN, None, 0
    if isinstance(outcome, MultiwalletError):
        raise outcome
    method = f"api/v2/tx/{txid}"
    answer = read_mapping(method, outcome)
    if read_hash(method, answer.get("txid")) != txid:
        refuse(method, f"the transaction {txid}", answer.get("txid"))
    confirmations = read_number(method, answer.get("confirmations", 0), _HIGHEST)
    height = answer.get("blockHeight", -1)
    if not confirmations or height in (0, -1):
        return Status.PENDING, None, 0
    return Status.CONFIRMED, read_number(method, height, _HIGHEST), confirmations


def _origin(network: Network, txid: str, answer: Any, own: Collection[bytes]) -> tuple[bool, bool]:
    """Whether a transaction is a coinbase, and whether all that it spends is the account's own."""
    method = f"api/v2/tx/{txid}"
    stated = read_mapping(method, answer)
    if read_hash(method, stated.get("txid")) != txid:
        refuse(method, f"the transaction {txid}", stated.get("txid"))
    inputs = [read_mapping(method, entry) for entry in read_list(method, stated.get("vin", []))]
    mined = len(inputs) == 1 and inputs[0].get("txid") is None
    ours = bool(inputs) and not mined
    for txin in inputs if ours else ():
        addresses = txin.get("addresses")
        if not isinstance(addresses, list) or len(addresses) != 1:
            ours = False
            break
        ours = ours and _script(network, addresses[0]) in own
    return mined, ours
