"""BIP-39: reference vectors in ten languages, independent peers, error messages, and the manners of a secret."""

from __future__ import annotations

import copy
import hashlib
import pickle
import unicodedata

import mnemonic as trezor
import pytest
from bip_utils import Bip39MnemonicValidator, Bip39SeedGenerator
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.errors import InputError, InvalidMnemonic, MultiwalletError
from multiwallet.keys.mnemonic import LANGUAGES, Mnemonic
from multiwallet.keys.wordlists import load

ENGLISH = "legal winner thank year wave sausage worth useful legal winner thank yellow"
SIZES = {12: 16, 15: 20, 18: 24, 21: 28, 24: 32}
ENTROPY = st.sampled_from(sorted(SIZES.values())).flatmap(lambda size: st.binary(min_size=size, max_size=size))

# SHA-256 of the official lists (bitcoin/bips, bip-0039), one word a line.
OFFICIAL = {
    "english": "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda",
    "japanese": "2eed0aef492291e061633d7ad8117f1a2b03eb80a29d0e4e3117ac2528d05ffd",
    "korean": "9e95f86c167de88f450f0aaf89e87f6624a57f973c67b516e338e8e8b8897f60",
    "spanish": "46846a5a0139d1e3cb77293e521c2865f7bcdb82c44e8d0a06a2cd0ecba48c0b",
    "chinese_simplified": "5c5942792bd8340cb8b27cd592f1015edf56a8c5b26276ee18a482428e7c5726",
    "chinese_traditional": "417b26b3d8500a4ae3d59717d7011952db6fc2fb84b807f3f94ac734e89c1b5f",
    "french": "ebc3959ab7801a1df6bac4fa7d970652f1df76b683cd2f4003c941c63d517e59",
    "italian": "d392c49fdb700a24cd1fceb237c1f65dcc128f6b34a8aacb58b59384b5c648c2",
    "czech": "7e80e161c3e93d9554c2efb78d4e3cebf8fc727e9c52e03b83b94406bdcc95fc",
    "portuguese": "2685e9c194c82ae67e10ba59d9ea5345a23dc093e92276fc5361f6667d79cd3f",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_wordlists_are_the_official_ones(language):
    wordlist = load(language)
    assert len(wordlist.words) == len(wordlist.numbers) == 2048
    text = "".join(f"{word}\n" for word in wordlist.words)
    assert unicodedata.normalize("NFKD", text) == text
    assert hashlib.sha256(text.encode()).hexdigest() == OFFICIAL[language]
    assert list(wordlist.words) == trezor.Mnemonic(language).wordlist


@pytest.mark.parametrize("language", LANGUAGES)
def test_reference_vectors(vectors, language):
    data = vectors("bip39_languages")
    rows = [row[1:] for row in data["rows"] if row[0] == language]
    assert len(rows) == 24
    for entropy, phrase, seed, _ in rows:
        given_language, found = Mnemonic(phrase, language), Mnemonic(phrase)
        for read in (given_language, found, Mnemonic.from_entropy(bytes.fromhex(entropy), language)):
            assert read.to_seed(data["passphrase"]).expose().hex() == seed
            assert " ".join(read.words) == unicodedata.normalize("NFKD", phrase)
        assert given_language.entropy.hex() == entropy
        assert given_language.language == language


def test_master_keys_of_the_reference_vectors(vectors):
    from multiwallet.keys.hd import ExtendedKey

    for _, _, _, seed, xprv in vectors("bip39_languages")["rows"]:
        assert ExtendedKey.from_seed(bytes.fromhex(seed)).serialize() == xprv


def test_what_peers_agree_on(vectors):
    judged = 0
    for row in vectors("bip39_peers")["rows"]:
        if row["valid"]:
            phrase = Mnemonic(row["mnemonic"])
            assert phrase.language == row["language"]
            assert phrase.entropy.hex() == row["entropy"]
            assert len(phrase) == row["words"]
            assert phrase.to_seed(row["passphrase"]).expose().hex() == row["output"]["seed"]
        elif row["valid"] is False:
            with pytest.raises(InvalidMnemonic):
                Mnemonic(row["mnemonic"])
        else:
            continue
        judged += 1
    assert judged == 34


@pytest.mark.parametrize("separator", ["  ", "\t", "\n", "\r\n", "\u3000", " \u00a0 "])
def test_any_white_space_separates_words(separator):
    phrase = Mnemonic(f"  {ENGLISH.replace(' ', separator)}\n")
    assert phrase.expose() == ENGLISH


@given(ENTROPY, st.sampled_from(LANGUAGES), st.text(st.characters(codec="utf-8"), max_size=20))
def test_agrees_with_the_reference_implementation(entropy, language, passphrase):
    peer = trezor.Mnemonic(language)
    phrase = Mnemonic.from_entropy(entropy, language)
    text = peer.to_mnemonic(entropy)
    assert phrase.expose() == text
    assert phrase.to_seed(passphrase).expose() == trezor.Mnemonic.to_seed(text, passphrase)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        read = Mnemonic(unicodedata.normalize(form, text), language)
        assert read == phrase
        assert (read.entropy, read.words, read.language) == (entropy, phrase.words, language)
    # Without a language another list may come first, but the seed is that of the words.
    assert Mnemonic(text).to_seed(passphrase) == phrase.to_seed(passphrase)


@given(ENTROPY)
def test_agrees_with_bip_utils(entropy):
    phrase = Mnemonic.from_entropy(entropy)
    assert Bip39MnemonicValidator().IsValid(phrase.expose())
    assert Bip39SeedGenerator(phrase.expose()).Generate("x") == phrase.to_seed("x").expose()


@pytest.mark.parametrize("words", sorted(SIZES))
@pytest.mark.parametrize("language", ["english", "japanese"])
def test_generate(words, language):
    phrases = [Mnemonic.generate(words, language) for _ in range(20)]
    assert len({phrase.expose() for phrase in phrases}) == 20
    for phrase in phrases:
        assert len(phrase) == len(phrase.words) == words
        assert len(phrase.entropy) == SIZES[words]
        assert trezor.Mnemonic(language).check(phrase.expose())
        assert Mnemonic(phrase.expose()) == phrase
    assert len(Mnemonic.generate()) == 12


def test_generate_draws_from_the_system(monkeypatch):
    import secrets

    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes(range(size)))
    assert Mnemonic.generate(24).entropy == bytes(range(32))


def refusal(phrase: object, language: str | None = None) -> str:
    with pytest.raises(InvalidMnemonic) as caught:
        Mnemonic(phrase, language)
    return str(caught.value)


def test_an_unknown_word_is_named_with_the_nearest():
    message = refusal(ENGLISH.replace("sausage", "sausge"))
    assert "word 6 of 12, 'sausge', is not in the english list" in message
    assert "sausage" in message
    assert "winner" not in message  # no other word of the phrase
    assert "nothing in it is near" in refusal(ENGLISH.replace("sausage", "qqqqqq"))
    assert "word 1 of 12" in refusal("xylophone " + " ".join(["abandon"] * 11))


def test_the_list_of_the_message_is_that_of_the_other_words():
    for language in LANGUAGES:
        words = Mnemonic.from_entropy(bytes(range(16)), language).words
        words[3] = "qqq"
        assert f"word 4 of 12, 'qqq', is not in the {language} list" in refusal(" ".join(words))
    # An Italian word within an English phrase:
    assert "'abaco', is italian and not english" in refusal(ENGLISH.replace("sausage", "abaco"))
    assert "chinese" in refusal(ENGLISH.replace("sausage", "的"))


def test_other_faults_are_named():
    for count in (0, 1, 11, 13, 23, 25, 48):
        assert f"12, 15, 18, 21 or 24 words and this one has {count}" in refusal(" ".join(["zoo"] * count))
    assert "checksum" in refusal(" ".join(["zoo"] * 24))
    assert "checksum" in refusal("winner legal" + ENGLISH.removeprefix("legal winner"))
    assert "lower case" in refusal(ENGLISH.replace("sausage", "Sausage"))
    assert "lower case" in refusal(ENGLISH.upper())
    assert "2001 characters" in refusal("a" * 2001)
    assert "text" in refusal(None)
    assert "text" in refusal(ENGLISH.encode())


def test_a_key_in_the_place_of_a_word_is_not_shown():
    secret = "5f" * 32
    assert secret not in refusal(ENGLISH.replace("sausage", secret))
    assert secret not in refusal(secret)


def test_a_given_language_is_the_only_one_tried():
    assert "spanish list" in refusal(ENGLISH, "spanish") or "is english" in refusal(ENGLISH, "spanish")
    with pytest.raises(InputError, match="no wordlist 'klingon'"):
        Mnemonic(ENGLISH, "klingon")
    with pytest.raises(InputError, match="no wordlist"):
        Mnemonic.generate(12, "../english")


def test_words_of_two_lists_are_read_in_the_one_whose_checksum_holds():
    shared = [word for word in load("french").words if word in load("english").numbers]
    assert len(shared) == 100
    found = []
    for number in range(400):
        words = [shared[(number * 7 + place * (number % 13 + 1)) % 100] for place in range(12)]
        valid = [language for language in ("english", "french") if trezor.Mnemonic(language).check(" ".join(words))]
        if valid:
            assert Mnemonic(" ".join(words)).language == valid[0]
            found.append(valid[0])
        else:
            assert "checksum" in refusal(" ".join(words))
    assert set(found) == {"english", "french"}


@given(
    st.text(max_size=300) | st.lists(st.sampled_from(["zoo", "abandon", "的", "あいこくしん", "\ud800"])).map(" ".join)
)
def test_garbage_gives_an_error_of_the_tree_or_a_mnemonic(text):
    try:
        assert len(Mnemonic(text).to_seed()) == 64
    except InvalidMnemonic as error:
        str(error).encode()  # half a surrogate pair would not go into a log


def test_passphrases_that_are_no_text():
    phrase = Mnemonic(ENGLISH)
    for wrong in ("\ud800", b"bytes", None):
        with pytest.raises(InputError, match="passphrase"):
            phrase.to_seed(wrong)


@pytest.mark.parametrize("entropy", [b"", bytes(15), bytes(17), bytes(33), "00" * 16])
def test_wrong_entropy(entropy):
    with pytest.raises(InvalidMnemonic, match="entropy"):
        Mnemonic.from_entropy(entropy)


@pytest.mark.parametrize("words", [0, 11, 13, 27, "12"])
def test_wrong_counts(words):
    with pytest.raises(InvalidMnemonic, match="12, 15, 18, 21 or 24"):
        Mnemonic.generate(words)


def test_manners():
    phrase = Mnemonic(ENGLISH)
    assert repr(phrase) == str(phrase) == "Mnemonic(12 words, english)"
    for attempt in (
        lambda: f"{phrase}", lambda: f"{phrase:s}", lambda: hash(phrase), lambda: {phrase}, lambda: bytes(phrase),
        lambda: pickle.dumps(phrase), lambda: copy.copy(phrase), lambda: copy.deepcopy(phrase), lambda: vars(phrase),
    ):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            attempt()
        assert "legal" not in str(caught.value)
    assert repr([getattr(phrase, name) for name in ("_entropy", "_phrase")]) == "[Secret(…), Secret(…)]"
    assert repr(phrase.to_seed()) == "Secret(…)"
    assert phrase == Mnemonic(ENGLISH)
    assert phrase != Mnemonic.generate()
    assert phrase != ENGLISH


def test_closing_wipes():
    phrase = Mnemonic(ENGLISH)
    buffers = [phrase._phrase._buffer, phrase._entropy._buffer]
    with phrase:
        assert not phrase.closed
    assert phrase.closed
    assert not any(map(any, buffers))
    for attempt in (phrase.expose, phrase.to_seed, lambda: phrase.words, lambda: phrase.entropy):
        with pytest.raises(MultiwalletError, match="wiped"):
            attempt()
    assert repr(phrase) == "Mnemonic(12 words, english)"
