"""Which system calls of Linux answer ENOSYS: all numbers are tried in a booted program; libs/posix/README.md has the
table, which `--write-libc-table` writes."""

import re
from itertools import groupby

from ambilink.compile.wheel import wheel_folder
from ambilink.machine.model import Verdict

START, END = "<!-- calls: written by tests/boot/test_sweep.py -->\n", "<!-- end of calls -->\n"
ENDS = {"exit", "exit_group"}  # not tried


def numbers() -> dict[str, int]:
    """Linux' names on this machine."""
    text = (wheel_folder() / "lib/libc/include/x86_64-linux-musl/bits/syscall.h").read_text()
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+)\s+(\d+)", text)}


def called_by_musl() -> set[str]:
    sources = (wheel_folder() / "lib/libc/musl/src").rglob("*.[ch]")
    return {name for path in sources for name in re.findall(r"\bSYS_(\w+)", path.read_text(errors="replace"))}


def listed(names: list[str]) -> str:
    """A line for each first letter, so that a change is a line's."""
    lines = (", ".join(f"`{name}`" for name in group) for _, group in groupby(names, key=lambda name: name[0]))
    return ",\n".join(lines)


def test_calls_that_are_there(system, request, top):
    known = numbers()
    count = max(known.values()) + 1
    system.service("files", grants=["image"]).service("tmp").service("pipes")
    result = system.program("sweep", program="test-sweep", arguments=[str(count)]).boot()
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text
    there = {int(line.removeprefix("sweep: ")) for line in result.outcome.text if line.startswith("sweep: ")}
    answered = sorted(name for name, number in known.items() if number in there or name in ENDS)
    absent = sorted(called_by_musl() & known.keys() - set(answered))
    assert len(answered) > 100 and len(absent) > 20
    lists = f"Answered:\n{listed(answered)}.\n\nmusl calls these, too, and gets ENOSYS:\n{listed(absent)}."
    table = f"{START}\n{lists}\n\n{END}"
    readme = top / "libs/posix/README.md"
    text = readme.read_text()
    before, after = text.partition(START)[0], text.partition(END)[2]
    if request.config.getoption("--write-libc-table"):
        readme.write_text(f"{before}{table}{after}")
    else:
        write = './scons "pytest=tests/boot/test_sweep.py --write-libc-table" test'
        assert text == f"{before}{table}{after}", f"write it: {write}"
