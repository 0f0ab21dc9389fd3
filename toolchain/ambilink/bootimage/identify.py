"""What a file is that is to be booted; where no machine boots it, why not and what to do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ambilink.bootimage.multiboot_header import find_header
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import Data
from ambilink.elf.psabi import E_MACHINES
from ambilink.errors import AmbilinkError
from ambilink.files import map_regular

PVH_NOTE = b"Xen", 18  # owner and type
ENTRY64_NOTE = b"Ambilink", 1
PVH, MULTIBOOT2, MULTIBOOT1 = "pvh", "multiboot2", "multiboot1"
MULTIBOOT = {2: MULTIBOOT2, 1: MULTIBOOT1}
ELF_TYPES = {1: "an object file", 3: "a shared object or a position-independent program", 4: "a core dump"}


@dataclass(frozen=True)
class BootFile:
    path: Path
    what: str  # as in: it is ...
    protocols: tuple[str, ...] = ()  # by which it can be entered, if it is a kernel
    is_cd: bool = False
    is_ambilink: bool = False  # a kernel that knows this project's own protocol
    remedy: str = ""  # where nothing boots it

    def refuse(self) -> AmbilinkError:
        return AmbilinkError(self.path, f"is {self.what}, which no machine boots", self.remedy)


@dataclass(frozen=True)
class _Form:
    what: str
    remedy: str
    matches: Callable[[Data], bool]


def _magic(text: bytes, offset: int = 0) -> Callable[[Data], bool]:
    return lambda data: data[offset : offset + len(text)] == text


def _is_pe(data: Data) -> bool:
    at = int.from_bytes(data[0x3C:0x40], "little")
    return data[:2] == b"MZ" and data[at : at + 4] == b"PE\0\0"


def _is_text(data: Data) -> bool:
    try:
        text = data[:4096].decode("utf-8", "strict") if len(data) < 4096 else data[:4096].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)


_UNPACK = "unpack it first"
_DISK = "give a kernel, a boot image or an ISO; a disk image starts with qemu-system-x86_64 -drive"
_BOOTABLE = "give a kernel with a PVH note or a multiboot header, a boot image, or an ISO"
_FORMS = (
    _Form("compressed by gzip", _UNPACK, _magic(b"\x1f\x8b")),
    _Form("compressed by xz", _UNPACK, _magic(b"\xfd7zXZ\0")),
    _Form("compressed by zstd", _UNPACK, _magic(b"\x28\xb5\x2f\xfd")),
    _Form("compressed by bzip2", _UNPACK, _magic(b"BZh")),
    _Form("compressed by lz4", _UNPACK, _magic(b"\x04\x22\x4d\x18")),
    _Form("a ZIP archive", _UNPACK, _magic(b"PK\x03\x04")),
    _Form("a tar archive", _UNPACK, _magic(b"ustar", 257)),
    _Form("a cpio archive", _UNPACK, _magic(b"07070")),
    _Form(
        "a Linux kernel (bzImage)",
        "the vmlinux in it, which Linux's scripts/extract-vmlinux unpacks, boots; or use qemu-system-x86_64 -kernel",
        _magic(b"HdrS", 0x202),
    ),
    _Form("a PE file, as EFI programs are", "put it on an ISO, as EFI/BOOT/BOOTX64.EFI", _is_pe),
    _Form("a disk image of QEMU (qcow2)", _DISK, _magic(b"QFI\xfb")),
    _Form("a disk image with a GPT", _DISK, _magic(b"EFI PART", 512)),
    _Form("a boot sector or a disk image with one (MBR)", _DISK, _magic(b"\x55\xaa", 510)),
    _Form("a static library", _BOOTABLE, _magic(b"!<arch>\n")),
    _Form("a Mach-O file", _BOOTABLE, _magic(b"\xcf\xfa\xed\xfe")),
    _Form("a script", _BOOTABLE, _magic(b"#!")),
)


def identify(path: Path) -> BootFile:
    """A file that cannot be read, or an ELF file that is damaged, is an error."""
    data = map_regular(path, "give a kernel, a boot image or an ISO")
    if not data:
        return BootFile(path, "an empty file", remedy="build it again")
    if data[0x8001:0x8006] == b"CD001":
        return BootFile(path, "an ISO 9660 image", is_cd=True)
    if data[:4] == b"\x7fELF":
        return _elf(path, data)
    protocols = tuple(MULTIBOOT[version] for version in (2, 1) if find_header(path, data, version))
    if protocols:
        return BootFile(path, "a kernel with a multiboot header", protocols)
    for form in _FORMS:
        if form.matches(data):
            return BootFile(path, form.what, remedy=form.remedy)
    if _is_text(data):
        if path.suffix == ".toml" and any(table in data[:] for table in (b"[image]", b"[[service]]", b"[[module]]")):
            return BootFile(path, "the manifest of an image", remedy="pack it: ambilink image pack")
        return BootFile(path, "a text file", remedy=_BOOTABLE)
    return BootFile(path, "of no format that is known here", remedy=_BOOTABLE)


def _elf(path: Path, data: Data) -> BootFile:
    protocols: list[str] = []
    is_ambilink = False
    if data[4:6] == b"\x02\x01":
        elf = ElfFile(path, data)
        notes = {(owner, kind) for owner, kind, _ in elf.notes()}
        is_ambilink = ENTRY64_NOTE in notes
        protocols += [PVH] if elf.loads and notes & {PVH_NOTE, ENTRY64_NOTE} else []
    elif len(data) < 20 or data[4] not in (1, 2) or data[5] not in (1, 2):
        raise AmbilinkError(path, "is an ELF file whose header is damaged or cut off", "link it anew")
    order: Literal["little", "big"] = "little" if data[5] == 1 else "big"
    kind, machine = (int.from_bytes(data[at : at + 2], order) for at in (16, 18))
    protocols += [MULTIBOOT[version] for version in (2, 1) if find_header(path, data, version)]
    if protocols:
        return BootFile(path, "a kernel", tuple(protocols), is_ambilink=is_ambilink)
    names = {number: name for name, number in E_MACHINES.items()}
    form = f"{'a 32' if data[4] == 1 else 'a 64'}-bit {order}-endian ELF file"
    if machine not in (3, 62):
        return BootFile(path, f"{form} for {names.get(machine, f'e_machine {machine}')}", remedy=_BOOTABLE)
    if kind in ELF_TYPES:
        return BootFile(path, f"{form}: {ELF_TYPES[kind]}", remedy=_BOOTABLE)
    return BootFile(
        path,
        f"{form} with neither a PVH note nor a multiboot header",
        remedy="link it with a .note of Xen type 18 (PT_NOTE), or with a multiboot2 header in its first 32 KiB",
    )
