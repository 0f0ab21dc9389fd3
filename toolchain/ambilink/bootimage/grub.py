"""What GRUB boots: a folder with kernel, modules and grub.cfg, and an ISO of it."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.multiboot_info import Module
from ambilink.errors import AmbilinkError
from ambilink.files import write_below, write_output

PROGRAM = "grub-mkrescue"
ALSO = "grub2-mkrescue"  # its name on Fedora and openSUSE
CONFIG = "boot/grub/grub.cfg"
FOLDER = "boot"
COMMANDS = {2: ("multiboot2", "module2"), 1: ("multiboot", "module")}
# All that the menu needs: an ISO has them, and not GRUB's other 250.
MODULES = (
    "multiboot multiboot2 normal configfile boot iso9660 fat part_acorn part_amiga part_apple part_bsd part_dfly "
    "part_dvh part_gpt part_msdos part_plan part_sun part_sunpc"
)
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+-@%")


@dataclass(frozen=True)
class GrubTree:
    files: dict[str, bytes]  # by path below the tree

    def write(self, folder: Path) -> None:
        for name, data in self.files.items():
            write_below(folder, name, data)


def _word(text: str) -> str:
    """As GRUB's shell reads it."""
    return text if text and set(text) <= PLAIN else f"'{text}'"


def _line(command: str, name: str, command_line: str) -> str:
    return " ".join([f"  {command}", _word(f"/{FOLDER}/{name}"), *map(_word, command_line.split())])


def _plain(name: str) -> str:
    """A name that needs no quotes, on any file system."""
    return "".join(letter if letter in PLAIN else "_" for letter in name)


def grub_tree(title: str, version: int, kernel: Module, modules: Sequence[Module]) -> GrubTree:
    """Two modules of one name hold the same bytes, or the second gets a number."""
    files: dict[str, bytes] = {}

    def place(module: Module) -> str:
        wanted = name = _plain(module.name)
        number = 2
        while files.setdefault(f"{FOLDER}/{name}", module.data) != module.data:
            name, number = f"{wanted}-{number}", number + 1
        return name

    boot, load = COMMANDS[version]
    lines = ["set timeout=0", "set default=0", "", f"menuentry {_plain(title)} {{"]
    lines.append(_line(boot, place(kernel), kernel.command_line))
    lines += [_line(load, place(module), module.command_line) for module in modules]
    files[CONFIG] = "\n".join([*lines, "}", ""]).encode()
    return GrubTree(files)


def write_iso(tree: GrubTree, target: Path) -> None:
    """An ISO that BIOS and UEFI machines boot, as far as GRUB's parts for them are installed."""
    program = shutil.which(PROGRAM) or shutil.which(ALSO)
    if program is None:
        raise AmbilinkError(
            target,
            f"cannot be made: {PROGRAM} is not on the PATH",
            "install it (Debian: apt install grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools)",
        )
    with tempfile.TemporaryDirectory(prefix="ambilink-iso-") as scratch:
        folder, made = Path(scratch) / "tree", Path(scratch) / "made.iso"
        tree.write(folder)
        line = [program, "-o", str(made), f"--install-modules={MODULES}", "--fonts=", "--themes=", "--locales="]
        done = subprocess.run([*line, str(folder)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode or not made.is_file():
            said = [text for text in (done.stdout + done.stderr).splitlines() if text.strip()]
            raise AmbilinkError(
                target,
                f"{PROGRAM} failed: {said[-1].strip() if said else f'status {done.returncode}'}",
                "see that xorriso, mtools and GRUB's parts for BIOS (i386-pc) or UEFI (x86_64-efi) are installed",
            )
        write_output(target, made.read_bytes())
