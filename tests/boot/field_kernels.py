"""Kernels from the field in the bundled emulator, beside QEMU: `./scons judge-kernels paths=FOLDER`.

FOLDER, /boot by default, holds what Debian's packages install there: vmlinuz-*, which is unpacked to the ELF file with
a PVH note that it holds, and xen-*.gz, which boots by multiboot. Each runs to a point that says that it came up, and
what it prints on the way is compared.
"""

import argparse
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.identify import identify
from ambilink.machine.boot import boot
from ambilink.machine.model import EXIT_NO_MACHINE, BootModule, BootRequest, Outcome
from ambilink.machine.qemu import PROGRAM
from ambilink.verify.kernel_file import startable

HELLO = "hello from an init"
COMPLAINT = re.compile(r"\bBUG|WARNING: CPU|Oops|unchecked MSR|ACPI.*(Error|BIOS bug)")
LINUX_WORDS = "console=ttyS0 panic=-1"
XEN_WORDS = "no-real-mode console=com1 com1=115200"
# Of a bzImage (Linux, Documentation/arch/x86/boot.rst).
SETUP_SECTORS_AT, PAYLOAD_AT, SECTOR = 0x1F1, 0x248, 512
COMPRESSORS = {b"\x1f\x8b": "gzip", b"\xfd7": "xz", b"\x02\x21": "lz4", b"\x28\xb5": "zstd"}
# init: write(1, text, length); reboot(restart).
INIT_CODE = bytes.fromhex(
    "b801000000bf01000000488d352b000000ba14000000"  # mov eax, 1; mov edi, 1; lea rsi, [rip+text]; mov edx, 20
    "0f05"  # syscall
    "b8a9000000bfaddee1febe69191228ba67452301"  # mov eax, 169; edi, esi: magic; mov edx, 0x1234567
    "0f05ebfe"  # syscall; jmp $
)


def unpack(image: Path, output: Path) -> str:
    """Write the ELF file that a bzImage holds; what is missing for that, or nothing."""
    data = image.read_bytes()
    offset, size = struct.unpack_from("<II", data, PAYLOAD_AT)
    begin = (data[SETUP_SECTORS_AT] + 1) * SECTOR + offset
    payload = data[begin : begin + size - 4]  # behind it the size of what comes out
    kind = COMPRESSORS.get(payload[:2], "an unknown program")
    if kind in ("gzip", "xz"):
        output.write_bytes(gzip.decompress(payload) if kind == "gzip" else lzma.decompress(payload))
        return ""
    if shutil.which(kind) is None:
        return f"{image.name} is compressed by {kind}, which is not installed"
    done = subprocess.run([kind, "-dc"], input=payload, capture_output=True)
    output.write_bytes(done.stdout)
    return "" if done.stdout.startswith(b"\x7fELF") else f"{image.name} cannot be unpacked: {done.stderr!r}"


def init_program() -> bytes:
    """A static program for Linux, as an ELF file of one segment."""
    start = 0x400000
    contents = INIT_CODE.ljust(0x3C, b"\xcc") + f"{HELLO}\n".encode().ljust(20, b"\n")
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, start + 120, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = 120 + len(contents)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x1000) + contents


def archive(files: dict[str, tuple[int, bytes, int]]) -> bytes:
    """As `cpio -H newc` makes it; of each file mode, contents, and the device that it is."""
    out = b""
    for number, (name, (mode, data, device)) in enumerate([*files.items(), ("TRAILER!!!", (0, b"", 0))], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, device >> 8, device & 0xFF, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


def initial_disk() -> bytes:
    files = {"dev": (0o40755, b"", 0), "dev/console": (0o20600, b"", 5 << 8 | 1)}
    return archive({**files, "init": (0o100755, init_program(), 0)})


@dataclass(frozen=True)
class Judged:
    kernel: str
    outcomes: dict[str, Outcome]
    wanted: str  # a line that says that it came up

    def failures(self) -> Iterator[str]:
        for machine, outcome in self.outcomes.items():
            if not any(self.wanted in line for line in outcome.text):
                yield f"{self.kernel} in {machine}: no line {self.wanted!r}; {outcome.detail}"
        if len(self.outcomes) == 2:
            here, there = (subsystems(outcome.text) for outcome in self.outcomes.values())
            if len(here & there) < len(there) * 3 // 4:
                yield f"{self.kernel}: what only QEMU shows: {sorted(there - here)}"
        complaints = [line for line in self.outcomes["emulator"].text if COMPLAINT.search(line)]
        if complaints:
            yield f"{self.kernel}: complains of the machine: {complaints[0]}"


def subsystems(lines: list[str]) -> set[str]:
    """What begins each line: a subsystem's name, mostly."""
    plain = (re.sub(r"^(\[ *[\d.]+\]|\(XEN\)) ", "", line) for line in lines)
    return {match[0] for line in plain if (match := re.match(r"[A-Za-z][\w /-]{2,}", line))}


def judge(kernel: Path, machines: tuple[str, ...], words: str, wanted: str, disk: Path | None = None) -> Judged:
    outcomes = {}
    for machine in machines:
        modules = (BootModule(disk),) if disk else ()
        request = BootRequest(kernel, memory_megabytes=256, timeout=300, arguments=words, modules=modules)
        with tempfile.TemporaryDirectory() as scratch:
            outcomes[machine] = boot(machine, startable(machine, request, identify(kernel), None, Path(scratch)))
    return Judged(kernel.name, outcomes, wanted)


def judge_linux(image: Path, folder: Path, machines: tuple[str, ...]) -> Judged | str:
    """With an initial RAM disk whose init says hello."""
    kernel, disk = folder / f"vmlinux-{image.name}", folder / "disk.cpio"
    if missing := unpack(image, kernel):
        return missing
    disk.write_bytes(initial_disk())
    return judge(kernel, machines, LINUX_WORDS, HELLO, disk)


def judge_xen(image: Path, folder: Path, machines: tuple[str, ...]) -> Judged:
    """To where it misses its first domain."""
    kernel = folder / image.stem
    kernel.write_bytes(gzip.decompress(image.read_bytes()))
    return judge(kernel, machines, XEN_WORDS, "dom0 kernel not specified")


def kernels_in(folder: Path) -> list[tuple[Path, bool]]:
    """And whether it is a Linux. What cannot be read is left out: some systems keep them for root."""
    found = [(path, True) for path in sorted(folder.glob("vmlinuz-*"))]
    found += [(path, False) for path in sorted(folder.glob("xen-*.gz"))]
    return [(path, is_linux) for path, is_linux in found if os.access(path, os.R_OK)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("/boot")])
    kernels = [each for folder in parser.parse_args().folders for each in kernels_in(folder)]
    machines = ("emulator", "qemu") if shutil.which(PROGRAM) else ("emulator",)
    wrong = []
    for path, is_linux in kernels:
        with tempfile.TemporaryDirectory() as scratch:
            judged = (judge_linux if is_linux else judge_xen)(path, Path(scratch), machines)
        if isinstance(judged, str):
            print(f"{path}: left out: {judged}")
            continue
        wrong += judged.failures()
        for machine, outcome in judged.outcomes.items():
            count = f", {outcome.instructions:,} instructions" if outcome.instructions else ""
            print(f"{path.name} in {machine}: {outcome.seconds:.1f} s, {len(outcome.text)} lines{count}", flush=True)
    if not kernels:
        print("no kernel is there to judge (Debian: linux-image-cloud-amd64, xen-hypervisor-4.17-amd64)")
        return EXIT_NO_MACHINE
    print("\n".join([f"WRONG: {each}" for each in wrong] or ["all came up, and say what they say in QEMU"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
