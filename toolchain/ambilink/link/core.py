"""The linker core (libs/rtld) built for this machine, through ctypes: tests/rtld/host/host.c is its other side."""

import ctypes
import mmap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.elf.layout import PAGE
from ambilink.link.module import Module

SPACE_BASE = 0x10_0000_0000
SPACE_SIZE = 16 << 20
BLOCK_SIZE = 4 << 20
LOG_SIZE = 4 << 20
LARGE = 1 << 30
STOP_AT_FIRST, QUIET = 1, 2

Find = Callable[[str, str], int]
FIND = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, ctypes.c_char_p)


class HostFile(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_uint64)]


class Host(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.POINTER(HostFile)),
        ("find", FIND),
        ("name", ctypes.c_char_p),
        ("space", ctypes.c_void_p),
        ("space_base", ctypes.c_uint64),
        ("space_size", ctypes.c_uint64),
        ("block", ctypes.c_void_p),
        ("block_size", ctypes.c_uint64),
        ("log", ctypes.c_void_p),
        ("log_size", ctypes.c_uint64),
        ("log_used", ctypes.c_uint64),
        ("address", ctypes.c_uint64),
        ("space_used", ctypes.c_uint64),
        ("block_used", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
    ]


@dataclass
class Window:
    address: int
    data: bytes


@dataclass
class Result:
    """What the host wrote, and the writable memory that it linked."""

    good: bool
    lines: list[str]
    windows: dict[str, list[Window]] = field(default_factory=dict)

    def rows(self, word: str) -> list[list[str]]:
        return [line.split(" ")[1:] for line in self.lines if line.startswith(f"{word} ")]

    @property
    def bias(self) -> dict[str, int]:
        return {name: int(bias, 16) for name, bias in self.rows("module")}

    @property
    def provider(self) -> dict[tuple[str, str], str]:
        """(object, symbol) to the object that it is bound to."""
        return {(row[0], row[3]): row[5] for row in self.rows("bind")}

    @property
    def initializers(self) -> list[int]:
        return [int(row[0], 16) for row in self.rows("init")]

    @property
    def finalizers(self) -> list[int]:
        return [int(row[0], 16) for row in self.rows("fini")]

    @property
    def resolvers(self) -> list[tuple[int, int, int]]:
        rows = self.rows("resolver")
        return [(int(place, 16), int(function, 16), int(addend, 16)) for place, function, addend in rows]

    @property
    def errors(self) -> list[str]:
        return [line.split(" ", 2)[2] for line in self.lines if line.startswith("error ")]

    def word(self, address: int, size: int = 8) -> int:
        for windows in self.windows.values():
            for window in windows:
                at = address - window.address
                if 0 <= at <= len(window.data) - size:
                    return int.from_bytes(window.data[at : at + size], "little")
        raise KeyError(hex(address))


def host_files(contents: Iterable[bytes]) -> tuple[list[object], list[HostFile]]:
    """Copies in page-aligned memory, as files are in a boot image; the first list keeps it."""
    keep: list[object] = []
    entries = []
    for data in contents:
        raw = ctypes.create_string_buffer(len(data) + PAGE)
        start = (ctypes.addressof(raw) + PAGE - 1) & -PAGE
        ctypes.memmove(start, data, len(data))
        keep.append(raw)
        entries.append(HostFile(start, len(data)))
    return keep, entries


class Linker:
    """Runs the core over files in memory; `find` answers DT_NEEDED names with positions in the list of files."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def run(
        self,
        name: str,
        files: "ctypes.Array[HostFile]",
        find: Find,
        *,
        flags: int = 0,
        space_size: int = SPACE_SIZE,
        block_size: int = BLOCK_SIZE,
        log_size: int = LOG_SIZE,
    ) -> Result:
        host, maps = self._host(name, files, find, flags, (space_size, block_size, log_size))
        return self._result(bool(self.library.host_link(ctypes.byref(host))), host, maps)

    @staticmethod
    def _host(
        name: str, files: "ctypes.Array[HostFile]", find: Find, flags: int, sizes: tuple[int, int, int]
    ) -> tuple[Host, list[mmap.mmap]]:
        # Anonymous maps, so that only what is used costs anything.
        maps = [mmap.mmap(-1, size) for size in sizes]
        space, block, log = (ctypes.addressof(ctypes.c_char.from_buffer(area)) for area in maps)
        host = Host(
            files,
            FIND(lambda referrer, wanted: find(referrer.decode(errors="replace"), wanted.decode(errors="replace"))),
            name.encode(),
            space,
            SPACE_BASE,
            sizes[0],
            block,
            sizes[1],
            log,
            sizes[2],
            flags=flags,
        )
        return host, maps

    @staticmethod
    def _result(good: bool, host: Host, maps: list[mmap.mmap]) -> Result:
        result = Result(good, maps[2][: host.log_used].decode("utf-8", "replace").splitlines())
        for image, address, size, offset in result.rows("window"):
            start = int(offset, 16)
            data = maps[0][start : start + int(size, 16)]
            result.windows.setdefault(image, []).append(Window(int(address, 16), data))
        return result

    def link_in_turn(self, programs: Sequence[bytes], libraries: dict[str, bytes]) -> list[Result]:
        """Several programs with the same libraries, each with what the links before it left to be known."""
        keep, shared = host_files(libraries.values())
        numbers = {name: number for number, name in enumerate(libraries, 1)}
        hosts, maps = (Host * len(programs))(), []
        for index, program in enumerate(programs):
            own, (entry,) = host_files([program])
            keep += own
            table = (HostFile * (1 + len(shared)))(entry, *shared)
            sizes = (SPACE_SIZE, BLOCK_SIZE, LOG_SIZE)
            hosts[index], areas = self._host("program", table, lambda _, name: numbers.get(name, -1), QUIET, sizes)
            maps.append(areas)
        good = self.library.host_link_all(hosts, len(programs))
        return [self._result(good == len(programs), host, areas) for host, areas in zip(hosts, maps, strict=True)]

    def link(self, files: dict[str, bytes], *, flags: int = 0, block_size: int = BLOCK_SIZE) -> Result:
        """The first file is the program; the others are found by their names."""
        _keep, entries = host_files(files.values())
        table = (HostFile * len(files))(*entries)
        numbers = {name: number for number, name in enumerate(files)}
        return self.run(
            next(iter(files)), table, lambda _, name: numbers.get(name, -1), flags=flags, block_size=block_size
        )

    def link_images(self, images: Sequence[Module], *, flags: int = 0) -> Result:
        """Files that the model loaded; DT_NEEDED names mean what they mean to the model."""
        keep, table = [], (HostFile * len(images))()
        for index, image in enumerate(images):
            with image.path.open("rb") as file:
                area = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            keep.append(area)
            table[index] = HostFile(ctypes.addressof(ctypes.c_char.from_buffer(area)), len(area))
        numbers = {id(image): number for number, image in enumerate(images)}
        needs = {
            (image.name, name): numbers[id(needed)]
            for image in images
            for name, needed in zip(image.needed_names, image.needed, strict=True)
        }
        writable = sum(
            segment.memory_size + 2 * PAGE for image in images for segment in image.loads if segment.writable
        )
        return self.run(
            images[0].name,
            table,
            lambda referrer, name: needs.get((referrer, name), -1),
            flags=flags,
            space_size=writable + PAGE,
            block_size=LARGE,
            log_size=LARGE,
        )
