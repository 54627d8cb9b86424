"""Bitcoin Core's JSON-RPC: the calls that need no wallet. Shapes, codes and words are those of version 30."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ...chains.bitcoin import addresses
from ...chains.bitcoin.transaction import Transaction
from ...errors import InvalidAddress, MultiwalletError, Rejected
from . import answers, scan
from .answers import coins
from .blocks import BITS, TARGET, Block
from .fees import feerate
from .mempool import INCREMENTAL_RATE, MIN_RELAY_RATE, refusal_reason
from .node import Node, named_chain
from .parameters import Parameters, read_transaction
from .script_text import witness_of

__all__ = ["CoreRpc"]

_VERSION: Final = 300_000
_DECODE: Final = "TX decode failed"
_AT_LEAST_ONE: Final = "TX decode failed. Make sure the tx has at least one input."
_MAX_FEE_RATE: Final = 10_000_000  # satoshi for 1,000 virtual bytes: 0.10 BTC
_MAX_TESTED: Final = 25
_MAX_MADE: Final = 10_000

# method: how many parameters are required, and their names
_METHODS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "decoderawtransaction": (1, ("hexstring", "iswitness")),
    "deriveaddresses": (1, ("descriptor", "range")),
    "estimatesmartfee": (1, ("conf_target", "estimate_mode")),
    "generatetoaddress": (2, ("nblocks", "address", "maxtries")),
    "getbestblockhash": (0, ()),
    "getblock": (1, ("blockhash", "verbosity")),
    "getblockchaininfo": (0, ()),
    "getblockcount": (0, ()),
    "getblockhash": (1, ("height",)),
    "getblockheader": (1, ("blockhash", "verbose")),
    "getchaintips": (0, ()),
    "getconnectioncount": (0, ()),
    "getdescriptorinfo": (1, ("descriptor",)),
    "getdifficulty": (0, ()),
    "getindexinfo": (0, ("index_name",)),
    "getmempoolentry": (1, ("txid",)),
    "getmempoolinfo": (0, ()),
    "getmininginfo": (0, ()),
    "getnetworkinfo": (0, ()),
    "getpeerinfo": (0, ()),
    "getrawmempool": (0, ("verbose", "mempool_sequence")),
    "getrawtransaction": (1, ("txid", "verbosity", "blockhash")),
    "gettxout": (2, ("txid", "n", "include_mempool")),
    "ping": (0, ()),
    "scantxoutset": (1, ("action", "scanobjects")),
    "sendrawtransaction": (1, ("hexstring", "maxfeerate", "maxburnamount")),
    "testmempoolaccept": (1, ("rawtxs", "maxfeerate")),
    "uptime": (0, ()),
    "validateaddress": (1, ("address",)),
}


class CoreRpc:
    """Answers calls about one node. ``sent`` is called after a transaction was taken into the mempool."""

    def __init__(self, node: Node, sent: Callable[[], None]) -> None:
        self._node = node
        self._index = node.index
        self._sent = sent

    def call(self, method: str, params: Sequence[Any] | Mapping[str, Any]) -> Any:
        """The result of a call; Rejected with the node's code and words."""
        known = _METHODS.get(method)
        if known is None:
            raise Rejected("Method not found", node_code=-32601)
        required, names = known
        answer: Callable[[Parameters], Any] = getattr(self, f"_{method}")
        return answer(Parameters(method, names, required, params))

    def send(self, transaction: Transaction, max_rate: int = _MAX_FEE_RATE, max_burn: int = 0) -> str:
        """``sendrawtransaction``: what waits already is welcome again, what is in a block is refused as such."""
        for number, output in enumerate(transaction.outputs):
            if output.script[:1] == b"\x6a" and output.amount > max_burn:
                raise Rejected("Unspendable output exceeds maximum configured by user (maxburnamount)", node_code=-25)
            if transaction.txid_bytes + number.to_bytes(4, "little") in self._index.coins:
                raise Rejected("Transaction outputs already in utxo set", node_code=-27)
        if transaction.txid not in self._node.mempool.entries:
            if max_rate:
                entry = self._node.mempool.copy().accept(transaction, self._node.clock)
                if entry.fee > max_rate * entry.vsize // 1000:
                    raise Rejected("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", node_code=-25)
            self._node.accept(transaction)
            self._sent()
        return transaction.txid

    # -- the chain -----------------------------------------------------------------------------------

    def _getblockchaininfo(self, _: Parameters) -> dict[str, Any]:
        tip = self._index.tip
        return {
            "chain": named_chain(self._node.network),
            "blocks": tip.height,
            "headers": tip.height,
            "bestblockhash": tip.name,
            "bits": f"{BITS:08x}",
            "target": f"{TARGET:064x}",
            "difficulty": answers.DIFFICULTY,
            "time": tip.time,
            "mediantime": tip.median_time,
            "verificationprogress": 1,
            "initialblockdownload": False,
            "chainwork": answers.chain_work(tip.height),
            "size_on_disk": self._index.size,
            "pruned": False,
            "warnings": [],
        }

    def _getblockcount(self, _: Parameters) -> int:
        return self._index.height

    def _getbestblockhash(self, _: Parameters) -> str:
        return self._index.tip.name

    def _getblockhash(self, given: Parameters) -> str:
        height = given.number("height")
        if not 0 <= height <= self._index.height:
            raise Rejected("Block height out of range", node_code=-8)
        return self._index.blocks[height].name

    def _block(self, given: Parameters) -> Block:
        block = self._index.by_name.get(given.hash("blockhash"))
        if block is None:
            raise Rejected("Block not found", node_code=-5)
        return block

    def _getblock(self, given: Parameters) -> Any:
        block, verbosity = self._block(given), given.verbosity("verbosity", 1)
        return block.serialize().hex() if verbosity <= 0 else answers.block_answer(self._node, block, verbosity)

    def _getblockheader(self, given: Parameters) -> Any:
        block = self._block(given)
        return answers.header_answer(self._node, block) if given.flag("verbose", True) else block.header.hex()

    def _getchaintips(self, _: Parameters) -> list[dict[str, Any]]:
        tip = self._index.tip
        tips = [{"height": tip.height, "hash": tip.name, "branchlen": 0, "status": "active"}]
        stale = [block for block in self._index.by_name.values() if not self._index.is_active(block)]
        parents = {block.previous_name for block in stale}
        for block in stale:
            if block.name not in parents:
                length, below = 0, block
                while not self._index.is_active(below):
                    length, below = length + 1, self._index.by_name[below.previous_name]
                tips.append({"height": block.height, "hash": block.name, "branchlen": length, "status": "valid-fork"})
        return tips

    def _getdifficulty(self, _: Parameters) -> Decimal:
        return answers.DIFFICULTY

    # -- transactions --------------------------------------------------------------------------------

    def _getrawtransaction(self, given: Parameters) -> Any:
        txid, verbosity = given.hash("txid"), given.verbosity("verbosity", 0)
        if txid == self._index.blocks[0].transactions[0].txid:
            raise Rejected(
                "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved",
                node_code=-5,
            )
        block: Block | None = None
        transaction: Transaction | None
        if given.get("blockhash") is not None:
            block = self._index.by_name.get(given.hash("blockhash"))
            if block is None:
                raise Rejected("Block hash not found", node_code=-5)
            transaction = next((item for item in block.transactions if item.txid == txid), None)
            where = "No such transaction found in the provided block"
        else:
            transaction = self._node.transaction(txid)
            place = self._index.places.get(txid)
            block = None if place is None else place.block
            where = "No such mempool or blockchain transaction"
        if transaction is None:
            raise Rejected(f"{where}. Use gettransaction for wallet transactions.", node_code=-5)
        raw = transaction.serialize().hex()
        if verbosity <= 0:
            return raw
        answer: dict[str, Any] = {}
        if given.get("blockhash") is not None and block is not None:
            answer["in_active_chain"] = self._index.is_active(block)
        spent = answers.spent_answer(self._node, transaction) if verbosity >= 2 else None
        answer |= answers.transaction_answer(self._node.network, transaction, spent)
        answer["hex"] = raw
        if block is not None:
            answer["blockhash"] = block.name
            if self._index.is_active(block):
                answer |= {"confirmations": self._index.confirmations(block), "time": block.time}
                answer["blocktime"] = block.time
            else:
                answer["confirmations"] = 0
        return answer

    def _decoderawtransaction(self, given: Parameters) -> dict[str, Any]:
        transaction = read_transaction(given.text("hexstring"), _AT_LEAST_ONE)
        return answers.transaction_answer(self._node.network, transaction)

    def _sendrawtransaction(self, given: Parameters) -> str:
        transaction = read_transaction(given.text("hexstring"), _AT_LEAST_ONE)
        return self.send(transaction, given.units("maxfeerate", _MAX_FEE_RATE), given.units("maxburnamount", 0))

    def _testmempoolaccept(self, given: Parameters) -> list[dict[str, Any]]:
        raws, max_rate = given.items("rawtxs"), given.units("maxfeerate", _MAX_FEE_RATE)
        if not 1 <= len(raws) <= _MAX_TESTED:
            raise Rejected("Array must contain between 1 and 25 transactions.", node_code=-8)
        pool = self._node.mempool.copy()
        results = []
        for raw in raws:
            shown = str(raw)[:100]
            transaction = read_transaction(raw, f"{_DECODE}: {shown} Make sure the tx has at least one input.")
            answer: dict[str, Any] = {"txid": transaction.txid, "wtxid": transaction.wtxid, "allowed": False}
            try:
                entry = pool.accept(transaction, self._node.clock)
            except Rejected as error:
                if error.node_code == -25:
                    answer["reject-reason"] = "missing-inputs"
                else:
                    answer["reject-reason"] = refusal_reason(error)
                    answer["reject-details"] = error.message
            else:
                if max_rate and entry.fee > max_rate * entry.vsize // 1000:
                    answer["reject-reason"] = "max-fee-exceeded"
                else:
                    rate = coins(entry.fee * 1000 // entry.vsize)
                    fees = {"base": coins(entry.fee), "effective-feerate": rate}
                    answer |= {"allowed": True, "vsize": entry.vsize}
                    answer["fees"] = {**fees, "effective-includes": [transaction.wtxid]}
            results.append(answer)
        return results

    def _gettxout(self, given: Parameters) -> dict[str, Any] | None:
        txid, number = given.hash("txid"), given.number("n")
        if not 0 <= number < 2**32:
            raise Rejected("Invalid parameter, vout cannot be negative" if number < 0 else "Invalid vout", node_code=-8)
        outpoint = bytes.fromhex(txid)[::-1] + number.to_bytes(4, "little")
        pool, coin = self._node.mempool, self._index.coins.get(outpoint)
        output = None if coin is None else coin.output
        if given.flag("include_mempool", True):
            output = None if outpoint in pool.spenders else output or pool.output(outpoint)
        if output is None:
            return None
        return {
            "bestblock": self._index.tip.name,
            "confirmations": 0 if coin is None else self._index.height - coin.height + 1,
            "value": coins(output.amount),
            "scriptPubKey": answers.script_answer(self._node.network, output.script),
            "coinbase": coin is not None and coin.coinbase,
        }

    # -- the mempool and fees ------------------------------------------------------------------------

    def _getmempoolinfo(self, _: Parameters) -> dict[str, Any]:
        entries = list(self._node.mempool)
        size = sum(entry.vsize for entry in entries)
        return {
            "loaded": True,
            "size": len(entries),
            "bytes": size,
            "usage": 4 * size,
            "total_fee": coins(sum(entry.fee for entry in entries)),
            "maxmempool": 300_000_000,
            "mempoolminfee": coins(MIN_RELAY_RATE),
            "minrelaytxfee": coins(MIN_RELAY_RATE),
            "incrementalrelayfee": coins(INCREMENTAL_RATE),
            "unbroadcastcount": 0,
            "fullrbf": True,
            "permitbaremultisig": True,
            "maxdatacarriersize": 83,
        }

    def _getrawmempool(self, given: Parameters) -> Any:
        entries = self._node.mempool.entries
        if given.flag("verbose"):
            return {txid: answers.entry_answer(self._node, entry) for txid, entry in entries.items()}
        if given.flag("mempool_sequence"):
            return {"txids": list(entries), "mempool_sequence": len(entries) + 1}
        return list(entries)

    def _getmempoolentry(self, given: Parameters) -> dict[str, Any]:
        entry = self._node.mempool.entries.get(given.hash("txid"))
        if entry is None:
            raise Rejected("Transaction not in mempool", node_code=-5)
        return answers.entry_answer(self._node, entry)

    def _estimatesmartfee(self, given: Parameters) -> dict[str, Any]:
        target = given.number("conf_target")
        if not 1 <= target <= 1008:
            raise Rejected("Invalid conf_target, must be between 1 and 1008", node_code=-8)
        if given.text("estimate_mode", "economical").lower() not in ("unset", "economical", "conservative"):
            raise Rejected(
                'Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"', node_code=-8
            )
        target = max(target, 2)
        return {"feerate": coins(feerate(target)), "blocks": target}

    # -- addresses and descriptors -------------------------------------------------------------------

    def _validateaddress(self, given: Parameters) -> dict[str, Any]:
        text = given.text("address")
        try:
            script = addresses.script_of(self._node.network, text)
        except MultiwalletError as error:
            return {"isvalid": False, "error_locations": [], "error": error.message}
        answer: dict[str, Any] = {
            "isvalid": True,
            "address": addresses.address_of(self._node.network, script),
            "scriptPubKey": script.hex(),
            "isscript": addresses.kind_of(script) in ("p2sh", "p2wsh", "p2tr"),
            "iswitness": False,
        }
        witness = witness_of(script)
        if witness is not None:
            answer |= {"iswitness": True, "witness_version": witness[0], "witness_program": witness[1].hex()}
        return answer

    def _getdescriptorinfo(self, given: Parameters) -> dict[str, Any]:
        return scan.descriptor_info(self._node.network, given.text("descriptor"))

    def _deriveaddresses(self, given: Parameters) -> list[str]:
        return scan.derive_addresses(self._node.network, given.text("descriptor"), given.get("range"))

    def _scantxoutset(self, given: Parameters) -> Any:
        action = given.text("action")
        if action in ("abort", "status"):
            return False if action == "abort" else None
        if action != "start":
            raise Rejected(f"Invalid action '{action[:40]}'", node_code=-8)
        if given.get("scanobjects") is None:
            raise Rejected("scanobjects argument is required for the start action", node_code=-1)
        return scan.scan_outputs(self._node, given.items("scanobjects"))

    # -- the node ------------------------------------------------------------------------------------

    def _generatetoaddress(self, given: Parameters) -> list[str]:
        count = given.number("nblocks")
        try:
            script = addresses.script_of(self._node.network, given.text("address"))
        except InvalidAddress:
            raise Rejected("Error: Invalid address", node_code=-5) from None
        if count > _MAX_MADE:
            raise Rejected(f"more than {_MAX_MADE} blocks at once are too many for the devnet", node_code=-8)
        return [block.name for block in self._node.mine(max(count, 0), script)]

    def _getnetworkinfo(self, _: Parameters) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "subversion": "/Satoshi:30.0.0/",
            "protocolversion": 70016,
            "localservices": "0000000000000c09",
            "localservicesnames": ["NETWORK", "WITNESS", "NETWORK_LIMITED", "P2P_V2"],
            "localrelay": True,
            "timeoffset": 0,
            "networkactive": False,
            "connections": 0,
            "connections_in": 0,
            "connections_out": 0,
            "networks": [],
            "relayfee": coins(MIN_RELAY_RATE),
            "incrementalfee": coins(INCREMENTAL_RATE),
            "localaddresses": [],
            "warnings": [],
        }

    def _getmininginfo(self, _: Parameters) -> dict[str, Any]:
        return {
            "blocks": self._index.height,
            "bits": f"{BITS:08x}",
            "difficulty": answers.DIFFICULTY,
            "target": f"{TARGET:064x}",
            "networkhashps": 0,
            "pooledtx": len(self._node.mempool.entries),
            "blockmintxfee": coins(MIN_RELAY_RATE),
            "chain": named_chain(self._node.network),
            "warnings": [],
        }

    def _getindexinfo(self, given: Parameters) -> dict[str, Any]:
        state = {"txindex": {"synced": True, "best_block_height": self._index.height}}
        name = given.text("index_name")
        return {key: value for key, value in state.items() if not name or key == name}

    def _getconnectioncount(self, _: Parameters) -> int:
        return 0

    def _getpeerinfo(self, _: Parameters) -> list[Any]:
        return []

    def _ping(self, _: Parameters) -> None:
        return None

    def _uptime(self, _: Parameters) -> int:
        from time import time

        return int(time()) - self._node.started
