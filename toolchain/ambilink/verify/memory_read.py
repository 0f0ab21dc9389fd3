"""Memory of a machine that stopped: `[SERVICE:]PLACE[+BYTES]`; PLACE: address, register or symbol of the kernel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import CpuPlace
from ambilink.machine.paging import read_virtual

PLACE = re.compile(
    r"(?:(?P<service>[^:+]{1,64}):)?(?P<place>0x[0-9a-fA-F]{1,16}|[A-Za-z_.][\w.]{0,255})(?:\+(?P<size>\d{1,6}))?"
)
SIZE_DEFAULT = 64
ROW = 16


@dataclass(frozen=True)
class Asked:
    text: str
    service: str  # empty: what the CPU sees
    place: str
    size: int


@dataclass(frozen=True)
class MemoryRead:
    text: str
    address: int
    data: bytes  # up to the first byte that is not mapped

    def lines(self) -> list[str]:
        rows = [(at, self.data[at : at + ROW]) for at in range(0, len(self.data), ROW)]
        shown = [f"  {self.address + at:016x}  {data.hex(' '):<47}  {_text(data)}" for at, data in rows]
        return [f"memory at {self.text}:", *(shown or ["  not mapped"])]


def _text(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def parse(text: str) -> Asked | None:
    match = PLACE.fullmatch(text)
    if match is None:
        return None
    return Asked(text, match["service"] or "", match["place"], int(match["size"] or SIZE_DEFAULT))


def read_memory(
    asked: Asked, memory: PhysicalMemory, cpu: CpuPlace, symbols: Mapping[str, int], tables: Mapping[str, int]
) -> MemoryRead:
    """`symbols`: of the kernel, where it runs; `tables`: page tables of processes by their names."""
    paging = cpu.paging
    if asked.service:
        if asked.service not in tables:
            there = ", ".join(tables) or "none"
            raise AmbilinkError("--read", f"no process {asked.service} is there", f"there are {there}")
        paging = replace(paging, cr3=tables[asked.service])
    if asked.place.startswith("0x"):
        address = int(asked.place, 16)
    elif asked.place in symbols:
        address = symbols[asked.place]
    elif asked.place in cpu.registers and not asked.service:
        address = cpu.registers[asked.place]
    else:
        raise AmbilinkError("--read", f"the kernel has no symbol {asked.place}", "give an address, 0x...")
    return MemoryRead(asked.text, address, read_virtual(memory, paging, address, asked.size))
