"""Kinds that the linker makes: it is called itself, its output is checked and stripped, and only then gets its final
name."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from ambilink.compile.linker_words import expand
from ambilink.elf.abi import read_abi
from ambilink.elf.check import OutputKind, check, check_target
from ambilink.elf.contract import Loaded, broken, symbol_at
from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.edit import without_interpreter, without_needed
from ambilink.elf.inspect import ElfInfo, inspect, objects_referring_to
from ambilink.elf.strip import strip
from ambilink.errors import AmbilinkError
from ambilink.files import as_argument, write_atomically
from ambilink.scons import duplicate, flags_refused, undefined
from ambilink.scons.api import Environment, Node, Nodes
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.abi_text import keep_golden
from ambilink.scons.kinds.archive_words import ARCHIVE, whole
from ambilink.scons.kinds.kind import ELF_CODE, Kind, U, none, unit_of
from ambilink.scons.kinds.linker_inputs import (
    DEPENDENCIES,
    archives_of,
    list_words,
    named_inputs,
    note_inputs,
)
from ambilink.scons.kinds.starting import clear as clear_taken
from ambilink.scons.kinds.starting import declared_constructors, take_out
from ambilink.scons.profile_files import LOADER_SONAME
from ambilink.scons.steps import CommandStep
from ambilink.scons.units import Library, Start, Unit

PART = ".part"
# What linkers only warn of: pattern, rule and remedy.
REFUSED = (
    (r"unknown -z value: (\S+)", "the linker does not know -z {}", "leave it out of link_flags"),
    (r"warning: -z (\S+) ignored", "the linker does not know -z {}", "leave it out of link_flags"),
    (r"cannot find entry symbol ([^\s;,]+)", "has no entry point: {} is not defined", "define it"),
)


def no_libraries(context: Context, unit: Any) -> dict[str, Node]:
    return {}


def nothing(unit: Any) -> None:
    return None


def no_symbols(unit: Any) -> frozenset[str]:
    return frozenset()


def unchecked(context: Context, unit: Any, info: ElfInfo, libraries: Mapping[str, Path]) -> None:
    return None


def no_entry(context: Context, unit: Any) -> None:
    return None


def refuse_warnings(path: Path, output: str) -> None:
    for pattern, rule, remedy in REFUSED:
        match = re.search(pattern, output)
        if match:
            raise AmbilinkError(path, rule.format(match[1]), remedy)


def entry_symbol(words: Sequence[str]) -> str | None:
    """The symbol that a linker's command begins a program at; None for an address."""
    found = None
    for word, value in zip(words, [*words[1:], ""], strict=True):
        if word in ("-e", "-entry", "--entry"):
            found = value
        elif word.startswith("--entry="):
            found = word.removeprefix("--entry=")
    return found if found and not found[0].isdigit() else None


@dataclass(frozen=True)
class Linking(Generic[U]):
    """How the units of a kind are linked."""

    output: OutputKind  # whose rules the file must keep
    flags: Callable[[Context, U], Sequence[str]]
    archives: Callable[[Context, U], Sequence[Node]] = none
    libraries: Callable[[Context, U], Mapping[str, Node]] = no_libraries  # linked against, by SONAME
    files: Callable[[Context, U], Sequence[Node]] = none  # others that the flags name
    soname: Callable[[U], str | None] = nothing
    entry: Callable[[Context, U], str | None] = no_entry  # the symbol that it begins at, unless link flags say another
    loaded: bool = False  # by a loader, which may define symbols
    kernel: bool = False  # it runs with the kernel's rights, and gets the run-time that is made for that
    interpreter: Callable[[U], str | None] = nothing
    defines_itself: bool = False  # libraries that need each other: what they lack, this one may define
    keep_symbols: bool = False
    golden: Callable[[U], Node | None] = nothing  # the text of the ABI that it must have
    undefined: Callable[[U], frozenset[str] | None] = no_symbols  # that who uses it defines; None: any
    finished: Callable[[Context, U, ElfInfo, Mapping[str, Path]], None] = unchecked  # a rule of the kind's own
    whole_archives: bool = False  # archives among the sources are a part of it, used or not

    def flag_words(self, context: Context, unit: U) -> list[str]:
        return [*self.flags(context, unit), *unit.variables.link_flags(), *unit.link_flags]

    def words(self, target: Nodes, source: Nodes, env: Environment) -> list[str]:
        context, unit = context_of(env), unit_of(env)
        archives = [str(node) for node in self.archives(context, unit)]
        starting, changed = unit.starting
        entry, loader, runtime = self.entry(context, unit), self._loader(context), context.runtime(self.kernel)
        first, objects = _first_objects(context, source), context.expand(source)
        objects = [*objects[:first], *starting, *(changed.get(path, path) for path in objects[first:])]
        given = [path for path in objects if path.endswith(ARCHIVE)]
        if self.whole_archives:
            objects = whole(objects)
        else:
            objects, archives = [as_argument(path) for path in objects if path not in given], [*given, *archives]
        return [
            *context.toolset.ld,
            *list_words(context, str(target[0])),
            *self.flags(context, unit),
            *(["-e", entry] if entry else []),
            *unit.variables.link_flags(),
            *unit.link_flags,
            *("-o", as_argument(f"{target[0]}{PART}")),
            *objects,
            *(["--start-group", *map(as_argument, archives), "--end-group"] if archives else []),
            *(as_argument(str(node)) for node in self.libraries(context, unit).values()),
            *(["--no-as-needed", as_argument(str(loader))] if loader else []),
            *(["--exclude-libs", os.path.basename(str(runtime)), as_argument(str(runtime))] if runtime else []),
        ]

    def prepare(self, target: Nodes, source: Nodes, env: Environment) -> None:
        context, unit = context_of(env), unit_of(env)
        objects, archives = context.expand(source), [str(node) for node in self.archives(context, unit)]
        given = [path for path in objects if path.endswith(ARCHIVE)]
        own = [path for path in objects if path not in given]
        unit.starting = take_out(
            context, unit, str(target[0]), own, archives if self.whole_archives else [*given, *archives]
        )

    def clear(self, target: Nodes, source: Nodes, env: Environment) -> None:
        """What a link leaves behind, whether it went well or not."""
        unit_of(env).starting = (), {}
        clear_taken(str(target[0]))
        for suffix in (PART, DEPENDENCIES):
            Path(f"{target[0]}{suffix}").unlink(missing_ok=True)

    def _loader(self, context: Context) -> Node | None:
        """The stub of what the loader defines."""
        return context.loader_stub if self.loaded else None

    def inputs(self, context: Context, unit: U) -> list[Node]:
        more = (self._loader(context), context.runtime(self.kernel), *self._processes(context, unit))
        return [
            *self.archives(context, unit),
            *self.libraries(context, unit).values(),
            *self.files(context, unit),
            *(node for node in more if node is not None),
        ]

    def finish(self, target: Nodes, source: Nodes, env: Environment, output: str) -> None:
        """Check what the linker wrote; strip and rename it, or remove it and say why."""
        context, unit = context_of(env), unit_of(env)
        profile, interpreter = context.toolset.profile, self.interpreter(unit)
        part, final, debug = Path(f"{target[0]}{PART}"), Path(str(target[0])), Path(str(target[1]))
        libraries = {soname: Path(str(node)) for soname, node in self.libraries(context, unit).items()}
        soname, words = self.soname(unit), self.words(target, source, env)
        if self.defines_itself and soname:
            libraries[soname] = part
        try:
            refuse_warnings(part, output)
            if self._loader(context):
                part.write_bytes(without_needed(part.read_bytes(), part, LOADER_SONAME))
            if self.output is OutputKind.DYNAMIC_PROGRAM and not interpreter:
                part.write_bytes(without_interpreter(part.read_bytes(), part))
            objects = [Path(path) for path in context.expand(source)]
            check_target(part, context.toolset.target.machine, context.toolset.target.elf_flags)
            check(
                part,
                self.output,
                libraries,
                objects,
                soname,
                interpreter,
                entry_symbol(expand(words)[0]) if self.entry(context, unit) else None,
                self._provided(context, unit),
                profile.contract.write_xor_execute,
            )
            self.finished(context, unit, inspect(part), libraries)
            shipped, symbols = strip(
                part.read_bytes(),
                part,
                debug.name,
                keep_symbols=self.keep_symbols,
                section_headers=profile.format.section_headers or self.keep_symbols,
            )
            debug.parent.mkdir(parents=True, exist_ok=True)
            self._keep_contract(context, unit, Loaded(final, shipped), part, objects)
            golden = self.golden(unit)
            if golden is not None and not context.updates_abi:
                keep_golden(unit, Path(str(golden)), read_abi(part))
            write_atomically(debug, symbols)
            write_atomically(final, shipped)
            os.chmod(final, 0o755)
            note_inputs(
                context, target[0], words, [*map(str, target[0].children()), *context.expand(source), *_taken(unit)]
            )
        except AmbilinkError as error:
            where = error.where.replace(str(part), str(final))
            place = "" if f"[{unit.location}]" in error.rule else f" [{unit.location}]"
            raise AmbilinkError(
                where, error.rule, f"{error.remedy}{place}".lstrip() + self._of_symbols(context, unit, error)
            ) from error
        finally:
            part.unlink(missing_ok=True)

    def _provided(self, context: Context, unit: U) -> frozenset[str] | None:
        """Symbols that others define; None: any."""
        known = context.toolset.profile.programs.loader_symbols if self.loaded else ()
        undefined = self.undefined(unit)
        return None if undefined is None else undefined.union(known)

    def _of_symbols(self, context: Context, unit: U, error: AmbilinkError) -> str:
        """More about symbols that the linker did not miss."""
        match = re.match(r"undefined symbol ([^\s,]+)", error.rule)
        return f"\n{undefined.explanation(context, unit, [match[1]])}".rstrip() if match else ""

    def _processes(self, context: Context, unit: U) -> list[Node]:
        """The libraries of a program, where a rule is about all files of a process: its stubs do not say enough."""
        if self.output is not OutputKind.DYNAMIC_PROGRAM or context.toolset.profile.contract.tls_modules is None:
            return []
        return [library.shared for library in context.closure(unit) if library.shared is not None]

    def _keep_contract(self, context: Context, unit: U, file: Loaded, part: Path, objects: list[Path]) -> None:
        """`part` has the symbols that were stripped."""
        contract = context.toolset.profile.contract
        libraries = [DynamicFile.open(Path(str(node))) for node in self._processes(context, unit)]
        found = list(broken(file, contract, self.output, libraries))
        if not found:
            return
        first, symbol = found[0], found[0].symbol
        if symbol is None and first.address is not None:
            symbol = symbol_at(part, first.address)
        of = _described(symbol, objects) if symbol else ""
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise AmbilinkError(file.path, f"contract.{first.key}: {first.rule}{of}{more}", first.remedy)


def _taken(unit: Unit) -> list[str]:
    starting, changed = unit.starting
    return [*starting, *changed.values()]


def _first_objects(context: Context, source: Nodes) -> int:
    """How many are those at the entry of a program, which stay the first."""
    starts = [node for node in source if (each := context.sets.get(node.path)) and isinstance(each.unit, Start)]
    return len(context.expand(starts))


def _rules(env: Environment) -> str:
    """What outputs are held to, and how they are stripped."""
    context, unit = context_of(env), unit_of(env)
    profile = context.toolset.profile
    taken = [f"{each.name}:{','.join(each.undefined)} " for each in context.closure(unit) if each.undefined]
    taken += [",".join(unit.undefined), " "] if isinstance(unit, Library) and unit.undefined else []
    golden = "" if getattr(unit, "golden", None) is None else f"{not context.updates_abi} "
    return (
        f"{golden}{''.join(taken)}{profile.format.section_headers} {profile.programs.loader_symbols} "
        f"{profile.contract} "
        f"{declared_constructors(context, unit)} {' '.join(context.version_words)}"
    )


def _explain(env: Environment, output: str) -> str:
    context, unit = context_of(env), unit_of(env)
    return undefined.explain(context, unit, duplicate.explain(context, unit, flags_refused.explain(unit, output)))


def _described(symbol: str, objects: list[Path]) -> str:
    named = objects_referring_to(symbol, objects) or objects_referring_to(symbol, objects, defining=True)
    return f" ({symbol}, in {named[0]})" if named else f" ({symbol})"


def linked(path: Callable[[Context, U], str], how: Linking[U]) -> Kind[U]:
    """The kind of what is linked so; each has a debug file."""

    def inputs(context: Context, unit: U) -> list[Node]:
        target = f"{context.build.path}/{path(context, unit)}"
        inputs = how.inputs(context, unit)
        archives = archives_of(unit, inputs)
        return [*inputs, *named_inputs(context, unit, target, how.flag_words(context, unit), archives)]

    step = CommandStep(
        how.words,
        "LD",
        finish=how.finish,
        prepare=how.prepare,
        version=_rules,
        explain=_explain,
        clear=how.clear,
        code=ELF_CODE,
    )
    return Kind(path, step, inputs, debug=True)
