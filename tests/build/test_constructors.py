"""Constructors of libraries: the same ones run, in the same order, in a static program as in a dynamic one. The judge
is glibc, by a program of the same sources that gcc links with shared objects. Both run on this machine."""

import platform
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or platform.system() != "Linux" or platform.machine() != "x86_64",
    reason="needs gcc on Linux on x86-64",
)

TRACE = """\
void note(const char *text)
{
    long done;
    __asm__ volatile("syscall" : "=a"(done) : "0"(1L), "D"(1L), "S"(text), "d"(3L) : "rcx", "r11", "memory");
}
"""
NOTE = """\
void note(const char *text);
__attribute__((constructor{when})) static void up_{name}(void) {{ note("{name:2} "); }}
__attribute__((destructor{when})) static void down_{name}(void) {{ note("-{name:<2}"); }}
"""
MAIN = """\
#ifdef JUDGE
int main(void) {{ return {calls} == 12345; }}
#else
typedef void function(void);
extern function *const __init_array_start[], *const __init_array_end[];
extern function *const __fini_array_start[], *const __fini_array_end[];
__attribute__((force_align_arg_pointer)) void _start(void)
{{
    for (function *const *each = __init_array_start; each < __init_array_end; each++) (*each)();
    int status = {calls} == 12345;
    for (function *const *each = __fini_array_end; each > __fini_array_start;) (*--each)();
    __asm__ volatile("syscall" : : "a"(231L), "D"((long)status));
    for (;;);
}}
#endif
"""
PROFILE = 'profile = 1\nextends = "ambilink"\n[programs]\nstatic = "exec"\n'
# What each library needs; "p" is the program. A name with a priority has a constructor of that priority, too.
GRAPHS = {
    "a chain": ({"p": "a", "a": "b", "b": "c", "c": ""}, {}),
    "siblings": ({"p": "ab", "a": "c", "b": "dc", "c": "", "d": ""}, {}),
    "a cycle": ({"p": "a", "a": "b", "b": "ac", "c": ""}, {}),
    "priorities": ({"p": "a", "a": "b", "b": "c", "c": ""}, {"p": 150, "a": 200, "c": 300}),
    "one that is not used": ({"p": "a", "a": "", "u": ""}, {}),
}


def sources(tree, needs: dict[str, str], priorities: dict[str, int]) -> dict[str, list[str]]:
    """Each library has a function, a constructor beside it, and an object that holds a constructor alone."""
    tree.write("trace.c", TRACE)
    files = {}
    for name, needed in needs.items():
        calls = " + ".join(["0", *(f"{each}()" for each in needed)])
        declared = "".join(f"int {each}(void);\n" for each in needed)
        own = (
            MAIN.format(calls=calls)
            if name == "p"
            else f"int {name}(void) {{ static int deep; return deep++ ? 0 : {calls}; }}\n"
        )
        early = NOTE.format(name=f"{name}0", when=f"({priorities[name]})") if name in priorities else ""
        tree.write(f"{name}.c", declared + NOTE.format(name=name, when="") + early + own)
        files[name] = [f"{name}.c"]
        if name != "p":
            tree.write(f"{name}_alone.c", NOTE.format(name=f"{name}2", when=""))
            files[name].append(f"{name}_alone.c")
    return files


def judged(tree, needs: dict[str, str], files: dict[str, list[str]]) -> str:
    """What the program prints that glibc links."""
    folder = tree.folder / "judge"
    folder.mkdir()

    def gcc(*words: str) -> None:
        subprocess.run(["gcc", "-O1", "-fPIC", "-DJUDGE", *words], cwd=tree.folder, check=True)

    libraries = [f"-L{folder}", "-Wl,--as-needed"]
    gcc("-shared", "-o", f"{folder}/libtrace.so", "trace.c")
    names = [name for name in needs if name != "p"]
    for _ in range(2):  # those of a cycle need each other
        for name in reversed(names):
            there = [f"-lpart{each}" for each in needs[name] if (folder / f"libpart{each}.so").exists()]
            gcc("-shared", "-o", f"{folder}/libpart{name}.so", *files[name], *libraries, *there, "-ltrace")
    gcc(
        "-o",
        f"{folder}/p",
        *files["p"],
        *libraries,
        *(f"-lpart{name}" for name in names),
        "-ltrace",
        f"-Wl,-rpath,{folder}",
    )
    return run(folder / "p", {"LD_LIBRARY_PATH": str(folder)})


def run(program, variables: dict[str, str] | None = None) -> str:
    words = {"capture_output": True, "text": True, "timeout": 20, "check": True}
    return subprocess.run([program], env=variables, **words).stdout


def declare(tree, needs: dict[str, str], files: dict[str, list[str]]) -> None:
    tree.write("os.toml", PROFILE)
    tree.more = 'AMBILINK_OS="os.toml", AMBILINK_BUILD="#out",'
    lines = ['env.DualLibrary("trace", ["trace.c"])']
    for name, needed in needs.items():
        if name != "p":
            lines.append(f'env.DualLibrary("{name}", {files[name]}, LIBS={[*needed, "trace"]})')
    used = [*needs["p"], *(name for name in needs if name == "u"), "trace"]
    lines.append(f'env.Service("p", {files["p"]}, LIBS={used}, linkage="static")')
    tree.sconstruct("\n".join(lines))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_static_program_starts_as_glibc_starts_a_dynamic_one(tree, graph):
    needs, priorities = GRAPHS[graph]
    files = sources(tree, needs, priorities)
    declare(tree, needs, files)
    tree.good("out/services/p")
    expected = judged(tree, needs, files)
    assert "a2" in expected and "-a2" in expected and expected.split()[0] != "p"
    assert run(tree.folder / "out/services/p") == expected
    assert not list(tree.folder.rglob("*.starting")) and not list(tree.folder.rglob("*.part*"))


def test_gnu_ld(tree):
    """It takes what it needs of archives in another order."""
    tree.compiler = "gnu"
    needs, priorities = GRAPHS["siblings"][0], {"p": 150, "b": 200}
    files = sources(tree, needs, priorities)
    declare(tree, needs, files)
    tree.good("out/services/p")
    assert run(tree.folder / "out/services/p") == judged(tree, needs, files)


def test_members_of_linker_sets_are_linked(tree):
    needs = {"p": "a", "a": ""}
    files = sources(tree, needs, {})
    member = '__attribute__((used, section("parts"))) static const char *const part = "{} ";\n'
    walk = (
        "extern const char *const __start_parts[], *const __stop_parts[]; void note(const char *);\n"
        "int a(void) { for (const char *const *at = __start_parts; at < __stop_parts; at++) note(*at); return 0; }\n"
    )
    tree.write("a.c", walk + member.format("s1"))
    tree.write("a_alone.c", member.format("s2"))
    declare(tree, needs, files)
    tree.good("out/services/p")
    assert run(tree.folder / "out/services/p") == judged(tree, needs, files)


def test_a_library_may_be_linked_as_any_archive(tree):
    needs = {"p": "a", "a": ""}
    files = sources(tree, needs, {})
    declare(tree, needs, files)
    text = (tree.folder / "SConstruct").read_text()
    tree.good("out/services/p")
    tree.write("SConstruct", text.replace("LIBS=['trace'])", "LIBS=['trace'], constructors='used')"))
    tree.good("out/services/p")
    assert "a2" not in run(tree.folder / "out/services/p")
    tree.write("SConstruct", text)
    tree.good("out/services/p")
    assert "a2" in run(tree.folder / "out/services/p")


def test_a_changed_constructor_is_linked_again(tree):
    needs = {"p": "a", "a": ""}
    files = sources(tree, needs, {})
    declare(tree, needs, files)
    tree.good("out/services/p")
    assert tree.built(tree.good("out/services/p")) == []
    tree.write("a_alone.c", NOTE.format(name="a3", when=""))
    tree.good("out/services/p")
    assert "a3" in run(tree.folder / "out/services/p")


def test_the_order_follows_declarations_that_change(tree):
    """The same archives in the same command; another library is first to define what both define."""
    needs = {"p": "ab", "a": "b", "b": ""}
    files = sources(tree, needs, {})
    declare(tree, needs, files)
    tree.good("out/services/p")
    other = {"p": "ab", "a": "", "b": "a"}
    files = sources(tree, other, {})
    declare(tree, other, files)
    tree.good("out/services/p")
    assert run(tree.folder / "out/services/p") == judged(tree, other, files)


def test_an_object_of_an_archive_that_the_program_has_too(tree):
    """Both have the same strong symbol beside a constructor, as shared objects have a __dso_handle each."""
    needs = {"p": "a", "a": ""}
    files = sources(tree, needs, {})
    tree.write("both.c", NOTE.format(name="x", when="") + "int of_each_file;\n")
    for name in files:
        files[name].append("both.c")
    declare(tree, needs, files)
    tree.good("out/services/p")
    assert run(tree.folder / "out/services/p").split().count("x") == 1
