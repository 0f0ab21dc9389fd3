"""What a kernel offers to its modules, as a shared object that their linker can read: the symbols of an ABI text, each
with the address that it has in one kernel, or is linked for in one that relocates itself. Nothing of it is mapped."""

from pathlib import Path

from ambilink.elf.abi import load_abi
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import SHT_RELR
from ambilink.elf.stub import stub
from ambilink.errors import AmbilinkError


def exports(kernel: Path, abi_path: Path, machine: str, flags: int = 0) -> bytes:
    """For this kernel and no other. A symbol of the text that the kernel does not define is an error."""
    abi, elf = load_abi(abi_path), ElfFile.open(kernel)
    addresses = elf.addresses()
    for symbol in abi.symbols:
        if symbol.name not in addresses:
            raise AmbilinkError(
                kernel,
                f"does not define {symbol.name}, which {abi_path} offers to modules",
                "define it, or take the line out: modules that need it will be refused",
            )
    offered = {symbol.name: addresses[symbol.name] for symbol in abi.symbols}
    return stub(abi, machine, offered, flags, movable=any(each.type == SHT_RELR for each in elf.sections))
