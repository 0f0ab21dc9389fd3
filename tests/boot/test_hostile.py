"""What an unprivileged process must not be able to do; one boot for all that it tries."""

from .hostile import checks, hostile


def test_rights_stay_and_services_hold(each_strategy):
    checks(hostile(each_strategy, "hostile-rights", "hostile-services").boot(), "rights", "services")


def test_hostile_programs_together(system, machine):
    result = hostile(system, "hostile-rights", "hostile-services", "hostile-messages").boot(machine)
    checks(result, "rights", "services", "messages")
    # A line of a program is headed by the name that it has, not by one that it chose.
    assert "hostile-services: loader: every program of the manifest ended: passed" in result.outcome.text
