"""One build at a time in a build folder; others wait, and say for whom."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

SLOW = 'env.Command("slow", [], "echo > begun; while [ -e hold ]; do sleep 0.05; done; echo done > $TARGET")\n'


class Build(subprocess.Popen):
    def __init__(self, tree, *words):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        super().__init__([sys.executable, "-m", "SCons", "-Q", *words], cwd=tree.folder, **pipes)


@pytest.fixture
def holder(pair):
    """A tree in which a build runs until the file `hold` is gone."""
    pair.sconstruct(pair._text + SLOW)
    pair.write("hold", "")
    process = pair.holder = Build(pair, "slow")
    for _ in range(2000):
        if (pair.folder / "begun").exists():
            break
        time.sleep(0.01)
    yield pair
    (pair.folder / "hold").unlink(missing_ok=True)
    process.kill()
    process.communicate()


def waits(process) -> str:
    line = process.stdout.readline()
    assert "waiting for another build" in line, line + process.stdout.read() + process.stderr.read()
    return line


def test_a_second_build_waits_and_says_for_whom(holder):
    second = Build(holder, "-j2")
    assert f"another build (process {holder.holder.pid}, since " in (line := waits(second))
    assert f": scons -Q slow) to leave {holder.folder}/build; Ctrl-C gives up, another checkout" in line
    time.sleep(0.5)
    assert second.poll() is None and not list(holder.out.rglob("*.o"))
    (holder.folder / "hold").unlink()
    assert holder.holder.wait(120) == 0
    out, error = second.communicate(timeout=60)
    assert second.returncode == 0, out + error
    assert (holder.out / "services/user").is_file()


def test_a_killed_holder_blocks_nobody(holder):
    holder.holder.kill()
    holder.holder.communicate()
    (holder.folder / "hold").unlink()
    assert "waiting" not in holder.good("-Q")


def test_waiting_can_be_given_up(holder):
    second = Build(holder)
    waits(second)
    second.send_signal(signal.SIGINT)
    out, error = second.communicate(timeout=120)
    assert second.returncode != 0 and "Traceback" not in out + error
    assert holder.holder.poll() is None


def test_many_builds_at_once_are_all_right(pair):
    builds = [Build(pair, "-j2") for _ in range(4)]
    outputs = [build.communicate(timeout=120) for build in builds]
    assert [build.returncode for build in builds] == [0] * 4, outputs
    made = [line for out, _ in outputs for line in pair.built(out)]
    assert len(made) == len(set(made))  # who waited found it done
    assert pair.built(pair.good("-Q")) == []


@pytest.mark.parametrize("option", ["-n", "-h", "-q"])
def test_what_writes_nothing_does_not_wait(holder, option):
    done = holder.scons("-Q", option)
    assert done.returncode in (0, 1) and "waiting" not in done.stdout


def test_cleaning_waits(holder):
    second = Build(holder, "-c")
    waits(second)
    (holder.folder / "hold").unlink()
    out, error = second.communicate(timeout=60)
    assert second.returncode == 0, out + error


def test_a_build_within_a_build_does_not_wait_for_it(pair):
    """As tests of a build tool do."""
    inner = f"{sys.executable} -m SCons -Q"
    pair.sconstruct(
        pair._text + f'env["ENV"]["PYTHONPATH"] += {os.pathsep + os.pathsep.join(sys.path)!r}\n'
        f'env.AlwaysBuild(env.Alias("inner", [], "{inner} services/user"))\n'
        'Default("build")\n'
    )
    done = pair.scons("-Q", "inner")
    assert "waiting" not in done.stdout and "services/user" in done.stdout


def test_what_the_lock_looks_at_is_no_input_of_the_build(pair):
    """Nor what any library does for this package: such files may change with each process."""
    text = (pair.folder / "SConstruct").read_text()
    first = f"import sys; sys.path[:0] = {sys.path!r}\nfrom ambilink.early import stop; stop()\n"
    pair.write("SConstruct", first + text)
    past = time.time() - 100
    for path in pair.folder.rglob("*"):
        os.utime(path, (past, past))
    time.sleep(1)  # a change while a build runs leaves no record
    pair.good("-Q")
    assert "scons: nothing to do (" in pair.good("-Q")


def test_other_build_folders_are_free(holder):
    text = (holder.folder / "SConstruct").read_text()
    holder.write("Second", text.replace("AMBILINK_FLAGS=", 'AMBILINK_BUILD="#other/x", AMBILINK_FLAGS='))
    assert "waiting" not in holder.good("-Q", "-f", "Second", "other")


def test_a_damaged_holder_is_no_obstacle(holder):
    path = holder.folder / "build/.ambilink/holder.json"
    assert json.loads(path.read_text())["pid"] == holder.holder.pid
    path.write_text("{")
    second = Build(holder)
    assert "waiting for another build to leave" in waits(second)
    (holder.folder / "hold").unlink()
    out, error = second.communicate(timeout=60)
    assert second.returncode == 0, out + error
    assert not path.exists()  # it was left in order


def test_what_makes_nothing_does_not_wait(holder):
    """As a linter: AMBILINK_READ_ONLY names it. It leaves no records, and may not make anything after all."""
    holder.more = "AMBILINK_READ_ONLY=['lint', 'wrong'],"
    holder.sconstruct(
        holder._text + "AlwaysBuild(env.Alias('lint', [], 'echo linted'))\n"
        "env.Alias('wrong', env['AMBILINK'].libraries['low'].static)\n"
    )
    records = sorted((holder.folder / "build").rglob("*"))
    lint = Build(holder, "lint")
    out, error = lint.communicate(timeout=30)
    assert lint.returncode == 0 and "linted" in out and "waiting" not in out, out + error
    assert sorted((holder.folder / "build").rglob("*")) == records
    wrong = Build(holder, "wrong")
    out, error = wrong.communicate(timeout=30)
    assert wrong.returncode == 2 and "AMBILINK_READ_ONLY has wrong, and" in error and "take it out there" in error
    assert not list(holder.out.rglob("*.o"))
    both = Build(holder, "lint", "user")  # something is built: it waits
    waits(both)
    both.kill()
    both.communicate()
