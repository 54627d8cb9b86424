"""libbitcoinkernel, Bitcoin Core's consensus code, on regtest: it takes blocks and checks scripts."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any, Final

from ...chains.bitcoin.transaction import Transaction, TxOut
from ...errors import ChainError, MissingExtra

__all__ = ["Kernel"]

_REFUSAL: Final = "Block validation error: "


class Kernel:
    """One regtest chain. Its data directory is temporary and goes with :meth:`close`.

    Hashes are 32 raw bytes, in the order in which they stand in headers.
    """

    def __init__(self) -> None:
        try:
            import pbk  # type: ignore[import-untyped]  # ships no py.typed
            from pbk.script import PrecomputedTransactionData  # type: ignore[import-untyped]  # the same
        except ModuleNotFoundError as error:
            raise MissingExtra(
                'the Bitcoin engine is py-bitcoinkernel: pip install "multiwallet-sdk[devnet]"', extra="devnet"
            ) from error

        self._pbk: Any = pbk
        self._precompute: Any = PrecomputedTransactionData
        self._refusal = ""
        self._folder = TemporaryDirectory(prefix="multiwallet-bitcoin-", ignore_cleanup_errors=True)
        # The reason of a refusal is told in the log alone, which goes to whoever connects to it.
        self._log: Any = pbk.LoggingConnection(self._read_log)
        options = pbk.ContextOptions()
        options.set_chainparams(pbk.ChainParameters(pbk.ChainType.REGTEST))
        context = pbk.Context(options)
        place = self._folder.name
        settings = pbk.ChainstateManagerOptions(context, place, f"{place}/blocks")
        settings.update_block_tree_db_in_memory(True)
        settings.update_chainstate_db_in_memory(True)
        settings.set_worker_threads_num(0)
        self._chainstate: Any = pbk.ChainstateManager(settings)
        self._chain: Any = self._chainstate.get_active_chain()

    def _read_log(self, line: str) -> None:
        position = line.find(_REFUSAL)
        if position >= 0:
            self._refusal = line[position + len(_REFUSAL) :].strip()

    @property
    def height(self) -> int:
        """The height of the tip."""
        return int(self._chain.height)

    @property
    def tip(self) -> bytes:
        """The hash of the tip."""
        return bytes(self._chain.block_tree_entries[self._chain.height].block_hash)

    @property
    def genesis(self) -> bytes:
        """The bytes of regtest's first block."""
        return bytes(self._chainstate.blocks[self._chain.block_tree_entries[0]])

    def submit(self, block: bytes) -> str:
        """Hand over a block. Returns why it was refused, or the empty text.

        The empty text does not mean that the block is the tip: a branch that is no longer than the active
        chain is stored and not connected. Compare :attr:`tip`.
        """
        self._refusal = ""
        try:
            self._chainstate.process_block(self._pbk.Block(block))
        except (self._pbk.ProcessBlockException, RuntimeError) as error:
            return self._refusal or str(error)
        return self._refusal

    def verify(self, transaction: Transaction, spent: Sequence[TxOut]) -> int | None:
        """Run the scripts of all inputs with every consensus rule; the index of the first that fails, or None."""
        pbk = self._pbk
        checked = pbk.Transaction(transaction.serialize())
        scripts = [pbk.ScriptPubkey(output.script) for output in spent]
        outputs = [pbk.TransactionOutput(script, output.amount) for script, output in zip(scripts, spent, strict=True)]
        data = self._precompute(checked, outputs)
        rules = pbk.ScriptVerificationFlags.ALL
        for index, (script, output) in enumerate(zip(scripts, spent, strict=True)):
            if not script.verify(output.amount, checked, data, index, rules):
                return index
        return None

    def check_tip(self, expected: bytes) -> None:
        """Make sure that the engine's tip is the expected block; ChainError when it is not."""
        if self.tip != expected:
            raise ChainError(f"the Bitcoin engine refused a block of the devnet: {self._refusal or 'no reason given'}")

    def close(self) -> None:
        """Stop the engine and remove its directory."""
        self._chain = self._chainstate = self._log = None
        self._folder.cleanup()
