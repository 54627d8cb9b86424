"""Output descriptors in and out: single keys with their accounts, and multisig by its public parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..errors import InputError, InvalidKey, Unsupported
from ..path import HARDENED, Path
from ..secret import Secret
from . import descriptor_text
from .descriptor_text import Descriptor, KeyExpression
from .extended_key import network_of, seed_of
from .imported import AccountHint, ImportedKey
from .material import PrivateKey, PublicAccount, Tree
from .source import Source
from .wif import bitcoin_key, network_of_wif

if TYPE_CHECKING:
    from ..chain import Network
    from ..keys.hd import ExtendedKey

__all__ = ["account_descriptors", "of_descriptors", "read", "write"]

_LABEL: Final = re.compile(r"(?i)(?:receive|change|descriptor|recv|external|internal)\s*:\s*")
_MOST: Final = 1000
_ORDER: Final = ("p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh")
_FORMS: Final = {"p2pkh": "pkh({})", "p2wpkh": "wpkh({})", "p2sh-p2wpkh": "sh(wpkh({}))", "p2tr": "tr({})"}


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read descriptors, one a line, with or without a label such as ``Receive:`` before them."""
    lines = [_LABEL.sub("", line.strip(), count=1) for line in (source.text or "").splitlines()]
    texts = [line for line in lines if line and not line.startswith("#")]
    return of_descriptors(texts, "descriptor", network)


def of_descriptors(
    texts: list[str], format: str, network: str | None, label: str | None = None, *, implied_branches: bool = False
) -> ImportedKey:
    """The ImportedKey of several descriptors: those of one extended key become its accounts, other keys its others.

    ``implied_branches`` reads an extended key without steps as an account, with receive and change below it, as
    wallet files have it; in a descriptor proper it is the key itself.
    """
    if not 1 <= len(texts) <= _MOST:
        raise InvalidKey(f"a file of descriptors holds from 1 to {_MOST} of them, not {len(texts)}")
    trees: dict[str, list[tuple[Descriptor, Tree, Network, AccountHint]]] = {}
    singles: dict[str, ImportedKey] = {}
    for text in texts:
        descriptor = descriptor_text.parse(text)
        if implied_branches:
            descriptor = descriptor._replace(keys=tuple(_with_branches(key) for key in descriptor.keys))
        expression = descriptor.keys[0]
        if descriptor.threshold:
            singles.setdefault(*_multisig(descriptor, format, network, label))
        elif isinstance(expression.key, tuple | bytes):
            singles.setdefault(text, _single(descriptor, format, network, label))
        else:
            tree, row, hint = _account(descriptor, network)
            assert tree.public is not None
            trees.setdefault(tree.public, []).append((descriptor, tree, row, hint))
    groups = sorted(trees.values(), key=lambda group: min(_rank(hint) for *_, hint in group))
    found = [_of_tree(group, format, label) for group in groups] + list(singles.values())
    first = next((key for key in found if key.has_private_keys), found[0])
    first.others = tuple(key for key in found if key is not first)
    return first


def write(
    key: ImportedKey,
    password: Secret | None,
    *,
    private: bool = True,
    kind: str | None = None,
    account: int = 0,
) -> str:
    """The descriptor of the key's account with its checksum, receive and change in one (BIP-389, ``<0;1>``).

    ``private=False`` writes public keys, for watching. ``kind`` and ``account`` choose the account of a mnemonic or
    seed; a multisig wallet is written as it is.
    """
    if isinstance(key._material, PublicAccount):
        return descriptor_text.with_checksum(key.public or "")
    return "\n".join(account_descriptors(key, private=private, kind=kind, account=account, branches=("<0;1>",)))


def account_descriptors(
    key: ImportedKey, *, private: bool, kind: str | None, account: int, branches: tuple[str, ...]
) -> list[str]:
    """The descriptors of a key's account, one for each branch (``0``, ``1`` or ``<0;1>``)."""
    from .. import registry
    from ..keys.hd import ExtendedKey

    row = registry.network(key.network)
    chain = registry.chain(row)
    if "wif" not in chain.key_forms:
        raise Unsupported(f"descriptors are for Bitcoin and its kin, not for {row.title}")
    hint = key.accounts[0]
    material = key._material
    if isinstance(material, PrivateKey):
        body = bitcoin_key(key) if private else material.public_key("secp256k1").hex()
        return [descriptor_text.with_checksum(_form(kind or hint.kind or chain.kinds_of(row)[0]).format(body))]
    if isinstance(material, Tree):
        if material.origin is None or hint.path is None:
            raise Unsupported("where this extended key stands in its tree is not known: write it as extended-key")
        kind = kind or hint.kind or chain.kinds_of(row)[0]
        path = (
            hint.path if hint.is_branch or len(hint.path) else chain.path(row, account=account, index=None, kind=kind)
        )
        node, origin, fingerprint = material.key, material.origin, material.fingerprint
        if fingerprint is None and not len(origin):
            fingerprint = node.fingerprint
        below = Path(path.indexes[len(origin) :])
    else:
        kind = kind or hint.kind or chain.kinds_of(row)[0]
        path = hint.path if hint.path is not None else chain.path(row, account=account, index=None, kind=kind)
        with seed_of(key) as seed:
            node = ExtendedKey.from_seed(seed, "tprv" if row.testnet else "xprv")
        origin, below, fingerprint = Path(), path, node.fingerprint
    if len(path) and not hint.is_branch and hint.path is not None:
        branches = ("",)  # one address, which has no branches
    body = _body(node, origin, below, fingerprint, private=private)
    return [
        descriptor_text.with_checksum(_form(kind).format(f"{body}/{branch}/*" if branch else body))
        for branch in branches
    ]


def _body(node: ExtendedKey, origin: Path, below: Path, fingerprint: bytes | None, *, private: bool) -> str:
    plain = "tpub" if node.testnet else "xpub"
    if private:
        if not node.is_private:
            raise Unsupported("this key is public: write its descriptor with private=False")
        prefix = f"[{fingerprint.hex()}{_steps(origin)}]" if fingerprint is not None and len(origin) else ""
        return prefix + node.serialize("tprv" if node.testnet else "xprv") + _steps(below)
    full = Path((*origin.indexes, *below.indexes))
    prefix = f"[{fingerprint.hex()}{_steps(full)}]" if fingerprint is not None and len(full) else ""
    return prefix + node.derive(below).serialize(plain)


def _steps(path: Path) -> str:
    return str(path)[1:].replace("'", "h")


def _form(kind: str) -> str:
    form = _FORMS.get(kind)
    if form is None:
        raise InputError(f"a descriptor of one key is of the kinds {', '.join(_FORMS)}")
    return form


def _single(descriptor: Descriptor, format: str, network: str | None, label: str | None) -> ImportedKey:
    from .. import registry

    key = descriptor.keys[0].key
    if isinstance(key, tuple):
        row = network_of_wif(key.version, network)
        kind = descriptor.kind if descriptor.kind != "combo" else ("" if key.compressed else "p2pkh")
        if not key.compressed and kind != "p2pkh":
            raise InvalidKey("an uncompressed key has no segwit addresses, which this descriptor asks for")
        material = PrivateKey(key.private_key, compressed=key.compressed)
        return ImportedKey(format, material, row, accounts=(AccountHint(row.name, None, kind),), label=label)
    assert isinstance(key, bytes)
    row = registry.network(network or "bitcoin")
    kind = "p2wpkh" if descriptor.kind == "combo" else descriptor.kind
    if len(key) == 32:  # x only, as tr() has it: its point is the one with even y
        key = b"\x02" + key
    address = registry.chain(row).address(row, key, kind)
    return ImportedKey(format, PublicAccount(descriptor.text, address, "public-key"), row, label=label)


def _account(descriptor: Descriptor, network: str | None) -> tuple[Tree, Network, AccountHint]:
    from ..keys.hd import ExtendedKey

    expression = descriptor.keys[0]
    key = expression.key
    assert isinstance(key, ExtendedKey)
    row = network_of(key, network)
    origin = expression.origin if expression.origin is not None else Path()
    kind = "p2wpkh" if descriptor.kind == "combo" else descriptor.kind
    steps, wildcard = expression.steps, expression.wildcard
    last = steps[-1] if steps else ()
    is_branch = wildcard == 0 and bool(last) and set(last) <= {0, 1}
    fixed = [choices[0] for choices in (steps[:-1] if is_branch else steps)]
    if wildcard is not None and not is_branch:
        fixed.append(wildcard)  # the first address: this wallet has no branches
    path = Path((*origin.indexes, *fixed))
    if not key.is_private and any(step >= HARDENED for step in fixed):
        raise InvalidKey("a descriptor takes hardened steps from a public key, which has none")
    fingerprint = expression.fingerprint
    if fingerprint is None and key.depth == 0:
        fingerprint = key.fingerprint
    tree = Tree(key, origin, fingerprint=fingerprint, address_kind=kind, plain_only=key.depth > 0)
    return tree, row, AccountHint(row.name, path, kind, is_branch)


def _of_tree(group: list[tuple[Descriptor, Tree, Network, AccountHint]], format: str, label: str | None) -> ImportedKey:
    _, tree, row, _ = group[0]
    hints = list(dict.fromkeys(hint for *_, hint in group))
    hints.sort(key=_rank)
    if len({hint.kind for hint in hints}) > 1:
        tree.address_kind = ""
    if not tree.key.depth and tree.key.is_private:
        tree.plain_only = False
    return ImportedKey(format, tree, row, accounts=tuple(hints), label=label)


def _with_branches(expression: KeyExpression) -> KeyExpression:
    if isinstance(expression.key, bytes | tuple) or expression.steps or expression.wildcard is not None:
        return expression
    return expression._replace(steps=((0, 1),), wildcard=0)


def _rank(hint: AccountHint) -> int:
    return _ORDER.index(hint.kind) if hint.kind in _ORDER else len(_ORDER)


def _multisig(descriptor: Descriptor, format: str, network: str | None, label: str | None) -> tuple[str, ImportedKey]:
    from .multisig import of_descriptor

    return of_descriptor(descriptor, format, network, label)


def public_expression(expression: KeyExpression) -> tuple[str, bytes]:
    """A key expression by its public parts, up to its last hardened step, and the public key of its first address."""
    from ..crypto.secp256k1 import public_key
    from ..keys.hd import ExtendedKey

    key = expression.key
    if isinstance(key, bytes):
        return key.hex(), key
    if isinstance(key, tuple):
        public = public_key(key.private_key.expose())
        return public.hex(), public
    assert isinstance(key, ExtendedKey)
    hardened = [place for place, choices in enumerate(expression.steps) if any(step >= HARDENED for step in choices)]
    cut = hardened[-1] + 1 if hardened else 0
    first = Path(tuple(choices[0] for choices in expression.steps[:cut]))
    if cut and (not key.is_private or any(len(choices) > 1 for choices in expression.steps[:cut])):
        raise InvalidKey("a descriptor takes hardened steps that cannot be taken")
    if expression.wildcard == HARDENED:
        raise Unsupported("a multisig with hardened addresses has no public description")
    node = key.derive(first)
    origin = expression.origin if expression.origin is not None else Path()
    fingerprint = expression.fingerprint
    if fingerprint is None and cut:
        fingerprint = key.fingerprint
    full = Path((*origin.indexes, *first.indexes))
    prefix = f"[{fingerprint.hex()}{_steps(full)}]" if fingerprint is not None else ""
    rest = "".join(f"/{_choice(choices)}" for choices in expression.steps[cut:])
    text = prefix + node.serialize("tpub" if node.testnet else "xpub") + rest
    tail = [choices[0] for choices in expression.steps[cut:]]
    if expression.wildcard is not None:
        text, tail = text + "/*", [*tail, 0]
    return text, node.public.derive(Path(tail)).public_key


def _choice(choices: tuple[int, ...]) -> str:
    return str(choices[0]) if len(choices) == 1 else "<" + ";".join(str(number) for number in choices) + ">"
