"""Several signers for one account: in turn, apart and put together, too few, and the wrong ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chains.xrp import serialization
from multiwallet.errors import InputError, InvalidTransaction, Rejected, SigningRefused
from multiwallet.registry import chain
from multiwallet.transactions import Status, UnsignedTransaction

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture
def shared(scene: Any) -> Any:
    """The payer's account, for which two of three others sign."""
    signers = [scene.wallet.account("xrp", index=10 + n, kind="ed25519" if n == 1 else "secp256k1") for n in range(3)]
    entries = [
        {"SignerEntry": {"Account": a.address, "SignerWeight": 1}} for a in sorted(signers, key=lambda a: a.address)
    ]
    scene.payer.send(
        to=scene.payer.address, amount="0", call="SignerListSet", fields={"SignerQuorum": 2, "SignerEntries": entries}
    ).wait()
    return scene, signers


def test_in_turn(shared: Any) -> None:
    scene, (one, two, three) = shared
    made = one.build(to=scene.payee.address, amount="3", account=scene.payer.address)
    assert made.sender == scene.payer.address
    assert made.fee.maximum.units == 10 * (1 + 3)
    assert "several accounts sign" in made.summary.details["signers"]
    assert UnsignedTransaction.from_json(made.to_json()) == made
    first = one.sign(made)
    assert not first.complete
    with pytest.raises(InvalidTransaction, match="lacks signatures"):
        one.broadcast(first)
    with pytest.raises(SigningRefused, match="has signed"):
        one.sign(first.to_wire())
    second = two.sign(first.to_wire())
    assert second.complete
    listed = serialization.decode(second.raw)["Signers"]
    assert len(listed) == 2
    before = scene.payee.balance().total
    assert three.broadcast(second).wait().status is Status.CONFIRMED
    assert scene.payee.balance().total - before == scene.payer.network.amount("3")


def test_apart_and_put_together(shared: Any) -> None:
    scene, (one, two, three) = shared
    made = one.build(to=scene.payee.address, amount="3", account=scene.payer.address).to_json()
    parts = [account.sign(made).to_wire() for account in (three, two)]
    both = one.broadcast(parts)
    assert both.wait().status is Status.CONFIRMED
    again = one.build(to=scene.payee.address, amount="3", account=scene.payer.address)
    with pytest.raises(InvalidTransaction, match="different transactions"):
        one.sign([parts[0], two.sign(again).to_wire()])
    with pytest.raises(InvalidTransaction):
        one.sign([])


def test_who_may_not(shared: Any) -> None:
    scene, (one, _, _) = shared
    made = one.build(to=scene.payee.address, amount="3", account=scene.payer.address)
    with pytest.raises(SigningRefused, match="cannot sign itself"):
        scene.payer.sign(made)
    with pytest.raises(SigningRefused, match="not on the signer list"):
        scene.payee.sign(made)
    with pytest.raises(InputError, match="not on the signer list"):
        scene.payee.build(to=scene.new.address, amount="3", account=scene.payer.address)
    with pytest.raises(InputError, match="no signer list"):
        one.build(to=scene.payer.address, amount="3", account=scene.payee.address)


def test_a_changed_signature_or_field_is_noticed(shared: Any) -> None:
    scene, (one, two, _) = shared
    wire = json.loads(one.sign(one.build(to=scene.payee.address, amount="3", account=scene.payer.address)).to_wire())
    for name, value in (("Amount", "4000000"), ("Destination", scene.new.address), ("Fee", "41")):
        changed = {**wire, "tx_json": {**wire["tx_json"], name: value}}
        with pytest.raises(InvalidTransaction, match="not made over"):
            two.sign(changed)
    for name, value in (
        ("signer_list", {"quorum": 0, "weights": {}}),
        ("signer_list", []),
        ("other", 1),
        ("tx_json", 7),
    ):
        with pytest.raises(InvalidTransaction):
            two.sign({**wire, name: value})


def test_too_few_are_the_networks_to_refuse_where_the_list_is_not_known(shared: Any) -> None:
    scene, (one, _, _) = shared
    wire = json.loads(one.sign(one.build(to=scene.payee.address, amount="3", account=scene.payer.address)).to_wire())
    bare = chain(one.network).parse_signed(one.network, wire["tx_json"])
    assert bare.complete
    with pytest.raises(Rejected, match="tefBAD_QUORUM"):
        one.broadcast(bare)


def test_a_lone_transaction_of_another_account_is_not_signed() -> None:
    wallet = Wallet.from_mnemonic(WORDS)
    account, other = wallet.account("xrp", index=0), wallet.account("xrp", index=1)
    tx = {"TransactionType": "AccountSet", "Account": other.address, "Fee": "10", "Sequence": 1}
    with pytest.raises(SigningRefused, match="not of"):
        account.sign(tx)
    with pytest.raises(SigningRefused):
        account.sign({**tx, "SigningPubKey": account.public_key.hex()})
    with pytest.raises(SigningRefused, match="another key"):
        account.sign({**tx, "Account": account.address, "SigningPubKey": other.public_key.hex()})
    assert account.sign({**tx, "Account": account.address}).complete
