"""The tool in an existing SCons tree: gpsd's, which has a variant folder, Configure, and tools of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile

import pytest

VERSION = "3.22"
SOURCE = "deb-src http://deb.debian.org/debian bookworm main\n"
DIGEST = "68d2a04e237a02ce42158ceda462a24afe11eeaa2b13482e94ac7ef66693f3a0"
OFF = ("gpsdclients", "python", "qt", "manbuild", "ncurses")
OPTIONS = ["minimal=yes", "gpsd=yes", "nostrip=yes", "reproducible=1", *(f"{name}=no" for name in OFF)]
FOLDER = f"gpsd-{VERSION}"
TARGETS = [f"{FOLDER}/gpsd/gpsd", f"{FOLDER}/tests/test_packet"]
LOAD = """\
env.Tool("ambilink", toolpath=[{toolpath!r}])
"""
# Flags and libraries of its environment are the host's.
DECLARE = """
system = env.Clone(CCFLAGS=[], CFLAGS=[], CPPPATH=[], LINKFLAGS=[], LIBPATH=[], LIBS=[])
system.DualLibrary("both", ["#both.c"])
system.Service("user", ["#user.c"], LIBS=["both"], linkage="static")
system["AMBILINK"].check()
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    for program in ("apt-get", "gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: gpsd's source is fetched by apt-get and built by gcc")
    folder = tmp_path_factory.mktemp("apt")
    (folder / "sources.list").write_text(SOURCE)
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    places = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/nonexistent",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Retries": "0",
        "Acquire::http::Timeout": "10",
    }
    apt = ["apt-get", *(word for key, value in places.items() for word in ("-o", f"{key}={value}"))]
    for words in (["update"], ["source", "--download-only", "gpsd"]):
        try:
            done = subprocess.run([*apt, *words], cwd=folder, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            pytest.skip(f"apt-get {words[0]} did not end in 120 s")
        if done.returncode:
            pytest.skip(f"apt-get {words[0]} cannot fetch gpsd's source: {done.stderr.strip().splitlines()[-1]}")
    found = list(folder.glob(f"gpsd_{VERSION}.orig.tar.xz"))
    if not found or hashlib.sha256(found[0].read_bytes()).hexdigest() != DIGEST:
        pytest.skip(f"the archive has another gpsd than {VERSION}")
    return found[0]


def unpack(archive, folder):
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / FOLDER


def run(tree, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "SCons", "-Q", f"-j{len(os.sched_getaffinity(0))}", *OPTIONS, *TARGETS, *more]
    return subprocess.run(words, cwd=tree, capture_output=True, text=True, timeout=300)


def build(tree, *more: str) -> str:
    done = run(tree, *more)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def products(tree) -> dict[str, bytes]:
    """Everything that was made, but what SCons keeps for itself, and the SConscript's own copy."""
    folder = tree / FOLDER
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "/.scon" not in path.as_posix() and path.name != "SConscript"
    }


def test_its_products_stay_the_same(archive, top, tmp_path):
    plain, ours = unpack(archive, tmp_path / "plain"), unpack(archive, tmp_path / "ours")
    script = ours / "SConscript"
    text = script.read_text()
    assert text.count("\nconfig = Configure(env") == 1
    load = LOAD.format(toolpath=str(top / "site_scons/site_tools"))
    script.write_text(text.replace("\nconfig = Configure(env", f"\n{load}config = Configure(env") + DECLARE)
    (ours / "both.c").write_text("int both(void) { return 1; }\n")
    (ours / "user.c").write_text("int both(void);\nvoid _start(void) { for (;;) both(); }\n")
    done = run(plain)
    if done.returncode:  # what it wants of a machine is its own affair
        pytest.skip(f"gpsd without our tool is not built here: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    build(ours, "build/x86_64/lib/libboth.so", "build/x86_64/services/user")
    before, after = products(plain), products(ours)
    assert f"{TARGETS[0].removeprefix(FOLDER + '/')}" in before and len(before) > 50
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []
    assert (ours / "build/x86_64/lib/libboth.a").is_file() and (ours / "build/x86_64/lib/libboth.so").is_file()
    assert "up to date" in build(ours)
