"""Objects that programs open, close and look up while they run (programs/opening): the same files here, and on the
development machine."""

import itertools
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.compile.musl import public_headers

from .conftest import System, set_strategy

# An object's name: what it is compiled as, what it needs, and how it is linked.
PLAIN = ["-DPLAIN"]
OBJECTS: dict[str, tuple[list[str], list[str], list[str]]] = {
    **{
        name: ([f"-D{name.upper()}"], [], [])
        for name in ("plain", "owns", "opens", "visits", "uses", "comes", "never")
    },
    **{name: (["-DCLOSES"], [], []) for name in ("closes", "closes2")},
    "low": (["-DNAMES=low"], [], []),
    "high": (["-DNAMES=high"], ["low"], []),
    "top": (["-DNAMES=top"], ["high"], []),
    "deep": (["-DNAMES=deep"], [], []),
    # Cycles; "" is what the program opens.
    "x": (PLAIN, ["y"], []),
    "y": (PLAIN, ["z", "x"], []),
    "z": (PLAIN, ["y"], []),
    "over": (PLAIN, ["x"], []),
    "k1": (PLAIN, ["k2", "k3"], []),
    "k2": (PLAIN, ["k1", "k3"], []),
    "k3": (PLAIN, ["k1"], []),
    "j1": (PLAIN, ["j2", "j3"], []),
    "j2": (PLAIN, ["j4"], []),
    "j3": (PLAIN, ["j4", "j1"], []),
    "j4": (PLAIN, ["j2", "k1"], []),
    "calls": (["-DCALLS"], [], ["-z", "lazy"]),
    "callsnow": (["-DCALLS"], [], ["-z", "now"]),
    "callsneeded": (["-DCALLS"], ["calls"], ["-z", "lazy"]),
    "reads": (["-DREADS"], [], ["-z", "lazy"]),
    "points": (["-DPOINTS"], [], ["-z", "lazy"]),
    "locals": (["-DLOCAL=3000"], [], []),
    "locals2": (["-DLOCAL=10"], [], []),
    "elsewhere": (["-DLOCAL_ELSEWHERE"], ["locals3"], []),
    "locals3": (["-DLOCAL=20"], [], []),
    "fixedlocal": (["-DLOCAL_STATIC"], [], []),
    "many_000": (["-DMANY"], [], []),
}
MANY = 150


@dataclass
class Objects:
    """The libraries, in a folder."""

    toolset: object
    folder: Path
    sources: Path
    compiled: dict[str, Path] = field(default_factory=dict)

    def run(self, *words: object) -> None:
        done = subprocess.run([str(word) for word in words], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"

    def compile(self, flags: list[str], source: str = "library.c") -> Path:
        key = " ".join([source, *flags])
        if key not in self.compiled:
            output = self.folder / f"{len(self.compiled)}.o"
            headers = itertools.chain.from_iterable(("-isystem", path) for path in public_headers(self.toolset.target))
            own = ["-I", self.sources.parents[3] / "libs/c/include"]  # its dlfcn.h
            options = ["-fPIC", "-fhosted", "-O1", "-w", "-D_GNU_SOURCE", "-fno-stack-protector"]
            how = [*self.toolset.compile_flags, *own, *headers, *options, *flags]
            self.run(*self.toolset.cc, "-c", *how, self.sources / source, "-o", output)
            self.compiled[key] = output
        return self.compiled[key]

    def link(self, name: str, inputs: list[Path], needs: list[str], flags: list[str]) -> None:
        libraries = [self.folder / f"lib{need}.so" for need in needs]
        output = self.folder / f"lib{name}.so"
        # What they need of libc they find in the program's scope: so the same file serves any libc.
        fixed = ["-shared", "-z", "undefs", "--no-as-needed", "-soname", output.name, "-o", output]
        self.run(*self.toolset.ld, *fixed, *flags, *inputs, *libraries)

    def build(self) -> None:
        for name, (how, _, flags) in OBJECTS.items():  # for those that need it, and that it needs
            self.link(name, [self.compile(how)], [], flags)
        for name, (how, needs, flags) in OBJECTS.items():
            if needs:
                self.link(name, [self.compile(how)], needs, flags)
        first = (self.folder / "libmany_000.so").read_bytes()
        many = [f"many_{number:03d}" for number in range(MANY)]
        for name in many:
            (self.folder / f"lib{name}.so").write_bytes(first.replace(b"many_000", name.encode()))
        self.link("all", [], many, [])
        # Instead of the library that test-opening-many was linked with.
        self.link("opening_all", [self.compile([], "all.c")], many, [])

    def add_to(self, system: System, strategy: str) -> System:
        """A build folder of its own, with these beside what the image needs."""
        root = system.folder / "root"
        (root / "lib").mkdir(parents=True)
        for path in system.build.iterdir():
            if path.name != "lib":
                (root / path.name).symlink_to(path)
        for path in (*(system.build / "lib").iterdir(), *self.folder.glob("*.so")):
            at = root / "lib" / path.name
            at.unlink(missing_ok=True)
            at.symlink_to(path)
        system.build = root
        system.libraries = [path.name for path in sorted(self.folder.glob("*.so"))]
        return set_strategy(system, strategy)
