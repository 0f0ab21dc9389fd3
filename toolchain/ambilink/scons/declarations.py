"""Every library, service, kernel, module and interpreter that SConscripts declared."""

from collections.abc import Collection, Mapping

from ambilink.errors import known
from ambilink.scons.api import UserError
from ambilink.scons.location import SourceLocation
from ambilink.scons.units import Interpreter, KernelModule, Library, Program, Start, Unit
from ambilink.scons.wanted import WantedFiles


class Declarations:
    def __init__(self) -> None:
        self.libraries: dict[str, Library] = {}
        self.programs: dict[str, Program] = {}  # services and kernels
        self.modules: dict[str, KernelModule] = {}
        self.interpreters: dict[str, Interpreter] = {}  # by file name under lib/
        self.start: Start | None = None
        self.absent: dict[str, str] = {}  # libraries that cannot be had with this compiler or target, and why
        self.bundled: Collection[str] = ()  # libraries that could be declared from the system's own sources
        self.wanted = WantedFiles()
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

    def units(self) -> list[Unit]:
        tables = (self.libraries, self.programs, self.modules, self.interpreters)
        return [unit for table in tables for unit in table.values()]

    def claim(self, path: str, location: SourceLocation) -> None:
        """A file of the build folder, for one declaration alone."""
        first = self._outputs.setdefault(path, location)
        if first is not location:
            raise UserError(f"{location}: {path} is made by the declaration at {first} already; choose another name")

    def library_headers(self, name: str) -> list[str]:
        """The system folders that users of a library declared so far search."""
        if name not in self.libraries:
            raise UserError(
                f"library_headers({name!r}): no such library was declared before; {known(self.libraries, name)}"
            )
        return list(self.libraries[name].public_system_includes)

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
