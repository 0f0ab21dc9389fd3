"""Programs of each target on musl, in every form: they run, say the same, and are bound as the model computes."""

import shutil
import subprocess

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.compile.toolset import load_target
from ambilink.elf.file import ElfFile
from ambilink.link.bind import Scope

from .conftest import HERE
from .debugger import Stopped
from .machines import emulator, why_no_emulator
from .slots import compare

TREE = HERE / "tree"
FORMS = ("static", "exec", "dynamic", "copies")
DYNAMIC = ("dynamic", "copies")
STATUS = 3  # of main
TYPES = {  # of relocations that the tree must have
    "x86_64": {"ABSOLUTE", "GLOB_DAT", "JUMP_SLOT", "RELR", "TLS_MODULE", "TLS_POINTER"},
    "aarch64": {"ABSOLUTE", "GLOB_DAT", "JUMP_SLOT", "RELR", "TLS_DESCRIPTOR", "TLS_POINTER"},
    "riscv64": {"ABSOLUTE", "JUMP_SLOT", "RELR", "TLS_MODULE"},
}
EXPECTED = """\
one: add is 7
two: multiply is 10
three: power is 1007
same function: 1, same object: 1
calls 43, prepared 42, hook 77, absent 0
sorted 3 2 1
thread: level 8, ticket 100, own 4, aligned 0
level 7, ticket 101, own 3, aligned 0
2.500 1 No such file or directory
destructor
"""


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(system, form):
    assert system.run(form) == (EXPECTED, STATUS)


@pytest.mark.parametrize(
    "name", ["bin/static", "bin/exec", "bin/dynamic", "bin/copies", "lib/librich.so", "lib/libc.so"]
)
def test_files_are_what_the_target_asks_for(system, name):
    """Read by pyelftools."""
    if name not in ("bin/static", "bin/exec") and system.no_linker:
        pytest.skip(system.no_linker)
    target = load_target(system.target)
    if name.startswith("bin/"):
        system.program(name.removeprefix("bin/"))
    with (system.root / name).open("rb") as stream:
        file = ELFFile(stream)
        segments = list(file.iter_segments())
        by_type = {segment["p_type"]: segment for segment in segments}
        assert (file["e_machine"], file["e_flags"]) == (target.machine, target.elf_flags)
        assert file["e_type"] == ("ET_EXEC" if name == "bin/exec" else "ET_DYN")
        loads = [segment for segment in segments if segment["p_type"] == "PT_LOAD"]
        assert {segment["p_align"] for segment in loads} == {target.max_page_size}
        assert all(
            segment["p_vaddr"] % target.max_page_size == segment["p_offset"] % target.max_page_size for segment in loads
        )
        assert not any(segment["p_flags"] & 3 == 3 for segment in loads)
        pages = {start // target.max_page_size for start in (segment["p_vaddr"] for segment in loads)}
        assert len(pages) == len(loads)  # protection of each holds with the largest pages too
        if "PT_GNU_RELRO" in by_type:
            relro = by_type["PT_GNU_RELRO"]
            assert (relro["p_vaddr"] + relro["p_memsz"]) % target.max_page_size == 0
        if name == "bin/exec":
            return
        tags = {tag.entry.d_tag for tag in by_type["PT_DYNAMIC"].iter_tags()}
        assert {"DT_GNU_HASH", "DT_HASH"} <= tags and "DT_TEXTREL" not in tags
        assert "DT_RELR" in tags or name != "lib/libc.so"
        interpreter = by_type["PT_INTERP"].get_interp_name() if "PT_INTERP" in by_type else None
        assert interpreter == (f"/lib/ld-musl-{system.target}.so.1" if name in ("bin/dynamic", "bin/copies") else None)


@pytest.mark.skipif(not shutil.which("readelf"), reason="no readelf here")
def test_readelf_finds_no_fault(system):
    names = ["bin/exec"] if system.no_linker else ["bin/dynamic", "lib/librich.so", "lib/libc.so", "bin/exec"]
    for name in names:
        done = subprocess.run(["readelf", "-W", "-a", system.root / name], capture_output=True, text=True)
        assert (done.stderr, done.returncode) == ("", 0), name
        if system.target == "riscv64":
            assert 'Tag_RISCV_arch: "rv64i' in done.stdout and "RISCV_ATTRIBUT" in done.stdout


@pytest.mark.parametrize("compiler", ["musl-gcc", "gcc", "aarch64-linux-gnu-gcc", "riscv64-linux-gnu-gcc"])
def test_the_same_program_on_other_c_libraries(compiler, tmp_path):
    """What is expected is not ours alone."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    target = compiler.partition("-linux-gnu")[0] if "-linux-gnu" in compiler else "x86_64"
    sources = [TREE / "main.c", TREE / "plain/plain.c", TREE / "rich/rich.c"]
    words = [compiler, "-static", "-O1", "-pthread", "-o", tmp_path / "program", f"-I{TREE}/plain", f"-I{TREE}/rich"]
    done = subprocess.run([*words, *sources], capture_output=True, text=True)
    if done.returncode and "cannot find" in done.stderr:
        pytest.skip(f"{compiler} has no C library: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    start = [found] if (found := emulator(target)) else []
    ran = subprocess.run([*start, tmp_path / "program"], capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == (EXPECTED, STATUS)


def compared(system, form, socket):
    program = system.program(form)
    if why := why_no_emulator(system.target):
        pytest.skip(why)
    symbols = ElfFile.open(system.root / "lib/libc.so.debug").addresses()
    with Stopped(system.target, system.command(form), socket) as process:
        found = compare(
            process,
            program,
            system.root / "lib/libc.so",
            lambda name, chain: system.root / "lib" / name,
            lambda modules: modules["libc.so"].bias + symbols["__tlsdesc_static"],
        )
    # The linker's own pointer to what reports errors: it is another from the program's start on.
    own = f"libc.so {symbols['error']:#x} "
    found.differences = [each for each in found.differences if not each.startswith(own)]
    return found


@pytest.mark.parametrize("form", DYNAMIC)
def test_every_slot_is_what_the_model_computes(system, form, tmp_path):
    found = compared(system, form, tmp_path / "socket")
    assert found.differences == []
    assert [each.path.name for each in found.modules] == [form, "librich.so", "libplain.so", "libc.so"]
    assert found.slots > 90 and len(found.link.bindings) > 30
    expected = TYPES[system.target] | ({"COPY"} if form == "copies" else set())
    if system.target == "riscv64":  # its linkers make no other model of general dynamic
        expected |= {"TLS_OFFSET" if form == "dynamic" else "TLS_POINTER"}
    assert expected <= found.types


def test_another_search_order_is_seen(system, tmp_path, monkeypatch):
    """A model that prefers a library's weak definition to the program's differs in that slot."""
    search = Scope._search

    def backwards(self, *arguments):
        self.modules = self.modules[::-1]
        try:
            return search(self, *arguments)
        finally:
            self.modules = self.modules[::-1]

    monkeypatch.setattr(Scope, "_search", backwards)
    found = compared(system, "dynamic", tmp_path / "socket")
    assert len(found.differences) == 1 and found.differences[0].startswith("libplain.so ")
    assert " ABSOLUTE: " in found.differences[0]
