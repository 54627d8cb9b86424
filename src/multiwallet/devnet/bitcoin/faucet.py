"""The faucet: an ordinary wallet of one fixed key, paid by the blocks of the devnet."""

from __future__ import annotations

from typing import Final

from ...amounts import Amount
from ...chains.bitcoin.script import script_for_key
from ...chains.bitcoin.sighash import Sighash
from ...chains.bitcoin.transaction import RBF_SEQUENCE, Transaction, TxIn, TxOut
from ...chains.bitcoin.weights import dust_limit, fixed_weight, input_weight, output_weight, vsize
from ...codec import der
from ...crypto.hashes import sha256, sha256d
from ...crypto.secpkey import SecpKey
from ...errors import InputError, InsufficientFunds
from .blocks import subsidy
from .node import Node

__all__ = ["Faucet", "faucet_script"]

# Coins of the devnet are worth nothing, so its key may be known: it is the hash of these words.
_KEY: Final = sha256(b"multiwallet devnet faucet")
_RATE: Final = 2  # satoshi for a virtual byte
_MATURITY: Final = 100
_MOST_INPUTS: Final = 1000
_LEAST_SUBSIDY: Final = 100_000
_ROUND: Final = 10


def faucet_script() -> bytes:
    """The p2wpkh script that blocks pay unless they are told otherwise."""
    with SecpKey(_KEY) as key:
        return script_for_key("p2wpkh", key.public_key)


class Faucet:
    """Pays real coins out of mature block rewards, and makes blocks when it has too few."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._script = faucet_script()

    def pay(self, script: bytes, amount: int) -> Transaction:
        """Make and sign a transaction that pays ``amount`` satoshi to a script.

        Raises :class:`~multiwallet.errors.InputError` for an amount that no node relays and
        :class:`~multiwallet.errors.InsufficientFunds` when regtest can never make so many coins.
        """
        least = max(1, dust_limit(script, int(self._node.network.params.get("dust_relay_rate", 3000))))
        if isinstance(amount, bool) or not isinstance(amount, int) or amount < least:
            raise InputError(f"the faucet pays at least {least} units to such an address, the dust limit of nodes")
        while True:
            chosen = self._choose(script, amount)
            if chosen is not None:
                return self._sign(chosen, script, amount)
            if subsidy(self._node.index.height + 1) < _LEAST_SUBSIDY:
                native = self._node.network.native
                available = sum(coin for _, coin in self._coins())
                raise InsufficientFunds(
                    "the faucet of the devnet cannot pay this: regtest makes no more than 15,000 coins in all",
                    needed=Amount(amount, native),
                    available=Amount(available, native),
                )
            for _ in range(_ROUND):
                self._node.mine_block(())

    def _coins(self) -> list[tuple[bytes, int]]:
        """The faucet's mature coins that nothing in the mempool spends, the largest first."""
        index, found = self._node.index, []
        for outpoint in index.coins_of.get(self._script, ()):
            coin = index.coins[outpoint]
            mature = not coin.coinbase or index.height + 1 - coin.height >= _MATURITY
            if mature and outpoint not in self._node.mempool.spenders:
                found.append((outpoint, coin.output.amount))
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def _fee(self, inputs: int, script: bytes) -> int:
        outputs = output_weight(script) + output_weight(self._script)
        return _RATE * vsize(fixed_weight(inputs, 2) + inputs * input_weight("p2wpkh") + outputs)

    def _choose(self, script: bytes, amount: int) -> list[tuple[bytes, int]] | None:
        chosen, total = [], 0
        for outpoint, value in self._coins()[:_MOST_INPUTS]:
            chosen.append((outpoint, value))
            total += value
            if total >= amount + self._fee(len(chosen), script):
                return chosen
        return None

    def _sign(self, chosen: list[tuple[bytes, int]], script: bytes, amount: int) -> Transaction:
        change = sum(value for _, value in chosen) - amount - self._fee(len(chosen), script)
        outputs = [TxOut(amount, script)]
        if change >= dust_limit(self._script, int(self._node.network.params.get("dust_relay_rate", 3000))):
            outputs.append(TxOut(change, self._script))
        inputs = [TxIn(outpoint, b"", RBF_SEQUENCE) for outpoint, _ in chosen]
        unsigned = Transaction(2, inputs, outputs)
        sighash = Sighash(unsigned)
        code = b"\x76\xa9\x14" + self._script[2:] + b"\x88\xac"
        with SecpKey(_KEY) as key:
            signed = []
            for number, (txin, (_, value)) in enumerate(zip(inputs, chosen, strict=True)):
                signature = key.sign_low_r(sha256d(sighash.witness_v0(number, code, value)))
                signed.append(txin._replace(witness=(der.encode(signature) + b"\x01", key.public_key)))
        return Transaction(2, signed, outputs)
