"""The contract's own suite, with the devnet's ledger at the other end: every network, every kind of key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from multiwallet import Account, Asset, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import BroadcastUncertain, InputError, InvalidTransaction, MultiwalletError
from multiwallet.testing import ChainContract, refusal
from multiwallet.transactions import Status, UnsignedTransaction


class _OnTheDevnet(ChainContract):
    valid_addresses = (
        "0xbfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "BFEF909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "0x" + "0" * 63 + "1",
    )
    invalid_addresses = (
        "0x1",
        "0x2",
        "0x",
        "0xfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "0xbfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb00",
        "0xgfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "0Xbfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
    )

    @pytest.fixture(autouse=True)
    def _closed_afterwards(self) -> Iterator[None]:
        self.opened_devnets: list[Devnet] = []
        yield
        for devnet in self.opened_devnets:
            devnet.close()

    def open_transport(self) -> Devnet:
        self.opened_devnets.append(Devnet())
        return self.opened_devnets[-1]

    def fund(self, transport: Devnet, account: Account, amount: str) -> None:
        transport.fund(account, amount)

    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        return transport.deploy_token(account.network, symbol="TEST", decimals=6, holder=account)

    def test_a_transaction_survives_json_and_a_changed_one_does_not(self) -> None:
        # What is signed begins with zeros on Sui, so that the suite's own change, a zero in front, would be none.
        _, _, payer, payee = self.opened()
        transaction = payer.build(to=payee.address, amount=self.amount)
        text = transaction.to_json()
        again = UnsignedTransaction.from_json(text)
        assert again == transaction
        assert again.to_json() == text
        changed = json.loads(text)
        changed["requests"][0]["preimage"] = "01" + changed["requests"][0]["preimage"][2:]
        refusal(InvalidTransaction, UnsignedTransaction.from_json, json.dumps(changed))
        for broken in ("{}", "[]", '{"multiwallet": 1}', "null", text[:-20]):
            refusal(InputError, UnsignedTransaction.from_json, broken)
        for name, value in (("kind", "secp256r1"), ("kind", None), ("public_key", "00"), ("signatures", ["AA=="])):
            changed = json.loads(text)
            if changed["context"].get(name) != value:
                changed["context"][name] = value
                refusal(InvalidTransaction, UnsignedTransaction.from_json, json.dumps(changed))
        changed = json.loads(text)
        changed["body"] = changed["body"][:-4]
        refusal(MultiwalletError, payer.sign, json.dumps(changed))


class TestSui(_OnTheDevnet):
    network = "sui"


class TestTestnet(_OnTheDevnet):
    network = "sui-testnet"


class TestDevnet(_OnTheDevnet):
    network = "sui-devnet"


class _OfAKind(_OnTheDevnet):
    """The same with keys of another scheme."""

    network = "sui"
    kind: ClassVar[str]

    def opened(self, *, funded: bool = True) -> tuple[Any, Wallet, Account, Account]:
        transport = self.open_transport()
        wallet = Wallet.from_mnemonic(self.mnemonic, transport=transport)
        payer = wallet.account(self.network, index=0, kind=self.kind)
        payee = wallet.account(self.network, index=1, kind=self.kind)
        if funded:
            self.fund(transport, payer, self.funds)
        return transport, wallet, payer, payee

    def test_a_lost_answer_is_uncertain_and_names_the_id(self) -> None:
        # The suite opens the account anew there, with the default kind.
        transport, _, payer, payee = self.opened()
        signed = payer.sign(payer.build(to=payee.address, amount=self.amount))
        transport.lose_answers(self.network)
        assert refusal(BroadcastUncertain, payer.broadcast, signed).txid == signed.txid
        assert payer.wait(signed.txid, timeout=60).status is Status.CONFIRMED


class TestSecp256k1(_OfAKind):
    kind = "secp256k1"


class TestSecp256r1(_OfAKind):
    kind = "secp256r1"
