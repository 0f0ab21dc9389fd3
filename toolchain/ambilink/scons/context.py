"""What one build knows: the toolset, what was declared, and the records that the next build needs."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

import ambilink
from ambilink.compile.identity import behind
from ambilink.compile.nasm import Nasm, find_nasm
from ambilink.compile.profile import Places
from ambilink.compile.toolset import Toolset
from ambilink.files import write_atomically
from ambilink.incremental.cache import Cache, general
from ambilink.incremental.files import digest_of
from ambilink.incremental.journal import Journal
from ambilink.incremental.links import LinkRecord
from ambilink.incremental.objects import ObjectStore
from ambilink.scons.api import (
    Environment,
    Folder,
    Node,
    UserError,
    build_targets,
    command_line_targets,
    node_tables,
    signature_of_file,
)
from ambilink.scons.arguments import setting_texts
from ambilink.scons.location import SourceLocation
from ambilink.scons.made_inputs import MadeInputs
from ambilink.scons.object_set import ObjectSet, Owners
from ambilink.scons.resolving import Resolver
from ambilink.scons.running import Running
from ambilink.scons.stage import Stage
from ambilink.scons.tasks import build_anyway, mark
from ambilink.scons.units import Library, LibraryVariant, Program, Start, Unit
from ambilink.scons.variables import real_folders
from ambilink.sources import APART, part_names

PACKAGE = Path(ambilink.__file__).parent


class Context(Resolver):
    """One for an environment and all its clones."""

    def __init__(
        self, env: Environment, running: Running, toolset: Toolset, build: Folder, state: Path, system: Path
    ) -> None:
        super().__init__()
        self.toolset = toolset
        self.build = build
        self.top = env.Dir("#").abspath
        self.system = system  # where libs/, services/ and boot/ are
        parts = [part for part in part_names(system) if part not in APART]
        self.bundled = [part.partition("/")[2] for part in parts if part.startswith("libs/")]
        self.launcher: list[str] = []
        self.launcher_files: list[str] = []  # it, what its words name, and where another would have been found first
        self.launcher_identity = ""  # which it is exactly; empty for those that change no object
        self.launcher_words: list[str] = []  # what a shared cache knows it by
        self.parts: list[str] = []  # of the system's own sources that were declared
        self.compiler = list(toolset.cc)
        self.version_words = toolset.version_words  # what a shared cache knows its programs by
        self.env = env
        self.boot_tests: list[Node] = []
        self.images: list[Callable[[], list[Program]]] = []  # functions that find the programs of each
        self.sets: dict[str, ObjectSet] = {}  # by path of their lists
        self._shared = 0  # so many sets know which of their objects others compile
        self._owners: Owners = {}
        self._verified: set[ObjectSet] = set()  # their inputs are as they were made
        self._own_dependencies: set[tuple[Node, Node]] = set()
        self._nasms: dict[tuple[str, str], Nasm] = {}
        self._late: list[tuple[Node, Callable[[], Iterable[Node]]]] = []
        self._code_digests: dict[str, str] = {}
        self._real_folders: dict[Folder, list[str]] = {}
        self.stale_nodes: set[Node] = set()
        self.made = MadeInputs(self)
        self.dry_steps = 0  # that a dry run announced
        self.state = state  # folder of what builds remember
        self.store = ObjectStore(state)
        self.links = LinkRecord(state / "links.json", digest_of)
        self.journal = Journal(state / "journal.json")
        self.running = running
        self.slots, self.progress = running.slots, running.progress
        self.stage = Stage(self.progress.say)
        self.manifests: dict[Node, Node] = {}  # by image
        self.fetched: dict[Node, Folder] = {}  # lists of what was unpacked, and the folders
        self.cache: Cache | None = None
        self.profile: str | None = None  # where a trace of this build goes
        self.loader_stub: Node | None = None  # what the loader defines, to link against
        self.runtimes: dict[bool, Node] = {}  # the compiler's run-time for programs, and for the kernel (True)
        self.profile_starts: dict[str, Start] = {}  # of static and dynamic programs, as the profile says
        self.abi_updates: list[str] = []  # aliases that write golden ABIs
        self.asked: tuple[str, ...] = ()  # the settings that it was made for
        self.checked = False  # SConscripts were read to their end

    # Texts that are the same on all machines.

    @property
    def roots(self) -> tuple[tuple[str, str], ...]:
        """Folders that may lie elsewhere for others, with the names that stand for them in keys."""
        places = [(self.toolset.package, "{package}"), (self.system_prefix, "{system}"), (self.top, "{top}")]
        return tuple((folder, name) for folder, name in places if folder)

    @cached_property
    def system_prefix(self) -> str:
        """The folder of the system's sources as commands name it, where it may lie anywhere: what is compiled of them
        is the same for all. Empty: it is a part of this tree."""
        path = str(self.system)
        inside = self.system.parent != PACKAGE and f"{path}{os.sep}".startswith(self.top + os.sep)
        return "" if inside else self.from_top(path)

    @property
    def top_in_keys(self) -> str:
        """What the tree's own files are called in keys: in the system's own tree as in trees that have it elsewhere."""
        return "{system}" if str(self.system) == self.top else ""

    @property
    def system_map(self) -> list[str]:
        """The flag by which objects of those sources name them."""
        return [f"-ffile-prefix-map={self.system_prefix}/="] if self.system_prefix else []

    def shared_words(self, words: Iterable[str]) -> list[str]:
        """A compiler's words as keys of a cache have them: where the system's sources lie makes no difference."""
        return [self._shared_word(word) for word in words if word not in self.system_map]

    def _shared_word(self, word: str) -> str:
        folder, system = os.path.join(self.top, word[2:]), f"{self.system}{os.sep}"
        inside = word.startswith("-I") and folder.startswith(system)
        return f"-I{{system}}/{folder[len(system) :]}" if inside else word

    def general(self, text: str) -> str:
        """A command without the folders that differ between machines."""
        return general(text, self.roots)

    # Places.

    def file(self, path: str, location: SourceLocation) -> Node:
        """A file of the build folder that a declaration makes."""
        self.claim(path, location)
        return self.output(path, f"{location}: ")

    def output(self, path: str, where: str = "") -> Node:
        """A file of the build folder. What a repository has of it is copied: commands name ours."""
        try:
            node = self.build.File(path)
        except TypeError as error:  # SCons, or the disk, knows a folder of that name, or a file where a folder belongs
            folders = [f"{self.build.path}/{each}" for each in Path(path).parents if each.name]
            file = next((each for each in folders if os.path.isfile(os.path.join(self.top, each))), None)
            said = f"{file} is a file, where a folder belongs; remove it" if file else ""
            said = said or f"{self.build.path}/{path} is a folder already; choose another name"
            raise UserError(f"{where}{said}") from error
        mark(node)
        if self.env.fs.Top.getRepositories():
            self.env.Local(node)
        return node

    @property
    def places(self) -> Places:
        return self.toolset.profile.places

    def library_path(self, library: Library) -> str:
        """From the build folder, without suffix."""
        return f"{self.places.libraries}/{self.places.library_prefix}{library.name}"

    def variant_path(self, variant: LibraryVariant) -> str:
        places = self.places
        return f"{places.libraries}/{variant.variant}/{places.library_prefix}{variant.name}{places.static_suffix}"

    def program_path(self, program: Program) -> str:
        return f"{self.places.programs}/{program.name}{self.places.program_suffix}"

    def debug_path(self, path: str) -> str:
        """Of the debug file of an output."""
        places = self.places
        if places.debug:
            path = os.path.join(self.build.path, places.debug, os.path.relpath(path, self.build.path))
        return path + places.debug_suffix

    def runtime(self, kernel: bool) -> Node | None:
        return self.runtimes.get(kernel)

    def from_top(self, path: str) -> str:
        """A path below the top as one from there; others as they are."""
        if path == self.top:
            return "."
        return path[len(self.top) + 1 :] if path.startswith(self.top + os.sep) else path

    def code(self, *parts: str) -> list[Node]:
        """Files of the package `ambilink` that a step depends on: folders, and single files."""
        paths: list[Path] = []
        for part in parts:
            path = PACKAGE / part
            paths += [path] if path.is_file() else sorted(path.rglob("*.py"))
        return [self.env.File(str(path)) for path in paths]

    def code_digest(self, part: str) -> str:
        """Of a folder of the package `ambilink`."""
        if part not in self._code_digests:
            digests = [digest_of(str(path)) for path in sorted((PACKAGE / part).glob("*.py"))]
            self._code_digests[part] = " ".join(digests)
        return self._code_digests[part]

    def real_folders(self, node: Folder) -> list[str]:
        """In all its places; looked up once when all SConscripts are read."""
        if not self.checked:
            return real_folders(node)
        if node not in self._real_folders:
            self._real_folders[node] = real_folders(node)
        return self._real_folders[node]

    # Objects.

    def nasm(self, env: Environment) -> Nasm:
        name, path = str(env.subst(env.get("NASM", "nasm"))), str(env["ENV"].get("PATH", os.defpath))
        if (name, path) not in self._nasms:
            machine = self.toolset.target.machine
            answers = self.state / "tools.json" if writes(self.env) else None
            self._nasms[name, path] = find_nasm(name, machine, path, answers)
        return self._nasms[name, path]

    @property
    def tool_files(self) -> list[str]:
        """Programs, and places where the PATH would have found others of their names."""
        nasms = [place for nasm in self._nasms.values() for place in nasm.files]
        started = (program for words in self._other_tools for program in behind(words)[0])
        return [*self.toolset.files, *self.launcher_files, *nasms, *started]

    @property
    def follows_tools(self) -> bool:
        """Whether each program that builds start is among those files: scripts may start others."""
        return self.toolset.behind.followed and all(behind(words)[1] for words in self._other_tools)

    @property
    def _other_tools(self) -> list[Sequence[str]]:
        return [self.launcher, *(nasm.words[:1] for nasm in self._nasms.values())]

    def resolve_sets(self) -> None:
        """Each object is compiled once, whichever units ask for it."""
        sets = list(self.sets.values())
        fresh, self._shared = sets[self._shared :], len(sets)
        for each in fresh:
            each.share(self._owners)

    def expand(self, nodes: Iterable[Node]) -> list[str]:
        """Paths of files to link: lists of objects stand for what is in them."""
        paths: list[str] = []
        for node in nodes:
            each = self.sets.get(node.path)
            paths += each.linked if each is not None else [str(node)]
        return paths

    def build_again(self, node: Node, reason: str) -> None:
        """Whatever SCons thinks of it."""
        build_anyway(node, reason)
        self.stale_nodes.add(node)

    def rebuild_if_altered(self, node: Node) -> None:
        """By others than the build that made it; SCons takes it as it is."""
        node.disambiguate()  # of a command's target SCons knows only then that it is a file
        failure = self.journal.failure(node.path)
        if failure is not None:
            self.build_again(node, failure)
            return
        csig = getattr(getattr(node.get_stored_info(), "ninfo", None), "csig", None)
        if csig is None or not os.path.exists(node.abspath):
            return
        read = self.links.changed(node.path)
        if read is not None:
            self.build_again(node, f"{read} changed")
        if self.journal.unaltered(node.path):
            return
        if writes(self.env):
            self.journal.repair_mode(node.path)
        if signature_of_file(node.abspath) == csig:
            self.journal.wrote(node.path)  # touched
            return
        self.build_again(node, "it was altered since it was made")

    def depends(self, node: Node, nodes: Sequence[Node]) -> None:
        """A dependency of this tool's. Those that SConscripts declare of outputs reach the compilations, too."""
        self.env.Depends(node, nodes)
        self._own_dependencies.update((node, each) for each in nodes)

    def declared(self, nodes: Iterable[Node]) -> list[Node]:
        """What SConscripts say that they depend on."""
        return [each for node in nodes for each in node.depends or () if (node, each) not in self._own_dependencies]

    def known(self, path: str) -> Node | None:
        """What SCons has of a path from the top, if it was named."""
        full = path if os.path.isabs(path) else f"{self.top}/{path}"
        return next((table[full] for table in node_tables(self.env) if full in table), None)

    def depends_late(self, node: Node, function: Callable[[], Iterable[Node]]) -> None:
        """A node that scanners find the dependencies of, when it is built."""
        self._late.append((node, function))

    # After all SConscripts were read.

    def check(self) -> None:
        """Resolve everything, so that a mistake is reported before anything is built."""
        self.checked = True
        self.resolve_all()
        if self.env.GetOption("clean"):  # SCons scans nothing then, and would leave what it did not find
            for node, function in self._late:
                self.env.Depends(node, list(function()))
        self._write_graph()
        self._expect_work()

    def verify_files(self) -> None:
        """Files that SConscripts name are there, or will be."""
        if not self.env.GetOption("clean") and not self.env.GetOption("help"):
            if self.wanted:
                self.wanted.verify(self.top, node_tables(self.env))
            self.verify_made_inputs()

    def verify_made_inputs(self) -> None:
        """What commands of the project made for compilations is as they left it: seen before SCons looks at it."""
        if len(self._verified) == len(self.sets):  # asked for every node that is scanned
            return
        for each in list(self.sets.values()):
            for node in each.made_inputs if each not in self._verified else ():
                self.rebuild_if_altered(node)
            self._verified.add(each)

    @property
    def updates_abi(self) -> bool:
        return any(name in self.abi_updates for name in build_targets())

    def remedy_of_golden(self) -> str | None:
        """What to do where a golden ABI is not there; None: it is about to be written, for all that is known yet."""
        if self.updates_abi or (command_line_targets() and not self.abi_updates):
            return None
        return f"`scons {self.abi_updates[0] if self.abi_updates else 'abi-update'}` writes it (env.AbiUpdate)"

    def _expect_work(self) -> None:
        """Count what must be compiled for images and their boots, so that the progress line knows its end."""
        option = self.env.GetOption
        if command_line_targets() or option("clean") or option("no_exec") or option("help"):
            return
        units: dict[str, Unit] = {}
        for find_programs in self.images:
            for program in find_programs():
                units |= {each.name: each for each in (program, *self.closure(program))}
        for each in self.sets.values():
            if each.unit is self.start or units.get(each.unit.name) is each.unit:
                each.expect()

    def _write_graph(self) -> None:
        data = json.dumps(self.graph(), indent=1).encode()
        path = self.state / "graph.json"
        if writes(self.env) and (not path.is_file() or path.read_bytes() != data):
            try:
                write_atomically(path, data)
            except OSError as error:
                raise unwritable(error) from error


def unwritable(error: OSError) -> UserError:
    """A record cannot be kept, before anything is built."""
    where = f"{error.filename}: " if error.filename else ""
    return UserError(f"{where}cannot be written ({error.strerror}); make room, or the folder writable")


def writes(env: Environment) -> bool:
    """Whether this run may make anything: not where it only removes, or says what it would do."""
    return not any(env.GetOption(name) for name in ("no_exec", "question", "clean", "help")) and not is_aside(env)


def is_aside(env: Environment) -> bool:
    """Whether the command line names targets alone that make nothing, as AMBILINK_READ_ONLY has it: such a run need not
    wait for another build, and keeps no records."""
    targets, aside = command_line_targets(), setting_texts(env, "AMBILINK_READ_ONLY")
    return bool(targets) and set(targets) <= set(aside)


def refuse_aside(env: Environment, target: object) -> None:
    if is_aside(env) and not env.GetOption("no_exec"):
        names = " ".join(command_line_targets())
        raise UserError(f"AMBILINK_READ_ONLY has {names}, and {target} is built for it; take it out there")


def cleans(env: Environment) -> bool:
    """Whether this run removes what was made."""
    return bool(env.GetOption("clean")) and not env.GetOption("no_exec")


def context_of(env: Environment) -> Context:
    return cast(Context, env["AMBILINK"])
