"""Bytewords (BCR-2020-012): bytes as four-letter words, or as the first and last letter of each, with a CRC-32."""

from __future__ import annotations

import zlib
from typing import Final, Literal

from ...errors import InvalidKey

__all__ = ["decode", "encode"]

# The standard's 256 words, for 0 to 255.
_WORDS: Final = """
able acid also apex aqua arch atom aunt away axis back bald barn belt beta bias
blue body brag brew bulb buzz calm cash cats chef city claw code cola cook cost
crux curl cusp cyan dark data days deli dice diet door down draw drop drum dull
duty each easy echo edge epic even exam exit eyes fact fair fern figs film fish
fizz flap flew flux foxy free frog fuel fund gala game gear gems gift girl glow
good gray grim guru gush gyro half hang hard hawk heat help high hill holy hope
horn huts iced idea idle inch inky into iris iron item jade jazz join jolt jowl
judo jugs jump junk jury keep keno kept keys kick kiln king kite kiwi knob lamb
lava lazy leaf legs liar limp lion list logo loud love luau luck lung main many
math maze memo menu meow mild mint miss monk nail navy need news next noon note
numb obey oboe omit onyx open oval owls paid part peck play plus poem pool pose
puff puma purr quad quiz race ramp real redo rich road rock roof ruby ruin runs
rust safe saga scar sets silk skew slot soap solo song stub surf swan taco task
taxi tent tied time tiny toil tomb toys trip tuna twin ugly undo unit urge user
vast very veto vial vibe view visa void vows wall wand warm wasp wave waxy webs
what when whiz wolf work yank yawn yell yoga yurt zaps zero zest zinc zone zoom
""".split()  # noqa: SIM905  # a list of 256 quoted words is no easier to read
_SHORT: Final = [word[0] + word[3] for word in _WORDS]
_VALUES: Final = {word: value for value, word in enumerate(_WORDS)}
_SHORT_VALUES: Final = {pair: value for value, pair in enumerate(_SHORT)}
_SEPARATORS: Final = {"standard": " ", "uri": "-"}


def encode(data: bytes, style: Literal["standard", "uri", "minimal"] = "minimal") -> str:
    """``data`` and its CRC-32 as words with spaces (``standard``) or dashes (``uri``), or two letters each.

    >>> encode(bytes((0, 1, 2, 128, 255)))
    'aeadaolazmjendeoti'
    """
    whole = data + zlib.crc32(data).to_bytes(4, "big")
    if style == "minimal":
        return "".join(_SHORT[value] for value in whole)
    return _SEPARATORS[style].join(_WORDS[value] for value in whole)


def decode(text: str, style: Literal["standard", "uri", "minimal"] = "minimal") -> bytes:
    """The bytes of a text, in either case. Raises InvalidKey for a letter or a checksum that is wrong.

    >>> decode("aeadaolazmjendeoti").hex()
    '00010280ff'
    """
    text = text.lower()
    try:
        if style == "minimal":
            if len(text) % 2:
                raise InvalidKey("a UR has two letters for each byte, and this one has an odd number")
            whole = bytes(_SHORT_VALUES[text[start : start + 2]] for start in range(0, len(text), 2))
        else:
            whole = bytes(_VALUES[word] for word in text.split(_SEPARATORS[style]))
    except KeyError:
        raise InvalidKey("a UR holds letters that stand for no byte: scan or copy it again") from None
    if len(whole) < 5 or zlib.crc32(whole[:-4]).to_bytes(4, "big") != whole[-4:]:
        raise InvalidKey("the checksum of a UR does not fit: scan or copy it again")
    return whole[:-4]
