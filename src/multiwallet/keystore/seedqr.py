"""SeedQR: what the QR codes of SeedSigner, Jade, Krux and others hold, a mnemonic as digits or as bare entropy."""

from __future__ import annotations

from ..errors import InvalidKey, InvalidMnemonic, Unsupported
from ..secret import Secret
from .imported import ImportedKey
from .mnemonic import of_mnemonic
from .source import Source

__all__ = ["read", "write"]


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read the digits (four for each word) or the entropy (16 or 32 bytes); the password is the BIP-39 passphrase."""
    from ..keys.mnemonic import Mnemonic
    from ..keys.wordlists import load

    text = source.text
    if text is not None and text.isascii() and text.isdigit() and len(text) >= 48:
        words = load("english").words
        numbers = [int(text[start : start + 4]) for start in range(0, len(text), 4)]
        if len(text) % 4 or max(numbers) >= len(words):
            raise InvalidMnemonic("a SeedQR has four digits for each word, 0000 to 2047, and this one does not")
        mnemonic = Mnemonic(" ".join(words[number] for number in numbers), "english")
        return of_mnemonic(mnemonic, "seedqr", password, network)
    data = source.data
    if data is None or len(data) not in (16, 32):
        raise InvalidKey("a CompactSeedQR is 16 or 32 bytes, a SeedQR 48 to 96 digits")
    return of_mnemonic(Mnemonic.from_entropy(data), "compact-seedqr", password, network)


def write(key: ImportedKey, password: Secret | None, *, form: str = "seedqr") -> str | bytes:
    """The digits, or the entropy for ``compact-seedqr``. A passphrase is not part of either."""
    with key.mnemonic() as mnemonic:
        if mnemonic.language != "english":
            raise Unsupported("a SeedQR is read with the English words; this mnemonic has others")
        if form == "compact-seedqr":
            if len(mnemonic) not in (12, 24):
                raise Unsupported("a CompactSeedQR holds 12 or 24 words")
            return mnemonic.entropy
        from ..keys.wordlists import load

        numbers = load("english").numbers
        return "".join(f"{numbers[word]:04d}" for word in mnemonic.words)
