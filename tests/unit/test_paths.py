"""Paths and lists of libs/bootimage on the development machine; Linux judges paths, in a folder with the same files."""

import ctypes
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.bootimage import layout
from ambilink.bootimage.layout import ArchiveService, FileKind

FILES = ("etc/motd", "etc/a/b/c", "etc/ab", "lib/x.so", "top", "deep/er/still/file")
FILE, FOLDER, NOT_FOUND, NOT_A_FOLDER = range(4)
WORDS = ("etc", "motd", "a", "b", "c", "ab", "lib", "x.so", "top", "deep", "er", "still", "file", "no", "...")
PARTS = (*WORDS, ".", "..", "")
PATHS = 4000
ITEMS = ("etc/motd", "etc/a/*", "lib/x.so", "*")
NAMES = ("etc/motd", "etc/motd2", "etc/mot", "etc/a/b", "etc/a/", "etc/a", "lib/x.so", "x", "", "*", "etc/*")


class Shim:
    """archive_resolve and archive_list_find of an archive that the layout made."""

    def __init__(self, library: Path, archive: bytes) -> None:
        self.library = ctypes.CDLL(str(library))
        self.bytes = ctypes.create_string_buffer(archive, len(archive) + layout.PAGE_SIZE)
        self.library.open_bytes(self.bytes, ctypes.c_uint64(len(archive)))

    def resolve(self, path: str) -> tuple[int, str]:
        name = ctypes.create_string_buffer(layout.NAME_MAX + 1)
        kind = self.library.resolve(path.encode(), name)
        return kind, name.value.decode()

    def find(self, service: int, name: str) -> int:
        found: int = self.library.find(service, name.encode())
        return found


SHIM = """
#include <bootimage/archive.h>
#include <string.h>
static struct archive archive;
void open_bytes(const void *bytes, uint64_t size)
{
    const struct image_header *header = bytes;
    archive = (struct archive){
        .bytes = bytes, .size = size, .header = header,
        .files = (const void *)((const char *)bytes + header->file_offset),
        .services = (const void *)((const char *)bytes + header->service_offset),
        .strings = (const char *)bytes + header->string_offset,
    };
}
int resolve(const char *path, char *name)
{
    const struct image_file *file;
    enum archive_path kind = archive_resolve(&archive, path, &file);
    if (kind == ARCHIVE_PATH_FILE)
        strcpy(name, archive_string(&archive, file->name));
    return kind;
}
int find(int service, const char *name)
{
    return archive_list_find(&archive, archive.services[service].opens, name);
}
"""


@pytest.fixture(scope="module")
def shim(top, tmp_path_factory) -> Shim:
    if sys.platform != "linux":
        pytest.skip("the judge is Linux")
    folder = tmp_path_factory.mktemp("paths")
    source, library = folder / "shim.c", folder / "shim.so"
    source.write_text(SHIM)
    sources = [source, *(top / "libs/bootimage/src" / name for name in ("path.c", "list.c"))]
    # What path.c calls of archive.c, without the checksums that this is about to need.
    stub = folder / "find.c"
    text = (top / "libs/bootimage/src/archive.c").read_text()
    start = text.index("const char *archive_string(")
    body = text[start : text.index("const struct image_service *archive_find_service(")]
    stub.write_text(f"#include <bootimage/archive.h>\n#include <string.h>\n{body}")
    includes = [f"-I{top / each}" for each in ("boot/include", "libs/bootimage/include", "libs/digest/include")]
    compiler = ["gcc"] if shutil.which("gcc") else [sys.executable, "-m", "ziglang", "cc"]
    command = [*compiler, "-shared", "-fPIC", "-O1", *includes, "-o", library, *sources, stub]
    subprocess.run(command, check=True, capture_output=True)
    contents = {name: (FileKind.DATA, name.encode()) for name in FILES}
    services = [ArchiveService(f"s{i}", "top", opens=ITEMS[: i + 1]) for i in range(len(ITEMS))]
    return Shim(library, layout.build(contents, services, "top"))


def linux(root: int, path: str) -> tuple[int, str]:
    """What the path is for a process whose root this is: "/.." is the root itself."""
    try:
        described = os.stat(path or "", dir_fd=root) if path else os.stat("")
    except FileNotFoundError:
        return NOT_FOUND, ""
    except NotADirectoryError:
        return NOT_A_FOLDER, ""
    return (FOLDER, "") if described.st_mode & 0o170000 == 0o040000 else (FILE, str(described.st_ino))


def test_paths_mean_what_they_mean_to_linux(shim, tmp_path):
    inodes = {}
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        inodes[str(path.stat().st_ino)] = name
    root = os.open(tmp_path, os.O_RDONLY)
    rng = random.Random(14)
    kinds = dict.fromkeys(range(4), 0)
    for _ in range(PATHS):
        parts = [rng.choice(PARTS) for _ in range(rng.randint(0, 7))]
        if rng.random() < 0.8:  # a file's name, with something between
            parts = rng.choice(FILES).split("/")[: rng.randint(1, 4)]
            for _ in range(rng.randint(0, 3)):
                at = rng.randint(0, len(parts))
                parts[at:at] = rng.choice(([".."], ["."], [""], ["a", ".."], ["lib", ".."]))
        # Never above the root, which is Linux' only for a process that may call chroot.
        depth = 0
        for at, part in enumerate(parts):
            depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
            if depth < 0:
                parts[at], depth = ".", 0
        path = "/".join(parts).lstrip("/")
        kind, found = linux(root, path)
        kinds[kind] += 1
        expected = (kind, inodes[found] if kind == FILE else "")
        assert shim.resolve(path) == expected, path
        if path:
            assert shim.resolve(f"/{path}") == shim.resolve(f"//..//{path}") == expected, path
    os.close(root)
    assert min(kinds.values()) > 50, kinds


def test_long_names_are_not_there(shim):
    assert shim.resolve("x" * 5000) == (NOT_FOUND, "")
    assert shim.resolve("etc/" + "y" * 95 + "/..") == (NOT_FOUND, "")
    assert shim.resolve("./" * 2000 + "etc/motd") == (FILE, "etc/motd")
    assert shim.resolve("etc/a/../../" * 100 + "etc/motd") == (FILE, "etc/motd")


def test_lists_say_the_same_in_c_and_python(shim):
    for service in range(len(ITEMS)):
        items = ITEMS[: service + 1]
        for name in NAMES:
            index = next((at for at, item in enumerate(items) if layout.is_listed((item,), name)), -1)
            assert shim.find(service, name) == index, (items, name)
