"""judge.py [--core LIBRARY] PATH...: link the machine's own files and compare with its C library.

For every ELF file with a dynamic section under the given paths: every binding (object, symbol, version,
provider) must equal what glibc's dynamic linker reports, undefined symbols included; the reference model must
bind alike and compute the same words; for programs, the libraries' constructors must run in the same order.

glibc only relocates here (LD_TRACE_LOADED_OBJECTS), except for the order of constructors: there the program is
started with a preloaded library that ends it before main."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "toolchain"), str(TOP)]

from ambilink.link.closure import MissingLibrary, load_closure
from ambilink.link.image import ET_EXEC, ElfError, Image
from ambilink.link.order import start_order
from ambilink.link.relocate import link
from ambilink.link.search import Search, same_file
from tests.rtld.core import SPACE_BASE, Linker, Result

LD = Path("/lib64/ld-linux-x86-64.so.2")
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
    words: int = 0
    undefined: int = 0
    constructors: int = 0
    differences: list[str] = field(default_factory=list)


def elf_files(paths: list[Path]) -> Iterator[Path]:
    """Every x86-64 ELF file under the paths that is a program or a shared object, once, in order."""
    seen = set()
    for top in paths:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if (path.is_symlink() and path != top) or not path.is_file():
                continue
            with path.open("rb") as file:
                head = file.read(20)
            if head[:6] != b"\x7fELF\x02\x01" or head[16] not in (2, 3) or head[18:20] != b"\x3e\0":
                continue
            if same_file(path) not in seen:
                seen.add(same_file(path))
                yield path


def _key(name: str) -> object:
    try:
        return same_file(Path(name))
    except OSError:
        return name


def glibc_bindings(path: Path) -> tuple[Counter[Bound], set[str], str]:
    """Bindings, names of undefined symbols, and why there is no answer ("": there is one)."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "LD_TRACE_LOADED_OBJECTS": "1",
            "LD_WARN": "yes",
            "LD_BIND_NOW": "yes",
            "LD_DEBUG": "bindings",
            "LD_DEBUG_OUTPUT": f"{folder}/log",
        }
        done = subprocess.run([LD, path], env=environment, capture_output=True, text=True, timeout=TIMEOUT)
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


def core_bindings(images: list[Image], result: Result) -> tuple[Counter[Bound], set[str]]:
    keys: dict[str, object] = {image.name: same_file(image.path) for image in images}
    keys["-"] = "-"
    found: Counter[Bound] = Counter()
    for row in result.rows("bind"):
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


def _model_agrees(verdict: Verdict, images: list[Image], result: Result) -> None:
    """The same bindings and the same bytes in every writable segment."""
    end = SPACE_BASE

    def place(image: Image) -> int:
        nonlocal end
        if image.type == ET_EXEC:
            return 0
        start = -(-end // image.align) * image.align
        end = start + image.high - image.low
        return start - image.low

    model = link(images, place)
    names = {id(image): image.name for image in images}
    lines = [line.rsplit(" ", 1)[0] for line in result.lines if line.startswith("bind ")]
    if [binding.line(names) for binding in model.bindings] != lines:
        verdict.differences.append("model: other bindings")
    resolvers = sorted((entry.place, entry.function, entry.addend) for entry in model.resolvers)
    if resolvers != sorted(result.resolvers):
        verdict.differences.append("model: other resolvers")
    for image in images:
        for window in result.windows.get(image.name, []):
            verdict.words += len(window.data) // 8
            if image.windows[window.address - image.bias] != window.data:
                verdict.differences.append(f"model: other words in {image.name}")


def judge(linker: Linker, path: Path, *, model: bool = True) -> Verdict:
    verdict = Verdict(path)
    theirs, undefined, why = glibc_bindings(path)
    if why:
        verdict.skipped = f"glibc: {why}"
        return verdict
    try:
        images = load_closure(path)
    except MissingLibrary as error:
        verdict.differences.append(str(error))
        return verdict
    result = linker.link_images(images)
    ours, missing = core_bindings(images, result)
    verdict.objects, verdict.bindings, verdict.undefined = len(images), sum(ours.values()), len(missing)
    _compare(verdict, "undefined", missing, undefined)
    mine = {same_file(image.path) for image in images}
    # The vDSO is not a file, and ld.so relocates itself before it looks at anything else.
    itself = same_file(LD)
    theirs = Counter({bound: count for bound, count in theirs.items() if bound[0] in mine and bound[0] != itself})
    ours = Counter({bound: count for bound, count in ours.items() if bound[0] != itself})
    _compare(verdict, "binding", ours, theirs)
    if model and result.good:
        _model_agrees(verdict, images, result)
    return verdict


STOPPER = """
#include <unistd.h>
int __libc_start_main(void) { _exit(0); }
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


def judge_order(linker: Linker, program: Path, stopper: Path) -> Verdict | None:
    """None for what is no program that glibc starts."""
    image = Image.open(str(program), program)
    if image.interpreter != str(LD) or program.stat().st_mode & 0o6000:
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


def make_stopper(folder: Path, cc: list[str]) -> Path:
    source, library = folder / "stopper.c", folder / "libstopper.so"
    source.write_text(STOPPER)
    subprocess.run([*cc, "-shared", "-fPIC", "-nostdlib", "-o", library, source], check=True)
    return library


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=Path, default=TOP / "build/x86_64/lib/librtld_host.so")
    parser.add_argument("--verbose", action="store_true", help="a line for each file")
    parser.add_argument("paths", type=Path, nargs="+")
    options = parser.parse_args()
    linker = Linker(options.core)
    total = Verdict(Path("total"))
    files = skipped = different = 0
    for path in elf_files(options.paths):
        files += 1
        try:
            verdict = judge(linker, path)
        except (ElfError, subprocess.TimeoutExpired) as error:
            verdict = Verdict(path, skipped=str(error))
        skipped += bool(verdict.skipped)
        different += bool(verdict.differences)
        for name in ("objects", "bindings", "words", "undefined"):
            setattr(total, name, getattr(total, name) + getattr(verdict, name))
        if options.verbose or verdict.differences:
            print(path, verdict.objects, verdict.bindings, verdict.skipped, *verdict.differences, sep="  ", flush=True)
    print(
        f"{files} files, {skipped} that glibc does not take; {total.objects:,} objects, {total.bindings:,} bindings, "
        f"{total.undefined:,} undefined, {total.words:,} words; files that differ: {different}"
    )
    return 1 if different else 0


if __name__ == "__main__":
    os.environ.pop("LD_LIBRARY_PATH", None)
    sys.exit(main())
