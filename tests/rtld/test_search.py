"""Where libraries are found: random trees, with every rule of ld.so(8) in them; the judge is what the machine's own
dynamic linker finds."""

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ambilink.elf.psabi import PSABIS
from ambilink.errors import AmbilinkError
from ambilink.link.closure import MissingLibrary, load_closure
from ambilink.link.module import Module
from ambilink.link.processor import Processor, x86_64
from ambilink.link.search import Search

LOADER = Path("/lib64/ld-linux-x86-64.so.2")
X86_64 = next(number for number, psabi in PSABIS.items() if psabi.name == "x86_64")
needs_judge = pytest.mark.skipif(
    shutil.which("ld") is None or not LOADER.exists(),
    reason="GNU ld or glibc's dynamic linker for x86-64 is not installed",
)
LIBRARIES = ["liba.so", "libb.so", "libc1.so", "libd.so"]
FOLDERS = ["one", "two", "two/deep", "lib/x86_64-linux-gnu", "x86_64"]
INNER = ["", "", "", "", "glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4", "tls", "x86_64"]


class Tree:
    """Programs and libraries in folders, written by GNU ld; each file says where it lies by its needs alone."""

    def __init__(self, top: Path, seed: int) -> None:
        self.top, self.chance = top, random.Random(seed)
        self.empty = top / "empty.o"
        subprocess.run(["ld", "-r", "-b", "binary", "-o", self.empty, "/dev/null"], check=True)

    def path(self) -> str:
        """The elements of a path to search."""
        kinds = [
            "$ORIGIN/{}", "${{ORIGIN}}/{}/", "$ORIGIN/../{}", "", "{}", f"{self.top}/{{}}", "$ORIGIN/$LIB",
            "$ORIGIN/${{PLATFORM}}", "$ORIGINAL/{}", "$ORIGIN//{}//", "./{}", "$ORIGIN",
        ]  # fmt: skip
        chosen = self.chance.sample(kinds, self.chance.randrange(0, 4))
        return ":".join(kind.format(self.chance.choice(FOLDERS)) for kind in chosen)

    def link(self, output: Path, needs: list[str], *words: str) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        kind = self.chance.choice(["--disable-new-dtags", "--enable-new-dtags"])
        path = self.path()
        more = ["-rpath", path, kind] if path and self.chance.random() < 0.7 else []
        more += ["-z", "nodefaultlib"] if self.chance.random() < 0.2 else []
        stubs = [f"-l:{name}" for name in needs]
        command = ["ld", *words, *more, "-o", output, self.empty, "--no-as-needed", "-L", self.top / "stubs", *stubs]
        subprocess.run([*map(str, command)], check=True)

    def write(self) -> Path:
        (self.top / "one").mkdir()
        for name in LIBRARIES:
            self.link(self.top / "stubs" / name, [], "-shared", "-soname", name)
        for number, name in enumerate(LIBRARIES):
            for folder in self.chance.sample(["", *FOLDERS], 3):
                file = self.top / folder / self.chance.choice(INNER) / name
                needs = [other for other in LIBRARIES[number + 1 :] if self.chance.random() < 0.5]
                self.link(file, needs, "-shared", "-soname", name)
                if self.chance.random() < 0.15:  # another class, another machine: passed over
                    data = bytearray(file.read_bytes())
                    data[4], data[18] = self.chance.choice([(1, 3), (2, 183), (1, 62)])
                    file.write_bytes(data)
        program = self.top / self.chance.choice(["", *FOLDERS]) / "program"
        needs = self.chance.sample(LIBRARIES, 2)
        self.link(program, needs, "-pie", "--dynamic-linker", str(LOADER), "-e", "0")
        link = self.top / self.chance.choice(["links", "one"]) / "link"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(os.path.relpath(program, link.parent))
        return self.chance.choice([program, link])


def judged(program: Path, library_path: str) -> dict[str, str | None]:
    """What the machine finds: paths by name; None for a library that an object needs and that it does not find."""
    environment = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_LIBRARY_PATH": library_path}
    done = subprocess.run([program], env=environment, capture_output=True, text=True)
    found: dict[str, str | None] = {}
    for line in done.stdout.splitlines():
        if line.endswith(" => not found"):
            found[line.split()[0]] = None
        elif row := re.fullmatch(r"\s*(lib\S+) (?:=> (.*) )?\(0x\w+\)", line):
            found.setdefault(row[1], os.path.realpath(row[2] or row[1]))  # in the current folder a name is its own path
    return found


@needs_judge
@pytest.mark.parametrize("seed", range(0, 40, 20))
def test_the_machine_finds_the_same(tmp_path, monkeypatch, seed):
    found = 0
    for number in range(seed, seed + 20):
        top = tmp_path / str(number)
        top.mkdir()
        tree = Tree(top, number)
        program = tree.write()
        current = tree.chance.choice([top, top / "one", program.parent])
        monkeypatch.chdir(current if number % 4 else top)
        several = tree.path().replace(":", tree.chance.choice(":;"))
        library_path = tree.chance.choice(["", "", several, ":", f"{top}/one:"])
        expected = judged(program, library_path)
        given = Path(os.path.relpath(program)) if number % 3 == 0 else program
        try:
            modules = load_closure(given, Search(X86_64, library_path=library_path).find)
        except MissingLibrary as error:
            assert any(path is None and f"needs {name}," in str(error) for name, path in expected.items()), number
            continue
        ours = {module.name: os.path.realpath(module.path) for module in modules[1:]}
        assert ours == expected, (number, program, library_path)
        found += len(ours)
    assert found > 1


@needs_judge
def test_a_library_of_the_cache_and_of_no_default_folder(tmp_path):
    """libc comes from the cache; with -z nodefaultlib it is not found."""
    tree = Tree(tmp_path, 1)
    (tmp_path / "stubs").mkdir()
    tree.link(tmp_path / "stubs/libc.so.6", [], "-shared", "-soname", "libc.so.6")
    words = ["-pie", "--dynamic-linker", str(LOADER), "-e", "0"]
    tree.path = lambda: ""
    for name, more in (("with", []), ("without", ["-z", "nodefaultlib"])):
        tree.link(tmp_path / name, ["libc.so.6"], *words, *more)
        expected = judged(tmp_path / name, "")["libc.so.6"]
        assert (expected is None) == (name == "without")
        if expected:
            assert os.path.realpath(load_closure(tmp_path / name)[1].path) == expected
        else:
            with pytest.raises(MissingLibrary, match=r"libc\.so\.6"):
                load_closure(tmp_path / name)


def test_what_is_no_elf_file_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = Module.__new__(Module)
    module.path, module.interpreter, module.machine, module.dynamic = tmp_path / "program", None, X86_64, {}
    (tmp_path / "libx.so").write_text("INPUT(liby.so)\n")
    assert Search(X86_64, library_path=":").find("libx.so", [module]) == Path("libx.so")
    with pytest.raises(AmbilinkError, match=r"libx\.so"):
        Module.load("libx.so", Path("libx.so"))


FLAGS = "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"


@pytest.mark.parametrize(
    ("flags", "vendor", "version", "expected"),
    [
        ("", "AuthenticAMD", (2, 37), Processor("x86_64")),
        (FLAGS, "AuthenticAMD", (2, 37), Processor("x86_64", ("x86-64-v3", "x86-64-v2"))),
        (FLAGS, "GenuineIntel", (2, 38), Processor("x86_64", ("x86-64-v3", "x86-64-v2"))),
        (
            FLAGS,
            "GenuineIntel",
            (2, 36),
            Processor(
                "haswell",
                ("x86-64-v3", "x86-64-v2"),
                ("tls/haswell/x86_64", "tls/haswell", "tls/x86_64", "tls", "haswell/x86_64", "haswell", "x86_64"),
            ),
        ),
    ],
)
def test_what_a_processor_has(flags, vendor, version, expected):
    assert x86_64(set(flags.split()), vendor, version) == expected


@needs_judge
def test_this_processor_is_judged_by_the_machine():
    """`ld.so --help` lists what it searches."""
    done = subprocess.run([LOADER, "--help"], capture_output=True, text=True)
    levels = re.findall(r"^  (x86-64-v\d) \(supported, searched\)", done.stdout, re.MULTILINE)
    if "glibc-hwcaps" not in done.stdout:
        pytest.skip("this glibc has no glibc-hwcaps")
    assert list(Search(X86_64).processor.levels) == levels
