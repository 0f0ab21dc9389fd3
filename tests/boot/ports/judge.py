"""Third-party libraries in both forms: programs that use them print here what they print on the development machine.

    ./scons ports

Each program of this folder is a service twice, linked dynamically and statically, in one boot on each machine. The
judges are gcc with glibc and musl-gcc: they compile the same sources, of the program and of the library, and run them.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ambilink.boot import boot_and_verify
from ambilink.elf.archive import members
from ambilink.machine.model import BootRequest, Verdict
from tests.boot.conftest import System

HERE = Path(__file__).parent
PORTS = HERE.parents[2] / "libs/ports"
LIBRARIES = {"zlib": "z", "libpng": "png"}  # that are called otherwise than their folders
FLAGS = {
    "zlib": ["-DHAVE_UNISTD_H", "-DHAVE_STDARG_H"],
    "lua": ["-DLUA_USE_POSIX"],
    "sqlite3": ["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL"],
    "libpng": [f"-I{PORTS}/libpng/private"],
    "freetype": ["-DFT2_BUILD_LIBRARY"],
}
NEEDS = {"libpng": ["zlib"]}
HEADERS = {"freetype": "include"}
MORE = {"freetype": {"opens": ["etc/font.ttf"]}}
FONT = "sources/font/Vera.ttf"
LINKAGES = ("dynamic", "static")
COMPILERS = {"glibc": ("gcc", "g++"), "musl": ("musl-gcc", "")}


def sources_of(build: Path, port: str) -> Iterator[Path]:
    """Those that the library was made of: its archive names its objects by them."""
    found = {path.name: path for path in (build / "sources" / port).rglob("*.c*")}
    archive = build / f"lib/lib{LIBRARIES.get(port, port)}.a"
    return (found[each.name.removesuffix(".o")] for each in members(archive))


def run_here(build: Path, folder: Path, port: str, libc: str) -> list[str] | None:
    """What the program prints on this machine; None: nothing here compiles it."""
    (source,) = HERE.glob(f"{port}.c*")
    compiler = shutil.which(COMPILERS[libc][source.suffix == ".cc"] or "-")
    if compiler is None:
        return None
    parts = [port, *NEEDS.get(port, [])]
    words = [word for part in parts for word in FLAGS.get(part, [])]
    words += [f"-I{build / 'sources' / part / HEADERS.get(part, '')}" for part in parts]
    files = [file for part in parts for file in sources_of(build, part)]
    program = folder / f"{port}-{libc}"
    command = [compiler, "-w", "-O0", "-D_GNU_SOURCE", *words, source, *files, "-lm", "-o", program]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{compiler} cannot compile {port}: {done.stderr[-2000:]}")
    arguments = [(build / FONT).absolute()] if port == "freetype" else [folder / f"{port}-{libc}-made"]
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=folder)
    return [*ran.stdout.splitlines(), f"status {ran.returncode}"]


def boot(build: Path, folder: Path, ports: list[str], machine: str) -> dict[str, list[str]]:
    """What each service prints."""
    system = System(build, folder)
    system.service("files", grants=["image"]).service("tmp")
    system.files["etc/font.ttf"] = str((build / FONT).absolute())
    names = [f"port-{port}-{linkage}" for port in ports for linkage in LINKAGES]
    for name in names:
        port = name.split("-")[1]
        arguments = ["/etc/font.ttf" if port == "freetype" else f"/tmp/{name}"]
        system.program(name, stack=1 << 20, arguments=arguments, **MORE.get(port, {}))
    request = BootRequest(system.pack(), seed=1, timeout=120.0, memory_megabytes=512)
    result = boot_and_verify(machine, request, build, None)
    outcome = result.outcome
    print(f"{machine}: {outcome.verdict.value}, {outcome.seconds:.1f} s, {outcome.instructions or 0:,} instructions")
    if outcome.verdict is not Verdict.PASS or result.failures:
        print(*outcome.text, *result.failures, outcome.detail, sep="\n")
    text = result.outcome.text
    return {name: [*_printed(text, name), f"status {_status(text, name)}"] for name in names}


def machines() -> list[str]:
    return ["emulator", *(["qemu"] if shutil.which("qemu-system-x86_64") else [])]


def _printed(text: list[str], name: str) -> list[str]:
    return [line.removeprefix(f"{name}:").removeprefix(" ") for line in text if line.startswith(f"{name}:")]


def _status(text: list[str], name: str) -> str:
    ends = [line for line in text if line.startswith(f"loader: {name} exited, status ")]
    return ends[0].rpartition(" ")[2] if ends else "0"


def main() -> None:
    build, ports = Path(sys.argv[1]), sys.argv[2:]
    different = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        here = {(port, libc): pool.submit(run_here, build, folder, port, libc) for port in ports for libc in COMPILERS}
        booted = {machine: boot(build, folder, ports, machine) for machine in machines()}
        for (port, libc), future in here.items():
            expected = future.result()
            if expected is None:
                print(f"{port}: no compiler with {libc} here")
                continue
            forms = [(linkage, machine) for linkage in LINKAGES for machine in booted]
            wrong = [(form, booted[form[1]][f"port-{port}-{form[0]}"]) for form in forms]
            wrong = [(form, lines) for form, lines in wrong if lines != expected]
            for form, lines in wrong:
                print(f"{port}, {', '.join(form)}: not as with {libc}", *_difference(lines, expected), sep="\n")
            different += len(wrong)
            print(f"{port}: {len(expected)} lines, {len(forms) - len(wrong)} of {len(forms)} services as with {libc}")
    sys.exit(1 if different else 0)


def _difference(lines: list[str], expected: list[str]) -> Iterator[str]:
    at = next((at for at, pair in enumerate(zip(lines, expected, strict=False)) if pair[0] != pair[1]), 0)
    yield from (f"  is:        {line}" for line in lines[at : at + 5])
    yield from (f"  should be: {line}" for line in expected[at : at + 5])


if __name__ == "__main__":
    main()
