"""The suite that every family must pass, for networks whose transactions are Bitcoin's old ones: on the devnet's engine.

Dogecoin through Esplora and through Blockbook, Dash through the RPC of Bitcoin Core. Their signatures, and so what the
engine (libbitcoinkernel) checks, are those of Bitcoin.
"""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chains.bitcoin import esplora
from multiwallet.devnet import Devnet
from multiwallet.errors import MultiwalletError, Rejected
from multiwallet.ops import Rest
from multiwallet.testing import ChainContract


class Blockbook:
    """Blockbook's REST API, version 2, as its documentation has it, from what the devnet's Esplora answers.

    A transport: answers effects for the service ``blockbook`` and hands all others to the devnet."""

    def __init__(self, devnet: Devnet, **backend: Any) -> None:
        self.devnet = devnet
        self.backend = backend
        self.asked: list[str] = []

    def perform(self, effects: Any) -> list[Any]:
        return [self._perform(effect) for effect in effects]

    def _perform(self, effect: Any) -> Any:
        if not isinstance(effect, Rest) or effect.service != "blockbook":
            return self.devnet.perform([effect])[0]
        self.asked.append(effect.path)
        try:
            return self._answer(effect)
        except MultiwalletError as error:
            return error

    def _esplora(self, effect: Rest, path: str, method: str = "GET", **more: Any) -> Any:
        (answer,) = self.devnet.perform([Rest(effect.network, method, path, **more)])
        if isinstance(answer, MultiwalletError):
            raise answer
        return answer

    def _answer(self, effect: Rest) -> Any:
        parts = effect.path.split("/")[2:]
        assert effect.path.startswith("api/v2")
        if not parts:
            height = self._esplora(effect, "blocks/tip/height")
            return {"blockbook": {"bestHeight": height}, "backend": {"blocks": height, **self.backend}}
        match parts:
            case ["block-index", height]:
                return {"blockHash": self._esplora(effect, f"block-height/{height}", expect="text")}
            case ["address", address]:
                assert effect.query == {"details": "basic"}
                stated = self._esplora(effect, f"address/{address}")
                chain, waiting = stated["chain_stats"], stated["mempool_stats"]
                answer: dict[str, Any] = {
                    "address": stated["address"],
                    "balance": str(chain["funded_txo_sum"] - chain["spent_txo_sum"]),
                    "txs": chain["tx_count"],
                }
                return answer | ({"unconfirmedTxs": waiting["tx_count"]} if waiting["tx_count"] else {})
            case ["utxo", address]:
                return [self._output(effect, item) for item in self._esplora(effect, f"address/{address}/utxo")]
            case ["tx", txid]:
                return self._transaction(effect, txid)
            case ["estimatefee", _]:
                return {"result": "0.00002"}
            case ["sendtx", ""]:
                assert effect.method == "POST"
                assert effect.broadcast
                return {"result": self._send(effect)}
        raise AssertionError(effect.path)

    def _send(self, effect: Rest) -> Any:
        try:
            return self._esplora(effect, "tx", "POST", text=effect.text, expect="text", broadcast=True)
        except Rejected as error:
            code, words = esplora.refusal(error)
            raise Rejected(f"400: {code}: {words}", node_code=400, data=f'{{"error":"{code}: {words}"}}') from error

    def _output(self, effect: Rest, item: Any) -> dict[str, Any]:
        answer = {"txid": item["txid"], "vout": item["vout"], "value": str(item["value"])}
        if item["status"]["confirmed"]:
            answer["height"] = item["status"]["block_height"]
        return answer

    def _transaction(self, effect: Rest, txid: str) -> dict[str, Any]:
        try:
            stated = self._esplora(effect, f"tx/{txid}")
        except Rejected as error:
            words = f"Transaction '{txid}' not found"
            raise Rejected(f"400: {words}", node_code=400, data=f'{{"error":"{words}"}}') from error
        tip = self._esplora(effect, "blocks/tip/height")
        vin = []
        for entry in stated["vin"]:
            if entry["is_coinbase"]:
                vin.append({"n": 0, "coinbase": entry["scriptsig"]})
            else:
                address = entry["prevout"].get("scriptpubkey_address")
                known = {"addresses": [address]} if address else {}
                vin.append(
                    {"txid": entry["txid"], "vout": entry["vout"], "value": str(entry["prevout"]["value"]), **known}
                )
        vout = []
        for number, output in enumerate(stated["vout"]):
            item: dict[str, Any] = {"n": number, "value": str(output["value"]), "hex": output["scriptpubkey"]}
            if effect.query.get("spending") == "true":
                spent = self._esplora(effect, f"tx/{txid}/outspend/{number}")
                if spent["spent"]:
                    item |= {"spent": True, "spentTxId": spent["txid"], "spentIndex": spent["vin"]}
                    if spent["status"]["confirmed"]:
                        item["spentHeight"] = spent["status"]["block_height"]
            vout.append(item)
        answer = {
            "txid": txid,
            "vin": vin,
            "vout": vout,
            "fees": str(stated["fee"]),
            "hex": self._esplora(effect, f"tx/{txid}/hex", expect="text"),
        }
        if stated["status"]["confirmed"]:
            height = stated["status"]["block_height"]
            return answer | {"blockHeight": height, "confirmations": tip - height + 1}
        return answer | {"blockHeight": -1, "confirmations": 0}


class OnDevnet(ChainContract):
    endpoint: str
    devnet: Any = None

    @pytest.fixture(autouse=True)
    def _closed(self, monkeypatch):
        monkeypatch.setenv(f"MULTIWALLET_ENDPOINTS_{self.network.upper()}", self.endpoint)
        yield
        if self.devnet is not None:
            self.devnet.close()

    def open_transport(self):
        self.devnet = Devnet()
        return self.devnet

    def fund(self, transport, account, amount):
        self.devnet.fund(account, amount)


class TestDogecoin(OnDevnet):
    network = "dogecoin"
    endpoint = "https://esplora.example/api"
    valid_addresses = (
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
        "DGEX9JsfNuCCA3ovxAmUSM1GCea1BpY4Et",
        "9sLa1AKzjWuNTe1CkLh5GDYyRP9enb1Spp",
    )
    invalid_addresses = (
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgD",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )
    amount = "0.5"
    funds = "20"


class TestDogecoinThroughBlockbook(TestDogecoin):
    endpoint = "blockbook+https://blockbook.example"

    def open_transport(self):
        self.devnet = Devnet()
        return Blockbook(self.devnet)


class TestDash(OnDevnet):
    network = "dash"
    endpoint = "core+http://127.0.0.1:9998"
    valid_addresses = ("XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5", "XmnGSJav3CWVmzDv5U68k7XT9rRPqyavtE")
    invalid_addresses = (
        "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf6",
        "yRd4FhXfVGHXpsuZXPNkMrfD9GVj46pnjt",
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
        "",
    )


def test_a_whole_account_spends_its_own_change_through_blockbook(monkeypatch):
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_DOGECOIN", "blockbook+https://blockbook.example")
    words = "test test test test test test test test test test test junk"
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(words, transport=Blockbook(devnet)) as wallet:
        account, friend = wallet.account("dogecoin"), wallet.account("dogecoin", account=1)
        devnet.fund(account, "30")
        devnet.fund(account, "12")
        first = account.send(to=friend.address, amount="5")
        assert first.txid in {account.status(first.txid).txid}
        assert account.status(first.txid).status.value == "pending"
        assert friend.balance().pending.text == "5"
        again = account.send(to=friend.address, amount="7")  # of the change that is not confirmed
        devnet.mine("dogecoin", 1)
        for receipt in (first, again):
            found = receipt.wait()
            assert found.confirmations == 1
            assert found.fee is not None
            assert found.fee.units >= 1_000_000 * 190 // 1000  # 0.01 DOGE for 1,000 bytes
        assert friend.balance().available.text == "12"
        assert account.status("ab" * 32).status.value == "unknown"
