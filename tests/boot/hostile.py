"""Hostile programs, without any grant, beside normal services. After each of them those must still answer: the warden
(programs/warden.c) starts one after the other, and after each a program that uses all that the system offers."""

from ambilink.boot import BootResult
from ambilink.machine.model import Verdict

from .conftest import AUDIT, System


def hostile(system: System, *names: str, **settings: dict) -> System:
    """A name after "?": that program may end itself in any way. `settings`: a program's own, by its name with "_" for
    "-"."""
    system.service("files", grants=["image"]).file("etc/motd", "Good morning.\n").file("etc/fortunes", "One line.\n")
    system.service("audit", role="on-demand", **AUDIT)
    system.service("fortune", role="on-demand", opens=["etc/fortunes"])
    services = list(dict.fromkeys(name.removeprefix("?") for name in names))
    for name in services:
        system.service(name, role="on-demand", **settings.get(name.replace("-", "_"), {}))
    return system.program("test-warden", arguments=list(names), starts=["audit", *services])


def checks(result: BootResult, *what: str) -> None:
    text = result.outcome.text
    assert result.outcome.verdict is Verdict.PASS, text
    for each in (*what, "warden"):
        assert any(f": {each}: " in f": {line}" and line.endswith(" 0 failed") for line in text), text
    assert not result.failures
