"""Subjects of libc, those of musl's own test suite among them: the same programs over musl and glibc on the
development machine, the judges, and over this system's libc as services, dynamic and static. `--write-libc-table`
writes what passes, and why the rest does not, into libs/c/README.md."""

import re
import shutil
import subprocess

import pytest

from ambilink.bootimage.identify import identify
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import startable

PROCESSES = "no processes are made by programs: `fork`, `vfork`, `posix_spawn` answer ENOSYS"
REASONS = {
    "mkstemp-failure": "a file that cannot be made is refused as EROFS, also where its folder is not there (ENOENT)",
    "popen": PROCESSES,
    "vfork": PROCESSES,
    "spawn": PROCESSES,
    "pipe": "pipes answer ENOSYS",
    "socket": "sockets answer ENOSYS",
    "ipc": "System V queues, semaphores and shared memory answer ENOSYS",
    "stat": "`statvfs` answers ENOSYS",
    "getpwnam_r": "there is no `/etc/passwd`: the answer is ENOENT in place of no entry",
}
# Where glibc answers otherwise than musl, by right: forms of "%a", limits of encodings, "//", a locale of any name.
MUSL_ALONE = {"basename", "strtod", "strtold", "sscanf", "memstream", "mbc", "uselocale-0", "fma", "frexp", "special"}
START, END = "<!-- subjects: written by tests/libc/test_subjects.py -->\n", "<!-- end of subjects -->\n"


def by_subject(lines):
    return {line.partition(": ")[0]: line.partition(": ")[2] for line in lines if ": " in line}


@pytest.fixture(scope="module")
def judged(top, tmp_path_factory):
    """By judge, then by subject, what is printed."""
    sources = sorted((top / "tests/libc/subjects").glob("*.c"))
    judges = {
        "musl static": ["musl-gcc", "-static", "-DWITHOUT_CRYPT"],
        "musl": ["musl-gcc", "-DWITHOUT_CRYPT"],
        "glibc": ["gcc"],
    }
    running = {}
    folder = tmp_path_factory.mktemp("judges")
    for name, words in judges.items():
        if shutil.which(words[0]):
            libraries = ["-lm", "-lcrypt", "-lresolv"] if name == "glibc" else ["-lm"]
            flags = ["-std=gnu17", "-O1", "-w", "-fno-builtin"]
            output = folder / name.replace(" ", "-")
            command = [*words, *flags, *map(str, sources), "-o", str(output), *libraries]
            running[output] = name, subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    found = {}
    for output, (name, process) in running.items():
        errors = process.communicate()[1]
        assert process.returncode == 0, errors
        done = subprocess.run([output], capture_output=True, text=True, errors="replace", timeout=30)
        found[name] = by_subject(done.stdout.splitlines())
    if not found:
        pytest.skip("neither musl-gcc nor gcc is installed to judge (Debian: musl-tools, gcc)")
    return found


def expected_of(judged):
    musl = judged.get("musl", {})
    return {name: text for name, text in judged.get("glibc", {}).items() if musl or name not in MUSL_ALONE} | musl


def test_the_judges_agree(judged):
    if len(judged) < 3:
        pytest.skip("musl-gcc or gcc is not installed")
    assert judged["musl"] == judged["musl static"]
    differing = {name for name, text in judged["musl"].items() if judged["glibc"].get(name) != text}
    assert differing <= MUSL_ALONE


def passing(system, program, expected):
    """The subjects that print what is expected; another machine would not alter their answers."""
    system.service("files", grants=["image"]).service("tmp")
    system.program(program, stack=262144)
    request = BootRequest(system.pack(), seed=1, timeout=60.0)
    outcome = boot("emulator", startable("emulator", request, identify(request.image), None, system.folder))
    assert outcome.verdict is Verdict.PASS, outcome.text
    prefix = f"{program}: "
    said = by_subject(line.removeprefix(prefix) for line in outcome.text if line.startswith(prefix))
    return {name for name, text in expected.items() if said.get(name) == text}


@pytest.mark.parametrize("linkage", ["dynamic", "static"])
def test_services_print_what_the_judges_print(system, judged, linkage):
    expected = expected_of(judged)
    good = passing(system, f"test-subjects-{linkage}", expected)
    assert expected.keys() - good == REASONS.keys() & expected.keys()


def test_the_table_is_what_passes(top, request):
    """Its groups and subjects as the sources have them."""
    parts = [START, "| group | subjects |\n|---|---|\n"]
    count = 0
    for path in sorted((top / "tests/libc/subjects").glob("*.c")):
        text = path.read_text()
        names = re.findall(r'\{"([\w-]+)", [a-z]\w+\}', text)
        names += [name for name in re.findall(r"\b(?:X|ENTRY)\((\w+)\)", text) if name not in ("ENTRY", "name")]
        good = [name for name in names if name not in REASONS]
        count += len(good)
        if good:
            parts.append(f"| {path.stem} | {', '.join(good)} |\n")
    parts.append(f"\n{count} subjects pass in both linkages. These do not:\n\n| subject | why |\n|---|---|\n")
    parts += [f"| {name} | {why} |\n" for name, why in REASONS.items()]
    table = "".join((*parts, END))
    readme = top / "libs/c/README.md"
    text = readme.read_text()
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    if request.config.getoption("--write-libc-table"):
        readme.write_text(f"{before}{table}{after}")
    else:
        assert text == f"{before}{table}{after}", 'write it: ./scons "pytest=tests/libc --write-libc-table" test'
