"""What each strategy to bootstrap costs: images of 1, 8 and 32 services, over small libraries and over a large one.

boot.py BUILD prints a table, and writes BUILD/../bench/boot.json and docs/bootstrapping.svg. Every service is another
program (see boot/SConscript). Instructions are exact, from the bundled emulator: from the kernel's entry until the last
service ended. RAM is the image and the frames that the kernel handed out, with all address spaces still there.
"""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import toml
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ambilink.boot import boot_and_verify
from ambilink.bootimage.container import read
from ambilink.bootimage.layout import PAGE_SIZE
from ambilink.bootimage.pack import pack
from ambilink.files import write_atomically
from ambilink.link.module import Module
from ambilink.link.relocate import link
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, NoMachine, Verdict
from ambilink.report.plot import Panel, panels_svg
from ambilink.verify.profile import profile

STRATEGIES = ("static", "loader", "kernel", "interp", "pack")
DYNAMIC = STRATEGIES[1:]
# Whose functions link and prepare a process, by strategy: the linked file, and the objects that they come from.
LINKERS = {
    "static": ("services/bench-small-static-1", ["start/pic"]),
    "loader": ("services/loader", ["rtld/pic", "hostlink/pic", "loader/pie"]),
    "kernel": (
        "kernel",
        [
            f"kernel/kernel/{part}"
            for part in ("rtld", "hostlink", "link/link", "start/launch", "start/service")
        ],
    ),
    "interp": ("lib/ld.so", ["rtld/pic", "hostlink/pic", "ld.so"]),
    "pack": ("services/loader", [f"loader/pie/{part}" for part in ("packed", "start", "space")]),
}
COUNTS = (1, 8, 32)
SIZES = {"small": "small libraries", "large": "a library of 4 MB"}
GOAL_PACK, GOAL_LOADER, GOAL_LARGE = 1.02, 1.25, 0.1


@dataclass(frozen=True)
class Measured:
    image: int  # bytes
    private: int  # frames
    shared: int  # frames of the image that processes map
    relocations: int
    lookups: int
    instructions: int
    seconds: dict[str, float]  # by machine

    @property
    def ram(self) -> int:
        return self.image + self.private * PAGE_SIZE


def links(image: Path, strategy: str) -> tuple[int, int]:
    """Words that relocations fill at boot, and symbols that are looked up for it; the loader's own left out.

    The loader service and the kernel look up what libraries refer to for the first two programs with the same ones,
    for the second once more to keep it, and then know it (libs/rtld/src/cache.c)."""
    if strategy == "pack":
        return 0, 0
    archive = read(image).archive
    words = lookups = 0
    scopes: Counter[tuple[str, ...]] = Counter()
    for service in archive.services:
        images: dict[str, Module] = {}
        names = [service.file]
        for name in names:
            file = archive.file(name)
            assert file is not None
            images[name] = Module(name, Path(name), archive.contents(file))
            names += [f"lib/{soname}" for soname in images[name].needed_names if f"lib/{soname}" not in names]
        result = link(list(images.values()), lambda each: 0)
        words += sum(len(each.touched) for each in images.values())
        own = sum(binding.module.name == service.file for binding in result.bindings)
        scope = tuple(images)[1:]
        scopes[scope] += 1
        times = 1 if strategy == "interp" else {1: 1, 2: 2}.get(scopes[scope], 0)
        lookups += own + times * (len(result.bindings) - own)
    return words, lookups


def make_image(build: Path, strategy: str, count: int, size: str, folder: Path) -> BootRequest:
    linkage = "static" if strategy == "static" else "dynamic"
    services = [
        {"name": f"s{number}", "program": f"bench-{size}-{linkage}-{number}", "role": "program"}
        for number in range(1, count + 1)
    ]
    manifest, image = folder / "bench.toml", folder / "bench.img"
    linker = "loader" if strategy == "static" else strategy
    manifest.write_text(toml.dumps({"image": {"linker": linker, "modules": ["serial", "rtc"]}, "service": services}))
    pack(manifest, build, image)
    memory = 128 + 2 * (image.stat().st_size >> 20)
    return BootRequest(image, memory_megabytes=memory, timeout=300, seed=1)


def measure(build: Path, strategy: str, count: int, size: str, folder: Path) -> Measured:
    request = make_image(build, strategy, count, size, folder)
    image = request.image
    result = boot_and_verify("emulator", request, build)
    if result.failures or result.outcome.verdict is not Verdict.PASS:
        sys.exit(f"{strategy}, {count} {size}: {[*result.outcome.text[-3:], *result.failures]}")
    assert result.state and result.report and result.outcome.instructions
    seconds = {"emulator": result.outcome.seconds}
    try:
        outcome = boot("qemu", request)
        if outcome.verdict is Verdict.PASS:
            seconds["qemu"] = outcome.seconds
    except NoMachine:
        pass
    shared = sum(use.read_only_pages for use in result.report.files if use.processes)
    words, lookups = links(image, strategy)
    return Measured(
        image.stat().st_size,
        result.state.frames_used,
        shared,
        words,
        lookups,
        result.outcome.instructions,
        seconds,
    )


COMPARING = ("checksum", "tree_check_page", "check_with_tree", "is_intact", "page_touch", "page_touch_range")
# What a further service costs, by who does what: (file, function) of a place.
PARTS: dict[str, Callable[[str, str], bool]] = {
    "kernel: zero frames": lambda file, function: file == "kernel" and function == "page_clear",
    "kernel: compare pages": lambda file, function: file == "kernel" and function in COMPARING,
    "kernel: the rest": lambda file, function: file.startswith("kernel"),
    "loader: the rest": lambda file, function: file == "services/loader",
    "ld.so": lambda file, function: file == "lib/ld.so",
    "the service and its libraries": lambda file, function: True,
}


def parts(build: Path, strategy: str, size: str, folder: Path) -> dict[str, int]:
    """Instructions of one more service: the difference of 16 and 8, divided."""
    few, many = 8, 16
    sums: dict[int, Counter[str]] = {}
    for count in (few, many):
        places = profile(make_image(build, strategy, count, size, folder), build).places
        sums[count] = Counter()
        for place, executed in places.items():
            sums[count][next(part for part, takes in PARTS.items() if takes(place.file, place.function))] += executed
    return {part: round((sums[many][part] - sums[few][part]) / (many - few)) for part in PARTS}


CALLED = (0, 10, 100, 1000)  # of the thousand functions that bench-calls refers to
BINDINGS = ("now", "lazy")


def calls(build: Path, strategy: str, binding: str, called: int, folder: Path) -> int:
    """Instructions of a boot with a program that refers to a thousand functions."""
    manifest, image = folder / "calls.toml", folder / "calls.img"
    service = {"name": "calls", "program": "bench-calls", "role": "program", "arguments": [str(called)]}
    words = {"linker": strategy, "binding": binding, "modules": ["serial", "rtc"]}
    manifest.write_text(toml.dumps({"image": words, "service": [service]}))
    pack(manifest, build, image)
    result = boot_and_verify("emulator", BootRequest(image, seed=1), build)
    if result.failures or result.outcome.verdict is not Verdict.PASS or result.outcome.instructions is None:
        sys.exit(f"{strategy}, {binding}, {called}: {[*result.outcome.text[-3:], *result.failures]}")
    return result.outcome.instructions


def functions(path: Path) -> dict[str, int]:
    """Names and sizes, of an object or a linked file."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        found = (
            (symbol.name, symbol["st_size"])
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC"
        )
        return dict(found)


def code_sizes(build: Path) -> dict[str, int]:
    """Bytes of instructions of the part that links, as they are in the linked file."""
    sizes = {}
    folder = build / "obj"
    every = list(folder.rglob("*.o"))
    for strategy, (linked, parts) in LINKERS.items():
        objects = []
        for part in parts:
            inside = [path for path in every if path.is_relative_to(folder / part) or path.match(f"{folder / part}.*")]
            assert inside, f"{folder / part} holds no objects"
            objects += inside
        names = {name for path in objects for name in functions(path)}
        debug = build / f"{linked}.debug"
        sizes[strategy] = sum(size for name, size in functions(debug).items() if name in names)
    return sizes


def print_table(found: dict[tuple[str, int, str], Measured]) -> None:
    head = (
        "",
        "services",
        "strategy",
        "image",
        "frames",
        "mapped",
        "relocated",
        "look-ups",
        "instructions",
        "emulator",
        "QEMU",
    )
    widths = (17, 8, 8, 11, 7, 7, 9, 8, 13, 8, 6)
    print(
        "  ".join(
            f"{text:>{width}}" if index > 2 else f"{text:<{width}}"
            for index, (text, width) in enumerate(zip(head, widths, strict=True))
        )
    )
    for (size, count, strategy), one in found.items():
        qemu = f"{one.seconds['qemu']:.2f}" if "qemu" in one.seconds else "-"
        cells = (
            SIZES[size] if (count, strategy) == (COUNTS[0], STRATEGIES[0]) else "",
            str(count) if strategy == STRATEGIES[0] else "",
            strategy,
            f"{one.image:,}",
            f"{one.private:,}",
            f"{one.shared:,}",
            f"{one.relocations:,}",
            f"{one.lookups:,}",
            f"{one.instructions:,}",
            f"{one.seconds['emulator']:.2f}",
            qemu,
        )
        print(
            "  ".join(
                f"{text:>{width}}" if index > 2 else f"{text:<{width}}"
                for index, (text, width) in enumerate(zip(cells, widths, strict=True))
            )
        )


def goals(found: dict[tuple[str, int, str], Measured]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []

    def add(what: str, unit: str, ours: float, peer: float, goal: float | None) -> None:
        met = None if goal is None else ours <= goal
        rows.append({"what": what, "unit": unit, "ours": ours, "peers": {"static": peer}, "goal": goal, "met": met})

    for size in SIZES:
        for count in COUNTS:
            base = found[size, count, "static"]
            limits = {"loader": GOAL_LOADER if count == 32 else None, "pack": GOAL_PACK}
            for strategy in DYNAMIC:
                limit = limits.get(strategy)
                one = found[size, count, strategy]
                where = f"{strategy}, {count} services over {SIZES[size]}"
                ratio = round(one.instructions / base.instructions, 4)
                add(f"{where}: instructions", "of static's", ratio, base.instructions, limit)
                small = GOAL_LARGE if size == "large" and count == 32 else None
                add(f"{where}: image", "of static's", round(one.image / base.image, 4), base.image, small)
                add(f"{where}: RAM", "of static's", round(one.ram / base.ram, 4), base.ram, small)
        for strategy in DYNAMIC:
            few, many = (found[size, count, strategy].instructions for count in COUNTS[1:])
            few_static, many_static = (found[size, count, "static"].instructions for count in COUNTS[1:])
            ratio = round((many - few) / (many_static - few_static), 4)
            peer = (many_static - few_static) // (COUNTS[2] - COUNTS[1])
            add(f"{strategy}, each further service over {SIZES[size]}: instructions", "of static's", ratio, peer, None)
    return rows


def plot(found: dict[tuple[str, int, str], Measured]) -> str:
    panels = []
    for size, text in SIZES.items():
        for title, unit, value in (
            ("RAM with the image", "MB", lambda one: one.ram / 1e6),
            ("instructions to the last service", "M", lambda one: one.instructions / 1e6),
        ):
            groups = {
                f"{count} service{'s' if count > 1 else ''}": [value(found[size, count, each]) for each in STRATEGIES]
                for count in COUNTS
            }
            panels.append(Panel(f"{title}, {text}", unit, groups))
    return panels_svg(panels, STRATEGIES)


def main() -> None:
    build = Path(sys.argv[1])
    found: dict[tuple[str, int, str], Measured] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for count in COUNTS:
                for strategy in STRATEGIES:
                    found[size, count, strategy] = measure(build, strategy, count, size, Path(folder))
        further = {strategy: parts(build, strategy, "small", Path(folder)) for strategy in STRATEGIES}
        bound = {
            (strategy, binding, called): calls(build, strategy, binding, called, Path(folder))
            for strategy in ("loader", "kernel", "interp")
            for binding in BINDINGS
            for called in CALLED
        }
    print_table(found)
    rows = goals(found)
    print()
    for row in rows:
        goal = "" if row["goal"] is None else f", goal <= {row['goal']}: {'met' if row['met'] else 'missed'}"
        if goal or "further" in str(row["what"]):
            print(f"{row['what']:66} {row['ours']:>7.4f} of static's{goal}")
    rows += [
        {
            "what": f"{strategy}, {count} services over {SIZES[size]}: {name}",
            "unit": unit,
            "ours": value,
            "peers": {},
            "goal": None,
            "met": None,
        }
        for (size, count, strategy), one in found.items()
        for name, unit, value in (
            ("image", "bytes", one.image),
            ("RAM", "frames", one.private),
            ("mapped from the image", "frames", one.shared),
            ("relocated at boot", "words", one.relocations),
            ("looked up at boot", "symbols", one.lookups),
            ("until the last service ended", "instructions", one.instructions),
            *((f"boot in {machine}", "s", round(seconds, 3)) for machine, seconds in one.seconds.items()),
        )
    ]
    print("\none more service, small libraries" + "".join(f"{strategy:>10}" for strategy in STRATEGIES))
    for part in PARTS:
        print(f"  {part:31}" + "".join(f"{further[strategy][part]:>10,}" for strategy in STRATEGIES))
    rows += [
        {
            "what": f"{strategy}, one more service over small libraries: {part}",
            "unit": "instructions",
            "ours": value,
            "peers": {},
            "goal": None,
            "met": None,
        }
        for strategy in STRATEGIES
        for part, value in further[strategy].items()
    ]
    print("\na program that refers to 1,000 functions and calls" + "".join(f"{called:>10,}" for called in CALLED))
    for strategy, binding, _ in list(bound)[:: len(CALLED)]:
        figures = "".join(f"{bound[strategy, binding, called]:>10,}" for called in CALLED)
        print(f"  {strategy}, bound {'when called' if binding == 'lazy' else 'at the start':38}" + figures)
    rows += [
        {
            "what": f"{strategy}, binding {binding}, {called} of 1,000 functions called: until the program ended",
            "unit": "instructions",
            "ours": value,
            "peers": {},
            "goal": None,
            "met": None,
        }
        for (strategy, binding, called), value in bound.items()
    ]
    print("\nwho links                      bytes of its code")
    for strategy, size in code_sizes(build).items():
        print(f"  {strategy:8} {LINKERS[strategy][0]:28} {size:>8,}")
        what = f"{strategy}: code of the part that links"
        rows.append({"what": what, "unit": "bytes", "ours": size, "peers": {}, "goal": None, "met": None})
    out = build.parent / "bench"
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "boot.json", (json.dumps(rows, indent=1) + "\n").encode())
    write_atomically(Path("docs/bootstrapping.svg"), plot(found).encode())
    print(f"{out / 'boot.json'}, docs/bootstrapping.svg")


if __name__ == "__main__":
    main()
