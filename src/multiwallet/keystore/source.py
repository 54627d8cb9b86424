"""Source: the content of a key file, whichever way it was handed over, and which format it is in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..codec import json_text
from ..errors import InvalidKey
from ..secret import Secret

__all__ = ["Source", "detect_format", "password_bytes"]

# A Bitcoin Core dump of 100,000 keys has some 15 MB; everything else is far smaller.
_LIMIT: Final = 32 * 2**20
_BASE58: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]+", re.ASCII)
_EXTENDED: Final = re.compile(r"[a-zA-Z]{3}[bv][1-9A-HJ-NP-Za-km-z]{100,112}", re.ASCII)
_ORIGIN: Final = re.compile(r"\[[0-9a-fA-F]{8}[/\]]", re.ASCII)
_DESCRIPTOR: Final = re.compile(r"(?:[A-Za-z]+: *)?(?:pkh|wpkh|sh|wsh|tr|combo|pk|addr|raw|rawtr|multi|sortedmulti)\(")
_WORDS: Final = re.compile(r"[^\W\d_]+(?:\s+[^\W\d_]+)*", re.UNICODE)


class Source(NamedTuple):
    """A key file taken in: its text or its bytes, and its JSON where it is JSON."""

    text: str | None
    data: bytes | None
    json: Any = None

    @classmethod
    def of(cls, data: object) -> Source:
        """Take in text, bytes, a dictionary, or a list (of texts, or of the numbers of a key pair).

        Raises :class:`~multiwallet.errors.InvalidKey` for anything else, for what is too long, and for JSON
        that cannot be read.
        """
        if isinstance(data, Secret):
            data = data.expose()
        if isinstance(data, Mapping):
            return cls(None, None, _plain(data))
        if isinstance(data, Sequence) and not isinstance(data, str | bytes | bytearray | memoryview):
            items = list(data)
            if items and all(isinstance(item, str) for item in items):
                return cls._of_text("\n".join(items))
            return cls(None, None, _plain(items))
        if isinstance(data, str):
            return cls._of_text(data)
        if isinstance(data, bytes | bytearray | memoryview):
            raw = bytes(data)
            if len(raw) > _LIMIT:
                raise InvalidKey(f"{len(raw)} bytes are too many for a key file")
            try:
                text = raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                return cls(None, raw)
            if any(ord(character) < 32 and character not in "\t\r\n" for character in text):
                return cls(None, raw)
            return cls._of_text(text)._replace(data=raw)
        raise InvalidKey(f"a key file is text, bytes, a dictionary or a list, not {type(data).__name__}")

    @classmethod
    def _of_text(cls, text: str) -> Source:
        if len(text) > _LIMIT:
            raise InvalidKey(f"{len(text)} characters are too many for a key file")
        text = text.strip().removeprefix("\ufeff").strip()
        if text.startswith("{") or (text.startswith("[") and not _ORIGIN.match(text)):
            parsed = json_text.parse(text, what="this key file", error=InvalidKey, unique=True, fractions=True)
            return cls(text, None, parsed)
        return cls(text, None)


def _plain(value: Any, depth: int = 0) -> Any:
    """A copy in plain dictionaries and lists, so that nothing changes while it is read."""
    if depth > json_text.MAX_DEPTH:
        raise InvalidKey("this key file is nested too deep")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return value


def password_bytes(password: str | bytes | bytearray | Secret | None) -> Secret | None:
    """A password as UTF-8 bytes; InvalidKey for text that is not Unicode, TypeError for anything else."""
    if password is None:
        return None
    if isinstance(password, Secret):
        return Secret(password.expose())
    if isinstance(password, str):
        try:
            return Secret(password.encode())
        except UnicodeEncodeError:
            raise InvalidKey("this password holds half a surrogate pair, which is no Unicode text") from None
    if isinstance(password, bytes | bytearray):
        return Secret(password)
    raise TypeError(f"a password is text, bytes or a Secret, not {type(password).__name__}")


def detect_format(source: Source) -> str:
    """The name of the format that the content looks like; InvalidKey where it looks like none."""
    if source.json is not None:
        return _of_json(source.json)
    if source.text:
        found = _of_text(source.text)
        if found is not None:
            return found
    data = source.data
    if data is not None:
        if data[:5] == b"psbt\xff":
            raise InvalidKey("this is a PSBT, a transaction and no key: sign() of an account takes it")
        if len(data) == 16:
            return "compact-seedqr"
        if len(data) == 32:
            raise InvalidKey(
                "32 bytes may be a private key or a CompactSeedQR of 24 words: say format='compact-seedqr' for the latter, "
                "and give a private key to Wallet.from_private_key"
            )
    raise InvalidKey(
        "this is no key file of a known format; a bare private key (hexadecimal, base58) needs network= as well"
    )


def _of_json(value: Any) -> str:
    if isinstance(value, list):
        if value and all(isinstance(item, int) for item in value):
            return "solana-cli"
        if value and all(isinstance(item, dict) and "desc" in item for item in value):
            return "bitcoin-core-descriptors"
    if isinstance(value, dict):
        names = {str(name).lower() for name in value}
        if "crypto" in names:
            return "ethereum-v3"
        if {"encoded", "encoding"} <= names:
            return "polkadot-js"
        if "descriptors" in names:
            return "bitcoin-core-descriptors"
        if "descriptor" in names:
            return "multisig"
        if {"data", "iv", "salt"} <= names or "keyringcontroller" in names or names & {"data", "vault"}:
            return "metamask"
    raise InvalidKey("this JSON is no key file of a known format")


def _of_text(text: str) -> str | None:
    start = text[:200].lower()
    if start.startswith("ur:"):
        return "ur"
    if start.startswith("# wallet dump created by"):
        return "bitcoin-core-dump"
    if start.startswith("addwallet ") or re.search(r"(?mi)^policy: *\d+ of \d+ *$", text[:20_000]):
        return "multisig"
    if _ORIGIN.match(text) or _EXTENDED.fullmatch(text):
        return "extended-key"
    if _DESCRIPTOR.match(text):
        return "descriptor"
    if text.isascii() and text.isdigit() and len(text) in (48, 60, 72, 84, 96):
        return "seedqr"
    if _BASE58.fullmatch(text):
        if len(text) == 58 and text.startswith("6P"):
            return "bip38"
        if len(text) in (51, 52) and text[0] in "5KL9c6QTp":
            return "wif"
        if 86 <= len(text) <= 88:
            return "solana-cli"
    if len(text) < 20_000 and _looks_like_words(text):
        return _phrase_format(text)
    return None


def _looks_like_words(text: str) -> bool:
    import unicodedata

    # Decomposed accents are marks and no letters, so the words are looked at composed.
    return _WORDS.fullmatch(unicodedata.normalize("NFKC", text)) is not None


def _phrase_format(text: str) -> str:
    from . import electrum, slip39

    lines = [line for line in text.splitlines() if line.strip()]
    if slip39.looks_like_shares(lines):
        return "slip39"
    bip39 = _is_bip39(text)
    version = electrum.seed_type(text)
    if bip39 and version and len(text.split()) <= 13:  # Electrum makes 12 words, and made 13
        raise InvalidKey(
            "these words are a BIP-39 mnemonic and an Electrum seed at once, by chance: say which with "
            "format='mnemonic' or format='electrum'"
        )
    return "electrum" if version and not bip39 else "mnemonic"


def _is_bip39(text: str) -> bool:
    from ..errors import InputError
    from ..keys.mnemonic import Mnemonic

    try:
        Mnemonic(text).close()
    except InputError:
        return False
    return True
