"""Programs of a Linux distribution, as its packages have them: each prints what it prints on the machine of the tests,
and ends as there."""

import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ambilink.errors import AmbilinkError
from ambilink.machine.emulator.board import Board
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import with_kernel

TEXT = "pear\napple\nfig\nbanana\napple\n"
BUSYBOX, STACK = "/bin/busybox", 256 << 10


@dataclass(frozen=True)
class Case:
    program: str
    words: list[str]
    status: int = 0
    settings: dict = field(default_factory=dict)


def busybox(text: str, **settings) -> Case:
    return Case(BUSYBOX, text.split(), **settings)


def coreutils(text: str, **settings) -> Case:
    name, *words = text.split()
    return Case(f"/usr/bin/{name}", words, **settings)


PYTHON = Path("/usr/bin/python3").resolve()
# What it needs of its library: little, as each module that is imported is compiled in the boot.
SCRIPT = (
    "import math, mmap, sys, time, _thread; found = []; "
    "[_thread.start_new_thread(lambda i=i: found.append(i * i), ()) for i in range(4)]; "
    "[time.sleep(0.001) for _ in iter(lambda: len(found) < 4, False)]; "
    "print(sorted(found), 2**100, round(math.pi, 9), mmap.PAGESIZE, sys.version_info[0], f'{1 / 3:.5f}')"
)
QUERY = "create table t(a, b); insert into t values (1, 'x'), (2, 'y'); select a, b, sqrt(a) from t order by b desc;"
LUA = "local t = {} for i = 1, 5 do t[i] = i * i end print(table.concat(t, ' '), string.format('%.4f', math.pi))"

# FILE is a file of five lines, FOLDER the folder that it lies in.
CASES = [
    Case("/usr/bin/hello", []),
    Case("/usr/bin/hello", ["--greeting=Good morning"]),
    *map(
        busybox,
        [
            "echo hello world",
            "cat FILE",
            "ls FOLDER",
            "wc -l FILE",
            "sort -u FILE",
            "sha256sum FILE",
            "md5sum FILE",
            "seq 1 3 10",
            "expr 6 * 7",
            "date -u -d @86400",
            "stat -c %s FILE",
            "head -n2 FILE",
            "tail -n2 FILE",
            "grep -n app FILE",
            "sed s/a/A/g FILE",
            "find FOLDER -type f",
            "tar -tf ARCHIVE",
            "od -c FILE",
            "cmp FILE FILE",
            "uname -s",
            "sleep 0.01",
            "basename /a/b.c .c",
        ],
    ),
    Case(BUSYBOX, ["awk", "{n += length($1)} END {print n}", "FILE"]),
    busybox("grep nothing FILE", status=1),
    busybox("cat FOLDER/missing", status=1),
    *map(
        coreutils,
        [
            "cat FILE",
            "ls -a FOLDER",
            "wc FILE",
            "sort -r FILE",
            "sha512sum FILE",
            "seq 5",
            "tac FILE",
            "cut -c1-2 FILE",
            "tr --version",
            "base64 FILE",
            "stat -c %F FILE",
            "du --version",
            "printf %05.2f 3.14159",
            "factor 1234567890123456789",
            "uname -m",
            "env -i A=1",
            "readlink -f FOLDER/../data/text",
        ],
    ),
    coreutils("test -f FOLDER", status=1),
    Case("/bin/bash", ["-c", "for i in 1 2 3; do echo $((i * i)); done; printf '%s\\n' ${BASH_VERSINFO[0]}"]),
    Case("/usr/bin/lua5.4", ["-e", LUA]),
    Case("/usr/bin/sqlite3", ["-batch", "-init", "/dev/null", ":memory:", QUERY]),
    Case(
        str(PYTHON),
        ["-I", "-S", "-c", SCRIPT],
        settings={
            "brings": [
                f"usr/lib/{PYTHON.name}/encodings",
                f"usr/lib/{PYTHON.name}/os.py",  # by which it finds the others
                *(str(each).lstrip("/") for each in Path(f"/usr/lib/{PYTHON.name}/lib-dynload").glob("mmap.*")),
            ],
            "memory": 64 << 20,
            "kernel-memory": 1 << 20,
            "stack": 1 << 20,
        },
    ),
    Case("/bin/dash", ["-c", 'x=3; while [ $x -gt 0 ]; do echo $x; x=$((x - 1)); done; exit 4'], status=4),
]


def name_of(number: int, case: Case) -> str:
    """busybox looks at it."""
    return f"{Path(case.program).name}-{number}"


@pytest.fixture
def folder(tmp_path) -> Path:
    """That the programs see, there and here."""
    found = tmp_path / "etc/data"
    found.mkdir(parents=True)
    (found / "text").write_text(TEXT)
    with tarfile.open(found / "archive", "w") as archive:
        archive.add(found / "text", "text")
    return found


def judged(case: Case, words: list[str]) -> list[str]:
    done = subprocess.run(
        [case.program, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"LC_ALL": "C"},
    )
    assert done.returncode == case.status, (case, done)
    return done.stdout.splitlines()


def printed(console: list[str], name: str) -> list[str]:
    """By the program; what is missing is named between that."""
    lines = [line.removeprefix(f"{name}: ") for line in console if line.startswith(f"{name}: ")]
    return [line for line in lines if not line.startswith(f"linux: {name}: call ")]


def test_programs_of_a_distribution_print_what_they_print_there(system, folder):
    """All of them in one boot."""
    cases = [case for case in CASES if shutil.which(case.program)]
    missing = {case.program for case in CASES if case not in cases}
    if missing:
        packages = "Debian: hello, busybox-static, bash, dash, coreutils, lua5.4, sqlite3, python3-minimal"
        pytest.skip(f"{', '.join(sorted(missing))}: not installed ({packages})")
    system.service("files", grants=["image", "parts"])
    for name in ("text", "archive"):
        system.files[f"etc/data/{name}"] = str(folder / name)
    wanted = {}
    for number, case in enumerate(cases):
        inside = [word.replace("FILE", "/etc/data/text").replace("ARCHIVE", "/etc/data/archive") for word in case.words]
        inside = [word.replace("FOLDER", "/etc/data") for word in inside]
        outside = [word.replace("/etc/data", str(folder)) for word in inside]
        wanted[name_of(number, case)] = [line.replace(str(folder), "/etc/data") for line in judged(case, outside)]
        settings = {"calls": "linux", "sysroot": "/", "opens": ["etc/data/*"], "stack": STACK}
        settings |= {"environment": {"LC_ALL": "C"}, **case.settings}
        system.program(name_of(number, case), program=case.program, arguments=inside, **settings)
    outcome = Board(with_kernel(BootRequest(system.pack(), memory_megabytes=512, seed=1, timeout=60.0))).run()
    console = outcome.text
    found = {name: printed(console, name) for name in wanted}
    differ = {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}
    assert differ == {}
    ended = {line for line in console if line.startswith("loader: ") and ", status " in line}
    assert ended == {
        f"loader: {name_of(number, case)} exited, status {case.status}"
        for number, case in enumerate(cases)
        if case.status
    }
    assert outcome.verdict is Verdict.FAIL  # some were to end so


def test_threads_signals_memory_and_files(system, tmp_path):
    """The same program, by glibc and by musl, dynamic and static; Linux is the judge."""
    if not (shutil.which("gcc") and shutil.which("musl-gcc")):
        pytest.skip("no gcc or no musl-gcc here (Debian: gcc, musl-tools)")
    source = str(Path(__file__).parent / "linux/threads.c")
    builds = {
        "gcc": ["gcc"],
        "gcc-static": ["gcc", "-static"],
        "musl-gcc": ["musl-gcc"],
        "musl-gcc-static": ["musl-gcc", "-static"],
    }
    system.service("files", grants=["image", "parts"]).service("tmp", stack=131072).service("pipes")
    for name, words in builds.items():
        program = str(tmp_path / name)
        if subprocess.run([*words, "-O2", "-pthread", "-o", program, source], capture_output=True).returncode:
            pytest.skip(f"{name} does not link here (Debian: libc6-dev, musl-tools)")
        # glibc opens this one to end a thread.
        more = {"brings": ["lib/x86_64-linux-gnu/libgcc_s.so.1"]} if name == "gcc" else {}
        limits = {"stack": STACK, "memory": 48 << 20, "kernel-memory": 1 << 20}
        system.program(name, program=program, calls="linux", sysroot="/", **limits, **more)
    judge = subprocess.run([tmp_path / "musl-gcc-static"], stdout=subprocess.PIPE, text=True)
    assert judge.returncode == 3
    console = Board(with_kernel(BootRequest(system.pack(), memory_megabytes=512, seed=1, timeout=60.0))).run().text
    assert {name: printed(console, name) for name in builds} == dict.fromkeys(builds, judge.stdout.splitlines())
    assert [line for line in console if line.startswith("kernel: ")] == []
    assert {f"loader: {name} exited, status 3" for name in builds} <= set(console)


def test_what_is_missing_is_named(system):
    if not os.path.exists("/bin/dash"):
        pytest.skip("no /bin/dash here")
    system.service("files", grants=["image", "parts"])
    settings = {"calls": "linux", "sysroot": "/", "stack": STACK}
    system.program("dash", program="/bin/dash", arguments=["-c", "(echo hello)"], **settings)
    result = system.boot()
    assert "dash: linux: dash: call 56, clone, is not there: ENOSYS" in result.outcome.text
    assert result.failures == []  # what glibc's linker stored is what the model computes


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"sysroot": "nowhere"}, r"service dash\.sysroot: .*nowhere is no folder; give the folder that is / for"),
        ({"sysroot": "empty"}, r"dash: asks for the interpreter /lib64/ld-linux-.*, and .* is not there; unpack"),
        ({"sysroot": "/", "brings": ["etc/not-there"]}, r"dash\.brings has 'etc/not-there', and .* is not there"),
        ({"sysroot": "/", "brings": ["dev/null"]}, r"dash\.brings has 'dev/null', and .* is neither a file"),
        ({"sysroot": "bad"}, r"bad/lib64/ld-linux-.*: is not a 64-bit little-endian ELF file"),
        ({"sysroot": "/"}, r"opens its libraries, and the service 'files' is not in the image; write grants = "),
    ],
    ids=["no folder", "no interpreter", "nothing to bring", "a device", "no ELF file", "no service files"],
)
def test_what_cannot_be_packed(system, settings, message):
    if not os.path.exists("/bin/dash"):
        pytest.skip("no /bin/dash here")
    (system.folder / "empty").mkdir()
    (system.folder / "bad/lib64").mkdir(parents=True)
    (system.folder / "bad/lib64/ld-linux-x86-64.so.2").write_text("text")
    system.program("dash", program="/bin/dash", calls="linux", **settings)
    with pytest.raises(AmbilinkError, match=message):
        system.pack()
