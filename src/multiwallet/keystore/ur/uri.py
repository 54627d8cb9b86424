"""URs as text: ``ur:type/...``, in one part or in the many of an animated QR code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ...errors import InvalidKey
from . import bytewords, cbor, fountain

__all__ = ["UR", "URDecoder", "animation", "decode", "decode_psbt", "encode", "encode_psbt"]

_LONGEST_TEXT: Final = 2 * 2**20 + 200
_FORM: Final = re.compile(r"ur:([a-z0-9-]{1,64})/(?:(\d{1,10})-(\d{1,10})/)?([a-z]+)", re.ASCII)
_PSBT_TYPES: Final = ("crypto-psbt", "psbt")


class UR(NamedTuple):
    """A Uniform Resource: what it is, and its content in CBOR (without the tag of its type)."""

    type: str
    content: bytes


def encode(ur: UR, *, longest_fragment: int | None = None, extra: int = 0) -> list[str]:
    """The UR as texts: one, or those of an animation with at most ``longest_fragment`` bytes in each.

    ``extra`` adds so many mixed parts, which stand in for any that a camera misses. For an endless animation see
    :func:`animation`.

    >>> encode(UR("seed", bytes.fromhex("a20150c7098580125e2ab0981253468b2dbc5202d8641947da")))
    ['ur:seed/oeadgdstaslplabghydrpfmkbggufgludprfgmaotpiecffltnlpqdenos']
    """
    if longest_fragment is None or len(ur.content) <= longest_fragment:
        return [f"ur:{ur.type}/{bytewords.encode(ur.content)}"]
    pieces = animation(ur, longest_fragment)
    first = next(pieces)
    total = int(first.split("/")[1].split("-")[1]) + extra
    return [first, *(next(pieces) for _ in range(total - 1))]


def animation(ur: UR, longest_fragment: int) -> Iterator[str]:
    """The texts of an animated QR code, without end."""
    for part in fountain.parts(ur.content, longest_fragment):
        yield f"ur:{ur.type}/{part.number}-{part.total}/{bytewords.encode(part.encode())}"


class URDecoder:
    """Collects the texts that a camera reads, in any order and some of them twice, until the UR is there.

    >>> decoder = URDecoder()
    >>> texts = encode(UR("bytes", b"x" * 100), longest_fragment=30, extra=4)
    >>> [decoder.receive(text) for text in texts[2:7]]
    [False, False, False, False, True]
    >>> decoder.result == UR("bytes", b"x" * 100)
    True
    """

    def __init__(self) -> None:
        self._fountain = fountain.FountainDecoder()
        self._type: str | None = None
        self.result: UR | None = None
        """The UR, once it is complete."""

    @property
    def progress(self) -> tuple[int, int]:
        """How many parts have helped, and how many are needed (0 before the first)."""
        return self._fountain.progress

    def receive(self, text: str) -> bool:
        """Take one text in; whether the UR is complete. Raises InvalidKey for what is no part of this UR."""
        if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
            raise InvalidKey("this is no UR: it is too long or no text")
        match = _FORM.fullmatch(text.strip().lower())
        if match is None:
            raise InvalidKey("this is no UR: it is written ur:TYPE/LETTERS, or ur:TYPE/1-9/LETTERS for a part")
        kind, number, total, letters = match.groups()
        if self._type not in (None, kind):
            raise InvalidKey("this part is of another UR than those before it")
        data = bytewords.decode(letters)
        if number is None:
            self._type, self.result = kind, UR(kind, data)
            return True
        part = fountain.Part.decode(data)
        if (part.number, part.total) != (int(number), int(total)):
            raise InvalidKey("a part of this UR says another number outside than inside")
        self._type = kind
        if self._fountain.receive(part) and self._fountain.message is not None:
            self.result = UR(kind, self._fountain.message)
        return self.result is not None


def decode(texts: str | Iterable[str]) -> UR:
    """The UR of one text, or of enough parts. Raises InvalidKey, also where parts are missing.

    >>> decode("UR:SEED/OEADGDSTASLPLABGHYDRPFMKBGGUFGLUDPRFGMAOTPIECFFLTNLPQDENOS").content.hex()[:12]
    'a20150c70985'
    """
    decoder = URDecoder()
    for text in texts.split() if isinstance(texts, str) else texts:
        if decoder.receive(text):
            break
    if decoder.result is None:
        have, needed = decoder.progress
        raise InvalidKey(f"this UR is not complete: {have} of {needed} parts are there")
    return decoder.result


def encode_psbt(psbt: bytes, *, longest_fragment: int | None = 200, extra: int = 0, version: int = 1) -> list[str]:
    """A PSBT for the camera of an air-gapped signer: ``crypto-psbt``, or ``psbt`` with ``version=2``.

    >>> decode_psbt(encode_psbt(b"psbt\\xff" + bytes(300), longest_fragment=100)) == b"psbt\\xff" + bytes(300)
    True
    """
    return encode(
        UR(_PSBT_TYPES[version - 1], cbor.encode(bytes(psbt))), longest_fragment=longest_fragment, extra=extra
    )


def decode_psbt(texts: str | Iterable[str]) -> bytes:
    """The PSBT that a signer shows. Raises InvalidKey for another UR. ``account.sign`` and ``broadcast`` take it."""
    ur = decode(texts)
    content = cbor.decode(ur.content) if ur.type in _PSBT_TYPES else None
    if not isinstance(content, bytes) or content[:5] != b"psbt\xff":
        raise InvalidKey(f"this UR is no PSBT: it is of the type {ur.type}")
    return content
