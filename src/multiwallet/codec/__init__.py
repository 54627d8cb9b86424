"""Byte and text formats, one a file: pure functions that know nothing of chains, keys or networks.

Every decoder here is strict: it accepts the one canonical form of a value and raises
:class:`~multiwallet.errors.InputError` for everything else, in bounded time and memory.
"""
