"""The verdict of a boot, and consoles told apart, without a machine."""

from pathlib import Path

import pytest

from ambilink.errors import AmbilinkError
from ambilink.machine.console import LINE_MAX, Console, refuse_slow_rules
from ambilink.machine.judge import CRASH_LINES, CRASH_SECONDS, Judge
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verdict import AMBILINK_RULES, VerdictRules


def shown(rules: VerdictRules, *parts: bytes) -> list[tuple[str, str]]:
    """Console and text of each line, however the bytes were cut."""
    whole = b"".join(parts)
    found = []
    for pieces in (parts, [whole], [bytes((byte,)) for byte in whole]):
        console = Console(None, rules)
        for piece in pieces:
            console.put(piece, 0.0, None)
        console.finish(0.0, None)
        found.append([(line.console, line.text) for line in console.lines])
    assert found[0] == found[1] == found[2]
    return found[0]


def test_all_texts_seen_is_a_pass_at_once():
    judge = Judge(VerdictRules(pass_text=("tests passed", "bye *!")))
    judge.see("bye all!", 1.0)
    assert judge.decide(1.0) is None and not judge.urgent
    judge.see("12 tests passed.", 2.0)
    assert judge.urgent and judge.decide(2.0) == (Verdict.PASS, "")


def test_a_crash_fails_and_its_lines_are_kept():
    judge = Judge(VerdictRules(pass_codes=(16,), pass_text=("done",), fail_text=("PANIC",)))
    judge.see("hello", 1.0)
    judge.see("PANIC: at 0x10", 2.0)
    judge.see("  rax 1", 2.1)
    judge.see("done", 2.2)  # too late
    assert judge.decide(2.2) is None and abs(judge.next_look(2.2) - (CRASH_SECONDS - 0.2)) < 1e-9
    failed = (Verdict.FAIL, "the console shows a failure: PANIC: at 0x10")
    assert judge.decide(2.0 + CRASH_SECONDS) == failed
    assert judge.crash == ["PANIC: at 0x10", "  rax 1", "done"]
    # Whatever code follows.
    assert judge.conclude(judge.of_code(16)) == failed


def test_a_long_crash_ends_the_boot():
    judge = Judge(VerdictRules(pass_text=("done",), fail_text=("PANIC",)))
    for number in range(CRASH_LINES):
        assert not judge.urgent
        judge.see(f"PANIC {number}", 1.0)
    assert judge.urgent and judge.decide(1.0)[0] is Verdict.FAIL


def test_without_codes_no_code_is_a_pass():
    assert Judge(VerdictRules(pass_text=("x",))).of_code(0x10)[0] is Verdict.FAIL
    assert Judge(VerdictRules()).of_code(0)[0] is Verdict.FAIL


def test_silence_fails_and_names_what_is_missing():
    judge = Judge(VerdictRules(pass_text=("done",), silence=2.0))
    assert judge.decide(1.9) is None and judge.next_look(1.5) == 0.5
    judge.see("alive", 1.9)
    assert judge.decide(3.8) is None
    assert judge.decide(3.9) == (Verdict.SILENCE, "no line for 2 s; not seen on the console: done")
    assert judge.timeout(5) == (Verdict.TIMEOUT, "no verdict within 5 s; not seen on the console: done")


def test_a_last_line_without_an_end_counts():
    judge = Judge(VerdictRules(pass_text=("done",)))
    assert judge.conclude((Verdict.HALTED, "x")) == (Verdict.HALTED, "x; not seen on the console: done")
    judge.see("done", 1.0)
    assert judge.conclude((Verdict.HALTED, "x")) == (Verdict.PASS, "")
    assert judge.conclude((Verdict.BROKEN, "x")) == (Verdict.BROKEN, "x")


def test_expected_lines_are_the_pass_of_rules_without_one():
    judge = Judge(VerdictRules(fail_text=("PANIC",)), ["one *", "two"])
    for line in ("two", "one 1", "not two"):
        judge.see(line, 1.0)
    assert judge.decide(1.0) is None
    judge.see("two", 1.0)
    assert judge.decide(1.0) == (Verdict.PASS, "")
    with_codes = Judge(AMBILINK_RULES, ["one"])
    with_codes.see("one", 1.0)
    assert with_codes.decide(1.0) is None  # the code is still to come


def test_a_prefix_labels_lines():
    rules = VerdictRules(console_prefix=r"\[(?P<console>\w+)\] ")
    assert shown(rules, b"boot\n[ne", b"t] up\r\n[fs] x [net] y\nrest") == [
        ("", "boot"),
        ("net", "up"),
        ("fs", "x [net] y"),
        ("", "rest"),
    ]


def test_an_escape_switches_within_lines():
    rules = VerdictRules(console_switch="\x1b(?P<console>[0-9])")
    text = b"ker", b"nel\n\x1b1hel\x1b", b"2wor\x1b1lo\n\x1b2ld\nmo", b"re"
    assert shown(rules, *text) == [("", "kernel"), ("1", "hello"), ("2", "world"), ("2", "more")]


def test_a_part_that_no_line_end_follows_is_kept():
    rules = VerdictRules(console_switch="\x1b(?P<console>[0-9])")
    assert shown(rules, b"\x1b1abc\x1b2def\n") == [("2", "def"), ("1", "abc")]


def test_what_moves_a_terminals_cursor_is_left_out():
    console = Console()
    console.put(b"\x1b[2J\x1b[01;01H\r\x1b[0m\x1b[37m\x1b[40mkernel: up\r\n", 0.0, None)
    assert [line.text for line in console.lines] == ["kernel: up"]


def test_a_machine_that_stops_early_says_what_did_not_come():
    judge = Judge(VerdictRules(pass_text=("ready", "done")))
    judge.see("ready", 1.0)
    for verdict in (Verdict.HALTED, Verdict.RESET):
        assert judge.conclude((verdict, "it stopped")) == (verdict, "it stopped; not seen on the console: done")
    assert judge.conclude((Verdict.BROKEN, "no memory")) == (Verdict.BROKEN, "no memory")


@pytest.mark.parametrize(
    "line",
    [
        b"PA\x1b[31mNI\x1b[0mC",
        b"PA\0NIC",
        b"PAX\x08NIC",
        b"PA\x1b]0;title\x07NIC",
        b"PA\x1b]0;title\x1b\\NIC",
        b"PA\x1bPq#0\x1b\\NIC",
        b"PA\x1b(BNIC",
        b"PA\xc2\x9b1mNIC",
        "PA\u200bN\u202eIC".encode(),
        b"PA\x07\x7fNIC\x1b[",
        b"\rPANIC\x1b[2K\x1b",
    ],
)
def test_a_text_does_not_hide_behind_control_characters(line):
    judge = Judge(VerdictRules(pass_text=("all passed",), fail_text=("PANIC",)))
    console = Console(lambda each: judge.see(each.shown, each.seconds))
    console.put(line + b"\nall passed\n", 1.0, None)
    assert console.lines[0].text == "PANIC"
    assert judge.conclude((Verdict.TIMEOUT, ""))[0] is Verdict.FAIL


def test_the_name_of_a_console_is_text_too():
    rules = VerdictRules(console_prefix=r"\[(?P<console>[^]]+)\] ")
    assert shown(rules, b"[a\x1b[2Kb] x\ty\n") == [("ab", "x\ty")]


def test_a_line_without_an_end_is_cut():
    console = Console()
    console.put(b"a" * (2 * LINE_MAX + 1), 0.0, None)
    console.finish(0.0, None)
    assert [len(line.text) for line in console.lines] == [LINE_MAX, LINE_MAX, 1]


@pytest.mark.parametrize("key", ["console_prefix", "console_switch"])
@pytest.mark.parametrize("pattern", [r"(?P<console>(a+a+)+)b", r"(?P<console>(a|aa)+)$"])
def test_an_expression_that_backtracks_for_ever_is_given_up(monkeypatch, key, pattern):
    monkeypatch.setattr("ambilink.machine.console.MATCH_SECONDS", 0.02)
    rules = VerdictRules(**{key: pattern}, pass_codes=(16,), console_place="os.toml:7")
    console = Console(None, rules)
    line = "a" * 5000 + "!x"
    console.put(f"{line}\nnext\n".encode(), 0.0, None)
    assert [line.text for line in console.lines] == [line, "next"]
    with pytest.raises(AmbilinkError) as caught:
        refuse_slow_rules(console, BootRequest(Path("x.img"), rules=rules))
    rule = f"os.toml:7: verdict.{key.replace('_', '-')} took more than 0.02 s on a line of the console"
    assert str(caught.value).startswith(rule) and "; write it without repetitions" in str(caught.value)
