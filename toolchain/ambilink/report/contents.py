"""What fills a boot image and, after a boot, the machine's memory. The parts of each add up to the whole."""

from collections import Counter
from pathlib import Path
from typing import Any

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import PAGE_SIZE, round_up
from ambilink.elf.file import ElfError, ElfFile
from ambilink.elf.layout import SHT_NOBITS, SHT_NULL
from ambilink.verify.kernel_state import KernelState
from ambilink.verify.system import SystemReport

Part = dict[str, Any]  # name, kind, offset, bytes; same_as where another file has the same contents


def image_parts(path: Path, image: ImageFile | None) -> list[Part]:
    """Of a boot image, its kernel and files; of another ELF file, its sections; of what else there is, the whole."""
    size = path.stat().st_size
    if image is not None:
        return _filled([*_archive_parts(image)], size, "headers")
    try:
        elf = ElfFile.open(path)
        named = zip(elf.sections, elf.section_names, strict=True)
        parts = [
            _part(name, "section", each.offset, each.size)
            for each, name in sorted(named, key=lambda pair: pair[0].offset)
            if each.size and each.type not in (SHT_NULL, SHT_NOBITS)
        ]
        if parts and _are_apart(parts, size):
            return _filled(parts, size, "headers and padding")
    except (ElfError, ValueError):
        pass
    return [_part(path.name, "file", 0, size)]


def _part(name: str, kind: str, offset: int, size: int) -> Part:
    return {"name": name, "kind": kind, "offset": offset, "bytes": size}


def _are_apart(parts: list[Part], size: int) -> bool:
    ends = [0]
    for part in parts:
        if part["offset"] < ends[-1]:
            return False
        ends.append(part["offset"] + part["bytes"])
    return ends[-1] <= size


def _archive_parts(image: ImageFile) -> list[Part]:
    start, archive = image.archive_offset, image.archive
    parts = [_part("kernel", "kernel", 0, start)]
    first: dict[int, str] = {}
    for file in sorted(archive.files, key=lambda file: file.offset):
        if file.offset in first and file.size:
            parts.append(
                _part(file.name, file.kind.name.lower(), start + file.offset, 0) | {"same_as": first[file.offset]}
            )
            continue
        first.setdefault(file.offset, file.name)
        parts.append(_part(file.name, file.kind.name.lower(), start + file.offset, file.size))
    lowest = min((file.offset for file in archive.files), default=len(archive.data))
    parts.insert(1, _part("directory of the archive", "directory", start, lowest))
    return parts


def _filled(parts: list[Part], size: int, rest: str) -> list[Part]:
    """With what lies between the parts."""
    taken = sum(part["bytes"] for part in parts)
    return [*parts, _part(rest if rest != "headers" else "padding to pages, and headers", "padding", 0, size - taken)]


def memory_parts(image: ImageFile, state: KernelState, report: SystemReport, total: int) -> list[Part]:
    """Who has the machine's memory, in bytes: name, kind, bytes, and of processes' own memory the process."""
    users: Counter[int] = Counter()
    for view in report.processes:
        users.update(view.frames)
    archive = range(image.archive_address, image.archive_address + len(image.archive.data))
    of_image = {frame: count for frame, count in users.items() if frame in archive}
    outside = {frame: count for frame, count in users.items() if frame not in archive}
    several = sum(count > 1 for count in of_image.values())
    kernel = sum(round_up(size) for _, physical, size in image.kernel_segments if physical != image.archive_address)
    parts = [
        _memory("kernel", "kernel", kernel),
        _memory("image, mapped by several processes", "shared", several * PAGE_SIZE),
        _memory("image, mapped by one process", "single", (len(of_image) - several) * PAGE_SIZE),
        _memory("image, mapped by no process", "image", len(archive) - len(of_image) * PAGE_SIZE),
    ]
    for view in report.processes:
        own = sum(1 for frame in view.frames if outside.get(frame) == 1) * PAGE_SIZE
        parts.append(_memory(view.process.name, "private", own) | {"process": view.process.number})
    common = sum(count > 1 for count in outside.values()) * PAGE_SIZE
    parts.append(_memory("shared between processes, not of the image", "common", common))
    tables = (state.frames_used - len(outside)) * PAGE_SIZE
    parts.append(_memory("page tables, objects and buffers of the kernel", "tables", tables))
    parts.append(_memory("free", "free", (state.frames_total - state.frames_used) * PAGE_SIZE))
    parts.append(_memory("not handed out by the kernel", "reserved", total - sum(part["bytes"] for part in parts)))
    return parts


def _memory(name: str, kind: str, size: int) -> Part:
    return {"name": name, "kind": kind, "bytes": size}
