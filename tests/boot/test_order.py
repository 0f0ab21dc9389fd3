"""What programs run when they start and end lies together in loader and libc: each page of it costs a signed boot as
much as a small program does."""

from pathlib import Path

import pytest

from ambilink.elf.file import ElfFile

TOP = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("program", "names"), [("services/loader", "services/loader/order.list"), ("lib/libc.so", "libs/c/order.list")]
)
def test_what_runs_lies_together(build, program, names):
    if build.name.endswith("-gnu"):
        pytest.skip("GNU's linker orders no functions")
    wanted = set((TOP / names).read_text().split())
    elf = ElfFile.open(build / f"{program}.debug")
    symbols = {each.name.decode(): each for table in elf.symbol_tables() for each in elf.symbols_of(table) if each.size}
    here = [symbols[name] for name in wanted & symbols.keys()]
    assert len(here) > 0.8 * len(wanted), "most are there: else tests/bench/order.py writes a new list"
    span = max(each.value + each.size for each in here) - min(each.value for each in here)
    assert span < 1.25 * sum(each.size for each in here)
