"""Small programs, built by real toolchains, run under two dynamic linkers: the machine's and ours."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MUSL_LD = Path("/lib/ld-musl-x86_64.so.1")
MACHINE_LD = Path("/lib64/ld-linux-x86-64.so.2")
LIBC = Path("/lib/x86_64-linux-gnu/libc.so.6")
COMMON = ("-O1", "-fPIC", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-w")
TIMEOUT = 20


@dataclass(frozen=True)
class Toolchain:
    name: str
    cc: tuple[str, ...]
    ld: tuple[str, ...]

    @property
    def is_gnu_ld(self) -> bool:
        return self.ld[-1] == "ld.bfd"


def toolchains(hermetic) -> list[Toolchain]:
    """The build's own compiler, and those of the machine."""
    target = "--target=x86_64-linux-gnu"
    found = [Toolchain("hermetic", (*hermetic.cc, "-target", "x86_64-linux-gnu"), tuple(hermetic.ld))]
    if shutil.which("gcc") and shutil.which("ld.bfd"):
        found.append(Toolchain("gcc-bfd", ("gcc",), ("ld.bfd",)))
    if shutil.which("clang") and shutil.which("ld.lld"):
        found.append(Toolchain("clang-lld", ("clang", target), ("ld.lld",)))
    if shutil.which("gcc") and shutil.which("mold"):
        found.append(Toolchain("gcc-mold", ("gcc",), ("mold",)))
    return found


@dataclass
class Outcome:
    status: int
    output: str
    errors: str


class Case:
    """A folder with libraries and a program."""

    def __init__(self, folder: Path, tools: Toolchain, ours: Path) -> None:
        self.folder, self.tools, self.ours = folder, tools, ours
        self.arguments: tuple[str, ...] = ()
        self.musl = False  # musl's linker must say the same, where it is installed

    def _run(self, *command: object) -> None:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stderr}"

    def _object(self, name: str, source: str, flags: tuple[str, ...], is_assembly: bool) -> Path:
        unit = self.folder / f"{name}.{'S' if is_assembly else 'c'}"
        unit.write_text(source if is_assembly else f'#include "say.h"\n{source}\n')
        return self._compile(unit, flags)

    def _compile(self, unit: Path, flags: tuple[str, ...] = ()) -> Path:
        output = self.folder / f"{unit.stem}.o"
        self._run(*self.tools.cc, *COMMON, *flags, f"-I{HERE}", "-c", unit, "-o", output)
        return output

    def library(
        self,
        name: str,
        source: str,
        *needs: str,
        flags: tuple[str, ...] = (),
        link: tuple[str, ...] = (),
        versions: str = "",
        assembly: str = "",
    ) -> Path:
        """`versions`: a version script. `needs`: libraries of this case, or "libc"."""
        inputs = [self._object(name, source, flags, False)]
        if assembly:
            inputs.append(self._object(f"{name}-assembly", assembly, (), True))
        if versions:
            script = self.folder / f"{name}.map"
            script.write_text(versions)
            link += (f"--version-script={script}",)
        output = self.folder / name
        self._run(*self.tools.ld, "-shared", "-soname", name, *link, "-o", output, *inputs, *self._needs(needs))
        return output

    def _needs(self, names: tuple[str, ...]) -> list[Path]:
        return [LIBC if name == "libc" else self.folder / name for name in names]

    def _program_needs(self, names: tuple[str, ...]) -> list[Path]:
        # glibc's linker takes no program that needs nothing of glibc (dl-fini.c, line 87); ours stands in for libc.
        return [*self._needs(names), *([] if "libc" in names else [LIBC])]

    def program(
        self,
        source: str,
        *needs: str,
        flags: tuple[str, ...] = (),
        link: tuple[str, ...] = ("-pie",),
        assembly: str = "",
        interpreter: Path = MACHINE_LD,
    ) -> Path:
        inputs = [self._object("program", source, flags, False)]
        if assembly:
            inputs.append(self._object("program-assembly", assembly, (), True))
        output = self.folder / "program"
        common = (*link, "--export-dynamic", "--allow-shlib-undefined", "--dynamic-linker")
        self._run(
            *self.tools.ld,
            *common,
            interpreter,
            "-o",
            output,
            *inputs,
            self._start(),
            *self._program_needs(needs),
        )
        self._linked(common, inputs, needs)
        return output

    @property
    def programs(self) -> list[Path]:
        """The program, for each system that it was linked for."""
        return [self.folder / "program"]

    def _start(self, kind: str = "linux") -> Path:
        """What calls the program's test, once for a toolchain."""
        output = self.folder.parent / f"say-{kind}-{self.tools.name}.o"
        if not output.exists():
            self._compile(HERE / f"say_{kind}.c").rename(output)
        return output

    def _linked(self, flags: tuple[str, ...], inputs: list[Path], needs: tuple[str, ...]) -> None:
        """A program was; others link it once more."""

    def run(self, linker: Path, **environment: str) -> Outcome:
        command = [linker, self.folder / "program", *self.arguments]
        variables = {"LD_LIBRARY_PATH": str(self.folder), "LD_BIND_NOW": "1", **environment}
        done = subprocess.run(
            command, env=variables, cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def machine_says(self, preload: str) -> Outcome:
        theirs = self.run(MACHINE_LD, **self._preloaded(preload))
        assert theirs.status == 0 and theirs.output, f"the machine's linker: {theirs}"
        return theirs

    def _preloaded(self, preload: str) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.folder / preload)} if preload else {}

    def compare(self, preload: str = "") -> str:
        """What the program says, alike under both linkers."""
        theirs = self.machine_says(preload)
        ours = self.run(self.ours, **self._preloaded(preload))
        assert ours.status == 0, f"ours: {ours}"
        assert ours.output == theirs.output, f"ours:\n{ours.output}\nthe machine's:\n{theirs.output}"
        if self.musl and MUSL_LD.exists():
            # It stands in for libc.so.6 itself. Its status says nothing: it leaves no function to call at the end.
            assert self.run(MUSL_LD, **self._preloaded(preload)).output == ours.output
        return ours.output

    def says(self, text: str) -> None:
        """Under ours alone: the machine's linker cannot judge it."""
        ours = self.run(self.ours)
        assert ours.status == 0 and ours.output == text, f"ours: {ours}"

    def refuses(self, text: str, judged: bool = False) -> None:
        """Ours does not start it, for this reason; nor does the machine's, where it can judge."""
        ours = self.run(self.ours)
        assert ours.status == 127 and not ours.output and text in ours.errors, f"ours: {ours}"
        if judged:
            theirs = self.run(MACHINE_LD)
            assert theirs.status not in (0, None) and not theirs.output, f"the machine's linker: {theirs}"


def machine_can_judge() -> str:
    """Why not ("": it can)."""
    if os.uname().machine != "x86_64" or not MACHINE_LD.exists() or not LIBC.exists():
        return "the machine's own dynamic linker is not glibc's for x86-64 (Debian's folders)"
    return ""
