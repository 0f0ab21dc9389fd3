"""C++: exceptions across shared objects and through C, types, statics, streams, what goes with an object; in both
linkages, by each strategy, on each machine. The judges are the development machine's compilers: their programs of the
same sources print the same."""

import shutil
import subprocess

import pytest

from ambilink.compile.cxx import unable
from ambilink.machine.model import Verdict

pytestmark = pytest.mark.compiler

LINKAGES = ["dynamic", "static"]
WORDS = "four words in\na_file.\n"


@pytest.fixture(scope="session", autouse=True)
def able(toolset):
    reason = unable(toolset)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def sources(top):
    return top / "tests/boot/programs/cxx"


def printed(result, program):
    prefix = f"{program}: "
    return [line.removeprefix(prefix) for line in result.outcome.text if line.startswith(prefix)]


@pytest.mark.parametrize("linkage", LINKAGES)
def test_the_language_and_its_library(each_strategy, machine, linkage, sources):
    name = f"test-cxx-{linkage}"
    system = each_strategy.service("files", grants=["image"]).file("etc/words", WORDS)
    result = system.program(name, opens=["etc/words"]).boot(machine)
    assert printed(result, name) == (sources / "expected.txt").read_text().splitlines()
    assert result.outcome.verdict is Verdict.PASS and not result.failures


OPENED = """\
static of the plugin: made
static in a function of the plugin: made
caught {round}: from the plugin
static in a function of the plugin: destroyed
static of the plugin: destroyed
closed: 0
"""
ENDED = "static of the program: destroyed\nstatic in the library: destroyed\n"


def test_what_an_object_made_goes_with_it(each_strategy, machine):
    each_strategy.libraries = ["libcxx_plugin.so"]
    result = each_strategy.program("test-cxx-open").boot(machine)
    expected = OPENED.format(round=1) + OPENED.format(round=2) + ENDED
    assert printed(result, "test-cxx-open") == expected.splitlines()
    assert result.outcome.verdict is Verdict.PASS and not result.failures


def test_thread_local_objects_hold_their_code(system):
    """It is closed twice, and stays: the object of the one thread goes at exit."""
    system.libraries = ["libcxx_plugin.so"]
    lines = printed(system.program("test-cxx-open", arguments=["thread-local"]).boot(), "test-cxx-open")
    assert lines == [
        "static of the plugin: made",
        "static in a function of the plugin: made",
        "caught 1: from the plugin",
        "thread-local of the plugin: made",
        "thread-local of the plugin",
        "closed: 0",
        "caught 2: from the plugin",
        "thread-local of the plugin",
        "closed: 0",
        "thread-local of the plugin: destroyed",
        "static in a function of the plugin: destroyed",
        "static of the plugin: destroyed",
        *ENDED.splitlines(),
    ]


@pytest.mark.parametrize("linkage", LINKAGES)
def test_what_nothing_catches_ends_the_program(system, linkage):
    name = f"test-cxx-end-{linkage}"
    result = system.program(name, arguments=["uncaught"]).boot()
    assert "libc++abi: terminating due to uncaught exception of type failure: last words" in printed(result, name)
    assert f"loader: {name} was ended by signal 6" in result.outcome.text
    assert result.outcome.verdict is Verdict.FAIL


@pytest.mark.parametrize("linkage", LINKAGES)
def test_noexcept_ends_the_program(system, linkage):
    name = f"test-cxx-end-{linkage}"
    result = system.program(name, arguments=["noexcept"]).boot()
    assert "libc++abi: terminating due to uncaught exception of type plain_failure" in printed(result, name)
    assert f"loader: {name} was ended by signal 6" in result.outcome.text


def test_a_second_thread_throws_and_destroys_its_own(system):
    result = system.program("test-cxx-end-dynamic", arguments=["thread"]).boot()
    assert printed(result, "test-cxx-end-dynamic")[0] == "destroyed, caught 5, a thread ran"
    assert result.outcome.verdict is Verdict.PASS


@pytest.mark.parametrize("linkage", LINKAGES)
def test_a_program_replaces_operator_new_for_its_libraries(system, linkage):
    name = f"test-cxx-end-{linkage}"
    assert printed(system.program(name, arguments=["new"]).boot(), name)[0] == "allocated 1"


@pytest.mark.parametrize("judge", ["g++", "clang++"])
def test_the_development_machine_prints_the_same(sources, tmp_path, judge):
    compiler = shutil.which(judge)
    if compiler is None:
        pytest.skip(f"{judge} is not installed")

    def compile_one(*words):
        done = subprocess.run([compiler, "-std=c++20", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    for name in ("throw", "catch", "plugin"):
        compile_one("-shared", "-fPIC", sources / f"{name}.cc", "-o", f"libcxx_{name}.so")
    as_c = ["-x", "c", "-std=c17", "-fexceptions"]
    compile_one(*as_c, "-shared", "-fPIC", sources / "frames.c", "-o", "libcxx_frames.so")
    libraries = ["-L.", "-Wl,-rpath,$ORIGIN", "-lcxx_catch", "-lcxx_throw", "-lcxx_frames"]
    for name in ("main", "open"):
        compile_one(sources / f"{name}.cc", "-o", name, *libraries, "-ldl")

    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/words").write_text(WORDS)

    def run(name):
        environment = {"LD_LIBRARY_PATH": str(tmp_path)}
        return subprocess.run([tmp_path / name], cwd=tmp_path, env=environment, capture_output=True, text=True).stdout

    assert run("main") == (sources / "expected.txt").read_text()
    assert run("open") == OPENED.format(round=1) + OPENED.format(round=2) + ENDED
