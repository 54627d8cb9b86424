"""What a form of addresses is: a curve, a way to write a key, and a way to read a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["AddressFormat", "Params"]

Params = Mapping[str, Any]


class AddressFormat(NamedTuple):
    """One form of addresses, for any number of rows.

    ``encode(params, public_key)`` writes the address of a checked public key (32 bytes; 33, compressed, of the curves
    secp256k1 and secp256r1). ``parse(params, text)`` gives the canonical form of a text, or raises
    :class:`~multiwallet.errors.InputError`.
    """

    curve: str
    encode: Callable[[Params, bytes], str]
    parse: Callable[[Params, str], str]
