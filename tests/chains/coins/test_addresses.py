"""The family coins: forms of addresses against bip-utils and published addresses, rows, and hostile input.

What Trust Wallet's core says of each coin is compared in tests/oracles/test_sixty_coins.py.
"""

from __future__ import annotations

import random
from typing import Any

import bip_utils
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Wallet, network, networks, parse_address
from multiwallet.chain import Network
from multiwallet.chains.coins import Coins
from multiwallet.crypto.ed25519 import public_key as ed25519_key
from multiwallet.crypto.secp256k1 import decompress
from multiwallet.crypto.secp256k1 import public_key as secp256k1_key
from multiwallet.errors import InputError, InvalidAddress, InvalidKey, InvalidPath, Unsupported
from multiwallet.path import Path

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
CHAIN = Coins()
ROWS = networks(family="coins")
NAMES = [row.name for row in ROWS]
KINDS = [(row.name, kind) for row in ROWS for kind in CHAIN.kinds_of(row)]
NO_CHECKSUM = ("near", "icon", "aion", "hedera", "base58-key")  # plain digits and keys
DRAWS = random.Random(1729)
ROUNDS = 25


def key_of(curve: str, secret: bytes) -> bytes:
    if curve == "secp256k1":
        return secp256k1_key(secret)
    if curve == "secp256r1":
        from multiwallet.crypto.secp256r1 import public_key

        return public_key(secret)
    key = ed25519_key(secret)
    return key + ed25519_key(secret[::-1]) if curve.endswith("-base") else key


def address_of(name: str, kind: str, secret: bytes) -> str:
    row = network(name)
    return CHAIN.address(row, key_of(CHAIN.curve_of(row, kind), secret), kind)


# ---- against bip-utils ---------------------------------------------------------------------------

PEERS: dict[tuple[str, str], Any] = {
    ("near", ""): (bip_utils.NearAddrEncoder, {}),
    ("stellar", ""): (bip_utils.XlmAddrEncoder, {"addr_type": bip_utils.XlmAddrTypes.PUB_KEY}),
    ("algorand", ""): (bip_utils.AlgoAddrEncoder, {}),
    ("filecoin", ""): (bip_utils.FilSecp256k1AddrEncoder, {}),
    ("tezos", "tz1"): (bip_utils.XtzAddrEncoder, {"prefix": bip_utils.XtzAddrPrefixes.TZ1}),
    ("multiversx", ""): (bip_utils.EgldAddrEncoder, {}),
    ("icon", ""): (bip_utils.IcxAddrEncoder, {}),
    ("zilliqa", ""): (bip_utils.ZilAddrEncoder, {}),
    ("harmony-legacy", ""): (bip_utils.OneAddrEncoder, {}),
    ("binance", ""): (bip_utils.AtomAddrEncoder, {"hrp": "bnb"}),
    ("nimiq", ""): (bip_utils.NimAddrEncoder, {}),
    ("neo", "n3"): (bip_utils.NeoN3AddrEncoder, {"ver": b"\x35"}),
    ("neo", "legacy"): (bip_utils.NeoLegacyAddrEncoder, {"ver": b"\x17"}),
    ("vechain", ""): (bip_utils.EthAddrEncoder, {}),
    ("ravencoin", ""): (bip_utils.P2PKHAddrEncoder, {"net_ver": b"\x3c"}),
    ("ecash", ""): (bip_utils.BchP2PKHAddrEncoder, {"hrp": "ecash", "net_ver": b"\x00"}),
    ("digibyte", "p2wpkh"): (bip_utils.P2WPKHAddrEncoder, {"hrp": "dgb"}),
    ("cardano", "stake"): (
        bip_utils.AdaShelleyStakingAddrEncoder, {"net_tag": bip_utils.AdaShelleyAddrNetworkTags.MAINNET},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), PEERS)
def test_addresses_are_bip_utils(name: str, kind: str) -> None:
    encoder, settings_ = PEERS[name, kind]
    for _ in range(ROUNDS):
        secret = DRAWS.randbytes(32)
        key = key_of(CHAIN.curve_of(network(name), kind), secret)
        assert address_of(name, kind, secret) == encoder.EncodeKey(key, **settings_)


def test_base_addresses_of_cardano_are_bip_utils() -> None:
    for _ in range(ROUNDS):
        payment, staking = (ed25519_key(DRAWS.randbytes(32)) for _ in range(2))
        theirs = bip_utils.AdaShelleyAddrEncoder.EncodeKey(
            payment, pub_skey=staking, net_tag=bip_utils.AdaShelleyAddrNetworkTags.MAINNET
        )
        assert CHAIN.address(network("cardano"), payment + staking, "base") == theirs


# ---- published addresses -------------------------------------------------------------------------


def test_test_vectors_of_cip_19() -> None:
    # CIP-19 gives both keys and the addresses of all types.
    payment = bytes.fromhex("73fea80d424276ad0978d4fe5310e8bc2d485f5f6bb3bf87612989f112ad5a7d")
    staking = bytes.fromhex("09ab278d49b7b86a055185c474c4942281ddfa05a54684c7e8a6f230625aee57")
    row = network("cardano")
    for kind, key, text in (
        (
            "base",
            payment + staking,
            "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
        ),
        ("enterprise", payment, "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8"),
        ("stake", staking, "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw"),
    ):
        assert CHAIN.address(row, key, kind) == text
        assert parse_address("cardano", text) == text
    pointer = "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k"
    assert parse_address("cardano", pointer) == pointer
    with pytest.raises(InvalidAddress, match="another network"):
        parse_address("cardano", "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz")


def test_first_accounts_of_sep_5() -> None:
    # SEP-5, test 1: the phrase and its first accounts.
    wallet = Wallet.from_mnemonic("illness spike retreat truth genius clock brain pass fit cave bargain toe")
    assert [account.address for account in wallet.accounts("stellar", count=3)] == [
        "GDRXE2BQUC3AZNPVFSCEZ76NJ3WWL25FYFK6RGZGIEKWE4SOOHSUJUJ6",
        "GBAW5XGWORWVFE2XTJYDTLDHXTY2Q2MO73HYCGB3XMFMQ562Q2W2GJQX",
        "GAY5PRAHJ2HIYBYCLZXTHID6SPVELOOYH2LBPH3LD4RUMXUW3DOYTLXW",
    ]


def test_the_root_account_of_swtc() -> None:
    # The first ledger's account of the XRP Ledger, whose key has been public from the start, as SWTC writes it.
    key = bytes.fromhex("0330e7fc9d56bb25d6893ba3f317ae5bcf33b3291bd63db32654a313222f7fd020")
    assert CHAIN.address(network("jingtum"), key) == "jHb9CJAWyB4jr91VRWn96DkukG4bwdtyTh"


@pytest.mark.parametrize(
    ("name", "text", "canonical"),
    [
        ("near", "alice.near", "alice.near"),
        ("near", "app_1.alice-2.near", "app_1.alice-2.near"),
        ("near", "0x6174617461746174617461746174617461746174", "0x6174617461746174617461746174617461746174"),
        ("filecoin", "f01234", "f01234"),
        ("filecoin", "f410fkkld55ioe7qg24wvt7fu6pbknb56ht7pt4zamxa", "f410fkkld55ioe7qg24wvt7fu6pbknb56ht7pt4zamxa"),
        ("tezos", "KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn", "KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn"),
        ("hedera", "0.0.163372", "0.0.163372"),
        ("neo", "AJHeWQn2qKKqD4nBE82etebgT3GEM9HDRH", "AJHeWQn2qKKqD4nBE82etebgT3GEM9HDRH"),
        ("nimiq", "nq451kut73f7adv4uct8tx642de4chbpsjbf", "NQ45 1KUT 73F7 ADV4 UCT8 TX64 2DE4 CHBP SJBF"),
        ("zilliqa", "ZIL1Y8CV5W9U3L4NZ4VXGA3A8UUAFYU0XN387NPZY7", "zil1y8cv5w9u3l4nz4vxga3a8uuafyu0xn387npzy7"),
        (
            "stellar",
            "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",  # SEP-23
            "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",
        ),
    ],
)
def test_other_forms_are_read(name: str, text: str, canonical: str) -> None:
    assert parse_address(name, text) == canonical


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("near", "Alice.near"),
        ("near", "alice..near"),
        ("near", "-alice"),
        ("near", "a"),
        ("near", "a" * 65),
        ("near", "alice_-near"),
        ("stellar", "SBGWSG6BTNCKCOB3DIFBGCVMUPQFYPA2G4O34RMTB343OYPXU5DJDVMN"),  # SEP-5's secret of an account
        ("stellar", "GDRXE2BQUC3AZNPVFSCEZ76NJ3WWL25FYFK6RGZGIEKWE4SOOHSUJUJ7"),
        ("algorand", "EP2D7TV7IAFANZHK3B6QLKB53N5UTD7RARVXZTWCPCRQQBKYVGM2XIMT2A"),
        ("filecoin", "f0018446744073709551616"),
        ("filecoin", "t1qode47ievxlxzk6z2viuovedabmn3tq6t57uqhq"),
        ("filecoin", "f1QODE47ievxlxzk6z2viuovedabmn3tq6t57uqhq"),
        ("filecoin", "f4ff"),
        ("tezos", "tz1VQA4RP4fLjEEMW2FR4pE9kAg5abb5h5GM"),
        ("tezos", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"),
        ("icon", "hx8E825d342f8dd76af9dba2f53464c9781833d39f"),
        ("vechain", "0xE5d846748409dF0b23D5bd47CEB14afc1CBbbcb3"),
        ("multiversx", "erd1sqhjrtmsn5yjk6w85099p8v0ly0g8z9pxeqe5dvu5rlf2n7vq3vqytny9h"),
        ("waves", "3PKYScPaKyGKAJxpyntt1rLRGPBPFTNxXWe"),
        ("hedera", "0.0.-1"),
        ("internet-computer", "f24b889e8efba3d8008512e5f928af25be0fea33c9a44e161649f12912907cbe"),
        ("binance", "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"),
        ("nervos", "ckb1qyqt8xaupvm8837nv3gtc9x0ekkj64vud3jqfwyw5v"),  # a short address of RFC 21, retired
        ("cardano", "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi"),
        ("ecash", "bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6"),
    ],
)
def test_wrong_addresses_are_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse_address(name, text)
    assert len(text) == 1 or text not in caught.value.message


# ---- every row -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_what_is_written_is_read(name: str, kind: str) -> None:
    for _ in range(5):
        address = address_of(name, kind, DRAWS.randbytes(32))
        assert parse_address(name, address) == address
        assert len(address) <= 130


@pytest.mark.parametrize(
    ("name", "kind"), [pair for pair in KINDS if network(pair[0]).params.get("format") not in NO_CHECKSUM]
)
def test_a_changed_character_is_noticed(name: str, kind: str) -> None:
    address = address_of(name, kind, DRAWS.randbytes(32))
    noticed = 0
    for position in range(6, len(address)):
        letter = "7" if address[position] != "7" else "9"
        changed = address[:position] + letter + address[position + 1 :]
        try:
            noticed += parse_address(name, changed) != changed
        except InvalidAddress:
            noticed += 1
    # EIP-55's checksum lies in the case of its letters: a digit in place of a digit may pass it
    least = 0.6 if address.startswith("0x") else 1
    assert noticed >= least * (len(address) - 6)


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_derive_only_and_say_why(name: str) -> None:
    row = network(name)
    assert row.status == "derive-only"
    assert row.note.endswith(".")
    assert row.endpoints == ()
    wallet = Wallet.from_mnemonic(WORDS)
    account = wallet.account(name, kind="enterprise" if name == "cardano" else None)
    for refused in (
        account.balance,
        lambda: account.build(to=account.address, amount="1"),
        lambda: account.sign_message("hello"),
        lambda: account.sign({}),
        lambda: account.broadcast("00"),
        lambda: account.status("00"),
    ):
        with pytest.raises(Unsupported, match="keys and addresses only"):
            refused()


def test_long_keys_are_the_short_ones() -> None:
    key = secp256k1_key(bytes(31) + b"\x05")
    for name in ("binance", "icon", "filecoin", "ravencoin"):
        assert CHAIN.address(network(name), decompress(key)) == CHAIN.address(network(name), key)


@pytest.mark.parametrize(("name", "kind"), KINDS)
@pytest.mark.parametrize("key", [b"", bytes(32), bytes(33), b"\x02" + bytes(32), b"\xff" * 32, b"\xff" * 33, bytes(64)])
def test_wrong_keys_are_refused(name: str, kind: str, key: bytes) -> None:
    row = network(name)
    if CHAIN.curve_of(row, kind) == "secp256r1" and key == b"\x02" + bytes(32):
        return  # which is a point of that curve
    with pytest.raises(InvalidKey):
        CHAIN.address(row, key, kind)


# ---- paths ---------------------------------------------------------------------------------------


def test_paths_count_where_the_coins_wallets_count() -> None:
    for name, account, index, path in (
        ("filecoin", 2, 3, "m/44'/461'/2'/0/3"),
        ("stellar", 0, 3, "m/44'/148'/3'"),
        ("stellar", 3, None, "m/44'/148'/3'"),
        ("algorand", 1, 0, "m/44'/283'/1'/0'/0'"),
        ("pactus", 0, 2, "m/44'/21888'/3'/2'"),
        ("nimiq", 1, 2, "m/44'/242'/1'/2'"),
    ):
        assert CHAIN.path(network(name), account=account, index=index, kind="") == Path(path)
    with pytest.raises(InvalidPath, match="one place"):
        CHAIN.path(network("stellar"), account=1, index=1, kind="")
    with pytest.raises(InvalidPath, match="one key an account"):
        CHAIN.path(network("cardano"), account=0, index=1, kind="stake")


def test_an_explicit_path_tells_the_kind() -> None:
    wallet = Wallet.from_mnemonic(WORDS)
    assert wallet.account("tezos", path="m/44'/1729'/0'/0'").address.startswith("tz1")
    assert wallet.account("neo", path="m/44'/888'/0'/0/0").address.startswith("N")
    assert wallet.account("cardano", path="m/1852'/1815'/0'/2/0").address.startswith("stake1")
    assert wallet.account("digibyte", path="m/84'/20'/0'/0/0").address.startswith("dgb1")
    assert wallet.account("digibyte", path="m/44'/20'/0'/0/0").address.startswith("D")


def test_the_usual_account_of_cardano_is_a_base_address() -> None:
    wallet = Wallet.from_mnemonic(WORDS)
    account = wallet.account("cardano")  # as Trust Wallet's core has it
    assert account.address == (
        "addr1qy8ac7qqy0vtulyl7wntmsxc6wex80gvcyjy33qffrhm7sh927ysx5sftuw0dlft05dz3c7revpf7jx0xnlcjz3g69mq4afdhv"
    )
    assert len(account.public_key) == 64
    assert wallet.accounts("cardano", count=2)[0].address == account.address
    with pytest.raises(InvalidPath, match="staking key"):
        wallet.account("cardano", path="m/1852'/1815'/0'")


# ---- rows of a user's own ------------------------------------------------------------------------


def row_with(**params: Any) -> Network:
    return Network("slip44:999999", "own", "coins", "Own", "OWN", 8, 999999, params=params)


def test_a_row_of_ones_own_is_enough() -> None:
    row = row_with(format="bech32-hash160", hrp="own", path="m/44'/1'/{account}'/0/{index}")
    account = Wallet.from_seed(bytes(32)).account(row, index=7)
    assert account.address.startswith("own1")
    assert str(account.path) == "m/44'/1'/0'/0/7"
    assert CHAIN.parse_address(row, account.address.upper()) == account.address


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"format": "bech32-hash160"},
        {"format": 7, "path": "m/0"},
        {"format": "no such form", "path": "m/0"},
        {"format": "bech32-hash160", "hrp": 7, "path": "m/0"},
        {"format": "bech32-hash160", "hrp": "own", "path": "44/0"},
        {"format": "bech32-hash160", "hrp": "own", "path": "m/{index}/{index}"},
        {"format": "bech32-hash160", "hrp": "own", "path": "m/{other}"},
        {"format": "bech32-hash160", "hrp": "own", "path": "m/9999999999"},
        {"format": "bech32-hash160", "hrp": "own", "path": "m"},
        {"format": "bech32-hash160", "hrp": "own", "path": "m/0", "curve": "p521"},
        {"format": "base58check", "version": "zz", "path": "m/0"},
        {"format": "nuls", "prefix": "OWN", "chain_id": 70000, "path": "m/0"},
        {"format": "cardano-enterprise", "hrp": "addr", "network_id": 9, "path": "m/0", "curve": "ed25519"},
        {"kinds": [], "path": "m/0"},
        {"kinds": {}, "path": "m/0"},
        {"kinds": {"a": 7}, "path": "m/0"},
    ],
)
def test_a_wrong_row_says_what_is_wrong(params: dict[str, Any]) -> None:
    seed = bytes(32)
    with pytest.raises(InputError):
        Wallet.from_seed(seed).account(row_with(**params))


# ---- hostile text --------------------------------------------------------------------------------


@given(st.sampled_from(NAMES), st.text(max_size=220))
@settings(max_examples=400, deadline=None)
def test_any_text_is_an_address_or_refused(name: str, text: str) -> None:
    try:
        canonical = parse_address(name, text)
    except InvalidAddress:
        return
    assert parse_address(name, canonical) == canonical


@given(st.sampled_from(KINDS), st.binary(min_size=32, max_size=32), st.data())
@settings(max_examples=400, deadline=None)
def test_any_change_of_an_address_is_an_address_or_refused(pair: tuple[str, str], secret: bytes, data: Any) -> None:
    name, kind = pair
    try:
        address = address_of(name, kind, secret)
    except InvalidKey:
        return  # of secp256k1, a number out of its range
    start = data.draw(st.integers(0, len(address)))
    end = data.draw(st.integers(start, len(address)))
    changed = address[:start] + data.draw(st.text(alphabet="0123456789abcdefFGzZ. :1_", max_size=6)) + address[end:]
    try:
        canonical = parse_address(name, changed)
    except InvalidAddress:
        return
    assert parse_address(name, canonical) == canonical


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, 7, b"text", "", "\ud800", "x" * 100_000, "0" * 200])
def test_what_is_no_text_of_an_address_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidAddress):
        CHAIN.parse_address(network(name), value)
