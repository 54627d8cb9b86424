"""Cardano's tree of keys (CIP-1852 over BIP32-Ed25519, Icarus root): public keys from the entropy of a phrase."""

from __future__ import annotations

from multiwallet.errors import InputError, InvalidKey, InvalidPath, MissingExtra
from multiwallet.path import HARDENED, Path
from multiwallet.secret import discreet

__all__ = ["icarus_public_key", "staking_path"]


@discreet
def icarus_public_key(entropy: bytes, path: Path) -> bytes:
    """The 32-byte Ed25519 public key at a path such as ``m/1852'/1815'/0'/0/0`` (CIP-3 Icarus, CIP-1852).

    ``entropy`` is that of the BIP-39 phrase (16 to 32 bytes), without a passphrase. Raises
    :class:`~multiwallet.errors.InvalidKey` where the library behind it refuses the key or the path, and
    :class:`~multiwallet.errors.MissingExtra` without the package ``bip-utils``.

    >>> icarus_public_key(bytes(16), Path("m/1852'/1815'/0'/0/0")).hex()[:16]
    '7ea09a34aebb13c9'
    """
    try:
        from bip_utils import CardanoIcarusBip32  # type: ignore[import-untyped]  # it has no type hints to read
    except ImportError as error:
        raise MissingExtra(extra="coins") from error
    indexes = path.indexes
    if not 16 <= len(entropy) <= 32:
        raise InputError(f"the entropy of a phrase has 16 to 32 bytes, not {len(entropy)}")
    try:
        node = CardanoIcarusBip32.FromSeed(entropy)
        for index in indexes:
            node = node.ChildKey(index)
        # bip_utils writes a zero byte in front, as SLIP-10 does.
        key: bytes = node.PublicKey().RawCompressed().ToBytes()[1:]
    except ValueError:
        raise InvalidKey(f"Cardano's key tree has no key at {path}") from None
    return key


def staking_path(path: Path) -> Path:
    """The path of the staking key that goes with a payment key (CIP-11): ``m/1852'/1815'/account'/2/0``.

    Raises :class:`~multiwallet.errors.InvalidPath` for a path that names no account of CIP-1852.

    >>> staking_path(Path("m/1852'/1815'/3'/0/7"))
    Path("m/1852'/1815'/3'/2/0")
    """
    steps = path.indexes
    if len(steps) != 5 or steps[:2] != (1852 + HARDENED, 1815 + HARDENED) or steps[2] < HARDENED:
        raise InvalidPath(f"{path} has no staking key beside it: a path of Cardano looks like m/1852'/1815'/0'/0/0")
    return Path((*steps[:3], 2, 0))
