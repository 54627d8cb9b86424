"""What a person at a terminal sees: questions before signing, framed tables, bars."""

from __future__ import annotations

import json

import pytest

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
PAYMENT = {
    "to": "0x3535353535353535353535353535353535353535", "value": 10**18, "gas": 21000, "gasPrice": 10**9, "nonce": 0,
    "chainId": 1,
}  # fmt: skip
ASKED = ["sign", "--network", "ethereum"]


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("YES", True), ("n", False), ("", False), ("yy", False)])
def test_nothing_is_signed_before_it_was_shown_and_agreed_to(terminal, tmp_path, answer, agreed):
    file = tmp_path / "tx.json"
    file.write_text(json.dumps(PAYMENT))
    at = terminal(*ASKED, str(file), MULTIWALLET_MNEMONIC=WORDS)
    at.expect("Sign it? [y/N] ")
    at.answer(answer + "\n")
    ended = at.end()
    assert "transfer 1 ETH to 0x3535" in ended.err
    assert ended.err.index("transfer 1 ETH") < ended.err.index("Sign it?")
    if agreed:
        assert ended.code == 0
        assert ended.out.startswith("f86")
    else:
        assert (ended.code, ended.out) == (15, "")
        assert "declined" in ended.err


def test_the_question_comes_at_the_terminal_while_stdin_carries_the_transaction(terminal):
    at = terminal(*ASKED, stdin=json.dumps(PAYMENT).encode(), MULTIWALLET_MNEMONIC=WORDS)
    at.expect("Sign it? [y/N] ")
    at.answer("y\n")
    ended = at.end()
    assert ended.code == 0
    assert ended.out.startswith("f86")


def test_a_batch_is_asked_about_once(terminal):
    lines = "\n".join(json.dumps(PAYMENT | {"nonce": nonce}) for nonce in range(300))
    at = terminal(*ASKED, "--lines", stdin=lines.encode(), MULTIWALLET_MNEMONIC=WORDS)
    at.expect("Sign every transaction of this batch as 0x9858EfFD232B4033E47d90003D41EC34EcaEda94")
    at.answer("y\n")
    ended = at.end()
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 300
    assert "300" in ended.err  # the bar's last state


def test_without_a_terminal_and_without_yes_nothing_is_signed(child):
    for more in ([], ["--lines"]):
        ended = child(*ASKED, *more, "--json", stdin=json.dumps(PAYMENT).encode(), MULTIWALLET_MNEMONIC=WORDS)
        assert (ended.code, ended.out) == (3, "")
        assert "--yes" in json.loads(ended.err.splitlines()[-1])["error"]["message"]


def test_a_bar_does_not_swallow_the_result(terminal):
    at = terminal("derive", "--network", "tron", "--count", "700", "--csv", MULTIWALLET_MNEMONIC=WORDS)
    ended = at.end()
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 701
    assert "700/700" in ended.err


@pytest.mark.parametrize("columns", ["40", "200"])
def test_a_table_keeps_every_address_in_one_piece(terminal, columns):
    asked = ["derive", "--network", "solana", "--network", "bitcoin", "--kind", "p2tr"]
    ended = terminal(*asked, screen=True, COLUMNS=columns, MULTIWALLET_MNEMONIC=WORDS).end()
    assert ended.code == 0
    assert "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk" in ended.err
    assert "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr" in ended.err
    assert "─" in ended.err


def test_lines_on_a_screen_have_no_bar_between_them(terminal):
    lines = "\n".join(json.dumps(PAYMENT | {"nonce": nonce}) for nonce in range(120))
    asked = [*ASKED, "--lines", "--yes"]
    ended = terminal(*asked, stdin=lines.encode(), screen=True, MULTIWALLET_MNEMONIC=WORDS).end()
    assert ended.code == 0
    assert len([line for line in ended.err.splitlines() if line.startswith("f8")]) == 120
    assert "\x1b" not in ended.err
