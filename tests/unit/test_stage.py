"""Consoles of boots that run side by side are shown whole, each under its title."""

from ambilink.scons.stage import Console, Stage


def test_the_first_is_shown_as_it_comes_and_the_others_after_it():
    shown: list[str] = []
    stage = Stage(lambda text: shown.extend(text.split("\n")))
    a, b, c = Console("A"), Console("B"), Console("C")
    stage.put(a, "a1")
    assert shown == ["A", "a1"]
    stage.put(b, "b1")
    stage.put(c, "c1")
    stage.put(a, "a2")
    stage.put(c, "c2")
    stage.end(c)
    assert shown == ["A", "a1", "a2"]
    stage.end(a)  # what has ended comes first, then what still runs, from then on as it comes
    assert shown == ["A", "a1", "a2", "C", "c1", "c2", "B", "b1"]
    stage.put(b, "b2")
    assert shown[-1] == "b2"
    stage.end(b)
    stage.put(a := Console("D"), "d1")
    stage.end(a)
    assert shown[-3:] == ["b2", "D", "d1"]


def test_a_boot_that_prints_nothing_is_not_shown():
    shown: list[str] = []
    stage = Stage(shown.append)
    stage.end(Console("A"))
    assert shown == []
