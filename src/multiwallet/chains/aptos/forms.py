"""The forms in which transactions are handed over: bytes, hex and JSON, with signatures or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...chain import Network
from ...codec import json_text
from ...codec.bcs import BcsReader
from ...errors import InputError, InvalidTransaction
from . import addresses
from .raw_transaction import MAX_SIGNERS, RawTransaction, SigningMessage, strictly
from .rest_form import read_hex, read_request
from .signed import Signed, check_signers

__all__ = ["chain_id_of", "payer_for", "read", "read_signed"]

T = TypeVar("T")


def chain_id_of(network: Network) -> int | None:
    """The number that transactions of a network carry; None where it changes, as on the devnet.

    It is the CAIP-2 reference, or ``chain_id`` among the row's ``params``.
    """
    stated = network.params.get("chain_id", network.reference)
    if isinstance(stated, str) and stated.isascii() and stated.isdigit() and len(stated) < 4:
        stated = int(stated)
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated < 256 else None


def read(network: Network, native: Any) -> Signed:
    """A transaction, with the signatures that it has already; InvalidTransaction.

    Bytes or hex of: ``RawTransaction``, what is signed for one (prefix included), the ``SimpleTransaction`` and
    ``MultiAgentTransaction`` of the TypeScript SDK, and signed transactions with signatures missing. A dict or JSON
    text: the fields of the REST API.
    """
    if isinstance(native, str):
        if native.lstrip()[:1] == "{":
            native = json_text.parse(native, what="the transaction", error=InvalidTransaction, unique=True)
        else:
            native = read_hex(native)
    if isinstance(native, Mapping):
        return Signed(read_request(network, chain_id_of(network), native), {})
    if not isinstance(native, bytes | bytearray | memoryview):
        raise InvalidTransaction(
            f"a transaction is bytes, hex, or the REST API's fields, not a value of type {type(native).__name__}"
        )
    data = bytes(native)
    try:
        message = SigningMessage.decode(data)
    except InvalidTransaction as error:
        first: InvalidTransaction = error
    else:
        check_signers(message)
        return Signed(message, {})
    # The forms without a prefix all begin with the raw transaction, and what follows it tells them apart.
    found = [form for form in (_attempt(data, read) for read in (_plain, _simple, _several, Signed.read)) if form]
    if len(found) == 1:
        check_signers(found[0].message)
        found[0].check()
        return found[0]
    if found:
        raise InvalidTransaction("these bytes can be read as two kinds of transaction: say which, with its prefix")
    strictly(data, _head)  # says what is wrong with the transaction itself
    raise InvalidTransaction(
        "something follows the transaction that is neither its signers nor its signatures"
    ) from first


def _attempt(data: bytes, read: Callable[[BcsReader], Signed]) -> Signed | None:
    try:
        return strictly(data, read)
    except InputError:
        return None


def _head(reader: BcsReader) -> None:
    RawTransaction.read(reader)
    reader.rest()


def _plain(reader: BcsReader) -> Signed:
    return Signed(SigningMessage(RawTransaction.read(reader)), {})


def _simple(reader: BcsReader) -> Signed:
    raw = RawTransaction.read(reader)
    return Signed(SigningMessage(raw, (), reader.option(lambda: reader.take(32))), {})


def _several(reader: BcsReader) -> Signed:
    raw = RawTransaction.read(reader)
    listed = tuple(reader.sequence(lambda: reader.take(32), MAX_SIGNERS))
    return Signed(SigningMessage(raw, listed, reader.option(lambda: reader.take(32))), {})


def read_signed(wire: Any) -> Signed:
    """A signed transaction from its bytes or hex; InvalidTransaction."""
    if isinstance(wire, str):
        wire = read_hex(wire)
    if not isinstance(wire, bytes | bytearray | memoryview):
        raise InvalidTransaction(f"a signed transaction is bytes or hex, not a value of type {type(wire).__name__}")
    signed = Signed.decode(bytes(wire))
    if not signed.proofs:
        raise InvalidTransaction("this transaction carries no signature: sign it first")
    return signed


def payer_for(message: SigningMessage, address: bytes) -> SigningMessage:
    """The transaction as an account signs it: one that has no payer yet is paid for by whoever is not among its signers."""
    if message.fee_payer == addresses.ZERO and address not in message.signers:
        return message.with_payer(address)
    return message
