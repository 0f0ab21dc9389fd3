"""`ambilink symbolize`: addresses of a saved console, by the build-ids that the kernel prints."""

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.bootimage.container import read
from ambilink.verify.symbol_files import SymbolFiles
from ambilink.verify.symbolize import Symbolizer

pytestmark = pytest.mark.compiler


def symbolize(*words, data: bytes | None = None, status: int = 0) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ambilink", "symbolize", *map(str, words)]
    done = subprocess.run(command, input=data, stdin=subprocess.DEVNULL if data is None else None, capture_output=True)
    assert done.returncode == status and b"Traceback" not in done.stderr, done.stderr.decode()
    return done


@pytest.fixture(scope="module")
def crash(build, tmp_path_factory):
    """The boot of a service that faults, and its console in a file."""
    from tests.boot.conftest import System

    system = System(build, tmp_path_factory.mktemp("crash"))
    result = system.program("crash", program="test-crash").program("caller", program="test-caller").boot()
    log = system.folder / "console.log"
    log.write_text("\r\n".join(result.outcome.text) + "\r\n")
    return result, log, system.folder / "system.img"


def frames(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("  #")]


def test_a_saved_console_names_what_the_boot_did(build, crash):
    result, log, _ = crash
    wanted = result.faults[1:]
    assert "services/test-crash: break_rule+0x" in wanted[0] and "crash.c:" in wanted[0] and len(wanted) > 5
    done = symbolize(log, "--symbols", build)
    assert frames(done.stdout.decode()) == wanted and not done.stderr
    assert frames(symbolize("--symbols", build, data=log.read_bytes()).stdout.decode()) == wanted
    # What is not added is the log itself.
    assert b"".join(line for line in done.stdout.splitlines(True) if not line.startswith(b"  ")) == log.read_bytes()


def test_an_independent_tool_finds_the_same_lines(build, crash):
    if shutil.which("addr2line") is None:
        pytest.skip("addr2line is not installed (Debian: binutils)")
    log = crash[1]
    text = symbolize(log, "--symbols", build).stdout.decode()
    spans = re.findall(r"0x([0-9a-f]+)-0x([0-9a-f]+) (\S+)\+0x0 build-id", text)
    for number, address, file, function, line in re.findall(
        r"#(\d+) 0x([0-9a-f]+) (\S+): (\S+)\+\S+ \(.*?([^/]+:\d+)\)", text
    ):
        start = next(int(low, 16) for low, _, name in spans if name == file)
        at = int(address, 16) - start - (number != "0")
        words = ["addr2line", "-f", "-e", build / f"{file}.debug", hex(at)]
        found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")
        assert found[0] == function and found[1].split(" ")[0].endswith(line)


def test_without_symbols_files_and_offsets_remain(crash, tmp_path):
    _, log, image = crash
    done = symbolize(log, "--symbols", tmp_path)
    assert re.search(rb"#0 0x[0-9a-f]+ services/test-crash\+0x1[0-9a-f]{3}\r?\n", done.stdout)
    assert done.stderr.count(b"no file with build-id") == 2 and b"--symbols" in done.stderr
    # An image has what its files export, and the symbols of its kernel.
    address = read(image).symbols["process_create"]
    text = (
        symbolize(log, "--image", image, data=None).stdout
        + symbolize("--image", image, data=b"rip %#x" % address).stdout
    )
    assert b"kernel: process_create+0x0" in text


def test_a_file_of_another_build_is_not_used(build, crash, tmp_path):
    """Only the build-id counts, not the name."""
    _, log, _ = crash
    (tmp_path / "services").mkdir()
    shutil.copy(build / "services/audit", tmp_path / "services/test-crash")
    shutil.copy(build / "services/test-crash.debug", tmp_path / "any name at all")
    text = symbolize(log, "--symbols", tmp_path).stdout.decode()
    assert "services/test-crash: break_rule+0x" in text


def test_the_folders_of_debuggers(build, crash, tmp_path):
    _, log, _ = crash
    identity = re.search(r"test-crash\+0x0 build-id ([0-9a-f]+)", log.read_text())[1]
    place = tmp_path / ".build-id" / identity[:2]
    place.mkdir(parents=True)
    shutil.copy(build / "services/test-crash.debug", place / f"{identity[2:]}.debug")
    assert "break_rule+0x" in symbolize(log, "--symbols", tmp_path).stdout.decode()


def test_the_markup_of_other_systems(build):
    file = build / "services/test-crash"
    identity = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from ambilink.elf.file import ElfFile; from pathlib import Path;"
            f"print(ElfFile.open(Path({str(file)!r})).build_id.hex())",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    from ambilink.verify.backtrace import _functions, symbol_file

    start, size, _ = next(each for each in _functions(symbol_file(file)) if each[2] == "on_request")
    first, after = 0x7000000 + start - 0x1000, 0x7000000 + start + size - 0x1000
    log = (
        f"{{{{{{module:0x0:crash:elf:{identity}}}}}}}\n{{{{{{mmap:0x7000000:0x4000:load:0:rx:0x1000}}}}}}\n"
        f"at {{{{{{pc:{first:#x}}}}}}}\n{{{{{{bt:0:{after:#x}:ra}}}}}}\n{{{{{{reset}}}}}}\n{{{{{{pc:{first:#x}}}}}}}\n"
    )
    lines = list(Symbolizer(SymbolFiles([build])).lines(log.splitlines(True)))
    assert ["on_request" in line for line in lines].count(True) == 2
    assert "crash: on_request+0x0 (" in lines[3] and "on_request" in lines[5]


def test_what_is_no_text_is_escaped(tmp_path):
    noise = (
        random.Random(1).randbytes(300_000)
        + b"x" * 3_000_000
        + b"\nkernel: fault in \xff (process 1): \0\n  backtrace 0x1"
    )
    path = tmp_path / "noise"
    path.write_bytes(noise)
    shown = symbolize(path).stdout
    assert shown == symbolize(data=noise).stdout
    assert shown.endswith(b"fault in \\xff (process 1): \\x00\n  backtrace 0x1")
    assert not {*shown} & {*range(9), 11, 12, *range(14, 32), 127}
    assert symbolize(data=b"").stdout == b""


DAMAGED = [
    "0x0-0xffffffffffffffff lib/x+0xffffffffffffffff build-id 00",
    "0x2-0x1 x+0x0",
    "0x1-0x2 x+0x0 build-id 123",
    "{{{mmap:0x0:0x1:load:7:rx:0x0}}}",
    "{{{module:0:x:elf:zz}}}",
    "backtrace 0x" + "f" * 40,
    "backtrace" + " 0x1" * 9999,
]


@pytest.mark.parametrize("line", DAMAGED)
def test_damaged_lines_do_no_harm(line):
    text = f"{line}\nbacktrace 0x1 0xffffffffffffffff\n"
    assert "".join(Symbolizer(SymbolFiles([])).lines(text.splitlines(True))).startswith(line)


def test_wrong_arguments(tmp_path):
    assert b"cannot be read" in symbolize(tmp_path / "none", status=2).stderr
    assert b"is a folder" in symbolize(tmp_path, status=2).stderr
    assert b"is no folder" in symbolize("--symbols", __file__, status=2).stderr
    (tmp_path / "text").write_text("text")
    assert b"no boot image" in symbolize("--image", tmp_path / "text", status=1, data=b"").stderr
    os.mkfifo(tmp_path / "fifo")
    assert b"no regular file" in symbolize(tmp_path / "fifo", status=2).stderr


def test_a_terminal_is_given_no_control_characters(tmp_path):
    import pty

    path: Path = tmp_path / "log"
    path.write_bytes(b"\x1b]0;title\x07 text\n")
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "ambilink", "symbolize", path], stdout=theirs, stderr=subprocess.DEVNULL, check=True
    )
    os.close(theirs)
    assert os.read(ours, 1000) == b"\\x1b]0;title\\x07 text\r\n"
    os.close(ours)
