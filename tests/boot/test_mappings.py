"""Address spaces keep their rules, whatever others do between the steps of a call, and cost as little as their
structure says: the kernel's own code on the development machine, and in boots."""

import ctypes
import platform

import pytest

from ambilink.machine.model import Verdict

from .conftest import System


def host_library(build, name):
    if platform.machine() != "x86_64":
        pytest.skip(f"the library was built for x86_64, and this is {platform.machine()}")
    return ctypes.CDLL(str(build / f"lib/lib{name}.so"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mappings_are_those_of_a_plain_table(build, seed):
    library = host_library(build, "mappings_host")
    library.mappings_try.restype = ctypes.c_char_p
    assert library.mappings_try(ctypes.c_uint64(seed), 20_000) is None


COURSES = (
    "map_in_steps",
    "map_that_fails",
    "unmap_in_steps",
    "unmap_what_is_large",
    "protect_for_ever",
    "protect_many",
    "reserve_what_is_huge",
)


@pytest.mark.parametrize("course", COURSES)
def test_what_others_do_between_the_steps_of_a_call(build, course):
    """A line of kernel/space_steps.c that does not hold; 0: all do."""
    assert host_library(build, "space_host")[course]() == 0


def instructions_of_boot(build, folder, mappings, tried):
    budget = {"memory": 24 << 20, "kernel-memory": 6 << 20}
    system = System(build, folder).program("test-many", arguments=[str(mappings), str(tried)], **budget)
    result = system.boot(timeout=120.0)
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text
    assert any(line.endswith(" 0 failed") for line in result.outcome.text), result.outcome.text
    return result.outcome.instructions


def test_a_mapping_costs_hardly_more_among_many(build, tmp_path):
    """A look-up goes a few levels further down, and no more."""
    few, few_tried, more, many, many_tried = (
        instructions_of_boot(build, tmp_path, *numbers)
        for numbers in ((300, 0), (300, 500), (600, 0), (8_000, 0), (8_000, 500))
    )
    assert many_tried - many < 1.4 * (few_tried - few)
    assert (many - more) / 7_400 < 1.2 * (more - few) / 300


def test_more_than_a_gib_is_taken_at_once(system):
    result = system.program("test-much", memory=1100 << 20).boot(memory_megabytes=2048)
    assert "test-much: wrong: 0" in result.outcome.text and result.outcome.verdict is Verdict.PASS
