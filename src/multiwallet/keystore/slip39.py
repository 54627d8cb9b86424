"""SLIP-39: a master secret in shares of words, of which so many rebuild it. Done by ``shamir-mnemonic``, the reference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from ..errors import InputError, InvalidKey, InvalidMnemonic, MissingExtra, Unsupported
from ..secret import Secret
from .extended_key import seed_of
from .imported import ImportedKey
from .material import Phrase, Seed
from .source import Source

__all__ = ["looks_like_shares", "read", "write"]

_SHORTEST: Final = 20
_MOST_SHARES: Final = 256
# The rounds of a share are 10,000 * 2^e; trezor writes e = 0 or 1, and e = 15 would take minutes.
_MOST_EXPONENT: Final = 8


def looks_like_shares(lines: Sequence[str]) -> bool:
    """Whether every line is words of SLIP-39's list, enough of them for a share."""
    shares = [line.split() for line in lines]
    if not shares or len(shares) > _MOST_SHARES or not all(_SHORTEST <= len(share) <= 60 for share in shares):
        return False
    known = _words()
    return all(word.lower() in known for share in shares for word in share)


@cache
def _words() -> frozenset[str]:
    try:
        from shamir_mnemonic.wordlist import WORDLIST  # type: ignore[import-untyped]  # it has no types
    except ImportError:  # then nothing is known to be a share, and format="slip39" says what is missing
        return frozenset()
    return frozenset(WORDLIST)


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Rebuild the master secret from enough shares, one a line.

    The master secret is a BIP-32 seed. Every passphrase gives one, so that a wrong passphrase gives another wallet
    and no error.
    """
    shamir = _shamir()
    lines = [" ".join(line.lower().split()) for line in (source.text or "").splitlines() if line.strip()]
    if not lines or len(lines) > _MOST_SHARES:
        raise InvalidMnemonic("SLIP-39 shares are given one a line, or as a list")
    passphrase = b"" if password is None else password.expose()
    if any(not 32 <= byte <= 126 for byte in passphrase):
        raise InvalidKey("a SLIP-39 passphrase is of printable ASCII characters")
    try:
        shares = [shamir.Share.from_mnemonic(line) for line in lines]
        if any(share.iteration_exponent > _MOST_EXPONENT for share in shares):
            raise InvalidKey("opening these shares would take an unreasonable time: no wallet writes such ones")
        secret = shamir.combine_mnemonics(lines, passphrase)
    except shamir.MnemonicError as error:
        raise InvalidMnemonic(_reason(str(error))) from None
    return ImportedKey("slip39", Seed(Secret(secret)), network or "bitcoin")


def write(
    key: ImportedKey,
    password: Secret | None,
    *,
    groups: Sequence[tuple[int, int]] = ((2, 3),),
    group_threshold: int = 1,
    extendable: bool = True,
    iteration_exponent: int = 1,
    entropy: bool = False,
) -> list[str]:
    """Shares as a list of phrases: ``groups`` says for each group how many of how many shares rebuild it.

    What is shared is the BIP-32 seed, so that the shares open the same accounts everywhere. ``entropy=True`` shares
    a mnemonic's entropy instead: fewer words, but wallets that read SLIP-39 take it as a seed of its own.
    """
    shamir = _shamir()
    passphrase = b"" if password is None else password.expose()
    if any(not 32 <= byte <= 126 for byte in passphrase):
        raise InvalidKey("a SLIP-39 passphrase is of printable ASCII characters")
    if not 0 <= iteration_exponent <= _MOST_EXPONENT:
        raise InputError(f"the iteration exponent is 0 to {_MOST_EXPONENT}")
    if entropy:
        if not isinstance(key._material, Phrase):
            raise Unsupported("only a mnemonic has entropy to share")
        with key.mnemonic() as mnemonic:
            secret = mnemonic.entropy
    else:
        with seed_of(key) as seed:
            secret = seed.expose()
    try:
        made = shamir.generate_mnemonics(
            group_threshold, [tuple(group) for group in groups], secret, passphrase, extendable, iteration_exponent
        )
    except (shamir.MnemonicError, ValueError):
        raise InputError(
            "such shares cannot be made: a threshold is from 1 to the number of shares (at most 16), and with "
            "threshold 1 a group has one share"
        ) from None
    return [share for group in made for share in group]


def _shamir() -> Any:
    try:
        import shamir_mnemonic  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        raise MissingExtra(extra="slip39") from None
    return shamir_mnemonic


def _reason(message: str) -> str:
    """What the reference says, in words that show none of the share's own."""
    for mark, reason in (
        ("nsufficient", "there are too few shares, or too few groups of them, to rebuild the secret"),
        ("Wrong number", "there are too few or too many shares of a group: give just as many as its threshold says"),
        ("must begin with", "these shares are not all of one set"),
        ("parameters don't match", "these shares are not all of one set"),
        ("checksum", "the checksum of a share does not fit: a word is wrong or two are swapped"),
        ("digest", "these shares do not fit together: one is wrong or of another set"),
        ("nvalid mnemonic word", "a word of a share is in no SLIP-39 list"),
        ("unique", "the same share is given twice, or two shares have one number"),
        ("length", "a share has too few words, or a number of words that no share has"),
    ):
        if mark in message:
            return reason
    return "these are no SLIP-39 shares that fit together"
