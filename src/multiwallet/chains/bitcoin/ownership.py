"""Whose a key, a script or an output is: what an account can prove, never what a PSBT claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ...chain import Holder
from ...errors import InvalidKey
from ...path import HARDENED, Path
from . import psbt_fields as field
from .addresses import script_of
from .psbt import Psbt, origin_fields
from .psbt_fields import Fields
from .script import KEY_KINDS, kind_of, redeem_script_for_key, script_for_key
from .signable import Examined

__all__ = ["FARTHEST_INDEX", "Claim", "attribute", "claim_of", "known_scripts", "own_outputs", "pays_to"]

Claim: TypeAlias = Callable[[bytes, Path | None, bytes], tuple[bytes, Path | None] | None]
"""From a key, its claimed path and the script it spends: the holder's key and path, or None when it is not its own."""

FARTHEST_INDEX: Final = 20_000
"""No scan of a whole account looks at an address with this index or a higher one."""
_ONE_KEY: Final = frozenset(("p2wpkh", "p2tr", "p2sh", "p2pkh"))
_LOOK_AHEAD: Final = 20
"""BIP-44's gap limit: how far a whole account is searched for a script when the PSBT names no key."""


def claim_of(holder: Holder) -> Claim:
    """How to tell the holder's keys: what a PSBT says of a key only points to where it is looked for."""
    if holder.derive is None:
        return _claim_of_key(holder)
    return _claim_of_account(holder, holder.derive)


def _claim_of_key(holder: Holder) -> Claim:
    own, x = holder.public_key, holder.public_key[1:33]
    owned = (own, holder.path)

    def claim(key: bytes, path: Path | None, script: bytes) -> tuple[bytes, Path | None] | None:
        if key == own or (key[1:] == x and script[:2] == b"\x51\x20"):
            return owned
        return None

    return claim


def _claim_of_account(holder: Holder, derive: Callable[[int, int], bytes]) -> Claim:
    account = () if holder.account_path is None else holder.account_path.indexes
    depth = len(account)
    scripts = known_scripts(holder)
    derived: dict[tuple[int, int], bytes] = {}
    answers: dict[tuple[bytes, Path | None], tuple[bytes, Path | None] | None] = {}

    def child(place: tuple[int, int]) -> bytes:
        key = derived.get(place)
        if key is None:
            derived[place] = key = derive(*place)
        return key

    def look(key: bytes, path: Path | None, script: bytes) -> tuple[bytes, Path | None] | None:
        places = []
        if path is not None:
            steps = path.indexes
            if steps[:depth] == account and len(steps) == depth + 2:
                places.append(steps[depth:])
            elif len(steps) == 2:  # written from the account's key on, by software that knows no more
                places.append(steps)
        known = scripts.get(script)
        if known is not None:
            places.append(known)
        for change, index in places:
            if change < 2 and index < HARDENED:  # receive and change: an account derives no other chain
                own = child((change, index))
                if own == key or (own[1:] == key[1:] and script[:2] == b"\x51\x20"):
                    return own, None if holder.account_path is None else Path((*account, change, index))
        return None

    def claim(key: bytes, path: Path | None, script: bytes) -> tuple[bytes, Path | None] | None:
        if script in scripts:
            return look(key, path, script)
        name = (key, path)
        if name not in answers:
            answers[name] = look(key, path, script)
        return answers[name]

    return claim


def known_scripts(holder: Holder) -> Mapping[bytes, tuple[int, int]]:
    """The output scripts that a refreshed whole account knows as its own, with (change, index) of each."""
    scripts = getattr(holder.state, "scripts", None)
    return scripts if isinstance(scripts, Mapping) else {}


def attribute(holder: Holder, found: Examined) -> Psbt:
    """The PSBT with the holder's key written to each input that spends its scripts and names no key.

    The PSBT comes back as it is when there is no such input.
    """
    psbt = found.psbt
    if len(found.plans) == len(psbt.inputs):
        return psbt
    find = _script_finder(holder)
    added: dict[int, Fields] = {}
    for index, (fields, output) in enumerate(zip(psbt.inputs, found.spent, strict=True)):
        if index in found.plans or field.FINAL_WITNESS in fields or field.FINAL_SCRIPTSIG in fields:
            continue
        kind = kind_of(output.script)
        owned = find(output.script) if kind in _ONE_KEY else None
        if owned is None:
            continue
        key, path = owned
        added[index] = origin_fields(kind == "p2tr", key, path, holder.fingerprint)
        if kind == "p2sh":
            added[index][field.REDEEM_SCRIPT] = redeem_script_for_key(key)
    return psbt.updated(added) if added else psbt


def _script_finder(holder: Holder) -> Callable[[bytes], tuple[bytes, Path | None] | None]:
    derive = holder.derive
    if derive is None:
        key = holder.public_key
        kinds = KEY_KINDS if len(key) == 33 else ("p2pkh",)
        own = {script_for_key(kind, key) for kind in kinds}
        return lambda script: (key, holder.path) if script in own else None
    scripts = dict(known_scripts(holder))

    def look_ahead() -> None:
        for change in (0, 1):
            for index in range(_LOOK_AHEAD):
                scripts.setdefault(script_for_key(holder.kind or KEY_KINDS[0], derive(change, index)), (change, index))

    looked = False

    def find(script: bytes) -> tuple[bytes, Path | None] | None:
        nonlocal looked
        if script not in scripts and not looked:
            looked = True
            look_ahead()
        place = scripts.get(script)
        if place is None:
            return None
        path = None if holder.account_path is None else Path((*holder.account_path.indexes, *place))
        return derive(*place), path

    return find


def own_outputs(holder: Holder, psbt: Psbt) -> list[int]:
    """The outputs that come back to the holder for certain, where its balance will show them.

    The PSBT names a key of its own, and the script is the one that the holder's scan looks for: of its kind,
    and in a whole account on the receive or the change chain, at an index that a scan can reach. An output of
    its key elsewhere would be its own as well, and nobody would find it.
    """
    claim = None
    mine = []
    for index, (fields, output) in enumerate(zip(psbt.outputs, psbt.transaction.outputs, strict=True)):
        for name, origin in fields.items():
            if name[0] == field.OUT_BIP32_DERIVATION:
                key = name[1:]
            elif name[0] == field.OUT_TAP_BIP32_DERIVATION:
                key, origin = b"\x02" + name[1:], field.tap_origin(origin)[1]
            else:
                continue
            path = Path(field.steps_of(origin))
            claim = claim or claim_of(holder)
            owned = claim(key, path, output.script)
            if owned is not None and _is_looked_for(holder, owned[0], path, output.script):
                mine.append(index)
                break
    return mine


def _is_looked_for(holder: Holder, key: bytes, path: Path, script: bytes) -> bool:
    if holder.derive is None:
        return script == script_of(holder.network, holder.address)
    _, index = known_scripts(holder).get(script) or path.indexes[-2:]
    return index < FARTHEST_INDEX and script == script_for_key(holder.kind or KEY_KINDS[0], key)


def pays_to(script: bytes, key: bytes) -> bool:
    """Whether an output script is one of those that the key alone spends."""
    kind = kind_of(script)
    kind = "p2sh-p2wpkh" if kind == "p2sh" else kind
    if kind not in KEY_KINDS or (len(key) != 33 and kind != "p2pkh"):
        return False
    try:
        return script_for_key(kind, key) == script
    except InvalidKey:  # a taproot key that is no point
        return False
