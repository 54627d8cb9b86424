"""What a message does, in words: its instructions as actions, what it costs, and what to warn of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...codec import base58
from ...transactions import Action, Fee
from . import programs
from .message import CompiledInstruction, Message

__all__ = ["BASE_FEE", "Decoded", "absurd_fee", "compute_fee", "decode", "priority_fee", "short"]

BASE_FEE: Final = 5000
"""Lamports for each signature."""
_DEFAULT_UNITS: Final = 200_000
"""What an instruction is granted where the transaction sets no limit; programs built into the chain get 3,000."""
_BUILT_IN_UNITS: Final = 3_000
_ABSURD_FEE: Final = 20_000_000  # lamports
# What the cluster asks for a token account, whose size its program sets: 165 bytes and 128 of overhead, at 6,960 lamports
# a byte; Token-2022 adds 5 bytes, and more where the token has extensions.
_TOKEN_ACCOUNT_RENT: Final = {programs.TOKEN: 2_039_280, programs.TOKEN_2022: 2_074_080}

_AUTHORITIES: Final = ("mint", "freeze", "owner", "close")


def short(key: bytes | str) -> str:
    """An address shortened for where a symbol is wanted: its first and last four characters.

    >>> short("So11111111111111111111111111111111111111112")
    'So11…1112'
    """
    text = key if isinstance(key, str) else base58.encode(key)
    return f"{text[:4]}…{text[-4:]}"


@dataclass(slots=True)
class Decoded:
    """What was read of a message."""

    actions: list[Action] = field(default_factory=list)
    memos: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    nonce_account: str | None = None


def priority_fee(limit: int, price: int) -> int:
    """Lamports for ``limit`` compute units at ``price`` micro-lamports each, rounded up.

    >>> priority_fee(200_000, 5_000), priority_fee(1, 1)
    (1000, 1)
    """
    return -(-limit * price // 1_000_000)


def compute_fee(network: Network, message: Message) -> Fee:
    """The fee that the message's own bytes set: 5,000 lamports a signature, and the compute limit at its price."""
    limit: int | None = None
    price = 0
    signatures = message.required_signatures
    built_in = others = 0
    for call in message.instructions:
        program, data = message.keys[call.program], call.data
        if program == programs.COMPUTE_BUDGET:
            if data[:1] == b"\2" and len(data) >= 5:
                limit = min(int.from_bytes(data[1:5], "little"), programs.COMPUTE_LIMIT)
            elif data[:1] == b"\3" and len(data) >= 9:
                price = int.from_bytes(data[1:9], "little")
            built_in += 1
        elif program in programs.SIGNATURE_PROGRAMS:
            signatures += data[0] if data else 0
        elif program == programs.SYSTEM:
            built_in += 1
        else:
            others += 1
    base = BASE_FEE * signatures
    details: dict[str, int] = {"signatures": signatures, "base_fee": base, "compute_unit_price": price}
    if limit is not None:
        details["compute_unit_limit"] = limit
        most = least = priority_fee(limit, price)
    else:  # what the chain grants by default: some releases count built-in programs less
        most = priority_fee(min((built_in + others) * _DEFAULT_UNITS, programs.COMPUTE_LIMIT), price)
        least = priority_fee(min(built_in * _BUILT_IN_UNITS + others * _DEFAULT_UNITS, programs.COMPUTE_LIMIT), price)
    details["priority_fee"] = most
    native = network.native
    return Fee(Amount(base + least, native), Amount(base + most, native), details)


def decode(
    network: Network,
    message: Message,
    assets: Iterable[Asset] = (),
    owners: Iterable[bytes] = (),
    rents: Mapping[str, int] | None = None,
) -> Decoded:
    """Read every instruction. ``assets`` give tokens their symbols; ``owners`` are addresses to try as recipients.

    ``rents`` are the lamports that a node asked for the token accounts that are created, where one was asked: they
    are no part of the bytes. Without, the usual rent for the account's least size is shown.

    A token transfer names a token account. Its owner is shown where the message itself creates the account, or
    where the account is the one that an address of ``owners`` has by convention, which is computed here.
    """
    reading = _Reading(network, message, {asset.reference: asset for asset in assets}, list(owners), rents or {})
    for position, call in enumerate(message.instructions):
        reading.instruction(position, call)
    reading.finish()
    return reading.result


class _Reading:
    def __init__(
        self,
        network: Network,
        message: Message,
        assets: dict[str, Asset],
        owners: list[bytes],
        rents: Mapping[str, int],
    ) -> None:
        self.network = network
        self.message = message
        self.assets = assets
        self.owners = owners
        self.rents = rents
        self.result = Decoded()
        self.created: dict[bytes, bytes] = {}
        self.in_tables = False
        self.handlers: dict[bytes, Callable[[int, CompiledInstruction], bool]] = {
            programs.SYSTEM: self.system,
            programs.TOKEN: self.token,
            programs.TOKEN_2022: self.token,
            programs.ASSOCIATED_TOKEN: self.associated_token,
            programs.COMPUTE_BUDGET: self.compute_budget,
            programs.MEMO: self.memo,
            programs.MEMO_V1: self.memo,
        }

    def instruction(self, position: int, call: CompiledInstruction) -> None:
        program = self.message.keys[call.program]
        handler = self.handlers.get(program)
        try:
            if handler is not None and handler(position, call):
                return
        except IndexError:  # fewer accounts or bytes than the instruction needs
            pass
        name = base58.encode(program)
        details = {"instruction": str(position + 1), "data": call.data[:64].hex() + ("…" if call.data[64:] else "")}
        self.act("call", name, None, details)
        what = "cannot be read" if handler is not None else "calls a program that is not known here"
        self.warn(f"instruction {position + 1} {what} ({name}): it may do anything with the accounts it is given")

    def finish(self) -> None:
        if self.in_tables:
            self.warn("some accounts stand in lookup tables on chain and cannot be read from the transaction")

    # -- small parts ---------------------------------------------------------------------------

    def act(self, kind: str, to: str | None, amount: Amount | None, details: dict[str, str]) -> None:
        self.result.actions.append(Action(kind, to, amount, {k: v for k, v in details.items() if v}))

    def warn(self, sentence: str) -> None:
        if sentence not in self.result.warnings:
            self.result.warnings.append(sentence)

    def key(self, call: CompiledInstruction, place: int) -> bytes | None:
        return self.message.key(call.accounts[place])

    def name(self, call: CompiledInstruction, place: int) -> str:
        position = call.accounts[place]
        key = self.message.key(position)
        if key is not None:
            return base58.encode(key)
        self.in_tables = True
        table, entry = self.message.place(position)
        return f"entry {entry} of lookup table {base58.encode(table)}"

    def source(self, call: CompiledInstruction, place: int) -> str:
        """The name of who pays, where that is not the fee payer."""
        return "" if self.key(call, place) == self.message.payer else self.name(call, place)

    def lamports(self, data: bytes, start: int) -> Amount:
        return Amount(_number(data, start, 8), self.network.native)

    # -- programs ------------------------------------------------------------------------------

    def system(self, position: int, call: CompiledInstruction) -> bool:
        data = call.data
        match _number(data, 0, 4):
            case 0:
                amount, owner = self.lamports(data, 4), base58.encode(_take(data, 20, 32))
                details = {"from": self.source(call, 0), "space": str(_number(data, 12, 8)), "program": owner}
                self.act("create-account", self.name(call, 1), amount, details)
            case 1:
                owner = base58.encode(_take(data, 4, 32))
                self.act("assign", self.name(call, 0), None, {"program": owner})
                self.warn(f"the account {self.name(call, 0)} is handed over to the program {owner} for good")
            case 2:
                amount = self.lamports(data, 4)
                to = self.name(call, 1)
                self.act("transfer", to, amount, {"from": self.source(call, 0)})
                self.off_curve(self.key(call, 1))
            case 3:
                length = _number(data, 36, 8)
                after = 44 + min(length, len(data))
                amount, owner = self.lamports(data, after), base58.encode(_take(data, after + 16, 32))
                self.act("create-account", self.name(call, 1), amount, {"from": self.source(call, 0), "program": owner})
            case 4:
                account, authority = self.name(call, 0), self.name(call, 2)
                self.act("advance-nonce", account, None, {"authority": authority})
                if position == 0:
                    self.result.nonce_account = account
            case 5:
                amount = self.lamports(data, 4)
                self.act("withdraw-nonce", self.name(call, 1), amount, {"from": self.name(call, 0)})
            case 6:
                self.act("initialize-nonce", self.name(call, 0), None, {"authority": base58.encode(_take(data, 4, 32))})
            case 7:
                authority = base58.encode(_take(data, 4, 32))
                self.act("authorize-nonce", self.name(call, 0), None, {"authority": authority})
                self.warn(f"control of the nonce account {self.name(call, 0)} goes to {authority}")
            case 8:
                self.act("allocate", self.name(call, 0), None, {"space": str(_number(data, 4, 8))})
            case 11:
                amount = self.lamports(data, 4)
                self.act("transfer", self.name(call, 2), amount, {"from": self.name(call, 0)})
                self.off_curve(self.key(call, 2))
            case _:
                return False
        return True

    def off_curve(self, key: bytes | None) -> None:
        from .address import is_on_curve

        if key is not None and not is_on_curve(key):
            self.warn(f"{base58.encode(key)} is off the curve: nobody holds its key, only a program can spend from it")

    def token(self, position: int, call: CompiledInstruction) -> bool:
        data = call.data
        match data[0]:
            case 3:
                self.token_transfer(call, None, 1, 2, None)
                self.warn(f"instruction {position + 1} moves tokens without naming which: the accounts decide")
            case 12:
                self.token_transfer(call, 1, 2, 3, _number(data, 9, 1))
            case 26 if data[1] == 1:
                withheld = {"token fee": str(_number(data, 11, 8))}
                self.token_transfer(call, 1, 2, 3, _number(data, 10, 1), start=2, extra=withheld)
            case 4 | 13 as kind:
                checked = kind == 13
                amount = self.tokens(call, 1 if checked else None, _number(data, 1, 8), data[9] if checked else None)
                to = self.name(call, 2 if checked else 1)
                units = _number(data, 1, 8)
                self.act("approve", to, amount, {"account": self.name(call, 0), "units": str(units)})
                self.warn(f"{to} may spend {amount or f'{units} units'} from the token account {self.name(call, 0)}")
            case 5:
                self.act("revoke", self.name(call, 0), None, {})
            case 6:
                which = _AUTHORITIES[data[1]] if data[1] < len(_AUTHORITIES) else f"number {data[1]}"
                heir = base58.encode(_take(data, 3, 32)) if data[2] else None
                self.act("set-authority", heir, None, {"account": self.name(call, 0), "authority": which})
                self.warn(f"the {which} authority of {self.name(call, 0)} goes to {heir or 'nobody'}, for good")
            case 7 | 14 as kind:
                amount = self.tokens(call, 0, _number(data, 1, 8), data[9] if kind == 14 else None)
                self.act("mint", self.name(call, 1), amount, {"mint": self.name(call, 0)})
            case 8 | 15 as kind:
                amount = self.tokens(call, 1, _number(data, 1, 8), data[9] if kind == 15 else None)
                self.act("burn", None, amount, {"account": self.name(call, 0), "mint": self.name(call, 1)})
            case 9:
                self.act("close-account", self.name(call, 1), None, {"account": self.name(call, 0)})
                if self.key(call, 1) not in (self.message.payer, self.key(call, 2)):
                    self.warn(f"what the closed account {self.name(call, 0)} holds goes to {self.name(call, 1)}")
            case 17:
                self.act("sync-native", self.name(call, 0), None, {})
            case 1 | 16 | 18:
                self.act("initialize-account", self.name(call, 0), None, {"mint": self.name(call, 1)})
            case _:
                return False
        return True

    def tokens(self, call: CompiledInstruction, place: int | None, units: int, decimals: int | None) -> Amount | None:
        """An amount of the mint at ``place``; None where the bytes say too little."""
        mint = None if place is None else self.key(call, place)
        if mint is None:
            return None
        text = base58.encode(mint)
        asset = self.assets.get(text)
        if asset is not None and decimals is not None and asset.decimals != decimals:
            self.warn(f"the token {text} is said to have {asset.decimals} decimals, its transaction says {decimals}")
            asset = None
        if asset is None:
            if decimals is None:
                return None
            asset = Asset(f"{self.network.id}/token:{text}", short(text), decimals)
        return Amount(units, asset)

    def token_transfer(
        self,
        call: CompiledInstruction,
        mint: int | None,
        to: int,
        authority: int,
        decimals: int | None,
        *,
        start: int = 1,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        units = _number(call.data, start, 8)
        amount = self.tokens(call, mint, units, decimals)
        account = self.name(call, to)
        owner = self.owner(call, mint, to)
        details = {"from": self.source(call, authority), **(extra or {})}
        if owner is not None:
            details["token account"] = account
        else:
            details["paid to"] = "a token account, whose owner the transaction does not name"
        if amount is None:
            details["units"] = str(units)
        if mint is not None:
            details["mint"] = self.name(call, mint)
        self.act("transfer", owner or account, amount, details)

    def owner(self, call: CompiledInstruction, mint: int | None, to: int) -> str | None:
        account = self.key(call, to)
        if account is None:
            return None
        if account in self.created:
            return base58.encode(self.created[account])
        key = None if mint is None else self.key(call, mint)
        if key is None:
            return None
        program = self.message.keys[call.program]
        for owner in self.owners:
            if programs.associated_token_account(owner, key, program) == account:
                return base58.encode(owner)
        return None

    def associated_token(self, position: int, call: CompiledInstruction) -> bool:
        if call.data[:1] not in (b"", b"\0", b"\1"):
            return False
        account, owner, mint, program = (self.key(call, place) for place in (1, 2, 3, 5))
        if program is not None and program not in _TOKEN_ACCOUNT_RENT:
            return False  # it would set the size of the account, and so what the payer lends, and own it
        if account is not None and owner is not None and mint is not None and program is not None:
            if programs.associated_token_account(owner, mint, program) != account:
                return False  # the chain would refuse it as well
            self.created[account] = owner
        details = {"token account": self.name(call, 1), "mint": self.name(call, 3), "from": self.source(call, 0)}
        rent = self.rents.get(details["token account"])
        if rent is None:
            rent = _TOKEN_ACCOUNT_RENT[programs.TOKEN if program is None else program]
            details["rent"] = "the usual one, and nothing where the account exists"
        else:
            details["rent"] = "stays in the new account"
        self.act("create-account", self.name(call, 2), Amount(rent, self.network.native), details)
        return True

    def compute_budget(self, position: int, call: CompiledInstruction) -> bool:
        sizes = {1: 5, 2: 5, 3: 9, 4: 5}  # its effect is told by the fee
        return len(call.data) >= sizes.get(call.data[0], 1 << 16)

    def memo(self, position: int, call: CompiledInstruction) -> bool:
        try:
            self.result.memos.append(call.data.decode("utf-8"))
        except UnicodeDecodeError:
            return False
        return True


def absurd_fee(fee: Fee) -> str | None:
    """A warning where the fee is far above what any transaction needs."""
    if fee.maximum.units < _ABSURD_FEE:
        return None
    return f"the fee of up to {fee.maximum} is far above what a transaction needs"


def _number(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(_take(data, start, length), "little")


def _take(data: bytes, start: int, length: int) -> bytes:
    if len(data) < start + length:
        raise IndexError(start)
    return data[start : start + length]
