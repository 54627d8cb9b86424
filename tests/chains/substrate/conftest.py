"""Real metadata out of npm's @polkadot/types-support, and a scripted node that answers with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet, add_network
from multiwallet.chain import Network
from multiwallet.chains.substrate import addresses, storage
from multiwallet.chains.substrate.build import constant
from multiwallet.chains.substrate.extrinsic import txid_of
from multiwallet.chains.substrate.metadata import parse
from multiwallet.codec import scale
from multiwallet.crypto.hashes import blake2b
from multiwallet.testing import FakeTransport

FILES = Path(__file__).resolve().parents[2] / "oracles" / "node_modules" / "@polkadot" / "types-support" / "metadata"
NAMES = {
    "polkadot14": "v14/polkadot-hex.js",
    "kusama14": "v14/kusama-hex.js",
    "hub15": "v15/asset-hub-kusama-hex.js",
}
COINS = {"polkadot14": ("DOT", 10, 0, 354), "kusama14": ("KSM", 12, 2, 434), "hub15": ("KSM", 12, 2, 434)}
PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
UNIT = 10**12


@cache
def metadata_of(name: str) -> bytes:
    file = FILES / NAMES[name]
    if not file.is_file():
        pytest.skip("the metadata of npm's @polkadot/types-support are not here: `make nodes` fetches them")
    found = re.search(r"0x([0-9a-f]{1000,})", file.read_text())
    assert found is not None
    data = bytes.fromhex(found[1])
    return data[data.index(b"meta") :]


class ScriptedNode(FakeTransport):
    """A node over real metadata: fixed balances, a fixed fee, blocks that hold what a test puts there."""

    def __init__(self, name: str, network: Network, data: bytes | None = None) -> None:
        super().__init__()
        self.data = metadata_of(name) if data is None else data
        self.network = network
        metadata = parse(metadata_of(name))
        version = constant(metadata, "System", "Version")
        self.version = {
            "specName": version["spec_name"],
            "specVersion": version["spec_version"],
            "transactionVersion": version["transaction_version"],
            "apis": [["0x37e397fc7c91f5e4", 2 if metadata.version == 15 else 1]],
        }
        self.fee, self.head, self.final = 160_000_000, 1000, 998
        self.blocks: dict[int, list[str]] = {}
        self.pool: list[str] = []
        self.store: dict[str, str] = {}
        self.answers = {
            "chain_getBlockHash": self._hash,
            "state_getRuntimeVersion": self.version,
            "chain_getFinalizedHead": lambda effect: self.hash_of(self.final),
            "chain_getHeader": lambda effect: {"number": hex(self._number(effect.params) or self.head)},
            "chain_getBlock": self._block,
            "system_accountNextIndex": 7,
            "state_getStorage": lambda effect: self.store.get(effect.params[0]),
            "state_getMetadata": lambda effect: "0x" + self.data.hex(),
            "state_call": self._state_call,
            "author_pendingExtrinsics": lambda effect: self.pool,
            "author_submitExtrinsic": lambda effect: txid_of(bytes.fromhex(effect.params[0][2:])),
        }

    def hash_of(self, number: int) -> str:
        if number == 0:
            return "0x" + str(self.network.params["genesis"])
        return "0x" + number.to_bytes(4, "big").hex() + blake2b(number.to_bytes(4, "big"), size=28).hex()

    def _number(self, params: Any) -> int | None:
        return int(params[0][2:10], 16) if params else None

    def _hash(self, effect: Any) -> str:
        return self.hash_of(effect.params[0])

    def _block(self, effect: Any) -> dict[str, Any]:
        number = self._number(effect.params)
        assert number is not None
        header = {"number": hex(number), "parentHash": self.hash_of(number - 1)}
        return {"block": {"header": header, "extrinsics": self.blocks.get(number, [])}, "justifications": None}

    def _state_call(self, effect: Any) -> str:
        name = effect.params[0]
        if name == "Metadata_metadata_at_version":
            return "0x" + scale.encode_option(scale.encode_bytes(self.data)).hex()
        assert name == "TransactionPaymentApi_query_info"
        weight = scale.encode_compact(10**8) + scale.encode_compact(3000)
        return "0x" + (weight + b"\0" + self.fee.to_bytes(16, "little")).hex()

    def fund(self, address: str, units: int, *, reserved: int = 0, frozen: int = 0) -> None:
        account = addresses.account_of(self.network, address)
        data = b"".join(value.to_bytes(4, "little") for value in (7, 0, 1, 0))
        data += b"".join(value.to_bytes(16, "little") for value in (units, reserved, frozen, 1 << 127))
        self.store[storage.account_key(account)] = "0x" + data.hex()

    def fund_asset(self, address: str, number: int, units: int, *, sufficient: bool = True) -> None:
        account, key = addresses.account_of(self.network, address), number.to_bytes(4, "little")
        self.store[storage.asset_account_key(key, account)] = "0x" + (units.to_bytes(16, "little") + bytes(3)).hex()
        details = bytes(160) + (1).to_bytes(16, "little") + bytes((sufficient,)) + bytes(13)
        self.store[storage.asset_details_key(key)] = "0x" + details.hex()
        named = bytes(16) + scale.encode_text("Tether") + scale.encode_text("USDT") + b"\x06\0"
        self.store[storage.asset_metadata_key(key)] = "0x" + named.hex()


Opening = Callable[..., tuple[ScriptedNode, Any, Any]]


@pytest.fixture
def opening(request: pytest.FixtureRequest) -> Opening:
    """``opening("hub15")``: a scripted node, a funded account on it and another one."""

    def opened(name: str = "hub15", *, kind: str = "sr25519", data: bytes | None = None) -> Any:
        symbol, decimals, prefix, slip44 = COINS[name]
        # A network of its own for each test: what one node said is kept for its network and endpoints.
        genesis = blake2b(f"{request.node.nodeid} {name}".encode(), size=32).hex()
        network = add_network(
            f"test-{genesis[:12]}",
            id=f"polkadot:{genesis[:32]}",
            symbol=symbol,
            decimals=decimals,
            slip44=slip44,
            params={"genesis": genesis, "ss58": prefix},
            override=True,
        )
        node = ScriptedNode(name, network, data)
        wallet = Wallet.from_mnemonic(PHRASE, transport=node)
        account, other = wallet.account(network, index=0, kind=kind), wallet.account(network, index=1, kind=kind)
        node.fund(account.address, 100 * UNIT)
        node.fund(other.address, UNIT)
        return node, account, other

    return opened
