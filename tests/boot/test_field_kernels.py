"""A kernel from the field comes up in the bundled emulator. `./scons judge-kernels` compares more with QEMU."""

import os
import struct
from pathlib import Path

import pytest

from ambilink.errors import AmbilinkError
from ambilink.machine import pvh
from ambilink.machine.memory import allocate
from ambilink.machine.model import BootModule

from .field_kernels import HELLO, init_program, initial_disk, judge_linux, judge_xen, kernels_in

FOLDER = Path(os.environ.get("AMBILINK_FIELD_KERNELS", "/boot"))


@pytest.mark.parametrize("is_linux", [True, False])
def test_it_comes_up(is_linux, tmp_path):
    path = next((path for path, linux in kernels_in(FOLDER) if linux is is_linux), None)
    if path is None:
        pytest.skip(f"no {'vmlinuz-*' if is_linux else 'xen-*.gz'} in {FOLDER} can be read (AMBILINK_FIELD_KERNELS)")
    judged = (judge_linux if is_linux else judge_xen)(path, tmp_path, ("emulator",))
    if isinstance(judged, str):
        pytest.skip(judged)
    assert list(judged.failures()) == [] and len(judged.outcomes["emulator"].text) > 10


def test_the_disk_holds_a_program_that_says_hello():
    disk, program = initial_disk(), init_program()
    assert disk.startswith(b"070701") and disk.index(program) % 4 == 0 and b"TRAILER!!!" in disk
    at = program.index(HELLO.encode())
    lea = program.index(b"\x48\x8d\x35")
    assert lea + 7 + struct.unpack_from("<i", program, lea + 3)[0] == at and len(HELLO) + 2 == 20


def test_a_pvh_kernel_is_handed_its_modules(tmp_path):
    memory = allocate(8 << 20)
    files = [tmp_path / name for name in ("one", "two")]
    for number, file in enumerate(files):
        file.write_bytes(bytes((number + 1,)) * (5000 * number + 3))
    modules = (BootModule(files[0], "words of one"), BootModule(files[1]))
    placed = pvh.place_modules(memory, modules, 1 << 20, tmp_path)
    info = pvh.write_start_info(memory, "words", 0, placed)
    magic, _, _, count, listed = struct.unpack("<IIIIQ", memory.read(info, 24))
    assert (magic, count) == (pvh.MAGIC, 2)
    for index, (file, words) in enumerate(zip(files, (b"words of one\0", b"\0"), strict=True)):
        address, size, words_at, _ = struct.unpack("<QQQQ", memory.read(listed + 32 * index, 32))
        assert address % 4096 == 0 and memory.read(address, size) == file.read_bytes()
        assert memory.read(words_at, len(words)) == words
    with pytest.raises(AmbilinkError, match="do not fit into the machine's memory"):
        pvh.place_modules(memory, modules, (8 << 20) - 4096, tmp_path)
