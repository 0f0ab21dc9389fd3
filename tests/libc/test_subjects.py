"""Subjects of libc, those of musl's own test suite among them: the same programs over musl and glibc on the
development machine, the judges, and over this system's libc as services, dynamic and static. `--write-libc-table`
writes what passes, and why the rest does not, into libs/c/README.md."""

import re
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ambilink.bootimage.identify import identify
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import startable

PROCESSES = "`fork`, `vfork` and `execve` answer ENOSYS: a process cannot be copied with its handles"
IPC = "System V queues, semaphores and shared memory answer ENOSYS"
REASONS = {
    **dict.fromkeys(("fflush-exit", "fcntl-locks", "daemon-failure", "execle-env", "vfork"), PROCESSES),
    **dict.fromkeys(("ipc_msg", "ipc_sem", "ipc_shm"), IPC),
}
# Where glibc answers otherwise than musl, by right: forms of "%a", limits of encodings, "//", a locale of any name.
MUSL_ALONE = {
    *("basename", "strtod", "strtold", "sscanf", "memstream", "mbc", "uselocale-0", "fma", "frexp", "special"),
    *("printf-fmt-g-round", "regex-ere-backref", "clocale-high-bytes", "daemon-failure", "malloc-brk-fail"),
    *("fnmatch-more", "strtod_simple"),
}
START, END = "<!-- subjects: written by tests/libc/test_subjects.py -->\n", "<!-- end of subjects -->\n"
BEFORE = {"functional": "39 of 70", "regression": "43 of 66"}  # of musl's own programs, before all this
OPENING = {"dlopen", "tls_align_dlopen", "tls_init_dlopen", "tls_get_new-dtv"}  # in dynamic programs alone
LISTS = tomllib.loads((Path(__file__).parent / "musl.toml").read_text())
STANDS_FOR = LISTS["stands_for"]
LIBRARY = "libtest-subject.so"
LINKAGES = ("dynamic", "static")


def by_subject(lines):
    return {line.partition(": ")[0]: line.partition(": ")[2] for line in lines if ": " in line}


def sources(top):
    return sorted((top / "tests/libc/subjects").glob("*.c"))


def alone(top):
    """The subjects that have a process of their own."""
    return [name for path in sources(top) for name in re.findall(r'\{"([\w-]+)", \w+, 1\}', path.read_text())]


def subjects(top):
    """By group, the names as the sources have them."""
    found = {}
    for path in sources(top):
        text = path.read_text()
        names = re.findall(r'\{"([\w-]+)", [a-z]\w+(?:, 1)?\}', text)
        names += [name for name in re.findall(r"\b(?:X|ENTRY)\((\w+)\)", text) if name not in ("ENTRY", "name")]
        if names:
            found[path.stem] = names
    return found


def run(*words, **settings):
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=60, **settings)
    assert "-c" not in words or done.returncode == 0, done.stderr
    return done.stdout


def make_judges(top, folder, compiler, linked, libraries):
    """The folder of each, by name: one compilation, linked in the ways that `linked` has."""
    words = [compiler, "-std=gnu17", "-O0", "-w", "-fno-builtin"]
    words += ["-DWITHOUT_CRYPT"] if compiler == "musl-gcc" else []
    objects = folder / "objects"
    objects.mkdir(parents=True)
    run(*words, "-c", *map(str, sources(top)), cwd=objects)
    for name, way in linked.items():
        (folder / name).mkdir()
        program = str(folder / name / "program")
        subprocess.run([compiler, *way, *map(str, objects.glob("*.o")), "-o", program, *libraries], check=True)
    library = [str(top / "tests/libc/dso/subject.c"), "-o", str(folder / next(iter(linked)) / LIBRARY)]
    subprocess.run([*words, "-shared", "-fPIC", *library], check=True)
    return {name: folder / name for name in linked}


def said_by(place, names):
    """What a judge prints: all that need no process of their own in one, and each of the others."""
    environment = {"LD_LIBRARY_PATH": str(place), "PATH": "/usr/bin:/bin"}
    ways = [[], *([name] for name in names)]
    return by_subject(line for words in ways for line in run(place / "program", *words, env=environment).splitlines())


@pytest.fixture(scope="module")
def judged(top, tmp_path_factory):
    """By judge, then by subject, what is printed."""
    folder = tmp_path_factory.mktemp("judges")
    kinds = {
        "musl-gcc": ({"musl": [], "musl static": ["-static"]}, ["-lm"]),
        "gcc": ({"glibc": []}, ["-lm", "-lcrypt", "-lresolv"]),
    }
    with ThreadPoolExecutor() as pool:
        there = {name: how for name, how in kinds.items() if shutil.which(name)}
        made = [pool.submit(make_judges, top, folder / name, name, *how) for name, how in there.items()]
        places = {name: place for each in made for name, place in each.result().items()}
        running = {name: pool.submit(said_by, place, alone(top)) for name, place in places.items()}
        if not running:
            pytest.skip("neither musl-gcc nor gcc is installed to judge (Debian: musl-tools, gcc)")
        return {name: each.result() for name, each in running.items()}


def expected_of(judged):
    musl = judged.get("musl", {})
    return {name: text for name, text in judged.get("glibc", {}).items() if musl or name not in MUSL_ALONE} | musl


def test_the_judges_agree(judged):
    if len(judged) < 3:
        pytest.skip("musl-gcc or gcc is not installed")
    static = judged["musl static"]
    assert {name for name, text in judged["musl"].items() if static.get(name) != text} == OPENING
    differing = {name for name, text in judged["musl"].items() if judged["glibc"].get(name) != text}
    assert differing <= MUSL_ALONE


def console(system, top, machine):
    """That of one boot of all: both linkages, and a process for each subject that needs one."""
    system.service("files", grants=["image"]).service("tmp").service("pipes")
    system.service("sh", program="test-sh", role="on-demand")
    system.libraries = [LIBRARY]
    for linkage in LINKAGES:
        program = {"program": f"test-subjects-{linkage}", "stack": 262144, "starts": ["sh"]}
        system.program(linkage, **program)
        for number, name in enumerate(alone(top)):
            if linkage == "dynamic" or name not in OPENING:
                system.program(f"{linkage}-{number}", arguments=[name], **program)
    request = BootRequest(system.pack(), seed=1, timeout=90.0, memory_megabytes=512)
    return boot(machine, startable(machine, request, identify(request.image), None, system.folder)).text


@pytest.mark.parametrize("machine", ["emulator", "qemu"])
def test_services_print_what_the_judges_print(system, top, judged, machine):
    if machine == "qemu" and shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    expected = expected_of(judged)
    lines = console(system, top, machine)
    for linkage in LINKAGES:
        prefix = re.compile(rf"{linkage}(?:-\d+)?: ")
        said = by_subject(line[found.end() :] for line in lines if (found := prefix.match(line)))
        failing = {
            name: said.get(name)
            for name, text in expected.items()
            if said.get(name) != text and (linkage == "dynamic" or name not in OPENING)
        }
        unknown = {name: text for name, text in failing.items() if name not in REASONS}
        assert not unknown, f"{linkage}: {unknown}"
        assert failing.keys() == REASONS.keys() & expected.keys(), f"{linkage}: reasons for what passes"


def test_users_are_found_without_any_service(system, judged):
    """Where no name is known, musl asks further by a socket."""
    expected, names = expected_of(judged), ("getpwnam_r", "getpwnam_r-errno", "getpwnam_r-crash")
    system.program("users", program="test-subjects-static", stack=262144, arguments=list(names))
    request = BootRequest(system.pack(), seed=1, timeout=30.0)
    lines = boot("emulator", startable("emulator", request, identify(request.image), None, system.folder)).text
    said = by_subject(line.removeprefix("users: ") for line in lines)
    assert {name: said.get(name) for name in names} == {name: expected[name] for name in names}


def test_each_name_is_a_subject(top):
    known = {name for names in subjects(top).values() for name in names}
    wanted = {each for names in LISTS["lists"].values() for name in names for each in STANDS_FOR.get(name, [name])}
    assert not wanted - known
    assert REASONS.keys() <= known


def passing(names):
    return sum(not REASONS.keys() & set(STANDS_FOR.get(name, [name])) for name in names)


def table_of(top):
    parts = [START, "| list of musl's suite | before | subjects that pass |\n|---|---|---|\n"]
    for name, names in LISTS["lists"].items():
        parts.append(f"| {name} | {BEFORE.get(name, '')} | {passing(names)} of {len(names)} |\n")
    parts.append("\n| group | subjects |\n|---|---|\n")
    count = 0
    for group, names in subjects(top).items():
        good = [name for name in names if name not in REASONS]
        count += len(good)
        parts.append(f"| {group} | {', '.join(good)} |\n" if good else "")
    parts.append(f"\n{count} subjects pass in both linkages, in the emulator and in QEMU. These do not:\n")
    parts.append("\n| subject | why |\n|---|---|\n")
    parts += [f"| {name} | {why} |\n" for name, why in REASONS.items()]
    return "".join((*parts, END))


def test_the_table_is_what_passes(top, request):
    """Its groups and subjects as the sources have them."""
    readme = top / "libs/c/README.md"
    text = readme.read_text()
    before, _, rest = text.partition(START)
    table, after = table_of(top), rest.partition(END)[2]
    if request.config.getoption("--write-libc-table"):
        readme.write_text(f"{before}{table}{after}")
    else:
        assert text == f"{before}{table}{after}", 'write it: ./scons "pytest=tests/libc --write-libc-table" test'
