"""The early stop in any SConstruct by one line, and what SConscripts look at by Python itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ambilink.elf.abi import load_abi

LINE = "from ambilink.early import stop; stop()\n"
SCRIPT = """\
import os, pathlib
size = open("size.txt").read().strip()
if os.path.exists("extra.txt"):
    size += " + 1"
size += f" + {len(os.listdir('parts'))} + {len(list(pathlib.Path('more').glob('*')))}"
size += " + " + os.environ.get("SIZE_OF_ALL", "0")
if "BIGGER" in os.environ:
    size += " + 100"
import helper
env.DualLibrary("a", "a.c", defines=["SIZE=" + size.replace(" ", "") + "+" + helper.MORE])
"""


def early(tree, text: str) -> None:
    tree.sconstruct(text)
    path = tree.folder / "SConstruct"
    path.write_text(LINE + path.read_text())


def stops(tree, *words: str) -> bool:
    return "scons: nothing to do (" in tree.good(*words)


@pytest.fixture
def small(tree):
    tree.write("a.c", "int a[SIZE];\n")
    for name in ("size.txt", "parts/1", "more/1"):
        tree.write(name, "4\n")
    tree.write("site_scons/helper.py", "MORE = '1'\n")
    early(tree, SCRIPT)
    tree.good()
    tree.good()
    assert stops(tree)
    return tree


def size(tree) -> int:
    (symbol,) = load_abi(tree.out / "lib/liba.abi").symbols
    return symbol.size // 4


CHANGES = {
    "a file that it reads": (lambda tree: tree.write("size.txt", "9\n"), 5),
    "a file that it looks for": (lambda tree: tree.write("extra.txt", ""), 1),
    "a folder that it lists": (lambda tree: tree.write("parts/2", ""), 1),
    "a folder that it searches": (lambda tree: tree.write("more/2", ""), 1),
    "a module that it imports": (lambda tree: tree.write("site_scons/helper.py", "MORE = '30'\n"), 29),
    "a variable that it reads": (lambda tree: tree.variables.update(SIZE_OF_ALL="7"), 7),
    "a variable that it asks for": (lambda tree: tree.variables.update(BIGGER=""), 100),
}


def test_what_a_script_looks_at(small):
    for name, (change, more) in CHANGES.items():
        before = size(small)
        change(small)
        assert not stops(small), name
        assert size(small) == before + more, name
        small.good()
        assert stops(small), name


def test_variables_that_no_script_asks_for(small):
    small.variables["UNRELATED"] = "1"
    assert stops(small)


def test_a_script_that_looks_at_the_whole_environment(small):
    path = small.folder / "SConstruct"
    path.write_text(path.read_text().replace("import os,", "import os; sorted(os.environ.items())\nimport os,"))
    small.good()
    small.good()
    assert stops(small)
    small.variables["SHLVL"] = "77"
    assert stops(small)
    small.variables["UNRELATED"] = "1"
    assert not stops(small)


def test_a_script_that_starts_programs_never_stops_early(small):
    """Nothing is known of what they look at."""
    path = small.folder / "SConstruct"
    text = path.read_text()
    for line in (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])",
        "import os; os.system('true')",
        "env.Execute('true')",
        "env.ParseConfig('true')",
    ):
        path.write_text(text + line + "\n")
        for _ in range(3):
            assert not stops(small), line


def test_two_builds_of_one_sconstruct(tree):
    """A header of either is noticed."""
    for name in "ab":
        tree.write(f"{name}/{name}.h", "#define X 1\n")
        tree.write(f"{name}/{name}.c", f'#include "{name}.h"\nint {name} = X;\n')
    early(
        tree,
        'env.DualLibrary("a", "a/a.c")\n'
        'other = env.Clone(AMBILINK_BUILD="#build/other", tools=["ambilink"])\n'
        'other.DualLibrary("b", "b/b.c")\nother["AMBILINK"].check()\n',
    )
    tree.good()
    tree.good()
    assert stops(tree)
    for name, folder in (("a", tree.out), ("b", tree.folder / "build/other")):
        before = (folder / f"lib/lib{name}.a").read_bytes()
        tree.write(f"{name}/{name}.h", "#define X 22\n")
        assert not stops(tree)
        assert (folder / f"lib/lib{name}.a").read_bytes() != before
        tree.good()
        assert stops(tree)


def test_from_a_subfolder(small):
    """With -u SCons builds what lies below: other targets by the same words."""
    small.write("below/SConscript", "")
    inside = small.folder / "below"
    for _ in range(3):
        done = subprocess.run([sys.executable, "-m", "SCons", "-u"], cwd=inside, capture_output=True, text=True)
        assert done.returncode == 2 and "nothing is declared here" in done.stdout + done.stderr
        assert "nothing to do (" not in done.stdout


def test_times_that_are_set_back(small):
    """A file of the same size that gets its old date again."""
    path = Path(small.folder / "a.c")
    status = path.stat()
    path.write_text("int b[SIZE];\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not stops(small)


def test_a_source_dated_in_the_future(small):
    future = time.time() + 1000
    os.utime(small.folder / "size.txt", (future, future))
    small.good()
    small.good()
    assert stops(small)


def test_the_command_looks_before_scons_is_loaded(small):
    """It says the same as SCons, and starts it with the same words where something changed."""

    def build(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ambilink", "build", *words]
        return subprocess.run(
            command, cwd=small.folder, capture_output=True, text=True, env={**os.environ, **small.variables}
        )

    assert build("-Q", "-j3").stdout.startswith("scons: nothing to do (")
    small.write("size.txt", "9\n")
    done = build("-Q")
    assert done.returncode == 0 and "a.c.o" in done.stdout and size(small) == 9 + 3
    small.write("a.c", "this is not C\n")
    assert build("-Q").returncode == 2


def link(tree, name: str, target: str) -> None:
    path = tree.folder / name
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def header_with_the_folders_old_date(tree) -> None:
    status = (tree.folder / "first").stat()
    tree.write("first/x.h", "#define X 9\n")
    os.utime(tree.folder / "first", ns=(status.st_atime_ns, status.st_mtime_ns))


SEEN_BY_OTHERS = {
    "a file of Variables": lambda tree: tree.write("custom.py", "SIZE = 9\n"),
    "a folder that is asked for": lambda tree: (tree.folder / "../there").mkdir(),
    "a glob outside": lambda tree: tree.write("../globbed/b.c", "int b;\n"),
    "a program in the PATH": lambda tree: tree.write("../bin/mytool", "#!/bin/sh\n").chmod(0o755),
    "FindFile outside": lambda tree: tree.write("../found/opt", ""),
    "what a link says": lambda tree: link(tree, "current", "three"),
    "a variable in bytes": lambda tree: tree.variables.update(IN_BYTES="5"),
    "a file that a thread reads": lambda tree: tree.write("threaded.txt", "9"),
    "a module that is not there": lambda tree: tree.write("site_scons/maybe.py", ""),
    "a header in a folder outside": lambda tree: tree.write("../outside/sub/x.h", "#define X 9\n"),
    "a dangling link to a header": lambda tree: tree.write("elsewhere/x.h", "#define X 9\n"),
    "a folder with its old date": header_with_the_folders_old_date,
    "the folder of all": lambda tree: tree.folder.rename(tree.folder.parent / "moved"),
}


@pytest.mark.parametrize("change", SEEN_BY_OTHERS, ids=lambda name: name.replace(" ", "-"))
def test_what_is_looked_at_for_a_script(tree, change):
    tree.folder = tree.folder / "top"
    for name in ("globbed", "bin", "found", "outside/sub"):
        (tree.folder / ".." / name).resolve().mkdir(parents=True)
    for name in ("first", "second", "elsewhere"):
        (tree.folder / name).mkdir(parents=True)
    link(tree, "current", "two")
    link(tree, "second/x.h", "../elsewhere/x.h")
    for name, text in (("custom.py", "SIZE = 4\n"), ("threaded.txt", "1"), ("last/sub/x.h", ""), ("last/x.h", "")):
        tree.write(name, text)
    tree.write("a.c", "#include <x.h>\n#include <sub/x.h>\nint a;\n")
    early(
        tree,
        """
import os, pathlib
from concurrent.futures import ThreadPoolExecutor
Variables("custom.py").Update(env)
env.Dir("../there").exists(), env.Glob("../globbed/*.c"), env.FindFile("opt", ["../found"])
env.WhereIs("mytool", path=[env.Dir("../bin").abspath]), os.readlink("current"), os.environb.get(b"IN_BYTES")
with ThreadPoolExecutor() as pool:
    list(pool.map(pathlib.Path.read_text, [pathlib.Path("threaded.txt")]))
try:
    import maybe
except ImportError:
    pass
env.DualLibrary("a", "a.c", includes=["../outside", "first", "second", "last"])
""",
    )
    tree.good()
    assert stops(tree)
    SEEN_BY_OTHERS[change](tree)
    if change == "the folder of all":
        tree.folder = tree.folder.parent / "moved"
    assert not stops(tree)


def test_options_that_print_never_stop_early(small):
    small.good("--tree=all")
    assert "+-build" in small.good("--tree=all")
    small.variables["SCONSFLAGS"] = "--tree=all"
    small.good()
    assert "+-build" in small.good()


@pytest.mark.parametrize("text", ["import os; os.path.exists('x') and os.remove('x')", "env.Execute(Copy('y', 'a.c'))"])
def test_a_change_while_scripts_are_read(small, text):
    """The record is void from the process's beginning on: not what is in the file now was read."""
    path = small.folder / "SConstruct"
    path.write_text(path.read_text() + "import pathlib; pathlib.Path('size.txt').write_text('4')\n" + text + "\n")
    for _ in range(3):
        assert not stops(small)


@pytest.mark.parametrize(
    "text",
    [
        "import time; time.strftime('%Y')",
        "from datetime import date; date.today()",
        "import os; os.getpid()",
        "import posix; posix.stat('size.txt')",
        "def lucky():\n    import random\n    return random.random()",
        "import wsgiref.handlers; wsgiref.handlers.format_date_time(None)",
    ],
)
def test_a_script_that_may_get_another_answer_each_time(small, text):
    """The clock, chance, processes, and what is asked of the system without a way to hear it."""
    path = small.folder / "SConstruct"
    path.write_text(path.read_text() + text + "\n")
    for _ in range(2):
        assert not stops(small)
    path.write_text(LINE + "import clock\n" + path.read_text().removeprefix(LINE).removesuffix(text + "\n"))
    small.write("site_scons/clock.py", text + "\n")  # what scripts import is theirs, too
    for _ in range(2):
        assert not stops(small)


def test_a_script_that_asks_which_machine_this_is(small):
    path = small.folder / "SConstruct"
    path.write_text(path.read_text() + "import os, platform; platform.node(), os.uname(), os.cpu_count()\n")
    small.good()
    small.good()
    assert stops(small)
    for record in (small.folder / "build/.ambilink/up-to-date").iterdir():
        record.write_text(record.read_text().replace(f"\nU {os.uname().sysname}", "\nU Plan9"))
    assert not stops(small)
    small.good()
    assert stops(small)


@pytest.mark.parametrize("follow", [True, False])
def test_a_script_that_starts_another_compiler_now(tree, top, follow):
    """It says the same of itself as before, and so does the wrapper."""
    from ambilink.compile.toolset import load_toolset

    cc = load_toolset(tree.compiler, "x86_64").cc

    def compiler(value: int) -> None:
        path = tree.folder / "real"
        path.unlink(missing_ok=True)
        words = " ".join(cc)
        path.write_text(f'#!/bin/sh\nexec {words} -DV={value} "$@"\n')
        path.chmod(0o755)

    more = "" if follow else f"V=1\n. {tree.folder}/settings\n"
    tree.write("settings", "W=1\n")
    tree.write("bin/ourcc", f'#!/bin/sh\n{more}exec {tree.folder}/real "$@"\n').chmod(0o755)
    given = (top / f"toolchain/ambilink/compile/compilers/{tree.compiler}.toml").read_text()
    lines = [f'cc = ["{tree.folder}/bin/ourcc"]' if line.startswith("cc = [") else line for line in given.splitlines()]
    tree.write("our.toml", "\n".join(lines) + "\n")
    tree.compiler = "our.toml"
    tree.write("a.c", "int a[V];\n")
    early(tree, 'env.DualLibrary("a", "a.c")\n')
    out = tree.folder / "build/x86_64-our"
    compiler(1)
    tree.good()
    tree.good()
    assert stops(tree) == follow
    compiler(2)
    assert not stops(tree)
    (symbol,) = load_abi(out / "lib/liba.abi").symbols
    assert symbol.size == 8
