"""ABI texts, stubs and stripped files, held against readelf, LIEF, pyelftools and the real linkers."""

import ctypes
import os
import platform
import random
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import lief
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.hash import GNUHashSection
from hypothesis import given, settings
from hypothesis import strategies as st

from ambilink.cli import main
from ambilink.compile.toolset import load_toolset
from ambilink.elf.abi import Abi, AbiSymbol, abi_changes, load_abi, parse_abi, read_abi
from ambilink.elf.file import ElfFile
from ambilink.elf.inspect import inspect
from ambilink.elf.psabi import E_MACHINES
from ambilink.elf.strip import strip
from ambilink.elf.stub import stub
from ambilink.errors import AmbilinkError

HOST = [Path(f"/lib/x86_64-linux-gnu/{name}") for name in ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libz.so.1")]
HOST += [Path(f"/usr/{name}-linux-gnu/lib/libc.so.6") for name in ("aarch64", "riscv64")]
HOST += [Path("/usr/aarch64-linux-gnu/lib/libm.so.6")]
real_files = [path for path in HOST if path.exists()]
readelf = pytest.mark.skipif(not shutil.which("readelf"), reason="no readelf here")


def readelf_symbols(path: Path) -> set[tuple[str, ...]]:
    """(type, binding, visibility, name with version) of every defined dynamic symbol, and size of data."""
    out = subprocess.run(["readelf", "-W", "--dyn-syms", path], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in out.splitlines():
        words = line.split()
        if len(words) < 8 or not words[0].endswith(":") or words[0] == "Num:":
            continue
        _, _, size, kind, binding, visibility, section, name = words[:8]
        if section == "UND" or binding == "LOCAL" or visibility in ("HIDDEN", "INTERNAL") or section == "ABS":
            continue
        found.add((kind, binding, visibility, name, str(int(size, 0)) if kind in ("OBJECT", "TLS") else ""))
    return found


@readelf
@pytest.mark.parametrize("path", real_files, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_a_stub_says_what_the_library_says(path, tmp_path):
    """To readelf; and it has nothing to complain about."""
    written = tmp_path / path.name
    info = inspect(path)
    written.write_bytes(stub(parse_abi(read_abi(path).text, path), info.machine, flags=info.flags))
    assert inspect(written).machine == info.machine and inspect(written).flags == info.flags
    assert readelf_symbols(written) == readelf_symbols(path)
    done = subprocess.run(["readelf", "-W", "-a", written], capture_output=True, text=True)
    assert done.stderr == "" and done.returncode == 0
    versions = re.compile(r"Name: (\S+)")
    ours, theirs = (
        subprocess.run(["readelf", "-W", "-V", each], capture_output=True, text=True).stdout for each in (written, path)
    )
    definitions = [out.partition(".gnu.version_d'")[2].partition("Version needs")[0] for out in (ours, theirs)]
    assert set(versions.findall(definitions[0])) == set(versions.findall(definitions[1])) - {""}


def test_the_abi_of_libc_is_what_lief_sees(build):
    abi = read_abi(build / "lib/libc.so")
    binary = lief.ELF.parse(str(build / "lib/libc.so"))  # kept: its symbols do not keep it
    symbols = [symbol for symbol in binary.dynamic_symbols if symbol.shndx and symbol.name]
    objects = {symbol.name: symbol.size for symbol in symbols if symbol.type == lief.ELF.Symbol.TYPE.OBJECT}
    assert objects == {symbol.name: symbol.size for symbol in abi.symbols if symbol.kind == "data"}
    assert len(abi.symbols) == len(symbols) and abi.soname == "libc.so" and "libposix.so" in abi.needed
    assert "weak data environ 8 alias ___environ\n" in abi.text


@pytest.mark.parametrize("target", ["x86_64", "aarch64", "riscv64"])
@pytest.mark.parametrize("linker", ["hermetic", "ld.lld", "{gnu}ld.bfd", "{gnu}ld.gold", "mold"])
def test_linkers_take_a_stub_for_the_library(linker, target, tmp_path):
    """Versions, weak, data by copy relocation, thread-local data, and what it wants of programs; the program is the
    same as with the library."""
    toolset = load_toolset("hermetic", target)
    linker = linker.format(gnu="" if target == platform.machine() else f"{toolset.target.gnu}-")
    if linker != "hermetic" and not shutil.which(linker):
        pytest.skip(f"no {linker} here")
    ld = [linker] if linker != "hermetic" else list(toolset.ld)
    cc = [*toolset.cc, *toolset.compile_flags]
    (tmp_path / "x.c").write_text(
        '__asm__(".symver f_old, f@X_1"); __asm__(".symver f_new, f@@X_2");'
        "int f_old(void) { return 1; } int f_new(void) { return 2; } int g(void) { return 3; }"
        "int data[5] = {1}; __thread long own = 7; __attribute__((weak)) int w(void) { return 4; }"
        'extern int same[5] __attribute__((alias("data")));'
        "__attribute__((weak)) int hook(void); int hooked(void) { return hook ? hook() : 0; }"
    )
    (tmp_path / "x.map").write_text(
        "X_1 { global: f; g; data; same; own; w; hooked; local: *; }; X_2 { global: f; } X_1;"
    )
    (tmp_path / "main.c").write_text(
        "int f(void), g(void), w(void); extern int data[5]; extern __thread long own;"
        "int hook(void) { return 5; } int hooked(void);"
        "int _start(void) { return f() + g() + w() + data[2] + own + hooked(); }"
    )
    for name, flags in (("x", ["-fPIC"]), ("main", ["-fno-pic"])):
        subprocess.run([*cc, *flags, "-c", "-o", f"{name}.o", f"{name}.c"], cwd=tmp_path, check=True)
    shared = ["-shared", "-soname", "libx.so", "--version-script", "x.map", "--hash-style=gnu"]
    subprocess.run([*toolset.ld, *shared, "-o", "libx.so", "x.o"], cwd=tmp_path, check=True)
    abi = read_abi(tmp_path / "libx.so")
    assert "func f@X_1\nfunc f@@X_2\n" in abi.text and "tls own@@X_1 8\n" in abi.text
    assert abi.wanted == ("hook",) and inspect(tmp_path / "libx.so").flags == toolset.target.elf_flags
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub/libx.so").write_bytes(stub(abi, toolset.target.machine, flags=toolset.target.elf_flags))
    programs = []
    for library in ("libx.so", "stub/libx.so"):
        program = tmp_path / f"program{len(programs)}"
        subprocess.run([*ld, "-o", program, "main.o", library], cwd=tmp_path, check=True)
        programs.append(program)
    first, second = (sorted(_dynamic(program)) for program in programs)
    assert first == second and ("f", "X_2") in first and any(name == "data" for name, _ in first)
    assert "hook" in inspect(programs[1]).defined and inspect(programs[1]).needed == ("libx.so",)
    assert any("COPY" in kind for kind, name in first if name == "data")


def _dynamic(path: Path) -> list[tuple[str, str]]:
    """Names and versions of dynamic symbols, and relocations by type and symbol."""
    binary = lief.ELF.parse(str(path))
    found = []
    for symbol in binary.dynamic_symbols:
        version = symbol.symbol_version
        auxiliary = version.symbol_version_auxiliary if version else None
        found.append((symbol.name, auxiliary.name if auxiliary else ""))
    return found + [(str(each.type), each.symbol.name if each.has_symbol else "") for each in binary.relocations]


names = st.from_regex(r"[a-zA-Z_.$][\w.$]{0,20}", fullmatch=True)


@st.composite
def abis(draw):
    versions = sorted(draw(st.sets(st.sampled_from(["V_1", "V_1.1", "V_2"]))))
    symbols = {}
    for name in draw(st.sets(names, max_size=40)):
        kind = draw(st.sampled_from(["func", "data", "tls", "ifunc", "label"]))
        version = draw(st.sampled_from(["", *versions]))
        symbol = AbiSymbol(
            name,
            version,
            draw(st.booleans()) if version else True,
            kind,
            draw(st.sampled_from(["", "weak", *(["unique"] if kind == "data" else [])])),
            draw(st.booleans()),
            draw(st.integers(0, 1 << 20)) if kind in ("data", "tls") else 0,
            variant=draw(st.booleans()),
        )
        symbols[symbol.name, symbol.version] = symbol
    needed = tuple(sorted(draw(st.sets(names))))
    wanted = tuple(sorted(draw(st.sets(names)) - {name for name, _ in symbols}))
    return Abi("libx.so", needed, tuple(versions), tuple(sorted(symbols.values())), wanted)


@settings(max_examples=150)
@given(abi=abis(), machine=st.sampled_from(sorted(E_MACHINES)))
def test_text_and_stub_keep_everything(abi, machine, tmp_path_factory):
    if machine == "EM_X86_64":  # it has no such variants
        abi = replace(abi, symbols=tuple(sorted(each._replace(variant=False) for each in abi.symbols)))
    assert parse_abi(abi.text, Path("x")) == abi
    path = tmp_path_factory.mktemp("stub") / "libx.so"
    path.write_bytes(stub(abi, machine))
    assert read_abi(path) == abi
    with path.open("rb") as stream:  # another reader of the hash table
        table = hash_table(stream)
        assert table.get_number_of_symbols() == 1 + len(abi.wanted) + len(abi.symbols)
        for symbol in abi.symbols:
            assert table.get_symbol(symbol.name).name == symbol.name


class _Symbols:
    """Reads symbols without moving the stream: pyelftools' table goes on reading its chain where they were."""

    def __init__(self, table):
        self.table, self.stream = table, table.stream

    def get_symbol(self, index):
        at = self.stream.tell()
        try:
            return self.table.get_symbol(index)
        finally:
            self.stream.seek(at)


def hash_table(stream) -> GNUHashSection:
    table = ELFFile(stream).get_section_by_name(".gnu.hash")
    table._symboltable = _Symbols(table._symboltable)
    return table


TWINS = ("a", "b")  # their hashes differ in the bit that ends a chain, and in no other


def test_names_whose_hashes_differ_in_the_last_bit(tmp_path):
    """Each is found behind the other, in every order of a chain."""
    for count in range(4):
        more = [AbiSymbol(f"more{number}") for number in range(count)]
        abi = Abi("libx.so", (), (), tuple(sorted([*map(AbiSymbol, TWINS), *more])))
        path = tmp_path / f"libx{count}.so"
        path.write_bytes(stub(abi, "EM_X86_64"))
        assert read_abi(path) == abi
        with path.open("rb") as stream:
            table = hash_table(stream)
            first, second = map(table.gnu_hash, TWINS)
            assert first ^ second == 1
            for symbol in abi.symbols:
                assert table.get_symbol(symbol.name).name == symbol.name


@pytest.mark.skipif(not Path("/lib64/ld-linux-x86-64.so.2").exists(), reason="no glibc for x86-64 here")
def test_glibc_finds_every_symbol_of_a_stub(tmp_path):
    """A stub with addresses can be opened: dlsym is the judge of its hash table."""
    names = [*TWINS, *(f"name{number}" for number in range(500))]
    addresses = {name: 0x1000 + 16 * number for number, name in enumerate(names)}
    path = tmp_path / "libx.so"
    path.write_bytes(stub(Abi("libx.so", (), (), tuple(sorted(map(AbiSymbol, names)))), "EM_X86_64", addresses))
    library = ctypes.CDLL(str(path))
    assert {name: ctypes.cast(library[name], ctypes.c_void_p).value for name in names} == addresses
    with pytest.raises(AttributeError):
        library["c"]


@given(text=st.text(max_size=200))
def test_rubbish_is_refused_or_read(text):
    try:
        parse_abi(text, Path("x"))
    except AmbilinkError as error:
        assert str(error).startswith("x")


@pytest.mark.parametrize(
    "line, message",
    [
        ("func f 8", "data and tls have a size"),
        ("data d", "data and tls have a size"),
        ("function f", "is no line of an ABI: 'function f'"),
        ("func f@@V", "symbols of the version V"),
        ("func f\nfunc f", "has f twice"),
    ],
)
def test_mistakes_in_a_text(line, message):
    with pytest.raises(AmbilinkError, match=re.escape(message)):
        parse_abi(f"soname x\n{line}\n", Path("x.abi"))


@pytest.mark.parametrize(
    "old, new, compatible, text",
    [
        ("func f", "", False, "removed func f"),
        ("", "func f", True, "added   func f"),
        ("data d 4", "data d 8", False, "changed data d: size 4, now 8"),
        ("func f", "weak func f", True, "changed func f: global, now weak"),
        ("func f", "ifunc f", True, "changed func f: func, now ifunc"),
        ("func f", "data f 8", False, "func, now data"),
        ("version V\nfunc f@@V", "version V\nfunc f@V", False, "default version, now not"),
        ("version V", "", False, "removed version V"),
        ("needed liba.so", "needed libb.so", True, "removed needed liba.so"),
        ("data d 4", "protected data d 4", False, "now protected"),
        ("func f", "func f", True, ""),
    ],
)
def test_what_breaks_programs(old, new, compatible, text, tmp_path, top):
    for name, body in (("old.abi", old), ("new.abi", new)):
        (tmp_path / name).write_text(f"soname x.so\n{body}\n")
    changes = abi_changes(load_abi(tmp_path / "old.abi"), load_abi(tmp_path / "new.abi"))
    assert all(change.compatible for change in changes) is compatible
    assert text in "\n".join(change.text for change in changes)
    import sys

    command = [sys.executable, "-m", "ambilink", "abi", "diff", "old.abi", "new.abi"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == (0 if compatible else 1), done.stderr
    assert text in done.stdout and ("compatible" if compatible else "incompatible") in done.stdout.splitlines()[-1]


# Stripped files.


def test_a_shipped_file_and_its_debug_file_belong_together(build):
    for name in ("lib/libc.so", "services/greet", "services/loader"):
        shipped, debug = (build / name).read_bytes(), (build / f"{name}.debug").read_bytes()
        first, second = (ElfFile(build / name, each).build_id for each in (shipped, debug))
        assert first == second is not None
        with (build / name).open("rb") as stream:
            link = ELFFile(stream).get_section_by_name(".gnu_debuglink").data()
            assert ELFFile(stream).get_section_by_name(".symtab") is None
        assert link.partition(b"\0")[0].decode() == os.path.basename(name) + ".debug"
        assert int.from_bytes(link[-4:], "little") == zlib.crc32(debug)


def test_what_only_program_headers_lead_to_is_shipped(tmp_path):
    """RISC-V's attributes are in no segment that is loaded. They stay where the header says, whatever
    debug information the linker wrote before them."""
    toolset, shipped = load_toolset("hermetic", "riscv64"), []
    for name, more in (("plain", []), ("debug", ["-g"])):
        source, linked = tmp_path / "x.c", tmp_path / f"{name}.so"
        source.write_text("int f(int x) { return x + 1; }")
        command = [*toolset.cc, *toolset.compile_flags, *more, "-fPIC", "-c", "-o", f"{linked}.o", source]
        subprocess.run(command, check=True, cwd=tmp_path)
        subprocess.run([*toolset.ld, *toolset.shared_library_flags, "-o", linked, f"{linked}.o"], check=True)
        shipped.append(strip(linked.read_bytes(), linked, "x.debug")[0])
    assert shipped[0] == shipped[1]
    path = tmp_path / "shipped.so"
    path.write_bytes(shipped[1])
    with linked.open("rb") as before, path.open("rb") as after:
        (first, second) = (
            next(each for each in ELFFile(stream).iter_segments() if each["p_type"] == "PT_RISCV_ATTRIBUTES").data()
            for stream in (before, after)
        )
        assert first == second and b"rv64" in first
        section = ELFFile(after).get_section_by_name(".riscv.attributes")
        assert section.data() == first and section["sh_type"] == "SHT_RISCV_ATTRIBUTES"


@readelf
def test_stripped_files_are_sound(build):
    for name in (
        "lib/libc.so",
        "lib/libc.so.debug",
        "services/loader",
        "services/loader.debug",
        "kernel",
        "kernel.debug",
    ):
        done = subprocess.run(["readelf", "-W", "-a", build / name], capture_output=True, text=True)
        # "Unable to find program interpreter" and the like would be here.
        assert done.stderr == "" and done.returncode == 0, (name, done.stderr[:400])


@readelf
@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("ld")), reason="no gcc, or no GNU ld here")
def test_a_bss_that_begins_in_name_behind_what_follows(tmp_path):
    """As GNU ld places it in a program that has no other data."""
    source, linked = tmp_path / "main.c", tmp_path / "main"
    source.write_text('volatile long counter; const char text[] = "some";\nvoid _start(void) { counter = text[0]; }\n')
    compile_it = ["gcc", "-g", "-c", "-O2", "-fno-pic", "-ffreestanding", "-fno-asynchronous-unwind-tables"]
    subprocess.run([*compile_it, source, "-o", tmp_path / "main.o"], check=True)
    flags = ["-static", "-z", "separate-code", "-z", "max-page-size=4096", "--build-id=sha1"]
    subprocess.run(["ld", *flags, tmp_path / "main.o", "-o", linked], check=True)
    sections = {each.name: each for each in ELFFile(linked.open("rb")).iter_sections()}
    assert sections[".bss"]["sh_offset"] > sections[".comment"]["sh_offset"]
    shipped, _ = strip(linked.read_bytes(), linked, "main.debug")
    linked.write_bytes(shipped)
    done = subprocess.run(["readelf", "-W", "-a", linked], capture_output=True, text=True)
    assert done.stderr == "" and done.returncode == 0 and "debug_info" not in done.stdout


@pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb here")
def test_gdb_finds_the_debug_file(build):
    command = ["gdb", "-nx", "-batch", "-ex", "info line main", str(build / "services/greet")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=build.parent.parent)
    assert re.search(r'Line \d+ of "services/greet/main.c"', done.stdout), done.stdout + done.stderr


def test_symbols_do_not_move_the_shipped_bytes(build, tmp_path):
    """What is loaded is what the linker wrote: each segment's bytes come with the same addresses."""
    rng = random.Random(1)
    for name in rng.sample(sorted(path.name for path in (build / "lib").glob("lib*.so")), 5):
        with (build / "lib" / name).open("rb") as shipped, (build / "lib" / f"{name}.debug").open("rb") as debug:
            ours, theirs = ELFFile(shipped), ELFFile(debug)
            addresses = [
                (each.name, each["sh_addr"], each["sh_size"]) for each in ours.iter_sections() if each["sh_addr"]
            ]
            assert addresses == [
                (each.name, each["sh_addr"], each["sh_size"]) for each in theirs.iter_sections() if each["sh_addr"]
            ]


@pytest.mark.parametrize(
    "words, message",
    [
        (
            ["--machine", "EM_PDP11"],
            "EM_PDP11: is no e_machine that is known; choose one of EM_AARCH64, EM_RISCV, EM_X",
        ),
        (["--elf-flags", "many"], "argument --elf-flags: many is no number of 32 bits"),
        (["--elf-flags", "0x100000000"], "argument --elf-flags: 0x100000000 is no number of 32 bits"),
    ],
)
def test_the_command_refuses_what_no_header_holds(words, message, tmp_path, capsys):
    (tmp_path / "x.abi").write_text("soname libx.so\nfunc f\n")
    with pytest.raises(SystemExit) as caught:
        main(["abi", "stub", str(tmp_path / "x.abi"), "--output", str(tmp_path / "libx.so"), *words])
    assert caught.value.code and message in capsys.readouterr().err
    assert not (tmp_path / "libx.so").exists()


def test_the_command_takes_the_processor_from_the_library(tmp_path):
    (tmp_path / "libx.so").write_bytes(stub(Abi("libx.so", (), (), ()), "EM_RISCV", flags=5))
    with pytest.raises(SystemExit) as caught:
        main(["abi", "stub", str(tmp_path / "libx.so"), "--output", str(tmp_path / "stub.so")])
    assert caught.value.code == 0 and (tmp_path / "stub.so").read_bytes() == (tmp_path / "libx.so").read_bytes()
