"""Who provides a symbol, and what is stored for it."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

pytestmark = pytest.mark.compiler

START = "void _start(void) { }\n"


def symbol_value(data: bytes, name: str) -> int:
    """By pyelftools, from the file alone."""
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".dynsym")
    return section.get_symbol_by_name(name)[0]["st_value"]


def relocations(data: bytes) -> dict[str, int]:
    """Symbol to relocated address, of all that name one."""
    elf = ELFFile(io.BytesIO(data))
    symbols = elf.get_section_by_name(".dynsym")
    found = {}
    for section in elf.iter_sections():
        if isinstance(section, RelocationSection):
            for entry in section.iter_relocations():
                if entry["r_info_sym"]:
                    found[symbols.get_symbol(entry["r_info_sym"]).name] = entry["r_offset"]
    return found


def test_functions_and_data_of_a_library(linker, make):
    library = make("liba.so", "int data = 5; int call(void) { return data; }")
    program = make(
        "program", START + "extern int data; int call(void); int use(void) { return call() + data; }", "liba.so"
    )
    result = linker.link({"program": program, "liba.so": library})
    assert result.good, result.errors
    assert result.provider[("program", "data")] == result.provider[("program", "call")] == "liba.so"
    for name, offset in relocations(program).items():
        assert result.word(result.bias["program"] + offset) == result.bias["liba.so"] + symbol_value(library, name)


def test_first_definition_wins_breadth_first(linker, make):
    files = {
        "libd.so": make("libd.so", "int who(void) { return 4; }"),
        "libb.so": make("libb.so", "int b(void) { return 2; }", "libd.so"),
        "libc.so": make("libc.so", "int who(void) { return 3; } int c(void) { return 0; }"),
    }
    source = START + "int who(void); int b(void); int c(void); int use(void) { return who() + b() + c(); }"
    program = make("program", source, "libb.so", "libc.so")
    result = linker.link({"program": program, **files})
    # libd comes after libc although libb, which needs it, comes first.
    assert list(result.bias) == ["program", "libb.so", "libc.so", "libd.so"]
    assert result.provider[("program", "who")] == "libc.so"


def test_a_weak_definition_wins_when_it_comes_first(linker, make):
    files = {
        "liba.so": make("liba.so", "__attribute__((weak)) int who(void) { return 1; }"),
        "libb.so": make("libb.so", "int who(void) { return 2; }"),
    }
    program = make("program", START + "int who(void); int use(void) { return who(); }", "liba.so", "libb.so")
    assert linker.link({"program": program, **files}).provider[("program", "who")] == "liba.so"


def test_the_program_interposes(linker, make):
    library = make(
        "liba.so", "int who(void) { return 1; } int ask(void) { return who(); }", compile=("-fsemantic-interposition",)
    )
    program = make(
        "program",
        START + "int ask(void); int who(void) { return 2; } int use(void) { return ask(); }",
        "liba.so",
        flags=("--export-dynamic",),
    )
    assert linker.link({"program": program, "liba.so": library}).provider[("liba.so", "who")] == "program"


def test_a_symbolic_library_binds_to_itself(linker, make):
    library = make("liba.so", "int who = 1; int *ask(void) { return &who; }", flags=("-Bsymbolic",))
    program = make(
        "program",
        START + "int *ask(void); int who = 2; int use(void) { return *ask(); }",
        "liba.so",
        flags=("--export-dynamic",),
    )
    result = linker.link({"program": program, "liba.so": library})
    assert result.provider.get(("liba.so", "who"), "liba.so") == "liba.so"


def test_an_undefined_weak_symbol_is_zero(linker, make):
    library = make("liba.so", "__attribute__((weak)) int absent(void); int (*get(void))(void) { return absent; }")
    program = make("program", START + "int (*get(void))(void); void *use(void) { return get; }", "liba.so")
    result = linker.link({"program": program, "liba.so": library})
    assert result.good
    assert result.provider[("liba.so", "absent")] == "-"
    assert result.word(result.bias["liba.so"] + relocations(library)["absent"]) == 0


def test_hidden_and_local_symbols_are_not_seen(linker, make):
    files = {
        "liba.so": make(
            "liba.so", '__attribute__((visibility("hidden"))) int who(void) { return 1; } int a(void) { return who(); }'
        ),
        "libb.so": make("libb.so", "int who(void) { return 2; }"),
    }
    program = make(
        "program", START + "int who(void); int a(void); int use(void) { return who() + a(); }", "liba.so", "libb.so"
    )
    assert linker.link({"program": program, **files}).provider[("program", "who")] == "libb.so"


def test_relative_relocations_packed_and_plain(linker, make, toolset):
    """A table of pointers to itself: each word must be its own image's address, in either encoding."""
    source = (
        "static int x[100]; int *table[300] = {"
        + ", ".join(f"&x[{i % 100}]" for i in range(300))
        + "}; int **get(void) { return table; }"
    )
    unpacked = ("--pack-dyn-relocs=none",) if "lld" in toolset.ld[-1] else ("-z", "nopack-relative-relocs")
    packed = make("libr.so", source)
    plain = make("libp.so", source, flags=unpacked)
    for name, data in (("libr.so", packed), ("libp.so", plain)):
        program = make("program", START + "int **get(void); int **use(void) { return get(); }", name)
        result = linker.link({"program": program, name: data})
        assert result.good
        table = result.bias[name] + symbol_value(data, "table")
        x = result.word(table)
        assert result.bias[name] < x < result.bias[name] + 0x10000
        assert [result.word(table + 8 * i) for i in range(300)] == [x + 4 * (i % 100) for i in range(300)]
    assert has_relr(packed) and not has_relr(plain)


def has_relr(data: bytes) -> bool:
    from elftools.elf.dynamic import DynamicSegment

    segments = ELFFile(io.BytesIO(data)).iter_segments()
    dynamic = next(segment for segment in segments if isinstance(segment, DynamicSegment))
    return any(tag.entry.d_tag == "DT_RELR" for tag in dynamic.iter_tags())


def test_addends_of_absolute_relocations(linker, make):
    library = make("liba.so", "int numbers[10];")
    program = make(
        "program", START + "extern int numbers[10]; int *third = &numbers[3];", "liba.so", flags=("--export-dynamic",)
    )
    result = linker.link({"program": program, "liba.so": library})
    third = result.bias["program"] + symbol_value(program, "third")
    assert result.word(third) == result.bias["liba.so"] + symbol_value(library, "numbers") + 12


def test_thread_local_offsets(linker, make):
    library = make(
        "libt.so",
        "void *__tls_get_addr(void *x) { return x; } _Thread_local long a = 1;"
        "_Thread_local long b __attribute__((aligned(64))); long *get(void) { return &a; }"
        "long *other(void) { return &b; }",
    )
    program = make(
        "program",
        START + "_Thread_local int own = 3; int *mine(void) { return &own; }"
        "long *get(void); void *use(void) { return get; }",
        "libt.so",
        flags=("--export-dynamic",),
    )
    result = linker.link({"program": program, "libt.so": library})
    assert result.good, result.errors
    assert result.tls_align == 64 and result.tls_size % 64 == 0 and result.tls_size >= 4 + 16
    modules = sorted(result.word(result.bias["libt.so"] + offset) for offset in tls_module_words(library))
    assert set(modules) == {2}  # the program's own data is module 1


def tls_module_words(data: bytes) -> list[int]:
    return [
        entry["r_offset"]
        for section in ELFFile(io.BytesIO(data)).iter_sections()
        if isinstance(section, RelocationSection)
        for entry in section.iter_relocations()
        if entry["r_info_type"] == 16  # R_X86_64_DTPMOD64
    ]


def test_our_own_services_are_bound_as_their_symbol_tables_say(linker, build):
    """Every binding of a real service: the provider must be the first object in breadth-first order that
    defines the symbol, computed here by pyelftools."""
    from ambilink.elf.inspect import inspect

    order = [build / "services/audit"]
    for path in order:
        for name in inspect(path).needed:
            if build / "lib" / name not in order:
                order.append(build / "lib" / name)
    result = linker.link({path.name: path.read_bytes() for path in order})
    assert result.good, result.errors
    assert list(result.bias) == [path.name for path in order]
    assert len(result.provider) > 30
    for (_, symbol), provider in result.provider.items():
        definers = [path.name for path in order if symbol in inspect(path).defined]
        assert provider == (definers[0] if definers else "-"), symbol


def test_two_links_at_once(linker, make, tmp_path):
    """No global state: links in several threads come out as one after the other."""
    systems = []
    for letter in "ab":
        library = make(f"lib{letter}.so", "".join(f"int {letter}{i}(void) {{ return {i}; }}" for i in range(300)))
        uses = "".join(f"int {letter}{i}(void); int (*p{i})(void) = {letter}{i};" for i in range(300))
        systems.append({"program": make("program", START + uses, f"lib{letter}.so"), f"lib{letter}.so": library})
    alone = [linker.link(files) for files in systems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: linker.link(systems[number % 2]), range(40)))
    assert all(result == alone[number % 2] for number, result in enumerate(together))


def test_notes_and_stack(linker, make):
    note = """
        __asm__(".section .note.gnu.property,\\"a\\",@note\\n.balign 8\\n.long 4, 16, 5\\n.asciz \\"GNU\\"\\n"
                ".long 0xc0000002, 4, 3, 0\\n.previous");
    """
    # The property as a compiler with -fcf-protection writes it.
    program = make("program", START + note, flags=("--build-id=0x0123456789abcdef00", "-z", "execstack"))
    plain = make("program", START)
    (marked,) = linker.link({"program": program}).modules
    assert (marked.build_id, marked.features, marked.executable_stack) == (0x0123456789ABCDEF, 3, 1)
    (unmarked,) = linker.link({"program": plain}).modules
    assert (unmarked.features, unmarked.executable_stack) == (0, 0)
