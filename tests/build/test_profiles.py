"""What is linked for a profile, judged by pyelftools, by GNU's readelf where it is, and by running it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.compile.profile import load_profile

from .profile_system import System

WEAK = """
extern int offered(int) __attribute__((weak));
extern int offered_data __attribute__((weak));
extern int unheard_of(void) __attribute__((weak));
void _start(void) { if (offered) offered(1); if (&offered_data) offered_data++; if (unheard_of) unheard_of(); }
"""
STRONG = """
int offered(int); extern int offered_data;
int call(void) { return offered(offered_data); }
"""


@pytest.fixture
def system(tree):
    return System(tree)


@pytest.fixture
def libraries(system):
    system.tree.write("a.c", "static int data = 3; int *where = &data; int a(void) { return data; }\n")
    system.tree.write("main.c", "int a(void); void _start(void) { a(); }\n")
    system.tree.sconstruct(
        'env.DualLibrary("a", ["a.c"])\n'
        'env.Service("dynamic", ["main.c"], LIBS=["a"])\n'
        'env.Service("static", ["main.c"], LIBS=["a"], linkage="static")\n'
    )
    return system


@pytest.mark.parametrize("hashes, tags", [("gnu", {"DT_GNU_HASH"}), ("sysv", {"DT_HASH"}), ("both", None)])
def test_format(libraries, hashes, tags):
    libraries.profile(
        f'[format]\nhash = "{hashes}"\nrelr = {"true" if hashes == "gnu" else "false"}\nmax-page-size = 65536\n'
    )
    libraries.tree.good()
    tags = tags or {"DT_GNU_HASH", "DT_HASH"}
    for name in ("lib/liba.so", "services/dynamic"):
        assert libraries.tags(name) & {"DT_GNU_HASH", "DT_HASH"} == tags
        loads = [each for each in libraries.elf(name).iter_segments() if each["p_type"] == "PT_LOAD"]
        assert {each["p_align"] for each in loads} == {65536}
    assert ("DT_RELR" in libraries.tags("lib/liba.so")) is (hashes == "gnu")
    assert "DT_RELA" in libraries.tags("lib/liba.so") or hashes == "gnu"


def test_programs_at_an_address(libraries):
    libraries.profile(
        '[programs]\nstatic = "exec"\ndynamic = "exec"\nload-address = 0x7000000\ninterpreter = "/my/ld"\n'
    )
    libraries.tree.good()
    for name in ("static", "dynamic"):
        elf = libraries.elf(f"services/{name}")
        assert elf["e_type"] == "ET_EXEC"
        assert min(each["p_vaddr"] for each in elf.iter_segments() if each["p_type"] == "PT_LOAD") == 0x7000000
    assert libraries.interpreter("services/dynamic") == "/my/ld"
    assert libraries.needed("services/dynamic") == ["liba.so"] and libraries.tags("services/static") == set()


def test_dynamic_without_an_interpreter(system):
    """Undefined weak symbols stay for a loader to look up, with the linker of each compiler."""
    system.profile('[programs]\ninterpreter = ""\n')
    system.tree.write("main.c", WEAK)
    system.tree.sconstruct('env.Service("p", ["main.c"])\nenv.Service("q", ["main.c"], interp="/x")\n')
    system.tree.good()
    assert system.interpreter("services/p") is None and system.interpreter("services/q") == "/x"
    assert system.undefined("services/p") == {"offered", "offered_data", "unheard_of"}
    assert system.elf("services/p")["e_type"] == "ET_DYN"


@pytest.mark.parametrize("form", ["pie", "exec"])
def test_symbols_of_the_loader(system, form):
    """They stay undefined in programs and libraries, and nothing is needed for them."""
    system.profile(f'[programs]\ndynamic = "{form}"\ninterpreter = ""\nloader-symbols = ["offered", "offered_data"]\n')
    system.tree.write("lib.c", STRONG)
    system.tree.write("main.c", WEAK)
    system.tree.write("strong.c", STRONG + "void _start(void) { call(); }\n")
    system.tree.sconstruct(
        'env.DualLibrary("x", ["lib.c"])\n'
        'env.Service("weak", ["main.c"])\n'
        'env.Service("strong", ["strong.c"])\n'
        'env.Service("both", ["main.c"], LIBS=["x"])\n'
    )
    system.tree.good()
    assert system.undefined("lib/libx.so") == {"offered", "offered_data"} and system.needed("lib/libx.so") == []
    assert system.undefined("services/strong") == {"offered", "offered_data"}
    for name in ("weak", "strong", "both"):
        assert system.needed(f"services/{name}") == [] and system.interpreter(f"services/{name}") is None
        assert system.undefined(f"services/{name}") >= {"offered", "offered_data"}, name
        assert system.elf(f"services/{name}")["e_type"] == ("ET_EXEC" if form == "exec" else "ET_DYN")
        elf = system.elf(f"services/{name}")
        bound = {
            elf.get_section_by_name(".dynsym").get_symbol(each["r_info_sym"]).name
            for section in (".rela.dyn", ".rela.plt")
            if elf.get_section_by_name(section)
            for each in elf.get_section_by_name(section).iter_relocations()
        }
        assert bound >= {"offered", "offered_data"}, name
    system.tree.write("strong.c", "int misspelt(void); void _start(void) { misspelt(); }\n")
    assert "undefined symbol misspelt" in system.tree.bad().replace(
        "undefined reference to `misspelt'", "undefined symbol misspelt"
    )


def test_a_missing_entry_point(system):
    system.profile('[programs]\nentry = "begin"\n')
    system.tree.write("main.c", "void _start(void) { }\n")
    system.tree.write("good.c", "void begin(void) { }\n")
    system.tree.sconstruct(
        'env.Service("good", ["good.c"])\nenv.Service("other", ["main.c"], link_flags=["-e", "_start"])\n'
    )
    system.tree.good()
    entry = system.elf("services/good")["e_entry"]
    assert (
        system.elf("services/good.debug").get_section_by_name(".symtab").get_symbol_by_name("begin")[0]["st_value"]
        == entry
    )
    for linkage in ("dynamic", "static"):
        system.tree.sconstruct(f'env.Service("p", ["main.c"], linkage="{linkage}")\n')
        output = system.tree.bad()
        assert (
            "services/p: has no entry point: begin is not defined; define it" in output and "[SConstruct:9]" in output
        )
        assert not (system.out / "services/p").exists() and not list((system.out / "services").glob("p.*"))


def test_a_kernel_without_its_entry_point(system):
    system.profile("")
    system.tree.write("k.c", "void start(void) { }\n")
    system.tree.write("k.lds", "ENTRY(absent)\nSECTIONS { . = 0x100000; .text : { *(.text*) } }\n")
    system.tree.sconstruct('env.Kernel("k", ["k.c"], script="k.lds")\n')
    output = system.tree.bad()
    assert "has no entry point: absent is not defined" in output and "[SConstruct:9]" in output


def test_an_unknown_option_of_the_linker(libraries):
    libraries.profile("")
    libraries.tree.sconstruct('env.DualLibrary("a", ["a.c"], link_flags=["-z", "nonesuch"])\n')
    output = libraries.tree.bad()
    assert "lib/liba.so: the linker does not know -z nonesuch; leave it out of link_flags [SConstruct:9]" in output


def test_sonames_with_a_number(libraries):
    libraries.profile('[format]\nsoname = "{prefix}{name}{suffix}.{version}"\nversion = "0"\n')
    libraries.tree.write("b.c", "int a(void); int b(void) { return a(); }\n")
    libraries.tree.sconstruct(
        'env.DualLibrary("a", ["a.c"])\n'
        'env.DualLibrary("b", ["b.c"], LIBS=["a"], version="7")\n'
        'env.DualLibrary("c", ["b.c"], LIBS=["a"], soname="own-name.lib")\n'
        'env.Service("p", ["main.c"], LIBS=["a"])\n'
    )
    libraries.tree.good()
    assert libraries.needed("services/p") == ["liba.so.0"]
    for link, name in (("liba.so", "liba.so.0"), ("libb.so", "libb.so.7"), ("libc.so", "own-name.lib")):
        assert os.readlink(libraries.out / "lib" / link) == name
        tags = libraries.elf(f"lib/{link}").get_section_by_name(".dynamic").iter_tags("DT_SONAME")
        assert [tag.soname for tag in tags] == [name]
    assert "is up to date" in libraries.tree.good()
    (libraries.out / "lib/liba.so").unlink()
    libraries.tree.good()
    assert (libraries.out / "lib/liba.so").is_symlink()


def test_a_version_that_is_missing(libraries):
    libraries.profile('[format]\nsoname = "{name}.{version}"\nversion = ""\n')
    output = libraries.tree.bad()
    assert (
        "SConstruct:9: library 'a' has no version, and the profile os has '{name}.{version}'; give it version="
        in output
    )


def test_version_scripts(libraries):
    libraries.profile("")
    libraries.tree.write("a.map", "A_1 { global: a; local: *; };\n")
    libraries.tree.sconstruct(
        'env.DualLibrary("a", ["a.c"], version_script="a.map")\nenv.Service("p", ["main.c"], LIBS=["a"])\n'
    )
    libraries.tree.good()
    assert (libraries.out / "lib/liba.abi").read_text() == "soname liba.so\nversion A_1\nfunc   a@@A_1\n".replace(
        "func   ", "func "
    )
    assert "DT_VERNEED" in libraries.tags("services/p")
    libraries.tree.write("a.map", "A_2 { global: a; local: *; };\n")
    assert "build/" in libraries.tree.good() and "A_2" in (libraries.out / "lib/liba.abi").read_text()


def test_without_section_headers(libraries):
    libraries.profile("[format]\nsection-headers = false\n")
    libraries.tree.good()
    for name in ("lib/liba.so", "services/dynamic", "services/static"):
        assert libraries.elf(name)["e_shnum"] == 0 and libraries.elf(name)["e_shoff"] == 0
    assert libraries.elf("lib/liba.so.debug").get_section_by_name(".symtab")
    libraries.profile("")
    libraries.tree.good()
    for name in ("lib/liba.so", "services/dynamic", "services/static"):
        assert libraries.elf(name)["e_shnum"] > 0


def test_a_contract_that_is_changed_is_kept_by_what_was_linked_before(libraries):
    libraries.profile("")
    libraries.tree.good()
    libraries.profile("[contract]\nname-max = 6\n")
    assert "contract.name-max: DT_SONAME liba.so has 7 bytes, more than 6" in libraries.tree.bad()


def test_places_and_names(libraries):
    libraries.profile(
        '[places]\nlibraries = "usr/lib"\nprograms = "usr/bin"\ndebug = "symbols"\nlibrary-prefix = ""\n'
        'static-suffix = ".sta"\nshared-suffix = ".dyn"\nprogram-suffix = ".exe"\ndebug-suffix = ".sym"\n'
    )
    libraries.tree.good()
    made = {str(path.relative_to(libraries.out)) for path in libraries.out.rglob("*") if path.is_file()}
    outputs = {"usr/lib/a.sta", "usr/lib/a.dyn", "usr/bin/dynamic.exe", "usr/bin/static.exe"}
    outputs |= {f"symbols/{name}.sym" for name in outputs if not name.endswith(".sta")}
    assert {name for name in made if name.startswith(("usr/", "symbols/"))} == outputs | {"usr/lib/a.abi"}
    assert not any(name.startswith(("lib/", "services/")) for name in made)
    libraries.tree.good("-c")
    assert not [path for path in libraries.out.rglob("*") if path.is_file()]


def test_static_programs_alone(system):
    system.profile('extends = "bare"\n')
    system.tree.write("a.c", "int a(void) { return 1; }\n")
    system.tree.write("main.c", "int a(void); void _start(void) { a(); }\n")
    system.tree.sconstruct('env.DualLibrary("a", ["a.c"])\nenv.Service("p", ["main.c"], LIBS=["a"])\n')
    system.tree.good()
    assert system.elf("services/p")["e_type"] == "ET_EXEC" and not (system.out / "lib/liba.so").exists()
    system.tree.sconstruct('env.Service("p", ["main.c"], linkage="dynamic")\n')
    assert "SConstruct:9: service 'p' is dynamic, and profile os has no dynamic programs; choose" in system.tree.bad()
    system.tree.sconstruct('env.DualLibrary("a", ["a.c"], static=None)\n')
    assert "SConstruct:9: library 'a' is shared only, and the profile os has no dynamic programs" in system.tree.bad()
    system.profile('[programs]\nstatic = "none"\n')
    system.tree.sconstruct('env.Service("p", ["main.c"], linkage="static")\n')
    assert "service 'p' is static, and profile os has no static programs" in system.tree.bad()


@pytest.mark.tools
@pytest.mark.parametrize("name", ["ambilink", "bare", "linux-musl", "section-loader", "sysv-loader"])
def test_shipped_profiles_build_what_keeps_their_contract(system, name):
    system.profile(f'extends = "{name}"\n[programs]\nstatic-start = []\ndynamic-start = []\n')
    dynamic = name != "bare"
    system.tree.write(
        "a.c", "static int x; int *p = &x; extern int *p; int a(void) { return *p; }\n_Thread_local int t;\n"
    )
    system.tree.write("main.c", "int a(void); extern int *p; void _start(void) { a(); *p = 1; }\n")
    system.tree.sconstruct(
        'env.DualLibrary("a", ["a.c"])\n'
        'env.Service("static", ["main.c"], LIBS=["a"], linkage="static")\n'
        + ('env.Service("dynamic", ["main.c"], LIBS=["a"])\n' if dynamic else "")
    )
    system.tree.good()
    folder = system.out / load_profile(name).places.programs
    outputs = [*folder.glob("static"), *folder.glob("dynamic"), *system.out.glob("lib/*.so")]
    assert len(outputs) == (3 if dynamic else 1)
    command = [sys.executable, "-m", "ambilink", "contract", *outputs, "--against", name]
    toolchain = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "toolchain")}
    done = subprocess.run(command, capture_output=True, text=True, env=toolchain)
    assert done.returncode == 0, done.stderr
    readelf = shutil.which("readelf")
    if readelf:
        for path in outputs:
            text = subprocess.run([readelf, "-Wa", path], capture_output=True, text=True)
            assert text.returncode == 0 and "rror" not in text.stderr, text.stderr


def test_a_broken_contract(system):
    """Rule, symbol, object and line; nothing is left."""
    system.profile('[format]\nrelr = false\n[contract]\nrelocations = ["jump-slot", "relative"]\n')
    system.tree.write("a.c", "extern int far __attribute__((weak)); int a(void) { return &far ? far : 0; }\n")
    system.tree.sconstruct('env.DualLibrary("a", ["a.c"])\n')
    output = system.tree.bad()
    assert (
        "lib/liba.so: contract.relocations: has R_X86_64_GLOB_DAT at 0x" in output
        and "for far, and the loader knows jump-slot, relative (far, in build/" in output
        and "obj/a/pic/a.c.o); compile or link it otherwise [SConstruct:9]" in output
    )
    assert not (system.out / "lib/liba.so").exists() and not list(system.out.rglob("*.part"))


def test_thread_local_storage_of_a_whole_process(system):
    """Libraries are linked against by stubs that do not say of hidden thread-local variables."""
    system.profile('[programs]\nloader-symbols = ["__tls_get_addr"]\n[contract]\ntls-modules = 1\n')
    own = "static _Thread_local int t; int {0}(void) {{ return t++; }}\n"
    system.tree.write("a.c", own.format("a"))
    system.tree.write("main.c", "static _Thread_local int t; int a(void); void _start(void) { t++; a(); }\n")
    system.tree.sconstruct('env.DualLibrary("a", ["a.c"])\nenv.Service("p", ["main.c"], LIBS=["a"], interp=None)\n')
    output = system.tree.bad()
    assert "contract.tls-modules: 2 files of one process have thread-local storage (p, liba.so), more than 1" in output
    system.tree.write("a.c", "int a(void) { return 1; }\n")
    system.tree.good()


def test_a_module_keeps_the_contract(system):
    system.profile("[contract]\nname-max = 8\n")
    system.tree.write("k.c", "int offer(void) { return 1; } void _start(void) { }\n")
    system.tree.write("k.abi", "soname kernel.so\nfunc offer\n")
    system.tree.write(
        "k.lds", "ENTRY(_start)\nSECTIONS { . = 0x100000; .text : { *(.text*) } .data : { *(.data*) } }\n"
    )
    system.tree.write("m.c", "int offer(void); int module(void) { return offer(); }\n")
    system.tree.sconstruct(
        'env.Kernel("kernel", ["k.c"], script="k.lds", abi="k.abi")\nenv.KernelModule("much-longer", ["m.c"])\n'
    )
    output = system.tree.bad()
    assert (
        "contract.name-max: DT_SONAME much-longer.so has 14 bytes, more than 8" in output
        and "[SConstruct:10]" in output
    )


def test_a_profile_that_is_wrong(tree):
    tree.more = 'AMBILINK_OS="os.toml",'
    tree.sconstruct("")
    tree.write("os.toml", "profile = 1\n\n[format]\nrelr = 1\n")
    output = tree.bad()
    assert "os.toml:4: format.relr is 1, which is not true or false; write true or false" in output
    assert "Traceback" not in output
    tree.more = 'AMBILINK_OS="bear",'
    tree.resettle()
    assert "'bear' is no known profile; choose one of ambilink, bare, linux-musl" in tree.bad()


def test_the_example_of_the_documentation(system, top):
    page = (top / "docs/profiles.md").read_text()
    profile, construct = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("toml", "python"))
    system.tree.write("my-os.toml", profile)
    system.tree.write("SConstruct", construct)
    system.tree.variables = {"PYTHONPATH": str(top / "toolchain")}
    system.tree.write("m.c", "int m(void) { return 1; }\n")
    system.tree.write("hello.c", "int m(void); int __loader_call(int); void _start(void) { __loader_call(m()); }\n")
    system.tree.good()
    out = system.tree.folder / "build/x86_64-my-os"
    assert os.readlink(out / "lib/libm.so") == "libm.so.0" and (out / "lib/libm.a").is_file()
    hello = ELFFile((out / "bin/hello").open("rb"))
    assert hello["e_type"] == "ET_EXEC" and hello["e_entry"] >= 0x10000000
    assert [tag.needed for tag in hello.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")] == ["libm.so.0"]
    assert hello.get_section_by_name(".dynsym").get_symbol_by_name("__loader_call")[0]["st_shndx"] == "SHN_UNDEF"


def test_images_of_our_own_have_our_own_places(system):
    system.profile('[places]\nprograms = "bin"\n')
    system.tree.write("main.c", "void _start(void) { }\n")
    system.tree.write("k.lds", "ENTRY(_start)\nSECTIONS { . = 0x100000; .text : { *(.text*) } }\n")
    system.tree.write("boot.toml", '[[service]]\nname = "loader"\nrole = "program"\n')
    system.tree.sconstruct(
        'env.Kernel("kernel", ["main.c"], script="k.lds")\n'
        'env.Service("loader", ["main.c"], linkage="static")\nenv.BootImage("boot.img", "boot.toml")\n'
    )
    output = system.tree.bad()
    assert "profile os has 'bin' for places.programs; leave it out there" in output and "Traceback" not in output
