"""Output descriptors as text (BIP-380 to 386 and 389): their checksum, and the key expressions in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ..codec import descriptor_checksum
from ..errors import InputError, InvalidKey, Unsupported
from ..path import HARDENED, Path

if TYPE_CHECKING:
    from ..keys.formats import WifKey
    from ..keys.hd import ExtendedKey

__all__ = ["Descriptor", "KeyExpression", "checksum", "parse", "parse_key", "with_checksum"]

_LONGEST: Final = 20_000
_KEY: Final = re.compile(
    r"(?:\[([0-9a-fA-F]{8})((?:/\d{1,10}['h]?)*)\])?([0-9A-Za-z]+)((?:/(?:\d{1,10}['h]?|<[0-9;'h]{3,200}>))*)(/\*['h]?)?",
    re.ASCII,
)
_WRAPPERS: Final = (
    # outermost first: what stands before the key, and the kind of address that it makes
    ("sh(wpkh(", "))", "p2sh-p2wpkh"),
    ("wpkh(", ")", "p2wpkh"),
    ("pkh(", ")", "p2pkh"),
    ("tr(", ")", "p2tr"),
    ("combo(", ")", "combo"),
)
_MULTI_WRAPPERS: Final = (
    ("sh(wsh(", "))", "p2sh-p2wsh"),
    ("wsh(", ")", "p2wsh"),
    ("sh(", ")", "p2sh"),
)
_MULTI: Final = re.compile(r"(sorted)?multi\((\d{1,2}),(.*)\)", re.ASCII)
_MOST_KEYS: Final = 20


def checksum(text: str) -> str:
    """The eight characters that stand behind the ``#`` of a descriptor.

    Raises :class:`~multiwallet.errors.InvalidKey` for a character that no descriptor has, without the character: a
    descriptor may hold a private key.

    >>> checksum("raw(deadbeef)")
    '89f8spxm'
    """
    try:
        return descriptor_checksum.checksum(text)
    except InputError:
        raise InvalidKey("a descriptor holds a character that no descriptor has") from None


def with_checksum(text: str) -> str:
    """The descriptor with its checksum."""
    return f"{text}#{checksum(text)}"


class KeyExpression(NamedTuple):
    """A key in a descriptor: where its tree has it, the key, and the steps from it to the addresses."""

    fingerprint: bytes | None
    origin: Path | None
    key: ExtendedKey | WifKey | bytes
    """An extended key, a WIF key, or the bytes of a public key."""
    steps: tuple[tuple[int, ...], ...]
    """Each a child number, or several where the descriptor names several (``<0;1>``)."""
    wildcard: int | None
    """What is added to an address's index: 0, or 2^31 where it is hardened. None: there is one address."""


class Descriptor(NamedTuple):
    """A descriptor that was understood."""

    kind: str
    """The address kind; ``combo`` for all kinds of one key."""
    keys: tuple[KeyExpression, ...]
    threshold: int
    """How many of the keys sign; 0 where there is one key and no multisig."""
    is_sorted: bool
    text: str
    """As it was, without its checksum."""


def parse(text: str) -> Descriptor:
    """Read one descriptor: pkh, wpkh, sh(wpkh), tr, combo of a key, and multisig in sh, wsh and sh(wsh).

    A checksum that is there must fit. Raises InvalidKey for what is no descriptor and Unsupported for other scripts.
    """
    if len(text) > _LONGEST:
        raise InvalidKey(f"a descriptor of {len(text)} characters is too long to be one")
    body, mark, given = text.strip().partition("#")
    if mark and given != checksum(body):
        raise InvalidKey("the checksum of a descriptor does not fit: a character is wrong or missing")
    for start, end, kind in _WRAPPERS:
        inner = _inside(body, start, end)
        if inner is not None and _KEY.fullmatch(inner):
            return Descriptor(kind, (parse_key(inner),), 0, False, body)
    for start, end, kind in _MULTI_WRAPPERS:
        inner = _inside(body, start, end)
        match = _MULTI.fullmatch(inner) if inner is not None else None
        if match is not None:
            names = match[3].split(",")
            if not 1 <= int(match[2]) <= len(names) <= _MOST_KEYS:
                raise InvalidKey("a multisig descriptor needs a threshold from 1 to its number of keys, at most 20")
            keys = tuple(parse_key(name) for name in names)
            return Descriptor(kind, keys, int(match[2]), match[1] is not None, body)
    if not re.fullmatch(r"[a-z_]+\(.*\)", body, re.ASCII | re.DOTALL):
        raise InvalidKey("this is no output descriptor")
    checksum(body)
    raise Unsupported(
        "this descriptor's script is another than those of single keys and multisig, which are the ones read"
    )


def _inside(text: str, start: str, end: str) -> str | None:
    return text[len(start) : -len(end)] if text.startswith(start) and text.endswith(end) else None


def parse_key(text: str) -> KeyExpression:
    """Read a key expression. Raises InvalidKey."""
    match = _KEY.fullmatch(text)
    if match is None:
        raise InvalidKey("a key in a descriptor cannot be read")
    fingerprint, origin, body, steps, wildcard = match.groups()
    key = _key(body)
    parts = steps.split("/")[1:]
    if (parts or wildcard) and isinstance(key, bytes | tuple):
        raise InvalidKey("a single key in a descriptor has no steps behind it")
    if sum(part.startswith("<") for part in parts) > 1:
        raise InvalidKey("a key in a descriptor has at most one step with several numbers")
    return KeyExpression(
        bytes.fromhex(fingerprint) if fingerprint else None,
        Path("m" + origin) if fingerprint else None,
        key,
        tuple(_numbers(part) for part in parts),
        None if wildcard is None else (HARDENED if wildcard != "/*" else 0),
    )


def _numbers(part: str) -> tuple[int, ...]:
    choices = part[1:-1].split(";") if part.startswith("<") else [part]
    numbers = tuple(Path("m/" + choice).indexes[0] for choice in choices)
    if len(set(numbers)) != len(numbers):
        raise InvalidKey("a step of a descriptor names one number twice")
    return numbers


def _key(text: str) -> ExtendedKey | WifKey | bytes:
    from ..crypto.secp256k1 import is_valid_public_key, is_valid_xonly
    from ..keys.formats import decode_wif
    from ..keys.hd import ExtendedKey

    if len(text) in (64, 66, 130):
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if is_valid_xonly(key) if len(key) == 32 else is_valid_public_key(key):
            return key
        raise InvalidKey("a public key in a descriptor is none of secp256k1")
    if len(text) in (51, 52):
        return decode_wif(text)
    try:
        return ExtendedKey.parse(text)
    except InputError:
        raise InvalidKey("a key in a descriptor is no public key, WIF key or extended key") from None
