"""The error tree: every class keeps its promises, and crosses process borders whole."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from multiwallet import errors
from multiwallet.amounts import Amount, Asset

ETHER = Asset("eip155:1/slip44:60", "ETH", 18)
CLASSES = [getattr(errors, name) for name in errors.__all__]
ATTRIBUTES = {
    errors.MissingExtra: {"extra": "solana"},
    errors.InsufficientFunds: {"needed": Amount(7, ETHER), "available": Amount(3, ETHER)},
    errors.Rejected: {"node_code": -32000, "data": {"reason": ["nonce too low", 1]}},
    errors.Reverted: {"txid": "ab" * 32, "reason": "paused"},
    errors.Expired: {"txid": "ab" * 32},
    errors.BroadcastUncertain: {"txid": "ab" * 32},
    errors.RateLimited: {"retry_after": 1.5},
}


def own_attributes(kind: type[errors.MultiwalletError]) -> set[str]:
    return {
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def test_the_page_lists_every_class_and_every_attribute_is_tested() -> None:
    defined = {
        thing
        for thing in vars(errors).values()
        if inspect.isclass(thing) and issubclass(thing, Exception) and thing.__module__ == errors.__name__
    }
    assert defined == set(CLASSES)
    for kind in CLASSES:
        assert own_attributes(kind) == set(ATTRIBUTES.get(kind, {})), kind


def test_codes_are_stable_words_and_no_two_are_alike() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(code.isascii() and code.replace("_", "").isalpha() and code.islower() for code in codes)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("message", ["", "what is wrong"])
def test_errors_round_trip_with_their_attributes(kind: type[errors.MultiwalletError], message: str) -> None:
    error = kind(message, **ATTRIBUTES.get(kind, {}))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is kind
        assert (again.message, str(again), again.args) == (error.message, str(error), error.args)
        for name, value in ATTRIBUTES.get(kind, {}).items():
            assert getattr(again, name) == value
    assert copy.deepcopy(error).__dict__ == error.__dict__


@pytest.mark.parametrize("kind", CLASSES)
def test_input_errors_are_value_errors_and_the_others_are_not(kind: type[errors.MultiwalletError]) -> None:
    assert issubclass(kind, errors.MultiwalletError)
    assert issubclass(kind, ValueError) == issubclass(kind, errors.InputError)
