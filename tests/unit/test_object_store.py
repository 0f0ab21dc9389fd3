"""What the object store makes of files that change, of clocks that are wrong, and of many threads."""

import functools
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from ambilink.incremental import files as files_module
from ambilink.incremental.batch import Batch, Observer
from ambilink.incremental.files import FileTable
from ambilink.incremental.inputs import Inputs
from ambilink.incremental.objects import ObjectStore, beginning
from ambilink.incremental.recipe import Job, Recipe
from ambilink.incremental.records import Records
from ambilink.incremental.slots import JobSlots

RECIPE = Recipe(("cc", "-c"), ("inc",), "")
JOB = Job("x.o", "x.c")
SETTLED = 0.05  # seconds after which another change of a file shows in its times


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("x.c", "x.h"):
        write(name, name)
    time.sleep(SETTLED)
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def compile_one(store: ObjectStore, during=lambda: None, headers=("x.h",)) -> bool:
    began = beginning("x.o.part")
    during()
    write("x.o", Path("x.c").read_text() + "".join(Path(name).read_text() for name in headers))
    return store.built(RECIPE, JOB, Inputs(list(headers)), began, 0.1)


def reasons(folder: str = "state") -> list[str]:
    """Of the next build."""
    return [stale.reason for stale in ObjectStore(Path(folder)).stale(RECIPE, [JOB])]


def test_a_header_that_is_edited_while_it_is_compiled(place):
    store = ObjectStore(Path("state"))
    assert not compile_one(store, lambda: write("x.h", "y.h"))
    assert store.digest("x.o")
    store.save()
    for _ in range(2):  # from the file, then from what was saved
        assert reasons() == ["x.h may have changed while it was compiled"]
    time.sleep(SETTLED)
    again = ObjectStore(Path("state"))
    assert again.doubtful(["x.o"]) == ["x.o"]
    assert len(again.stale(RECIPE, [JOB])) == 1 and compile_one(again)
    assert reasons() == []


def test_a_header_that_is_edited_and_put_back(place):
    """It was looked at before, and looks the same afterwards, but for the time of its last change."""
    store = ObjectStore(Path("state"))
    assert compile_one(store)
    status = os.stat("x.h")

    def edit() -> None:
        write("x.h", "z.h")
        os.utime("x.h", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert not compile_one(store, edit)
    assert reasons() != []


@pytest.mark.parametrize("date", [4e9, 0.0, -1e9])
def test_dates_of_files_decide_nothing(place, date):
    for name in ("x.c", "x.h"):
        os.utime(name, (date, date))
    time.sleep(SETTLED)
    assert compile_one(ObjectStore(Path("state"))) and reasons() == []
    os.utime("x.h", (date + 7, date + 7))
    assert reasons() == []


def test_an_edit_that_keeps_size_and_date(place):
    assert compile_one(ObjectStore(Path("state")))
    status = os.stat("x.h")
    write("x.h", "X.H")
    os.utime("x.h", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert reasons() == ["x.h changed"]


def test_an_edit_within_one_tick_of_the_file_system(place, monkeypatch):
    """Times are whole seconds there: two contents of one size may look alike."""

    def coarse(status: os.stat_result) -> tuple[int, int, int, int]:
        second = 1_000_000_000
        return status.st_mtime_ns // second * second, status.st_size, status.st_ctime_ns // second * second, 7

    monkeypatch.setattr(files_module, "stamp_of", coarse)
    store = ObjectStore(Path("state"))
    write("x.h", "one")
    write("x.o", "one")
    assert store.built(RECIPE, JOB, Inputs(["x.h"]), None, 0.1)
    write("x.h", "two")
    assert reasons() == ["x.h changed"]


def test_a_clock_that_went_back(place, monkeypatch):
    """Files are younger than now; what is known of them from before the compilation is enough."""
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 10**13)
    store = ObjectStore(Path("state"))
    store.digest_now("x.c"), store.digest_now("x.h")
    assert compile_one(store) and reasons() == []
    write("x.h", "new")
    assert reasons() == ["x.h changed"]


def test_objects_are_known_by_content(place):
    assert compile_one(ObjectStore(Path("state")))
    os.utime("x.o", (5, 5))
    content = Path("x.o").read_bytes()
    store = ObjectStore(Path("state"))
    assert store.stale(RECIPE, [JOB]) == []
    store.save()  # it is not read again
    Path("x.o").unlink()
    Path("x.o").write_bytes(content)
    assert reasons() == []
    Path("x.o").write_bytes(content[:-1] + b"!")
    assert reasons() == ["it was altered since it was made"]
    Path("x.o").unlink()
    assert reasons() == ["it was removed"]
    Path("x.o").mkdir()
    assert reasons() == ["it was removed"]


def test_what_was_absent(place):
    store = ObjectStore(Path("state"))
    write("x.o", "")
    store.built(RECIPE, JOB, Inputs(["x.h", "asked.h"]), None, 0.1)
    assert reasons() == []
    Path("asked.h").mkdir()  # no header
    assert reasons() == []
    Path("asked.h").rmdir()
    write("asked.h", "")
    assert reasons() == ["asked.h appeared"]
    Path("asked.h").unlink()
    Path("x.h").unlink()
    assert reasons() == ["x.h was removed"]
    Path("x.h").mkdir()
    assert reasons() == ["x.h was removed"]


def test_inputs_that_are_no_plain_files(place):
    os.mkfifo("pipe")  # nothing waits for it
    write("x.o", "")
    ObjectStore(Path("state")).built(RECIPE, JOB, Inputs(["pipe", "/dev/null", "/dev/zero"]), None, 0.1)
    assert reasons() == []


# Threads.


class Owned:
    """Every use of a structure outside of its owner's lock is an error."""

    def __init__(self, store: ObjectStore) -> None:
        self.violations: list[str] = []
        for owned in (store._records, store._files):
            for name in dir(owned):
                method = getattr(owned, name)
                if not name.startswith("__") and callable(method):
                    setattr(owned, name, self._checked(store._lock, name, method))

    def _checked(self, lock, name, method):
        @functools.wraps(method)
        def call(*arguments):
            if not lock._is_owned():
                self.violations.append(name)
            return method(*arguments)

        return call


class InProcess(JobSlots):
    """Compiles by itself, quickly."""

    def _run(self, words, environment, follow, blocked):
        output, source, depfile = words[words.index("-o") + 1], words[-1], words[words.index("-MF") + 1]
        Path(depfile).write_text(f"x: {source} common.h {os.path.dirname(source)}/own.h\n")
        Path(output).write_text(Path(source).read_text())
        return 0, ""


class Asking(Observer):
    """Asks the store what others ask while objects are made."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def finished(self, stale, done, *, cached):
        assert self._store.seconds(stale.job.target) is not None and self._store.digest(stale.job.target)
        self._store.files_of([stale.job.target])
        self._store.forget_looks()


def test_thirty_two_threads_compile_four_thousand_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("common.h", "")
    sets = []
    for number in range(40):
        write(f"{number}/own.h", "")
        for name in range(100):
            write(f"{number}/{name}.c", f"{number} {name}")
        sets.append([Job(f"out/{number}/{name}.o", f"{number}/{name}.c") for name in range(100)])
    time.sleep(SETTLED)
    store = ObjectStore(Path("state"))
    owned, slots, errors = Owned(store), InProcess(32), []
    waiting = list(sets)

    def work() -> None:
        while waiting:
            jobs = waiting.pop()
            try:
                stale = store.stale(RECIPE, jobs)
                assert Batch(store, slots, {}, Asking(store)).run(stale) == []
            except BaseException as error:
                errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == [] and owned.violations == []
    store.save()
    again = ObjectStore(Path("state"))
    assert [one for jobs in sets for one in again.stale(RECIPE, jobs)] == []
    assert all(Path(job.target).read_text() == Path(job.source).read_text() for jobs in sets for job in jobs)


def test_the_guard_sees_what_no_lock_guards(tmp_path):
    store = ObjectStore(tmp_path)
    owned = Owned(store)
    store.digest("x.o")
    assert owned.violations == []
    store._records.get("x.o")
    store._files.current("x.o")
    assert owned.violations[0] == "get" and "current" in owned.violations
    assert isinstance(store._records, Records) and isinstance(store._files, FileTable)
