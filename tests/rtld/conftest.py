"""The linker core on the development machine, through ctypes; small objects made by the build's compiler."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ambilink.compile.toolset import load_toolset
from ambilink.core import CoreUnavailable, Linker, load_linker

from .semantics import Case, machine_can_judge, toolchains


@pytest.fixture(scope="session")
def linker() -> Linker:
    """The core as `ambilink link` has it."""
    try:
        return load_linker()
    except CoreUnavailable as error:
        if sys.platform == "linux":
            raise
        pytest.skip(str(error))


Make = Callable[..., bytes]


@pytest.fixture
def make(toolset, tmp_path) -> Make:
    """make(name, source, *libraries, flags=[...]): a shared object (lib*.so) or a program, as bytes."""

    def run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def build_one(
        name: str, source: str, *libraries: str, flags: tuple[str, ...] = (), compile: tuple[str, ...] = ()
    ) -> bytes:
        path, unit = tmp_path / name, tmp_path / f"{name}.c"
        unit.write_text(source)
        run(*toolset.cc, *toolset.compile_flags, "-O1", "-fPIC", *compile, "-c", str(unit), "-o", f"{path}.o")
        is_library = name.startswith("lib")
        kind = (*toolset.shared_library_flags, "-soname", name) if is_library else toolset.dynamic_program_flags
        inputs = [str(tmp_path / library) for library in libraries]
        words = [word for word in kind if word != "--as-needed"]
        run(
            *toolset.ld,
            *words,
            "--allow-shlib-undefined",
            "--no-gc-sections",
            *flags,
            "-o",
            str(path),
            f"{path}.o",
            *inputs,
        )
        return path.read_bytes()

    return build_one


@pytest.fixture(scope="session")
def test_linker(build) -> Path:
    """The core as a dynamic linker of Linux (tests/rtld/ld)."""
    if why := machine_can_judge():
        pytest.skip(why)
    return build / "lib/libld_test.so"


def pytest_generate_tests(metafunc) -> None:
    if "tools" in metafunc.fixturenames:
        found = toolchains(load_toolset("hermetic", "x86_64"))
        # Those of the bundled toolchain run as services (tests/boot/test_semantics.py). Musl's linker is asked too.
        if metafunc.module.__name__.rpartition(".")[2].startswith("test_semantics_"):
            found = found[1:]
        marks = {found[0].name: [pytest.mark.compiler, pytest.mark.tools]} if found else {}
        cases = [pytest.param(each, id=each.name, marks=marks.get(each.name, [])) for each in found]
        metafunc.parametrize("tools", cases)


@pytest.fixture
def case(request, tmp_path, tools, test_linker) -> Case:
    found = Case(tmp_path, tools, test_linker)
    found.musl = getattr(request.module, "MUSL_AGREES", False)
    return found
