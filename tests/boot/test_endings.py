"""How programs end: handlers of exit and quick_exit, destructors, objects that are closed or never closed, thread-local
objects; in C and C++, in both linkages, by each strategy. The judges are the libcs of the development machine: there
programs of the same sources print the same."""

import random

import pytest
import toml

from ambilink.bootimage.identify import identify
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import startable
from tests.boot.conftest import set_strategy
from tests.boot.endings import Case, Judge, compiler_of, printed, without_destructors

pytestmark = pytest.mark.compiler

LIBRARIES = ["libend_P.so", "libend_Q.so", "libendcc_P.so", "libendcc_Q.so"]


@pytest.fixture(scope="session")
def written(top, build):
    """Cases with what they print; those in C++ where it is built."""
    cases = {}
    for name, values in toml.load(top / "tests/boot/endings.toml").items():
        case = Case(name, **{**values, "prints": values["prints"].split()})
        if (build / f"services/test-{case.kind}-{case.linkage}").exists():
            cases[name] = case
    return cases


@pytest.fixture(scope="session")
def judge(top, tmp_path_factory):
    """A judge by its name and the kind of programs; None where its compiler is not installed."""
    built = {}

    def find(name, kind):
        compiler = compiler_of(name, kind)
        if compiler and (name, kind) not in built:
            built[name, kind] = Judge(compiler, tmp_path_factory.mktemp(f"{name}-{kind}"), kind)
            built[name, kind].build(top / "tests/boot/programs/endings")
        return built.get((name, kind))

    return find


def run_all(system, cases):
    """Nothing is verified but what is printed: that is done elsewhere, and takes long for so many processes."""
    system.libraries = [name for name in LIBRARIES if (system.build / "lib" / name).exists()]
    for case in cases:
        system.program(case.name, **case.service)
    request = BootRequest(system.pack(), seed=1, timeout=300.0)
    text = boot("emulator", startable("emulator", request, identify(request.image), None, system.folder)).text
    return {case.name: " ".join(printed(text, case)) for case in cases}


@pytest.mark.parametrize("strategy", ["loader", "kernel", "interp", "pack"])
def test_programs_end_as_they_should(system, written, strategy):
    found = run_all(set_strategy(system, strategy), written.values())
    assert found == {name: " ".join(case.prints) for name, case in written.items()}


@pytest.mark.parametrize("name", ["glibc", "musl"])
def test_the_development_machine_prints_the_same(written, judge, name):
    if not compiler_of(name, "end"):
        pytest.skip(f"{name}'s compiler is not installed")
    for case in written.values():
        judged = judge(name, case.kind)
        if judged is None:
            continue
        if name in case.judges:
            assert " ".join(judged.run(case)) == " ".join(case.prints), case
        elif f"{name}~" in case.judges:
            lines = judged.run(case)
            ours = " ".join(case.prints).replace("status ", "status_").split(" ")
            theirs = " ".join(lines).replace("status ", "status_").split(" ")
            assert without_destructors(theirs) == without_destructors(ours), case


class Writer:
    """Random scripts that a libc has an answer to: nothing is closed twice, or by its own handlers. musl's dlclose
    closes nothing, and glibc runs handlers of the program's libraries among their destructors."""

    def __init__(self, chance: random.Random, name: str, kind: str, linkage: str) -> None:
        self.chance, self.name, self.kind = chance, name, kind
        self.closes = name == "glibc" and linkage == "dynamic"
        self.opens = linkage == "dynamic"
        self.open: list[str] = []

    def word(self, who: str) -> str:
        others = ["A:", "B:", *(f"{each}:" for each in "PQ" if each in self.open), ""]
        number = self.chance.randrange(4)
        words = [f"a{number}", f"k{number}"] + ([f"s{1 + number % 2}", "t"] if self.kind == "endcc" else [])
        if self.chance.random() < 0.2:
            return f"g{self.chance.choice(['A', 'B', *self.open])}{number}"
        return self.chance.choice(others if who == "M" else [""]) + self.chance.choice(words)

    def program(self) -> str:
        words = []
        for _ in range(self.chance.randrange(3, 12)):
            name = self.chance.choice("PQ")
            if self.opens and self.chance.random() < 0.35 and (self.closes or name not in self.open):
                words.append(("c" if name in self.open else "o") + name)
                (self.open.remove if name in self.open else self.open.append)(name)
            else:
                words.append(self.word("M"))
        return " ".join([*words, self.chance.choice(["x3", "x0", "q2", "", "", ""])])

    def script(self) -> dict[str, str]:
        script = {"M": self.program()}
        for owner in "ABMPQ":
            number = self.chance.randrange(4)
            others = " ".join(f"a{self.chance.randrange(number)}" for _ in range(number and self.chance.randrange(3)))
            script[f"{owner}{number}"] = others  # lower ones alone, so that there is an end
            if self.chance.random() < 0.3 and (self.name == "musl" or owner in "MPQ"):
                script[f"{owner}c"] = f"a{self.chance.randrange(4)}"
            if self.chance.random() < 0.3 and self.name == "glibc" and self.kind == "end" and owner in "ABM":
                script[f"{owner}d"] = f"a{self.chance.randrange(4)}"
        taken = [(name, words) for name, words in script.items() if words]
        return dict(taken[:8])  # variables that a service may have


@pytest.mark.parametrize("name", ["glibc", "musl"])
def test_scripts_at_random(system, judge, name):
    if not compiler_of(name, "end"):
        pytest.skip(f"{name}'s compiler is not installed")
    cases, chance = [], random.Random(7)
    for number in range(40):
        kind = "endcc" if number % 3 == 0 and judge(name, "endcc") else "end"
        linkage = "static" if number % 5 == 0 else "dynamic"
        if (system.build / f"services/test-{kind}-{linkage}").exists():
            cases.append(Case(f"{name}-{number}", Writer(chance, name, kind, linkage).script(), kind, linkage))
    found = run_all(system, cases)
    for case in cases:
        theirs = without_destructors(judge(name, case.kind).run(case)[:-1])
        ours = without_destructors(found[case.name].split(" ")[:-2])
        assert ours == theirs, case
