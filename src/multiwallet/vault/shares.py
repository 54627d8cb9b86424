"""SLIP-39: a secret split into shares of which some are enough. The work is the reference implementation's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..errors import InputError, MissingExtra
from ..secret import Secret

__all__ = ["combine", "split"]

_MOST_SHARES: Final = 16
_LONGEST_SHARE: Final = 1000


def split(
    secret: Secret, *, threshold: int, count: int, passphrase: str = "", iteration_exponent: int = 1
) -> list[str]:
    """Split a secret of 16 to 64 bytes, of even length, into ``count`` phrases; any ``threshold`` give it back.

    One group of at most 16 shares, extendable backup (SLIP-39). The phrases are as secret as what they hold, once
    ``threshold`` of them are together; fewer tell nothing. Every ``passphrase`` gives some secret back, so a
    mistyped one gives a wrong secret and no error. Raises :class:`~multiwallet.errors.InputError` and
    :class:`~multiwallet.errors.MissingExtra` (``slip39``).

    >>> shares = split(Secret(bytes(16)), threshold=2, count=3)
    >>> combine(shares[1:]).expose() == bytes(16)
    True
    """
    library = _library()
    if not 1 <= threshold <= count <= _MOST_SHARES or (threshold == 1 and count > 1):
        raise InputError(
            f"of 2 to {_MOST_SHARES} shares, 2 or more are needed to recover: {threshold} of {count} is not possible"
        )
    if not 16 <= len(secret) <= 64 or len(secret) % 2:
        raise InputError(f"SLIP-39 splits an even number of bytes from 16 to 64, not {len(secret)}")
    if not 0 <= iteration_exponent < 16:
        raise InputError("the iteration exponent of SLIP-39 is from 0 to 15")
    groups = library.generate_mnemonics(
        1, [(threshold, count)], secret.expose(), _ascii(passphrase), True, iteration_exponent
    )
    return list(groups[0])


def combine(shares: Sequence[str], *, passphrase: str = "") -> Secret:
    """The secret that SLIP-39 shares hold, from as many as they need (groups included).

    Raises :class:`~multiwallet.errors.InputError`, without any word of a share, for shares that are mistyped, too
    few, too many or of different secrets.
    """
    library = _library()
    if isinstance(shares, str) or not 1 <= len(shares) <= _MOST_SHARES * _MOST_SHARES:
        raise InputError("shares are a list of phrases, one for each share")
    phrases = []
    for number, share in enumerate(shares, 1):
        if not isinstance(share, str) or len(share) > _LONGEST_SHARE:
            raise InputError(f"share {number} is no phrase of SLIP-39")
        phrase = " ".join(share.split())
        try:
            read = library.Share.from_mnemonic(phrase)
        except (library.MnemonicError, ValueError, KeyError, IndexError):
            raise InputError(f"share {number} of those given is mistyped: check each word of it") from None
        if read.iteration_exponent > 10:  # 40 million rounds: hostile, for nobody waits that long
            raise InputError(f"share {number} asks for more work than this library will do")
        phrases.append(phrase)
    try:
        return Secret(library.combine_mnemonics(phrases, _ascii(passphrase)))
    except (library.MnemonicError, ValueError, IndexError, KeyError):
        raise InputError(
            "these shares do not fit together: they are too few or too many, doubled, or of different secrets"
        ) from None


def _ascii(passphrase: str) -> bytes:
    if not isinstance(passphrase, str) or not all(" " <= character <= "~" for character in passphrase):
        raise InputError("a passphrase of SLIP-39 has printable ASCII characters only")
    return passphrase.encode()


def _library() -> Any:
    try:
        import shamir_mnemonic  # type: ignore[import-untyped, unused-ignore]  # it ships no types
    except ImportError:
        raise MissingExtra(
            'SLIP-39 needs an optional part: pip install "multiwallet-sdk[slip39]"', extra="slip39"
        ) from None
    return shamir_mnemonic
