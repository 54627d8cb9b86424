"""Keys in Uniform Resources: seed, hdkey, output descriptor and account (BCR-2020-006, 007, 010, 015; BCR-2023-019).

Both generations are read, that of ``crypto-hdkey`` and that of ``hdkey``; the first is written unless the second is
asked for, since more phones know it.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import InputError, InvalidKey, Unsupported
from ..path import Path
from ..secret import Secret
from .extended_key import seed_of
from .hdkey import HDKey, hdkey_map
from .imported import ImportedKey
from .material import Phrase, PrivateKey, PublicAccount, Seed, Tree
from .mnemonic import of_mnemonic
from .source import Source
from .ur import cbor
from .ur.cbor import Tag
from .ur.uri import UR, decode, encode

__all__ = ["read", "write"]

_SHAPES: Final = {403: "pkh({})", 404: "wpkh({})", 409: "tr({})", 405: "combo({})"}
_WRAPPERS: Final = {400: "sh({})", 401: "wsh({})"}
_MULTI: Final = {406: "multi", 407: "sortedmulti"}
_COSIGNER: Final = 410
_KINDS: Final = ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr")
_TAGS: Final = {  # what is written, by the generation
    1: {"hdkey": 303, "keypath": 304, "coin-info": 305, "output": 308},
    2: {"hdkey": 40303, "keypath": 40304, "coin-info": 40305, "output": 40308},
}
_ENTROPY_SIZES: Final = (16, 20, 24, 28, 32)


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read a UR of one text or of enough parts. Of a seed of a mnemonic's size the password is the BIP-39 passphrase."""
    ur = decode(source.text or "")
    kind = ur.type.removeprefix("crypto-")
    if kind == "psbt":
        raise Unsupported("this UR is a PSBT, a transaction and no key: multiwallet.keystore.ur.decode_psbt reads it")
    value = cbor.decode(ur.content)
    match kind:
        case "seed":
            return _seed(_map(value), password, network)
        case "bip39":
            return _words(_map(value), password, network)
        case "hdkey":
            return _hdkey(HDKey.of(value), network)
        case "output" | "output-descriptor":
            return _outputs([value], None, network)
        case "account" | "account-descriptor":
            content = _map(value)
            outputs = content.get(2)
            if not isinstance(outputs, list) or not outputs:
                raise InvalidKey("the account in this UR has no output descriptors")
            return _outputs(outputs, content.get(1), network)
    raise Unsupported(f"a UR of the type {ur.type} holds no key that is known here")


def write(
    key: ImportedKey,
    password: Secret | None,
    *,
    type: str | None = None,
    private: bool = False,
    kind: str | None = None,
    account: int = 0,
    version: int = 1,
    longest_fragment: int | None = None,
    extra: int = 0,
) -> str | list[str]:
    """A UR: ``type`` is ``seed`` (the default for what has one), ``hdkey``, ``output`` or ``account``.

    ``private`` writes an hdkey's private key. ``kind`` and ``account`` choose the account of a mnemonic or seed. With
    ``longest_fragment`` a list of parts comes back, for an animation; ``extra`` parts more stand in for lost ones.
    """
    if version not in (1, 2):
        raise InputError("URs are of version 1 (crypto-hdkey) or 2 (hdkey)")
    if type is None:
        type = "seed" if isinstance(key._material, Phrase | Seed) else "hdkey"
    type = type.removeprefix("crypto-")
    tags = _TAGS[version]
    value: Any
    if type == "seed":
        value = {1: _payload(key)}
    elif type == "hdkey":
        tree, name = _chosen(key, kind, account)
        value = hdkey_map(tree, key.network, tags, private=private, name=name)
    elif type in ("output", "account"):
        chosen = [kind] if kind is not None or isinstance(key._material, Tree) else list(_KINDS)
        if type == "output":
            chosen = chosen[:1] if len(chosen) == 1 else ["p2wpkh"]
        outputs = [_output(key, each, account, tags) for each in chosen]
        tree, _ = _chosen(key, chosen[0], account)
        if type == "output":
            value = outputs[0]
        else:
            if tree.fingerprint is None:
                raise Unsupported(
                    "the fingerprint of this key's master is not known, and an account is written with it"
                )
            value = {1: int.from_bytes(tree.fingerprint, "big"), 2: [Tag(tags["output"], output) for output in outputs]}
    else:
        raise InputError("a UR of a key is of the type seed, hdkey, output or account")
    names = {"output": "output-descriptor", "account": "account-descriptor"} if version == 2 else {}
    ur = UR(names.get(type, type) if version == 2 else f"crypto-{type}", cbor.encode(value))
    texts = encode(ur, longest_fragment=longest_fragment, extra=extra)
    return texts[0] if longest_fragment is None else texts


def _seed(content: dict[Any, Any], password: Secret | None, network: str | None) -> ImportedKey:
    from ..keys.mnemonic import Mnemonic

    payload, name = content.get(1), content.get(3)
    if not isinstance(payload, bytes) or not 1 <= len(payload) <= 64:
        raise InvalidKey("the seed in this UR has another length than 1 to 64 bytes")
    if len(payload) in _ENTROPY_SIZES:  # as everything that shows such seeds uses them: as a mnemonic's entropy
        key = of_mnemonic(Mnemonic.from_entropy(payload), "ur", password, network)
    elif len(payload) >= 16:
        key = ImportedKey("ur", Seed(Secret(payload)), network or "bitcoin")
    else:
        raise Unsupported("a seed of less than 16 bytes is too short for a wallet")
    key.label = name[:200] if isinstance(name, str) else None
    return key


def _words(content: dict[Any, Any], password: Secret | None, network: str | None) -> ImportedKey:
    from ..keys.mnemonic import Mnemonic

    words = content.get(1)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidKey("there is no mnemonic in this UR")
    return of_mnemonic(Mnemonic(" ".join(words)), "ur", password, network)


def _payload(key: ImportedKey) -> bytes:
    if isinstance(key._material, Phrase):
        with key.mnemonic() as mnemonic:
            return mnemonic.entropy
    if isinstance(key._material, Seed):
        return key._material.secret.expose()
    raise Unsupported(f"this holds no seed (its kind is {key.kind}): write type='hdkey'")


def _hdkey(hdkey: HDKey, network: str | None) -> ImportedKey:
    row = network or hdkey.network
    if hdkey.chain_code is None:
        if hdkey.is_private:
            return ImportedKey("ur", PrivateKey(Secret(hdkey.data[1:])), row, label=hdkey.name)
        return ImportedKey("ur", PublicAccount(hdkey.data.hex(), None, "public-key"), row, label=hdkey.name)
    from .extended_key import of_extended_key

    origin = hdkey.origin if hdkey.origin is not None and len(hdkey.origin) == hdkey.depth else None
    if origin is None and not hdkey.depth:
        origin = Path()
    key = of_extended_key(hdkey.extended_key(), origin, hdkey.fingerprint, "ur", row)
    key.label = hdkey.name
    return key


def _outputs(values: list[Any], fingerprint: Any, network: str | None) -> ImportedKey:
    from .descriptor import of_descriptors

    texts = [text for text in (_descriptor(value, fingerprint) for value in values[:100]) if text is not None]
    if not texts:
        raise Unsupported("this UR holds only keys of cosigners, which are parts of a multisig yet to be made")
    return of_descriptors(texts, "ur", network, implied_branches=True)


def _descriptor(value: Any, fingerprint: Any) -> str | None:
    """A descriptor from its CBOR; None for the key of a cosigner."""
    if isinstance(value, Tag) and value.number in (308, 40308):
        value = value.value
    if isinstance(value, dict):  # the second generation: text with places for the keys
        text, keys = value.get(1), value.get(2, [])
        if not isinstance(text, str) or not isinstance(keys, list) or len(text) > 10_000:
            raise InvalidKey("an output descriptor in this UR cannot be read")
        if "cosigner(" in text:
            return None
        for place in reversed(range(len(keys))):  # from behind, so that @1 leaves @10 alone
            text = text.replace(f"@{place}", _key_text(keys[place], fingerprint))
        return text
    if not isinstance(value, Tag):
        raise InvalidKey("an output descriptor in this UR cannot be read")
    if value.number in _WRAPPERS:
        inner = _descriptor(value.value, fingerprint)
        return None if inner is None else _WRAPPERS[value.number].format(inner)
    if value.number in _SHAPES:
        return _SHAPES[value.number].format(_key_text(value.value, fingerprint))
    if value.number == _COSIGNER:
        return None
    if value.number in _MULTI:
        content = _map(value.value)
        threshold, keys = content.get(1), content.get(2)
        if not isinstance(threshold, int) or not isinstance(keys, list):
            raise InvalidKey("a multisig in this UR cannot be read")
        names = ",".join(_key_text(each, fingerprint) for each in keys)
        return f"{_MULTI[value.number]}({threshold},{names})"
    raise Unsupported("an output descriptor in this UR is of another kind than single keys and multisig")


def _key_text(value: Any, fingerprint: Any) -> str:
    if isinstance(value, Tag) and value.number in (306, 40306):
        data = _map(value.value).get(3)
        if _map(value.value).get(2) or not isinstance(data, bytes):
            raise Unsupported("only public keys are read from an output descriptor in a UR")
        return data.hex()
    if not isinstance(value, Tag) or value.number not in (303, 40303):
        raise InvalidKey("a key in this UR is of an unknown kind")
    hdkey = HDKey.of(value.value)
    if hdkey.is_private:
        raise Unsupported("only public keys are read from an output descriptor in a UR")
    if hdkey.chain_code is None:
        return hdkey.data.hex()
    mark = hdkey.fingerprint
    if mark is None and isinstance(fingerprint, int) and 0 <= fingerprint < 2**32:
        mark = fingerprint.to_bytes(4, "big")
    origin = ""
    if mark is not None and hdkey.origin is not None:
        origin = f"[{mark.hex()}{str(hdkey.origin)[1:].replace(chr(39), 'h')}]"
    return origin + hdkey.extended_key().serialize() + hdkey.children


def _chosen(key: ImportedKey, kind: str | None, account: int) -> tuple[Tree, str | None]:
    """The extended key to write: the one that was read, or the account of a mnemonic or seed."""
    from .. import registry
    from ..keys.hd import ExtendedKey

    if isinstance(key._material, Tree):
        return key._material, key.label
    if not isinstance(key._material, Phrase | Seed):
        raise Unsupported(f"this holds no extended key (its kind is {key.kind})")
    row = registry.network(key.network)
    chain = registry.chain(row)
    if chain.curve != "secp256k1":
        raise Unsupported(f"{row.title} signs with {chain.curve}, which has no such extended keys")
    path = chain.path(row, account=account, index=None, kind=kind or chain.kinds_of(row)[0])
    path = Path(path.indexes[:3])
    with seed_of(key) as seed:
        master = ExtendedKey.from_seed(seed, "tprv" if row.testnet and len(chain.kinds) > 1 else "xprv")
    return Tree(
        master.derive(path), path, fingerprint=master.fingerprint, address_kind=kind or chain.kinds_of(row)[0]
    ), None


def _output(key: ImportedKey, kind: str | None, account: int, tags: dict[str, int]) -> Any:
    tree, _ = _chosen(key, kind, account)
    kind = kind or tree.address_kind or "p2wpkh"
    if kind not in _KINDS:
        raise Unsupported(f"an output descriptor of one key is of the kinds {', '.join(_KINDS)}")
    inner = Tag(tags["hdkey"], hdkey_map(tree, key.network, tags, private=False, name=None))
    if tags["output"] > 40000:
        names = {"p2pkh": "pkh(@0)", "p2sh-p2wpkh": "sh(wpkh(@0))", "p2wpkh": "wpkh(@0)", "p2tr": "tr(@0)"}
        return {1: names[kind], 2: [inner]}
    shapes = {"p2pkh": 403, "p2sh-p2wpkh": 404, "p2wpkh": 404, "p2tr": 409}
    output = Tag(shapes[kind], inner)
    return Tag(400, output) if kind == "p2sh-p2wpkh" else output


def _map(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise InvalidKey("the content of this UR is not made as its type says")
    return value
