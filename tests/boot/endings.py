"""Programs that end in many ways, by scripts (programs/endings/object.c): here, and on the development machine."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ABORTED, FAULTED = 134, 139
# How a line of a destructor looks; libcs differ in when they run those of objects that are never closed.
DESTRUCTOR = re.compile(r"[-=]\w")
LEAVING = re.compile(r"M\.|\wx\d+")


@dataclass(frozen=True)
class Case:
    name: str
    script: dict[str, str]
    kind: str = "end"  # or "endcc", C++
    linkage: str = "dynamic"
    judges: tuple[str, ...] = ()  # see endings.toml
    prints: tuple[str, ...] = ()

    @property
    def service(self) -> dict:
        return {"program": f"test-{self.kind}-{self.linkage}", "environment": self.script}


def printed(text: list[str], case: Case) -> list[str]:
    """What a case printed on a console, with its exit status at the end."""
    prefix, status = f"{case.name}: ", 0
    lines = [line.removeprefix(prefix) for line in text if line.startswith(prefix)]
    for line in text:
        if found := re.fullmatch(rf"loader: {case.name} (exited, status (\d+)|.* signal (\d+)|.* fault.*)", line):
            status = int(found[2]) if found[2] else 128 + int(found[3]) if found[3] else FAULTED
    return [*lines, f"status {status}"]


@dataclass
class Judge:
    """The same programs, built by a compiler of the development machine."""

    compiler: str
    folder: Path
    kind: str = "end"
    linkages: list[str] = field(default_factory=lambda: ["dynamic", "static"])

    def build(self, sources: Path) -> None:
        suffix = ".cc" if self.kind == "endcc" else ".c"
        standard = "-std=c++20" if self.kind == "endcc" else "-std=gnu17"
        own, more = sources / f"object{suffix}", sources / "steps.c"

        def run(*words: object) -> None:
            command = [self.compiler, "-w", "-D_GNU_SOURCE", f"-I{sources}", *map(str, words)]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr

        link = ["-Wl,-rpath,$ORIGIN", "-L.", "-lend_steps", "-ldl"]
        run("-shared", "-fPIC", *(["-x", "c"] if suffix == ".cc" else []), more, "-o", "libend_steps.so")
        for letter, needs in {"A": "", "B": "A", "P": "", "Q": "P", "M": "B"}.items():
            words = [f"-DNAME={letter}", *([f"-DNEEDS={needs}"] if needs else [])]
            output = ["-shared", "-o", f"lib{self.kind}_{letter}.so"]
            if letter == "M":
                words, output = [*words, "-DMAIN"], ["-o", f"test-{self.kind}-dynamic"]
            run(standard, "-fPIC", *words, own, *output, *([f"-l{self.kind}_{needs}"] if needs else []), *link)
            if letter in "ABM":
                run(standard, *words, "-c", own, "-o", f"{letter}.o")
        run(standard, *(["-x", "c"] if suffix == ".cc" else []), "-c", more, "-o", "steps.o")
        run("-static", "A.o", "B.o", "M.o", "steps.o", "-o", f"test-{self.kind}-static")

    def run(self, case: Case) -> list[str]:
        program = self.folder / case.service["program"]
        environment = {**case.script, "LD_LIBRARY_PATH": str(self.folder)}
        done = subprocess.run([program], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return [*done.stdout.splitlines(), f"status {status}"]


def without_destructors(lines: list[str]) -> tuple[list[str], list[str]]:
    """What was printed, and apart the destructors that ran when the program left."""
    leaving = next((at for at, line in enumerate(lines) if LEAVING.fullmatch(line)), len(lines))
    late = [line for line in lines[leaving:] if DESTRUCTOR.fullmatch(line)]
    return [*lines[:leaving], *(line for line in lines[leaving:] if line not in late)], sorted(late)


def compiler_of(judge: str, kind: str) -> str | None:
    names = {("glibc", "end"): "gcc", ("glibc", "endcc"): "g++", ("musl", "end"): "musl-gcc"}
    name = names.get((judge, kind))
    return name if name and shutil.which(name) else None
