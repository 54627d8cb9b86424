"""BLAKE3 of many short messages at once: the hash of RFC-78's tree, of which a runtime has thousands.

No dependency has it, and one hash at a time in plain Python would take seconds. Here the words of all messages lie
side by side in one large integer, 64 bits apart, so that one addition adds them all. Specification: "BLAKE3, one
function, fast everywhere" (section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["blake3", "blake3_many"]

_IV: Final = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ORDER: Final = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_MIXES: Final = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
_START, _END, _PARENT, _ROOT = 1, 2, 4, 8
_BLOCK: Final = 64
_CHUNK: Final = 1024
_LANES: Final = 512  # more make the integers fall out of the processor's cache
_GAP: Final = bytes(4)


def blake3(data: bytes) -> bytes:
    """BLAKE3 of one message: 32 bytes.

    >>> blake3(b"").hex()[:16]
    'af1349b9f5f9a1a6'
    """
    return blake3_many([data])[0]


def blake3_many(messages: Sequence[bytes]) -> list[bytes]:
    """BLAKE3 of each message: 32 bytes each, in order."""
    results: list[bytes] = [b""] * len(messages)
    groups: dict[int, list[int]] = {}
    for position, message in enumerate(messages):
        if len(message) > _CHUNK:
            results[position] = _long(message)
        else:
            groups.setdefault(max(1, -(-len(message) // _BLOCK)), []).append(position)
    for members in groups.values():
        for start in range(0, len(members), _LANES):
            lane = members[start : start + _LANES]
            hashes = _chunks([messages[position] for position in lane], [0] * len(lane), _ROOT)
            for position, value in zip(lane, hashes, strict=True):
                results[position] = value
    return results


def _long(message: bytes) -> bytes:
    chunks = [message[start : start + _CHUNK] for start in range(0, len(message), _CHUNK)]
    level: list[bytes] = []
    for start in range(0, len(chunks) - 1, _LANES):  # the last may be shorter than the others
        full = chunks[start : min(start + _LANES, len(chunks) - 1)]
        level += _chunks(full, list(range(start, start + len(full))), 0)
    level += _chunks(chunks[-1:], [len(chunks) - 1], 0)
    # The tree is full on the left: joining neighbours level by level, the odd one moving up, builds just that.
    while len(level) > 1:
        root = _ROOT if len(level) == 2 else 0
        pairs = [level[n] + level[n + 1] for n in range(0, len(level) - 1, 2)]
        joined = _compress_bytes(None, pairs, [0] * len(pairs), [_BLOCK] * len(pairs), _PARENT | root)
        level = joined + level[len(pairs) * 2 :]
    return level[0]


def _chunks(chunks: list[bytes], counters: list[int], root: int) -> list[bytes]:
    """The chaining values of chunks that all have the same number of blocks."""
    blocks = max(1, -(-len(chunks[0]) // _BLOCK))
    state: list[int] | None = None
    for number in range(blocks):
        parts = [chunk[number * _BLOCK : (number + 1) * _BLOCK] for chunk in chunks]
        flags = (_START if number == 0 else 0) | (_END | root if number == blocks - 1 else 0)
        state = _compress(state, parts, counters, [len(part) for part in parts], flags)
    assert state is not None  # there is a block at least
    return _apart(state, len(chunks))


def _compress_bytes(
    state: list[int] | None, parts: list[bytes], counters: list[int], lengths: list[int], flags: int
) -> list[bytes]:
    return _apart(_compress(state, parts, counters, lengths, flags), len(parts))


def _apart(state: list[int], lanes: int) -> list[bytes]:
    words = [word.to_bytes(8 * lanes, "little") for word in state]
    return [b"".join(word[at : at + 4] for word in words) for at in range(0, 8 * lanes, 8)]


def _packed(values: list[int]) -> int:
    return int.from_bytes(b"".join(value.to_bytes(8, "little") for value in values), "little")


def _compress(
    state: list[int] | None, parts: list[bytes], counters: list[int], lengths: list[int], flags: int
) -> list[int]:
    lanes = len(parts)
    ones = _packed([1] * lanes)
    mask = ones * 0xFFFFFFFF
    blocks = [part.ljust(_BLOCK, b"\0") for part in parts]
    words = [
        int.from_bytes(b"".join([block[at : at + 4] + _GAP for block in blocks]), "little")
        for at in range(0, _BLOCK, 4)
    ]
    initial = [ones * word for word in _IV]
    v = (state or initial) + initial[:4]
    v += [_packed(counters), 0, _packed(lengths), ones * flags]  # no message here has 2^32 chunks
    for round_ in range(7):
        for step, (a, b, c, d) in enumerate(_MIXES):
            v[a] = (v[a] + v[b] + words[2 * step]) & mask
            x = v[d] ^ v[a]
            v[d] = (x >> 16 | x << 16) & mask
            v[c] = (v[c] + v[d]) & mask
            x = v[b] ^ v[c]
            v[b] = (x >> 12 | x << 20) & mask
            v[a] = (v[a] + v[b] + words[2 * step + 1]) & mask
            x = v[d] ^ v[a]
            v[d] = (x >> 8 | x << 24) & mask
            v[c] = (v[c] + v[d]) & mask
            x = v[b] ^ v[c]
            v[b] = (x >> 7 | x << 25) & mask
        if round_ < 6:
            words = [words[n] for n in _ORDER]
    return [v[n] ^ v[n + 8] for n in range(8)]
