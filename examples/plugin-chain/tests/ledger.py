"""A Stacks network for tests: it really reads the bytes, checks signature, network, nonce and balance, and keeps books.

No node of Stacks can be had from a package registry. What a node would refuse, this refuses in the node's words.
"""

from __future__ import annotations

from dataclasses import replace

from multiwallet_stacks import c32
from multiwallet_stacks.transaction import Transfer

from multiwallet.crypto.hashes import hash160
from multiwallet.crypto.secp256k1 import recover
from multiwallet.errors import InputError, Rejected
from multiwallet.ops import Rest, Sleep

LEAST_FEE = 180


class Ledger:
    """A transport whose other end is this ledger. Each accepted transfer makes a block."""

    def __init__(self, network):
        self.network = network
        self.versions = 26 if network.testnet else 22
        self.balances, self.nonces, self.mined = {}, {}, {}
        self.height = 1

    def perform(self, effects):
        return [self._answer(effect) for effect in effects]

    def _answer(self, effect):
        if isinstance(effect, Sleep):
            return None
        assert isinstance(effect, Rest), effect
        if effect.path == "v2/info":
            return {"network_id": self.network.params["chain_id"], "stacks_tip_height": self.height}
        if effect.path == "v2/fees/transfer":
            return 1
        if effect.path.startswith("v2/accounts/"):
            _, owner = c32.decode_address(effect.path.removeprefix("v2/accounts/"))
            balance = self.balances.get(owner, 0)
            return {"balance": f"0x{balance:032x}", "locked": f"0x{0:032x}", "nonce": self.nonces.get(owner, 0)}
        if effect.path == "v2/transactions":
            return self._submit(bytes.fromhex(effect.json["tx"]))
        if effect.path.startswith("extended/v1/tx/0x"):
            return self.mined.get(effect.path[-64:], Rejected("no such transaction", node_code=404, data={}))
        raise AssertionError(effect.path)

    def _submit(self, raw):
        try:
            transfer = Transfer.decode(raw)
            signature = transfer.signature[1:] + transfer.signature[:1]
            key = recover(signature, transfer.digest())
        except InputError as error:
            return _refusal("Deserialization", error.message)
        params = self.network.params
        if hash160(key) != transfer.signer:
            return _refusal("SignatureValidation", "invalid signature")
        if (transfer.version, transfer.chain_id) != (params["version"], params["chain_id"]):
            return _refusal("BadTransactionVersion", "wrong network")
        if transfer.fee < LEAST_FEE:
            return _refusal("FeeTooLow", "fee too low")
        if transfer.nonce != self.nonces.get(transfer.signer, 0):
            return _refusal("BadNonce", "wrong nonce")
        if self.balances.get(transfer.signer, 0) < transfer.amount + transfer.fee:
            return _refusal("NotEnoughFunds", "not enough")
        if transfer.signer == transfer.recipient or not transfer.amount:
            return _refusal("TransferRecipientIsSender", "to itself")
        self.height += 1
        self.nonces[transfer.signer] = transfer.nonce + 1
        self.balances[transfer.signer] -= transfer.amount + transfer.fee
        self.balances[transfer.recipient] = self.balances.get(transfer.recipient, 0) + transfer.amount
        self.mined[transfer.txid] = {
            "tx_id": f"0x{transfer.txid}",
            "tx_status": "success",
            "block_height": self.height,
            "fee_rate": str(transfer.fee),
        }
        return transfer.txid

    def give(self, address, units):
        _, owner = c32.decode_address(address)
        self.balances[owner] = self.balances.get(owner, 0) + units


def _refusal(reason, text):
    data = {"error": "transaction rejected", "reason": reason}
    return Rejected(f"the node refused: {text}", node_code=400, data=data)


def tampered(transfer: Transfer) -> Transfer:
    """The same transfer to somebody else, under the old signature."""
    return replace(transfer, recipient=bytes(20))
