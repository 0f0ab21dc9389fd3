"""glibc's cache of libraries: entries for processors, for other libraries, damaged ones; the judge is ldconfig -p."""

import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from ambilink.link import loader_cache
from ambilink.link.loader_cache import ENTRY, EXTENSIONS, EXTENSIONS_MAGIC, HEADER, MAGIC, SECTION

LEVELS = ["x86-64-v3", "x86-64-v2"]


def written(entries, *, before=b""):
    """A cache as ldconfig writes it, of (name, path, flags, subfolder, hardware)."""
    strings, at = b"", HEADER.size + ENTRY.size * len(entries)
    places = {}

    def place(text):
        nonlocal strings
        if text not in places:
            places[text] = at + len(strings)
            strings += text.encode() + b"\0"
        return places[text]

    names = sorted({subfolder for *_, subfolder, _ in entries if subfolder})
    rows = b""
    for name, path, flags, subfolder, hardware in entries:
        bits = 1 << 62 | 3 << 32 | names.index(subfolder) if subfolder else hardware
        rows += ENTRY.pack(flags, place(name), place(path), 0, bits)
    numbers = struct.pack(f"<{len(names)}I", *map(place, names))
    strings += bytes(-len(strings) % 4)
    extensions = at + len(strings)
    section = SECTION.pack(1, 0, extensions + EXTENSIONS.size + SECTION.size, len(numbers))
    header = HEADER.pack(MAGIC, len(entries), len(strings), 2, extensions)
    return before + header + rows + strings + EXTENSIONS.pack(EXTENSIONS_MAGIC, 1) + section + numbers


@pytest.fixture
def cache(tmp_path):
    def make(data):
        path = tmp_path / "ld.so.cache"
        path.write_bytes(data)
        return loader_cache.read(path)

    return make


ENTRIES = [
    ("libx.so", "/v4/libx.so", 0x303, "x86-64-v4", 0),
    ("libx.so", "/v2/libx.so", 0x303, "x86-64-v2", 0),
    ("libx.so", "/v3/libx.so", 0x303, "x86-64-v3", 0),
    ("libx.so", "/32/libx.so", 3, None, 0),
    ("libx.so", "/plain/libx.so", 0x303, None, 0),
    ("liby.so", "/old/liby.so", 0x303, None, 1 << 2),
    ("liby.so", "/any/liby.so", 1, None, 0),
    ("liby.so", "/plain/liby.so", 0x303, None, 0),
]


def test_the_best_that_the_processor_can_use(cache):
    found = cache(written(ENTRIES))
    assert found.find("libx.so", "x86_64", LEVELS) == "/v3/libx.so"
    assert found.find("libx.so", "x86_64", LEVELS[1:]) == "/v2/libx.so"
    assert found.find("libx.so", "x86_64", []) == "/plain/libx.so"
    assert found.find("liby.so", "x86_64", LEVELS) == "/plain/liby.so"
    assert found.find("liby.so", "aarch64", []) == "/any/liby.so"
    assert found.find("libx.so", "aarch64", []) is None and found.find("libz.so", "x86_64", LEVELS) is None


def test_one_behind_the_older_form(cache):
    found = cache(written(ENTRIES, before=b"ld.so-1.7.0\0" + bytes(36)))
    assert found.find("libx.so", "x86_64", []) == "/plain/libx.so"


def test_damage_is_never_an_error(cache):
    data, chance = written(ENTRIES), random.Random(1)
    assert cache(b"") is None and cache(b"ld.so") is None
    for size in range(0, len(data), 3):
        cache(data[:size])
    for _ in range(500):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        found = cache(bytes(damaged))
        assert found is None or found.find("libx.so", "x86_64", LEVELS) != 0


def test_ldconfig_prints_the_same():
    program = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin")
    found = loader_cache.read(Path("/etc/ld.so.cache"))
    if program is None or found is None:
        pytest.skip("ldconfig, or its cache in glibc's form, is not there")
    printed = subprocess.run([program, "-p"], capture_output=True, text=True).stdout
    rows = re.findall(r"^\t(\S+) \(libc6,x86-64\) => (\S+)$", printed, re.MULTILINE)
    for name in {name for name, _ in rows}:
        assert found.find(name, "x86_64", []) in [path for other, path in rows if other == name]
