"""The version bytes of extended keys: xpub, zpub and the rest of SLIP-132."""

from __future__ import annotations

from typing import Final, NamedTuple

from multiwallet.errors import InvalidKey

__all__ = ["VERSIONS", "Version", "version_named", "version_of"]


class Version(NamedTuple):
    """One form of extended key: four bytes in front, which show as the four letters of its name."""

    name: str
    prefix: bytes
    is_private: bool
    partner: str
    """The name of the same form for the other half: ``zprv`` for ``zpub``."""
    kind: str | None
    """The script it stands for: ``p2pkh``, ``p2sh-p2wpkh``, ``p2wpkh``, ``p2sh-p2wsh`` or ``p2wsh``."""
    purpose: int
    """The first step of its usual path: 44, 49, 84, or 48 for multisig."""
    network: str
    testnet: bool


def _pair(
    names: str, prefixes: str, kind: str, purpose: int, network: str = "bitcoin", *, testnet: bool = False
) -> list[Version]:
    public, private = names.split()
    public_prefix, private_prefix = (bytes.fromhex(prefix) for prefix in prefixes.split())
    return [
        Version(public, public_prefix, False, private, kind, purpose, network, testnet),
        Version(private, private_prefix, True, public, kind, purpose, network, testnet),
    ]


_ROWS: Final = (
    *_pair("xpub xprv", "0488b21e 0488ade4", "p2pkh", 44),
    *_pair("ypub yprv", "049d7cb2 049d7878", "p2sh-p2wpkh", 49),
    *_pair("zpub zprv", "04b24746 04b2430c", "p2wpkh", 84),
    *_pair("Ypub Yprv", "0295b43f 0295b005", "p2sh-p2wsh", 48),
    *_pair("Zpub Zprv", "02aa7ed3 02aa7a99", "p2wsh", 48),
    *_pair("tpub tprv", "043587cf 04358394", "p2pkh", 44, testnet=True),
    *_pair("upub uprv", "044a5262 044a4e28", "p2sh-p2wpkh", 49, testnet=True),
    *_pair("vpub vprv", "045f1cf6 045f18bc", "p2wpkh", 84, testnet=True),
    *_pair("Upub Uprv", "024289ef 024285b5", "p2sh-p2wsh", 48, testnet=True),
    *_pair("Vpub Vprv", "02575483 02575048", "p2wsh", 48, testnet=True),
    *_pair("Ltub Ltpv", "019da462 019d9cfe", "p2pkh", 44, "litecoin"),
    *_pair("Mtub Mtpv", "01b26ef6 01b26792", "p2sh-p2wpkh", 49, "litecoin"),
    *_pair("ttub ttpv", "0436f6e1 0436ef7d", "p2pkh", 44, "litecoin", testnet=True),
    *_pair("dgub dgpv", "02facafd 02fac398", "p2pkh", 44, "dogecoin"),
)

VERSIONS: Final[dict[str, Version]] = {row.name: row for row in _ROWS}
"""Every form by its name."""

_BY_PREFIX: Final = {row.prefix: row for row in _ROWS}


def version_named(name: str) -> Version:
    """The form called ``name``. Raises :class:`~multiwallet.errors.InvalidKey` for an unknown one.

    >>> version_named("zpub").purpose, version_named("zpub").prefix.hex()
    (84, '04b24746')
    """
    row = VERSIONS.get(name)
    if row is None:
        raise InvalidKey(f"there is no extended key of the form {name[:10]!r}; known are {', '.join(VERSIONS)}")
    return row


def version_of(prefix: bytes) -> Version:
    """The form with these four bytes. Raises :class:`~multiwallet.errors.InvalidKey` for unknown ones.

    >>> version_of(bytes.fromhex("0488ade4")).name
    'xprv'
    """
    row = _BY_PREFIX.get(prefix)
    if row is None:
        raise InvalidKey(f"{prefix.hex()} is no version of an extended key; known are {', '.join(VERSIONS)}")
    return row
