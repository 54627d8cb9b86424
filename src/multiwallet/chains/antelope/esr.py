"""EOSIO signing requests (ESR, EEP-7): what a web page or a QR code asks a wallet to sign, as ``esr:`` text.

The text is base64url of one byte (version 2 or 3, and 128 where the rest is deflated) and the request. A request
holds one action, several, or a whole transaction; ``............1`` and ``............2`` in it stand for the
signer's account and permission. Callbacks are read and shown, never called.
"""

from __future__ import annotations

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field, replace
from typing import Final

from ...chain import Network
from ...errors import InvalidTransaction, Unsupported
from . import known_abis, serialization, transaction, wire
from .abi import Abi
from .names import Level
from .transaction import Call, Transaction
from .wire import Input

__all__ = ["CHAIN_ALIASES", "Request", "decode", "encode", "is_request", "resolve"]

_SCHEME: Final = re.compile(r"(?:web\+)?esr:(?://)?([-_A-Za-z0-9+/]*)=*", re.ASCII)
_LONGEST: Final = 1 << 18
_ACTOR: Final = "............1"
_PERMISSION: Final = "............2"
_BROADCAST: Final = 1
_BACKGROUND: Final = 2

CHAIN_ALIASES: Final = {
    1: "aca376f206b8fc25a6ed44dbdc66547c36c6c33e3a119ffbeaef943642f0e906",
    2: "4667b205c6838ef70ff7988f6e8257e8be0e1284a2f59699054a018f743b1d11",
    3: "e70aaab8997e1dfce58fbfac80cbbb8fecec7b99cf982a9444273cbc64c41473",
    4: "5fff1dae8dc8e2fc4d5b23b2c7665c97f9e9d8edf2b6485a86ba311c25639191",
    5: "73647cde120091e0a4b85bced2f3cfdb3041e266cbbe95cee59b73235a1b3b6f",
    6: "d5a3d18fbb3c084e3b1f3fa98c21014b5f3db536cc15d08f9f6479517c6a3d86",
    7: "cfe6486a83bad4962f232d48003b1824ab5665c36778141034d75e57b956e422",
    8: "b042025541e25a472bffde2d62edd457b7e70cee943412b1ea0f044f88591664",
    9: "b912d19a6abd2b1b05611ae5be473355d64d95aeff0c09bedc8c166cd6468fe4",
    10: "1064487b3cd1a897ce03ae5b6a865651747e2e152090f99c1d19d44e01aea5a4",
    11: "384da888112027f0321850a169f737c33e53b388aad48b5adace4bab97f437e0",
    12: "21dcae42c0182200e93f954a074011f9048a7624c6fe81d3c9541a614a88bd1c",
}
"""The numbers that the standard gives to chains, and their ids."""


@dataclass(frozen=True, slots=True)
class Request:
    """A signing request. ``chain_id`` is 32 bytes; ``transaction`` is None where it holds actions alone."""

    chain_id: bytes
    actions: tuple[Call, ...]
    transaction: Transaction | None = None
    broadcast: bool = True
    callback: str = ""
    background: bool = False
    info: tuple[tuple[str, bytes], ...] = ()
    version: int = field(default=2, compare=False)


def is_request(text: object) -> bool:
    """Whether a text is meant as a signing request."""
    return isinstance(text, str) and text.lstrip()[:4].lower() in ("esr:", "web+")


def decode(text: str) -> Request:
    """A request from its text; InvalidTransaction where it cannot be read, Unsupported for an identity request."""
    match = _SCHEME.fullmatch(text.strip()) if isinstance(text, str) and len(text) <= _LONGEST else None
    if match is None:
        raise InvalidTransaction("this is no signing request: it looks like esr://gmNg...")
    coded = match[1].replace("+", "-").replace("/", "_")
    try:
        data = urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    except (Base64Error, ValueError):
        raise InvalidTransaction("the signing request is not base64url") from None
    version = data[0] & 0x7F if data else 0
    if version not in (2, 3):
        raise InvalidTransaction("this signing request is of another version than 2 and 3")
    packed = data[1:]
    if data[0] & 0x80:
        packed = transaction.inflate(packed, raw=True, limit=_LONGEST)
    return _read(Input(packed, "the signing request"), version)


def _read(source: Input, version: int) -> Request:
    kind = source.varuint()
    if kind == 0:
        alias = source.uint(1)
        if alias == 0:
            raise Unsupported("this request leaves the chain to the wallet, which signs for one chain at a time here")
        if alias not in CHAIN_ALIASES:
            raise InvalidTransaction(f"this request is for a chain of the unknown number {alias}")
        chain_id = bytes.fromhex(CHAIN_ALIASES[alias])
    elif kind == 1:
        chain_id = source.take(32)
    else:
        raise InvalidTransaction("the chain of this request is written in an unknown way")
    what = source.varuint()
    whole: Transaction | None = None
    if what == 0:
        calls: tuple[Call, ...] = (transaction.decode_call(source),)
    elif what == 1:
        calls = transaction.decode_calls(source)
    elif what == 2:
        whole = Transaction.read(source)
        calls = whole.actions
    elif what == 3:
        raise Unsupported("this request asks for a proof of identity, and no such proof is given here")
    else:
        raise InvalidTransaction("what this request asks for is written in an unknown way")
    flags, callback = source.uint(1), source.text()
    info = tuple((source.text(), source.octets()) for _ in range(source.count()))
    if source.remaining:  # who made the request, and a signature, which proves nothing that is used here
        source.take(8)
        source.take(66)
    source.finish()
    return Request(chain_id, calls, whole, bool(flags & _BROADCAST), callback, bool(flags & _BACKGROUND), info, version)


def encode(request: Request, *, compress: bool = True, slashes: bool = True) -> str:
    """The text of a request: ``esr://...``, deflated where that makes it shorter.

    >>> call = Call("eosio.token", "close", (Level("............1", "............2"),), b"")
    >>> encode(Request(bytes.fromhex(CHAIN_ALIASES[1]), (call,)), compress=False)[:16]
    'esr://AgABAACmgj'
    """
    alias = {bytes.fromhex(value): number for number, value in CHAIN_ALIASES.items()}.get(request.chain_id)
    parts = [b"\x01" + request.chain_id if alias is None else bytes((0, alias))]
    if request.transaction is not None:
        parts.append(b"\x02" + replace(request.transaction, actions=request.actions).encode())
    elif len(request.actions) == 1:
        parts.append(b"\x00" + request.actions[0].encode())
    else:
        parts.append(b"\x01" + transaction.encode_calls(request.actions))
    parts.append(bytes((_BROADCAST * request.broadcast | _BACKGROUND * request.background,)))
    parts += [wire.text(request.callback), wire.varuint(len(request.info))]
    parts += [wire.text(key) + wire.octets(value) for key, value in request.info]
    packed, header = b"".join(parts), request.version
    if compress:
        machine = zlib.compressobj(9, zlib.DEFLATED, -15)
        deflated = machine.compress(packed) + machine.flush()
        if len(deflated) < len(packed):
            packed, header = deflated, header | 0x80
    coded = urlsafe_b64encode(bytes((header,)) + packed).decode("ascii").rstrip("=")
    return f"esr:{'//' if slashes else ''}{coded}"


def resolve(network: Network, calls: tuple[Call, ...], signer: Level, abis: dict[str, Abi]) -> tuple[Call, ...]:
    """The actions with the signer's account and permission in the place of the placeholders.

    Data is looked into by the contract's ABI. InvalidTransaction where that is not at hand and the data may hold a
    placeholder.
    """
    return tuple(_resolve(network, call, signer, abis) for call in calls)


def _resolve(network: Network, call: Call, signer: Level, abis: dict[str, Abi]) -> Call:
    place = {_ACTOR: signer.actor, _PERMISSION: signer.permission}
    levels = tuple(
        Level(place.get(actor, actor), signer.permission if permission in place else permission)
        for actor, permission in call.authorization
    )
    data = call.data
    if any(number.to_bytes(8, "little") in data for number in (1, 2)):
        abi = known_abis.of_action(network, call.account, call.name, abis)
        kind = None if abi is None else abi.actions.get(call.name)
        if abi is None or kind is None:
            raise InvalidTransaction(
                f"the request may hold placeholders in the data of {call.account}::{call.name}, whose ABI is not at hand: "
                "build it with data="
            )
        data = serialization.encode(abi, kind, serialization.decode(abi, kind, data), place)
    return replace(call, authorization=levels, data=data)
