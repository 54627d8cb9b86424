"""The suite that every family must pass, on a real node: anvil, which mines a block for each transaction."""

from __future__ import annotations

import itertools

import pytest

from multiwallet import Amount, Mnemonic, add_network
from multiwallet.codec import abi
from multiwallet.devnet.evm_token import token_bytecode
from multiwallet.testing import ChainContract
from multiwallet.transport import HttpTransport

entropies = itertools.count(1)


class TestAnvil(ChainContract):
    network = "anvil"
    valid_addresses = (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
    )
    invalid_addresses = (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "TDc9TjNYQLUnY6oZZZnHcziUKFtTsfRCoT",
    )
    node = None
    transport = None

    @pytest.fixture(autouse=True)
    def _fresh(self, anvil):
        """The shared node, and accounts that nobody has used."""
        add_network("anvil", id="eip155:31337", symbol="ETH", override=True)
        self.node = anvil
        self.mnemonic = Mnemonic.from_entropy(next(entropies).to_bytes(16, "big")).expose()
        yield
        if self.transport is not None:
            self.transport.close()

    def open_transport(self):
        self.transport = HttpTransport({self.row.id: [self.node.url]})
        return self.transport

    def fund(self, transport, account, amount):
        self.node.fund(account.address, Amount.parse(amount, self.row.native).units)

    def deploy_token(self, transport, account):
        prices = {"gas": 2_000_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        nonce = int(self.node.rpc("eth_getTransactionCount", account.address, "latest"), 16)
        signed = account.sign({"data": token_bytecode("TEST", 6), "nonce": nonce, **prices})
        account.broadcast(signed).wait()
        contract = self.node.rpc("eth_getTransactionReceipt", signed.txid)["contractAddress"]
        data = abi.encode_call("mint(address,uint256)", (account.address, 10**12))
        account.send(to=contract, amount="0", data=data).wait()
        return account.asset(contract)
