"""Bitcoin Core's JSON-RPC (and that of its forks) as a source. Works without a wallet and without ``txindex``.

``scantxoutset`` sees what is confirmed and unspent, no history: an address that was used and emptied looks
unused, unless this account object saw it used before. Unconfirmed payments are found by reading the mempool,
and only one of up to 500 transactions is read; beside a fuller one a payment shows once it is confirmed. On a
main network a scan takes the node a minute or more: give the transport a timeout to match.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from ...amounts import Amount
from ...chain import Network
from ...errors import InvalidTransaction, MultiwalletError, Rejected, Unsupported
from ...ops import Effect, Op, Rpc, Sleep, ask, attempt
from ...transactions import Receipt, Status
from .answers import (
    read_hash,
    read_hex,
    read_list,
    read_mapping,
    read_number,
    read_rate,
    read_units,
    refuse,
)
from .coins import Coin, Found, Unspent
from .transaction import OutPoint, Transaction

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

REACH: Final[int] = 100
_SMALL_MEMPOOL: Final = 500
_LARGEST_INDEX: Final = 0xFFFFFFFF
_HIGHEST: Final = 2**31
_OUTPUTS_ASKED: Final = 10
_NOT_FOUND: Final = (-5, -8)
_SCAN_RUNNING: Final = -8
_SCAN_PATIENCE: Final = 40
_COINS_TO_UNITS: Final = 10**8
_NO_METHOD: Final = -32601
_BRANCH: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)


def genesis(network: Network) -> Op[str]:
    (answer,) = yield from ask(_rpc(network, "getblockhash", network.params.get("genesis_height", 0)))
    return read_hash("getblockhash", answer)


def tip(network: Network) -> Op[int]:
    (answer,) = yield from ask(_rpc(network, "getblockcount"))
    return read_number("getblockcount", answer, _HIGHEST)


def branch(network: Network) -> Op[int | None]:
    method = "getblockchaininfo"
    (answer,) = yield from ask(_rpc(network, method))
    stated = read_mapping(method, read_mapping(method, answer).get("consensus")).get("nextblock")
    if not isinstance(stated, str) or not _BRANCH.fullmatch(stated):
        refuse(method, "a consensus branch", stated)
    return int(stated, 16)


def look(network: Network, scripts: Sequence[bytes]) -> Op[Found]:
    method = "scantxoutset"
    asked = set(scripts)
    answer = read_mapping(method, (yield from _scan(network, [f"raw({script.hex()})" for script in scripts])))
    if answer.get("success") is not True:
        refuse(method, "success", answer.get("success"))
    tip = read_number(method, answer.get("height"), _HIGHEST)
    unspent = []
    for entry in read_list(method, answer.get("unspents")):
        item = read_mapping(method, entry)
        script = read_hex(method, item.get("scriptPubKey"))
        if item.get("tokenData") is not None:  # a token of Bitcoin Cash sits on it, which spending it would destroy
            continue
        if script not in asked:
            refuse(method, "one of the scripts asked for", script.hex())
        outpoint = OutPoint(read_hash(method, item.get("txid")), read_number(method, item.get("vout"), _LARGEST_INDEX))
        height = read_number(method, item.get("height"), tip)
        unspent.append(Unspent(outpoint, read_units(method, item.get("amount")), script, height))
    return Found(tip, frozenset(output.script for output in unspent), tuple(unspent))


def _scan(network: Network, descriptors: list[str]) -> Op[Any]:
    """A node does one scan at a time: while it does another one, wait for it."""
    for turn in range(_SCAN_PATIENCE):
        (outcome,) = yield from attempt(_rpc(network, "scantxoutset", "start", descriptors))
        if not (isinstance(outcome, Rejected) and outcome.node_code == _SCAN_RUNNING and "progress" in outcome.message):
            break
        yield from ask(Sleep(min(2**turn, 5)))
    if isinstance(outcome, Rejected) and outcome.node_code == _NO_METHOD:
        raise Unsupported(
            f"this node of {network.title} cannot look for scripts (it has no scantxoutset): name a Blockbook as the "
            "endpoint, blockbook+https://..."
        ) from outcome
    if isinstance(outcome, MultiwalletError):
        raise outcome
    return outcome


def settle(network: Network, found: Found, own: Collection[bytes], coinbase: Mapping[OutPoint, bool]) -> Op[Found]:
    """Take out what the mempool spends, learn which coins are mined, and read a small mempool for more."""
    del coinbase  # gettxout is asked for every coin in any case
    method = "gettxout"
    answers = yield from ask(
        _rpc(network, "getmempoolinfo"),
        *(_rpc(network, method, o.outpoint.txid, o.outpoint.index, True) for o in found.unspent),
    )
    unspent = []
    for output, answer in zip(found.unspent, answers[1:], strict=True):
        if answer is None:  # a transaction in the mempool spends it
            continue
        stated = read_mapping(method, answer)
        mined = stated.get("coinbase")
        if not isinstance(mined, bool) or read_units(method, stated.get("value")) != output.amount:
            refuse(method, f"the coin {output.outpoint} as scantxoutset told it", stated.get("value"))
        unspent.append(output._replace(coinbase=mined))
    size = read_number("getmempoolinfo", read_mapping("getmempoolinfo", answers[0]).get("size"))
    if not 0 < size <= _SMALL_MEMPOOL:
        return found._replace(unspent=tuple(unspent))
    confirmed = {output.outpoint.raw for output in found.unspent}
    waiting = _unconfirmed((yield from _mempool(network)), own, confirmed)
    return Found(found.tip, found.used | {output.script for output in waiting}, (*unspent, *waiting))


def _mempool(network: Network) -> Op[list[Transaction]]:
    (answer,) = yield from ask(_rpc(network, "getrawmempool"))
    txids = [read_hash("getrawmempool", txid) for txid in read_list("getrawmempool", answer)]
    if len(txids) > 2 * _SMALL_MEMPOOL:  # it has grown since it was asked for its size
        return []
    outcomes = (yield from attempt(*(_rpc(network, "getrawtransaction", t, False) for t in txids))) if txids else []
    transactions = []
    for txid, outcome in zip(txids, outcomes, strict=True):
        if isinstance(outcome, Rejected) and outcome.node_code in _NOT_FOUND:
            continue  # mined or dropped a moment ago
        if isinstance(outcome, MultiwalletError):
            raise outcome
        transaction = _parse("getrawtransaction", outcome)
        if transaction is None:
            continue
        if transaction.txid != txid:
            refuse("getrawtransaction", f"the transaction {txid}", transaction.txid)
        transactions.append(transaction)
    return transactions


def _parse(method: str, answer: Any) -> Transaction | None:
    """A transaction; None for one in a form that only a fork has (Litecoin's MWEB, say), which is not ours."""
    raw = read_hex(method, answer)
    if raw[4:5] == b"\0" and raw[5:6] not in (b"\0", b"\x01"):
        return None
    if raw[:1] >= b"\x03" and raw[1:2] == raw[3:4] == b"\0" and raw[2:3] != b"\0":
        return None  # a special transaction of Dash
    try:
        return Transaction.parse(raw)
    except InvalidTransaction:
        refuse(method, "a transaction", answer)


def _unconfirmed(mempool: Sequence[Transaction], own: Collection[bytes], mine: set[bytes]) -> list[Unspent]:
    """The account's unspent outputs in the mempool. Those are its own that spend only what is in ``mine``."""
    spent = {txin.prevout for transaction in mempool for txin in transaction.inputs}
    left, ours = list(mempool), set()
    while True:  # a transaction may spend another one's output: go round until no more are found
        found = [t for t in left if all(txin.prevout in mine for txin in t.inputs)]
        if not found:
            break
        for transaction in found:
            ours.add(transaction.txid)
            mine |= {point.raw for point, output in _outputs(transaction) if output.script in own}
        left = [t for t in left if t.txid not in ours]
    return [
        Unspent(point, output.amount, output.script, None, own=transaction.txid in ours)
        for transaction in mempool
        for point, output in _outputs(transaction)
        if output.script in own and point.raw not in spent
    ]


def _outputs(transaction: Transaction) -> list[tuple[OutPoint, Any]]:
    return [(OutPoint(transaction.txid, index), output) for index, output in enumerate(transaction.outputs)]


def seen(network: Network, txids: Sequence[str]) -> Op[list[Status]]:
    """Without ``txindex`` a confirmed transaction may be UNKNOWN here; its coins are then told by the scan."""
    outcomes = yield from attempt(*(_rpc(network, "getmempoolentry", txid) for txid in txids))
    states = []
    for outcome in outcomes:
        if isinstance(outcome, Rejected) and outcome.node_code in _NOT_FOUND:
            states.append(Status.UNKNOWN)
        elif isinstance(outcome, MultiwalletError):
            raise outcome
        else:
            read_mapping("getmempoolentry", outcome)
            states.append(Status.PENDING)
    return states


def previous(network: Network, coins: Sequence[Coin]) -> Op[list[bytes | None]]:
    """Without ``txindex`` a node finds a confirmed transaction only by its block, and the block by its height."""
    heights = sorted({coin.height for coin in coins if coin.height is not None})
    hashes: dict[int | None, list[str]] = {None: []}
    if heights:
        answers = yield from ask(*(_rpc(network, "getblockhash", height) for height in heights))
        hashes |= {h: [read_hash("getblockhash", answer)] for h, answer in zip(heights, answers, strict=True)}
    wanted = {coin.outpoint.txid: coin.height for coin in coins}
    method = "getrawtransaction"
    outcomes = yield from attempt(*(_rpc(network, method, txid, False, *hashes[h]) for txid, h in wanted.items()))
    raw: dict[str, bytes | None] = {}
    for txid, outcome in zip(wanted, outcomes, strict=True):
        pruned = isinstance(outcome, Rejected) and "pruned" in outcome.message
        if isinstance(outcome, MultiwalletError) and not pruned:
            raise outcome
        raw[txid] = None if pruned else read_hex(method, outcome)
    return [raw[coin.outpoint.txid] for coin in coins]


def rates(network: Network, target: int) -> Op[tuple[int | None, int]]:
    """What the node estimates, None where it has seen too little, and the least that its mempool takes."""
    estimate, mempool = yield from ask(_rpc(network, "estimatesmartfee", target), _rpc(network, "getmempoolinfo"))
    stated = read_mapping("estimatesmartfee", estimate).get("feerate")
    info = read_mapping("getmempoolinfo", mempool)
    least = read_rate("getmempoolinfo", info.get("mempoolminfee"), _COINS_TO_UNITS)
    relay = read_rate("getmempoolinfo", info.get("minrelaytxfee", 0), _COINS_TO_UNITS)
    rate = None if stated is None else read_rate("estimatesmartfee", stated, _COINS_TO_UNITS)
    return rate, max(least, relay, 1)


def submission(network: Network, raw: str) -> Effect:
    return Rpc(network.id, "sendrawtransaction", [raw], broadcast=True, service="core")


def refusal(refused: Rejected) -> tuple[int | None, str]:
    code = refused.node_code
    return (code if isinstance(code, int) else None), refused.message


def locate(network: Network, txid: str) -> Op[Receipt]:
    """Ask the mempool, the index where the node has one, and the first ten outputs while they are unspent.

    A transaction whose outputs are all spent is UNKNOWN to a node without ``txindex``.
    """
    outcomes = yield from attempt(
        _rpc(network, "getrawtransaction", txid, 2),
        _rpc(network, "getmempoolentry", txid),
        *(_rpc(network, "gettxout", txid, index, True) for index in range(_OUTPUTS_ASKED)),
    )
    for outcome in outcomes:
        if isinstance(outcome, MultiwalletError) and not (
            isinstance(outcome, Rejected) and outcome.node_code in _NOT_FOUND
        ):
            raise outcome
    transaction, entry, *outputs = outcomes
    if not isinstance(entry, MultiwalletError):
        return Receipt(network, txid, Status.PENDING, fee=_mempool_fee(network, entry))
    if not isinstance(transaction, MultiwalletError):
        stated = read_mapping("getrawtransaction", transaction)
        if read_hash("getrawtransaction", stated.get("txid")) != txid:
            refuse("getrawtransaction", f"the transaction {txid}", stated.get("txid"))
        if stated.get("blockhash") is None:
            return Receipt(network, txid, Status.PENDING)
        block = read_hash("getrawtransaction", stated["blockhash"])
        height, confirmations = yield from _header(network, block)
        if confirmations < 1:  # its block is no longer in the chain
            return Receipt(network, txid, Status.PENDING)
        return _confirmed(network, txid, height, confirmations, _stated_fee(network, stated))
    for output in outputs:
        if output is None or isinstance(output, MultiwalletError):
            continue
        stated = read_mapping("gettxout", output)
        confirmations = read_number("gettxout", stated.get("confirmations"), _HIGHEST)
        if not confirmations:
            return Receipt(network, txid, Status.PENDING)
        tip, _ = yield from _header(network, read_hash("gettxout", stated.get("bestblock")))
        height = tip - confirmations + 1
        return _confirmed(network, txid, height, confirmations, (yield from _mined_fee(network, txid, height)))
    return Receipt(
        network,
        txid,
        Status.UNKNOWN,
        reason="not in the mempool, and none of its first outputs is unspent: without txindex the node knows no more",
    )


def spent_elsewhere(network: Network, outpoint: OutPoint, txid: str, depth: int) -> Op[bool]:
    """A node without an index does not know who spent a coin: it is gone, and not since the last few blocks."""
    (output,) = yield from ask(_rpc(network, "gettxout", outpoint.txid, outpoint.index, False))
    if output is not None:
        return False
    (parent,) = yield from attempt(_rpc(network, "gettxout", outpoint.txid, outpoint.index, True))
    if parent is not None:  # it stands in the mempool only: not spent, not even made
        return False
    (info,) = yield from ask(_rpc(network, "getblockchaininfo"))
    block = read_hash("getblockchaininfo", read_mapping("getblockchaininfo", info).get("bestblockhash"))
    for _ in range(depth - 1):
        (answer,) = yield from ask(_rpc(network, "getblock", block, 2))
        stated = read_mapping("getblock", answer)
        for entry in read_list("getblock", stated.get("tx")):
            transaction = read_mapping("getblock", entry)
            if read_hash("getblock", transaction.get("txid")) in (txid, outpoint.txid):
                return False
            for txin in read_list("getblock", transaction.get("vin")):
                spent = read_mapping("getblock", txin)
                if (spent.get("txid"), spent.get("vout")) == (outpoint.txid, outpoint.index):
                    return False  # spent, and not deep enough yet
        if stated.get("previousblockhash") is None:
            return False
        block = read_hash("getblock", stated["previousblockhash"])
    # The coin was there when the transaction was built, and no young block took it: an old one did.
    return True


def _confirmed(network: Network, txid: str, height: int, confirmations: int, fee: Amount | None) -> Receipt:
    return Receipt(network, txid, Status.CONFIRMED, confirmations=confirmations, block=height, fee=fee)


def _header(network: Network, block: str) -> Op[tuple[int, int]]:
    (answer,) = yield from ask(_rpc(network, "getblockheader", block))
    stated = read_mapping("getblockheader", answer)
    height = read_number("getblockheader", stated.get("height"), _HIGHEST)
    return height, read_number("getblockheader", stated.get("confirmations"), _HIGHEST, least=-1)


def _mined_fee(network: Network, txid: str, height: int) -> Op[Amount | None]:
    """Nodes of version 25 and later tell the fee of a mined transaction; of older ones nobody learns it."""
    (block,) = yield from attempt(_rpc(network, "getblockhash", height))
    if not isinstance(block, str):
        return None
    (answer,) = yield from attempt(_rpc(network, "getrawtransaction", txid, 2, block))
    return _stated_fee(network, answer) if isinstance(answer, Mapping) else None


def _stated_fee(network: Network, stated: Mapping[str, Any]) -> Amount | None:
    fee = stated.get("fee")
    return None if fee is None else Amount(read_units("getrawtransaction", fee), network.native)


def _mempool_fee(network: Network, entry: Any) -> Amount:
    stated = read_mapping("getmempoolentry", entry)
    fees = stated.get("fees")
    fee = read_mapping("getmempoolentry", fees).get("base") if fees is not None else stated.get("fee")
    return Amount(read_units("getmempoolentry", fee), network.native)


def _rpc(network: Network, method: str, *params: Any) -> Rpc:
    return Rpc(network.id, method, list(params), service="core")
