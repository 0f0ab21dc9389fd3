"""How the names in LIBS resolve: which libraries a unit needs, in which form, and what it sees of them.

Names are resolved when SCons builds, not when it reads SConscripts, so declarations may come in any order and
libraries may need each other. A mistake is reported with the SConscript line that made it.
"""

from collections.abc import Iterator, Sequence

from ambilink.errors import AmbilinkError, known
from ambilink.scons.api import Folder, Node, UserError
from ambilink.scons.declarations import Declarations
from ambilink.scons.prebuilt import find_prebuilt
from ambilink.scons.units import Kernel, KernelModule, Library, LibraryVariant, Program, Unit

C = "c"
IN_C = ("m", "pthread", "rt", "dl", "util", "crypt", "resolv", "xnet")  # parts of POSIX that musl has in one file
CODE_OF_THEIR_OWN = ("kernel", "module")  # variants that no other code can stand in for


class Resolver(Declarations):
    def __init__(self) -> None:
        super().__init__()
        self._closures: dict[Unit, list[Library]] = {}
        self._prebuilt: dict[str, Library] = {}  # by path

    # Which libraries.

    def library(self, name: str, user: Unit) -> Library:
        """One that was declared, or one that lies in a folder of LIBPATH."""
        found = self.libraries.get(name)
        if found is None:
            try:
                found = find_prebuilt(name, user, self._prebuilt)
            except AmbilinkError as error:
                raise UserError(f"{user.location}: {error}") from error
        if found is None and name in self.absent:
            why = self.absent[name]
            raise UserError(f"{user.location}: {user.title} needs library {name!r}, which is not to be had: {why}")
        if found is None and name in self.programs:
            program = self.programs[name]
            raise UserError(
                f"{user.location}: {user.title} names {name!r} in LIBS, which is the {program.title} "
                f"[{program.location}]: services are not linked, they are called; leave it out"
            )
        if found is None and name in IN_C and C in self.libraries:
            raise UserError(
                f"{user.location}: {user.title} names {name!r} in LIBS, and library {C!r} has what is in lib{name} "
                f"elsewhere; name {C!r}, or leave it out"
            )
        if found is None:
            ours = f"; env.AmbilinkSystem('libs/{name}') declares Ambilink's" if name in self.bundled else ""
            if f"lib{name}" in self.libraries:  # the name of the file was given as the library's
                own = self.libraries[f"lib{name}"]
                ours = f"; {own.location} calls it 'lib{name}', and lib is put before each name: call it {name!r} there"
            raise UserError(
                f"{user.location}: {user.title} names the unknown library {name!r} in LIBS; "
                f"{known(self.libraries, name)}{ours}"
            )
        return found

    def needed_by(self, unit: Unit, variant: str) -> Iterator[Library]:
        """What a unit names itself; a library, where it is linked in a variant."""
        chosen = unit.variants.get(variant, unit) if isinstance(unit, Library) else unit
        return (self.library(name, unit) for name in chosen.libs)

    def closure(self, unit: Unit) -> list[Library]:
        """All libraries that a unit needs, breadth first, itself left out."""
        if unit not in self._closures:
            own = unit.of if isinstance(unit, LibraryVariant) else unit
            found: list[Library] = []
            waiting: list[Unit] = [unit]
            while waiting:
                for library in self.needed_by(waiting.pop(0), unit.variant):
                    if library is not own and library not in found:
                        found.append(library)
                        waiting.append(library)
            self._closures[unit] = found
        return self._closures[unit]

    def in_cycle(self, library: Library) -> bool:
        """Whether a library without a golden ABI needs itself by way of others like it: none can be first."""
        others = [other for other in self.closure(library) if other.golden is None]
        return library.golden is None and any(library in self.closure(other) for other in others)

    # In which form.

    def archives(self, unit: Unit) -> list[Node]:
        """What a static unit links: every archive of the closure."""
        return [self.archive(library, unit) for library in self.closure(unit) if not library.headers_only]

    def archive(self, library: Library, user: Unit) -> Node:
        variant = library.variants.get(user.variant)
        if variant is not None:
            assert variant.node is not None
            return variant.node
        if user.variant in CODE_OF_THEIR_OWN:
            raise UserError(
                f"{user.location}: {user.title} needs library {library.name!r}, which has no variant {user.variant!r}; "
                f'give it variants={{"{user.variant}": {{}}}} at {library.location}'
            )
        if library.static is None:
            raise UserError(
                f"{user.location}: {user.title} is static and needs library {library.name!r}, "
                f"which has no static form at {library.location}"
            )
        return library.static

    def archives_inside(self, unit: Unit) -> list[Node]:
        """What a dynamic unit links of libraries that are only static: of those that it names, and that these need.
        Those that a shared object needs are inside that one, but for those that reach all."""
        found: list[Node] = []
        direct = self._through_static(unit)
        for library in [*direct, *(each for each in self.closure(unit) if each.reaches_all and each not in direct)]:
            if not library.position_independent:
                raise UserError(
                    f"{unit.location}: {unit.title} is dynamic and needs library {library.name!r}, which is declared "
                    f"static only at {library.location}, with objects that are not position-independent; leave out "
                    'objects="separate"'
                )
            if library.static is not None and library.shared is None:
                found.append(library.static)
        return found

    def _through_static(self, unit: Unit) -> list[Library]:
        """What is linked with a unit directly, not as part of a shared object."""
        found: list[Library] = []
        waiting: list[Unit] = [unit]
        while waiting:
            for library in self.needed_by(waiting.pop(0), unit.variant):
                if library is not unit and library not in found:
                    found.append(library)
                    waiting += [library] if library.shared is None else []
        return found

    def stubs(self, unit: Unit) -> dict[str, Node]:
        """What a dynamic unit links: stubs of the closure, by SONAME."""
        return {library.soname: library.stub for library in self.closure(unit) if library.stub is not None}

    def needed_sonames(self, unit: Unit) -> tuple[str, ...]:
        return tuple(library.soname for library in self._through_static(unit) if library.shared is not None)

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

    # What is seen of them.

    def include_dirs(self, unit: Unit) -> list[Folder]:
        """Folders that are searched for headers, and scanned for dependencies."""
        dirs = dict.fromkeys([*unit.private_includes, *unit.includes, *unit.variables.folders("CPPPATH")])
        for library in self.closure(unit):
            dirs.update(dict.fromkeys(library.includes))
        return list(dirs)

    def _wrapping_order(self, unit: Unit) -> list[Unit]:
        """The unit and its closure, each before what it needs, as far as that has an end; else as LIBS has them."""
        left: list[Unit] = []  # by the end of the walk, in reverse
        seen: set[Unit] = {unit}
        path = [(unit, iter(self._last_first(unit, unit)))]
        while path:
            needed = next((library for library in path[-1][1] if library not in seen), None)
            if needed is None:
                left.append(path.pop()[0])
            else:
                seen.add(needed)
                path.append((needed, iter(self._last_first(needed, unit))))
        return left[::-1]

    def _last_first(self, user: Unit, unit: Unit) -> Sequence[Library]:
        return list(self.needed_by(user, unit.variant))[::-1]

    def system_includes(self, unit: Unit) -> list[str]:
        """A library's before those of what it needs: its headers may wrap theirs by #include_next."""
        dirs = [*unit.system_includes]
        for library in self._wrapping_order(unit):
            dirs += [folder for folder in library.public_system_includes if folder not in dirs]
        return dirs

    def defines(self, unit: Unit) -> list[str]:
        """Its own come last, where they win."""
        seen = [library.variants.get(unit.variant, library) for library in reversed(self.closure(unit))]
        return list(dict.fromkeys([each for one in seen for each in one.defines] + [*unit.defines]))

    # All of it.

    def resolve_all(self) -> None:
        """Look up every name."""
        for library in self.libraries.values():
            self.closure(library)
            if library.static is not None:
                self.archives(library)
            if library.shared is not None:
                self.archives_inside(library)
            for variant in library.variants.values():
                self.archives(variant)
        for program in self.programs.values():
            if program.linkage == "static":
                self.archives(program)
                self._check_variant(program)
            else:
                self.archives_inside(program)
        for module in self.modules.values():
            self.module_inputs(module)
            self.archives(module)
        for form in self.interpreters.values():
            for library in self.needed_by(form, ""):
                if not library.headers_only:
                    self.archive(library, form)
        if self.start is not None:
            self.closure(self.start)

    def _check_variant(self, program: Program) -> None:
        if isinstance(program, Kernel) or not program.variant:
            return
        names = {name for library in self.closure(program) for name in library.variants}
        if program.variant not in names:
            raise UserError(
                f"{program.location}: {program.title} asks for variant={program.variant!r}, "
                f"which no library of its LIBS has; {known(names, program.variant)}"
            )
