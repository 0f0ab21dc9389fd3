"""What SConscripts declare: things that are compiled and linked. Builders return these records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.scons.api import Folder, Node
from ambilink.scons.location import SourceLocation
from ambilink.scons.variables import Variables

if TYPE_CHECKING:
    from ambilink.scons.object_set import ObjectSet


@dataclass(eq=False)
class Unit:
    """Something of sources."""

    kind: ClassVar[str] = "unit"  # in messages

    name: str
    location: SourceLocation
    variables: Variables
    libs: Sequence[str] = ()
    includes: Sequence[Folder] = ()  # a library's are seen by its users too
    private_includes: Sequence[Folder] = ()
    system_includes: Sequence[str] = ()  # of headers that do not change: not scanned
    public_system_includes: Sequence[str] = ()
    defines: Sequence[str] = ()  # NAME or NAME=VALUE; a library's are seen by its users too
    flags: Flags = NO_FLAGS
    link_flags: Sequence[str] = ()
    variant: str = ""  # of the libraries that it needs
    object_sets: "list[ObjectSet]" = field(default_factory=list)
    # While it is linked: objects of archives that start by themselves, and in which form others are linked.
    starting: tuple[Sequence[str], Mapping[str, str]] = field(default=((), {}), repr=False)
    declared_inputs: list[Node] = field(default_factory=list)

    def add_dependency(self, nodes: "Sequence[Node | Unit]") -> None:
        """What env.Depends calls: all objects depend on them."""
        for node in nodes:
            self.declared_inputs += node.outputs if isinstance(node, Unit) else [node]

    @property
    def outputs(self) -> list[Node]:
        """Files that are linked, or follow from what is linked."""
        return []

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name!r}"

    @property
    def objects(self) -> list[Node]:
        """A node for each object. Builders of this tool depend on lists of objects instead, which are fewer."""
        return [node for each in self.object_sets for node in each.nodes()]


@dataclass(eq=False)
class Start(Unit):
    """The code at the entry of every service."""

    kind: ClassVar[str] = "program start"


ANY = ("any",)  # in place of undefined symbols


@dataclass(eq=False)
class Library(Unit):
    """The record that DualLibrary returns. Forms that were not asked for are None."""

    kind: ClassVar[str] = "library"

    soname: str = ""
    version_script: Node | None = None
    static: Node | None = None  # lib/libX.a
    shared: Node | None = None  # lib/libX.so, stripped
    debug: Node | None = None  # lib/libX.so.debug: its DWARF and symbols
    stub: Node | None = None  # a shared object that holds the ABI and nothing else: what users link against
    abi: Node | None = None  # text: what the shared object exports
    golden: Node | None = None  # the text that was checked in
    development: Node | None = None  # a symbolic link to the shared object, where that has a version in its name
    checked: Node | None = None  # made when both are the same
    preliminary: Node | None = None  # the ABI of the library linked by itself, where it needs itself through others
    constructors: str = "all"  # of its archive: those that are linked, unless referred to: "all" or "used"
    undefined: Sequence[str] = ()  # symbols that its shared form takes from who uses it; ANY
    reaches_all: bool = False  # only static: goes also into what needs it by way of shared objects
    position_independent: bool = True  # what the archive has may stand in dynamic programs and shared objects
    variants: "dict[str, LibraryVariant]" = field(default_factory=dict)

    @property
    def outputs(self) -> list[Node]:
        return _present(self.static, self.shared, self.debug, self.stub, self.abi, self.development, self.checked)

    @property
    def headers_only(self) -> bool:
        return self.static is None and self.shared is None and not self.variants


@dataclass(eq=False)
class LibraryVariant(Unit):
    """An archive of a library's sources, compiled for other users: for the kernel, say."""

    kind: ClassVar[str] = "variant of library"

    of: Library | None = None
    node: Node | None = None

    @property
    def outputs(self) -> list[Node]:
        return _present(self.node)


@dataclass(eq=False)
class Program(Unit):
    kind: ClassVar[str] = "service"

    linkage: str = "dynamic"
    interpreter: str | None = None  # PT_INTERP
    exported: Sequence[str] = ()  # symbols for libraries that it uses or opens
    node: Node | None = None
    debug: Node | None = None

    @property
    def outputs(self) -> list[Node]:
        return _present(self.node, self.debug)


@dataclass(eq=False)
class Kernel(Program):
    kind: ClassVar[str] = "kernel"

    variant: str = "kernel"
    independent: bool = False  # of its position
    script: Node | None = None
    kept: Sequence[str] = ()  # symbols that only modules use
    soname: str = ""
    stub: Node | None = None  # what modules link against
    exports: Node | None = None  # the same with addresses, for the image


@dataclass(eq=False)
class KernelModule(Unit):
    kind: ClassVar[str] = "module"

    variant: str = "module"
    soname: str = ""
    kernel: Kernel | None = None
    needs: Sequence[str] = ()
    node: Node | None = None
    debug: Node | None = None

    @property
    def outputs(self) -> list[Node]:
        return _present(self.node, self.debug)


@dataclass(eq=False)
class Interpreter(Unit):
    """One form of an interpreter: by itself, or combined with a library."""

    kind: ClassVar[str] = "interpreter"

    soname: str = ""
    entry: str = ""
    library: Library | None = None  # whose objects it is linked with
    node: Node | None = None
    debug: Node | None = None

    @property
    def outputs(self) -> list[Node]:
        return _present(self.node, self.debug)


def _present(*nodes: Node | None) -> list[Node]:
    return [node for node in nodes if node is not None]
