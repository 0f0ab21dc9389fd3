"""What a machine must know of a kernel to start it: segments and entry points."""

from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from ambilink.errors import AmbilinkError

NOTE_XEN_PVH = 18
NOTE_AMBILINK_ENTRY64 = 1


@dataclass(frozen=True)
class LoadSegment:
    address: int  # physical
    data: bytes
    memory_size: int


@dataclass(frozen=True)
class KernelFile:
    segments: list[LoadSegment]
    entry32: int | None  # PVH: 32-bit protected mode, paging off, ebx = start info
    entry64: int | None  # long mode, memory identity-mapped, rbx = start info

    @property
    def end(self) -> int:
        return max(s.address + s.memory_size for s in self.segments)


def _notes(data: bytes) -> dict[tuple[str, int], bytes]:
    """Notes of one PT_NOTE segment by owner and type (gABI, note section)."""
    found: dict[tuple[str, int], bytes] = {}
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = (int.from_bytes(data[at + i : at + i + 4], "little") for i in (0, 4, 8))
        name_at, at = at + 12, at + 12 + (name_size + 3) // 4 * 4
        name = data[name_at : name_at + name_size].rstrip(b"\0").decode("ascii", "replace")
        found[name, kind] = data[at : at + size]
        at += (size + 3) // 4 * 4
    return found


def read_kernel(path: Path) -> KernelFile:
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            elf = ELFFile(stream)
            segments, notes = [], {}
            for segment in elf.iter_segments():
                if segment["p_offset"] + segment["p_filesz"] > size:
                    raise AmbilinkError(
                        path, "is truncated: a segment ends behind the end of the file", "pack it again"
                    )
                if segment["p_type"] == "PT_LOAD" and segment["p_memsz"]:
                    segments.append(LoadSegment(segment["p_paddr"], segment.data(), segment["p_memsz"]))
                elif segment["p_type"] == "PT_NOTE":
                    notes.update(_notes(segment.data()))
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    except (ELFError, ValueError, AssertionError) as error:
        raise AmbilinkError(path, f"is not a sound ELF file ({error})", "pack it again") from error
    pvh = notes.get(("Xen", NOTE_XEN_PVH))
    entry64 = notes.get(("Ambilink", NOTE_AMBILINK_ENTRY64))
    if not segments or (pvh is None and entry64 is None):
        raise AmbilinkError(
            path, "has no PVH note to start it by", "link the kernel with a .note of Xen type 18 (PT_NOTE)"
        )
    for part in segments:
        if len(part.data) > part.memory_size:
            raise AmbilinkError(path, "is not a sound ELF file (p_filesz exceeds p_memsz)", "pack it again")
    return KernelFile(
        segments,
        int.from_bytes(pvh, "little") if pvh else None,
        int.from_bytes(entry64, "little") if entry64 else None,
    )
