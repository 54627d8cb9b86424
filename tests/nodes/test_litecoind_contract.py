"""The suite that every family must pass, on a real node: litecoind on regtest, mining a block for each broadcast."""

from __future__ import annotations

import itertools

import pytest

from multiwallet import Mnemonic
from multiwallet.testing import ChainContract
from multiwallet.transport import HttpTransport

entropies = itertools.count(1)


class Mining:
    """An HTTP transport to a node that mines a block after each transaction it takes."""

    def __init__(self, node, network_id):
        self.node = node
        url = node.url.replace("http://", f"core+http://{node.user}:{node.password}@")
        self.http = HttpTransport({network_id: [url]})

    def perform(self, effects):
        outcomes = self.http.perform(effects)
        if any(getattr(effect, "broadcast", False) for effect in effects):
            self.node.mine(1)
        return outcomes


class TestLitecoind(ChainContract):
    network = "litecoin-regtest"
    valid_addresses = (
        "rltc1qquv9lg5g2r4jkr0ahun0ddfg5xntxjelslm6ts",
        "RLTC1QQUV9LG5G2R4JKR0AHUN0DDFG5XNTXJELSLM6TS",
        "rltc1pfewlxm8meyyvgjydfu7v8j4ej64symj6ut8sf66h9germp94qgzsdfntdp",
        "QVxVHA4FngEXSb4jGSJhhMmk59gTNAK1eP",
        "n118YqfT1hk8uvXcqcy4fwLDfVQfJpQTaS",
    )
    invalid_addresses = (
        "rltc1qquv9lg5g2r4jkr0ahun0ddfg5xntxjelslm6tt",
        "ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh",
        "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
        "n118YqfT1hk8uvXcqcy4fwLDfVQfJpQTaT",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )
    node = None
    transport = None

    @pytest.fixture(autouse=True)
    def _fresh(self, litecoind):
        """The shared node, and accounts that nobody has used."""
        self.node = litecoind
        self.mnemonic = Mnemonic.from_entropy(next(entropies).to_bytes(16, "big")).expose()
        yield
        if self.transport is not None:
            self.transport.http.close()

    def open_transport(self):
        self.transport = Mining(self.node, self.row.id)
        return self.transport

    def fund(self, transport, account, amount):
        for _ in range(3):
            if self.node.rpc("getbalance") < 50:
                self.node.mine(101)
        self.node.rpc("sendtoaddress", account.address, amount)
        self.node.mine(1)
