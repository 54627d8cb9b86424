"""Starting an Antelope chain from nothing: features, system accounts, the reference contracts, the core token."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..chain import Network
from ..chains.antelope import known_abis, names, public_keys, serialization
from ..chains.antelope.abi import Abi
from ..chains.antelope.names import Level
from ..chains.antelope.node_form import packed_json
from ..chains.antelope.transaction import Call, Transaction, identity, preimage
from ..crypto.hashes import sha256
from ..crypto.secp256k1 import SecpKey
from ..errors import Rejected, Timeout
from .antelope_node import Nodeos, contracts_directory

__all__ = ["Chain"]

# The key that nodeos itself uses for tests: everybody knows it, and it is worth nothing.
_TEST_KEY: Final = bytes.fromhex("d2653ff7cbb2d8ff129ac27ef5781ce68b2558c41a74af1f2ddca635cbeef07d")
_PREACTIVATE: Final = "0ec7e080177b2c02b278d5088611686b49d739925a92d9bfcacd7fc6b74053bd"
_ACCOUNTS: Final = (
    "eosio.bpay", "eosio.fees", "eosio.msig", "eosio.names", "eosio.powup", "eosio.ram", "eosio.ramfee", "eosio.reserv",
    "eosio.rex", "eosio.saving", "eosio.stake", "eosio.token", "eosio.vpay", "eosio.wrap",
)  # fmt: skip
_SUPPLY: Final = 10_000_000_000
_BLOCK_SECONDS: Final = 30.0


class Chain:
    """The chain of a nodeos with the reference contracts on it, where ``eosio`` is rich and its key is known."""

    def __init__(self, node: Nodeos, network: Network) -> None:
        self.node = node
        self.network = network
        self._key = SecpKey(_TEST_KEY)
        self._serial = 0
        self.test_key = public_keys.legacy_text(self._key.public_key)
        self._chain_id = bytes.fromhex(self.info()["chain_id"])
        self._boot()

    # -- asking and sending ------------------------------------------------------------------------

    def post(self, call: str, **body: Any) -> Any:
        """Ask ``v1/chain/...``."""
        return self.node.ask("POST", f"v1/chain/{call}", body)

    def info(self) -> dict[str, Any]:
        """``get_info``."""
        answer: dict[str, Any] = self.post("get_info")
        return answer

    def push(self, calls: Sequence[Call]) -> str:
        """Sign the actions with the test key and send them; the transaction's id. Rejected as nodeos says it."""
        info = self.info()
        self._serial += 1
        reference = bytes.fromhex(info["head_block_id"])
        body = Transaction(
            names.parse_time(info["head_block_time"]) // 1_000_000 + 600,
            int.from_bytes(reference[2:4], "big"),
            int.from_bytes(reference[8:12], "little"),
            tuple(calls),
            65_536 + self._serial,  # so that two like transactions are two
        ).encode()
        signature = self._key.sign_canonical(sha256(preimage(self._chain_id, body)))
        self.post("send_transaction", **packed_json(body, (public_keys.signature_bytes(signature),)))
        return identity(body)

    def call(
        self, account: str, name: str, values: Mapping[str, Any], actor: str = "eosio", abi: Abi | None = None
    ) -> Call:
        """One action, authorised by an account of which the test key is the active key."""
        known = abi or known_abis.known(self.network, account)
        assert known is not None
        data = serialization.encode(known, known.actions[name], values)
        return Call(account, name, (Level(actor, "active"),), data)

    def wait_blocks(self, blocks: int = 1) -> None:
        """Wait for so many further blocks."""
        wanted = self.info()["head_block_num"] + blocks
        until = time.monotonic() + _BLOCK_SECONDS + blocks
        while self.info()["head_block_num"] < wanted:
            if time.monotonic() > until:
                raise Timeout("nodeos makes no blocks")
            time.sleep(0.02)

    def exists(self, account: str) -> bool:
        """Whether there is an account."""
        try:
            self.post("get_account", account_name=account)
        except Rejected:
            return False
        return True

    # -- what is made ------------------------------------------------------------------------------

    def account_calls(self, name: str, key: str, ram_bytes: int, stake: str) -> list[Call]:
        """The actions that make an account for a public key, with RAM and a stake that stays the system's."""
        authority = {"threshold": 1, "keys": [{"key": key, "weight": 1}], "accounts": [], "waits": []}
        staked = {"from": "eosio", "receiver": name, "stake_net_quantity": stake, "stake_cpu_quantity": stake}
        return [
            self.call(
                "eosio", "newaccount", {"creator": "eosio", "name": name, "owner": authority, "active": authority}
            ),
            self.call("eosio", "buyrambytes", {"payer": "eosio", "receiver": name, "bytes": ram_bytes}),
            self.call("eosio", "delegatebw", staked | {"transfer": False}),
        ]

    def contract_calls(self, account: str, name: str) -> list[Call]:
        """The actions that put one of the package's contracts on an account."""
        folder = contracts_directory() / name
        code = (folder / f"{name}.wasm").read_bytes()
        set_code = {"account": account, "vmtype": 0, "vmversion": 0, "code": code.hex()}
        abi = self._packed_abi(json.loads((folder / f"{name}.abi").read_text()))
        return [
            self.call("eosio", "setcode", set_code, account),
            self.call("eosio", "setabi", {"account": account, "abi": abi.hex()}, account),
        ]

    def _packed_abi(self, source: Mapping[str, Any]) -> bytes:
        present = {name: source.get(name) or [] for name in _ABI_FIELDS}
        tables = [{name: table.get(name, default) for name, default in _TABLE.items()} for table in present["tables"]]
        actions = [{"ricardian_contract": "", **item} | {"ricardian_contract": ""} for item in present["actions"]]
        values = present | {"tables": tables, "actions": actions, "ricardian_clauses": [], "version": source["version"]}
        return serialization.encode(_ABI_OF_ABIS, "abi_def", values)

    def _boot(self) -> None:
        self.node.ask(
            "POST",
            "v1/producer/schedule_protocol_feature_activations",
            {"protocol_features_to_activate": [_PREACTIVATE]},
        )
        self.wait_blocks(2)
        self.push(self.contract_calls("eosio", "eosio.bios"))
        supported = self.node.ask("POST", "v1/producer/get_supported_protocol_features", {})
        digests = [item["feature_digest"] for item in supported if item["feature_digest"] != _PREACTIVATE]
        self.push([self.call("eosio", "activate", {"feature_digest": digest}) for digest in digests])
        self.wait_blocks(2)  # they are in force from the next block on
        authority = {"threshold": 1, "keys": [{"key": self.test_key, "weight": 1}], "accounts": [], "waits": []}
        self.push(
            [
                self.call(
                    "eosio", "newaccount", {"creator": "eosio", "name": name, "owner": authority, "active": authority}
                )
                for name in _ACCOUNTS
            ]
        )
        supply = f"{_SUPPLY}.0000 {self.network.symbol}"
        self.push(
            [
                *self.contract_calls("eosio.token", "eosio.token"),
                *self.contract_calls("eosio.msig", "eosio.msig"),
                self.call("eosio", "setpriv", {"account": "eosio.msig", "is_priv": 1}),
            ]
        )
        self.push(
            [
                self.call("eosio.token", "create", {"issuer": "eosio", "maximum_supply": supply}, "eosio.token"),
                self.call("eosio.token", "issue", {"to": "eosio", "quantity": supply, "memo": ""}),
            ]
        )
        self.push(self.contract_calls("eosio", "eosio.system"))
        self.push([self.call("eosio", "init", {"version": 0, "core": f"4,{self.network.symbol}"})])


_ABI_FIELDS: Final = (
    "types", "structs", "actions", "tables", "ricardian_clauses", "error_messages", "abi_extensions", "variants",
)  # fmt: skip
_TABLE: Final = {"name": "", "index_type": "", "key_names": [], "key_types": [], "type": ""}
_ABI_OF_ABIS: Final = Abi.of(
    {
        "version": "eosio::abi/1.1",
        "structs": [
            {"name": name, "base": "", "fields": [{"name": field, "type": kind} for field, kind in fields.items()]}
            for name, fields in {
                "type_def": {"new_type_name": "string", "type": "string"},
                "field_def": {"name": "string", "type": "string"},
                "struct_def": {"name": "string", "base": "string", "fields": "field_def[]"},
                "action_def": {"name": "name", "type": "string", "ricardian_contract": "string"},
                "table_def": {
                    "name": "name", "index_type": "string", "key_names": "string[]", "key_types": "string[]",
                    "type": "string",
                },
                "clause_pair": {"id": "string", "body": "string"},
                "error_message": {"error_code": "uint64", "error_msg": "string"},
                "extension": {"type": "uint16", "data": "bytes"},
                "variant_def": {"name": "string", "types": "string[]"},
                "abi_def": {
                    "version": "string", "types": "type_def[]", "structs": "struct_def[]", "actions": "action_def[]",
                    "tables": "table_def[]", "ricardian_clauses": "clause_pair[]", "error_messages": "error_message[]",
                    "abi_extensions": "extension[]", "variants": "variant_def[]",
                },
            }.items()
        ],
    }
)  # fmt: skip
"""The ABI of ABIs, by which ``setabi`` packs one (the chain's own ``abi_def``)."""
