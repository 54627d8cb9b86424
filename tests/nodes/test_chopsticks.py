"""Substrate on a real runtime: chopsticks executes the Rococo Asset Hub's (statemine 900), a block an extrinsic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Amount, Mnemonic, Wallet
from multiwallet.chain import Network
from multiwallet.chains.substrate import addresses, storage
from multiwallet.devnet.chopsticks import launch
from multiwallet.errors import (
    AmountError,
    Expired,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    Rejected,
    Reverted,
    Unsupported,
)
from multiwallet.testing import ChainContract, refusal
from multiwallet.transactions import SignedTransaction, Status, UnsignedTransaction
from multiwallet.transport import HttpTransport

MODULES = Path(__file__).resolve().parents[1] / "oracles" / "node_modules"
NAME = "chopsticks"
entropies = itertools.count(1000)
asset_numbers = itertools.count(100)


@pytest.fixture(scope="module")
def node() -> Iterator[Any]:
    try:
        with launch(MODULES) as running:
            yield running
    except Unsupported as reason:
        pytest.skip(str(reason))


@pytest.fixture
def network(node: Any) -> Network:
    return node.network(NAME)


@pytest.fixture
def wallet(network: Network) -> Iterator[Wallet]:
    phrase = Mnemonic.from_entropy(next(entropies).to_bytes(16, "big")).expose()
    with Wallet.from_mnemonic(phrase) as opened:
        yield opened


def account_id(account: Any) -> bytes:
    return addresses.account_of(account.network, account.address)


def funded(node: Any, account: Any, coins: str = "10") -> Any:
    node.fund(account_id(account), Amount.parse(coins, account.network.native).units)
    return account


def create_asset(node: Any, account: Any, units: int, *, symbol: str = "TST", decimals: int = 6) -> str:
    """An asset of the account's own, through the runtime's calls; its number."""
    number = next(asset_numbers)
    own = account.address
    calls = [
        {"pallet": "Assets", "name": "create", "args": {"id": number, "admin": own, "min_balance": 1}},
        {"pallet": "Assets", "name": "mint", "args": {"id": number, "beneficiary": own, "amount": units}},
        {
            "pallet": "Assets",
            "name": "set_metadata",
            "args": {"id": number, "name": b"Test", "symbol": symbol.encode(), "decimals": decimals},
        },
    ]
    account.send(to=own, amount="0.000001", call=calls).wait(timeout=30)
    return str(number)


class TestContract(ChainContract):
    network = NAME
    valid_addresses = (
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    )
    invalid_addresses = (
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ",
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
        "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
        "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
    )
    amount = "0.01"
    node: Any = None
    transport: Any = None
    kind = "sr25519"

    @pytest.fixture(autouse=True)
    def _fresh(self, node: Any, network: Network) -> Iterator[None]:
        self.node = node
        self.mnemonic = Mnemonic.from_entropy(next(entropies).to_bytes(16, "big")).expose()
        yield
        if self.transport is not None:
            self.transport.close()

    def open_transport(self) -> Any:
        self.transport = HttpTransport({self.row.id: [self.node.url]})
        return self.transport

    def fund(self, transport: Any, account: Any, amount: str) -> None:
        funded(self.node, account, amount)

    def deploy_token(self, transport: Any, account: Any) -> Any:
        funded(self.node, Wallet.from_mnemonic(self.mnemonic).account(NAME, index=1), "1")  # assets need an account
        return account.asset(create_asset(self.node, account, 10**9))

    # sr25519 signatures are random, so of two signatures the payload is the same and the id is not.

    def test_signing_is_repeatable_from_json_and_reads_back(self) -> None:
        _, _, payer, payee = self.opened()
        transaction = payer.build(to=payee.address, amount=self.amount)
        signed, again = payer.sign(transaction), payer.sign(transaction.to_json())
        assert signed.complete
        assert signed.txid != again.txid
        # the length and version, the address and the kind, the signature: what follows them is the same
        assert signed.raw[: 2 + 1 + 33 + 1] == again.raw[: 2 + 1 + 33 + 1]
        assert signed.raw[2 + 1 + 33 + 1 + 64 :] == again.raw[2 + 1 + 33 + 1 + 64 :]
        read = self.chain.parse_signed(self.row, signed.to_wire())
        assert (read.raw, read.txid) == (signed.raw, signed.txid)

    def test_a_batch_gives_what_signing_one_by_one_gives(self) -> None:
        _, _, payer, payee = self.opened()
        transactions = [payer.build(to=payee.address, amount=self.amount) for _ in range(3)]
        results = list(payer.sign_batch([*transactions, "garbage", None, 1.5, transactions[0]], threads=2))
        assert [isinstance(result, SignedTransaction) for result in results] == [True] * 3 + [False] * 3 + [True]
        for transaction, result in zip(transactions, results, strict=False):
            assert result.raw[2 + 1 + 33 + 1 + 64 :] == payer.sign(transaction).raw[2 + 1 + 33 + 1 + 64 :]


@pytest.mark.parametrize("kind", ["sr25519", "ed25519", "ecdsa"])
def test_each_kind_of_key_sends(node: Any, wallet: Wallet, kind: str) -> None:
    payer = funded(node, wallet.account(NAME, kind=kind, index=0))
    payee = wallet.account(NAME, kind=kind, index=1)
    transaction = payer.build(to=payee.address, amount="0.5", tip="0.001")
    done = payer.broadcast(payer.sign(UnsignedTransaction.from_json(transaction.to_json()))).wait(timeout=30)
    assert done.status is Status.CONFIRMED
    assert done.final
    assert payee.balance().total == payee.network.amount("0.5")
    spent = payer.network.amount("9.5") - payer.balance().total
    assert spent == transaction.fee.expected
    assert transaction.fee.details["tip"] == "1000000000"


def test_two_signatures_of_one_payload_are_one_payment(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME)), wallet.account(NAME, index=1)
    transaction = payer.build(to=payee.address, amount="1")
    first, second = payer.sign(transaction), payer.sign(transaction)
    payer.broadcast(first).wait(timeout=30)
    assert payer.broadcast(first).txid == first.txid
    error = refusal(Rejected, payer.broadcast, second)
    assert "stale" in error.message
    assert payee.balance().total == payee.network.amount("1")


def test_a_wrong_signature_and_a_used_nonce_are_refused(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME)), wallet.account(NAME, index=1)
    signed = payer.sign(payer.build(to=payee.address, amount="1"))
    raw = bytearray(signed.raw)
    raw[-1] ^= 1  # another amount
    error = refusal(Rejected, payer.broadcast, bytes(raw))
    assert "badProof" in error.message
    payer.broadcast(signed).wait(timeout=30)
    error = refusal(Rejected, payer.broadcast, payer.sign(payer.build(to=payee.address, amount="2", nonce=0)))
    assert "stale" in error.message
    assert payee.balance().total == payee.network.amount("1")


def test_several_payments_are_one_batch(node: Any, wallet: Wallet) -> None:
    from multiwallet import Transfer

    payer = funded(node, wallet.account(NAME))
    payees = [wallet.account(NAME, index=index) for index in (1, 2, 3)]
    transaction = payer.build(*(Transfer(payee.address, f"0.{n}") for n, payee in enumerate(payees, 1)))
    summary = transaction.summary
    assert [(action.kind, action.to) for action in summary.actions] == [("transfer", p.address) for p in payees]
    payer.broadcast(payer.sign(transaction)).wait(timeout=30)
    assert [str(payee.balance().total) for payee in payees] == ["0.1 ROC", "0.2 ROC", "0.3 ROC"]


def test_calls_go_along_with_payments_and_are_read_back(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME)), wallet.account(NAME, index=1)
    remark = {"pallet": "System", "name": "remark_with_event", "args": {"remark": b"invoice 7"}}
    transaction = payer.build(to=payee.address, amount="0.25", call=remark)
    assert [action.kind for action in transaction.summary.actions] == ["transfer", "remark"]
    assert transaction.summary.actions[1].details["text"] == "invoice 7"
    done = payer.broadcast(payer.sign(transaction)).wait(timeout=30)
    assert done.status is Status.CONFIRMED


def test_a_call_that_fails_on_chain_is_a_failure_with_its_reason(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME)), wallet.account(NAME, index=1)
    call = {"pallet": "Assets", "name": "transfer", "args": {"id": 99999, "target": payee.address, "amount": 1}}
    receipt = payer.send(to=payee.address, amount="0.1", call=call)
    error = refusal(Reverted, receipt.wait, timeout=30)
    assert "Assets." in str(error.reason)
    assert not payee.balance().total  # all of the batch is undone


def test_an_asset_moves_whole_and_its_decimals_are_the_chains(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME)), wallet.account(NAME, index=1)
    number = create_asset(node, payer, 5_000_000, symbol="WHL", decimals=6)
    asset = payer.asset(number)
    error = refusal(AmountError, payer.build, to=payee.address, amount="1", asset=asset)
    assert "does not exist yet" in error.message
    funded(node, payee, "1")
    assert (asset.symbol, asset.decimals) == ("WHL", 6)
    assert asset.id == f"{payer.network.id}/assets:{number}"
    refusal(InsufficientFunds, payer.build, to=payee.address, amount="5.000001", asset=asset)
    payer.send(to=payee.address, amount="max", asset=asset).wait(timeout=30)
    assert str(payee.balance(asset).available) == "5 WHL"
    refusal(InvalidAddress, payer.asset, "4000000")


def test_a_proxy_pays_out_of_another_account(node: Any, wallet: Wallet) -> None:
    owner, helper = funded(node, wallet.account(NAME)), funded(node, wallet.account(NAME, index=1), "1")
    payee = wallet.account(NAME, index=2)
    add = {
        "pallet": "Proxy",
        "name": "add_proxy",
        "args": {"delegate": helper.address, "proxy_type": "Any", "delay": 0},
    }
    made = owner.build(to=payee.address, amount="0.1", call=add)
    assert any("power over this one" in warning for warning in made.summary.warnings)
    owner.broadcast(owner.sign(made)).wait(timeout=30)
    transaction = helper.build(to=payee.address, amount="2", proxy_for=owner.address)
    assert transaction.summary.actions[0].details["out of"] == owner.address
    helper.broadcast(helper.sign(transaction)).wait(timeout=30)
    assert str(payee.balance().total) == "2.1 ROC"
    stranger = funded(node, wallet.account(NAME, index=3), "1")
    receipt = stranger.send(to=payee.address, amount="2", proxy_for=owner.address)
    refusal(Reverted, receipt.wait, timeout=30)


def test_a_shared_account_pays_when_enough_have_signed(node: Any, wallet: Wallet) -> None:
    members = [funded(node, wallet.account(NAME, index=index)) for index in range(3)]
    payee = wallet.account(NAME, index=5)
    shared = addresses.multisig_account([account_id(member) for member in members], 2)
    node.fund(shared, 10**13)
    terms = {"signatories": [member.address for member in members], "threshold": 2}
    first = members[0].build(to=payee.address, amount="3", multisig={**terms, "approve_only": True})
    assert any("only the hash" in warning for warning in first.summary.warnings)
    members[0].broadcast(members[0].sign(first)).wait(timeout=30)
    assert not payee.balance().total
    second = members[1].build(to=payee.address, amount="3", multisig=terms)
    assert second.summary.actions[0].to == payee.address
    members[1].broadcast(members[1].sign(second)).wait(timeout=30)
    assert str(payee.balance().total) == "3 ROC"


def test_the_existential_deposit_is_kept(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME), "1"), wallet.account(NAME, index=1)
    error = refusal(InputError, payer.build, to=payee.address, amount="0.000000001")
    assert "existential deposit" in error.message
    refusal(InsufficientFunds, payer.build, to=payee.address, amount="0.99999")
    transaction = payer.build(to=payee.address, amount="0.99998", keep_alive=False)
    payer.broadcast(payer.sign(transaction)).wait(timeout=30)
    assert str(payee.balance().total) == "0.99998 ROC"


def test_expiry_is_told_when_it_has_passed(node: Any, wallet: Wallet) -> None:
    payer, payee = funded(node, wallet.account(NAME)), wallet.account(NAME, index=1)
    signed = payer.sign(payer.build(to=payee.address, amount="1", era=4))
    assert signed.expiry is not None
    assert payer.status(signed.txid).status is Status.UNKNOWN
    while int(node.rpc("chain_getHeader")["number"], 16) < signed.expiry:
        node.rpc("dev_newBlock")
    refusal(Expired, payer.wait, signed.txid, expiry=signed.expiry, timeout=5)
    refusal(Rejected, payer.broadcast, signed)


def test_frozen_and_reserved_coins_are_locked(node: Any, wallet: Wallet) -> None:
    account = wallet.account(NAME)
    data = b"".join(value.to_bytes(4, "little") for value in (0, 0, 1, 0))
    data += b"".join(value.to_bytes(16, "little") for value in (8 * 10**12, 10**12, 2 * 10**12, 3 * 10**12))
    node.rpc("dev_setStorage", [[storage.account_key(account_id(account)), "0x" + data.hex()]])
    balance = account.balance()
    assert (str(balance.available), str(balance.locked)) == ("5 ROC", "4 ROC")
    payee = wallet.account(NAME, index=1)
    refusal(InsufficientFunds, account.build, to=payee.address, amount="5.1")
    account.send(to=payee.address, amount="4.9").wait(timeout=30)


def test_what_the_runtime_lacks_is_unsupported(node: Any, wallet: Wallet) -> None:
    payer = funded(node, wallet.account(NAME))
    bond = {"pallet": "Staking", "name": "bond", "args": {}}
    with pytest.raises(InputError, match="no call"):
        payer.build(to=payer.address, amount="1", call=bond)
    refusal(Unsupported, payer.build, to=payer.address, amount="1", memo="hello")


def test_messages(wallet: Wallet) -> None:
    for kind in ("sr25519", "ed25519", "ecdsa"):
        account = wallet.account(NAME, kind=kind, index=0)
        signature = account.sign_message("hello")
        assert account.verify_message("hello", signature)
        assert not account.verify_message("hello ", signature)
