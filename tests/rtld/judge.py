"""judge.py [--core LIBRARY] [--machine NAME] PATH...: link the machine's own files and compare with its C library.

For every ELF file with a dynamic section under the given paths: every binding (object, symbol, version,
provider) must equal what glibc's dynamic linker reports, undefined symbols included; the reference model must
bind alike and compute the same contents; for programs, the libraries' constructors must run in the same order.

glibc only relocates here (LD_TRACE_LOADED_OBJECTS), except for the order of constructors: there the program is
started with a preloaded library that ends it before main."""

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "toolchain"), str(TOP)]

from ambilink.core import Linker, load_linker
from ambilink.core.compare import differences
from ambilink.core.linker import Result
from ambilink.elf.file import ElfError
from ambilink.errors import AmbilinkError
from ambilink.link.closure import MissingLibrary, load_closure
from ambilink.link.module import Module
from ambilink.link.order import start_order
from ambilink.link.relocate import consecutive, link
from ambilink.link.search import Search, same_file


@dataclass(frozen=True)
class Machine:
    """Whose dynamic linker judges, and how it is started here."""

    number: int
    ld: Path
    emulator: str = ""
    root: Path = Path("/")

    def command(self) -> list[str]:
        if not self.emulator:
            return [str(self.ld)]
        return [self.emulator, "-L", str(self.root), str(self.ld), "--library-path", str(self.root / "lib")]

    def why_not(self) -> str:
        """Why it cannot judge here ("": it can)."""
        if self.emulator and not shutil.which(self.emulator):
            return f"{self.emulator} is not installed (Debian: qemu-user-static)"
        if not self.ld.exists():
            return f"{self.ld} is not there" + (
                " (Debian: libc6-arm64-cross, libc6-riscv64-cross)" if self.emulator else ""
            )
        return ""


MACHINES = {
    "x86_64": Machine(62, Path("/lib64/ld-linux-x86-64.so.2")),
    "aarch64": Machine(
        183,
        Path("/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1"),
        "qemu-aarch64-static",
        Path("/usr/aarch64-linux-gnu"),
    ),
    "riscv64": Machine(
        243,
        Path("/usr/riscv64-linux-gnu/lib/ld-linux-riscv64-lp64d.so.1"),
        "qemu-riscv64-static",
        Path("/usr/riscv64-linux-gnu"),
    ),
}
BINDING = re.compile(
    r"\s*\d+:\tbinding file (\S+) \[\d+\] to (\S+) \[\d+\]: (?:normal|protected) symbol `(.*)'(?: \[(.*)\])?$"
)
UNDEFINED = re.compile(r"(?:undefined symbol|symbol lookup error).*?[:] ?(\S+?)(?:, version (\S+))?\t?\s*\((\S+)\)$")
INIT = re.compile(r"\s*\d+:\tcalling init: (\S+)$")
TIMEOUT = 120

# object, symbol, version, provider; files as (device, inode) where they are files
Bound = tuple[object, str, str, object]


@dataclass
class Verdict:
    path: Path
    skipped: str = ""
    objects: int = 0
    bindings: int = 0
    bytes: int = 0
    undefined: int = 0
    constructors: int = 0
    differences: list[str] = field(default_factory=list)


def _files_below(top: Path) -> Iterator[str]:
    """Regular files, symbolic links not followed; that of `top` itself is."""
    if not top.is_dir():
        yield str(top)
    for folder, _, names in os.walk(top):
        yield from (path for name in names if stat.S_ISREG(os.lstat(path := f"{folder}/{name}").st_mode))


def elf_files(
    paths: list[Path], machine: Machine = MACHINES["x86_64"], wanted: Callable[[str], bool] = lambda path: True
) -> Iterator[Path]:
    """Every ELF file of the machine under the paths that is a program or a shared object, once, in order; of paths that
    are wanted."""
    seen = set()
    for top in paths:
        for name in sorted(filter(wanted, _files_below(top)), key=lambda name: name.split("/")):
            path = Path(name)
            with path.open("rb") as file:
                head = file.read(20)
            if (
                head[:6] != b"\x7fELF\x02\x01"
                or head[16] not in (2, 3)
                or int.from_bytes(head[18:20], "little") != machine.number
            ):
                continue
            if same_file(path) not in seen:
                seen.add(same_file(path))
                yield path


def _key(name: str) -> object:
    try:
        return same_file(Path(name))
    except AmbilinkError:
        return name


def glibc_bindings(path: Path, machine: Machine = MACHINES["x86_64"]) -> tuple[Counter[Bound], set[str], str]:
    """Bindings, names of undefined symbols, and why there is no answer ("": there is one)."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "LD_TRACE_LOADED_OBJECTS": "1",
            "LD_WARN": "yes",
            "LD_BIND_NOW": "yes",
            "LD_DEBUG": "bindings",
            "LD_DEBUG_OUTPUT": f"{folder}/log",
        }
        if machine.emulator:  # only the guest shall hear them
            words = [word for name, value in environment.items() for word in ("-E", f"{name}={value}")]
            command = [machine.emulator, *words, *machine.command()[1:], str(path)]
            environment = {}
        else:
            command = [*machine.command(), str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
        if done.returncode != 0 or "=> not found" in done.stdout:
            return Counter(), set(), (done.stderr or "a library is missing").strip().splitlines()[0]
        keys: dict[str, object] = {}
        found: Counter[Bound] = Counter()
        for log in Path(folder).iterdir():
            for line in log.read_text(errors="replace").splitlines():
                if match := BINDING.match(line):
                    referrer, provider, symbol, version = match.groups()
                    for name in (referrer, provider):
                        if name not in keys:
                            keys[name] = _key(name)
                    found[keys[referrer], symbol, version or "-", keys[provider]] += 1
        undefined = {
            match[1].rstrip(",")
            for line in done.stdout.splitlines() + done.stderr.splitlines()
            if (match := UNDEFINED.search(line))
        }
        return found, undefined, ""


def core_bindings(images: list[Module], result: Result) -> tuple[Counter[Bound], set[str]]:
    keys: dict[str, object] = {image.name: same_file(image.path) for image in images}
    keys["-"] = "-"
    found: Counter[Bound] = Counter()
    for row in (line.split(" ")[1:] for line in result.bindings):
        if row[5] != "-":  # glibc says nothing of weak symbols that are absent
            found[keys[row[0]], row[3], row[4], keys[row[5]]] += 1
    undefined = {
        re.search(r"defines: ([^,;]+)", error)[1] for error in result.errors if "that no object defines" in error
    }
    return found, undefined


def _compare(verdict: Verdict, what: str, ours: Counter[Bound] | set[str], theirs: Counter[Bound] | set[str]) -> None:
    for sign, extra in (("only ours", ours - theirs), ("only glibc's", theirs - ours)):
        for entry in list(extra)[:4]:
            verdict.differences.append(f"{what}, {sign}: {entry}")


def _model_agrees(verdict: Verdict, images: list[Module], result: Result) -> None:
    verdict.bytes += sum(len(part.data) for parts in result.contents.values() for part in parts)
    verdict.differences += [f"model: {each}" for each in differences(result, link(images, consecutive()))]


def judge(linker: Linker, path: Path, machine: Machine = MACHINES["x86_64"]) -> Verdict:
    verdict = Verdict(path)
    theirs, undefined, why = glibc_bindings(path, machine)
    if why:
        verdict.skipped = f"glibc: {why}"
        return verdict
    try:
        library_path = str(machine.root / "lib") if machine.emulator else ""
        images = load_closure(path, Search(machine.number, library_path=library_path).find)
    except MissingLibrary as error:
        verdict.differences.append(str(error))
        return verdict
    result = linker.link_modules(images)
    ours, missing = core_bindings(images, result)
    verdict.objects, verdict.bindings, verdict.undefined = len(images), sum(ours.values()), len(missing)
    _compare(verdict, "undefined", missing, undefined)
    mine = {same_file(image.path) for image in images}
    # The vDSO is not a file, and ld.so relocates itself before it looks at anything else.
    itself = same_file(machine.ld)
    theirs = Counter({bound: count for bound, count in theirs.items() if bound[0] in mine and bound[0] != itself})
    ours = Counter({bound: count for bound, count in ours.items() if bound[0] != itself})
    _compare(verdict, "binding", ours, theirs)
    if result.good:
        _model_agrees(verdict, images, result)
    return verdict


STOPPER = """
void __libc_start_main(void)
{
    __asm__ volatile("syscall" : : "a"(231), "D"(0)); /* exit_group */
}
"""


def constructor_order(program: Path, stopper: Path) -> list[object] | None:
    """The objects whose constructors glibc calls before the program's own, in order; None: it does not start."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "LD_BIND_NOW": "1",
            "LD_DEBUG": "files",
            "LD_DEBUG_OUTPUT": f"{folder}/log",
            "LD_PRELOAD": str(stopper),
        }
        done = subprocess.run(
            [program], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        )
        logs = [log.read_text(errors="replace") for log in Path(folder).iterdir()]
    if done.returncode != 0 or len(logs) != 1:
        return None
    return [_key(match[1]) for line in logs[0].splitlines() if (match := INIT.match(line))]


def judge_order(program: Path, stopper: Path) -> Verdict | None:
    """None for what is no program that glibc starts."""
    image = Module.load(str(program), program)
    if image.interpreter != str(MACHINES["x86_64"].ld) or program.stat().st_mode & 0o6000:
        return None
    verdict = Verdict(program)
    theirs = constructor_order(program, stopper)
    if theirs is None:
        verdict.skipped = "does not start"
        return verdict
    search = Search(image.machine)
    images = load_closure(
        program,
        lambda name, chain: stopper if name == stopper.name else search.find(name, chain),
        preload=(stopper.name,),
    )
    ours = [same_file(each.path) for each in start_order(images)]
    own = same_file(program)
    verdict.constructors = len(theirs)
    if [key for key in ours if key in theirs and key != own] != [key for key in theirs if key != own]:
        verdict.differences.append(f"constructors: {ours} {theirs}")
    return verdict


def safely(function: Callable[..., Verdict | None], *arguments: object) -> Verdict | None:
    path = next(argument for argument in arguments if isinstance(argument, Path))
    try:
        return function(*arguments)
    except (ElfError, subprocess.TimeoutExpired, PermissionError) as error:
        return Verdict(path, skipped=str(error))


def make_stopper(folder: Path, cc: list[str], ld: list[str]) -> Path:
    """The library that ends a program before its main."""
    source, library = folder / "stopper.c", folder / "libstopper.so"
    source.write_text(STOPPER)
    subprocess.run([*cc, "-fPIC", "-c", "-o", source.with_suffix(".o"), source], check=True)
    subprocess.run([*ld, "-shared", "-soname", library.name, "-o", library, source.with_suffix(".o")], check=True)
    return library


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=Path, help="another build of the linker core (default: the product's)")
    parser.add_argument("--machine", choices=MACHINES, default="x86_64")
    parser.add_argument("--order", action="store_true", help="start each program, to see the order of constructors")
    parser.add_argument("--verbose", action="store_true", help="a line for each file")
    parser.add_argument("paths", type=Path, nargs="+")
    options = parser.parse_args()
    core, machine = Linker(options.core) if options.core else load_linker(), MACHINES[options.machine]
    total = Verdict(Path("total"))
    files = skipped = different = ordered = 0
    with tempfile.TemporaryDirectory() as folder:
        stopper = make_stopper(Path(folder), ["cc"], ["ld"]) if options.order else None
        for path in elf_files(options.paths, machine):
            files += 1
            verdicts = [safely(judge, core, path, machine)]
            if stopper and (order := safely(judge_order, path, stopper)):
                verdicts.append(order)
                ordered += not order.skipped
            skipped += bool(verdicts[0].skipped)
            different += any(verdict.differences for verdict in verdicts)
            for verdict in verdicts:
                for name in ("objects", "bindings", "bytes", "undefined", "constructors"):
                    setattr(total, name, getattr(total, name) + getattr(verdict, name))
                if options.verbose or verdict.differences:
                    print(
                        path,
                        verdict.objects,
                        verdict.bindings,
                        verdict.skipped,
                        *verdict.differences,
                        sep="  ",
                        flush=True,
                    )
    if options.order:
        print(f"{ordered} programs started, {total.constructors:,} objects started before them")
    print(
        f"{files} files, {skipped} that glibc does not take; {total.objects:,} objects, {total.bindings:,} bindings, "
        f"{total.undefined:,} undefined, {total.bytes:,} bytes; files that differ: {different}"
    )
    return 1 if different else 0


if __name__ == "__main__":
    os.environ.pop("LD_LIBRARY_PATH", None)
    sys.exit(main())
