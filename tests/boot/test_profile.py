"""Where a boot's instructions go: none is lost, and each is where its function is."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.profile import profile

from .conftest import boot

pytestmark = pytest.mark.compiler


def test_each_instruction_is_counted_once(system, build):
    image = system.program("test-exit", arguments=["0"]).pack()
    plain = boot(build, image)
    found = profile(BootRequest(image, seed=1), build)
    assert found.outcome.verdict is Verdict.PASS
    assert found.outcome.instructions == found.places.total() == plain.outcome.instructions
    assert found.outcome.text == plain.outcome.text


def test_places_are_processes_files_and_functions(system, build):
    """The packer gives every program the same addresses: page tables keep them apart."""
    system.linker = "pack"
    for name in ("one", "two"):
        system.program(name, program="test-exit", arguments=["0"])
    found = profile(BootRequest(system.pack(), seed=1), build)
    assert found.outcome.verdict is Verdict.PASS
    functions = Counter()
    for place, count in found.places.items():
        functions[place.process, place.file, place.function] += count
    for name in ("one", "two"):
        assert functions[name, "services/test-exit", "main"] == functions["one", "services/test-exit", "main"] > 0
    # Each process begins once.
    begins = functions["kernel", "kernel", "process_begins"]
    assert begins and begins % 5 == 0
    unknown = sum(count for place, count in found.places.items() if place.process == "?")
    assert unknown < 100  # the kernel's first steps, at low addresses


def test_the_command(system, build):
    image = system.program("test-exit", arguments=["0"]).pack()
    command = [sys.executable, "-m", "ambilink", "profile", str(image), "--root", str(build)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "pass"
    assert sum(place["instructions"] for place in found["places"]) == found["instructions"]
    command[4] = str(build / "kernel")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "ambilink: " in done.stderr
