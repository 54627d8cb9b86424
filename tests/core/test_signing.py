"""Who signs what: a signer that holds other keys, transactions that were altered, batches that break."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import InputError, MultiwalletError, SigningRefused
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.keychain import SeedKeychain, SingleKeychain
from multiwallet.path import Junctions, Path
from multiwallet.secret import Secret
from multiwallet.signer import LocalSigner, verify_signature
from multiwallet.transactions import Digest, Scheme, SignedTransaction, SigningRequest, UnsignedTransaction

SEED, OTHER = bytes(range(64)), bytes(64)
PAYMENT = {
    "to": "0x3535353535353535353535353535353535353535",
    "value": 10**18,
    "gas": 21000,
    "maxFeePerGas": 30 * 10**9,
    "maxPriorityFeePerGas": 10**9,
    "nonce": 0,
    "chainId": 1,
    "type": 2,
}
XPUB = ExtendedKey.from_seed(SEED).derive("m/44'/60'/0'").public.serialize()


def local(seed: bytes) -> LocalSigner:
    return LocalSigner(SeedKeychain(Secret(seed)))


# -- LocalSigner ---------------------------------------------------------------------------------------


@given(
    st.sampled_from(Scheme),
    st.sampled_from(Digest),
    st.binary(max_size=200),
    st.integers(0, 3),
    st.sampled_from([None, b"", b"\x07" * 32]),
)
def test_each_scheme_signs_what_it_verifies(
    scheme: Scheme, digest: Digest, preimage: bytes, index: int, tweak: bytes | None
) -> None:
    if digest is Digest.NONE and scheme not in (Scheme.ED25519, Scheme.SR25519):
        preimage = preimage.ljust(32, b"\1")[:32]
    if digest is Digest.BLAKE2B_PERSONAL:
        preimage = preimage.ljust(16, b"\1")
    if scheme is not Scheme.SCHNORR:
        tweak = None
    curve = scheme.value if scheme.value in ("ed25519", "sr25519", "secp256r1") else "secp256k1"
    keys = SeedKeychain(Secret(SEED), entropy=Secret(SEED[:16]))
    root = Junctions() if scheme is Scheme.SR25519 else Path()
    path = root.hardened(44).hardened(index)
    request = SigningRequest(scheme, digest, preimage, keys.public_key(curve, path), path, tweak)
    (signature,) = LocalSigner(keys).sign([request])
    assert len(signature) == (65 if scheme in (Scheme.RECOVERABLE, Scheme.CANONICAL) else 64)
    assert verify_signature(request, signature)
    for altered in (
        replace(request, preimage=bytes(33) if digest is not Digest.NONE else bytes(31) + b"\x09"),
        replace(request, public_key=keys.public_key(curve, root.hardened(9))),
    ):
        assert altered.message == request.message or not verify_signature(altered, signature)
    for position in (0, 31, 32, 63):
        spoilt = bytearray(signature)
        spoilt[position] ^= 1
        assert not verify_signature(request, bytes(spoilt))
    for request_of_another in (replace(request, path=path.parent.hardened(index + 1)), replace(request, path=root)):
        with pytest.raises(SigningRefused, match="is not the one"):
            LocalSigner(keys).sign([request_of_another])
        with pytest.raises(SigningRefused, match="is not the one"):
            LocalSigner(keys, verify=False).sign([request_of_another])
    with pytest.raises(SigningRefused):
        LocalSigner(keys).sign([replace(request, path=None)])


@pytest.mark.parametrize("count", [1, 8, 9, 40])
def test_many_requests_at_once_give_a_right_signature_each(count: int) -> None:
    keys = SeedKeychain(Secret(SEED))
    requests = [
        SigningRequest(Scheme.LOW_R, Digest.SHA256D, bytes([n]), keys.public_key("secp256k1", Path([n])), Path([n]))
        for n in range(count)
    ]
    signatures = LocalSigner(keys).sign(requests)
    assert all(map(verify_signature, requests, signatures))
    requests[-1] = replace(requests[-1], public_key=requests[0].public_key if count > 1 else b"\2" * 33)
    with pytest.raises(SigningRefused):
        LocalSigner(keys).sign(requests)


def test_a_signer_shows_nothing_and_signs_nothing_once_closed() -> None:
    keys = SingleKeychain("secp256k1", Secret(b"\x11" * 32))
    signer = LocalSigner(keys)
    request = SigningRequest(Scheme.LOW_R, Digest.NONE, bytes(32), keys.public_key("secp256k1", None))
    bare = signer.digest_signer(Scheme.LOW_R, None, request.public_key)
    assert bare(bytes(32)) == signer.sign([request])[0]
    assert "11" * 8 not in repr(signer) + str(signer) + repr(keys) + repr(request)
    signer.close()
    for call in (lambda: signer.sign([request]), lambda: bare(bytes(32))):
        with pytest.raises(MultiwalletError):
            call()


# -- a wallet whose signer holds the keys of another ---------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "signer",
    [local(OTHER), LocalSigner(SingleKeychain("secp256k1", Secret(b"\x11" * 32)))],
    ids=["another seed", "one key"],
)
@pytest.mark.parametrize("face", [Wallet, AsyncWallet])
def test_keys_of_another_wallet_sign_nothing_in_a_batch(face: Any, signer: LocalSigner, threads: int) -> None:
    items = [PAYMENT | {"nonce": nonce} for nonce in range(40)]

    async def all_of(results: AsyncIterator[Any]) -> list[Any]:
        return [result async for result in results]

    for wallet in (face.from_xpub("ethereum", XPUB, signer=signer), face.from_seed(SEED, signer=signer)):
        account = wallet.account("ethereum")
        for results in (
            account.sign_batch(items, threads=threads),
            wallet.sign_batch([(account, item) for item in items], threads=threads),
        ):
            found = list(results) if face is Wallet else asyncio.run(all_of(results))
            assert len(found) == len(items)
            assert all(isinstance(result, MultiwalletError) for result in found)


def test_a_bare_signer_is_for_the_key_that_was_meant() -> None:
    signer, path = local(SEED), Path("m/44'/60'/0'/0/0")
    key = SeedKeychain(Secret(SEED)).public_key("secp256k1", path)
    assert len(signer.digest_signer(Scheme.RECOVERABLE, path, key)(bytes(32))) == 65
    for wrong in (local(OTHER), LocalSigner(SingleKeychain("secp256k1", Secret(b"\x11" * 32)))):
        with pytest.raises(MultiwalletError):
            wrong.digest_signer(Scheme.RECOVERABLE, path, key)


class Faulty(LocalSigner):
    """A machine that signs wrongly from some signature on."""

    def __init__(self, right: int) -> None:
        super().__init__(SeedKeychain(Secret(SEED)))
        self.right = right

    def digest_signer(self, scheme: Scheme, path: Path | None, public_key: bytes) -> Any:
        sign = super().digest_signer(scheme, path, public_key)

        def faulty(message: bytes) -> bytes:
            self.right -= 1
            return sign(message if self.right >= 0 else bytes(32))

        return faulty


def test_once_a_check_of_a_batch_fails_each_signature_is_checked() -> None:
    items = [PAYMENT | {"nonce": nonce} for nonce in range(600)]
    results = list(Wallet.from_seed(SEED, signer=Faulty(0)).account("ethereum").sign_batch(items))
    assert all(isinstance(result, SigningRefused) for result in results)
    later = list(Wallet.from_seed(SEED, signer=Faulty(200)).account("ethereum").sign_batch(items))
    assert [isinstance(result, SignedTransaction) for result in later] == [True] * 256 + [False] * 344


# -- batches whose source breaks -----------------------------------------------------------------------


def broken(count: int) -> Iterator[dict[str, object]]:
    for nonce in range(count):
        yield PAYMENT | {"nonce": nonce}
    raise OSError("the file is gone")


async def broken_later(count: int) -> AsyncIterator[dict[str, object]]:
    for item in broken(count):
        yield item


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 5, 16, 17, 300])
def test_what_came_before_an_error_of_the_source_is_delivered(threads: int, count: int) -> None:
    account, found = Wallet.from_seed(SEED).account("ethereum"), []
    results = account.sign_batch(broken(count), threads=threads)
    with pytest.raises(OSError, match="gone"):
        found.extend(result.raw for result in results)
    assert found == [account.sign(PAYMENT | {"nonce": nonce}).raw for nonce in range(count)]

    async def main(source: Any) -> list[bytes]:
        raws: list[bytes] = []
        try:
            async for signed in AsyncWallet.from_seed(SEED).account("ethereum").sign_batch(source, threads=threads):
                raws.append(signed.raw)
        except OSError:
            return raws
        raise AssertionError("the error of the source was lost")

    for source in (broken(count), broken_later(count)):
        assert asyncio.run(main(source)) == found


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "2", None])
def test_a_batch_wants_a_whole_number_of_threads(threads: object) -> None:
    with pytest.raises(InputError):
        Wallet.from_seed(SEED).account("ethereum").sign_batch([PAYMENT], threads=threads)  # type: ignore[arg-type]


def test_pairs_of_a_closed_wallet_give_errors_and_end() -> None:
    wallet = Wallet.from_seed(SEED)
    account = wallet.account("ethereum")
    wallet.close()
    results = list(wallet.sign_batch([(account, PAYMENT)] * 3)) + list(account.sign_batch([PAYMENT] * 3))
    assert len(results) == 6
    assert all(isinstance(result, MultiwalletError) for result in results)


# -- values that travel --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ethereum", "bitcoin", "tron", "solana"])
def test_networks_and_signed_transactions_cross_process_borders(name: str) -> None:
    row = Wallet.from_seed(SEED).account(name).network
    for again in (pickle.loads(pickle.dumps(row)), copy.deepcopy(row), copy.copy(row)):
        assert again == row
        assert (again.params, again.endpoints, again.decimals) == (row.params, row.endpoints, row.decimals)


def test_transactions_survive_pickling() -> None:
    account = Wallet.from_seed(SEED).account("ethereum")
    signed = account.sign(PAYMENT)
    assert pickle.loads(pickle.dumps(signed)) == copy.deepcopy(signed) == signed
    unsigned = account._operations.adopt(PAYMENT)
    again = pickle.loads(pickle.dumps(unsigned))
    assert again == unsigned
    assert account.sign(again) == signed


DEEP = [
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"multiwallet":1,"x":' + "[" * 50_000 + "]" * 50_000 + "}",
    '{"multiwallet":' + "9" * 10_000 + "}",
    '{"multiwallet":1,"multiwallet":1}',
    '{"multiwallet":1.0}',
    '{"multiwallet":true}',
    "{}",
    "null",
    "[]",
    '"x"',
    "\ud800",
    "",
    b"\xff\xfe",
    b"{" * 100,
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: f"{len(text)}:{text[:20]!a}")
def test_hostile_json_is_no_transaction(text: str | bytes) -> None:
    with pytest.raises(InputError):
        UnsignedTransaction.from_json(text)
    with pytest.raises(MultiwalletError):
        Wallet.from_seed(SEED).account("ethereum").sign(text)


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**300), 2**300), st.text(max_size=6), st.just("00")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


FILE = json.loads(Wallet.from_seed(SEED).account("ethereum")._operations.adopt(PAYMENT).to_json())


@given(st.sampled_from([place for place in places(FILE) if place]), junk)
def test_a_file_altered_in_one_place_is_refused_or_means_the_same(place: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(FILE)
    target = data
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    account = Wallet.from_seed(SEED).account("ethereum")
    try:
        transaction = UnsignedTransaction.from_json(json.dumps(data))
        signed = account.sign(transaction)
    except MultiwalletError:
        return
    assert signed == account.sign(PAYMENT)
    expected = account._operations.adopt(PAYMENT).summary
    assert str(transaction.summary) == str(expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("units", value)
            for value in ("630000000000000.0", "٦", " 630000000000000", "630_000", "", "-1", 1, True, "1")
        ),
        *(("decimals", value) for value in (0, 24, True, 18.0, "18", None)),
        *(("symbol", value) for value in ("BTC", "", None, "ETH\nmemo")),
        *(("asset", value) for value in ("eip155:1/slip44:1", "eip155:137/slip44:60", "", None)),
    ],
    ids=repr,
)
def test_a_file_cannot_dress_up_its_fee(field: str, value: object) -> None:
    data = copy.deepcopy(FILE)
    data["fee"]["maximum"][field] = value
    with pytest.raises(InputError):
        UnsignedTransaction.from_json(json.dumps(data))
