"""The suite that every family must pass, for Bitcoin Cash and Zcash: over a ledger that checks every byte it is sent.

No engine with their rules can be had here. So this ledger decodes transactions, and verifies signatures over digests
that are held against other implementations elsewhere (test_zcash.py, tests/oracles/test_utxo.py), coins, fees,
consensus branch and expiry. It speaks Blockbook's API.
"""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Transfer, Wallet, network
from multiwallet.chains.bitcoin.addresses import address_of, script_of
from multiwallet.chains.bitcoin.script import pushes_of
from multiwallet.chains.bitcoin.sighash import Sighash
from multiwallet.chains.bitcoin.transaction import Transaction, TxIn, TxOut
from multiwallet.chains.bitcoin.zcash import ZcashSighash, ZcashTransaction
from multiwallet.codec import der
from multiwallet.crypto.hashes import blake2b, hash160, sha256d
from multiwallet.crypto.secp256k1 import verify
from multiwallet.errors import Expired, InputError, InvalidTransaction, MultiwalletError, Rejected, Unsupported
from multiwallet.testing import ChainContract

WORDS = "test test test test test test test test test test test junk"
SIZE_OF_A_KEYS_INPUT, SIZE_OF_AN_OUTPUT = 150, 34


class Ledger:
    """A chain that makes a block of each transaction unless ``hold`` is set. It starts at height 1,000."""

    def __init__(self, name: str, branch: int = 0x5437F330) -> None:
        self.row = network(name)
        self.branch = branch
        self.height = 1_000
        self.hold = False
        self.transactions: dict[str, Transaction] = {}
        self.blocks: dict[str, int] = {}
        self.spent: dict[bytes, str] = {}

    # -- what a test does ------------------------------------------------------------------------

    def fund(self, address: str, units: int) -> str:
        outputs = [TxOut(units, script_of(self.row, address))]
        inputs = [TxIn(len(self.transactions).to_bytes(32, "big") + bytes(4), b"\x51")]
        if self.row.params["sighash"] == "zip244":
            made: Transaction = ZcashTransaction(inputs, outputs, branch=self.branch, expiry=0)
        else:
            made = Transaction(2, inputs, outputs)
        self.transactions[made.txid] = made
        self.mine()
        return made.txid

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.height += 1
            for txid, made in self.transactions.items():
                if not getattr(made, "expiry", 0) or made.expiry >= self.height:
                    self.blocks.setdefault(txid, self.height)

    # -- what it checks --------------------------------------------------------------------------

    def accept(self, raw: bytes) -> str:
        made = Transaction.parse(raw)
        if made.txid in self.transactions:
            raise refusal("-27: transaction already in block chain")
        spent = []
        for txin in made.inputs:
            source = self.transactions.get(txin.outpoint.txid)
            if source is None or self.spent.get(txin.prevout, made.txid) != made.txid:
                raise refusal("-25: Missing inputs")
            spent.append(source.outputs[txin.outpoint.index])
        fee = sum(output.amount for output in spent) - sum(output.amount for output in made.outputs)
        if isinstance(made, ZcashTransaction):
            assert made.branch == self.branch, "wrong consensus branch"
            assert self.height < made.expiry <= self.height + 40
            outputs = sum(len(output.serialize()) for output in made.outputs)
            actions = max(2, len(made.inputs), -(-outputs // SIZE_OF_AN_OUTPUT))
            assert len(raw) <= len(made.inputs) * SIZE_OF_A_KEYS_INPUT + outputs + 26
            assert fee == 5_000 * actions, "the conventional fee of ZIP-317"
        else:
            assert fee >= len(raw), "1 satoshi for a byte"
        for index, (txin, output) in enumerate(zip(made.inputs, spent, strict=True)):
            signature, key = pushes_of(txin.script_sig) or ()
            assert hash160(key) == output.script[3:23]
            assert verify(key, self._digest(made, index, spent, signature[-1]), der.decode(signature[:-1]))
            self.spent[txin.prevout] = made.txid
        self.transactions[made.txid] = made
        if not self.hold:
            self.mine()
        return made.txid

    def _digest(self, made: Transaction, index: int, spent: list[TxOut], hash_type: int) -> bytes:
        if isinstance(made, ZcashTransaction):
            assert hash_type == 1
            preimage = ZcashSighash(made, spent).transparent(index, hash_type)
            return blake2b(preimage[16:], size=32, person=preimage[:16])
        assert hash_type == 0x41, "replay protection"
        output = spent[index]
        return sha256d(Sighash(made).witness_v0(index, output.script, output.amount, hash_type))

    # -- Blockbook -------------------------------------------------------------------------------

    def perform(self, effects: Any) -> list[Any]:
        return [self._outcome(effect) for effect in effects]

    def _outcome(self, effect: Any) -> Any:
        if not hasattr(effect, "path"):  # a Sleep
            return None
        assert effect.service == "blockbook"
        try:
            return self._answer(effect)
        except MultiwalletError as error:
            return error

    def _answer(self, effect: Any) -> Any:
        match effect.path.split("/")[2:]:
            case []:
                consensus = {"chaintip": f"{self.branch:08x}", "nextblock": f"{self.branch:08x}"}
                return {"blockbook": {"bestHeight": self.height}, "backend": {"consensus": consensus}}
            case ["block-index", height]:
                assert int(height) == self.row.params.get("genesis_height", 0)
                return {"blockHash": self.row.params["genesis"]}
            case ["address", address]:
                script = script_of(self.row, address)
                count = sum(
                    any(output.script == script for output in made.outputs)
                    or any(self._output(txin).script == script for txin in made.inputs)
                    for made in self.transactions.values()
                )
                balance = sum(output.amount for _, _, output in self._coins(script))
                return {"address": address, "balance": str(balance), "txs": count}
            case ["utxo", address]:
                found = self._coins(script_of(self.row, address))
                return [
                    {"txid": txid, "vout": number, "value": str(output.amount)}
                    | ({"height": self.blocks[txid]} if txid in self.blocks else {})
                    for txid, number, output in found
                ]
            case ["tx", txid]:
                if txid not in self.transactions:
                    raise refusal(f"Transaction '{txid}' not found")
                return self._transaction(txid)
            case ["estimatefee", _]:
                return {"result": "-1"}
            case ["sendtx", ""]:
                return {"result": self.accept(bytes.fromhex(effect.text))}
        raise AssertionError(effect.path)

    def _output(self, txin: TxIn) -> TxOut:
        source = self.transactions.get(txin.outpoint.txid)
        return TxOut(0, b"") if source is None else source.outputs[txin.outpoint.index]

    def _coins(self, script: bytes) -> list[tuple[str, int, TxOut]]:
        return [
            (txid, number, output)
            for txid, made in self.transactions.items()
            for number, output in enumerate(made.outputs)
            if output.script == script and made.txid_bytes + number.to_bytes(4, "little") not in self.spent
        ]

    def _transaction(self, txid: str) -> dict[str, Any]:
        made = self.transactions[txid]
        spent = [self._output(txin) for txin in made.inputs]
        fee = sum(output.amount for output in spent) - sum(output.amount for output in made.outputs)
        vin = [
            {"txid": txin.outpoint.txid, "vout": 0, "addresses": [address_of(self.row, output.script) or ""]}
            for txin, output in zip(made.inputs, spent, strict=True)
        ]
        block = self.blocks.get(txid)
        place = {"blockHeight": -1} if block is None else {"blockHeight": block}
        return {
            "txid": txid,
            "vin": vin,
            "vout": [],
            "fees": str(max(fee, 0)),
            "hex": made.serialize().hex(),
            "confirmations": 0 if block is None else self.height - block + 1,
            **place,
        }


def refusal(words: str) -> Rejected:
    return Rejected(f"400: {words}", node_code=400, data=f'{{"error":"{words}"}}')


class OnLedger(ChainContract):
    @pytest.fixture(autouse=True)
    def _through_blockbook(self, monkeypatch):
        name = self.network.upper().replace("-", "_")
        monkeypatch.setenv(f"MULTIWALLET_ENDPOINTS_{name}", "blockbook+https://blockbook.example")

    def open_transport(self):
        return Ledger(self.network)

    def fund(self, transport, account, amount):
        transport.fund(account.address, account.network.amount(amount).units)


class TestBitcoinCash(OnLedger):
    network = "bitcoin-cash"
    valid_addresses = (
        "bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6",
        "qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6",
        "BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A",
        "bitcoincash:zr6m7j9njldwwzlg9v7v53unlr4jkmx6eycnjehshe",
        "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq",
        "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
    )
    invalid_addresses = (
        "bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q7",
        "bitcoincash:Qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6",
        "bchtest:qqaz6s295ncfs53m86qj0uw6sl8u2kuw0ymst35fx4",
        "bitcoincash:qgagf7w02x4wnz3mkwnchut2vxphjzccwxgjvvjmlsxqwkcw59jxxuz",
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
        ":",
        "q",
    )


class TestZcash(OnLedger):
    network = "zcash"
    valid_addresses = (
        "t1XVXWCvpMgBvUaed4XDqWtgQgJSu1Ghz7F",
        "t1Uy2cPMA3p5WDggEA1b32PwaaB2nfDssvp",
        "t3Vz22vK5z2LcKEdg16Yv4FFneEL1zg9ojd",
    )
    invalid_addresses = (
        "t1XVXWCvpMgBvUaed4XDqWtgQgJSu1Ghz7G",
        "tmF1xjfhsSzhy55dmhorzTnKjtHhZmPKzts",
        "zs1z7rejlpsa98s2rrrfkwmaxu53e4ue0ulcrw0h4x5g8jl04tak0d3mm47vdtahatqrlkngh9sly",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )


@pytest.fixture
def zcash(monkeypatch):
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_ZCASH", "blockbook+https://blockbook.example")
    ledger = Ledger("zcash")
    with Wallet.from_mnemonic(WORDS, transport=ledger) as wallet:
        yield ledger, wallet


def test_a_zcash_transaction_expires(zcash):
    ledger, wallet = zcash
    account = wallet.account("zcash")
    ledger.fund(account.address, 10**8)
    signed = account.sign(account.build(to=account.address, amount="0.1"))
    assert signed.expiry == ledger.height + 40
    ledger.hold = True
    receipt = account.broadcast(signed)
    assert receipt.expiry == signed.expiry
    assert account.status(signed.txid, expiry=signed.expiry).status.value == "pending"
    ledger.height += 40
    assert account.status(signed.txid, expiry=signed.expiry).status.value == "pending"
    ledger.height += 1
    with pytest.raises(Expired, match="build it anew"):
        receipt.wait()
    ledger.blocks[signed.txid] = signed.expiry
    assert account.status(signed.txid, expiry=signed.expiry).status.value == "confirmed"


def test_a_consensus_branch_that_the_row_does_not_know_is_no_guess(zcash):
    ledger, wallet = zcash
    account = wallet.account("zcash", index=0)
    ledger.fund(account.address, 10**8)
    for known in (0x4DEC4DF0, 0x5437F330, 0x37A5165B):
        ledger.branch = known
        summary = account.build(to=account.address, amount="0.1").summary
        assert summary.details["consensus_branch"] == f"{known:08x}"
        assert summary.details["expiry"] == f"block {ledger.height + 40}"
    ledger.branch = 0x77190AD9
    with pytest.raises(Unsupported, match="77190ad9.*37a5165b"):
        account.build(to=account.address, amount="0.1")


def test_what_zcash_does_not_have_is_said_at_once(zcash):
    ledger, wallet = zcash
    account = wallet.account("zcash", index=0)
    ledger.fund(account.address, 10**8)
    with pytest.raises(Unsupported, match="ZIP-317"):
        account.build(to=account.address, amount="0.1", fee_rate=3)
    with pytest.raises(Unsupported, match="rbf"):
        account.build(to=account.address, amount="0.1", rbf=True)
    with pytest.raises(InputError, match="the kinds are 'p2pkh'"):
        wallet.account("zcash", kind="p2wpkh")
    with pytest.raises(InputError, match="transparent ones"):
        account.build(to="u1" + "q" * 140, amount="0.1")


def test_the_conventional_fee_counts_inputs_and_outputs(zcash):
    ledger, wallet = zcash
    account = wallet.account("zcash", index=0)
    friend = wallet.account("zcash", index=1).address
    for _ in range(5):
        ledger.fund(account.address, 100_000)
    ledger.fund(account.address, 5_000)  # which costs what it is worth
    assert account.build(to=friend, amount="0.0005").fee.expected.units == 10_000
    swept = account.build(to=friend, amount="max")
    assert swept.fee.expected.units == 25_000
    assert account.broadcast(account.sign(swept)).wait().fee.units == 25_000
    ledger.fund(account.address, 10**8)
    many = [Transfer(friend, "0.001") for _ in range(6)]
    assert account.build(*many).fee.expected.units == 35_000  # six, and the change


def test_a_transaction_of_one_network_is_none_of_another(zcash, monkeypatch):
    ledger, wallet = zcash
    account = wallet.account("zcash", index=0)
    ledger.fund(account.address, 10**8)
    built = account.build(to=account.address, amount="0.1")
    signed = account.sign(built)
    for name in ("dash", "dogecoin", "bitcoin", "bitcoin-cash"):
        other = wallet.account(name, index=0, kind="p2pkh")
        with pytest.raises(InvalidTransaction, match="Zcash"):
            other.sign(built.body)
        with pytest.raises(InvalidTransaction, match="Zcash"):
            other.broadcast(signed.raw)


def test_mined_coins_of_zcash_stay_locked():
    from multiwallet.chains.bitcoin.coins import AccountState, Coin
    from multiwallet.chains.bitcoin.scan import is_spendable
    from multiwallet.chains.bitcoin.transaction import OutPoint

    mined = Coin(OutPoint("11" * 32, 0), 5, b"", b"", height=1, coinbase=True)
    assert not is_spendable(mined, AccountState(3_500_000, ()), network("zcash"))
    assert is_spendable(mined, AccountState(241, ()), network("dogecoin"))
    assert not is_spendable(mined, AccountState(239, ()), network("dogecoin"))


def test_a_coin_with_a_token_of_bitcoin_cash_is_not_spent(monkeypatch):
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_BITCOIN_CASH", "blockbook+https://blockbook.example")
    ledger = Ledger("bitcoin-cash")
    with Wallet.from_mnemonic(WORDS, transport=ledger) as wallet:
        account = wallet.account("bch", index=0)
        script = script_of(ledger.row, account.address)
        token = b"\xef" + bytes(32) + b"\x10\x05" + script
        made = Transaction(2, [TxIn(bytes(36), b"\x51")], [TxOut(10**8, token)])
        ledger.transactions[made.txid] = made
        ledger.mine()
        coins = ledger._coins
        ledger._coins = lambda asked: (
            coins(asked)
            + (  # type: ignore[method-assign]  # as an index that sees no tokens
                [(made.txid, 0, made.outputs[0])] if asked == script else []
            )
        )
        with pytest.raises(InputError, match="holds a token.*exclude"):
            account.build(to=account.address, amount="0.5")
        ledger.fund(account.address, 2 * 10**8)
        sent = account.send(to=account.address, amount="0.5", exclude=[f"{made.txid}:0"])
        assert sent.wait().confirmations == 1
