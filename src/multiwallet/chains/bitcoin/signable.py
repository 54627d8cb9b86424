"""What a PSBT asks to be signed, found out from its bytes alone.

:func:`examine` checks every input that is not final: that the key, the redeem script or the witness script
really make up the output that it spends, and that its amount is stated (and proven, before segwit). Only what
passes gets a signing request. A derivation in a PSBT is a claim; the script decides.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from ...crypto.hashes import hash160
from ...errors import InvalidKey, InvalidTransaction
from ...path import Path
from ...transactions import Digest, Scheme, SigningRequest
from . import psbt_fields as field
from .psbt import Psbt
from .psbt_fields import Fields, steps_of, tap_origin
from .rules import FORK_ID, digest_of
from .script import kind_of, multisig_of, p2sh, p2wsh
from .sighash import ALL, DEFAULT, Sighash, sighash_name
from .transaction import MAX_AMOUNT, Transaction, TxOut
from .zcash import ZcashSighash, ZcashTransaction

__all__ = ["Examined", "InputPlan", "check_form", "examine", "stated_path"]

_SPECIAL: Final = 3  # Dash keeps the type in the upper half of the version, from this version on
_MOST_SPECIAL: Final = 0xFF
_CACHED_SIZE: Final = 1_000_000
_LEGACY_WORK: Final = 100_000_000  # 1,500 such inputs; a transaction that nodes relay has less than 700
_LOW_R: Final = Scheme.LOW_R  # an enum's members are looked up slowly, and this is done for each input
_SHA256D: Final = Digest.SHA256D
_SIX: Final = (1, 2, 3, 0x81, 0x82, 0x83)
_KNOWN_SIGHASHES: Final = {
    "bitcoin": frozenset((DEFAULT, *_SIX)),
    "forkid": frozenset(sighash | FORK_ID for sighash in _SIX),
    "zip244": frozenset(_SIX),
}


class InputPlan(NamedTuple):
    """How the input at ``position``, which is not final, is signed and spent.

    ``kind`` is ``p2pkh``, ``p2wpkh``, ``p2sh-p2wpkh`` or ``p2tr`` with one key in ``keys``; or ``p2sh``,
    ``p2wsh`` or ``p2sh-p2wsh`` for a multisig ``script`` of which ``required`` keys sign.
    """

    position: int
    kind: str
    sighash: int
    preimage: bytes
    keys: tuple[bytes, ...]
    script: bytes = b""
    required: int = 1


class Examined(NamedTuple):
    """A PSBT with what was found: plans by input, the requests in order, and which input each request is for."""

    psbt: Psbt
    plans: dict[int, InputPlan]
    requests: tuple[SigningRequest, ...]
    places: dict[bytes, InputPlan]
    spent: tuple[TxOut, ...]
    fee: int
    sighash: str = "bitcoin"

    @property
    def unusual(self) -> list[InputPlan]:
        """The inputs that ask for a sighash type other than ALL (or taproot's DEFAULT)."""
        return [plan for plan in self.plans.values() if plan.sighash & ~FORK_ID > ALL]


def examine(body: bytes, sighash: str = "bitcoin") -> Examined:
    """Read a PSBT and find what it asks to be signed. The result is shared: it must not be changed.

    ``sighash`` says what the network's signatures commit to (:data:`~multiwallet.chains.bitcoin.rules.SIGHASHES`).
    Raises :class:`~multiwallet.errors.InvalidTransaction` for a PSBT that cannot be read or contradicts itself, an
    input that does not say what it spends, and outputs worth more than the inputs.
    """
    # Building, authorising and assembling all look at the same bytes. Large ones are not worth the memory.
    return _examine_once(body, sighash) if len(body) <= _CACHED_SIZE else _examine(body, sighash)


def _examine(body: bytes, sighash: str) -> Examined:
    psbt = Psbt.parse(body)
    psbt.transaction.check()
    check_form(psbt.transaction, sighash)
    spent = []
    for index, output in enumerate(psbt.spent):
        if output is None:
            raise InvalidTransaction(
                f"input {index} does not say what it spends (witness UTXO or previous transaction): "
                "its amount, and so the fee, cannot be checked"
            )
        if output.amount > MAX_AMOUNT:
            raise InvalidTransaction(f"input {index} is said to be worth more than any amount can be")
        spent.append(output)
    fee = sum([output.amount for output in spent]) - sum([output.amount for output in psbt.transaction.outputs])
    if fee < 0:
        raise InvalidTransaction(f"the outputs are worth {-fee} more than the inputs")
    _bound_legacy_work(psbt, spent)
    return _Reader(psbt, tuple(spent), sighash).read(fee)


def check_form(transaction: Transaction, sighash: str) -> None:
    """Refuse a transaction of a form that the network does not have (InvalidTransaction).

    That is Zcash's elsewhere and another one on Zcash, and Dash's special transactions, whose payload is not known
    here (DIP-2).
    """
    if isinstance(transaction, ZcashTransaction) != (sighash == "zip244"):
        raise InvalidTransaction(
            "this transaction has not the form of version 5 (ZIP-225)"
            if sighash == "zip244"
            else "this is a Zcash transaction, which no other network has"
        )
    kind = transaction.version >> 16
    if kind and transaction.version & 0xFFFF >= _SPECIAL and kind <= _MOST_SPECIAL:
        raise InvalidTransaction(f"this is a special transaction (type {kind}), which is not known here")


def _bound_legacy_work(psbt: Psbt, spent: list[TxOut]) -> None:
    # Before segwit each signature hashes the whole transaction, so n inputs cost n squared, in memory as well.
    legacy = sum(1 for output in spent if output.script[:1] in (b"\x76", b"\xa9"))
    size = len(psbt.transaction.inputs) * 41 + sum([len(output.script) + 9 for output in psbt.transaction.outputs])
    if legacy * size > _LEGACY_WORK:
        raise InvalidTransaction(
            f"{legacy} inputs from before segwit in one transaction are more than any node relays: split it"
        )


def stated_path(fields: Fields, key: bytes) -> Path | None:
    """Where an input's map says that a key (33 or 65 bytes) is found; None when it does not say."""
    origin = fields.get(b"\x06" + key)
    if origin is None:
        origin = fields.get(bytes((field.TAP_BIP32_DERIVATION,)) + key[1:])
        origin = None if origin is None else tap_origin(origin)[1]
    return None if origin is None else Path(steps_of(origin))


_examine_once = lru_cache(maxsize=16)(_examine)


class _Reader:
    """Goes through the inputs of one PSBT, once."""

    def __init__(self, psbt: Psbt, spent: tuple[TxOut, ...], name: str) -> None:
        self.psbt = psbt
        self.spent = spent
        self.sighash = Sighash(psbt.transaction)
        self.name = name
        self.digest = digest_of(name)
        self.zcash = ZcashSighash(psbt.transaction, spent) if isinstance(psbt.transaction, ZcashTransaction) else None
        self.hashes: dict[bytes, bytes] = {}
        self.paths: dict[bytes, Path | None] = {}
        self.plans: dict[int, InputPlan] = {}
        self.requests: list[SigningRequest] = []
        self.places: dict[bytes, InputPlan] = {}

    def read(self, fee: int) -> Examined:
        spent = self.spent
        for index, fields in enumerate(self.psbt.inputs):
            if field.FINAL_WITNESS in fields or field.FINAL_SCRIPTSIG in fields:
                continue
            output = spent[index]
            kind = kind_of(output.script)
            if kind == "p2pkh":
                self._p2pkh(index, fields, output)
            elif kind == "p2sh":
                self._p2sh(index, fields, output)
            elif self.name != "bitcoin":
                continue  # such scripts mean nothing, or anything, without segregated witness
            elif kind == "p2wpkh":
                self._key_v0(index, kind, fields, output.script[2:], output.amount)
            elif kind == "p2tr":
                self._taproot(index, fields, output.script[2:])
            elif kind == "p2wsh":
                self._p2wsh(index, kind, fields, output.script, output.amount)
        return Examined(self.psbt, self.plans, tuple(self.requests), self.places, spent, fee, self.name)

    # -- one input each ------------------------------------------------------------------------------

    def _key_v0(self, index: int, kind: str, fields: Fields, program: bytes, amount: int) -> None:
        public_key = self._key_of_hash(fields, program, 34)
        if public_key is None:
            return
        sighash = self._sighash_type(index, fields, ALL) if field.SIGHASH_TYPE in fields else ALL
        preimage = self.sighash.witness_v0(index, b"\x76\xa9\x14" + program + b"\x88\xac", amount, sighash)
        self.plans[index] = self.places[preimage] = InputPlan(index, kind, sighash, preimage, (public_key,))
        origin = fields.get(b"\x06" + public_key)
        if origin is not None and b"\x02" + public_key not in fields:
            path = self._path(origin)
            self.requests.append(SigningRequest(_LOW_R, _SHA256D, preimage, public_key, path))

    def _p2pkh(self, index: int, fields: Fields, output: TxOut) -> None:
        self._need_previous(index, fields)
        script = output.script
        key = self._key_of_hash(fields, script[3:23], 0)
        if key is not None:
            sighash = self._sighash_type(index, fields, ALL)
            preimage = self._without_witness(index, script, output.amount, sighash)
            self._plan(InputPlan(index, "p2pkh", sighash, preimage, (key,)), fields)

    def _without_witness(self, index: int, code: bytes, amount: int, sighash: int) -> bytes:
        """The preimage of an input that has no witness, as the network's rules want it."""
        if self.zcash is not None:
            return self.zcash.transparent(index, sighash)
        if self.name == "forkid":
            return self.sighash.witness_v0(index, code, amount, sighash)
        return self.sighash.legacy(index, code, sighash)

    def _p2sh(self, index: int, fields: Fields, output: TxOut) -> None:
        redeem = fields.get(field.REDEEM_SCRIPT)
        if redeem is None:
            return
        if p2sh(redeem) != output.script:
            raise InvalidTransaction(f"input {index}: the redeem script is not the one that the output pays to")
        kind = kind_of(redeem) if self.name == "bitcoin" else "unknown"
        if kind == "p2wpkh":
            self._key_v0(index, "p2sh-p2wpkh", fields, redeem[2:], output.amount)
        elif kind == "p2wsh":
            self._p2wsh(index, "p2sh-p2wsh", fields, redeem, output.amount)
        else:
            self._need_previous(index, fields)
            multisig = multisig_of(redeem)
            if multisig is not None:
                sighash = self._sighash_type(index, fields, ALL)
                preimage = self._without_witness(index, redeem, output.amount, sighash)
                self._plan(InputPlan(index, "p2sh", sighash, preimage, multisig[1], redeem, multisig[0]), fields)

    def _p2wsh(self, index: int, kind: str, fields: Fields, program: bytes, amount: int) -> None:
        script = fields.get(field.WITNESS_SCRIPT)
        if script is None:
            return
        if p2wsh(script) != program:
            raise InvalidTransaction(f"input {index}: the witness script is not the one that the output pays to")
        multisig = multisig_of(script)
        if multisig is not None and all(len(key) == 33 for key in multisig[1]):
            sighash = self._sighash_type(index, fields, ALL)
            preimage = self.sighash.witness_v0(index, script, amount, sighash)
            self._plan(InputPlan(index, kind, sighash, preimage, multisig[1], script, multisig[0]), fields)

    def _taproot(self, index: int, fields: Fields, output_key: bytes) -> None:
        internal = fields.get(field.TAP_INTERNAL_KEY)
        if internal is None:
            return
        root = fields.get(field.TAP_MERKLE_ROOT, b"")
        if self._output_key(index, internal, root) != output_key:
            raise InvalidTransaction(f"input {index}: the taproot internal key and merkle root are not the output's")
        sighash = self._sighash_type(index, fields, DEFAULT)
        preimage = self.sighash.taproot(index, self.spent, sighash)
        plan = InputPlan(index, "p2tr", sighash, preimage, (b"\x02" + internal,), root)
        self.plans[index] = self.places[preimage] = plan
        origin = fields.get(bytes((field.TAP_BIP32_DERIVATION,)) + internal)
        if field.TAP_KEY_SIG not in fields:
            path = None if origin is None else self._path(tap_origin(origin)[1])
            request = SigningRequest(Scheme.SCHNORR, Digest.TAPSIGHASH, preimage, b"\x02" + internal, path, root)
            self.requests.append(request)

    # -- shared by them ------------------------------------------------------------------------------

    def _plan(self, plan: InputPlan, fields: Fields) -> None:
        self.plans[plan.position] = self.places[plan.preimage] = plan
        preimage = plan.preimage
        for key in plan.keys:
            if b"\x02" + key not in fields:
                origin = fields.get(b"\x06" + key)
                if origin is not None:
                    path = self._path(origin)
                    request = SigningRequest(_LOW_R, self.digest, preimage, key, path)
                    self.requests.append(request)

    def _path(self, origin: bytes) -> Path | None:
        if len(origin) == 4:
            return None
        try:
            return self.paths[origin]
        except KeyError:
            self.paths[origin] = path = Path(steps_of(origin))
            return path

    def _key_of_hash(self, fields: Fields, program: bytes, size: int) -> bytes | None:
        """The key of that hash that the input names in a derivation or a partial signature."""
        hashes = self.hashes
        for key in fields:
            if key[0] == 6 or key[0] == 2:
                public_key = key[1:]
                digest = hashes.get(public_key)
                if digest is None:
                    hashes[public_key] = digest = hash160(public_key)
                if digest == program and (not size or len(key) == size):
                    return public_key
        return None

    def _output_key(self, index: int, internal: bytes, root: bytes) -> bytes:
        name = internal + root
        known = self.hashes.get(name)
        if known is None:
            from ...crypto.secp256k1 import taproot_tweak_public

            try:
                known = taproot_tweak_public(internal, root or None)[0]
            except InvalidKey as error:
                raise InvalidTransaction(f"input {index}: {error.message}") from None
            self.hashes[name] = known
        return known

    def _sighash_type(self, index: int, fields: Fields, usual: int) -> int:
        value = fields.get(field.SIGHASH_TYPE)
        if value is None:
            return usual | FORK_ID if self.name == "forkid" else usual
        sighash = int.from_bytes(value, "little")
        if sighash not in _KNOWN_SIGHASHES[self.name] or (sighash == DEFAULT and usual != DEFAULT):
            raise InvalidTransaction(
                f"input {index} asks for the sighash type {sighash_name(sighash)}, which it cannot have"
            )
        return sighash

    def _need_previous(self, index: int, fields: Fields) -> None:
        if self.name == "bitcoin" and field.NON_WITNESS_UTXO not in fields:  # other signatures commit to the amount
            raise InvalidTransaction(
                f"input {index} spends an output from before segwit and lacks its previous transaction: its amount is "
                "not proven, so the fee could be anything"
            )
