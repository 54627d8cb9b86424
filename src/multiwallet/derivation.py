"""Which wallet derives which keys: the paths that are in use, as data. docs/derivation.md shows them as one table.

The facts are those of the wallets' own sources and documents: Trust Wallet Core's registry of coins, Ledger Live's
derivation schemes, SLIP-44, SEP-5, CIP-1852 and what the pages of the other wallets say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from . import registry
from .intents import Network

__all__ = ["KnownPath", "known_paths"]


class KnownPath(NamedTuple):
    """A path that wallets use on a network, with a place for the number by which they count accounts.

    >>> one = KnownPath("m/44'/501'/{n}'", ("Trust Wallet",))
    >>> one.path(2), one.has_number
    ("m/44'/501'/2'", True)
    """

    template: str
    """The path as text, ``{n}`` where the number stands; of a whole account (Bitcoin and its kin) the account's path."""
    wallets: tuple[str, ...]
    """Who derives by it."""
    kind: str = ""
    """The address kind; empty for the network's default one."""
    whole: bool = False
    """Whether it is the path of a whole account of many addresses."""

    @property
    def has_number(self) -> bool:
        """Whether the path counts accounts; without, there is one."""
        return "{n}" in self.template

    def path(self, number: int) -> str:
        """The path of one account, as text."""
        return self.template.replace("{n}", str(number))


def known_paths(network: Network) -> tuple[KnownPath, ...]:
    """The paths known for a network, the usual one of this library first.

    >>> from multiwallet import network
    >>> [known.template for known in known_paths(network("solana"))]
    ["m/44'/501'/{n}'/0'", "m/44'/501'/{n}'", "m/44'/501'"]
    """
    match network.family:
        case "evm":
            paths = _evm(network)
        case "bitcoin":
            paths = _bitcoin(network)
        case "cosmos":
            paths = _cosmos(network)
        case "substrate":
            paths = _substrate(network)
        case "coins":
            paths = _coin(network)
        case _:
            paths = _FAMILIES.get(network.family, ())
    return paths + tuple(known for known in _NETWORKS.get(network.name, ()) if known not in paths)


_TRUST, _LEDGER, _TOKENPOCKET = "Trust Wallet", "Ledger Live", "TokenPocket"

_FAMILIES: Final[Mapping[str, tuple[KnownPath, ...]]] = {
    "tron": (
        KnownPath("m/44'/195'/0'/0/{n}", ("TronLink", _TRUST, _TOKENPOCKET)),
        KnownPath("m/44'/195'/{n}'/0/0", (_LEDGER,)),
    ),
    "solana": (
        KnownPath("m/44'/501'/{n}'/0'", ("Phantom", "Solflare", "Backpack")),
        KnownPath("m/44'/501'/{n}'", (_TRUST, _LEDGER)),
        KnownPath("m/44'/501'", (_LEDGER, "Solana CLI")),
    ),
    "aptos": (KnownPath("m/44'/637'/{n}'/0'/0'", ("Petra", _TRUST, _LEDGER)),),
    "sui": (
        KnownPath("m/44'/784'/{n}'/0'/0'", ("Slush", _TRUST, _LEDGER)),
        KnownPath("m/54'/784'/{n}'/0/0", ("Sui CLI (secp256k1)",), "secp256k1"),
        KnownPath("m/74'/784'/{n}'/0/0", ("Sui CLI (secp256r1)",), "secp256r1"),
    ),
    "xrp": (
        KnownPath("m/44'/144'/0'/0/{n}", ("Xaman", _TRUST)),
        KnownPath("m/44'/144'/{n}'/0/0", (_LEDGER, "Trezor")),
    ),
    "antelope": (
        KnownPath("m/44'/194'/0'/0/{n}", ("Anchor", _TRUST, _TOKENPOCKET)),
        KnownPath("m/44'/194'/{n}'/0/0", ("Trezor",)),
    ),
    "ton": tuple(
        KnownPath(template, wallets if kind == "v4r2" else (f"the same with a wallet {kind}",), kind)
        for template, wallets in (("m/44'/607'/{n}'", (_TRUST,)), ("m/44'/607'/0'/0'/{n}'/0'", (_LEDGER,)))
        for kind in ("v5r1", "v4r2", "v3r2")
    ),
}

_NETWORKS: Final[Mapping[str, tuple[KnownPath, ...]]] = {
    "bitcoin": (
        KnownPath("m/0'/0/{n}", ("BRD", "MultiBit HD"), "p2pkh"),
        KnownPath("m/0'/1/{n}", ("BRD", "MultiBit HD"), "p2pkh"),
        KnownPath("m/0'/0'/{n}'", ("Bitcoin Core before descriptors",), "p2wpkh"),
    ),
    "bitcoin-cash": (
        KnownPath("m/44'/0'/0'/0/{n}", ("wallets that split from Bitcoin's own accounts",), "p2pkh"),
        KnownPath("m/44'/0'/0'/1/{n}", ("wallets that split from Bitcoin's own accounts",), "p2pkh"),
    ),
    "ethereum-classic": (
        KnownPath("m/44'/61'/{n}'/0/0", (_LEDGER,)),
        KnownPath("m/44'/60'/160720'/0'/{n}", ("Ledger's first app for Ethereum Classic",)),
    ),
    "near": (KnownPath("m/44'/397'/0'/0'/{n}'", (_LEDGER,)),),
    "tezos": (
        KnownPath("m/44'/1729'/{n}'/0'/0'", ("Galleon",), "tz1"),
        KnownPath("m/44'/1729'/0'/{n}'", ("TezBox before 2019",), "tz1"),
        KnownPath("m/44'/1729'/0'/0'/{n}'", ("Galleon before 2019",), "tz1"),
    ),
    "filecoin": (
        KnownPath("m/44'/461'/{n}'/0/0", (_LEDGER,)),
        KnownPath("m/44'/1'/0'/0/{n}", ("Glif's first addresses",)),
    ),
    "icon": (KnownPath("m/44'/4801368'/0'/0'/{n}'", (_LEDGER,)),),
    "hedera": (KnownPath("m/44'/3030'/0'/0'", (_TRUST,)),),
    "multiversx": (KnownPath("m/44'/508'/{n}'/0'/0'", (_LEDGER,)),),
    "pivx": (KnownPath("m/44'/77'/{n}'/0/0", (_LEDGER,)),),
    "qtum": (KnownPath("m/44'/88'/{n}'/0/0", (_LEDGER,)),),
    "stratis": (KnownPath("m/44'/105'/{n}'/0/0", (_LEDGER,), "p2pkh"),),
    "celo": (KnownPath("m/44'/52752'/{n}'/0/0", (_LEDGER,)),),
    "verge": (KnownPath("m/84'/77'/0'/0/{n}", (_TRUST,)),),
}

_ANY: Final = "any BIP-44 wallet"

_COIN_WALLETS: Final[Mapping[str, tuple[str, ...]]] = {
    "near": ("MyNearWallet", "Meteor", _TRUST),
    "cardano base": ("Lace", "Eternl", "Yoroi", _TRUST),
    "stellar": ("SEP-5 wallets", _LEDGER, _TRUST),
    "tezos tz1": ("Temple", "Kukai", _LEDGER, _TRUST),
    "filecoin": ("Glif", _TRUST),
    "hedera": ("HashPack",),
    "vechain": ("VeWorld", _LEDGER, _TRUST),
    "internet-computer": (_LEDGER, _TRUST),
    "jingtum": (_TOKENPOCKET,),
    "verge": (_ANY,),
    "neo n3": ("Neon",),
    "neo legacy": ("Neon before N3", _TRUST),
    "digibyte p2pkh": (_LEDGER,),
    "bitcoin-gold p2pkh": (_LEDGER,),
    "viacoin p2pkh": (_LEDGER,),
    "digibyte p2wpkh": (_LEDGER, _TRUST),
    "bitcoin-gold p2wpkh": (_TRUST,),
    "viacoin p2wpkh": (_TRUST,),
    "stratis p2wpkh": (_TRUST,),
    "komodo": (_LEDGER, _TRUST),
    "firo": (_LEDGER, _TRUST),
    "horizen": (_LEDGER, _TRUST),
}
_OTHER_KIND: Final = ("the same key, written another way",)


_BY_SLIP44: Final[Mapping[str, tuple[str, ...]]] = {
    "celo": ("Valora", _LEDGER),
    "kaia": ("Kaia Wallet",),
    "bsc": ("Trust Wallet's first accounts",),
}


def _evm(network: Network) -> tuple[KnownPath, ...]:
    # Trust Wallet goes by SLIP-44 where it knows the chain for long enough.
    own = network.name == "ethereum-classic"
    main = ("MetaMask", "Rabby", _TOKENPOCKET) + (() if own else (_TRUST,))
    paths = [
        KnownPath("m/44'/60'/0'/0/{n}", main),
        KnownPath("m/44'/60'/{n}'/0/0", (_LEDGER,)),
        KnownPath("m/44'/60'/0'/{n}", ("MyEtherWallet", "Ledger's first app")),
    ]
    if network.slip44 not in (1, 60):
        who = (_TRUST,) if own else _BY_SLIP44.get(network.name, ("wallets that go by SLIP-44",))
        paths.append(KnownPath(f"m/44'/{network.slip44}'/0'/0/{{n}}", who))
    return tuple(paths)


_PURPOSES: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "p2wpkh": (84, (_LEDGER, "Electrum", "Sparrow", "BlueWallet")),
    "p2sh-p2wpkh": (49, (_LEDGER, "Trezor's first accounts")),
    "p2pkh": (44, (_LEDGER, "old wallets")),
    "p2tr": (86, (_LEDGER, "Sparrow")),
}


def _bitcoin(network: Network) -> tuple[KnownPath, ...]:
    kinds = registry.chain(network).kinds_of(network)
    coin = network.params.get("coin_type", network.slip44)
    return tuple(
        KnownPath(
            f"m/{_PURPOSES[kind][0]}'/{coin}'/{{n}}'",
            _PURPOSES[kind][1] + ((_TRUST,) if kind == kinds[0] else ()),
            kind,
            whole=True,
        )
        for kind in kinds
        if kind in _PURPOSES
    )


def _cosmos(network: Network) -> tuple[KnownPath, ...]:
    own = f"m/44'/{network.slip44}'"
    shared = network.slip44 in (60, 118)
    paths = [
        KnownPath(own + "/0'/0/{n}", ("Keplr", "Leap", _TRUST)),
        KnownPath(own + "/{n}'/0/0", ("Keplr", _LEDGER) if shared else ("Keplr",)),
    ]
    if not shared:  # Ledger's app for Cosmos knows no other number than 118
        paths.append(KnownPath("m/44'/118'/0'/0/{n}", ("Keplr with Ledger's app for Cosmos",)))
        paths.append(KnownPath("m/44'/118'/{n}'/0/0", (_LEDGER,)))
    return tuple(paths)


def _substrate(network: Network) -> tuple[KnownPath, ...]:
    paths = [
        KnownPath("", ("Polkadot-JS", "Talisman", "SubWallet"), "sr25519"),
        KnownPath("//{n}", ("Polkadot-JS", "Talisman", "SubWallet"), "sr25519"),
        KnownPath(f"//{network.name}//{{n}}", ("Polkadot Vault",), "sr25519"),
        KnownPath(f"m/44'/{network.slip44}'/{{n}}'/0'/0'", (_TRUST,), "ed25519"),
        KnownPath(f"m/44'/{network.slip44}'/0'/0'/{{n}}'", ("the same, counted at its end",), "ed25519"),
    ]
    return tuple(paths)


def _coin(network: Network) -> tuple[KnownPath, ...]:
    """The paths of a row of the family coins, as its params tell them."""
    kinds = network.params.get("kinds", {"": {}})
    found = []
    for kind, own in kinds.items():
        text = own.get("path", network.params.get("path", ""))
        template = text.replace("{account}", "0") if "{index}" in text else text.replace("{account}", "{n}")
        wallets = _COIN_WALLETS.get(f"{network.name} {kind}".strip(), _OTHER_KIND if kind else (_TRUST,))
        found.append(KnownPath(template.replace("{index}", "{n}"), wallets, kind))
    return tuple(found)
