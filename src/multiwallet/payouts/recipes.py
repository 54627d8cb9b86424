"""How a batch is made on each family: what is asked of the chain once, and each line's transaction from that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..amounts import Amount, Asset
from ..chain import Replay
from ..codec import abi
from ..errors import AmountError, InputError, MultiwalletError, Unsupported
from ..intents import Transfer
from ..ops import Op, Rpc, attempt
from ..transactions import UnsignedTransaction
from .plan_file import Record

if TYPE_CHECKING:
    from ..operations import AccountOperations

__all__ = ["EvmRecipe", "Recipe", "TronRecipe", "recipe_for"]

_LIFETIME: Final = 86_000  # seconds; java-tron takes less than a day
_TEMPLATES: Final = 256
_PLAIN_GAS: Final = 21_000
_BYTE_GAS: Final = 40  # the most that a byte of data costs (EIP-7623)


class Recipe:
    """A family whose transactions are made when they are sent. The others say more."""

    offline = False
    reason = "its transactions are made and signed as they are sent"
    samples = 4
    """How many lines of each asset are built in full to learn what the others cost."""
    blames = "to"
    """Which column :meth:`check_recipients` finds fault with."""
    together = 1
    """How many lines one transaction can pay at most."""

    def __init__(self, operations: AccountOperations, speed: str) -> None:
        self.operations = operations
        self.network = operations.network
        self.speed = speed
        self.costs: dict[str, tuple[int, int]] = {}
        """By the asset's id: the expected and the highest fee of one transaction, in units of the coin."""

    @property
    def sample_options(self) -> dict[str, Any]:
        """Options for building a sample."""
        return {}

    def largest(self, asset: Asset) -> int:
        """The largest number of units that a payment of the asset can have."""
        return (1 << 64) - 1 if self.operations.chain.family == "solana" else (1 << 63) - 1

    def fits(self, asset: Asset) -> int:
        """How many payments of an asset one transaction holds at most."""
        return self.together

    def facts(self) -> dict[str, Any]:
        """What a reader of the plan should know beside its figures."""
        return {}

    def check_recipients(
        self, payments: Sequence[tuple[int, str, int, bool]]
    ) -> Op[tuple[dict[int, int], dict[int, str]]]:
        """Of lines (number, recipient, units, whether of the coin): gas out of the ordinary, and what is wrong with some."""
        return {}, {}
        yield ()  # makes this a generator

    def prepare(self, start: int) -> Op[None]:
        """Ask the chain what all transactions share. ``start`` is the lowest nonce that the store would give."""
        return
        yield ()  # makes this a generator

    def learn(self, asset: Asset, built: Sequence[UnsignedTransaction]) -> None:
        """Take the cost of a transaction from samples: what they cost on average, and the most that one may."""
        expected = sum(sample.fee.expected.units for sample in built) // max(len(built), 1)
        self.costs[asset.id] = expected, max((sample.fee.maximum.units for sample in built), default=0)

    def transaction(self, record: Record, asset: Asset, units: int, position: int, gas: int | None) -> Any:
        """What is signed for one line, as plain JSON values; None where it is made when it is sent."""
        return None

    def cost(self, asset: Asset, made: Any) -> tuple[int, int]:
        """The expected and the highest fee of what :meth:`transaction` made, in units of the coin."""
        return self.costs[asset.id]


class EvmRecipe(Recipe):
    """Nonces count up from the account's next; prices and gas are those of the samples."""

    offline = True
    reason = ""
    samples = 8
    together = 200

    def __init__(self, operations: AccountOperations, speed: str) -> None:
        super().__init__(operations, speed)
        self.nonce = 0
        self.prices: dict[str, int] = {}
        self.gas: dict[str, int] = {}

    def largest(self, asset: Asset) -> int:
        """256 bits."""
        return (1 << 256) - 1

    def check_recipients(
        self, payments: Sequence[tuple[int, str, int, bool]]
    ) -> Op[tuple[dict[int, int], dict[int, str]]]:
        """Contracts among the recipients of the coin may need more gas, or take nothing: those are tried."""
        coins = [(line, to, units) for line, to, units, native in payments if native]
        places = list(dict.fromkeys(to for _, to, _ in coins))
        identity = self.network.id
        codes = yield from self.operations.online(
            attempt(*(Rpc(identity, "eth_getCode", [to, "latest"]) for to in places))
        )
        contracts = set()
        for to, code in zip(places, codes, strict=True):
            if isinstance(code, MultiwalletError):
                raise code
            if isinstance(code, str) and len(code) > 2:
                contracts.add(to)
        asked = [(line, to, units) for line, to, units in coins if to in contracts]
        calls = (
            Rpc(identity, "eth_estimateGas", [{"from": self.operations.holder.address, "to": to, "value": hex(units)}])
            for _, to, units in asked
        )
        answers = (yield from attempt(*calls)) if asked else []
        gas, wrong = {}, {}
        for (line, _, _), answer in zip(asked, answers, strict=True):
            if isinstance(answer, str) and answer.startswith("0x") and 0 < len(answer) < 18:
                estimate = _number(answer)
                gas[line] = estimate + estimate // 4
            elif isinstance(answer, MultiwalletError) and answer.code in ("rejected", "reverted"):
                if "insufficient funds" not in answer.message.lower():
                    wrong[line] = f"the recipient is a contract that does not take it: {answer.message[:120]}"
            else:
                wrong[line] = "the recipient is a contract, and the node cannot say what paying it takes"
        return gas, wrong

    def prepare(self, start: int) -> Op[None]:
        """The account's next nonce, with what waits in the node's pool and in the store."""
        counted = yield from self.operations.online(self.operations.chain.nonces(self.operations.holder))
        self.nonce = max(counted.pending, start)

    def learn(self, asset: Asset, built: Sequence[UnsignedTransaction]) -> None:
        """Prices of the first sample; the gas of the dearest, and for a token a quarter more."""
        super().learn(asset, built)
        if not built:
            return
        for name in ("max_fee_per_gas", "max_priority_fee_per_gas", "gas_price"):
            if name in built[0].fee.details:
                self.prices[name] = max(self.prices.get(name, 0), int(built[0].fee.details[name]))
        most = max(int(sample.fee.details["gas"]) for sample in built)
        gas = most if asset.is_native else most + most // 4
        self.gas[asset.id] = gas
        price = self.prices.get("gas_price") or self.prices["max_fee_per_gas"]
        data_fee = max(int(sample.fee.details.get("l1_fee", 0)) for sample in built)
        self.costs[asset.id] = self.costs[asset.id][0], gas * price + data_fee + data_fee // 2

    def transaction(self, record: Record, asset: Asset, units: int, position: int, gas: int | None) -> Any:
        """A dict with eth-account's keys."""
        ((_, to, _),) = record.payments
        data, limit, value, target = "", self.gas[asset.id], units, to
        if not asset.is_native:
            data = "0x" + abi.encode_call("transfer(address,uint256)", (to, units)).hex()
            value, target = 0, asset.reference
        elif record.memo is not None:
            encoded = record.memo.encode()
            data, limit = "0x" + encoded.hex(), limit + _BYTE_GAS * len(encoded)
        made: dict[str, Any] = {"chainId": int(self.network.reference), "nonce": self.nonce + position, "to": target}
        made |= {"value": value, "gas": max(limit, gas or 0)}
        if data:
            made["data"] = data
        if "gas_price" in self.prices:
            return made | {"gasPrice": self.prices["gas_price"]}
        named = {"maxFeePerGas": self.prices["max_fee_per_gas"]}
        return made | named | {"maxPriorityFeePerGas": self.prices["max_priority_fee_per_gas"], "type": 2}

    def cost(self, asset: Asset, made: Any) -> tuple[int, int]:
        """With the gas that this one has beyond the others, for a contract or a memo."""
        expected, highest = self.costs[asset.id]
        extra = (made["gas"] - self.gas[asset.id]) * made.get("gasPrice", made.get("maxFeePerGas"))
        return expected + extra, highest + extra


class TronRecipe(Recipe):
    """One reference block and one expiration, almost a day ahead; each line is a millisecond later than the one before."""

    offline = True
    reason = ""
    samples = 8

    def __init__(self, operations: AccountOperations, speed: str) -> None:
        super().__init__(operations, speed)
        self._like: dict[str, UnsignedTransaction] = {}
        self._limits: dict[str, int] = {}
        self._templates: OrderedDict[tuple[str, str | None], Any] = OrderedDict()

    @property
    def sample_options(self) -> dict[str, Any]:
        """As long a life as the network allows."""
        return {"expiration": _LIFETIME}

    def largest(self, asset: Asset) -> int:
        """63 bits of the coin, 256 of a token."""
        return (1 << 63) - 1 if asset.is_native else (1 << 256) - 1

    def facts(self) -> dict[str, Any]:
        """When the transactions expire, as their bytes say."""
        times = sorted(like.summary.details["expires"] for like in self._like.values())
        return {"expires": times[0]} if times else {}

    def learn(self, asset: Asset, built: Sequence[UnsignedTransaction]) -> None:
        """The reference block of the first sample, the energy of the dearest and a quarter more."""
        super().learn(asset, built)
        if not built:
            return
        self._like[asset.id] = built[0]
        limit = max(int(sample.fee.details.get("fee_limit", 0)) for sample in built)
        self._limits[asset.id] = limit + limit // 4
        expected, maximum = self.costs[asset.id]
        self.costs[asset.id] = expected, maximum + limit // 4

    def transaction(self, record: Record, asset: Asset, units: int, position: int, gas: int | None) -> Any:
        """``raw_data`` in hex."""
        key = asset.id, record.memo
        template = self._templates.get(key)
        if template is None:
            fixed: dict[str, Any] = {"like": self._like[asset.id], "memo": record.memo or ""}
            if not asset.is_native:
                fixed["fee_limit"] = self._limits[asset.id]
            template = self.operations.chain.template(self.operations.holder, **fixed)
            if len(self._templates) >= _TEMPLATES:
                self._templates.popitem(last=False)
            self._templates[key] = template
        ((_, to, _),) = record.payments
        (made,) = template.fill(((to, units),), start=position)
        if not isinstance(made, bytes):
            raise made.error
        return made.hex()


class SolanaRecipe(Recipe):
    """A block hash lives for about a minute: signing ahead of sending would be in vain."""

    reason = "a Solana transaction lives for about a minute after it was made: `batch send` signs each as it is sent"
    together = 18

    def fits(self, asset: Asset) -> int:
        """How many payments of an asset one transaction holds: its 1232 bytes are the limit."""
        return self.together if asset.is_native else 8


class BitcoinRecipe(Recipe):
    """Each transaction spends coins: which ones is decided as they are sent, or for groups of lines ahead."""

    reason = "without combining, each payment spends the change of the one before, which is not known ahead"
    together = 2000
    blames = "amount"

    def __init__(self, operations: AccountOperations, speed: str) -> None:
        super().__init__(operations, speed)
        self._relayed: dict[tuple[str, int], int] = {}

    def check_recipients(
        self, payments: Sequence[tuple[int, str, int, bool]]
    ) -> Op[tuple[dict[int, int], dict[int, str]]]:
        """Amounts that are too little to be relayed: it depends on the kind of the address, and nobody is asked."""
        wrong = {}
        for line, to, units, _ in payments:
            kind = to[:1], len(to)  # the script of one kind has one length
            if units < self._relayed.get(kind, units + 1):
                message = self._refusal(to, units)
                if message is None:
                    self._relayed[kind] = units
                else:
                    wrong[line] = message
        return {}, wrong
        yield ()  # makes this a generator

    def _refusal(self, to: str, units: int) -> str | None:
        """What building the payment says before it asks for anything."""
        coin = self.network.native
        options: dict[str, Any] = {"speed": self.speed, "max_fee": None, "memo": None, "native": {}}
        build = self.operations.build((Transfer(to, Amount(units, coin), coin),), options)
        try:
            next(build)
        except AmountError as error:
            return error.message
        finally:
            build.close()
        return None

    def largest(self, asset: Asset) -> int:
        """All the coins that there can be, or 63 bits where a network has no such end."""
        return (1 << 63) - 1


_RECIPES: Final[Mapping[str, type[Recipe]]] = {
    "bitcoin": BitcoinRecipe,
    "evm": EvmRecipe,
    "solana": SolanaRecipe,
    "tron": TronRecipe,
}


def recipe_for(operations: AccountOperations, speed: str) -> Recipe:
    """The recipe of an account's family; Unsupported where its payments cannot go through an outbox."""
    if operations.chain.replay is None:
        raise Unsupported(f"payments on {operations.network.title} cannot go through an outbox yet: send them singly")
    return _RECIPES.get(operations.chain.family, Recipe)(operations, speed)


def shares_nonces(operations: AccountOperations) -> bool:
    """Whether payments take numbers of the account in turn."""
    return operations.chain.replay is Replay.NONCE


def _number(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise InputError("the node answered what is no number") from None
