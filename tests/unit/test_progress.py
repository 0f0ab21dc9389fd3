"""What a build shows while it runs: on terminals, in pipes, in colour or not."""

import io
import os
import re

import pytest

from ambilink.report.progress import Progress
from ambilink.report.terminal import SharedStream, highlighted, is_terminal, wants_colour


class Screen:
    """What a terminal of some columns shows in the end, and every line that it ever showed."""

    def __init__(self, text: str, columns: int) -> None:
        self.lines: list[str] = []
        self.widest = 0
        self.first = text.split("\r\x1b[K")[1]
        for line in text.split("\n"):
            for part in line.split("\r\x1b[K"):
                self.widest = max(self.widest, len(part))
            self.lines.append(line.split("\r\x1b[K")[-1])


@pytest.fixture
def shown(monkeypatch):
    """A progress line on a terminal of 60 columns, each change of it drawn."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("ambilink.report.progress.INTERVAL", 0.0)
    monkeypatch.setattr("ambilink.report.progress.time.monotonic", lambda: shown.now)
    shown.now = 100.0
    shown.stream = io.StringIO()
    shown.progress = Progress(shown.stream, terminal=True, jobs=2)
    return shown


def test_the_line_of_a_terminal(shown):
    names = [f"build/a/rather/long/folder/that/does/not/fit/into/a/line/file{number}.o" for number in range(5)]
    for name in names:
        shown.progress.expect(name, 10.0)
    for name in names:
        shown.progress.started("CC", name)
        shown.progress.finished(name, "file3.c: warning\n" if name == names[3] else "")
    shown.progress.clear()
    screen = Screen(shown.stream.getvalue(), 60)
    assert screen.lines == ["file3.c: warning", ""] and screen.widest < 60
    text = shown.stream.getvalue()
    assert re.search(r"\[0/5\].*/file0\.o", text) and re.search(r"\[4/5\].*/file4\.o", text)
    assert "[0/5] 25 s of compiling left" in screen.first


def last_line(shown) -> str:
    return shown.stream.getvalue().rpartition("\x1b[K")[2]


def test_no_estimate_of_what_was_never_timed(shown):
    shown.progress.expect("a.o", 40.0)
    shown.progress.expect("b.o", None)
    shown.progress.started("CC", "a.o")
    assert last_line(shown) == "[0/2] CC a.o"
    shown.progress.started("CC", "b.o")
    shown.now += 1
    shown.progress.finished("b.o")
    assert last_line(shown) == "[1/2] 39 s of compiling left CC a.o"


def test_no_estimate_where_a_cache_may_answer(shown):
    shown.progress.estimates = False
    shown.progress.expect("a.o", 40.0)
    shown.progress.started("CC", "a.o")
    assert last_line(shown) == "[0/1] CC a.o"


def test_an_estimate_never_grows_where_all_takes_as_long_as_before(shown):
    """Whatever runs at the same time, and whatever is linked meanwhile."""
    for number in range(40):
        shown.progress.expect(f"{number}.o", 2.0)
    estimates = []
    for number in range(0, 40, 2):
        shown.progress.started("CC", f"{number}.o")
        shown.progress.started("CC", f"{number + 1}.o")
        shown.progress.started("LD", f"lib{number}.so")
        found = re.search(r"(\d+) s of", last_line(shown))
        estimates += [int(found[1])] if found else []
        shown.now += 2
        for name in (f"{number}.o", f"{number + 1}.o", f"lib{number}.so"):
            shown.progress.finished(name)
    assert estimates == list(range(40, 0, -2))


def test_an_estimate_follows_the_pace_of_this_machine_today(shown):
    for number in range(10):
        shown.progress.expect(f"{number}.o", 2.0)
    for number in range(4):
        shown.progress.started("CC", f"{number}.o")
        shown.now += 6  # three times as long as before
        shown.progress.finished(f"{number}.o")
    shown.progress.started("CC", "4.o")
    assert " 18 s of compiling left" in last_line(shown)  # six of six seconds, two at a time


def test_what_others_print_never_glues_to_the_line(shown):
    """As SCons does, by sys.stdout and sys.stderr."""
    others = SharedStream(shown.stream, shown.progress.clear, lambda error: None)
    shown.progress.started("CC", "a.o")
    print("scons: `x' is up to date.", file=others)
    shown.progress.started("CC", "b.o")
    print("scons: *** [y] Error 1", file=others)
    shown.progress.finished("a.o")
    with shown.progress.paused():
        shown.progress.finished("b.o")
        shown.progress.started("CC", "c.o")  # not drawn: a command prints by itself
        shown.stream.write("console\n")
    shown.progress.clear()
    lines = Screen(shown.stream.getvalue(), 60).lines
    assert lines == ["scons: `x' is up to date.", "scons: *** [y] Error 1", "console", ""]


def test_lines_elsewhere():
    stream = io.StringIO()
    progress = Progress(stream, terminal=False)
    progress.started("CC", "x.o")
    progress.finished("x.o", "x.c: warning\n")
    progress.started("LD", "x")
    progress.finished("x")
    progress.say("done")
    progress.clear()
    progress.repeat_failures()
    assert stream.getvalue() == "  CC    x.o\nx.c: warning\n  LD    x\ndone\n"


def test_failures_are_repeated():
    stream = io.StringIO()
    progress = Progress(stream, terminal=False)
    for name in ("a", "b", "c"):
        progress.started("CC", f"{name}.o")
        progress.finished(f"{name}.o", f"{name}.c:1: error: no\n" if name != "b" else "", failed=name != "b")
    before = len(stream.getvalue())
    progress.repeat_failures()
    assert stream.getvalue()[before:] == (
        "\nscons: 2 steps failed:\n"
        "\n  CC    a.o: failed\na.c:1: error: no\n"
        "\n  CC    c.o: failed\nc.c:1: error: no\n"
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "environment, on_terminal, elsewhere",
    [
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, False),  # no-color.org: only where it is not empty
        ({"TERM": "xterm", "CLICOLOR": "0"}, False, False),
        ({"TERM": "dumb", "CLICOLOR_FORCE": "1"}, True, True),
        ({"TERM": "xterm", "CLICOLOR_FORCE": "0"}, True, False),
        ({"TERM": "xterm", "CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_where_there_is_colour(environment, on_terminal, elsewhere):
    assert wants_colour(Terminal(), environment) is on_terminal
    assert wants_colour(io.StringIO(), environment) is elsewhere


def test_a_dumb_terminal_has_no_line_that_changes():
    assert is_terminal(Terminal(), {"TERM": "vt100"})
    assert not is_terminal(Terminal(), {"TERM": "dumb"}) and not is_terminal(io.StringIO(), {"TERM": "vt100"})


def test_words_of_programs_without_colour_stand_out():
    assert highlighted("ld: error: no x\nx.asm:3: warning: y\n") == (
        "ld: \x1b[1;31merror:\x1b[0m no x\nx.asm:3: \x1b[1;35mwarning:\x1b[0m y\n"
    )
    assert highlighted("\x1b[1mx.c:1: error:") == "\x1b[1mx.c:1: error:"  # it has colours of its own


def test_a_stream_that_cannot_be_written_is_reported_and_goes_on():
    errors = []
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", buffering=1) as stream:
        shared = SharedStream(stream, lambda: None, errors.append)
        print("text", file=shared, flush=True)
        assert errors and all(isinstance(error, BrokenPipeError) for error in errors)
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)
