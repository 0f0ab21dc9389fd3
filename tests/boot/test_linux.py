"""Programs that an ordinary toolchain built for Linux, with their own interpreter, unchanged."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.bootimage.container import read
from ambilink.machine.model import BootRequest, Verdict

from .entries import ENTRY_MAX, longest_entries

HERE = Path(__file__).parent / "linux"
INTERPRETER = Path("/lib/ld-musl-x86_64.so.1")


def can_build() -> bool:
    return bool(shutil.which("musl-gcc")) and INTERPRETER.exists()


def build_hello(folder: Path) -> Path:
    """The program and its library, linked by musl's wrapper of the machine's gcc."""
    library, program = folder / "libgreet.so", folder / "hello"
    for words in (
        ["-fPIC", "-shared", "-o", str(library), str(HERE / "greet.c")],
        ["-o", str(program), str(HERE / "hello.c"), "-L", str(folder), "-lgreet"],
    ):
        subprocess.run(["musl-gcc", "-O2", *words], check=True)
    return program


@pytest.fixture
def hello(tmp_path):
    if not can_build():
        pytest.skip("no musl-gcc here (Debian: apt install musl-tools)")
    return build_hello(tmp_path)


def linux_system(system, hello):
    settings = {"calls": "linux", "arguments": ["one"], "environment": {"WHO": "Linux"}, "opens": ["etc/motd"]}
    system.service("files", grants=["image", "parts"])
    system.program("hello", program=str(hello), **settings)
    system.file("etc/motd", "a line\nanother\n").file("etc/none-of-it", "")  # an empty one, where the next file begins
    system.files |= {"lib/ld-musl-x86_64.so.1": str(INTERPRETER), "lib/libgreet.so": str(hello.parent / "libgreet.so")}
    return system


def printed(console, name):
    """What a service printed."""
    return [line.removeprefix(f"{name}: ") for line in console if line.startswith(f"{name}: ")]


def test_an_unmodified_interpreter_starts_an_unmodified_program(system, machine, hello):
    image = linux_system(system, hello).pack()
    archive = read(image).archive
    assert archive.contents(archive.file("lib/ld-musl-x86_64.so.1")) == INTERPRETER.read_bytes()
    assert archive.contents(archive.file("services/hello")) == hello.read_bytes()
    result = system.boot(machine)
    lines = printed(result.outcome.text, "hello")
    assert lines == [
        "hello: a constructor ran",
        "hello: Hello, Linux, 42, 2.50, one",
        "hello: /etc/motd begins with a line",
        "hello: phdr 1, base 1, entry 1, page size 4096, secure 0, vdso 0, executable services/hello",
    ]
    # Every word that the foreign linker stored is what the model computes, and text is the image's own frames.
    assert result.failures == [] and result.outcome.verdict is Verdict.PASS
    uses = {use.name: use.processes for use in result.report.files}
    assert uses["lib/ld-musl-x86_64.so.1"] == uses["lib/libgreet.so"] == ["hello"]


def test_calls_answer_as_linux_does_or_refuse(system, tmp_path, hello):
    """With good and bad arguments, flags and addresses; the judge is the kernel that runs this test."""
    program, motd = tmp_path / "calls", tmp_path / "motd"
    subprocess.run(["musl-gcc", "-O2", "-o", str(program), str(HERE / "calls.c")], check=True)
    motd.write_text("a line\nanother\n")
    under_linux = subprocess.run([program, motd], capture_output=True, text=True, check=True).stdout.splitlines()
    settings = {"calls": "linux", "linker": "interp", "arguments": ["/etc/motd"], "opens": ["etc/motd"]}
    system.service("files", grants=["image", "parts"])
    settings |= {"memory": 32 << 20, "kernel-memory": 1 << 20}  # twice what it maps, and more
    system.program("calls", program=str(program), **settings)
    system.file("etc/motd", "a line\nanother\n")
    system.files["lib/ld-musl-x86_64.so.1"] = str(INTERPRETER)
    outcome, entries = longest_entries(BootRequest(system.pack(), seed=1))
    here = [line for line in printed(outcome.text, "calls") if line.startswith("calls: ")]
    assert outcome.verdict is Verdict.PASS and len(here) == len(under_linux)
    assert len(entries) > 15 and max(entries.values()) < ENTRY_MAX, entries
    less = "calls: less: "
    assert [each for each in zip(here, under_linux, strict=True) if each[0] != each[1] and less not in each[0]] == []
    assert [line for line in here if line.startswith(less) and ": error " not in line] == []
    assert all(line.endswith(": 0") for line in under_linux if line.startswith(less))


def test_its_functions_and_calls_are_traced(system, hello):
    image = linux_system(system, hello).pack()
    words = ["--calls", "main", "--calls", "libgreet.so:greet", "--calls", "syscalls", "--calls-of", "hello"]
    command = [sys.executable, "-m", "ambilink", "boot", str(image), *words]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    order = [line for line in lines if " -> main(" in line or " -> greet(" in line]
    assert order[0].endswith(" = 0x0") and " services/hello: main+0x" in order[1] and len(order) == 2
    opened = [line for line in lines if "[hello] lib/ld-musl-x86_64.so.1: fopen+0x" in line]
    results = [line.partition(" -> linux_call_2(")[2].partition(") = ")[2] for line in opened]
    assert results == ["0x3", "0xfffffffffffffffe"]  # the second is not among what it opens


def test_its_library_is_missing(system, hello):
    linux_system(system, hello)
    del system.files["lib/libgreet.so"]
    result = system.boot()
    assert any("libgreet.so" in line for line in result.outcome.text)
    assert "loader: hello exited, status 127" in result.outcome.text and result.outcome.verdict is Verdict.FAIL


def test_its_interpreter_is_missing(system, hello):
    linux_system(system, hello)
    del system.files["lib/ld-musl-x86_64.so.1"]
    with pytest.raises(
        Exception, match=r"asks for the interpreter /lib/ld-musl-x86_64\.so\.1, which is not in the image"
    ):
        system.pack()
