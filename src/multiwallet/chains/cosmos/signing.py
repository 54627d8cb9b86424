"""Who signs a SignDoc, what each of them signs, and the transaction that their signatures make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...crypto.secp256k1 import verify
from ...errors import InvalidTransaction
from ...path import Path
from ...signing_requests import Digest, Scheme, SigningRequest
from . import addresses
from .message import canonical_json
from .multisig import KEY_TYPE, pack, partial_json
from .rules import Rules
from .sign_doc import SignDoc, encode_raw

__all__ = ["checked", "complete", "members", "partial", "requests", "sender", "stored", "with_signatures"]


def members(doc: SignDoc) -> tuple[bytes, ...]:
    """The keys that may sign: one, or those of a multisig account in their order."""
    return (doc.public_key,) if doc.multisig is None else doc.multisig.keys


def sender(rules: Rules, doc: SignDoc) -> str:
    """The address of who signs; InvalidTransaction for a type of key that the chain does not have."""
    if doc.multisig is not None:
        if rules.eth_keys:
            raise InvalidTransaction("multisig accounts of this chain's keys are not done here")
        return addresses.text(rules.hrp, doc.multisig.address_bytes())
    if doc.key_type_url != rules.key_type_url:
        raise InvalidTransaction(f"keys of this chain are of the type {rules.key_type_url}")
    return addresses.text(rules.hrp, addresses.of_key(doc.public_key, eth=rules.eth_keys))


def requests(rules: Rules, doc: SignDoc, paths: Mapping[bytes, Path]) -> tuple[SigningRequest, ...]:
    """A request for each key that has not signed."""
    sender(rules, doc)
    digest = Digest.KECCAK256 if rules.eth_keys else Digest.SHA256
    preimage = doc.sign_bytes()
    open_ = [key for index, key in enumerate(members(doc)) if index not in doc.signed]
    return tuple(SigningRequest(Scheme.RECOVERABLE, digest, preimage, key, paths.get(key)) for key in open_)


def checked(rules: Rules, doc: SignDoc, signed: Sequence[tuple[SigningRequest, bytes]]) -> dict[int, bytes]:
    """The 64 bytes of each new signature by the number of its key; InvalidTransaction for one that is wrong."""
    wanted = {item.public_key: item for item in requests(rules, doc, {})}
    found: dict[int, bytes] = {}
    for request, signature in signed:
        own = wanted.get(request.public_key)
        if own is None or replace(request, path=None) != own:
            raise InvalidTransaction("the signature belongs to another transaction")
        if len(signature) != 65 or not verify(own.public_key, own.message, signature[:64]):
            raise InvalidTransaction("the signature was not made by the key in the transaction")
        index = members(doc).index(own.public_key)
        if index in found:
            raise InvalidTransaction("a transaction takes one signature of a key")
        found[index] = signature[:64]
    if not found:
        raise InvalidTransaction("the transaction lacks a signature")
    return found


def with_signatures(rules: Rules, doc: SignDoc, found: Mapping[int, bytes]) -> tuple[SignDoc, dict[str, Any]]:
    """The SignDoc that names who signed, and the context that keeps their signatures, all of them verified."""
    if doc.multisig is None:
        if found:
            raise InvalidTransaction("a transaction of one key is not signed twice")
        return doc, {}
    if len(found) > len(doc.multisig.keys):
        raise InvalidTransaction("there are more signatures than keys")
    doc = replace(doc, signed=(), key_type_url=KEY_TYPE)
    for request in requests(rules, doc, {}):
        index = doc.multisig.keys.index(request.public_key) if doc.multisig is not None else 0
        if index in found and not verify(request.public_key, request.message, found[index]):
            raise InvalidTransaction(f"the signature of the key {index} is not over this transaction")
    doc = replace(doc, signed=tuple(sorted(found)))
    return doc, {"signatures": [found[index].hex() for index in doc.signed]}


def stored(doc: SignDoc, context: Mapping[str, Any]) -> dict[int, bytes]:
    """The signatures in a context, by the number of the key; InvalidTransaction."""
    if doc.multisig is None:
        if context:
            raise InvalidTransaction("a Cosmos transaction of one key has nothing stored beside its bytes")
        return {}
    listed = context.get("signatures")
    if set(context) != {"signatures"} or not isinstance(listed, list) or len(listed) != len(doc.signed):
        raise InvalidTransaction("the stored signatures are not those that the bytes name")
    try:
        return {index: bytes.fromhex(text) for index, text in zip(doc.signed, listed, strict=True)}
    except (TypeError, ValueError):
        raise InvalidTransaction("a stored signature is no hex") from None


def partial(doc: SignDoc, found: Mapping[int, bytes]) -> bytes:
    """A multisig account's transaction that lacks signatures, as JSON for the next signer."""
    assert doc.multisig is not None
    return canonical_json(partial_json(doc.multisig, doc.amino(), found)).encode("utf-8")


def complete(doc: SignDoc, found: Mapping[int, bytes]) -> bytes:
    """A multisig account's transaction with enough signatures, as it travels."""
    return encode_raw(doc, pack([found[index] for index in doc.signed]))
