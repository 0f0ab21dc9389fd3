"""What a static program has of libposix: the groups of system calls that something in it makes (posix/groups.h)."""

import re
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

TOP = Path(__file__).parents[2]
POSIX = TOP / "libs/posix"
HEADER = (POSIX / "include/posix/groups.h").read_text()
GROUPS = {
    name: set(re.findall(r"case (SYS_\w+):", cases))
    for cases, name in re.findall(r"((?:    case SYS_\w+:\n|#\w+.*\n)+)        POSIX_NEEDS\((\w+)\);", HEADER)
}


def defining(group):
    text = f"const char posix_{group};"
    return next(path.read_text() for path in (POSIX / "src").glob("*.c") if text in path.read_text())


@pytest.mark.parametrize("group", GROUPS)
def test_what_a_group_answers_brings_it_into_a_program(group):
    assert set(re.findall(r"case (SYS_\w+):", defining(group))) <= GROUPS[group]


def test_each_call_is_of_a_group_or_in_each_program():
    dispatched = {
        path.name: set(re.findall(r"case (SYS_\w+):", path.read_text())) for path in (POSIX / "src").glob("*_call.c")
    }
    every = set().union(*GROUPS.values(), dispatched.pop("system_call.c"))
    assert {name: calls - every for name, calls in dispatched.items() if calls - every} == {}


@pytest.mark.parametrize("group", GROUPS)
def test_a_program_that_calls_by_number_has_all(group):
    assert f"POSIX_NEEDS({group}); " in HEADER.partition("POSIX_NEEDS_ALL()")[2].partition("while")[0]


def functions(build, program):
    with (build / f"services/{program}.debug").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] != "SHN_UNDEF"}


def test_a_program_has_the_groups_that_it_calls_and_no_others(build):
    every = {f"call_of_{group}" for group in GROUPS}
    assert functions(build, "loader") & every == set()
    most = {"call_of_descriptors", "call_of_files", "call_of_signals"}
    assert functions(build, "test-libc-static") & every == most
    assert functions(build, "test-threads-static") & every == {"call_of_descriptors", "call_of_signals"}
