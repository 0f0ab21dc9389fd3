"""Targets, compilers and profiles: TOML files turned into programs and flags.

A target says what is compiled for, a compiler what with, a profile what the system asks for; all are looked up by
name among the files that come with this package, or given as a path to a file of one's own.
"""

import contextlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from ambilink import toml_file
from ambilink.compile.identity import behind, files_among, identity_of, programs_of, scripts_of
from ambilink.compile.profile import DEFAULT_PROFILE, Profile, load_profile
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.toml_file import Table

HERE = Path(__file__).parent
# For every compiler and target: freestanding C, nothing that needs a run-time of the compiler's own.
LISTING = ("-###", "-x", "c", "-S", "-o", os.devnull, os.devnull)  # prints what a driver would start
COMPILE = (
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-ffunction-sections",
    "-fdata-sections",
)
LINK = (
    "--build-id=sha1",
    "--gc-sections",
    "--eh-frame-hdr",  # exceptions find their way by it
    *("-z", "noexecstack"),
    *("-z", "separate-code"),
)
SMALLEST_PAGE = 4096
# Linker sets. lld collects what only __start_ and __stop_ lead to, unlike GNU ld. Both let a library export these
# symbols: a program's code would walk the library's set in place of its own.
KEEP_SETS = ("-z", "nostart-stop-gc")
OWN_SETS = ("-z", "start-stop-visibility=hidden")
LINK_DYNAMIC = (*("-z", "now"), *("-z", "relro"))


@dataclass(frozen=True)
class Target:
    name: str
    triple: str
    machine: str  # e_machine, as EM_...
    elf_flags: int  # e_flags: what objects of these compiler flags have
    gnu: str  # the triple in the names of GNU's cross tools
    max_page_size: int  # segments can be mapped with pages up to this size
    musl: str  # folder of the machine in musl's sources; "": musl is not used
    musl_headers: tuple[str, ...]
    flags: tuple[str, ...]  # of all code
    user_flags: tuple[str, ...]
    kernel_flags: tuple[str, ...]
    module_flags: tuple[str, ...]  # of the kernel's modules
    runtime_flags: tuple[str, ...]  # of zig, for the compiler's run-time
    kernel_runtime_flags: tuple[str, ...]  # for the one that kernels link; empty: as for programs
    files: tuple[str, ...]


@dataclass(frozen=True)
class Toolset:
    """Everything that a command line is made of."""

    name: str
    target: Target
    profile: Profile
    cc: tuple[str, ...]
    ld: tuple[str, ...]
    ar: tuple[str, ...]
    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    relr_flags: tuple[str, ...]
    no_relr_flags: tuple[str, ...]
    load_address_flags: tuple[str, ...]
    direct_data_flags: tuple[str, ...]  # for position-independent code that is all linked into one file
    set_flags: tuple[str, ...]  # of linker sets
    lists_inputs: bool  # the linker knows --dependency-file
    versions: dict[str, str]
    package: str = ""  # folder of the Python package that holds it all, if one does
    files: tuple[str, ...] = ()  # all that this was made of, and paths where a program would have been found first
    compiler_text: str = ""  # what `cc --version` prints
    behind: "Behind" = field(default_factory=lambda: Behind())

    @cached_property
    def identity(self) -> str:
        """Which programs exactly: another file of the same name is another one."""
        behind = [identity_of(self.behind.programs), self.behind.said] if self.behind.said else []
        return " ".join([*dict.fromkeys(map(identity_of, (self.cc, self.ld, self.ar))), *behind])

    @property
    def version_words(self) -> list[str]:
        """What the programs are known by wherever they are installed: their versions, and the texts of scripts."""
        versions = [f"{key}={version}" for key, version in sorted(self.versions.items())]
        programs = {"ar": self.ar, "cc": self.cc, "ld": self.ld}
        return [*versions, *(f"{key}={text}" for key, words in programs.items() if (text := scripts_of(words)))]

    @property
    def _page_size(self) -> tuple[str, str]:
        return "-z", f"max-page-size={_max_page_size(self.target, self.profile)}"

    @property
    def _link(self) -> tuple[str, ...]:
        form = self.profile.format
        relr = self.relr_flags if form.relr else self.no_relr_flags
        own = (*self.set_flags, *self.link_flags)
        return (*LINK, f"--hash-style={form.hash}", *self._page_size, *LINK_DYNAMIC, *own, *relr)

    def _position(self, form: str) -> tuple[str, ...]:
        """Of a program: "pie" or "exec"."""
        return ("-pie",) if form == "pie" else ("-no-pie", *self.load_address_flags)

    @property
    def shared_library_flags(self) -> tuple[str, ...]:
        return (*self._link, "-shared", "--as-needed")

    @property
    def dynamic_program_flags(self) -> tuple[str, ...]:
        return (*self._link, *self._position(self.profile.programs.dynamic), "--as-needed")

    @property
    def static_program_flags(self) -> tuple[str, ...]:
        position = self._position(self.profile.programs.static)
        return (*self._link, "-static", *position, "--no-dynamic-linker", *("-z", "text"))

    @property
    def kernel_link_flags(self) -> tuple[str, ...]:
        return ("-static", "--gc-sections", *self.set_flags, "--build-id=none", *self._page_size, "-z", "noexecstack")

    @property
    def independent_kernel_flags(self) -> tuple[str, ...]:
        return ("-pie", "--no-dynamic-linker", "-z", "text", "-z", "norelro", *self.relr_flags)

    def hosted_flags(self, what: str) -> tuple[str, ...]:
        """For "programs" or "libraries"."""
        hosted = self.profile.language.hosted
        return ("-fhosted",) if hosted == "all" or hosted == what else ()


@dataclass(frozen=True)
class Behind:
    """What scripts among the programs start."""

    programs: tuple[str, ...] = ()
    followed: bool = True  # they start these, and cannot start others
    said: str = ""  # what they print of themselves now: nothing where there is no script


def _behind(tools: Mapping[str, tuple[str, ...]]) -> Behind:
    found = Behind()
    for key, words in tools.items():
        if not scripts_of(words):
            continue
        programs, followed = behind(words)
        said = _run((*words, "--version"))
        if not followed and key == "cc":
            commands = _run((*words, *LISTING))
            programs, said = programs_of(commands), said + commands
        found = Behind((*found.programs, *programs), found.followed and followed, found.said + said)
    return found


def _find(kind: str, name: str) -> Path:
    """A file of this package by name, or a path."""
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    path = HERE / kind / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in (HERE / kind).glob("*.toml")))
        raise AmbilinkError(name, f"is no known {kind[:-1]}", f"choose one of {known}, or give the path of a TOML file")
    return path


def load_target(name: str) -> Target:
    path = _find("targets", name)
    top = Table(path, "", toml_file.read(path))
    target, flags = top.take_table("target"), top.take_table("flags")
    result = Target(
        path.stem,
        target.take("triple", str),
        target.take("machine", str),
        target.take("elf-flags", int, 0),
        target.take("gnu", str, ""),
        target.take("max-page-size", int, SMALLEST_PAGE),
        target.take("musl", str, ""),
        tuple(target.take_strings("musl-headers", [])),
        tuple(flags.take_strings("all", [])),
        tuple(flags.take_strings("user", [])),
        tuple(flags.take_strings("kernel", [])),
        tuple(flags.take_strings("module", [])),
        tuple(flags.take_strings("runtime", [])),
        tuple(flags.take_strings("kernel-runtime", [])),
        (str(path),),
    )
    if not 0 <= result.elf_flags < 1 << 32:
        raise target.refuse("elf-flags", f"is {result.elf_flags:#x}", "e_flags have 32 bits")
    page = result.max_page_size
    if page < SMALLEST_PAGE or page & (page - 1):
        raise target.refuse("max-page-size", f"is {page}", f"use a power of two from {SMALLEST_PAGE} on")
    for table in (target, flags, top):
        table.finish()
    return result


def _package_folder(table: Table, package: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise table.refuse("package", f"names {package}, which is not installed", f"pip install {package}")
    return str(Path(next(iter(spec.submodule_search_locations))))


def _expand(table: Table, key: str, words: list[str], values: dict[str, str]) -> tuple[str, ...]:
    expanded = []
    for word in words:
        for name in re.findall(r"\{(\w+)\}", word):
            if name not in values:
                raise table.refuse(key, f"uses {{{name}}}", f"known: {', '.join(f'{{{v}}}' for v in values)}")
        expanded.append(re.sub(r"\{(\w+)\}", lambda match: values[match[1]], word))
    return tuple(expanded)


def _program(table: Table, key: str, values: dict[str, str]) -> tuple[str, ...]:
    words = _expand(table, key, table.take_strings(key), values)
    if not words:
        raise table.refuse(key, "is empty", "name a program")
    found = shutil.which(words[0])
    if found is None:
        raise table.refuse(key, f"names {words[0]}, which is not there", "install it, or choose another compiler=")
    return (found, *words[1:])


def places_before(found: str, path: str | None = None) -> list[str]:
    """A program, and where the PATH, or `path`, would have led to another of its name."""
    places = [found]
    for folder in (os.environ.get("PATH", "") if path is None else path).split(os.pathsep):
        place = os.path.join(folder, os.path.basename(found))
        if place == found:
            return places
        places.append(place)
    return [found]  # it was not found by the PATH


@lru_cache(maxsize=32)
def _run(words: tuple[str, ...]) -> str:
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise AmbilinkError(words[0], f"cannot be run ({error.strerror})") from error
    return result.stdout + result.stderr


class Answers:
    """What programs say of themselves, kept in a file while they are the same programs."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        self._changed = False
        with contextlib.suppress(OSError, ValueError, TypeError):
            self._known = dict(json.loads(path.read_bytes())) if path else {}

    def ask(self, words: tuple[str, ...]) -> str:
        if scripts_of(words):
            return _run(words)  # another program may answer today
        key = " ".join([*words, identity_of(words[:1])])
        if key not in self._known:
            self._known[key] = _run(words)
            self._changed = True
        return self._known[key]

    def save(self) -> None:
        if self._path and self._changed:
            write_atomically(self._path, json.dumps(self._known).encode())


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _check_version(table: Table, key: str, program: tuple[str, ...], minimum: str, answers: Answers) -> str:
    match = re.search(r"\b(\d+\.\d+(?:\.\d+)*)", answers.ask((*program, "--version")))
    if match is None:
        raise table.refuse(key, f"is {minimum}, and {' '.join(program)} prints no version", "is it the right program?")
    if _numbers(match[1]) < _numbers(minimum):
        raise table.refuse(
            key,
            f"is {minimum}, and {program[0]} has version {match[1]}",
            "install a newer one, or choose another compiler=",
        )
    return match[1]


def _max_page_size(target: Target, profile: Profile) -> int:
    return profile.format.max_page_size or target.max_page_size


def _gnu_prefix(target: Target) -> str:
    """What the names of GNU's tools begin with: nothing where the machine's own generate code for the target."""
    return f"{target.gnu}-" if target.gnu and not target.gnu.startswith(f"{platform.machine()}-") else ""


def _set_flags(linker: tuple[str, ...], answers: Answers) -> tuple[str, ...]:
    if "LLD" in answers.ask((*linker, "--version")):
        return (*KEEP_SETS, *OWN_SETS)
    return OWN_SETS if "start-stop-visibility" in answers.ask((*linker, "--help")) else ()


def load_toolset(
    compiler: str, target_name: str, answers_file: Path | None = None, profile_name: str = DEFAULT_PROFILE
) -> Toolset:
    """`answers_file` remembers what the programs said of themselves."""
    answers = Answers(answers_file)
    target, profile = load_target(target_name), load_profile(profile_name)
    path = _find("compilers", compiler)
    top = Table(path, "", toml_file.read(path))
    settings = top.take_table("compiler", {})
    programs, minimum, flags = top.take_table("programs"), top.take_table("minimum", {}), top.take_table("flags")
    values = {"triple": target.triple, "gnu": _gnu_prefix(target), "page": str(_max_page_size(target, profile))}
    package = settings.take("package", str, "")
    if package:
        values["package"] = _package_folder(settings, package)
    tools = {key: _program(programs, key, values) for key in ("cc", "ld", "ar")}
    if settings.take("headers-from", str, ""):
        values["headers"] = answers.ask((*tools["cc"], "-print-file-name=include")).strip()
    versions = {}
    for key in ("cc", "ld", "ar"):
        wanted = minimum.take(key, str, "")
        if wanted:
            versions[key] = _check_version(minimum, key, tools[key], wanted, answers)
    compile_flags = _expand(flags, "compile", flags.take_strings("compile", []), values)
    link_flags = _expand(flags, "link", flags.take_strings("link", []), values)
    relr, no_relr, load_address, direct_data = (
        _expand(flags, key, flags.take_strings(key, []), values | {"address": f"{profile.programs.load_address:#x}"})
        for key in ("relr", "no-relr", "load-address", "direct-data")
    )
    wanted = flags.take("relr-in-help", str, "")
    if wanted and wanted not in answers.ask((*tools["ld"], "--help")):
        relr, no_relr = (), ()
    if not load_address and "exec" in (profile.programs.static, profile.programs.dynamic):
        raise flags.refuse(
            "load-address",
            f"is missing, and the profile {profile.name} has programs at a load address",
            'add the linker\'s option for it, as ["--image-base={address}"]',
        )
    for table in (settings, programs, minimum, flags, top):
        table.finish()
    compiler_text, started = answers.ask((*tools["cc"], "--version")), _behind(tools)
    answers.save()
    return Toolset(
        path.stem,
        target,
        profile,
        tools["cc"],
        tools["ld"],
        tools["ar"],
        (*compile_flags, *target.flags, *COMPILE),
        link_flags,
        relr,
        no_relr,
        load_address,
        direct_data,
        _set_flags(tools["ld"], answers),
        "--dependency-file" in answers.ask((*tools["ld"], "--help")),
        versions,
        values.get("package", ""),
        (
            str(path),
            *target.files,
            *profile.files,
            *(place for words in tools.values() for place in places_before(words[0])),
            *(path for words in tools.values() for path in files_among(words)),
            *started.programs,
        ),
        compiler_text,
        started,
    )
