"""Damaged files are refused or linked, never crashed on, never waited for. Mutations run in a process of their own,
with the file's last byte before a page that cannot be touched, so that a read beyond the end is a crash; inputs that
a fuzzer made or found run with the undefined-behaviour sanitizer."""

import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ambilink.core import Linker

from .elf_edit import offset_of
from .fuzz.run import FUZZER
from .fuzz.seeds import make_seeds
from .semantics import machine_can_judge

HERE = Path(__file__).parent
ROUNDS = 2000


@pytest.mark.parametrize("seed", range(4))
def test_mutations(linker, build, seed):
    files = [build / f"lib/lib{name}.so" for name in ("colour", "shape", "c", "posix", "ipc", "sys")]
    done = subprocess.run(
        [sys.executable, HERE / "mutate.py", linker.path, str(seed), str(ROUNDS), *files],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"seed {seed}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    linked, refused = (int(word) for word in done.stdout.split()[-2:])
    assert linked + refused > ROUNDS * 0.9
    assert linked > ROUNDS // 50 and refused > ROUNDS // 4  # the mutations reach deep, and are noticed


@pytest.fixture(scope="module")
def replay(toolset, tmp_path_factory, top) -> Path:
    if why := machine_can_judge():
        pytest.skip(why)
    zig = next((word for word in toolset.cc if word.endswith("zig")), None)
    compiler = [zig, "cc", "-target", "x86_64-linux-musl"] if zig else [toolset.cc[0]]
    program = tmp_path_factory.mktemp("replay") / "replay"
    sources = [*FUZZER.sources, top / "tests/rtld/fuzz/replay.c"]
    flags = [
        "-O1",
        "-fsanitize=undefined",
        "-fsanitize-undefined-trap-on-error",
        "-w",
        f"-I{top / 'libs/rtld/include'}",
    ]
    subprocess.run([*compiler, *flags, *sources, "-o", program], check=True)
    return program


def test_inputs_of_the_fuzzer(replay, tmp_path):
    """The corpus that is kept, what was ever found, and the seeds."""
    FUZZER.extract(tmp_path)
    make_seeds(tmp_path)
    inputs = sorted(tmp_path.iterdir())
    done = subprocess.run([replay, *inputs], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout.splitlines()[-1:]}: status {done.returncode}\n{done.stderr}"
    assert len(done.stdout.splitlines()) == len(inputs) > 10


def links_quickly(linker: Linker, files: dict[str, bytes]) -> list[str]:
    start = time.process_time()
    result = linker.link(files)
    # Far more than it takes, far less than an endless loop.
    assert time.process_time() - start < 20
    return result.errors


def test_needed_cycles_end(linker, make):
    make("libb.so", "int b(void) { return 1; }")
    liba = make("liba.so", "int b(void); int a(void) { return b(); }", "libb.so")
    libb = make("libb.so", "int a(void); int b(void) { return a(); }", "liba.so")
    assert links_quickly(linker, {"liba.so": liba, "libb.so": libb}) == []
    make("libself.so", "int b(void) { return 1; }")
    itself = make(
        "libsame.so", "int b(void); int c(void) { return b(); }", "libself.so", flags=("-soname", "libself.so")
    )
    assert "needs a symbol that no object defines: b" in links_quickly(linker, {"libself.so": itself})[0]


def tables(data: bytes, *tags: int) -> list[int]:
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for header in range(at, at + 56 * count, 56):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, header)
        if kind == 2:
            values = dict(struct.iter_unpack("<QQ", data[offset : offset + size]))
            return [offset_of(data, values[tag]) for tag in tags]
    raise AssertionError("no dynamic section")


def test_crafted_hash_chains_end(linker, make):
    """Every symbol in one chain, all with one hash value; and a gABI chain that leads to itself."""
    names = [f"n{i}" for i in range(5000)]
    source = "".join(f"long {name};" for name in names)
    use = "void _start(void) { }" + "".join(f"extern long {name}; long *p{name} = &{name};" for name in names)
    gnu = bytearray(make("liba.so", source))
    program = make("program", use, "liba.so")
    (hashes,) = tables(gnu, 0x6FFFFEF5)
    buckets, first, bloom, _ = struct.unpack_from("<IIII", gnu, hashes)
    chain = hashes + 16 + 8 * bloom + 4 * buckets
    struct.pack_into(f"<{2 * bloom}I", gnu, hashes + 16, *[0xFFFFFFFF] * (2 * bloom))
    struct.pack_into(f"<{buckets}I", gnu, hashes + 16 + 8 * bloom, *[first] * buckets)
    struct.pack_into(f"<{len(names)}I", gnu, chain, *[0x1234] * (len(names) - 1), 0x1235)
    errors = links_quickly(linker, {"program": program, "liba.so": bytes(gnu)})
    assert errors and ("no object defines" in errors[0] or "take too long" in errors[0])

    sysv = bytearray(make("liba.so", source, flags=("--hash-style=sysv",)))
    (hashes,) = tables(sysv, 4)
    buckets, count = struct.unpack_from("<II", sysv, hashes)
    for i in range(count):
        struct.pack_into("<I", sysv, hashes + 8 + 4 * buckets + 4 * i, i)
    links_quickly(linker, {"program": program, "liba.so": bytes(sysv)})
