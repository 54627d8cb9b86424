"""The public names: programs outside this repository call exactly these, and the two faces stay alike."""

from __future__ import annotations

import inspect

import pytest

import multiwallet
from multiwallet import errors

MODULE_NAMES = [
    "Amount", "Asset", "AsyncWallet", "Mnemonic", "MultiwalletError", "Transfer", "Wallet",
    "add_network", "network", "networks", "parse_address", "verify_message",
]  # fmt: skip
WALLET_MAKERS = ["from_mnemonic", "from_private_key", "from_seed", "from_xpub"]
WALLET_NAMES = [*WALLET_MAKERS, "account", "accounts", "balances", "discover", "open_outbox", "portfolio", "sign_batch"]
ACCOUNT_PROPERTIES = ["address", "id", "path", "public_key"]
ACCOUNT_VERBS = [
    "balance", "broadcast", "build", "export_private_key", "quote", "send", "sign", "sign_batch", "sign_message",
    "sign_typed_data", "verify_message", "wait",
]  # fmt: skip
AWAITED = ["balance", "broadcast", "build", "quote", "send", "sign", "sign_message", "sign_typed_data", "wait"]

ERRORS = {
    "MultiwalletError": "Exception",
    "InputError": "MultiwalletError",
    "InvalidAddress": "InputError",
    "InvalidMnemonic": "InputError",
    "InvalidPath": "InputError",
    "InvalidKey": "InputError",
    "InvalidTransaction": "InputError",
    "AmountError": "InputError",
    "Unsupported": "MultiwalletError",
    "UnknownNetwork": "MultiwalletError",
    "MissingExtra": "MultiwalletError",
    "SigningRefused": "MultiwalletError",
    "ChainError": "MultiwalletError",
    "InsufficientFunds": "ChainError",
    "Rejected": "ChainError",
    "Reverted": "ChainError",
    "Expired": "ChainError",
    "BroadcastUncertain": "ChainError",
    "TransportError": "MultiwalletError",
    "Timeout": "TransportError",
    "Unreachable": "TransportError",
    "RateLimited": "TransportError",
    "BadResponse": "TransportError",
}


def faces():
    from multiwallet.account import Account, AsyncAccount

    return multiwallet.Wallet, multiwallet.AsyncWallet, Account, AsyncAccount


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_module_has(name):
    assert name in multiwallet.__all__
    assert getattr(multiwallet, name) is not None


@pytest.mark.parametrize("name", WALLET_NAMES)
def test_wallets_have(name):
    wallet, async_wallet, _, _ = faces()
    assert callable(getattr(wallet, name))
    assert callable(getattr(async_wallet, name))


@pytest.mark.parametrize("name", ACCOUNT_PROPERTIES)
def test_accounts_have_the_property(name):
    _, _, account, async_account = faces()
    assert isinstance(inspect.getattr_static(account, name), property)
    assert isinstance(inspect.getattr_static(async_account, name), property)


@pytest.mark.parametrize("name", ACCOUNT_VERBS)
def test_accounts_have_the_verb(name):
    _, _, account, async_account = faces()
    assert callable(getattr(account, name))
    assert callable(getattr(async_account, name))


def test_wallets_are_context_managers():
    wallet, async_wallet, _, _ = faces()
    assert callable(wallet.__enter__)
    assert callable(wallet.__exit__)
    assert inspect.iscoroutinefunction(async_wallet.__aenter__)
    assert inspect.iscoroutinefunction(async_wallet.__aexit__)


@pytest.mark.parametrize("name", AWAITED)
def test_what_may_do_io_is_awaited(name):
    _, _, account, async_account = faces()
    assert inspect.iscoroutinefunction(getattr(async_account, name))
    assert not inspect.iscoroutinefunction(getattr(account, name))


def test_portfolio_is_awaited():
    wallet, async_wallet, _, _ = faces()
    assert inspect.iscoroutinefunction(async_wallet.portfolio)
    assert not inspect.iscoroutinefunction(wallet.portfolio)


@pytest.mark.parametrize("face", ["wallet", "account"])
def test_sign_batch_is_an_iterator(face):
    wallet, async_wallet, account, async_account = faces()
    plain, awaited = {"wallet": (wallet, async_wallet), "account": (account, async_account)}[face]
    assert "AsyncIterator" in str(inspect.signature(awaited.sign_batch).return_annotation)
    assert not inspect.iscoroutinefunction(awaited.sign_batch)
    returns = str(inspect.signature(plain.sign_batch).return_annotation)
    assert "Iterator" in returns
    assert "Async" not in returns


def public_names(face):
    # Closing is the one name that differs by convention (close and aclose).
    return {name for name in dir(face) if not name.startswith("_")} - {"close", "aclose"}


def parameters(function):
    """Names, kinds and defaults of the parameters, without self and annotations."""
    found = inspect.signature(function).parameters.values()
    return [(item.name, item.kind, item.default) for item in found if item.name not in ("self", "cls")]


@pytest.mark.parametrize("face", ["wallet", "account"])
def test_the_two_faces_are_alike(face):
    wallet, async_wallet, account, async_account = faces()
    plain, awaited = {"wallet": (wallet, async_wallet), "account": (account, async_account)}[face]
    assert public_names(plain) == public_names(awaited)
    for name in sorted(public_names(plain)):
        left, right = inspect.getattr_static(plain, name), inspect.getattr_static(awaited, name)
        assert isinstance(left, property) == isinstance(right, property), name
        if callable(getattr(plain, name)):
            assert parameters(getattr(plain, name)) == parameters(getattr(awaited, name)), name


def accepts(function, *names):
    return set(names) <= {item.name for item in inspect.signature(function).parameters.values()}


def test_parameters_of_the_contract():
    wallet, _, account, _ = faces()
    for maker in WALLET_MAKERS:
        assert accepts(getattr(wallet, maker), "transport", "endpoints", "signer"), maker
    assert accepts(wallet.from_mnemonic, "passphrase")
    assert accepts(wallet.account, "index", "account", "path", "kind")
    assert accepts(wallet.accounts, "start", "count")
    assert accepts(account.balance, "asset")
    assert accepts(account.quote, "to", "amount")
    for verb in ("build", "send"):
        assert accepts(getattr(account, verb), "to", "amount", "asset", "speed", "max_fee", "memo"), verb
    defaults = inspect.signature(account.build).parameters
    assert defaults["speed"].default == "normal"
    assert defaults["asset"].default is defaults["max_fee"].default is defaults["memo"].default is None
    assert inspect.signature(wallet.from_mnemonic).parameters["passphrase"].default == ""


def test_what_travels_has_its_names():
    from multiwallet import Balance, SignedTransaction, UnsignedTransaction

    def has(kind, *names):
        fields = set(getattr(kind, "__dataclass_fields__", ())) | set(dir(kind))
        return set(names) <= fields

    assert has(Balance, "available", "pending", "locked", "total")
    assert has(UnsignedTransaction, "network", "sender", "fee", "summary")
    assert has(SignedTransaction, "raw", "txid", "hex", "to_wire", "complete")
    assert has(multiwallet.Amount, "units", "asset")
    assert has(multiwallet.Asset, "id")


@pytest.mark.parametrize(("name", "parent"), ERRORS.items())
def test_the_error_tree(name, parent):
    error = getattr(errors, name)
    parents = {base.__name__ for base in error.__bases__}
    assert parent in parents
    assert name in errors.__all__
    if name == "InputError":
        assert issubclass(error, ValueError)
    assert isinstance(error.code, str)


def test_error_codes_are_distinct():
    codes = [getattr(errors, name).code for name in ERRORS]
    assert len(set(codes)) == len(codes)


def test_the_tree_on_the_page_is_the_tree():
    """Whoever adds an error writes it into the picture at the top of errors.py."""
    for name in errors.__all__:
        assert name in (errors.__doc__ or ""), name
