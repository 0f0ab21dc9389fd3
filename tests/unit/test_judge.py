"""The verdict of a boot, and consoles told apart, without a machine."""

from ambilink.machine.judge import CRASH_LINES, CRASH_SECONDS, Judge
from ambilink.machine.model import Console, Verdict
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
    console = Console(None, VerdictRules(), is_terminal=True)
    console.put(b"\x1b[2J\x1b[01;01H\r\x1b[0m\x1b[37m\x1b[40mkernel: up\r\n", 0.0, None)
    assert [line.text for line in console.lines] == ["kernel: up"]


def test_a_machine_that_stops_early_says_what_did_not_come():
    judge = Judge(VerdictRules(pass_text=("ready", "done")))
    judge.see("ready", 1.0)
    for verdict in (Verdict.HALTED, Verdict.RESET):
        assert judge.conclude((verdict, "it stopped")) == (verdict, "it stopped; not seen on the console: done")
    assert judge.conclude((Verdict.BROKEN, "no memory")) == (Verdict.BROKEN, "no memory")
