"""Both ends of the ranges of what an installed package needs, in environments of their own."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.build.test_system import HELLO, MANIFEST
from tests.conftest import OFFLINE, PIP

RANGE = re.compile(r"([\w-]+)>=([\d.]+),<([\d.]+)")
SYSTEM = """\
import ambilink.scons
env = Environment(tools=[ambilink.scons.tool], AMBILINK_COMPILER={compiler!r}, AMBILINK_CACHE={cache!r})
env.AmbilinkSystem()
env.DualLibrary("own", ["own.c"], LIBS=["c"])
env.Service("hello", ["hello.c"], LIBS=["own", "log", "c"])
env.BootTest("boot.log", env.BootImage("boot.img", "boot.toml"))
env.CompileCommands()
env["AMBILINK"].check()
"""


def ends(top: Path) -> dict[str, list[str]]:
    """What pip is asked for: the oldest series of each package, and the newest version that is allowed."""
    needed = tomllib.loads((top / "pyproject.toml").read_text())["project"]["dependencies"]
    ranges = [match for match in map(RANGE.fullmatch, needed) if match]
    assert len(ranges) == len(needed) - 2, "all but unicorn and ziglang are ranges"
    return {"oldest": [f"{each[1]}=={each[2]}.*" for each in ranges], "newest": [each[0] for each in ranges]}


@pytest.mark.parametrize("end", ["oldest", "newest"])
def test_the_system_is_built_with(end, top, wheel, tree, build_cache, tmp_path_factory):
    venv = tmp_path_factory.mktemp(end) / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin/python"
    words = [*PIP, "--python", python, "install"]
    fetch = [*words, "--retries", "0", "--timeout", "10", *ends(top)[end]]
    done = subprocess.run(fetch, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot fetch the packages: {done.stderr.strip().splitlines()[-1]}")
    subprocess.run([*words, *OFFLINE, wheel], check=True)
    # The packages with exact versions are this environment's; those that were installed come first.
    (packages,) = venv.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    tree.write("own.c", "int own(void) { return 1; }\n")
    tree.write("hello.c", HELLO)
    tree.write("boot.toml", MANIFEST)
    tree.write("SConstruct", SYSTEM.format(compiler=tree.compiler, cache=str(build_cache)))
    version = subprocess.run([python, "-c", "import SCons; print(SCons.__version__)"], capture_output=True, text=True)
    assert version.stdout.startswith({"oldest": "4.5.", "newest": "4.11."}[end])
    for expected in ("hello: Hello from elsewhere.", "is up to date"):
        done = subprocess.run([python, "-m", "SCons"], cwd=tree.folder, capture_output=True, text=True)
        assert done.returncode == 0 and expected in done.stdout, done.stdout + done.stderr
