"""Profiles: what an operating system asks of the programs, libraries and kernels that are built for it.

A profile is a TOML file beside target and compiler. Its tables are the dataclasses below; docs/reference/profile.md
is made of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink import toml_file
from ambilink.compile.contract import Contract, natural
from ambilink.compile.declared import key, read_declared
from ambilink.errors import AmbilinkError
from ambilink.toml_file import Table
from ambilink.verdict import VerdictRules, read_verdict

FORMAT = 1
DEFAULT_PROFILE = "ambilink"
HERE = Path(__file__).parent / "profiles"
_FORMS = ("pie", "exec", "none")
_SYMBOL = re.compile(r"[A-Za-z_.$][\w.$@]*")


def _page(number: int) -> str | None:
    if number == 0 or (4096 <= number <= 1 << 30 and not number & (number - 1)):
        return None
    return f"is {number}; write a power of two from 4096 to 2**30"


def _symbol(name: str) -> str | None:
    return None if _SYMBOL.fullmatch(name) else f"has {name!r}, which is no symbol's name; write one as C has it"


def _entry(name: str) -> str | None:
    return None if _SYMBOL.fullmatch(name) else f"is {name!r}, which is no symbol's name; write one as C has it"


def _part(text: str) -> str | None:
    """Of a file's name."""
    return f"is {text!r}, which has a / in it; write a part of a file's name" if "/" in text else None


def _folder(text: str) -> str | None:
    if text.startswith("/") or ".." in text.split("/"):
        return f"is {text!r}, which leads out of the build folder; write a path below it"
    return None


def _pattern(text: str) -> str | None:
    names = re.findall(r"\{(\w*)\}", text)
    unknown = next((name for name in names if name not in ("prefix", "name", "suffix", "version")), None)
    if unknown is not None:
        return f"uses {{{unknown}}}; known: {{prefix}}, {{name}}, {{suffix}}, {{version}}"
    return "has no {name}; libraries would have one soname" if "name" not in names else _part(text)


def _define(text: str) -> str | None:
    return None if re.match(r"[A-Za-z_]", text) else f"has {text!r}; write NAME or NAME=VALUE"


@dataclass(frozen=True)
class Programs:
    """Forms of programs, and where they begin."""

    static: str = key(
        "pie", "Static programs: `pie` (ET_DYN), `exec` (ET_EXEC at `load-address`), or `none`.", choices=_FORMS
    )
    dynamic: str = key("pie", "Dynamic programs, likewise.", choices=_FORMS)
    load_address: int = key(0x400000, "Where ET_EXEC programs lie.", check=natural)
    interpreter: str = key(
        "/lib/ld.so",
        "PT_INTERP of dynamic programs, unless `interp=` says another; `{arch}` is the machine's name. Empty: they "
        "have none, and are dynamic nevertheless: the kernel or a loader links them.",
    )
    entry: str = key("_start", "The symbol at which programs begin.", check=_entry)
    static_start: tuple[str, ...] = key(
        (),
        "Sources or objects that are linked first into static programs. `{musl}` is the folder of musl's sources, "
        "`{arch}` its name of the machine. Used where no ProgramStart is declared.",
        path=True,
    )
    dynamic_start: tuple[str, ...] = key((), "The same for dynamic programs.", path=True)
    start_includes: tuple[str, ...] = key((), "Folders of headers for these sources.", path=True)
    start_flags: tuple[str, ...] = key((), "Compiler flags for these sources.")
    loader_symbols: tuple[str, ...] = key(
        (),
        "Symbols that the loader defines: dynamic programs and libraries may leave them undefined.",
        check=_symbol,
    )


@dataclass(frozen=True)
class Format:
    """What the linker writes."""

    hash: str = key("gnu", "Hash tables of dynamic symbols: `gnu`, `sysv` or `both`.", choices=("gnu", "sysv", "both"))
    relr: bool = key(True, "Relative relocations are packed (DT_RELR).")
    max_page_size: int = key(
        0, "The largest page size that programs run with. 0: the target's.", check=_page, no_default="the target's"
    )
    soname: str = key(
        "{prefix}{name}{suffix}",
        "DT_SONAME and file name of a library, unless `soname=` says another. `{prefix}` and `{suffix}` are "
        "`places.library-prefix` and `places.shared-suffix`, `{version}` is the library's `version=`. Where it is not "
        "`{prefix}{name}{suffix}`, a symbolic link of that name lies beside the library.",
        check=_pattern,
    )
    version: str = key("", "`{version}` of libraries that say none.", check=_part)
    section_headers: bool = key(True, "What is shipped has section headers.")


@dataclass(frozen=True)
class Language:
    """Flags and macros for the compiler, and its run-time."""

    hosted: str = key(
        "programs",
        "What a C library stands behind (`-fhosted`; others are compiled with `-ffreestanding`): `none`, `programs`, "
        "or `all`, which is programs and libraries. Kernels and their modules never.",
        choices=("none", "programs", "all"),
    )
    flags: tuple[str, ...] = key((), "Compiler flags for all sources.")
    c: tuple[str, ...] = key((), "Compiler flags for C.")
    cxx: tuple[str, ...] = key((), "Compiler flags for C++.")
    asm: tuple[str, ...] = key((), "Compiler flags for assembly (`.S`, `.s`).")
    defines: tuple[str, ...] = key((), "Macros for all sources: `NAME` or `NAME=VALUE`.", check=_define)
    runtime: str = key(
        "none",
        "The compiler's run-time (`__divti3` and its kin), linked last into everything: `none`, `compiler` (built of "
        "the ziglang wheel's source), or the path of an archive. Its symbols are not exported.",
        path=True,
        words=("none", "compiler"),
    )


@dataclass(frozen=True)
class Places:
    """Where outputs go below the build folder, and their names."""

    libraries: str = key("lib", "Folder of libraries.", check=_folder)
    programs: str = key("services", "Folder of programs.", check=_folder)
    modules: str = key("modules", "Folder of the kernel's modules.", check=_folder)
    debug: str = key("", "Folder of debug files, which repeats the others. Empty: beside each file.", check=_folder)
    library_prefix: str = key("lib", "What libraries' names begin with.", check=_part)
    static_suffix: str = key(".a", "What static libraries' names end with.", check=_part)
    shared_suffix: str = key(".so", "What shared libraries' and modules' names end with.", check=_part)
    program_suffix: str = key("", "What programs' names end with.", check=_part)
    debug_suffix: str = key(".debug", "What is added to a file's name for its debug file.", check=_part)


TABLES = {
    "programs": Programs,
    "format": Format,
    "language": Language,
    "places": Places,
    "contract": Contract,
}


@dataclass(frozen=True)
class Profile:
    name: str
    files: tuple[str, ...]  # its own, then those that it extends
    programs: Programs
    format: Format
    language: Language
    places: Places
    contract: Contract
    verdict: VerdictRules


def profile_path(name: str, folder: Path = Path(), place: str = "--profile") -> Path:
    """A shipped profile by name, or a path from `folder`. `place` is who names it."""
    if name.endswith(".toml") or "/" in name:
        return folder / name
    path = HERE / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in HERE.glob("*.toml")))
        raise AmbilinkError(
            place, f"{name!r} is no known profile", f"choose one of {known}, or give the path of a TOML file"
        )
    return path


def _chain(path: Path, place: str) -> Iterator[Table]:
    """The tables of a file and of those that it extends."""
    seen: list[Path] = []
    while True:
        if path.resolve() in seen:
            names = " -> ".join(each.name for each in [*seen, path])
            raise AmbilinkError(place, f"extends makes a circle: {names}", "let one of them extend none of the others")
        seen.append(path.resolve())
        top = Table(path, "", toml_file.read(path))
        version = top.take("profile", int)
        if version != FORMAT:
            raise top.refuse("profile", f"is {version}, a format that is unknown here", f"known: {FORMAT}")
        base = top.take("extends", str, "")
        place = top.place("extends")
        yield top
        if not base:
            return
        path = profile_path(base, path.parent, place)
        if not path.is_file():
            raise AmbilinkError(place, f"extends names {base}, which is not there", "correct the path")


def load_profile(name: str) -> Profile:
    """By name, or by the path of a TOML file."""
    path = profile_path(name, place=name)
    chain = list(_chain(path, name))
    tables = {each: _inherited(chain, each) for each in (*TABLES, "verdict")}
    for top in chain:
        top.finish()
    profile = Profile(
        path.stem,
        tuple(str(top.path) for top in chain),
        read_declared(tables["programs"], Programs),
        read_declared(tables["format"], Format),
        read_declared(tables["language"], Language),
        read_declared(tables["places"], Places),
        read_declared(tables["contract"], Contract),
        read_verdict(tables["verdict"]),
    )
    refuse_contradictions(profile, tables)
    return profile


def _inherited(chain: Sequence[Table], name: str) -> Table:
    """A table of the first file, with the keys of those that it extends."""
    first, *others = (top.take_table(name, {}) for top in chain)
    for each in others:
        first.inherit(each)
    return first


def refuse_contradictions(profile: Profile, tables: Mapping[str, Table]) -> None:
    """Keys that cannot both be kept."""
    programs, form, contract = profile.programs, profile.format, profile.contract

    def against(table: str, name: str, rule: str, remedy: str, *others: tuple[str, str]) -> None:
        """`others` are keys that the rule is about too: the first that is written is where the mistake is."""
        keys = [(table, name), *others]
        where = next((tables[one].place(key) for one, key in keys if tables[one].has(key)), profile.files[0])
        raise AmbilinkError(where, f"{table}.{name} {rule}", remedy)

    runtime = profile.language.runtime
    if runtime not in ("none", "compiler") and not Path(runtime).is_file():
        against("language", "runtime", f"names {runtime}, which is not there", "correct the path, or say 'compiler'")
    if form.relr and contract.relocations and "relr" not in contract.relocations:
        against(
            "format",
            "relr",
            "is true, and contract.relocations has no 'relr'",
            "set format.relr to false, or add 'relr' to what the loader knows",
            ("contract", "relocations"),
        )
    for needed, hashes in (("DT_HASH", ("sysv", "both")), ("DT_GNU_HASH", ("gnu", "both"))):
        if needed in contract.needs and form.hash not in hashes:
            against(
                "format",
                "hash",
                f"is {form.hash!r}, and contract.needs has {needed!r}",
                f"set format.hash to {hashes[0]!r} or 'both'",
                ("contract", "needs"),
            )
    for name in ("needs", "sections"):
        wanted = "section-headers" in contract.needs if name == "needs" else bool(contract.sections)
        if wanted and not form.section_headers:
            against(
                "format",
                "section-headers",
                f"is false, and contract.{name} asks for them",
                "set format.section-headers to true",
                ("contract", name),
            )
    if programs.dynamic == "none" and programs.interpreter and tables["programs"].has("interpreter"):
        against(
            "programs",
            "interpreter",
            f"is {programs.interpreter!r}, and programs.dynamic is 'none'",
            "leave it out, or choose a form of dynamic programs",
        )
    if programs.dynamic == "none" and programs.loader_symbols:
        against(
            "programs",
            "loader-symbols",
            "names symbols that a loader defines, and programs.dynamic is 'none'",
            "leave it out, or choose a form of dynamic programs",
        )
    if programs.static == programs.dynamic == "none":
        against("programs", "static", "and programs.dynamic are 'none'", "allow one of them")
    for name, made, known in (
        ("static", programs.static, contract.static_types),
        ("dynamic", programs.dynamic, contract.dynamic_types),
    ):
        kind = {"pie": "ET_DYN", "exec": "ET_EXEC"}.get(made)
        if kind and known and kind not in known:
            against(
                "programs",
                name,
                f"is {made!r}, and contract.{name}-types lacks {kind!r}",
                f"choose another form, or add {kind!r} to what the loader maps",
                ("contract", f"{name}-types"),
            )
    if contract.align_max and form.max_page_size > contract.align_max:
        against(
            "format",
            "max-page-size",
            f"is {form.max_page_size}, more than contract.align-max, {contract.align_max}",
            "lower it",
            ("contract", "align-max"),
        )
    if contract.page_size and form.max_page_size and form.max_page_size < contract.page_size:
        against(
            "format",
            "max-page-size",
            f"is {form.max_page_size}, less than contract.page-size, {contract.page_size}",
            "raise it",
            ("contract", "page-size"),
        )
    if "exec" in (programs.static, programs.dynamic):
        low, high = contract.lowest_address, contract.highest_address
        if (low is not None and programs.load_address < low) or (high is not None and programs.load_address >= high):
            against(
                "programs",
                "load-address",
                f"is {programs.load_address:#x}, outside contract.lowest-address and contract.highest-address",
                "choose one between them",
                ("contract", "highest-address"),
                ("contract", "lowest-address"),
            )
    if "{version}" in form.soname and not form.version and not tables["format"].has("version"):
        against(
            "format",
            "soname",
            "uses {version}, and format.version is not given",
            'set format.version for libraries that say no version=, to "" if each says one',
        )
