"""Builds on a pseudo terminal, as a person sees them."""

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl

import pytest

from tests.build.test_stopping import ended

ESCAPES = re.compile(r"\x1b\[[0-9;]*[mK]")  # gcc clears the rest of each line, too


def build(tree, *words, columns=80, **variables) -> str:
    """What a terminal gets."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "SCons", *words],
        cwd=tree.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**plain, "TERM": "xterm", **variables},
    )
    os.close(theirs)
    text = b""
    try:
        while data := os.read(ours, 1 << 16):
            text += data
    except OSError:  # the last writer closed it
        pass
    os.close(ours)
    process.wait(60)
    return text.decode()


def lines_of(text: str, columns: int) -> list[str]:
    """The screen's lines in the end; an assertion that the changing line never wraps."""
    lines = [""]
    for part in re.split(r"(\r\n|\r\x1b\[K)", text):
        if part == "\r\n":
            lines.append("")
        elif part == "\r\x1b[K":
            lines[-1] = ""
        else:
            assert not (lines[-1] and part.startswith("scons:")), f"{lines[-1]!r} has {part!r} glued to it"
            lines[-1] += part
            changing = ESCAPES.sub("", lines[-1]).startswith("[")
            assert not changing or len(lines[-1]) < columns, lines[-1]
    return lines


@pytest.fixture
def failing(pair):
    pair.write("high/high.c", "int high(int x) { return wrong; }\n")
    pair.sconstruct(pair._text + 'Default(env.Command("copy", "main.c", "cat $SOURCE > $TARGET"))\nDefault(".")\n')
    return pair


@pytest.mark.parametrize("columns", [80, 40])
def test_the_line_and_what_is_printed_around_it(failing, columns):
    text = build(failing, "-k", columns=columns)
    lines = [ESCAPES.sub("", line) for line in lines_of(text, columns)]
    assert any(re.fullmatch(r"high/high.c:1:\d+: error: .*'?wrong'?.*", line) for line in lines)
    assert "scons: done building targets (errors occurred during build)." in lines
    assert "cat main.c > copy" in lines
    assert not any(line.startswith("[") for line in lines), "a line that changes was left"
    assert "\x1b[K[" in text


def test_colours_of_the_compiler_and_ours(failing):
    text = build(failing, "-Q")
    assert re.search(r"\x1b\[[0-9;]*m[^\n]*error", text)  # the compiler's own
    assert re.search(r"\x1b\[1;31m  CC    \S+high\.c\.o: failed\x1b\[0m", text)


def test_commands_of_scons_have_the_terminal_for_themselves(pair):
    """They print by themselves, a piece at a time, while objects are compiled."""
    for number in range(12):
        pair.write(f"many/m{number}.c", f"int m{number}(void) {{ return {number}; }}\n")
    echo = "; ".join(f"printf 'piece {number} '; sleep 0.1" for number in range(8))
    command = f'Default(env.Command("said", [], "{echo}; echo; touch $TARGET"))\n'
    pair.sconstruct(command + 'env.DualLibrary("m", Glob("many/*.c"))\nDefault(".")\n')
    text = build(pair, "-Q", "-j2")
    lines = lines_of(text, 80)
    assert "".join(f"piece {number} " for number in range(8)) in lines, text


def test_a_terminal_that_is_closed_ends_the_build(pair):
    """Its window is gone: SIGHUP, and what is written after it fails."""
    pair.sconstruct(pair._text + 'Default(env.Command("slow", [], "touch begun; sleep 60"))\nDefault(".")\n')
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(pair.folder)
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-m", "SCons", "-j2"])
    while not (pair.folder / "begun").exists():
        time.sleep(0.01)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (2, 128 + signal.SIGPIPE)
    assert ended(pair.folder)
    pair.sconstruct(pair._text.replace("sleep 60", "touch $TARGET"))
    pair.good("-Q")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours(failing, variables):
    text = build(failing, "-Q", **variables)
    assert not re.search(r"\x1b\[[0-9;]*m", text) and "error" in text
    if variables.get("TERM") == "dumb":
        assert "\x1b" not in text and "  CC    " in text


def test_colours_in_a_pipe_only_if_forced(failing):
    assert "\x1b" not in failing.bad("-Q")
    failing.variables = {"CLICOLOR_FORCE": "1"}
    text = failing.bad("-Q")
    assert re.search(r"\x1b\[[0-9;]*m[^\n]*error", text) and "\x1b[K" not in re.sub(r"m\x1b\[K", "m", text)


def test_colours_change_no_object_and_compile_nothing_again(pair):
    pair.sconstruct(pair._text.replace("LIBS=", 'flags=["-g"], LIBS=', 1))
    pair.write("high/high.c", "#include <low.h>\n#warning careful\nint high(int x) { return low(x) * 2; }\n")
    pair.good("-Q")
    first = {path: path.read_bytes() for path in pair.out.rglob("*.o")}
    assert "up to date" in build(pair, "-Q", "--debug=explain")
    assert {path: path.read_bytes() for path in first} == first
    pair.good("-Q", "-c")
    assert "\x1b[" in build(pair, "-Q")
    assert {path: path.read_bytes() for path in first} == first
