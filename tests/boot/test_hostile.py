"""What an unprivileged process must not be able to do; one boot for all that it tries."""

from .hostile import checks, hostile


def test_rights_stay_with_mappings_badges_and_watchers(each_strategy):
    checks(hostile(each_strategy, "hostile-rights").boot(), "rights")


def test_hostile_programs_together(system, machine):
    checks(hostile(system, "hostile-rights").boot(machine), "rights")
