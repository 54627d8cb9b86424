"""No object that holds a secret shows it, copies it or lets it be written down by accident."""

from __future__ import annotations

import copy
import dataclasses
import gc
import importlib
import inspect
import json
import pickle
import pkgutil
import pprint
import reprlib
import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import multiwallet
from multiwallet import keystore, vault
from multiwallet.errors import MultiwalletError

# Classes of the public rooms that hold no private key, for a reason that can be seen from their names.
HARMLESS = {
    "AccountHint", "Amount", "Argon2id", "Asset", "AsyncEndpointPool", "Balance", "EndpointPool", "Entry", "Fee", "Fido2Authenticator", "Format", "Hardening",
    "Kind", "MultiwalletError", "Network", "Path", "Receipt", "SignedTransaction", "Slot", "Transfer",
    "UnsignedTransaction",
}  # fmt: skip
# Protocols, parents of what is looked at, and classes of public keys.
NOT_MADE = {"ExtendedKeychain", "OpenVault", "WalletFace", "_Unprintable"}


def test_every_class_that_guards_a_secret_is_looked_at(specimens: dict[str, Any]) -> None:
    seen = {type(thing).__name__ for thing in specimens.values()}
    for room in (multiwallet, vault, keystore):
        for name in room.__all__:
            if inspect.isclass(getattr(room, name)):
                assert name in seen | HARMLESS, f"{room.__name__}.{name}: is there a secret in it?"
    guarded = set()
    for module in pkgutil.walk_packages(multiwallet.__path__, "multiwallet."):
        if module.name.split(".")[1] not in ("cli", "devnet", "interop", "testing") and "migrations" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if inspect.isclass(value) and value.__module__ == module.name and hasattr(value, "_refuse"):
                    guarded.add(name)
    assert len(guarded) > 10
    assert guarded <= seen | NOT_MADE


def shown(thing: object) -> Iterator[tuple[str, str]]:
    """Every way in which a program turns an object into text without asking it for its secret."""
    from rich.pretty import pretty_repr

    ways: dict[str, Any] = {
        "repr": repr,
        "str": str,
        "ascii": ascii,
        "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031
        "f-string": lambda value: f"{value}",
        "f-string with !r": lambda value: f"{value!r:>200}",
        "format": format,
        "format with a specification": lambda value: format(value, "x"),
        "pprint": pprint.pformat,
        "reprlib": reprlib.repr,
        "rich": pretty_repr,
        "a list": lambda value: repr([value, {"it": value}]),
        "json": lambda value: json.dumps({"it": value}, default=str),
        "json with repr": lambda value: json.dumps(value, default=repr),
        "json of its attributes": lambda value: json.dumps(vars(value), default=str),
        "vars": lambda value: repr(vars(value)),
        "dir": lambda value: repr(dir(value)),
        "signature": lambda value: repr(inspect.signature(value)),
        "fields": lambda value: repr(dataclasses.asdict(value)),
        "bytes": lambda value: repr(bytes(value)),
        "members": lambda value: repr(inspect.getmembers_static(value)),
    }
    for name, way in ways.items():
        try:
            text = way(thing)
        except (TypeError, ValueError) as error:
            text = f"{error} {error!r}"
        yield name, text


def test_no_text_of_an_object_holds_its_secret(specimens, known):
    for name, thing in specimens.items():
        for way, text in shown(thing):
            assert not known.told_by(text), f"{way} of a {name}"


UNFINISHED = (
    "Ed25519Key", "LockedKey", "Mnemonic", "Secp256r1Key", "SecpKey", "Secret", "SeedKeychain", "SingleKeychain",
    "Sr25519Key",
)  # fmt: skip


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_object_can_be_looked_at(specimens, name):
    """A debugger shows objects whose making failed; that must not fail again."""
    kind = type(specimens[name])
    unfinished = kind.__new__(kind)
    assert name.lower() in repr(unfinished).lower()


def test_nothing_is_copied_or_pickled_with_its_secret(specimens, known):
    refused = 0
    for name, thing in specimens.items():
        ways: list[Any] = [copy.copy, copy.deepcopy]
        ways += [lambda value, p=protocol: pickle.dumps(value, p) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
        for way in ways:
            made: Any = None
            told = ""
            try:
                made = way(thing)
            except (TypeError, pickle.PicklingError, AttributeError) as error:
                told = f"{error} {error!r}"
            refused += bool(told)
            assert not known.told_by(told), name
            assert not known.held_by(made), f"a pickle of a {name}"
            if not told and not isinstance(made, bytes) and made is not thing:
                theirs, ours = ({place for _, place in found(each, known)} for each in (made, thing))
                assert theirs <= ours, f"a copy of a {name} has a secret of its own"
    assert refused > 5 * len(specimens) / 2


@pytest.mark.parametrize(
    "kind",
    ["Wallet", "Mnemonic", "Secret", "SecpKey", "Ed25519Key", "Sr25519Key", "Secp256r1Key", "ExtendedKey", "Unlocked"],
)
def test_what_holds_a_secret_refuses_every_copy(specimens, kind):
    thing = specimens[kind]
    for way in (copy.copy, copy.deepcopy, pickle.dumps, lambda value: value.__reduce_ex__(4)):
        with pytest.raises(TypeError):
            way(thing)


# What a walk does not enter: the interpreter's own, whose contents are no part of an object.
FOREIGN = (type, types.ModuleType, types.FrameType, types.CodeType, types.GetSetDescriptorType)


def children(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield "a key", key
            yield f"[{key!r:.40}]", value
        return
    if isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"[{place}]", value) for place, value in enumerate(list(thing)))
    if isinstance(thing, types.FunctionType):
        for variable, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            try:
                yield f".{variable}", cell.cell_contents
            except ValueError:  # an empty cell
                continue
        yield "()", thing.__defaults__ or ()
        return
    if isinstance(thing, types.MethodType):
        yield ".__self__", thing.__self__
    yield from ((f".{name}", value) for name, value in getattr(thing, "__dict__", {}).items())
    for parent in type(thing).__mro__:
        slots = parent.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            name = f"_{parent.__name__.lstrip('_')}{slot}" if slot.startswith("__") and slot[-2:] != "__" else slot
            with suppress(AttributeError, MultiwalletError):  # unset, or refused: a path of junctions has no indexes
                if name != "__weakref__":
                    yield f".{name}", getattr(thing, name)
    if type(thing).__module__.startswith(("collections", "weakref", "_weakref")):
        yield from ((f"({kind})", value) for kind, value in enumerate(gc.get_referents(thing)))


def found(thing: Any, known: Any) -> Iterator[tuple[str, int]]:
    """Where, below an object, plain text, bytes or a number holds a secret, and the ``id`` of what holds it."""
    seen: dict[int, Any] = {}
    waiting: list[tuple[str, Any]] = [("", thing)]
    while waiting:
        where, value = waiting.pop()
        if id(value) in seen or isinstance(value, FOREIGN):
            continue
        seen[id(value)] = value
        held = known.held_by(value)
        if held and not isinstance(value, bool):
            yield f"{where}: the {held[0]} as {type(value).__name__}", id(value)
        if not isinstance(value, str | bytes | bytearray | int | float):
            waiting += [(where + name, child) for name, child in children(value)]
    assert len(seen) > 1


def reachable(thing: Any, known: Any) -> list[str]:
    return [where for where, _ in found(thing, known)]


# The two places where bytes are kept, both overwritten by close(): Secret's buffer, and LockedKey's page.
WIPED = {"._buffer": "bytearray", "._view": "memoryview"}


def test_no_attribute_holds_a_secret_that_cannot_be_wiped(specimens, known):
    places = 0
    for name, thing in specimens.items():
        for where in reachable(thing, known):
            place, _, rest = where.partition(": ")
            assert any(place.endswith(end) and rest.endswith(kind) for end, kind in WIPED.items()), f"{name}{where}"
            places += 1
    assert places >= 10  # so that the walk is known to see


def test_the_walk_sees_what_a_closure_or_a_cache_hides(known):
    phrase, key = known.phrase, known.key

    class Careless:
        __slots__ = ("function", "table")

        def __init__(self) -> None:
            self.function = lambda: phrase
            self.table = {"a": [(1, {key: None})]}

    assert len(reachable(Careless(), known)) == 2
    assert known.told_by(f"key = {known.key.hex().upper()}")
    assert known.told_by(repr(known.seed))
    assert known.told_by(json.dumps(list(known.seed)))


def test_what_is_public_holds_no_secret_at_all(specimens, known, payment):
    account = specimens["Account"]
    unsigned = account._operations.adopt(payment)
    signed = account.sign(payment)
    public = [
        unsigned,
        signed,
        account.network,
        account.path,
        specimens["Unlocked"].entries(),
        specimens["Vault"].slots,
    ]
    public.append(specimens["Account of many addresses"].extended_public_key())
    for thing in public:
        assert not reachable([thing], known)
        for way, text in shown(thing):
            assert not known.told_by(text), way
    assert not known.told_by(unsigned.to_json())
