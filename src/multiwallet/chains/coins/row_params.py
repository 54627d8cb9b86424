"""What a row of the family says: the form of its addresses, the path, and the kinds where a coin has several."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...chain import Network
from ...errors import InputError, InvalidPath, shown
from ...path import HARDENED, Path

__all__ = ["CURVES", "PathTemplate", "as_bytes", "as_text", "kind_params", "kinds"]

CURVES: Final = ("secp256k1", "ed25519", "secp256r1", "ed25519-bip32")
_STEP: Final = re.compile(r"(?:\{(account|index)\}|([0-9]{1,10}))('?)", re.ASCII)


def as_text(params: Mapping[str, Any], name: str) -> str:
    """A text of the row's params; InputError where it is missing."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"the row of this coin lacks params.{name}, which is text")
    return value


def as_bytes(params: Mapping[str, Any], name: str) -> bytes:
    """Bytes that the row's params hold as hexadecimal digits; InputError where they are none."""
    try:
        return bytes.fromhex(as_text(params, name))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"params.{name} of this coin's row is not hexadecimal") from None


def kinds(network: Network) -> tuple[str, ...]:
    """The address kinds of a row, the default first: those of ``params.kinds``, else one without a name."""
    table = network.params.get("kinds", {"": {}})
    if not isinstance(table, Mapping) or not table or not all(isinstance(one, Mapping) for one in table.values()):
        raise InputError(f"params.kinds of the network {network.name!r} is a table of tables, one a kind")
    return tuple(table)


def kind_params(network: Network, kind: str) -> Mapping[str, Any]:
    """The params of one kind: its own on top of the row's; InputError for a kind that the row does not have."""
    known = kinds(network)
    if kind not in known:
        raise InputError(f"{network.name} has no address kind {shown(kind)}: the kinds are {', '.join(known)}")
    return {**network.params, **network.params.get("kinds", {"": {}})[kind]}


class PathTemplate(NamedTuple):
    """A path with places for the account and the index, such as ``m/44'/461'/{account}'/0/{index}``.

    A template without ``{account}`` numbers accounts in one place: the index, or the account where no index is given.

    >>> PathTemplate.parse("m/44'/461'/{account}'/0/{index}").path(account=1, index=2)
    Path("m/44'/461'/1'/0/2")
    >>> PathTemplate.parse("m/44'/148'/{index}'").path(account=3, index=None)
    Path("m/44'/148'/3'")
    """

    steps: tuple[tuple[str, bool], ...]
    """Each step: ``account``, ``index`` or its digits, and whether it is hardened."""

    @classmethod
    def parse(cls, text: str) -> PathTemplate:
        """A template from its text; InputError says what it looks like."""
        root, *rest = text.split("/")
        found = [_STEP.fullmatch(step) for step in rest]
        steps = tuple((match[1] or match[2], match[3] == "'") for match in found if match is not None)
        places = [name for name, _ in steps]
        fits = root == "m" and steps and len(steps) == len(rest) and places.count("index") <= 1
        if not fits or places.count("account") > 1 or any(name.isdigit() and int(name) >= HARDENED for name in places):
            raise InputError("the path of a coin's row looks like m/44'/461'/{account}'/0/{index}")
        return cls(steps)

    def path(self, *, account: int, index: int | None) -> Path:
        """The path of an account and an index; InvalidPath where both are given and there is one place for them."""
        places = {name for name, _ in self.steps}
        if "account" not in places and account:
            if index:
                raise InvalidPath(
                    f"this coin's wallets number accounts in one place, {self}: give an index or an account, not both, "
                    "or the whole path"
                )
            index = account
        if "index" not in places and index:
            raise InvalidPath(f"this coin has one key an account, at {self}: give account= in place of an index")
        values = {"account": account, "index": index or 0}
        numbers = ((values.get(name, int(name) if name.isdigit() else 0), hard) for name, hard in self.steps)
        return Path(tuple(number + HARDENED if hard else number for number, hard in numbers))

    def __str__(self) -> str:
        names = {"account": "a", "index": "i"}
        return "/".join(("m", *(names.get(name, name) + "'" * hard for name, hard in self.steps)))
