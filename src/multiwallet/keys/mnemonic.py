"""BIP-39: a mnemonic phrase from entropy, back again, and to the seed of a wallet."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from types import TracebackType
from typing import Final, NoReturn, Self

from multiwallet.errors import InputError, InvalidMnemonic
from multiwallet.keys.wordlists import LANGUAGES, Wordlist, load
from multiwallet.secret import Secret, discreet

__all__ = ["LANGUAGES", "Mnemonic"]

_COUNTS: Final = {12: 16, 15: 20, 18: 24, 21: 28, 24: 32}
_COUNTS_TEXT: Final = "12, 15, 18, 21 or 24"
_ROUNDS: Final = 2048
# The longest real phrase has about 300 characters. Work on hostile text stops here.
_TEXT_LIMIT: Final = 2000
# A longer "word" is likelier to be a key in the wrong place than a typing error, so no message shows it.
_WORD_LIMIT: Final = 24


class Mnemonic:
    """A BIP-39 mnemonic of 12, 15, 18, 21 or 24 words in any of its ten languages.

    Made from a phrase: words with any white space between them, in any Unicode form (NFKD is applied), in
    lower case. Without ``language`` the lists are tried in the order of :data:`LANGUAGES`; the first that has
    every word and whose checksum holds is taken. Raises :class:`~multiwallet.errors.InvalidMnemonic`, which
    names a word that is in no list with the nearest ones, or says what else is wrong.

    It prints as the number of words and the language, and refuses ``pickle``, ``copy``, ``hash`` and
    ``format``. The one way to the phrase as text is :meth:`expose`. ``close()`` (or the end of a ``with``
    block) wipes it, but not the copies Python made of the text it came from.

    >>> phrase = Mnemonic("legal winner thank year wave sausage worth useful legal winner thank yellow")
    >>> phrase
    Mnemonic(12 words, english)
    >>> phrase.entropy == b"\\x7f" * 16
    True
    >>> phrase.to_seed("TREZOR").expose().hex()[:16]
    '2e8905819b8723fe'
    """

    __slots__ = ("__weakref__", "_entropy", "_phrase", "language")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    language: str
    """The name of the wordlist, such as ``"english"``."""

    @discreet
    def __init__(self, phrase: str, language: str | None = None) -> None:
        if not isinstance(phrase, str):
            raise InvalidMnemonic(f"a mnemonic is text with words in it, not {type(phrase).__name__}")
        if len(phrase) > _TEXT_LIMIT:
            raise InvalidMnemonic(f"this text of {len(phrase)} characters is no mnemonic; it has {_COUNTS_TEXT} words")
        words = unicodedata.normalize("NFKD", phrase).split()
        if len(words) not in _COUNTS:
            raise InvalidMnemonic(
                f"a mnemonic has {_COUNTS_TEXT} words and this one has {len(words)}; check for a word missing or doubled"
            )
        wordlist, entropy = _read(words, LANGUAGES if language is None else (language,))
        self._fill(words, wordlist.language, entropy)

    def _fill(self, words: list[str], language: str, entropy: bytes) -> None:
        self.language = language
        self._phrase = Secret(" ".join(words).encode())
        self._entropy = Secret(entropy)

    @classmethod
    def generate(cls, words: int = 12, language: str = "english") -> Mnemonic:
        """A new mnemonic of 12, 15, 18, 21 or 24 words from the operating system's random source.

        Raises :class:`~multiwallet.errors.InvalidMnemonic` for another number of words and
        :class:`~multiwallet.errors.InputError` for an unknown language.

        >>> Mnemonic.generate(24)
        Mnemonic(24 words, english)
        """
        if words not in _COUNTS:
            raise InvalidMnemonic(f"a mnemonic has {_COUNTS_TEXT} words, not {words}")
        return cls.from_entropy(secrets.token_bytes(_COUNTS[words]), language)

    @classmethod
    @discreet
    def from_entropy(cls, entropy: bytes | bytearray | memoryview | Secret, language: str = "english") -> Mnemonic:
        """The mnemonic of 16, 20, 24, 28 or 32 bytes of entropy.

        Raises :class:`~multiwallet.errors.InvalidMnemonic` for another length and
        :class:`~multiwallet.errors.InputError` for an unknown language.

        >>> Mnemonic.from_entropy(bytes(16)).words[-2:]
        ['abandon', 'about']
        """
        if not isinstance(entropy, bytes | bytearray | memoryview | Secret):
            raise InvalidMnemonic(f"entropy is bytes, not {type(entropy).__name__}")
        data = entropy.expose() if isinstance(entropy, Secret) else bytes(entropy)
        if len(data) not in _COUNTS.values():
            raise InvalidMnemonic(f"entropy for a mnemonic has 16, 20, 24, 28 or 32 bytes, not {len(data)}")
        wordlist = load(language)
        check_bits = len(data) // 4
        checksum = hashlib.sha256(data).digest()[0] >> (8 - check_bits)
        number = int.from_bytes(data, "big") << check_bits | checksum
        count = (len(data) * 8 + check_bits) // 11
        words = [wordlist.words[number >> 11 * place & 2047] for place in reversed(range(count))]
        made = cls.__new__(cls)
        made._fill(words, language, data)
        return made

    @property
    def entropy(self) -> bytes:
        """The entropy: 16, 20, 24, 28 or 32 bytes. As secret as the phrase."""
        return self._entropy.expose()

    @property
    def words(self) -> list[str]:
        """The words in order, NFKD. As secret as the phrase."""
        return self._phrase.expose().decode().split(" ")

    def expose(self) -> str:
        """The phrase as text, NFKD: with U+3000 between the words in Japanese, else with a space.

        >>> Mnemonic.from_entropy(bytes(16)).expose()[:15]
        'abandon abandon'
        """
        return ("\u3000" if self.language == "japanese" else " ").join(self.words)

    @discreet
    def to_seed(self, passphrase: str = "") -> Secret:
        """The 64-byte seed of BIP-39 (PBKDF2-HMAC-SHA512, 2,048 rounds) under a passphrase, NFKD.

        Every passphrase gives a seed, so a mistyped one gives another wallet and no error. Raises
        :class:`~multiwallet.errors.InputError` for a passphrase that is no Unicode text.

        >>> len(Mnemonic.generate().to_seed("any text"))
        64
        """
        if not isinstance(passphrase, str):
            raise InputError(f"a passphrase is text, not {type(passphrase).__name__}")
        from multiwallet.crypto.pbkdf2 import pbkdf2_hmac_sha512

        try:
            salt = b"mnemonic" + unicodedata.normalize("NFKD", passphrase).encode()
        except UnicodeEncodeError:
            raise InputError("this passphrase holds half a surrogate pair, which is no Unicode text") from None
        return Secret(pbkdf2_hmac_sha512(self._phrase.expose(), salt, _ROUNDS))

    def close(self) -> None:
        """Overwrite the phrase and the entropy with zeros. Safe to call twice."""
        for held in (getattr(self, "_phrase", None), getattr(self, "_entropy", None)):
            if held is not None:
                held.close()

    @property
    def closed(self) -> bool:
        """Whether the phrase has been wiped."""
        return self._phrase.closed

    def __len__(self) -> int:
        return next(count for count, size in _COUNTS.items() if size == len(self._entropy))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mnemonic):
            return NotImplemented
        return self._phrase == other._phrase

    def __repr__(self) -> str:
        if getattr(self, "_entropy", None) is None:  # a debugger may look at one that is only being made
            return "Mnemonic(unfinished)"
        return f"Mnemonic({len(self)} words, {self.language})"

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a Mnemonic is not for formatting; call expose() where the phrase is needed")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Mnemonic cannot be copied or pickled; call expose() where the phrase is needed")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


def _read(words: list[str], languages: tuple[str, ...]) -> tuple[Wordlist, bytes]:
    complete = False
    for language in languages:
        wordlist = load(language)
        numbers = [wordlist.numbers.get(word, -1) for word in words]
        if -1 in numbers:
            continue
        complete = True
        entropy = _entropy_of(numbers)
        if entropy is not None:
            return wordlist, entropy
    if complete:
        raise InvalidMnemonic(
            f"all {len(words)} words are in the list, but the checksum does not fit: a word is wrong or two are swapped"
        )
    raise _unknown_word(words, languages)


def _entropy_of(numbers: list[int]) -> bytes | None:
    total = 0
    for number in numbers:
        total = total << 11 | number
    size = _COUNTS[len(numbers)]
    check_bits = size // 4
    entropy = (total >> check_bits).to_bytes(size, "big")
    checksum = hashlib.sha256(entropy).digest()[0] >> (8 - check_bits)
    return entropy if checksum == total & ((1 << check_bits) - 1) else None


def _unknown_word(words: list[str], languages: tuple[str, ...]) -> InvalidMnemonic:
    # The language of a phrase with a wrong word in it is the one that knows most of the others.
    lists = [load(language) for language in languages]
    wordlist = max(lists, key=lambda known: sum(word.lower() in known.numbers for word in words))
    position = next(place for place, word in enumerate(words) if word not in wordlist.numbers)
    word, name = words[position], wordlist.language
    where = f"word {position + 1} of {len(words)}"
    if len(word) > _WORD_LIMIT:
        return InvalidMnemonic(f"{where} has {len(word)} characters and is in no BIP-39 list")
    if word.lower() in wordlist.numbers:
        return InvalidMnemonic(f"{where}, {word!r}, is in capitals: a mnemonic is written in lower case")
    elsewhere = [language for language in LANGUAGES if language != name and word in load(language).numbers]
    if elsewhere:
        return InvalidMnemonic(
            f"{where}, {word!r}, is {' and '.join(elsewhere)} and not {name}: all words come from one list"
        )
    near = _nearest(word, wordlist)
    hint = f"the nearest are {', '.join(near)}" if near else "nothing in it is near"
    return InvalidMnemonic(f"{where}, {word!r}, is not in the {name} list; {hint}")


def _nearest(word: str, wordlist: Wordlist) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(word.lower(), wordlist.words, n=3, cutoff=0.6)
