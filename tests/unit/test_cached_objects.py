"""Objects in the shared cache: what their entries name is checked before it is looked at."""

import json
import os
from pathlib import Path

import pytest

from ambilink.incremental.cache import Cache, CompileKey
from ambilink.incremental.files import digest_of
from ambilink.incremental.seal import Entry

from .cache_box import Box

SECRET, OTHER = b"s" * 32, b"o" * 32
DATA = bytes(range(256)) * 8


class Objects:
    def __init__(self, tmp_path: Path) -> None:
        self.box = Box(tmp_path / "cache")
        self.folder = tmp_path / "tree"
        self.folder.mkdir()
        for name in ("a.c", "a.h", "a.o"):
            (self.folder / name).write_text(name)
        self.cache = Cache(self.box.entries, digest_of)
        roots = ((str(self.folder), "{top}"),)
        self.key = CompileKey(("cc", f"-I{self.folder}"), str(self.folder / "a.c"), roots)
        self.target = str(self.folder / "out.o")

    def store(self, *headers: str) -> None:
        self.cache.store(self.key, str(self.folder / "a.o"), [str(self.folder / name) for name in headers], [])

    def fetch(self) -> list[str] | None:
        return self.cache.fetch(self.key, self.target, lambda paths: [])

    def replace_list(self, data: bytes) -> None:
        """As those can who may write, where there is no secret."""
        key = f"{self.cache._base(self.key)}.headers"
        self.box.file(key).write_bytes(self.box.seal.close(key, Entry(data)))


@pytest.fixture
def objects(tmp_path) -> Objects:
    return Objects(tmp_path)


def test_an_object_comes_back_with_its_inputs(objects):
    objects.store("a.h")
    assert objects.fetch() == [str(objects.folder / "a.h")]
    assert Path(objects.target).read_text() == "a.o"


LISTS = [
    b"",
    b"5",
    b"null",
    b'{"a": 1}',
    b"[5]",
    b"[[]]",
    b'[["a", "b"]]',
    b'[[[["x"]], []]]',
    b'[[[["x", 5, 6]], []]]',
    b"[" * 100_000,
    b'"' + b"x" * 100,
    b"\xff\xfe",
    b"[NaN]",
    b"1" * 5000,
    json.dumps([[[["x", "no digest"]], []]]).encode(),
    json.dumps([[[["x\0y", "0" * 32]], []]]).encode(),
    json.dumps([[[["x" * 10_000, "0" * 32]], []]]).encode(),
    json.dumps([[[["\ud800", "0" * 32]], []]]).encode(),
    json.dumps([[[["{top}", "0" * 32]], []]]).encode(),
]


@pytest.mark.parametrize("data", LISTS, ids=range(len(LISTS)))
def test_a_list_that_is_none_is_a_miss_and_written_anew(objects, data):
    objects.store("a.h")
    objects.replace_list(data)
    assert objects.fetch() is None
    objects.store("a.h")
    assert objects.fetch() is not None


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/stdin", "/proc/kmsg", "/proc/kcore", "{top}/fifo", "{top}/link"])
def test_a_list_may_name_what_has_no_end(objects, name):
    os.mkfifo(objects.folder / "fifo")
    (objects.folder / "link").symlink_to("/proc/kmsg")
    objects.store("a.h")
    objects.replace_list(json.dumps([[[[name, "0" * 32]], []]]).encode())
    assert objects.fetch() is None


def test_a_file_that_was_absent_must_still_be(objects):
    objects.cache.store(objects.key, str(objects.folder / "a.o"), [str(objects.folder / "absent.h")], [])
    assert objects.fetch() is not None
    (objects.folder / "absent.h").write_text("")
    assert objects.fetch() is None


def test_an_object_whose_header_is_hidden_here_is_no_hit(objects):
    objects.store("a.h")
    assert objects.cache.fetch(objects.key, objects.target, lambda paths: [str(objects.folder / "first/a.h")]) is None


def test_a_macro_that_names_the_folder_is_not_shared_with_another_folder(objects, tmp_path):
    def key(folder: Path, *words: str) -> CompileKey:
        return CompileKey(words, "a.c", ((str(folder), "{top}"),))

    one, two = tmp_path / "one", tmp_path / "two"
    assert key(one).general(f"{one}/a.c {one}more/a.c") == f"{{top}}/a.c {one}more/a.c"
    for word in ("-I{}/include", "{}/bin/cc", "-ffile-prefix-map={}=.", "@{}/words"):
        assert objects.cache._base(key(one, word.format(one))) == objects.cache._base(key(two, word.format(two)))
    for word in ("-DTOP={}", '-DTOP="{}/x"', "TOP={}", "-fembed={}"):
        assert objects.cache._base(key(one, word.format(one))) != objects.cache._base(key(two, word.format(two)))


def test_a_tree_shares_with_those_that_have_it_elsewhere(objects, monkeypatch):
    """There its files have relative names."""
    monkeypatch.chdir(objects.folder)
    inside = CompileKey(("cc",), "a.c", ((str(objects.folder), "{top}"),), "{system}")
    outside = CompileKey(("cc",), str(objects.folder / "a.c"), ((str(objects.folder), "{system}"),))
    objects.cache.store(inside, "a.o", ["a.h"], [])
    assert objects.cache.fetch(outside, objects.target, lambda paths: []) == [str(objects.folder / "a.h")]
    assert objects.cache.fetch(inside, objects.target, lambda paths: []) == ["a.h"]
    assert inside.local(inside.general("../b.h")) == "../b.h"


def test_only_as_many_sets_of_inputs_as_are_useful_are_kept(objects):
    for number in range(20):
        (objects.folder / "a.h").write_text(str(number))
        objects.store("a.h")
    assert len(objects.cache._candidates(objects.cache._base(objects.key))) == 8
    assert objects.fetch() is not None
