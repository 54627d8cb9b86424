"""Building transfers: what is checked, what the chain is asked, and how fee and compute limit are set."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Holder, Network, Options, Payment
from ...errors import AmountError, ChainError, InputError, InsufficientFunds, Reverted, Unsupported
from ...ops import Op, Rpc, ask
from ...transactions import Fee
from . import accounts, address, programs
from .accounts import AccountInfo, Mint
from .decode import BASE_FEE, compute_fee, priority_fee
from .failure import explain
from .intent import Line, memo_text, read_choices
from .message import PACKET_SIZE, Instruction, Message, compile_message, encode_transaction

__all__ = ["COMMITMENT", "Draft", "build", "rpc"]

COMMITMENT: Final = "confirmed"
_U64: Final = 2**64
_PERCENTILES: Final = {"slow": 25, "normal": 50, "fast": 90}
# What a node proposes as priority fee is followed up to here; more has to be asked for with compute_unit_price.
_MOST_PRIORITY_FEE: Final = 5_000_000
_TOKEN_ACCOUNT_SIZE: Final = 165
_MOST_LINES: Final = PACKET_SIZE // 17  # the shortest instruction that pays has 17 bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """What building came to: the message, its fee, and what is to be remembered beside it."""

    message: Message
    fee: Fee
    assets: tuple[Asset, ...]
    context: Mapping[str, Any]


def rpc(network: Network, method: str, *params: Any) -> Rpc:
    """A JSON-RPC call to an endpoint of the network."""
    return Rpc(network.id, method, params)


def account_info(network: Network, key: bytes) -> Rpc:
    """The call that asks for an account, its data in base64."""
    return rpc(network, "getAccountInfo", address.encode(key), {"encoding": "base64", "commitment": COMMITMENT})


def build(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[Draft]:
    """Make the message of some payments with all that it needs from the chain."""
    builder = _Builder(holder, payments, options)
    builder.check_size()
    yield from builder.look()
    yield from builder.look_at_tokens()
    yield from builder.measure()
    return builder.finish()


class _Builder:
    def __init__(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> None:
        self.holder = holder
        self.network = holder.network
        self.native = holder.network.native
        self.options = options
        self.choices = read_choices(options)
        self.sender = holder.public_key
        self.memo = memo_text(options.memo)
        self.assets: tuple[Asset, ...] = ()
        self.lines = [self.line(payment) for payment in payments]
        if not payments:
            raise InputError("there is no payment to build: name at least one")
        if len(payments) > 1 and any(line.everything for line in self.lines):
            raise InputError('"max" pays all there is, so it is the only payment of its transaction')
        self.blockhash = self.choices.blockhash or bytes(32)
        self.expiry: int | None = None
        self.balance = self.rent = self.rent_lent = 0
        self.rents: dict[str, int] = {}
        self.price = self.choices.price or 0
        self.limit = self.choices.limit
        self.infos: dict[bytes, AccountInfo | None] = {}
        self.mints: dict[bytes, Mint] = {}

    # -- before the first question -------------------------------------------------------------

    def line(self, payment: Payment) -> Line:
        to, asset = address.parse(payment.to), payment.asset
        if asset.network_id != self.network.id:
            raise InputError(f"{asset.symbol} is an asset of {asset.network_id}, the account is on {self.network.id}")
        if payment.amount.units >= _U64:
            raise AmountError(f"{payment.amount} is more than Solana can count (64 bits)")
        if not payment.everything and not payment.amount.units:
            raise AmountError("an amount of zero moves nothing: pay more, or leave the payment out")
        line = Line(to, payment.amount.units, payment.everything)
        if asset == self.native:
            return line
        if asset.namespace != "token":
            raise Unsupported(f"{asset.id} is neither {self.native.symbol} nor an SPL token")
        line.mint, line.decimals = address.parse(asset.reference), asset.decimals
        if not self.choices.allow_off_curve and not address.is_on_curve(to):
            raise InputError(
                f"{payment.to} is off the curve: nobody holds its key, and tokens sent there may be lost. Give the "
                "wallet that owns the token account; allow_off_curve=True if a program is to own the tokens"
            )
        self.place(line, programs.TOKEN)
        if asset not in self.assets:
            self.assets = (*self.assets, asset)
        return line

    def place(self, line: Line, program: bytes) -> None:
        assert line.mint is not None  # only token payments have accounts to place
        line.program = program
        line.source = programs.associated_token_account(self.sender, line.mint, program)
        line.destination = programs.associated_token_account(line.to, line.mint, program)

    def check_size(self) -> None:
        """Refuse more payments than one transaction holds, and say how many it does."""
        if len(self.lines) <= _MOST_LINES and self.fits(len(self.lines)):
            return
        fit = next(n for n in range(min(len(self.lines), _MOST_LINES), -1, -1) if not n or self.fits(n))
        what = f"{fit} of these {len(self.lines)} payments fit" if fit else "not even one payment fits beside this memo"
        raise InputError(f"a Solana transaction has at most {PACKET_SIZE} bytes: {what} into one; build several")

    def fits(self, count: int) -> bool:
        return self.compile(self.lines[:count]).wire_size <= PACKET_SIZE

    def compile(
        self, lines: Sequence[Line], *, limit: int | None = programs.COMPUTE_LIMIT, price: int | None = None
    ) -> Message:
        price = self.price if price is None else price
        calls: list[Instruction] = []
        if limit is not None:
            calls.append(programs.set_compute_unit_limit(limit))
        if self.price or self.choices.price is not None:
            calls.append(programs.set_compute_unit_price(price))
        made: set[bytes] = set()
        for line in lines:
            if line.create and line.mint is not None and line.destination not in made:
                made.add(line.destination)
                creation = (self.sender, line.destination, line.to, line.mint, line.program)
                calls.append(programs.create_associated_token_account(*creation))
        if self.memo is not None:  # right before the transfer: Token-2022 accounts may ask for one there
            calls.append(programs.memo(self.memo, self.sender))
        for line in lines:
            if line.mint is None:
                calls.append(programs.transfer(self.sender, line.to, line.units))
            else:
                pay = (line.program, line.source, line.mint, line.destination, self.sender, line.units, line.decimals)
                calls.append(programs.transfer_checked(*pay))
        return compile_message(self.sender, calls, self.blockhash, version=self.choices.version)

    # -- asking --------------------------------------------------------------------------------

    def look(self) -> Op[None]:
        """One batch: the sender's balance, recipients, mints, rent, recent fees and a block hash."""
        keys = list(dict.fromkeys([line.to for line in self.lines] + [line.mint for line in self.lines if line.mint]))
        keys = [key for key in keys if key != self.sender]
        writable = [self.holder.address, *(address.encode(key) for key in keys)]
        calls = [
            rpc(self.network, "getBalance", self.holder.address, {"commitment": COMMITMENT}),
            rpc(self.network, "getMinimumBalanceForRentExemption", 0),
            *(account_info(self.network, key) for key in keys),
        ]
        if self.choices.blockhash is None:
            calls.append(rpc(self.network, "getLatestBlockhash", {"commitment": COMMITMENT}))
        if self.choices.price is None:
            calls.append(rpc(self.network, "getRecentPrioritizationFees", writable[:128]))
        answers = iter((yield from ask(*calls)))
        self.balance = accounts.read_count("getBalance", accounts.value("getBalance", next(answers)))
        self.rent = accounts.read_count("getMinimumBalanceForRentExemption", next(answers))
        self.infos = {key: accounts.read_account(next(answers)) for key in keys}
        if self.choices.blockhash is None:
            self.blockhash, self.expiry = accounts.read_blockhash(next(answers))
        if self.choices.price is None:
            self.price = _percentile(accounts.read_priority_fees(next(answers)), self.options.speed)
        self.check_recipients()
        for line in self.lines:
            if line.mint is not None and line.mint not in self.mints:
                self.mints[line.mint] = self.check_mint(line)

    def check_recipients(self) -> None:
        for line in self.lines:
            info = self.infos.get(line.to)
            if info is None:
                continue
            name = address.encode(line.to)
            if info.executable:
                raise InputError(f"{name} is a program: it cannot be paid")
            if line.mint is not None and info.owner in (programs.TOKEN, programs.TOKEN_2022):
                raise InputError(f"{name} is a mint or a token account: give the address of the wallet that owns it")

    def check_mint(self, line: Line) -> Mint:
        assert line.mint is not None  # asked for token payments only
        mint = accounts.read_mint(self.infos.get(line.mint))
        name = address.encode(line.mint)
        if mint is None:
            raise InputError(f"{name} is no SPL token on {self.network.title}")
        if mint.decimals != line.decimals:
            raise InputError(f"the token {name} has {mint.decimals} decimals on the chain, not {line.decimals}")
        if 9 in mint.extensions:
            raise Unsupported(f"the token {name} cannot be transferred")
        if mint.has_transfer_hook:
            raise Unsupported(f"the token {name} runs a program of its issuer on each transfer: not supported here")
        return mint

    def look_at_tokens(self) -> Op[None]:
        """One batch more for tokens: both sides' token accounts, and what a new one costs."""
        lines = [line for line in self.lines if line.mint is not None]
        if not lines:
            return
        for line in lines:
            self.place(line, self.mints[line.mint or b""].program)
        keys = list(dict.fromkeys(key for line in lines for key in (line.source, line.destination)))
        sizes = {line.mint: _TOKEN_ACCOUNT_SIZE + self.mints[line.mint or b""].account_extension_size for line in lines}
        different = sorted(set(sizes.values()))
        answers = yield from ask(
            *(account_info(self.network, key) for key in keys),
            *(rpc(self.network, "getMinimumBalanceForRentExemption", size) for size in different),
        )
        infos = dict(zip(keys, map(accounts.read_account, answers), strict=False))
        rents = {
            size: accounts.read_count("getMinimumBalanceForRentExemption", answer)
            for size, answer in zip(different, answers[len(keys) :], strict=True)
        }
        wanted: dict[bytes, int] = {}
        lent: dict[bytes, int] = {}
        for line in lines:
            held = self.check_source(line, infos[line.source])
            if line.everything:
                line.units = held
            wanted[line.source] = wanted.get(line.source, 0) + line.units
            if not line.units or wanted[line.source] > held:
                asset = next(asset for asset in self.assets if asset.reference == address.encode(line.mint or b""))
                needed, available = Amount(max(wanted[line.source], 1), asset), Amount(held, asset)
                raise InsufficientFunds(
                    f"{needed} are needed, and the token account of {self.holder.address} holds {available}",
                    needed=needed,
                    available=available,
                )
            line.create = self.check_destination(line, infos[line.destination])
            if line.create:
                info = infos[line.destination]
                lent[line.destination] = max(rents[sizes[line.mint]] - (info.lamports if info else 0), 0)
        self.rent_lent = sum(lent.values())
        self.rents = {address.encode(key): lamports for key, lamports in lent.items()}

    def check_source(self, line: Line, info: AccountInfo | None) -> int:
        account = accounts.read_token_account(info)
        if account is None:
            return 0
        if account.owner != self.sender or account.mint != line.mint:
            raise ChainError(
                f"the token account {address.encode(line.source)} does not belong to this account any more"
            )
        if account.frozen:
            raise ChainError(f"the token account {address.encode(line.source)} is frozen by the token's issuer")
        return account.units

    def check_destination(self, line: Line, info: AccountInfo | None) -> bool:
        """Whether the recipient's token account must be made first."""
        if info is None or (info.owner == programs.SYSTEM and not info.data):
            return True
        account = accounts.read_token_account(info)
        name = address.encode(line.destination)
        if account is None or info.owner != line.program or account.mint != line.mint or account.owner != line.to:
            raise InputError(f"the token account {name} does not belong to {address.encode(line.to)} any more")
        if account.frozen:
            raise ChainError(f"the recipient's token account {name} is frozen by the token's issuer")
        return False

    # -- fee and compute limit -----------------------------------------------------------------

    def measure(self) -> Op[None]:
        """Set the compute limit from a simulation, unless the caller set it."""
        self.check_size()
        self.settle(BASE_FEE)
        if self.limit is None:
            trial = self.compile(self.lines, price=0).to_bytes()
            wire = base64.b64encode(encode_transaction((bytes(64),), trial)).decode("ascii")
            settings = {
                "encoding": "base64",
                "sigVerify": False,
                "replaceRecentBlockhash": True,
                "commitment": COMMITMENT,
            }
            (answer,) = yield from ask(rpc(self.network, "simulateTransaction", wire, settings))
            # Two like payments under one block hash would be one transaction: the limit's last digits tell them apart.
            self.limit = min(self.read_simulation(answer) + self.options.salt % 1000, programs.COMPUTE_LIMIT)
            if self.choices.price is None:  # what a node proposes is followed within reason
                self.price = min(self.price, _MOST_PRIORITY_FEE * 1_000_000 // self.limit)
        elif self.choices.price is None:
            self.price = min(self.price, _MOST_PRIORITY_FEE * 1_000_000 // max(self.limit, 1))
        self.settle(BASE_FEE + priority_fee(self.limit, self.price))

    def read_simulation(self, answer: Any) -> int:
        method = "simulateTransaction"
        content = accounts.value(method, answer)
        if not isinstance(content, dict):
            raise accounts.bad(method)
        error, logs = content.get("err"), content.get("logs")
        if error is not None:
            failure = explain(error, logs, self.compile(self.lines, price=0))
            if failure.insufficient:
                held = Amount(self.balance, self.native)
                needed = Amount(sum(n.units for n in self.lines if n.mint is None) + BASE_FEE, self.native)
                raise InsufficientFunds(f"a simulation failed: {failure.text}", needed=needed, available=held)
            raise Reverted(f"a simulation failed, nothing was signed: {failure.text}", reason=failure.text)
        used = accounts.read_count(method, content.get("unitsConsumed"))
        return min(used + max(used // 10, 300), programs.COMPUTE_LIMIT)

    def settle(self, fee: int) -> None:
        """Check that the sender can pay all of it, and that nobody is left below the rent-exempt minimum."""
        for line in self.lines:
            if line.everything and line.mint is None:
                line.units = max(self.balance - fee, 0)
        paid = sum(line.units for line in self.lines if line.mint is None)
        needed = max(paid, 1 if any(line.everything and line.mint is None for line in self.lines) else 0)
        needed += fee + self.rent_lent
        if needed > self.balance:
            rent = (
                f" and {Amount(self.rent_lent, self.native)} of rent for new token accounts" if self.rent_lent else ""
            )
            self.short_of(
                needed,
                f"{Amount(needed, self.native)} are needed with the fee of {Amount(fee, self.native)}{rent}, "
                f"and {self.holder.address} holds {Amount(self.balance, self.native)}",
            )
        gone = sum(line.units for line in self.lines if line.mint is None and line.to != self.sender)
        left = self.balance - gone - fee - self.rent_lent
        if 0 < left < self.rent:
            self.short_of(
                self.balance - left + self.rent,
                f"{Amount(left, self.native)} would be left in {self.holder.address}, and Solana keeps an account only "
                f'empty or with at least {Amount(self.rent, self.native)}: pay less, or "max" to empty it',
            )
        received: dict[bytes, int] = {}
        for line in self.lines:
            if line.mint is None and line.to != self.sender:
                received[line.to] = received.get(line.to, 0) + line.units
        for to, units in received.items():
            info = self.infos.get(to)
            if (info is None or not info.data) and units + (info.lamports if info else 0) < self.rent:
                raise InputError(
                    f"{address.encode(to)} would hold less than {Amount(self.rent, self.native)}, the least that Solana "
                    "keeps an account for: pay it more"
                )

    def short_of(self, needed: int, text: str) -> None:
        raise InsufficientFunds(text, needed=Amount(needed, self.native), available=Amount(self.balance, self.native))

    def finish(self) -> Draft:
        message = self.compile(self.lines, limit=self.limit)
        if message.wire_size > PACKET_SIZE:  # the size was checked with every part already in place
            raise InputError(f"the transaction is above {PACKET_SIZE} bytes: build it in several")
        fee = compute_fee(self.network, message)
        if self.rent_lent:
            fee = replace(fee, details={**fee.details, "rent": self.rent_lent})
        limit = self.options.max_fee
        if limit is not None:
            if limit.asset != self.native:
                raise InputError(f"max_fee is an amount of {self.native.symbol}")
            if fee.maximum > limit:
                raise InputError(f"the fee would be {fee.maximum}, above the {limit} that max_fee allows")
        context: dict[str, Any] = {}
        if self.expiry is not None:
            context["expiry"] = self.expiry
        if self.rents:
            context["rents"] = self.rents
        owners = list(dict.fromkeys(address.encode(line.to) for line in self.lines if line.mint is not None))
        if owners:
            context["owners"] = owners
        notes = [_transfer_fee_note(key, mint) for key, mint in self.mints.items() if mint.transfer_fee]
        notes += [_scaled_note(key) for key, mint in self.mints.items() if mint.is_scaled]
        if notes:
            context["notes"] = notes
        return Draft(message, fee, self.assets, context)


def _percentile(fees: list[int], speed: str) -> int:
    return fees[min(len(fees) * _PERCENTILES[speed] // 100, len(fees) - 1)] if fees else 0


def _scaled_note(key: bytes) -> str:
    return (
        f"wallets show amounts of the token {address.encode(key)} times a factor that its issuer sets: "
        "the amounts here are without it"
    )


def _transfer_fee_note(key: bytes, mint: Mint) -> str:
    points, most = mint.transfer_fee or (0, 0)
    percent = f"{points // 100}.{points % 100:02d}"
    return (
        f"the token {address.encode(key)} withholds {percent} % of each transfer (at most {most} units): "
        "less arrives than is sent"
    )
