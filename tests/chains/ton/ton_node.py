"""A node's answers for TON, as toncenter's API v3 gives them, to be changed by each test."""

from __future__ import annotations

import base64
import copy

from multiwallet.chains.ton import addresses
from multiwallet.codec import boc
from multiwallet.codec.cell import Builder
from multiwallet.testing import FakeTransport

WORDS = "test test test test test test test test test test test junk"
NOW = 1_750_000_000


def bag(cell):
    return base64.b64encode(boc.encode(cell)).decode()


def written(address):
    return {"type": "slice", "value": bag(addresses.write(Builder(), address).end())}


def number(value):
    return {"type": "num", "value": hex(value)}


class Node(FakeTransport):
    """A wallet with 10 TON and sequence number 5; ``methods`` are the get-methods by name."""

    def __init__(self):
        super().__init__()
        self.accounts = {}
        self.methods = {"seqno": [number(5)]}
        self.found = {}
        self.answers = {
            "masterchainInfo": {"last": {"seqno": 900, "gen_utime": str(NOW), "global_id": -239}},
            "addressInformation": lambda effect: self.accounts.get(
                effect.query["address"], {"balance": "10000000000", "status": "active"}
            ),
            "runGetMethod": self._method,
            "estimateFee": {
                "source_fees": {"in_fwd_fee": 1_000_000, "storage_fee": 10, "gas_fee": 1_500_000, "fwd_fee": 400_000},
                "destination_fees": [],
            },
            "transactionsByMessage": lambda effect: {"transactions": self.found.get(effect.query["msg_hash"], [])},
        }

    def _method(self, effect):
        stack = self.methods.get(effect.json["method"])
        if stack is None:
            return {"gas_used": 0, "exit_code": -13, "stack": []}
        return {"gas_used": 1, "exit_code": 0, "stack": stack}


def b64(data):
    return base64.b64encode(data).decode()


def included(signed, **changes):
    """The transaction of a signed message as the index tells it."""
    entry = {
        "account": "0:00",
        "lt": "77",
        "mc_block_seqno": 898,
        "total_fees": "2000000",
        "in_msg": {
            "source": None,
            "hash": b64(boc.decode(signed.raw).hash),
            "hash_norm": b64(bytes.fromhex(signed.txid)),
        },
        "out_msgs": [{"hash": b64(b"\x05" * 32), "fwd_fee": "266669", "bounce": False}],
        "description": {
            "aborted": False,
            "compute_ph": {"skipped": False, "success": True, "exit_code": 0},
            "action": {"success": True, "skipped_actions": 0, "tot_actions": 1},
        },
    }
    entry.update(copy.deepcopy(changes))
    return entry
