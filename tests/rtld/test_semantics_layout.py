"""Unusual layouts of files: linked by our own hands or edited, run under both linkers where glibc takes them."""

import itertools

from .elf_edit import PT_GNU_RELRO, PT_LOAD, change_header, headers

MUSL_AGREES = True

DATA = "long data[4] = {1, 2, 3, 4}, zero[2000]; long *where[3] = {&data[1], &zero[1999], &data[3]}; long sum(void) { zero[1999]++; data[0] = zero[0]; return *where[0] * 100 + *where[1] * 10 + *where[2]; }"
USE = 'long sum(void); void test(void) { say_value("sum", sum()); }'


def test_page_sizes(case):
    for size in ("0x1000", "0x10000", "0x200000"):
        case.library("liba.so", DATA, link=("-z", f"max-page-size={size}"))
        case.program(USE, "liba.so", link=("-pie", "-z", f"max-page-size={size}"))
        assert case.compare() == "sum 214\n"


def test_large_alignment_is_kept(case):
    case.library(
        "liba.so",
        "long x __attribute__((aligned(0x200000))) = 5; long at(void) { return (long)&x % 0x200000 + x; }",
        link=("-z", "max-page-size=0x200000"),
    )
    case.program('long at(void); void test(void) { say_value("at", at()); }', "liba.so")
    assert case.compare() == "at 5\n"


def test_code_and_data_in_one_page_of_the_file(case):
    case.library("liba.so", DATA, link=("-z", "noseparate-code", "-z", "max-page-size=0x1000"))
    case.program(USE, "liba.so", link=("-pie", "-z", "noseparate-code"))
    assert case.compare() == "sum 214\n"


def test_without_relro_and_without_packing(case):
    case.library("liba.so", DATA, link=("-z", "norelro"))
    case.program(USE, "liba.so", link=("-pie", "-z", "norelro"))
    assert case.compare() == "sum 214\n"


def test_relro_that_ends_inside_a_page(case):
    """The last page holds other data, so it stays writable."""
    case.library("liba.so", DATA)
    path = case.folder / "liba.so"
    for at, header in headers(path.read_bytes()):
        if header[0] == PT_GNU_RELRO:
            writable = next(each for _, each in headers(path.read_bytes()) if each[0] == PT_LOAD and each[1] & 2)
            header[3], header[6] = writable[3], 0x800
            change_header(path, at, header)
    case.program(USE, "liba.so")
    assert case.compare() == "sum 214\n"


def test_zeroed_pages_of_their_own(case):
    case.library(
        "liba.so",
        "long zero[100000]; long *last = &zero[99999]; long sum(void) { for (int i = 0; i < 100000; i += 512) if (zero[i]) return -1; *last = 5; return zero[99999]; }",
    )
    case.program(USE, "liba.so")
    assert case.compare() == "sum 5\n"


def test_a_segment_without_file_contents(case):
    case.library(
        "liba.so",
        "long zero[3000] = {0}; long sum(void) { zero[2999] += 3; return zero[2999]; }",
        link=("-z", "norelro"),
    )
    case.program(USE, "liba.so")
    assert case.compare() == "sum 3\n"


def test_an_empty_segment(case):
    """p_memsz 0 loads nothing, wherever it says it lies."""
    case.library("liba.so", DATA)
    path = case.folder / "liba.so"
    spare = next((at for at, header in headers(path.read_bytes()) if header[0] in (0x6474E550, 0x6474E551)))
    low = next(header for _, header in headers(path.read_bytes()) if header[0] == PT_LOAD)
    last = [header for _, header in headers(path.read_bytes()) if header[0] == PT_LOAD][-1]
    end = (last[3] + last[6] + 0xFFF) & -0x1000
    change_header(path, spare, [PT_LOAD, 4, low[2], end, end, 0, 0, 0x1000])
    case.program(USE, "liba.so")
    case.says("sum 214\n")


def test_a_library_linked_at_an_address(case):
    case.library(
        "liba.so", DATA, link=("-Ttext-segment=0x400000",) if case.tools.is_gnu_ld else ("--image-base=0x400000",)
    )
    case.program(USE, "liba.so")
    assert case.compare() == "sum 214\n"


def test_a_program_at_a_fixed_address(case):
    case.library("liba.so", DATA)
    case.program(USE, "liba.so", link=("-no-pie",))
    assert case.compare() == "sum 214\n"


def test_two_segments_in_one_page(case):
    """Read-only data and writable data that meet inside a page: the page is the later one's, contents of both."""
    layout = """
        PHDRS { text PT_LOAD FILEHDR PHDRS FLAGS(5); ro PT_LOAD FLAGS(4); rw PT_LOAD FLAGS(6); dynamic PT_DYNAMIC FLAGS(6); }
        SECTIONS {
            . = SIZEOF_HEADERS;
            .dynsym : { *(.dynsym) } :text .gnu.hash : { *(.gnu.hash) } .dynstr : { *(.dynstr) }
            .rela.dyn : { *(.rela.dyn) } .rela.plt : { *(.rela.plt) } .text : { *(.text*) *(.plt*) }
            . = ALIGN(0x1000);
            .rodata : { *(.rodata*) BYTE(7) FILL(0x07) . = . + 0x100; } :ro
            .data : { *(.data*) } :rw
            .dynamic : { *(.dynamic) } :rw :dynamic
            .got : { *(.got*) } :rw
            .bss : { *(.bss*) *(COMMON) }
        }
    """
    (case.folder / "layout.ld").write_text(layout)
    source = 'const char text[] = "constant"; ' + DATA + " long first(void) { return text[0] + text[7]; }"
    case.library("liba.so", source, link=("-T", "layout.ld"))
    loads = [header for _, header in headers((case.folder / "liba.so").read_bytes()) if header[0] == PT_LOAD]
    pages = [set(range(header[3] >> 12, (header[3] + header[6] + 0xFFF) >> 12)) for header in loads]
    assert any(one & other for one, other in itertools.pairwise(pages)), "the layout shares no page"
    case.program(
        'long sum(void), first(void); void test(void) { say_value("sum", sum()); say_value("first", first()); }',
        "liba.so",
    )
    assert case.compare() == "sum 214\nfirst 215\n"


def edit_load(path, writable: bool, change) -> None:
    for at, header in headers(path.read_bytes()):
        if header[0] == PT_LOAD and bool(header[1] & 2) == writable:
            change(header)
            change_header(path, at, header)
            return
    raise AssertionError("no such segment")


def test_writable_code_is_refused(case):
    case.library("liba.so", DATA)
    edit_load(case.folder / "liba.so", True, lambda header: header.__setitem__(1, 7))
    case.program(USE, "liba.so", link=("-pie", "--allow-shlib-undefined"))
    case.refuses("liba.so has a segment that is writable and executable")


def test_text_relocations_are_refused(case):
    case.library(
        "liba.so",
        "long x = 5; long *sum(void) { return &x; }",
        assembly=".text\n.globl pointer\npointer: .quad x\n",
        link=("-z", "notext"),
    )
    case.program(USE, "liba.so")
    case.refuses("liba.so wants a relocation in read-only memory")


def test_segments_out_of_order_are_refused(case):
    """The gABI wants PT_LOAD entries ascending by p_vaddr."""
    case.library("liba.so", DATA)
    case.program(USE, "liba.so")
    path = case.folder / "liba.so"
    loads = [(at, header) for at, header in headers(path.read_bytes()) if header[0] == PT_LOAD]
    change_header(path, loads[0][0], loads[1][1])
    change_header(path, loads[1][0], loads[0][1])
    case.refuses("liba.so has a program header out of range")
