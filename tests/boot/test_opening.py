"""dlopen and its relatives, a malloc of the program's own, many libraries: programs print what they print under glibc,
under every linking strategy."""

import re
import shutil
import subprocess

import pytest

from ambilink.bootimage.identify import identify
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import startable

from .opening import Objects

pytestmark = pytest.mark.compiler

PARTS = ["ends", "scopes", "cycles", "lazy", "locals", "many", "lengths"]
MALLOC = "own_malloc.c"


@pytest.fixture(scope="module")
def objects(top, toolset, tmp_path_factory) -> Objects:
    objects = Objects(toolset, tmp_path_factory.mktemp("objects"), top / "tests/boot/programs/opening")
    objects.build()
    return objects


@pytest.fixture(scope="module")
def judged(objects) -> dict[str, list[str]]:
    """What each part prints under glibc, with the exit status at the end."""
    if not shutil.which("gcc"):
        pytest.skip("glibc's compiler is not installed (Debian: gcc)")
    folder = objects.folder
    said = {}

    def run(*words: str, now: str = "") -> list[str]:
        environment = {"LD_LIBRARY_PATH": str(folder), **({"LD_BIND_NOW": now} if now else {})}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
        return [*done.stdout.splitlines(), f"status {done.returncode}"]

    def compile(output: str, source: str, *flags: str) -> None:
        objects.run("gcc", "-w", "-D_GNU_SOURCE", *flags, objects.sources / source, "-o", output, "-rdynamic", "-ldl")

    compile("opening", "main.c")
    compile("malloc", MALLOC)
    for part in PARTS:
        said[part] = run("./opening", part)
    said["lazy-now"] = run("./opening", "lazy", now="1")
    said["malloc"] = run("./malloc")
    return said


def spoken(text: list[str], name: str) -> list[str]:
    lines = [line.removeprefix(f"{name}: ") for line in text if line.startswith(f"{name}: ")]
    exits = [re.fullmatch(rf"loader: {name} exited, status (\d+)", line) for line in text]
    status = next((found[1] for found in exits if found), 0)
    return [*(line for line in lines if "symbol lookup error" not in line), f"status {status}"]


@pytest.mark.parametrize("strategy", ["loader", "kernel", "interp", "pack"])
def test_programs_print_what_they_print_under_glibc(system, objects, judged, strategy):
    objects.add_to(system, strategy)
    opens = {"program": "test-opening", "stack": 131072}
    for part in PARTS:
        system.program(part, arguments=[part], **opens)
    system.program("lazy-now", arguments=["lazy"], environment={"LD_BIND_NOW": "1"}, **opens)
    system.program("needs-many", arguments=["many"], **(opens | {"program": "test-opening-many"}))
    for name in ("malloc", "malloc-alone"):
        system.program(name, program=f"test-own-{name}")
    request = BootRequest(system.pack(), seed=1, timeout=300.0)
    text = boot("emulator", startable("emulator", request, identify(request.image), None, system.folder)).text
    for name, lines in judged.items():
        assert "\n".join(spoken(text, name)) == "\n".join(lines), name
    # It says which function was missed; the program that has 150 libraries opens them like the other one.
    missed = [line for line in text if line.startswith("lazy: lazy: symbol lookup error: libcalls.so")]
    assert len(missed) == 1 and "never_comes" in missed[0]
    assert spoken(text, "needs-many") == judged["many"]
    assert spoken(text, "malloc-alone") == [judged["malloc"][0], "0 1", "0 foreign", "status 0"]
