"""The [verdict] table of a profile."""

from pathlib import Path

import pytest

from ambilink.errors import AmbilinkError
from ambilink.toml_file import Table
from ambilink.verdict import AMBILINK_RULES, VerdictRules, check_can_pass, read_verdict, text_pattern


def read(**values) -> VerdictRules:
    keys = {key.replace("_", "-"): value for key, value in values.items()}
    return read_verdict(Table(Path("os.toml"), "verdict", keys))


def test_all_keys():
    rules = read(
        pass_codes=[16],
        fail_codes=[17, 18],
        exit_port=0x501,
        pass_text=["all * passed"],
        fail_text=["PANIC"],
        console_prefix=r"\[(?P<console>\w+)\] ",
        silence=3,
    )
    assert rules == VerdictRules(
        (16,), (17, 18), 0x501, ("all * passed",), ("PANIC",), r"\[(?P<console>\w+)\] ", "", 3.0
    )
    assert rules.has_codes and rules.can_pass


def test_without_keys_nothing_passes():
    rules = read()
    assert rules == VerdictRules() and not rules.has_codes and not rules.can_pass
    with pytest.raises(AmbilinkError, match="has no rule by which a boot passes; add pass-codes"):
        check_can_pass(rules, "os.toml")
    check_can_pass(AMBILINK_RULES, "os.toml")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pass_codes": 16}, "verdict.pass-codes is 16, which is not a list"),
        ({"pass_codes": [0]}, "verdict.pass-codes has the item 0; write numbers from 1 to 127"),
        ({"pass_codes": [True]}, "verdict.pass-codes has the item True"),
        ({"fail_codes": [128]}, "verdict.fail-codes has the item 128"),
        ({"pass_codes": [3], "fail_codes": [4, 3]}, "verdict.fail-codes has 3, which is in pass-codes too"),
        ({"exit_port": 65536}, "verdict.exit-port is 65536"),
        ({"pass_text": [1]}, "verdict.pass-text has the item 1"),
        ({"pass_text": ["* *"]}, "which every line matches"),
        ({"pass_text": ["x"], "fail_text": ["x"]}, "verdict.fail-text has 'x', which is in pass-text too"),
        ({"console_prefix": "("}, "no regular expression"),
        ({"console_prefix": "x"}, "without a group called console"),
        ({"console_switch": "(?P<console>a*)"}, "matches nothing at all"),
        ({"console_prefix": "(?P<console>a)", "console_switch": "(?P<console>b)"}, "stands beside console-prefix"),
        ({"silence": 0}, "verdict.silence is 0; write seconds"),
        ({"silence": "1"}, "verdict.silence is '1'"),
        ({"silence": float("nan")}, "verdict.silence is nan"),
        ({"colour": 1}, "unknown key verdict.colour; known here: console-prefix, console-switch, exit-port"),
    ],
)
def test_mistakes_name_file_and_key(values, message):
    with pytest.raises(AmbilinkError) as caught:
        read(**values)
    assert str(caught.value).startswith("os.toml: ") and message in str(caught.value)


def test_only_the_star_is_special():
    assert text_pattern("a.b (*) c").search("x a.b (12) c y")
    assert not text_pattern("a.b").search("axb")
    assert text_pattern("one *").fullmatch("one 1") and not text_pattern("a*b*c").fullmatch("a b c d")
    assert text_pattern("a*b*b").fullmatch("a b b b") and not text_pattern("a*b").search("b a")


def test_many_stars_take_no_time():
    for pattern in ("*".join("a" * 12) + "*b", "a*" * 5000 + "b"):
        assert not text_pattern(pattern).search("a" * 65536)
        assert not text_pattern(pattern).fullmatch("a" * 65536)


@pytest.mark.parametrize(
    ("text", "line", "whole"),
    [
        ("a", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*", "", True),
        ("a*b*c", "abbc", True),
        ("ab*bc", "abc", False),
        ("*b", "ab", True),
        ("a*", "ba", False),
        ("a**b", "ab", True),
        ("a*b*b", "ab", False),
    ],
)
def test_a_line_as_a_whole(text, line, whole):
    assert text_pattern(text).fullmatch(line) is whole
