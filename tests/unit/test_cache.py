"""The shared cache against what others may have put into it, and against storage that fails."""

import os
import resource
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from ambilink.incremental import entries as entries_module
from ambilink.incremental.cache_folder import ABANDONED
from ambilink.incremental.entries import Entries, Loss, StorageError
from ambilink.incremental.seal import FILE, FORMAT, HEADER, LINK, PROGRAM, DamagedError, Entry, Seal

from .cache_box import KEY, Box

SECRET, OTHER = b"s" * 32, b"o" * 32
DATA = bytes(range(256)) * 8


@pytest.fixture
def box(tmp_path) -> Box:
    return Box(tmp_path / "cache")


# Seals.


@pytest.mark.parametrize("secret", [b"", SECRET])
@pytest.mark.parametrize("entry", [Entry(b""), Entry(DATA), Entry(DATA, PROGRAM), Entry(b"libx.so.1", LINK)])
def test_what_is_sealed_is_opened(secret, entry):
    seal = Seal(secret)
    assert seal.open(KEY, seal.close(KEY, entry)) == entry


@pytest.mark.parametrize("secret", [b"", SECRET])
def test_any_changed_bit_breaks_the_seal(secret):
    seal = Seal(secret)
    sealed = seal.close(KEY, Entry(DATA[:40]))
    for at in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[at] ^= 1 << bit
            with pytest.raises(DamagedError):
                seal.open(KEY, bytes(changed))
    for size in range(len(sealed)):
        with pytest.raises(DamagedError):
            seal.open(KEY, sealed[:size])
    with pytest.raises(DamagedError):
        seal.open(KEY, sealed + b"\0")


@pytest.mark.parametrize("secret", [b"", SECRET])
def test_an_entry_of_another_key_or_kind_is_none_of_this_one(secret):
    seal = Seal(secret)
    sealed = seal.close(KEY, Entry(DATA))
    with pytest.raises(DamagedError):
        seal.open(KEY + ".headers", sealed)
    with pytest.raises(DamagedError):
        seal.open(KEY, sealed.replace(FORMAT + FILE, FORMAT + PROGRAM))


@pytest.mark.parametrize("writer", [b"", OTHER])
def test_who_does_not_know_the_secret_cannot_write_what_is_read_with_it(writer):
    with pytest.raises(DamagedError):
        Seal(SECRET).open(KEY, Seal(writer).close(KEY, Entry(DATA)))
    assert Seal(SECRET).name(KEY) != Seal(writer).name(KEY)


# What others put into the folder.


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero has no end
    except PermissionError:
        pytest.skip("only root makes devices")


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    path.symlink_to("nothing")


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("x")


def listening(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(FORMAT)
        stream.truncate(1 << 42)


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize("put", [fifo, device, endless, loop, dangling, folder, listening, huge, empty])
def test_whatever_lies_under_the_name_of_an_entry_is_a_miss_and_written_anew(box, put):
    box.file().parent.mkdir()
    put(box.file())
    assert box.entries.get(KEY) is None
    box.entries.put(KEY, Entry(DATA))
    assert box.entries.get(KEY) == Entry(DATA)
    box.entries.close()
    assert len(box.said) == 1 and "does not match its checksum; moved to" in box.said[0]


@pytest.mark.parametrize("put", [fifo, endless, folder, huge, empty])
def test_who_may_only_read_leaves_it_where_it_is(tmp_path, put):
    box = Box(tmp_path / "cache", writes=False)
    box.file().parent.mkdir()
    put(box.file())
    before = box.listed()
    assert box.entries.get(KEY) is None
    box.entries.put(KEY, Entry(DATA))
    box.entries.close()
    assert box.listed() == before
    assert len(box.said) == 1 and box.said[0].endswith("does not match its checksum; it is built again")


def test_a_symbolic_link_to_a_sound_entry_is_not_followed(box):
    box.entries.put(KEY, Entry(DATA))
    elsewhere = box.folder.parent / "elsewhere"
    box.file().rename(elsewhere)
    box.file().symlink_to(elsewhere)
    assert box.entries.get(KEY) is None


def test_nothing_is_written_or_removed_through_a_folder_that_is_a_link(box, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    victim = other / KEY
    victim.write_text("precious")
    for name in (*(f"{number:02X}" for number in range(256)), "damaged"):
        (box.folder / name).symlink_to(other)
    box.entries.put(KEY, Entry(DATA))
    box.storage.limit = 0
    box.storage.prune()
    assert list(other.iterdir()) == [victim] and victim.read_text() == "precious"
    assert len(box.said) == 1 and "cannot be written" in box.said[0]


@pytest.mark.parametrize("put", [fifo, endless, dangling, empty])
def test_a_place_for_folders_may_be_taken_by_others(box, put):
    put(box.file().parent)
    assert box.entries.get(KEY) is None
    box.entries.put(KEY, Entry(DATA))
    box.entries.put(KEY, Entry(DATA))
    assert len(box.said) == 1 and "cannot be written" in box.said[0]


def test_of_many_damaged_entries_the_first_and_the_number_are_said(box):
    keys = [f"{number:032x}" for number in range(20)]
    for key in keys:
        box.entries.put(key, Entry(DATA))
        box.file(key).write_bytes(b"x")
    assert [box.entries.get(key) for key in keys] == [None] * 20
    box.entries.close()
    assert len(box.said) == 2 and "20 entries were damaged" in box.said[1]


def test_an_entry_that_is_too_large_is_not_kept(box, monkeypatch):
    monkeypatch.setattr(entries_module, "ENTRY_MAX", 1000)
    box.entries.put(KEY, Entry(bytes(1001)))
    assert not box.file().exists() and not box.said


def test_rights_of_other_peoples_files_are_not_changed_through_links(box, monkeypatch, tmp_path):
    """Who may write to the folder can replace what was just made there by a link."""
    victim, precious = tmp_path / "victim", tmp_path / "precious"
    victim.write_text("secret")
    precious.mkdir()
    for path in (victim, precious):
        path.chmod(0o700)
    made, make_folder = tempfile.mkstemp, os.mkdir

    def mkstemp(**place: str) -> tuple[int, str]:
        descriptor, name = made(**place)
        os.unlink(name)
        os.symlink(victim, name)
        return descriptor, name

    def mkdir(path: str, *mode: int) -> None:
        make_folder(path, *mode)
        os.rmdir(path)
        os.symlink(precious, path)

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    box.entries.put(KEY, Entry(DATA))
    assert victim.read_text() == "secret" and victim.stat().st_mode & 0o777 == 0o700
    assert box.entries.get(KEY) is None
    monkeypatch.setattr(os, "mkdir", mkdir)
    box.entries.put("ab" * 16, Entry(DATA))
    assert precious.stat().st_mode & 0o777 == 0o700 and not list(precious.iterdir())


def test_times_of_files_that_are_no_entries_are_left_alone(box, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("no entry")
    os.utime(victim, (1, 1))
    box.file().parent.mkdir()
    os.link(victim, box.file())
    assert box.entries.get(KEY) is None and victim.stat().st_mtime == 1


# Rights.


def test_who_may_only_write_leaves_entries_for_others(tmp_path):
    Box(tmp_path / "cache", reads=False).entries.put(KEY, Entry(DATA))
    assert Box(tmp_path / "cache", writes=False).entries.get(KEY) == Entry(DATA)


def test_who_may_only_read_changes_nothing(tmp_path):
    Box(tmp_path / "cache").entries.put(KEY, Entry(DATA))
    box = Box(tmp_path / "cache", limit=0, writes=False)
    before = box.listed()
    assert box.entries.get(KEY) == Entry(DATA)
    box.entries.put("ab" * 16, Entry(DATA))
    box.entries.close()
    assert box.listed() == before and not box.said


def test_folders_of_a_group_are_the_groups(tmp_path):
    shared = tmp_path / "cache"
    shared.mkdir()
    shared.chmod(0o2775)
    box = Box(shared)
    old = os.umask(0o077)
    try:
        box.entries.put(KEY, Entry(DATA))
    finally:
        os.umask(old)
    assert box.file().parent.stat().st_mode & 0o7777 == 0o2775
    assert box.file().stat().st_mode & 0o777 == 0o644


def as_nobody(run) -> int:
    """Call `run` in a process that is not root; the exit status, which is 0 if it returned."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            run()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_folder_that_cannot_be_written_is_read(tmp_path):
    box = Box(tmp_path / "cache")
    box.entries.put(KEY, Entry(DATA))
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_uid == os.getuid() and path != Path("/") and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    for path in (box.file().parent, box.folder):
        path.chmod(0o555)

    def run() -> None:
        assert box.entries.get(KEY) == Entry(DATA)
        box.entries.put("ab" * 16, Entry(DATA))
        box.entries.put("cd" * 16, Entry(DATA))
        box.entries.close()
        assert len(box.said) == 1 and "cannot be written (Permission denied)" in box.said[0], box.said
        assert box.entries.get(KEY) == Entry(DATA)

    try:
        assert as_nobody(run) == 0
    finally:
        box.folder.chmod(0o755)
        box.file().parent.chmod(0o755)


def test_a_disk_that_is_full_ends_writing_and_leaves_nothing_behind(box):
    box.entries.put("ab" * 16, Entry(DATA))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # a write fails in the middle
    try:
        box.entries.put(KEY, Entry(DATA))
        box.entries.put("cd" * 16, Entry(DATA))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    box.entries.close()
    assert len(box.said) == 1 and "cannot be written" in box.said[0] and "the build goes on without" in box.said[0]
    assert [path for path in box.folder.glob("??/*") if path.stat().st_size != HEADER + len(DATA)] == []
    assert box.entries.get("ab" * 16) == Entry(DATA) and box.entries.get(KEY) is None


def test_storage_that_is_gone_is_left_alone():
    class Gone:
        place, distant, asked = "there", True, 0

        def get(self, name: str) -> bytes | None:
            self.asked += 1
            raise StorageError("is gone", Loss.BOTH)

        get_many = put = get

        def path(self, name: str) -> str:
            return ""

        def close(self, *, written: bool) -> None: ...

    said: list[str] = []
    entries = Entries(Gone(), Seal(), said.append)
    assert entries.get(KEY) is None and not entries.reads and not entries.writes
    entries.put(KEY, Entry(DATA))
    entries.look_ahead([KEY])
    entries.close()
    assert said == ["cache there: is gone; the build goes on without"] and entries.storage.asked == 1


# Writers side by side, and size.


def test_writers_side_by_side_never_show_half_an_entry(tmp_path):
    boxes = [Box(tmp_path / "cache") for _ in range(4)]
    contents = [Entry(bytes([number]) * 200_000) for number in range(4)]
    failures: list[object] = []
    stop = threading.Event()

    def write(box: Box, entry: Entry) -> None:
        while not stop.is_set():
            box.entries.put(KEY, entry)

    def read(box: Box) -> None:
        for _ in range(300):
            found = box.entries.get(KEY)
            if found is not None and found not in contents:
                failures.append(found.data[:20])

    writers = [threading.Thread(target=write, args=pair) for pair in zip(boxes, contents, strict=True)]
    readers = [threading.Thread(target=read, args=[Box(tmp_path / "cache", writes=False)]) for _ in range(2)]
    for each in (*writers, *readers):
        each.start()
    for each in readers:
        each.join()
    stop.set()
    for each in writers:
        each.join()
    assert not failures and not any(box.said for box in boxes)
    assert not list((tmp_path / "cache").glob("??/.new.*"))


def test_pruning_counts_damaged_entries_and_those_of_older_versions(box):
    sums = box.folder / "AB"
    sums.mkdir()
    for path in (sums / ("ab" * 16), sums / f"{'ab' * 16}.sum", sums / "notes.txt"):
        path.write_bytes(bytes(1000))
        os.utime(path, (1, 1))
    box.entries.put(KEY, Entry(DATA))
    box.file().write_bytes(bytes(1000))
    assert box.entries.get(KEY) is None
    os.utime(box.folder / "damaged" / box.file().name, (2, 2))
    leftover = sums / ".new.x"
    leftover.write_text("x")
    os.utime(leftover, (ABANDONED, ABANDONED))
    box.entries.put(KEY, Entry(DATA))
    box.storage.limit = len(DATA) + HEADER
    box.entries.close()
    left = {path.name for path in box.folder.rglob("*") if path.is_file()}
    assert left == {box.file().name, "notes.txt", "CACHEDIR.TAG"} and box.file().exists()
