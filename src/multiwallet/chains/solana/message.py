"""Solana messages and transactions: compiled from instructions, read strictly, written back.

A *message* is what is signed; a *transaction* is a compact array of signatures followed by the message. The
legacy form and version 0 (with address lookup tables) are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ...codec import base58, shortvec
from ...codec.reader import Reader
from ...errors import InputError, InvalidTransaction

__all__ = [
    "PACKET_SIZE",
    "Account",
    "CompiledInstruction",
    "Instruction",
    "Lookup",
    "LookupTable",
    "Message",
    "compile_message",
    "encode_transaction",
    "parse_message",
    "parse_transaction",
    "starts_with_message",
]

PACKET_SIZE: Final = 1232
"""The most bytes that a transaction may have on the wire: an IPv6 packet less its headers."""
_VERSION_0: Final = 0x80


class Account(NamedTuple):
    """One account that an instruction names: its 32-byte key and what the instruction may do with it."""

    key: bytes
    signer: bool
    writable: bool


class Instruction(NamedTuple):
    """A call of a program, before compilation."""

    program: bytes
    accounts: tuple[Account, ...]
    data: bytes


class CompiledInstruction(NamedTuple):
    """A call of a program within a message: accounts are positions in the message's list of accounts."""

    program: int
    accounts: bytes
    data: bytes


class Lookup(NamedTuple):
    """Accounts that a version 0 message takes from a table on chain: the table's key, and positions in it."""

    table: bytes
    writable: bytes
    readonly: bytes


class LookupTable(NamedTuple):
    """A table on chain, as far as its content is known."""

    key: bytes
    addresses: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message, taken apart. ``version`` is None for the legacy form."""

    version: int | None
    required_signatures: int
    readonly_signed: int
    readonly_unsigned: int
    keys: tuple[bytes, ...]
    blockhash: bytes
    instructions: tuple[CompiledInstruction, ...]
    lookups: tuple[Lookup, ...] = ()

    @property
    def payer(self) -> bytes:
        """The key of the account that pays the fee, the first signer."""
        return self.keys[0]

    @property
    def signers(self) -> tuple[bytes, ...]:
        """The keys whose signatures the transaction needs, in the order of the signatures."""
        return self.keys[: self.required_signatures]

    @property
    def wire_size(self) -> int:
        """The bytes of the whole transaction."""
        signatures = self.required_signatures
        return len(shortvec.encode(signatures)) + 64 * signatures + len(self.to_bytes())

    def is_writable(self, position: int) -> bool:
        """Whether the account at a position may be changed by the transaction."""
        static, signed = len(self.keys), self.required_signatures
        if position < signed:
            return position < signed - self.readonly_signed
        if position < static:
            return position < static - self.readonly_unsigned
        return position < static + sum(len(lookup.writable) for lookup in self.lookups)

    def key(self, position: int) -> bytes | None:
        """The key at a position, or None where it stands in a lookup table."""
        return self.keys[position] if position < len(self.keys) else None

    def place(self, position: int) -> tuple[bytes, int]:
        """For a position beyond the message's own keys: the lookup table's key and the entry in it."""
        rest = position - len(self.keys)
        for group in ("writable", "readonly"):
            for lookup in self.lookups:
                entries: bytes = getattr(lookup, group)
                if rest < len(entries):
                    return lookup.table, entries[rest]
                rest -= len(entries)
        raise IndexError(position)

    def to_bytes(self) -> bytes:
        """The bytes that are signed."""
        parts = [] if self.version is None else [bytes((_VERSION_0 | self.version,))]
        parts.append(bytes((self.required_signatures, self.readonly_signed, self.readonly_unsigned)))
        parts.append(shortvec.encode(len(self.keys)))
        parts.extend(self.keys)
        parts.append(self.blockhash)
        parts.append(shortvec.encode(len(self.instructions)))
        for call in self.instructions:
            parts.append(bytes((call.program,)))
            for content in (call.accounts, call.data):
                parts += (shortvec.encode(len(content)), content)
        if self.version is not None:
            parts.append(shortvec.encode(len(self.lookups)))
            for lookup in self.lookups:
                parts.append(lookup.table)
                for content in (lookup.writable, lookup.readonly):
                    parts += (shortvec.encode(len(content)), content)
        return b"".join(parts)


# -- compilation -----------------------------------------------------------------------------------


def collation(text: str) -> tuple[str, str]:
    """The place of a base58 text in the order of web3.js 1.x: letters without regard to case, then small before large.

    >>> sorted(["b", "B", "a", "A", "9"], key=collation)
    ['9', 'a', 'A', 'b', 'B']
    """
    return text.lower(), text.swapcase()


def compile_message(
    payer: bytes,
    instructions: Sequence[Instruction],
    blockhash: bytes,
    *,
    version: int | None = None,
    tables: Iterable[LookupTable] = (),
) -> Message:
    """Compile instructions into a message. The payer comes first; signers before others, writable before read-only.

    Within those four groups the order is free. Here it is that of web3.js 1.x: by base58 text in a legacy message,
    by first mention (program, then accounts) in a version 0 message. Raises
    :class:`~multiwallet.errors.InvalidTransaction` for more than 256 accounts.

    >>> payer, friend = b"\\1" * 32, b"\\2" * 32
    >>> pay = Instruction(bytes(32), (Account(payer, True, True), Account(friend, False, True)), bytes(12))
    >>> message = compile_message(payer, [pay], bytes(32))
    >>> message.required_signatures, message.is_writable(1), parse_message(message.to_bytes()) == message
    (1, True, True)
    """
    flags: dict[bytes, tuple[bool, bool]] = {payer: (True, True)}
    programs: list[bytes] = []
    for call in instructions:
        programs.append(call.program)
        if version is not None:
            flags.setdefault(call.program, (False, False))
        for key, signs, writes in call.accounts:
            known = flags.get(key, (False, False))
            flags[key] = (known[0] or signs, known[1] or writes)
    for program in programs:
        flags.setdefault(program, (False, False))

    lookups: list[Lookup] = []
    loaded_writable: list[bytes] = []
    loaded_readonly: list[bytes] = []
    for table in tables if version is not None else ():
        places = {address: place for place, address in reversed(list(enumerate(table.addresses[:256])))}
        found = [key for key, (signer, _) in flags.items() if not signer and key in places and key not in programs]
        writable = [key for key in found if flags[key][1]]
        readonly = [key for key in found if not flags[key][1]]
        if found:
            groups = (bytes(places[key] for key in writable), bytes(places[key] for key in readonly))
            lookups.append(Lookup(table.key, *groups))
            loaded_writable += writable
            loaded_readonly += readonly
            for key in found:
                del flags[key]

    others = [key for key in flags if key != payer]
    if version is None:
        names = {key: collation(base58.encode(key)) for key in others}
        others.sort(key=lambda key: names[key])
    groups_of = [[key for key in others if flags[key] == kind] for kind in _GROUPS]
    keys = (payer, *(key for group in groups_of for key in group))
    every = (*keys, *loaded_writable, *loaded_readonly)
    if len(every) > 256:
        raise InvalidTransaction(f"a transaction has at most 256 accounts, not {len(every)}")
    position = {key: place for place, key in enumerate(every)}
    return Message(
        version=version,
        required_signatures=1 + len(groups_of[0]) + len(groups_of[1]),
        readonly_signed=len(groups_of[1]),
        readonly_unsigned=len(groups_of[3]),
        keys=keys,
        blockhash=blockhash,
        instructions=tuple(
            CompiledInstruction(
                position[call.program], bytes(position[account.key] for account in call.accounts), call.data
            )
            for call in instructions
        ),
        lookups=tuple(lookups),
    )


_GROUPS: Final = ((True, True), (True, False), (False, True), (False, False))


# -- reading ---------------------------------------------------------------------------------------


def starts_with_message(data: bytes) -> bool:
    """Whether a message stands at the start of these bytes, whatever follows it: lax readers would take it."""
    try:
        _read(Reader(data[:PACKET_SIZE], "the message"), whole=False)
    except InputError:
        return False
    return True


def parse_message(data: bytes) -> Message:
    """Read a message as strictly as a validator: shortest lengths, no byte left over, a sound header, no account twice.

    Raises :class:`~multiwallet.errors.InvalidTransaction`. What this accepts fits into one packet of 1,232 bytes.
    """
    if len(data) > PACKET_SIZE:
        raise InvalidTransaction(f"a Solana transaction has at most {PACKET_SIZE} bytes, this message has {len(data)}")
    try:
        return _read(Reader(data, "the message"))
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def _read(reader: Reader, *, whole: bool = True) -> Message:
    first = reader.byte()
    version: int | None = None
    if first & _VERSION_0:
        version = first & 0x7F
        if version:
            raise InvalidTransaction(f"a message of version {version} is not known here; legacy and 0 are")
        first = reader.byte()
    required, readonly_signed, readonly_unsigned = first, reader.byte(), reader.byte()
    count = reader.shortvec()
    keys = tuple(reader.take(32) for _ in range(count))
    if not 0 < required <= count:
        raise InvalidTransaction(f"the message asks for {required} signatures and lists {count} accounts")
    if readonly_signed >= required:
        raise InvalidTransaction("the message makes its fee payer read-only")
    if required + readonly_unsigned > count:
        raise InvalidTransaction("the message marks more accounts read-only than it has")
    if len(set(keys)) != count:
        raise InvalidTransaction("the message lists an account twice")
    blockhash = reader.take(32)
    instructions = tuple(
        CompiledInstruction(reader.byte(), reader.take(reader.shortvec()), reader.take(reader.shortvec()))
        for _ in range(reader.shortvec())
    )
    lookups: tuple[Lookup, ...] = ()
    if version is not None:
        lookups = tuple(
            Lookup(reader.take(32), reader.take(reader.shortvec()), reader.take(reader.shortvec()))
            for _ in range(reader.shortvec())
        )
    if whole:
        reader.finish()
    if any(not lookup.writable and not lookup.readonly for lookup in lookups):
        raise InvalidTransaction("the message names a lookup table and takes nothing from it")
    everything = count + sum(len(lookup.writable) + len(lookup.readonly) for lookup in lookups)
    if everything > 256:
        raise InvalidTransaction(f"a transaction has at most 256 accounts, not {everything}")
    for call in instructions:
        if not 0 < call.program < count:
            raise InvalidTransaction("an instruction calls the fee payer or an account that the message does not list")
        if call.accounts and max(call.accounts) >= everything:
            raise InvalidTransaction("an instruction uses an account that the message does not list")
    if 1 + 64 * required + reader.position > PACKET_SIZE:
        raise InvalidTransaction(f"with its {required} signatures the transaction is above {PACKET_SIZE} bytes")
    return Message(version, required, readonly_signed, readonly_unsigned, keys, blockhash, instructions, lookups)


def parse_transaction(data: bytes) -> tuple[tuple[bytes, ...], bytes, Message]:
    """Read a transaction: its signatures (64 bytes each; zeros where one is missing), message bytes and message.

    Raises :class:`~multiwallet.errors.InvalidTransaction`. The signatures are not verified here.
    """
    if len(data) > PACKET_SIZE:
        raise InvalidTransaction(f"a Solana transaction has at most {PACKET_SIZE} bytes, not {len(data)}")
    reader = Reader(data, "the transaction")
    try:
        signatures = tuple(reader.take(64) for _ in range(reader.shortvec()))
        body = reader.rest()
    except InputError as error:
        raise InvalidTransaction(error.message) from None
    message = parse_message(body)
    if len(signatures) != message.required_signatures:
        raise InvalidTransaction(
            f"the transaction carries {len(signatures)} signatures, its message asks for {message.required_signatures}"
        )
    return signatures, body, message


def encode_transaction(signatures: Sequence[bytes], body: bytes) -> bytes:
    """The wire form: the number of signatures, the signatures, the message."""
    return b"".join((shortvec.encode(len(signatures)), *signatures, body))
