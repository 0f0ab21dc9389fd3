"""A slice of `./scons judge-arithmetic`: the bundled emulator computes what this machine's processor computes."""

import pytest

from ambilink.machine.emulator import native
from tests.arithmetic.judge import judge, shown, why_not
from tests.arithmetic.kinds import all_kinds

COUNT = 200  # operations of each kind; the campaign has 100,000
GROUPS = ("x87", "functions", "sse", "integer")


@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
@pytest.mark.parametrize("group", GROUPS)
def test_results_and_flags_are_the_processors(group: str) -> None:
    if reason := native.missing():
        pytest.skip(f"the emulator has no native helper here: {reason}")
    kinds = [kind for kind in all_kinds() if kind.group == group]
    wrong = [verdict for verdict in judge(kinds, COUNT, seed=7) if not verdict.is_right]
    assert not wrong, "\n".join(f"{each.kind.name}:\n{shown(each.shown[0], each.kind)}" for each in wrong[:5])


def test_groups_are_all() -> None:
    assert {kind.group for kind in all_kinds()} == set(GROUPS)
