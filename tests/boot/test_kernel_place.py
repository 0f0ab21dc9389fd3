"""The kernel lies elsewhere in each boot: by the seed where one is given, and those who follow it know where."""

import os
import re
import struct
import subprocess
import sys

import pytest

from ambilink.bootimage.container import read
from ambilink.machine import qemu
from ambilink.machine.model import NoMachine, Verdict
from ambilink.verify.kernel_state import RECORD, RECORD_SYMBOL
from ambilink.verify.page_tables import kernel_pages

from .conftest import boot, whole

pytestmark = pytest.mark.compiler

LARGE = 1 << 21
GIB = 1 << 30
MASK = (1 << 64) - 1


def bases(result):
    """Of the kernel and of its map of all memory, as the kernel's record has them."""
    image = read(result.request.image)
    raw = result.outcome.memory.read(image.physical(image.symbols[RECORD_SYMBOL]), RECORD.size)
    return RECORD.unpack(raw)[1:3]


@pytest.fixture(scope="module")
def placed(build):
    """By machine and seed; None: no seed, and the emulator would take one of its own."""
    cases = [("emulator", 1), ("emulator", 2), ("qemu", 2), ("qemu", None), ("qemu", None)]
    found = []
    for machine, seed in cases:
        try:
            result = boot(build, build / "boot.img", machine, seed=seed)
        except Exception as error:
            if type(error).__name__ != "NoMachine":
                raise
            continue
        assert result.outcome.verdict is Verdict.PASS and not result.failures
        found.append(((machine, seed), bases(result), result))
    return found


def test_another_seed_another_place(placed):
    by_seed = {}
    for (_, seed), where, _ in placed:
        if seed is not None:
            by_seed.setdefault(seed, []).append(where)
    assert all(len(set(each)) == 1 for each in by_seed.values()), "one seed, one place, on each machine"
    assert by_seed[1] != by_seed[2][:1]
    unseeded = [where for (_, seed), where, _ in placed if seed is None]
    assert len(set(unseeded)) == len(unseeded)
    for kernel, direct in {where for _, where, _ in placed}:
        assert kernel % LARGE == 0 and direct % GIB == 0 and kernel >> 39 != direct >> 39


def test_places_that_can_be_guessed_are_reported(placed, build, monkeypatch):
    line = "kernel: the processor gives no random numbers: where things lie can be guessed"
    assert not any(line in result.outcome.text for _, _, result in placed)
    command = qemu.command

    def without(*asked):
        return ["max,-rdrand" if word == "max" else word for word in command(*asked)]

    monkeypatch.setattr(qemu, "command", without)
    try:
        results = [boot(build, build / "boot.img", "qemu", seed=None) for _ in range(2)]
    except NoMachine as missing:
        pytest.skip(str(missing))
    assert all(line in result.outcome.text and result.outcome.verdict is Verdict.PASS for result in results)
    assert len({bases(result) for result in results}) == 2, "the clock decides"


def rounds(v, count):
    def left(value, bits):
        return (value << bits | value >> 64 - bits) & MASK

    for _ in range(count):
        v[0] = v[0] + v[1] & MASK
        v[1] = left(v[1], 13) ^ v[0]
        v[0] = left(v[0], 32)
        v[2] = v[2] + v[3] & MASK
        v[3] = left(v[3], 16) ^ v[2]
        v[0] = v[0] + v[3] & MASK
        v[3] = left(v[3], 21) ^ v[0]
        v[2] = v[2] + v[1] & MASK
        v[1] = left(v[1], 17) ^ v[2]
        v[2] = left(v[2], 32)


def siphash(low, high, data):
    """SipHash-2-4."""
    v = [low ^ 0x736F6D6570736575, high ^ 0x646F72616E646F6D, low ^ 0x6C7967656E657261, high ^ 0x7465646279746573]
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def split_mix(state):
    z = state & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def test_the_place_follows_from_the_seed_by_siphash(placed):
    """So who sees other numbers of the kernel's, as a process does, cannot compute it."""
    vector = siphash(0x0706050403020100, 0x0F0E0D0C0B0A0908, bytes(range(15)))
    assert vector == 0xA129CA6149BE45E5, "the example of the paper"
    for (_, seed), (kernel, direct), _ in placed:
        if seed is None:
            continue
        key = [split_mix(seed + step * 0x9E3779B97F4A7C15) for step in (1, 2)]
        first, _, third = (siphash(*key, struct.pack("<Q", counter)) for counter in range(3))
        top, pointer, directory = 384 + first % 127, first >> 8 & 511, (first >> 32) % 504
        assert kernel == 0xFFFF << 48 | top << 39 | pointer << 30 | directory << 21
        assert direct == 0xFFFF << 48 | 256 + third % 64 << 39 | (third >> 8 & 255) << 30


def test_nothing_is_left_where_it_began(placed):
    """The boot code's table is left: of the kernel's half there are the kernel, its map of memory, and its areas."""
    _, (kernel, direct), result = placed[0]
    image = read(result.request.image)
    pages = list(kernel_pages(result.outcome.memory, result.state.processes[0].page_table))
    text = image.physical(image.symbols["code_mapped"]) & -4096
    assert [page.address - kernel for page in pages if page.frame == text and page.executable] == [text]
    for page in pages:
        own = kernel <= page.address < kernel + 8 * LARGE
        areas = page.address >> 39 == kernel >> 39 and page.address >> 30 != kernel >> 30
        all_memory = page.address - direct == page.frame
        assert own or areas or all_memory, hex(page.address)
        assert not page.executable or (not page.writable and not all_memory)


@pytest.fixture(scope="module")
def faulted(build, tmp_path_factory):
    from .conftest import System

    system = whole(System(build, tmp_path_factory.mktemp("fault")))
    system.modules = ["serial", "test-fault"]
    return system.boot()


def test_a_fault_of_the_kernel_is_explained(faulted):
    assert faulted.outcome.verdict is Verdict.FAIL
    text = "\n".join(faulted.outcome.text)
    assert re.search(r"kernel: panic: page fault in the kernel, error 0x2, .* address 0x1230", text)
    place = re.search(r"kernel:   0x([0-9a-f]+)-0x[0-9a-f]+ kernel\+0x[0-9a-f]+ build-id [0-9a-f]{40}", text)
    assert 0 < int(place[1], 16) - faulted.state.moved < LARGE


def test_a_saved_console_names_the_kernels_functions(faulted, build, tmp_path):
    """By its build-id, without the image."""
    log = tmp_path / "console.log"
    log.write_text("\n".join(faulted.outcome.text) + "\n")
    words = [sys.executable, "-m", "ambilink", "symbolize", log, "--symbols", build]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    frames = [line for line in done.stdout.splitlines() if re.match(r"  #\d+ ", line)]
    functions = [match[1] for line in frames if (match := re.search(r" kernel: (\w+)\+0x\w+ \(boot/kernel/", line))]
    assert functions[-1] == "kernel_main", done.stdout  # gcc has the functions between inline
    assert os.environ.get("AMBILINK_COMPILER") == "gnu" or "modules_load" in functions, done.stdout
