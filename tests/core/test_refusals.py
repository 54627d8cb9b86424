"""The checks between a wish and a signature: each of them alone, with the others out of its way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from multiwallet import Transfer, Wallet, network
from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Options
from multiwallet.chains.evm import Evm
from multiwallet.crypto import secp256k1
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InvalidTransaction,
    MultiwalletError,
    Reverted,
    SigningRefused,
)
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.keychain import ExtendedKeychain, SeedKeychain, SingleKeychain
from multiwallet.ops import run
from multiwallet.path import Path
from multiwallet.registry import chain
from multiwallet.secret import Secret
from multiwallet.signer import LocalSigner
from multiwallet.testing import FakeTransport
from multiwallet.transactions import Digest, Receipt, Scheme, SigningRequest, Status, UnsignedTransaction

SEED = bytes(range(64))
TO = "0x3535353535353535353535353535353535353535"
PAYMENT = {"to": TO, "value": 1, "gas": 21000, "gasPrice": 1, "nonce": 0, "chainId": 1}


class Slipping(SeedKeychain):
    """A machine whose signatures come out wrong from some one on."""

    right = 0

    def signing_key(self, curve: str, path: Path | None) -> Any:
        real = super().signing_key(curve, path)
        keychain = self

        class Key:
            public_key = real.public_key

            def low_r_signer(self) -> Any:
                def sign(digest: bytes) -> bytes:
                    keychain.right -= 1
                    return real.sign_low_r(digest if keychain.right >= 0 else bytes(32))

                return sign

        return Key()


def requests(count: int) -> list[SigningRequest]:
    key = SeedKeychain(Secret(SEED)).public_key("secp256k1", Path("m/0"))
    return [SigningRequest(Scheme.LOW_R, Digest.SHA256, bytes([n]), key, Path("m/0")) for n in range(count)]


@pytest.mark.parametrize(("count", "right"), [(1, 0), (8, 7), (8, 3), (9, 0), (17, 16), (40, 20)])
def test_a_local_signer_throws_a_wrong_signature_away(count: int, right: int) -> None:
    keychain = Slipping(Secret(SEED))
    keychain.right = right
    with pytest.raises(SigningRefused, match="its own check"):
        LocalSigner(keychain).sign(requests(count))
    keychain.right = right
    assert len(LocalSigner(keychain, verify=False).sign(requests(count))) == count


def test_an_uncompressed_key_is_asked_for_by_its_own_bytes() -> None:
    keychain = SingleKeychain("secp256k1", Secret(b"\x11" * 32), compressed=False)
    key = keychain.public_key("secp256k1", None)
    request = SigningRequest(Scheme.LOW_R, Digest.NONE, bytes(32), key)
    assert len(LocalSigner(keychain).sign([request])[0]) == 64
    other = secp256k1.decompress(secp256k1.public_key(b"\x12" * 32))
    mirrored = secp256k1.decompress(bytes([5 - secp256k1.compress(key)[0]]) + key[1:33])
    for wrong in (other, mirrored):
        with pytest.raises(SigningRefused, match="is not the one"):
            LocalSigner(keychain, verify=False).sign([replace(request, public_key=wrong)])


class Remote:
    """A signer somewhere else, whose answer a function spoils."""

    def __init__(self, spoil: Any) -> None:
        self.local, self.spoil = LocalSigner(SeedKeychain(Secret(SEED))), spoil

    def sign(self, asked: Sequence[SigningRequest]) -> Any:
        return self.spoil(self.local.sign(asked))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda signatures: [],
        lambda signatures: signatures * 2,
        lambda signatures: None,
        lambda signatures: iter(signatures),
        lambda signatures: [None],
        lambda signatures: [signatures[0][:64]],
        lambda signatures: [signatures[0] + b"\0"],
        lambda signatures: [signatures[0][:64] + b"\x1b"],
        lambda signatures: [bytearray(signatures[0])],
        lambda signatures: [signatures[0].hex()],
        lambda signatures: b"".join(signatures),
        lambda signatures: [bytes(65)],
    ],
    ids=["none", "two", "None", "lazy", "no bytes", "short", "long", "v 27", "bytearray", "hex", "bytes", "zeros"],
)
def test_a_remote_answer_of_another_shape_is_refused(spoil: Any) -> None:
    account = Wallet.from_seed(SEED, signer=Remote(spoil)).account("ethereum")
    for call in (lambda: account.sign(PAYMENT), lambda: account.sign_message("hello")):
        with pytest.raises(MultiwalletError):
            call()


def test_a_transaction_object_of_another_network_or_sender_is_refused() -> None:
    wallet = Wallet.from_seed(SEED)
    account = wallet.account("ethereum")
    transaction = account._operations.adopt(PAYMENT)
    for other in (wallet.account("polygon"), wallet.account("ethereum", index=1)):
        with pytest.raises(SigningRefused):
            other.sign(transaction)
    with pytest.raises(SigningRefused, match="is for Polygon|is for polygon"):
        account.sign(replace(transaction, network=network("polygon")))
    # Requests are made from the body anew: what somebody wrote beside it is not signed.
    foreign = replace(transaction.requests[0], preimage=b"something else")
    try:
        assert account.sign(replace(transaction, requests=(foreign,))) == account.sign(PAYMENT)
    except MultiwalletError:
        return


def test_a_transaction_that_lacks_signatures_is_not_broadcast() -> None:
    fake = FakeTransport({"eth_chainId": "0x1"})
    account = Wallet.from_seed(SEED, transport=fake).account("ethereum")
    signed = account.sign(PAYMENT)
    incomplete = type(signed)(signed.chain, signed.network, signed.raw, signed.txid, complete=False)
    with pytest.raises(InvalidTransaction, match="lacks signatures"):
        account.broadcast(incomplete)
    assert fake.asked == []


def test_nothing_is_broadcast_to_a_node_of_another_chain() -> None:
    fake = FakeTransport({"eth_chainId": "0x89", "eth_sendRawTransaction": "0x" + "00" * 32})
    account = Wallet.from_seed(SEED, transport=fake).account("ethereum")
    with pytest.raises(BadResponse, match="137"):
        account.broadcast(account.sign(PAYMENT))
    assert [effect.method for effect in fake.asked] == ["eth_chainId"]


def test_amounts_of_another_asset_or_with_other_decimals_are_refused_before_anything_is_asked() -> None:
    fake = FakeTransport()
    account = Wallet.from_seed(SEED, transport=fake).account("ethereum")
    native = account.network.native
    token = Asset(f"eip155:1/erc20:{TO}", "TOK", 6)
    for transfer in (
        Transfer(TO, Amount(1, Asset(native.id, "ETH", 6))),
        Transfer(TO, Amount(1, token), native),
        Transfer(TO, Amount(1, native), token),
        Transfer(TO, Amount(1, Asset(token.id, "TOK", 18)), token),
        Transfer(TO, Amount(0, native)),
    ):
        with pytest.raises(AmountError):
            account.build(transfer)
    for dear in (Amount(1, token), Amount(1, network("polygon").native)):
        with pytest.raises(AmountError):
            account.build(to=TO, amount="1", max_fee=dear)
    assert fake.asked == []


def test_each_build_has_a_salt_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    salts: list[int] = []

    def build(self: Evm, holder: Any, payments: Any, options: Options) -> Any:
        salts.append(options.salt)
        return self.adopt(holder, PAYMENT)
        yield ()

    monkeypatch.setattr(Evm, "build", build)
    account = Wallet.from_seed(SEED, transport=FakeTransport({"eth_chainId": "0x1"})).account("ethereum")
    for _ in range(20):
        account.build(to=TO, amount="1")
    assert len(set(salts)) == 20


def test_waiting_for_what_failed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    row = network("ethereum")

    def status(self: Evm, network: Any, txid: str, *, expiry: int | None = None) -> Any:
        return Receipt(network, txid, Status.FAILED, 5, reason="paused")
        yield ()

    monkeypatch.setattr(Evm, "status", status)
    with pytest.raises(Reverted, match="paused") as caught:
        run(chain(row).wait(row, "0xab", timeout=1), FakeTransport().perform)
    assert (caught.value.txid, caught.value.reason) == ("0xab", "paused")


@pytest.mark.parametrize("version", [0, 2, 1.5, "1", None, [1]])
def test_a_file_of_another_version_is_refused(version: object) -> None:
    data = json.loads(Wallet.from_seed(SEED).account("ethereum")._operations.adopt(PAYMENT).to_json())
    data["multiwallet"] = version
    with pytest.raises(InputError):
        UnsignedTransaction.from_json(json.dumps(data))


def test_an_extended_keychain_holds_no_private_key_and_takes_no_hardened_step() -> None:
    node = ExtendedKey.from_seed(SEED).derive("m/44'/60'/0'")
    with pytest.raises(MultiwalletError):
        ExtendedKeychain(node)
    keychain = ExtendedKeychain(node.public)
    with pytest.raises(MultiwalletError, match="hardened steps below depth 3"):
        keychain.public_key("secp256k1", Path("m/44'/60'/0'/0'/0"))
