"""For the tests of families, ours or a plug-in's: a scripted transport, and the suite that each must pass.

Import it from a test file, derive from :class:`ChainContract`, and fill in what the docstring names.
It needs pytest, which it does not import before a test runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from . import registry
from .account import Account
from .amounts import Amount, Asset
from .chain import Chain, Network
from .errors import (
    AmountError,
    BadResponse,
    BroadcastUncertain,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    InvalidTransaction,
    MultiwalletError,
    SigningRefused,
    Timeout,
    Unsupported,
)
from .ops import Effect, Outcome, Rest, Rpc, Sleep
from .transactions import SignedTransaction, Status, UnsignedTransaction
from .wallet import Wallet

__all__ = ["ChainContract", "FakeTransport", "refusal"]

E = TypeVar("E", bound=Exception)


class FakeTransport:
    """A transport that answers from a script and remembers what it was asked.

    ``answers`` maps an RPC method or a REST path to its answer: a value, an error of the tree (which
    takes the answer's place), a function of the effect, or a list of these that is used up in order. A
    ``Sleep`` is answered at once. What has no answer is a ``BadResponse``.

    >>> fake = FakeTransport({"eth_chainId": "0x1"})
    >>> fake.perform([Rpc("eip155:1", "eth_chainId"), Rpc("eip155:1", "eth_blockNumber")])
    ['0x1', BadResponse('the script has no answer to eth_blockNumber')]
    """

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers: dict[str, Any] = dict(answers or {})
        self.asked: list[Effect] = []
        self.batches: list[tuple[Effect, ...]] = []
        self.slept: float = 0

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Answer a batch of effects."""
        self.batches.append(tuple(effects))
        return [self._answer(effect) for effect in effects]

    def _answer(self, effect: Effect) -> Outcome:
        self.asked.append(effect)
        if isinstance(effect, Sleep):
            self.slept += effect.seconds
            return None
        if not isinstance(effect, Rpc | Rest):
            raise TypeError(f"a transport does not perform {type(effect).__name__}")
        name = effect.method if isinstance(effect, Rpc) else effect.path
        answer = self.answers.get(name, BadResponse(f"the script has no answer to {name}"))
        if isinstance(answer, list) and answer and isinstance(answer[0], _Script):
            answer = answer.pop(0).answer if len(answer) > 1 else answer[0].answer
        return answer(effect) if callable(answer) else answer

    def script(self, name: str, answers: Iterable[Any]) -> None:
        """Answer a method or path with these in order, and with the last of them ever after."""
        self.answers[name] = [_Script(answer) for answer in answers]


class _Script:
    def __init__(self, answer: Any) -> None:
        self.answer = answer


class _Uncertain:
    """A transport around another one that performs broadcasts and then loses the answer."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        outcomes = self.inner.perform(effects)
        return [
            Timeout("no answer") if getattr(effect, "broadcast", False) else outcome
            for effect, outcome in zip(effects, outcomes, strict=True)
        ]


class ChainContract:
    """What every family must do, as tests. Derive a ``Test...`` class and set:

    * ``network``: the name of a network of the family;
    * ``valid_addresses``: texts that parse, and ``invalid_addresses``: texts that must not;
    * ``amount``: a small amount, as text, that the engine's rules allow to send;
    * ``open_transport()``: a transport whose other end is an engine or a node, and
      ``fund(transport, account, amount)``, which gives an account native coins there;
    * ``deploy_token(transport, account)`` where the family has tokens: an asset of which the account
      holds at least ``token_amount``.
    """

    network: ClassVar[str]
    valid_addresses: ClassVar[Sequence[str]]
    invalid_addresses: ClassVar[Sequence[str]]
    amount: ClassVar[str] = "0.01"
    funds: ClassVar[str] = "5"
    token_amount: ClassVar[str] = "1.5"  # noqa: S105  # an amount of a token
    mnemonic: ClassVar[str] = "test test test test test test test test test test test junk"

    def open_transport(self) -> Any:
        raise NotImplementedError("say how to reach an engine of this family")

    def fund(self, transport: Any, account: Account, amount: str) -> None:
        raise NotImplementedError("say how an account gets coins there")

    def deploy_token(self, transport: Any, account: Account) -> Asset | None:
        return None

    # -- what the tests start from -----------------------------------------------------------------

    @property
    def row(self) -> Network:
        return registry.network(self.network)

    @property
    def chain(self) -> Chain:
        return registry.chain(self.row)

    def opened(self, *, funded: bool = True) -> tuple[Any, Wallet, Account, Account]:
        """A transport, a wallet, a funded account on it and another account to pay."""
        transport = self.open_transport()
        wallet = Wallet.from_mnemonic(self.mnemonic, transport=transport)
        payer, payee = wallet.account(self.network, index=0), wallet.account(self.network, index=1)
        if funded:
            self.fund(transport, payer, self.funds)
        return transport, wallet, payer, payee

    # -- addresses ---------------------------------------------------------------------------------

    def test_valid_addresses_have_one_canonical_form(self) -> None:
        for text in self.valid_addresses:
            canonical = self.chain.parse_address(self.row, text)
            assert self.chain.parse_address(self.row, canonical) == canonical

    def test_invalid_addresses_are_refused_with_a_reason(self) -> None:
        for text in [*self.invalid_addresses, "", " ", "\0", "🪙" * 20, "1" * 5000]:
            error = refusal(InvalidAddress, self.chain.parse_address, self.row, text)
            assert len(error.message) > 10

    def test_accounts_agree_with_single_derivation(self) -> None:
        wallet = Wallet.from_mnemonic(self.mnemonic)
        many = wallet.accounts(self.network, start=2, count=3)
        assert [account.address for account in many] == [
            wallet.account(self.network, index=index).address for index in (2, 3, 4)
        ]
        assert len({account.address for account in many}) == 3
        for account in many:
            assert self.chain.parse_address(self.row, account.address) == account.address
            assert account.id == f"{self.row.id}:{account.address}"

    def test_the_exported_key_opens_the_same_account(self) -> None:
        account = Wallet.from_mnemonic(self.mnemonic).account(self.network, index=1)
        again = Wallet.from_private_key(self.network, account.export_private_key())
        assert again.account(self.network).address == account.address

    # -- building, reading back, signing -----------------------------------------------------------

    def test_the_summary_says_what_was_asked(self) -> None:
        _, _, payer, payee = self.opened()
        transaction = payer.build(to=payee.address, amount=self.amount)
        summary = transaction.summary
        paid = [(a.to, a.amount) for a in summary.actions if a.kind == "transfer"]
        assert paid == [(payee.address, self.row.amount(self.amount))]
        assert summary.network == self.row.id
        assert transaction.fee.expected <= transaction.fee.maximum
        assert summary.fee.maximum <= transaction.fee.maximum
        assert json.loads(json.dumps(summary.to_dict()))["actions"]
        assert payee.address in str(summary)

    def test_a_transaction_survives_json_and_a_changed_one_does_not(self) -> None:
        _, _, payer, payee = self.opened()
        transaction = payer.build(to=payee.address, amount=self.amount)
        text = transaction.to_json()
        again = UnsignedTransaction.from_json(text)
        assert again == transaction
        assert again.to_json() == text
        changed = json.loads(text)
        preimage = changed["requests"][0]["preimage"]
        changed["requests"][0]["preimage"] = ("01" if preimage.startswith("00") else "00") + preimage[2:]
        refusal(InvalidTransaction, UnsignedTransaction.from_json, json.dumps(changed))
        changed = json.loads(text)
        changed["body"] = changed["body"][:-4]
        refusal(MultiwalletError, payer.sign, json.dumps(changed))
        for broken in ("{}", "[]", '{"multiwallet": 1}', "null", text[:-20]):
            refusal(InputError, UnsignedTransaction.from_json, broken)

    def test_signing_is_repeatable_from_json_and_reads_back(self) -> None:
        _, wallet, payer, payee = self.opened()
        transaction = payer.build(to=payee.address, amount=self.amount)
        signed = payer.sign(transaction)
        assert signed.complete
        assert payer.sign(transaction.to_json()).txid == signed.txid
        assert signed.hex() == signed.raw.hex()
        again = self.chain.parse_signed(self.row, signed.to_wire())
        assert (again.raw, again.txid) == (signed.raw, signed.txid)
        del wallet

    def test_a_stranger_does_not_sign(self) -> None:
        _, wallet, payer, payee = self.opened()
        transaction = payer.build(to=payee.address, amount=self.amount)
        refusal(SigningRefused, payee.sign, transaction)
        others = [row for row in registry.networks(family=self.row.family) if row != self.row]
        if others:
            refusal(SigningRefused, wallet.account(others[0], index=0).sign, transaction)

    def test_garbage_is_no_transaction(self) -> None:
        wallet = Wallet.from_mnemonic(self.mnemonic)
        account = wallet.account(self.network, index=0)
        for garbage in ("", "zz", "00", b"", b"\xff" * 40, {}, {"a": 1}, [], None, 7, 1.5, "{", "A" * 100, object()):
            refusal(InputError, account.sign, garbage)
            refusal(InputError, self.chain.parse_signed, self.row, garbage)

    def test_floats_and_inexact_amounts_are_refused(self) -> None:
        _, _, payer, payee = self.opened(funded=False)
        refusal(TypeError, payer.build, to=payee.address, amount=0.1)
        too_fine = "0." + "0" * self.row.decimals + "1"
        for text in (too_fine, "-1", "1e3", "1,5", "", "NaN", "٣", "0"):
            refusal(AmountError, payer.build, to=payee.address, amount=text)
        refusal(InvalidAddress, payer.build, to="nowhere", amount=self.amount)
        refusal(InputError, payer.build, to=payee.address, amount=self.amount, no_such_option=1)

    # -- sending -----------------------------------------------------------------------------------

    def test_a_transfer_arrives_and_costs_what_was_said(self) -> None:
        _, _, payer, payee = self.opened()
        before = payer.balance()
        amount = self.row.amount(self.amount)
        transaction = payer.build(to=payee.address, amount=self.amount)
        signed = payer.sign(transaction)
        receipt = payer.broadcast(signed)
        assert receipt.txid == signed.txid
        done = receipt.wait(timeout=60)
        assert done.status is Status.CONFIRMED
        assert done.confirmations >= 1
        assert payee.balance().total == amount
        spent = before.total - payer.balance().total - amount
        assert spent <= transaction.fee.maximum
        if done.fee is not None:
            assert done.fee == spent

    def test_sending_the_same_bytes_again_is_harmless(self) -> None:
        _, _, payer, payee = self.opened()
        signed = payer.sign(payer.build(to=payee.address, amount=self.amount))
        first = payer.broadcast(signed)
        assert payer.broadcast(signed).txid == first.txid
        assert payer.broadcast(signed.to_wire()).txid == first.txid
        payer.wait(signed.txid, timeout=60)
        assert payee.balance().total == self.row.amount(self.amount)

    def test_a_lost_answer_is_uncertain_and_names_the_id(self) -> None:
        transport, _, payer, payee = self.opened()
        signed = payer.sign(payer.build(to=payee.address, amount=self.amount))
        lossy = Wallet.from_mnemonic(self.mnemonic, transport=_Uncertain(transport)).account(self.network, index=0)
        error = refusal(BroadcastUncertain, lossy.broadcast, signed)
        assert error.txid == signed.txid
        assert payer.wait(signed.txid, timeout=60).status is Status.CONFIRMED

    def test_too_little_money_is_told_in_numbers(self) -> None:
        _, _, payer, payee = self.opened()
        amount = self.row.amount(self.funds) * 1000
        error = refusal(InsufficientFunds, payer.build, to=payee.address, amount=amount)
        assert error.needed is not None
        assert error.available is not None
        assert error.needed >= amount
        assert error.available <= self.row.amount(self.funds)

    def test_a_fee_limit_is_kept(self) -> None:
        _, _, payer, payee = self.opened()
        tiny = Amount(1, self.row.native)
        if payer.quote(to=payee.address, amount=self.amount).maximum > tiny:
            refusal(InputError, payer.build, to=payee.address, amount=self.amount, max_fee=tiny)

    def test_everything_can_be_sent(self) -> None:
        _, _, payer, payee = self.opened()
        before = payer.balance()
        try:
            receipt = payer.send(to=payee.address, amount="max")
        except Unsupported:
            return
        receipt.wait(timeout=60)
        left = payer.balance().total
        assert payee.balance().total + left <= before.total
        assert (left.units - before.locked.units) * 100 <= before.available.units  # a reserve of the chain's stays

    def test_tokens_move(self) -> None:
        transport, _, payer, payee = self.opened()
        token = self.deploy_token(transport, payer)
        if token is None:
            refusal(Unsupported, self.chain.asset_id, self.row, self.valid_addresses[0])
            return
        found = payer.asset(token.id)
        assert (found.id, found.decimals) == (token.id, token.decimals)
        before = payer.balance(token).available
        transaction = payer.build(to=payee.address, amount=self.token_amount, asset=token)
        paid = [(a.to, a.amount) for a in transaction.summary.actions if a.kind == "transfer"]
        assert paid == [(payee.address, Amount.parse(self.token_amount, token))]
        payer.broadcast(payer.sign(transaction)).wait(timeout=60)
        assert payee.balance(token.id).available == Amount.parse(self.token_amount, token)
        assert payer.balance(token).available == before - Amount.parse(self.token_amount, token)

    # -- messages, batches, foreign nodes ----------------------------------------------------------

    def test_messages_verify_and_changed_ones_do_not(self) -> None:
        wallet = Wallet.from_mnemonic(self.mnemonic)
        account, other = wallet.account(self.network, index=0), wallet.account(self.network, index=1)
        try:
            signature = account.sign_message("hello")
        except Unsupported:
            return
        assert account.verify_message("hello", signature)
        assert not account.verify_message("hello!", signature)
        assert not other.verify_message("hello", signature)
        for broken in ("", "zz", signature[:-4], signature[::-1], b"", b"\0" * 65):
            assert not account.verify_message("hello", broken)

    def test_a_batch_gives_what_signing_one_by_one_gives(self) -> None:
        _, _, payer, payee = self.opened()
        transactions = [payer.build(to=payee.address, amount=self.amount) for _ in range(3)]
        bad: list[Any] = ["garbage", None, 1.5]
        for threads in (1, 2):
            results = list(payer.sign_batch([*transactions, *bad, transactions[0]], threads=threads))
            assert [isinstance(result, SignedTransaction) for result in results] == [True] * 3 + [False] * 3 + [True]
            assert all(isinstance(result, MultiwalletError) for result in results[3:6])
            if self.chain.curve == "ed25519" or self.row.family != "bitcoin":  # BIP-340 signatures are random
                assert [r.txid for r in results[:3] if isinstance(r, SignedTransaction)] == [
                    payer.sign(transaction).txid for transaction in transactions
                ]

    def test_a_node_of_another_chain_is_noticed(self) -> None:
        fake = FakeTransport()
        wallet = Wallet.from_mnemonic(self.mnemonic, transport=fake)
        answer: Any
        for answer in ("<html>", None, {}, [], "0xdeadbeef", 12345, True):
            fake.answers = _Always(answer)
            refusal(MultiwalletError, wallet.account(self.network, index=0).balance)


class _Always(dict[str, Any]):
    """Every name has the same answer."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def get(self, name: str, default: Any = None) -> Any:
        return self.answer


def refusal(kind: type[E], call: Callable[..., Any], *args: Any, **named: Any) -> E:
    """Call something that must raise an error of a kind, and return the error."""
    try:
        result = call(*args, **named)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected, and the answer was {result!r}")
