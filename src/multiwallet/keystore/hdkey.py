"""crypto-hdkey (BCR-2020-007): an extended key with its coin, its origin and its children, in CBOR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import InvalidKey, Unsupported
from ..path import HARDENED, Path
from .ur.cbor import Tag

if TYPE_CHECKING:
    from ..keys.hd import ExtendedKey
    from .material import Tree

__all__ = ["HDKey", "hdkey_map"]

_KEYPATH_TAGS: Final = (304, 40304)
_COIN_TAGS: Final = (305, 40305)


class HDKey(NamedTuple):
    """An hdkey as read: 33 bytes of key, its chain code (None: it has no children) and its place."""

    data: bytes
    is_private: bool
    chain_code: bytes | None
    network: str
    testnet: bool
    origin: Path | None
    fingerprint: bytes | None
    """The master key's, as the origin tells it."""
    depth: int
    parent: bytes
    children: str
    """The steps to the addresses, as a descriptor writes them; empty where it does not say."""
    name: str | None

    @classmethod
    def of(cls, value: Any) -> HDKey:
        """Read the CBOR of an hdkey. Raises InvalidKey for what is none."""
        from ..crypto.secp256k1 import is_valid_private_key, is_valid_public_key

        if not isinstance(value, dict):
            raise InvalidKey("the hdkey in this UR is none")
        data, chain_code = value.get(3), value.get(4)
        master, private = value.get(1) is True, value.get(1) is True or value.get(2) is True
        if not isinstance(data, bytes) or len(data) != 33:
            raise InvalidKey("the key in this UR has another length than 33 bytes")
        right = data[0] == 0 and is_valid_private_key(data[1:]) if private else is_valid_public_key(data)
        if not right or (master and chain_code is None):
            raise InvalidKey("the key in this UR is none of secp256k1")
        if chain_code is not None and (not isinstance(chain_code, bytes) or len(chain_code) != 32):
            raise InvalidKey("the chain code in this UR has another length than 32 bytes")
        network, testnet = _coin(value.get(5))
        origin, fingerprint, depth = _origin(value.get(6))
        parent = _fingerprint(value.get(8))
        if parent is None:  # it may be left out where the origin is one step and names its source
            parent = fingerprint if origin is not None and len(origin) == 1 and fingerprint else bytes(4)
        name = value.get(9)
        return cls(
            data,
            private,
            chain_code,
            network,
            testnet,
            origin,
            fingerprint,
            0 if master else depth,
            bytes(4) if master or not depth else parent,
            _children(value.get(7)),
            name[:200] if isinstance(name, str) else None,
        )

    def extended_key(self) -> ExtendedKey:
        """The extended key itself, as xprv, xpub, tprv or tpub."""
        from ..codec.base58 import encode_check
        from ..keys.hd import ExtendedKey
        from ..keys.versions import version_named

        assert self.chain_code is not None
        name = ("t" if self.testnet else "x") + ("prv" if self.is_private else "pub")
        number = self.origin.indexes[-1] if self.depth and self.origin is not None and len(self.origin) else 0
        place = bytes((self.depth,)) + self.parent + number.to_bytes(4, "big")
        return ExtendedKey.parse(encode_check(version_named(name).prefix + place + self.chain_code + self.data))


def hdkey_map(tree: Tree, network: str, tags: dict[str, int], *, private: bool, name: str | None) -> dict[int, Any]:
    """The CBOR map of an extended key. ``tags`` gives the numbers of the generation that is written.

    Raises Unsupported for a private key that is not there, and for a key whose place is not known.
    """
    from .. import registry

    key = tree.key
    if private and not key.is_private:
        raise Unsupported("this extended key is public: leave private out")
    if private and not key.depth:
        return {1: True, 3: b"\x00" + key.private_key, 4: key.chain_code}
    content: dict[int, Any] = {2: True} if private else {}
    content[3] = b"\x00" + key.private_key if private else key.public_key
    content[4] = key.chain_code
    row = registry.network(network)
    coin: dict[int, int] = {}
    if row.family != "bitcoin" or row.slip44 not in (0, 1):
        coin[1] = row.slip44
    if row.testnet and row.family == "bitcoin":
        coin[2] = 1
    if coin:
        content[5] = Tag(tags["coin-info"], coin)
    path: dict[int, Any] = {}
    if tree.origin is not None and len(tree.origin) == key.depth:
        steps = tree.origin.indexes
        path[1] = [part for step in steps for part in (step & HARDENED - 1, step >= HARDENED)]
        if tree.fingerprint is not None:
            path[2] = int.from_bytes(tree.fingerprint, "big")
        elif not steps:
            path[2] = int.from_bytes(key.fingerprint, "big")
            path[3] = 0
    elif key.depth:
        # Only the last step is known: it and the depth keep the extended key whole.
        path = {1: [key.child_number & HARDENED - 1, key.child_number >= HARDENED], 3: key.depth}
    if path:
        content[6] = Tag(tags["keypath"], path)
    if key.depth:
        content[8] = int.from_bytes(key.parent_fingerprint, "big")
    if name:
        content[9] = name
    return content


def _content(value: Any, tags: tuple[int, int], what: str) -> dict[Any, Any]:
    if not isinstance(value, Tag) or value.number not in tags or not isinstance(value.value, dict):
        raise InvalidKey(f"the {what} of the key in this UR is not made as it is written")
    return value.value


def _coin(value: Any) -> tuple[str, bool]:
    """The network of a coin-info: Bitcoin where it is left out."""
    from .. import registry

    content = {} if value is None else _content(value, _COIN_TAGS, "coin")
    coin, test = content.get(1, 0), content.get(2, 0)
    if not isinstance(coin, int) or not isinstance(test, int):
        raise InvalidKey("the coin of the key in this UR is no number")
    if coin in (0, 1):
        testnet = bool(test) or coin == 1
        return "bitcoin-testnet" if testnet else "bitcoin", testnet
    if coin == 60:
        return "ethereum", False
    row = next((row for row in registry.networks() if row.slip44 == coin and not row.testnet), None)
    if row is None:
        raise Unsupported(f"the key in this UR is for a coin (SLIP-44 number {coin}) that is not known here")
    return row.name, False


def _origin(value: Any) -> tuple[Path | None, bytes | None, int]:
    if value is None:
        return None, None, 0
    content = _content(value, _KEYPATH_TAGS, "origin")
    components = content.get(1, [])
    if not isinstance(components, list) or len(components) % 2 or len(components) > 510:
        raise InvalidKey("the origin of the key in this UR is no path")
    steps = []
    for number, hardened in zip(components[::2], components[1::2], strict=True):
        if not isinstance(number, int) or not 0 <= number < HARDENED or not isinstance(hardened, bool):
            raise InvalidKey("the origin of the key in this UR is no path")
        steps.append(number + HARDENED if hardened else number)
    depth = content.get(3, len(steps))
    if not isinstance(depth, int) or not len(steps) <= depth <= 255:
        raise InvalidKey("the depth of the key in this UR is not that of its path")
    return Path(steps), _fingerprint(content.get(2)), depth


def _fingerprint(value: Any) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, int) or not 0 <= value < 2**32:
        raise InvalidKey("a fingerprint in this UR is none")
    return value.to_bytes(4, "big")


def _children(value: Any) -> str:
    """The children of an hdkey in a descriptor's words: ``/0/*`` or ``/<0;1>/*``."""
    if value is None:
        return ""
    components = _content(value, _KEYPATH_TAGS, "children").get(1, [])
    if not isinstance(components, list) or len(components) > 40:
        raise InvalidKey("the children of the key in this UR are no path")
    text, rest = "", list(components)
    while rest:
        part = rest.pop(0)
        if isinstance(part, list) and len(part) == 4:  # a pair: receive and change
            text += f"/<{_step(part[0], part[1])};{_step(part[2], part[3])}>"
            continue
        if not rest:
            raise InvalidKey("the children of the key in this UR are no path")
        hardened = rest.pop(0)
        if isinstance(part, int):
            text += "/" + _step(part, hardened)
        elif part == []:
            text += "/*" + ("h" if hardened is True else "")
        else:
            raise Unsupported("a range of children is not read: only single steps, pairs and all of them")
    return text


def _step(number: Any, hardened: Any) -> str:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < HARDENED:
        raise InvalidKey("the children of the key in this UR are no path")
    return f"{number}{'h' if hardened is True else ''}"
