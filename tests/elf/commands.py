"""Every command and every step of a build that reads ELF files, to be given damaged ones."""

import contextlib
import io
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ambilink.bootimage import container, layout
from ambilink.bootimage.container import read
from ambilink.cli import main
from ambilink.elf import inspect
from ambilink.elf.check import OutputKind, check
from ambilink.elf.edit import without_interpreter, without_needed
from ambilink.elf.exports import exports
from ambilink.elf.inspect import objects_referring_to
from ambilink.elf.strip import strip
from ambilink.errors import AmbilinkError
from ambilink.report.link import link_lines
from ambilink.verify import backtrace
from ambilink.verify.source_line import source_line
from tests.elf.mutate import Recipe, draw

TOP = Path(__file__).resolve().parents[2]
REFUSED = 1
STATUSES = {0, 1, 2, 77, 99}
HOST = ("/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libm.so.6", "/usr/bin/env")
HOST += ("/lib64/ld-linux-x86-64.so.2",)
PROGRAM = "services/greet"
LINKERS = ("loader", "kernel", "interp", "pack")


@dataclass
class Case:
    """One damaged file, and where it may write. `command` has no status of its own: what a step refuses is REFUSED."""

    build: Path
    folder: Path
    chosen: random.Random
    base: Path
    recipe: Recipe
    data: bytes
    text: io.StringIO = field(default_factory=io.StringIO)  # what was printed

    @property
    def path(self) -> Path:
        path = self.folder / "damaged"
        path.write_bytes(self.data)
        return path

    def run(self, *words: object) -> int:
        """The `ambilink` command, in this process."""
        with contextlib.redirect_stdout(self.text), contextlib.redirect_stderr(self.text):
            try:
                main([str(word) for word in words])
            except SystemExit as error:
                return error.code if isinstance(error.code, int) else 0
        raise AssertionError("main() returned")


def link(case: Case) -> int:
    """The core beside the model; where a damaged hash table hides a name, it hides it from the core alone."""
    return case.run("link", case.path, *case.chosen.choice(([], ["--bindings"])))


def link_model(case: Case) -> int:
    """The model alone, as where the core cannot be compiled."""
    for _ in link_lines(case.path, None, "", bindings=True):
        pass
    return 0


def link_library(case: Case) -> int:
    """A sound program that needs the damaged library."""
    folder = case.folder / "libraries"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / case.base.name).write_bytes(case.data)
    return case.run("link", case.build / PROGRAM, "--library-path", f"{folder}:{case.build / 'lib'}")


def abi_show(case: Case) -> int:
    return case.run("abi", "show", case.path)


def abi_diff(case: Case) -> int:
    pair = [case.path, case.base]
    case.chosen.shuffle(pair)
    return case.run("abi", "diff", *pair)


def abi_stub(case: Case) -> int:
    return case.run("abi", "stub", case.path, "--output", case.folder / "stub.so")


def contract(case: Case) -> int:
    return case.run("contract", case.path, *case.chosen.choice(([], ["--against", "section-loader"])))


def edit_step(case: Case) -> int:
    """What is taken out of linked programs."""
    without_interpreter(without_needed(case.data, case.path, "libc.so"), case.path)
    return 0


def check_step(case: Case) -> int:
    kind = OutputKind.KERNEL if case.base.name == "kernel" else case.chosen.choice(list(OutputKind))
    libraries = {path.name: path for path in (case.build / "lib").glob("lib*.so")}
    if kind is OutputKind.SHARED_LIBRARY:
        libraries[case.base.name] = case.path
    objects = sorted((case.build / "obj/greet").rglob("*.o"))
    check(case.path, kind, libraries, objects, None, "/lib/ld.so" if kind is OutputKind.DYNAMIC_PROGRAM else None)
    return 0


def strip_step(case: Case) -> int:
    strip(case.data, case.path, "damaged.debug", keep_symbols=bool(case.chosen.randrange(2)))
    return 0


def search_objects(case: Case) -> int:
    objects_referring_to("main", [case.path])
    return 0


def exports_step(case: Case) -> int:
    exports(case.path, next(TOP.glob("boot/**/kernel.abi")), "EM_X86_64")
    return 0


def pack(case: Case) -> int:
    """The damaged file in the place where it belongs."""
    root = case.folder / "root"
    if not root.is_dir():
        for name in ("lib", "lib/interp", "services", "modules"):
            (root / name).mkdir(parents=True)
        for path in (*case.build.glob("lib/*.so"), *case.build.glob("lib/interp/*"), *case.build.glob("modules/*.so")):
            (root / path.relative_to(case.build)).symlink_to(path)
        for name in ("kernel", "services/loader", PROGRAM):
            (root / name).symlink_to(case.build / name)
    place = root / case.base.relative_to(case.build)
    linker = case.chosen.choice(LINKERS)
    (case.folder / "boot.toml").write_text(
        f'[image]\nlinker = "{linker}"\nmodules = ["serial"]\n[[service]]\nname = "greet"\nrole = "program"\n'
    )
    place.unlink(missing_ok=True)
    place.write_bytes(case.data)
    try:
        return case.run("image", "pack", case.folder / "boot.toml", "--root", root, "--output", case.folder / "out.img")
    finally:
        place.unlink()
        place.symlink_to(case.base)


def _image_of(case: Case) -> Path:
    """A boot image that is damaged itself, or a sound one that holds the damaged file."""
    path = case.folder / "boot.img"
    if case.base.name == "boot.img":
        path.write_bytes(case.data)
        return path
    archive = _archive(case.build)
    contents = {each.name: (each.kind, archive.contents(each)) for each in archive.files}
    name = str(case.base.relative_to(case.build))
    kernel = case.path if name == "kernel" else case.build / "kernel"
    if name in contents:
        contents[name] = contents[name][0], case.data
    data = layout.build(contents, archive.services, archive.loader, archive.loader_linker)
    path.write_bytes(container.build(kernel, data, layout.parse(data, path)))
    return path


@cache
def _archive(build: Path) -> layout.Archive:
    return read(build / "boot.img").archive


def image_list(case: Case) -> int:
    return case.run("image", "ls", _image_of(case))


def image_verify(case: Case) -> int:
    return case.run("image", "verify", _image_of(case))


def image_extract(case: Case) -> int:
    return case.run("image", "extract", _image_of(case), "--output", case.folder / "extracted")


def _boot(case: Case, command: str) -> int:
    root = case.folder / "symbols"  # where the damaged file is the one with the symbols
    if not root.is_dir():
        (root / "lib").mkdir(parents=True)
        (root / "services").mkdir()
    if case.base.is_relative_to(case.build):
        place = root / case.base.relative_to(case.build)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(case.data)
    return case.run(command, _image_of(case), "--timeout", "0.5", "--root", case.chosen.choice((root, case.build)))


def boot(case: Case) -> int:
    return _boot(case, "boot")


def verify(case: Case) -> int:
    return _boot(case, "verify")


def profile(case: Case) -> int:
    return _boot(case, "profile")


def boot_kernel(case: Case) -> int:
    """A kernel without an archive."""
    return case.run("boot", case.path, "--timeout", "0.5")


def symbolise(case: Case) -> int:
    """What explains a fault: the damaged file with its symbols, or the file with a damaged one beside it."""
    shipped = case.folder / "shipped"
    debug = case.folder / "shipped.debug"
    sound = Path(str(case.base).removesuffix(".debug"))
    shipped.write_bytes(case.data if sound == case.base else sound.read_bytes())
    debug.write_bytes(case.data)
    for address in (0, 0x1000, case.chosen.randrange(1 << 16), case.chosen.randrange(1 << 20)):
        backtrace.function_at(shipped, address)
        source_line(backtrace.symbol_file(shipped), address)
    return 0


@dataclass(frozen=True)
class Command:
    function: Callable[[Case], int]
    bases: tuple[str, ...]  # of the build folder, or paths
    weight: float
    seconds: float = 2.0  # of processor time; of a machine, beyond its deadline of half a second
    reserves: bool = False  # more memory than it uses, as Unicorn and the core's host do


OURS = ("lib/libc.so", "lib/libposix.so", "lib/libdigest.so", PROGRAM, "services/loader", "stub/libc.so")
PACKED = (PROGRAM, "lib/libc.so", "lib/libposix.so", "kernel", "services/loader", "modules/serial.so")
PACKED += ("modules/kernel.so", "lib/interp/libc.so", "lib/ld.so")
COMMANDS = {
    "link": Command(link, (*OURS, *HOST, "modules/serial.so"), 14, reserves=True),
    "link, the model": Command(link_model, (*OURS, *HOST), 14),
    "link, a library": Command(link_library, ("lib/libc.so", "lib/libposix.so"), 6, reserves=True),
    "abi show": Command(abi_show, (*OURS, *HOST, "modules/kernel.so"), 14),
    "abi diff": Command(abi_diff, ("lib/libc.so", "lib/libposix.so", *HOST[:2]), 5),
    "abi stub": Command(abi_stub, ("lib/libc.so", "lib/libposix.so", *HOST[:2]), 5),
    "contract": Command(contract, ("lib/libc.so", PROGRAM, "kernel", *HOST[:3]), 8),
    "edit": Command(edit_step, (PROGRAM, *HOST[1:3]), 3),
    "check": Command(check_step, ("lib/libc.so", "lib/libposix.so", PROGRAM, "services/loader", "kernel"), 8),
    "strip": Command(strip_step, ("lib/libposix.so", PROGRAM, "kernel", "obj/greet/main.o", "kernel.debug"), 8),
    "objects": Command(search_objects, ("obj/greet/main.o", "lib/libposix.so"), 3),
    "exports": Command(exports_step, ("kernel",), 2),
    "image pack": Command(pack, PACKED, 10),
    "image ls": Command(image_list, ("boot.img", "kernel"), 2),
    "image verify": Command(image_verify, ("boot.img", "kernel"), 1),
    "image extract": Command(image_extract, ("boot.img", "kernel"), 1),
    "boot": Command(boot, ("boot.img", "kernel", "lib/libc.so", PROGRAM), 0.3, 5.0, True),
    "boot, a kernel": Command(boot_kernel, ("kernel", "conformance"), 0.3, 5.0, True),
    "verify": Command(verify, ("boot.img", "kernel", "lib/libc.so", PROGRAM), 0.2, 5.0, True),
    "profile": Command(profile, ("boot.img", "kernel", "lib/libc.so"), 0.02, 40.0, True),
    "symbols": Command(symbolise, ("lib/libposix.so.debug", "lib/libposix.so", f"{PROGRAM}.debug"), 3),
}


def base_of(build: Path, name: str) -> Path | None:
    """A file of the build or of this computer, None where it has none."""
    path = build / name
    if name == "obj/greet/main.o":
        path = min((build / "obj/greet").rglob("*.o"), default=path)
    return path if path.is_file() else None


def make_case(build: Path, folder: Path, seed: int, command: str | None = None) -> tuple[str, Case] | None:
    """None where the drawn base is not there."""
    chosen = random.Random(seed)
    name = command or chosen.choices(list(COMMANDS), [each.weight for each in COMMANDS.values()])[0]
    base = base_of(build, chosen.choice(COMMANDS[name].bases))
    if base is None:
        return None
    recipe = draw(chosen, base)
    data = recipe.apply(base)
    assert data is not None
    return name, Case(build, folder, chosen, base, recipe, data)


def attempt(name: str, case: Case) -> int:
    """The status; whatever is raised is a finding."""
    inspect._inspect_cached.cache_clear()
    backtrace._functions.cache_clear()
    source_line.cache_clear()
    try:
        status = COMMANDS[name].function(case)
    except AmbilinkError as error:
        assert error.where and error.rule, "an error names file and rule"
        return REFUSED
    assert status in STATUSES, f"exit status {status}"
    assert not status or case.text.getvalue(), f"exit status {status} without a word"
    return status
