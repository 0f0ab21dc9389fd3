"""Functions that are bound at their first call, where a manifest asks for it: as glibc binds them by default."""

import re
import shutil
import subprocess

import pytest

from ambilink.machine.model import Verdict

from .conftest import set_strategy

pytestmark = pytest.mark.compiler

PAIR = re.compile(r"binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `(\w+)'")


@pytest.fixture(scope="module")
def judged(top, tmp_path_factory) -> tuple[list[str], set[tuple[str, str, str]]]:
    """What the program prints under glibc, and which of its own functions were bound: object, symbol, provider."""
    if not shutil.which("gcc"):
        pytest.skip("glibc's compiler is not installed (Debian: gcc)")
    folder, sources = tmp_path_factory.mktemp("lazy"), top / "tests/boot/programs/lazy"
    common = ["gcc", "-w", "-O1", "-fno-builtin", "-frounding-math", "-fPIC", "-fcf-protection=none", "-Wl,-z,lazy"]
    words = [["-shared", "-o", "liblazy.so", sources / "library.c"]]
    words.append(["-o", "lazy", sources / "main.c", "-L.", "-llazy", "-lm", "-pthread", "-rdynamic"])
    for each in words:
        subprocess.run([*common, *each], cwd=folder, check=True)
    environment = {"LD_LIBRARY_PATH": str(folder), "LD_DEBUG": "bindings"}
    done = subprocess.run(["./lazy"], env=environment, cwd=folder, capture_output=True, text=True, check=True)
    pairs = {(name(user), symbol, name(provider)) for user, provider, symbol in PAIR.findall(done.stderr)}
    return done.stdout.splitlines(), {pair for pair in pairs if {pair[0], pair[2]} <= {"program", "liblazy.so"}}


def name(file: str) -> str:
    return "liblazy.so" if file.endswith("liblazy.so") else "program" if file.endswith("lazy") else file


def spoken(result, program: str) -> list[str]:
    lines = [line.removeprefix(f"{program}: ") for line in result.outcome.text if line.startswith(f"{program}: ")]
    return [line for line in lines if not line.startswith("static chain")]


def bound(result, process: str) -> set[tuple[str, str, str]]:
    """Of the program's own functions."""
    called = {"services/test-lazy": "program", "lib/liblazy.so": "liblazy.so"}
    own = [each for each in result.slots.bound if each.process == process]
    found = {(called.get(each.object), each.symbol, called.get(each.provider)) for each in own}
    return {pair for pair in found if None not in pair}


@pytest.mark.parametrize("strategy", ["loader", "loader+dynamic", "kernel", "interp", "interp+libc.so"])
def test_functions_are_bound_as_glibc_binds_them(system, judged, machine, strategy):
    if machine != "emulator" and strategy not in ("loader", "kernel"):
        pytest.skip("one machine is enough for the others")
    set_strategy(system, strategy)
    system.program("lazy", program="test-lazy", binding="lazy")
    system.program("now", program="test-lazy")
    result = system.boot(machine)
    text, pairs = judged
    assert result.outcome.verdict is Verdict.PASS and not result.failures, result.outcome.text
    assert spoken(result, "lazy") == text
    assert "lazy: static chain 1" in result.outcome.text
    # Bound when it is linked, an indirect function is chosen before the program asks how often.
    assert spoken(result, "now") == [line.replace("before 0", "before 1") for line in text]
    # What has its address taken may be bound at once, as that is; under glibc `kept` is not called.
    pointers = {(user, symbol, "liblazy.so") for user in ("liblazy.so", "program") for symbol in ("twice", "late")}
    wanted = (pairs - pointers) | {("program", "kept", "liblazy.so")}
    assert bound(result, "lazy") - pointers == wanted and len(pairs) > 70
    assert not any("never_called" in pair for pair in pairs)
    assert not bound(result, "now")


def test_a_slot_has_one_of_two_values(system, toolset):
    """Its PLT entry's address, or its function's. What its PLT entry leads on by stays (in RELRO with GNU ld)."""
    wrong = ["slot"] if toolset.name == "gnu" else ["slot", "table"]
    for what in wrong:
        system.program(what, program="test-lazy", arguments=[what], binding="lazy")
    result = system.boot()
    assert result.outcome.verdict is Verdict.PASS and len(result.failures) == len(wrong), result.failures
    assert "the slot of never_called, which is bound at its first call, holds 0x" in result.failures[0]
    assert "table" not in wrong or "which its calls lead on by, is another" in result.failures[1]
