"""All numbers of Linux' calls, tried by a program of musl: each does something or is named, once; libs/linux/README.md
has the table, which `--write-libc-table` writes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ambilink.machine.emulator.board import Board
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import with_kernel

from .test_sweep import END, ENDS, numbers
from .test_sweep import listed as lines_of

START = "<!-- calls: written by tests/boot/test_linux_sweep.py -->\n"
MISSING = re.compile(r"sweep: linux: sweep: call (\d+)(?:, (\w+),)? is not there: ENOSYS")
QUIET = {"rseq"}  # glibc asks for it in each program, and does without


def listed(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_each_call_does_something_or_is_named_once(system, tmp_path, request, top):
    if not shutil.which("musl-gcc"):
        pytest.skip("no musl-gcc here (Debian: apt install musl-tools)")
    program = tmp_path / "sweep"
    source = Path(__file__).parent / "programs/sweep.c"
    subprocess.run(["musl-gcc", "-static", "-O2", "-o", str(program), str(source)], check=True)
    known = numbers()
    count = max(known.values()) + 1
    system.service("files", grants=["image", "parts"]).service("tmp").service("pipes")
    system.program("sweep", program=str(program), calls="linux", arguments=[str(count)], stack=262144)
    console = Board(with_kernel(BootRequest(system.pack(), seed=1, timeout=60.0))).run().text
    assert "loader: every program of the manifest ended: passed" in console, console
    found = [match for line in console if (match := MISSING.fullmatch(line))]
    named = {int(match[1]): match[2] for match in found}
    assert len(named) == len(found)  # once each
    answered = {int(line.removeprefix("sweep: ")) for line in console if re.fullmatch(r"sweep: \d+", line)}
    answered |= {known[name] for name in ENDS}
    assert answered | named.keys() | {known[name] for name in QUIET} == set(range(count))
    names = {number: name for name, number in known.items()}
    assert {number: name for number, name in named.items() if number in names} == {
        number: names[number] for number in named if number in names
    }
    there = {names[number] for number in answered if number in names and number not in named}
    assert len(there) > 180 and not {"fork", "vfork", "execve", "ptrace"} & there
    of_libposix = listed((top / "libs/posix/README.md").read_text().partition("Answered:\n")[2].partition(".\n")[0])
    sources = [path.read_text() for path in (top / "libs/linux/src").glob("*.c")]
    of_layer = {name for text in sources for name in re.findall(r"case SYS_(\w+):", text)} & there - of_libposix
    readme = top / "libs/linux/README.md"
    text = readme.read_text()
    before, after = text.partition(START)[0], text.partition(END)[2]
    if request.config.getoption("--write-libc-table"):
        readme.write_text(f"{before}{START}\n{lines_of(sorted(of_layer))}.\n\n{END}{after}")
    own = listed(readme.read_text().partition(START)[2].partition(END)[0])
    write = './scons "pytest=tests/boot/test_linux_sweep.py --write-libc-table" test'
    assert own <= there and of_layer <= own, f"write it: {write}"  # what libposix learns later may be in both
