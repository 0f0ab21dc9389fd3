"""What a machine is handed: a kernel's segments and entry points, or a CD."""

from dataclasses import replace
from pathlib import Path

from ambilink.bootimage.identify import ENTRY64_NOTE, PVH, PVH_NOTE, BootFile
from ambilink.bootimage.multiboot_info import Module
from ambilink.bootimage.pvh_wrapper import wrap
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.machine.model import BootRequest, Kernel, KernelSegment

WRAPPER = "wrapped"  # in a scratch folder


def read_kernel(path: Path) -> Kernel:
    elf = ElfFile.open(path)
    notes = {(owner, kind): contents for owner, kind, contents in elf.notes()}
    if not elf.loads or (PVH_NOTE not in notes and ENTRY64_NOTE not in notes):
        raise elf.refuse("has no PVH note to start it by", "link the kernel with a .note of Xen type 18 (PT_NOTE)")
    entries = []
    for note in (PVH_NOTE, ENTRY64_NOTE):
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


def startable(
    machine: str, request: BootRequest, file: BootFile, protocol: str | None, scratch: Path, is_image: bool = False
) -> BootRequest:
    """The request as the machine takes it; `protocol` is one of the kernel's, by default the first that it knows.

    `is_image`: it is a boot image of this project's. Its kernel probes nothing, so what it accesses where nothing is
    ends the boot. Others go on, as on a PC, but for a debugger, which shows the place.
    """
    if request.stops_at_nothing is None:
        request = replace(request, stops_at_nothing=is_image or request.debugger_port is not None)
    if file.is_cd:
        if machine == "emulator":
            raise AmbilinkError(
                file.path,
                f"is {file.what}: the emulator has no firmware and no CD drive to start it",
                "boot it with --machine qemu, or give the emulator the kernel or boot image of which the ISO was made",
            )
        if protocol or request.arguments or request.modules:
            words = "words for the command line" if request.arguments else "modules"
            what = "a protocol" if protocol else words
            raise AmbilinkError(
                file.path, f"is {file.what}, whose boot loader does not take {what}", "change its grub.cfg"
            )
        return replace(request, is_cd=True)
    if not file.protocols:
        raise file.refuse()
    if is_image and request.modules:
        raise AmbilinkError(file.path, "is a boot image, which has its modules in it", "list the file in its manifest")
    if protocol and protocol not in file.protocols:
        raise AmbilinkError(
            file.path, f"cannot be entered by {protocol}", f"it knows {', '.join(file.protocols)}: choose one of them"
        )
    protocol = protocol or file.protocols[0]
    if protocol != PVH:
        wrapper = scratch / WRAPPER
        modules = [Module(each.path.name, read_regular(each.path), each.words) for each in request.modules]
        wrapper.write_bytes(wrap(file.path, int(protocol[-1]), modules=modules))
        request = replace(request, image=wrapper, made_of=file.path, modules=())
    return with_kernel(request) if machine == "emulator" else request
