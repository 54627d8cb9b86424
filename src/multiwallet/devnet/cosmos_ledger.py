"""The devnet's Cosmos ledger: accounts, coins, stakes, what is checked before a transaction, and what messages do.

Checked as the SDK's ante handler does, in its order and with its codes: size and memo, timeout height, the minimum
gas price, the fee, the public key, the sequence, the signature in direct or amino mode over this chain's id and the
account's number. Messages: bank send, delegate, undelegate, redelegate, withdrawing rewards (there are none) and an
IBC transfer, which goes into escrow and never returns. Gas is a simple tariff, not what a real chain measures.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec.protobuf import parse
from ..crypto.hashes import keccak256, sha256
from ..crypto.secp256k1 import verify
from ..errors import InputError, Rejected
from .cosmos_protocol import (
    MULTISIG,
    Coins,
    Message,
    Transaction,
    amino_bytes,
    bech32_text,
    direct_bytes,
    key_address,
    multisig_address,
    read_bech32,
)

__all__ = ["Account", "Books", "Failure", "Outcome", "Terms", "Unbonding"]

UNBONDING_SECONDS: Final = 21 * 86_400
_MOST_MEMO: Final = 256
_BASE_GAS: Final = 45_000
_GAS_PER_BYTE: Final = 10
_GAS: Final = {"MsgSend": 18_000, "MsgTransfer": 60_000}
_STAKING_GAS: Final = 110_000
_MAX_ENTRIES: Final = 7
_FEES: Final = "fee_collector"


class Failure(Exception):
    """A refusal as the SDK words it: a code in a codespace."""

    def __init__(self, code: int, log: str, space: str = "sdk") -> None:
        super().__init__(log)
        self.code, self.log, self.space = code, log, space


@dataclass(frozen=True, slots=True)
class Terms:
    """The chain's own figures. ``min_price`` is in 10^-18 of the denom for one unit of gas."""

    chain_id: str
    hrp: str
    denom: str
    min_price: int
    key_url: str
    eth_keys: bool


@dataclass(slots=True)
class Account:
    """What the chain numbers of an account."""

    number: int
    sequence: int = 0
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Unbonding:
    """A stake on its way back."""

    delegator: str
    validator: str
    units: int
    height: int
    completes: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an executed transaction."""

    transaction: Transaction
    code: int
    space: str
    log: str
    gas_used: int


@dataclass
class Books:
    """All accounts and coins after a block, or as a node's check state sees them."""

    terms: Terms
    height: int
    time: float
    accounts: dict[str, Account] = field(default_factory=dict)
    balances: dict[str, Coins] = field(default_factory=dict)
    stakes: dict[tuple[str, str], int] = field(default_factory=dict)
    unbonding: list[Unbonding] = field(default_factory=list)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    validators: tuple[str, ...] = ()

    def copy(self) -> Books:
        """These books, to write in without changing them."""
        return deepcopy(self)

    # -- coins -------------------------------------------------------------------------------------

    def held(self, address: str, denom: str) -> int:
        """What an address holds of a denom."""
        return self.balances.get(address, {}).get(denom, 0)

    def give(self, address: str, coins: Coins) -> None:
        """Add coins; the account exists from then on."""
        mine = self.balances.setdefault(address, {})
        for denom, units in coins.items():
            mine[denom] = mine.get(denom, 0) + units
        if address not in self.accounts and address != _FEES:
            self.accounts[address] = Account(len(self.accounts))

    def take(self, address: str, coins: Coins) -> None:
        """Take coins away. Raises Failure 5."""
        mine = self.balances.get(address, {})
        for denom, units in coins.items():
            if mine.get(denom, 0) < units:
                raise Failure(
                    5,
                    f"spendable balance {mine.get(denom, 0)}{denom} is smaller than {units}{denom}: insufficient funds",
                )
            mine[denom] -= units

    def begin(self, height: int, time: float) -> None:
        """Start a block: what has finished unbonding comes back."""
        self.height, self.time = height, time
        for entry in [item for item in self.unbonding if item.completes <= time]:
            self.unbonding.remove(entry)
            self.give(entry.delegator, {self.terms.denom: entry.units})

    # -- before the messages -----------------------------------------------------------------------

    def ante(self, transaction: Transaction, *, trial: bool = False, checks_price: bool = True) -> None:
        """Check a transaction, take its fee and count its sequence on. ``trial`` as in a simulation. Raises Failure."""
        terms = self.terms
        if not transaction.messages:
            raise Failure(18, "must contain at least one message: invalid request")
        if transaction.timeout_height and self.height > transaction.timeout_height:
            raise Failure(
                30,
                f"block height: {self.height}, timeout height: {transaction.timeout_height}: tx timeout height",
            )
        if len(transaction.memo.encode()) > _MOST_MEMO:
            raise Failure(12, f"maximum number of characters is {_MOST_MEMO}: memo too large")
        if not trial and gas_of(transaction) > transaction.gas:
            raise Failure(
                11,
                f"out of gas in location: txSize; gasWanted: {transaction.gas}, gasUsed: {gas_of(transaction)}: out of gas",
            )
        if transaction.key_url not in (terms.key_url, MULTISIG):
            raise Failure(8, f"unrecognized public key type {transaction.key_url}: invalid pubkey")
        try:
            if transaction.members:
                signer = multisig_address(terms.hrp, transaction.threshold, transaction.members)
            else:
                signer = key_address(terms.hrp, transaction.key, eth=terms.eth_keys)
        except InputError as error:
            raise Failure(8, f"{error.message}: invalid pubkey") from None
        if transaction.granter or transaction.payer not in ("", signer):
            raise Failure(38, "fee-grant not found: not found")
        self._fee(transaction, signer, trial=trial, checks_price=checks_price)
        for message in transaction.messages:
            if message.signer != signer:
                raise Failure(8, f"pubKey does not match signer address {message.signer}: invalid pubkey")
        account = self.accounts[signer]
        if transaction.sequence != account.sequence:
            raise Failure(
                32,
                f"account sequence mismatch, expected {account.sequence}, got {transaction.sequence}: "
                "incorrect account sequence",
            )
        if not trial:
            self._signature(transaction, account)
        account.key = transaction.key
        account.sequence += 1

    def _fee(self, transaction: Transaction, signer: str, *, trial: bool, checks_price: bool) -> None:
        terms = self.terms
        required = -(-transaction.gas * terms.min_price // 10**18)
        paid = transaction.fee.get(terms.denom, 0)
        if checks_price and not trial and paid < required:
            raise Failure(
                13, f"insufficient fees; got: {paid}{terms.denom} required: {required}{terms.denom}: insufficient fee"
            )
        if list(transaction.fee) != sorted(transaction.fee) or 0 in transaction.fee.values():
            raise Failure(10, "invalid fee amount: invalid coins")
        if signer not in self.accounts:
            raise Failure(9, f"fee payer address: {signer} does not exist: unknown address")
        self.take(signer, transaction.fee)
        self.give(_FEES, transaction.fee)

    def _signature(self, transaction: Transaction, account: Account) -> None:
        terms = self.terms
        make = {1: direct_bytes, 127: amino_bytes}.get(transaction.mode)
        if make is None:
            raise Failure(4, f"sign mode {transaction.mode} is not supported: unauthorized")
        data = make(transaction, terms.chain_id, account.number)
        digest = keccak256(data) if terms.eth_keys else sha256(data)
        signature = transaction.signature
        if terms.eth_keys and len(signature) == 65:
            signature = signature[:64]
        if transaction.members:
            try:
                listed = [value for number, _, value in parse(signature) if number == 1]
            except InputError:
                listed = []
            right = 1 <= transaction.threshold <= len(transaction.signed) == len(listed) and all(
                isinstance(value, bytes) and verify(transaction.members[index], digest, value)
                for index, value in zip(transaction.signed, listed, strict=True)
            )
        else:
            right = verify(transaction.key, digest, signature)
        if not right:
            raise Failure(
                4,
                f"signature verification failed; please verify account number ({account.number}) and chain-id "
                f"({terms.chain_id}): unauthorized",
            )

    # -- the messages ------------------------------------------------------------------------------

    def execute(self, transaction: Transaction) -> Outcome:
        """Do what a checked transaction says: all of it, or nothing but the fee."""
        trial = self.copy()
        try:
            for position, message in enumerate(transaction.messages):
                try:
                    trial._apply(message)
                except Failure as failure:
                    failure.log = f"failed to execute message; message index: {position}: {failure.log}"
                    raise
        except Failure as failure:
            return Outcome(transaction, failure.code, failure.space, failure.log, gas_of(transaction))
        self.accounts, self.balances = trial.accounts, trial.balances
        self.stakes, self.unbonding = trial.stakes, trial.unbonding
        return Outcome(transaction, 0, "", "", gas_of(transaction))

    def _apply(self, message: Message) -> None:
        name, values = message.url.rsplit(".", 1)[1], message.fields
        if name == "MsgSend":
            coins = self._positive(values["amount"])
            self._address(values["to_address"])
            self.take(values["from_address"], coins)
            self.give(values["to_address"], coins)
        elif name == "MsgTransfer":
            self._transfer(values)
        else:
            self._stake(name, values)

    def _positive(self, coins: Coins) -> Coins:
        if not coins or 0 in coins.values() or list(coins) != sorted(coins):
            raise Failure(10, "invalid coins")
        return coins

    def _address(self, text: str) -> bytes:
        try:
            return read_bech32(self.terms.hrp, text)
        except InputError as error:
            raise Failure(7, f"{error.message}: invalid address") from None

    def _transfer(self, values: Any) -> None:
        coins = self._positive(values["token"])
        if values["source_port"] != "transfer" or not values["source_channel"].startswith("channel-"):
            raise Failure(3, f"{values['source_port']}/{values['source_channel']}: channel not found", "channel")
        timeout = values["timeout_timestamp"]
        if not timeout and values["timeout_height"] == (0, 0):
            raise Failure(
                19, "timeout height and timeout timestamp cannot both be 0: invalid packet timeout", "channel"
            )
        if timeout and timeout <= int(self.time * 10**9):
            raise Failure(19, "packet timeout elapsed: packet timeout", "channel")
        if not values["receiver"]:
            raise Failure(7, "missing recipient address: invalid address")
        self.take(values["sender"], coins)
        self.give(self.escrow(values["source_channel"]), coins)

    def escrow(self, channel: str) -> str:
        """Where the coins of a channel's transfers are kept (ICS-20)."""
        return bech32_text(self.terms.hrp, sha256(b"ics20-1\0transfer/" + channel.encode())[:20])

    def _stake(self, name: str, values: Any) -> None:
        delegator = values["delegator_address"]
        named = [values[key] for key in values if key.startswith("validator")]
        for validator in named:
            if validator not in self.validators:
                raise Failure(3, "validator does not exist", "staking")
        if name == "MsgWithdrawDelegatorReward":
            if not self.stakes.get((delegator, named[0])):
                raise Failure(19, "no delegation for (address, validator) tuple", "staking")
            return
        coins = values["amount"]
        if set(coins) != {self.terms.denom} or 0 in coins.values():
            raise Failure(18, f"invalid coin denomination: got {next(iter(coins))}, expected {self.terms.denom}")
        units = coins[self.terms.denom]
        if name == "MsgDelegate":
            self.take(delegator, coins)
            self.stakes[delegator, named[0]] = self.stakes.get((delegator, named[0]), 0) + units
            return
        staked = self.stakes.get((delegator, named[0]), 0)
        if not staked:
            raise Failure(19, "no delegation for (address, validator) tuple", "staking")
        if staked < units:
            raise Failure(18, "invalid shares amount: invalid request")
        if name == "MsgBeginRedelegate":
            if named[0] == named[1]:
                raise Failure(28, "cannot redelegate to the same validator", "staking")
            self.stakes[delegator, named[1]] = self.stakes.get((delegator, named[1]), 0) + units
        else:
            pair = (delegator, named[0])
            if sum((item.delegator, item.validator) == pair for item in self.unbonding) >= _MAX_ENTRIES:
                raise Failure(20, "too many unbonding delegation entries for (delegator, validator) tuple", "staking")
            self.unbonding.append(Unbonding(*pair, units, self.height, self.time + UNBONDING_SECONDS))
        self.stakes[delegator, named[0]] = staked - units


def gas_of(transaction: Transaction) -> int:
    """The gas that a transaction uses here, by its size and its messages."""
    names = [message.url.rsplit(".", 1)[1] for message in transaction.messages]
    return _BASE_GAS + _GAS_PER_BYTE * len(transaction.raw) + sum(_GAS.get(name, _STAKING_GAS) for name in names)


def refused(failure: Failure) -> Rejected:
    """A failure as an error of this process."""
    return Rejected(f"{failure.log} ({failure.space} {failure.code})", node_code=failure.code)
