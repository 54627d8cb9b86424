"""The ten wordlists of BIP-39: 2,048 words each, NFKD, one a line, in the order of the standard."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from multiwallet.errors import InputError, shown

__all__ = ["LANGUAGES", "Wordlist", "load"]

LANGUAGES: Final = (
    "english",
    "japanese",
    "korean",
    "spanish",
    "chinese_simplified",
    "chinese_traditional",
    "french",
    "italian",
    "czech",
    "portuguese",
)
"""The languages in the order of BIP-39, which is also the order a phrase is tried in."""


class Wordlist(NamedTuple):
    """One language's words in order, and the number (0 to 2047) of each."""

    language: str
    words: tuple[str, ...]
    numbers: Mapping[str, int]


@cache
def load(language: str) -> Wordlist:
    """Read the wordlist of a language, once.

    Raises :class:`~multiwallet.errors.InputError` for a language that BIP-39 has no list for.

    >>> load("english").words[:3], load("english").numbers["zoo"]
    (('abandon', 'ability', 'able'), 2047)
    """
    if language not in LANGUAGES:
        raise InputError(f"BIP-39 has no wordlist {shown(language)}; it has {', '.join(LANGUAGES)}")
    text = resources.files(__name__).joinpath(f"{language}.txt").read_text("utf-8")
    words = tuple(text.split())
    return Wordlist(language, words, {word: number for number, word in enumerate(words)})
