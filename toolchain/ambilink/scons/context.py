# mypy: ignore-errors
"""What one build knows: the toolset, and every library, service and kernel that was declared.

Names are resolved when SCons builds, not when it reads SConscripts, so declarations may come in any order
and libraries may need each other. A mistake is reported with the SConscript line that made it.
"""

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import SCons.Script
from SCons.Errors import UserError

from ambilink.files import write_atomically
from ambilink.incremental.files import digest_of
from ambilink.incremental.journal import Journal
from ambilink.incremental.objects import ObjectStore
from ambilink.incremental.slots import Slots
from ambilink.report.progress import Progress


@dataclass(frozen=True)
class SourceLocation:
    """Where in an SConscript something was declared."""

    file: str
    line: int

    def __str__(self):
        return f"{self.file}:{self.line}"


def find_location(env):
    """The innermost line of the caller that is neither SCons' nor this tool's."""
    top = Path(env.Dir("#").abspath)
    here = Path(__file__).parent
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        inside_scons = "SCons" in path.parts and "site-packages" in path.parts
        if path.is_relative_to(here) or inside_scons or path.name == "<frozen importlib._bootstrap>":
            continue
        return SourceLocation(str(path.relative_to(top)) if path.is_relative_to(top) else frame.filename, frame.lineno)
    return SourceLocation("SConstruct", 0)


@dataclass
class Unit:
    """Something that is compiled and linked: a library, a service, a kernel."""

    name: str
    kind: str  # "library", "service", "kernel", "start"
    location: SourceLocation
    libs: list[str] = field(default_factory=list)
    includes: list = field(default_factory=list)  # Dir nodes; a library's are seen by its users too
    private_includes: list = field(default_factory=list)
    system_includes: list[str] = field(default_factory=list)  # of headers that do not change: not scanned
    public_system_includes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    object_sets: list = field(default_factory=list)

    @property
    def objects(self):
        """A node for each object. Builders of this tool depend on lists of objects instead, which are fewer."""
        return [node for each in self.object_sets for node in each.nodes()]


@dataclass
class Library(Unit):
    """The record that DualLibrary returns. Forms that were not asked for are None."""

    soname: str = ""
    link_flags: list[str] = field(default_factory=list)
    static: object = None  # lib/libX.a
    shared: object = None  # lib/libX.so, stripped
    debug: object = None  # lib/libX.so.debug: its DWARF and symbols
    stub: object = None  # a shared object that holds the ABI and nothing else: what users link against
    abi: object = None  # text: what the shared object exports
    golden: object = None  # the text that was checked in
    checked: object = None  # made when both are the same


@dataclass
class Program(Unit):
    linkage: str = "dynamic"
    interpreter: str | None = None  # PT_INTERP
    node: object = None
    debug: object = None


@dataclass
class Kernel(Program):
    linkage: str = "static"
    soname: str = ""
    stub: object = None  # what modules link against
    exports: object = None  # the same with addresses, for the image


@dataclass
class KernelModule(Unit):
    soname: str = ""
    kernel: object = None
    needs: list[str] = field(default_factory=list)
    node: object = None
    debug: object = None

    def inputs(self, context):
        """Sonames and files that it links."""
        found = [(self.kernel.soname, self.kernel.stub)]
        for name in self.needs:
            if name not in context.modules:
                known = ", ".join(sorted(context.modules)) or "none"
                raise UserError(f"{self.location}: module {self.name!r} needs the unknown module {name!r}; known: {known}")
            found.append((context.modules[name].soname, context.modules[name].node))
        return found


@dataclass
class Interpreter(Unit):
    """One form of an interpreter: alone, or inside of a library."""

    soname: str = ""
    entry: str = ""
    library: object = None  # whose objects it is linked with
    node: object = None
    debug: object = None

    def archives(self, context):
        """The libraries that it names, not what those need: it brings that itself."""
        return [context.library(name, self).static for name in self.libs]


class Context:
    def __init__(self, env, toolset, build, state, launcher=()):
        self.toolset = toolset
        self.build = build
        self.top = env.Dir("#").abspath
        self.launcher = list(launcher)
        self.compiler = list(toolset.cc)
        self.libraries = {}
        self.programs = {}
        self.modules = {}
        self.interpreters = {}  # by file name under lib/
        self.start = None
        self.boot_tests = []
        self.images = []  # functions that find the programs of each
        self.sets = {}  # path of an object list: its ObjectSet
        self._shared = 0  # so many sets know which of their objects others compile
        self._env = env
        self._late = []  # (node, function that finds what it depends on)
        package = Path(__import__("ambilink").__file__).parent
        self.package = package
        self._closures = {}
        self.stale_nodes = set()
        self._code_digests = {}
        self.state = state  # folder of what builds remember
        self.store = ObjectStore(state)
        self.journal = Journal(state / "journal.json")
        self.slots = Slots(env.GetOption("num_jobs"))
        self.progress = Progress(sys.stdout, terminal=sys.stdout.isatty())
        self.cache = None
        self.profile = None  # where a trace of this build goes
        self.builds = False  # whether SConscripts were read to their end
        self.started = time.time()

    @property
    def version_words(self):
        """What a shared cache knows a compiler by, wherever it is installed."""
        return [f"{key}={version}" for key, version in sorted(self.toolset.versions.items())]

    @property
    def roots(self):
        """Folders that may lie elsewhere for others, with the names that stand for them in keys."""
        package = self.toolset.package
        return tuple((folder, name) for folder, name in ((package, "{package}"), (self.top, "{top}")) if folder)

    def general(self, text):
        """Words of a command without the folders that differ between machines."""
        for folder, name in self.roots:
            text = text.replace(folder, name)
        return text

    def from_top(self, path):
        """A path below the top as one from there; others as they are."""
        return path[len(self.top) + 1 :] if path.startswith(self.top + os.sep) else path

    def roots_of_files(self):
        """SCons' own tables of nodes, by absolute path."""
        return [root._lookupDict for root in self._env.fs.Root.values()]

    def code(self, *parts):
        """Files of the package `ambilink` that a step depends on: folders, and single files."""
        paths = [path for part in parts for path in sorted((self.package / part).rglob("*.py"))]
        paths += [self.package / part for part in parts if part.endswith(".py")]
        return [self._env.File(str(path)) for path in paths]

    def code_digest(self, name):
        """Of a file of the package `ambilink`."""
        if name not in self._code_digests:
            self._code_digests[name] = digest_of(str(self.package / name))
        return self._code_digests[name]

    def resolve_sets(self):
        """Each object is compiled once, whoever asks for it."""
        sets = list(self.sets.values())
        if self._shared == len(sets):
            return
        owners = self._owners = {} if not self._shared else self._owners
        fresh, self._shared = sets[self._shared :], len(sets)
        for each in fresh:
            each.share(owners)

    def build_again(self, node):
        """Whatever SCons thinks of it."""
        node.set_always_build(True)
        self.stale_nodes.add(node)

    def expand(self, nodes):
        """Paths of files to link: lists of objects stand for what is in them."""
        paths = []
        for node in nodes:
            each = self.sets.get(node.path)
            paths += each.paths if each is not None else [str(node)]
        return paths

    # Declaring.

    def add_library(self, library):
        self._refuse_twice(self.libraries.get(library.name), library)
        self.libraries[library.name] = library

    def add_program(self, program):
        self._refuse_twice(self.programs.get(program.name), program)
        self.programs[program.name] = program

    @staticmethod
    def _refuse_twice(first, second):
        if first is not None:
            raise UserError(
                f"{second.location}: {second.kind} {second.name!r} was declared at {first.location} already; "
                "give it another name"
            )

    # Resolving.

    def add_module(self, module):
        self._refuse_twice(self.modules.get(module.name), module)
        self.modules[module.name] = module

    def library(self, name, user):
        if name not in self.libraries:
            known = ", ".join(sorted(self.libraries)) or "none"
            raise UserError(
                f"{user.location}: {user.kind} {user.name!r} names the unknown library {name!r} in LIBS; known: {known}"
            )
        return self.libraries[name]

    def closure(self, unit):
        """All libraries that a unit needs, breadth first, itself left out."""
        key = id(unit)
        if key not in self._closures:
            found = []
            waiting = [(unit, name) for name in unit.libs]
            while waiting:
                user, name = waiting.pop(0)
                library = self.library(name, user)
                if library is not unit and library not in found:
                    found.append(library)
                    waiting += [(library, other) for other in library.libs]
            self._closures[key] = found
        return self._closures[key]

    def archives(self, unit):
        """What a static unit links: every archive of the closure."""
        files = []
        for library in self.closure(unit):
            if library.static is None:
                raise UserError(
                    f"{unit.location}: {unit.kind} {unit.name!r} is static and needs library {library.name!r}, "
                    f"which is declared shared only at {library.location}"
                )
            files.append(library.static)
        return files

    def shared_objects(self, unit):
        """What a dynamic unit links: stubs of the closure."""
        files = []
        for library in self.closure(unit):
            if library.shared is None:
                raise UserError(
                    f"{unit.location}: {unit.kind} {unit.name!r} is dynamic and needs library {library.name!r}, "
                    f"which is declared static only at {library.location}"
                )
            files.append(library.stub)
        return files

    def in_cycle(self, library):
        """Whether a library without a golden ABI needs itself by way of others like it: no one can be first."""
        others = [other for other in self.closure(library) if other.golden is None]
        return library.golden is None and any(library in self.closure(other) for other in others)

    def include_dirs(self, unit):
        """Folders that are searched for headers, and scanned for dependencies."""
        dirs = [*unit.private_includes, *unit.includes]
        for library in self.closure(unit):
            dirs += [folder for folder in library.includes if folder not in dirs]
        return dirs

    def system_includes(self, unit):
        dirs = [*unit.system_includes]
        for library in [unit, *self.closure(unit)]:
            dirs += [folder for folder in library.public_system_includes if folder not in dirs]
        return dirs

    def library_headers(self, name):
        """The system folders that users of a library declared so far search."""
        return list(self.libraries[name].public_system_includes)

    def depends_late(self, node, function):
        """A node that scanners find the dependencies of, when it is built."""
        self._late.append((node, function))

    def check(self):
        """Resolve everything, so that a mistake is told before anything is built."""
        self.builds = True
        if self._env.GetOption("clean"):  # SCons scans nothing then, and would leave what it did not find
            for node, function in self._late:
                self._env.Depends(node, function())
        for library in self.libraries.values():
            if library.static is not None:
                self.archives(library)
            if library.shared is not None:
                self.shared_objects(library)
        for program in self.programs.values():
            if program.kind == "service":
                (self.archives if program.linkage == "static" else self.shared_objects)(program)

        self._write_graph()
        self._expect_work()

    def _expect_work(self):
        """Count what must be compiled for images and their boots, so that the progress line knows its end."""
        option = self._env.GetOption
        if SCons.Script.COMMAND_LINE_TARGETS or option("clean") or option("no_exec") or option("help"):
            return
        units = {}
        for find_programs in self.images:
            for program in find_programs():
                units |= {each.name: each for each in (program, *self.closure(program))}
        for each in self.sets.values():
            if each.unit is self.start or units.get(each.unit.name) is each.unit:
                each.expect()

    def _write_graph(self):
        """What was declared, for `ambilink graph`."""
        libraries = [
            {
                "name": each.name,
                "libs": each.libs,
                "static": each.static is not None,
                "shared": each.shared is not None,
                "golden": each.golden is not None,
            }
            for each in self.libraries.values()
        ]
        programs = [
            {"name": each.name, "kind": each.kind, "linkage": each.linkage, "libs": each.libs}
            for each in self.programs.values()
        ]
        data = json.dumps({"libraries": libraries, "programs": programs}, indent=1).encode()
        path = self.state / "graph.json"
        if not path.is_file() or path.read_bytes() != data:
            write_atomically(path, data)

    # Places.

    def file(self, env, *parts):
        """A file of the build folder."""
        return self.build.File("/".join(parts))
