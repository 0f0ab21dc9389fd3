"""Every library, service, kernel, module and interpreter that SConscripts declared, and how their names resolve.

Names are resolved when SCons builds, not when it reads SConscripts, so declarations may come in any order and
libraries may need each other. A mistake is reported with the SConscript line that made it.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from ambilink.scons.api import Folder, Node, UserError
from ambilink.scons.location import SourceLocation
from ambilink.scons.units import Interpreter, Kernel, KernelModule, Library, Program, Start, Unit


def known(names: Iterable[str], wanted: str) -> str:
    """What to write instead, for the end of a message."""
    near = get_close_matches(wanted, names, 1)
    listed = ", ".join(sorted(names)) or "none"
    return f"did you mean {near[0]!r}? known: {listed}" if near else f"known: {listed}"


class Declarations:
    def __init__(self) -> None:
        self.libraries: dict[str, Library] = {}
        self.programs: dict[str, Program] = {}  # services and kernels
        self.modules: dict[str, KernelModule] = {}
        self.interpreters: dict[str, Interpreter] = {}  # by file name under lib/
        self.start: Start | None = None
        self.bundled: Collection[str] = ()  # libraries that could be declared from the system's own sources
        self._closures: dict[Unit, list[Library]] = {}
        self._outputs: dict[str, SourceLocation] = {}

    # Declaring.

    def add_library(self, library: Library) -> None:
        refuse_twice(self.libraries.get(library.name), library)
        self.libraries[library.name] = library

    def add_program(self, program: Program) -> None:
        refuse_twice(self.programs.get(program.name), program)
        self.programs[program.name] = program

    def add_module(self, module: KernelModule) -> None:
        refuse_twice(self.modules.get(module.name), module)
        self.modules[module.name] = module

    def add_interpreter(self, path: str, form: Interpreter) -> None:
        refuse_twice(self.interpreters.get(path), form)
        self.interpreters[path] = form

    def add_start(self, start: Start) -> None:
        if self.start is not None:
            raise UserError(f"{start.location}: the program start was declared at {self.start.location} already")
        self.start = start

    def claim(self, path: str, location: SourceLocation) -> None:
        """A file of the build folder, for one declaration alone."""
        first = self._outputs.setdefault(path, location)
        if first is not location:
            raise UserError(f"{location}: {path} is made by the declaration at {first} already; choose another name")

    # Resolving.

    def library(self, name: str, user: Unit) -> Library:
        if name not in self.libraries:
            ours = f"; env.AmbilinkSystem('libs/{name}') declares Ambilink's" if name in self.bundled else ""
            raise UserError(
                f"{user.location}: {user.title} names the unknown library {name!r} in LIBS; "
                f"{known(self.libraries, name)}{ours}"
            )
        return self.libraries[name]

    def closure(self, unit: Unit) -> list[Library]:
        """All libraries that a unit needs, breadth first, itself left out."""
        if unit not in self._closures:
            found: list[Library] = []
            waiting = [(unit, name) for name in unit.libs]
            while waiting:
                user, name = waiting.pop(0)
                library = self.library(name, user)
                if library is not unit and library not in found:
                    found.append(library)
                    waiting += [(library, other) for other in library.libs]
            self._closures[unit] = found
        return self._closures[unit]

    def archives(self, unit: Unit) -> list[Node]:
        """What a static unit links: every archive of the closure."""
        return [self.archive(library, unit) for library in self.closure(unit)]

    @staticmethod
    def archive(library: Library, user: Unit) -> Node:
        if library.static is None:
            raise UserError(
                f"{user.location}: {user.title} is static and needs library {library.name!r}, "
                f"which is declared shared only at {library.location}"
            )
        return library.static

    def stubs(self, unit: Unit) -> dict[str, Node]:
        """What a dynamic unit links: stubs of the closure, by SONAME."""
        found = {}
        for library in self.closure(unit):
            if library.stub is None:
                raise UserError(
                    f"{unit.location}: {unit.title} is dynamic and needs library {library.name!r}, "
                    f"which is declared static only at {library.location}"
                )
            found[library.soname] = library.stub
        return found

    def module_inputs(self, module: KernelModule) -> dict[str, Node]:
        """What a kernel module links: the kernel's stub and other modules, by SONAME."""
        kernel = module.kernel
        assert kernel is not None and kernel.stub is not None
        found = {kernel.soname: kernel.stub}
        for name in module.needs:
            needed = self.modules.get(name)
            if needed is None or needed.node is None:
                raise UserError(
                    f"{module.location}: {module.title} needs the unknown module {name!r}; {known(self.modules, name)}"
                )
            found[needed.soname] = needed.node
        return found

    def in_cycle(self, library: Library) -> bool:
        """Whether a library without a golden ABI needs itself by way of others like it: none can be first."""
        others = [other for other in self.closure(library) if other.golden is None]
        return library.golden is None and any(library in self.closure(other) for other in others)

    def include_dirs(self, unit: Unit) -> list[Folder]:
        """Folders that are searched for headers, and scanned for dependencies."""
        dirs = [*unit.private_includes, *unit.includes, *unit.variables.folders("CPPPATH")]
        for library in self.closure(unit):
            dirs += [folder for folder in library.includes if folder not in dirs]
        return dirs

    def _wrapping_order(self, unit: Unit) -> list[Unit]:
        """The unit and its closure, each before what it needs, as far as that has an end; else as LIBS has them."""
        left: list[Unit] = []  # by the end of the walk, in reverse
        seen: set[Unit] = {unit}
        path = [(unit, iter([*unit.libs][::-1]))]
        while path:
            user, names = path[-1]
            needed = next((lib for name in names if (lib := self.library(name, user)) not in seen), None)
            if needed is None:
                left.append(path.pop()[0])
            else:
                seen.add(needed)
                path.append((needed, iter([*needed.libs][::-1])))
        return left[::-1]

    def system_includes(self, unit: Unit) -> list[str]:
        """A library's before those of what it needs: its headers may wrap theirs by #include_next."""
        dirs = [*unit.system_includes]
        for library in self._wrapping_order(unit):
            dirs += [folder for folder in library.public_system_includes if folder not in dirs]
        return dirs

    def defines(self, unit: Unit) -> list[str]:
        """Its own come last, where they win."""
        found = [each for library in reversed(self.closure(unit)) for each in library.defines]
        return list(dict.fromkeys([*found, *unit.defines]))

    def library_headers(self, name: str) -> list[str]:
        """The system folders that users of a library declared so far search."""
        if name not in self.libraries:
            raise UserError(
                f"library_headers({name!r}): no such library was declared before; {known(self.libraries, name)}"
            )
        return list(self.libraries[name].public_system_includes)

    def resolve_all(self) -> None:
        """Look up every name."""
        for library in self.libraries.values():
            if library.static is not None:
                self.archives(library)
            if library.shared is not None:
                self.stubs(library)
        for program in self.programs.values():
            if not isinstance(program, Kernel):
                (self.archives if program.linkage == "static" else self.stubs)(program)
        for module in self.modules.values():
            self.module_inputs(module)
        for form in self.interpreters.values():
            for name in form.libs:
                self.archive(self.library(name, form), form)
        if self.start is not None:
            self.closure(self.start)

    def graph(self) -> Mapping[str, object]:
        """What was declared, for `ambilink graph`."""
        return {
            "libraries": [
                {
                    "name": each.name,
                    "libs": list(each.libs),
                    "static": each.static is not None,
                    "shared": each.shared is not None,
                    "golden": each.golden is not None,
                }
                for each in self.libraries.values()
            ],
            "programs": [
                {"name": each.name, "kind": each.kind, "linkage": each.linkage, "libs": list(each.libs)}
                for each in self.programs.values()
            ],
        }


def refuse_twice(first: Unit | None, second: Unit) -> None:
    if first is not None:
        raise UserError(
            f"{second.location}: {second.title} was declared at {first.location} already; give it another name"
        )
