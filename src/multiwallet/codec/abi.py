"""Solidity's contract ABI: calls, arguments and return values (Solidity documentation, "Contract ABI Specification").

Values are Python's own: ``int`` for integers (never ``float`` or ``bool``), ``bool``, ``bytes`` or ``0x...`` text
for bytes, ``str`` for strings, a list or tuple for arrays and tuples, and for addresses ``0x...`` text (with its
checksum, or all in one case) or 20 bytes. Decoding gives tuples, ``bytes``, and addresses as EIP-55 text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ..crypto.hashes import keccak256
from ..errors import InputError
from .abi_elementary import AbiType, Source
from .abi_type import MAX_NAME_LENGTH, TupleType, parse_type

__all__ = ["canonical_signature", "decode", "decode_call", "encode", "encode_call", "selector", "signature_hash"]

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


@lru_cache(maxsize=1024)
def _parse_signature(signature: str) -> tuple[str, bytes, TupleType]:
    """The canonical signature, its Keccak-256 and the type of its arguments."""
    if not isinstance(signature, str):
        raise InputError(f"a signature is text, not {type(signature).__name__}")
    if len(signature) > MAX_NAME_LENGTH:
        raise InputError(f"the signature has {len(signature)} characters: the limit is {MAX_NAME_LENGTH}")
    match = _NAME.match(signature)
    if match is None or not signature.startswith("(", match.end()):
        raise InputError(f"cannot read the signature {signature[:80]!a}: write it like transfer(address,uint256)")
    arguments = parse_type(signature[match.end() :])
    if not isinstance(arguments, TupleType):
        raise InputError(f"cannot read the signature {signature[:80]!a}: something follows its arguments")
    canonical = match[0] + arguments.name
    return canonical, keccak256(canonical.encode("ascii")), arguments


def canonical_signature(signature: str) -> str:
    """``signature`` with the short names ``uint`` and ``int`` written out, as it is hashed.

    >>> canonical_signature("transfer(address,uint)")
    'transfer(address,uint256)'
    """
    return _parse_signature(signature)[0]


def signature_hash(signature: str) -> bytes:
    """The 32-byte Keccak-256 of a canonical signature: an event's first topic.

    >>> signature_hash("Transfer(address,address,uint256)").hex()[:8]
    'ddf252ad'
    """
    return _parse_signature(signature)[1]


def selector(signature: str) -> bytes:
    """The four bytes that choose a function or an error: ``transfer(address,uint256)``, without spaces or names.

    Raises :class:`~multiwallet.errors.InputError` for a text that is no signature.

    >>> selector("transfer(address,uint256)").hex()
    'a9059cbb'
    """
    return _parse_signature(signature)[1][:4]


@lru_cache(maxsize=1024)
def _tuple_of(types: tuple[str, ...]) -> TupleType:
    return TupleType([parse_type(name) for name in types])


def _type_of(types: Sequence[str]) -> TupleType:
    if isinstance(types, str):
        raise InputError("a list of ABI types is needed, not one text")
    try:
        return _tuple_of(tuple(types))
    except TypeError:
        raise InputError("a list of ABI types is needed") from None


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The ABI encoding of ``values`` of ``types``, as ``abi.encode`` makes it: a multiple of 32 bytes.

    Raises :class:`~multiwallet.errors.InputError` naming the value that does not fit its type.

    >>> encode(["uint8", "bool"], [7, True]).hex()[62:66], len(encode(["string"], ["hi"]))
    ('0700', 96)
    """
    return _encode(_type_of(types), values)


def _encode(arguments: TupleType, values: Sequence[Any]) -> bytes:
    try:
        return arguments.encode(values)
    except InputError as error:
        raise _locate(arguments.components, values, error) from None


def _locate(components: Sequence[AbiType], values: Sequence[Any], error: InputError) -> InputError:
    """``error`` with the number and type of the value that caused it, where there is one."""
    if isinstance(values, list | tuple) and len(values) == len(components):
        for number, (component, value) in enumerate(zip(components, values, strict=True), 1):
            try:
                component.encode(value)
            except InputError as found:
                return InputError(f"value {number} ({component.name[:80]}): {found}")
    return error


def decode(types: Sequence[str], data: bytes, *, strict: bool = True) -> tuple[Any, ...]:
    """The values of ``types`` that ``data`` encodes.

    Strict decoding takes the one canonical encoding only: offsets in order without gaps, zero padding, nothing
    after the end. That is right for what will be signed. ``strict=False`` takes what Solidity itself takes, for
    what contracts return: any offsets inside the data, any or no padding after bytes, and bytes after the end.
    Both refuse numbers, addresses and booleans out of range and strings that are not UTF-8.

    Raises :class:`~multiwallet.errors.InputError`. Time and memory are bounded by the size of ``data``.

    >>> decode(["uint8", "string"], encode(["uint8", "string"], [7, "hi"]))
    (7, 'hi')
    """
    return _decode(_type_of(types), data, strict)


def _decode(arguments: TupleType, data: bytes, strict: bool) -> tuple[Any, ...]:
    source = Source(bytes(data), strict)
    values, end = arguments.decode(source, 0)
    if strict and end != source.length:
        raise InputError(f"{source.length - end} bytes after the end of the ABI data")
    return values


def encode_call(signature: str, values: Sequence[Any]) -> bytes:
    """The input of a contract call: the selector of ``signature`` and its encoded arguments.

    Raises :class:`~multiwallet.errors.InputError` as :func:`selector` and :func:`encode` do.

    >>> encode_call("transfer(address,uint256)", ["0x" + "11" * 20, 1000]).hex()[:10]
    'a9059cbb00'
    """
    _, digest, arguments = _parse_signature(signature)
    return digest[:4] + _encode(arguments, values)


def decode_call(signature: str, data: bytes, *, strict: bool = True) -> tuple[Any, ...]:
    """The arguments of the contract call ``data``, which must be a call of ``signature``.

    Raises :class:`~multiwallet.errors.InputError` for another selector, and as :func:`decode` does.

    >>> decode_call("approve(address,uint256)", encode_call("approve(address,uint256)", [bytes(20), 5]))
    ('0x0000000000000000000000000000000000000000', 5)
    """
    canonical, digest, arguments = _parse_signature(signature)
    if data[:4] != digest[:4]:
        raise InputError(f"the data is no call of {canonical[:80]}: it starts with other bytes than {digest[:4].hex()}")
    return _decode(arguments, data[4:], strict)
