"""Whether a system's loader can load a file: the rules of a profile's [contract], and the contract that a file needs.

The rules are data (`ambilink.compile.contract`); this module only reads files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from ambilink.compile.contract import Contract, relocation_name
from ambilink.elf.check import OutputKind
from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfFile
from ambilink.elf.inspect import TYPES, symbol_count
from ambilink.elf.layout import (
    DF_1_PIE,
    DT_FINI_ARRAYSZ,
    DT_FLAGS_1,
    DT_GNU_HASH,
    DT_HASH,
    DT_INIT_ARRAYSZ,
    DT_PLTRELSZ,
    DT_RELASZ,
    DT_RELR,
    DT_RELRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERSYM,
    ET_EXEC,
    PT_INTERP,
    SHN_UNDEF,
    STT_GNU_IFUNC,
    Segment,
)
from ambilink.elf.psabi import PSABIS, Kind

GROUPS = {
    OutputKind.SHARED_LIBRARY: "libraries",
    OutputKind.DYNAMIC_PROGRAM: "programs",
    OutputKind.STATIC_PROGRAM: "programs",
    OutputKind.INTERPRETER: "interpreters",
    OutputKind.KERNEL: "kernels",
    OutputKind.MODULE: "modules",
}
TABLES = {"DT_HASH": DT_HASH, "DT_GNU_HASH": DT_GNU_HASH}


@dataclass(frozen=True)
class Broken:
    """A rule that a file breaks."""

    key: str  # of [contract]
    rule: str
    remedy: str
    symbol: str | None = None  # that it is about
    address: int | None = None  # of something that a symbol may be found for


class Loaded(DynamicFile):
    """A file as a loader with a contract sees it."""

    @cached_property
    def output(self) -> OutputKind:
        """What it looks like."""
        if not self.dynamic:
            return OutputKind.STATIC_PROGRAM
        if self.interpreter is not None or self.type == ET_EXEC:
            return OutputKind.DYNAMIC_PROGRAM
        if self.soname is None and self.dynamic.get(DT_FLAGS_1, 0) & DF_1_PIE:
            return OutputKind.DYNAMIC_PROGRAM if self.needed_names else OutputKind.STATIC_PROGRAM
        return OutputKind.SHARED_LIBRARY

    @cached_property
    def used(self) -> dict[str, tuple[int, int, int]]:
        """Relocations by name: address, symbol and addend of the first of each."""
        found: dict[str, tuple[int, int, int]] = {}
        psabi = PSABIS.get(self.machine)
        for offset, number, index, addend in self.relocations():
            if psabi is None or psabi.kinds.get(number) is not Kind.NONE:
                found.setdefault(relocation_name(self.machine, number), (offset, index, addend))
        return found

    def kind_of(self, name: str) -> str | None:
        """The kind of a relocation, as contracts call it."""
        psabi = PSABIS.get(self.machine)
        for number, kind in (psabi.kinds if psabi else {}).items():
            if relocation_name(self.machine, number) == name:
                return kind.name.lower().replace("_", "-")
        return None

    @cached_property
    def has_relr(self) -> bool:
        return bool(DT_RELR in self.dynamic and self.dynamic.get(DT_RELRSZ))

    @cached_property
    def symbol_names(self) -> list[str]:
        if DT_SYMTAB not in self.dynamic:
            return []
        symbols = self.symbols(range(1, symbol_count(self)))
        return [each.name.decode("utf-8", "backslashreplace") for each in symbols]

    @property
    def calls_resolvers(self) -> bool:
        """By relocations of its own."""
        return any(name.endswith("_IRELATIVE") for name in self.used)

    @cached_property
    def indirect_functions(self) -> list[str]:
        """Those that it exports (STT_GNU_IFUNC)."""
        if DT_SYMTAB not in self.dynamic:
            return []
        symbols = self.symbols(range(1, symbol_count(self)))
        return [
            each.name.decode("utf-8", "backslashreplace")
            for each in symbols
            if each.type == STT_GNU_IFUNC and each.section != SHN_UNDEF
        ]

    @cached_property
    def names(self) -> list[tuple[str, str]]:
        """What its names are, and the names."""
        found = [("DT_SONAME", self.soname), ("PT_INTERP", self.interpreter), ("the file's name", self.path.name)]
        found += [("DT_NEEDED", name) for name in self.needed_names]
        return [(what, name) for what, name in found if name]

    @cached_property
    def alignments(self) -> list[tuple[str, int]]:
        found = [(f"PT_LOAD at {each.address:#x}", each.align) for each in self.loads]
        return [*found, ("PT_TLS", self.tls.align)] if self.tls else found

    @cached_property
    def expected_sections(self) -> dict[str, bool]:
        """Sections that a loader may look for, and whether the file has what they hold."""
        dynamic, tls = self.dynamic, self.tls
        return {
            ".dynamic": bool(dynamic),
            ".dynsym": DT_SYMTAB in dynamic,
            ".dynstr": DT_STRTAB in dynamic,
            ".hash": DT_HASH in dynamic,
            ".gnu.hash": DT_GNU_HASH in dynamic,
            ".rela.dyn": dynamic.get(DT_RELASZ, 0) > 0,
            ".rela.plt": dynamic.get(DT_PLTRELSZ, 0) > 0,
            ".init_array": dynamic.get(DT_INIT_ARRAYSZ, 0) > 0,
            ".fini_array": dynamic.get(DT_FINI_ARRAYSZ, 0) > 0,
            ".interp": any(each.type == PT_INTERP for each in self.segments),
            ".tdata": tls is not None and tls.file_size > 0,
            ".tbss": tls is not None and tls.size > tls.file_size,
        }


def broken(
    file: Loaded, contract: Contract, output: OutputKind | None = None, libraries: Sequence[DynamicFile] = ()
) -> Iterator[Broken]:
    """Every rule that the file breaks; `libraries` are those that a program needs, directly or not."""
    output = output or file.output
    if GROUPS[output] not in contract.outputs:
        return
    for rule in RULES:
        yield from rule(file, contract, output, libraries)


Rule = Callable[[Loaded, Contract, OutputKind, Sequence[DynamicFile]], Iterator[Broken]]


def _is_linked(file: Loaded, output: OutputKind) -> bool:
    """By a loader that reads its dynamic section: static programs relocate themselves."""
    return bool(file.dynamic) and output is not OutputKind.STATIC_PROGRAM


def _relocations(file: Loaded, contract: Contract, output: OutputKind, _: Sequence[DynamicFile]) -> Iterator[Broken]:
    if not contract.relocations or not _is_linked(file, output):
        return
    listed = ", ".join(contract.relocations)
    for name, (offset, index, addend) in file.used.items():
        kind = file.kind_of(name)
        if name in contract.relocations or kind in contract.relocations:
            continue
        symbol = file.symbol(index).name.decode("utf-8", "backslashreplace") if index else ""
        yield Broken(
            "relocations",
            f"has {name} at {offset:#x}" + (f" for {symbol}" if symbol else "") + f", and the loader knows {listed}",
            REMEDIES.get(kind or "", "compile or link it otherwise"),
            symbol or None,
            addend if kind in ("relative", "irelative") else offset,
        )
    known = any(name.lower().endswith("irelative") for name in contract.relocations)
    if not known and not file.calls_resolvers:
        for name in file.indirect_functions:  # who refers to one must get what its resolver returns
            text = f"exports the IFUNC {name}, and the loader knows {listed}"
            yield Broken("relocations", text, REMEDIES["irelative"], name)
    if file.has_relr and "relr" not in contract.relocations:
        yield Broken(
            "relocations", f"has DT_RELR, and the loader knows {listed}", "set format.relr to false in the profile"
        )


REMEDIES = {
    "copy": "compile it with -fPIC, so that it reaches data of libraries through the GOT",
    "irelative": "leave out IFUNCs (__attribute__((ifunc)))",
    "tls-descriptor": "compile it with -mtls-dialect=trad or -mtls-dialect=gnu",
    "tls-pointer": "compile it with -ftls-model=global-dynamic",
    "absolute-32": "compile it with -fPIC",
}


def _tables(file: Loaded, contract: Contract, output: OutputKind, _: Sequence[DynamicFile]) -> Iterator[Broken]:
    for name in contract.needs:
        if name == "section-headers":
            if not file.sections:
                yield Broken("needs", "has no section headers", "set format.section-headers to true in the profile")
        elif _is_linked(file, output) and DT_SYMTAB in file.dynamic and TABLES[name] not in file.dynamic:
            hashes = "sysv" if name == "DT_HASH" else "gnu"
            yield Broken("needs", f"has no {name}", f"set format.hash to '{hashes}' or 'both' in the profile")
    if contract.versions is False and DT_VERSYM in file.dynamic and _is_linked(file, output):
        yield Broken("versions", "has symbol versions (DT_VERSYM)", "leave out version_script=")


def _sections(file: Loaded, contract: Contract, output: OutputKind, _: Sequence[DynamicFile]) -> Iterator[Broken]:
    if not contract.sections or not _is_linked(file, output):
        return
    present, expected = set(file.section_names), file.expected_sections
    for name in contract.sections:
        if name not in present and expected.get(name, True):
            yield Broken("sections", f"has no section {name}", "keep it: is it stripped, or renamed?")


def _types(file: Loaded, contract: Contract, output: OutputKind, _: Sequence[DynamicFile]) -> Iterator[Broken]:
    kind = TYPES[file.type]
    for form, outputs, types in (
        ("static", (OutputKind.STATIC_PROGRAM,), contract.static_types),
        ("dynamic", (OutputKind.DYNAMIC_PROGRAM,), contract.dynamic_types),
    ):
        if output in outputs and types and kind not in types:
            yield Broken(
                f"{form}-types",
                f"is {kind}, and the loader maps {' and '.join(types)}",
                f"set programs.{form} in the profile",
            )


def _names(file: Loaded, contract: Contract, output: OutputKind, _: Sequence[DynamicFile]) -> Iterator[Broken]:
    for what, name in file.names:
        size = len(name.encode())
        if contract.name_max is not None and size > contract.name_max:
            yield Broken(
                "name-max", f"{what} {name} has {size} bytes, more than {contract.name_max}", "give it a shorter name"
            )
    if contract.symbol_max is None or not _is_linked(file, output):
        return
    for name in file.symbol_names:
        if len(name.encode()) > contract.symbol_max:
            yield Broken(
                "symbol-max",
                f"the symbol {name} has {len(name.encode())} bytes, more than {contract.symbol_max}",
                "give it a shorter name, or hide it",
                name,
            )


def _tls(
    file: Loaded, contract: Contract, output: OutputKind, libraries: Sequence[DynamicFile]
) -> Iterator[Broken]:
    users = [each.path.name for each in (file, *libraries) if each.tls and each.tls.size]
    if contract.tls_modules is not None and len(users) > contract.tls_modules:
        yield Broken(
            "tls-modules",
            f"{len(users)} files of one process have thread-local storage ({', '.join(users)}), more than "
            f"{contract.tls_modules}",
            "leave out thread-local variables in some of them",
        )


def _segments(file: Loaded, contract: Contract, output: OutputKind, _: Sequence[DynamicFile]) -> Iterator[Broken]:
    for what, align in file.alignments:
        if contract.align_max is not None and align > contract.align_max:
            yield Broken(
                "align-max",
                f"its {what} is aligned to {align}, more than {contract.align_max}",
                "lower format.max-page-size in the profile, or the alignment of data",
            )
    for each in file.loads:
        if contract.write_xor_execute and each.writable and each.executable:
            yield Broken(
                "write-xor-execute",
                f"the segment at {each.address:#x} is writable and executable",
                "give code and data sections of their own",
            )
    if contract.page_size is not None:
        yield from _pages(file.loads, contract.page_size)
    yield from _addresses(file, contract)


def _pages(loads: Sequence[Segment], page: int) -> Iterator[Broken]:
    for each in loads:
        if (each.address - each.offset) % page:
            yield Broken(
                "page-size",
                f"offset {each.offset:#x} and address {each.address:#x} of a PT_LOAD differ modulo {page}",
                "raise format.max-page-size in the profile",
            )
    for one, other in pairwise(loads):
        if one.flags != other.flags and (one.end - 1) // page == other.address // page:
            yield Broken(
                "page-size",
                f"the segments at {one.address:#x} and {other.address:#x} have different rights and share a page of "
                f"{page} bytes",
                "raise format.max-page-size in the profile",
            )


def _addresses(file: Loaded, contract: Contract) -> Iterator[Broken]:
    start, end = file.loads[0].address, file.loads[-1].end
    if file.type != ET_EXEC:
        start, end = 0, end - start
    elif contract.lowest_address is not None and start < contract.lowest_address:
        yield Broken(
            "lowest-address",
            f"begins at {start:#x}, below {contract.lowest_address:#x}",
            "raise programs.load-address in the profile",
        )
    if contract.highest_address is not None and end > contract.highest_address:
        yield Broken(
            "highest-address",
            f"ends at {end:#x}, above {contract.highest_address:#x}",
            "lower programs.load-address in the profile, or make it smaller",
        )


def symbol_at(path: Path, address: int) -> str | None:
    """The symbol of .symtab that an address belongs to: the nearest one at or before it."""
    before = [(value, name) for name, value in ElfFile.open(path).addresses().items() if value <= address]
    return max(before, default=(0, None))[1]


RULES: tuple[Rule, ...] = (_types, _relocations, _tables, _sections, _names, _tls, _segments)


def needed(file: Loaded, files: Sequence[Loaded]) -> list[Loaded]:
    """Those of some files that a file needs, directly or not."""
    by_name = {each.soname or each.path.name: each for each in files}
    found: dict[str, Loaded] = {}
    waiting = list(file.needed_names)
    while waiting:
        name = waiting.pop(0)
        if name in by_name and name not in found:
            found[name] = by_name[name]
            waiting += by_name[name].needed_names
    return [each for each in found.values() if each is not file]


def contract_of(files: Sequence[Loaded]) -> dict[str, object]:
    """The keys of the contract that a loader must have for all these files, as TOML has them."""
    relocations: dict[str, None] = {}
    for file in files:
        if _is_linked(file, file.output):
            relocations |= dict.fromkeys(file.used)
            relocations |= {"relr": None} if file.has_relr else {}
            if file.indirect_functions and not file.calls_resolvers:
                relocations["irelative"] = None
    linked = [file for file in files if _is_linked(file, file.output)]
    found: dict[str, object] = {"outputs": list(dict.fromkeys(GROUPS[file.output] for file in files))}
    if relocations:
        found["relocations"] = list(relocations)
    # A loader that reads one hash table of two does not depend on the other.
    needs = [
        name
        for name, tag in TABLES.items()
        if any(tag in each.dynamic and not (set(TABLES.values()) - {tag}) & set(each.dynamic) for each in linked)
    ]
    found |= {"needs": needs} if needs else {}
    for form, output in (("static", OutputKind.STATIC_PROGRAM), ("dynamic", OutputKind.DYNAMIC_PROGRAM)):
        types = list(dict.fromkeys(TYPES[file.type] for file in files if file.output is output))
        found |= {f"{form}-types": types} if types else {}
    found["name-max"] = max(len(name.encode()) for file in files for _, name in file.names)
    symbols = [len(name.encode()) for file in linked for name in file.symbol_names]
    found |= {"symbol-max": max(symbols)} if symbols else {}
    processes = ([file, *needed(file, files)] for file in files)
    found["tls-modules"] = max(sum(1 for each in process if each.tls and each.tls.size) for process in processes)
    found["align-max"] = max(1, *(align for file in files for _, align in file.alignments))
    fixed = [file for file in files if file.type == ET_EXEC]
    found |= {"lowest-address": min(file.loads[0].address for file in fixed)} if fixed else {}
    found["highest-address"] = max(
        file.loads[-1].end - (0 if file.type == ET_EXEC else file.loads[0].address) for file in files
    )
    found["write-xor-execute"] = not any(each.writable and each.executable for file in files for each in file.loads)
    found["versions"] = any(DT_VERSYM in file.dynamic for file in linked)
    return found
