"""The core by itself: a static library that wants nothing of any other, on each machine; and without its cache."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.compile.host_library import compile_library
from ambilink.compile.toolset import load_toolset
from ambilink.core import Linker
from ambilink.core.sources import core_sources

pytestmark = pytest.mark.compiler

STRINGS = {"memcpy", "memmove", "memset", "memcmp", "strcmp", "strlen"}
# A host that fills in nothing, and calls everything.
HOST = """
#include <rtld/cache.h>
#include <rtld/parse.h>
struct link link;
struct link_cache cache;
void use(const struct link_host *host, const struct file_view *file)
{
    struct link_symbol found;
    struct report report = {0};
    struct link_binding binding = {0};
    char text[100];
    static char buffer[4096] __attribute__((aligned(16)));
    struct ground ground = {.arena = arena_within(buffer, sizeof buffer)};
    struct module module = {0};
    module_parse(&ground, &module, "", file);
    link_init(&link, host);
    link_use_cache(&link, &cache);
    if (!link_load(&link, "", file) || !link_place(&link) || !link_relocate(&link) || !link_order(&link))
        link_abandon(&link);
    link_set_debugger(&link, link_entry(&link));
    link_commit(&link);
    struct module *opened = link_open(&link, "", 0);
    if (link_find(&link, LINK_SCOPE_DEFAULT, opened, "", 0, &found) && link_close(&link, opened))
        link_sweep(&link);
    module_symbol_at(link_module_at(&link, 0), 0);
    link_finish(&link);
    link_end(&link);
    link_cache_end(&cache, host);
    report_text(&report, text, binding_text(&binding, text, sizeof text));
}
void _start(void) { use(0, 0); }
"""


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_library(top: Path, folder: Path, arch: str) -> Path:
    """librtld.a, and host.o beside it."""
    toolset = load_toolset("hermetic", "x86_64")
    flags = [word for word in toolset.compile_flags if not word.startswith("--target")]
    flags += [f"--target={arch}-unknown-none-elf", "-O2", "-Wall", "-Wextra", "-Werror"]
    flags.append(f"-I{top / 'libs/rtld/include'}")
    objects = []
    for source in sorted((top / "libs/rtld/src").glob("*.c")):
        objects.append(folder / f"{source.stem}.o")
        run(*toolset.cc, *flags, "-c", source, "-o", objects[-1])
    run(*toolset.ar, "rcs", folder / "librtld.a", *objects)
    (folder / "host.c").write_text(HOST)
    run(*toolset.cc, *flags, "-Wno-null-dereference", "-c", folder / "host.c", "-o", folder / "host.o")
    return folder / "librtld.a"


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "riscv64"])
def test_it_links_with_nothing(top, tmp_path, arch):
    """A program of the library and a host has no undefined symbol: the string functions come with it."""
    toolset = load_toolset("hermetic", "x86_64")
    library = make_library(top, tmp_path, arch)
    run(*toolset.ld, "-nostdlib", "--no-undefined", "-o", tmp_path / "program", tmp_path / "host.o", library)
    # All of it, whatever a host calls.
    run(*toolset.ld, "-r", "--whole-archive", library, "-o", tmp_path / "all.o")
    with (tmp_path / "all.o").open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab").iter_symbols()
        assert [symbol.name for symbol in symbols if symbol.name and symbol["st_shndx"] == "SHN_UNDEF"] == []


def test_a_host_s_own_string_functions_go_first(top, tmp_path):
    toolset = load_toolset("hermetic", "x86_64")
    library = make_library(top, tmp_path, "x86_64")
    own = tmp_path / "own.c"
    own.write_text("".join(f"long {name}(void) {{ return 0; }}\n" for name in sorted(STRINGS)))
    run(*toolset.cc, *toolset.compile_flags, "-w", "-fno-builtin", "-c", own, "-o", tmp_path / "own.o")
    objects = [tmp_path / "host.o", tmp_path / "own.o"]
    run(*toolset.ld, "-nostdlib", "-o", tmp_path / "program", "--whole-archive", library, *objects)
    with (tmp_path / "program").open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        assert all(symbols.get_symbol_by_name(name)[0]["st_info"]["bind"] == "STB_GLOBAL" for name in STRINGS)


def test_its_readme_names_the_string_functions(top):
    text = (top / "libs/rtld/README.md").read_text()
    assert all(f"`{name}`" in text for name in STRINGS)


def test_a_build_without_the_cache_gives_the_same_answers(top, tmp_path, linker, make):
    """cache.c is not compiled, and the host hands in no cache: each link begins with nothing, and finds the same."""
    sources = core_sources(top / "libs/rtld")
    host = next(path for path in sources.files if path.name == "host.c")
    (tmp_path / "uncached.c").write_text(
        "#include <rtld/cache.h>\n#define link_use_cache(link, cache) ((void)(cache))\n"
        f'#define link_cache_end(cache, host) ((void)(host))\n#include "{host}"\n'
    )
    others = (path for path in sources.files if path.name not in ("host.c", "cache.c"))
    compile_library(replace(sources, files=(tmp_path / "uncached.c", *others)), tmp_path / "uncached.so")
    uncached = Linker(tmp_path / "uncached.so")
    files = {"libb.so": make("libb.so", "int b(void) { return 2; }")}
    files["liba.so"] = make("liba.so", "int b(void); int a(void) { return b(); } int (*p)(void) = b;", "libb.so")
    start = "int a(void); void _start(void) { a(); }"
    plain = make("program", start, "liba.so", "libb.so")
    other = make("program", start + "int b(void) { return 3; }", "liba.so", "libb.so", flags=("--export-dynamic",))
    turns = [plain, other, plain, plain, other]
    for cached, without in zip(linker.link_in_turn(turns, files), uncached.link_in_turn(turns, files), strict=True):
        assert cached.good and without.good and cached.contents == without.contents
