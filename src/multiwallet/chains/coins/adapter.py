"""The family of coins: a path, a key and an address, as a row says. Everything else is Unsupported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn

from ...amounts import Asset
from ...chain import Chain, Holder, Network, Options, Payment
from ...crypto import ed25519, secp256k1
from ...errors import InputError, InvalidAddress, InvalidKey, Unsupported, shown
from ...ops import Op
from ...path import HARDENED, Path
from ...transactions import (
    Balance,
    Fee,
    Receipt,
    SignedTransaction,
    SigningRequest,
    Summary,
    UnsignedTransaction,
)
from . import base32_addresses, base58_addresses, bech32_addresses, hexadecimal_addresses
from .address_format import AddressFormat, Params
from .row_params import CURVES, PathTemplate, as_text, kind_params, kinds

__all__ = ["Coins"]

_FORMATS: Final[Mapping[str, AddressFormat]] = {
    **base32_addresses.FORMATS,
    **base58_addresses.FORMATS,
    **bech32_addresses.FORMATS,
    **hexadecimal_addresses.FORMATS,
}
_LONGEST_ADDRESS: Final = 200
_TWO_KEYS: Final = "ed25519-bip32-base"
"""The curve of Cardano's base addresses: 64 bytes, the payment key of a path and the staking key of its account."""
_CIP1852, _BIP84, _STAKING_ROLE = 1852 + HARDENED, 84 + HARDENED, 2
_USUAL_KINDS: Final[Mapping[int, str]] = {1729 + HARDENED: "tz1", 888 + HARDENED: "n3"}


class Coins(Chain):
    """Coins of which this library knows keys and addresses alone: derive, show, check an address.

    A row's params say the rest: ``format`` (one of the forms of addresses, with what that form needs: ``hrp``,
    ``version``, ...), ``path`` (such as ``m/44'/461'/{account}'/0/{index}``), ``curve`` where it is not the form's
    usual one, and ``kinds`` (a table of tables with these) where a coin has several kinds of addresses.
    """

    family: ClassVar[str] = "coins"
    curve: ClassVar[str] = "secp256k1"
    kinds: ClassVar[tuple[str, ...]] = ("",)

    # -- keys and addresses ------------------------------------------------------------------------

    def kinds_of(self, network: Network) -> tuple[str, ...]:
        """The kinds of the row: ``params.kinds``, or one without a name."""
        return kinds(network)

    def curve_of(self, network: Network, kind: str) -> str:
        """The curve of a kind's keys; InputError where the row is wrong."""
        params = kind_params(network, kind)
        curve = params.get("curve", _format(network, params).curve)
        if curve not in (*CURVES, _TWO_KEYS):
            raise InputError(f"params.curve of the network {network.name!r} is one of {', '.join(CURVES)}")
        return str(curve)

    def kind_of(self, path: Path) -> str:
        """What a path tells of the kinds of Cardano, Tezos, NEO and Bitcoin's kin; other rows have one kind."""
        steps = path.indexes
        if steps[:1] == (_CIP1852,):
            return "stake" if steps[3:4] == (_STAKING_ROLE,) else "base"
        if steps[:1] == (_BIP84,):
            return "p2wpkh"
        return _USUAL_KINDS.get(steps[1], "p2pkh") if len(steps) > 1 else ""

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        """The path that the row gives for an account and an index."""
        template = PathTemplate.parse(as_text(kind_params(network, kind), "path"))
        return template.path(account=account, index=index)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        """The address of a public key: 32 bytes; 33 or 65 of secp256k1; 33 of secp256r1; InvalidKey for another length.

        Cardano's base addresses are made of 64 bytes, the payment key and the staking key.
        """
        params = kind_params(network, kind or self.kinds_of(network)[0])
        return _format(network, params).encode(params, _key(self.curve_of(network, kind), public_key))

    def parse_address(self, network: Network, text: str) -> str:
        """The canonical form of an address; InvalidAddress says what is wrong."""
        if not isinstance(text, str):
            raise InvalidAddress(f"an address is text, not a value of type {type(text).__name__}")
        if not 0 < len(text) <= _LONGEST_ADDRESS or not text.isascii() or not text.isprintable():
            raise InvalidAddress(f"this text of {len(text)} characters is no address of {network.title}")
        reasons = []
        for kind in self.kinds_of(network):
            params = kind_params(network, kind)
            read = _format(network, params).parse
            try:
                return read(params, text)
            except InputError as error:
                reasons.append(error.message)
        raise InvalidAddress(f"this is no address of {network.title}: {reasons[0]}")

    # -- what is not known here --------------------------------------------------------------------

    def adopt(self, holder: Holder, native: Any) -> UnsignedTransaction:
        """Unsupported."""
        _refuse(holder.network)

    def restore(
        self,
        network: Network,
        *,
        sender: str,
        body: bytes,
        fee: Fee,
        paths: Mapping[bytes, Path],
        assets: tuple[Asset, ...],
        context: Mapping[str, Any],
    ) -> UnsignedTransaction:
        """Unsupported."""
        _refuse(network)

    def authorize(self, holder: Holder, transaction: UnsignedTransaction) -> tuple[SigningRequest, ...]:
        """Unsupported."""
        _refuse(holder.network)

    def summarize(self, transaction: UnsignedTransaction) -> Summary:
        """Unsupported."""
        _refuse(transaction.network)

    def assemble(
        self, transaction: UnsignedTransaction, signed: Sequence[tuple[SigningRequest, bytes]]
    ) -> SignedTransaction:
        """Unsupported."""
        _refuse(transaction.network)

    def to_wire(self, signed: SignedTransaction) -> Any:
        """Unsupported."""
        _refuse(signed.network)

    def parse_signed(self, network: Network, wire: Any) -> SignedTransaction:
        """Unsupported."""
        _refuse(network)

    def identify(self, network: Network) -> Op[None]:
        """Unsupported."""
        _refuse(network)

    def balance(self, holder: Holder, asset: Asset) -> Op[Balance]:
        """Unsupported."""
        _refuse(holder.network)

    def build(self, holder: Holder, payments: tuple[Payment, ...], options: Options) -> Op[UnsignedTransaction]:
        """Unsupported."""
        _refuse(holder.network)

    def broadcast(self, network: Network, signed: SignedTransaction) -> Op[Receipt]:
        """Unsupported."""
        _refuse(network)

    def status(self, network: Network, txid: str, *, expiry: int | None = None) -> Op[Receipt]:
        """Unsupported."""
        _refuse(network)

    def message(self, holder: Holder, message: str | bytes, **form: Any) -> SigningRequest:
        """Unsupported."""
        _refuse(holder.network)


def _refuse(network: Network) -> NoReturn:
    note = f": {network.note}" if network.note else ""
    raise Unsupported(f"{network.title} is for keys and addresses only{note}")


def _format(network: Network, params: Params) -> AddressFormat:
    name = params.get("format")
    found = _FORMATS.get(name) if isinstance(name, str) else None
    if found is None:
        known = ", ".join(sorted(_FORMATS))
        raise InputError(
            f"params.format of the network {network.name!r} is {shown(name)}: the forms of addresses are {known}"
        )
    return found


def _key(curve: str, public_key: bytes) -> bytes:
    """A public key as the forms of addresses take it."""
    match curve:
        case "secp256k1":
            return secp256k1.compress(public_key)
        case "secp256r1":
            from ...crypto import secp256r1

            if len(public_key) != 33 or not secp256r1.is_valid_public_key(public_key):
                raise InvalidKey("these are not the 33 bytes of a compressed public key of secp256r1")
            return public_key
        case _:
            parts = 2 if curve == _TWO_KEYS else 1
            if len(public_key) != 32 * parts:
                raise InvalidKey(f"a public key of {curve} has {32 * parts} bytes, not {len(public_key)}")
            if not all(
                ed25519.is_valid_public_key(public_key[start : start + 32]) for start in range(0, len(public_key), 32)
            ):
                raise InvalidKey("these bytes are no public key of Ed25519")
            return public_key
