"""The script for gdb: what it must know of an image to follow a boot's processes. `in_gdb.py` does the rest, in gdb."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambilink.bootimage.container import ImageFile, read
from ambilink.bootimage.identify import identify
from ambilink.bootimage.layout import FileKind
from ambilink.debug.functions import check_places
from ambilink.debug.places import KERNEL, parse_place
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import PF_X, Section
from ambilink.errors import AmbilinkError
from ambilink.verify.kernel_place import STOP_SYMBOL
from ambilink.verify.kernel_state import MOVED, PROCESS, RECORD, RECORD_SYMBOL
from ambilink.verify.symbol_files import SymbolFiles, kernel_symbols

MOVING = ("kernel_text_start", "kernel_end")  # of our kernel: what lies between them moves
MAPPED_SYMBOL = "code_mapped"  # of our kernel: <ambilink/record.h>
IN_GDB = Path(__file__).with_name("in_gdb.py")


@dataclass(frozen=True)
class GdbScript:
    text: str
    missing: tuple[str, ...]  # files whose symbols are not in the build folder, in words
    packed: ImageFile | None = None  # the image, where it is ours


def _segments(elf: ElfFile) -> list[list[int]]:
    """p_offset, p_vaddr, p_filesz, p_memsz of what can be executed."""
    return [[each.offset, each.address, each.file_size, each.memory_size] for each in elf.loads if each.flags & PF_X]


def _stubs(path: str | None) -> list[list[int]]:
    """Where gdb finds functions of other objects: in procedure linkage tables."""
    sections = zip(*_named_sections(path), strict=True) if path else ()
    return [[each.addr, each.addr + each.size] for name, each in sections if ".plt" in name]


def _named_sections(path: str) -> tuple[list[str], list[Section]]:
    elf = ElfFile.open(Path(path))
    return elf.section_names, elf.sections


class _Symbols:
    """Files of the build folder that are of the same build as those of the image."""

    def __init__(self, root: Path) -> None:
        self.root, self.missing, self._all = root, list[str](), SymbolFiles([root])

    def find(self, name: str, inside: ElfFile) -> str | None:
        path = self.root / name
        if inside.build_id is None:
            self.missing.append(f"{name} in the image has no build-id by which its symbols could be found")
            return None
        try:
            if path.is_file() and ElfFile.open(path).build_id == inside.build_id:
                return os.path.realpath(path)
        except AmbilinkError:
            pass  # damaged: another one may serve
        other = self._all.find(inside.build_id)  # an interpreter has another name in the image
        if other:
            return os.path.realpath(other)
        what = f"{path} is of another build" if path.is_file() else f"{path} is not there"
        self.missing.append(f"no symbols of {name}: {what}")
        return None


def _files(image: ImageFile, symbols: _Symbols) -> list[dict[str, Any]]:
    found = []
    for file in image.archive.files:
        if not (file.kind.is_elf or file.kind is FileKind.MODULE):
            continue
        elf = ElfFile(Path(f"{image.path}:{file.name}"), image.archive.contents(file))
        path = symbols.find(file.name, elf)
        found.append(
            {
                "name": file.name,
                "physical": image.archive_address + file.offset,
                "size": file.size,
                "segments": _segments(elf),
                "symbols": path,
                "stubs": _stubs(path),
            }
        )
    return found


def _moving(image: Path) -> dict[str, Any]:
    """Of a kernel that relocates itself: where it says how far, and the addresses that it leaves. Others: nothing."""
    try:
        elf = ElfFile.open(image)
        symbols = elf.addresses()
        placed, record, *span = (symbols[name] for name in (STOP_SYMBOL, RECORD_SYMBOL, *MOVING))
    except (AmbilinkError, KeyError):
        return {}
    return {
        "placed": placed,
        "record": record,
        "record_format": RECORD.format,
        "moved_field": MOVED,
        "kernel_span": span,
    }


def _text(path: Path | None) -> str | None:
    return os.path.realpath(path) if path else None


def make_script(image: Path, root: Path, port: int, places: Sequence[str]) -> GdbScript:
    """`root`: the build folder. An image that is not ours has its kernel's symbols only."""
    symbols = _Symbols(root)
    session: dict[str, Any] = {
        "target": f"127.0.0.1:{port}",
        "kernel": None if identify(image).is_cd else _text(kernel_symbols(image, root)),
        "folders": [str(each) for each in (Path.cwd(), *Path(os.path.realpath(root)).parents[:2])],
        "files": [],
        **_moving(image),
    }
    names: list[str] = []
    services: dict[str, str] = {}
    packed = _read_packed(image)
    if packed and MAPPED_SYMBOL in packed.symbols and RECORD_SYMBOL in packed.symbols:
        session |= {
            "files": _files(packed, symbols),
            "mapped": packed.symbols[MAPPED_SYMBOL],
            "record": packed.symbols[RECORD_SYMBOL],
            "record_format": RECORD.format,
            "process_format": PROCESS.format,
        }
        names = [each["name"] for each in session["files"]]
        services = {each.name: each.file for each in packed.archive.services}
        services.setdefault("loader", packed.archive.loader)
    wanted = [parse_place(text, image, names, services) for text in places]
    check_places(wanted, {KERNEL: session["kernel"], **{each["name"]: each["symbols"] for each in session["files"]}})
    session["places"] = [[each.text, each.file, each.service, each.spec] for each in wanted]
    lines = (
        "# Written by `ambilink boot --gdb` for one boot: give it to gdb with -x.",
        "set confirm off",
        "set pagination off",
        "set breakpoint pending on",
        "set architecture i386:x86-64",
        "python",
        "import json",
        f"ambilink_session = json.loads({json.dumps(session)!r})",
        f"exec(compile(open({str(IN_GDB)!r}).read(), {str(IN_GDB)!r}, 'exec'))",
        "end",
        "",
    )
    return GdbScript("\n".join(lines), tuple(symbols.missing), packed)


def _read_packed(image: Path) -> ImageFile | None:
    try:
        return read(image)
    except AmbilinkError:
        return None
