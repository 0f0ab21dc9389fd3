"""Mutated kernels end with a verdict and its cause. `./scons fuzz-machine` boots many more."""

from .fuzz_machine import MUTATIONS, run_case, table

FIRST, COUNT = 0, 16


def test_mutated_kernels_have_a_verdict(build):
    results = [run_case(build, 1, number) for number in range(FIRST, FIRST + COUNT)]
    assert [each for each in results if each.is_wrong] == []
    assert {each.mutation for each in results} == {each.__name__ for each in MUTATIONS}
    assert len({each.verdict for each in results}) > 2 and table(results)
