"""Fixtures that every kind of test shares. `./scons test` says what was built, and where, by environment."""

import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

import pytest
from _pytest.junitxml import bin_xml_escape
from hypothesis import HealthCheck, settings

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "toolchain"))


def pytest_addoption(parser) -> None:
    parser.addoption("--write-libc-table", action="store_true", help="write the table of libs/c/README.md")
    parser.addoption("--not-passed-in", metavar="FILE", help="leave out what passed in this JUnit XML")


# How long a case takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
PASSED = pytest.StashKey[set[str]]()


def pytest_configure(config) -> None:
    """What tests start gets the signals of a terminal's program: nohup, or a shell's `&`, may have us ignore them."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    file = config.getoption("--not-passed-in")
    config.stash[PASSED] = passed_in(file) if file else set()


def passed_in(file: str | Path) -> set[str]:
    """The tests that a JUnit XML calls neither failed nor skipped, each by its file and name."""
    try:
        cases = list(xml.etree.ElementTree.parse(file).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        raise pytest.UsageError(f"--not-passed-in {file}: {error}") from None
    return {name_of(case) for case in cases} - {name_of(case) for case in cases if case_is_bad(case)}


def name_of(case: xml.etree.ElementTree.Element) -> str:
    return f"{case.get('classname')}.{case.get('name')}"


def case_is_bad(case: xml.etree.ElementTree.Element) -> bool:
    return any(child.tag in ("failure", "error", "skipped") for child in case)


# Each of these takes long as a whole. They begin first, or one of them runs alone at the end.
LONG = (
    "docs/test_commands.py",
    "build/test_reproducible.py",
    "build/test_system.py",
    "targets/test_musl.py",
    "new/test_projects.py",
    "build/test_foreign_tree.py",
    "build/test_remote_cache.py",
    "boot/test_semantics.py",
    "build/test_early_stop.py",
    "build/test_stopping.py",
    "soak/test_soak.py",
    "elf/test_campaign.py",
    "rtld/test_judge.py",
    "build/test_dependencies.py",
    "build/test_work.py",
    "rtld/test_malformed.py",
    "build/test_up_to_date.py",
)
FEW = 100  # tests for which no slowest are listed
COLUMNS = 80


def pytest_collection_modifyitems(config, items) -> None:
    """Those marked `tools` stay, as they look closer this time."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0].removeprefix("tests/"), len(places)))
    passed = config.stash[PASSED]
    left_out = [item for item in items if junit_name(item) in passed and not item.get_closest_marker("tools")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def junit_name(item: pytest.Item) -> str:
    file, _, test = item.nodeid.partition("::")
    return bin_xml_escape(f"{file.removesuffix('.py').replace('/', '.')}.{test}")


def pytest_terminal_summary(terminalreporter) -> None:
    """What took longest, with what was made for it."""
    seconds: Counter[str] = Counter()
    for report in (each for reports in terminalreporter.stats.values() for each in reports):
        if isinstance(report, pytest.TestReport):
            seconds[report.nodeid] += report.duration
    if len(seconds) > FEW:
        terminalreporter.section("slowest ten")
        for name, taken in seconds.most_common(10):
            line = f"{taken:6.1f} s  {name.removeprefix('tests/')}"
            terminalreporter.write_line(line if len(line) <= COLUMNS else f"{line[: COLUMNS - 3]}...")


@pytest.fixture(scope="session")
def top() -> Path:
    return TOP


@pytest.fixture(scope="session")
def build() -> Path:
    """The build folder: kernel, lib/, services/, boot.img."""
    path = Path(os.environ.get("AMBILINK_BUILD", TOP / "build/x86_64"))
    assert (path / "boot.img").is_file(), f"{path} holds no boot image: run the tests by ./scons test"
    return path


@pytest.fixture(scope="session")
def toolset():
    """The compiler that the build used."""
    from ambilink.compile.toolset import load_toolset

    return load_toolset(os.environ.get("AMBILINK_COMPILER", "hermetic"), os.environ.get("AMBILINK_TARGET", "x86_64"))


@pytest.fixture(scope="session")
def build_cache() -> Path:
    """A cache for trees that need libc: it is compiled once for all of them, and kept for the next run."""
    return Path(os.environ.get("AMBILINK_TEST_CACHE", TOP / "build/.ambilink/test-cache"))


@pytest.fixture(params=["emulator", "qemu"])
def machine(request) -> str:
    if request.param == "qemu" and shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    return request.param


MADE = ("__pycache__", "*.egg-info", ".git", ".venv", ".*_cache", ".hypothesis")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
OFFLINE = ["--no-index", "--no-deps"]


def copy_sources(folder: Path) -> Path:
    """This checkout without what is built in it. Packaging leaves files beside the sources."""
    inside = shutil.ignore_patterns(*MADE)
    outside = shutil.ignore_patterns(*MADE, "build")  # tests/build is none of its outputs
    shutil.copytree(TOP, folder, ignore=lambda at, names: (outside if at == str(TOP) else inside)(at, names))
    return folder


def make_wheel(sources: Path, folder: Path) -> Path:
    words = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", folder, sources]
    subprocess.run(words, check=True)
    (wheel,) = folder.glob("ambilink-*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    return make_wheel(copy_sources(folder / "source"), folder)


@pytest.fixture(scope="session")
def wheel_python(wheel, tmp_path_factory) -> Path:
    """Python of an environment in which the wheel is installed; what it depends on is this environment's."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    # A path in such a file is searched, and the .pth files in it are not read: the checkout stays out.
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    python = venv / "bin/python"
    subprocess.run([*PIP, "--python", python, "install", *OFFLINE, wheel], check=True)
    return python
