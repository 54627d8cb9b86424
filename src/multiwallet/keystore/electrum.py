"""Electrum seed phrases, segwit and standard: words whose version stands in their hash, with keys of their own place.

They are no BIP-39 mnemonics, though they may use the same words. The seed comes from the words as text, so that every
language works without its list.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from ..errors import InvalidKey, InvalidMnemonic, Unsupported
from ..path import Path
from ..secret import Secret
from .imported import AccountHint, ImportedKey
from .material import Tree
from .source import Source

__all__ = ["normalize", "read", "seed_type", "write"]

_ROUNDS: Final = 2048
_LONGEST: Final = 4000
_PREFIXES: Final = {"01": "standard", "100": "segwit", "101": "2fa", "102": "2fa_segwit"}
# The blocks whose characters stand without spaces between them, by Unicode's code charts.
_CJK: Final = (
    (0x1100, 0x11FF),
    (0x2E80, 0x2FDF),
    (0x2FF0, 0x2FFF),
    (0x3040, 0x30FF),
    (0x3100, 0x312F),
    (0x3130, 0x319F),
    (0x31A0, 0x31BF),
    (0x31C0, 0x31EF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA490, 0xA4CF),
    (0xA4D0, 0xA4FF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF),
    (0x16F00, 0x16F9F),
    (0x1B000, 0x1B0FF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2F800, 0x2FA1D),
    (0xE0100, 0xE01EF),
)


def normalize(text: str) -> str:
    """A phrase or its extension words as Electrum hashes them: NFKD, lower case, without accents and needless spaces.

    >>> normalize("  Perché  no ")
    'perche no'
    """
    letters = (letter for letter in unicodedata.normalize("NFKD", text).lower() if not unicodedata.combining(letter))
    words = "".join(letters).split()
    joined = words[0] if words else ""
    for word in words[1:]:
        joined += word if _is_cjk(joined[-1]) and _is_cjk(word[0]) else " " + word
    return joined


def seed_type(text: str) -> str:
    """``standard``, ``segwit``, ``2fa`` or ``2fa_segwit``, as the version in the hash says; empty for no seed.

    >>> seed_type("wild father tree among universe such mobile favorite target dynamic credit identify")
    'segwit'
    """
    from ..crypto.hashes import hmac_sha512

    if len(text) > _LONGEST:
        return ""
    digits = hmac_sha512(b"Seed version", normalize(text).encode(errors="replace")).hex()
    kind = next((name for prefix, name in _PREFIXES.items() if digits.startswith(prefix)), "")
    words = len(text.split())
    # Electrum's own cheat sheet has seeds of one word; nobody keeps money there, and any word may look like one.
    if words < 12 or (kind == "2fa" and 12 < words < 20):
        return ""
    return kind


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read a seed; the password is its extension ("custom words"). Every extension opens a wallet, a wrong one too."""
    from .. import registry
    from ..keys.hd import ExtendedKey

    text = source.text or ""
    kind = seed_type(text)
    if not kind:
        raise InvalidMnemonic("this is no Electrum seed: the version in its hash is unknown; check every word")
    if kind not in ("standard", "segwit"):
        raise Unsupported("this seed is of a two-factor wallet, whose coins need the co-signing service's key as well")
    row = registry.network(network or "bitcoin")
    if "wif" not in registry.chain(row).key_forms:
        raise InvalidKey(f"an Electrum seed is for Bitcoin and its kin, not for {row.title}")
    try:
        extension = normalize("" if password is None else password.expose().decode())
    except UnicodeDecodeError:
        raise InvalidKey("the extension words of an Electrum seed are text") from None
    from ..crypto.pbkdf2 import pbkdf2_hmac_sha512

    phrase = normalize(text)
    seed = pbkdf2_hmac_sha512(phrase.encode(), b"electrum" + extension.encode(), _ROUNDS)
    master = ExtendedKey.from_seed(seed, "tprv" if row.testnet else "xprv")
    origin = Path("m/0'") if kind == "segwit" else Path()
    address_kind = "p2wpkh" if kind == "segwit" else "p2pkh"
    material = Tree(
        master.derive(origin),
        origin,
        fingerprint=master.fingerprint,
        address_kind=address_kind,
        plain_only=True,
        words=Secret(" ".join(text.split()).encode()),
    )
    return ImportedKey("electrum", material, row, accounts=(AccountHint(row.name, origin, address_kind, True),))


def write(key: ImportedKey, password: Secret | None) -> str:
    """The words of a key that was read from them. No other key has such words."""
    material = key._material
    words = material.secret.expose() if isinstance(material, Tree) and key.format == "electrum" else b""
    if not words:
        raise Unsupported(
            "only what was read from an Electrum seed can be written as one: its words cannot be computed"
        )
    return words.decode()


def _is_cjk(letter: str) -> bool:
    code = ord(letter)
    return any(first <= code <= last for first, last in _CJK)
