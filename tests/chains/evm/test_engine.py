"""The whole way on a real virtual machine: py-evm, which recovers the sender and executes what was signed."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import ops
from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Options, Payment, Status
from multiwallet.codec import abi
from multiwallet.errors import BadResponse, InsufficientFunds, InvalidAddress, Rejected, Reverted

eth_tester = pytest.importorskip("eth_tester", reason="the devnet extra (eth-tester, py-evm) is not installed")
web3 = pytest.importorskip("web3", reason="web3 is not installed")

CHAIN_ID = 131277322940537  # fixed by eth-tester
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OPCODES = {
    "add": 0x01, "sub": 0x03, "lt": 0x10, "eq": 0x14, "shr": 0x1C, "caller": 0x33, "calldataload": 0x35,
    "codecopy": 0x39, "mstore": 0x52, "sload": 0x54, "sstore": 0x55, "jump": 0x56, "jumpi": 0x57,
    "jumpdest": 0x5B, "dup1": 0x80, "return": 0xF3, "revert": 0xFD,
}  # fmt: skip


def assemble(program: str) -> bytes:
    """A few EVM opcodes: numbers are pushed, ``name:`` is a jump target and ``@name`` pushes its place."""
    code, places, holes = bytearray(), {}, {}
    for word in program.split():
        if word.endswith(":"):
            places[word[:-1]] = len(code)
            code.append(OPCODES["jumpdest"])
        elif word.startswith("@"):
            holes[len(code) + 1] = word[1:]
            code += b"\x61\0\0"
        elif word in OPCODES:
            code.append(OPCODES[word])
        else:
            number = int(word, 0)
            raw = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
            code += bytes((0x5F + len(raw),)) + raw
    for at, name in holes.items():
        code[at : at + 2] = places[name].to_bytes(2, "big")
    return bytes(code)


# A token that keeps each balance in the storage slot of its owner's address.
TOKEN = assemble(
    f"""0 calldataload 224 shr
    dup1 0x95d89b41 eq @symbol jumpi  dup1 0x313ce567 eq @decimals jumpi
    dup1 0x70a08231 eq @balance jumpi  dup1 0xa9059cbb eq @transfer jumpi
    fail: 0 0 revert
    symbol: {0x5454 << 240} @answer jump
    decimals: 6 @answer jump
    balance: 4 calldataload sload @answer jump
    transfer: 36 calldataload caller sload lt @fail jumpi
    36 calldataload caller sload sub caller sstore
    36 calldataload 4 calldataload sload add 4 calldataload sstore
    1 @answer jump
    answer: 0 mstore 32 0 return"""
)
SUPPLY = 10**12


def creation(code: bytes) -> bytes:
    """The deployment of ``code``: the creator gets the whole supply."""
    for size in range(20, 60):
        head = assemble(f"{SUPPLY} caller sstore {len(code)} {size} 0 codecopy {len(code)} 0 return")
        if len(head) == size:
            return head + code
    raise AssertionError("no head fits")


class Engine:
    """py-evm behind the effects that adapters yield."""

    def __init__(self) -> None:
        self.tester = eth_tester.EthereumTester(eth_tester.PyEVMBackend())
        self.manager = web3.Web3(web3.EthereumTesterProvider(self.tester)).manager

    def perform(self, effects: Any) -> list[Any]:
        return [self._one(effect) for effect in effects]

    def _one(self, effect: Any) -> Any:
        if isinstance(effect, ops.Sleep):
            return None
        try:
            return plain(self.manager.request_blocking(effect.method, list(effect.params)))
        except web3.exceptions.TransactionNotFound:
            return None
        except Exception as error:  # the engine raises its refusals, each of a type of its own
            return Rejected(f"{type(error).__name__}: {error}", data=getattr(error, "data", None))

    def run(self, operation: Any) -> Any:
        return ops.run(operation, self.perform)


def plain(value: Any) -> Any:
    """What the engine answers in Python values, as JSON-RPC writes it."""
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return {name: plain(item) for name, item in dict(value).items()}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def funded(engine: Engine, keys_of: Any, networks: Any) -> Any:
    import secrets

    keys = keys_of(secrets.token_bytes(32), networks(CHAIN_ID))
    rich = engine.tester.get_accounts()[0]
    engine.tester.send_transaction({"from": rich, "to": keys.holder.address, "value": 10**18, "gas": 21000})
    return keys


def finish(keys: Any, engine: Engine, unsigned: Any) -> Any:
    signed = keys.sign(unsigned)
    network = keys.holder.network
    assert engine.run(keys.evm.broadcast(network, signed)).txid == signed.txid
    return engine.run(keys.evm.wait(network, signed.txid))


def test_identify(funded: Any, engine: Engine) -> None:
    engine.run(funded.evm.identify(funded.holder.network))


# Not type 0: the engine's chain id is too large for the v that EIP-155 makes of it.
@pytest.mark.parametrize("options", [{}, {"type": 1}], ids=["type 2", "type 1"])
def test_the_coin(funded: Any, engine: Engine, options: dict[str, Any]) -> None:
    coin = funded.holder.network.native
    payment = Payment(TO, Amount(10**15, coin))
    unsigned = engine.run(funded.evm.build(funded.holder, (payment,), Options(native=options)))
    before = engine.run(funded.evm.balance(funded.holder, coin)).available
    receipt = finish(funded, engine, unsigned)
    assert receipt.status is Status.CONFIRMED
    assert receipt.fee <= unsigned.fee.maximum
    after = engine.run(funded.evm.balance(funded.holder, coin)).available
    assert before - after == receipt.fee + payment.amount


def test_all_of_the_coin(funded: Any, engine: Engine) -> None:
    coin = funded.holder.network.native
    payment = Payment(TO, Amount(0, coin), everything=True)
    unsigned = engine.run(funded.evm.build(funded.holder, (payment,), Options()))
    receipt = finish(funded, engine, unsigned)
    left = engine.run(funded.evm.balance(funded.holder, coin)).available
    assert left == unsigned.fee.maximum - receipt.fee


def test_a_token(funded: Any, engine: Engine) -> None:
    evm, holder, network = funded.evm, funded.holder, funded.holder.network
    deploy = {
        "to": None, "data": creation(TOKEN), "gas": 10**6, "nonce": 0,
        "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9,
    }  # fmt: skip
    receipt = finish(funded, engine, evm.adopt(holder, deploy))
    contract = engine.tester.get_transaction_receipt(receipt.txid)["contract_address"]
    asset = engine.run(evm.asset(network, contract))
    assert (asset.symbol, asset.decimals) == ("TT", 6)
    assert engine.run(evm.balance(holder, asset)).available.units == SUPPLY
    built = engine.run(evm.build(holder, (Payment(TO, Amount.parse("1.5", asset)),), Options()))
    assert finish(funded, engine, built).status is Status.CONFIRMED
    assert engine.run(evm.balance(holder, asset)).available.units == SUPPLY - 1500000
    with pytest.raises(InsufficientFunds):
        engine.run(evm.build(holder, (Payment(TO, Amount(SUPPLY, asset)),), Options()))
    # A batch by template, each mined in its turn.
    template = evm.template(
        holder, nonce=2, gas=100000, max_fee_per_gas=10**10, max_priority_fee_per_gas=10**9, asset=asset
    )
    for row in template.fill([(TO, "0.5"), (TO, 7), (TO, 10**6)]):
        signed = funded.batch(row)
        engine.run(evm.broadcast(network, signed))
        assert engine.run(evm.status(network, signed.txid)).status is Status.CONFIRMED
    everything = engine.run(evm.build(holder, (Payment(TO, Amount(0, asset), everything=True),), Options()))
    finish(funded, engine, everything)
    assert engine.run(evm.balance(holder, asset)).total.units == 0
    # What the contract refuses is found out before signing, and reported when it was sent all the same.
    call = abi.encode_call("transfer(address,uint256)", [TO, 1])
    data = Payment(contract, Amount(0, network.native))
    with pytest.raises(Reverted):
        engine.run(evm.build(holder, (data,), Options(native={"data": call})))
    stubborn = engine.run(evm.build(holder, (data,), Options(native={"data": call, "gas": 100000})))
    signed = funded.sign(stubborn)
    engine.run(evm.broadcast(network, signed))
    receipt = engine.run(evm.status(network, signed.txid))
    assert receipt.status is Status.FAILED
    with pytest.raises(Reverted):
        engine.run(evm.wait(network, signed.txid))


def test_no_contract(funded: Any, engine: Engine) -> None:
    with pytest.raises(InvalidAddress):
        engine.run(funded.evm.asset(funded.holder.network, TO))
    token = Asset(funded.evm.asset_id(funded.holder.network, TO), "X", 0)
    with pytest.raises(BadResponse):
        engine.run(funded.evm.balance(funded.holder, token))


def test_an_unknown_transaction(funded: Any, engine: Engine) -> None:
    receipt = engine.run(funded.evm.status(funded.holder.network, "0x" + "12" * 32))
    assert receipt.status is Status.UNKNOWN
