"""Calling the linker core: host.c is the other side, with the same structures."""

import ctypes
import mmap
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ambilink.core.sources import CoreUnavailable
from ambilink.elf.layout import PAGE
from ambilink.errors import AmbilinkError
from ambilink.link.module import Module

SPACE_BASE = 0x10_0000_0000
LARGE = 1 << 30
WRITABLE_MAX = 256 << 20  # bytes
STOP_AT_FIRST, QUIET = 1, 2
LINKED, MISUSED = 1, 2
# Functions of the program that TLS descriptors lead to: fixed, dynamic, absent.
TlsFunctions = tuple[bytes, bytes, bytes]

_u64 = ctypes.c_uint64


def _structure(name: str, fields: list[tuple[str, Any]]) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": fields})


def _counted(name: str, kind: Any) -> list[tuple[str, Any]]:
    return [(f"{name}s", ctypes.POINTER(kind)), (f"{name}_count", _u64)]


Need = _structure("Need", [("name", ctypes.c_char_p), ("file", _u64)])
File = _structure("File", [("bytes", ctypes.c_void_p), ("size", _u64), *_counted("need", Need), ("bias", _u64)])
ModuleRecord = _structure(
    "ModuleRecord",
    [
        ("name", ctypes.c_char_p),
        *((name, _u64) for name in ("file", "bias", "tls_module")),
        ("tls_offset", ctypes.c_int64),
        *((name, _u64) for name in ("build_id", "features", "executable_stack")),
    ],
)
ContentsRecord = _structure(
    "ContentsRecord", [("file", _u64), ("address", _u64), ("size", _u64), ("bytes", ctypes.c_void_p)]
)
# struct pending_ifunc of rtld/link.h
PendingRecord = _structure(
    "PendingRecord", [("module", ctypes.c_void_p), ("place", _u64), ("resolver", _u64), ("addend", _u64)]
)
CoreLink = _structure(
    "CoreLink",
    [
        ("name", ctypes.c_char_p),
        *_counted("file", File),
        ("staging", ctypes.c_void_p),
        ("staging_size", _u64),
        ("block", ctypes.c_void_p),
        ("block_size", _u64),
        ("log", ctypes.c_void_p),
        ("log_size", _u64),
        ("base", _u64),
        ("tls_surplus", _u64),
        ("tls_functions", ctypes.c_char_p * 3),
        ("flags", _u64),
        *((name, _u64) for name in ("log_used", "staging_used", "block_used")),
        *_counted("module", ModuleRecord),
        ("contents", ctypes.POINTER(ContentsRecord)),
        ("contents_count", _u64),
        *_counted("pending_ifunc", PendingRecord),
        *_counted("initializer", _u64),
        *_counted("finalizer", _u64),
        *_counted("object", ctypes.c_uint32 * 2),
        *((name, _u64) for name in ("entry", "tls_size", "tls_align", "steps", "incomplete")),
    ],
)


class Memory:
    """What one link works in. Anonymous maps, so that only what is used costs anything."""

    def __init__(self, *, staging: int = 16 << 20, block: int = 4 << 20, log: int = 4 << 20) -> None:
        self.sizes = staging, block, log
        try:
            self._maps = [mmap.mmap(-1, size) for size in self.sizes]
        except OSError as error:
            raise AmbilinkError("linker core", f"has no memory to link in ({error.strerror})") from error
        self.addresses = [ctypes.addressof(ctypes.c_char.from_buffer(area)) for area in self._maps]

    def log(self, size: int) -> bytes:
        return self._maps[2][:size]


@dataclass(frozen=True)
class LinkedModule:
    name: str
    file: int  # its number
    bias: int
    tls_module: int  # 0: no thread-local data
    tls_offset: int  # of the block's start from the thread pointer
    build_id: int  # the first eight bytes
    features: int
    executable_stack: int  # 1: asked for


@dataclass(frozen=True)
class Contents:
    """The pages of a writable segment after the link."""

    address: int  # p_vaddr of the first
    data: bytes


@dataclass
class Result:
    """What came of a link. With `good` false there are errors and bindings, and nothing else."""

    good: bool
    log: list[str]
    modules: list[LinkedModule] = field(default_factory=list)
    contents: dict[int, list[Contents]] = field(default_factory=dict)  # by number of the file
    pending_ifuncs: list[tuple[int, int, int]] = field(default_factory=list)  # place, function, addend
    initializers: list[int] = field(default_factory=list)
    finalizers: list[int] = field(default_factory=list)
    objects: list[tuple[int, int]] = field(default_factory=list)  # how many of both each has, in the order of the start
    entry: int = 0
    tls_size: int = 0
    tls_align: int = 0
    steps: int = 0

    @property
    def errors(self) -> list[str]:
        return [line.split(" ", 2)[2] for line in self.log if line.startswith("error ")]

    @property
    def bindings(self) -> list[str]:
        """In the order of looking them up, as `binding_text` prints them (libs/rtld)."""
        return [line for line in self.log if line.startswith("bind ")]

    @property
    def provider(self) -> dict[tuple[str, str], str]:
        """(object, symbol) to the object that it is bound to."""
        rows = (line.split(" ") for line in self.bindings)
        return {(row[1], row[4]): row[6] for row in rows}

    @property
    def bias(self) -> dict[str, int]:
        return {module.name: module.bias for module in self.modules}

    def word(self, address: int, size: int = 8) -> int:
        """Of the linked address space."""
        for module in self.modules:
            for part in self.contents.get(module.file, []):
                at = address - module.bias - part.address
                if 0 <= at <= len(part.data) - size:
                    return int.from_bytes(part.data[at : at + size], "little")
        raise KeyError(hex(address))


class Input:
    """The files of a link, page-aligned in memory as they are in a boot image: `bytes` are copied, maps are not."""

    def __init__(self, contents: Iterable[bytes | mmap.mmap]) -> None:
        self.addresses: list[tuple[int, int]] = []
        self._keep: list[object] = []
        for data in contents:
            self.addresses.append(
                (self._mapped(data) if isinstance(data, mmap.mmap) else self._copied(data), len(data))
            )

    def _copied(self, data: bytes) -> int:
        raw = ctypes.create_string_buffer(len(data) + PAGE)
        start = (ctypes.addressof(raw) + PAGE - 1) & -PAGE
        ctypes.memmove(start, data, len(data))
        self._keep.append(raw)
        return start

    def _mapped(self, area: mmap.mmap) -> int:
        view = ctypes.c_char.from_buffer(area)
        self._keep += [area, view]
        return ctypes.addressof(view)

    def table(self, needs: Sequence[Mapping[str, int]], biases: Sequence[int] = ()) -> "ctypes.Array[Any]":
        """struct core_file of each. `needs`: the numbers of the files that DT_NEEDED names lead to."""
        files = (File * len(self.addresses))()
        arrays: dict[int, Any] = {}
        for number, (address, size) in enumerate(self.addresses):
            names = needs[number]
            if id(names) not in arrays:
                entries = [Need(os.fsencode(name), file) for name, file in names.items()]
                arrays[id(names)] = (Need * len(entries))(*entries)
            bias = biases[number] % (1 << 64) if biases else 0
            files[number] = File(address, size, arrays[id(names)], len(names), bias)
        files.keep = [self, arrays]  # type: ignore[attr-defined]
        return files


def _data_of(module: Module) -> bytes | mmap.mmap:
    """For ctypes a map must be one that could be written to."""
    if isinstance(module.data, bytes):
        return module.data
    with module.path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


class Linker:
    """The compiled core. What it is given is checked there; what is called wrongly raises ValueError."""

    def __init__(self, library: Path) -> None:
        self.path = library
        try:
            self.library = ctypes.CDLL(str(library))
            self._link: Callable[..., int] = self.library.core_link
            self._link_in_turn: Callable[..., int] = self.library.core_link_in_turn
        except (OSError, AttributeError) as error:
            raise CoreUnavailable(library, f"cannot be loaded as the linker core ({error})") from error
        self.library.core_link_in_turn.argtypes = [ctypes.POINTER(CoreLink), _u64]

    @staticmethod
    def request(
        name: str,
        files: "ctypes.Array[Any]",
        memory: Memory,
        *,
        flags: int = 0,
        base: int = SPACE_BASE,
        tls_surplus: int = 0,
        tls_functions: TlsFunctions | None = None,
    ) -> Any:
        """struct core_link. `base` 0: at the files' biases."""
        parts = [part for pair in zip(memory.addresses, memory.sizes, strict=True) for part in pair]
        names = (ctypes.c_char_p * 3)(*(tls_functions or ()))
        return CoreLink(os.fsencode(name), files, len(files), *parts, base, tls_surplus, names, flags)

    def run(self, request: Any, memory: Memory) -> Result:
        return self._result(self._link(ctypes.byref(request)), request, memory)

    @staticmethod
    def _result(status: int, request: Any, memory: Memory) -> Result:
        if status == MISUSED:
            raise ValueError("the linker core was called without files, names or memory")
        log = memory.log(request.log_used).decode("utf-8", "replace").split("\0")[:-1]
        if request.incomplete:
            raise AmbilinkError("linker core", f"its log of {request.log_size:,} bytes is full", "link fewer files")
        result = Result(status == LINKED, log)
        if not result.good:
            return result
        for record in request.modules[: request.module_count]:
            values = {name: getattr(record, name) for name, *_ in ModuleRecord._fields_}
            values["name"] = record.name.decode("utf-8", "replace")
            result.modules.append(LinkedModule(**values))
        for record in request.contents[: request.contents_count]:
            part = Contents(record.address, ctypes.string_at(record.bytes, record.size))
            result.contents.setdefault(record.file, []).append(part)
        pending = request.pending_ifuncs[: request.pending_ifunc_count]
        result.pending_ifuncs = [(each.place, each.resolver, each.addend) for each in pending]
        result.initializers = request.initializers[: request.initializer_count]
        result.finalizers = request.finalizers[: request.finalizer_count]
        result.objects = [(first, last) for first, last in request.objects[: request.object_count]]
        for name in ("entry", "tls_size", "tls_align", "steps"):
            setattr(result, name, getattr(request, name))
        return result

    def link(self, files: Mapping[str, bytes], *, flags: int = 0, block_size: int = 4 << 20) -> Result:
        """The first file is the program; the others are found by their names."""
        numbers = {name: number for number, name in enumerate(files)}
        memory = Memory(block=block_size)
        table = Input(files.values()).table([numbers] * len(files))
        return self.run(self.request(next(iter(files)), table, memory, flags=flags), memory)

    def link_in_turn(self, programs: Sequence[bytes], libraries: Mapping[str, bytes]) -> list[Result]:
        """Several programs with the same libraries, each with what the links before it left in the cache."""
        numbers = {name: number for number, name in enumerate(libraries, 1)}
        shared = Input(libraries.values())
        requests, memories, inputs = (CoreLink * len(programs))(), [], []
        for index, program in enumerate(programs):
            own = Input([program])
            own.addresses += shared.addresses
            inputs.append(own.table([numbers] * len(own.addresses)))
            memories.append(Memory())
            requests[index] = self.request("program", inputs[-1], memories[-1], flags=QUIET)
        status = self._link_in_turn(requests, len(programs))
        return [self._result(status, *pair) for pair in zip(requests, memories, strict=True)]

    def link_modules(
        self,
        modules: Sequence[Module],
        input: Input | None = None,
        *,
        flags: int = 0,
        biases: Sequence[int] = (),
        tls_surplus: int = 0,
        tls_functions: TlsFunctions | None = None,
    ) -> Result:
        """A closure that the model loaded; DT_NEEDED names mean what they mean to the model. At `biases`, or one after
        the other; `input`: the modules' files, where they are linked more than once."""
        input = input or Input(_data_of(module) for module in modules)
        numbers = {id(module): number for number, module in enumerate(modules)}
        needs = [
            {name: numbers[id(needed)] for name, needed in module.needed_by_name().items()}
            for module in modules
        ]
        writable = sum(
            segment.memory_size + 2 * PAGE for module in modules for segment in module.loads if segment.writable
        )
        if writable > WRITABLE_MAX:  # it is filled, and copied to be compared
            raise AmbilinkError(
                modules[0].path,
                f"and its libraries have {writable >> 20:,} MiB of writable memory, more than {WRITABLE_MAX >> 20}",
                "is a p_memsz damaged?",
            )
        memory = Memory(staging=writable + PAGE, block=LARGE, log=LARGE)
        request = self.request(
            modules[0].name,
            input.table(needs, biases),
            memory,
            flags=flags,
            base=0 if biases else SPACE_BASE,
            tls_surplus=tls_surplus,
            tls_functions=tls_functions,
        )
        return self.run(request, memory)
