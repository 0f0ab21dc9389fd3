"""What a machine is handed of a kernel: its segments, and the entry points that its notes name."""

from dataclasses import replace
from pathlib import Path

from ambilink.elf.file import ElfFile
from ambilink.machine.model import BootRequest, Kernel, KernelSegment

PVH = b"Xen", 18  # owner and type of the note
ENTRY64 = b"Ambilink", 1


def read_kernel(path: Path) -> Kernel:
    elf = ElfFile.open(path)
    notes = {(owner, kind): contents for owner, kind, contents in elf.notes()}
    if not elf.loads or (PVH not in notes and ENTRY64 not in notes):
        raise elf.refuse("has no PVH note to start it by", "link the kernel with a .note of Xen type 18 (PT_NOTE)")
    entries = []
    for note in (PVH, ENTRY64):
        if note in notes and len(notes[note]) not in (4, 8):
            raise elf.refuse(f"has a note of {note[0].decode()} whose entry point does not have 4 or 8 bytes")
        entries.append(int.from_bytes(notes[note], "little") if note in notes else None)
    segments = tuple(
        KernelSegment(each.physical, elf.contents(each, "a segment"), each.memory_size) for each in elf.loads
    )
    return Kernel(segments, *entries)


def with_kernel(request: BootRequest) -> BootRequest:
    """For a machine that does not read the file by itself: the emulator."""
    return replace(request, kernel=read_kernel(request.image))
