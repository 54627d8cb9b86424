"""A Solana node for these tests: the JSON-RPC calls of a wallet, answered by LiteSVM (the real virtual machine)."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Holder, Network, Options, Payment
from multiwallet.chains.solana import Solana
from multiwallet.errors import MultiwalletError, Rejected
from multiwallet.ops import Effect, Outcome, Rpc, run
from multiwallet.transactions import SignedTransaction, UnsignedTransaction

litesvm = pytest.importorskip("solders.litesvm", reason="the SVM engine comes with the extra 'solana'")

from solders.account import Account  # noqa: E402  # after the check that it is there
from solders.keypair import Keypair  # noqa: E402
from solders.pubkey import Pubkey  # noqa: E402
from solders.signature import Signature  # noqa: E402
from solders.transaction import VersionedTransaction  # noqa: E402
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo  # noqa: E402

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")


def error_json(error: Any) -> Any:
    """A solders error as JSON-RPC writes it."""
    name = type(error).__name__
    if name == "TransactionErrorInstructionError":
        inner = error.err
        custom = type(inner).__name__ == "InstructionErrorCustom"
        return {"InstructionError": [error.index, {"Custom": inner.code} if custom else str(inner).rsplit(".", 1)[-1]]}
    if name == "TransactionErrorInsufficientFundsForRent":
        return {"InsufficientFundsForRent": {"account_index": error.account_index}}
    return str(error).rsplit(".", 1)[-1]


class Node:
    """Answers effects; ``calls`` keeps what was asked."""

    def __init__(self) -> None:
        self.svm = litesvm.LiteSVM()
        self.height = 1
        self.others: list[Pubkey] = []
        self.calls: list[Rpc] = []
        self.fees = [0, 0, 7_000, 9_000]

    def __call__(self, effects: Sequence[Effect]) -> list[Outcome]:
        return [self.answer(effect) for effect in effects]

    def answer(self, effect: Effect) -> Outcome:
        assert isinstance(effect, Rpc)
        self.calls.append(effect)
        json.dumps(effect.params)  # what goes out is plain JSON
        try:
            return getattr(self, effect.method)(*effect.params)
        except MultiwalletError as error:
            return error

    def getGenesisHash(self) -> str:  # the names of the JSON-RPC
        return GENESIS

    def getBlockHeight(self, settings: Any = None) -> int:
        return self.height

    def getLatestBlockhash(self, settings: Any = None) -> Any:
        content = {"blockhash": str(self.svm.latest_blockhash()), "lastValidBlockHeight": self.height + 150}
        return {"context": {"slot": self.height}, "value": content}

    def getBalance(self, address: str, settings: Any = None) -> Any:
        return {"context": {"slot": 1}, "value": self.svm.get_balance(Pubkey.from_string(address)) or 0}

    def getMinimumBalanceForRentExemption(self, size: int) -> int:
        return int(self.svm.minimum_balance_for_rent_exemption(size))

    def getRecentPrioritizationFees(self, addresses: list[str]) -> Any:
        return [{"slot": n, "prioritizationFee": fee} for n, fee in enumerate(self.fees)]

    def getAccountInfo(self, address: str, settings: Any) -> Any:
        assert settings["encoding"] == "base64"
        account = self.svm.get_account(Pubkey.from_string(address))
        return {"context": {"slot": 1}, "value": None if account is None else self.account(account)}

    def account(self, account: Account) -> Any:
        data = [base64.b64encode(account.data).decode(), "base64"]
        return {
            "lamports": account.lamports,
            "owner": str(account.owner),
            "data": data,
            "executable": account.executable,
            "rentEpoch": 0,
        }

    def getTokenAccountsByOwner(self, owner: str, where: Any, settings: Any) -> Any:
        mint, key = Pubkey.from_string(where["mint"]), Pubkey.from_string(owner)
        places = [self.associated(key, mint, program) for program in (TOKEN, TOKEN_2022)]
        found = []
        for address in dict.fromkeys([*places, *self.others]):
            account = self.svm.get_account(address)
            if account and account.data[:64] == bytes(mint) + bytes(key):
                found.append({"pubkey": str(address), "account": self.account(account)})
        return {"context": {"slot": 1}, "value": found}

    def simulateTransaction(self, wire: str, settings: Any) -> Any:
        assert settings["sigVerify"] is False
        self.svm.with_sigverify(False)
        try:
            result = self.svm.simulate_transaction(VersionedTransaction.from_bytes(base64.b64decode(wire)))
        finally:
            self.svm.with_sigverify(True)
        meta = result.meta() if callable(result.meta) else result.meta
        error = None if isinstance(result, SimulatedTransactionInfo) else error_json(result.err())
        value = {"err": error, "logs": meta.logs(), "unitsConsumed": meta.compute_units_consumed()}
        return {"context": {"slot": 1}, "value": value}

    def sendTransaction(self, wire: str, settings: Any) -> Any:
        result = self.svm.send_transaction(VersionedTransaction.from_bytes(base64.b64decode(wire)))
        if isinstance(result, FailedTransactionMetadata):
            data = {"err": error_json(result.err()), "logs": result.meta().logs()}
            raise Rejected("Transaction simulation failed", node_code=-32002, data=data)
        return str(result.signature())

    def getSignatureStatuses(self, txids: list[str], settings: Any) -> Any:
        entries = []
        for txid in txids:
            found = self.svm.get_transaction(Signature.from_string(txid))
            error = error_json(found.err()) if isinstance(found, FailedTransactionMetadata) else None
            entry = {"slot": 5, "confirmations": None, "err": error, "confirmationStatus": "finalized"}
            entries.append(None if found is None else entry)
        return {"context": {"slot": 6}, "value": entries}

    def getTransaction(self, txid: str, settings: Any) -> Any:
        found = self.svm.get_transaction(Signature.from_string(txid))
        meta = found.meta() if isinstance(found, FailedTransactionMetadata) else found
        return {"slot": 5, "meta": {"err": None, "fee": meta.fee(), "logMessages": meta.logs()}}

    # -- what tests set up ---------------------------------------------------------------------

    def fund(self, address: str, lamports: int) -> None:
        self.svm.airdrop(Pubkey.from_string(address), lamports)

    def mint(self, decimals: int, program: Pubkey = TOKEN, extensions: bytes = b"") -> str:
        """A new mint, laid down as the token program writes it."""
        address = Keypair().pubkey()
        data = bytes(36) + (10**18).to_bytes(8, "little") + bytes((decimals, 1)) + bytes(36)
        if extensions:
            data += bytes(83) + b"\1" + extensions
        self.svm.set_account(address, Account(10**9, data, program))
        return str(address)

    def give(
        self, mint: str, owner: str, units: int, program: Pubkey = TOKEN, *, address: Pubkey | None = None
    ) -> Pubkey:
        """A token account with some tokens: the associated one unless another address is named."""
        key, token = Pubkey.from_string(owner), Pubkey.from_string(mint)
        address = address or self.associated(key, token, program)
        data = bytes(token) + bytes(key) + units.to_bytes(8, "little") + bytes(36) + b"\1" + bytes(12 + 8 + 36)
        if program == TOKEN_2022:  # type of account, then ImmutableOwner
            data += b"\2" + b"\7\0\0\0"
        self.svm.set_account(address, Account(10**9, data, program))
        self.others.append(address)
        return address

    def associated(self, owner: Pubkey, mint: Pubkey, program: Pubkey) -> Pubkey:
        return Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ASSOCIATED)[0]

    def tokens(self, address: Pubkey) -> int:
        return int.from_bytes(self.svm.get_account(address).data[64:72], "little")


class Wallet:
    """A keypair, its holder, and the steps from payments to a receipt."""

    def __init__(self, network: Network, node: Node, keypair: Keypair | None = None) -> None:
        self.keypair = keypair or Keypair()
        self.network = network
        self.node = node
        self.chain = Solana()
        self.holder = Holder(network, str(self.keypair.pubkey()), bytes(self.keypair.pubkey()))
        self.address = self.holder.address

    def build(
        self, *payments: tuple[str, int | str] | tuple[str, int | str, Asset], **options: Any
    ) -> UnsignedTransaction:
        made = []
        for to, units, *asset in payments:
            of = asset[0] if asset else self.network.native
            made.append(Payment(to, Amount(0 if units == "max" else int(units), of), units == "max"))
        common = {name: options.pop(name) for name in ("speed", "max_fee", "memo") if name in options}
        return run(self.chain.build(self.holder, tuple(made), Options(native=options, **common)), self.node)

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        requests = self.chain.authorize(self.holder, transaction)
        pairs = [(request, bytes(self.keypair.sign_message(request.message))) for request in requests]
        return self.chain.assemble(transaction, pairs)

    def send(self, signed: SignedTransaction) -> Any:
        return run(self.chain.broadcast(self.network, signed), self.node)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def network() -> Network:
    return Network(
        id="solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        name="solana",
        family="solana",
        title="Solana",
        symbol="SOL",
        decimals=9,
        slip44=501,
        params={"genesis": GENESIS},
    )


@pytest.fixture
def wallet(network: Network, node: Node) -> Wallet:
    wallet = Wallet(network, node)
    node.fund(wallet.address, 10**10)
    return wallet


@pytest.fixture(scope="session")
def vectors() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((VECTORS / "solana_transactions.json").read_text("utf-8"))
    return loaded
